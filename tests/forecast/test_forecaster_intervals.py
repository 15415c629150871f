"""`Forecaster`: prediction intervals and their levels."""

from __future__ import annotations

import numpy as np
import pytest

from kerazoo.errors import InvalidArgumentError
from tests.forecast.helpers import T, assert_equal, covariates

pytestmark = pytest.mark.usefixtures("uncompiled")


@pytest.mark.parametrize("name", ["main", "normal"])
def test_intervals_have_labels_and_are_nested(request, name):
    forecaster = request.getfixturevalue(name)
    found = forecaster.predict(9, level=[0.8, 0.5])
    assert found.columns.tolist() == ["forecast", "lower_80", "upper_80", "lower_50", "upper_50"]
    assert (found["lower_80"] < found["lower_50"]).all()
    assert (found["lower_50"] < found["upper_50"]).all()
    assert (found["upper_50"] < found["upper_80"]).all()
    widths = found["upper_80"] - found["lower_80"]
    assert widths.iloc[-1] > widths.iloc[0]
    one = forecaster.predict(9, level=0.8)
    assert_equal(one, found[["forecast", "lower_80", "upper_80"]])
    assert_equal(forecaster.predict(9), found["forecast"].rename("sold"))


def test_conformal_intervals_are_symmetric(main):
    found = main.predict(3, level=0.8)
    np.testing.assert_allclose((found["lower_80"] + found["upper_80"]) / 2, found["forecast"])


def test_intervals_of_a_frame(panel):
    found = panel.predict(2, covariates(2, T), level=0.5)
    assert found.columns.tolist() == [(shop, label) for shop in "ab" for label in ("forecast", "lower_50", "upper_50")]


def test_intervals_of_a_likelihood_are_quantiles_of_sampled_paths(normal):
    found = normal.predict(4, level=0.8)
    ensemble, data = normal._fitted.ensemble, normal._fitted.panel.series[0]
    history = ensemble.history_of(0, data, np.empty((4, 0)), 4)
    (paths,) = ensemble.samples([history], 4, 1000, np.random.default_rng(1))
    np.testing.assert_allclose(found["lower_80"], np.quantile(paths, 0.1, axis=0))
    np.testing.assert_allclose(found["upper_80"], np.quantile(paths, 0.9, axis=0))
    assert len(np.unique(paths[:, 0])) > 900
    steps = np.diff(data.values)
    assert np.std(paths[:, 0]) == pytest.approx(steps.std(), rel=0.5)  # the nets have learned next to nothing yet


def test_without_held_out_steps_there_are_no_intervals(plain):
    assert plain.n_held_ == 0
    with pytest.raises(InvalidArgumentError, match=r"no steps were held out.*loss='normal'"):
        plain.predict(3, level=0.8)


def test_levels_are_fractions_or_percent(main):
    by_fraction = main.predict(3, level=[0.8, 0.5])
    assert_equal(main.predict(3, level=[80, 50]), by_fraction)
    assert_equal(main.predict(3, level=(80.0, 0.5, 0.8, np.int64(50))), by_fraction)  # each once
    assert main.predict(3, level=12.5).columns.tolist() == ["forecast", "lower_12.5", "upper_12.5"]


@pytest.mark.parametrize("level", [100, 0, 1.0, 1, -0.1, [0.8, 120], np.nan, "auto", True, object()])
def test_other_levels_are_refused(main, level):
    with pytest.raises(InvalidArgumentError, match=r"level=.*; expected .*0\.8 and 80 both mean 80 %"):
        main.predict(3, level=level)
