"""The common ground of the readers: a page as a list of lines, each with what is known of its place."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any, NamedTuple

import regex

from pipeline.corpus import corpus_folder, load_yaml

# What a line is, as far as the reader can tell.
HEADING = "heading"  # the markup says so (depth: its level)
NUMBERED = "numbered"  # an item of the main count
ITEM = "item"  # a bullet, or an item of a sub-list
DASH = "dash"  # "- ": a paragraph or a bullet, the page does not say
PLAIN = "plain"  # anything else: a heading, a table cell, loose text
CELL = "cell"  # a table cell, by the markup
TOP = "top"  # "Back to top": furniture, but it closes a section


# Known headings and lines of furniture are shorter than this many characters.
LONGEST_FIXED_LINE = 90


class Line(NamedTuple):
    """One line of a page. `number` is the printed number, `depth` the indent, list depth or heading level."""

    kind: str
    text: str
    depth: int = 0
    number: int | None = None


@dataclass(frozen=True)
class Layout:
    """What one ombudsman's pages look like: headings by section, words in headings, furniture."""

    headings: dict[str, str]
    often_inner: frozenset[str]
    heading_words: tuple[tuple[str, frozenset[str]], ...]
    report_headings: frozenset[str]
    anywhere: frozenset[str]
    around: frozenset[str]
    marks: regex.Pattern[str] = field(repr=False)
    mark_words: int = 70

    def section_of(self, heading: str) -> str | None:
        """The section that a main heading opens, or null when it is no known main heading."""
        if len(heading) > LONGEST_FIXED_LINE:
            return None
        return self.headings.get(fold(heading).rstrip(":. "))

    def is_often_inner(self, heading: str) -> bool:
        """Whether a known heading serves inside the findings too, so that only "Back to top" makes it a main one."""
        return fold(heading).rstrip(":. ") in self.often_inner

    def section_by_words(self, heading: str) -> str:
        """The section of a main heading that is in no list, by the words it holds."""
        folded = fold(heading)
        for section, words in self.heading_words:
            if any(regex.search(rf"\b{regex.escape(word)}\b", folded) for word in words):
                return section
        return "other"


@lru_cache(maxsize=4096)  # a line is asked about many times, and the same headings stand in every decision
def fold(text: str) -> str:
    """`text` as furniture and headings are compared: lower case, straight apostrophes, single spaces."""
    return " ".join(text.lower().replace("’", "'").replace("‘", "'").split())


@cache
def layout(source: str) -> Layout:
    """The layout of one source, from `corpus/rules/<source>/layout.yaml`."""
    path = corpus_folder() / "rules" / source / "layout.yaml"
    raw: dict[str, Any] = load_yaml(path)
    known = {
        "headings",
        "often_inner",
        "heading_words",
        "report_headings",
        "furniture_anywhere",
        "furniture_around",
        "furniture_marks",
        "furniture_words",
    }
    if set(raw) != known:
        raise ValueError(f"{path}: keys must be {sorted(known)}; differing: {sorted(set(raw) ^ known)}")
    return Layout(
        headings={heading: section for section, names in raw["headings"].items() for heading in names},
        often_inner=frozenset(raw["often_inner"]),
        heading_words=tuple((section, frozenset(words)) for section, words in raw["heading_words"].items()),
        report_headings=frozenset(raw["report_headings"]),
        anywhere=frozenset(raw["furniture_anywhere"]),
        around=frozenset(raw["furniture_around"]),
        marks=regex.compile(r"(?<!\w)(?:" + "|".join(map(regex.escape, raw["furniture_marks"])) + r")(?!\w)"),
        mark_words=raw["furniture_words"],
    )
