"""What kind of body an organisation is, by its printed name."""

from __future__ import annotations

from functools import cache

import regex

from pipeline.corpus import corpus_folder, load_yaml

_TITLES = regex.compile(
    r"\b(?:the|london borough of|royal borough of|city of|council of the|metropolitan|borough|district|city|county"
    r"|mbc|council|of)\b"
)


@cache
def _known() -> tuple[dict[str, str], dict[str, str], list[tuple[str, regex.Pattern[str]]]]:
    raw = load_yaml(corpus_folder() / "organisations.yaml")
    names = {_bare(name): kind for kind, listed in raw["names"].items() for name in listed}
    patterns = [
        (kind, regex.compile(r"\b(?:" + "|".join(regex.escape(w) for w in words) + r")\b"))
        for kind, words in raw["patterns"]
    ]
    printed = {name.lower(): kind for kind, listed in raw["printed"].items() for name in listed}
    return printed, names, patterns


def _bare(name: str) -> str:
    folded = name.lower().replace("’", "'").replace("&", "and")
    return " ".join(_TITLES.sub(" ", folded).split())


@cache
def organisation_type(name: str | None) -> str | None:
    """The kind of body (`county_council`, `care_provider`, …), or null when the name does not tell."""
    if name is None:
        return None
    printed, names, patterns = _known()
    folded = name.lower()
    if folded in printed:
        return printed[folded]
    # A county and a city can share a name, so a printed county council is one whatever the list of names says.
    if "county council" not in folded and ("council" in folded or "london" in folded or "borough" in folded):
        listed = names.get(_bare(name))
        if listed is not None:
            return listed
    return next((kind for kind, pattern in patterns if pattern.search(folded)), None)
