"""Several seasons and seasons that are not whole: found as by the statistics, taken out and put back."""

import json

import numpy as np
import pytest

from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.global_nets import GlobalNet, fit_global_net, forecast
from kerazoo.forecast.global_nets.adjustment import adjust
from kerazoo.forecast.global_nets.seasons import check_periods, is_seasonal, season_at, shrunk_indices
from kerazoo.forecast.global_nets.windows import default_lookback
from tests.references.statistics import seasonality as reference


def hours(n=24 * 40, seed=0, noise=0.05):
    """Positive values with a day, a week and a little growth; the logarithm of their mean."""
    rng = np.random.default_rng(seed)
    day, week = np.sin(np.arange(24) * np.pi / 12) * 0.5, rng.normal(0, 0.3, 7).repeat(24)
    t = np.arange(n)
    mean = 3 + 0.0005 * t + day[t % 24] + week[t % 168]
    return np.exp(mean + noise * rng.normal(size=n)), mean


def weeks(n=52 * 6, seed=0, noise=0.02):
    rng = np.random.default_rng(seed)
    mean = 5 + 0.4 * np.sin(2 * np.pi * np.arange(n) / 52.18)
    return np.exp(mean + noise * rng.normal(size=n)), mean


@pytest.mark.parametrize("period", [3, 7, 12, 4.6, 52.18])
@pytest.mark.parametrize("multiplicative", [True, False])
@pytest.mark.parametrize("gaps", [0.0, 0.1])
def test_indices_are_those_of_the_statistics(period, multiplicative, gaps):
    rng = np.random.default_rng(round(10 * period))
    n = round(8.3 * period) + 3
    y = 20 + 0.3 * np.arange(n) / period + 4 * np.sin(2 * np.pi * np.arange(n) / period) + rng.normal(size=n)
    y[rng.random(n) < gaps] = np.nan
    filled = reference.fill(y, reference.n_slots(period))
    assert reference.is_seasonal(filled, period)
    found = shrunk_indices(y, period, multiplicative=multiplicative)
    np.testing.assert_allclose(found, reference.decompose(y, filled, period, multiplicative), rtol=1e-9, atol=1e-12)
    steps = np.arange(3 * n)
    np.testing.assert_allclose(
        season_at(found, period, steps), reference.weights_of(period, 3 * n) @ found, rtol=1e-9, atol=1e-12
    )


def test_noise_and_short_series_have_no_season():
    rng = np.random.default_rng(1)
    found = []
    for n in (20, 36, 60, 200):
        for period in (5.5, 12):
            y = rng.normal(size=n)
            assert (shrunk_indices(y, period, multiplicative=False) is not None) == reference.is_seasonal(y, period)
            found.append(reference.is_seasonal(y, period))
    assert not all(found)
    assert not is_seasonal(np.tile(np.arange(5.5), 3)[:16], 5.5)  # not three seasons


