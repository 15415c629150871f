"""Changes as they are sent: float32, or its upper half.

bfloat16 has the exponent of float32 and 8 bits of precision. Of a change, which is noise to a large part, that is
enough (docs/distributed.md), and unlike float16 it does not overflow and needs integer operations only: NumPy converts
several times as fast.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerazoo_ext import _exchange

__all__ = ["ITEM_BYTES", "TYPES", "add", "apply", "pack", "pack_change", "unpack"]

TYPES: dict[str, Any] = {"float32": np.float32, "bfloat16": np.uint16}
ITEM_BYTES = {name: np.dtype(kind).itemsize for name, kind in TYPES.items()}


def pack(values: NDArray[np.float32], out: NDArray[Any]) -> None:
    """Fill `out` with values as they are sent: float32, or uint16 with the bits of bfloat16, rounded.

    Args:
        values: float32 (rows, at least d), of which the first d columns count, or (rows,).
        out: float32 or uint16 (rows, d) or (rows,), contiguous.

    >>> sent = np.empty(3, np.uint16)
    >>> pack(np.array([1.0, -2.5, 0.1], np.float32), sent)
    >>> unpack(sent).tolist()
    [1.0, -2.5, 0.10009765625]
    """
    if out.dtype == np.float32:
        out[:] = _like(values, out)
    else:
        # A carry would make a NaN of all ones a zero, but no arithmetic makes one; infinity becomes NaN, seen too.
        _exchange.pack(_table(values), _table(out))


def unpack(sent: NDArray[Any]) -> NDArray[np.float32]:
    """The inverse of :func:`pack`, up to rounding."""
    if sent.dtype == np.float32:
        return sent
    return (sent.astype(np.uint32) << np.uint32(16)).view(np.float32)


def pack_change(now: NDArray[np.float32], base: NDArray[np.float32], out: NDArray[Any]) -> None:
    """Fill `out` with ``now - base`` as it is sent.

    Args:
        now: as the values of :func:`pack`.
        base: the same.
        out: as there.
    """
    if out.dtype == np.float32:
        np.subtract(_like(now, out), _like(base, out), out=out)
    else:
        _exchange.pack_change(_table(now), _table(base), _table(out))


def add(total: NDArray[np.float32], sent: NDArray[Any]) -> None:
    """Add to `total` what was sent. Shapes as for :func:`pack`."""
    if sent.dtype == np.float32:
        target = _like(total, sent)
        target += sent
    else:
        _exchange.add_packed(_table(total), _table(sent))


def apply(base: NDArray[np.float32], now: NDArray[np.float32], change: NDArray[Any]) -> None:
    """Add a change, as it was sent, to `base`, and copy the result to `now`. Shapes as for :func:`pack`."""
    if change.dtype == np.float32:
        target = _like(base, change)
        target += change
        _like(now, change)[:] = target
    else:
        _exchange.apply_packed(_table(base), _table(now), _table(change))


def _like(table: NDArray[np.float32], sent: NDArray[Any]) -> NDArray[np.float32]:
    return table[:, : sent.shape[1]] if sent.ndim == 2 else table


def _table(array: NDArray[Any]) -> NDArray[Any]:
    """Two axes, as the kernels want them."""
    return array if array.ndim == 2 else array[None]
