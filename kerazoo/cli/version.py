"""What `kerazoo --version` prints. Nothing is imported: the versions are those of the installed packages."""

from __future__ import annotations

import platform
from importlib import metadata

from kerazoo._runtime.devices import BACKENDS, backend_name

__all__ = ["installed_version", "version_lines"]

# Packages that bring a module under another name.
_OTHERS = {"tensorflow": ("tensorflow-cpu", "tensorflow-macos", "tf-nightly")}


def installed_version(package: str) -> str | None:
    """The version of an installed package, or None.

    >>> installed_version("no-such-package") is None
    True
    """
    for name in (package, *_OTHERS.get(package, ())):
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return None


def version_lines() -> list[str]:
    """kerazoo, Python, Keras, and its backends; the one that is used comes first.

    >>> version_lines()[1].split()[0]
    'Python'
    """
    lines = [f"kerazoo {installed_version('kerazoo') or 'not installed'}", f"Python {platform.python_version()}"]
    keras = installed_version("keras")
    if keras is None:
        return [*lines, "Keras is not installed: networks need it, word vectors and statistical forecasts do not"]
    used = backend_name()
    versions = {name: installed_version(name) for name in BACKENDS}
    others = ", ".join(f"{name} {version}" for name, version in versions.items() if version and name != used)
    also = f"; also installed: {others}" if others else ""
    return [*lines, f"Keras {keras} on {used} {versions.get(used) or '(not installed)'}{also}"]
