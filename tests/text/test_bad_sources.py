"""Sources that cannot be encoded: the error names the source, the reason and the remedy."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from kerazoo.errors import CorpusError, CorpusNotFoundError, InvalidArgumentError, VocabularyError
from kerazoo.text import EncodedCorpus, encoding, readers
from tests.text.samples import DOCUMENTS, PACKERS, decoded, random_text


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (["the cat sat"], r"document 0 is the str 'the cat sat'; expected a list of tokens. Split it: \[doc.split\(\)"),
        (["a.txt", "b.txt"], r"for file names pass pathlib.Path"),
        ([["fine"], "the cat"], "document 1 is the str"),
        ([["fine"], None], "document 1 is None, of type NoneType"),
        ([["fine"], 3], "document 1 is 3, of type int"),
        ([["a", 3]], r"document 0, token 1 is 3, of type int; expected a str that is not empty. str\(token\)"),
        ([["a"], ["b", "c", b"d"]], r"document 1, token 2 is b'd', of type bytes; .*token.decode"),
        ([["a", None]], "document 0, token 1 is None, of type NoneType; .*missing values"),
        ([["a", ["b"]]], r"document 0, token 1 is \['b'\], of type list"),
        ([["a", float("nan")]], "document 0, token 1 is nan, of type float"),
        ([["a", ""]], r"document 0, token 1 is '', of type str; .*text.split\(\) returns no empty"),
        ([["a", "\ud800"]], "document 0, token 1 is '.ud800', which contains a lone surrogate"),
        (b"the cat", "the corpus is a bytes object"),
        (3, "the corpus is of type int"),
        (None, "the corpus is of type NoneType"),
        ([Path("a"), "b"], "the corpus is a list of paths, but its item 1 is of type str"),
        ([], "the corpus is empty: no word in 0 documents"),
        ([[], []], "the corpus is empty: no word in 2 documents"),
        (iter(()), "the corpus is empty"),
    ],
)
def test_bad_sources(source, message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        EncodedCorpus.from_source(source, min_count=1)


def test_an_error_of_the_users_iterable_is_passed_on() -> None:
    def documents():
        yield ["a"]
        raise TypeError("mine")

    with pytest.raises(TypeError, match="mine"):
        EncodedCorpus.from_source(documents(), min_count=1)


def test_missing_files(tmp_path: Path) -> None:
    with pytest.raises(CorpusNotFoundError, match=r"no-such-file'*: no such file or directory. Check the path"):
        EncodedCorpus.from_source(tmp_path / "no-such-file")
    with pytest.raises(FileNotFoundError, match="no such file"):
        EncodedCorpus.from_source([tmp_path / "no-such-file"])
    with pytest.raises(
        CorpusNotFoundError, match=r"A str is taken as a path. For a text in memory pass lists of tokens"
    ):
        EncodedCorpus.from_source("the cat sat on the mat")
    with pytest.raises(CorpusNotFoundError, match="A str is taken as a path"):
        EncodedCorpus.from_source("the cat sat on the mat " * 1000)
    with pytest.raises(CorpusError, match="the directory has no files"):
        EncodedCorpus.from_source(tmp_path)


def test_unreadable_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:  # chmod does not stop root
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(readers, "open", refuse, raising=False)
    with pytest.raises(CorpusError, match=r"cannot be opened \(Permission denied\). Check the permissions"):
        EncodedCorpus.from_source(file)


@pytest.mark.parametrize("text", ["", "\n\n", " \t\u3000\n"])
def test_empty_files(tmp_path: Path, text: str) -> None:
    path = tmp_path / "empty.txt"
    path.write_text(text)
    with pytest.raises(CorpusError, match=r"the corpus is empty: no word in 1 file\(s\), the first is '.*empty.txt'"):
        EncodedCorpus.from_source(path)


def test_min_count_too_high(file: Path) -> None:
    for source in (file, DOCUMENTS):
        with pytest.raises(VocabularyError, match=r"min_count=9 keeps none of the 6 words.*min_count=4 would keep 1"):
            EncodedCorpus.from_source(source, min_count=9)


@pytest.mark.parametrize("cut", [12, 0.5, -1, -9])
@pytest.mark.parametrize("suffix", [".gz", ".gz without isal", ".bz2", ".xz", ".zst"])
def test_truncated_compressed_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, cut: float) -> None:
    if suffix.endswith("isal"):
        monkeypatch.setitem(sys.modules, "isal", None)
        suffix = ".gz"
    data = PACKERS[suffix](random_text(500).encode())
    end = int(len(data) * cut) if isinstance(cut, float) else cut
    path = tmp_path / f"short{suffix}"
    path.write_bytes(data[:end])
    with pytest.raises(CorpusError, match=rf"short{suffix}: the compressed file is damaged or truncated \(.*again"):
        EncodedCorpus.from_source(path, min_count=1)


@pytest.mark.parametrize("isal", [True, False])
@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda data: data[:-8] + b"\1\2\3\4" + data[-4:], "CRC check failed"),
        (lambda data: data[:-4] + b"\1\2\3\4", "Incorrect length"),
        (lambda data: data + b"this is no other member", "Not a gzipped file"),
        (lambda data: data[:2] + b"\7" + data[3:], "Unknown compression method"),
        (lambda data: data[:200] + b"\xff" * 40 + data[240:], ""),
    ],
)
def test_damaged_gz_file(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    isal: bool,
    damage: Callable[[bytes], bytes],
    reason: str,
) -> None:
    if not isal:
        monkeypatch.setitem(sys.modules, "isal", None)
    path = tmp_path / "bad.gz"
    path.write_bytes(damage(gzip.compress(random_text(500).encode())))
    with pytest.raises(CorpusError, match=rf"bad.gz: the compressed file is damaged or truncated \(.*{reason}.*again"):
        EncodedCorpus.from_source(path, min_count=1)


@pytest.mark.parametrize("workers", [1, 4])
def test_the_first_of_several_errors_is_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int) -> None:
    monkeypatch.setattr(encoding, "CHUNK", 64)
    data = b"good words\n" * 200 + b"caf\xe9\n" + b"good words\n" * 5 + b"\xff\n" + b"more words\n" * 200
    path = tmp_path / "bad.txt"
    path.write_bytes(data)
    with pytest.raises(CorpusError, match=f"byte 0xe9 at position {data.index(0xE9):,} of the text"):
        EncodedCorpus.from_source(path, min_count=1, workers=workers)
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("kerazoo-scan")]


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz", ".zst"])
def test_compressed_file_of_another_format(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"none{suffix}"
    path.write_text("plain text " * 100)
    with pytest.raises(CorpusError, match="the compressed file is damaged or truncated"):
        EncodedCorpus.from_source(path, min_count=1)


@pytest.mark.parametrize("chunk", [32, 1 << 20])
def test_bytes_that_are_not_utf8(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    monkeypatch.setattr(encoding, "CHUNK", chunk)
    data = b"\xef\xbb\xbf" + b"good words\n" * 30 + b"caf\xe9 au lait \xff\n" + b"good words\n" * 30
    position = data.index(b"\xe9")
    for path in (tmp_path / "latin.txt", tmp_path / "latin.txt.gz"):
        path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
        with pytest.raises(
            CorpusError, match=rf"{path.name}: byte 0xe9 at position {position} of the text is not UTF-8.*replace"
        ):
            EncodedCorpus.from_source(path, min_count=1)
        for errors in ("replace", "ignore"):
            corpus = EncodedCorpus.from_source(path, min_count=1, errors=errors)
            lines = data.decode("utf-8-sig", errors).splitlines()
            assert decoded(corpus) == [line.split() for line in lines]
    with pytest.raises(InvalidArgumentError, match=r"errors='replac'; expected one of .*Did you mean 'replace'"):
        EncodedCorpus.from_source(path, errors="replac")


@pytest.mark.parametrize(
    ("data", "guess"),
    [("text".encode("utf-16"), "UTF-16"), (gzip.compress(b"text", mtime=0), "give the file the suffix .gz")],
)
def test_the_error_guesses_the_type_of_the_file(tmp_path: Path, data: bytes, guess: str) -> None:
    path = tmp_path / "file.txt"
    path.write_bytes(data)
    with pytest.raises(CorpusError, match=f"not UTF-8. It looks like .*{guess}"):
        EncodedCorpus.from_source(path)


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_ctrl_c_stops_a_long_scan(tmp_path: Path) -> None:
    path = tmp_path / "endless.fifo"
    os.mkfifo(path)  # never ends: only the interrupt can stop the scan
    code = (
        # Background jobs of a shell start with SIGINT ignored, and their child processes inherit that.
        "import signal, sys\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from kerazoo.text import EncodedCorpus\nprint('go', flush=True)\n"
        "try:\n    EncodedCorpus.from_source(sys.argv[1], workers=2)\n"
        "except KeyboardInterrupt:\n    print('stopped', flush=True)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "go\n"

        def feed() -> None:
            with open(path, "wb", buffering=0) as pipe:
                try:
                    while True:
                        pipe.write(b"some words without an end " * 1000)
                except BrokenPipeError:
                    pass

        feeder = threading.Thread(target=feed)
        feeder.start()
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        asked = time.monotonic()
        assert process.stdout.readline() == "stopped\n"
        assert time.monotonic() - asked < 60  # not the minutes that the input would take, on any machine
        feeder.join(5)
