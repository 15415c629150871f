"""Packages that are not installed with kerazoo alone, and errors that say how to install them.

`pip install kerazoo` brings what word vectors need. Everything else is an extra, such as ``kerazoo[tensorflow]``. A
module of kerazoo that imports an optional package at its top raises :class:`kerazoo.errors.MissingPackageError` where
that is missing, instead of Python's ModuleNotFoundError (of which it is one): `import kerazoo` puts a finder before
Python's own that looks at kerazoo's modules only. Functions that import such a package themselves use :func:`needed`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import PathFinder
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import ModuleType

__all__ = ["EXTRAS", "how_to_install", "install", "missing", "needed"]

#: Package -> the extra of kerazoo that installs it; a backend of Keras is one of three.
EXTRAS = {
    "gensim": "gensim",
    "isal": "fast",
    "jax": "jax",
    "keras": "tensorflow",
    "matplotlib": "forecast",
    "pandas": "forecast",
    "pooch": "datasets",
    "pyarrow": "parquet",
    "ray": "ray",
    "scipy": "forecast",
    "sklearn": "sklearn",
    "tensorflow": "tensorflow",
    "threadpoolctl": "forecast",
    "torch": "torch",
    "zstandard": "zstd",
}
_BACKENDS = ("tensorflow", "jax", "torch")
_CHOICES = {
    "keras": ', or kerazoo[jax] or kerazoo[torch] with KERAS_BACKEND="jax" or "torch"',
    "gensim": " (for Python 3.14 it has no wheels: it is then compiled, which needs a C compiler)",
}


def how_to_install(package: str) -> str:
    """The command that installs a package.

    >>> how_to_install("tensorflow")
    'pip install "kerazoo[tensorflow]"'
    """
    if package not in EXTRAS:
        return f"pip install {package}"
    return f'pip install "kerazoo[{EXTRAS[package]}]"{_CHOICES.get(package, "")}'


def how_to_select(missing_backend: str) -> str:
    """What to do besides, if another backend of Keras than the missing one is installed; empty for other packages."""
    for backend in _BACKENDS if missing_backend in _BACKENDS else ():
        try:
            if backend != missing_backend and find_spec(backend) is not None:
                return f". Or select an installed one: KERAS_BACKEND={backend}"
        except (ImportError, ValueError):
            continue
    return ""


def missing(what: str, error: ModuleNotFoundError) -> Exception:
    """The error to raise in place of `error`, or `error` itself if that is about no optional package.

    Args:
        what: the thing that was asked for, such as ``"Word2Vec.wv"``.
        error: says that a module was not found.
    """
    from kerazoo.errors import MissingPackageError

    package = (error.name or "").partition(".")[0]
    if package not in EXTRAS or isinstance(error, MissingPackageError) or package in sys.modules:
        return error  # a package that is there, but broken, keeps its own error
    remedy = how_to_install(package) + how_to_select(package)
    return MissingPackageError(f"{what} needs the package {package}, which is not installed: {remedy}", name=error.name)


@contextmanager
def needed(what: str) -> Iterator[None]:
    """Within it, an optional package that is missing raises :class:`kerazoo.errors.MissingPackageError`.

    >>> with needed("this example"):
    ...     import json
    """
    try:
        yield
    except ModuleNotFoundError as error:
        better = missing(what, error)
        if better is error:
            raise
        raise better from error


class _Finder:
    """Finds kerazoo's modules as Python does, and explains which package is missing when one is imported."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of a module of kerazoo, with a loader that explains; None for others."""
        if not fullname.startswith("kerazoo."):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        run = getattr(spec and spec.loader, "exec_module", None)
        if spec is None or run is None:
            return spec

        def exec_module(module: ModuleType) -> Any:
            with needed(fullname):
                return run(module)

        spec.loader.exec_module = exec_module  # type: ignore[union-attr,method-assign]
        return spec


def install() -> None:
    """Let the modules of kerazoo explain which package is missing. Once for each process."""
    if any(isinstance(finder, _Finder) for finder in sys.meta_path):
        return
    # Just before that of files, whose work it does: other finders keep their turn.
    place = next((number for number, finder in enumerate(sys.meta_path) if finder is PathFinder), len(sys.meta_path))
    sys.meta_path.insert(place, _Finder())
