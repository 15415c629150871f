"""Values that pass between the estimator, the engines and files: tables, the state of a training, and its result."""

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

__all__ = ["TABLE_NAMES", "Tables", "TrainingResult", "TrainingState", "empty_history"]

# Names of the arrays in files; with an underscore, the first four are attributes of the estimator.
TABLE_NAMES = (
    "vectors", "output_vectors", "output_biases", "node_vectors", "tree_parents", "tree_codes", "ngram_vectors",
    "ngram_buckets",
)  # fmt: skip


@dataclass(frozen=True)
class Tables:
    """The trained arrays.

    Attributes:
        input_vectors: float32 (V, D), the table W of the losses; with subwords, the words' own rows.
        output_vectors: float32 (V, D), the table C; None without noise words.
        output_biases: float32 (V,), or None for a loss without biases.
        node_vectors: float32 (V - 1, D), the inner nodes of hierarchical softmax; None without it.
        tree: the tree that `node_vectors` belongs to, or None.
        ngram_vectors: float32 (U, D), rows of n-grams; None without subwords.
        ngram_buckets: int32 (U,), the distinct buckets that they belong to, or None.
    """

    input_vectors: NDArray[np.float32]
    output_vectors: NDArray[np.float32] | None = None
    output_biases: NDArray[np.float32] | None = None
    node_vectors: NDArray[np.float32] | None = None
    tree: HuffmanTree | None = None
    ngram_vectors: NDArray[np.float32] | None = None
    ngram_buckets: NDArray[np.int32] | None = None

    def is_usable(self) -> bool:
        """Whether these are tables to go back to, see :mod:`kerazoo.word2vec.engines.divergence`."""
        return self.are_finite()

    def named(self) -> dict[str, NDArray[Any]]:
        """The arrays that are not None, by the names of `TABLE_NAMES`."""
        tree = (None, None) if self.tree is None else self.tree
        arrays = (
            self.input_vectors, self.output_vectors, self.output_biases, self.node_vectors, *tree, self.ngram_vectors,
            self.ngram_buckets,
        )  # fmt: skip
        return {name: array for name, array in zip(TABLE_NAMES, arrays, strict=True) if array is not None}

    @classmethod
    def of(cls, named: Mapping[str, NDArray[Any]], n_words: int, vector_size: int) -> Tables:
        """The inverse of :meth:`named`, with checks.

        Args:
            named: name -> array; other names than those of `TABLE_NAMES` are ignored.
            n_words: V.
            vector_size: D.

        Raises:
            KeyError: an array is missing.
            ValueError: an array has another shape or dtype, or the tree is damaged.
        """
        shapes = {
            "output_biases": (n_words,),
            "node_vectors": (n_words - 1, vector_size),
            "tree_parents": (2 * n_words - 1,),
            "tree_codes": (2 * n_words - 1,),
        }
        if "ngram_buckets" in named:
            shapes["ngram_buckets"] = (len(named["ngram_buckets"]),)
            shapes["ngram_vectors"] = (len(named["ngram_buckets"]), vector_size)
        types = {"tree_parents": np.int32, "tree_codes": np.uint8, "ngram_buckets": np.int32}
        arrays = {name: named[name] for name in TABLE_NAMES if name in named}
        for name, array in arrays.items():
            shape, dtype = shapes.get(name, (n_words, vector_size)), np.dtype(types.get(name, np.float32))
            if array.shape != shape or array.dtype != dtype:
                raise ValueError(f"{name} has shape {array.shape} and type {array.dtype}; expected {shape}, {dtype}")
        if ("node_vectors" in arrays) != ("tree_parents" in arrays):
            raise ValueError("node_vectors and their tree must come together")
        if ("ngram_vectors" in arrays) != ("ngram_buckets" in arrays):
            raise ValueError("ngram_vectors and their buckets must come together")
        tree = None
        if "tree_parents" in arrays:
            tree = HuffmanTree(np.array(arrays["tree_parents"]), np.array(arrays["tree_codes"]))
            tree.check()
        if "output_vectors" not in arrays and tree is None:
            raise KeyError("output_vectors")
        get = arrays.get
        outputs = get("output_vectors"), get("output_biases"), get("node_vectors"), tree
        return cls(arrays["vectors"], *outputs, get("ngram_vectors"), get("ngram_buckets"))

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
    """The history before the first epoch."""
    return {"loss": [], "seconds": [], "words_per_second": []}


@dataclass
class TrainingState:
    """The state of a training: at its start, within an epoch, or at its end.

    Attributes:
        tables: None at the start of a new model: the engine draws them from the seed.
        history: of the completed epochs; see :class:`TrainingResult`.
        position: number of batches (or slices, or calls, depending on the engine) of the current epoch that are done.
        seconds: time spent on the current epoch so far.
        engine: what the engine needs in addition to continue; values that JSON can hold.
    """

    tables: Tables | None = None
    history: dict[str, list[float]] = field(default_factory=empty_history)
    position: int = 0
    seconds: float = 0.0
    engine: dict[str, Any] = field(default_factory=dict)

    @property
    def epoch(self) -> int:
        """The current epoch, from 0, which is the number of completed epochs."""
        return len(self.history["loss"])


@dataclass
class TrainingResult:
    """The result of an engine.

    Attributes:
        tables: as trained; the last good ones after a training that diverged.
        history: one value per epoch: ``loss`` (mean over pairs), ``seconds``, ``words_per_second`` (raw words).
        model: the Keras model, or None if the engine has none.
        interrupted: whether Ctrl-C stopped the training.
        error: the error that stopped the training, or None.
    """

    tables: Tables
    history: dict[str, list[float]]
    model: Any = None
    interrupted: bool = False
    error: TrainingError | None = None
