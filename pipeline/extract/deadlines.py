"""Deadlines as written, and the dates they come to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import regex

from pipeline.dates import DATE, add_period, date_of
from pipeline.extract.money import number

_COUNT = (
    r"\d{1,3}|a(?: further| calendar)?|an(?:other)?|one|two|three|four|five|six|seven|eight|nine|ten|eleven"
    r"|twelve|thirteen|fourteen|fifteen|sixteen"
    r"|eighteen|twenty(?:[- ](?:one|two|three|four|five|six|seven|eight|nine))?|thirty|forty|sixty|ninety"
)
_PERIOD = regex.compile(
    r"\b(?:(?:with)?in|with|allowing|given|has|have|no (?:later|more) than|not (?:later|more) than|inside"
    r"|by the end of|at the latest) (?:a further |another |the next |the first )?"
    rf"(?P<count>{_COUNT})[ -](?:calendar |full )?(?P<work>working |school |business )?"
    r"(?P<unit>day|week|fortnight|month|year)s?(?:’|'|\b)"
    r"(?P<from> (?:of|from|after|following)(?: the date of| receiving| issuing)? "
    r"(?:(?:the|my|our|this|that|its|date of) )*"
    r"(?:(?:final|the|public|Ombudsman’s|Ombudsmen’s|Ombudsman's|date of (?:the|this|my|our)) )*"
    r"(?:decision|statement|report|date))?"
    rf"|\b(?P<bare>{_COUNT})[ -](?:calendar )?(?P<bwork>working )?(?P<bunit>day|week|month|year)s?(?:’|')? "
    r"(?:of|from|after|following) (?:(?:the|my|our|this|that|date of|final) )*"
    r"(?:final |date of (?:the|this|my|our) (?:final )?)?(?:decision|statement|report)",
    regex.IGNORECASE,
)
_BY = regex.compile(
    r"\b(?:by|no later than|not later than|before|on or before|until|latest by)(?: the end of)? "
    r"(?:(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day,? )?$",
    regex.IGNORECASE,
)
_END_OF = regex.compile(
    r"\b(?:by|before|no later than|not later than)(?: the)? end of "
    r"(?P<month>January|February|March|April|May|June|July|August|September|October|November|December)"
    r"(?: (?P<year>\d{4}))?",
    regex.IGNORECASE,
)
_END_OF_YEAR = regex.compile(
    r"\b(?:by|before)(?: the)? end of (?P<year>20\d\d|the (?:calendar )?year)\b", regex.IGNORECASE
)
_SAME = regex.compile(
    r"\b(?:(?:with)?in|by|inside) (?:the|that|those) same (?:\w+ )?"
    r"(?:month|months|period|time|date|day|timescale|timetable|weeks|days|deadline)"
    r"|\b(?:with)?in (?:those|these) (?:\w+ )?(?:weeks|months|days)"
    r"|\bat the same time|\bby (?:the same|that) date|\b(?:with)?in that time|\bby then\b",
    regex.IGNORECASE,
)
# "within the same four weeks": counted again from the decision, whatever came between.
_SAME_PERIOD = regex.compile(
    rf"\b(?:with)?in (?:the|those|that) same (?P<count>{_COUNT}) (?P<work>working )?(?P<unit>day|week|month)s?\b",
    regex.IGNORECASE,
)
_ANCHORED_ELSEWHERE = regex.compile(
    r"\s*(?:of|from|after|following)\s+"
    r"(?:its|the|her|his|their|that|any|receiving|receipt|notice|being|a|an|each)\b"
    r"(?!\s+(?:same|date|final|decision|statement|report|public))",
    regex.IGNORECASE,
)


CONDITION = regex.compile(
    r"\W*(?:if|should|where|unless|once|when)\b(?:(?! (?:it|they|the \w+|\w+) will\b)[^,]){5,160}"
    r"(?:, ?|(?= (?:it|they|the \w+|\w+) will\b))",
    regex.IGNORECASE,
)
_FURTHER = regex.compile(r"\b(?:further|another)\b", regex.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Deadline:
    """A deadline: its words, and the date it comes to (null when it hangs on a date that is not known).

    `same` says that the words repeat the deadline before ("within the same period").
    """

    words: str
    due: date | None
    same: bool = False


def find_deadline(text: str, decided: date | None, last: date | None = None) -> Deadline | None:
    """The first deadline in `text`; periods count from the day of the decision, `decided`.

    "A further month" counts from `last`, the date before, where there is one. What stands in an if-clause at the front
    is a condition and no deadline.
    """
    found: list[tuple[int, Deadline]] = []
    condition = CONDITION.match(text)
    for match in _PERIOD.finditer(text, condition.end() if condition else 0):
        count = 1 if (match["count"] or "").lower().startswith("a") else number(match["count"] or match["bare"] or "")
        unit = (match["unit"] or match["bunit"]).lower()
        if count is None:
            continue
        if (
            match["count"]
            and match[0].split(" ", 1)[0].lower() in ("with", "has", "have", "given", "allowing")
            and not text.startswith(" to ", match.end())
        ):
            continue  # "has three months to complete them" is a deadline, "has three months left" is none
        # "within two weeks of the hearing" hangs on something else than the decision.
        elsewhere = (
            match["count"] is not None and match["from"] is None and _ANCHORED_ELSEWHERE.match(text, match.end())
        )
        start = last if last is not None and _FURTHER.search(match[0]) else decided
        due = None if start is None or elsewhere else _after(start, count, unit, bool(match["work"] or match["bwork"]))
        found.append((match.start(), Deadline(match[0], due)))
    for match in _END_OF.finditer(text):
        year = int(match["year"]) if match["year"] else (decided.year if decided else None)
        first = date_of(DATE.match(f"1 {match['month']} {year}")) if year else None  # type: ignore[arg-type]
        if first is not None and decided is not None and first < decided and not match["year"]:
            first = add_period(first, 1, "year")
        found.append(
            (match.start(), Deadline(match[0], add_period(add_period(first, 1, "month"), -1, "day") if first else None))
        )
    for match in _END_OF_YEAR.finditer(text):
        last_day = date(int(match["year"]), 12, 31) if match["year"].isdigit() else None
        found.append((match.start(), Deadline(match[0], last_day or (decided and date(decided.year, 12, 31)))))
    for match in DATE.finditer(text, condition.end() if condition else 0):
        opener = _BY.search(text, max(0, match.start() - 40), match.start())
        if opener is None:
            continue
        due = date_of(match, decided.year if decided else None)
        if (
            due is not None
            and decided is not None
            and due < decided
            and not (match["year"] or match["y"] or match["iy"])
        ):
            due = add_period(due, 1, "year")
        if due is not None and decided is not None and due < decided:
            continue  # "charged before 22 May 2023" tells what was, not when to act
        found.append((opener.start(), Deadline(text[opener.start() : match.end()], due)))
    for match in _SAME_PERIOD.finditer(text, condition.end() if condition else 0):
        count = number(match["count"])
        if count is not None and decided is not None:
            due = _after(decided, count, match["unit"].lower(), bool(match["work"]))
            found.append((match.start(), Deadline(match[0], due)))
    repeats = _SAME.finditer(text, condition.end() if condition else 0)
    found.extend((match.start(), Deadline(match[0], None, same=True)) for match in repeats)
    return min(found, key=lambda item: item[0])[1] if found else None


def _after(day: date, count: int, unit: str, working: bool) -> date:
    if unit == "fortnight":
        return add_period(day, 2 * count, "week")
    return add_period(day, count, "working_day" if working and unit == "day" else unit)
