"""`training.fit` equals Keras's `fit`; the plan; the cases that plain `fit` trains."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from kerazoo import zoo
from kerazoo._runtime.devices import accelerator_visible
from kerazoo.batching import SequenceWindows
from kerazoo.errors import InvalidArgumentError
from kerazoo.training import Plan, choose_plan, compiled, fit
from kerazoo.training.plan import Workload, workload_of
from tests.helpers.speed import slow_on_jax

pytestmark = pytest.mark.backend

LOOP = Plan(loop=True, steps_per_execution=4)
can_loop = pytest.mark.skipif(keras.backend.backend() == "torch", reason="Keras compiles no training steps on torch")


def made(name="rnn_1x6_t8", seed=1, **compiling):
    model = zoo.build(name, seed=seed)
    model.compile(keras.optimizers.Adam(0.01), "mse", **compiling)
    return model


def arrays(n=22, steps=8, seed=0):
    x = np.random.default_rng(seed).normal(size=(n, steps, 1)).astype("float32")
    return x, np.cumsum(x, axis=1)


class Recorder(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.seen = []

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append(batch)

    def on_epoch_end(self, epoch, logs=None):
        self.seen.append(f"epoch {epoch}")


def assert_same_run(one, other, history, expected):
    for key, losses in expected.history.items():
        np.testing.assert_allclose(history.history[key], losses, rtol=1e-4, err_msg=key)
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)


@can_loop
@pytest.mark.parametrize(
    "batch_size", [4, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 5))]
)  # 22 rows: no remainder, one of two, one of two
def test_the_loop_trains_as_keras_does_on_arrays(batch_size):
    x, y = arrays()
    common = {"batch_size": batch_size, "epochs": 2, "shuffle": False, "verbose": 0, "validation_data": (x[:6], y[:6])}
    plain, looped = (made("lstm_1x6_relu_t8", metrics=["mae"]) for _ in range(2))
    expected = plain.fit(x, y, **common)
    recorder = Recorder()
    history = fit(looped, x, y, plan=LOOP, callbacks=[recorder], **common)
    assert_same_run(looped, plain, history, expected)
    epoch = [first + 3 for first in range(0, -(-22 // batch_size), 4)]  # Keras's own numbers
    assert recorder.seen == [*epoch, "epoch 0", *epoch, "epoch 1"]
    assert set(history.history) == {"loss", "mae", "val_loss", "val_mae"}
    assert looped.steps_per_execution == 1
    more = looped.fit(x, y, **common)  # plain `fit` continues afterwards
    np.testing.assert_allclose(more.history["loss"], plain.fit(x, y, **common).history["loss"], rtol=1e-3)


@can_loop
def test_arrays_are_shuffled_in_the_order_of_keras():
    x, y = arrays()
    losses = []
    for run in (
        lambda m: m.fit(x, y, batch_size=2, verbose=0),
        lambda m: fit(m, x, y, batch_size=2, verbose=0, plan=LOOP),
    ):
        model = made()
        keras.utils.set_random_seed(7)
        losses.append(run(model).history["loss"][0])
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


@can_loop
def test_the_loop_trains_as_keras_does_on_windows():
    series = np.sin(np.arange(40) / 3).astype("float32")[:, None]

    def windows():
        return SequenceWindows(series, 8, batch_size=3, target="sequence", shuffle=True, seed=5)

    plain, looped, data = made(), made(), windows()
    expected = plain.fit(windows(), epochs=3, shuffle=False, verbose=0)
    listed = keras.callbacks.CallbackList([], add_history=True, model=looped, epochs=3, steps=len(data))
    history = fit(looped, data, epochs=3, verbose=0, plan=LOOP, callbacks=listed)
    assert len(listed.callbacks) == 1  # as it was given
    assert_same_run(looped, plain, history, expected)
    assert data.state_dict()["epoch"] == 3


@can_loop
@pytest.mark.parametrize("name", ["lstm_1x6_t8", "mingru_1x6_dropout20_t8", "gru_1x6_residual_dropin10_t8"])
def test_fused_cells_dropout_and_wrappers_train_in_the_loop(name):
    x, y = arrays()
    model = made(name)
    history = fit(model, x, y, batch_size=2, epochs=8, verbose=0, plan=LOOP)
    assert history.history["loss"][-1] < 0.8 * history.history["loss"][0]


@pytest.mark.slow
@can_loop
@slow_on_jax
def test_token_models_train_in_the_loop():
    ids = np.tile(np.arange(8, dtype="int32"), 30)
    model = zoo.build("gru_1x16_v8_e8_nce", seed=1, negative=8)
    model.compile(keras.optimizers.Adam(0.02))
    fit(model, SequenceWindows(ids, 10, batch_size=4, target="sequence", seed=1), epochs=3, verbose=0, plan=LOOP)
    assert (zoo.generate(model, ids[:8], 8) == ids[:8]).all()


@can_loop
def test_early_stopping_and_new_learning_rates_take_effect_in_the_loop():
    x, y = arrays()
    model = made()
    stop = keras.callbacks.EarlyStopping("loss", patience=0, min_delta=1e9)
    assert len(fit(model, x, y, epochs=9, batch_size=2, verbose=0, plan=LOOP, callbacks=stop).history["loss"]) == 2
    model.optimizer.learning_rate = 0.0
    before = model.get_weights()
    fit(model, x, y, batch_size=2, verbose=0, plan=LOOP)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    model.compile(keras.optimizers.Adam(0.01), "mae")  # another loss: the loop is compiled again
    expected = made()
    expected.set_weights(model.get_weights())
    expected.compile(keras.optimizers.Adam(0.01), "mae")
    one = expected.fit(x, y, batch_size=2, shuffle=False, verbose=0).history["loss"]
    other = fit(model, x, y, batch_size=2, shuffle=False, verbose=0, plan=LOOP).history["loss"]
    assert one[0] == pytest.approx(other[0], rel=1e-4)


@can_loop
def test_the_logs_of_a_custom_train_step_are_reported_as_in_keras():
    class Mine(keras.Model):
        def train_step(self, *arguments):
            found = super().train_step(*arguments)
            logs, *state = found if isinstance(found, tuple) else (found,)
            logs = {name: value * 0 for name, value in logs.items()}  # Keras reports the metrics themselves
            return (logs, *state) if state else logs

    def mine():
        plain = made()
        model = Mine(plain.inputs, plain.outputs)
        model.compile(keras.optimizers.Adam(0.01), "mse", metrics=["mae"])
        return model

    x, y = arrays()
    one = mine().fit(x, y, batch_size=2, epochs=2, shuffle=False, verbose=0).history
    other = fit(mine(), x, y, batch_size=2, epochs=2, shuffle=False, verbose=0, plan=LOOP).history
    assert one["loss"][0] > 0
    assert one.keys() == other.keys() == {"loss", "mae"}
    for name in one:
        np.testing.assert_allclose(one[name], other[name], rtol=1e-4)


class OwnLogs(keras.Model):
    """A training step that reports numbers of its own and leaves the metrics alone."""

    def train_step(self, *arguments):
        found = super().train_step(*arguments)
        logs, *state = found if isinstance(found, tuple) else (found,)
        kernel = state[0][0][0] if state else self.trainable_variables[0].value
        norm = keras.ops.sum(keras.ops.square(kernel))
        logs = {"loss": logs["loss"], "norm": norm, "count": keras.ops.cast(3, "int32")}
        return (logs, *state) if state else logs


@can_loop
@slow_on_jax
@pytest.mark.parametrize("rows", [6, pytest.param(7, marks=pytest.mark.slow)])
def test_logs_that_are_no_metrics_are_those_of_the_last_step(rows):
    def mine():
        plain = made()
        model = OwnLogs(plain.inputs, plain.outputs)
        model.compile(keras.optimizers.Adam(0.01), "mse", metrics=["mae"])
        return model

    x, y = (each[:rows] for each in arrays())
    assert len(x) == rows
    one = mine().fit(x, y, batch_size=2, epochs=2, shuffle=False, verbose=0).history
    other = fit(mine(), x, y, batch_size=2, epochs=2, shuffle=False, verbose=0, plan=LOOP).history
    assert one.keys() == other.keys() >= {"loss", "norm"}
    assert one["norm"][0] > 0
    for name in one:
        np.testing.assert_allclose(one[name], other[name], rtol=1e-4)


@can_loop
@slow_on_jax
def test_unrolling_leaves_the_layers_as_they_were():
    x, y = arrays()
    rolled, unrolled = made("lstm_1x6_relu_t8"), made("lstm_1x6_relu_t8")
    one = fit(rolled, x, y, batch_size=2, shuffle=False, verbose=0, plan=LOOP)
    other = fit(unrolled, x, y, batch_size=2, shuffle=False, verbose=0, plan=Plan(True, 4, unroll=True))
    np.testing.assert_allclose(one.history["loss"], other.history["loss"], rtol=1e-4)
    assert not any(layer.unroll for layer in unrolled.layers if isinstance(layer, keras.layers.RNN))


def small(steps, products=1e6, time_steps=12):
    return Workload(steps, 1, time_steps, 1, products, 100)


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_the_plan_compares_compilation_with_steps(backend):
    assert choose_plan(None, small(4000), backend=backend).loop
    few = choose_plan(None, small(3), backend=backend)
    assert not few.loop
    assert "too few" in str(few)
    large = choose_plan(None, small(4000, products=1e10), backend=backend)
    assert not large.loop
    assert "overhead is small" in str(large)
    assert not choose_plan(None, small(4000), backend=backend).unroll
    assert choose_plan(None, small(10_000_000), backend=backend).unroll is (backend == "jax")
    assert not choose_plan(None, small(10_000_000, time_steps=500), backend=backend).unroll
    assert not choose_plan(None, small(4000), "because", backend=backend).loop
    counts = choose_plan(None, small(1000), backend="tensorflow").steps_per_execution
    assert counts == 125  # eight equal calls


@pytest.mark.skipif(keras.backend.backend() != "torch" or accelerator_visible(), reason="of torch without a GPU")
def test_torch_without_a_gpu_trains_as_keras_does():
    x, y = arrays()
    history = fit(made(), x, y, epochs=1, verbose=0)
    assert not history.plan.loop
    assert "a CUDA device only" in str(history.plan)


def test_a_compiled_model_equals_the_model():
    model = made("gru_1x4_seq2one")
    call = compiled(model)
    assert compiled(model) is call
    for rows, steps in ((3, 8), (2, 5), (3, 8)):
        x = arrays(rows, steps, seed=steps)[0]
        np.testing.assert_allclose(ops.convert_to_numpy(call(x)), model.predict(x, verbose=0), rtol=1e-5, atol=1e-6)
    model.set_weights([0 * weight for weight in model.get_weights()])
    assert not ops.convert_to_numpy(call(x)).any()


@slow_on_jax
@can_loop
def test_plain_fit_trains_what_the_loop_cannot(capsys):
    x, y = arrays()
    for model, arguments, reason in (
        (made(run_eagerly=True), {"x": x[:4], "y": y[:4]}, "run_eagerly"),
        (made(steps_per_execution=2), {"x": x, "y": y}, "steps_per_execution=2"),
        (made(), {"x": x, "y": y, "validation_split": 0.2}, "validation_split"),
    ):
        history = fit(model, **arguments, batch_size=2, verbose=2)
        assert not history.plan.loop
        assert reason in str(history.plan)
        assert f"training plan: {history.plan}" in capsys.readouterr().out
        assert np.isfinite(history.history["loss"]).all()


def test_fit_validates_its_arguments():
    x, y = arrays()
    with pytest.raises(InvalidArgumentError, match=r"not compiled; expected model.compile"):
        fit(zoo.build("rnn_1x4"), x, y)
    with pytest.raises(InvalidArgumentError, match="plan='fast'; expected 'auto' or a Plan"):
        fit(made(), x, y, plan="fast")
    with pytest.raises(InvalidArgumentError, match="loop=True; expected loop=False: the loop takes NumPy arrays"):
        fit(made(), (pair for pair in [(x, y)]), plan=LOOP, verbose=0)
    with pytest.raises(InvalidArgumentError, match="batch_size=0"):
        fit(made(), x, y, batch_size=0, verbose=0)


@can_loop
def test_the_loop_validates_the_model():
    x, y = arrays()
    with pytest.raises(InvalidArgumentError, match="run_eagerly=True"):
        fit(made(run_eagerly=True), x, y, plan=LOOP, verbose=0)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
            spread = made()
        with pytest.raises(InvalidArgumentError, match="distributed by MirroredStrategy"):
            fit(spread, x, y, plan=LOOP, verbose=0)


def test_what_a_step_costs_is_counted_without_tables_and_parallel_layers():
    tokens = zoo.build("gru_1x4_v5000_e8")
    ids = np.zeros((2, 3), "int32")
    work = workload_of(tokens, (ids, ids), 10, 1)
    assert work.step_products == (tokens.count_params() - 5000 * 8) * 2 * 3
    assert work.recurrent_layers == 1
    series = (np.zeros((2, 3, 1)),)
    assert workload_of(zoo.build("mingru4-gru4-lru4", parallel=True), series, 10, 1).recurrent_layers == 1
    assert workload_of(zoo.build("mingru_2x4", parallel=False), series, 10, 1).recurrent_layers == 2
