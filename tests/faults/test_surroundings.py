"""Surroundings that refuse: a full or missing folder of temporary files, no permission, limits, closed streams."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from kerazoo import Word2Vec
from kerazoo.cli.quiet import quiet_stderr
from kerazoo.errors import KerazooError
from tests.faults.operations import TEXT, Failed, commands, encodings, saves

ROOT = Path(__file__).resolve().parents[2]
NOBODY = 65534
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="mounts, users and limits of Linux")
as_root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root")


def shell(line, **more):
    """A line of the shell, in which $PYTHON is this Python."""
    given = {"PYTHON": sys.executable, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", **more.pop("env", {})}
    return subprocess.run(
        ["sh", "-c", line], cwd=more.pop("cwd", ROOT), env={**os.environ, **given}, capture_output=True, text=True,
        stdin=subprocess.DEVNULL, timeout=600, check=False, **more,
    )  # fmt: skip


FIT = """
import pickle, sys, warnings
import numpy as np
from kerazoo import Forecaster, Word2Vec
model = Word2Vec(vector_size=900, min_count=1, epochs=2, seed=1, workers=1, verbose=0)
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    model.fit([[f"w{i * j % 97}" for j in range(1, 20)] for i in range(1, 99)])
print(len([each for each in told if "snapshot" in str(each.message)]), repr(float(model.vectors_.sum())))
forecaster = Forecaster(horizon=3, epochs=0, transforms=(), verbose=0).fit(np.arange(40.0))
print(np.isfinite(pickle.loads(pickle.dumps(forecaster)).predict(3)).all())
"""


@as_root
def test_a_full_folder_of_temporary_files_loses_no_training(tmp_path):
    (tmp_path / "fit.py").write_text(FIT)
    small = tmp_path / "small"
    small.mkdir()
    if shell("unshare -m true").returncode:
        pytest.skip("no mounts in this container")
    mounted = f"mount -t tmpfs -o size=300k none {small} && TMPDIR={small} $PYTHON {tmp_path}/fit.py"
    done = shell(f"unshare -m sh -c '{mounted}'")
    assert done.returncode == 0, done.stderr
    usual = shell(f"$PYTHON {tmp_path}/fit.py").stdout.split()
    found = done.stdout.split()
    assert (found[0], usual[0]) == ("1", "0")
    assert found[1:] == [usual[1], "True"]


def test_no_folder_of_temporary_files_at_all(tmp_path, capfd):
    with pytest.MonkeyPatch.context() as patch:  # undone before `capfd`, which needs one
        patch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
        with pytest.warns(RuntimeWarning, match="no snapshot of the vectors"):
            Word2Vec(vector_size=4, min_count=1, epochs=1, seed=1, verbose=0).fit(TEXT)
        with quiet_stderr():  # which has nowhere to keep the lines
            os.write(2, b"a line of a library\n")
    assert "a line of a library" in capfd.readouterr().err


REFUSED = """
import sys
from pathlib import Path
from kerazoo import Forecaster, Word2Vec
from kerazoo.cli.main import main
from kerazoo.errors import KerazooError
from kerazoo.text import EncodedCorpus
from kerazoo.word2vec import save_vectors
folder, text = Path(sys.argv[1]), [["a", "b", "c"]] * 9
model = Word2Vec(vector_size=4, min_count=1, epochs=1, seed=1, verbose=0).fit(text)
forecaster = Forecaster(horizon=3, epochs=0, transforms=(), verbose=0).fit([float(i) for i in range(40)])
for name, act in {
    "save": lambda: model.save(folder / "f"),
    "vectors": lambda: save_vectors(model, folder / "f.txt"),
    "projector": lambda: save_vectors(model, folder / "new", format="projector"),
    "forecaster": lambda: forecaster.save(folder / "f"),
    "encode": lambda: EncodedCorpus.from_source(text, min_count=1, path=folder / "f"),
    "checkpoint": lambda: Word2Vec(min_count=1, checkpoint_dir=folder / "new").fit(text),
    "forecaster's checkpoint": lambda: Forecaster(checkpoint_dir=folder / "new").fit([float(i) for i in range(99)]),
    "old": lambda: model.save(folder / "old"),
}.items():
    try:
        act()
        print(name, "succeeded")
    except KerazooError as error:
        print(name, "ok" if str(folder) in str(error) and "ermission" in str(error) else error)
model.wv.most_similar("a")
try:
    main(["word2vec", str(folder / "text.txt"), "--out", str(folder / "v.txt")])
except SystemExit as stop:
    print("command", "ok" if stop.code == 2 else stop.code)
