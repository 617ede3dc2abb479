"""Dates as decisions write them, in and out of sentences, and dates reckoned from them."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

import holidays
import regex
from dateutil.relativedelta import relativedelta

MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan",
            "february feb",
            "march mar",
            "april apr",
            "may",
            "june jun",
            "july jul",
            "august aug",
            "september sept sep",
            "october oct",
            "november nov",
            "december dec",
        ),
        start=1,
    )
    for name in names.split()
}
_MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
DATE = regex.compile(
    rf"(?<!\d)(?P<day>\d{{1,2}})(?:st|nd|rd|th)?[ -](?:of )?(?P<month>{_MONTH})\.?,?(?:[ -](?P<year>\d{{4}}))?(?!\w)"
    r"|(?<!\d)(?P<d>\d{1,2})/(?P<m>\d{1,2})/(?P<y>\d{4})(?!\d)"
    r"|(?<!\d)(?P<iy>\d{4})-(?P<im>\d{2})-(?P<id>\d{2})(?!\d)",
    regex.IGNORECASE,
)


def parse_date(text: str) -> date | None:
    """The first whole date (day, month and year) in `text`, or null."""
    for found in DATE.finditer(text):
        day = date_of(found)
        if day is not None:
            return day
    return None


def date_of(found: regex.Match[str], year: int | None = None) -> date | None:
    """The date of a DATE match; `year` serves where it names none. Null for a date that does not exist."""
    try:
        if found["month"]:
            named = int(found["year"]) if found["year"] else year
            return date(named, MONTHS[found["month"].lower()], int(found["day"])) if named else None
        if found["y"]:
            return date(int(found["y"]), int(found["m"]), int(found["d"]))
        return date(int(found["iy"]), int(found["im"]), int(found["id"]))
    except ValueError:
        return None


@cache
def _bank_holidays() -> holidays.HolidayBase:
    return holidays.country_holidays("GB", subdiv="ENG")


def add_period(start: date, count: int, unit: str) -> date:
    """`start` and a period: unit is `day`, `working_day`, `week`, `month` or `year`.

    A month is a calendar month; working days leave out weekends and English bank holidays.
    """
    if unit == "working_day":
        day = start
        free = _bank_holidays()
        while count > 0:
            day += timedelta(days=1)
            if day.weekday() < 5 and day not in free:
                count -= 1
        return day
    if unit == "day":
        return start + timedelta(days=count)
    if unit == "week":
        return start + timedelta(weeks=count)
    if unit == "month":
        return start + relativedelta(months=count)
    if unit == "year":
        return start + relativedelta(years=count)
    raise ValueError(f"unknown unit of time: {unit}")
