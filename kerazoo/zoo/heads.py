"""The layers after the last recurrent layer: shapes of forecasts, and heads over a vocabulary."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from kerazoo.errors import InvalidArgumentError
from kerazoo.word2vec.keras.nce import NCE
from kerazoo.zoo.models import CheckedArrays, CheckedInputs
from kerazoo.zoo.padding import mask_of_outputs, without_padding
from kerazoo.zoo.targets import fitting_targets, nan_outside

__all__ = ["DropTimeStamp", "SampledHead", "SplitHorizon", "TokenFunctional", "TokenSequential"]


@keras.saving.register_keras_serializable(package="kerazoo")
class DropTimeStamp(keras.layers.Layer):
    """Removes the time stamp, the last feature: (..., U + 1) -> (..., U)."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self.built = True

    def call(self, inputs: Any) -> Any:
        """All features but the last."""
        return inputs[..., :-1]

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Shape of the output."""
        return (*input_shape[:-1], input_shape[-1] - 1)


@keras.saving.register_keras_serializable(package="kerazoo")
class SplitHorizon(keras.layers.Layer):
    """Reshapes forecasts: (..., horizon * outputs) -> (..., horizon, outputs).

    Args:
        horizon, outputs: int >= 1.
        **kwargs: `name`, `dtype`.
    """

    def __init__(self, horizon: int, outputs: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.horizon, self.outputs = horizon, outputs
        self.supports_masking = True
        self.built = True

    def call(self, inputs: Any) -> Any:
        """The inputs with an axis for the steps of the forecast."""
        if None in tuple(inputs.shape)[1:]:
            # An export: tf2onnx joins a reshape of unknown sizes with that of the layer before, wrongly.
            return ops.take(inputs, np.arange(self.horizon * self.outputs).reshape(self.horizon, self.outputs), axis=-1)
        return ops.reshape(inputs, (*ops.shape(inputs)[:-1], self.horizon, self.outputs))

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """The mask in the shape of the losses, (B, T, horizon): Keras does not add the axis."""
        if previous_mask is None or len(inputs.shape) < 3:
            return previous_mask
        return ops.repeat(ops.expand_dims(previous_mask, -1), self.horizon, axis=-1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Shape of the output."""
        return (*input_shape[:-1], self.horizon, self.outputs)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments as plain values."""
        return {**super().get_config(), "horizon": self.horizon, "outputs": self.outputs}


@keras.saving.register_keras_serializable(package="kerazoo")
class SampledHead(NCE):
    """:class:`kerazoo.word2vec.NCE` as the last layer of a model: logits of all words, except while training.

    While training it returns its input unchanged, because the noise words replace the logits of a large vocabulary. The
    model (`TokenSequential`, `TokenFunctional`) then computes the loss with it.
    """

    def call(self, inputs: Any, targets: Any = None, noise: Any = None, training: bool = False) -> Any:
        """Logits (..., V), or the inputs while training; with `targets` as in :class:`kerazoo.word2vec.NCE`."""
        if targets is None and training:
            return inputs
        return super().call(inputs, targets, noise)

    def compute_output_shape(self, input_shape: Any, *others: Any) -> Any:
        """Shape of the logits."""
        return (*input_shape[:-1], self.vocabulary_size)


class _SampledLoss(CheckedArrays):
    """`compute_loss` of models that end in a `SampledHead`: sampled while training, the full softmax otherwise."""

    def _losses_of_ids(self) -> dict[str | None, Any]:
        return {None: None}

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """Mean loss per position that is not padding: of the head while training, else the cross-entropy of the words.

        Args:
            x: inputs, from which the mask of padded steps is made.
            y: integer, ids of the target words, (B, T) or (B,), or with a last axis of 1.
            y_pred: outputs of the model: hidden vectors while training, else logits.
            sample_weight: float, weight of the loss of each position, or None.
            training: bool.

        Returns:
            A float scalar. The exponential of the cross-entropy is the perplexity.

        Raises:
            InvalidArgumentError: there is not one id per position.
        """
        head = self.layers[-1]  # type: ignore[attr-defined]
        try:
            y = ops.cast(fitting_targets(y, y_pred, "ids"), "int32")
        except InvalidArgumentError:
            self.forget_steps()
            raise
        if len(y.shape) == len(y_pred.shape) and y.shape[-1] == 1:
            y = ops.squeeze(y, -1)
        mask = mask_of_outputs(self.layers, x)  # type: ignore[attr-defined]
        y = without_padding(y, mask)
        if training:
            losses = head.losses_of(y_pred, y)
        else:
            losses = keras.losses.sparse_categorical_crossentropy(y, ops.cast(y_pred, "float32"), from_logits=True)
        if sample_weight is not None:
            losses = losses * ops.cast(ops.reshape(sample_weight, ops.shape(losses)), losses.dtype)
        if mask is None:
            total = ops.mean(losses)
        else:
            valid = ops.cast(mask, losses.dtype)
            total = ops.sum(losses * valid) / ops.maximum(ops.sum(valid), 1)
        total = nan_outside(total, y, head.vocabulary_size)
        for each in self.losses:  # type: ignore[attr-defined]
            total = total + ops.cast(each, total.dtype)
        return total


@keras.saving.register_keras_serializable(package="kerazoo")
class TokenSequential(_SampledLoss, keras.Sequential):
    """A `keras.Sequential` that ends in a `SampledHead`: ``compile(optimizer)``, then `fit` with (ids, next ids)."""


@keras.saving.register_keras_serializable(package="kerazoo")
class TokenFunctional(CheckedInputs, _SampledLoss, keras.Model):
    """A functional `keras.Model` that ends in a `SampledHead`: ``compile(optimizer)``, `fit` with (ids, next ids)."""
