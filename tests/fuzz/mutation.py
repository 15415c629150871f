"""Mutations of bytes and of text. Each takes a `random.Random` and an input, and returns another."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

__all__ = ["BYTES", "TEXT", "changed", "json_mutation", "mutated_value", "packed_mutation", "words_mutation"]

LARGEST = 1 << 17  # bytes of an input
INTERESTING = (0, 1, -1, 2, 7, 127, 128, 255, 256, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**53,
               2**60, 2**62, 2**63 - 1, 2**63, 2**64 - 1, 2**64, -(2**31), -(2**63), -(2**63) - 1, 10**30)  # fmt: skip
NUMBERS = ("0", "-0", "1e308", "1e-400", "9" * 19, "1" + "0" * 60, "nan", "inf", "-inf", "1_000", "0x10", "٣", "½", "²",
           "+5", "1e5", " 7 ", ".5", "5.", "--1", "1,5", "9" * 5000)  # fmt: skip
CHARACTERS = ("\x00", "\ufeff", "\u2028", "\x85", "\xa0", "\u3000", "é", "日本", "🙂", "\x1c", "\r", "\x1a", "\x0b",
              "\x7f", "İ", "ß", "\u0301", "../../x", "/etc/passwd", "%s%n", "{0}", "\\", "'", '"', "\t", ";", ",",
              "-", "_", "[", "]", "=", "\n")  # fmt: skip


def changed(rng: Random, data: bytes, mutations: Sequence[Callable[[Random, bytes], bytes]], most: int) -> bytes:
    """`data` after one to `most` mutations."""
    for _ in range(rng.randint(1, most)):
        data = rng.choice(mutations)(rng, data)
    return data[:LARGEST]


def flip_bits(rng: Random, data: bytes) -> bytes:
    """Some bits of some bytes are flipped."""
    if not data:
        return bytes([rng.randrange(256)])
    found = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4, 16))):
        found[rng.randrange(len(found))] ^= 1 << rng.randrange(8)
    return bytes(found)


def set_bytes(rng: Random, data: bytes) -> bytes:
    """A run of bytes is overwritten."""
    place, length = rng.randrange(len(data) + 1), rng.choice((1, 1, 2, 4, 8, 32))
    filler = rng.choice((b"\x00", b"\xff", b"\x80", b" ", b"\n", b"9", bytes([rng.randrange(256)]))) * length
    return data[:place] + filler + data[place + length :]


def set_integer(rng: Random, data: bytes) -> bytes:
    """An integer of 1, 2, 4 or 8 bytes, little or big-endian, becomes an extreme one, or one near the old one."""
    width = rng.choice((1, 2, 4, 8))
    if len(data) < width:
        return data
    place = rng.randrange(len(data) - width + 1)
    order = rng.choice(("little", "big"))
    if rng.random() < 0.5:
        value = rng.choice(INTERESTING)
    else:
        value = int.from_bytes(data[place : place + width], order) + rng.randint(-4, 4)
    return data[:place] + (value % (1 << 8 * width)).to_bytes(width, order) + data[place + width :]


def cut(rng: Random, data: bytes) -> bytes:
    """The end is cut off; seldom the start."""
    if not data:
        return data
    place = rng.randrange(len(data))
    return data[place:] if rng.random() < 0.1 else data[:place]


def remove(rng: Random, data: bytes) -> bytes:
    """A part is left out."""
    if not data:
        return data
    begin = rng.randrange(len(data))
    return data[:begin] + data[begin + rng.choice((1, 1, 2, 8, 64)) :]


def repeat(rng: Random, data: bytes) -> bytes:
    """A part is there several times, or a single byte thousands of times."""
    if not data:
        return data
    begin = rng.randrange(len(data))
    part = data[begin : begin + rng.choice((1, 2, 8, 64, 1024))]
    times = rng.choice((1, 1, 2, 3, 50)) if len(part) > 2 else rng.choice((1, 3, 100, 5000))
    return (data[:begin] + part * times + data[begin:])[:LARGEST]


def move(rng: Random, data: bytes) -> bytes:
    """A part goes to another place."""
    if len(data) < 2:
        return data
    begin = rng.randrange(len(data))
    end = min(len(data), begin + rng.choice((1, 4, 8, 64)))
    rest = data[:begin] + data[end:]
    place = rng.randrange(len(rest) + 1)
    return rest[:place] + data[begin:end] + rest[place:]


def insert_noise(rng: Random, data: bytes) -> bytes:
    """Random bytes are inserted."""
    place = rng.randrange(len(data) + 1)
    return data[:place] + rng.randbytes(rng.choice((1, 1, 2, 4, 16))) + data[place:]


def insert_character(rng: Random, data: bytes) -> bytes:
    """A character that some reader may take for something else is inserted."""
    place = rng.randrange(len(data) + 1)
    return data[:place] + rng.choice(CHARACTERS).encode() + data[place:]


def insert_number(rng: Random, data: bytes) -> bytes:
    """A number of text becomes another one, or one is inserted."""
    digits = [i for i, byte in enumerate(data) if 48 <= byte <= 57]
    if not digits or rng.random() < 0.2:
        place = end = rng.randrange(len(data) + 1)
    else:
        place = end = rng.choice(digits)
        while end < len(data) and 48 <= data[end] <= 57:
            end += 1
    number = rng.choice(NUMBERS) if rng.random() < 0.6 else str(rng.choice(INTERESTING))
    return data[:place] + number.encode() + data[end:]


def swap_lines(rng: Random, data: bytes) -> bytes:
    """Two lines change places, or one is doubled or left out."""
    lines = data.split(b"\n")
    i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
    kind = rng.randrange(3)
    if kind == 0:
        lines[i], lines[j] = lines[j], lines[i]
    elif kind == 1:
        lines.insert(i, lines[j])
    else:
        del lines[i]
    return b"\n".join(lines)


BYTES = (flip_bits, flip_bits, set_bytes, set_integer, set_integer, cut, remove, repeat, move, insert_noise)
TEXT = (flip_bits, cut, remove, repeat, move, insert_character, insert_character, insert_number, insert_number,
        swap_lines, set_bytes)  # fmt: skip


def words_mutation(words: Sequence[str]) -> Callable[[Random, bytes], bytes]:
    """A mutation that inserts words of a grammar, or puts them in place of what lies between separators."""
    encoded = [word.encode() for word in words]

    def insert_word(rng: Random, data: bytes) -> bytes:
        place = rng.randrange(len(data) + 1)
        end = min(len(data), place + rng.choice((0, 0, 1, 3, 8)))
        return data[:place] + rng.choice(encoded) + data[end:]

    return insert_word


def packed_mutation(
    unpack: Callable[[bytes], bytes], pack: Callable[[bytes], bytes]
) -> Callable[[Random, bytes], bytes]:
    """A mutation of what a compressed input contains; of the input itself where it cannot be unpacked."""

    def inside(rng: Random, data: bytes) -> bytes:
        try:
            content = unpack(data)
        except Exception:
            return flip_bits(rng, data)
        return pack(changed(rng, content[:LARGEST], TEXT, 3))

    return inside


def mutated_value(rng: Random, value: Any, depth: int = 0) -> Any:
    """A value of JSON with something in it changed: a type, a number, a key; nested, doubled, left out."""
    if isinstance(value, dict) and value and rng.random() < 0.8 and depth < 8:
        found = dict(value)
        key = rng.choice(list(found))
        kind = rng.random()
        if kind < 0.12:
            del found[key]
        elif kind < 0.2:
            found[rng.choice(("", "x", "__class__", "../../x", key + " ", "self", "name"))] = found[key]
        elif kind < 0.28:
            other = rng.choice(list(found))
            found[key], found[other] = found[other], found[key]
        else:
            found[key] = mutated_value(rng, found[key], depth + 1)
        return found
    if isinstance(value, list) and value and rng.random() < 0.8 and depth < 8:
        found = list(value)
        place = rng.randrange(len(found))
        kind = rng.random()
        if kind < 0.15:
            del found[place]
        elif kind < 0.3:
            found.insert(place, found[rng.randrange(len(found))])
        elif kind < 0.34:
            found *= rng.choice((2, 50))
        else:
            found[place] = mutated_value(rng, found[place], depth + 1)
        return found
    if isinstance(value, bool | None) or rng.random() < 0.3:
        return other_value(rng, value)
    if isinstance(value, int):
        small = value if abs(value) < 10**300 else rng.choice(INTERESTING)  # others have no float and no text
        return rng.choice((small + 1, small - 1, -small, float(small), str(small), rng.choice(INTERESTING), True))
    if isinstance(value, float):
        return rng.choice(
            (-value, 0.0, 1e308, -1e308, float("nan"), float("inf"), int(value) if abs(value) < 1e9 else 0)
        )
    if isinstance(value, str):
        text = changed(rng, value[:4096].encode("utf-8", "replace"), TEXT, 2).decode("utf-8", "replace")
        return rng.choice((text, text, "", value.upper(), value * 3))
    return other_value(rng, value)


def other_value(rng: Random, value: Any) -> Any:
    """A value of another type."""
    nested: Any = value
    for _ in range(rng.choice((1, 3, 40))):
        nested = [nested] if rng.random() < 0.5 else {"x": nested}
    return rng.choice((None, True, False, 0, -1, 1.5, "", "x", [], {}, [value], {"x": value}, nested, float("nan"),
                       rng.choice(INTERESTING), rng.choice(NUMBERS)))  # fmt: skip


def json_mutation(rng: Random, data: bytes) -> bytes:
    """A mutation of JSON text; of its bytes where it is none."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return changed(rng, data, TEXT, 1)
    kind = rng.random()
    if kind < 0.02:
        return b"[" * rng.choice((10, 5000, 100_000))
    if kind < 0.04:
        return b'{"layers":' * rng.choice((10, 5000, 20_000))
    try:
        text = json.dumps(mutated_value(rng, value))
    except (ValueError, RecursionError):
        return data
    if kind < 0.1 and text.startswith("{") and len(text) > 2:  # the same keys twice
        text = "{" + text[1:-1] + "," + json.dumps(mutated_value(rng, value))[1:]
    return text.encode()
