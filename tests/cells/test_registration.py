"""Constructor arguments that a configuration lacks are refused, because a loaded model would silently lose them."""

from __future__ import annotations

import inspect

import keras
import pytest

from kerazoo.cells import (
    CellInfo,
    RecurrentCell,
    WrapperCell,
    cell_info,
    list_cells,
    make_cell,
    register_cell,
    unregister_cell,
    wrappers,
)
from kerazoo.cells.base import Configured, check_saved
from kerazoo.errors import InvalidArgumentError

WRAPPERS = sorted(
    (each for each in vars(wrappers).values() if isinstance(each, type) and issubclass(each, WrapperCell)),
    key=lambda each: each.__name__,
)
ARGUMENTS = {
    "AttentionCell": {"length": 3},
    "EmbeddingCell": {"vocabulary_size": 7, "embedding_size": 2},
    "InputProjectionCell": {"units": 3},
    "OutputProjectionCell": {"units": 3},
}
LOST = "__init__ has the argument order, which its configuration lacks"


def own_cell(own_options=(), base=RecurrentCell, body=None):
    """A class with the constructor argument `order`."""

    def __init__(self, units, order=3, **kwargs):
        base.__init__(self, units, **kwargs)
        self.order = order

    return type("OwnCell", (base,), {"__init__": __init__, "options": own_options, **(body or {})})


def info_of(make):
    return CellInfo("ownforatest", make, title="A test.", paper="None 2026")


def test_a_cell_whose_options_miss_an_argument_is_refused_when_it_is_defined():
    with pytest.raises(InvalidArgumentError, match=rf"OwnCell\.{LOST}.*Add 'order' to `options` of OwnCell"):
        own_cell()


def test_all_missing_arguments_are_named():
    class Plain:
        def __init__(self, units, first, *rest, second=2, third=3, **kwargs): ...

    with pytest.raises(InvalidArgumentError, match="arguments first, third, which"):
        check_saved(Plain, ["units", "second"])


def test_a_wrapper_whose_options_miss_an_argument_is_refused_when_it_is_defined():
    def own_wrapper(own_options):
        class Own(WrapperCell):
            options = own_options

            def __init__(self, cell, order=3, **kwargs):
                super().__init__(cell, **kwargs)
                self.order = order

        return Own

    with pytest.raises(InvalidArgumentError, match=LOST):
        own_wrapper(())
    assert own_wrapper(("order",))(make_cell("gru", 2), 5).get_config()["order"] == 5


def test_options_that_are_no_tuple_are_refused():
    with pytest.raises(InvalidArgumentError, match="options='order' of OwnCell; expected a tuple of names"):
        own_cell("order")


def test_a_complete_cell_is_accepted_and_keeps_its_argument():
    cell = own_cell(("order",))
    register_cell(info_of(cell))
    try:
        made = make_cell("ownforatest", 4, order=9)
        assert cell.from_config(made.get_config()).order == 9
    finally:
        unregister_cell("ownforatest")


@pytest.mark.parametrize("complete", [False, True])
def test_an_own_get_config_is_checked_when_it_is_called_and_at_registration(complete):
    def get_config(self):
        config = RecurrentCell.get_config(self)
        return {**config, "order": self.order} if complete else config

    cell = own_cell(body={"get_config": get_config})
    if complete:
        assert cell.from_config(cell(2, 7).get_config()).order == 7
        register_cell(info_of(cell))
        unregister_cell("ownforatest")
        return
    with pytest.raises(InvalidArgumentError, match=LOST):
        cell(2).get_config()
    with pytest.raises(InvalidArgumentError, match=LOST):
        register_cell(info_of(cell))
    assert "ownforatest" not in list_cells()


def test_a_get_config_that_a_subclass_completes_is_accepted():
    """The class above may not be saved alone, but a subclass may add what it leaves out."""

    def incomplete(self):
        return RecurrentCell.get_config(self)

    base = own_cell(body={"get_config": incomplete})

    class Complete(base):
        def get_config(self):
            return {**super().get_config(), "order": self.order}

    assert Complete(2, 5).get_config()["order"] == 5
    with pytest.raises(InvalidArgumentError, match=LOST):
        base(2).get_config()


def test_an_inherited_get_config_is_checked_against_the_constructor_of_the_subclass():
    def get_config(self):
        return {**RecurrentCell.get_config(self), "order": self.order}

    class More(own_cell(body={"get_config": get_config})):
        def __init__(self, units, order=3, gain=1.0, **kwargs):
            super().__init__(units, order, **kwargs)
            self.gain = gain

    with pytest.raises(InvalidArgumentError, match=r"More\.__init__ has the argument gain"):
        More(2).get_config()


@pytest.mark.parametrize("complete", [False, True])
def test_cells_of_other_bases_are_checked_at_registration(complete):
    class Layer(keras.layers.Layer):
        def __init__(self, units, order=3, **kwargs):
            super().__init__(**kwargs)
            self.units, self.order, self.state_size = units, order, units

        def get_config(self):
            config = {**super().get_config(), "units": self.units}
            return {**config, "order": self.order} if complete else config

    if complete:
        register_cell(info_of(Layer))
        unregister_cell("ownforatest")
    else:
        with pytest.raises(InvalidArgumentError, match=LOST):
            register_cell(info_of(Layer))


@pytest.mark.parametrize("name", list_cells())
def test_every_cell_of_kerazoo_saves_every_argument(name):
    cell = make_cell(name, 4)
    check_saved(type(cell), cell.get_config())
    if isinstance(cell, Configured):
        parameters = inspect.signature(type(cell)).parameters
        assert set(cell.options) <= set(parameters), "an option that the constructor does not take"


@pytest.mark.parametrize("wrapper", WRAPPERS, ids=lambda each: each.__name__)
def test_every_wrapper_of_kerazoo_saves_every_argument(wrapper):
    made = wrapper(make_cell("gru", 4), **ARGUMENTS.get(wrapper.__name__, {}))
    check_saved(wrapper, made.get_config())
    assert set(made.options) <= set(inspect.signature(wrapper).parameters)


def test_the_cells_and_wrappers_are_all_tested():
    assert len(WRAPPERS) >= 9
    assert len([name for name in list_cells() if isinstance(cell_info(name).make, type)]) >= 25
