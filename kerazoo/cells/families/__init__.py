"""The cells, one family of papers per file. Each file lists its cells in `CELLS`.

Importing this package imports every file in it and registers its cells, so a new file is found without an entry
elsewhere.

Attributes:
    FAMILIES: names of the files, sorted.
    CLASSES: the classes of the cells by name; those of Keras are not among them.
"""

from __future__ import annotations

import importlib
import pkgutil

from kerazoo.cells.base import RecurrentCell
from kerazoo.cells.registry import CellInfo, register_shipped

__all__ = ["CLASSES", "FAMILIES"]

FAMILIES = tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))
CLASSES: dict[str, type[RecurrentCell]] = {}


def _register(info: CellInfo) -> None:
    register_shipped(info)
    if isinstance(info.make, type) and issubclass(info.make, RecurrentCell):
        CLASSES[info.make.__name__] = info.make


# All files first: an import that Ctrl-C interrupts runs again from the start and must find the registry usable.
for _module in [importlib.import_module(f"{__name__}.{family}") for family in FAMILIES]:
    for _info in _module.CELLS:
        _register(_info)
