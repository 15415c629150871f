"""Exponential smoothing by penalised least squares. Reference of `kerazoo_ext/smoothing_fit.h`.

Derivatives are those of complex steps: f(x + ih) = f(x) + ih f'(x) for tiny h, exact to rounding (Squire, Trapp 1998).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tests.references.statistics.seasonality import n_slots, weights_of

TINY = 1e-40


def logistic(u):
    return 1 / (1 + np.exp(-u))


def logit(p):
    return np.log(p / (1 - p))


@dataclass
class Model:
    """y (n,) with mean 0 and variance 1; trend 0 none, 1 additive, 2 damped; prior: initial states of each season."""

    y: np.ndarray
    horizon: int
    trend: int
    periods: tuple
    free_states: bool
    prior: list
    prior_slope: float

    def __post_init__(self):
        self.tables = [weights_of(period, len(self.y) + self.horizon) for period in self.periods]
        self.n_weights = 1 + (self.trend > 0) + (self.trend == 2) + len(self.periods)
        self.width = self.n_weights + 1 + (self.trend > 0)
        if self.free_states:
            self.width += sum(n_slots(period) for period in self.periods)

    def unpack(self, p):
        """alpha, beta, phi, gammas, level, slope, seasons of the arguments p (width, ...)."""
        rest = list(p)
        alpha = logistic(rest.pop(0))
        beta = alpha * logistic(rest.pop(0)) if self.trend else 0.0
        phi = 0.8 + 0.18 * logistic(rest.pop(0)) if self.trend == 2 else float(self.trend)
        gammas = [(1 - alpha) * logistic(rest.pop(0)) / len(self.periods) for _ in self.periods]
        level = rest.pop(0)
        slope = rest.pop(0) if self.trend else 0.0
        zero = 0.0 * np.asarray(p[0])
        seasons = [
            np.array([(rest.pop(0) if self.free_states else value) + zero for value in prior]) for prior in self.prior
        ]
        return alpha, beta, phi, gammas, level, slope, seasons

    def run(self, p):
        """Forecasts of all steps and the horizon (n + H, ...), errors (n, ...) with 0 for missing values."""
        alpha, beta, phi, gammas, level, slope, seasons = self.unpack(p)
        forecasts, errors = [], []
        for t in range(len(self.y) + self.horizon):
            slope = phi * slope
            level = level + slope
            forecast = level + sum(table[t] @ season for table, season in zip(self.tables, seasons, strict=True))
            forecasts.append(forecast)
            if t >= len(self.y):
                continue
            if np.isnan(self.y[t]):
                errors.append(0.0 * forecast)
                continue
            e = self.y[t] - forecast
            errors.append(e)
            level, slope = level + alpha * e, slope + beta * e
            for j, gamma in enumerate(gammas):
                seasons[j] = seasons[j] + np.multiply.outer(self.tables[j][t], gamma * e)
        return np.array(forecasts), np.array(errors)

    def priors(self):
        """Means and strengths of the priors of the weights, and of the initial states after the level."""
        usual = [-0.5] + [-3.0] * (self.trend > 0) + [0.0] * (self.trend == 2) + [-3.0] * len(self.periods)
        strength = [0.5] + [1.5] * (self.trend > 0) + [1.0] * (self.trend == 2) + [1.5] * len(self.periods)
        states = [self.prior_slope] * (self.trend > 0) + (
            [value for season in self.prior for value in season] if self.free_states else []
        )
        force = [1.0] * (self.trend > 0) + [4.0] * (len(states) - (self.trend > 0))
        return np.array(usual), np.array(strength), np.array(states), np.array(force)

    def objective(self, p):
        usual, strength, states, force = self.priors()
        errors = self.run(p)[1]
        squares = errors @ errors
        unusual = strength @ (p[: self.n_weights] - usual) ** 2
        return squares * (1 + unusual / len(self.y)) + force @ (p[self.n_weights + 1 :] - states) ** 2

    def newton(self, p):
        """Gauss-Newton matrix and half the gradient of the objective."""
        usual, strength, states, force = self.priors()
        n, k = len(self.y), self.n_weights
        complex_p = p[:, None] + 1j * TINY * np.eye(self.width)
        errors = self.run(complex_p)[1]
        jacobian, e = errors.imag / TINY, errors[:, 0].real
        factor = 1 + strength @ (p[:k] - usual) ** 2 / n
        matrix, gradient = factor * jacobian.T @ jacobian, factor * jacobian.T @ e
        matrix[:k, :k] += np.diag(e @ e / n * strength)
        gradient[:k] += e @ e / n * strength * (p[:k] - usual)
        matrix[k + 1 :, k + 1 :] += np.diag(force)
        gradient[k + 1 :] += force * (p[k + 1 :] - states)
        return matrix, gradient

    def coarse(self, level):
        """The best of the starting points."""
        best, found = np.inf, np.zeros(self.width)
        _, _, states, _ = self.priors()
        for alpha in (-2.2, -0.85, 0.4, 1.4):
            for part in (-3.0, -0.85) if self.trend else (0.0,):
                for gamma in (-3.0, -0.85) if self.periods else (0.0,):
                    weights = [alpha] + [part] * (self.trend > 0) + [0.0] * (self.trend == 2)
                    p = np.array([*weights, *[gamma] * len(self.periods), level, *states])
                    value = self.objective(p)
                    if value < best:
                        best, found = value, p
        return found

    def descend(self, p, iterations=25):
        """Levenberg-Marquardt; the arguments at the minimum."""
        damping, best = 0.01, self.objective(p)
        matrix = None
        for _ in range(iterations):
            if not best > 1e-18:
                break
            if matrix is None:
                matrix, gradient = self.newton(p)
            diagonal = np.diag(matrix)
            try:
                factor = np.linalg.cholesky(matrix + np.diag(damping * diagonal + 1e-12))
            except np.linalg.LinAlgError:
                damping = damping * 10 + 1e-6
                continue
            step = np.linalg.solve(factor.T, np.linalg.solve(factor, gradient))
            k = self.n_weights
            step[:k] = np.clip(step[:k], -2, 2)
            trial = p - step
            trial[:k] = np.clip(trial[:k], -8, 8)
            value = self.objective(trial)
            if value < best:
                gain, p, best, matrix = (best - value) / best, trial, value, None
                damping = max(damping * 0.1, 1e-9)
                if gain < 1e-5:
                    break
            else:
                damping *= 10
                if damping > 1e6:
                    break
        return p
