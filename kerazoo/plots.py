"""Pictures of results: forecasts, backtests and losses, drawn with matplotlib."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kerazoo._validation import check_int
from kerazoo.errors import InvalidArgumentError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["plot_backtest", "plot_forecast", "plot_history"]

_KNOWN, _FORETOLD = "0.3", "tab:blue"
# Of a band of an interval alone.
_OPACITY = 0.2
_BOUND = re.compile(r"(lower|upper)_(\d+(?:\.\d+)?)")
_KINDS = {"M": "dates", "i": "whole numbers", "u": "whole numbers"}
# Folds up to this many have a line each in the legend.
_FOLDS_NAMED = 8


def plot_forecast(
    history: pd.Series,
    forecast: pd.Series | pd.DataFrame,
    truth: pd.Series | None = None,
    last: int | None = None,
    ax: Axes | None = None,
) -> Axes:
    """The end of a series and its forecast, with the intervals shaded and what happened dotted.

    The forecast starts in the last value before it, so that no gap is left. The legend is above the axes: for a title,
    `ax.figure.suptitle`. The index is a `DatetimeIndex` (drawn by its own local time), a `PeriodIndex` (drawn at the
    start of the periods) or one of whole numbers, and of the same kind in all.

    Args:
        history: pandas Series (T,), in order of time; gaps (NaN) are left open.
        forecast: pandas Series (H,), or DataFrame whose first column is the forecast and whose others are pairs of
            `lower_80` and `upper_80` for intervals of 80 %, `lower_95`, `upper_95` and so on.
        truth: pandas Series, what happened in the time of the forecast, or None.
        last: int >= 1 or None, values of the history that are drawn; None draws all.
        ax: matplotlib Axes to draw on; None makes a figure of its own.

    Returns:
        the Axes. `ax.figure.savefig("forecast.png")` writes them.

    Raises:
        InvalidArgumentError: other types, an index that is unsorted or of another kind, a forecast that is empty or
            not finite, an unknown column, or a lower bound above its upper.

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
        start = -check_int("last", last, hint="It is the number of values of the history that are drawn.")
        known = _Line(known.x[start:], known.y[start:])

    ax = _axes(ax)
    ax.plot(known.x, known.y, color=_KNOWN, label="history", marker=_marker(known))
    if truth is not None:
        happened = _joined(lines["truth"], known)
        ax.plot(happened.x, happened.y, color=_KNOWN, linestyle=":", linewidth=1.8, label="truth", zorder=2.4)
    joined = _joined(points, known)
    ax.plot(joined.x, joined.y, color=_FORETOLD, label="forecast", marker=_marker(joined), zorder=2.5)
    _shade(ax, intervals, points, known, _FORETOLD)
    _label(ax, known.x, history, intervals, _FORETOLD)
    return ax


