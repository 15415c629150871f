"""Reversible transforms of one series: what a net learns better, and the way back to the data's own units."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kerazoo._validation import check_choice, check_int, check_real
from kerazoo.errors import InvalidArgumentError, NotFittedError
from kerazoo.forecast.data.frequency import ENDS, Clock, frequency_of, months_of, offset_of

__all__ = [
    "BoxCox",
    "Chain",
    "Detrend",
    "Difference",
    "Log",
    "MinMaxScale",
    "PerDay",
    "StandardScale",
    "Transform",
    "check_length",
    "list_transforms",
    "register_transform",
    "transform_from_config",
]

Values: TypeAlias = NDArray[np.float64]
Tail: TypeAlias = dict[str, Any]
Index: TypeAlias = pd.Index

_REGISTRY: dict[str, type[Transform]] = {}
DAYS_IN_A_YEAR = 365.25


def register_transform(cls: type[Transform]) -> type[Transform]:
    """Make a subclass of :class:`Transform` known by its `name`; a decorator.

    Raises:
        InvalidArgumentError: the class has no name, or one that is taken.
    """
    if not cls.name or not cls.name.isidentifier():
        raise InvalidArgumentError(f"name={cls.name!r}; expected a class attribute like name = 'my_transform'.")
    if _REGISTRY.get(cls.name, cls).__qualname__ != cls.__qualname__:
        raise InvalidArgumentError(f"name={cls.name!r} is the name of {_REGISTRY[cls.name].__qualname__}.")
    _REGISTRY[cls.name] = cls
    return cls


def list_transforms() -> dict[str, type[Transform]]:
    """The known transforms: name to class, sorted.

    >>> list(list_transforms())[:5]
    ['autoregression', 'boxcox', 'chain', 'detrend', 'difference']
    """
    import kerazoo.forecast.transforms.autoregression
    import kerazoo.forecast.transforms.smoothing  # noqa: F401

    return dict(sorted(_REGISTRY.items()))


def transform_from_config(config: str | Mapping[str, Any] | Transform) -> Transform:
    """A transform, not fitted, from what :meth:`Transform.to_config` gave.

    Args:
        config: mapping with the `name` of a transform and the arguments of its constructor; or a name alone; or a
            transform, which is given back as it is.

    Raises:
        InvalidArgumentError: an unknown name or argument.

    >>> transform_from_config({"name": "difference", "lag": 12})
    Difference(lag=12)
    >>> transform_from_config("log")
    Log()
    """
    if isinstance(config, Transform):
        return config
    arguments = {"name": config} if isinstance(config, str) else dict(config)
    if "name" not in arguments:
        raise InvalidArgumentError(f"config={config!r}; expected the name of a transform under 'name'.")
    known = list_transforms()
    cls = known[check_choice("name of a transform", arguments.pop("name"), known)]
    for argument in arguments:
        check_choice(f"argument of {cls.name}", argument, _arguments(cls))
    return cls(**arguments)


def _arguments(cls: type[Transform]) -> list[str]:
    return list(inspect.signature(cls).parameters)


class Transform:
    """Base of the transforms: learns from a series, changes it, and undoes the change.

    A series is `y`, float64 (T,), finite but for NaN at its start (as an earlier transform leaves there; they stay
    NaN), with `index`, a `DatetimeIndex`, `PeriodIndex` or `RangeIndex` of T. The constructor takes parameters and
    learns nothing; what :meth:`fit` learns ends in `_`.

    A subclass sets `name`, and `learned` (names of its learned values), and writes `_fit`, `_apply`, `_undo` and
    `_undo_one_step`, which get checked arguments without the NaN at the start. :func:`register_transform` makes it
    known by its name.

    Attributes:
        n_fitted_: int, values that it was fitted on.
    """

    name: ClassVar[str] = ""
    learned: ClassVar[tuple[str, ...]] = ()

    n_fitted_: int

    @property
    def n_lost(self) -> int:
        """Values at the start that :meth:`apply` has no result for; they are NaN."""
        return 0

    @property
    def foretells(self) -> bool:
        """Whether z are the errors of a forecast that was fitted, so that z = 0 is that forecast."""
        return False

    def fit(self, y: Any, index: Index) -> Self:
        """Learn from this series and nothing else.

        Args:
            y: float64 (T,).
            index: its index (T,).

        Raises:
            InvalidArgumentError: the series is not allowed, or too short.
        """
        values, start = _checked(y, index)
        self._fit(values[start:], index[start:])
        self.n_fitted_ = len(values) - start
        return self

    def apply(self, y: Any, index: Index) -> tuple[Values, Tail]:
        """Transform a series: the fitted one, a longer one, or another.

        Args:
            y: float64 (T,).
            index: its index (T,).

        Returns:
            `(z, tail)`: float64 (T,), of which the first `n_lost` are NaN; and what :meth:`undo` needs to know of the
            end of `y`, a dict that goes to JSON.
        """
        self._check_fitted()
        values, start = _checked(y, index)
        z = np.full(len(values), np.nan)
        z[start:], tail = self._apply(values[start:], index[start:])
        return z, tail

    def undo(self, z: Any, tail: Tail, index: Index) -> Values:
        """Transform back what follows a series.

        Args:
            z: float64 (..., H), transformed values of the H steps that follow the `y` of :meth:`apply`. Leading axes
                are paths of their own: samples, members of an ensemble.
            tail: what :meth:`apply` gave for that `y`.
            index: index of the steps (H,).

        Returns:
            float64 (..., H), in the units of `y`.
        """
        self._check_fitted()
        return self._undo(_checked_steps("z", z, index), tail, index)

    def undo_one_step(self, z: Any, y: Any, index: Index) -> Values:
        """Transform back predictions of single steps, each with the true past behind it.

        Args:
            z: float64 (..., T), at each t a prediction of the transformed value, made at t - 1.
            y: float64 (T,), the series itself.
            index: its index (T,).

        Returns:
            float64 (..., T), the predictions of `y`: NaN where `z` is NaN or the past does not reach. Of
            ``apply(y, index)[0]`` it is `y`.
        """
        self._check_fitted()
        values, start = _checked(y, index)
        steps = _checked_steps("z", z, index)
        found = np.full(steps.shape, np.nan)
        found[..., start:] = self._undo_one_step(steps[..., start:], values[start:], index[start:])
        return found

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor, as plain values that go to JSON."""
        return {name: _plain(getattr(self, name)) for name in _arguments(type(self))}

    def to_config(self) -> dict[str, Any]:
        """Name and arguments: the inverse of :func:`transform_from_config`."""
        return {"name": self.name, **self.get_config()}

    def get_state(self) -> dict[str, Any]:
        """The learned values, as plain values that go to JSON."""
        self._check_fitted()
        return {name: _plain(getattr(self, name)) for name in ("n_fitted_", *self.learned)}

    def set_state(self, state: Mapping[str, Any]) -> Self:
        """Take the learned values of :meth:`get_state`, in place of a :meth:`fit`.

        Raises:
            InvalidArgumentError: the names are not those of this transform.
        """
        self._check_names(state)
        for name, value in state.items():
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.get_config().items())})"

    def _check_fitted(self) -> None:
        if not hasattr(self, "n_fitted_"):
            raise NotFittedError(
                f"this {type(self).__name__} is not fitted; call fit(y, index), or set_state() with the state of one."
            )

    def _check_names(self, state: Mapping[str, Any], *others: str) -> None:
        expected = {"n_fitted_", *self.learned, *others}
        if set(state) != expected:
            raise InvalidArgumentError(
                f"state of {sorted(state)}; expected {sorted(expected)}, as get_state() of a {type(self).__name__}."
            )

    def _fit(self, y: Values, index: Index) -> None:
        raise NotImplementedError(f"{type(self).__name__}._fit")

    def _apply(self, y: Values, index: Index) -> tuple[Values, Tail]:
        raise NotImplementedError(f"{type(self).__name__}._apply")

    def _undo(self, z: Values, tail: Tail, index: Index) -> Values:
        raise NotImplementedError(f"{type(self).__name__}._undo")

    def _undo_one_step(self, z: Values, y: Values, index: Index) -> Values:
        raise NotImplementedError(f"{type(self).__name__}._undo_one_step")


