"""gensim's KeyedVectors files (.kv), read without gensim and without running what a pickle may contain.

They are pickles, with large arrays in ``.npy`` files beside them. Every class and function that gensim's own files name
is replaced by one of this module, which checks sizes before it takes memory; anything else is refused before it is
called. The unpickler is Python's own in Python: the one in C takes memory for sizes that a pickle only claims.
"""

from __future__ import annotations

import io
import math
import pickle
import struct
import sys
import zipfile
from pathlib import Path
from typing import IO, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from kerazoo.errors import StorageError
from kerazoo.word2vec.io.vector_streams import VectorStream, check_expansion
from kerazoo.word2vec.io.word_vectors import WordVectors

__all__ = ["is_pickle", "read_pickle"]

_NPY_HEADER = 1 << 14  # bytes at the start of a .npy file that are searched for its header; NumPy refuses 10,000


class _Record:
    """Stands for gensim's classes: holds attributes and does nothing."""

    def __setstate__(self, state: Any) -> None:
        self.__dict__.update(state if isinstance(state, dict) else {})


class _Vectors(_Record):
    """gensim's KeyedVectors."""


class _Array:
    """Stands for an array, which is made when its state comes."""

    __slots__ = ("array",)

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, by_columns, data = state
        self.array = _shaped(data, _dtype_of(dtype), shape, "F" if by_columns is True else "C")


class _DType:
    """Stands for a dtype: the code of its constructor, then the order of its bytes."""

    __slots__ = ("dtype",)

    def __init__(self, code: Any, *_: Any) -> None:
        found = np.dtype(code.name if isinstance(code, _Type) else code)
        if not isinstance(code, str | _Type) or found.kind not in "iufUO" or found.names or found.subdtype:
            raise ValueError(f"the dtype {code!r:.50}")
        self.dtype = found

    def __setstate__(self, state: Any) -> None:
        if state[1] not in ("<", ">", "|", "="):
            raise ValueError(f"the byte order {state[1]!r:.20}")
        self.dtype = self.dtype.newbyteorder(state[1])


class _Stand:
    """Stands for a function; a pickle cannot change it."""

    __slots__ = ("name",)
    name: str

    def __init__(self, name: str) -> None:
        object.__setattr__(self, "name", name)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(name)

    def __setstate__(self, state: Any) -> None:
        raise TypeError(f"a state for {self.name}")


class _Type(_Stand):
    """Stands for a class of NumPy, which is an argument here and never called."""


class _Reconstruct(_Stand):
    def __call__(self, of: Any, shape: Any, code: Any) -> _Array:
        return _Array()  # without values: an array of a pickle has no others before its state


class _Scalar(_Stand):
    def __call__(self, dtype: Any, data: Any) -> Any:
        return _shaped(data, _dtype_of(dtype), (1,), "C")[0]


class _FromBuffer(_Stand):
    def __call__(self, data: Any, dtype: Any, shape: Any, order: Any, *_: Any) -> _Array:
        made = _Array()
        made.array = _shaped(data, _dtype_of(dtype), shape, "F" if order == "F" else "C")
        return made


class _Encode(_Stand):
    def __call__(self, text: Any, encoding: Any, *_: Any) -> bytes:
        if not isinstance(text, str) or encoding != "latin1":
            raise ValueError(f"bytes as {encoding!r:.20}")
        return text.encode("latin1")


def _dtype_of(found: Any) -> np.dtype[Any]:
    if not isinstance(found, _DType):
        raise TypeError(f"a {type(found).__name__} for a dtype")
    return found.dtype


def _shaped(data: Any, dtype: np.dtype[Any], shape: Any, order: Any) -> NDArray[Any]:
    """The values of an array, which must be as many as its shape says."""
    if not isinstance(shape, tuple) or not all(type(n) is int and n >= 0 for n in shape):
        raise ValueError(f"the shape {shape!r:.50}")
    if dtype.kind == "O":
        if not isinstance(data, list) or len(data) != math.prod(shape):
            raise ValueError(f"an array of shape {shape!r:.50} without its values")
        values = np.empty(len(data), object)
        values[:] = data
    else:
        if not isinstance(data, bytes) or len(data) != math.prod(shape) * dtype.itemsize:
            raise ValueError(f"an array of shape {shape!r:.50} without its values")
        values = np.frombuffer(data, dtype)
    return values.reshape(shape, order=order)


