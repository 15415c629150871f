"""The command `kerazoo completion`."""

from __future__ import annotations

import click

from kerazoo.cli.commands import Command

__all__ = ["SHELLS", "completion"]

SHELLS = ("bash", "zsh", "fish")


@click.command(cls=Command, short_help="Print the completion script of a shell.")
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    r"""Print the script that completes names of commands, options and their values in a shell.

    \b
    bash (4.4 or newer), in ~/.bashrc:   eval "$(kerazoo completion bash)"
    zsh, in ~/.zshrc after compinit:     eval "$(kerazoo completion zsh)"
    fish:   kerazoo completion fish > ~/.config/fish/completions/kerazoo.fish

    Example: kerazoo completion bash
    """
    from click.shell_completion import BashComplete, ShellComplete, get_completion_class

    from kerazoo.cli.main import cli

    made = get_completion_class(shell)
    assert made is not None  # click has all of SHELLS
    complete = made(cli, {}, "kerazoo", "_KERAZOO_COMPLETE")
    # Not BashComplete.source, which asks the installed bash for its version: the script may be for another machine.
    source = ShellComplete.source(complete) if isinstance(complete, BashComplete) else complete.source()
    click.echo(source)
