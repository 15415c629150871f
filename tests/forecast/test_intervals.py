"""Widths of intervals from errors at rolling origins: by hand, beyond the measured horizon, and their coverage."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from scipy import stats
from sklearn.isotonic import IsotonicRegression

from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.intervals import ConformalIntervals, _non_decreasing, error_sizes, usual_change

ONE = np.ones(1)


def widening(level, paths):
    """Ratio of the quantiles of Student's t and the normal distribution."""
    return stats.t.ppf((1 + level) / 2, paths) / stats.norm.ppf((1 + level) / 2)


def intervals(sizes, n_held=200, rows=1):
    """Intervals from forecasts with errors of these sizes 1, 2, ... steps ahead."""
    return ConformalIntervals.of([(0, np.asarray(sizes, float))] * rows, ONE, n_held)


def grown(found):
    """The sizes of errors in the units of the only series."""
    return found.growth * found.unit[0]


def test_growth_is_the_closest_non_decreasing_sequence():
    np.testing.assert_allclose(grown(intervals([1, 3, 2, 4])), [1, 2.5, 2.5, 4])
    np.testing.assert_allclose(grown(intervals([3, 2, 1])), [2, 2, 2])
    # Root mean squares; a step that fewer forecasts have reached counts for less: (2 * 4 + 1) / 3.
    found = ConformalIntervals.of([(0, np.array([-4.0, 1.0])), (0, np.array([4.0]))], ONE, 9)
    np.testing.assert_allclose(grown(found), [3, 3])
    found = ConformalIntervals.of([(0, np.array([-1.0, 3.0])), (0, np.array([7.0, 5.0]))], ONE, 9)
    np.testing.assert_allclose(grown(found), np.sqrt((25 + 17) / 2 + np.array([0, 0])), rtol=0.01)


@pytest.mark.filterwarnings("error")
def test_steps_of_which_no_value_is_known_take_the_growth_of_their_neighbours():
    nan = np.nan
    np.testing.assert_allclose(grown(intervals([1, nan, 3, nan])), [1, 2, 3, 3])
    np.testing.assert_allclose(grown(intervals([nan, 2, nan, 4])), [2, 2, 3, 4])
    rng = np.random.default_rng(1)
    errors = rng.normal(size=(200, 6)) * np.arange(1, 7)
    gappy = np.where(rng.random(errors.shape) < 0.3, nan, errors)
    one, other = (ConformalIntervals.of([(0, row) for row in each], ONE, 200) for each in (errors, gappy))
    np.testing.assert_allclose(other.half_widths(0.8, 0, 8), one.half_widths(0.8, 0, 8), rtol=0.1)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("seed", range(5))
def test_growth_is_that_of_the_isotonic_regression_of_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    sizes, counts = rng.gamma(2, size=40).round(1) + 0.02 * np.arange(40), rng.integers(0, 9, 40)
    steps, known = np.arange(40), counts > 0
    fitted = IsotonicRegression().fit(steps[known], sizes[known], sample_weight=counts[known]).predict(steps[known])
    np.testing.assert_allclose(_non_decreasing(sizes, counts), np.interp(steps, steps[known], fitted), rtol=1e-12)


def test_the_usual_change_is_that_of_known_values():
    y = np.array([1.0, 2.0, np.nan, 4.0, 7.0, np.nan])
    assert usual_change(y, 1) == 2.0
    assert usual_change(y, 3) == 4.0  # from 1 to 4 and from 2 to 7
    assert usual_change(y, 2) == 2.0
    assert usual_change(np.array([1.0, np.nan, 4.0, np.nan]), 3) == 0.0  # none a season or a step apart
    assert usual_change(np.full(4, np.nan), 2) == usual_change(np.empty(0), 1) == usual_change(np.ones(9), 2) == 0.0
    assert usual_change(np.array([1.0, 2.0, 4.0]), 5) == 1.5


def test_half_widths_are_quantiles_of_errors_in_units_of_their_growth():
    rng = np.random.default_rng(0)
    errors = [(place % 2, rng.normal(size=5) * (1 + 3 * (place % 2))) for place in range(20)]
    unit = np.array([2.0, 8.0])
    found = ConformalIntervals.of(errors, unit, 40)
    assert found.unit[1] / found.unit[0] == pytest.approx(4.0, rel=1e-9)  # by chance alone their ratio is not 4
    sizes = np.array([np.abs(each) / found.unit[series] for series, each in errors])
    quantile = np.quantile(sizes / found.growth, 0.8 * 41 / 40)
    for series in (0, 1):  # two series, each with 40 / 5 paths that do not overlap
        expected = widening(0.8, 16) * quantile * found.growth[:3] * found.unit[series]
        np.testing.assert_allclose(found.half_widths(0.8, series, 3), expected, rtol=1e-12)


