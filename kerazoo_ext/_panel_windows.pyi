"""Windows over a panel of series for one network of all series: drawn at random, each scaled by itself.

The panel is flat: `values` float64 (N,) has all series one after the other, NaN where a value is missing; `offsets` int64
(S + 1,) says where each begins. The formulas of centre, scale and unit are in `panel_windows.h`. The functions release
the GIL.
"""

import numpy as np
from numpy.typing import NDArray

VALUES: int
"""Kind of a series of any numbers."""
LOGARITHMS: int
"""Kind of a series of logarithms."""
COUNTS: int
"""Kind of a series of counts, >= 0, which keep their zero."""
FEATURES: int
"""Features of a step of the inputs: scaled value, 1 where it is known (else 0), logarithm of the unit."""
TARGETS: int
"""Numbers of a target: scaled value, 1 where it is known (else 0), unit (of counts the scale, for their likelihood)."""

def draw(
    offsets: NDArray[np.int64],
    eligible: NDArray[np.int64],
    history: int,
    future: int,
    key: int,
    position: int,
    series: NDArray[np.int64],
    ends: NDArray[np.int64],
) -> None:
    """Draw windows number `position`, `position` + 1, ... of the stream `key`, into `series` and `ends`, int64 (B,) each.

    Draw c is `r = mix(key + c * golden)`. Its low half chooses the series, `eligible[(r & 0xffffffff) * E >> 32]`, its
    high half the end, `history + ((r >> 32) * n >> 32)` of the n = length - history - future + 1 ends of that series.

    Args:
        offsets: int64 (S + 1,).
        eligible: int64 (E,), series of at least `history + future` values.
        history: values before the end of a window, at least.
        future: values from the end on, at least.
        key: 64 bits.
        position: number of the first draw.
        series: overwritten.
        ends: overwritten; the number of values of the series before the first target.
    """

def fill(
    values: NDArray[np.float64],
    offsets: NDArray[np.int64],
    kinds: NDArray[np.uint8],
    least_unit: float,
    series: NDArray[np.int64],
    ends: NDArray[np.int64],
    inputs: NDArray[np.float32],
    targets: NDArray[np.float32],
    centres: NDArray[np.float64],
    scales: NDArray[np.float64],
) -> None:
    """Fill B windows.

    Args:
        values: float64 (N,).
        offsets: int64 (S + 1,).
        kinds: uint8 (S,), `VALUES`, `LOGARITHMS` or `COUNTS`.
        least_unit: > 0, the lowest unit, for windows of constant values.
        series: int64 (B,).
        ends: int64 (B,), from 0 to the length of the series.
        inputs: float32 (B, L, 3), overwritten; steps before the start of the series are missing.
        targets: float32 (B, H, 3), overwritten; steps after the end of the series are missing, and all are if no input
            is known. Scaled values are limited to 1e6 in size. H may be 0.
        centres: float64 (B,), overwritten; if no input is known, the last value before the window, else 0.
        scales: float64 (B,), overwritten: value = centre + scale * scaled value.
    """
