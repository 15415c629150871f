"""Files of forecasters, with and without networks, and checkpoints of their training."""

from __future__ import annotations

import contextlib
import copy
import functools
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from kerazoo._presets import PresetFile
from kerazoo.forecast.net_spec import NetSpec
from kerazoo.forecast.nets.zeros import ZeroRollout
from tests.fuzz.numpy_networks import give_weights, on_numpy
from tests.fuzz.target import Target
from tests.fuzz.targets.saved import folder_of, saved
from tests.fuzz.tensor_files import TENSORS

__all__ = ["TARGETS"]

Y = np.sin(np.arange(48) / 3) + np.arange(48) / 10 + 5


def read_forecaster(data: bytes, folder: Path) -> object:
    """A `Forecaster`, then its forecast with intervals, and its file."""
    from kerazoo import Forecaster

    path = folder / "model.kerazoo"
    path.write_bytes(data)
    forecaster = Forecaster.load(path, mmap=bool(len(data) % 2))
    forecaster.save(folder / "again.kerazoo")
    return "read"


def use_forecaster(data: bytes, folder: Path) -> object:
    """A `Forecaster` whose file is consistent but was made by a stranger, then all that it is for.

    What such a file says can make no sense; then loading it says so, and nothing later ends with a plain error.
    """
    from kerazoo import Forecaster

    path = folder / "model.kerazoo"
    path.write_bytes(data)
    forecaster = Forecaster.load(path)
    if getattr(forecaster._fitted, "knows_any_series", True) is False and forecaster._fitted.ensemble.nets is not None:
        # Networks of single series have a target of their own; here, zeros stand for their outputs.
        forecaster._fitted.ensemble.__dict__["rollout"] = ZeroRollout(forecaster._fitted.ensemble.layout.ahead)
    return _used(forecaster, data)


def use_networks(data: bytes, folder: Path) -> object:
    """The same for networks of one series or of several in one form, whose steps NumPy computes."""
    from kerazoo import Forecaster

    path = folder / "model.kerazoo"
    path.write_bytes(data)
    with on_numpy():
        return _used(Forecaster.load(path), data)


def _used(forecaster: Any, data: bytes) -> object:
    """The type of its forecasts; the other methods are used, too."""
    from kerazoo.errors import IntervalError

    panel = forecaster._check_fitted().panel
    n_covariates = len(panel.covariate_names)
    future = None
    if n_covariates and panel.form != "long":
        future = np.zeros((forecaster.horizon_ if forecaster.horizon_ < 10_000 else 1, n_covariates))
    with np.errstate(all="ignore"):
        found = forecaster.predict(None if future is None else len(future), future)
        with contextlib.suppress(IntervalError):
            forecaster.predict(None if future is None else len(future), future, level=[0.5])
        if len(data) % 4 == 0:
            forecaster.fitted_values()
        if len(data) % 4 == 1 and panel.form == "array" and panel.ndim == 1 and future is None:
            forecaster.update([float(panel.series[0].values[-1])]).predict(2)
    return type(found).__name__


@functools.cache
def _frames() -> tuple[Any, Any, Any]:
    import pandas as pd

    months = pd.date_range("2020-01-31", periods=48, freq="ME", name="month")
    one = pd.Series(Y, months, name="y")
    several = pd.DataFrame({"a": Y, "b": Y[::-1] + 1, "c": Y**2}, months)
    long = several.reset_index().melt("month", var_name="unique_id", value_name="y").rename(columns={"month": "ds"})
    return one, several, long


def forecaster_seeds() -> list[bytes]:
    import pandas as pd

    from kerazoo import Forecaster

    one, several, long = _frames()
    holidays = pd.DataFrame({"sale": (np.arange(48) % 7 == 0).astype(float)}, one.index)
    settings: dict[str, Any] = {"horizon": 3, "epochs": 0, "verbose": 0, "seed": 1}
    made = [
        Forecaster(**settings).fit(Y),
        Forecaster(**settings).fit(one),
        Forecaster(**settings, transforms=["log", "standard"]).fit(one),
        Forecaster(**settings).fit(one, X=holidays),
        Forecaster(**settings).fit(several),
        Forecaster(**settings).fit(long),
        Forecaster(**settings).fit(several, X=holidays),
    ]
    return [saved(each) for each in (*made, *_with_networks(made[0], made[4]))]


