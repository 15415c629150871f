"""Sizes of files, and that what must exist once exists once."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "kerazoo").rglob("*.py"))
ROOT_FILES = {
    ".gitignore", "CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "LICENSE", "MANIFEST.in", "Makefile",
    "README.md", "SECURITY.md", "mkdocs.yml", "pyproject.toml", "setup.py",
}  # fmt: skip


@pytest.mark.parametrize(
    ("folder", "limit"), [("tests", 500), ("benchmarks", 500), ("kerazoo/forecast", 450), ("kerazoo", 530)]
)
def test_files_are_short(folder, limit):
    lengths = {path: len(path.read_text().splitlines()) for path in (ROOT / folder).rglob("*.py")}
    assert lengths
    longest = max(lengths, key=lengths.get)
    assert lengths[longest] <= limit, f"{longest.relative_to(ROOT)} has {lengths[longest]} lines"


def test_tests_mirror_the_packages():
    packages = {path.name for path in (ROOT / "kerazoo").iterdir() if (path / "__init__.py").is_file()}
    assert {"runtime" if name == "_runtime" else name for name in packages} <= {
        path.name for path in (ROOT / "tests").iterdir() if path.is_dir()
    }


@pytest.mark.parametrize(
    ("pattern", "home"),
    [
        (r"os\.replace\(", "_runtime/atomic_writes.py"),
        (r"def default_block_size\(", "batching/blocks.py"),
        (r"no document has two words", "text/tokens.py"),
        (r"f\"(lower|upper)_", "_columns.py"),
        (r"the checkpoint was written with", "_runtime/checkpoints.py"),
        (r"class DeferredInterrupt", "_runtime/interrupts.py"),
        (r"sched_getaffinity", "_runtime/devices.py"),
        (r"object\.__setattr__\(model", "_runtime/model_cache.py"),
    ],
)
def test_one_of_each(pattern, home):
    found = [path.relative_to(ROOT / "kerazoo").as_posix() for path in SOURCES if re.search(pattern, path.read_text())]
    assert found == [home]


def test_nothing_else_lies_in_the_root():
    """Downloads and outputs are added by accident."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout")
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    assert {name for name in listed if name and "/" not in name} == ROOT_FILES


def test_no_tracked_file_is_large():
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    sizes = {name: (ROOT / name).stat().st_size for name in listed.split("\0") if name and (ROOT / name).is_file()}
    assert max(sizes.values()) < 2**20
