"""Exponential smoothing as a transform: z are its one-step forecast errors."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from kerazoo._validation import check_choice, check_int, check_real
from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.data.frequency import first_label
from kerazoo.forecast.transforms.base import Index, Tail, Transform, Values
from kerazoo.forecast.transforms.registry import register_transform
from kerazoo_ext import _smoothing

__all__ = ["ExponentialSmoothing"]

DAMPING = (0.8, 0.98)
LEAST_ALPHA = 0.0025
# Initial values of alpha, beta, gamma and phi for the search, as fractions of the ranges that their bounds leave. The
# error has several local minima. These starts find the lowest in nearly all of 100 simulated series, as do many random
# starts.
STARTS = ((0.5, 0.12, 0.27, 0.73), (0.27, 0.05, 0.5, 0.95), (0.73, 0.02, 0.12, 0.88))


class _Weights(NamedTuple):
    alpha: float
    beta: float
    gamma: float
    phi: float


@register_transform
class ExponentialSmoothing(Transform):
    """z_t = y_t - ŷ_t, where ŷ_t is the one-step forecast of exponential smoothing.

    The additive innovations state space models ETS(A,N|A|Ad,N|A) (Hyndman, Koehler, Ord and Snyder, Forecasting with
    Exponential Smoothing, 2008, table 2.2), which include Holt-Winters, with level l, trend b and season s of period m:

        ŷ = l + φ b + s₋ₘ         l' = l + φ b + α z     b' = φ b + β z     s' = s₋ₘ + γ z

    The inverse continues from the states after the last value: ŷ + z, step by step. The transform generalises the
    difference (α = 1 without trend and season is `Difference(1)`) and loses no value. The inverse of z = 0 is the
    Holt-Winters forecast, :meth:`horizon_forecast`.

    The weights minimise the sum of squared z subject to 0.0025 <= α <= 0.9975, 0 <= β <= α, 0 <= γ <= 1 - α and, if
    damped, 0.8 <= φ <= 0.98 (L-BFGS-B from three starts, with the exact gradient). For given weights, z is linear in
    the initial states; these are the exact least squares solution, with seasonal states that add up to 0.

    A series that starts like the fitted one, at the same date and with the same values, is filtered from the learned
    initial states, so that later values never change an earlier z. For any other series the initial states are the
    least squares solution for its first 2 m + 3 values (5 without a season). Every series must have at least as many
    values.

    Args:
        period: int >= 2, m, steps of a season, 12 for months; None: no season.
        trend: None; "add", a straight line; or "damped", one that levels off.
        alpha: float, 0 < α <= 1, fixed smoothing weight of the level; None: fitted.
        beta: float, as above, fixed weight of the trend; None: fitted.
        gamma: float, as above, fixed weight of the season; None: fitted.

    Attributes:
        alpha_: float, the weight of the level.
        beta_: float, the weight of the trend; 0 without one.
        gamma_: float, the weight of the season; 0 without one.
        phi_: float, the damping; 1 without one.
        initial_level_: float, the level before the first value.
        initial_trend_: float, the trend before the first value.
        initial_season_: list of float (m,), the seasonal states of the first m steps.
        sse_: float, sum of the squared z of the fitted series.
        start_: the first index entry of the fitted series, by which it is recognised.
        first_: list of float, its first values, by which it is recognised.

    >>> import pandas as pd
    >>> y, index = 2.0 + 3.0 * np.arange(8) + np.tile([1.0, -1.0], 4), pd.RangeIndex(8)
    >>> smoothing = ExponentialSmoothing(2, "add").fit(y, index)
    >>> z, tail = smoothing.apply(y, index)
    >>> bool(abs(z).max() < 1e-9)
    True
    >>> smoothing.undo([0.0, 0.0, 0.0], tail, pd.RangeIndex(8, 11)).round(6)
    array([27., 28., 33.])
    """

    name = "exponential_smoothing"
    learned = (
        "alpha_",
        "beta_",
        "gamma_",
        "phi_",
        "initial_level_",
        "initial_trend_",
        "initial_season_",
        "sse_",
        "start_",
        "first_",
    )

    alpha_: float
    beta_: float
    gamma_: float
    phi_: float
    initial_level_: float
    initial_trend_: float
    initial_season_: list[float]
    sse_: float
    start_: int | str
    first_: list[float]

    def __init__(
        self,
        period: int | None = None,
        trend: str | None = None,
        alpha: float | None = None,
        beta: float | None = None,
        gamma: float | None = None,
    ) -> None:
        self.period = None if period is None else check_int("period", period, 2, hint="None is no season.")
        self.trend = (
            None if trend is None else check_choice("trend", trend, ("add", "damped"), hint="None is no trend.")
        )
        self.alpha = None if alpha is None else check_real("alpha", alpha, 0.0, 1.0, exclusive=True)
        if beta is not None and trend is None:
            raise InvalidArgumentError(
                f"beta={beta!r} with trend=None; expected beta=None, or trend='add' or 'damped'."
            )
        if gamma is not None and period is None:
            raise InvalidArgumentError(f"gamma={gamma!r} with period=None; expected gamma=None, or a period.")
        most_beta, most_gamma = (1.0, 1.0) if self.alpha is None else (self.alpha, 1.0 - self.alpha)
        self.beta = None if beta is None else check_real("beta", beta, 0.0, most_beta, hint="It is at most alpha.")
        self.gamma = (
            None if gamma is None else check_real("gamma", gamma, 0.0, most_gamma, hint="It is at most 1 - alpha.")
        )
        if (self.beta or 0.0) + (self.gamma or 0.0) > 1.0:
            raise InvalidArgumentError(
                f"beta={beta!r}, gamma={gamma!r}; expected beta <= alpha <= 1 - gamma for some alpha."
            )

    @property
    def n_needed(self) -> int:
        """The smallest number of values of a series: 2 m + 3, or 5 without a season."""
        return 2 * (self.period or 1) + 3

    @property
    def information_(self) -> dict[str, float]:
        """Information criteria, to compare models of the same series; smaller is better.

        Returns:
            `log_likelihood`: of the fitted z as Gaussian noise with variance sse / T; `n_parameters`: k, the number of
            fitted weights, initial states (m - 1 for the season, as they add up to 0) and the variance;
            `aic` = 2 k - 2 log L, `aicc` = aic + 2 k (k + 1) / (T - k - 1), infinite if T <= k + 1, and
            `bic` = k log T - 2 log L (Hyndman et al. 2008, section 7.1).
        """
        self._check_fitted()
        n = self.n_fitted_
        k = len(self._free()) + (self.trend == "damped") + 1 + (self.trend is not None) + (self.period or 1) - 1 + 1
        log_likelihood = -n / 2 * (math.log(2 * math.pi * self.sse_ / n) + 1) if self.sse_ > 0 else math.inf
        aic = 2 * k - 2 * log_likelihood
        return {
            "log_likelihood": log_likelihood,
            "n_parameters": k,
            "aic": aic,
            "aicc": aic + 2 * k * (k + 1) / (n - k - 1) if n > k + 1 else math.inf,
            "bic": k * math.log(n) - 2 * log_likelihood,
        }

    @property
    def aicc_(self) -> float:
        """Akaike's information criterion, corrected for short series: see :attr:`information_`."""
        return self.information_["aicc"]

    @property
    def bic_(self) -> float:
        """The Bayesian information criterion: see :attr:`information_`."""
        return self.information_["bic"]

    def horizon_forecast(self, tail: Tail, steps: int) -> Values:
        """The Holt-Winters forecast after the series of :meth:`apply`: the inverse of z = 0.

        Args:
            tail: dict, from :meth:`apply` of the series.
            steps: int >= 1, H.

        Returns:
            float64 (H,).
        """
        self._check_fitted()
        return self._continue_from(np.zeros(check_int("steps", steps)), tail)

    def innovations_of(self, columns: Values) -> tuple[Values, int]:
        """What the fitted weights leave of other series, whatever their initial states are.

        Each column is filtered with the fitted weights, from the initial states that make its own innovations smallest.
        Least squares of the innovations of y on those of the columns of X is generalised least squares of y on X,
        with errors that follow this model.

        Args:
            columns: float64 (T, C), T >= `n_needed`.

        Returns:
            float64 (T, C), and the number of initial states that were fitted to each column.
        """
        self._check_fitted()
        weights = _Weights(self.alpha_, self.beta_, self.gamma_, self.phi_)
        responses, constraint, _ = self._responses(columns[:, 0], weights)
        filtered = [_filter(each, weights, np.zeros((2 + (self.period or 1), 1)))[0][:, 0] for each in columns.T]
        found = np.stack(filtered, axis=1)
        matrix = np.concatenate([-responses[:, 1:], constraint])
        target = np.concatenate([found, np.zeros((1, columns.shape[1]))])
        solution, _, rank, _ = np.linalg.lstsq(matrix, target, rcond=None)
        # The row of the constraint fixes one of the states without a value.
        return found + responses[:, 1:] @ solution, int(rank) - (self.period is not None)

    @property
    def outputs_residuals(self) -> bool:
        """True: the inverse of z = 0 is the Holt-Winters forecast."""
        return True

    def _fit(self, y: Values, index: Index) -> None:
        self._check_long_enough(y)
        # Centred and scaled to about 1: the model is equivalent, and the tolerances of the search fit.
        centre = float(y.mean())
        scale = float(np.abs(y - centre).max()) or 1.0
        scaled = (y - centre) / scale
        weights = self._search(scaled)
        initial = self._initial_states(scaled, weights) * scale
        initial[0] += centre
        self.alpha_, self.beta_, self.gamma_, self.phi_ = weights
        self.initial_level_, self.initial_trend_ = float(initial[0]), float(initial[1])
        self.initial_season_ = initial[2:].tolist() if self.period else []
        self.start_ = first_label(index)
        self.first_ = y[: self.n_needed].tolist()
        innovations, _ = _filter(y, weights, initial[:, None].copy())
        self.sse_ = float(np.sum(innovations[:, 0] ** 2))

    def _check_state(self) -> None:
        self._check_count("initial_season_", self.period or 0)
        if isinstance(self.start_, bool) or not isinstance(self.start_, int | str):
            raise InvalidArgumentError(f"start_={self.start_!r:.80} of {self!r}; expected a number or a date as text.")

    def _apply(self, y: Values, index: Index) -> tuple[Values, Tail]:
        innovations, states = self._innovations(y, index)
        # The season of the next step comes first.
        season = np.roll(states[2:], -(len(y) % len(states[2:]))) if self.period else states[:0]
        return innovations, {"level": float(states[0]), "trend": float(states[1]), "season": season.tolist()}

    def _undo(self, z: Values, tail: Tail, index: Index) -> Values:
        return self._continue_from(z, tail)

    def _undo_one_step(self, z: Values, y: Values, index: Index) -> Values:
        innovations, _ = self._innovations(y, index)
        return z + (y - innovations)

    def _continue_from(self, z: Values, tail: Tail) -> Values:
        """The inverse of the filter: innovations `z` (..., H) to values, from the states in `tail`."""
        if z.ndim == 1 and not z.any():  # the forecast, of which a selection of transforms needs thousands
            steps = np.arange(len(z))
            damped = np.multiply.accumulate(np.r_[self.phi_ * tail["trend"], np.full(max(0, len(z) - 1), self.phi_)])
            levels = np.add.accumulate(np.r_[tail["level"], damped[: len(z)]])[1:]
            return levels + np.array(tail["season"] or [0.0], np.float64)[steps % (self.period or 1)]
        paths = z.shape[:-1]
        level, trend = np.full(paths, tail["level"], np.float64), np.full(paths, tail["trend"], np.float64)
        season = np.broadcast_to(np.array(tail["season"] or [0.0], np.float64), (*paths, self.period or 1)).copy()
        y = np.empty_like(z)
        for step in range(z.shape[-1]):
            phase = step % (self.period or 1)
            damped = self.phi_ * trend
            level = level + damped
            y[..., step] = level + season[..., phase] + z[..., step]
            level = level + self.alpha_ * z[..., step]
            trend = damped + self.beta_ * z[..., step]
            season[..., phase] += self.gamma_ * z[..., step]
        return y

    def _innovations(self, y: Values, index: Index) -> tuple[Values, Values]:
        """Innovations of `y` (T,), and the states after it (2 + m,)."""
        weights = _Weights(self.alpha_, self.beta_, self.gamma_, self.phi_)
        known = min(len(y), len(self.first_))
        first = np.asarray(self.first_[:known], np.float64)
        if first_label(index) == self.start_ and (np.abs(y[:known] - first) <= 1e-9 * np.abs(first)).all():
            season = self.initial_season_ or [0.0]
            initial = np.array([self.initial_level_, self.initial_trend_, *season], np.float64)
        else:
            self._check_long_enough(y)
            initial = self._initial_states(y[: self.n_needed], weights)
        innovations, states = _filter(y, weights, initial[:, None].copy())
        return innovations[:, 0], states[:, 0]

    def _check_long_enough(self, y: Values) -> None:
        if len(y) < self.n_needed:
            what = f"2 period + 3 = {self.n_needed}" if self.period else str(self.n_needed)
            raise InvalidArgumentError(f"{len(y)} values for {self!r}; expected at least {what}.")

    def _initial_states(self, y: Values, weights: _Weights) -> Values:
        """The initial states (2 + m,) that minimise the squared innovations; 0 for states that the model lacks."""
        responses, constraint, columns = self._responses(y, weights)
        matrix = np.concatenate([-responses[:, 1:], constraint])
        solution = np.linalg.lstsq(matrix, np.append(responses[:, 0], 0.0), rcond=None)[0]
        return np.asarray(columns[:, 1:] @ solution, np.float64)

    def _responses(self, y: Values, weights: _Weights) -> tuple[Values, Values, Values]:
        """The innovations of `y` from states of 0, and their derivatives by each initial state, (T, 1 + states).

        Also the row (1, states) of a constraint, and the initial states (2 + m, 1 + states) of the columns.
        """
        period = self.period or 1
        rows = [0] + [1] * (self.trend is not None) + list(range(2, 2 + period)) * (self.period is not None)
        columns = np.zeros((2 + period, 1 + len(rows)))
        columns[rows, np.arange(1, 1 + len(rows))] = 1.0
        responses, _ = _filter(y, weights, columns.copy())
        # Level and season are determined up to a constant. This row fixes it: the seasonal states add up to 0.
        constraint = np.array([[float(row >= 2) for row in rows]])
        return responses, constraint, columns

    def _free(self) -> list[int]:
        """Which of alpha, beta and gamma are fitted."""
        has = (True, self.trend is not None, self.period is not None)
        fixed = (self.alpha, self.beta, self.gamma)
        return [which for which in range(3) if has[which] and fixed[which] is None]

    def _weights(self, fractions: Values) -> tuple[_Weights, Values]:
        """The weights at the `fractions` (4,) of their ranges, and their derivatives by the fractions (4, 4)."""
        slopes = np.zeros((4, 4))
        alpha = self.alpha
        if alpha is None:
            low, high = self.beta or 0.0, 1.0 - (self.gamma or 0.0)
            alpha = low + (high - low) * float(fractions[0])
            slopes[0, 0] = high - low
        beta, gamma, phi = self.beta or 0.0, self.gamma or 0.0, 1.0
        if self.trend is not None and self.beta is None:
            beta = alpha * float(fractions[1])
            slopes[1, 0], slopes[1, 1] = fractions[1] * slopes[0, 0], alpha
        if self.period is not None and self.gamma is None:
            gamma = (1.0 - alpha) * float(fractions[2])
            slopes[2, 0], slopes[2, 2] = -fractions[2] * slopes[0, 0], 1.0 - alpha
        if self.trend == "damped":
            phi = DAMPING[0] + (DAMPING[1] - DAMPING[0]) * float(fractions[3])
            slopes[3, 3] = DAMPING[1] - DAMPING[0]
        return _Weights(alpha, beta, gamma, phi), slopes

    def _search(self, y: Values) -> _Weights:
        """The weights that minimise the sum of squared innovations."""
        from scipy.optimize import minimize  # type: ignore[import-untyped]

        free = self._free() + [3] * (self.trend == "damped")
        states = np.empty((2 + (self.period or 1), 5))
        by_weight = np.empty(4)

        def all_fractions(free_fractions: Values) -> Values:
            fractions = np.zeros(4)
            fractions[free] = free_fractions
            return fractions

        def squares(free_fractions: Values) -> tuple[float, Values]:
            weights, slopes = self._weights(all_fractions(free_fractions))
            states[:] = 0.0
            states[:, 0] = self._initial_states(y, weights)
            total = _smoothing.squares(y, *weights, states, by_weight)
            # The initial states are optimal, so their dependence on the weights does not enter the gradient.
            return total, (by_weight @ slopes)[free]

        starts = [np.array(start)[free] for start in STARTS]
        unit = squares(starts[0])[0]
        if not free or unit <= 1e-24 * len(y):  # no free weight, or a perfect fit
            return self._weights(all_fractions(starts[0]))[0]
        found = [
            minimize(
                lambda fractions: tuple(part / unit for part in squares(fractions)),
                start,
                jac=True,
                method="L-BFGS-B",
                bounds=[(LEAST_ALPHA, 1.0 - LEAST_ALPHA) if which == 0 else (0.0, 1.0) for which in free],
                options={"ftol": 1e-11, "gtol": 1e-7},
            )
            for start in starts
        ]
        return self._weights(all_fractions(min(found, key=lambda each: each.fun).x))[0]


def _filter(y: Values, weights: _Weights, states: Values) -> tuple[Values, Values]:
    """Innovations (T, C) of the filter over `y`, and the `states` (2 + m, C) after it: see `_smoothing.pyi`."""
    out = np.empty((len(y), states.shape[1]))
    _smoothing.innovations(np.ascontiguousarray(y), *weights, states, out)
    return out, states
