"""The parameters of a search space, from its arguments: fixed values, ranges and choices, and who accepts them."""

from __future__ import annotations

import fnmatch
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerazoo._validation import check_choice, check_dropout, check_flag, check_int, check_real
from kerazoo.cells.registry import cell_info, list_cells, make_cell
from kerazoo.errors import InvalidArgumentError
from kerazoo.zoo.candidates import shown_name
from kerazoo.zoo.catalogue import list_models
from kerazoo.zoo.names import ACTIVATIONS
from kerazoo.zoo.spec import LayerSpec, RNNSpec

__all__ = [
    "DEFAULTS",
    "Parameter",
    "accepted_width",
    "cell_names",
    "layer_parameters",
    "parameter_of",
    "specs_of_names",
]

#: Defaults of the arguments of `search_space` that say what a layer is.
DEFAULTS: Mapping[str, Any] = {
    "cells": None,
    "layers": (1, 2),
    "units": (16, 128),
    "activation": None,
    "bidirectional": False,
    "residual": False,
    "dropout": 0.0,
    "input_dropout": 0.0,
    "state_dropout": 0.0,
    "options": None,
}
_KINDS = {
    "layers": "int",
    "units": "width",
    "activation": "activation",
    "bidirectional": "flag",
    "residual": "flag",
    "dropout": "dropout",
    "input_dropout": "dropout",
    "state_dropout": "dropout",
}


_OFF = (False, 0, "default")  # values that leave a field of LayerSpec at its default


@dataclass(frozen=True)
class Parameter:
    """One parameter of a search space.

    Attributes:
        name: str, also the name in a study or a tuner.
        kind: `"choice"`, `"int"` or `"float"`.
        choices: the values of a choice, plain and of one type.
        low, high: limits of an int or a float, both included.
        log: bool, the range is searched on a logarithmic scale.
        cells: names of the cells with which it exists; None: with all.
        option: str, name of the argument of the cell that it sets, or "".

    >>> Parameter("units", "int", low=16, high=64, log=True).fixed
    False
    """

    name: str
    kind: str
    choices: tuple[Any, ...] = ()
    low: float = 0
    high: float = 0
    log: bool = False
    cells: tuple[str, ...] | None = None
    option: str = ""

    @property
    def fixed(self) -> bool:
        """Whether it has one value, which is never asked for."""
        return len(self.choices) == 1

    def draw(self, rng: np.random.Generator) -> Any:
        """A value at random.

        >>> Parameter("units", "int", low=3, high=3).draw(np.random.default_rng(1))
        3
        """
        if self.kind == "choice":
            return self.choices[int(rng.integers(len(self.choices)))]
        # As in Optuna: the first and the last whole number get intervals as wide as the others.
        low, high = (self.low - 0.5, self.high + 0.5) if self.kind == "int" else (self.low, self.high)
        value = math.exp(rng.uniform(math.log(low), math.log(high))) if self.log else rng.uniform(low, high)
        return int(np.clip(round(value), self.low, self.high)) if self.kind == "int" else float(value)


def parameter_of(name: str, value: Any, kind: str, cells: tuple[str, ...] | None = None, option: str = "") -> Parameter:
    """The parameter of an argument: a tuple of two numbers is a range, a list has choices, another value is fixed.

    Args:
        name: str.
        value: what the user gave.
        kind: `"int"`, `"width"`, `"rate"`, `"dropout"`, `"activation"`, `"flag"` or `"option"`, which checks it.
        cells: see :class:`Parameter`.
        option: see :class:`Parameter`.

    Raises:
        InvalidArgumentError: a value out of range, a range whose limits are reversed, no choices, or choices of several
            types.

    >>> parameter_of("units", (16, 64), "width").log, parameter_of("units", [16, 64], "width").choices
    (True, (16, 64))
    """
    numbers = isinstance(value, tuple) and all(
        isinstance(each, int | float | np.number) and not isinstance(each, bool) for each in value
    )
    if numbers and kind not in ("activation", "flag"):
        if len(value) != 2:
            raise InvalidArgumentError(
                f"{name}={value!r}; expected (lowest, highest) for a range. A list has choices: {name}={list(value)}."
            )
        low, high = (_checked(name, each, kind) for each in value)
        if low > high:
            raise InvalidArgumentError(f"{name}={value!r}; expected lowest <= highest.")
        if low == high:
            return Parameter(name, "choice", (low,), cells=cells, option=option)
        whole = kind in ("int", "width") or (kind == "option" and isinstance(low, int) and isinstance(high, int))
        log = kind in ("width", "rate")
        return Parameter(name, "int" if whole else "float", (), low, high, log, cells, option)
    if not isinstance(value, list | tuple):
        return Parameter(name, "choice", (_checked(name, value, kind),), cells=cells, option=option)
    choices = list(dict.fromkeys(_checked(name, each, kind) for each in value))
    if not choices:
        raise InvalidArgumentError(f"{name}={value!r}; expected at least one choice.")
    if {type(each) for each in choices} == {int, float}:
        choices = [float(each) for each in choices]
    if len({type(each) for each in choices}) > 1:
        raise InvalidArgumentError(f"{name}={value!r}; expected choices of one type.")
    return Parameter(name, "choice", tuple(choices), cells=cells, option=option)


