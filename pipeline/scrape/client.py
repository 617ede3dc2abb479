"""The courteous fetcher: one request at a time, at a pace that errors only slow, and only where robots.txt lets it.

It asks one host, over HTTPS (plain HTTP on loopback, for a replica), and says who asks. Answers are bounded in time and
size.
"""

from __future__ import annotations

import asyncio
import gzip
import ipaddress
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from importlib.metadata import version
from io import BytesIO
from types import TracebackType
from typing import Self
from urllib.parse import urljoin, urlsplit

import httpx
from protego import Protego
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

AGENT = "Redress"
_ROBOTS_AGE = 24 * 3600.0  # seconds; RFC 9309 says not to trust a copy for longer
_ROBOTS_LARGEST = 512_000  # bytes; RFC 9309 asks for at least 500 KiB
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_BUSY = frozenset({429, 503})
_PASSING = frozenset({408, 425, 429})  # and all from 500 on
_SHUT = frozenset({401, 403, 407, 451})


class FetchFailed(Exception):  # noqa: N818 - the name says what happened
    """One address could not be had. `reason` is a sentence for a person."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"{url}: {reason}")
        self.url = url
        self.reason = reason


class Forbidden(FetchFailed):
    """robots.txt forbids the address; it was not asked for."""


class ShutOut(FetchFailed):
    """The site does not want to be asked at all now. `until` is when to come back, where it says."""

    def __init__(self, url: str, reason: str, until: datetime | None = None) -> None:
        super().__init__(url, reason)
        self.until = until


class _Passing(Exception):  # noqa: N818
    """A failure that may be gone at the next try."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How the client asks. All times are in seconds, sizes in bytes.

    `delay` is from the end of an answer to the next request: the shortest ever used, which robots.txt can lengthen and
    errors and slow answers do lengthen, up to `slowest`. A Retry-After beyond `patience` ends the run instead of being
    waited out.
    """

    delay: float = 2.0
    slowest: float = 60.0
    patience: float = 900.0
    silence: float = 30.0
    total: float = 120.0
    largest: int = 10_000_000
    tries: int = 5
    redirects: int = 5


@dataclass(frozen=True, slots=True)
class Clock:
    """Where time comes from, so that tests can bring their own."""

    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True)
class Response:
    """An answer as it came. `raw` is the body as sent, `body` the same unpacked; headers are in the order sent."""

    url: str
    status: int
    reason: str
    http_version: str
    headers: tuple[tuple[str, str], ...]
    request_headers: tuple[tuple[str, str], ...]
    raw: bytes
    body: bytes
    fetched: datetime

    def header(self, name: str) -> str | None:
        """The first header of that name, or null."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


