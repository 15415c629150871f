"""What a file says of a network, compared with what a network can be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerazoo._runtime.memory import check_memory
from kerazoo._validation import check_int, check_real
from kerazoo.errors import InvalidArgumentError

__all__ = ["check_network"]


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
