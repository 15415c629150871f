"""The command `kerazoo generate`: generated series in a CSV file."""

from __future__ import annotations

from pathlib import Path

import click

from kerazoo._runtime.files import replacing
from kerazoo._runtime.progress import progress_bar
from kerazoo.cli.commands import Command, check_output
from kerazoo.errors import InvalidArgumentError

__all__ = ["generate"]


@click.command(cls=Command, short_help="Generate time series as a CSV file.", arguments={"n_series": "--n"})
@click.option("--n", "n_series", default=100, show_default=True, help="Number of series.")
@click.option("--length", default=120, show_default=True, help="Number of steps.")
@click.option(
    "--period", default="1", show_default=True, metavar="STEPS", help="Steps of a season; several: 24,168. 1: none."
)
@click.option("--kind", default="mixture", show_default=True, help="Kind of the series; an unknown one lists all.")
@click.option("--seed", required=True, type=int, help="Seed: equal seeds give equal series.")
@click.option(
    "--freq",
    default="auto",
    show_default=True,
    help="YS, QS, MS, W, D, B, h, or none: integers as dates; auto: the usual one of the shortest season.",
)
@click.option("--start", "date", default="2000-01-01", show_default=True, help="First date of all series.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Output file: .csv.")
def generate(n_series: int, length: int, period: str, kind: str, seed: int, freq: str, date: str, out: Path) -> None:
    """Generate time series, as a CSV file with a row for each series and date: unique_id, ds, y.

    Example: kerazoo generate --n 1000 --length 120 --period 12 --seed 1 --out series.csv
    """
    from kerazoo.forecast.generators import BLOCK, step_dates
    from kerazoo.forecast.generators import generate as generated
    from kerazoo.forecast.generators.grid import Grid

    check_output("--out", out, (".csv",))
    try:
        periods = [float(part) for part in period.split(",")]
    except ValueError:
        raise InvalidArgumentError(f"--period={period!r}; expected a number, or several such as 24,168.") from None
    grid = Grid.of(periods, None if freq == "none" else freq, date)
    dates = [str(number) for number in range(length)]
    if grid.freq is not None:
        dates = [str(each) for each in step_dates(date, length, grid.freq)]
    with (
        replacing(out) as part,
        part.open("w", encoding="utf-8", newline="") as file,
        progress_bar(n_series, "series", f"writing {out.name}") as bar,
    ):
        file.write("unique_id,ds,y\n")
        # In parts, so that millions of series need no memory; one part at least, for the checks of the arguments.
        for first in range(0, max(n_series, 1), BLOCK):
            size = min(BLOCK, n_series - first)
            values = generated(size, length, periods, kind=kind, seed=seed, start=first, freq=grid.freq, date=date)
            for number, row in enumerate(values.tolist(), first):
                file.writelines(
                    f"series_{number},{each},{repr(value).removesuffix('.0')}\n"
                    for each, value in zip(dates, row, strict=True)
                )
                bar.update(1)
    click.echo(f"{out}: {n_series:,} series of {length:,} steps, kind {kind}, seed {seed}")
