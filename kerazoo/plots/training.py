"""Losses of trainings: by epoch, and by seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kerazoo._runtime.optional import needed
from kerazoo._validation import check_choice
from kerazoo.errors import InvalidArgumentError
from kerazoo.plots.axes import axes_or_new, read_curve, read_scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_comparison", "plot_history"]


_NO_LOSSES = ("seconds", "words_per_second")  # in `history_` of word vectors


@needed("plot_history")
def plot_history(
    history: Any, ax: Axes | None = None, *, curves: Sequence[str] | None = None, log: bool | str = "auto"
) -> Axes:
    """Plot losses and metrics per epoch, validation dashed.

    Args:
        history: name to values, one per epoch: a dict as `fit(...).history` of Keras; the object that Keras's `fit`
            returns; or a fitted estimator with `history_`. `val_loss` has the colour of `loss`. Non-finite values, as
            from a training that diverged, leave a gap.
        ax: matplotlib Axes to draw on; None creates a figure.
        curves: names of the curves to draw, in this order, each with its validation. None draws all; of word vectors
            not `seconds` and `words_per_second`, which are no losses.
        log: whether the scale is logarithmic; `"auto"`: if all values are positive.

    Returns:
        The Axes.

    Raises:
        InvalidArgumentError: not a mapping, no curves, no epochs, an unknown curve, curves of different lengths, values
            that are not numbers, or not positive with `log=True`.

    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> ax = plot_history({"loss": [1.0, 0.1, 0.01], "val_loss": [1.0, 0.2, 0.1]})
    >>> ax.get_yscale(), ax.get_ylabel()
    ('log', 'loss')
    """
    from matplotlib.ticker import MaxNLocator

    found = {name: read_curve(name, values) for name, values in _chosen(_mapping_of(history), curves).items()}
    lengths = {name: len(curve) for name, curve in found.items()}
    if not found or len(set(lengths.values())) > 1 or 0 in lengths.values():
        raise InvalidArgumentError(
            f"history has curves of these lengths: {lengths}; expected at least one, each with one value per epoch. "
            "Plot curves of other lengths separately."
        )
    scale = read_scale(log, np.concatenate(list(found.values())))
    ax = axes_or_new(ax, width=7.0)
    epochs = np.arange(1, next(iter(lengths.values())) + 1)
    plain = list(dict.fromkeys(name.removeprefix("val_") for name in found))
    marker = "o" if len(epochs) == 1 else None
    for name, curve in found.items():
        validation = name.startswith("val_")
        color = f"C{plain.index(name.removeprefix('val_')) % 10}"
        ax.plot(epochs, curve, color=color, linestyle="--" if validation else "-", marker=marker, label=name)
    ax.set_yscale(scale)
    ax.xaxis.set_major_locator(MaxNLocator(nbins=10, integer=True, min_n_ticks=1))
    ax.set_xlabel("epoch")
    ax.margins(x=0.01)
    ax.set_ylabel(plain[0] if len(plain) == 1 else "value")
    ax.grid(alpha=0.3)
    ax.legend(frameon=False)
    return ax


def _mapping_of(history: Any) -> Mapping[Any, Any]:
    """The curves of a dict, of Keras's History, or of an estimator."""
    for name in ("history_", "history"):
        if not isinstance(history, Mapping) and isinstance(getattr(history, name, None), Mapping):
            history = getattr(history, name)
    if not isinstance(history, Mapping):
        fitted = " It is not fitted: call fit first." if hasattr(history, "fit") else ""
        raise InvalidArgumentError(
            f"history is a {type(history).__name__}; expected a dict of curves, like fit(...).history of Keras, or a "
            f"fitted estimator.{fitted}"
        )
    return history


def _chosen(history: Mapping[Any, Any], curves: Sequence[str] | None) -> dict[str, Any]:
    """The curves to draw by name."""
    found = {str(name): values for name, values in history.items()}
    if curves is None:
        return {name: values for name, values in found.items() if name not in _NO_LOSSES} or found
    chosen: dict[str, Any] = {}
    for name in [curves] if isinstance(curves, str) else curves:
        check_choice("curves", name, found)
        both = (name, name if name.startswith("val_") else f"val_{name}")
        chosen |= {each: found[each] for each in both if each in found}
    return chosen


@needed("plot_comparison")
def plot_comparison(curves: Mapping[str, tuple[Any, Any]], ax: Axes | None = None) -> Axes:
    """Plot losses over the seconds of training, one curve per model, on a logarithmic scale.

    The legend is to the right of the axes, in the order of the curves, with the last loss of each.

    Args:
        curves: name -> (seconds, losses), (N,) each, the seconds rising, as of `zoo.compare(...).curves()`. Losses that
            are not finite leave a gap, those that are not positive too.
        ax: matplotlib Axes to draw on; None creates a figure.

    Returns:
        The Axes.

    Raises:
        InvalidArgumentError: not a mapping, no curves, values that are not numbers, or other lengths of seconds than of
            losses.

    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> ax = plot_comparison({"gru_1x32": ([1, 2, 3], [0.1, 0.02, 0.01]), "rnn_1x32": ([1, 2, 3], [0.2, 0.1, 0.05])})
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['0.01   gru_1x32', '0.05   rnn_1x32']
    """
    if not isinstance(curves, Mapping) or not curves:
        raise InvalidArgumentError(
            f"curves={curves!r:.60}; expected a dict with at least one curve: name -> (seconds, losses)."
        )
    checked = {}
    for name, pair in curves.items():
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise InvalidArgumentError(f"curve {name!r} is {pair!r:.60}; expected (seconds, losses).")
        seconds, losses = (read_curve(str(name), values) for values in pair)
        if len(seconds) != len(losses) or not len(seconds):
            raise InvalidArgumentError(
                f"curve {name!r} has {len(seconds)} seconds and {len(losses)} losses; expected as many, at least one."
            )
        checked[str(name)] = (seconds, np.where(losses > 0, losses, np.nan))
    ax = axes_or_new(ax)
    styles = ("-", "--", ":", "-.")
    for i, (name, (seconds, losses)) in enumerate(checked.items()):
        finite = losses[np.isfinite(losses)]
        ax.plot(
            seconds,
            losses,
            color=f"C{i % 10}",
            linestyle=styles[i // 10 % len(styles)],
            marker="o" if len(finite) == 1 else None,
            linewidth=1.4,
            label=f"{finite[-1] if len(finite) else np.nan:.2g}   {name}",
        )
    ax.set_yscale("log")
    ax.set_xlabel("seconds of training")
    ax.set_ylabel("validation loss")
    ax.margins(x=0.01)
    ax.grid(alpha=0.3)
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize="small", borderaxespad=0.2)
    return ax
