"""The rules by which changes of several workers are combined, against their formulas."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from kerazoo.word2vec.cluster.merging import merged, row_scales

COUNTS = np.array([[0.0, 3.0, 1000.0, 5.0], [0.0, 0.0, 4000.0, 7.0], [0.0, 0.0, 500.0, 1.0]], np.float32)
CHANGES = np.random.default_rng(0).normal(size=(3, 4, 5)).astype(np.float32)


def combined(rule, counts=COUNTS, changes=CHANGES, rate=0.01):
    return merged(list(changes), row_scales(list(counts), rule, rate), "float32")


def reference(rule, rate=0.01):
    result = np.zeros((4, 5))
    for row in range(4):
        counts, changes = COUNTS[:, row].astype(float), CHANGES[:, row].astype(float)
        if rule == "mean":
            result[row] = changes.mean(0)
        elif rule == "sum":
            result[row] = changes.sum(0)
        elif rule == "weighted":
            result[row] = counts @ changes / counts.sum() if counts.sum() else 0
        else:
            parts = sum(1 - np.exp(-rate * count) for count in counts)
            share = (1 - np.exp(-rate * counts.sum())) / parts if parts else 1
            result[row] = share * changes.sum(0)
    return result


@pytest.mark.parametrize("rule", ["mean", "sum", "weighted", "saturating"])
def test_formulas(rule):
    assert_allclose(combined(rule), reference(rule), rtol=1e-5, atol=1e-6)


def test_saturating_lies_between_the_sum_and_the_mean():
    few, many = np.full((8, 2), 1e-4, np.float32), np.full((8, 2), 1e5, np.float32)
    changes = np.random.default_rng(1).normal(size=(8, 2, 3)).astype(np.float32)
    assert_allclose(combined("saturating", few, changes), changes.sum(0), rtol=1e-4, atol=1e-5)
    assert_allclose(combined("saturating", many, changes), changes.mean(0), rtol=1e-5, atol=1e-6)


def test_saturating_is_exact_for_a_quadratic():
    """Workers that go the way 1 - exp(-rate c) to one minimum end where one worker with all updates would."""
    rate, counts = 0.02, np.array([[10.0], [60.0], [25.0]], np.float32)
    minimum = np.array([[2.0, -3.0]])
    changes = np.stack([(1 - np.exp(-rate * count[0])) * minimum for count in counts]).astype(np.float32)
    expected = (1 - np.exp(-rate * counts.sum())) * minimum
    assert_allclose(combined("saturating", counts, changes, rate), expected, rtol=1e-5)


def test_what_one_worker_alone_has_changed_is_kept():
    changes = np.zeros((3, 4, 5), np.float32)
    changes[0, 1] = 1.5
    for rule in ("weighted", "saturating", "sum"):
        assert_allclose(combined(rule, changes=changes)[1], 1.5, rtol=1e-5)
    assert_allclose(combined("mean", changes=changes)[1], 0.5, rtol=1e-5)


def test_biases_and_half_precision():
    biases = CHANGES[:, :, 0]
    half = merged([bias.astype(np.float16) for bias in biases], row_scales(list(COUNTS), "mean", 1.0), "float16")
    assert half.dtype == np.float16
    assert_allclose(half.astype(float), biases.mean(0), atol=2e-3)
