"""The first layers of zoo models: they check inputs, and join features that do not change to every step."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kerazoo.errors import InvalidArgumentError

__all__ = ["INPUTS", "JoinStatic", "SequenceInput", "both_inputs"]

#: The names of the inputs of a model with static features.
INPUTS = ("sequence", "static")


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


@keras.saving.register_keras_serializable(package="kerazoo")
class JoinStatic(keras.layers.Layer):
    """Joins static features to every step: [(B, T, F), (B, S)] -> (B, T, F + S).

    Args:
        static: int >= 1, S.
        timestamps: bool, the last feature of the sequence is the time, and stays the last.
        **kwargs: `name`, `dtype`.

    >>> import numpy as np
    >>> layer = JoinStatic(1)
    >>> np.asarray(layer([np.zeros((1, 2, 1), "float32"), np.ones((1, 1), "float32")])).tolist()
    [[[0.0, 1.0], [0.0, 1.0]]]
    """

    def __init__(self, static: int, timestamps: bool = False, **kwargs: Any) -> None:
        kwargs.setdefault("autocast", False)
        super().__init__(**kwargs)
        self.static, self.timestamps = static, timestamps
        self.supports_masking = True
        self.built = True

    def call(self, inputs: Any) -> Any:
        """The sequence with more features."""
        sequence, static = inputs
        static = ops.expand_dims(ops.cast(static, sequence.dtype), 1)
        steps = ops.repeat(static, ops.shape(sequence)[1], axis=1)
        if not self.timestamps:
            return ops.concatenate([sequence, steps], axis=-1)
        return ops.concatenate([sequence[..., :-1], steps, sequence[..., -1:]], axis=-1)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """The mask of the sequence."""
        return previous_mask[0] if isinstance(previous_mask, list | tuple) else previous_mask

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Shape of the output."""
        sequence = input_shape[0]
        return (*sequence[:-1], sequence[-1] + self.static)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments as plain values."""
        return {**super().get_config(), "static": self.static, "timestamps": self.timestamps}


def both_inputs(inputs: Any, sequence: str, static: int) -> list[Any]:
    """The sequence and the static features that a model was called with.

    Args:
        inputs: a list of both, or a dict with the keys of `INPUTS`.
        sequence: str, the shape of the sequence, for errors.
        static: int, number of static features.

    Raises:
        InvalidArgumentError: an input is missing or not known, or the static features have another shape.
    """
    wanted = f"[x, static] or {{'sequence': x, 'static': static}}, with x {sequence} and static (batch, {static})"
    if isinstance(inputs, dict):
        if set(inputs) != set(INPUTS):
            raise InvalidArgumentError(f"inputs with the keys {', '.join(map(repr, inputs))}; expected {wanted}.")
        inputs = [inputs[name] for name in INPUTS]
    elif not isinstance(inputs, list | tuple):
        raise InvalidArgumentError(f"one input, {_shown(inputs)}; expected two: {wanted}.")
    if len(inputs) != 2 or any(each is None for each in inputs):
        shown = ", ".join(map(_shown, inputs))
        raise InvalidArgumentError(f"{len(inputs)} inputs ({shown}); expected two: {wanted}.")
    shapes = [tuple(getattr(each, "shape", ())) for each in inputs]
    alone = static == 1 and len(shapes[1]) == 1  # Keras adds an axis of size 1
    if not alone and (len(shapes[1]) != 2 or shapes[1][1] not in (static, None)):
        raise InvalidArgumentError(
            f"static features of shape {shapes[1]}; expected (batch, {static}): values that hold for the whole "
            "sequence. Values that change from step to step are features of the sequence."
        )
    batches = {shape[0] for shape in shapes if shape and isinstance(shape[0], int)}
    if len(batches) > 1:
        raise InvalidArgumentError(
            f"{shapes[0][0]} sequences and {shapes[1][0]} rows of static features; expected one row per sequence."
        )
    return list(inputs)


def _shown(value: Any) -> str:
    return "None" if value is None else f"shape {tuple(getattr(value, 'shape', ()))}"
