"""Whatever Keras takes as data trains a zoo model as arrays do, by `fit` and by `training.fit`, with weights too."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from kerazoo import zoo
from kerazoo.errors import InvalidArgumentError
from kerazoo.training import Plan, fit
from tests.helpers.speed import slow_on_jax, slow_on_jax_marks

pytestmark = pytest.mark.backend

BATCH, ROWS, STEPS = 4, 11, 6
can_loop = pytest.mark.skipif(keras.backend.backend() == "torch", reason="Keras compiles no training steps on torch")


def arrays():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(ROWS, STEPS, 1)).astype("float32")
    return x, x.sum(axis=(1, 2)).astype("float32"), rng.uniform(0.1, 3, ROWS).astype("float32")


def batches(parts):
    return [tuple(part[i : i + BATCH] for part in parts) for i in range(0, ROWS, BATCH)]


def of_arrays(*parts):
    return dict(zip(("x", "y", "sample_weight"), parts, strict=False), batch_size=BATCH)


def of_tf_data(*parts):
    tf = pytest.importorskip("tensorflow")
    return {"x": tf.data.Dataset.from_tensor_slices(parts).batch(BATCH)}


def of_py_dataset(*parts):
    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return -(-ROWS // BATCH)

        def __getitem__(self, index):
            return batches(parts)[index]

    return {"x": Batches()}


def of_generator(*parts):
    def forever():
        while True:
            yield from batches(parts)

    return {"x": forever(), "steps_per_epoch": -(-ROWS // BATCH)}


def of_loader(*parts):
    torch = pytest.importorskip("torch")
    from torch.utils.data import DataLoader, TensorDataset

    return {"x": DataLoader(TensorDataset(*map(torch.from_numpy, parts)), batch_size=BATCH)}


def of_pandas(*parts):
    pd = pytest.importorskip("pandas")
    x, *others = parts
    return of_arrays(x, *(pd.Series(each) for each in others))


FEEDS = {
    "arrays": of_arrays,
    "tf.data": of_tf_data,
    "PyDataset": of_py_dataset,
    "generator": of_generator,
    "DataLoader": of_loader,
    "pandas": of_pandas,
}


def made():
    model = zoo.build("rnn_1x3_seq2one", seed=1)
    model.compile(keras.optimizers.SGD(0.1), "mse")
    return model


@pytest.fixture(scope="module")
def expected():
    """Weights after two epochs in NumPy's order, by whether there are sample weights."""
    found = {}
    for weighted in (False, True):
        model = made()
        parts = arrays()[: 3 if weighted else 2]
        for _ in range(2):
            for batch in batches(parts):
                model.train_on_batch(*batch)
        found[weighted] = model.get_weights()
    assert not np.allclose(found[False][0], found[True][0], atol=1e-3)
    return found


SLOW = pytest.mark.slow


