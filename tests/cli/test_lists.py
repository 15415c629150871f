"""The command line names what the library has: its help is written out, so that `--help` imports nothing heavy."""

from __future__ import annotations

import pytest

from kerazoo.batching import NOISE_KINDS
from kerazoo.cli.forecast import forecast
from kerazoo.cli.word2vec import word2vec
from kerazoo.forecast.options import STRATEGIES
from kerazoo.word2vec.options import ENGINES, LOSS_NAMES


@pytest.mark.parametrize(
    ("command", "option", "names"),
    [
        (word2vec, "loss", LOSS_NAMES),
        (word2vec, "noise", NOISE_KINDS),
        (word2vec, "engine", ("auto", *sorted(ENGINES))),
        (forecast, "strategy", STRATEGIES),
    ],
)
def test_the_help_names_all_choices(command, option, names):
    (found,) = [parameter for parameter in command.params if parameter.name == option]
    assert found.help == f"{', '.join(names[:-1])} or {names[-1]}."
