"""Documents of a caller as ids of a given vocabulary, one for one: strings, lists of tokens, files, encoded corpora.

`EncodedCorpus.from_source` reads a text to learn from; here a text meets a vocabulary that is final. So every document
keeps its place: an empty one, or one without known words, has no ids. (Files are read by lines, as for training, and
empty lines are no documents.)
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerazoo._runtime.devices import usable_cores
from kerazoo._validation import check_choice, check_int
from kerazoo.errors import CorpusError, InvalidArgumentError
from kerazoo.text.corpus import EncodedCorpus
from kerazoo.text.encoding import add_document, known_ids, shorten
from kerazoo.text.readers import is_files
from kerazoo.text.vocabulary import Vocabulary
from kerazoo_ext._scan import PADDING, Scanner
from kerazoo_ext._token_lists import WordIds

__all__ = ["as_documents", "encode_documents", "pad_ids", "training_documents"]

_BATCH = 1 << 22  # characters of strings that are scanned at a time


def as_documents(source: Any) -> Any:
    """The source itself if it is a corpus of files or ids, else its documents as a list.

    Raises:
        CorpusError: a table of several columns, or what is no collection of documents.

    >>> as_documents(("the cat", ["a", "dog"]))
    ['the cat', ['a', 'dog']]
    """
    return source if _is_read(source) else list(source)


def training_documents(source: Any) -> Any:
    """The same for a training, which may read its documents one by one; strings are split at white space.

    Raises:
        CorpusError: as `as_documents`, or a string names a file (when it is read).

    >>> list(training_documents(["the cat", ["a", "dog"]]))
    [['the', 'cat'], ['a', 'dog']]
    """
    return source if _is_read(source) else _split(source)


def _is_read(source: Any) -> bool:
    """Whether the source is read or encoded elsewhere, so not a collection of documents."""
    if isinstance(source, EncodedCorpus):
        return True
    shape = getattr(source, "shape", None)  # of arrays and of data frames, whose iteration would give names of columns
    if isinstance(shape, tuple) and len(shape) != 1:
        raise CorpusError(
            f"the documents are a {type(source).__name__} of shape {shape}; expected one column of strings, such as "
            "frame['text'] or array[:, 0], or a list of documents."
        )
    return is_files(source)


def _split(documents: Iterable[Any]) -> Iterator[Any]:
    for number, document in enumerate(documents):
        if not isinstance(document, str):
            yield document
            continue
        # A list of the names of files would be a corpus of these names.
        if number < 3 and len(document) < 1000 and _is_file(document):
            raise CorpusError(
                f"document {number} is the str {shorten(document)}, which names a file; strings in a list are "
                "documents. For files pass pathlib.Path objects, such as [Path(name) for name in names]."
            )
        yield document.split()


def _is_file(name: str) -> bool:
    try:
        return bool(name.strip()) and os.path.isfile(name)
    except ValueError:  # contains NUL
        return False


def encode_documents(
    documents: Any,
    vocabulary: Vocabulary,
    unknown: int | None = None,
    errors: str = "strict",
    exclude: Iterable[str | os.PathLike[str]] = (),
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Ids of the known words of each document.

    Args:
        documents: strings, which are split at white space as by `str.split`; lists of tokens; or both. Or a path,
            several paths (`os.PathLike`), or an `EncodedCorpus` with any vocabulary.
        vocabulary: of the ids.
        unknown: None: unknown words are left out, also if the vocabulary has a word for them (`unk`). An int >= 0: the
            id of unknown words, and of `unk`.
        errors: `"strict"`, `"replace"` or `"ignore"`, for bytes of files that are not UTF-8.
        exclude: files and directories that a directory is read without.

    Returns:
        ids: int32 (n_ids,), one document after another.
        offsets: int64 (n_documents + 1,); document i is ``ids[offsets[i]:offsets[i + 1]]``, which may be empty.

    Raises:
        CorpusError: a document or a token has another type, or a file cannot be read.

    >>> vocabulary = Vocabulary.from_counts({"the": 7, "cat": 2})
    >>> ids, offsets = encode_documents(["the cat", "", ["cat", "xyzzy"]], vocabulary)
    >>> ids.tolist(), offsets.tolist()
    ([0, 1, 1], [0, 2, 2, 3])
    """
    documents = as_documents(documents)
    if isinstance(documents, EncodedCorpus) or is_files(documents):
        reading: Any = {"workers": usable_cores(), "errors": errors, "exclude": exclude}
        corpus = EncodedCorpus.from_source(documents, min_count=1, **reading)
        return _of_corpus(corpus, vocabulary, unknown)
    if documents and all(type(document) is str for document in documents):
        words, ids, lengths = _of_strings(documents)
    else:
        words, ids, lengths = _of_tokens(documents)
    mapping = known_ids(words, vocabulary)
    found = mapping[ids] if len(mapping) else ids
    return _known(found, np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]), vocabulary, unknown)


