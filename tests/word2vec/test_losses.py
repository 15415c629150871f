"""The losses against TensorFlow's own (values and gradients), against NumPy, and by known answers."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import ops

from kerazoo.word2vec.keras.losses import LOSSES, candidate_logits, noise_contrastive_loss, sampled_softmax_loss
from tests.helpers.speed import slow_on_jax

pytestmark = pytest.mark.backend

V, D, B, K = 23, 7, 11, 5


@pytest.fixture
def problem():
    """Tables, biases, a batch and shared draws with their expected counts; every axis of another size."""
    rng = np.random.default_rng(5)
    return {
        "W": rng.normal(size=(V, D)).astype("float32"),
        "C": rng.normal(size=(V, D)).astype("float32"),
        "b": rng.normal(size=V).astype("float32"),
        "x": rng.integers(0, V, B).astype("int32"),
        "y": rng.integers(0, V, B).astype("int32"),
        # Some draws are true words, so that accidental hits occur.
        "noise": np.array([3, 8, 8, 21, 0], dtype="int32"),
        "true_expected": rng.uniform(0.01, 2, B).astype("float32"),
        "noise_expected": rng.uniform(0.01, 2, K).astype("float32"),
    }


def logits_of(problem, corrected=True, remove_hits=False, per_pair=False):
    p = problem
    noise = np.tile(p["noise"], (B, 1)) if per_pair else p["noise"]
    noise_expected = np.tile(p["noise_expected"], (B, 1)) if per_pair else p["noise_expected"]
    true_offset = noise_offset = hits = None
    if corrected:
        true_offset = p["b"][p["y"]] - np.log(p["true_expected"])
        noise_offset = p["b"][noise] - np.log(noise_expected)
    if remove_hits:
        hits = noise == p["y"][:, None]
    return candidate_logits(p["W"][p["x"]], p["C"][p["y"]], p["C"][noise], true_offset, noise_offset, hits)


def numpy_logits(p, corrected, remove_hits):
    W, C, b = (p[key].astype("float64") for key in "WCb")
    true = (W[p["x"]] * C[p["y"]]).sum(-1)
    noise = W[p["x"]] @ C[p["noise"]].T
    if corrected:
        true = true + b[p["y"]] - np.log(p["true_expected"].astype("float64"))
        noise = noise + b[p["noise"]] - np.log(p["noise_expected"].astype("float64"))
    if remove_hits:
        noise[p["noise"] == p["y"][:, None]] = -np.inf
    return true, noise


@pytest.mark.parametrize("per_pair", [False, True])
@pytest.mark.parametrize("remove_hits", [False, True])
@pytest.mark.parametrize("name", sorted(LOSSES))
def test_losses_equal_their_float64_formula(problem, name, remove_hits, per_pair):
    kind = LOSSES[name]
    true, noise = numpy_logits(problem, kind.corrected, remove_hits)
    if name == "sampled_softmax":
        every = np.concatenate([true[:, None], noise], axis=1)
        expected = np.log(np.exp(every).sum(-1)) - true
    else:
        expected = np.log1p(np.exp(-true)) + np.log1p(np.exp(noise)).sum(-1)
    got = ops.convert_to_numpy(kind.function(logits_of(problem, kind.corrected, remove_hits, per_pair)))
    assert got.shape == (B,)
    np.testing.assert_allclose(got, expected, rtol=2e-5)


def test_accidental_hits_occur_in_this_problem(problem):
    assert (problem["noise"] == problem["y"][:, None]).any()


@pytest.mark.parametrize("loss", [noise_contrastive_loss, sampled_softmax_loss])
def test_extreme_logits_give_finite_losses(loss):
    logits = np.array([[1e4, -1e4, -1e4], [-1e4, 1e4, 1e4]], dtype="float32")
    got = ops.convert_to_numpy(loss(logits))
    assert np.isfinite(got).all()
    assert got[0] == pytest.approx(0, abs=1e-6)
    assert got[1] > 1e4


# TensorFlow's reference needs TensorFlow beside the backend under test: it runs in a process of its own.
REFERENCE = """
import json, sys
import numpy as np
import tensorflow as tf
p = {k: np.array(v) for k, v in json.load(sys.stdin).items()}
f32 = lambda k: p[k].astype("float32")
W, C, b = (tf.Variable(f32(k)) for k in "WCb")
expected = tf.constant(f32("true_expected")[:, None]), tf.constant(f32("noise_expected"))
sampled = (tf.constant(p["noise"], tf.int64), *expected)
sizes = {"num_sampled": len(p["noise"]), "num_classes": len(p["b"])}
answer = {}
for name, function in (("nce", tf.nn.nce_loss), ("sampled_softmax", tf.nn.sampled_softmax_loss)):
    for hits in (False, True):
        with tf.GradientTape() as tape:
            losses = function(weights=C, biases=b, labels=p["y"][:, None].astype("int64"),
                              inputs=tf.gather(W, p["x"].astype("int64")), **sizes,
                              sampled_values=sampled, remove_accidental_hits=hits)
            total = tf.reduce_sum(losses)
        gradients = [tf.convert_to_tensor(g).numpy().tolist() for g in tape.gradient(total, [W, C, b])]
        answer[f"{name}-{hits}"] = {"losses": losses.numpy().tolist(), "gradients": gradients}
