"""SkipGram, its optimizer and its metric: against NumPy, under `fit`, saved and loaded."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from kerazoo.errors import InvalidArgumentError
from kerazoo.word2vec import LOSSES, RowClippedSGD, SkipGram
from kerazoo.word2vec.keras.metrics import CompensatedMean

pytestmark = pytest.mark.backend

V, D, B, K = 29, 6, 16, 5


class Batches(keras.utils.PyDataset):
    """Fixed random batches in which word 2k is always seen with word 2k + 1."""

    def __init__(self, n_batches=20, shared=False):
        super().__init__()
        rng = np.random.default_rng(3)
        pair = rng.integers(0, V // 2, (n_batches, B))
        self.inputs, self.outputs = (2 * pair).astype("int32"), (2 * pair + 1).astype("int32")
        self.noise = rng.integers(0, V, (n_batches, K) if shared else (n_batches, B, K)).astype("int32")

    def __len__(self):
        return len(self.inputs)

    def __getitem__(self, index):
        return ({"input": self.inputs[index], "output": self.outputs[index], "noise": self.noise[index]},)


def skewed_noise():
    q = 1.0 / np.arange(1, V + 1)
    return q / q.sum()


def numpy_of(variable):
    return ops.convert_to_numpy(variable).astype("float64")


def numpy_step(model, batch, rate, clip):
    """One step of clipped SGD on the NCE loss, written out in NumPy float64, pair by pair."""
    W, C, b, log_q = (
        numpy_of(v) for v in (model.input_vectors, model.output_vectors, model.output_biases, model.log_noise)
    )
    gW, gC, gb = np.zeros_like(W), np.zeros_like(C), np.zeros_like(b)
    total = 0.0
    for x, y, noise in zip(batch["input"], batch["output"], batch["noise"], strict=True):
        for o, label in [(y, 1.0), *((n, 0.0) for n in noise)]:
            logit = W[x] @ C[o] + b[o] - log_q[o] - np.log(K)
            s = 1 / (1 + np.exp(-logit))
            total -= np.log(s if label else 1 - s)
            gW[x] += (s - label) * C[o]
            gC[o] += (s - label) * W[x]
            gb[o] += s - label
    for table, gradient in ((W, gW), (C, gC)):
        step = rate * gradient / B
        table -= step * np.minimum(1, clip / np.maximum(np.linalg.norm(step, axis=1, keepdims=True), 1e-30))
    return W, C, b - np.clip(rate * gb / B, -clip, clip), total / B


@pytest.mark.parametrize("clip", [0.02, 10.0])
def test_a_fitted_step_equals_numpy(clip):
    """The whole path: batch -> logits -> loss -> gradient -> clipped update, with and without the clip at work."""
    data = Batches(n_batches=1)
    model = SkipGram(V, D, noise_probabilities=skewed_noise(), seed=4)
    rng = np.random.default_rng(8)
    model.input_vectors.assign(rng.normal(size=(V, D)).astype("float32"))
    model.output_vectors.assign(rng.normal(size=(V, D)).astype("float32"))
    model.output_biases.assign(rng.normal(size=V).astype("float32"))
    W, C, b, loss = numpy_step(model, data[0][0], rate=2.0, clip=clip)
    before = numpy_of(model.input_vectors)
    model.compile(optimizer=RowClippedSGD(2.0, clip=clip))
    history = model.fit(data, verbose=0)
    assert history.history["loss"] == [pytest.approx(loss, rel=1e-5)]
    np.testing.assert_allclose(numpy_of(model.input_vectors), W, atol=1e-5)
    np.testing.assert_allclose(numpy_of(model.output_vectors), C, atol=1e-5)
    np.testing.assert_allclose(numpy_of(model.output_biases), b, atol=1e-5)
    moved = np.linalg.norm(numpy_of(model.input_vectors) - before, axis=1)
    assert moved.max() == pytest.approx(clip, rel=1e-3) if clip < 1 else moved.max() < clip


@pytest.mark.parametrize("shared", [False, True], ids=["noise per pair", "shared noise"])
@pytest.mark.parametrize("loss", sorted(LOSSES))
def test_every_loss_falls_and_finds_the_partner(loss, shared):
    model = SkipGram(V, D, loss=loss, noise_probabilities=skewed_noise(), seed=1)
    model.compile(optimizer=keras.optimizers.Adam(0.05))
    losses = model.fit(Batches(n_batches=80, shared=shared), epochs=15, verbose=0, shuffle=False).history["loss"]
    assert losses[-1] < 0.7 * losses[0]
    words = np.arange(0, 2 * (V // 2), 2)
    scores = numpy_of(model.input_vectors)[words] @ numpy_of(model.output_vectors).T
    assert (scores.argmax(axis=1) == words + 1).mean() > 0.8


def test_evaluate_gives_the_mean_loss_of_all_pairs():
    data = Batches()
    model = SkipGram(V, D, noise_probabilities=skewed_noise(), seed=1)
    model.compile(optimizer="sgd")
    expected = np.mean([ops.convert_to_numpy(model.pair_losses(model(data[i][0]))).mean() for i in range(len(data))])
    assert float(model.evaluate(data, verbose=0, return_dict=True)["loss"]) == pytest.approx(expected, rel=1e-6)


def test_a_bias_of_log_noise_starts_every_logit_at_minus_log_k():
    model = SkipGram(V, D, noise_probabilities=skewed_noise())
    logits = ops.convert_to_numpy(model(Batches()[0][0]))
    np.testing.assert_allclose(logits, -np.log(K), atol=1e-5)


@pytest.mark.parametrize("shared", [False, True], ids=["noise per pair", "shared noise"])
def test_fixed_biases_are_no_weights_and_halve_the_offset(tmp_path, shared):
    model = SkipGram(V, D, noise_probabilities=skewed_noise(), learn_biases=False, seed=1)
    assert [weight.name for weight in model.weights] == ["input_vectors", "output_vectors"]
    batches = Batches(shared=shared)
    np.testing.assert_allclose(ops.convert_to_numpy(model(batches[0][0])), -np.log(K) / 2, atol=1e-5)
    model.compile(optimizer=keras.optimizers.Adam(0.05))
    losses = model.fit(batches, epochs=5, verbose=0, shuffle=False).history["loss"]
    assert losses[-1] < losses[0]
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert not loaded.learn_biases
    np.testing.assert_array_equal(
        ops.convert_to_numpy(loaded(batches[0][0])), ops.convert_to_numpy(model(batches[0][0]))
    )


@pytest.mark.parametrize("changes", [{"loss": "sampled_softmax"}, {"log_q_correction": True}])
def test_only_nce_has_fixed_biases(changes):
    with pytest.raises(InvalidArgumentError, match="learn_biases=False"):
        SkipGram(V, D, learn_biases=False, **changes)


def test_a_bias_of_zero_starts_at_the_correction():
    model = SkipGram(V, D, noise_probabilities=skewed_noise(), bias_initializer="zeros")
    batch = Batches()[0][0]
    logits = ops.convert_to_numpy(model(batch))
    np.testing.assert_allclose(logits[:, 1:], -np.log(K * skewed_noise()[batch["noise"]]), atol=1e-5)


@pytest.mark.parametrize("correct", [None, True, False])
@pytest.mark.parametrize("loss", sorted(LOSSES))
def test_the_log_q_correction_is_an_option(tmp_path, loss, correct):
    model = SkipGram(V, D, loss=loss, noise_probabilities=skewed_noise(), log_q_correction=correct)
    if model.output_biases is not None:
        model.output_biases.assign(np.arange(V))
    words = np.arange(V)
    logits = ops.convert_to_numpy(model({"input": words, "output": words, "noise": np.array([0, 1, 1])}))[:, 0]
    expected = words * 1.0 if LOSSES[loss].biased else np.zeros(V)
    if correct if correct is not None else LOSSES[loss].corrected:
        expected = expected - np.log(3 * skewed_noise())
    np.testing.assert_allclose(logits, expected, atol=1e-5)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.get_config() == model.get_config()
    assert loaded.is_corrected == model.is_corrected


def test_biases_start_at_zero_where_logits_are_not_corrected():
    assert not ops.convert_to_numpy(SkipGram(V, D, log_q_correction=False).output_biases).any()
    assert ops.convert_to_numpy(SkipGram(V, D).output_biases).all()


@pytest.mark.parametrize("remove", [None, True, False])
@pytest.mark.parametrize("loss", sorted(LOSSES))
def test_the_removal_of_accidental_hits_is_an_option(loss, remove):
    model = SkipGram(V, D, loss=loss, remove_accidental_hits=remove)
    batch = {"input": np.array([0]), "output": np.array([3]), "noise": np.array([3, 4])}
    removed = ops.convert_to_numpy(model(batch))[0, 1] < -1e8
    assert removed == (LOSSES[loss].remove_accidental_hits if remove is None else remove)


@pytest.mark.parametrize("loss", sorted(LOSSES))
def test_saved_and_loaded_it_gives_the_same_and_trains_on(tmp_path, loss):
    data = Batches()
    model = SkipGram(V, D, loss=loss, noise_probabilities=skewed_noise(), seed=1)
    model.compile(optimizer=RowClippedSGD(1.0, clip=0.5))
    model.fit(data, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(ops.convert_to_numpy(model(data[0][0])), ops.convert_to_numpy(loaded(data[0][0])))
    assert loaded.get_config() == model.get_config()
    assert loaded.optimizer.clip == 0.5
    first = model.fit(data, verbose=0, shuffle=False).history["loss"]
    assert loaded.fit(data, verbose=0, shuffle=False).history["loss"] == pytest.approx(first, rel=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"vocabulary_size": 0}, r"vocabulary_size=0; expected an integer >= 1"),
        ({"vocabulary_size": 5, "vector_size": -1}, r"vector_size=-1; expected an integer >= 1"),
        ({"vocabulary_size": 5, "loss": "nec"}, r"loss='nec'.*Did you mean 'nce'"),
        ({"vocabulary_size": 5, "bias_initializer": "ones"}, r"expected one of 'log_noise', 'zeros'"),
        ({"vocabulary_size": 5, "noise_probabilities": [0.5, 0.5]}, r"shape \(2,\); expected \(5,\)"),
        ({"vocabulary_size": 2, "noise_probabilities": [0.5, 0.6]}, r"sum to 1; got a sum of 1\.1"),
    ],
)
def test_bad_arguments_say_what_is_allowed(arguments, message):
    with pytest.raises(InvalidArgumentError, match=message):
        SkipGram(**arguments)


def test_a_batch_without_noise_says_where_noise_comes_from():
    with pytest.raises(InvalidArgumentError, match=r"keys \['input', 'output'\].*noise='unigram'"):
        SkipGram(V, D).call({"input": np.array([0]), "output": np.array([1])})


def test_clip_of_zero_is_refused():
    with pytest.raises(InvalidArgumentError, match=r"clip=0; expected a finite number > 0"):
        RowClippedSGD(clip=0)


def test_the_running_mean_keeps_what_float32_loses():
    """At 2^25 neighbouring float32 are 4 apart: plain sums take every 3 for a 4 and every 1 for nothing."""
    mean = CompensatedMean()
    plain = keras.metrics.Mean()
    for metric in (mean, plain):
        metric.update_state(1.0, sample_weight=2.0**25)
        for _ in range(500):
            metric.update_state(3.0, sample_weight=1.0)
    exact = (2.0**25 + 1500) / (2.0**25 + 500)
    assert float(mean.result()) == pytest.approx(exact, abs=1.2e-7)
    assert abs(float(plain.result()) - exact) > 1e-5  # what the class is for
    mean.reset_state()
    assert float(mean.result()) == 0.0


def test_the_running_mean_is_exact_inside_a_compiled_fit():
    """Compilers may rewrite (a + b) - a; a fit whose batch losses are known shows that they do not."""

    class Constant(SkipGram):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return 0.0 * ops.sum(y_pred) + ops.cast(x["output"][0], "float32") * 0.1

    data = Batches(n_batches=400)
    model = Constant(V, D)
    model.compile(optimizer="sgd")
    got = model.fit(data, verbose=0).history["loss"][0]
    exact = np.mean([float(np.float32(0.1) * np.float32(data.outputs[i][0])) for i in range(len(data))])
    assert got == pytest.approx(exact, rel=1.2e-7)
