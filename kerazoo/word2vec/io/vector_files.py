"""Word vectors in files: word2vec's text and binary formats, GloVe's text, gensim's KeyedVectors, safetensors.

===================  =========  ==========================================================================
format               suffix     content
===================  =========  ==========================================================================
``"kerazoo"``        .kerazoo   a whole `Word2Vec` or `FastText` (`save`); vectors are read from it, memory-mapped
``"text"``           .txt .vec  word2vec's text format; read also without a header line (GloVe)
``"binary"``         .bin       word2vec's binary format
``"pickle"``         .kv        gensim's ``KeyedVectors.save``; read without running anything in it
``"safetensors"``    .safetensors  float32, float16 or int8 (:mod:`kerazoo.word2vec.io.vector_tensors`)
``"projector"``      a folder   ``vectors.tsv`` and ``metadata.tsv`` for TensorBoard's projector; only written
===================  =========  ==========================================================================

Text, binary and pickle may be compressed: .gz, .bz2, .xz, .zst.
"""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kerazoo._runtime.files import replacing
from kerazoo._runtime.optional import needed
from kerazoo._runtime.progress import progress_bar
from kerazoo._validation import check_choice
from kerazoo.errors import InvalidArgumentError, StorageError
from kerazoo.word2vec.io import model_file, vector_tensors
from kerazoo.word2vec.io.keyed_vectors import keyed_vectors_of
from kerazoo.word2vec.io.model_file import Contents
from kerazoo.word2vec.io.vector_binary import read_binary, write_binary
from kerazoo.word2vec.io.vector_pickles import is_pickle, read_pickle
from kerazoo.word2vec.io.vector_streams import VectorStream, opened, split_suffixes, written
from kerazoo.word2vec.io.vector_text import check_writable, looks_like_text, parse_header, read_text, write_text
from kerazoo.word2vec.io.word_vectors import WordVectors

if TYPE_CHECKING:
    pass

__all__ = [
    "FORMATS",
    "VECTOR_FORMATS",
    "check_suffix",
    "is_vector_file",
    "load_vectors",
    "read_vectors",
    "save_vectors",
    "write_vectors",
]

VECTOR_FORMATS = (".kerazoo", ".txt", ".vec", ".bin", ".kv", ".safetensors")
_BY_SUFFIX = {
    ".kerazoo": "kerazoo", ".txt": "text", ".vec": "text", ".bin": "binary", ".kv": "pickle",
    ".safetensors": "safetensors",
}  # fmt: skip
FORMATS = (*dict.fromkeys(_BY_SUFFIX.values()), "projector")
_STREAMED = ("text", "binary", "pickle")


def check_suffix(path: Path, name: str = "the vectors") -> str:
    """The format that the suffix of a file to write names; `name` is what an error calls the file.

    Raises:
        InvalidArgumentError: it names none, or one that cannot be compressed.
        MissingPackageError: writing it needs a package that is not installed.
    """
    suffix, compression = split_suffixes(path)
    form = _BY_SUFFIX[check_choice(f"the suffix of {name}", suffix, VECTOR_FORMATS)]
    if compression and form not in _STREAMED:
        raise InvalidArgumentError(
            f"{path.name}: {suffix} files are memory-mapped and cannot be compressed; expected a name without "
            f"{compression}."
        )
    package = "zstandard" if compression == ".zst" else "gensim" if form == "pickle" else None
    if package is not None:
        with needed(f"a file that ends with {compression or suffix}"):
            importlib.import_module(package)
    return form


