"""Programs that read results: comparison of two runs, Markdown tables, plots."""
