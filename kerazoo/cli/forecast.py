"""The command `kerazoo forecast`: a CSV file in; a forecast, its judgement, a plot and files out."""

from __future__ import annotations

import json
import os
import re
import time
import warnings
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kerazoo.errors import IntervalError, InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from kerazoo.cli.csv_tables import Table
    from kerazoo.forecast.data.panel import Panel

__all__ = ["forecast", "milk_demo"]

PLOTS = (".png", ".pdf", ".svg", ".jpg")
FOLDS = 3
MOST_PLOTTED = 6  # series in one plot


@click.command()
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--date", metavar="COLUMN", help="Dates, or numbers that count up by 1; default: the first column.")
@click.option("--target", metavar="COLUMN", help="What is to be forecast; default: the only column that is left.")
@click.option("--id", "id_column", metavar="COLUMN", help="Tells several series apart, one row a series and date.")
@click.option("--covariates", metavar="NAMES", help="Columns that are known in the future, separated by commas.")
@click.option("--future", type=click.Path(path_type=Path), help="CSV file with the dates and covariates to come.")
@click.option("--freq", help="Period that a date stands for, where they have no fixed step: D, W, M, Q, Y, h, ...")
@click.option("--date-format", metavar="FORMAT", help="How dates are written, as %d.%m.%Y; default: guessed.")
@click.option("--horizon", type=click.IntRange(1), help="Steps to forecast; default: a season, or 12.")
@click.option("--model", default="lstm_1x32", show_default=True, help="One net, by its name in kerazoo.zoo.")
@click.option("--strategy", default="recursive", show_default=True, help="recursive, direct or mean.")
@click.option(
    "--transforms",
    default="auto",
    show_default=True,
    metavar="NAMES",
    help="auto, none, or names separated by commas: log,difference[lag=12].",
)
@click.option("--interval", default="0.8,0.95", show_default=True, help="Levels of prediction intervals, or none.")
@click.option("--members", default=5, show_default=True, type=click.IntRange(1), help="Nets of the ensemble.")
@click.option("--epochs", default=40, show_default=True, type=click.IntRange(0), help="At most; 0: statistics alone.")
@click.option("--folds", type=click.IntRange(0), help=f"Origins of the backtest, 0 for none; default: up to {FOLDS}.")
@click.option("--refit/--no-refit", default=False, show_default=True, help="Train anew at each origin, or once.")
@click.option("--plot", type=click.Path(path_type=Path), help=f"Draw it: {', '.join(PLOTS)}.")
@click.option("--out", type=click.Path(path_type=Path), help="Write it: .csv.")
@click.option("--save", type=click.Path(path_type=Path), help="Keep the forecaster: .kerazoo.")
@click.option(
    "--backend",
    type=click.Choice(["tensorflow", "jax", "torch"]),
    help="Keras backend; default: KERAS_BACKEND, or what Keras is configured to.",
)
@click.option("--seed", type=click.IntRange(0), help="Repeats a run.")
@click.option("--quiet", is_flag=True, help="No progress bars.")
def forecast(
    data: Path,
    date: str | None,
    target: str | None,
    id_column: str | None,
    covariates: str | None,
    future: Path | None,
    freq: str | None,
    date_format: str | None,
    horizon: int | None,
    interval: str,
    folds: int | None,
    refit: bool,
    plot: Path | None,
    out: Path | None,
    save: Path | None,
    backend: str | None,
    quiet: bool,
    members: int,
    transforms: str,
    **parameters: Any,
) -> None:
    """Forecast the series of a CSV file, with intervals, and judge the method beside naive forecasts.

    Example: kerazoo forecast milk.csv --date month --target pounds_per_cow --horizon 12 --plot milk.png
    """
    from kerazoo.cli.csv_tables import check_output, read_table, write_whole

    started = time.perf_counter()
    # Before minutes of training, not after them:
    check_output("--plot", plot, PLOTS)
    check_output("--out", out, (".csv",))
    check_output("--save", save, (".kerazoo",))
    levels = _levels(interval)
    chains = _transforms(transforms)
    table = read_table(data)
    names = _names(table, date, target, id_column, covariates)
    if bool(names.covariates) != (future is not None):
        given, lacks = ("--covariates", "--future") if names.covariates else ("--future", "--covariates")
        raise InvalidArgumentError(
            f"{given} without {lacks}; expected both: the columns that are known in the future, and a CSV file with "
            "their values for the dates of the forecast."
        )
    if backend is not None:
        os.environ["KERAS_BACKEND"] = backend
    from kerazoo.forecast.backtest import backtest
    from kerazoo.forecast.data.panel import read_future, read_panel

    y, X = names.series_of(table, date_format, freq), names.covariates_of(table, date_format, freq)
    panel = read_panel(y, X)
    from kerazoo.forecast.forecaster import Forecaster

    forecaster = Forecaster(horizon=horizon, n_members=members, transforms=chains, verbose=0, **parameters)
    settings = forecaster.check(y, X)
    X_future = None
    if future is not None:
        X_future = names.covariates_of(read_table(future), date_format, freq)
        read_future(panel, X_future, settings.horizon)  # its errors now
    _say_data(data, names.target, panel, settings)
    with _plain_warnings():
        n_folds = _folds(folds, panel, settings)
        if n_folds:
            forecaster.callbacks = [] if quiet else [_progress("backtest")]
            every = "fresh" if refit else False
            params = forecaster.get_params(deep=False)
            found = backtest(panel, params, n_windows=n_folds, refit=every, levels=levels, only_possible=True)
            _say_backtest(found, panel, settings, refit)
        forecaster.callbacks = [] if quiet else [_progress("training")]
        forecaster.fit(y, X)
        _say_method(forecaster)
        found = _predicted(forecaster, X_future, levels)
    rows = _rows(panel, found, names.date)
    _say_forecast(rows, names.date)
    if plot is not None:
        figure = _drawn(panel, rows, settings)
        write_whole(plot, lambda path: figure.savefig(path, dpi=150))
        click.echo(f"plot        {plot}{_not_drawn(panel)}")
    if out is not None:
        written = _columns(rows, names.id)
        write_whole(out, lambda path: written.to_csv(path, index=False, float_format="%.10g"))
        click.echo(f"table       {out}")
    if save is not None:
        forecaster.callbacks = []
        forecaster.save(save)
        click.echo(f"forecaster  {save}, for kerazoo.Forecaster.load")
    click.echo(f"done in {time.perf_counter() - started:.1f} s")


