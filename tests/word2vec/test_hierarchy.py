"""The tree of hierarchical softmax: shortest codes, paths, extension, probabilities, damage."""

from __future__ import annotations

import heapq
import itertools

import numpy as np
import pytest

from kerazoo.word2vec.hierarchy import HuffmanTree

pytestmark = pytest.mark.backend

COUNTS = [[1], [3, 2], [5, 2, 1], [1] * 9, [0, 0, 0], [2**i for i in range(40)], list(range(1, 200))]


def codes_of(tree):
    offsets, paths = tree.paths()
    return ["".join(str(entry & 1) for entry in paths[a:b]) for a, b in itertools.pairwise(offsets)]


def shortest_total(counts):
    """Sum of counts times code lengths of any Huffman code: the sum of all weights that are merged."""
    heap, total = list(counts), 0
    heapq.heapify(heap)
    while len(heap) > 1:
        weight = heapq.heappop(heap) + heapq.heappop(heap)
        total += weight
        heapq.heappush(heap, weight)
    return total


@pytest.mark.parametrize("counts", COUNTS)
@pytest.mark.parametrize("order", ["falling", "rising"])
def test_codes_are_prefix_free_and_optimal(counts, order):
    counts = sorted(counts, reverse=order == "falling")
    tree = HuffmanTree.from_counts(counts)
    tree.check()
    codes = codes_of(tree)
    assert tree.n_words == len(codes) == len(counts)
    assert sum(2.0 ** -len(code) for code in codes) == pytest.approx(1)
    ordered = sorted(codes)
    assert not any(b.startswith(a) for a, b in itertools.pairwise(ordered) if len(codes) > 1)
    assert sum(c * len(code) for c, code in zip(counts, codes, strict=True)) == shortest_total(counts)


def test_paths_begin_at_the_root_and_go_down():
    tree = HuffmanTree.from_counts(range(50, 0, -1))
    offsets, paths = tree.paths()
    for word, (first, end) in enumerate(itertools.pairwise(offsets)):
        nodes = paths[first:end] >> 1
        assert nodes[0] == 48
        assert [tree.parents[50 + node] for node in nodes[1:]] == list(nodes[:-1])
        assert tree.parents[word] == nodes[-1]


@pytest.mark.parametrize("n_new", [0, 1, 2, 30])
def test_an_extended_tree_keeps_the_meaning_of_its_nodes(n_new):
    rng = np.random.default_rng(0)
    old = HuffmanTree.from_counts(rng.integers(1, 99, 20))
    known = np.sort(rng.choice(20 + n_new, 20, replace=False))
    extended = old.extended(known, rng.integers(1, 99, 20 + n_new))
    extended.check()
    before, after = codes_of(old), codes_of(extended)
    head = "0" if n_new else ""
    assert [after[word] for word in known] == [head + code for code in before]
    new = np.setdiff1d(np.arange(20 + n_new), known)
    assert all(after[word].startswith("1") for word in new)
    assert sum(2.0 ** -len(code) for code in after) == pytest.approx(1)
    np.testing.assert_array_equal(old.parents[20:39][old.parents[20:39] >= 0], extended.parents[20 + n_new :][:18])


def test_probabilities_sum_to_one_and_follow_the_path():
    tree = HuffmanTree.from_counts([9, 5, 2, 1])
    scores = np.array([0.3, -1.0, 2.0])
    log_p = tree.log_probabilities(scores)
    assert np.exp(log_p).sum() == pytest.approx(1)
    offsets, paths = tree.paths()
    for word in range(4):
        path = paths[offsets[word] : offsets[word + 1]]
        signs = 1 - 2 * (path & 1)
        assert log_p[word] == pytest.approx(np.log(1 / (1 + np.exp(-signs * scores[path >> 1]))).sum())


@pytest.mark.parametrize(
    ("index", "value"),
    [(0, 0), (0, -1), (0, 99), (7, 2), (6, 0)],
)
def test_damaged_trees_are_detected(index, value):
    parents = HuffmanTree.from_counts([9, 5, 2, 1]).parents.copy()
    parents[index % 7] = value
    codes = np.zeros(7, np.uint8)
    if np.array_equal(parents, HuffmanTree.from_counts([9, 5, 2, 1]).parents):
        codes[0] = 2
    with pytest.raises(ValueError, match="damaged"):
        HuffmanTree(parents, codes).check()


def test_a_circle_is_detected():
    """Every node has two children, but two nodes are above each other."""
    parents = np.array([2, 2, 0, 1, 1, 0, -1], np.int32)
    with pytest.raises(ValueError, match="damaged"):
        HuffmanTree(parents, np.zeros(7, np.uint8)).check()
