"""Wrappers: cells around a cell. They run wherever a cell does: in Sequential and in functional models.

They keep what the cell inside can do: its states come first in theirs, masks pass, and where the cell is linear in its
state, so is the wrapped one, and its parallel form remains (except around attention, whose window is not linear).
Modelled after the wrappers of `tf.contrib.rnn`.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kerazoo._validation import check_int
from kerazoo.cells.base import call_cell, droppable_states, initial_state_of, output_size_of, state_sizes_of
from kerazoo.errors import InvalidArgumentError

__all__ = [
    "EmbeddingCell",
    "HighwayCell",
    "InputProjectionCell",
    "OutputProjectionCell",
    "ResidualCell",
    "TimeStampedCell",
    "WrapperCell",
]


class WrapperCell(keras.layers.Layer):
    """Base of the wrappers: passes states, noise and time stamps on to the cell inside.

    A subclass implements `prepare` and `finish`, which serve a step and a whole sequence alike; or `call`, and
    `parallel_call` unless ``passes_linear = False``. States of its own follow those of the cell: see `own_state_sizes`.

    Args:
        cell: a cell of kerazoo or Keras, or another wrapper.
        **kwargs: `name`, `dtype`, `trainable`.

    Raises:
        InvalidArgumentError: `cell` is not a cell, or a cell of Keras with dropout of its own, whose masks only Keras's
            own layers renew.
    """

    #: Whether the parallel form of the cell inside remains.
    passes_linear = True
    options: tuple[str, ...] = ()

    def __init__(self, cell: Any, **kwargs: Any) -> None:
        if not hasattr(cell, "state_size") or not hasattr(cell, "call"):
            raise InvalidArgumentError(
                f"cell={cell!r}; expected a cell: an object with `call(inputs, states)` and `state_size`. "
                "make_cell('lstm', 32) gives one."
            )
        if getattr(cell, "dropout", 0) or getattr(cell, "recurrent_dropout", 0):
            raise InvalidArgumentError(
                f"cell={type(cell).__name__} with dropout={cell.dropout}, recurrent_dropout={cell.recurrent_dropout}; "
                "expected 0 inside a wrapper. Put DropoutCell around it instead."
            )
        super().__init__(**kwargs)
        self.cell = cell

    @property
    def own_state_sizes(self) -> list[int]:
        """Widths of the states that the wrapper adds."""
        return []

    @property
    def state_size(self) -> list[int]:
        """Widths of the states: those of the cell inside, then the wrapper's own."""
        return [*state_sizes_of(self.cell), *self.own_state_sizes]

    @property
    def output_size(self) -> int:
        """Width of the output."""
        return output_size_of(self.cell)

    @property
    def linear(self) -> bool:
        """Whether there is a parallel form."""
        return self.passes_linear and bool(getattr(self.cell, "linear", False))

    @property
    def chunked(self) -> bool:
        """Whether the parallel form works by chunks."""
        return bool(getattr(self.cell, "chunked", False))

    @property
    def why_not_linear(self) -> str:
        """Why there is no parallel form, in words."""
        if self.passes_linear:
            return getattr(self.cell, "why_not_linear", "") or f"{type(self.cell).__name__} is not linear in its state."
        return f"{type(self).__name__} reads its own outputs, so its steps follow one another."

    @property
    def supports_step_mask(self) -> bool:
        """Whether steps can be masked."""
        return bool(getattr(self.cell, "supports_step_mask", True))

    @property
    def droppable_states(self) -> tuple[int, ...]:
        """Indices of the states that state dropout acts on."""
        return droppable_states(self.cell)

    def get_initial_state(self, batch_size: Any = None) -> list[Any]:
        """States before the first step: those of the cell inside, then zeros."""
        own = [ops.zeros((batch_size, size), dtype=self.compute_dtype) for size in self.own_state_sizes]
        return [*initial_state_of(self.cell, batch_size, self.compute_dtype), *own]

    def sequence_noise(self, batch: Any, steps: Any, training: bool) -> Any:
        """Noise for a whole sequence, drawn before the loop: a tree of (B, n) and, anew for each step, (B, T, n)."""
        draw = getattr(self.cell, "sequence_noise", None)
        inner = draw(batch, steps, training) if draw else None
        return None if inner is None else {"inner": inner}

    def build(self, input_shape: Any) -> None:
        if not self.cell.built:
            self.cell.build(self.inner_shape(input_shape))
            self.cell.built = True
        self.built = True

    def inner_shape(self, input_shape: Any) -> Any:
        """Shape of the inputs of the cell inside."""
        return tuple(input_shape)

    def call_inner(self, inputs: Any, states: Any, training: bool, noise: Any, time: Any) -> Any:
        """One step of the cell inside, with its share of the states: (output, its new states)."""
        inner_states = list(states)[: len(state_sizes_of(self.cell))]
        return call_cell(self.cell, inputs, inner_states, training, (noise or {}).get("inner"), time)

    def parallel_inner(self, sequences: Any, states: Any, mask: Any, training: bool, noise: Any) -> Any:
        """All steps of the cell inside: (outputs, its last states)."""
        inner = (noise or {}).get("inner")
        kwargs = {} if inner is None else {"noise": inner}
        return self.cell.parallel_call(sequences, list(states), mask=mask, training=training, **kwargs)

    def call(
        self, inputs: Any, states: Any, training: bool = False, noise: Any = None, time: Any = None
    ) -> tuple[Any, list[Any]]:
        """One step: (B, F) and a list of states -> (B, `output_size`), new states."""
        return self.finish(inputs, *self.call_inner(self.prepare(inputs), states, training, noise, time))

    def parallel_call(
        self, sequences: Any, states: list[Any], mask: Any = None, training: bool = False, noise: Any = None
    ) -> tuple[Any, list[Any]]:
        """All steps at once: see `RecurrentCell.parallel_call`."""
        return self.finish(sequences, *self.parallel_inner(self.prepare(sequences), states, mask, training, noise))

    def prepare(self, inputs: Any) -> Any:
        """What the cell inside is given, from the inputs of a step or of a sequence."""
        return inputs

    def finish(self, inputs: Any, output: Any, states: list[Any]) -> tuple[Any, list[Any]]:
        """The output, from the inputs and what the cell inside gave, of a step or of a sequence."""
        return output, states

    def compute_output_shape(self, input_shape: Any, states_shape: Any = None) -> Any:
        """Shapes of (output, states)."""
        return (input_shape[0], self.output_size), [(input_shape[0], size) for size in self.state_size]

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config["cell"] = keras.saving.serialize_keras_object(self.cell)
        for name in self.options:
            value = getattr(self, name)
            config[name] = keras.activations.serialize(value) if callable(value) else value
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> WrapperCell:
        config = dict(config)
        config["cell"] = keras.saving.deserialize_keras_object(config["cell"])
        return cls(**config)


