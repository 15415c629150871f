"""Losses of a network of all series, and what its outputs say: point forecasts and quantiles.

Targets are (B, H, 3): scaled value y, weight w (0 where missing, mean 1), unit u (of counts the scale); outputs are
(B, H, O). Errors are in units of the scale of a window, so each window counts the same whatever its series is measured
in; only `bounded` and `mape` count relative errors.

================== === ==========================================================================================
name               O   loss of a step, times w
================== === ==========================================================================================
`bounded`          1   2 tanh(u |o - y| / 2): of logarithms, exactly the term |a - b| / ((a + b) / 2) of sMAPE
`mape`             1   |exp(u (o - y)) - 1|, of logarithms exactly the term |a - b| / b of MAPE; where the exponent is
                       above 1, the line that goes on there
`mae`, `mse`       1   |o - y|, (o - y)^2
`huber`            1   (o - y)^2 / 2 up to |o - y| = 1, then |o - y| - 1/2
`quantiles`        Q   mean over the levels a of max(a (y - q_a), (a - 1) (y - q_a)) (pinball; Koenker and Bassett 1978)
`normal`           2   -log N(y; o_1, exp(o_2)^2), without its constant
`student_t`        3   -log of the density of Student's t at y: location o_1, scale softplus(o_2), 2 + softplus(o_3)
                       degrees of freedom
`negative_binomial` 2  -log P(count): mean u softplus(o_1), shape softplus(o_2) / sqrt(u) (Salinas et al. 2020,
                       "DeepAR", section 3.1)
================== === ==========================================================================================
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from kerazoo._validation import check_choice, check_real
from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.global_nets.quantiles import at_levels, rising

__all__ = ["LOSSES", "Loss", "log_gamma", "make_loss"]

Values = NDArray[np.float64]

#: Scaled targets are limited to this size, but in `bounded`: a jump after constant values is huge in their scale.
LARGEST_ERROR = 100.0
#: Logarithmic error up to which `mape` is the percentage error.
LINEAR_FROM = 1.0
#: Least scale of the distributions, in units of the scale of the window, and least shape of the negative binomial.
LEAST = 1e-3
#: Bounds of the logarithm of the standard deviation.
LOG_DEVIATIONS = (-6.0, 5.0)


class Loss:
    """A loss by name, with one output for each step.

    Attributes:
        name: its name.
        levels: the levels of its quantiles, () if it has none of its own.
        n_outputs: O >= 1, outputs for each step.
        has_distribution: whether :meth:`quantiles` are defined.
    """

    n_outputs = 1
    has_distribution = False

    def __init__(self, name: str, levels: tuple[float, ...] = ()) -> None:
        self.name, self.levels = name, levels

    def __call__(self, targets: Any, outputs: Any) -> Any:
        """Losses (B, H) of the steps: tensors of Keras."""
        value, weight, unit = targets[..., 0], targets[..., 1], targets[..., 2]
        outputs = ops.cast(outputs, targets.dtype)
        if self.name == "bounded":
            return weight * 2.0 * ops.tanh(0.5 * unit * ops.abs(outputs[..., 0] - value))
        if self.name == "mape":
            error = unit * (outputs[..., 0] - value)
            near = ops.minimum(error, LINEAR_FROM)
            return weight * (ops.abs(ops.expm1(near)) + math.exp(LINEAR_FROM) * (error - near))
        value = ops.clip(value, -LARGEST_ERROR, LARGEST_ERROR)
        return weight * self.of_step(value, unit, outputs)

    def of_step(self, value: Any, unit: Any, outputs: Any) -> Any:
        """Losses without weights."""
        size = ops.abs(outputs[..., 0] - value)
        if self.name == "mae":
            return size
        if self.name == "mse":
            return ops.square(size)
        return ops.where(size < 1.0, 0.5 * ops.square(size), size - 0.5)

    def point(self, outputs: Values, scales: Values) -> Values:
        """Scaled point forecasts (...,) of outputs (..., O), of windows with `scales` (...,)."""
        return outputs[..., 0]

    def quantiles(self, outputs: Values, scales: Values, levels: Sequence[float]) -> Values:
        """Scaled quantiles (..., Q) of outputs (..., O), rising with their levels.

        Raises:
            InvalidArgumentError: the loss has no distribution.
        """
        known = ", ".join(name for name, kind in LOSSES.items() if kind.has_distribution)
        raise InvalidArgumentError(f"quantiles of loss={self.name!r}; expected a loss with a distribution: {known}.")


class Quantiles(Loss):
    """The pinball loss. The middle output is the median; each other quantile is the next one plus a positive step."""

    has_distribution = True

    @property
    def n_outputs(self) -> int:  # type: ignore[override]
        """One for each level."""
        return len(self.levels)

    def of_step(self, value: Any, unit: Any, outputs: Any) -> Any:
        """Mean pinball loss over the levels."""
        found = self._rising(outputs)
        error = ops.expand_dims(value, -1) - found
        levels = ops.convert_to_tensor(np.array(self.levels, np.float32), dtype=error.dtype)
        return ops.mean(ops.maximum(levels * error, (levels - 1.0) * error), axis=-1)

    def _rising(self, outputs: Any) -> Any:
        """As :func:`kerazoo.forecast.global_nets.quantiles.rising`, of tensors."""
        middle = self.levels.index(0.5)
        centre = outputs[..., middle : middle + 1]
        steps = ops.softplus(outputs)
        above = centre + ops.cumsum(steps[..., middle + 1 :], axis=-1)
        below = centre - ops.flip(ops.cumsum(ops.flip(steps[..., :middle], -1), axis=-1), -1)
        return ops.concatenate([below, centre, above], axis=-1)

    def point(self, outputs: Values, scales: Values) -> Values:
        """The median."""
        return outputs[..., self.levels.index(0.5)]

    def quantiles(self, outputs: Values, scales: Values, levels: Sequence[float]) -> Values:
        """The trained quantiles, and straight lines between them."""
        low, high = min(self.levels), max(self.levels)
        if not all(low <= level <= high for level in levels):
            raise InvalidArgumentError(
                f"levels={list(levels)}; expected levels from {low} to {high}: the network was trained for them."
            )
        return at_levels(rising(outputs, self.levels.index(0.5)), self.levels, levels)


class Normal(Loss):
    """The likelihood of a normal distribution."""

    n_outputs = 2
    has_distribution = True

    def of_step(self, value: Any, unit: Any, outputs: Any) -> Any:
        """Negative log likelihood without its constant."""
        log_deviation = ops.clip(outputs[..., 1], *LOG_DEVIATIONS)
        return 0.5 * ops.square((value - outputs[..., 0]) * ops.exp(-log_deviation)) + log_deviation

    def quantiles(self, outputs: Values, scales: Values, levels: Sequence[float]) -> Values:
        """Quantiles of the distribution."""
        from scipy.special import ndtri  # type: ignore[import-untyped]

        deviation = np.exp(np.clip(outputs[..., 1:], *LOG_DEVIATIONS))
        return np.asarray(outputs[..., :1] + deviation * ndtri(np.asarray(levels)))


class StudentT(Loss):
    """The likelihood of Student's t distribution, whose tails are heavier than those of the normal one."""

    n_outputs = 3
    has_distribution = True

    def of_step(self, value: Any, unit: Any, outputs: Any) -> Any:
        """Negative log likelihood."""
        scale = ops.softplus(outputs[..., 1]) + LEAST
        freedom = 2.0 + ops.softplus(outputs[..., 2])
        half = 0.5 * (freedom + 1.0)
        error = (value - outputs[..., 0]) / scale
        constant = log_gamma(0.5 * freedom) - log_gamma(half) + 0.5 * ops.log(math.pi * freedom)
        return constant + ops.log(scale) + half * ops.log1p(ops.square(error) / freedom)

    def quantiles(self, outputs: Values, scales: Values, levels: Sequence[float]) -> Values:
        """Quantiles of the distribution."""
        from scipy.special import stdtrit

        scale = _softplus(outputs[..., 1:2]) + LEAST
        return np.asarray(outputs[..., :1] + scale * stdtrit(2.0 + _softplus(outputs[..., 2:]), np.asarray(levels)))


