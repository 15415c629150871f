"""`MemberNets`: the networks of an ensemble, trained and rolled forward in one computation."""

from __future__ import annotations

import abc
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from kerazoo._runtime.names import numbered_anew
from kerazoo.cells.base import call_cell, state_sizes_of
from kerazoo.cells.loop import loop_over_steps
from kerazoo.cells.stacked import StackedCells
from kerazoo.forecast.nets.member_steps import member_step_of
from kerazoo.zoo.builders import build, build_stack, why_no_stack
from kerazoo.zoo.spec import RNNSpec

__all__ = ["MemberNets", "member_nets", "why_separate"]

Values = NDArray[Any]


def member_nets(spec: RNNSpec, seeds: Sequence[int], steps: int) -> MemberNets:
    """Networks of a spec, one per seed, whose outputs are zero at first.

    Args:
        spec: RNNSpec with `features` inputs per step and `outputs` times `horizon` outputs.
        seeds: one int per member.
        steps: int, length of the training windows.
    """
    with numbered_anew():
        return _SeparateNets(spec, seeds, steps) if why_separate(spec) else _StackedNets(spec, seeds)


def why_separate(spec: RNNSpec) -> str:
    """Why the members of a spec must be separate networks; an empty string if their weights can be stacked."""
    for layer in spec.layers:
        if layer.input_dropout or layer.output_dropout or layer.state_dropout:
            return "each member draws its own dropout mask."
    return why_no_stack(spec)


class MemberNets(keras.layers.Layer, abc.ABC):
    """M networks of the same structure. Axes: members M, steps T, series B, features F, outputs O.

    Attributes:
        n_members: int, M.
        n_outputs: int, O.
        last_only: bool, whether there is an output for the last step only (many-to-one).
    """

    def __init__(self, spec: RNNSpec, n_members: int) -> None:
        super().__init__(name="members")
        self.n_members = n_members
        self.n_outputs = spec.outputs * spec.horizon
        self.last_only = spec.returns == "last"

    @abc.abstractmethod
    def forward(self, x: Any, valid: Any, training: bool = False) -> Any:
        """Outputs (M, T, B, O), or (M, 1, B, O) if `last_only`, of x (M, T, B, F); valid (M, T, B, 1), 1 or 0."""

    @abc.abstractmethod
    def warm(self, x: Any, valid: Any) -> tuple[Any, list[Any]]:
        """The output (M, B, O) after the last step of x, and the states with which :meth:`step` continues."""

    @abc.abstractmethod
    def step(self, x: Any, states: list[Any]) -> tuple[Any, list[Any]]:
        """One more step: x (M, B, F) -> output (M, B, O), states."""

    @abc.abstractmethod
    def values_of(self, members: Sequence[int]) -> list[Values]:
        """Copies of the weights of some members."""

    @abc.abstractmethod
    def assign(self, values: Sequence[Values]) -> None:
        """Set the weights of all members to those that `values_of` returned for as many members."""

    @abc.abstractmethod
    def heads(self) -> list[Any]:
        """The weights of the output layers: without an activation, the outputs are linear in them."""

    def shrunk(self, values: Sequence[Values], factor: float) -> list[Values]:
        """Weights that multiply the outputs by a factor.

        Args:
            values: the weights of all members, as `values_of` returns them.
            factor: float.
        """
        heads = {id(weight) for weight in self.heads()}
        factors = [factor if id(weight) in heads else 1.0 for weight in self.own_weights()]
        return [value * np.float32(each) for value, each in zip(values, factors, strict=True)]

    @abc.abstractmethod
    def own_weights(self) -> list[Any]:
        """The weights in the order of `values_of` all members."""

    def call(self, x: Any, valid: Any, training: bool = False) -> Any:
        """:meth:`forward`, with the states of Keras's layers."""
        return self.forward(x, valid, training)


class _Holder:
    """Hides the template from Keras, which tracks the weights of every attribute of a layer."""

    def __init__(self, stack: StackedCells) -> None:
        self.stack = stack


