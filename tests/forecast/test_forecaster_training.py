"""`Forecaster.fit`: what is held out, callbacks, and trainings that end early."""

from __future__ import annotations

import functools
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from sklearn.base import clone

from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast import baselines, fitting, inputs
from kerazoo.forecast.data.panel import Panel
from kerazoo.forecast.data.read import read_panel
from kerazoo.forecast.transforms import Chain
from kerazoo.forecast.transforms.selection import Choice
from tests.forecast.helpers import T, assert_equal, covariates, frame, long, numbers, series, tiny

pytestmark = pytest.mark.usefixtures("uncompiled")


def numbered():
    return series().reset_index(drop=True)


def later(steps, text=False):
    """Rows that follow those of `long()`."""
    longer = long((T + steps[0], T - 9 + steps[1]))
    rows = longer[longer.groupby("unique_id").cumcount() >= longer["unique_id"].map({"shop 0": T, "shop 1": T - 9})]
    return rows.assign(ds=rows["ds"].astype(str)) if text else rows


@pytest.mark.parametrize("term", [None, "additive", "multiplicative"])
@pytest.mark.parametrize(
    "config", [[], ["log", "difference"], [{"name": "autoregression", "lags": 3}], ["boxcox", "exponential_smoothing"]]
)
def test_validation_networks_see_nothing_of_the_held_out_part(config, term):
    y = series()
    changed = y.copy()
    changed[48:] = changed[48:] * 3 + 100
    parts = []
    for each in (y, changed):
        data = read_panel(each, covariates(T)).series
        choices = [Choice(tuple(Chain(config).get_config()["transforms"]), 1.0, 0.0, term)]
        raw = [np.concatenate([data[0].covariates, each.to_numpy()[:, None]], axis=1)]
        settings = SimpleNamespace(period=12, transforms=config)
        parts.append(fitting._fit_part(choices, data, raw, [48], settings))
    one, other = parts
    assert one.fitted[0][0].chain.get_state() == other.fitted[0][0].chain.get_state()
    if term:
        assert one.fitted[0][0].term.to_state() == other.fitted[0][0].term.to_state()
    np.testing.assert_array_equal(one.zs[0][0][:48], other.zs[0][0][:48])
    np.testing.assert_array_equal(one.scale.mean, other.scale.mean)
    np.testing.assert_array_equal(one.scale.deviation, other.scale.deviation)
    assert not np.array_equal(one.zs[0][0][48:], other.zs[0][0][48:])


def test_untrained_networks_leave_the_statistical_forecast():
    forecaster = tiny(epochs=0, transforms=["difference"]).fit(series())
    assert (forecaster.best_epoch_, forecaster.history_) == (0, {})
    np.testing.assert_allclose(forecaster.predict(3), baselines.drift(series(), 3))
    assert forecaster.predict(3, level=0.5)["upper_50"].notna().all()


def test_val_is_a_number_of_steps_or_a_continuation():
    made = tiny(epochs=1, transforms=["difference"])
    y = series()
    by_number = made.fit(y, val=8).predict(4, level=0.5)
    assert made.n_held_ == 8
    by_series = made.fit(y[:-8], val=y[-8:]).predict(4, level=0.5)
    assert made.n_held_ == 8
    assert_equal(by_series, by_number)