def load_vectors(
    path: str | os.PathLike[str], *, format: str | None = None, unicode_errors: str = "strict"
) -> WordVectors:
    r"""Read word vectors from a file.

    Words that are there twice keep their first vector, with a warning.

    Args:
        path: the file, plain or compressed (.gz, .bz2, .xz, .zst).
        format: ``"text"``, ``"binary"``, ``"pickle"``, ``"kerazoo"`` or ``"safetensors"``; None: by the suffix, and by
            the content where the suffix is unknown. A pickle is read only if the suffix is .kv or `format` says so;
            even then nothing in it is run: classes other than gensim's KeyedVectors are refused.
        unicode_errors: ``"strict"``, ``"replace"`` or ``"ignore"``: what to do with words that are not UTF-8.

    Raises:
        StorageError: the file is missing, damaged, truncated, not recognised, or has more vectors than it says.
        InvalidArgumentError: an argument has a value that is not allowed.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "glove.6B.3d").write_text("the 0.5 1 2\nof 1 0 0\n")
    ...     vectors = load_vectors(Path(folder) / "glove.6B.3d")
    >>> vectors, vectors["the"].tolist()
    (WordVectors(2 words, 3 dimensions), [0.5, 1.0, 2.0])
    """
    path = Path(path)
    check_choice("unicode_errors", unicode_errors, ("strict", "replace", "ignore"))
    if format is not None:
        check_choice("format", format, FORMATS[:-1], hint="None finds out.")
    if path.is_dir():
        raise StorageError(f"{path}: a folder; expected a file of word vectors.")
    with opened(path) as stream:
        form = format or _BY_SUFFIX.get(split_suffixes(path)[0]) or _recognised(stream)
        if form == "text" and format is None and is_pickle(stream.peek(2)):
            raise _refused(path)
        if form in ("kerazoo", "safetensors"):
            return _read_mapped(stream, path, form)
        if form == "pickle":
            return read_pickle(stream)
        return read_text(stream, unicode_errors) if form == "text" else read_binary(stream, unicode_errors)


def _read_mapped(stream: VectorStream, path: Path, form: str) -> WordVectors:
    if stream.size is None:
        raise StorageError(f"{path}: {form} files are memory-mapped; decompress it first.")
    if form == "safetensors":
        return vector_tensors.read_file(path)
    return _values(model_file.read(path, mmap=True, kind=(model_file.KIND, model_file.FASTTEXT_KIND)))


def _recognised(stream: VectorStream) -> str:
    """The format of a file by its content."""
    start = stream.peek(1 << 16)
    if is_pickle(start):
        raise _refused(stream.path)
    if start[8:9] == b"{":
        return "safetensors" if b'"kerazoo.vectors"' in start else "kerazoo"
    header = parse_header(start)
    if header is None:
        if looks_like_text(start, None):
            return "text"
        raise StorageError(
            f"{stream.path}: not recognised as word vectors: it starts with {start[:40]!r}. Known formats: "
            f"{', '.join(FORMATS[:-1])}; load_vectors(path, format=...) reads it as one of them."
        )
    size, length = header[1:]
    if size >= 2000:  # a line may be longer
        start = stream.peek(1 << 22)
    return "text" if looks_like_text(start[length:], size) else "binary"


def _refused(path: Path) -> StorageError:
    return StorageError(
        f"{path}: a pickle, which is not read unasked. If it is a file of gensim's KeyedVectors, rename it to .kv or "
        "pass format='pickle'; Word2Vec.from_gensim reads models of gensim, if you trust their source."
    )


def save_vectors(
    vectors: Any, path: str | os.PathLike[str], *, format: str | None = None, dtype: str = "float32"
) -> None:
    """Write word vectors to a file, whole or not at all.

    Args:
        vectors: :class:`WordVectors`; or a fitted `Word2Vec` or `FastText`, or a gensim ``KeyedVectors``.
        path: its suffix names the format: .txt, .vec (text), .bin, .kv, .safetensors; text, .bin and .kv also with .gz,
            .bz2, .xz or .zst.
        format: ``"text"``, ``"binary"``, ``"pickle"``, ``"safetensors"``, or ``"projector"``: `path` is then a folder,
            made if needed, for ``vectors.tsv`` and ``metadata.tsv``. None: by the suffix.
        dtype: of a .safetensors file: ``"float32"``, ``"float16"`` or ``"int8"`` (a scale per vector).

    Raises:
        InvalidArgumentError: the suffix names no format, or a word contains white space that the format cannot hold.
        StorageError: the file cannot be written; an old file is kept.

    >>> import tempfile
    >>> vectors = WordVectors(["red", "green"], [[1, 0.5], [0.25, 2]])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_vectors(vectors, Path(folder) / "vectors.txt")
    ...     print((Path(folder) / "vectors.txt").read_text())
    2 2
    red 1 0.5
    green 0.25 2
    <BLANKLINE>
    """
    path = Path(path)
    if format is None:
        format = check_suffix(path)
    check_choice("format", format, FORMATS)
    if dtype != "float32" and format != "safetensors":
        raise InvalidArgumentError(
            f"dtype={dtype!r} with format {format!r}; expected 'float32'. .safetensors holds others."
        )
    values = _values(vectors)
    if format == "safetensors":
        vector_tensors.write_file(values, path, dtype)
    elif format == "projector":
        _write_projector(values, path)
    elif format == "pickle":
        _write_pickle(values, path)
    elif format == "kerazoo":
        raise InvalidArgumentError(
            f"{path}: a .kerazoo file holds a whole model: Word2Vec.save writes it. Word2Vec.from_gensim(path) makes "
            "a model of vectors."
        )
    else:
        with written(path) as file:
            (write_text if format == "text" else write_binary)(values, file)


