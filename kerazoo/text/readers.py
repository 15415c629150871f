"""Sources of text: which objects may be passed as a corpus, and files read in chunks, compressed or not."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import stat
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from kerazoo._runtime.locks import release
from kerazoo._runtime.optional import needed
from kerazoo.errors import CorpusError, CorpusNotFoundError
from kerazoo_ext._scan import MAX_CHUNK, PADDING

__all__ = [
    "CUTS",
    "BoundedStream",
    "Chunk",
    "XzStream",
    "ZstdStream",
    "chunks_of",
    "damage",
    "files_of",
    "is_compressed",
    "is_files",
    "open_text",
    "read_chunks",
]

# Bytes at which a text may be cut: the ASCII white space of str.split().
CUTS = np.zeros(256, bool)
CUTS[[*range(0x09, 0x0E), *range(0x1C, 0x21)]] = True

_NO_LIST = (
    "For a text in memory pass lists of tokens, such as [line.split() for line in text.splitlines()]; "
    "for files pass pathlib.Path objects, such as [Path(name) for name in names]."
)


def is_files(source: Any) -> bool:
    """True if `source` is a path or a list of paths, False if it is an iterable of token lists.

    A str is always a path. A list of str is ambiguous; :func:`kerazoo.text.encoding.encode_tokens` refuses it.

    Raises:
        CorpusError: `source` is neither.
    """
    if isinstance(source, str | os.PathLike):
        return True
    if isinstance(source, bytes | bytearray):
        raise CorpusError(
            f"the corpus is a {type(source).__name__} object; expected a path or lists of tokens. {_NO_LIST}"
        )
    if not isinstance(source, Iterable):
        raise CorpusError(
            f"the corpus is of type {type(source).__name__}; expected a path, a list of paths, or an iterable of "
            f"token lists. {_NO_LIST}"
        )
    if isinstance(source, list | tuple) and source:
        paths = [isinstance(item, os.PathLike) for item in source]
        if all(paths):
            return True
        if any(paths):
            odd = paths.index(False)
            raise CorpusError(
                f"the corpus is a list of paths, but its item {odd} is of type {type(source[odd]).__name__}. {_NO_LIST}"
            )
    return False


def files_of(
    source: str | os.PathLike[str] | Iterable[os.PathLike[str]], exclude: Iterable[str | os.PathLike[str]] = ()
) -> list[Path]:
    """The files that `source` names, in order; a directory means all its files, sorted, without hidden ones.

    Links to other directories are followed, each directory once. `exclude` are files and directories that a directory
    is read without.
    """
    left_out = {Path(name).resolve() for name in exclude}
    named = [source] if isinstance(source, str | os.PathLike) else list(source)
    files: list[Path] = []
    for name in named:
        path = Path(name)
        try:
            exists, folder = path.exists(), path.is_dir()
        except (OSError, ValueError) as error:  # too long for a path, or contains NUL: probably a text
            raise CorpusNotFoundError(_missing(name, str(error))) from None
        if not exists:
            raise CorpusNotFoundError(_missing(name, "no such file or directory"))
        if folder:
            found = sorted(_files_below(path, left_out))
            if not found:
                raise CorpusError(f"{path}: the directory has no files (hidden ones, .*, are skipped).")
            files += found
        else:
            files.append(path)
    return files


def _files_below(top: Path, left_out: set[Path]) -> Iterator[Path]:
    """The files of a directory and of those below it, in any order."""
    root = top.resolve()
    seen = {root}
    for folder, names, files in os.walk(top, followlinks=True):
        here = Path(folder)
        kept = []
        for name in sorted(names):
            real = (here / name).resolve()
            # A link into the directory itself leads to what is read anyway, perhaps in a circle.
            again = real in seen or ((here / name).is_symlink() and root in (real, *real.parents))
            if not name.startswith(".") and not again and real not in left_out:
                kept.append(name)
                seen.add(real)
        names[:] = kept
        for name in files:
            path = here / name
            if not name.startswith(".") and path.is_file() and not (left_out and path.resolve() in left_out):
                yield path


def _missing(name: Any, reason: str) -> str:
    shown = os.fspath(name)
    # A path is shown in full. A str with spaces is probably a text, of which the beginning is enough.
    limit = 80 if any(character.isspace() for character in shown) else 400
    short = shown if len(shown) <= limit else shown[: limit - 3] + "..."
    message = f"{short!r}: {reason}."
    if isinstance(name, str) and any(character.isspace() for character in shown):
        message += f" A str is taken as a path. {_NO_LIST}"
    else:
        message += f" Check the path; the current directory is {os.getcwd()!r}."
    return message


@dataclass
class Chunk:
    """A piece of text that ends at ASCII white space or at the end of its file.

    Attributes:
        path: the file.
        offset: int, position of the first byte in the (decompressed) file.
        buffer: uint8, the text followed by padding.
        size: int, bytes of text in `buffer`.
        ends_line: whether the file ends here without a line end.
        consumed: int, bytes of the (compressed) file read since the previous chunk.
    """

    path: Path
    offset: int
    buffer: NDArray[np.uint8]
    size: int
    ends_line: bool
    consumed: int


def read_chunks(
    files: Iterable[Path],
    size: int,
    new_buffer: Callable[[int], NDArray[np.uint8]] = lambda capacity: np.empty(capacity, np.uint8),
) -> Generator[Chunk, None, None]:
    """Read the files in chunks of about `size` bytes that end after white space.

    A longer word makes its chunk longer. A byte order mark at the start of a file is skipped.

    Args:
        files: text files, compressed or not.
        size: int, bytes per chunk.
        new_buffer: called with n, returns a uint8 array of at least n bytes. The caller may reuse it after it has
            processed the chunk.
    """
    for path in files:
        with open_text(path) as (stream, raw):
            yield from chunks_of(path, stream, raw, size, new_buffer)


def is_compressed(path: Path) -> bool:
    """Whether the suffix says that the file has to be decompressed, so that it can only be read from its start."""
    return path.suffix.lower() in _OPENERS


def chunks_of(
    path: Path,
    stream: BinaryIO,
    raw: BinaryIO,
    size: int,
    new_buffer: Callable[[int], NDArray[np.uint8]],
    offset: int = 0,
    last: int = ord("\n"),
    whole: bool = True,
) -> Iterator[Chunk]:
    """The chunks of `stream`, which starts at byte `offset`, behind the byte `last`; `whole`: it ends with the file."""
    consumed = offset
    buffer, filled, first = new_buffer(size + PADDING), 0, offset == 0
    while True:
        capacity = len(buffer) - PADDING
        got = _fill(path, stream, buffer, filled, capacity, offset)
        at_end = filled + got < capacity
        filled += got
        if (first and filled >= 3) or at_end:
            if first:
                _check_is_text(path, buffer[:filled])
            # The buffer may hold an earlier file behind what was read.
            if first and buffer[: min(filled, 3)].tobytes() == b"\xef\xbb\xbf":
                offset, filled = 3, filled - 3
                buffer[:filled] = buffer[3 : filled + 3].copy()
            first = False
        cut = filled if at_end else _last_cut(buffer, filled)
        if cut == 0 and not at_end:  # one word fills the buffer
            if capacity * 2 > MAX_CHUNK:
                raise CorpusError(
                    f"{path}: {capacity:,} bytes from byte {offset:,} on have no ASCII white space. Is it a text file?"
                )
            larger = new_buffer(capacity * 2 + PADDING)
            larger[:filled] = buffer[:filled]
            buffer = larger
            continue
        following = None if at_end else new_buffer(max(size, 2 * (filled - cut)) + PADDING)
        if following is not None:
            following[: filled - cut] = buffer[cut:filled]
        if cut:
            last = int(buffer[cut - 1])
        position = _tell(raw)
        yield Chunk(path, offset, buffer, cut, at_end and whole and last != ord("\n"), position - consumed)
        if following is None:
            return
        consumed = position
        offset, filled, buffer = offset + cut, filled - cut, following


def _check_is_text(path: Path, start: NDArray[np.uint8]) -> None:
    """Refuse archives, and text in UTF-16, which UTF-8 can mostly be read from: NULs would become parts of words.

    Args:
        path: for the message.
        start: uint8 (n,), the first bytes of the (decompressed) file.
    """
    head = start[:4096]
    if head[257:262].tobytes() == b"ustar" or head[:4].tobytes() == b"PK\x03\x04":
        kind, command = ("a tar", "tar -xf") if head[:2].tobytes() != b"PK" else ("a zip", "unzip")
        raise CorpusError(
            f"{path}: {kind} archive; expected text. Extract it ({command} {path.name}) and pass the folder."
        )
    if "\ufffd" in head.tobytes()[:-4].decode("utf-8", "replace"):  # the error for what is not UTF-8 has its own guess
        return
    if len(head) < 16:  # a few NULs may be what they are
        return
    # Shares of NULs among the bytes at the places 0, 1, 2, 3 of every four: ASCII is one byte and nothing else.
    shares = [float((head[place::4] == 0).mean()) for place in range(4)]
    few, many = [share < 0.3 for share in shares], [share > 0.9 for share in shares]
    for place, guess in ((0, "LE"), (3, "BE")):
        others = many[:place] + many[place + 1 :]
        if few[place] and all(others):
            raise _other_encoding(path, f"UTF-32{guess}")
    for place, guess in ((0, "LE"), (1, "BE")):
        if few[place] and few[place + 2] and many[1 - place] and many[3 - place]:
            raise _other_encoding(path, f"UTF-16{guess}")


def _other_encoding(path: Path, name: str) -> CorpusError:
    return CorpusError(
        f"{path}: looks like {name} without a byte order mark; expected UTF-8. Convert the file "
        f"(iconv -f {name} -t UTF-8)."
    )


def _last_cut(buffer: NDArray[np.uint8], filled: int) -> int:
    """Number of bytes up to and including the last white space."""
    step = 4096
    for stop in range(filled, 0, -step):
        start = max(0, stop - step)
        found = np.flatnonzero(CUTS[buffer[start:stop]])
        if found.size:
            return start + int(found[-1]) + 1
    return 0


def _fill(path: Path, stream: BinaryIO, buffer: NDArray[np.uint8], filled: int, capacity: int, offset: int) -> int:
    """Read until the buffer is full or the file ends; returns the number of bytes read."""
    view = buffer.data[filled:capacity]
    got = 0
    try:
        while got < len(view):
            step = stream.readinto(view[got:])  # type: ignore[attr-defined]
            if not step:
                break
            got += step
    except damage() as error:
        reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        if path.suffix.lower() in _OPENERS:
            raise CorpusError(
                f"{path}: the compressed file is damaged or truncated ({reason}), "
                f"readable up to byte {offset + filled + got:,} of the text. Download or compress it again."
            ) from error
        raise CorpusError(f"{path}: cannot be read ({reason}).") from error
    return got


def damage() -> tuple[type[BaseException], ...]:
    """What reading a damaged or truncated file raises, compressed or not."""
    return (OSError, EOFError, zlib.error, lzma.LZMAError, *_zstd_errors, *_isal_errors)


def _tell(raw: BinaryIO) -> int:
    try:
        return raw.tell()
    except OSError:  # a pipe
        return 0


class open_text:
    """Context manager that opens a file: (the decompressed stream, the raw file), both binary.

    The suffix of the file decides on the compression. `ratio` and `least`: see :class:`BoundedStream`.
    """

    def __init__(self, path: Path, ratio: int = 1000, least: int = 1 << 26) -> None:
        self.path = path
        self._bounds = (ratio, least)

    def __enter__(self) -> tuple[BinaryIO, BinaryIO]:
        self.raw: Any = None
        self.stream: Any = None
        try:
            self.raw = open(self.path, "rb", buffering=0)
            self.stream = self._decompressed(os.fstat(self.raw.fileno()))
            return self.stream, self.raw
        except FileNotFoundError:
            raise CorpusNotFoundError(_missing(self.path, "no such file or directory")) from None
        except OSError as error:
            raise CorpusError(
                f"{self.path}: cannot be opened ({error.strerror}). Check the permissions of the file."
            ) from error
        finally:
            if self.raw is not None and self.stream is None:
                release(self.raw)

    def _decompressed(self, status: os.stat_result) -> Any:
        opener = _OPENERS.get(self.path.suffix.lower())
        if opener is None or (stat.S_ISREG(status.st_mode) and status.st_size == 0):  # empty, not truncated
            return self.raw
        return BoundedStream(opener(self.raw), status.st_size, *self._bounds)

    def __exit__(self, *error: object) -> None:
        for file in (self.stream, self.raw):
            release(file)  # what was read is not worse for an error


class BoundedStream(io.RawIOBase):
    """Decompressed bytes, but not without bound: a file of a few bytes can hold the same byte 10^12 times.

    Args:
        stream: of the decompressed bytes; closed with this one.
        stored: bytes of the compressed file.
        ratio: an OSError is raised beyond this many times `stored`,
        least: but not before this many bytes.
    """

    def __init__(self, stream: Any, stored: int, ratio: int, least: int) -> None:
        self._stream, self._left = stream, max(least, ratio * stored)
        self._reason = f"it expands to more than {ratio} times its size; if it is intact, decompress it first"

    def readable(self) -> bool:
        """True: the stream can be read."""
        return True

    def readinto(self, target: Any) -> int:
        """Fill `target` from its start; returns the number of bytes, 0 at the end of the file."""
        got: int = self._stream.readinto(target)
        self._left -= got
        if self._left < 0:
            raise OSError(self._reason)
        return got

    def close(self) -> None:
        """Close both streams."""
        self._stream.close()
        super().close()


class ZstdStream(io.RawIOBase):
    """Decompressed bytes of a .zst file. `zstandard.stream_reader` does not detect a truncated file."""

    def __init__(self, raw: BinaryIO) -> None:
        with needed("a file that ends with .zst"):
            import zstandard

        global _zstd_errors
        _zstd_errors = (zstandard.ZstdError,)
        self._raw = raw
        self._new = zstandard.ZstdDecompressor().decompressobj
        self._frame: Any = None
        self._ready = memoryview(b"")
        self._input = b""

    def readable(self) -> bool:
        """True: the stream can be read."""
        return True

    def readinto(self, target: Any) -> int:
        """Fill `target` from its start; returns the number of bytes, 0 at the end of the file."""
        while not self._ready:
            if not self._input:
                self._input = self._raw.read(1 << 10)  # small: the output may be 32,768 times longer
                if not self._input:
                    if self._frame is not None:
                        raise EOFError("the last frame is incomplete")
                    return 0
            if self._frame is None:
                self._frame = self._new()
            self._ready = memoryview(self._frame.decompress(self._input))
            self._input = b""
            if self._frame.eof:
                self._input, self._frame = self._frame.unused_data, None
        got = min(len(target), len(self._ready))
        target[:got] = self._ready[:got]
        self._ready = self._ready[got:]
        return got


def _open_gzip(raw: Any) -> Any:
    """Decompressed bytes of a .gz file, by the package isal where it is installed: more than three times as fast."""
    try:
        from isal import igzip, isal_zlib
    except ImportError:
        return gzip.GzipFile(fileobj=io.BufferedReader(raw, 1 << 17), mode="rb")
    global _isal_errors
    _isal_errors = (isal_zlib.IsalError,)
    return igzip.IGzipFile(fileobj=raw, mode="rb")


class XzStream(io.RawIOBase):
    """Decompressed bytes of an .xz file. `lzma.LZMAFile` takes as much memory as the file asks for, up to 4 GiB."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self._part: lzma.LZMADecompressor | None = None
        self._input = b""

    def readable(self) -> bool:
        """True: the stream can be read."""
        return True

    def readinto(self, target: Any) -> int:
        """Fill `target` from its start; returns the number of bytes, 0 at the end of the file."""
        while len(target):
            if not self._input and (self._part is None or self._part.needs_input):
                self._input = self._raw.read(1 << 16)
                if not self._input:
                    if self._part is not None:
                        raise EOFError("the last stream is incomplete")
                    return 0
            if self._part is None:
                self._input = self._input.lstrip(b"\0")  # streams may be padded
                if not self._input:
                    continue
                self._part = lzma.LZMADecompressor(lzma.FORMAT_AUTO, memlimit=_XZ_MEMORY)
            found = self._part.decompress(self._input, len(target))
            self._input = b""
            if self._part.eof:
                self._input, self._part = self._part.unused_data, None
            if found:
                target[: len(found)] = found
                return len(found)
        return 0


_XZ_MEMORY = 1 << 28  # xz -9 needs 65 MiB
_zstd_errors: tuple[type[BaseException], ...] = ()
_isal_errors: tuple[Any, ...] = ()
# gzip.GzipFile and the others verify the checksum at the end and read concatenated members.
_OPENERS: dict[str, Callable[[Any], Any]] = {
    ".gz": _open_gzip,
    ".bz2": bz2.BZ2File,
    ".xz": lambda raw: XzStream(io.BufferedReader(raw, 1 << 17)),
    ".zst": lambda raw: ZstdStream(io.BufferedReader(raw, 1 << 17)),
}
_OPENERS[".tgz"] = _OPENERS[".gz"]  # its archive is named as such
