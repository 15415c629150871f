"""Scores of several models, such as cells: side by side, and against what they cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kerazoo._runtime.optional import needed
from kerazoo._validation import check_choice, check_flag
from kerazoo.errors import InvalidArgumentError
from kerazoo.plots.axes import axes_or_new, legend_above, read_scale

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["plot_scores", "plot_tradeoff"]

_NAMES = ("name", "model", "cell")  # columns that name a row
_SPREADS = ("std", "range")


class _Score(NamedTuple):
    values: NDArray[np.float64]  # (N,) finite
    std: float  # NaN if unknown


@needed("plot_scores")
def plot_scores(
    scores: Any,
    score: str | None = None,
    *,
    name: str | None = None,
    spread: str = "std",
    sort: bool = True,
    log: bool | str = False,
    ax: Axes | None = None,
) -> Axes:
    """Plot the scores of several models as bars, smallest first, with the spread over their runs.

    A bar ends at the mean of the finite values. A model with several values has a dot for each, and a whisker. A model
    with none, because its training diverged, has no bar but the note "no score".

    Args:
        scores: dict from name to a number, or to the numbers of several runs; or a DataFrame with a row for each model
            or run, such as `zoo.compare(...).table`. If it has the column `score` + `_std`, that is the spread.
        score: column of the scores in a DataFrame; None: the only one of numbers.
        name: column of the names in a DataFrame; None: `name`, `model` or `cell`, or the index. Rows of one name are
            runs of one model.
        spread: what the whiskers are: `"std"`, the standard deviation (with N - 1), or `"range"`, from the smallest to
            the largest value.
        sort: bool, whether to sort by the mean; else the order is kept.
        log: whether the scale is logarithmic; `"auto"`: if all values are positive.
        ax: matplotlib Axes to draw on; None creates a figure that has room for all names.

    Returns:
        The Axes.

    Raises:
        InvalidArgumentError: a wrong type, no models, no finite value, an unknown column, or values that are not
            positive on a logarithmic scale.

    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> ax = plot_scores({"gru": [0.2, 0.4], "rnn": [0.5, 0.7], "lstm": 0.1})
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['lstm', 'gru', 'rnn']
    """
    check_choice("spread", spread, _SPREADS)
    check_flag("sort", sort)
    found, title = _read_scores(scores, score, name)
    means = {each: float(one.values.mean()) if len(one.values) else np.nan for each, one in found.items()}
    scale = read_scale(log, np.concatenate([one.values for one in found.values()]))
    order = sorted(found, key=lambda each: (np.isnan(means[each]), means[each])) if sort else list(found)
    whiskers = np.array([_whisker(found[each], means[each], spread) for each in order]).T

    ax = axes_or_new(ax, width=7.0, height=1.2 + 0.25 * len(order))
    rows = np.arange(len(order))
    drawn = [means[each] for each in order]
    ax.barh(rows, drawn, height=0.7, color="tab:blue", alpha=0.5, zorder=1)
    several = np.isfinite(whiskers).all(axis=0)
    if several.any():
        text = "standard deviation" if spread == "std" else "smallest to largest"
        ax.errorbar(
            np.array(drawn)[several], rows[several], xerr=whiskers[:, several], fmt="none", ecolor="0.2", capsize=3,
            label=text, zorder=2,
        )  # fmt: skip
    dots = [
        (value, row) for row, each in enumerate(order) for value in found[each].values if len(found[each].values) > 1
    ]
    if dots:
        values, places = zip(*dots, strict=True)
        ax.scatter(values, places, s=10, color="tab:blue", zorder=3, label="a run")
    ax.set_xscale(scale)
    for row, each in enumerate(order):
        if np.isnan(means[each]):
            ax.annotate("no score", (0, row), xytext=(4, 0), xycoords=("axes fraction", "data"), va="center",
                        textcoords="offset points", fontsize=8, color="0.4")  # fmt: skip
    ax.set_yticks(rows, order)
    ax.set_ylim(len(order) - 0.4, -0.6)  # the first one at the top
    ax.set_xlabel(title)
    ax.grid(alpha=0.3, axis="x")
    if several.any() or dots:
        legend_above(ax)
    return ax


@needed("plot_tradeoff")
def plot_tradeoff(
    scores: pd.DataFrame | Mapping[str, tuple[float, float]],
    x: str = "seconds",
    y: str = "validation_loss",
    *,
    name: str | None = None,
    log: bool | str = "auto",
    fontsize: float = 8.0,
    ax: Axes | None = None,
) -> Axes:
    """Plot the error of several models against what it costs, with labels that do not overlap.

    A line joins the models that no other one betters in both; those are labelled first. Where a label has no room, the
    model stays a dot, and the legend says how many do.

    Args:
        scores: DataFrame with a row for each model or run, such as `zoo.compare(...).table`; or a dict from name to
            (cost, error). Rows of one name are averaged; those with a non-finite value are left out.
        x: column of the costs, less is better: `seconds`, `parameters`. Of a dict, the label of the axis.
        y: column of the errors, less is better. Of a dict, the label of the axis.
        name: column of the names; None: `name`, `model` or `cell`, or the index.
        log: whether the scales are logarithmic; `"auto"`: each if all of its values are positive.
        fontsize: float > 0, of the labels, in points.
        ax: matplotlib Axes to draw on; None creates a figure.

    Returns:
        The Axes. Its first collection has the models in their order, its first line those that are best.

    Raises:
        InvalidArgumentError: a wrong type, an unknown column, no model with finite values, or values that are not
            positive with `log=True`.

    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> ax = plot_tradeoff({"rnn": (1.0, 0.5), "gru": (2.0, 0.2), "lstm": (3.0, 0.3)}, y="error")
    >>> ax.get_lines()[0].get_xydata().tolist()
    [[1.0, 0.5], [2.0, 0.2]]
    """
    names, points = _read_points(scores, x, y, name)
    scales = [read_scale(log, values) for values in points.T]
    best = _best(points)

    from kerazoo.plots.labels import Labels

    ax = axes_or_new(ax, width=8.0, height=5.0)
    ax.plot(*points[best].T, color="tab:red", linewidth=1.0, alpha=0.7, label="best for the cost", zorder=1)
    is_best = np.isin(np.arange(len(points)), best)
    ax.scatter(
        points[:, 0],
        points[:, 1],
        s=18,
        c=["tab:red" if each else "tab:gray" for each in is_best],
        label=f"{len(names)} models",
        zorder=2,
    )
    ax.set_xscale(scales[0])
    ax.set_yscale(scales[1])
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    ax.margins(0.1)
    ax.grid(alpha=0.3)
    order = [*best, *np.flatnonzero(~is_best)]
    placed = Labels(ax, points[order], [names[i] for i in order], distance=4.0, fontsize=fontsize)
    placed.report_in(legend_above(ax).get_texts()[-1], "labels")
    ax.figure.canvas.figure.draw_without_rendering()  # places the labels, so that the legend is right at once
    return ax


def _whisker(score: _Score, mean: float, spread: str) -> tuple[float, float]:
    """How far the whisker reaches below and above the mean; NaN for none."""
    if spread == "range" and len(score.values) > 1:
        return mean - score.values.min(), score.values.max() - mean
    std = score.std if spread == "std" else np.nan
    return std, std


def _read_scores(scores: Any, score: str | None, name: str | None) -> tuple[dict[str, _Score], str]:
    """Name -> finite values and their standard deviation; and what they are."""
    import pandas as pd

    stds: dict[str, float] = {}
    if isinstance(scores, Mapping):
        found = {str(each): _values(str(each), values) for each, values in scores.items()}
        title = score or "score"
    elif isinstance(scores, pd.DataFrame):
        title = _score_column(scores, score)
        found = {}
        for each, rows in scores.groupby(_names_of(scores, name), sort=False, observed=True, dropna=False):
            found[str(each)] = _values(f"{title} of {each}", rows[title])
            if f"{title}_std" in scores.columns and len(rows) == 1:
                stds[str(each)] = float(rows[f"{title}_std"].iloc[0])
    else:
        raise InvalidArgumentError(f"scores is a {type(scores).__name__}; expected a dict of numbers or a DataFrame.")
    if not any(len(values) for values in found.values()):
        raise InvalidArgumentError(f"scores has {len(found)} models and no finite value; expected at least one.")
    result = {}
    for each, values in found.items():
        std = float(values.std(ddof=1)) if len(values) > 1 else np.nan
        result[each] = _Score(values, stds.get(each, std))
    return result, title


def _values(name: str, values: Any) -> NDArray[np.float64]:
    """The finite ones."""
    try:
        array = np.atleast_1d(np.asarray(values, np.float64))
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(f"{name} is not numeric ({error}); expected a number, or those of runs.") from None
    if array.ndim > 1:
        raise InvalidArgumentError(f"{name} has shape {array.shape}; expected a number, or those of several runs.")
    return array[np.isfinite(array)]


def _score_column(table: pd.DataFrame, score: str | None) -> str:
    import pandas as pd

    numeric = [str(each) for each in table.columns if pd.api.types.is_numeric_dtype(table[each])]
    if score is not None:
        return check_choice("score", score, numeric)
    if len(numeric) != 1:
        raise InvalidArgumentError(
            f"scores has the numeric columns {', '.join(numeric) or 'none'}; expected one, or score= with its name."
        )
    return numeric[0]


def _names_of(table: pd.DataFrame, name: str | None) -> Any:
    """The names of the rows, as a key to group by."""
    columns = [str(each) for each in table.columns]
    if name is not None:
        return check_choice("name", name, columns)
    return next((each for each in _NAMES if each in columns), table.index)


def _read_points(scores: Any, x: str, y: str, name: str | None) -> tuple[list[str], NDArray[np.float64]]:
    """The names, and their finite (cost, error), float64 (N, 2)."""
    import pandas as pd

    if isinstance(scores, Mapping):
        named = {str(each): np.asarray(pair, np.float64) for each, pair in scores.items()}
        for each, pair in named.items():
            if pair.shape != (2,):
                raise InvalidArgumentError(f"{each!r} has shape {pair.shape}; expected (cost, error).")
    elif isinstance(scores, pd.DataFrame):
        for each, column in (("x", x), ("y", y)):
            check_choice(each, column, [str(label) for label in scores.columns])
        means = scores.groupby(_names_of(scores, name), sort=False, observed=True)[[x, y]].mean()
        named = {str(each): row for each, row in zip(means.index, means.to_numpy(np.float64), strict=True)}
    else:
        raise InvalidArgumentError(f"scores is a {type(scores).__name__}; expected a DataFrame, or a dict of pairs.")
    finite = {each: pair for each, pair in named.items() if np.isfinite(pair).all()}
    if not finite:
        raise InvalidArgumentError(f"scores has {len(named)} models, none with finite values; expected at least one.")
    return list(finite), np.stack(list(finite.values()))


def _best(points: NDArray[np.float64]) -> list[int]:
    """Indices of the points that no other betters in both coordinates, by the first one."""
    found: list[int] = []
    for i in np.lexsort(points.T[::-1]).tolist():
        if not found or points[i, 1] < points[found[-1], 1]:
            found.append(i)
    return found
