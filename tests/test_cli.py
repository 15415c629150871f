"""The command line, run as a user runs it."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest


def kerazoo(*arguments, timeout=240):
    return subprocess.run(
        [sys.executable, "-m", "kerazoo.cli", *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
        check=False,
    )


def test_the_demo_shows_loss_speed_and_neighbours():
    done = kerazoo("demo", "--epochs", "25")
    assert done.returncode == 0, done.stderr
    losses = [float(value) for value in re.findall(r"epoch +\d+/25 +loss (\d+\.\d+)", done.stdout)]
    assert len(losses) == 25
    assert losses[-1] < 0.9 * losses[0]
    assert re.search(r"speed +[\d,]+ raw words/s", done.stdout)
    # Words that only the news of 2000 and 2001 bring together: noise would not find them.
    assert re.search(r"israeli .*palestinian", done.stdout)
    assert re.search(r"cricket .*test", done.stdout)


def test_help_has_an_example():
    assert "kerazoo demo --epochs 20" in kerazoo("demo", "--help").stdout
    assert "demo" in kerazoo("--help").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["demo", "--epochs", "0"], "0 is not in the range x>=1"),
        (["demo", "--backend", "theano"], "'theano' is not one of"),
        (["dmeo"], "No such command 'dmeo'"),
    ],
)
def test_wrong_input_is_one_message_and_exit_code_2(arguments, message):
    done = kerazoo(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_known_error_is_one_line_without_a_traceback(monkeypatch, capsys):
    from kerazoo import cli, datasets
    from kerazoo.errors import DatasetUnavailableError

    def unavailable():
        raise DatasetUnavailableError("lee_background.cor is missing;\n  reinstall gensim")

    monkeypatch.setattr(datasets, "lee", unavailable)
    with pytest.raises(SystemExit) as stop:
        cli.main(["demo"])
    assert stop.value.code == 2
    assert capsys.readouterr().err == "kerazoo: lee_background.cor is missing; reinstall gensim\n"


def test_version():
    import kerazoo as package

    assert package.__version__ in kerazoo("--version").stdout
