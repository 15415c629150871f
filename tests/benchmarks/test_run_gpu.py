"""The script `run_gpu.sh`."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from benchmarks.harness import ROOT

SCRIPT = ROOT / "benchmarks" / "run_gpu.sh"


@pytest.mark.skipif(not SCRIPT.exists() or shutil.which("bash") is None, reason="needs the script and bash")
def test_the_script_parses_and_lists_its_arguments():
    def run(*arguments):
        return subprocess.run(["bash", *arguments], capture_output=True, text=True, timeout=280)

    done = run("-n", str(SCRIPT))
    assert (done.returncode, done.stderr) == (0, "")
    shown = run(str(SCRIPT), "--help")
    assert shown.returncode == 0
    assert "--only NAME" in shown.stdout
    for arguments, message in (
        (["--fast"], "unknown argument: --fast"),
        (["--corpus"], "--corpus needs a value"),
        (["--corpus", "/nowhere"], "cannot read the corpus: /nowhere"),
    ):
        refused = run(str(SCRIPT), *arguments)
        assert (refused.returncode, message in refused.stderr) == (2, True)
