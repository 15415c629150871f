"""`Word2Vec`, the estimator: gensim's parameter names, scikit-learn's manners, any engine behind it."""

from __future__ import annotations

import dataclasses
import importlib
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator

from kerazoo._runtime import devices
from kerazoo._runtime.devices import prefer_fast_kernels, usable_cores
from kerazoo._runtime.fingerprint import corpus_fingerprint
from kerazoo._validation import check_choice, check_int, check_real
from kerazoo.errors import InvalidArgumentError, NotFittedError, VocabularyError
from kerazoo.text import EncodedCorpus, Vocabulary
from kerazoo.word2vec import vocabulary_update as growth
from kerazoo.word2vec.io.checkpoints import Checkpoints
from kerazoo.word2vec.hierarchy import HuffmanTree
from kerazoo.word2vec.io import gensim_models
from kerazoo.word2vec.io import model_file as persistence
from kerazoo.word2vec.options import Tables, TrainingResult, TrainingSettings, TrainingState, empty_history

if TYPE_CHECKING:
    from gensim.models import KeyedVectors
    from numpy.typing import NDArray

__all__ = ["Word2Vec"]

# Each engine is a module with `train(corpus, settings, start, checkpoints) -> TrainingResult`, imported when it is
# chosen.
ENGINES = {"keras": "kerazoo.word2vec.engines.keras", "native": "kerazoo.word2vec.engines.native"}
LOSS_NAMES = ("nce", "negative_sampling", "sampled_softmax")  # as in losses.py, without importing Keras for it
USUAL_ALPHA = {0: 0.05, 1: 0.025}  # by sg: those of word2vec.c
NOISE_NAMES = ("unigram", "log_uniform", "uniform")


def _engine(name: str) -> Any:
    prefer_fast_kernels()
    return importlib.import_module(ENGINES[name])