def _with_networks(one: Any, several: Any) -> list[Any]:
    """Forecasters of one series and of several with networks that were not trained, of each kind that files have."""
    from kerazoo.forecast.global_nets import GlobalNet
    from kerazoo.forecast.global_nets.network import make_network, network_spec
    from kerazoo.forecast.nets.members import member_nets
    from kerazoo.forecast.panel_nets import PresetNet
    from kerazoo.forecast.series_statistics import SeriesStatistics
    from kerazoo_ext import _statistics

    fitted = one._fitted
    ensemble = fitted.ensemble
    spec = NetSpec({"layers": [{"cell": "gru", "units": 2}], "returns": "sequence"})
    layout = replace(ensemble.layout, length=4)
    nets = member_nets(spec.rnn, [1] * ensemble.n_members, layout.length)
    chains = replace(fitted, spec=spec, ensemble=replace(ensemble, nets=nets, layout=layout), mixed_with=None)
    preset = PresetNet(_preset(), (12,))
    names = _statistics.CANDIDATES
    statistics = SeriesStatistics(names, np.full(len(names), 1 / len(names)), 12, None, None, 0.5, preset)
    mixed = replace(fitted, mixed_with=statistics)
    rnn = network_spec("gru_1x2", 4, 3, 1)
    weights = tuple(np.asarray(each, np.float32) for each in make_network(rnn, seed=1).get_weights())
    trained = GlobalNet(rnn, 12, "mae", (), (weights,), np.tile([-3.0, 3.0], (3, 1)), (1,), (0.5,))
    panel = several._fitted

    def with_nets(*nets: Any, bounds: bool) -> Any:
        shares, weight = (1.0 / len(nets),) * len(nets), np.full(panel.horizon, 0.5)
        return replace(panel, nets=nets, shares=shares, net_weights=weight, bounds_of_nets=bounds)

    found = []
    both = replace(chains, mixed_with=statistics)
    for of, state in ((one, chains), (one, mixed), (one, both), (several, with_nets(preset, bounds=True)),
                      (several, with_nets(trained, preset, bounds=False))):  # fmt: skip
        made = copy.copy(of)
        made._set_fitted(state)
        found.append(made)
    return found


#: Structures of networks: of stacked members by products or by a map, and of separate ones; each way to forecast.
NETWORKS: tuple[dict[str, Any], ...] = (
    {"model": "lstm_1x2"},
    {"model": "gru_1x2", "loss": "normal"},
    {"model": "mingru_1x2", "strategy": "mean"},
    {"model": "birnn_1x2_seq2one", "strategy": "direct"},
    {"model": "gru_1x2_dropout10"},
)


def network_seeds() -> list[bytes]:
    from kerazoo import Forecaster

    one = _frames()[0]
    holidays = np.arange(48)[:, None] % 7 == 0
    settings: dict[str, Any] = {"horizon": 3, "n_members": 2, "epochs": 1, "lookback": 5, "verbose": 0, "seed": 1}
    data: tuple[Any, ...] = ((Y,), (one,), (Y, holidays.astype(float)), (one,), (Y,))
    found = []
    with on_numpy():
        for changes, given in zip(NETWORKS, data, strict=True):
            made = Forecaster(**settings | changes, transforms=("standard",)).fit(*given)
            give_weights(made._fitted.ensemble.nets)
            found.append(saved(made))
    return found


def _preset() -> PresetFile:
    """A preset of two units."""
    spec = {"layers": [{"cell": "mingru", "units": 2, "residual": "project"}], "features": 3, "outputs": 3,
            "horizon": 3, "lookback": 4, "returns": "last"}  # fmt: skip
    rng = np.random.default_rng(1)
    shapes = (3, 2), (2,), (2, 4), (4,), (2, 9), (9,)
    weights = [rng.normal(0, 0.1, shape).astype(np.float32) for shape in shapes]
    settings = {"levels": [0.1, 0.5, 0.9], "limits": [[-3.0, 3.0]] * 3, "recency": 0.9}
    return PresetFile(spec, weights, settings, {"steps": 1, "loss": 0.5})


