"""Models of `Word2Vec` from and to other libraries: gensim, and Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kerazoo.text import Vocabulary
from kerazoo.word2vec import vocabulary_update
from kerazoo.word2vec.io import gensim_models
from kerazoo.word2vec.options import check_same_model
from kerazoo.word2vec.results import Tables, empty_history

if TYPE_CHECKING:
    from kerazoo.word2vec.io.model_file import Contents
    from kerazoo.word2vec.options import TrainingSettings

__all__ = ["ModelExchange"]


class ModelExchange:
    """The part of :class:`kerazoo.Word2Vec` that imports and exports models."""

    if TYPE_CHECKING:

        def __init__(self, **parameters: Any) -> None: ...

        def to_contents(self) -> Contents: ...  # noqa: D102

        def _checked_settings(self, number: int = 0) -> TrainingSettings: ...

        def _restored(
            self, vocabulary: Vocabulary, tables: Tables, history: dict[str, list[float]], seed: int, n_fits: int
        ) -> Any: ...

    @classmethod
    def from_gensim(cls, source: Any, **parameters: Any) -> Any:
        """Import a gensim model, or vectors in word2vec's formats, to train it further with `partial_fit`.

        A gensim ``Word2Vec`` has settings, vectors, output vectors and a tree. Vectors alone (``KeyedVectors``, or a
        file in a word2vec format) get output vectors that start at zero, as in a new model; if they have no counts,
        counts are made up by rank.

        Args:
            source: a gensim ``Word2Vec`` or ``KeyedVectors``, or a path: of a file written by gensim's
                ``Word2Vec.save``, or of vectors, as :func:`kerazoo.word2vec.load_vectors` reads them.
            **parameters: constructor arguments that differ from those of the gensim model.

        Returns:
            A fitted estimator. Rows go by decreasing count; words of equal count keep gensim's order.

        Raises:
            InvalidArgumentError: another kind of model, one without words, or parameters that it cannot have.
            StorageError: the file is missing, damaged or of another kind. (Files of ``Word2Vec.save`` are pickles: only
                load them from sources that you trust.)

        >>> from gensim.models import Word2Vec as GensimWord2Vec
        >>> from kerazoo import Word2Vec
        >>> documents = [["red", "apple"], ["green", "apple"]] * 9
        >>> theirs = GensimWord2Vec(documents, vector_size=8, min_count=1, sample=0, sg=1)
        >>> ours = Word2Vec.from_gensim(theirs, verbose=0).partial_fit([["red", "apple"]] * 9)
        >>> ours.sg, ours.loss, ours.vectors_.shape
        (1, 'negative_sampling', (3, 8))
        """
        found, vocabulary, tables = gensim_models.import_model(source)
        model = cls(**{**found, **parameters})
        settings = model._checked_settings()
        if not isinstance(tables, Tables):
            tables = vocabulary_update.tables_from_vectors(tables, vocabulary.counts, settings)
        check_same_model(settings, tables)
        return model._restored(vocabulary, tables, empty_history(), settings.seed, 1)

    def to_gensim(self) -> Any:
        """A gensim ``Word2Vec`` with copies of these vectors, output vectors and tree, which gensim can train further.

        gensim has no biases: they are not exported, with a warning. gensim's `train` needs ``total_examples`` and
        ``epochs``.

        >>> from kerazoo import Word2Vec
        >>> model = Word2Vec(vector_size=8, loss="negative_sampling", min_count=1, sample=0, verbose=0)
        >>> theirs = model.fit([["red", "apple"], ["green", "apple"]] * 9).to_gensim()
        >>> _ = theirs.train([["red", "apple"]] * 9, total_examples=9, epochs=1)
        >>> theirs.wv["apple"].shape
        (8,)
        """
        contents = self.to_contents()
        parameters = {**contents.parameters, "alpha": self._checked_settings().alpha}
        return gensim_models.export_model(contents._replace(parameters=parameters))

    @classmethod
    def from_keras(cls, model: Any, vocabulary: Vocabulary, **parameters: Any) -> Any:
        """Import a Keras :class:`kerazoo.word2vec.SkipGram`, such as a `model_` that Keras trained further.

        Args:
            model: the Keras model; its loss, vector size and negatives become constructor arguments.
            vocabulary: the words of its rows, such as `vocabulary_`.
            **parameters: the other constructor arguments.

        Raises:
            InvalidArgumentError: another kind of model, or one with another number of words.
        """
        from kerazoo.word2vec.keras.tables import tables_of_checked

        tables = tables_of_checked(model, len(vocabulary))
        found = {"vector_size": model.vector_size, "loss": model.loss_name, "negative": model.negative}
        made = cls(**{**found, **parameters})
        settings = made._checked_settings()
        check_same_model(settings, tables)
        return made._restored(vocabulary, tables, empty_history(), settings.seed, 1)
