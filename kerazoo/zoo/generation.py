"""`generate`: a model continues a series or a text from its own outputs, in one compiled loop."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import keras
import numpy as np
from keras import ops
from numpy.typing import ArrayLike, NDArray

from kerazoo._runtime.deprecation import warn_renamed
from kerazoo._runtime.graph_options import without_remapping
from kerazoo._runtime.model_cache import model_cache
from kerazoo._validation import check_choice, check_int
from kerazoo.cells.base import call_cell, initial_state_of, state_sizes_of
from kerazoo.cells.loop import loop_over_steps
from kerazoo.errors import InvalidArgumentError
from kerazoo.training.calling import compiled
from kerazoo.zoo.heads import SplitHorizon
from kerazoo.zoo.inputs import SequenceInput
from kerazoo.zoo.kinds import symbolic_outputs
from kerazoo.zoo.prompts import Prompts, prompts_of
from kerazoo.zoo.sampling import GREEDY, Sampling, next_words, sampling_of
from kerazoo.zoo.stepwise import layers_of, why_not_stepwise

__all__ = ["generate"]

F = TypeVar("F", bound=Callable[..., Any])


def _with_old_arguments(function: F) -> F:
    """Accept `random_seed=`, and a context as `seed=`, with a warning: the argument names of version 0.1."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if len(args) < 2 and "context" not in kwargs and np.ndim(kwargs.get("seed", 0)) > 0:
            warn_renamed("seed= for the series or text to continue", "context=")
            kwargs["context"] = kwargs.pop("seed")
        if "random_seed" in kwargs:
            if "seed" in kwargs:
                raise InvalidArgumentError("random_seed= and seed= are both given; expected seed= only.")
            warn_renamed("random_seed=", "seed=")
            kwargs["seed"] = kwargs.pop("random_seed")
        return function(*args, **kwargs)

    return wrapper  # type: ignore[return-value]


@_with_old_arguments
def generate(
    model: keras.Model,
    context: ArrayLike,
    steps: int,
    mode: str = "auto",
    *,
    temperature: float | None = None,
    top_k: int | None = None,
    top_p: float | None = None,
    banned: ArrayLike | None = None,
    seed: int | None = None,
) -> NDArray[Any]:
    """Predict `steps` steps, each from the context and the predictions so far.

    The whole loop is one compiled function on every backend. It is compiled at the first call with a given shape and
    `top_k`; the weights of the model and the other arguments may change between calls.

    Args:
        model: a zoo model, or any chain of Keras layers whose outputs can be its inputs.
        context: the series or text to continue: float (B, T, F), (T, F) or (T,); ids of words (B, T) or (T,) for token
            models. Contexts of several lengths are a list of arrays (T_i, F), or of ids (T_i,); a model with `masked`
            also takes padding: steps of NaN, or the id 0. With time stamps as the
            last feature, time continues by the last difference.
        steps: int >= 1, number of steps to generate.
        mode: `"states"`: the context is read once, and the states of all layers are kept; `"window"`: the model reads
            the last T steps at every step, from its initial state, as in the examples of `tf.contrib.rnn`; `"auto"`:
            states where the model allows it (no bidirectional or convolutional layer, horizon 1).
        temperature: float >= 0, for token models: words are drawn from softmax(logits / temperature); 0 selects the
            most probable word. None: 1 with `top_k` or `top_p`, else 0.
        top_k: int from 1 to the number of words, for token models: draw from the k most probable words.
        top_p: float in (0, 1], for token models: draw from the nucleus, the fewest of the most probable words whose
            probability is `top_p` or more. With `top_k`, the nucleus of those k words.
        banned: ids of words that are never generated, for token models: of `<unk>`, for example.
        seed: int or None, of the uniform numbers (B, steps) that draw words: the same on every backend.

    Returns:
        (B, steps, F) float32, or ids (B, steps) int32; without the first axis if `context` has none.

    Raises:
        InvalidArgumentError: the context does not fit the model, the model's outputs cannot be its inputs, an argument
            for token models is given with another model, is out of range or has no effect; or contexts of several
            lengths are given to a model that generates by the window.

    >>> from kerazoo import zoo
    >>> model = zoo.build("gru_1x8", seed=1)
    >>> generate(model, np.sin(np.arange(30) / 5), steps=10).shape
    (10,)
    >>> model = zoo.build("gru_1x8_v20_e4_softmax", seed=1)
    >>> words = generate(model, [3, 7, 1], steps=10, top_p=0.9, banned=[0], seed=1)
    >>> words.shape, 0 in words
    ((10,), False)
    """
    steps = check_int("steps", steps, hint="It is the number of steps to generate.")
    one_output = (
        len({each._keras_history.operation for each in model.outputs}) == 1
    )  # the head of words has two tensors
    if len(model.inputs) > 1 or isinstance(symbolic_outputs(model), dict) or not one_output:
        raise InvalidArgumentError(
            f"the model has the inputs {[each.name for each in model.inputs]} and the outputs "
            f"{list(model.output_names)}; expected one input and one output, which becomes the next input. Static "
            "features and several heads cannot be generated from."
        )
    check_choice("mode", mode, ("auto", "states", "window"))
    tokens = any(isinstance(layer, keras.layers.Embedding) for layer in model.layers)
    prompts = prompts_of(model, context, tokens)
    values = prompts.values
    horizon = _horizon(model, prompts, tokens)
    mode = _resolve_mode(model, mode, horizon, prompts.mask is not None)
    inputs: dict[str, Any] = {"context": values}
    if prompts.mask is not None:
        inputs["mask"] = prompts.mask
    sampling = GREEDY
    if tokens:
        sampling, more = sampling_of(_words(model), temperature, top_k, top_p, banned)
        inputs |= more
        inputs["uniform"] = np.random.default_rng(seed).random((len(values), steps), dtype=np.float32)
    else:
        _check_no_words(temperature=temperature or None, top_k=top_k, top_p=top_p, banned=banned)
    generators = model_cache(model, "generators")
    key = (steps, mode, horizon, tokens, sampling)
    if key not in generators:
        generators[key] = _Generator(model, steps, mode, horizon, tokens, sampling)
    with without_remapping():
        found = compiled(generators[key])(inputs)
    return prompts.restored(np.asarray(ops.convert_to_numpy(found)))


