"""Word vectors in two dimensions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kerazoo._runtime.devices import is_installed
from kerazoo._runtime.optional import needed
from kerazoo._validation import check_choice, check_int, check_real
from kerazoo.errors import InvalidArgumentError, MissingPackageError
from kerazoo.plots.axes import axes_or_new, legend_above
from kerazoo.plots.word_vectors import read_vectors, rows_of, unit_rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_word_vectors"]

_MANY = 2_000  # words: with fewer, threads of t-SNE mostly wait for each other, for seconds on a busy machine
_METHODS = {"tsne": "t-SNE", "pca": "PCA", "umap": "UMAP"}


@needed("plot_word_vectors")
def plot_word_vectors(
    vectors: Any,
    words: Sequence[str] | int | None = None,
    method: str = "tsne",
    *,
    groups: Mapping[str, Any] | Sequence[Any] | None = None,
    perplexity: float | None = None,
    fontsize: float = 8.0,
    seed: int = 0,
    ax: Axes | None = None,
) -> Axes:
    """Plot word vectors in two dimensions, with labels that do not overlap.

    The vectors are first divided by their length, so that distances are those of cosine similarity. Each label is
    beside its dot. Earlier words are labelled first; a word for whose label there is no room stays a dot, and the
    legend says how many do. The labels are placed when the figure is drawn, and again if its size or limits change.

    Args:
        vectors: gensim KeyedVectors; a fitted Word2Vec or FastText; WordVectors; or a pair (words, array (V, D)).
        words: the words to plot; an int: that many of the first, which are the most frequent in vectors of gensim and
            kerazoo; None: 200.
        method: `"tsne"` (van der Maaten & Hinton 2008), which keeps neighbours together, while distances between
            clusters mean little; `"pca"`, the two directions of the largest variance; both need scikit-learn; or
            `"umap"` (McInnes, Healy & Melville 2018), which needs the package umap-learn.
        groups: a label for each word, which gives its dot a colour: a dict from word to label (words that it lacks are
            grey), or as many labels as words; None: one colour.
        perplexity: float > 0, of t-SNE: about how many neighbours a word has. None: 30, or a third of few words.
        fontsize: float > 0, of the labels, in points.
        seed: int >= 0, of t-SNE and UMAP: the same one repeats the plot on the same machine. (t-SNE starts from the
            principal components, so another seed changes little.)
        ax: matplotlib Axes to draw on; None creates a figure.

    Returns:
        The Axes. Without `groups`, `ax.collections[0].get_offsets()` has the positions (N, 2) of the words in order.

    Raises:
        InvalidArgumentError: vectors of another type or not fitted, an unknown word, fewer than three words, an unknown
            method, or a value out of range.
        MissingPackageError: scikit-learn or umap-learn is not installed.

    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> import numpy as np
    >>> words = ["red", "green", "blue", "one", "two"]
    >>> table = np.array([[3.0, 0.1, 0.0], [3.0, 0.2, 0.1], [3.0, 0.0, 0.2], [0.0, 2.0, 0.1], [0.1, 2.0, 0.0]])
    >>> ax = plot_word_vectors((words, table), method="pca")
    >>> ax.figure.canvas.draw()
    >>> [text.get_text() for text in ax.texts if text.get_visible()]
    ['red', 'green', 'blue', 'one', 'two']
    """
    check_choice("method", method, _METHODS)
    seed = check_int("seed", seed, 0, 2**32 - 1)
    fontsize = check_real("fontsize", fontsize, 0.0, exclusive=True)
    known, table = read_vectors(vectors)
    rows = rows_of(words, known)
    if len(rows) < 3 or table.shape[1] < 2:
        raise InvalidArgumentError(
            f"{len(rows)} words in {table.shape[1]} dimensions; expected at least three words in two dimensions."
        )
    shown = [known[row] for row in rows]
    labels = _groups_of(groups, shown)
    positions = _in_two_dimensions(unit_rows(table[rows]), method, perplexity, seed)

    from matplotlib.lines import Line2D

    from kerazoo.plots.labels import Labels

    ax = axes_or_new(ax, width=9.0, height=7.0)
    if labels is None:
        ax.scatter(positions[:, 0], positions[:, 1], s=10, linewidths=0, label=f"{len(rows)} words")
    else:
        names = sorted({label for label in labels if label is not None})
        for number, name in enumerate([*names, None]):
            chosen = positions[[label == name for label in labels]]
            color = "0.7" if name is None else f"C{number % 10}"
            if len(chosen):
                label = "other" if name is None else name
                ax.scatter(chosen[:, 0], chosen[:, 1], s=26, linewidths=0, color=color, label=label)
        ax.add_line(Line2D([], [], linestyle="none", label=f"{len(rows)} words"))
    ax.set_xticks([])
    ax.set_yticks([])
    ax.margins(0.06)
    ax.set_xlabel(_METHODS[method])
    placed = Labels(ax, positions, shown, distance=3.0 if labels is None else 4.0, fontsize=fontsize)
    placed.report_in(legend_above(ax).get_texts()[-1], "labels")
    ax.figure.canvas.figure.draw_without_rendering()  # places the labels, so that the legend is right at once
    return ax


def _groups_of(groups: Any, words: list[str]) -> list[str | None] | None:
    """The label of each word, None where it has none."""
    if groups is None:
        return None
    if isinstance(groups, Mapping):
        known: list[Any] = [groups.get(word) for word in words]
        if all(each is None for each in known):
            raise InvalidArgumentError(
                f"groups has none of the {len(words)} words; expected a dict from words to labels."
            )
    else:
        known = list(groups)
        if len(known) != len(words):
            raise InvalidArgumentError(f"groups has {len(known)} labels; expected {len(words)}, one for each word.")
    return [None if each is None else str(each) for each in known]


def _in_two_dimensions(
    table: NDArray[np.float64], method: str, perplexity: float | None, seed: int
) -> NDArray[np.float64]:
    """Positions (N, 2) of unit vectors (N, D)."""
    n = len(table)
    if perplexity is not None:
        if method != "tsne":
            raise InvalidArgumentError(f"perplexity={perplexity} with method={method!r}; expected None: t-SNE has it.")
        perplexity = check_real("perplexity", perplexity, 0.0, exclusive=True)
        if perplexity >= n:
            raise InvalidArgumentError(f"perplexity={perplexity:g} with {n} words; expected a number below that.")
    if method == "umap":
        if not is_installed("umap"):
            raise MissingPackageError(
                'method="umap" needs the package umap-learn, which is not installed: pip install umap-learn. '
                'method="tsne" needs scikit-learn alone.',
                name="umap",
            )
        from umap import UMAP

        reducer: Any = UMAP(n_neighbors=min(15, n - 1), random_state=seed, n_jobs=1)
    elif method == "tsne":
        from sklearn.manifold import TSNE

        reducer = TSNE(perplexity=perplexity or min(30.0, (n - 1) / 3), init="pca", random_state=seed)
    else:
        from sklearn.decomposition import PCA

        reducer = PCA(2, svd_solver="full")
    if method == "umap" or n >= _MANY:
        return np.asarray(reducer.fit_transform(table), np.float64)
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # scikit-learn needs it too

    with threadpool_limits(1, user_api="openmp"):
        return np.asarray(reducer.fit_transform(table), np.float64)
