"""Random panels end in finite forecasts, or in an error that says what is wrong with the data."""

from __future__ import annotations

import pickle
import re
import traceback
import warnings

import numpy as np
import pandas as pd
import pytest

from kerazoo import Forecaster
from kerazoo.errors import InvalidArgumentError, KerazooError
from tests.forecast.random_panels import random_case

pytestmark = pytest.mark.usefixtures("uncompiled")

# Errors about the data; others would be failures of what the forecaster chose itself.
ABOUT_DATA = re.compile(
    r"not finite|missing|more than once|not sorted|has no rows|is empty|has the dtype|expected numbers|have no freq|"
    r"has no freq|no frequency|consecutive integers|has no dates|one frequency for all|do not have the frequency|"
    r"leave \d+ of \d+ values|history, taken as y: y.index has no freq|"
    r"y has \d+ values.*(horizon=\d+ would fit|A longer series is needed)"
)


def outcome_of(number, ended=None):
    """What goes wrong with a case; None if it ends well. `ended` counts how."""
    case = random_case(number)
    ended = {} if ended is None else ended
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made = Forecaster("gru_1x2", **case.parameters).fit(case.y, X=case.X)
            level = 80 if made._fitted.possible_levels([0.8]) else None
            found = made.predict(X_future=case.X_future, level=level)
            wrong = more_of(number, made, case, found, level)
    except InvalidArgumentError as error:
        found = ABOUT_DATA.search(str(error))
        if found:
            ended[found[0][:25]] = ended.get(found[0][:25], 0) + 1
            return None
        return f"{case.story}: {error}"
    except KerazooError as error:
        return f"{case.story}: {type(error).__name__} {error}"
    except Exception:
        return f"{case.story}: {traceback.format_exc(limit=-4)}"
    if wrong:
        return f"{case.story}: {wrong}"
    if case.broken:
        return f"{case.story}: no error"
    numbers = found.select_dtypes("number") if isinstance(found, pd.DataFrame) else found
    numbers = np.asarray(numbers, float)
    if not np.isfinite(numbers).all():
        return f"{case.story}: not finite"
    if "floor" in case.parameters and numbers.min() < 0:
        return f"{case.story}: below the floor"
    ended["forecast"] = ended.get("forecast", 0) + 1
    return None


def more_of(number, made, case, found, level):
    """A backtest, or a copy and a shorter history, of some cases; returns what goes wrong."""
    if number % 4 == 1 and case.X is None:
        n_windows = 2
        scores = made.cross_validation(case.y, horizon=1 + number % 3, n_windows=n_windows, refit=False)
        if not np.isfinite(scores[["rmse", "mae", "smape"]].to_numpy()).all():
            return "scores are not finite"
    if number % 4 == 2:
        again = pickle.loads(pickle.dumps(made)).predict(X_future=case.X_future, level=level)
        if not np.array_equal(np.asarray(again), np.asarray(found)):
            return "a copy forecasts otherwise"
        values = made.fitted_values()
        if isinstance(values, pd.DataFrame) and "unique_id" in values:
            values = values["forecast"]
        if np.isinf(np.asarray(values, float)).any():
            return "fitted values are infinite"
    if number % 4 == 3 and case.X is None and not (isinstance(case.y, pd.DataFrame) and "unique_id" in case.y):
        earlier = made.predict(history=case.y[: max(made.n_held_, len(case.y) - 2)], level=level)
        if not np.isfinite(np.asarray(earlier, float)).all():
            return "not finite from a shorter history"
    return None


@pytest.mark.parametrize("number", range(8))
def test_a_random_panel(number):
    assert outcome_of(number) is None


@pytest.mark.slow
@pytest.mark.parametrize("block", range(20))
def test_two_thousand_random_panels(block):
    ended = {}
    wrong = {number: outcome_of(number, ended) for number in range(100 * block, 100 * (block + 1))}
    wrong = {number: outcome for number, outcome in wrong.items() if outcome is not None}
    assert not wrong, "\n".join(f"{number}: {outcome}" for number, outcome in wrong.items())
    assert ended["forecast"] > 60, ended
