"""Statistics of the series of a panel: fits, rolling origins and forecasts."""

import numpy as np
from numpy.typing import NDArray

#: Names of the candidates, in the order of all arrays.
CANDIDATES: tuple[str, ...]
#: Numbers that are kept of each fit.
PARAMETERS: int
#: Most seasons of one series.
MAX_SEASONS: int

def fit(
    values: NDArray[np.float64],
    offsets: NDArray[np.int64],
    first: int,
    last: int,
    periods: NDArray[np.float64],
    backs: NDArray[np.int64],
    horizon: int,
    floor: float,
    ceiling: float,
    rolled_iterations: int,
    forecasts: NDArray[np.float64],
    rolled: NDArray[np.float64],
    criteria: NDArray[np.float64],
    parameters: NDArray[np.float64],
    fitted: NDArray[np.float64],
) -> None:
    """Fit C = len(CANDIDATES) candidates to the series `first` .. `last` - 1 of S, at K origins and at the end.

    Series s is `values[offsets[s]:offsets[s + 1]]`, finite or NaN where a value is missing; `offsets` (S + 1,) rise from 0
    to the number of values N. `periods` (J,) rise from 2 on; J = 0 without a season. Origin k has the values of a series
    but the last `backs[k]`; where a later origin follows an earlier one, a fit starts from that before and takes at most
    `rolled_iterations` steps. Forecasts lie within `floor` and `ceiling`.

    Written, for the series in question alone; what a candidate cannot do for a series is left as it is (NaN, say):

    - `forecasts` (S, C, H) from the end, `rolled` (S, K, C, H) from the origins; H = `horizon`
    - `criteria` (S, K + 1, C), AICc at the origins and at the end
    - `parameters` (S, C, PARAMETERS), see :class:`kerazoo.forecast.statistics.Statistics`
    - `fitted` (C, N), one-step forecasts of the values; (0, N): not computed

    The models are in the headers `statistics.h` (which includes the others), `smoothing_fit.h`, `theta.h`, `burg.h` and
    `seasonality.h`. Each series is computed alone, so that ranges of series may be fitted in several threads, with the
    same numbers. O(values x candidates x origins). Releases the GIL.
    """
