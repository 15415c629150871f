"""How word vectors are trained: in C on the CPU, or by Keras."""
