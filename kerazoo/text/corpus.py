"""`EncodedCorpus`: a text as one flat array of word ids with document offsets."""

from __future__ import annotations

import operator
import os
from collections.abc import Iterable, Iterator
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kerazoo._runtime.devices import usable_cores
from kerazoo._runtime.files import damage_of, read_tensors, write_tensors
from kerazoo._validation import check_choice, check_int, check_workers
from kerazoo.errors import InvalidArgumentError
from kerazoo.text.encoding import Encoded, Encoder, Limits, encode_files, encode_tokens
from kerazoo.text.readers import files_of, is_files
from kerazoo.text.shards import ScanOptions, encode_units, is_large, plan_units
from kerazoo.text.targets import check_target, own_files, path_of
from kerazoo.text.tokens import first_fall, steps
from kerazoo.text.vocabulary import Vocabulary, check_limits
from kerazoo_ext._scan import first_outside

__all__ = ["EncodedCorpus"]

KIND = "kerazoo.corpus"


class EncodedCorpus:
    """Documents of word ids, concatenated in one array, in memory or memory-mapped from a file.

    Create one with :meth:`from_source` (text, token lists), :meth:`from_ids` (arrays) or :meth:`load` (a file).

    A document that loses all its words to `min_count` stays as an empty document, so document numbers are the numbers
    of the non-empty lines (or token lists) of the source.

    Attributes:
        ids: int32 (n_tokens,), word ids, one document after another.
        offsets: int64 (n_documents + 1,); document i is ``ids[offsets[i]:offsets[i + 1]]``.
        raw_offsets: int64 (n_documents + 1,), the same boundaries, counted in words before any were dropped.
        vocabulary: the :class:`Vocabulary` of the ids.
        n_empty_lines: int, empty lines (or token lists) of the source, which are not documents. Only a whole corpus
            knows it; slices and shards have 0.
        path: str or None, the file that a whole corpus was read from, or is mapped to.

    >>> corpus = EncodedCorpus.from_source([["a", "rose", "is", "a", "rose"], ["is", "it"]], min_count=2)
    >>> corpus
    EncodedCorpus(2 documents, 6 tokens of 7 raw words, 3 words in the vocabulary)
    >>> corpus.vocabulary.words, corpus[1].tolist(), corpus.decode(0)
    (['a', 'is', 'rose'], [1], ['a', 'rose', 'is', 'a', 'rose'])
    >>> corpus.n_dropped
    1
    """

    def __init__(self) -> None:
        raise TypeError(
            "EncodedCorpus has no public constructor. "
            "Use from_source(text), from_ids(ids, offsets, vocabulary) or load(path)."
        )

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
        self.path = None
        return self

    ids: NDArray[np.int32]
    offsets: NDArray[np.int64]
    raw_offsets: NDArray[np.int64]
    vocabulary: Vocabulary
    n_empty_lines: int
    path: str | None

    # ---- construction ----

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
        exclude: Iterable[str | os.PathLike[str]] = (),
        path: str | os.PathLike[str] | None = None,
        progress: bool | None = None,
    ) -> EncodedCorpus:
        """Count the words of a source and encode it, in one pass.

        Args:
            source: one of

                - a path (str or `os.PathLike`) or a list of `os.PathLike`: UTF-8 text, one document per line, words
                  separated by white space as in `str.split()`. Files with the suffixes .gz, .bz2, .xz and .zst are
                  decompressed. A directory means all its files, sorted, without hidden ones; links to directories are
                  followed. A file without line ends is one document;
                - a list, tuple or other iterable of token lists; a generator is read once;
                - an `EncodedCorpus`, which is returned unchanged.
            min_count: int >= 1, words that occur less often get no id; see :class:`Vocabulary`.
            max_final_vocab: int >= 1 or None, the maximum number of words; see :class:`Vocabulary`.
            unk: str or None, the word that replaces words without an id; see :class:`Vocabulary`.
            vocabulary: encode with this vocabulary instead of building one; `min_count` is then ignored.
            workers: int >= 1, threads that scan files; None uses all usable cores. The result does not depend on it.
            errors: what to do with bytes that are not UTF-8: ``"strict"`` raises with their position, ``"replace"``
                replaces them by U+FFFD, ``"ignore"`` drops them.
            exclude: files and directories that a directory is read without, such as what a program writes there.
            path: write the corpus to this file and memory-map it, for corpora larger than memory. Until it is
                complete, temporary files in the same folder take 4 bytes per raw word. Files with more than 64 MiB of
                text are encoded in parts, in a hidden folder beside it: memory then holds the vocabulary and a table
                for each thread, and when the process is killed, or a file turns out to be damaged, the same call goes
                on from there (docs/large-corpora.md). The folder is removed when the corpus is complete.
            progress: whether to show a progress bar; None shows it on a terminal after two seconds.

        Raises:
            CorpusError: the source is empty, damaged, not UTF-8, or of another type.
            CorpusNotFoundError: a file does not exist.
            InvalidArgumentError: an argument is out of range, or `path` is a file of the text.
            StorageError: `path` cannot be written, or a part of it is damaged.
            VocabularyError: no word is left; the message names a `min_count` that would keep some.

        >>> corpus = EncodedCorpus.from_source((line.split() for line in ["to be or", "not to be"]), min_count=2)
        >>> [corpus.decode(i) for i in range(len(corpus))]
        [['to', 'be'], ['to', 'be']]
        """
        if isinstance(source, EncodedCorpus):
            if vocabulary is not None and vocabulary != source.vocabulary:
                raise InvalidArgumentError(
                    "vocabulary differs from the vocabulary of the EncodedCorpus, which is already encoded. "
                    "Use corpus.with_vocabulary(vocabulary), or encode the text with from_source(text, vocabulary=...)."
                )
            return source
        check_limits(min_count, max_final_vocab, unk)
        if vocabulary is not None:
            if not isinstance(vocabulary, Vocabulary):
                raise InvalidArgumentError(f"vocabulary is of type {type(vocabulary).__name__}; expected a Vocabulary.")
            if max_final_vocab is not None or unk is not None:
                raise InvalidArgumentError(
                    "max_final_vocab and unk select words, but a given vocabulary is already final. Remove them."
                )
        threads = usable_cores() if workers is None else check_workers("workers", workers)
        check_choice("errors", errors, ("strict", "replace", "ignore"))
        limits = Limits(min_count, max_final_vocab, unk, vocabulary)
        files = None
        target = None if path is None else path_of(path)
        if is_files(source):
            own = [] if target is None else own_files(target, KIND)
            files = files_of(source, [*exclude, *own])  # type: ignore[arg-type]
            if target is not None:
                check_target(target, files)
        if path is not None and files is not None:
            units = plan_units(files)
            if units is not None and is_large(units):
                options = ScanOptions(errors)
                encode_units(units, path, limits, kind=KIND, options=options, workers=threads, progress=progress)
                return cls._read(path, mmap=True, check=False)
        folder = None if target is None else target.parent
        with Encoder(limits, threads, folder) as encoder:
            if files is not None:
                encoded = encode_files(files, encoder, errors, progress)
            else:
                encoded = encode_tokens(source, encoder, progress)  # type: ignore[arg-type]
            if path is not None:
                _write(path, encoded)
                return cls._read(path, mmap=True, check=False)
        assert isinstance(encoded.ids, np.ndarray)
        return cls._of(encoded.ids, encoded.offsets, encoded.raw_offsets, encoded.vocabulary, encoded.n_empty_lines)

    @classmethod
    def from_ids(cls, ids: ArrayLike, offsets: ArrayLike, vocabulary: Vocabulary) -> EncodedCorpus:
        """A corpus of given ids, which are checked, and not copied if they are int32 and contiguous.

        Args:
            ids: integers (n_tokens,), each in [0, len(vocabulary)).
            offsets: integers (n_documents + 1,), rising from 0 to n_tokens.
            vocabulary: the :class:`Vocabulary` of the ids.

        Raises:
            InvalidArgumentError: an id is outside the vocabulary, the offsets are not valid, or a wrong type.

        >>> vocabulary = Vocabulary.from_counts({"a": 2, "b": 1})
        >>> EncodedCorpus.from_ids([0, 1, 0], [0, 2, 3], vocabulary).decode(0)
        ['a', 'b']
        """
        if not isinstance(vocabulary, Vocabulary):
            raise InvalidArgumentError(f"vocabulary is of type {type(vocabulary).__name__}; expected a Vocabulary.")
        flat, ends = _integers("ids", ids), _integers("offsets", offsets)
        if len(vocabulary) <= np.iinfo(np.int32).max and flat.dtype != np.int32:
            wrong = np.flatnonzero(
                (flat < 0) | (flat >= len(vocabulary))
            )  # before a conversion to int32 could overflow
            if wrong.size:
                raise _outside(int(wrong[0]), int(flat[wrong[0]]), len(vocabulary))
        flat = np.ascontiguousarray(flat, np.int32)
        ends = np.ascontiguousarray(ends, np.int64)
        _check(flat, ends, vocabulary)
        return cls._of(flat, ends, ends, vocabulary, 0)

    def with_vocabulary(self, vocabulary: Vocabulary) -> EncodedCorpus:
        """The same documents encoded with another vocabulary; unknown words are dropped or become its `unk`.

        Words that this corpus has already dropped stay dropped.

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
        """Number of words with an id."""
        return len(self.ids)

    @property
    def n_documents(self) -> int:
        """Number of documents, including empty ones; the same as ``len(corpus)``."""
        return len(self.offsets) - 1

    @property
    def n_raw_words(self) -> int:
        """Number of words of the source, before any were dropped."""
        return int(self.raw_offsets[-1] - self.raw_offsets[0])

    @property
    def n_dropped(self) -> int:
        """Number of words of the source without an id."""
        return self.n_raw_words - self.n_tokens

    # ---- parts ----

    def __len__(self) -> int:
        return self.n_documents

    def __iter__(self) -> Iterator[NDArray[np.int32]]:
        for i in range(len(self)):
            yield self[i]

    @overload
    def __getitem__(self, key: int) -> NDArray[np.int32]: ...

    @overload
    def __getitem__(self, key: slice) -> EncodedCorpus: ...

    def __getitem__(self, key: int | slice) -> NDArray[np.int32] | EncodedCorpus:
        """`corpus[i]`: ids of document i, int32 (n,). `corpus[a:b]`: a corpus of these documents. Both are views."""
        if isinstance(key, slice):
            begin, end, step = key.indices(len(self))
            if step != 1:
                raise InvalidArgumentError(f"slice of documents with step {step}; expected step 1.")
            return self._part(begin, max(begin, end))
        try:
            number = operator.index(key)
        except TypeError:
            raise InvalidArgumentError(
                f"index of a document is of type {type(key).__name__}; expected an int or a slice. "
                "corpus.ids is the flat array."
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
        """The i-th of n contiguous parts of about equal size in tokens, cut between documents; a view.

        Together the parts contain every document once, in order. A document is never split, so with long documents a
        part can be much longer than the others, or empty.

        Args:
            n: int >= 1, number of parts.
            i: int from 0 to n - 1.

        >>> corpus = EncodedCorpus.from_source([["a", "a"], ["b", "a"], ["b", "b", "b", "a"]], min_count=1)
        >>> [corpus.shard(2, i).n_tokens for i in range(2)]
        [4, 4]
        """
        check_int("n", n)
        check_int("i", i, minimum=0, maximum=n - 1)
        return self._part(self._cut(n, i), self._cut(n, i + 1))

    def _cut(self, n: int, i: int) -> int:
        """The document boundary nearest to the fraction i / n of the tokens; of two, the earlier one."""
        if i in (0, n):
            return 0 if i == 0 else len(self)
        target = self.n_tokens * i // n
        after = int(np.searchsorted(self.offsets, target))
        if after > 0 and target - self.offsets[after - 1] <= self.offsets[after] - target:
            after -= 1
        return after

    def decode(self, i: int) -> list[str]:
        """The words of document i, without those that were dropped."""
        return self.vocabulary.decode(self[operator.index(i)])

    def __repr__(self) -> str:
        return (
            f"EncodedCorpus({self.n_documents:,} documents, "
            f"{self.n_tokens:,} tokens of {self.n_raw_words:,} raw words, "
            f"{len(self.vocabulary):,} words in the vocabulary)"
        )

    # ---- files ----

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the corpus and its vocabulary to one file, atomically; :meth:`load` reads it."""
        _write(path, Encoded(self.vocabulary, self.offsets, self.raw_offsets, self.n_empty_lines, self.ids))

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, mmap: bool = True, check: bool = True) -> EncodedCorpus:
        """Read a corpus that :meth:`save` or ``from_source(..., path=...)`` wrote.

        Args:
            path: the file.
            mmap: True memory-maps `ids` and the offsets read-only. False reads all into memory and verifies the
                checksums.
            check: whether to check that all ids are in the vocabulary, because kernels trust them. This reads the file
                once; False skips it, for a file that is known to be intact.

        Raises:
            StorageError: the file is missing, damaged, truncated, or of another kind.
        """
        return cls._read(path, mmap=mmap, check=check)

    @classmethod
    def _read(cls, path: str | os.PathLike[str], *, mmap: bool, check: bool) -> EncodedCorpus:
        arrays, metadata = read_tensors(path, kind=KIND, mmap=mmap)
        with damage_of(path, "Encode the text again."):
            vocabulary = Vocabulary.from_tensors(arrays, metadata["vocabulary"])
            ids, offsets, raw_offsets = arrays["ids"], arrays["offsets"], arrays["raw_offsets"]
            if (ids.dtype, offsets.dtype, raw_offsets.dtype) != (np.int32, np.int64, np.int64):
                raise ValueError("its arrays have wrong dtypes")
            if ids.ndim != 1 or offsets.ndim != 1 or raw_offsets.shape != offsets.shape:
                raise ValueError("its arrays have wrong shapes")
            if not len(raw_offsets) or raw_offsets[0] < 0 or _any_longer(offsets, raw_offsets):
                raise ValueError("its raw offsets do not match its offsets")
            _check(ids, offsets, vocabulary, check_ids=check)
            n_empty_lines = check_int("n_empty_lines", metadata["n_empty_lines"], 0)
        corpus = cls._of(ids, offsets, raw_offsets, vocabulary, n_empty_lines)
        corpus.path = os.path.abspath(path)
        return corpus


