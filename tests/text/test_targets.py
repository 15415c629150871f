"""`EncodedCorpus.from_source(path=)` never replaces the text, and says what is wrong with a path."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

from kerazoo.errors import InvalidArgumentError, StorageError
from kerazoo.text import EncodedCorpus
from kerazoo.text.shards import parts, plan, work_folder_of

TEXT = "one two\nthree two one\n" * 40


@pytest.fixture(params=[1 << 20, 200], ids=["small", "in parts"])
def folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of two texts, which are encoded as they are or in parts."""
    monkeypatch.setattr(plan, "UNIT_BYTES", request.param)
    texts = tmp_path / "text"
    texts.mkdir()
    for name in ("0.txt", "1.txt"):
        (texts / name).write_text(TEXT)
    (texts / "link").symlink_to("1.txt")
    return texts


@pytest.mark.parametrize("name", ["1.txt", "link"])
@pytest.mark.parametrize("listed", [False, True])
def test_a_text_is_never_replaced(folder: Path, name: str, listed: bool) -> None:
    source: Any = [folder / "0.txt", folder / "1.txt"] if listed else folder
    with pytest.raises(InvalidArgumentError, match="is a file of the text"):
        EncodedCorpus.from_source(source, min_count=1, path=folder / name)
    assert (folder / name).read_text() == TEXT
    assert (folder / "link").is_symlink()
    assert len(list(folder.iterdir())) == 3


def test_an_earlier_corpus_in_the_folder_is_no_text_of_it(folder: Path) -> None:
    found = [EncodedCorpus.from_source(folder, min_count=1, path=folder / "corpus").ids for _ in range(2)]
    assert (found[0] == found[1]).all()


@pytest.mark.parametrize("path", ["", "/", 3, "a\0b", True])
def test_no_path_of_a_file(folder: Path, path: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="expected the path of the file"):
        EncodedCorpus.from_source(folder, min_count=1, path=path)


def test_long_names(folder: Path) -> None:
    assert len(EncodedCorpus.from_source(folder, min_count=1, path=folder / ("x" * 255))) == 240
    assert len(list(folder.iterdir())) == 4
    assert work_folder_of("x" * 255) != work_folder_of("x" * 254)
    with pytest.raises(StorageError, match="too long"):
        EncodedCorpus.from_source(folder, min_count=1, path=folder / ("x" * 256))
    with pytest.raises(StorageError, match="Not a directory"):
        EncodedCorpus.from_source(folder, min_count=1, path=folder / "0.txt" / "corpus")


def test_only_a_full_disk_asks_for_room() -> None:
    messages = [str(parts.disk_error(Path("a"), OSError(code, "why"))) for code in (errno.ENOSPC, errno.EACCES)]
    assert ["Make room" in each for each in messages] == [True, False]