# What the options say.


class _Columns:
    """Names of columns: of dates, the target, the id (or None) and the covariates."""

    def __init__(self, date: str, target: str, id_column: str | None, covariates: tuple[str, ...]) -> None:
        self.date, self.target, self.id, self.covariates = date, target, id_column, covariates

    def series_of(self, table: Table, date_format: str | None, freq: str | None) -> Any:
        """A Series, or a long DataFrame for several series."""
        import pandas as pd

        dates, values = table.dates(self.date, date_format, freq), table.numbers(self.target)
        if self.id is None:
            return pd.Series(values.to_numpy(), dates, name=self.target)
        return pd.DataFrame({"unique_id": table.labels(self.id).array, "ds": dates, "y": values.array})

    def covariates_of(self, table: Table, date_format: str | None, freq: str | None) -> Any:
        import pandas as pd

        if not self.covariates:
            return None
        keys = {"--date": self.date, **({"--id": self.id} if self.id is not None else {})}
        for option, name in [*keys.items(), *(("--covariates", each) for each in self.covariates)]:
            table.check_column(option, name)
        columns = {name: table.numbers(name).array for name in self.covariates}
        dates = table.dates(self.date, date_format, freq)
        if self.id is None:
            return pd.DataFrame(columns, index=dates)
        return pd.DataFrame({"unique_id": table.labels(self.id).array, "ds": dates, **columns})


