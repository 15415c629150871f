"""The linear term of the covariates in the statistical forecast, and its estimation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kerazoo._validation import check_choice, check_real
from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.data.panel import Panel
from kerazoo.forecast.data.types import Values
from kerazoo.forecast.transforms.shrinkage import screened, shrunk_coefficients
from kerazoo.forecast.transforms.smoothing import ExponentialSmoothing

__all__ = ["FORMS", "LinearTerm", "constant_columns", "fit_terms", "unknown_effects"]

#: Forms of the term: added to the values, or to their logarithms.
FORMS = ("additive", "multiplicative")
ROUNDS = 3  # smoothing and regression in turn; further rounds hardly change the coefficients
CONSTANT = 1e-14  # a covariate that varies by less than this fraction of its size is constant
COLLINEAR = 1e-7  # so is one of which less than this fraction is left by level, trend and season
MAX_WIDTHS = 10.0  # beyond the fitted range of the term, as for forecasts of an autoregression
PER_SEASON = 2  # seasons that the smoothing needs


@dataclass(frozen=True, eq=False)
class LinearTerm:
    """Part of a series that is linear in its covariates: y = rest + b'(x - c), or log y = log rest + b'(x - c).

    The rest has the level of the series, as c are the means of the fitted covariates.

    Attributes:
        form: "additive", or "multiplicative": added to the logarithm.
        coefficients: float64 (K,), b, per unit of the covariates.
        centre: float64 (K,), c.
        low: float, lower bound of b'(x - c): ten times the fitted range below it. It keeps covariates in a wrong unit
            from making the forecast infinite.
        high: float, the upper bound.
    """

    form: str
    coefficients: Values
    centre: Values
    low: float
    high: float

    @classmethod
    def of(cls, form: str, coefficients: Values, covariates: Values) -> LinearTerm:
        """The term of a series with the covariates (T, K)."""
        centre = covariates.mean(axis=0)
        effect = (covariates - centre) @ coefficients
        reach = MAX_WIDTHS * float(np.ptp(effect))
        return cls(form, coefficients, centre, float(effect.min()) - reach, float(effect.max()) + reach)

    def effect(self, covariates: Values) -> Values:
        """b'(x - c) of covariates (T, K): float64 (T,)."""
        return np.clip((covariates - self.centre) @ self.coefficients, self.low, self.high)

    def remove(self, y: Values, covariates: Values) -> Values:
        """The rest of the values (..., T)."""
        effect = self.effect(covariates)
        return y - effect if self.form == "additive" else y * np.exp(-effect)

    def restore(self, rest: Values, covariates: Values) -> Values:
        """The inverse of :meth:`remove`."""
        effect = self.effect(covariates)
        return rest + effect if self.form == "additive" else rest * np.exp(effect)

    def to_state(self) -> dict[str, Any]:
        """The term as JSON holds it."""
        state = {"form": self.form, "low": self.low, "high": self.high}
        return {**state, "coefficients": self.coefficients.tolist(), "centre": self.centre.tolist()}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> LinearTerm:
        """The inverse of :meth:`to_state`.

        Raises:
            InvalidArgumentError: another form, arrays of different shapes, or bounds that are no numbers.
        """
        coefficients, centre = (np.array(state[name], np.float64) for name in ("coefficients", "centre"))
        if coefficients.ndim != 1 or coefficients.shape != centre.shape:
            raise InvalidArgumentError(
                f"a linear term of coefficients {coefficients.shape} and means {centre.shape}; expected (K,) each."
            )
        low = check_real("low of a linear term", state["low"])
        high = check_real("high of a linear term", state["high"], low)
        return cls(check_choice("form of a linear term", state["form"], FORMS), coefficients, centre, low, high)


def fit_terms(form: str, ys: Sequence[Values], covariates: Sequence[Values], period: int) -> list[LinearTerm]:
    """Estimate the term of each series.

    Generalised least squares with errors that follow Holt-Winters smoothing: the weights of the smoothing are fitted to
    what the term leaves, and the innovations of the series are regressed on those of its covariates
    (:meth:`ExponentialSmoothing.innovations_of`), in turn. Trend and season of the series therefore never count as
    effects of covariates with a trend or a season. :func:`shrunk_coefficients` shares them among the series.

    Args:
        form: one of `FORMS`; "multiplicative" for positive series only.
        ys: float64 (T,) per series.
        covariates: float64 (T, K) per series.
        period: int >= 1, steps per season.

    Returns:
        One term per series. Covariates that are constant, or determined by level, trend and season, and those of series
        that are too short, have the coefficient 0, or that which the other series have in common.

    >>> t, flag = np.arange(60), np.arange(60) % 7 == 0
    >>> y = 10.0 + t + 3.0 * flag + np.tile([0.1, -0.1, 0.0], 20)
    >>> fit_terms("additive", [y], [flag[:, None] * 1.0], 1)[0].coefficients.round(1)
    array([3.])
    """
    if form not in FORMS:
        raise InvalidArgumentError(f"form={form!r}; expected one of {', '.join(FORMS)}.")
    values = [np.log(y) if form == "multiplicative" else y for y in ys]
    # Sizes of effects are alike in logarithms; else relative to how much a series varies.
    units = np.array([1.0 if form == "multiplicative" else _variation(y) for y in ys])
    columns = [_centred(each) for each in covariates]
    width = columns[0].shape[1]
    # In a common unit, so that sums over series of different sizes of covariates are accurate.
    scale = np.sqrt(sum((each**2).sum(axis=0) for each in columns) / sum(map(len, columns)))
    scale = np.where(scale > 0, scale, 1.0)
    columns = [each / scale for each in columns]
    smoothings = [_smoothing_of(len(y), period, width) for y in values]
    found = np.zeros((len(ys), width))
    for _ in range(ROUNDS):
        parts = []
        for y, x, b, unit, smoothing in zip(values, columns, found, units, smoothings, strict=True):
            parts.append(_evidence((y - y.mean()) / unit, x, b, smoothing))
        found = _coefficients(parts)
    return [LinearTerm.of(form, unit * b / scale, each) for unit, b, each in zip(units, found, covariates, strict=True)]


