"""`static`: numbers and categories that hold for a whole series."""

from __future__ import annotations

import numbers
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.data.index import listed
from kerazoo.forecast.data.other_frames import pandas_of
from kerazoo.forecast.data.panel import Panel
from kerazoo.forecast.data.types import Values
from kerazoo.forecast.data.validation import LARGEST, check_unique_names

__all__ = ["read_static"]

ID = "unique_id"


def read_static(
    static: Any, ids: Sequence[Any], form: str = "long", what: str = "static", fitted: Panel | None = None
) -> dict[str, Any]:
    """Read what holds for a whole series.

    Args:
        static: one of

            - a DataFrame with one row per series, whose index has the ids of the series, or whose column `unique_id`
              has them: the names of columns of `y`, the `unique_id` of a long `y`, positions for an array, the name of
              a Series (a Series without a name takes the only row). Rows of further series are ignored;
            - a Series or a dict from ids to values: one column, named static if it has no name.

            Columns of numbers and bool are numbers, in which NaN and None are unknown; also columns of objects that
            are all numbers. Columns of text, categories (also of numbers) and other columns of objects are categories,
            compared as text, in which NaN, None and "" are unknown.
        ids: labels of the S series.
        form: as :attr:`Panel.form`.
        what: how messages name `static`.
        fitted: a panel; its series need no row, and take that of the panel. The columns must be the same. Or None.

    Returns:
        The fields of a :class:`Panel`: `static` float64 (S, C), `static_names`, `categories` (S tuples of G str) and
        `category_names`.

    Raises:
        InvalidArgumentError: series without a row or with several, no columns, infinite values, dates and other dtypes,
            or other columns than those of `fitted`.

    >>> shops = pd.DataFrame({"area": [120, 80], "region": ["north", None]}, index=["a", "b"])
    >>> found = read_static(shops, ["b", "a"])
    >>> found["static_names"], found["static"], found["category_names"], found["categories"]
    (('area',), array([[ 80.],
           [120.]]), ('region',), (('',), ('north',)))
    """
    frame, labels = _frame_of(static, what)
    check_unique_names(list(frame.columns), what)
    if not frame.shape[1]:
        raise InvalidArgumentError(f"{what} has no columns; expected at least one, or {what}=None.")
    if form == "series" and len(ids) == len(labels) == 1 and ids[0] is None:
        labels = pd.Index([None])
    repeated = labels[labels.duplicated()].unique()
    if len(repeated):
        raise InvalidArgumentError(
            f"{what} has more than one row for {len(repeated)} series: {listed(repeated)}; expected one row per "
            "series. Drop the repeated rows."
        )
    known = {label: row for row, label in enumerate(labels.tolist())}
    old = {} if fitted is None else {label: row for row, label in enumerate(fitted.ids)}
    lacks = [label for label in ids if label not in known and label not in old]
    if lacks:
        has = listed(known) or "no rows"
        remedy = "" if known.keys() & set(ids) else f" {what}.set_index(COLUMN) makes a column of ids the index."
        raise InvalidArgumentError(
            f"{what} lacks {len(lacks)} of the {len(ids)} series: {listed(lacks)}; it has {has}; expected one row per "
            f"series.{remedy}"
        )
    places = [i for i, label in enumerate(ids) if label in known]
    own = [ids[i] for i in places]
    rows = frame.iloc[[known[label] for label in own]]
    columns: dict[str, Values | list[str]] = {}
    for i, label in enumerate(frame.columns):
        name, column = str(label), rows.iloc[:, i]
        if fitted is not None and column.isna().all():  # its dtype says nothing
            column = column.astype("float64" if name in fitted.static_names else "object")
        columns[name] = _column(column, f"{what}[{name!r}]", own)
    static_names = tuple(name for name, column in columns.items() if isinstance(column, np.ndarray))
    category_names = tuple(name for name in columns if name not in static_names)
    if fitted is not None and (static_names, category_names) != (fitted.static_names, fitted.category_names):
        raise InvalidArgumentError(
            f"{what} has the numbers {list(static_names)} and the categories {list(category_names)}; expected "
            f"{list(fitted.static_names)} and {list(fitted.category_names)}, as in fit."
        )
    found = np.full((len(ids), len(static_names)), np.nan)
    for j, name in enumerate(static_names):
        found[places, j] = columns[name]
    place_of = {place: row for row, place in enumerate(places)}
    categories = []
    for i, label in enumerate(ids):
        if i in place_of:
            categories.append(tuple(str(columns[name][place_of[i]]) for name in category_names))
        else:
            assert fitted is not None
            found[i] = fitted.static[old[label]]
            categories.append(fitted.categories[old[label]])
    return {"static": found, "static_names": static_names, "categories": tuple(categories),
            "category_names": category_names}  # fmt: skip


