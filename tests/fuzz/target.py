"""What a target is: one reader, valid inputs, mutations, and what it may raise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from kerazoo.errors import KerazooError

__all__ = ["Mutation", "Target"]

Mutation = Callable[[Random, bytes], bytes]


@dataclass(frozen=True)
class Target:
    """One reader.

    Attributes:
        name: of the target.
        run: called with an input and an empty folder; raises an error of `allowed`, or returns. What it returns is a
            note on the result, so that results of another kind count as new behaviour. A wrong result is an
            AssertionError.
        seeds: makes the valid inputs.
        mutations: one is drawn for each change of an input.
        batch: inputs of a child.
        allowed: what the reader documents.
        prepare: called once in each child, for what must not be forked, such as threads of a backend.
        least: inputs of this target in a run of a million.
        share: of the inputs that are left.
        n_changes: most mutations of one input.
        imports: packages that the reader imports on first use, which are imported before the children are forked: what
            an import does (Keras's starts a program and binds a socket) is not the doing of an input.
        traced: whether the edges of kerazoo's Python modules guide the choice of inputs; False where only compiled code
            runs.
    """

    name: str
    run: Callable[[bytes, Path], object]
    seeds: Callable[[], Sequence[bytes]]
    mutations: Sequence[Mutation]
    batch: int = 2000
    allowed: tuple[type[BaseException], ...] = (KerazooError,)
    prepare: Callable[[], None] | None = None
    least: int = 20_000
    share: float = 0.0
    n_changes: int = 4
    imports: tuple[str, ...] = ()
    traced: bool = True
