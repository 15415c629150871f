"""What `kerazoo forecast` shows: progress, warnings, scores, the method, the forecast as a table and as a plot."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kerazoo._columns import FORECAST
from kerazoo.cli.terminal import is_terminal, note, say

if TYPE_CHECKING:
    import pandas as pd

    from kerazoo.forecast.data.panel import Panel
    from kerazoo.forecast.fit_settings import FitSettings

__all__ = [
    "forecast_table",
    "forecasts_by_series",
    "plain_warnings",
    "plot_series",
    "print_backtest",
    "print_data",
    "print_forecast",
    "print_method",
    "progress_bar",
    "show_progress",
    "unplotted",
]

MAX_PLOTTED = 6  # series in one plot


def progress_bar(title: str) -> Any:
    """A Keras callback that shows a bar of epochs on stderr."""
    import keras
    from tqdm import tqdm

    class Bar(keras.callbacks.Callback):
        bar: Any = None  # one per training; a backtest trains several times

        def on_train_begin(self, logs: Any = None) -> None:
            self.bar = tqdm(total=self.params["epochs"], desc=title, unit="epoch", leave=False, file=sys.stderr)

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            shown = {name: f"{value:.4f}" for name, value in (logs or {}).items()}
            self.bar.set_postfix(shown, refresh=False)
            self.bar.update()

        def on_train_end(self, logs: Any = None) -> None:
            self.bar.close()
            self.bar = None

    return Bar()


@contextmanager
def plain_warnings() -> Iterator[None]:
    """Warnings for users as one line each, once, without the source line."""
    shown = set()

    def show(message: Warning | str, category: type[Warning], *source: Any) -> None:
        text = " ".join(str(message).split())
        if text not in shown:
            note(text)
        shown.add(text)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = show  # type: ignore[assignment]
        yield


def print_data(path: Path, target: str, panel: Panel, settings: Any) -> None:
    """One line about the series that were read."""
    import numpy as np

    first = panel.series[0]
    season = f"season length {settings.period}" if settings.period > 1 else "no season"
    if settings.by_series and len(settings.periods) > 1:
        season = f"season lengths {', '.join(f'{each:.10g}' for each in settings.periods)}"
    freq = getattr(first.index, "freqstr", None)
    gaps = sum(int(np.isnan(each.values).sum()) for each in panel.series)
    frequency = f", {gaps} missing" if gaps else ""
    frequency += f", frequency {freq}" if freq else ""
    if panel.form == "series":
        span = f"{_date_text(first.index[0])} to {_date_text(first.index[-1])}"
        say(f"data        {path}: {target}, {len(first.values)} values, {span}{frequency}, {season}")
        return
    lengths = sorted({len(each.values) for each in panel.series})
    values = f"{lengths[0]}" if len(lengths) == 1 else f"{lengths[0]} to {lengths[-1]}"
    say(f"data        {path}: {target} of {len(panel.series)} series, {values} values each{frequency}, {season}")


def print_backtest(scores: pd.DataFrame, panel: Panel, settings: Any, refit: bool) -> None:
    """Mean scores of the forecaster and the naive forecasts."""
    n_origins = scores["fold"].nunique()
    fitted = "fitted again at each" if refit else "fitted once, at the first"
    of_series = f", means of {len(panel.series)} series" if len(panel.series) > 1 else ""
    origins = "1 origin" if n_origins == 1 else f"{n_origins} origins, {fitted}"
    say(f"backtest    {settings.horizon} steps from {origins}{of_series}")
    measures = [name for name in scores.columns if name not in ("fold", "origin", "series", "model")]
    means = scores.groupby("model")[measures].mean()
    titles = [name.upper() if name != "smape" else "sMAPE" for name in measures]
    titles = [f"coverage {name.removeprefix('COVERAGE_')} %" if "COVERAGE" in name else name for name in titles]
    lines = [["", *titles]]
    labels = {"forecaster": "forecaster", "seasonal_naive": "seasonal naive", "naive": "naive"}
    for model, label in labels.items():
        if model == "seasonal_naive" and settings.period == 1:
            continue  # equal to the naive forecast
        cells = []
        for name in measures:
            value = float(means.loc[model, name])
            text = (
                f"{100 * value:.0f} %" if "coverage" in name else f"{value:.2f} %" if name == "smape" else _short(value)
            )
            cells.append("" if value != value else text)
        lines.append([label, *cells])
    _print_table(lines)


def show_progress(forecaster: Any, settings: FitSettings, title: str, quiet: bool) -> None:
    """Let the forecaster show a progress bar: its own for the networks of several series, else one of epochs."""
    shown = is_terminal(sys.stderr) and not quiet  # a file or a pipe gets no bar
    forecaster.verbose = int(settings.by_series and shown)
    forecaster.callbacks = [progress_bar(title)] if shown and settings.epochs and not settings.by_series else []


def print_method(forecaster: Any, settings: FitSettings) -> None:
    """The transforms with their weights, the effects of covariates, and what the networks contribute."""
    import numpy as np

    for i, (configs, weight) in enumerate(forecaster.transforms_):
        say(f"{'transforms' if not i else '':<12}{100 * weight:3.0f} %  {_chain_text(configs)}")
    means = forecaster.statistics_.mean().sort_values(ascending=False)
    shown = [f"{name} {100 * weight:.0f} %" for name, weight in means.items() if weight >= 0.02]
    if shown:
        mean = (
            f"{100 * forecaster.statistics_weight_:.0f} % of the forecast" if forecaster.transforms_ else "mean weights"
        )
        say(f"{'statistics':<12}{mean}: {', '.join(shown)}")
    for i, line in enumerate(_effect_lines(forecaster.covariate_effects_)):
        say(f"{'covariates' if not i else '':<12}{line}")
    trained = len(next(iter(forecaster.history_.values()), []))
    # The names of networks import Keras, which those that are trained have imported.
    networks = f"{settings.n_members} of {settings.spec.name}" if forecaster.best_epoch_ or trained else "none"
    preset = 100 * float(np.mean(forecaster.preset_weight_))
    if settings.beside is not None and preset:
        say(f"preset      {settings.beside}, {preset:.0f} % of the forecast")
    if settings.preset is not None and settings.epochs:
        weight = float(forecaster.correction_weight_.mean())
        share = f"mean weight in the forecast {100 * weight:.0f} %" if weight else "no improvement"
        tuned = f", {settings.fine_tune} steps further" if settings.fine_tune else ""
        say(f"networks    preset:{settings.preset}{tuned}, {share}")
    elif forecaster.best_epoch_ and settings.by_series:
        weight = float(forecaster.correction_weight_.mean()) - preset / 100
        say(f"networks    {networks}, mean weight in the forecast {100 * weight:.0f} %")
    elif settings.beside is not None and preset:
        pass
    elif forecaster.best_epoch_:
        weight = forecaster.correction_weight_
        share = "" if weight == 1 else f", {100 * weight:.0f} % of their correction applied"
        say(f"networks    {networks}, best after {forecaster.best_epoch_} of {trained} epochs{share}")
    elif trained:
        say(f"networks    {networks}: no improvement, so the forecast is the statistical one")
    else:
        say("networks    none: the forecast is the statistical one")


def _effect_lines(effects: pd.DataFrame) -> list[str]:
    """The linear effects of the covariates, means over the series: one line per form and name."""
    lines = []
    for (form, name), rows in effects.groupby(["form", "covariate"], sort=False):
        mean = float(rows["coefficient"].mean())
        size = f"times {_factor(mean)}" if form == "multiplicative" else f"{mean:+.3g}"
        text = f"{size} per unit of {name}"
        if not rows["coefficient"].any():
            text = f"no effect of {name} in the statistics: {rows['note'].iloc[0] or 'the coefficient is 0'}"
        lines.append(f"{100 * rows['weight'].iloc[0]:3.0f} %  {text}")
    return lines


def _factor(log: float) -> str:
    import math

    return f"{math.exp(min(log, 700.0)):.4g}"


def _chain_text(configs: Sequence[dict[str, Any]]) -> str:
    parts = []
    for config in configs:
        given = ",".join(f"{key}={value}" for key, value in config.items() if key != "name" and value is not None)
        parts.append(f"{config['name']}[{given}]" if given else str(config["name"]))
    return ", ".join(parts) or "none"


def forecasts_by_series(panel: Panel, forecast: Any, date: str) -> dict[Any, pd.DataFrame]:
    """A forecast as one DataFrame over its dates per series; the index is named `date`."""
    import pandas as pd

    if isinstance(forecast, pd.Series):
        forecast = forecast.to_frame(FORECAST)
    if panel.form == "series":
        return {panel.ids[0]: forecast.rename_axis(date)}
    groups = forecast.groupby("unique_id", sort=False)
    return {name: group.drop(columns="unique_id").set_index("ds").rename_axis(date) for name, group in groups}


def forecast_table(forecasts: dict[Any, pd.DataFrame], id_column: str | None) -> pd.DataFrame:
    """All forecasts as one table, with the column names of the input file."""
    import pandas as pd

    parts = []
    for name, table in forecasts.items():
        part = table.reset_index()
        if id_column is not None:
            part.insert(0, id_column, name)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def print_forecast(forecasts: dict[Any, pd.DataFrame], date: str) -> None:
    """One table per series."""
    for name, table in forecasts.items():
        say(f"forecast    {name}")
        lines = [[date, *map(str, table.columns)]]
        decimals = _decimals(table.to_numpy())
        for time_of, values in zip(table.index, table.to_numpy(), strict=True):
            lines.append([_date_text(time_of), *(f"{value:,.{decimals}f}" for value in values)])
        _print_table(lines)


def plot_series(panel: Panel, forecasts: dict[Any, pd.DataFrame], settings: Any) -> Any:
    """A matplotlib figure of the first series, their end and their forecasts."""
    import pandas as pd
    from matplotlib.figure import Figure

    from kerazoo.plots import plot_forecast

    plotted = panel.series[:MAX_PLOTTED]
    figure = Figure(figsize=(9.0, 1.0 + 3.0 * len(plotted)), layout="constrained")
    axes = figure.subplots(len(plotted), squeeze=False)[:, 0]
    last = max(60, 5 * settings.horizon)
    for ax, each in zip(axes, plotted, strict=True):
        table = forecasts[each.id]
        history = pd.Series(each.values, each.index.rename(table.index.name), name=str(each.id))
        plot_forecast(history, table, last=last, ax=ax)
    return figure


def unplotted(panel: Panel) -> str:
    """A note if the plot leaves series out."""
    return f", the first {MAX_PLOTTED} of {len(panel.series)} series" if len(panel.series) > MAX_PLOTTED else ""


def _date_text(label: Any) -> str:
    return str(label).removesuffix(" 00:00:00")


def _decimals(values: Any) -> int:
    """Decimals that show four significant digits of the median size."""
    import numpy as np

    size = float(np.median(np.abs(values)))
    return int(np.clip(3 - np.floor(np.log10(size)), 0, 8)) if size > 0 else 1


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"


def _print_table(lines: Sequence[Sequence[str]]) -> None:
    """The first column left-aligned, the others right-aligned."""
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    for first, *rest in lines:
        cells = "".join(f"  {cell:>{width}}" for cell, width in zip(rest, widths[1:], strict=True))
        say(f"  {first:<{widths[0]}}{cells}".rstrip())
