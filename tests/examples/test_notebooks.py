"""The notebooks of `examples/` run to their end in the quick setting, and their outputs in the checkout are whole."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import nbformat
import pytest

from tests.examples.execute import EXAMPLES, LARGEST, START_UP, problems

NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))
SLOW = ("2_sine", "3_milk", "5_many_series", "6_text_classifier")  # 20 seconds and more in the quick setting
CHAPTERS = {  # the sections of 2017 that each notebook follows
    "1_manual_rnn.ipynb": ("1", "1.1", "1.2", "1.3", "1.4", "1.5", "1.6"),
    "2_sine.ipynb": (
        "2", "2.1", "2.2", "2.3", "2.3.1", "2.3.2", "2.3.3", "2.3.4", "2.3.5", "2.3.6", "2.4", "2.4.1", "2.5",
    ),
    "3_milk.ipynb": (
        "3", "3.1", "3.1.1", "3.1.2", "3.1.3", "3.2", "3.2.1", "3.2.2", "3.2.3", "3.3", "3.3.1",
    ),
    "4_word2vec.ipynb": (
        "4", "4.1", "4.2", "4.3", "4.4", "4.5", "4.6", "4.7", "4.8", "4.9", "4.10", "4.11", "4.12", "4.12.1", "4.12.2",
    ),
}  # fmt: skip


def read(path):
    return nbformat.read(str(path), as_version=4)


def text_of(notebook, kind):
    return "\n".join(cell.source for cell in notebook.cells if cell.cell_type == kind)


def test_there_is_a_notebook_for_each_chapter():
    assert {path.name[0] for path in NOTEBOOKS} >= {"1", "2", "3", "4", "5", "6"}
    listed = (EXAMPLES / "README.md").read_text()
    for path in NOTEBOOKS:
        assert f"({path.name})" in listed


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_outputs_in_the_checkout_are_whole(path):
    notebook = read(path)
    nbformat.validate(notebook)
    assert problems(notebook) == []
    assert path.stat().st_size < LARGEST
    assert "KERAZOO_QUICK" in next(cell.source for cell in notebook.cells if cell.cell_type == "code")
    assert notebook.metadata.kernelspec.name == "python3"


@pytest.mark.parametrize("name", CHAPTERS)
def test_the_sections_are_those_of_the_chapter(name):
    headings = re.findall(r"^#+ (\d[\d.]*) ", text_of(read(EXAMPLES / name), "markdown"), re.MULTILINE)
    assert [number for number in headings if number in CHAPTERS[name]] == list(CHAPTERS[name])
    assert headings == sorted(headings, key=lambda number: [int(part) for part in number.split(".")])


def test_the_steps_of_the_exercise_are_all_there():
    steps = re.findall(r"^\*\*(\d+)\.\*\*", text_of(read(EXAMPLES / "3_milk.ipynb"), "markdown"), re.MULTILINE)
    assert [int(step) for step in steps] == [*range(1, 22), *range(21, 25)]  # 21 is there twice in 2017


@pytest.mark.parametrize(
    "name",
    [pytest.param(path.name, id=path.stem, marks=[pytest.mark.slow] * (path.stem in SLOW)) for path in NOTEBOOKS],
)
def test_the_notebook_runs(name, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "tests.examples.execute", name, "--quick", "--folder", str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=EXAMPLES.parent,
        timeout=580,
        env={**os.environ, "HOME": str(tmp_path)},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    found = read(tmp_path / name)
    assert problems(found) == []
    assert (tmp_path / name).stat().st_size < LARGEST
    committed = read(EXAMPLES / name)
    assert [cell.source for cell in found.cells] == [cell.source for cell in committed.cells]
    kinds = [[set(output.get("data", {})) for output in cell.get("outputs", ())] for cell in found.cells]
    committed_kinds = [[set(output.get("data", {})) for output in cell.get("outputs", ())] for cell in committed.cells]
    assert kinds == committed_kinds


def test_what_tensorflow_writes_at_its_start_is_left_out_and_nothing_else():
    start = "WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\n"
    line = "I0000 00:00:1796057872.137691   12292 port.cc:153] oneDNN custom operations are on.\n"
    warning = "program.py:3: UserWarning: WARNING: All log messages\n"
    assert START_UP.sub("", start + line + warning + line) == warning


def cell(*outputs, count=1):
    return nbformat.v4.new_code_cell("1", execution_count=count, outputs=list(outputs))


def test_problems_are_found():
    new = nbformat.v4.new_output
    picture = new("display_data", data={"image/png": "AAAA", "text/plain": "<Figure>"})
    cases = {
        "not executed": [cell(picture, count=None)],
        "from the first": [cell(picture), cell(count=1)],
        "raised ValueError": [cell(picture), cell(new("error", ename="ValueError", evalue=""), count=2)],
        "wrote to stderr": [cell(picture, new("stream", name="stderr", text="UserWarning: x"))],
        "shows a path": [cell(picture, new("stream", name="stdout", text="saved in /home/me/model.keras"))],
        "no picture": [cell(new("stream", name="stdout", text="1"))],
    }
    cases["shows a path "] = [cell(picture, new("execute_result", data={"text/plain": "PosixPath('/tmp/x')"}))]
    for message, cells in cases.items():
        found = problems(nbformat.v4.new_notebook(cells=cells))
        assert len(found) == 1, message
        if message != "not executed":
            assert message.strip() in found[0]
    assert problems(nbformat.v4.new_notebook(cells=[cell(picture)])) == []
