"""What the scraper's tests share: a client in a hurry, one way to run, and ways to look at what came of it."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from pipeline.scrape import lgsco
from pipeline.scrape.archive import Archive, read_pages
from pipeline.scrape.client import Client, Clock, Pace
from pipeline.scrape.months import Outcome, months_between, scrape
from pipeline.scrape.replica import Replica
from pipeline.values import RawPage

CONTACT = "tests@example.org"
HURRY = Pace(delay=0.0, slowest=0.05, silence=0.4, total=0.8, largest=2_000_000)
MONTHS = months_between(date(2024, 1, 1), date(2024, 3, 31))
TIMES = {"first_seen", "last_seen", "gone", "read_at", "checked_at"}


def run(replica: Replica, folder: Path, months: Sequence[str] = MONTHS, **settings: Any) -> Outcome:
    """One scrape of the replica, in this process."""
    return scrape_away(replica.base, folder, months, **settings)


def scrape_away(base: str, folder: Path, months: Sequence[str] = MONTHS, **settings: Any) -> Outcome:
    """One scrape of whatever answers at an address, in whatever process this is."""
    clock = settings.pop("clock", Clock())
    with Archive(folder, lgsco.NAME) as archive, Client(base, CONTACT, HURRY, clock) as client:
        return scrape(lgsco, client, archive, list(months), **settings)


def archived(folder: Path) -> list[RawPage]:
    """Every current page of an archive, as the dataset's stages get them."""
    return [page for path in sorted(folder.glob("*.warc.gz")) for page in read_pages(path)]


def contents(folder: Path) -> dict[str, bytes]:
    """Path on the site → bytes. Fails when a decision is there twice."""
    pages = archived(folder)
    found = {str(page.url).removeprefix(lgsco.BASE): page.content for page in pages}
    assert len(found) == len(pages)
    return found


def published(replica: Replica, but: set[str] = frozenset()) -> dict[str, bytes]:  # type: ignore[assignment]
    """Path on the site → the bytes that the replica publishes there."""
    return {path: replica.page(path) for path in replica.published if path not in but}


def ledger_rows(folder: Path) -> dict[str, list[tuple[object, ...]]]:
    """All that the ledger says of pages, listings and files, but for the times."""
    db = sqlite3.connect(folder / "ledger.sqlite")
    db.row_factory = sqlite3.Row
    found = {}
    for table in ("months", "listings", "listed", "pages"):
        rows = [
            tuple(row[name] for name in row.keys() if name not in TIMES)  # noqa: SIM118 - a Row is no mapping
            for row in db.execute(f"SELECT * FROM {table}")
        ]
        found[table] = sorted(rows, key=repr)
    db.close()
    return found


def everything(folder: Path) -> dict[str, str]:
    """Name → digest of every file below a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
