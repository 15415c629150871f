"""What scikit-learn's searches need: the score of a forecaster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kerazoo import metrics
from kerazoo._columns import FORECAST
from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.data.following import following_values
from kerazoo.forecast.data.future import read_future
from kerazoo.forecast.data.other_frames import pandas_of

if TYPE_CHECKING:
    from kerazoo.forecast.fitted import Fitted
    from kerazoo.forecast.fitted_panel import FittedPanel

__all__ = ["ScoreMixin"]


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