def _check_equal_widths(what: str, inputs: int, outputs: int) -> None:
    if inputs != outputs:
        raise InvalidArgumentError(
            f"{what}: inputs of width {inputs}, outputs of width {outputs}; expected the same, as they are added. "
            f"Mend it by an input projection to {outputs} (InputProjectionCell(..., {outputs}) around it), by an "
            f"output projection to {inputs} (OutputProjectionCell(cell, {inputs}) inside it), or by units of {inputs}."
        )


@keras.saving.register_keras_serializable(package="kerazoo")
class ResidualCell(WrapperCell):
    """Adds the inputs to the outputs: y_t = x_t + cell(x_t) (He et al. 2015; Wu et al. 2016, eq. 5).

    Args:
        cell: the cell inside; its output is as wide as its input.
        **kwargs: see :class:`WrapperCell`.

    Raises:
        InvalidArgumentError: when built, if the widths differ; it says which projection would mend it.

    >>> import numpy as np
    >>> cell = ResidualCell(keras.layers.GRUCell(3))
    >>> y, states = cell(np.ones((2, 3), "float32"), cell.get_initial_state(batch_size=2))
    >>> tuple(y.shape)
    (2, 3)
    """

    def build(self, input_shape: Any) -> None:
        _check_equal_widths("residual connection", int(input_shape[-1]), self.output_size)
        super().build(input_shape)

    def finish(self, inputs: Any, output: Any, states: list[Any]) -> tuple[Any, list[Any]]:
        return inputs + output, states


