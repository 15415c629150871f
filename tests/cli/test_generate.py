"""`kerazoo generate`: the file has the series of the library, over the dates that are asked."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kerazoo.cli.main import main
from kerazoo.forecast.generators import generate


def run(*arguments):
    with pytest.raises(SystemExit) as ended:
        main(["generate", *arguments])
    return ended.value.code


def test_the_file_has_the_series_of_the_library(tmp_path, capsys):
    path = tmp_path / "out.csv"
    main(["generate", "--n", "300", "--length", "20", "--period", "4", "--seed", "7", "--out", str(path)])
    assert "300 series of 20 steps, kind mixture, seed 7" in capsys.readouterr().out
    table = pd.read_csv(path, parse_dates=["ds"])
    assert list(table.columns) == ["unique_id", "ds", "y"]
    expected = generate(300, 20, 4, seed=7, date="2000-01-01")
    np.testing.assert_array_equal(table["y"].to_numpy().reshape(300, 20), expected)
    np.testing.assert_array_equal(table["ds"][:20], pd.date_range("2000-01-01", periods=20, freq="QS"))
    assert table["unique_id"].nunique() == 300


@pytest.mark.parametrize(
    ("options", "freq"),
    [
        (("--period", "24,168"), "h"),
        (("--period", "52.18"), "7D"),
        (("--period", "1"), "YS"),
        (("--period", "7", "--start", "2021-03-05"), "D"),
        (("--period", "7", "--freq", "MS"), "MS"),
    ],
)
def test_dates_follow_the_frequency(tmp_path, options, freq):
    path = tmp_path / "out.csv"
    main(["generate", "--n", "1", "--length", "30", "--seed", "1", *options, "--out", str(path)])
    start = options[options.index("--start") + 1] if "--start" in options else "2000-01-01"
    dates = pd.to_datetime(pd.read_csv(path)["ds"])
    np.testing.assert_array_equal(dates, pd.date_range(start, periods=30, freq=freq))


def test_series_without_a_calendar_have_integers(tmp_path):
    path = tmp_path / "out.csv"
    main(["generate", "--n", "1", "--length", "5", "--period", "10", "--seed", "1", "--out", str(path)])
    assert pd.read_csv(path)["ds"].tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--n", "0"), "--n=0; expected an integer >= 1"),
        (("--length", "0"), "--length=0; expected an integer >= 1"),
        (("--period", "twelve"), "--period='twelve'; expected a number"),
        (("--period", "0.5"), "--period=0.5; expected a finite number >= 1"),
        (("--kind", "chaos"), "--kind='chaos'; expected one of 'mixture'"),
        (("--seed", "-1"), "--seed=-1; expected an integer >= 0"),
        (("--freq", "M"), "--freq='M'; expected one of"),
        (("--start", "soon"), "--start='soon'; expected text with a date"),
        (("--length", "9000", "--period", "1"), "expected no date after the year 9999"),
    ],
)
def test_errors_name_the_option_and_leave_no_file(tmp_path, capsys, options, message):
    path = tmp_path / "out.csv"
    assert run("--seed", "1", "--out", str(path), *options) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_output_is_a_csv_file_in_a_folder_that_exists(tmp_path, capsys):
    assert run("--seed", "1", "--out", str(tmp_path / "out.parquet")) == 2
    assert "the suffix of --out" in capsys.readouterr().err
    assert run("--seed", "1", "--out", str(tmp_path / "no" / "out.csv")) == 2
    assert "does not exist" in capsys.readouterr().err
