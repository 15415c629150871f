"""Linear effects of covariates on several series: in what form, if they lower the errors of forecasts at all."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from kerazoo.forecast.data.types import Values
from kerazoo.forecast.statistics import Statistics, combine, weigh
from kerazoo.forecast.transforms.linear_term import LinearTerm, fit_terms

__all__ = ["Adjusted", "adjust", "terms_of"]

#: Values of a series without which it has no effect of its own.
LEAST_VALUES = 3


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


def adjust(ys: Sequence[Values], covariates: Sequence[Values], period: int, fit: Callable[..., Statistics]) -> Adjusted:
    """Choose the form of the effects: none, additive or multiplicative (of positive series).

    An effect must lower the errors of forecasts from the origins by more than their standard error over the series. All
    is estimated without the values that are forecast there.

    Args:
        ys: float64 (T,) per series.
        covariates: float64 (T, K) per series.
        period: int >= 1, steps per season.
        fit: function of the series, and of `n_origins=0` for no origins, that fits the statistics.
    """
    plain = fit(ys)
    chosen = Adjusted((), list(ys), list(ys), plain)
    if not covariates[0].shape[1]:
        return chosen
    positive = all((y[np.isfinite(y)] > 0).all() for y in ys)
    back = int(plain.backs[0]) if len(plain.backs) else 0
    lowest = _errors(chosen, ys, covariates)
    for form in ("additive", "multiplicative") if positive else ("additive",):
        before = terms_of(form, [y[: max(0, len(y) - back)] for y in ys], covariates, period)
        earlier = [term.remove(y, x) for term, y, x in zip(before, ys, covariates, strict=True)]
        tried = Adjusted(tuple(before), earlier, earlier, fit(earlier))
        errors = _errors(tried, ys, covariates)
        gains = lowest - errors
        # Without origins there is no evidence, and the usual form is the additive one.
        if gains.sum() > math.sqrt(float((gains**2).sum())) or (not back and form == "additive"):
            chosen, lowest = tried, errors
    if not chosen.terms:
        return chosen
    if not back:
        return chosen
    terms = terms_of(chosen.terms[0].form, ys, covariates, period)
    rest = [term.remove(y, x) for term, y, x in zip(terms, ys, covariates, strict=True)]
    last, found = fit(rest, n_origins=0), chosen.found
    criteria = np.concatenate([found.criteria[:, :-1], last.criteria], axis=1)
    found = replace(found, forecasts=last.forecasts, parameters=last.parameters, criteria=criteria)
    return Adjusted(tuple(terms), rest, chosen.earlier, found)


def terms_of(form: str, ys: Sequence[Values], covariates: Sequence[Values], period: int) -> list[LinearTerm]:
    """A term of each series, of coefficients 0 for series that are too short for any.

    Args:
        form: "additive" or "multiplicative".
        ys: float64 (t,) per series, not longer than the covariates; missing values lie on the line between others.
        covariates: float64 (T, K) per series.
        period: int >= 1, steps per season.
    """
    whole = [_without_gaps(y) for y in ys]
    long = [number for number, y in enumerate(whole) if len(y) >= LEAST_VALUES]
    found = [LinearTerm.of(form, np.zeros(x.shape[1]), x) for x in covariates]
    if long:
        xs = [covariates[number][: len(whole[number])] for number in long]
        for number, term in zip(long, fit_terms(form, [whole[number] for number in long], xs, period), strict=True):
            found[number] = LinearTerm.of(form, term.coefficients, covariates[number])
    return found


def _without_gaps(y: Values) -> Values:
    known = np.isfinite(y)
    if known.all() or not known.any():
        return y if known.all() else y[:0]
    return np.interp(np.arange(len(y)), np.flatnonzero(known), y[known])


def _errors(adjusted: Adjusted, ys: Sequence[Values], covariates: Sequence[Values]) -> Values:
    """Mean absolute errors of each series at the origins, in units of its scale, (S,)."""
    found = adjusted.found
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
            if adjusted.terms:
                forecast = adjusted.terms[number].restore(forecast, x[steps])
            known = np.isfinite(truth) & np.isfinite(forecast)
            total += float(np.abs(truth - forecast)[known].sum())
            count += int(known.sum())
        # The scale of the series itself, whatever the terms leave of it.
        size = float(np.nanmean(np.abs(np.diff(y)))) if len(y) > 1 else 0.0
        errors[number] = total / count / size if count and size > 0 else 0.0
    return errors
