"""Import and export of gensim models: vectors, output vectors, trees and settings."""

from __future__ import annotations

import math
import os
import warnings
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kerazoo._runtime.optional import needed
from kerazoo.errors import InvalidArgumentError, StorageError
from kerazoo.text import Vocabulary
from kerazoo.word2vec.hierarchy import HuffmanTree
from kerazoo.word2vec.io.model_file import Contents
from kerazoo.word2vec.io.vector_files import VECTOR_FORMATS, is_vector_file, read_vectors
from kerazoo.word2vec.options import LARGEST_NEGATIVE
from kerazoo.word2vec.results import Tables

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["SHARED", "export_model", "import_model", "tree_of_paths", "warn_of_losses"]

# Constructor arguments that gensim's Word2Vec keeps under the same name.
SHARED = (
    "vector_size", "window", "min_count", "sample", "negative", "ns_exponent", "alpha", "min_alpha", "epochs",
    "shrink_windows", "max_final_vocab", "sg", "hs", "cbow_mean", "seed",
)  # fmt: skip


def import_model(source: Any) -> tuple[dict[str, Any], Vocabulary, Tables | NDArray[np.float32]]:
    """Constructor arguments, vocabulary and tables of a gensim model.

    Args:
        source: see :meth:`kerazoo.Word2Vec.from_gensim`.

    Returns:
        The arguments that the model determines, its vocabulary, and its tables. In place of the tables, the input
        vectors float32 (V, D) alone if the source has no others.

    Raises:
        InvalidArgumentError: another kind of model, or one without words.
        StorageError: the file is missing, damaged or of another kind.
    """
    with needed("from_gensim"):
        from gensim.models import FastText, KeyedVectors
        from gensim.models import Word2Vec as GensimWord2Vec

    if isinstance(source, str | os.PathLike):
        source = _load(Path(source))
    if isinstance(source, GensimWord2Vec) and not isinstance(source, FastText):
        return _of_model(source)
    if isinstance(source, KeyedVectors) and type(source) is KeyedVectors:
        vectors, order = _ordered(source)
        counts = source.expandos["count"][order] if "count" in source.expandos else np.arange(len(order), 0, -1)
        words = [source.index_to_key[row] for row in order]
        return {"vector_size": source.vector_size}, Vocabulary(words, counts), vectors[order]
    remedy = " kerazoo.FastText.from_gensim imports it." if isinstance(source, FastText) else ""
    raise InvalidArgumentError(
        f"from_gensim got a {type(source).__name__}; expected a gensim Word2Vec or KeyedVectors, or the path of a file "
        f"written by gensim's Word2Vec.save or with the suffix {', '.join(VECTOR_FORMATS[1:])}.{remedy}"
    )


def _load(path: Path) -> Any:
    if path.suffix == VECTOR_FORMATS[0]:
        raise InvalidArgumentError(f"{path}: a file of kerazoo. Word2Vec.load reads it.")
    if is_vector_file(path):
        return read_vectors(path)
    from gensim.models import Word2Vec as GensimWord2Vec

    if not path.is_file():
        raise StorageError(f"{path}: no such file.")
    try:
        return GensimWord2Vec.load(str(path))
    except Exception as error:  # unpickling a damaged file raises any exception
        raise StorageError(
            f"{path}: not a model written by gensim's Word2Vec.save: {error}. Files of word vectors need a suffix: "
            f"{', '.join(VECTOR_FORMATS[1:])}."
        ) from error


