"""Fuzzing of every reader: `python -m tests.fuzz`.

A target (`targets/`) is one reader with valid inputs. Inputs are mutated (`mutation.py`: bytes and text;
`tensor_files.py`: arrays and JSON with checksums that fit), run in forked children with limits on memory and time
(`runner.py`), and checked: no crash, no hang, no MemoryError, no exception that the reader does not document, no file
outside of its folder, no program, no import (`watch.py`). Inputs that end in a new way, or reach
new edges of kerazoo's Python code (`coverage.py`), are mutated further.
"""
