"""The checkpoint file of a fit: what a training must have in common with the one that it continues."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Any

import numpy as np

from kerazoo._runtime.checkpoints import DEFAULT_MINUTES, CheckpointFile
from kerazoo._runtime.devices import backend_name
from kerazoo.forecast.data.panel import Panel
from kerazoo.forecast.fit_settings import FitSettings
from kerazoo.forecast.options import identity_of

__all__ = ["checkpoint_file"]

FILE_NAME = "fit.kerazoo"
KIND = "kerazoo.forecast-training"


def checkpoint_file(
    panel: Panel,
    settings: FitSettings,
    val: int | None,
    folder: Any,
    minutes: float = DEFAULT_MINUTES,
    *,
    with_seed: bool,
) -> CheckpointFile:
    """The checkpoint file of a fit.

    Args:
        panel: the series.
        settings: FitSettings.
        val: as given to :func:`kerazoo.forecast.fitting.fit`.
        folder: directory; made if it does not exist.
        minutes: float >= 0, minimum time between two checkpoints.
        with_seed: whether the user chose the seed: only then must the checkpoint have the same.
    """
    arrays = [array for each in panel.series for array in (each.values, each.covariates)]
    if panel.past_names or panel.static_names or panel.category_names:
        arrays += [*(each.past for each in panel.series), panel.static]
        arrays.append(np.frombuffer(repr(panel.categories).encode(), np.uint8))
    identity = {**identity_of(panel, settings, val), "data": _checksum_of(arrays), "backend": backend_name()}
    seed = settings.seed if with_seed else None
    return CheckpointFile(folder, FILE_NAME, kind=KIND, identity=identity, seed=seed, minutes=minutes)


def _checksum_of(arrays: Iterable[Any]) -> int:
    """CRC-32 of arrays, which tells the data of two trainings apart."""
    check = 0
    for array in arrays:
        check = zlib.crc32(np.ascontiguousarray(array).tobytes(), check)
    return check