class _Pointwise(Transform):
    """Base of those in which each value is transformed by itself, so that the past is not needed to undo it."""

    def _forward(self, y: Values, index: Index) -> Values:
        raise NotImplementedError(f"{type(self).__name__}._forward")

    def _backward(self, z: Values, index: Index) -> Values:
        raise NotImplementedError(f"{type(self).__name__}._backward")

    def _fit(self, y: Values, index: Index) -> None:
        self._forward(y, index)  # what cannot be transformed is refused here already

    def _apply(self, y: Values, index: Index) -> tuple[Values, Tail]:
        return self._forward(y, index), {}

    def _undo(self, z: Values, tail: Tail, index: Index) -> Values:
        return self._backward(z, index)

    def _undo_one_step(self, z: Values, y: Values, index: Index) -> Values:
        return self._backward(z, index)


class _Scale(_Pointwise):
    """Base of the scalings by scikit-learn.

    Attributes:
        scaler_: the fitted scaler of scikit-learn.
    """

    scaler_: Any

    def _new_scaler(self) -> Any:
        raise NotImplementedError(f"{type(self).__name__}._new_scaler")

    def _fit(self, y: Values, index: Index) -> None:
        self.scaler_ = self._new_scaler().fit(y[:, None])

    def _forward(self, y: Values, index: Index) -> Values:
        found: Values = self.scaler_.transform(y[:, None])[:, 0]
        return found

    def _backward(self, z: Values, index: Index) -> Values:
        # scikit-learn refuses infinities; those of a path that ran away stay.
        finite = np.isfinite(z)
        found = self.scaler_.inverse_transform(np.where(finite, z, np.nan).reshape(-1, 1)).reshape(z.shape)
        return np.where(finite, found, z)

    def get_state(self) -> dict[str, Any]:
        self._check_fitted()
        state = {name: float(getattr(self.scaler_, name)[0]) for name in self.learned}
        return {"n_fitted_": self.n_fitted_, **state}

    def set_state(self, state: Mapping[str, Any]) -> Self:
        self._check_names(state)
        self.n_fitted_ = state["n_fitted_"]
        self.scaler_ = self._new_scaler()
        for name in self.learned:
            setattr(self.scaler_, name, np.array([state[name]], np.float64))
        self.scaler_.n_features_in_ = 1
        self.scaler_.n_samples_seen_ = self.n_fitted_
        return self


