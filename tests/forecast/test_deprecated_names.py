"""Old names of the forecaster work for one version, with a warning that names the new one."""

from __future__ import annotations

import matplotlib
import numpy as np
import pytest

from kerazoo import Forecaster
from kerazoo.errors import InvalidArgumentError
from tests.forecast.helpers import assert_equal, series, tiny

pytestmark = pytest.mark.usefixtures("uncompiled")

matplotlib.use("agg")


def test_interval_is_level(main):
    with pytest.warns(DeprecationWarning, match=r"^interval= is deprecated .*; use level="):
        found = main.predict(3, interval=0.8)
    assert_equal(found, main.predict(3, level=80))
    with pytest.warns(DeprecationWarning, match="use level="):
        assert len(main.plot_forecast(3, interval=[0.5, 0.8]).collections) == 2
    with pytest.raises(InvalidArgumentError, match="interval= and level= are both given"):
        main.predict(3, interval=0.8, level=0.8)


def test_folds_are_windows_and_backtest_is_cross_validation():
    made = tiny(epochs=0)
    expected = made.cross_validation(series(), horizon=3, n_windows=2, level=0.5)
    with pytest.warns(DeprecationWarning, match=r"^folds= is deprecated .*; use n_windows="):
        found = made.backtest(series(), horizon=3, folds=2, level=0.5)
    assert_equal(found, expected)
    assert Forecaster.backtest is Forecaster.cross_validation


def test_renamed_methods_and_attributes(main):
    with pytest.warns(DeprecationWarning, match=r"Forecaster\.one_step is deprecated .*Forecaster\.fitted_values"):
        assert_equal(main.one_step(), main.fitted_values())
    with pytest.warns(DeprecationWarning, match=r"Forecaster\.check is deprecated .*Forecaster\.validate"):
        assert tiny().check(np.arange(40.0)).horizon == 12
    with pytest.warns(DeprecationWarning, match=r"Forecaster\.net_share_ .*Forecaster\.correction_weight_"):
        assert main.net_share_ == main.correction_weight_
