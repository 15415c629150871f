"""A valid name near one that cannot be read: case, spaces and separators are corrected, then misspelt words."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Words", "nearest_name"]

_BRACKETS = re.compile(r"\[[^\]]*\]")
_LONGEST = 4  # parts that a word can be torn into, as "strict resi dual" is
_ALIKE = 0.7  # of difflib


@dataclass(frozen=True)
class Words:
    """The words of a name.

    Attributes:
        cells: names of cells.
        of_layers, of_models: options of a layer, and of a model.
        stems_of_layers, stems_of_models: the same, which a number follows.
    """

    cells: Sequence[str]
    of_layers: Sequence[str]
    stems_of_layers: Sequence[str]
    of_models: Sequence[str]
    stems_of_models: Sequence[str]


def nearest_name(name: str, words: Words, misspelt: bool = False) -> str:
    """The name that was probably meant, in the form of :func:`kerazoo.zoo.names.format_name`, or "".

    The name is taken apart at every separator, and its parts are joined again to cells, sizes and words. The caller
    checks the result, since words may be valid and their combination not.

    Args:
        name: str, a name that cannot be read.
        words: the words that a name can have.
        misspelt: bool, words that are nearly right are taken, too.

    >>> words = Words(["lstm"], ["relu"], [], ["seq2one"], ["f"])
    >>> nearest_name("Bi LSTM-2 x 64, ReLU, seq_2_one, F3", words)
    'bilstm_2x64_relu_seq2one_f3'
    """
    name = name.replace("\0", " ")  # which stands for brackets below
    options = [text.replace(" ", "") for text in _BRACKETS.findall(name)]  # in brackets, case matters
    text = re.sub(r"[×*]", "x", _BRACKETS.sub(" \0 ", name).lower())
    parts = re.findall(r"\0|[a-z0-9.]+", re.sub(r"(?<=\d)[\s_]*x[\s_]*(?=\d)", "x", text))
    groups: list[str] = []
    model: list[str] = []
    at = 0
    while at < len(parts):
        if parts[at] == "\0":
            if not groups:
                return ""
            groups[-1] += options.pop(0)
            at += 1
            continue
        found = _next(parts[at : at + _LONGEST], words, bool(groups), misspelt)
        if found is None:
            return ""
        count, kind, word = found
        if kind == "group":
            groups.append(word)
        elif kind == "layer":
            groups[-1] += f"_{word}"
        else:
            model.append(word)
        at += count
    return "_".join(["-".join(groups), *model])


def _next(parts: Sequence[str], words: Words, after_a_group: bool, misspelt: bool) -> tuple[int, str, str] | None:
    """(number of parts, "group", "layer" or "model", the text in a valid name) of what the parts begin with."""
    until = next((i for i, part in enumerate(parts) if part == "\0"), len(parts))
    for near in (False, True) if misspelt else (False,):
        # As many parts as possible make a word; a misspelt word is as short as possible, as it could be several.
        counts = range(1, until + 1) if near else range(until, 0, -1)
        for count in counts:
            torn = parts[:count]
            if after_a_group and (word := _word("".join(torn), words.of_layers, words.stems_of_layers, near)):
                return count, "layer", word
            if after_a_group and (word := _word("".join(torn), words.of_models, words.stems_of_models, near)):
                return count, "model", word
            if group := _group("_".join(torn), words.cells, near):
                return count, "group", group
    return None


def _group(text: str, cells: Sequence[str], misspelt: bool) -> str:
    """The cell and its size in a text such as "bi_lstm_2x64", "lstm2x64" or "gru_32", or ""."""
    for prefix, name in (("", text), ("bi", re.sub(r"^bi(directional)?_?", "", text))):
        if prefix and name == text:
            continue
        found = re.fullmatch(r"(?P<cell>.+?)_?(?:(?P<layers>\d+)x)?(?P<units>\d+)", name)
        # The name of a cell can end in a digit, so every place to split the number off is tried.
        while found:
            cell = found["cell"].replace("_", "")
            if misspelt:
                cell = next(iter(difflib.get_close_matches(cell, cells, n=1, cutoff=_ALIKE)), cell)
            if cell in cells and (found["layers"] or not found["cell"][-1].isdigit() or "_" in name):
                return f"{prefix}{cell}_{found['layers'] or 1}x{found['units']}"
            longer = len(found["cell"]) + 1
            found = re.fullmatch(rf"(?P<cell>.{{{longer},}}?)_?(?:(?P<layers>\d+)x)?(?P<units>\d+)", name)
    return ""


def _word(text: str, words: Sequence[str], stems: Sequence[str], misspelt: bool) -> str:
    """The word that a text is, or nearly is, or ""."""
    stem = text.rstrip("0123456789.")
    number = text[len(stem) :]
    if not misspelt:
        return text if text in words or (number and stem in stems) else ""
    if len(stem) < 3:
        return ""
    near = difflib.get_close_matches(text, words, n=1, cutoff=_ALIKE)
    if near or not number:
        return near[0] if near else ""
    near = difflib.get_close_matches(stem, stems, n=1, cutoff=_ALIKE)
    return near[0] + number if near else ""
