"""What a preset of a forecaster must hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerazoo._presets import PresetFile
from kerazoo._runtime.memory import check_memory
from kerazoo._validation import check_int, check_real
from kerazoo.errors import InvalidArgumentError

__all__ = ["check_forecaster", "check_network"]


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


def check_network(
    spec: Mapping[str, Any],
    weights: Sequence[NDArray[Any]],
    periods: float | Iterable[float],
    patch: Any,
    features: int,
    outputs: int,
) -> None:
    """Refuse a network of a file that could not forecast, or would take memory that its weights do not need.

    Args:
        spec: config of its RNNSpec.
        weights: of one network.
        periods: steps of the seasons that are taken out.
        patch: steps that it reads as one.
        features: of a step, times the patch, as its inputs have.
        outputs: of a step ahead, as its loss has.

    Raises:
        InvalidArgumentError: a field that is out of range, or does not fit the others.
        MemoryLimitError: windows of one series need more memory than there is.
    """
    for each in (periods,) if isinstance(periods, int | float) else periods:
        check_real("period of a network", each, 1.0, 1e8)
    check_int("patch of a network", patch)
    lookback = check_int("lookback of a network", spec.get("lookback"))
    check_int("horizon of a network", spec.get("horizon", 1))
    found = spec.get("features", 1), spec.get("outputs", 1), spec.get("returns", "sequence")
    if found != (features, outputs, "last"):
        raise InvalidArgumentError(
            f"a network of features, outputs and returns {found}; expected {features, outputs, 'last'}."
        )
    check_memory(8 * lookback * features, f"lookback={lookback}", "A file that asks for it is damaged.")
    if not all(np.isfinite(np.asarray(each, np.float64)).all() for each in weights):
        raise InvalidArgumentError("a weight of a network is not finite; expected those of one that was trained.")
    # As for the networks of chains: layers that need far more weights than there are would take memory before an error.
    sizes = [check_int("units", layer.get("units")) for layer in spec["layers"]]
    needed, held = sum(size**2 for size in sizes), sum(np.size(each) for each in weights)
    if needed > max(1 << 24, held):
        raise InvalidArgumentError(
            f"a network of {needed:,} or more weights; expected at most the {held:,} in the file."
        )
