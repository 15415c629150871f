"""What gensim calls sentences: lists, readers of files, other iterables; read as ids, with a way to see a change."""

from __future__ import annotations

import itertools
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from gensim import utils
from gensim.models.word2vec import LineSentence, PathLineSentences, Text8Corpus
from numpy.typing import NDArray

from kerazoo.errors import CorpusError
from kerazoo.text import EncodedCorpus
from kerazoo_ext import _token_lists

__all__ = [
    "UNCHANGED",
    "Counted",
    "FileSource",
    "IterableSource",
    "ListSource",
    "SentencesTypeError",
    "Source",
    "Text",
    "source_of",
]

logger = logging.getLogger(__name__)

PROGRESS_PER = 10_000  # sentences, as in gensim
PEEK = 100  # sentences that are compared to see whether an iterable still yields the same
UNCHANGED = "unchanged"  # in place of the state of sentences that nobody can change meanwhile
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class SentencesTypeError(CorpusError, TypeError):
    """Sentences have a type that cannot be read."""


class Text(NamedTuple):
    """Sentences as ids, without the words that the vocabulary lacks.

    Attributes:
        ids: int32 (n_tokens,).
        offsets: int64 (n_sentences + 1,); sentence i is ``ids[offsets[i]:offsets[i + 1]]``.
        n_raw_words: words before any were dropped.
    """

    ids: NDArray[np.int32]
    offsets: NDArray[np.int64]
    n_raw_words: int

    @property
    def n_sentences(self) -> int:
        """Number of sentences, including those that lost all their words."""
        return len(self.offsets) - 1

    def equals(self, other: Text) -> bool:
        """Whether both are the same sentences."""
        return (
            self.n_raw_words == other.n_raw_words
            and np.array_equal(self.offsets, other.offsets)
            and np.array_equal(self.ids, other.ids)
        )

    def starts_with(self, other: Text) -> bool:
        """Whether the first sentences are those of `other`."""
        n = other.n_sentences
        return (
            n <= self.n_sentences
            and np.array_equal(self.offsets[: n + 1], other.offsets)
            and np.array_equal(self.ids[: self.offsets[n]], other.ids)
        )


class Counted(NamedTuple):
    """Sentences as ids of all their words.

    Attributes:
        words: the different words.
        counts: int64 (n_words,).
        text: the sentences, with ids of `words`.
    """

    words: list[Any]
    counts: NDArray[np.int64]
    text: Text

    def with_vocabulary(self, vocabulary: dict[Any, int]) -> Text:
        """The sentences with the ids of `vocabulary`; the memory of `text` is used again."""
        mapping = np.fromiter(map(vocabulary.get, self.words, itertools.repeat(-1)), np.int32, len(self.words))
        kept = _token_lists.remap(self.text.ids, mapping, self.text.offsets[1:]) if len(mapping) else 0
        return Text(self.text.ids[:kept], self.text.offsets, self.text.n_raw_words)

    def in_order_of_appearance(self) -> Counted:
        """The same with the words in the order in which they first occur."""
        ids = self.text.ids
        first = np.empty(len(self.words), np.int64)
        first[ids[::-1]] = np.arange(len(ids))[::-1]  # the last assignment stays
        order = np.argsort(first)
        new = np.empty(len(order), np.int32)
        new[order] = np.arange(len(order), dtype=np.int32)
        text = self.text._replace(ids=new[ids])
        return Counted([self.words[word] for word in order.tolist()], self.counts[order], text)


class Source:
    """Sentences of one kind.

    Args:
        sentences: the object that gensim's methods get.
    """

    def __init__(self, sentences: Any) -> None:
        self.sentences = sentences

    def state(self) -> Any:
        """A value that changes when the sentences do; None where only reading them again can tell."""
        return None

    def count(self, progress_per: int = PROGRESS_PER, workers: int = 1) -> Counted:
        """Read and count the sentences."""
        raise NotImplementedError

    def encode(self, vocabulary: dict[Any, int], workers: int = 1) -> Text:
        """Read the sentences with the ids of `vocabulary`."""
        raise NotImplementedError


class IterableSource(Source):
    """Any iterable of sentences."""

    def count(self, progress_per: int = PROGRESS_PER, workers: int = 1) -> Counted:
        """Read and count the sentences."""
        del workers
        table: dict[Any, int] = {}

        def report(n_sentences: int, n_words: int) -> None:
            logger.info(
                "PROGRESS: at sentence #%i, processed %i words, keeping %i word types", n_sentences, n_words, len(table)
            )

        sentences = iter(self.sentences)
        first = list(itertools.islice(sentences, 1))
        if first and isinstance(first[0], str):
            logger.warning(
                "Each 'sentences' item should be a list of words (usually unicode strings). First item here is "
                "instead plain %s.",
                type(first[0]),
            )
        text = _encoded(itertools.chain(first, sentences), table, True, max(1, progress_per), report)
        return Counted(list(table), np.bincount(text.ids, minlength=len(table)), text)

    def encode(self, vocabulary: dict[Any, int], workers: int = 1) -> Text:
        """Read the sentences with the ids of `vocabulary`."""
        del workers
        return _encoded(iter(self.sentences), vocabulary, False)

    def peek(self, vocabulary: dict[Any, int]) -> Text:
        """The first sentences."""
        return _encoded(itertools.islice(iter(self.sentences), PEEK), vocabulary, False)


class ListSource(IterableSource):
    """A list of lists in memory."""

    def state(self) -> Any:
        """A hash of all tokens, or None unless all sentences are lists or tuples."""
        try:
            return _token_lists.fingerprint(self.sentences)
        except TypeError:  # reading them says what is wrong
            return None


