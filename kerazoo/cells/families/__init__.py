"""The cells, one family of papers a file; each file lists its cells in `CELLS`."""
