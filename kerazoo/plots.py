"""Plots of forecasts, backtests and losses, drawn with matplotlib."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kerazoo._columns import FORECAST, bound_columns, levels_of
from kerazoo._pandas_axis import axis_freq, on_axis
from kerazoo._runtime.optional import needed
from kerazoo._validation import check_int
from kerazoo.errors import InvalidArgumentError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["plot_backtest", "plot_comparison", "plot_forecast", "plot_history"]

_TRUTH_COLOR, _FORECAST_COLOR = "0.3", "tab:blue"
_BAND_OPACITY = 0.2  # of a single interval band
_INDEX_KINDS = {"M": "dates", "i": "whole numbers", "u": "whole numbers"}  # by NumPy dtype kind
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
    known = _line("history", history)
    points, intervals = _forecast("forecast", forecast)
    lines = {"history": known, "forecast": points}
    if truth is not None:
        lines["truth"] = _line("truth", truth)
    _check_kinds({name: line.x for name, line in lines.items()})
    if last is not None:
        start = -check_int("last", last, hint="It is the number of values of the history to draw.")
        known = _Line(known.x[start:], known.y[start:])

    ax = _axes(ax)
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
        history = _one_series(history, folds)
    known = _line("history", history)
    bounds = [name for name in folds.columns if levels_of([name])]
    drawn = []
    truth = known
    for name, rows in folds.groupby("fold", sort=True, dropna=False):
        table = rows.set_index(pd.Index(rows["ds"])).sort_index()
        points, intervals = _forecast(f"fold {name}", table[[FORECAST, *bounds]])
        _check_kinds({"history": known.x, f"fold {name}": points.x})
        drawn.append((name, points, intervals))
        actual = _line(f"y of fold {name}", table["y"])
        later = actual.x > truth.x[-1]
        truth = _Line(np.concatenate([truth.x, actual.x[later]]), np.concatenate([truth.y, actual.y[later]]))

    ax = _axes(ax)
    ax.plot(on_axis(ax, truth.x), truth.y, color=_TRUTH_COLOR, label="truth")
    n_before = len(ax.get_lines())
    colors = _fold_colors(len(drawn))
    for (name, points, intervals), color in zip(drawn, colors, strict=True):
        label = f"fold {_shown(name)}"
        if len(drawn) > _MOST_FOLDS_IN_LEGEND:
            label = f"forecasts of {len(drawn)} folds" if len(ax.get_lines()) == n_before else "_"
        joined = _joined(points, truth)
        ax.plot(on_axis(ax, joined.x), joined.y, color=color, label=label, marker=_marker(joined), zorder=2.5)
        _shade(ax, intervals, points, truth, color)
    # The legend shows the bands of all folds in grey.
    _label(ax, truth.x, history, drawn[0][2], _TRUTH_COLOR)
    return ax


@needed("plot_history")
def plot_history(history: Mapping[str, Sequence[float]], ax: Axes | None = None) -> Axes:
    """Plot losses and metrics per epoch: validation dashed, on a logarithmic scale if all values are positive.

    Args:
        history: name to values, one per epoch, as in `fit(...).history` of Keras. `val_loss` has the colour of
            `loss`. Non-finite values, as from a training that diverged, leave a gap.
        ax: matplotlib Axes to draw on; None creates a figure.

    Returns:
        The Axes.

    Raises:
        InvalidArgumentError: not a mapping, no curves, no epochs, curves of different lengths, or values that are not
            numbers.

    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> ax = plot_history({"loss": [1.0, 0.1, 0.01], "val_loss": [1.0, 0.2, 0.1]})
    >>> ax.get_yscale(), ax.get_ylabel()
    ('log', 'loss')
    """
    from matplotlib.ticker import MaxNLocator

    if not isinstance(history, Mapping):
        raise InvalidArgumentError(
            f"history is a {type(history).__name__}; expected a dict of curves, like fit(...).history of Keras."
        )
    curves = {str(name): _curve(str(name), values) for name, values in history.items()}
    lengths = {name: len(curve) for name, curve in curves.items()}
    if not curves or len(set(lengths.values())) > 1 or 0 in lengths.values():
        raise InvalidArgumentError(
            f"history has curves of these lengths: {lengths}; expected at least one, each with one value per epoch. "
            "Plot curves of other lengths separately."
        )
    ax = _axes(ax, width=7.0)
    epochs = np.arange(1, next(iter(lengths.values())) + 1)
    plain = list(dict.fromkeys(name.removeprefix("val_") for name in curves))
    marker = "o" if len(epochs) == 1 else None
    for name, curve in curves.items():
        validation = name.startswith("val_")
        color = f"C{plain.index(name.removeprefix('val_')) % 10}"
        ax.plot(epochs, curve, color=color, linestyle="--" if validation else "-", marker=marker, label=name)
    finite = np.concatenate([curve[np.isfinite(curve)] for curve in curves.values()])
    if len(finite) and (finite > 0).all():
        ax.set_yscale("log")
    ax.xaxis.set_major_locator(MaxNLocator(nbins=10, integer=True, min_n_ticks=1))
    ax.set_xlabel("epoch")
    ax.margins(x=0.01)
    ax.set_ylabel(plain[0] if len(plain) == 1 else "value")
    ax.grid(alpha=0.3)
    ax.legend(frameon=False)
    return ax


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
        seconds, losses = (_curve(str(name), values) for values in pair)
        if len(seconds) != len(losses) or not len(seconds):
            raise InvalidArgumentError(
                f"curve {name!r} has {len(seconds)} seconds and {len(losses)} losses; expected as many, at least one."
            )
        checked[str(name)] = (seconds, np.where(losses > 0, losses, np.nan))
    ax = _axes(ax)
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


class _Line(NamedTuple):
    """Values over times."""

    x: NDArray[Any]  # datetime64 or integers (N,)
    y: NDArray[np.float64]  # (N,)


class _Interval(NamedTuple):
    """The bounds of a forecast interval, (H,) each."""

    level: float
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]


def _axes(ax: Axes | None, width: float = 9.0) -> Axes:
    """`ax` itself, or the axes of a new figure."""
    import matplotlib.pyplot as plt
    from matplotlib.axes import Axes

    if ax is None:
        return plt.subplots(figsize=(width, 4.0), layout="constrained")[1]
    if not isinstance(ax, Axes):
        raise InvalidArgumentError(f"ax is a {type(ax).__name__}; expected matplotlib Axes, or None for new ones.")
    return ax


def _line(name: str, series: Any) -> _Line:
    """A Series as float64 values over strictly rising times."""
    import pandas as pd

    if not isinstance(series, pd.Series):
        raise InvalidArgumentError(f"{name} is a {type(series).__name__}; expected a pandas Series over its times.")
    if series.empty:
        raise InvalidArgumentError(f"{name} is empty; expected at least one value.")
    try:
        y = series.to_numpy(np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(f"{name} has values that are not numbers ({error}); expected floats.") from None
    if np.isinf(y).any():
        raise InvalidArgumentError(f"{name} is infinite at {_shown(series.index[np.isinf(y)][0])}; expected numbers.")
    return _Line(_times(name, series.index), y)


def _one_series(table: pd.DataFrame, folds: pd.DataFrame) -> pd.Series:
    """The series of a long or wide frame that the folds forecast."""
    labels = list(folds["series"].unique()) if "series" in folds.columns else []
    if len(labels) != 1:
        found = f"the series {', '.join(map(str, labels[:5]))}" if labels else "no column series"
        raise InvalidArgumentError(
            f"history is a DataFrame and folds has {found}; expected the folds of one series, such as "
            "folds[folds['series'] == label], or a pandas Series as history."
        )
    label = labels[0]
    if {"unique_id", "ds", "y"} <= set(table.columns):
        rows = table[table["unique_id"] == label]
        known, series = list(table["unique_id"].unique()), rows.set_index("ds")["y"].sort_index().rename(label)
    else:
        known, series = list(table.columns), table[label] if label in table.columns else table.iloc[:0, 0]
    if label not in known:
        raise InvalidArgumentError(
            f"folds has the series {label!r}, history {', '.join(map(repr, known[:5]))}; expected the same series."
        )
    return series


def _times(name: str, index: pd.Index) -> NDArray[Any]:
    """The index as strictly rising datetime64 values or integers."""
    import pandas as pd

    if isinstance(index, pd.PeriodIndex):
        index = index.to_timestamp()
    if isinstance(index, pd.DatetimeIndex):
        index = index.tz_localize(None)
    elif not pd.api.types.is_integer_dtype(index.dtype):
        raise InvalidArgumentError(
            f"the index of {name} is a {type(index).__name__} of {index.dtype}; expected a DatetimeIndex, a "
            "PeriodIndex or whole numbers. pd.to_datetime makes dates of strings."
        )
    if index.hasnans or not index.is_monotonic_increasing or not index.is_unique:
        raise InvalidArgumentError(
            f"the index of {name} does not rise strictly; expected each time once, in order. "
            "sort_index() sorts a Series."
        )
    return np.asarray(index)


def _check_kinds(times: Mapping[str, NDArray[Any]]) -> None:
    kinds = {name: _INDEX_KINDS.get(x.dtype.kind, str(x.dtype)) for name, x in times.items()}
    if len(set(kinds.values())) > 1:
        shown = ", ".join(f"{name} {kind}" for name, kind in kinds.items())
        raise InvalidArgumentError(f"the indices are of different kinds: {shown}; expected the same kind in all.")


def _forecast(name: str, table: Any) -> tuple[_Line, list[_Interval]]:
    """The point forecast, and its intervals, widest first."""
    import pandas as pd

    if isinstance(table, pd.Series):
        table = table.to_frame(FORECAST)
    if not isinstance(table, pd.DataFrame) or table.shape[1] == 0:
        raise InvalidArgumentError(
            f"{name} is a {type(table).__name__}; expected a pandas Series, or a DataFrame with the forecast first."
        )
    if not table.columns.is_unique:
        raise InvalidArgumentError(f"{name} has the columns {list(table.columns)}; expected each label once.")
    lines = {str(column): _line(f"{name}, column {column}", table.iloc[:, i]) for i, column in enumerate(table.columns)}
    for column, line in lines.items():
        if np.isnan(line.y).any():
            time = _shown(table.index[np.isnan(line.y)][0])
            raise InvalidArgumentError(f"{name}, column {column}, is nan at {time}; expected finite numbers.")
    points, *others = lines
    for column in others:
        if not levels_of([column]):
            raise InvalidArgumentError(
                f"{name} has the column {column!r}; expected pairs like lower_80 and upper_80 after the forecast."
            )
    intervals = []
    for level in reversed(levels_of(others)):
        present = [column for column in bound_columns(level) if column in others]
        if len(present) == 1:
            raise InvalidArgumentError(f"{name} has only {present[0]}; expected lower and upper bounds.")
        lower, upper = (lines[column].y for column in present)
        if (lower > upper).any():
            time = _shown(table.index[lower > upper][0])
            raise InvalidArgumentError(
                f"{name}: {present[0]} is above {present[1]} at {time}; expected lower <= upper. Were they swapped?"
            )
        intervals.append(_Interval(level, lower, upper))
    return lines[points], intervals


def _joined(line: _Line, known: _Line) -> _Line:
    """`line`, prepended with the last known value before it, which leaves no gap."""
    before = (known.x < line.x[0]) & np.isfinite(known.y)
    if not before.any():
        return line
    index = np.flatnonzero(before)[-1]
    return _Line(np.r_[known.x[index], line.x], np.r_[known.y[index], line.y])


def _shade(ax: Axes, intervals: Sequence[_Interval], points: _Line, known: _Line, color: Any) -> None:
    """Draw intervals as bands that start at the last known value; wider bands are lighter."""
    for i, (_, lower, upper) in enumerate(intervals):
        below, above = (_joined(_Line(points.x, bound), known) for bound in (lower, upper))
        # Narrower bands overlap wider ones, which makes them darker.
        x = on_axis(ax, below.x)
        ax.fill_between(x, below.y, above.y, color=color, alpha=_BAND_OPACITY, linewidth=0, zorder=1.5 + i / 99)


def _marker(line: _Line) -> str | None:
    """A dot for a single value, which draws no line."""
    return "o" if len(line.x) == 1 else None


def _fold_colors(count: int) -> list[Any]:
    import matplotlib

    if count <= _MOST_FOLDS_IN_LEGEND:
        return [f"C{i}" for i in range(count)]
    return list(matplotlib.colormaps["viridis"](np.linspace(0.0, 0.9, count)))


def _label(ax: Axes, x: NDArray[Any], series: pd.Series, intervals: Sequence[_Interval], color: Any) -> None:
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
    # As many columns as fit. A label takes about 0.075 inch per letter, plus 0.6 for its line and the spacing. The
    # constrained layout, which runs later, widens the axes by some 15 %.
    room = 1.15 * ax.get_window_extent().width / ax.figure.dpi
    needed = sum(0.6 + 0.075 * len(str(handle.get_label())) for handle in handles)
    columns = int(len(handles) * min(1.0, room / needed))
    # Above the axes, where the legend hides no values.
    ax.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=max(1, columns),
        frameon=False,
        borderaxespad=0.2,
    )


def _shown(time: Any) -> str:
    """A time as a short string: without the hour if it is midnight."""
    return str(time).removesuffix(" 00:00:00")


def _curve(name: str, values: Any) -> NDArray[np.float64]:
    try:
        curve = np.asarray(values, np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(f"curve {name!r} is not a sequence of numbers ({error}); expected floats.") from None
    if curve.ndim != 1:
        raise InvalidArgumentError(
            f"curve {name!r} has shape {curve.shape}; expected one value per epoch, (n_epochs,)."
        )
    return curve
