"""NCE, the head of a language model: its numbers, its noise, and a small recurrent model that learns by it."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from kerazoo import EncodedCorpus, datasets
from kerazoo.batching import SequenceWindows
from kerazoo.errors import InvalidArgumentError
from kerazoo.word2vec import LOSSES, NCE

pytestmark = pytest.mark.backend

V, D, B, T, K = 17, 6, 3, 5, 4


def skewed():
    q = 1.0 / np.arange(1, V + 1)
    return q / q.sum()


def head_with_weights(**changes):
    head = NCE(V, noise_probabilities=skewed(), negative=K, seed=1, **changes)
    head.build((None, None, D))
    rng = np.random.default_rng(2)
    head.kernel.assign(rng.normal(size=(V, D)))
    if head.bias is not None:
        head.bias.assign(rng.normal(size=V))
    hidden = rng.normal(size=(B, T, D)).astype("float32")
    return head, hidden, rng.integers(0, V, (B, T)).astype("int32"), np.array([0, 2, 2, 9], "int32")


@pytest.mark.parametrize("correct", [None, True, False])
@pytest.mark.parametrize("remove", [None, True, False])
@pytest.mark.parametrize("loss", sorted(LOSSES))
def test_losses_equal_their_float64_formula(loss, remove, correct):
    head, hidden, targets, noise = head_with_weights(loss=loss, remove_accidental_hits=remove, log_q_correction=correct)
    kind = LOSSES[loss]
    C = ops.convert_to_numpy(head.kernel).astype("float64")
    offset = np.zeros(V) if head.bias is None else ops.convert_to_numpy(head.bias).astype("float64")
    if correct if correct is not None else kind.corrected:
        offset = offset - np.log(K * skewed())
    expected = np.empty((B, T))
    for position in np.ndindex(B, T):
        scores = C @ hidden[position].astype("float64") + offset
        true, others = scores[targets[position]], scores[noise]
        if remove if remove is not None else kind.remove_accidental_hits:
            others = others[noise != targets[position]]
        if loss == "sampled_softmax":
            expected[position] = np.log(np.exp(true) + np.exp(others).sum()) - true
        else:
            expected[position] = np.log1p(np.exp(-true)) + np.log1p(np.exp(others)).sum()
    got = ops.convert_to_numpy(head(hidden, targets, noise))
    np.testing.assert_allclose(got, expected, rtol=1e-4)
    assert float(head.losses[0]) == pytest.approx(expected.mean(), rel=1e-5)
    logits = hidden.astype("float64") @ C.T + (0 if head.bias is None else ops.convert_to_numpy(head.bias))
    np.testing.assert_allclose(ops.convert_to_numpy(head(hidden)), logits, rtol=1e-4, atol=1e-4)


def test_noise_follows_its_distribution_and_its_seed():
    head = NCE(V, noise_probabilities=skewed(), negative=40_000, seed=3)
    head.build((None, D))
    drawn = ops.convert_to_numpy(head.draw_noise())
    counts = np.bincount(drawn, minlength=V)
    expected = skewed() * len(drawn)
    assert ((counts - expected) ** 2 / expected).sum() < 45  # chi-square with 16 degrees of freedom: P < 1.4e-4
    again = NCE(V, noise_probabilities=skewed(), negative=40_000, seed=3)
    again.build((None, D))
    np.testing.assert_array_equal(drawn, ops.convert_to_numpy(again.draw_noise()))
    assert (drawn != ops.convert_to_numpy(head.draw_noise())).any()


def test_the_default_noise_is_log_uniform():
    head = NCE(V)
    head.build((None, D))
    expected = np.log((np.arange(V) + 2) / (np.arange(V) + 1)) / np.log(V + 1)
    np.testing.assert_allclose(np.exp(ops.convert_to_numpy(head.log_noise)), expected, rtol=1e-5)


def test_masked_positions_are_ignored():
    head, hidden, targets, noise = head_with_weights()
    mask = np.ones((B, T), bool)
    mask[1, 2:] = False
    whole = ops.convert_to_numpy(head(hidden, targets, noise))
    masked = ops.convert_to_numpy(head(hidden, targets, noise, mask=mask))
    np.testing.assert_allclose(masked, whole * mask)
    assert float(head.losses[-1]) == pytest.approx(whole[mask].mean(), rel=1e-5)


def test_half_precision_computes_and_keeps_float32_losses():
    head, hidden, targets, noise = head_with_weights()
    half, *_ = head_with_weights(dtype="mixed_bfloat16")
    got = half(hidden, targets, noise)
    assert keras.backend.standardize_dtype(got.dtype) == "float32"
    np.testing.assert_allclose(
        ops.convert_to_numpy(got), ops.convert_to_numpy(head(hidden, targets, noise)), rtol=0.05, atol=0.1
    )


def language_model(corpus, units=32):
    n = len(corpus.vocabulary)
    tokens, targets = keras.Input((None,), dtype="int32"), keras.Input((None,), dtype="int32")
    hidden = keras.layers.Embedding(n, units)(tokens)
    hidden = keras.layers.GRU(units, return_sequences=True)(hidden)
    head = NCE(n, negative=64, seed=1)
    return keras.Model([tokens, targets], head(hidden, targets)), keras.Model(tokens, head(hidden))


class Pairs(keras.utils.PyDataset):
    """(inputs, targets) as the two inputs of the training model."""

    def __init__(self, windows):
        super().__init__()
        self.windows = windows

    def __len__(self):
        return len(self.windows)

    def __getitem__(self, index):
        return (self.windows[index],)


@pytest.mark.slow
def test_a_recurrent_language_model_learns_more_than_word_counts(tmp_path):
    """Perplexity by the softmax of the logits, which NCE has made probabilities, against the unigram model."""
    keras.utils.set_random_seed(0)
    corpus = EncodedCorpus.from_source(datasets.lee(), min_count=20)
    windows = SequenceWindows(
        corpus, lookback=20, stride=20, target="sequence", batch_size=32, shuffle=True, remainder="wrap", seed=1
    )
    training, prediction = language_model(corpus)
    training.compile(optimizer=keras.optimizers.Adam(0.01))
    losses = training.fit(Pairs(windows), epochs=6, shuffle=False, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    tokens, targets = windows.at(0, 0)
    logits = ops.convert_to_numpy(prediction(tokens)).astype("float64")
    log_p = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    model = -np.take_along_axis(log_p, targets[..., None], -1).mean()
    unigram = -np.log(corpus.vocabulary.counts / corpus.vocabulary.counts.sum())[targets].mean()
    assert model < unigram - 0.1
    prediction.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(
        ops.convert_to_numpy(loaded(tokens)), ops.convert_to_numpy(prediction(tokens)), atol=1e-5
    )
    head = loaded.layers[-1]
    np.testing.assert_array_equal(
        ops.convert_to_numpy(head.log_noise), ops.convert_to_numpy(prediction.layers[-1].log_noise)
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"vocabulary_size": 0}, r"vocabulary_size=0; expected an integer >= 1"),
        ({"vocabulary_size": 5, "negative": 0}, r"negative=0; expected an integer >= 1"),
        ({"vocabulary_size": 5, "loss": "nec"}, r"loss='nec'.*Did you mean 'nce'"),
        ({"vocabulary_size": 5, "bias_initializer": "ones"}, r"expected one of 'log_noise', 'zeros'"),
        ({"vocabulary_size": 5, "noise_probabilities": [1.0]}, r"shape \(1,\); expected \(5,\)"),
    ],
)
def test_bad_arguments_say_what_is_allowed(arguments, message):
    with pytest.raises(InvalidArgumentError, match=message):
        NCE(**arguments)


def test_an_input_without_a_size_is_refused():
    with pytest.raises(InvalidArgumentError, match="last axis"):
        NCE(V).build((None, None))
