"""`search_space`: models by names and specs as a space for Optuna, KerasTuner or a random search of your own.

Neither package is imported. A trial of Optuna is anything with `suggest_int`, `suggest_float` and
`suggest_categorical`; the hyperparameters of KerasTuner are anything with `Int`, `Float` and `Choice`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import keras
import numpy as np

from kerazoo._validation import check_choice, check_int
from kerazoo.errors import InvalidArgumentError, TrainingError
from kerazoo.training import fit
from kerazoo.zoo.candidates import compiled_candidate, shown_name, why_too_easy
from kerazoo.zoo.parameters import (
    DEFAULTS,
    Parameter,
    accepted_width,
    cell_names,
    layer_parameters,
    parameter_of,
    specs_of_names,
)
from kerazoo.zoo.spec import LayerSpec, RNNSpec
from kerazoo.zoo.trials import Reports, asker, check_direction, pruned

__all__ = ["SearchSpace", "search_space"]

#: The value of the parameter `activation` that stands for the default of the cell: KerasTuner knows no None.
DEFAULT_ACTIVATION = "default"


def search_space(
    cells: Any = None,
    *,
    layers: Any = DEFAULTS["layers"],
    units: Any = DEFAULTS["units"],
    activation: Any = None,
    bidirectional: Any = False,
    residual: Any = False,
    dropout: Any = 0.0,
    input_dropout: Any = 0.0,
    state_dropout: Any = 0.0,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    learning_rate: Any = (1e-4, 1e-2),
    names: Any = None,
    base: RNNSpec | str | None = None,
    **fields: Any,
) -> SearchSpace:
    """A space of models, and of their learning rate, to search in.

    A value is fixed, a tuple of two numbers (lowest, highest) is a range, and a list has the choices. A parameter is
    proposed only with the cells that accept it: no activation for a cell without one, no dropout of the state for a
    linear memory. With other cells a fixed value has no effect either. A width that a cell cannot have is replaced by
    the next lower one that it can have.

    Do not search bidirectional layers in models that predict the next step of a sequence for every step: they read
    that step.

    Args:
        cells: name, alias or shell pattern of cells, or several; None: all that the base allows. Patterns find no
            convolutions.
        layers: int >= 1, number of equal layers.
        units: int >= 1, width of each layer; a range is searched on a logarithmic scale.
        activation: str, None (the default of the cell), or a list of them.
        bidirectional: bool, or `[False, True]`.
        residual: bool, or `[False, True]`: connections around layers, with an input projection where widths differ.
        dropout: float in [0, 1), of the outputs of each layer.
        input_dropout: float in [0, 1), of its inputs.
        state_dropout: float in [0, 1), of its states.
        options: arguments of cells, by the name of the cell: ``{"lmu": {"order": (4, 32)}}``.
        learning_rate: float > 0; a range is searched on a logarithmic scale.
        names: list of whole models instead of cells and layers: names, specs, or patterns of `zoo.list_models`.
        base: RNNSpec or name with the input and output of all models; its layers are not used.
        **fields: fields of `RNNSpec` that are changed in the base or in the models of `names`: `features=3`.

    Raises:
        InvalidArgumentError: an unknown cell, name or option, a value out of range, a range whose limits are reversed,
            an argument that no cell accepts, or a cell that does not fit the base; the message says why.

    >>> space = search_space(["lstm", "gru"], layers=(1, 3), dropout=(0.0, 0.3), returns="last")
    >>> [parameter.name for parameter in space.parameters]
    ['cell', 'layers', 'units', 'dropout', 'learning_rate']
    >>> space.spec_of({"cell": "gru", "layers": 2, "units": 32, "dropout": 0.1}).name
    'gru_2x32_dropout10_seq2one'
    """
    given = {
        "cells": cells,
        "layers": layers,
        "units": units,
        "activation": activation,
        "bidirectional": bidirectional,
        "residual": residual,
        "dropout": dropout,
        "input_dropout": input_dropout,
        "state_dropout": state_dropout,
        "options": options,
    }
    rate = parameter_of("learning_rate", learning_rate, "rate")
    if names is not None:
        changed = [name for name, value in given.items() if value != DEFAULTS[name]]
        if base is not None:
            changed.append("base")
        if changed:
            raise InvalidArgumentError(
                f"names with {', '.join(changed)}; expected names alone: they are whole models. Fields of RNNSpec, "
                "such as features, may be given."
            )
        models = specs_of_names(names, fields)
        return SearchSpace(next(iter(models.values())), (Parameter("name", "choice", tuple(models)), rate), models)
    start = RNNSpec.from_name("gru_1x8") if base is None else base
    start = RNNSpec.from_name(start) if isinstance(start, str) else start
    if not isinstance(start, RNNSpec):
        raise InvalidArgumentError(f"base={base!r}; expected an RNNSpec, a name such as 'gru_1x8_f3_h12', or None.")
    start = start.replace(**_known(fields))
    if start.return_states:
        raise InvalidArgumentError("a base with return_states=True; expected False: losses compare one output.")
    chosen = cell_names(cells, start)
    return SearchSpace(start, (*layer_parameters(chosen, given), rate), {})


def _known(fields: Mapping[str, Any]) -> dict[str, Any]:
    known = sorted(RNNSpec.__dataclass_fields__.keys() - {"layers"})
    return {check_choice("field of RNNSpec", name, known): value for name, value in fields.items()}


@dataclass(frozen=True)
class SearchSpace:
    """A space of models: see :func:`search_space`, which makes it.

    Attributes:
        base: RNNSpec, input and output of the models.
        parameters: the parameters in the order in which they are proposed. One with a single choice is fixed.
        models: name -> RNNSpec of a space of whole models, else empty.

    >>> space = search_space("*gru", units=[16, 32])
    >>> params = space.sample(np.random.default_rng(1))
    >>> space.spec_of(params).layers[0].units in (16, 32)
    True
    """

    base: RNNSpec
    parameters: tuple[Parameter, ...]
    models: Mapping[str, RNNSpec] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "models", MappingProxyType(dict(self.models)))

    # Proposals.

    def suggest(self, trial: Any) -> RNNSpec:
        """The spec that a trial proposes.

        All parameters are asked for, the learning rate too (:meth:`suggest_learning_rate` returns it).

        Args:
            trial: `optuna.Trial`, `optuna.trial.FixedTrial`, or `keras_tuner.HyperParameters`.

        Raises:
            InvalidArgumentError: an object of another kind.

        >>> class First:  # a stand-in for an Optuna trial
        ...     def suggest_categorical(self, name, choices):
        ...         return choices[0]
        ...     def suggest_int(self, name, low, high, log=False):
        ...         return low
        ...     suggest_float = suggest_int
        >>> search_space("gru", layers=(1, 3)).suggest(First()).name
        'gru_1x16'
        """
        return self.spec_of(self._asked(trial))

    def suggest_learning_rate(self, trial: Any) -> float:
        """The learning rate that a trial proposes; the same one however often it is asked.

        Args:
            trial: see :meth:`suggest`.

        >>> search_space("gru", learning_rate=0.01).suggest_learning_rate({})
        0.01
        """
        rate = self.parameters[-1]
        return float(rate.choices[0] if rate.fixed else asker(trial)(rate, self._conditions(rate)))

    def sample(self, rng: np.random.Generator) -> dict[str, Any]:
        """Parameters drawn at random, for a search without a package: see :meth:`spec_of` and :meth:`build`.

        Args:
            rng: a NumPy generator; the same state gives the same parameters.

        >>> sorted(search_space("gru").sample(np.random.default_rng(1)))
        ['layers', 'learning_rate', 'units']
        """
        if not isinstance(rng, np.random.Generator):
            raise InvalidArgumentError(
                f"rng is a {type(rng).__name__}; expected a generator, such as np.random.default_rng(1)."
            )
        return self._asked(rng)

    def _asked(self, trial: Any) -> dict[str, Any]:
        """The value of every parameter that is not fixed and that the cell has."""
        ask = asker(trial)
        values: dict[str, Any] = {}
        for parameter in self.parameters:
            if parameter.fixed:
                continue
            active = parameter.cells is None or self._value("cell", values) in parameter.cells
            if active or hasattr(trial, "Choice"):  # KerasTuner learns of a parameter when it is asked for
                value = ask(parameter, self._conditions(parameter))
                if active:
                    values[parameter.name] = value
        return values

    def _conditions(self, parameter: Parameter) -> list[str] | None:
        """The cells with which a parameter exists, or None if it always does."""
        searched = any(each.name == "cell" and not each.fixed for each in self.parameters)
        return list(parameter.cells) if searched and parameter.cells is not None else None

    def _value(self, name: str, values: Mapping[str, Any]) -> Any:
        """The value of a parameter, fixed or given."""
        parameter = next(each for each in self.parameters if each.name == name)
        if parameter.fixed:
            return parameter.choices[0]
        if name not in values:
            needed = ", ".join(each.name for each in self.parameters if not each.fixed and each.cells is None)
            raise InvalidArgumentError(f"{name} is missing in the parameters {dict(values)}; expected {needed}.")
        return values[name]

    # Results.

    def params_of(self, found: Any) -> dict[str, Any]:
        """The plain parameters of this space that a search has found, without those of your own.

        Args:
            found: `optuna.Study` (its best trial), a trial, a tuner of KerasTuner (its best), `HyperParameters`, or a
                dict.

        Raises:
            InvalidArgumentError: an object of another kind, or a search without a result.

        >>> search_space("gru").params_of({"layers": 1, "units": 8, "learning_rate": 0.01, "mine": 3})
        {'layers': 1, 'units': 8, 'learning_rate': 0.01}
        """
        if hasattr(found, "get_best_hyperparameters"):
            best = found.get_best_hyperparameters(1)
            if not best:
                raise InvalidArgumentError("the tuner has no finished trial; expected a tuner after search().")
            found = best[0]
        for attribute in ("best_params", "params", "values"):
            inside = None if isinstance(found, Mapping) else getattr(found, attribute, None)
            if isinstance(inside, Mapping):
                found = inside
        if not isinstance(found, Mapping):
            raise InvalidArgumentError(
                f"found is a {type(found).__name__}; expected a study or trial of Optuna, a tuner or HyperParameters "
                "of KerasTuner, or a dict of parameters."
            )
        return {each.name: found[each.name] for each in self.parameters if each.name in found}

    def spec_of(self, found: Any) -> RNNSpec:
        """The spec of parameters, as of the best trial of a study: :meth:`params_of` lists what is accepted.

        Raises:
            InvalidArgumentError: a parameter is missing or cannot be used.
        """
        values = self.params_of(found)
        if self.models:
            name = self._value("name", values)
            return self.models[check_choice("name", name, tuple(self.models))]
        cell = self._value("cell", values)
        layer: dict[str, Any] = {"options": {}}
        for parameter in self.parameters[:-1]:
            if parameter.cells is not None and cell not in parameter.cells:
                continue
            value = self._value(parameter.name, values)
            if parameter.option:
                layer["options"][parameter.option] = value
            elif parameter.name == "residual":
                layer["residual"] = "project" if value else False
            elif parameter.name == "bidirectional":
                layer["bidirectional"] = bool(value)
            elif parameter.name == "activation":
                layer["activation"] = None if value == DEFAULT_ACTIVATION else value
            elif parameter.name.endswith("dropout"):
                # To 0.1 %, so that names are short and give the spec back.
                layer["output_dropout" if parameter.name == "dropout" else parameter.name] = round(100 * value, 1) / 100
            else:
                layer[parameter.name] = value
        count = check_int("layers", layer.pop("layers"))
        layer["units"] = accepted_width(cell, layer["units"], layer["options"])
        return self.base.replace(layers=(LayerSpec(**layer),) * count)

    def best(self, search: Any) -> RNNSpec:
        """The spec of the best trial of a finished search, an `optuna.Study` or a tuner of KerasTuner."""
        if not hasattr(search, "best_params") and not hasattr(search, "get_best_hyperparameters"):
            raise InvalidArgumentError(
                f"search is a {type(search).__name__}; expected a study of Optuna or a tuner of KerasTuner. spec_of() "
                "takes parameters."
            )
        return self.spec_of(search)

    def build(self, found: Any, *, seed: int | None = 0, loss: Any = None, metrics: Any = None) -> keras.Model:
        """The model of parameters, compiled with their learning rate.

        Args:
            found: see :meth:`params_of`.
            seed: int or None, of weights and dropout.
            loss: as in `keras.Model.compile`; None: that of :func:`kerazoo.zoo.compile_defaults`.
            metrics: as in `keras.Model.compile`.

        >>> model = search_space("gru").build({"layers": 1, "units": 8, "learning_rate": 0.01})
        >>> model.output_shape, round(float(model.optimizer.learning_rate), 6)
        ((None, None, 1), 0.01)
        """
        rate = self._value("learning_rate", self.params_of(found))
        return compiled_candidate(self.spec_of(found), seed=seed, learning_rate=float(rate), loss=loss, metrics=metrics)

    # The two packages.

    def hypermodel(
        self,
        compile: Callable[[keras.Model, Any], None] | None = None,
        *,
        seed: int | None = 0,
        loss: Any = None,
        metrics: Any = None,
    ) -> Callable[[Any], keras.Model]:
        """A function for KerasTuner: ``keras_tuner.RandomSearch(space.hypermodel(), objective="val_loss")``.

        Args:
            compile: function (model, hp) that compiles the model, for an optimizer or hyperparameters of your own; it
                asks for the learning rate with ``space.suggest_learning_rate(hp)``. None: Adam with that rate.
            seed: see :meth:`build`.
            loss: see :meth:`build`.
            metrics: see :meth:`build`.

        Returns:
            A function hp -> compiled model.
        """

        def build_for(hp: Any) -> keras.Model:
            spec = self.suggest(hp)
            model = compiled_candidate(
                spec, seed=seed, learning_rate=self.suggest_learning_rate(hp), loss=loss, metrics=metrics
            )
            if compile is not None:
                compile(model, hp)
            return model

        return build_for

    def objective(
        self,
        x: Any,
        y: Any = None,
        *,
        validation_data: Any,
        epochs: int = 20,
        batch_size: int | None = None,
        metric: str = "val_loss",
        mode: str = "min",
        compile: Callable[[keras.Model, Any], None] | None = None,
        seed: int | None = 0,
        loss: Any = None,
        metrics: Any = None,
        callbacks: Callable[[], list[keras.callbacks.Callback]] | None = None,
        **kwargs: Any,
    ) -> Callable[[Any], float]:
        """A function for `optuna.Study.optimize` that trains what a trial proposes.

        The metric is reported after every epoch, so that a pruner can end the trial. A training that diverges (a loss
        that is not finite) counts as pruned, with the reason in the trial's attribute `error`. The attributes `name`
        and `spec` (JSON) say what was trained, `epoch` is the one with the best value.

        Args:
            x: as in `kerazoo.training.fit`.
            y: as in `kerazoo.training.fit`.
            batch_size: as in `kerazoo.training.fit`.
            validation_data: as in `keras.Model.fit`. Keep other data for the final score: the search fits these.
            epochs: int >= 1, of each trial.
            metric: str, name in the logs of Keras.
            mode: `"min"` or `"max"`, whether a low or a high metric is good; also `direction` of the study.
            compile: function (model, trial), see :meth:`hypermodel`.
            seed: see :meth:`build`.
            loss: see :meth:`build`.
            metrics: see :meth:`build`.
            callbacks: function that returns new callbacks for a trial, such as early stopping.
            **kwargs: further arguments of `kerazoo.training.fit`.

        Returns:
            A function trial -> best value of the metric over the epochs.

        Raises:
            InvalidArgumentError: an argument out of range, or models that could copy their targets from their inputs;
                when called: an unknown metric, or a study of the other direction.
        """
        check_int("epochs", epochs)
        check_choice("mode", mode, ("min", "max"))
        if metric.startswith("val_") and validation_data is None:
            raise InvalidArgumentError(f"metric={metric!r} without validation_data; expected both.")
        for spec in self._bidirectional():
            easy = why_too_easy(spec, x, y)
            if easy:
                raise InvalidArgumentError(f"the space has models like {shown_name(spec)}: {easy}")
        if callbacks is not None and not callable(callbacks):
            raise InvalidArgumentError(
                "callbacks is not a function; expected one that returns new callbacks, because they keep state: "
                "lambda: [keras.callbacks.EarlyStopping()]."
            )

        def train(trial: Any) -> float:
            check_direction(trial, mode)
            spec = self.suggest(trial)
            trial.set_user_attr("name", shown_name(spec))
            trial.set_user_attr("spec", spec.to_json())
            rate = self.suggest_learning_rate(trial)
            model = compiled_candidate(spec, seed=seed, learning_rate=rate, loss=loss, metrics=metrics)
            if compile is not None:
                compile(model, trial)
            reports = Reports(trial, metric, mode)
            try:
                fit(
                    model,
                    x,
                    y,
                    epochs=epochs,
                    batch_size=batch_size,
                    validation_data=validation_data,
                    callbacks=[*(callbacks() if callbacks else ()), reports],
                    **{"verbose": 0, **kwargs},
                )
            except TrainingError as error:
                trial.set_user_attr("error", str(error))
                raise pruned(f"{shown_name(spec)} diverged: {error}") from error
            trial.set_user_attr("epoch", reports.best_epoch)
            if reports.pruned:
                raise pruned(f"pruned after epoch {reports.epochs}")
            if not math.isfinite(reports.best):
                trial.set_user_attr("error", f"{metric} was never finite")
                raise pruned(f"{shown_name(spec)}: {metric} was never finite")
            return reports.best

        return train

    def _bidirectional(self) -> list[RNNSpec]:
        """Models of the space with bidirectional layers: all of its names, or one for all others."""
        if self.models:
            return [spec for spec in self.models.values() if any(layer.bidirectional for layer in spec.layers)]
        if not any(True in each.choices for each in self.parameters if each.name == "bidirectional"):
            return []
        cell = next(each for each in self.parameters if each.name == "cell").choices[0]
        return [self.base.replace(layers=(LayerSpec(cell, 16, bidirectional=True),))]
