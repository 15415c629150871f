"""Word2vec whole on an accelerator: text and tables stay there, and many blocks are trained in one call.

- `plan`: what an epoch consists of, and whether a training can be held by the device.
- `training`: the loop over calls, with Keras's callbacks.
- `_jax`, `_torch`: text and tables on the device, random draws, calls of many steps; imported where that backend runs.
- `kernels`: the block step as three kernels of a GPU, for JAX and for torch.

The host's part of a step is what limits an accelerator otherwise: a block of :class:`kerazoo.batching.TokenBlocks`
takes tens of microseconds to make, to copy and to launch, as long as it takes to train.
"""

from kerazoo.word2vec.device.plan import DevicePlan, is_wanted
from kerazoo.word2vec.device.training import fit

__all__ = ["DevicePlan", "fit", "is_wanted"]
