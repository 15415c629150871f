"""Backends and packages that are not installed are named with the command that installs them, without a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kerazoo import datasets
from kerazoo._runtime import devices
from kerazoo.cli import main as cli
from kerazoo.errors import InvalidArgumentError

FORECAST = ("forecast", "milk.csv", "--model", "lstm_1x4")
HOW = {
    "tensorflow": 'pip install "kerazoo[tensorflow]"',
    "jax": 'pip install "kerazoo[jax]"',
    "torch": 'pip install "kerazoo[torch]"',
}


def error_of(capsys, *arguments):
    with pytest.raises(SystemExit) as stop:
        cli.main(list(arguments))
    assert stop.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("kerazoo: ")
    return line


@pytest.fixture
def nothing_installed(monkeypatch):
    monkeypatch.setattr(devices, "is_installed", lambda package: False)
    monkeypatch.delitem(
        sys.modules, "keras", raising=False
    )  # as in a fresh process: Keras has not read the variable yet


@pytest.mark.parametrize("backend", devices.BACKENDS)
@pytest.mark.parametrize("command", [FORECAST, ("demo",), ("word2vec", "text.txt", "--out", "v.txt")])
def test_a_backend_that_is_not_installed_is_named_with_its_remedy(folder, capsys, nothing_installed, backend, command):
    line = error_of(capsys, *command, "--backend", backend)
    problem = f"--backend='{backend}'; expected an installed one. The package {backend} is missing"
    assert line == f"kerazoo: {problem}: {HOW[backend]}"


@pytest.mark.parametrize("backend", devices.BACKENDS)
def test_so_is_one_of_the_environment(folder, capsys, monkeypatch, nothing_installed, backend):
    monkeypatch.setenv("KERAS_BACKEND", backend)
    assert HOW[backend] in error_of(capsys, *FORECAST)
    line = error_of(capsys, "word2vec", "text.txt", "--out", "v.txt", "--engine", "keras")
    assert line.startswith(f"kerazoo: KERAS_BACKEND='{backend}'; expected")


def test_so_is_one_of_the_configuration_of_keras(tmp_path, capsys, monkeypatch, folder, nothing_installed):
    monkeypatch.delenv("KERAS_BACKEND")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    (tmp_path / "keras.json").write_text('{"backend": "torch"}')
    line = error_of(capsys, *FORECAST)
    assert f"backend in {tmp_path / 'keras.json'}='torch'" in line
    assert HOW["torch"] in line
    (tmp_path / "keras.json").write_text("{")  # Keras ignores it, too, and takes its default
    line = error_of(capsys, *FORECAST)
    assert line.startswith("kerazoo: the default of Keras='tensorflow'; expected")
    assert HOW["tensorflow"] in line


def test_other_backends_that_are_installed_are_named(monkeypatch):
    monkeypatch.setattr(devices, "is_installed", lambda package: package != "torch")
    with pytest.raises(InvalidArgumentError, match=r"expected one that is installed \(tensorflow, jax\)") as error:
        devices.check_backend("torch")
    assert str(error.value).endswith(". Or select an installed one: KERAS_BACKEND=tensorflow")
    assert devices.check_backend("jax") == "jax"


def test_an_unknown_backend_of_the_environment(folder, capsys, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "theano")
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    line = error_of(capsys, *FORECAST)
    assert line == "kerazoo: KERAS_BACKEND='theano'; expected one of 'tensorflow', 'jax', 'torch'."


def test_the_native_engine_needs_no_backend(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(devices, "is_installed", lambda package: False)
    (tmp_path / "text.txt").write_text("red apple green apple\nhot iron cold iron\n" * 50)
    cli.main(["word2vec", "text.txt", "--out", "v.txt", "--engine", "native", "--vector-size", "4", "--quiet"])
    assert (tmp_path / "v.txt").exists()


def test_any_missing_package_is_named_and_a_broken_one_is_not_hidden(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def lee():
        import no_such_package.part  # noqa: F401

    monkeypatch.setattr(datasets, "lee", lee)
    expected = "kerazoo: the package no_such_package is missing: pip install no_such_package"
    assert error_of(capsys, "demo") == expected

    def broken():
        import numpy.no_such_part  # noqa: F401

    monkeypatch.setattr(datasets, "lee", broken)
    with pytest.raises(ModuleNotFoundError, match="no_such_part"):
        cli.main(["demo"])


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_a_fresh_process_without_the_package(tmp_path, backend):
    (tmp_path / "milk.csv").write_text("month,milk\n" + "\n".join(f"2020-{m:02},{m}" for m in range(1, 13)))
    code = f"""
import sys
from pathlib import Path
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == {backend!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Missing())
from kerazoo.cli import main
main.main(["forecast", "milk.csv", "--model", "lstm_1x4"])
"""
    environment = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=environment, check=False
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert HOW[backend] in done.stderr
