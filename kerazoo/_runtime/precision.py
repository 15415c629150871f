"""`in_float32`: the estimators compute in float32, whatever Keras's global settings are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["in_float32"]


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

    floatx, policy = keras.config.floatx(), keras.config.dtype_policy()
    if (floatx, policy.name) == ("float32", "float32"):
        yield
        return
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")
    try:
        yield
    finally:
        keras.config.set_floatx(floatx)
        keras.config.set_dtype_policy(policy)
