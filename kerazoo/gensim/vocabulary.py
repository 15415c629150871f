"""From counts to the vocabulary of a gensim model: the rules of gensim's `prepare_vocab`, on arrays."""

from __future__ import annotations

import logging
from collections import defaultdict
from typing import Any

import numpy as np
from gensim.utils import keep_vocab_item
from numpy.typing import NDArray

__all__ = ["noise_table", "prepare"]

logger = logging.getLogger(__name__)


def prepare(
    model: Any, update: bool, keep_raw: bool, trim_rule: Any, min_count: int, sample: float | None, dry_run: bool
) -> dict[str, int]:
    """Select the words of `model.raw_vocab`, and set their counts and thresholds of subsampling.

    Args:
        model: its `wv` gets the words, in the order of `raw_vocab`; with `update`, new ones after the old ones.
        update: whether the words of `wv` stay, with the sums of their counts.
        keep_raw: whether `raw_vocab` stays.
        trim_rule: gensim's rule, or None.
        min_count: words that occur less often are dropped, unless the rule keeps them.
        sample: threshold of subsampling; 0 or None for none.
        dry_run: only count what would be kept.

    Returns:
        The figures that gensim's `prepare_vocab` returns.
    """
    raw = model.raw_vocab
    words, counts = list(raw), np.fromiter(raw.values(), np.int64, len(raw))
    least = model.effective_min_count = _effective_min_count(counts, min_count, model.max_final_vocab)
    if trim_rule is None:
        kept = counts >= least
    else:
        judged = (keep_vocab_item(word, count, least, trim_rule=trim_rule) for word, count in raw.items())
        kept = np.fromiter(judged, bool, len(words))
    retained, own = [words[place] for place in np.flatnonzero(kept).tolist()], counts[kept]
    chances = _keep_probabilities(own, sample)
    if not dry_run:
        if update:
            _add(model.wv, retained, raw)
        else:
            model.min_count, model.sample = min_count, sample
            _replace(model.wv, retained, own)
        _set_thresholds(model.wv, retained, chances, update)
        if not keep_raw:
            model.raw_vocab = defaultdict(int)
    total, left = int(own.sum()), float(chances @ own)
    logger.info(
        "min_count=%i keeps %i of %i word types and %i of %i words; sample=%g leaves about %.0f of them",
        least, len(retained), len(words), total, int(counts.sum()), sample or 0, left,
    )  # fmt: skip
    return {
        "drop_unique": len(words) - len(retained),
        "retain_total": total,
        "downsample_unique": int((chances < 1).sum()),
        "downsample_total": int(left),
        "num_retained_words": len(retained),
    }


def _effective_min_count(counts: NDArray[np.int64], min_count: int, most: int | None) -> int:
    """The smallest count >= `min_count` that leaves at most `most` words."""
    if most is None:
        return min_count
    if most >= len(counts):
        return max(min_count, 1)
    return max(min_count, int(np.sort(counts)[::-1][most]) + 1)


def _keep_probabilities(counts: NDArray[np.int64], sample: float | None) -> NDArray[np.float64]:
    """P(keep) of each word, as in word2vec.c; a sample >= 1 is the count from which on words are subsampled."""
    total = int(counts.sum())
    if not sample:
        threshold: float = total
    else:
        threshold = sample * total if sample < 1 else int(sample * (3 + np.sqrt(5)) / 2)
    if not total:
        return np.ones(len(counts))
    frequency = np.maximum(counts, 1).astype(np.float64)
    return np.minimum((np.sqrt(frequency / threshold) + 1) * (threshold / frequency), 1.0)


def _replace(wv: Any, words: list[Any], counts: NDArray[np.int64]) -> None:
    for name in ("count", "sample_int", "code", "point"):
        wv.expandos.pop(name, None)
    wv.index_to_key, wv.key_to_index = words, {word: index for index, word in enumerate(words)}
    wv.allocate_vecattrs()
    wv.expandos["count"] = counts.copy()


def _add(wv: Any, words: list[Any], raw: dict[Any, int]) -> None:
    for word in words:
        if word not in wv.key_to_index:
            wv.key_to_index[word] = len(wv.index_to_key)
            wv.index_to_key.append(word)
    wv.allocate_vecattrs(["count"], [int])
    found = [(wv.key_to_index[word], count) for word, count in raw.items() if word in wv.key_to_index]
    places, counts = np.array(found, np.int64).reshape(-1, 2).T
    wv.expandos["count"][places] += counts


def _set_thresholds(wv: Any, words: list[Any], chances: NDArray[np.float64], update: bool) -> None:
    """Set gensim's `sample_int` of these words: keep a token if 32 random bits are below it."""
    values = (chances * (2**32 - 1)).astype(np.uint32)
    if not update:
        wv.expandos["sample_int"] = values
        return
    wv.allocate_vecattrs(["sample_int"], [np.uint32])
    wv.expandos["sample_int"][[wv.key_to_index[word] for word in words]] = values


def noise_table(counts: NDArray[np.int64], exponent: float, domain: int) -> NDArray[np.uint32]:
    """Cumulative distribution of the noise words, from 0 to `domain`, uint32 (V,): gensim's `cum_table`."""
    sums = np.cumsum(counts.astype(np.float64) ** exponent)
    if not len(sums):
        return np.zeros(0, np.uint32)
    return np.rint(sums / sums[-1] * domain).astype(np.uint32)
