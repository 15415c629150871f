"""`seeded`: the seeds that Keras draws for initializers and dropout come from the seed of a model."""

from __future__ import annotations

import contextlib
import contextvars
import random
from collections.abc import Iterator
from typing import Any

from keras.src.random import seed_generator  # it draws the seeds that were not given, from Python's generator

from kerazoo._validation import check_seed

__all__ = ["dropout_seeds", "seeded"]

_GENERATOR: contextvars.ContextVar[random.Random | None] = contextvars.ContextVar("generator", default=None)


class _PythonRandom:
    """The module `random` for Keras; while a model is built with a seed, a generator of that model and thread."""

    def __getattr__(self, name: str) -> Any:
        return getattr(_GENERATOR.get() or random, name)


# `keras.utils.set_random_seed`, and `random.seed` too, would change the generator of the whole program, and models that
# are built in several threads would take numbers from each other.
seed_generator.python_random = _PythonRandom()


@contextlib.contextmanager
def seeded(seed: int | None) -> Iterator[None]:
    """Context in which Keras draws seeds from `seed`; with None, from Python's generator as always.

    >>> import keras
    >>> with seeded(3):
    ...     one = keras.initializers.GlorotUniform()
    >>> with seeded(3):
    ...     other = keras.initializers.GlorotUniform()
    >>> one.seed == other.seed
    True
    """
    if seed is None:
        yield
        return
    token = _GENERATOR.set(random.Random(check_seed("seed", seed)))
    try:
        yield
    finally:
        _GENERATOR.reset(token)


def dropout_seeds(seed: int | None) -> Iterator[int | None]:
    """Seeds for the dropout of the layers, in order."""
    while True:
        if seed is not None:
            seed += 1
        yield seed
