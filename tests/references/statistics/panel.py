"""All candidates on one series, at origins and at the end. Reference of `kerazoo_ext/statistics.h`."""

from __future__ import annotations

import numpy as np

from tests.references.statistics.burg import autoregress
from tests.references.statistics.seasonality import adjust, fill, n_slots, weights_of
from tests.references.statistics.smoothing import Model
from tests.references.statistics.theta import line, theta


class View:
    """What a candidate sees: values with mean 0 and variance 1; `back` undoes that."""

    def __init__(self, values, back=lambda x: x):
        known = values[~np.isnan(values)]
        self.centre, self.scale = known.mean(), known.std()
        self.usable = bool(self.scale > 1e-10 * np.abs(known).max())
        self.y = (values - self.centre) / self.scale if self.usable else values
        self.undo = lambda path: back(self.centre + self.scale * path)


class Part:
    """The candidates on the values `y` before an origin; `forecasts` and `fitted` by name."""

    def __init__(self, y, horizon, periods, warm):
        self.raw, self.horizon, self.warm = y, horizon, warm
        self.known = int((~np.isnan(y)).sum())
        kept = list(periods)
        while kept and self.known < 2 * kept[-1] + 1:
            kept.pop()
        self.periods = tuple(kept)
        self.lag = n_slots(kept[-1]) if kept else 0
        self.paths, self.criteria = {}, {}
        self.views()
        self.naive(n_slots(kept[-1] if kept else periods[0]) if periods else 0)
        for trend, (plain, seasonal) in enumerate([("ses", "ana"), ("holt", "aaa"), ("damped", "aada")]):
            self.smooth(plain, self.adjusted, trend, None)
            self.smooth(f"log_{plain}", self.adjusted_log, trend, None)
            self.smooth(f"ets_{seasonal}", self.level, trend, self.prior)
            self.smooth(f"log_ets_{seasonal}", self.log, trend, self.log_prior)
        best = min(self.criteria, key=self.criteria.get, default=None)
        if best is not None and np.isfinite(self.criteria[best]):
            self.paths["ets"] = self.paths[best]
            self.criteria["ets"] = self.criteria[best]
        if self.adjusted.usable and self.known >= 6:
            self.paths["theta"] = self.adjusted.undo(theta(self.adjusted.y, horizon)[0])
        self.regress("level_ar", self.adjusted, (0,))
        self.regress("ar", self.adjusted, (1, 2))
        self.regress("log_ar", self.adjusted_log, (1, 2))
        self.regress("seasonal_ar", self.level, (3,))
        self.regress("log_seasonal_ar", self.log, (3,))

    def views(self):
        y, steps = self.raw, len(self.raw) + self.horizon
        positive = bool(np.nanmin(y) > 0)
        found = adjust(y, self.periods, True, True) if positive else None
        multiplicative = found is not None
        states, rest, used = found if multiplicative else adjust(y, self.periods, False, True)
        tables = [weights_of(period, steps) @ own for period, own in zip(self.periods, states, strict=True)]
        neutral = np.full(steps, 1.0 if multiplicative else 0.0)
        factor = np.prod([neutral, *tables], axis=0) if multiplicative else np.sum([neutral, *tables], axis=0)
        self.put_back = (lambda x: x * factor) if multiplicative else (lambda x: x + factor)
        self.rest, self.used = rest, used
        self.adjusted = View(rest, self.put_back)
        known = ~np.isnan(y)
        log_factors = np.log(factor[: len(y)][known]).sum() if multiplicative else 0.0
        self.adjusted.jacobian = (
            2 * self.known * np.log(self.adjusted.scale) + 2 * log_factors if self.adjusted.usable else 0
        )
        self.adjusted_log = self.level = self.log = self.prior = self.log_prior = None
        if positive and (multiplicative or not used):
            view = self.adjusted_log = View(np.log(rest), lambda x: self.put_back(np.exp(x)))
            if view.usable:
                view.jacobian = 2 * self.known * np.log(view.scale) + 2 * np.log(y[known]).sum()
        if self.periods:
            self.prior = adjust(y, self.periods, False, False)[0]
            self.level = View(y)
            self.level.jacobian = 2 * self.known * np.log(self.level.scale) if self.level.usable else 0.0
            if positive:
                self.log_prior = adjust(np.log(y), self.periods, False, False)[0]
                self.log = View(np.log(y), np.exp)
                if self.log.usable:
                    self.log.jacobian = 2 * self.known * np.log(self.log.scale) + 2 * np.log(y[known]).sum()

    def naive(self, lag):
        n, steps = len(self.raw), len(self.raw) + self.horizon
        last, mean, season = (np.full(steps, np.nan) for _ in range(3))
        values = np.append(self.raw, np.full(self.horizon, np.nan))
        for t in range(steps):
            before = self.rest[:t][~np.isnan(self.rest[:t])]
            if len(before):
                last[t], mean[t] = before[-1], before.mean()
            if lag and t >= lag:
                season[t] = values[t - lag]
            if np.isnan(values[t]):
                values[t] = season[t]
        self.paths["naive"], self.paths["mean"] = self.put_back(last), self.put_back(mean)
        if lag and not np.isnan(season[n:]).any():
            self.paths["seasonal_naive"] = season

    def smooth(self, name, view, trend, prior):
        needed = (3, 5, 6)[trend] + (2 if prior is not None else 0)
        if view is None or not view.usable or self.known < needed:
            return
        periods = self.periods if prior is not None else ()
        scaled = [own / view.scale for own in prior] if periods else []
        total = sum(len(own) for own in scaled)
        free = bool(periods) and total <= 24 and len(view.y) <= 25 * periods[-1]
        first = view.y[: max(10, 2 * n_slots(periods[-1])) if periods else 10].copy()
        for period, own in zip(periods, scaled, strict=True):
            first -= weights_of(period, len(first)) @ own
        known = np.nonzero(~np.isnan(first))[0]
        level, slope = line(known + 1.0, first[known])
        model = Model(view.y, self.horizon, trend, periods, free, scaled, slope)
        if trend == 0:
            level += slope * min(5.0, 0.5 * len(view.y))
        p = model.coarse(level)
        if name in self.warm and len(self.warm[name][0]) == len(p):
            old, centre, scale = self.warm[name]
            old = old.copy()
            old[model.n_weights :] *= scale / view.scale
            old[model.n_weights] += (centre - view.centre) / view.scale
            if model.objective(old) < model.objective(p):
                p = old
        p = model.descend(p)
        self.warm[name] = (p, view.centre, view.scale)
        path, errors = model.run(p)
        self.paths[name] = view.undo(path)
        k = model.n_weights + 2 + (trend > 0) + (total - len(periods) if periods else self.used)
        n, squares = self.known, max(errors @ errors, 1e-18)
        spare = n - k - 1
        self.criteria[name] = (
            n * np.log(squares / n) + view.jacobian + 2 * k * (1 + (k + 1) / spare) if spare > 0 else np.inf
        )

    def regress(self, name, view, kinds):
        if view is None or not view.usable:
            return
        filled = fill(view.y, self.lag if kinds == (3,) else 0)
        found = autoregress(view.y, filled, self.horizon, tuple(k for k in kinds if k != 3 or self.lag > 1), self.lag)
        if found is not None:
            self.paths[name] = view.undo(found[0])


def fit_series(y, horizon, periods=(), backs=(), low=-np.inf, high=np.inf):
    """For each origin and the end: name -> (fitted (n,), forecasts (H,)), and name -> AICc of the smoothing models."""
    unit = np.nanmax(np.abs(y)) or 1.0
    start = int(np.argmax(~np.isnan(y)))
    y = y[start:]
    warm, results = {}, []
    for back in (*backs, 0):
        n = len(y) - back
        if n < 1:
            results.append(({}, {}))
            continue
        last = int(np.flatnonzero(~np.isnan(y[:n]))[-1]) + 1
        part = Part(y[:last] / unit, horizon + n - last, tuple(periods), warm)
        smallest, largest = np.nanmin(part.raw), np.nanmax(part.raw)
        reach = 3 * (largest - smallest)
        paths = {}
        for name, path in part.paths.items():
            bounded = np.where(np.isnan(path), np.nan, np.clip(path, smallest - reach, largest + reach) * unit)
            bounded = np.clip(bounded, low, high)
            paths[name] = (np.append(np.full(start, np.nan), bounded[:n]), bounded[n:])
        results.append((paths, part.criteria))
    return results
