"""Text -> vocabulary, ids and document borders, in one pass over the source.

Files are read in chunks by the calling thread, which decompresses too, and scanned by worker threads, each with a
word table of its own and so with ids of its own. When the text is at its end the tables are joined, the vocabulary is
chosen, and the provisional ids are replaced. Final ids depend neither on the number of workers nor on the chunks.
"""

from __future__ import annotations

import contextlib
import secrets
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
from kerazoo.text.vocabulary import Vocabulary, check_word, choose, settle
from kerazoo_ext._scan import PADDING, InvalidUtf8Error, Scanner, compact

__all__ = ["Encoded", "Encoder", "Limits", "encode_files", "encode_tokens"]

CHUNK = 1 << 20  # bytes: larger ones gain nothing, smaller ones make Python's part felt
_FLUSH = 1 << 20  # tokens of token lists that are gathered before they become a piece


@dataclass(frozen=True)
class Limits:
    """Which words get an id: see :class:`Vocabulary`. With `vocabulary`, exactly its words do."""

    min_count: int
    max_final_vocab: int | None
    unk: str | None
    vocabulary: Vocabulary | None


class _Memory:
    """Provisional ids of the pieces, kept in memory."""

    def __init__(self) -> None:
        self._pieces: list[NDArray[np.int32]] = []

    def add(self, ids: NDArray[np.int32]) -> None:
        self._pieces.append(ids)

    def take(self, place: int) -> NDArray[np.int32]:
        """The ids of a piece, for the last time."""
        ids, self._pieces[place] = self._pieces[place], self._pieces[place][:0]
        return ids

    def close(self) -> None:
        self._pieces.clear()


