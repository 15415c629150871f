"""Folders and files as others have them: empty files, links, archives, other encodings, long names."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import tarfile
import zipfile
from pathlib import Path

import pytest
import zstandard

from kerazoo._runtime.files import remove_leftovers, replacing
from kerazoo.errors import CorpusError
from kerazoo.text import EncodedCorpus
from kerazoo.text.readers import files_of

TEXT = "red apple green apple\nhot iron cold iron\n"


def words_of(source, **arguments):
    return EncodedCorpus.from_source(source, min_count=1, **arguments).vocabulary.words


def test_empty_files_are_skipped(tmp_path):
    (tmp_path / "a.txt").write_text(TEXT)
    for suffix in ("txt", "gz", "bz2", "xz", "zst"):
        (tmp_path / f"nothing.{suffix}").write_bytes(b"")
    (tmp_path / "mark.txt").write_bytes(b"\xef\xbb\xbf")
    compressed = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zst": zstandard.compress}
    for suffix, compress in compressed.items():
        (tmp_path / f"compressed.{suffix}").write_bytes(compress(b""))
    found = EncodedCorpus.from_source(tmp_path, min_count=1)
    assert (found.n_documents, found.n_tokens) == (2, 8)


def test_links_to_folders_are_followed_once_and_not_in_circles(tmp_path):
    folder, other = tmp_path / "corpus", tmp_path / "other"
    (folder / "own").mkdir(parents=True)
    (other / "deeper").mkdir(parents=True)
    for path in (folder / "a.txt", folder / "own/b.txt", other / "c.txt", other / "deeper/d.txt"):
        path.write_text(path.stem)
    (folder / "circle").symlink_to(folder)
    (folder / "again").symlink_to(folder / "own")
    (folder / "link").symlink_to(other)
    (folder / "zlink").symlink_to(other)
    (other / "back").symlink_to(folder)
    (folder / "broken").symlink_to(tmp_path / "nowhere")
    assert sorted(words_of(folder)) == ["a", "b", "c", "d"]
    assert files_of(folder) == sorted(files_of(folder))
    assert len(files_of(folder)) == 4


def test_what_is_excluded_is_not_read(tmp_path):
    (tmp_path / "results").mkdir()
    for name in ("a.txt", "out.txt", "results/b.txt"):
        (tmp_path / name).write_text(Path(name).stem)
    assert words_of(tmp_path, exclude=[tmp_path / "out.txt", tmp_path / "results"]) == ["a"]
    # Also what is written now: the second run must not read the file of the first.
    for _ in range(2):
        path = tmp_path / "corpus.kerazoo"
        assert len(EncodedCorpus.from_source(tmp_path, min_count=1, path=path).vocabulary) == 3


def archive(kind):
    buffer = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(buffer, "w") as file:
            file.writestr("a.txt", TEXT)
    else:
        with tarfile.open(fileobj=buffer, mode="w") as file:
            entry = tarfile.TarInfo("a.txt")
            entry.size = len(TEXT)
            file.addfile(entry, io.BytesIO(TEXT.encode()))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "kind", "compress"),
    [
        ("a.tar", "tar", bytes),
        ("a.tar.gz", "tar", gzip.compress),
        ("a.tgz", "tar", gzip.compress),
        ("a.tar.xz", "tar", lzma.compress),
        ("a.txt", "tar", bytes),
        ("a.zip", "zip", bytes),
        ("a.txt", "zip", bytes),
    ],
)
@pytest.mark.parametrize("errors", ["strict", "replace"])
def test_archives_are_refused_and_no_words_are_made_of_their_headers(tmp_path, name, kind, compress, errors):
    (tmp_path / name).write_bytes(compress(archive(kind)))
    for source in (tmp_path, tmp_path / name):
        with pytest.raises(CorpusError, match=rf"{name}: a {kind} archive; expected text\. Extract it"):
            words_of(source, errors=errors)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("errors", ["strict", "replace"])
def test_other_encodings_without_a_mark_are_named(tmp_path, encoding, errors):
    (tmp_path / "a.txt").write_bytes(TEXT.encode(encoding))
    with pytest.raises(CorpusError, match=rf"looks like {encoding[:6].upper()}.*iconv -f {encoding[:6].upper()}"):
        words_of(tmp_path / "a.txt", errors=errors)


def test_a_text_with_some_nuls_is_a_text(tmp_path):
    (tmp_path / "a.txt").write_text("a\0b c\0 " * 20)
    assert words_of(tmp_path / "a.txt") == ["a\0b", "c\0"]


@pytest.mark.parametrize("paths", [iter, set, lambda files: (file for file in files)])
def test_paths_must_be_a_list(tmp_path, paths):
    (tmp_path / "a.txt").write_text(TEXT)
    with pytest.raises(CorpusError, match=r"a path; expected a list of tokens\. Files are passed as a list"):
        words_of(paths([tmp_path / "a.txt"]))


def test_a_huge_min_count_keeps_nothing_and_says_so(tmp_path):
    (tmp_path / "a.txt").write_text(TEXT)
    for source in (tmp_path / "a.txt", [line.split() for line in TEXT.splitlines()]):
        with pytest.raises(ValueError, match="keeps none of the 6 words"):
            EncodedCorpus.from_source(source, min_count=2**62)


@pytest.mark.parametrize("name", ["a" * 250, "ä" * 125, "a" * 255, "b"])
def test_long_names_are_written_and_leave_nothing(tmp_path, name):
    path = tmp_path / name
    with replacing(path) as part:
        part.write_text("whole")
    assert path.read_text() == "whole"
    assert os.listdir(tmp_path) == [name]
    # What a killed process leaves is found by the same rule.
    with replacing(path) as part:
        left = part.parent
        part.write_text("again")
    left.mkdir()
    remove_leftovers(path)
    assert os.listdir(tmp_path) == [name]
