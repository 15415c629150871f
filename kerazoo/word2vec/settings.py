"""What goes between the estimator and an engine: checked settings in, tables and history out."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kerazoo.errors import TrainingError

__all__ = ["Tables", "TrainingResult", "TrainingSettings", "TrainingState", "empty_history"]


@dataclass(frozen=True)
class TrainingSettings:
    """Values that were checked once by the estimator; see :class:`kerazoo.Word2Vec` for their meaning."""

    vector_size: int
    window: int
    sample: float
    negative: int
    ns_exponent: float
    alpha: float
    min_alpha: float
    epochs: int
    shrink_windows: bool
    loss: str
    noise: str
    workers: int
    batch_size: int | None
    block_size: int | None
    seed: int
    number: int
    """Calls of `fit` and `partial_fit` before this one."""
    verbose: int
    callbacks: tuple[Any, ...] = ()

    @property
    def seeds(self) -> tuple[int, int]:
        """Two independent seeds, of the tables and of the batches, other ones for each call."""
        key = (self.number,) if self.number else ()
        tables, batches = np.random.SeedSequence(self.seed, spawn_key=key).generate_state(2, np.uint32)
        return int(tables), int(batches)


@dataclass(frozen=True)
class Tables:
    """What is trained.

    Attributes:
        input_vectors: float32 (V, D), the table W of the losses.
        output_vectors: float32 (V, D), the table C.
        output_biases: float32 (V,), or None for a loss without biases.
    """

    input_vectors: NDArray[np.float32]
    output_vectors: NDArray[np.float32]
    output_biases: NDArray[np.float32] | None

    def named(self) -> dict[str, NDArray[np.float32]]:
        """The tables that there are, by the name of the estimator's attribute less its underscore."""
        named = {"vectors": self.input_vectors, "output_vectors": self.output_vectors}
        return named if self.output_biases is None else {**named, "output_biases": self.output_biases}

    def checksum(self) -> int:
        """CRC-32 over all values."""
        check = 0
        for table in self.named().values():
            check = zlib.crc32(np.ascontiguousarray(table).data, check)
        return check

    def are_finite(self) -> bool:
        """Whether no value is NaN or infinite."""
        return all(bool(np.isfinite(table).all()) for table in self.named().values())


def empty_history() -> dict[str, list[float]]:
    """The history of no epoch."""
    return {"loss": [], "seconds": [], "words_per_second": []}


@dataclass
class TrainingState:
    """Where a training stands: at its start, in the middle of an epoch, or at its end.

    Attributes:
        tables: None: the engine makes them from the seed.
        history: of the epochs that are done; see :class:`TrainingResult`.
        position: batches (or what the engine counts in) of the present epoch that are done.
        seconds: spent on the present epoch so far.
        engine: what the engine needs besides to go on; anything that JSON can hold.
    """

    tables: Tables | None = None
    history: dict[str, list[float]] = field(default_factory=empty_history)
    position: int = 0
    seconds: float = 0.0
    engine: dict[str, Any] = field(default_factory=dict)

    @property
    def epoch(self) -> int:
        """The present epoch, from 0; the number of epochs that are done."""
        return len(self.history["loss"])


@dataclass
class TrainingResult:
    """What an engine hands back.

    Attributes:
        tables: as trained; the last good ones after a training that diverged.
        history: a value an epoch: ``loss`` (mean over pairs), ``seconds``, ``words_per_second`` (raw words).
        model: the Keras model, or None if the engine has none.
        interrupted: whether training was stopped by Ctrl-C.
        error: why training was stopped, if it went wrong.
    """

    tables: Tables
    history: dict[str, list[float]]
    model: Any = None
    interrupted: bool = False
    error: TrainingError | None = None
