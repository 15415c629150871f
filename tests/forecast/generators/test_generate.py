"""Series by number: seeds, blocks, shapes, finite values of every kind, and errors."""

from __future__ import annotations

import re
import subprocess
import sys
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.generators import BLOCK, KINDS, MIXTURE, batches, generate


@pytest.mark.parametrize("kind", KINDS)
def test_series_depend_on_their_number_alone(kind):
    whole = generate(BLOCK + 40, 30, 12, kind=kind, seed=3)
    parts = [generate(n, 30, 12, kind=kind, seed=3, start=start) for start, n in ((0, 7), (7, 250), (257, BLOCK - 217))]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_the_order_and_number_of_calls_do_not_matter():
    later = generate(5, 40, 4, seed=1, start=600)
    np.random.default_rng(1).normal(size=100)
    generate(50, 20, 7, seed=9)
    np.testing.assert_array_equal(generate(5, 40, 4, seed=1, start=600), later)


@pytest.mark.parametrize(
    "other",
    [
        {"seed": 2},
        {"seed": 1, "start": BLOCK},
        {"seed": 1, "kind": "structural"},
        {"seed": 1, "period": 6},
        {"seed": np.random.SeedSequence(1).spawn(1)[0]},
    ],
    ids=str,
)
def test_other_settings_give_unrelated_series(other):
    settings = {"period": 12, "kind": "walk"}
    first = np.log(generate(200, 50, **settings, seed=1))
    second = np.log(generate(200, 50, **{**settings, **other}).clip(1e-9))
    difference = np.diff(first), np.diff(second)
    correlation = [np.corrcoef(a, b)[0, 1] for a, b in zip(*difference, strict=True) if b.std() > 0]
    assert abs(np.mean(correlation)) < 0.05  # its standard deviation is .01


def test_a_sequence_is_its_seed_and_spawned_ones_differ_from_each_other():
    seed = np.random.SeedSequence(5)
    np.testing.assert_array_equal(generate(3, 20, seed=seed), generate(3, 20, seed=5))
    first, second = (generate(3, 20, seed=each) for each in seed.spawn(2))
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(generate(3, 20, seed=seed), generate(3, 20, seed=5))  # spawning changed nothing


def test_batches_of_several_processes_are_those_of_one():
    one = list(islice(batches(100, 24, 12, seed=8), 6))
    shared = [list(islice(batches(100, 24, 12, seed=8, first=k, step=3), 2)) for k in range(3)]
    for number, batch in enumerate(one):
        np.testing.assert_array_equal(shared[number % 3][number // 3], batch)
    np.testing.assert_array_equal(np.concatenate(one), generate(600, 24, 12, seed=8))


def test_another_process_makes_the_same_series():
    code = "from kerazoo.forecast.generators import generate; print(repr(generate(300, 40, 12, seed=4).sum()))"
    code += "; import sys; print({'keras', 'tensorflow', 'jax', 'torch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=280)
    assert done.stdout.splitlines() == [repr(generate(300, 40, 12, seed=4).sum()), "set()"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("length", "period"),
    [
        (1, 12),
        (3, 1),
        (17, 2.5),
        (60, 1e6),
        (400, (7, 30.4, 365.25)),
        *(pytest.param(*each, marks=pytest.mark.slow) for each in [(2, 4), (5, 24), (90, 5)]),
    ],
)
@pytest.mark.filterwarnings("error")
def test_all_are_finite(kind, length, period):
    if period == 1 and kind in ("season", "calendar"):
        return  # refused below
    y = generate(BLOCK, length, period, kind=kind, seed=2, freq="MS" if kind == "calendar" else "auto")
    assert y.shape == (BLOCK, length)
    assert y.dtype == np.float64
    assert np.isfinite(y).all()
    assert np.abs(y).max() < 1e15


@pytest.mark.parametrize("freq", ["YS", "QS", "MS", "W", "D", "B", "h", None])
@pytest.mark.filterwarnings("error")
def test_all_frequencies_and_long_series(freq):
    y = generate(20, 3000 if freq == "MS" else 500, 12, seed=2, freq=freq, date="1500-01-01")
    assert np.isfinite(y).all()


def test_the_mixture_has_its_kinds_in_their_shares():
    assert sum(MIXTURE.values()) == pytest.approx(1.0)
    y = generate(4096, 60, 12, seed=6)
    counting = MIXTURE["counts"] + MIXTURE["intermittent"]
    zeros = (y == 0).mean(axis=1) > 0.3
    assert 0.5 * MIXTURE["intermittent"] < zeros.mean() < counting + 0.04
    negative = (y < 0).any(axis=1).mean()
    assert 0.02 < negative < 0.12
    scale = np.log10(np.median(np.abs(y), axis=1).clip(1e-6))
    assert np.quantile(scale, 0.05) < -1
    assert np.quantile(scale, 0.95) > 5
    whole = (y == np.rint(y)).all(axis=1).mean()
    assert 0.15 < whole < 0.45


def test_the_page_has_the_probabilities_of_the_mixture():
    page = (Path(__file__).parents[3] / "docs" / "generators.md").read_text()
    shares = {name: int(share) / 100 for name, share in re.findall(r"^\| `(\w+)` \| (\d+) % \|", page, re.MULTILINE)}
    assert shares == MIXTURE


def test_the_mixture_reaches_from_noise_to_smooth_series():
    y = generate(2048, 120, 12, seed=7)
    y = y[np.diff(y).std(axis=1) > 0]
    centred = y - y.mean(axis=1, keepdims=True)
    variance = (centred**2).mean(axis=1)
    one = (centred[:, 1:] * centred[:, :-1]).mean(axis=1) / variance
    season = (np.diff(y)[:, 12:] * np.diff(y)[:, :-12]).mean(axis=1) / np.diff(y).var(axis=1)
    assert (np.abs(one) < 0.15).mean() > 0.05
    assert (one > 0.95).mean() > 0.1
    assert (season > 0.8).mean() > 0.25
    assert (np.abs(season) < 0.2).mean() > 0.15


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_series": 0}, "n_series=0; expected an integer >= 1"),
        ({"length": 0}, "length=0; expected an integer >= 1"),
        ({"length": 2.5}, "length=2.5; expected an integer"),
        ({"period": 0.5}, "period=0.5; expected a finite number >= 1"),
        ({"period": []}, r"period=\[\]; expected the steps"),
        ({"period": "12"}, "period='12'; expected a finite number"),
        ({"kind": "mixtur"}, "Did you mean 'mixture'"),
        ({"seed": -1}, "seed=-1; expected an integer >= 0"),
        ({"seed": None}, "seed=None; expected an integer"),
        ({"start": -1}, "start=-1; expected an integer >= 0"),
        ({"freq": "M"}, "freq='M'; expected one of"),
        ({"date": "2000-13-01"}, "date='2000-13-01'; expected text with a date"),
        ({"date": 2000}, "date=2000; expected text with a date"),
        ({"kind": "season", "period": 1}, "expected a season"),
        ({"kind": "calendar", "period": 10}, "expected a calendar"),
    ],
)
def test_errors_say_what_is_expected(arguments, message):
    with pytest.raises(InvalidArgumentError, match=message):
        generate(**{"n_series": 2, "length": 10, "period": 12, "seed": 1, **arguments})


@pytest.mark.parametrize("wrong", [{"batch_size": 0}, {"first": -1}, {"step": 0}])
def test_batches_refuse_bad_numbers_at_once(wrong):
    with pytest.raises(InvalidArgumentError, match=next(iter(wrong))):
        batches(**{"batch_size": 4, "length": 10, "seed": 1, **wrong})
