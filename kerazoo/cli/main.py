"""The command line: `kerazoo COMMAND ...`.

An error is one line on stderr, without a traceback. docs/command-line.md lists the exit codes.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from kerazoo._runtime.devices import how_to_install, is_installed, prefer_fast_kernels
from kerazoo.cli.lazy import LazyGroup, help_option_names
from kerazoo.cli.terminal import (
    FAILED,
    INTERRUPTED,
    WRONG_INPUT,
    discard_output,
    error_line,
    reserve_streams,
)
from kerazoo.errors import KerazooError

__all__ = ["cli", "main"]

#: Command -> where it is, and what `kerazoo --help` says of it. A command is imported when it is called.
COMMANDS = {
    "bench": ("kerazoo.cli.bench:bench", "Measure this machine: words, pairs and forecasts per second."),
    "completion": ("kerazoo.cli.completion:completion", "Print the completion script of a shell."),
    "convert": ("kerazoo.cli.word2vec:convert", "Convert a file of word vectors into another format."),
    "demo": ("kerazoo.cli.demo:demo", "Train word vectors, forecast a series, and plot it."),
    "forecast": ("kerazoo.cli.forecast:forecast", "Forecast the series of a CSV file."),
    "generate": ("kerazoo.cli.generate:generate", "Generate time series as a CSV file."),
    "phrases": ("kerazoo.cli.phrases:phrases", "Find and join phrases such as new_york."),
    "similar": ("kerazoo.cli.word2vec:similar", "Show the nearest neighbours of words in a file of vectors."),
    "word2vec": ("kerazoo.cli.word2vec:word2vec", "Train word vectors on text files."),
    "zoo": ("kerazoo.cli.zoo:zoo", "List, describe and build recurrent models."),
}


def _print_version(ctx: click.Context, parameter: click.Parameter, asked: bool) -> None:
    if not asked or ctx.resilient_parsing:
        return
    from kerazoo.cli.version import version_lines

    click.echo("\n".join(version_lines()))
    ctx.exit()


@click.group(cls=LazyGroup, lazy=COMMANDS, context_settings=help_option_names())
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the versions of kerazoo, Python, Keras and its backends.",
)
def cli() -> None:
    """Word vectors and recurrent forecasters on Keras 3."""


def main(arguments: list[str] | None = None) -> Any:
    """Run the `kerazoo` command; exits with its exit code if that is not 0.

    Args:
        arguments: the command line without the name of the program; None: that of the process.
    """
    reserve_streams()
    prefer_fast_kernels()
    try:
        found = cli.main(args=arguments, prog_name="kerazoo", standalone_mode=False)
        if sys.stdout is not None:
            sys.stdout.flush()  # here, where an error has a message
    except click.ClickException as error:
        error.show()
        sys.exit(WRONG_INPUT)
    except (click.Abort, KeyboardInterrupt):
        error_line("interrupted")
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # The reader of the output has seen enough (`kerazoo zoo list | head -1`).
        discard_output()
        sys.exit(FAILED)
    except KerazooError as error:
        error_line(str(error))
        sys.exit(WRONG_INPUT)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if not package or is_installed(package):  # a broken installation: the traceback says where
            raise
        error_line(f"the package {package} is missing: {how_to_install(package)}")
        sys.exit(WRONG_INPUT)
    except OSError as error:
        discard_output()
        name = "the output cannot be written" if error.filename is None else os.fsdecode(error.filename)
        error_line(f"{name}: {error.strerror or error}")
        sys.exit(FAILED)
    return found


if __name__ == "__main__":
    main()
