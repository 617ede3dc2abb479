"""Which lines are page furniture: cookie text, links and signatures that are no words of the decision."""

from __future__ import annotations

from collections.abc import Sequence

import regex

from pipeline.clean.lines import CELL, HEADING, ITEM, LONGEST_FIXED_LINE, PLAIN, TOP, Layout, Line, fold

_SIGNATURE = regex.compile(r"(?:[\w'-]+ ){0,6}decision on behalf of (?:the )?(?:[\w-]+ ){0,6}ombuds(?:man|men)\.?")
_CRUMBS = regex.compile(r".{1,60}(?: [>»/] .{1,60}){1,6}")
_SENTENCE_WORDS = 12


def is_fixed(line: Line, layout: Layout) -> bool:
    """Whether the line is furniture wherever it stands (`Back to top`, `Print this page`, the signature)."""
    if line.kind == TOP:
        return True
    if len(line.text) > LONGEST_FIXED_LINE:
        return False
    folded = fold(line.text).rstrip(".")
    return folded in layout.anywhere or (folded.endswith(("ombudsman", "ombudsmen")) and is_signature(folded))


def is_signature(folded: str) -> bool:
    """Whether a folded line is the investigator's signature."""
    return _SIGNATURE.fullmatch(folded) is not None


def is_exact(line: Line, layout: Layout) -> bool:
    """Whether the line is, word for word, a line of furniture."""
    if is_fixed(line, layout):
        return True
    folded = fold(line.text) if len(line.text) <= LONGEST_FIXED_LINE else ""
    return folded in layout.around or folded.rstrip(".:") in layout.around


def is_marked(line: Line, layout: Layout) -> bool:
    """Whether a loose line talks as cookie and privacy text does. Only its place can say whether it is."""
    if line.kind not in (PLAIN, HEADING, CELL) or len(line.text) > 1000:
        return False
    folded = fold(line.text)
    return layout.section_of(line.text) is None and (
        layout.marks.search(folded) is not None and folded.count(" ") < layout.mark_words
    )


def furniture_tail(lines: Sequence[Line], layout: Layout) -> int:
    """Where the furniture at the end of a page begins: `len(lines)` when there is none.

    It begins with a line that is furniture word for word, and holds only such lines, lines that talk of cookies,
    and the line of prose under a heading of the cookie text. Anything else is the decision's, and ends the search.
    """
    end = len(lines)
    while end:
        line = lines[end - 1]
        if is_exact(line, layout) or is_marked(line, layout):
            end -= 1
        elif line.kind == PLAIN and end >= 2 and _heads_cookies(lines[end - 2], layout):
            end -= 2
        else:
            break
    while end < len(lines) and not is_exact(lines[end], layout):
        end += 1
    return end


def _heads_cookies(line: Line, layout: Layout) -> bool:
    return is_exact(line, layout) and layout.marks.search(fold(line.text)) is not None


def is_before_title(line: Line, layout: Layout) -> bool:
    """Whether a line before the title is furniture: cookie text, a list of contents, a trail of links.

    A whole sentence or a numbered paragraph never is, unless it is cookie text: in a damaged page it may be
    the decision's.
    """
    if is_exact(line, layout) or is_marked(line, layout) or layout.section_of(line.text) is not None:
        return True
    if line.kind not in (PLAIN, ITEM):
        return False
    short = len(line.text.split()) <= _SENTENCE_WORDS and not line.text.rstrip().endswith((".", ";", ":"))
    return short or (_CRUMBS.fullmatch(line.text) is not None)
