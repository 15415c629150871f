"""Streams of vector files: decompressed by content when read, compressed by suffix when written."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from kerazoo._runtime.files import replacing
from kerazoo._runtime.optional import needed
from kerazoo._runtime.progress import progress_bar
from kerazoo.errors import StorageError
from kerazoo.text.readers import BoundedStream, XzStream, ZstdStream, damage

__all__ = ["COMPRESSIONS", "VectorStream", "check_expansion", "opened", "split_suffixes", "written"]

COMPRESSIONS = (".gz", ".bz2", ".xz", ".zst")
_RATIO, _LEAST = 100, 1 << 22  # vectors are hardly compressible; lines of one number are read at 10 MB/s
_MARKS = {b"\x1f\x8b": ".gz", b"BZh": ".bz2", b"\xfd7zXZ\x00": ".xz", b"\x28\xb5\x2f\xfd": ".zst"}


def split_suffixes(path: Path) -> tuple[str, str]:
    """The suffix of the format and that of the compression, in lower case, "" for none.

    >>> split_suffixes(Path("glove.840B.txt.gz")), split_suffixes(Path("vectors.bin")), split_suffixes(Path("model.gz"))
    (('.txt', '.gz'), ('.bin', ''), ('', '.gz'))
    """
    suffix = path.suffix.lower()
    if suffix in COMPRESSIONS:
        return Path(path.stem).suffix.lower(), suffix
    return suffix, ""


class VectorStream:
    """A file that is read in blocks, with what is needed for messages and checks.

    Attributes:
        path: the file.
        size: bytes of the file, or None if it is compressed, so that the size of its content is not known.
    """

    def __init__(
        self,
        path: Path,
        stream: BinaryIO,
        size: int | None,
        after_read: Callable[[], None] = lambda: None,
        status: os.stat_result | None = None,
    ) -> None:
        self.path, self.size = path, size
        self._status = status
        self._stream, self._after_read = stream, after_read
        self._ahead = b""

    def is_replaced(self) -> bool:
        """Whether another file has the name by now, so that files beside it may belong to that one."""
        if self._status is None:
            return False
        try:
            return not os.path.samestat(self._status, os.stat(self.path))
        except FileNotFoundError:
            return True

    def read(self, n: int) -> bytes:
        """Up to n bytes; fewer only at the end of the file.

        Raises:
            StorageError: the file is damaged or truncated.
        """
        parts, missing = [self._ahead[:n]], n - len(self._ahead[:n])
        self._ahead = self._ahead[n:]
        try:
            while missing > 0:
                part = self._stream.read(missing)
                if not part:
                    break
                parts.append(part)
                missing -= len(part)
        except damage() as error:
            raise StorageError(
                f"{self.path}: damaged or truncated ({type(error).__name__}: {error}). Download or copy it again."
            ) from error
        self._after_read()
        return b"".join(parts)

    def peek(self, n: int) -> bytes:
        """The next n bytes, which :meth:`read` returns again."""
        if len(self._ahead) < n:
            self._ahead = self.read(n)
        return self._ahead[:n]

    def check_size(self, promised: int, what: str) -> None:
        """Raise :class:`StorageError` if the file is smaller than `promised` bytes, before memory is allocated."""
        if self.size is not None and promised > self.size:
            raise StorageError(
                f"{self.path}: damaged or truncated: its header promises {what}, which take at least {promised:,} "
                f"bytes, but the file has {self.size:,}. Download or copy it again."
            )


def check_expansion(path: Path, content: int, stored: int) -> None:
    """Raise :class:`StorageError` if a compressed file of `stored` bytes contains far more than vectors would."""
    if content > max(_LEAST, _RATIO * stored):
        raise StorageError(
            f"{path}: {stored:,} bytes contain {content:,}, more than {_RATIO} times as many. If it is intact, "
            "decompress it first."
        )


@contextmanager
def opened(path: Path) -> Iterator[VectorStream]:
    """Open a file; the compression is recognised by its first bytes.

    Raises:
        StorageError: the file is missing or cannot be read.
    """
    try:
        if not path.exists():
            raise StorageError(f"{path}: no such file.")
        with open(path, "rb") as raw:
            mark = raw.read(6)
            raw.seek(0)
            kind = next((kind for start, kind in _MARKS.items() if mark.startswith(start)), "")
            stream: Any = raw
            if kind == ".gz":
                stream = gzip.GzipFile(fileobj=raw)
            elif kind == ".bz2":
                stream = bz2.BZ2File(raw)
            elif kind == ".xz":
                stream = XzStream(raw)
            elif kind == ".zst":
                stream = ZstdStream(raw)
            status = os.fstat(raw.fileno())
            size = status.st_size
            if kind:
                stream = io.BufferedReader(BoundedStream(stream, size, _RATIO, _LEAST), 1 << 20)
            with progress_bar(size, "B", f"reading {path.name}") as bar:
                # Of a compressed file, the bytes that are read count: the size of its content is not known.
                yield VectorStream(path, stream, None if kind else size, lambda: bar.update_to(raw.tell()), status)
    except OSError as error:
        if isinstance(error, StorageError):
            raise
        raise StorageError(f"{path}: cannot be read ({error.strerror or error}).") from error


@contextmanager
def written(path: Path) -> Iterator[BinaryIO]:
    """A binary stream whose bytes replace the file when the block ends, compressed by its suffix.

    Raises:
        StorageError: the file cannot be written; an old file is kept.
    """
    compression = split_suffixes(path)[1]
    failures: tuple[type[Exception], ...] = ()
    with replacing(path) as part, ExitStack() as closed:
        stream: Any
        if compression == ".gz":
            stream = gzip.open(part, "wb", compresslevel=6)  # noqa: SIM115
        elif compression == ".bz2":
            stream = bz2.open(part, "wb")  # noqa: SIM115
        elif compression == ".xz":
            stream = lzma.open(part, "wb", preset=3)  # noqa: SIM115
        elif compression == ".zst":
            with needed("a file that ends with .zst"):
                import zstandard

            # zstandard leaves a file that it has opened open where the end of the stream cannot be written.
            raw = closed.enter_context(open(part, "wb"))
            stream, failures = zstandard.open(raw, "wb"), (zstandard.ZstdError,)
        else:
            stream = open(part, "wb")  # noqa: SIM115
        try:
            with stream:
                yield stream
        except failures as error:  # too little memory, for one
            raise StorageError(f"{path}: cannot be written ({error}).") from error
