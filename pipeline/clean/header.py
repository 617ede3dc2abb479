"""The header block: title, category, decision, date and summary, told apart from the body."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

import regex

from pipeline.clean.furniture import furniture_tail, is_before_title, is_exact, is_fixed, is_marked
from pipeline.clean.lines import CELL, HEADING, ITEM, PLAIN, TOP, Layout, Line, fold
from pipeline.dates import parse_date
from pipeline.values import Header

REFERENCE = regex.compile(r"(?<!\d)(\d{2})[ _-](\d{3})[ _-](\d{3})([a-z]?)(?![\w-]*\d)", regex.IGNORECASE)
_BRACKETED = regex.compile(r"\(\s*\d{2}[ -]\d{3}[ -]\d{3}[a-z]?\s*\)", regex.IGNORECASE)
_FIELD = regex.compile(r"(category|decision|decision date|date of decision)\s*:\s*(.*)", regex.IGNORECASE)
_FINAL = regex.compile(r"the ombuds(?:man|men)'s? ?(?:final|draft|provisional)? decision\s*:?")
_SUMMARY = regex.compile(r"summary\s*(?::|\.|-|–|$)\s*(.*)", regex.IGNORECASE)
_TITLE_LENGTH = 300
_HEADER_KINDS = (PLAIN, HEADING, CELL, ITEM)  # pages print the header as lines, tables or lists


def reference_in(text: str) -> str | None:
    """The first case reference in `text` as the Ombudsman prints it (`23 011 589`, `20 012 417a`), or null."""
    found = REFERENCE.search(text)
    return f"{found[1]} {found[2]} {found[3]}{found[4].lower()}" if found else None


def split_header(
    lines: Sequence[Line], layout: Layout, name: str, url: str | None
) -> tuple[Header, list[Line], list[Line]]:
    """(header, lines of the summary, lines of the body), furniture left out and every other line kept.

    `name` is the raw file's name, which holds the reference where the page prints none.
    """
    title = _title(lines)
    begin = _header_start(lines, layout, title)
    end = furniture_tail(lines, layout)
    stray = [line for line in lines[:begin] if not is_before_title(line, layout)]

    fields: dict[str, str] = {}
    organisation = reference = None
    i = begin
    if title is not None:
        organisation, reference = _split_title(lines[title].text)
        i = title + 1
    i = _read_fields(lines, i, end, layout, fields)
    summary, i = _read_summary(lines, i, end, layout)
    if not fields and title is None:
        i = _read_fields(lines, i, end, layout, fields)
    body = stray + [line for line in lines[i:end] if line.kind == TOP or not is_fixed(line, layout)]

    category, _, subcategory = fields.get("category", "").partition(">")
    header = Header(
        organisation=organisation,
        reference=reference or reference_in(PurePath(name).name) or (reference_in(url) if url else None),
        category=category.strip() or None,
        subcategory=subcategory.strip() or None,
        decision=fields.get("decision") or None,
        decision_date=parse_date(fields.get("decision date", "")),
        url=url,
    )
    return header, summary, body


def _title(lines: Sequence[Line]) -> int | None:
    """The line `Organisation (YY NNN NNN)`: the first one, and no sentence of the decision."""
    for i, line in enumerate(lines):
        if (
            line.kind in (PLAIN, HEADING, CELL)
            and len(line.text) <= _TITLE_LENGTH
            and _BRACKETED.search(line.text)
            and not line.text.startswith("(")
            and not line.text.endswith((".", ";", ":"))
            and not _FIELD.match(line.text)
        ):
            return i
    return None


def _split_title(text: str) -> tuple[str, str | None]:
    """(organisation, reference): the words before the reference; a second body may follow it in brackets of its own."""
    found = _BRACKETED.search(text)
    assert found is not None
    return " ".join(text[: found.start()].split()).strip(" -–:"), reference_in(found[0])


def _header_start(lines: Sequence[Line], layout: Layout, title: int | None) -> int:
    if title is not None:
        return title
    for i, line in enumerate(lines):
        if line.kind in _HEADER_KINDS and (
            _FIELD.fullmatch(line.text) or _FINAL.fullmatch(fold(line.text)) or _SUMMARY.match(line.text)
        ):
            return i
    return next(
        (i for i, line in enumerate(lines) if not (is_exact(line, layout) or is_marked(line, layout))), len(lines)
    )


def _read_fields(lines: Sequence[Line], i: int, end: int, layout: Layout, fields: dict[str, str]) -> int:
    """Reads `Label : value` pairs, values on the same line or on lines of their own; the index after them."""
    while i < end:
        line = lines[i]
        if is_fixed(line, layout) or _FINAL.fullmatch(fold(line.text)):
            i += 1
            continue
        found = _FIELD.fullmatch(line.text) if line.kind in _HEADER_KINDS else None
        if found is None:
            break
        name = "decision date" if "date" in found[1].lower() else found[1].lower()
        value = found[2].strip()
        if fields.get(name) and fields[name] != value:
            break
        i += 1
        if not value or (name == "category" and value.endswith(">")):
            while i < end and _continues(name, value, lines[i], layout):
                value = f"{value} {lines[i].text}".strip()
                i += 1
        elif name == "category" and i + 1 < end and lines[i].text == ">":
            value, i = f"{value} > {lines[i + 1].text}", i + 2
        fields[name] = value
    return i


def _continues(name: str, value: str, line: Line, layout: Layout) -> bool:
    """Whether a line is (more of) the value of a field whose label stood on a line of its own."""
    text = line.text
    if line.kind not in _HEADER_KINDS or _FIELD.fullmatch(text) or len(text) > 100:
        return False
    if _FINAL.fullmatch(fold(text)) or layout.section_of(text) is not None or _SUMMARY.match(text):
        return False
    if name == "category":
        return not value or text.startswith(">") or value.endswith(">")
    return not value


def _read_summary(lines: Sequence[Line], i: int, end: int, layout: Layout) -> tuple[list[Line], int]:
    """The lines of the summary (its label kept on the first), and the index after it."""
    if i >= end or lines[i].kind not in (PLAIN, HEADING, CELL):
        return [], i
    found = _SUMMARY.match(lines[i].text)
    if found is None:
        return [], i
    summary = [lines[i]]
    i += 1
    while i < end:
        line = lines[i]
        if is_fixed(line, layout):
            i += 1
            continue
        if line.kind not in (PLAIN, ITEM) or layout.section_of(line.text) is not None:
            break
        if line.kind == PLAIN and _opens_body(lines, i, end):
            break
        summary.append(line)
        i += 1
    return summary, i


def _opens_body(lines: Sequence[Line], i: int, end: int) -> bool:
    """Whether an unknown short line is the first heading of the body: paragraphs follow it at once."""
    text = lines[i].text
    short = len(text.split()) <= 15 and not text.endswith((".", ";", ":", ","))
    return short and i + 1 < end and lines[i + 1].kind not in (PLAIN, CELL)


def summary_text(summary: Sequence[Line]) -> str | None:
    """The summary without its label, or null."""
    if not summary:
        return None
    found = _SUMMARY.match(summary[0].text)
    first = found[1].strip() if found else summary[0].text
    words = "\n".join([first, *(line.text for line in summary[1:])]).strip()
    return words or None


def received_year(reference: str | None) -> int | None:
    """The year in a reference (`23 011 589` → 2023), or null."""
    return 2000 + int(reference[:2]) if reference and reference[:2].isdigit() else None
