"""The block step as three GPU kernels, in two versions: in Pallas (`_jax`) for JAX, in Triton (`_torch`) for torch.

Executed operation by operation, the arrays of `block_gradients` (`kerazoo.word2vec.keras`) are written to memory and
read again, with a kernel launch each: on an H100 a step of 16,384 tokens takes torch 3.1 ms that way, and 0.06 ms with
these kernels, replayed as a CUDA graph (JAX, which fuses operations and compiles the loop: 0.26 and 0.20 ms). The
kernels of a step are:

1. *Gradients*: a program for each group of G centres gathers its G + 2w rows of W and its G + K' rows of C, and
   computes logits, errors and gradients in registers; the gradients are added to arrays of the tables' shape.
2. *Update of W*, 3. *of C and b*: a program for every sixteen positions of the block reads the sums of their words,
   clips each row, updates the table, and sets the sums to zero. A word that occurs at several positions is updated by
   the position that the first kernel stored last in `owners`, so no sort is needed, and the cost depends on the block
   and not on the size of the vocabulary.

The programs of a GPU add in any order, and float additions then round differently each time. Therefore every term is
first rounded to a multiple of 2^-14 (2^-12 for biases): sums of these are exact up to 2^24 multiples, which a row
hardly ever exceeds, so a training repeats to the bit. The error of a term, 2^-15, is multiplied by a learning rate of
hundredths.
"""
