"""The argument CORPUS of commands that read texts."""

from __future__ import annotations

import glob
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from kerazoo.errors import CorpusError, InvalidArgumentError
from kerazoo.text.readers import files_of

__all__ = ["corpus_files", "errors_option"]

STANDARD_INPUT = "/dev/stdin"


def corpus_files(corpus: tuple[Path, ...], outputs: Mapping[str, Path | None], checkpoints: Path | None) -> list[Path]:
    """The files of the corpus, without what the command writes.

    Args:
        corpus: files and directories; ``-`` is the standard input.
        outputs: option -> the file that it writes, or None. Directories are read without them.
        checkpoints: a folder that directories are read without, or None.

    Raises:
        InvalidArgumentError: an output is a file of the corpus, or two outputs are the same file.
        CorpusError: a file is missing, or the standard input.
    """
    named = [_standard_input() if str(name) == "-" else name for name in corpus]
    if named.count(Path(STANDARD_INPUT)) > 1:
        raise CorpusError("- is given twice; the standard input can be read once.")
    written = {option: path for option, path in outputs.items() if path is not None}
    # gensim writes large tables beside a .kv file; what is there already is from an earlier run.
    beside = [other for path in written.values() for other in path.parent.glob(f"{glob.escape(path.name)}.*")]
    files = files_of(named, [*written.values(), *beside, *([] if checkpoints is None else [checkpoints])])
    taken = {file.resolve(): "a file of the corpus" for file in files}
    for option, path in written.items():
        if path.resolve() in taken:
            what = taken[path.resolve()]
            raise InvalidArgumentError(f"{option} {path} is {what}; expected another name, as it would be replaced.")
        taken[path.resolve()] = f"the file of {option}"
    return files


def errors_option() -> Any:
    """The option `--errors`."""
    return click.option(
        "--errors",
        default="strict",
        show_default=True,
        type=click.Choice(["strict", "replace", "ignore"]),
        help="What to do with bytes that are not UTF-8.",
    )


def _standard_input() -> Path:
    if not Path(STANDARD_INPUT).exists():
        raise CorpusError(f"-: this system has no {STANDARD_INPUT}. Write the text to a file first.")
    return Path(STANDARD_INPUT)
