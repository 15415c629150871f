"""Attention weights and recurrent states over time, as heat maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kerazoo._runtime.optional import needed
from kerazoo._validation import check_choice, check_flag
from kerazoo.errors import InvalidArgumentError
from kerazoo.plots.axes import axes_or_new, label_ticks, read_matrix

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike, NDArray

__all__ = ["plot_attention", "plot_states"]

_ORDERS = ("unit", "similarity")


@needed("plot_attention")
def plot_attention(
    weights: ArrayLike,
    keys: Sequence[Any] | None = None,
    queries: Sequence[Any] | None = None,
    *,
    cmap: Any = "Blues",
    colorbar: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """Plot attention weights: a row for each query, a column for each key that it attends to.

    Args:
        weights: numbers >= 0, (n_queries, n_keys), or (n_keys,) of one query: what a softmax over the keys returned. Of
            several heads, pass one, or their mean.
        keys: labels of the columns, such as words; None numbers them from 0. Labels for which there is no room are left
            out at equal distances.
        queries: labels of the rows, as `keys`.
        cmap: name of a matplotlib colormap, or a Colormap; it starts at weight 0.
        colorbar: bool, whether to draw the scale of the colours.
        ax: matplotlib Axes to draw on; None creates a figure.

    Returns:
        The Axes.

    Raises:
        InvalidArgumentError: not two dimensions, no weights, a negative or non-finite weight, or another number of
            labels.

    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> ax = plot_attention([[0.9, 0.1], [0.4, 0.6]], keys=["red", "apple"])
    >>> [label.get_text() for label in ax.get_xticklabels()]
    ['red', 'apple']
    """
    remedy = "Of several heads, pass weights[head] or weights.mean(axis=0)."
    values = [weights] if np.ndim(weights) == 1 else weights
    matrix = read_matrix("weights", values, "(n_queries, n_keys), or (n_keys,) of one query", remedy)
    if (matrix < 0).any():
        raise InvalidArgumentError(
            f"weights has the value {matrix.min():g}; expected numbers >= 0, as a softmax returns them."
        )
    check_flag("colorbar", colorbar)
    ax = _heat_map(ax, matrix, keys, queries, ("keys", "queries"), cmap, colorbar, 0.0, matrix.max() or 1.0)
    ax.set_xlabel("attended position")
    ax.set_ylabel("position")
    return ax


@needed("plot_states")
def plot_states(
    states: ArrayLike,
    labels: Sequence[Any] | None = None,
    *,
    order: str = "unit",
    cmap: Any = "RdBu_r",
    colorbar: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """Plot the states or outputs of a recurrent layer over time: a row for each unit, a column for each step.

    The colours are symmetric about 0, which is white.

    Args:
        states: numbers (T, units), such as the outputs of `zoo.build(..., returns="sequence")` for one sequence.
        labels: T labels of the steps, such as words; None numbers them from 0. Labels for which there is no room are
            left out at equal distances.
        order: `"unit"`, as they are in the array, or `"similarity"`: by the coordinate on the first principal component
            of the rows, which puts units with like courses side by side.
        cmap: name of a matplotlib colormap, or a Colormap.
        colorbar: bool, whether to draw the scale of the colours.
        ax: matplotlib Axes to draw on; None creates a figure.

    Returns:
        The Axes.

    Raises:
        InvalidArgumentError: not two dimensions, no states, non-finite states, an unknown order, or another number of
            labels.

    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> import numpy as np
    >>> ax = plot_states(np.sin(np.arange(20.0)[:, None] + [0.0, 1.0, 2.0]))
    >>> ax.images[0].get_array().shape
    (3, 20)
    """
    check_choice("order", order, _ORDERS)
    check_flag("colorbar", colorbar)
    matrix = read_matrix("states", states, "(steps, units)", "Of a batch of sequences, pass one: states[0].").T
    rows = np.arange(len(matrix))
    if order == "similarity":
        centred = matrix - matrix.mean(axis=0)
        left, _, _ = np.linalg.svd(centred, full_matrices=False)
        rows = np.argsort(left[:, 0], kind="stable")
        if rows[0] > rows[-1]:  # the sign of a principal component is arbitrary
            rows = rows[::-1]
    largest = np.abs(matrix).max() or 1.0
    units = None if order == "unit" else rows
    ax = _heat_map(ax, matrix[rows], labels, units, ("labels", "units"), cmap, colorbar, -largest, largest)
    ax.set_xlabel("step" if labels is None else "")
    ax.set_ylabel("unit")
    return ax


def _heat_map(
    ax: Axes | None,
    matrix: NDArray[np.float64],
    columns: Sequence[Any] | None,
    rows: Any,
    names: tuple[str, str],
    cmap: Any,
    colorbar: bool,
    low: float,
    high: float,
) -> Axes:
    """Draw a matrix, its first row at the top, with labels where there is room."""
    import matplotlib

    if isinstance(cmap, str) and cmap not in matplotlib.colormaps:
        raise InvalidArgumentError(f"cmap={cmap!r}; expected a colormap of matplotlib, such as 'viridis'.")
    for name, labels, count in zip(names, (columns, rows), matrix.shape[::-1], strict=True):
        if labels is not None and len(labels) != count:  # before a figure is made
            raise InvalidArgumentError(f"{name} has {len(labels)} labels; expected {count}, one for each position.")
    ax = axes_or_new(ax, height=1.0 + min(5.0, max(1.0, 0.25 * len(matrix))))
    image = ax.imshow(matrix, cmap=cmap, vmin=low, vmax=high, aspect="auto", interpolation="nearest")
    label_ticks(ax, "x", columns, matrix.shape[1])
    label_ticks(ax, "y", rows, matrix.shape[0])
    if colorbar:
        ax.figure.colorbar(image, ax=ax)
    return ax
