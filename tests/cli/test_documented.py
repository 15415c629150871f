"""The commands in the documents: they, their options and what they print are there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from kerazoo.cli.main import COMMANDS, cli, main

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "command-line.md").read_text(encoding="utf-8")
CALL = re.compile(r"^\$ (kerazoo .*)$", re.MULTILINE)


def calls():
    for page in sorted(DOCS.glob("*.md")):
        for line in CALL.findall(page.read_text(encoding="utf-8")):
            yield pytest.param(line, id=f"{page.name}: {line[:60]}")


@pytest.mark.parametrize("line", list(calls()))
def test_commands_are_parsed(line):
    words = shlex.split(line, comments=True)[1:]
    words = words[: next((i for i, word in enumerate(words) if word in ("|", ">", "&&", "\\")), len(words))]
    command, name, rest = cli, "kerazoo", words
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        name, rest = rest[0], rest[1:]
        command = command.get_command(None, name)
        assert command is not None, line
    if not isinstance(command, click.Group) and not {"--help", "-h"} & set(rest):
        command.make_context(name, list(rest))  # raises click.UsageError; nothing runs


def test_lines_are_found():
    assert len(list(calls())) > 15


def test_the_table_has_every_command():
    assert set(re.findall(r"^\| \[`kerazoo (\S+)`\]", PAGE, re.MULTILINE)) == set(COMMANDS)


@pytest.mark.parametrize("start", ["kerazoo zoo list 2x64 --cell gru", "kerazoo zoo build gru_2x64"])
def test_what_is_shown_is_printed(start, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (block,) = [each for each in re.findall(r"^\$ (.*(?:\n[^$`].*)*)", PAGE, re.MULTILINE) if each.startswith(start)]
    line, _, shown = block.partition("\n")
    main(shlex.split(line)[1:])
    assert capsys.readouterr().out.strip() == shown.strip()
