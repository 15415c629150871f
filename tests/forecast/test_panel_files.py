"""Files keep past covariates and what holds for a whole series."""

from __future__ import annotations

import copy

import numpy as np
import pandas as pd
import pytest
from safetensors import safe_open

from kerazoo import Forecaster
from kerazoo.forecast.data import read_panel
from tests.forecast.panel_cases import dates, long_frame

pytestmark = pytest.mark.usefixtures("uncompiled")
DAYS = dates("D", 40)
Y = long_frame([("a", DAYS), ("b", DAYS[3:])])
RAIN = Y[["unique_id", "ds"]].assign(rain=np.arange(len(Y)) + 0.5)
SHOPS = pd.DataFrame({"area": [1.5, np.nan], "region": ["north", None]}, ["a", "b"])


def fitted_to(panel):
    return Forecaster(horizon=3, epochs=0, period=1, seed=1, verbose=0).fit(panel)


@pytest.mark.parametrize(
    ("y", "mmap"),
    [(Y, False), (Y, True), (Y[Y["unique_id"] == "a"], False)],
    ids=["several", "several, mapped", "one"],
)
def test_a_file_keeps_all_fields_of_the_panel(y, mmap, tmp_path):
    forecaster = fitted_to(read_panel(y, X_past=RAIN, static=SHOPS))
    forecaster.save(tmp_path / "forecaster.kerazoo")
    panel = forecaster._fitted.panel
    assert panel.past_names == ("rain",)
    for again in (Forecaster.load(tmp_path / "forecaster.kerazoo", mmap=mmap), copy.deepcopy(forecaster)):
        found = again._fitted.panel
        for name in ("past_names", "static_names", "category_names", "categories"):
            assert getattr(found, name) == getattr(panel, name)
        np.testing.assert_array_equal(found.static, panel.static)
        for one, other in zip(found.series, panel.series, strict=True):
            np.testing.assert_array_equal(one.past, other.past)
        pd.testing.assert_frame_equal(again.predict(), forecaster.predict())


def test_a_file_without_them_is_that_of_earlier_versions(tmp_path):
    fitted_to(read_panel(Y)).save(tmp_path / "forecaster.kerazoo")
    with safe_open(tmp_path / "forecaster.kerazoo", "np") as file:
        assert not [name for name in list(file.keys()) if name.startswith(("past/", "static/"))]
    assert Forecaster.load(tmp_path / "forecaster.kerazoo")._fitted.panel.past_names == ()
