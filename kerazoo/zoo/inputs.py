"""`SequenceInput`, the first layer of every zoo model: clear errors for inputs of a wrong shape."""

from __future__ import annotations

from typing import Any

import keras

from kerazoo.errors import InvalidArgumentError

__all__ = ["SequenceInput"]


@keras.saving.register_keras_serializable(package="kerazoo")
class SequenceInput(keras.layers.Layer):
    """Checks the shape of its input and returns it unchanged.

    Args:
        features: int or None, last axis of the input, including the time stamp; None for ids (B, T).
        timestamps: bool, the last feature is the time.
        **kwargs: `name`, `dtype`.

    Raises:
        InvalidArgumentError: when called: wrong rank, no steps, wrong number of features, time stamps missing.
    """

    def __init__(self, features: int | None, timestamps: bool = False, **kwargs: Any) -> None:
        kwargs.setdefault("autocast", False)
        super().__init__(**kwargs)
        self.features = features
        self.timestamps = timestamps
        self.supports_masking = True
        self.built = True

    def call(self, inputs: Any) -> Any:
        """The inputs, after :meth:`check`."""
        self.check(tuple(inputs.shape))
        return inputs

    def check(self, shape: tuple[int | None, ...]) -> None:
        """Raise an error unless the model accepts inputs of this shape."""
        if self.features is None:
            wanted, rank, remedy = "(batch, steps), ids of words", 2, "One sequence is ids[None, :]."
        else:
            wanted, rank = f"(batch, steps, {self.features})", 3
            remedy = "One series of a single feature is x[None, :, None]."
        if len(shape) != rank:
            raise InvalidArgumentError(f"input of shape {shape}; expected {wanted}. {remedy}")
        if shape[1] == 0:
            raise InvalidArgumentError(
                f"input of shape {shape} has no steps; expected {wanted} with at least one step."
            )
        if self.features is None or shape[2] in (self.features, None):
            return
        if self.timestamps and shape[2] == self.features - 1:
            raise InvalidArgumentError(
                f"time stamps missing: input of shape {shape}; expected {wanted}, the last feature being the time."
            )
        raise InvalidArgumentError(
            f"input of shape {shape} has {shape[2]} features; expected {wanted}. RNNSpec(features=...) sets the number."
        )

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Shape of the input."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments as plain values."""
        return {**super().get_config(), "features": self.features, "timestamps": self.timestamps}
