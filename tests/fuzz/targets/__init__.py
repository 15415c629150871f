"""The targets by name. A module of this folder has a tuple `TARGETS`; it imports its reader on first use."""

from __future__ import annotations

from tests.fuzz.target import Target
from tests.fuzz.targets import arguments, forecasters, models, names, phrases, tables, texts, vectors

__all__ = ["TARGETS"]

TARGETS: dict[str, Target] = {
    target.name: target
    for module in (texts, vectors, models, forecasters, phrases, tables, names, arguments)
    for target in module.TARGETS
}
