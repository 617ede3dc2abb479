"""What a site file offers, and the values it gives: a site is a module (lgsco.py) that fulfils `Site`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Protocol


class SiteChanged(Exception):  # noqa: N818 - the name says what happened
    """The site answered, but not with what is known of it: a challenge, an unknown layout, silence.

    `url` names the page.
    """

    def __init__(self, url: str, reason: str, everywhere: bool = False) -> None:
        super().__init__(f"{url}: {reason}")
        self.url = url
        self.reason = reason
        self.everywhere = everywhere  # asking for more pages is pointless or unwelcome


@dataclass(frozen=True, slots=True)
class Result:
    """One row of a listing. `reference` is safe to name things by (`23-011-589`); `path` is the page's on the site.

    `printed` is the reference in the row's title, which can differ in its letter; `digest` is of all its words.
    """

    reference: str
    path: str
    printed: str
    day: date
    digest: str


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of search results: the announced count, the rows, and how many rows could not be read."""

    announced: int
    results: tuple[Result, ...]
    unread: int = 0


class Site(Protocol):
    """A site file. Addresses are made on a base, so that a replica can stand in for the site."""

    @property
    def NAME(self) -> str:  # noqa: N802 - a constant of a module
        """The source, as in decision ids and corpus/rules/<source>/."""

    @property
    def BASE(self) -> str:  # noqa: N802
        """The address under which the site publishes, without a slash at its end."""

    @property
    def PER_PAGE(self) -> int:  # noqa: N802
        """Results a listing page."""

    def listing_path(self, first: date, last: date, page: int) -> str:
        """Path and query of one page (from 1) of the decisions dated `first` to `last`, both included."""

    def read_listing(self, body: bytes, url: str) -> Listing:
        """The rows of a listing. Raises SiteChanged when it is no listing."""

    def check_article(self, body: bytes, url: str) -> None:
        """Raises SiteChanged when the page holds no decision where one belongs, or is a challenge."""

    def is_whole(self, body: bytes) -> bool:
        """Whether a page came to its end; one that did not is asked for again."""
