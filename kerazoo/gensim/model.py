"""`Word2Vec`: gensim's class, whose text is read and whose vectors are trained by kerazoo."""

from __future__ import annotations

import logging
import os
import warnings
from typing import Any

import numpy as np
from gensim import utils
from gensim.models import Word2Vec as GensimWord2Vec

from kerazoo.gensim import storage
from kerazoo.gensim.epochs import train_epochs
from kerazoo.gensim.scoring import log_probabilities
from kerazoo.gensim.sources import source_of
from kerazoo.gensim.texts import EpochTexts
from kerazoo.gensim.training import check_callbacks, locks_vectors, settings_of, tables_of
from kerazoo.gensim.vocabulary_building import VocabularyBuilding
from kerazoo.word2vec.engines.native import LARGEST_NEGATIVE

__all__ = ["Word2Vec"]

logger = logging.getLogger(__name__)

BATCH_WORDS = 10_000  # gensim's default
NOT_STORED = ("_kept", "_counted", "load")


class Word2Vec(VocabularyBuilding):
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
        counts = train_epochs(self, texts, settings, callbacks, expected)
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

    def get_latest_training_loss(self) -> float:
        """The sum of the losses of all pairs since the last `train` began, in float64, measured in any case.

        A pair's loss is that of its true word and its noise words, or of the nodes on its path. It is measured for one
        group of pairs in 64, or for more of them in texts of less than 384,000 words. gensim's is a float32 sum, which
        stops to grow, and is 0 without `compute_loss`.
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
