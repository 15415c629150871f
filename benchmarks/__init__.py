"""Benchmarks of kerazoo: one question per file, results as JSON in `benchmarks/results/`."""
