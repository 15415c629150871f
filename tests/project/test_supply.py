"""The floors of pyproject.toml, the pinned versions, the Pythons, and the tests that CI runs with them."""

from __future__ import annotations

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from benchmarks.harness import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
FOLDER = ROOT / "requirements"
#: Files of oldest versions, and the extras that they have, as the Makefile names them, with those that these name.
LOWEST_EXTRAS = {
    "lowest.txt": ("tensorflow", "forecast", "sklearn", "datasets", "zstd", "fast", "test"),
    "lowest-jax.txt": ("jax", "forecast", "sklearn", "zstd"),
}
EXTRAS_OF_CONSTRAINTS = (
    "tensorflow",
    "jax",
    "forecast",
    "sklearn",
    "datasets",
    "zstd",
    "fast",
    "test",
    "ray",
    "dev",
    "docs",
)


def direct(extras):
    """Requirements of the package and of these extras, without those of kerazoo itself."""
    listed = [*PROJECT["dependencies"], *(each for extra in extras for each in PROJECT["optional-dependencies"][extra])]
    return [each for each in map(Requirement, listed) if each.name != "kerazoo"]


def pins(name):
    """Name of a package, in lower case with hyphens -> versions that the file pins."""
    found = {}
    for line in (FOLDER / name).read_text().splitlines():
        if line and not line.startswith("#"):
            requirement = Requirement(line)
            (pin,) = requirement.specifier
            assert pin.operator == "==", line
            found.setdefault(canonical(requirement.name), []).append(Version(pin.version))
    return found


def canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("file", LOWEST_EXTRAS)
def test_the_lowest_versions_are_the_floors_of_the_project(file):
    found = pins(file)
    highest = {}
    for requirement in direct(LOWEST_EXTRAS[file]):
        floors = [Version(each.version) for each in requirement.specifier if each.operator == ">="]
        name = canonical(requirement.name)
        highest[name] = max([*floors, highest.get(name, Version("0"))])
    for name, floor in highest.items():
        (version,) = found[name]
        assert version >= floor, name
        # A version of the floor itself may not exist: numpy>=1.26 is 1.26.0, scipy>=1.11 is 1.11.1.
        assert version.release[: len(floor.release)] == floor.release, f"{name}: {version} is tested, {floor} promised"


def test_the_pinned_versions_are_allowed_and_complete():
    found = pins("constraints.txt")
    for requirement in direct(EXTRAS_OF_CONSTRAINTS):
        versions = found[canonical(requirement.name)]
        for version in versions:
            assert requirement.specifier.contains(version), f"{requirement}: {version}; run make constraints"


def test_python_3_14_has_pins_of_its_own():
    """All that its job of CI installs, and no TensorFlow, which would keep h5py at a version without wheels for it."""
    found = pins("constraints-3.14.txt")
    for requirement in direct(("jax", "forecast", "sklearn", "datasets", "zstd", "fast", "parquet")):
        if requirement.marker is None or requirement.marker.evaluate({"python_version": "3.14"}):
            assert requirement.specifier.contains(found[canonical(requirement.name)][0]), requirement
    assert "tensorflow" not in found
    yaml = pytest.importorskip("yaml")
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "tests.yml").read_text())
    python = [each.get("strategy", {}).get("matrix", {}).get("python") for each in workflow["jobs"].values()]
    job = [*workflow["jobs"].values()][python.index(["3.14"])]
    assert "constraints-3.14.txt" in job["env"]["PIP_CONSTRAINT"]
    installed = {canonical(Requirement(each).name) for each in re.findall(r'"([a-zA-Z-]+>=[\d.]+)"', str(job["steps"]))}
    assert len(installed) >= 6
    assert installed <= set(found)


@pytest.mark.parametrize("name", ["tests-of-lowest.txt", "tests-of-tables.txt"])
def test_the_tests_that_are_listed_exist(name):
    paths = (FOLDER / name).read_text().split()
    assert paths
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_ci_runs_every_python_that_the_project_names_with_pinned_versions():
    yaml = pytest.importorskip("yaml")
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "tests.yml").read_text())
    promised = {each.split(" :: ")[-1] for each in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", each)}
    run = {
        version
        for job in workflow["jobs"].values()
        for version in job.get("strategy", {}).get("matrix", {}).get("python", [])
    }
    assert run == promised
    assert "requirements/constraints.txt" in workflow["env"]["PIP_CONSTRAINT"]
    for job in ("lowest", "tables", "audit"):  # they have versions of their own
        assert workflow["jobs"][job]["env"]["PIP_CONSTRAINT"] == ""


def test_the_targets_that_the_documents_name_exist():
    makefile = (ROOT / "Makefile").read_text()
    named = re.findall(r"`make ([a-z-]+)", (FOLDER / "README.md").read_text() + (ROOT / "SECURITY.md").read_text())
    assert {"constraints", "lowest", "test-lowest", "audit", "sbom"} <= set(named)
    for target in named:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