def _write(path: str | os.PathLike[str], encoded: Encoded) -> None:
    arrays, vocabulary = encoded.vocabulary.to_tensors()
    corpus_arrays = {"ids": encoded.ids, "offsets": encoded.offsets, "raw_offsets": encoded.raw_offsets}
    metadata = {"n_empty_lines": encoded.n_empty_lines, "vocabulary": vocabulary}
    write_tensors(path, {**arrays, **corpus_arrays}, metadata, kind=KIND)


def _any_longer(offsets: NDArray[np.int64], raw_offsets: NDArray[np.int64]) -> bool:
    """Whether a document has more ids than raw words."""
    return any((raw < kept).any() for kept, raw in zip(steps(offsets), steps(raw_offsets), strict=True))


def _integers(name: str, values: ArrayLike) -> NDArray[Any]:
    array = np.asarray(values)
    if not array.size and not isinstance(values, np.ndarray):
        array = array.astype(np.int64)  # np.asarray([]) is float64
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
    at = first_fall(offsets) + 1
    if at > 0:
        raise InvalidArgumentError(
            f"offsets[{at}] is {offsets[at]}, less than offsets[{at - 1}], {offsets[at - 1]}; "
            "expected offsets that do not decrease."
        )
    if check_ids:
        wrong = first_outside(ids, len(vocabulary))
        if wrong >= 0:
            raise _outside(wrong, int(ids[wrong]), len(vocabulary))


def _outside(index: int, value: int, n_words: int) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"ids[{index}] is {value}; expected 0 to {n_words - 1}, since the vocabulary has {n_words} words."
    )
