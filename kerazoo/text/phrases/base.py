"""What `Phrases` and `FrozenPhrases` have in common: joining, sentence by sentence or whole corpora in C."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Container, Iterable, Iterator
from itertools import chain, islice
from typing import Any

import numpy as np

from kerazoo._runtime.devices import usable_cores
from kerazoo._validation import check_workers
from kerazoo.errors import InvalidArgumentError
from kerazoo.text.corpus import EncodedCorpus
from kerazoo.text.phrases.joining import JoinedIds, Joins, join_ids, selected
from kerazoo.text.readers import is_files
from kerazoo.text.vocabulary import check_limits, check_word

__all__ = ["PhraseJoiner"]


_Followers = dict[str, dict[str | tuple[str, ...], tuple[str, float]]]


class _Everything:
    """Contains every word."""

    def __contains__(self, word: object) -> bool:
        return True


class PhraseJoiner(ABC):
    """Base of `Phrases` and `FrozenPhrases`.

    Args:
        delimiter: str, not empty, joins the words of a phrase.
        connector_words: words that may be inside a phrase, but not at its ends.
    """

    __iter__ = None  # otherwise Python would call __getitem__(0)

    def __init__(self, delimiter: str, connector_words: Iterable[str]) -> None:
        check_word(delimiter, "delimiter", "a str such as '_'")
        if isinstance(connector_words, str | bytes) or not isinstance(connector_words, Iterable):
            raise InvalidArgumentError(
                f"connector_words={connector_words!r}; expected a set of words, such as ENGLISH_CONNECTOR_WORDS. "
                "Split a text: connector_words=text.split()."
            )
        self._delimiter = delimiter
        self._connector_words = frozenset(connector_words)
        for word in self._connector_words:
            check_word(word, "a word of connector_words")

        self._followers_made: _Followers | None = None

    # Read-only: what was counted depends on them.
    @property
    def delimiter(self) -> str:
        """Joins the words of a phrase."""
        return self._delimiter

    @property
    def connector_words(self) -> frozenset[str]:
        """Words that may be inside a phrase, but not at its ends."""
        return self._connector_words

    @abstractmethod
    def score_candidate(self, word_a: str, word_b: str, in_between: Iterable[str]) -> tuple[str | None, float | None]:
        """(phrase, score) of two words with connector words between them, or (None, None) if they are no phrase."""

    @abstractmethod
    def _joins(self, known: Container[str]) -> tuple[Joins, list[float]]:
        """All phrases whose words are `known`, and their scores."""

    def analyze_sentence(self, sentence: Iterable[str]) -> Iterator[tuple[str, float | None]]:
        """The words of a sentence after joining, each with the score of the phrase, or None for a word.

        Two neighbouring words that make a phrase are joined, from left to right; the word after a phrase starts anew.
        """
        for part in self._analyzed(sentence):
            yield part if isinstance(part, tuple) else (part, None)

    def _words(self, sentence: Iterable[str]) -> list[str]:
        return [part[0] if isinstance(part, tuple) else part for part in self._analyzed(sentence)]

    def _analyzed(self, sentence: Iterable[str]) -> list[str | tuple[str, float]]:
        """The words of a sentence after joining; phrases with their scores."""
        followers, connectors = self._followers(), self._connector_words
        parts: list[str | tuple[str, float]] = []
        first: str | None = None  # a word that may start a phrase
        between: list[str] = []  # and the connector words after it
        for word in sentence:
            if word in connectors:
                (parts if first is None else between).append(word)
                continue
            if first is not None:
                lasts = followers.get(first)
                if lasts is not None:
                    phrase = lasts.get((*between, word) if between else word)
                    if phrase is not None:
                        parts.append(phrase)
                        first, between = None, []
                        continue
                parts.append(first)
                if between:
                    parts += between
                    between = []
            first = word
        if first is not None:
            parts += [first, *between]
        return parts

    def _followers(self) -> _Followers:
        """All phrases by their first word, and then by their other words: made once."""
        if self._followers_made is None:
            joins, scores = self._joins(_Everything())
            made: _Followers = {}
            for first, between, last, phrase, score in zip(*joins, scores, strict=True):
                made.setdefault(first, {})[(*between, last) if between else last] = phrase, score
            self._followers_made = made
        return self._followers_made

    def __getitem__(self, sentence: Any) -> Any:
        """Join the phrases of a sentence, or of a whole text.

        Args:
            sentence: a list of tokens; or an iterable of such lists; or an `EncodedCorpus`, which is joined in C.

        Returns:
            A list of tokens; or an iterable of such lists, joined one by one while it is read, as often as `sentence`
            can be (an iterator of an iterator); or an `EncodedCorpus`.
        """
        if isinstance(sentence, EncodedCorpus):
            return self.join(sentence)
        if isinstance(sentence, str | bytes | os.PathLike) or not isinstance(sentence, Iterable):
            raise InvalidArgumentError(
                f"a sentence of type {type(sentence).__name__}; expected a list of tokens, or an iterable of such "
                "lists. Split a text: phrases[text.split()]. phrases.join(path) reads files."
            )
        items = iter(sentence)
        opening = list(islice(items, 1))
        whole = chain(opening, items)
        if not opening or isinstance(opening[0], str):
            return self._words(whole)
        # What can be read only once stays an iterator, so that nobody reads it twice.
        return map(self._words, whole) if items is sentence else _JoinedSentences(self, sentence)

    def join(
        self, source: Any, *, min_count: int = 1, max_final_vocab: int | None = None, workers: int | None = None
    ) -> EncodedCorpus:
        """Encode a text and join its phrases, in C.

        Args:
            source: as in :meth:`EncodedCorpus.from_source`; an `EncodedCorpus` should have all words (``min_count=1``),
                as words that it dropped cannot separate others.
            min_count: int >= 1, words and phrases that occur less often after joining get no id.
            max_final_vocab: int or None, keep at most that many words.
            workers: int or None, threads.

        Raises:
            CorpusError: the text cannot be read.
            InvalidArgumentError: the `EncodedCorpus` has dropped words.
            VocabularyError: no word is left.

        >>> from kerazoo.text import FrozenPhrases
        >>> phrases = FrozenPhrases({"new_york": 20.0})
        >>> phrases.join([["in", "new", "york"]]).decode(0)
        ['in', 'new_york']
        """
        check_limits(min_count, max_final_vocab, None)
        corpus, joined, _ = self._joined(source, workers)
        return selected(joined, corpus, min_count, max_final_vocab)

    def _joined(self, source: Any, workers: int | None) -> tuple[EncodedCorpus, JoinedIds, dict[str, float]]:
        """The encoded corpus, the same after joining, and the phrases that were found, with their scores."""
        threads = usable_cores() if workers is None else check_workers("workers", workers)
        corpus = EncodedCorpus.from_source(source, min_count=1, workers=threads)
        if corpus.n_dropped:
            raise InvalidArgumentError(
                f"the EncodedCorpus has dropped {corpus.n_dropped:,} words, so words would be joined that are no "
                "neighbours in the text. Encode the text with min_count=1 and join it with min_count=5, or so."
            )
        joins, scores = self._joins(corpus.vocabulary.ids)
        joined = join_ids(corpus, joins, self.connector_words, threads)
        found = np.flatnonzero(joined.matched).tolist()
        return corpus, joined, {joins.phrases[i]: scores[i] for i in found}

    def find_phrases(self, sentences: Any) -> dict[str, float]:
        """The phrases that a text contains, with their scores.

        Args:
            sentences: as in :meth:`EncodedCorpus.from_source`.

        >>> from kerazoo.text import FrozenPhrases
        >>> FrozenPhrases({"new_york": 20.0}).find_phrases([["new", "york"], ["old", "york"]])
        {'new_york': 20.0}
        """
        if isinstance(sentences, EncodedCorpus) or is_files(sentences):
            return self._joined(sentences, None)[2]
        return {
            word: score
            for sentence in sentences
            for word, score in self.analyze_sentence(sentence)
            if score is not None
        }


class _JoinedSentences:
    """An iterable of sentences with their phrases joined; it can be read as often as its source."""

    def __init__(self, phrases: PhraseJoiner, sentences: Iterable[Iterable[str]]) -> None:
        self._phrases, self._sentences = phrases, sentences

    def __iter__(self) -> Iterator[list[str]]:
        for sentence in self._sentences:
            yield self._phrases._words(sentence)
