"""Files of phrases: arrays with JSON metadata, no pickle."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kerazoo._runtime.files import damage_of, read_tensors, write_tensors
from kerazoo._validation import check_int
from kerazoo.errors import StorageError
from kerazoo.text.phrases.pair_counts import PairCounts, flags_of

if TYPE_CHECKING:
    from kerazoo.text.phrases.base import PhraseJoiner

__all__ = [
    "REMEDY",
    "frozen_arguments",
    "frozen_tensors",
    "read_counts",
    "read_frozen",
    "write_counts",
    "write_frozen",
]

COUNTS, FROZEN = "kerazoo.phrases", "kerazoo.frozen_phrases"
REMEDY = "Write it again, or count the text again."
_ARRAYS = ("word_counts", "run_ids", "run_offsets", "pairs", "runs", "counts", "places")


def _packed(strings: Sequence[str], name: str) -> dict[str, NDArray[Any]]:
    encoded = [string.encode("utf-8") for string in strings]
    offsets = np.zeros(len(encoded) + 1, np.int64)
    np.cumsum([len(string) for string in encoded], out=offsets[1:])
    return {f"{name}.offsets": offsets, f"{name}.utf8": np.frombuffer(b"".join(encoded), np.uint8)}


def _unpacked(arrays: Mapping[str, NDArray[Any]], name: str) -> list[str]:
    text, ends = arrays[f"{name}.utf8"].tobytes(), arrays[f"{name}.offsets"].tolist()
    if not ends or ends[0] != 0 or ends[-1] != len(text):
        raise ValueError(f"the offsets of {name} do not match their text")
    return [text[begin:end].decode("utf-8") for begin, end in pairwise(ends)]


def write_counts(path: str | os.PathLike[str], counts: PairCounts, parameters: Mapping[str, Any]) -> None:
    """Write the counts and the parameters of a `Phrases`."""
    arrays = {name: getattr(counts, name) for name in _ARRAYS} | _packed(counts.words, "words")
    write_tensors(path, arrays, {"parameters": dict(parameters), "n_tokens": counts.n_tokens}, kind=COUNTS)


def read_counts(path: str | os.PathLike[str]) -> tuple[PairCounts, dict[str, Any]]:
    """The inverse of :func:`write_counts`.

    Raises:
        StorageError: the file is missing, damaged or of another kind.
    """
    arrays, metadata = _read(path, COUNTS)
    with damage_of(path, REMEDY):
        parameters, words = dict(metadata["parameters"]), _unpacked(arrays, "words")
        connector = flags_of(words, set(parameters["connector_words"]))
        values = {name: arrays[name] for name in _ARRAYS}
        counts = PairCounts(
            words=words, connector=connector, n_tokens=check_int("n_tokens", metadata["n_tokens"], 0, 1 << 53), **values
        )
        _check(counts)
    return counts, parameters


def _check(counts: PairCounts) -> None:
    """ValueError unless the arrays fit together: indices of them are trusted later."""
    n_words, n_pairs, n_runs = len(counts.words), len(counts.pairs), len(counts.run_offsets) - 1
    expected = {"word_counts": n_words, "runs": n_pairs, "counts": n_pairs, "places": n_pairs}
    for name, length in expected.items():
        if getattr(counts, name).shape != (length,):
            raise ValueError(f"{name} has shape {getattr(counts, name).shape} instead of ({length},)")
    for name in _ARRAYS:
        if getattr(counts, name).ndim != 1:
            raise ValueError(f"{name} has shape {getattr(counts, name).shape}")
        dtype = {"run_ids": np.int32, "runs": np.int32, "pairs": np.uint64}.get(name, np.int64)
        if getattr(counts, name).dtype != dtype:
            raise ValueError(f"{name} has type {getattr(counts, name).dtype}")
    if n_words and not 0 <= counts.word_counts.min() <= counts.word_counts.max() < 1 << 53:
        raise ValueError("the counts of the words are impossible")
    if n_pairs and not 0 < counts.counts.min() <= counts.counts.max() < max(counts.n_tokens, 1):
        raise ValueError("the counts of the pairs are impossible")
    ends = counts.run_offsets
    if n_runs < 1 or ends[0] != 0 or ends[1] != 0 or ends[-1] != len(counts.run_ids) or np.any(np.diff(ends) < 0):
        raise ValueError("the runs of connector words have wrong offsets")
    if len(set(counts.words)) < n_words:
        raise ValueError("a word is there twice")
    for name, values, limit in (
        ("a pair", counts.first, n_words),
        ("a pair", counts.last, n_words),
        ("a run", counts.run_ids, n_words),
        ("a pair", counts.runs, n_runs),
    ):
        if len(values) and not 0 <= values.min() <= values.max() < limit:
            raise ValueError(f"{name} has a word or run that does not exist")
    if len(set(counts.run_words())) < n_runs:
        raise ValueError("a run of connector words is there twice")
    if n_pairs and min(counts.word_counts[counts.first].min(), counts.word_counts[counts.last].min()) < 1:
        raise ValueError("a pair has a word that does not occur")


def frozen_tensors(phrases: PhraseJoiner) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Arrays and metadata of a `FrozenPhrases`; inverse of :func:`frozen_arguments`."""
    frozen: Any = phrases
    readings = frozen._readings
    names = list(frozen.phrasegrams) if readings is None else [phrase for phrase, _, _ in readings]
    scores = (frozen.phrasegrams if readings is None else readings).values()
    arrays = _packed(names, "phrases")
    arrays["phrases.scores"] = np.array(list(scores), np.float64)
    if readings is not None:
        arrays["phrases.lengths"] = np.array([lengths for _, *lengths in readings], np.int32).reshape(-1, 2)
    fields = {name: getattr(frozen, name) for name in ("threshold", "min_count", "delimiter")}
    return arrays, {**fields, "connector_words": sorted(frozen.connector_words)}


def frozen_arguments(arrays: Mapping[str, NDArray[Any]], metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `FrozenPhrases`; ValueError, KeyError or TypeError if the arrays are damaged."""
    phrases, scores = _unpacked(arrays, "phrases"), arrays["phrases.scores"].tolist()
    found: dict[str, Any] = {"phrasegrams": dict(zip(phrases, scores, strict=True)), **metadata}
    if "phrases.lengths" in arrays:
        lengths = arrays["phrases.lengths"].tolist()
        found["readings"] = {
            (phrase, first, last): score for phrase, (first, last), score in zip(phrases, lengths, scores, strict=True)
        }
    return found


def write_frozen(path: str | os.PathLike[str], phrases: PhraseJoiner) -> None:
    """Write a `FrozenPhrases`."""
    arrays, metadata = frozen_tensors(phrases)
    write_tensors(path, arrays, metadata, kind=FROZEN)


def read_frozen(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The arguments of the `FrozenPhrases` in a file.

    Raises:
        StorageError: the file is missing, damaged or of another kind.
    """
    arrays, metadata = _read(path, FROZEN)
    with damage_of(path, REMEDY):
        return frozen_arguments(arrays, metadata)


def _read(path: str | os.PathLike[str], kind: str) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    try:
        return read_tensors(path, kind=kind, mmap=False)
    except StorageError as error:
        try:
            with open(path, "rb") as file:
                start = file.read(9)
        except OSError:
            raise error from None
        if start[:1] != b"\x80" or start[8:] == b"{":  # not a header whose length begins so
            raise
        raise StorageError(
            f"{os.fspath(path)}: a pickle, as gensim's save writes it; expected a file of kerazoo. Load it with "
            "gensim, if you trust its source: FrozenPhrases.from_gensim imports what it returns."
        ) from error