def _check_no_words(**arguments: Any) -> None:
    for name, value in arguments.items():
        if value is not None:
            raise InvalidArgumentError(
                f"{name}={value!r} with a model of series; expected it for token models only, whose words are drawn."
            )


def _stamped(model: Any) -> bool:
    """Whether the last feature of the input is the time."""
    return any(isinstance(layer, SequenceInput) and layer.timestamps for layer in model.layers)


def _output_shape(model: Any) -> tuple[int | None, ...]:
    shape = model.output_shape
    return tuple(shape[0] if isinstance(shape[0], tuple | list) else shape)


def _words(model: Any) -> int:
    """Size of the vocabulary of a token model."""
    return next(int(layer.input_dim) for layer in model.layers if isinstance(layer, keras.layers.Embedding))


def _horizon(model: Any, prompts: Prompts, tokens: bool) -> int:
    """Number of steps that the model predicts per call; an error if its outputs cannot be its inputs."""
    if tokens:
        words = _words(model)
        if _output_shape(model)[-1] != words:
            raise InvalidArgumentError(
                f"the model reads {words} words and returns {_output_shape(model)[-1]} values per step; expected a "
                "logit per word. The heads softmax, nce and sampled_softmax return logits."
            )
        return 1
    splits = [layer for layer in model.layers if isinstance(layer, SplitHorizon)]
    horizon = splits[-1].horizon if splits else 1
    stamped = _stamped(model)
    outputs, features = _output_shape(model)[-1], prompts.values.shape[-1] - stamped
    if outputs != features:
        raise InvalidArgumentError(
            f"the model returns {outputs} values per step and the context has {features}; expected equal numbers, as "
            "outputs become inputs. RNNSpec(features=..., outputs=...) sets both."
        )
    if stamped and (prompts.values.shape[1] if prompts.mask is None else prompts.mask.sum(axis=1).min()) < 2:
        raise InvalidArgumentError("context has one step; expected two or more: time continues by their difference.")
    return horizon


def _resolve_mode(model: Any, mode: str, horizon: int, masked: bool) -> str:
    why = f"the model predicts {horizon} steps per call" if horizon > 1 else why_not_stepwise(model)
    if mode == "states" and why:
        raise InvalidArgumentError(f"mode='states'; expected 'window' or 'auto', because {why}.")
    mode = "window" if mode == "window" or why else "states"
    if mode == "window" and masked:
        raise InvalidArgumentError(
            "contexts of several lengths or with padding; expected equal lengths: "
            + (f"{why}, so it" if why else "with mode='window' the model")
            + " reads the last steps of all contexts together. Shorten the contexts to the length of the shortest, or "
            "generate from each in a call of its own."
        )
    return mode


