"""One question a file, each also a program: `python -m benchmarks.questions.NAME`."""
