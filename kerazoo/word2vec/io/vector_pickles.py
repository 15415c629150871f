"""gensim's KeyedVectors files (.kv), read without gensim and without running what a pickle may contain.

They are pickles, with large arrays in ``.npy`` files beside them. Only the classes that gensim's own files need are
allowed; anything else is refused before it is called.
"""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerazoo.errors import StorageError
from kerazoo.word2vec.io.vector_streams import VectorStream
from kerazoo.word2vec.io.word_vectors import WordVectors

__all__ = ["is_pickle", "read_pickle"]


class _Record:
    """Stands for gensim's classes: holds attributes and does nothing."""

    def __setstate__(self, state: Any) -> None:
        self.__dict__.update(state if isinstance(state, dict) else {})


class _Vectors(_Record):
    """gensim's KeyedVectors."""


_GENSIM = {
    ("gensim.models.keyedvectors", "KeyedVectors"): _Vectors,
    ("gensim.models.keyedvectors", "Word2VecKeyedVectors"): _Vectors,  # gensim 3
    ("gensim.models.keyedvectors", "Vocab"): _Record,
}
_NUMPY = ("numpy", "numpy.core.multiarray", "numpy._core.multiarray", "numpy.core.numeric", "numpy._core.numeric")
_NUMPY_NAMES = ("ndarray", "dtype", "_reconstruct", "scalar", "_frombuffer", *(
    f"{kind}{bits}" for kind in ("int", "uint", "float") for bits in (8, 16, 32, 64)
))  # fmt: skip


class _Unpickler(pickle.Unpickler):
    """Knows KeyedVectors and NumPy arrays, nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        """The class or function of that name, if it is allowed."""
        if (module, name) in _GENSIM:
            return _GENSIM[module, name]
        if (module in _NUMPY and name in _NUMPY_NAMES) or (module, name) == ("_codecs", "encode"):
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"it contains {module}.{name}; expected KeyedVectors and NumPy arrays only")


def is_pickle(start: bytes) -> bool:
    """Whether a file starts like a pickle of protocol 2 or later."""
    return len(start) > 1 and start[0] == 0x80 and 2 <= start[1] <= 5


def read_pickle(stream: VectorStream) -> WordVectors:
    """Read a file of gensim's ``KeyedVectors.save``.

    Large arrays in files beside it stay on the disk until they are used.

    Raises:
        StorageError: the file is damaged, or contains something else than word vectors.
    """
    parts = []
    while part := stream.read(1 << 24):
        parts.append(part)
    try:
        loaded = _Unpickler(io.BytesIO(b"".join(parts))).load()
        if not isinstance(loaded, _Vectors):
            raise TypeError(f"it holds a {type(loaded).__name__}")
        state = dict(loaded.__dict__)
        for name in state.get("__numpys", []):
            state[name] = _beside(stream.path, name)
        return _vectors_of(state)
    except StorageError:
        raise
    except Exception as error:  # a damaged pickle raises any exception
        raise StorageError(f"{stream.path}: not a .kv file of word vectors, or damaged: {error}") from error


def _beside(path: Path, name: str) -> NDArray[Any]:
    """The array that gensim wrote into a file of its own."""
    plain, packed = (path.with_name(f"{path.name}.{name}.{kind}") for kind in ("npy", "npz"))
    if not plain.is_file() and packed.is_file():
        with np.load(packed, allow_pickle=False) as arrays:
            return np.asarray(arrays["val"])
    if not plain.is_file():
        raise StorageError(
            f"{path}: its array {name!r} is missing: {plain} does not exist. Copy all files of the name."
        )
    return np.asarray(np.load(plain, mmap_mode="r", allow_pickle=False))


def _vectors_of(state: dict[str, Any]) -> WordVectors:
    words = state.get("index_to_key", state.get("index2word", state.get("index2entity")))
    if not isinstance(words, list):
        raise TypeError("it has no list of words")
    counts = state.get("expandos", {}).get("count")
    if counts is None and state.get("vocab"):  # gensim 3
        counts = [state["vocab"][word].count for word in words]
    vectors = state["vectors"]
    if not isinstance(vectors, np.ndarray) or vectors.ndim != 2 or vectors.dtype.kind != "f":
        raise TypeError("its vectors are no table of floats")
    return WordVectors([str(word) for word in words], vectors[: len(words)], counts)
