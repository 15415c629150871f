"""Names of array and index types that the files of `kerazoo.forecast` share."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["Index", "Values"]

Values: TypeAlias = NDArray[np.float64]
Index: TypeAlias = pd.Index