_GENSIM = {
    ("gensim.models.keyedvectors", "KeyedVectors"): _Vectors,
    ("gensim.models.keyedvectors", "Word2VecKeyedVectors"): _Vectors,  # gensim 3
    ("gensim.models.keyedvectors", "Vocab"): _Record,
    ("_codecs", "encode"): _Encode("encode"),
}
_MODULES = ("numpy", "numpy.core.multiarray", "numpy._core.multiarray", "numpy.core.numeric", "numpy._core.numeric")
_NUMPY: dict[str, Any] = {
    "dtype": _DType, "_reconstruct": _Reconstruct("_reconstruct"), "scalar": _Scalar("scalar"),
    "_frombuffer": _FromBuffer("_frombuffer"),
} | {
    name: _Type(name)
    for name in ("ndarray", *(f"{kind}{bits}" for kind in ("int", "uint", "float") for bits in (8, 16, 32, 64)))
}  # fmt: skip
# Not needed: opcodes of other objects, and those that take memory on the word of a pickle.
_REFUSED = (
    "INST", "OBJ", "PERSID", "BINPERSID", "EXT1", "EXT2", "EXT4", "NEXT_BUFFER", "READONLY_BUFFER",
)  # fmt: skip


class _Unpickler(pickle._Unpickler):
    """Knows KeyedVectors and NumPy arrays, nothing else."""

    dispatch: ClassVar[dict[int, Any]] = {
        code: load
        for code, load in pickle._Unpickler.dispatch.items()
        if code not in [getattr(pickle, name)[0] for name in _REFUSED]
    }

    def load_bytearray8(self) -> None:
        """Bytes that can be changed: Python's own method makes room for them before it reads them."""
        me: Any = self
        (size,) = struct.unpack("<Q", me.read(8))
        me.append(me.read(min(size, sys.maxsize)))

    dispatch[pickle.BYTEARRAY8[0]] = load_bytearray8

    def find_class(self, module: str, name: str) -> Any:
        """What stands for the class or function of that name, if it is allowed."""
        if (module, name) in _GENSIM:
            return _GENSIM[module, name]
        if module in _MODULES and name in _NUMPY:
            return _NUMPY[name]
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
        # A writer takes the file away before it replaces those beside it.
        if state.get("__numpys") and stream.is_replaced():
            raise StorageError(f"{stream.path}: was replaced while it was read. Read it again.")
        return _vectors_of(state)
    except StorageError:
        raise
    except MemoryError:
        raise
    except Exception as error:  # a damaged pickle raises any exception
        raise StorageError(f"{stream.path}: not a .kv file of word vectors, or damaged: {error}") from error


def _beside(path: Path, name: str) -> NDArray[Any]:
    """The array that gensim wrote into a file of its own; `with_name` refuses names of other folders."""
    plain, packed = (path.with_name(f"{path.name}.{name}.{kind}") for kind in ("npy", "npz"))
    if not plain.is_file() and packed.is_file():
        with zipfile.ZipFile(packed) as archive, archive.open("val.npy") as file:
            part = archive.getinfo("val.npy")
            size = part.file_size
            if part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # others read without bound
                raise ValueError(f"compression of type {part.compress_type}")
            check_expansion(packed, size, packed.stat().st_size)
            return _unpacked(file, size)
    if not plain.is_file():
        raise StorageError(
            f"{path}: its array {name!r} is missing: {plain} does not exist. Copy all files of the name."
        )
    with open(plain, "rb") as file:
        shape, order, dtype, length, _ = _npy_header(file, plain.stat().st_size)
    return np.asarray(np.memmap(plain, dtype, "r", length, shape, order))


def _npy_header(file: IO[bytes], size: int) -> tuple[tuple[int, ...], Literal["C", "F"], np.dtype[Any], int, bytes]:
    """Shape, order, dtype and length of the header of a .npy file of `size` bytes, and what was read beyond it.

    Checked before memory is taken: NumPy's reader takes what the header says, up to 4 GiB for the header alone.
    """
    start = io.BytesIO(file.read(_NPY_HEADER))
    form = np.lib.format
    read = {(1, 0): form.read_array_header_1_0, (2, 0): form.read_array_header_2_0}[form.read_magic(start)]
    shape, by_columns, dtype = read(start)
    if dtype.kind not in "iuf" or math.prod(shape) * dtype.itemsize > size - start.tell():
        raise ValueError(f"an array of shape {shape} and type {dtype} in {size:,} bytes")
    return shape, "F" if by_columns else "C", dtype, start.tell(), start.read()


def _unpacked(file: IO[bytes], size: int) -> NDArray[Any]:
    """The array of a .npy file of `size` bytes in an archive."""
    shape, order, dtype, _, rest = _npy_header(file, size)
    return _shaped(rest + file.read(), dtype, shape, order)


def _vectors_of(state: dict[str, Any]) -> WordVectors:
    words = state.get("index_to_key", state.get("index2word", state.get("index2entity")))
    if not isinstance(words, list):
        raise TypeError("it has no list of words")
    counts = state.get("expandos", {}).get("count")
    if counts is None and state.get("vocab"):  # gensim 3
        counts = [state["vocab"][word].count for word in words]
    vectors, counts = (each.array if isinstance(each, _Array) else each for each in (state["vectors"], counts))
    if not isinstance(vectors, np.ndarray) or vectors.ndim != 2 or vectors.dtype.kind != "f":
        raise TypeError("its vectors are no table of floats")
    return WordVectors([str(word) for word in words], vectors[: len(words)], counts)
