"""Linear effects of covariates on several series: in what form, if they lower the errors of forecasts at all."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from kerazoo.forecast.data.gaps import interpolated
from kerazoo.forecast.data.types import Values
from kerazoo.forecast.intervals import usual_change
from kerazoo.forecast.statistics import Statistics, combine, weigh
from kerazoo.forecast.transforms.linear_term import FORMS, LinearTerm, fit_terms

__all__ = ["Adjusted", "adjust", "adjusted_by", "terms_of"]

#: Values of a series without which it has no effect of its own.
LEAST_VALUES = 3
#: Series that the form of the effects is chosen on: an estimate takes a twentieth of a second.
MOST_SERIES = 100


@dataclass(frozen=True, eq=False)
class Adjusted:
    """Series without the linear effects of their covariates, and the statistics of these.

    Attributes:
        terms: one per series; () without effects.
        ys: float64 (T,) per series, what the terms leave.
        earlier: the same of terms that know nothing of the steps from the first origin on.
        found: the statistics. Forecasts from the origins are of `earlier`, those from the end of `ys`.
    """

    terms: tuple[LinearTerm, ...]
    ys: list[Values]
    earlier: list[Values]
    found: Statistics


def adjust(
    ys: Sequence[Values],
    covariates: Sequence[Values],
    period: int,
    fit: Callable[..., Statistics],
    *,
    relative: bool = False,
) -> Adjusted:
    """Choose the form of the effects: none, additive or multiplicative (of positive series).

    An effect must lower the errors of forecasts from the origins by more than their standard error over the series. All
    is estimated without the values that are forecast there.

    Args:
        ys: float64 (T,) per series.
        covariates: float64 (T, K) per series.
        period: int >= 1, steps per season.
        fit: function of the series, and of `n_origins=0` for no origins, that fits the statistics.
        relative: whether effects on positive series must be multiplicative, so that relative errors keep their meaning.
    """
    if not covariates[0].shape[1]:
        return Adjusted((), list(ys), list(ys), fit(ys))
    some = np.unique(np.linspace(0, len(ys) - 1, MOST_SERIES).astype(int))
    some_ys = [ys[number] for number in some]
    plain = fit(some_ys)
    back = int(plain.backs[0]) if len(plain.backs) else 0
    positive = all((y[np.isfinite(y)] > 0).all() for y in ys)
    forms = FORMS[int(relative) :] if positive else FORMS[:1]
    form: str | None = forms[0]  # without origins there is no evidence
    if back:
        form = _form(forms, plain, some_ys, [covariates[number] for number in some], period, fit)
    if form is None:
        return Adjusted((), list(ys), list(ys), plain if len(some) == len(ys) else fit(ys))
    terms = terms_of(form, ys, covariates, period)
    before = terms_of(form, _before(ys, back), covariates, period) if back else None
    return adjusted_by(terms, before, ys, covariates, fit)


def adjusted_by(
    terms: Sequence[LinearTerm],
    before: Sequence[LinearTerm] | None,
    ys: Sequence[Values],
    covariates: Sequence[Values],
    fit: Callable[..., Statistics],
) -> Adjusted:
    """Series without given terms.

    Args:
        terms: one per series, of all values.
        before: one per series, of the values before the first origin; None without origins.
        ys: float64 (T,) per series.
        covariates: float64 (T, K) per series.
        fit: as for :func:`adjust`.
    """
    rest = _without(terms, ys, covariates)
    last = fit(rest, n_origins=0)
    if before is None:
        return Adjusted(tuple(terms), rest, rest, last)
    earlier = _without(before, ys, covariates)
    found = fit(earlier)
    criteria = np.concatenate([found.criteria[:, :-1], last.criteria], axis=1)
    found = replace(found, forecasts=last.forecasts, parameters=last.parameters, criteria=criteria)
    return Adjusted(tuple(terms), rest, earlier, found)


def _form(
    forms: Sequence[str],
    plain: Statistics,
    ys: Sequence[Values],
    covariates: Sequence[Values],
    period: int,
    fit: Callable[..., Statistics],
) -> str | None:
    """The form of the effects, one of `forms`; None if none is better than the `plain` statistics."""
    back = int(plain.backs[0])
    chosen, lowest = None, _errors(plain, (), ys, covariates)
    for form in forms:
        terms = terms_of(form, _before(ys, back), covariates, period)
        errors = _errors(fit(_without(terms, ys, covariates)), terms, ys, covariates)
        gains = lowest - errors
        if gains.sum() > math.sqrt(float((gains**2).sum())):
            chosen, lowest = form, errors
    return chosen


def _before(ys: Sequence[Values], back: int) -> list[Values]:
    return [y[: max(0, len(y) - back)] for y in ys]


def _without(terms: Sequence[LinearTerm], ys: Sequence[Values], covariates: Sequence[Values]) -> list[Values]:
    return [term.remove(y, x) for term, y, x in zip(terms, ys, covariates, strict=True)]


def terms_of(form: str, ys: Sequence[Values], covariates: Sequence[Values], period: int) -> list[LinearTerm]:
    """A term of each series, of coefficients 0 for series that are too short for any.

    Args:
        form: "additive" or "multiplicative".
        ys: float64 (t,) per series, not longer than the covariates; missing values lie on the line between others.
        covariates: float64 (T, K) per series.
        period: int >= 1, steps per season.
    """
    whole = [interpolated(y) if np.isfinite(y).any() else y[:0] for y in ys]
    long = [number for number, y in enumerate(whole) if len(y) >= LEAST_VALUES]
    found = [LinearTerm.of(form, np.zeros(x.shape[1]), x) for x in covariates]
    if long:
        xs = [covariates[number][: len(whole[number])] for number in long]
        for number, term in zip(long, fit_terms(form, [whole[number] for number in long], xs, period), strict=True):
            found[number] = LinearTerm.of(form, term.coefficients, covariates[number])
    return found


def _errors(
    found: Statistics, terms: Sequence[LinearTerm], ys: Sequence[Values], covariates: Sequence[Values]
) -> Values:
    """Mean absolute errors of each series at the origins, in units of its changes, (S,); `terms` may be empty."""
    rolled = combine(found, weigh(found), rolled=True)
    errors = np.zeros(len(ys))
    for number, (y, x) in enumerate(zip(ys, covariates, strict=True)):
        total, count = 0.0, 0
        for place, back in enumerate(found.backs.tolist()):
            steps = slice(len(y) - back, len(y) - back + found.horizon)
            truth = y[steps] if len(y) > back else y[:0]
            if not len(truth):
                continue
            forecast = rolled[number, place, : len(truth)]
            if terms:
                forecast = terms[number].restore(forecast, x[steps])
            known = np.isfinite(truth) & np.isfinite(forecast)
            total += float(np.abs(truth - forecast)[known].sum())
            count += int(known.sum())
        # The scale of the series itself, whatever the terms leave of it.
        size = usual_change(y, 1)
        errors[number] = total / count / size if count and size > 0 else 0.0
    return errors
