"""Forecasts and backtests over the times of a series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kerazoo._columns import FORECAST, levels_of
from kerazoo._pandas_axis import axis_freq, on_axis
from kerazoo._runtime.optional import needed
from kerazoo._validation import check_int
from kerazoo.errors import InvalidArgumentError
from kerazoo.plots.axes import axes_or_new, legend_above
from kerazoo.plots.series import Interval, Line, check_kinds, one_series, read_forecast, read_line, shown

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["plot_backtest", "plot_forecast"]

_TRUTH_COLOR, _FORECAST_COLOR = "0.3", "tab:blue"
_BAND_OPACITY = 0.2  # of a single interval band
_MOST_FOLDS_IN_LEGEND = 8


@needed("plot_forecast")
def plot_forecast(
    history: pd.Series,
    forecast: pd.Series | pd.DataFrame,
    truth: pd.Series | None = None,
    last: int | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Plot a series and its forecast: intervals shaded, actual values dotted.

    The forecast line starts at the last value before it, which leaves no gap. The legend is above the axes; use
    `ax.figure.suptitle` for a title. All indices must be of one kind: `DatetimeIndex` (drawn in its local time),
    `PeriodIndex` (drawn at the start of each period) or whole numbers.

    Args:
        history: pandas Series (T,), sorted by time. NaN leaves a gap.
        forecast: pandas Series (H,), or DataFrame with the forecast in its first column and pairs of bounds in the
            others: `lower_80` and `upper_80` for an 80 % interval, `lower_95` and `upper_95`, and so on.
        truth: pandas Series, the actual values over the forecast horizon, or None.
        last: int >= 1, how many values of the history to draw; None draws all.
        ax: matplotlib Axes to draw on, also those of `series.plot()`; None creates a figure.

    Returns:
        The Axes. `ax.figure.savefig("forecast.png")` saves the plot.

    Raises:
        InvalidArgumentError: a wrong type, an unsorted index, indices of different kinds, an empty or non-finite
            forecast, an unknown column, or a lower bound above its upper bound.

    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> from kerazoo.datasets import milk
    >>> series = milk()
    >>> ax = plot_forecast(series[:-12], series[-24:-12].shift(12, freq="MS"), truth=series[-12:], last=36)
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['history', 'truth', 'forecast']
    """
    known = read_line("history", history)
    points, intervals = read_forecast("forecast", forecast)
    lines = {"history": known, "forecast": points}
    if truth is not None:
        lines["truth"] = read_line("truth", truth)
    check_kinds({name: line.x for name, line in lines.items()})
    if last is not None:
        start = -check_int("last", last, hint="It is the number of values of the history to draw.")
        known = Line(known.x[start:], known.y[start:])

    ax = axes_or_new(ax)
    ax.plot(on_axis(ax, known.x), known.y, color=_TRUTH_COLOR, label="history", marker=_marker(known))
    if truth is not None:
        actual = _joined(lines["truth"], known)
        x = on_axis(ax, actual.x)
        ax.plot(x, actual.y, color=_TRUTH_COLOR, linestyle=":", linewidth=1.8, label="truth", zorder=2.4)
    joined = _joined(points, known)
    x = on_axis(ax, joined.x)
    ax.plot(x, joined.y, color=_FORECAST_COLOR, label="forecast", marker=_marker(joined), zorder=2.5)
    _shade(ax, intervals, points, known, _FORECAST_COLOR)
    _label(ax, known.x, history, intervals, _FORECAST_COLOR)
    return ax


