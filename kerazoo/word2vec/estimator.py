"""`Word2Vec`, a scikit-learn estimator with gensim's parameter names."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kerazoo._runtime.checkpoints import DEFAULT_MINUTES
from kerazoo._runtime.devices import prefer_fast_kernels
from kerazoo.batching.sampling import NoiseDistribution
from kerazoo.errors import InvalidArgumentError, NotFittedError
from kerazoo.text import EncodedCorpus, Vocabulary
from kerazoo.text.documents import training_documents
from kerazoo.text.phrases import chain
from kerazoo.word2vec import edited_vectors, output_words, vocabulary_update
from kerazoo.word2vec._deprecated import (
    check_given_once,
    moved_arguments,
    moved_attribute,
    state_with_moved,
    with_moved,
)
from kerazoo.word2vec.corpus_checks import check_corpus
from kerazoo.word2vec.documents import DocumentVectors
from kerazoo.word2vec.during_training import present_vectors
from kerazoo.word2vec.exchange import ModelExchange
from kerazoo.word2vec.hierarchy import HuffmanTree
from kerazoo.word2vec.io import model_file
from kerazoo.word2vec.io.checkpoints import TrainingCheckpoint, training_identity
from kerazoo.word2vec.io.keyed_vectors import keyed_vectors
from kerazoo.word2vec.io.model_file import Contents
from kerazoo.word2vec.neighbours import Neighbours
from kerazoo.word2vec.options import TrainingSettings, check_same_model, checked_settings, choose_engine
from kerazoo.word2vec.results import Tables, TrainingResult, TrainingState, empty_history

if TYPE_CHECKING:
    from gensim.models import KeyedVectors
    from numpy.typing import NDArray

__all__ = ["Word2Vec"]


class Word2Vec(Neighbours, DocumentVectors, ModelExchange):
    """Word vectors (Mikolov et al. 2013), by default by skip-gram and noise-contrastive estimation.

    Parameters have gensim's names and defaults where the meaning is the same. The constructor only stores them; `fit`
    checks them.

    Args:
        vector_size: int, dimension D of the vectors.
        window: int, largest distance between the centre and a context word.
        min_count: int, words that occur less often are dropped.
        sample: float in [0, 1], threshold of the subsampling of frequent words; 0 keeps all words.
        negative: int, noise words per pair (not used by ``sampled_softmax`` on blocks of text, where 64 are shared);
            with ``hs=1`` it may be 0, for no noise words.
        ns_exponent: float, exponent of the counts in the unigram noise.
        alpha: float or None, initial learning rate, per training pair; None: 0.025 for skip-gram and 0.05 for CBOW, as
            in word2vec.c (gensim: 0.025 for both).
        min_alpha: float, final learning rate; the decay is linear.
        epochs: int, passes over the corpus.
        shrink_windows: bool, whether the radius of each window is drawn from 1..window, or is always `window`.
        max_final_vocab: int or None, keep at most that many of the most frequent words.
        phrases: None, a :class:`kerazoo.text.Phrases` or ``FrozenPhrases``, or a list of them, one after another;
            joined in every corpus before `min_count` is applied. Files hold them frozen.
        sg: 1 for skip-gram, 0 for CBOW (which predicts the centre from the mean of its contexts).
        hs: 1 trains by hierarchical softmax over a Huffman tree, in addition to the noise words unless ``negative=0``.
        cbow_mean: 1 for the mean of the contexts in CBOW, 0 for their sum.
        loss: ``"nce"``, ``"negative_sampling"`` or ``"sampled_softmax"``; formulas in
            :mod:`kerazoo.word2vec.keras.losses`.
        learn_biases: bool, whether ``loss="nce"`` learns a bias for each output word. By default the biases are fixed
            at ``log q(o) + log(K) / 2``, so that every logit is ``W[x].C[o] - log(K) / 2``, half way between NCE and
            negative sampling: better at similarity (SimLex-999), a little worse at relatedness (WordSim-353); see
            docs/native-engine.md. ``sampled_softmax`` always learns biases.
        noise: ``"unigram"`` (counts to the power of `ns_exponent`), ``"log_uniform"`` (Zipf) or ``"uniform"``.
        engine: ``"native"`` (in C on the CPU, without Keras), ``"keras"`` (any Keras
            backend and device; skip-gram without hs) or ``"auto"``: native, unless an accelerator is visible or only
            Keras has what the other parameters require.
        engine_options: dict or None, parameters of one engine only. Those of the Keras engine are:

            - ``block_size``: int, tokens per step, a multiple of 16, for blocks of text in which neighbouring windows
              share noise words. By default from 256 to 4096 by the size of the corpus (8192 on a device).
            - ``batch_size``: int, train on batches of that many single pairs, with `negative` noise words each,
              instead of blocks: many times slower, for comparisons.
            - ``on_device``: True keeps the text and the tables on the device, draws there, and trains many blocks per
              call (JAX or torch, blocks of text; 48 bytes of the device's memory per word of the corpus); False makes
              the batches on the host. By default it is True where an accelerator is visible and the corpus fits.
        workers: int or None, threads that scan the corpus, and that train with the native engine; None: the cores that
            this process may use. (Keras sets its number of threads itself.)
        seed: int or None. The same seed, corpus, machine and backend repeat the same vectors: with the native engine
            to the bit with one worker, and not with more (they train on the same tables without locks).
        verbose: 0 silent, 1 progress bar, 2 one line per epoch.
        callbacks: one or several Keras callbacks; they see ``loss``, the mean loss per pair. A resumed training starts
            them from scratch; only ``EarlyStopping`` receives the losses of the completed epochs.
        checkpoint_dir: path or None; a folder for checkpoints, made if needed. A training that was killed continues
            from its last checkpoint when the same script runs again, with the same result as if it had not been killed:
            to the bit, on the same machine and backend. Call number k of `fit` and `partial_fit` has the file
            ``fit-k.kerazoo``, which `load` reads too; if it is complete, the same call returns its result without
            training. Without a `seed`, the drawn one is kept in the file.
        checkpoint_minutes: float >= 0, minimum time between two checkpoints. Writing one takes about as long as writing
            the tables to disk.
        pooling: ``"mean"``, ``"idf"`` or ``"sif"``, how `transform` makes the vector of a document from those of its
            words.

    Attributes:
        wv: gensim ``KeyedVectors`` with counts: ``most_similar``, ``evaluate_word_pairs``, ``save`` etc.
        vocabulary_: :class:`kerazoo.text.Vocabulary`, V words.
        vectors_: float32 (V, D), row i for ``vocabulary_.words[i]``.
        output_vectors_: float32 (V, D), the table C of the losses; None with ``negative=0``.
        output_biases_: float32 (V,), or None for a loss that does not learn biases.
        node_vectors_: float32 (V - 1, D), the inner nodes of hierarchical softmax; None without it.
        tree_: the :class:`kerazoo.word2vec.hierarchy.HuffmanTree` of these nodes, or None.
        history_: dict of lists with one value per epoch: ``loss`` (mean over pairs), ``seconds``, ``words_per_second``
            (raw words, as read from the text; the first epoch includes compilation).
        model_: the Keras model :class:`kerazoo.word2vec.SkipGram` with these tables (skip-gram with noise words only).
        seed_: the seed of the training, drawn if `seed` is None.
        n_fits_: number of calls of `fit` and `partial_fit`.

    >>> from kerazoo import Word2Vec, datasets
    >>> model = Word2Vec(vector_size=20, epochs=2, seed=1, verbose=0).fit(datasets.lee())
    >>> model.wv["australia"].shape
    (20,)
    >>> model.history_["loss"][1] < model.history_["loss"][0]
    True
    """

    vocabulary_: Vocabulary
    vectors_: NDArray[np.float32]
    output_vectors_: NDArray[np.float32] | None
    output_biases_: NDArray[np.float32] | None
    node_vectors_: NDArray[np.float32] | None
    tree_: HuffmanTree | None
    history_: dict[str, list[float]]
    seed_: int
    n_fits_: int
    # Made from the results on first use.
    _wv: Any = None
    _model: Any = None

    _kind = model_file.KIND

    block_size = moved_attribute("block_size")
    batch_size = moved_attribute("batch_size")
    on_device = moved_attribute("on_device")

    @moved_arguments
    def __init__(
        self,
        vector_size: int = 100,
        *,
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
        phrases: Any = None,
        sg: int = 1,
        hs: int = 0,
        cbow_mean: int = 1,
        loss: str = "nce",
        learn_biases: bool = False,
        noise: str = "unigram",
        engine: str = "auto",
        engine_options: Mapping[str, Any] | None = None,
        workers: int | None = None,
        seed: int | None = None,
        verbose: int = 1,
        callbacks: Any = (),
        checkpoint_dir: str | os.PathLike[str] | None = None,
        checkpoint_minutes: float = DEFAULT_MINUTES,
        pooling: str = "mean",
    ) -> None:
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
        self.phrases = phrases
        self.sg = sg
        self.hs = hs
        self.cbow_mean = cbow_mean
        self.loss = loss
        self.learn_biases = learn_biases
        self.noise = noise
        self.engine = engine
        self.engine_options = engine_options
        self.workers = workers
        self.seed = seed
        self.verbose = verbose
        self.callbacks = callbacks
        self.checkpoint_dir = checkpoint_dir
        self.checkpoint_minutes = checkpoint_minutes
        self.pooling = pooling

    def set_params(self, **params: Any) -> Word2Vec:
        """Change parameters, as in scikit-learn."""
        check_given_once(params)
        return super().set_params(**with_moved(params, params.get("engine_options", self.engine_options)))

    def __setstate__(self, state: dict[str, Any]) -> None:
        # Up to version 0.1, nce always learned biases.
        earlier = {"pooling": "mean", "phrases": None, "learn_biases": state.get("loss") == "nce"}
        super().__setstate__({**earlier, **state_with_moved(state)})

    def fit(self, corpus: Any, y: None = None, *, errors: str = "strict", cluster: Any = None) -> Word2Vec:
        """Learn the vocabulary and the vectors.

        Args:
            corpus: documents as lists of tokens or as strings, which are split at white space (a list or any
                iterable, also a generator), a path or several
                paths to text (plain, .gz, .bz2, .xz, .zst; one document per line), a directory, or an
                :class:`kerazoo.EncodedCorpus`, which has its own vocabulary (min_count and max_final_vocab are then
                not used, except with `phrases`).
            y: ignored; for scikit-learn.
            errors: ``"strict"``, ``"replace"`` or ``"ignore"``, for bytes of files that are not UTF-8.
            cluster: train with several workers, with the native engine: ``"auto"``, ``"local"``, the address of a Ray
                cluster, or a :class:`kerazoo.distributed.ClusterOptions`. Files of text are then read on all nodes; the
                corpus may also be a ``ray.data.Dataset`` with a column of texts.

        Returns:
            The estimator itself. After Ctrl-C the exception is raised, and the estimator holds the vectors learned
            until then.

        Raises:
            InvalidArgumentError: a parameter has a value that is not allowed.
            CorpusError: the corpus cannot be read, or has no pair of words.
            VocabularyError: fewer than two words are left.
            TrainingError: the training diverges; the estimator then holds the last good vectors.
            ClusterError: the cluster does not answer, or has lost workers too often.
        """
        settings = self._checked_settings()
        with self._place(cluster, settings) as place:
            encoded = self._encoded_first(corpus, settings, errors, place)
            return self._train(encoded, settings, place=place)

    def partial_fit(self, corpus: Any, y: None = None, *, errors: str = "strict", cluster: Any = None) -> Word2Vec:
        """Continue training with another corpus, `epochs` passes from `alpha` to `min_alpha`; the first call is `fit`.

        Words that the new corpus has at least `min_count` times are added to the vocabulary, up to `max_final_vocab`
        words in total; known words keep their vectors, and their counts (which determine subsampling and noise) are
        summed. Since ids go by decreasing count, the order of the rows may change: look up vectors by word.

        Args:
            corpus: as in `fit`.
            y: ignored; for scikit-learn.
            errors: as in `fit`.
            cluster: as in `fit`.

        Returns:
            The estimator itself; `history_` is continued.

        Raises:
            InvalidArgumentError: `vector_size`, `loss`, `hs`, or whether there are noise words, was changed since
                `fit`. Other errors as in `fit`.

        >>> model = Word2Vec(vector_size=8, epochs=2, min_count=1, sample=0, seed=1, verbose=0)
        >>> model.fit([["red", "apple"]] * 9).partial_fit([["green", "apple"]] * 9).vocabulary_.words
        ['apple', 'green', 'red']
        """
        del y
        if not hasattr(self, "vectors_"):
            return self.fit(corpus, errors=errors, cluster=cluster)
        self._check_fitted()
        settings, tables = self._checked_settings(self.n_fits_), self._tables()
        check_same_model(settings, tables)
        with self._place(cluster, settings) as place:
            encoded = self._encoded_further(corpus, settings, errors, place)
            noise = (settings.noise, settings.ns_exponent)
            tables = vocabulary_update.extend_tables(
                tables, self.vocabulary_, encoded.vocabulary, noise, settings.seeds[0]
            )
            return self._train(encoded, settings, tables, place)

    def _place(self, cluster: Any, settings: TrainingSettings) -> contextlib.AbstractContextManager[Any]:
        """Who reads and trains: None is this process."""
        if cluster is None:
            return contextlib.nullcontext()
        from kerazoo.word2vec.cluster.fitting import cluster_engine

        return cluster_engine(cluster, settings, self.engine, self.checkpoint_dir)

    def _encoded_first(self, corpus: Any, settings: TrainingSettings, errors: str, place: Any) -> EncodedCorpus:
        """The corpus of `fit`."""
        limits, reading = (self.min_count, self.max_final_vocab), self._reading(settings, errors, place)
        if place is not None:
            corpus = place.text(corpus, settings.number, None if self.phrases else limits, errors, reading["exclude"])
        return chain.encoded(training_documents(corpus), self.phrases, *limits, **reading)

    def _encoded_further(
        self, corpus: Any, settings: TrainingSettings, errors: str, place: Any = None
    ) -> EncodedCorpus:
        """Another corpus, with the words so far and new ones."""
        reading = self._reading(settings, errors, place)
        if place is not None:
            corpus = place.text(corpus, settings.number, None, errors, reading["exclude"])
        joined = chain.joined(training_documents(corpus), self.phrases, **reading)
        limits = (self.min_count, self.max_final_vocab)
        return vocabulary_update.encode_with_update(self.vocabulary_, joined, *limits, **reading)

    def _reading(self, settings: TrainingSettings, errors: str, place: Any) -> dict[str, Any]:
        """How files are read; checkpoints that lie in a folder of the corpus are not part of it."""
        exclude = [self.checkpoint_dir] if self.checkpoint_dir else []
        exclude += [] if place is None else place.exclude
        return {"workers": settings.workers, "errors": errors, "exclude": exclude}

    def _checked_settings(self, number: int = 0) -> TrainingSettings:
        """The settings of call `number` of `fit` and `partial_fit`, or :class:`InvalidArgumentError`."""
        return checked_settings(self.get_params(deep=False), number, self.seed_ if number else None)

    def _train(
        self, encoded: EncodedCorpus, settings: TrainingSettings, tables: Tables | None = None, place: Any = None
    ) -> Word2Vec:
        """Train from `tables`, or from the checkpoint of this call, and keep the results."""
        check_corpus(encoded, self.min_count)
        engine = choose_engine(self.engine, settings) if place is None else place.name
        before, earlier = (self.vocabulary_, self.history_) if settings.number else (None, empty_history())
        state, checkpoint, complete = TrainingState(tables), None, False
        if self.checkpoint_dir is not None:
            checkpoint = TrainingCheckpoint(
                self.checkpoint_dir,
                settings.number,
                identity=training_identity(encoded, settings, engine, tables),
                minutes=self.checkpoint_minutes,
                parameters=model_file.storable(self.get_params(deep=False)),
                vocabulary=encoded.vocabulary,
                history=earlier,
                seed=settings.seed,
                chosen_seed=self.seed,
                kind=self._kind,
            )
            found = checkpoint.read()
            if found is not None:
                state, complete = found.state, found.complete
                settings = dataclasses.replace(settings, seed=found.seed)
        if complete:
            assert state.tables is not None
            result = TrainingResult(state.tables, state.history)
        else:
            with present_vectors(self, encoded.vocabulary, settings, earlier) as shown:
                result = (place or _engine(engine)).train(encoded, shown, state, checkpoint)
        self.seed_, self.n_fits_ = settings.seed, settings.number + 1
        self.vocabulary_ = encoded.vocabulary
        self._set_tables(result.tables, result.model)
        self._learn_pooling(encoded, before)
        self.history_ = {name: earlier.get(name, []) + values for name, values in result.history.items()}
        if result.interrupted:
            raise KeyboardInterrupt
        if result.error is not None:
            raise result.error
        return self

    def _tables(self) -> Tables:
        return Tables(self.vectors_, self.output_vectors_, self.output_biases_, self.node_vectors_, self.tree_)

    def _set_tables(self, tables: Tables, model: Any = None) -> None:
        self.vectors_, self.output_vectors_ = tables.input_vectors, tables.output_vectors
        self.output_biases_ = tables.output_biases
        self.node_vectors_, self.tree_ = tables.node_vectors, tables.tree
        self._model, self._wv = model, None

    @property
    def wv(self) -> KeyedVectors:
        """The vectors as gensim ``KeyedVectors``, made on first use; it shares their memory."""
        self._check_fitted()
        if self._wv is None:
            self._wv = keyed_vectors(self.vocabulary_, self.vectors_)
        return self._wv

    @property
    def model_(self) -> Any:
        """The Keras model :class:`kerazoo.word2vec.SkipGram` with these tables, made on first use."""
        self._check_fitted()
        if self._model is None:
            if not self.sg or self.output_vectors_ is None or self.node_vectors_ is not None:
                raise InvalidArgumentError(
                    f"model_ is the Keras model of skip-gram with noise words; this Word2Vec has sg={self.sg}, "
                    f"hs={self.hs}, negative={self.negative}. vectors_ fits into any keras.layers.Embedding."
                )
            prefer_fast_kernels()
            from kerazoo.word2vec.keras.tables import skip_gram_of

            noise = NoiseDistribution(self.noise, self.vocabulary_.counts, self.ns_exponent)
            self._model = skip_gram_of(
                self._tables(), loss=self.loss, noise_probabilities=noise.probabilities, negative=self.negative
            )
        return self._model

    def predict_output_word(self, context_words: Sequence[str], topn: int = 10) -> list[tuple[str, float]]:
        """The most probable centre words of a context, with their probabilities.

        As in gensim, the vectors of the context words are averaged (for a CBOW of sums, summed), and the softmax is
        over the whole vocabulary; the logits are ``mean(W[context]).C[o] + b[o]``, with ``b[o] = log q(o)`` where
        ``nce`` does not learn biases, and without b for negative sampling, as in gensim. Without output vectors
        (``negative=0``) the probabilities are those of the tree.

        Args:
            context_words: words; those that are not in the vocabulary are ignored.
            topn: int >= 1, number of words to return.

        Raises:
            VocabularyError: none of the words is in the vocabulary.
        """
        self._check_fitted()
        tables = dataclasses.replace(self._tables(), input_vectors=self.vectors_)
        if self.loss == "nce" and tables.output_vectors is not None and tables.output_biases is None:
            noise = NoiseDistribution(self.noise, self.vocabulary_.counts, self.ns_exponent)
            tables = dataclasses.replace(tables, output_biases=noise.log_probabilities)
        mean = bool(self.sg or self.cbow_mean)
        return output_words.most_probable(self.vocabulary_, tables, context_words, topn, mean=mean)

    def to_contents(self) -> Contents:
        """The fitted model as values, as the functions of `kerazoo.word2vec.io` take them; nothing is copied.

        Raises:
            NotFittedError: before `fit`.
        """
        self._check_fitted()
        parameters = model_file.storable(self.get_params(deep=False))
        parameters["vector_size"] = self.vectors_.shape[1]  # that of the vectors, also after set_params
        values = (self.vocabulary_, self._tables(), self.history_, self.seed_, self.n_fits_)
        pooling = self.pooling_statistics_ and self.pooling_statistics_.padded(len(self.vocabulary_))
        return Contents(parameters, *values, pooling=pooling)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything except callbacks and `checkpoint_dir` to one file, atomically and without pickle.

        Raises:
            NotFittedError: before `fit`.
            StorageError: the file cannot be written (no folder, no permission, disk full); an old file is kept.
        """
        model_file.write(path, self.to_contents(), self._kind)

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, mmap: bool = True) -> Word2Vec:
        """Read a file written by `save`, or a checkpoint.

        Args:
            path: the file.
            mmap: True leaves the tables on disk, read-only, until they are used; False reads everything and verifies
                the checksums.

        Raises:
            StorageError: the file is missing, damaged, truncated, or of another kind.
        """
        contents = model_file.read(path, mmap, known=cls._get_param_names(), kind=cls._kind)
        made = cls(**contents.parameters)._restored(
            contents.vocabulary, contents.tables, contents.history, contents.seed, contents.n_fits
        )
        made.pooling_statistics_ = contents.pooling
        return made

    def _restored(
        self, vocabulary: Vocabulary, tables: Tables, history: dict[str, list[float]], seed: int, n_fits: int
    ) -> Word2Vec:
        self.vocabulary_, self.history_ = vocabulary, history
        self.seed_, self.n_fits_ = seed, n_fits
        self._set_tables(tables)
        return self

    def _check_fitted(self) -> None:
        if not hasattr(self, "vectors_"):
            raise NotFittedError(f"this {type(self).__name__} has no vectors yet. Call fit(corpus) first.")
        if self._wv is not None and edited_vectors.is_edited(self._wv, self.vectors_):
            self._keep_edits()

    def _keep_edits(self) -> None:
        """Take over what the user changed in `wv`."""
        wv, noise = self._wv, (self.noise, self.ns_exponent)
        self.vocabulary_, tables = edited_vectors.with_edits(wv, self.vocabulary_, self._tables(), noise)
        self._set_tables(tables)
        self._wv = wv


def _engine(name: str) -> Any:
    prefer_fast_kernels()
    return importlib.import_module(f"kerazoo.word2vec.engines.{name}")
