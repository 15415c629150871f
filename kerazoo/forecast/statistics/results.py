"""What the fits of a panel and the weights of its candidates are: plain values."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

__all__ = ["Statistics", "Weights"]

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Statistics:
    """Forecasts of every candidate for every series, from the end and from earlier origins.

    S series, C candidates, K origins, H steps. Numbers are NaN where a candidate is impossible for a series (a
    logarithm of values that are not positive, too few values), and never infinite.

    Attributes:
        names: names of the candidates, C of them; :func:`kerazoo.forecast.statistics.fit_statistics` lists them.
        horizon: H.
        periods: steps of each season, the shortest first; empty without a season.
        lengths: int64 (S,), values of each series.
        backs: int64 (K,), steps from each origin to the end of a series, the earliest origin first.
        forecasts: float64 (S, C, H), from the end of each series, in its units.
        rolled: float64 (S, K, C, H), forecasts from each origin, fitted to the values before it alone.
        truth: float64 (S, K, H), the values that they forecast; NaN where a value is missing or beyond the end.
        scale: float64 (S,), a size of each series: the geometric mean of its mean absolute seasonal difference, which
            MASE divides by, and of its mean absolute value, which sMAPE divides by; before the first origin.
        criteria: float64 (S, K + 1, C), AICc at each origin and at the end, comparable within the exponential smoothing
            models of a series, and within its autoregressions; NaN for other candidates.
        parameters: float64 (S, C, 6) of the fits to the whole series. Smoothing: alpha, beta, phi, gamma of the first
            two seasons, and the standard deviation of the errors (of logarithms for candidates of logarithms). Theta:
            alpha, theta. Autoregressions: what is regressed (0 values, 1 differences, 2 differences with a drift, 3
            seasonal differences), the order, the mean; last the standard deviation. NaN elsewhere.
        fitted: float64 (C, N), one-step forecasts of all values, one series after the other; NaN where there is none.
            None if they were not asked for.

    >>> from kerazoo.forecast.statistics import fit_statistics
    >>> found = fit_statistics([[3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0]], horizon=2, n_origins=1)
    >>> found.forecasts[0, found.names.index("holt")].round(1)
    array([11., 12.])
    >>> found.possible.shape, found.errors.shape
    ((1, 22), (1, 1, 22, 2))
    """

    names: tuple[str, ...]
    horizon: int
    periods: tuple[float, ...]
    lengths: NDArray[np.int64]
    backs: NDArray[np.int64]
    forecasts: Values
    rolled: Values
    truth: Values
    scale: Values
    criteria: Values
    parameters: Values
    fitted: Values | None = None

    @property
    def possible(self) -> NDArray[np.bool_]:
        """Whether a candidate has a forecast of a series, bool (S, C)."""
        return np.isfinite(self.forecasts[:, :, 0])

    @property
    def errors(self) -> Values:
        """Errors of the rolled forecasts, truth - forecast, float64 (S, K, C, H)."""
        largest = np.finfo(np.float64).max
        with np.errstate(over="ignore"):
            errors: Values = np.clip(self.truth[:, :, None, :] - self.rolled, -largest, largest)
        return errors

    def of_series(self, number: int) -> Statistics:
        """Those of one series alone, without its one-step forecasts. Arrays are views.

        Args:
            number: int, 0 <= number < S.

        >>> from kerazoo.forecast.statistics import fit_statistics
        >>> fit_statistics([range(1, 12), range(5, 9)], horizon=1, n_origins=3).of_series(1).lengths.tolist()
        [4]
        """
        place = slice(number, number + 1)
        return replace(
            self,
            lengths=self.lengths[place],
            forecasts=self.forecasts[place],
            rolled=self.rolled[place],
            truth=self.truth[place],
            scale=self.scale[place],
            criteria=self.criteria[place],
            parameters=self.parameters[place],
            fitted=None,
        )

    def at(self, origin: int) -> Statistics:
        """What was known at an origin: forecasts from it, and those from origins at least a horizon earlier.

        Weights of it have not seen the values that follow the origin (`scale` knows all values).

        Args:
            origin: int, 0 <= origin < K.

        Returns:
            Statistics, without fits to the whole series; of no origin, if there is no earlier one.

        >>> from kerazoo.forecast.statistics import fit_statistics
        >>> found = fit_statistics([range(1, 12)], horizon=1, n_origins=3)
        >>> earlier = found.at(2)
        >>> earlier.backs.tolist(), earlier.forecasts[0, 0].tolist()
        ([2, 1], [10.0])
        """
        earlier = np.flatnonzero(self.backs >= self.backs[origin] + self.horizon)
        return replace(
            self,
            lengths=self.lengths - self.backs[origin],
            backs=self.backs[earlier] - self.backs[origin],
            forecasts=self.rolled[:, origin],
            rolled=self.rolled[:, earlier],
            truth=self.truth[:, earlier],
            criteria=self.criteria[:, [*earlier, origin]],
            parameters=np.full_like(self.parameters, np.nan),
            fitted=None,
        )


@dataclass(frozen=True)
class Weights:
    """Weights of the candidates, which sum to 1 over those that are possible.

    Attributes:
        panel: float64 (C, H), those of all series together, for each step ahead.
        by_series: float64 (S, C, H), those of each series; 0 for candidates that are impossible for it.
        rate: how far the weights of a series follow its own errors: 0, those of the panel, or more. Chosen by the
            errors at origins that the weights had not seen.
        likelihood_rate: how far the weights of its smoothing models follow their AICc.

    >>> from kerazoo.forecast.statistics import fit_statistics, weigh
    >>> found = fit_statistics([[1.0, 3.0, 2.0, 4.0, 3.0, 5.0, 4.0, 6.0, 5.0, 7.0]] * 2, horizon=1)
    >>> weights = weigh(found)
    >>> weights.by_series.sum(axis=1).round(6)
    array([[1.],
           [1.]])
    """

    panel: Values
    by_series: Values
    rate: float
    likelihood_rate: float = 0.0

    @classmethod
    def of_all_steps(cls, by_series: Values, horizon: int) -> Weights:
        """The same weights of each series, float64 (S, C), for `horizon` steps ahead."""
        repeated = np.repeat(by_series[:, :, None], horizon, axis=2)
        return cls(repeated.mean(axis=0), repeated, 0.0)
