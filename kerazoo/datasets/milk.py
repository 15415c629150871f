"""Monthly milk production, a series used in many forecasting tutorials."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kerazoo._runtime.optional import needed

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["milk"]

_POUNDS_PER_COW = (
    589, 561, 640, 656, 727, 697, 640, 599, 568, 577, 553, 582,  # 1962
    600, 566, 653, 673, 742, 716, 660, 617, 583, 587, 565, 598,  # 1963
    628, 618, 688, 705, 770, 736, 678, 639, 604, 611, 594, 634,  # 1964
    658, 622, 709, 722, 782, 756, 702, 653, 615, 621, 602, 635,  # 1965
    677, 635, 736, 755, 811, 798, 735, 697, 661, 667, 645, 688,  # 1966
    713, 667, 762, 784, 837, 817, 767, 722, 681, 687, 660, 698,  # 1967
    717, 696, 775, 796, 858, 826, 783, 740, 701, 706, 677, 711,  # 1968
    734, 690, 785, 805, 871, 845, 801, 764, 725, 723, 690, 734,  # 1969
    750, 707, 807, 824, 886, 859, 819, 783, 740, 747, 711, 751,  # 1970
    804, 756, 860, 878, 942, 913, 869, 834, 790, 800, 763, 800,  # 1971
    826, 799, 890, 900, 961, 935, 894, 855, 809, 810, 766, 805,  # 1972
    821, 773, 883, 898, 957, 924, 881, 837, 784, 791, 760, 802,  # 1973
    828, 778, 889, 902, 969, 947, 908, 867, 815, 812, 773, 813,  # 1974
    834, 782, 892, 903, 966, 937, 896, 858, 817, 827, 797, 843,  # 1975
)  # fmt: skip


@needed("datasets.milk")
def milk() -> pd.Series:
    """Monthly milk production in pounds per cow, January 1962 to December 1975: 168 values, available offline.

    The values are not adjusted for the length of the month. Source: Cryer, Time Series Analysis (1986); Time Series
    Data Library.

    Returns:
        A new float64 `pandas.Series` named `pounds_per_cow` with a `DatetimeIndex` named `month` of the first days of
        the months (freq "MS").

    >>> series = milk()
    >>> train, test = series[:-12], series[-12:]
    >>> float(train.iloc[0]), len(train), str(test.index[0].date())
    (589.0, 156, '1975-01-01')
    """
    import pandas as pd

    months = pd.date_range("1962-01-01", periods=len(_POUNDS_PER_COW), freq="MS", name="month")
    return pd.Series(_POUNDS_PER_COW, months, dtype="float64", name="pounds_per_cow")
