"""Networks in one computation equal the same networks one by one; early stopping."""

from __future__ import annotations

import math
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import ops

from kerazoo.forecast.nets.members import member_nets, why_separate
from kerazoo.forecast.nets.rollout import Rollout
from kerazoo.forecast.nets.trainer import BestWeights, Learner, WindowArrays, fit_learner
from kerazoo.zoo.builders import build_stack
from kerazoo.zoo.spec import RNNSpec
from tests.helpers.speed import slow_on_jax_marks

pytestmark = pytest.mark.backend

SEEDS = [3, 4]
B, T, MORE, F, OUT = 3, 5, 2, 2, 2
# Keras's own cells, which have steps for stacked weights, and cells that are mapped over the members.
STACKED = ["lstm_1x4", "gru_2x4", "lstm_1x8_relu", "rnn_1x4", "lstm_1x5_residual", "cifg_1x4", "lru_1x4", "esn_1x6"]
SEPARATE = ["bigru_1x3_seq2one", "gru_1x4_dropout20"]


def spec_of(name, outputs=OUT):
    return RNNSpec.from_name(name, features=F, outputs=outputs)


def series(members, seed=0, steps=T + MORE):
    """Inputs x (M, T, B, F), and valid (M, T, B, 1), all ones."""
    x = np.random.default_rng(seed).normal(size=(members, steps, B, F)).astype("float32")
    return x, np.ones((members, steps, B, 1), "float32")


def with_outputs(nets, seed=5):
    """The networks with random heads, which are zero at first."""
    rng = np.random.default_rng(seed)
    heads = [nets._kernel, nets._bias] if hasattr(nets, "_kernel") else []
    for net in getattr(nets, "_nets", ()):
        heads += net.get_layer("head").weights
    for weight in heads:
        weight.assign(rng.normal(size=weight.shape))
    return nets


class Probe(keras.Model):
    """Outputs for whole sequences, for padded ones, and step by step from the middle of a sequence."""

    def __init__(self, nets):
        super().__init__()
        self.nets = nets
        self.built = True
        self.compile(jit_compile=keras.backend.backend() == "jax")

    def call(self, given):
        x, valid = given["x"], given["valid"]
        out, states = self.nets.warm(x[:, :-MORE], valid[:, :-MORE])
        stepwise = [out]
        for step in range(MORE):
            out, states = self.nets.step(x[:, T + step], states)
            stepwise.append(out)
        found = {"whole": self.nets(x, valid), "stepwise": ops.stack(stepwise, axis=1)}
        if "padded" in given:
            found["padded"] = self.nets(given["padded"], given["padded_valid"])
        return found

    def of(self, **given):
        return {name: ops.convert_to_numpy(value) for name, value in self.predict_on_batch(given).items()}


def one_by_one(spec, nets, x):
    """The outputs (M, T, B, O) of the same networks, each run by `keras.layers.RNN`."""
    found = []
    for member, seed in enumerate(SEEDS):
        stack = build_stack(spec, seed)
        for weight, value in zip(stack.weights, nets._stacked, strict=True):  # drawn from the seed
            np.testing.assert_array_equal(*(ops.convert_to_numpy(each) for each in (weight, value[member])))
        kernel, bias = (ops.convert_to_numpy(weight)[member] for weight in (nets._kernel, nets._bias))
        hidden = keras.layers.RNN(stack, return_sequences=True)(np.swapaxes(x[member], 0, 1))
        found.append(np.swapaxes(ops.convert_to_numpy(hidden) @ kernel + bias, 0, 1))
    return np.stack(found)


@pytest.mark.parametrize("name", [*STACKED[:2], *(pytest.param(name, marks=slow_on_jax_marks) for name in STACKED[2:])])
def test_outputs_equal_those_of_the_same_networks_one_by_one(name):
    spec = spec_of(name)
    assert why_separate(spec) == ""
    nets = with_outputs(member_nets(spec, SEEDS, T))
    x, valid = series(2)
    nothing = np.full((2, 4, B, F), 7.0, "float32")  # values at invalid steps do not matter
    padded, padded_valid = np.concatenate([nothing, x], axis=1), np.concatenate([0 * valid[:, :4], valid], axis=1)
    found = Probe(nets).of(x=x, valid=valid, padded=padded, padded_valid=padded_valid)
    expected = one_by_one(spec, nets, x)
    assert np.abs(expected[0] - expected[1]).max() > 0.01
    np.testing.assert_allclose(found["whole"], expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found["stepwise"], expected[:, T - 1 :], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found["padded"][:, 4:], expected, rtol=1e-4, atol=1e-5)


def test_each_series_of_a_batch_has_its_own_start():
    nets = with_outputs(member_nets(spec_of("gru_1x4"), SEEDS, T))
    x, valid = series(2, steps=T)
    valid[:, :3, 1] = 0
    found = Rollout(nets).outputs_after(x, valid)
    alone = Rollout(nets).outputs_after(np.ascontiguousarray(x[:, 3:]), np.ascontiguousarray(valid[:, 3:]))
    np.testing.assert_allclose(found[:, 1], alone[:, 1], rtol=1e-4, atol=1e-6)
    whole = Rollout(nets).outputs_after(x, np.ones_like(valid))
    np.testing.assert_allclose(found[:, [0, 2]], whole[:, [0, 2]], rtol=1e-6)
    assert np.abs(found[:, 1] - whole[:, 1]).max() > 1e-3


