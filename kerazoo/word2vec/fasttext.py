"""`FastText`: word vectors with subwords, a scikit-learn estimator with gensim's parameter names."""

from __future__ import annotations

import dataclasses
import os
import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from kerazoo._runtime.checkpoints import DEFAULT_MINUTES
from kerazoo.errors import InvalidArgumentError, VocabularyError
from kerazoo.text import Vocabulary
from kerazoo.word2vec import edited_vectors, vocabulary_update
from kerazoo.word2vec.estimator import Word2Vec
from kerazoo.word2vec.io import fasttext_bin, gensim_fasttext, model_file
from kerazoo.word2vec.io.model_file import Contents
from kerazoo.word2vec.options import check_same_model
from kerazoo.word2vec.results import Tables, empty_history
from kerazoo.word2vec.subword_options import FastTextSettings, check_same_ngrams, checked_fasttext_settings
from kerazoo.word2vec.subwords import BucketRows, NgramSettings, check_buckets, composed_vectors, unknown_vectors

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["FastText"]


class FastText(Word2Vec):
    """Word vectors with subwords (Bojanowski et al. 2017, "Enriching Word Vectors with Subword Information").

    The vector of a word is the mean of its own row and of the rows of its character n-grams, so words that share parts
    share what they learn, and words that were never seen have vectors too. Trained by the native engine in C, on all
    cores of the CPU. Parameters have gensim's names; those that are not listed here are those of
    :class:`kerazoo.Word2Vec`, which has more: there is no `hs`, `engine` and `engine_options`.

    Args:
        min_n: int, smallest number of characters of an n-gram. ``<`` and ``>`` around the word count.
        max_n: int, largest number of characters; smaller than `min_n` or 0: no n-grams.
        bucket: int, number of buckets that n-grams are hashed to; 0: no n-grams. Only those that some word of the
            vocabulary has take memory.
        loss: ``"negative_sampling"``, as in fastText, or ``"nce"``; fastText's files do not have learned biases.
        vector_size, window, min_count, sample, negative, ns_exponent, alpha, min_alpha, epochs, shrink_windows: as in
            :class:`kerazoo.Word2Vec`.
        max_final_vocab, sg, cbow_mean, learn_biases, noise, workers, seed, verbose: the same.
        callbacks, checkpoint_dir, checkpoint_minutes, phrases, pooling: the same. Callbacks see the vectors of the
            words; they cannot replace them.

    Attributes:
        vectors_: float32 (V, D), the vectors of the words of the vocabulary, row i for ``vocabulary_.words[i]``.
        vectors_vocab_: float32 (V, D), the words' own rows.
        vectors_ngrams_: float32 (U, D), the rows of n-grams, or None without n-grams.
        ngram_buckets_: int32 (U,), the buckets of these rows, or None. The others were not trained and count as zeros.
        ngrams_: `min_n`, `max_n` and `bucket` of the training.
        wv: gensim ``FastTextKeyedVectors``; it has all `bucket` rows, 4 * bucket * D bytes.
        vocabulary_, output_vectors_, output_biases_, history_, seed_, n_fits_: as in :class:`kerazoo.Word2Vec`.

    >>> from kerazoo import FastText, datasets
    >>> model = FastText(vector_size=20, epochs=2, seed=1, verbose=0).fit(datasets.lee())
    >>> "australianness" in model.vocabulary_, model.get_vector("australianness").shape
    (False, (20,))
    """

    vectors_vocab_: NDArray[np.float32]
    vectors_ngrams_: NDArray[np.float32] | None
    ngram_buckets_: NDArray[np.int32] | None
    ngrams_: NgramSettings

    _kind = model_file.FASTTEXT_KIND
    _warned_of: Any = None  # changed vectors of `wv`
    # What Word2Vec reads from its parameters.
    engine, engine_options, hs = "native", None, 0

    def __init__(
        self,
        vector_size: int = 100,
        *,
        min_n: int = 3,
        max_n: int = 6,
        bucket: int = 2_000_000,
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
        cbow_mean: int = 1,
        loss: str = "negative_sampling",
        learn_biases: bool = False,
        noise: str = "unigram",
        workers: int | None = None,
        seed: int | None = None,
        verbose: int = 1,
        callbacks: Any = (),
        checkpoint_dir: str | os.PathLike[str] | None = None,
        checkpoint_minutes: float = DEFAULT_MINUTES,
        phrases: Any = None,
        pooling: str = "mean",
    ) -> None:
        self._rows: BucketRows | None = None

        self.vector_size = vector_size
        self.min_n = min_n
        self.max_n = max_n
        self.bucket = bucket
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
        self.cbow_mean = cbow_mean
        self.loss = loss
        self.learn_biases = learn_biases
        self.noise = noise
        self.workers = workers
        self.seed = seed
        self.verbose = verbose
        self.callbacks = callbacks
        self.checkpoint_dir = checkpoint_dir
        self.checkpoint_minutes = checkpoint_minutes
        self.phrases = phrases
        self.pooling = pooling

    def partial_fit(self, corpus: Any, y: None = None, *, errors: str = "strict", cluster: Any = None) -> FastText:
        """Continue training with another corpus, `epochs` passes from `alpha` to `min_alpha`; the first call is `fit`.

        New words and their n-grams are added as in :meth:`kerazoo.Word2Vec.partial_fit`; n-grams that are known keep
        their rows, so a new word starts from what its parts have learned.

        Args:
            corpus: as in `fit`.
            y: ignored; for scikit-learn.
            errors: as in `fit`.
            cluster: None; vectors with subwords train on one machine.

        Raises:
            InvalidArgumentError: `vector_size`, `loss`, `min_n`, `max_n` or `bucket` was changed since `fit`. Other
                errors as in `fit`.
        """
        del y
        if not hasattr(self, "vectors_vocab_"):
            self.fit(corpus, errors=errors, cluster=cluster)
            return self
        self._check_fitted()
        settings, before = self._checked_settings(self.n_fits_), self._tables()
        with self._place(cluster, settings):  # refuses a cluster
            pass
        check_same_model(settings, before)
        check_same_ngrams(settings, self.ngrams_)
        encoded = self._encoded_further(corpus, settings, errors)
        tables = vocabulary_update.extend_tables(
            before, self.vocabulary_, encoded.vocabulary, (settings.noise, settings.ns_exponent), settings.seeds[0]
        )
        tables = vocabulary_update.extend_ngrams(tables, before, encoded.vocabulary, self.ngrams_, settings.seeds[0])
        self._train(encoded, settings, tables)
        return self

    def get_vector(self, word: str, norm: bool = False) -> NDArray[np.float32]:
        """The vector of any word, float32 (D,): of an unknown one, the mean of the rows of its n-grams.

        Args:
            word: known or not. A word without any n-gram, such as one that is too short, gets zeros, as in fastText.
            norm: whether to scale the vector to length 1, unless it is zero.

        Raises:
            VocabularyError: the word is unknown, and the model has no n-grams.

        >>> model = FastText(vector_size=8, min_count=1, sample=0, epochs=1, seed=1, verbose=0)
        >>> model.fit([["walk", "walked"], ["talk", "talked"]] * 9).get_vector("walking").shape
        (8,)
        """
        if not isinstance(word, str):
            raise InvalidArgumentError(f"word={word!r}; expected a str. get_vectors takes several words.")
        vector = self.get_vectors([word])[0]
        length = float(np.linalg.norm(vector)) if norm else 0.0
        return vector / np.float32(length) if length > 0 else vector

    def get_vectors(self, words: Iterable[str]) -> NDArray[np.float32]:
        """The vectors of words, known or not, float32 (n, D); see `get_vector`."""
        self._check_fitted()
        if isinstance(words, str | bytes) or not isinstance(words, Iterable):
            raise InvalidArgumentError(f"words={words!r}; expected several words. get_vector takes one.")
        listed = list(words)
        for word in listed:
            if not isinstance(word, str):
                raise InvalidArgumentError(f"words contains {word!r}, of type {type(word).__name__}; expected a str.")
        known = np.array([self.vocabulary_.ids.get(word, -1) for word in listed], np.int64)
        unknown = np.flatnonzero(known < 0)
        vectors = np.empty((len(listed), self.vectors_.shape[1]), np.float32)
        vectors[known >= 0] = self.vectors_[known[known >= 0]]
        if not len(unknown):
            return vectors
        if self.vectors_ngrams_ is None or self.ngram_buckets_ is None:
            raise VocabularyError(
                f"{listed[unknown[0]]!r} is not in the vocabulary of {len(self.vocabulary_):,} words, and there are no "
                "n-grams (bucket=0 or max_n < min_n), of which vectors of unknown words are made."
            )
        if self._rows is None:
            self._rows = BucketRows(self.ngram_buckets_, self.ngrams_.bucket)
        vectors[unknown] = unknown_vectors(self.vectors_ngrams_, [listed[i] for i in unknown], self.ngrams_, self._rows)
        return vectors

    def _rows_and_vectors(self, words: list[str]) -> tuple[list[int], NDArray[np.float32]]:
        ids = self.vocabulary_.ids
        return [ids[word] for word in words if word in ids], self.get_vectors(words)

    @property
    def wv(self) -> Any:
        """The vectors as gensim ``FastTextKeyedVectors``, made on first use, with 4 * bucket * D bytes for n-grams."""
        self._check_fitted()
        if self._wv is None:
            self._wv = gensim_fasttext.fasttext_keyed_vectors(
                self.vocabulary_, self.vectors_, self._tables(), self.ngrams_
            )
        return self._wv

    @property
    def model_(self) -> Any:
        """No Keras model has subwords: raises :class:`InvalidArgumentError`."""
        raise InvalidArgumentError("FastText has no Keras model. vectors_ fits into any keras.layers.Embedding.")

    @classmethod
    def from_keras(cls, model: Any, vocabulary: Vocabulary, **parameters: Any) -> FastText:
        """No Keras model has subwords: raises :class:`InvalidArgumentError`."""
        del model, vocabulary, parameters
        raise InvalidArgumentError("FastText cannot be made from a Keras model. Word2Vec.from_keras can.")

    @classmethod
    def from_gensim(cls, source: Any, **parameters: Any) -> FastText:
        """Import a gensim ``FastText``, to train it further with `partial_fit`.

        Args:
            source: a gensim ``FastText``, or the path of a file written by its ``save`` (a pickle: only load it from
                sources that you trust).
            **parameters: constructor arguments that differ from those of the gensim model.

        Raises:
            InvalidArgumentError: another kind of model, one without words, with hierarchical softmax, or parameters
                that it cannot have.
            StorageError: the file is missing, damaged or of another kind.

        >>> from gensim.models import FastText as GensimFastText
        >>> documents = [["walk", "walked"], ["talk", "talked"]] * 9
        >>> theirs = GensimFastText(documents, vector_size=8, min_count=1, sample=0, sg=1, bucket=1000)
        >>> ours = FastText.from_gensim(theirs, verbose=0).partial_fit([["walk", "talk"]] * 9)
        >>> ours.sg, ours.vectors_.shape
        (1, (4, 8))
        """
        return cls._of_values(*gensim_fasttext.import_fasttext(source), parameters)

    def to_gensim(self) -> Any:
        """A gensim ``FastText`` with copies of these vectors and all `bucket` rows, which gensim can train further.

        gensim has no biases: those of ``loss="nce"`` are not exported, with a warning.
        """
        contents = self.to_contents()
        parameters = {**contents.parameters, "alpha": self._checked_settings().alpha}
        return gensim_fasttext.export_fasttext(contents._replace(parameters=parameters), self.vectors_, self.ngrams_)

    @classmethod
    def load_facebook_model(cls, path: str | os.PathLike[str], **parameters: Any) -> FastText:
        """Read a ``.bin`` file of fastText (skip-gram or CBOW with negative sampling), to train it further.

        Args:
            path: the file, as fastText and gensim's ``save_facebook_model`` write it.
            **parameters: constructor arguments that differ from those in the file, which has no alpha, noise and seed.

        Raises:
            StorageError: the file is missing, damaged, compressed by quantisation, or of a classifier.
            InvalidArgumentError: a parameter that it cannot have.
        """
        return cls._of_values(*fasttext_bin.read(path), parameters)

    def save_facebook_model(self, path: str | os.PathLike[str]) -> None:
        """Write a ``.bin`` file of fastText atomically: 4 * D * (2 * V + bucket) bytes and the words.

        Buckets without a row are zeros there. Biases of ``loss="nce"`` are not written, with a warning.

        Raises:
            NotFittedError: before `fit`.
            StorageError: the file cannot be written; an old file is kept.
        """
        fasttext_bin.write(path, self.to_contents(), self.ngrams_)

    def to_contents(self) -> Contents:
        """The fitted model as values, see :meth:`kerazoo.Word2Vec.to_contents`, with the n-grams of the training."""
        contents = super().to_contents()
        fitted = dataclasses.asdict(self.ngrams_)
        return contents._replace(parameters={**contents.parameters, **fitted})

    @classmethod
    def _of_values(
        cls, found: dict[str, Any], vocabulary: Vocabulary, tables: Tables, parameters: dict[str, Any]
    ) -> FastText:
        """A fitted estimator with these parameters, changed by `parameters`, and these tables."""
        model = cls(**{**found, **parameters})
        settings = model._checked_settings()
        tables = vocabulary_update.with_biases(tables, vocabulary.counts, settings)
        check_same_model(settings, tables)
        fitted = cls(**found)._checked_settings().ngrams
        check_same_ngrams(settings, fitted)
        model._restored(vocabulary, tables, empty_history(), settings.seed, 1)
        return model

    def _checked_settings(self, number: int = 0) -> FastTextSettings:
        return checked_fasttext_settings(self.get_params(deep=False), number, self.seed_ if number else None)

    def _tables(self) -> Tables:
        return Tables(
            self.vectors_vocab_, self.output_vectors_, self.output_biases_, self.node_vectors_, self.tree_,
            self.vectors_ngrams_, self.ngram_buckets_,
        )  # fmt: skip

    def _set_tables(self, tables: Tables, model: Any = None) -> None:
        ngrams = NgramSettings(self.min_n, self.max_n, self.bucket)
        check_buckets(tables, self.vocabulary_.words, ngrams)
        vectors = composed_vectors(tables, self.vocabulary_.words, ngrams)
        super()._set_tables(dataclasses.replace(tables, input_vectors=vectors), model)
        self.vectors_vocab_, self.vectors_ngrams_ = tables.input_vectors, tables.ngram_vectors
        self.ngram_buckets_, self.ngrams_, self._rows = tables.ngram_buckets, ngrams, None
        self._warned_of = None

    def _check_fitted(self) -> None:
        if not hasattr(self, "vectors_vocab_"):
            super()._check_fitted()
        wv = self._wv
        if wv is None or not edited_vectors.is_edited(wv, self.vectors_) or wv.vectors is self._warned_of:
            return
        if not np.array_equal(wv.vectors, self.vectors_):  # a copy of the model has equal ones
            warnings.warn(
                "wv was changed, which FastText does not keep: its vectors are made of rows of n-grams. Train with the "
                "new words, or use the changed wv by itself.",
                UserWarning,
                stacklevel=3,
            )
        self._warned_of = wv.vectors
