"""`generate`: a model continues a series or a text by itself, in one compiled scan."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import ArrayLike, NDArray

from kerazoo._runtime.model_cache import model_cache
from kerazoo._validation import check_choice, check_int, check_real
from kerazoo.cells.base import call_cell, initial_state_of, state_sizes_of
from kerazoo.cells.loop import loop_over_steps
from kerazoo.errors import InvalidArgumentError
from kerazoo.training.calling import compiled
from kerazoo.zoo.heads import DropTimeStamp, SampledHead, SplitHorizon
from kerazoo.zoo.inputs import SequenceInput

__all__ = ["generate"]

# Layers that treat each step by itself, so that they may be given one step as a sequence of length 1.
_STEPWISE = (
    keras.layers.Activation,
    keras.layers.Dense,
    keras.layers.Dropout,
    keras.layers.Embedding,
    keras.layers.LayerNormalization,
    keras.layers.Rescaling,
    DropTimeStamp,
    SampledHead,
    SequenceInput,
    SplitHorizon,
)


def generate(
    model: keras.Model,
    seed: ArrayLike,
    steps: int,
    mode: str = "auto",
    *,
    temperature: float = 0.0,
    random_seed: int | None = None,
) -> NDArray[Any]:
    """What the model foretells, fed back into it, `steps` times.

    The whole loop is one compiled scan on every backend; it is compiled at the first call with a given shape, and the
    model's weights may change between calls.

    Args:
        model: a zoo model, or any chain of Keras layers whose outputs can be its inputs.
        seed: what is continued: float (B, T, F) or (T, F) or (T,); ids of words (B, T) or (T,) for token models. With
            time stamps as the last feature, time goes on by the last difference.
        steps: int >= 1, steps to generate.
        mode: `"states"`: the seed is read once and the states of all layers are carried on; `"window"`: the model is
            given the last T steps anew each time, from its initial state, as in the examples of `tf.contrib.rnn`;
            `"auto"`: states where the model allows it (no bidirectional or convolutional layer, horizon 1).
        temperature: float >= 0, for token models: words are drawn from softmax(logits / temperature); 0 takes the most
            probable one.
        random_seed: int or None, of the drawing.

    Returns:
        (B, steps, F) float32, or ids (B, steps) int32; without the first axis if `seed` had none.

    Raises:
        InvalidArgumentError: the seed does not fit the model, or the model's outputs cannot be its inputs.

    >>> from kerazoo import zoo
    >>> model = zoo.build("gru_1x8", seed=1)
    >>> generate(model, np.sin(np.arange(30) / 5), steps=10).shape
    (10,)
    """
    steps = check_int("steps", steps, hint="It is the number of steps to generate.")
    check_choice("mode", mode, ("auto", "states", "window"))
    temperature = check_real("temperature", temperature, 0.0)
    tokens = any(isinstance(layer, keras.layers.Embedding) for layer in model.layers)
    values, restore = _seed_of(model, seed, tokens)
    horizon = _horizon(model, values, tokens)
    chosen = _choose(model, mode, horizon)
    inputs = {"seed": values}
    if tokens:
        rng = np.random.default_rng(random_seed)
        inputs["uniform"] = rng.random((len(values), steps), dtype=np.float32)
    made = model_cache(model, "generators")
    key = (steps, chosen, horizon, temperature, tokens)
    if key not in made:
        made[key] = _Generator(model, steps, chosen, horizon, temperature, tokens)
    return restore(np.asarray(ops.convert_to_numpy(compiled(made[key])(inputs))))


def _seed_of(model: Any, seed: Any, tokens: bool) -> tuple[NDArray[Any], Any]:
    """The seed with all its axes, and the function that takes the added ones off the result."""
    values = np.asarray(seed)
    rank = 2 if tokens else 3
    if tokens and values.dtype.kind not in "iu":
        raise InvalidArgumentError(
            f"seed has type {values.dtype}; expected ids of words, integers (batch, steps) or (steps,)."
        )
    if not tokens and values.dtype.kind not in "fiu":
        raise InvalidArgumentError(f"seed has type {values.dtype}; expected numbers.")
    shape = values.shape
    if values.ndim == 1 and not tokens:
        values = values[None, :, None]
    elif values.ndim == rank - 1:
        values = values[None]
    if values.ndim != rank or values.shape[1] == 0:
        expected = "(batch, steps) or (steps,)" if tokens else "(batch, steps, features), (steps, features) or (steps,)"
        raise InvalidArgumentError(f"seed has shape {shape}; expected {expected}, with at least one step.")
    if not tokens and not np.isfinite(values).all():
        place = tuple(int(i) for i in np.argwhere(~np.isfinite(values))[0])
        raise InvalidArgumentError(f"seed is {values[place]} at {place}; expected finite numbers.")

    def restore(found: NDArray[Any]) -> NDArray[Any]:
        if len(shape) == 1 and not tokens:
            return found[0, :, 0]
        return found[0] if len(shape) == rank - 1 else found

    return values.astype("int32" if tokens else "float32"), restore


def _stamped(model: Any) -> bool:
    """Whether the last feature of the input is the time."""
    return any(isinstance(layer, SequenceInput) and layer.timestamps for layer in model.layers)


def _output_shape(model: Any) -> tuple[int | None, ...]:
    shape = model.output_shape
    return tuple(shape[0] if isinstance(shape[0], tuple | list) else shape)


def _horizon(model: Any, values: NDArray[Any], tokens: bool) -> int:
    """Steps that the model foretells at once; raises if its outputs cannot be its inputs."""
    if tokens:
        words = next(layer.input_dim for layer in model.layers if isinstance(layer, keras.layers.Embedding))
        if _output_shape(model)[-1] != words:
            raise InvalidArgumentError(
                f"the model reads {words} words and gives {_output_shape(model)[-1]} values a step; expected a logit "
                "for each word. Heads that give them are softmax, nce and sampled_softmax."
            )
        return 1
    splits = [layer for layer in model.layers if isinstance(layer, SplitHorizon)]
    horizon = splits[-1].horizon if splits else 1
    stamped = _stamped(model)
    outputs, features = _output_shape(model)[-1], values.shape[-1] - stamped
    if outputs != features:
        raise InvalidArgumentError(
            f"the model gives {outputs} values a step and the seed has {features}; expected the same, as outputs "
            "become inputs. RNNSpec(features=..., outputs=...) sets both."
        )
    if stamped and values.shape[1] < 2:
        raise InvalidArgumentError("seed has one step; expected two or more, as time goes on by their difference.")
    return horizon


def _choose(model: Any, mode: str, horizon: int) -> str:
    why = ""
    for layer in _layers_of(model):
        if not isinstance(layer, (*_STEPWISE, keras.layers.RNN)) or getattr(layer, "go_backwards", False):
            why = f"{type(layer).__name__} {layer.name!r} needs the whole sequence"
    if horizon > 1:
        why = f"the model foretells {horizon} steps at once"
    if mode == "states" and why:
        raise InvalidArgumentError(f"mode='states'; expected 'window' or 'auto', as {why}.")
    return "window" if mode == "window" or why else "states"


def _layers_of(model: Any) -> list[Any]:
    return [layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]


class _Generator(keras.Model):
    """Seed (and numbers to draw words by) -> generated steps."""

    def __init__(self, model: Any, steps: int, mode: str, horizon: int, temperature: float, tokens: bool) -> None:
        super().__init__(name="generator")
        self.model = model
        self.steps, self.mode, self.horizon, self.temperature, self.tokens = steps, mode, horizon, temperature, tokens
        self.stamped = _stamped(model)
        self.built = True

    def call(self, inputs: Any) -> Any:
        seed = inputs["seed"]
        return self._by_states(seed, inputs) if self.mode == "states" else self._by_window(seed, inputs)

    def _next(self, output: Any, uniform: Any) -> Any:
        """The next values (B, F), or ids (B,), from the model's output for one step (B, outputs)."""
        if not self.tokens:
            return ops.cast(output, "float32")
        if self.temperature == 0:
            return ops.cast(ops.argmax(output, axis=-1), "int32")
        probabilities = ops.softmax(ops.cast(output, "float32") / self.temperature, axis=-1)
        below = ops.cumsum(probabilities, axis=-1) < ops.expand_dims(uniform, -1)
        return ops.minimum(ops.sum(ops.cast(below, "int32"), axis=-1), output.shape[-1] - 1)

    def _time_of(self, seed: Any) -> tuple[Any, Any]:
        return seed[:, -1, -1:], seed[:, -1, -1:] - seed[:, -2, -1:]

    def _by_states(self, seed: Any, inputs: Any) -> Any:
        layers = _layers_of(self.model)
        batch = ops.shape(seed)[0]
        flat = [
            ops.cast(state, layer.compute_dtype)
            for layer in layers
            if isinstance(layer, keras.layers.RNN)
            for state in initial_state_of(layer.cell, batch, layer.compute_dtype)
        ]

        def step(x: Any, flat: list[Any]) -> tuple[Any, list[Any]]:
            """The model's output (B, outputs) for one step, and the states of all layers."""
            values, remaining, new = ops.expand_dims(x, 1), iter(flat), []
            for layer in layers:
                if isinstance(layer, keras.layers.RNN):
                    share = [next(remaining) for _ in state_sizes_of(layer.cell)]
                    output, after = call_cell(layer.cell, ops.cast(values[:, 0], layer.compute_dtype), share)
                    new += [ops.cast(state, layer.compute_dtype) for state in after]
                    values = ops.expand_dims(output, 1) if layer.return_sequences else output
                else:
                    values = layer(values)
            return ops.reshape(values, (-1, values.shape[-1])), new

        output, _, flat = loop_over_steps(lambda x, s: step(x[0], s), [seed], flat, all_outputs=False)
        time, difference = self._time_of(seed) if self.stamped else (None, None)

        def onward(uniform: list[Any], carry: list[Any]) -> tuple[Any, list[Any]]:
            output, *carry = carry
            times = []
            if self.stamped:
                last, *carry = carry
                times = [last + difference]
            x = self._next(output, uniform[0])
            output, after = step(ops.concatenate([x, *times], axis=-1) if times else x, carry)
            return x, [output, *times, *after]

        carry = [output, *([time] if self.stamped else []), *flat]
        _, made, _ = loop_over_steps(onward, [self._uniform(inputs, batch, self.steps)], carry)
        return made

    def _uniform(self, inputs: Any, batch: Any, turns: int) -> Any:
        """Numbers to draw words by, (B, turns); nothing is drawn for series, but the loop has to run over something."""
        return inputs["uniform"] if self.tokens else ops.zeros((batch, turns))

    def _by_window(self, seed: Any, inputs: Any) -> Any:
        batch, horizon = ops.shape(seed)[0], self.horizon
        turns = -(-self.steps // horizon)
        sequence = not self._is_seq2one()

        def onward(uniform: list[Any], carry: list[Any]) -> tuple[Any, list[Any]]:
            (window,) = carry
            output = self.model(window, training=False)
            output = output[0] if isinstance(output, list | tuple) else output
            output = output[:, -1] if sequence else output
            if self.tokens:
                new = shown = ops.expand_dims(self._next(output, uniform[0]), 1)
            else:
                new = shown = ops.reshape(ops.cast(output, "float32"), (-1, horizon, output.shape[-1]))
                if self.stamped:
                    time, difference = self._time_of(window)
                    ahead = ops.reshape(ops.arange(1, horizon + 1, dtype="float32"), (1, -1, 1))
                    times = ops.expand_dims(time, 1) + ahead * ops.expand_dims(difference, 1)
                    new = ops.concatenate([shown, times], axis=-1)
            following = ops.concatenate([window, new], axis=1)[:, horizon:]
            return shown, [ops.reshape(following, ops.shape(window))]

        _, made, _ = loop_over_steps(onward, [self._uniform(inputs, batch, turns)], [seed])
        return ops.reshape(made, (batch, turns * horizon, *made.shape[3:]))[:, : self.steps]

    def _is_seq2one(self) -> bool:
        recurrent = [layer for layer in self.model.layers if hasattr(layer, "return_sequences")]
        return bool(recurrent) and not recurrent[-1].return_sequences
