"""CSV files with series, for the command line; errors name the file and the line."""

from __future__ import annotations

import os
import re
import warnings
import zlib
from lzma import LZMAError
from pathlib import Path

import numpy as np
import pandas as pd

from kerazoo._validation import check_choice
from kerazoo.errors import InvalidArgumentError, StorageError

__all__ = ["Table", "check_output", "read_table"]

# Dates without separators: 19620131 and 196201.
_DAYS = r"(?:1[89]|2[01])\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_MONTHS = r"(?:1[89]|2[01])\d\d(?:0[1-9]|1[0-2])"


class Table:
    """The text of a CSV file; columns are parsed on access.

    Args:
        path: the file, for messages.
        frame: DataFrame of str, NaN in empty cells; row 0 is line 2 of the file.
    """

    def __init__(self, path: Path, frame: pd.DataFrame) -> None:
        self.path = path
        self.frame = frame
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

    def dates(self, name: str, date_format: str | None = None, freq: str | None = None) -> pd.Index:
        """A column as dates, or with `freq` as periods; integers such as 1, 2, 3 or years stay integers.

        Raises:
            InvalidArgumentError: a cell without a date, or an unknown `freq`.
        """
        text = self._filled(name)
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
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # pandas warns if it finds no common format
                found = pd.to_datetime(text, format=date_format, errors="coerce")
            if not found.isna().any() and found.dtype.kind != "M":  # pandas 2 keeps several time zones as objects
                raise ValueError("several time zones; expected one, such as UTC")
        except ValueError as error:  # pandas 3 raises for several time zones; unknown directive
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
        dates = pd.DatetimeIndex(found, name=name)
        return dates if freq is None else _periods(dates, freq)

    def numbers(self, name: str) -> pd.Series:
        """A column as finite float64.

        Raises:
            InvalidArgumentError: a cell without a number.
        """
        text = self._filled(name)
        values = pd.to_numeric(text, errors="coerce").astype("float64")
        wrong = np.flatnonzero(~np.isfinite(values))
        if len(wrong):
            row = int(wrong[0])
            raise InvalidArgumentError(
                f"{self._line(row)}: {text.iloc[row]!r} in column {name!r} is not a number; expected a number in each "
                "row, with a decimal point and without thousands separators."
            )
        return values

    def _filled(self, name: str) -> pd.Series:
        text = self.frame[name].str.strip()
        missing = np.flatnonzero(text.isna() | (text == ""))
        if len(missing):
            more = f" (and in {len(missing) - 1} more)" if len(missing) > 1 else ""
            raise InvalidArgumentError(
                f"{self._line(int(missing[0]))}{more}: column {name!r} is empty; expected a value in each row. "
                "Fill the gaps first."
            )
        return text

    def _line(self, row: int) -> str:
        return f"{self.path}, line {row + 2}"


def read_table(path: Path) -> Table:
    """Read a CSV file with a header, in UTF-8, plain or compressed (.gz, .bz2, .xz, .zst, .zip).

    Raises:
        StorageError: the file does not exist or cannot be read.
        InvalidArgumentError: it is empty, has no rows, repeats a column, or has fewer than two columns.
    """
    if path.is_dir():
        raise StorageError(f"{path}: a directory; expected a CSV file.")
    if not path.exists():
        raise StorageError(f"{path}: no such file.")
    try:
        # All as text: messages can show a wrong cell unchanged, and the id "007" stays "007".
        frame = pd.read_csv(
            path,
            dtype=str,
            keep_default_na=False,
            na_values=[""],
            skip_blank_lines=False,
            skipinitialspace=True,
            index_col=False,
            encoding="utf-8-sig",
        )
    except pd.errors.EmptyDataError:
        raise InvalidArgumentError(f"{path}: empty; expected a header and one row per date.") from None
    except (ValueError, OSError, EOFError, LZMAError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise StorageError(f"{path}: damaged, or not a CSV file in UTF-8: {reason}") from None
    frame.columns = [str(name).strip() for name in frame.columns]
    repeated = frame.columns[frame.columns.duplicated()]
    if len(repeated):
        raise InvalidArgumentError(f"{path}: more than one column {repeated[0]!r}; expected different names.")
    blank = frame.isna().all(axis=1)
    frame = frame.loc[: frame.index[~blank][-1]] if (~blank).any() else frame.iloc[:0]  # without trailing blank lines
    if frame.shape[1] < 2:
        only = str(frame.columns[0])
        between = next((repr(mark) for mark in (";", "\t", "|") if mark in only), None)
        remedy = f" Its columns seem to be separated by {between}; convert them to commas." if between else ""
        raise InvalidArgumentError(
            f"{path}: one column, {only!r}; expected at least two, one with dates and one with numbers.{remedy}"
        )
    if not len(frame):
        raise InvalidArgumentError(f"{path}: no rows below the header; expected one row per date.")
    return Table(path, frame)


def _periods(dates: pd.DatetimeIndex, freq: str) -> pd.PeriodIndex:
    """The periods that contain the dates. `freq` may also name an offset: MS and ME mean M."""
    name = re.sub(r"^(\d*)B?([MQY])[SE](?=-|$)", r"\1\2", freq)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pandas warns that it drops the time zone; local dates are wanted
            return dates.to_period(name)
    except (ValueError, AttributeError, TypeError):
        raise InvalidArgumentError(f"--freq={freq!r}; expected a pandas period: Y, Q, M, W, D, h, 15min, ...") from None


def check_output(option: str, path: Path | None, suffixes: tuple[str, ...]) -> None:
    """Raise if an output file cannot be written, or has another suffix; called before the work starts."""
    if path is None:
        return
    check_choice(f"the suffix of {option}", path.suffix, suffixes)
    if path.is_dir():
        raise StorageError(f"{path}: a directory; expected the name of a file.")
    if not path.parent.is_dir():
        raise StorageError(f"{path}: the folder {str(path.parent)!r} does not exist. Create it first.")
    if not os.access(path.parent, os.W_OK):
        raise StorageError(f"{path}: no permission to write into the folder {str(path.parent)!r}.")
