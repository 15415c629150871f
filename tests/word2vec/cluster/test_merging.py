"""The rules by which changes of several workers are combined, against their formulas."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from kerazoo.word2vec.cluster.curvature import Curvature
from kerazoo.word2vec.cluster.merging import FLAT, combined_by_curvature, weighted_mean

COUNTS = np.array([[0.0, 3.0, 1000.0, 5.0], [0.0, 0.0, 4000.0, 7.0], [0.0, 0.0, 500.0, 1.0]], np.float32)
CHANGES = np.random.default_rng(0).normal(size=(3, 4, 5)).astype(np.float32)


ALIKE = Curvature(np.full(5, 0.01, np.float32), np.eye(5, dtype=np.float32))


def combined(rule, counts=COUNTS, changes=CHANGES, curvature=ALIKE, alpha=1.0):
    total = weighted_mean(changes, counts) if rule == "weighted" else changes.sum(0)
    if rule == "curvature":
        return combined_by_curvature(total, list(counts), curvature, alpha)
    return total / len(changes) if rule == "mean" else total


def reference(rule, values=(0.01,) * 5, vectors=None, alpha=1.0):
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
            for value, vector in zip(values, np.eye(5) if vectors is None else vectors.T, strict=True):
                along, share = changes.sum(0) @ vector, 1.0
                if counts.sum() and value:
                    workers = counts.sum() ** 2 / (counts**2).sum()
                    way = [1 - np.exp(-alpha * value * n) for n in (counts.sum(), counts.sum() / workers)]
                    share = way[0] / (workers * way[1])
                result[row] += share * along * vector
    return result


@pytest.mark.parametrize("rule", ["mean", "sum", "weighted", "curvature"])
def test_formulas(rule):
    assert_allclose(combined(rule), reference(rule), rtol=1e-5, atol=1e-6)


def test_every_direction_has_its_own_curvature():
    vectors = np.linalg.qr(np.random.default_rng(2).normal(size=(5, 5)))[0]
    values = np.array([0.0, 1e-9, 1e-3, 0.1, 10.0])
    curvature = Curvature(values.astype(np.float32), vectors.astype(np.float32))
    expected = reference("curvature", values, vectors, 0.3)
    # Directions that are nearly flat are taken for flat.
    assert_allclose(combined("curvature", curvature=curvature, alpha=0.3), expected, rtol=FLAT / 2, atol=FLAT / 10)


def test_it_lies_between_the_sum_and_the_mean():
    changes = np.random.default_rng(1).normal(size=(8, 2, 5)).astype(np.float32)
    few, many = np.full((8, 2), 1e-3, np.float32), np.full((8, 2), 1e6, np.float32)
    assert_allclose(combined("curvature", few, changes), changes.sum(0), rtol=1e-4, atol=1e-5)
    assert_allclose(combined("curvature", many, changes), changes.mean(0), rtol=1e-5, atol=1e-6)


def test_it_is_exact_for_a_quadratic():
    """Workers that each go the way 1 - exp(-rate c) to one minimum end where one worker with all updates would."""
    rate, counts = 0.02, np.full((3, 1), 40.0, np.float32)
    minimum = np.array([[2.0, -3.0, 1.0, 0.5, 0.0]])
    changes = np.repeat((1 - np.exp(-rate * 40)) * minimum[None], 3, axis=0).astype(np.float32)
    expected = (1 - np.exp(-rate * 120)) * minimum
    assert_allclose(combined("curvature", counts, changes, alpha=2.0), expected, rtol=1e-5)


def test_what_one_worker_alone_has_changed_is_kept():
    changes = np.zeros((3, 4, 5), np.float32)
    changes[0, 1] = 1.5
    for rule in ("weighted", "curvature", "sum"):
        assert_allclose(combined(rule, changes=changes)[1], 1.5, rtol=1e-5)
    assert_allclose(combined("mean", changes=changes)[1], 0.5, rtol=1e-5)
