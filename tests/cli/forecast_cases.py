"""Running `kerazoo forecast` in tests."""

from __future__ import annotations

import numpy as np
import pytest

from kerazoo.cli import main as cli

# Networks that train in no time, and a transform that needs no selection.
TINY = ["--model", "gru_1x2", "--members", "1", "--epochs", "1", "--seed", "1", "--quiet"]
TINY += ["--transforms", "difference[lag=12]"]


def run(capsys, *arguments):
    """The output of the command, which must succeed."""
    cli.main(["forecast", *arguments])
    return capsys.readouterr()


def refused(capsys, *arguments):
    """The one-line error of a command that must fail."""
    with pytest.raises(SystemExit) as stop:
        cli.main(["forecast", *arguments])
    assert stop.value.code == 2
    printed = capsys.readouterr()
    assert printed.err.startswith("kerazoo: ")
    assert printed.err.count("\n") == 1, printed.err
    return printed.err


def with_price(whole):
    frame = whole.to_frame("milk")
    frame["price"] = np.sin(np.arange(len(frame)))
    frame["strike"] = np.arange(len(frame)) % 5 == 0
    return frame.astype(float)
