"""Word2vec whole on an accelerator: text and tables stay there, and many blocks are trained in one call.

- `plan`: what an epoch consists of, and whether a training can be held by the device.
- `training`: the loop over calls, with Keras's callbacks.
- `_jax`, `_torch`: text and tables on the device, random draws, calls of many steps; imported where that backend runs.
- `kernels`: the block step as three kernels of a GPU, for JAX and for torch.

The host is what limits an accelerator otherwise: a core of an AMD EPYC makes :class:`kerazoo.batching.TokenBlocks`
of 74 million raw words a second (benchmarks/results/batching.json), before any is copied or launched; an H100 trains an
epoch at 136 million on JAX and at 308 million on torch (docs/word2vec.md).
"""

from kerazoo.word2vec.gpu.plan import DevicePlan, is_wanted
from kerazoo.word2vec.gpu.training import fit

__all__ = ["DevicePlan", "fit", "is_wanted"]
