"""Innovations of exponential smoothing: ETS(A,Ad,A) in innovations form, and what it contains."""

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
    """Run the filter over `y` (T,), in each column of `states` (2 + m, C) of its own.

    Rows of `states` are level l, slope b and the seasons s of the steps 0 .. m - 1; step t has row 2 + t % m. With the
    innovation e = y_t - (l + phi b + s), which goes to `out` (T, C):

        l <- l + phi b + alpha e        b <- phi b + beta e        s <- s + gamma e

    `states` end as those after the last value. `y` enters the first column; the others run on zeros, so that a unit
    vector there gives the derivative of innovations and final states with respect to that initial state: the filter is
    linear in them. A model without slope or season has zeros there and weight 0. O(T C). Releases the GIL.
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
    """Sum of the squared innovations of `y` (T,), and its derivatives by alpha, beta, gamma, phi to `gradient` (4,).

    `states` (2 + m, 5) have the initial states in the first column and their derivatives by the four weights, usually
    zeros, in the others. They are overwritten. O(T). Releases the GIL.
    """
