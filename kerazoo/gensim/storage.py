"""Files of the drop-in class, and its conversion from and to gensim's class."""

from __future__ import annotations

import copy
import json
import os
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from gensim import utils
from gensim.models import FastText, KeyedVectors
from gensim.models import Word2Vec as GensimWord2Vec
from numpy.typing import NDArray

from kerazoo._runtime.files import damage_of, read_tensors, write_tensors
from kerazoo._validation import check_flag, check_int, check_real
from kerazoo.errors import InvalidArgumentError, StorageError
from kerazoo.word2vec.hierarchy import HuffmanTree
from kerazoo.word2vec.io.gensim_models import tree_of_paths

__all__ = ["gensim_copy", "is_ours", "read", "set_paths", "tree_of_paths", "with_class", "write"]

KIND = "kerazoo.gensim.word2vec"
SETTINGS = (
    "vector_size", "layer1_size", "alpha", "window", "min_count", "max_vocab_size", "sample", "seed", "workers",
    "min_alpha", "sg", "hs", "negative", "ns_exponent", "cbow_mean", "epochs", "null_word", "sorted_vocab",
    "batch_words", "compute_loss", "comment", "max_final_vocab", "shrink_windows", "reread", "effective_min_count",
    "train_count", "total_train_time", "running_training_loss", "min_alpha_yet_reached", "corpus_count",
    "corpus_total_words", "lifecycle_events",
)  # fmt: skip
# What a file may say of them: a lowest integer, any number, or yes or no, as which gensim takes integers, too. None is
# allowed where gensim or a model that was not trained has it.
_COUNTS = {
    "vector_size": 1, "layer1_size": 1, "window": 1, "seed": 0, "workers": 0, "negative": 0, "batch_words": 1,
    "train_count": 0, "corpus_count": 0, "corpus_total_words": 0,
}  # fmt: skip
_COUNTS_OR_NONE = {"max_vocab_size": 0, "epochs": 0, "max_final_vocab": 0, "effective_min_count": 0}
_NUMBERS = (
    "alpha", "min_alpha", "min_count", "sample", "ns_exponent", "total_train_time", "running_training_loss",
    "min_alpha_yet_reached",
)  # fmt: skip
_FLAGS = ("sg", "hs", "cbow_mean", "null_word", "sorted_vocab", "compute_loss", "shrink_windows")
OWN = ("_kept", "_counted", "_tree", "_constructing", "reread")


def set_paths(vectors: KeyedVectors, tree: HuffmanTree) -> None:
    """Set gensim's attributes `code` and `point` of each word."""
    offsets, paths = tree.paths()
    codes, points = np.empty(tree.n_words, object), np.empty(tree.n_words, object)
    bits, nodes = (paths & 1).astype(np.uint8), (paths >> 1).astype(np.uint32)
    for word, (first, end) in enumerate(pairwise(offsets.tolist())):
        codes[word], points[word] = bits[first:end], nodes[first:end]
    vectors.expandos["code"], vectors.expandos["point"] = codes, points


