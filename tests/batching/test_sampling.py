"""`NoiseDistribution`: probabilities, the alias table, and the distribution of draws."""

import numpy as np
import pytest

from kerazoo.batching import NOISE_KINDS, NoiseDistribution
from kerazoo.batching.sampling import alias_table
from kerazoo.errors import InvalidArgumentError

COUNTS = np.array([5000, 900, 900, 80, 7, 1, 1])


def table_probabilities(table):
    """The probabilities of an alias table, computed with integers in units of 2^-32 / V."""
    n = len(table)
    thresholds, aliases = (table >> np.uint64(32)).astype(np.int64), (table & np.uint64(0xFFFFFFFF)).astype(int)
    weights = np.zeros(n, np.int64)
    for word in range(n):
        weights[word] += thresholds[word]
        weights[aliases[word]] += 2**32 - thresholds[word]
    assert weights.sum() == n * 2**32
    return weights / (n * 2**32)


def test_probabilities():
    powers = COUNTS**0.75
    np.testing.assert_allclose(NoiseDistribution("unigram", COUNTS).probabilities, powers / powers.sum())
    k = np.arange(7)
    expected = np.log((k + 2) / (k + 1)) / np.log(8)
    np.testing.assert_allclose(NoiseDistribution("log_uniform", COUNTS).probabilities, expected)
    np.testing.assert_allclose(NoiseDistribution("uniform", COUNTS).probabilities, 1 / 7)


@pytest.mark.parametrize("exponent", [-2, -0.5, 0, 0.75, 1, 30])
@pytest.mark.parametrize("n_words", [1, 2, 3, 1000])
@pytest.mark.parametrize("kind", NOISE_KINDS)
def test_the_table_has_the_probabilities(kind, n_words, exponent):
    counts = np.maximum(1, 10_000 // np.arange(1, n_words + 1))
    noise = NoiseDistribution(kind, counts, exponent)
    assert abs(noise.probabilities.sum() - 1) < 1e-12
    np.testing.assert_allclose(table_probabilities(noise.table), noise.probabilities, atol=1e-9, rtol=1e-6)


def test_the_table_is_exact_for_probabilities_of_few_bits():
    for probabilities in ([1.0], [0.5, 0.5], [0.5, 0.25, 0.125, 0.125], [0.0, 1.0], [1.0, 0.0, 0.0]):
        np.testing.assert_array_equal(table_probabilities(alias_table(np.array(probabilities))), probabilities)


@pytest.mark.parametrize("kind", NOISE_KINDS)
def test_draws_follow_the_probabilities(kind):
    noise = NoiseDistribution(kind, COUNTS)
    n = 200_000
    seen = np.bincount(noise.sample(n, seed=4), minlength=7)
    expected = n * noise.probabilities
    assert ((seen - expected) ** 2 / expected).sum() < 28  # 6 degrees of freedom: P = 1e-4


@pytest.mark.parametrize("exponent", [0.75, 0, -1])
def test_words_that_do_not_occur_are_not_drawn(exponent):
    noise = NoiseDistribution("unigram", [3, 0, 1, 0, 0, 2], exponent)
    assert (noise.probabilities[[1, 3, 4]] == 0).all()
    assert set(np.unique(noise.sample(50_000, seed=1))) == {0, 2, 5}
    assert (table_probabilities(noise.table)[[1, 3, 4]] == 0).all()


def test_sample():
    noise = NoiseDistribution("unigram", COUNTS)
    a, b = noise.sample((3, 50), seed=1), noise.sample((3, 50), seed=2)
    assert (a.shape, a.dtype) == ((3, 50), np.int32)
    np.testing.assert_array_equal(a, noise.sample((3, 50), seed=1))
    assert (a != b).any()
    assert noise.sample((0, 4), seed=1).shape == (0, 4)
    assert repr(noise) == "NoiseDistribution('unigram', 7 words, ns_exponent=0.75)"
    with pytest.raises(ValueError, match="read-only"):
        noise.probabilities[0] = 1


@pytest.mark.parametrize(
    ("kind", "counts", "exponent", "message"),
    [
        ("zipf", [1], 0.75, "noise='zipf'; expected one of 'unigram', 'log_uniform', 'uniform'"),
        ("unigram", [], 0.75, "counts has shape"),
        ("unigram", [[1, 2]], 0.75, "counts has shape"),
        ("unigram", [1, -2], 0.75, "expected a one-dimensional array of 1 or more numbers >= 0"),
        ("unigram", ["a"], 0.75, "counts has shape"),
        ("unigram", [0, 0], 0.75, "every count is 0"),
        ("unigram", [1, 2], float("nan"), "ns_exponent=nan; expected a finite number. The usual value is 0.75."),
        ("unigram", [1, 2], "much", "ns_exponent='much'; expected"),
    ],
)
def test_bad_arguments(kind, counts, exponent, message):
    with pytest.raises(InvalidArgumentError, match=message):
        NoiseDistribution(kind, counts, exponent)