def is_loopback(url: str) -> bool:
    """Whether the address is on this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_contact(contact: str) -> str:
    """A contact that an operator of the site can use: an e-mail or web address.

    Raises ValueError when it is neither.
    """
    contact = contact.strip()
    web = contact.startswith("https://") and "." in contact
    mail = "@" in contact.strip("@") and " " not in contact
    if not (web or mail) or not contact.isascii() or not contact.isprintable() or len(contact) > 200:
        raise ValueError(
            f"{contact!r} is no contact: give an e-mail address or an https address where you can be reached"
        )
    return contact


class Client:
    """Asks one host. Use as a context manager; `get` is all there is."""

    def __init__(self, base: str, contact: str, pace: Pace = Pace(), clock: Clock = Clock()) -> None:
        """`base` is scheme and host (`https://www.lgo.org.uk`).

        Raises ValueError for plain HTTP elsewhere than loopback.
        """
        parts = urlsplit(base)
        if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(base)):
            raise ValueError(f"{base}: only https addresses are asked (http on loopback alone)")
        if not parts.hostname:
            raise ValueError(f"{base}: not an address")
        self.base = f"{parts.scheme}://{parts.netloc}"
        self.pace = pace
        self.clock = clock
        self.requests = 0
        self.received = 0  # bytes, heads included
        self.delay = self.base_delay = pace.delay
        # The first request waits too, so that a run which is started again and again keeps the pace.
        self._free_at = clock.monotonic() + pace.delay
        self._robots: Protego | None = None
        self._robots_read = 0.0
        contact = check_contact(contact)
        headers = {
            "User-Agent": f"{AGENT}/{version('redress')} (+{contact})",
            "Accept": "text/html, text/plain;q=0.5",
            "Accept-Encoding": "gzip",
        }
        if "@" in contact:
            headers["From"] = contact
        # One event loop, never two tasks: asyncio is here because it alone can bound the whole of a request in time.
        self._runner = asyncio.Runner()
        self._http = httpx.AsyncClient(
            headers=headers,
            timeout=httpx.Timeout(pace.silence),
            limits=httpx.Limits(max_connections=1, max_keepalive_connections=1),
            follow_redirects=False,
            trust_env=not is_loopback(base),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._runner.run(self._http.aclose())
        self._runner.close()

    def get(
        self,
        path: str,
        etag: str | None = None,
        modified: str | None = None,
        whole: Callable[[bytes], bool] | None = None,
    ) -> Response:
        """The answer for a path of the site: 200, 304 (if `etag` or `modified` still hold), or 4xx such as 404.

        `whole` says whether the body of a 200 is complete; one that is not counts as an error that may pass.
        Raises Forbidden (robots.txt), FetchFailed (this address cannot be had), ShutOut (stop asking).
        """
        conditions = {"If-None-Match": etag, "If-Modified-Since": modified}
        headers = {name: value for name, value in conditions.items() if value}
        self._read_robots()
        return self._follow(urljoin(self.base + "/", path), headers, whole)

    def _follow(
        self, url: str, headers: dict[str, str], whole: Callable[[bytes], bool] | None, robots: bool = True
    ) -> Response:
        start = url
        for _ in range(self.pace.redirects + 1):
            if f"{urlsplit(url).scheme}://{urlsplit(url).netloc}" != self.base:
                raise FetchFailed(start, f"redirects to another host: {url[:200]}")
            if robots and self._robots is not None and not self._robots.can_fetch(url, AGENT):
                raise Forbidden(url, "robots.txt forbids it")
            response = self._patiently(url, headers, whole)
            if response.status not in _REDIRECTS:
                return response
            url = urljoin(url, response.header("location") or "")
        raise FetchFailed(start, f"redirects more than {self.pace.redirects} times")

    def _read_robots(self) -> None:
        """Reads robots.txt at the start and once a day. One that cannot be had forbids everything (RFC 9309)."""
        if self._robots is not None and self.clock.monotonic() - self._robots_read < _ROBOTS_AGE:
            return
        url = f"{self.base}/robots.txt"
        try:
            response = self._follow(url, {}, None, robots=False)
        except ShutOut:
            raise
        except FetchFailed as error:
            raise ShutOut(url, f"no robots.txt, no permission: {error.reason}") from error
        text = response.body[:_ROBOTS_LARGEST].decode("utf-8", errors="replace") if response.status == 200 else ""
        self._robots = Protego.parse(text)
        self._robots_read = self.clock.monotonic()
        rate = self._robots.request_rate(AGENT)
        asked = [self._robots.crawl_delay(AGENT) or 0.0, rate.seconds / max(rate.requests, 1) if rate else 0.0]
        self.base_delay = max(self.pace.delay, *asked)
        self.delay = max(self.delay, self.base_delay)
        self._free_at = max(self._free_at, self.clock.monotonic() + self.delay)

    def _patiently(self, url: str, headers: dict[str, str], whole: Callable[[bytes], bool] | None) -> Response:
        retrying = Retrying(
            stop=stop_after_attempt(self.pace.tries),
            wait=wait_random_exponential(multiplier=2 * self.pace.delay, max=self.pace.slowest),  # beside the delay
            retry=retry_if_exception_type(_Passing),
            sleep=self.clock.sleep,
            reraise=True,
        )
        try:
            return retrying(self._once, url, headers, whole)
        except _Passing as error:
            raise FetchFailed(url, f"{error} (tried {self.pace.tries} times)") from error

    def _once(self, url: str, headers: dict[str, str], whole: Callable[[bytes], bool] | None) -> Response:
        wait = self._free_at - self.clock.monotonic()
        if wait > 0:
            self.clock.sleep(wait)
        started = self.clock.monotonic()
        self.requests += 1
        fine: bool | None = False
        try:
            response = self._runner.run(self._fetch(url, headers))
            if response.status == 200 and whole is not None and not whole(response.body):
                raise _Passing("the page is cut short")
            fine = True if response.status in (200, 304) else None
            if response.status >= 500 or response.status in _PASSING:
                fine = False
                self._obey_retry_after(response)
                raise _Passing(f"answered {response.status}")
            if response.status in _SHUT:
                fine = False
                raise ShutOut(url, f"answered {response.status}: the site does not want to be asked")
            return response
        finally:
            now = self.clock.monotonic()
            self._adapt(now - started, fine)
            self._free_at = max(self._free_at, now + self.delay)

    def _adapt(self, took: float, fine: bool | None) -> None:
        """A slow answer lengthens the delay at once, a quick one shortens it by halves, an error only lengthens it.

        `fine` is null for answers that say nothing about how the site is (a redirect, a page that is gone).
        """
        slowest = max(self.pace.slowest, self.base_delay)
        if fine:
            wanted = min(max(self.base_delay, took), slowest) if self.base_delay else 0.0  # 0: a replica, in a hurry
            self.delay = max(wanted, (self.delay + wanted) / 2)
        elif fine is False:
            self.delay = min(2 * self.delay, slowest)

    def _obey_retry_after(self, response: Response) -> None:
        seconds = _retry_after(response.header("retry-after"), self.clock.now()) if response.status in _BUSY else None
        if seconds is None:
            return
        if seconds > self.pace.patience:
            until = self.clock.now() + timedelta(seconds=min(seconds, 30 * 86_400))
            raise ShutOut(
                response.url, f"answered {response.status}: come back at {until:%Y-%m-%d %H:%M:%S} UTC", until
            )
        self._free_at = self.clock.monotonic() + seconds

    async def _fetch(self, url: str, headers: dict[str, str]) -> Response:
        try:
            async with asyncio.timeout(self.pace.total), self._http.stream("GET", url, headers=headers) as answer:
                length = answer.headers.get("content-length", "")
                if length.isdigit() and int(length) > self.pace.largest:
                    raise FetchFailed(url, f"larger than {self.pace.largest:,} bytes")
                raw = bytearray()
                async for chunk in answer.aiter_raw():
                    raw += chunk
                    if len(raw) > self.pace.largest:
                        raise FetchFailed(url, f"larger than {self.pace.largest:,} bytes")
        except TimeoutError:
            raise _Passing(f"took longer than {self.pace.total:g} seconds") from None
        except httpx.TransportError as error:
            raise _Passing(f"{type(error).__name__}: {error}") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise FetchFailed(url, f"{type(error).__name__}: {error}") from error
        finally:
            self._http.cookies.clear()  # every request stands alone
        pairs = tuple((key.decode("latin-1"), value.decode("latin-1")) for key, value in answer.headers.raw)
        self.received += len(raw) + sum(len(key) + len(value) + 4 for key, value in pairs) + 20
        return Response(
            url=url,
            status=answer.status_code,
            reason=answer.reason_phrase
            or (HTTPStatus(answer.status_code).phrase if answer.status_code in _KNOWN else ""),
            http_version=answer.http_version,
            headers=pairs,
            request_headers=tuple((k.decode("latin-1"), v.decode("latin-1")) for k, v in answer.request.headers.raw),
            raw=bytes(raw),
            body=self._unpacked(url, bytes(raw), answer.headers.get("content-encoding", "")),
            fetched=self.clock.now(),
        )

    def _unpacked(self, url: str, raw: bytes, encoding: str) -> bytes:
        if not raw or encoding.strip().lower() in ("", "identity"):
            return raw
        if encoding.strip().lower() not in ("gzip", "x-gzip"):
            raise FetchFailed(url, f"packed in a way that was not asked for: {encoding[:40]}")
        try:
            body = gzip.GzipFile(fileobj=BytesIO(raw)).read(self.pace.largest + 1)
        except (EOFError, OSError, zlib.error) as error:
            raise _Passing(f"the page is cut short or damaged: {error}") from error
        if len(body) > self.pace.largest:
            raise FetchFailed(url, f"unpacks to more than {self.pace.largest:,} bytes")
        return body


_KNOWN = frozenset(int(status) for status in HTTPStatus)


def _retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds to wait by a Retry-After header (seconds, or an HTTP date), or null when there is none to understand."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value.strip()[:9])
    try:
        when = parsedate_to_datetime(value)
    except ValueError:
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(0.0, (when - now).total_seconds())
