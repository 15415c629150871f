"""Integers of any size as arguments: they are taken, or an error of kerazoo says what is allowed."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from kerazoo import FastText, Forecaster, Word2Vec
from kerazoo._runtime import memory
from kerazoo._validation import check_int, check_seed, check_workers
from kerazoo.errors import InvalidArgumentError, KerazooError
from kerazoo.text import EncodedCorpus

DOCUMENTS = [["a", "b", "c"] * 5] * 5
SERIES = np.sin(np.arange(60) / 2) + 5
PANEL = np.column_stack([SERIES, SERIES[::-1], SERIES])
HUGE = (2**31 - 1, 2**31, 2**63 - 1, 2**63, 10**25)


def integers_of(estimator):
    """Parameters whose defaults are integers, or None where an integer is allowed."""
    parameters = inspect.signature(estimator.__init__).parameters.values()
    whole = [each.name for each in parameters if isinstance(each.default, int) and not isinstance(each.default, bool)]
    known = ("seed", "workers", "max_final_vocab", "horizon", "lookback", "n_members", "steps_per_epoch", "batch_size")
    return sorted({*whole, *(each.name for each in parameters if each.name in known)} - {"verbose"})


def fit_words(estimator, name, value):
    settings = {"vector_size": 4, "min_count": 1, "epochs": 1, "workers": 1, "seed": 1, "verbose": 0, name: value}
    estimator(**settings).fit(DOCUMENTS)


def fit_series(name, value, y):
    Forecaster(**{"epochs": 0, "horizon": 2, "seed": 1, "verbose": 0, name: value}).fit(y)


CASES = [
    *((estimator.__name__, name) for estimator in (Word2Vec, FastText) for name in integers_of(estimator)),
    *(("Forecaster", name) for name in integers_of(Forecaster)),
]


@pytest.mark.parametrize(("estimator", "name"), CASES, ids=lambda each: each)
def test_an_integer_of_any_size_is_taken_or_refused_with_what_is_allowed(estimator, name, monkeypatch):
    # Whatever this machine has: what needs more is refused before it is made.
    monkeypatch.setattr(memory, "available_memory", lambda: 1 << 30)
    for value in HUGE:
        if estimator == "Forecaster":
            calls = [lambda y=y, value=value: fit_series(name, value, y) for y in (SERIES, PANEL)]
            if name in ("epochs", "n_members", "steps_per_epoch", "lookback", "batch_size", "fine_tune", "patience"):
                continue  # they ask for networks, and for as much time as they say
        elif name == "epochs" and value < 2**63 - 1:
            continue
        else:
            kind = {"Word2Vec": Word2Vec, "FastText": FastText}[estimator]
            calls = [lambda value=value, kind=kind: fit_words(kind, name, value)]
        for call in calls:
            try:
                call()
            except KerazooError as error:
                message = str(error)
            else:
                continue
            assert str(value) in message


@pytest.mark.parametrize("value", [2**63, 10**25, -(10**25)])
def test_integers_beyond_64_bits_are_refused_unless_they_are_seeds(value):
    with pytest.raises(InvalidArgumentError, match=r"^n=.*expected an integer"):
        check_int("n", value)
    if value > 0:
        assert check_seed("seed", value) == value
    else:
        with pytest.raises(InvalidArgumentError, match="expected an integer >= 0"):
            check_seed("seed", value)


def test_more_workers_than_any_machine_has_cores_are_refused():
    assert check_workers("workers", 4096) == 4096
    for value in (0, 4097, 2**40):
        with pytest.raises(InvalidArgumentError, match="expected an integer from 1 to 4096"):
            check_workers("workers", value)
        with pytest.raises(InvalidArgumentError, match="workers="):
            EncodedCorpus.from_source(DOCUMENTS, min_count=1, workers=value)


@pytest.mark.parametrize("horizon", HUGE)
@pytest.mark.parametrize("n", [1, 3])
def test_forecasts_of_any_number_of_steps_are_made_or_refused(horizon, n, monkeypatch):
    monkeypatch.setattr(memory, "available_memory", lambda: 1 << 30)
    made = Forecaster(epochs=0, horizon=2, seed=1, verbose=0).fit(SERIES if n == 1 else PANEL)
    with pytest.raises(KerazooError, match=f"horizon={horizon}"):
        made.predict(horizon)