def _values(vectors: Any) -> WordVectors:
    if isinstance(vectors, WordVectors):
        return vectors
    if isinstance(vectors, Contents):
        return WordVectors(vectors.vocabulary.words, model_file.word_table(vectors), vectors.vocabulary.counts)
    if hasattr(vectors, "to_contents"):
        return _values(vectors.to_contents())
    if hasattr(vectors, "wv"):  # a model of gensim
        vectors = vectors.wv
    if hasattr(vectors, "index_to_key"):
        return WordVectors(vectors.index_to_key, vectors.vectors, vectors.expandos.get("count"))
    raise InvalidArgumentError(
        f"vectors is of type {type(vectors).__name__}; expected WordVectors, a fitted Word2Vec or FastText, "
        "or a model or KeyedVectors of gensim."
    )


def _write_pickle(values: WordVectors, path: Path) -> None:
    made = keyed_vectors_of(values.words, values.vectors, values.counts)
    if not split_suffixes(path)[1]:
        with replacing(path) as part:
            made.save(str(part))
        return
    import pickle

    with written(path) as file:  # gensim compresses only some of its files
        pickle.dump(made, file, protocol=4)


def _write_projector(values: WordVectors, folder: Path) -> None:
    check_writable(values.words, "\t\n\r", "metadata.tsv")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"{folder}: cannot be created ({error.strerror}). Give another folder.") from error
    lines = values.words  # one column has no header
    if values.counts is not None:
        lines = ["word\tcount", *(f"{word}\t{n}" for word, n in zip(values.words, values.counts.tolist(), strict=True))]
    with replacing(folder / "vectors.tsv") as part:  # both or none: a row of one belongs to a row of the other
        part.with_name("metadata.tsv").write_bytes(("\n".join(lines) + "\n").encode("utf-8"))
        with open(part, "wb") as file, progress_bar(len(values), "vector", "writing") as bar:
            form = "\t".join(["%.9g"] * values.vector_size) + "\n"
            for row in values.vectors:
                file.write((form % tuple(row.tolist())).encode())
                bar.update(1)


def is_vector_file(path: Path) -> bool:
    """Whether the suffix or the content says that a file has word vectors that :func:`load_vectors` reads unasked."""
    suffix = split_suffixes(path)[0]
    if suffix in VECTOR_FORMATS:
        return True
    try:
        with opened(path) as stream:
            return bool(_recognised(stream))
    except StorageError:
        return False


def write_vectors(contents: Contents, path: Path) -> None:
    """Write the vectors of a model atomically, in the format that the suffix of `path` names.

    A ``.kerazoo`` file holds the whole model. A ``.kv`` may be several files: large tables are in ``.npy`` files beside
    it.

    Raises:
        InvalidArgumentError: the suffix names no format.
        StorageError: the file cannot be written (no folder, no permission, disk full); an old file is kept.
    """
    if check_suffix(path) == "kerazoo":
        model_file.write(path, contents, model_file.kind_of(contents))
    else:
        save_vectors(contents, path)


def read_vectors(path: Path) -> Any:
    """Read gensim ``KeyedVectors`` from a file, memory-mapped where the format allows it; see :func:`load_vectors`."""
    found = load_vectors(path)
    counts = found.counts if found.counts is not None else np.arange(len(found), 0, -1)  # by rank, as in gensim
    return keyed_vectors_of(found.words, found.vectors, counts)
