"""How good is it? Scores of forecasts."""

from kerazoo.evaluation.forecasts import coverage, interval_score, mae, mase, pinball_loss, rmse, smape

__all__ = ["coverage", "interval_score", "mae", "mase", "pinball_loss", "rmse", "smape"]
