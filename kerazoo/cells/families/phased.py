"""Phased LSTM: a time gate of each unit, periodic in the time of the events, limits when its state may change."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from kerazoo._validation import check_choice, check_flag, check_real
from kerazoo.cells.base import RecurrentCell
from kerazoo.cells.registry import CellInfo
from kerazoo.errors import InvalidArgumentError

__all__ = ["CELLS", "PhasedLSTMCell"]

# The step counter has two digits of this base, because bfloat16 represents integers exactly only up to 256.
_BASE = 256


@keras.saving.register_keras_serializable(package="kerazoo")
class PhasedLSTMCell(RecurrentCell):
    """Phased LSTM: a peephole LSTM whose units are open only for a small part of a learned period.

    Equations (Neil, Pfeiffer & Liu 2016, "Phased LSTM: Accelerating Recurrent Network Training for Long or Event-based
    Sequences", arXiv:1610.09513, sec. 2), with t the time of the step, period tau, shift s and open ratio r of each
    unit, a = `leak` while training and 0 otherwise, and g = `activation`::

        phi = ((t - s) mod tau) / tau
        k = 2 phi / r  if phi < r / 2;   2 - 2 phi / r  if r / 2 <= phi < r;   a phi  otherwise
        i = sigmoid(x_t W_i + h_(t-1) U_i + p_i * c_(t-1) + b_i)
        f = sigmoid(x_t W_f + h_(t-1) U_f + p_f * c_(t-1) + b_f)
        c' = f * c_(t-1) + i * g(x_t W_c + h_(t-1) U_c + b_c)
        o = sigmoid(x_t W_o + h_(t-1) U_o + p_o * c' + b_o)
        c_t = k * c' + (1 - k) * c_(t-1)
        h_t = k * o * g(c') + (1 - k) * h_(t-1)

    The output gate's peephole reads c', as in `tf.contrib.rnn.PhasedLSTMCell`. That cell keeps the leak at test time;
    here, as in the paper, it is then zero. tau, s and r are learned through parameters that keep them in range:
    tau = exp(log_period), s = shift * tau, r = sigmoid(ratio_logit). Initially tau is log-uniform from `min_period` to
    `max_period`, and s uniform over the period, as in `tf.contrib`.

    A unit of period tau is open for a time of r tau. Choose the unit of time and the periods so that steps fall into
    the open phases: with r = 0.05 and steps of length 1, a unit of period 100 is open in 5 of 100 steps.

    Args:
        units: int >= 1.
        ratio_on: float in (0, 1), initial r.
        leak: float from 0 to 1, a.
        time: `"feature"`: the last feature of the input is the time stamp t, and x_t are those before it; `"step"`: t
            counts the steps, 0, 1, 2, ... (without masked ones), in a state, and the input is x_t; `"argument"`: the
            call takes t as its argument `time`, (B, 1), which :class:`kerazoo.cells.TimeStampedCell` passes.
        peephole: bool, the gates read the memory.
        activation: function of the candidate and of the output.
        min_period, max_period: float, 0 < min_period <= max_period, range of the initial periods.
        **kwargs: see :class:`kerazoo.cells.RecurrentCell`.

    Shapes: inputs (B, F); states [h, c], each (B, units), and with ``time="step"`` a counter (B, 2) of the n steps so
    far, [n mod 256, n div 256]; output h. Weights: kernel (F - 1 or F, 4 units) and recurrent_kernel (units, 4 units)
    as [i, f, c, o], bias (4 units), log_period, shift and ratio_logit (units); with peepholes peephole_kernel
    (3, units) as [i, f, o]. Phases are computed in at least float32, but a model of half precision rounds time stamps
    like every input (bfloat16: to two or three digits).

    Raises:
        InvalidArgumentError: an argument is out of range; when built: the time stamp is the only feature; when called:
            ``time="argument"`` and no time.

    >>> import numpy as np
    >>> cell = PhasedLSTMCell(4)
    >>> stamped = np.array([[0.5, 0.3, 12.0], [0.1, 0.2, 12.5]], "float32")
    >>> h, states = cell(stamped, cell.get_initial_state(batch_size=2))
    >>> tuple(h.shape), tuple(cell.kernel.shape)
    ((2, 4), (2, 16))
    """

    options = ("ratio_on", "leak", "time", "peephole", "activation", "min_period", "max_period")

    def __init__(
        self,
        units: int,
        ratio_on: float = 0.05,
        leak: float = 0.001,
        time: str = "feature",
        peephole: bool = True,
        activation: Any = "tanh",
        min_period: float = 1.0,
        max_period: float = 1000.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(units, **kwargs)
        self.ratio_on = check_real("ratio_on", ratio_on, 0, exclusive=True, hint="The paper's value is 0.05.")
        if self.ratio_on >= 1:
            raise InvalidArgumentError(f"ratio_on={ratio_on!r}; expected a number < 1. The paper's value is 0.05.")
        self.leak = check_real("leak", leak, 0, 1, hint="The paper's value is 0.001.")
        self.time = check_choice("time", time, ("feature", "step", "argument"))
        self.peephole = check_flag("peephole", peephole)
        self.activation = keras.activations.get(activation)
        self.min_period = check_real("min_period", min_period, 0, exclusive=True)
        self.max_period = check_real("max_period", max_period)
        if self.max_period < self.min_period:
            raise InvalidArgumentError(
                f"max_period={max_period!r}; expected a number >= min_period={min_period!r}. The usual range is 1 to "
                "1000."
            )

    @property
    def state_size(self) -> list[int]:
        """Widths of the states."""
        return [self.units, self.units, *([2] if self.time == "step" else [])]

    def build(self, input_shape: Any) -> None:
        """Make the weights."""
        features = int(input_shape[-1])
        if self.time == "feature":
            if features < 2:
                raise InvalidArgumentError(
                    f"time stamps missing: input of shape {tuple(input_shape)} has one feature; {self.name} expects "
                    "the time as the last feature and at least one before it. Add the times as last feature, or use "
                    'time="step", which counts the steps.'
                )
            features -= 1
        self.kernel = self.add_kernel("kernel", (features, 4 * self.units))
        self.recurrent_kernel = self.add_recurrent_kernel("recurrent_kernel", (self.units, 4 * self.units))
        self.bias = self.add_bias("bias", (4 * self.units,))
        if self.peephole:
            self.peephole_kernel = self.add_recurrent_kernel("peephole_kernel", (3, self.units))
        logs = keras.initializers.RandomUniform(math.log(self.min_period), math.log(self.max_period))
        logit = math.log(self.ratio_on) - math.log1p(-self.ratio_on)
        self.log_period = self._add_time_gate_weight("log_period", logs)
        self.shift = self._add_time_gate_weight("shift", keras.initializers.RandomUniform(0.0, 1.0))
        self.ratio_logit = self._add_time_gate_weight("ratio_logit", keras.initializers.Constant(logit))
        self.built = True

    def _add_time_gate_weight(self, name: str, initializer: Any) -> Any:
        # Not in half precision: an error of the period grows with the number of elapsed periods.
        return self.add_weight(shape=(self.units,), name=name, initializer=initializer, autocast=False)

    def _openness(self, time: Any, training: bool) -> Any:
        """K of the paper for times (B, 1): (B, units), in the precision of `time`."""
        log_period, shift, logit = (ops.cast(w, time.dtype) for w in (self.log_period, self.shift, self.ratio_logit))
        cycles = time * ops.exp(-log_period) - shift
        phase = cycles - ops.stop_gradient(ops.floor(cycles))
        rising = 2 * phase / ops.sigmoid(logit)
        closed = self.leak * phase if training else ops.zeros_like(phase)
        return ops.where(rising < 1, rising, ops.where(rising < 2, 2 - rising, closed))

    def call(self, inputs: Any, states: Any, training: bool = False, time: Any = None) -> tuple[Any, list[Any]]:
        """One step: (B, F) and a list of states -> (B, `output_size`), new states."""
        h, c = states[0], states[1]
        precise = "float64" if self.compute_dtype == "float64" else "float32"
        counter = []
        if self.time == "feature":
            inputs, time = inputs[..., :-1], inputs[..., -1:]
        elif self.time == "step":
            low, high = states[2][:, :1], states[2][:, 1:]
            time = ops.cast(low, precise) + _BASE * ops.cast(high, precise)
            full = low + 1 >= _BASE
            digits = [ops.where(full, ops.zeros_like(low), low + 1), ops.where(full, high + 1, high)]
            counter = [ops.concatenate(digits, axis=-1)]
        elif time is None:
            raise InvalidArgumentError(
                f'time=None; {self.name} was made with time="argument" and expects the time of the step, (batch, 1). '
                'TimeStampedCell around it passes it; or use time="feature" or time="step".'
            )
        k = ops.cast(self._openness(ops.cast(time, precise), training), self.compute_dtype)

        sums = ops.matmul(inputs, self.kernel) + ops.matmul(h, self.recurrent_kernel) + self.bias
        i, f, candidate, o = ops.split(sums, 4, axis=-1)
        if self.peephole:
            i = i + c * self.peephole_kernel[0]
            f = f + c * self.peephole_kernel[1]
        new_c = ops.sigmoid(f) * c + ops.sigmoid(i) * self.activation(candidate)
        if self.peephole:
            o = o + new_c * self.peephole_kernel[2]
        new_h = ops.sigmoid(o) * self.activation(new_c)
        h = k * new_h + (1 - k) * h
        c = k * new_c + (1 - k) * c
        return h, [h, c, *counter]


CELLS = (
    CellInfo(
        name="phased",
        make=PhasedLSTMCell,
        title="Phased LSTM: units that open rhythmically, for events at irregular times.",
        paper=(
            'Neil, Pfeiffer & Liu 2016, "Phased LSTM: Accelerating Recurrent Network Training for Long or Event-based '
            'Sequences", arXiv:1610.09513'
        ),
        aliases=("phasedlstm", "plstm"),
        states=("h", "c"),
        needs_timestamps=True,
        note="see below",
    ),
)
