"""Text -> vocabulary, ids and document offsets, in one pass over the source.

Threads read and scan files (:mod:`kerazoo.text.file_scan`), each with its own word table and therefore its own
provisional ids. At the end of the text the tables are merged, the vocabulary is selected, and the provisional ids are
replaced. Final ids depend neither on the number of workers nor on the chunks.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import tempfile
import threading
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerazoo._runtime.files import Blocks
from kerazoo._runtime.locks import release
from kerazoo.errors import CorpusError, StorageError
from kerazoo.text.file_scan import FileScan, Scanned
from kerazoo.text.vocabulary import Vocabulary, choose, choose_ranked
from kerazoo_ext._scan import Scanner, compact, move
from kerazoo_ext._token_lists import TokenError, WordIds

__all__ = ["Encoded", "Encoder", "Limits", "add_document", "encode_files", "encode_tokens"]

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
        self.pieces: list[NDArray[np.int32]] = []

    def add(self, ids: NDArray[np.int32]) -> None:
        self.pieces.append(ids)

    def take(self, piece: int) -> NDArray[np.int32]:
        """Return the ids of a piece and release them."""
        ids, self.pieces[piece] = self.pieces[piece], self.pieces[piece][:0]
        return ids

    def close(self) -> None:
        self.pieces.clear()


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
        release(self._file)


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

    @property
    def in_memory(self) -> bool:
        """Whether the provisional ids are kept in memory."""
        return isinstance(self._store, _Memory)

    def finish(self, vocabulary: Callable[[], Vocabulary], mappings: Sequence[NDArray[np.int32]]) -> Encoded:
        """Replace the provisional ids of table k by ``mappings[k][id]``, where -1 drops the word.

        `vocabulary` is called while other threads replace the ids.
        """
        raw_ends = _global_ends(self._line_ends, self._sizes)
        filled = np.diff(raw_ends, prepend=0) > 0
        n_pieces = len(self._sizes)
        kept = [0] * n_pieces

        def compact_piece(piece: int) -> NDArray[np.int32]:
            ids = self._store.take(piece)
            kept[piece] = compact(ids, mappings[self._tables[piece]], self._line_ends[piece])
            return ids[: kept[piece]]

        if isinstance(self._store, _Spill):  # threads would share one file position
            for piece in range(n_pieces):
                self._store.replace(piece, compact_piece(piece))
            ids: NDArray[np.int32] | Blocks = Blocks(
                (sum(kept),), np.dtype(np.int32), map(self._store.take, range(n_pieces))
            )
            chosen = vocabulary()
        elif n_pieces == 1:  # threads would take longer to start
            ids = compact_piece(0).copy()
            chosen = vocabulary()
        else:
            joined = _Joined(self._store.pieces)
            with ThreadPoolExecutor(self.workers) as pool:
                done = pool.map(lambda piece: joined.put(piece, compact_piece(piece)), range(n_pieces))
                chosen = vocabulary()
                list(done)  # raises their errors
            ids = joined.values()
        ends = _global_ends(self._line_ends, kept)
        return Encoded(
            chosen,
            np.concatenate([[0], ends[filled]]),
            np.concatenate([[0], raw_ends[filled]]),
            int(len(raw_ends) - filled.sum()),
            ids,
        )


class _Joined:
    """Pieces of ids that become one array: where they lie, if that is one after another in an array, else in a new one.

    Threads put the pieces in any order. One thread at a time moves them, each when all before it have been moved: they
    are then still in a cache.
    """

    def __init__(self, pieces: Sequence[NDArray[np.int32]]) -> None:
        self._size = sum(map(len, pieces))
        whole = _whole(pieces)
        self._in_place = whole is not None
        self._ids = np.empty(self._size, np.int32) if whole is None else whole
        self._begins = np.cumsum([0, *map(len, pieces)]).tolist()
        self._lock = threading.Lock()
        self._waiting: dict[int, NDArray[np.int32]] = {}
        self._next = self._filled = 0
        self._moving = False

    def put(self, piece: int, ids: NDArray[np.int32]) -> None:
        """Add what is left of piece number `piece`."""
        with self._lock:
            self._waiting[piece] = ids
            if self._moving:
                return
            self._moving = True
        while True:
            with self._lock:
                number, found = self._next, self._waiting.pop(self._next, None)
                if found is None:
                    self._moving = False
                    return
                self._next += 1
            if self._in_place:
                begin = self._begins[number]
                move(self._ids, begin, begin + len(found), self._filled)
            else:
                self._ids[self._filled : self._filled + len(found)] = found
            self._filled += len(found)

    def values(self) -> NDArray[np.int32]:
        """All ids, when all pieces are put; without the memory of many that were dropped."""
        ids = self._ids[: self._filled]
        return ids if self._filled > 0.75 * self._size else ids.copy()


def _whole(pieces: Sequence[NDArray[np.int32]]) -> NDArray[np.int32] | None:
    """The part of an array that the pieces make up, one after another; None if they are somewhere else."""
    base, end = pieces[0].base, pieces[0].ctypes.data
    for piece in pieces:
        if piece.base is not base or (len(piece) and piece.ctypes.data != end):
            return None
        end += piece.nbytes
    if not isinstance(base, np.ndarray):
        return None
    begin = (pieces[0].ctypes.data - base.ctypes.data) // 4
    return base[begin : begin + sum(map(len, pieces))]


def _global_ends(line_ends: list[NDArray[np.int32]], sizes: list[int]) -> NDArray[np.int64]:
    """Line ends relative to the start of the text instead of that of their piece: int64 (n_lines,)."""
    start, parts = 0, [np.zeros(0, np.int64)]
    for ends, size in zip(line_ends, sizes, strict=True):
        parts.append(ends.astype(np.int64) + start)
        start += size
    return np.concatenate(parts)


def encode_files(files: Sequence[Path], encoder: Encoder, errors: str, progress: bool | None) -> Encoded:
    """Encode text files, one document per line; the end of a file ends a line."""
    scan = FileScan(files, CHUNK, errors, encoder.in_memory)
    scanned: dict[int, Scanned] = {}  # chunks that come after one that is not ready
    number, at_end = 0, False
    on_disk = sum(file.stat().st_size for file in files)
    pool = ThreadPoolExecutor(encoder.workers, thread_name_prefix="kerazoo-scan")
    try:
        pending: deque[Future[Scanned | None]] = deque(pool.submit(scan.next) for _ in range(encoder.workers + 2))
        with progress_bar(progress, on_disk, "B", "scan") as bar:
            while pending:
                found = pending.popleft().result()
                if found is None:
                    at_end = True
                    continue
                if not at_end:
                    pending.append(pool.submit(scan.next))
                scanned[found.number] = found
                while (found := scanned.pop(number, None)) is not None:
                    if found.error is not None:
                        raise found.error
                    encoder.add(found.ids, found.line_ends, found.table)
                    bar.update(found.consumed)
                    number += 1
    finally:  # also on Ctrl-C: running scans finish their chunk, waiting ones are cancelled
        pool.shutdown(cancel_futures=True)
        scan.close()
    scanners = scan.scanners
    merged_ids = [np.arange(len(scanners[0]), dtype=np.int32)]
    merged_ids += [scanners[0].absorb(other) for other in scanners[1:]]
    counts, limits = scanners[0].tally(), encoder.limits
    del scanners[1:]
    check_not_empty(counts, f"{len(files)} file(s), the first is {str(files[0])!r}")
    vocabulary, mapping = _choose(scanners.pop(), counts, limits)
    return encoder.finish(vocabulary, [mapping[ids] for ids in merged_ids])


def _choose(
    scanner: Scanner, counts: NDArray[np.int64], limits: Limits
) -> tuple[Callable[[], Vocabulary], NDArray[np.int32]]:
    """The vocabulary, perhaps not yet made, and the id in it of each word of `scanner`, int32 (n_types,)."""
    if limits.vocabulary is not None:
        given = limits.vocabulary
        ranked = scanner.ranked()
        mapping = np.empty(len(ranked.ids), np.int32)
        mapping[ranked.ids] = known_ids(ranked.words(), given)
        return lambda: given, mapping
    # `unk` may itself be a word of the text, and does not count towards the limit.
    limit = limits.max_final_vocab
    least = min(limits.min_count, int(np.iinfo(np.int64).max))
    ranked = scanner.ranked(least, None if limit is None else limit + (limits.unk is not None))

    def choose() -> tuple[Vocabulary, NDArray[np.int32]]:
        return choose_ranked(ranked.words(), ranked.ids, counts, limits.min_count, limit, limits.unk)

    if limits.unk is None and len(ranked.ids):  # the ids are the ranks; the words can wait
        mapping = np.full(len(counts), -1, np.int32)
        mapping[ranked.ids] = np.arange(len(ranked.ids), dtype=np.int32)
        return lambda: choose()[0], mapping
    vocabulary, mapping = choose()
    return lambda: vocabulary, mapping


def encode_tokens(documents: Iterable[Iterable[str]], encoder: Encoder, progress: bool | None) -> Encoded:
    """Encode token lists, each one document; the iterable is read once."""
    found, ends = WordIds(), array("i")
    counts = np.zeros(0, np.int64)

    def flush(counts: NDArray[np.int64]) -> NDArray[np.int64]:
        ids = found.take()
        encoder.add(ids, np.array(ends, np.int32), 0)
        del ends[:]
        tally = np.bincount(ids, minlength=len(found.table))
        tally[: len(counts)] += counts
        return tally

    number = -1
    with progress_bar(progress, None, "documents", "encode") as bar:
        for number, document in enumerate(documents):
            add_document(found, document, number)
            ends.append(len(found))
            if len(found) >= _FLUSH:
                counts = flush(counts)
            bar.update(1)
    counts = flush(counts)
    check_not_empty(counts, f"{number + 1:,} documents")
    words, limits = list(found.table), encoder.limits
    if limits.vocabulary is not None:
        vocabulary, mapping = limits.vocabulary, known_ids(words, limits.vocabulary)
    else:
        vocabulary, mapping = choose(words, counts, limits.min_count, limits.max_final_vocab, limits.unk)
    return encoder.finish(lambda: vocabulary, [mapping])


def add_document(words: WordIds, document: Any, number: int) -> int:
    """Append the ids of the tokens of document `number`; returns how many they are.

    Raises:
        CorpusError: it is no list of tokens, or a token is not a str, empty, or cannot be encoded as UTF-8.
    """
    if isinstance(document, str | bytes) or not isinstance(document, Iterable):
        raise not_tokens(document, number)
    tokens = document if isinstance(document, list | tuple) else list(document)
    try:
        return words.add(tokens)
    except TokenError as error:
        raise CorpusError(bad_token(tokens[error.token], number, error.token)) from None


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


def shorten(value: Any) -> str:
    """`repr(value)`, of at most 60 characters."""
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."
