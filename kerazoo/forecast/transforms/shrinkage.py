"""Regression coefficients of several series, shrunk towards those of all and towards zero."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kerazoo.forecast.data.types import Values

__all__ = ["screened", "shrunk_coefficients"]

ROUNDS = 100  # of the EM algorithm; a covariate without effect keeps about 1 / ROUNDS of its least squares coefficient
LEAST_VARIANCE = 1e-12


def shrunk_coefficients(grams: Values, moments: Values, totals: Values, freedom: Values) -> Values:
    """Posterior means of the coefficients of N regressions with the same K regressors.

    The coefficients of series i are b_i ~ N(μ, diag(τ²)), with μ ~ N(0, diag(ω²)), and its errors N(0, σ_i²). The
    variances maximise the marginal likelihood (EM, 100 rounds; Dempster, Laird and Rubin 1977, section 4.5). So every
    covariate has its own penalty: one without effect gets nearly 0 (MacKay 1994, automatic relevance determination),
    and series with little evidence of their own get what the others have in common. One series alone has μ = 0. The
    result is equivariant: a regressor in another unit, or values in another unit, change it accordingly.

    With more regressors than half the degrees of freedom, these variances would fit the errors as well: `screened` says
    which ones to pass.

    Args:
        grams: float64 (N, K, K), X'X of each series. A regressor that is constant there has zeros.
        moments: float64 (N, K), X'y.
        totals: float64 (N,), y'y.
        freedom: float64 (N,), number of values less that of other fitted parameters. A series with less than 1 has no
            evidence.

    Returns:
        float64 (N, K).

    >>> x = np.array([[1.0, 1.0], [-1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]] * 9)
    >>> y = 3.0 * x[:, 0] + np.tile([0.1, 0.1, -0.1, -0.1, -0.1, -0.1, 0.1, 0.1, 0.1], 4)
    >>> shrunk_coefficients((x.T @ x)[None], (x.T @ y)[None], np.array([y @ y]), np.array([36.0])).round(2)
    array([[3., 0.]])
    """
    number, width = moments.shape
    has_evidence = freedom >= 1
    gram0 = np.where(has_evidence[:, None, None], grams, 0.0)
    moment0 = np.where(has_evidence[:, None], moments, 0.0)
    freedom = np.where(has_evidence, freedom, 1.0)
    # In units in which the regressors and the values have size 1, the limits and first variances below mean something.
    norms = np.sqrt(np.einsum("nkk->k", gram0) / freedom.sum())
    norms = np.where(norms > 0, norms, 1.0)
    spread = float(np.sqrt(np.where(has_evidence, totals, 0.0).sum() / freedom.sum())) or 1.0
    gram0, moment0, total0 = gram0 / np.outer(norms, norms), moment0 / norms / spread, totals / spread**2
    identity = np.eye(width)
    tau, omega = np.ones(width), np.ones(width)
    sigma = np.maximum(total0 / freedom, LEAST_VARIANCE)
    found = np.zeros((number, width))
    for _ in range(ROUNDS):
        gram, moment = gram0 / sigma[:, None, None], moment0 / sigma[:, None]
        inner = np.linalg.inv(gram + np.diag(1.0 / tau))
        if number > 1:
            seen = gram @ inner
            precision = np.sum(gram - seen @ gram, axis=0)
            covariance = np.linalg.inv(precision + np.diag(1.0 / omega))
            mean = covariance @ np.sum(moment - np.einsum("nij,nj->ni", seen, moment), axis=0)
        else:
            covariance, mean = np.zeros((width, width)), np.zeros(width)
        pull = inner / tau  # the weight of the mean in each posterior
        found = np.einsum("nij,nj->ni", inner, moment) + pull @ mean
        rest = pull - identity
        own = np.einsum("nii->ni", inner + rest @ covariance @ rest.transpose(0, 2, 1))
        tau = np.maximum(np.mean((found - mean) ** 2 + own, axis=0), LEAST_VARIANCE)
        omega = np.maximum(mean**2 + np.diagonal(covariance), LEAST_VARIANCE)
        posterior = inner + pull @ covariance @ pull.transpose(0, 2, 1)
        errors = total0 - 2.0 * np.sum(found * moment0, axis=1) + np.einsum("ni,nij,nj->n", found, gram0, found)
        errors = errors + np.einsum("nij,nji->n", gram0, posterior)
        sigma = np.maximum(errors / freedom, LEAST_VARIANCE)
    return np.asarray(found * spread / norms, np.float64)


def screened(squares: Values, moments: Values, freedom: Values) -> NDArray[np.bool_]:
    """Which regressors are kept: half as many as there are degrees of freedom, those that correlate most with y.

    Sure independence screening (Fan and Lv 2008). It needs no products of regressors, whose number is K^2.

    Args:
        squares: float64 (N, K), x'x of each regressor in each series.
        moments: float64 (N, K), x'y.
        freedom: float64 (N,), as for :func:`shrunk_coefficients`.

    Returns:
        bool (K,).

    >>> screened(np.ones((1, 3)), np.array([[1.0, -4.0, 2.0]]), np.array([5.0])).tolist()
    [False, True, True]
    """
    width = moments.shape[1]
    has_evidence = freedom >= 1
    most = int(freedom[has_evidence].sum()) // 2
    if width <= most:
        return np.ones(width, bool)
    squares, moments = (np.where(has_evidence[:, None], each, 0.0) for each in (squares, moments))
    explained = np.sum(moments**2 / np.where(squares > 0, squares, 1.0), axis=0)
    kept = np.zeros(width, bool)
    kept[np.argsort(-explained, kind="stable")[: max(1, most)]] = True
    return kept
