"""Commands: options in messages, old names of options, and the parsing of option values."""

from __future__ import annotations

import click
import pytest

from kerazoo.cli.commands import Command
from kerazoo.cli.forecast_options import parse_levels, parse_transforms
from kerazoo.cli.main import cli, main
from kerazoo.errors import InvalidArgumentError, KerazooError


def command(message="", error=InvalidArgumentError, **settings):
    """A command with two options that prints its level, or raises."""

    @click.command(cls=Command, **settings)
    @click.option("--level", default="80")
    @click.option("--min-count", "-m", type=int, default=5)
    @click.option("--whole", is_flag=True)
    def run(level, min_count, whole):
        if message:
            raise error(message)
        click.echo(level)

    return run


def run(made, *arguments):
    return made.main(args=list(arguments), standalone_mode=False)


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("min_count=0; expected an integer >= 1", "--min-count=0; expected an integer >= 1"),
        ("whole=True without level; old words", "--whole without level; new words"),
        ("n_members=0; level=2 would fit", "--members=0; --level=2 would fit"),
        ("file.csv: --level='x'; expected", "file.csv: --level='x'; expected"),
        ("difference[level=3,min_count=2]", "difference[level=3,min_count=2]"),
        ("module.level=3; sub_level=3; window=3", "module.level=3; sub_level=3; window=3"),
    ],
)
def test_messages_name_options(message, shown):
    with pytest.raises(InvalidArgumentError) as caught:
        run(command(message, arguments={"n_members": "--members"}, texts={"old words": "new words"}))
    assert str(caught.value) == shown


def test_the_type_of_an_error_is_kept():
    with pytest.raises(KerazooError) as caught:
        run(command("level=3", KerazooError))
    assert type(caught.value) is KerazooError


@pytest.mark.parametrize("arguments", [["--interval", "90"], ["--interval=90"]])
def test_old_names_of_options_work_with_a_note(capsys, arguments):
    run(command(renamed={"--interval": "--level"}), *arguments)
    printed = capsys.readouterr()
    assert printed.out == "90\n"
    assert printed.err == "kerazoo: --interval is deprecated and will be removed in version 0.3; use --level.\n"


def test_new_names_have_no_note(capsys):
    run(command(renamed={"--interval": "--level"}), "--level", "90")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("old", "new"), [("--interval", "--level"), ("--folds", "--windows")])
def test_the_old_options_of_forecast(capsys, old, new):
    with pytest.raises(SystemExit):
        main(["forecast", "no.csv", old, "3"])
    assert f"{old} is deprecated and will be removed in version 0.3; use {new}." in capsys.readouterr().err
    assert cli.get_command(None, "forecast").renamed[old] == new


@pytest.mark.parametrize(
    ("text", "levels"),
    [
        ("0.8,0.95", (0.8, 0.95)),
        ("95, 80", (0.8, 0.95)),
        ("80,0.8", (0.8,)),
        ("99.9,99", (0.99, 0.999)),
        ("0.5", (0.5,)),
        ("None", ()),
    ],
)
def test_levels_are_fractions_or_percentages(text, levels):
    assert parse_levels(text) == levels


@pytest.mark.parametrize("text", ["0", "1", "100", "-80", "wide", "", "0.8;0.9", "nan", "inf"])
def test_other_levels_are_refused(text):
    with pytest.raises(InvalidArgumentError, match=r"0\.8 and 80 both mean 80 %"):
        parse_levels(text)


def test_transforms_are_names_with_arguments():
    assert parse_transforms("log, exponential_smoothing[period=12,trend=add]") == (
        {"name": "log"},
        {"name": "exponential_smoothing", "period": 12, "trend": "add"},
    )
    assert (parse_transforms("auto"), parse_transforms("none")) == ("auto", ())
    with pytest.raises(InvalidArgumentError, match=r"--transforms='log\[3\]'; expected auto, none, or names"):
        parse_transforms("log[3]")
