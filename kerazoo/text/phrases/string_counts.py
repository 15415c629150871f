"""`StringCounts`: counts by spelling, as gensim keeps them, on top of counts by ids.

gensim counts strings: a word and a pair that are spelled alike, such as the word ``new_york`` and the pair new + york,
share one count. That happens only where a word contains characters of the delimiter; such words, and the pairs that
contain them, are called odd here. All others are plain: their spelling has one reading, so their ids suffice.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kerazoo.text.phrases.pair_counts import PairCounts
from kerazoo.text.phrases.scoring import Scoring
from kerazoo_ext._phrases import PairTable

__all__ = ["StringCounts"]


class StringCounts:
    """How often each string occurs as a word (no connector word) or as a joined pair.

    Args:
        counts: by ids.
        delimiter: joins words.

    Attributes:
        n_types: number of distinct strings.
        odd: string -> count, of the strings that contain characters of the delimiter in one of their words.
        plain: indices of the pairs that are counted here by their ids, int64 (n,).
    """

    def __init__(self, counts: PairCounts, delimiter: str) -> None:
        self.counts = counts
        self.delimiter = delimiter
        self._run_numbers = {words: number for number, words in enumerate(counts.run_words())}
        self._between = [delimiter.join(["", *words, ""]) for words in self._run_numbers]
        self._characters = sorted(set(delimiter))
        self._table: PairTable | None = None
        self.odd: dict[str, int] = {}
        self._find_odd()

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {word: i for i, word in enumerate(self.counts.words)}

    def _find_odd(self) -> None:
        counts = self.counts
        odd_words = np.zeros(len(counts.words), bool)
        for character in self._characters:
            odd_words |= np.array([character in word for word in counts.words], bool)
        counted = (counts.connector == 0) & (counts.word_counts > 0)
        everything = np.arange(len(counts.pairs), dtype=np.int64)
        self.plain, self.n_types = everything, int(counted.sum()) + len(everything)
        if not odd_words.any():
            return
        odd_runs = np.array([any(map(self._is_odd, run)) for run in self._run_numbers])
        odd_pairs = odd_words[counts.first] | odd_words[counts.last] | odd_runs[counts.runs]
        for i in np.flatnonzero(odd_words & counted).tolist():
            self.odd[counts.words[i]] = int(counts.word_counts[i])
        chosen = np.flatnonzero(odd_pairs)
        for string, count in zip(self.strings(chosen), counts.counts[chosen].tolist(), strict=True):
            self.odd[string] = self.odd.get(string, 0) + count
        # Plain pairs that are spelled like an odd word or pair count there.
        strings = self._with_plain_reading(chosen) if len(self.delimiter) == 1 else list(self.odd)
        places = self._find(strings)
        alike = np.flatnonzero(places >= 0)
        alike = alike[~odd_pairs[places[alike]]]
        for i in alike.tolist():
            self.odd[strings[i]] += int(counts.counts[places[i]])
        odd_pairs[places[alike]] = True
        self.plain = np.flatnonzero(~odd_pairs)
        self.n_types = int((counted & ~odd_words).sum()) + len(self.plain) + len(self.odd)

    def _is_odd(self, word: str) -> bool:
        return any(character in word for character in self._characters)

    def _with_plain_reading(self, chosen: NDArray[np.int64]) -> list[str]:
        """The odd words, and the chosen pairs, that may be spelled like a plain pair.

        That is, only connector words are between their first and their last delimiter.
        """
        counts, connectors = self.counts, {word for run in self._run_numbers for word in run}
        opens, closes = np.ones(len(counts.words), bool), np.ones(len(counts.words), bool)
        for i, word in enumerate(counts.words):
            if self.delimiter in word:
                parts = word.split(self.delimiter)
                opens[i] = connectors.issuperset(parts[1:])
                closes[i] = connectors.issuperset(parts[:-1])
        usable = chosen[opens[counts.first[chosen]] & closes[counts.last[chosen]]]
        return list(dict.fromkeys([*(word for word in counts.words if word in self.odd), *self.strings(usable)]))

    def strings(self, chosen: NDArray[np.int64]) -> list[str]:
        """The spelling of the pairs with these indices."""
        words, between = self.counts.words, self._between
        pairs = self.counts.pairs[chosen]
        parts = (pairs >> np.uint64(32)).tolist(), self.counts.runs[chosen].tolist(), (pairs & np.uint64(0xFFFFFFFF))
        return [words[a] + between[run] + words[b] for a, run, b in zip(*parts[:2], parts[2].tolist(), strict=True)]

    def _find(self, strings: list[str]) -> NDArray[np.int64]:
        """The index of the pair that each string is if it is taken apart at every delimiter, int64 (n,), or -1."""
        connector = self.counts.connector
        found = np.full(len(strings), -1, np.int64)
        pairs, runs, where = [], [], []
        for i, string in enumerate(strings):
            parts = string.split(self.delimiter)
            if len(parts) < 2:
                continue
            first, last = self._ids.get(parts[0], -1), self._ids.get(parts[-1], -1)
            run = self._run_numbers.get(tuple(parts[1:-1]), -1)
            if first >= 0 and last >= 0 and run >= 0 and not connector[first] and not connector[last]:
                pairs.append(first << 32 | last)
                runs.append(run)
                where.append(i)
        if where:
            if self._table is None:
                self._table = PairTable()
                numbers = np.arange(len(self.counts.pairs), dtype=np.int64)
                self._table.add(self.counts.pairs, self.counts.runs, self.counts.counts, numbers)
            found[where] = self._table.find(np.array(pairs, np.uint64), np.array(runs, np.int32))
        return found

    def count(self, string: str) -> int:
        """How often a string occurs as a word or as a joined pair."""
        found = self.odd.get(string)
        if found is not None:
            return found
        number = self._ids.get(string)
        if number is not None and not self.counts.connector[number] and self.counts.word_counts[number]:
            return int(self.counts.word_counts[number])
        place = int(self._find([string])[0]) if self.delimiter in string else -1
        return int(self.counts.counts[place]) if place >= 0 else 0

    def at_least(self, least: int) -> dict[str, int]:
        """The strings with a delimiter that occur at least so often, with their counts."""
        chosen = self.plain[self.counts.counts[self.plain] >= least]
        found = dict(zip(self.strings(chosen), self.counts.counts[chosen].tolist(), strict=True))
        found.update((string, count) for string, count in self.odd.items() if count >= least)
        return found

    def everything(self) -> dict[str, int]:
        """All strings with their counts: gensim's ``vocab``."""
        counts = self.counts
        counted = np.flatnonzero((counts.connector == 0) & (counts.word_counts > 0)).tolist()
        return {counts.words[i]: int(counts.word_counts[i]) for i in counted} | self.at_least(1)

    def ambiguous(self, least: int) -> dict[str, int]:
        """The strings of :meth:`at_least` that may have several readings as (word, connector words, word)."""
        if not self.odd:
            return {}
        chosen = self.plain[(self.counts.counts[self.plain] >= least) & (self.counts.runs[self.plain] > 0)]
        found = dict(zip(self.strings(chosen), self.counts.counts[chosen].tolist(), strict=True))
        found.update((string, count) for string, count in self.odd.items() if count >= least)
        return found

    def plain_phrases(self, scoring: Scoring) -> tuple[NDArray[np.int64], list[float]]:
        """The indices of the plain pairs that are phrases, in order of their first occurrence, and their scores."""
        counts = self.counts
        chosen = self.plain[counts.counts[self.plain] >= scoring.least]
        chosen = chosen[np.argsort(counts.places[chosen], kind="stable")]
        pairs = counts.pairs[chosen]
        first = counts.word_counts[(pairs >> np.uint64(32)).astype(np.int64)]
        last = counts.word_counts[(pairs & np.uint64(0xFFFFFFFF)).astype(np.int64)]
        scores = scoring.many(first, last, counts.counts[chosen], self.n_types, counts.n_tokens)
        kept = np.flatnonzero(~np.isnan(scores))
        return chosen[kept], scores[kept].tolist()
