"""Benchmarks of kerazoo: one question a file, results as JSON under `benchmarks/results/`."""
