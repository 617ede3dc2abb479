"""The ledger: one SQLite file that knows months, listing pages and decision pages, and holds no text of them.

Every method that changes it is one transaction. Days and times are ISO 8601, times in UTC.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pipeline.scrape.site import Listing, Result

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS months (
    month TEXT PRIMARY KEY,            -- 2024-01
    state TEXT NOT NULL,               -- reading, open, growing, complete
    why TEXT,                          -- what keeps an open month open
    announced INTEGER,
    reading INTEGER NOT NULL,          -- how many times the listing has been read, the present one included
    read INTEGER NOT NULL DEFAULT 0,   -- whether that reading came to its end
    agreed INTEGER NOT NULL DEFAULT 0, -- whether it agrees with the one before
    read_at TEXT,                      -- when a reading last came to its end
    checked_at TEXT                    -- when the month was last settled or found unchanged
);
CREATE TABLE IF NOT EXISTS listings (
    month TEXT NOT NULL, page INTEGER NOT NULL, reading INTEGER NOT NULL, changed INTEGER NOT NULL,
    announced INTEGER NOT NULL, unread INTEGER NOT NULL, rows TEXT NOT NULL, etag TEXT, modified TEXT,
    PRIMARY KEY (month, page)
);
CREATE TABLE IF NOT EXISTS listed (
    month TEXT NOT NULL, page INTEGER NOT NULL, place INTEGER NOT NULL, reference TEXT NOT NULL,
    PRIMARY KEY (month, page, place)
);
CREATE TABLE IF NOT EXISTS pages (
    reference TEXT PRIMARY KEY,
    path TEXT NOT NULL,
    printed TEXT NOT NULL,
    month TEXT NOT NULL,               -- whose WARC file holds it
    state TEXT NOT NULL,               -- wanted, here, gone, forgotten
    due INTEGER NOT NULL DEFAULT 0,    -- ask again: its row changed, or it left the listing
    why TEXT,                          -- what went wrong at the last try
    listed INTEGER NOT NULL DEFAULT 1,
    row TEXT,                          -- digest of its row in the listing
    etag TEXT, modified TEXT, page_sha256 TEXT, text_sha256 TEXT,
    versions INTEGER NOT NULL DEFAULT 0,
    first_seen TEXT, last_seen TEXT, gone TEXT
);
CREATE INDEX IF NOT EXISTS pages_month ON pages (month);
CREATE INDEX IF NOT EXISTS listed_reference ON listed (reference);
CREATE TABLE IF NOT EXISTS files (month TEXT PRIMARY KEY, length INTEGER NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Month:
    """One month as the ledger has it."""

    month: str
    state: str
    why: str | None
    announced: int | None
    reading: int
    read: bool
    agreed: bool
    read_at: str | None
    checked_at: str | None


@dataclass(frozen=True, slots=True)
class ListedPage:
    """One listing page as it was last read; `rows` is a digest of its count and rows."""

    page: int
    reading: int
    announced: int
    rows: str
    etag: str | None
    modified: str | None


@dataclass(frozen=True, slots=True)
class Page:
    """One decision page as the ledger has it."""

    reference: str
    path: str
    printed: str
    month: str
    state: str
    due: bool
    why: str | None
    etag: str | None
    modified: str | None
    page_sha256: str | None
    text_sha256: str | None


@dataclass(frozen=True, slots=True)
class Version:
    """What is known of a version of a page when it is put into the archive."""

    reference: str
    path: str
    month: str
    etag: str | None
    modified: str | None
    page_sha256: str
    text_sha256: str
    fetched: str


@dataclass(frozen=True, slots=True)
class Tally:
    """The counts of one month: `listed` are different references, `collected` those of them here or gone."""

    month: str
    state: str
    why: str | None
    announced: int | None
    listed: int
    collected: int
    archived: int
    changed: int
    gone: int
    failed: int
    checked_at: str | None


class Ledger:
    """The open ledger. Use as a context manager."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, timeout=30, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        # A power cut may take the last commits, never more: what they said of WARC files is found again in these.
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_SCHEMA)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def _change(self, *statements: tuple[str, Sequence[object]]) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            for sql, values in statements:
                self._db.execute(sql, values)
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    # meta

    def note(self, name: str) -> str | None:
        """A note about the whole archive (`source`, `not_before`), or null."""
        row = self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return str(row["value"]) if row else None

    def set_note(self, name: str, value: str | None) -> None:
        """Writes a note; null removes it."""
        if value is None:
            self._change(("DELETE FROM meta WHERE name = ?", (name,)))
        else:
            self._change(("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value)))

    # months and their listings

    def month(self, month: str) -> Month | None:
        """One month, or null when it was never planned."""
        row = self._db.execute("SELECT * FROM months WHERE month = ?", (month,)).fetchone()
        return _month(row) if row else None

    def plan(self, months: Iterable[str]) -> None:
        """These months are to be scraped; those that are new stay open until they are."""
        sql = "INSERT OR IGNORE INTO months (month, state, why, reading) VALUES (?, 'open', 'not looked at yet', 0)"
        self._change(*((sql, (month,)) for month in months))

    def begin_reading(self, month: str) -> None:
        """The listing of the month is to be read (again) from its first page."""
        self._change(
            (
                "INSERT INTO months (month, state, reading) VALUES (?, 'reading', 1) ON CONFLICT (month) DO UPDATE "
                "SET state = 'reading', why = NULL, reading = reading + 1, read = 0, agreed = 0",
                (month,),
            )
        )

    def settle(self, month: str, state: str, why: str | None, now: str) -> None:
        """The month is open, growing or complete as of now."""
        self._change(("UPDATE months SET state = ?, why = ?, checked_at = ? WHERE month = ?", (state, why, now, month)))

    def listing(self, month: str, page: int) -> ListedPage | None:
        """One listing page as it was last read, or null."""
        row = self._db.execute(
            "SELECT page, reading, announced, rows, etag, modified FROM listings WHERE month = ? AND page = ?",
            (month, page),
        ).fetchone()
        return ListedPage(**row) if row else None

    def save_listing(
        self,
        month: str,
        page: int,
        reading: int,
        listing: Listing | None,
        rows: str,
        validators: tuple[str | None, str | None],
    ) -> None:
        """A listing page was read; `listing` is null when it is the same as before."""
        if listing is None:
            self._change(
                (
                    "UPDATE listings SET reading = ?, changed = 0, etag = ?, modified = ? WHERE month = ? AND page = ?",
                    (reading, *validators, month, page),
                )
            )
            return
        self._change(
            (
                "INSERT OR REPLACE INTO listings VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?)",
                (month, page, reading, listing.announced, listing.unread, rows, *validators),
            ),
            ("DELETE FROM listed WHERE month = ? AND page = ?", (month, page)),
            *(
                ("INSERT INTO listed VALUES (?, ?, ?, ?)", (month, page, place, result.reference))
                for place, result in enumerate(listing.results)
            ),
            *(_known(result, month) for result in listing.results),
        )

    def end_reading(self, month: str, pages: int, now: str) -> None:
        """The reading came to its end with that many pages. Pages that left the listing become due."""
        self._change(
            ("UPDATE listings SET changed = 2 WHERE month = ? AND page > ?", (month, pages)),  # they were there before
            (
                "UPDATE months SET read = 1, read_at = ?, agreed = NOT EXISTS "
                "(SELECT 1 FROM listings l WHERE l.month = months.month AND l.changed), "
                "announced = (SELECT announced FROM listings l WHERE l.month = months.month AND l.page = 1) WHERE "
                "month = ?",
                (now, month),
            ),
            ("DELETE FROM listed WHERE month = ? AND page > ?", (month, pages)),
            ("DELETE FROM listings WHERE month = ? AND page > ?", (month, pages)),
            (
                "UPDATE pages SET listed = 0, due = state = 'here' WHERE month = ? AND listed "
                "AND reference NOT IN (SELECT reference FROM listed)",
                (month,),
            ),
        )

    def counts(self, month: str) -> tuple[set[int], int, int, int]:
        """Of the month's listing: the counts its pages announce, its rows, different references, unread rows."""
        announced = {row[0] for row in self._db.execute("SELECT announced FROM listings WHERE month = ?", (month,))}
        rows, different = self._db.execute(
            "SELECT count(*), count(DISTINCT reference) FROM listed WHERE month = ?", (month,)
        ).fetchone()
        unread = self._db.execute("SELECT coalesce(sum(unread), 0) FROM listings WHERE month = ?", (month,)).fetchone()[
            0
        ]
        return announced, rows, different, unread

    def outstanding(self, month: str, before: str) -> list[Page]:
        """The pages to ask for: new, due, or not asked for since `before`, in the listing's order; then those that
        failed.

        Failed ones come last, so that a few pages which always fail never keep a run from the others.
        """
        return [
            Page(**row)
            for row in self._db.execute(
                "SELECT p.reference, p.path, p.printed, p.month, state, due, why, etag, modified, page_sha256, "
                "text_sha256 FROM pages p "
                "LEFT JOIN (SELECT reference, min(page * 1000 + place) AS place FROM listed WHERE month = ?1 GROUP "
                "BY reference) l "
                "USING (reference) WHERE (l.place IS NOT NULL OR p.month = ?1) AND ("
                "state = 'wanted' OR why IS NOT NULL OR due OR "
                "(state = 'here' OR state = 'gone' AND listed) AND last_seen <= ?2) "
                "ORDER BY p.why IS NOT NULL, l.place IS NULL, l.place, p.reference",
                (month, before),
            )
        ]

    def troubles(self, month: str) -> list[tuple[str, str]]:
        """(path, what is wrong) of the month's pages that are not settled."""
        return [
            (row["path"], row["why"] or "not fetched yet")
            for row in self._db.execute(
                "SELECT path, why FROM pages WHERE (month = ?1 OR reference IN (SELECT reference FROM listed WHERE "
                "month = ?1)) "
                "AND (state = 'wanted' OR why IS NOT NULL OR due) ORDER BY reference",
                (month,),
            )
        ]

    # decision pages

    def archived(self, version: Version, length: int) -> None:
        """A version was appended to its month's WARC file, which is now `length` bytes long."""
        v = version
        self._change(
            (
                "INSERT INTO pages (reference, path, printed, month, state, listed) VALUES (?1, ?2, ?1, ?3, "
                "'wanted', 0) "
                "ON CONFLICT (reference) DO NOTHING",
                (v.reference, v.path, v.month),
            ),
            (
                "UPDATE pages SET state = 'here', due = 0, why = NULL, etag = ?, modified = ?, page_sha256 = ?, "
                "text_sha256 = ?, "
                "versions = versions + 1, first_seen = coalesce(first_seen, ?), last_seen = ?, gone = NULL WHERE "
                "reference = ?",
                (v.etag, v.modified, v.page_sha256, v.text_sha256, v.fetched, v.fetched, v.reference),
            ),
            _length(v.month, length),
        )

    def unchanged(self, reference: str, etag: str | None, modified: str | None, sha256: str | None, now: str) -> None:
        """The page was asked for and its text is the archived one; `sha256` is of its bytes, null if none came."""
        self._change(
            (
                "UPDATE pages SET state = 'here', due = 0, why = NULL, gone = NULL, last_seen = ?, etag = "
                "coalesce(?, etag), "
                "modified = coalesce(?, modified), page_sha256 = coalesce(?, page_sha256) WHERE reference = ?",
                (now, etag, modified, sha256, reference),
            )
        )

    def gone(self, reference: str, now: str) -> None:
        """The page answers 404 or 410. What is archived of it stays."""
        self._change(
            (
                "UPDATE pages SET state = CASE state WHEN 'forgotten' THEN state ELSE 'gone' END, due = 0, why = NULL, "
                "gone = coalesce(gone, ?), last_seen = ? WHERE reference = ?",
                (now, now, reference),
            )
        )

    def failed(self, reference: str, why: str) -> None:
        """The page could not be had or read. What is archived of it stays."""
        self._change(("UPDATE pages SET why = ? WHERE reference = ?", (why, reference)))

    def gone_pages(self) -> list[Page]:
        """The pages that are gone and not yet forgotten."""
        return [
            Page(**row)
            for row in self._db.execute(
                "SELECT reference, path, printed, month, state, due, why, etag, modified, page_sha256, text_sha256 "
                "FROM "
                "pages "
                "WHERE state = 'gone' AND versions > 0 ORDER BY month, reference"
            )
        ]

    def forgotten(self, month: str, references: Iterable[str], length: int) -> None:
        """The text of these pages was removed from the month's file, which is now `length` bytes long."""
        self._change(
            *(
                (
                    "UPDATE pages SET state = 'forgotten', due = 0, why = NULL, row = NULL, etag = NULL, modified = "
                    "NULL, "
                    "page_sha256 = NULL, text_sha256 = NULL, versions = 0 WHERE reference = ?",
                    (reference,),
                )
                for reference in references
            ),
            _length(month, length),
        )

    # files

    def set_length(self, month: str, length: int) -> None:
        """The month's WARC file is that long, and all of it is known."""
        self._change(_length(month, length))

    def files(self) -> dict[str, int]:
        """Month → length of its WARC file in bytes, as far as the ledger knows what it holds."""
        return {
            row["month"]: row["length"] for row in self._db.execute("SELECT month, length FROM files ORDER BY month")
        }

    def recount(self, month: str, versions: Counter[str]) -> None:
        """The month's file was found to hold these versions and no more.

        What it lacks is wanted again, or forgotten if gone.
        """
        references = [
            row["reference"] for row in self._db.execute("SELECT reference FROM pages WHERE month = ?", (month,))
        ]
        self._change(
            *(
                ("UPDATE pages SET versions = ? WHERE reference = ?", (versions[reference], reference))
                for reference in references
            ),
            (
                "UPDATE pages SET state = CASE state WHEN 'gone' THEN 'forgotten' WHEN 'here' THEN 'wanted' ELSE "
                "state END, "
                "etag = NULL, modified = NULL, page_sha256 = NULL, text_sha256 = NULL "
                "WHERE month = ? AND versions = 0 AND text_sha256 IS NOT NULL",
                (month,),
            ),
        )

    # status

    def tallies(self) -> Iterator[Tally]:
        """The counts of every month, in order; a month with pages that was never listed itself is open."""
        for row in self._db.execute(
            "SELECT month FROM months UNION SELECT month FROM pages ORDER BY month",
        ).fetchall():
            month = self.month(row["month"])
            listed, collected = self._db.execute(
                "SELECT count(DISTINCT l.reference), count(DISTINCT CASE WHEN p.state != 'wanted' THEN p.reference "
                "END) "
                "FROM listed l JOIN pages p USING (reference) WHERE l.month = ?",
                (row["month"],),
            ).fetchone()
            archived, changed, gone, failed = self._db.execute(
                "SELECT count(*) FILTER (WHERE versions > 0), count(*) FILTER (WHERE versions > 1), "
                "count(*) FILTER (WHERE state IN ('gone', 'forgotten')), count(*) FILTER (WHERE why IS NOT NULL) "
                "FROM pages WHERE month = ?",
                (row["month"],),
            ).fetchone()
            yield Tally(
                month=row["month"],
                state=month.state if month else "open",
                why=month.why if month else "never listed itself; its pages stood in another month's listing",
                announced=month.announced if month else None,
                listed=listed,
                collected=collected,
                archived=archived,
                changed=changed,
                gone=gone,
                failed=failed,
                checked_at=month.checked_at if month else None,
            )


def _month(row: sqlite3.Row) -> Month:
    values = dict(row)
    return Month(**{**values, "read": bool(values["read"]), "agreed": bool(values["agreed"])})


def _length(month: str, length: int) -> tuple[str, Sequence[object]]:
    return "INSERT OR REPLACE INTO files VALUES (?, ?)", (month, length)


def _known(result: Result, window: str) -> tuple[str, Sequence[object]]:
    """A row of a listing makes its page known.

    A row of another month's window says nothing new about a page that is known.
    """
    month = f"{result.day:%Y-%m}"
    return (
        "INSERT INTO pages (reference, path, printed, month, state, row) VALUES (?1, ?2, ?3, ?4, 'wanted', ?5) "
        "ON CONFLICT (reference) DO UPDATE SET path = ?2, printed = ?3, row = ?5, listed = 1, "
        "due = due OR (state != 'wanted' AND row IS NOT NULL AND row != ?5) OR (state IN ('gone', 'forgotten') AND "
        "NOT listed) "
        "WHERE month = ?6 OR NOT listed",
        (result.reference, result.path, result.printed, month, result.digest, window),
    )