def test_widths_rise_with_the_level_and_the_horizon():
    rng = np.random.default_rng(1)
    found = ConformalIntervals.of([(0, rng.normal(size=6)) for _ in range(30)], ONE, 50)
    widths = np.array([found.half_widths(level, 0, 20) for level in (0.2, 0.5, 0.8, 0.95)])
    assert (np.diff(widths, axis=0) > 0).all()
    assert (np.diff(widths, axis=1) >= 0).all()
    assert widths[0, 0] > 0


@pytest.mark.parametrize(
    ("power", "expected"), [(0.0, 0.0), (0.5, 0.5), (0.8, 0.8), (1.0, 1.0), (2.0, 1.0)], ids=lambda power: f"{power}"
)
def test_beyond_the_measured_horizon_errors_grow_by_the_same_power_but_at_most_linearly(power, expected):
    steps = np.arange(1.0, 9.0)
    found = intervals(steps**power).half_widths(0.5, 0, 32) / widening(0.5, 200 / 8)
    np.testing.assert_allclose(found[:8], steps**power, rtol=1e-12)
    np.testing.assert_allclose(found[31] / found[7], 4.0**expected, rtol=1e-9)
    assert (np.diff(found) >= 0).all()


def test_errors_of_one_step_grow_as_those_of_a_random_walk():
    found = intervals([2.0]).half_widths(0.5, 0, 9) / widening(0.5, 200)
    np.testing.assert_allclose(found, 2 * np.sqrt(np.arange(1, 10)))


def test_fewer_paths_that_do_not_overlap_make_intervals_wider():
    widths = [intervals([1, 1, 1, 1], n_held=n).half_widths(0.9, 0, 1)[0] for n in (8, 12, 40, 4000)]
    np.testing.assert_allclose(widths, [widening(0.9, paths) for paths in (2, 3, 10, 1000)], rtol=1e-9)
    assert widths[0] > 1.5 > widths[1]
    assert widths[-1] == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("level", [0.8, 0.9, 0.95, 0.99])
def test_too_few_steps_are_refused_and_the_message_names_a_number_that_works(level):
    with pytest.raises(InvalidArgumentError, match=rf"interval of {level:.0%} from 1 held-out steps.*val=") as caught:
        intervals([1, 2], n_held=1).half_widths(level, 0, 2)
    needed = int(re.search(r"at least (\d+)", str(caught.value))[1])
    found = intervals([1, 2], n_held=needed).half_widths(level, 0, 2)
    np.testing.assert_allclose(found, widening(level, max(2, needed / 2)) * np.array([1, 2]))
    with pytest.raises(InvalidArgumentError, match=f"from {needed - 1} held-out steps"):
        intervals([1, 2], n_held=needed - 1).half_widths(level, 0, 2)


def test_zero_errors_have_zero_width():
    found = intervals([0.0, 0.0, 0.0])
    assert found.half_widths(0.95, 0, 9).max() < 1e-9


