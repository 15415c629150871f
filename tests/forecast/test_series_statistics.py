"""The forecast of one series is a mixture of its chains of transforms with compiled statistics."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from safetensors import safe_open

from kerazoo import Forecaster
from kerazoo.forecast import fitting
from kerazoo.forecast.data.index import future_index
from kerazoo.forecast.series_statistics import SeriesStatistics, weight_by_errors
from kerazoo.forecast.statistics import Weights, combine, combine_one_step, fit_statistics
from kerazoo.forecast.transforms.per_day import PerDay
from tests.forecast.helpers import T, assert_equal, covariates, frame, numbers, series, tiny, with_random_outputs
from tests.forecast.test_old_files import FOLDER

pytestmark = pytest.mark.usefixtures("uncompiled")
H = 6


@pytest.fixture(scope="module")
def made():
    return fit(series())


def fit(y, X=None, **changes):
    return tiny(**{"transforms": "auto", "lookback": None, "horizon": H, "epochs": 0, **changes}).fit(y, X)


def statistics_of(forecaster, y, horizon=H):
    """The combined candidates alone, with the weights that the forecaster shows."""
    days, values = np.ones(len(y) + horizon), np.asarray(y, float)
    if is_per_day(forecaster):
        index = forecaster._fitted.panel.series[0].index[: len(y)]
        index = index.append(future_index(index, horizon))
        days = PerDay().fit(np.ones(len(index)), index).relative_length(index)
    found = fit_statistics([values / days[: len(y)]], forecaster.period_, horizon, n_origins=0)
    points = combine(found, Weights.of_all_steps(weights_of(forecaster, found.names)[None], horizon))[0]
    return points * days[len(y) :]


def is_per_day(forecaster):
    """Whether a chain adjusts for the days of months: then the statistics see what it sees."""
    return any(step["name"] == "per_day" for chain, _ in forecaster.transforms_ for step in chain)


def weights_of(forecaster, names):
    return forecaster.statistics_.reindex(columns=list(names), fill_value=0.0).to_numpy()[0]


def chains_of(forecaster, y, horizon=H):
    """The forecast of the chains and networks alone."""
    fitted = forecaster._fitted
    data = fitted.panel.series[0].first(len(y))
    return fitted.ensemble.forecast([fitted.ensemble.history_of(0, data, np.empty((horizon, 0)), horizon)], horizon)[0]


def mean_of(forecaster, y, horizon=H):
    return 0.5 * chains_of(forecaster, y, horizon) + 0.5 * statistics_of(forecaster, y, horizon)


def test_the_forecast_is_the_mean_of_chains_and_statistics(made):
    assert made.statistics_weight_ == 0.5
    assert made.statistics_.index.tolist() == ["sold"]
    assert (made.statistics_.to_numpy() > 0).all()
    assert made.statistics_.to_numpy().sum() == pytest.approx(1.0)
    assert made.transforms_
    np.testing.assert_allclose(made.predict(), mean_of(made, series()))
    assert not np.allclose(chains_of(made, series()), statistics_of(made, series()), rtol=1e-3)


@pytest.mark.parametrize("strategy", ["recursive", "direct"])
def test_networks_correct_the_chains_before_the_statistics_are_mixed(strategy):
    forecaster = fit(series(), epochs=2, strategy=strategy)
    before = forecaster.predict()
    with_random_outputs(forecaster)
    found = forecaster.predict()
    assert not np.allclose(found, before, rtol=1e-4)
    np.testing.assert_allclose(found, mean_of(forecaster, series()))


@pytest.mark.parametrize(
    ("settings", "weight"),
    [
        ({"transforms": ["difference"]}, 0.0),
        ({"transforms": ()}, 0.0),
        ({"loss": "normal"}, 0.0),
        ({}, 0.5),
        ({"strategy": "mean"}, 0.5),
    ],
)
def test_given_transforms_and_distributions_are_not_mixed(settings, weight):
    forecaster = fit(series(), **settings)
    assert forecaster.statistics_weight_ == weight
    assert bool(forecaster.statistics_.shape[1]) == bool(weight)
    if not weight:
        np.testing.assert_array_equal(forecaster.predict(), chains_of(forecaster, series()))


def test_a_series_without_noise_is_forecast_by_its_chains():
    t = np.arange(120.0)
    y = 0.5 * t + 10 * np.sin(2 * np.pi * t / 12)
    forecaster = tiny(transforms="auto", lookback=None, horizon=12, epochs=0, period=12).fit(y[:-12])
    assert forecaster.statistics_weight_ == 0.0
    assert forecaster.statistics_.shape[1] == 0
    np.testing.assert_allclose(forecaster.predict(), y[-12:], atol=1e-3)


def test_the_far_better_one_is_used_alone():
    rng = np.random.default_rng(0)
    one, other = ([scale * rng.normal(size=5) for _ in range(4)] for scale in (1.0, 1.5))
    assert weight_by_errors(one, other) == weight_by_errors(other, one) == 0.5
    small = [each * 1e-3 for each in one]
    assert weight_by_errors(small, other) == 0.0
    assert weight_by_errors(other, small) == 1.0
    assert weight_by_errors([np.zeros(3)], [np.zeros(3)]) == 0.5
    with_huge = [each * 1e308 / np.abs(each).max() for each in one]
    assert weight_by_errors(with_huge, [each / 2 for each in with_huge]) == 0.5
    diverged = [np.array([np.inf, np.nan, 1.0])]
    assert weight_by_errors(diverged, [np.ones(3)]) == 0.5


def test_where_nothing_is_held_out_weights_are_equal():
    forecaster = tiny(transforms="auto", lookback=None, horizon=2, epochs=0).fit(series(), val=0)
    assert forecaster.statistics_weight_ == 0.5
    np.testing.assert_allclose(forecaster.predict(), mean_of(forecaster, series(), 2))


def test_several_series_have_statistics_alone():
    forecaster = Forecaster(epochs=0, horizon=H, verbose=0).fit(frame())
    assert forecaster.statistics_weight_ == 1.0
    assert forecaster.transforms_ == []


def test_a_longer_forecast_begins_with_the_shorter_one(made):
    usual, longer = made.predict(), made.predict(2 * H + 1)
    np.testing.assert_allclose(longer[:H], usual)
    np.testing.assert_allclose(made.predict(2), usual[:2])
    np.testing.assert_allclose(longer, mean_of(made, series(), 2 * H + 1))


def test_candidates_are_fitted_to_a_history_with_the_weights_of_the_fit(made):
    y = series()
    for history in (y[:50], y[:13]):
        np.testing.assert_allclose(made.predict(history=history), mean_of(made, history))
    before = fit(y[:-5])
    weights = before.statistics_
    expected = before.predict(level=50, history=y)
    assert_equal(before.update(y[-5:]).predict(level=50), expected)
    assert_equal(before.statistics_, weights)
    np.testing.assert_allclose(expected["forecast"], mean_of(before, y))


def test_intervals_are_those_of_the_errors_of_the_mixture(monkeypatch):
    of_chains, given = [], []
    errors, of = fitting._errors, fitting.ConformalIntervals.of
    monkeypatch.setattr(fitting, "_errors", lambda *args: of_chains.append(errors(*args)) or of_chains[-1])
    monkeypatch.setattr(fitting.ConformalIntervals, "of", lambda *args: given.append(args[0]) or of(*args))
    y = series(100).to_numpy()
    forecaster = fit(series(100))
    cut = len(y) - forecaster.n_held_
    # The weights know nothing of what is held out; the adjustment for days is that of the whole series.
    data, ensemble = forecaster._fitted.panel.series[0], forecaster._fitted.ensemble
    first = SeriesStatistics.fit(data.first(cut), None, 12, H, None, per_day=is_per_day(forecaster))
    origins = np.unique(np.linspace(cut, len(y) - 1, fitting.N_ORIGINS).astype(int))
    assert len(origins) == len(given[0])
    for origin, (_, chains), (number, found) in zip(origins, of_chains[0], given[0], strict=True):
        assert number == 0
        history = ensemble.history_of(0, data.first(origin), np.empty((len(chains), 0)), len(chains))
        own = y[origin : origin + len(chains)] - first.forecast([history])[0]
        np.testing.assert_allclose(found, 0.5 * chains + 0.5 * own, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("with_covariates", [False, True])
def test_no_forecast_or_bound_falls_below_the_floor(with_covariates):
    y = pd.Series(np.maximum(0.0, 40 - numbers(60) * 0.6), series().index, name="left")
    X = covariates(60 + 24) if with_covariates else None
    forecaster = fit(y, None if X is None else X[:60], floor=0.0)
    found = forecaster.predict(24, None if X is None else X[60:], level=80)
    assert (found.to_numpy() >= 0).all()
    assert (found["lower_80"] == 0).any()
    assert np.nanmin(forecaster.fitted_values()) >= 0


def test_fitted_values_are_mixed_too(made):
    y = series()
    found = made.fitted_values()
    of_chains = made._fitted.ensemble.fitted_values(0, made._fitted.panel.series[0])
    candidates = fit_statistics([y.to_numpy()], 12, 1, n_origins=0, fitted=True)
    own = combine_one_step(candidates.fitted, weights_of(made, candidates.names))
    np.testing.assert_array_equal(np.isnan(found), np.isnan(of_chains))
    known = ~np.isnan(of_chains)
    assert np.isfinite(own[known]).all()
    np.testing.assert_allclose(found[known], (0.5 * of_chains + 0.5 * own)[known])
    assert made.fitted_values(y[:30]).shape == (30,)


def test_a_file_keeps_the_statistics(made, tmp_path):
    path = tmp_path / "forecaster"
    made.save(path)
    again = Forecaster.load(path)
    assert_equal(again.predict(9, level=80), made.predict(9, level=80))
    assert_equal(again.fitted_values(), made.fitted_values())
    assert_equal(again.statistics_, made.statistics_)
    assert again.statistics_weight_ == 0.5
    with safe_open(path, "np") as file:
        version = 5 if made._fitted.ensemble.nets is not None else 6
        assert re.search(rf'"version": ?{version}\b', str(file.metadata()))


def test_forecasters_of_older_files_have_chains_alone():
    old = Forecaster.load(FOLDER / "forecaster.kerazoo")
    assert old.statistics_weight_ == 0.0
    assert old.statistics_.shape[1] == 0


def with_effect():
    """Values with a large effect of `price`, and covariates that go on after them."""
    X = covariates(T + H)[["price"]]
    return series() + 10 * X["price"][:T], X


def test_effects_of_covariates_are_taken_out_of_the_statistics_too(tmp_path):
    y, X = with_effect()
    forecaster = fit(y, X[:T])
    assert forecaster.statistics_weight_ == 0.5
    coefficient = forecaster.covariate_effects_["coefficient"].iloc[0]
    assert coefficient == pytest.approx(10, abs=2)
    usual, changed = (forecaster.predict(X_future=X[T:] + change) for change in (0.0, 1.0))
    np.testing.assert_allclose(changed - usual, coefficient, rtol=0.02)
    forecaster.save(tmp_path / "forecaster")
    assert_equal(Forecaster.load(tmp_path / "forecaster").predict(X_future=X[T:]), usual)
    # What is left after the effect is as close to the fitted values as without covariates.
    without = fit(series())
    sizes = [(made.fitted_values() - y)[24:].abs().mean() for made, y in ((forecaster, y), (without, series()))]
    assert sizes[0] < 1.3 * sizes[1]


def test_a_covariate_without_effect_changes_nothing():
    X = covariates(T + H)[["price"]]
    forecaster = fit(series(), X[:T])
    assert (forecaster.covariate_effects_["form"] == "none").all()
    np.testing.assert_allclose(forecaster.predict(X_future=X[T:]), fit(series()).predict())


@pytest.mark.parametrize(
    "y",
    [
        np.full(30, 7.0),
        np.r_[np.full(29, 7.0), 8.0],
        np.arange(15.0),
        np.r_[0.0, np.zeros(28), 5.0],
        numbers(40) * 1e-200,
        numbers(40) * 1e98,
        -(numbers(40) ** 3),
    ],
    ids=["constant", "late change", "short", "zeros", "tiny", "huge", "negative"],
)
def test_odd_series_have_finite_forecasts(y):
    forecaster = fit(y, horizon=2)
    assert np.isfinite(forecaster.predict(5)).all()
    assert np.isfinite(forecaster.predict(history=y[:12])).all()
    if np.ptp(y) == 0:
        assert forecaster.statistics_weight_ == 0.0
        np.testing.assert_allclose(forecaster.predict(5), 7.0)


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_a_huge_jump_after_constants_gives_no_overflow():
    y = np.r_[np.ones(59), 1e50]
    for epochs in (0, 1):
        made = Forecaster("rnn_1x4", epochs=epochs, n_members=1, horizon=4, verbose=0, seed=1).fit(y)
        assert np.isfinite(made.predict()).all()


def test_windows_of_cross_validation_are_mixed():
    y = series(50)
    scores = tiny(transforms="auto", lookback=None, horizon=H, epochs=0).cross_validation(y, n_windows=2, refit=False)
    found = scores.attrs["forecasts"]
    first = fit(y[:-12])
    for fold, end in enumerate((38, 44)):
        expected = first.predict(history=y[:end])
        np.testing.assert_allclose(found.loc[found["fold"] == fold, "forecast"], expected)
