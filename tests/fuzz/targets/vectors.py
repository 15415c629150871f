"""Readers of word vectors: every format of docs/vector-files.md, and fastText's models."""

from __future__ import annotations

import functools
import gzip
import io
import pickle
from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np

from tests.fuzz.mutation import BYTES, TEXT, flip_bits, packed_mutation, words_mutation
from tests.fuzz.target import Target
from tests.fuzz.targets.saved import fasttext, saved, word2vec, written
from tests.fuzz.tensor_files import TENSORS

__all__ = ["TARGETS"]


def reader(suffix: str) -> Callable[[bytes, Path], object]:
    """Reads a file of that suffix, then uses all of it."""

    def read(data: bytes, folder: Path) -> object:
        from kerazoo.word2vec import load_vectors

        path = folder / f"vectors{suffix}"
        path.write_bytes(data)
        errors = ("strict", "replace", "ignore")[len(data) % 3]
        found = load_vectors(path, unicode_errors=errors)
        assert found.vectors.dtype == np.float32
        assert found.vectors.shape == (len(found.words), found.vector_size)
        assert len(set(found.words)) == len(found.words)
        float(found.vectors.sum(where=np.isfinite(found.vectors), dtype=np.float64))  # reads all pages
        with np.errstate(all="ignore"):
            found.most_similar(found.words[-1], 2)
            if len(data) % 4 == 0:
                from kerazoo.word2vec import save_vectors

                save_vectors(found, folder / f"again{('.txt', '.bin', '.safetensors')[len(found.words) % 3]}")
        return found.counts is None

    return read


def _values(n: int = 5, counts: bool = True) -> object:
    from kerazoo.word2vec.io.word_vectors import WordVectors

    words = ["the", "日本", "new_york", "x", "é", "...", "0.5"][:n]
    table = np.arange(3 * len(words), dtype=np.float32).reshape(-1, 3) / 7 - 1
    return WordVectors(words, table, np.arange(len(words), 0, -1) if counts else None)


def _saved(suffix: str, **options: str) -> bytes:
    from kerazoo.word2vec import save_vectors

    return written(lambda path: save_vectors(_values(), path, **options), f"vectors{suffix}")


def text_seeds() -> list[bytes]:
    return [
        _saved(".txt"),
        _saved(".txt").split(b"\n", 1)[1],
        _saved(".txt.gz"),
        _saved(".txt.xz"),
        _saved(".txt.zst"),
        _saved(".txt.bz2"),
        b". . . 1 2 3\na 4 5 6\n",
        b"1 1\na 1e3\n",
        b"a\t1\t2\r\nb\t3\t4\r\n",
    ]


def binary_seeds() -> list[bytes]:
    plain = _saved(".bin")
    return [
        plain,
        _saved(".bin.gz"),
        _saved(".bin.zst"),
        plain.replace(b" ", b"\n ", 1),
        b"1 2\na " + b"\0" * 8,
        b"1 2\na " + b"\0" * 8 + b"\n",
    ]


def tensor_seeds() -> list[bytes]:
    return [*(_saved(".safetensors", dtype=each) for each in ("float32", "float16", "int8"))]


def pickle_seeds() -> list[bytes]:
    from kerazoo.word2vec.io.keyed_vectors import keyed_vectors_of

    values = _values()
    made = keyed_vectors_of(values.words, values.vectors, values.counts)  # type: ignore[attr-defined]
    return [_saved(".kv"), _saved(".kv.gz"), *(pickle.dumps(made, protocol=each) for each in (2, 3, 4))]


def any_seeds() -> list[bytes]:
    return [*text_seeds(), *binary_seeds(), *tensor_seeds(), *pickle_seeds()[:2], saved(word2vec()), saved(fasttext())]


def read_beside(data: bytes, folder: Path) -> object:
    """A .kv file whose table is in a file of its own, plain or packed, which is the input."""
    from kerazoo.word2vec import load_vectors

    packed = data[:1] == b"\x01"
    (folder / "vectors.kv").write_bytes(_without_table())
    (folder / f"vectors.kv.vectors.{'npz' if packed else 'npy'}").write_bytes(data[1:])
    found = load_vectors(folder / "vectors.kv")
    assert found.vectors.shape[0] == len(found.words)
    float(found.vectors.sum(where=np.isfinite(found.vectors), dtype=np.float64))
    return packed


@functools.cache
def _without_table() -> bytes:
    from kerazoo.word2vec.io.keyed_vectors import keyed_vectors_of

    values = _values()
    made = keyed_vectors_of(values.words, values.vectors, values.counts)  # type: ignore[attr-defined]
    made.__dict__["__numpys"] = ["vectors"]
    made.vectors = None
    return pickle.dumps(made, protocol=4)


