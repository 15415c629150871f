"""Mutations of files of tensors that keep what a random change would break: header, lengths and checksums.

The result is a file that a stranger could have made: whatever it says about itself is consistent, up to the one thing
that was changed.
"""

from __future__ import annotations

import json
import math
import zlib
from random import Random
from typing import Any

import numpy as np

from tests.fuzz.mutation import INTERESTING, changed, flip_bits, mutated_value, set_integer

__all__ = ["TENSORS", "parsed", "rebuilt"]

_DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "|i1",
           "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "|u1", "BOOL": "|b1"}  # fmt: skip


def parsed(data: bytes) -> tuple[dict[str, Any], dict[str, bytes]] | None:
    """(The header, name -> bytes of each tensor), or None for what is no file of tensors."""
    try:
        length = int.from_bytes(data[:8], "little")
        header = json.loads(data[8 : 8 + length])
        body = data[8 + length :]
        tensors = {}
        for name, entry in header.items():
            if name != "__metadata__":
                begin, end = entry["data_offsets"]
                assert 0 <= begin <= end <= len(body)
                assert isinstance(entry["shape"], list)
                tensors[name] = body[begin:end]
        tensors = dict(sorted(tensors.items(), key=lambda item: header[item[0]]["data_offsets"]))
        assert isinstance(header["__metadata__"], dict)
    except (ValueError, KeyError, TypeError, AssertionError, AttributeError, RecursionError):
        return None
    return header, tensors


def rebuilt(header: dict[str, Any], tensors: dict[str, bytes], pad: bool = True) -> bytes:
    """A file whose places and checksums fit the bytes of the tensors."""
    table: dict[str, Any] = {"__metadata__": dict(header.get("__metadata__", {}))}
    order = list(tensors)
    place, body = 0, []
    for name in order:
        entry = header[name]
        table[name] = {**entry, "data_offsets": [place, place + len(tensors[name])]}
        place += len(tensors[name])
        body.append(tensors[name])
    sums = {name: f"{zlib.crc32(tensors[name]):08x}" for name in order}
    table["__metadata__"]["crc32"] = json.dumps(sums)
    text = json.dumps(table).encode()
    if pad:
        text += b" " * (-(len(text) + 8) % 64)
    return len(text).to_bytes(8, "little") + text + b"".join(body)


def _width(entry: dict[str, Any]) -> int:
    return np.dtype(_DTYPES.get(str(entry.get("dtype")), "|u1")).itemsize


def change_notes(rng: Random, data: bytes) -> bytes:
    """Something in the JSON of kerazoo is changed."""
    found = parsed(data)
    if found is None:
        return flip_bits(rng, data)
    header, tensors = found
    metadata = dict(header["__metadata__"])
    try:
        notes = json.loads(metadata["kerazoo"])
        for _ in range(rng.choice((1, 1, 1, 2, 5))):
            notes = mutated_value(rng, notes)
        metadata["kerazoo"] = json.dumps(notes)
    except (ValueError, KeyError, TypeError, RecursionError):
        metadata["kerazoo"] = rng.choice(("", "[]", "null", "[" * 100_000, "{", "1e999", "9" * 5000, '"x"'))
    if rng.random() < 0.03:
        metadata["kerazoo"] = rng.choice(("", "[]", "null", "[" * 50_000, "{", "1e999", "9" * 5000, '"x"', 7, None))
    return rebuilt({**header, "__metadata__": metadata}, tensors)


