"""The part of the drop-in class that counts words and makes the vocabulary."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np
from gensim.models import Word2Vec as GensimWord2Vec

from kerazoo.gensim import storage
from kerazoo.gensim.sources import UNCHANGED, Counted, ListSource, SentencesTypeError, source_of
from kerazoo.gensim.texts import KeptText
from kerazoo.gensim.vocabulary import noise_table, prepare
from kerazoo.word2vec.hierarchy import HuffmanTree

__all__ = ["VocabularyBuilding"]

logger = logging.getLogger(__name__)


class VocabularyBuilding(GensimWord2Vec):
    """gensim's `Word2Vec`, whose sentences are read by kerazoo, and stay encoded for the training."""

    _kept: KeptText | None = None
    _counted: tuple[Counted, Any, Any] | None = None
    _tree: HuffmanTree | None = None
    _constructing = False  # and no callback sees it

    def build_vocab(
        self,
        corpus_iterable: Any = None,
        corpus_file: str | None = None,
        update: bool = False,
        progress_per: int = 10000,
        keep_raw_vocab: bool = False,
        trim_rule: Any = None,
        **kwargs: Any,
    ) -> None:
        """Count the words of the sentences, and make or extend the vocabulary; the arguments are gensim's.

        The sentences stay encoded in memory (4 bytes per word) for a `train` with the same ones.
        """
        self._kept = None
        super().build_vocab(
            corpus_iterable=corpus_iterable,
            corpus_file=corpus_file,
            update=update,
            progress_per=progress_per,
            keep_raw_vocab=keep_raw_vocab,
            trim_rule=trim_rule,
            **kwargs,
        )
        if self._counted is not None:
            (counted, source, state), self._counted = self._counted, None
            vocabulary = self.wv.key_to_index
            self._kept = KeptText.of(counted.with_vocabulary(vocabulary), source, state, vocabulary)

    def scan_vocab(
        self,
        corpus_iterable: Any = None,
        corpus_file: str | None = None,
        progress_per: int = 10000,
        workers: int | None = None,
        trim_rule: Any = None,
    ) -> tuple[int, int]:
        """Count the words into `raw_vocab`; returns the number of words and of sentences, as in gensim."""
        self._counted = None
        if self.max_vocab_size:  # pruning depends on the order of the sentences
            return super().scan_vocab(corpus_iterable, corpus_file, progress_per, workers, trim_rule)
        logger.info("collecting all words and their counts")
        source = source_of(corpus_iterable, corpus_file)
        # Nobody changes a list within the constructor.
        state = UNCHANGED if self._constructing and isinstance(source, ListSource) else source.state()
        counted = source.count(progress_per, workers or self.workers)
        if not self.sorted_vocab:
            counted = counted.in_order_of_appearance()
        self.raw_vocab = defaultdict(int, zip(counted.words, counted.counts.tolist(), strict=True))
        self._counted = (counted, source, state)
        text = counted.text
        logger.info(
            "collected %i word types from a corpus of %i raw words and %i sentences",
            len(counted.words), text.n_raw_words, text.n_sentences,
        )  # fmt: skip
        return text.n_raw_words, text.n_sentences

    def prepare_vocab(
        self,
        update: bool = False,
        keep_raw_vocab: bool = False,
        trim_rule: Any = None,
        min_count: int | None = None,
        sample: float | None = None,
        dry_run: bool = False,
    ) -> dict[str, int]:
        """Select the words of `raw_vocab`, as in gensim; returns its figures."""
        report = prepare(
            self, update, keep_raw_vocab, trim_rule, min_count or self.min_count, sample or self.sample, dry_run
        )
        if dry_run:
            return report
        if self.null_word:
            self.add_null_word()
        if self.sorted_vocab and not update:
            self.wv.sort_by_descending_frequency()
        if not update:
            self._tree = None
        if self.hs:
            self.create_binary_tree()
        if self.negative:
            self.make_cum_table()
        return report

    def make_cum_table(self, domain: int = 2**31 - 1) -> None:
        """Compute `cum_table`, the distribution of the noise words, which only gensim's own training uses."""
        counts = np.asarray(self.wv.expandos.get("count", ()), np.int64)
        self.cum_table = noise_table(counts, float(self.ns_exponent), domain)

    def create_binary_tree(self) -> None:
        """Make the Huffman tree; where words are added, the nodes of the others keep their meaning."""
        counts, tree = np.asarray(self.wv.expandos["count"], np.int64), self._tree
        if len(counts) == 0:
            return
        if tree is not None and tree.n_words == len(counts):
            return
        if tree is None and len(self.wv.vectors) and "point" in self.wv.expandos:  # of a file, before an update
            n_known = len(self.wv.vectors)
            tree = storage.tree_of_paths(self.wv.expandos["code"][:n_known], self.wv.expandos["point"][:n_known])
        if tree is None:
            tree = HuffmanTree.from_counts(counts)
        elif tree.n_words < len(counts):
            tree = tree.extended(np.arange(tree.n_words), counts)
        self._tree = tree
        storage.set_paths(self.wv, tree)

    def reset_from(self, other_model: GensimWord2Vec) -> None:
        """Share the vocabulary of another model and start with new vectors, as in gensim."""
        self._kept, self._tree = None, getattr(other_model, "_tree", None)
        super().reset_from(other_model)

    def _check_corpus_sanity(self, corpus_iterable: Any = None, corpus_file: Any = None, passes: int = 1) -> None:
        super()._check_corpus_sanity(corpus_iterable=corpus_iterable, corpus_file=corpus_file, passes=passes)
        if passes > 1 and isinstance(corpus_iterable, Iterator):
            raise SentencesTypeError(
                f"sentences is a {type(corpus_iterable).__name__}, which can be read only once, but is needed {passes} "
                "times. Pass list(sentences), or an object whose __iter__ starts again."
            )
