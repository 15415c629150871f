"""What all series share, fitted once to a sample, and fits of further series that depend on nothing else."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from kerazoo._runtime.checkpoints import CheckpointFile
from kerazoo._runtime.files import replacing
from kerazoo.errors import StorageError
from kerazoo.forecast import model_file
from kerazoo.forecast.data.panel import Panel
from kerazoo.forecast.data.types import Values
from kerazoo.forecast.fit_settings import FitSettings
from kerazoo.forecast.fitted_panel import FittedPanel
from kerazoo.forecast.intervals import ConformalIntervals, Shrinkage, root_mean_square, usual_change
from kerazoo.forecast.mixture import mixed
from kerazoo.forecast.panel_fitting import ROUNDING, fit_panel, rolled_origins
from kerazoo.forecast.panel_nets import forecast_of
from kerazoo.forecast.panel_terms import Adjusted, adjusted_by, terms_of
from kerazoo.forecast.statistics import Statistics, Weights, combine, fit_statistics, steps_back, weigh
from kerazoo.forecast.transforms.linear_term import LinearTerm

__all__ = ["Shared", "fit_series", "fit_shared", "joined", "read_shared", "write_shared"]

#: Series that are fitted at a time: their forecasts from all origins are in memory.
CHUNK = 256


@dataclass(frozen=True, eq=False)
class Shared:
    """What the fits of all series have in common.

    Attributes:
        fitted: the fitted state of the sample: its networks, the weights of panel and mixture, its intervals.
        n_origins: int, rolled origins of every series.
        shrinkage: of the sizes of the errors of series; None if no series of the sample has errors.
        factor: of these sizes, since the errors of the mixture are not those of the statistics.
        n_sized: int, series of the sample by whose errors the shrinkage is known.
        params: those of the constructor of the forecaster, after :func:`read_shared`.
    """

    fitted: FittedPanel
    n_origins: int
    shrinkage: Shrinkage | None
    factor: float
    n_sized: int
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class _Rolled:
    """Statistics of series.

    Attributes:
        adjusted: the fits.
        weights: float64 (S, C), of the candidates.
        points: float64 (S, H), forecasts.
        sizes: float64 (S,), of the errors at the origins; NaN where there are none.
        changes: float64 (S,), how much each series varies.
    """

    adjusted: Adjusted
    weights: Values
    points: Values
    sizes: Values
    changes: Values


def fit_shared(
    panel: Panel, settings: FitSettings, val: int | None = None, checkpoints: CheckpointFile | None = None
) -> Shared:
    """Fit what all series share.

    Args:
        panel: the sample.
        settings: FitSettings of several series.
        val: int, steps to hold out, or None, as for :func:`kerazoo.forecast.panel_fitting.fit_panel`.
        checkpoints: where finished networks are kept, or None.

    Raises:
        KeyboardInterrupt: Ctrl-C.
        TrainingError: the training of networks diverges.
    """
    fitted = fit_panel(panel, settings, val, checkpoints)
    if fitted.course.error is not None:
        raise fitted.course.error
    n_origins = rolled_origins([len(each.values) for each in panel.series], settings.horizon, val)
    shared = Shared(fitted, n_origins, None, 1.0, 0)
    if fitted.intervals is None:
        return shared
    parts = [_rolled(shared, part) for part in _chunks(panel)]
    sizes = np.concatenate([part.sizes for part in parts])
    changes = np.concatenate([part.changes for part in parts])
    own = np.nan_to_num(sizes)
    shrinkage = Shrinkage.of(own, changes, _apart(fitted))
    if shrinkage is None:
        return replace(shared, n_sized=int(np.count_nonzero(own)))
    shrunk = shrinkage.apply(own, changes)[0]
    both = (shrunk > 0) & (fitted.intervals.unit > 0)
    factor = float(np.median(fitted.intervals.unit[both] / shrunk[both])) if both.any() else 1.0
    return replace(shared, shrinkage=shrinkage, factor=factor, n_sized=int(np.count_nonzero(own)))


def fit_series(shared: Shared, panel: Panel) -> FittedPanel:
    """Fit series, each by itself: statistics, its weights, and the size of its errors; the networks are shared.

    Args:
        shared: of :func:`fit_shared`.
        panel: the series, of the frequency and with the covariates of the sample.

    Returns:
        The fitted state, which does not depend on which series are fitted together.
    """
    return joined([_fitted(shared, part) for part in _chunks(panel)])


def _chunks(panel: Panel) -> list[Panel]:
    return [
        replace(
            panel,
            series=panel.series[first : first + CHUNK],
            static=panel.static[first : first + CHUNK],
            categories=panel.categories[first : first + CHUNK],
        )
        for first in range(0, len(panel.series), CHUNK)
    ]


def _apart(fitted: FittedPanel) -> float:
    """Paths of errors of a series that do not overlap, as `ConformalIntervals.of` counts them."""
    return fitted.n_held_out / fitted.horizon


def _fitted(shared: Shared, panel: Panel) -> FittedPanel:
    base = shared.fitted
    found = _rolled(shared, panel)
    points, inputs = found.points, base.inputs
    if base.nets and not inputs.depend_on_futures(panel):
        of_nets = forecast_of(base.nets, found.adjusted.ys, base.horizon, inputs.of(panel), base.shares)
        points = mixed(points, of_nets, base.net_weights)
    return replace(
        base,
        panel=panel,
        terms=found.adjusted.terms,
        weights=found.weights,
        factors=np.repeat(base.panel_factors[None], len(points), axis=0),
        forecasts=points,
        intervals=_intervals(shared, found),
    )


def _rolled(shared: Shared, panel: Panel) -> _Rolled:
    """Fit the statistics of series, and measure their errors at the origins."""
    base = shared.fitted
    floor = None if base.terms else base.floor

    def fit(ys: Sequence[Values], **changes: Any) -> Statistics:
        return fit_statistics(ys, base.periods, base.horizon, floor=floor, **{"n_origins": shared.n_origins, **changes})

    adjusted = _adjusted(shared, panel, fit)
    found = adjusted.found
    like = Weights(np.repeat(base.panel_weights[:, None], base.horizon, axis=1), np.empty((0, 0, 0)), *base.rates)
    n_series = len(panel.series)
    weights, points = np.empty((n_series, len(found.names))), np.empty((n_series, base.horizon))
    sizes, changes = np.full(n_series, np.nan), np.zeros(n_series)
    for number in range(n_series):  # one at a time: sums over several may add their terms in another order
        one = found.of_series(number)
        own = weigh(one, like=like)
        weights[number] = own.by_series[0, :, 0]
        points[number] = base.panel_factors * combine(one, own)[0]
        if not base.n_held_out:
            continue
        errors = one.truth[0] - base.panel_factors * combine(one, own, rolled=True)[0]
        errors = np.where(np.abs(errors) <= ROUNDING * np.abs(one.truth[0]), 0.0, errors)
        if np.isfinite(errors).any():
            sizes[number] = root_mean_square(errors.ravel())
        y = adjusted.earlier[number]
        # Of the whole series, where nothing lies before the steps that are held out.
        changes[number] = usual_change(y[: -base.n_held_out] if len(y) > base.n_held_out else y, base.period)
    return _Rolled(adjusted, weights, points, sizes, changes)


def _adjusted(shared: Shared, panel: Panel, fit: Callable[..., Statistics]) -> Adjusted:
    base = shared.fitted
    ys, covariates = [each.values for each in panel.series], [each.covariates for each in panel.series]
    if not base.terms:
        return Adjusted((), ys, ys, fit(ys))
    form = base.terms[0].form
    backs = steps_back(base.horizon, shared.n_origins)
    back = int(backs[0]) if len(backs) else 0
    terms, before = [], []
    for y, x in zip(ys, covariates, strict=True):
        positive = form == "additive" or bool((y[np.isfinite(y)] > 0).all())
        own = form if positive else "additive"
        terms.append(_term(own, y, x, base.period))
        if back:
            before.append(_term(own, y[: max(0, len(y) - back)], x, base.period))
    return adjusted_by(terms, before if back else None, ys, covariates, fit)


def _term(form: str, y: Values, x: Values, period: int) -> LinearTerm:
    return terms_of(form, [y], [x], period)[0]


def _intervals(shared: Shared, found: _Rolled) -> ConformalIntervals | None:
    """Those of the sample, with the size of the errors of each series."""
    intervals = shared.fitted.intervals
    if intervals is None:
        return None
    own = np.nan_to_num(found.sizes)
    if shared.shrinkage is None:
        sizes, share = own, np.ones(len(own))
    else:
        sizes, share = shared.shrinkage.apply(own, found.changes)
        # What is too short for errors has those that are usual.
        unknown = np.isnan(found.sizes)
        sizes[unknown] = np.exp(shared.shrinkage.middle) * found.changes[unknown]
        share[unknown] = 0.0
    paths = _apart(shared.fitted) * (1.0 + max(0, shared.n_sized - 1) * (1.0 - share))
    return replace(intervals, unit=shared.factor * sizes, paths=paths)


def joined(parts: Sequence[FittedPanel]) -> FittedPanel:
    """One state of all series of several, which were fitted with the same :class:`Shared`.

    Args:
        parts: at least one.
    """
    first = parts[0]
    if len(parts) == 1:
        return first
    panels = [each.panel for each in parts]
    panel = replace(
        first.panel,
        series=tuple(each for panel in panels for each in panel.series),
        static=np.concatenate([panel.static for panel in panels]),
        categories=tuple(each for panel in panels for each in panel.categories),
    )
    intervals = first.intervals
    if intervals is not None:
        of_parts = [each.intervals for each in parts if each.intervals is not None]
        intervals = replace(
            intervals,
            unit=np.concatenate([each.unit for each in of_parts]),
            paths=np.concatenate([each.paths for each in of_parts]),
        )
    return replace(
        first,
        panel=panel,
        terms=tuple(term for each in parts for term in each.terms),
        weights=np.concatenate([each.weights for each in parts]),
        factors=np.concatenate([each.factors for each in parts]),
        forecasts=np.concatenate([each.forecasts for each in parts]),
        intervals=intervals,
    )


def write_shared(shared: Shared, params: Mapping[str, Any], path: str | os.PathLike[str]) -> None:
    """Write what all series share: the file of a forecaster of the sample, and beside it numbers in `path`.json.

    Raises:
        StorageError: a file cannot be written.
    """
    model_file.save(shared.fitted, params, path)
    shrinkage = shared.shrinkage
    notes = {
        "n_origins": shared.n_origins,
        "shrinkage": None if shrinkage is None else [shrinkage.middle, shrinkage.weight, shrinkage.reach],
        "factor": shared.factor,
        "n_sized": shared.n_sized,
    }
    with replacing(_notes_of(path)) as part:
        part.write_text(json.dumps(notes))


def read_shared(path: str | os.PathLike[str]) -> Shared:
    """The inverse of :func:`write_shared`.

    Raises:
        StorageError: a file does not exist or is damaged.
    """
    fitted, params = model_file.load(path)
    try:
        notes = json.loads(_notes_of(path).read_text())
        shrinkage = None if notes["shrinkage"] is None else Shrinkage(*notes["shrinkage"])
        assert isinstance(fitted, FittedPanel)
        return Shared(fitted, notes["n_origins"], shrinkage, notes["factor"], notes["n_sized"], params)
    except (OSError, ValueError, KeyError, TypeError, AssertionError) as error:
        raise StorageError(
            f"{_notes_of(path)}: cannot be read ({error}); expected what fit_groups wrote. Delete both files and call "
            "fit_groups again: it makes them anew."
        ) from error


def _notes_of(path: str | os.PathLike[str]) -> Path:
    return Path(f"{os.fspath(path)}.json")
