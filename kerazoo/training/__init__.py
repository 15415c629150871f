"""Training small recurrent nets fast: :func:`fit`, and the :class:`Plan` that it chooses."""

from __future__ import annotations

from kerazoo.training.fitting import fit
from kerazoo.training.plan import Plan, choose_plan

__all__ = ["Plan", "choose_plan", "fit"]