def constant_columns(covariates: Values) -> NDArray[np.bool_]:
    """Which of the covariates (T, K) do not vary, apart from rounding: bool (K,).

    >>> constant_columns(np.array([[1.0, 2.0], [1.0, 3.0]]))
    array([ True, False])
    """
    size = np.abs(covariates).max(axis=0, initial=0.0)
    return np.asarray(np.ptp(covariates, axis=0) <= CONSTANT * size)


def unknown_effects(panel: Panel, futures: Sequence[Values]) -> list[str]:
    """Names of the covariates that are constant in every series of a panel, and change in the future.

    Args:
        panel: the series.
        futures: float64 (H, K) per series.
    """
    names = panel.covariate_names
    if not names:
        return []
    constant = np.all([constant_columns(each.covariates) for each in panel.series], axis=0)
    changes = np.any(
        [
            ~constant_columns(np.concatenate([each.covariates[-1:], future]))
            for each, future in zip(panel.series, futures, strict=False)
        ],
        axis=0,
    )
    return [name for name, here in zip(names, constant & changes, strict=True) if here]


def _variation(y: Values) -> float:
    """Mean absolute change from step to step; 1 for a constant series."""
    size = float(np.mean(np.abs(np.diff(y)))) if len(y) > 1 else 0.0
    return size if size > 0 else 1.0


def _centred(covariates: Values) -> Values:
    """Covariates minus their means; exactly 0 where they are constant."""
    return np.where(constant_columns(covariates), 0.0, covariates - covariates.mean(axis=0))


def _smoothing_of(length: int, period: int, width: int) -> ExponentialSmoothing | None:
    """The model of the errors; None for a series that is too short for any."""
    if period > 1 and length >= max(PER_SEASON * period + 3, period + width + 5):
        return ExponentialSmoothing(period, "add")
    return ExponentialSmoothing(None, "add") if length >= 8 else None


@dataclass(frozen=True, eq=False)
class _Evidence:
    """Innovations of y (T,) and X (T, K) of a series, as a regression needs them.

    Attributes:
        x: float64 (T, K), or with fewer columns than steps their products, (K, K): whichever is smaller.
        squares: float64 (K,), x'x of each column.
        moments: float64 (K,), X'y.
        total: y'y.
        freedom: degrees of freedom.
    """

    x: Values
    squares: Values
    moments: Values
    total: float
    freedom: int

    @classmethod
    def of(cls, y: Values, x: Values, freedom: int) -> _Evidence:
        is_long = len(x) >= x.shape[1]
        held = x.T @ x if is_long else x
        return cls(held, np.diag(held).copy() if is_long else (x**2).sum(axis=0), x.T @ y, float(y @ y), freedom)

    def products(self, kept: NDArray[np.bool_]) -> Values:
        """X'X of some columns."""
        if len(self.x) == len(kept):
            return self.x if kept.all() else self.x[np.ix_(kept, kept)]
        return self.x[:, kept].T @ self.x[:, kept]


def _evidence(y: Values, x: Values, b: Values, smoothing: ExponentialSmoothing | None) -> _Evidence:
    """The innovations of a series, with weights of the smoothing that are fitted to y - X b."""
    if smoothing is None or not np.ptp(y):
        return _Evidence.of(np.zeros(1), np.zeros((1, x.shape[1])), 0)
    smoothing.fit(y - x @ b, pd.RangeIndex(len(y)))
    innovations, n_states = smoothing.innovations_of(np.column_stack([y, x]))
    of_y, of_x = innovations[:, 0], innovations[:, 1:]
    left = np.linalg.norm(of_x, axis=0) > COLLINEAR * np.linalg.norm(x, axis=0)
    return _Evidence.of(of_y, np.where(left, of_x, 0.0), len(y) - n_states)


def _coefficients(parts: Sequence[_Evidence]) -> Values:
    """The coefficients of each series, float64 (N, K); 0 for the columns that are left out of too many.

    The columns are chosen before their products are made, so that memory and time grow with K and not with its square.
    """
    freedom = np.array([each.freedom for each in parts], np.float64)
    moments = np.stack([each.moments for each in parts])
    kept = screened(np.stack([each.squares for each in parts]), moments, freedom)
    totals = np.array([each.total for each in parts])
    found = np.zeros(moments.shape)
    grams = np.stack([each.products(kept) for each in parts])
    found[:, kept] = shrunk_coefficients(grams, moments[:, kept], totals, freedom)
    return found
