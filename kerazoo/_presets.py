"""Trained models in the package: their names, cards and weights, without Keras.

A preset is a file NAME.safetensors in the folder of the zoo, written by :func:`write_preset`.
"""

from __future__ import annotations

import copy
import functools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kerazoo._runtime.files import read_tensors, write_tensors
from kerazoo._validation import check_choice
from kerazoo.errors import InvalidArgumentError, StorageError

__all__ = ["PresetFile", "list_presets", "preset_names", "read_preset", "write_preset"]

FOLDER = Path(__file__).parent / "zoo"
KIND, SUFFIX = "kerazoo.preset", ".safetensors"


class PresetFile(NamedTuple):
    """What a preset holds.

    Attributes:
        spec: config of an RNNSpec.
        weights: float32 arrays, in the order of the Keras model of the spec; of several networks one after the other.
        settings: what the model needs besides, as its kind asks: plain values. "n_members": networks, if several.
        card: how it was made: "description", "steps", "seed", "command" and so on.
    """

    spec: dict[str, Any]
    weights: list[NDArray[np.float32]]
    settings: dict[str, Any]
    card: dict[str, Any]

    def members(self) -> list[list[NDArray[np.float32]]]:
        """The weights of each network.

        >>> [len(each) for each in PresetFile({}, [np.zeros(1, np.float32)] * 6, {"n_members": 3}, {}).members()]
        [2, 2, 2]
        """
        n_members = int(self.settings.get("n_members", 1))
        size = len(self.weights) // n_members
        return [list(self.weights[size * member : size * (member + 1)]) for member in range(n_members)]


def preset_names() -> list[str]:
    """The names of all presets; no file is read.

    >>> preset_names()
    ['forecast_small']
    """
    return sorted(path.stem for path in FOLDER.glob(f"*{SUFFIX}"))


def list_presets() -> dict[str, dict[str, Any]]:
    """The cards of all presets by name: what each does, how it was trained, and the command that repeats it.

    >>> sorted(list_presets())
    ['forecast_small']
    """
    return {name: read_tensors(FOLDER / f"{name}{SUFFIX}", kind=KIND)[1]["card"] for name in preset_names()}


def read_preset(name: str | os.PathLike[str]) -> PresetFile:
    """A preset by name, or the file of one.

    Args:
        name: one of :func:`list_presets`, or a path that ends with `.safetensors`.

    Raises:
        InvalidArgumentError: an unknown name, or no name.
        StorageError: the file is missing or damaged, or not of a preset.

    Its weights are read-only: calls share them, for as long as the file stays the same.

    >>> read_preset("forecast_small").spec["horizon"]
    24
    """
    if not isinstance(name, str | os.PathLike) or isinstance(os.fspath(name), bytes):
        raise InvalidArgumentError(f"preset={name!r}; expected a name, or the path of a {SUFFIX} file.")
    if os.fspath(name).endswith(SUFFIX):
        path = Path(name)
    else:
        hint = f"A file of write_preset is given by its path, which ends with {SUFFIX!r}."
        path = FOLDER / f"{check_choice('preset', name, preset_names(), hint=hint)}{SUFFIX}"
    try:
        stat = path.stat()
    except FileNotFoundError:
        names = ", ".join(map(repr, preset_names()))
        raise StorageError(
            f"{path}: no such file; expected one that write_preset wrote, or the name of a preset: {names}."
        ) from None
    except OSError as error:
        raise StorageError(f"{path}: cannot be read ({error.strerror or error}).") from error
    found = _read(path.absolute(), stat.st_mtime_ns, stat.st_size, stat.st_ino)
    return copy.deepcopy(found._replace(weights=[]))._replace(weights=list(found.weights))


@functools.lru_cache(maxsize=4)
def _read(path: Path, *_: int) -> PresetFile:
    """The preset of a file, whose time, size and number are arguments so that a new file is read again."""
    arrays, notes = read_tensors(path, kind=KIND, mmap=False)
    try:
        weights = [arrays[f"weight{place}"].astype(np.float32) for place in range(len(arrays))]
        found = PresetFile(notes["spec"], weights, notes["settings"], notes["card"])
    except (KeyError, TypeError) as error:
        raise StorageError(f"{path}: {error} is missing; expected a file that write_preset wrote.") from None
    if not all(np.isfinite(each).all() for each in weights):
        raise StorageError(f"{path}: a weight is not finite; expected those of a network that was trained.")
    for each in weights:
        each.flags.writeable = False
    return found


def write_preset(
    path: str | os.PathLike[str],
    spec: Mapping[str, Any],
    weights: Sequence[NDArray[Any]],
    settings: Mapping[str, Any],
    card: Mapping[str, Any],
) -> None:
    """Write a preset, its weights in half precision.

    Args:
        path: of the file, which ends with `.safetensors`.
        spec: config of an RNNSpec.
        weights: in the order of the Keras model.
        settings: plain values.
        card: plain values.

    Raises:
        InvalidArgumentError: another suffix, or weights that half precision cannot hold.
        StorageError: the file cannot be written.
    """
    if not os.fspath(path).endswith(SUFFIX):
        raise InvalidArgumentError(f"path={os.fspath(path)!r}; expected one that ends with {SUFFIX!r}.")
    with np.errstate(over="ignore"):
        arrays = {f"weight{place}": np.asarray(each, np.float16) for place, each in enumerate(weights)}
    if not all(np.isfinite(each).all() for each in arrays.values()):
        raise InvalidArgumentError("a weight is not finite in half precision; expected numbers up to 65504 in size.")
    notes = {"spec": dict(spec), "settings": dict(settings), "card": dict(card)}
    write_tensors(path, arrays, notes, kind=KIND)