@register_transform
class MinMaxScale(_Scale):
    """z = low + (high - low) (y - min) / (max - min), with the least and the greatest fitted value.

    By scikit-learn's `MinMaxScaler`, which also says what a constant series becomes: `low`.

    Args:
        feature_range: (low, high), low < high, where the fitted values end up. Later ones may lie outside.

    >>> y, index = np.array([2.0, 6.0, 4.0]), pd.RangeIndex(3)
    >>> scale = MinMaxScale((-1, 1)).fit(y, index)
    >>> z, tail = scale.apply(y, index)
    >>> z
    array([-1.,  1.,  0.])
    >>> scale.undo([0.5, 2.0], tail, pd.RangeIndex(3, 5))
    array([5., 8.])
    """

    name = "minmax"
    learned = ("min_", "scale_", "data_min_", "data_max_", "data_range_")

    def __init__(self, feature_range: Sequence[float] = (0, 1)) -> None:
        try:
            low, high = feature_range
        except (TypeError, ValueError):
            raise InvalidArgumentError(f"feature_range={feature_range!r}; expected two numbers.") from None
        check_real("feature_range[0]", low)
        check_real("feature_range[1]", high, low, exclusive=True, hint="The lower end comes first.")
        self.feature_range = (low, high)

    def _new_scaler(self) -> Any:
        from sklearn.preprocessing import MinMaxScaler

        return MinMaxScaler(feature_range=self.feature_range)


@register_transform
class StandardScale(_Scale):
    """z = (y - mean) / standard deviation, of the fitted values (divided by their number, not by one less).

    By scikit-learn's `StandardScaler`, which also says what a constant series becomes: 0, with a deviation of 1.

    Args:
        center: bool, subtract the mean; if not, z = y / standard deviation, and z = 0 stays y = 0.

    >>> y, index = np.array([1.0, 3.0]), pd.RangeIndex(2)
    >>> StandardScale().fit(y, index).apply(y, index)[0]
    array([-1.,  1.])
    """

    name = "standard"
    learned = ("mean_", "scale_", "var_")

    def __init__(self, center: bool = True) -> None:
        if not isinstance(center, bool):
            raise InvalidArgumentError(f"center={center!r}; expected True (subtract the mean) or False.")
        self.center = center

    def _new_scaler(self) -> Any:
        from sklearn.preprocessing import StandardScaler

        return StandardScaler(with_mean=self.center)


