"""In-place training of word2vec, vectorised for several instruction sets."""

import numpy as np
from numpy.typing import NDArray

INSTRUCTION_SETS: tuple[str, ...]
"""``"plain"``, ``"avx2"``, ``"avx512"``, ``"avx512_bf16"``, from narrowest to widest."""

def widest() -> str:
    """The widest instruction set that this CPU and this build support."""

class Trainer:
    """One thread's training of parts of a text. Any number of trainers may train the same tables in parallel.

    V is the size of the vocabulary, S is `size` rounded up to a multiple of 16, K the number of noise words per pair.

    Args:
        ids: int32 (N,), as in `_pairs`.
        offsets: int64 (documents + 1,), as in `_pairs`.
        keep: uint32 (V,) or None, as in `_pairs`.
        keys: uint64 (>= 3,), as in `_pairs`; keys[2] is the key of the noise.
        window: as in `_pairs`.
        shrink: as in `_pairs`.
        inputs: float32 (V, S), the input vectors, updated. Rows are 0 beyond `size`; the first one is aligned to 64 bytes.
        alias_table: uint64 (V,), the noise distribution, see `kerazoo.batching.sampling`.
        outputs: float32 (V, S), the output vectors, in the form of `inputs`, updated; None if `n_noise` is 0.
        biases: float32 (V,), the biases of the output words, updated; None for a loss without biases.
        log_expected: float32 (V,), log(K q) with the noise probabilities q; None for a loss without biases.
        nodes: float32 (V - 1, S), the inner nodes of hierarchical softmax, in the form of `inputs`, updated; None
            trains without them.
        path_offsets: int64 (V + 1,), see `kerazoo.word2vec.hierarchy`; used with `nodes`.
        paths: int32, see `kerazoo.word2vec.hierarchy`; used with `nodes`. Node numbers are not checked.
        longest_path: the length of the longest path.
        cbow: train CBOW instead of skip-gram.
        mean: with CBOW, use the mean of the contexts instead of their sum.
        size: dimension of the vectors.
        reach: maximum number of contexts on one side: `window`, or less if all documents are shorter.
        group: neighbouring centres that are trained together and share noise words, 1 to 32.
        n_noise: K', noise words per group, a multiple of 16; 0 trains without noise.
        noise_weight: K / K'.
        softmax: sampled softmax instead of logistic losses, with all K' noise words for each pair that do not equal its
            centre; `log_expected` is then log(K' q), and `noise_weight` is not used.
        remove_hits: skip noise words that equal the centre of a pair.
        measured_every: compute the loss of one group in this many.
        alpha: learning rate at the start of the first epoch.
        min_alpha: learning rate at the end of the last epoch.
        words_before: raw words of the epochs before this one.
        words: raw words of all epochs.
        words_done: int64 (1,), raw words of this epoch that all threads have processed; incremented.
        instruction_set: one of `INSTRUCTION_SETS` that the CPU supports.
        part_offsets: int64 (V + 1,), with subwords: word w is the mean of the rows
            ``parts[part_offsets[w]:part_offsets[w + 1]]`` of `inputs`, which then has any number of rows.
        parts: int32, rows of `inputs`, one or more for each word, the distinct ones first; None trains without
            subwords. Not checked.
        distinct_ends: int64 (V,), the end in `parts` of the distinct rows of each word. Not checked.
        span: groups for which a word is composed once; at their end its change is added to its rows.
        logit_offset: added to every logit of the noise and the true words; only without biases.

    Returns:
        The sum of the losses of the measured pairs, their number, and the number of all pairs. Releases the GIL.
    """

    def __init__(
        self,
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
        part_offsets: NDArray[np.int64] | None = None,
        parts: NDArray[np.int32] | None = None,
        distinct_ends: NDArray[np.int64] | None = None,
        span: int = 1,
        softmax: bool = False,
        held: int = 0,
        logit_offset: float = 0,
    ) -> None: ...
    def train(self, begin: int, end: int) -> tuple[float, int, int]:
        """Train with the kept tokens at raw positions begin..end - 1 as centres. Releases the GIL.

        Args:
            begin: first raw position, a multiple of 256.
            end: raw position after the last one.

        Returns:
            The sum of the losses of the measured pairs, their number, and the number of all pairs.

        Raises:
            RuntimeError: the trainer is closed, or trains in another thread.
        """

    def close(self) -> None:
        """Add what is in copies to the tables, which are not complete before; the trainer trains no more."""