@keras.saving.register_keras_serializable(package="kerazoo")
class HighwayCell(WrapperCell):
    """A gate carries part of the inputs past the cell (Srivastava et al. 2015, eq. 3, with C = 1 - T)::

        k_t = sigmoid(x_t W_k + b_k)
        y_t = k_t * x_t + (1 - k_t) * cell(x_t)

    Args:
        cell: the cell inside; its output is as wide as its input.
        carry_bias: float, start of b_k: large values carry most of the inputs at first.
        **kwargs: see :class:`WrapperCell`.

    Weights: carry_kernel (F, F), carry_bias (F).

    Raises:
        InvalidArgumentError: when built, if the widths differ; it says which projection would mend it.
    """

    options = ("carry_bias",)

    def __init__(self, cell: Any, carry_bias: float = 1.0, **kwargs: Any) -> None:
        super().__init__(cell, **kwargs)
        self.carry_bias = float(carry_bias)

    def build(self, input_shape: Any) -> None:
        width = int(input_shape[-1])
        _check_equal_widths("highway connection", width, self.output_size)
        self.gate_kernel = self.add_weight(shape=(width, width), name="carry_kernel", initializer="glorot_uniform")
        self.gate_bias = self.add_weight(
            shape=(width,), name="carry_bias", initializer=keras.initializers.Constant(self.carry_bias)
        )
        super().build(input_shape)

    def finish(self, inputs: Any, output: Any, states: list[Any]) -> tuple[Any, list[Any]]:
        carry = ops.sigmoid(ops.matmul(inputs, self.gate_kernel) + self.gate_bias)
        return carry * inputs + (1 - carry) * output, states


class _ProjectionCell(WrapperCell):
    options = ("units", "activation", "use_bias")

    def __init__(self, cell: Any, units: int, activation: Any = None, use_bias: bool = True, **kwargs: Any) -> None:
        super().__init__(cell, **kwargs)
        self.units = check_int("units", units, hint="It is the width of the projection.")
        self.activation = keras.activations.get(activation)
        self.use_bias = bool(use_bias)

    def _add_projection(self, width: int, kernel: str, bias: str) -> None:
        self.projection = self.add_weight(shape=(width, self.units), name=kernel, initializer="glorot_uniform")
        self.bias = self.add_weight(shape=(self.units,), name=bias, initializer="zeros") if self.use_bias else None

    def project(self, values: Any) -> Any:
        values = ops.matmul(values, self.projection)
        return self.activation(values if self.bias is None else values + self.bias)


@keras.saving.register_keras_serializable(package="kerazoo")
class InputProjectionCell(_ProjectionCell):
    """A dense layer in front of the cell: cell(g(x_t W + b)).

    Args:
        cell: the cell inside.
        units: int >= 1, width of what the cell is given.
        activation: g; None: the identity.
        use_bias: bool.
        **kwargs: see :class:`WrapperCell`.

    Weights: input_projection (F, units), input_projection_bias (units).
    """

    def build(self, input_shape: Any) -> None:
        self._add_projection(int(input_shape[-1]), "input_projection", "input_projection_bias")
        super().build(input_shape)

    def inner_shape(self, input_shape: Any) -> Any:
        return (*input_shape[:-1], self.units)

    def prepare(self, inputs: Any) -> Any:
        return self.project(inputs)