def _names(
    table: Table, date: str | None, target: str | None, id_column: str | None, covariates: str | None
) -> _Columns:
    date = table.columns[0] if date is None else table.check_column("--date", date)
    used = [date]
    if id_column is not None:
        used.append(table.check_column("--id", id_column))
    known = tuple(name.strip() for name in covariates.split(",") if name.strip()) if covariates else ()
    used.extend(table.check_column("--covariates", name) for name in known)
    if target is None:
        left = [name for name in table.columns if name not in used]
        if len(left) != 1:
            shown = ", ".join(map(repr, left)) or "none"
            raise InvalidArgumentError(
                f"{table.path}: --target is missing; expected the name of the column that is to be forecast. Left "
                f"beside {', '.join(map(repr, used))}: {shown}."
            )
        target = left[0]
    used.append(table.check_column("--target", target))
    for name in used:
        if used.count(name) > 1:
            raise InvalidArgumentError(
                f"{table.path}: column {name!r} is asked for twice; expected different ones for --date, --target, "
                "--id and --covariates."
            )
    return _Columns(date, target, id_column, known)


def _levels(text: str) -> tuple[float, ...]:
    if text.strip().lower() == "none":
        return ()
    try:
        levels = sorted({float(part) for part in text.split(",") if part.strip()})
    except ValueError:
        levels = []
    if not levels or not all(0 < level < 1 for level in levels):
        raise InvalidArgumentError(
            f"--interval={text!r}; expected shares between 0 and 1, separated by commas, or none. 0.8 is 80 %."
        )
    return tuple(levels)


