"""Search spaces: what is proposed, to which package, and what comes back."""

from __future__ import annotations

import math
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from kerazoo import zoo
from kerazoo.cells.registry import cell_info, list_cells
from kerazoo.errors import InvalidArgumentError, TrainingError


class Trial:
    """A stand-in for an Optuna trial: answers with the given values, and records what it was asked."""

    def __init__(self, answers=None, prune_after=None):
        self.answers, self.prune_after = answers or {}, prune_after
        self.asked, self.user_attrs, self.reports, self.params = {}, {}, [], {}

    def _answer(self, name, question, default):
        self.asked[name] = question
        self.params[name] = self.answers.get(name, default)
        return self.params[name]

    def suggest_categorical(self, name, choices):
        return self._answer(name, ("categorical", tuple(choices)), choices[0])

    def suggest_int(self, name, low, high, *, step=1, log=False):
        return self._answer(name, ("int", low, high, log), low)

    def suggest_float(self, name, low, high, *, step=None, log=False):
        return self._answer(name, ("float", low, high, log), low)

    def set_user_attr(self, key, value):
        self.user_attrs[key] = value

    def report(self, value, step):
        self.reports.append((step, value))

    def should_prune(self):
        return self.prune_after is not None and len(self.reports) >= self.prune_after


class HyperParameters:
    """A stand-in for those of KerasTuner: registers every parameter, and answers None for an inactive one."""

    def __init__(self, answers=None):
        self.answers, self.values, self.asked = answers or {}, {}, {}

    def _answer(self, name, question, default, parent_name, parent_values):
        self.asked[name] = (*question, parent_values)
        if parent_name is not None and self.values[parent_name] not in parent_values:
            return None
        self.values[name] = self.answers.get(name, default)
        return self.values[name]

    def Choice(self, name, values, parent_name=None, parent_values=None):
        return self._answer(name, ("choice", tuple(values)), values[0], parent_name, parent_values)

    def Boolean(self, name, default=False, parent_name=None, parent_values=None):
        return self._answer(name, ("boolean",), default, parent_name, parent_values)

    def Int(self, name, min_value, max_value, step=None, sampling="linear", parent_name=None, parent_values=None):
        return self._answer(name, ("int", min_value, max_value, sampling), min_value, parent_name, parent_values)

    def Float(self, name, min_value, max_value, step=None, sampling="linear", parent_name=None, parent_values=None):
        return self._answer(name, ("float", min_value, max_value, sampling), min_value, parent_name, parent_values)


WIDE = {
    "layers": (1, 3),
    "units": (3, 9),
    "activation": [None, "relu", "tanh"],
    "bidirectional": [False, True],
    "residual": [False, True],
    "dropout": (0.0, 0.3),
    "input_dropout": [0.0, 0.1],
    "state_dropout": (0.0, 0.3),
    "returns": "last",
}


def sine_windows(n=64, steps=12):
    starts = np.random.default_rng(1).uniform(0, 6, n)
    waves = np.sin(starts[:, None] + 0.3 * np.arange(steps + 1)).astype("float32")[:, :, None]
    return waves[:, :-1], waves[:, 1:]


def accepts(cell, name):
    info = cell_info(cell)
    return info.takes("activation") if name == "activation" else not info.linear


@pytest.mark.parametrize("cell", [name for name in list_cells() if not cell_info(name).needs_timestamps])
def test_what_is_drawn_is_a_valid_spec_and_comes_back_from_its_name(cell):
    wide = dict(WIDE)
    if cell_info(cell).layer == "convolution":
        for name in ("residual", "state_dropout"):
            del wide[name]
    for name in ("activation", "state_dropout"):
        if name in wide and not accepts(cell, name):
            del wide[name]
    space = zoo.search_space(cell, **wide)
    rng = np.random.default_rng(0)
    for _ in range(20):
        spec = space.spec_of(space.sample(rng))
        assert zoo.RNNSpec.from_name(spec.name) == spec
        if cell_info(cell).layer == "cell":
            assert zoo.build_cell(spec.layers[0], 3).output_size


@pytest.mark.slow
def test_every_drawn_model_of_the_widest_space_can_be_built():
    options = {"mlstm": {"heads": [1, 2, 3]}, "glstm": {"groups": (2, 4)}, "lmu": {"order": (4, 32)}}
    space = zoo.search_space(None, **WIDE, options=options, features=2)
    rng, cells = np.random.default_rng(0), set()
    for _ in range(120):
        spec = space.spec_of(space.sample(rng))
        assert zoo.build(spec).output_shape == (None, 1)
        cells.add(spec.layers[0].cell)
    assert len(cells) > 25


