"""The estimate of the curvature, against the Hessian of the mean loss over all pairs, weighted as the training does."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_allclose

from kerazoo import Word2Vec
from kerazoo.text import EncodedCorpus
from kerazoo.text.tokens import Tokens
from kerazoo.word2vec.cluster import curvature
from kerazoo.word2vec.cluster.curvature import MARGIN, TRUE_SLOPE, CurvatureEstimate, eigen
from kerazoo.word2vec.engines.native_kernel import NativeKernel
from kerazoo.word2vec.options import checked_settings

# Every word occurs in proportion, so that systematic samples are exact.
WORDS = ["a"] * 8 + ["b"] * 4 + ["c"] * 2 + ["d", "e"]


def kernel_of(**parameters):
    corpus = EncodedCorpus.from_source([WORDS], min_count=1)
    model = Word2Vec(3, min_count=1, sample=0, ns_exponent=1.0, seed=1, **parameters)
    settings = dataclasses.replace(checked_settings(model.get_params(deep=False)), workers=1)
    kernel = NativeKernel(Tokens.of(corpus), settings, None, lambda: corpus.vocabulary.words)
    generator = np.random.default_rng(0)
    for table in kernel.tables.arrays():
        rows = table if table.ndim == 1 else table[:, :3]
        rows[:] = generator.normal(size=rows.shape)
    return kernel


def matrix(found):
    return found.vectors @ np.diag(found.values / MARGIN) @ found.vectors.T


@pytest.mark.parametrize(("loss", "learn_biases"), [("nce", True), ("nce", False), ("negative_sampling", False)])
def test_noise_words(loss, learn_biases, monkeypatch):
    monkeypatch.setattr(curvature, "SAMPLES", 16)
    kernel = kernel_of(loss=loss, learn_biases=learn_biases, negative=2)
    found = CurvatureEstimate(kernel).of(kernel.tables)
    share = kernel.tokens.counts / kernel.tokens.counts.sum()
    x, y = kernel.tables.inputs[:, :3].astype(float), kernel.tables.outputs[:, :3].astype(float)
    logits = x @ y.T - (0.5 * np.log(2) if loss == "nce" and not learn_biases else 0)
    if learn_biases:
        logits += kernel.tables.biases - kernel.log_expected
        x1 = np.column_stack([x, np.ones(5)])
    else:
        x1 = x
    s = 1 / (1 + np.exp(-logits))
    weights = s * (1 - s) * np.outer(share, share)
    of_inputs = TRUE_SLOPE * np.einsum("w,wi,wj->ij", share, y, y) + 2 * np.einsum("vw,wi,wj->ij", weights, y, y)
    of_outputs = TRUE_SLOPE * np.einsum("v,vi,vj->ij", share, x1, x1) + 2 * np.einsum("vw,vi,vj->ij", weights, x1, x1)
    assert_allclose(matrix(found["inputs"]), of_inputs, rtol=1e-4, atol=1e-5)
    assert_allclose(matrix(found["outputs"]), of_outputs / 3, rtol=1e-4, atol=1e-5)


def test_inner_nodes(monkeypatch):
    monkeypatch.setattr(curvature, "SAMPLES", 15)
    kernel = kernel_of(hs=1, negative=0)
    found = CurvatureEstimate(kernel).of(kernel.tables)
    assert found.keys() == {"inputs", "nodes"}
    offsets, entries = kernel.paths
    visits = np.bincount(entries >> 1, np.repeat(kernel.tokens.counts, np.diff(offsets)))
    nodes = kernel.tables.nodes[:, :3].astype(float)
    expected = TRUE_SLOPE * np.einsum("n,ni,nj->ij", visits, nodes, nodes) / kernel.tokens.counts.sum()
    assert_allclose(matrix(found["inputs"]), expected, rtol=0.2, atol=0.2)


def test_tables_that_are_not_finite_have_no_curvature():
    found = eigen(np.full((3, 3), np.nan, np.float32))
    assert not found.values.any()
    assert_allclose(found.vectors, np.eye(3))
