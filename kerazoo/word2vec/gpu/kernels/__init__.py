"""The block step as three kernels of a GPU, twice: in Pallas (`_jax`) for JAX, in Triton (`_torch`) for torch.

Operation by operation, the arrays of `block_gradients` (`kerazoo.word2vec.keras`) go out to memory and come back, at a
launch each: on an H100 a step of 16,384 tokens takes torch 3.1 ms that way, and 0.06 ms here, replayed as a CUDA
graph (JAX, which fuses operations and compiles the loop: 0.26 and 0.20 ms). Here a step is:

1. *Gradients*: a program for each group of G centres gathers its G + 2w rows of W and its G + K' rows of C, multiplies,
   takes the errors and multiplies them back, all in registers; the gradients are added to arrays of the tables' shape.
2. *Update of W*, 3. *of C and b*: a program for every sixteen places of the block takes the sums of their words, clips
   each row, changes the table, and leaves zeros behind. A word that stands in several places belongs to whichever place
   the first kernel stored last at `owners`, so no sort is needed; and the work is that of the block, however large the
   vocabulary.

The programs of a GPU add in any order, and float additions then round otherwise each time. Therefore every term is
rounded to a multiple of 2^-14 (2^-12 for biases) first: sums of those are exact up to 2^24 multiples, which a row
hardly ever exceeds, so a training repeats to the bit. The error of a term, 2^-15, is multiplied by a learning rate of
hundredths.
"""
