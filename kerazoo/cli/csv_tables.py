"""Series in CSV files, for the command line: what is wrong with a file is said with its name and the line."""

from __future__ import annotations

import os
import re
import secrets
import warnings
import zlib
from collections.abc import Callable
from lzma import LZMAError
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kerazoo._validation import check_choice
from kerazoo.errors import InvalidArgumentError, StorageError

__all__ = ["Table", "check_output", "read_table", "write_whole"]

# Numbers without separators that are dates: 19620131 and 196201.
_DAYS = r"(?:1[89]|2[01])\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_MONTHS = r"(?:1[89]|2[01])\d\d(?:0[1-9]|1[0-2])"


class Table:
    """The text of a CSV file: columns by name, parsed when they are asked for.

    Args:
        path: what messages call it.
        frame: DataFrame of str, NaN where there is nothing; row 0 is line 2 of the file.
    """

    def __init__(self, path: Path, frame: pd.DataFrame) -> None:
        self.path = path
        self.frame = frame
        self.columns = [str(name) for name in frame.columns]

    def check_column(self, option: str, name: str) -> str:
        """The name, if there is such a column."""
        return check_choice(f"{self.path}: {option}", name, self.columns)

    def labels(self, name: str) -> pd.Series:
        """A column as it stands, without gaps."""
        return self._filled(name)

    def dates(self, name: str, date_format: str | None = None, freq: str | None = None) -> pd.Index:
        """A column as dates (as periods with `freq`); whole numbers such as 1, 2, 3 or years stay numbers.

        Raises:
            InvalidArgumentError: a row without a date, or `freq` is not known.
        """
        text = self._filled(name)
        if date_format is None and text.str.fullmatch(_DAYS).all():
            date_format = "%Y%m%d"
        elif date_format is None and text.str.fullmatch(_MONTHS).all():
            date_format = "%Y%m"
        elif date_format is None and text.str.fullmatch(r"[+-]?\d{1,15}").all():
            if freq is not None:
                raise InvalidArgumentError(
                    f"{self.path}: --freq with whole numbers in column {name!r}; expected dates. Leave --freq out, or "
                    "say by --date-format how the dates are written."
                )
            return pd.Index(text.astype("int64"), name=name)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that no common format was found
                found = pd.to_datetime(text, format=date_format, errors="coerce")
            if not found.isna().any() and found.dtype.kind != "M":  # pandas 2 keeps several time zones as objects
                raise ValueError("several time zones; expected one, as UTC")
        except ValueError as error:  # several time zones in pandas 3, an unknown directive
            raise InvalidArgumentError(f"{self.path}: no dates in column {name!r}: {error}") from None
        missing = np.flatnonzero(found.isna())
        if len(missing):
            row = int(missing[0])
            like = f" like the first, {text.iloc[0]!r}" if row and date_format is None else ""
            written = "%d.%m.%Y, say" if date_format is None else f"not {date_format}"
            raise InvalidArgumentError(
                f"{self._place(row)}: {text.iloc[row]!r} in column {name!r} is no date{like}; expected one in each "
                f"row. --date-format tells how they are written: {written}."
            )
        dates = pd.DatetimeIndex(found, name=name)
        return dates if freq is None else _periods(dates, freq)

    def numbers(self, name: str) -> pd.Series:
        """A column as finite float64.

        Raises:
            InvalidArgumentError: a row without a number.
        """
        text = self._filled(name)
        values = pd.to_numeric(text, errors="coerce").astype("float64")
        wrong = np.flatnonzero(~np.isfinite(values))
        if len(wrong):
            row = int(wrong[0])
            raise InvalidArgumentError(
                f"{self._place(row)}: {text.iloc[row]!r} in column {name!r} is no number; expected one in each row, "
                "with a point for decimals and nothing between thousands."
            )
        return values

    def _filled(self, name: str) -> pd.Series:
        text = self.frame[name].str.strip()
        missing = np.flatnonzero(text.isna() | (text == ""))
        if len(missing):
            more = f" (and in {len(missing) - 1} more)" if len(missing) > 1 else ""
            raise InvalidArgumentError(
                f"{self._place(int(missing[0]))}{more}: nothing in column {name!r}; expected a value in each row. "
                "Fill gaps first."
            )
        return text

    def _place(self, row: int) -> str:
        return f"{self.path}, line {row + 2}"


