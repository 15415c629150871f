"""A recurrent language model over the offline corpus, fed by the batching engine of word2vec."""

from __future__ import annotations

from itertools import pairwise

import keras
import numpy as np
import pytest

from kerazoo import EncodedCorpus, datasets, zoo
from kerazoo.batching import SequenceWindows
from kerazoo.training import fit
from kerazoo.zoo import generate
from tests.helpers.speed import slow_on_jax, slow_on_jax_marks

pytestmark = pytest.mark.backend


@pytest.fixture(scope="module")
def corpus():
    """(training windows, held-out windows, unigram probabilities, their perplexity on the held-out windows)."""
    encoded = EncodedCorpus.from_source(datasets.lee(), min_count=5)
    ids, offsets = np.asarray(encoded.ids), np.asarray(encoded.offsets)
    cut = int(offsets[260])
    common = {"lookback": 20, "batch_size": 16, "target": "sequence"}
    train = SequenceWindows(ids[:cut], offsets=offsets[:261], stride=10, shuffle=True, seed=1, **common)
    held_out = SequenceWindows(ids[cut:], offsets=offsets[260:] - cut, stride=20, advance=False, **common)
    counts = np.bincount(ids[:cut], minlength=len(encoded.vocabulary)) + 1.0
    unigram = counts / counts.sum()
    targets = np.concatenate([held_out[i][1].ravel() for i in range(len(held_out))])
    return train, held_out, unigram, float(np.exp(-np.log(unigram[targets]).mean()))


@slow_on_jax
@pytest.mark.parametrize(
    "head", ["nce", *(pytest.param(head, marks=pytest.mark.slow) for head in ("softmax", "sampledsoftmax"))]
)
def test_it_predicts_better_than_the_frequencies_of_words(corpus, head):
    train, held_out, unigram, perplexity_of_unigram = corpus
    name = f"gru_1x64_v{len(unigram)}_e32_{head}"
    model = zoo.build(name, seed=1, negative=64, noise_probabilities=unigram)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True) if head == "softmax" else None
    model.compile(keras.optimizers.Adam(0.003), loss)
    untrained = np.exp(model.evaluate(held_out, verbose=0))
    assert untrained > 0.9 * perplexity_of_unigram
    fit(model, train, epochs=3, verbose=0)
    perplexity = np.exp(model.evaluate(held_out, verbose=0))
    assert perplexity < 0.8 * perplexity_of_unigram
    # Text of the nucleus has more pairs of words that the corpus has than text of the whole distribution.
    inputs, targets = held_out[0]
    ids = np.concatenate([np.stack(train[i], axis=-1).reshape(-1, 2) for i in range(len(train))])
    known = set(map(tuple, ids.tolist()))
    common = int(np.argmax(unigram))
    shares = {}
    for name, choice in {"all": {"temperature": 1.0}, "nucleus": {"top_p": 0.5, "banned": [common]}}.items():
        text = generate(model, inputs[:8], 40, seed=1, **choice)
        pairs = [pair for row in text.tolist() for pair in pairwise(row)]
        shares[name] = np.mean([pair in known for pair in pairs])
    assert common not in text
    assert shares["nucleus"] > shares["all"] + 0.1
    if head != "softmax":
        # `evaluate` is the full softmax: the same as by hand from the logits.
        inputs, targets = held_out[0]
        logits = model.predict_on_batch(inputs).astype("float64")
        losses = np.log(np.exp(logits).sum(-1)) - np.take_along_axis(logits, targets[..., None], axis=-1)[..., 0]
        assert model.test_on_batch(inputs, targets) == pytest.approx(losses.mean(), rel=1e-4)


@pytest.mark.parametrize("style", [pytest.param("functional", marks=slow_on_jax_marks), "sequential"])
def test_a_sampled_model_weights_positions_and_is_saved_with_its_noise(tmp_path, style):
    rng = np.random.default_rng(0)
    unigram = rng.random(11)
    unigram /= unigram.sum()
    model = zoo.build("gru_1x4_v11_e3_nce", style, seed=1, negative=5, noise_probabilities=unigram)
    model.compile("sgd")
    ids, targets = rng.integers(0, 11, (2, 3, 6)).astype("int32")
    whole = model.test_on_batch(ids, targets)
    weights = np.zeros((3, 6), "float32")
    assert model.test_on_batch(ids, targets, sample_weight=weights) == 0
    model.fit(ids, targets, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert type(again) is type(model)
    np.testing.assert_allclose(again.predict(ids, verbose=0), model.predict(ids, verbose=0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(np.exp(keras.ops.convert_to_numpy(again.layers[-1].log_noise)), unigram, rtol=1e-4)
    assert np.isfinite(whole)
    again.fit(ids, targets, verbose=0)
