"""Series of two to four seasons: the chains that are chosen fit without the steps that are held out, too."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.data.read import read_panel
from kerazoo.forecast.options import steps_to_hold_out
from kerazoo.forecast.periods import values_of_season
from kerazoo.forecast.transforms import Chain, ExponentialSmoothing
from kerazoo.forecast.transforms.selection import candidates
from tests.forecast.helpers import numbers, series, tiny

SEASONS = {"MS": 12, "D": 7, "QS": 4, "W-SUN": 52, "h": 24, "B": 5, "YS": 1}
STATISTICS = {"transforms": "auto", "epochs": 0, "lookback": None}


def positive(length, freq="MS", season=12, seed=0):
    rng = np.random.default_rng(seed)
    t = np.arange(length)
    y = 100 + t + 20 * np.sin(2 * np.pi * t / season) + rng.normal(size=length)
    return pd.Series(y, pd.date_range("2015-01-01", periods=length, freq=freq))


@pytest.mark.parametrize(
    "freq", ["MS", *(pytest.param(each, marks=pytest.mark.slow) for each in SEASONS if each != "MS")]
)
def test_every_candidate_fits_without_the_steps_that_are_held_out(freq):
    season = SEASONS[freq]
    for length in range(2 * season + 2, 5 * season + 12, 1 + season // 6):
        panel = read_panel(positive(length, freq, season))
        settings = tiny(**STATISTICS, horizon=2)._settings(panel)
        held_out = steps_to_hold_out(panel, settings, None)
        data = panel.series[0]
        found = candidates(panel.series, settings.period, held_out)
        for config in found:
            assert Chain(config).n_needed <= length - held_out
        # A season that can be estimated is not given up for steps that are held out.
        if held_out and length >= values_of_season(season) + 4 and season > 1:
            assert any(part.get("period") == season for config in found for part in config)
        if season < 20 and length <= 2 * season + 6:
            for config in found:
                Chain(config).fit(data.values[: length - held_out], data.index[: length - held_out])


@pytest.mark.parametrize(
    "length", [36, pytest.param(27, marks=pytest.mark.slow), pytest.param(31, marks=pytest.mark.slow)]
)
def test_a_series_of_two_to_three_seasons_is_forecast(uncompiled, length):
    made = tiny(**STATISTICS).fit(series(length))
    assert made.n_held_ >= 4
    found = made.predict(12, level=80)
    assert np.isfinite(found.to_numpy()).all()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("freq", "length"),
    [("MS", n) for n in range(26, 42)] + [("D", n) for n in range(17, 26)] + [("QS", n) for n in range(11, 18)]
    + [("W-SUN", n) for n in (107, 110, 120, 156)],
)  # fmt: skip
def test_series_of_any_short_length_are_forecast(uncompiled, freq, length):
    made = tiny(**STATISTICS, horizon=4).fit(positive(length, freq, SEASONS[freq]))
    found = made.predict(8, level=80 if made.n_held_ else None)
    assert np.isfinite(found.to_numpy()).all()


def test_a_short_series_in_a_panel_and_mostly_zeros_are_forecast(uncompiled):
    long = pd.concat(
        [positive(n, seed=n).rename("y").rename_axis("ds").reset_index().assign(unique_id=f"{n}") for n in (60, 34)]
    )
    zeros = pd.Series([0.0] * 30 + [1.0, 158.0], pd.date_range("2015-01-01", periods=32, freq="MS"))
    assert np.isfinite(tiny(**STATISTICS).fit(long).predict(3)["forecast"]).all()
    assert np.isfinite(tiny(**STATISTICS).fit(zeros).predict(3)).all()


@pytest.mark.slow
def test_the_first_window_of_a_backtest_may_be_short(uncompiled):
    scores = tiny(**STATISTICS).cross_validation(series(40), horizon=4, n_windows=2, refit=False)
    assert np.isfinite(scores["rmse"]).all()


@pytest.mark.slow
def test_given_transforms_hold_out_what_they_leave(uncompiled):
    smoothing = ExponentialSmoothing(12)
    made = tiny(transforms=[smoothing], epochs=0, lookback=None, horizon=3)
    assert made.fit(series(36)).n_held_ == 36 - smoothing.n_needed
    with pytest.raises(
        InvalidArgumentError, match=r"y has 29 values; expected at least 36: 27 that .* need and 9 held"
    ):
        made.validate(series(29))
    assert made.fit(series(29), val=2).n_held_ == 2


@pytest.mark.slow
def test_steps_to_hold_out_leave_windows_with_targets(uncompiled):
    made = tiny(transforms=(), epochs=0, lookback=None, horizon=30, period=1)
    assert made.fit(numbers(40)).n_held_ == 40 - 32
