"""The engines that train word vectors: native (in C on the CPU) and Keras (any backend and device)."""