def read_table(path: Path) -> Table:
    """Read a CSV file with a header, in UTF-8, plain or packed (.gz, .bz2, .xz, .zst, .zip).

    Raises:
        StorageError: there is no such file, or it cannot be read.
        InvalidArgumentError: it is empty, has no rows, or fewer than two columns.
    """
    if path.is_dir():
        raise StorageError(f"{path}: a directory; expected a CSV file.")
    if not path.exists():
        raise StorageError(f"{path}: no such file.")
    try:
        # All as text: a wrong cell can then be shown as it stands, and an id "007" stays what it is.
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
        raise InvalidArgumentError(f"{path}: empty; expected a header and a row a date.") from None
    except (ValueError, OSError, EOFError, LZMAError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise StorageError(f"{path}: no CSV file in UTF-8, or damaged: {reason}") from None
    frame.columns = [str(name).strip() for name in frame.columns]
    repeated = frame.columns[frame.columns.duplicated()]
    if len(repeated):
        raise InvalidArgumentError(f"{path}: column {repeated[0]!r} is there more than once; expected each name once.")
    blank = frame.isna().all(axis=1)
    frame = frame.loc[: frame.index[~blank][-1]] if (~blank).any() else frame.iloc[:0]  # blank lines at the end
    if frame.shape[1] < 2:
        only = str(frame.columns[0])
        between = next((repr(mark) for mark in (";", "\t", "|") if mark in only), None)
        remedy = f" Its columns seem to be separated by {between}; expected commas." if between else ""
        raise InvalidArgumentError(
            f"{path}: one column, {only!r}; expected at least two, one of dates and one of numbers.{remedy}"
        )
    if not len(frame):
        raise InvalidArgumentError(f"{path}: no rows under the header; expected a row a date.")
    return Table(path, frame)


def _periods(dates: pd.DatetimeIndex, freq: str) -> pd.PeriodIndex:
    """The periods in which dates lie. Names of offsets are taken as well: MS and ME are M."""
    name = re.sub(r"^(\d*)B?([MQY])[SE](?=-|$)", r"\1\2", freq)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a time zone is left out: the dates are those of its own clocks
            return dates.to_period(name)
    except (ValueError, AttributeError, TypeError):
        raise InvalidArgumentError(
            f"--freq={freq!r}; expected a period of pandas: Y, Q, M, W, D, h, 15min, ..."
        ) from None


def check_output(option: str, path: Path | None, suffixes: tuple[str, ...]) -> None:
    """Refuse a file that could not be written, before the work and not after it."""
    if path is None:
        return
    check_choice(f"the suffix of {option}", path.suffix, suffixes)
    if path.is_dir():
        raise StorageError(f"{path}: a directory; expected the name of a file.")
    if not path.parent.is_dir():
        raise StorageError(f"{path}: the folder {str(path.parent)!r} does not exist. Make it first.")
    if not os.access(path.parent, os.W_OK):
        raise StorageError(f"{path}: no permission to write into the folder {str(path.parent)!r}.")


def write_whole(path: Path, write: Callable[[Path], Any]) -> None:
    """Write a file beside its place, then rename it: an old one stays until the new one is whole.

    Raises:
        StorageError: the file cannot be written.
    """
    part = path.with_name(f".{path.stem}.{secrets.token_hex(4)}.part{path.suffix}")
    try:
        write(part)
        os.replace(part, path)
    except OSError as error:
        raise StorageError(
            f"{path}: cannot be written ({error.strerror or error}). The folder must exist and have room."
        ) from error
    finally:
        part.unlink(missing_ok=True)
