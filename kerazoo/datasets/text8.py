"""text8: the first 100 MB of cleaned English Wikipedia (Matt Mahoney, 2006), downloaded once."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Any

from kerazoo.errors import DatasetUnavailableError

__all__ = ["text8"]

URL = "http://mattmahoney.net/dc/text8.zip"
ZIP_SHA256 = "a6640522afe85d1963ad56c05b0ede0a0c000dddc9671758a6cc09b7a38e5232"
TEXT_SHA256 = "6e890197040d37d85beb962ae1f041ff1d9a9ca8d20c7d99c85027eebf51dca7"
TIMEOUT = 20  # seconds without an answer or a byte


def text8(folder: str | os.PathLike[str] | None = None, *, progress: bool = True) -> Path:
    """Path of text8: 100,000,000 bytes, 17,005,207 lower-case words, one line without an end.

    The first call downloads 31 MB and unpacks them; later ones find the file. Its SHA-256 is compared each time. Put
    by hand, `text8` or `text8.zip` in the cache folder is taken when it is the right one.

    Parameters
    ----------
    folder : the cache folder. Default: the variable ``KERAZOO_DATA_DIR``, or the user's cache folder for kerazoo.
    progress : show a bar while downloading.

    Raises :class:`DatasetUnavailableError` when the file cannot be had; the message says where to put it by hand.

    >>> corpus = kerazoo.EncodedCorpus.from_source(kerazoo.datasets.text8())    # doctest: +SKIP
    """
    import pooch

    cache = Path(folder or os.environ.get("KERAZOO_DATA_DIR") or pooch.os_cache("kerazoo")).expanduser()
    text, packed = cache / "text8", cache / "text8.zip"
    if text.exists():
        _check(text, TEXT_SHA256)
        return text
    if not packed.exists():
        _download(cache, progress)
    _check(packed, ZIP_SHA256)
    _unpack(packed, text)
    return text


def _check(file: Path, expected: str) -> None:
    import pooch

    try:
        found = pooch.file_hash(str(file), alg="sha256")
    except OSError as error:
        raise DatasetUnavailableError(
            f"{file}: cannot be read ({error.strerror}). Delete it, and call again."
        ) from error
    if found != expected:
        raise DatasetUnavailableError(
            f"{file}: not the {file.name} of {URL}, or damaged: SHA-256 {found}, expected {expected}. "
            "Delete it, and call again."
        )


def _download(cache: Path, progress: bool) -> None:
    import pooch

    by_hand = (
        f"Where there is a network, download {URL} and put it at {cache / 'text8.zip'} "
        "(the variable KERAZOO_DATA_DIR names another folder), then call again. "
        "kerazoo.datasets.lee() is a small corpus that needs no download."
    )
    downloader: Any = pooch.HTTPDownloader(progressbar=progress, timeout=TIMEOUT)
    try:
        cache.mkdir(parents=True, exist_ok=True)
        # pooch writes to a temporary file, compares the checksum, then renames. One try: offline stays offline.
        pooch.retrieve(URL, known_hash=f"sha256:{ZIP_SHA256}", fname="text8.zip", path=cache, downloader=downloader)
    except ValueError as error:  # the checksum
        raise DatasetUnavailableError(f"text8: the download from {URL} is damaged: {error} {by_hand}") from error
    except OSError as error:  # the errors of requests among them
        raise DatasetUnavailableError(
            f"text8 is not in {cache}, and cannot be downloaded ({type(error).__name__}). {by_hand}"
        ) from error


def _unpack(packed: Path, text: Path) -> None:
    """Write beside its place and rename, so that no half of a file is ever found under the name."""
    import pooch

    part = text.with_name(f".{text.name}.{os.getpid()}.part")
    try:
        with zipfile.ZipFile(packed) as archive, archive.open("text8") as source, open(part, "wb") as target:
            while block := source.read(1 << 20):
                target.write(block)
        if pooch.file_hash(str(part), alg="sha256") != TEXT_SHA256:
            raise DatasetUnavailableError(f"{packed}: its text8 is not the known one. Delete it, and call again.")
        os.replace(part, text)
    except (zipfile.BadZipFile, KeyError) as error:
        raise DatasetUnavailableError(f"{packed}: cannot be unpacked ({error}). Delete it, and call again.") from error
    except OSError as error:
        if isinstance(error, DatasetUnavailableError):
            raise
        raise DatasetUnavailableError(
            f"{text}: cannot be written ({error.strerror}). It takes 100 MB; KERAZOO_DATA_DIR names another folder."
        ) from error
    finally:
        part.unlink(missing_ok=True)
