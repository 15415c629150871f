"""The data sets: Lee offline, text8 from a local server, and every way in which it can be unavailable."""

from __future__ import annotations

import errno
import functools
import hashlib
import http.server
import importlib
import io
import socket
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import gensim
import pytest
from gensim.utils import simple_preprocess

from kerazoo.datasets import lee, text8
from kerazoo.errors import DatasetUnavailableError

# The functions shadow the modules of the same name.
lee_module = importlib.import_module("kerazoo.datasets.lee")
text8_module = importlib.import_module("kerazoo.datasets.text8")

TEXT = b" anarchism originated as a term of abuse" * 50


def zipped(text: bytes, name: str = "text8") -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, text)
    return packed.getvalue()


PACKED = zipped(TEXT)


def test_lee_has_the_tokens_of_gensim() -> None:
    file = Path(gensim.__path__[0]) / "test" / "test_data" / "lee_background.cor"
    expected = [simple_preprocess(line) for line in file.read_text(encoding="utf-8").splitlines()]
    articles = lee()
    assert articles == expected
    assert len(articles) == 300
    assert sum(map(len, articles)) == 58_152


def test_tokens_of_difficult_text_equal_those_of_gensim() -> None:
    hard = "It's_fine _under x 1st 2a a1b2 Ünïcödé ÉCOLE naïve-té İstanbul aaaaaaaaaaaaaaa bbbbbbbbbbbbbbbb 日本語 é́"
    assert lee_module.tokens_of(hard) == simple_preprocess(hard)
    assert "aaaaaaaaaaaaaaa" in simple_preprocess(hard)


def test_lee_without_gensim(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lee_module.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DatasetUnavailableError, match=r"a file of the package gensim .* pip install"):
        lee()


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Serve a small text8.zip locally, with matching checksums and environment; yields the served folder."""
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "text8.zip").write_bytes(PACKED)

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            requests.append(self.path)
            super().do_GET()

    requests.clear()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(text8_module, "URL", f"http://127.0.0.1:{server.server_port}/text8.zip")
    monkeypatch.setattr(text8_module, "ZIP_SHA256", hashlib.sha256(PACKED).hexdigest())
    monkeypatch.setattr(text8_module, "TEXT_SHA256", hashlib.sha256(TEXT).hexdigest())
    monkeypatch.setenv("KERAZOO_DATA_DIR", str(tmp_path / "cache"))
    yield folder
    server.shutdown()
    thread.join()
    server.server_close()


requests: list[str] = []


def test_text8_is_downloaded_once(served: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = text8()
    assert path == tmp_path / "cache" / "text8"
    assert path.read_bytes() == TEXT
    assert "100%" in capsys.readouterr().err  # the progress bar
    assert text8() == path
    assert requests == ["/text8.zip"]
    assert sorted(item.name for item in path.parent.iterdir()) == ["text8", "text8.zip"]
    path.unlink()
    assert text8(path.parent, progress=False).read_bytes() == TEXT  # from the zip that is there
    assert requests == ["/text8.zip"]


@pytest.mark.parametrize(("name", "data"), [("text8", TEXT), ("text8.zip", PACKED)])
def test_a_manual_copy_of_text8_is_used(served: Path, tmp_path: Path, name: str, data: bytes) -> None:
    folder = tmp_path / "by hand"
    folder.mkdir()
    (folder / name).write_bytes(data)
    assert text8(folder).read_bytes() == TEXT
    assert not requests


@pytest.mark.parametrize("name", ["text8", "text8.zip"])
def test_a_wrong_manual_copy_is_refused(served: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"something else")
    with pytest.raises(DatasetUnavailableError, match=rf"{name}: not the {name} of .*SHA-256 .* expected .*Delete it"):
        text8(tmp_path)
    assert (tmp_path / name).exists()


def test_a_damaged_download_is_not_kept(served: Path, tmp_path: Path) -> None:
    (served / "text8.zip").write_bytes(PACKED[:-20])
    with pytest.raises(DatasetUnavailableError, match=r"the download from .* is damaged: .*copy it to .*text8.zip"):
        text8(progress=False)
    assert not list((tmp_path / "cache").iterdir())


def test_a_missing_page(served: Path) -> None:
    (served / "text8.zip").unlink()
    with pytest.raises(DatasetUnavailableError, match=r"cannot be downloaded \(HTTPError\)"):
        text8(progress=False)
    assert requests == ["/text8.zip"]  # requested once


@pytest.mark.parametrize("content", [zipped(b"other text"), zipped(TEXT, "other name"), b"no zip at all"])
def test_a_zip_with_other_contents(
    served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    (tmp_path / "text8.zip").write_bytes(content)
    monkeypatch.setattr(text8_module, "ZIP_SHA256", hashlib.sha256(content).hexdigest())
    with pytest.raises(DatasetUnavailableError, match=r"text8.zip: .*Delete it and call again"):
        text8(tmp_path)
    assert [item.name for item in tmp_path.glob("*text8*")] == ["text8.zip"]


def test_a_full_disk_leaves_no_file(served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "text8.zip").write_bytes(PACKED)
    monkeypatch.setattr(text8_module.shutil, "copyfileobj", full)
    with pytest.raises(DatasetUnavailableError, match=r"text8: cannot be written \(No space left.*takes 100 MB"):
        text8(tmp_path)
    assert [item.name for item in tmp_path.iterdir() if "text8" in item.name] == ["text8.zip"]


def test_the_offline_error_names_the_remedy(served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as closed:  # a port without a listener
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setattr(text8_module, "URL", f"http://127.0.0.1:{closed.getsockname()[1]}/text8.zip")
        begin = time.monotonic()
        with pytest.raises(DatasetUnavailableError, match=r"cannot be downloaded \(ConnectionError\)") as caught:
            text8(progress=False)
        assert time.monotonic() - begin < 60  # no waiting for an answer
    message = str(caught.value)
    assert str(tmp_path / "cache" / "text8.zip") in message
    assert "KERAZOO_DATA_DIR" in message
    assert "kerazoo.datasets.lee()" in message


def test_the_published_checksums() -> None:
    assert text8_module.URL == "http://mattmahoney.net/dc/text8.zip"
    assert text8_module.ZIP_SHA256 == "a6640522afe85d1963ad56c05b0ede0a0c000dddc9671758a6cc09b7a38e5232"
    assert text8_module.TEXT_SHA256 == "6e890197040d37d85beb962ae1f041ff1d9a9ca8d20c7d99c85027eebf51dca7"
