"""`DropoutCell`: dropout of inputs, outputs and states, with noise drawn before the loop."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kerazoo._validation import check_dropout, check_int
from kerazoo.cells.base import output_size_of, state_sizes_of
from kerazoo.cells.wrappers.base import WrapperCell
from kerazoo.errors import InvalidArgumentError

__all__ = ["DropoutCell"]


@keras.saving.register_keras_serializable(package="kerazoo")
class DropoutCell(WrapperCell):
    """Dropout around a cell while training.

    Values are set to 0 with probability p; the others are multiplied by 1 / (1 - p). Masks of inputs and outputs are
    new at every step (Zaremba et al. 2014); with `variational`, one mask is used for all steps of a sequence. The mask
    of the state h is always the same for all steps (Gal & Ghahramani 2016, sec. 4): a new mask at each step would erase
    the state within a few steps.

    Cells whose only memory is a linear h (minGRU, LRU, ...) allow no state dropout: scaling by 1 / (1 - p) at every
    step would let the state grow without bound.

    Args:
        cell: the cell inside.
        input_dropout, output_dropout, state_dropout: float in [0, 1), probability that a value is dropped.
        variational: bool, one mask for all steps, for inputs and outputs too.
        seed: int or None, of the noise.
        **kwargs: see :class:`kerazoo.cells.WrapperCell`.

    Raises:
        InvalidArgumentError: a probability is out of range; state dropout for a cell that does not allow it; or
            training in a layer other than :class:`kerazoo.cells.Recurrent`, which draws the noise.

    >>> import numpy as np
    >>> from kerazoo.cells import Recurrent
    >>> layer = Recurrent(DropoutCell(keras.layers.GRUCell(3), output_dropout=0.5, seed=1), return_sequences=True)
    >>> y = np.asarray(layer(np.ones((1, 8, 2), "float32"), training=True))
    >>> bool((y == 0).any()), bool((y != 0).any())
    (True, True)
    """

    options = ("input_dropout", "output_dropout", "state_dropout", "variational", "seed")

    def __init__(
        self,
        cell: Any,
        input_dropout: float = 0.0,
        output_dropout: float = 0.0,
        state_dropout: float = 0.0,
        variational: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(cell, **kwargs)
        self.input_dropout = check_dropout("input_dropout", input_dropout)
        self.output_dropout = check_dropout("output_dropout", output_dropout)
        self.state_dropout = check_dropout("state_dropout", state_dropout)
        self.variational = bool(variational)
        self.seed = None if seed is None else check_int("seed", seed, 0)
        if self.state_dropout and (getattr(cell, "linear", False) or not self.droppable_states):
            raise InvalidArgumentError(
                f"state_dropout={state_dropout}; expected 0 for {type(cell).__name__}: its state is a linear memory, "
                "which would grow by 1 / (1 - p) at every step. Use input_dropout or output_dropout."
            )
        self.seed_generator = keras.random.SeedGenerator(seed)
        self._input_width: int | None = None

    def build(self, input_shape: Any) -> None:
        """Build the cell inside."""
        self._input_width = int(input_shape[-1])
        super().build(input_shape)

    def sequence_noise(self, batch: Any, steps: Any, training: bool) -> Any:
        """Masks for a sequence: "input" and "output" (B, T, n) or, variational, (B, n); "state" a list of (B, n)."""
        noise = super().sequence_noise(batch, steps, training) or {}
        if not training:
            return noise or None
        sizes = state_sizes_of(self.cell)

        def draw(rate: float, width: int, every_step: bool) -> Any:
            shape = (batch, steps, width) if every_step else (batch, width)
            ones = ops.ones(shape, dtype=self.compute_dtype)
            return keras.random.dropout(ones, rate, seed=self.seed_generator)

        assert self._input_width is not None
        if self.input_dropout:
            noise["input"] = draw(self.input_dropout, self._input_width, not self.variational)
        if self.output_dropout:
            noise["output"] = draw(self.output_dropout, output_size_of(self.cell), not self.variational)
        if self.state_dropout:
            noise["state"] = [draw(self.state_dropout, sizes[i], False) for i in self.droppable_states]
        return noise or None

    def _check_noise(self, noise: Any, training: bool) -> dict[str, Any]:
        if training and noise is None and (self.input_dropout or self.output_dropout or self.state_dropout):
            raise InvalidArgumentError(
                "DropoutCell was trained without noise; expected to run in kerazoo.cells.Recurrent, which draws the "
                "noise before the loop. Use Recurrent(cell) instead of keras.layers.RNN(cell)."
            )
        return noise or {}

    def call(
        self, inputs: Any, states: Any, training: bool = False, noise: Any = None, time: Any = None
    ) -> tuple[Any, list[Any]]:
        """One step: (B, F) and a list of states -> (B, U), new states."""
        drawn = self._check_noise(noise, training)
        states = list(states)
        for i, mask in zip(self.droppable_states, drawn.get("state", ()), strict=False):
            states[i] = states[i] * mask
        if "input" in drawn:
            inputs = inputs * drawn["input"]
        output, states = self.call_inner(inputs, states, training, drawn, time)
        return (output * drawn["output"] if "output" in drawn else output), states

    def parallel_call(
        self, sequences: Any, states: list[Any], mask: Any = None, training: bool = False, noise: Any = None
    ) -> tuple[Any, list[Any]]:
        """All steps in parallel: see `RecurrentCell.parallel_call`."""
        drawn = self._check_noise(noise, training)

        def of_sequence(leaf: Any) -> Any:
            return ops.expand_dims(leaf, 1) if len(leaf.shape) == 2 else leaf

        if "input" in drawn:
            sequences = sequences * of_sequence(drawn["input"])
        outputs, states = self.parallel_inner(sequences, states, mask, training, drawn)
        return (outputs * of_sequence(drawn["output"]) if "output" in drawn else outputs), states