def beside_seeds() -> list[bytes]:
    table = _values().vectors  # type: ignore[attr-defined]
    arrays = (table, table.astype(np.float64), np.asfortranarray(table), np.zeros((1 << 16, 4), np.float32))
    found = []
    for array in arrays:
        for number, write in enumerate(
            (lambda file, array: np.save(file, array), lambda file, array: np.savez_compressed(file, val=array))
        ):
            out = io.BytesIO()
            write(out, array)
            if len(out.getvalue()) < 1 << 16:
                found.append(bytes([number]) + out.getvalue())
    return found


# What a hostile pickle would call, in protocols 0 and 4, and arrays that claim to be large.
_GLOBALS = [
    f"c{module}\n{name}\n"
    for module, name in (
        ("os", "system"),
        ("builtins", "eval"),
        ("builtins", "getattr"),
        ("subprocess", "Popen"),
        ("posix", "system"),
        ("numpy", "load"),
        ("numpy", "memmap"),
        ("numpy", "fromfile"),
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
        ("numpy.core.multiarray", "scalar"),
        ("_codecs", "encode"),
        ("numpy._core.numeric", "_frombuffer"),
        ("gensim.models.keyedvectors", "KeyedVectors"),
        ("numpy", "ndarray.tofile"),
        ("gensim.utils", "SaveLoad"),
        ("numpy.ctypeslib", "load_library"),
        ("os", "remove"),
        ("numpy", "int64.__class__"),
    )
]
PICKLED = words_mutation(
    [
        *_GLOBALS,
        "(S'touch /tmp/kerazoo-fuzz-ran'\ntR.",
        "(I1152921504606846976\ntR",
        "R",
        "b",
        "(",
        "t",
        "0",
        ".",
        "\x85R",
        "\x86R",
        "\x87R",
        "}",
        "]",
        "(I1099511627776\nI4\ntR",
        "K\x01\x85",
        "C\x04f8<O",
        "\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x10",
        "\x93",
        "\x81",
        "S'../../x'\n",
        "X\x09\x00\x00\x00__numpys\x00",
        "2",
        "q\x00",
        "h\x00",
        "\x94",
        "N",
        "\x88",
        "\x89",
        "a",
        "e",
        "cnumpy\nndarray\n(I1073741824\ntR",
        "cnumpy\nndarray\n((I1073741824\ntS'O'\ntR",
        "u",
        "s",
        "\x8e",
        "\x8d",
        "\x80\x04",
    ]
)


def pickle_number(rng: Random, data: bytes) -> bytes:
    """A short integer of the pickle, such as a length or a dimension, becomes a large one."""
    places = [i for i, byte in enumerate(data) if byte == 0x4B]  # BININT1
    if not places:
        return flip_bits(rng, data)
    place = rng.choice(places)
    large = rng.choice(
        (
            b"J\xff\xff\xff\x7f",
            b"J\xff\xff\xff\xff",
            b"\x8a\x08\0\0\0\0\0\0\0\x10",
            b"M\xff\xff",
            b"N",
            b"G" + b"\x7f" * 8,
        )
    )
    return data[:place] + large + data[place + 2 :]


def read_fasttext(data: bytes, folder: Path) -> object:
    """A model of fastText, then vectors of words that it does not know."""
    from kerazoo import FastText

    path = folder / "model.bin"
    path.write_bytes(data)
    model = FastText.load_facebook_model(path)
    with np.errstate(all="ignore"):
        model.transform(["the unknown wörd", ""])
    return "read"


def fasttext_seeds() -> list[bytes]:
    models = [fasttext(), fasttext(sg=0, min_n=2, max_n=3), fasttext(max_n=0, min_n=0)]
    return [written(each.save_facebook_model) for each in models]


PACKED = packed_mutation(gzip.decompress, gzip.compress)
NUMBERS = words_mutation(
    [
        "1152921504606846976 3\n",
        "5 1000001\n",
        "5 1000000\n",
        "999999999999999999 999999999999999999\n",
        "0 3\n",
        "1 0\n",
        "nan",
        " ",
        "\n",
        "\x80\x04",
        "\x1f\x8b",
        "BZh9",
    ]
)
TARGETS = (
    Target("vectors_text", reader(".txt"), text_seeds, (*TEXT, *BYTES, PACKED, NUMBERS), batch=3000),
    Target("vectors_binary", reader(".bin"), binary_seeds, (*BYTES, PACKED, NUMBERS), batch=3000),
    Target(
        "vectors_pickle",
        reader(".kv"),
        pickle_seeds,
        (*BYTES, PICKLED, PICKLED, pickle_number, pickle_number),
        batch=3000,
    ),
    Target("vectors_safetensors", reader(".safetensors"), tensor_seeds, TENSORS, batch=3000),
    Target("vectors_any", reader(""), any_seeds, (*BYTES, *TENSORS, *TEXT, NUMBERS), batch=3000),
    Target(
        "vectors_beside",
        read_beside,
        beside_seeds,
        (*BYTES, words_mutation(["(1152921504606846976, 3)", "'|O'", "'<f8'", "True", "(5, 3)", "(0, 0)", "PK"])),
        batch=2000,
    ),
    Target("vectors_fasttext", read_fasttext, fasttext_seeds, BYTES, batch=2000),
)
