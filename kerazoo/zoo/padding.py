"""Padded steps: the mask of a batch whose sequences have unequal lengths, and what it hides from losses and metrics.

Words are padded with id 0 (`Embedding(mask_zero=True)`), series with steps in which every feature is NaN. Keras hands
the mask from layer to layer and to losses and metrics. On JAX it loses the mask of the outputs on the way to the
metrics, and it knows no mask of targets. Both are mended here, from the inputs.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops
from keras.src import backend  # the mask of a tensor has no public name

__all__ = ["PaddingMask", "mask_of_inputs", "mask_of_outputs", "with_mask", "without_padding"]


@keras.saving.register_keras_serializable(package="kerazoo")
class PaddingMask(keras.layers.Layer):
    """Masks the steps in which every feature is NaN, and replaces them by zeros: (B, T, F) -> (B, T, F).

    A step with some features NaN is no padding and stays as it is, so that a gap in the data is not taken for the end
    of a series.

    >>> import numpy as np
    >>> layer = PaddingMask()
    >>> x = np.array([[[1.0, 2.0], [np.nan, np.nan]]], "float32")
    >>> np.asarray(layer(x)).tolist(), np.asarray(layer.compute_mask(x)).tolist()
    ([[[1.0, 2.0], [0.0, 0.0]]], [[True, False]])
    """

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("autocast", False)
        super().__init__(**kwargs)
        self.supports_masking = True
        self.built = True

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """Bool (B, T): False at padded steps."""
        given = ops.logical_not(ops.all(ops.isnan(inputs), axis=-1))
        return given if previous_mask is None else ops.logical_and(given, previous_mask)

    def call(self, inputs: Any) -> Any:
        """The inputs, with zeros at padded steps."""
        padded = ops.all(ops.isnan(inputs), axis=-1, keepdims=True)
        return ops.where(padded, ops.zeros_like(inputs), inputs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Shape of the input."""
        return input_shape


def mask_of_inputs(layers: Any, inputs: Any) -> Any:
    """The mask of a batch for the model of these layers.

    Args:
        layers: the layers of the model.
        inputs: (B, T, F), ids (B, T), or a list or dict of the sequence and the static features.

    Returns:
        Bool (B, T), False at padded steps; None if the model masks none.
    """
    if isinstance(inputs, dict):
        inputs = inputs.get("sequence")
    elif isinstance(inputs, list | tuple):
        inputs = inputs[0] if inputs else None
    if inputs is None:
        return None
    for layer in layers:
        if isinstance(layer, PaddingMask) or (isinstance(layer, keras.layers.Embedding) and layer.mask_zero):
            return layer.compute_mask(ops.convert_to_tensor(inputs))
    return None


def mask_of_outputs(layers: Any, inputs: Any) -> Any:
    """:func:`mask_of_inputs` for a model that returns an output for every step; None for one output per sequence."""
    recurrent = [layer for layer in layers if hasattr(layer, "return_sequences")]
    if not recurrent or not recurrent[-1].return_sequences:
        return None
    return mask_of_inputs(layers, inputs)


def _expanded(mask: Any, rank: int) -> Any:
    """The mask with axes of size 1 behind it, up to `rank` axes."""
    return ops.reshape(mask, (*ops.shape(mask)[:2], *[1] * (rank - 2)))


def with_mask(output: Any, mask: Any) -> Any:
    """The output, (B, T, ...), with the mask (B, T) where Keras looks for it, in the shape of its losses."""
    if mask is not None and len(output.shape) > 2:
        over_losses = ops.shape(output)[:-1]
        backend.set_keras_mask(output, ops.broadcast_to(_expanded(mask, len(over_losses)), over_losses))
    return output


def without_padding(targets: Any, mask: Any) -> Any:
    """The targets (B, T, ...) with zeros at padded steps: their loss counts as zero, but NaN times zero is NaN.

    >>> import numpy as np
    >>> y, mask = np.array([[1.0, np.nan]], "float32"), np.array([[True, False]])
    >>> np.asarray(without_padding(y, mask)).tolist()
    [[1.0, 0.0]]
    """
    if mask is None or targets is None or len(getattr(targets, "shape", ())) < 2:
        return targets
    return ops.where(_expanded(mask, len(targets.shape)), targets, ops.zeros_like(targets))
