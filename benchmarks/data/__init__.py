"""Public series for the forecasting benchmarks."""
