"""The options of `kerazoo forecast` as arguments of the library: columns, levels, transforms."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kerazoo.errors import InvalidArgumentError

if TYPE_CHECKING:
    import pandas as pd

    from kerazoo.cli.csv_tables import DateOptions, Table
    from kerazoo.forecast.data.panel import Panel

__all__ = [
    "Columns",
    "file_names",
    "parse_levels",
    "parse_names",
    "parse_period",
    "parse_transforms",
    "read_static_file",
    "select_columns",
]


@dataclass(frozen=True)
class Columns:
    """Names of the columns to read.

    Attributes:
        date: of the dates.
        target: of the values to forecast.
        id: of the labels of the series; None: there is one series.
        covariates: of the covariates that are known for future dates.
        past: of those that are not.
    """

    date: str
    target: str
    id: str | None
    covariates: tuple[str, ...]
    past: tuple[str, ...] = ()

    def read_panel(
        self, table: Table, options: DateOptions, holidays: Sequence[Any] | None = None, missing: str = "error"
    ) -> Panel:
        """Parse the table: the only time that its series are read and checked.

        Args:
            table: with all columns.
            options: how its dates are read.
            holidays: dates without values in series of business days, or None.
            missing: "skip": empty cells of the target and missing dates are gaps; "error": they are refused.

        Raises:
            InvalidArgumentError: cells that are not dates or numbers; dates that are missing, repeated or not sorted.
        """
        import numpy as np
        import pandas as pd

        from kerazoo.forecast.data.panel import Panel, SeriesData
        from kerazoo.forecast.data.read import read_panel

        dates, values = table.dates(self.date, options), table.numbers(self.target, missing).to_numpy()
        covariates = {name: table.numbers(name).array for name in self.covariates}
        unknown = "skip" if missing == "skip" else None
        past = {name: table.numbers(name, unknown).array for name in self.past}
        where = f"{table.path}: column {self.date!r}"
        if self.id is None:
            series, index = _one_series(dates, values, self.target, (where, where), holidays, missing)
            return read_panel(series, _frame(covariates, index), missing, X_past=_frame(past, index))
        labels = table.labels(self.id).array
        keys = {"unique_id": labels, "ds": dates}
        y = pd.DataFrame({**keys, "y": values})
        if holidays is None:
            X, X_past = (pd.DataFrame({**keys, **each}) if each else None for each in (covariates, past))
            return read_panel(y, X, missing, X_past=X_past)
        # A column of a long frame has no freq, which knows the holidays: the series are read one by one.
        codes, uniques = pd.factorize(labels)
        parts: list[SeriesData] = []
        for code, label in enumerate(uniques):
            rows = np.flatnonzero(codes == code)
            rows = rows[np.argsort(np.asarray(dates)[rows], kind="stable")]
            names = f"{where} of series {label!r}", where
            series, index = _one_series(dates[rows], values[rows], label, names, holidays, missing)
            X, X_past = (_frame({name: one[rows] for name, one in each.items()}, index) for each in (covariates, past))
            parts += read_panel(series, X, missing, X_past=X_past).series
        return Panel(tuple(parts), "long", self.covariates, id_dtype=y["unique_id"].dtype, past_names=self.past)

    def read_future(self, table: Table, options: DateOptions) -> pd.DataFrame:
        """The covariates of a table of future dates, in the form that `Forecaster.predict` expects as `X_future`."""
        import pandas as pd

        keys = {"--date": self.date, **({"--id": self.id} if self.id is not None else {})}
        for option, name in [*keys.items(), *(("--covariates", each) for each in self.covariates)]:
            table.check_column(option, name)
        columns = {name: table.numbers(name).array for name in self.covariates}
        dates = table.dates(self.date, options)
        if self.id is None:
            return pd.DataFrame(columns, index=dates)
        return pd.DataFrame({"unique_id": table.labels(self.id).array, "ds": dates, **columns})


def _one_series(
    dates: pd.Index, values: Any, name: str, wheres: tuple[str, str], holidays: Sequence[Any] | None, missing: str
) -> tuple[pd.Series, pd.Index]:
    """A series over its regular index, NaN at missing dates; and the index of the rows that the table has.

    `wheres` are the names of the dates in messages, about holidays and others.
    """
    import pandas as pd

    from kerazoo.cli.csv_dates import business_days

    days = dates if holidays is None else business_days(dates, holidays, wheres[0], missing)
    index = _regular(days, wheres[1], missing)
    if len(index) == len(dates):
        return pd.Series(values, index, name=name), index
    return pd.Series(values, dates, name=name).reindex(index), dates


def _frame(columns: Mapping[str, Any], index: pd.Index) -> pd.DataFrame | None:
    import pandas as pd

    return pd.DataFrame(dict(columns), index=index) if columns else None


def _regular(dates: pd.Index, where: str, missing: str) -> pd.Index:
    import pandas as pd

    from kerazoo.cli.csv_tables import SKIP_HINT
    from kerazoo.forecast.data.gaps import filled_index
    from kerazoo.forecast.data.index import regular_index

    try:
        if missing == "skip":
            return filled_index(dates, where, owner="")
        return regular_index(dates, where, owner="", hint=SKIP_HINT.format("them"))
    except InvalidArgumentError as error:
        if not isinstance(dates, pd.DatetimeIndex) or not dates.is_monotonic_increasing or not dates.is_unique:
            raise
        remedy = " If the dates stand for periods, name these with --freq: D, W, M, Q or Y."
        if "'B'" in str(error):
            remedy = " If these are holidays, list them in a file: --holidays FILE."
        raise InvalidArgumentError(f"{error}{remedy}") from error


def select_columns(
    table: Table,
    date: str | None,
    target: str | None,
    id_column: str | None,
    covariates: str | None,
    past: str | None = None,
) -> Columns:
    """The columns that the options name. Default: the first one has the dates, the only other one the target.

    Raises:
        InvalidArgumentError: a column that the table does not have, a column in two roles, or no clear target.
    """
    date = table.columns[0] if date is None else table.check_column("--date", date)
    used = [date]
    if id_column is not None:
        used.append(table.check_column("--id", id_column))
    known, before = (
        tuple(name.strip() for name in (each or "").split(",") if name.strip()) for each in (covariates, past)
    )
    used.extend(table.check_column("--covariates", name) for name in known)
    used.extend(table.check_column("--past", name) for name in before)
    if target is None:
        left = [name for name in table.columns if name not in used]
        if len(left) != 1:
            shown = ", ".join(map(repr, left)) or "none"
            raise InvalidArgumentError(
                f"{table.path}: --target is missing; expected the name of the column to forecast. Candidates: {shown}."
            )
        target = left[0]
    used.append(table.check_column("--target", target))
    for name in used:
        if used.count(name) > 1:
            raise InvalidArgumentError(
                f"{table.path}: column {name!r} has two roles; expected different columns for --date, --target, "
                "--id, --covariates and --past."
            )
    return Columns(date, target, id_column, known, before)


@contextmanager
def file_names(data: Path, columns: Columns, future: Path | None = None) -> Iterator[None]:
    """Errors of the library name the files and columns of the user, instead of `y`, `ds` and `X_future`."""
    try:
        yield
    except InvalidArgumentError as error:
        text = re.sub(r"^y has\b", f"{data}: column {columns.target!r} has", str(error))
        text = re.sub(r"^ds of series\b", f"{data}: column {columns.date!r} of series", text)
        text = re.sub(r"y\['(ds|unique_id)'\]", f"{data}: column {columns.date!r}", text)
        text = re.sub(r"X_past\['?(\w[^\]]*?)'?\]:", lambda found: f"{data}: column {found[1]!r}:", text)
        text = text.replace(" (val)", "").replace("(y.tz_convert('UTC'))", "(--utc)")
        text = text.replace('missing="skip"', "--missing skip")
        lacks = re.match(r"X lacks (\d+) (?:rows|of the \d+ dates) of y: (.*); expected a row for each", text)
        if lacks is not None:
            text = (
                f"{data}: {lacks[1]} dates have no row: {lacks[2]}; expected covariates for every step. Add their "
                f"rows, with an empty cell in column {columns.target!r}."
            )
        if future is not None:
            text = re.sub(r"\bX_future(\.index|\['ds'\])", f"{future}: column {columns.date!r}", text)
            text = re.sub(r"\bX_future\b", str(future), text)
        error.args = (text,)
        raise


def read_static_file(table: Table, columns: Columns, panel: Panel) -> Panel:
    """The panel with what a table says of its series: columns of numbers are numbers, others are categories.

    The labels are in the column of that name, else in the first one. Empty cells are unknown.

    Raises:
        InvalidArgumentError: series without a row or with several, or a single series.
    """
    import pandas as pd

    from kerazoo.forecast.data.index import listed
    from kerazoo.forecast.data.static import read_static

    if len(panel.series) < 2:
        raise InvalidArgumentError(
            f"--static with the single series {panel.ids[0]!r}; expected several: it says how they differ."
        )
    key = columns.id if columns.id in table.columns else table.columns[0]
    labels = table.labels(key)
    repeated = labels[labels.duplicated()].unique()
    if len(repeated):
        raise InvalidArgumentError(
            f"{table.path}: column {key!r} has {listed(repeated)} more than once; expected one row per series."
        )
    lacks = [label for label in panel.ids if label not in set(labels)]
    if lacks:
        raise InvalidArgumentError(
            f"{table.path}: column {key!r} lacks {len(lacks)} of the {len(panel.ids)} series: {listed(lacks)}; "
            f"expected one row for each. It has {listed(labels)}."
        )
    found = {name: table.numbers_or_text(name).array for name in table.columns if name != key}
    frame = pd.DataFrame(found, index=pd.Index(labels.array))
    return replace(panel, **read_static(frame, panel.ids, panel.form, str(table.path)))


def parse_period(text: str) -> Any:
    """`auto`, the steps of a season, or a list of those of several, from `24` or `24,168`.

    >>> parse_period("24, 168"), parse_period("52.18"), parse_period("auto")
    ([24, 168], 52.18, 'auto')
    """
    if text.strip().lower() == "auto":
        return "auto"
    try:
        numbers = [float(part) for part in text.split(",") if part.strip()]
    except ValueError:
        numbers = []
    if not numbers or not all(math.isfinite(number) and number >= 1 for number in numbers):
        raise InvalidArgumentError(
            f"--period={text!r}; expected auto, or steps of a season, of several separated by commas: 24,168. 1 is no "
            "season."
        )
    found = [int(number) if number.is_integer() else number for number in numbers]
    return found[0] if len(found) == 1 else found


def parse_names(option: str, text: str) -> Any:
    """`auto`, or names separated by commas; `none` is ().

    >>> parse_names("--calendar", "month, day_of_week"), parse_names("--calendar", "none")
    (('month', 'day_of_week'), ())
    """
    if text.strip().lower() in ("auto", "none"):
        return "auto" if text.strip().lower() == "auto" else ()
    names = tuple(part.strip() for part in text.split(",") if part.strip())
    if not names:
        raise InvalidArgumentError(f"{option}={text!r}; expected auto, none, or names separated by commas.")
    return names


def parse_levels(text: str) -> tuple[float, ...]:
    """Levels of intervals as fractions, ascending, from `0.8,0.95`, `80,95` or `none`.

    >>> parse_levels("95, 0.8"), parse_levels("none")
    ((0.8, 0.95), ())
    """
    if text.strip().lower() == "none":
        return ()
    try:
        numbers = {Decimal(part.strip()) for part in text.split(",") if part.strip()}
    except InvalidOperation:
        numbers = set()
    if not numbers or not all(number.is_finite() and 0 < number < 100 and number != 1 for number in numbers):
        raise InvalidArgumentError(
            f"--level={text!r}; expected fractions or percentages, separated by commas, or none. 0.8 and 80 both mean "
            "80 %."
        )
    return tuple(sorted({float(number if number < 1 else number / 100) for number in numbers}))


def parse_transforms(text: str) -> Any:
    """`auto`, or configs, from names separated by commas, with arguments in brackets as in the names of models.

    >>> parse_transforms("log, difference[lag=12]")
    ({'name': 'log'}, {'name': 'difference', 'lag': 12})
    """
    if text == "auto":
        return text
    if text.strip().lower() == "none":
        return ()
    configs = []
    for part in re.split(r",(?![^\[]*\])", text):
        match = re.fullmatch(r"\s*(\w+)\s*(?:\[(.*)\])?\s*", part)
        pairs = [pair.partition("=") for pair in (match[2] or "").split(",") if pair.strip()] if match else []
        if match is None or not all(equals and key.strip() and value.strip() for key, equals, value in pairs):
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