def pad_ids(
    ids: NDArray[np.int32],
    offsets: NDArray[np.int64],
    length: int | None = None,
    padding: str = "post",
    truncating: str | None = None,
) -> NDArray[np.int32]:
    """Documents as the rows of one array, filled with 0; the ids themselves are >= 1.

    Args:
        ids: int32 (n_ids,), one document after another.
        offsets: int64 (n_documents + 1,).
        length: int >= 1 or None (that of the longest document, at least 1), number of columns.
        padding: `"post"`: zeros after the words; `"pre"`: before them.
        truncating: None: a document longer than `length` is an error; `"post"`: its end is cut off; `"pre"`: its start.

    Returns:
        int32 (n_documents, length).

    Raises:
        InvalidArgumentError: a document is too long, or an argument has another value.

    >>> pad_ids(np.array([3, 1, 2], np.int32), np.array([0, 2, 2, 3])).tolist()
    [[3, 1], [0, 0], [2, 0]]
    """
    check_choice("padding", padding, ("post", "pre"))
    if truncating is not None:
        check_choice("truncating", truncating, ("post", "pre"), hint="None refuses long documents.")
    lengths = np.diff(offsets)
    longest = int(lengths.max(initial=0))
    columns = max(longest, 1) if length is None else check_int("length", length, hint="It is the number of columns.")
    if longest > columns and truncating is None:
        where = int(np.flatnonzero(lengths > columns)[0])
        raise InvalidArgumentError(
            f"document {where} has {lengths[where]} words, length={columns}; expected length >= {longest}, that of the "
            "longest document, or truncating='post' or 'pre', which cuts words off."
        )
    kept = np.minimum(lengths, columns)
    begins = offsets[1:] - kept if truncating == "pre" else offsets[:-1]
    place = np.arange(columns)
    first = columns - kept if padding == "pre" else np.zeros_like(kept)
    filled = (place >= first[:, None]) & (place < (first + kept)[:, None])
    rows = np.zeros((len(lengths), columns), np.int32)
    starts = np.repeat(begins - (np.cumsum(kept) - kept), kept)
    rows[filled] = ids[starts + np.arange(len(starts))]
    return rows


def _known(
    ids: NDArray[np.int32], offsets: NDArray[np.int64], vocabulary: Vocabulary, unknown: int | None
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Without unknown words, which are -1 or the word for them; or with `unknown` in their place."""
    kept = ids >= 0
    if vocabulary.unk_id is not None:
        kept &= ids != vocabulary.unk_id
    if unknown is not None:
        return np.where(kept, ids, np.int32(unknown)), offsets
    before = np.zeros(len(ids) + 1, np.int64)
    np.cumsum(kept, out=before[1:])
    return ids[kept], before[offsets]


def _of_corpus(
    corpus: EncodedCorpus, vocabulary: Vocabulary, unknown: int | None
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    words = corpus.vocabulary
    if words is vocabulary and vocabulary.unk_id is None:  # all are known; not copied, as they may be memory-mapped
        return corpus.ids, corpus.offsets
    # Identity first: to compare the words of a large vocabulary takes longer than to encode a few documents.
    if words is vocabulary or words.words == vocabulary.words:
        return _known(corpus.ids, corpus.offsets, vocabulary, unknown)
    return _known(known_ids(words.words, vocabulary)[corpus.ids], corpus.offsets, vocabulary, unknown)


def _of_strings(documents: Sequence[str]) -> tuple[list[str], NDArray[np.int32], NDArray[np.int64]]:
    """(words, indices of the words of all documents, number of words of each document); scanned in C."""
    scanner = Scanner()
    ids: list[NDArray[np.int32]] = []
    lengths: list[NDArray[np.int64]] = []
    begin = 0
    while begin < len(documents):
        end, size = begin, 0
        while end < len(documents) and size < _BATCH:
            size += len(documents[end])
            end += 1
        batch = documents[begin:end]
        # One line for each document, whatever it contains: a line end is white space between words.
        text = "\n".join([document.replace("\n", " ") for document in batch])
        try:
            encoded = text.encode()
        except UnicodeEncodeError:
            raise _lone_surrogate(batch, begin) from None
        found, line_ends = scanner.scan(encoded + b"\n" + bytes(PADDING), len(encoded) + 1)
        ids.append(found)
        lengths.append(np.diff(line_ends, prepend=0).astype(np.int64))
        begin = end
    words, _, places = scanner.rank()
    ordered = [""] * len(words)
    for word, place in zip(words, places.tolist(), strict=True):
        ordered[place] = word
    return ordered, np.concatenate(ids), np.concatenate(lengths)


def _lone_surrogate(batch: Sequence[str], begin: int) -> CorpusError:
    for number, document in enumerate(batch, begin):
        try:
            document.encode()
        except UnicodeEncodeError:
            return CorpusError(
                f"document {number} is {shorten(document)}, which contains a lone surrogate and cannot be encoded as "
                "UTF-8. document.encode('utf-8', 'replace').decode() replaces it."
            )
    raise AssertionError("no document has a lone surrogate")


def _of_tokens(documents: Iterable[Any]) -> tuple[list[str], NDArray[np.int32], NDArray[np.int64]]:
    """As `_of_strings`; strings are split, tokens are checked once for each word."""
    found, lengths = WordIds(), array("q")
    for number, document in enumerate(documents):
        tokens = document.split() if isinstance(document, str) else document
        lengths.append(add_document(found, tokens, number))
    return list(found.table), found.take(), np.array(lengths, np.int64)
