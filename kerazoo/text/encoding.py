"""Text -> vocabulary, ids and document offsets, in one pass over the source.

The calling thread reads files in chunks and decompresses them. Worker threads scan the chunks, each with its own word
table and therefore its own provisional ids. At the end of the text the tables are merged, the vocabulary is selected,
and the provisional ids are replaced. Final ids depend neither on the number of workers nor on the chunks.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import sys
import tempfile
from array import array
from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerazoo._runtime.files import Blocks
from kerazoo.errors import CorpusError, InvalidArgumentError, StorageError
from kerazoo.text.readers import Chunk, read_chunks
from kerazoo.text.vocabulary import Vocabulary, check_word, choose, choose_ranked
from kerazoo_ext._scan import PADDING, InvalidUtf8Error, Scanner, compact

__all__ = ["Encoded", "Encoder", "Limits", "TokenTable", "encode_document", "encode_files", "encode_tokens"]

CHUNK = 1 << 20  # bytes: larger chunks are not faster, smaller ones cost noticeable time in Python
_FLUSH = 1 << 20  # tokens of token lists that are collected for one piece


@dataclass(frozen=True)
class Limits:
    """Which words get an id: see :class:`Vocabulary`. With `vocabulary`, exactly its words."""

    min_count: int
    max_final_vocab: int | None
    unk: str | None
    vocabulary: Vocabulary | None


class _Memory:
    """Provisional ids of the pieces, in memory."""

    def __init__(self) -> None:
        self._pieces: list[NDArray[np.int32]] = []

    def add(self, ids: NDArray[np.int32]) -> None:
        self._pieces.append(ids)

    def take(self, piece: int) -> NDArray[np.int32]:
        """Return the ids of a piece and release them."""
        ids, self._pieces[piece] = self._pieces[piece], self._pieces[piece][:0]
        return ids

    def replace(self, piece: int, ids: NDArray[np.int32]) -> None:
        self._pieces[piece] = ids

    def close(self) -> None:
        self._pieces.clear()


class _Spill:
    """Provisional ids of the pieces, in a temporary file that the system deletes when it is closed."""

    def __init__(self, folder: Path) -> None:
        try:
            self._file: Any = tempfile.TemporaryFile(dir=folder, prefix=".kerazoo-", buffering=0)  # noqa: SIM115
        except OSError as error:
            raise StorageError(
                f"{folder}: cannot be written ({error.strerror}). The folder must exist and be writable."
            ) from error
        self._folder = folder
        self._spans: list[tuple[int, int]] = []  # first byte and size in bytes of each piece

    def add(self, ids: NDArray[np.int32]) -> None:
        begin = sum(self._spans[-1]) if self._spans else 0
        self._spans.append((begin, ids.nbytes))
        self._write(begin, ids)

    def take(self, piece: int) -> NDArray[np.int32]:
        """Return the ids of a piece."""
        begin, size = self._spans[piece]
        ids = np.empty(size // 4, np.int32)
        try:
            self._file.seek(begin)
            view = ids.view(np.uint8).data
            while view:
                got = self._file.readinto(view)
                if not got:
                    raise OSError(errno.EIO, "it was cut short")
                view = view[got:]
        except OSError as error:
            raise StorageError(
                f"{self._folder}: the temporary file of the scan cannot be read ({error.strerror}). Encode again."
            ) from error
        return ids

    def replace(self, piece: int, ids: NDArray[np.int32]) -> None:
        begin, _ = self._spans[piece]
        self._spans[piece] = (begin, ids.nbytes)
        self._write(begin, ids)

    def _write(self, begin: int, ids: NDArray[np.int32]) -> None:
        try:
            self._file.seek(begin)
            view = ids.view(np.uint8).data
            while view:
                view = view[self._file.write(view) :]
        except OSError as error:
            raise StorageError(
                f"{self._folder}: the temporary file of the scan cannot be written ({error.strerror}). "
                "It takes 4 bytes per raw word, in this folder, which is that of the corpus file."
            ) from error

    def close(self) -> None:
        self._file.close()


@dataclass
class Encoded:
    """The parts of an `EncodedCorpus`.

    Attributes:
        vocabulary: the vocabulary of the ids.
        offsets: int64 (n_documents + 1,), document offsets in ids.
        raw_offsets: int64 (n_documents + 1,), document offsets in raw words.
        n_empty_lines: int, empty lines of the source.
        ids: int32 (n_tokens,), as one array or in blocks.
    """

    vocabulary: Vocabulary
    offsets: NDArray[np.int64]
    raw_offsets: NDArray[np.int64]
    n_empty_lines: int
    ids: NDArray[np.int32] | Blocks


class Encoder:
    """Collects pieces of provisional ids and makes them final. A context manager, because of its temporary file.

    Args:
        limits: which words get an id.
        workers: int >= 1, threads.
        folder: keep the ids in a temporary file in this folder; None keeps them in memory.
    """

    def __init__(self, limits: Limits, workers: int, folder: Path | None = None) -> None:
        self.limits = limits
        self.workers = workers
        self._store: _Memory | _Spill = _Memory() if folder is None else _Spill(folder)
        self._sizes: list[int] = []
        self._line_ends: list[NDArray[np.int32]] = []
        self._tables: list[int] = []

    def __enter__(self) -> Encoder:
        return self

    def __exit__(self, *error: object) -> None:
        self._store.close()

    def add(self, ids: NDArray[np.int32], line_ends: NDArray[np.int32], table: int) -> None:
        """Add a piece: provisional ids (n,) of word table number `table`, and the end of each line, 0 to n."""
        self._store.add(ids)
        self._sizes.append(len(ids))
        self._line_ends.append(line_ends)
        self._tables.append(table)

    def finish(self, vocabulary: Vocabulary, mappings: Sequence[NDArray[np.int32]]) -> Encoded:
        """Replace the provisional ids of table k by ``mappings[k][id]``, where -1 drops the word."""
        raw_ends = _global_ends(self._line_ends, self._sizes)
        kept = self._compact(mappings)
        ends = _global_ends(self._line_ends, kept)
        filled = np.diff(raw_ends, prepend=0) > 0
        n_tokens = sum(kept)
        if isinstance(self._store, _Memory):
            ids: NDArray[np.int32] | Blocks = np.empty(n_tokens, np.int32)
            self._gather(ids, kept)  # type: ignore[arg-type]
        else:
            ids = Blocks((n_tokens,), np.dtype(np.int32), map(self._store.take, range(len(kept))))
        return Encoded(
            vocabulary,
            np.concatenate([[0], ends[filled]]),
            np.concatenate([[0], raw_ends[filled]]),
            int(len(raw_ends) - filled.sum()),
            ids,
        )

    def _compact(self, mappings: Sequence[NDArray[np.int32]]) -> list[int]:
        store = self._store

        def compact_piece(piece: int) -> int:
            ids = store.take(piece)
            kept = compact(ids, mappings[self._tables[piece]], self._line_ends[piece])
            store.replace(piece, ids[:kept])
            return kept

        pieces = range(len(self._sizes))
        if isinstance(store, _Spill):  # threads would share one file position
            return [compact_piece(piece) for piece in pieces]
        with ThreadPoolExecutor(self.workers) as pool:
            return list(pool.map(compact_piece, pieces))

    def _gather(self, target: NDArray[np.int32], kept: list[int]) -> None:
        starts = np.cumsum([0, *kept]).tolist()

        def copy_piece(piece: int) -> None:
            target[starts[piece] : starts[piece + 1]] = self._store.take(piece)

        with ThreadPoolExecutor(self.workers) as pool:
            list(pool.map(copy_piece, range(len(kept))))


def _global_ends(line_ends: list[NDArray[np.int32]], sizes: list[int]) -> NDArray[np.int64]:
    """Line ends relative to the start of the text instead of that of their piece: int64 (n_lines,)."""
    start, parts = 0, [np.zeros(0, np.int64)]
    for ends, size in zip(line_ends, sizes, strict=True):
        parts.append(ends.astype(np.int64) + start)
        start += size
    return np.concatenate(parts)


def encode_files(files: Sequence[Path], encoder: Encoder, errors: str, progress: bool | None) -> Encoded:
    """Encode text files, one document per line; the end of a file ends a line."""
    size = CHUNK
    # A random seed, so that no text can be constructed to collide. Results do not depend on it.
    seed = (secrets.randbits(64), secrets.randbits(64))
    scanners: list[Scanner] = []
    idle: deque[int] = deque()
    buffers: deque[NDArray[np.uint8]] = deque()

    def new_buffer(n: int) -> NDArray[np.uint8]:
        if n <= size + PADDING and buffers:
            return buffers.pop()
        return np.empty(n, np.uint8)

    def scan(chunk: Chunk) -> tuple[NDArray[np.int32], NDArray[np.int32], int]:
        table = idle.popleft()  # never empty: there is one per thread
        try:
            ids, line_ends = scan_chunk(scanners[table], chunk, errors)
        finally:
            idle.append(table)
        if len(chunk.buffer) == size + PADDING:
            buffers.append(chunk.buffer)
        return ids, line_ends, table

    pending: deque[tuple[Future[tuple[NDArray[np.int32], NDArray[np.int32], int]], int]] = deque()
    for _ in range(encoder.workers):
        idle.append(len(scanners))
        scanners.append(Scanner(seed))
    pool = ThreadPoolExecutor(encoder.workers, thread_name_prefix="kerazoo-scan")
    on_disk = sum(file.stat().st_size for file in files)
    try:
        with progress_bar(progress, on_disk, "B", "scan") as bar:
            for chunk in read_chunks(files, size, new_buffer):
                pending.append((pool.submit(scan, chunk), chunk.consumed))
                del chunk
                while len(pending) > encoder.workers + 2 or (pending and pending[0][0].done()):
                    future, consumed = pending.popleft()
                    encoder.add(*future.result())
                    bar.update(consumed)
            for future, consumed in pending:
                encoder.add(*future.result())
                bar.update(consumed)
    finally:  # also on Ctrl-C: running scans finish their chunk, waiting ones are cancelled
        pool.shutdown(cancel_futures=True)
    merged_ids = [np.arange(len(scanners[0]), dtype=np.int32)]
    merged_ids += [scanners[0].absorb(other) for other in scanners[1:]]
    counts = scanners[0].tally()
    check_not_empty(counts, f"{len(files)} file(s), the first is {str(files[0])!r}")
    limits = encoder.limits
    if limits.vocabulary is not None:
        words, _, ids = scanners[0].rank()
        vocabulary, mapping = limits.vocabulary, np.empty(len(words), np.int32)
        mapping[ids] = known_ids(words, vocabulary)
    else:
        # `unk` may itself be a word of the text, and does not count towards the limit.
        limit = limits.max_final_vocab
        least = min(limits.min_count, int(np.iinfo(np.int64).max))
        words, _, ids = scanners[0].rank(least, None if limit is None else limit + (limits.unk is not None))
        vocabulary, mapping = choose_ranked(words, ids, counts, limits.min_count, limit, limits.unk)
    scanners.clear()
    return encoder.finish(vocabulary, [mapping[ids] for ids in merged_ids])


def scan_chunk(scanner: Scanner, chunk: Chunk, errors: str) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The provisional ids (n,) of the words of a chunk, and the end of each line, 0 to n."""
    try:
        ids, line_ends = scanner.scan(chunk.buffer, chunk.size)
    except InvalidUtf8Error as error:
        if errors == "strict":
            raise not_utf8(chunk, error.position) from None
        text = chunk.buffer[: chunk.size].tobytes().decode("utf-8", errors).encode("utf-8")
        ids, line_ends = scanner.scan(text + bytes(PADDING), len(text))
    if chunk.ends_line:
        line_ends = np.append(line_ends, np.int32(len(ids)))
    return ids, line_ends


