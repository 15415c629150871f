"""`kerazoo forecast` on wrong files and wrong options."""

from __future__ import annotations

import gzip
import os

import pytest

from kerazoo import Forecaster
from kerazoo._runtime.files import write_tensors
from kerazoo.cli import main as cli
from kerazoo.datasets import milk
from tests.cli.forecast_cases import TINY, refused, with_price


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty; expected a header"),
        ("month,milk\n", "no rows below the header"),
        ("month,milk\n\n\n", "no rows below the header"),
        ("milk\n1\n2\n", "one column, 'milk'; expected at least two"),
        ("month;milk\n2020-01;1\n", "seem to be separated by ';'; convert them to commas"),
        ("month,milk,milk\n2020-01,1,1\n", "more than one column 'milk'; expected different names"),
        ("month,milk\n2020-01,1\n2020-02,2,3\n", "line 3: 3 values, '2020-02,2,3', for the 2 columns 'month', 'milk'"),
        ("month,milk\n2020-01,1,3\n2020-02,2\n", "line 2: 3 values, '2020-01,1,3', for the 2 columns"),
        ("month,milk\n2020-01,1,013\n", "Numbers need a decimal point and no thousands separators"),
        ("month,milk\n2020-01,1,,\n2020-02,2,,\n", "line 2: 4 values"),
        ('month,milk\n2020-01,"1\n', "damaged, or not a CSV file in UTF-8"),
        ("2020-01,1\n2020-02,2\n", "line 1: '2020-01,1' has values as the lines below; expected a header"),
        ("\n1,1\n2,2\n", "line 2: '1,1' has values as the lines below; expected a header"),
        ("A,2020-01,1\nA,2020-02,2\n", "--no-header reads a file without one"),
        ('month,milk\n2020-01,"a\nb"\n2020-02,1,1\n', "line 4: 3 values"),
        ('month,milk\n2020-01,1\n"2020-02",1\n"2020\n",1\n', "line 5: '2020' in column 'month' is not a date"),
        ("month,milk\n2020-01,1\n2020-02,2\nsome day,3\n", "line 4: 'some day' in column 'month' is not a date"),
        ("month,milk\n2020-01,1\n,2\n2020-03,3\n", "line 3: column 'month' is empty"),
        ("month,milk\n2020-01,1\n\n2020-03,3\n", "line 3: column 'month' is empty"),
        ("month,milk\n2020-01,1\n2020-02,two\n", "line 3: 'two' in column 'milk' is not a number"),
        ('month,milk\n2020-01,1\n2020-02,"1,234"\n', "line 3: '1,234' in column 'milk' is not a number"),
        ("month,milk\n2020-01,1\n2020-02,\n2020-03,\n", "line 3 (and in 1 more): column 'milk' is empty"),
        ("month,milk\n2020-01,1\n2020-02,inf\n", "line 3: 'inf' in column 'milk' is not a number"),
        (
            "month,milk\n2020-01,1\n2020-02,2\n2020-03,3\n2020-05,5\n2020-06,6\n",
            "column 'month': 1 date is missing",
        ),
        ("month,milk\n2020-01,1\n2020-02,2\n2020-02,2\n2020-03,3\n", "1 date more than once: 2020-02-01"),
        ("month,milk\n2020-01,1\n2020-03,3\n2020-02,2\n2020-04,4\n", "data.csv: column 'month' is not sorted"),
        ("year,milk\n1990,1\n1991,2\n1993,3\n", "data.csv: column 'year' jumps from 1991 to 1993"),
        ("month,milk\n2020-01,1\n2020-02,2\n2020-03,3\n", "data.csv: column 'milk' has 3 values"),
        ("t,y\n2020-03-28 00:00+01:00,1\n2020-03-30 00:00+02:00,2\n", "--utc reads them as times in UTC"),
    ],
)
def test_files_that_cannot_be_forecast(folder, capsys, text, message):
    (folder / "data.csv").write_text(text)
    error = refused(capsys, "data.csv", "--horizon", "2", "--windows", "0", *TINY[:-2], "--transforms", "difference")
    assert message in error
    if "line" in message or "expected" in message:
        assert "data.csv" in error


