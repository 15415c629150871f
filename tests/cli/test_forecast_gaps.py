"""`kerazoo forecast --missing skip` and `--past`: gaps and past covariates of a CSV file."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kerazoo import Forecaster
from kerazoo.cli import main as cli
from kerazoo.cli.csv_tables import DateOptions, read_table
from kerazoo.cli.forecast_options import file_names, select_columns
from kerazoo.datasets import milk
from kerazoo.errors import InvalidArgumentError
from tests.cli.forecast_cases import refused, run

MONTHS = pd.date_range("2020-01-01", periods=24, freq="MS")
GONE = [3, 4, 9]


def table_of(**columns):
    return pd.DataFrame({"month": MONTHS.strftime("%Y-%m-%d"), "sold": np.arange(24), **columns})


def panel_of(text_or_frame, *, missing="skip", id_column=None, covariates=None, past=None, holidays=None, **options):
    """The panel of a file, with the messages of the command line."""
    if not isinstance(text_or_frame, str):
        text_or_frame = text_or_frame.to_csv(index=False)
    path = Path("data.csv")
    path.write_text(text_or_frame)
    table = read_table(path)
    columns = select_columns(table, None, "sold", id_column, covariates, past)
    with file_names(path, columns):
        return columns.read_panel(table, DateOptions(**options), holidays, missing)


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def assert_gaps(series, index, gone=GONE):
    assert list(series.index) == list(index)
    expected = np.where(np.isin(np.arange(len(index)), gone), np.nan, np.arange(len(index)))
    np.testing.assert_array_equal(series.values, expected)


@pytest.mark.parametrize("cell", ["", " ", "NA", "NaN", "nan"])
def test_empty_cells_are_gaps(cell):
    frame = table_of().astype({"sold": object})
    frame.loc[GONE, "sold"] = cell
    assert_gaps(panel_of(frame).series[0], MONTHS)
    message = message_of(frame, missing="error")
    if cell.strip():
        assert f"line 5: '{cell}' in column 'sold' is not a number" in message
    else:
        assert message == (
            "data.csv, line 5 (and in 2 more): column 'sold' is empty; expected a value in each row. Fill the gaps "
            "first. --missing skip reads empty cells as gaps."
        )


def message_of(*arguments, **options):
    with pytest.raises(InvalidArgumentError) as caught:
        panel_of(*arguments, **options)
    return str(caught.value)


def test_missing_rows_are_gaps():
    frame = table_of().drop(GONE)
    panel = panel_of(frame)
    assert panel.form == "series"
    assert_gaps(panel.series[0], MONTHS)
    assert_gaps(panel_of(frame, freq="M").series[0], MONTHS.to_period("M"))
    assert_gaps(panel_of(frame.assign(month=frame.index)).series[0], range(24))
    long = pd.concat([frame.assign(shop="a"), table_of(shop="b")])
    for each, gone in zip(panel_of(long, id_column="shop").series, (GONE, []), strict=True):
        assert_gaps(each, MONTHS, gone)
    for y, options in ((frame, {}), (frame, {"freq": "M"}), (long, {"id_column": "shop"})):
        message = message_of(y, missing="error", **options)
        assert "3 dates are missing" in message
        assert "--missing skip reads them as gaps." in message
        assert 'missing="skip"' not in message


def test_business_days_without_rows_are_gaps():
    holidays = ["2021-04-02", "2021-04-05"]
    days = pd.bdate_range("2021-03-01", periods=40, freq="C", holidays=holidays)
    frame = pd.DataFrame({"day": days, "sold": np.arange(40)}).drop(GONE)
    dates = [pd.Timestamp(each) for each in holidays]
    long = pd.concat([frame.assign(shop="a"), frame.assign(shop="b")])
    for y, id_column in ((frame, None), (long, "shop")):
        panel = panel_of(y, holidays=dates, id_column=id_column)
        for each in panel.series:
            assert_gaps(each, days)
            assert each.index.freq == days.freq
        message = message_of(y, holidays=dates, id_column=id_column, missing="error")
        assert message.endswith("or their dates to that file. --missing skip reads them as gaps.")


def test_covariates_are_needed_for_every_step():
    frame = table_of(price=np.arange(24) + 0.5).astype({"sold": object})
    gappy = frame.copy()
    gappy.loc[GONE, "sold"] = ""
    series = panel_of(gappy, covariates="price").series[0]
    assert_gaps(series, MONTHS)
    assert series.covariates[:, 0].tolist() == frame["price"].tolist()
    for y, id_column, first in (
        (frame.drop(GONE), None, "2020-04-01, 2020-05-01, 2020-10-01"),
        (pd.concat([frame.drop(GONE).assign(shop="a"), frame.assign(shop="b")]), "shop", "('a', 2020-04-01), "),
    ):
        message = message_of(y, covariates="price", id_column=id_column)
        assert message.startswith(f"data.csv: 3 dates have no row: {first}")
        assert message.endswith(
            "; expected covariates for every step. Add their rows, with an empty cell in column 'sold'."
        )
    gappy.loc[2, "price"] = np.nan
    assert message_of(gappy, covariates="price") == (
        "data.csv, line 4: column 'price' is empty; expected a value in each row. Fill the gaps first."
    )


def test_past_columns_may_be_empty_where_gaps_are_skipped():
    rain = np.arange(24) + 0.5
    frame = table_of(rain=rain, sun=1).astype({"sold": object, "rain": object})
    both = {"past": "rain, sun"}
    long = pd.concat([frame.assign(shop="a"), frame.assign(shop="b")]).sample(frac=1, random_state=1)
    holidays = [pd.Timestamp("2021-04-02"), pd.Timestamp("2021-04-05")]
    days = pd.bdate_range("2021-03-01", periods=24, freq="C", holidays=holidays)
    for y, options in (
        (frame, {}),
        (long, {"id_column": "shop"}),
        (long.assign(month=days[long.index]), {"id_column": "shop", "holidays": holidays}),
    ):
        for missing in ("error", "skip"):
            panel = panel_of(y, missing=missing, **both, **options)
            assert (panel.past_names, panel.covariate_names) == (("rain", "sun"), ())
            for each in panel.series:
                np.testing.assert_array_equal(each.past, np.stack([rain, np.ones(24)], axis=1))
        empty = y.copy()
        empty.loc[GONE, ["sold", "rain"]] = ""
        for gappy in (empty, y.drop(GONE)):
            for each in panel_of(gappy, **both, **options).series:
                assert np.flatnonzero(np.isnan(each.past[:, 0])).tolist() == GONE
                np.testing.assert_array_equal(np.isnan(each.values), np.isnan(each.past[:, 0]))
        empty.loc[7, "rain"] = ""  # where the value is known
        for each in panel_of(empty, **both, **options).series:
            assert np.flatnonzero(np.isnan(each.past[:, 0])).tolist() == sorted([*GONE, 7])
            assert np.flatnonzero(np.isnan(each.values)).tolist() == GONE
        message = message_of(empty.drop(GONE), missing="error", **{**options, "holidays": None}, **both)
        assert "column 'rain' is empty; expected a value in each row. Fill the gaps first." in message
        assert "skip" not in message


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("t,sold\n2020-01,1\n2020-02,two\n2020-03,\n", "data.csv, line 3: 'two' in column 'sold' is not a number"),
        ("t,sold\n2020-01,1\n2020-02,inf\n2020-03,\n", "data.csv, line 3: 'inf' in column 'sold' is not a number"),
        ("t,sold\n2020-01,\n2020-02,\n2020-03,NA\n", "data.csv: column 'sold' has no value: all 3 are missing"),
        ("t,sold\n2020-01,1\n,2\n2020-03,\n", "data.csv, line 3: column 't' is empty; .* Fill the gaps first.$"),
        ("t,sold\n2020-01,1\n2020-04,2\n2020-03,\n", "data.csv: column 't' is not sorted"),
        ("t,sold\n2020-01,1\n2020-04,2\n2020-04,\n", "data.csv: column 't' has 1 date more than once"),
        (
            "t,sold\n2020-01-01 00:00:00,1\n2020-01-01 01:00:00,\n2020-02-01 00:00:01,1\n",
            "name these with --freq",
        ),
    ],
)
def test_what_is_no_gap_stays_an_error(text, match):
    with pytest.raises(InvalidArgumentError, match=match):
        panel_of(text)


def test_the_command_forecasts_a_file_with_gaps(capsys):
    whole = milk()[-60:].astype(object)
    whole.iloc[[30, 31]] = ""
    whole.drop(whole.index[[7, 8, 20]]).to_csv("milk.csv")
    options = ["milk.csv", "--horizon", "6", "--windows", "1", "--epochs", "0", "--seed", "1", "--quiet"]
    said = run(capsys, *options, "--missing", "skip", "--out", "out.csv", "--plot", "milk.png").out
    assert "60 values, 1971-01-01 to 1975-12-01, 5 missing, frequency MS, season length 12" in said
    written = pd.read_csv("out.csv", parse_dates=["month"])
    assert written["month"].tolist() == pd.date_range("1976-01-01", periods=6, freq="MS").tolist()
    assert np.isfinite(written.drop(columns="month")).all(axis=None)
    assert re.search(r"^  forecaster +\d", said, re.MULTILINE)  # in the backtest
    assert Path("milk.png").stat().st_size > 1000
    assert "--missing skip reads empty cells as gaps." in refused(capsys, *options)
    assert "--missing='skipp'; expected one of 'error', 'skip'. Did you mean 'skip'?" in refused(
        capsys, *options, "--missing", "skipp"
    )


def test_past_columns_reach_the_forecaster(capsys, monkeypatch):
    class Seen(Exception):
        pass

    def see(self, panel):
        raise Seen(panel)

    monkeypatch.setattr(Forecaster, "validate", see)
    table_of(rain=np.arange(24) + 0.5).to_csv("data.csv", index=False)
    with pytest.raises(Seen) as seen:
        cli.main(["forecast", "data.csv", "--target", "sold", "--past", "rain"])
    panel = seen.value.args[0]
    assert (panel.past_names, panel.series[0].past[1, 0]) == (("rain",), 1.5)
    with pytest.raises(Seen):
        cli.main(["forecast", "data.csv", "--past", "rain"])  # the only other column is the target
    error = refused(capsys, "data.csv", "--target", "sold", "--past", "rian")
    assert "data.csv: --past='rian'; expected one of 'month', 'sold', 'rain'. Did you mean 'rain'?" in error
    error = refused(capsys, "data.csv", "--target", "sold", "--past", "sold")
    assert (
        "column 'sold' has two roles; expected different columns for --date, --target, --id, --covariates and" in error
    )
