"""Series in and out of a forecaster: panels, indexes, frequencies, calendar features."""

from __future__ import annotations

from kerazoo.forecast.data.future import read_future
from kerazoo.forecast.data.panel import Panel, SeriesData
from kerazoo.forecast.data.read import read_panel
from kerazoo.forecast.data.write import write_forecast, write_steps

__all__ = ["Panel", "SeriesData", "read_future", "read_panel", "write_forecast", "write_steps"]