def write(model: Any, path: Any) -> None:
    """Write the model to one file, atomically; see :meth:`Word2Vec.save`."""
    if not isinstance(path, str | os.PathLike):
        raise InvalidArgumentError(f"save got a {type(path).__name__}; expected a path.")
    wv = model.wv
    arrays: dict[str, NDArray[Any]] = {"vectors": wv.vectors}
    for name in ("syn1neg", "syn1"):
        if hasattr(model, name):
            arrays[name] = getattr(model, name)
    for name in ("count", "sample_int"):
        if name in wv.expandos:
            arrays[name] = wv.expandos[name]
    if model.hs and "point" in wv.expandos and len(wv.vectors):
        tree = model._tree if model._tree is not None else tree_of_paths(wv.expandos["code"], wv.expandos["point"])
        arrays["tree_parents"], arrays["tree_codes"] = tree
    locks = getattr(wv, "vectors_lockf", None)
    if locks is not None:
        arrays["vectors_lockf"] = np.asarray(locks, np.float32)
    arrays["words"], arrays["word_offsets"] = _packed(wv.index_to_key)
    if model.raw_vocab:
        arrays["raw_words"], arrays["raw_word_offsets"] = _packed(list(model.raw_vocab))
        arrays["raw_counts"] = np.fromiter(model.raw_vocab.values(), np.int64, len(model.raw_vocab))
    settings = {name: _plain(getattr(model, name, None)) for name in SETTINGS}
    settings["lifecycle_events"] = json.loads(json.dumps(settings["lifecycle_events"], default=str))
    write_tensors(path, {name: np.ascontiguousarray(array) for name, array in arrays.items()}, settings, kind=KIND)


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _packed(words: list[Any]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """UTF-8 of all words, and where each begins and ends."""
    for word in words:
        if not isinstance(word, str):
            raise InvalidArgumentError(
                f"the word {word!r} is of type {type(word).__name__}; expected a str. Train with str(word), or write "
                "gensim's file: to_gensim().save(path)."
            )
    encoded = [word.encode("utf-8", "surrogatepass") for word in words]
    offsets = np.zeros(len(encoded) + 1, np.int64)
    np.cumsum([len(word) for word in encoded], out=offsets[1:])
    return np.frombuffer(b"".join(encoded), np.uint8), offsets


def _unpacked(text: NDArray[np.uint8], offsets: NDArray[np.int64]) -> list[str]:
    joined = text.tobytes()
    if not len(offsets) or offsets[0] != 0 or offsets[-1] != len(joined):
        raise ValueError("the offsets of the words do not match their text")
    return [joined[begin:end].decode("utf-8", "surrogatepass") for begin, end in pairwise(offsets.tolist())]


def is_ours(path: Any) -> bool:
    """Whether the file is one of `write`: a safetensors file, whose header begins with a brace at byte 8."""
    file = Path(path)
    if not file.is_file():
        return False
    try:
        with open(file, "rb") as stream:
            start = stream.read(9)
    except OSError as error:
        raise StorageError(f"{file}: cannot be read ({error.strerror or error}).") from error
    return len(start) == 9 and start[8:] == b"{" and start[:1] != b"\x80"


def read(cls: Any, path: Any, mmap: str | None) -> Any:
    """Read a file of :func:`write`."""
    if mmap not in (None, "r", "c", "r+"):
        raise InvalidArgumentError(f"mmap={mmap!r}; expected 'r' or None.")
    arrays, settings = read_tensors(path, kind=KIND, mmap=mmap is not None)
    if not isinstance(settings, dict):
        raise StorageError(f"{os.fspath(path)}: damaged: it has no settings. Train the model again.")
    unknown = sorted(set(settings) - set(SETTINGS))
    if unknown:
        raise StorageError(f"{os.fspath(path)}: has settings that this version does not know: {', '.join(unknown)}.")
    with damage_of(path, "Train the model again."):
        model = cls()
        _check_settings(settings)
        for name, value in settings.items():
            setattr(model, name, value)
        _set_vectors(model, arrays)
    return model


def _check_settings(settings: dict[str, Any]) -> None:
    """InvalidArgumentError for a setting that a model cannot have."""
    for name, value in settings.items():
        if name in _COUNTS or (name in _COUNTS_OR_NONE and value is not None):
            check_int(name, value, {**_COUNTS, **_COUNTS_OR_NONE}[name])
        elif name in _NUMBERS:
            check_real(name, value)
        elif name in _FLAGS and not isinstance(value, bool):
            check_int(name, value, 0, 1)
        elif name == "reread" and value is not None:
            check_flag(name, value)
    events, comment = settings.get("lifecycle_events"), settings.get("comment")
    if not isinstance(events, list | None) or not isinstance(comment, str | None):
        raise InvalidArgumentError(
            f"lifecycle_events is a {type(events).__name__}, comment a {type(comment).__name__}; expected a list and a "
            "text, or None."
        )


def _set_vectors(model: Any, arrays: dict[str, NDArray[Any]]) -> None:
    words = _unpacked(arrays["words"], arrays["word_offsets"])
    wv = model.wv = KeyedVectors(model.vector_size)
    wv.index_to_key, wv.key_to_index = words, {word: index for index, word in enumerate(words)}
    wv.vectors, wv.next_index = arrays["vectors"], len(words)
    _check_tables(arrays, len(words), model.vector_size)
    for name in ("count", "sample_int"):
        if name in arrays:
            wv.expandos[name] = np.array(arrays[name])
    wv.vectors_lockf = np.array(arrays["vectors_lockf"])
    for name in ("syn1neg", "syn1"):
        if name in arrays:
            setattr(model, name, arrays[name])
    if "tree_parents" in arrays:
        tree = HuffmanTree(np.array(arrays["tree_parents"]), np.array(arrays["tree_codes"]))
        tree.check()
        if tree.n_words != len(words):
            raise ValueError(f"a tree of {tree.n_words} words, but there are {len(words)}")
        model._tree = tree
        set_paths(wv, tree)
    if "raw_words" in arrays:
        raw = _unpacked(arrays["raw_words"], arrays["raw_word_offsets"])
        model.raw_vocab = dict(zip(raw, arrays["raw_counts"].tolist(), strict=True))
    if model.negative and len(words):
        model.make_cum_table()


def _check_tables(arrays: dict[str, NDArray[Any]], n_words: int, size: int) -> None:
    """ValueError unless the arrays have the shapes and types that the kernels trust."""
    table = (np.float32, (n_words, size))
    expected = {"vectors": table, "syn1neg": table, "syn1": table, "count": (np.int64, (n_words,)),
                "sample_int": (np.uint32, (n_words,))}  # fmt: skip
    for name, (dtype, shape) in expected.items():
        if n_words and name in arrays and (arrays[name].shape != shape or arrays[name].dtype != dtype):
            raise ValueError(f"{name} has shape {arrays[name].shape} and type {arrays[name].dtype}")
    locks = arrays["vectors_lockf"]
    if locks.dtype != np.float32 or locks.shape not in ((1,), (n_words,)):
        raise ValueError(f"vectors_lockf has shape {locks.shape} and type {locks.dtype}")


def with_class(cls: Any, model: GensimWord2Vec) -> Any:
    """The model of gensim as one of `cls`, with the same arrays."""
    if not isinstance(model, GensimWord2Vec) or isinstance(model, FastText):
        raise AttributeError(f"a model of type {type(model).__name__} is no Word2Vec; gensim's class loads it.")
    made = cls.__new__(cls)
    made.__dict__.update(model.__dict__, load=utils.call_on_class_only)
    for name in OWN:
        made.__dict__.pop(name, None)
    return made


def gensim_copy(model: Any) -> GensimWord2Vec:
    """A gensim model with copies of the arrays."""
    made: Any = GensimWord2Vec.__new__(GensimWord2Vec)
    state = {name: value for name, value in model.__getstate__().items() if name not in OWN}
    made.__dict__.update(copy.deepcopy(state), load=utils.call_on_class_only)
    return made
