"""Raw page → Decision: decode, read the lines, split the header off, build the structure."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import regex

from pipeline.clean.decode import decode
from pipeline.clean.header import split_header, summary_text
from pipeline.clean.html import address, looks_like_html, read_html
from pipeline.clean.lines import NUMBERED, Layout, Line, layout
from pipeline.clean.structure import Body, build
from pipeline.clean.text import read_text
from pipeline.values import Decision, Header, RawPage, Unreadable

# A line of a result list. One pattern for each first word: a fixed beginning is found fast, a choice of two is not.
_RESULTS = tuple(
    regex.compile(
        rf"(?<!\w){kind}\W+(?:not upheld|upheld|closed after initial enquiries)\b.{{0,120}}"
        r"\b\d{1,2}[- ][a-z]{3,9}[- ]\d{4}",
        regex.IGNORECASE,
    )
    for kind in ("statement", "report")
)
_COUNT = regex.compile(r"your search has [\d,]+ results?", regex.IGNORECASE)


def clean(page: RawPage, source: str = "lgsco") -> Decision:
    """The decision that a raw page holds.

    Raises Unreadable with a reason when it holds none: `empty`, `binary`, `not_a_decision`, `no_reference`,
    `nested_too_deep`.
    """
    text = decode(page.content)
    known = layout(source)
    url = page.url
    if looks_like_html(text):
        url = url or address(text)
        try:
            lines = read_html(text)
        except RecursionError:
            raise Unreadable(
                "nested_too_deep", "the markup nests deeper than any decision page; save the page again"
            ) from None
    else:
        lines = read_text(text)
    header, summary, rest = split_header(lines, known, page.name, url)
    body = build(summary, rest, known)
    _check(lines, header, body, known)
    reference = header.reference
    if reference is None:
        raise Unreadable(
            "no_reference", "no case reference (YY NNN NNN) in the title or the file's name; rename the file to hold it"
        )
    if _is_report(body, known):
        header = _as_report(header)
    return Decision(
        decision_id=f"{source}/{reference.replace(' ', '-')}",
        source=source,
        header=header,
        summary=summary_text(summary),
        text=body.text,
        numbering=body.numbering,
        paragraphs=body.paragraphs,
        sections=body.sections,
        source_file=page.name,
        sha256=hashlib.sha256(page.content).hexdigest(),
    )


def _check(lines: list[Line], header: Header, body: Body, known: Layout) -> None:
    """Refuses pages that hold no decision: result lists, archive pages, anything without its marks."""
    words = "\n".join(line.text for line in lines)
    results = sum(1 for pattern in _RESULTS for _ in pattern.finditer(words))
    if results >= 2 or _COUNT.search("\n".join(line.text for line in lines[:40])):
        raise Unreadable("not_a_decision", f"a page of search results ({results} of them), not a decision")
    main = {known.section_of(section.heading) for section in body.sections} - {None, "summary", "other"}
    marks = len(main) + sum(
        1 for mark in (header.organisation, header.category, header.decision, header.decision_date) if mark is not None
    )
    numbered = any(line.kind == NUMBERED for line in lines)
    if not body.text.strip() or not (main or numbered) or marks + numbered < 2:
        raise Unreadable("not_a_decision", "no title, header or sections of a decision on the page")


def _is_report(body: Body, known: Layout) -> bool:
    headings = {section.heading.lower().rstrip(":") for section in body.sections}
    return body.numbering == "none" and bool(headings & known.report_headings)


def _as_report(header: Header) -> Header:
    return replace(header, document_type="report")


__all__ = ["clean", "decode"]
