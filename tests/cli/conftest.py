"""Fixtures of the tests of the command line."""

from __future__ import annotations

import os

import numpy as np
import pandas as pd
import pytest

from kerazoo import Forecaster
from kerazoo.datasets import milk
from kerazoo.errors import IntervalError
from kerazoo.forecast import backtest as backtesting
from kerazoo.forecast.data import read_future, read_panel, write_forecast


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # The commands set it, which must not affect later tests.
    monkeypatch.setenv("KERAS_BACKEND", os.environ.get("KERAS_BACKEND", "tensorflow"))
    milk()[-60:].to_csv("milk.csv")
    return tmp_path


@pytest.fixture
def no_training(monkeypatch):
    def never(*arguments, **settings):
        raise AssertionError("training began")

    monkeypatch.setattr(Forecaster, "fit", never)
    monkeypatch.setattr(backtesting, "backtest", never)


@pytest.fixture
def no_networks(monkeypatch):
    """Naive forecasts instead of networks, which take seconds: the steps before and after them are tested."""

    def fit(self, y, X=None):
        settings = self.validate(y, X)
        self._panel, self.horizon_, self.n_held_ = read_panel(y, X), settings.horizon, 10
        self.transforms_, self.best_epoch_, self.history_ = [([], 1.0)], 0, {}
        self.statistics_, self.preset_weight_ = pd.DataFrame(), 0.0
        self.covariate_effects_ = pd.DataFrame(columns=["covariate", "form", "coefficient", "weight", "note"])
        return self

    def predict(self, X_future=None, level=None):
        read_future(self._panel, X_future, self.horizon_)
        if 0.99 in (level or ()):
            raise IntervalError("interval of 99% from 10 steps held out; expected at least 99.")
        last = [np.full(self.horizon_, each.values[-1]) for each in self._panel.series]
        columns = {"forecast": last}
        for fraction in level or ():
            for side, sign in (("lower", -1), ("upper", 1)):
                columns[f"{side}_{100 * fraction:g}"] = [each + sign * fraction for each in last]
        return write_forecast(self._panel, columns)

    monkeypatch.setattr(Forecaster, "fit", fit)
    monkeypatch.setattr(Forecaster, "predict", predict)
