"""One question per file, each also a program: `python -m benchmarks.questions.NAME`."""
