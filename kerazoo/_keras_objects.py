"""Keras finds kerazoo's classes after `import kerazoo` alone.

`keras.saving.load_model` looks up the classes of a file by their registered names ("kerazoo>SequenceInput"), and a
class is registered when its module is imported. `import kerazoo` imports neither Keras nor these modules. So it only
changes Keras's look-up: a name of kerazoo that is not registered yet imports the modules that register them all, and is
looked up again. Nothing is imported before such a name is met.

The look-up is one function, `get_registered_object` of `keras.src.saving.object_registration`. If Keras is imported
later, it is replaced when that module has run. A Keras without that function is left alone; `kerazoo.zoo.load` works
with any.
"""

from __future__ import annotations

import functools
import importlib
import sys
from typing import TYPE_CHECKING, Any

from kerazoo._runtime.after_import import after_import

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

__all__ = ["REGISTERING", "install", "register_all"]

_LOOK_UP = "keras.src.saving.object_registration"
_FUNCTION = "get_registered_object"
_PREFIX = "kerazoo>"

#: The modules that register, by themselves or by what they import, every class of kerazoo. They are names because they
#: are above this file: it imports nothing before Keras asks. A test compares them with the sources.
REGISTERING = (
    "kerazoo.cells",
    "kerazoo.zoo",
    "kerazoo.word2vec.keras.metrics",
    "kerazoo.word2vec.keras.model",
    "kerazoo.word2vec.keras.nce",
    "kerazoo.word2vec.keras.optimizer",
    "kerazoo.word2vec.keras.word_embedding",
)


def register_all() -> None:
    """Import everything that registers a class with Keras."""
    for name in REGISTERING:
        importlib.import_module(name)


def install() -> None:
    """Let Keras find kerazoo's classes: at once if it is imported, else when it is. Once for each process."""
    after_import(_LOOK_UP, _replace_in)


def _replace_in(module: ModuleType) -> None:
    look_up = getattr(module, _FUNCTION, None)
    if not callable(look_up) or hasattr(look_up, "_finds_kerazoo"):
        return
    replaced = _finding_kerazoo(look_up)
    # Modules that already have the function under its name, such as keras.saving. Read from their dicts, because the
    # attributes of some modules are computed.
    for name, other in list(sys.modules.items()):
        if name.split(".")[0] == "keras" and getattr(other, "__dict__", {}).get(_FUNCTION) is look_up:
            setattr(other, _FUNCTION, replaced)
    setattr(module, _FUNCTION, replaced)


def _finding_kerazoo(look_up: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(look_up)
    def get_registered_object(name: Any, *args: Any, **kwargs: Any) -> Any:
        found = look_up(name, *args, **kwargs)
        if found is None and isinstance(name, str) and name.startswith(_PREFIX):
            register_all()
            found = look_up(name, *args, **kwargs)
        return found

    get_registered_object._finds_kerazoo = True  # type: ignore[attr-defined]
    return get_registered_object