def read_forecast_checkpoint(data: bytes, folder: Path) -> object:
    """The checkpoint of a training of networks, up to the state that is handed to Keras."""
    from kerazoo._runtime.checkpoints import CheckpointFile
    from kerazoo.forecast.nets.checkpoint import TrainingCheckpoint

    (folder / "fit.kerazoo").write_bytes(data)
    file = CheckpointFile(folder, "fit.kerazoo", kind="kerazoo.forecast-training", identity=IDENTITY, minutes=0)
    checkpoint = TrainingCheckpoint(file, file.read(), 1)
    learner = _learner()
    best = _best()
    epoch = checkpoint.resume(learner, best)
    callback = _early_stopping()
    checkpoint.restore_callbacks(learner, [callback])
    assert set(vars(callback)) == set(vars(_early_stopping())), "a file has set attributes of a callback"
    return checkpoint.is_complete, isinstance(epoch, int), checkpoint.history_before() is None


IDENTITY = {"horizon": 3, "data": 7, "backend": "numpy"}


def _best() -> Any:
    from kerazoo.forecast.nets.trainer import BestWeights

    return BestWeights(1.0, 5, 0.0)


def _early_stopping() -> Any:
    import keras

    found = keras.callbacks.EarlyStopping(monitor="val_loss", patience=3, restore_best_weights=True)
    found.on_train_begin()
    return found


@functools.cache
def _learner() -> Any:
    """A learner of two small networks."""
    import keras

    from kerazoo.forecast.nets.members import member_nets
    from kerazoo.forecast.nets.trainer import Learner
    from kerazoo.forecast.nets.windows import Windows, windows_of
    from kerazoo.zoo import RNNSpec

    layout = Windows(length=6, ahead=3, last_only=False)
    nets = member_nets(RNNSpec.from_name("gru_1x2_h3_dropout10"), [1, 2], layout.length)
    windows = windows_of(layout, [([Y - 8], [np.zeros((49, 0))], [40])] * 2)
    learner = Learner(nets, windows, "mse")
    learner.compile(keras.optimizers.Adam(0.01, clipvalue=1.0))
    learner.optimizer.build(learner.trainable_variables)
    return learner


def forecast_checkpoint_seeds() -> list[bytes]:
    from kerazoo._runtime.checkpoints import CheckpointFile
    from kerazoo.forecast.nets.checkpoint import TrainingCheckpoint

    learner, best = _learner(), _best()
    best.weights = learner.nets.values_of(range(2))
    stopping = _early_stopping()
    stopping.best_weights = learner.get_weights()

    def write(complete: bool) -> bytes:
        def into(folder: Path) -> None:
            file = CheckpointFile(folder, "fit.kerazoo", kind="kerazoo.forecast-training", identity=IDENTITY, minutes=0)
            checkpoint = TrainingCheckpoint(file, None, 1)
            history = {"loss": [1.0, 0.5], "val_loss": [1.0, float("nan")]}
            checkpoint.write(learner, best, 2, history, complete, [stopping])

        return folder_of(into)["fit.kerazoo"]

    return [write(False), write(True)]


TARGETS = (
    Target("forecaster", read_forecaster, forecaster_seeds, TENSORS, imports=("keras",)),
    Target("forecaster_use", use_forecaster, forecaster_seeds, TENSORS, batch=1000, least=10_000, imports=("keras",)),
    Target("forecaster_networks", use_networks, network_seeds, TENSORS, batch=500, least=10_000, imports=("keras",)),
    Target(
        "forecaster_checkpoint",
        read_forecast_checkpoint,
        forecast_checkpoint_seeds,
        TENSORS,
        batch=1000,
        imports=("keras",),
    ),
)
