"""Forecasts of single series by recurrent nets."""
