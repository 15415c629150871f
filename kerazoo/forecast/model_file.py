"""A fitted forecaster in one file, and back: the safetensors format, never pickle."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from kerazoo._runtime.files import read_tensors, write_tensors
from kerazoo.errors import StorageError
from kerazoo.forecast.data.panel import Panel
from kerazoo.forecast.ensemble import Ensemble, Features
from kerazoo.forecast.fitting import Fitted
from kerazoo.forecast.intervals import ConformalIntervals
from kerazoo.forecast.nets.members import member_nets
from kerazoo.forecast.nets.trainer import Course
from kerazoo.forecast.nets.windows import KnownScale, Windows
from kerazoo.forecast.transforms.chain import Chain
from kerazoo.forecast.transforms.selection import Choice
from kerazoo.zoo.spec import RNNSpec

__all__ = ["load_forecaster", "save_forecaster"]

KIND = "kerazoo.forecaster"
VERSION = 1


def save_forecaster(forecaster: Any, path: str | os.PathLike[str]) -> None:
    """See :meth:`kerazoo.Forecaster.save`."""
    fitted: Fitted = forecaster._fitted
    ensemble, panel, course = fitted.ensemble, forecaster._panel, fitted.course
    arrays: dict[str, Any] = {
        f"net/{place:04d}": value for place, value in enumerate(ensemble.nets.values_of(range(ensemble.nets.n_members)))
    }
    for place, each in enumerate(panel.series):
        arrays[f"series/{place:06d}"] = each.values
        arrays[f"covariates/{place:06d}"] = each.covariates
    arrays["scale/mean"], arrays["scale/deviation"] = ensemble.scale.mean, ensemble.scale.deviation
    intervals = None
    if fitted.intervals is not None:
        state, intervals = fitted.intervals.to_state()
        arrays.update({f"intervals/{name}": value for name, value in state.items()})
    notes = {
        "version": VERSION,
        "params": _params(forecaster),
        "panel": panel.to_config(),
        "spec": fitted.spec.to_dict(),
        "n_held": fitted.n_held,
        "period": forecaster.period_,
        "horizon": forecaster.horizon_,
        "levels_seed": forecaster._levels_seed,
        "course": {
            "history": {name: [_plain(value) for value in values] for name, values in course.history.items()},
            "best_epoch": course.best_epoch,
            "start": _plain(course.start),
            "best": _plain(course.best),
            "share": course.share,
        },
        "member_choice": ensemble.member_choice,
        "choices": [
            {"config": [dict(part) for part in choice.config], "weight": choice.weight, "score": _plain(choice.score)}
            for choice in ensemble.choices
        ],
        "transforms": [
            [{"config": fit.to_config(), "state": fit.get_state()} for fit in fits] for fits in ensemble.fitted
        ],
        "layout": vars(ensemble.layout),
        "features": {**vars(ensemble.features), "calendar": list(ensemble.features.calendar)},
        "likelihood": ensemble.likelihood,
        "strategy": ensemble.strategy,
        "intervals": intervals,
    }
    write_tensors(path, {name: np.asarray(value) for name, value in arrays.items()}, notes, kind=KIND)


def load_forecaster(cls: Any, path: str | os.PathLike[str]) -> Any:
    """See :meth:`kerazoo.Forecaster.load`."""
    arrays, notes = read_tensors(path, kind=KIND, mmap=False)
    if notes.get("version") != VERSION:
        raise StorageError(
            f"{path}: a forecaster of version {notes.get('version')}; this kerazoo reads version {VERSION}."
        )
    names = sorted(arrays)

    def group(prefix: str) -> list[Any]:
        return [np.array(arrays[name]) for name in names if name.startswith(f"{prefix}/")]

    panel = Panel.from_config(notes["panel"], group("series"), group("covariates"))
    spec = _spec_from(notes["spec"])
    layout = Windows(**notes["layout"])
    choices = [Choice(tuple(each["config"]), each["weight"], _number(each["score"])) for each in notes["choices"]]
    fitted = [
        [Chain(each["config"]["transforms"]).set_state(each["state"]) for each in fits] for fits in notes["transforms"]
    ]
    nets = member_nets(spec, [0] * len(notes["member_choice"]), layout.length)
    nets.assign(group("net"))
    features = Features(**{**notes["features"], "calendar": tuple(notes["features"]["calendar"])})
    scale = KnownScale(np.array(arrays["scale/mean"]), np.array(arrays["scale/deviation"]))
    ensemble = Ensemble(nets, notes["member_choice"], choices, fitted, layout, features, scale, notes["likelihood"],
                        notes["strategy"])  # fmt: skip
    intervals = None
    if notes["intervals"] is not None:
        state = {name.split("/")[1]: arrays[name] for name in names if name.startswith("intervals/")}
        intervals = ConformalIntervals.from_state(state, notes["intervals"])
    course = notes["course"]
    history = {name: [_number(value) for value in values] for name, values in course["history"].items()}
    params = dict(notes["params"])
    if isinstance(params["model"], dict):
        params["model"] = _spec_from(params["model"])
    forecaster = cls(**params)
    forecaster._panel = panel
    forecaster._levels_seed = notes["levels_seed"]
    forecaster._fitted = Fitted(
        ensemble,
        # Files of before the share had all of it.
        Course(
            history, course["best_epoch"], _number(course["start"]), _number(course["best"]), course.get("share", 1.0)
        ),
        intervals,
        notes["n_held"],
        spec,
    )
    forecaster._set_learned(notes["period"], notes["horizon"])
    return forecaster


def _params(forecaster: Any) -> dict[str, Any]:
    """The parameters as JSON has them; callbacks and the folder of checkpoints belong to the program that fitted."""
    from kerazoo.forecast.forecaster import _transforms_from

    params = forecaster.get_params(deep=False)
    params.pop("callbacks")
    params.pop("checkpoint_dir")
    if isinstance(params["model"], RNNSpec):
        params["model"] = params["model"].to_dict()
    if params["transforms"] != "auto":
        params["transforms"] = [each.to_config() for each in _transforms_from(params["transforms"])]
    if not isinstance(params["calendar"], str):
        params["calendar"] = list(params["calendar"])
    return {name: value.item() if isinstance(value, np.generic) else value for name, value in params.items()}


def _spec_from(config: dict[str, Any]) -> RNNSpec:
    import json

    return RNNSpec.from_json(json.dumps(config))


def _plain(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)