@needed("plot_backtest")
def plot_backtest(history: pd.Series | pd.DataFrame, folds: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Plot the forecasts of a backtest over the actual values, one colour per fold.

    Args:
        history: pandas Series (T,), the actual values. After its end, `y` of the folds continues the line. For its
            index see :func:`plot_forecast`. A DataFrame of several series, long (`unique_id`, `ds`, `y`) or with a
            column per series, if the folds have a column `series` that says which one they forecast.
        folds: pandas DataFrame with one row per fold and step, and the columns `fold`, `ds` (the time, of the same
            kind as the index of the history), `y` (the actual value, NaN if unknown) and `forecast`, and pairs of
            bounds such as `lower_80` and `upper_80` if there are intervals. Other columns are ignored.
        ax: matplotlib Axes to draw on; None creates a figure.

    Returns:
        The Axes.

    Raises:
        InvalidArgumentError: a wrong type, missing columns, no folds, a fold that contains a time twice, non-finite
            forecasts, a lower bound above its upper bound, or a DataFrame with folds of several series.

    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> import pandas as pd
    >>> from kerazoo.datasets import milk
    >>> series = milk()
    >>> folds = pd.DataFrame({"ds": series.index, "y": series.array, "forecast": series.shift(12).array})[-24:]
    >>> ax = plot_backtest(series[-48:], folds.assign(fold=folds.ds.dt.year))
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['truth', 'fold 1974', 'fold 1975']
    """
    import pandas as pd

    if not isinstance(folds, pd.DataFrame):
        raise InvalidArgumentError(
            f"folds is a {type(folds).__name__}; expected a pandas DataFrame with one row per step."
        )
    needed = ("fold", "ds", "y", FORECAST)
    missing = [name for name in needed if name not in folds.columns]
    if missing or folds.empty:
        wrong = f"lacks {', '.join(missing)}" if missing else "has no rows"
        raise InvalidArgumentError(f"folds {wrong}; expected rows with the columns {', '.join(needed)}.")
    if isinstance(history, pd.DataFrame):
        history = one_series(history, folds)
    known = read_line("history", history)
    bounds = [name for name in folds.columns if levels_of([name])]
    drawn = []
    truth = known
    for name, rows in folds.groupby("fold", sort=True, dropna=False):
        table = rows.set_index(pd.Index(rows["ds"])).sort_index()
        points, intervals = read_forecast(f"fold {name}", table[[FORECAST, *bounds]])
        check_kinds({"history": known.x, f"fold {name}": points.x})
        drawn.append((name, points, intervals))
        actual = read_line(f"y of fold {name}", table["y"])
        later = actual.x > truth.x[-1]
        truth = Line(np.concatenate([truth.x, actual.x[later]]), np.concatenate([truth.y, actual.y[later]]))

    ax = axes_or_new(ax)
    ax.plot(on_axis(ax, truth.x), truth.y, color=_TRUTH_COLOR, label="truth")
    n_before = len(ax.get_lines())
    colors = _fold_colors(len(drawn))
    for (name, points, intervals), color in zip(drawn, colors, strict=True):
        label = f"fold {shown(name)}"
        if len(drawn) > _MOST_FOLDS_IN_LEGEND:
            label = f"forecasts of {len(drawn)} folds" if len(ax.get_lines()) == n_before else "_"
        joined = _joined(points, truth)
        ax.plot(on_axis(ax, joined.x), joined.y, color=color, label=label, marker=_marker(joined), zorder=2.5)
        _shade(ax, intervals, points, truth, color)
    # The legend shows the bands of all folds in grey.
    _label(ax, truth.x, history, drawn[0][2], _TRUTH_COLOR)
    return ax


def _joined(line: Line, known: Line) -> Line:
    """`line`, prepended with the last known value before it, which leaves no gap."""
    before = (known.x < line.x[0]) & np.isfinite(known.y)
    if not before.any():
        return line
    index = np.flatnonzero(before)[-1]
    return Line(np.r_[known.x[index], line.x], np.r_[known.y[index], line.y])


def _shade(ax: Axes, intervals: Sequence[Interval], points: Line, known: Line, color: Any) -> None:
    """Draw intervals as bands that start at the last known value; wider bands are lighter."""
    for i, (_, lower, upper) in enumerate(intervals):
        below, above = (_joined(Line(points.x, bound), known) for bound in (lower, upper))
        # Narrower bands overlap wider ones, which makes them darker.
        x = on_axis(ax, below.x)
        ax.fill_between(x, below.y, above.y, color=color, alpha=_BAND_OPACITY, linewidth=0, zorder=1.5 + i / 99)


def _marker(line: Line) -> str | None:
    """A dot for a single value, which draws no line."""
    return "o" if len(line.x) == 1 else None


def _fold_colors(count: int) -> list[Any]:
    import matplotlib

    if count <= _MOST_FOLDS_IN_LEGEND:
        return [f"C{i}" for i in range(count)]
    return list(matplotlib.colormaps["viridis"](np.linspace(0.0, 0.9, count)))


def _label(ax: Axes, x: NDArray[Any], series: pd.Series, intervals: Sequence[Interval], color: Any) -> None:
    """Set axis labels, ticks and the legend."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
    from matplotlib.patches import Patch
    from matplotlib.ticker import MaxNLocator

    dates = x.dtype.kind == "M"
    if dates and axis_freq(ax) is not None:
        pass  # pandas has its own ticks
    elif dates:
        locator = AutoDateLocator(minticks=4, maxticks=9)
        ax.xaxis.set_major_locator(locator)
        ax.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    else:
        ax.xaxis.set_major_locator(MaxNLocator(nbins=9, integer=True))
    ax.set_xlabel(str(series.index.name or ("time" if dates else "step")))
    ax.set_ylabel(str(series.name if series.name is not None else "value"))
    ax.margins(x=0.01)
    ax.grid(alpha=0.3)
    handles = ax.get_legend_handles_labels()[0]
    for i, interval in enumerate(intervals, start=1):
        shade = 1 - (1 - _BAND_OPACITY) ** i  # of i stacked bands
        handles.append(Patch(color=color, alpha=shade, linewidth=0, label=f"{100 * interval.level:g} % interval"))
    legend_above(ax, handles)
