"""Keras datasets with batches made in C: skip-gram pairs, blocks of tokens, and windows over series.

Names are imported on first use: the datasets import Keras, the noise distributions do not.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kerazoo.batching.blocks import TokenBlocks
    from kerazoo.batching.dataset import ResumableDataset
    from kerazoo.batching.sampling import NOISE_KINDS, NoiseDistribution
    from kerazoo.batching.sequences import SequenceWindows
    from kerazoo.batching.skipgram import SkipGramBatches

__all__ = [
    "NOISE_KINDS",
    "NoiseDistribution",
    "ResumableDataset",
    "SequenceWindows",
    "SkipGramBatches",
    "TokenBlocks",
]

_HOMES = {
    "NOISE_KINDS": "sampling",
    "NoiseDistribution": "sampling",
    "ResumableDataset": "dataset",
    "SequenceWindows": "sequences",
    "SkipGramBatches": "skipgram",
    "TokenBlocks": "blocks",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
