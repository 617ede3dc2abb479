"""Sums of money in text: where they stand, how much they are, and by what period."""

from __future__ import annotations

from dataclasses import dataclass

import regex

_UNITS = [
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
]  # fmt: skip
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
WORDS = {word: i for i, word in enumerate(_UNITS, start=1)} | {word: 10 * i for i, word in enumerate(_TENS, start=2)}
_WORD = "|".join(
    sorted(
        (*WORDS, "a(?: couple of)?(?= (?:hundred|thousand|million))", "hundred", "thousand", "million"),
        key=len,
        reverse=True,
    )
)
_SUM = regex.compile(
    r"£\s?(?P<pounds>\d{1,3}(?:,\d{3})+|\d+)(?P<pence>\.\d{1,2})?(?!\d)"
    r"(?:\s?(?P<scale>k|m|bn|million|thousand|billion)\b)?"
    r"|(?<![\d.,£\w])(?P<number>\d{1,3}(?:,\d{3})+|\d+)(?P<part>\.\d{1,2})?\s?(?P<coin>pounds|pence"
    r"|(?-i:p))\b(?!\.\s?\d)",
    regex.IGNORECASE,
)
_SPELT = regex.compile(
    rf"\b(?P<words>(?:(?:{_WORD})(?:[ -](?:and )?)?)+?)[ -]?(?P<unit>pounds|pence)\b",
    regex.IGNORECASE,
)
_SCALES = {"k": 1e3, "thousand": 1e3, "m": 1e6, "million": 1e6, "bn": 1e9, "billion": 1e9}
FREQUENCIES = {
    "day": "day", "night": "day", "daily": "day", "nightly": "day",
    "week": "week", "weekly": "week", "pw": "week",
    "fortnight": "fortnight", "fortnightly": "fortnight",
    "month": "month", "monthly": "month", "pcm": "month",
    "term": "term", "termly": "term",
    "year": "year", "yearly": "year", "annum": "year", "annually": "year",
}  # fmt: skip
_PER = regex.compile(
    r"\s*(?:,\s*)?(?:(?:a|an|per|each|every|for each|for every|for each of the|for each of|for every one of the"
    r"|for each full"
    r"|for each complete|for each school|per school|per calendar|for each calendar)\s+"
    r"(?:(?P<count>\d+|[a-z]+)\s+)?(?:(?:school|working|full|complete|whole)\s+)?(?P<unit>day|night|week"
    r"|fortnight|month|term|year|annum)s?"
    r"|(?P<adverb>daily|nightly|weekly|fortnightly|monthly|termly|yearly|annually|pcm|pw))\b",
    regex.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Sum:
    """One sum: its span (frequency left out), pounds, the period it is paid by, and where that period's words end."""

    start: int
    end: int
    pounds: float
    frequency: str | None
    reach: int


def find_sums(text: str, start: int = 0, end: int | None = None) -> list[Sum]:
    """Every sum in `text[start:end]`, in order; offsets count in `text`."""
    stop = len(text) if end is None else end
    sums = [_sum(text, found) for found in _SUM.finditer(text, start, stop)]
    if text.find("pounds", start, stop) >= 0 or text.find("pence", start, stop) >= 0:
        taken = {s.end for s in sums}
        sums += [one for found in _SPELT.finditer(text, start, stop) if (one := _spelt(text, found)).end not in taken]
        sums.sort(key=lambda s: s.start)
    return sums


def _sum(text: str, found: regex.Match[str]) -> Sum:
    if found["pounds"]:
        pounds = float(found["pounds"].replace(",", "") + (found["pence"] or "")) * _SCALES.get(
            (found["scale"] or "").lower(), 1.0
        )
    else:
        pounds = float(found["number"].replace(",", "") + (found["part"] or "")) / (
            1.0 if found["coin"].lower() == "pounds" else 100.0
        )
    return _with_period(text, found.start(), found.end(), pounds)


def _spelt(text: str, found: regex.Match[str]) -> Sum:
    pounds = float(number(found["words"]) or 0) / (1.0 if found["unit"].lower() == "pounds" else 100.0)
    return _with_period(text, found.start(), found.end(), pounds)


def _with_period(text: str, start: int, end: int, pounds: float) -> Sum:
    per = _PER.match(text, end)
    frequency = FREQUENCIES[(per["unit"] or per["adverb"]).lower()] if per else None
    return Sum(start, end, round(pounds, 2), frequency, per.end() if per else end)


def number(words: str) -> int | None:
    """The whole number that digits or words say ("14", "twenty-six", "two hundred and fifty"), or null."""
    cleaned = words.lower().replace(",", "").replace("a couple of", "two").strip()
    if cleaned.isdigit():
        return int(cleaned)
    if cleaned in ("a", "an"):
        return 1
    total = current = 0
    parts = [part for part in regex.split(r"[\s-]+|\band\b", cleaned) if part]
    if not parts:
        return None
    for part in parts:
        if part in WORDS:
            current += WORDS[part]
        elif part in ("a", "an"):
            continue  # "a hundred"
        elif part == "hundred":
            current = max(current, 1) * 100
        elif part in ("thousand", "million"):
            total += max(current, 1) * (1000 if part == "thousand" else 1_000_000)
            current = 0
        else:
            return None
    return total + current
