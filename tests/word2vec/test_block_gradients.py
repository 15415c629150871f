"""The block step: its gradients against the sum over pairs in NumPy float64, and its updates under `fit`."""

from __future__ import annotations

from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import ops

from kerazoo.batching import SkipGramBatches, TokenBlocks
from kerazoo.errors import InvalidArgumentError
from kerazoo.word2vec import LOSSES, RowClippedSGD, SkipGram
from kerazoo.word2vec.keras.block_gradients import block_gradients

pytestmark = pytest.mark.backend

V, D, WINDOW = 13, 6, 3


def corpus(n_tokens=150, seed=2):
    """Documents of very different lengths, so that windows end at borders within the blocks."""
    rng = np.random.default_rng(seed)
    ids = rng.integers(0, V, n_tokens).astype(np.int32)
    inner = np.sort(rng.choice(np.arange(1, n_tokens), 12, replace=False))
    offsets = np.concatenate([[0], inner, [n_tokens]]).astype(np.int64)
    counts = np.maximum(np.bincount(ids, minlength=V), 1)
    return SimpleNamespace(ids=ids, offsets=offsets, vocabulary=SimpleNamespace(counts=counts))


def blocks(**changes):
    settings = {"block_size": 24, "window": WINDOW, "sample": 0, "noise_group": 8, "noise_per_group": 5, "seed": 3}
    return TokenBlocks(corpus(), **{**settings, **changes})


def pairs_of(block):
    """(input word, output word, its group) of every pair of a block."""
    size = len(block["left"])
    group = size // len(block["noise"])
    for t in range(size):
        here = WINDOW + t
        for o in [*range(-block["left"][t], 0), *range(1, block["right"][t] + 1)]:
            yield block["ids"][here + o], block["ids"][here], t // group


def numpy_sums(block, W, C, b, log_q, negative, loss, remove_hits, corrected=None):
    """Loss and gradients with respect to whole tables, pair by pair; K' shared noise words represent K per pair."""
    gW, gC, gb, total, n = np.zeros_like(W), np.zeros_like(C), np.zeros(V), 0.0, 0
    n_noise = block["noise"].shape[1]
    draws = n_noise if loss == "sampled_softmax" else negative
    offset = b.copy() if LOSSES[loss].biased else np.zeros(V)
    if LOSSES[loss].corrected if corrected is None else corrected:
        offset = offset - log_q - np.log(draws)
    for x, y, group in pairs_of(block):
        noise = [k for k in block["noise"][group] if not (remove_hits and k == y)]
        n += 1
        words = [y, *noise]
        logits = np.array([W[x] @ C[o] + offset[o] for o in words])
        if loss == "sampled_softmax":
            p = np.exp(logits - logits.max())
            p /= p.sum()
            total -= np.log(p[0])
            errors = p.copy()
            errors[0] -= 1
        else:
            weights = np.array([1.0] + [negative / n_noise] * len(noise))
            labels = np.array([1.0] + [0.0] * len(noise))
            s = 1 / (1 + np.exp(-logits))
            total -= (weights * np.where(labels == 1, np.log(s), np.log(1 - s))).sum()
            errors = weights * (s - labels)
        for o, error in zip(words, errors, strict=True):
            gW[x] += error * C[o]
            gC[o] += error * W[x]
            gb[o] += error
    return total, n, gW, gC, gb


def tables(seed=1):
    rng = np.random.default_rng(seed)
    q = rng.dirichlet(np.ones(V))
    return rng.normal(size=(V, D)), rng.normal(size=(V, D)), rng.normal(size=V), np.log(q)


