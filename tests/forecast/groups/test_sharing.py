"""What series share with a sample, and what does not depend on the series beside them."""

from __future__ import annotations

import numpy as np
import pytest

from kerazoo.errors import StorageError
from kerazoo.forecast.data.read import read_panel
from kerazoo.forecast.global_nets.passes import equal_passes
from kerazoo.forecast.groups.reading import some_of
from kerazoo.forecast.groups.sharing import fit_series, fit_shared, joined, read_shared, write_shared
from kerazoo.forecast.groups.tasks import settings_of
from kerazoo.forecast.preset_options import preset_net
from kerazoo.forecast.statistics import fit_statistics, weigh
from tests.forecast.groups.helpers import forecaster, series

FRAME = series(30)
YS = [rows["y"].to_numpy() for _, rows in FRAME.groupby("unique_id")]


def test_weights_like_those_of_a_panel_are_its_weights():
    found = fit_statistics(YS, 12, 6)
    panel = weigh(found)
    for number in range(len(YS)):
        one = weigh(found.of_series(number), like=panel)
        np.testing.assert_allclose(one.by_series[0], panel.by_series[number], rtol=1e-12)
    assert (panel.rate, panel.likelihood_rate) == (one.rate, one.likelihood_rate)


def test_in_passes_of_equal_size_a_forecast_depends_on_its_series_alone():
    net = preset_net("forecast_small", (12,))
    usual = net.forecast(YS, 6)
    with equal_passes():
        together = net.forecast(YS, 6)
        for size in (1, 7):
            parts = [net.forecast(YS[first : first + size], 6) for first in range(0, 14, size)]
            np.testing.assert_array_equal(np.concatenate(parts), together[:14])
    np.testing.assert_allclose(together, usual, rtol=1e-5)


@pytest.fixture(scope="module")
def shared():
    params = forecaster().get_params()
    panel = read_panel(FRAME)
    return fit_shared(panel, settings_of(params, panel)), panel, params


def test_series_of_the_sample_have_the_intervals_of_the_fit(shared):
    found, panel, _ = shared
    again = fit_series(found, panel)
    np.testing.assert_allclose(again.forecasts, found.fitted.forecasts, rtol=1e-10)
    np.testing.assert_allclose(again.intervals.unit, found.fitted.intervals.unit, rtol=1e-10)
    np.testing.assert_allclose(again.intervals.paths, found.fitted.intervals.paths, rtol=1e-10)
    parts = [fit_series(found, some_of(panel, places)) for places in ([0], [1, 2, 3], list(range(4, 30)))]
    np.testing.assert_array_equal(joined(parts).forecasts, again.forecasts)
    np.testing.assert_array_equal(joined(parts).intervals.unit, again.intervals.unit)


def test_a_series_that_is_too_short_for_errors_has_intervals(shared):
    found, _, _ = shared
    short = read_panel(FRAME[FRAME["unique_id"] == "shop 1"][:4])
    fitted = fit_series(found, short)
    assert fitted.intervals.unit[0] > 0
    columns = fitted.forecast(short, [np.empty((6, 0))], 6, [0.8])
    assert (columns["upper_80"][0] > columns["lower_80"][0]).all()


def test_what_is_shared_is_a_file(shared, tmp_path):
    found, panel, params = shared
    write_shared(found, params, tmp_path / "shared")
    again = read_shared(tmp_path / "shared")
    np.testing.assert_array_equal(fit_series(again, panel).forecasts, fit_series(found, panel).forecasts)
    assert (again.shrinkage, again.factor, again.n_sized) == (found.shrinkage, found.factor, found.n_sized)
    assert again.params["horizon"] == 6
    (tmp_path / "shared.json").write_text("{")
    with pytest.raises(StorageError, match=r"shared.json: cannot be read"):
        read_shared(tmp_path / "shared")
