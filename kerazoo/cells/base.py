"""`RecurrentCell`, the base class of kerazoo's cells, and functions that work on any cell, including Keras's own.

A cell computes one step. ``call(inputs, states)`` takes the inputs of a step (B, F) and a list of states, each (B, n)
with n from `state_size`, and returns (output (B, `output_size`), new states). States that are matrices in the paper are
stored as rows. So a cell runs in `keras.layers.RNN`, in `keras.layers.StackedRNNCells`, and in
:class:`kerazoo.cells.Recurrent`, which uses the parallel form of linear recurrences and draws the noise of dropout
before the loop.
"""

from __future__ import annotations

import functools
import inspect
import itertools
from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from typing import Any

import keras
import numpy as np
from keras import ops

from kerazoo._validation import check_int
from kerazoo.errors import InvalidArgumentError

__all__ = [
    "DRAWING",
    "Configured",
    "RecurrentCell",
    "call_cell",
    "check_saved",
    "draw",
    "droppable_states",
    "initial_state_of",
    "output_size_of",
    "raised_bias",
    "split_at",
    "state_sizes_of",
]

_INITIALIZERS = ("kernel_initializer", "recurrent_initializer", "bias_initializer")
_REGULARIZERS = ("kernel_regularizer", "recurrent_regularizer", "bias_regularizer")
_CONSTRAINTS = ("kernel_constraint", "recurrent_constraint", "bias_constraint")


def check_saved(cls: type, saved: Iterable[str]) -> None:
    """Raise an error unless a class saves every argument of its constructor.

    Args:
        cls: a class, such as a cell.
        saved: names of the arguments that its configuration has.

    Raises:
        InvalidArgumentError: an argument would be lost when an object of the class is saved and loaded.

    >>> class Cell:
    ...     def __init__(self, units, order=8): ...
    >>> check_saved(Cell, ["units", "order"])
    """
    saved = set(saved)
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]  # type: ignore[misc]
    lost = [each.name for each in parameters if each.kind in named and each.name not in saved]
    if lost:
        names = ", ".join(lost)
        raise InvalidArgumentError(
            f"{cls.__name__}.__init__ has the argument{'s' * (len(lost) > 1)} {names}, which its configuration lacks: "
            "a loaded model would silently have the default. Expected every argument in the configuration. Add "
            f"{', '.join(map(repr, lost))} to `options` of {cls.__name__} (each an attribute of the same name), or "
            "write it in get_config."
        )


class Configured(keras.layers.Layer):
    """Base of `RecurrentCell` and `WrapperCell`: `options` and the configuration are checked against the constructor.

    A subclass that leaves `get_config` alone is checked when it is defined. One with its own `get_config` is checked
    whenever that is called, which is before anything is saved.

    Attributes:
        options: names of the subclass's own constructor arguments, each an attribute of the same name.
    """

    options: tuple[str, ...] = ()
    _base_arguments: tuple[str, ...] = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "_base_arguments" in vars(cls):
            return  # the base classes write their arguments themselves
        if isinstance(cls.options, str):
            raise InvalidArgumentError(f"options={cls.options!r} of {cls.__name__}; expected a tuple of names.")
        if "get_config" in vars(cls):
            cls.get_config = _checked(cls, vars(cls)["get_config"])
        elif not any(hasattr(vars(each).get("get_config"), "_checks") for each in cls.__mro__):
            check_saved(cls, (*cls._base_arguments, *cls.options))

    def _write_options(self, config: dict[str, Any]) -> None:
        """Add the values of `options` to a configuration."""
        for name in self.options:
            value = getattr(self, name)
            config[name] = keras.activations.serialize(value) if callable(value) else value


def _checked(cls: type, get_config: Callable[[Any], dict[str, Any]]) -> Callable[[Any], dict[str, Any]]:
    """`get_config` of a class, which also checks that no constructor argument is missing."""

    @functools.wraps(get_config)
    def checked(self: Any) -> dict[str, Any]:
        config = get_config(self)
        # Called through `super()` by another get_config, the configuration is not complete yet.
        if next(each for each in type(self).__mro__ if "get_config" in vars(each)) is cls:
            check_saved(type(self), config)
        return config

    checked._checks = True  # type: ignore[attr-defined]
    return checked