@pytest.mark.parametrize("level", [0.5, 0.8, 0.95])
@pytest.mark.parametrize("n", [40, 400])
def test_the_coverage_is_the_level(level, n):
    """Independent errors: on average over held-out sets, the coverage is the level."""
    rng = np.random.default_rng(2)
    held = []
    for _ in range(1000 // (n // 40)):
        found = ConformalIntervals.of([(0, np.array([error])) for error in rng.normal(size=n)], ONE, n)
        width = found.half_widths(level, 0, 1)[0]
        held.append(np.mean(np.abs(rng.normal(size=200)) <= width))
    assert level - 0.012 < np.mean(held) < level + 0.02


def panel_errors(scales, rng, n=24, steps=6):
    return [(series, scale * rng.normal(size=steps)) for series, scale in enumerate(scales) for _ in range(n)]


def widths(errors, unit, series, n_held=24, level=0.95):
    return ConformalIntervals.of(errors, np.asarray(unit, float), n_held).half_widths(level, series, 6)


@pytest.mark.parametrize("factor", [1e-9, 1e-3, 1e3, 1e9, 1e200])
def test_widths_scale_with_the_unit_of_each_series(factor):
    rng = np.random.default_rng(5)
    for unit in ([1.0, 2.0, 5.0], [1.0, 0.0, 3.0], [0.0, 0.0, 0.0]):
        errors = panel_errors([1.0, 2.0, 5.0], rng)
        others = [(series, each * factor if series == 1 else each) for series, each in errors]
        scaled = np.array(unit) * [1.0, factor, 1.0]
        for series, by in ((0, 1.0), (1, factor), (2, 1.0)):
            np.testing.assert_allclose(widths(others, scaled, series), by * widths(errors, unit, series), rtol=1e-9)


@pytest.mark.parametrize(("scale", "unit"), [(0.0, 0.0), (1e-9, 0.0), (5000.0, 0.0), (5000.0, 1.0), (1e-6, 1.0)])
def test_an_odd_series_hardly_changes_the_widths_of_the_others_and_keeps_its_own(scale, unit):
    rng = np.random.default_rng(6)
    usual = panel_errors([1.0], rng)
    odd = [(1, each) for _, each in panel_errors([scale], rng)]
    alone, alone_odd = widths(usual, [1.0], 0), widths([(0, each) for _, each in odd], [unit], 0)
    np.testing.assert_allclose(widths(usual + odd, [1.0, unit], 0), alone, rtol=0.3)
    np.testing.assert_allclose(widths(usual + odd, [1.0, unit], 1), alone_odd, rtol=0.3, atol=1e-11)
    many = panel_errors([1.0] * 9, rng) + [(9, each) for _, each in odd]
    np.testing.assert_allclose(widths(many, [1.0] * 9 + [unit], 0), alone, rtol=0.5)
    found = widths(many, [1.0] * 9 + [unit], 9)  # limited to two standard errors: a factor of 2
    assert (found <= 2.5 * alone_odd + 1e-11).all()
    assert (found >= 0.4 * alone_odd - 1e-11).all()


def test_series_of_one_kind_share_the_size_of_their_errors():
    rng = np.random.default_rng(7)
    units = np.exp(rng.normal(size=30))
    sizes, share = error_sizes(panel_errors(units, rng, n=4), units, 4.0)
    assert np.std(np.log(sizes / units)) < 0.15
    assert np.mean(share) < 0.3
    found = ConformalIntervals.of(panel_errors(units, rng, n=4), units, 24)
    assert found.paths.max() > 10 * 24 / 6


@pytest.mark.slow
@pytest.mark.parametrize("spread", [0.0, 0.5, 2.0])
def test_the_coverage_of_panels_is_the_level_for_each_series(spread):
    """The unit does not tell the size of the errors: with a common size, small ones would always be covered."""
    rng = np.random.default_rng(8)
    held = []
    for _ in range(150):
        scales = np.exp(spread * rng.normal(size=12))
        found = ConformalIntervals.of(panel_errors(scales, rng, n=8, steps=4), np.ones(12), 32)
        reach = np.array([found.half_widths(0.8, series, 4) for series in range(12)])
        held.append(np.mean(np.abs(scales[:, None] * rng.normal(size=(12, 4))) <= reach, axis=1))
    assert 0.78 < np.mean(held) < 0.87
    assert np.mean(held, axis=0).min() > 0.75


def test_many_errors_are_reduced_to_quantiles():
    rng = np.random.default_rng(3)
    errors = rng.normal(size=(3000, 2))
    found = ConformalIntervals.of([(0, row) for row in errors], ONE, 300)
    assert len(found.errors) == 2000
    exact = widening(0.8, 150) * np.quantile(np.abs(errors) / found.growth, 0.8 * 301 / 300)
    np.testing.assert_allclose(found.half_widths(0.8, 0, 2), exact * found.growth, rtol=2e-3)


def test_the_state_round_trips_through_json_and_arrays():
    rng = np.random.default_rng(4)
    found = ConformalIntervals.of([(0, rng.normal(size=4)), (1, rng.normal(size=4))] * 9, np.array([1.0, 3.0]), 25)
    arrays, rest = found.to_state()
    again = ConformalIntervals.from_state(arrays, json.loads(json.dumps(rest)))
    for series in (0, 1):
        np.testing.assert_array_equal(again.half_widths(0.9, series, 12), found.half_widths(0.9, series, 12))
