"""Calls of the kernel of the native engine."""

from __future__ import annotations

from typing import Any

from kerazoo_ext import _word2vec


def train(*arguments: Any, begin: int, end: int, **settings: Any) -> tuple[float, int, int]:
    """`Trainer.train` of a new trainer with these arguments, which is closed afterwards."""
    trainer = _word2vec.Trainer(*arguments, **settings)
    try:
        return trainer.train(begin, end)
    finally:
        trainer.close()
