"""`in_float32`: the estimators compute in float32, whatever Keras's global settings are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kerazoo._runtime.locks import module_lock

__all__ = ["in_float32"]

# The dtype policy is one of the thread, floatx one of the process: the first block sets it, the last one restores it.
_lock = module_lock()
_blocks = 0
_floatx = "float32"


@contextmanager
def in_float32() -> Iterator[None]:
    """Run a block, or as a decorator a function, with Keras's dtype policy and floatx at float32.

    The windows of a forecaster are float32, and so are the loops of its networks; the tables of `Word2Vec` and the
    gradients of its blocks are, too. Settings of the program, such as
    ``keras.config.set_dtype_policy("mixed_float16")``, are for its own models; they are restored afterwards. Where they
    are float32 already, as by default, nothing is set.

    >>> import keras
    >>> with in_float32():
    ...     keras.layers.Dense(2).dtype
    'float32'
    """
    import keras  # here, as whoever only may need networks imports this file

    global _blocks, _floatx
    policy = keras.config.dtype_policy()
    with _lock:
        if not _blocks:
            _floatx = keras.config.floatx()
        _blocks += 1
        if keras.config.floatx() != "float32":
            keras.config.set_floatx("float32")
    if policy.name != "float32":
        keras.config.set_dtype_policy("float32")
    try:
        yield
    finally:
        if policy.name != "float32":
            keras.config.set_dtype_policy(policy)
        with _lock:
            _blocks -= 1
            if not _blocks and _floatx != "float32":
                keras.config.set_floatx(_floatx)
