"""Small recurrent nets fast: :func:`fit`, the :class:`Plan` that it chooses, models as functions: :func:`compiled`."""

from __future__ import annotations

from kerazoo.training.calling import compiled
from kerazoo.training.fitting import fit
from kerazoo.training.plan import Plan, choose_plan

__all__ = ["Plan", "choose_plan", "compiled", "fit"]