class NegativeBinomial(Loss):
    """The likelihood of a negative binomial distribution, for counts."""

    n_outputs = 2
    has_distribution = True

    def of_step(self, value: Any, unit: Any, outputs: Any) -> Any:
        """Negative log likelihood of the counts."""
        count = ops.round(value * unit)
        mean = unit * ops.softplus(outputs[..., 0]) + LEAST
        size = 1.0 / (ops.softplus(outputs[..., 1]) / ops.sqrt(unit) + LEAST)
        log_choices = log_gamma(count + size) - log_gamma(count + 1.0) - log_gamma(size)
        return -(log_choices - size * ops.log1p(mean / size) + count * (ops.log(mean) - ops.log(size + mean)))

    def point(self, outputs: Values, scales: Values) -> Values:
        """The mean, in units of the scale."""
        return _softplus(outputs[..., 0]) + LEAST / scales

    def quantiles(self, outputs: Values, scales: Values, levels: Sequence[float]) -> Values:
        """Quantiles of the distribution, whole counts divided by the scale."""
        from scipy.stats import nbinom  # type: ignore[import-untyped]

        mean = scales * _softplus(outputs[..., 0]) + LEAST
        size = 1.0 / (_softplus(outputs[..., 1]) / np.sqrt(scales) + LEAST)
        counts = nbinom.ppf(np.asarray(levels), size[..., None], (size / (size + mean))[..., None])
        return np.asarray(counts / scales[..., None])


