"""text8: the first 100 MB of cleaned English Wikipedia (Matt Mahoney, 2006), downloaded once."""

from __future__ import annotations

import os
import shutil
import zipfile
from pathlib import Path
from typing import Any

from kerazoo._runtime.files import replacing
from kerazoo._runtime.optional import needed
from kerazoo.errors import DatasetUnavailableError, StorageError

__all__ = ["text8"]

URL = "http://mattmahoney.net/dc/text8.zip"
ZIP_SHA256 = "a6640522afe85d1963ad56c05b0ede0a0c000dddc9671758a6cc09b7a38e5232"
TEXT_SHA256 = "6e890197040d37d85beb962ae1f041ff1d9a9ca8d20c7d99c85027eebf51dca7"
TIMEOUT = 20  # seconds without a response


@needed("datasets.text8")
def text8(folder: str | os.PathLike[str] | None = None, *, progress: bool = True) -> Path:
    """Path of text8: 100,000,000 bytes, 17,005,207 lower-case words, one line without a line end.

    The first call downloads 31 MB and unpacks them; later calls use the file. Every call compares its SHA-256. A
    manual copy of `text8` or `text8.zip` in the cache folder is used if it has the expected SHA-256.

    Args:
        folder: the cache folder. Default: the environment variable ``KERAZOO_DATA_DIR``, or the user's cache folder.
        progress: whether to show a progress bar while downloading.

    Raises:
        DatasetUnavailableError: the file is not available; the message says where to put it manually.

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
            f"{file}: cannot be read ({error.strerror}). Delete it and call again."
        ) from error
    if found != expected:
        raise DatasetUnavailableError(
            f"{file}: not the {file.name} of {URL}, or damaged: SHA-256 {found}, expected {expected}. "
            "Delete it and call again."
        )


def _download(cache: Path, progress: bool) -> None:
    import pooch

    remedy = (
        f"On a machine with a network, download {URL} and copy it to {cache / 'text8.zip'} "
        "(the environment variable KERAZOO_DATA_DIR names another folder), then call again. "
        "kerazoo.datasets.lee() is a small corpus that needs no download."
    )
    downloader: Any = pooch.HTTPDownloader(progressbar=progress, timeout=TIMEOUT)
    try:
        cache.mkdir(parents=True, exist_ok=True)
        # pooch writes a temporary file, compares the checksum, then renames it. One attempt, to fail quickly offline.
        pooch.retrieve(URL, known_hash=f"sha256:{ZIP_SHA256}", fname="text8.zip", path=cache, downloader=downloader)
    except ValueError as error:  # wrong checksum
        raise DatasetUnavailableError(f"text8: the download from {URL} is damaged: {error} {remedy}") from error
    except OSError as error:  # includes the errors of requests
        raise DatasetUnavailableError(
            f"text8 is not in {cache} and cannot be downloaded ({type(error).__name__}). {remedy}"
        ) from error


def _unpack(packed: Path, text: Path) -> None:
    """Extract text8 from the zip file and compare its checksum; write it atomically."""
    import pooch

    try:
        with replacing(text) as part:
            with zipfile.ZipFile(packed) as archive, archive.open("text8") as source, open(part, "wb") as target:
                shutil.copyfileobj(source, target, 1 << 20)
            if pooch.file_hash(str(part), alg="sha256") != TEXT_SHA256:
                raise DatasetUnavailableError(
                    f"{packed}: its text8 does not have the expected checksum. Delete it and call again."
                )
    except (zipfile.BadZipFile, KeyError) as error:
        raise DatasetUnavailableError(f"{packed}: cannot be unpacked ({error}). Delete it and call again.") from error
    except StorageError as error:
        raise DatasetUnavailableError(f"{error} It takes 100 MB; KERAZOO_DATA_DIR names another folder.") from error