@pytest.mark.parametrize("remove_hits", [False, True])
@pytest.mark.parametrize("loss", sorted(LOSSES))
@pytest.mark.parametrize(
    ("group", "n_noise", "negative"), [(24, 5, 5), (8, 5, 3), (4, 7, 2)], ids=["same noise", "groups", "small groups"]
)
def test_gradients_are_the_sum_over_the_pairs(loss, remove_hits, group, n_noise, negative):
    """In the first case all pairs of the block meet the same K noise words with weight 1."""
    data = blocks(noise_group=group, noise_per_group=n_noise)
    W, C, b, log_q = tables()
    hits = 0
    for i in range(len(data)):
        (block,) = data[i]
        expected = numpy_sums(block, W, C, b, log_q, negative, loss, remove_hits)
        hits += sum(y in block["noise"][g] for _, y, g in pairs_of(block))
        draws = n_noise if loss == "sampled_softmax" else negative
        offsets = (b - log_q - np.log(draws))[block["out_unique"]] if LOSSES[loss].corrected else None
        got = block_gradients(
            {key: ops.convert_to_tensor(value) for key, value in block.items()},
            ops.convert_to_tensor(W[block["unique"]], "float32"),
            ops.convert_to_tensor(C[block["out_unique"]], "float32"),
            None if offsets is None else ops.convert_to_tensor(offsets, "float32"),
            negative,
            softmax=loss == "sampled_softmax",
            remove_accidental_hits=remove_hits,
        )
        assert float(got.loss) == pytest.approx(expected[0], rel=1e-4)
        assert float(got.n_pairs) == expected[1] > 0
        for words, rows, table in (
            (block["unique"], got.inputs, expected[2]),
            (block["out_unique"], got.outputs, expected[3]),
            (block["out_unique"], got.offsets, expected[4]),
        ):
            whole = np.zeros_like(table)
            np.add.at(whole, words, ops.convert_to_numpy(rows))
            np.testing.assert_allclose(whole, table, rtol=2e-4, atol=2e-4)
    assert hits > 0  # otherwise taking them out would show nothing


def model_with_tables(loss, **changes):
    W, C, b, log_q = tables()
    model = SkipGram(V, D, loss=loss, noise_probabilities=np.exp(log_q), negative=3, seed=1, **changes)
    model.input_vectors.assign(W.astype("float32"))
    model.output_vectors.assign(C.astype("float32"))
    if model.output_biases is not None:
        model.output_biases.assign(b.astype("float32"))
    return model


@pytest.mark.parametrize("loss", sorted(LOSSES))
@pytest.mark.parametrize("clip", [0.05, 1e6])
def test_fit_moves_the_tables_by_the_clipped_gradients(loss, clip):
    """Several blocks in one fit, each at the tables that the one before left behind."""
    data = blocks()
    W, C, b, log_q = tables()
    model = model_with_tables(loss)
    total = n = 0
    for i in range(len(data)):
        remove = LOSSES[loss].remove_accidental_hits
        value, count, gW, gC, gb = numpy_sums(data[i][0], W, C, b, log_q, 3, loss, remove)
        total, n = total + value, n + count
        for table, gradient in ((W, gW), (C, gC)):
            step = 0.02 * gradient
            table -= step * np.minimum(1, clip / np.maximum(np.linalg.norm(step, axis=1, keepdims=True), 1e-30))
        b = b - np.clip(0.02 * gb, -clip, clip)
    data.epoch = 0
    model.compile(optimizer=RowClippedSGD(0.02, clip=clip))
    history = model.fit(data, shuffle=False, verbose=0).history
    assert history["loss"] == [pytest.approx(total / n, rel=1e-4)]
    np.testing.assert_allclose(ops.convert_to_numpy(model.input_vectors), W, atol=2e-4)
    np.testing.assert_allclose(ops.convert_to_numpy(model.output_vectors), C, atol=2e-4)
    if model.output_biases is not None:
        np.testing.assert_allclose(ops.convert_to_numpy(model.output_biases), b, atol=2e-4)
    assert int(model.optimizer.iterations) == len(data)


