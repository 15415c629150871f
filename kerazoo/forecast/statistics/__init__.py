"""Statistics of many series: candidates fitted and rolled by a compiled kernel, and their weights by series."""

from kerazoo.forecast.statistics.fit import fit_statistics, steps_back
from kerazoo.forecast.statistics.results import Statistics, Weights
from kerazoo.forecast.statistics.weights import combine, combine_one_step, weigh

__all__ = ["Statistics", "Weights", "combine", "combine_one_step", "fit_statistics", "steps_back", "weigh"]
