"""`training.fit` on several devices and in several processes trains as on one device, or says why it cannot."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest

import kerazoo
from kerazoo import zoo
from kerazoo.batching.shares import multiples_near
from kerazoo.errors import InvalidArgumentError
from kerazoo.training import fit

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 300  # seconds, on a busy machine
pytestmark = pytest.mark.backend


def start(folder, processes, rank, port):
    log = (folder / f"log{rank}of{processes}").open("w")
    command = [sys.executable, "-m", "tests.training.device_cases", str(folder), *map(str, (processes, rank, port))]
    with log:
        return subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, env=dict(os.environ))


def ended(runs):
    """Exit codes of processes, which are killed at the limit."""
    end = time.monotonic() + LIMIT
    try:
        return [run.wait(max(1, end - time.monotonic())) for run in runs]
    finally:
        for run in runs:
            run.kill()
            run.wait()


def assert_same_training(found, expected):
    """Losses, metrics and weights are the same to rounding."""
    assert found["history"].keys() == expected["history"].keys()
    for name, values in expected["history"].items():
        np.testing.assert_allclose(found["history"][name], values, rtol=0, atol=1e-5, err_msg=name)
    for mine, theirs in zip(found["weights"], expected["weights"], strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=0, atol=1e-5)


def check_errors(runs):
    """Devices cannot share some batches."""
    for run in runs:
        errors = run["errors"]
        assert errors["batch_size"] == (
            "InvalidArgumentError: batch_size=5, the rows of a batch of all devices, and there are 2; expected a "
            "multiple of 2, such as 4 or 6."
        )
        assert "validation_batch_size=3" in errors["validation"]
        assert "a batch has 5 rows, and there are 2 devices" in errors["dataset"]
        assert "the batches of x" in errors["dataset"]
        assert "a batch has 3 rows, and there are 2 devices" in errors["keras"]
    assert "is not on the 2 devices of the distribution" in runs[0]["errors"]["model"]
    for run in runs[1:]:  # processes that would not train the same
        errors = run["errors"]
        assert "x is a list_iterator, of which 2 processes cannot take the same batches" in errors["generator"]
        assert 'epochs of process 1: "3", of process 0: "2"' in errors["epochs"]
        assert "the number of batches of process 1: 4, of process 0: 5" in errors["rows"]
        assert "x, seed of process 1: 1, of process 0: 0" in errors["seed"]


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="Keras divides batches among devices on JAX only")
def test_devices_and_processes_train_as_one_device(tmp_path):
    """One test, because workers of pytest would each train all of it. `device_cases.py` says what each case is."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    codes = ended([start(tmp_path, 2, 0, port), start(tmp_path, 2, 1, port), start(tmp_path, 1, 0, port)])
    outputs = [(tmp_path / name).read_text() for name in ("log0of2", "log1of2", "log0of1")]
    assert codes[2] == 0, outputs[2]
    assert (tmp_path / "killed0.json").exists(), outputs[0] + outputs[1]
    found = {path.stem: json.loads(path.read_text()) for path in tmp_path.glob("*.json")}
    one, devices, processes = found["one"], found["devices"], [found["process0"], found["process1"]]

    for case in ("uneven", "keras_fit"):
        assert_same_training(devices[case], one[case])
    for process in processes:
        assert_same_training(process["resumed"], one["uneven"])  # from the checkpoint of process 0
        assert_same_training(process["arrays"], one["arrays"])
        assert_same_training(process["keras_fit"], one["keras_fit"])
    check_errors([devices, *processes])
    # Process 0 alone writes files and the progress.
    assert [process["resumed"]["written"] for process in processes] == [True, False]
    for line in ("Epoch 3/4", "training plan"):
        assert [line in output for output in outputs[:2]] == [True, False]
    # One wanted to stop, and both have; the seed of the data set is that of process 0.
    assert found["stopped0"] == found["stopped1"]
    assert found["stopped0"]["epochs"] == 1
    # One was killed, and the other has not hung.
    assert found["killed0"].startswith("ClusterError: process 0 of 2 has lost another one: ")
    assert codes[1] == -signal.SIGKILL
    assert codes[0] != -signal.SIGKILL


@pytest.mark.skipif(keras.backend.backend() == "jax", reason="of backends on which a distribution has no effect")
def test_a_distribution_without_effect_is_an_error():
    mesh = keras.distribution.DeviceMesh((1,), ["batch"], devices=["cpu:0"])
    model = zoo.build("lstm_1x3_seq2one", seed=1)
    model.compile("adam", "mse")
    with (
        keras.distribution.DataParallel(device_mesh=mesh).scope(),
        pytest.raises(InvalidArgumentError, match="expected the backend jax"),
    ):
        fit(model, np.ones((4, 3, 1), "float32"), np.ones((4, 1), "float32"), verbose=0)


def test_a_training_that_does_not_divide_batches_is_an_error(monkeypatch):
    mesh = SimpleNamespace(devices=np.array(["cpu:0", "cpu:1"]))
    monkeypatch.setattr(keras.distribution, "distribution", lambda: SimpleNamespace(device_mesh=mesh))
    network = {"model": "lstm_1x4", "n_members": 1, "epochs": 1, "verbose": 0}
    with pytest.raises(InvalidArgumentError, match="a distribution over 2 devices is set, and Forecaster"):
        kerazoo.Forecaster(horizon=2, **network).fit(np.sin(np.arange(40.0)))
    with pytest.raises(InvalidArgumentError, match="and Word2Vec"):
        kerazoo.Word2Vec(engine="keras", min_count=1, verbose=0).fit([["a", "b", "a"]])


def test_multiples_next_to_a_number():
    assert [multiples_near(rows, 3) for rows in (1, 4, 7)] == ["3", "3 or 6", "6 or 9"]
