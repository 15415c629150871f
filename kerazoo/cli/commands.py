"""The click command class of `kerazoo`: messages name options, and old names of options still work."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from kerazoo._runtime.deprecation import REMOVAL
from kerazoo._runtime.devices import BACKENDS, check_backend
from kerazoo._runtime.progress import shown_progress
from kerazoo._validation import check_choice
from kerazoo.cli.quiet import quiet_backends, verbose_option
from kerazoo.cli.terminal import note
from kerazoo.errors import KerazooError, StorageError

__all__ = ["Command", "backend_option", "check_output", "set_backend"]


class Command(click.Command):
    """A command of `kerazoo`.

    The library names arguments in its messages (`min_count=0; expected ...`). A user of the command line knows options,
    so the command replaces the names: `--min-count=0; expected ...`.

    Args:
        renamed: old name of an option -> new name. The old one works, with a note on stderr.
        arguments: argument of the library -> option, where they differ by more than the dashes.
        texts: what messages of the library say to a program -> what they say to a user of the command.
    """

    def __init__(
        self,
        *args: Any,
        renamed: Mapping[str, str] | None = None,
        arguments: Mapping[str, str] | None = None,
        texts: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.params.append(verbose_option())
        self.renamed = dict(renamed or {})
        self.arguments = dict(arguments or {})
        self.texts = dict(texts or {})

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Replace old names of options, then parse."""
        end = args.index("--") if "--" in args else len(args)
        for i in range(end):
            name, equals, value = args[i].partition("=")
            if name in self.renamed:
                new = self.renamed[name]
                if any(other.partition("=")[0] == new for other in args[:end]):
                    raise click.UsageError(f"{name} and {new} are both given; expected {new} only.", ctx)
                note(f"{name} is deprecated and will be removed in version {REMOVAL}; use {new}.")
                args[i] = new + equals + value
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; errors of the library name options."""
        try:
            with quiet_backends(ctx), shown_progress(not ctx.params.get("quiet")):
                return super().invoke(ctx)
        except KerazooError as error:
            error.args = (self._with_options(str(error)),)
            raise

    def _with_options(self, message: str) -> str:
        options = {
            parameter.name: max(parameter.opts, key=len)
            for parameter in self.params
            if isinstance(parameter, click.Option) and parameter.name is not None
        }
        options |= self.arguments
        for text, better in self.texts.items():
            message = message.replace(text, better)
        names = "|".join(map(re.escape, options))
        # Not in `--name=`, `module.name=`, `difference[lag=12]` or `gru[time=step,seed=1]`.
        message = re.sub(rf"(?<![\w.\-\[,])({names})=", lambda match: f"{options[match[1]]}=", message)
        flags = {each.opts[-1] for each in self.params if isinstance(each, click.Option) and each.is_flag}
        return re.sub(r"(--[\w-]+)=True\b", lambda match: match[1] if match[1] in flags else match[0], message)


def backend_option(purpose: str = "") -> Callable[[Any], Any]:
    """The option `--backend`; `purpose` completes its help."""
    return click.option(
        "--backend",
        type=click.Choice(list(BACKENDS)),
        help=f"Keras backend{purpose}; default: KERAS_BACKEND, or the one in Keras's configuration.",
    )


def set_backend(backend: str | None, needed: bool = True) -> None:
    """Select the Keras backend; must run before anything imports Keras.

    Args:
        backend: its name, or None for that of the environment or of Keras's configuration.
        needed: bool, the command cannot run without Keras.

    Raises:
        InvalidArgumentError: the backend is not installed, and it was named or is needed.
    """
    if backend is not None or needed:
        check_backend(backend)
    if backend is not None:
        os.environ["KERAS_BACKEND"] = backend


def check_output(option: str, path: Path | None, suffixes: Sequence[str] | None = None) -> None:
    """Raise if an output file cannot be written, or has another suffix; called before the work starts."""
    if path is None:
        return
    if suffixes is not None:
        check_choice(f"the suffix of {option}", path.suffix, suffixes)
    try:
        is_folder = path.is_dir()
    except OSError as error:  # a name that is too long
        raise StorageError(f"{path}: cannot be written ({error.strerror}).") from error
    if is_folder:
        raise StorageError(f"{path}: a directory; expected the name of a file.")
    if not path.parent.is_dir():
        raise StorageError(f"{path}: the folder {str(path.parent)!r} does not exist. Create it first.")
    if not os.access(path.parent, os.W_OK):
        raise StorageError(f"{path}: no permission to write into the folder {str(path.parent)!r}.")
    try:
        # The permissions do not tell all: the file system may be read-only, or one of the kernel's.
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise StorageError(
            f"{path}: the folder {str(path.parent)!r} cannot be written to ({error.strerror})."
        ) from error
