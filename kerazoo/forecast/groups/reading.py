"""Rows of series as panels; a series that is not as it should be is a row of the table of errors."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from kerazoo.errors import InvalidArgumentError, KerazooError, MissingPackageError, StorageError
from kerazoo.forecast.data.index import dates_from, kind_of, offset_text
from kerazoo.forecast.data.panel import Panel, SeriesData
from kerazoo.forecast.data.ranges import check_counts, check_range
from kerazoo.forecast.data.read import read_panel
from kerazoo.forecast.data.types import Index

__all__ = [
    "ERROR_COLUMNS",
    "Failure",
    "Rules",
    "frames_of",
    "in_halves",
    "panels_of",
    "sample_panel",
    "without_failing",
]

#: Columns of a table of errors.
ERROR_COLUMNS = ("unique_id", "error", "message")
#: Series that are read at a time.
CHUNK = 512
#: How messages call the series that say the frequency.
REFERENCE = "(all other series)"
#: Errors that are not about a series.
OF_ALL = (MissingPackageError, StorageError, MemoryError)

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Failure:
    """A series without a result.

    Attributes:
        unique_id: its name as text.
        error: the class of the error.
        message: what it says.
    """

    unique_id: str
    error: str
    message: str

    @classmethod
    def of(cls, unique_id: Any, error: Exception) -> Failure:
        """That of an error."""
        return cls(str(unique_id), type(error).__name__, str(error))


@dataclass(frozen=True)
class Rules:
    """What all series must be.

    Attributes:
        missing: `"error"` or `"skip"`: see :class:`kerazoo.Forecaster`.
        floor: float or None: no value lies below.
        loss: the name of the loss, or None.
        index: the dates of a series with the frequency of all; None: not known yet.
        covariates: names of the covariates; None: not known yet.
    """

    missing: str
    floor: float | None
    loss: str | None
    index: Index | None = None
    covariates: tuple[str, ...] | None = None

    def check(self, panel: Panel) -> None:
        """Refuse a panel that breaks them.

        Raises:
            InvalidArgumentError: with the reason.
        """
        check_range(self.floor, self.loss, panel)
        if self.loss == "negative_binomial":
            check_counts(panel)
        if self.covariates is not None and panel.covariate_names != self.covariates:
            raise InvalidArgumentError(
                f"covariates {list(panel.covariate_names)}; expected {list(self.covariates)}, as the sample has."
            )
        if self.index is None:
            return
        for each in panel.series:
            if kind_of(each.index) != kind_of(self.index):
                raise InvalidArgumentError(
                    f"series {each.id!r} has {kind_of(each.index)}; expected {kind_of(self.index)}, as the sample."
                )
            if not isinstance(self.index, pd.RangeIndex) and each.index.freq != self.index.freq:
                raise InvalidArgumentError(
                    f"series {each.id!r} has the frequency {offset_text(each.index.freq)}, and the sample "
                    f"{offset_text(self.index.freq)}; expected one frequency for all series."
                )


def frames_of(frame: pd.DataFrame) -> list[pd.DataFrame]:
    """Frames of some hundred whole series each, in the order of the texts of their names."""
    texts = frame["unique_id"].astype(str).to_numpy(object)
    order = np.argsort(texts, kind="stable")
    frame, texts = frame.iloc[order], texts[order]
    starts = np.flatnonzero(np.append(True, texts[1:] != texts[:-1]))
    edges = [*starts[::CHUNK].tolist(), len(frame)]
    return [frame.iloc[first:last].reset_index(drop=True) for first, last in itertools.pairwise(edges)]


def panels_of(frame: pd.DataFrame, rules: Rules) -> Iterator[tuple[list[Panel], list[Failure]]]:
    """Panels of the series of a long frame, some hundred at a time, and those that are not as they should be.

    Whether a series fails does not depend on the others: where several fail together, halves are tried.
    """
    for part in frames_of(frame):
        ids = part["unique_id"].drop_duplicates().tolist()

        def read(some: list[Any], part: pd.DataFrame = part) -> Panel:
            return _read(part[part["unique_id"].isin(some)], rules)

        found, failing = in_halves(ids, read)
        yield found, [Failure.of(label, error) for label, error in failing]


def in_halves(
    items: list[Item], work: Callable[[list[Item]], Result]
) -> tuple[list[Result], list[tuple[Item, Exception]]]:
    """Do something for items together; where that fails, for each half of them, down to single items.

    Args:
        items: any number.
        work: function of a list of items. Missing packages, files that cannot be read or written, and a lack of memory
            are no failures of an item: they are raised.

    Returns:
        The results, and the failing items with their errors.

    >>> in_halves([1, 2, 0, 4], lambda numbers: sum(1 / number for number in numbers))
    ([1.5, 0.25], [(0, ZeroDivisionError('division by zero'))])
    """
    if not items:
        return [], []
    try:
        return [work(items)], []
    except OF_ALL:
        raise
    except Exception as error:
        if len(items) == 1:
            return [], [(items[0], error)]
    middle = len(items) // 2
    first, failing = in_halves(items[:middle], work)
    second, others = in_halves(items[middle:], work)
    return first + second, failing + others


def without_failing(panel: Panel, work: Callable[[Panel], Result]) -> tuple[list[tuple[Panel, Result]], list[Failure]]:
    """Do something with a panel, and without the series that fail."""

    def of_places(places: list[int]) -> tuple[Panel, Result]:
        part = some_of(panel, places)
        return part, work(part)

    found, failing = in_halves(list(range(len(panel.series))), of_places)
    return found, [Failure.of(panel.ids[place], error) for place, error in failing]


def some_of(panel: Panel, places: Sequence[int]) -> Panel:
    """The panel of some of its series."""
    if len(places) == len(panel.series):
        return panel
    return replace(
        panel,
        series=tuple(panel.series[place] for place in places),
        static=panel.static[list(places)],
        categories=tuple(panel.categories[place] for place in places),
    )


def _read(frame: pd.DataFrame, rules: Rules) -> Panel:
    name = REFERENCE
    while (frame["unique_id"] == name).any():
        name += "*"
    reference = _reference(frame, rules, name)
    if reference is None:
        panel = read_panel(frame, missing=rules.missing, like=rules.index)
    else:
        try:
            panel = read_panel(pd.concat([reference, frame], ignore_index=True), missing=rules.missing)
        except InvalidArgumentError:
            if frame["unique_id"].nunique() == 1:  # which may say better what is wrong with it
                rules.check(read_panel(frame, missing=rules.missing))
            raise
        panel = some_of(panel, [place for place, label in enumerate(panel.ids) if label != name])
    panel = replace(panel, id_dtype=frame["unique_id"].dtype)
    rules.check(panel)
    return panel


def _reference(frame: pd.DataFrame, rules: Rules, name: str) -> pd.DataFrame | None:
    """A series with the frequency of all, longer than the others: short ones do not tell theirs."""
    index = rules.index
    if rules.missing == "skip" or not isinstance(index, pd.DatetimeIndex):
        return None
    if not pd.api.types.is_datetime64_any_dtype(frame["ds"].dtype):
        return None
    most = int(frame["unique_id"].value_counts().max()) + 1
    dates = dates_from(index[0], max(3, most), index.freq, index.unit)
    if dates is None:
        return None
    columns: dict[str, Any] = {}
    for label in frame.columns:
        if label == "unique_id":
            columns[label] = pd.Series([name] * len(dates), dtype=object)
        elif label == "ds":
            columns[label] = pd.Series(dates).astype(frame["ds"].dtype)
        else:
            columns[label] = pd.Series(np.zeros(len(dates))).astype(_plain(frame[label].dtype))
    return pd.DataFrame(columns)


def _plain(dtype: Any) -> Any:
    return dtype if pd.api.types.is_numeric_dtype(dtype) else np.float64


def sample_panel(frame: pd.DataFrame, rules: Rules) -> Panel:
    """The series of a sample, without those that are not as they should be; their frequency is that of most.

    Raises:
        InvalidArgumentError: no series is as it should be; the message is that of the first.
    """
    text = frame["unique_id"].astype(str)
    frame = frame.iloc[np.argsort(text.to_numpy(object), kind="stable")].reset_index(drop=True)
    try:
        return _read(frame, rules)
    except OF_ALL:
        raise
    except KerazooError as error:
        first = error
    single = [panel for panels, _ in panels_of(frame, rules) for panel in panels]
    indexes = [each.index for panel in single for each in panel.series if not isinstance(each.index, pd.RangeIndex)]
    if indexes:
        counts = Counter(offset_text(index.freq) for index in indexes)
        usual = min(counts, key=lambda name: (-counts[name], name))
        longest = max((index for index in indexes if offset_text(index.freq) == usual), key=len)
        rules = replace(rules, index=longest)
        single = [panel for panels, _ in panels_of(frame, rules) for panel in panels]
    if not single:
        raise InvalidArgumentError(
            f"no series of the sample of {text.nunique()} can be read; the error of all together: {first}"
        )
    series: list[SeriesData] = [each for panel in single for each in panel.series]
    return replace(single[0], series=tuple(series), static=None, categories=())  # type: ignore[arg-type]
