"""Comparisons: the same data and time for every model, honest clocks, and models that fail."""

from __future__ import annotations

import time

import keras
import matplotlib
import numpy as np
import pytest

from kerazoo import zoo
from kerazoo.batching import SequenceWindows
from kerazoo.cells.registry import CellInfo, register_cell, unregister_cell
from kerazoo.errors import InvalidArgumentError, TrainingError
from kerazoo.zoo import comparison

matplotlib.use("agg")
pytestmark = pytest.mark.backend


def windows(n=70, steps=10, seed=1):
    starts = np.random.default_rng(seed).uniform(0, 6, n)
    waves = np.sin(starts[:, None] + 0.3 * np.arange(steps + 1))[:, :, None]
    return waves[:, :-1], waves[:, 1:]


@pytest.fixture(scope="module")
def found():
    return zoo.compare(
        ["rnn_1x4", "mingru_1x6"], *windows(), validation_data=windows(20, seed=2), seconds=0.4, learning_rate=0.01
    )


def test_every_model_gets_the_same_time_without_compilation(found):
    assert [(run.name, run.seed) for run in found.runs] == [("rnn_1x4", 0), ("mingru_1x6", 0)]
    for run in found.runs:
        assert run.status == "finished"
        assert 0.4 <= run.seconds < 0.9  # on a loaded machine, a call of 32 steps may be long
        assert run.compile_seconds > 0.1
        assert run.steps > 8
        times = [at for at, _, _ in run.curve]
        assert times == sorted(times)
        assert times[-1] == run.seconds
        assert len(run.curve) == 1 or run.curve[-1][2]["loss"] < run.curve[0][2]["loss"]


def test_the_table_is_sorted_and_says_what_the_runs_say(found):
    table = found.table
    assert table.columns.tolist() == [
        "name", "parameters", "steps", "seconds", "compile_seconds", "steps_per_second", "loss", "validation_loss",
        "best_validation_loss", "status",
    ]  # fmt: skip
    assert table.validation_loss.is_monotonic_increasing
    for row in table.itertuples():
        run = next(run for run in found.runs if run.name == row.name)
        assert row.validation_loss == run.curve[-1][2]["loss"]
        assert row.best_validation_loss == min(values["loss"] for _, _, values in run.curve)
        assert row.steps_per_second == run.steps / run.seconds
        assert row.parameters == zoo.model_card(row.name).parameters
    assert found.best.name == table.name[0]
    assert "rnn_1x4" in repr(found)
    assert "<table" in found._repr_html_()


def test_the_table_has_means_over_the_seeds_that_finished():
    def run(name, seed, *losses, status="finished"):
        curve = [(at, loss, {"loss": loss}) for at, loss in enumerate(losses, start=1)]
        return comparison.Run(name, zoo.RNNSpec.from_name(name), seed, status, 10, 20, 2.0, 1.0, curve)

    runs = [
        run("rnn_1x4", 0, 0.9, 0.3), run("rnn_1x4", 1, 0.8, 0.5), run("rnn_1x4", 2, 0.1, status="diverged: inf"),
        run("gru_1x4", 0, 0.2), run("gru_1x4", 1, 0.1), run("gru_1x4", 2, 0.3),
        run("mgu_1x4", 0, 0.01, status="diverged: nan"), run("mgu_1x4", 1, status="not started"),
    ]  # fmt: skip
    found = comparison.Comparison(runs, 2.0)
    table = found.table.set_index("name")
    assert table.index.tolist() == ["gru_1x4", "rnn_1x4", "mgu_1x4"]
    assert np.allclose(table.validation_loss[:2], [0.2, 0.4])
    assert np.allclose(table.validation_loss_std[:2], [0.1, 0.1 * 2**0.5])
    assert table.status.tolist() == ["finished", "diverged: inf", "diverged: nan; not started"]
    assert found.curves()["gru_1x4"][1].tolist() == [0.2]
    assert found.curves()["rnn_1x4"][1].tolist() == [0.9, 0.3]
    assert found.curves()["mgu_1x4"][1].tolist() == [0.01]


def test_the_plot_has_the_curves_in_the_order_of_the_table(found):
    ax = found.plot()
    names = [text.get_text().split()[-1] for text in ax.get_legend().get_texts()]
    assert names == found.table.name.tolist() == list(found.curves())
    for line, (seconds, losses) in zip(ax.get_lines(), found.curves().values(), strict=True):
        assert (line.get_xdata() == seconds).all()
        assert (line.get_ydata() == losses).all()
    matplotlib.pyplot.close("all")


def test_the_warm_up_leaves_no_trace():
    x, y = windows(64)
    source = comparison._source("x", x, y, 32)
    model = zoo.candidates.compiled_candidate(zoo.RNNSpec.from_name("rnn_1x4_dropout20"), seed=3)
    model.optimizer.build(model.trainable_variables)
    variables = [*model.variables, *model.optimizer.variables]
    before = [np.array(keras.ops.convert_to_numpy(each.value)) for each in variables]
    plan = comparison._warm_up(model, source, 3, {"x": x, "y": y}, 10)
    for variable, value in zip(variables, before, strict=True):
        assert (keras.ops.convert_to_numpy(variable.value) == value).all(), variable.path
    assert plan.why


@pytest.mark.slow
def test_the_first_losses_depend_on_the_seed_only():
    x, y = windows()
    arguments = {"validation_data": windows(20, seed=2), "seconds": 1.0, "seeds": [5]}
    runs = [zoo.compare(["rnn_1x4"], x, y, **arguments).runs[0] for _ in range(2)]
    assert runs[0].curve[0][1:] == runs[1].curve[0][1:]