def _checked(name: str, value: Any, kind: str) -> Any:
    if kind in ("int", "width"):
        return check_int(name, value)
    if kind == "rate":
        return check_real(name, value, 0.0, exclusive=True)
    if kind == "dropout":
        return check_dropout(name, value)
    if kind == "flag":
        return check_flag(name, value)
    if kind == "activation":
        return "default" if value is None else check_choice(name, value, ACTIVATIONS)
    if isinstance(value, np.generic):
        value = value.item()
    if not isinstance(value, bool | int | float | str):
        raise InvalidArgumentError(f"{name}={value!r}; expected a number, a word or a bool.")
    return value


def cell_names(cells: Any, base: RNNSpec) -> tuple[str, ...]:
    """The cells of a space, sorted: names are checked, and patterns find what the base allows.

    Args:
        cells: name, alias or pattern, several of them, or None for all.
        base: input and output of the models.

    Raises:
        InvalidArgumentError: an unknown name, a pattern without a cell, or a named cell that does not fit the base.

    >>> cell_names(["*gru", "LSTM".lower()], RNNSpec.from_name("gru_1x8"))
    ('gru', 'lstm', 'mingru')
    """
    given = ["*"] if cells is None else [cells] if isinstance(cells, str) else list(cells)
    if not given:
        raise InvalidArgumentError("cells is empty; expected names of cells, a pattern such as '*lstm*', or None.")
    found: set[str] = set()
    for each in given:
        if not isinstance(each, str):
            raise InvalidArgumentError(f"cells contains {each!r}; expected names or patterns such as '*lstm*'.")
        if not any(character in each for character in "*?["):
            name = cell_info(each).name
            why = _why_not(name, base)
            if why:
                raise InvalidArgumentError(f"cells contains {each!r}, which does not fit the base: {why}")
            found.add(name)
            continue
        matches = [name for name in list_cells(each) if cell_info(name).layer == "cell" and not _why_not(name, base)]
        if not matches:
            raise InvalidArgumentError(
                f"cells contains {each!r}, which matches no cell that fits the base; expected a pattern such as "
                "'*lstm*'. kerazoo.cells.list_cells() lists the names."
            )
        found.update(matches)
    return tuple(sorted(found))


def _why_not(cell: str, base: RNNSpec) -> str:
    """Why a cell does not fit the input and output of the base, or ""."""
    try:
        base.replace(layers=(LayerSpec(cell, 8),))
    except InvalidArgumentError as error:
        return str(error)
    return ""


def layer_parameters(cells: tuple[str, ...], given: Mapping[str, Any]) -> tuple[Parameter, ...]:
    """The parameters of the layers, each with the cells that accept it.

    Args:
        cells: names of the cells of the space.
        given: the arguments of `search_space`, with the names of `DEFAULTS`.

    Raises:
        InvalidArgumentError: a value is out of range, or no cell accepts it.

    >>> given = {**DEFAULTS, "state_dropout": (0.0, 0.3)}
    >>> layer_parameters(("gru", "mingru"), given)[-1].cells
    ('gru',)
    """
    made = [Parameter("cell", "choice", cells)]
    for name, kind in _KINDS.items():
        parameter = parameter_of(name, given[name], kind)
        needed = name in ("layers", "units")
        if not needed and parameter.fixed and parameter.choices[0] in _OFF:
            continue  # the default of LayerSpec
        accepting = cells if needed else _accepting(cells, name, parameter)
        if not accepting:
            raise InvalidArgumentError(
                f"{name}={given[name]!r}; expected its default: none of the cells {', '.join(cells)} accepts it."
            )
        limited = None if len(accepting) == len(cells) else accepting
        made.append(parameter_of(name, given[name], kind, limited))
    return (*made, *_options(cells, given["options"] or {}))


