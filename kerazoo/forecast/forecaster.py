"""`Forecaster`: a scikit-learn estimator that forecasts pandas and NumPy series."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kerazoo._runtime import traced_gradients
from kerazoo._runtime.checkpoints import DEFAULT_MINUTES
from kerazoo._runtime.deprecation import renamed_arguments, renamed_attribute, renamed_method
from kerazoo._runtime.devices import prefer_fast_kernels
from kerazoo._runtime.estimator import Estimator
from kerazoo._validation import check_int
from kerazoo.errors import InvalidArgumentError, NotFittedError
from kerazoo.forecast.cross_validation import CrossValidationMixin
from kerazoo.forecast.data.following import following_steps, following_values
from kerazoo.forecast.data.future import read_future
from kerazoo.forecast.data.other_frames import pandas_of
from kerazoo.forecast.data.ranges import check_range
from kerazoo.forecast.data.write import write_forecast, write_steps
from kerazoo.forecast.groups.mixin import GroupMixin
from kerazoo.forecast.inputs import read_history, read_seed, read_training
from kerazoo.forecast.options import fit_settings, read_levels, steps_to_hold_out
from kerazoo.forecast.persistence import FileMixin
from kerazoo.forecast.plotting import PlotMixin
from kerazoo.forecast.scoring import ScoreMixin

if TYPE_CHECKING:
    from kerazoo.forecast.fit_settings import FitSettings
    from kerazoo.forecast.fitted import Fitted
    from kerazoo.forecast.fitted_panel import FittedPanel
    from kerazoo.zoo.spec import RNNSpec

__all__ = ["Forecaster"]


class Forecaster(CrossValidationMixin, FileMixin, GroupMixin, PlotMixin, ScoreMixin, Estimator):
    """Forecasts series with statistical models and recurrent networks, each as far as it helps.

    **One series** has the mean of three forecasts: that of statistics which are selected by backtest inside the
    training part (`transforms="auto"`: exponential smoothing or a linear autoregression after transforms), that of
    compiled statistics (`statistics_`), and that of a network which was trained on generated series
    (`kerazoo.forecast.presets`). Covariates have a linear term. Nothing is trained, and Keras is not imported.

    If `model` or another parameter of networks is given, networks are trained on the residuals of the selected
    statistics instead (cf. Smyl 2020, A hybrid method of exponential smoothing and recurrent neural networks; here the
    statistics are fitted first). Validation networks, trained on the first part of the series, decide when to stop and
    how much of the correction to apply: where it does not help, the statistical forecast is returned. Series with given
    transforms have this method without compiled statistics, however many they are.

    **Several series**, and one with gaps or several seasons, have compiled statistics, with weights for each series
    (`statistics_`), and global networks: all learn from windows of all series, each window in units of its own
    (:mod:`kerazoo.forecast.global_nets`). Where there is a season, they start from the preset and are trained 300 steps
    further. The preset stands beside them, and of few series alone. The forecast is a mixture, for each step ahead by
    what forecasts the held-out part of all series best (`correction_weight_`).
    Covariates have a linear term in the statistics, in the form that lowers the errors of forecasts, if any does, and
    the networks see them. Series that were not fitted have forecasts too: `predict(history=...)`.

    The constructor stores the parameters and `fit` checks them; `get_params` and `sklearn.base.clone` work. None means
    the first of two defaults for one series, the second for several.

    Args:
        model: name or RNNSpec of one network (`kerazoo.zoo`); the data determine its features, outputs and horizon.
            None: a preset, or `"lstm_1x32"` if another parameter of networks is given; a preset that is trained
            further, or `"mingru_2x64_residual"` beside it. `"preset:NAME"`: a network that is trained already, beside
            the compiled statistics.
        strategy: `"recursive"` (each forecast step is the next input), `"direct"` (`horizon` steps in one output), or
            `"mean"` of both, of several series by networks of their own. None: recursive; direct.
        horizon: int >= 1, steps to train for; None: a season, or 12 steps without one. `predict` takes any other.
        lookback: int >= 1, steps in the window of a network; None: that of the model, else up to 256.
        period: int >= 1, steps per season; "auto": by the frequency of the index. Several seasons, as [24, 168] of
            hours, or one that is not whole, as 52.18 weeks of a year, belong to the method for several series, which
            "auto" also finds for those.
        transforms: "auto"; or a sequence of transforms, their names or configs (`kerazoo.forecast.transforms`); ()
            only scales.
        calendar: "auto", names of calendar features for the networks, or (): see `kerazoo.forecast.data.calendar`.
            "auto" has none for several series, whose seasons are taken out.
        calendar_order: int >= 1, harmonics per calendar feature.
        n_members: int >= 1, networks of the ensemble, None: 5, trained in one computation; 3, one after the other.
        embed_ids: whether the networks of several series know each by an embedding of its name.
        fine_tune: int >= 0, steps that the network of a preset is trained further on the series.
        missing: `"error"`; or `"skip"`: missing values (NaN) and missing dates of `y` are gaps, which the method for
            several series skips, and those of `X_past` are unknown. `X` must be complete. It holds for `fit`, `update`,
            `score` and `history` alike.
        floor: float or None: neither forecasts nor bounds fall below it; 0 for counts. No value of `y` may lie below.
        loss: `"mse"`, `"mae"`, `"huber"`; or `"normal"`: the networks output normal distributions, and intervals are
            quantiles of sampled paths instead of quantiles of past errors. Several series also have `"bounded"`
            (relative errors, as sMAPE counts them), `"mape"` (percentage errors, for which forecasts of all models are
            lower), `"quantiles"`, `"student_t"` and `"negative_binomial"` (of counts): see
            :mod:`kerazoo.forecast.global_nets.losses`. None: mse; bounded.
        epochs: int >= 0, maximum number of epochs; 0: statistics alone.
        steps_per_epoch: int >= 1, optimizer steps per epoch. None: 10; as many as see each value once, at most 50.
        batch_size: int >= 1, windows per step. None: 64; 256.
        learning_rate: float > 0, of Adam. None: 0.001; 0.002, from where it falls to 0.
        patience: int >= 1, epochs without a lower held-out loss after which the training of one series stops.
        min_gain: float >= 0, fraction by which the networks must reduce the held-out loss of the statistics, and the
            errors of forecasts up to the horizon, to be used. None: 0.05; 0. The second reduction must also be larger
            than its standard error, unless `min_gain` is 0 for one series.
        seed: int or None. The same seed repeats a run on one machine and backend.
        checkpoint_dir: folder or None; made if needed. A killed `fit` continues from its last checkpoint there when it
            is called again. Without a `seed`, the seed of the first run is kept in the checkpoint.
        checkpoint_minutes: float >= 0, minimum time between two checkpoints.
        callbacks: one Keras callback or a sequence of them; during the training, `self.model` contains all networks.
        verbose: 0 silent, 1 progress bar, 2 one line per epoch.

    Attributes:
        transforms_: list of (configs, weight): the selected chains of transforms and their weights; of several series
            none.
        statistics_: DataFrame, the weights of the models of :func:`kerazoo.forecast.statistics.fit_statistics`, a row
            per series. Without columns where `statistics_weight_` is 0.
        statistics_weight_: float, the weight of `statistics_`: of several series 1, in the statistical forecast; of one
            0.4 beside a preset, else 0.5, unless one of the forecasts is far better alone in the held-out part: then 0,
            as for given transforms, `loss="normal"` and a constant, or 1. `transforms_`, corrected by the networks, and
            the preset have the rest.
        preset_weight_: float, the weight of the preset in the forecast; of several series float64 (horizon,), for each
            step ahead.
        covariate_effects_: DataFrame, linear effects of covariates in the statistics: `series`; `covariate`; `form`,
            "additive", "multiplicative" or "none"; `coefficient`, the change of y, in the multiplicative form of log y,
            for a change of the covariate by 1; `weight` of the form; `note`, why a coefficient is 0.
        history_: dict of lists, one value per epoch: loss, and val_loss of the validation networks. Of several series
            one loss per network, those for validation first.
        best_epoch_: int, epochs of training of the networks in use; 0: the statistical forecast, or a preset.
        correction_weight_: fraction of the networks' correction that is applied: 0.25, 0.5, 0.75 or 1, whichever
            forecasts the held-out part best; 0 means that the statistical forecast is returned. Of several series
            float64 (horizon,), the weight of the networks in the forecast of each step ahead.
        period_: int, steps per season.
        horizon_: int, default horizon of `predict`.
        n_held_: int, steps that were held out of each series.
        seed_: int, the seed that was used; drawn if `seed` is None.
        spec_: RNNSpec of one network.

    >>> import numpy as np, pandas as pd
    >>> y = pd.Series(np.sin(np.arange(60) / 2), pd.period_range("2020-01", periods=60, freq="M"), name="wave")
    >>> forecaster = Forecaster("gru_1x4", n_members=2, epochs=1, seed=1, verbose=0).fit(y)
    >>> forecaster.predict(3).index.astype(str).tolist()
    ['2025-01', '2025-02', '2025-03']
    """

    def __init__(
        self,
        model: str | RNNSpec | None = None,
        *,
        strategy: str | None = None,
        horizon: int | None = None,
        lookback: int | None = None,
        period: float | Sequence[float] | str = "auto",
        transforms: Any = "auto",
        calendar: Any = "auto",
        calendar_order: int = 2,
        n_members: int | None = None,
        embed_ids: bool = False,
        fine_tune: int = 0,
        missing: str = "error",
        floor: float | None = None,
        loss: str | None = None,
        epochs: int = 40,
        steps_per_epoch: int | None = None,
        batch_size: int | None = None,
        learning_rate: float | None = None,
        patience: int = 8,
        min_gain: float | None = None,
        seed: int | None = None,
        verbose: int = 1,
        callbacks: Any = (),
        checkpoint_dir: str | os.PathLike[str] | None = None,
        checkpoint_minutes: float = DEFAULT_MINUTES,
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
        self.embed_ids = embed_ids
        self.fine_tune = fine_tune
        self.missing = missing
        self.floor = floor
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

    def fit(self, y: Any, X: Any = None, val: Any = None, *, X_past: Any = None, static: Any = None) -> Forecaster:
        """Learn from series.

        Args:
            y: a Series, a DataFrame with one column per series (one model for all), a long DataFrame with `unique_id`,
                `ds` and `y`, or numbers: see :func:`kerazoo.forecast.data.panel.read_panel`. Or a Panel, which that
                function returns.
            X: covariates that are known in the future, with a row for each date of `y`; or None. Rows of further
                dates and series are ignored. A linear effect of them is part of the statistics if it lowers the errors
                of forecasts inside the training part (`covariate_effects_`), and the networks see them.
            val: held-out steps, which decide when to stop, what the networks deserve and how wide intervals are. None:
                the last part of each series; an int: that many of the last steps (of several series at least
                `horizon`), 0 for none (then all `epochs` are trained, networks and statistics of many series have
                nearly equal weights, and there are no conformal intervals); or a continuation of `y` in the same form,
                which `X` must cover too. Forecasts start after the end of all.
            X_past: covariates whose future is not known, in the forms of `X`, for the networks of several series.
            static: what holds for a whole series, for the same: a DataFrame with a row per series, whose index is
                their names. Numbers are standardized, text and categories have embeddings.

        Returns:
            The estimator itself. After Ctrl-C the exception passes on, and the estimator has the best networks so far,
            or the statistical forecast if none were trained yet; with `checkpoint_dir`, the same call continues. A
            second Ctrl-C ends the call without a result.

        Raises:
            InvalidArgumentError: a parameter is out of range; values are not finite, dates are missing, repeated or
                unsorted, or a series is too short.
            StorageError: the folder of the checkpoint cannot be made.
            TrainingError: the training diverges; the estimator then has the last good networks, or the statistical
                forecast.
        """
        prefer_fast_kernels()
        from kerazoo.forecast.fit_checkpoint import checkpoint_file
        from kerazoo.forecast.fitting import fit

        panel, n_val = read_training(y, X, val, self.missing, X_past=X_past, static=static)
        settings = self._settings(panel)
        checkpoints = None
        if self.checkpoint_dir is not None:
            checkpoints = checkpoint_file(
                panel, settings, n_val, self.checkpoint_dir, self.checkpoint_minutes, with_seed=self.seed is not None
            )
        self._set_fitted(fit(panel, settings, n_val, checkpoints))
        if self._fitted.course.error is not None:
            raise self._fitted.course.error
        return self

    def validate(
        self, y: Any, X: Any = None, val: Any = None, *, X_past: Any = None, static: Any = None
    ) -> FitSettings:
        """Check what :meth:`fit` checks before the training, which may take minutes.

        Args:
            y: as for :meth:`fit`.
            X: as for :meth:`fit`.
            val: as for :meth:`fit`.
            X_past: as for :meth:`fit`.
            static: as for :meth:`fit`.

        Returns:
            The settings of `fit`, with `period` and `horizon` resolved from the series.

        Raises:
            InvalidArgumentError: as :meth:`fit`, except for values that do not suit a transform.

        >>> Forecaster().validate(np.arange(40.0)).horizon
        12
        """
        from kerazoo.forecast.panel_fitting import check_windows

        panel, n_val = read_training(y, X, val, self.missing, X_past=X_past, static=static)
        settings = self._settings(panel)
        steps_to_hold_out(panel, settings, n_val)
        check_windows(panel, settings, n_val)
        return settings

    def _settings(self, panel: Any) -> FitSettings:
        # Those of this class: a subclass may have other ones.
        return fit_settings({name: getattr(self, name) for name in Forecaster._get_param_names()}, panel)

    def _set_fitted(self, fitted: Fitted | FittedPanel) -> None:
        self._fitted = fitted
        self.period_, self.horizon_, self.n_held_ = fitted.period, fitted.horizon, fitted.n_held_out
        self.seed_ = fitted.seed
        self.history_, self.best_epoch_ = fitted.course.history, fitted.course.best_epoch
        self.correction_weight_, self.transforms_ = fitted.correction_weight, fitted.transforms
        self.statistics_weight_, self.preset_weight_ = fitted.statistics_weight, fitted.preset_weight
        self.statistics_ = pd.DataFrame(
            fitted.statistics, index=pd.Index(list(fitted.panel.ids), name="series", tupleize_cols=False)
        )
        columns = ["series", "covariate", "form", "coefficient", "weight", "note"]
        self.covariate_effects_ = pd.DataFrame(fitted.covariate_effects(), columns=columns)

    @property
    def spec_(self) -> RNNSpec:
        """RNNSpec of one network. It is made here: its cells import Keras, which other forecasts may do without."""
        return self._check_fitted().spec.rnn

    def _check_fitted(self) -> Fitted | FittedPanel:
        if not hasattr(self, "_fitted"):
            raise NotFittedError("this Forecaster is not fitted; call fit(y), or Forecaster.load(path).")
        return self._fitted

    def update(self, y: Any, X: Any = None, *, X_past: Any = None) -> Forecaster:
        """Take in new values without a fit: forecasts then start after them.

        The networks, the weights of the models and the widths of intervals stay; the models in `statistics_` are fitted
        to the longer series, a few milliseconds for each.

        Args:
            y: the values that follow the series, in their form: a row for each step. A long frame may have more steps
                of some series than of others, and none of some; forecasts of each start after its own last value.
            X: their covariates, if `fit` had any.
            X_past: the same for those of `X_past`; None: they are unknown.

        Returns:
            The estimator itself.

        Raises:
            NotFittedError: `fit` was not called.
            InvalidArgumentError: `y` has another form or other series, or does not follow them; a date or value is
                missing, unless `missing="skip"`; or covariates are missing.

        >>> y = np.arange(40.0)
        >>> forecaster = Forecaster(horizon=2, epochs=0, verbose=0).fit(y)
        >>> forecaster.update([40.0, 41.0]).predict().round().tolist()
        [42.0, 43.0]
        """
        prefer_fast_kernels()
        fitted = self._check_fitted()
        panel = fitted.panel
        values = following_values(panel, pandas_of(y, "y"), self.missing, unequal=panel.form == "long", hint="")
        steps = [len(each) for each in values]
        covariates = read_future(panel, X, steps, "X")
        # What is not known of them is NaN.
        past = None if X_past is None else read_future(panel, X_past, steps, "X_past", past=True, missing=self.missing)
        longer = panel.continued(values, covariates, past)
        check_range(self.floor, self.loss, longer)
        self._set_fitted(fitted.updated(longer))
        return self

    @renamed_arguments(interval="level")
    def predict(
        self,
        horizon: Any = None,
        X_future: Any = None,
        level: float | Sequence[float] | None = None,
        *,
        history: Any = None,
        history_X: Any = None,
        history_X_past: Any = None,
        static: Any = None,
    ) -> Any:
        """Forecast the steps after the end of the series.

        Args:
            horizon: int >= 1, steps; None: the `horizon` of the constructor. It may be longer. Or the part that
                follows the series, in their form, as scikit-learn passes it: its steps are forecast.
            X_future: the covariates of these steps, if `fit` had any.
            level: levels of prediction intervals, as fractions or percent: 0.8 and 80 both mean 80 %, [80, 95] two
                intervals. None: no intervals.
            history: series to forecast from instead of the fitted ones: the same series, longer or shorter, in the same
                form and frequency; after a fit of several series also others. The networks learn nothing from them, but
                the models in `statistics_` are fitted to them.
            history_X: their covariates.
            history_X_past: their covariates whose future is not known.
            static: what holds for those of them that were not fitted.

        Returns:
            The forecast in the form of `y`, over the dates that follow: a Series for a Series. With intervals a
            DataFrame with the columns `forecast`, `lower_80`, `upper_80`, ...

        Raises:
            NotFittedError: `fit` was not called.
            InvalidArgumentError: covariates are missing, a level is out of range, or `history` has other series,
                another frequency or another kind of index than the fitted series.
            IntervalError: too few steps were held out for a level.
        """
        fitted = self._check_fitted()
        levels = read_levels(level)
        panel = read_history(
            fitted.panel, history, history_X, any_series=fitted.knows_any_series, missing=self.missing,
            history_X_past=history_X_past, static=static,
        )  # fmt: skip
        if history is not None:
            check_range(self.floor, self.loss, panel)
        if hasattr(horizon, "__len__") and not isinstance(horizon, str) and np.ndim(horizon):
            horizon = following_steps(panel, pandas_of(horizon, "horizon"), "horizon", self.missing)
        horizon = fitted.horizon if horizon is None else check_int("horizon", horizon)
        futures = read_future(panel, X_future, horizon)
        unknown = fitted.unknown_effects(futures)
        if unknown:
            warnings.warn(
                f"X_future changes {', '.join(unknown)}, constant in fit: the effect is unknown, and the forecast is "
                "made as if nothing changed. A fit to a period with such changes estimates it.",
                stacklevel=3,
            )
        with traced_gradients.forgotten():
            return write_forecast(panel, fitted.forecast(panel, futures, horizon, levels))

    def fitted_values(self, y: Any = None, X: Any = None) -> Any:
        """One-step forecasts of all values, each from the values before it; NaN at the start.

        The models in `statistics_` are fitted to all of these values, which are thus known to their parameters.

        Args:
            y: the fitted series, longer or shorter, in the same form; None: those of `fit`.
            X: their covariates.

        Returns:
            The forecasts in the form of `y`, over its own dates: a Series, a DataFrame or an array.

        Raises:
            NotFittedError: `fit` was not called.
            InvalidArgumentError: `y` is not of the kind that was fitted, as for :meth:`predict`.
        """
        fitted = self._check_fitted()
        panel = read_history(
            fitted.panel, y, X, "y", "X", any_series=fitted.knows_any_series, missing=self.missing, linear_only=True
        )
        return write_steps(panel, fitted.fitted_values(panel.series))

    def generate(self, seed: Any = "zeros", steps: int = 60) -> NDArray[np.float64]:
        """Let the networks continue from a seed window, to see what they have learned; `statistics_` has no part in it.

        Args:
            seed: "zeros": the networks see a window of zeros; an int >= 0: the index of a window of the (first) fitted
                series, which is continued; or numbers (T,) in the units of the data, which replace the series up to the
                step where it is continued.
            steps: int >= 1.

        Returns:
            float64 (steps,), in the units of the data. From zeros, they follow the end of the series.

        Raises:
            NotFittedError: `fit` was not called.
            InvalidArgumentError: an index outside the series, a seed that is too short for the transforms, or a fit
                with covariates.
        """
        fitted = self._check_fitted()
        steps = check_int("steps", steps)
        ensemble, first = fitted.ensemble, fitted.panel.series[0]
        if first.covariates.shape[1]:
            raise InvalidArgumentError("generate() with covariates; expected none: predict(X_future=...) takes them.")
        data, from_zeros = read_seed(seed, first, ensemble.layout.length)
        history = ensemble.history_of(0, data, np.empty((steps, 0)), steps)
        return ensemble.forecast([history], steps, from_zeros)[0]

    one_step = renamed_method("Forecaster", "one_step", "fitted_values")
    check = renamed_method("Forecaster", "check", "validate")
    net_share_ = renamed_attribute("Forecaster", "net_share_", "correction_weight_")
