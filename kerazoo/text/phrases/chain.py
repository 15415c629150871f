"""Several phrase models that join one after another, as the argument `phrases` of `Word2Vec`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from kerazoo._runtime.progress import progress_bar
from kerazoo.errors import CorpusError, InvalidArgumentError
from kerazoo.text.corpus import EncodedCorpus
from kerazoo.text.encoding import bad_token, not_tokens
from kerazoo.text.phrases import files
from kerazoo.text.phrases.base import PhraseJoiner
from kerazoo.text.phrases.model import FrozenPhrases, Phrases
from kerazoo.text.readers import is_files

__all__ = ["checked", "encoded", "from_tensors", "frozen", "joined", "joined_documents", "learned", "to_tensors"]


def checked(phrases: Any) -> list[PhraseJoiner]:
    """The members of a chain; None is an empty one.

    Raises:
        InvalidArgumentError: another type.
    """
    members = [] if phrases is None else list(phrases) if isinstance(phrases, list | tuple) else [phrases]
    for member in members:
        if not isinstance(member, PhraseJoiner):
            raise InvalidArgumentError(
                f"phrases is, or contains, a {type(member).__name__}; expected a kerazoo.text.Phrases, a "
                "FrozenPhrases, or a list of them. FrozenPhrases.from_gensim imports those of gensim."
            )
    return members


def joined(
    corpus: Any,
    phrases: Any,
    *,
    workers: int,
    min_count: int = 1,
    max_final_vocab: int | None = None,
    **reading: Any,
) -> Any:
    """Encode a corpus and join its phrases; without phrases, `corpus` itself.

    Args:
        corpus: as in :meth:`kerazoo.EncodedCorpus.from_source`.
        phrases: None, a phrase model, or a list of them.
        workers: threads.
        min_count: words and phrases that occur less often after joining get no id.
        max_final_vocab: keep at most that many words.
        reading: further arguments of `from_source`.

    >>> bigrams, trigrams = FrozenPhrases({"new_york": 20.0}), FrozenPhrases({"new_york_city": 20.0})
    >>> joined([["new", "york", "city"]], [bigrams, trigrams], workers=1).decode(0)
    ['new_york_city']
    """
    members = checked(phrases)
    if members:
        corpus = EncodedCorpus.from_source(corpus, min_count=1, workers=workers, **reading)
    for number, member in enumerate(members):
        last = number == len(members) - 1
        corpus = member.join(
            corpus,
            min_count=min_count if last else 1,
            max_final_vocab=max_final_vocab if last else None,
            workers=workers,
        )
    return corpus


def encoded(corpus: Any, phrases: Any, min_count: int, max_final_vocab: int | None, **reading: Any) -> EncodedCorpus:
    """As :func:`joined`, but encoded without phrases too; an `EncodedCorpus` then keeps its vocabulary."""
    limits: Any = {"min_count": min_count, "max_final_vocab": max_final_vocab, **reading}
    return EncodedCorpus.from_source(joined(corpus, phrases, **limits), **limits)


def joined_documents(documents: Any, phrases: Any, *, workers: int, errors: str, exclude: Iterable[Any] = ()) -> Any:
    """Join the phrases of documents one for one, so that an empty one stays what it is.

    Args:
        documents: strings, lists of tokens, files or an `EncodedCorpus`.
        phrases: None, a phrase model, or a list of them.
        workers: threads.
        errors: for bytes of files that are not UTF-8.
        exclude: files and directories that a directory is read without.

    Raises:
        CorpusError: a document or a token has another type (when it is read).

    >>> list(joined_documents(["in new york", []], FrozenPhrases({"new_york": 20.0}), workers=1, errors="strict"))
    [['in', 'new_york'], []]
    """
    members = checked(phrases)
    if not members:
        return documents
    if isinstance(documents, EncodedCorpus) or is_files(documents):
        return joined(documents, phrases, workers=workers, errors=errors, exclude=exclude)
    return _joined_each(documents, members)


def _joined_each(documents: Iterable[Any], members: Sequence[PhraseJoiner]) -> Iterator[Any]:
    for number, document in enumerate(documents):
        tokens = _tokens(document, number)
        for member in members:
            tokens = member[tokens]
        yield tokens


def _tokens(document: Any, number: int) -> list[str]:
    """Checked here: a phrase model takes a list of other things for several sentences."""
    if isinstance(document, str):
        return document.split()
    if isinstance(document, bytes) or not isinstance(document, Iterable):
        raise not_tokens(document, number)
    tokens = list(document)
    for index, token in enumerate(tokens):
        if not isinstance(token, str):
            raise CorpusError(bad_token(token, number, index))
    return tokens


def learned(corpus: EncodedCorpus, passes: int, **arguments: Any) -> tuple[list[FrozenPhrases], EncodedCorpus]:
    """Find phrases, join them, find phrases of the result, and so on.

    Args:
        corpus: of all words.
        passes: int >= 1; 1 finds phrases of two words, 2 also those of three and four.
        **arguments: of :class:`kerazoo.text.Phrases`.

    Returns:
        The phrases of each pass, and the corpus with all of them joined.

    >>> corpus = EncodedCorpus.from_source([["new", "york", "city"]] * 9 + [["new"], ["city", "of"]] * 5, min_count=1)
    >>> members, joined = learned(corpus, 2, min_count=1, threshold=0.3)
    >>> [list(member.phrasegrams) for member in members], joined.decode(0)
    ([['new_york', 'york_city', 'city_of'], ['new_york_city']], ['new_york_city'])
    """
    members = []
    with progress_bar(2 * passes, "step", "finding phrases", unit_scale=False) as bar:
        for _ in range(passes):
            found = Phrases(corpus, **arguments)
            bar.update(1)
            corpus = found.join(corpus, workers=arguments.get("workers"))
            members.append(found.freeze())
            bar.update(1)
    return members, corpus


def frozen(phrases: Any) -> FrozenPhrases | list[FrozenPhrases]:
    """The phrases without their counts."""
    members: Sequence[Any] = checked(phrases)
    found = [member.freeze() for member in members]
    return found if isinstance(phrases, list | tuple) else found[0]


def to_tensors(phrases: Any) -> tuple[dict[str, NDArray[Any]], list[dict[str, Any]]]:
    """Arrays and metadata of frozen phrases; inverse of :func:`from_tensors`."""
    arrays: dict[str, NDArray[Any]] = {}
    notes = []
    for number, member in enumerate(checked(phrases)):
        parts, note = files.frozen_tensors(member)
        arrays |= {f"phrases.{number}.{name}": array for name, array in parts.items()}
        notes.append(note)
    return arrays, notes


def from_tensors(
    arrays: Mapping[str, NDArray[Any]], notes: Sequence[Mapping[str, Any]]
) -> FrozenPhrases | list[FrozenPhrases]:
    """The phrases of :func:`to_tensors`; ValueError, KeyError or TypeError if the arrays are damaged."""
    found = []
    for number, note in enumerate(notes):
        prefix = f"phrases.{number}."
        parts = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
        found.append(FrozenPhrases(**files.frozen_arguments(parts, note)))
    return found[0] if len(found) == 1 else found
