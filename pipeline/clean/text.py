"""The reader for text: lines with printed numbers, bullets or dashes (layouts 1, 2, 3 and 5)."""

from __future__ import annotations

from collections import Counter

import regex

from pipeline.clean.lines import DASH, ITEM, NUMBERED, PLAIN, TOP, Line

# "  12. ", "12) ": the main count, or a sub-list. "• ", "- ": bullets. "(a) ", "iv. ": lettered sub-lists.
_NUMBER = regex.compile(r"(\d{1,3})[.)](?:\s+|$)")
_BULLET = regex.compile(r"[•·▪●◦○‣■□*]\s*|[–—]\s+|o\s+(?=[A-Za-z])")
_LETTER = regex.compile(r"\(?(?:[a-z]|i{2,3}|iv|vi{0,3}|ix|xi{0,3})[.)]\s+(?=\S)")
_MARKER_ALONE = regex.compile(r"(?:\d{1,3}[.)]|[•·▪●◦○‣■□-])")


def read_text(text: str) -> list[Line]:
    """The lines of a text page, each with its kind, indent and printed number; blank lines are left out.

    Markers are taken off: the words of a paragraph are its line without "12." or "•".
    """
    rows = _rows(text)
    lines = [mark(indent, row) for indent, row in rows]
    kinds = Counter(line.kind for line in lines)
    if kinds[NUMBERED] and kinds[NUMBERED] >= kinds[DASH]:
        lines = _lettered_headings(lines, [row for _, row in rows])
        # Numbers count the paragraphs, so dashes are bullets, and deeper numbers are sub-lists.
        outer = _usual_indent(lines)
        return [_settle(line, outer) for line in lines]
    if kinds[DASH]:
        outer = min(line.depth for line in lines if line.kind == DASH)
        return [
            line._replace(kind=ITEM) if line.kind == NUMBERED or (line.kind == DASH and line.depth > outer) else line
            for line in lines
        ]
    return lines


def _rows(text: str) -> list[tuple[int, str]]:
    """(indent, text) of the lines that are not blank; a marker on a line of its own joins the next."""
    rows: list[tuple[int, str]] = []
    held: tuple[int, str] | None = None
    for raw in text.split("\n"):
        row = raw.strip()
        if not row:
            continue
        indent = len(raw) - len(raw.lstrip())
        if held is not None:
            indent, row = held[0], f"{held[1]} {row}"
            held = None
        elif len(row) <= 4 and _MARKER_ALONE.fullmatch(row):
            held = (indent, row)
            continue
        rows.append((indent, row))
    if held is not None:
        rows.append(held)
    return rows


def mark(indent: int, row: str) -> Line:
    """One line without its marker, and what the marker says it is."""
    first = row[0]
    if first.isdigit():
        number = _NUMBER.match(row)
        if number and len(row) > number.end():
            return Line(NUMBERED, row[number.end() :], indent, int(number[1]))
        return Line(PLAIN, row, indent)
    if first == "-":
        words = row[1:].lstrip()
        if words and (row[1] == " " or words[0].isalpha()):
            return Line(DASH, words, indent)
        return Line(PLAIN, row, indent)
    if not first.isalpha() or (len(row) > 2 and not row[1].isalpha()):
        bullet = _BULLET.match(row)
        if bullet and len(row) > bullet.end():
            return Line(ITEM, row[bullet.end() :], indent)
    if first == "(" or first.islower():
        letter = _LETTER.match(row)
        if letter:
            return Line(ITEM, row[letter.end() :], indent)
    if first in "Bb" and row.lower() == "back to top":
        return Line(TOP, row, indent)
    return Line(PLAIN, row, indent)


def _lettered_headings(lines: list[Line], rows: list[str]) -> list[Line]:
    """ "(a) The wait for an assessment" between paragraphs that count from 1 again is a heading, and no list of one."""
    settled = list(lines)
    for i in range(1, len(lines) - 1):
        before, line, after = lines[i - 1], lines[i], lines[i + 1]
        if (
            line.kind == ITEM
            and line.text[0].isupper()
            and _LETTER.match(rows[i]) is not None
            and line.text[-1] not in ".;:,"
            and before.kind != ITEM
            and before.text[-1] not in ";:,"
            and (after.kind, after.number) == (NUMBERED, 1)
        ):
            settled[i] = line._replace(kind=PLAIN, text=rows[i])
    return settled


def _usual_indent(lines: list[Line]) -> int:
    """The indent of the main count: the smallest one that holds a fair share of the numbered lines."""
    indents = Counter(line.depth for line in lines if line.kind == NUMBERED)
    total = sum(indents.values())
    return min(indent for indent, count in indents.items() if count * 5 >= total or indent == min(indents))


def _settle(line: Line, outer: int) -> Line:
    if line.kind == DASH:
        return line._replace(kind=ITEM)
    if line.kind == NUMBERED and line.depth > outer + 1:
        return line._replace(kind=ITEM)
    return line