def test_a_missing_date_of_one_of_several_series_is_named(folder, capsys):
    months = [(label, month) for label in "AB" for month in range(1, 10)]
    rows = [f"{label},2020-{month:02d},{month}" for label, month in months if (label, month) != ("B", 5)]
    (folder / "data.csv").write_text("\n".join(["shop,month,milk", *rows]))
    error = refused(capsys, "data.csv", "--id", "shop", "--date", "month", "--horizon", "2", *TINY)
    assert "data.csv: column 'month' of series 'B': 1 date is missing at the frequency 'MS': 2020-05-01." in error
    assert error.endswith(" Add their rows. --missing skip reads them as gaps.\n")  # the option, not the parameter


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no.csv"], "no.csv: no such file"),
        (["folder.csv"], "folder.csv: a directory; expected a CSV file"),
        (["binary.csv"], "binary.csv: damaged, or not a CSV file in UTF-8"),
        (["damaged.csv.gz"], "damaged.csv.gz: damaged, or not a CSV file in UTF-8"),
        (["milk.csv", "--date", "mont"], "--date='mont'; expected one of 'month', 'pounds_per_cow'. Did you mean"),
        (["milk.csv", "--target", "pounds"], "--target='pounds'; expected one of"),
        (["milk.csv", "--id", "cow"], "--id='cow'; expected one of"),
        (["milk.csv", "--covariates", "price", "--future", "milk.csv"], "--covariates='price'; expected one of"),
        (["milk.csv", "--target", "month"], "column 'month' has two roles"),
        (
            ["wide.csv"],
            "--target is missing; expected the name of the column to forecast. Candidates: 'milk', ",
        ),
        (["wide.csv", "--target", "milk", "--covariates", "price"], "--covariates without --future"),
        (["milk.csv", "--future", "wide.csv"], "--future without --covariates"),
        (["wide.csv", "--target", "milk", "--covariates", "price", "--future", "no.csv"], "no.csv: no such file"),
        (["wide.csv", "--target", "milk", "--covariates", "price", "--future", "milk.csv"], "milk.csv: --covariates"),
        (["wide.csv", "--target", "milk", "--covariates", "price", "--future", "wide.csv"], "1976-01-01"),
        (["milk.csv", "--freq", "fortnight"], "--freq='fortnight'; expected a pandas period"),
        (["milk.csv", "--date-format", "%d.%m.%Y"], "line 2: '1971-01-01' in column 'month' is not a date"),
        (["milk.csv", "--level", "1"], "--level='1'; expected fractions or percentages"),
        (["milk.csv", "--level", "100"], "--level='100'; expected fractions or percentages"),
        (["milk.csv", "--level", "wide"], "--level='wide'; expected fractions or percentages"),
        (
            ["milk.csv", "--strategy", "both"],
            "kerazoo: --strategy='both'; expected one of 'recursive'",
        ),
        (["milk.csv", "--model", "lsmt_1x4"], "unknown cell 'lsmt'"),
        (["milk.csv", "--transforms", "lgo"], "Did you mean 'log'"),
        (["milk.csv", "--transforms", "difference[12]"], "--transforms='difference[12]'; expected auto, none, or"),
        (["milk.csv", "--plot", "milk.gif"], "the suffix of --plot='.gif'; expected one of '.png'"),
        (["milk.csv", "--out", "milk.xlsx"], "the suffix of --out='.xlsx'; expected one of '.csv'"),
        (["milk.csv", "--save", "milk.pkl"], "the suffix of --save='.pkl'; expected one of '.kerazoo'"),
        (["milk.csv", "--plot", "nowhere/milk.png"], "the folder 'nowhere' does not exist"),
        (["milk.csv", "--out", "nowhere/milk.csv"], "the folder 'nowhere' does not exist"),
        (["milk.csv", "--save", "nowhere/milk.kerazoo"], "the folder 'nowhere' does not exist"),
        (["milk.csv", "--out", "folder.csv"], "folder.csv: a directory; expected the name of a file"),
    ],
)
def test_what_is_refused_before_training(folder, capsys, no_training, arguments, message):
    with_price(milk()[-60:]).drop(columns="strike").to_csv("wide.csv")
    (folder / "folder.csv").mkdir()
    (folder / "binary.csv").write_bytes(b"month,milk\n\xff\xfe\x00\n")
    (folder / "damaged.csv.gz").write_bytes(gzip.compress(b"month,milk\n2020-01,1\n")[:-12])
    assert message in refused(capsys, *arguments)


