"""What scikit-learn's searches need: the score of a forecaster, and forecasts of the part that is held out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kerazoo import metrics
from kerazoo._columns import FORECAST
from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.data.future import read_future
from kerazoo.forecast.data.index import kind_of, listed, same_labels, text_of
from kerazoo.forecast.data.other_frames import pandas_of
from kerazoo.forecast.data.panel import Panel
from kerazoo.forecast.data.types import Values

if TYPE_CHECKING:
    from kerazoo.forecast.fitted import Fitted
    from kerazoo.forecast.fitted_panel import FittedPanel

__all__ = ["ScoreMixin", "following_steps", "following_values"]


class ScoreMixin:
    """Adds `score` to an estimator whose `_check_fitted` returns a Fitted.

    Attributes:
        missing: "error" or "skip": whether values to score may be missing; an estimator may have it as a parameter.
    """

    missing: str = "error"

    def _check_fitted(self) -> Fitted | FittedPanel:
        raise NotImplementedError(f"{type(self).__name__}._check_fitted")

    def score(self, y: Any, X: Any = None) -> float:
        """Minus the mean absolute scaled error of the forecast of `y`: higher is better, 0 is perfect.

        With it, `GridSearchCV` and `cross_val_score` of scikit-learn work, given the series alone and splits in which
        the test part follows the training part, as those of `TimeSeriesSplit`. Their `scoring=` cannot be used, as
        scikit-learn then asks for a second argument. :meth:`cross_validation` gives more scores, and takes covariates.

        Args:
            y: the values that follow the fitted series, in the same form; NaN where one is missing, with
                `missing="skip"`.
            X: their covariates, as `X_future` of :meth:`predict`.

        Returns:
            float: minus :func:`kerazoo.metrics.mase` in the season of `period_`, the mean over the series that have
            one: those that are constant in `fit` have no scale.

        Raises:
            NotFittedError: `fit` was not called.
            InvalidArgumentError: `y` does not follow the fitted series, or no series has a scale.

        >>> from kerazoo import Forecaster
        >>> y = np.arange(60.0) + np.tile([0.0, 3.0, -3.0], 20)
        >>> forecaster = Forecaster("gru_1x4", horizon=3, period=3, n_members=1, epochs=0, seed=1, verbose=0)
        >>> round(forecaster.fit(y[:-6]).score(y[-6:]), 3) > -0.01
        True
        """
        fitted = self._check_fitted()
        y = pandas_of(y, "y")
        truths = following_values(fitted.panel, y, self.missing)
        horizon = len(truths[0])
        futures = read_future(fitted.panel, X, horizon)
        forecasts = fitted.forecast(fitted.panel, futures, horizon)[FORECAST]
        if all(np.isnan(truth).all() for truth in truths):
            raise InvalidArgumentError("y has no known value; expected at least one to compare the forecast with.")
        found = []
        for truth, forecast, each in zip(truths, forecasts, fitted.panel.series, strict=True):
            seen = ~np.isnan(truth)
            if not seen.any():
                continue
            try:
                found.append(metrics.mase(truth[seen], forecast[seen], each.values, fitted.period))
            except InvalidArgumentError:  # a constant series has no scale
                continue
        if not found:
            raise InvalidArgumentError(
                "no fitted series changes from season to season; expected one that does, as errors are divided by such "
                "changes. Compare predict() with the true values by a measure of kerazoo.metrics."
            )
        return -float(np.mean(found))


def following_steps(panel: Panel, y: Any, name: str = "y") -> int:
    """The number of steps of a part that follows the series of a panel.

    Args:
        panel: the fitted series.
        y: the part, in the form of the series.
        name: what the caller's argument is called, for messages.

    Raises:
        InvalidArgumentError: another form, or dates that do not follow.
    """
    form = "long" if isinstance(y, pd.DataFrame) and "unique_id" in y.columns else _form_of(y)
    if form != panel.form:
        raise InvalidArgumentError(
            f"{name} is a {type(y).__name__} in the form {form!r}; expected the form {panel.form!r}, as in fit."
        )
    if not len(y):
        raise InvalidArgumentError(f"{name} has no rows; expected the steps that follow the fitted series.")
    if form == "array":
        return len(y)
    if form == "long":
        dates = {label: pd.Index(rows["ds"]) for label, rows in y.sort_values("ds").groupby("unique_id", sort=False)}
        if set(dates) != set(panel.ids):
            raise InvalidArgumentError(
                f"{name} has the series {listed(dates)}; expected {listed(panel.ids)}, as in fit. Splits of the rows "
                "of a long frame cut series off: cross_validation splits by dates."
            )
        lengths = {len(each) for each in dates.values()}
        if len(lengths) > 1:
            raise InvalidArgumentError(
                f"{name} has {min(lengths)} to {max(lengths)} steps per series; expected equally many of each."
            )
    else:
        dates = dict.fromkeys(panel.ids, y.index)
    horizon = len(next(iter(dates.values())))
    for label, wanted in zip(panel.ids, panel.future_indexes(horizon), strict=True):
        found = dates[label]
        if kind_of(found) != kind_of(wanted) or not same_labels(found, wanted):
            raise InvalidArgumentError(
                f"{name} has {horizon} steps from {text_of(found[0])} to {text_of(found[-1])}; expected the "
                f"{horizon} that follow the fitted series, {text_of(wanted[0])} to {text_of(wanted[-1])}. In searches "
                "of scikit-learn TimeSeriesSplit makes such parts, and cross_validation needs no splits."
            )
    return horizon


def following_values(panel: Panel, y: Any, missing: str = "error") -> list[Values]:
    """The values of a part that follows the series of a panel: float64 (H,) per series, checked as the steps.

    Args:
        panel: the fitted series.
        y: the part, in the form of the series, with a row for each step.
        missing: "skip": missing values are NaN; "error": they are refused.

    Raises:
        InvalidArgumentError: another form, dates that do not follow, or values that are not finite.
    """
    if panel.form == "long" and isinstance(y, pd.DataFrame):
        lacks = [name for name in ("unique_id", "ds", "y") if name not in y.columns]
        if lacks:
            raise InvalidArgumentError(f"y has no column {', '.join(lacks)}; expected unique_id, ds and y, as in fit.")
    horizon = following_steps(panel, y)
    if panel.form == "long":
        parts = {label: rows["y"] for label, rows in y.sort_values("ds").groupby("unique_id", sort=False)}
        found = [_numbers(parts[label]) for label in panel.ids]
    elif panel.form == "frame":
        if set(y.columns) != set(panel.ids) or len(y.columns) != len(panel.ids):
            raise InvalidArgumentError(
                f"y has the series {listed(y.columns)}; expected {listed(panel.ids)}, as in fit."
            )
        found = [_numbers(y[label]) for label in panel.ids]
    else:
        table = _numbers(y)
        if table.ndim > 2:
            raise InvalidArgumentError(f"y has the shape {table.shape}; expected (T,) or (T, series), as in fit.")
        table = table.reshape(horizon, -1)
        if table.shape[1] != len(panel.ids):
            raise InvalidArgumentError(f"y has {table.shape[1]} series; expected {len(panel.ids)}, as in fit.")
        found = list(table.T)
    bad = np.isinf if missing == "skip" else _not_finite
    wrong = [label for label, values in zip(panel.ids, found, strict=True) if bad(values).any()]
    if wrong:
        remedy = ' missing="skip" reads NaN as gaps.' if missing == "error" else ""
        raise InvalidArgumentError(f"y has values that are not finite in {listed(wrong)}; expected numbers.{remedy}")
    return found


def _numbers(data: Any) -> Values:
    """A Series, an array or a list as float64; NaN for None, NA and masked values.

    Raises:
        InvalidArgumentError: text, dates, bool or complex numbers.
    """
    dtype = getattr(data, "dtype", None)
    try:
        if dtype is not None and getattr(dtype, "kind", "O") in "bcmMSU":
            raise TypeError
        if isinstance(data, pd.Series):
            return np.array(data.to_numpy(np.float64, na_value=np.nan))
        if isinstance(data, np.ma.MaskedArray):
            data = np.ma.filled(data.astype(np.float64), np.nan)
        return np.array(data, np.float64)
    except (TypeError, ValueError):
        kind = type(data).__name__ if dtype is None else f"of dtype {dtype}"
        raise InvalidArgumentError(f"y is {kind}; expected numbers, as in fit.") from None


def _not_finite(values: Values) -> NDArray[np.bool_]:
    return ~np.isfinite(values)


def _form_of(y: Any) -> str:
    if isinstance(y, pd.Series):
        return "series"
    if isinstance(y, pd.DataFrame):
        return "frame"
    return "array" if isinstance(y, np.ndarray | list | tuple) else "another"