class RecurrentCell(Configured):
    """Base class of the cells: shared arguments, configuration, zero initial states.

    A subclass sets `options` to the names of its own constructor arguments; they are attributes of the same name, which
    `get_config` writes. A constructor argument that `options` lacks is an error when the class is defined. A subclass
    implements `build` and `call`; `state_size` unless it has one state of `units` numbers; `output_size` if it is not
    `units`; `parallel_call` and ``linear = True`` if its recurrence is linear in the state.

    Args:
        units: int >= 1, width of the output.
        kernel_initializer, recurrent_initializer, bias_initializer: as in `keras.layers.LSTM`.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: as in `keras.layers.LSTM`.
        kernel_constraint, recurrent_constraint, bias_constraint: as in `keras.layers.LSTM`.
        **kwargs: `name`, `dtype`, `trainable` of a Keras layer.

    Attributes:
        options: names of the subclass's own constructor arguments.
        linear: bool, the recurrence is linear in the state, so that there is a parallel form.
        chunked: bool, the parallel form works on chunks, with large matrix products, instead of a scan over all steps.
        droppable_states: indices of the states that state dropout acts on.

    Raises:
        InvalidArgumentError: an argument is out of range.
    """

    _base_arguments = ("units", *_INITIALIZERS, *_REGULARIZERS, *_CONSTRAINTS, "name", "dtype", "trainable")
    linear = False
    chunked = False
    droppable_states: tuple[int, ...] = (0,)

    def __init__(
        self,
        units: int,
        *,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units = check_int("units", units, hint="It is the width of the cell's output.")
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.recurrent_initializer = keras.initializers.get(recurrent_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.recurrent_regularizer = keras.regularizers.get(recurrent_regularizer)
        self.bias_regularizer = keras.regularizers.get(bias_regularizer)
        self.kernel_constraint = keras.constraints.get(kernel_constraint)
        self.recurrent_constraint = keras.constraints.get(recurrent_constraint)
        self.bias_constraint = keras.constraints.get(bias_constraint)

    @property
    def state_size(self) -> list[int]:
        """Widths of the states, one int per state."""
        return [self.units]

    @property
    def output_size(self) -> int:
        """Width of the output."""
        return self.units

    def add_kernel(self, name: str, shape: tuple[int, ...], initializer: Any = None) -> Any:
        """Add a trainable weight of the inputs, with the kernel's initializer, regularizer and constraint."""
        return self.add_weight(
            shape=shape,
            name=name,
            initializer=self.kernel_initializer if initializer is None else initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )

    def add_recurrent_kernel(self, name: str, shape: tuple[int, ...], initializer: Any = None) -> Any:
        """Add a trainable weight of the states, with the recurrent initializer, regularizer and constraint."""
        return self.add_weight(
            shape=shape,
            name=name,
            initializer=self.recurrent_initializer if initializer is None else initializer,
            regularizer=self.recurrent_regularizer,
            constraint=self.recurrent_constraint,
        )

    def add_bias(self, name: str, shape: tuple[int, ...], initializer: Any = None) -> Any:
        """Add a trainable bias, with the bias's initializer, regularizer and constraint."""
        return self.add_weight(
            shape=shape,
            name=name,
            initializer=self.bias_initializer if initializer is None else initializer,
            regularizer=self.bias_regularizer,
            constraint=self.bias_constraint,
        )

    def get_initial_state(self, batch_size: Any = None) -> list[Any]:
        """Zeros: a list of (batch_size, n), n from `state_size`."""
        return [ops.zeros((batch_size, size), dtype=self.compute_dtype) for size in self.state_size]

    def call(self, inputs: Any, states: Any, training: bool = False) -> tuple[Any, list[Any]]:
        """One step: (B, F) and a list of states -> (B, `output_size`), new states."""
        raise NotImplementedError(f"{type(self).__name__} has no `call`")

    def parallel_call(self, sequences: Any, states: list[Any], mask: Any = None, training: bool = False) -> Any:
        """All steps in parallel, for cells with ``linear = True``.

        Args:
            sequences: float (B, T, F), in the order of the loop.
            states: list of (B, n), before the first step.
            mask: bool (B, T) or None; steps where it is False do not change the states.
            training: bool.

        Returns:
            (outputs (B, T, `output_size`), list of states after the last step). Outputs of masked steps are ignored.
        """
        raise NotImplementedError(f"{type(self).__name__} has no parallel form")

    def compute_output_shape(self, input_shape: Any, states_shape: Any = None) -> Any:
        """Shapes of (output, states)."""
        batch = input_shape[0]
        return (batch, self.output_size), [(batch, size) for size in self.state_size]

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments as plain values."""
        config = super().get_config()
        config["units"] = self.units
        for names, module in (
            (_INITIALIZERS, keras.initializers),
            (_REGULARIZERS, keras.regularizers),
            (_CONSTRAINTS, keras.constraints),
        ):
            config.update({name: module.serialize(getattr(self, name)) for name in names})
        self._write_options(config)
        return config


def state_sizes_of(cell: Any) -> list[int]:
    """Widths of the states of any cell, one int per state.

    >>> state_sizes_of(keras.layers.LSTMCell(3)), state_sizes_of(keras.layers.GRUCell(3))
    ([3, 3], [3])
    """
    return [int(size) for size in keras.tree.flatten(cell.state_size)]


def output_size_of(cell: Any) -> int:
    """Width of the output of any cell."""
    size = getattr(cell, "output_size", None)
    return int(state_sizes_of(cell)[0] if size is None else size)


def droppable_states(cell: Any) -> tuple[int, ...]:
    """Indices of the states that state dropout acts on: h, but not a separate memory."""
    return tuple(getattr(cell, "droppable_states", (0,)))


def initial_state_of(cell: Any, batch_size: Any, dtype: Any) -> list[Any]:
    """States before the first step as a flat list."""
    make = getattr(cell, "get_initial_state", None)
    if make is None:
        return [ops.zeros((batch_size, size), dtype=dtype) for size in state_sizes_of(cell)]
    return list(keras.tree.flatten(make(batch_size=batch_size)))


def call_cell(
    cell: Any, inputs: Any, states: list[Any], training: bool = False, noise: Any = None, time: Any = None
) -> Any:
    """One step of any cell, called with the arguments that it accepts.

    Args:
        cell: a `RecurrentCell`, a cell of Keras, or any object with `call` and `state_size`.
        inputs: (B, F).
        states: flat list of (B, n).
        training: bool.
        noise: the noise of this step, from the wrapper's `sequence_noise`, or None.
        time: (B, 1), time stamps of this step, or None; passed to cells that accept them as an argument.

    Returns:
        (output (B, U), flat list of the new states).
    """
    accepted = inspect.signature(cell.call).parameters
    kwargs: dict[str, Any] = {}
    if "training" in accepted:
        kwargs["training"] = training
    if noise is not None and "noise" in accepted:
        kwargs["noise"] = noise
    if time is not None and "time" in accepted:
        kwargs["time"] = time
    nested = cell.state_size
    packed = keras.tree.pack_sequence_as(nested, states) if isinstance(nested, list | tuple) else states
    run = cell if callable(cell) else cell.call
    output, new_states = run(inputs, packed, **kwargs)
    return output, list(keras.tree.flatten(new_states))


#: Draws the values of an initializer in place of it: (initializer, shape, dtype) -> tensor, or None.
DRAWING: ContextVar[Callable[..., Any] | None] = ContextVar("drawing", default=None)


def draw(initializer: Any, shape: Sequence[int], dtype: Any = None) -> Any:
    """The values of an initializer, for initializers of cells that are made from others.

    The zoo lets NumPy draw them, so that they are the same on every backend: see `kerazoo.zoo.initial`.

    >>> ops.convert_to_numpy(draw(keras.initializers.Ones(), (2,), "float32")).tolist()
    [1.0, 1.0]
    """
    drawing = DRAWING.get()
    return initializer(shape, dtype=dtype) if drawing is None else drawing(initializer, shape, dtype)


def raised_bias(initializer: Any, offsets: Sequence[float]) -> Callable[..., Any]:
    """An initializer for the bias of len(offsets) gates: the given one plus offsets[k] for gate k.

    >>> raised = raised_bias(keras.initializers.Zeros(), [1.0, 0.0])
    >>> ops.convert_to_numpy(raised((4,), dtype="float32")).tolist()
    [1.0, 1.0, 0.0, 0.0]
    """
    initializer = keras.initializers.Zeros() if initializer is None else initializer

    def values(shape: tuple[int, ...], dtype: Any = None) -> Any:
        raised = np.repeat(np.asarray(offsets, "float32"), shape[0] // len(offsets))
        return draw(initializer, shape, dtype) + ops.cast(raised, dtype)

    return values


def split_at(x: Any, indices: Sequence[int]) -> list[Any]:
    """Split a tensor (..., n) along its last axis at the given indices.

    With `keras.ops.split`, torch would copy the indices back from the GPU and wait for all pending work.
    """
    bounds = [0, *indices, int(x.shape[-1])]
    return [x[..., start:end] for start, end in itertools.pairwise(bounds)]
