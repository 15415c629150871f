"""Files of version 0.1 load and forecast the same."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kerazoo import Forecaster

pytestmark = pytest.mark.backend

FOLDER = Path(__file__).parents[1] / "data" / "version_0_1"


@pytest.mark.parametrize("mmap", [False, True])
def test_a_forecaster_of_version_0_1(mmap, tmp_path):
    expected = json.loads((FOLDER / "expected.json").read_text())["forecaster"]
    forecaster = Forecaster.load(FOLDER / "forecaster.kerazoo", mmap=mmap)
    future = pd.DataFrame({"sale": np.zeros(4)}, pd.period_range("2026-01", periods=4, freq="M"))
    found = forecaster.predict(4, X_future=future, level=0.5)
    assert [str(column) for column in found.columns] == expected["columns"]
    np.testing.assert_allclose(found, expected["values"], atol=1e-4)
    forecaster.save(tmp_path / "again.kerazoo")
    again = Forecaster.load(tmp_path / "again.kerazoo")
    pd.testing.assert_frame_equal(again.predict(4, X_future=future, level=0.5), found, check_exact=True)
    assert again.get_params() == forecaster.get_params()


def test_parameters_that_this_version_does_not_know_are_ignored(tmp_path, monkeypatch):
    forecaster = Forecaster.load(FOLDER / "forecaster.kerazoo")
    params = forecaster.get_params(deep=False)
    monkeypatch.setattr(forecaster, "get_params", lambda deep: {**params, "of_another_version": 3})
    forecaster.save(tmp_path / "forecaster.kerazoo")
    assert Forecaster.load(tmp_path / "forecaster.kerazoo").get_params(deep=False).keys() == params.keys()
