"""Values: the accepted types and dtypes, and the messages for the others."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.data import read_panel
from tests.forecast.panel_cases import (
    dates,
    long_frame,
    message_of,
    series_over,
    without_freq,
)

pytestmark = pytest.mark.filterwarnings("ignore:Period:FutureWarning")  # pandas warns about periods of business days


@pytest.mark.parametrize(
    "dtype", ["int8", "uint16", "int64", "float16", "float32", "float64", "Int16", "UInt8", "Float32", "Sparse[float]"]
)
def test_every_dtype_of_numbers_is_taken(dtype):
    y = pd.Series([3, 1, 2, 5, 4], dates("D", 5), dtype=dtype)
    values = read_panel(y).series[0].values
    assert values.dtype == np.float64
    np.testing.assert_array_equal(values, [3, 1, 2, 5, 4])


@pytest.mark.parametrize(
    ("dtype", "shown", "hint"),
    [
        ("bool", "bool", "{}.astype(float) converts it to 0 and 1."),
        ("boolean", "boolean", "{}.astype(float) converts it to 0 and 1."),
        ("complex64", "complex64", ""),
        ("category", "category", ""),
        ("object", "object", "pd.to_numeric({}) parses text."),
        ("string", "string", "pd.to_numeric({}) parses text."),
        ("datetime64[ns]", "datetime64[ns]", "Dates belong in the index."),
    ],
)
def test_other_dtypes_are_refused_by_name(dtype, shown, hint):
    y = pd.Series([1, 0, 1, 1], dates("D", 4)).astype(dtype)
    for what, message in [
        ("y", message_of(y)),
        ("y['a']", message_of(pd.DataFrame({"b": 1.0, "a": y}))),
        ("X['x']", message_of(series_over(y.index), X=y)),
        ("X['warm']", message_of(series_over(y.index), X=pd.DataFrame({"b": 1.0, "warm": y}))),
    ]:
        assert message == f"{what} has the dtype {shown}; expected numbers. {hint.format(what)}".rstrip()


def test_what_is_not_finite_is_counted_and_named():
    y = series_over(dates("D"))
    y.iloc[[3, 11, 17, 20]] = [np.nan, np.inf, -np.inf, np.nan]
    shown = "NaN at 2021-03-13, inf at 2021-03-21, -inf at 2021-03-27 and 1 more"
    assert f"y: 4 of 40 values are not finite: {shown};" in message_of(y)
    assert f"X['warm']: 4 of 40 values are not finite: {shown};" in message_of(series_over(y.index), X=y.rename("warm"))
    message = message_of(pd.DataFrame({"a": 1.0, "b": y}))
    assert f"y['b']: 4 of 40 values are not finite: {shown};" in message
    assert "long frame" in message
    assert "y: 4 of 40 values are not finite: NaN at 3, inf at 11" in message_of(y.to_numpy())
    assert "y[:, 1]: 4 of 40 values" in message_of(np.stack([np.ones(40), y], axis=1))
    assert "X[:, 2]: 4 of 40 values" in message_of(np.ones(40), X=np.stack([np.ones(40), np.ones(40), y], axis=1))


def test_what_is_missing_in_nullable_and_masked_values_is_named():
    y = pd.Series([1, None, 3], dates("D", 3), dtype="Int64")
    assert "y: 1 of 3 values is not finite: NaN at 2021-03-11;" in message_of(y)
    assert "1 of 4 values is not finite: NaN at 2;" in message_of(np.ma.masked_equal([4, 3, 2, 1], 2))


@pytest.mark.parametrize(
    "y", ["sold", {"a": [1.0]}, None, 3, iter([1.0]), pd.Index([1, 2])], ids=lambda y: type(y).__name__
)
def test_other_types_are_refused_with_those_that_are_allowed(y):
    message = message_of(y)
    assert f"y is a {type(y).__name__}; expected a pandas Series" in message
    for allowed in (
        "DataFrame with one column per series",
        "unique_id, ds and y",
        "NumPy array (T,) or (T, n)",
        "list",
    ):
        assert allowed in message


@pytest.mark.parametrize(
    ("y", "match"),
    [
        ([], "empty"),
        (np.zeros((0, 3)), "empty"),
        (np.zeros((3, 0)), "empty"),
        (pd.Series([], dtype=float), "no rows"),
        (pd.DataFrame({"a": []}), "no rows"),
        (pd.DataFrame(index=dates("D")), "no columns"),
        (pd.DataFrame({"unique_id": [], "ds": [], "y": []}), "no rows"),
        (np.float64(3), "is a float64"),
        (np.zeros((2, 3, 4)), r"shape \(2, 3, 4\); expected \(T,\) or \(T, n\)"),
        ([[1, 2], [3]], "different lengths"),
        ([1.0, None], "dtype object.*None"),
        (["1", "2"], "dtype <U1"),
        ([True, False], "dtype bool"),
        (np.array([1, 2j]), "dtype complex128"),
        (pd.DataFrame([[1, 2]] * 4, dates("D", 4), columns=["a", "a"]), "more than one column 'a'"),
    ],
)
def test_nothing_and_nonsense_are_refused(y, match):
    with pytest.raises(InvalidArgumentError, match=match):
        read_panel(y)


def test_the_input_stays_as_it_is_and_is_not_shared():
    y = pd.DataFrame({"a": np.arange(9.0), "b": np.arange(9.0) + 3}, without_freq(dates("D", 9)))
    X = pd.DataFrame({"x": np.arange(9.0)}, y.index)
    before, X_before = y.copy(), X.copy()
    panel = read_panel(y, X)
    for each in panel.series:
        each.values[:] = -1
        each.covariates[:] = -1
    pd.testing.assert_frame_equal(y, before, check_freq=True)
    pd.testing.assert_frame_equal(X, X_before, check_freq=True)
    array, covariates = np.arange(5.0), np.arange(5.0)
    panel = read_panel(array, covariates)
    panel.series[0].values[:] = panel.series[0].covariates[:] = -1
    np.testing.assert_array_equal([array, covariates], [np.arange(5.0)] * 2)
    frame = long_frame([("a", dates("D", 4)), ("b", dates("D", 6))], seed=2, x=1.5)
    before = frame.copy()
    for each in read_panel(frame).series:
        each.values[:] = each.covariates[:, 0] = -1
    pd.testing.assert_frame_equal(frame, before)
