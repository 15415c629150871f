"""`Recurrent`, the layer that runs a cell over a sequence: step by step, or in parallel if the cell is linear."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kerazoo._runtime.devices import accelerator_visible
from kerazoo.cells.base import initial_state_of, output_size_of, state_sizes_of
from kerazoo.cells.scan import hold_last_valid, run_parallel_form
from kerazoo.cells.stacked import StackedCells, dropout_cells
from kerazoo.cells.steps import run_steps
from kerazoo.errors import InvalidArgumentError

__all__ = ["SCAN_FROM", "Recurrent", "parallel_pays"]

#: Shortest sequence for which `parallel="auto"` uses the scan, without and with an accelerator; None: never.
#: On two cores the loop was faster at every length (docs/cells.md). On accelerators the scan is faster at 64 and 512
#: steps (benchmarks/README.md); the limit of 16 is an expectation, not a measurement.
SCAN_FROM: dict[bool, int | None] = {False: None, True: 16}
#: The same for cells whose parallel form works on chunks (mLSTM), on any device. On two cores it was faster from 4
#: steps on, the fewest that were measured, mostly several times; only TensorFlow at batch size 1 lost up to a fifth
#: below 12 steps (docs/cells.md).
CHUNKED_FROM = 4


def parallel_pays(steps: int | None, chunked: bool = False) -> bool:
    """Whether the parallel form of a linear recurrence is faster for sequences of `steps` on this machine."""
    least = CHUNKED_FROM if chunked else SCAN_FROM[accelerator_visible()]
    return steps is not None and least is not None and steps >= least


def _reset_masks(cell: Any) -> None:
    cell.reset_dropout_mask()
    cell.reset_recurrent_dropout_mask()


@keras.saving.register_keras_serializable(package="kerazoo")
class Recurrent(keras.layers.RNN):
    """Runs a cell over sequences, as `keras.layers.RNN` does, with these additions.

    - Linear recurrences (`linear` cells) run in parallel by an associative scan, with the same results.
    - Wrappers with dropout draw their noise before the loop, and so do Keras's cells with `dropout`, in stacks too.
    - Masked steps keep the states and repeat the last output on every backend, whatever the first state of a cell is.
      (Keras on JAX repeats the first state, which is the output only for Keras's own cells.)
    - A cell that cannot mask steps, an empty sequence and a wrong rank are errors with a clear message.

    Args:
        cell: a cell of kerazoo or Keras, a wrapper around one, or a list of cells, which are stacked.
        parallel: `"auto"` (in parallel where it is faster: see :data:`SCAN_FROM`), True (an error if the cell has no
            parallel form) or False. If the length is unknown while a graph is traced, the steps run one by one.
        return_sequences: bool, return all outputs (B, T, U) or the last one (B, U).
        return_state: bool, the states after the last step follow the output.
        go_backwards: bool, read the sequence from its end; outputs are in that order.
        unroll: bool, unroll the loop over the steps (short sequences only).
        zero_output_for_mask: bool, the outputs of masked steps are zeros.
        **kwargs: `name`, `dtype`, `trainable`.

    The layer is called with sequences, float (B, T, F), T >= 1; initial_state, a list of (B, n), one per state, or
    None: that of the cell; mask, bool (B, T) or None; training, bool.

    Raises:
        InvalidArgumentError: an argument is not allowed, or the input has no steps or not three axes.

    >>> import numpy as np
    >>> layer = Recurrent(keras.layers.GRUCell(3), return_sequences=True, return_state=True)
    >>> outputs, state = layer(np.zeros((2, 5, 1), "float32"))
    >>> tuple(outputs.shape), tuple(state.shape)
    ((2, 5, 3), (2, 3))
    """

    def __init__(
        self,
        cell: Any,
        parallel: bool | str = "auto",
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        unroll: bool = False,
        zero_output_for_mask: bool = False,
        **kwargs: Any,
    ) -> None:
        if parallel not in ("auto", True, False):
            raise InvalidArgumentError(f"parallel={parallel!r}; expected 'auto', True or False.")
        if kwargs.pop("stateful", False):
            raise InvalidArgumentError(
                "stateful=True; expected False. Keras loses such states on JAX: get them with return_state=True and "
                "pass them as initial_state."
            )
        super().__init__(
            StackedCells(cell) if isinstance(cell, list | tuple) else cell,
            return_sequences=return_sequences,
            return_state=return_state,
            go_backwards=go_backwards,
            unroll=unroll,
            zero_output_for_mask=zero_output_for_mask,
            **kwargs,
        )
        self.state_size = state_sizes_of(self.cell)
        self.parallel = parallel
        why_not = self._why_not_parallel()
        if parallel is True and why_not:
            raise InvalidArgumentError(f"parallel=True; expected 'auto' or False: {why_not}")

    def _why_not_parallel(self) -> str:
        if getattr(self.cell, "linear", False):
            return ""
        why = getattr(self.cell, "why_not_linear", "")
        return why or f"{type(self.cell).__name__} is not linear in its state, so its steps run one after another."

    def compute_output_shape(self, sequences_shape: Any, initial_state_shape: Any = None) -> Any:
        """Shape of the output, or a tuple of the shapes of the output and the states."""
        batch, steps = sequences_shape[:2]
        size = output_size_of(self.cell)
        output = (batch, steps, size) if self.return_sequences else (batch, size)
        return (output, *((batch, size) for size in self.state_size)) if self.return_state else output

    def get_initial_state(self, batch_size: Any) -> list[Any]:
        """States before the first step: a flat list of (batch_size, n)."""
        return initial_state_of(self.cell, batch_size, self.cell.compute_dtype)

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        """Check the shape of the input and build the cell."""
        self._check_shape(sequences_shape)
        super().build(sequences_shape)

    def _check_shape(self, shape: Any) -> None:
        if len(shape) != 3:
            raise InvalidArgumentError(
                f"input of shape {tuple(shape)}; {self.name} expects (batch, steps, features). One series of a single "
                "feature is x[None, :, None]."
            )
        if shape[1] == 0:
            raise InvalidArgumentError(f"input of shape {tuple(shape)} has no steps; {self.name} expects at least one.")

    def call(self, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool = False) -> Any:
        """Run the cell over sequences (B, T, F): the output, then the states if `return_state`."""
        self._check_shape(sequences.shape)
        if initial_state is not None:
            initial_state = list(keras.tree.flatten(initial_state))
            if len(initial_state) != len(self.state_size):
                raise InvalidArgumentError(
                    f"initial_state has {len(initial_state)} tensors; {self.name} expects {len(self.state_size)}, of "
                    f"widths {', '.join(map(str, self.state_size))}."
                )
        mask = keras.tree.flatten(mask)[0] if mask is not None else None
        if mask is not None and not getattr(self.cell, "supports_step_mask", True):
            raise InvalidArgumentError(
                f"a mask was given, but {type(self.cell).__name__} cannot mask steps. Pad no sequences "
                "(mask_zero=False, no Masking layer), or use another cell."
            )
        # Keras's cells with dropout keep their masks until they are reset. They are drawn here, before the loop, as a
        # mask that is made inside it cannot be used outside.
        with_dropout = list(dropout_cells(self.cell, int(sequences.shape[-1])))
        batch = ops.shape(sequences)[0]
        try:
            for cell, width in with_dropout:
                _reset_masks(cell)
                cell.get_dropout_mask(ops.ones((batch, width), dtype=cell.compute_dtype))
                state = ops.ones((batch, state_sizes_of(cell)[0]), dtype=cell.compute_dtype)
                cell.get_recurrent_dropout_mask(state)
            return super().call(sequences, initial_state=initial_state, mask=mask, training=training)
        finally:
            for cell, _ in with_dropout:
                _reset_masks(cell)

    def _maybe_config_dropout_masks(self, cell: Any, input_sequence: Any, input_state: Any) -> None:
        """Do nothing: `call` has drawn the masks, of cells inside stacks too, which Keras's method does not know."""

    def _maybe_reset_dropout_masks(self, cell: Any) -> None:
        """Do nothing: `call` resets the masks."""

    def runs_in_parallel(self, steps: int | None) -> bool:
        """Whether the layer runs in parallel over sequences of `steps`; never if the length is unknown."""
        # While JAX traces a function for export, the length is a symbol, which no number can be compared with.
        if not isinstance(steps, int) or self._why_not_parallel() or self.parallel is False:
            return False
        chunked = bool(getattr(self.cell, "chunked", False))
        return self.parallel is True or (not self.unroll and parallel_pays(steps, chunked))

    def inner_loop(self, sequences: Any, initial_state: Any, mask: Any, training: bool = False) -> Any:
        """Run the steps; returns (last output, outputs (B, T, U), last states)."""
        steps = sequences.shape[1]
        states = list(keras.tree.flatten(initial_state))
        if mask is not None:
            mask = ops.cast(mask, "bool")
        draw = getattr(self.cell, "sequence_noise", None)
        noise = draw(ops.shape(sequences)[0], ops.shape(sequences)[1], training) if draw else None
        if self.runs_in_parallel(steps):
            return self._parallel_loop(sequences, states, mask, training, noise)
        return run_steps(self, sequences, states, mask, training, noise)

    def _parallel_loop(self, sequences: Any, states: list[Any], mask: Any, training: bool, noise: Any) -> Any:
        if self.go_backwards:
            sequences = ops.flip(sequences, axis=1)
            mask = None if mask is None else ops.flip(mask, axis=1)
        outputs, states = run_parallel_form(self.cell, sequences, states, mask, training, noise)
        nothing = ops.zeros_like(outputs[:, 0])
        held = hold_last_valid(outputs, mask, nothing)
        if mask is not None and self.zero_output_for_mask:
            outputs = ops.where(ops.expand_dims(mask, -1), outputs, ops.zeros_like(outputs))
            return outputs[:, -1], outputs, states
        return held[:, -1], held, states

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments, with the serialised cell."""
        return {**super().get_config(), "parallel": self.parallel}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Recurrent:
        """The inverse of `get_config`."""
        # Keras's own method removes the cell from the given dict.
        cell = keras.saving.deserialize_keras_object(config["cell"], custom_objects=custom_objects)
        return cls(**{**config, "cell": cell})