def test_dates_without_a_fixed_step_have_an_option_as_remedy(folder, capsys):
    (folder / "days.csv").write_text("day,y\n2020-01-01,1\n2020-02-03,2\n2020-03-02,3\n2020-04-07,4\n")
    error = refused(capsys, "days.csv", "--windows", "0", *TINY)
    assert error.startswith("kerazoo: days.csv: column 'day' has no frequency")
    assert error.endswith("If the dates stand for periods, name these with --freq: D, W, M, Q or Y.\n")
    (folder / "days.csv").write_text("day,y\n2020-01-01,1\n2020-01-03,2\n2020-01-02,3\n2020-01-04,4\n")
    assert refused(capsys, "days.csv", "--windows", "0", *TINY).endswith("expected increasing dates. Sort the rows.\n")


def test_errors_of_future_dates_name_the_file_and_the_column(folder, capsys, no_training):
    whole = with_price(milk()[-60:])
    whole[:-6].to_csv("known.csv")
    whole[-6:-2].drop(columns="milk").to_csv("future.csv")
    options = ["--target", "milk", "--covariates", "price", "--future", "future.csv", "--horizon", "6"]
    error = refused(capsys, "known.csv", *options, *TINY)
    assert "future.csv lacks 2 of the 6 dates of the forecast: 1975-11-01, 1975-12-01" in error
    assert "X_future" not in error


def test_too_many_windows(folder, capsys, monkeypatch):
    monkeypatch.setattr(Forecaster, "fit", None)
    assert "--windows=2 would fit" in refused(capsys, "milk.csv", "--windows", "9", *TINY)


@pytest.mark.parametrize(("option", "name"), [("--out", "old.csv"), ("--plot", "old.png"), ("--save", "old.kerazoo")])
def test_a_file_that_cannot_be_written_leaves_the_old_one(folder, capsys, no_networks, monkeypatch, option, name):
    def save(self, path):
        write_tensors(path, {}, {}, kind="nothing")

    def full(*arguments):
        raise OSError(28, "No space left on device")

    (folder / name).write_bytes(b"old")
    monkeypatch.setattr(os, "replace", full)
    monkeypatch.setattr(Forecaster, "save", save)
    error = refused(capsys, "milk.csv", "--windows", "0", "--horizon", "2", option, name, *TINY)
    assert "No space left on device" in error
    assert (folder / name).read_bytes() == b"old"
    assert sorted(path.name for path in folder.iterdir()) == ["milk.csv", name]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--horizon", "0"], "0 is not in the range x>=1"),
        (["--windows", "-1"], "-1 is not in the range x>=0"),
        (["--backend", "theano"], "'theano' is not one of"),
        (["--horizn", "3"], "No such option"),
    ],
)
def test_options_that_click_refuses(folder, capsys, arguments, message):
    with pytest.raises(SystemExit) as stop:
        cli.main(["forecast", "milk.csv", *arguments])
    assert stop.value.code == 2
    assert message in capsys.readouterr().err


def test_the_folder_of_the_demo_cannot_be_made(folder, capsys):
    (folder / "taken").write_text("a file")
    with pytest.raises(SystemExit) as stop:
        cli.main(["demo", "--folder", "taken"])
    assert stop.value.code == 2
    assert capsys.readouterr().err.startswith("kerazoo: taken: cannot be created (File exists).")
