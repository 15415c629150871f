"""Ctrl-C while the cells are imported: the next import works."""

from __future__ import annotations

import subprocess
import sys

import pytest

CODE = """
import sys
class Interrupt:
    left = 1
    def find_spec(self, name, path=None, target=None):
        if name == "kerazoo.cells.families.{family}" and Interrupt.left:
            Interrupt.left = 0
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupt())
try:
    import kerazoo.cells
except KeyboardInterrupt:
    print("interrupted")
from kerazoo import zoo
print(zoo.build("gru_1x4").name, len(zoo.list_models()) > 20)
"""


@pytest.mark.parametrize("family", ["elementwise", pytest.param("xlstm", marks=pytest.mark.slow)])
def test_an_interrupted_import_can_be_repeated(family):
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(family=family)], capture_output=True, text=True, check=False
    )
    assert done.stdout.split()[0] == "interrupted"
    assert done.stdout.split()[-1] == "True", done.stderr[-2000:]
