"""pyproject.toml, the workflows, the conda recipe and the citation agree; the description renders on PyPI."""

from __future__ import annotations

import os
import re
import runpy
import shutil
import sys
import tomllib
from pathlib import Path

import pytest

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT, WHEELS = PYPROJECT["project"], PYPROJECT["tool"]["cibuildwheel"]
WORKFLOWS = {path.stem: yaml.safe_load(path.read_text()) for path in (ROOT / ".github/workflows").glob("*.yml")}
RECIPE = yaml.safe_load((ROOT / "conda/recipe.yaml").read_text())
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text())
MAKE_TARGETS = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def commands(workflow):
    """The shell commands of a workflow."""
    jobs = WORKFLOWS[workflow]["jobs"].values()
    return "\n".join(step["run"] for job in jobs for step in job["steps"] if "run" in step)


def requirements_of(lines):
    """Package -> lowest version, of pip's or conda's requirements without conditions."""
    found = (re.fullmatch(r"([\w.-]+) ?(?:>=([\w.]+))?(?:; .*)?", line) for line in lines)
    return {match[1].lower(): match[2] for match in found}


def recipe_lines(section):
    """The requirements of a section of the recipe; its conditions hold."""
    lines = [line["then"] if isinstance(line, dict) else line for line in RECIPE["requirements"][section]]
    return [line for line in lines if line not in ("python", "pip")]


def test_python_versions_agree():
    listed = [line.rsplit(" ", 1)[1] for line in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", line)]
    assert len(listed) >= 4
    assert PROJECT["requires-python"] == f">={listed[0]}"
    assert WHEELS["build"].split() == [f"cp{version.replace('.', '')}-*" for version in listed]
    jobs = WORKFLOWS["tests"]["jobs"].values()
    tested = [version for job in jobs for version in job.get("strategy", {}).get("matrix", {}).get("python", [])]
    assert sorted(tested) == listed
    assert RECIPE["build"]["skip"] == [f'match(python, "<{listed[0]}")']


def test_systems_agree():
    named = {archs for system in ("linux", "macos", "windows") for archs in WHEELS[system]["archs"]}
    built = [row["archs"] for row in WORKFLOWS["wheels"]["jobs"]["wheels"]["strategy"]["matrix"]["include"]]
    assert set(built) == named
    assert len(built) == 5  # x86_64 twice: Linux and macOS
    systems = {line.split(" :: ")[-1] for line in PROJECT["classifiers"] if line.startswith("Operating System")}
    assert systems == {"Linux", "MacOS", "Windows"}


def test_versions_agree():
    assert RECIPE["context"]["version"] == PROJECT["version"]
    # The citation is of the last release; a version in development comes after it.
    cited, current = (
        [int(part) for part in re.findall(r"\d+", version)[:3]] for version in (CITATION["version"], PROJECT["version"])
    )
    assert cited < current if ".dev" in PROJECT["version"] else CITATION["version"] == PROJECT["version"]
    assert CITATION["license"] == PROJECT["license"] == RECIPE["about"]["license"]
    assert RECIPE["about"]["summary"] == PROJECT["description"]


def test_the_recipe_needs_what_the_project_needs():
    assert requirements_of(recipe_lines("run")) == requirements_of(PROJECT["dependencies"])
    assert requirements_of(recipe_lines("host")) == requirements_of(PYPROJECT["build-system"]["requires"])
    (condition,) = [line["if"] for line in RECIPE["requirements"]["run"] if isinstance(line, dict)]
    (gensim,) = [line for line in PROJECT["dependencies"] if line.startswith("gensim")]
    assert re.findall(r"3\.\d+", condition) == re.findall(r"3\.\d+", gensim.partition(";")[2])


@pytest.mark.parametrize("workflow", sorted(WORKFLOWS))
def test_what_the_workflows_call_exists(workflow):
    text = commands(workflow)
    targets = [word for line in re.findall(r"^make (.*)$", text, re.MULTILINE) for word in line.split(" #")[0].split()]
    assert {word for word in targets if "=" not in word} <= MAKE_TARGETS
    extras = {extra for group in re.findall(r"\"\.\[([\w,]+)\]\"", text) for extra in group.split(",")}
    assert extras <= set(PROJECT["optional-dependencies"])
    environments = [step.get("env", {}) for job in WORKFLOWS[workflow]["jobs"].values() for step in job["steps"]]
    paths = re.findall(r"\btests/[\w./-]*\w", text + " ".join(str(each) for each in environments))
    assert all((ROOT / path).exists() for path in paths)
    assert WORKFLOWS[workflow]["permissions"] == {"contents": "read"}  # jobs that write say so


def test_the_kernel_tests_of_the_wheels_are_all_that_need_no_backend():
    """A new file of kernel tests is added to the command of cibuildwheel."""
    named = set(re.findall(r"tests/\S+\.py", WHEELS["test-command"]))
    marked = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "tests").rglob("test_*.py")
        if "mark.kernels" in path.read_text(encoding="utf-8")
    }
    # pandas; valgrind and the benchmarks; this file
    assert marked - named == {
        "tests/forecast/test_smoothing.py", "tests/benchmarks/test_instructions.py", "tests/project/test_release.py",
        "tests/reliability/test_kernels_in_threads.py",
    }  # fmt: skip
    assert named <= marked


