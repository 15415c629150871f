"""Where the file of a corpus may be written: never over the text that it is made from."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kerazoo._runtime.files import read_tensors
from kerazoo.errors import InvalidArgumentError, StorageError
from kerazoo.text.shards import work_folder_of

__all__ = ["check_target", "own_files", "path_of"]


def path_of(path: Any) -> Path:
    """The argument `path` as a path.

    Raises:
        InvalidArgumentError: it is none.
    """
    text = os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else ""
    if not text or "\0" in text or not Path(text).name:
        raise InvalidArgumentError(f"path={path!r}; expected the path of the file that the corpus is written to.")
    return Path(text)


def own_files(path: Path, kind: str) -> list[Path]:
    """What a directory is read without: an earlier corpus at `path`, and the parts of one.

    Args:
        path: of the corpus.
        kind: of its file, see :func:`kerazoo._runtime.files.write_tensors`.
    """
    parts = work_folder_of(path)
    try:
        read_tensors(path, kind=kind)
    except StorageError:  # there is nothing, or something else, which is text if it is in the directory
        return [parts]
    return [path, parts]


def check_target(path: Path, files: Sequence[Path]) -> None:
    """Check that no file of the text would be replaced by the corpus.

    Args:
        path: of the corpus.
        files: of the text.

    Raises:
        InvalidArgumentError: `path` is one of them, or a link to one.
        StorageError: `path` cannot be looked at, such as one that is too long.
    """
    try:
        there = path.stat()
    except FileNotFoundError:
        return
    except OSError as error:
        raise StorageError(f"{path}: cannot be written ({error.strerror or error}). Choose another path.") from error
    taken = next((file for file in files if file.exists() and os.path.samestat(file.stat(), there)), None)
    if taken is not None:
        raise InvalidArgumentError(
            f"path={str(path)!r} is a file of the text, {str(taken)!r}, which the corpus would replace; expected "
            "another path, or one where an earlier corpus is."
        )
