"""Cells around a cell."""