class Word2Vec(BaseEstimator):
    """Word vectors (Mikolov et al. 2013), by skip-gram and noise-contrastive estimation unless told otherwise.

    Parameters have gensim's names and defaults where the thing is the same. The constructor only stores them;
    `fit` checks them.

    Args:
        vector_size: int, dimension D of the vectors.
        window: int, largest distance between the centre and a context word.
        min_count: int, words that occur less often are dropped.
        sample: float in [0, 1], threshold of the subsampling of frequent words; 0 switches it off.
        negative: int, noise words a pair (for ``sampled_softmax`` on blocks of text it is not used: 64 are shared);
            with ``hs=1`` it may be 0, for no noise words.
        ns_exponent: float, exponent of the counts in the unigram noise.
        alpha: float or None, learning rate at the start, a step a pair; None: 0.025 for skip-gram and 0.05 for CBOW, as
            in word2vec.c (gensim takes 0.025 for both).
        min_alpha: float, learning rate that it falls to, linearly.
        epochs: int, passes over the corpus.
        shrink_windows: bool, draw the radius of each window from 1..window (True) or always use `window`.
        max_final_vocab: int or None, keep at most that many of the most frequent words.
        sg: 1 for skip-gram, 0 for CBOW (which predicts the centre from the mean of its contexts).
        hs: 1 trains by hierarchical softmax over a Huffman tree, besides the noise words unless ``negative=0``.
        cbow_mean: 1 for the mean of the contexts in CBOW, 0 for their sum.
        loss: ``"nce"``, ``"negative_sampling"`` or ``"sampled_softmax"``; formulas in
            :mod:`kerazoo.word2vec.keras.losses`.
        noise: ``"unigram"`` (counts to the `ns_exponent`), ``"log_uniform"`` (Zipf) or ``"uniform"``.
        engine: ``"native"`` (in C on the CPU, without Keras; has all but ``sampled_softmax``), ``"keras"`` (any Keras
            backend and device; has skip-gram without hs) or ``"auto"``: native, unless an accelerator is visible
            or only Keras has what is asked for.
        workers: int or None, threads that scan the corpus, and that train with the native engine; None: the cores that
            this process may use. (Keras decides on its threads itself.)
        block_size: int or None, tokens a step of the Keras engine, a multiple of 16, for blocks of text whose
            neighbouring windows share noise words; None: from 256 to 4096 by the size of the corpus
            (8192 on a device).
        on_device: bool or None; True keeps the text and the tables on the device, draws there, and trains many blocks
            in one call (the Keras engine on JAX or torch, blocks of text; it takes 48 bytes of the device's memory a
            word); False makes the batches on the host; None does the first where an accelerator is visible and it can.
        batch_size: int or None; a number trains on batches of that many single pairs with `negative` noise words
            each instead of blocks: many times slower, for comparisons.
        seed: int or None. The same seed, corpus, machine and backend repeat the same vectors; with the native engine,
            one worker does so to the bit, more do not (they train on the same tables without locks).
        verbose: 0 silent, 1 progress bar, 2 one line an epoch.
        callbacks: Keras callbacks; they see ``loss``, the mean loss of a pair. They begin anew when a training is
            resumed; only ``EarlyStopping`` is told the losses of the epochs that are done.
        checkpoint_dir: path or None; a folder for checkpoints, made if needed. A training that was killed goes on from
            its last checkpoint when the same script runs again, and ends as if it had not been: to the bit, on the
            same machine and backend. Call number k of `fit` and `partial_fit` has the file ``fit-k.kerazoo`` there,
            which `load` reads too; when it is complete, the same call returns its result without training.
        checkpoint_minutes: float >= 0, the least time between two checkpoints. One takes about as long as writing the
            tables to the disk.

    Attributes:
        wv: gensim ``KeyedVectors`` with counts: ``most_similar``, ``evaluate_word_pairs``, ``save`` and the rest.
        vocabulary_: :class:`kerazoo.text.Vocabulary`.
        vectors_: float32 (V, D), row i for ``vocabulary_.words[i]``.
        output_vectors_: float32 (V, D), the table C of the losses; None with ``negative=0``.
        output_biases_: float32 (V,), or None for ``negative_sampling``.
        node_vectors_: float32 (V - 1, D), the inner nodes of hierarchical softmax; None without.
        tree_: :class:`kerazoo.word2vec.hierarchy.HuffmanTree` of those, or None.
        history_: dict of lists, a value an epoch: ``loss`` (mean over pairs), ``seconds``, ``words_per_second``
            (raw words, as read from the text; the first epoch includes compilation).
        model_: the Keras model :class:`kerazoo.word2vec.SkipGram` with these tables (skip-gram with noise words only).
        seed_: the seed that was used, drawn when `seed` is None.
        n_fits_: calls of `fit` and `partial_fit` that made these vectors.

    Raises:
        InvalidArgumentError, CorpusError, VocabularyError: on `fit`, with what was got and the remedy.
        TrainingError: the training diverges; the estimator then holds the last good vectors.

    >>> from kerazoo import Word2Vec, datasets
    >>> model = Word2Vec(vector_size=20, epochs=2, seed=1, verbose=0).fit(datasets.lee())
    >>> model.wv["australia"].shape
    (20,)
    >>> model.history_["loss"][1] < model.history_["loss"][0]
    True
    """

    def __init__(
        self,
        vector_size: int = 100,
        window: int = 5,
        min_count: int = 5,
        sample: float = 1e-3,
        negative: int = 5,
        ns_exponent: float = 0.75,
        alpha: float | None = None,
        min_alpha: float = 1e-4,
        epochs: int = 5,
        shrink_windows: bool = True,
        max_final_vocab: int | None = None,
        sg: int = 1,
        hs: int = 0,
        cbow_mean: int = 1,
        loss: str = "nce",
        noise: str = "unigram",
        engine: str = "auto",
        workers: int | None = None,
        block_size: int | None = None,
        batch_size: int | None = None,
        seed: int | None = None,
        verbose: int = 1,
        callbacks: Sequence[Any] = (),
        checkpoint_dir: str | os.PathLike[str] | None = None,
        checkpoint_minutes: float = 10.0,
        on_device: bool | None = None,
    ) -> None:
        # What follows from the results, made when it is asked for.
        self._wv: Any = None
        self._model: Any = None

        self.vector_size = vector_size
        self.window = window
        self.min_count = min_count
        self.sample = sample
        self.negative = negative
        self.ns_exponent = ns_exponent
        self.alpha = alpha
        self.min_alpha = min_alpha
        self.epochs = epochs
        self.shrink_windows = shrink_windows
        self.max_final_vocab = max_final_vocab
        self.sg = sg
        self.hs = hs
        self.cbow_mean = cbow_mean
        self.loss = loss
        self.noise = noise
        self.engine = engine
        self.workers = workers
        self.block_size = block_size
        self.batch_size = batch_size
        self.seed = seed
        self.verbose = verbose
        self.callbacks = callbacks
        self.checkpoint_dir = checkpoint_dir
        self.checkpoint_minutes = checkpoint_minutes
        self.on_device = on_device

    def fit(self, corpus: Any, y: None = None) -> Word2Vec:
        """Learn the vocabulary and the vectors.

        Args:
            corpus: documents as lists of tokens (a list or any iterable, also a generator), a path or several
                paths to text (plain, .gz, .bz2, .xz, .zst; one document a line), a directory, or an
                :class:`kerazoo.EncodedCorpus`, which brings its own vocabulary (min_count and max_final_vocab
                are then not used).
            y: ignored; for scikit-learn.

        Returns:
            The estimator itself. After Ctrl-C the exception passes on, and the estimator holds what it had
            learned by then.
        """
        del y
        settings = self._checked_settings()
        encoded = EncodedCorpus.from_source(
            corpus, min_count=self.min_count, max_final_vocab=self.max_final_vocab, workers=settings.workers
        )
        return self._learn(encoded, settings)

    def partial_fit(self, corpus: Any, y: None = None) -> Word2Vec:
        """Go on training with another corpus, `epochs` passes from `alpha` to `min_alpha`; the first call is `fit`.

        Words that the new corpus has at least `min_count` times join the vocabulary, up to `max_final_vocab` words in
        all; known words keep their vectors, and their counts (which decide on subsampling and noise) are added up.
        Since ids go by falling count, rows may change places: ask for vectors by word.

        Args:
            corpus: as in `fit`.
            y: ignored; for scikit-learn.

        Returns:
            The estimator itself; `history_` goes on.

        Raises:
            InvalidArgumentError: `vector_size`, `loss`, `hs` or whether there are noise words was changed since `fit`.

        >>> model = Word2Vec(vector_size=8, epochs=2, min_count=1, sample=0, seed=1, verbose=0)
        >>> model.fit([["red", "apple"]] * 9).partial_fit([["green", "apple"]] * 9).vocabulary_.words
        ['apple', 'green', 'red']
        """
        del y
        if not hasattr(self, "vectors_"):
            return self.fit(corpus)
        settings = self._checked_settings(self.n_fits_)
        tables = self._tables()
        self._check_size(settings, tables)
        self._check_same_model(settings, tables)
        encoded = growth.encode(self.vocabulary_, corpus, self.min_count, self.max_final_vocab, settings.workers)
        noise = (settings.noise, settings.ns_exponent)
        grown = growth.grow(tables, self.vocabulary_, encoded.vocabulary, noise, settings.seeds[0])
        return self._learn(encoded, settings, self.n_fits_, grown)

    def _check_size(self, settings: TrainingSettings, tables: Tables) -> None:
        if settings.vector_size != tables.input_vectors.shape[1]:
            raise InvalidArgumentError(
                f"vector_size={settings.vector_size}, but the vectors have {tables.input_vectors.shape[1]} dimensions. "
                "Set it back, or call fit to begin anew."
            )

    def _check_same_model(self, settings: TrainingSettings, tables: Tables) -> None:
        """:class:`InvalidArgumentError` unless the tables are those that these settings train."""
        wanted = {
            "hs": (settings.hs == 1, tables.node_vectors is not None, "inner nodes"),
            "negative": (settings.negative > 0, tables.output_vectors is not None, "output vectors"),
            "loss": (settings.negative > 0 and settings.loss != "negative_sampling", tables.output_biases is not None,
                     "biases"),
        }  # fmt: skip
        for name, (needs, has, what) in wanted.items():
            if needs != has:
                raise InvalidArgumentError(
                    f"{name}={getattr(settings, name)!r}, but the vectors were trained {'with' if has else 'without'} "
                    f"{what}. Set it back, or call fit to begin anew."
                )

    def _learn(
        self, encoded: EncodedCorpus, settings: TrainingSettings, number: int = 0, tables: Tables | None = None
    ) -> Word2Vec:
        """Train from `tables`, or from the checkpoint of this call, and keep the results."""
        if len(encoded.vocabulary.words) < 2:
            raise VocabularyError(
                f"the vocabulary has {len(encoded.vocabulary.words)} word; expected at least 2, since a word is told "
                "from noise words. Use a larger corpus or a smaller min_count."
            )
        before = self.history_ if number else empty_history()
        engine = self._chosen_engine(settings)
        state, checkpoints, complete = TrainingState(tables), None, False
        if self.checkpoint_dir is not None:
            minutes = check_real("checkpoint_minutes", self.checkpoint_minutes, 0, hint="The usual value is 10.")
            identity = self._identity(encoded, settings, engine, tables)
            checkpoints = Checkpoints(self.checkpoint_dir, minutes, number, identity)
            found = checkpoints.find()
            if found is not None:
                state, complete = found.state, found.complete
                settings = dataclasses.replace(settings, seed=found.seed)
            checkpoints.attach(persistence.plain_parameters(self), encoded.vocabulary, before, settings.seed)
        if complete:
            assert state.tables is not None
            result = TrainingResult(state.tables, state.history)
        else:
            result = _engine(engine).train(encoded, settings, state, checkpoints)
        self.seed_ = settings.seed
        self.n_fits_ = number + 1
        self.vocabulary_ = encoded.vocabulary
        self._set_tables(result.tables, result.model)
        self.history_ = {name: before[name] + values for name, values in result.history.items()}
        if result.interrupted:
            raise KeyboardInterrupt
        if result.error is not None:
            raise result.error
        return self

    def _chosen_engine(self, settings: TrainingSettings) -> str:
        engine = self.engine
        if engine == "auto":
            keras_has = settings.sg and not settings.hs
            only_keras = (
                settings.loss == "sampled_softmax" or settings.block_size or settings.batch_size or settings.on_device
            )
            engine = "keras" if keras_has and (only_keras or devices.accelerator_visible()) else "native"
        if engine == "native" and settings.on_device:
            raise InvalidArgumentError(
                "on_device=True with engine='native'; expected None. It is for engine='keras' (skip-gram without hs)."
            )
        return engine

    def _identity(
        self, encoded: EncodedCorpus, settings: TrainingSettings, engine: str, tables: Tables | None
    ) -> dict[str, Any]:
        """What has to be the same for a training to go on from a checkpoint."""
        values = dataclasses.asdict(dataclasses.replace(settings, callbacks=()))
        for name in ("workers", "verbose", "callbacks", *(() if self.seed is not None else ("seed",))):
            del values[name]
        corpus = corpus_fingerprint(encoded.ids, encoded.offsets, encoded.vocabulary.counts)
        return {**values, "engine": engine, "corpus": corpus, "start": None if tables is None else tables.checksum()}

    def _tables(self) -> Tables:
        return Tables(self.vectors_, self.output_vectors_, self.output_biases_, self.node_vectors_, self.tree_)

    def _set_tables(self, tables: Tables, model: Any = None) -> None:
        self.vectors_, self.output_vectors_ = tables.input_vectors, tables.output_vectors
        self.output_biases_ = tables.output_biases
        self.node_vectors_, self.tree_ = tables.node_vectors, tables.tree
        self._model, self._wv = model, None

    vocabulary_: Vocabulary
    vectors_: NDArray[np.float32]
    output_vectors_: NDArray[np.float32] | None
    output_biases_: NDArray[np.float32] | None
    node_vectors_: NDArray[np.float32] | None
    tree_: HuffmanTree | None
    history_: dict[str, list[float]]
    seed_: int
    n_fits_: int

    @property
    def wv(self) -> KeyedVectors:
        """The vectors as gensim ``KeyedVectors``, made on first use; it shares their memory."""
        self._check_fitted()
        if self._wv is None:
            from gensim.models import KeyedVectors

            words = list(self.vocabulary_.words)
            # Set as gensim's own loaders do: add_vectors would copy the table, which may be memory-mapped.
            vectors = KeyedVectors(vector_size=self.vectors_.shape[1])
            vectors.index_to_key = words
            vectors.key_to_index = {word: place for place, word in enumerate(words)}
            vectors.vectors = self.vectors_
            vectors.allocate_vecattrs(attrs=["count"], types=[np.int64])
            vectors.expandos["count"][:] = self.vocabulary_.counts
            self._wv = vectors
        return self._wv

    @property
    def model_(self) -> Any:
        """The Keras model :class:`kerazoo.word2vec.SkipGram` with these tables."""
        self._check_fitted()
        if self._model is None:
            self._model = _engine("keras").model_of(self)
        return self._model

    def predict_output_word(self, context_words: Sequence[str], topn: int = 10) -> list[tuple[str, float]]:
        """The most probable centre words of a context, with their probabilities.

        As in gensim, the vectors of the context words are averaged (for a CBOW of sums, added up), and the softmax goes
        over the whole vocabulary; the logits are ``mean(W[context]).C[o] + b[o]``. Without output vectors
        (``negative=0``) the probabilities are those of the tree.

        Args:
            context_words: words; those that are not in the vocabulary are left out.
            topn: int >= 1, how many.

        Raises:
            VocabularyError: none of the words is in the vocabulary.
        """
        self._check_fitted()
        check_int("topn", topn)
        if isinstance(context_words, str):
            raise InvalidArgumentError(f"context_words={context_words!r}; expected a list of words. Split it: .split()")
        known = [self.vocabulary_[word] for word in context_words if word in self.vocabulary_]
        if not known:
            raise VocabularyError(
                f"none of the words {list(context_words)!r} is in the vocabulary of {len(self.vocabulary_):,} words."
            )
        mean = self.vectors_[known].mean(axis=0, dtype=np.float32)
        if not self.sg and not self.cbow_mean:
            mean *= len(known)
        if self.output_vectors_ is not None:
            logits = (self.output_vectors_ @ mean).astype(np.float64)
            if self.output_biases_ is not None:
                logits += self.output_biases_
        else:
            assert self.node_vectors_ is not None
            assert self.tree_ is not None
            logits = self.tree_.log_probabilities(self.node_vectors_ @ mean)
        shares = np.exp(logits - logits.max())
        shares /= shares.sum()
        best = np.argsort(-shares, kind="stable")[:topn]
        return [(self.vocabulary_.words[place], float(shares[place])) for place in best]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything but the callbacks to one file, without pickle; the old file stays until it is whole.

        Raises:
            NotFittedError: before `fit`.
            StorageError: the file cannot be written (no folder, no permission, disk full).
        """
        self._check_fitted()
        persistence.save(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, mmap: bool = True) -> Word2Vec:
        """Read a file of `save`.

        Args:
            path: the file.
            mmap: leave the tables on the disk, read-only, until they are used; False reads all and compares checksums.

        Raises:
            StorageError: the file is missing, damaged, cut short, or holds something else.
        """
        return persistence.load(cls, path, mmap)

    @classmethod
    def from_gensim(cls, source: Any, **parameters: Any) -> Word2Vec:
        """Take over a model of gensim, or vectors of any program that writes word2vec's formats, to be trained further.

        A gensim ``Word2Vec`` brings its settings, vectors, output vectors and tree. Vectors alone (``KeyedVectors``, or
        a file in a word2vec format) get output vectors that start at zero, as in a fresh model; where no counts come
        with them, they are made up by rank. `partial_fit` trains further.

        Args:
            source: a gensim ``Word2Vec`` or ``KeyedVectors``, or a path: of a file of gensim's ``Word2Vec.save``, or of
                vectors as ``.txt``, ``.bin`` (word2vec's text and binary formats) or ``.kv`` (gensim's KeyedVectors).
            **parameters: constructor arguments that are to be other than in gensim's model.

        Returns:
            A fitted estimator. Words of equal count keep gensim's order; otherwise rows go by falling count.

        Raises:
            InvalidArgumentError: another kind of model, one without words, or parameters that it cannot have.
            StorageError: the file is missing, damaged or foreign. (Models of ``Word2Vec.save`` are pickles: load them
                from sources that you trust only.)

        >>> from gensim.models import Word2Vec as GensimWord2Vec
        >>> documents = [["red", "apple"], ["green", "apple"]] * 9
        >>> theirs = GensimWord2Vec(documents, vector_size=8, min_count=1, sample=0, sg=1)
        >>> ours = Word2Vec.from_gensim(theirs, verbose=0).partial_fit([["red", "apple"]] * 9)
        >>> ours.sg, ours.loss, ours.vectors_.shape
        (1, 'negative_sampling', (3, 8))
        """
        found, vocabulary, tables = gensim_models.take_over(source)
        model = cls(**{**found, **parameters})
        settings = model._checked_settings()
        if not isinstance(tables, Tables):
            tables = growth.completed(tables, vocabulary.counts, settings)
        model._check_size(settings, tables)
        model._check_same_model(settings, tables)
        return model._taken_over(vocabulary, tables, settings)

    def to_gensim(self) -> Any:
        """A gensim ``Word2Vec`` with copies of these vectors, output vectors and tree, which gensim can train further.

        Biases, which gensim has not, are left out with a warning. Give `train` the ``total_examples`` and ``epochs``.

        >>> model = Word2Vec(vector_size=8, loss="negative_sampling", min_count=1, sample=0, verbose=0)
        >>> theirs = model.fit([["red", "apple"], ["green", "apple"]] * 9).to_gensim()
        >>> _ = theirs.train([["red", "apple"]] * 9, total_examples=9, epochs=1)
        >>> theirs.wv["apple"].shape
        (8,)
        """
        self._check_fitted()
        return gensim_models.export(self)

    @classmethod
    def from_keras(cls, model: Any, vocabulary: Vocabulary, **parameters: Any) -> Word2Vec:
        """Take over a Keras :class:`kerazoo.word2vec.SkipGram`, such as a `model_` that Keras trained further.

        Args:
            model: the Keras model; its loss, vector size and negatives become constructor arguments.
            vocabulary: the words of its rows, such as `vocabulary_`.
            **parameters: the other constructor arguments.

        Raises:
            InvalidArgumentError: another kind of model, or one of another number of words.
        """
        from kerazoo.word2vec.engines import keras as keras_engine

        tables = keras_engine.tables_of_checked(model, len(vocabulary))
        found = {"vector_size": model.vector_size, "loss": model.loss_name, "negative": model.negative}
        made = cls(**{**found, **parameters})
        settings = made._checked_settings()
        made._check_size(settings, tables)
        made._check_same_model(settings, tables)
        return made._taken_over(vocabulary, tables, settings)

    def _taken_over(self, vocabulary: Vocabulary, tables: Tables, settings: TrainingSettings) -> Word2Vec:
        self.vocabulary_, self.history_ = vocabulary, empty_history()
        self.seed_, self.n_fits_ = settings.seed, 1
        self._set_tables(tables)
        return self

    def _check_fitted(self) -> None:
        if not hasattr(self, "vectors_"):
            raise NotFittedError("this Word2Vec has no vectors yet. Call fit(corpus) first.")

    def _checked_settings(self, number: int = 0) -> TrainingSettings:
        """The settings of call `number` of `fit` and `partial_fit`, or :class:`InvalidArgumentError`."""
        check_choice("engine", self.engine, ("auto", *ENGINES))
        sg = check_int("sg", self.sg, 0, 1)
        usual = USUAL_ALPHA[sg]
        alpha = usual if self.alpha is None else self.alpha
        alpha = check_real("alpha", alpha, 0, exclusive=True, hint=f"The usual value is {usual:g}.")
        if self.seed is None:
            seed = int(np.random.SeedSequence().generate_state(1, np.uint32)[0]) if not number else self.seed_
        else:
            seed = check_int("seed", self.seed, 0)
        if isinstance(self.callbacks, str) or not isinstance(self.callbacks, Sequence):
            raise InvalidArgumentError(
                f"callbacks={self.callbacks!r}; expected a list or tuple of Keras callbacks. One callback: [callback]."
            )
        if self.block_size is not None and (check_int("block_size", self.block_size, 16) % 16):
            raise InvalidArgumentError(f"block_size={self.block_size}; expected a multiple of 16.")
        if self.block_size is not None and self.batch_size is not None:
            raise InvalidArgumentError(
                f"block_size={self.block_size} and batch_size={self.batch_size}; expected one of them: blocks of text, "
                "or batches of pairs."
            )
        if self.on_device not in (None, True, False):
            raise InvalidArgumentError(f"on_device={self.on_device!r}; expected True, False or None.")
        hs = check_int("hs", self.hs, 0, 1)
        check_int("min_count", self.min_count, 1, hint="The usual value is 5.")
        if self.max_final_vocab is not None:
            check_int("max_final_vocab", self.max_final_vocab, hint="None keeps every word of min_count.")
        return TrainingSettings(
            vector_size=check_int("vector_size", self.vector_size, hint="The usual value is 100."),
            window=check_int("window", self.window, hint="The usual value is 5."),
            sample=check_real("sample", self.sample, 0, 1, hint="The usual value is 1e-3; 0 switches it off."),
            negative=check_int("negative", self.negative, 0 if hs else 1, hint="The usual value is 5."),
            ns_exponent=check_real("ns_exponent", self.ns_exponent, hint="The usual value is 0.75."),
            alpha=alpha,
            min_alpha=check_real("min_alpha", self.min_alpha, 0, alpha, hint="It is what alpha falls to."),
            epochs=check_int("epochs", self.epochs, hint="The usual value is 5."),
            shrink_windows=bool(self.shrink_windows),
            loss=check_choice("loss", self.loss, LOSS_NAMES),
            noise=check_choice("noise", self.noise, NOISE_NAMES),
            sg=sg,
            hs=hs,
            cbow_mean=check_int("cbow_mean", self.cbow_mean, 0, 1),
            workers=usable_cores() if self.workers is None else check_int("workers", self.workers),
            block_size=self.block_size,
            batch_size=None if self.batch_size is None else check_int("batch_size", self.batch_size),
            seed=seed,
            number=number,
            verbose=check_int("verbose", self.verbose, 0, 2),
            callbacks=tuple(self.callbacks),
            on_device=self.on_device,
        )
