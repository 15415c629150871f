"""The registry of cells: one entry per cell.

The entries of kerazoo's own cells are the `CELLS` of the files in `kerazoo/cells/families/`, which that package
registers when it is imported. To add a cell, write its class and its :class:`CellInfo` in a file there, and its NumPy
reference in the file of the same name in `tests/references/cells/`. A program adds its own cells with
:func:`register_cell`.
"""

from __future__ import annotations

import fnmatch
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from kerazoo._validation import check_choice, check_int
from kerazoo.cells.base import Configured, RecurrentCell, check_saved, output_size_of, state_sizes_of
from kerazoo.errors import InvalidArgumentError

__all__ = ["CellInfo", "cell_info", "known_names", "list_cells", "make_cell", "register_cell", "unregister_cell"]


@dataclass(frozen=True)
class CellInfo:
    """An entry of the registry: the metadata of a cell.

    Attributes:
        name: str, lower-case letters and digits, as in names of models: `mgu` in `mgu_1x32`.
        make: class or function; ``make(units, **options)`` returns the cell.
        title: str, one line.
        paper: str, authors, year, title, venue.
        aliases: other names, as in papers or libraries.
        states: names of the states in order, as in the equations.
        options: arguments that are passed to `make` besides units.
        fused: backends on which Keras has a fused path for it.
        needs_timestamps: the last feature of the input is the time.
        layer: "cell", or "convolution" for a layer of Keras that is not a cell.
        note: str, a remark for the table in `docs/cells.md`, or "".
    """

    name: str
    make: Callable[..., Any]
    title: str
    paper: str
    aliases: tuple[str, ...] = ()
    states: tuple[str, ...] = ("h",)
    options: Mapping[str, Any] = field(default_factory=dict)
    fused: tuple[str, ...] = ()
    needs_timestamps: bool = False
    layer: str = "cell"
    note: str = ""

    def __post_init__(self) -> None:
        if not (self.name.isascii() and self.name.isalnum() and self.name.islower() and self.name[0].isalpha()):
            raise InvalidArgumentError(f"name={self.name!r}; expected lower-case letters and digits, a letter first.")
        object.__setattr__(self, "options", MappingProxyType(dict(self.options)))

    @property
    def linear(self) -> bool:
        """Whether the recurrence is linear in the state, so that it has a parallel form."""
        return bool(getattr(self.make, "linear", False))

    def takes(self, argument: str) -> bool:
        """Whether the cell has a constructor argument of this name."""
        return argument in inspect.signature(self.make).parameters

    def state_sizes(self, units: int) -> list[int]:
        """Widths of the states of a cell with `units` units."""
        return state_sizes_of(make_cell(self.name, units))

    def output_size(self, units: int, **options: Any) -> int:
        """Width of the output of a cell with `units` units."""
        return output_size_of(make_cell(self.name, units, **options))


_CELLS: dict[str, CellInfo] = {}
_NAMES: dict[str, str] = {}  # names and aliases -> name
_SHIPPED: set[str] = set()


def register_cell(info: CellInfo) -> CellInfo:
    """Add a cell to the registry, so that builders and names of models know it.

    Raises:
        InvalidArgumentError: the name or an alias is taken, or the cell has a constructor argument that its
            configuration lacks, which would be lost when a model is saved.

    >>> import keras
    >>> info = register_cell(CellInfo("mycell", keras.layers.GRUCell, title="A GRU.", paper="Cho et al. 2014"))
    >>> make_cell("mycell", 4).units
    4
    >>> unregister_cell("mycell")
    """
    for name in (info.name, *info.aliases):
        if name in _NAMES:
            raise InvalidArgumentError(
                f"name={name!r}; expected a name that is not taken. It belongs to {_NAMES[name]!r}."
            )
    _check_configuration(info)
    _CELLS[info.name] = info
    _NAMES.update(dict.fromkeys((info.name, *info.aliases), info.name))
    return info


def register_shipped(info: CellInfo) -> CellInfo:
    """Add one of kerazoo's own cells; registering it once more, after an interrupted import, replaces it."""
    if info.name in _SHIPPED:
        _CELLS.pop(info.name, None)
        for name in (info.name, *info.aliases):
            _NAMES.pop(name, None)
    _SHIPPED.add(info.name)
    return register_cell(info)


def _check_configuration(info: CellInfo) -> None:
    """Raise an error if a cell's own class writes a configuration without one of its constructor arguments."""
    if not isinstance(info.make, type):
        return  # a function: the class of the cell that it returns is checked when it is defined or saved
    own_writer = hasattr(getattr(info.make, "get_config", None), "_checks") or not issubclass(info.make, Configured)
    if info.make.__module__.split(".")[0] in ("keras", "kerazoo") or not own_writer:
        return  # Keras's cells, ours (a test checks them), and classes that were checked when they were defined
    if hasattr(info.make, "get_config"):
        check_saved(info.make, info.make(2, **info.options).get_config())


def unregister_cell(name: str) -> None:
    """Remove a cell that :func:`register_cell` added."""
    info = _CELLS.pop(check_choice("cell", name, sorted(_CELLS)))
    for known in (info.name, *info.aliases):
        del _NAMES[known]


def list_cells(pattern: str = "*", *, linear: bool | None = None) -> list[str]:
    """Names of the cells that match a shell pattern, sorted.

    Args:
        pattern: shell pattern, such as `"*lstm*"`.
        linear: None, or only the cells whose recurrence is (or is not) linear in the state.

    >>> list_cells("gru*")
    ['gru']
    """
    return sorted(
        name
        for name, info in _CELLS.items()
        if fnmatch.fnmatchcase(name, pattern) and (linear is None or info.linear == linear)
    )


def cell_info(name: str) -> CellInfo:
    """The entry of a cell, by its name or one of its aliases.

    Raises:
        InvalidArgumentError: there is no such cell; the message suggests the closest name.

    >>> cell_info("gru").paper.startswith("Cho")
    True
    """
    if not isinstance(name, str) or name not in _NAMES:
        check_choice("cell", name, sorted(_NAMES))
    return _CELLS[_NAMES[name]]


def known_names() -> dict[str, str]:
    """Every name and alias -> the name of its entry."""
    return dict(_NAMES)


def make_cell(name: str, units: int, **options: Any) -> Any:
    """A cell by its name.

    Args:
        name: name or alias.
        units: int >= 1.
        **options: arguments of the cell's class.

    Raises:
        InvalidArgumentError: unknown cell, an argument that the cell does not take, or a value out of range.

    >>> make_cell("gru", 4).units
    4
    """
    info = cell_info(name)
    check_int("units", units, hint="It is the width of the cell's output.")
    for option in options:
        if option not in info.options and not _takes(info, option):
            allowed = [p for p in inspect.signature(info.make).parameters if p not in ("self", "units", "kwargs")]
            check_choice(f"option of {info.name}", option, allowed)
    return info.make(units, **{**info.options, **options})


def _takes(info: CellInfo, option: str) -> bool:
    if info.takes(option) or option in ("name", "dtype", "trainable"):
        return True
    shared = inspect.signature(RecurrentCell.__init__).parameters
    return isinstance(info.make, type) and issubclass(info.make, RecurrentCell) and option in shared