def change_values(rng: Random, data: bytes) -> bytes:
    """Values of one tensor are changed, to extreme ones of its type or to those of a neighbour; checksums fit."""
    found = parsed(data)
    if found is None or not found[1]:
        return flip_bits(rng, data)
    header, tensors = found
    name = rng.choice(sorted(tensors))
    dtype = _DTYPES.get(str(header[name].get("dtype")), "|u1")
    width = np.dtype(dtype).itemsize
    values = bytearray(tensors[name])
    if len(values) < width:
        return flip_bits(rng, data)
    for _ in range(rng.choice((1, 1, 3, 20))):
        place = rng.randrange(len(values) // width) * width
        if dtype[1] == "f":
            value = rng.choice((0.0, -1.0, 1.0, math.nan, math.inf, -math.inf, 1e30, 1e-30, 65504.0))
            if dtype == "<f2" and abs(value) > 65504:
                value = math.inf
            packed = np.array([value], dtype).tobytes()
        elif dtype[1] == "b":
            packed = bytes([rng.choice((0, 1, 2, 255))])
        else:
            old = int.from_bytes(values[place : place + width], "little")
            value = old + rng.randint(-3, 3) if rng.random() < 0.5 else rng.choice(INTERESTING)
            packed = (value % (1 << 8 * width)).to_bytes(width, "little")
        values[place : place + width] = packed
    return rebuilt(header, {**tensors, name: bytes(values)})


def change_shape(rng: Random, data: bytes) -> bytes:
    """A tensor gets another shape or type of as many bytes, other bytes, or none; or it gets another name."""
    found = parsed(data)
    if found is None or not found[1]:
        return flip_bits(rng, data)
    header, tensors = dict(found[0]), dict(found[1])
    name = rng.choice(sorted(tensors))
    entry = dict(header[name])
    size = len(tensors[name])
    kind = rng.randrange(8)
    if kind == 0:
        entry["dtype"] = rng.choice(sorted(_DTYPES))
        width = np.dtype(_DTYPES[entry["dtype"]]).itemsize
        tensors[name] = tensors[name][: size // width * width]
        entry["shape"] = [size // width]
    elif kind == 1:
        n = size // _width(entry)
        entry["shape"] = rng.choice(
            ([n], [n, 1], [1, n], [1] * 40 + [n], [1] * 70 + [n], [n // 2, 2] if n % 2 == 0 else [n])
        )
    elif kind == 2:
        entry["shape"] = rng.choice(([0], [0, 0], [0, 2**60], [2**62, 0], [0, 2**63], [2**64, 0, 2], [0] * 70, []))
        tensors[name] = b""
    elif kind == 3:
        del header[name], tensors[name]
        return rebuilt(header, tensors)
    elif kind == 4:
        other = rng.choice(
            ("", "x", "../../x", "a/b/c/d", name + "/x", name.split("/")[0], "\x00", "series/9", "é" * 300)
        )
        header[other], tensors[other] = entry, tensors[name]
        return rebuilt(header, tensors)
    elif kind == 5:
        other = rng.choice(sorted(tensors))
        header[name], header[other] = header[other], header[name]
        tensors[name], tensors[other] = tensors[other], tensors[name]
        return rebuilt(header, tensors)
    elif kind == 6:
        n = rng.choice((1, 2, 3, 7, 100))
        width = _width(entry)
        tensors[name] = (tensors[name] * 2)[: n * width]
        entry["shape"] = [len(tensors[name]) // width]
    else:
        return rebuilt(header, tensors, pad=False)  # arrays at odd addresses
    return rebuilt({**header, name: entry}, tensors)


def change_header(rng: Random, data: bytes) -> bytes:
    """The header says something else than the file: 2^60 rows, negative places, wrong types; its length is kept."""
    found = parsed(data)
    if found is None:
        return set_integer(rng, data)
    length = int.from_bytes(data[:8], "little")
    kind = rng.random()
    if kind < 0.1:
        value = rng.choice(INTERESTING) % 2**64
        return value.to_bytes(8, "little") + data[8:]
    if kind < 0.15:
        text = rng.choice((b"[" * 100_000, b'{"a":' * 20_000, b"{}", b"[]", b"null", b'{"__metadata__": 3}', b"\xff"))
        return len(text).to_bytes(8, "little") + text + data[8 + length :]
    header = dict(found[0])
    names = sorted(found[1]) or ["x"]
    name = rng.choice(names)
    entry = dict(header.get(name, {}))
    if kind < 0.5:
        shape = entry.get("shape", [1])
        huge = rng.choice((2**60, 2**62, 2**63, 2**64, -1, -(2**60), 2**31, 1.5, True, "3", None))
        entry["shape"] = rng.choice(([huge], [*shape, huge], [huge, *shape[1:]], shape * 3, huge, [[1]]))
    elif kind < 0.7:
        entry["data_offsets"] = mutated_value(rng, entry.get("data_offsets", [0, 0]))
    elif kind < 0.8:
        entry["dtype"] = rng.choice(("F32", "O", "U1", "F8_E4M3", "BF16", "", None, ["F32"], "I64", "C64"))
    else:
        header = mutated_value(rng, header)
        if not isinstance(header, dict):
            header = {"__metadata__": header}
        text = json.dumps(header).encode()
        return len(text).to_bytes(8, "little") + text + data[8 + length :]
    text = json.dumps({**header, name: entry}).encode()
    return len(text).to_bytes(8, "little") + text + data[8 + length :]


def change_bytes(rng: Random, data: bytes) -> bytes:
    """A random change of the bytes, as damage makes it."""
    from tests.fuzz.mutation import BYTES

    return changed(rng, data, BYTES, 2)


TENSORS = (change_notes, change_notes, change_notes, change_values, change_values, change_shape, change_shape,
           change_header, change_bytes)  # fmt: skip
