"""Files that the package itself writes, as seeds: each is made once, in a folder of its own."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["DOCUMENTS", "fasttext", "folder_of", "saved", "word2vec", "written"]

DOCUMENTS = [
    ["the", "cat", "sat", "on", "the", "mat"],
    ["the", "cat", "and", "the", "dog"],
    ["a", "dog", "sat", "on"],
    ["mat", "and", "cat", "日本", "é"],
    ["the", "dog", "the", "cat"],
] * 2


def written(write: Callable[[Path], Any], name: str = "file") -> bytes:
    """The bytes that `write` writes to a path."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        write(path)
        return path.read_bytes()


def folder_of(write: Callable[[Path], Any]) -> dict[str, bytes]:
    """The files that `write` writes into a folder, by name."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder)
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def saved(made: Any, name: str = "file") -> bytes:
    """What `made.save` writes."""
    return written(made.save, name)


@functools.cache
def word2vec(**changes: Any) -> Any:
    """A small trained `Word2Vec`."""
    from kerazoo import Word2Vec

    settings: dict[str, Any] = {
        "vector_size": 4,
        "epochs": 1,
        "min_count": 1,
        "sample": 0,
        "seed": 1,
        "verbose": 0,
        "workers": 1,
    }
    return Word2Vec(**(settings | changes)).fit(DOCUMENTS)


@functools.cache
def fasttext(**changes: Any) -> Any:
    """A small trained `FastText`."""
    from kerazoo import FastText

    settings: dict[str, Any] = {
        "vector_size": 3,
        "epochs": 1,
        "min_count": 1,
        "bucket": 50,
        "sample": 0,
        "seed": 1,
        "verbose": 0,
        "workers": 1,
    }
    return FastText(**(settings | changes)).fit(DOCUMENTS)
