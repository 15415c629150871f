"""The programs of `examples/` run to their end."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def run(name, folder, *arguments, plots=True):
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name), *(("--folder", "plots") if plots else ()), *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=280,
        env={**os.environ, "PYTHONPATH": str(EXAMPLES.parent)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for path in (folder / "plots").iterdir() if plots else ():
        assert path.read_bytes().startswith(b"\x89PNG")
        assert f"plots/{path.name}" in done.stdout
    return done.stdout


def test_a_network_written_by_hand_equals_the_layer(tmp_path):
    output = run("manual_rnn.py", tmp_path, plots=False)
    errors = re.search(r"unroll (\S+), SimpleRNN (\S+)", output)
    assert max(map(float, errors.groups())) < 1e-5


def test_words_have_neighbours(tmp_path):
    output = run("word_vectors.py", tmp_path, "--epochs", "8", "--words", "40")
    losses = [float(loss) for loss in re.search(r"each epoch: \[([^\]]+)", output)[1].split()]
    assert losses[-1] < losses[0] - 0.05
    assert [path.name for path in (tmp_path / "plots").iterdir()] == ["word_vectors.png"]


def test_texts_are_classified_better_than_by_a_bag_of_words(tmp_path):
    output = run("text_classification.py", tmp_path, "--texts", "2500", plots=False)
    found = {name.strip(): float(score) for name, score in re.findall(r"^accuracy of (.+?): +(\S+)$", output, re.M)}
    assert list(found) == ["a bag of words", *(f"word vectors, {kind}" for kind in ("mean", "idf", "sif"))]
    assert found["word vectors, idf"] > found["a bag of words"] + 0.2
    assert "a search over the labelled texts: {'word2vec__epochs'" in output


@pytest.mark.slow
def test_a_network_generates_a_sine(tmp_path):
    output = run(
        "sine_generation.py", tmp_path, "--model", "rnn_1x20", "--iterations", "300", "--learning-rate", "0.003"
    )
    assert float(re.search(r"one point ahead: (\S+)", output)[1]) < 0.05
    assert [path.name for path in (tmp_path / "plots").iterdir()] == ["sine_generation.png"]


@pytest.mark.slow
def test_the_milk_series_is_forecast(tmp_path):
    output = run("milk_forecast.py", tmp_path, "--quick")
    errors = {name.strip(): float(error) for name, error in re.findall(r"^(.+?) +RMSE +(\S+)$", output, re.MULTILINE)}
    assert errors["generated"] < errors["last year"] < errors["plain network"]
    assert len(list((tmp_path / "plots").iterdir())) == 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "package", "short"),
    [
        ("search_with_optuna.py", "optuna", ("--seconds", "1")),
        ("search_with_keras_tuner.py", "keras_tuner", ("--trials", "2")),
    ],
)
def test_a_search_ends_with_a_score_on_held_out_windows(name, package, short, tmp_path):
    pytest.importorskip(package)
    output = run(name, tmp_path, *short, "--epochs", "1", "--baseline", "rnn_1x8", plots=False)
    errors = re.findall(r"^(\S+): held-out mean squared error (\S+)$", output, re.MULTILINE)
    assert errors[0][0] == "rnn_1x8"
    assert len(errors) == 2
    assert all(0 < float(error) < 1 for _, error in errors)


@pytest.mark.slow
def test_a_preset_is_trained_and_forecasts(tmp_path):
    from kerazoo.forecast.presets import load_forecaster

    arguments = ("own.safetensors", "--model", "mingru_1x8_residual", "--steps", "100", "--batch-size", "64")
    output = run("train_forecast_preset.py", tmp_path, *arguments, plots=False)
    assert "own.safetensors: " in output
    found = load_forecaster(tmp_path / "own.safetensors")
    assert found.forecast([[3.0, 5.0, 4.0, 6.0, 5.0, 7.0]], 2, 2).shape == (1, 2)
    assert "--steps 100" in found.card["command"]


@pytest.mark.slow
def test_processes_of_ray_train_a_model_and_go_on_from_its_file(tmp_path):
    pytest.importorskip("ray")
    pytest.importorskip("jax")
    losses = []
    for epochs in ("2", "3"):
        output = run("cluster/train_zoo.py", tmp_path, "model.keras", "--epochs", epochs, plots=False)
        losses += [float(loss) for loss in re.search(r"losses in 2 processes: (.+)", output)[1].split()]
    assert len(losses) == 3
    assert losses[2] < losses[1] < losses[0]


def test_examples_are_small():
    files = list(EXAMPLES.glob("*.py"))  # tests/examples has the limit of notebooks
    assert len(files) >= 4
    assert all(path.stat().st_size < 100_000 for path in files)