class _StackedNets(MemberNets):
    """Weights with a leading axis of members, (M, ...); every time step maps the stack of cells over it."""

    def __init__(self, spec: RNNSpec, seeds: Sequence[int]) -> None:
        super().__init__(spec, len(seeds))
        stacks = [build_stack(spec, seed) for seed in seeds]
        self._template = _Holder(stacks[0])
        self._stacked = [
            self.add_weight(
                shape=(len(seeds), *weight.shape),
                initializer=_given([stack.weights[i] for stack in stacks]),
                trainable=weight.trainable,
                name=f"stacked_{i}",
            )
            for i, weight in enumerate(stacks[0].weights)
        ]
        found = [member_step_of(cell) for cell in stacks[0].cells]
        steps = tuple(step for step in found if step is not None)
        self._steps = steps if len(steps) == len(found) else None
        if self._steps is None:  # on TensorFlow the map over the members does not compile under XLA
            self.supports_jit = keras.backend.backend() != "tensorflow"
        width = spec.layers[-1].output_width()
        self._kernel = self.add_weight(shape=(len(seeds), width, self.n_outputs), initializer="zeros", name="kernel")
        self._bias = self.add_weight(shape=(len(seeds), 1, self.n_outputs), initializer="zeros", name="bias")
        self._activation = keras.activations.get(spec.output_activation)
        self.built = True

    def _head(self, hidden: Any) -> Any:
        """(M, ..., U) -> (M, ..., O)."""
        flat = ops.reshape(hidden, (self.n_members, -1, hidden.shape[-1]))
        out = self._activation(ops.matmul(flat, self._kernel) + self._bias)
        return ops.reshape(out, (*ops.shape(hidden)[:-1], self.n_outputs))

    def _cells(self, x: Any, states: list[Any], training: bool) -> tuple[Any, list[Any]]:
        stack = self._template.stack
        weights = [ops.convert_to_tensor(weight) for weight in self._stacked]
        if self._steps is not None:
            after: list[Any] = []
            for step, cell in zip(self._steps, stack.cells, strict=True):
                own, weights = weights[: len(cell.weights)], weights[len(cell.weights) :]
                count = len(state_sizes_of(cell))
                x, new = step(x, states[:count], own)
                after += new
                states = states[count:]
            return x, after

        def of_member(arguments: Any) -> Any:
            x, states, values = arguments
            with keras.StatelessScope(state_mapping=list(zip(stack.weights, values, strict=True))):
                return call_cell(stack, x, list(states), training)

        output, after = ops.vectorized_map(of_member, (x, list(states), weights))
        return output, list(after)

    def _start(self, batch: Any) -> list[Any]:
        sizes = state_sizes_of(self._template.stack)
        first = self._template.stack.get_initial_state(batch_size=1)  # not all cells start at zero
        return [
            ops.broadcast_to(ops.expand_dims(state, 0), (self.n_members, batch, size))
            for state, size in zip(first, sizes, strict=True)
        ]

    def _loop(self, x: Any, valid: Any, training: bool, all_outputs: bool) -> tuple[Any, Any, list[Any]]:
        def step(inputs: list[Any], states: list[Any]) -> tuple[Any, list[Any]]:
            now, is_valid = inputs
            *states, last = states
            output, after = self._cells(now, states, training)
            kept = [
                ops.where(is_valid > 0, new, ops.cast(old, new.dtype)) for new, old in zip(after, states, strict=True)
            ]
            output = ops.where(is_valid > 0, output, last)
            return output, [*kept, output]

        batch = ops.shape(x)[2]
        width = self._kernel.shape[1]
        start = [*self._start(batch), ops.zeros((self.n_members, batch, width))]
        # Steps that Keras's own cells take for all members at once can be computed again for their gradients.
        again = self._stacked if training and self._steps is not None else None
        last, outputs, states = loop_over_steps(step, [x, valid], start, all_outputs=all_outputs, variables=again)
        return last, outputs, states[:-1]

    def forward(self, x: Any, valid: Any, training: bool = False) -> Any:
        last, outputs, _ = self._loop(x, valid, training, all_outputs=not self.last_only)
        return self._head(ops.expand_dims(last, 1) if self.last_only else outputs)

    def warm(self, x: Any, valid: Any) -> tuple[Any, list[Any]]:
        last, _, states = self._loop(x, valid, False, all_outputs=False)
        return self._head(last), states

    def step(self, x: Any, states: list[Any]) -> tuple[Any, list[Any]]:
        output, after = self._cells(x, states, False)
        return self._head(output), after

    def values_of(self, members: Sequence[int]) -> list[Values]:
        chosen = list(members)
        return [_numpy(weight)[chosen] for weight in self.weights]

    def assign(self, values: Sequence[Values]) -> None:
        for weight, value in zip(self.weights, values, strict=True):
            weight.assign(value)

    def heads(self) -> list[Any]:
        return [self._kernel, self._bias]

    def own_weights(self) -> list[Any]:
        return list(self.weights)


class _SeparateNets(MemberNets):
    """One zoo model per member. The carried state is the window of the last inputs."""

    def __init__(self, spec: RNNSpec, seeds: Sequence[int], steps: int) -> None:
        super().__init__(spec, len(seeds))
        # XLA takes tens of seconds to compile separate networks for steps of milliseconds.
        self.supports_jit = keras.backend.backend() != "tensorflow"
        self._nets = [build(spec.replace(lookback=None), seed=seed) for seed in seeds]
        self._steps = steps
        for net in self._nets:
            if spec.output_activation is None:
                head = net.get_layer("head")
                head.kernel.assign(np.zeros(head.kernel.shape, np.float32))
        self.built = True

    def forward(self, x: Any, valid: Any, training: bool = False) -> Any:
        outputs = []
        for member, net in enumerate(self._nets):
            series = ops.transpose(x[member], (1, 0, 2))  # (B, T, F); invalid steps are zeros
            found = net(series, training=training)
            batch = ops.shape(series)[0]
            found = ops.reshape(found, (batch, 1 if self.last_only else series.shape[1], self.n_outputs))
            outputs.append(ops.transpose(found, (1, 0, 2)))
        return ops.stack(outputs)

    def warm(self, x: Any, valid: Any) -> tuple[Any, list[Any]]:
        window = x[:, -self._steps :]
        return self.forward(window, valid)[:, -1], [window]

    def step(self, x: Any, states: list[Any]) -> tuple[Any, list[Any]]:
        window = ops.concatenate([states[0][:, 1:], ops.expand_dims(x, 1)], axis=1)
        return self.forward(window, None)[:, -1], [window]

    def values_of(self, members: Sequence[int]) -> list[Values]:
        return [_numpy(weight) for member in members for weight in self._nets[member].weights]

    def assign(self, values: Sequence[Values]) -> None:
        given: Iterator[Values] = iter(values)
        for net in self._nets:
            for weight in net.weights:
                weight.assign(next(given))

    def heads(self) -> list[Any]:
        return [weight for net in self._nets for weight in net.get_layer("head").weights]

    def own_weights(self) -> list[Any]:
        return [weight for net in self._nets for weight in net.weights]


def _given(weights: Sequence[Any]) -> Any:
    values = np.stack([_numpy(weight) for weight in weights])
    return lambda shape, dtype=None: ops.convert_to_tensor(values, dtype=dtype)


def _numpy(weight: Any) -> Values:
    return np.array(ops.convert_to_numpy(weight), copy=True)
