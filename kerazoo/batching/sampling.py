"""What is drawn at random: noise words (by alias tables), the tokens that subsampling keeps, the keys of an epoch."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kerazoo._validation import check_choice, check_real, check_seed
from kerazoo.errors import InvalidArgumentError
from kerazoo_ext import _noise

__all__ = ["NOISE_KINDS", "NoiseDistribution", "epoch_keys", "keep_thresholds"]

NOISE_KINDS = ("unigram", "log_uniform", "uniform")


class NoiseDistribution:
    """A distribution over the words of a vocabulary, with draws in constant time.

    ============= ========================================= =============================================
    kind          P(word k)                                 source
    ============= ========================================= =============================================
    `unigram`     count(k)^ns_exponent / sum                Mikolov et al. 2013b (exponent 0.75)
    `log_uniform` log((k + 2) / (k + 1)) / log(V + 1)       `tf.nn.nce_loss`; needs ids by decreasing count
    `uniform`     1 / V
    ============= ========================================= =============================================

    Draws use Walker's alias method (Vose 1991) with 32-bit thresholds: probabilities are exact within 2^-32 / V.

    Args:
        kind: one of the above.
        counts: int (V,), how often each word occurs, >= 0. `unigram` never draws a word of count 0, with any
            exponent; `log_uniform` and `uniform` use V only.
        ns_exponent: finite float; 0 is uniform over the words that occur, a negative one favours rare words.

    Attributes:
        probabilities: float64 (V,), sums to 1.
        table: uint64 (V,), the alias table: `threshold << 32 | alias` per word.

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
                f"counts has shape {counts.shape} and dtype {counts.dtype}; "
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
                raise InvalidArgumentError(
                    "every count is 0; expected at least one count > 0. noise='uniform' needs none."
                )
            logs = self.ns_exponent * np.log(counts[occurs])
            weights = np.zeros(n)
            weights[occurs] = np.exp(logs - logs.max())  # no overflow with a large exponent
        return weights / weights.sum()

    @property
    def log_probabilities(self) -> NDArray[np.float32]:
        """Log q, float32 (V,). It is finite even for words that are never drawn, which still occur as true words."""
        return log_probabilities(self.probabilities)

    def fill(self, out: NDArray[np.int32], key: int, stream: int) -> NDArray[np.int32]:
        """Fill the contiguous int32 array `out` from stream number `stream` of `key` (64 bits each), and return it."""
        _noise.draw(self.table, key, stream, out.reshape(-1))
        return out

    def sample(self, shape: int | tuple[int, ...], seed: int) -> NDArray[np.int32]:
        """Draw words, int32 of the given shape; `seed` (int >= 0) determines them."""
        key = np.random.SeedSequence(check_seed("seed", seed)).generate_state(1, np.uint64)[0]
        return self.fill(np.empty(shape, np.int32), int(key), 0)

    def __len__(self) -> int:
        return len(self.probabilities)

    def __repr__(self) -> str:
        exponent = f", ns_exponent={self.ns_exponent:g}" if self.kind == "unigram" else ""
        return f"NoiseDistribution({self.kind!r}, {len(self)} words{exponent})"


def checked_probabilities(probabilities: ArrayLike, n_words: int) -> NDArray[np.float64]:
    """`probabilities` as float64 (V,); :class:`InvalidArgumentError` unless they are a distribution over V words."""
    q = np.asarray(probabilities, dtype=np.float64)
    if q.shape != (n_words,):
        raise InvalidArgumentError(
            f"noise_probabilities has shape {q.shape}; expected ({n_words},), one probability per word."
        )
    if not np.isfinite(q).all() or (q < 0).any() or abs(q.sum() - 1) > 1e-6:
        raise InvalidArgumentError(
            f"noise_probabilities must be finite, not negative and sum to 1; got a sum of {q.sum():g} "
            f"and a minimum of {q.min():g}."
        )
    return q


def log_probabilities(q: NDArray[np.float64]) -> NDArray[np.float32]:
    """Log q, float32, where the smallest positive float32 replaces a probability of 0."""
    return np.log(np.maximum(q, np.finfo(np.float32).tiny)).astype(np.float32)


def alias_table(probabilities: NDArray[np.float64]) -> NDArray[np.uint64]:
    """Build an alias table (Vose 1991): uint64 (V,), `threshold << 32 | alias`.

    Entry i covers the fraction 1 / V of all draws: below its threshold (of 2^32) they are word i, otherwise its alias.

    Args:
        probabilities: float64 (V,), which sum to 1.
    """
    n = len(probabilities)
    scaled: Any = (probabilities * n).tolist()  # Python floats: the loop is several times faster than on an array
    alias = list(range(n))  # words that rounding leaves over alias themselves, so any threshold is right
    small = [i for i, p in enumerate(scaled) if p < 1]
    large = [i for i, p in enumerate(scaled) if p >= 1]
    while small and large:
        i, j = small.pop(), large[-1]
        alias[i] = j
        scaled[j] -= 1 - scaled[i]
        if scaled[j] < 1:
            small.append(large.pop())
    # A word of probability 0 must not alias itself: its rounding error goes to the likeliest word.
    likeliest = int(probabilities.argmax())
    for i in small:
        if probabilities[i] == 0:
            alias[i] = likeliest
    # A threshold of exactly 2^32 does not fit into 32 bits; such a word is its own alias, so any threshold is right.
    thresholds = np.minimum(np.array(scaled) * 2**32, 2**32 - 1).astype(np.uint64)
    return thresholds << np.uint64(32) | np.array(alias, np.uint64)


def keep_thresholds(counts: NDArray[np.int64], sample: float) -> NDArray[np.uint32] | None:
    """Thresholds of subsampling, uint32 (V,): keep a token of word w iff 32 random bits are <= threshold[w].

    P(keep) = min(1, (sqrt(f / t) + 1) * t / f), where f is the count and t = sample * sum of counts: the formula of
    gensim and word2vec.c, not of the paper.

    Returns:
        The thresholds; None, for `sample=0`, keeps all tokens.
    """
    if sample == 0:
        return None
    threshold = sample * float(counts.sum())
    frequency = np.maximum(counts, 1)
    probability = (np.sqrt(frequency / threshold) + 1) * (threshold / frequency)
    return np.minimum(probability * 2.0**32, 2.0**32 - 1).astype(np.uint32)


def epoch_keys(seed: int, number: int) -> NDArray[np.uint64]:
    """Keys of the random streams of epoch `number`, uint64 (4,): tokens, contexts, noise, order."""
    return np.random.SeedSequence(seed, spawn_key=(number,)).generate_state(4, np.uint64).astype(np.uint64, copy=False)
