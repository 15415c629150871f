"""The checked settings of one word2vec training, as the engines take them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["TrainingResult", "TrainingSettings"]


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
    seeds: tuple[int, int]
    """Two independent seeds: of the tables and of the batches."""
    verbose: int
    callbacks: tuple[Any, ...] = ()


@dataclass
class TrainingResult:
    """What an engine hands back.

    Attributes:
        input_vectors: float32 (V, D).
        output_vectors: float32 (V, D).
        output_biases: float32 (V,) or None.
        history: per epoch: ``loss`` (mean over pairs), ``seconds``, ``words_per_second`` (raw words).
        model: the Keras model, or None if the engine has none.
        interrupted: whether training was stopped by Ctrl-C.
    """

    input_vectors: NDArray[np.float32]
    output_vectors: NDArray[np.float32]
    output_biases: NDArray[np.float32] | None
    history: dict[str, list[float]] = field(default_factory=dict)
    model: Any = None
    interrupted: bool = False
