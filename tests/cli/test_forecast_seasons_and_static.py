"""`kerazoo forecast` with seasons, losses, features of dates, and a file of what holds for each series."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from kerazoo import Forecaster
from kerazoo.cli import main as cli
from kerazoo.datasets import milk
from tests.cli.forecast_cases import refused, run

SMALL = ["--model", "gru_1x2", "--members", "1", "--seed", "1", "--quiet", "--windows", "0", "--level", "none"]
FARMS = ["farms.csv", "--id", "farm", "--date", "month", "--target", "milk", "--horizon", "3", *SMALL]


@pytest.fixture
def farms(folder):
    whole = milk()[-48:]
    parts = [
        pd.DataFrame({"month": whole.index.strftime("%Y-%m"), "farm": name, "milk": whole.array * size})
        for name, size in (("007", 1.0), ("north", 2.0), ("x", 3.0))
    ]
    pd.concat(parts).to_csv("farms.csv", index=False)
    (folder / "shops.csv").write_text("region,farm,area\ncoast,north,\n,007,1.5\nhills,other,9\ncoast,x,3\n")
    return folder


def test_a_file_of_what_holds_for_each_series(farms, capsys):
    run(capsys, *FARMS, "--static", "shops.csv", "--epochs", "0", "--save", "farms.kerazoo")
    panel = Forecaster.load("farms.kerazoo")._fitted.panel
    assert panel.ids == ("007", "north", "x")
    assert (panel.static_names, panel.category_names) == (("area",), ("region",))
    np.testing.assert_array_equal(panel.static, [[1.5], [np.nan], [3.0]])
    assert panel.categories == (("",), ("coast",), ("coast",))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("farm,area\n007,1\n", "shops.csv: column 'farm' lacks 2 of the 3 series: 'north', 'x'; expected one row for"),
        ("farm,area\n007,1\n007,2\n", "shops.csv: column 'farm' has '007' more than once; expected one row per series"),
        ("shop,area\n007,1\nnorth,inf\nx,1\n", "shops.csv, line 3: 'inf' in column 'area' is infinite"),
        ("farm,area\n007,1\nnorth,1e120\nx,1\n", "shops.csv['area']: 1 of 3 values are too large: 'north'"),
        ("farm,area\n007,1\n,2\nx,1\n", "shops.csv, line 3: column 'farm' is empty"),
        ("farm\n007\n", "shops.csv: one column, 'farm'; expected at least two"),
    ],
)
def test_files_that_do_not_say_it(farms, capsys, no_training, text, message):
    (farms / "shops.csv").write_text(text)
    assert message in refused(capsys, *FARMS, "--static", "shops.csv")


def test_a_file_for_a_single_series(farms, capsys, no_training):
    assert "--static without --id; expected both" in refused(capsys, "milk.csv", "--static", "shops.csv")
    pd.read_csv("farms.csv", dtype=str).query("farm == '007'").to_csv("farms.csv", index=False)
    message = "--static with the single series '007'; expected several"
    assert message in refused(capsys, *FARMS, "--static", "shops.csv")


def test_options_reach_the_forecaster(farms, capsys, monkeypatch):
    class Chosen(Exception):
        pass

    def choose(self, panel):
        raise Chosen(self.get_params())

    monkeypatch.setattr(Forecaster, "_settings", choose)

    def chosen(*options):
        with pytest.raises(Chosen) as found:
            cli.main(["forecast", *FARMS, *options])
        return found.value.args[0]

    given = chosen("--period", "12, 4.5", "--loss", "mae", "--lookback", "9", "--embed-ids", "--calendar", "month,week")
    names = ("period", "loss", "lookback", "embed_ids", "calendar")
    assert [given[name] for name in names] == [[12, 4.5], "mae", 9, True, ("month", "week")]
    usual = chosen()
    assert [usual[name] for name in names] == ["auto", None, None, False, "auto"]
    assert chosen("--period", "12")["period"] == 12
    assert chosen("--calendar", "none")["calendar"] == ()


def test_several_seasons_are_shown(folder, capsys):
    t = np.arange(24 * 24)
    load = 10 + np.sin(t * np.pi / 12) + np.cos(t * np.pi / 84)
    hours = pd.date_range("2021-01-01", periods=len(t), freq="h", name="hour")
    pd.Series(load, hours, name="load").to_csv("load.csv")
    said = run(
        capsys, "load.csv", "--period", "24,168", "--horizon", "5", "--epochs", "0", "--out", "out.csv", *SMALL
    ).out
    assert "frequency h, season lengths 24, 168" in said
    expected = 10 + np.sin((t[-1] + 1 + np.arange(5)) * np.pi / 12) + np.cos((t[-1] + 1 + np.arange(5)) * np.pi / 84)
    assert re.search(r"^statistics +mean weights: ", said, re.MULTILINE)
    np.testing.assert_allclose(pd.read_csv("out.csv")["forecast"], expected, atol=0.1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--period", "day"], "--period='day'; expected auto, or steps of a season, of several separated by commas"),
        (["--period", "0"], "--period='0'; expected auto, or steps"),
        (["--period", ","], "--period=','; expected auto, or steps"),
        (["--period", "24,nan"], "--period='24,nan'; expected auto, or steps"),
        (["--period", "12,4", "--transforms", "log"], "--period=[4, 12] with given transforms"),
        (["--loss", "mea"], "--loss='mea'; expected one of 'bounded', 'mape', 'mae'"),
        (["--calendar", "mnth"], "expected one of 'month', 'quarter'"),
        (["--calendar", ","], "--calendar=','; expected auto, none, or names"),
        (["--lookback", "1"], "--lookback=1; expected an integer >= 2"),
        (["--lookback", "9", "--horizon", "46"], "--lookback=9, but no series has three values before"),
        (["--embed-ids", "--transforms", "log"], "--embed-ids with one series or given transforms"),
    ],
)
def test_what_is_refused_before_training(farms, capsys, no_training, options, message):
    assert message in refused(capsys, *FARMS, *options)
