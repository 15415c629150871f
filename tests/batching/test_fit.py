"""`model.fit` on the datasets: which batches of which epochs are trained on, on each backend."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("fit_program.py")
BACKENDS = ["tensorflow"]
BACKENDS += [
    pytest.param(name, marks=marks)
    for name, marks in (("jax", pytest.mark.slow), ("torch", pytest.mark.slow))
    if importlib.util.find_spec(name)
]


@pytest.fixture(scope="module", params=BACKENDS)
def trained(request):
    done = subprocess.run(
        [sys.executable, str(SCRIPT)],
        env={**os.environ, "KERAS_BACKEND": request.param, "PYTHONPATH": str(SCRIPT.parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {**json.loads(done.stdout.splitlines()[-1]), "backend": request.param}


def epochs(n, *numbers):
    return [[epoch, index] for epoch in numbers for index in range(n)]


def test_every_epoch_is_trained_on_once_and_in_order(trained):
    assert trained["plain"] == epochs(5, 0, 1, 2)
    assert trained["two batches"] == epochs(2, 0, 1, 2, 3)
    assert trained["many batches"] == epochs(40, 0, 1)


def test_epochs_of_one_batch(trained):
    """Except on TensorFlow, Keras peeks at the first batch of an unbuilt model: a whole epoch, if it has one batch."""
    first = 0 if trained["backend"] == "tensorflow" else 1
    assert trained["one batch"] == epochs(1, *range(first, first + 4))


def test_keras_shuffles_within_an_epoch(trained):
    seen = trained["shuffled by Keras"]
    for epoch in range(3):
        assert sorted(seen[6 * epoch : 6 * epoch + 6]) == epochs(6, epoch)


def test_steps_per_epoch_go_through_the_epochs_one_after_another(trained):
    assert trained["steps that divide"] == epochs(4, 0, 1)
    assert trained["steps that do not divide"] == epochs(5, 0, 1)[:7]  # Keras ends its third epoch after one step


def test_a_second_fit_continues(trained):
    assert trained["two fits"] == epochs(3, 0, 1, 2, 3)


def test_two_workers(trained):
    """No batch is lost or repeated, except the one that Keras peeks at and discards (not on TensorFlow)."""
    discarded = 0 if trained["backend"] == "tensorflow" else 1
    assert trained["two workers"] == epochs(5, 0, 1, 2, 3)[discarded:][:15]
    assert trained["two workers, two batches"] == epochs(2, 0, 1, 2, 3)[discarded:][:6]


def test_resumed_run_trains_on_the_rest_and_then_on_whole_epochs(trained):
    assert trained["resumed"] == epochs(6, 0, 1, 2, 3)
    # Stopped at the end of epoch 0, before `fit` ended it: a resume at position 0 repeats it.
    assert trained["resumed at a start"] == epochs(6, 0, 0, 1, 2)


def test_validation_data_stay_the_same(trained):
    assert trained["validation"] == epochs(3, 0, 1, 2) + epochs(3, 0, 0, 0)
    assert trained["stays"] == epochs(3, 0, 0, 0)