def encode_tokens(documents: Iterable[Iterable[str]], encoder: Encoder, progress: bool | None) -> Encoded:
    """Encode token lists, each one document; the iterable is read once."""
    table = TokenTable()
    collected, ends = array("i"), array("i")
    counts = np.zeros(0, np.int64)

    def flush(counts: NDArray[np.int64]) -> NDArray[np.int64]:
        ids = np.array(collected, np.int32)
        encoder.add(ids, np.array(ends, np.int32), 0)
        del collected[:], ends[:]
        tally = np.bincount(ids, minlength=len(table))
        tally[: len(counts)] += counts
        return tally

    number = -1
    with progress_bar(progress, None, "documents", "encode") as bar:
        for number, document in enumerate(documents):
            if isinstance(document, str | bytes) or not isinstance(document, Iterable):
                raise not_tokens(document, number)
            collected.extend(encode_document(document, number, table))
            ends.append(len(collected))
            if len(collected) >= _FLUSH:
                counts = flush(counts)
            bar.update(1)
    counts = flush(counts)
    check_not_empty(counts, f"{number + 1:,} documents")
    words, limits = list(table), encoder.limits
    if limits.vocabulary is not None:
        vocabulary, mapping = limits.vocabulary, known_ids(words, limits.vocabulary)
    else:
        vocabulary, mapping = choose(words, counts, limits.min_count, limits.max_final_vocab, limits.unk)
    return encoder.finish(vocabulary, [mapping])