print(json.dumps(answer))
"""


@pytest.fixture(scope="module")
def tensorflow_reference():
    pytest.importorskip("tensorflow")

    def ask(problem):
        text = json.dumps({key: value.tolist() for key, value in problem.items()})
        done = subprocess.run(
            [sys.executable, "-c", REFERENCE],
            input=text,
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        )
        return json.loads(done.stdout.splitlines()[-1])

    return ask


def gradients_of(problem, name, remove_hits):
    """Losses and gradients of the sum with respect to W, C, b on the backend under test."""
    kind = LOSSES[name]

    def total(W, C, b):
        x, y, noise = problem["x"], problem["y"], problem["noise"]
        logits = candidate_logits(
            ops.take(W, x, axis=0),
            ops.take(C, y, axis=0),
            ops.take(C, noise, axis=0),
            ops.take(b, y) - ops.log(problem["true_expected"]),
            ops.take(b, noise) - ops.log(problem["noise_expected"]),
            ops.convert_to_tensor(noise == y[:, None]) if remove_hits else None,
        )
        return ops.sum(kind.function(logits))

    tables = [problem[key] for key in "WCb"]
    if keras.backend.backend() == "jax":
        import jax

        return [np.asarray(g) for g in jax.grad(total, argnums=(0, 1, 2))(*tables)]
    if keras.backend.backend() == "torch":
        import torch

        leaves = [torch.tensor(table, requires_grad=True) for table in tables]
        total(*leaves).backward()
        return [leaf.grad.numpy() for leaf in leaves]
    import tensorflow as tf

    variables = [tf.Variable(table) for table in tables]
    with tf.GradientTape() as tape:
        value = total(*variables)
    return [tf.convert_to_tensor(g).numpy() for g in tape.gradient(value, variables)]


@slow_on_jax
def test_values_and_gradients_equal_tensorflows(problem, tensorflow_reference):
    reference = tensorflow_reference(problem)
    for name in ("nce", "sampled_softmax"):
        for hits in (False, True):
            theirs = reference[f"{name}-{hits}"]
            ours = ops.convert_to_numpy(LOSSES[name].function(logits_of(problem, True, hits)))
            np.testing.assert_allclose(ours, theirs["losses"], rtol=1e-5, err_msg=f"{name} hits={hits}")
            for got, expected in zip(gradients_of(problem, name, hits), theirs["gradients"], strict=True):
                np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5, err_msg=f"{name} hits={hits}")
