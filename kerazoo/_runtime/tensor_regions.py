"""Write the arrays of one file in pieces, in any order and from several threads.

:func:`kerazoo._runtime.files.write_tensors` writes arrays one after the other. Where all of them arise together,
piece by piece, this module makes the room first: :func:`reserve_tensors`, writes of the caller, :func:`seal_tensors`.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kerazoo._runtime.files import Blocks, _header

__all__ = ["joined_crc32", "reserve_tensors", "seal_tensors"]

Shapes = Mapping[str, tuple[tuple[int, ...], Any]]


def reserve_tensors(path: Path, shapes: Shapes, metadata: Mapping[str, Any], *, kind: str) -> dict[str, int]:
    """Make a file of :mod:`kerazoo._runtime.files` with room for arrays.

    Args:
        path: replaced if it exists; not complete before :func:`seal_tensors`.
        shapes: name -> (shape, dtype).
        metadata: what `json` can write.
        kind: the kind of the file.

    Returns:
        name -> the position of the array in the file, in bytes.

    Raises:
        OSError: the file cannot be written.

    >>> import tempfile, zlib
    >>> from kerazoo._runtime.files import read_tensors
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file, shapes = Path(folder) / "numbers", {"x": ((2,), np.uint8)}
    ...     place = reserve_tensors(file, shapes, {}, kind="example")["x"]
    ...     with open(file, "rb+") as target:
    ...         _ = target.seek(place + 1), target.write(b"2"), target.seek(place), target.write(b"1")
    ...     sum_of_x = joined_crc32([(zlib.crc32(b"1"), 1), (zlib.crc32(b"2"), 1)])
    ...     seal_tensors(file, shapes, {}, {"x": sum_of_x}, kind="example")
    ...     arrays, _ = read_tensors(file, kind="example", mmap=False)
    >>> arrays["x"].tobytes()
    b'12'
    """
    sources, order = _sources(shapes)
    header = _header(order, sources, kind, json.dumps(metadata, allow_nan=False), dict.fromkeys(order, 0))
    places, place = {}, len(header)
    for name in order:
        places[name] = place
        place += math.prod(sources[name].shape) * sources[name].dtype.itemsize
    with open(path, "wb") as file:
        file.write(header)
        file.truncate(place)
    return places


def seal_tensors(
    path: Path, shapes: Shapes, metadata: Mapping[str, Any], sums: Mapping[str, int], *, kind: str
) -> None:
    """Write the checksums of the arrays, and flush the file to the disk.

    Args:
        path: as given to :func:`reserve_tensors`, as are `shapes`, `metadata` and `kind`.
        shapes: see `path`.
        metadata: see `path`.
        sums: name -> CRC-32 of the bytes of the array.
        kind: see `path`.

    Raises:
        OSError: the file cannot be written.
    """
    sources, order = _sources(shapes)
    with open(path, "rb+") as file:
        file.write(_header(order, sources, kind, json.dumps(metadata, allow_nan=False), sums))
        file.flush()
        os.fsync(file.fileno())


def _sources(shapes: Shapes) -> tuple[dict[str, Blocks], list[str]]:
    sources = {name: Blocks(shape, np.dtype(dtype).newbyteorder("<"), ()) for name, (shape, dtype) in shapes.items()}
    return sources, sorted(sources, key=lambda name: -sources[name].dtype.itemsize)  # as in `write_tensors`


def joined_crc32(parts: Iterable[tuple[int, int]]) -> int:
    """The CRC-32 of byte strings end to end, from the CRC-32 and the length of each.

    Appending n zero bytes multiplies the CRC, a polynomial over GF(2), by x^(8 n); as in zlib's `crc32_combine`.

    >>> import zlib
    >>> joined_crc32([(zlib.crc32(b"ab"), 2), (zlib.crc32(b"c"), 1)]) == zlib.crc32(b"abc")
    True
    """
    joined = 0
    for checksum, length in parts:
        joined = _product(_power_of_x(8 * length), joined) ^ checksum
    return joined


def _product(a: int, b: int) -> int:
    """The product modulo the polynomial of CRC-32, whose highest power is the lowest bit."""
    product = 0
    for bit in range(31, -1, -1):
        if a >> bit & 1:
            product ^= b
        b = b >> 1 ^ (0xEDB88320 if b & 1 else 0)
    return product


def _power_of_x(n: int) -> int:
    power, square = 1 << 31, 1 << 30  # x^0, x^1
    while n:
        if n & 1:
            power = _product(square, power)
        square = _product(square, square)
        n >>= 1
    return power
