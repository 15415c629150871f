"""Innovations of exponential smoothing: ETS(A,Ad,A) in innovations form, and its special cases."""

import numpy as np
from numpy.typing import NDArray

def innovations(
    y: NDArray[np.float64],
    alpha: float,
    beta: float,
    gamma: float,
    phi: float,
    states: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Run the filter over `y` (T,), separately in each column of `states` (2 + m, C).

    Rows of `states` are the level l, the slope b and the seasons s of the steps 0 .. m - 1; step t uses row 2 + t % m.
    With the innovation e = y_t - (l + phi b + s), which is written to `out` (T, C):

        l <- l + phi b + alpha e        b <- phi b + beta e        s <- s + gamma e

    On return, `states` are those after the last value. The first column filters `y`, the others filter zeros. The filter
    is linear in the initial states, so a column that starts as a unit vector yields the derivative of innovations and
    final states with respect to that initial state. A model without slope or season has zeros there and weight 0.
    O(T C). Releases the GIL.
    """

def squares(
    y: NDArray[np.float64],
    alpha: float,
    beta: float,
    gamma: float,
    phi: float,
    states: NDArray[np.float64],
    gradient: NDArray[np.float64],
) -> float:
    """Sum of the squared innovations of `y` (T,); writes its derivatives by alpha, beta, gamma, phi to `gradient` (4,).

    `states` (2 + m, 5) has the initial states in the first column and their derivatives by the four weights, usually
    zeros, in the others. It is overwritten. O(T). Releases the GIL.
    """