class TokenTable(dict[str, int]):
    """Word -> id in order of first occurrence. Checks each word once, when it is new."""

    def __missing__(self, word: Any) -> int:
        check_word(word, "token")
        new = len(self)
        self[str(word)] = new
        return new


def encode_document(document: Iterable[str], number: int, table: TokenTable) -> list[int]:
    """The ids in `table` of the tokens of document `number`; new words are added to it.

    Raises:
        CorpusError: a token is not a str, empty, or cannot be encoded as UTF-8.
    """
    tokens = document if isinstance(document, list | tuple) else list(document)
    found: list[int] = []
    try:
        found.extend(map(table.__getitem__, tokens))
    except (InvalidArgumentError, TypeError) as error:
        index = len(found)  # the tokens before the bad one are already in
        if isinstance(error, TypeError) and isinstance(tokens[index], str):
            raise
        raise CorpusError(bad_token(tokens[index], number, index)) from None
    return found


def known_ids(words: list[str], vocabulary: Vocabulary) -> NDArray[np.int32]:
    """The id of each word in `vocabulary`, int32 (n_words,); that of `unk`, or -1, for unknown words."""
    unknown = -1 if vocabulary.unk_id is None else vocabulary.unk_id
    lookup = vocabulary.ids.get
    return np.fromiter((lookup(word, unknown) for word in words), np.int32, len(words))


