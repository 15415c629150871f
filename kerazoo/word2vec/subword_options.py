"""The settings of `FastText`: those of word2vec, and which n-grams words have."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kerazoo._validation import check_int
from kerazoo.errors import InvalidArgumentError
from kerazoo.word2vec.options import TrainingSettings, checked_settings
from kerazoo.word2vec.subwords import LARGEST_BUCKET, NgramSettings

__all__ = ["FastTextSettings", "check_same_ngrams", "checked_fasttext_settings", "checked_ngrams"]

# Parameters of Word2Vec that FastText does not have, with the values that its training needs.
FIXED = {"hs": 0, "engine": "native", "engine_options": None}


@dataclass(frozen=True)
class FastTextSettings(TrainingSettings):
    """The checked settings of one call of `fit` or `partial_fit`; see :class:`kerazoo.FastText`."""

    min_n: int = 3
    max_n: int = 6
    bucket: int = 2_000_000

    @property
    def ngrams(self) -> NgramSettings:
        """Which n-grams words have."""
        return NgramSettings(self.min_n, self.max_n, self.bucket)


def checked_ngrams(parameters: Mapping[str, Any]) -> NgramSettings:
    """Check `min_n`, `max_n` and `bucket`.

    Raises:
        InvalidArgumentError: a value is not allowed.
    """
    return NgramSettings(
        check_int("min_n", parameters["min_n"], 0, hint="The usual value is 3."),
        check_int("max_n", parameters["max_n"], 0, hint="The usual value is 6; 0 is for no n-grams."),
        check_int("bucket", parameters["bucket"], 0, LARGEST_BUCKET, hint="The usual value is 2,000,000."),
    )


def checked_fasttext_settings(
    parameters: Mapping[str, Any], number: int = 0, earlier_seed: int | None = None
) -> FastTextSettings:
    """Check the arguments of the constructor; see :func:`kerazoo.word2vec.options.checked_settings`."""
    ngrams = checked_ngrams(parameters)
    found = checked_settings({**parameters, **FIXED}, number, earlier_seed)
    values = {field.name: getattr(found, field.name) for field in dataclasses.fields(found)}
    return FastTextSettings(**values, **dataclasses.asdict(ngrams))


def check_same_ngrams(settings: FastTextSettings, fitted: NgramSettings) -> None:
    """Check that the n-grams are those that the vectors were trained with.

    Raises:
        InvalidArgumentError: a parameter was changed.
    """
    for name, trained in dataclasses.asdict(fitted).items():
        if getattr(settings, name) != trained and (fitted.any or settings.ngrams.any):
            raise InvalidArgumentError(
                f"{name}={getattr(settings, name)}, but the vectors were trained with {name}={trained}. Set it back, "
                "or call fit to train from scratch."
            )
