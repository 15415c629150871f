"""Word2vec training in place, on vectors of the widest instruction set that the CPU has."""

import numpy as np
from numpy.typing import NDArray

INSTRUCTION_SETS: tuple[str, ...]
"""``"plain"``, ``"avx2"``, ``"avx512"``, from narrow to wide."""

def widest() -> str:
    """The widest instruction set that this CPU has (and this build knows)."""

def train(
    ids: NDArray[np.int32],
    offsets: NDArray[np.int64],
    keep: NDArray[np.uint32] | None,
    keys: NDArray[np.uint64],
    window: int,
    shrink: bool,
    *,
    inputs: NDArray[np.float32],
    alias_table: NDArray[np.uint64],
    outputs: NDArray[np.float32] | None,
    biases: NDArray[np.float32] | None,
    log_expected: NDArray[np.float32] | None,
    nodes: NDArray[np.float32] | None,
    path_offsets: NDArray[np.int64] | None,
    paths: NDArray[np.int32] | None,
    longest_path: int,
    cbow: bool,
    mean: bool,
    size: int,
    reach: int,
    group: int,
    n_noise: int,
    noise_weight: float,
    remove_hits: bool,
    measured_every: int,
    alpha: float,
    min_alpha: float,
    words_before: int,
    words: int,
    words_done: NDArray[np.int64],
    instruction_set: str,
    begin: int,
    end: int,
) -> tuple[float, int, int]:
    """Train on the kept tokens at raw positions begin..end - 1 as centres; any number of threads at once.

    Args:
        ids, offsets, keep, keys, window, shrink: as in `_pairs`; keys[2] is that of the noise.
        inputs: float32 (V, S), changed. S is `size` rounded up to a multiple of 16; rows are 0 beyond `size`, and the first
            one is at a multiple of 64 bytes.
        alias_table: uint64 (V,), see `kerazoo.batching.sampling`.
        outputs: the same as `inputs`, the output vectors; None where n_noise is 0.
        biases, log_expected: float32 (V,), the biases (changed) and log(K q); None, None for a loss without.
        nodes: the same with V - 1 rows, the inner nodes of hierarchical softmax; None for training without.
        path_offsets, paths, longest_path: int64 (V + 1,), int32 and the length of the longest path, see
            `kerazoo.word2vec.hierarchy`; used with `nodes`. Node numbers are not checked.
        cbow, mean: CBOW instead of skip-gram; by the mean of the contexts instead of their sum.
        reach: contexts on one side at most, `window` or less where all documents are shorter.
        group: neighbouring centres that are trained at once and share noise words, 1 to 16.
        n_noise: K', noise words of a group, a multiple of 16; 0 trains without noise.
        noise_weight: K / K'.
        remove_hits: leave out noise that equals the centre of a pair.
        measured_every: the loss of one group in so many is measured.
        alpha, min_alpha: the learning rate at the start of all epochs and at their end.
        words_before, words: raw words of the epochs before this one, and of all epochs.
        words_done: int64 (1,), raw words of this epoch that are done, by all threads; counted up.
        begin: a multiple of 256.

    Returns:
        Sum of the losses of the measured pairs, their number, and the number of all pairs. Releases the GIL.
    """
