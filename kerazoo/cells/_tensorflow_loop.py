"""TensorFlow: the loop over steps with a gradient that recomputes each step from its states.

TensorFlow's own gradient of a loop keeps every intermediate result of every step in a list. Compiled by XLA for a CPU,
handling these lists takes longer than the computations. Here only the states are kept, and the gradient computes each
step a second time ("rematerialisation": Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost").
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import tensorflow as tf
from keras.src.backend.common import stateless_scope

from kerazoo._runtime import traced_gradients

__all__ = ["loop_recomputed"]


def loop_recomputed(
    step: Callable[[list[Any], list[Any]], tuple[Any, list[Any]]],
    inputs: Sequence[Any],
    states: Sequence[Any],
    variables: Sequence[Any],
    *,
    all_outputs: bool = True,
    go_backwards: bool = False,
) -> tuple[Any, Any, list[Any]]:
    """:func:`kerazoo.cells.loop.loop_over_steps` with a cheaper gradient, the same up to rounding.

    Args:
        step: as there. It must give the same result when it is called again, so it must not draw random numbers. Of
            what it depends on besides its arguments, only `variables` get a gradient.
        inputs: tensors (B, T, ...).
        states: tensors (B, ...).
        variables: the Keras variables that `step` reads.
        all_outputs: bool, keep the outputs of all steps.
        go_backwards: bool, run from the last step to the first.
    """
    weights = [each for each in variables if _is_float(each)]
    values = [tf.convert_to_tensor(each._value) for each in weights]  # in their own dtype, without autocast
    by_time = [_swapped(tf.convert_to_tensor(x)) for x in inputs]
    by_time = [tf.reverse(x, [0]) for x in by_time] if go_backwards else by_time
    loop = _Loop(step, by_time, list(states), weights, values, all_outputs)
    outputs, *after = loop.run()
    if not all_outputs:
        return outputs, tf.expand_dims(outputs, 1), after
    return outputs[-1], _swapped(outputs), after


def _swapped(x: Any) -> Any:
    return tf.transpose(x, [1, 0, *range(2, len(x.shape))])


def _is_float(value: Any) -> bool:
    return bool(tf.as_dtype(keras.backend.standardize_dtype(value.dtype)).is_floating)


class _Loop:
    """The loop of one call. Arguments as in `loop_recomputed`, with inputs (T, B, ...)."""

    def __init__(
        self,
        step: Any,
        inputs: list[Any],
        states: list[Any],
        weights: list[Any],
        values: list[Any],
        all_outputs: bool,
    ) -> None:
        self.step, self.inputs, self.states, self.all_outputs = step, inputs, states, all_outputs
        self.weights, self.values = weights, values
        static = inputs[0].shape[0]
        self.length = tf.shape(inputs[0])[0] if static is None else static
        self.differentiable = [x for x in inputs if _is_float(x)]
        self.trained = [index for index, each in enumerate(weights) if each.trainable]

    def run(self) -> list[Any]:
        """The outputs (T, B, U) or (B, U), and the states after the last step."""
        trained = [self.values[index] for index in self.trained]

        @tf.custom_gradient
        def differentiated(*tensors: Any) -> Any:
            results, before = self.forward(*self._parts(tensors))
            return results, lambda *gradients: self.backward(tensors, before, gradients)

        results = list(differentiated(*self.differentiable, *self.states, *trained))
        if tf.is_symbolic_tensor(results[0]):
            traced_gradients.note(results[0].op.get_attr("_gradient_op_type").decode())
        return results

    def _parts(self, tensors: Sequence[Any]) -> tuple[list[Any], list[Any], list[Any]]:
        """Inputs, states and values of all weights from the arguments of the differentiated function."""
        n, m = len(self.differentiable), len(self.differentiable) + len(self.states)
        given = iter(tensors[:n])
        inputs = [next(given) if _is_float(x) else x for x in self.inputs]
        values = [tf.stop_gradient(value) for value in self.values]
        for index, value in zip(self.trained, tensors[m:], strict=True):
            values[index] = value
        return inputs, list(tensors[n:m]), values

    @contextmanager
    def _reading(self, values: list[Any]) -> Iterator[None]:
        """The variables have these values."""
        with stateless_scope.StatelessScope(state_mapping=list(zip(self.weights, values, strict=True))):
            yield

    def _call(self, inputs: list[Any], states: list[Any], values: list[Any]) -> tuple[Any, list[Any]]:
        with self._reading(values):
            output, after = self.step(inputs, states)
        return tf.convert_to_tensor(output), [tf.convert_to_tensor(state) for state in after]

    def forward(self, inputs: list[Any], states: list[Any], values: list[Any]) -> tuple[list[Any], list[Any]]:
        """The results, and the states (T, B, ...) before each step."""
        example, _ = self._call([x[0] for x in inputs], states, values)  # for its shape: its value is not used

        def array(like: Any, size: Any) -> Any:
            return tf.TensorArray(like.dtype, size, element_shape=like.shape)

        def body(t: Any, states: Any, arrays: Any, outputs: Any) -> Any:
            output, after = self._call([x[t] for x in inputs], list(states), values)
            arrays = tuple(each.write(t, state) for each, state in zip(arrays, states, strict=True))
            return t + 1, tuple(after), arrays, outputs.write(t, output) if self.all_outputs else output

        outputs = array(example, self.length) if self.all_outputs else tf.zeros_like(example)
        arrays = tuple(array(state, self.length) for state in states)
        _, after, arrays, outputs = self._while(body, (tuple(states), arrays, outputs))
        shown = outputs.stack() if self.all_outputs else outputs
        return [shown, *after], [each.stack() for each in arrays]

    def backward(self, tensors: Sequence[Any], before: list[Any], gradients: Sequence[Any]) -> list[Any]:
        """Gradients of the arguments of the differentiated function."""
        inputs, _, values = self._parts(tensors)
        n_inputs, n_states = len(self.differentiable), len(self.states)
        trained = [values[index] for index in self.trained]
        of_output, *of_states = gradients
        last = self.length - 1

        def body(count: Any, of_states: Any, of_inputs: Any, of_weights: Any) -> Any:
            t = last - count
            x, states = [each[t] for each in inputs], [each[t] for each in before]
            sources = [*(each for each in x if _is_float(each)), *states, *trained]
            if self.all_outputs:
                of_this = of_output[t]
            else:
                of_this = tf.where(tf.equal(count, 0), of_output, tf.zeros_like(of_output))
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(sources)
                output, after = self._call(x, states, values)
            found = tape.gradient(
                [output, *after], sources, [of_this, *of_states], unconnected_gradients=tf.UnconnectedGradients.ZERO
            )
            of_inputs = tuple(
                each.write(t, gradient) for each, gradient in zip(of_inputs, found[:n_inputs], strict=True)
            )
            added = found[n_inputs + n_states :]
            of_weights = tuple(total + gradient for total, gradient in zip(of_weights, added, strict=True))
            return count + 1, tuple(found[n_inputs : n_inputs + n_states]), of_inputs, of_weights

        arrays = tuple(tf.TensorArray(x.dtype, self.length, element_shape=x.shape[1:]) for x in self.differentiable)
        zeros = tuple(tf.zeros_like(value) for value in trained)
        _, of_states, arrays, of_weights = self._while(body, (tuple(of_states), arrays, zeros))
        return [*(each.stack() for each in arrays), *of_states, *of_weights]

    def _while(self, body: Any, carry: tuple[Any, ...]) -> Any:
        return tf.while_loop(
            lambda t, *_: t < self.length, body, (tf.constant(0), *carry), maximum_iterations=self.length
        )