@pytest.mark.parametrize("name", SEPARATE)
def test_networks_that_cannot_be_stacked_are_separate(name):
    spec = spec_of(name)
    assert why_separate(spec) != ""
    nets = member_nets(spec, SEEDS, T)
    assert all(not value.any() for value in nets.values_of([0])[-2:])  # the head
    with_outputs(nets)
    x, valid = series(2)
    found = Probe(nets).of(x=x, valid=valid)
    shape = (2, 1, B, OUT) if spec.returns == "last" else (2, T + MORE, B, OUT)
    assert found["whole"].shape == shape
    assert np.abs(found["whole"][0] - found["whole"][1]).max() > 1e-3
    # The carried state is the window of the last T steps.
    for step in range(MORE + 1):
        window = Rollout(nets).outputs_after(np.ascontiguousarray(x[:, step : T + step]), valid[:, :T])
        np.testing.assert_allclose(found["stepwise"][:, step], window, rtol=1e-4, atol=1e-6)
    again = Probe(nets).of(x=x, valid=valid)  # no dropout
    np.testing.assert_array_equal(again["whole"], found["whole"])


@pytest.mark.parametrize("name", ["lstm_1x4", "esn_1x6", *SEPARATE])
def test_shrunk_networks_output_a_fraction(name):
    nets = with_outputs(member_nets(spec_of(name), SEEDS, T))
    x, valid = series(2, steps=T)
    before = ops.convert_to_numpy(nets(x, valid))
    nets.assign(nets.shrunk(nets.values_of(range(2)), 0.25))
    np.testing.assert_allclose(ops.convert_to_numpy(nets(x, valid)), 0.25 * before, rtol=1e-5, atol=1e-6)
    nets.assign(nets.shrunk(nets.values_of(range(2)), 0.0))
    assert not ops.convert_to_numpy(nets(x, valid)).any()


@pytest.mark.parametrize("name", ["gru_1x4", "esn_1x6", *SEPARATE])
def test_weights_can_be_copied_between_networks(name):
    spec = spec_of(name)
    nets = with_outputs(member_nets(spec, [1, 2, 3], T))
    chosen = member_nets(spec, [8, 9], T)
    chosen.assign(nets.values_of([2, 0]))
    for mine, given in zip(chosen.values_of([0, 1]), nets.values_of([2, 0]), strict=True):
        np.testing.assert_array_equal(mine, given)
    x, valid = series(3, steps=T)
    expected = Rollout(nets).outputs_after(x, valid)[[2, 0]]
    np.testing.assert_allclose(Rollout(chosen).outputs_after(x[[2, 0]], valid[:2]), expected, rtol=1e-5, atol=1e-6)
    copies = chosen.values_of([0, 1])
    for copy in copies:
        copy[...] = 0
    assert any(value.any() for value in chosen.values_of([0, 1]))


def test_initial_networks_output_zero():
    x, valid = series(2, steps=T)
    assert not Rollout(member_nets(spec_of("lstm_1x4"), SEEDS, T)).outputs_after(x, valid).any()


def arrays_of(members, n_windows=4, seed=6, last_only=False):
    rng = np.random.default_rng(seed)
    steps = 1 if last_only else T
    inputs = rng.normal(size=(members, n_windows, T, F))
    targets = rng.normal(size=(members, n_windows, steps, OUT))
    train = rng.random(targets.shape) < 0.6
    valid = np.ones((members, n_windows, T, 1))
    valid[:, 0, :2] = 0
    return WindowArrays(*(array.astype("float32") for array in (inputs, valid, targets, train, ~train)))


def trained(spec, seeds, arrays, steps=3, batch_size=99, epochs=1, rate=0.01, loss="mse"):
    nets = member_nets(spec, seeds, T)
    learner = Learner(nets, arrays, loss)
    learner.compile(keras.optimizers.Adam(rate, clipvalue=1.0), jit_compile=keras.backend.backend() == "jax")
    course = fit_learner(
        learner, epochs=epochs, steps_per_epoch=steps, batch_size=batch_size, seed=0, verbose=0,
        best=BestWeights(math.nan, 9, 0.0),
    )  # fmt: skip
    return nets, course


@pytest.mark.parametrize(
    "name",
    [
        "gru_2x4",
        pytest.param("esn_1x6", marks=slow_on_jax_marks),
        *(pytest.param(name, marks=pytest.mark.slow) for name in STACKED if name not in ("gru_2x4", "esn_1x6")),
    ],
)
def test_each_member_learns_like_a_single_network(name):
    spec, arrays = spec_of(name), arrays_of(2)
    nets, _ = trained(spec, SEEDS, arrays)
    alone, _ = trained(spec, SEEDS[1:], WindowArrays(*(array[1:] for array in vars(arrays).values())))
    before = member_nets(spec, SEEDS[1:], T).values_of([0])
    moved = 0
    for mine, its, initial in zip(nets.values_of([1]), alone.values_of([0]), before, strict=True):
        np.testing.assert_allclose(mine, its, rtol=1e-3, atol=3e-5)
        moved += np.abs(its - initial).max() > 0.005
    assert moved >= 2
    assert name != "esn_1x6" or moved == 2  # the reservoir stays; the head learns


