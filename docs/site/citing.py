"""The page on citing, from `CITATION.cff`."""

from __future__ import annotations

from docs.site.repository import ROOT


def page() -> str:
    """The page: BibTeX, and the file itself."""
    import yaml

    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    facts = yaml.safe_load(text)
    authors = " and ".join(author_of(each) for each in facts["authors"])
    released = str(facts.get("date-released", ""))
    entry = {
        "author": f"{{{authors}}}", "title": f"{facts['title']}: {facts['abstract'].rstrip('.')}",
        "version": str(facts["version"]), "year": released[:4],
    }  # fmt: skip
    lines = ",\n".join(f"  {name} = {{{value}}}" for name, value in entry.items() if value)
    return (
        f"# Citing\n\nName the version that you used: `kerazoo --version` prints it.\n\n"
        f"```bibtex\n@software{{kerazoo,\n{lines}\n}}\n```\n\n"
        f"Results of a paper or a data set that a page names belong to their authors: cite these too.\n\n"
        f"The same in the Citation File Format, `CITATION.cff`:\n\n```yaml\n{text.rstrip()}\n```\n"
    )


def author_of(author: dict[str, str]) -> str:
    """The name of a person or a group."""
    return author.get("name") or f"{author['family-names']}, {author['given-names']}"
