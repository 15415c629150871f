"""`Vocabulary`: the words of a corpus, their ids and their counts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kerazoo._validation import check_choice, check_int
from kerazoo.errors import InvalidArgumentError, VocabularyError
from kerazoo.text.selection import Totals, select_words

__all__ = ["Vocabulary"]

LARGEST_TOTAL = 2.0**61  # counts of a file, of which 64 bits hold the sums with those of others


class Vocabulary:
    """Words in the order of their ids: by decreasing count, ties in code point order.

    :meth:`kerazoo.text.EncodedCorpus.from_source` builds it from a text, :meth:`from_counts` from counts. The
    constructor takes words that are already in order, as read from a file.

    Args:
        words: sequence of str, in the order of their ids.
        counts: integers (n_words,), how often each word occurs; must not increase.
        min_count: int >= 1, words that occur less often got no id.
        max_final_vocab: int >= 1 or None, the maximum number of words, the most frequent ones. Exactly that many are
            kept if there are enough. (gensim raises `min_count` until the rest fits, and may keep fewer.)
        unk: None or a str such as ``"<unk>"``. None: :meth:`encode` drops words without an id, and the vocabulary
            counts them. A str: all these words share the id of `unk`. Its count is the number of tokens that it
            replaces (plus the tokens spelled like it) and may be 0. Its id follows from its count, as for every word.
            It does not count towards `max_final_vocab`.
        total: int, raw words that were counted, kept or not. Default: the sum of `counts`.
        n_types: int, distinct words that were counted, kept or not. Default: the number of words, without `unk`.

    >>> vocabulary = Vocabulary.from_counts({"the": 7, "cat": 2, "mat": 2, "xyzzy": 1}, min_count=2)
    >>> vocabulary.words, vocabulary.counts.tolist()
    (['the', 'cat', 'mat'], [7, 2, 2])
    >>> vocabulary.encode(["the", "xyzzy", "mat"]).tolist()
    [0, 2]
    >>> vocabulary.n_dropped_words, vocabulary.n_dropped_types
    (1, 1)
    """

    __hash__ = None  # type: ignore[assignment]  # compared by value, and large

    def __init__(
        self,
        words: Sequence[str],
        counts: ArrayLike,
        *,
        min_count: int = 1,
        max_final_vocab: int | None = None,
        unk: str | None = None,
        total: int | None = None,
        n_types: int | None = None,
    ) -> None:
        check_limits(min_count, max_final_vocab, unk)
        listed = list(words)
        for i, word in enumerate(listed):
            check_word(word, f"words[{i}]")
        tallies = np.asarray(counts)
        if tallies.shape != (len(listed),) or (tallies.dtype.kind not in "iu" and tallies.size):
            raise InvalidArgumentError(
                f"counts has dtype {tallies.dtype} and shape {tallies.shape}; "
                f"expected integers of shape ({len(listed)},), one per word."
            )
        if tallies.sum(dtype=np.float64) > 2.0**62:
            raise InvalidArgumentError(f"counts add up to {tallies.sum(dtype=np.float64):.3g}; expected at most 2^62.")
        tallies = tallies.astype(np.int64)
        if tallies.size and (tallies[-1] < 0 or np.any(np.diff(tallies) > 0)):
            raise InvalidArgumentError(
                "counts must be >= 0 and must not increase: ids are in order of decreasing count. "
                "Vocabulary.from_counts sorts them."
            )
        self._set(listed, tallies, min_count, max_final_vocab, unk, total, n_types)
        if len(self.ids) != len(listed):
            seen: set[str] = set()
            twice = next(word for word in listed if word in seen or seen.add(word))  # type: ignore[func-returns-value]
            raise InvalidArgumentError(f"words contains {twice!r} twice; expected every word once.")
        if unk is not None and unk not in self.ids:
            raise InvalidArgumentError(f"unk={unk!r} is not one of the words. Vocabulary.from_counts adds it.")

    def _set(
        self,
        words: list[str],
        counts: NDArray[np.int64],
        min_count: int,
        max_final_vocab: int | None,
        unk: str | None,
        total: int | None,
        n_types: int | None,
    ) -> None:
        self.words = words
        self.counts = counts
        self.min_count = min_count
        self.max_final_vocab = max_final_vocab
        self.unk = unk
        kept = int(counts.sum())
        self.total = kept if total is None else check_int("total", total, 0, 1 << 62)
        self.n_types = len(words) - (unk is not None) if n_types is None else int(n_types)
        self._ids: dict[str, int] | None = None

    @classmethod
    def from_counts(
        cls,
        counts: Mapping[str, int],
        *,
        min_count: int = 1,
        max_final_vocab: int | None = None,
        unk: str | None = None,
    ) -> Vocabulary:
        """Select and order words by their counts.

        Args:
            counts: mapping of word to count, such as a dict or a `collections.Counter`.
            min_count: see :class:`Vocabulary`.
            max_final_vocab: see :class:`Vocabulary`.
            unk: see :class:`Vocabulary`.

        Raises:
            VocabularyError: no word occurs `min_count` times; the message names a `min_count` that would keep some.
        """
        check_limits(min_count, max_final_vocab, unk)
        checked: dict[str, int] = {}
        for word, count in counts.items():
            check_word(word, "a key of counts")
            checked[str(word)] = check_int(f"counts[{word!r}]", count, minimum=0)
        words = list(checked)
        vocabulary, _ = choose(
            words, np.fromiter(checked.values(), np.int64, len(words)), min_count, max_final_vocab, unk
        )
        return vocabulary

    def joined(self, other: Vocabulary, min_count: int = 1, max_final_vocab: int | None = None) -> Vocabulary:
        """The words of this vocabulary and of `other`, with their counts added.

        All words of this vocabulary stay. A word of `other` is added if it occurs there at least `min_count` times, in
        order of decreasing count, until there are `max_final_vocab` words. The counts of words that this vocabulary
        dropped are not known, so such a word starts from its count in `other`.

        Args:
            other: the vocabulary of the new text.
            min_count: int >= 1, minimum count in `other` of a new word.
            max_final_vocab: int >= 1 or None, the maximum number of words of the result.

        >>> old, new = Vocabulary.from_counts({"a": 3, "b": 1}), Vocabulary.from_counts({"b": 4, "c": 2, "d": 1})
        >>> joined = old.joined(new, min_count=2)
        >>> joined.words, joined.counts.tolist(), joined.n_dropped_words
        (['b', 'a', 'c'], [5, 3, 2], 1)
        """
        check_limits(min_count, max_final_vocab, None)
        counts = dict(zip(self.words, self.counts.tolist(), strict=True))
        room = math.inf if max_final_vocab is None else max_final_vocab - len(self) + (self.unk is not None)
        unknown, types = 0, self.n_types
        for word, count in zip(other.words, other.counts.tolist(), strict=True):  # by decreasing count
            if word in counts:
                counts[word] += count
                continue
            types += word != other.unk
            if count >= min_count and room > 0 and word != other.unk:
                counts[word] = count
                room -= 1
            else:
                unknown += count
        if self.unk is not None:
            counts[self.unk] += unknown
        words = sorted(counts, key=lambda word: (-counts[word], word))
        vocabulary = Vocabulary.__new__(Vocabulary)
        tallies = np.array([counts[word] for word in words], np.int64)
        total = self.total + other.total
        vocabulary._set(words, tallies, self.min_count, max_final_vocab, self.unk, total, types)
        return vocabulary

    @property
    def ids(self) -> dict[str, int]:
        """Mapping of word to id. Created on first use, because a scan does not need it."""
        if self._ids is None:
            self._ids = {word: i for i, word in enumerate(self.words)}
        return self._ids

    @property
    def unk_id(self) -> int | None:
        """The id of `unk`, or None."""
        return None if self.unk is None else self.ids[self.unk]

    @property
    def n_dropped_words(self) -> int:
        """Number of counted tokens without an id, not even that of `unk`."""
        return self.total - int(self.counts.sum())

    @property
    def n_dropped_types(self) -> int:
        """Number of distinct counted words without an id of their own."""
        return self.n_types - (len(self.words) - (self.unk is not None))

    def __len__(self) -> int:
        return len(self.words)

    def __iter__(self) -> Iterator[str]:
        return iter(self.words)

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and word in self.ids

    def __getitem__(self, word: str) -> int:
        """The id of `word`; `vocabulary["cat"]` is `vocabulary.index("cat")`."""
        return self.index(word)

    def index(self, word: str) -> int:
        """The id of `word`; that of `unk` for an unknown word, or :class:`VocabularyError` without `unk`."""
        if isinstance(word, str):
            found = self.ids.get(word, self.unk_id)
            if found is not None:
                return found
            raise VocabularyError(
                f"{word!r} is not in the vocabulary of {len(self):,} words (min_count={self.min_count}). "
                "Test `word in vocabulary` first, or build the vocabulary with unk='<unk>'."
            )
        raise InvalidArgumentError(
            f"word is of type {type(word).__name__}; expected a str. decode() maps ids to words."
        )

    def encode(self, tokens: Iterable[str]) -> NDArray[np.int32]:
        """Ids of the tokens, int32 (n_kept,). Unknown words are dropped, or become `unk_id`."""
        if isinstance(tokens, str | bytes):
            raise InvalidArgumentError(
                f"tokens is of type {type(tokens).__name__}; expected a list of tokens. Pass text.split() for a text."
            )
        listed = list(tokens)
        for i, token in enumerate(listed):
            if not isinstance(token, str):
                raise InvalidArgumentError(f"tokens[{i}] is {token!r}, a {type(token).__name__}; expected a str.")
        unknown = -1 if self.unk_id is None else self.unk_id
        lookup = self.ids.get
        ids = np.fromiter((lookup(token, unknown) for token in listed), np.int32, len(listed))
        return ids if unknown >= 0 else ids[ids >= 0]

    def encode_padded(
        self,
        texts: Iterable[Iterable[str]],
        length: int | None = None,
        *,
        padding: str = "post",
        truncating: str | None = None,
    ) -> NDArray[np.int32]:
        """Ids of several texts as one array, with 0 for padding, for models that mask it (`mask_zero`).

        Id 0 is a word of this vocabulary, the most frequent one. So every id is one higher than in :meth:`encode`, and
        a model of these ids has ``len(vocabulary) + 1`` rows. ``decode(row[row > 0] - 1)`` are the words of a row. A
        text without known words is a row of zeros.

        Args:
            texts: texts, each a list of tokens.
            length: int >= 1 or None (that of the longest text, at least 1), number of columns.
            padding: `"post"`: zeros after the words; `"pre"`: before them.
            truncating: None: a text longer than `length` is an error; `"post"`: its end is cut off; `"pre"`: its start.

        Returns:
            int32 (n_texts, length), from 0 to ``len(vocabulary)``.

        Raises:
            InvalidArgumentError: a text is no list of tokens, or too long.

        >>> vocabulary = Vocabulary.from_counts({"the": 7, "cat": 2})
        >>> vocabulary.encode_padded([["the", "cat"], ["cat"]]).tolist()
        [[1, 2], [2, 0]]
        """
        check_choice("padding", padding, ("post", "pre"))
        if truncating is not None:
            check_choice("truncating", truncating, ("post", "pre"), hint="None refuses long texts.")
        if isinstance(texts, str | bytes):
            raise InvalidArgumentError(
                f"texts is of type {type(texts).__name__}; expected a list of texts, each a list of tokens."
            )
        rows = [self.encode(text) for text in texts]
        longest = max((len(row) for row in rows), default=0)
        columns = (
            max(longest, 1) if length is None else check_int("length", length, hint="It is the number of columns.")
        )
        if longest > columns and truncating is None:
            where = next(i for i, row in enumerate(rows) if len(row) > columns)
            raise InvalidArgumentError(
                f"texts[{where}] has {len(rows[where])} known words, length={columns}; expected length >= {longest}, "
                "that of the longest text, or truncating='post' or 'pre', which cuts words off."
            )
        found = np.zeros((len(rows), columns), np.int32)
        for row, ids in zip(found, rows, strict=True):
            kept = ids[-columns:] if truncating == "pre" else ids[:columns]
            where_to = slice(columns - len(kept), None) if padding == "pre" else slice(0, len(kept))
            row[where_to] = kept + 1
        return found

    def decode(self, ids: ArrayLike) -> list[str]:
        """The words of `ids`, integers (n,)."""
        array = np.asarray(ids)
        if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
            raise InvalidArgumentError(
                f"ids has dtype {array.dtype} and shape {array.shape}; expected integers of shape (n,)."
            )
        wrong = np.flatnonzero((array < 0) | (array >= len(self)))
        if wrong.size:
            raise VocabularyError(
                f"ids[{wrong[0]}] is {array[wrong[0]]}; expected 0 to {len(self) - 1}, the ids of this vocabulary."
            )
        words = self.words
        return [words[i] for i in array.tolist()]

    def __eq__(self, other: object) -> bool:
        """Whether words, counts, `unk` and `total` are equal."""
        if not isinstance(other, Vocabulary):
            return NotImplemented
        return self is other or (
            self.unk == other.unk
            and self.total == other.total
            and np.array_equal(self.counts, other.counts)
            and self.words == other.words
        )

    def __repr__(self) -> str:
        extras = f", min_count={self.min_count}"
        if self.max_final_vocab is not None:
            extras += f", max_final_vocab={self.max_final_vocab}"
        if self.unk is not None:
            extras += f", unk={self.unk!r}"
        return f"Vocabulary({len(self):,} words{extras}, {self.total:,} raw words counted)"

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_ids": None}

    def to_tensors(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Arrays and metadata for :func:`kerazoo._runtime.files.write_tensors`; inverse of :meth:`from_tensors`."""
        encoded = [word.encode("utf-8") for word in self.words]
        offsets = np.zeros(len(encoded) + 1, np.int64)
        np.cumsum([len(word) for word in encoded], out=offsets[1:])
        arrays: dict[str, NDArray[Any]] = {
            "vocabulary.counts": self.counts,
            "vocabulary.offsets": offsets,
            "vocabulary.utf8": np.frombuffer(b"".join(encoded), np.uint8),
        }
        fields = ("min_count", "max_final_vocab", "unk", "total", "n_types")
        return arrays, {name: getattr(self, name) for name in fields}

    @classmethod
    def from_tensors(cls, arrays: Mapping[str, NDArray[Any]], metadata: Mapping[str, Any]) -> Vocabulary:
        """The vocabulary that :meth:`to_tensors` returned; ValueError, KeyError or TypeError if it is damaged."""
        text = arrays["vocabulary.utf8"].tobytes()
        ends = arrays["vocabulary.offsets"].tolist()
        if not ends or ends[0] != 0 or ends[-1] != len(text):
            raise ValueError("the offsets of the words do not match their text")
        words = [text[start:stop].decode("utf-8") for start, stop in pairwise(ends)]
        counts = np.array(arrays["vocabulary.counts"])
        if len(counts) and (counts.min() < 0 or float(counts.sum(dtype=np.float64)) >= LARGEST_TOTAL):
            raise ValueError("the counts of the words are impossible")
        return cls(words, counts, **metadata)


