"""Plots of forecasts, scores, trainings, word vectors and states, drawn with matplotlib.

Each function takes results, and matplotlib Axes to draw on or None; it returns the Axes. None trains anything, and none
needs a screen.
"""

from kerazoo.plots.cross_validation import plot_calibration, plot_error_by_horizon
from kerazoo.plots.forecasts import plot_backtest, plot_forecast
from kerazoo.plots.heat_maps import plot_attention, plot_states
from kerazoo.plots.neighbors import plot_neighbors
from kerazoo.plots.scores import plot_scores, plot_tradeoff
from kerazoo.plots.training import plot_comparison, plot_history
from kerazoo.plots.words import plot_word_vectors

__all__ = [
    "plot_attention",
    "plot_backtest",
    "plot_calibration",
    "plot_comparison",
    "plot_error_by_horizon",
    "plot_forecast",
    "plot_history",
    "plot_neighbors",
    "plot_scores",
    "plot_states",
    "plot_tradeoff",
    "plot_word_vectors",
]
