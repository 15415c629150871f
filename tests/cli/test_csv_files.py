"""CSV files as people have them: surplus fields, no header, the order of day and month, holidays, local times."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kerazoo.cli.csv_dates import day_comes_first
from kerazoo.cli.csv_tables import DateOptions, read_dates, read_table
from kerazoo.cli.forecast_options import Columns
from kerazoo.datasets import milk
from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.data.index import future_index
from tests.cli.forecast_cases import TINY, refused, run

STARTS = {"MS": "2015-01-01", "D": "2018-01-20", "B": "2018-01-03", "W-FRI": "2018-01-05", "QE": "2016-03-31",
          "YS": "1990-01-01"}  # fmt: skip


def table_of(tmp_path, text, header=True):
    (tmp_path / "data.csv").write_text(text)
    return read_table(tmp_path / "data.csv", header)


@pytest.mark.parametrize(
    "text",
    [
        "day,y\n2018-01-01,50\n2018-01-02,5\n",
        "day,y\n2018-01-01,50,\n2018-01-02,5,\n",
        "day,y,\n2018-01-01,50,\n2018-01-02,5\n",
        "\ufeffday, y\r\n2018-01-01, 50\r\n2018-01-02,5 ,\r\n\r\n,\n",
        '"day","y"\n"2018-01-01","50"\n2018-01-02,"5"\n',
    ],
)
def test_only_empty_fields_at_the_end_may_go(tmp_path, text):
    table = table_of(tmp_path, text)
    assert table.columns == ["day", "y"]
    assert table.numbers("y").tolist() == [50, 5]
    assert table.dates("day").tolist() == [pd.Timestamp("2018-01-01"), pd.Timestamp("2018-01-02")]


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("surplus", ["7", "0", ",", "x"])
def test_a_row_with_more_values_than_columns_is_refused_wherever_it_is(tmp_path, place, surplus):
    rows = ["2018-01-01,1", "2018-01-02,2", "2018-01-03,3", "2018-01-04,4"]
    rows[place] += f",{surplus}"
    with pytest.raises(InvalidArgumentError, match=rf"line {place + 2}: [34] values, .* for the 2 columns 'day', 'y'"):
        table_of(tmp_path, "\n".join(["day,y", *rows]))


def test_a_file_without_a_header(tmp_path, folder, capsys, no_networks):
    found = milk()[-60:]
    found.to_csv("bare.csv", header=False)
    assert "--no-header" in refused(capsys, "bare.csv", "--windows", "0", *TINY)
    said = run(capsys, "bare.csv", "--no-header", "--windows", "0", "--out", "out.csv", *TINY).out
    assert "bare.csv: 2, 60 values, 1971-01-01 to 1975-12-01" in said
    assert list(pd.read_csv("out.csv").columns[:2]) == ["1", "forecast"]
    found.rename_axis("date").rename("1").to_csv("named.csv")  # a number may be a name
    assert "60 values" in run(capsys, "named.csv", "--windows", "0", *TINY).out


# Day and month


@pytest.mark.parametrize("mark", ["/", ".", "-"])
@pytest.mark.parametrize("clock", ["", " 10:30", "T10:30:00"])
@pytest.mark.parametrize("pattern", ["%d{0}%m{0}%Y", "%m{0}%d{0}%Y", "%d{0}%m{0}%y"])
@pytest.mark.parametrize(("freq", "start"), STARTS.items())
def test_the_order_of_day_and_month_is_that_with_a_fixed_step(freq, start, pattern, clock, mark):
    dates = pd.date_range(start, periods=60, freq=freq)
    text = pd.Series(dates.strftime(pattern.format(mark) + clock))
    if freq == "YS":  # 1 January is 1 January in both orders
        assert day_comes_first(text, "day") in (True, False)
    else:
        assert day_comes_first(text, "day") is pattern.startswith("%d")


@pytest.mark.parametrize(
    "cells",
    [
        [f"01/{month:02d}/2018" for month in range(1, 13)],  # months, or days of January
        [f"{day:02d}/03/2018" for day in range(1, 13)],  # days of March, or the third of each month
        ["01/02/2018", "05/03/2018", "09/04/2018", "02/07/2018"],  # no fixed step
    ],
)
def test_dates_that_can_be_read_in_two_ways_ask_for_their_format(tmp_path, cells):
    text = "day,y\n" + "".join(f"{cell},{i}\n" for i, cell in enumerate(cells))
    table = table_of(tmp_path, text)
    with pytest.raises(InvalidArgumentError, match=r"--date-format %d/%m/%Y or --date-format %m/%d/%Y") as caught:
        table.day_first("day", DateOptions())
    assert repr(cells[0 if cells[0] != "01/01/2018" else 1]) in str(caught.value)
    for date_format in ("%d/%m/%Y", "%m/%d/%Y"):
        options = DateOptions(date_format)
        assert table.day_first("day", options) is None
        assert table.dates("day", options).tolist() == pd.to_datetime(pd.Series(cells), format=date_format).tolist()


def test_periods_and_several_series_tell_the_order(tmp_path):
    days = pd.Series(pd.bdate_range("2018-01-01", periods=40).drop("2018-01-15"))
    with pytest.raises(InvalidArgumentError, match="no fixed step"):
        day_comes_first(pd.Series(["02/01/2018", "03/01/2018", "05/01/2018"]), "day")
    months = pd.date_range("2015-01-01", periods=24, freq="MS").strftime("%d/%m/%Y")
    text = pd.Series([*months, *months[3:]])
    assert day_comes_first(text, "day", labels=pd.Series(["a"] * 24 + ["b"] * 21)) is True
    assert day_comes_first(pd.Series(days.dt.strftime("%d/%m/%Y")), "day") is True  # 31/01 exists in one order only
    assert day_comes_first(pd.Series(["2018-01-02", "2018-01-03"]), "day") is None
    assert day_comes_first(pd.Series(["13/13/2018"]), "day") is None


def test_the_order_is_used_for_the_future_dates_too(folder, capsys, no_networks):
    dates = pd.date_range("2015-01-01", periods=66, freq="MS")
    frame = pd.DataFrame({"day": dates.strftime("%d/%m/%Y"), "y": np.arange(66.0), "x": np.sin(np.arange(66))})
    frame[:60].to_csv("data.csv", index=False)
    frame[60:].to_csv("future.csv", index=False)  # these six are days of January, too
    said = run(capsys, "data.csv", "--target", "y", "--covariates", "x", "--future", "future.csv", "--horizon", "6",
               "--windows", "0", *TINY).out  # fmt: skip
    assert "2015-01-01 to 2019-12-01" in said
    assert "  2020-06-01" in said


# Holidays and local times


def prices(holidays, n=80, start="2021-03-01"):
    freq = pd.offsets.CustomBusinessDay(holidays=holidays)
    index = pd.date_range(start, periods=n, freq=freq, name="day")
    return pd.Series(100 + np.sin(np.arange(n)), index, name="price")


@pytest.mark.parametrize(
    "text",
    ["2021-04-02\n2021-04-05\n2021-07-05\n", "holiday,name\n2021-04-02,a\n2021-04-05,b\n2021-07-05,c\n",
     "02/04/2021\n05/04/2021\n05/07/2021\n31/12/2021"],
)  # fmt: skip
def test_business_days_without_holidays_are_forecast(folder, capsys, no_networks, text):
    series = prices(["2021-04-02", "2021-04-05"])
    series.to_csv("prices.csv")
    error = refused(capsys, "prices.csv", "--windows", "0", *TINY)
    assert "2 dates are missing" in error
    assert error.endswith("If these are holidays, list them in a file: --holidays FILE.\n")
    Path("holidays.txt").write_text(text)
    said = run(capsys, "prices.csv", "--holidays", "holidays.txt", "--horizon", "30", "--windows", "0", *TINY).out
    assert "80 values, 2021-03-01 to 2021-06-22" in said
    assert "  2021-07-02" in said
    assert "  2021-07-05" not in said  # a holiday to come
    series.drop(series.index[5]).to_csv("prices.csv")
    error = refused(capsys, "prices.csv", "--holidays", "holidays.txt", "--windows", "0", *TINY)
    assert "1 business days are missing and not in the file of --holidays: 2021-03-08" in error
    prices([]).to_csv("prices.csv")
    assert "2 of 80 dates are weekends or in the file of --holidays: 2021-04-02, 2021-04-05" in refused(
        capsys, "prices.csv", "--holidays", "holidays.txt", "--windows", "0", *TINY
    )


def test_several_series_of_business_days(tmp_path):
    holidays = ["2021-04-02", "2021-04-05", "2021-08-02"]
    parts = [prices(holidays).reset_index().assign(share=name) for name in "ba"]
    parts[0] = parts[0][7:]
    pd.concat(parts).assign(x=1.5).sample(frac=1, random_state=1).to_csv(tmp_path / "prices.csv", index=False)
    (tmp_path / "holidays").write_text("\n".join(holidays))
    columns = Columns("day", "price", "share", ("x",))
    skipped = read_dates(tmp_path / "holidays")
    panel = columns.read_panel(read_table(tmp_path / "prices.csv"), DateOptions(), skipped)
    assert sorted(panel.ids) == ["a", "b"]
    assert panel.covariate_names == ("x",)
    by_id = {each.id: each for each in panel.series}
    assert (len(by_id["a"].values), len(by_id["b"].values)) == (80, 73)
    pd.testing.assert_index_equal(by_id["a"].index, prices(holidays).index, check_names=False)
    np.testing.assert_allclose(by_id["b"].values, prices(holidays)[7:])
    assert pd.Timestamp("2021-08-02") not in future_index(by_id["a"].index, 40)


@pytest.mark.parametrize(("text", "match"), [("", "no dates"), ("name\n", "no dates"),
                                             ("2021-01-01\nEaster 2021\n", "line 2: 'Easter 2021' is not a date"),
                                             ("01/02/2021\n", "expected dates such as 2018-03-04")])  # fmt: skip
def test_bad_files_of_holidays(tmp_path, text, match):
    (tmp_path / "holidays").write_text(text)
    with pytest.raises(InvalidArgumentError, match=match):
        read_dates(tmp_path / "holidays")


def test_local_times_whose_offset_changes_are_read_as_utc(folder, capsys, no_networks):
    index = pd.date_range("2021-03-27", periods=72, freq="h", tz="Europe/Berlin", name="time")
    pd.Series(np.arange(72.0), index, name="load").to_csv("load.csv")
    assert "--utc" in refused(capsys, "load.csv", "--windows", "0", *TINY)
    said = run(capsys, "load.csv", "--utc", "--windows", "0", "--horizon", "2", *TINY).out
    assert "72 values, 2021-03-26 23:00:00+00:00 to 2021-03-29 22:00:00+00:00, frequency h" in said


@pytest.mark.parametrize(
    "level", ["0.999", *(pytest.param(each, marks=pytest.mark.slow) for each in ("99.9", "0.995"))]
)
def test_levels_keep_their_digits_in_messages(folder, capsys, level):
    printed = run(capsys, "milk.csv", "--windows", "0", "--horizon", "2", "--level", level, *TINY, "--epochs", "0")
    shown = float(level) * (100 if float(level) < 1 else 1)
    assert f"no {shown:g} % interval: " in printed.err
