"""The documentation site: what its hooks make, its links, and a check in a browser."""