@register_transform
class Log(_Pointwise):
    """z = log y, for values > 0: growth by a share becomes growth by a step.

    >>> y, index = np.array([1.0, 10.0, 100.0]), pd.RangeIndex(3)
    >>> Log().fit(y, index).apply(y, index)[0].round(3)
    array([0.   , 2.303, 4.605])
    """

    name = "log"

    def _forward(self, y: Values, index: Index) -> Values:
        _check_values(
            y > 0,
            y,
            index,
            "values > 0, as others have no logarithm. Add a constant to the series, or leave the transform out; "
            "BoxCox with a fixed lmbda > 0 takes zeros too",
        )
        return np.log(y)

    def _backward(self, z: Values, index: Index) -> Values:
        return np.exp(z)


@register_transform
class BoxCox(_Pointwise):
    """z = (y^λ - 1) / λ, or log y at λ = 0 (Box and Cox 1964, equation 1): between no change (1) and the logarithm.

    λ is that of the greatest likelihood (`scipy.stats.boxcox`), but at least -1 and at most 2. A series of equal values
    gets 1. The inverse (λ z + 1)^(1/λ) has no value where λ z + 1 <= 0, where forecasts may end up. There λ z + 1 is
    taken for the smallest positive normal number, which gives nearly 0 if λ > 0; if λ < 0 a very large, finite value.

    Args:
        lmbda: float, λ; or None, learned from the fitted series.

    Attributes:
        lmbda_: float, λ.

    With λ < 0 and large values, z lies close to -1/λ and loses digits: about log10(y^-λ) of 16. Such a series should be
    divided by its mean first.

    >>> y, index = np.array([1.0, 4.0, 9.0]), pd.RangeIndex(3)
    >>> box = BoxCox(lmbda=0.5).fit(y, index)
    >>> z, tail = box.apply(y, index)
    >>> z
    array([0., 2., 4.])
    >>> box.undo([6.0, -3.0], tail, pd.RangeIndex(3, 5))
    array([16.,  0.])
    """

    name = "boxcox"
    learned = ("lmbda_",)

    lmbda_: float

    def __init__(self, lmbda: float | None = None) -> None:
        self.lmbda = None if lmbda is None else check_real("lmbda", lmbda, hint="None learns it from the series.")

    def _fit(self, y: Values, index: Index) -> None:
        if self.lmbda is not None:
            self.lmbda_ = self.lmbda
        else:
            _check_values(
                y > 0,
                y,
                index,
                "values > 0. Add a constant to the series, or give a fixed lmbda > 0 if there are zeros",
            )
            self.lmbda_ = _likeliest_lmbda(y)
        self._forward(y, index)

    def _forward(self, y: Values, index: Index) -> Values:
        from scipy.special import boxcox  # type: ignore[import-untyped]

        if self.lmbda_ > 0:
            _check_values(y >= 0, y, index, "values >= 0. Add a constant to the series")
        else:
            _check_values(
                y > 0, y, index, f"values > 0 (lmbda is {self.lmbda_:g}). Add a constant, or give a fixed lmbda > 0"
            )
        found: Values = boxcox(y, self.lmbda_)
        return found

    def _backward(self, z: Values, index: Index) -> Values:
        from scipy.special import inv_boxcox

        limits = np.finfo(np.float64)
        if self.lmbda_ == 0:
            return np.minimum(np.exp(np.minimum(z, math.log(limits.max))), limits.max)
        edge = math.exp(min(math.log(limits.tiny) / self.lmbda_, math.log(limits.max)))
        beyond = self.lmbda_ * z + 1 <= limits.tiny  # False for NaN, which stays
        with np.errstate(over="ignore"):
            found: Values = np.where(
                beyond, edge, np.minimum(inv_boxcox(np.where(beyond, 0.0, z), self.lmbda_), limits.max)
            )
        return found


def _likeliest_lmbda(y: Values) -> float:
    from scipy.stats import boxcox_normmax  # type: ignore[import-untyped]

    # The likelihood does not change with the unit, but its computation overflows far from 1.
    scaled = y / np.exp(np.mean(np.log(y)))
    if np.ptp(scaled) < 1e-12:
        return 1.0
    return float(np.clip(boxcox_normmax(scaled, method="mle"), -1.0, 2.0))


