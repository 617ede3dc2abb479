"""The Local Government and Social Care Ombudsman's site: its listings and its links, nothing else.

It knows when silence is an error: every page that is not what it should be raises SiteChanged with its address.
"""

from __future__ import annotations

import hashlib
import re
from datetime import date
from urllib.parse import urlencode, urljoin, urlsplit

from bs4 import BeautifulSoup, Tag

from pipeline.clean.decode import decode
from pipeline.dates import parse_date
from pipeline.scrape.site import Listing, Result, SiteChanged
from pipeline.values import Unreadable

NAME = "lgsco"
BASE = "https://www.lgo.org.uk"
PER_PAGE = 10

_PATH = re.compile(
    r"/decisions/[a-z0-9-]{1,80}/[a-z0-9-]{1,120}/([0-9]{2}-[0-9]{3}-[0-9]{3}[a-z]?)/?", re.IGNORECASE | re.ASCII
)
_TITLE = re.compile(r"\(\s*([0-9]{2})[ -]([0-9]{3})[ -]([0-9]{3})([a-z]?)\s*\)", re.IGNORECASE | re.ASCII)
_COUNT = re.compile(r"your search has (no|[0-9][0-9,]*) results?", re.IGNORECASE)
_LINE = re.compile(r"\b(?:Statement|Report) .{2,160}? ([0-9]{1,2}-[A-Z][a-z]{2}-[0-9]{4})\b")
_ARTICLE = re.compile(rb"<article[^>]{0,200}\bid\s*=\s*[\"']?article\b", re.IGNORECASE)
_CHALLENGE = re.compile(
    r"captcha|verify (?:that )?you are (?:a )?human|checking your browser|just a moment|unusual traffic|"
    r"enable javascript and cookies|challenge-platform|request unsuccessful|attention required|access denied|"
    r"are you a robot",
    re.IGNORECASE,
)


def listing_path(first: date, last: date, page: int) -> str:
    """The search results of the decisions dated `first` to `last`, both included; pages count from 1."""
    return "/Decisions/SearchResults?" + urlencode({"fd": first.isoformat(), "td": last.isoformat(), "page": page})


def read_listing(body: bytes, url: str) -> Listing:
    """The rows of a page of search results, in their order. Raises SiteChanged when it is none.

    A row is the smallest element around a link to a decision that holds the line `Statement|Report … DD-Mon-YYYY`;
    lines of that kind without such a link are counted as `unread`.
    """
    try:
        soup = BeautifulSoup(decode(body), "lxml")
    except Unreadable as error:
        raise SiteChanged(url, f"no page of search results: {error.detail}") from error
    for node in soup(["script", "style", "noscript", "template"]):
        node.decompose()
    words = _words(soup)
    count = _COUNT.search(words)
    if count is None:
        raise _strange(words, url, "no page of search results: it does not say how many there are")
    hosts = {urlsplit(url).netloc, urlsplit(BASE).netloc}
    links = [
        (link, path)
        for link in soup.find_all("a", href=True)
        if (path := _decision_path(url, str(link["href"]), hosts))
    ]
    blocks: list[Tag] = []
    results: list[Result] = []
    for link, path in links:
        block = _block(link)
        if block is None or any(block is other or block in other.parents for other in blocks):
            continue
        if len({other for inner, other in links if block in inner.parents}) > 1:
            continue  # the line belongs to another link
        result = _result(block, path)
        if result is not None:
            blocks.append(block)
            results.append(result)
    announced = 0 if count[1].lower() == "no" else int(count[1].replace(",", ""))
    return Listing(announced, tuple(results), max(0, len(_LINE.findall(words)) - len(results)))


def check_article(body: bytes, url: str) -> None:
    """Raises SiteChanged when the page is a challenge or has no article."""
    if _ARTICLE.search(body) is None:
        raise _strange(body[:200_000].decode("utf-8", errors="replace"), url, "no article on the page")


def is_whole(body: bytes) -> bool:
    """Whether a page came to its end."""
    return b"</html>" in body[-4000:].lower()


def _strange(words: str, url: str, reason: str) -> SiteChanged:
    if _CHALLENGE.search(words):
        return SiteChanged(
            url, "a challenge stands in place of the page: the site wants no automatic requests now", everywhere=True
        )
    return SiteChanged(url, reason)


def _words(node: Tag) -> str:
    return " ".join(node.get_text(" ").split())


def _decision_path(url: str, href: str, hosts: set[str]) -> str | None:
    """The path of a decision that a link leads to, without its query, or null."""
    try:
        parts = urlsplit(urljoin(url, href.strip()))
    except ValueError:
        return None
    if parts.netloc not in hosts or _PATH.fullmatch(parts.path) is None:
        return None
    return parts.path.rstrip("/").lower()


def _block(link: Tag) -> Tag | None:
    return next((node for node in link.parents if isinstance(node, Tag) and _LINE.search(_words(node))), None)


def _result(block: Tag, path: str) -> Result | None:
    words = _words(block)
    line = _LINE.search(words)
    day = parse_date(line[1]) if line else None
    if day is None:
        return None
    reference = path.rpartition("/")[2]
    title = _TITLE.search(words)
    printed = f"{title[1]}-{title[2]}-{title[3]}{title[4].lower()}" if title else reference
    return Result(reference, path, printed, day, hashlib.sha256(words.encode()).hexdigest())
