"""Scraping month by month: read the listing, fetch what is wanted, read the listing again until nothing moves.

A month is complete when two readings of its listing in a row agree, the announced count is the number of different
decisions
listed, and each of them is in the archive or gone from the site. Anything else leaves it open, with the reason.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

from pipeline.clean import clean
from pipeline.scrape.archive import Archive
from pipeline.scrape.client import Client, FetchFailed, Forbidden, Response, ShutOut
from pipeline.scrape.ledger import Ledger, Month, Page, Tally
from pipeline.scrape.site import Listing, Site, SiteChanged
from pipeline.values import Decision, RawPage, Unreadable

READINGS = 6  # of one listing in one run, before the month is left open as restless
IN_A_ROW = 3  # pages that fail for the first time, one after the other, end the run: it is the site, not the page
_SETTLED = ("complete", "growing")


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that went wrong: where, what, whether the site has changed, and the file that keeps the answer."""

    url: str
    reason: str
    changed: bool
    kept: Path | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run did. `received` is in bytes; `stopped` says why the run ended before its last month."""

    months: tuple[Tally, ...]
    troubles: tuple[Trouble, ...]
    fetched: int
    requests: int
    received: int
    stopped: str | None

    @property
    def exit_code(self) -> int:
        """0 all months settled, 1 something is open, 3 the site is not what it was."""
        if any(trouble.changed for trouble in self.troubles):
            return 3
        return int(self.stopped is not None or any(month.state not in _SETTLED for month in self.months))


@dataclass(frozen=True, slots=True)
class Step:
    """How far a month is: pages asked for and to ask for. `trouble` is what just went wrong, if anything."""

    month: str
    done: int
    total: int
    trouble: Trouble | None = None


class _Stop(Exception):  # noqa: N818
    """The run must end."""


def months_between(first: date, last: date) -> list[str]:
    """The months (`2024-01`) that hold any day from `first` to `last`, in order."""
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    return [f"{first.year + k // 12:04}-{k % 12 + 1:02}" for k in range(first.month - 1, first.month - 1 + count)]


def bounds(month: str) -> tuple[date, date]:
    """The first and the last day of a month."""
    first = date.fromisoformat(f"{month}-01")
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def text_digest(decision: Decision) -> str:
    """SHA-256 over what a reader of the decision sees: header, summary and text, not markup or address."""
    header = replace(decision.header, url=None)
    seen = [header.organisation, header.reference, header.category, header.subcategory, header.decision]
    words = [*seen, str(header.decision_date), header.document_type, decision.summary, decision.text]
    return hashlib.sha256(json.dumps(words, ensure_ascii=False).encode("utf-8", errors="replace")).hexdigest()


def scrape(
    site: Site,
    client: Client,
    archive: Archive,
    months: list[str],
    recheck_days: float = 90,
    tell: Callable[[Step], None] = lambda step: None,
) -> Outcome:
    """Fills the archive with the decisions of the months, one after the other.

    Listings and pages that were last looked at more than `recheck_days` ago are looked at again, by conditional
    requests.
    What goes wrong with a page or a month is in the outcome and the ledger; only a failing disk raises (OSError).
    """
    run = _Run(site, client, archive, recheck_days, tell)
    since = _began(archive.ledger, months, client)
    archive.ledger.plan(months)
    stopped: str | None = None
    for month in months:
        known = run.known(month)
        if known.state in _SETTLED and since and (known.checked_at or "") >= since:
            continue  # by the run that goes on here
        try:
            run.month(month)
        except _Stop as stop:
            stopped = str(stop)
            break
    archive.ledger.set_note("run", None)
    tallies = tuple(tally for tally in archive.ledger.tallies() if tally.month in months)
    return Outcome(tallies, tuple(run.troubles), run.fetched, client.requests, client.received, stopped)


def _began(ledger: Ledger, months: list[str], client: Client) -> str | None:
    """When the run that was killed began, if this one goes on with it: the same months, on the same day."""
    began, _, before = (ledger.note("run") or "").partition(" ")
    if before == " ".join(months) and began > _iso(client, timedelta(days=1)):
        return began
    ledger.set_note("run", f"{_iso(client)} {' '.join(months)}")
    return None


class _Run:
    """One run over an archive: its tools, and what it has seen so far."""

    def __init__(
        self, site: Site, client: Client, archive: Archive, recheck_days: float, tell: Callable[[Step], None]
    ) -> None:
        self.site, self.client, self.archive, self.tell = site, client, archive, tell
        self.ledger: Ledger = archive.ledger
        self.oldest = _iso(client, timedelta(days=recheck_days))
        self.troubles: list[Trouble] = []
        self.tried: set[str] = set()
        self.failed: set[str] = set()
        self.fetched = 0
        self.in_a_row = 0

    def month(self, month: str) -> None:
        """Brings one month as far as it goes. Raises _Stop when the run must end."""
        self.tell(Step(month, 0, 0))
        try:
            why = self._month(month)
        except SiteChanged as error:
            self._settle(month, str(error))
            raise _Stop(f"the site has changed, or turns us away: {error}") from error
        except (Forbidden, FetchFailed) as error:  # of a listing: no month can do without
            if isinstance(error, ShutOut) and error.until is not None:
                self.ledger.set_note("not_before", error.until.isoformat(timespec="seconds"))
            self._trouble(month, Trouble(error.url, error.reason, changed=False))
            self._settle(month, str(error))
            raise _Stop(str(error)) from error
        except _Stop as stop:
            self._settle(month, str(stop))
            raise
        self._settle(month, why)

    def _month(self, month: str) -> str | None:
        """Null when everything announced is here, else what keeps the month open."""
        known = self.known(month)
        if known.state in _SETTLED and known.read_at is not None and known.read_at > self.oldest:
            if not self._first_page_changed(month, known.reading):
                self._fetch(month)
                return self._open(month)
        elif known.state != "reading":
            self.ledger.begin_reading(month)
        for _ in range(READINGS):
            known = self.known(month)
            if not known.read:
                self._read(month, known.reading)
            self._fetch(month)
            if self.known(month).agreed:
                return self._open(month)
            self.ledger.begin_reading(month)
        return f"its listing changed in each of {READINGS} readings"

    def known(self, month: str) -> Month:
        """What the ledger has of a month that was planned."""
        known = self.ledger.month(month)
        assert known is not None
        return known

    def _settle(self, month: str, why: str | None) -> None:
        growing = bounds(month)[1] >= self.client.clock.now().date()
        self.ledger.settle(month, "open" if why else "growing" if growing else "complete", why, _iso(self.client))

    def _open(self, month: str) -> str | None:
        announced, rows, different, unread = self.ledger.counts(month)
        if unread:
            return f"{unread} of its results could not be read"
        if announced != {different}:
            counts = " and ".join(f"{count:,}" for count in sorted(announced))
            return f"the site announces {counts}, and lists {different:,} different decisions in {rows:,} results"
        troubles = self.ledger.troubles(month)
        if troubles:
            path, reason = troubles[0]
            more = f", and {len(troubles) - 1} more" if len(troubles) > 1 else ""
            return f"{path}: {reason}{more}"
        return None

    # listings

    def _read(self, month: str, reading: int) -> None:
        """One reading of the month's listing, page by page; goes on behind the pages that this reading already has."""
        page, pages = 1, 1
        while page <= pages:
            known = self.ledger.listing(month, page)
            if known is None or known.reading != reading:
                listing, rows, validators = self._listing(month, page)
                self.ledger.save_listing(month, page, reading, listing, rows, validators)
                known = self.ledger.listing(month, page)
                assert known is not None
            pages = max(1, -(-known.announced // self.site.PER_PAGE))
            page += 1
        self.ledger.end_reading(month, pages, _iso(self.client))

    def _first_page_changed(self, month: str, reading: int) -> bool:
        """Looks at the first listing page alone; a changed one begins a new reading."""
        listing, rows, validators = self._listing(month, 1)
        if listing is None:
            self.ledger.save_listing(month, 1, reading, None, rows, validators)
            return False
        self.ledger.begin_reading(month)
        self.ledger.save_listing(month, 1, reading + 1, listing, rows, validators)
        return True

    def _listing(self, month: str, page: int) -> tuple[Listing | None, str, tuple[str | None, str | None]]:
        """(the listing page, or null when it is as it was; the digest of its rows; ETag and Last-Modified)."""
        known = self.ledger.listing(month, page)
        before = (known.etag, known.modified) if known else (None, None)
        path = self.site.listing_path(*bounds(month), page)
        response = self.client.get(path, *before, whole=self.site.is_whole)
        if response.status == 304 and known is not None:
            return (
                None,
                known.rows,
                (response.header("etag") or known.etag, response.header("last-modified") or known.modified),
            )
        try:
            if response.status != 200:
                raise SiteChanged(response.url, f"the search answered {response.status}")
            listing = self.site.read_listing(response.body, response.url)
            if page == 1 and listing.announced and not listing.results:
                raise SiteChanged(response.url, f"announces {listing.announced:,} results and lists none")
        except SiteChanged as error:
            self._changed(month, month, self.site.BASE + path, error, response)
            raise
        if listing.unread:
            unread = SiteChanged(response.url, f"{listing.unread} results without a link to a decision")
            self._changed(month, month, self.site.BASE + path, unread, response)
        rows = _rows(listing)
        same = known is not None and known.rows == rows
        # What could not be read must be told again in the next run, so it is asked for without conditions.
        validators = (None, None) if listing.unread else (response.header("etag"), response.header("last-modified"))
        return None if same else listing, rows, validators

    # decision pages

    def _fetch(self, month: str) -> None:
        """Asks for the outstanding pages of the month; twice in a run only where the listing changed meanwhile."""
        pages = [
            page
            for page in self.ledger.outstanding(month, self.oldest)
            if page.reference not in self.failed and (page.due or page.reference not in self.tried)
        ]
        for done, page in enumerate(pages):
            self.tell(Step(month, done, len(pages)))
            self.tried.add(page.reference)
            self.failed.add(page.reference)
            try:
                self._page(page)
                self.failed.discard(page.reference)
                self.in_a_row = 0
            except SiteChanged as error:
                self.ledger.failed(page.reference, error.reason)
                if error.everywhere:
                    raise _Stop(str(error)) from error
                self._count_failure(page)
            except ShutOut:
                raise
            except Forbidden as error:
                self.ledger.failed(page.reference, error.reason)
                self._trouble(month, Trouble(error.url, error.reason, changed=False))
            except FetchFailed as error:
                self.ledger.failed(page.reference, error.reason)
                self._trouble(month, Trouble(error.url, error.reason, changed=False))
                self._count_failure(page)
        self.tell(Step(month, len(pages), len(pages)))

    def _count_failure(self, page: Page) -> None:
        self.in_a_row += page.why is None
        if self.in_a_row >= IN_A_ROW:
            raise _Stop(
                f"{IN_A_ROW} pages in a row failed, the last of them {self.troubles[-1].url}: "
                f"{self.troubles[-1].reason}"
            )

    def _page(self, page: Page) -> None:
        """Asks for one decision page and keeps what is new. Raises SiteChanged when it is not the decision."""
        kept = page.text_sha256 is not None
        before = (page.etag, page.modified) if kept else (None, None)
        response = self.client.get(page.path, *before, whole=self.site.is_whole)
        now = f"{response.fetched:%Y-%m-%dT%H:%M:%SZ}"
        validators = (response.header("etag"), response.header("last-modified"))
        if response.status == 304 and kept:
            self.ledger.unchanged(page.reference, *validators, None, now)
        elif response.status in (404, 410):
            self.ledger.gone(page.reference, now)
        elif response.status == 200:
            url = self.site.BASE + page.path
            try:
                text = text_digest(self._decision(page, response))
            except SiteChanged as error:
                self._changed(page.month, page.reference, url, error, response)
                raise
            if text == page.text_sha256:
                sha256 = hashlib.sha256(response.body).hexdigest()
                self.ledger.unchanged(page.reference, *validators, sha256, now)
            else:
                self.archive.add(page.month, page.reference, url, response, text)
            self.archive.drop_failed(page.reference)
            self.fetched += 1
        else:
            raise FetchFailed(response.url, f"answered {response.status}")

    def _decision(self, page: Page, response: Response) -> Decision:
        """The decision on a page, which must be the one that was asked for."""
        self.site.check_article(response.body, response.url)
        try:
            decision = clean(RawPage(page.reference, response.body, self.site.BASE + page.path), self.site.NAME)
        except Unreadable as error:
            raise SiteChanged(response.url, f"an unknown layout: {error.detail}") from error
        except Exception as error:  # a page may be made to break its reader: that is the page's failure, not the run's
            raise SiteChanged(response.url, f"the reader fails: {type(error).__name__}: {error}") from error
        header = decision.header
        printed = (header.reference or "").replace(" ", "-")
        if _digits(printed) not in (_digits(page.reference), _digits(page.printed)):
            raise SiteChanged(response.url, f"the page is another decision's: it says {printed}")
        if header.decision is None and header.decision_date is None:
            raise SiteChanged(response.url, "an unknown layout: it says neither what was decided nor when")
        return decision

    # what goes wrong

    def _changed(self, month: str, name: str, url: str, error: SiteChanged, response: Response) -> None:
        kept = self.archive.keep_failed(name, url, response)
        self._trouble(month, Trouble(error.url, error.reason, changed=True, kept=kept))

    def _trouble(self, month: str, trouble: Trouble) -> None:
        if trouble not in self.troubles:
            self.troubles.append(trouble)
            self.tell(Step(month, 0, 0, trouble))


def advice(tallies: Iterable[Tally], source: str) -> str | None:
    """The command to run next for the months that are open, or null when there is none."""
    months = [tally.month for tally in tallies if tally.state not in _SETTLED]
    if not months:
        return None
    return f"redress scrape {source} --from {bounds(months[0])[0]} --to {bounds(months[-1])[1]}"


def _rows(listing: Listing) -> str:
    rows = [f"{listing.announced} {listing.unread}", *(f"{row.path} {row.digest}" for row in listing.results)]
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()


def _digits(reference: str) -> str:
    return reference.rstrip("abcdefghijklmnopqrstuvwxyz")


def _iso(client: Client, ago: timedelta = timedelta()) -> str:
    return f"{client.clock.now() - ago:%Y-%m-%dT%H:%M:%SZ}"