def check_limits(min_count: Any, max_final_vocab: Any, unk: Any) -> None:
    """Raise :class:`InvalidArgumentError` unless the three are valid; see :class:`Vocabulary`."""
    check_int("min_count", min_count, minimum=1, hint="The usual value is 5.")
    if max_final_vocab is not None:
        check_int("max_final_vocab", max_final_vocab, minimum=1, hint="None keeps every word.")
    if unk is not None:
        check_word(unk, "unk", "None, or a str such as '<unk>'")


def check_word(word: Any, name: str, allowed: str = "a str") -> None:
    """Raise :class:`InvalidArgumentError` unless `word` is a non-empty str that UTF-8 can encode."""
    if not isinstance(word, str) or not word:
        raise InvalidArgumentError(f"{name} is {word!r}, of type {type(word).__name__}; expected {allowed}, not empty.")
    try:
        word.encode("utf-8")
    except UnicodeEncodeError:
        raise InvalidArgumentError(
            f"{name} is {word!r}, which contains a lone surrogate and cannot be encoded as UTF-8. "
            "word.encode('utf-8', 'replace').decode() replaces it."
        ) from None


def choose(
    words: list[str], counts: NDArray[np.int64], min_count: int, max_final_vocab: int | None, unk: str | None
) -> tuple[Vocabulary, NDArray[np.int32]]:
    """Select the vocabulary from counted words in any order.

    The order of the ranks is that of `kerazoo_ext._scan.Scanner.rank`.

    Returns:
        The vocabulary, and the id of each counted word, int32 (n_words,), -1 for none.
    """
    ranked = sorted(np.flatnonzero(counts >= min_count).tolist(), key=words.__getitem__)
    indices = np.array(ranked, np.int32)
    indices = indices[np.argsort(-counts[indices], kind="stable")]
    return choose_ranked([words[i] for i in indices.tolist()], indices, counts, min_count, max_final_vocab, unk)


