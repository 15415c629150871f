"""What a preset of a forecaster must hold."""

from __future__ import annotations

import numpy as np

from kerazoo._presets import PresetFile
from kerazoo._validation import check_int
from kerazoo.errors import InvalidArgumentError

__all__ = ["check_forecaster"]


def check_forecaster(preset: PresetFile) -> None:
    """Refuse a preset that is not of a forecaster.

    Args:
        preset: whose spec must have L and H, and whose settings rising levels with .5 among them, limits (H, 2), a
            recency > 0 and, unless they are 1, how many steps are a patch, and how many networks and views there are.

    Raises:
        InvalidArgumentError: something is missing, or of another kind.

    >>> check_forecaster(PresetFile({}, [], {}, {}))
    Traceback (most recent call last):
    kerazoo.errors.InvalidArgumentError: not a preset of a forecaster: no 'lookback' in its spec; ...
    """
    hint = "expected a file that pretrain's PresetFile was written to."
    for place, name in [("spec", "lookback"), ("spec", "horizon"), ("settings", "levels"), ("settings", "limits"),
                        ("settings", "recency")]:  # fmt: skip
        if name not in getattr(preset, place):
            raise InvalidArgumentError(f"not a preset of a forecaster: no {name!r} in its {place}; {hint}")
    try:
        levels, limits, recency = (
            np.asarray(preset.settings[name], np.float64) for name in ("levels", "limits", "recency")
        )
        shape = (int(preset.spec["horizon"]), 2)
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(f"not a preset of a forecaster: {error}; {hint}") from None
    if levels.ndim != 1 or 0.5 not in levels or not (np.diff(levels) > 0).all() or not 0 < levels[0] < levels[-1] < 1:
        raise InvalidArgumentError(f"levels={levels.tolist()} of a preset; expected rising ones around 0.5.")
    if limits.shape != shape or not (limits[:, 0] <= limits[:, 1]).all():
        raise InvalidArgumentError(f"limits of shape {limits.shape} of a preset; expected ranges of shape {shape}.")
    if recency.shape != () or not recency > 0:
        raise InvalidArgumentError(f"recency={recency.tolist()} of a preset; expected a number > 0.")
    for name in ("patch", "n_members", "views"):
        check_int(f"{name} of a preset", preset.settings.get(name, 1))
    if len(preset.weights) % preset.settings.get("n_members", 1):
        raise InvalidArgumentError(
            f"{len(preset.weights)} weights of {preset.settings['n_members']} networks; expected as many of each."
        )
