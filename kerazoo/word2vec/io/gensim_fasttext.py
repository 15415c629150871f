"""Import and export of gensim's FastText models, and word vectors as its `FastTextKeyedVectors`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kerazoo._runtime.optional import needed
from kerazoo.errors import InvalidArgumentError, StorageError
from kerazoo.text import Vocabulary
from kerazoo.word2vec.io.gensim_models import SHARED, warn_of_losses
from kerazoo.word2vec.io.model_file import Contents
from kerazoo.word2vec.results import Tables
from kerazoo.word2vec.subwords import NgramSettings, ngram_buckets

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["all_rows", "export_fasttext", "fasttext_keyed_vectors", "import_fasttext"]

KEPT = tuple(name for name in SHARED if name != "hs")


def all_rows(tables: Tables, n_buckets: int) -> NDArray[np.float32]:
    """The rows of n-grams of all buckets, float32 (n_buckets, D): zeros where there is none."""
    size = tables.input_vectors.shape[1]
    rows = np.zeros((n_buckets, size), np.float32)
    if tables.ngram_vectors is not None:
        rows[tables.ngram_buckets] = tables.ngram_vectors
    return rows


def fasttext_keyed_vectors(
    vocabulary: Vocabulary, vectors: NDArray[np.float32], tables: Tables, ngrams: NgramSettings
) -> Any:
    """Make a gensim ``FastTextKeyedVectors``.

    Args:
        vocabulary: V words.
        vectors: float32 (V, D), the vectors of the words; not copied.
        tables: own rows, not copied, and rows of n-grams.
        ngrams: which n-grams words have.
    """
    with needed("FastText.wv (vectors as gensim's FastTextKeyedVectors)"):
        from gensim.models.fasttext import FastTextKeyedVectors

    made = FastTextKeyedVectors(vectors.shape[1], ngrams.min_n, ngrams.max_n, ngrams.bucket if ngrams.any else 0)
    made.index_to_key = list(vocabulary.words)
    made.key_to_index = {word: index for index, word in enumerate(made.index_to_key)}
    _set_vectors(made, vectors, tables.input_vectors, all_rows(tables, made.bucket), ngrams)
    made.allocate_vecattrs(attrs=["count"], types=[np.int64])
    made.expandos["count"][:] = vocabulary.counts
    return made


def _set_vectors(
    made: Any,
    vectors: NDArray[np.float32],
    own: NDArray[np.float32],
    rows: NDArray[np.float32],
    ngrams: NgramSettings,
) -> None:
    made.vectors, made.vectors_vocab, made.vectors_ngrams, made.norms = vectors, own, rows, None
    found = ngram_buckets(made.index_to_key, ngrams)
    made.buckets_word = np.split(found.values.astype(np.uint32), found.offsets[1:-1])


def import_fasttext(source: Any) -> tuple[dict[str, Any], Vocabulary, Tables]:
    """Constructor arguments, vocabulary and tables of a gensim ``FastText``; see :meth:`kerazoo.FastText.from_gensim`.

    Raises:
        InvalidArgumentError: another kind of model, one without words, or one that `FastText` cannot have.
        StorageError: the file is missing, damaged or of another kind.
    """
    with needed("from_gensim"):
        from gensim.models import FastText as GensimFastText

    if isinstance(source, str | os.PathLike):
        source = _load(Path(source))
    if not isinstance(source, GensimFastText):
        raise InvalidArgumentError(
            f"from_gensim got a {type(source).__name__}; expected a gensim FastText, or the path of a file that its "
            "save wrote. Word2Vec.from_gensim takes other models."
        )
    if source.hs or not source.negative:
        raise InvalidArgumentError(
            f"the gensim model has hs={source.hs} and negative={source.negative}; expected hs=0 and negative >= 1: "
            "FastText has no hierarchical softmax."
        )
    vectors = source.wv
    if not len(vectors.index_to_key) or not getattr(vectors, "compatible_hash", True):
        raise InvalidArgumentError(
            "the gensim model has no words, or hashes of gensim before 3.7.3, which differ from those of fastText. "
            "Build its vocabulary, or train it again."
        )
    counts = np.asarray(vectors.expandos["count"], np.int64)
    order = np.argsort(-counts, kind="stable")
    vocabulary = Vocabulary(
        [vectors.index_to_key[row] for row in order],
        counts[order],
        min_count=max(1, int(source.min_count)),
        total=source.corpus_total_words or None,
    )
    parameters = {name: getattr(source, name) for name in KEPT} | {"loss": "negative_sampling"}
    parameters |= {"shrink_windows": bool(source.shrink_windows), "min_count": vocabulary.min_count}
    for name in ("sg", "cbow_mean", "negative"):
        parameters[name] = int(parameters[name])
    ngrams = NgramSettings(int(vectors.min_n), int(vectors.max_n), int(vectors.bucket))
    parameters |= {"min_n": ngrams.min_n, "max_n": ngrams.max_n, "bucket": ngrams.bucket}
    tables = Tables(np.array(vectors.vectors_vocab, np.float32)[order], np.array(source.syn1neg, np.float32)[order])
    return parameters, vocabulary, with_all_ngrams(tables, vectors.vectors_ngrams, ngrams)


def with_all_ngrams(tables: Tables, rows: NDArray[np.float32] | None, ngrams: NgramSettings) -> Tables:
    """The tables with a row for every bucket, rows being float32 (bucket, D)."""
    if not ngrams.any:
        return tables
    buckets = np.arange(ngrams.bucket, dtype=np.int32)
    return Tables(
        tables.input_vectors, tables.output_vectors, ngram_vectors=np.array(rows, np.float32), ngram_buckets=buckets
    )


def _load(path: Path) -> Any:
    from gensim.models import FastText as GensimFastText

    if not path.is_file():
        raise StorageError(f"{path}: no such file.")
    try:
        return GensimFastText.load(str(path))
    except Exception as error:  # unpickling a damaged file raises any exception
        raise StorageError(
            f"{path}: not a model written by gensim's FastText.save: {error}. FastText.load_facebook_model reads the "
            ".bin files of fastText, FastText.load those of kerazoo."
        ) from error


def export_fasttext(contents: Contents, vectors: NDArray[np.float32], ngrams: NgramSettings) -> Any:
    """A gensim ``FastText`` with copies of the tables; see :meth:`kerazoo.FastText.to_gensim`.

    Args:
        contents: a trained model, all of whose parameters have values that gensim allows (`alpha` is not None).
        vectors: float32 (V, D), the vectors of the words.
        ngrams: which n-grams words have.
    """
    with needed("to_gensim"):
        from gensim.models import FastText as GensimFastText

    parameters, tables, vocabulary = contents.parameters, contents.tables, contents.vocabulary
    warn_of_losses(contents)
    shared = {name: parameters[name] for name in KEPT if name not in ("min_count", "max_final_vocab", "seed")}
    # Without n-grams first: gensim would hash those of all words in Python. The order of the rows is kept: sorting
    # would reorder words of the same count.
    made = GensimFastText(
        **shared,
        seed=contents.seed,
        min_count=0,
        sorted_vocab=0,
        workers=parameters["workers"] or 1,
        min_n=1,
        max_n=0,
        bucket=0,
    )
    counts = dict(zip(vocabulary.words, vocabulary.counts.tolist(), strict=True))
    made.build_vocab_from_freq(counts, corpus_count=1)
    made.sorted_vocab, made.min_count = 1, parameters["min_count"]
    made.max_final_vocab = parameters["max_final_vocab"]
    made.corpus_total_words = vocabulary.total
    made.wv.min_n, made.wv.max_n, made.wv.bucket = ngrams.min_n, ngrams.max_n, ngrams.bucket if ngrams.any else 0
    _set_vectors(made.wv, vectors.copy(), tables.input_vectors.copy(), all_rows(tables, made.wv.bucket), ngrams)
    made.syn1neg[:] = tables.output_vectors
    return made
