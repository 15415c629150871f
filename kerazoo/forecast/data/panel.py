"""`Panel`: series in memory, with what is needed to write forecasts in the form of the input."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from kerazoo._runtime.files import DAMAGE
from kerazoo._validation import check_choice, check_int
from kerazoo.errors import InvalidArgumentError, KerazooError
from kerazoo.forecast.data.index import future_index
from kerazoo.forecast.data.pandas_json import (
    dtype_config,
    dtype_from,
    index_config,
    index_from_config,
    label_config,
    label_from,
)
from kerazoo.forecast.data.types import Index, Values

__all__ = ["FORM_TEXTS", "Panel", "SeriesData"]

FORMS = ("series", "frame", "long", "array")
LONGEST_WITHOUT_VALUES = 1_000_000  # dates of a config, in all indexes: nothing else says how long they are
#: How messages call them.
FORM_TEXTS = {"series": "a Series", "frame": "a DataFrame with one column per series", "long": "a long DataFrame",
              "array": "numbers without dates"}  # fmt: skip


@dataclass(frozen=True, eq=False)
class SeriesData:
    """One series.

    Attributes:
        id: label of the series: its name, column, unique_id, or number.
        values: float64 (T,), finite; with `read_panel(missing="skip")` NaN where a value is missing, except the first.
        index: the T dates: a DatetimeIndex with a freq, a PeriodIndex, or a RangeIndex with step 1.
        covariates: float64 (T, K), finite, also known for future dates; K = 0 without covariates.
        past: float64 (T, P), covariates that are not known for future dates; finite, or NaN where it is unknown.
            P = 0 without them, which is the default.

    >>> import pandas as pd
    >>> series = SeriesData("sold", np.array([3.0, 1.0, 2.0]), pd.RangeIndex(3), np.empty((3, 0)))
    >>> series.first(2).values, series.past.shape
    (array([3., 1.]), (3, 0))
    """

    id: Any
    values: Values
    index: Index
    covariates: Values
    past: Values = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        if self.past is None:
            object.__setattr__(self, "past", np.empty((len(self.index), 0)))
        if len(self.past) != len(self.index):
            raise InvalidArgumentError(
                f"past has {len(self.past)} rows; expected {len(self.index)}, one for each date of the series."
            )

    def first(self, n: int) -> SeriesData:
        """The first `n` steps of the series, with all that belongs to them. Arrays are views.

        Args:
            n: int, from 0 to T.

        Raises:
            InvalidArgumentError: another number.
        """
        n = check_int("n", n, 0, len(self.values))
        return replace(
            self, values=self.values[:n], index=self.index[:n], covariates=self.covariates[:n], past=self.past[:n]
        )

    def last(self, n: int) -> SeriesData:
        """The last `n` steps of the series, or all if it has fewer; otherwise as :meth:`first`."""
        start = max(0, len(self.values) - check_int("n", n, 0))
        return replace(
            self, values=self.values[start:], index=self.index[start:], covariates=self.covariates[start:],
            past=self.past[start:],
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Panel:
    """One or several series, and the form of the data that they were read from.

    Attributes:
        series: tuple of SeriesData.
        form: `"series"`, `"frame"`, `"long"` or `"array"`.
        covariate_names: names of the K covariates.
        name: name of a Series; None in other forms.
        level_names: names of the levels of a frame's columns.
        id_dtype: pandas dtype of a frame's columns or of the unique_ids; None: inferred by pandas.
        ndim: 1 or 2, number of axes of an array.
        past_names: names of the P covariates that are not known for future dates.
        static_names: names of the C numbers that hold for a whole series.
        static: float64 (S, C), NaN where unknown; one row per series.
        category_names: names of the G categories that hold for a whole series.
        categories: S tuples of G str, "" where unknown.

    >>> from kerazoo.forecast.data import read_panel
    >>> panel = read_panel([3.0, 1.0, 2.0])
    >>> panel.form, panel.ids, panel.series[0].index
    ('array', (0,), RangeIndex(start=0, stop=3, step=1))
    """

    series: tuple[SeriesData, ...]
    form: str
    covariate_names: tuple[str, ...] = ()
    name: Hashable = None
    level_names: tuple[Hashable, ...] = (None,)
    id_dtype: Any = None
    ndim: int = 1
    past_names: tuple[str, ...] = ()
    static_names: tuple[str, ...] = ()
    static: Values = None  # type: ignore[assignment]
    category_names: tuple[str, ...] = ()
    categories: tuple[tuple[str, ...], ...] = ()

    def __post_init__(self) -> None:
        # Without columns, what holds for a whole series follows the number of series.
        if not self.static_names:
            object.__setattr__(self, "static", np.empty((len(self.series), 0)))
        if not self.category_names:
            object.__setattr__(self, "categories", ((),) * len(self.series))
        shape = len(self.series), len(self.static_names)
        if np.shape(self.static) != shape:
            raise InvalidArgumentError(f"static has the shape {np.shape(self.static)}; expected {shape}.")
        wrong = {len(each) for each in self.categories} - {len(self.category_names)}
        if wrong or len(self.categories) != len(self.series):
            raise InvalidArgumentError(
                f"categories have {len(self.categories)} rows of {len(self.category_names)} names; expected one row "
                f"for each of the {len(self.series)} series, with a text for each name."
            )

    @property
    def ids(self) -> tuple[Any, ...]:
        """Labels of the series."""
        return tuple(each.id for each in self.series)

    @property
    def has_gaps(self) -> bool:
        """Whether a value of a series is missing (NaN)."""
        return any(bool(np.isnan(each.values).any()) for each in self.series)

    def future_indexes(self, horizon: int | Sequence[int]) -> list[Index]:
        """The dates after the end of each series; series that end at the same date share one index.

        Args:
            horizon: how many; or, for each series, a number that may be 0.
        """
        horizons = horizon if isinstance(horizon, Sequence) else [horizon] * len(self.series)
        known: dict[Any, Index] = {}
        found = []
        for each, steps in zip(self.series, horizons, strict=True):
            key = each.index[-1], steps
            if key not in known:
                # The last date and the freq suffice; future_index would check a whole index for each series.
                known[key] = future_index(each.index[-1:], steps) if steps else each.index[:0]
            found.append(known[key])
        return found

    def continued(
        self, values: Sequence[Values], covariates: Sequence[Values], past: Sequence[Values] | None = None
    ) -> Panel:
        """The panel with further steps after each series.

        Args:
            values: float64 (H,) per series; H may differ, and be 0.
            covariates: float64 (H, K) per series.
            past: float64 (H, P) per series. None: NaN, which is unknown.
        """
        if past is None:
            past = [
                np.full((len(new), each.past.shape[1]), np.nan) for each, new in zip(self.series, values, strict=True)
            ]
        series = []
        for each, new, rows, before in zip(self.series, values, covariates, past, strict=True):
            if not len(new):
                series.append(each)
                continue
            index = each.index.append(future_index(each.index, len(new)))
            if isinstance(index, pd.DatetimeIndex):  # append loses it
                index.freq = each.index.freq
            series.append(
                replace(
                    each,
                    values=np.concatenate([each.values, new]),
                    index=index,
                    covariates=np.concatenate([each.covariates, rows]),
                    past=np.concatenate([each.past, before]),
                )
            )
        return replace(self, series=tuple(series))

    def to_config(self) -> dict[str, Any]:
        """The panel without the numbers of the series, covariates and `static`, as values that JSON can hold.

        Raises:
            InvalidArgumentError: JSON cannot hold a label, a frequency or a time zone.
        """
        indexes: dict[str, int] = {}
        known: dict[int, int] = {}  # the series of a frame share one index, which is written once
        series = []
        for each in self.series:
            if id(each.index) not in known:
                text = json.dumps(index_config(each.index))
                known[id(each.index)] = indexes.setdefault(text, len(indexes))
            series.append({"id": label_config(each.id), "index": known[id(each.index)]})
        config = {
            "form": self.form,
            "covariate_names": list(self.covariate_names),
            "name": label_config(self.name),
            "level_names": [label_config(name) for name in self.level_names],
            "id_dtype": dtype_config(self.id_dtype),
            "ndim": self.ndim,
            "indexes": [json.loads(text) for text in indexes],
            "series": series,
        }
        # Only where they exist: without them the config is that of earlier versions.
        for field in ("past_names", "static_names", "category_names"):
            if getattr(self, field):
                config[field] = list(getattr(self, field))
        if self.category_names:
            config["categories"] = [list(each) for each in self.categories]
        return config

    @classmethod
    def from_config(
        cls,
        config: Mapping[str, Any],
        values: Sequence[Values] | None = None,
        covariates: Sequence[Values] | None = None,
        past: Sequence[Values] | None = None,
        static: Values | None = None,
    ) -> Panel:
        """The inverse of :meth:`to_config`.

        Args:
            config: from :meth:`to_config`, also of a version without past covariates and what holds for a whole series.
            values: one float64 (T,) per series. None: NaN; the dates suffice for `read_future` and `write_forecast`.
            covariates: one float64 (T, K) per series. None: NaN.
            past: one float64 (T, P) per series. None: NaN.
            static: float64 (S, C). None: NaN.

        Raises:
            InvalidArgumentError: a field is missing, or the arrays have the wrong number or shape.

        >>> from kerazoo.forecast.data import read_panel, write_forecast
        >>> panel = read_panel([3.0, 1.0, 2.0])
        >>> write_forecast(Panel.from_config(panel.to_config()), {"forecast": [np.array([2.0, 2.0])]})
        array([2., 2.])
        """
        try:
            return cls._parsed(config, values, covariates, past, static)
        except KerazooError:
            raise
        except DAMAGE as error:
            raise InvalidArgumentError(f"config: {error!r}; expected the result of Panel.to_config().") from error

    @classmethod
    def _parsed(cls, config: Any, values: Any, covariates: Any, past: Any, static: Any) -> Panel:
        needed = ("form", "covariate_names", "name", "level_names", "id_dtype", "ndim", "indexes", "series")
        lacks = [field for field in needed if field not in config]
        if lacks:
            raise InvalidArgumentError(f"config without {', '.join(lacks)}; expected the result of Panel.to_config().")
        check_choice("form", config["form"], FORMS)
        names = tuple(config["covariate_names"])
        _check_lengths(config, values)
        indexes = [index_from_config(each) for each in config["indexes"]]
        index_of = [indexes[each["index"]] for each in config["series"]]
        shapes: list[tuple[int, ...]] = [(len(index),) for index in index_of]
        numbers = _arrays("values", values, shapes)
        features = _arrays("covariates", covariates, [(*shape, len(names)) for shape in shapes])
        past_names, static_names, category_names = (
            tuple(config.get(field, ())) for field in ("past_names", "static_names", "category_names")
        )
        before = _arrays("past", past, [(*shape, len(past_names)) for shape in shapes])
        (rows,) = _arrays("static", None if static is None else [static], [(len(shapes), len(static_names))])
        series = tuple(
            SeriesData(label_from(each["id"]), *parts)
            for each, *parts in zip(config["series"], numbers, index_of, features, before, strict=True)
        )
        return cls(
            series,
            config["form"],
            names,
            label_from(config["name"]),
            tuple(label_from(name) for name in config["level_names"]),
            dtype_from(config["id_dtype"]),
            config["ndim"],
            past_names,
            static_names,
            rows,
            category_names,
            tuple(tuple(each) for each in config.get("categories", ())),
        )


def _check_lengths(config: Mapping[str, Any], values: Sequence[Values] | None) -> None:
    """Raise before memory is taken for indexes of other lengths than those of the values."""
    lengths = [check_int("length", each["length"]) for each in config["indexes"]]
    if values is None:
        if sum(lengths) > LONGEST_WITHOUT_VALUES:
            raise InvalidArgumentError(
                f"indexes of {sum(lengths):,} dates without values; expected at most {LONGEST_WITHOUT_VALUES:,}."
            )
        return
    if len(values) != len(config["series"]):  # another error says so
        return
    used = {each["index"]: len(found) for each, found in zip(config["series"], values, strict=False)}
    for number, length in enumerate(lengths):
        if used.get(number) != length:
            raise InvalidArgumentError(
                f"indexes[{number}] has {length:,} dates, its series {used.get(number, 0):,} values; expected as many."
            )


def _arrays(what: str, arrays: Sequence[Values] | None, shapes: list[tuple[int, ...]]) -> list[Values]:
    """The arrays as float64, with their shapes checked; NaN for None."""
    if arrays is None:
        return [np.broadcast_to(np.nan, shape) for shape in shapes]  # takes no memory, whatever a config says
    found = [np.asarray(each, np.float64) for each in arrays]
    if len(found) != len(shapes):
        raise InvalidArgumentError(f"{what} holds {len(found)} arrays; expected {len(shapes)}, one per series.")
    for i, (each, shape) in enumerate(zip(found, shapes, strict=True)):
        if each.shape != shape:
            raise InvalidArgumentError(f"{what}[{i}] has the shape {each.shape}; expected {shape}.")
    return found
