"""The body: headings and their levels, published paragraph numbers, bullets, and the text that all offsets count in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import regex

from pipeline.clean.lines import DASH, HEADING, ITEM, NUMBERED, PLAIN, TOP, Layout, Line
from pipeline.values import Paragraph, Section

_HEADING_WORDS = 30
# The order in which main sections follow each other; complaint, role, scope and method come in any order.
_ORDER = {"complaint": 0, "role": 0, "method": 0, "findings": 1, "remedy": 2, "decision": 3}
# Cells that a flattened table leaves on a line of their own, and that would pass for headings.
_CELL = regex.compile(
    r"(?:yes|no|none|n/a|nil|total|not applicable|(?:partly |partially |not )?upheld|[£\d(.,%/\s–-]+.{0,20})",
    regex.IGNORECASE,
)
_NEW_PARAGRAPH = regex.compile(
    r"(?:I|We|He|She|They|It|This|That|These|Those|There"
    r"|However|In|On|By|At|As|After|Before|When|While|Within|Under|If|For|Mr|Mrs|Ms|Miss|Dr"
    r"|The (?:Council|Ombudsman|Ombudsmen|Trust|Authority|Provider|Care Provider|care provider|council))\b"
)


@dataclass(frozen=True, slots=True)
class Body:
    """A structured body: the frozen text, its lines with offsets, its sections, and where the numbers come from."""

    text: str
    paragraphs: tuple[Paragraph, ...]
    sections: tuple[Section, ...]
    numbering: str


def build(summary: Sequence[Line], body: Sequence[Line], layout: Layout) -> Body:
    """Puts summary and body together: every line becomes one line of the text and one row of its paragraphs."""
    from_markup = any(line.kind == HEADING for line in body)
    lines = _settle_dashes(body)
    if not from_markup:
        lines = _settle_sublists(lines)
    lines = _settle_headings(lines, layout, from_markup)
    numbered = [line for line in lines if line.kind == NUMBERED]
    if not numbered:
        lines = _settle_report_lists(lines)
    known = from_markup and any(line.number is not None for line in numbered)
    numbering = "none" if not numbered else "markup" if known else "inferred"
    return _assemble(summary, lines, layout, numbering)


def _settle_dashes(lines: Sequence[Line]) -> list[Line]:
    """Dashed items become paragraphs or bullets: after a lead-in that ends in a colon, bullets while they go on."""
    settled: list[Line] = []
    lead: str | None = None  # the open lead-in
    last = ""  # the bullet before
    first_form = ""
    for line in lines:
        if line.kind != DASH:
            settled.append(line)
            if line.kind in (PLAIN, HEADING, TOP):
                lead = None
            elif line.kind == ITEM:
                last = line.text
            continue
        if lead is not None and _is_bullet(line.text, lead, last, first_form):
            first_form = first_form or line.text
            last = line.text
            settled.append(line._replace(kind=ITEM))
        else:
            settled.append(line._replace(kind=NUMBERED, number=None))
            lead = line.text if line.text.endswith((":", ":-", ": -", "–")) else None
            last = first_form = ""
    return settled


def _is_bullet(text: str, lead: str, last: str, first: str) -> bool:
    # A sum opens a sub-bullet ("pay £525, made up of: - £200 to Mr L"), and no paragraph.
    if not last or text[:1].islower() or text.startswith("£") or last.endswith((";", ",", " and", " or", ":")):
        return True
    if first[:1].islower():  # the list was written in lower case; a capital ends it
        return False
    if first.endswith(";") and last.endswith("."):
        return False
    if lead.endswith((" to:", " will:", " should:", " must:", " it has:")) or _NEW_PARAGRAPH.match(text):
        return _NEW_PARAGRAPH.match(text) is None
    return len(text.split()) <= 40 and not text.endswith(":")


def _settle_sublists(lines: Sequence[Line]) -> list[Line]:
    """A count that starts again from 1 straight after a numbered paragraph is a sub-list of that paragraph."""
    settled: list[Line] = []
    outer = inner = 0
    previous: Line | None = None
    for line in lines:
        if line.kind != NUMBERED or line.number is None:
            if line.kind != ITEM:
                inner = 0
            settled.append(line)
            previous = line
            continue
        number = line.number
        starts = number == 1 and previous is not None and previous.kind == NUMBERED and previous.text.endswith(":")
        # Where the number would serve both counts, the item before says whether the sub-list goes on.
        follows = inner > 0 and number == inner + 1 and (number != outer + 1 or _goes_on(previous))
        if (inner == 0 and starts) or follows:
            inner = number
            settled.append(line._replace(kind=ITEM))
        else:
            inner, outer = 0, number
            settled.append(line)
        previous = line
    return settled


def _goes_on(line: Line | None) -> bool:
    return line is not None and line.text.endswith((";", ",", " and", " or"))


def _settle_headings(lines: Sequence[Line], layout: Layout, from_markup: bool) -> list[Line]:
    """Plain lines become headings where they are known, or where paragraphs follow at once; each gets its level."""
    settled = list(lines)
    run = _table_runs(lines)
    follows = ""  # the kind of the next line that counts
    for i in range(len(lines) - 1, -1, -1):
        line = lines[i]
        if line.kind == TOP:
            continue
        if line.kind == PLAIN and not (from_markup and line.depth):
            known = layout.section_of(line.text) is not None
            alone = not from_markup and follows in (NUMBERED, HEADING) and _could_be_heading(line.text) and not run[i]
            if known or alone:
                settled[i] = Line(HEADING, line.text, 0)
        follows = settled[i].kind
    settled = _settle_levels(settled, layout, _base_level(lines, layout) if from_markup else 0)
    return [line for line in settled if line.kind != TOP]


def _settle_levels(lines: Sequence[Line], layout: Layout, base: int) -> list[Line]:
    """Level 1 or 2 for every heading.

    Markup decides where there is any. Else "Back to top" closes a main section; and without it, a known main heading
    opens one unless its place in the order of sections has passed ("The complaint" among the findings), and an unknown
    heading is a main one until the findings begin: only they have sub-headings.
    """
    settled: list[Line] = []
    reached = 0  # how far into the order of sections
    tops = sum(1 for line in lines if line.kind == TOP)
    closed = True  # nothing is open before the first heading
    for line in lines:
        if line.kind == HEADING:
            section = layout.section_of(line.text)
            if line.depth:
                main = line.depth <= base
            elif closed:
                main = True
            elif section is not None:
                main = _ORDER.get(section, reached) >= reached and not (tops > 2 and layout.is_often_inner(line.text))
            else:
                main = reached == 0
            if main:
                reached = max(reached, _ORDER.get(section or layout.section_by_words(line.text), 0))
            line = line._replace(depth=1 if main else 2)
        closed = line.kind == TOP or (closed and line.kind == PLAIN)
        settled.append(line)
    return settled


def _base_level(lines: Sequence[Line], layout: Layout) -> int:
    """The level of markup that main headings have."""
    levels = [line.depth for line in lines if line.kind == HEADING]
    known = [line.depth for line in lines if line.kind == HEADING and layout.section_of(line.text) is not None]
    return min(known or levels)


_LETTERED = regex.compile(r"\(?[A-Za-z][.)] [A-Z]")  # "(a) The out-of-hours line"


def _could_be_heading(text: str) -> bool:
    words = text.count(" ") + 1
    if words > _HEADING_WORDS or text.endswith((".", ";", ":", ",")):
        return False
    plain = text[0] not in "(-•" and not text[0].islower() and _CELL.fullmatch(text) is None
    return plain or _LETTERED.match(text) is not None


def _table_runs(lines: Sequence[Line]) -> list[bool]:
    """Marks the plain lines of a flattened table: four or more in a row after a lead-in that ends in a colon.

    The last line of such a run may still be the next heading, if it follows a full sentence.
    """
    marks = [False] * len(lines)
    i = 0
    while i < len(lines):
        if lines[i].kind != PLAIN:
            i += 1
            continue
        end = i
        while end < len(lines) and lines[end].kind == PLAIN:
            end += 1
        if end - i >= 4 and i > 0 and lines[i - 1].text.endswith(":"):
            last = end - 1
            is_heading = lines[last - 1].text.endswith((".", "?")) and not lines[last].text.endswith(".")
            for k in range(i, last if is_heading else end):
                marks[k] = True
        i = end
    return marks


def _settle_report_lists(lines: Sequence[Line]) -> list[Line]:
    """Makes bullets of lines in pages without numbers.

    They are the lines after a lead-in that ends in a colon, while they go on in lower case or with a verb.
    """
    settled: list[Line] = []
    open_list = False
    last = ""
    for line in lines:
        if line.kind == PLAIN and open_list and _report_bullet(line.text, last):
            settled.append(line._replace(kind=ITEM))
            last = line.text
            open_list = not line.text.endswith(".") or line.text[:1].islower() or _starts_with_verb(line.text)
        else:
            settled.append(line)
            open_list = line.kind in (PLAIN, ITEM) and line.text.endswith(":")
            last = ""
    return settled


def _starts_with_verb(text: str) -> bool:
    return _NEW_PARAGRAPH.match(text) is None


def _report_bullet(text: str, last: str) -> bool:
    if text.endswith(":") and text.split(" ", 1)[0] in ("The", "To"):
        return False
    return not last or text[:1].islower() or last.endswith((";", ":", ",", " and")) or _starts_with_verb_bare(text)


def _starts_with_verb_bare(text: str) -> bool:
    return _NEW_PARAGRAPH.match(text) is None and not text.startswith(("Ombudsman ", "The ", "A ", "An "))


def _assemble(summary: Sequence[Line], lines: Sequence[Line], layout: Layout, numbering: str) -> Body:
    parts: list[str] = []
    paragraphs: list[Paragraph] = []
    opened: list[tuple[int, int, str, str]] = []  # row, level, heading, section
    section, heading, subheading = "other", None, None
    number: int | None = None
    count = offset = 0

    def add(text: str, kind: str, shown: int | None) -> None:
        nonlocal offset
        parts.append(text)
        end = offset + len(text)
        paragraphs.append(Paragraph(len(paragraphs), shown, kind, section, heading, subheading, offset, end))
        offset = end + 1

    section = "summary"
    for line in summary:
        if layout.section_of(line.text) == "summary":
            heading = line.text
        add(line.text, "bullet" if line.kind == ITEM else "line", None)
    section, heading = "other", None
    for line in lines:
        if line.kind == HEADING:
            if line.depth == 1:
                section = layout.section_of(line.text) or layout.section_by_words(line.text)
                heading, subheading = line.text, None
            else:
                if heading is None:
                    section = layout.section_by_words(line.text)
                subheading = line.text
            opened.append((len(paragraphs), line.depth, line.text, section))
            number = None
            add(line.text, "line", None)
        elif line.kind == NUMBERED:
            count = line.number if numbering == "markup" and line.number is not None else count + 1
            number = count
            add(line.text, "paragraph", number)
        elif line.kind == ITEM:
            add(line.text, "bullet", number)
        else:
            add(line.text, "line", number if line.kind == PLAIN and line.depth == 1 and numbering == "markup" else None)
    return Body("\n".join(parts), tuple(paragraphs), _sections(paragraphs, opened), numbering)


def _sections(paragraphs: Sequence[Paragraph], opened: Sequence[tuple[int, int, str, str]]) -> tuple[Section, ...]:
    """A main section runs over its sub-headings; a sub-heading's section ends at the next heading of any level."""
    sections = []
    for k, (row, level, heading, code) in enumerate(opened):
        rest = opened[k + 1 :]
        stop = next((r for r, other, _, _ in rest if other == 1 or level == 2), len(paragraphs))
        inside = paragraphs[row:stop]
        numbers = [p.number for p in inside if p.number is not None]
        first, last = (min(numbers), max(numbers)) if numbers else (None, None)
        sections.append(Section(heading, level, code, first, last, inside[0].start, inside[-1].end))
    return tuple(sections)