def progress_bar(progress: bool | None, total: int | None, unit: str, title: str) -> Any:
    """A tqdm progress bar; with `progress=None` it appears only on a terminal, after two seconds."""
    if progress is False or sys.stderr is None:  # there is none under pythonw, and in some services
        return _NoBar()
    from tqdm import tqdm

    return tqdm(
        total=total, unit=unit, unit_scale=True, desc=title, disable=None if progress is None else False,
        delay=2 if progress is None else 0, leave=bool(progress),
    )  # fmt: skip


class _NoBar(contextlib.nullcontext["_NoBar"]):
    def __enter__(self) -> _NoBar:
        return self

    def update(self, n: int) -> None:
        pass


def check_not_empty(counts: NDArray[np.int64], source: str) -> None:
    """Raise :class:`CorpusError` if no word was counted in `source`."""
    if not counts.size:
        raise CorpusError(f"the corpus is empty: no word in {source}. Check that the source has text.")


def not_tokens(document: Any, number: int) -> CorpusError:
    """The error for a document that is not a list of tokens."""
    if isinstance(document, str):
        return CorpusError(
            f"document {number} is the str {shorten(document)}; expected a list of tokens. "
            "Split it: [doc.split() for doc in docs]; for file names pass pathlib.Path objects."
        )
    if isinstance(document, os.PathLike):
        return CorpusError(
            f"document {number} is {shorten(document)}, a path; expected a list of tokens. Files are passed as a list "
            "or tuple of paths, such as list(paths)."
        )
    return CorpusError(
        f"document {number} is {shorten(document)}, of type {type(document).__name__}; expected a list of tokens (str)."
    )


def bad_token(token: Any, number: int, index: int) -> str:
    """The error message for a token that is not a non-empty str that UTF-8 can encode."""
    if isinstance(token, str) and token:
        return (
            f"document {number}, token {index} is {shorten(token)}, which contains a lone surrogate and cannot be "
            "encoded as UTF-8. token.encode('utf-8', 'replace').decode() replaces it."
        )
    remedy = {
        str: "text.split() returns no empty tokens.",
        bytes: "token.decode('utf-8') returns a str.",
        type(None): "Remove missing values.",
    }.get(type(token), "str(token) converts it.")
    return (
        f"document {number}, token {index} is {shorten(token)}, of type {type(token).__name__}; "
        f"expected a str that is not empty. {remedy}"
    )


def not_utf8(chunk: Chunk, position: int) -> CorpusError:
    """The error for a byte that is not UTF-8, with a guess at the type of the file."""
    data = chunk.buffer[: chunk.size].tobytes()
    guess = ""
    if chunk.offset == 0:
        for mark, name in _MARKS.items():
            if data.startswith(mark):
                guess = f" It looks like {name}."
    return CorpusError(
        f"{chunk.path}: byte 0x{data[position]:02x} at position {chunk.offset + position:,} of the text is not UTF-8."
        f"{guess} Convert the file (iconv -f ENCODING -t UTF-8), or pass errors='replace' or errors='ignore'."
    )


_MARKS = {
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
    b"\x1f\x8b": "gzip: give the file the suffix .gz",
    b"\xfd7zXZ\x00": "xz: give the file the suffix .xz",
    b"\x28\xb5\x2f\xfd": "zstd: give the file the suffix .zst",
    b"BZh9": "bzip2: give the file the suffix .bz2",
}


def shorten(value: Any) -> str:
    """`repr(value)`, of at most 60 characters."""
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."
