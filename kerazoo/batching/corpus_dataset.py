"""Base of the datasets over a corpus of tokens: settings, and the plan of an epoch."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kerazoo._validation import check_flag, check_int, check_real
from kerazoo.batching.dataset import ResumableDataset
from kerazoo.batching.sampling import NoiseDistribution, keep_thresholds
from kerazoo.errors import CorpusError, InvalidArgumentError
from kerazoo.text.tokens import Tokens
from kerazoo_ext import _pairs

__all__ = ["TokenDataset"]

WINDOW_HINT = "The usual value is 5."
LARGEST_WINDOW = 1_000_000


class Plan(NamedTuple):
    """Number of pairs and of kept tokens before each chunk of raw positions: int64 (n_chunks + 1,) each."""

    pairs: NDArray[np.int64]
    kept: NDArray[np.int64]

    @property
    def n_pairs(self) -> int:
        """Pairs of the epoch."""
        return int(self.pairs[-1])

    @property
    def n_kept(self) -> int:
        """Tokens of the epoch that subsampling keeps."""
        return int(self.kept[-1])


class Stream(NamedTuple):
    """The settings that determine the kept tokens and the contexts of each centre; see `kerazoo_ext._pairs`."""

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


class TokenDataset(ResumableDataset):
    """Base class of datasets over the kept tokens of a corpus; see the subclasses."""

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
        self.shrink_windows = check_flag("shrink_windows", shrink_windows)
        self.sample = check_real(
            "sample", 0.0 if sample is None else sample, 0, 1, hint="The usual value is 1e-3; 0 keeps every word."
        )
        tokens = Tokens.of(corpus, counts)
        tokens.check_pairs_possible()
        self._stream = Stream(
            tokens, keep_thresholds(tokens.counts, self.sample), self.window, self.shrink_windows, max_contexts
        )

    def _plan_tokens(self, number: int, keys: NDArray[np.uint64]) -> Plan:
        n_chunks = -(-len(self._stream.tokens.ids) // _pairs.CHUNK)
        pairs, kept = np.zeros(n_chunks + 1, np.int64), np.zeros(n_chunks + 1, np.int64)
        _pairs.count(*self._stream.arguments(keys), pairs[1:], kept[1:])
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
                f"noise is a distribution over {len(noise)} words; expected {len(counts)}, the size of the vocabulary."
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
        """Tokens of the current epoch that subsampling keeps."""
        return self._current().n_kept

    @property
    def n_raw_tokens(self) -> int:
        """Tokens of the corpus, before subsampling: the unit of "words per second"."""
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
