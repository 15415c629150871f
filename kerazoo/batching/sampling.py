"""What is drawn at random: noise words (by alias tables), the tokens that subsampling keeps, the keys of an epoch."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kerazoo._validation import check_choice, check_int, check_real
from kerazoo.errors import InvalidArgumentError
from kerazoo_ext import _noise

__all__ = ["NOISE_KINDS", "NoiseDistribution", "epoch_keys", "keep_thresholds"]

NOISE_KINDS = ("unigram", "log_uniform", "uniform")


class NoiseDistribution:
    """A distribution over the words of a vocabulary, drawn from in constant time.

    ============= ========================================= =============================================
    kind          P(word k)                                 source
    ============= ========================================= =============================================
    `unigram`     count(k)^ns_exponent / sum                Mikolov et al. 2013b (exponent 0.75)
    `log_uniform` log((k + 2) / (k + 1)) / log(V + 1)       `tf.nn.nce_loss`; ids must fall by count
    `uniform`     1 / V
    ============= ========================================= =============================================

    Drawing is by Walker's alias method (Vose 1991) with thresholds of 32 bits: a probability is met within 2^-32 / V.

    Args:
        kind: one of the above.
        counts: int (V,), how often each word occurs, >= 0. Under `unigram`, a word of count 0 is never drawn
            (whatever the exponent); `log_uniform` and `uniform` only take V from it.
        ns_exponent: any finite real; 0 is uniform over the words that occur, negative favours rare words.

    Attributes:
        probabilities: float64 (V,), sums to 1.
        table: uint64 (V,), the alias table: `threshold << 32 | alias` a word.

    >>> noise = NoiseDistribution("unigram", [81, 16, 1], ns_exponent=0.5)
    >>> noise.probabilities.round(3).tolist()
    [0.643, 0.286, 0.071]
    >>> noise.sample((2, 3), seed=1).shape
    (2, 3)
    """

    def __init__(self, kind: str, counts: ArrayLike, ns_exponent: float = 0.75) -> None:
        self.kind = check_choice("noise", kind, NOISE_KINDS)
        self.ns_exponent = check_real("ns_exponent", ns_exponent, hint="The usual value is 0.75.")
        counts = np.asarray(counts)
        if counts.ndim != 1 or not 0 < len(counts) < 2**31 or counts.dtype.kind not in "iuf" or not (counts >= 0).all():
            raise InvalidArgumentError(
                f"counts of shape {counts.shape} and type {counts.dtype}; "
                "expected a one-dimensional array of 1 or more numbers >= 0."
            )
        self.probabilities = self._probabilities(counts.astype(np.float64))
        self.probabilities.flags.writeable = False
        self.table = alias_table(self.probabilities)

    def _probabilities(self, counts: NDArray[np.float64]) -> NDArray[np.float64]:
        n = len(counts)
        if self.kind == "uniform":
            return np.full(n, 1 / n)
        if self.kind == "log_uniform":
            weights = np.log1p(1 / (np.arange(n) + 1.0))  # log((k + 2) / (k + 1)), precise for large k
        else:
            occurs = counts > 0
            if not occurs.any():
                raise InvalidArgumentError("every count is 0; expected a word that occurs, or noise='uniform'.")
            logs = self.ns_exponent * np.log(counts[occurs])
            weights = np.zeros(n)
            weights[occurs] = np.exp(logs - logs.max())  # a large exponent must not overflow
        return weights / weights.sum()

    @property
    def log_probabilities(self) -> NDArray[np.float32]:
        """log q, float32 (V,); finite also for a word that is never drawn (it still occurs as a true word)."""
        return log_probabilities(self.probabilities)

    def fill(self, out: NDArray[np.int32], key: int, stream: int) -> NDArray[np.int32]:
        """Fill the contiguous int32 array `out` from the stream number `stream` of `key`, both 64 bits; return it."""
        _noise.draw(self.table, key, stream, out.reshape(-1))
        return out

    def sample(self, shape: int | tuple[int, ...], seed: int) -> NDArray[np.int32]:
        """Words of the given shape, int32; the same ones for the same seed (int >= 0)."""
        key = np.random.SeedSequence(check_int("seed", seed, 0)).generate_state(1, np.uint64)[0]
        return self.fill(np.empty(shape, np.int32), int(key), 0)

    def __len__(self) -> int:
        return len(self.probabilities)

    def __repr__(self) -> str:
        exponent = f", ns_exponent={self.ns_exponent:g}" if self.kind == "unigram" else ""
        return f"NoiseDistribution({self.kind!r}, {len(self)} words{exponent})"


def checked_probabilities(probabilities: ArrayLike, n_words: int) -> NDArray[np.float64]:
    """Probabilities of `n_words` words as float64 (V,), or :class:`InvalidArgumentError`."""
    q = np.asarray(probabilities, dtype=np.float64)
    if q.shape != (n_words,):
        raise InvalidArgumentError(
            f"noise_probabilities has the shape {q.shape}; expected ({n_words},), one probability a word."
        )
    if not np.isfinite(q).all() or (q < 0).any() or abs(q.sum() - 1) > 1e-6:
        raise InvalidArgumentError(
            f"noise_probabilities must be finite, not negative and sum to 1; got a sum of {q.sum():g} "
            f"and a minimum of {q.min():g}."
        )
    return q


def log_probabilities(q: NDArray[np.float64]) -> NDArray[np.float32]:
    """log q, float32, with the smallest positive float32 in place of a probability of 0."""
    return np.log(np.maximum(q, np.finfo(np.float32).tiny)).astype(np.float32)


def alias_table(probabilities: NDArray[np.float64]) -> NDArray[np.uint64]:
    """Vose's construction: uint64 (V,), `threshold << 32 | alias`, for float64 probabilities (V,) that sum to 1.

    Entry i stands for the V-th part of all draws: word i below its threshold (of 2^32), its alias otherwise.
    """
    n = len(probabilities)
    scaled: Any = (probabilities * n).tolist()  # Python floats: the loop is several times as fast as on an array
    alias = list(range(n))  # what is left over by rounding stands for itself, whatever its threshold
    small = [i for i, p in enumerate(scaled) if p < 1]
    large = [i for i, p in enumerate(scaled) if p >= 1]
    while small and large:
        i, j = small.pop(), large[-1]
        alias[i] = j
        scaled[j] -= 1 - scaled[i]
        if scaled[j] < 1:
            small.append(large.pop())
    # A word that cannot be drawn must not be left over: the rounding errors are then given to the likeliest word.
    likeliest = int(probabilities.argmax())
    for i in small:
        if probabilities[i] == 0:
            alias[i] = likeliest
    # A threshold of exactly 2^32 does not fit; such a word is its own alias, so any threshold does.
    thresholds = np.minimum(np.array(scaled) * 2**32, 2**32 - 1).astype(np.uint64)
    return thresholds << np.uint64(32) | np.array(alias, np.uint64)


def keep_thresholds(counts: NDArray[np.int64], sample: float) -> NDArray[np.uint32] | None:
    """Subsampling: a token of word w is kept iff 32 random bits are <= threshold[w]; uint32 (V,), None keeps all.

    P(keep) = min(1, (sqrt(f / t) + 1) * t / f), f the count, t = sample * sum of counts: gensim's formula (that of
    word2vec.c, not that of the paper).
    """
    if sample == 0:
        return None
    threshold = sample * float(counts.sum())
    frequency = np.maximum(counts, 1)
    probability = (np.sqrt(frequency / threshold) + 1) * (threshold / frequency)
    return np.minimum(probability * 2.0**32, 2.0**32 - 1).astype(np.uint32)


def epoch_keys(seed: int, number: int) -> NDArray[np.uint64]:
    """The keys of an epoch, uint64 (4,): tokens, contexts, noise, order."""
    return np.random.SeedSequence(seed, spawn_key=(number,)).generate_state(4, np.uint64).astype(np.uint64, copy=False)
