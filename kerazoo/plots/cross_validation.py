"""What a cross-validation says: the error at each step of the forecast, and whether the intervals hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kerazoo._columns import FORECAST, bound_columns, levels_of
from kerazoo._runtime.optional import needed
from kerazoo._validation import check_choice, check_flag
from kerazoo.errors import InvalidArgumentError
from kerazoo.plots.axes import axes_or_new, legend_above

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["plot_calibration", "plot_error_by_horizon"]


def _smape(error: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    sizes = np.abs(y) + np.abs(y + error)
    return float(np.mean(200 * np.abs(error) / np.where(sizes > 0, sizes, 1.0)))


#: Name -> label of the axis, and the value of errors forecast - y and actual values y.
_METRICS: dict[str, tuple[str, Callable[[NDArray[np.float64], NDArray[np.float64]], float]]] = {
    "mae": ("mean absolute error", lambda error, y: float(np.abs(error).mean())),
    "rmse": ("root mean squared error", lambda error, y: float(np.sqrt(np.square(error).mean()))),
    "smape": ("sMAPE (%)", _smape),
    "bias": ("mean of forecast - actual value", lambda error, y: float(error.mean())),
}


@needed("plot_error_by_horizon")
def plot_error_by_horizon(forecasts: Any, metric: str = "mae", *, spread: bool = True, ax: Axes | None = None) -> Axes:
    """Plot the error of a cross-validation at each step of the forecast.

    The line is the error over all windows and series; the band reaches from the best to the worst window.

    Args:
        forecasts: what `Forecaster.cross_validation` returned, or its ``attrs["forecasts"]``: a DataFrame with a row
            for each window, series and step, and the columns `fold`, `ds` (the time), `y` (the actual value; rows with
            NaN are left out), `forecast`, and `series` if there are several. Or a dict from names of models to such.
        metric: `"mae"`, `"rmse"`, `"smape"` or `"bias"`, the mean of forecast - y.
        spread: bool, whether to draw the band, if there are several windows.
        ax: matplotlib Axes to draw on; None creates a figure.

    Returns:
        The Axes.

    Raises:
        InvalidArgumentError: a wrong type, missing columns, no actual values, non-finite forecasts, a time that is
            there twice in a window, or an unknown metric.

    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> import pandas as pd
    >>> table = pd.DataFrame({"fold": [0, 0, 1, 1], "ds": [1, 2, 3, 4], "y": 10.0, "forecast": [11.0, 13, 10, 12]})
    >>> plot_error_by_horizon(table).get_lines()[0].get_xydata().tolist()
    [[1.0, 0.5], [2.0, 2.5]]
    """
    from matplotlib.ticker import MaxNLocator

    label, function = _METRICS[check_choice("metric", metric, _METRICS)]
    check_flag("spread", spread)
    tables = {name: _steps(name, table) for name, table in _named(forecasts).items()}
    ax = axes_or_new(ax, width=7.0)
    for name, table in tables.items():
        steps, values = _by_step(table, function)
        text = name or metric.replace("mae", "MAE").replace("rmse", "RMSE").replace("smape", "sMAPE")
        (line,) = ax.plot(steps, values, marker="o", markersize=3, label=text)
        folds = [_by_step(rows, function) for _, rows in table.groupby("fold")]
        if spread and len(folds) > 1:
            curves = np.full((len(folds), len(steps)), np.nan)
            for curve, (at, found) in zip(curves, folds, strict=True):
                curve[np.searchsorted(steps, at)] = found
            low, high = np.nanmin(curves, axis=0), np.nanmax(curves, axis=0)
            band = f"best to worst of {len(folds)} windows" if len(tables) == 1 else None
            ax.fill_between(steps, low, high, color=line.get_color(), alpha=0.2, linewidth=0, label=band)
    if metric == "bias":
        ax.axhline(0.0, color="0.3", linewidth=0.8, zorder=1)
    else:
        ax.set_ylim(bottom=0.0)
    ax.xaxis.set_major_locator(MaxNLocator(nbins=12, integer=True, min_n_ticks=1))
    ax.set_xlabel("step of the forecast")
    ax.set_ylabel(label)
    ax.grid(alpha=0.3)
    legend_above(ax)
    return ax


@needed("plot_calibration")
def plot_calibration(forecasts: Any, *, ax: Axes | None = None) -> Axes:
    """Plot how many of the actual values the intervals contain, against how many they should.

    On the diagonal, intervals are calibrated; below it, they are too narrow. Each bar is the 95 % interval of a
    proportion (Wilson 1927) for independent values; the values of one window are not independent, so the true
    uncertainty is larger.

    Args:
        forecasts: what `Forecaster.cross_validation` returned, or its ``attrs["forecasts"]``: a DataFrame with a row
            for each forecast value, `y` (the actual value; rows with NaN are left out), and pairs of bounds such as
            `lower_80` and `upper_80`. Or a dict from names of models to such.
        ax: matplotlib Axes to draw on; None creates a figure.

    Returns:
        The Axes.

    Raises:
        InvalidArgumentError: a wrong type, missing columns, no actual values, non-finite bounds, or a lower bound above
            its upper bound.

    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> import pandas as pd
    >>> table = pd.DataFrame({"y": [1.0, 2.0, 3.0, 9.0], "lower_80": 0.0, "upper_80": 4.0})
    >>> plot_calibration(table).get_lines()[1].get_xydata().tolist()
    [[0.8, 0.75]]
    """
    from matplotlib.ticker import PercentFormatter

    found = {name: _coverages(name, table) for name, table in _named(forecasts).items()}
    ax = axes_or_new(ax, width=5.0, height=5.0)
    ax.plot([0, 1], [0, 1], color="0.3", linestyle=":", label="calibrated", zorder=1)
    for number, (name, (levels, coverages, count)) in enumerate(found.items()):
        low, high = _wilson(coverages, count)
        bars = np.clip([coverages - low, high - coverages], 0.0, None)  # a rounding error may be below 0
        text = f"{name}, {count} values" if name else f"{count} values"
        ax.errorbar(
            levels, coverages, yerr=bars, fmt="o-", markersize=4, capsize=3, color=f"C{number % 10}", label=text
        )
    ax.set_xlim(0.0, 1.0)
    ax.set_ylim(0.0, 1.02)
    ax.set_aspect("equal")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(PercentFormatter(1.0))
    ax.set_xlabel("level of the interval")
    ax.set_ylabel("actual values inside")
    ax.grid(alpha=0.3)
    ax.legend(frameon=False, loc="upper left")
    return ax


def _named(forecasts: Any) -> dict[str, pd.DataFrame]:
    """Name -> table of forecasts; one table has the name ""."""
    import pandas as pd

    if isinstance(forecasts, Mapping):
        if not forecasts:
            raise InvalidArgumentError("forecasts is empty; expected at least one table of forecasts.")
        named = {str(name): table for name, table in forecasts.items()}
    else:
        named = {"": forecasts}
    for name, table in named.items():
        if not isinstance(table, pd.DataFrame):
            raise InvalidArgumentError(
                f"{name or 'forecasts'} is a {type(table).__name__}; expected a DataFrame that cross_validation "
                "returned, or a dict of such."
            )
        named[name] = table.attrs.get("forecasts", table)
    return named


def _checked(name: str, table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """The rows with an actual value, all of whose columns are finite numbers."""
    what = f"forecasts of {name}" if name else "forecasts"
    missing = [column for column in ("y", *columns) if column not in table.columns]
    if missing:
        raise InvalidArgumentError(
            f"{what} lacks {', '.join(missing)}; expected a table with these columns, as cross_validation returns it."
        )
    if not table.columns.is_unique:
        raise InvalidArgumentError(f"{what} has the columns {list(table.columns)}; expected each label once.")
    rows = table[table["y"].notna()]
    if rows.empty:
        raise InvalidArgumentError(f"{what} has no actual values; expected rows with a number in y.")
    numeric = [column for column in ("y", *columns) if column not in ("fold", "ds")]
    for column in numeric:
        try:
            values = rows[column].to_numpy(np.float64, na_value=np.nan)
        except (TypeError, ValueError) as error:
            raise InvalidArgumentError(f"{column} of {what} is not numeric ({error}); expected numbers.") from None
        if not np.isfinite(values).all():
            at = int(np.flatnonzero(~np.isfinite(values))[0])
            raise InvalidArgumentError(f"{column} of {what} is {values[at]} in row {at}; expected finite numbers.")
    return rows


def _steps(name: str, table: pd.DataFrame) -> pd.DataFrame:
    """Columns `fold`, `step` (from 1), `error` and `y`."""
    import pandas as pd

    rows = _checked(name, table, ["fold", "ds", FORECAST])
    # Steps are counted over all rows: the first ones may have no actual value.
    keys = ["fold", "series"] if "series" in table.columns else ["fold"]
    twice = table.duplicated([*keys, "ds"])
    if twice.any():
        first = table[twice].iloc[0]
        raise InvalidArgumentError(
            f"fold {first['fold']} has {first['ds']} twice; expected each time once in a window. "
            "A table of several series needs the column series."
        )
    steps = table.groupby(keys, observed=True)["ds"].rank(method="first").astype(int)
    y = rows["y"].to_numpy(np.float64)
    errors = rows[FORECAST].to_numpy(np.float64) - y
    return pd.DataFrame({"fold": rows["fold"].array, "step": steps[rows.index].array, "error": errors, "y": y})


def _by_step(table: pd.DataFrame, function: Callable[..., float]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The steps, ascending, and the metric at each."""
    groups = [(step, function(rows["error"].to_numpy(), rows["y"].to_numpy())) for step, rows in table.groupby("step")]
    steps, values = zip(*groups, strict=True)
    return np.array(steps), np.array(values)


def _coverages(name: str, table: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """The levels, the fraction of actual values in the interval of each, and the number of values."""
    levels = levels_of(table.columns)
    if not levels:
        raise InvalidArgumentError(
            f"{f'forecasts of {name}' if name else 'forecasts'} has no intervals; expected pairs like lower_80 and "
            "upper_80. cross_validation(..., level=[0.5, 0.8, 0.95]) makes them."
        )
    pairs = [bound_columns(level) for level in levels]
    rows = _checked(name, table, [column for pair in pairs for column in pair])
    y = rows["y"].to_numpy(np.float64)
    coverages = []
    for pair in pairs:
        lower, upper = (rows[column].to_numpy(np.float64) for column in pair)
        if (lower > upper).any():
            raise InvalidArgumentError(
                f"{pair[0]} is above {pair[1]} in {(lower > upper).sum()} rows; were they swapped?"
            )
        coverages.append(np.mean((lower <= y) & (y <= upper)))
    return np.array(levels), np.array(coverages), len(y)


def _wilson(p: NDArray[np.float64], n: int, z: float = 1.96) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The 95 % interval of a proportion."""
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return centre - half, centre + half