class _Generator(keras.Model):
    """Context (and what `next_words` needs) -> generated steps."""

    def __init__(self, model: Any, steps: int, mode: str, horizon: int, tokens: bool, sampling: Sampling) -> None:
        # Not the dtype of the policy: uniform numbers of half precision would never select rare words.
        super().__init__(name="generator", dtype="float32")
        self.model = model
        self.steps, self.mode, self.horizon, self.tokens, self.sampling = steps, mode, horizon, tokens, sampling
        self.stamped = _stamped(model)
        self.built = True

    def call(self, inputs: Any) -> Any:
        """Generated values (B, steps, F), or ids (B, steps)."""
        context = inputs["context"]
        return self._by_states(context, inputs) if self.mode == "states" else self._by_window(context, inputs)

    def _next(self, output: Any, inputs: Any, uniform: Any) -> Any:
        """The next values (B, F), or ids (B,), from the output of the model for one step (B, outputs)."""
        return next_words(output, self.sampling, inputs, uniform) if self.tokens else ops.cast(output, "float32")

    def _time_of(self, values: Any, mask: Any = None) -> tuple[Any, Any]:
        """The last time stamp and its difference from the one before, each (B, 1)."""
        if mask is None:
            return values[:, -1, -1:], values[:, -1, -1:] - values[:, -2, -1:]
        last = ops.sum(ops.cast(mask, "int32"), axis=1, keepdims=True) - 1
        time = ops.take_along_axis(values[:, :, -1], last, axis=1)
        return time, time - ops.take_along_axis(values[:, :, -1], last - 1, axis=1)

    def _by_states(self, context: Any, inputs: Any) -> Any:
        layers = layers_of(self.model)
        batch = ops.shape(context)[0]
        flat = [
            ops.cast(state, layer.compute_dtype)
            for layer in layers
            if isinstance(layer, keras.layers.RNN)
            for state in initial_state_of(layer.cell, batch, layer.compute_dtype)
        ]

        def step(x: Any, flat: list[Any]) -> tuple[Any, list[Any]]:
            """The model's output (B, outputs), float32, for one step, and the states of all layers."""
            values, remaining, new = ops.expand_dims(x, 1), iter(flat), []
            for layer in layers:
                if isinstance(layer, keras.layers.RNN):
                    own = [next(remaining) for _ in state_sizes_of(layer.cell)]
                    output, after = call_cell(layer.cell, ops.cast(values[:, 0], layer.compute_dtype), own)
                    new += [ops.cast(state, layer.compute_dtype) for state in after]
                    values = ops.expand_dims(output, 1) if layer.return_sequences else output
                else:
                    values = layer(values)
            return ops.cast(ops.reshape(values, (-1, values.shape[-1])), "float32"), new

        output, flat = self._read(step, context, inputs.get("mask"), flat)
        time, difference = self._time_of(context, inputs.get("mask")) if self.stamped else (None, None)

        def advance(uniform: list[Any], carry: list[Any]) -> tuple[Any, list[Any]]:
            output, *carry = carry
            times = []
            if self.stamped:
                last, *carry = carry
                times = [last + difference]
            x = self._next(output, inputs, uniform[0])
            output, after = step(ops.concatenate([x, *times], axis=-1) if times else x, carry)
            return x, [output, *times, *after]

        carry = [output, *([time] if self.stamped else []), *flat]
        _, made, _ = loop_over_steps(advance, [self._uniform(inputs, batch, self.steps)], carry)
        return made

    def _read(self, step: Any, context: Any, mask: Any, flat: list[Any]) -> tuple[Any, list[Any]]:
        """The output (B, outputs) after the context, and the states. Padding changes neither."""
        if mask is None:
            output, _, flat = loop_over_steps(lambda x, s: step(x[0], s), [context], flat, all_outputs=False)
            return output, flat

        def masked(given: list[Any], carry: list[Any]) -> tuple[Any, list[Any]]:
            x, valid = given
            output, after = step(x, carry[1:])
            valid = valid > 0

            def kept(new: Any, old: Any) -> Any:
                return ops.where(ops.reshape(valid, (-1, *[1] * (len(new.shape) - 1))), new, old)

            carry = [kept(new, old) for new, old in zip([output, *after], carry, strict=True)]
            return carry[0], carry

        nothing = ops.zeros((ops.shape(context)[0], _output_shape(self.model)[-1]))
        output, _, (_, *flat) = loop_over_steps(
            masked, [context, ops.cast(mask, "float32")], [nothing, *flat], all_outputs=False
        )
        return output, flat

    def _uniform(self, inputs: Any, batch: Any, iterations: int) -> Any:
        """Uniform numbers to draw words, (B, iterations); zeros for series, as the loop needs an input."""
        return inputs["uniform"] if self.tokens else ops.zeros((batch, iterations))

    def _by_window(self, context: Any, inputs: Any) -> Any:
        batch, horizon = ops.shape(context)[0], self.horizon
        iterations = -(-self.steps // horizon)
        sequence = not self._is_seq2one()

        def advance(uniform: list[Any], carry: list[Any]) -> tuple[Any, list[Any]]:
            (window,) = carry
            output = self.model(window, training=False)
            output = output[0] if isinstance(output, list | tuple) else output
            output = output[:, -1] if sequence else output
            if self.tokens:
                new = shown = ops.expand_dims(self._next(output, inputs, uniform[0]), 1)
            else:
                new = shown = ops.reshape(ops.cast(output, "float32"), (-1, horizon, output.shape[-1]))
                if self.stamped:
                    time, difference = self._time_of(window)
                    ahead = ops.reshape(ops.arange(1, horizon + 1, dtype="float32"), (1, -1, 1))
                    times = ops.expand_dims(time, 1) + ahead * ops.expand_dims(difference, 1)
                    new = ops.concatenate([shown, times], axis=-1)
            following = ops.concatenate([window, new], axis=1)[:, horizon:]
            return shown, [ops.reshape(following, ops.shape(window))]

        _, made, _ = loop_over_steps(advance, [self._uniform(inputs, batch, iterations)], [context])
        return ops.reshape(made, (batch, iterations * horizon, *made.shape[3:]))[:, : self.steps]

    def _is_seq2one(self) -> bool:
        recurrent = [layer for layer in self.model.layers if hasattr(layer, "return_sequences")]
        return bool(recurrent) and not recurrent[-1].return_sequences
