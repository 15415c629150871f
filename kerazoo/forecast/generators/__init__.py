"""Generators of time series: seeded and fast, to test methods of forecasting and to train networks of all series.

:func:`generate` makes whole series of a kind; the other functions are their parts, which can be combined freely.
"""

from kerazoo.forecast.generators.calendar_effects import FREQUENCIES, calendar_effects, step_dates
from kerazoo.forecast.generators.cycles import ricker_map, stochastic_cycle
from kerazoo.forecast.generators.demand import counts, intermittent
from kerazoo.forecast.generators.events import launch, level_shifts, outliers, round_values, saturate
from kerazoo.forecast.generators.gaussian_processes import KERNELS, gaussian_process
from kerazoo.forecast.generators.generate import BLOCK, batches, generate
from kerazoo.forecast.generators.kinds import KINDS, MIXTURE
from kerazoo.forecast.generators.noise import arma, garch, seasonal_autoregression, student
from kerazoo.forecast.generators.seasons import SHAPES, season
from kerazoo.forecast.generators.state_space import ets
from kerazoo.forecast.generators.trends import (
    CURVES,
    growth_curve,
    local_linear_trend,
    piecewise_trend,
    random_walk,
)

__all__ = [
    "BLOCK",
    "CURVES",
    "FREQUENCIES",
    "KERNELS",
    "KINDS",
    "MIXTURE",
    "SHAPES",
    "arma",
    "batches",
    "calendar_effects",
    "counts",
    "ets",
    "garch",
    "gaussian_process",
    "generate",
    "growth_curve",
    "intermittent",
    "launch",
    "level_shifts",
    "local_linear_trend",
    "outliers",
    "piecewise_trend",
    "random_walk",
    "ricker_map",
    "round_values",
    "saturate",
    "season",
    "seasonal_autoregression",
    "step_dates",
    "stochastic_cycle",
    "student",
]
