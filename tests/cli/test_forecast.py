"""`kerazoo forecast`, run as a user runs it: on CSV files, right and wrong."""

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
from kerazoo._runtime.files import write_tensors
from kerazoo.cli import forecast as cli_forecast
from kerazoo.cli import main as cli
from kerazoo.cli.csv_tables import read_table
from kerazoo.datasets import milk
from kerazoo.errors import IntervalError
from kerazoo.forecast import backtest as backtesting
from kerazoo.forecast import fitting
from kerazoo.forecast.data.panel import read_future, read_panel, write_forecast

# Nets that take no time, and transforms that need no choice.
TINY = ["--model", "gru_1x2", "--members", "1", "--epochs", "1", "--seed", "1", "--quiet"]
TINY += ["--transforms", "difference[lag=12]"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # The commands set it; the tests that follow shall not see that.
    monkeypatch.setenv("KERAS_BACKEND", os.environ.get("KERAS_BACKEND", "tensorflow"))
    milk()[-60:].to_csv("milk.csv")
    return tmp_path


def run(capsys, *arguments):
    """What the command prints; it has to succeed."""
    cli.main(["forecast", *arguments])
    return capsys.readouterr()


def refused(capsys, *arguments):
    """The one line with which a command ends that cannot be done."""
    with pytest.raises(SystemExit) as stop:
        cli.main(["forecast", *arguments])
    assert stop.value.code == 2
    printed = capsys.readouterr()
    assert printed.err.startswith("kerazoo: ")
    assert printed.err.count("\n") == 1, printed.err
    return printed.err


@pytest.fixture
def no_training(monkeypatch):
    def never(*arguments, **settings):
        raise AssertionError("training began")

    monkeypatch.setattr(Forecaster, "fit", never)
    monkeypatch.setattr(backtesting, "backtest", never)


@pytest.fixture
def no_nets(monkeypatch):
    """The last value again in place of nets, which take seconds: what is before and behind them is tested."""

    def fit(self, y, X=None):
        settings = self.check(y, X)
        self._panel, self.horizon_, self.n_held_ = read_panel(y, X), settings.horizon, 10
        self.transforms_, self.best_epoch_, self.history_ = [([], 1.0)], 0, {}
        return self

    def predict(self, X_future=None, interval=None):
        read_future(self._panel, X_future, self.horizon_)
        if 0.99 in (interval or ()):
            raise IntervalError("interval of 99% from 10 steps held out; expected at least 99.")
        last = [np.full(self.horizon_, each.values[-1]) for each in self._panel.series]
        columns = {"forecast": last}
        for level in interval or ():
            for side, sign in (("lower", -1), ("upper", 1)):
                columns[f"{side}_{100 * level:g}"] = [each + sign * level for each in last]
        return write_forecast(self._panel, columns)

    monkeypatch.setattr(Forecaster, "fit", fit)
    monkeypatch.setattr(Forecaster, "predict", predict)


# What it gives.


def test_a_forecast_with_all_its_files(folder, capsys):
    arguments = ["milk.csv", "--date", "month", "--target", "pounds_per_cow", "--horizon", "6", "--folds", "2"]
    files = ["--plot", "milk.png", "--out", "forecast.csv", "--save", "milk.kerazoo"]
    loud = [option for option in TINY if option != "--quiet"]
    printed = run(capsys, *arguments, *loud, *files)
    said = printed.out
    for title in ("backtest", "training"):  # bars
        assert f"{title}: 100%" in printed.err
        assert f"{title}: " not in said
    assert "milk.csv: pounds_per_cow, 60 values, 1971-01-01 to 1975-12-01, step MS, a season of 12" in said
    assert "6 steps from 2 origins, trained once, at the first" in said
    for model in ("forecaster", "last season again", "last value again"):
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


def test_columns_are_found_where_there_is_no_choice(folder, capsys, no_nets):
    said = run(capsys, "milk.csv", "--folds", "0", "--interval", "none", *TINY).out
    assert "backtest" not in said
    assert re.search(r"month +forecast$", said, re.MULTILINE)  # no intervals
    assert len(re.findall(r"^  1976-\d\d-01", said, re.MULTILINE)) == 12  # a season
    assert "nets        none: the forecast is that of the statistics" in said


def test_every_option_reaches_the_forecaster(folder, capsys, monkeypatch):
    class Chosen(Exception):
        pass

    def choose(self, panel):
        raise Chosen(self.get_params())

    monkeypatch.setattr(Forecaster, "_settings", choose)
    options = ["--horizon", "4", "--model", "lstm_1x3", "--strategy", "direct", "--members", "2", "--epochs", "7"]
    options += ["--seed", "3", "--transforms", "log, exponential_smoothing[period=12,trend=add]"]
    with pytest.raises(Chosen) as chosen:
        cli.main(["forecast", "milk.csv", *options])
    found = chosen.value.args[0]
    assert {name: found[name] for name in ("horizon", "model", "strategy", "n_members", "epochs", "seed")} == {
        "horizon": 4, "model": "lstm_1x3", "strategy": "direct", "n_members": 2, "epochs": 7, "seed": 3,
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
        cli.main(["forecast", "milk.csv", "--folds", "4", option, "--interval", "0.9,0.5", *TINY])
    asked = asked.value.args[0]
    assert (asked["n_windows"], asked["refit"], asked["levels"], asked["only_possible"]) == (4, refit, (0.5, 0.9), True)


def test_a_backtest_is_trained_once_for_all_levels_that_can_be_had(folder, capsys, monkeypatch):
    """Eleven steps are held out at the first origin, enough for 80 % and not for 98 or 99 %."""
    trained = []
    fit = fitting.fit
    monkeypatch.setattr(fitting, "fit", lambda *given: trained.append(given) or fit(*given))
    milk()[-40:].to_csv("short.csv")
    levels = ["--interval", "0.8,0.98,0.99"]
    options = ["--horizon", "6", "--folds", "1", *levels, *TINY, "--epochs", "0"]
    printed = run(capsys, "short.csv", *options)
    assert len(trained) == 2  # the backtest, and the forecast
    assert re.search(r"^ +RMSE +MAE +sMAPE +MASE +in 80 %$", printed.out, re.MULTILINE)


def test_several_series(folder, capsys, no_nets):
    whole = milk()[-48:]
    frames = [
        pd.DataFrame({"month": whole.index.strftime("%d.%m.%Y"), "farm": name, "milk": whole.array * size})
        for name, size in (("007", 1.0), ("north", 2.0))
    ]
    pd.concat(frames).sample(frac=1.0, random_state=1).to_csv("farms.csv", index=False)
    options = ["--date", "month", "--id", "farm", "--target", "milk", "--date-format", "%d.%m.%Y", "--horizon", "3"]
    files = ["--plot", "farms.svg", "--out", "out.csv"]
    said = run(capsys, "farms.csv", *options, *files, "--folds", "0", *TINY).out
    assert "farms.csv: milk of 2 series, 48 values each, step MS, a season of 12" in said
    assert re.findall(r"^forecast +(\w+)$", said, re.MULTILINE) == sorted(("007", "north"), key=said.index)
    written = pd.read_csv("out.csv", dtype={"farm": str})
    assert list(written.columns[:3]) == ["farm", "month", "forecast"]
    assert written.groupby("farm").size().to_dict() == {"007": 3, "north": 3}
    sizes = written.groupby("farm")["forecast"].mean()
    assert sizes["north"] / sizes["007"] == pytest.approx(2.0)
    drawn = (folder / "farms.svg").read_text()
    assert 'id="axes_2"' in drawn
    assert 'id="axes_3"' not in drawn


def with_price(whole):
    frame = whole.to_frame("milk")
    frame["price"] = np.sin(np.arange(len(frame)))
    frame["strike"] = np.arange(len(frame)) % 5 == 0
    return frame.astype(float)


def test_covariates(folder, capsys):
    whole = with_price(milk()[-60:])
    whole[:-6].to_csv("known.csv")
    whole[-12:].drop(columns="milk").to_csv("future.csv")  # other dates and columns do not matter
    options = ["--target", "milk", "--covariates", "price, strike", "--horizon", "6", "--folds", "0"]
    said = run(capsys, "known.csv", *options, "--future", "future.csv", *TINY).out
    assert len(re.findall(r"^  1975-(07|08|09|10|11|12)-01", said, re.MULTILINE)) == 6


def test_covariates_of_several_series(folder, capsys, no_nets):
    known = with_price(milk()[-48:]).reset_index()
    both = pd.concat([known.assign(farm="north"), known.assign(farm="south")])
    both[both["month"] < "1975-10"].to_csv("known.csv", index=False)
    both.drop(columns=["milk", "strike"]).to_csv("future.csv", index=False)
    options = ["--date", "month", "--id", "farm", "--target", "milk", "--covariates", "price", "--future", "future.csv"]
    said = run(capsys, "known.csv", *options, "--horizon", "3", "--folds", "0", *TINY).out
    assert len(re.findall(r"^  1975-(10|11|12)-01", said, re.MULTILINE)) == 6


def test_dates_without_a_fixed_step_stand_for_periods(folder, capsys, no_nets):
    whole = milk()[-48:]
    dates = whole.index + pd.to_timedelta(np.arange(48) % 20, unit="D")
    pd.DataFrame({"day": dates, "milk": whole.array}).to_csv("days.csv", index=False)
    assert "no frequency" in refused(capsys, "days.csv", "--folds", "0", *TINY)
    for freq in ("M", "MS", "ME"):
        said = run(capsys, "days.csv", "--freq", freq, "--horizon", "2", "--folds", "0", "--out", "out.csv", *TINY).out
        assert "1972-01 to 1975-12, step M, a season of 12" in said
        assert pd.read_csv("out.csv")["day"].tolist() == ["1976-01", "1976-02"]


@pytest.mark.parametrize(
    ("written", "first"),
    [("%Y%m%d", "1976-01-01"), ("%Y%m", "1976-01-01"), ("%Y-%m", "1976-01-01"), ("%m/%d/%Y", "1976-01-01")],
)
def test_dates_are_read_as_they_are_written(folder, written, first):
    whole = milk()[-24:]
    pd.DataFrame({"when": whole.index.strftime(written), "milk": whole.array}).to_csv("dates.csv", index=False)
    assert read_table(folder / "dates.csv").dates("when").equals(whole.index.rename("when"))


def test_years_are_numbers(folder, capsys, no_nets):
    pd.DataFrame({"year": range(1950, 1990), "y": np.arange(40.0) ** 1.5}).to_csv("years.csv", index=False)
    tiny = [*TINY[:-1], "difference"]
    said = run(capsys, "years.csv", "--horizon", "3", "--folds", "0", *tiny).out
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
    options = ["--members", "1", "--transforms", "difference[lag=12]", "--epochs", "0", "--folds", "0", "--quiet"]
    said = run(capsys, "milk.csv", "--horizon", "3", *options).out
    assert "nets        none: the forecast is that of the statistics" in said
    shown = [float(text) for text in re.findall(r"^  1976-\d\d-01 +([\d.]+)", said, re.MULTILINE)]
    # The same month again, and the mean of the differences, which the scale takes out.
    np.testing.assert_allclose(shown, milk()[-12:-9] + milk()[-60:].diff(12).mean(), atol=0.051)


def test_short_series_get_what_they_allow(folder, capsys, no_nets):
    milk()[-16:].to_csv("short.csv")
    printed = run(capsys, "short.csv", "--horizon", "6", "--interval", "0.8,0.99", *TINY[:-1], "difference")
    assert printed.err.splitlines() == [
        "kerazoo: no backtest: 16 values are too few for it.",
        "kerazoo: no interval of 99 %: 10 steps held out are too few to tell how wide it is.",
    ]
    assert re.search(r"month +forecast +lower_80 +upper_80$", printed.out, re.MULTILINE)


def test_a_backtest_of_several_series_without_a_season(folder, capsys, no_nets, monkeypatch):
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
    assert "3 steps from 3 origins, trained anew at each, means of 2 series" in said
    assert re.search(r"^ +RMSE +MAE +sMAPE +MASE +in 80 %$", said, re.MULTILINE)
    assert re.search(r"^  forecaster +12,347 +12,347 +5\.00 % +0\.5 +75 %$", said, re.MULTILINE)
    assert re.search(r"^  last value again +2 +2 +5\.00 % +0\.5$", said, re.MULTILINE)
    assert "last season again" not in said


def test_a_warning_is_one_line(folder, capsys, no_nets, monkeypatch):
    quiet = Forecaster.fit

    def fit(self, y, X=None):
        for _ in range(2):
            warnings.warn("the series\n is constant", UserWarning, stacklevel=2)
        warnings.warn("of no interest", DeprecationWarning, stacklevel=2)
        return quiet(self, y, X)

    monkeypatch.setattr(Forecaster, "fit", fit)
    pd.DataFrame({"step": range(30), "y": 5.0}).to_csv("flat.csv", index=False)
    printed = run(capsys, "flat.csv", "--horizon", "2", "--folds", "0", *TINY)
    assert printed.err == "kerazoo: the series is constant\n"
    assert re.findall(r"^  3[01] +5\.000", printed.out, re.MULTILINE)


# What it refuses.


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty; expected a header"),
        ("month,milk\n", "no rows under the header"),
        ("month,milk\n\n\n", "no rows under the header"),
        ("milk\n1\n2\n", "one column, 'milk'; expected at least two"),
        ("month;milk\n2020-01;1\n", "seem to be separated by ';'; expected commas"),
        ("month,milk,milk\n2020-01,1,1\n", "--target is missing"),
        ("month,milk\n2020-01,1\n2020-02,2,3\n", "no CSV file in UTF-8, or damaged: Error tokenizing data"),
        ("month,milk\n2020-01,1\n2020-02,2\nsome day,3\n", "line 4: 'some day' in column 'month' is no date"),
        ("month,milk\n2020-01,1\n,2\n2020-03,3\n", "line 3: nothing in column 'month'"),
        ("month,milk\n2020-01,1\n\n2020-03,3\n", "line 3: nothing in column 'month'"),
        ("month,milk\n2020-01,1\n2020-02,two\n", "line 3: 'two' in column 'milk' is no number"),
        ('month,milk\n2020-01,1\n2020-02,"1,234"\n', "line 3: '1,234' in column 'milk' is no number"),
        ("month,milk\n2020-01,1\n2020-02,\n2020-03,\n", "line 3 (and in 1 more): nothing in column 'milk'"),
        ("month,milk\n2020-01,1\n2020-02,inf\n", "line 3: 'inf' in column 'milk' is no number"),
        ("month,milk\n2020-01,1\n2020-02,2\n2020-03,3\n2020-05,5\n2020-06,6\n", "1 date is missing"),
        ("month,milk\n2020-01,1\n2020-02,2\n2020-02,2\n2020-03,3\n", "1 date more than once: 2020-02-01"),
        ("month,milk\n2020-01,1\n2020-03,3\n2020-02,2\n2020-04,4\n", "is not in order"),
        ("year,milk\n1990,1\n1991,2\n1993,3\n", "goes from 1991 to 1993"),
        ("month,milk\n2020-01,1\n2020-02,2\n2020-03,3\n", "y has 3 values"),
        ("t,y\n2020-03-28 00:00+01:00,1\n2020-03-30 00:00+02:00,2\n", "no dates in column 't'"),
    ],
)
def test_files_that_cannot_be_forecast(folder, capsys, text, message):
    (folder / "data.csv").write_text(text)
    error = refused(capsys, "data.csv", "--horizon", "2", "--folds", "0", *TINY[:-2], "--transforms", "difference")
    assert message in error
    if "line" in message or "expected" in message:
        assert "data.csv" in error


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no.csv"], "no.csv: no such file"),
        (["folder.csv"], "folder.csv: a directory; expected a CSV file"),
        (["binary.csv"], "binary.csv: no CSV file in UTF-8, or damaged"),
        (["damaged.csv.gz"], "damaged.csv.gz: no CSV file in UTF-8, or damaged"),
        (["milk.csv", "--date", "mont"], "--date='mont'; expected one of 'month', 'pounds_per_cow'. Did you mean"),
        (["milk.csv", "--target", "pounds"], "--target='pounds'; expected one of"),
        (["milk.csv", "--id", "cow"], "--id='cow'; expected one of"),
        (["milk.csv", "--covariates", "price", "--future", "milk.csv"], "--covariates='price'; expected one of"),
        (["milk.csv", "--target", "month"], "column 'month' is asked for twice"),
        (["wide.csv"], "--target is missing; expected the name of the column that is to be forecast. Left beside "),
        (["wide.csv", "--target", "milk", "--covariates", "price"], "--covariates without --future"),
        (["milk.csv", "--future", "wide.csv"], "--future without --covariates"),
        (["wide.csv", "--target", "milk", "--covariates", "price", "--future", "no.csv"], "no.csv: no such file"),
        (["wide.csv", "--target", "milk", "--covariates", "price", "--future", "milk.csv"], "milk.csv: --covariates"),
        (["wide.csv", "--target", "milk", "--covariates", "price", "--future", "wide.csv"], "1976-01-01"),
        (["milk.csv", "--freq", "fortnight"], "--freq='fortnight'; expected a period of pandas"),
        (["milk.csv", "--date-format", "%d.%m.%Y"], "line 2: '1971-01-01' in column 'month' is no date"),
        (["milk.csv", "--interval", "80"], "--interval='80'; expected shares between 0 and 1"),
        (["milk.csv", "--interval", "wide"], "--interval='wide'; expected shares"),
        (["milk.csv", "--strategy", "both"], "strategy='both'; expected one of 'recursive', 'direct', 'mean'"),
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