@keras.saving.register_keras_serializable(package="kerazoo")
class OutputProjectionCell(_ProjectionCell):
    """A dense layer behind the cell: g(cell(x_t) W + b). The states stay those of the cell.

    Args:
        cell: the cell inside.
        units: int >= 1, width of the output.
        activation: g; None: the identity.
        use_bias: bool.
        **kwargs: see :class:`WrapperCell`.

    Weights: output_projection (U, units), output_projection_bias (units).
    """

    def build(self, input_shape: Any) -> None:
        self._add_projection(output_size_of(self.cell), "output_projection", "output_projection_bias")
        super().build(input_shape)

    @property
    def output_size(self) -> int:
        return self.units

    def finish(self, inputs: Any, output: Any, states: list[Any]) -> tuple[Any, list[Any]]:
        return self.project(output), states


@keras.saving.register_keras_serializable(package="kerazoo")
class EmbeddingCell(WrapperCell):
    """Reads ids and gives the cell their vectors.

    Args:
        cell: the cell inside.
        vocabulary_size: int >= 1.
        embedding_size: int >= 1.
        **kwargs: see :class:`WrapperCell`.

    Shapes: inputs integer (B, 1), ids from 0 to vocabulary_size - 1; so a sequence is (B, T, 1). Weights: embeddings
    (vocabulary_size, embedding_size), started uniform in +-0.05 as `keras.layers.Embedding`.
    """

    options = ("vocabulary_size", "embedding_size")

    def __init__(self, cell: Any, vocabulary_size: int, embedding_size: int, **kwargs: Any) -> None:
        super().__init__(cell, **kwargs)
        self.vocabulary_size = check_int("vocabulary_size", vocabulary_size)
        self.embedding_size = check_int("embedding_size", embedding_size)
        self.autocast = False  # an id beyond 256 does not survive bfloat16

    def build(self, input_shape: Any) -> None:
        if input_shape[-1] != 1:
            raise InvalidArgumentError(
                f"ids of shape {tuple(input_shape)}; expected one id a step, (batch, 1). Use ids[..., None]."
            )
        self.embeddings = self.add_weight(
            shape=(self.vocabulary_size, self.embedding_size), name="embeddings", initializer="uniform"
        )
        super().build(input_shape)

    def inner_shape(self, input_shape: Any) -> Any:
        return (*input_shape[:-1], self.embedding_size)

    def prepare(self, inputs: Any) -> Any:
        ids = ops.cast(inputs[..., 0], "int32")
        return ops.cast(ops.take(self.embeddings, ids, axis=0), self.compute_dtype)


@keras.saving.register_keras_serializable(package="kerazoo")
class TimeStampedCell(WrapperCell):
    """Takes the last feature as the time stamp, gives it to the cell inside and passes it on behind the output.

    So a whole stack keeps its time stamps, whatever wrappers are inside. A Phased LSTM inside is made with
    ``time="argument"``; cells that read no time are not shown any.

    Args:
        cell: the cell inside.
        **kwargs: see :class:`WrapperCell`.

    Shapes: inputs (B, F + 1); output (B, U + 1).

    Raises:
        InvalidArgumentError: when built, if the input has one feature only, so that nothing would be left beside the
            time.
    """

    def build(self, input_shape: Any) -> None:
        if int(input_shape[-1]) < 2:
            raise InvalidArgumentError(
                f"time stamps missing: input of shape {tuple(input_shape)} has one feature; expected at least one "
                "feature and, as the last one, the time."
            )
        super().build(input_shape)

    @property
    def output_size(self) -> int:
        return output_size_of(self.cell) + 1

    def inner_shape(self, input_shape: Any) -> Any:
        return (*input_shape[:-1], input_shape[-1] - 1)

    def call(
        self, inputs: Any, states: Any, training: bool = False, noise: Any = None, time: Any = None
    ) -> tuple[Any, list[Any]]:
        output, states = self.call_inner(inputs[..., :-1], states, training, noise, inputs[..., -1:])
        return self.finish(inputs, output, states)

    def prepare(self, inputs: Any) -> Any:
        return inputs[..., :-1]

    def finish(self, inputs: Any, output: Any, states: list[Any]) -> tuple[Any, list[Any]]:
        return ops.concatenate([output, inputs[..., -1:]], axis=-1), states
