"""Fast training of small recurrent networks: :func:`fit`, its :class:`Plan`, and :func:`compiled` models."""

from __future__ import annotations

from kerazoo.training.calling import compiled
from kerazoo.training.fitting import fit
from kerazoo.training.plan import Plan, choose_plan

__all__ = ["Plan", "choose_plan", "compiled", "fit"]