@pytest.mark.parametrize("remove_hits", [False, True])
@pytest.mark.parametrize("corrected", [False, True])
@pytest.mark.parametrize("loss", sorted(LOSSES))
def test_the_correction_and_the_removal_of_hits_are_options(loss, corrected, remove_hits):
    data = blocks(advance=False)
    model = model_with_tables(loss, log_q_correction=corrected, remove_accidental_hits=remove_hits)
    model.compile(optimizer=RowClippedSGD(0.1))
    W, C, b, log_q = tables()
    sums = [numpy_sums(data[i][0], W, C, b, log_q, 3, loss, remove_hits, corrected)[:2] for i in range(len(data))]
    expected = sum(total for total, _ in sums) / sum(n for _, n in sums)
    assert model.evaluate(data, verbose=0, return_dict=True)["loss"] == pytest.approx(expected, rel=1e-4)


def test_fixed_biases_are_one_offset_of_all_logits():
    data = blocks(advance=False)
    model = model_with_tables("nce", learn_biases=False)
    model.compile(optimizer=RowClippedSGD(0.1))
    W, C, b, log_q = tables()
    fixed = np.full_like(b, -0.5 * np.log(3))
    sums = [numpy_sums(data[i][0], W, C, fixed, log_q, 3, "nce", False, False)[:2] for i in range(len(data))]
    expected = sum(total for total, _ in sums) / sum(n for _, n in sums)
    assert model.evaluate(data, verbose=0, return_dict=True)["loss"] == pytest.approx(expected, rel=1e-4)
    assert model.fit(data, shuffle=False, verbose=0).history["loss"][0] < expected


def test_evaluate_gives_the_mean_over_the_pairs_and_changes_nothing():
    data = blocks(advance=False)
    model = model_with_tables("nce")
    model.compile(optimizer=RowClippedSGD(0.1))
    W, C, b, log_q = tables()
    sums = [numpy_sums(data[i][0], W, C, b, log_q, 3, "nce", False)[:2] for i in range(len(data))]
    expected = sum(total for total, _ in sums) / sum(n for _, n in sums)
    assert model.evaluate(data, verbose=0, return_dict=True)["loss"] == pytest.approx(expected, rel=1e-4)
    np.testing.assert_array_equal(ops.convert_to_numpy(model.input_vectors), W.astype("float32"))


def test_the_rate_follows_its_schedule_and_steps_per_execution_changes_nothing():
    results = []
    for steps in (1, 1 if keras.backend.backend() == "torch" else 4):  # torch knows single steps only
        model = model_with_tables("nce")
        rate = keras.optimizers.schedules.PolynomialDecay(0.1, decay_steps=14, end_learning_rate=0.01)
        model.compile(optimizer=RowClippedSGD(rate), steps_per_execution=steps)
        model.fit(blocks(), epochs=2, shuffle=False, verbose=0)
        results.append(ops.convert_to_numpy(model.input_vectors))
        assert float(model.optimizer.learning_rate) == pytest.approx(0.01)
    np.testing.assert_allclose(results[0], results[1], atol=1e-6)


def test_blocks_and_pairs_agree_on_the_loss_of_an_epoch():
    """Other noise draws of the same distribution: the means over some 10,000 pairs differ by sampling only."""
    text = corpus(n_tokens=4000)
    model = model_with_tables("nce")
    model.compile(optimizer=RowClippedSGD(0.1))
    settings = {"window": WINDOW, "sample": 0, "seed": 4, "noise": "uniform"}
    by_block = model.evaluate(
        TokenBlocks(text, block_size=64, noise_group=16, noise_per_group=16, **settings), verbose=0
    )
    by_pair = model.evaluate(SkipGramBatches(text, batch_size=64, negative=3, **settings), verbose=0)
    assert by_block == pytest.approx(by_pair, rel=0.03)


def test_another_optimizer_is_refused_for_blocks():
    model = model_with_tables("nce")
    model.compile(optimizer="adam", run_eagerly=keras.backend.backend() != "jax")
    with pytest.raises(InvalidArgumentError, match=r"optimizer is Adam; TokenBlocks need RowClippedSGD"):
        model.fit(blocks(), verbose=0)
