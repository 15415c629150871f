"""`numbered_anew`: names of the networks that a fit makes for itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from keras.src.backend.common import global_state  # the numbers of names have no public name

__all__ = ["numbered_anew"]

_NUMBERS = "object_name_uids"  # of Keras: name -> how many objects have it


@contextmanager
def numbered_anew() -> Iterator[None]:
    """Context in which Keras numbers the names of layers from 0, and goes on as before afterwards.

    TensorFlow keeps a kernel of 36 kB for each name that a variable ever had, and networks that are made for a fit need
    no names of their own among those of the program.
    """
    before = global_state.get_global_attribute(_NUMBERS)
    global_state.set_global_attribute(_NUMBERS, defaultdict(int))
    try:
        yield
    finally:
        global_state.set_global_attribute(_NUMBERS, before)