@register_transform
class Difference(Transform):
    """z_t = y_t - y_{t - lag}, plain (lag 1) or seasonal (lag 12 in months). The first `lag` values are lost.

    Undone by adding up: y_{T+h} = z_{T+h} + y_{T+h-lag}, from the last `lag` values of the series on.

    Args:
        lag: int >= 1, steps.

    >>> y, index = np.array([1.0, 4.0, 9.0, 16.0]), pd.RangeIndex(4)
    >>> difference = Difference().fit(y, index)
    >>> z, tail = difference.apply(y, index)
    >>> z
    array([nan,  3.,  5.,  7.])
    >>> difference.undo([9.0, 11.0], tail, pd.RangeIndex(4, 6))
    array([25., 36.])
    """

    name = "difference"

    def __init__(self, lag: int = 1) -> None:
        self.lag = check_int("lag", lag, hint="It is the number of steps between the values that are subtracted.")

    @property
    def n_lost(self) -> int:
        return self.lag

    def _fit(self, y: Values, index: Index) -> None:
        check_length(y, self.lag + 1, self)

    def _apply(self, y: Values, index: Index) -> tuple[Values, Tail]:
        check_length(y, self.lag + 1, self)
        z = np.full(len(y), np.nan)
        z[self.lag :] = y[self.lag :] - y[: -self.lag]
        return z, {"last": y[-self.lag :].tolist()}

    def _undo(self, z: Values, tail: Tail, index: Index) -> Values:
        steps = z.shape[-1]
        rounds = -(-steps // self.lag)
        padded = np.zeros((*z.shape[:-1], rounds * self.lag))
        padded[..., :steps] = z
        # Step h goes on from step h - lag: down the columns of a table of `lag` columns.
        sums = padded.reshape(*z.shape[:-1], rounds, self.lag).cumsum(-2) + np.array(tail["last"], np.float64)
        return sums.reshape(padded.shape)[..., :steps]

    def _undo_one_step(self, z: Values, y: Values, index: Index) -> Values:
        found = np.full(z.shape, np.nan)
        found[..., self.lag :] = z[..., self.lag :] + y[: -self.lag]
        return found


@register_transform
class PerDay(_Pointwise):
    """z = y / (days of the period) · (mean days of such a period): totals no longer depend on the calendar.

    The mean is that of the Julian year, 365.25 / 12 days for a month, so that z keeps the unit of y. For totals of
    months, quarters and years (and multiples) over a `DatetimeIndex` of their first or last days, or a `PeriodIndex`.
    The frequency of dates that have none is inferred by pandas; where they are too few for that, it is the fitted one.

    Attributes:
        freq_: str, the frequency of the dates fitted on: "MS", "QE-DEC", ...; None for periods, which carry their own.

    Raises:
        InvalidArgumentError: when fitted or applied, for other frequencies.

    >>> index = pd.date_range("2021-01-01", periods=3, freq="MS")
    >>> PerDay().fit([31.0, 28.0, 31.0], index).apply([31.0, 28.0, 31.0], index)[0]
    array([30.4375, 30.4375, 30.4375])
    """

    name = "per_day"
    learned = ("freq_",)

    freq_: str | None

    def _fit(self, y: Values, index: Index) -> None:
        self.freq_ = None
        self._share(index)
        self.freq_ = None if isinstance(index, pd.PeriodIndex) else frequency_of(index)

    def _forward(self, y: Values, index: Index) -> Values:
        return y / self._share(index)

    def _backward(self, z: Values, index: Index) -> Values:
        return z * self._share(index)

    def _share(self, index: Index) -> Values:
        """Days of each period by those of a mean one."""
        offset = None
        if isinstance(index, pd.PeriodIndex):
            offset = index.freq
        elif isinstance(index, pd.DatetimeIndex):
            freq = frequency_of(index) or self.freq_
            offset = None if freq is None else offset_of(freq)
        months = None if offset is None else months_of(offset)
        if months is None:
            what = f"frequency {offset.freqstr}" if offset is not None else "no frequency that could be told"
            raise InvalidArgumentError(
                f"a {type(index).__name__} with {what}; PerDay expected months, quarters or years: a DatetimeIndex of "
                "their first or last days (freq 'MS', 'ME', 'QS', ...; series.asfreq sets it) or a PeriodIndex. Other "
                "periods are equally long: leave it out for them."
            )
        if isinstance(index, pd.PeriodIndex):
            first = index.asfreq("M", how="start").asi8
        else:
            first = (index.year.to_numpy(np.int64) - 1970) * 12 + index.month.to_numpy(np.int64) - 1
            if isinstance(offset, ENDS):
                first = first - (months - 1)
        starts, ends = (month.astype("datetime64[M]").astype("datetime64[D]") for month in (first, first + months))
        days: Values = (ends - starts).astype(np.int64) / (months * DAYS_IN_A_YEAR / 12)
        return days


@register_transform
class Detrend(_Pointwise):
    """z_t = y_t - p(t), p the polynomial that is closest to the fitted values in least squares.

    t counts steps from the first fitted date on, by the calendar of the index, so that a series that starts or ends
    elsewhere gets the same trend at the same date.

    Args:
        degree: int from 0 (the mean) to 5. 1 is a straight line.

    Attributes:
        coefficients_: list of float (degree + 1,), of the powers of x = 2 t / t_last - 1, t_last the last fitted step.
        t_last_: float.
        clock_: dict, the first date and the frequency.

    >>> y, index = np.array([1.0, 3.0, 5.0, 7.0]), pd.RangeIndex(4)
    >>> detrend = Detrend().fit(y, index)
    >>> z, tail = detrend.apply(y, index)
    >>> bool(abs(z).max() < 1e-12)
    True
    >>> detrend.undo([0.0, 0.5], tail, pd.RangeIndex(4, 6)).round(9)
    array([ 9. , 11.5])
    """

    name = "detrend"
    learned = ("coefficients_", "t_last_", "clock_")

    coefficients_: list[float]
    t_last_: float
    clock_: dict[str, Any]

    def __init__(self, degree: int = 1) -> None:
        self.degree = check_int("degree", degree, 0, 5)

    def _fit(self, y: Values, index: Index) -> None:
        check_length(y, self.degree + 1, self)
        clock = Clock.of(index)
        steps = clock.steps(index)
        self.t_last_ = float(max(steps[-1], 1.0))
        fitted = np.polynomial.Polynomial.fit(steps, y, self.degree, domain=[0.0, self.t_last_])
        self.coefficients_ = fitted.coef.tolist()
        self.clock_ = asdict(clock)

    def _trend(self, index: Index) -> Values:
        steps = Clock(**self.clock_).steps(index)
        trend = np.polynomial.Polynomial(self.coefficients_, domain=[0.0, self.t_last_])
        return np.asarray(trend(steps), np.float64)

    def _forward(self, y: Values, index: Index) -> Values:
        return y - self._trend(index)

    def _backward(self, z: Values, index: Index) -> Values:
        return z + self._trend(index)


@register_transform
class Chain(Transform):
    """Several transforms, each fitted on and applied to what the one before gives; undone from the last to the first.

    Args:
        transforms: transforms, or what :meth:`Transform.to_config` gives, in the order of applying. They are fitted in
            place. None at all is allowed: nothing is changed then.

    >>> y, index = np.array([1.0, 10.0, 100.0, 1000.0]), pd.RangeIndex(4)
    >>> chain = Chain([Log(), Difference()]).fit(y, index)
    >>> z, tail = chain.apply(y, index)
    >>> z.round(3)
    array([  nan, 2.303, 2.303, 2.303])
    >>> chain.undo(z[1:3], tail, pd.RangeIndex(4, 6)).round(6)
    array([ 10000., 100000.])
    """

    name = "chain"

    def __init__(self, transforms: Iterable[Transform | Mapping[str, Any] | str]) -> None:
        self.transforms = [transform_from_config(each) for each in transforms]
        if len({id(each) for each in self.transforms}) < len(self.transforms):
            raise InvalidArgumentError(
                "a transform twice in a chain; expected one object for each place, as each learns."
            )

    @property
    def n_lost(self) -> int:
        return sum(each.n_lost for each in self.transforms)

    @property
    def foretells(self) -> bool:
        return bool(self.transforms) and self.transforms[-1].foretells

    def parts(self) -> tuple[Chain, Chain, Chain]:
        """Three fitted chains that are this one, one after the other; they share its transforms.

        In the first and the last each value is transformed by itself, so that they can be applied to a whole series at
        once where the second one, which looks back, is applied to many of its beginnings.

        >>> chain = Chain([Log(), Difference(), StandardScale()]).fit([1.0, 2.0, 8.0], pd.RangeIndex(3))
        >>> chain.parts()
        (Chain([Log()]), Chain([Difference(lag=1)]), Chain([StandardScale(center=True)]))
        """
        self._check_fitted()
        looks_back = [place for place, each in enumerate(self.transforms) if not isinstance(each, _Pointwise)]
        first, last = (looks_back[0], looks_back[-1] + 1) if looks_back else (len(self.transforms),) * 2
        found = [Chain(self.transforms[part]) for part in (slice(first), slice(first, last), slice(last, None))]
        for each in found:
            each.n_fitted_ = self.n_fitted_
        return found[0], found[1], found[2]

    def get_config(self) -> dict[str, Any]:
        return {"transforms": [each.to_config() for each in self.transforms]}

    def get_state(self) -> dict[str, Any]:
        return {**super().get_state(), "states": [each.get_state() for each in self.transforms]}

    def set_state(self, state: Mapping[str, Any]) -> Self:
        self._check_names(state, "states")
        states = state["states"]
        if len(states) != len(self.transforms):
            raise InvalidArgumentError(f"{len(states)} states for {len(self.transforms)} transforms; expected as many.")
        for each, its in zip(self.transforms, states, strict=True):
            each.set_state(its)
        self.n_fitted_ = state["n_fitted_"]
        return self

    def __repr__(self) -> str:
        return f"Chain([{', '.join(map(repr, self.transforms))}])"

    def _fit(self, y: Values, index: Index) -> None:
        for place, each in enumerate(self.transforms):
            each.fit(y, index)
            if place < len(self.transforms) - 1:
                y, _ = each.apply(y, index)

    def _apply(self, y: Values, index: Index) -> tuple[Values, Tail]:
        tails = []
        for each in self.transforms:
            y, tail = each.apply(y, index)
            tails.append(tail)
        return y, {"tails": tails}

    def _undo(self, z: Values, tail: Tail, index: Index) -> Values:
        for each, its in zip(reversed(self.transforms), reversed(tail["tails"]), strict=True):
            z = each.undo(z, its, index)
        return z

    def _undo_one_step(self, z: Values, y: Values, index: Index) -> Values:
        inputs = []
        for each in self.transforms:
            inputs.append(y)
            y, _ = each.apply(y, index)
        for each, its in zip(reversed(self.transforms), reversed(inputs), strict=True):
            z = each.undo_one_step(z, its, index)
        return z


def _checked(y: Any, index: Index) -> tuple[Values, int]:
    """`y` as float64 (T,), and the number of NaN at its start."""
    try:
        values = np.asarray(y, np.float64)
    except (TypeError, ValueError):
        raise InvalidArgumentError(f"y of {type(y).__name__}; expected numbers.") from None
    if values.ndim != 1 or not len(values):
        raise InvalidArgumentError(f"y of shape {values.shape}; expected one series, (T,), of at least one value.")
    _check_index("y", len(values), index)
    known = np.isfinite(values)
    start = int(np.isnan(values[: int(known.argmax())]).sum()) if known.any() else 0
    _check_values(
        known[start:],
        values[start:],
        index[start:],
        "finite numbers, and NaN at the start only. Fill the gaps first (Series.interpolate)",
    )
    return values, start


def _checked_steps(name: str, z: Any, index: Index) -> Values:
    """`z` as float64 (..., H)."""
    values = np.asarray(z, np.float64)
    if values.ndim < 1:
        raise InvalidArgumentError(f"{name} of shape (); expected (..., steps).")
    _check_index(name, values.shape[-1], index)
    return values


def _check_index(name: str, steps: int, index: Index) -> None:
    if not isinstance(index, pd.DatetimeIndex | pd.PeriodIndex | pd.RangeIndex):
        raise InvalidArgumentError(
            f"index of {type(index).__name__}; expected a pandas DatetimeIndex, PeriodIndex or RangeIndex."
        )
    if len(index) != steps:
        raise InvalidArgumentError(f"{name} of {steps} steps with an index of {len(index)}; expected as many.")


def _check_values(allowed: NDArray[np.bool_], y: Values, index: Index, expected: str) -> None:
    if not allowed.all():
        place = int((~allowed).argmax())
        raise InvalidArgumentError(f"y={y[place]:g} at {index[place]}; expected {expected}.")


def check_length(y: Values, needed: int, transform: Transform) -> None:
    """Raise unless `y` has the values that `transform` needs."""
    if len(y) < needed:
        raise InvalidArgumentError(f"{len(y)} values for {transform!r}; expected at least {needed}.")


def _plain(value: Any) -> Any:
    """Numbers, texts and lists of them, as JSON has them."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    return value.item() if isinstance(value, np.generic) else value
