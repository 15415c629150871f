"""Words and their nearest neighbours as a graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kerazoo._runtime.optional import needed
from kerazoo._validation import check_int, check_real
from kerazoo.errors import InvalidArgumentError
from kerazoo.plots.axes import axes_or_new, legend_above
from kerazoo.plots.word_vectors import read_vectors, rows_of, unit_rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_neighbors"]

_MOST_NODES = 400
_ROUNDS = 200  # of the layout; it changes little after 100


@needed("plot_neighbors")
def plot_neighbors(
    vectors: Any, words: Sequence[str] | str, topn: int = 5, *, fontsize: float = 8.0, ax: Axes | None = None
) -> Axes:
    """Plot words and their nearest neighbours by cosine similarity as a graph.

    An edge joins each of the words with each of its neighbours; thicker edges have a larger cosine. A neighbour that
    several words share is one node, so related words hang together. The layout minimises the stress of the distances
    in the graph (Gansner, Koren & North 2005); it is the same each time. The labels are placed as those of
    :func:`plot_word_vectors`.

    Args:
        vectors: gensim KeyedVectors; a fitted Word2Vec or FastText; WordVectors; or a pair (words, array (V, D)).
        words: the words whose neighbours are drawn.
        topn: int >= 1, neighbours of each word.
        fontsize: float > 0, of the labels, in points.
        ax: matplotlib Axes to draw on; None creates a figure.

    Returns:
        The Axes. Its first collection has the edges, the second the neighbours, the third the words.

    Raises:
        InvalidArgumentError: vectors of another type or not fitted, an unknown word, or more than 400 nodes.

    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> ax = plot_neighbors((["red", "green", "one"], [[3.0, 0.1], [3.0, 0.2], [0.1, 2.0]]), "red", topn=1)
    >>> [text.get_text() for text in ax.texts]
    ['red', 'green']
    """
    topn = check_int("topn", topn)
    fontsize = check_real("fontsize", fontsize, 0.0, exclusive=True)
    known, table = read_vectors(vectors)
    if words is None or isinstance(words, int | np.integer):
        raise InvalidArgumentError(f"words={words!r}; expected a list of words.")
    queries = rows_of(words, known)
    if len(known) < 2:
        raise InvalidArgumentError("vectors has one word; expected at least two, or there are no neighbours.")
    nodes, edges, cosines = _graph(unit_rows(table), queries, topn)
    if len(nodes) > _MOST_NODES:
        raise InvalidArgumentError(
            f"{len(queries)} words with {topn} neighbours each are {len(nodes)} nodes; expected at most {_MOST_NODES}. "
            "Pass fewer words, or a smaller topn."
        )
    positions = _layout(len(nodes), edges, 1.0 + (1.0 - cosines))

    from matplotlib.collections import LineCollection
    from matplotlib.lines import Line2D

    from kerazoo.plots.labels import Labels

    ax = axes_or_new(ax, width=9.0, height=7.0)
    low, high = cosines.min(), cosines.max()
    widths = 0.5 + 2.5 * (cosines - low) / ((high - low) or 1.0)
    ax.add_collection(LineCollection(list(positions[edges]), linewidths=widths, colors="0.75", zorder=1))
    words_at, others_at = positions[: len(queries)].T, positions[len(queries) :].T
    ax.scatter(others_at[0], others_at[1], s=16, color="tab:gray", linewidths=0, label="neighbours", zorder=2)
    ax.scatter(words_at[0], words_at[1], s=36, color="tab:red", linewidths=0, label="words", zorder=2.1)
    ax.add_line(Line2D([], [], color="0.75", linewidth=2, label=f"cosine, from {low:.2f} (thin) to {high:.2f}"))
    ax.set_aspect("equal", adjustable="datalim")
    ax.margins(0.08)
    ax.set_xticks([])
    ax.set_yticks([])
    bold = ["bold" if node < len(queries) else "normal" for node in range(len(nodes))]
    labels = [known[row] for row in nodes]
    placed = Labels(ax, positions, labels, distance=4.0, fontsize=fontsize, weights=bold)
    placed.report_in(legend_above(ax).get_texts()[-1], "labels")
    ax.figure.canvas.figure.draw_without_rendering()  # places the labels, so that the legend is right at once
    return ax


def _graph(
    table: NDArray[np.float64], queries: list[int], topn: int
) -> tuple[list[int], NDArray[np.int64], NDArray[np.float64]]:
    """Rows of the nodes, the queries first; edges (E, 2) between nodes; the cosine of each edge, float64 (E,)."""
    nodes = {row: i for i, row in enumerate(queries)}
    edges: dict[tuple[int, int], float] = {}
    for query in queries:
        cosines = table @ table[query]
        cosines[query] = -np.inf
        for row in np.argsort(-cosines, kind="stable")[: min(topn, len(table) - 1)].tolist():
            ends = (nodes[query], nodes.setdefault(row, len(nodes)))
            edges[min(ends), max(ends)] = float(cosines[row])
    return list(nodes), np.array(list(edges), np.int64), np.array(list(edges.values()))


def _layout(n: int, edges: NDArray[np.int64], lengths: NDArray[np.float64]) -> NDArray[np.float64]:
    """Positions (n, 2) whose distances are near those along the edges: stress majorization.

    The stress is the sum over pairs of (|x_i - x_j| - d_ij)² / d_ij²; parts that are not joined have a distance of one
    and a half times the largest one.
    """
    distances = np.full((n, n), np.inf)
    np.fill_diagonal(distances, 0.0)
    a, b = edges.T
    distances[a, b] = distances[b, a] = lengths
    for k in range(n):  # shortest paths (Floyd 1962)
        np.minimum(distances, distances[:, k, None] + distances[None, k, :], out=distances)
    distances[np.isinf(distances)] = 1.5 * distances[np.isfinite(distances)].max()
    off = ~np.eye(n, dtype=bool)
    weights = np.zeros((n, n))
    weights[off] = distances[off] ** -2.0
    inverse = np.linalg.pinv(np.diag(weights.sum(axis=1)) - weights)
    angles = np.pi * (3.0 - np.sqrt(5.0)) * np.arange(n)  # a spiral as of sunflower seeds: no two points coincide
    x = np.sqrt(np.arange(n) + 0.5)[:, None] * np.column_stack([np.cos(angles), np.sin(angles)])
    for _ in range(_ROUNDS):
        apart = np.linalg.norm(x[:, None, :] - x[None, :, :], axis=-1)
        ratios = np.divide(weights * distances, apart, out=np.zeros((n, n)), where=apart > 0)
        x = inverse @ ((np.diag(ratios.sum(axis=1)) - ratios) @ x)
    return np.asarray(x)