def _ordered(vectors: Any) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The table of KeyedVectors as float32 (V, D), and the order of its rows by decreasing count, int64 (V,)."""
    table = np.asarray(vectors.vectors, np.float32)
    n_words = len(vectors.index_to_key)
    if n_words == 0 or table.shape != (n_words, vectors.vector_size):
        raise InvalidArgumentError(
            f"the gensim model has {n_words} words and a table of shape {table.shape}. Build its vocabulary first."
        )
    counts = vectors.expandos.get("count", np.zeros(n_words, np.int64))
    return table, np.argsort(-np.asarray(counts, np.int64), kind="stable")


def _of_model(model: Any) -> tuple[dict[str, Any], Vocabulary, Tables]:
    vectors, order = _ordered(model.wv)
    vocabulary = Vocabulary(
        [model.wv.index_to_key[row] for row in order],
        model.wv.expandos["count"][order],
        min_count=max(1, int(model.min_count)),  # gensim allows 0
        total=model.corpus_total_words or None,
    )
    outputs = np.asarray(model.syn1neg, np.float32)[order] if model.negative > 0 else None
    nodes = tree = None
    if model.hs:
        nodes = np.array(model.syn1, np.float32)[: len(order) - 1]
        tree = tree_of_paths(model.wv.expandos["code"][order], model.wv.expandos["point"][order])
    parameters = {name: getattr(model, name) for name in SHARED} | {"loss": "negative_sampling"}
    parameters |= _within_limits(model, vocabulary.total)
    parameters["shrink_windows"] = bool(model.shrink_windows)
    parameters["min_count"] = vocabulary.min_count
    for name in ("sg", "hs", "cbow_mean", "negative"):
        parameters[name] = int(parameters[name])
    return parameters, vocabulary, Tables(vectors[order], outputs, None, nodes, tree)


def _within_limits(model: Any, total: int) -> dict[str, Any]:
    """Settings that gensim allows and kerazoo does not, as the nearest that it does."""
    found: dict[str, Any] = {}
    if model.sample >= 1:  # gensim: a count instead of a share; keep probabilities as for a share of (3 + sqrt 5) / 2
        found["sample"] = min(1.0, int(model.sample * (3 + math.sqrt(5)) / 2) / max(total, 1))
    if model.min_alpha > model.alpha:
        found["min_alpha"] = model.alpha
        _warn(f"min_alpha={model.min_alpha:g} is above alpha={model.alpha:g}; it is imported as {model.alpha:g}.")
    if model.negative > LARGEST_NEGATIVE and not model.hs and model.sg:
        _warn(
            f"negative={model.negative}: the native engine has at most {LARGEST_NEGATIVE} noise words. Train it "
            f"further with from_gensim(..., negative={LARGEST_NEGATIVE}), or with engine='keras'."
        )
    elif model.negative > LARGEST_NEGATIVE:
        _warn(f"negative={model.negative} is imported as {LARGEST_NEGATIVE}, the most that the native engine has.")
        found["negative"] = LARGEST_NEGATIVE
    lockf = np.asarray(getattr(model.wv, "vectors_lockf", 1.0))
    if (lockf != 1).any():
        _warn("vectors_lockf, which freezes words in gensim, is not imported: kerazoo trains all words.")
    return found


def _warn(message: str) -> None:
    warnings.warn(message, UserWarning, stacklevel=5)


def tree_of_paths(codes: NDArray[Any], points: NDArray[Any]) -> HuffmanTree:
    """The tree of gensim's paths: the codes of each word from the root down, and the inner nodes that they are at."""
    n_words = len(codes)
    parents, own = np.full(2 * n_words - 1, -1, np.int32), np.zeros(2 * n_words - 1, np.uint8)
    for word in range(n_words):
        nodes = np.asarray(points[word], np.int64)
        bits = np.asarray(codes[word], np.uint8)
        children = np.append(nodes[1:] + n_words, word)
        parents[children], own[children] = nodes, bits
    return HuffmanTree(parents, own)


def warn_of_losses(contents: Contents) -> None:
    """Warn if something of a model cannot be exported to gensim."""
    parameters = contents.parameters
    if contents.tables.output_biases is not None:
        warnings.warn(
            f"gensim has no biases: those of loss={parameters['loss']!r} are not exported, and gensim's train "
            "continues with negative sampling. The vectors are the same.",
            UserWarning,
            stacklevel=4,
        )
    if parameters["noise"] != "unigram" and parameters["negative"]:
        warnings.warn(
            f"gensim has no noise={parameters['noise']!r}: its train draws noise words by their counts.",
            UserWarning,
            stacklevel=4,
        )


def export_model(contents: Contents) -> Any:
    """A gensim ``Word2Vec`` with copies of the tables; see :meth:`kerazoo.Word2Vec.to_gensim`.

    Args:
        contents: a trained model, all of whose parameters have values that gensim allows (`alpha` is not None).
    """
    with needed("to_gensim"):
        from gensim.models import Word2Vec as GensimWord2Vec

    parameters, tables, vocabulary = contents.parameters, contents.tables, contents.vocabulary
    warn_of_losses(contents)
    shared = {name: parameters[name] for name in SHARED if name not in ("min_count", "max_final_vocab", "seed")}
    # The order of the rows is kept: sorting would reorder words of the same count.
    made = GensimWord2Vec(**shared, seed=contents.seed, min_count=0, sorted_vocab=0, workers=parameters["workers"] or 1)
    counts = dict(zip(vocabulary.words, vocabulary.counts.tolist(), strict=True))
    made.build_vocab_from_freq(counts, corpus_count=1)
    made.sorted_vocab, made.min_count = 1, parameters["min_count"]
    made.max_final_vocab = parameters["max_final_vocab"]
    made.corpus_total_words = vocabulary.total
    made.wv.vectors[:] = tables.input_vectors
    if tables.output_vectors is not None:
        made.syn1neg[:] = tables.output_vectors
    if tables.tree is not None and tables.node_vectors is not None:
        made.syn1[:-1] = tables.node_vectors
        offsets, paths = tables.tree.paths()
        for word, (first, end) in enumerate(pairwise(offsets)):
            made.wv.expandos["code"][word] = (paths[first:end] & 1).astype(np.uint8)
            made.wv.expandos["point"][word] = (paths[first:end] >> 1).astype(np.uint32)
    return made
