"""`Forecaster.fitted_values` and `generate`."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.transforms import Chain
from tests.forecast.helpers import T, frame, long, numbers, series, tiny

pytestmark = pytest.mark.usefixtures("uncompiled")


@pytest.mark.parametrize("name", ["normal", "plain"])
def test_fitted_values_depend_on_the_past_only(request, name):
    forecaster = request.getfixturevalue(name)
    found = np.asarray(forecaster.fitted_values())
    lost = max(Chain(config).n_lost for config, _ in forecaster.transforms_)
    np.testing.assert_array_equal(np.isnan(found), np.arange(T) < max(1, lost))
    y = pd.Series(numbers()) if name == "plain" else pd.Series(numbers(), found_index(forecaster), name="sold")
    for t in (40, T - 1):
        changed = y.copy()
        changed.iloc[t:] += 20
        given = changed.to_numpy() if name == "plain" else changed
        other = np.asarray(forecaster.fitted_values(given))
        np.testing.assert_array_equal(other[: t + 1], found[: t + 1])
        if t + 1 < T:
            assert other[t + 1] != found[t + 1]
    # It is the first step of the forecast from there.
    history = y[:50].to_numpy() if name == "plain" else y[:50]
    assert np.asarray(forecaster.predict(1, history=history))[0] == pytest.approx(found[50], rel=1e-5)


def found_index(forecaster):
    return forecaster._fitted.panel.series[0].index


def test_fitted_values_have_the_form_of_the_series(main, panel, direct):
    pd.testing.assert_index_equal(main.fitted_values().index, series().index)
    assert main.fitted_values().name == "sold"
    found = panel.fitted_values()
    pd.testing.assert_index_equal(found.index, frame().index)
    assert found.columns.tolist() == ["a", "b"]
    found = direct.fitted_values()
    assert found.columns.tolist() == ["unique_id", "ds", "forecast"]
    assert len(found) == 2 * T - 9


def test_fitted_values_keep_names_and_dtypes():
    alone = tiny(epochs=0).fit(frame())
    assert alone.fitted_values().columns.name == "shop"
    labels = long().assign(unique_id=lambda table: table["unique_id"].astype("category"))
    assert tiny(epochs=0).fit(labels).fitted_values()["unique_id"].dtype == labels["unique_id"].dtype


def test_generate_from_zeros_from_an_index_and_from_numbers(plain, main, panel):
    zeros = plain.generate(steps=30)
    assert zeros.shape == (30,)
    assert np.isfinite(zeros).all()
    np.testing.assert_array_equal(plain.generate("zeros", 30), zeros)
    usual = plain.predict(30)
    assert not np.array_equal(zeros, usual)
    np.testing.assert_array_equal(plain.generate(T - 1, 30), usual)  # a window that ends where the series does
    np.testing.assert_array_equal(plain.generate(numbers(), 30), usual)
    np.testing.assert_array_equal(plain.generate(10, 5), plain.predict(5, history=numbers()[:22]))
    of_networks = tiny(transforms="auto", calendar=("month",), loss="normal").fit(series())
    np.testing.assert_array_equal(
        of_networks.generate(series().to_numpy()[:40], 6), of_networks.predict(6, history=series()[:40])
    )
    assert not np.array_equal(main.generate(T - 1, 6), main.predict(6))  # which is mixed with compiled statistics
    with pytest.raises(InvalidArgumentError, match=r"seed=60; expected an integer from 0 to 59"):
        plain.generate(T)
    with pytest.raises(InvalidArgumentError, match="Did you mean 'zeros'"):
        plain.generate("zero")
    with pytest.raises(InvalidArgumentError, match="seed has 61 values; expected at most 60"):
        plain.generate(np.ones(61))
    with pytest.raises(InvalidArgumentError, match="covariates"):
        panel.generate()


def test_generate_refuses_seeds_that_are_not_one_series():
    with pytest.raises(InvalidArgumentError):
        tiny(epochs=0).fit(series()).generate(["a"])
    with pytest.raises(InvalidArgumentError, match="seed has 2 series; expected one"):
        tiny(epochs=0).fit(series()).generate(frame())
