"""What the datasets over a corpus of tokens share: its arrays, checked once, subsampling, and the plan of an epoch."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kerazoo.batching import _kernels
from kerazoo.batching.base import ResumableDataset
from kerazoo.batching.noise import NoiseDistribution
from kerazoo.errors import CorpusError, InvalidArgumentError, check_int, check_real
from kerazoo.fingerprint import corpus_fingerprint

__all__ = ["Stream", "TokenDataset", "Tokens", "keep_thresholds"]

WINDOW_HINT = "The usual value is 5."
LARGEST_WINDOW = 1_000_000


class Tokens(NamedTuple):
    """The arrays of a corpus: ids int32 (N,), offsets int64 (documents + 1,), counts int64 (V,)."""

    ids: NDArray[np.int32]
    offsets: NDArray[np.int64]
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, corpus: Any, counts: ArrayLike | None = None) -> Tokens:
        """The checked arrays of `corpus`, an object with `ids`, `offsets` and `vocabulary.counts` (or `counts` given).

        Arrays of the right type are not copied, so memory-mapped ones stay on disk.
        """
        try:
            ids, offsets = np.asarray(corpus.ids), np.asarray(corpus.offsets)
            counts = np.asarray(corpus.vocabulary.counts if counts is None else counts)
        except AttributeError as error:
            raise InvalidArgumentError(
                f"corpus of type {type(corpus).__name__}: {error}; expected an EncodedCorpus, or an object with the "
                "attributes ids, offsets and vocabulary.counts (or the argument counts)."
            ) from None
        for name, array in (("ids", ids), ("offsets", offsets), ("counts", counts)):
            if array.ndim != 1 or array.dtype.kind not in "iu":
                raise InvalidArgumentError(
                    f"{name} has shape {array.shape} and type {array.dtype}; expected a one-dimensional integer array."
                )
        if not len(ids):
            raise CorpusError("the corpus is empty: it has no token. Were all words dropped by min_count?")
        offsets = np.ascontiguousarray(offsets, np.int64)
        if len(offsets) < 2 or offsets[0] != 0 or offsets[-1] != len(ids) or (np.diff(offsets) < 0).any():
            raise CorpusError(
                f"offsets do not fit the ids: expected them to rise from 0 to {len(ids)}, the number of ids, "
                "one more than there are documents."
            )
        if ids.min() < 0 or ids.max() >= len(counts):
            position = int(np.flatnonzero((ids < 0) | (ids >= len(counts)))[0])
            raise CorpusError(
                f"id {ids[position]} at position {position} is out of range; expected 0 to {len(counts) - 1}, "
                f"as the vocabulary has {len(counts)} words. Does the corpus belong to another vocabulary?"
            )
        return cls(np.ascontiguousarray(ids, np.int32), offsets, np.ascontiguousarray(counts, np.int64))

    def fingerprint(self) -> dict[str, Any]:
        """See :func:`kerazoo.fingerprint.corpus_fingerprint`."""
        return corpus_fingerprint(self.ids, self.offsets, self.counts)


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


class Stream(NamedTuple):
    """The settings that decide which tokens are kept and which contexts a centre has; see `kerazoo_ext._pairs`."""

    tokens: Tokens
    keep: NDArray[np.uint32] | None
    window: int
    shrink: bool
    max_contexts: int = 0

    def arguments(
        self, keys: NDArray[np.uint64]
    ) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.uint32] | None, NDArray[np.uint64], int, bool, int]:
        """The leading arguments of every kernel."""
        tokens = self.tokens
        return tokens.ids, tokens.offsets, self.keep, keys, self.window, self.shrink, self.max_contexts


class Plan(NamedTuple):
    """How many pairs and kept tokens precede each chunk of raw positions: int64 (n_chunks + 1,) each."""

    pairs: NDArray[np.int64]
    kept: NDArray[np.int64]

    @property
    def n_pairs(self) -> int:
        return int(self.pairs[-1])

    @property
    def n_kept(self) -> int:
        return int(self.kept[-1])


class TokenDataset(ResumableDataset):
    """A dataset over the kept tokens of a corpus; see the subclasses."""

    def __init__(
        self,
        corpus: Any,
        counts: ArrayLike | None,
        *,
        window: int,
        shrink_windows: bool,
        sample: float | None,
        max_contexts: int = 0,
        **arguments: Any,
    ) -> None:
        super().__init__(**arguments)
        self.window = check_int("window", window, 1, LARGEST_WINDOW, hint=WINDOW_HINT)
        self.shrink_windows = bool(shrink_windows)
        self.sample = check_real(
            "sample", 0.0 if sample is None else sample, 0, 1, hint="The usual value is 1e-3; 0 keeps every word."
        )
        tokens = Tokens.of(corpus, counts)
        if np.diff(tokens.offsets).max() < 2:
            raise CorpusError(
                f"no document has two words ({len(tokens.offsets) - 1} documents, {len(tokens.ids)} words), so there "
                "is no pair. Should the documents be joined?"
            )
        self._stream = Stream(
            tokens, keep_thresholds(tokens.counts, self.sample), self.window, self.shrink_windows, max_contexts
        )

    def _plan_tokens(self, number: int, keys: NDArray[np.uint64]) -> Plan:
        n_chunks = -(-len(self._stream.tokens.ids) // _kernels.pairs.CHUNK)
        pairs, kept = np.zeros(n_chunks + 1, np.int64), np.zeros(n_chunks + 1, np.int64)
        _kernels.pairs.count(*self._stream.arguments(keys), pairs[1:], kept[1:])
        plan = Plan(np.cumsum(pairs, out=pairs), np.cumsum(kept, out=kept))
        if plan.n_pairs == 0:
            raise CorpusError(
                f"epoch {number} has no pair: subsampling left {plan.n_kept} of {len(self._stream.tokens.ids)} words, "
                f"no two of them in one document. sample={self.sample:g} is too small for this corpus; 0 keeps all."
            )
        return plan

    def _noise(self, noise: str | NoiseDistribution | None, ns_exponent: float) -> NoiseDistribution | None:
        if noise is None:
            return None
        counts = self._stream.tokens.counts
        if not isinstance(noise, NoiseDistribution):
            return NoiseDistribution(noise, counts, ns_exponent)
        if len(noise) != len(counts):
            raise InvalidArgumentError(
                f"noise over {len(noise)} words; expected {len(counts)}, the size of the vocabulary."
            )
        return noise

    def _current(self) -> Any:
        with self._lock:
            return self._plan_of(self._epoch).plan

    @property
    def n_pairs(self) -> int:
        """Pairs of the current epoch."""
        return self._current().n_pairs

    @property
    def n_kept_tokens(self) -> int:
        """Tokens of the current epoch that subsampling has kept."""
        return self._current().n_kept

    @property
    def n_raw_tokens(self) -> int:
        """Tokens of the corpus, before subsampling: the words of "words per second"."""
        return len(self._stream.tokens.ids)

    def _data_fingerprint(self) -> dict[str, Any]:
        return self._stream.tokens.fingerprint()

    def _settings(self) -> dict[str, Any]:
        noise = getattr(self, "noise_distribution", None)
        return {
            "window": self.window,
            "shrink_windows": self.shrink_windows,
            "sample": self.sample,
            "max_contexts": self._stream.max_contexts,
            "noise": noise and noise.kind,
            "ns_exponent": noise and noise.ns_exponent,
        }
