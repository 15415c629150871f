"""Building and installing: the wheel from the sdist, no compiler at run time, and the error of a failed build."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(*command, cwd, **environment):
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )


def test_a_failed_build_stops_with_the_reason_and_the_remedy(tmp_path):
    """Run setup.py with one tiny extension and a compiler that always fails."""
    shutil.copy(ROOT / "setup.py", tmp_path)
    (tmp_path / "kerazoo_ext").mkdir()
    (tmp_path / "kerazoo_ext" / "_tiny.pyx").write_text("def one():\n    return 1\n")
    project = '[project]\nname = "tiny"\nversion = "0"\n[tool.setuptools]\npackages = []\n'
    (tmp_path / "pyproject.toml").write_text(project)
    done = run(sys.executable, "setup.py", "build_ext", "--inplace", cwd=tmp_path, CC="false")
    assert done.returncode != 0
    assert "kerazoo: the compiled part (kerazoo_ext) did not build" in done.stderr
    assert "kerazoo_ext._tiny" in done.stderr
    assert "apt-get install gcc python3-dev" in done.stderr


@pytest.mark.slow
def test_the_wheel_comes_from_the_sdist_and_runs_without_a_compiler(tmp_path):
    source = tmp_path / "source"
    listed = run("git", "ls-files", "-co", "--exclude-standard", cwd=ROOT)
    for name in listed.stdout.splitlines() if listed.returncode == 0 else []:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_file():
            shutil.copy(ROOT / name, source / name)
    if not source.exists():
        pytest.skip("not a git checkout: the list of files is unknown")
    # `build` without options makes the wheel from the sdist, so this fails if MANIFEST.in lacks a file.
    done = run(sys.executable, "-m", "build", ".", cwd=source)
    assert done.returncode == 0, done.stdout + done.stderr
    (packed,) = (source / "dist").glob("*.tar.gz")
    with tarfile.open(packed) as archive:
        there = {name.partition("/")[2] for name in archive.getnames()}
    tracked = run("git", "ls-files", cwd=ROOT).stdout.splitlines()
    assert [name for name in tracked if name not in there] == [".ci/run", ".gitignore"]
    (wheel,) = (source / "dist").glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    data = [
        str(path.relative_to(ROOT))
        for kind in ("json", "safetensors")
        for path in (ROOT / "kerazoo").rglob(f"*.{kind}")
    ]
    assert len(data) >= 2
    for wanted in ("kerazoo/py.typed", "kerazoo_ext/py.typed", "kerazoo_ext/_pairs.pyi", *data):
        assert wanted in names
    for wanted in ("licenses/LICENSE", ".dist-info/sboms/kerazoo.cdx.json"):
        assert any(name.endswith(wanted) for name in names)
    assert not any(name.endswith((".c", ".h", ".pyx")) or name.startswith(("tests/", "benchmarks/")) for name in names)
    target = tmp_path / "site"
    done = run(sys.executable, "-m", "pip", "install", "--no-deps", "--target", target, wheel, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    code = (
        "import kerazoo, shutil; assert shutil.which('gcc') is None;"
        "from kerazoo.forecast.presets import load_forecaster; load_forecaster().forecast([[1.0, 2.0, 3.0]], 2);"
        "corpus = kerazoo.EncodedCorpus.from_source([['a', 'b', 'c']] * 50, min_count=1);"
        "print(kerazoo.__file__); print(len(corpus.ids))"
    )
    # PATH has no compiler.
    done = run(sys.executable, "-c", code, cwd=tmp_path, PYTHONPATH=str(target), PATH=str(tmp_path))
    assert done.returncode == 0, done.stderr
    where, count = done.stdout.split()
    assert where.startswith(str(target))
    assert count == "150"
