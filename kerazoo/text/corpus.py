"""`EncodedCorpus`: a text as one flat array of word ids with document borders."""

from __future__ import annotations

import operator
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kerazoo._runtime.devices import usable_cores
from kerazoo._runtime.files import read_tensors, write_tensors
from kerazoo._validation import check_choice, check_int
from kerazoo.errors import InvalidArgumentError, StorageError
from kerazoo.text.encoding import Encoded, Encoder, Limits, encode_files, encode_tokens
from kerazoo.text.readers import files_of, is_files
from kerazoo.text.vocabulary import Vocabulary, check_limits
from kerazoo_ext._scan import first_outside

__all__ = ["EncodedCorpus"]

KIND = "kerazoo.corpus"


class EncodedCorpus:
    """Documents of word ids, end to end in one array, in memory or memory-mapped from a file.

    Make one with :meth:`from_source` (text, token lists), :meth:`from_ids` (arrays) or :meth:`load` (a file).

    Attributes
    ----------
    ids : int32, shape (n_tokens,): word ids, the documents one after the other.
    offsets : int64, shape (n_documents + 1,): document i is ``ids[offsets[i]:offsets[i + 1]]``.
    raw_offsets : int64, shape (n_documents + 1,): the same borders, counted in the words before any were dropped.
    vocabulary : the :class:`Vocabulary` of the ids.
    n_empty_lines : empty lines (or token lists) of the source. They are not documents. Meaningful for a whole corpus:
        slices and shards have 0.

    A document that lost all its words to `min_count` stays, empty, so that document numbers are the numbers of the
    non-empty lines (or token lists) of the source.

    Examples
    --------
    >>> corpus = EncodedCorpus.from_source([["a", "rose", "is", "a", "rose"], ["is", "it"]], min_count=2)
    >>> corpus
    EncodedCorpus(2 documents, 6 tokens of 7 raw words, 3 words in the vocabulary)
    >>> corpus.vocabulary.words, corpus[1].tolist(), corpus.decode(0)
    (['a', 'is', 'rose'], [1], ['a', 'rose', 'is', 'a', 'rose'])
    >>> corpus.n_dropped
    1
    """

    def __init__(self) -> None:
        raise TypeError("EncodedCorpus is made by from_source(text), from_ids(ids, offsets, vocabulary) or load(path).")

    @classmethod
    def _of(
        cls,
        ids: NDArray[np.int32],
        offsets: NDArray[np.int64],
        raw_offsets: NDArray[np.int64],
        vocabulary: Vocabulary,
        n_empty_lines: int,
    ) -> EncodedCorpus:
        self = cls.__new__(cls)
        self.ids = ids
        self.offsets = offsets
        self.raw_offsets = raw_offsets
        self.vocabulary = vocabulary
        self.n_empty_lines = n_empty_lines
        return self

    ids: NDArray[np.int32]
    offsets: NDArray[np.int64]
    raw_offsets: NDArray[np.int64]
    vocabulary: Vocabulary
    n_empty_lines: int

    # ---- making one ----

    @classmethod
    def from_source(
        cls,
        source: EncodedCorpus | str | os.PathLike[str] | Iterable[Any],
        *,
        min_count: int = 5,
        max_final_vocab: int | None = None,
        unk: str | None = None,
        vocabulary: Vocabulary | None = None,
        workers: int | None = None,
        errors: str = "strict",
        path: str | os.PathLike[str] | None = None,
        progress: bool | None = None,
    ) -> EncodedCorpus:
        """Count the words of a source and encode it, in one pass.

        Parameters
        ----------
        source : one of
            a path (str or `os.PathLike`) or a list of `os.PathLike`: UTF-8 text, one document a line, words between
            white space as `str.split()` finds them. Suffixes .gz, .bz2, .xz and .zst are decompressed; a directory
            stands for all files in it, sorted, hidden ones left out. One endless line is one document;
            a list, tuple or other iterable of token lists, also a generator, which is read once;
            an EncodedCorpus, which is returned as it is.
        min_count, max_final_vocab, unk : which words get an id, see :class:`Vocabulary`.
        vocabulary : encode with these words instead of choosing some; `min_count` is not used then.
        workers : threads that scan files. Default: all usable cores. The result does not depend on it.
        errors : bytes that are not UTF-8: ``"strict"`` raises and names their position, ``"replace"`` makes them
            U+FFFD, ``"ignore"`` leaves them out.
        path : write the corpus to this file and memory-map it: for corpora larger than memory. A temporary file of
            4 bytes a raw word lies beside it meanwhile.
        progress : a progress bar: True, False, or None = on a terminal, when it takes longer than two seconds.

        Raises
        ------
        CorpusError : the source is empty, damaged, not UTF-8, or of a type that is none of the above.
        CorpusNotFoundError : a file is missing.
        VocabularyError : no word is left; the message names a `min_count` that would leave some.

        Examples
        --------
        >>> corpus = EncodedCorpus.from_source((line.split() for line in ["to be or", "not to be"]), min_count=2)
        >>> [corpus.decode(i) for i in range(len(corpus))]
        [['to', 'be'], ['to', 'be']]
        """
        if isinstance(source, EncodedCorpus):
            if vocabulary is not None and vocabulary != source.vocabulary:
                raise InvalidArgumentError(
                    "vocabulary differs from that of the EncodedCorpus, which is already encoded. "
                    "Encode the text itself with from_source(text, vocabulary=...)."
                )
            return source
        check_limits(min_count, max_final_vocab, unk)
        if vocabulary is not None:
            if not isinstance(vocabulary, Vocabulary):
                raise InvalidArgumentError(f"vocabulary is of type {type(vocabulary).__name__}; expected a Vocabulary.")
            if max_final_vocab is not None or unk is not None:
                raise InvalidArgumentError(
                    "max_final_vocab and unk choose words; a given vocabulary has chosen. Drop them."
                )
        threads = usable_cores() if workers is None else check_int("workers", workers)
        check_choice("errors", errors, ("strict", "replace", "ignore"))
        limits = Limits(min_count, max_final_vocab, unk, vocabulary)
        folder = None if path is None else Path(path).parent
        with Encoder(limits, threads, folder) as encoder:
            if is_files(source):
                encoded = encode_files(files_of(source), encoder, errors, progress)  # type: ignore[arg-type]
            else:
                encoded = encode_tokens(source, encoder, progress)  # type: ignore[arg-type]
            if path is not None:
                _write(path, encoded)
                return cls._read(path, mmap=True, check=False)
        assert isinstance(encoded.ids, np.ndarray)
        return cls._of(encoded.ids, encoded.offsets, encoded.raw_offsets, encoded.vocabulary, encoded.n_empty_lines)

    @classmethod
    def from_ids(cls, ids: ArrayLike, offsets: ArrayLike, vocabulary: Vocabulary) -> EncodedCorpus:
        """A corpus of given ids; they are checked, and not copied if int32 and contiguous.

        Parameters
        ----------
        ids : integers, shape (n_tokens,), each in [0, len(vocabulary)).
        offsets : integers, shape (n_documents + 1,), rising from 0 to n_tokens.

        Examples
        --------
        >>> vocabulary = Vocabulary.from_counts({"a": 2, "b": 1})
        >>> EncodedCorpus.from_ids([0, 1, 0], [0, 2, 3], vocabulary).decode(0)
        ['a', 'b']
        """
        if not isinstance(vocabulary, Vocabulary):
            raise InvalidArgumentError(f"vocabulary is of type {type(vocabulary).__name__}; expected a Vocabulary.")
        flat, borders = _integers("ids", ids), _integers("offsets", offsets)
        if len(vocabulary) <= np.iinfo(np.int32).max and flat.dtype != np.int32:
            wrong = np.flatnonzero((flat < 0) | (flat >= len(vocabulary)))  # before int32 could wrap them
            if wrong.size:
                raise _outside(int(wrong[0]), int(flat[wrong[0]]), len(vocabulary))
        own = np.ascontiguousarray(flat, np.int32)
        ends = np.ascontiguousarray(borders, np.int64)
        _check(own, ends, vocabulary)
        return cls._of(own, ends, ends, vocabulary, 0)

    def with_vocabulary(self, vocabulary: Vocabulary) -> EncodedCorpus:
        """The same documents in the ids of another vocabulary; words that it lacks are dropped, or become its `unk`.

        Words that this corpus has dropped already stay dropped.

        >>> corpus = EncodedCorpus.from_source([["a", "b", "a"], ["c"]], min_count=1)
        >>> [part.tolist() for part in corpus.with_vocabulary(Vocabulary.from_counts({"c": 2, "a": 1}))]
        [[1, 1], [0]]
        """
        if not isinstance(vocabulary, Vocabulary):
            raise InvalidArgumentError(f"vocabulary is of type {type(vocabulary).__name__}; expected a Vocabulary.")
        unknown = -1 if vocabulary.unk_id is None else vocabulary.unk_id
        mapping = np.array([vocabulary.ids.get(word, unknown) for word in self.vocabulary.words], np.int32)
        ids = mapping[self.ids]
        kept = ids >= 0
        before = np.zeros(len(ids) + 1, np.int64)
        np.cumsum(kept, out=before[1:])
        return EncodedCorpus._of(ids[kept], before[self.offsets], self.raw_offsets, vocabulary, self.n_empty_lines)

    # ---- sizes ----

    @property
    def n_tokens(self) -> int:
        """Words with an id."""
        return len(self.ids)

    @property
    def n_documents(self) -> int:
        """Documents, empty ones among them; also ``len(corpus)``."""
        return len(self.offsets) - 1

    @property
    def n_raw_words(self) -> int:
        """Words of the source, before any were dropped."""
        return int(self.raw_offsets[-1] - self.raw_offsets[0])

    @property
    def n_dropped(self) -> int:
        """Words of the source that have no id."""
        return self.n_raw_words - self.n_tokens

    # ---- parts ----

    def __len__(self) -> int:
        return self.n_documents

    def __iter__(self) -> Iterator[NDArray[np.int32]]:
        for place in range(len(self)):
            yield self[place]

    @overload
    def __getitem__(self, place: int) -> NDArray[np.int32]: ...

    @overload
    def __getitem__(self, place: slice) -> EncodedCorpus: ...

    def __getitem__(self, place: int | slice) -> NDArray[np.int32] | EncodedCorpus:
        """`corpus[i]`: ids of document i, int32 (n,), a view. `corpus[a:b]`: these documents, ids not copied."""
        if isinstance(place, slice):
            begin, end, step = place.indices(len(self))
            if step != 1:
                raise InvalidArgumentError(f"a slice of documents with step {step}; expected step 1.")
            return self._part(begin, max(begin, end))
        try:
            number = operator.index(place)
        except TypeError:
            raise InvalidArgumentError(
                f"documents go by number or slice; got {type(place).__name__}. corpus.ids is the flat array."
            ) from None
        if not -len(self) <= number < len(self):
            raise IndexError(f"document {number} of {len(self)}")
        number %= len(self)
        return self.ids[self.offsets[number] : self.offsets[number + 1]]

    def _part(self, begin: int, end: int) -> EncodedCorpus:
        offsets = self.offsets[begin : end + 1]
        raw = self.raw_offsets[begin : end + 1]
        return EncodedCorpus._of(
            self.ids[offsets[0] : offsets[-1]], offsets - offsets[0], raw - raw[0], self.vocabulary, 0
        )

    def shard(self, n: int, i: int) -> EncodedCorpus:
        """The i-th of n contiguous parts with about as many tokens each, cut at document borders; ids not copied.

        The parts are all documents in order, each once. A document is never cut, so that a part can be much longer
        than the others, or empty, where documents are long.

        >>> corpus = EncodedCorpus.from_source([["a", "a"], ["b", "a"], ["b", "b", "b", "a"]], min_count=1)
        >>> [corpus.shard(2, i).n_tokens for i in range(2)]
        [4, 4]
        """
        check_int("n", n)
        check_int("i", i, minimum=0, maximum=n - 1)
        return self._part(self._cut(n, i), self._cut(n, i + 1))

    def _cut(self, n: int, i: int) -> int:
        """The document border nearest to the share i / n of the tokens; the earlier one of two."""
        if i in (0, n):
            return 0 if i == 0 else len(self)
        target = self.n_tokens * i // n
        after = int(np.searchsorted(self.offsets, target))
        if after > 0 and target - self.offsets[after - 1] <= self.offsets[after] - target:
            after -= 1
        return after

    def decode(self, i: int) -> list[str]:
        """The words of document i that have an id."""
        return self.vocabulary.decode(self[operator.index(i)])

    def __repr__(self) -> str:
        return (
            f"EncodedCorpus({self.n_documents:,} documents, "
            f"{self.n_tokens:,} tokens of {self.n_raw_words:,} raw words, "
            f"{len(self.vocabulary):,} words in the vocabulary)"
        )

    # ---- files ----

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the corpus with its vocabulary to one file; :meth:`load` reads it."""
        _write(path, Encoded(self.vocabulary, self.offsets, self.raw_offsets, self.n_empty_lines, self.ids))

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, mmap: bool = True, check: bool = True) -> EncodedCorpus:
        """Read a corpus that :meth:`save` or ``from_source(..., path=...)`` wrote.

        Parameters
        ----------
        mmap : True: `ids` and the offsets stay on the disk and are read-only. False: all is read, checksums compared.
        check : look through all ids for one that is not in the vocabulary: kernels trust the ids. That reads the file
            once; False leaves it out, for a file that is known to be whole.

        Raises :class:`StorageError` when the file is missing, damaged, cut short, or holds something else.
        """
        return cls._read(path, mmap=mmap, check=check)

    @classmethod
    def _read(cls, path: str | os.PathLike[str], *, mmap: bool, check: bool) -> EncodedCorpus:
        arrays, metadata = read_tensors(path, kind=KIND, mmap=mmap)
        try:
            vocabulary = Vocabulary.from_tensors(arrays, metadata["vocabulary"])
            ids, offsets, raw_offsets = arrays["ids"], arrays["offsets"], arrays["raw_offsets"]
            if (ids.dtype, offsets.dtype, raw_offsets.dtype) != (np.int32, np.int64, np.int64):
                raise ValueError("its arrays have other dtypes")
            if ids.ndim != 1 or offsets.ndim != 1 or raw_offsets.shape != offsets.shape:
                raise ValueError("its arrays have other shapes")
            if not len(raw_offsets) or raw_offsets[0] < 0 or np.any(np.diff(raw_offsets) < np.diff(offsets)):
                raise ValueError("its raw offsets do not fit its offsets")
            _check(ids, offsets, vocabulary, check_ids=check)
            n_empty_lines = int(metadata["n_empty_lines"])
        except (KeyError, TypeError, ValueError) as error:
            raise StorageError(f"{os.fspath(path)}: damaged: {error}. Encode the text again.") from error
        return cls._of(ids, offsets, raw_offsets, vocabulary, n_empty_lines)


def _write(path: str | os.PathLike[str], encoded: Encoded) -> None:
    arrays, vocabulary = encoded.vocabulary.to_tensors()
    borders = {"ids": encoded.ids, "offsets": encoded.offsets, "raw_offsets": encoded.raw_offsets}
    metadata = {"n_empty_lines": encoded.n_empty_lines, "vocabulary": vocabulary}
    write_tensors(path, {**arrays, **borders}, metadata, kind=KIND)


def _integers(name: str, values: ArrayLike) -> NDArray[Any]:
    array = np.asarray(values)
    if not array.size and not isinstance(values, np.ndarray):
        array = array.astype(np.int64)  # [] is float64 by itself
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise InvalidArgumentError(
            f"{name} has dtype {array.dtype} and shape {array.shape}; expected integers of shape (n,)."
        )
    return array


def _check(ids: NDArray[np.int32], offsets: NDArray[np.int64], vocabulary: Vocabulary, check_ids: bool = True) -> None:
    """Raise unless the ids are in the vocabulary and the offsets rise from 0 to n_tokens."""
    if not len(offsets) or offsets[0] != 0 or offsets[-1] != len(ids):
        ends = f"{offsets[0]} to {offsets[-1]}" if len(offsets) else "nothing"
        raise InvalidArgumentError(f"offsets go from {ends}; expected from 0 to the number of ids, {len(ids)}.")
    falls = np.flatnonzero(np.diff(offsets) < 0)
    if falls.size:
        place = int(falls[0]) + 1
        raise InvalidArgumentError(
            f"offsets[{place}] is {offsets[place]}, less than {offsets[place - 1]} before it; offsets must not fall."
        )
    if check_ids:
        wrong = first_outside(ids, len(vocabulary))
        if wrong >= 0:
            raise _outside(wrong, int(ids[wrong]), len(vocabulary))


def _outside(place: int, value: int, n_words: int) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"ids[{place}] is {value}; expected 0 to {n_words - 1}, since the vocabulary has {n_words} words."
    )
