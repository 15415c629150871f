"""How the command line starts: commands on demand, completion, versions, and backends that say nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from kerazoo.cli import version
from kerazoo.cli.completion import SHELLS
from kerazoo.cli.main import COMMANDS, cli, main
from tests.cli.programs import START, environment, piped


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["zoo", "--help"], ["completion", "fish"]])
def test_help_and_versions_import_nothing_heavy(arguments):
    code = (
        "import sys\nfrom kerazoo.cli.main import main\n"
        "try: main()\nfinally: print('heavy', {'numpy', 'keras', 'tqdm', 'pandas'} & set(sys.modules))"
    )
    done = piped(*arguments, code=code)
    assert done.stdout.endswith("heavy set()\n"), done.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_has_the_help_of_the_command(name):
    assert cli.get_command(None, name).get_short_help_str(200) == COMMANDS[name][1]
    assert cli.get_command(None, name).name == name


def test_the_versions(monkeypatch):
    versions = {"kerazoo": "1.2", "keras": "3.9", "jax": "0.5", "torch": "2.9"}
    monkeypatch.setattr(version, "installed_version", versions.get)
    monkeypatch.setattr(version, "backend_name", lambda: "jax")
    assert version.version_lines()[0] == "kerazoo 1.2"
    assert version.version_lines()[2:] == ["Keras 3.9 on jax 0.5; also installed: torch 2.9"]
    monkeypatch.setattr(version, "backend_name", lambda: "tensorflow")
    assert version.version_lines()[2] == "Keras 3.9 on tensorflow (not installed); also installed: jax 0.5, torch 2.9"
    del versions["keras"]
    assert version.version_lines()[2].startswith("Keras is not installed")


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        (["zo"], ["zoo"]),
        (["zoo", ""], ["build", "card", "list"]),
        (["zoo", "build", "--see"], ["--seed"]),
        (["word2vec", "--backend", "t"], ["tensorflow", "torch"]),
        (["completion", ""], list(SHELLS)),
    ],
)
def test_completion_in_bash(tmp_path, words, completed):
    """By the script, in the shell itself."""
    if shutil.which("bash") is None:
        pytest.skip("no bash")
    program = tmp_path / "kerazoo"
    program.write_text(f"#!/bin/sh\nexec {sys.executable} -c '{START}' \"$@\"\n")
    program.chmod(0o755)
    quoted = " ".join(f"'{word}'" for word in ["kerazoo", *words])
    script = (
        'eval "$(kerazoo completion bash)"\n'
        f"COMP_WORDS=({quoted}); COMP_CWORD={len(words)}\n"
        '_kerazoo_completion kerazoo\nprintf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    done = subprocess.run(
        ["bash", "-c", script],
        capture_output=True, text=True, env=environment(PATH=f"{tmp_path}:{os.environ['PATH']}"), check=False,
        timeout=280,
    )  # fmt: skip
    assert done.stdout.split() == completed, done.stderr


@pytest.mark.parametrize("shell", SHELLS)
def test_the_scripts_call_the_program(capsys, shell):
    main(["completion", shell])
    printed = capsys.readouterr()
    assert f"_KERAZOO_COMPLETE={shell}_complete" in printed.out
    assert printed.err == ""


def test_a_misspelt_command_is_guessed(capsys):
    with pytest.raises(SystemExit):
        main(["forecats"])
    error = capsys.readouterr().err
    assert error.count("Did you mean") == 1
    assert "'forecast'" in error


# A package that says something from C when it is imported and afterwards, as TensorFlow does.
TALKATIVE = """
import os, sys
os.write(2, b"oneDNN custom operations are on\\n")
print("by Python", file=sys.stderr)
{end}
"""
CALL = """
import click, sys
from kerazoo.cli import main as cli
from kerazoo.cli.commands import Command
@cli.cli.command("load", cls=Command)
def load():
    import tensorflow
    import os
    os.write(2, b"later\\n")
    print(tensorflow.__file__.endswith("__init__.py"))
cli.main()
"""


@pytest.fixture
def talkative(tmp_path):
    def make(end=""):
        (tmp_path / "tensorflow").mkdir()
        (tmp_path / "tensorflow" / "__init__.py").write_text(TALKATIVE.format(end=end))
        path = os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("PYTHONPATH"))))
        return {"PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": None}

    return make


def test_what_a_backend_says_at_its_import_is_left_out(talkative):
    done = piped("load", code=CALL, env=talkative())
    assert (done.stdout, done.stderr) == ("True\n", "later\n")


@pytest.mark.parametrize("arguments", [["-v", "load"], ["load", "--verbose"]])
def test_verbose_shows_it(talkative, arguments):
    done = piped(*arguments, code=CALL, env=talkative())
    assert done.stderr == "oneDNN custom operations are on\nby Python\nlater\n"


def test_a_failed_import_shows_it_too(talkative):
    done = piped("load", code=CALL, env=talkative("raise RuntimeError('no libstdc++')"))
    assert done.returncode == 1
    assert done.stderr.startswith("oneDNN custom operations are on\nby Python\nTraceback")
    assert done.stderr.endswith("RuntimeError: no libstdc++\n")


KERAS_COMMANDS = [
    ["zoo", "card", "gru_1x4"],
    pytest.param(["zoo", "list", "gru"], marks=pytest.mark.slow),
    pytest.param(["zoo", "build", "gru_1x4", "--out", "m.keras"], marks=pytest.mark.slow),
    pytest.param(
        ["word2vec", "text.txt", "--out", "v.txt", "--engine", "keras", "--sample", "0", "--quiet"],
        marks=pytest.mark.slow,
    ),
    pytest.param(
        ["forecast", "milk.csv", "--model", "gru_1x4", "--epochs", "1", "--members", "1"], marks=pytest.mark.slow
    ),
    pytest.param(["demo", "--epochs", "1"], marks=pytest.mark.slow),
    pytest.param(["bench", "--only", "pairs"], marks=pytest.mark.slow),
]


@pytest.mark.backend
@pytest.mark.parametrize("arguments", KERAS_COMMANDS, ids=lambda arguments: " ".join(arguments[:2]))
def test_the_installed_backend_says_nothing(folder, arguments):
    (folder / "text.txt").write_text("red apple green apple\nhot iron cold iron\n" * 50)
    done = piped(*arguments, folder=folder, env={"TF_CPP_MIN_LOG_LEVEL": None})
    assert done.returncode == 0
    assert done.stdout
    assert done.stderr == ""


@pytest.mark.slow
def test_tensorflow_says_something_with_verbose(folder):
    if os.environ.get("KERAS_BACKEND") != "tensorflow":
        pytest.skip("about TensorFlow")
    done = piped("zoo", "card", "gru_1x4", "-v", folder=folder, env={"TF_CPP_MIN_LOG_LEVEL": None})
    assert "oneDNN" in done.stderr
