"""The text of each epoch: read again only where it may have changed."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any, NamedTuple

from kerazoo.gensim.sources import FileSource, IterableSource, Source, Text

__all__ = ["EpochTexts", "KeptText"]


class KeptText(NamedTuple):
    """A text that is kept for the next training. It does not keep the sentences themselves alive.

    Attributes:
        text: the sentences, with ids of `vocabulary`.
        state: of the source when it was read, see :meth:`Source.state`.
        find: returns the sentences while they exist, where there is no state; None for objects without weak references.
        vocabulary: word -> id, the dict of the vectors.
        n_words: words that the vocabulary had then.
    """

    text: Text
    state: Any
    find: Callable[[], Any] | None
    vocabulary: dict[Any, int]
    n_words: int

    @classmethod
    def of(cls, text: Text, source: Source, state: Any, vocabulary: dict[Any, int]) -> KeptText:
        """Keep `text`, read from `source` in this state."""
        try:
            find = weakref.ref(source.sentences) if state is None else None
        except TypeError:
            find = None
        return cls(text, state, find, vocabulary, len(vocabulary))

    def is_of(self, source: Source, vocabulary: dict[Any, int]) -> bool:
        """Whether it is the text of `source`, as far as can be known without reading it."""
        if self.vocabulary is not vocabulary or self.n_words != len(vocabulary):
            return False
        if self.state is not None:
            return bool(source.state() == self.state)
        return self.find is not None and self.find() is source.sentences


class EpochTexts:
    """The text of each epoch of a training.

    gensim reads the sentences again in every epoch, so sentences may differ from epoch to epoch: random walks, or a
    shuffled order. Here

    - a list or tuple of lists or tuples is encoded once. A hash of all its tokens says at the next training, or after
      callbacks, whether it has changed;
    - files are scanned once, and again when their size or time has changed;
    - any other iterable is read twice (building the vocabulary counts). If both times yield the same, each further
      epoch only compares the first hundred sentences; if they ever differ, every epoch reads all again.

    Args:
        source: the sentences.
        vocabulary: word -> id.
        kept: the text of an earlier reading, or None.
        reread: True reads an iterable again in every epoch, False never does, None decides as described.
        workers: threads that scan files.
        watched: whether code of the user runs between epochs.
        unchanged: whether none ran since `kept` was read.
    """

    def __init__(
        self,
        source: Source,
        vocabulary: dict[Any, int],
        kept: KeptText | None,
        *,
        reread: bool | None,
        workers: int,
        watched: bool,
        unchanged: bool,
    ) -> None:
        self._source, self._vocabulary, self._workers = source, vocabulary, workers
        self._reread, self._watched = reread, watched
        if kept is not None and not (unchanged and kept.state is not None) and not kept.is_of(source, vocabulary):
            kept = None
        self._kept = kept
        self._readings = 0 if self._kept is None else 1  # that yielded the text that is kept
        self._steady = True

    def of_epoch(self, number: int) -> Text:
        """The text of epoch `number`, from 0; call it once for each, in order."""
        kept = self._kept
        if kept is None:
            return self._read()
        if kept.state is not None:
            looks_the_same = number == 0 or not (self._watched or isinstance(self._source, FileSource))
            return kept.text if looks_the_same or self._source.state() == kept.state else self._read()
        if self._reread is False:
            return kept.text
        if self._reread is None and self._steady and self._readings >= 2 and self._looks_the_same(kept.text):
            return kept.text
        return self._read()

    def _looks_the_same(self, text: Text) -> bool:
        assert isinstance(self._source, IterableSource)
        return text.starts_with(self._source.peek(self._vocabulary))

    def _read(self) -> Text:
        state = self._source.state()
        text = self._source.encode(self._vocabulary, self._workers)
        if self._kept is not None and self._kept.text.equals(text):
            text = self._kept.text  # so that memory holds it once
            self._readings += 1
        else:
            self._steady = self._kept is None
            self._readings = 1
        self._kept = KeptText.of(text, self._source, state, self._vocabulary)
        return text

    def to_keep(self) -> KeptText | None:
        """The last text."""
        return self._kept
