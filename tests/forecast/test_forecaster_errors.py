"""`Forecaster`: bad series and parameters, with what is expected and the remedy."""

from __future__ import annotations

import re

import keras
import numpy as np
import pandas as pd
import pytest

from kerazoo.errors import InvalidArgumentError, NotFittedError
from kerazoo.forecast import fitting
from kerazoo.forecast.data.read import read_panel
from kerazoo.forecast.options import steps_to_hold_out
from tests.forecast.helpers import T, assert_equal, covariates, frame, series, tiny

pytestmark = pytest.mark.usefixtures("uncompiled")


def spoiled(place, value):
    y = series()
    y.iloc[place] = value
    return y


@pytest.mark.parametrize(
    ("y", "match"),
    [
        (spoiled(3, np.nan), "1 of 60 values is not finite: NaN at 2015-04-01"),
        (spoiled(5, -np.inf), "-inf at 2015-06-01"),
        (series().drop(series().index[7]), "1 date is missing at the frequency 'MS': 2015-08-01"),
        (pd.concat([series(), series()[:1]]), "1 date more than once: 2015-01-01"),
        (series()[::-1], r"y\.sort_index\(\)"),
        (series().astype(str), "expected numbers"),
        (["a", "b", "c"], "y"),
        (series()[:0], "y"),
        (None, "y"),
    ],
)
def test_bad_series_are_refused_with_the_position(y, match):
    with pytest.raises(InvalidArgumentError, match=match):
        tiny().fit(y)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"strategy": "recursiv"}, "Did you mean 'recursive'"),
        ({"model": "lstn_1x4"}, "Did you mean 'lstm'"),
        ({"model": 3}, "expected an RNNSpec or a name"),
        ({"model": "gru_1x4_v50"}, "expected a model of numbers"),
        ({"model": "gru_1x4_timestamps"}, "reads time stamps"),
        ({"loss": "mes"}, "Did you mean 'mse'"),
        ({"loss": "normal", "strategy": "direct"}, "expected 'recursive'"),
        ({"horizon": 0}, "horizon=0; expected an integer >= 1"),
        ({"period": "atuo"}, "Did you mean 'auto'"),
        ({"period": 1.5}, "period=1.5"),
        ({"n_members": 0}, "n_members=0"),
        ({"epochs": -1}, "epochs=-1"),
        ({"learning_rate": 0}, "learning_rate=0; expected a finite number > 0"),
        ({"transforms": 7}, "expected 'auto', or a sequence of transforms"),
        ({"transforms": [["log"]]}, "expected 'auto', or a sequence of transforms"),
        ({"calendar": "month"}, "calendar names='month'; expected one of 'auto'. Or a sequence of month"),
        ({"checkpoint_minutes": -1}, "checkpoint_minutes=-1"),
        ({"transforms": ["diference"]}, "Did you mean 'difference'"),
        ({"transforms": "lgo"}, "Did you mean 'log'"),
        ({"seed": -1}, "seed=-1"),
        ({"verbose": 3}, "verbose=3"),
        (
            {"callbacks": [print]},
            r"callbacks contains an object of type builtin_function_or_method; expected keras\.callbacks\.Callback",
        ),
        ({"callbacks": keras.callbacks.TerminateOnNaN}, "callbacks contains the class TerminateOnNaN; expected keras"),
    ],
)
def test_bad_parameters_are_refused(changes, match):
    with pytest.raises(InvalidArgumentError, match=match):
        tiny(**changes).fit(series())


def test_errors_come_before_transforms_are_selected(monkeypatch):
    """They take seconds, nets minutes."""

    def never(*_, **__):
        raise AssertionError("transforms are chosen")

    monkeypatch.setattr(fitting, "choose_transforms", never)
    made = tiny(transforms="auto", calendar=("month", "mont"))
    for call in (made.validate, made.fit):
        with pytest.raises(InvalidArgumentError, match="Did you mean 'month'"):
            call(series())
    made = tiny(transforms="auto", horizon=50)
    with pytest.raises(InvalidArgumentError, match=r"y has 60 values; .* horizon=28 would fit"):
        made.validate(series())
    with pytest.raises(InvalidArgumentError, match="X lacks 3 of the 60 dates"):
        made.validate(series(), covariates(T - 3))
    assert made.set_params(horizon=None).validate(series(), val=4).horizon == 12
    assert not hasattr(made, "horizon_")


def test_transforms_may_be_one_or_several():
    y, one = series(), {"name": "difference", "lag": 12}
    assert_equal(tiny(epochs=0, transforms=one).fit(y).predict(3), tiny(epochs=0, transforms=[one]).fit(y).predict(3))


def test_transforms_that_do_not_suit_name_the_position():
    with pytest.raises(InvalidArgumentError, match=r"series 'b': y=0 at 2015-05-01.*expected values > 0"):
        tiny(transforms=["log"]).fit(frame().assign(b=spoiled(4, 0.0)))
    with pytest.raises(InvalidArgumentError, match=r"y=0 at 2015-05-01.*expected values > 0"):
        tiny(transforms=["log"]).fit(spoiled(4, 0.0))


@pytest.mark.parametrize(
    ("changes", "length", "match"),
    [
        ({"horizon": 12}, 20, r"y has 20 values; expected at least 30: .* lookback of 12.* 6 held out\."),
        ({"horizon": 9, "lookback": 30, "period": 1}, 40, r"lookback of 30"),
        ({"horizon": 9, "lookback": None, "period": 1}, 12, r"horizon of 9"),
        (
            {"transforms": [{"name": "difference", "lag": 12}], "horizon": 1, "lookback": 2},
            14,
            r"12 that the transforms",
        ),
    ],
)
def test_short_series_are_refused_and_the_remedy_works(changes, length, match):
    with pytest.raises(InvalidArgumentError, match=match) as caught:
        tiny(**changes).fit(series(length))
    would = re.search(r"(lookback|horizon)=(\d+) would fit", str(caught.value), re.IGNORECASE)
    if would is None:
        assert "longer series" in str(caught.value)
        return
    settings = tiny(**{**changes, would[1].lower(): int(would[2])})
    panel = read_panel(series(length))
    found = settings._settings(panel)
    steps_to_hold_out(panel, found, None)


def test_methods_before_fit_are_refused(tmp_path):
    made = tiny()
    for call in (
        made.predict, made.fitted_values, made.generate, made.plot_forecast, made.plot_history,
        lambda: made.save(tmp_path / "x"),
    ):  # fmt: skip
        with pytest.raises(NotFittedError, match=r"not fitted; call fit\(y\)"):
            call()


@pytest.mark.parametrize("horizon", [-1, 0, 2.5, "3"])
def test_a_horizon_is_a_number_of_steps(main, horizon):
    with pytest.raises(InvalidArgumentError, match="horizon="):
        main.predict(horizon)
