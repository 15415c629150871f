"""Compiled kernels of kerazoo: the text scanner, batches, word2vec training, and statistics of series.

========================== ================================================================================
`_scan`                    UTF-8 text to word ids and counts
`_phrases`                 pairs of neighbouring words: counted, and joined to phrases
`_token_lists`             lists of tokens to word ids
`_pairs`, `_blocks`        skip-gram pairs and token blocks of a corpus
`_noise`, `_order`         noise words from an alias table; random permutations
`_sequences`               windows over series
`_panel_windows`           windows over a panel of series, drawn at random and scaled one by one
`_word2vec`                training of word vectors, for several instruction sets
`_subwords`                buckets of the character n-grams of words, and means of their rows
`_smoothing`               innovations of exponential smoothing, and their gradient
`_statistics`              smoothing, theta and autoregressions of many series, at rolling origins
========================== ================================================================================

Kernels read and write NumPy arrays and release the GIL. They check shapes and ranges of scalars, but trust values such
as word ids: call them through :mod:`kerazoo`, which validates. They never import :mod:`kerazoo`.
"""
