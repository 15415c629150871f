"""`Word2Vec`: gensim's class, whose text is read and whose vectors are trained by kerazoo."""

from __future__ import annotations

import logging
import os
import time
import warnings
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np
from gensim import utils
from gensim.models import Word2Vec as GensimWord2Vec

from kerazoo._runtime.interrupts import DeferredInterrupt
from kerazoo.gensim import storage
from kerazoo.gensim.scoring import log_probabilities
from kerazoo.gensim.sources import UNCHANGED, Counted, ListSource, SentencesTypeError, Text, source_of
from kerazoo.gensim.texts import EpochTexts, KeptText
from kerazoo.gensim.training import ModelTrainer, check_callbacks, locks_vectors, settings_of, tables_of
from kerazoo.gensim.vocabulary import noise_table, prepare
from kerazoo.word2vec.engines.native import LARGEST_NEGATIVE
from kerazoo.word2vec.hierarchy import HuffmanTree

__all__ = ["Word2Vec"]

logger = logging.getLogger(__name__)

BATCH_WORDS = 10_000  # gensim's default
NOT_STORED = ("_kept", "_counted", "load")


class Word2Vec(GensimWord2Vec):
    r"""gensim's `Word2Vec` with its constructor, methods and attributes, trained by kerazoo's native engine.

    A subclass of `gensim.models.Word2Vec`. The vocabulary, the initial vectors, `wv` and the errors are gensim's;
    reading, counting and encoding the sentences, training, scoring and saving are kerazoo's. docs/gensim.md lists what
    differs, and how sentences that change from epoch to epoch are recognised.

    Args:
        sentences: an iterable of lists of str that can be read more than once; lists, tuples and gensim's
            `LineSentence`, `PathLineSentences` and `Text8Corpus` are read only once, and these readers by the scanner
            in C. With `sentences` or `corpus_file` the constructor trains.
        corpus_file: path of a text, one sentence per line.
        vector_size: dimension of the vectors.
        alpha: initial learning rate, 0.025 also for CBOW.
        window: largest distance between the centre and a context word.
        min_count: words that occur less often are dropped.
        max_vocab_size: prune rare words while counting when there are more different words, as gensim does; slow.
        sample: threshold of subsampling; from 1 on, a count.
        seed: of the random numbers. With one worker, or a text of less than 256 words, the same seed repeats the same
            vectors.
        workers: threads.
        min_alpha: final learning rate.
        sg: 1 skip-gram, 0 CBOW.
        hs: 1 hierarchical softmax.
        negative: noise words per pair; 0 for none.
        ns_exponent: exponent of the counts in the noise.
        cbow_mean: 1 mean of the contexts, 0 sum.
        hashfxn: without effect, as in gensim 4, where only the deprecated `seeded_vector` uses it.
        epochs: passes over the sentences.
        null_word: 1 adds the word ``"\0"``, as in gensim.
        trim_rule: function (word, count, min_count) -> one of gensim.utils.RULE_DISCARD, RULE_KEEP, RULE_DEFAULT.
        sorted_vocab: 1 sorts words by decreasing count.
        batch_words: without effect: threads take pieces of the encoded text. A UserWarning says so.
        compute_loss: kept as an attribute; the loss is always measured.
        callbacks: objects of gensim's `CallbackAny2Vec`.
        comment: kept as an attribute.
        max_final_vocab: raises `min_count` until at most so many words are left, as in gensim.
        shrink_windows: whether the radius of a window is drawn from 1..window.
        reread: not in gensim: True reads an iterable again in each epoch, False never does; None finds out whether it
            yields the same each time.

    Raises:
        TypeError: `sentences` can be read only once, or is no iterable of lists; `corpus_file` is compressed, or no
            file.
        RuntimeError: no word is left.
        ValueError: neither `hs` nor `negative`; arguments of `train` are missing.
        TrainingError: the training diverges; the arrays are those of the last good epoch.

    >>> from gensim.test.utils import common_texts
    >>> model = Word2Vec(common_texts, vector_size=10, min_count=1, seed=7)
    >>> model.wv["graph"].shape, len(model.wv), model.corpus_count, model.corpus_total_words
    ((10,), 12, 9, 29)
    """

    # Set by gensim's constructor.
    alpha: float
    min_alpha: float
    epochs: Any

    _kept: KeptText | None = None
    _counted: tuple[Counted, Any, Any] | None = None
    _tree: HuffmanTree | None = None
    _constructing = False  # and no callback sees it
    reread: bool | None = None

    def __init__(
        self,
        sentences: Any = None,
        corpus_file: str | None = None,
        vector_size: int = 100,
        alpha: float = 0.025,
        window: int = 5,
        min_count: int = 5,
        max_vocab_size: int | None = None,
        sample: float = 1e-3,
        seed: int = 1,
        workers: int = 3,
        min_alpha: float = 0.0001,
        sg: int = 0,
        hs: int = 0,
        negative: int = 5,
        ns_exponent: float = 0.75,
        cbow_mean: int = 1,
        hashfxn: Any = hash,
        epochs: int = 5,
        null_word: int = 0,
        trim_rule: Any = None,
        sorted_vocab: int = 1,
        batch_words: int = BATCH_WORDS,
        compute_loss: bool = False,
        callbacks: Any = (),
        comment: str | None = None,
        max_final_vocab: int | None = None,
        shrink_windows: bool = True,
        *,
        reread: bool | None = None,
    ) -> None:
        self.reread = reread
        if batch_words != BATCH_WORDS:
            warnings.warn(
                f"batch_words={batch_words} has no effect: threads take pieces of the encoded text.",
                UserWarning,
                stacklevel=2,
            )
        callbacks = check_callbacks(callbacks)
        self._constructing = not callbacks
        try:
            super().__init__(
                sentences=sentences,
                corpus_file=corpus_file,
                vector_size=vector_size,
                alpha=alpha,
                window=window,
                min_count=min_count,
                max_vocab_size=max_vocab_size,
                sample=sample,
                seed=seed,
                workers=workers,
                min_alpha=min_alpha,
                sg=sg,
                hs=hs,
                negative=negative,
                ns_exponent=ns_exponent,
                cbow_mean=cbow_mean,
                hashfxn=hashfxn,
                epochs=epochs,
                null_word=null_word,
                trim_rule=trim_rule,
                sorted_vocab=sorted_vocab,
                batch_words=batch_words,
                compute_loss=compute_loss,
                callbacks=callbacks,
                comment=comment,
                max_final_vocab=max_final_vocab,
                shrink_windows=shrink_windows,
            )
        finally:
            del self._constructing
        self._kept = None

    # ---- the vocabulary ----

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

    # ---- training ----

    def train(
        self,
        corpus_iterable: Any = None,
        corpus_file: str | None = None,
        total_examples: int | None = None,
        total_words: int | None = None,
        epochs: int | None = None,
        start_alpha: float | None = None,
        end_alpha: float | None = None,
        word_count: int = 0,
        queue_factor: int = 2,
        report_delay: float = 1.0,
        compute_loss: bool = False,
        callbacks: Any = (),
        **kwargs: Any,
    ) -> tuple[int, int]:
        """Train further with these sentences; the arguments, errors and warnings are gensim's.

        `alpha` falls over the words of the sentences themselves. `total_examples` and `total_words` are compared with
        them. `word_count`, `queue_factor` and `report_delay` have no effect.

        Returns:
            The number of words after subsampling (its mean, as the draws are not counted), and of raw words.
        """
        callbacks = check_callbacks(callbacks)
        reason = self._not_native()
        if reason:
            logger.warning("%s: this training is gensim's, with its speed.", reason)
            return super().train(
                corpus_iterable, corpus_file, total_examples, total_words, epochs, start_alpha, end_alpha, word_count,
                queue_factor, report_delay, compute_loss, callbacks, **kwargs,
            )  # fmt: skip
        self.alpha = start_alpha or self.alpha
        self.min_alpha = end_alpha or self.min_alpha
        self.epochs = epochs
        self._check_training_sanity(epochs=epochs, total_examples=total_examples, total_words=total_words)
        assert epochs is not None  # as was just checked
        self._check_corpus_sanity(corpus_iterable=corpus_iterable, corpus_file=corpus_file, passes=epochs)
        if corpus_file is not None and not total_words:
            raise ValueError("total_words must be provided alongside corpus_file argument.")
        settings = settings_of(self, epochs)
        tables_of(self, settings)
        self.add_lifecycle_event(
            "train",
            msg=f"training model with {self.workers} workers on {len(self.wv)} vocabulary and {self.vector_size} "
            f"features, using sg={self.sg} hs={self.hs} sample={self.sample} negative={self.negative} "
            f"window={self.window} shrink_windows={self.shrink_windows}",
        )
        self.compute_loss, self.running_training_loss = compute_loss, 0.0
        for callback in callbacks:
            callback.on_train_begin(self)
        texts = EpochTexts(
            source_of(corpus_iterable, corpus_file),
            self.wv.key_to_index,
            self._kept,
            reread=self.reread,
            workers=self.workers,
            watched=bool(callbacks),
            unchanged=self._constructing,
        )
        expected = None if corpus_file is not None else (total_examples, total_words)
        counts = self._train_epochs(texts, settings, callbacks, expected)
        self._kept = texts.to_keep()
        self.train_count += 1
        self.wv.norms = None
        for callback in callbacks:
            callback.on_train_end(self)
        return counts

    def _not_native(self) -> str:
        """Why the native engine cannot train this model; empty if it can."""
        if locks_vectors(self):
            return "wv.vectors_lockf freezes words"
        if self.negative > LARGEST_NEGATIVE:
            return f"negative={self.negative} is above {LARGEST_NEGATIVE}, the most that the native engine has"
        return ""

    def _train_epochs(
        self, texts: EpochTexts, settings: Any, callbacks: list[Any], expected: tuple[int | None, int | None] | None
    ) -> tuple[int, int]:
        trainer: ModelTrainer | None = None
        n_trained, n_raw, start = 0.0, 0, time.perf_counter()
        for number in range(settings.epochs):
            for callback in callbacks:
                callback.on_epoch_begin(self)
            began = time.perf_counter()
            text = texts.of_epoch(number)
            n_words = 0.0
            if len(text.ids):
                if trainer is None:
                    trainer = ModelTrainer(self, settings, text)
                elif callbacks:
                    trainer.take()
                self.running_training_loss += self._train_epoch_natively(trainer, number, text)
                n_words = trainer.expected_words
            n_trained, n_raw = n_trained + n_words, n_raw + text.n_raw_words
            self._end_epoch(number, text, n_words, time.perf_counter() - began, expected)
            for callback in callbacks:
                callback.on_epoch_end(self)
        seconds = time.perf_counter() - start
        self.add_lifecycle_event(
            "train",
            msg=f"training on {n_raw} raw words ({round(n_trained)} effective words) took {seconds:.1f}s, "
            f"{n_trained / max(seconds, 1e-9):.0f} effective words/s",
        )
        return round(n_trained), n_raw

    def _train_epoch_natively(self, trainer: ModelTrainer, number: int, text: Text) -> float:
        """Train one epoch, also in part at Ctrl-C; its loss."""
        with DeferredInterrupt() as interrupt:
            try:
                loss = trainer.train_epoch(number, text, interrupt)
            except KeyboardInterrupt:
                trainer.give()
                raise
            trainer.give()
        return loss

    def _end_epoch(
        self,
        number: int,
        text: Text,
        n_words: float,
        seconds: float,
        expected: tuple[int | None, int | None] | None,
    ) -> None:
        """Log the epoch, with gensim's warnings."""
        self.total_train_time += seconds
        self.min_alpha_yet_reached = max(
            self.min_alpha, self.alpha - (self.alpha - self.min_alpha) * (number + 1) / self.epochs
        )
        logger.info(
            "EPOCH %i: training on %i raw words (%i effective words) took %.1fs, %.0f effective words/s",
            number, text.n_raw_words, n_words, seconds, n_words / max(seconds, 1e-9),
        )  # fmt: skip
        if not text.n_sentences and self.train_count == 0:
            logger.warning(
                "train() called with an empty iterator (if not intended, be sure to provide a corpus that offers "
                "restartable iteration = an iterable)."
            )
        if expected is None:
            return
        for name, wanted, found in (
            ("example", expected[0], text.n_sentences),
            ("raw word", expected[1], text.n_raw_words),
        ):
            if wanted and wanted != found:
                logger.warning(
                    "EPOCH %i: supplied %s count (%i) did not equal expected count (%i)", number, name, found, wanted
                )

    def get_latest_training_loss(self) -> float:
        """The sum of the losses of all pairs since the last `train` began, in float64, measured in any case.

        A pair's loss is that of its true word and its noise words, or of the nodes on its path. In a text of 200,000
        words or more it is measured for one group of pairs in 64. gensim's is a float32 sum, which stops to grow, and
        is 0 without `compute_loss`.
        """
        return float(self.running_training_loss)

    # ---- results ----

    def score(
        self,
        sentences: Any,
        total_sentences: int = int(1e6),
        chunksize: int = 100,
        queue_factor: int = 2,
        report_delay: float = 1,
    ) -> np.ndarray:
        """The log probability of each sentence under hierarchical softmax.

        The sum over all pairs of centre and context (CBOW: over all centres) within `window`, without subsampling.

        Args:
            sentences: lists of words; unknown words are skipped.
            total_sentences: the most sentences that are scored.
            chunksize: without effect, like `queue_factor` and `report_delay`.
            queue_factor: without effect.
            report_delay: without effect.

        Returns:
            float32 (n_sentences,).

        Raises:
            RuntimeError: no vocabulary, or no hierarchical softmax.
        """
        if not self.wv.key_to_index:
            raise RuntimeError("you must first build vocabulary before scoring new data")
        if not self.hs:
            raise RuntimeError(
                "score needs hierarchical softmax; train with hs=1 and negative=0. predict_output_word gives the "
                "probabilities of words with noise words."
            )
        return log_probabilities(self, sentences, total_sentences)

    # ---- files ----

    def save(self, fname_or_handle: Any, *args: Any, **kwargs: Any) -> None:
        """Write the model to one file, atomically and without pickle; `load` reads it.

        Args:
            fname_or_handle: a path.
            args: gensim's other arguments, for separate files and pickle, have no effect: `load` maps large arrays from
                the one file.
            kwargs: the same.

        Raises:
            StorageError: the file cannot be written; an old file is kept.
            InvalidArgumentError: an open file instead of a path, or words that are no str.
        """
        del args, kwargs
        storage.write(self, fname_or_handle)

    @classmethod
    def load(cls, fname: str | os.PathLike[str], *args: Any, mmap: str | None = None, **kwargs: Any) -> Word2Vec:
        """Read a file of `save`, or one that gensim's `save` wrote (also older ones, as far as gensim reads them).

        Args:
            fname: the path.
            args: passed on for gensim's files.
            mmap: ``"r"`` maps the arrays of a file instead of reading them; they are copied when they are trained.
            kwargs: passed on for gensim's files.

        Raises:
            StorageError: the file is damaged.
            AttributeError: a file of gensim with another kind of model.
            FileNotFoundError: there is no such file.

        gensim's files are pickles, which can run code: only load them from sources that you trust.
        """
        if storage.is_ours(fname):
            return storage.read(cls, fname, mmap)
        return cls.from_gensim(GensimWord2Vec.load(os.fspath(fname), *args, mmap=mmap, **kwargs))

    @classmethod
    def from_gensim(cls, model: GensimWord2Vec) -> Word2Vec:
        """The same model, which kerazoo trains further; the arrays are shared.

        Raises:
            AttributeError: another kind of model.
        """
        return storage.with_class(cls, model)

    def to_gensim(self) -> GensimWord2Vec:
        """A gensim `Word2Vec` with copies of the arrays, whose `save` writes gensim's files.

        >>> from gensim.test.utils import common_texts
        >>> type(Word2Vec(common_texts, vector_size=4, min_count=1).to_gensim()).__module__
        'gensim.models.word2vec'
        """
        return storage.gensim_copy(self)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in NOT_STORED}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, load=utils.call_on_class_only)
