"""Padded batches: outputs, losses, metrics and training steps are those of the sequences one by one."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from kerazoo import training, zoo
from kerazoo.cells import cell_info, list_cells
from kerazoo.zoo import HeadSpec, LayerSpec, RNNSpec
from tests.helpers.speed import slow_on_jax

pytestmark = pytest.mark.backend

LENGTHS = (4, 1, 2)
FORMS = {"seq2seq": "{}_1x4", "seq2one": "{}_1x4_seq2one", "both": "bi{}_1x4", "both-seq2one": "bi{}_1x4_seq2one"}
CELLS = {
    f"{name}-{form}": pattern.format(name) + "_f2_masked" + "_timestamps" * cell_info(name).needs_timestamps
    for name in list_cells()
    if cell_info(name).layer == "cell"
    for form, pattern in FORMS.items()
}
OPTIONS = [
    "lstm_1x4_residual_f2_masked", "gru_2x4_highway_f2_masked_seq2one", "gru_1x4_attention2_f2_masked",
    "bigru_1x4_attention2_f2_masked_seq2one", "s5_1x4_proj3_f2_masked", "gru_1x4_inproj3_f2_masked",
    "lstm4-mgu3_f2_masked_h3_o2", "gru_1x4_loop_f2_masked", "gru_1x4_timestamps_f2_masked",
    "gru_1x4_f2_masked_nohead", "bimingru_2x4_f2_masked_classes3", "gru_1x4_f2_s2_masked_timestamps",
    "gru_1x4_v9_e3_masked_softmax", "bilstm_1x4_v9_e3_masked_seq2one_classes3", "gru_1x4_v9_e3_masked_softmax_seq2one",
    "mingru_1x4_v9_e3_s2_masked_o2_h2", "rnn_2x4_v9_e3_masked_nohead_seq2one",
]  # fmt: skip
#: What runs by default: Keras's layer with a horizon, and a cell of ours, both ways, over words.
FAST = {"gru_1x3_f2_h2_masked": "post", "bimgu_1x3_v9_e3_masked_seq2one_classes3": "pre"}
CASES = [
    pytest.param(name, padding, marks=() if FAST.get(name) == padding else pytest.mark.slow)
    for name in (*FAST, *CELLS.values(), *OPTIONS)
    for padding in ("post", "pre")
]


def sequences_of(spec, seed=0):
    """One array per sequence, as the model takes it without padding: [1, T, F], or ids [1, T]."""
    rng = np.random.default_rng(seed)
    if spec.vocabulary is not None:
        return [rng.integers(1, spec.vocabulary, (1, n)).astype("int32") for n in LENGTHS]
    made = [rng.normal(size=(1, n, spec.features + spec.timestamps)).astype("float32") for n in LENGTHS]
    if spec.timestamps:
        for each in made:
            each[..., -1] = np.cumsum(np.abs(each[..., -1]), axis=1)
    return made


def static_of(spec):
    return np.random.default_rng(2).normal(size=(len(LENGTHS), spec.static)).astype("float32")


def targets_of(spec, outputs, seed=1):
    """Targets of each sequence, for outputs of each."""
    rng = np.random.default_rng(seed)
    ids = spec.classes or (spec.vocabulary if spec.head == "softmax" else None)
    if ids:
        return [rng.integers(0, ids, each.shape[:-1]) for each in outputs]
    return [rng.normal(size=each.shape).astype("float32") for each in outputs]


def padded(arrays, padding, value):
    """The arrays as one: [B, T, ...]."""
    return keras.utils.pad_sequences([each[0] for each in arrays], None, arrays[0].dtype, padding, value=value)


def numpy(x):
    return ops.convert_to_numpy(x)


def weights_after(model, before, x, y):
    """The weights after one step of gradient descent from `before`."""
    model.set_weights(before)
    model.train_on_batch(x, y)
    return model.get_weights()


@slow_on_jax
@pytest.mark.parametrize(("name", "padding"), CASES)
def test_a_padded_batch_is_its_sequences(name, padding):
    spec = RNNSpec.from_name(name)
    model = zoo.build(spec, seed=1)
    # A step per length: on TensorFlow they take longer to compile than to run.
    eager = keras.backend.backend() == "tensorflow"
    model.compile(**{**zoo.compile_defaults(model), "optimizer": keras.optimizers.SGD(0.5)}, run_eagerly=eager)
    static = static_of(spec)
    single = sequences_of(spec)
    words = spec.vocabulary is not None

    def given(x, rows):
        return [x, static[rows]] if spec.static else x

    x = given(padded(single, padding, 0 if words else np.nan), slice(None))
    single = [given(each, slice(i, i + 1)) for i, each in enumerate(single)]
    outputs = [numpy(model(each)) for each in single]
    found = numpy(model(x))
    assert np.isfinite(found).all()
    per_step = spec.returns == "sequence"
    for row, expected, n in zip(found, outputs, LENGTHS, strict=True):
        steps = (row[:n] if padding == "post" else row[-n:]) if per_step else row
        np.testing.assert_allclose(steps, expected[0], rtol=1e-4, atol=1e-5)

    targets = targets_of(spec, outputs)
    if per_step:
        y = padded(targets, padding, -7 if targets[0].dtype.kind == "i" else np.nan)
    else:
        y = np.concatenate(targets)
    # The loss is the mean over all steps that are not padding; for one output per sequence, over the sequences.
    weights = LENGTHS if per_step else None
    expected = np.average(
        [model.evaluate(*each, verbose=0) for each in zip(single, targets, strict=True)], axis=0, weights=weights
    )
    got = model.evaluate(x, y, verbose=0)
    if spec.head == "softmax":  # a mean of perplexities is not the perplexity
        got, expected = got[0], expected[0]
    np.testing.assert_allclose(got, expected, rtol=1e-3)

    before = model.get_weights()
    after = weights_after(model, before, x, y)
    steps = [weights_after(model, before, *each) for each in zip(single, targets, strict=True)]
    changed = 0.0
    for old, new, *ones in zip(before, after, *steps, strict=True):
        if old.dtype.kind != "f":
            continue
        np.testing.assert_allclose(new - old, np.average(ones, axis=0, weights=weights) - old, rtol=1e-3, atol=2e-5)
        changed = max(changed, np.abs(new - old).max())
    assert changed > 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("cell", list_cells(linear=True))
def test_the_parallel_form_skips_padded_steps(cell):
    spec = RNNSpec.from_name(f"bi{cell}_2x4_f2_masked_seq2one")
    model = zoo.build(spec, seed=1, parallel=True)
    single = sequences_of(spec)
    expected = np.concatenate([numpy(model(each)) for each in single])
    for padding in ("post", "pre"):
        found = numpy(model(padded(single, padding, np.nan)))
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@slow_on_jax
@pytest.mark.parametrize("head", ["nce", pytest.param("sampledsoftmax", marks=pytest.mark.slow)])
def test_heads_with_noise_words_leave_padding_out(head):
    spec = RNNSpec.from_name(f"rnn_1x4_v9_e3_masked_{head}")
    single = sequences_of(spec)
    x = padded(single, "post", 0)
    y = np.random.default_rng(1).integers(0, 9, x.shape)
    other = np.where(x == 0, (y + 1) % 9, y)  # other targets, of padded steps only
    model = zoo.build(spec, seed=1, negative=5)
    model.compile("sgd")
    losses = [float(model.compute_loss(x, each, model(x), training=False)) for each in (y, other)]
    assert losses[0] == pytest.approx(losses[1])
    logits = numpy(model(x)).astype("float64")
    each = np.log(np.exp(logits).sum(-1)) - np.take_along_axis(logits, y[..., None], axis=-1)[..., 0]
    assert losses[0] == pytest.approx(each[x > 0].mean(), rel=1e-4)
    hidden = model(x, training=True)
    drawn = [zoo.build(spec, seed=1, negative=5) for _ in range(2)]  # the same noise words
    for made in drawn:
        made.compile("sgd")
    a, b = (
        float(made.compute_loss(x, each, hidden, training=True)) for made, each in zip(drawn, (y, other), strict=True)
    )
    assert np.isfinite(a)
    assert a == pytest.approx(b, rel=1e-5)


@pytest.mark.parametrize("style", ["functional", pytest.param("sequential", marks=pytest.mark.slow)])
def test_both_styles_and_every_way_to_train_skip_padded_steps(style, tmp_path):
    """On JAX, Keras alone would count padded steps in the metrics."""
    spec = RNNSpec.from_name("rnn_1x3_f2_masked")
    single = sequences_of(spec)
    x = padded(single, "post", np.nan)
    model = zoo.build(spec, style, seed=1)
    y = padded(targets_of(spec, [numpy(model(each)) for each in single]), "post", np.nan)
    valid = ~np.isnan(y)
    outputs = numpy(model(x))
    loss, mae = np.mean((outputs - y)[valid] ** 2), np.mean(np.abs(outputs - y)[valid])
    models = [model]
    if style == "sequential":
        model.save(tmp_path / "model.keras")
        models.append(zoo.load(tmp_path / "model.keras"))
    for made in models:
        made.compile(keras.optimizers.SGD(0.0), "mse", metrics=["mae"], weighted_metrics=["mse"])
        for history in (
            made.fit(x, y, verbose=0).history,
            training.fit(made, x, y, verbose=0).history,
            {key: [value] for key, value in made.evaluate(x, y, verbose=0, return_dict=True).items()},
        ):
            assert history["loss"][0] == pytest.approx(loss, rel=1e-4)
            assert history["mae"][0] == pytest.approx(mae, rel=1e-4)
    # Weights of sequences: as in Keras, the sum of weighted losses over the number of steps that are not padding.
    weights = np.array([[1.0], [0.0], [3.0]], "float32") * np.ones(x.shape[:2], "float32")
    found = model.evaluate(x, y, sample_weight=weights, verbose=0, return_dict=True)["loss"]
    errors = np.where(valid, (outputs - y) ** 2, 0)[..., 0]
    assert found == pytest.approx((errors * weights).sum() / valid.sum(), rel=1e-4)


@slow_on_jax
def test_heads_of_different_shapes_share_one_mask():
    heads = {"price": HeadSpec(2, horizon=3), "rises": HeadSpec(classes=3)}
    spec = RNNSpec(LayerSpec("rnn", 4), features=2, masked=True, heads=heads)
    model = zoo.build(spec, seed=1)
    model.compile(**zoo.compile_defaults(model))
    single = sequences_of(spec)
    rng = np.random.default_rng(1)
    targets = [
        {"price": rng.normal(size=(1, n, 3, 2)).astype("float32"), "rises": rng.integers(0, 3, (1, n))} for n in LENGTHS
    ]

    def loss(x, y):
        return float(model.compute_loss(x, y, model(x)))

    values = {"price": np.nan, "rises": -1}
    y = {name: padded([each[name] for each in targets], "post", value) for name, value in values.items()}
    expected = np.average([loss(*each) for each in zip(single, targets, strict=True)], weights=LENGTHS)
    assert loss(padded(single, "post", np.nan), y) == pytest.approx(expected, rel=1e-4)


def test_a_gap_in_some_features_is_no_padding():
    model = zoo.build("rnn_1x3_f2_masked", seed=1)
    x = np.zeros((1, 3, 2), "float32")
    x[0, 1, 0] = np.nan
    found = numpy(model(x))[0, :, 0]
    assert np.isfinite(found[0])
    assert np.isnan(found[1:]).all()


@slow_on_jax
def test_a_batch_of_padding_only_has_a_loss_of_zero():
    model = zoo.build("rnn_1x3_masked", seed=1)
    model.compile("sgd", "mse")
    x = np.full((2, 3, 1), np.nan, "float32")
    assert float(model.compute_loss(x, x, model(x))) == 0
