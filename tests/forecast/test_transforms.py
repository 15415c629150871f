"""Every transform: its inverse, what it learns, configs and states, and what it refuses."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from kerazoo import datasets
from kerazoo.errors import InvalidArgumentError, NotFittedError
from kerazoo.forecast.transforms import (
    Autoregression,
    BoxCox,
    Detrend,
    Difference,
    Log,
    MinMaxScale,
    StandardScale,
    transform_from_config,
)
from tests.forecast.transform_cases import (
    BY_MONTHS,
    CASES,
    INDICES,
    MAKERS,
    MONTHLY,
    POINTWISE,
    UNLEARNED,
    H,
    T,
    series,
)


@pytest.mark.parametrize(("maker", "kind"), CASES)
def test_every_transform_is_undone_on_every_index(maker, kind):
    y, index = series(T + H), INDICES[kind](T + H)
    transform = MAKERS[maker]().fit(y[:T], index[:T])
    z, tail = transform.apply(y[:T], index[:T])
    assert (z.shape, z.dtype) == ((T,), np.float64)
    np.testing.assert_array_equal(np.isnan(z), np.arange(T) < transform.n_lost)
    whole, _ = transform.apply(y, index)
    np.testing.assert_allclose(whole[:T], z, rtol=1e-9, atol=1e-9)
    tail = json.loads(json.dumps(tail))
    for steps in (1, 2, H):  # too few dates to infer a frequency
        back = transform.undo(whole[T : T + steps], tail, index[T : T + steps])
        np.testing.assert_allclose(back, y[T : T + steps], rtol=1e-9)
    one_step = transform.undo_one_step(whole, y, index)
    np.testing.assert_array_equal(np.isnan(one_step), np.arange(T + H) < transform.n_lost)
    np.testing.assert_allclose(one_step[transform.n_lost :], y[transform.n_lost :], rtol=1e-9)


@pytest.mark.parametrize("maker", MAKERS)
def test_every_transform_is_undone_on_the_milk(maker):
    milk = datasets.milk()
    y, index = milk.to_numpy(), milk.index
    transform = MAKERS[maker]().fit(milk[:-12], index[:-12])
    whole, _ = transform.apply(milk, index)
    _, tail = transform.apply(milk[:-12], index[:-12])
    np.testing.assert_allclose(transform.undo(whole[-12:], tail, index[-12:]), y[-12:], rtol=1e-9)
    np.testing.assert_allclose(transform.undo_one_step(whole, y, index)[transform.n_lost :], y[transform.n_lost :])


@pytest.mark.parametrize("maker", MAKERS)
def test_every_transform_fits_as_few_values_as_it_says(maker):
    needed = MAKERS[maker]().n_needed
    index = MONTHLY["MS"](needed)
    transform = MAKERS[maker]().fit(series(needed), index)
    assert transform.n_fitted_ == needed > transform.n_lost
    if needed > 1:
        with pytest.raises(InvalidArgumentError, match="expected at least"):
            MAKERS[maker]().fit(series(needed - 1), index[:-1])


@pytest.mark.parametrize("maker", MAKERS)
def test_paths_are_undone_each_by_itself(maker):
    y, index = series(T), MONTHLY["MS"](T + H)
    transform = MAKERS[maker]().fit(y, index[:T])
    z, tail = transform.apply(y, index[:T])
    # Small values, as the inverse of BoxCox saturates far away.
    paths = 0.01 * np.random.default_rng(1).normal(size=(2, 3, H)) + z[-1]
    together = transform.undo(paths, tail, index[T:])
    assert together.shape == (2, 3, H)
    assert np.isfinite(together).all()
    for place in np.ndindex(2, 3):
        np.testing.assert_allclose(together[place], transform.undo(paths[place], tail, index[T:]), rtol=1e-12)
    predictions = 0.01 * np.random.default_rng(2).normal(size=(2, 3, T)) + z
    together = transform.undo_one_step(predictions, y, index[:T])
    for place in np.ndindex(2, 3):
        alone = transform.undo_one_step(predictions[place], y, index[:T])
        np.testing.assert_allclose(together[place], alone, rtol=1e-12)


@pytest.mark.parametrize("maker", MAKERS)
def test_a_prediction_of_one_step_takes_the_past_and_nothing_else(maker):
    """It equals `undo` for that step after the series up to it."""
    y, index = series(T), MONTHLY["MS"](T)
    transform = MAKERS[maker]().fit(y[:40], index[:40])
    z, _ = transform.apply(y, index)
    predictions = z + 0.01
    one_step = transform.undo_one_step(predictions, y, index)
    for t in (30, 41, T - 1):
        _, tail = transform.apply(y[:t], index[:t])
        alone = transform.undo(predictions[t : t + 1], tail, index[t : t + 1])
        np.testing.assert_allclose(one_step[t], alone[0], rtol=1e-9)
        changed = y.copy()
        changed[t:] *= 1.5
        np.testing.assert_allclose(transform.undo_one_step(predictions, changed, index)[t], one_step[t], rtol=1e-9)
    predictions[35] = np.nan
    assert np.flatnonzero(np.isnan(transform.undo_one_step(predictions, y, index)[30:])).tolist() == [5]


@pytest.mark.parametrize("maker", MAKERS)
def test_nothing_after_the_fitted_part_is_learned(maker):
    y, index = series(T + H), MONTHLY["MS"](T + H)
    changed = y.copy()
    changed[T:] = y[T:] * 3 + 40
    one, other = MAKERS[maker]().fit(y[:T], index[:T]), MAKERS[maker]().fit(changed[:T], index[:T])
    assert one.get_state() == other.get_state()
    before = json.dumps(one.get_state())
    z, _ = one.apply(y, index)
    z_changed, _ = one.apply(changed, index)
    assert json.dumps(one.get_state()) == before
    np.testing.assert_array_equal(z[:T], z_changed[:T])
    if maker != "nothing":
        assert not np.array_equal(z[T:], z_changed[T:])
    inside = y.copy()
    inside[T - 1] *= 3  # a value in the fitted part matters
    assert (one.get_state() != MAKERS[maker]().fit(inside[:T], index[:T]).get_state()) == (maker not in UNLEARNED)


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("kind", ["MS", "period Q", "range"])
def test_config_and_state_go_through_json(maker, kind):
    if maker in BY_MONTHS and kind == "range":
        kind = "YE-JUN"
    y, index = series(T + H), INDICES[kind](T + H)
    fitted = MAKERS[maker]().fit(y[:T], index[:T])
    config, state = json.loads(json.dumps([fitted.to_config(), fitted.get_state()]))
    made = transform_from_config(config)
    assert type(made) is type(fitted)
    assert repr(made) == repr(fitted)
    assert made.get_config() == fitted.get_config()
    assert type(fitted)(**config_without_name(config)).to_config() == config
    with pytest.raises(NotFittedError, match="is not fitted"):
        made.apply(y, index)
    made.set_state(state)
    assert made.get_state() == fitted.get_state()
    z, tail = fitted.apply(y[:T], index[:T])
    z_made, tail_made = made.apply(y[:T], index[:T])
    np.testing.assert_array_equal(z_made, z)
    assert tail_made == tail
    path = np.full(H, np.nanmean(z))
    np.testing.assert_array_equal(made.undo(path, tail, index[T:]), fitted.undo(path, tail, index[T:]))


def config_without_name(config):
    return {name: value for name, value in config.items() if name != "name"}


@pytest.mark.parametrize("maker", MAKERS)
def test_nan_at_the_start_is_passed_through(maker):
    y, index = series(T + H), MONTHLY["MS"](T + H)
    late = np.concatenate([np.full(4, np.nan), y[4:]])
    alone = MAKERS[maker]().fit(y[4:T], index[4:T])
    transform = MAKERS[maker]().fit(late[:T], index[:T])
    assert transform.get_state() == alone.get_state()
    z, tail = transform.apply(late[:T], index[:T])
    z_alone, tail_alone = alone.apply(y[4:T], index[4:T])
    assert np.isnan(z[:4]).all()
    np.testing.assert_array_equal(z[4:], z_alone)
    assert tail == tail_alone
    one_step = transform.undo_one_step(z, late[:T], index[:T])
    assert np.isnan(one_step[: 4 + transform.n_lost]).all()
    np.testing.assert_allclose(one_step[4 + transform.n_lost :], y[4 + transform.n_lost : T])


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: MinMaxScale((1, 1)), r"feature_range\[1\]=1; expected a finite number > 1"),
        (lambda: MinMaxScale(3), "expected two numbers"),
        (lambda: StandardScale(1), "center=1; expected True"),
        (lambda: Difference(0), "lag=0; expected an integer >= 1"),
        (lambda: Detrend(6), "degree=6; expected an integer from 0 to 5"),
        (lambda: BoxCox("auto"), "lmbda='auto'; expected a finite number"),
        (lambda: transform_from_config("diference"), "Did you mean 'difference'"),
        (lambda: transform_from_config({"name": "difference", "lags": 3}), "Did you mean 'lag'"),
        (lambda: transform_from_config({"lag": 3}), "expected the name of a transform"),
        (lambda: Autoregression(0), "lags=0; expected an integer >= 1"),
        (lambda: Autoregression(2, period=1), "period=1; expected an integer >= 2. None is no season"),
        (lambda: Difference().set_state({"n_fitted_": 3, "last_": 2}), r"expected \['n_fitted_'\]"),
        (lambda: StandardScale().set_state({"n_fitted_": 3}), "'mean_', 'n_fitted_', 'scale_', 'var_'"),
    ],
)
def test_bad_parameters_are_refused(make, match):
    with pytest.raises(InvalidArgumentError, match=match):
        make()


@pytest.mark.parametrize(
    ("transform", "y", "match"),
    [
        (Log(), [1, 2, -3, 0], r"y=-3 at 1962-03-01 00:00:00; expected values > 0.*BoxCox with a fixed lmbda > 0"),
        (BoxCox(), [1, 0, 3, 4], r"y=0 at 1962-02-01.*expected values > 0.*fixed lmbda"),
        (BoxCox(0.5), [1, 0, 3, -4], r"y=-4 at 1962-04-01.*expected values >= 0"),
        (BoxCox(-0.5), [1, 0, 3, 4], r"y=0 at 1962-02-01.*lmbda is -0.5"),
        (Difference(4), [1, 2, 3, 4], "4 values for Difference.*expected at least 5"),
        (Detrend(4), [1, 2, 3, 4], "expected at least 5"),
        (Autoregression(1), [1, 2, 3, 4], r"4 values for Autoregression\(lags=1.*expected at least 6"),
        (Log(), [np.nan, 2, np.nan, 3], "y=nan at 1962-03-01.*NaN at the start only.*interpolate"),
        (Log(), [np.nan, np.inf, 2, 3], "y=inf at 1962-02-01"),
        (Log(), [np.nan] * 4, "y=nan at 1962-01-01"),
        (Log(), [[1, 2, 3, 4]], r"y of shape \(1, 4\)"),
        (Log(), [1, 2, 3], "y has 3 steps and its index 4"),
        (Log(), ["a", 2, 3, 4], "expected numbers"),
    ],
)
def test_bad_series_are_refused(transform, y, match):
    with pytest.raises(InvalidArgumentError, match=match):
        transform.fit(y, MONTHLY["MS"](4))


def test_bad_steps_and_indices_are_refused():
    y = series(6)
    with pytest.raises(InvalidArgumentError, match="index is a ndarray; expected a pandas DatetimeIndex"):
        Log().fit(y, np.arange(6))
    log = Log().fit(y, pd.RangeIndex(6))
    with pytest.raises(InvalidArgumentError, match="z has 3 steps and its index 2"):
        log.undo(np.zeros((5, 3)), {}, pd.RangeIndex(6, 8))
    with pytest.raises(InvalidArgumentError, match=r"z of shape \(\)"):
        log.undo(1.0, {}, pd.RangeIndex(6, 7))
    with pytest.raises(InvalidArgumentError, match="z has 3 steps and its index 2"):
        log.undo_one_step(np.zeros(3), y[:2], pd.RangeIndex(2))
    with pytest.raises(InvalidArgumentError, match="y has 3 steps and its index 2"):
        log.undo_one_step(np.zeros(2), y[:3], pd.RangeIndex(2))


def test_what_is_not_fitted_says_so():
    y, index = series(6), pd.RangeIndex(6)
    with pytest.raises(NotFittedError, match=r"this Log is not fitted; call fit\(y, index\)"):
        Log().get_state()
    for call in (lambda: Log().apply(y, index), lambda: Log().undo(y, {}, index)):
        with pytest.raises(NotFittedError):
            call()
    with pytest.raises(NotFittedError):
        Log().undo_one_step(y, y, index)


@pytest.mark.parametrize("maker", POINTWISE)
def test_each_value_is_undone_by_itself(maker):
    y, index = series(T), MONTHLY["MS"](T)
    transform = MAKERS[maker]().fit(y, index)
    z, tail = transform.apply(y, index)
    assert tail == {}
    np.testing.assert_allclose(transform.undo(z[20:30], tail, index[20:30]), y[20:30], rtol=1e-9)