def test_too_many_folds(folder, capsys, monkeypatch):
    monkeypatch.setattr(Forecaster, "fit", None)
    assert "n_windows=2 would fit" in refused(capsys, "milk.csv", "--folds", "9", *TINY)


@pytest.mark.parametrize(("option", "name"), [("--out", "old.csv"), ("--plot", "old.png"), ("--save", "old.kerazoo")])
def test_a_file_that_cannot_be_written_leaves_the_old_one(folder, capsys, no_nets, monkeypatch, option, name):
    def save(self, path):
        write_tensors(path, {}, {}, kind="nothing")

    def full(*arguments):
        raise OSError(28, "No space left on device")

    (folder / name).write_bytes(b"old")
    monkeypatch.setattr(os, "replace", full)
    monkeypatch.setattr(Forecaster, "save", save)
    error = refused(capsys, "milk.csv", "--folds", "0", "--horizon", "2", option, name, *TINY)
    assert "No space left on device" in error
    assert (folder / name).read_bytes() == b"old"
    assert sorted(path.name for path in folder.iterdir()) == ["milk.csv", name]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--horizon", "0"], "0 is not in the range x>=1"),
        (["--folds", "-1"], "-1 is not in the range x>=0"),
        (["--backend", "theano"], "'theano' is not one of"),
        (["--horizn", "3"], "No such option"),
    ],
)
def test_options_that_click_refuses(folder, capsys, arguments, message):
    with pytest.raises(SystemExit) as stop:
        cli.main(["forecast", "milk.csv", *arguments])
    assert stop.value.code == 2
    assert message in capsys.readouterr().err


def test_help_is_quick_and_has_an_example():
    code = "import sys; from kerazoo import cli\ncli.main(['forecast', '--help']); print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert "Example: kerazoo forecast " in done.stdout
    assert not {"'pandas'", "'keras'", "'matplotlib'", "'tensorflow'"} & set(re.findall(r"'\w+'", done.stdout))


def test_the_milk_forecast_of_the_demo(folder, capsys):
    cli_forecast.milk_demo(folder, seed=1)
    said = capsys.readouterr().out
    error, again = (float(text) for text in re.search(r"error +(\S+) pounds.*again: (\S+)\. In", said).groups())
    assert error < again
    assert (folder / "milk_forecast.png").read_bytes().startswith(b"\x89PNG")
    assert "3 nets and 10 epochs, to be quick" in said


def test_the_folder_of_the_demo_cannot_be_made(folder, capsys):
    (folder / "taken").write_text("a file")
    with pytest.raises(SystemExit) as stop:
        cli.main(["demo", "--folder", "taken"])
    assert stop.value.code == 2
    assert capsys.readouterr().err.startswith("kerazoo: taken: the folder cannot be made (File exists).")
