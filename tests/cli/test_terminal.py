"""Colours and bars on terminals only; pipes and streams that are closed; exit codes."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys

import pytest

pytest.importorskip("pty")

from kerazoo._runtime.progress import progress_bar, shown_progress
from tests.cli.programs import AT_ONCE, START, environment, on_terminal, piped

ESCAPE = "\x1b["
SERIES = ["generate", "--n", "300", "--length", "24", "--period", "12", "--seed", "1", "--out", "series.csv"]


def test_errors_are_coloured_on_a_terminal(tmp_path):
    code, out, err = on_terminal("similar", "no.txt", "apple", folder=tmp_path)
    assert (code, out) == (2, "")
    assert err == "\x1b[31m\x1b[1mkerazoo:\x1b[0m no.txt: no such file.\n"


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_the_environment_turns_colours_off(tmp_path, env):
    assert on_terminal("similar", "no.txt", "apple", folder=tmp_path, env=env)[2] == "kerazoo: no.txt: no such file.\n"


def test_an_empty_no_color_does_not_count(tmp_path):
    assert ESCAPE in on_terminal("similar", "no.txt", "apple", folder=tmp_path, env={"NO_COLOR": ""})[2]


def test_a_pipe_has_no_colours(tmp_path):
    done = piped("similar", "no.txt", "apple", folder=tmp_path)
    assert (done.returncode, done.stderr) == (2, "kerazoo: no.txt: no such file.\n")


def test_a_long_step_has_a_bar_with_rate_and_time_left_on_stderr(tmp_path):
    code, out, err = on_terminal(*SERIES, code=AT_ONCE, folder=tmp_path)
    assert code == 0
    assert out == "series.csv: 300 series of 24 steps, kind mixture, seed 1\n"
    assert re.search(
        r"writing series.csv: +\d+%\|.*\| [\d.]+k?/300 \[\d\d:\d\d<(\d\d:\d\d|\?), +[\d.?]+k?series/s\]", err
    )
    assert err.rstrip("\n").endswith("\r")  # it is removed


@pytest.mark.parametrize("options", [(), ("-v",)])
def test_a_file_or_pipe_has_no_bar(tmp_path, options):
    done = piped(*SERIES, *options, code=AT_ONCE, folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_short_step_has_no_bar(tmp_path):
    assert on_terminal(*SERIES, folder=tmp_path)[2] == ""


def test_the_training_of_word_vectors_has_no_bar_in_a_pipe(tmp_path):
    (tmp_path / "text.txt").write_text("red apple green apple\nhot iron cold iron\n" * 50)
    arguments = ["word2vec", "text.txt", "--out", "v.txt", "--vector-size", "4", "--engine", "native", "--seed", "1"]
    assert piped(*arguments, folder=tmp_path).stderr == ""
    assert re.search(r"epoch 5/5.*word/s", on_terminal(*arguments, folder=tmp_path)[2])


def test_vectors_and_phrases_have_bars(tmp_path):
    (tmp_path / "text.txt").write_text("in new york\nthe old town\n" * 50)
    options = ["--text", "joined.txt", "--min-count", "2", "--threshold", "1"]
    err = on_terminal("phrases", "text.txt", *options, code=AT_ONCE, folder=tmp_path)[2]
    assert "finding phrases" in err
    assert "writing joined.txt" in err
    (tmp_path / "v.txt").write_text("".join(f"w{i} 0.5 1.5\n" for i in range(3000)))
    err = on_terminal("convert", "v.txt", "v.bin.gz", code=AT_ONCE, folder=tmp_path)[2]
    assert re.search(r"reading v.txt: .*B/s", err)
    assert re.search(r"writing: .*vector/s", err)
    err = on_terminal("convert", "v.bin.gz", "w.vec", code=AT_ONCE, folder=tmp_path)[2]
    assert re.search(r"reading v.bin.gz: +0%.*/\d\.\d+k \[", err)  # the size of the compressed file
    assert (tmp_path / "w.vec").read_text().startswith("3000 2\nw0 0.5 1.5\n")


@pytest.mark.parametrize("suffix", ["", ".gz", ".bz2", ".xz"])
def test_the_bar_of_a_file_ends_at_its_size(tmp_path, monkeypatch, suffix):
    from kerazoo.word2vec.io import vector_files, vector_streams

    path, seen = tmp_path / f"v.txt{suffix}", []
    vectors = vector_files.WordVectors([f"w{i}" for i in range(5000)], [[i, 0.5] for i in range(5000)])
    vector_files.save_vectors(vectors, path)

    class Bar(contextlib.nullcontext):
        def update_to(self, n):
            seen.append(n)

    monkeypatch.setattr(vector_streams, "progress_bar", lambda total, unit, title: seen.append(total) or Bar(Bar()))
    assert len(vector_files.load_vectors(path)) == 5000
    assert seen[0] == seen[-1] == path.stat().st_size


def test_a_library_call_has_no_bar(monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert type(progress_bar(3, "step", "work")).__name__ == "_NoBar"
    with shown_progress(), progress_bar(3, "step", "work") as bar:
        assert type(bar).__name__ == "Bar"
        bar.update_to(2)
        assert bar.n == 2
        with shown_progress(False):
            assert type(progress_bar(3, "step", "work")).__name__ == "_NoBar"
    assert type(progress_bar(3, "step", "work")).__name__ == "_NoBar"


def test_a_reader_that_goes_away_is_no_error_message():
    start, end = os.pipe()
    os.close(start)
    try:
        done = piped("completion", "zsh", stdout=end, stderr=subprocess.PIPE)
    finally:
        os.close(end)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_output_to_a_full_disk_is_one_line():
    with open("/dev/full", "w") as full:
        done = piped("completion", "zsh", stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 1
    assert done.stderr == "kerazoo: the output cannot be written: No space left on device\n"


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&-", "<&- >&- 2>&-"])
def test_closed_streams_change_no_file(tmp_path, closed):
    command = f'exec "$0" -c "$1" {" ".join(SERIES)} {closed}'
    done = subprocess.run(
        ["sh", "-c", command, sys.executable, START],
        capture_output=True, text=True, cwd=tmp_path, env=environment(), timeout=300, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    lines = (tmp_path / "series.csv").read_text().splitlines()
    assert lines[0] == "unique_id,ds,y"
    assert len(lines) == 1 + 300 * 24


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["--help"], 0), (["zoo", "-h"], 0), (["--version"], 0), (["completion", "sh"], 2), (["--nothing"], 2)],
)
def test_exit_codes(arguments, code):
    assert piped(*arguments).returncode == code


def test_a_program_error_has_a_traceback_and_exit_code_1(tmp_path):
    broken = "import kerazoo.cli.completion as module\nmodule.SHELLS = None\ndel module.completion\n" + START
    done = piped("completion", "zsh", code=broken)
    assert done.returncode == 1
    assert "Traceback" in done.stderr
