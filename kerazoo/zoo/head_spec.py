"""`HeadSpec`: one of several outputs of a model, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from kerazoo._validation import check_choice, check_int
from kerazoo.errors import InvalidArgumentError
from kerazoo.zoo.names import ACTIVATIONS

__all__ = ["HeadSpec", "checked_classes", "checked_heads"]


@dataclass(frozen=True)
class HeadSpec:
    """One output of a model with several: a dense layer on the shared recurrent layers.

    Attributes:
        outputs: int >= 1, values per step.
        classes: int >= 2 or None. An int: the output is a probability for each class, and targets are ids of classes.
        activation: str or None (the identity), of the values.
        horizon: int >= 1, number of steps predicted from each step.

    Raises:
        InvalidArgumentError: a value is out of range, or `classes` is combined with another field.

    >>> HeadSpec(classes=3).to_dict()
    {'classes': 3}
    """

    outputs: int = 1
    classes: int | None = None
    activation: str | None = None
    horizon: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "outputs", check_int("outputs", self.outputs, hint="It is the values per step."))
        object.__setattr__(self, "horizon", check_int("horizon", self.horizon, hint="It is the steps to predict."))
        if self.activation is not None:
            check_choice("activation", self.activation, (*ACTIVATIONS, "softmax"))
        object.__setattr__(self, "classes", checked_classes(self.classes))
        if self.classes is not None and (self.outputs != 1 or self.horizon != 1 or self.activation is not None):
            raise InvalidArgumentError(
                f"classes={self.classes} with outputs, horizon or activation; expected none of them: the head returns "
                "a probability for each class."
            )

    def to_dict(self) -> dict[str, Any]:
        """The fields that differ from their defaults."""
        return {
            each.name: getattr(self, each.name) for each in fields(self) if getattr(self, each.name) != each.default
        }


def checked_classes(classes: Any) -> int | None:
    """The number of classes, or None.

    Raises:
        InvalidArgumentError: not an integer >= 2.
    """
    if classes is None:
        return None
    return check_int("classes", classes, 2, hint="It is the number of classes; yes or no are 2.")


def checked_heads(heads: Any) -> dict[str, HeadSpec]:
    """The heads of a model: name -> HeadSpec, of HeadSpecs or of their fields.

    Raises:
        InvalidArgumentError: no mapping, no heads, or a name that Keras cannot give to an output.

    >>> checked_heads({"price": HeadSpec(), "rises": {"classes": 2}})["rises"].classes
    2
    """
    if not isinstance(heads, Mapping) or not heads:
        raise InvalidArgumentError(
            f"heads={heads!r}; expected a dict of at least one output, such as {{'price': HeadSpec(outputs=1)}}."
        )
    known = [each.name for each in fields(HeadSpec)]
    found = {}
    for name, head in heads.items():
        if not isinstance(name, str) or not name.isidentifier():
            raise InvalidArgumentError(
                f"heads has the name {name!r}; expected letters, digits and underscores, such as 'price'."
            )
        if isinstance(head, Mapping):
            for key in head:
                check_choice("field of HeadSpec", key, known)
            head = HeadSpec(**head)
        if not isinstance(head, HeadSpec):
            raise InvalidArgumentError(f"heads[{name!r}]={head!r}; expected a HeadSpec.")
        found[name] = head
    return found
