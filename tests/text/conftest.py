"""Fixtures of the text tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.text.samples import TEXT


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_bytes(TEXT.encode())
    return path
