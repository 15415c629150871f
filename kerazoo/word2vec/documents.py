"""`DocumentVectors`: the part of `Word2Vec` that is a transformer of scikit-learn, from documents to their vectors."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from kerazoo._runtime.devices import usable_cores
from kerazoo._runtime.estimator import Transformer
from kerazoo._validation import check_choice, check_workers
from kerazoo.errors import NotFittedError
from kerazoo.text import EncodedCorpus, Vocabulary
from kerazoo.text.documents import as_documents, encode_documents
from kerazoo.text.phrases.chain import joined_documents
from kerazoo.word2vec.pooling import (
    POOLINGS,
    PoolingStatistics,
    pool,
    statistics_of,
    without_component,
    word_weights,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["DocumentVectors"]


class DocumentVectors(Transformer):
    """Document vectors from word vectors; a subclass has `vocabulary_`, `vectors_`, `pooling` and `phrases`.

    Attributes:
        pooling_statistics_: :class:`kerazoo.word2vec.pooling.PoolingStatistics`, or None if nothing needed them yet.
    """

    pooling: str
    phrases: Any
    seed: int | None
    workers: int | None
    checkpoint_dir: str | os.PathLike[str] | None
    vocabulary_: Vocabulary
    vectors_: NDArray[np.float32]
    pooling_statistics_: PoolingStatistics | None = None

    def transform(self, documents: Any, *, errors: str = "strict") -> NDArray[np.float32]:
        """Vectors of documents, from those of their words by `pooling`.

        ========== =====================================================================================================
        ``"mean"`` the mean of the vectors
        ``"idf"``  their mean, weighted by inverse document frequency, ``ln((1 + N) / (1 + df)) + 1`` as in scikit-learn
        ``"sif"``  smooth inverse frequency (Arora, Liang & Ma 2017, ICLR): the mean of ``a / (a + p) v``, a = 0.001, p
                   the word's share of the training text, minus its projection on the common component, the first
                   singular vector of these means over the documents of the training
        ========== =====================================================================================================

        Phrases of the parameter `phrases` are joined. Unknown words are left out. A document that is empty, or without
        known words, has the vector zero.

        Args:
            documents: strings, which are split at white space as by `str.split`, or lists of tokens: a list, an
                array or a Series of them. Also what `fit` takes: paths (a str is one), an `EncodedCorpus`.
            errors: ``"strict"``, ``"replace"`` or ``"ignore"``, for bytes of files that are not UTF-8.

        Returns:
            float32 (n_documents, vector_size).

        Raises:
            NotFittedError: before `fit`, or without the statistics of documents that `pooling` needs.
            CorpusError: a document or a token has another type, or a file cannot be read.
            InvalidArgumentError: `pooling` has another value.

        >>> from kerazoo import Word2Vec
        >>> texts = ["red apple", "green apple", "red pear"] * 5
        >>> model = Word2Vec(vector_size=4, min_count=1, sample=0, seed=1, verbose=0).fit(texts)
        >>> model.transform(["a red pear", "unknown", ""]).round(3)[1:].tolist()
        [[0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]
        >>> bool((model.transform([["red", "pear"]])[0] == model.vectors_[[1, 3]].mean(axis=0)).all())
        True
        """
        self._check_fitted()
        check_choice("pooling", self.pooling, POOLINGS)
        statistics = self.pooling_statistics_
        if self.pooling != "mean" and statistics is None:
            raise NotFittedError(
                f"pooling={self.pooling!r} needs statistics of documents, which this model has not: it was trained "
                "with pooling='mean', or imported, or its training has not ended (a callback, a checkpoint). "
                "Call fit_pooling(documents), or fit(corpus)."
            )
        if statistics is not None:
            statistics = statistics.padded(len(self.vocabulary_))
        ids, offsets = self._encoded(documents, errors)
        weights = None if self.pooling == "mean" else word_weights(self.pooling, self.vocabulary_, statistics)
        found = pool(ids, offsets, self.vectors_, weights, normalize=self.pooling == "idf")
        if self.pooling == "sif" and statistics is not None:
            found = without_component(found, statistics.component)
        return found

    def fit_transform(self, documents: Any, y: Any = None, *, errors: str = "strict") -> NDArray[np.float32]:
        """`fit` and then `transform` with the same documents, also if they can be read only once."""
        if isinstance(documents, Iterator):
            documents = list(documents)
        return self.fit(documents, y, errors=errors).transform(documents, errors=errors)

    def fit_pooling(self, documents: Any, y: Any = None, *, errors: str = "strict") -> Any:
        """Learn the statistics of documents for ``pooling="idf"`` and ``"sif"``; the word vectors stay.

        `fit` and `partial_fit` do it with their corpus if `pooling` needs it. So this is for a model that was trained
        with ``pooling="mean"`` or imported, or for documents of another kind than the training text.

        Args:
            documents: as in `transform`.
            y: ignored.
            errors: as in `transform`.

        Returns:
            The estimator itself.
        """
        del y
        self._check_fitted()
        ids, offsets = self._encoded(documents, errors)
        self.pooling_statistics_ = statistics_of(ids, offsets, self.vectors_, self.vocabulary_)
        return self

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names of the columns of `transform`: ``word2vec0`` and so on, as scikit-learn names them."""
        del input_features
        self._check_fitted()
        prefix = type(self).__name__.lower()
        return np.array([f"{prefix}{column}" for column in range(self.vectors_.shape[1])], object)

    def as_embedding_layer(self, trainable: bool = True, name: str = "embedding") -> Any:
        """A Keras layer with these vectors, which also maps texts to its ids; it needs a Keras backend.

        Id 0 is padding, which the layer masks; the words follow in the order of `vocabulary_`; unknown words have the
        last id, whose vector starts as the mean of all. See :class:`kerazoo.word2vec.WordEmbedding`.

        Args:
            trainable: bool, whether the vectors are trained on.
            name: str.

        Returns:
            A built layer, ids (B, T) -> float (B, T, D); its weights are a copy.
        """
        self._check_fitted()
        if self.phrases:
            warnings.warn(
                "the layer does not join phrases: a text must have its phrases joined before lookup, as by "
                "phrases[text.split()] or `kerazoo phrases --text`. transform joins them.",
                UserWarning,
                stacklevel=2,
            )
        from kerazoo.word2vec.keras.word_embedding import word_embedding

        return word_embedding(self.vectors_, self.vocabulary_, trainable=trainable, name=name)

    def __sklearn_tags__(self) -> Any:
        """Documents are strings, not rows of numbers; threads train on the same tables without locks."""
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array, tags.input_tags.string = False, True
        tags.transformer_tags.preserves_dtype = []  # vectors are float32, whatever holds the strings
        tags.non_deterministic = self.seed is None or self.workers != 1
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "vectors_")

    def _encoded(self, documents: Any, errors: str) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        workers = usable_cores() if self.workers is None else check_workers("workers", self.workers)
        # As `fit` reads a folder: without the checkpoints in it.
        reading: Any = {"errors": errors, "exclude": [self.checkpoint_dir] if self.checkpoint_dir else []}
        documents = joined_documents(as_documents(documents), self.phrases, workers=workers, **reading)
        return encode_documents(documents, self.vocabulary_, **reading)

    def _learn_pooling(self, corpus: EncodedCorpus, before: Vocabulary | None) -> None:
        """The statistics of a training: of `corpus`, and of what came before with the vocabulary `before`."""
        earlier, self.pooling_statistics_ = self.pooling_statistics_, None
        if self.pooling == "mean" and (before is None or earlier is None):
            return
        ids, offsets = encode_documents(corpus, corpus.vocabulary)
        found = statistics_of(ids, offsets, self.vectors_, corpus.vocabulary)
        if before is not None and earlier is not None:
            found = earlier.padded(len(before)).joined(before, found, corpus.vocabulary)
        self.pooling_statistics_ = found

    def _check_fitted(self) -> None:
        raise NotImplementedError

    if TYPE_CHECKING:

        def fit(self, corpus: Any, y: Any = None, *, errors: str = "strict") -> Any:
            """See the subclass."""
