"""Builds the compiled package `kerazoo_ext`, and the project description of PyPI; everything else is in pyproject.toml.

Every `kerazoo_ext/*.pyx` becomes one extension module. Environment variables:

KERAZOO_DEBUG=1    bounds and wraparound checks, C assertions, debug symbols, -O1
KERAZOO_NATIVE=1   -march=native: perhaps faster, but the build runs on this type of CPU only
"""

import json
import os
import re
import shutil
import sys
import tomllib
from pathlib import Path
from typing import Any

import Cython
from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext

DEBUG = os.environ.get("KERAZOO_DEBUG", "0") == "1"
NATIVE = os.environ.get("KERAZOO_NATIVE", "0") == "1"

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
    Windows          "Build Tools for Visual Studio", workload "Desktop development with C++" with its component
                     "C++ Clang compiler for Windows", or LLVM beside it
A prebuilt wheel needs no compiler: pip install --only-binary=kerazoo kerazoo
"""


def compile_arguments(compiler_type: str) -> list[str]:
    """Options for the C compiler: "unix" (gcc, clang), "mingw32" or "msvc" (clang-cl, which takes the same options)."""
    if compiler_type == "msvc":
        return ["/std:c11", *(["/Od", "/Zi", "/UNDEBUG"] if DEBUG else ["/O2"])]
    # No -ffast-math: the kernels are compared with NumPy, and NaN must be preserved.
    # -g0 overrides the -g of many Python builds: debug symbols make the wheel five times larger.
    return [*(["-O1", "-g", "-UNDEBUG"] if DEBUG else ["-O3", "-g0"]), *(["-march=native"] if NATIVE else [])]


def find_clang_cl(cl: str) -> str:
    """Path of clang-cl, which replaces `cl`: on PATH, in Visual Studio, or where LLVM installs itself."""
    tools = Path(cl).parents[5] if len(Path(cl).parents) > 5 else Path()  # cl: TOOLS/MSVC/14.40/bin/Hostx64/x64/cl.exe
    folders = [
        os.environ.get("PATH", ""),
        str(tools / "Llvm" / "x64" / "bin"),
        str(Path(os.environ.get("PROGRAMFILES", "C:/Program Files")) / "LLVM" / "bin"),  # case does not matter there
    ]
    found = shutil.which("clang-cl", path=os.pathsep.join(folders))
    if found is None:
        raise SystemExit(REMEDY.format(reason="clang-cl is missing; Microsoft's cl has no vector types (word2vec.h)"))
    return found


class BuildOrExplain(build_ext):
    """`build_ext` that reports the reason and the remedy if the compiler fails or is missing."""

    def build_extensions(self) -> None:
        """Select compiler and options by the kind of compiler, then build."""
        if self.compiler.compiler_type == "msvc":
            if not self.compiler.initialized:
                self.compiler.initialize()
            self.compiler.cc = find_clang_cl(self.compiler.cc)
            # clang-cl does not know link-time code generation of cl.
            options = self.compiler.compile_options
            self.compiler.compile_options = [option for option in options if option != "/GL"]
        for extension in self.extensions:
            extension.extra_compile_args = compile_arguments(self.compiler.compiler_type)
        super().build_extensions()

    def build_extension(self, ext: Extension) -> None:
        """Build one extension module, or stop the installation with the reason and the remedy."""
        try:
            super().build_extension(ext)
        except Exception as error:  # distutils raises several unrelated types here
            raise SystemExit(REMEDY.format(reason=f"{ext.name}: {error}")) from error


class WithSbom(bdist_wheel):
    """`bdist_wheel` that adds what the wheel consists of: `.dist-info/sboms/kerazoo.cdx.json` (PEP 770)."""

    def egg2dist(self, egginfo_path: str, distinfo_path: str) -> None:
        """Make `.dist-info` from `.egg-info`, then add the file."""
        super().egg2dist(egginfo_path, distinfo_path)
        path = Path(distinfo_path, "sboms", "kerazoo.cdx.json")
        path.parent.mkdir(exist_ok=True)
        document = contents(self.distribution.get_name(), self.distribution.get_version())
        path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def contents(name: str, version: str) -> dict[str, Any]:
    """CycloneDX document of a wheel: no library of others, but what Cython writes into the compiled modules."""

    def component(name: str, version: str, license_id: str) -> dict[str, Any]:
        purl = f"pkg:pypi/{name.lower()}@{version}"
        described = {"name": name, "version": version, "licenses": [{"license": {"id": license_id}}]}
        return {"type": "library", "bom-ref": purl, "purl": purl, **described}

    itself, cython = component(name, version, "MIT"), component("Cython", Cython.__version__, "Apache-2.0")
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": itself},
        "components": [cython],
        "dependencies": [{"ref": itself["bom-ref"], "dependsOn": [cython["bom-ref"]]}, {"ref": cython["bom-ref"]}],
    }


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
        )
        for source in sorted(package.glob("*.pyx"))
    ]


def description(text: str, source: str | None, version: str) -> str:
    """README.md for PyPI, where relative links do not work.

    Links become absolute ones to the tag of this version in the repository `source`; without a `source` they become
    plain text, and pictures are left out. Comments of generators are left out, too.
    """

    def absolute(found: re.Match[str]) -> str:
        picture, words, target = found.groups()
        if source is None:
            return "" if picture else words
        return f"{picture}[{words}]({source}/{'raw' if picture else 'blob'}/v{version}/{target})"

    text = re.sub(r"<!--.*?-->\n?", "", text, flags=re.DOTALL)
    return re.sub(r"(!?)\[([^\]]*)\]\((?![a-z]+:|#)([^)\s]+)\)", absolute, text)


def readme() -> dict[str, str]:
    """Arguments of `setup` for the description; none where README.md is missing."""
    root = Path(__file__).parent
    if not (root / "README.md").exists():
        return {}
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    text = (root / "README.md").read_text(encoding="utf-8")
    return {
        "long_description": description(text, project.get("urls", {}).get("Source"), project["version"]),
        "long_description_content_type": "text/markdown",
    }


setup(
    **readme(),
    ext_modules=cythonize(extensions(), compiler_directives=DIRECTIVES, force=DEBUG, nthreads=TRANSLATORS),
    cmdclass={"build_ext": BuildOrExplain, "bdist_wheel": WithSbom},
)
