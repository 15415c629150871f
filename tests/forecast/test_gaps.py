"""A forecaster of series with missing values, several seasons, and seasons that are not whole."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kerazoo import Forecaster
from kerazoo.errors import InvalidArgumentError
from tests.forecast.helpers import assert_equal, frame, series

H = 4


def made(**changes):
    return Forecaster(**{"epochs": 0, "horizon": H, "missing": "skip", "verbose": 0, **changes})


@pytest.mark.parametrize("y", [series(), frame()], ids=["series", "frame"])
def test_forecasts_over_gaps_are_close_to_those_of_whole_series(y):
    gappy = y.copy()
    gappy.iloc[[5, 17, 18, 19, 40]] = np.nan
    forecaster = made().fit(gappy)
    found = forecaster.predict(level=80)
    assert np.isfinite(found).all(axis=None)
    whole = made(transforms="auto").fit(y if isinstance(y, pd.DataFrame) else y.to_frame("a").assign(b=y))
    points = np.asarray(found.xs("forecast", axis=1, level=1) if isinstance(y, pd.DataFrame) else found[["forecast"]])
    expected = np.asarray(whole.predict())[:, : points.shape[1]]
    np.testing.assert_allclose(points, expected, atol=0.15 * float(np.asarray(y).std()))
    assert_equal(made().fit(gappy.dropna()).predict(level=80), found)
    values = forecaster.fitted_values()
    assert np.isfinite(values.iloc[10:]).all(axis=None)
    scores = forecaster.cross_validation(gappy, H, 2)
    assert np.isfinite(scores.loc[scores["model"] == "forecaster", "rmse"]).all()
    forecaster.plot_forecast()
    longer = forecaster.update(gappy.shift(len(gappy), freq="MS")[:3].mask(lambda rows: rows > 1e9))
    assert np.isfinite(np.asarray(longer.predict())).all()


def test_gaps_are_an_error_unless_they_are_skipped():
    y = series()
    y.iloc[7] = np.nan
    with pytest.raises(InvalidArgumentError, match='missing="skip"'):
        made(missing="error").fit(y)
    with pytest.raises(InvalidArgumentError, match="given transforms, but values are missing"):
        made(transforms=["difference"]).fit(y)
    with pytest.raises(InvalidArgumentError, match="missing='skp'; expected one of 'error', 'skip'"):
        made(missing="skp").fit(y)


@pytest.mark.backend
def test_networks_learn_over_gaps():
    y = frame()
    y.iloc[[5, 17, 18, 40]] = np.nan
    settings = {"model": "gru_1x4", "n_members": 1, "epochs": 1, "steps_per_epoch": 2, "lookback": 12, "seed": 1}
    forecaster = made(**settings).fit(y, val=0)
    assert np.isfinite(forecaster.predict(9)).all(axis=None)
    assert forecaster.correction_weight_.any()


def hours(weeks=5, seed=0):
    rng = np.random.default_rng(seed)
    t = np.arange(168 * weeks)
    y = 50 + 10 * np.sin(2 * np.pi * t / 24) + 15 * (t // 24 % 7 < 5) + rng.normal(size=len(t))
    return pd.Series(y, pd.date_range("2024-01-01", periods=len(t), freq="h"))


def test_several_seasons():
    y = hours()
    known, rest = y[:-168], y[-168:]
    both = made(period=[24, 168], horizon=168, missing="error").fit(known)
    day = made(period=24, horizon=168, missing="error").fit(pd.DataFrame({"a": known, "b": known}))
    assert both.period_ == 24
    errors = [np.abs(np.asarray(each.predict()).reshape(168, -1)[:, 0] - rest).mean() for each in (both, day)]
    assert errors[0] < 0.5 * errors[1]
    found = made(horizon=24).fit(pd.DataFrame({"a": known, "b": known}))  # by the frequency
    np.testing.assert_allclose(found.predict()["a"], both.predict(24), rtol=0.1)


@pytest.mark.parametrize(
    ("period", "message"),
    [
        ([], "expected 1 to 4 seasons"),
        ([1, 12], "period=1; expected an integer >= 2"),
        (1.5, "period=1.5; expected"),
        ("weekly", "period='weekly'; expected one of 'auto'"),
        ([24, "x"], "period='x'"),
        (0, "period=0; expected"),
    ],
)
def test_wrong_seasons_are_refused(period, message):
    with pytest.raises(InvalidArgumentError, match=message):
        made(period=period).fit(frame())


def test_several_seasons_need_automatic_transforms():
    with pytest.raises(InvalidArgumentError, match=r"period=\[4, 12\] with given transforms; expected one season"):
        made(period=[4, 12], transforms=["difference"], missing="error").fit(series())
