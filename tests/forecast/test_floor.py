"""`floor`: neither forecasts nor bounds fall below it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kerazoo import Forecaster
from kerazoo.errors import InvalidArgumentError
from tests.forecast.helpers import tiny

pytestmark = pytest.mark.usefixtures("uncompiled")


def counts(length=60, seed=0, falling=False):
    rng = np.random.default_rng(seed)
    rate = np.linspace(3, 0.01, length) if falling else np.full(length, 0.4)
    return pd.Series(rng.poisson(rate).astype(float), pd.date_range("2015-01-01", periods=length, freq="MS"))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        pytest.param({"loss": "normal"}, marks=pytest.mark.slow),
        pytest.param({"strategy": "mean", "epochs": 1}, marks=pytest.mark.slow),
        pytest.param({"transforms": "auto", "lookback": None}, marks=pytest.mark.slow),
    ],
    ids=str,
)
@pytest.mark.parametrize("floor", [0, pytest.param(-0.5, marks=pytest.mark.slow)])
def test_nothing_falls_below_the_floor(changes, floor, tmp_path):
    settings = {"transforms": ["detrend"], "epochs": 0, "horizon": 6, **changes}
    y = pd.DataFrame({"few": counts(), "falling": counts(falling=True)})
    free = tiny(**settings).fit(y).predict(12, level=[80, 95])
    made = tiny(**settings, floor=floor).fit(y)
    found = made.predict(12, level=[80, 95])
    assert free.to_numpy().min() < floor
    assert found.to_numpy().min() == floor
    if "loss" not in changes:
        assert made.fitted_values().min().min() >= floor
    for label in ("few", "falling"):
        assert (found[label]["lower_80"] <= found[label]["forecast"]).all()
        assert (found[label]["forecast"] <= found[label]["upper_80"]).all()
    made.save(tmp_path / "made")
    again = Forecaster.load(tmp_path / "made")
    assert again.floor == floor
    pd.testing.assert_frame_equal(again.predict(12, level=[80, 95]), found)


def test_a_floor_reaches_the_backtest():
    scores = tiny(transforms=["detrend"], epochs=0, floor=0).cross_validation(counts(falling=True), 6, 2)
    forecasts = scores.attrs["forecasts"]
    assert forecasts[[name for name in forecasts if name.startswith(("forecast", "lower", "upper"))]].min().min() == 0


@pytest.mark.slow
def test_a_floor_that_does_not_matter_changes_nothing():
    y = counts() + 100
    one, other = (tiny(transforms=["difference"], epochs=0, floor=floor).fit(y).predict(5, level=80)
                  for floor in (None, -1e9))  # fmt: skip
    pd.testing.assert_frame_equal(one, other)


def test_values_below_the_floor_are_refused():
    y = counts()
    y.iloc[[7, 9]] = [-1, -2]
    with pytest.raises(
        InvalidArgumentError, match=r"floor=0, but 2 of 60 values are below, the first is -1 at 2015-08"
    ):
        tiny(floor=0).validate(y)
    with pytest.raises(InvalidArgumentError, match="values of series 'b' are below"):
        tiny(floor=0).validate(pd.DataFrame({"a": counts(), "b": y}))
    for floor in ("0", np.nan, True):
        with pytest.raises(InvalidArgumentError, match="floor="):
            tiny(floor=floor).validate(counts())