def _accepting(cells: tuple[str, ...], name: str, parameter: Parameter) -> tuple[str, ...]:
    """The cells whose layers can have a parameter at a value that is not its default."""
    on = [each for each in parameter.choices if each not in _OFF] or [parameter.high]
    field = "output_dropout" if name == "dropout" else name
    fields: dict[str, Any] = {field: "project" if name == "residual" else on[0]}

    def accepts(cell: str) -> bool:
        try:
            LayerSpec(cell, 8, **fields)
        except InvalidArgumentError:
            return False
        return True

    return tuple(cell for cell in cells if accepts(cell))


def _options(cells: tuple[str, ...], options: Mapping[str, Mapping[str, Any]]) -> list[Parameter]:
    made = []
    for given, values in options.items():
        cell = cell_info(given).name
        if cell not in cells or not isinstance(values, Mapping):
            raise InvalidArgumentError(
                f"options has {given!r}: {values!r}; expected a dict of arguments for one of {', '.join(cells)}."
            )
        for option, value in values.items():
            limited = (cell,) if len(cells) > 1 else None
            parameter = parameter_of(f"{cell}_{option}", value, "option", limited, option)
            for each in parameter.choices or (parameter.low, parameter.high):
                accepted_width(cell, 8, {option: each})
            made.append(parameter)
    return made


def accepted_width(cell: str, units: int, options: Mapping[str, Any]) -> int:
    """The width that a layer gets: `units`, or the next lower (else higher) one that the cell takes.

    Args:
        cell: name of a cell.
        units: int >= 1.
        options: arguments of the cell.

    Raises:
        InvalidArgumentError: no width near `units` can be built with these options.

    >>> accepted_width("glstm", 33, {"groups": 4}), accepted_width("gru", 33, {})
    (32, 33)
    """
    first: InvalidArgumentError | None = None
    for width in (*range(units, 0, -1), *range(units + 1, 2 * units + 64)):
        try:
            make_cell(cell, width, **options)
        except InvalidArgumentError as error:
            if "multiple" not in str(error):
                raise
            first = first or error
            continue
        return width
    raise first or InvalidArgumentError(f"units={units}; expected an integer >= 1.")


def specs_of_names(names: Any, fields: Mapping[str, Any]) -> dict[str, RNNSpec]:
    """Name -> spec of whole models.

    Args:
        names: list of names, specs, or patterns of `list_models`.
        fields: fields of `RNNSpec` that are changed in each.

    Raises:
        InvalidArgumentError: no list, none in it, an unknown name, or a pattern that matches nothing.

    >>> list(specs_of_names(["gru_?x100", "lstm_1x8"], {"features": 3}))
    ['gru_1x100_f3', 'gru_3x100_f3', 'lstm_1x8_f3']
    """
    if isinstance(names, str | RNNSpec):
        names = [names]
    known = sorted(RNNSpec.__dataclass_fields__.keys() - {"layers"})
    for name in fields:
        check_choice("field of RNNSpec", name, known)
    specs: list[RNNSpec] = []
    for each in names:
        if isinstance(each, RNNSpec):
            specs.append(each)
        elif isinstance(each, str) and any(character in each for character in "*?"):
            matches = [name for name in list_models() if fnmatch.fnmatchcase(name, each)]
            if not matches:
                raise InvalidArgumentError(f"names contains {each!r}, which matches nothing; see zoo.list_models().")
            specs += [RNNSpec.from_name(name) for name in matches]
        elif isinstance(each, str):
            specs.append(RNNSpec.from_name(each))
        else:
            raise InvalidArgumentError(f"names contains {each!r}; expected names such as 'lstm_2x64', or RNNSpecs.")
    if not specs:
        raise InvalidArgumentError("names is empty; expected at least one name or RNNSpec.")
    specs = [spec.replace(**fields) for spec in specs]
    return {shown_name(spec): spec for spec in specs}
