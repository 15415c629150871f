"""Labels of forecast tables: written and parsed back."""

from __future__ import annotations

import pytest

from kerazoo._columns import FORECAST, bound_columns, levels_of


@pytest.mark.parametrize(
    ("level", "labels"),
    [
        (0.8, ("lower_80", "upper_80")),
        (0.95, ("lower_95", "upper_95")),
        (0.995, ("lower_99.5", "upper_99.5")),
        (0.5, ("lower_50", "upper_50")),
        (0.07, ("lower_7", "upper_7")),
    ],
)
def test_labels_are_in_percent(level, labels):
    assert bound_columns(level) == labels


def test_every_level_of_up_to_five_digits_is_parsed_back_exactly():
    levels = [number / 100_000 for number in range(1, 100_000)]
    assert levels_of(label for level in levels for label in bound_columns(level)) == levels


def test_levels_are_ascending_and_each_is_listed_once():
    assert levels_of(["upper_95", "lower_80", "upper_80", "lower_95", FORECAST]) == [0.8, 0.95]
    assert levels_of(["lower_80"]) == [0.8]
    assert levels_of([]) == []


@pytest.mark.parametrize(
    "label", [FORECAST, "lower", "lower_", "lower_x", "lower_-5", "upper_8e1", "lower_80.0", "lower_080", "y", 80, None]
)
def test_other_labels_have_no_level(label):
    assert levels_of([label]) == []