@pytest.mark.slow
def test_separate_members_learn_like_single_networks():
    spec, arrays = spec_of("bigru_1x3_seq2one"), arrays_of(2, last_only=True)
    nets, course = trained(spec, SEEDS, arrays, epochs=2)
    alone, _ = trained(spec, SEEDS[:1], WindowArrays(*(array[:1] for array in vars(arrays).values())), epochs=2)
    assert course.history["loss"][1] < course.history["loss"][0]
    for mine, its in zip(nets.values_of([0]), alone.values_of([0]), strict=True):
        np.testing.assert_allclose(mine, its, rtol=1e-3, atol=3e-5)
    assert nets.values_of([0])[-1].any()


def test_the_losses_are_means_over_the_targets():
    arrays = arrays_of(2)
    _, course = trained(spec_of("gru_1x4"), SEEDS, arrays, steps=1)
    squares = arrays.targets.astype(float) ** 2  # the networks output zero

    def mean(weights):
        return np.mean([np.average(squares[member], weights=weights[member]) for member in range(2)])

    assert course.history["loss"] == pytest.approx([mean(arrays.train)], rel=1e-5)
    assert course.history["val_loss"] == pytest.approx([mean(arrays.held)], rel=1e-5)
    arrays.held[1] = 0  # members with nothing held out do not count
    learner = Learner(member_nets(spec_of("gru_1x4"), SEEDS, T), arrays, "mse")
    expected = np.average(squares[0], weights=arrays.held[0])
    assert learner.initial_held_loss() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("loss", ["mae", "huber", "normal"])
def test_every_loss_has_its_formula(loss):
    arrays = arrays_of(1)
    arrays = WindowArrays(**{**vars(arrays), "targets": 2 * arrays.targets})
    learner = Learner(member_nets(spec_of("gru_1x4", OUT * (1 + (loss == "normal"))), [1], T), arrays, loss)
    size = np.abs(arrays.targets[0].astype(float))
    expected = {"mae": size, "huber": np.where(size < 1, size**2 / 2, size - 0.5), "normal": size**2 / 2}[loss]
    found = learner.initial_held_loss()
    assert found == pytest.approx(np.average(expected, weights=arrays.held[0]), rel=1e-5)


def test_without_held_out_steps_there_is_no_val_loss():
    arrays = arrays_of(1)
    arrays.held[...] = 0
    _, course = trained(spec_of("gru_1x4"), [1], arrays, epochs=2)
    assert list(course.history) == ["loss"]
    assert course.best_epoch == 2


class Stub:
    """A learner whose weight is the number of its epoch."""

    def __init__(self):
        self.stop_training = False
        self.epoch = 0
        self.nets = SimpleNamespace(n_members=1, values_of=lambda members: [np.array(self.epoch)])


def course_of(losses, start=1.0, patience=2, min_gain=0.1):
    """The number of epochs that ran, and BestWeights, for held-out losses by epoch."""
    best, model = BestWeights(start, patience, min_gain), Stub()
    best.set_model(model)
    for epoch, held in enumerate(losses):
        model.epoch = epoch + 1
        best.on_epoch_end(epoch, {"loss": 1.0 if not math.isnan(held) else math.nan, "val_loss": held})
        if model.stop_training:
            break
    return model.epoch, best


@pytest.mark.parametrize(
    ("losses", "epochs", "best_epoch"),
    [
        ([0.8, 0.7, 0.6, 0.5], 4, 4),
        ([0.8, 0.9, 0.75, 0.9, 0.9, 0.1], 5, 3),
        ([0.95, 0.92, 0.91], 3, 3),
        ([1.1, 1.2, 0.5], 2, 0),
        ([0.8, math.nan, 0.1], 2, 1),
    ],
)
def test_the_best_weights_are_kept_and_patience_stops(losses, epochs, best_epoch):
    found, best = course_of(losses)
    assert (found, best.best_epoch) == (epochs, best_epoch)
    assert best.best == ([1.0, *losses][best_epoch])
    assert best.weights == ([np.array(best_epoch)] if best_epoch else None)


@pytest.mark.parametrize(
    ("start", "losses", "is_worth_it"),
    [
        (1.0, [0.95, 0.91], False),
        (1.0, [0.95, 0.89], True),
        (-2.0, [-2.1], False),  # a fraction of the absolute value of a negative loss
        (-2.0, [-2.3], True),
        (1.0, [1.1], False),
    ],
)
def test_a_small_gain_counts_as_chance(start, losses, is_worth_it):
    assert course_of(losses, start=start)[1].is_worth_it == is_worth_it
