"""The page of the command line, from the commands of click."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import click


def page() -> str:
    """The page: a heading for each command, with its help and its options."""
    from kerazoo.cli.main import cli

    text = (
        "`kerazoo COMMAND --help` prints these texts; `-h` is short for it. An error is one line, with exit status 2.\n"
    )
    return "\n".join(["# Command line\n", text, *command(cli, "kerazoo", 2)])


def command(each: click.Command, path: str, level: int) -> Iterator[str]:
    """The parts of the page for a command and those below it."""
    context = click.Context(each, info_name=path)
    yield f"{'#' * level} `{path}`\n"
    yield f"```text\n{' '.join([path, *each.collect_usage_pieces(context)])}\n```\n"
    yield from paragraphs(each.help or each.short_help or "")
    for parameter in each.get_params(context):
        yield from option(parameter, context)
    yield ""
    if isinstance(each, click.Group):
        for name in each.list_commands(context):
            below = each.get_command(context, name)
            if below is not None and not below.hidden:
                yield from command(below, f"{path} {name}", min(level + 1, 3))


def paragraphs(text: str) -> Iterator[str]:
    """Help text; a paragraph that click leaves as it is (it begins with a backspace) is a block."""
    for block in re.split(r"\n\s*\n", text.replace("\f", "").strip()):
        if block.startswith("\b"):
            yield "```text\n" + "\n".join(line for line in block.lstrip("\b\n").splitlines()) + "\n```\n"
        else:
            yield escaped(" ".join(block.split())) + "\n"


def option(parameter: click.Parameter, context: click.Context) -> Iterator[str]:
    """The line of an option."""
    record: Any = parameter.get_help_record(context)
    if record and isinstance(parameter, click.Option):  # arguments are in the line above, and in the text
        names, meaning = record
        yield f"- `{names}`: {escaped(' '.join(meaning.split()))}"


def escaped(text: str) -> str:
    """Plain text as Markdown."""
    return re.sub(r"([*_\[\]<|`])", r"\\\1", text)