class _Spill:
    """The same in a temporary file, which is gone when closed, whatever happens."""

    def __init__(self, folder: Path) -> None:
        try:
            self._file: Any = tempfile.TemporaryFile(dir=folder, prefix=".kerazoo-", buffering=0)  # noqa: SIM115
        except OSError as error:
            raise StorageError(
                f"{folder}: cannot be written ({error.strerror}). The folder must exist and be writable."
            ) from error
        self._places: list[tuple[int, int]] = []

    def add(self, ids: NDArray[np.int32]) -> None:
        begin = sum(self._places[-1]) if self._places else 0
        self._places.append((begin, ids.nbytes))
        self._write(begin, ids)

    def take(self, place: int) -> NDArray[np.int32]:
        begin, size = self._places[place]
        ids = np.empty(size // 4, np.int32)
        self._file.seek(begin)
        view = ids.view(np.uint8).data
        while view:
            view = view[self._file.readinto(view) :]
        return ids

    def replace(self, place: int, ids: NDArray[np.int32]) -> None:
        begin, _ = self._places[place]
        self._places[place] = (begin, ids.nbytes)
        self._write(begin, ids)

    def _write(self, begin: int, ids: NDArray[np.int32]) -> None:
        try:
            self._file.seek(begin)
            view = ids.view(np.uint8).data
            while view:
                view = view[self._file.write(view) :]
        except OSError as error:
            raise StorageError(
                f"the temporary file of the scan cannot be written ({error.strerror}). "
                "It takes 4 bytes a raw word beside the corpus file."
            ) from error

    def close(self) -> None:
        self._file.close()


@dataclass
class Encoded:
    """What an EncodedCorpus is made of.

    offsets, raw_offsets : int64 (n_documents + 1,), document borders among the ids and among the raw words
    ids : int32 (n_tokens,), whole or in blocks
    """

    vocabulary: Vocabulary
    offsets: NDArray[np.int64]
    raw_offsets: NDArray[np.int64]
    n_empty_lines: int
    ids: NDArray[np.int32] | Blocks


class Encoder:
    """Gathers pieces of provisional ids and makes them final. A context manager, for its temporary file.

    With `folder`, the ids lie in a file there rather than in memory.
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
        """The next piece: provisional ids (n,) of a table, and for each line its end, 0 to n."""
        self._store.add(ids)
        self._sizes.append(len(ids))
        self._line_ends.append(line_ends)
        self._tables.append(table)

    def finish(self, vocabulary: Vocabulary, mappings: Sequence[NDArray[np.int32]]) -> Encoded:
        """Replace the provisional ids of table k by mappings[k][id], -1 = dropped."""
        raw_ends = _whole(self._line_ends, self._sizes)
        kept = self._compact(mappings)
        ends = _whole(self._line_ends, kept)
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

        def one(place: int) -> int:
            ids = store.take(place)
            kept = compact(ids, mappings[self._tables[place]], self._line_ends[place])
            if isinstance(store, _Memory):
                store._pieces[place] = ids[:kept]
            else:
                store.replace(place, ids[:kept])
            return kept

        places = range(len(self._sizes))
        if isinstance(store, _Spill):  # one file position
            return [one(place) for place in places]
        with ThreadPoolExecutor(self.workers) as pool:
            return list(pool.map(one, places))

    def _gather(self, target: NDArray[np.int32], kept: list[int]) -> None:
        starts = np.cumsum([0, *kept]).tolist()

        def one(place: int) -> None:
            target[starts[place] : starts[place + 1]] = self._store.take(place)

        with ThreadPoolExecutor(self.workers) as pool:
            list(pool.map(one, range(len(kept))))


def _whole(line_ends: list[NDArray[np.int32]], sizes: list[int]) -> NDArray[np.int64]:
    """Line ends counted from the start of the text instead of that of their piece: int64 (n_lines,)."""
    start, parts = 0, [np.zeros(0, np.int64)]
    for ends, size in zip(line_ends, sizes, strict=True):
        parts.append(ends.astype(np.int64) + start)
        start += size
    return np.concatenate(parts)


def encode_files(files: Sequence[Path], encoder: Encoder, errors: str, progress: bool | None) -> Encoded:
    """Scan text files; one document a line, the end of a file ends a line."""
    size = CHUNK
    # A random seed, so that no text can be made to collide; no result depends on it.
    seed = (secrets.randbits(64), secrets.randbits(64))
    scanners: list[Scanner] = []
    idle: deque[int] = deque()
    buffers: deque[NDArray[np.uint8]] = deque()

    def new_buffer(n: int) -> NDArray[np.uint8]:
        if n <= size + PADDING and buffers:
            return buffers.pop()
        return np.empty(n, np.uint8)

    def scan(chunk: Chunk) -> tuple[NDArray[np.int32], NDArray[np.int32], int]:
        table = idle.popleft()  # never empty: there are as many as threads
        try:
            try:
                ids, line_ends = scanners[table].scan(chunk.buffer, chunk.size)
            except InvalidUtf8Error as error:
                if errors == "strict":
                    raise not_utf8(chunk, error.position) from None
                text = chunk.buffer[: chunk.size].tobytes().decode("utf-8", errors).encode("utf-8")
                ids, line_ends = scanners[table].scan(text + bytes(PADDING), len(text))
        finally:
            idle.append(table)
        if chunk.ends_line:
            line_ends = np.append(line_ends, np.int32(len(ids)))
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
    finally:  # on Ctrl-C too: what runs ends within a chunk, what waits is not begun
        pool.shutdown(cancel_futures=True)
    places = [np.arange(len(scanners[0]), dtype=np.int32)]
    places += [scanners[0].absorb(other) for other in scanners[1:]]
    counts = scanners[0].tally()
    check_not_empty(counts, f"{len(files)} file(s), the first is {str(files[0])!r}")
    limits = encoder.limits
    if limits.vocabulary is not None:
        words, _, ids = scanners[0].rank()
        vocabulary, mapping = limits.vocabulary, np.empty(len(words), np.int32)
        mapping[ids] = known_ids(words, vocabulary)
    else:
        # `unk` may itself be a word of the text, and does not use up the limit.
        limit = limits.max_final_vocab
        words, _, ids = scanners[0].rank(limits.min_count, None if limit is None else limit + (limits.unk is not None))
        vocabulary, mapping = settle(words, ids, counts, limits.min_count, limit, limits.unk)
    scanners.clear()
    return encoder.finish(vocabulary, [mapping[place] for place in places])


def encode_tokens(documents: Iterable[Iterable[str]], encoder: Encoder, progress: bool | None) -> Encoded:
    """Encode token lists, each a document; the iterable is read once."""
    table = _Table()
    lookup = table.__getitem__
    gathered, ends = array("i"), array("i")
    counts = np.zeros(0, np.int64)

    def flush(counts: NDArray[np.int64]) -> NDArray[np.int64]:
        ids = np.array(gathered, np.int32)
        encoder.add(ids, np.array(ends, np.int32), 0)
        del gathered[:], ends[:]
        tally = np.bincount(ids, minlength=len(table))
        tally[: len(counts)] += counts
        return tally

    number = -1
    with progress_bar(progress, None, "documents", "encode") as bar:
        for number, document in enumerate(documents):
            if isinstance(document, str | bytes) or not isinstance(document, Iterable):
                raise not_tokens(document, number)
            before = len(gathered)
            tokens = document if isinstance(document, list | tuple) else list(document)
            try:
                gathered.extend(map(lookup, tokens))
            except (InvalidArgumentError, TypeError) as error:
                place = len(gathered) - before  # the tokens before it are in
                if isinstance(error, TypeError) and isinstance(tokens[place], str):
                    raise
                raise CorpusError(bad_token(tokens[place], number, place)) from None
            ends.append(len(gathered))
            if len(gathered) >= _FLUSH:
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


class _Table(dict[str, int]):
    """Word -> id in the order of first sight. Checks a word once, when it is new."""

    def __missing__(self, word: Any) -> int:
        check_word(word, "token")
        place = len(self)
        self[str(word)] = place
        return place


def known_ids(words: list[str], vocabulary: Vocabulary) -> NDArray[np.int32]:
    unknown = -1 if vocabulary.unk_id is None else vocabulary.unk_id
    lookup = vocabulary.ids.get
    return np.fromiter((lookup(word, unknown) for word in words), np.int32, len(words))


def progress_bar(progress: bool | None, total: int | None, unit: str, title: str) -> Any:
    """A tqdm bar; by default one that shows only on a terminal, and only when it takes more than two seconds."""
    if progress is False:
        return _NoBar()
    from tqdm.auto import tqdm

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
    if not counts.size:
        raise CorpusError(f"the corpus is empty: no word in {source}. Check that the source has text.")


def not_tokens(document: Any, number: int) -> CorpusError:
    if isinstance(document, str):
        return CorpusError(
            f"document {number} is the str {shorten(document)}; expected a list of tokens. "
            "Split it: [doc.split() for doc in docs]; for file names pass pathlib.Path objects."
        )
    return CorpusError(
        f"document {number} is {shorten(document)}, of type {type(document).__name__}; expected a list of tokens (str)."
    )


def bad_token(token: Any, number: int, place: int) -> str:
    if isinstance(token, str) and token:
        return (
            f"document {number}, token {place} is {shorten(token)}, which holds half of a surrogate pair and has no "
            "UTF-8 form. token.encode('utf-8', 'replace').decode() replaces it."
        )
    remedy = {
        str: "text.split() makes no empty tokens.",
        bytes: "token.decode('utf-8') gives a str.",
        type(None): "Leave missing values out.",
    }.get(type(token), "str(token) makes one.")
    return (
        f"document {number}, token {place} is {shorten(token)}, of type {type(token).__name__}; "
        f"expected a str that is not empty. {remedy}"
    )


def not_utf8(chunk: Chunk, position: int) -> CorpusError:
    """The error for a byte that is not UTF-8, with a guess at what the file is."""
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
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."
