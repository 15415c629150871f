"""What goes between the estimator and an engine: checked settings in, tables and history out."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from kerazoo.word2vec.hierarchy import HuffmanTree

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from kerazoo.errors import TrainingError

__all__ = ["Tables", "TrainingResult", "TrainingSettings", "TrainingState", "empty_history"]

TABLE_NAMES = ("vectors", "output_vectors", "output_biases", "node_vectors", "tree_parents", "tree_codes")


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
    sg: int
    hs: int
    cbow_mean: int
    workers: int
    batch_size: int | None
    block_size: int | None
    seed: int
    number: int
    """Calls of `fit` and `partial_fit` before this one."""
    verbose: int
    callbacks: tuple[Any, ...] = ()
    on_device: bool | None = None

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
        output_vectors: float32 (V, D), the table C; None without noise words.
        output_biases: float32 (V,), or None for a loss without biases.
        node_vectors: float32 (V - 1, D), the inner nodes of hierarchical softmax; None without.
        tree: which node stands where; comes with `node_vectors`.
    """

    input_vectors: NDArray[np.float32]
    output_vectors: NDArray[np.float32] | None = None
    output_biases: NDArray[np.float32] | None = None
    node_vectors: NDArray[np.float32] | None = None
    tree: HuffmanTree | None = None

    def named(self) -> dict[str, NDArray[Any]]:
        """The arrays that there are, by the name of the estimator's attribute less its underscore, or of the file."""
        tree = (None, None) if self.tree is None else self.tree
        arrays = (self.input_vectors, self.output_vectors, self.output_biases, self.node_vectors, *tree)
        return {name: array for name, array in zip(TABLE_NAMES, arrays, strict=True) if array is not None}

    @classmethod
    def of(cls, named: Mapping[str, NDArray[Any]], n_words: int, vector_size: int) -> Tables:
        """The tables of :meth:`named`, checked; ValueError or KeyError where something is amiss."""
        shapes = {
            "output_biases": (n_words,),
            "node_vectors": (n_words - 1, vector_size),
            "tree_parents": (2 * n_words - 1,),
            "tree_codes": (2 * n_words - 1,),
        }
        types = {"tree_parents": np.int32, "tree_codes": np.uint8}
        arrays = {name: named[name] for name in TABLE_NAMES if name in named}
        for name, array in arrays.items():
            shape, dtype = shapes.get(name, (n_words, vector_size)), np.dtype(types.get(name, np.float32))
            if array.shape != shape or array.dtype != dtype:
                raise ValueError(f"{name} has shape {array.shape} and type {array.dtype}; expected {shape}, {dtype}")
        if ("node_vectors" in arrays) != ("tree_parents" in arrays):
            raise ValueError("node_vectors without their tree")
        tree = None
        if "tree_parents" in arrays:
            tree = HuffmanTree(np.array(arrays["tree_parents"]), np.array(arrays["tree_codes"]))
            tree.check()
        if "output_vectors" not in arrays and tree is None:
            raise KeyError("output_vectors")
        get = arrays.get
        return cls(arrays["vectors"], get("output_vectors"), get("output_biases"), get("node_vectors"), tree)

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
