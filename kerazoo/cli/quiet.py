"""The start-up lines of Keras's backends: shown with `-v` only.

TensorFlow prints about ten lines of oneDNN, CUDA and the instructions of the CPU when it is imported. They come from
C++, on the file descriptor 2. Since TensorFlow 2.20 some of them ignore TF_CPP_MIN_LOG_LEVEL, because they are printed
before its logging is initialised; so that descriptor goes to a file while TensorFlow is imported.
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import click

from kerazoo._runtime.locks import release

__all__ = ["quiet_backends", "quiet_stderr", "verbose_option"]

_PACKAGE = "tensorflow"
_LOGGERS = ("jax._src.xla_bridge", "absl", "tensorflow")
_VERBOSE = "kerazoo.verbose"


def verbose_option() -> click.Option:
    """The option `-v`, which all commands have, before and after the name of the command."""

    def remember(ctx: click.Context, parameter: click.Parameter, given: bool) -> None:
        if given:
            ctx.find_root().meta[_VERBOSE] = True

    return click.Option(
        ["-v", "--verbose"],
        is_flag=True,
        expose_value=False,
        callback=remember,
        help="Show the start-up lines and warnings of Keras's backend.",
    )


@contextmanager
def quiet_backends(ctx: click.Context) -> Iterator[None]:
    """Within it, backends are imported without their start-up lines, unless `-v` was given.

    Lines of TensorFlow that come later are left to TF_CPP_MIN_LOG_LEVEL, which is 3 unless the user has set it.
    """
    if ctx.find_root().meta.get(_VERBOSE):
        yield
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    finder = _Finder()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        if finder in sys.meta_path:
            sys.meta_path.remove(finder)
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Within it, nothing appears on stderr, also not from compiled code; all of it does after an exception."""
    if sys.stderr is not None:
        sys.stderr.flush()
    try:
        before = os.dup(2)
    except OSError:  # closed
        yield
        return
    try:
        file = tempfile.TemporaryFile()  # noqa: SIM115  closed below
    except OSError:  # no folder of temporary files: the lines are shown
        os.close(before)
        yield
        return
    with _closed(file) as kept:
        os.dup2(kept.fileno(), 2)
        try:
            yield
        except BaseException:
            _restore(before)
            kept.seek(0)
            with open(2, "wb", closefd=False) as stderr:
                stderr.write(kept.read())
            raise
        _restore(before)


@contextmanager
def _closed(file: Any) -> Iterator[Any]:
    try:
        yield file
    finally:
        release(file)


def _restore(before: int) -> None:
    if sys.stderr is not None:
        sys.stderr.flush()
    os.dup2(before, 2)
    os.close(before)


class _Finder:
    """Sees the first import of TensorFlow and runs it quietly (an `importlib.abc.MetaPathFinder`)."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec that the other finders have, with a loader that is quiet; None for other modules."""
        if fullname != _PACKAGE:
            return None
        for finder in [other for other in sys.meta_path if other is not self]:
            find = getattr(finder, "find_spec", None)
            spec = find(fullname, path, target) if find else None
            if spec is not None:
                run: Any = getattr(spec.loader, "exec_module", None)
                if run is not None:
                    spec.loader.exec_module = _quiet(run)
                return spec
        return None


def _quiet(run: Any) -> Any:
    def exec_module(module: ModuleType) -> None:
        with quiet_stderr():
            run(module)

    return exec_module
