"""The graph of nearest neighbours: its edges, its layout, and what is refused."""

from __future__ import annotations

import matplotlib
import numpy as np
import pytest

from kerazoo.errors import InvalidArgumentError
from kerazoo.plots import plot_neighbors
from kerazoo.plots.neighbors import _layout
from kerazoo.word2vec import WordVectors
from tests.plots.test_words import boxes, random_vectors

matplotlib.use("agg")

from matplotlib import pyplot


@pytest.fixture(autouse=True)
def closed():
    yield
    pyplot.close("all")


def drawn_edges(ax):
    """The edges as pairs of words, in the order of drawing, and their widths."""
    at = {tuple(np.round(text.xy, 6)): text.get_text() for text in ax.texts}
    pairs = [tuple(at[tuple(np.round(end, 6))] for end in segment) for segment in ax.collections[0].get_segments()]
    return pairs, ax.collections[0].get_linewidths()


def test_edges_join_words_with_their_nearest_by_cosine():
    words, table = random_vectors(50)
    vectors = WordVectors(words, table)
    queries = ["word30", "word2"]
    ax = plot_neighbors(vectors, queries, topn=4)
    expected = {
        frozenset((query, other)): cosine for query in queries for other, cosine in vectors.most_similar(query, 4)
    }
    pairs, widths = drawn_edges(ax)
    assert {frozenset(pair) for pair in pairs} == set(expected)
    cosines = [expected[frozenset(pair)] for pair in pairs]
    assert (np.argsort(widths) == np.argsort(cosines)).all()
    assert len(ax.collections[2].get_offsets()) == 2
    assert len(ax.collections[1].get_offsets()) == len(ax.texts) - 2
    bold = [text.get_text() for text in ax.texts if text.get_fontweight() == "bold"]
    assert bold == queries
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "neighbours", "words", f"cosine, from {min(cosines):.2f} (thin) to {max(cosines):.2f}",
    ]  # fmt: skip


def test_words_that_are_neighbours_of_each_other_have_one_edge_and_share_nodes():
    table = np.array([[1.0, 0.0], [1.0, 0.1], [1.0, -0.12], [0.0, 1.0]])
    ax = plot_neighbors((["a", "b", "c", "d"], table), ["a", "b"], topn=2)
    pairs, _ = drawn_edges(ax)
    assert sorted(map(sorted, pairs)) == [["a", "b"], ["a", "c"], ["b", "c"]]
    assert len(ax.texts) == 3


def test_there_are_no_more_neighbours_than_words_and_zeros_do_no_harm():
    ax = plot_neighbors((["a", "b", "c"], [[1.0, 0.0], [0.0, 0.0], [0.5, 0.5]]), "a", topn=10)
    assert [text.get_text() for text in ax.texts] == ["a", "c", "b"]
    assert np.isfinite(ax.collections[1].get_offsets()).all()


def test_the_layout_is_the_same_each_time_and_lengths_are_near_those_of_the_edges():
    words, table = random_vectors(60)
    one, two = (plot_neighbors((words, table), words[:4], topn=6) for _ in range(2))
    for first, second in zip(one.texts, two.texts, strict=True):
        assert first.xy == pytest.approx(second.xy)
    edges = np.array([[0, 1], [1, 2], [2, 3], [4, 5]])  # a path, and an edge apart
    x = _layout(6, edges, np.array([1.0, 1.0, 1.0, 2.0]))
    lengths = np.linalg.norm(x[edges[:, 0]] - x[edges[:, 1]], axis=1)
    np.testing.assert_allclose(lengths, [1.0, 1.0, 1.0, 2.0], rtol=0.15)
    assert np.linalg.norm(x[0] - x[3]) > 2.5
    assert np.linalg.norm(x[:4].mean(axis=0) - x[4:].mean(axis=0)) > 2.5


def test_labels_do_not_overlap_and_the_note_counts_those_without_room():
    words, table = random_vectors(300)
    ax = plot_neighbors((words, table), words[:24], topn=8)
    found = boxes(ax)
    assert not any(one.overlaps(other) for i, one in enumerate(found) for other in found[:i])
    hidden = len(ax.texts) - len(found)
    assert hidden > 0
    assert ax.get_legend().get_texts()[-1].get_text().endswith(f"; {hidden} labels have no room")


@pytest.mark.parametrize(
    ("words", "topn", "match"),
    [
        (["word1", "none"], 5, "'none' is not one of the 500 words"),
        ([], 5, "words is empty"),
        (None, 5, "words=None; expected a list of words"),
        (3, 5, "words=3; expected a list of words"),
        (["word1"], 0, "topn=0; expected an integer >= 1"),
        (["word1"], 450, "are 451 nodes; expected at most 400. Pass fewer words"),
    ],
)
def test_bad_input_is_refused(words, topn, match):
    with pytest.raises(InvalidArgumentError, match=match):
        plot_neighbors(random_vectors(500), words, topn)
    assert pyplot.get_fignums() == []


def test_one_word_has_no_neighbours():
    with pytest.raises(InvalidArgumentError, match="one word; expected at least two"):
        plot_neighbors((["a"], [[1.0, 2.0]]), "a")
