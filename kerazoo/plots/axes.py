"""What the plots share: axes to draw on, curves of numbers, names, colours and ticks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kerazoo._validation import check_choice
from kerazoo.errors import InvalidArgumentError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["axes_or_new", "label_ticks", "legend_above", "read_curve", "read_matrix", "read_scale"]


def axes_or_new(ax: Axes | None, width: float = 9.0, height: float = 4.0) -> Axes:
    """`ax` itself, or the axes of a new figure of that size in inches."""
    import matplotlib.pyplot as plt
    from matplotlib.axes import Axes

    if ax is None:
        return plt.subplots(figsize=(width, height), layout="constrained")[1]
    if not isinstance(ax, Axes):
        raise InvalidArgumentError(f"ax is a {type(ax).__name__}; expected matplotlib Axes, or None for new ones.")
    return ax


def read_curve(name: str, values: Any) -> NDArray[np.float64]:
    """Numbers as a float64 array (N,)."""
    try:
        curve = np.asarray(values, np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(f"curve {name!r} is not a sequence of numbers ({error}); expected floats.") from None
    if curve.ndim != 1:
        raise InvalidArgumentError(
            f"curve {name!r} has shape {curve.shape}; expected one value per epoch, (n_epochs,)."
        )
    return curve


def read_matrix(name: str, values: Any, shape: str, remedy: str) -> NDArray[np.float64]:
    """Numbers as a finite float64 array of two dimensions, none of them empty.

    Args:
        name: of the argument.
        values: array, or a tensor of a Keras backend.
        shape: the expected one, for the error.
        remedy: what to do with an array of other dimensions.
    """
    try:
        matrix = np.asarray(values.detach().cpu() if hasattr(values, "detach") else values, np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(f"{name} is not an array of numbers ({error}); expected {shape}.") from None
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise InvalidArgumentError(f"{name} has shape {matrix.shape}; expected {shape}, not empty. {remedy}")
    if not np.isfinite(matrix).all():
        row, column = np.argwhere(~np.isfinite(matrix))[0]
        raise InvalidArgumentError(f"{name}[{row}, {column}] is {matrix[row, column]}; expected finite numbers.")
    return matrix


def read_scale(log: bool | str, values: NDArray[np.float64]) -> str:
    """`"log"` or `"linear"`: as `log` says, and with `"auto"` logarithmic where all finite values are positive."""
    positive = values[np.isfinite(values)]
    possible = bool(len(positive)) and bool((positive > 0).all())
    if not isinstance(log, bool):
        check_choice("log", log, ("auto",), "True and False set the scale.")
        return "log" if possible else "linear"
    if log and not possible:
        smallest = positive.min() if len(positive) else np.nan
        raise InvalidArgumentError(
            f"log=True and the smallest value {smallest:g}; expected positive values on a logarithmic scale. "
            "log=False draws them on a linear one."
        )
    return "log" if log else "linear"


def label_ticks(ax: Axes, axis: str, labels: Sequence[Any] | None, count: int) -> None:
    """Label positions 0 to `count` - 1 of the axis `"x"` or `"y"`, as many as there is room for.

    Args:
        ax: the axes.
        axis: `"x"`, whose labels are upright, or `"y"`.
        labels: `count` of them, or None for the positions.
        count: how many.
    """
    from matplotlib.ticker import MaxNLocator

    which = ax.xaxis if axis == "x" else ax.yaxis
    if labels is None:
        which.set_major_locator(MaxNLocator(nbins=9, integer=True, min_n_ticks=1))
        return
    shown = [str(label) for label in labels]
    size = ax.get_window_extent()
    inches = (size.width if axis == "x" else size.height) / ax.figure.dpi
    room = max(1, int(inches * 72 / 10))  # points, and the height of a line of 8 points
    step = -(-count // room)
    which.set_ticks(range(0, count, step), shown[::step], fontsize=8, rotation=90 if axis == "x" else 0)


def legend_above(ax: Axes, handles: Sequence[Any] | None = None) -> Any:
    """A legend above the axes, where it hides no values, in as many columns as fit."""
    handles = list(ax.get_legend_handles_labels()[0]) if handles is None else list(handles)
    # A label takes about 0.075 inch per letter, plus 0.6 for its line and the spacing. The constrained layout, which
    # runs later, widens the axes by some 15 %.
    room = 1.15 * ax.get_window_extent().width / ax.figure.dpi
    widths = sum(0.6 + 0.075 * len(str(handle.get_label())) for handle in handles)
    return ax.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=max(1, int(len(handles) * min(1.0, room / widths))) if handles else 1,
        frameon=False,
        borderaxespad=0.2,
    )
