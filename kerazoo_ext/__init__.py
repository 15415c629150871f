"""Compiled kernels of kerazoo: text scanning and batch generation.

The modules here take and give NumPy arrays, release the GIL and trust their arguments: they are called
through :mod:`kerazoo`, which validates. They never import :mod:`kerazoo`.
"""