def test_a_trial_is_asked_only_for_what_its_cell_accepts():
    space = zoo.search_space(["gru", "mamba"], **WIDE)
    gru, mamba = Trial({"cell": "gru", "state_dropout": 0.25}), Trial({"cell": "mamba"})
    assert space.suggest(gru).layers[0].state_dropout == 0.25
    assert space.suggest(mamba).layers[0].cell == "mamba"
    assert set(gru.asked) - set(mamba.asked) == {"activation", "state_dropout"}
    assert mamba.asked["units"] == ("int", 3, 9, True)
    assert mamba.asked["learning_rate"] == ("float", 1e-4, 1e-2, True)
    assert mamba.asked["bidirectional"] == ("categorical", (False, True))


def test_hyperparameters_have_conditions_and_the_same_spec():
    space = zoo.search_space(["gru", "mamba"], **WIDE)
    answers = {"cell": "mamba", "layers": 2, "units": 5, "residual": True, "dropout": 0.117, "learning_rate": 1e-3}
    hp, trial = HyperParameters(answers), Trial(answers)
    assert space.suggest(hp) == space.suggest(trial)
    assert space.suggest(hp).name == "mamba_2x5_residual_dropout11.7_seq2one"
    assert hp.asked["activation"][-1] == ["gru"]
    assert hp.asked["units"] == ("int", 3, 9, "log", None)
    assert hp.asked["residual"] == ("boolean", None)
    assert "activation" not in hp.values
    assert space.spec_of(hp) == space.spec_of(trial) == space.spec_of(hp.values)
    assert space.suggest_learning_rate(hp) == space.suggest_learning_rate(trial) == 1e-3


def test_fixed_values_and_single_cells_are_not_asked_for():
    space = zoo.search_space("lstm", layers=2, units=[8], activation="relu", learning_rate=0.01)
    trial = Trial()
    assert space.suggest(trial).name == "lstm_2x8_relu"
    assert trial.asked == {}
    assert space.sample(np.random.default_rng(1)) == {}
    assert space.suggest_learning_rate(trial) == 0.01


def test_whole_models_are_a_choice_of_names():
    mixed = zoo.RNNSpec.from_name("lstm16-gru8")
    space = zoo.search_space(names=["gru_1x8", mixed, "lnlstm_?x100"], features=2)
    trial = Trial({"name": "lstm16-gru8_f2"})
    assert space.suggest(trial) == mixed.replace(features=2)
    assert trial.asked["name"][1] == ("gru_1x8_f2", "lstm16-gru8_f2", "lnlstm_1x100_f2", "lnlstm_3x100_f2")
    assert set(trial.asked) == {"name", "learning_rate"}


def test_the_base_decides_which_cells_a_pattern_finds():
    def cells(pattern, **fields):
        return zoo.search_space(pattern, **fields).parameters[0].choices

    assert "phased" not in cells(None)
    assert "phased" in cells(None, timestamps=True)
    assert "convlstm" not in cells("*lstm*")
    assert cells("*gru") == ("gru", "mingru")
    base = zoo.RNNSpec.from_name("lstm_3x100_seq2one_h4_f2")
    spec = zoo.search_space("gru", base=base, outputs=2).spec_of({"layers": 1, "units": 8})
    assert spec.name == "gru_1x8_seq2one_f2_o2_h4"