@pytest.fixture(scope="module")
def setup_names(tmp_path_factory):
    """What setup.py defines, from a run that translates one tiny module and builds nothing."""
    folder = tmp_path_factory.mktemp("setup")
    shutil.copy(ROOT / "setup.py", folder)
    (folder / "kerazoo_ext").mkdir()
    (folder / "kerazoo_ext" / "_tiny.pyx").write_text("def one():\n    return 1\n")
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "tiny"\nversion = "0"\n[tool.setuptools]\npackages = []\n'
    )
    before, arguments = os.getcwd(), sys.argv
    os.chdir(folder)
    sys.argv = ["setup.py", "--quiet", "--name"]
    try:
        yield runpy.run_path("setup.py")
    finally:
        os.chdir(before)
        sys.argv = arguments


def test_the_description_has_no_relative_link(setup_names):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    bare = setup_names["description"](text, None, "1.2")
    full = setup_names["description"](text, "https://example.org/kerazoo", "1.2")
    link = re.compile(r"\]\(([^)\s]+)\)")
    assert len(link.findall(text)) == len(link.findall(full)) > len(link.findall(bare)) > 4
    assert all(target.startswith("https://") for target in link.findall(bare) + link.findall(full))
    assert "](https://example.org/kerazoo/blob/v1.2/docs/install.md)" in full
    assert "![A forecast" in full
    assert "](https://example.org/kerazoo/raw/v1.2/docs/pictures/forecast.png)" in full
    assert "![" not in bare
    assert "<!--" not in bare + full
    assert "docs/install.md" in bare


def test_a_wheel_says_what_it_consists_of(setup_names):
    """CycloneDX 1.6: every reference is that of a component."""
    document = setup_names["contents"]("kerazoo", "1.2")
    described = [document["metadata"]["component"], *document["components"]]
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    assert [each["purl"].split("@")[0] for each in described] == ["pkg:pypi/kerazoo", "pkg:pypi/cython"]
    assert described[0]["version"] == "1.2"
    refs = {each["bom-ref"] for each in described}
    assert {each["ref"] for each in document["dependencies"]} == refs
    assert {ref for each in document["dependencies"] for ref in each.get("dependsOn", [])} <= refs


def test_compilers_and_their_options(setup_names):
    options = setup_names["compile_arguments"]
    assert options("unix") == options("mingw32") == ["-O3", "-g0"]
    assert options("msvc") == ["/std:c11", "/O2"]


class Msvc:
    """The parts of setuptools' compiler for Windows that setup.py uses."""

    compiler_type = "msvc"
    initialized = False

    def __init__(self, cl):
        self.place = cl

    def initialize(self):
        self.cc, self.initialized = str(self.place), True
        self.compile_options = ["/nologo", "/O2", "/GL", "/DNDEBUG", "/MD"]


@pytest.mark.parametrize("folder", ["Llvm/x64/bin", "LLVM/bin", "path"])
def test_windows_compiles_with_clang_cl(setup_names, folder, tmp_path, monkeypatch):
    """Of Visual Studio, of LLVM's installer, or from PATH; without one of them the build stops and says so."""
    from setuptools import Distribution

    cl = tmp_path / "MSVC" / "14.40" / "bin" / "Hostx64" / "x64" / "cl.exe"
    monkeypatch.setenv("PROGRAMFILES", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    build = setup_names["BuildOrExplain"](Distribution())
    build.compiler, build.extensions = Msvc(cl), []
    with pytest.raises(SystemExit, match="clang-cl is missing"):
        build.build_extensions()
    clang = tmp_path / folder / "clang-cl"
    clang.parent.mkdir(parents=True)
    clang.write_text("")
    clang.chmod(0o755)
    build.build_extensions()
    assert build.compiler.cc == str(clang)
    assert build.compiler.compile_options == ["/nologo", "/O2", "/DNDEBUG", "/MD"]
