"""The command `kerazoo forecast`: from a CSV file to a forecast, its backtest, a plot and files."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kerazoo._runtime.files import replacing
from kerazoo._validation import check_choice
from kerazoo.cli import forecast_report as report
from kerazoo.cli.commands import Command, backend_option, check_output, set_backend
from kerazoo.cli.forecast_options import (
    file_names,
    parse_levels,
    parse_names,
    parse_period,
    parse_transforms,
    read_static_file,
    select_columns,
)
from kerazoo.cli.terminal import note, say
from kerazoo.errors import IntervalError, InvalidArgumentError

if TYPE_CHECKING:
    from kerazoo.forecast.data.panel import Panel

__all__ = ["forecast"]

PLOTS = (".png", ".pdf", ".svg", ".jpg")
MAX_WINDOWS = 3


@click.command(
    cls=Command,
    short_help="Forecast the series of a CSV file.",
    renamed={"--interval": "--level", "--folds": "--windows"},
    arguments={
        "n_members": "--members",
        "n_windows": "--windows",
        "name": "--model",
        "preset": "the preset of --model",
    },
    texts={
        "calendar feature=": "a name of --calendar=",
        "name of a transform=": "a name of --transforms=",
        "A file of write_preset is given by its path, which": "The file of one is given by its path, which",
        "choose a lower floor": "lower --floor",
    },
)
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--date", metavar="COLUMN", help="Dates, or consecutive integers; default: the first column.")
@click.option("--target", metavar="COLUMN", help="Values to forecast; default: the only other column.")
@click.option("--id", "id_column", metavar="COLUMN", help="Labels of several series, one row per series and date.")
@click.option("--covariates", metavar="NAMES", help="Columns known for future dates, separated by commas.")
@click.option("--past", metavar="NAMES", help="Columns not known for future dates, separated by commas.")
@click.option("--future", type=click.Path(path_type=Path), help="CSV file with future dates and covariates.")
@click.option(
    "--static",
    type=click.Path(path_type=Path),
    help="CSV file with a row for each of several series: its label, and columns of numbers or text that hold for it.",
)
@click.option("--freq", help="Period of each date, if their step is not fixed: D, W, M, Q, Y, h, ...")
@click.option("--date-format", metavar="FORMAT", help="Format of the dates, such as %d.%m.%Y; default: inferred.")
@click.option("--utc", is_flag=True, help="Read times as UTC, such as local times whose offset from UTC changes.")
@click.option("--holidays", type=click.Path(path_type=Path), help="File of dates that series of business days skip.")
@click.option(
    "--missing",
    default="error",
    show_default=True,
    help="Missing dates and empty cells of the values to forecast: error, or skip, which reads them as gaps.",
)
@click.option("--no-header", is_flag=True, help="The first line has values: the columns are named 1, 2, ...")
@click.option("--horizon", type=click.IntRange(1), help="Steps to forecast; default: a season, or 12.")
@click.option(
    "--period",
    default="auto",
    show_default=True,
    metavar="STEPS",
    help="Steps of a season, not necessarily whole, or of several, separated by commas: 24,168. auto: by the dates.",
)
@click.option(
    "--model",
    help="Name of the network in kerazoo.zoo, or of one that is trained already, preset:forecast_small; default: "
    "that preset beside statistics, and of several series also mingru_2x64_residual.",
)
@click.option("--strategy", help="recursive, direct or mean.")
@click.option("--lookback", type=click.IntRange(1), help="Steps in the window of a network; default: up to 256.")
@click.option(
    "--loss",
    help="mse, mae, huber or normal; of several series also others, such as quantiles, or negative_binomial for "
    "counts; default: mse, of several series bounded.",
)
@click.option(
    "--calendar",
    default="auto",
    show_default=True,
    metavar="NAMES",
    help="Features of dates that the networks see: auto, none, or names separated by commas: month,day_of_week.",
)
@click.option("--embed-ids", is_flag=True, help="Networks of several series know each by an embedding of its label.")
@click.option(
    "--fine-tune",
    default=0,
    metavar="STEPS",
    type=click.IntRange(0),
    help="Training steps of a preset on the series; default: none.",
)
@click.option(
    "--transforms",
    default="auto",
    show_default=True,
    metavar="NAMES",
    help="auto, none, or names separated by commas: log,difference[lag=12].",
)
@click.option("--floor", type=float, help="Least possible value, below which no forecast falls: 0 for counts.")
@click.option(
    "--level",
    default="80,95",
    show_default=True,
    metavar="LEVELS",
    help="Levels of prediction intervals, separated by commas (80 or 0.8), or none.",
)
@click.option("--members", type=click.IntRange(1), help="Networks in the ensemble; default: 5, of several series 3.")
@click.option(
    "--epochs",
    default=40,
    show_default=True,
    type=click.IntRange(0),
    help="Maximum number of epochs; 0: statistical forecast only.",
)
@click.option("--windows", type=click.IntRange(0), help=f"Windows of the backtest; default: up to {MAX_WINDOWS}.")
@click.option(
    "--refit/--no-refit", default=False, show_default=True, help="Retrain at each backtest window, or train once."
)
@click.option("--plot", type=click.Path(path_type=Path), help=f"Output file of the plot: {', '.join(PLOTS)}.")
@click.option("--out", type=click.Path(path_type=Path), help="Output file of the forecast: .csv.")
@click.option("--save", type=click.Path(path_type=Path), help="Output file of the fitted forecaster: .kerazoo.")
@backend_option()
@click.option("--seed", type=click.IntRange(0), help="Seed, for a reproducible run.")
@click.option("--quiet", is_flag=True, help="No progress bars.")
def forecast(
    data: Path,
    date: str | None,
    target: str | None,
    id_column: str | None,
    covariates: str | None,
    past: str | None,
    future: Path | None,
    static: Path | None,
    freq: str | None,
    date_format: str | None,
    utc: bool,
    holidays: Path | None,
    missing: str,
    no_header: bool,
    horizon: int | None,
    level: str,
    windows: int | None,
    refit: bool,
    plot: Path | None,
    out: Path | None,
    save: Path | None,
    backend: str | None,
    quiet: bool,
    members: int | None,
    transforms: str,
    period: str,
    calendar: str,
    **parameters: Any,
) -> None:
    """Forecast the series of a CSV file, with intervals and a backtest against naive forecasts.

    Example: kerazoo forecast milk.csv --date month --target pounds_per_cow --horizon 12 --plot milk.png
    """
    from kerazoo.cli.csv_tables import DateOptions, read_dates, read_table

    started = time.perf_counter()
    # Checked before training, which may take minutes.
    check_output("--plot", plot, PLOTS)
    check_output("--out", out, (".csv",))
    check_output("--save", save, (".kerazoo",))
    check_choice("--missing", missing, ("error", "skip"))
    levels = parse_levels(level)
    checked = {
        "transforms": parse_transforms(transforms),
        "period": parse_period(period),
        "calendar": parse_names("--calendar", calendar),
    }
    if static is not None and id_column is None:
        raise InvalidArgumentError(
            "--static without --id; expected both: a row for each of several series, and the column with their labels."
        )
    if holidays is not None and freq is not None:
        raise InvalidArgumentError(
            f"--holidays with --freq={freq!r}; expected one of them: holidays are left out of business days."
        )
    table = read_table(data, not no_header)
    columns = select_columns(table, date, target, id_column, covariates, past)
    if bool(columns.covariates) != (future is not None):
        given, lacks = ("--covariates", "--future") if columns.covariates else ("--future", "--covariates")
        raise InvalidArgumentError(
            f"{given} without {lacks}; expected both: the columns that are known for future dates, and a CSV file with "
            "their values for the dates of the forecast."
        )
    from kerazoo.forecast.backtest import backtest
    from kerazoo.forecast.data.future import read_future
    from kerazoo.forecast.forecaster import Forecaster
    from kerazoo.forecast.preset_options import preset_name

    # Nothing of these imports Keras, and what follows does only where a network is trained.
    named = parameters["epochs"] > 0 and parameters["model"] is not None and preset_name(parameters["model"]) is None
    set_backend(backend, needed=named or parameters["fine_tune"] > 0)

    X_future = None
    with file_names(data, columns, future):
        dates = DateOptions(date_format, freq, utc)
        dates = replace(dates, day_first=table.day_first(columns.date, dates, columns.id))
        skipped = None if holidays is None else read_dates(holidays, dates)
        panel = columns.read_panel(table, dates, skipped, missing)
        if static is not None:
            panel = read_static_file(read_table(static, not no_header), columns, panel)
        forecaster = Forecaster(horizon=horizon, n_members=members, missing=missing, verbose=0, **checked, **parameters)
        settings = forecaster.validate(panel)
        set_backend(backend, needed=settings.epochs > 0 and not settings.preset_alone)
        if future is not None:
            X_future = columns.read_future(read_table(future, not no_header), dates)
            read_future(panel, X_future, settings.horizon)  # raises before training, not after it
    report.print_data(data, columns.target, panel, settings)
    with report.plain_warnings():
        n_windows = _n_windows(windows, panel, settings)
        if n_windows:
            report.show_progress(forecaster, settings, "backtest", quiet)
            params = forecaster.get_params(deep=False)
            every = "fresh" if refit else False
            try:
                scores = backtest(panel, params, n_windows=n_windows, refit=every, levels=levels, only_possible=True)
            except InvalidArgumentError as error:
                if windows is not None:
                    raise
                note(f"no backtest: {error}")  # nobody asked for one
            else:
                report.print_backtest(scores, panel, settings, refit)
        report.show_progress(forecaster, settings, "training", quiet)
        forecaster.fit(panel)
        report.print_method(forecaster, settings)
        found = _predict(forecaster, X_future, levels)
    forecasts = report.forecasts_by_series(panel, found, columns.date)
    report.print_forecast(forecasts, columns.date)
    if plot is not None:
        figure = report.plot_series(panel, forecasts, settings)
        with replacing(plot) as part:
            figure.savefig(part, dpi=150)
        say(f"plot        {plot}{report.unplotted(panel)}")
    if out is not None:
        with replacing(out) as part:
            report.forecast_table(forecasts, columns.id).to_csv(part, index=False, float_format="%.10g")
        say(f"table       {out}")
    if save is not None:
        forecaster.callbacks = []
        forecaster.save(save)
        say(f"forecaster  {save} (kerazoo.Forecaster.load reads it)")
    say(f"done in {time.perf_counter() - started:.1f} s")


def _n_windows(given: int | None, panel: Panel, settings: Any) -> int:
    """The given number of windows, or as many as leave enough values to train on."""
    if given is not None:
        return given
    shortest = min(len(each.values) for each in panel.series)
    least = max(2 * settings.period + 3, 2 * settings.horizon + 4)
    n_windows = max(0, min(MAX_WINDOWS, (shortest - least) // settings.horizon))
    if not n_windows:
        note(f"no backtest: {shortest} values are too few.")
    return n_windows


def _predict(forecaster: Any, X_future: Any, levels: Sequence[float]) -> Any:
    """A forecast with those levels that enough steps were held out for: an error would waste the training."""
    from kerazoo.forecast.preset_options import preset_name

    levels = list(levels)
    while True:
        try:
            return forecaster.predict(X_future=X_future, level=levels or None)
        except IntervalError:
            reason = f"{forecaster.n_held_} held-out steps are too few"
            of_quantiles = forecaster.loss == "quantiles" or preset_name(forecaster.model)
            if of_quantiles and forecaster.correction_weight_.any():
                reason = "the networks have not learned its quantiles"
            note(f"no {100 * levels.pop():g} % interval: {reason}.")
