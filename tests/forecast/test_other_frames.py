"""Frames of polars and pyarrow, and of other libraries that convert to pandas."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.data import read_future, read_panel
from kerazoo.forecast.data.other_frames import pandas_of
from kerazoo.forecast.inputs import read_training
from tests.forecast.panel_cases import long_frame

DAYS = pd.date_range("2021-01-01", periods=6, freq="D")


class Other:
    """A frame of another library."""

    def __init__(self, frame):
        self.frame = frame

    def to_pandas(self):
        return self.frame


def polars(frame):
    module = pytest.importorskip("polars")
    if isinstance(frame, pd.Series):
        return module.Series(str(frame.name), frame.to_numpy())
    columns = {}
    for name, column in frame.items():
        if isinstance(column.dtype, pd.DatetimeTZDtype):
            naive = module.Series(column.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy())
            columns[name] = naive.dt.replace_time_zone("UTC").dt.convert_time_zone(str(column.dt.tz))
        else:
            columns[name] = module.Series(column.to_list() if column.dtype.kind == "O" else column.to_numpy())
    return module.DataFrame(columns)


def pyarrow(frame):
    module = pytest.importorskip("pyarrow")
    return (
        module.array(frame) if isinstance(frame, pd.Series) else module.Table.from_pandas(frame, preserve_index=False)
    )


LIBRARIES = pytest.mark.parametrize("made", [Other, polars, pyarrow], ids=lambda made: made.__name__.lower())


@LIBRARIES
def test_one_series_several_and_long_frames(made):
    wide = pd.DataFrame({"day": DAYS, "a": np.arange(6.0), "b": np.arange(6)})
    found = read_panel(made(wide))
    assert (found.form, found.ids) == ("frame", ("a", "b"))
    pd.testing.assert_index_equal(found.series[0].index, DAYS, check_names=False, exact=False)
    np.testing.assert_array_equal(found.series[1].values, np.arange(6))
    found = read_panel(made(wide[["day", "a"]]), made(wide[["day", "b"]]))
    assert (found.form, found.name, found.covariate_names) == ("series", "a", ("b",))
    assert read_panel(made(wide[["a", "b"]])).series[0].index.equals(pd.RangeIndex(6))
    long = long_frame([("a", DAYS), ("b", DAYS[2:])])
    one, other = read_panel(made(long)), read_panel(long)
    assert one.ids == other.ids
    for left, right in zip(one.series, other.series, strict=True):
        np.testing.assert_array_equal(left.values, right.values)
        assert (left.index == right.index).all()


@LIBRARIES
def test_a_series_without_dates(made):
    assert read_panel(made(pd.Series([3.0, 1.0, 2.0], name="y"))).series[0].values.tolist() == [3, 1, 2]


@LIBRARIES
def test_continuations_and_future_covariates(made):
    frame = pd.DataFrame({"day": DAYS, "y": np.arange(6.0), "x": np.arange(6.0) ** 2})
    panel, held = read_training(made(frame[["day", "y"]][:4]), made(frame[["day", "x"]]), made(frame[["day", "y"]][4:]))
    assert (len(panel.series[0].values), held) == (6, 2)
    later = pd.DataFrame({"day": DAYS.shift(6), "x": 7.0})
    assert read_future(panel, made(later), 2)[0].tolist() == [[7.0], [7.0]]


@LIBRARIES
def test_time_zones_and_missing_values(made):
    hours = pd.date_range("2021-03-27 20:00", periods=9, freq="h", tz="Europe/Berlin")
    found = read_panel(made(pd.DataFrame({"time": hours, "y": np.arange(9.0)})))
    assert str(found.series[0].index.tz) == "Europe/Berlin"
    assert (found.series[0].index == hours).all()
    with pytest.raises(InvalidArgumentError, match="1 of 9 values is not finite: NaN at 2021-03-27 22"):
        read_panel(made(pd.DataFrame({"time": hours, "y": [0, 1, np.nan, *range(6)]})))


@LIBRARIES
def test_several_columns_of_dates_need_a_name(made):
    frame = pd.DataFrame({"day": DAYS, "due": DAYS.shift(1), "y": np.arange(6.0)})
    with pytest.raises(InvalidArgumentError, match=r"columns of dates 'day', 'due'; expected one, or .* 'ds'"):
        read_panel(made(frame))
    with pytest.raises(InvalidArgumentError, match="expected numbers"):
        read_panel(made(frame.rename(columns={"day": "ds"})))
    assert read_panel(made(frame.rename(columns={"day": "ds"}).drop(columns="due"))).name == "y"


def test_lazy_frames_are_collected_first():
    lazy = pytest.importorskip("polars").LazyFrame({"y": [1.0]})
    with pytest.raises(InvalidArgumentError, match=r"y\.collect\(\)"):
        read_panel(lazy)


def test_what_is_of_pandas_or_numpy_is_left_as_it_is():
    for data in (pd.Series([1.0]), pd.DataFrame({"ds": DAYS}), np.ones(3), [1.0], (1.0,), None, "text", 3):
        assert pandas_of(data) is data
