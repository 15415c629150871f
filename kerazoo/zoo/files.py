"""`load`: a model from a `.keras` file, with errors that say what is missing."""

from __future__ import annotations

import importlib.util
import json
import os
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import keras

from kerazoo import _keras_objects
from kerazoo._runtime.files import DAMAGE
from kerazoo._validation import check_flag
from kerazoo.errors import InvalidArgumentError, StorageError

__all__ = ["load"]

_PARTS = ("config.json", "metadata.json", "model.weights.h5")  # of every file that Keras 3 writes
_RATIO, _LEAST = 100, 1 << 26  # weights are hardly compressible, and Keras does not compress them
_FUNCTIONS = ("activations", "constraints", "initializers", "losses", "metrics", "optimizers", "regularizers")


def load(
    path: str | os.PathLike[str], *, custom_objects: Mapping[str, Any] | None = None, compile: bool = True
) -> keras.Model:
    """A model that `model.save(path)` wrote: a zoo model, or any other of Keras, with or without kerazoo's layers.

    After ``import kerazoo``, `keras.saving.load_model` finds the same classes. This function does not rely on how it
    looks them up, and says which file, class or package is wrong or missing.

    Args:
        path: a file with the suffix `.keras`.
        custom_objects: name -> class or function, of your own that are not registered with
            `keras.saving.register_keras_serializable`.
        compile: bool, restore the optimizer with its state, the loss and the metrics, if the model was compiled.

    Returns:
        The model.

    Raises:
        InvalidArgumentError: `path` is no path, or `custom_objects` no mapping.
        StorageError: no such file, another kind of file, a damaged one, or one with a class that is not known here.
        TypeError, ValueError: of Keras or a layer, whose classes are known, but not with this configuration.

    >>> import tempfile
    >>> from kerazoo import zoo
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     zoo.build("mingru_1x4_residual", seed=1).save(f"{folder}/model.keras")
    ...     model = load(f"{folder}/model.keras")
    >>> model.output_shape
    (None, None, 1)
    """
    if not isinstance(path, str | os.PathLike):
        raise InvalidArgumentError(f"path={path!r}; expected the name of a .keras file, as a str or a Path.")
    if custom_objects is not None and not isinstance(custom_objects, Mapping):
        raise InvalidArgumentError(f"custom_objects={custom_objects!r}; expected a dict: name -> class or function.")
    check_flag("compile", compile)
    source = Path(os.fspath(path))
    config = _config_of(source)
    objects = dict(custom_objects or {})
    _keras_objects.register_all()
    try:
        return keras.saving.load_model(source, custom_objects=objects, compile=compile)
    except (zipfile.BadZipFile, EOFError, OSError, RuntimeError) as error:
        raise _damaged(source, error) from error
    except DAMAGE as error:
        unknown = list(dict.fromkeys(_unknown(config, objects)))
        if not unknown and isinstance(error, TypeError | ValueError):
            raise  # a layer refuses its configuration, and says why
        if not unknown:
            raise _damaged(source, repr(error)) from error
        remedies = " ".join(_remedy(*each) for each in unknown)
        names = ", ".join(name for name, _ in unknown)
        raise StorageError(
            f"{source}: has classes or functions that are not known here: {names}. {remedies}"
        ) from error


def _config_of(source: Path) -> Any:
    """The configuration in a `.keras` file, after checks of the file."""
    if source.is_dir():
        raise StorageError(
            f"{source}: a folder; expected a .keras file, which model.save writes. What model.export writes is loaded "
            "with tf.saved_model.load."
        )
    if not source.exists():
        raise StorageError(f"{source}: no such file. Check the path; .keras files are written by model.save.")
    if source.suffix != ".keras":
        raise StorageError(
            f"{source}: has the suffix {source.suffix!r}; expected '.keras', a whole model that model.save wrote. "
            "Files of weights alone are for model.load_weights, those of Word2Vec and Forecaster for their own `load`."
        )
    try:
        with zipfile.ZipFile(source) as archive:
            missing = sorted(set(_PARTS) - set(archive.namelist()))
            if missing:
                raise StorageError(
                    f"{source}: a zip file without {', '.join(missing)}; expected a model that model.save wrote. Save "
                    "the model again."
                )
            stored, content = source.stat().st_size, sum(part.file_size for part in archive.infolist())
            usual = all(part.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for part in archive.infolist())
            if not usual or content > max(_LEAST, _RATIO * stored):
                raise _damaged(source, f"its {stored:,} bytes contain {content:,}")
            damaged = archive.testzip()
            if damaged is not None:
                raise _damaged(source, f"the checksum of {damaged} is wrong")
            return json.loads(archive.read("config.json"))
    except StorageError:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError) as error:
        raise _damaged(source, error) from error


def _damaged(source: Path, reason: object) -> StorageError:
    return StorageError(
        f"{source}: damaged, or not a model of Keras: {reason}. Save the model again, or copy the file again whole."
    )


def _unknown(config: Any, objects: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(Name, module) of every class and function in a configuration that Keras cannot find."""
    if isinstance(config, dict):
        name, module = config.get("class_name"), config.get("module")
        registered = config.get("registered_name")
        if name == "function":  # Keras writes no module of a function
            name = registered = config.get("config")
            builtin = any(hasattr(getattr(keras, each), str(name)) for each in _FUNCTIONS)
        else:
            builtin = not isinstance(module, str) or module.split(".")[0] in ("keras", "builtins")
        if not builtin and isinstance(name, str) and not name.startswith("__"):
            found = keras.saving.get_registered_object(registered or name, custom_objects=objects)
            if found is None:
                yield registered or name, module or "builtins"
        values = list(config.values())
    else:
        values = config if isinstance(config, list) else []
    for value in values:
        yield from _unknown(value, objects)


def _remedy(name: str, module: str) -> str:
    """What to do about a name of a module that Keras cannot find."""
    short = name.rpartition(">")[2]
    package = module.split(".")[0]
    given = f"load(path, custom_objects={{{name!r}: {short}}})"
    if package == "builtins":
        return f"{name}: import the module that defines it and call {given}."
    if name.startswith("kerazoo>"):
        return f"{name}: this version of kerazoo has no such class; update kerazoo to the version that wrote the file."
    if package == "__main__":
        return f"{name}: it was defined in the program that saved the model; define it here, too, and call {given}."
    try:
        installed = importlib.util.find_spec(package) is not None
    except (ImportError, ValueError):
        installed = False
    if not installed:
        return f"{name}: the package {package} is missing; install it and import {module}."
    if ">" in name:
        return f"{name}: import {module} first, which registers it."
    return f"{name}: it is in {module} and not registered with Keras; import it and call {given}."
