"""`kerazoo forecast`, run as a user runs it on CSV files."""

from __future__ import annotations

import gzip
import os
import re
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest

from kerazoo import Forecaster
from kerazoo.cli import forecast_report
from kerazoo.cli import main as cli
from kerazoo.cli.csv_tables import read_table
from kerazoo.cli.demo import milk_demo
from kerazoo.datasets import milk
from kerazoo.forecast import backtest as backtesting
from kerazoo.forecast import fitting
from kerazoo.forecast.data import read as reading
from tests.cli.forecast_cases import TINY, refused, run, with_price


def test_a_forecast_with_all_its_files(folder, capsys, monkeypatch):
    monkeypatch.setattr(forecast_report, "is_terminal", lambda stream: True)
    arguments = ["milk.csv", "--date", "month", "--target", "pounds_per_cow", "--horizon", "6", "--windows", "2"]
    files = ["--plot", "milk.png", "--out", "forecast.csv", "--save", "milk.kerazoo"]
    loud = [option for option in TINY if option != "--quiet"]
    printed = run(capsys, *arguments, *loud, *files)
    said = printed.out
    for title in ("backtest", "training"):  # bars
        assert f"{title}: 100%" in printed.err
        assert f"{title}: " not in said
    assert "milk.csv: pounds_per_cow, 60 values, 1971-01-01 to 1975-12-01, frequency MS, season length 12" in said
    assert "6 steps from 2 origins, fitted once, at the first" in said
    for model in ("forecaster", "seasonal naive", "naive"):
        assert re.search(rf"^  {model} +\d+(\.\d+)? +\d", said, re.MULTILINE)
    assert "100 %  difference[lag=12]" in said
    for file in ("milk.png", "forecast.csv", "milk.kerazoo"):
        assert re.search(rf"^(plot|table|forecaster) +{file}", said, re.MULTILINE)
    written = pd.read_csv("forecast.csv", parse_dates=["month"])
    assert list(written.columns) == ["month", "forecast", "lower_80", "upper_80", "lower_95", "upper_95"]
    assert written["month"].tolist() == pd.date_range("1976-01-01", periods=6, freq="MS").tolist()
    shown = re.findall(r"^  1976-\d\d-01 +([\d,.]+)", said, re.MULTILINE)
    np.testing.assert_allclose([float(text.replace(",", "")) for text in shown], written["forecast"], atol=0.051)
    loaded = Forecaster.load("milk.kerazoo")
    np.testing.assert_allclose(loaded.predict(6), written["forecast"], rtol=1e-6)
    assert (folder / "milk.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(path.name for path in folder.iterdir()) == ["forecast.csv", "milk.csv", "milk.kerazoo", "milk.png"]


def test_columns_are_found_where_there_is_no_choice(folder, capsys, no_networks):
    said = run(capsys, "milk.csv", "--windows", "0", "--level", "none", *TINY).out
    assert "backtest" not in said
    assert re.search(r"month +forecast$", said, re.MULTILINE)  # no intervals
    assert len(re.findall(r"^  1976-\d\d-01", said, re.MULTILINE)) == 12  # a season
    assert "networks    none: the forecast is the statistical one" in said


def test_every_option_reaches_the_forecaster(folder, capsys, monkeypatch):
    class Chosen(Exception):
        pass

    def choose(self, panel):
        raise Chosen(self.get_params())

    monkeypatch.setattr(Forecaster, "_settings", choose)
    options = ["--horizon", "4", "--model", "lstm_1x3", "--strategy", "direct", "--members", "2", "--epochs", "7"]
    options += ["--floor", "0.5", "--seed", "3", "--transforms", "log, exponential_smoothing[period=12,trend=add]"]
    with pytest.raises(Chosen) as chosen:
        cli.main(["forecast", "milk.csv", *options])
    found = chosen.value.args[0]
    assert {name: found[name] for name in ("horizon", "model", "strategy", "n_members", "epochs", "seed", "floor")} == {
        "horizon": 4, "model": "lstm_1x3", "strategy": "direct", "n_members": 2, "epochs": 7, "seed": 3, "floor": 0.5,
    }  # fmt: skip
    assert found["transforms"] == (
        {"name": "log"},
        {"name": "exponential_smoothing", "period": 12, "trend": "add"},
    )
    for text, transforms in {"auto": "auto", "none": ()}.items():
        with pytest.raises(Chosen) as chosen:
            cli.main(["forecast", "milk.csv", "--transforms", text])
        assert chosen.value.args[0]["transforms"] == transforms
    for backend in ("jax", "tensorflow"):
        with pytest.raises(Chosen):
            cli.main(["forecast", "milk.csv", "--backend", backend])
        assert os.environ["KERAS_BACKEND"] == backend


@pytest.mark.parametrize(("option", "refit"), [("--refit", "fresh"), ("--no-refit", False)])
def test_folds_refit_and_levels_reach_the_backtest(folder, capsys, monkeypatch, option, refit):
    class Asked(Exception):
        pass

    def ask(panel, params, **asked):
        raise Asked(asked)

    monkeypatch.setattr(backtesting, "backtest", ask)
    with pytest.raises(Asked) as asked:
        cli.main(["forecast", "milk.csv", "--windows", "4", option, "--level", "0.9,0.5", *TINY])
    asked = asked.value.args[0]
    assert (asked["n_windows"], asked["refit"], asked["levels"], asked["only_possible"]) == (4, refit, (0.5, 0.9), True)


def test_a_backtest_is_trained_once_for_all_levels_that_can_be_had(folder, capsys, monkeypatch):
    """Eleven steps are held out at the first origin, enough for 80 % and not for 98 or 99 %."""
    trained = []
    fit = fitting.fit
    monkeypatch.setattr(fitting, "fit", lambda *given: trained.append(given) or fit(*given))
    milk()[-40:].to_csv("short.csv")
    levels = ["--level", "0.8,0.98,0.99"]
    options = ["--horizon", "6", "--windows", "1", *levels, *TINY, "--epochs", "0"]
    printed = run(capsys, "short.csv", *options)
    assert len(trained) == 2  # the backtest, and the forecast
    assert re.search(r"^ +RMSE +MAE +sMAPE +MASE +coverage 80 %$", printed.out, re.MULTILINE)


def test_several_series(folder, capsys, no_networks):
    whole = milk()[-48:]
    frames = [
        pd.DataFrame({"month": whole.index.strftime("%d.%m.%Y"), "farm": name, "milk": whole.array * size})
        for name, size in (("007", 1.0), ("north", 2.0))
    ]
    pd.concat(frames).sample(frac=1.0, random_state=1).to_csv("farms.csv", index=False)
    options = ["--date", "month", "--id", "farm", "--target", "milk", "--date-format", "%d.%m.%Y", "--horizon", "3"]
    files = ["--plot", "farms.svg", "--out", "out.csv"]
    said = run(capsys, "farms.csv", *options, *files, "--windows", "0", *TINY).out
    assert "farms.csv: milk of 2 series, 48 values each, frequency MS, season length 12" in said
    assert re.findall(r"^forecast +(\w+)$", said, re.MULTILINE) == sorted(("007", "north"), key=said.index)
    written = pd.read_csv("out.csv", dtype={"farm": str})
    assert list(written.columns[:3]) == ["farm", "month", "forecast"]
    assert written.groupby("farm").size().to_dict() == {"007": 3, "north": 3}
    sizes = written.groupby("farm")["forecast"].mean()
    assert sizes["north"] / sizes["007"] == pytest.approx(2.0)
    drawn = (folder / "farms.svg").read_text()
    assert 'id="axes_2"' in drawn
    assert 'id="axes_3"' not in drawn


def test_covariates(folder, capsys):
    whole = with_price(milk()[-60:])
    whole[:-6].to_csv("known.csv")
    whole[-12:].drop(columns="milk").to_csv("future.csv")  # other dates and columns do not matter
    options = ["--target", "milk", "--covariates", "price, strike", "--horizon", "6", "--windows", "0"]
    said = run(capsys, "known.csv", *options, "--future", "future.csv", *TINY).out
    assert len(re.findall(r"^  1975-(07|08|09|10|11|12)-01", said, re.MULTILINE)) == 6
    assert re.search(r"^covariates +\d+ %  .* of price", said, re.MULTILINE)
    assert re.search(r"^ +\d+ %  .* of strike", said, re.MULTILINE)


def test_the_report_names_the_effects_of_covariates():
    rows = [("additive", "price", 0.4, 2.0, ""), ("additive", "price", 0.4, 4.0, ""), ("multiplicative", "promo", 0.6,
            np.log(1.5), ""), ("none", "sun", 1.0, 0.0, "does not lower the error")]  # fmt: skip
    effects = pd.DataFrame(rows, columns=["form", "covariate", "weight", "coefficient", "note"])
    assert forecast_report._effect_lines(effects) == [
        " 40 %  +3 per unit of price",
        " 60 %  times 1.5 per unit of promo",
        "100 %  no effect of sun in the statistics: does not lower the error",
    ]


def test_covariates_of_several_series(folder, capsys, no_networks):
    known = with_price(milk()[-48:]).reset_index()
    both = pd.concat([known.assign(farm="north"), known.assign(farm="south")])
    both[both["month"] < "1975-10"].to_csv("known.csv", index=False)
    both.drop(columns=["milk", "strike"]).to_csv("future.csv", index=False)
    options = ["--date", "month", "--id", "farm", "--target", "milk", "--covariates", "price", "--future", "future.csv"]
    said = run(capsys, "known.csv", *options, "--horizon", "3", "--windows", "0", *TINY).out
    assert len(re.findall(r"^  1975-(10|11|12)-01", said, re.MULTILINE)) == 6


def test_dates_without_a_fixed_step_stand_for_periods(folder, capsys, no_networks):
    whole = milk()[-48:]
    dates = whole.index + pd.to_timedelta(np.arange(48) % 20, unit="D")
    pd.DataFrame({"day": dates, "milk": whole.array}).to_csv("days.csv", index=False)
    assert "no frequency" in refused(capsys, "days.csv", "--windows", "0", *TINY)
    for freq in ("M", "MS", "ME"):
        said = run(
            capsys, "days.csv", "--freq", freq, "--horizon", "2", "--windows", "0", "--out", "out.csv", *TINY
        ).out
        assert "1972-01 to 1975-12, frequency M, season length 12" in said
        assert pd.read_csv("out.csv")["day"].tolist() == ["1976-01", "1976-02"]


@pytest.mark.parametrize(
    ("written", "first"),
    [("%Y%m%d", "1976-01-01"), ("%Y%m", "1976-01-01"), ("%Y-%m", "1976-01-01"), ("%m/%d/%Y", "1976-01-01")],
)
def test_dates_are_read_as_they_are_written(folder, written, first):
    whole = milk()[-24:]
    pd.DataFrame({"when": whole.index.strftime(written), "milk": whole.array}).to_csv("dates.csv", index=False)
    assert read_table(folder / "dates.csv").dates("when").equals(whole.index.rename("when"))


def test_years_are_numbers(folder, capsys, no_networks):
    pd.DataFrame({"year": range(1950, 1990), "y": np.arange(40.0) ** 1.5}).to_csv("years.csv", index=False)
    tiny = [*TINY[:-1], "difference"]
    said = run(capsys, "years.csv", "--horizon", "3", "--windows", "0", *tiny).out
    assert "40 values, 1950 to 1989, no season" in said
    assert re.findall(r"^  (199\d) ", said, re.MULTILINE) == ["1990", "1991", "1992"]


def test_packed_files_blank_lines_and_spaces(folder, capsys):
    text = (folder / "milk.csv").read_text().replace(",", " , ") + "\n\n"
    with gzip.open("milk.csv.gz", "wt", encoding="utf-8-sig") as file:
        file.write(text)
    table = read_table(folder / "milk.csv.gz")
    assert table.columns == ["month", "pounds_per_cow"]
    assert table.numbers("pounds_per_cow").tolist() == milk()[-60:].tolist()


def test_statistics_alone(folder, capsys):
    options = ["--members", "1", "--transforms", "difference[lag=12]", "--epochs", "0", "--windows", "0", "--quiet"]
    said = run(capsys, "milk.csv", "--horizon", "3", *options).out
    assert "networks    none: the forecast is the statistical one" in said
    shown = [float(text) for text in re.findall(r"^  1976-\d\d-01 +([\d.]+)", said, re.MULTILINE)]
    # The same month, plus the mean difference, which the scaling subtracts.
    np.testing.assert_allclose(shown, milk()[-12:-9] + milk()[-60:].diff(12).mean(), atol=0.051)


def test_a_preset_is_shown_with_its_weight_and_its_levels(folder, capsys):
    options = ["--horizon", "3", "--model", "preset:forecast_small", "--level", "80,99", "--windows", "0"]
    printed = run(capsys, "milk.csv", *options)
    assert re.search(r"networks    preset:forecast_small, mean weight in the forecast [1-9]\d %", printed.out)
    assert "kerazoo: no 99 % interval: the networks have not learned its quantiles." in printed.err
    assert re.search(r"month +forecast +lower_80 +upper_80$", printed.out, re.MULTILINE)
    said = run(capsys, "milk.csv", *options, "--epochs", "0").out
    assert "networks    none: the forecast is the statistical one" in said


def test_short_series_get_what_they_allow(folder, capsys, no_networks):
    milk()[-16:].to_csv("short.csv")
    printed = run(capsys, "short.csv", "--horizon", "6", "--level", "0.8,0.99", *TINY[:-1], "difference")
    assert printed.err.splitlines() == [
        "kerazoo: no backtest: 16 values are too few.",
        "kerazoo: no 99 % interval: 10 held-out steps are too few.",
    ]
    assert re.search(r"month +forecast +lower_80 +upper_80$", printed.out, re.MULTILINE)


def test_a_backtest_of_several_series_without_a_season(folder, capsys, no_networks, monkeypatch):
    def backtest(panel, params, n_windows, refit, levels, **rest):
        asked.append((n_windows, refit, levels))
        rows = [
            {"fold": fold, "origin": fold, "series": name, "model": model, "rmse": size, "mae": size, "smape": 5.0,
             "mase": 0.5, "coverage_80": 0.75 if model == "forecaster" else np.nan}
            for fold in range(n_windows)
            for name in "ab"
            for model, size in (("forecaster", 12345.6 + fold), ("naive", 2.0), ("seasonal_naive", 2.0))
        ]  # fmt: skip
        return pd.DataFrame(rows)

    asked = []
    monkeypatch.setattr(backtesting, "backtest", backtest)
    frame = pd.DataFrame({"who": np.repeat(["a", "b"], 40), "t": np.tile(np.arange(40), 2), "y": np.arange(80.0)})
    frame.to_csv("two.csv", index=False)
    options = ["--date", "t", "--id", "who", "--target", "y", "--horizon", "3", "--refit"]
    said = run(capsys, "two.csv", *options, *TINY[:-1], "difference").out
    assert asked == [(3, "fresh", (0.8, 0.95))]
    assert "3 steps from 3 origins, fitted again at each, means of 2 series" in said
    assert re.search(r"^ +RMSE +MAE +sMAPE +MASE +coverage 80 %$", said, re.MULTILINE)
    assert re.search(r"^  forecaster +12,347 +12,347 +5\.00 % +0\.5 +75 %$", said, re.MULTILINE)
    assert re.search(r"^  naive +2 +2 +5\.00 % +0\.5$", said, re.MULTILINE)
    assert "seasonal naive" not in said


def test_a_warning_is_one_line(folder, capsys, no_networks, monkeypatch):
    quiet = Forecaster.fit

    def fit(self, y, X=None):
        for _ in range(2):
            warnings.warn("the series\n is constant", UserWarning, stacklevel=2)
        warnings.warn("of no interest", DeprecationWarning, stacklevel=2)
        return quiet(self, y, X)

    monkeypatch.setattr(Forecaster, "fit", fit)
    pd.DataFrame({"step": range(30), "y": 5.0}).to_csv("flat.csv", index=False)
    printed = run(capsys, "flat.csv", "--horizon", "2", "--windows", "0", *TINY)
    assert printed.err == "kerazoo: the series is constant\n"
    assert re.findall(r"^  3[01] +5\.000", printed.out, re.MULTILINE)


def test_the_series_are_read_once(folder, capsys, no_networks, monkeypatch):
    """The panel of the command line goes through the checks, the backtest and the fit."""
    parsed = []
    numeric_column = reading.numeric_column
    monkeypatch.setattr(
        reading, "numeric_column", lambda *given, **named: parsed.append(given) or numeric_column(*given, **named)
    )
    monkeypatch.setattr(backtesting, "backtest", lambda panel, params, **rest: reading.read_panel(panel) and scores)
    names = {
        "fold": [0] * 3,
        "origin": [0] * 3,
        "series": ["y"] * 3,
        "model": ["forecaster", "naive", "seasonal_naive"],
    }
    scores = pd.DataFrame({**names, "rmse": 1.0})
    run(capsys, "milk.csv", "--windows", "1", *TINY)
    assert len(parsed) == 1


def test_help_is_quick_and_has_an_example():
    code = "import sys; from kerazoo.cli import main\nmain.main(['forecast', '--help']); print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=280)
    assert "Example: kerazoo forecast " in done.stdout
    assert not {"'pandas'", "'keras'", "'matplotlib'", "'tensorflow'"} & set(re.findall(r"'\w+'", done.stdout))


def test_the_milk_forecast_of_the_demo(folder, capsys):
    milk_demo(folder, seed=1)
    said = capsys.readouterr().out
    error, again = (
        float(text) for text in re.search(r"error +RMSE (\S+) pounds.*seasonal naive: (\S+)\. ", said).groups()
    )
    assert error < again
    assert (folder / "milk_forecast.png").read_bytes().startswith(b"\x89PNG")
    assert "3 networks and 10 epochs for speed" in said
