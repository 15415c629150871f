"""A training whose loss is not finite stops, says where, and leaves the last good weights."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from kerazoo import zoo
from kerazoo.errors import TrainingError
from kerazoo.training import Plan, fit
from kerazoo.training.finite import FiniteTraining

pytestmark = pytest.mark.backend

ROWS, BATCH = 40, 4  # ten steps per epoch
PLANS = [Plan(loop=False)] + ([Plan(loop=True, steps_per_execution=4)] if keras.backend.backend() != "torch" else [])


def made(**compiling):
    model = zoo.build("rnn_1x4_seq2one_t6", seed=1)
    model.compile(keras.optimizers.Adam(0.01), "mse", **compiling)
    return model


def arrays(bad_row=None, value=np.nan):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(ROWS, 6, 1)).astype("float32"), rng.normal(size=ROWS).astype("float32")
    if bad_row is not None:
        y[bad_row] = value
    return x, y


class PoisonsLater(keras.callbacks.Callback):
    """Makes the loss infinite from an epoch on, by the weights."""

    def __init__(self, epoch, *, at_end=False):
        super().__init__()
        self.epoch, self.at_end = epoch, at_end

    def _poison(self):
        kernel = self.model.layers[-1].kernel
        kernel.assign(ops.full(kernel.shape, np.nan))

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch and not self.at_end:
            self._poison()

    def on_train_batch_end(self, batch, logs=None):
        if self.at_end and batch >= ROWS // BATCH - 1:
            self._poison()


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("plan", PLANS, ids=str)
@pytest.mark.parametrize("value", [np.nan, pytest.param(np.inf, marks=pytest.mark.slow)])
def test_it_says_at_which_step_and_restores_the_weights(plan, value):
    model = made()
    before = model.get_weights()
    x, y = arrays(bad_row=4 * 5 + 1, value=value)  # in the sixth step
    where = "in steps 5 to 8" if plan.loop else "at step 6"
    with pytest.raises(TrainingError, match=rf"the loss is (nan|inf) {where} of the run, in epoch 1; .*clipnorm.*tanh"):
        fit(model, x, y, batch_size=BATCH, epochs=3, shuffle=False, verbose=0, plan=plan)
    assert same(model.get_weights(), before)
    assert len(model.history.history["loss"]) == 1  # it did not go on
    # The state of the optimizer is restored, too: else every weight would be NaN after the next step.
    history = fit(model, *arrays(), batch_size=BATCH, shuffle=False, verbose=0, plan=plan)
    expected = fit(made(), *arrays(), batch_size=BATCH, shuffle=False, verbose=0, plan=plan)
    np.testing.assert_allclose(history.history["loss"], expected.history["loss"], rtol=1e-5)


@pytest.mark.parametrize("plan", PLANS, ids=str)
def test_the_weights_of_an_earlier_epoch_are_kept(plan, monkeypatch, tmp_path):
    monkeypatch.setattr("kerazoo.training.finite.SHARE", 1.0)
    model, path = made(), str(tmp_path / "last.weights.h5")
    x, y = arrays()
    expected = made()
    fit(expected, x, y, batch_size=BATCH, epochs=2, shuffle=False, verbose=0, plan=plan)
    with pytest.raises(TrainingError, match=r"the loss is nan .*in epoch 3; .*weights after step 20 again"):
        fit(
            model, x, y, batch_size=BATCH, epochs=5, shuffle=False, verbose=0, plan=plan,
            callbacks=[PoisonsLater(2), keras.callbacks.ModelCheckpoint(path, save_weights_only=True)],
        )  # fmt: skip
    for one, other in zip(model.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)
    saved = made()
    saved.load_weights(path)  # the checkpoint of the last epoch has the restored weights
    assert same(saved.get_weights(), model.get_weights())
    assert int(ops.convert_to_numpy(model.optimizer.iterations)) == 20


def test_weights_that_the_last_step_spoils_are_noticed():
    model = made()
    before = model.get_weights()
    with pytest.raises(TrainingError, match=r"weights are not finite after step 10 of the run"):
        fit(model, *arrays(), batch_size=BATCH, verbose=0, plan=PLANS[0], callbacks=PoisonsLater(0, at_end=True))
    assert same(model.get_weights(), before)


def test_copies_take_a_small_part_of_the_time(monkeypatch):
    clock = iter(range(10**6))  # one tick per reading: a copy takes one, an epoch without a copy one
    monkeypatch.setattr("kerazoo.training.finite.time.perf_counter", lambda: float(next(clock)))
    watch = FiniteTraining()
    watch.set_model(made())
    watch.set_params({"steps": 10, "epochs": 500})
    kept = []
    copy = watch._keep
    monkeypatch.setattr(watch, "_keep", lambda: (kept.append(watch._done), copy()))
    watch.on_train_begin()
    for epoch in range(500):
        watch.on_train_batch_end(9, {"loss": 1.0})
        watch.on_epoch_end(epoch, {"loss": 1.0})
    watch.on_train_end()
    assert (kept[0], kept[-1]) == (0, 5000)
    assert 8 <= len(kept) <= 12  # 2 % of 500 ticks, the first and the last


class AddsInfinity(keras.layers.Layer):
    """Has a constant of -inf, as masks of attention have."""

    def build(self, shape):
        self.constant = self.add_weight(shape=(2,), initializer=lambda shape, dtype: ops.full(shape, -np.inf, dtype),
                                        trainable=False)  # fmt: skip

    def call(self, values):
        return values + ops.exp(self.constant[0])


@pytest.mark.parametrize("built", [True, False])
def test_weights_that_are_infinite_from_the_start_are_no_divergence(built):
    model = keras.Sequential([AddsInfinity(), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x, y = arrays()
    if built:
        model.build(x.shape)
    history = fit(model, x, y, batch_size=BATCH, epochs=2, verbose=0, plan=PLANS[0])
    assert np.isfinite(history.history["loss"]).all()
    with pytest.raises(TrainingError, match="weights are not finite after step 10"):
        fit(model, x, y, batch_size=BATCH, verbose=0, plan=PLANS[0], callbacks=PoisonsLater(0, at_end=True))
    assert np.isfinite(model.layers[1].get_weights()[0]).all()


@pytest.mark.parametrize("plan", PLANS, ids=str)
def test_it_can_be_switched_off(plan):
    model = made()
    x, y = arrays(bad_row=3)
    history = fit(model, x, y, batch_size=BATCH, epochs=2, verbose=0, plan=plan, terminate_on_nan=False)
    assert np.isnan(history.history["loss"]).all()
    assert np.isnan(model.get_weights()[0]).all()


def test_the_list_of_callbacks_is_as_it_was_given():
    x, y = arrays(bad_row=0)
    model = made()
    listed = keras.callbacks.CallbackList([], add_history=True, model=model, epochs=3, steps=10)
    with pytest.raises(TrainingError, match=r"at step 1 of the run"):
        fit(model, x, y, batch_size=BATCH, epochs=3, shuffle=False, verbose=0, callbacks=listed, plan=PLANS[0])
    assert len(listed.callbacks) == 1


@pytest.mark.parametrize(("row", "named"), [(0, True), (BATCH, False)])
def test_a_first_step_that_is_not_finite_blames_the_data(row, named):
    with pytest.raises(TrainingError) as caught:
        fit(made(), *arrays(row), batch_size=BATCH, shuffle=False, plan=Plan(loop=False), verbose=0)
    assert ("Look for NaN in the data first" in str(caught.value)) is named
