"""Batches made in C, as Keras datasets: skip-gram pairs, blocks of tokens, and windows over series."""

from kerazoo.batching.base import ResumableDataset
from kerazoo.batching.blocks import TokenBlocks
from kerazoo.batching.noise import NOISE_KINDS, NoiseDistribution
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
