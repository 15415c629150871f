"""Changes as they are sent: float32, or its upper half.

bfloat16 has the exponent of float32 and 8 bits of precision. Of a change, which is noise to a large part, that is
enough (docs/distributed.md), and unlike float16 it does not overflow and needs integer operations only: NumPy converts
several times as fast.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["ITEM_BYTES", "TYPES", "pack", "unpack"]

TYPES: dict[str, Any] = {"float32": np.float32, "bfloat16": np.uint16}
ITEM_BYTES = {name: np.dtype(kind).itemsize for name, kind in TYPES.items()}


def pack(values: NDArray[np.float32], wire: str) -> NDArray[Any]:
    """Values as they are sent: float32, or uint16 with the bits of bfloat16, rounded.

    >>> unpack(pack(np.array([1.0, -2.5, 0.1], np.float32), "bfloat16")).tolist()
    [1.0, -2.5, 0.10009765625]
    """
    if wire == "float32":
        return np.ascontiguousarray(values)
    # A carry would make a NaN of all ones a zero, but no arithmetic makes one; infinity becomes NaN, which is seen too.
    bits = np.ascontiguousarray(values).view(np.uint32) + np.uint32(0x8000)
    return bits.view(np.uint16)[..., 1::2].copy()


def unpack(sent: NDArray[Any]) -> NDArray[np.float32]:
    """The inverse of :func:`pack`, up to rounding."""
    if sent.dtype == np.float32:
        return sent
    return (sent.astype(np.uint32) << np.uint32(16)).view(np.float32)