def plot_backtest(history: pd.Series, folds: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """The forecasts of a backtest over what happened, a colour for each fold.

    Args:
        history: pandas Series (T,), the truth; where it ends, `y` of the folds goes on. The index as for
            :func:`plot_forecast`.
        folds: pandas DataFrame with a row for each fold and step, and the columns `fold`, `ds` (the time, of the kind
            of the history's index), `y` (what happened, NaN where unknown), `forecast`, and pairs `lower_80`,
            `upper_80` or the like if there are intervals. Other columns are not looked at.
        ax: matplotlib Axes to draw on; None makes a figure of its own.

    Returns:
        the Axes.

    Raises:
        InvalidArgumentError: other types, missing columns, no folds, a fold that has a time twice, forecasts that are
            not finite, or a lower bound above its upper.

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

    known = _line("history", history)
    if not isinstance(folds, pd.DataFrame):
        raise InvalidArgumentError(f"folds is a {type(folds).__name__}; expected a pandas DataFrame, a row a step.")
    needed = ("fold", "ds", "y", "forecast")
    missing = [name for name in needed if name not in folds.columns]
    if missing or folds.empty:
        wrong = f"lacks {', '.join(missing)}" if missing else "has no rows"
        raise InvalidArgumentError(f"folds {wrong}; expected rows with the columns {', '.join(needed)}.")
    bounds = [name for name in folds.columns if _BOUND.fullmatch(str(name))]
    drawn = []
    truth = known
    for name, rows in folds.groupby("fold", sort=True, dropna=False):
        table = rows.set_index(pd.Index(rows["ds"])).sort_index()
        points, intervals = _forecast(f"fold {name}", table[["forecast", *bounds]])
        _check_kinds({"history": known.x, f"fold {name}": points.x})
        drawn.append((name, points, intervals))
        happened = _line(f"y of fold {name}", table["y"])
        later = happened.x > truth.x[-1]
        truth = _Line(np.concatenate([truth.x, happened.x[later]]), np.concatenate([truth.y, happened.y[later]]))

    ax = _axes(ax)
    ax.plot(truth.x, truth.y, color=_KNOWN, label="truth")
    colors = _fold_colors(len(drawn))
    for (name, points, intervals), color in zip(drawn, colors, strict=True):
        label = f"fold {_shown(name)}"
        if len(drawn) > _FOLDS_NAMED:
            label = f"forecasts of {len(drawn)} folds" if not ax.get_lines()[1:] else "_"
        joined = _joined(points, truth)
        ax.plot(joined.x, joined.y, color=color, label=label, marker=_marker(joined), zorder=2.5)
        _shade(ax, intervals, points, truth, color)
    # Grey stands for the bands of all folds.
    _label(ax, truth.x, history, drawn[0][2], _KNOWN)
    return ax


def plot_history(history: Mapping[str, Sequence[float]], ax: Axes | None = None) -> Axes:
    """Losses and metrics by epoch: validation dashed, on a logarithmic scale if all values are positive.

    Args:
        history: values by name, one an epoch, as in `fit(...).history` of Keras. `val_loss` gets the colour of `loss`.
            Values that are not finite, as of a training that diverged, are left open.
        ax: matplotlib Axes to draw on; None makes a figure of its own.

    Returns:
        the Axes.

    Raises:
        InvalidArgumentError: no mapping, no curves, no epochs, curves of unequal length, or no numbers.

    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> ax = plot_history({"loss": [1.0, 0.1, 0.01], "val_loss": [1.0, 0.2, 0.1]})
    >>> ax.get_yscale(), ax.get_ylabel()
    ('log', 'loss')
    """
    from matplotlib.ticker import MaxNLocator

    if not isinstance(history, Mapping):
        raise InvalidArgumentError(
            f"history is a {type(history).__name__}; expected a dict of curves, as fit(...).history of Keras is."
        )
    curves = {str(name): _curve(str(name), values) for name, values in history.items()}
    lengths = {name: len(curve) for name, curve in curves.items()}
    if not curves or len(set(lengths.values())) > 1 or 0 in lengths.values():
        raise InvalidArgumentError(
            f"history has curves of these lengths: {lengths}; expected at least one, and a value an epoch in each. "
            "Draw curves of other lengths on their own."
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


class _Line(NamedTuple):
    x: NDArray[Any]  # datetime64 or integers (N,)
    y: NDArray[np.float64]  # (N,)


class _Interval(NamedTuple):
    level: str  # in percent, as in the name of the column
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]


def _axes(ax: Axes | None, width: float = 9.0) -> Axes:
    """The axes to draw on: those given, or new ones."""
    import matplotlib.pyplot as plt
    from matplotlib.axes import Axes

    if ax is None:
        return plt.subplots(figsize=(width, 4.0), layout="constrained")[1]
    if not isinstance(ax, Axes):
        raise InvalidArgumentError(f"ax is a {type(ax).__name__}; expected matplotlib Axes, or None for new ones.")
    return ax


def _line(name: str, series: Any) -> _Line:
    """A Series as numbers over times that rise."""
    import pandas as pd

    if not isinstance(series, pd.Series):
        raise InvalidArgumentError(f"{name} is a {type(series).__name__}; expected a pandas Series over its times.")
    if series.empty:
        raise InvalidArgumentError(f"{name} is empty; expected at least one value.")
    try:
        y = series.to_numpy(np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(f"{name} has values that are no numbers ({error}); expected floats.") from None
    if np.isinf(y).any():
        raise InvalidArgumentError(f"{name} is infinite at {_shown(series.index[np.isinf(y)][0])}; expected numbers.")
    return _Line(_times(name, series.index), y)


def _times(name: str, index: pd.Index) -> NDArray[Any]:
    """The index as datetime64 or integers, which rise."""
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
            f"the index of {name} does not rise from each value to the next; expected each time once, in order. "
            "sort_index() puts them in order."
        )
    return np.asarray(index)


def _check_kinds(times: Mapping[str, NDArray[Any]]) -> None:
    kinds = {name: _KINDS.get(x.dtype.kind, str(x.dtype)) for name, x in times.items()}
    if len(set(kinds.values())) > 1:
        shown = ", ".join(f"{name} {kind}" for name, kind in kinds.items())
        raise InvalidArgumentError(f"the indices are of different kinds: {shown}; expected the same kind in all.")


def _forecast(name: str, table: Any) -> tuple[_Line, list[_Interval]]:
    """The points of a forecast, and its intervals, the widest first."""
    import pandas as pd

    if isinstance(table, pd.Series):
        table = table.to_frame("forecast")
    if not isinstance(table, pd.DataFrame) or table.shape[1] == 0:
        raise InvalidArgumentError(
            f"{name} is a {type(table).__name__}; expected a pandas Series, or a DataFrame with the forecast first."
        )
    if not table.columns.is_unique:
        raise InvalidArgumentError(f"{name} has the columns {list(table.columns)}; expected each name once.")
    lines = {str(column): _line(f"{name}, column {column}", table.iloc[:, i]) for i, column in enumerate(table.columns)}
    for column, line in lines.items():
        if np.isnan(line.y).any():
            place = _shown(table.index[np.isnan(line.y)][0])
            raise InvalidArgumentError(f"{name}, column {column}, is nan at {place}; expected finite numbers.")
    points, *others = lines
    levels: dict[str, set[str]] = {}
    for column in others:
        match = _BOUND.fullmatch(column)
        if match is None:
            raise InvalidArgumentError(
                f"{name} has the column {column!r}; expected pairs like lower_80 and upper_80 after the forecast."
            )
        levels.setdefault(match[2], set()).add(match[1])
    intervals = []
    for level in sorted(levels, key=float, reverse=True):
        if len(levels[level]) == 1:
            raise InvalidArgumentError(
                f"{name} has only {levels[level].pop()}_{level}; expected lower and upper bounds."
            )
        lower, upper = lines[f"lower_{level}"].y, lines[f"upper_{level}"].y
        if (lower > upper).any():
            place = _shown(table.index[lower > upper][0])
            raise InvalidArgumentError(f"{name}: lower_{level} is above upper_{level} at {place}; were they exchanged?")
        intervals.append(_Interval(level, lower, upper))
    return lines[points], intervals


def _joined(line: _Line, known: _Line) -> _Line:
    """The line with the last known value before it as its start, so that no gap is left."""
    before = (known.x < line.x[0]) & np.isfinite(known.y)
    if not before.any():
        return line
    place = np.flatnonzero(before)[-1]
    return _Line(np.r_[known.x[place], line.x], np.r_[known.y[place], line.y])


def _shade(ax: Axes, intervals: Sequence[_Interval], points: _Line, known: _Line, color: Any) -> None:
    """Intervals as bands that open from the last known value; the wider, the lighter."""
    for i, (_, lower, upper) in enumerate(intervals):
        below, above = (_joined(_Line(points.x, bound), known) for bound in (lower, upper))
        # Narrower bands lie on wider ones, which makes them darker.
        ax.fill_between(below.x, below.y, above.y, color=color, alpha=_OPACITY, linewidth=0, zorder=1.5 + i / 99)


def _marker(line: _Line) -> str | None:
    """A dot where a single value would make no line."""
    return "o" if len(line.x) == 1 else None


def _fold_colors(count: int) -> list[Any]:
    import matplotlib

    if count <= _FOLDS_NAMED:
        return [f"C{i}" for i in range(count)]
    return list(matplotlib.colormaps["viridis"](np.linspace(0.0, 0.9, count)))


def _label(ax: Axes, x: NDArray[Any], series: pd.Series, intervals: Sequence[_Interval], color: Any) -> None:
    """Names of the axes, few ticks, and a legend."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
    from matplotlib.patches import Patch
    from matplotlib.ticker import MaxNLocator

    dates = x.dtype.kind == "M"
    if dates:
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
        shade = 1 - (1 - _OPACITY) ** i  # of i bands on each other
        handles.append(Patch(color=color, alpha=shade, linewidth=0, label=f"{interval.level} % interval"))
    # As many columns as have room. A name takes about 0.075 inch a letter, and 0.6 with its line and the space between;
    # the layout, which is not done yet, will widen the axes by some 15 %.
    room = 1.15 * ax.get_window_extent().width / ax.figure.dpi
    needed = sum(0.6 + 0.075 * len(str(handle.get_label())) for handle in handles)
    columns = int(len(handles) * min(1.0, room / needed))
    # Above the axes, where it hides no values.
    ax.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=max(1, columns),
        frameon=False,
        borderaxespad=0.2,
    )


def _shown(time: Any) -> str:
    """A time of an index in few characters: dates without the hour where it is midnight."""
    return str(time).removesuffix(" 00:00:00")


def _curve(name: str, values: Any) -> NDArray[np.float64]:
    try:
        curve = np.asarray(values, np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(f"curve {name!r} is no sequence of numbers ({error}); expected floats.") from None
    if curve.ndim != 1:
        raise InvalidArgumentError(f"curve {name!r} has shape {curve.shape}; expected one value an epoch.")
    return curve
