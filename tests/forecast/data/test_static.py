"""What holds for a whole series, read with `static`."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.data import read_panel
from tests.forecast.panel_cases import dates, long_frame, message_of, series_over

NAN = np.nan
DAYS = dates("D", 9)
LONG = long_frame([("b", DAYS), ("a", DAYS[2:])])
WIDE = pd.DataFrame({"b": series_over(DAYS), "a": series_over(DAYS)})
SHOPS = pd.DataFrame({"area": [1.5, 2.5], "region": ["north", "south"], "open": [True, False]}, ["a", "b"])


def fields(panel):
    return panel.static_names, panel.static.tolist(), panel.category_names, panel.categories


EXPECTED = (("area", "open"), [[2.5, 0.0], [1.5, 1.0]], ("region",), (("south",), ("north",)))


@pytest.mark.parametrize("y", [LONG, WIDE], ids=["long", "frame"])
@pytest.mark.parametrize(
    "static",
    [
        SHOPS,
        SHOPS[::-1],
        SHOPS.rename_axis("unique_id").reset_index(),
        SHOPS.rename_axis("unique_id").reset_index().astype({"unique_id": "category"}),
        pd.concat([SHOPS, SHOPS.set_axis(["x", "y"], axis=0)]),
        SHOPS.astype({"area": "Float32", "region": "string", "open": "boolean"}),
        SHOPS.astype({"region": "category"}),
        SHOPS.astype(object),
    ],
    ids=["index", "order", "column", "categorical ids", "further", "nullable", "category", "objects"],
)
def test_a_frame_has_a_row_for_each_series(y, static):
    panel = read_panel(y, static=static)
    assert panel.ids == ("b", "a")
    assert fields(panel) == EXPECTED
    assert panel.static.dtype == np.float64


def test_frames_of_other_libraries():
    class Frame:
        def to_pandas(self):
            return SHOPS.rename_axis("unique_id").reset_index()

    assert fields(read_panel(LONG, static=Frame())) == EXPECTED


@pytest.mark.parametrize("y", [LONG, WIDE], ids=["long", "frame"])
def test_a_series_or_a_dict_is_one_column(y):
    assert fields(read_panel(y, static=SHOPS["area"])) == (("area",), [[2.5], [1.5]], (), ((), ()))
    assert fields(read_panel(y, static={"a": 3, "b": 4})) == (("static",), [[4.0], [3.0]], (), ((), ()))
    assert fields(read_panel(y, static={"a": "n", "b": None}))[2:] == (("static",), (("",), ("n",)))
    assert fields(read_panel(y, static=SHOPS["region"].rename(None)))[2:] == (("static",), (("south",), ("north",)))


def test_arrays_take_positions_and_a_series_its_name():
    two = np.ones((5, 2))
    assert fields(read_panel(two, static=SHOPS.reset_index(drop=True)))[1] == [[1.5, 1.0], [2.5, 0.0]]
    assert fields(read_panel(two, static={1: 3, 0: 4}))[1] == [[4.0], [3.0]]
    assert fields(read_panel([1.0, 2.0], static={0: 3}))[1] == [[3.0]]
    y = series_over(DAYS)
    assert fields(read_panel(y.rename("a"), static=SHOPS))[1] == [[1.5, 1.0]]
    for rows in ([0], ["shop"]):  # without a name there is one row
        assert fields(read_panel(y.rename(None), static=SHOPS[:1].set_axis(rows, axis=0)))[1] == [[1.5, 1.0]]
    assert "static lacks 1 of the 1 series: None; it has 'a', 'b';" in message_of(y.rename(None), static=SHOPS)


def test_labels_of_several_levels():
    y = WIDE.set_axis(pd.MultiIndex.from_tuples([("s", 1), ("s", 2)]), axis=1)
    static = pd.DataFrame({"area": [1.0, 2.0]}, pd.MultiIndex.from_tuples([("s", 2), ("s", 1)]))
    assert fields(read_panel(y, static=static))[1] == [[2.0], [1.0]]
    assert fields(read_panel(y, static={("s", 2): 1, ("s", 1): 2}))[1] == [[2.0], [1.0]]


def test_what_is_unknown_is_nan_or_empty():
    static = pd.DataFrame(
        {
            "area": [1.5, NAN], "n": pd.array([None, 3], "Int64"), "open": pd.array([True, None], "boolean"),
            "old": np.array([None, 2], object), "region": ["north", None], "kind": pd.Categorical([NAN, "x"]),
            "code": pd.Categorical([3, None]), "text": pd.array([None, "t"], "string"), "none": [None, None],
            "mixed": np.array(["1", 2], object), "blank": ["", NAN], "half": pd.Categorical([0.5, 1]),
        },
        ["b", "a"],
    )  # fmt: skip
    panel = read_panel(WIDE, static=static)
    assert panel.static_names == ("area", "n", "open", "old")
    np.testing.assert_array_equal(panel.static, [[1.5, NAN, 1, NAN], [NAN, 3, NAN, 2]])
    assert panel.category_names == ("region", "kind", "code", "text", "none", "mixed", "blank", "half")
    assert panel.categories == (("north", "", "3", "", "", "1", "", "0.5"), ("", "x", "", "t", "", "2", "", "1"))


@pytest.mark.parametrize(
    ("static", "match"),
    [
        (SHOPS[:1], "static lacks 1 of the 2 series: 'b'; it has 'a'; expected one row per series.$"),
        (SHOPS.reset_index(), r"static lacks 2 of the 2 series: 'b', 'a'; it has 0, 1; .*static.set_index\(COLUMN\)"),
        (SHOPS[:0], "it has no rows; expected one row"),
        ({"region": "north"}, "static lacks 2 of the 2 series: 'b', 'a'; it has 'region'"),
        (pd.concat([SHOPS, SHOPS[:1]]), r"static has more than one row for 1 series: 'a'; .* Drop the repeated"),
        (SHOPS.assign(area=[1.0, np.inf]), r"static\['area'\]: 1 of 2 values are infinite: 'b'; expected numbers"),
        (SHOPS.assign(area=np.array([1.0, -np.inf], object)), r"static\['area'\]: 1 of 2 values are infinite: 'b'"),
        (SHOPS.assign(since=DAYS[:2]), r"static\['since'\] has the dtype datetime64\[\w+\]; .*age in days"),
        (SHOPS.assign(since=DAYS[:2].to_period("D")), r"static\['since'\] has the dtype period"),
        (SHOPS.assign(age=pd.to_timedelta([1, 2], "D")), r"static\['age'\] has the dtype timedelta64"),
        (SHOPS.assign(z=[1j, 2j]), r"static\['z'\] has the dtype complex128; expected numbers, text or categories"),
        (SHOPS.assign(tags=[["x"], ["y"]]), r"static\['tags'\] has a list for the series 'b'; expected numbers"),
        (SHOPS.set_axis(["x", "x", "y"], axis=1), "static has more than one column 'x'"),
        (SHOPS[[]], "static has no columns; expected at least one, or static=None"),
        ({"unique_id": ["a", "b"], "area": [1, 2]}, "static is a dict of list; expected a dict from the id"),
        ([1.0, 2.0], "static is a list; expected a DataFrame with one row per series"),
        ("region", "static is a str; expected a DataFrame"),
    ],
)  # fmt: skip
def test_static_columns_with_something_wrong_are_refused(static, match):
    for y in (LONG, WIDE):
        with pytest.raises(InvalidArgumentError, match=match):
            read_panel(y, static=static)


def test_by_default_there_are_none():
    for y in (LONG, WIDE, np.ones((5, 2))):
        assert fields(read_panel(y)) == ((), [[], []], (), ((), ()))
