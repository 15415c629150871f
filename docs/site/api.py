"""Pages of the reference, from the docstrings and the `__all__` of each package.

The source is read, not imported (griffe), so the pages need no backend of Keras.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import griffe

from docs.site.repository import ROOT


@dataclass(frozen=True)
class Section:
    """A page of the reference.

    Attributes:
        page: its file name without the suffix.
        title: its heading.
        packages: whose names it has.
    """

    page: str
    title: str
    packages: tuple[str, ...]


SECTIONS = (
    Section("word2vec", "Word vectors", ("kerazoo.word2vec",)),
    Section("gensim", "The gensim drop-in", ("kerazoo.gensim",)),
    Section("text", "Text", ("kerazoo.text",)),
    Section("batching", "Batching", ("kerazoo.batching",)),
    Section("cells", "Cells", ("kerazoo.cells",)),
    Section("families", "Families of cells", ("kerazoo.cells.families",)),
    Section("zoo", "The zoo", ("kerazoo.zoo",)),
    Section("training", "Training", ("kerazoo.training",)),
    Section("forecast", "Forecasts", ("kerazoo.forecast",)),
    Section("transforms", "Transforms", ("kerazoo.forecast.transforms",)),
    Section("generators", "Generators", ("kerazoo.forecast.generators",)),
    Section("presets", "Presets", ("kerazoo.forecast.presets",)),
    Section("statistics", "Statistics of many series", ("kerazoo.forecast.statistics",)),
    Section("metrics", "Metrics", ("kerazoo.metrics",)),
    Section("plots", "Plots", ("kerazoo.plots",)),
    Section("distributed", "Distributed", ("kerazoo.distributed",)),
    Section("devices", "Devices", ("kerazoo.devices",)),
    Section("datasets", "Data sets", ("kerazoo.datasets",)),
    Section("errors", "Errors", ("kerazoo.errors",)),
)
FIRST = ("Word2Vec", "Forecaster", "EncodedCorpus", "Vocabulary", "FastText", "build", "fit")
KINDS = {griffe.Kind.CLASS: 0, griffe.Kind.FUNCTION: 1, griffe.Kind.ATTRIBUTE: 2}


@dataclass(frozen=True)
class Name:
    """A public name.

    Attributes:
        public: as a program writes it, `kerazoo.datasets.milk`.
        path: where griffe finds it; a function that is named as its module hides there.
        target: the object itself.
    """

    public: str
    path: str
    target: griffe.Object


@cache
def package() -> griffe.Module:
    """The package, read from its source."""
    loaded = griffe.load("kerazoo", search_paths=[ROOT], docstring_parser=griffe.Parser.google)
    assert isinstance(loaded, griffe.Module)
    return loaded


def sections() -> list[Section]:
    """The sections whose packages exist."""
    return [section for section in SECTIONS if all(has(name) for name in section.packages)]


def has(name: str) -> bool:
    """Whether there is such a module."""
    try:
        package()[name.partition(".")[2]]
    except KeyError:
        return False
    return True


def names_of(module_path: str) -> list[Name]:
    """The public names of a package: the main ones, classes, functions, values, each as in `__all__`."""
    if module_path == "kerazoo.cells.families":
        return families()
    module = package()[module_path.partition(".")[2]]
    found = []
    for name in map(str, module.exports or ()):
        path = f"{module_path}.{name}"
        member = module.members.get(name)
        if member is None:
            continue
        if not member.is_alias and member.is_module:  # hidden by its module
            path = module.imports.get(name, path)
            member = package()[path.partition(".")[2]]
        try:
            target = member.final_target if member.is_alias else member
        except griffe.AliasResolutionError:
            continue  # a name of another library, such as those of gensim that kerazoo.gensim passes on
        found.append(Name(f"{module_path}.{name}", path, target))
    return sorted(found, key=place)


def place(each: Name) -> tuple[int, int]:
    """The place of a name on its page."""
    name = each.public.rpartition(".")[2]
    return (FIRST.index(name) if name in FIRST else len(FIRST), KINDS.get(each.target.kind, len(KINDS)))


def families() -> list[Name]:
    """The classes of the cells, which `kerazoo.cells` serves by name."""
    found = []
    for module in package()["cells.families"].modules.values():
        for name, target in module.classes.items():
            if not name.startswith("_") and not target.is_alias and target.docstring:
                found.append(Name(f"kerazoo.cells.{name}", target.path, target))
    return found


@cache
def public_names() -> frozenset[str]:
    """Every name that the reference has, and the packages."""
    every = {name.public for section in sections() for each in section.packages for name in names_of(each)}
    return frozenset(every | {"kerazoo.Word2Vec", "kerazoo.FastText", "kerazoo.Forecaster", "kerazoo.Vocabulary",
                              "kerazoo.EncodedCorpus"})  # fmt: skip


def pages() -> dict[str, str]:
    """Every page of the reference: path -> Markdown."""
    made = {"api/index.md": overview()}
    for section in sections():
        parts = [f"# {section.title}\n"]
        for each in section.packages:
            parts.append(f"`{each}`\n")
            parts.append(directive(each, show_root_heading=False, show_root_toc_entry=False, members=False))
            for name in names_of(each):
                if name.target.is_attribute and not name.target.has_docstring:
                    parts.append(value_of(name))
                else:
                    label = name.public.rpartition(".")[2]
                    # The cells have everything but their equations from one base class, which is on the same page.
                    inherited = not section.page.startswith(("cells", "families"))
                    parts.append(
                        directive(name.path, heading=name.public, toc_label=label, inherited_members=inherited)
                    )
        made[f"api/{section.page}.md"] = "\n".join(parts)
    return made


def value_of(name: Name) -> str:
    """A constant without a docstring: its heading, and its value where that is short."""
    value = str(getattr(name.target, "value", None) or "")
    shown = f"```python\n{name.public.rpartition('.')[2]} = {value}\n```\n" if 0 < len(value) < 400 else ""
    return f'## `{name.public}` {{ #{name.public} data-toc-label="{name.public.rpartition(".")[2]}" }}\n\n{shown}'


def directive(path: str, **options: object) -> str:
    """The instruction for mkdocstrings."""
    lines = [f"::: {path}", "    options:"]
    lines += [
        f"      {key}: {str(value).lower() if isinstance(value, bool) else value}" for key, value in options.items()
    ]
    return "\n".join(lines) + "\n"


def overview() -> str:
    """The first page: what each package has."""
    lines = ["# API reference\n", "From the docstrings. `import kerazoo` loads a name on its first use.\n"]
    for section in sections():
        lines.append(f"## [{section.title}]({section.page}.md)\n")
        for each in section.packages:
            module = package()[each.partition(".")[2]]
            summary = module.docstring.value.splitlines()[0] if module.docstring else ""
            lines.append(f"`{each}`: {plain(summary)}\n")
            names = [
                f'<autoref optional identifier="{name.path}"><code>{name.public.rpartition(".")[2]}</code></autoref>'
                for name in names_of(each)
                if not (name.target.is_attribute and not name.target.has_docstring)
            ]
            lines.append(", ".join(names) + "\n")
    lines.append("## [Command line](commands.md)\n\nThe commands of `kerazoo`, with all options.\n")
    return "\n".join(lines)


def plain(text: str) -> str:
    """A line of a docstring without the roles of reStructuredText."""
    import re

    return re.sub(r":\w+:`~?([^`]+)`", r"`\1`", text)