#: Name -> class.
LOSSES: dict[str, type[Loss]] = {
    "bounded": Loss,
    "mape": Loss,
    "mae": Loss,
    "mse": Loss,
    "huber": Loss,
    "quantiles": Quantiles,
    "normal": Normal,
    "student_t": StudentT,
    "negative_binomial": NegativeBinomial,
}


def make_loss(name: str, levels: Sequence[float] = ()) -> Loss:
    """The loss with this name.

    Args:
        name: see the table of this module.
        levels: of `"quantiles"`, each > 0 and < 1; the median is added. None for the other losses.

    Raises:
        InvalidArgumentError: an unknown name, or levels out of range, missing or without use.

    >>> make_loss("quantiles", [0.9, 0.1]).levels
    (0.1, 0.5, 0.9)
    """
    check_choice("loss", name, LOSSES)
    if (name == "quantiles") != bool(len(levels)):
        raise InvalidArgumentError(
            f"loss={name!r} with levels={list(levels)}; expected levels for loss='quantiles' and for no other."
        )
    if name != "quantiles":
        return LOSSES[name](name)
    checked = {check_real("levels", level, 0.0, 1.0, exclusive=True) for level in levels} | {0.5}
    if 1.0 in checked:
        raise InvalidArgumentError("levels contain 1; expected numbers > 0 and < 1.")
    return Quantiles(name, tuple(sorted(checked)))


def log_gamma(x: Any) -> Any:
    """Log of the gamma function of a tensor of positive numbers, on any backend.

    Stirling's series at x + 6, brought back by the recurrence (Abramowitz and Stegun 1964, 6.1.41 and 6.1.15).

    >>> import numpy as np
    >>> float(log_gamma(np.float32(5.0))) - math.log(24) < 1e-5
    True
    """
    shifted = x + 6.0
    inverse = 1.0 / shifted
    series = inverse * (1 / 12 - ops.square(inverse) * (1 / 360 - ops.square(inverse) / 1260))
    product = ops.log(x) + ops.log(x + 1.0) + ops.log(x + 2.0) + ops.log(x + 3.0) + ops.log(x + 4.0) + ops.log(x + 5.0)
    return (shifted - 0.5) * ops.log(shifted) - shifted + 0.5 * math.log(2 * math.pi) + series - product


def _softplus(x: Values) -> Values:
    return np.asarray(np.logaddexp(0.0, x))
