"""`Phrases` and `FrozenPhrases`, with gensim's names."""

from __future__ import annotations

import math
import numbers
import os
from collections.abc import Container, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from kerazoo._runtime.devices import usable_cores
from kerazoo._runtime.files import damage_of
from kerazoo._validation import check_int, check_real, check_workers
from kerazoo.errors import InvalidArgumentError
from kerazoo.text.corpus import EncodedCorpus
from kerazoo.text.phrases import files, gensim_phrases
from kerazoo.text.phrases.base import PhraseJoiner
from kerazoo.text.phrases.joining import Joins, splits
from kerazoo.text.phrases.pair_counts import PairCounts, count_pairs, merged
from kerazoo.text.phrases.scoring import Scoring
from kerazoo.text.phrases.string_counts import StringCounts

__all__ = ["FrozenPhrases", "Phrases"]


class Phrases(PhraseJoiner):
    """Find phrases by the counts of neighbouring words, and join them (Mikolov et al. 2013).

    Parameters, scores and phrases are those of gensim's ``Phrases``; counting is in C on several threads.

    Args:
        sentences: the text to count, as in `add_vocab`; None: nothing yet.
        min_count: int >= 1, the count below which a pair is no phrase (``scoring="npmi"``), or that is subtracted from
            its count (``"default"``).
        threshold: float, pairs with a higher score are phrases.
        max_vocab_size: int >= 1, the largest number of distinct words and pairs. A text with more raises an error,
            before memory is exhausted; gensim drops the rarest ones while it counts. While counting, a pair takes up to
            130 bytes; afterwards 28.
        delimiter: str, not empty, joins the words of a phrase.
        progress_per: no effect; programs of gensim give it.
        scoring: ``"default"`` (:func:`original_scorer`), ``"npmi"`` (:func:`npmi_scorer`), or a function of
            ``worda_count, wordb_count, bigram_count, len_vocab, min_count, corpus_word_count``.
        connector_words: words that may be inside a phrase, such as "of" in ``bank_of_america``, but not at its ends;
            :data:`ENGLISH_CONNECTOR_WORDS`.
        workers: int >= 1, threads; None: all usable cores. No result depends on it.

    Attributes:
        corpus_word_count: int, all words counted.
        min_count, threshold, scoring: as given; they can be changed without counting again.

    Raises:
        InvalidArgumentError: a parameter has a value that is not allowed.
        CorpusError: the text cannot be read, or has more than `max_vocab_size` words and pairs.

    >>> from kerazoo.text import Phrases
    >>> texts = [["new", "york", "is", "big"], ["in", "new", "york"], ["is", "it", "new"]] * 5
    >>> phrases = Phrases(texts, min_count=2, threshold=0.7)
    >>> phrases.export_phrases()
    {'is_big': 0.72, 'is_it': 0.72}
    >>> phrases[["new", "york", "is", "big"]]
    ['new', 'york', 'is_big']
    """

    def __init__(
        self,
        sentences: Any = None,
        min_count: int = 5,
        threshold: float = 10.0,
        max_vocab_size: int = 40_000_000,
        delimiter: str = "_",
        progress_per: int = 10_000,
        *,
        scoring: Any = "default",
        connector_words: Iterable[str] = frozenset(),
        workers: int | None = None,
    ) -> None:
        del progress_per
        super().__init__(delimiter, connector_words)
        self.min_count = check_int("min_count", min_count, hint="The usual value is 5.")
        self.threshold = threshold
        self.max_vocab_size = check_int("max_vocab_size", max_vocab_size)
        self.scoring = scoring
        self.workers = usable_cores() if workers is None else check_workers("workers", workers)
        self._scoring_made: tuple[Any, Scoring] | None = None
        _ = self._scoring  # checks it
        self._set_counts(PairCounts())
        if sentences is not None:
            self.add_vocab(sentences)

    def _set_counts(self, counts: PairCounts) -> None:
        self._counts = counts
        self._strings_made: StringCounts | None = None
        self._known: dict[str, int] | None = None
        self._followers_made = None

    @property
    def _scoring(self) -> Scoring:
        """Of the present `scoring`, `threshold` and `min_count`, which may be changed."""
        key = (self.scoring, self.threshold, self.min_count)
        if self._scoring_made is None or self._scoring_made[0] != key:
            self._scoring_made = key, Scoring(*key)
            self._known = self._followers_made = None
        return self._scoring_made[1]

    def __getstate__(self) -> dict[str, Any]:
        """Without what is made from the counts on first use: it is large, and tables in C cannot be copied."""
        return {**self.__dict__, "_strings_made": None, "_known": None, "_followers_made": None}

    @property
    def _strings(self) -> StringCounts:
        if self._strings_made is None:
            self._strings_made = StringCounts(self._counts, self.delimiter)
        return self._strings_made

    @property
    def corpus_word_count(self) -> int:
        """All words counted, connector words included."""
        return self._counts.n_tokens

    @property
    def vocab(self) -> dict[str, int]:
        """Counts of all words and joined pairs, as gensim has them: a new dict, which takes time and memory."""
        return self._strings.everything()

    def add_vocab(self, sentences: Any) -> None:
        """Count more text.

        Args:
            sentences: lists of tokens (a generator is read once), a path, several paths or a directory, as in
                :meth:`EncodedCorpus.from_source`; or an `EncodedCorpus` of all words (``min_count=1``).

        Raises:
            CorpusError: the text cannot be read, or has too many words and pairs.
            InvalidArgumentError: the `EncodedCorpus` has dropped words.

        >>> phrases = Phrases([["hello", "world"]], min_count=1, threshold=0.1)
        >>> phrases.add_vocab([["hello", "world", "hello"]])
        >>> phrases.vocab
        {'hello': 3, 'world': 2, 'hello_world': 2, 'world_hello': 1}
        """
        corpus, counts = sentences, None
        if not isinstance(sentences, EncodedCorpus):
            corpus = EncodedCorpus.from_source(sentences, min_count=1, workers=self.workers)
            counts = corpus.vocabulary.counts
        found = count_pairs(corpus, counts, self.connector_words, self.workers, self.max_vocab_size)
        self._set_counts(merged(self._counts, found, self.max_vocab_size))

    def export_phrases(self) -> dict[str, float]:
        """All phrases and their scores: equal to gensim's.

        Like gensim's, it takes the words and pairs that were counted apart at every delimiter, so a phrase of phrases
        such as ``new_york_city`` has the score of new and city here. :meth:`freeze` has the right ones.
        """
        strings = self._strings
        chosen, scores = strings.plain_phrases(self._scoring)
        found = dict(zip(strings.strings(chosen), scores, strict=True))
        for string, count in strings.odd.items():
            if count >= self._scoring.least and self.delimiter in string:
                parts = string.split(self.delimiter)
                score = self._score(parts[0], parts[-1], count)
                if score is not None:
                    found[string] = score
        return found

    def freeze(self) -> FrozenPhrases:
        """The phrases without the counts: small, but it cannot count more text.

        Words that contain the delimiter are taken whole, so phrases of phrases are kept, other than in gensim.

        >>> Phrases([["a", "b", "c"], ["a", "b"]], min_count=1, threshold=0.5).freeze()
        FrozenPhrases(1 phrases, threshold=0.5, delimiter='_')
        """
        strings = self._strings
        chosen, scores = strings.plain_phrases(self._scoring)
        words, counts = self._counts.words, self._counts
        readings = {
            (phrase, len(words[first]), len(words[last])): score
            for phrase, first, last, score in zip(
                strings.strings(chosen),
                counts.first[chosen].tolist(),
                counts.last[chosen].tolist(),
                scores,
                strict=True,
            )
        }
        for phrase, parts, score in self._odd_phrases(None):
            readings[phrase, len(parts[0]), len(parts[2])] = score
        given = (self.threshold, self.min_count, self.delimiter, self.connector_words)
        # Without odd words and connector words every phrase has one reading.
        several = bool(strings.odd) or len(self._counts.run_offsets) > 2
        found = {phrase: score for (phrase, _, _), score in readings.items()}
        return FrozenPhrases(found, *given, readings=readings if several else None)

    def _odd_phrases(
        self, known: Container[str] | None
    ) -> Iterable[tuple[str, tuple[str, tuple[str, ...], str], float]]:
        """(phrase, its words, score) of phrases whose spelling has several readings; of those with `known` words."""
        connectors = self.connector_words
        for phrase, count in self._strings.ambiguous(self._scoring.least).items():
            for words in splits(phrase, self.delimiter, connectors):
                if known is not None and not (words[0] in known and words[2] in known):
                    continue
                score = self._score(words[0], words[2], count)
                if score is not None:
                    yield phrase, words, score

    def _score(self, first: str, last: str, both: int) -> float | None:
        strings = self._strings
        return self._scoring.one(
            strings.count(first), strings.count(last), both, strings.n_types, self._counts.n_tokens
        )

    def score_candidate(self, word_a: str, word_b: str, in_between: Iterable[str]) -> tuple[str | None, float | None]:
        """(phrase, score) of two words with connector words between them, or (None, None) if they are no phrase."""
        least = self._scoring.least  # forgets _known if something was changed
        if self._known is None:
            self._known = self._strings.at_least(least)
        phrase = self.delimiter.join((word_a, *in_between, word_b))
        both = self._known.get(phrase)
        score = None if both is None else self._score(word_a, word_b, both)
        return (None, None) if score is None else (phrase, score)

    def _followers(self) -> Any:
        _ = self._scoring  # forgets them if something was changed
        return super()._followers()

    def _joins(self, known: Container[str]) -> tuple[Joins, list[float]]:
        strings, counts = self._strings, self._counts
        chosen, scores = strings.plain_phrases(self._scoring)
        runs = counts.run_words()
        joins = Joins(
            [counts.words[i] for i in counts.first[chosen].tolist()],
            [runs[i] for i in counts.runs[chosen].tolist()],
            [counts.words[i] for i in counts.last[chosen].tolist()],
            strings.strings(chosen),
        )
        seen = set(zip(*joins[:3], strict=True)) if strings.odd else set()
        for phrase, words, score in self._odd_phrases(known):
            if words not in seen:
                joins.first.append(words[0])
                joins.between.append(words[1])
                joins.last.append(words[2])
                joins.phrases.append(phrase)
                scores.append(score)
        return joins, scores

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write parameters and counts to one file, atomically and without pickle.

        Raises:
            InvalidArgumentError: `scoring` is a function of your own, which a file cannot hold. ``freeze().save(path)``
                needs none.
            StorageError: the file cannot be written; an old file is kept.
        """
        if self._scoring.name is None:
            raise InvalidArgumentError(
                f"scoring={self.scoring!r} is a function, which a file cannot hold; expected 'default' or 'npmi'. "
                "phrases.freeze().save(path) keeps the phrases and their scores."
            )
        parameters = {
            "min_count": self.min_count,
            "threshold": self.threshold,
            "max_vocab_size": self.max_vocab_size,
            "delimiter": self.delimiter,
            "scoring": self._scoring.name,
            "connector_words": sorted(self.connector_words),
        }
        files.write_counts(path, self._counts, parameters)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Phrases:
        """Read a file of :meth:`save`.

        Raises:
            StorageError: the file is missing, damaged or of another kind.
        """
        counts, parameters = files.read_counts(path)
        with damage_of(path, files.REMEDY):
            made = cls(**parameters)
        made._set_counts(counts)
        return made

    def __repr__(self) -> str:
        n_types = f"{len(self._counts.words):,} words and {len(self._counts.pairs):,} pairs"
        return f"Phrases({n_types}, min_count={self.min_count}, threshold={self.threshold:g}, scoring={self.scoring!r})"


class FrozenPhrases(PhraseJoiner):
    """Phrases with their scores, without counts; made by :meth:`Phrases.freeze`, or from a dict.

    Args:
        phrasegrams: phrase -> score; the phrases are words joined by `delimiter`. Or a :class:`Phrases`, as in gensim
            (``Phraser(phrases)``): the same as its ``freeze()``, without other arguments.
        threshold: float, only phrases with a higher score are joined.
        min_count: int, kept for information.
        delimiter: as in :class:`Phrases`.
        connector_words: as in :class:`Phrases`.
        readings: (phrase, length of its first word, length of its last word) -> score, if only these pairs of words are
            phrases, as for phrases of phrases; None: any words that are spelled like a phrase.

    Raises:
        InvalidArgumentError: a phrase is no str, or a score no number; or other arguments beside a `Phrases`.

    >>> phrases = FrozenPhrases({"bank_of_america": 20.0}, connector_words=["of"])
    >>> phrases[["the", "bank", "of", "america"]]
    ['the', 'bank_of_america']
    """

    _phrasegrams: dict[str, float]
    _readings: dict[tuple[str, int, int], float] | None
    _threshold: float
    min_count: int

    def __init__(
        self,
        phrasegrams: Mapping[str, float] | Phrases | FrozenPhrases,
        threshold: float = 10.0,
        min_count: int = 5,
        delimiter: str = "_",
        connector_words: Iterable[str] = frozenset(),
        *,
        readings: Mapping[tuple[str, int, int], float] | None = None,
    ) -> None:
        if isinstance(phrasegrams, Phrases | FrozenPhrases):
            if (threshold, min_count, delimiter, readings) != (10.0, 5, "_", None) or connector_words:
                raise InvalidArgumentError(
                    f"FrozenPhrases got other arguments beside a {type(phrasegrams).__name__}; expected that alone, "
                    "because it has them. Change its threshold, min_count or scoring before."
                )
            frozen = phrasegrams.freeze()
            phrasegrams, readings, threshold = frozen._phrasegrams, frozen._readings, frozen.threshold
            min_count, delimiter, connector_words = frozen.min_count, frozen.delimiter, frozen.connector_words
        super().__init__(delimiter, connector_words)
        self._phrasegrams = _checked_phrasegrams(phrasegrams)
        self._readings = None if readings is None else dict(readings)
        self._threshold = check_real("threshold", threshold)
        self.min_count = check_int("min_count", min_count)

    @property
    def phrasegrams(self) -> Mapping[str, float]:
        """Phrase -> score, read-only."""
        return MappingProxyType(self._phrasegrams)

    @property
    def threshold(self) -> float:
        """Only phrases with a higher score are joined; it can be changed."""
        return self._threshold

    @threshold.setter
    def threshold(self, value: float) -> None:
        self._threshold, self._followers_made = check_real("threshold", value), None

    def score_candidate(self, word_a: str, word_b: str, in_between: Iterable[str]) -> tuple[str | None, float | None]:
        """(phrase, score) of two words with connector words between them, or (None, None) if they are no phrase."""
        phrase = self.delimiter.join((word_a, *in_between, word_b))
        if self._readings is None:
            score = self._phrasegrams.get(phrase)
        else:
            score = self._readings.get((phrase, len(word_a), len(word_b)))
        return (None, None) if score is None or score <= self.threshold else (phrase, score)

    def export_phrases(self) -> dict[str, float]:
        """A copy of `phrasegrams`."""
        return dict(self.phrasegrams)

    def freeze(self) -> FrozenPhrases:
        """The object itself."""
        return self

    def _joins(self, known: Container[str]) -> tuple[Joins, list[float]]:
        joins, scores = Joins([], [], [], []), []
        readings = self._readings
        phrases = self._phrasegrams if readings is None else dict.fromkeys(phrase for phrase, _, _ in readings)
        for phrase in phrases:
            for first, between, last in splits(phrase, self.delimiter, self.connector_words):
                key = (phrase, len(first), len(last))
                score = self._phrasegrams[phrase] if readings is None else readings.get(key, -math.inf)
                if score > self.threshold and first in known and last in known:
                    joins.first.append(first)
                    joins.between.append(between)
                    joins.last.append(last)
                    joins.phrases.append(phrase)
                    scores.append(score)
        return joins, scores

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the phrases to one file, atomically and without pickle.

        Raises:
            StorageError: the file cannot be written; an old file is kept.
        """
        files.write_frozen(path, self)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> FrozenPhrases:
        """Read a file of :meth:`save`.

        Raises:
            StorageError: the file is missing, damaged or of another kind.
        """
        arguments = files.read_frozen(path)
        with damage_of(path, files.REMEDY):
            return cls(**arguments)

    @classmethod
    def from_gensim(cls, phrases: Any) -> FrozenPhrases:
        """Import a gensim ``FrozenPhrases``, or the phrases of a gensim ``Phrases``.

        Raises:
            InvalidArgumentError: another object.
        """
        return cls(**gensim_phrases.arguments_of(phrases))

    def to_gensim(self) -> Any:
        """A gensim ``FrozenPhrases`` with the same phrases and scores."""
        return gensim_phrases.exported(self)

    def __repr__(self) -> str:
        count = f"{len(self.phrasegrams):,} phrases"
        return f"FrozenPhrases({count}, threshold={self.threshold:g}, delimiter={self.delimiter!r})"


def _checked_phrasegrams(phrasegrams: Any) -> dict[str, float]:
    try:
        found = dict(phrasegrams)
        for phrase, score in found.items():
            if not isinstance(phrase, str) or not isinstance(score, numbers.Real):
                raise TypeError
    except (TypeError, ValueError):
        raise InvalidArgumentError(
            f"phrasegrams is of type {type(phrasegrams).__module__}.{type(phrasegrams).__qualname__}; expected a dict "
            "of phrases (str) and their scores, such as {'new_york': 20.0}, or a kerazoo.text.Phrases. "
            "FrozenPhrases.from_gensim imports gensim's."
        ) from None
    return found
