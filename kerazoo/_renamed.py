"""Module names of version 0.1: importing one still works until version 0.3, with a DeprecationWarning.

An old module is a proxy: its attributes are looked up in the modules that its content has moved to.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

__all__ = ["RENAMED", "install"]

# Names inside these modules that were renamed as well: (old module, old name) -> new name.
RENAMED_NAMES = {
    ("accelerators", "visible"): "accelerator_visible",
    ("attached", "attached"): "model_cache",
    ("forecast.rolling", "Roller"): "Rollout",
    ("word2vec.safeguard", "Safeguard"): "DivergenceGuard",
}

# Old name -> new names, all without the leading `kerazoo.`. Several where the content of a module was split.
RENAMED: dict[str, tuple[str, ...]] = {
    "accelerators": ("_runtime.devices",),
    "attached": ("_runtime.model_cache",),
    "backend": ("_runtime.devices",),
    "batching.base": ("batching.dataset",),
    "batching.noise": ("batching.sampling",),
    "batching.stream": ("text.tokens", "batching.sampling", "batching.corpus_dataset"),
    "batching.tokens": ("batching.corpus_dataset",),
    "cells.attention": ("cells.wrappers.attention",),
    "cells.dropout": ("cells.wrappers.dropout",),
    "cells.elementwise": ("cells.families.elementwise",),
    "cells.gated": ("cells.families.gated",),
    "cells.grid": ("cells.families.grid",),
    "cells.keras_cells": ("cells.families.keras_cells",),
    "cells.linear": ("cells.scan",),
    "cells.lstm_variants": ("cells.families.lstm_variants", "cells.families.phased"),
    "cells.minimal": ("cells.families.minimal",),
    "cells.phased": ("cells.families.phased",),
    "cells.reservoir": ("cells.families.reservoir",),
    "cells.state_space": ("cells.families.state_space",),
    "cells.xlstm": ("cells.families.xlstm",),
    "cli_forecast": ("cli.forecast", "cli.forecast_options", "cli.forecast_report", "cli.main"),
    "cli_tables": ("cli.csv_tables",),
    "cores": ("_runtime.devices",),
    "evaluation": ("metrics",),
    "evaluation.forecasts": ("metrics",),
    "fingerprint": ("_runtime.fingerprint",),
    "forecast.autoregression": ("forecast.transforms.autoregression",),
    "forecast.backtesting": ("forecast.backtest",),
    "forecast.calendar": ("forecast.data.calendar",),
    "forecast.choosing": ("forecast.transforms.selection",),
    "forecast.clock": ("forecast.data.frequency", "forecast.data.types"),
    "forecast.conformal": ("forecast.intervals",),
    "forecast.descriptions": ("forecast.data.pandas_json",),
    "forecast.files": ("forecast.model_file",),
    "forecast.indexes": ("forecast.data.index",),
    "forecast.learning": ("forecast.nets.trainer",),
    "forecast.members": ("forecast.nets.members",),
    "forecast.panel": (
        "forecast.data.panel",
        "forecast.data.types",
        "forecast.data.read",
        "forecast.data.write",
        "forecast.data.future",
    ),
    "forecast.preparing": ("forecast.nets.windows", "forecast.transforms.chain"),
    "forecast.resuming": ("forecast.nets.checkpoint",),
    "forecast.rolling": ("forecast.nets.rollout",),
    "forecast.smoothing": ("forecast.transforms.smoothing",),
    "forecast.stacked_cells": ("forecast.nets.member_steps",),
    "storage": ("_runtime.files",),
    "word2vec.block_steps": ("word2vec.keras.block_steps",),
    "word2vec.blocks": ("word2vec.keras.block_gradients",),
    "word2vec.checkpoints": ("word2vec.io.checkpoints",),
    "word2vec.device": ("word2vec.gpu",),
    "word2vec.gensim_models": ("word2vec.io.gensim_models",),
    "word2vec.growth": ("word2vec.vocabulary_update",),
    "word2vec.head": ("word2vec.keras.nce",),
    "word2vec.initializers": ("word2vec.keras.initializers",),
    "word2vec.interrupts": ("_runtime.interrupts",),
    "word2vec.keras_engine": ("word2vec.engines.keras",),
    "word2vec.losses": ("word2vec.keras.losses",),
    "word2vec.metrics": ("word2vec.keras.metrics",),
    "word2vec.model": ("word2vec.keras.model",),
    "word2vec.native_engine": ("word2vec.engines.native",),
    "word2vec.optimizer": ("word2vec.keras.optimizer",),
    "word2vec.persistence": ("word2vec.io.model_file",),
    "word2vec.progress": ("word2vec.engines.progress",),
    "word2vec.safeguard": ("word2vec.engines.divergence",),
    "word2vec.settings": ("word2vec.options", "word2vec.results"),
    "word2vec.vector_files": ("word2vec.io.vector_files",),
}  # fmt: skip


def _homes_of(name: str) -> tuple[str, ...]:
    """The new names of an old module, or of a module in an old package; () for any other name."""
    parent, _, child = name.rpartition(".")
    return RENAMED.get(name) or (tuple(f"{home}.{child}" for home in _homes_of(parent)) if parent else ())


class _Finder:
    """Finds and loads old module names after all other finders have failed (an `importlib.abc.MetaPathFinder`)."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of an old name, or None."""
        from importlib.machinery import ModuleSpec

        package, _, name = fullname.partition(".")
        if package != "kerazoo" or not _homes_of(name):
            return None
        # Any old module may have been a package: then its modules are found here too, by the name of their package.
        return ModuleSpec(fullname, self, is_package=True)  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> None:
        """Let the import system make an empty module."""

    def exec_module(self, module: ModuleType) -> None:
        """Warn, and make the module forward its attributes."""
        from kerazoo._runtime.deprecation import warn_renamed

        name = module.__name__.partition(".")[2]
        homes = [importlib.import_module(f"kerazoo.{new}") for new in _homes_of(name)]
        warn_renamed(module.__name__, homes[0].__name__)

        def forward(attribute: str) -> Any:
            attribute = RENAMED_NAMES.get((name, attribute), attribute)
            for home in homes:
                if hasattr(home, attribute):
                    return getattr(home, attribute)
            raise AttributeError(f"module {module.__name__!r} has no attribute {attribute!r}")

        module.__getattr__ = forward  # type: ignore[method-assign]
        module.__all__ = [public for home in homes for public in getattr(home, "__all__", ())]  # type: ignore[attr-defined]
        module.__doc__ = f"Deprecated: now {', '.join(home.__name__ for home in homes)}."


def install() -> None:
    """Make the old names importable, once for each process."""
    if not any(type(finder).__name__ == "_Finder" and type(finder).__module__ == __name__ for finder in sys.meta_path):
        sys.meta_path.append(_Finder())