def test_draws_fill_the_range_evenly_in_the_logarithm():
    space = zoo.search_space("gru", layers=(1, 3), learning_rate=(1e-4, 1e-2))
    rng = np.random.default_rng(3)
    drawn = [space.sample(rng) for _ in range(600)]
    for count in (1, 2, 3):
        assert 150 < sum(each["layers"] == count for each in drawn) < 250
    assert 250 < sum(each["learning_rate"] < 1e-3 for each in drawn) < 350
    assert {min(each["units"] for each in drawn), max(each["units"] for each in drawn)} <= set(range(16, 129))
    again = np.random.default_rng(3)
    assert [space.sample(again) for _ in range(3)] == drawn[:3]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"cells": "lsmt"}, "Did you mean 'lstm'"),
        ({"cells": "*xyz*"}, "matches no cell"),
        ({"cells": []}, "cells is empty"),
        ({"cells": [3]}, "expected names or patterns"),
        ({"cells": "phased"}, "timestamps"),
        ({"layers": (3, 1)}, "lowest <= highest"),
        ({"layers": (1, 2, 3)}, "A list has choices"),
        ({"layers": 0}, "layers=0"),
        ({"units": []}, "at least one choice"),
        ({"dropout": (0.0, 1.0)}, "expected a number >= 0 and < 1"),
        ({"learning_rate": 0.0}, "> 0"),
        ({"bidirectional": "yes"}, "True or False"),
        ({"activation": ["rellu"]}, "Did you mean 'relu'"),
        ({"cells": "mamba", "activation": "relu"}, "none of the cells mamba accepts it"),
        ({"cells": ["mamba", "lru"], "state_dropout": 0.1}, "none of the cells lru, mamba accepts it"),
        ({"cells": "gru", "options": {"lmu": {"order": 4}}}, "one of gru"),
        ({"cells": "lmu", "options": {"lmu": {"ordr": 4}}}, "Did you mean 'order'"),
        ({"cells": "lmu", "options": {"lmu": {"order": (4, "8")}}}, "one type"),
        ({"base": 3}, "expected an RNNSpec"),
        ({"features": 0}, "features=0"),
        ({"feature": 2}, "Did you mean 'features'"),
        ({"return_states": True}, "expected False"),
        ({"names": ["gru_1x8"], "layers": 3}, "names with layers"),
        ({"names": ["gru_1x8"], "base": "gru_1x8"}, "names with base"),
        ({"names": []}, "names is empty"),
        ({"names": ["*nothing*"]}, "matches nothing"),
        ({"names": [3]}, "expected names such as"),
    ],
)
def test_bad_spaces_are_refused(arguments, words):
    with pytest.raises(InvalidArgumentError, match=words.replace("(", r"\(")):
        zoo.search_space(**arguments)


def test_bad_objects_and_parameters_are_refused():
    space = zoo.search_space(["gru", "lstm"])
    with pytest.raises(InvalidArgumentError, match="trial is a dict"):
        space.suggest({})
    with pytest.raises(InvalidArgumentError, match=r"cell is missing.*expected cell, layers, units, learning_rate"):
        space.spec_of({"layers": 1})
    with pytest.raises(InvalidArgumentError, match="found is a int"):
        space.spec_of(3)
    with pytest.raises(InvalidArgumentError, match="search is a dict"):
        space.best({})
    with pytest.raises(InvalidArgumentError, match="default_rng"):
        space.sample(3)
    x, y = sine_windows(8)
    for wrong, words in (
        ({"epochs": 0}, "epochs=0"),
        ({"mode": "up"}, "mode='up'"),
        ({"validation_data": None}, "without validation_data"),
        ({"callbacks": []}, "not a function"),
    ):
        with pytest.raises(InvalidArgumentError, match=words):
            space.objective(x, y, **{"validation_data": (x, y), **wrong})


def test_a_space_whose_models_could_copy_their_targets_is_refused():
    x, y = sine_windows(8)
    for space in (zoo.search_space("gru", bidirectional=[False, True]), zoo.search_space(names=["bigru_1x4"])):
        with pytest.raises(InvalidArgumentError, match="copy it"):
            space.objective(x, y, validation_data=(x, y))
    zoo.search_space("gru", bidirectional=True, returns="last").objective(x, y[:, -1], validation_data=(x, y[:, -1]))


@pytest.mark.backend
def test_an_objective_trains_and_reports_and_its_seed_repeats_it():
    x, y = sine_windows()
    space = zoo.search_space("rnn", layers=1, units=(4, 8))
    objective = space.objective(x, y, validation_data=(x, y), epochs=3, batch_size=16, shuffle=False)
    first, second = (Trial({"units": 6, "learning_rate": 0.01}) for _ in range(2))
    value = objective(first)
    assert value == objective(second)
    assert [step for step, _ in first.reports] == [0, 1, 2]
    assert value == min(reported for _, reported in first.reports) < first.reports[0][1]
    assert first.user_attrs["name"] == "rnn_1x6"
    assert zoo.RNNSpec.from_json(first.user_attrs["spec"]) == space.spec_of(first)
    assert first.user_attrs["epoch"] == 3
    model = space.build(first)
    assert math.isclose(float(model.optimizer.learning_rate), 0.01, rel_tol=1e-6)