def test_several_seasons_are_taken_out_one_after_the_other():
    """The second is that of what the first has left, as in the reference of the statistics."""
    y, _ = hours()
    panel = adjust([y, y[:300], y - 30.0], [168, 24])
    assert panel.periods == (24, 168)
    assert panel.seasons.shape == (3, 24 + 168)
    states, _, _ = reference.adjust(y, (24, 168), True, True)
    np.testing.assert_allclose(panel.seasons[0], np.log(np.concatenate(states)), rtol=1e-9, atol=1e-12)
    states, rest, _ = reference.adjust(y - 30.0, (24, 168), False, True)
    np.testing.assert_allclose(panel.seasons[2], np.concatenate(states), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(panel.values[panel.offsets[2] :], rest, rtol=1e-9, atol=1e-9)
    assert panel.seasons[1, :24].any()
    assert not panel.seasons[1, 24:].any()  # 300 hours are not three weeks
    # What is left is growth and noise.
    left = panel.values[: len(y)] - 0.0005 * np.arange(len(y))
    assert left.std() < 1.3 * 0.05
    assert adjust([y], 24).values.std() > 3 * left.std()


@pytest.mark.parametrize("period", [[24, 168], [24.0, 52.18], 52.18, [4, 6, 9.5, 100]])
def test_undo_is_the_inverse_in_the_phase_of_each_series(period):
    rng = np.random.default_rng(3)
    every = []
    for i in range(3):
        t = np.arange(900 + 7 * i)
        waves = sum(np.sin(2 * np.pi * t / each + rng.uniform(0, 6)) for each in np.atleast_1d(period))
        every.append(30 + 5 * waves + rng.normal(size=len(t)))
    every = [*every, every[0] - 40]
    panel = adjust([y[:-100] for y in every], period)
    assert panel.seasons.shape == (4, sum(round(each) for each in panel.periods))
    assert panel.seasons.any(axis=1).all()
    last = np.stack([z[-60:] for z in np.split(panel.values, panel.offsets[1:-1])])
    found = panel.undo(last, first=-60)
    np.testing.assert_allclose(found, np.stack([y[-160:-100] for y in every]), rtol=1e-9, atol=1e-9)
    ahead = panel.undo(np.zeros((4, 100)))
    np.testing.assert_allclose(panel.undo(np.zeros((4, 30)), first=70), ahead[:, 70:])
    np.testing.assert_allclose(panel.undo(np.zeros((4, 30, 2)), first=70), np.repeat(ahead[:, 70:, None], 2, axis=2))


def test_a_season_that_is_not_whole_stays_in_phase():
    y, mean = weeks()
    errors = []
    for period in (52.18, 52):
        panel = adjust([y[:-52]], period)
        level = panel.values[-52:].mean()
        errors.append(np.abs(np.log(panel.undo(np.full((1, 52), level))[0]) - mean[-52:]).mean())
    assert errors[0] < 0.02
    assert errors[0] < errors[1]


def test_one_whole_period_in_any_form_is_the_same():
    y = hours(200)[0]
    expected = adjust([y], 24)
    for period in (24.0, [24], (1, 24), np.int64(24)):
        found = adjust([y], period)
        assert found.periods == (24,)
        np.testing.assert_array_equal(found.values, expected.values)
        np.testing.assert_array_equal(found.seasons, expected.seasons)
    for period in (1, [], [1], 1.0):
        found = adjust([y], period)
        assert (found.periods, found.seasons.tolist()) == ((), [[0.0]])
        np.testing.assert_array_equal(found.values, np.log(y))


@pytest.mark.parametrize(
    ("period", "message"),
    [
        (0, "period=0; expected a finite number >= 1"),
        (1.5, "period=1.5; expected 1 or at least 2. It is the number of steps of a season"),
        ([24, -1], "period=-1"),
        ([24, np.nan], "period=nan"),
        (None, "period=None; expected a number, or several"),
        ("12", "period='12'"),
        (True, "period=True"),
        ([2, 3, 4, 5, 6], "5 periods; expected at most 4"),
    ],
)
def test_wrong_periods_are_refused(period, message):
    with pytest.raises(InvalidArgumentError, match=message):
        check_periods(period)


def test_the_default_lookback_is_that_of_the_longest_season():
    assert default_lookback([1000] * 9, 12, [4, 12]) == 36
    assert default_lookback([1000] * 9, 12, 20.4) == 61
    assert default_lookback([10_000], 24, [24, 168]) == 160
    assert default_lookback([40] * 9, 8, []) == 16


@pytest.mark.backend
@pytest.mark.slow
def test_networks_with_several_seasons():
    """Days and weeks of hours, and years of weeks, are both in the forecasts; files keep the periods."""
    made = [hours(24 * 7 * 5, seed) for seed in range(6)]
    actual = np.stack([mean[-24:] for _, mean in made])
    errors = []
    for period in ([24, 168], 24):
        net = fit_global_net([y[:-24] for y, _ in made], 24, period, model="gru_1x16", lookback=24, n_nets=1, steps=60,
                             batch_size=32, seed=1)  # fmt: skip
        found = forecast(net, [y[:-24] for y, _ in made])
        errors.append(np.abs(np.log(found) - actual).mean())
        arrays, notes = net.to_plain()
        again = GlobalNet.from_plain(arrays, json.loads(json.dumps(notes)))
        assert again.period == net.period == ((24, 168) if isinstance(period, list) else 24)
        np.testing.assert_array_equal(forecast(again, [y[:-24] for y, _ in made]), found)
    assert errors[0] < 0.6 * errors[1]
    y, mean = weeks()
    net = fit_global_net([y[:-26]], 26, 52.18, model="gru_1x16", lookback=26, n_nets=1, steps=30, seed=1)
    assert net.period == 52.18
    assert np.abs(np.log(forecast(net, [y[:-26]])[0]) - mean[-26:]).mean() < 0.1
