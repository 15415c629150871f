"""Steps and predictions as CUDA graphs on torch. Without a GPU, a call of the function replaces the replay."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from kerazoo import zoo
from kerazoo.training import Plan, choose_plan, fitting
from kerazoo.training.plan import Workload

if keras.backend.backend() != "torch":
    pytest.skip("graphs are torch's", allow_module_level=True)

import torch

from kerazoo.training import _torch

pytestmark = pytest.mark.backend

LOOP = Plan(loop=True)


def made(name="lstm_1x6_t8", optimizer=None, seed=1):
    model = zoo.build(name, seed=seed)
    model.compile(optimizer or keras.optimizers.Adam(0.01), "mse", metrics=["mae"])
    return model


def arrays(n=22, steps=8):
    x = np.random.default_rng(0).normal(size=(n, steps, 1)).astype("float32")
    return x, np.cumsum(x, axis=1)


class FakeCapture:
    """Replaces the capture and counts replays."""

    def __init__(self, error=None):
        self.error = error
        self.captures = self.replays = 0

    def __call__(self, run, stream):
        self.captures += 1
        if self.error:
            raise RuntimeError(self.error)

        def replay():
            self.replays += 1
            run()

        return replay


@pytest.fixture
def capture(monkeypatch):
    found = FakeCapture()
    monkeypatch.setattr(_torch, "can_capture", lambda: True)
    monkeypatch.setattr(_torch, "_captured", found)
    return found


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "rmsprop"])
def test_captured_steps_train_as_plain_ones(capture, optimizer):
    x, y = arrays()
    arguments = {"batch_size": 4, "epochs": 3, "shuffle": False, "verbose": 0, "validation_data": (x[:6], y[:6])}
    plain, captured = made(optimizer=optimizer), made(optimizer=optimizer)
    expected = plain.fit(x, y, **arguments)
    history = fitting.fit(captured, x, y, **arguments)
    assert history.plan.loop
    # Five full batches per epoch, of which three are the warm-up; the smaller last batch is not captured.
    assert (capture.captures, capture.replays) == (1, 15 - 3)
    for key, values in expected.history.items():
        np.testing.assert_allclose(history.history[key], values, rtol=1e-5, err_msg=key)
    again = fitting.fit(captured, x, y, **arguments)
    assert (capture.captures, capture.replays) == (1, 12 + 15)  # the same graph
    np.testing.assert_allclose(again.history["loss"], plain.fit(x, y, **arguments).history["loss"], rtol=1e-5)


def test_a_new_learning_rate_takes_effect_in_the_graph(capture):
    x, y = arrays(20)
    model = made(optimizer=keras.optimizers.SGD(0.01))
    fitting.fit(model, x, y, batch_size=4, epochs=2, plan=LOOP, verbose=0)
    model.optimizer.learning_rate.assign(0.0)
    before = model.get_weights()
    fitting.fit(model, x, y, batch_size=4, epochs=1, plan=LOOP, verbose=0)
    assert capture.replays == 7 + 5
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_plan_says_why_a_step_cannot_be_captured(capture, capsys):
    capture.error = (
        "Exception encountered when calling X.call().\n\n\x1b[1mnot permitted when stream is capturing\x1b[0m"
    )
    x, y = arrays(20)
    history = fitting.fit(made(), x, y, batch_size=4, epochs=2, plan=LOOP, verbose=2, shuffle=False)
    assert not history.plan.loop
    assert "could not be captured: Exception encountered when calling X.call(). not permitted when" in str(history.plan)
    assert f"training plan: {history.plan}" in capsys.readouterr().out
    expected = made().fit(x, y, batch_size=4, epochs=2, verbose=0, shuffle=False)
    np.testing.assert_allclose(history.history["loss"], expected.history["loss"], rtol=1e-6)
    assert capture.captures == 1


@pytest.mark.parametrize("kind", [float, lambda value: np.full(2, value, "float32")], ids=["number", "array"])
def test_numbers_that_the_host_changes_are_detected(kind):
    calls = []

    def function(x):
        calls.append(len(calls))
        return x * torch.as_tensor(kind(len(calls)))

    capture = FakeCapture()
    call = _torch.CapturedCall(function, capture)
    given = torch.ones(2)
    assert [float(call(given)[0]) for _ in range(5)] == [1, 2, 3, 4, 5]
    assert capture.captures == 0
    assert "different numbers from the host" in call.why_not


def test_variables_that_moved_are_captured_again(capture):
    x, y = arrays(20)
    model = made()
    fitting.fit(model, x, y, batch_size=4, epochs=1, plan=LOOP, verbose=0)
    fitting.fit(model, x, y, batch_size=4, epochs=1, plan=LOOP, verbose=0)
    assert capture.captures == 1
    weight = model.trainable_variables[0]
    weight._value = torch.nn.Parameter(weight.value.detach().clone())
    fitting.fit(model, x, y, batch_size=4, epochs=1, plan=LOOP, verbose=0)
    assert capture.captures == 2


def test_predictions_have_a_graph_per_shape_and_do_not_overwrite_each_other():
    model = made()
    capture = FakeCapture()
    predict = _torch.CapturedPrediction(model, {"training": False}, capture)
    x, other = arrays(4)[0], arrays(3)[0]
    kept = [(given, predict(given)) for given in (x, other, 2 * x, x, 3 * x, 4 * x, other)]
    assert capture.captures == 1  # of the first shape; the other one was called only twice
    for given, found in kept:
        assert not found.requires_grad
        np.testing.assert_allclose(found, model(given).detach(), rtol=1e-5, atol=1e-6)
    model.set_weights([0 * weight for weight in model.get_weights()])
    assert float(predict(x).abs().max()) == 0
    for rows in range(5, 5 + _torch.MOST_GRAPHS):
        predict(np.ones((rows, 8, 1), "float32"))
    assert len(predict._calls) == _torch.MOST_GRAPHS


def test_the_plan_on_torch_captures_single_steps():
    plan = choose_plan(None, Workload(100, 2, 30, 1, 2e9, 240), backend="torch")
    assert (plan.loop, plan.steps_per_execution, plan.unroll) == (True, 1, False)
    assert "a compiled step" in str(plan)
    assert not choose_plan(None, Workload(2, 1, 30, 1, 2e9, 240), backend="torch").loop