@pytest.mark.parametrize("n", [64, 70])
def test_batches_have_one_size_and_an_epoch_has_every_row(n):
    x = np.arange(float(n))[:, None, None]
    stream = comparison._Stream(comparison._source("x", x, 2 * x, 32), 7, 4)
    per_epoch = -(-n // 32)
    batches = [stream.at(i // 4, i % 4) for i in range(2 * per_epoch)]
    assert all(each.shape == (32, 1, 1) for batch in batches for each in batch)
    assert all((targets == 2 * inputs).all() for inputs, targets in batches)
    first, second = (
        np.concatenate([b[0].ravel() for b in part]) for part in (batches[:per_epoch], batches[per_epoch:])
    )
    assert set(first) == set(second) == set(range(n))
    assert len(set(first[:n])) == n
    assert (first != second).any()


@pytest.mark.slow
def test_sequence_windows_are_data_too():
    series = np.sin(0.3 * np.arange(200)).astype("float32")[:, None]
    train = SequenceWindows(series[:150], lookback=10, horizon=2, batch_size=32, shuffle=True, seed=1)
    validation = SequenceWindows(series[150:], lookback=10, horizon=2, batch_size=32, advance=False)
    found = zoo.compare(
        ["rnn_1x4"], train, validation_data=validation, seconds=0.1, metrics=["mae"], returns="last", horizon=2
    )
    assert found.table.name.tolist() == ["rnn_1x4_seq2one_h2"]
    assert found.table.status.tolist() == ["finished"]
    assert found.table.validation_mae[0] > 0
    stream = comparison._Stream(comparison._source("x", train, None, 32), 1, 4)
    assert {len(stream.at(i // 4, i % 4)[0]) for i in range(3 * len(train))} == {32}


@pytest.mark.slow
def test_models_that_fail_have_a_reason_and_the_others_finish(capsys):
    def broken(units, **kwargs):
        raise RuntimeError("no such cell today")

    register_cell(CellInfo("broken", broken, title="A cell that cannot be made.", paper="None."))
    try:
        spec = zoo.RNNSpec(layers=(zoo.LayerSpec("broken", 4),))
        names = ["rnn_1x4_exponential", spec, "bigru_1x4", "rnn_1x4"]
        found = zoo.compare(
            names, *windows(), validation_data=windows(20), seconds=0.1, learning_rate=1e6, loss="mse", verbose=1
        )
    finally:
        unregister_cell("broken")
    status = found.table.set_index("name").status
    assert status["rnn_1x4_exponential"].startswith("diverged: ")
    assert status["broken_1x4"] == "failed: RuntimeError: no such cell today"
    assert "copy it" in status["bigru_1x4"]
    assert status.index[0] == "rnn_1x4"
    assert status["rnn_1x4"] == "finished"
    assert found.best.name == "rnn_1x4"
    assert "rnn_1x4, seed 0: validation loss" in capsys.readouterr().out
    with pytest.raises(TrainingError, match=r"no model could be trained(.|\n)*bigru_1x4: not trained"):
        zoo.compare(["bigru_1x4"], *windows(), validation_data=windows(20), seconds=0.1)


def test_an_interrupted_comparison_keeps_what_is_finished(monkeypatch):
    trained = []

    def train(run, *args):
        if trained:
            run.seconds = 1.25
            raise KeyboardInterrupt
        trained.append(run.name)
        run.curve.append((0.1, 0.5, {"loss": 0.25}))

    monkeypatch.setattr(comparison, "_train", train)
    names = ["gru_1x4", "rnn_1x4", "lstm_1x4"]
    with pytest.warns(UserWarning, match="interrupted"):
        found = zoo.compare(names, *windows(), validation_data=windows(20), seconds=0.1)
    assert found.table.name.tolist() == names
    assert found.table.status.tolist() == ["finished", "interrupted after 1.2 s", "not started"]
    assert list(found.curves()) == ["gru_1x4"]
    assert found.best.name == "gru_1x4"


@pytest.mark.slow
def test_evaluation_is_not_on_the_clock(monkeypatch):
    evaluate = keras.Model.evaluate
    calls = []

    def slow(self, *args, **kwargs):
        calls.append(1)
        time.sleep(0.1)
        return evaluate(self, *args, **kwargs)

    monkeypatch.setattr(keras.Model, "evaluate", slow)
    run = zoo.compare(["rnn_1x4"], *windows(), validation_data=windows(20), seconds=0.2).runs[0]
    assert len(calls) > 2
    assert run.seconds < 0.4


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"names": ["gur_1x8"]}, "Did you mean 'gru'"),
        ({"names": []}, "names is empty"),
        ({"seconds": 0}, "seconds=0"),
        ({"seeds": 0}, "seeds=0"),
        ({"seeds": [1, 1]}, "different seeds"),
        ({"seeds": []}, "different seeds"),
        ({"learning_rate": -1.0}, "learning_rate=-1"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"feature": 3}, "Did you mean 'features'"),
        ({"y": None}, "expected two arrays"),
        ({"x": "text"}, "expected two arrays"),
        ({"y": np.zeros((3, 1))}, "as many rows"),
        ({"x": np.zeros((0, 3, 1)), "y": np.zeros((0, 3, 1))}, "at least one"),
        ({"validation_data": None}, r"expected \(x, y\)"),
        ({"validation_data": (np.zeros((2, 3, 1)), None)}, "expected two arrays"),
        ({"x": SequenceWindows(np.zeros(20), 3)}, "expected y=None"),
    ],
)
def test_bad_arguments_are_refused_before_anything_is_trained(arguments, words):
    x, y = windows(8)
    with pytest.raises(InvalidArgumentError, match=words):
        zoo.compare(**{"names": ["rnn_1x4"], "x": x, "y": y, "validation_data": (x, y), **arguments})