@pytest.mark.backend
def test_a_trial_that_is_pruned_or_diverges_ends_with_a_reason():
    x, y = sine_windows()
    space = zoo.search_space("rnn", layers=1, units=4, learning_rate=0.01)
    # Without Optuna, a TrainingError ends the trial.
    expected = TrainingError if "optuna" not in sys.modules else sys.modules["optuna"].TrialPruned
    trial = Trial(prune_after=2)
    with pytest.raises(expected, match="pruned after epoch 2"):
        space.objective(x, y, validation_data=(x, y), epochs=5)(trial)
    assert len(trial.reports) == 2
    trial = Trial()
    bad = np.where(np.arange(len(x))[:, None, None] == 40, np.nan, y).astype("float32")
    with pytest.raises(expected, match="rnn_1x4 diverged: the loss is nan"):
        space.objective(x, bad, validation_data=(x, y), epochs=5)(trial)
    assert "Usual remedies" in trial.user_attrs["error"]
    with pytest.raises(InvalidArgumentError, match="expected one of loss, val_loss"):
        space.objective(x, y, validation_data=(x, y), epochs=1, metric="val_mae")(Trial())


def test_own_compilation_and_the_direction_of_the_metric():
    x, y = sine_windows()
    space = zoo.search_space("rnn", layers=1, units=4)
    seen = []

    def compiled(model, trial):
        seen.append(space.suggest_learning_rate(trial))
        model.compile("sgd", "mae", metrics=["mse"])

    trial = Trial()
    objective = space.objective(
        x, y, validation_data=(x, y), epochs=3, metric="val_mse", mode="max", compile=compiled, verbose=0
    )
    assert objective(trial) == max(value for _, value in trial.reports)
    assert seen == [1e-4]
    model = space.hypermodel(compiled)(HyperParameters())
    assert model.loss == "mae"
    assert space.hypermodel()(HyperParameters()).loss.name == "mean_squared_error"


# With the packages themselves.


@pytest.mark.backend
def test_optuna_searches_and_its_best_trial_is_built():
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    x, y = sine_windows()
    space = zoo.search_space(["rnn", "mingru"], layers=1, units=(4, 8), activation=[None, "relu"])
    study = optuna.create_study(
        sampler=optuna.samplers.RandomSampler(seed=1), pruner=optuna.pruners.ThresholdPruner(upper=1e3)
    )
    objective = space.objective(x, y, validation_data=(x, y), epochs=2)
    study.optimize(objective, n_trials=3)
    study.enqueue_trial({"cell": "rnn", "units": 5, "activation": "relu", "learning_rate": 0.01})
    study.optimize(objective, n_trials=1)
    assert all(trial.state.name == "COMPLETE" for trial in study.trials)
    assert study.trials[-1].user_attrs["name"] == "rnn_1x5_relu"
    best = space.best(study)
    assert best.name == study.best_trial.user_attrs["name"]
    assert space.spec_of(study.best_trial) == space.suggest(optuna.trial.FixedTrial(study.best_params)) == best
    assert space.build(study).built
    bad = np.full_like(y, np.nan)
    study.optimize(space.objective(x, bad, validation_data=(x, y), epochs=2), n_trials=1)
    assert study.trials[-1].state.name == "PRUNED"
    with pytest.raises(InvalidArgumentError, match="direction='minimize'"):
        study.optimize(space.objective(x, y, validation_data=(x, y), epochs=1, mode="max"), n_trials=1)


@pytest.mark.backend
def test_keras_tuner_searches_and_its_best_model_is_built(tmp_path):
    keras_tuner = pytest.importorskip("keras_tuner")
    x, y = sine_windows()
    space = zoo.search_space(
        ["rnn", "mamba"], layers=1, units=(4, 8), activation=[None, "relu"], residual=[False, True]
    )
    tuner = keras_tuner.RandomSearch(space.hypermodel(), objective="val_loss", max_trials=3, directory=tmp_path, seed=1)
    names = [each.name for each in tuner.oracle.get_space().space]
    assert names == ["cell", "units", "activation", "residual", "learning_rate"]
    tuner.search(x, y, validation_data=(x, y), epochs=1, verbose=0)
    assert len(tuner.oracle.get_best_trials(3)) == 3
    hp = tuner.get_best_hyperparameters()[0]
    best = space.best(tuner)
    assert best == space.spec_of(hp) == space.suggest(hp)
    assert zoo.RNNSpec.from_json(best.to_json()) == best
    assert tuner.get_best_models()[0].count_params() == zoo.build(best).count_params()


def test_neither_package_is_imported():
    for path in Path(zoo.__file__).parent.glob("*.py"):
        assert not re.search(r"^\s*(import|from) (optuna|keras_tuner)", path.read_text(), re.MULTILINE), path
