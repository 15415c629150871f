"""Named arrays with JSON metadata in one memory-mappable file, which is written atomically: safetensors, never pickle.

A file is 8 bytes (the length of the header, little-endian), a JSON header with dtype, shape and offset of each array,
and the arrays end to end. Every safetensors reader opens it. kerazoo adds three entries to the header's
``__metadata__``: `kind` (what the file is), `kerazoo` (a JSON text) and `crc32` (one per tensor).
"""

from __future__ import annotations

import io
import json
import math
import mmap as mmap_module
import os
import sys
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerazoo._runtime.atomic_writes import put_in_place, remove_leftovers, replacing
from kerazoo.errors import InvalidArgumentError, KerazooError, StorageError

__all__ = [
    "DAMAGE",
    "Blocks",
    "damage_of",
    "parsed_json",
    "put_in_place",
    "read_tensors",
    "remove_leftovers",
    "replacing",
    "tensors_from_bytes",
    "tensors_to_bytes",
    "write_tensors",
]

# What using values of another type or size than expected raises. Whatever is in a file, its reader raises StorageError.
DAMAGE = (
    ArithmeticError, AssertionError, AttributeError, LookupError, RecursionError, StopIteration, SyntaxError,
    TypeError, ValueError,
)  # fmt: skip

# safetensors name -> little-endian NumPy dtype
_DTYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "|i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "|u1", "BOOL": "|b1",
}  # fmt: skip
_NAMES = {np.dtype(dtype): name for name, dtype in _DTYPES.items()}
_OPENERS = {
    "kerazoo.corpus": "kerazoo.EncodedCorpus.load",
    "kerazoo.fasttext": "kerazoo.FastText.load",
    "kerazoo.forecaster": "kerazoo.Forecaster.load",
    "kerazoo.frozen_phrases": "kerazoo.text.FrozenPhrases.load",
    "kerazoo.gensim.word2vec": "kerazoo.gensim.Word2Vec.load",
    "kerazoo.phrases": "kerazoo.text.Phrases.load",
    "kerazoo.vectors": "kerazoo.word2vec.load_vectors",
    "kerazoo.word2vec": "kerazoo.Word2Vec.load",
}
_ALIGNMENT = 64  # of the first array: a cache line
_LARGEST_HEADER = 100_000_000  # as in safetensors
_STEP = 1 << 24  # bytes checksummed and written at a time


