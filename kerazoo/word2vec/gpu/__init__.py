"""Word2vec entirely on an accelerator: text and tables stay there, and many blocks are trained per call.

- `plan`: the blocks and calls of an epoch, and whether the device can hold a training.
- `training`: the loop over calls, with Keras callbacks.
- `_jax`, `_torch`: text and tables on the device, random draws, calls of many steps; imported where that backend runs.
- `kernels`: the block step as three GPU kernels, for JAX and for torch.

Otherwise the host limits an accelerator: one core of an AMD EPYC makes :class:`kerazoo.batching.TokenBlocks` of 74
million raw words per second (benchmarks/results/batching.json), before anything is copied or launched; an H100 trains
an epoch at 136 million on JAX and at 308 million on torch (docs/word2vec.md).
"""

from kerazoo.word2vec.gpu.plan import DevicePlan, is_wanted
from kerazoo.word2vec.gpu.training import fit

__all__ = ["DevicePlan", "fit", "is_wanted"]
