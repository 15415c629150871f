"""`Forecaster`: pandas in, forecast out; scikit-learn's manners."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from kerazoo._runtime.devices import prefer_fast_kernels
from kerazoo._validation import check_choice, check_int, check_real
from kerazoo.errors import IntervalError, InvalidArgumentError, NotFittedError
from kerazoo.forecast.data.calendar import calendar_names, season_length
from kerazoo.forecast.data.index import dates_from, index_like, kind_of, listed, renamed_if_equal
from kerazoo.forecast.data import Panel, SeriesData, read_future, read_panel, write_forecast, write_steps
from kerazoo.forecast.transforms import Chain, Transform, transform_from_config

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kerazoo.forecast.fitting import FitSettings
    from kerazoo.zoo.spec import RNNSpec

__all__ = ["Forecaster"]

STRATEGIES = ("recursive", "direct", "mean")
LOSSES = ("mse", "mae", "huber", "normal")
USUAL_LEVELS = (0.8, 0.95)
FORMS = {"series": "a Series", "frame": "a DataFrame with a column a series", "long": "a long DataFrame",
         "array": "numbers without dates"}  # fmt: skip


class Forecaster(BaseEstimator):
    """Forecasts series with recurrent nets, and with the statistics that such nets should start from.

    Each series is transformed: scaled, and freed of what exponential smoothing or a linear autoregression foretells, by
    transforms that are chosen at rolling origins inside the training part (`transforms="auto"`). An ensemble of nets
    learns from what is left (as Smyl 2020, A hybrid method of exponential smoothing and recurrent neural networks, but
    with the statistics fitted first). The nets' outputs start at zero, and a twin of each, which learns from the first
    part of the series only, says when to stop: where there is nothing left to learn, the forecast is that of the
    statistics.

    The constructor stores the parameters and `fit` checks them; `get_params` and `sklearn.base.clone` work.

    Args:
        model: name or RNNSpec of one net (`kerazoo.zoo`); its features, outputs and horizon are set by the data.
        strategy: `"recursive"` (each step is fed back as the next input), `"direct"` (`horizon` steps at once), or
            `"mean"` of both, by one net.
        horizon: int >= 1, steps that are aimed at; None: a season, or 12 steps without one. `predict` takes any other.
        lookback: int >= 1 or None, steps that a net looks back at; None: that of the model, else up to 256.
        period: int >= 1, steps of a season; "auto": by the frequency of the index.
        transforms: "auto"; or a sequence of transforms, their names or configs (`kerazoo.forecast.transforms`); ()
            scales only.
        calendar: "auto", names of calendar features, or (): see `kerazoo.forecast.data.calendar`.
        calendar_order: int >= 1, harmonics of each.
        n_members: int >= 1, nets of the ensemble, trained in one computation.
        loss: `"mse"`, `"mae"`, `"huber"`, or `"normal"`: the nets give normal distributions, and intervals come from
            paths that are drawn from them instead of from errors at rolling origins.
        epochs: int >= 0, at most; `steps_per_epoch` optimizer steps each.
        steps_per_epoch: int >= 1.
        batch_size: int >= 1, windows of a step.
        learning_rate: float > 0, of Adam.
        patience: int >= 1, epochs without progress on what is held out, after which training ends.
        min_gain: float >= 0, share by which the nets must lower the held out loss of the statistics, and the squared
            errors of forecasts up to the horizon there, to be used at all. The second gain has to be larger than its
            standard error too, unless `min_gain` is 0, which asks for any gain.
        seed: int or None. The same seed repeats a run on one machine.
        checkpoint_dir: folder or None. A fit that was killed goes on from there when it is called again.
        checkpoint_minutes: float >= 0, between checkpoints.
        callbacks: of Keras, for the training; `self.model` is a model of all nets, until the training ends. One, or a
            sequence.
        verbose: 0 silent, 1 a progress bar, 2 a line an epoch.

    Attributes (after `fit`):
        transforms_: list of (configs, weight): the chains of transforms in use and their share in the forecast.
        history_: dict of lists, one value an epoch: loss, and val_loss of the twins on what is held out.
        best_epoch_: int, epochs trained; 0: the forecast is that of the statistics, as nets could not better it.
        net_share_: float, how much of their corrections the nets make: 0.25, 0.5, 0.75 or 1, whichever forecasts best
            what is held out; 0 where `best_epoch_` is.
        period_, horizon_, n_held_: int.
        spec_: RNNSpec of one net.

    >>> import numpy as np, pandas as pd
    >>> y = pd.Series(np.sin(np.arange(60) / 2), pd.period_range("2020-01", periods=60, freq="M"), name="wave")
    >>> forecaster = Forecaster("gru_1x4", n_members=2, epochs=1, seed=1, verbose=0).fit(y)
    >>> forecaster.predict(3).index.astype(str).tolist()
    ['2025-01', '2025-02', '2025-03']
    """

    def __init__(
        self,
        model: str | RNNSpec = "lstm_1x32",
        *,
        strategy: str = "recursive",
        horizon: int | None = None,
        lookback: int | None = None,
        period: int | str = "auto",
        transforms: Any = "auto",
        calendar: Any = "auto",
        calendar_order: int = 2,
        n_members: int = 5,
        loss: str = "mse",
        epochs: int = 40,
        steps_per_epoch: int = 10,
        batch_size: int = 64,
        learning_rate: float = 1e-3,
        patience: int = 8,
        min_gain: float = 0.05,
        seed: int | None = None,
        checkpoint_dir: str | os.PathLike[str] | None = None,
        checkpoint_minutes: float = 1.0,
        callbacks: Sequence[Any] = (),
        verbose: int = 1,
    ) -> None:
        self.model = model
        self.strategy = strategy
        self.horizon = horizon
        self.lookback = lookback
        self.period = period
        self.transforms = transforms
        self.calendar = calendar
        self.calendar_order = calendar_order
        self.n_members = n_members
        self.loss = loss
        self.epochs = epochs
        self.steps_per_epoch = steps_per_epoch
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.patience = patience
        self.min_gain = min_gain
        self.seed = seed
        self.checkpoint_dir = checkpoint_dir
        self.checkpoint_minutes = checkpoint_minutes
        self.callbacks = callbacks
        self.verbose = verbose

    # Fitting.

    def fit(self, y: Any, X: Any = None, val: Any = None) -> Forecaster:
        """Learn from series.

        Args:
            y: a Series, a DataFrame with one column a series (one global model for all), a long DataFrame with
                `unique_id`, `ds` and `y`, or numbers: see :func:`kerazoo.forecast.data.read.read_panel`.
            X: covariates that are known in the future, over the index of `y`; or None.
            val: what decides when to stop and how wide intervals are. None: the last part of each series; an int: so
                many of the last steps, 0 for none (all `epochs` are trained then, and there are no conformal
                intervals); or
                a continuation of `y` in the same form, over which `X` then also has to reach. The forecast goes on
                from the end of all.

        Raises:
            InvalidArgumentError: a parameter out of range; values that are not finite, missing, repeated or unsorted
                dates, or a series that is too short. The message says what would fit.
            StorageError: the folder of the checkpoint cannot be made.
        """
        prefer_fast_kernels()
        from kerazoo.forecast.fitting import fit_ensemble

        given, n_val = _with_validation(y, val)
        panel = read_panel(given, X)
        settings = self._settings(panel)
        seed = settings.seed
        file = self._training_file(panel, settings, n_val)
        found = fit_ensemble(panel, settings, n_val, file)
        self._panel = panel
        self._fitted = found
        self._levels_seed = seed
        self._set_learned(settings.period, settings.horizon)
        return self

    def check(self, y: Any, X: Any = None, val: Any = None) -> FitSettings:
        """What :meth:`fit` checks and decides before it learns anything: in a moment, where a fit may take minutes.

        Args:
            y, X, val: as for :meth:`fit`.

        Returns:
            the settings that `fit` would have: `period` and `horizon` are decided by the series.

        Raises:
            InvalidArgumentError: as :meth:`fit`, but for what only the transforms find in the values.

        >>> Forecaster().check(np.arange(40.0)).horizon
        12
        """
        from kerazoo.forecast.fitting import checked_held_out

        given, n_val = _with_validation(y, val)
        panel = read_panel(given, X)
        settings = self._settings(panel)
        checked_held_out(panel, settings, n_val)
        return settings

    def _set_learned(self, period: int, horizon: int) -> None:
        found = self._fitted
        self.period_, self.horizon_, self.n_held_ = period, horizon, found.n_held
        self.spec_ = found.spec
        self.history_ = found.course.history
        self.best_epoch_ = found.course.best_epoch
        self.net_share_ = found.course.share if self.best_epoch_ else 0.0
        self.transforms_ = [
            ([dict(part) for part in choice.config], choice.weight) for choice in found.ensemble.choices
        ]

    def _settings(self, panel: Panel) -> FitSettings:
        """The parameters, checked; those that depend on the data, decided."""
        from kerazoo.forecast.fitting import FitSettings
        from kerazoo.zoo.builders import as_spec

        spec = as_spec(self.model)
        if spec.vocabulary is not None or spec.head != "dense":
            raise InvalidArgumentError(
                f"model={spec.name!r} has a vocabulary or another head; expected a model of numbers, as 'lstm_1x32'."
            )
        if spec.timestamps:
            raise InvalidArgumentError(
                f"model={spec.name!r} reads time stamps; expected [time=step] instead: series have regular steps."
            )
        period = self.period
        if isinstance(period, str):
            check_choice("period", period, ("auto",), hint="Or an int: steps of a season, 1 without one.")
            period = max(season_length(each.index) for each in panel.series)
            shortest = min(len(each.values) for each in panel.series)
            period = period if 2 * period + 3 <= shortest else 1  # a season that is not seen twice cannot be learned
        period = check_int("period", period, hint="1 is no season.")
        horizon = (period if period > 1 else 12) if self.horizon is None else self.horizon
        seed = self.seed
        if seed is None:
            seed = int(np.random.SeedSequence().generate_state(1)[0])
        check_real("checkpoint_minutes", self.checkpoint_minutes, 0.0)
        longest = max(panel.series, key=lambda each: len(each.values))
        return FitSettings(
            spec=spec,
            strategy=check_choice("strategy", self.strategy, STRATEGIES),
            horizon=check_int("horizon", horizon, hint="It is the number of steps to forecast."),
            lookback=None if self.lookback is None else check_int("lookback", self.lookback),
            period=period,
            transforms=_transforms_from(self.transforms),
            calendar=calendar_names(longest.index, self.calendar),
            calendar_order=check_int("calendar_order", self.calendar_order),
            n_members=check_int("n_members", self.n_members, hint="It is the number of nets."),
            loss=self._checked_loss(),
            epochs=check_int("epochs", self.epochs, 0),
            steps_per_epoch=check_int("steps_per_epoch", self.steps_per_epoch),
            batch_size=check_int("batch_size", self.batch_size),
            learning_rate=check_real("learning_rate", self.learning_rate, 0.0, exclusive=True),
            patience=check_int("patience", self.patience),
            min_gain=check_real("min_gain", self.min_gain, 0.0),
            seed=check_int("seed", seed, 0),
            verbose=check_int("verbose", self.verbose, 0, 2),
            callbacks=_callbacks_from(self.callbacks),
        )

    def _checked_loss(self) -> str:
        loss = check_choice("loss", self.loss, LOSSES)
        if loss == "normal" and self.strategy != "recursive":
            raise InvalidArgumentError(
                f"loss='normal' with strategy={self.strategy!r}; expected 'recursive': paths are drawn step by step."
            )
        return loss

    def _training_file(self, panel: Panel, settings: Any, n_val: int | None) -> Any:
        if self.checkpoint_dir is None:
            return None
        from kerazoo.forecast.nets.checkpoint import TrainingFile, fingerprint_of

        if self.seed is None:
            raise InvalidArgumentError(
                "checkpoint_dir without seed; expected an int, as a fit that goes on has to repeat it."
            )
        about = {
            "model": settings.spec.to_json(),
            **{
                name: getattr(settings, name)
                for name in (
                    "strategy", "horizon", "lookback", "period", "n_members", "loss", "epochs", "steps_per_epoch",
                    "batch_size", "learning_rate", "patience", "min_gain", "seed", "calendar_order",
                )
            },
            "transforms": "auto" if settings.transforms == "auto" else [t.to_config() for t in settings.transforms],
            "calendar": self.calendar if isinstance(self.calendar, str) else list(self.calendar),
            "val": n_val,
        }  # fmt: skip
        arrays = [array for each in panel.series for array in (each.values, each.covariates)]
        about["dates"] = [f"{each.index[0]} to {each.index[-1]}" for each in panel.series[:100]]
        return TrainingFile(Path(self.checkpoint_dir), self.checkpoint_minutes, fingerprint_of(about, arrays))

    # Forecasts.

    def predict(
        self,
        horizon: int | None = None,
        X_future: Any = None,
        interval: float | Sequence[float] | None = None,
        *,
        history: Any = None,
        history_X: Any = None,
    ) -> Any:
        """What follows the series.

        Args:
            horizon: int >= 1, steps; None: the `horizon` of the constructor. It may be longer.
            X_future: the covariates of those steps, if there were any in `fit`.
            interval: levels of prediction intervals in (0, 1), as [0.8, 0.95]; None: none.
            history: series to go on from in place of the fitted ones: the same series, longer or shorter, in the same
                form, by the same names and at the same frequency. Nothing is learned from them.
            history_X: their covariates.

        Returns:
            the forecast in the form of `y`, over the dates that follow: a Series for a Series. With intervals a
            DataFrame with the columns `forecast`, `lower_80`, `upper_80`, ...

        Raises:
            NotFittedError: `fit` was not called.
            InvalidArgumentError: covariates are missing, a level is out of range, or `history` has other series,
                another frequency or another kind of index than those that were fitted.
            IntervalError: too few steps were held out for a level.
        """
        self._check_fitted()
        horizon = self.horizon_ if horizon is None else check_int("horizon", horizon)
        levels = _levels(interval)
        panel = self._panel_of(history, history_X)
        futures = read_future(panel, X_future, horizon)
        return write_forecast(panel, self._columns(panel.series, futures, horizon, levels))

    def _panel_of(self, history: Any, history_X: Any, name: str = "history", name_X: str = "history_X") -> Panel:
        """The fitted series, or others in their place, which messages call by these names."""
        fitted = self._panel
        if history is None:
            if history_X is not None:
                raise InvalidArgumentError(f"{name_X} is given, but not {name}; expected both, or none.")
            return fitted
        panel = _read_as(name, history, history_X)
        if panel.form != fitted.form:
            raise InvalidArgumentError(
                f"{name} is {FORMS[panel.form]}; expected {FORMS[fitted.form]}, as the series that were fitted."
            )
        of_label = {each.id: each for each in panel.series}
        if of_label.keys() != set(fitted.ids):
            raise InvalidArgumentError(
                f"{name} has the series {listed(panel.ids)}; expected {listed(fitted.ids)}, by the names of the series "
                "that were fitted."
            )
        if panel.covariate_names != fitted.covariate_names:
            wanted, given = list(fitted.covariate_names), list(panel.covariate_names)
            raise InvalidArgumentError(f"{name} has the covariates {given}; expected {wanted}, as in fit ({name_X}).")
        place = (f"{name}['ds']", "") if panel.form == "long" else (f"{name}.index", name)
        indexes: dict[int, Any] = {}  # the series of a frame share one: it is compared once
        series = []
        for each in (of_label[label] for label in fitted.ids):
            if id(each.index) not in indexes:
                indexes[id(each.index)] = index_like(each.index, fitted.series[0].index, *place)
            series.append(replace(each, index=indexes[id(each.index)]))
        return replace(panel, series=tuple(series))

    def _columns(
        self, series: Sequence[SeriesData], futures: Sequence[Any], horizon: int, levels: Sequence[float]
    ) -> dict[str, list[NDArray[np.float64]]]:
        """Label to one array a series."""
        ensemble = self._fitted.ensemble
        histories = [
            ensemble.history_of(place, each, future, horizon)
            for place, (each, future) in enumerate(zip(series, futures, strict=True))
        ]
        points = ensemble.forecast(histories, horizon)
        columns = {"forecast": points}
        if not levels:
            return columns
        if ensemble.likelihood:
            rng = np.random.default_rng(self._levels_seed)
            drawn = ensemble.samples(histories, horizon, 1000, rng)
            for level in levels:
                for side, share in (("lower", (1 - level) / 2), ("upper", (1 + level) / 2)):
                    columns[_label(side, level)] = [np.quantile(paths, share, axis=0) for paths in drawn]
            return columns
        intervals = self._fitted.intervals
        if intervals is None:
            raise IntervalError(
                "interval is given, but no steps were held out, whose errors would say how wide it is; expected "
                "None, or a fit with val > 0 (longer series), or loss='normal'."
            )
        for level in levels:
            widths = [intervals.half_widths(level, place, horizon) for place in range(len(points))]
            for side, sign in (("lower", -1.0), ("upper", 1.0)):
                columns[_label(side, level)] = [
                    point + sign * width for point, width in zip(points, widths, strict=True)
                ]
        return columns

    def one_step(self, y: Any = None, X: Any = None) -> Any:
        """Forecasts of each value from those before it, as long as the series; NaN at the start.

        Args:
            y: the fitted series, longer or shorter ones, in the same form; None: those of `fit`.
            X: their covariates.

        Returns:
            in the form of `y` over its own dates: a Series, a DataFrame, or an array.

        Raises:
            NotFittedError: `fit` was not called.
            InvalidArgumentError: `y` is not of the kind that was fitted, as for :meth:`predict`.
        """
        self._check_fitted()
        panel = self._panel_of(y, X, "y", "X")
        found = [self._fitted.ensemble.one_step(place, each) for place, each in enumerate(panel.series)]
        return write_steps(panel, found)

    def generate(self, seed: Any = "zeros", steps: int = 60) -> NDArray[np.float64]:
        """The nets go on by themselves from a seed, as in the examples of 2017: what they have learned of the series.

        Args:
            seed: "zeros": a window in which nothing happens; an int >= 0: the place of a window of the (first) fitted
                series, which is gone on from; or numbers (T,), in units of the data, which stand for the series up to
                the place where it goes on.
            steps: int >= 1.

        Returns:
            float64 (steps,), in units of the data. From zeros, it is what follows the end of the series.

        Raises:
            InvalidArgumentError: a place outside the series, or a seed that is too short for the transforms.
        """
        self._check_fitted()
        steps = check_int("steps", steps)
        ensemble = self._fitted.ensemble
        first = self._panel.series[0]
        if first.covariates.shape[1]:
            raise InvalidArgumentError("generate() with covariates; expected none: predict(X_future=...) takes them.")
        zeros = False
        if isinstance(seed, str):
            check_choice("seed", seed, ("zeros",), hint="Or a place in the series, or numbers.")
            data, zeros = first, True
        elif isinstance(seed, int | np.integer) and not isinstance(seed, bool):
            length = ensemble.layout.length
            start = check_int("seed", seed, 0, len(first.values) - 1, hint="It is a place in the fitted series.")
            end = min(start + length, len(first.values))
            data = SeriesData(first.id, first.values[:end], first.index[:end], first.covariates[:end])
        else:
            panel = _read_as("seed", seed)
            values = panel.series[0].values
            if len(panel.series) > 1:
                raise InvalidArgumentError(f"seed has {len(panel.series)} series; expected one: numbers (T,).")
            if len(values) > len(first.values):
                raise InvalidArgumentError(
                    f"seed has {len(values)} values; expected at most {len(first.values)}, as the fitted series."
                )
            data = SeriesData(first.id, values, first.index[: len(values)], first.covariates[: len(values)])
        history = ensemble.history_of(0, data, np.empty((steps, 0)), steps)
        return ensemble.forecast([history], steps, zeros)[0]

    # Judging.

    def backtest(
        self,
        y: Any,
        horizon: int | None = None,
        folds: int = 5,
        *,
        X: Any = None,
        step: int | None = None,
        refit: str | bool = "fresh",
        interval: float | Sequence[float] | str | None = "auto",
    ) -> pd.DataFrame:
        """Forecasts from several origins, judged beside the naive and the seasonal naive forecast.

        Args:
            y, X: as for :meth:`fit`.
            horizon: int, steps of each forecast; None: as in the constructor.
            folds: int >= 1, origins; the last forecast ends where the series ends.
            step: int >= 1, steps between origins; None: `horizon`.
            refit: "fresh": a new forecaster of the same parameters is fitted at each origin, to what lies before it,
                from fresh weights; False: one is fitted at the first origin, and then only sees the longer series.
            interval: levels whose coverage is measured; None: none; "auto": 0.8 and 0.95, as far as what is held out at
                the first origin can carry them.

        Returns:
            a DataFrame with a row for each fold, series and model (`forecaster`, `naive`, `seasonal_naive`) and the
            columns `fold`, `origin` (the last date known), `series`, `model`, `rmse`, `mae`, `smape` (percent),
            `mase`, and `coverage_80`, ... for the forecaster. Its attribute ``attrs["forecasts"]`` is a DataFrame
            with `fold`, `series`, `ds`, `y`, `forecast` and the bounds of each step, for `plot_backtest`.

        Raises:
            InvalidArgumentError: the series are too short for so many folds.
        """
        from kerazoo.forecast.backtest import backtest

        auto = _is_auto(interval)
        levels = USUAL_LEVELS if auto else _levels(interval)
        return backtest(self, y, X, horizon, folds, step, refit, levels, where_possible=auto)

    # Pictures.

    def plot_forecast(
        self,
        horizon: int | None = None,
        X_future: Any = None,
        interval: float | Sequence[float] | str | None = "auto",
        *,
        truth: Any = None,
        last: int | None = None,
        series: Any = None,
        ax: Axes | None = None,
    ) -> Axes:
        """The end of a series and its forecast: see :func:`kerazoo.plots.plot_forecast`.

        Args:
            horizon, X_future: as for :meth:`predict`.
            interval: as for :meth:`predict`; "auto": 0.8 and 0.95, as far as what was held out can carry them.
            truth: Series of what happened, or None.
            last: int or None, values of the history that are drawn.
            series: label of one of several series; None: the first.
            ax: matplotlib Axes or None.
        """
        from kerazoo import plots

        self._check_fitted()
        place = self._place_of(series)
        horizon = self.horizon_ if horizon is None else check_int("horizon", horizon)
        panel = self._panel
        futures = read_future(panel, X_future, horizon)
        levels = self._possible(USUAL_LEVELS) if _is_auto(interval) else _levels(interval)
        columns = self._columns(panel.series, futures, horizon, levels)
        data = panel.series[place]
        dates = self._fitted.ensemble.history_of(place, data, futures[place], horizon).future
        known = pd.Series(data.values, data.index, name=data.id)
        table = pd.DataFrame({label: arrays[place] for label, arrays in columns.items()}, index=dates)
        return plots.plot_forecast(known, table, truth=truth, last=last, ax=ax)

    def plot_history(self, ax: Axes | None = None) -> Axes:
        """Losses by epoch: see :func:`kerazoo.plots.plot_history`."""
        from kerazoo import plots

        self._check_fitted()
        return plots.plot_history(self.history_, ax=ax)

    @staticmethod
    def plot_backtest(y: pd.Series, backtest: pd.DataFrame, series: Any = None, ax: Axes | None = None) -> Axes:
        """The forecasts of a backtest over what happened: see :func:`kerazoo.plots.plot_backtest`.

        Args:
            y: Series, the truth: of one series.
            backtest: what :meth:`backtest` gave.
            series: label of one of several series; None: the first.
            ax: matplotlib Axes or None.
        """
        from kerazoo import plots

        steps = backtest.attrs["forecasts"]
        ids = list(dict.fromkeys(backtest["series"]))
        chosen = ids[0] if series is None else series
        if chosen not in ids:
            raise InvalidArgumentError(f"series={series!r}; expected one of {ids[:20]}.")
        if len(ids) > 1:
            steps = steps[steps["series"] == chosen]
        return plots.plot_backtest(y, steps, ax=ax)

    def _place_of(self, series: Any) -> int:
        if series is None:
            return 0
        if series not in self._panel.ids:
            raise InvalidArgumentError(f"series={series!r}; expected one of {list(self._panel.ids)[:20]}.")
        return self._panel.ids.index(series)

    def _possible(self, levels: Sequence[float]) -> tuple[float, ...]:
        """Those of the levels that intervals can have, as far as enough steps were held out."""
        if self._fitted.ensemble.likelihood:
            return tuple(levels)
        intervals = self._fitted.intervals
        return () if intervals is None else tuple(level for level in levels if intervals.can_hold(level))

    # Files.

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything to one file, without pickle: nets, transforms, the series. Loaded, it forecasts the same.

        Raises:
            NotFittedError: `fit` was not called.
            StorageError: the file cannot be written; an older one stays.
            InvalidArgumentError: a label or an index of the series has no form in JSON.
        """
        from kerazoo.forecast.model_file import save_forecaster

        self._check_fitted()
        save_forecaster(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Forecaster:
        """The forecaster of a file.

        Raises:
            StorageError: no such file, or it is damaged or of another kind.
        """
        prefer_fast_kernels()
        from kerazoo.forecast.model_file import load_forecaster

        return load_forecaster(cls, path)

    def _check_fitted(self) -> None:
        if not hasattr(self, "_fitted"):
            raise NotFittedError("this Forecaster is not fitted; call fit(y), or Forecaster.load(path).")


def _read_as(name: str, y: Any, X: Any = None) -> Panel:
    """`read_panel` of what the caller gave under another name than y."""
    try:
        return read_panel(y, X)
    except InvalidArgumentError as error:
        if name == "y":
            raise
        raise InvalidArgumentError(f"{name}, taken as y: {error}") from error


def _transforms_from(given: Any) -> Any:
    if isinstance(given, str):
        if given == "auto":
            return given
        return (transform_from_config(given),)
    if isinstance(given, Transform | Mapping):
        given = [given]
    try:
        return tuple(Chain(given).transforms)
    except InvalidArgumentError:
        raise
    except (TypeError, ValueError):  # nothing to iterate over, or something in it that no mapping can be made of
        raise InvalidArgumentError(
            f"transforms={given!r}; expected 'auto', or a sequence of transforms, names or configs."
        ) from None


def _callbacks_from(given: Any) -> list[Any]:
    """One after the other, as `keras.Model.fit` takes them: one, several, in lists of lists, or a CallbackList."""
    import keras

    found = []
    for each in keras.tree.flatten(given):
        if isinstance(each, keras.callbacks.CallbackList):
            found += each.callbacks
        elif isinstance(each, keras.callbacks.Callback):
            found.append(each)
        elif each is not None:
            kind = each.__name__ if isinstance(each, type) else f"a {type(each).__name__}"
            raise InvalidArgumentError(
                f"callbacks holds {kind}; expected objects of keras.callbacks.Callback. "
                "keras.callbacks.LambdaCallback makes one of a function."
            )
    return found


def _is_auto(interval: Any) -> bool:
    if isinstance(interval, str):
        check_choice("interval", interval, ("auto",), hint="Or shares, as [0.8, 0.95]; None is none.")
        return True
    return False


def _levels(interval: Any) -> tuple[float, ...]:
    if interval is None:
        return ()
    try:
        given = [interval] if isinstance(interval, str) else list(interval)
    except TypeError:
        given = [interval]
    hint = "It is a share: 0.8 for 80 %."
    levels = [check_real("interval", level, 0.0, exclusive=True, hint=hint) for level in given]
    if max(levels, default=0.0) >= 1.0:
        raise InvalidArgumentError(f"interval={max(levels)!r}; expected a share below 1: 0.8 for 80 %.")
    return tuple(dict.fromkeys(levels))


def _label(side: str, level: float) -> str:
    return f"{side}_{100 * level:g}"


def _with_validation(y: Any, val: Any) -> tuple[Any, int | None]:
    """The series with what `val` adds, and the number of steps to hold out."""
    if val is None:
        return y, None
    if isinstance(val, int | np.integer) and not isinstance(val, bool):
        return y, check_int("val", val, 0, hint="It is the number of steps held out; 0 is none.")
    if isinstance(y, np.ndarray | list | tuple):
        if not isinstance(val, np.ndarray | list | tuple):
            raise InvalidArgumentError(f"val is a {type(val).__name__}; expected an int, or numbers as y.")
        before, after = read_panel(y), _read_as("val", val)
        if (after.ndim, after.ids) != (before.ndim, before.ids):
            axes = f"{np.shape(val)} and y {np.shape(y)}"
            raise InvalidArgumentError(f"val has the shape {axes}; expected the same but for the first axis.")
        return np.concatenate([np.asarray(y), np.asarray(val)]), len(val)
    if not isinstance(y, pd.Series | pd.DataFrame):
        return y, None  # read_panel says what y should be
    if not isinstance(val, type(y)):
        raise InvalidArgumentError(f"val is a {type(val).__name__}; expected an int, or a {type(y).__name__} as y.")
    if not len(val):
        raise InvalidArgumentError("val has no rows; expected what follows y, or an int: 0 holds out nothing.")
    if isinstance(y, pd.DataFrame) and "unique_id" in y.columns:
        return pd.concat([y, val], ignore_index=True), _steps_of_long(y, val)
    labels, added = ([each.name] if isinstance(each, pd.Series) else list(each.columns) for each in (y, val))
    if set(labels) != set(added) or len(labels) != len(added):
        raise InvalidArgumentError(f"val has the series {listed(added)}; expected {listed(labels)}, as y.")
    if kind_of(val.index) != kind_of(y.index):
        raise InvalidArgumentError(f"val has {kind_of(val.index)}; expected {kind_of(y.index)}, as y.")
    joined = pd.concat([y, val if isinstance(y, pd.Series) else val[y.columns]])
    freq = getattr(y.index, "freq", None)
    if isinstance(y.index, pd.DatetimeIndex) and freq is not None:
        # Dates that do not go on at the frequency of y stay without one: read_panel names them.
        grid = dates_from(joined.index[0], len(joined), freq, joined.index.unit)
        same = renamed_if_equal(joined.index, grid)
        joined.index = joined.index if same is None else same
    return joined, len(val)


def _steps_of_long(y: pd.DataFrame, val: pd.DataFrame) -> int:
    """How many steps of each series `val` has."""
    if not {"unique_id", "ds", "y"} <= set(val.columns):
        raise InvalidArgumentError(f"val has the columns {listed(val.columns)}; expected unique_id, ds and y, as y.")
    counts = val.groupby("unique_id", observed=True).size()
    known = y["unique_id"].unique()
    if set(counts.index) != set(known):
        raise InvalidArgumentError(
            f"val has steps of the series {listed(counts.index)}; expected {listed(known)}, as y."
        )
    if counts.nunique() != 1:
        raise InvalidArgumentError(
            f"val has {counts.min()} to {counts.max()} steps of a series; expected as many of each, or an int: so many "
            "steps are held out of each."
        )
    return int(counts.iloc[0])
