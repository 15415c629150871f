"""`kerazoo zoo list`, `kerazoo zoo card` and `kerazoo zoo build`."""

from __future__ import annotations

import numpy as np
import pytest

from kerazoo import zoo
from kerazoo.cli.main import main


def run(capsys, *arguments):
    main(["zoo", *arguments])
    return capsys.readouterr().out


def refused(capsys, *arguments):
    with pytest.raises(SystemExit) as stop:
        main(["zoo", *arguments])
    assert stop.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("kerazoo: ")
    return line.removeprefix("kerazoo: ")


def test_names_are_listed_one_per_line(capsys):
    assert run(capsys, "list").splitlines() == zoo.list_models()


def test_patterns_and_parts_of_names(capsys):
    assert run(capsys, "list", "gru_*x100").splitlines() == zoo.list_models("gru_*x100")
    assert run(capsys, "list", "seq2one").splitlines() == zoo.list_models("*seq2one*")


def test_a_cell_does_not_match_longer_names(capsys):
    names = run(capsys, "list", "--cell", "lstm").splitlines()
    assert {"lstm_1x100_relu", "bilstm_1x64", "lstm64-gru32_seq2one"} <= set(names)
    assert not any("mlstm" in name or "minlstm" in name for name in names)
    assert run(capsys, "list", "2x64", "--cell", "gru").splitlines() == ["gru_2x64", "gru_2x64_residual"]


def test_presets_are_listed(capsys):
    assert run(capsys, "list", "--presets").splitlines() == sorted(zoo.list_presets())


def test_the_card_is_that_of_the_library(capsys):
    assert run(capsys, "card", "bigru_2x8").rstrip("\n") == str(zoo.model_card("bigru_2x8"))


def test_a_built_model_is_loaded_and_computes(capsys, tmp_path):
    out = tmp_path / "model.keras"
    options = ["--features", "3", "--horizon", "4", "--lookback", "6", "--returns", "last", "--seed", "5", "--compile"]
    said = run(capsys, "build", "gru_1x8", "--out", str(out), *options)
    same = zoo.build(zoo.RNNSpec.from_name("gru_1x8", features=3, horizon=4, lookback=6, returns="last"), seed=5)
    assert said == f"{out}: gru_1x8_seq2one_f3_h4_t6, {same.count_params():,} weights, (B, 6, 3) -> (B, 4, 1)\n"
    model = zoo.load(out)
    x = np.random.default_rng(1).normal(size=(2, 6, 3)).astype("float32")
    np.testing.assert_allclose(model(x), same(x), rtol=1e-5)
    assert model.optimizer is not None
    assert [path.name for path in tmp_path.iterdir()] == ["model.keras"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["list", "xyz"], "PATTERN='xyz'; no common name matches it."),
        (["list", "--cell", "lsmt"], "--cell='lsmt'; expected one of"),
        (["card", "lsmt_1x4"], "NAME='lsmt_1x4': unknown cell 'lsmt'"),
        (["build", "lsmt_1x4", "--out", "m.keras"], "NAME='lsmt_1x4': unknown cell 'lsmt'"),
        (["build", "lstm_1x4", "--out", "m.h5"], "the suffix of --out='.h5'; expected one of '.keras'"),
        (["build", "lstm_1x4", "--out", "no/m.keras"], "the folder 'no' does not exist"),
        (["build", "lstm_1x4", "--out", "m.keras", "--features", "0"], "--features=0; expected an integer >= 1"),
        (["build", "lstm_1x4", "--out", "m.keras", "--returns", "one"], "--returns='one'; expected one of"),
        (["build", "lstm_1x4", "--out", "m.keras", "--unroll"], "--unroll without --lookback; expected both"),
        (["build", "lstm_1x4", "--out", "m.keras", "--style", "list"], "--style='list'; expected one of"),
        (["build", "lstm_1x4", "--out", "m.keras", "--seed", "-1"], "--seed=-1; expected an integer >= 0"),
    ],
)
def test_wrong_input_is_one_line_that_names_options(capsys, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert message in refused(capsys, *arguments)
    assert not list(tmp_path.iterdir())
