"""Readers of text: the scanner, files plain and compressed, encoded corpora."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections import Counter
from itertools import pairwise
from pathlib import Path
from random import Random

import numpy as np

from kerazoo.errors import CorpusError, VocabularyError
from tests.fuzz.mutation import BYTES, TEXT, packed_mutation
from tests.fuzz.target import Target
from tests.fuzz.targets.saved import DOCUMENTS, saved
from tests.fuzz.tensor_files import TENSORS

__all__ = ["TARGETS"]

SAMPLES = (
    "the cat sat\n\nthe mat\u3000the cat\r\nxyzzy\n \nthe cat plugh",
    "",
    "a",
    "\n",
    "\ufeffa b\n",
    "a\x00b \x00\n",
    "x" * 63 + "\u3000" + "y" * 70 + " é日本🙂",
    "w" * 300 + "\n" + "1 2 3 " * 40,
    "a\x85b\xa0c\u2028d\x1ce",
)
SUFFIXES = (".txt", ".gz", ".bz2", ".xz", ".zst", ".tgz")


def scan(data: bytes, folder: Path) -> str:
    """The words of the scanner are those of `str.split()`, twice, with any bytes behind the text."""
    from kerazoo_ext._scan import PADDING, InvalidUtf8Error, Scanner

    filler = data[:1] or b" "
    text = data[1:]
    scanner = Scanner((len(data), 1))
    try:
        expected = [line.split() for line in text.decode().split("\n")]
    except UnicodeDecodeError as error:
        try:
            scanner.scan(np.frombuffer(text + filler * PADDING, np.uint8), len(text))
        except InvalidUtf8Error as found:
            if found.position != error.start:
                raise AssertionError(f"position {found.position} instead of {error.start}") from None
            return "not UTF-8"
        raise AssertionError("bytes that are not UTF-8 were read") from None
    for _ in range(2):
        ids, ends = scanner.scan(np.frombuffer(text + filler * PADDING, np.uint8), len(text))
        words, _, order = scanner.rank()
        names = dict(zip(order.tolist(), words, strict=True))
        borders = [0, *ends.tolist(), len(ids)]
        found = [[names[i] for i in ids[begin:end].tolist()] for begin, end in pairwise(borders)]
        assert found == expected, "other words than str.split()"
    counts = Counter(word for line in expected for word in line)
    ranked = sorted(counts, key=lambda word: (-counts[word], word))
    assert words == ranked, "other ranks"
    return "read"


def scan_seeds() -> list[bytes]:
    return [b" " + sample.encode() for sample in SAMPLES]


def read_file(data: bytes, folder: Path) -> str:
    """A file of a corpus, plain or compressed by its suffix; a plain one has the words of `str.split()`."""
    from kerazoo import EncodedCorpus

    kind = data[0] if data else 0
    suffix, errors = SUFFIXES[kind % len(SUFFIXES)], ("strict", "replace", "ignore")[kind // 16 % 3]
    path = folder / f"text{suffix}"
    path.write_bytes(data[1:])
    try:
        corpus = EncodedCorpus.from_source(path, min_count=1, workers=1 + kind // 128, errors=errors)
    except (CorpusError, VocabularyError):
        if suffix == ".txt" and errors == "strict":
            _check_refused(data[1:])
        raise
    if suffix != ".txt":
        return suffix
    text = data[1:].decode("utf-8-sig", errors)
    documents = [line.split() for line in text.split("\n")]
    found = [corpus.decode(i) for i in range(len(corpus))]
    assert found == [document for document in documents if document], "other documents than str.split()"
    return suffix


def _check_refused(text: bytes) -> None:
    """A text of UTF-8 with words must not be refused, unless it looks like an archive or another encoding."""
    try:
        words = text.decode("utf-8-sig").split()
    except UnicodeDecodeError:
        return
    assert not words or b"\x00" in text or text[257:262] == b"ustar" or text[:4] == b"PK\x03\x04", "a text is refused"


def file_seeds() -> list[bytes]:
    import zstandard

    packers = (bytes, gzip.compress, bz2.compress, lzma.compress, zstandard.ZstdCompressor().compress, gzip.compress)
    found = []
    for number, pack in enumerate(packers):
        found += [bytes([number]) + pack(sample.encode()) for sample in SAMPLES]
    large = [{"id": lzma.FILTER_LZMA2, "dict_size": 1536 << 20}]  # 1.5 GiB to decompress a byte
    found.append(b"\x03" + lzma.compress(b"a", filters=large))
    text = b"a b c\n" * 3
    found.append(b"\x01" + gzip.compress(text) + gzip.compress(text))  # two members
    found.append(b"\x04" + packers[4](text) + packers[4](text))
    found.append(b"\x04" + zstandard.ZstdCompressor(write_content_size=False, write_checksum=True).compress(text * 99))
    # Much text in few bytes: one long line of white space, many words, one endless word.
    for number, pack in enumerate(packers[1:5], 1):
        found += [bytes([number]) + pack(unit * (1 << 20)) for unit in (b" ", b"a\n", b"x")]
    return found


def _kept(mutation: object) -> object:
    """The mutation of an input, of which the first byte names the kind of file."""

    def inside(rng: Random, data: bytes) -> bytes:
        kind = data[:1] if rng.random() < 0.9 else bytes([rng.randrange(256)])
        return kind + mutation(rng, data[1:])  # type: ignore[operator]

    return inside


def _packed(suffix: int) -> object:
    import zstandard

    unpack, pack = (
        (gzip.decompress, gzip.compress),
        (bz2.decompress, bz2.compress),
        (lzma.decompress, lzma.compress),
        (lambda data: zstandard.ZstdDecompressor().decompress(data, 1 << 20), zstandard.ZstdCompressor().compress),
    )[suffix]
    return packed_mutation(unpack, pack)


def read_corpus(data: bytes, folder: Path) -> str:
    """An encoded corpus; then all that readers of it trust: ids, offsets, words."""
    from kerazoo import EncodedCorpus
    from kerazoo.text.tokens import Tokens

    path = folder / "corpus.kz"
    path.write_bytes(data)
    corpus = EncodedCorpus.load(path, mmap=bool(len(data) % 2))
    for number in range(len(corpus)):
        corpus.decode(number)
    repr(corpus), corpus.n_dropped, corpus.shard(2, 0)
    if corpus.n_tokens:
        Tokens.of(corpus).fingerprint()
    corpus.with_vocabulary(corpus.vocabulary)
    corpus.vocabulary.joined(corpus.vocabulary)
    corpus.save(folder / "again.kz")
    assert EncodedCorpus.load(folder / "again.kz").vocabulary == corpus.vocabulary
    return "read"


def corpus_seeds() -> list[bytes]:
    from kerazoo import EncodedCorpus

    settings = (
        {"min_count": 1},
        {"min_count": 2},
        {"min_count": 2, "unk": "<unk>"},
        {"max_final_vocab": 3, "min_count": 1},
    )
    return [saved(EncodedCorpus.from_source(DOCUMENTS, **each)) for each in settings]  # type: ignore[arg-type]


TARGETS = (
    Target("text", scan, scan_seeds, (*TEXT, *BYTES), batch=20_000, share=32, traced=False),
    Target(
        "compressed",
        read_file,
        file_seeds,
        tuple(_kept(each) for each in (*BYTES, *TEXT, *(_packed(i) for i in range(4)))),  # type: ignore[misc]
        batch=3000,
    ),
    Target("corpus", read_corpus, corpus_seeds, TENSORS, batch=3000),
)