def _frame_of(static: Any, what: str) -> tuple[pd.DataFrame, pd.Index]:
    """The columns, and the id of each row."""
    if isinstance(static, Mapping):
        values = list(static.values())
        if any(isinstance(each, Mapping | Sequence | np.ndarray) and not isinstance(each, str) for each in values):
            raise InvalidArgumentError(
                f"{what} is a dict of {type(values[0]).__name__}; expected a dict from the id of each series to a "
                "number or text, or a DataFrame with one row per series for several columns."
            )
        labels = pd.Index(list(static), tupleize_cols=False)
        static = pd.Series(values, labels, name="static")
    static = pandas_of(static, what)
    if isinstance(static, pd.Series):
        static = static.to_frame("static" if static.name is None else static.name)
    if not isinstance(static, pd.DataFrame):
        raise InvalidArgumentError(
            f"{what} is a {type(static).__name__}; expected a DataFrame with one row per series, a Series or dict from "
            "ids of series to values, or None."
        )
    if ID in list(static.columns):
        return static.drop(columns=ID), pd.Index(static[ID])
    return static, static.index


def _column(column: pd.Series, what: str, ids: Sequence[Any]) -> Values | list[str]:
    """A column as float64 (S,), or as texts."""
    types, dtype = pd.api.types, column.dtype
    if isinstance(dtype, pd.CategoricalDtype) or types.is_string_dtype(dtype) or types.is_object_dtype(dtype):
        objects = (
            column.to_numpy(object, na_value=None) if not types.is_object_dtype(dtype) else column.to_numpy(object)
        )
        known = ~np.asarray(pd.isna(objects), bool)
        plain = all(isinstance(each, numbers.Real) for each in objects[known])
        if not (types.is_object_dtype(dtype) and plain and known.any()):
            return [
                _text(each, what, label) if seen else "" for each, seen, label in zip(objects, known, ids, strict=True)
            ]
        values = np.full(len(objects), np.nan)
        values[known] = objects[known].astype(np.float64)
    elif types.is_numeric_dtype(dtype) and not types.is_complex_dtype(dtype):
        values = np.array(column.to_numpy(np.float64, na_value=np.nan), np.float64)
    else:
        raise InvalidArgumentError(
            f"{what} has the dtype {dtype}; expected numbers, text or categories. Convert dates to numbers, such as "
            "the age in days."
        )
    wrong = np.flatnonzero(np.abs(values) > LARGEST)
    if len(wrong):
        where = listed(ids[i] for i in wrong.tolist())
        kind = "infinite" if np.isinf(values[wrong]).all() else "too large"
        raise InvalidArgumentError(
            f"{what}: {len(wrong)} of {len(values)} values are {kind}: {where}; expected numbers of at most "
            f"{LARGEST:g} in size, or NaN where one is unknown."
        )
    return values


def _text(value: Any, what: str, label: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, numbers.Real):
        # The code 3 becomes 3.0 where another one is missing.
        return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    raise InvalidArgumentError(
        f"{what} has a {type(value).__name__} for the series {label!r}; expected numbers or text."
    )