def choose_ranked(
    ranked: list[str],
    indices: NDArray[np.int32],
    counts: NDArray[np.int64],
    min_count: int,
    max_final_vocab: int | None,
    unk: str | None,
) -> tuple[Vocabulary, NDArray[np.int32]]:
    """Select the vocabulary from words that are already in order of rank.

    Args:
        ranked: words that occur at least `min_count` times, in order of rank.
        indices: int32 (n_ranked,), where each of them is in `counts`.
        counts: int64 (n_types,), the counts of all words.
        min_count: see :class:`Vocabulary`.
        max_final_vocab: see :class:`Vocabulary`.
        unk: see :class:`Vocabulary`.

    Returns:
        The vocabulary, and the id of each counted word, int32 (n_types,): that of `unk`, or -1, for words left out.
    """
    most = int(counts.max(initial=0))
    totals = Totals(
        int(counts.sum()), len(counts), int(np.count_nonzero(counts)), most, int(np.count_nonzero(counts == most))
    )
    vocabulary, ids, unknown = choose_of(ranked, counts[indices], totals, min_count, max_final_vocab, unk)
    mapping = np.full(len(counts), unknown, np.int32)
    mapping[indices] = ids
    return vocabulary, mapping


def choose_of(
    ranked: list[str],
    tallies: NDArray[np.int64],
    totals: Totals,
    min_count: int,
    max_final_vocab: int | None,
    unk: str | None,
) -> tuple[Vocabulary, NDArray[np.int32], int]:
    """Select the vocabulary from the words that may get an id, without the others, of which there may be far more.

    The arguments are those of :func:`kerazoo.text.selection.select_words`.

    Returns:
        The vocabulary; the id of each word of `ranked`, int32 (n_ranked,); the id of all others, that of `unk` or -1.

    Raises:
        VocabularyError: `ranked` is empty.
    """
    found = select_words(ranked, tallies, totals, min_count, max_final_vocab, unk)
    vocabulary = Vocabulary.__new__(Vocabulary)
    vocabulary._set(found.words, found.counts, min_count, max_final_vocab, unk, totals.words, found.n_types)
    return vocabulary, found.ids, found.unknown