@dataclass(frozen=True)
class Blocks:
    """An array written piece by piece: `blocks` yields 1-d arrays that together are `shape` values of `dtype`."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    blocks: Iterable[NDArray[Any]]


@contextmanager
def damage_of(path: str | os.PathLike[str], remedy: str) -> Iterator[None]:
    """Turn the errors of using what is in a file into :class:`StorageError`, which it passes on.

    Args:
        path: the file, for the message.
        remedy: the last sentence of the message.

    >>> with damage_of("model.kerazoo", "Train it again."):
    ...     {}["vectors"]
    Traceback (most recent call last):
    ...
    kerazoo.errors.StorageError: model.kerazoo: damaged: KeyError('vectors'). Train it again.
    """
    try:
        yield
    except StorageError:
        raise
    except DAMAGE as error:
        # A message of ours says what is wrong; another one needs its type beside it.
        reason = str(error).rstrip(".") if isinstance(error, KerazooError) else repr(error)
        raise StorageError(f"{os.fspath(path)}: damaged: {reason:.1000}. {remedy}") from error


def parsed_json(text: Any) -> Any:
    """The value of JSON text; NaN and Infinity, which are no JSON and which we do not write, are a ValueError."""
    return json.loads(text, parse_constant=_no_number)


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is not a number of JSON")


def write_tensors(
    path: str | os.PathLike[str],
    arrays: Mapping[str, NDArray[Any] | Blocks],
    metadata: Mapping[str, Any],
    *,
    kind: str,
) -> None:
    """Write arrays and metadata to `path`, whole or not at all.

    See :func:`replacing`: a crash leaves either the old file or the new one. Arrays are streamed: a memory-mapped array
    is not read into memory as a whole.

    Args:
        path: replaced if it exists; its folder must exist.
        arrays: name -> array of any shape (bool, int, uint or float), or :class:`Blocks`.
        metadata: what `json` can write.
        kind: the kind of the file, such as ``"kerazoo.corpus"``; :func:`read_tensors` checks it.

    Raises:
        StorageError: the file cannot be written.
        InvalidArgumentError: an array or the metadata has a type that such a file cannot hold.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "numbers.safetensors"
    ...     write_tensors(file, {"x": np.arange(3)}, {"note": "three"}, kind="example")
    ...     arrays, metadata = read_tensors(file, kind="example", mmap=False)
    >>> arrays["x"].tolist(), metadata
    ([0, 1, 2], {'note': 'three'})
    """
    sources, order, notes = _prepared(arrays, metadata)
    with replacing(path) as part, open(part, "xb") as file:
        _write_to(file, sources, order, kind, notes)


def tensors_to_bytes(arrays: Mapping[str, NDArray[Any]], metadata: Mapping[str, Any], *, kind: str) -> bytes:
    """The content of the file of :func:`write_tensors`, without a file."""
    sources, order, notes = _prepared(arrays, metadata)
    file = io.BytesIO()
    _write_to(file, sources, order, kind, notes)
    return file.getvalue()


def _prepared(
    arrays: Mapping[str, NDArray[Any] | Blocks], metadata: Mapping[str, Any]
) -> tuple[dict[str, Blocks], list[str], str]:
    """The arrays, the order in which they are written, and the metadata as JSON."""
    sources = {name: _checked(name, array) for name, array in arrays.items()}
    # Wide values first: then every array starts at a multiple of its own item size, with no holes between them.
    order = sorted(sources, key=lambda name: -sources[name].dtype.itemsize)
    try:
        return sources, order, json.dumps(metadata, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(f"metadata cannot be written as JSON: {error}") from None


def _write_to(file: Any, sources: Mapping[str, Blocks], order: list[str], kind: str, notes: str) -> None:
    file.write(_header(order, sources, kind, notes, dict.fromkeys(order, 0)))
    sums = {name: _stream(file, name, sources[name]) for name in order}
    file.seek(0)
    file.write(_header(order, sources, kind, notes, sums))  # the same length: a checksum has 8 digits


def read_tensors(
    path: str | os.PathLike[str], *, kind: str | tuple[str, ...], mmap: bool = True, verify: bool | None = None
) -> tuple[dict[str, NDArray[Any]], Any]:
    """Arrays and metadata of a file of :func:`write_tensors`.

    Args:
        path: the file.
        kind: the kind that the file must have, or several of which it must have one.
        mmap: True: the arrays are read-only views of the mapped file, read from the disk on access. False: they are
            read into memory and are writable.
        verify: compare the checksums of the data. Default: only if `mmap` is False, when all data are read anyway.

    Returns:
        (name -> array, metadata).

    Raises:
        StorageError: the file is missing, damaged, truncated, of another format or of another kind.
    """
    source = Path(path)
    kinds = (kind,) if isinstance(kind, str) else kind
    try:
        with open(source, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            entries, notes, start = _read_header(source, file, size, kinds)
            if mmap and size > start:
                buffer: Any = mmap_module.mmap(file.fileno(), 0, access=mmap_module.ACCESS_READ)
                base = start
            else:
                file.seek(start)
                buffer, base = np.empty(size - start, np.uint8), 0
                got = file.readinto(memoryview(buffer))
                if got != size - start:
                    raise _damaged(source, f"only {got} of {size - start} bytes of data could be read")
    except FileNotFoundError:
        raise StorageError(f"{source}: no such file. Check the path; {kinds[0]} files are written by save().") from None
    except OSError as error:
        if isinstance(error, StorageError):
            raise
        raise StorageError(f"{source}: cannot be read ({error.strerror or error}).") from error
    found = _views(source, buffer, base, size, entries, notes, verify if verify is not None else not mmap)
    return found, notes["kerazoo"]


def tensors_from_bytes(content: bytes, *, kind: str) -> tuple[dict[str, NDArray[Any]], Any]:
    """Arrays, read-only, and metadata of what :func:`tensors_to_bytes` returned.

    Raises:
        StorageError: the content is damaged, or of another kind.
    """
    source = Path("the bytes")
    entries, notes, start = _read_header(source, io.BytesIO(content), len(content), (kind,))
    return _views(source, content, start, len(content), entries, notes, True), notes["kerazoo"]


def _views(
    source: Path, buffer: Any, base: int, size: int, entries: Mapping[str, Any], notes: Mapping[str, Any], verify: bool
) -> dict[str, NDArray[Any]]:
    """The arrays in `buffer`, whose data start at byte `base`; compares the checksums if `verify`."""
    for name, (_, shape, _, _) in entries.items():
        if not math.prod(shape) and max(shape) > size:  # an empty array can claim to have any number of rows
            raise _damaged(source, f"{name!r} has shape {shape}")
    try:
        arrays = {
            name: _array(buffer, base + begin, dtype, shape) for name, (dtype, shape, begin, _) in entries.items()
        }
    except ValueError as error:  # more axes, or a longer one, than NumPy has
        raise _damaged(source, f"an array has a shape that cannot be ({error})") from None
    if verify:
        for name, array in arrays.items():
            if f"{_checksum(array):08x}" != notes["crc32"].get(name):
                raise _damaged(source, f"the checksum of {name!r} does not fit its data")
    return arrays


def _array(buffer: Any, begin: int, dtype: np.dtype[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    count = math.prod(shape)
    if not count:
        return np.empty(shape, dtype)
    array = np.frombuffer(buffer, dtype, count, begin).reshape(shape)
    return array if array.flags.aligned else array.copy()  # kernels trust it; files of ours have no such arrays


def _checked(name: str, array: NDArray[Any] | Blocks) -> Blocks:
    if not isinstance(name, str) or not name or name == "__metadata__":
        raise InvalidArgumentError(f"{name!r} cannot name an array; expected a str that is not '__metadata__'.")
    if not isinstance(array, Blocks):
        whole = np.asarray(array)
        array = Blocks(whole.shape, whole.dtype, _cut(whole))
    little = array.dtype.newbyteorder("<") if array.dtype.byteorder in "=>" else array.dtype
    if little not in _NAMES:
        raise InvalidArgumentError(
            f"array {name!r} has dtype {array.dtype}; expected one of {', '.join(_NAMES_SHOWN)}."
        )
    return Blocks(array.shape, little, array.blocks)


_NAMES_SHOWN = sorted(dtype.name for dtype in _NAMES)


def _cut(array: NDArray[Any]) -> Iterator[NDArray[Any]]:
    if not array.flags.c_contiguous and array.ndim > 1:
        for row in array:
            yield from _cut(row)
        return
    flat = array.reshape(-1)
    step = max(1, _STEP // max(1, array.itemsize))
    for begin in range(0, flat.size, step):
        yield flat[begin : begin + step]


def _stream(file: Any, name: str, source: Blocks) -> int:
    written, checksum = 0, 0
    for block in source.blocks:
        data = np.ascontiguousarray(block, source.dtype)
        view = data.reshape(-1).view(np.uint8).data
        checksum = zlib.crc32(view, checksum)
        file.write(view)
        written += data.size
    if written != math.prod(source.shape):
        raise InvalidArgumentError(f"array {name!r} of shape {source.shape} came as {written} values")
    return checksum


def _checksum(array: NDArray[Any]) -> int:
    checksum = 0
    for block in _cut(array):
        checksum = zlib.crc32(block.view(np.uint8).data, checksum)
    return checksum


def _header(order: list[str], sources: Mapping[str, Blocks], kind: str, notes: str, sums: Mapping[str, int]) -> bytes:
    metadata = {
        "kind": kind,
        "kerazoo": notes,
        "crc32": json.dumps({name: f"{value:08x}" for name, value in sums.items()}),
    }
    table: dict[str, Any] = {"__metadata__": metadata}
    place = 0
    for name in order:
        source = sources[name]
        end = place + math.prod(source.shape) * source.dtype.itemsize
        table[name] = {
            "dtype": _NAMES[source.dtype],
            "shape": list(source.shape),
            "data_offsets": [place, end],
        }
        place = end
    text = json.dumps(table).encode("utf-8")
    text += b" " * (-(len(text) + 8) % _ALIGNMENT)
    return len(text).to_bytes(8, "little") + text


def _remedy(kind: object) -> str:
    opener = _OPENERS.get(kind) if isinstance(kind, str) else None
    return "Open it with what wrote it." if opener is None else f"{opener} opens it."


def _damaged(path: Path, reason: str) -> StorageError:
    return StorageError(f"{path}: damaged or not a file of kerazoo: {reason}. Write it again, or copy it again whole.")


def _read_header(
    path: Path, file: Any, size: int, kinds: tuple[str, ...]
) -> tuple[dict[str, tuple[np.dtype[Any], tuple[int, ...], int, int]], dict[str, Any], int]:
    """(name -> (dtype, shape, begin, end), the parsed metadata, where the data begin)."""
    length = int.from_bytes(file.read(8), "little")
    if size < 8 or length > min(size - 8, _LARGEST_HEADER):
        raise _damaged(path, f"{size} bytes cannot hold its header")
    try:
        table = parsed_json(file.read(length))
        metadata = table.pop("__metadata__", {})
        found = metadata.get("kind")
        entries = {}
        place = 0
        for name, entry in sorted(table.items(), key=lambda item: item[1]["data_offsets"]):
            dtype = np.dtype(_DTYPES[entry["dtype"]])
            shape = tuple(entry["shape"])
            begin, end = entry["data_offsets"]
            if not all(type(number) is int and number >= 0 for number in (*shape, begin, end)):
                raise ValueError(f"{name!r} has a shape or a place that is not a number")
            if begin != place or end - begin != math.prod(shape) * dtype.itemsize:
                raise ValueError(f"{name!r} has shape {shape}, but its place is {begin} to {end}")
            entries[name] = (dtype, shape, begin, end)
            place = end
    except DAMAGE as error:
        raise _damaged(path, f"its header cannot be read ({error})") from None
    if found not in kinds:
        shown = f"a file of kind {found!r}" if found else "a safetensors file that kerazoo did not write"
        expected = " or ".join(map(repr, kinds))
        raise StorageError(f"{path}: {shown}; expected kind {expected}. {_remedy(found)}")
    start = 8 + length
    if size != start + place:
        raise _damaged(path, f"it has {size:,} bytes where its header says {start + place:,}; was it cut short?")
    try:
        notes = {"kerazoo": parsed_json(metadata["kerazoo"]), "crc32": dict(parsed_json(metadata["crc32"]))}
    except DAMAGE as error:
        raise _damaged(path, f"its metadata cannot be read ({error})") from None
    return entries, notes, start


if sys.byteorder != "little":  # pragma: no cover
    raise ImportError("kerazoo._runtime.files maps little-endian files, which this machine cannot use as they are.")