class FileSource(Source):
    """Files with a sentence per line, or one long line (`whole`), for the scanner in C.

    Where the scanner cannot read a file, gensim's reader does, or raises its error.

    Args:
        sentences: gensim's reader of these files.
        files: their paths.
        longest: words per sentence; longer lines are cut, as gensim's readers do.
        whole: whether the text is one line; otherwise it is read by gensim.
    """

    def __init__(self, sentences: Any, files: Sequence[str | os.PathLike[str]], longest: int, whole: bool) -> None:
        super().__init__(sentences)
        self.files, self.longest, self.whole = [Path(file) for file in files], longest, whole

    def state(self) -> Any:
        """Paths, sizes and times of the files."""
        try:
            stats = [file.stat() for file in self.files]
        except OSError:
            return None
        kept = [(stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns) for stat in stats]
        return (tuple(self.files), tuple(kept), self.longest, self.whole)

    def count(self, progress_per: int = PROGRESS_PER, workers: int = 1) -> Counted:
        """Read and count the sentences, in `workers` threads."""
        corpus = self._scanned(workers)
        if corpus is None:
            return IterableSource(self.sentences).count(progress_per)
        return Counted(corpus.vocabulary.words, corpus.vocabulary.counts, self._text_of(corpus))

    def encode(self, vocabulary: dict[Any, int], workers: int = 1) -> Text:
        """Read the sentences with the ids of `vocabulary`, in `workers` threads."""
        corpus = self._scanned(workers)
        if corpus is None:
            return IterableSource(self.sentences).encode(vocabulary)
        return Counted(corpus.vocabulary.words, corpus.vocabulary.counts, self._text_of(corpus)).with_vocabulary(
            vocabulary
        )

    def _scanned(self, workers: int) -> EncodedCorpus | None:
        try:
            if any(_has_byte_order_mark(file) for file in self.files):
                return None  # gensim takes it as a part of the first word
            corpus = EncodedCorpus.from_source(self.files, min_count=1, workers=workers, progress=False)
        except (CorpusError, OSError):
            return None
        return None if self.whole and corpus.n_documents + corpus.n_empty_lines > 1 else corpus

    def _text_of(self, corpus: EncodedCorpus) -> Text:
        return Text(corpus.ids, _cut(corpus.offsets, self.longest), corpus.n_raw_words)


def _has_byte_order_mark(file: Path) -> bool:
    with utils.open(str(file), "rb") as stream:
        return bool(stream.read(3) == BYTE_ORDER_MARK)


def _cut(offsets: NDArray[np.int64], longest: int) -> NDArray[np.int64]:
    """The offsets with further cuts, so that no sentence has more than `longest` words."""
    lengths = np.diff(offsets)
    if not len(lengths) or lengths.max() <= longest:
        return offsets.copy()
    parts = np.maximum(-(-lengths // longest), 1)
    firsts = np.cumsum(parts) - parts  # number of the first part of each line
    within = np.arange(parts.sum()) - np.repeat(firsts, parts)
    return np.append(np.repeat(offsets[:-1], parts) + longest * within, offsets[-1])


def _encoded(
    sentences: Iterator[Any],
    table: dict[Any, int],
    grow: bool,
    step: int = PROGRESS_PER,
    report: Callable[[int, int], None] | None = None,
) -> Text:
    """Encode sentences in steps; without `grow`, unknown words are dropped."""
    pieces, ends = [np.zeros(0, np.int32)], [np.zeros(1, np.int64)]
    n_words = n_sentences = n_kept = 0
    while True:
        if report is not None:
            report(n_sentences, n_words)
        try:
            found, places = _token_lists.encode(itertools.islice(sentences, step), table, grow)
        except _token_lists.TokenError as error:
            raise _bad_sentence(error, n_sentences) from None
        if not len(places):
            break
        n_words += len(found)
        n_sentences += len(places)
        if not grow:
            found = found[: _token_lists.remap(found, _NOTHING, places)]
        pieces.append(found)
        ends.append(places + n_kept)
        n_kept += len(found)
    return Text(np.concatenate(pieces), np.concatenate(ends), n_words)


_NOTHING = np.zeros(0, np.int32)


def _bad_sentence(error: _token_lists.TokenError, before: int) -> SentencesTypeError:
    number = before + error.sentence
    if error.token < 0:
        return SentencesTypeError(
            f"sentence {number} is {error.args[0].removeprefix('a sentence ')}; expected a list of words. "
            "Pass [text.split() for text in texts]."
        )
    return SentencesTypeError(
        f"sentence {number}, word {error.token}: {error.args[0]}; expected a str. "
        "Are the sentences nested one level too deep?"
    )


def source_of(sentences: Any, corpus_file: str | None = None) -> Source:
    """The source that `sentences` are, or that the file `corpus_file` is, with a sentence per line."""
    if corpus_file is not None:
        sentences = LineSentence(corpus_file)
    if isinstance(sentences, str | bytes):
        raise SentencesTypeError(
            f"sentences is the {type(sentences).__name__} {sentences[:40]!r}; expected lists of words. "
            "corpus_file= takes the path of a text; [line.split() for line in text.splitlines()] are the words of one."
        )
    files: list[Any] = []
    if type(sentences) is LineSentence:
        files = [sentences.source]
    elif type(sentences) is Text8Corpus:
        files = [sentences.fname]
    elif type(sentences) is PathLineSentences:
        files = sentences.input_files
    if files and getattr(sentences, "limit", None) is None and all(map(_is_local, files)):
        return FileSource(sentences, files, sentences.max_sentence_length, type(sentences) is Text8Corpus)
    if type(sentences) is list or type(sentences) is tuple:
        return ListSource(sentences)
    return IterableSource(sentences)


def _is_local(file: Any) -> bool:
    return isinstance(file, str | os.PathLike) and os.path.isfile(file)
