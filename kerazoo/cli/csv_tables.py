"""CSV files with series, for the command line; errors name the file and the line."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd

from kerazoo._runtime.progress import progress_bar
from kerazoo._validation import check_choice
from kerazoo.cli.csv_dates import day_comes_first, iso_dates, parsed_dates, periods_of
from kerazoo.errors import CorpusNotFoundError, InvalidArgumentError, StorageError
from kerazoo.text.readers import BoundedStream, damage, open_text

__all__ = ["SKIP_HINT", "DateOptions", "Table", "read_dates", "read_table"]

# Dates without separators: 19620131 and 196201.
_DAYS = r"(?:1[89]|2[01])\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_MISSING = ("", "na", "nan")  # cells without a value, in lower case
SKIP_HINT = "--missing skip reads {} as gaps."
_BOUNDS = (200, 1 << 23)  # times the size of a compressed file, and bytes, that a table may have
_MONTHS = r"(?:1[89]|2[01])\d\d(?:0[1-9]|1[0-2])"


@dataclass(frozen=True)
class DateOptions:
    """How dates are read.

    Attributes:
        format: of the dates; None: inferred.
        freq: pandas period that each date stands for, or None.
        utc: whether local times become times in UTC.
        day_first: whether the day comes before the month in dates such as 3/4/2018; None: found from the dates.
    """

    format: str | None = None
    freq: str | None = None
    utc: bool = False
    day_first: bool | None = None


class Table:
    """The text of a CSV file; columns are parsed on access.

    Args:
        path: the file, for messages.
        frame: DataFrame of str, NaN in empty cells.
        lines: int per row, its line in the file.
    """

    def __init__(self, path: Path, frame: pd.DataFrame, lines: Sequence[int]) -> None:
        self.path = path
        self.frame = frame
        self.lines = lines
        self.columns = [str(name) for name in frame.columns]

    def check_column(self, option: str, name: str) -> str:
        """Return the name, or raise if there is no such column; `option` names it in the message."""
        return check_choice(f"{self.path}: {option}", name, self.columns)

    def labels(self, name: str) -> pd.Series:
        """A column as text.

        Raises:
            InvalidArgumentError: an empty cell.
        """
        return self._filled(name)

    def day_first(self, name: str, options: DateOptions, id_column: str | None = None) -> bool | None:
        """Whether the day comes before the month in a column of dates: see :func:`day_comes_first`.

        Raises:
            InvalidArgumentError: the dates can be read in both ways.
        """
        if options.format is not None:
            return None
        labels = None if id_column is None else self.labels(id_column)
        where = f"{self.path}: column {name!r}"
        return day_comes_first(self._filled(name), where, labels, options.freq, options.utc)

    def dates(self, name: str, options: DateOptions = DateOptions()) -> pd.Index:
        """A column as dates, or with `freq` as periods; integers such as 1, 2, 3 or years stay integers.

        Raises:
            InvalidArgumentError: a cell without a date, or an unknown `freq`.
        """
        text = self._filled(name)
        date_format, freq = options.format, options.freq
        if date_format is None and text.str.fullmatch(_DAYS).all():
            date_format = "%Y%m%d"
        elif date_format is None and text.str.fullmatch(_MONTHS).all():
            date_format = "%Y%m"
        elif date_format is None and text.str.fullmatch(r"[+-]?\d{1,15}").all():
            if freq is not None:
                raise InvalidArgumentError(
                    f"{self.path}: --freq with integers in column {name!r}; expected dates. Leave --freq out, or "
                    "give the format of the dates with --date-format."
                )
            return pd.Index(text.astype("int64"), name=name)
        iso = None if options.day_first is None else iso_dates(text, options.day_first)
        try:
            found = parsed_dates(text if iso is None else iso, date_format, options.utc)
        except ValueError as error:  # pandas 3 raises for several time zones; unknown directive
            if "timezones" in str(error):
                raise InvalidArgumentError(
                    f"{self.path}: column {name!r} has times of several time zones, or of a local time whose offset "
                    "changes; expected one time zone. --utc reads them as times in UTC."
                ) from None
            raise InvalidArgumentError(f"{self.path}: column {name!r} cannot be parsed as dates: {error}") from None
        missing = np.flatnonzero(found.isna())
        if len(missing):
            row = int(missing[0])
            like = f" in the format of the first, {text.iloc[0]!r}" if row and date_format is None else ""
            example = "such as %d.%m.%Y" if date_format is None else f"other than {date_format}"
            raise InvalidArgumentError(
                f"{self._line(row)}: {text.iloc[row]!r} in column {name!r} is not a date{like}; expected a date in "
                f"each row. --date-format gives their format, {example}."
            )
        dates = found.rename(name)
        return dates if freq is None else periods_of(dates, freq)

    def numbers(self, name: str, missing: str | None = None) -> pd.Series:
        """A column as finite float64.

        Args:
            name: of the column.
            missing: "skip": empty cells, NA and NaN are read as NaN; "error": they are refused, with the hint that they
                could be skipped; None: they are refused.

        Raises:
            InvalidArgumentError: a cell without a number.
        """
        empty = np.zeros(len(self.frame), bool)
        if missing == "skip":
            text = self.frame[name].fillna("").str.strip()
            empty = text.str.lower().isin(_MISSING).to_numpy()
        else:
            text = self._filled(name, "" if missing is None else f" {SKIP_HINT.format('empty cells')}")
        values = pd.to_numeric(text.mask(empty), errors="coerce").astype("float64")
        wrong = np.flatnonzero(~np.isfinite(values) & ~empty)
        if len(wrong):
            row = int(wrong[0])
            raise InvalidArgumentError(
                f"{self._line(row)}: {text.iloc[row]!r} in column {name!r} is not a number; expected a number in each "
                "row, with a decimal point and without thousands separators."
            )
        return values

    def numbers_or_text(self, name: str) -> pd.Series:
        """A column as float64 if all its cells are numbers, else as text; empty cells, NA and NaN are missing.

        Raises:
            InvalidArgumentError: a cell is infinite.
        """
        text = self.frame[name].fillna("").str.strip()
        text = text.mask(text.str.lower().isin(_MISSING).to_numpy())
        values = pd.to_numeric(text, errors="coerce").astype("float64")
        if (values.isna() & text.notna()).any():
            return text
        wrong = np.flatnonzero(np.isinf(values))
        if len(wrong):
            raise InvalidArgumentError(
                f"{self._line(int(wrong[0]))}: {text.iloc[wrong[0]]!r} in column {name!r} is infinite; expected a "
                "number, or an empty cell where it is unknown."
            )
        return values

    def _filled(self, name: str, hint: str = "") -> pd.Series:
        text = self.frame[name].str.strip()
        missing = np.flatnonzero(text.isna() | (text == ""))
        if len(missing):
            more = f" (and in {len(missing) - 1} more)" if len(missing) > 1 else ""
            raise InvalidArgumentError(
                f"{self._line(int(missing[0]))}{more}: column {name!r} is empty; expected a value in each row. "
                f"Fill the gaps first.{hint}"
            )
        return text

    def _line(self, row: int) -> str:
        return f"{self.path}, line {self.lines[row]}"


def read_table(path: Path, header: bool = True) -> Table:
    """Read a CSV file in UTF-8, plain or compressed (.gz, .bz2, .xz, .zst, .zip).

    Args:
        path: the file.
        header: whether its first line names the columns; else they are named 1, 2, ...

    Raises:
        StorageError: the file does not exist or cannot be read.
        InvalidArgumentError: it is empty, has no rows or no header, repeats a column, has fewer than two columns, or a
            row has more values than the header has names.
    """
    rows = _read_rows(path)
    if not rows:
        raise InvalidArgumentError(f"{path}: empty; expected a header and one row per date.")
    width = len(rows[0][1])
    if rows[0][1][-1] == "" and all(len(cells) <= width and cells[width - 1 :] in ([], [""]) for _, cells in rows):
        width -= 1  # a comma at the end of each line
    names = [name or f"Unnamed: {i}" for i, name in enumerate(rows[0][1][:width])]
    if header:
        _check_header(path, rows)
        rows = rows[1:]
    else:
        names = [str(i + 1) for i in range(width)]
    repeated = next((name for i, name in enumerate(names) if name in names[:i]), None)
    if repeated is not None:
        raise InvalidArgumentError(f"{path}: more than one column {repeated!r}; expected different names.")
    if len(names) < 2:
        only = names[0] if names else ""
        between = next((repr(mark) for mark in (";", "\t", "|") if mark in only), None)
        remedy = f" Its columns seem to be separated by {between}; convert them to commas." if between else ""
        raise InvalidArgumentError(
            f"{path}: one column, {only!r}; expected at least two, one with dates and one with numbers.{remedy}"
        )
    for line, cells in rows:
        if len(cells) > width and not (len(cells) == width + 1 and cells[-1] == ""):
            shown = ",".join(cells)
            raise InvalidArgumentError(
                f"{path}, line {line}: {len(cells)} values, {shown!r:.80}, for the {width} columns "
                f"{', '.join(map(repr, names))[:200]}; expected one value for each column. Numbers need a decimal "
                "point and no thousands separators, and text with commas needs quotes."
            )
    while rows and not any(rows[-1][1]):
        rows.pop()  # blank lines at the end
    if not rows:
        raise InvalidArgumentError(f"{path}: no rows below the header; expected one row per date.")
    table = [[*cells[:width], *[""] * (width - len(cells))] for _, cells in rows]
    frame = pd.DataFrame(table, columns=names, dtype=str)
    return Table(path, frame, [line for line, _ in rows])


def _read_rows(path: Path) -> list[tuple[int, list[str]]]:
    """The number of the last line and the stripped cells of each row, blank lines at the start left out."""
    if path.is_dir():
        raise StorageError(f"{path}: a directory; expected a CSV file.")
    if not path.exists():
        raise StorageError(f"{path}: no such file.")
    try:
        # pandas decodes. Its parser would drop surplus values, so that of Python splits the lines. All
        # stays text: messages can show a wrong cell unchanged, and the id "007" stays "007".
        with _opened(path) as stream:
            lines = pd.read_csv(
                stream,
                header=None,
                names=["line"],
                sep="\x01",
                quoting=csv.QUOTE_NONE,
                dtype=str,
                keep_default_na=False,
                skip_blank_lines=False,
                index_col=False,
                encoding="utf-8-sig",
            )["line"]
        with progress_bar(len(lines), "line", f"reading {path.name}") as bar:
            reader = csv.reader(_with_ends(lines, bar), skipinitialspace=True, strict=True)
            rows = [(reader.line_num, [cell.strip() for cell in cells] or [""]) for cells in reader]
    except pd.errors.EmptyDataError:
        return []
    except CorpusNotFoundError as error:
        raise StorageError(f"{path}: no such file.") from error
    except (*damage(), ValueError, zipfile.BadZipFile, NotImplementedError, csv.Error) as error:  # type: ignore[misc]
        reason = getattr(error, "strerror", None) or error
        raise StorageError(f"{path}: damaged, or not a CSV file in UTF-8: {reason}") from None
    first = next((i for i, (_, cells) in enumerate(rows) if any(cells)), len(rows))
    return rows[first:]


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """The bytes of a file, decompressed by its suffix."""
    if path.suffix.lower() != ".zip":
        with open_text(path, *_BOUNDS) as (stream, _):
            yield io.BufferedReader(stream, 1 << 18)  # type: ignore[type-var]
        return
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        if len(names) != 1:
            raise ValueError(f"a zip file with {len(names)} files; expected one")
        part = archive.getinfo(names[0])
        if part.flag_bits & 1 or part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError("a zip file with a password, or compressed unusually; expected deflate without password")
        with archive.open(names[0]) as inside:
            yield io.BufferedReader(BoundedStream(inside, path.stat().st_size, *_BOUNDS), 1 << 18)


def _with_ends(lines: pd.Series, bar: Any) -> Iterator[str]:
    """The lines with their ends, counted by a progress bar in parts."""
    for number, line in enumerate(lines, 1):
        yield f"{line}\n"
        if not number % 10_000:
            bar.update(10_000)


def _check_header(path: Path, rows: Sequence[tuple[int, list[str]]]) -> None:
    """Raise if the first line has values of the kinds that the second has, and no names."""
    following = next((cells for _, cells in rows[1:] if any(cells)), None)
    line, cells = rows[0]
    if following is None:
        return
    kinds = [_kind_of(cell) for cell in cells]
    if set(kinds) == {"text"} or kinds != [_kind_of(cell) for cell in following[: len(kinds)]]:
        return
    raise InvalidArgumentError(
        f"{path}, line {line}: {','.join(cells)!r:.80} has values as the lines below; expected a header with the names "
        "of the columns. --no-header reads a file without one: its columns are named 1, 2, ..."
    )


def _kind_of(cell: str) -> str:
    try:
        float(cell)
    except ValueError:
        looks_like_date = cell[:1].isdigit() and not parsed_dates(pd.Series([cell])).hasnans
        return "date" if looks_like_date else "text"
    return "number"


def read_dates(path: Path, options: DateOptions = DateOptions()) -> list[pd.Timestamp]:
    """The dates of a file with one per line, or in the first column of a CSV file; a header may lie above them.

    Args:
        path: the file.
        options: of the dates of the series, whose format or order is tried first.

    Raises:
        StorageError: the file does not exist or cannot be read.
        InvalidArgumentError: it has no dates, a line is not a date, or day and month cannot be told apart.
    """
    rows = [(line, cells[0]) for line, cells in _read_rows(path) if any(cells)]
    if rows and not any(character.isdigit() for character in rows[0][1]):
        rows = rows[1:]
    text = pd.Series([cell for _, cell in rows], dtype=str)
    if not len(text):
        raise InvalidArgumentError(f"{path}: no dates; expected one per line.")
    try:
        found = parsed_dates(text, options.format)
        if options.format is not None and found.hasnans:
            found = parsed_dates(text)
    except ValueError as error:  # several time zones, or an unknown directive
        raise InvalidArgumentError(f"{path}: {error}; expected one date per line, such as 2018-03-04.") from None
    orders = {day_first: iso_dates(text, day_first) for day_first in (True, False)}
    if options.format is None and orders[True] is not None:
        readings = {each: parsed_dates(iso) for each, iso in orders.items() if iso is not None}
        fit = [each for each, dates in readings.items() if not dates.hasnans]
        if len(fit) == 2 and options.day_first is None:
            raise InvalidArgumentError(
                f"{path}: {text.iloc[0]!r} may begin with the day or the month; expected dates such as 2018-03-04."
            )
        if fit:
            found = readings[fit[0] if len(fit) == 1 else bool(options.day_first)]
    wrong = np.flatnonzero(found.isna())
    if len(wrong):
        line, cell = rows[int(wrong[0])]
        raise InvalidArgumentError(
            f"{path}, line {line}: {cell!r} is not a date; expected one per line, such as 2018-03-04."
        )
    return list(found.tz_localize(None))