@pytest.mark.parametrize(
    ("y", "val", "match"),
    [
        (series(), [1.0, 2.0], "val is a list; expected an int, or a Series as y"),
        (series(), 0.2, "val is a float; expected an int, or a Series as y"),
        (series(), -1, "val=-1"),
        (series()[:50], series()[50:50], "val has no rows"),
        (series()[:50], series()[52:], "2 dates are missing at the frequency 'MS': 2019-03-01, 2019-04-01"),
        (series()[:50], series()[45:], "val.index has 5 of 15 dates up to 2019-02-01, where y ends: 2018-10-01"),
        (series()[10:], series()[:10], "val.index has 10 of 10 dates up to 2019-12-01, where y ends"),
        (
            series()[:50],
            series()[50:].rename("cost"),
            "val has 1 series that y did not have: 'cost', .*expected 'sold'",
        ),
        (numbered()[:50], numbered()[45:], "val.index has 5 of 15 dates up to 49, where y ends: 45, 46, 47 and 2 more"),
        (frame()[:50], long((3,)), "val is a long DataFrame; expected a DataFrame with one column per series, as y"),
        (series()[:50], series()[50:].reset_index(drop=True), "val has integers; expected dates"),
        (
            frame()[:50],
            frame()[50:].rename(columns={"b": "c"}),
            "val has 1 series that y did not have: 'c', and lacks 1 of the 2 series: 'b'",
        ),
        (frame()[:50], frame()[50:]["a"], "val is a Series; expected an int, or a DataFrame"),
        (long(), 0.2, "val is a float; expected an int, or a DataFrame"),
        (long(), long()[["unique_id", "ds"]], "val has the columns 'unique_id', 'ds'; expected unique_id, ds and y"),
        (long(), long((3,)), "val lacks 1 of the 2 series: 'shop 1'; expected 'shop 0', 'shop 1'"),
        (long(), long(), r"val\['ds'\] of series 'shop 0' has 60 of 60 dates up to 2019-12-01, where y ends"),
        (long(), later((3, 3), text=True), r"val\['ds'\] has the dtype \w+; .* pd.to_datetime\(val\['ds'\]\)"),
        (long(), later((3, 2)), "val has 2 to 3 steps per series; expected equally many of each"),
        (numbers(), True, "val is a bool; expected an int, or numbers"),
        (list(numbers()), "last", "val is a str; expected an int, or numbers"),
        (numbers()[:50], np.ones((10, 2)), r"val has the shape \(10, 2\) and y \(50,\)"),
        (numbers()[:50], [1.0, np.nan], "val, taken as y: y: 1 of 2 values is not finite"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_a_val_that_does_not_continue_y_is_refused(y, val, match):
    with pytest.raises(InvalidArgumentError, match=match):
        tiny(epochs=0).fit(y, val=val)


def test_the_columns_of_val_may_be_in_any_order():
    one, other = (tiny(epochs=0).fit(frame()[:50], val=val) for val in (frame()[50:], frame()[50:][["b", "a"]]))
    assert_equal(one.predict(3), other.predict(3))


def test_without_val_all_epochs_are_trained(plain):
    assert plain.best_epoch_ == 2
    assert list(plain.history_) == ["loss"]


def test_callbacks_are_called_and_can_stop():
    seen = []

    class Watch(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append((epoch, sorted(logs)))
            self.model.stop_training = epoch == 1

    forecaster = tiny(epochs=9, callbacks=Watch()).fit(series())
    assert seen == [(0, ["loss", "val_loss"]), (1, ["loss", "val_loss"])]
    assert {name: len(values) for name, values in forecaster.history_.items()} == {"loss": 2, "val_loss": 2}


class Keeper(keras.callbacks.Callback):
    """It has a name of its own for the model."""

    mine = None

    def on_train_begin(self, logs=None):
        self.mine = self.model
        self.epochs = 0

    def on_epoch_end(self, epoch, logs=None):
        self.epochs += 1


@functools.cache
def forecast_without_callbacks():
    return tiny().fit(series()).predict(4)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(
            lambda folder: keras.callbacks.EarlyStopping(patience=1, restore_best_weights=True), marks=pytest.mark.slow
        ),
        lambda folder: [keras.callbacks.CSVLogger(folder / "log.csv"), Keeper()],
        pytest.param(
            lambda folder: (keras.callbacks.CallbackList([Keeper()]), [keras.callbacks.TerminateOnNaN()]),
            marks=pytest.mark.slow,
        ),
    ],
    ids=["one", "several", "nested"],
)
def test_callbacks_can_be_copied_and_used_again_after_a_fit(make, tmp_path):
    made = make(tmp_path)
    forecaster = tiny(callbacks=made).fit(series())
    assert forecaster.get_params()["callbacks"] is made
    copied = clone(forecaster)
    for again in (copied, forecaster):
        assert_equal(again.fit(series()).predict(4), forecast_without_callbacks())
    assert forecaster.set_params(callbacks=()).get_params()["callbacks"] == ()


def test_callbacks_keep_their_own_attributes(tmp_path):
    class Crashes(Keeper):
        def on_epoch_end(self, epoch, logs=None):
            self.notes = open(tmp_path / "notes", "w")  # noqa: SIM115
            raise OSError("crash")

    keeper, stopping, crashes = Keeper(), keras.callbacks.EarlyStopping(), Crashes()
    forecaster = tiny(callbacks=[keeper, stopping]).fit(series())
    assert (keeper.epochs, keeper.model, keeper.mine) == (2, None, None)
    assert stopping.best == min(forecaster.history_["val_loss"])
    with pytest.raises(OSError, match="crash"):
        tiny(callbacks=[crashes]).fit(series())
    assert (crashes.model, crashes.mine) == (None, None)
    assert not crashes.notes.closed
    crashes.notes.close()


def test_a_constant_series_warns():
    with pytest.warns(UserWarning, match="constant"):
        forecaster = tiny(transforms="auto").fit(series() * 0 + 7)
    found = forecaster.predict(15, level=0.8)
    np.testing.assert_allclose(found, 7, rtol=1e-9)
    assert forecaster.best_epoch_ == 0


def test_a_panel_is_fitted_without_reading_it_again(monkeypatch):
    y, x = series(), covariates(T)
    made = tiny(epochs=0)
    expected = made.fit(y, x, val=6).predict(3, covariates(3, T), level=0.5)
    read = inputs.read_panel
    calls = []

    def counted(y, *given, **more):
        if not isinstance(y, Panel):
            calls.append(y)
        return read(y, *given, **more)

    monkeypatch.setattr(inputs, "read_panel", counted)
    made.fit(y, x, val=6)
    made.fit(y[:-6], x, val=y[-6:])
    assert len(calls) == 2
    panel = read(y, x)
    assert_equal(made.fit(panel, val=6).predict(3, covariates(3, T), level=0.5), expected)
    assert made.validate(panel, val=6).horizon == 12
    assert_equal(
        made.cross_validation(panel, horizon=3, n_windows=1, level=None),
        made.cross_validation(y, horizon=3, n_windows=1, X=x, level=None),
    )
    assert len(calls) == 3
    with pytest.raises(InvalidArgumentError, match="X with y=Panel; expected X=None"):
        made.fit(panel, x)
    with pytest.raises(InvalidArgumentError, match="val is a Series; expected an int, as y is a Panel"):
        made.fit(panel, val=y)


def test_the_drawn_seed_repeats_the_fit():
    first = tiny(epochs=1, seed=None).fit(series())
    again = tiny(epochs=1, seed=first.seed_).fit(series())
    assert_equal(again.fitted_values(), first.fitted_values())
    assert first.seed is None
