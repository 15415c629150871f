"""The compiled statistics against their NumPy reference, value for value."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerazoo_ext import _statistics
from tests.forecast.statistics.helpers import NAMES, call, monthly, odd_series, outputs
from tests.references.statistics import fit_series

pytestmark = pytest.mark.kernels


def with_gaps(y, seed=1):
    y = y.copy()
    y[np.random.default_rng(seed).random(len(y)) < 0.15] = np.nan
    y[-1] = y[-2] = np.nan
    return y


RNG = np.random.default_rng(5)
CASES = {
    "monthly": (monthly(52), 8, (12,), (8, 3)),
    "quarterly, one origin": (monthly(23, seed=2, period=4), 5, (4,), (5,)),
    "no season": (20 + np.cumsum(RNG.normal(size=25)), 4, (), (4, 2)),
    "negative values": (RNG.normal(size=30) + 3 * np.sin(np.arange(30) * np.pi / 2), 4, (4,), (4,)),
    "a season without evidence": (10 + RNG.random(40), 6, (4,), (6,)),
    "gaps": (with_gaps(monthly(45, seed=3, period=4)), 5, (4,), (5,)),
    "begins with gaps": (np.append([np.nan, np.nan, np.nan], monthly(30, seed=4, period=4)), 3, (4,), (3,)),
    "ends with gaps": (np.append(monthly(30, seed=4, period=4), [np.nan] * 4), 3, (4,), (5, 2)),
    "two seasons": (monthly(60, seed=6, period=4) + np.tile(RNG.random(12), 5), 6, (4, 12), (6,)),
    "season of 4.5 steps": (monthly(50, seed=7, period=4.5), 5, (4.5,), (5,)),
    "long season": (monthly(70, seed=8, period=26), 4, (26,), (4,)),
    "many seasons": (monthly(60, seed=9, period=2), 3, (2,), (3,)),
    "huge": (monthly(30, seed=10) * 1e12, 3, (12,), ()),
    "tiny": (monthly(30, seed=11) * 1e-9, 3, (12,), ()),
    "constant": (np.full(20, 7.0), 3, (4,), (3,)),
    "zeros": (np.zeros(9), 2, (), (2,)),
    "one value": (np.array([3.0]), 2, (4,), (1,)),
    "three values": (np.array([3.0, 5.0, 4.0]), 2, (), (1,)),
    "seven values": (np.array([3.0, 5.0, 4.0, 6.0, 5.0, 8.0, 7.0]), 2, (2,), (1,)),
    "grows, then falls": (np.r_[np.exp(0.3 * np.arange(20)), np.exp(6 - 0.3 * np.arange(10))], 12, (), (12,)),
}


@pytest.mark.parametrize("case", CASES)
def test_candidates_equal_their_reference(case):
    y, horizon, periods, backs = CASES[case]
    forecasts, rolled, criteria, _, fitted = call([monthly(5), y], horizon, periods, backs)
    expected = fit_series(y, horizon, periods, backs)
    scale = np.nanmax(np.abs(y)) or 1.0
    for place, (paths, aicc) in enumerate(expected):
        got = forecasts[1] if place == len(backs) else rolled[1, place]
        assert {name for c, name in enumerate(NAMES) if np.isfinite(got[c]).all()} == set(paths)
        for c, name in enumerate(NAMES):
            if name in paths:
                np.testing.assert_allclose(got[c] / scale, paths[name][1] / scale, rtol=1e-6, atol=1e-8, err_msg=name)
                if place == len(backs):
                    own = fitted[c, 5:]
                    np.testing.assert_allclose(own / scale, paths[name][0] / scale, rtol=1e-6, atol=1e-8, err_msg=name)
            else:
                assert np.isnan(got[c]).all(), name
            if name in aicc:
                np.testing.assert_allclose(criteria[1, place, c], aicc[name], rtol=1e-6, atol=1e-4, err_msg=name)


def test_bounds_hold():
    y = monthly(40)
    expected = fit_series(y, 6, (12,), (6,), low=25.0, high=27.0)
    forecasts, rolled, *_ = call([y], 6, (12,), (6,), low=25.0, high=27.0)
    known = np.isfinite(forecasts)
    assert known.any()
    assert (forecasts[known] >= 25).all()
    assert (forecasts[known] <= 27).all()
    assert (np.nanmin(rolled), np.nanmax(rolled)) == (25.0, 27.0)
    np.testing.assert_allclose(forecasts[0, 0], expected[-1][0]["naive"][1])


def test_ranges_of_series_are_computed_alone():
    series = [monthly(20 + k, seed=k) for k in range(5)]
    whole = call(series, 4, (4,), (4,))
    values, offsets = np.concatenate(series), np.cumsum([0, *map(len, series)]).astype(np.int64)
    parts = outputs(5, len(values), 1, 4)
    for first, last in ((3, 5), (0, 1), (1, 3), (2, 2)):
        _statistics.fit(
            values, offsets, first, last, np.array([4.0]), np.array([4]), 4, -np.inf, np.inf, 25, *parts
        )  # fmt: skip
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_array_equal(one, other)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_odd_series_are_finite_or_left_out(seed):
    rng = np.random.default_rng(seed)
    series = [odd_series(rng) for _ in range(3)]
    periods = [(), (4,), (12,), (4, 12), (5.3,)][rng.integers(5)]
    horizon = int(rng.integers(1, 20))
    backs = [(), (horizon,), (2 * horizon, horizon, 1)][rng.integers(3)]
    with np.errstate(over="ignore", under="ignore"):
        forecasts, rolled, criteria, _, fitted = call(series, horizon, periods, backs)
    for array in (forecasts, rolled):
        assert not np.isinf(array).any()
        known = np.isfinite(array)
        assert (known.all(axis=-1) == known.any(axis=-1)).all(), "a forecast is whole or left out"
    assert np.isfinite(forecasts[:, 0]).all(), "the last value is always possible"
    assert not np.isinf(fitted).any()
    assert not (criteria == -np.inf).any()
    for s, y in enumerate(series):
        size = np.nanmax(np.abs(y))
        assert np.nanmax(np.abs(forecasts[s])) <= 7.0001 * size + 1e-300


def test_a_fit_is_a_minimum():
    """No step of a hundred random ones has a lower objective."""
    from tests.references.statistics.panel import Part
    from tests.references.statistics.smoothing import Model

    found = []

    class Spy(Model):
        def descend(self, p, iterations=25):
            p = super().descend(p, iterations)
            found.append((self, p))
            return p

    import tests.references.statistics.panel as panel

    before, panel.Model = panel.Model, Spy
    try:
        Part(monthly(40) / 60, 3, (4,), {})
    finally:
        panel.Model = before
    rng = np.random.default_rng(0)
    assert len(found) == 12
    for model, p in found:
        at = model.objective(p)
        for _ in range(100):
            near = p + 0.02 * rng.normal(size=len(p))
            near[: model.n_weights] = np.clip(near[: model.n_weights], -8, 8)
            assert model.objective(near) > at * (1 - 1e-3)


def arguments(**changes):
    given = {
        "values": monthly(20), "offsets": np.array([0, 20]), "first": 0, "last": 1, "periods": np.array([4.0]),
        "backs": np.array([2]), "horizon": 2, "floor": -np.inf, "ceiling": np.inf, "rolled_iterations": 5,
    }  # fmt: skip
    names = ("forecasts", "rolled", "criteria", "parameters", "fitted")
    given |= dict(zip(names, outputs(1, 20, 1, 2), strict=True))
    return list((given | changes).values())


@pytest.mark.parametrize(
    "changes",
    [
        {"first": -1}, {"last": 2}, {"first": 1, "last": 0}, {"offsets": np.array([0, 19])},
        {"offsets": np.array([1, 20])}, {"offsets": np.array([], np.int64)}, {"horizon": 0}, {"rolled_iterations": -1},
        {"floor": 1.0, "ceiling": 0.0}, {"floor": np.nan}, {"periods": np.array([1.5])},
        {"periods": np.array([4.0, 4.0])}, {"periods": np.array([np.nan])}, {"periods": np.array([12.0, 4.0])},
        {"periods": np.arange(2.0, 7.0)},
        {"backs": np.array([0])}, {"forecasts": np.zeros((1, 3, 2))}, {"forecasts": np.zeros((2, len(NAMES), 2))},
        {"rolled": np.zeros((1, 2, len(NAMES), 2))}, {"criteria": np.zeros((1, 1, len(NAMES)))},
        {"parameters": np.zeros((1, len(NAMES), 2))}, {"fitted": np.zeros((len(NAMES), 19))},
        {"fitted": np.zeros((1, 20))},
    ],
    ids=lambda changes: ",".join(changes),
)  # fmt: skip
def test_bad_arguments_are_refused(changes):
    with pytest.raises(ValueError, match=r"must|series|seasons"):
        _statistics.fit(*arguments(**changes))


def test_good_arguments_read_only_inputs_and_empty_panels():
    given = arguments()
    for array in (given[0], given[1], given[4], given[5]):
        array.flags.writeable = False
    _statistics.fit(*given)
    assert np.isfinite(given[10][0, 0]).all()
    _statistics.fit(
        np.zeros(0), np.array([0]), 0, 0, np.zeros(0), np.zeros(0, np.int64), 2, 0.0, 0.0, 0, *outputs(0, 0, 0, 2)
    )
    _statistics.fit(
        np.zeros(0), np.array([0, 0]), 0, 1, np.zeros(0), np.zeros(0, np.int64), 2, 0.0, 0.0, 0, *outputs(1, 0, 0, 2)
    )
