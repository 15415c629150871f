"""Targets of zoo models: those that fit are taken, those that would broadcast are refused, by every way to train."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from kerazoo import zoo
from kerazoo.batching import SequenceWindows
from kerazoo.errors import InvalidArgumentError
from kerazoo.training import Plan, fit
from kerazoo.zoo.targets import fitting_targets

pytestmark = pytest.mark.backend

N, T, H = 6, 5, 3
CAN_LOOP = keras.backend.backend() != "torch"

WAYS = {
    "fit": lambda model, x, y: model.fit(x, y, batch_size=3, verbose=0).history["loss"][0],
    "evaluate": lambda model, x, y: model.evaluate(x, y, batch_size=3, verbose=0),
    "train_on_batch": lambda model, x, y: model.train_on_batch(x, y),
    "test_on_batch": lambda model, x, y: model.test_on_batch(x, y),
    "training.fit": lambda model, x, y: fit(model, x, y, batch_size=3, verbose=0).history["loss"][0],
}
if CAN_LOOP:
    LOOP = Plan(loop=True, steps_per_execution=2)
    WAYS["the loop"] = lambda model, x, y: fit(model, x, y, batch_size=3, verbose=0, plan=LOOP).history["loss"][0]

# name -> shape of the output, other shapes that mean the same, shapes that would broadcast or are wrong.
SHAPES = {
    "rnn_1x4": ((N, T, 1), [(N, T)], [(N,), (N, 1), (N, 1, 1), (N, T, 2)]),
    "rnn_1x4_seq2one": ((N, 1), [(N,), (N, 1, 1)], [(N, T), (N, T, 1), (N, 2)]),
    "rnn_1x4_seq2one_h3": ((N, H, 1), [(N, H), (N, H, 1, 1)], [(N,), (N, 1), (N, 1, 1), (N, 1, H), (N, T, H)]),
    "rnn_1x4_seq2one_o2": ((N, 2), [(N, 1, 2)], [(N,), (N, 1), (N, 2, 1, 2)]),
    "rnn_1x4_h3": ((N, T, H, 1), [(N, T, H)], [(N, T), (N, T, 1), (N, H), (N, T, 1, 1)]),
    "rnn_1x4_h3_o2": ((N, T, H, 2), [], [(N, T, 2), (N, T, H), (N, H, 2), (N, T, H, 1)]),
    "rnn_1x4_nohead": ((N, T, 4), [], [(N, T), (N, T, 1)]),
    "rnn_1x4_seq2one_nohead": ((N, 4), [], [(N,), (N, 1), (N, 1, 1)]),
}


def inputs():
    return np.random.default_rng(0).normal(size=(N, T, 1)).astype("float32")


def targets(shape):
    return np.random.default_rng(1).normal(size=shape).astype("float32")


def made(name, style="functional", loss="mse"):
    model = zoo.build(name, style, seed=1)
    model.compile(keras.optimizers.SGD(0.0), loss, metrics=["mae"] if loss == "mse" else None)
    return model


@pytest.mark.parametrize("name", SHAPES)
def test_the_table(name):
    """What `train_on_batch` takes, refuses and computes, for every row of the table in docs/zoo.md."""
    shape, others, wrong = SHAPES[name]
    model, x = made(name), inputs()
    outputs = ops.convert_to_numpy(model(x))
    assert outputs.shape == shape
    y = targets(shape)
    for same in (shape, *others):
        fresh = made(name)
        loss, mae = fresh.train_on_batch(x, y.reshape(same))
        assert loss == pytest.approx(np.mean((outputs - y) ** 2), rel=1e-4)
        assert mae == pytest.approx(np.mean(np.abs(outputs - y)), rel=1e-4)
    for each in wrong:
        with pytest.raises(InvalidArgumentError) as caught:
            made(name).train_on_batch(x, targets(each))
        assert str(each) in str(caught.value)
        assert str(shape) in str(caught.value)


@pytest.mark.parametrize("style", ["functional", pytest.param("sequential", marks=pytest.mark.slow)])
@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_train_checks_and_the_model_can_be_used_afterwards(way, style):
    x, y = inputs(), targets((N, T, 1))
    model = made("rnn_1x4", style)
    with pytest.raises(InvalidArgumentError, match=r"targets have shape .*outputs .*seq2one.*SequenceWindows"):
        WAYS[way](model, x, targets((N,)))
    found = WAYS[way](model, x, y[..., 0])
    expected = np.mean((ops.convert_to_numpy(model(x)) - y) ** 2)
    assert (found[0] if isinstance(found, list) else found) == pytest.approx(expected, rel=1e-4)


def test_saved_and_cloned_models_check_too(tmp_path):
    x = inputs()
    for style in ("functional", "sequential"):
        model = made("rnn_1x4", style)
        model.save(tmp_path / f"{style}.keras")
        again = [keras.saving.load_model(tmp_path / f"{style}.keras"), type(model).from_config(model.get_config())]
        if style == "functional":  # Keras's clone of any Sequential subclass is a plain Sequential
            again.append(keras.models.clone_model(model))
        for other in again:
            assert type(other) is type(model)
            other.set_weights(model.get_weights())
            np.testing.assert_allclose(ops.convert_to_numpy(other(x)), ops.convert_to_numpy(model(x)), rtol=1e-5)
            other.compile("sgd", "mse")
            with pytest.raises(InvalidArgumentError, match="targets have shape"):
                other.train_on_batch(x, targets((N,)))


@pytest.mark.parametrize("loss", ["sparse_categorical_crossentropy", keras.losses.SparseCategoricalCrossentropy()])
def test_ids_of_classes(loss):
    x, ids = inputs(), np.arange(N) % 4

    def run(y):  # a new model, because Keras on TensorFlow does not take targets with another number of axes later
        return made("rnn_1x4_seq2one_o4_outsoftmax", loss=loss).train_on_batch(x, y)

    assert run(ids) == pytest.approx(run(ids[:, None]), rel=1e-5)
    with pytest.raises(InvalidArgumentError, match=r"\(6, 5\).*expected \(6,\), ids of classes"):
        run(np.zeros((N, T), int))
    with pytest.raises(InvalidArgumentError, match=r"CategoricalCrossentropy"):
        run(np.eye(4)[ids])


@pytest.mark.parametrize("head", ["softmax", "nce"])
def test_words_of_a_language_model(head):
    ids = np.random.default_rng(0).integers(0, 9, (N, T))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True) if head == "softmax" else None

    def model():
        made = zoo.build(f"rnn_1x4_v9_e3_{head}", seed=1)
        made.compile("sgd", loss)
        return made

    assert np.isfinite(model().train_on_batch(ids, ids))
    assert model().test_on_batch(ids, ids) == pytest.approx(model().test_on_batch(ids, ids[..., None]), rel=1e-5)
    for wrong in (ids[:, 0], ids[:, :1]):
        with pytest.raises(InvalidArgumentError, match=r"ids of classes"):
            model().train_on_batch(ids, wrong)
        mended = model()
        before = mended.get_weights()
        with pytest.raises(InvalidArgumentError, match=r"ids of classes"):
            mended.fit(ids, wrong, verbose=0)
        assert all(np.array_equal(one, other) for one, other in zip(mended.get_weights(), before, strict=True))
        assert np.isfinite(mended.fit(ids, ids, verbose=0).history["loss"][0])


def test_sample_weights_and_losses_of_your_own_are_left_alone():
    x, y = inputs(), targets((N,))
    weights = np.arange(N, dtype="float32")
    model = made("rnn_1x4_seq2one")
    outputs = ops.convert_to_numpy(model(x))[:, 0]
    found = model.evaluate(x, y, sample_weight=weights, verbose=0)[0]
    assert found == pytest.approx(np.mean(weights * (outputs - y) ** 2), rel=1e-4)

    def three_quantiles(target, output):  # means to broadcast
        error = target - output
        return ops.mean(ops.maximum(error * 0.1, error * -0.9), axis=-1)

    model = made("rnn_1x4_seq2one_o3", loss=three_quantiles)
    assert np.isfinite(model.train_on_batch(x, y[:, None]))


def test_a_model_with_states_checks_its_output():
    x, y = inputs(), targets((N, T, 1))

    def run(target):
        model = zoo.build("rnn_1x4_states", seed=1)
        model.compile("sgd", ["mse", None])
        return model.train_on_batch(x, [target, None])

    assert run(y) == pytest.approx(run(y[..., 0]), rel=1e-5)
    with pytest.raises(InvalidArgumentError, match="targets have shape"):
        run(y[:, 0, 0])


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="shapes unknown until a step runs are TensorFlow's")
def test_sizes_that_are_unknown_before_the_step_are_compared_in_it():
    model, x = made("rnn_1x4"), inputs()
    assert model.train_on_batch(x, targets((N, T))) == pytest.approx(model.train_on_batch(x, targets((N, T))))
    with pytest.raises(Exception, match="values"):
        model.train_on_batch(x, targets((N, 1)))  # traced again for (None, None)


def test_the_example_of_the_docs_is_an_error_at_the_first_step():
    series = np.sin(np.arange(60) / 5).astype("float32")
    model = made("rnn_1x4_h3")
    with pytest.raises(InvalidArgumentError, match=r"targets have shape .*, 10\).*horizon=H"):
        model.fit(SequenceWindows(series, 10, target="sequence"), verbose=0)
    assert np.isfinite(model.fit(SequenceWindows(series, 10, horizon=3, target="sequence"), verbose=0).history["loss"])


def test_targets_without_a_shape_are_left_to_keras():
    assert fitting_targets(None, np.zeros((2, 1)), "values") is None
    assert fitting_targets([1.0, 2.0], np.zeros((2, 1)), "values") == [1.0, 2.0]


def test_one_model_takes_targets_with_and_without_axes_of_size_1_in_turn():
    model, x, y = made("rnn_1x4"), inputs(), targets((N, T, 1))
    losses = [run(each) for each in (y, y[..., 0], y) for run in (
        lambda each: model.evaluate(x, each, verbose=0)[0],
        lambda each: model.fit(x, each, shuffle=False, verbose=0).history["loss"][0],
    )]  # fmt: skip
    np.testing.assert_allclose(losses, losses[0], rtol=1e-5)
    before = model.get_weights()
    for wrong in (y[:, 0, 0], y[:, :1]):
        for run in (model.fit, model.evaluate):
            with pytest.raises(Exception, match=r"targets have shape|values"):
                run(x, wrong, verbose=0)
    assert all(np.array_equal(one, other) for one, other in zip(model.get_weights(), before, strict=True))
    assert model.evaluate(x, y, verbose=0)[0] == pytest.approx(losses[0], rel=1e-5)


@pytest.mark.parametrize("way", [way for way in WAYS if way != "the loop"])
@pytest.mark.parametrize("labels", [np.array(list("abc")), np.array(["a", "b", None], object)])
def test_targets_of_text_are_refused(way, labels):
    model = zoo.build("gru_1x4_seq2one_classes3", seed=1)
    model.compile(**zoo.compile_defaults(model))
    with pytest.raises(InvalidArgumentError, match=r"targets have dtype .* first is .*'a'.*return_inverse=True"):
        WAYS[way](model, np.zeros((3, 5, 1), "float32"), labels)


def test_the_head_of_wrong_targets_is_named():
    model = zoo.build(zoo.RNNSpec(zoo.LayerSpec("gru", 4), heads={"p": zoo.HeadSpec(), "q": zoo.HeadSpec()}))
    model.compile("sgd", "mse")
    x, y = np.zeros((6, 5, 1)), np.zeros((6, 5, 1))
    with pytest.raises(InvalidArgumentError, match=r"targets of 'q' have shape .*outputs of 'q'"):
        model.train_on_batch(x, {"p": y, "q": np.zeros((6, 4, 1))})
    with pytest.raises(InvalidArgumentError, match="targets of 'p' have dtype <U1"):
        model.train_on_batch(x, {"p": y.astype("U1"), "q": y})
    for wrong, named in ((y, "one array"), ([y, y], "a list")):
        with pytest.raises(InvalidArgumentError, match=f"targets are {named}; expected a dict.*for 'p', 'q'"):
            model.train_on_batch(x, wrong)
