"""Builds the compiled package `kerazoo_ext`; everything else is in pyproject.toml.

Every `kerazoo_ext/*.pyx` becomes one extension module. Environment variables:

KERAZOO_DEBUG=1    bounds and wraparound checks, C assertions, debug symbols, -O1
KERAZOO_NATIVE=1   -march=native: perhaps faster, but the build runs on this type of CPU only
"""

import os
import sys
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

DEBUG = os.environ.get("KERAZOO_DEBUG", "0") == "1"
NATIVE = os.environ.get("KERAZOO_NATIVE", "0") == "1"

if sys.platform == "win32":
    COMPILE_ARGS = ["/Od", "/Zi"] if DEBUG else ["/O2"]
else:
    # No -ffast-math: the kernels are compared with NumPy, and NaN must be preserved.
    # -g0 overrides the -g of many Python builds: debug symbols make the wheel five times larger.
    COMPILE_ARGS = ["-O1", "-g", "-UNDEBUG"] if DEBUG else ["-O3", "-g0"]
    if NATIVE:
        COMPILE_ARGS.append("-march=native")
# Processes that translate. The debug build translates all modules; processes that are spawned would need a main guard.
TRANSLATORS = (os.cpu_count() or 1) if DEBUG and sys.platform == "linux" else 0

DIRECTIVES = {
    "language_level": 3,
    "boundscheck": DEBUG,
    "wraparound": DEBUG,
    "initializedcheck": DEBUG,
    "cdivision": True,
    "freethreading_compatible": True,
}

REMEDY = """
kerazoo: the compiled part (kerazoo_ext) did not build:
    {reason}
kerazoo has no slow fallback, so the installation stops here. A C compiler and the Python headers are needed:
    Debian, Ubuntu   apt-get install gcc python3-dev
    Fedora           dnf install gcc python3-devel
    macOS            xcode-select --install
    Windows          "Build Tools for Visual Studio", workload "Desktop development with C++"
A prebuilt wheel needs no compiler: pip install --only-binary=kerazoo kerazoo
"""


class BuildOrExplain(build_ext):
    """`build_ext` that reports the reason and the remedy if the compiler fails or is missing."""

    def build_extension(self, ext: Extension) -> None:
        """Build one extension module, or stop the installation with the reason and the remedy."""
        try:
            super().build_extension(ext)
        except Exception as error:  # distutils raises several unrelated types here
            raise SystemExit(REMEDY.format(reason=f"{ext.name}: {error}")) from error


def extensions() -> list[Extension]:
    """One extension module per `kerazoo_ext/*.pyx`; all of them depend on all headers."""
    root = Path(__file__).parent
    package = root / "kerazoo_ext"
    headers = sorted(str(path.relative_to(root)) for path in package.glob("*.h"))
    return [
        Extension(
            f"kerazoo_ext.{source.stem}",
            [str(source.relative_to(root))],
            depends=headers,
            extra_compile_args=COMPILE_ARGS,
        )
        for source in sorted(package.glob("*.pyx"))
    ]


setup(
    ext_modules=cythonize(extensions(), compiler_directives=DIRECTIVES, force=DEBUG, nthreads=TRANSLATORS),
    cmdclass={"build_ext": BuildOrExplain},
)