"""


@as_root
def test_a_folder_of_somebody_else(tmp_path):
    folder, program = tmp_path / "theirs", tmp_path / "refused.py"
    folder.mkdir()
    for path in [tmp_path, *tmp_path.parents]:  # those of pytest are for this user only
        if path.name.startswith(("pytest-", "popen-", "test_")):
            path.chmod(0o755)
    (folder / "old").write_text("old")
    (folder / "text.txt").write_text("a b c\n" * 9)
    program.write_text(REFUSED)
    other: dict = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    packages = [each for each in sys.path if each.endswith("-packages")]
    for python in (sys.executable, "/usr/bin/python3"):  # that of a virtual environment may lie in the home of root
        other["env"] = {"PYTHON": python, "PYTHONPATH": os.pathsep.join([str(ROOT), *packages])}
        if not shell("$PYTHON -c 'import kerazoo, numpy, pandas'", **other).returncode:
            break
    else:
        pytest.skip("another user cannot run Python with these packages")
    done = shell(f"$PYTHON {program} {folder}", **other)
    assert done.returncode == 0, done.stderr
    wrong = [line for line in done.stdout.splitlines() if not line.endswith(" ok")]
    assert not wrong, wrong
    assert len(done.stdout.splitlines()) == 9
    assert "Traceback" not in done.stderr
    assert sorted(path.name for path in folder.iterdir()) == ["old", "text.txt"]
    assert (folder / "old").read_text() == "old"


@pytest.mark.parametrize("make", [saves, encodings, commands], ids=lambda make: make.__name__)
def test_a_limit_on_the_size_of_files_leaves_the_old_ones(make, tmp_path):
    """As a quota does: the first bytes are written, and the rest is refused."""
    resource = pytest.importorskip("resource")
    stopped = 0
    for number, operation in enumerate(make()):
        folder = tmp_path / str(number)
        for name in ("in", "out", "tmp"):
            (folder / name).mkdir(parents=True)
        operation.prepare(folder)
        if operation.earlier is not None:
            operation.earlier(folder)
        before = {path.name: path.read_bytes() for path in (folder / "out").rglob("*") if path.is_file()}
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (300, hard))
        told = None
        try:
            operation.run(folder)
        except (KerazooError, Failed) as error:
            told = str(error)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        if told is not None:
            stopped += 1
            assert str(folder) in told, operation.name
            after = {path.name: path.read_bytes() for path in (folder / "out").rglob("*") if path.is_file()}
            if operation.name != "kerazoo phrases":  # two files, of which the first has room
                assert after == before, operation.name
        operation.usable()
    assert stopped >= number  # all but one, whose file is small


@pytest.mark.parametrize("closed", ["2>&-", ">&-", "<&- >&- 2>&-"])
def test_commands_without_standard_streams(tmp_path, closed):
    (tmp_path / "text.txt").write_text("\n".join(TEXT))
    options = "--vector-size 4 --epochs 1 --min-count 1 --seed 1"
    done = shell(f"$PYTHON -m kerazoo word2vec text.txt --out v.txt {options} {closed}", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    lines = (tmp_path / "v.txt").read_text().splitlines()
    assert lines[0] == f"{len(lines) - 1} 4"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["text.txt", "v.txt"]


@pytest.mark.parametrize("command", ["zoo list", "--version"])
def test_a_reader_that_has_seen_enough(command):
    done = shell(f"{{ $PYTHON -m kerazoo {command}; echo $? >&2; }} | head -1")
    assert len(done.stdout.splitlines()) == 1
    (code,) = done.stderr.split()
    assert code in ("0", "1")


def test_a_full_stdout_or_stderr_costs_no_output(tmp_path):
    """The command says on stderr that its report cannot be written; what it writes on stderr is no report."""
    (tmp_path / "v.txt").write_text("2 3\na 1 2 3\nb 3 2 1\n")
    for number, (stream, code) in enumerate({">": 1, "2>": 0}.items()):
        done = shell(f"$PYTHON -m kerazoo convert v.txt {number}.txt {stream} /dev/full", cwd=tmp_path)
        assert done.returncode == code
        assert "Traceback" not in done.stderr
        assert (tmp_path / f"{number}.txt").read_text() == (tmp_path / "v.txt").read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.txt", "1.txt", "v.txt"]


@as_root
def test_a_command_with_a_full_folder_of_temporary_files(tmp_path):
    (tmp_path / "text.txt").write_text("\n".join(TEXT))
    (tmp_path / "small").mkdir()
    if shell("unshare -m true").returncode:
        pytest.skip("no mounts in this container")
    options = "--vector-size 40 --epochs 1 --min-count 1 --seed 1 --workers 1"
    fit = f"$PYTHON -m kerazoo word2vec text.txt {options} --out"
    done = shell(f"unshare -m sh -c 'mount -t tmpfs -o size=4k none small; TMPDIR=small {fit} v.txt'", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "no snapshot of the vectors could be written" in done.stderr
    assert shell(f"{fit} usual.txt", cwd=tmp_path).returncode == 0
    assert (tmp_path / "v.txt").read_text() == (tmp_path / "usual.txt").read_text()


SMALL_DISKS = [
    "mount -t tmpfs -o size=8M,nr_inodes=64 none disk",
    "truncate -s 8M image && mkfs.ext4 -q -m 0 -N 64 image && mount -o loop image disk",
]


@as_root
@pytest.mark.parametrize(
    ("mount", "option"),
    [(SMALL_DISKS[0], "--quick"), *(pytest.param(mount, "", marks=pytest.mark.slow) for mount in SMALL_DISKS)],
    ids=["tmpfs, quick", "tmpfs", "ext4"],
)
def test_a_full_disk_leaves_the_old_files(tmp_path, mount, option):
    """See `small_disks.py`."""
    (tmp_path / "disk").mkdir()
    if shell(f"unshare -m sh -c '{mount}'", cwd=tmp_path).returncode:
        pytest.skip("no such disks in this container")
    done = shell(f"unshare -m sh -c '{mount} && $PYTHON -m tests.faults.small_disks disk {option}'", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert not found["problems"], "\n".join(found["problems"])
    assert found["tries"] >= 39
    assert found["stopped"] > 0.7 * found["tries"]


def test_an_output_that_is_full():
    done = shell("$PYTHON -m kerazoo zoo list > /dev/full")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "No space left on device" in line


def test_the_estimators_without_standard_streams(tmp_path):
    program = (
        "from kerazoo import Word2Vec; "
        "Word2Vec(vector_size=4, min_count=1, epochs=2, seed=1, verbose=1).fit([['a', 'b', 'c']] * 99).save('m')"
    )
    done = shell(f'$PYTHON -c "{program}" >&- 2>&-', cwd=tmp_path)
    assert done.returncode == 0
    assert np.isfinite(Word2Vec.load(tmp_path / "m").vectors_).all()
