"""Transforms of a series: what they give, that they are undone, what they learn and what they refuse."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from kerazoo import datasets
from kerazoo.errors import InvalidArgumentError, NotFittedError
from kerazoo.forecast.transforms import (
    BoxCox,
    Chain,
    Detrend,
    Difference,
    Log,
    MinMaxScale,
    PerDay,
    StandardScale,
    Transform,
    list_transforms,
    register_transform,
    registry,
    transform_from_config,
)
from kerazoo.forecast.transforms.autoregression import RIDGES, Autoregression
from kerazoo.forecast.transforms.smoothing import ExponentialSmoothing

T, H = 53, 17

MONTHLY = {
    "MS": lambda n: pd.date_range("1962-01-01", periods=n, freq="MS"),
    "ME": lambda n: pd.date_range("1999-11-30", periods=n, freq="ME"),
    "BME": lambda n: pd.date_range("2015-02-01", periods=n, freq="BME"),
    "2MS": lambda n: pd.date_range("2003-05-01", periods=n, freq="2MS"),
    "QS-FEB": lambda n: pd.date_range("1990-02-01", periods=n, freq="QS-FEB"),
    "QE": lambda n: pd.date_range("1990-03-31", periods=n, freq="QE"),
    "YS": lambda n: pd.date_range("1900-01-01", periods=n, freq="YS"),
    "YE-JUN": lambda n: pd.date_range("1900-06-30", periods=n, freq="YE-JUN"),
    "period M": lambda n: pd.period_range("2010-03", periods=n, freq="M"),
    "period 2M": lambda n: pd.period_range("2010-03", periods=n, freq="2M"),
    "period Q": lambda n: pd.period_range("1990Q2", periods=n, freq="Q-JAN"),
    "period Y": lambda n: pd.period_range("1950", periods=n, freq="Y"),
    "MS without a frequency": lambda n: pd.DatetimeIndex(pd.date_range("1962-01-01", periods=n, freq="MS").to_numpy()),
    "MS by an offset": lambda n: pd.date_range("1962-01-01", periods=n, freq=pd.DateOffset(months=1)),
    "MS of Berlin": lambda n: pd.date_range("2019-01-01", periods=n, freq="MS", tz="Europe/Berlin"),
}
OTHERS = {
    "range": pd.RangeIndex,
    "range in threes": lambda n: pd.RangeIndex(7, 7 + 3 * n, 3),
    "D": lambda n: pd.date_range("2020-02-20", periods=n, freq="D"),
    "D of Berlin": lambda n: pd.date_range("2020-03-20", periods=n, freq="D", tz="Europe/Berlin"),
    "h of Berlin": lambda n: pd.date_range("2020-03-28", periods=n, freq="h", tz="Europe/Berlin"),
    "15min": lambda n: pd.date_range("2020-03-28", periods=n, freq="15min"),
    "B": lambda n: pd.date_range("2021-01-01", periods=n, freq="B"),
    "W-TUE": lambda n: pd.date_range("2021-01-01", periods=n, freq="W-TUE"),
    "SMS": lambda n: pd.date_range("2021-01-01", periods=n, freq="SMS"),
    "period D": lambda n: pd.period_range("2020-02-20", periods=n, freq="D"),
    "period W": lambda n: pd.period_range("2020-02-20", periods=n, freq="W"),
}
INDICES = {**MONTHLY, **OTHERS}

MAKERS = {
    "minmax": lambda: MinMaxScale((-1, 2.5)),
    "standard": StandardScale,
    "not centred": lambda: StandardScale(center=False),
    "log": Log,
    "boxcox": BoxCox,
    "boxcox 0": lambda: BoxCox(0),
    "boxcox -0.5": lambda: BoxCox(-0.5),
    "difference": Difference,
    "seasonal difference": lambda: Difference(7),
    "per day": PerDay,
    "detrend": Detrend,
    "cubic": lambda: Detrend(3),
    "level": ExponentialSmoothing,
    "trend": lambda: ExponentialSmoothing(trend="add", beta=0.1),
    "season": lambda: ExponentialSmoothing(5),
    "damped season": lambda: ExponentialSmoothing(7, "damped", alpha=0.4),
    "autoregression": lambda: Autoregression(6),
    "seasonal autoregression": lambda: Autoregression(3, period=5),
    "nothing": lambda: Chain([]),
    "airline": lambda: Chain([Log(), Difference(), Difference(12), StandardScale()]),
    "many": lambda: Chain([BoxCox(), Detrend(), Difference(3), Detrend(2), ExponentialSmoothing(4), MinMaxScale()]),
    "chain in a chain": lambda: Chain([Log(), Chain([Difference(2), StandardScale()]), ExponentialSmoothing()]),
    "autoregression of differences": lambda: Chain([Log(), Difference(12), Autoregression(4, 12), StandardScale()]),
    "per day, smooth": lambda: Chain([PerDay(), Log(), ExponentialSmoothing(12, "add"), StandardScale()]),
}
POINTWISE = (
    "minmax",
    "standard",
    "not centred",
    "log",
    "boxcox",
    "boxcox 0",
    "boxcox -0.5",
    "per day",
    "detrend",
    "cubic",
)
UNLEARNED = ("log", "boxcox 0", "boxcox -0.5", "difference", "seasonal difference", "per day", "nothing")
BY_MONTHS = ("per day", "per day, smooth")
CASES = [(maker, kind) for maker in MAKERS for kind in (MONTHLY if maker in BY_MONTHS else INDICES)]


def series(length, seed=0):
    """Positive, with a trend, a season and noise."""
    rng = np.random.default_rng(seed)
    t = np.arange(length)
    return np.exp(3 + 0.02 * t + 0.3 * np.sin(t * 2 * np.pi / 12) + 0.05 * rng.normal(size=length))


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
    for steps in (1, 2, H):  # too few dates for a frequency to be read off
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
def test_paths_are_undone_each_by_itself(maker):
    y, index = series(T), MONTHLY["MS"](T + H)
    transform = MAKERS[maker]().fit(y, index[:T])
    z, tail = transform.apply(y, index[:T])
    # Small ones: far off, BoxCox is at its limits.
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
    """It is what `undo` gives for that step after the series up to it."""
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
    inside[T - 1] *= 3  # what is within the fitted part does count
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
    ("transform", "scaler"),
    [
        (MinMaxScale(), MinMaxScaler()),
        (MinMaxScale((-3, 2)), MinMaxScaler((-3, 2))),
        (StandardScale(), StandardScaler()),
        (StandardScale(center=False), StandardScaler(with_mean=False)),
    ],
)
@pytest.mark.parametrize("y", [series(31), np.full(31, 7.0)], ids=["series", "constant"])
def test_scales_are_those_of_scikit_learn(transform, scaler, y):
    index = pd.RangeIndex(31)
    scaler.fit(y[:, None])
    z, tail = transform.fit(y, index).apply(y, index)
    np.testing.assert_array_equal(z, scaler.transform(y[:, None])[:, 0])
    later = np.array([[-1.0, 0.5, np.inf], [np.nan, -np.inf, 4.0]])
    back = transform.undo(later, tail, pd.RangeIndex(31, 34))
    finite = np.isfinite(later)
    np.testing.assert_array_equal(back[finite], scaler.inverse_transform(later[finite][:, None])[:, 0])
    np.testing.assert_array_equal(back[~finite], later[~finite])


def test_boxcox_is_that_of_scipy():
    y, index = series(200, seed=3), pd.RangeIndex(200)
    transform = BoxCox().fit(y, index)
    expected, lmbda = stats.boxcox(y)
    assert -1 < lmbda < 2
    assert transform.lmbda_ == pytest.approx(lmbda, abs=1e-5)
    np.testing.assert_allclose(transform.apply(y, index)[0], expected, rtol=1e-4)
    np.testing.assert_array_equal(BoxCox(0.3).fit(y, index).apply(y, index)[0], stats.boxcox(y, 0.3))


@pytest.mark.parametrize(("power", "expected"), [(0.2, 2.0), (-0.3, -1.0)])
def test_the_learned_lmbda_stays_in_bounds(power, expected):
    y = (100 + 10 * np.random.default_rng(4).normal(size=400)) ** power
    assert not -1 <= stats.boxcox_normmax(y, method="mle") <= 2
    transform = BoxCox().fit(y, pd.RangeIndex(400))
    assert transform.lmbda_ == expected


@pytest.mark.parametrize("unit", [1e-30, 1.0, 1e30])
def test_the_learned_lmbda_does_not_depend_on_the_unit(unit):
    y = series(90, seed=5)
    learned = [BoxCox().fit(each, pd.RangeIndex(90)).lmbda_ for each in (y, y * unit)]
    assert learned[1] == pytest.approx(learned[0], abs=1e-5)


def test_a_constant_series_has_lmbda_one():
    assert BoxCox().fit(np.full(9, 5.0), pd.RangeIndex(9)).lmbda_ == 1.0


@pytest.mark.parametrize("lmbda", [-1.0, -0.02, 0.0, 0.02, 0.5, 2.0])
@pytest.mark.filterwarnings("error")
def test_the_inverse_of_boxcox_is_finite_everywhere_and_rises(lmbda):
    y, index = series(20), pd.RangeIndex(20)
    transform = BoxCox(lmbda).fit(y, index)
    z = np.concatenate([np.linspace(-100, 100, 4001), [1e5, 1e200, -1e200, np.inf, -np.inf]])
    back = transform.undo(z, {}, pd.RangeIndex(len(z)))
    assert np.isfinite(back).all()
    assert (back >= 0).all()
    assert (np.diff(back[:4001]) >= 0).all() or lmbda < 0
    assert np.isnan(transform.undo([np.nan], {}, pd.RangeIndex(1))).all()
    if lmbda < 0:
        assert back[:4001][z[:4001] > -1.001 / lmbda].min(initial=1e300) >= 1e300
    if lmbda > 0:
        assert back[:4001][z[:4001] < -1.001 / lmbda].max(initial=0.0) < 1e-150


def test_boxcox_with_a_fixed_positive_lmbda_takes_zeros():
    y, index = np.array([0.0, 3.0, 0.0, 2.0]), pd.RangeIndex(4)
    for lmbda in (0.5, 1.0, 2.0):
        transform = BoxCox(lmbda).fit(y, index)
        z, tail = transform.apply(y, index)
        np.testing.assert_allclose(transform.undo(z, tail, index), y, atol=1e-150, rtol=1e-12)


def test_per_day_divides_by_the_days_of_the_period():
    y = np.full(14, 30.4375)
    index = pd.date_range("2019-12-01", periods=14, freq="MS")
    days = np.array([31, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 31])
    z, tail = PerDay().fit(y, index).apply(y, index)
    np.testing.assert_allclose(z, 30.4375**2 / days)
    np.testing.assert_allclose(PerDay().fit(y, index).undo(np.ones((3, 2)), tail, index[2:4]), [[29, 31] / y[:2]] * 3)


@pytest.mark.parametrize(
    ("index", "days", "mean"),
    [
        (pd.date_range("2020-01-31", periods=3, freq="ME"), [31, 29, 31], 30.4375),
        (pd.date_range("2020-01-31", periods=3, freq="BME"), [31, 29, 31], 30.4375),
        (pd.date_range("2020-01-01", periods=3, freq="BMS", tz="Asia/Tokyo"), [31, 29, 31], 30.4375),
        (pd.date_range("2020-01-01", periods=3, freq="2MS"), [60, 61, 61], 60.875),
        (pd.date_range("2020-02-29", periods=3, freq="2ME"), [60, 61, 61], 60.875),
        (pd.date_range("2020-01-01", periods=3, freq="QS"), [91, 91, 92], 91.3125),
        (pd.date_range("2020-02-01", periods=3, freq="QS-FEB"), [90, 92, 92], 91.3125),
        (pd.date_range("2020-04-30", periods=3, freq="QE-JAN"), [90, 92, 92], 91.3125),
        (pd.date_range("2019-01-01", periods=3, freq="YS"), [365, 366, 365], 365.25),
        (pd.date_range("2019-06-30", periods=3, freq="YE-JUN"), [365, 366, 365], 365.25),
        (pd.period_range("2020-01", periods=3, freq="M"), [31, 29, 31], 30.4375),
        (pd.period_range("2020-01", periods=3, freq="2M"), [60, 61, 61], 60.875),
        (pd.period_range("2021Q1", periods=3, freq="Q-JAN"), [90, 92, 92], 91.3125),
        (pd.period_range("2019", periods=3, freq="Y-JUN"), [365, 366, 365], 365.25),
    ],
    ids=lambda value: getattr(value, "freqstr", None),
)
def test_per_day_knows_months_quarters_and_years(index, days, mean):
    z, _ = PerDay().fit(np.ones(3), index).apply(np.ones(3), index)
    np.testing.assert_allclose(z, mean / np.array(days), rtol=1e-14)


@pytest.mark.parametrize("kind", OTHERS)
def test_per_day_refuses_periods_of_other_kinds(kind):
    with pytest.raises(InvalidArgumentError, match="PerDay expected months, quarters or years"):
        PerDay().fit(series(T), OTHERS[kind](T))


def test_per_day_refuses_dates_with_gaps():
    index = pd.date_range("2020-01-01", periods=9, freq="MS")[[0, 1, 2, 4, 5, 8]]
    with pytest.raises(InvalidArgumentError, match="no recognisable frequency"):
        PerDay().fit(np.ones(6), index)


def test_differences_are_those_of_numpy_and_undone_from_the_tail():
    y, index = series(29), pd.RangeIndex(29)
    z, tail = Difference().fit(y, index).apply(y, index)
    np.testing.assert_array_equal(z[1:], np.diff(y))
    assert tail == {"last": [y[-1]]}
    z, tail = Difference(4).fit(y, index).apply(y, index)
    np.testing.assert_array_equal(z[4:], y[4:] - y[:-4])
    assert tail == {"last": y[-4:].tolist()}
    # The same values once more: no difference from one season to the next.
    back = Difference(4).fit(y, index).undo(np.zeros((3, 10)), tail, pd.RangeIndex(29, 39))
    np.testing.assert_array_equal(back, np.tile(np.concatenate([y[-4:], y[-4:], y[-4:-2]]), (3, 1)))


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
@pytest.mark.parametrize("kind", INDICES)
def test_a_trend_is_found_and_goes_on_by_the_calendar(degree, kind):
    t = np.arange(T + H) / 10
    trend = np.polynomial.Polynomial([5.0, -2.0, 0.5, 0.3][: degree + 1])(t)
    index = INDICES[kind](T + H)
    detrend = Detrend(degree).fit(trend[3:T], index[3:T])
    assert detrend.t_last_ == T - 4
    # Elsewhere in time, before the start as well, it is the same trend.
    for part in (slice(0, T + H), slice(0, 5), slice(20, 30), slice(T, T + 1)):
        z, tail = detrend.apply(trend[part], index[part])
        np.testing.assert_allclose(z, 0, atol=1e-9)
        np.testing.assert_allclose(detrend.undo(z, tail, index[part]), trend[part], rtol=1e-9, atol=1e-12)


def test_dates_of_no_frequency_with_a_name_have_no_steps():
    index = pd.date_range("2020-01-15", periods=9, freq=pd.DateOffset(months=1))
    with pytest.raises(InvalidArgumentError, match="without a frequency"):
        Detrend().fit(series(9), index)


def test_a_line_is_that_of_least_squares():
    y, index = series(23), MONTHLY["MS"](23)
    z, _ = Detrend().fit(y, index).apply(y, index)
    slope, intercept = np.polyfit(np.arange(23), y, 1)
    np.testing.assert_allclose(z, y - intercept - slope * np.arange(23), rtol=1e-9, atol=1e-9)


def test_a_trend_is_not_applied_to_another_calendar():
    y = series(12)
    monthly = Detrend().fit(y, MONTHLY["MS"](12))
    with pytest.raises(InvalidArgumentError, match="a PeriodIndex; expected a DatetimeIndex"):
        monthly.apply(y, MONTHLY["period M"](12))
    with pytest.raises(InvalidArgumentError, match="periods of Q-JAN; expected M"):
        Detrend().fit(y, MONTHLY["period M"](12)).apply(y, MONTHLY["period Q"](12))
    with pytest.raises(InvalidArgumentError, match="with and without a time zone"):
        monthly.apply(y, MONTHLY["MS of Berlin"](12))
    with pytest.raises(InvalidArgumentError, match="without a frequency; expected evenly spaced dates"):
        Detrend().fit(y[:4], pd.DatetimeIndex(["2020-01-01", "2020-01-02", "2020-01-05", "2020-03-01"]))
    with pytest.raises(InvalidArgumentError, match="expected dates of frequency SMS"):
        Detrend().fit(y, OTHERS["SMS"](12)).apply(y, OTHERS["D"](12))


def test_a_chain_does_one_after_the_other():
    y, index = series(T), MONTHLY["MS"](T)
    chain = Chain([Log(), Difference(12), Difference(), StandardScale()])
    z, tail = chain.fit(y, index).apply(y, index)
    assert chain.n_lost == 13
    twice = np.diff(np.log(y)[12:] - np.log(y)[:-12])
    np.testing.assert_allclose(z[13:], (twice - twice.mean()) / twice.std(), rtol=1e-9)
    assert [list(each) for each in tail["tails"]] == [[], ["last"], ["last"], []]


@pytest.mark.parametrize(
    ("made", "sizes"),
    [
        ([PerDay(), Log(), ExponentialSmoothing(12, "add"), StandardScale(center=False)], [2, 1, 1]),
        ([Log(), Difference(12), MinMaxScale(), Difference(), StandardScale()], [1, 3, 1]),
        ([Difference(), Log(), Chain([Detrend()]), Autoregression(3)], [0, 4, 0]),
        ([PerDay(), Log()], [2, 0, 0]),
        ([], [0, 0, 0]),
    ],
)
def test_the_parts_of_a_chain_are_the_chain(made, sizes):
    y, index = np.cumsum(series(T)), MONTHLY["MS"](T + 6)
    chain = Chain(made).fit(y, index[:T])
    parts = chain.parts()
    assert [len(part.transforms) for part in parts] == sizes
    z, tails = y, []
    for part in parts:
        z, tail = part.apply(z, index[:T])
        tails.append(tail)
    expected, tail = chain.apply(y, index[:T])
    np.testing.assert_array_equal(z, expected)
    ahead = np.arange(12.0).reshape(2, 6) / 10
    undone = ahead
    for part, its in zip(reversed(parts), reversed(tails), strict=True):
        undone = part.undo(undone, its, index[T:])
    np.testing.assert_array_equal(undone, chain.undo(ahead, tail, index[T:]))
    with pytest.raises(NotFittedError):
        Chain(["log"]).parts()


def test_a_chain_takes_transforms_and_their_configs():
    chain = Chain(["log", {"name": "difference", "lag": 3}, MinMaxScale()])
    assert repr(chain) == "Chain([Log(), Difference(lag=3), MinMaxScale(feature_range=[0, 1])])"
    again = transform_from_config(chain.to_config())
    assert again.get_config() == chain.get_config()
    with pytest.raises(InvalidArgumentError, match="twice in a chain"):
        Chain([chain.transforms[0], chain.transforms[0]])
    fitted = chain.fit(series(T), pd.RangeIndex(T))
    with pytest.raises(InvalidArgumentError, match="2 states for 3 transforms"):
        Chain(["log", "difference", "minmax"]).set_state({"n_fitted_": 3, "states": fitted.get_state()["states"][:2]})


def test_registered_transforms_are_known_by_name(monkeypatch):
    monkeypatch.setattr(registry, "_REGISTRY", dict(registry._REGISTRY))

    @register_transform
    class Halve(Transform):
        name = "halve"

        def _fit(self, y, index):
            pass

        def _apply(self, y, index):
            return y / 2, {}

        def _undo(self, z, tail, index):
            return z * 2

    assert list_transforms()["halve"] is Halve
    y, index = series(9), pd.RangeIndex(9)
    chain = Chain(["halve", "difference"]).fit(y, index)
    _, tail = chain.apply(y, index)
    np.testing.assert_allclose(chain.undo([0.0], tail, pd.RangeIndex(9, 10)), y[-1:])
    with pytest.raises(InvalidArgumentError, match="is the name of Log"):
        register_transform(type("Other", (Transform,), {"name": "log"}))
    with pytest.raises(InvalidArgumentError, match="expected a class attribute"):
        register_transform(type("Nameless", (Transform,), {}))


def test_every_registered_transform_is_tested_here():
    assert {type(make()) for make in MAKERS.values()} == set(list_transforms().values())


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


def design(y, lags, period, index):
    """What an autoregression looks at, one row a value, and the values: for y of mean 0 and variance 1."""
    scaled = (y - y.mean()) / y.std()
    columns = [scaled[lags - k : len(y) - k] for k in range(1, lags + 1)]
    if period:
        places = np.arange(len(index))[lags:]
        for harmonic in range(1, min(2, period // 2) + 1):
            turns = 2 * np.pi * harmonic * places / period
            columns += [np.cos(turns)] if 2 * harmonic == period else [np.sin(turns), np.cos(turns)]
    return np.stack(columns, axis=1), scaled[lags:]


def ridge_by_hand(x, t, penalty):
    """(weights, constant, generalised cross-validation), by the matrix that takes the values to their fit."""
    n = len(t)
    middle = np.full((n, n), 1 / n)
    centred = x - x.mean(axis=0)
    inverse = np.linalg.inv(centred.T @ centred + penalty * np.eye(x.shape[1]))
    weights = inverse @ centred.T @ (t - t.mean())
    hat = middle + centred @ inverse @ centred.T
    rest = t - hat @ t
    score = (rest @ rest / n) / (1 - np.trace(hat) / n) ** 2
    return weights, t.mean() - x.mean(axis=0) @ weights, score


@pytest.mark.parametrize(
    ("length", "lags", "period", "noise"),
    [(90, 1, None, 0.1), (90, 6, None, 3.0), (90, 5, 4, 0.5), (90, 12, 12, 20.0), (16, 1, None, 0.1), (16, 5, 4, 0.5)],
)
@pytest.mark.parametrize("seed", [9, 11])
def test_an_autoregression_is_the_ridge_regression_of_least_cross_validation(length, lags, period, noise, seed):
    rng = np.random.default_rng(seed)
    t = np.arange(length)
    y = 40 + 3 * np.sin(t / 3) + 2 * np.cos(2 * np.pi * t / 12) + noise * rng.normal(size=length)
    index = MONTHLY["MS"](length)
    fitted = Autoregression(lags, period).fit(y, index)
    x, target = design(y, lags, period, index)
    found = {penalty: ridge_by_hand(x, target, penalty) for penalty in RIDGES}
    assert fitted.ridge_ == min(RIDGES, key=lambda penalty: found[penalty][2])
    weights, constant, _ = found[fitted.ridge_]
    np.testing.assert_allclose(fitted.coefficients_, weights[:lags], rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(fitted.seasonal_, y.std() * weights[lags:], rtol=1e-8, atol=1e-10)
    z, _ = fitted.apply(y, index)
    np.testing.assert_allclose(z[lags:], y.std() * (target - constant - x @ weights), rtol=1e-7, atol=1e-9)


def test_noise_is_penalised_more_than_a_wave():
    rng = np.random.default_rng(9)
    wave = np.sin(np.arange(80) / 2) + 0.01 * rng.normal(size=80)
    ridges = [Autoregression(8).fit(y, pd.RangeIndex(80)).ridge_ for y in (wave, rng.normal(size=80))]
    assert ridges[0] < 1 < 30 < ridges[1]


def test_nothing_added_is_the_autoregression_on_its_own_forecasts():
    y, index = series(60), MONTHLY["MS"](90)
    fitted = Autoregression(4, period=12).fit(y, index[:60])
    _, tail = fitted.apply(y, index[:60])
    state = fitted.get_state()
    path = list(y)
    for step in range(60, 90):
        turns = 2 * np.pi * step / 12
        terms = [np.sin(turns), np.cos(turns), np.sin(2 * turns), np.cos(2 * turns)]
        lagged = sum(state["coefficients_"][k - 1] * path[-k] for k in range(1, 5))
        path.append(state["constant_"] + lagged + float(np.dot(state["seasonal_"], terms)))
    np.testing.assert_allclose(fitted.undo(np.zeros(30), tail, index[60:]), path[60:], rtol=1e-9)


def test_an_explosive_autoregression_stays_within_ten_widths():
    y = 1.3 ** np.arange(30)
    fitted = Autoregression(1).fit(y, pd.RangeIndex(30))
    assert fitted.coefficients_[0] > 1.2
    _, tail = fitted.apply(y, pd.RangeIndex(30))
    path = fitted.undo(np.zeros(100), tail, pd.RangeIndex(30, 130))
    assert path[-1] == pytest.approx(y.max() + 10 * np.ptp(y), rel=1e-12)
    # What a net adds is added all the same, and is not fed back beyond the bound.
    assert fitted.undo(np.full(100, 5.0), tail, pd.RangeIndex(30, 130))[-1] == pytest.approx(path[-1] + 5)


def test_a_constant_series_is_foretold_by_itself():
    y, index = np.full(20, 7.0), pd.RangeIndex(20)
    fitted = Autoregression(3, period=4).fit(y, index)
    z, tail = fitted.apply(y, index)
    np.testing.assert_array_equal(z[3:], 0)
    np.testing.assert_array_equal(fitted.undo(np.zeros(5), tail, pd.RangeIndex(20, 25)), 7)