@pytest.mark.parametrize("weighted", [pytest.param(False, marks=SLOW), True], ids=["", "weights"])
@pytest.mark.parametrize("how", [pytest.param("model.fit", marks=SLOW), "training.fit"])
@pytest.mark.parametrize(
    "feed", [pytest.param(feed, marks=slow_on_jax_marks if feed == "tf.data" else []) for feed in FEEDS]
)
def test_every_kind_of_data_trains_the_same(feed, how, weighted, expected):
    model = made()
    arguments = FEEDS[feed](*arrays()[: 3 if weighted else 2])
    common = {"epochs": 2, "verbose": 0, "shuffle": False}
    if how == "model.fit":
        model.fit(**arguments, **common)
    else:
        fit(model, arguments.pop("x"), **arguments, **common)
    for found, wanted in zip(model.get_weights(), expected[weighted], strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("feed", FEEDS)
def test_every_kind_of_data_evaluates_and_predicts(feed):
    model = made()
    x, y, weight = arrays()
    predicted = model.predict(x, verbose=0)
    wanted = float((weight * (predicted[:, 0] - y) ** 2).mean())
    arguments = FEEDS[feed](x, y, weight)
    if "steps_per_epoch" in arguments:
        arguments["steps"] = arguments.pop("steps_per_epoch")
    assert model.evaluate(**arguments, verbose=0) == pytest.approx(wanted, rel=1e-4)


@pytest.mark.parametrize("feed", [feed if feed == "PyDataset" else pytest.param(feed, marks=SLOW) for feed in FEEDS])
def test_every_kind_of_data_with_targets_that_would_broadcast_is_refused(feed):
    model = zoo.build("rnn_1x3", seed=1)  # an output for every step
    model.compile("sgd", "mse")
    x, y, _ = arrays()
    arguments = FEEDS[feed](x, y)
    with pytest.raises(Exception, match=r"targets have shape|reshape|[Rr]eshape") as caught:
        fit(model, arguments.pop("x"), **arguments, verbose=0)
    if feed != "tf.data":  # whose sizes TensorFlow compares when the step runs
        assert isinstance(caught.value, InvalidArgumentError)


def with_classes(returns):
    model = zoo.build(f"rnn_1x3_classes3_{returns}", seed=1)
    model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    x, _, _ = arrays()
    rng = np.random.default_rng(5)
    return model, x, rng.integers(0, 3, ROWS if returns == "seq2one" else (ROWS, STEPS))


WEIGHTS = {0: 1.0, 1: 5.0, 2: 0.5}


@can_loop
@pytest.mark.parametrize("loop", [pytest.param(False, marks=SLOW), True], ids=["plain", "loop"])
@pytest.mark.parametrize("returns", [pytest.param("seq2one", marks=SLOW), "seq2seq"])
def test_class_weights_are_the_weights_of_the_classes_of_each_target(returns, loop):
    plan = Plan(loop=loop, steps_per_execution=2 if loop else 1)
    common = {"batch_size": BATCH, "epochs": 2, "verbose": 0, "shuffle": False}
    model, x, y = with_classes(returns)
    weight = np.vectorize(WEIGHTS.get)(y).astype("float32")
    model.fit(x, y, sample_weight=weight, **common)
    weighted, _, _ = with_classes(returns)
    history = fit(weighted, x, y, class_weight=WEIGHTS, plan=plan, **common)
    assert history.plan.loop is loop
    keras_fit, _, _ = with_classes(returns)
    keras_fit.fit(x, y, class_weight=WEIGHTS, **common)
    for each in (weighted, keras_fit):
        for found, wanted in zip(each.get_weights(), model.get_weights(), strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


def test_class_weights_that_make_no_sense_are_refused():
    model, x, y = with_classes("seq2one")
    with pytest.raises(InvalidArgumentError, match="class_weight and sample_weight"):
        fit(model, x, y, class_weight=WEIGHTS, sample_weight=np.ones(ROWS))
    with pytest.raises(InvalidArgumentError, match="expected a dict from class to weight"):
        fit(model, x, y, class_weight=[1.0, 2.0, 3.0])
    with pytest.raises(InvalidArgumentError, match="class_weight with targets of floats"):
        fit(made(), x, arrays()[1], class_weight=WEIGHTS)
    sequences, x, y = with_classes("seq2seq")
    with pytest.raises(InvalidArgumentError, match="class_weight with targets for every step"):
        fit(sequences, of_py_dataset(x, y)["x"], class_weight=WEIGHTS)


@pytest.mark.slow
def test_classes_without_a_weight_and_one_hot_targets_count_as_in_keras():
    _, x, y = with_classes("seq2one")
    one_hot = np.eye(3, dtype="float32")[y]
    found = []
    for how in ("keras", "ours"):
        model = zoo.build("rnn_1x3_classes3_seq2one", seed=1)
        model.compile(keras.optimizers.SGD(0.1), "categorical_crossentropy")
        common = {"batch_size": BATCH, "verbose": 0, "shuffle": False, "class_weight": {1: 4.0}}
        model.fit(x, one_hot, **common) if how == "keras" else fit(model, x, one_hot, **common)
        found.append(model.get_weights())
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["rnn_1x3", "rnn_1x3_seq2one_h6", pytest.param("rnn_1x3_h2", marks=SLOW)])
@pytest.mark.parametrize("rows", [STEPS, pytest.param(ROWS, marks=SLOW)])
def test_weights_of_sequences_are_weights_of_all_their_targets(name, rows):
    """With as many sequences as steps, Keras would take them for weights of the steps."""
    x, _, weight = (each[:rows] for each in arrays())
    shape = {"rnn_1x3": (STEPS, 1), "rnn_1x3_seq2one_h6": (6, 1), "rnn_1x3_h2": (STEPS, 2, 1)}[name]
    y = np.random.default_rng(1).normal(size=(rows, *shape)).astype("float32")
    every = np.broadcast_to(weight.reshape(-1, *[1] * (y.ndim - 2)), y.shape[:-1])
    found = []
    for given in (weight, every):
        model = zoo.build(name, seed=1)
        model.compile(keras.optimizers.SGD(0.1), "mse", weighted_metrics=["mae"])
        found.append(fit(model, x, y, sample_weight=given, batch_size=rows, epochs=2, verbose=0).history)
    for key, values in found[1].items():
        np.testing.assert_allclose(found[0][key], values, rtol=1e-5, err_msg=key)


@slow_on_jax
@can_loop
def test_a_list_of_inputs_trains_in_the_loop():
    x, y, static = arrays()
    common = {"batch_size": BATCH, "epochs": 2, "verbose": 0, "shuffle": False}
    found = []
    for train in (lambda m, *a: m.fit(*a, **common), lambda m, *a: fit(m, *a, plan=Plan(True, 2), **common)):
        model = zoo.build("rnn_1x3_s1_seq2one", seed=1)
        model.compile(keras.optimizers.SGD(0.1), "mse")
        found.append(train(model, [x, static[:, None]], y).history["loss"])
    np.testing.assert_allclose(*found, rtol=1e-4)


@slow_on_jax
@pytest.mark.parametrize("how", ["model.fit", "training.fit"])
def test_class_weights_do_not_hold_for_the_validation_split(how):
    model, x, y = with_classes("seq2one")
    expected, _, _ = with_classes("seq2one")
    common = {"batch_size": BATCH, "verbose": 0, "shuffle": False, "class_weight": WEIGHTS}
    plain = keras.Sequential(expected.layers)
    plain.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    wanted = plain.fit(x, y, validation_split=0.3, **common).history
    run = model.fit if how == "model.fit" else lambda *args, **kwargs: fit(model, *args, **kwargs)
    found = run(x, y, validation_split=0.3, **common).history
    for key, values in wanted.items():
        np.testing.assert_allclose(found[key], values, rtol=1e-4, err_msg=key)


@can_loop
def test_ids_that_are_no_classes_are_refused_before_the_loop():
    model, x, y = with_classes("seq2one")
    with pytest.raises(InvalidArgumentError, match="is no id of a class"):
        fit(model, x, y + 1, batch_size=BATCH, plan=Plan(loop=True, steps_per_execution=2), verbose=0)


def heads_of_keras():
    keras.utils.set_random_seed(1)
    inputs = keras.Input((4, 1))
    h = keras.layers.SimpleRNN(3)(inputs)
    model = keras.Model(inputs, {name: keras.layers.Dense(1, name=name)(h) for name in "pq"})
    model.compile("sgd", {"p": "mse", "q": "mse"})
    return model


@slow_on_jax
def test_weights_of_one_head_train_as_in_keras():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(10, 4, 1)).astype("float32"), {name: np.ones((10, 1), "float32") for name in "pq"}
    weights = {"p": rng.random(10).astype("float32"), "q": None}
    arguments = {"sample_weight": weights, "batch_size": 4, "shuffle": False, "epochs": 2, "verbose": 0}
    found = fit(heads_of_keras(), x, y, **arguments)
    assert found.history["loss"] == heads_of_keras().fit(x, y, **arguments).history["loss"]
    assert not found.plan.loop
    with pytest.raises(InvalidArgumentError, match="sample weights of only some heads"):
        fit(heads_of_keras(), x, y, **arguments, plan=Plan(True, 2))


@pytest.mark.parametrize("y_is_dict", [True, False])
@pytest.mark.parametrize("plan", ["auto", Plan(True, 2)], ids=str)
def test_weights_of_other_heads_are_refused(y_is_dict, plan):
    x, target = np.zeros((6, 4, 1), "float32"), np.zeros((6, 1), "float32")
    y = {"p": target, "q": target} if y_is_dict else target
    with pytest.raises(InvalidArgumentError, match=r"keys \['p', 'r'\].*expected the keys of y.*None for each"):
        fit(heads_of_keras(), x, y, sample_weight={"p": np.ones(6), "r": np.ones(6)}, verbose=0, plan=plan)