def _transforms(text: str) -> Any:
    """`auto`, or configs: names separated by commas, with arguments in brackets as in names of models."""
    if text == "auto":
        return text
    if text.strip().lower() == "none":
        return ()
    configs = []
    for part in re.split(r",(?![^\[]*\])", text):
        match = re.fullmatch(r"\s*(\w+)\s*(?:\[(.*)\])?\s*", part)
        pairs = [pair.partition("=") for pair in (match[2] or "").split(",") if pair.strip()] if match else []
        if match is None or not all(mark and key.strip() and value.strip() for key, mark, value in pairs):
            raise InvalidArgumentError(
                f"--transforms={text!r}; expected auto, none, or names as in log,difference[lag=12]."
            )
        configs.append({"name": match[1], **{key.strip(): _value(value.strip()) for key, _, value in pairs}})
    return tuple(configs)


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _folds(asked: int | None, panel: Panel, settings: Any) -> int:
    """Folds: as asked for, or as many as leave enough to learn from."""
    if asked is not None:
        return asked
    shortest = min(len(each.values) for each in panel.series)
    least = max(2 * settings.period + 3, 2 * settings.horizon + 4)
    folds = max(0, min(FOLDS, (shortest - least) // settings.horizon))
    if not folds:
        click.echo(f"kerazoo: no backtest: {shortest} values are too few for it.", err=True)
    return folds


# Steps that need no explanation when all goes well.


def _predicted(forecaster: Any, X_future: Any, levels: Sequence[float]) -> Any:
    """A forecast with as many of the levels as the steps held out allow: training was not for nothing."""
    levels = list(levels)
    while True:
        try:
            return forecaster.predict(X_future=X_future, interval=levels or None)
        except IntervalError:
            click.echo(f"kerazoo: no interval of {100 * levels.pop():g} %: {forecaster.n_held_} steps held out are "
                       "too few to tell how wide it is.", err=True)  # fmt: skip


def _rows(panel: Panel, found: Any, date: str) -> dict[Any, pd.DataFrame]:
    """Forecasts by series, each a DataFrame over its dates."""
    import pandas as pd

    if isinstance(found, pd.Series):
        found = found.to_frame("forecast")
    if panel.form == "series":
        return {panel.ids[0]: found.rename_axis(date)}
    groups = found.groupby("unique_id", sort=False)
    return {name: group.drop(columns="unique_id").set_index("ds").rename_axis(date) for name, group in groups}


def _columns(rows: dict[Any, pd.DataFrame], id_column: str | None) -> pd.DataFrame:
    """All rows as one table, under the names of the file that was read."""
    import pandas as pd

    parts = []
    for name, table in rows.items():
        part = table.reset_index()
        if id_column is not None:
            part.insert(0, id_column, name)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def _drawn(panel: Panel, rows: dict[Any, pd.DataFrame], settings: Any) -> Any:
    import pandas as pd
    from matplotlib.figure import Figure

    from kerazoo.plots import plot_forecast

    shown = panel.series[:MOST_PLOTTED]
    figure = Figure(figsize=(9.0, 1.0 + 3.0 * len(shown)), layout="constrained")
    axes = figure.subplots(len(shown), squeeze=False)[:, 0]
    last = max(60, 5 * settings.horizon)
    for ax, each in zip(axes, shown, strict=True):
        table = rows[each.id]
        history = pd.Series(each.values, each.index.rename(table.index.name), name=str(each.id))
        plot_forecast(history, table, last=last, ax=ax)
    return figure


def _not_drawn(panel: Panel) -> str:
    more = len(panel.series) - MOST_PLOTTED
    return f", the first {MOST_PLOTTED} of {len(panel.series)} series" if more > 0 else ""


def _progress(title: str) -> Any:
    """A Keras callback with a bar of epochs on stderr."""
    import sys

    import keras
    from tqdm.auto import tqdm

    class Bar(keras.callbacks.Callback):
        bar: Any = None  # made when training begins, which it does anew in each fold of a backtest

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
def _plain_warnings() -> Iterator[None]:
    """Warnings of the library as one line each, without the place in its source."""
    shown = set()

    def show(message: Warning | str, category: type[Warning], *place: Any) -> None:
        text = " ".join(str(message).split())
        if text not in shown:
            click.echo(f"kerazoo: {text}", err=True)
        shown.add(text)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = show  # type: ignore[assignment]
        yield


# What is said.


def _shown(label: Any) -> str:
    return str(label).removesuffix(" 00:00:00")


def _say_data(path: Path, target: str, panel: Panel, settings: Any) -> None:
    first = panel.series[0]
    season = f"a season of {settings.period}" if settings.period > 1 else "no season"
    step = getattr(first.index, "freqstr", None)
    every = f", step {step}" if step else ""
    if panel.form == "series":
        span = f"{_shown(first.index[0])} to {_shown(first.index[-1])}"
        click.echo(f"data        {path}: {target}, {len(first.values)} values, {span}{every}, {season}")
        return
    lengths = sorted({len(each.values) for each in panel.series})
    values = f"{lengths[0]}" if len(lengths) == 1 else f"{lengths[0]} to {lengths[-1]}"
    click.echo(f"data        {path}: {target} of {len(panel.series)} series, {values} values each{every}, {season}")


def _say_backtest(found: pd.DataFrame, panel: Panel, settings: Any, refit: bool) -> None:
    folds = found["fold"].nunique()
    trained = "trained anew at each" if refit else "trained once, at the first"
    of_series = f", means of {len(panel.series)} series" if len(panel.series) > 1 else ""
    origins = "1 origin" if folds == 1 else f"{folds} origins, {trained}"
    click.echo(f"backtest    {settings.horizon} steps from {origins}{of_series}")
    measures = [name for name in found.columns if name not in ("fold", "origin", "series", "model")]
    means = found.groupby("model")[measures].mean()
    titles = [name.upper() if name != "smape" else "sMAPE" for name in measures]
    titles = [f"in {name.removeprefix('COVERAGE_')} %" if "COVERAGE" in name else name for name in titles]
    lines = [["", *titles]]
    labels = {"forecaster": "forecaster", "seasonal_naive": "last season again", "naive": "last value again"}
    for model, label in labels.items():
        if model == "seasonal_naive" and settings.period == 1:
            continue  # it is the naive one
        cells = []
        for name in measures:
            value = float(means.loc[model, name])
            text = (
                f"{100 * value:.0f} %" if "coverage" in name else f"{value:.2f} %" if name == "smape" else _short(value)
            )
            cells.append("" if value != value else text)
        lines.append([label, *cells])
    _say_lines(lines)


def _say_method(forecaster: Any) -> None:
    for place, (configs, weight) in enumerate(forecaster.transforms_):
        click.echo(f"{'statistics' if not place else '':<12}{100 * weight:3.0f} %  {_described(configs)}")
    nets = f"{forecaster.n_members} of {forecaster.model}"
    trained = len(next(iter(forecaster.history_.values()), []))
    if forecaster.best_epoch_:
        share = "" if forecaster.net_share_ == 1 else f", {100 * forecaster.net_share_:.0f} % of their corrections"
        click.echo(f"nets        {nets}, {forecaster.best_epoch_} epochs (of {trained} that were tried){share}")
    elif trained:
        click.echo(f"nets        {nets}: they did not better the statistics, whose forecast this is")
    else:
        click.echo("nets        none: the forecast is that of the statistics")


def _described(configs: Sequence[dict[str, Any]]) -> str:
    parts = []
    for config in configs:
        given = ",".join(f"{key}={value}" for key, value in config.items() if key != "name" and value is not None)
        parts.append(f"{config['name']}[{given}]" if given else str(config["name"]))
    return ", ".join(parts) or "the values as they are"


def _say_forecast(rows: dict[Any, pd.DataFrame], date: str) -> None:
    for name, table in rows.items():
        click.echo(f"forecast    {name}")
        lines = [[date, *map(str, table.columns)]]
        decimals = _decimals(table.to_numpy())
        for time_of, values in zip(table.index, table.to_numpy(), strict=True):
            lines.append([_shown(time_of), *(f"{value:,.{decimals}f}" for value in values)])
        _say_lines(lines)


def _decimals(values: Any) -> int:
    """Decimals that show four digits of the typical size."""
    import numpy as np

    size = float(np.median(np.abs(values)))
    return int(np.clip(3 - np.floor(np.log10(size)), 0, 8)) if size > 0 else 1


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"


def _say_lines(lines: Sequence[Sequence[str]]) -> None:
    """A table: the first column to the left, the others to the right."""
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    for first, *rest in lines:
        cells = "".join(f"  {cell:>{width}}" for cell, width in zip(rest, widths[1:], strict=True))
        click.echo(f"  {first:<{widths[0]}}{cells}".rstrip())


# The demo's part.


def milk_demo(folder: Path, seed: int) -> None:
    """Forecast the milk production of 1975 from the years before, and draw it beside what happened."""
    from matplotlib.figure import Figure

    from kerazoo.cli.csv_tables import write_whole
    from kerazoo.datasets import milk
    from kerazoo.forecast.baselines import seasonal_naive
    from kerazoo.forecast.forecaster import Forecaster
    from kerazoo.metrics import rmse
    from kerazoo.plots import plot_forecast

    y = milk()
    train, test = y[:-12], y[-12:]
    forecaster = Forecaster("lstm_1x16", horizon=12, n_members=3, epochs=10, seed=seed, verbose=0)
    click.echo(
        f"forecast    milk by month: 1975 from the {len(train)} months before, with {forecaster.n_members} nets and "
        f"{forecaster.epochs} epochs, to be quick (a Forecaster has 5 and 40)"
    )
    forecaster.fit(train)
    _say_method(forecaster)
    table = forecaster.predict(12, interval=[0.8, 0.95])
    held = table["lower_80"].le(test) & table["upper_80"].ge(test)
    click.echo(
        f"error       {rmse(test, table['forecast']):.1f} pounds a cow (RMSE); the same month of 1974 again: "
        f"{rmse(test, seasonal_naive(train, 12, 12)):.1f}. In the interval of 80 %: {int(held.sum())} months of 12"
    )
    figure = Figure(figsize=(9.0, 4.0), layout="constrained")
    plot_forecast(train, table, truth=test, last=48, ax=figure.subplots())
    path = folder / "milk_forecast.png"
    write_whole(path, lambda part: figure.savefig(part, dpi=150))
    click.echo(f"plot        {path}")
