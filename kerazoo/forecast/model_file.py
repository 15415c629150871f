"""A fitted forecaster in one file, in the safetensors format without pickle: values in, values out."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kerazoo._runtime.files import damage_of, read_tensors, tensors_from_bytes, tensors_to_bytes, write_tensors
from kerazoo._runtime.precision import in_float32
from kerazoo.errors import StorageError
from kerazoo.forecast.data.panel import Panel
from kerazoo.forecast.ensemble import Ensemble, Features
from kerazoo.forecast.file_checks import check_fitted, check_params
from kerazoo.forecast.fitted import Fitted
from kerazoo.forecast.fitted_panel import FittedPanel
from kerazoo.forecast.intervals import ConformalIntervals
from kerazoo.forecast.net_spec import NetSpec
from kerazoo.forecast.nets.course import Course
from kerazoo.forecast.nets.windows import KnownScale, Windows
from kerazoo.forecast.options import read_transforms
from kerazoo.forecast.series_statistics import SeriesStatistics
from kerazoo.forecast.transforms import Chain
from kerazoo.forecast.transforms.linear_term import LinearTerm
from kerazoo.forecast.transforms.selection import Choice
from kerazoo.forecast.transforms.series_model import SeriesModel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kerazoo.forecast.nets.members import MemberNets
    from kerazoo.zoo.spec import RNNSpec

__all__ = ["from_bytes", "load", "params_to_json", "save", "to_bytes"]

KIND = "kerazoo.forecaster"
VERSION = 1
# Of files whose forecasts have a linear term of the covariates, which version 1 does not know.
VERSION_WITH_TERM = 2
# Of files of several series, with statistics by series.
VERSION_BY_SERIES = 3
# The same, with global networks, too.
VERSION_WITH_NETS = 4
# Of files of one series whose forecast is mixed with compiled statistics, with or without a linear term.
VERSION_MIXED = 5
# Of files of one series without networks, with or without the others of one series.
VERSION_WITHOUT_NETS = 6
VERSIONS = (
    VERSION, VERSION_WITH_TERM, VERSION_BY_SERIES, VERSION_WITH_NETS, VERSION_MIXED, VERSION_WITHOUT_NETS,
)  # fmt: skip
REMEDY = "Save the forecaster again, or copy the file again whole."
NOT_SAVED = ("callbacks", "checkpoint_dir")  # they belong to the program that fits


def save(fitted: Fitted | FittedPanel, params: Mapping[str, Any], path: str | os.PathLike[str]) -> None:
    """Write a fitted forecaster.

    Args:
        fitted: the state.
        params: name -> value of the constructor parameters. Callbacks and the folder of checkpoints are not written.
        path: replaced if it exists.

    Raises:
        StorageError: the file cannot be written; an older one stays.
        InvalidArgumentError: a label or an index of the series has no form in JSON.
    """
    arrays, notes = _arrays_and_notes(fitted, params)
    write_tensors(path, arrays, notes, kind=KIND)


def _arrays_and_notes(
    fitted: Fitted | FittedPanel, params: Mapping[str, Any]
) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    arrays: dict[str, Any] = {}
    for i, each in enumerate(fitted.panel.series):
        arrays[f"series/{i:06d}"] = each.values
        arrays[f"covariates/{i:06d}"] = each.covariates
        if fitted.panel.past_names:
            arrays[f"past/{i:06d}"] = each.past
    if fitted.panel.static_names:
        arrays["static/values"] = fitted.panel.static
    intervals = None
    if fitted.intervals is not None:
        state, intervals = fitted.intervals.to_state()
        arrays.update({f"intervals/{name}": value for name, value in state.items()})
    notes = {
        "params": params_to_json(params),
        "panel": fitted.panel.to_config(),
        "spec": dict(fitted.spec.values),
        "n_held": fitted.n_held_out,
        "period": fitted.period,
        "horizon": fitted.horizon,
        "levels_seed": fitted.seed,
        "intervals": intervals,
    }
    if isinstance(fitted, FittedPanel):
        state, rest = fitted.to_state()
        arrays.update({f"statistics/{name}": value for name, value in state.items()})
        notes |= {"version": VERSION_WITH_NETS if fitted.nets else VERSION_BY_SERIES, "statistics": rest}
    else:
        more, rest = _with_networks(fitted)
        arrays |= more
        notes |= rest
    return {name: np.asarray(value) for name, value in arrays.items()}, notes


def _with_networks(fitted: Fitted) -> tuple[dict[str, Any], dict[str, Any]]:
    """Arrays and notes of the networks and their transforms."""
    ensemble, course = fitted.ensemble, fitted.course
    nets = ensemble.nets
    weights = [] if nets is None else nets.values_of(range(nets.n_members))
    arrays: dict[str, Any] = {f"net/{i:04d}": value for i, value in enumerate(weights)}
    arrays["scale/mean"], arrays["scale/deviation"] = ensemble.scale.mean, ensemble.scale.deviation
    notes = {
        "version": VERSION_WITH_TERM if any(choice.term for choice in ensemble.choices) else VERSION,
        "course": {
            "history": {name: [_plain(value) for value in values] for name, values in course.history.items()},
            "best_epoch": course.best_epoch,
            "start": _plain(course.start),
            "best": _plain(course.best),
            "share": course.correction_weight,
        },
        "member_choice": ensemble.member_choice,
        "choices": [
            {
                "config": [dict(part) for part in choice.config],
                "weight": choice.weight,
                "score": _plain(choice.score),
                "term": choice.term,
            }
            for choice in ensemble.choices
        ],
        "transforms": [
            [
                {
                    "config": model.chain.to_config(),
                    "state": model.chain.get_state(),
                    "term": None if model.term is None else model.term.to_state(),
                }
                for model in models
            ]
            for models in ensemble.fitted
        ],
        "layout": vars(ensemble.layout),
        "features": {**vars(ensemble.features), "calendar": list(ensemble.features.calendar)},
        "likelihood": ensemble.likelihood,
        "strategy": ensemble.strategy,
    }
    if fitted.mixed_with is not None:
        state, rest = fitted.mixed_with.to_state()
        arrays |= {f"mixed/{name}": value for name, value in state.items()}
        notes |= {"version": VERSION_MIXED, "mixed_with": rest}
    if nets is None:
        notes |= {"version": VERSION_WITHOUT_NETS}
    return arrays, notes


def load(path: str | os.PathLike[str], *, mmap: bool = False) -> tuple[Fitted | FittedPanel, dict[str, Any]]:
    """Read a file of :func:`save`.

    Args:
        path: the file.
        mmap: whether the series stay on the disk until they are used, read-only; their checksums are not compared then.

    Returns:
        The state, and the constructor parameters.

    Raises:
        StorageError: the file does not exist, is damaged or contains something else.
    """
    return _from_arrays(*read_tensors(path, kind=KIND, mmap=mmap), path)


def _from_arrays(
    arrays: Mapping[str, NDArray[Any]], notes: Mapping[str, Any], path: str | os.PathLike[str]
) -> tuple[Fitted | FittedPanel, dict[str, Any]]:
    if not isinstance(notes, dict) or notes.get("version") not in VERSIONS:
        found = notes.get("version") if isinstance(notes, dict) else None
        raise StorageError(
            f"{path}: a forecaster of version {found}; expected version "
            f"{', '.join(map(str, VERSIONS))}. Load it with the version of kerazoo that wrote it."
        )
    with damage_of(path, REMEDY):
        fitted, params = _parsed(arrays, notes)
        check_params(params)
        check_fitted(fitted)
    return fitted, params


def _parsed(arrays: Mapping[str, Any], notes: Mapping[str, Any]) -> tuple[Fitted | FittedPanel, dict[str, Any]]:
    """What :func:`load` returns; any error of `DAMAGE` where the file is not what it says."""
    names = sorted(arrays)

    def group(prefix: str) -> list[Any]:
        return [arrays[name] for name in names if name.startswith(f"{prefix}/")]

    panel = Panel.from_config(
        notes["panel"], group("series"), group("covariates"), group("past") or None, arrays.get("static/values")
    )
    spec = NetSpec({**notes["spec"], "layers": [dict(layer) for layer in notes["spec"]["layers"]]})
    intervals = None
    if notes["intervals"] is not None:
        state = {name.split("/")[1]: arrays[name] for name in names if name.startswith("intervals/")}
        intervals = ConformalIntervals.from_state(state, notes["intervals"])
    params = dict(notes["params"])
    if isinstance(params["model"], dict):
        params["model"] = _spec_from(params["model"])
    common = {
        "panel": panel,
        "period": notes["period"],
        "horizon": notes["horizon"],
        "seed": notes["levels_seed"],
        "spec": spec,
        "intervals": intervals,
        "n_held_out": notes["n_held"],
    }
    if notes["version"] in (VERSION_BY_SERIES, VERSION_WITH_NETS):
        state = {name.split("/")[1]: arrays[name] for name in names if name.startswith("statistics/")}
        return FittedPanel.from_state(state, notes["statistics"], **common), params
    course, mixed_with = notes["course"], None
    if notes.get("mixed_with") is not None:
        state = {name[len("mixed/") :]: arrays[name] for name in names if name.startswith("mixed/")}
        mixed_with = SeriesStatistics.from_state(state, notes["mixed_with"], notes["period"], params.get("floor"))
    fitted = Fitted(
        **common,
        mixed_with=mixed_with,
        ensemble=_ensemble_from(arrays, notes, spec, group("net")),
        course=Course(
            {name: [_number(value) for value in values] for name, values in course["history"].items()},
            course["best_epoch"],
            _number(course["start"]),
            _number(course["best"]),
            course.get("share", 1.0),  # early files of version 0.1 always applied the whole correction
        ),
    )
    return fitted, params


def to_bytes(fitted: Fitted | FittedPanel, params: Mapping[str, Any]) -> bytes:
    """The content of the file of :func:`save`; no file is written, so that no disk has to have room."""
    return tensors_to_bytes(*_arrays_and_notes(fitted, params), kind=KIND)


def from_bytes(content: bytes) -> Fitted | FittedPanel:
    """The state in the content of a file of :func:`save`."""
    arrays, notes = tensors_from_bytes(content, kind=KIND)
    return _from_arrays({name: array.copy() for name, array in arrays.items()}, notes, "the bytes")[0]


def _ensemble_from(arrays: Mapping[str, Any], notes: Mapping[str, Any], spec: NetSpec, weights: list[Any]) -> Ensemble:
    layout = Windows(**notes["layout"])
    without = notes["version"] == VERSION_WITHOUT_NETS
    return Ensemble(
        nets=None if without else _nets_from(spec, len(notes["member_choice"]), layout.length, weights),
        member_choice=notes["member_choice"],
        choices=[
            Choice(tuple(each["config"]), each["weight"], _number(each["score"]), each.get("term"))
            for each in notes["choices"]
        ],
        fitted=[[_model_from(each) for each in models] for models in notes["transforms"]],
        layout=layout,
        features=Features(**{**notes["features"], "calendar": tuple(notes["features"]["calendar"])}),
        scale=KnownScale(np.array(arrays["scale/mean"]), np.array(arrays["scale/deviation"])),
        likelihood=notes["likelihood"],
        strategy=notes["strategy"],
        automatic=notes["params"].get("transforms") == "auto",
        floor=notes["params"].get("floor"),
    )


@in_float32()
def _nets_from(spec: NetSpec, n_members: int, length: int, weights: Sequence[Any]) -> MemberNets:
    from kerazoo.forecast.nets.members import member_nets

    _check_size(spec, n_members, sum(np.size(each) for each in weights))
    nets = member_nets(spec.rnn, [0] * n_members, length)
    nets.assign(weights)
    return nets


def _check_size(spec: NetSpec, n_members: int, n_weights: int) -> None:
    """ValueError if the networks of a spec may need far more memory than their weights in the file have.

    Most cells have a matrix of units x units; those that have none are not checked up to 4096 units.
    """

    def largest(values: Mapping[str, Any]) -> int:
        return max((abs(value) for value in values.values() if isinstance(value, int)), default=0)

    around = largest({name: value for name, value in spec.values.items() if name != "lookback"})
    needed = n_members * sum((largest(layer) + around) ** 2 for layer in spec.values["layers"])
    if needed > max(1 << 24, n_weights):
        raise ValueError(f"networks of {needed:,} or more weights, but there are {n_weights:,}")


def _model_from(notes: Mapping[str, Any]) -> SeriesModel:
    chain = Chain(notes["config"]["transforms"]).set_state(notes["state"])
    term = notes.get("term")  # early files have none
    return SeriesModel(chain, None if term is None else LinearTerm.from_state(term))


def params_to_json(params: Mapping[str, Any]) -> dict[str, Any]:
    """The constructor parameters as values of JSON, without callbacks and the folder of checkpoints."""
    found = {name: value for name, value in params.items() if name not in NOT_SAVED}
    if hasattr(found["model"], "to_dict"):  # an RNNSpec, whose module imports Keras
        found["model"] = found["model"].to_dict()
    transforms = read_transforms(found["transforms"])
    found["transforms"] = transforms if transforms == "auto" else [each.to_config() for each in transforms]
    if not isinstance(found["calendar"], str):
        found["calendar"] = list(found["calendar"])
    return {name: value.item() if isinstance(value, np.generic) else value for name, value in found.items()}


def _spec_from(config: Mapping[str, Any]) -> RNNSpec:
    from kerazoo.zoo.spec import RNNSpec

    return RNNSpec.from_json(json.dumps(config))


def _plain(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)
