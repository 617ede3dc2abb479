"""A replica of the Ombudsman's site on loopback, for tests and for trying the scraper out; it can be told to misbehave.

It publishes decisions from a folder and made-up ones, with searches, paging, ETags and robots.txt as the site has them.
"""

from __future__ import annotations

import gzip
import hashlib
import html
import random
import re
import socket
import struct
import sys
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self
from urllib.parse import parse_qs, urlsplit

from pipeline.clean import clean
from pipeline.values import Decision, RawPage, Unreadable

PER_PAGE = 10

# Ways to misbehave. Those that pass do so at the first request to an address; the same address then answers as it
# should.
PASSING = {
    "429": "too many requests, with no word of when to come back",
    "429-seconds": "too many requests, Retry-After in seconds",
    "429-date": "too many requests, Retry-After as a date",
    "503": "unavailable, with no word of when to come back",
    "503-seconds": "unavailable, Retry-After in seconds",
    "503-date": "unavailable, Retry-After as a date",
    "500": "an internal error",
    "timeout": "no answer at all",
    "reset": "the connection is reset in the middle of the body",
    "truncated": "half of the body, with a length that agrees",
    "too-long": "a length longer than the body",
    "too-short": "a length shorter than the body",
    "drip": "one byte at a time",
    "challenge": "status 200, and a challenge in place of the page",
}
LASTING = {
    "404": "the page was taken down",
    "410": "the page was taken down, for good",
    "elsewhere": "a redirect to another host",
    "loop": "a redirect without end",
    "bomb": "a small gzip body that unpacks to 64 MB",
    "layout": "a layout that nobody knows",
    "no-article": "the site's frame without an article",
    "wrong-page": "another decision's page",
    "charset": "Windows-1252 bytes that say they are UTF-8",
}
SEARCHING = {
    "shifting": "decisions are published while the results are being read",
    "duplicates": "results of one month are listed in the next one too",
    "count": "the count is one more than there are results",
    "empty": "a count, and no results",
    "search-layout": "search results in a layout that nobody knows",
    "hostile": "results with odd references, and a page with a script that claims to be another decision",
}
WHOLE = {"robots": "robots.txt forbids one category of decisions", "robots-all": "robots.txt forbids everything"}
KINDS = {**PASSING, **LASTING, **SEARCHING, **WHOLE}

FORBIDDEN = "/decisions/planning/"  # what the kind `robots` forbids


@dataclass(frozen=True, slots=True)
class Published:
    """A decision as the replica publishes it: what its listing row says, and its page."""

    reference: str
    path: str
    organisation: str
    kind: str
    decision: str
    subcategory: str
    day: date
    summary: str
    page: bytes


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as the replica saw it. Times are seconds of the monotonic clock, `sent` is bytes with heads."""

    target: str
    started: float
    ended: float
    status: int
    sent: int
    agent: str


@dataclass(frozen=True, slots=True)
class _Reply:
    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


# What is published.


def slug(name: str) -> str:
    """A printed name as it stands in an address: `Children's care services` → `children-s-care-services`."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def shipped(folder: Path) -> list[Published]:
    """The decisions of a folder: HTML files as they are, text files in the site's layout.

    Files that print no outcome or no date are left out: the site prints both on every page.
    """
    found = []
    for path in sorted(path for path in folder.rglob("*") if path.suffix in (".html", ".txt")):
        content = path.read_bytes()
        try:
            decision = clean(RawPage(path.name, content))
        except Unreadable:
            continue
        if decision.header.decision is None or decision.header.decision_date is None:
            continue
        found.append(_published(decision, content if path.suffix == ".html" else render(decision)))
    return found


def _published(decision: Decision, page: bytes) -> Published:
    header = decision.header
    assert header.reference and header.decision and header.decision_date
    reference = header.reference.replace(" ", "-")
    category, subcategory = header.category or "Other Categories", header.subcategory or "Other"
    return Published(
        reference=reference,
        path=f"/decisions/{slug(category)}/{slug(subcategory)}/{reference}",
        organisation=header.organisation or "A council",
        kind=header.document_type.capitalize(),
        decision=header.decision,
        subcategory=subcategory,
        day=header.decision_date,
        summary=decision.summary or "",
        page=page,
    )


def render(decision: Decision) -> bytes:
    """A decision as a page in the site's HTML layout, which reads as the same text."""
    header = decision.header
    parts: list[str] = []
    if header.organisation and header.reference:
        parts.append(f"<h1>{_escape(header.organisation)} ({header.reference.replace(' ', '&nbsp;')})</h1>")
    if header.category:
        parts.append(_label("Category", " > ".join(filter(None, (header.category, header.subcategory)))))
    if header.decision:
        parts.append(_label("Decision", header.decision))
    if header.decision_date:
        parts.append(_label("Decision date", f"{header.decision_date:%d %b %Y}"))
    parts.append("<h2>The Ombudsman&#39;s final decision:</h2>")
    levels = {section.start: section.level for section in decision.sections}
    items: list[str] = []  # of the list that is open
    bullets: list[str] = []

    def close_bullets() -> None:
        if bullets:
            nested = f"<ul>{''.join(f'<li>{bullet}</li>' for bullet in bullets)}</ul>"
            if items:
                items[-1] += nested
            else:
                parts.append(nested)
            bullets.clear()

    def close() -> None:
        close_bullets()
        if items:
            parts.append("<ol>" + "\n".join(f"<li>{item}</li>" for item in items) + "</ol>")
            items.clear()

    for paragraph in decision.paragraphs:
        words = _escape(decision.words_of(paragraph))
        if paragraph.kind == "paragraph":
            close_bullets()
            items.append(words)
        elif paragraph.kind == "bullet":
            bullets.append(words)
        else:
            close()
            level = levels.get(paragraph.start)
            parts.append(f"<h{level + 1}>{words}</h{level + 1}>" if level else f"<p>{words}</p>")
    close()
    return _frame(header.reference or "", f'<article id="article">\n{chr(10).join(parts)}\n</article>')


def generated(count: int, seed: int = 0, first: date = date(2024, 1, 1), days: int = 91) -> list[Published]:
    """`count` made-up decisions, spread over `days` days from `first`. They follow from the seed alone."""
    return [_made_up(number, random.Random(f"{seed} {number}"), first, days) for number in range(count)]


def _made_up(number: int, chance: random.Random, first: date, days: int) -> Published:
    day = first + timedelta(days=number * 7919 % days)
    scattered = (
        number * 373 + 11
    ) % 1_000_000  # no two numbers of the same year meet: 373 and a million share no factor
    reference = f"{day.year % 100 - 1:02}-{scattered // 1000:03}-{scattered % 1000:03}"
    category, subcategory, thing = chance.choice(_THINGS)
    organisation = f"{chance.choice(_PLACES)}{chance.choice(_ENDINGS)} {chance.choice(_BODIES)}"
    person = f"{chance.choice(('Mr', 'Ms', 'Mrs'))} {chance.choice('ABCDEFGHJKLMNPRSTWXY')}"
    upheld = chance.random() < 0.6
    pounds = chance.randrange(2, 30) * 50
    fault = f"It was at fault because it {chance.choice(_FAULTS)}, and this caused {person} {chance.choice(_HARMS)}."
    none = "There was no fault in how it reached its decision."
    summary = f"{person} complained about {thing}. {fault if upheld else none}"
    happened = [
        f"On {chance.randrange(1, 28)} {chance.choice(_MONTHS)} {day.year - 1} {person} {chance.choice(_EVENTS)}."
        for _ in range(chance.randrange(2, 6))
    ]
    sections: list[tuple[str, list[str]]] = [
        ("The complaint", [f"{person} complains about how the Council dealt with {thing}."]),
        ("What I found", [*happened, f"The Council {chance.choice(_FAULTS)}. {fault}" if upheld else none]),
    ]
    if upheld:
        sections.append(
            (
                "Agreed action",
                [f"Within one month the Council will apologise to {person} and pay {person} £{pounds:,}."],
            )
        )
    sections.append(
        ("Final decision", ["I have completed my investigation and uphold this complaint." if upheld else none])
    )
    body = "".join(
        f"<h2>{heading}</h2>\n<ol>{''.join(f'<li>{_escape(words)}</li>' for words in paragraphs)}</ol>\n"
        for heading, paragraphs in sections
    )
    decision = "Upheld" if upheld else "Not upheld"
    page = _frame(
        reference.replace("-", " "),
        f'<article id="article">\n<h1>{organisation} ({reference.replace("-", " ")})</h1>\n'
        + "".join(
            map(
                _label,
                ("Category", "Decision", "Decision date"),
                (f"{category} > {subcategory}", decision, f"{day:%d %b %Y}"),
            )
        )
        + f"<h2>The Ombudsman&#39;s final decision:</h2>\n<p><strong>Summary:</strong> "
        f"{_escape(summary)}</p>\n{body}</article>",
    )
    path = f"/decisions/{slug(category)}/{slug(subcategory)}/{reference}"
    return Published(reference, path, organisation, "Statement", decision, subcategory, day, summary, page)


def _escape(text: str) -> str:
    return html.escape(text, quote=False)


def _label(name: str, value: str) -> str:
    return f'<div class="meta"><span class="label">{name} : </span><span class="value">{_escape(value)}</span></div>\n'


def _frame(title: str, main: str) -> bytes:
    """The site's frame around a page: cookie text, links, footer."""
    return f"""<!DOCTYPE html>
<html lang="en-GB">
<head><meta charset="utf-8"><title>{_escape(title)} - Local Government and Social Care Ombudsman</title></head>
<body id="top">
<div id="cookie-banner"><p>We put small files called cookies on your device.</p><button>Accept all</button></div>
<header><nav>
<ul><li><a href="/decisions">Decisions</a></li><li><a href="/contact">Contact us</a></li></ul></nav></header>
<main>
{main}
</main>
<footer><ul><li><a href="/privacy">Privacy notice</a></li><li><a href="/copyright">Copyright</a></li></ul></footer>
</body>
</html>
""".encode()


# The server.


@dataclass
class _State:
    """What the server knows; read and written under its lock."""

    published: dict[str, Published]
    held_back: list[Published] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    times: Counter[str] = field(default_factory=Counter)
    flying: int = 0
    most_flying: int = 0


class Replica:
    """The replica, serving on 127.0.0.1 while the context is open. `base` is its address, `asked` what it was asked.

    `kinds` are ways to misbehave, at about one address in `every`; `hang` is how many seconds it keeps silent at most,
    and
    `retry_after` how many it asks to stay away.
    """

    def __init__(
        self,
        published: Iterable[Published],
        kinds: Sequence[str] = (),
        every: int = 7,
        port: int = 0,
        hang: float = 30.0,
        retry_after: int = 1,
    ) -> None:
        self.kinds = tuple(kinds)
        self.every = every
        self.hang = hang
        self.retry_after = retry_after
        self.lock = threading.Lock()
        self.closing = threading.Event()
        self.state = _State({decision.path: decision for decision in published})
        if "shifting" in self.kinds:
            late = [decision for decision in self.state.published.values() if _drawn("shifting", decision.path, every)]
            self.state.held_back = late
            for decision in late:
                del self.state.published[decision.path]
        if "hostile" in self.kinds:
            for path in [path for path in self.state.published if _drawn("hostile", path, every)]:
                self.state.published[path] = _hostile(self.state.published[path])
        handler = type("Handler", (_Handler,), {"replica": self})
        self._server = _Server(("127.0.0.1", port), handler)
        self.base = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()

    def wait(self) -> None:
        """Serves until the context is left from elsewhere."""
        self._thread.join()

    @property
    def asked(self) -> list[Asked]:
        """Every request so far, in the order in which they were answered."""
        with self.lock:
            return list(self.state.asked)

    @property
    def published(self) -> dict[str, Published]:
        """Address → decision, for those published now."""
        with self.lock:
            return dict(self.state.published)

    @property
    def most_flying(self) -> int:
        """The most requests that were ever being answered at once."""
        return self.state.most_flying

    def publish(self, *decisions: Published) -> None:
        """Publishes decisions, or new versions of them."""
        with self.lock:
            self.state.published.update({decision.path: decision for decision in decisions})

    def take_down(self, *paths: str) -> None:
        """Takes decisions down: they leave the listing and answer 404."""
        with self.lock:
            for path in paths:
                del self.state.published[path]

    def faults(self, path: str) -> list[str]:
        """The ways to misbehave drawn for an address, those that pass first."""
        kinds = PASSING if path.startswith("/Decisions/") else {**PASSING, **LASTING}
        return [kind for kind in kinds if kind in self.kinds and _drawn(kind, path, self.every)]

    def broken(self) -> set[str]:
        """The addresses of decisions that will never answer with their page."""
        ways = set(LASTING) - {"charset"}
        return {path for path in self.published if ways.intersection(self.faults(path))}

    def page(self, path: str) -> bytes:
        """The bytes published under an address of a decision, whatever stands in the way of having them."""
        with self.lock:
            page = self.state.published[path].page
        if "charset" in self.faults(path):
            page = page.decode("utf-8").encode("cp1252", errors="xmlcharrefreplace")
        return page

    def reply(self, target: str) -> tuple[_Reply, str | None]:
        """(the answer to a request, the way to misbehave with it)."""
        parts = urlsplit(target)
        with self.lock:
            time_asked = self.state.times[target]
            self.state.times[target] += 1
            decision = self.state.published.get(parts.path)
        if parts.path == "/robots.txt":
            return _Reply(200, self._robots(), (("Content-Type", "text/plain"),)), None
        faults = self.faults(target if parts.path.startswith("/Decisions/") else parts.path)
        passing = [kind for kind in faults if kind in PASSING]
        if time_asked < len(passing):
            kind: str | None = passing[time_asked]
        else:
            kind = next((kind for kind in faults if kind in LASTING), None)
        if parts.path == "/Decisions/SearchResults":
            return self._search(parts.query), kind
        if decision is None:
            body = _frame("Not found", "<h1>Page not found</h1>")
            return _Reply(404, body, (("Content-Type", "text/html; charset=utf-8"),)), None
        modified = format_datetime(datetime.combine(decision.day, datetime.min.time(), UTC), usegmt=True)
        return _document(self.page(parts.path), modified), kind

    def _robots(self) -> bytes:
        forbidden = "/" if "robots-all" in self.kinds else FORBIDDEN if "robots" in self.kinds else "/umbraco/"
        return f"User-agent: *\nDisallow: {forbidden}\n".encode()

    def _search(self, query: str) -> _Reply:
        asked = parse_qs(query)
        try:
            first, last = date.fromisoformat(asked["fd"][0]), date.fromisoformat(asked["td"][0])
            page = max(1, int(asked.get("page", ["1"])[0]))
        except (KeyError, ValueError):
            return _Reply(400, b"fd and td are days, page is a number")
        name = asked.get("aname", [""])[0].lower()
        with self.lock:
            if page == 2:
                self._let_go(first, last)
            found = [
                d for d in self.state.published.values() if first <= d.day <= last and name in d.organisation.lower()
            ]
        descending = asked.get("sortOrder", ["descending"])[0] != "ascending"
        found.sort(key=lambda d: (d.day, d.reference), reverse=descending)
        if "duplicates" in self.kinds:
            before = [d for d in self.published.values() if d.day == first - timedelta(days=1)]
            found += sorted(before, key=lambda d: d.reference)[:3]
        odd = [row.replace("{day}", f"{first:%d-%b-%Y}") for row in _HOSTILE_ROWS] if "hostile" in self.kinds else []
        count = len(found) + len(odd) + ("count" in self.kinds)
        every: list[Published | str] = [*found, *odd]
        here = every[(page - 1) * PER_PAGE : page * PER_PAGE] if "empty" not in self.kinds else []
        shown = [row if isinstance(row, str) else _row(row) for row in here]
        pages = -(-count // PER_PAGE)
        links = "".join(
            f'<a href="?{query.partition("&page=")[0]}&amp;page={n}">{n}</a> ' for n in range(1, pages + 1)[:20]
        )
        main = (
            f"<h1>Search results</h1>\n<p>Your search has {count:,} result{'' if count == 1 else 's'}</p>\n"
            f'<div class="results">\n{"".join(shown)}</div>\n<div class="paging">{links}</div>'
        )
        if "search-layout" in self.kinds:
            main = f"<h1>Find a decision</h1><p>{count:,} found</p>" + "".join(
                f"<p>{_escape(d.organisation)}</p>" for d in found
            )
        return _document(_frame("Search results", main), None)

    def _let_go(self, first: date, last: date) -> None:
        """Publishes the next of the decisions held back for a window that is being read."""
        late = next((d for d in self.state.held_back if first <= d.day <= last), None)
        if late is not None:
            self.state.held_back.remove(late)
            self.state.published[late.path] = late


class _Server(ThreadingHTTPServer):
    """A server that does not mind clients which hang up."""

    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    """Answers one connection. Only GET is known."""

    replica: ClassVar[Replica]
    protocol_version = "HTTP/1.1"
    server_version = "Replica"
    sys_version = ""
    disable_nagle_algorithm = True
    timeout = 60

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing: `Replica.asked` is the log."""

    def do_GET(self) -> None:
        replica, started = self.replica, time.monotonic()
        self.sent, self.status = 0, 0
        reply, fault = replica.reply(self.path)
        # One that keeps silent or drips may still be at it when the client has long hung up: it is not counted.
        counted = fault not in ("timeout", "drip")
        with replica.lock:
            replica.state.flying += counted
            replica.state.most_flying = max(replica.state.most_flying, replica.state.flying)
        try:
            with suppress(ConnectionError, TimeoutError):
                _MISDEEDS.get(fault or "", _Handler.send)(self, self._conditional(reply))
        finally:
            with replica.lock:
                replica.state.flying -= counted
                agent = self.headers.get("User-Agent", "")
                ended = time.monotonic()
                replica.state.asked.append(Asked(self.path, started, ended, self.status, self.sent, agent))

    def _conditional(self, reply: _Reply) -> _Reply:
        """304 without a body where what the client has is what there is; gzip where it takes it."""
        headers = dict(reply.headers)
        etag, modified = headers.get("ETag"), headers.get("Last-Modified")
        asked = self.headers.get("If-None-Match")
        since = self.headers.get("If-Modified-Since")
        if reply.status == 200 and (asked == etag if asked else since is not None and since == modified):
            kept = tuple((k, v) for k, v in reply.headers if k in ("ETag", "Last-Modified"))
            return _Reply(304, b"", kept)
        if "gzip" in self.headers.get("Accept-Encoding", "") and len(reply.body) > 500:
            packed = gzip.compress(reply.body, 6, mtime=0)
            return replace(
                reply, body=packed, headers=(*reply.headers, ("Content-Encoding", "gzip"), ("Vary", "Accept-Encoding"))
            )
        return reply

    def head(self, reply: _Reply, length: int) -> bytes:
        """Status line and headers as bytes."""
        self.status = reply.status
        phrase = self.responses.get(reply.status, ("", ""))[0]
        lines = [
            f"HTTP/1.1 {reply.status} {phrase}",
            f"Date: {self.date_time_string()}",
            *(f"{k}: {v}" for k, v in reply.headers),
        ]
        if reply.status != 304:
            lines.append(f"Content-Length: {length}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def write(self, data: bytes) -> None:
        self.wfile.write(data)
        self.sent += len(data)

    def send(self, reply: _Reply) -> None:
        """The answer as it should be."""
        self.write(self.head(reply, len(reply.body)) + reply.body)

    # Misdeeds.

    def busy(self, status: int, after: str | None) -> None:
        headers: tuple[tuple[str, str], ...] = (("Content-Type", "text/plain"),)
        if after is not None:
            headers = (*headers, ("Retry-After", after))
        self.send(_Reply(status, b"please come back later", headers))

    def after_date(self) -> str:
        # A date has whole seconds: one more, so that the wait is never shorter than meant.
        when = datetime.now(UTC) + timedelta(seconds=self.replica.retry_after + 1)
        return format_datetime(when, usegmt=True)

    def hold(self, reply: _Reply) -> None:
        self.replica.closing.wait(self.replica.hang)
        self.close_connection = True

    def reset(self, reply: _Reply) -> None:
        self.write(self.head(reply, len(reply.body)) + reply.body[: len(reply.body) // 2])
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def truncate(self, reply: _Reply) -> None:
        plain = _plain(reply)
        self.send(replace(plain, body=plain.body[: len(plain.body) // 2]))

    def too_long(self, reply: _Reply) -> None:
        self.write(self.head(reply, len(reply.body) + 1000) + reply.body)
        self.close_connection = True

    def too_short(self, reply: _Reply) -> None:
        plain = _plain(reply)
        self.write(self.head(plain, max(0, len(plain.body) - 40)) + plain.body)
        self.close_connection = True

    def drip(self, reply: _Reply) -> None:
        self.write(self.head(reply, len(reply.body)))
        until = time.monotonic() + self.replica.hang
        for place in range(len(reply.body)):
            if time.monotonic() > until or self.replica.closing.wait(0.05):
                break
            self.write(reply.body[place : place + 1])
        self.close_connection = True

    def other(self, main: str) -> None:
        self.send(_document(_frame("", main), None))

    def move(self, address: str) -> None:
        self.send(_Reply(302, b"", (("Location", address),)))

    def bomb(self, reply: _Reply) -> None:
        headers = (("Content-Type", "text/html; charset=utf-8"), ("Content-Encoding", "gzip"))
        self.send(_Reply(200, _bomb(), headers))

    def wrong_page(self, reply: _Reply) -> None:
        here = urlsplit(self.path).path
        others = [decision for path, decision in sorted(self.replica.published.items()) if path != here]
        self.send(_document(others[0].page, None)) if others else self.send(reply)


def _again(path: str) -> str:
    """The next address of a redirect without end."""
    parts = urlsplit(path)
    return f"{parts.path}?displaypref={int(parse_qs(parts.query).get('displaypref', ['0'])[0]) + 1}"


_MISDEEDS: dict[str, Callable[[_Handler, _Reply], None]] = {
    "429": lambda h, r: h.busy(429, None),
    "429-seconds": lambda h, r: h.busy(429, str(h.replica.retry_after)),
    "429-date": lambda h, r: h.busy(429, h.after_date()),
    "503": lambda h, r: h.busy(503, None),
    "503-seconds": lambda h, r: h.busy(503, str(h.replica.retry_after)),
    "503-date": lambda h, r: h.busy(503, h.after_date()),
    "500": lambda h, r: h.send(_Reply(500, b"something broke", (("Content-Type", "text/plain"),))),
    "timeout": _Handler.hold,
    "reset": _Handler.reset,
    "truncated": _Handler.truncate,
    "too-long": _Handler.too_long,
    "too-short": _Handler.too_short,
    "drip": _Handler.drip,
    "challenge": lambda h, r: h.other("<h1>Just a moment...</h1><p>Please verify you are human to go on.</p>"),
    "404": lambda h, r: h.send(_Reply(404, _frame("Not found", "<h1>Page not found</h1>"))),
    "410": lambda h, r: h.send(_Reply(410, _frame("Gone", "<h1>This decision is no longer published</h1>"))),
    "elsewhere": lambda h, r: h.move("http://127.0.0.2:9/decisions"),
    "loop": lambda h, r: h.move(_again(h.path)),
    "bomb": _Handler.bomb,
    "layout": lambda h, r: h.other('<div class="case"><div>Case</div><div>The complaint was looked into.</div></div>'),
    "no-article": lambda h, r: h.other("<h1>Decisions</h1><p>Choose a decision.</p>"),
    "wrong-page": _Handler.wrong_page,
}


def _drawn(kind: str, path: str, every: int) -> bool:
    """Whether a kind is drawn for an address: always the same for the same two."""
    return zlib.crc32(f"{kind} {path}".encode()) % every == 0


def _document(body: bytes, modified: str | None) -> _Reply:
    headers = [("Content-Type", "text/html; charset=utf-8"), ("ETag", f'"{hashlib.sha256(body).hexdigest()[:16]}"')]
    if modified:
        headers.append(("Last-Modified", modified))
    return _Reply(200, body, tuple(headers))


def _plain(reply: _Reply) -> _Reply:
    """The answer without packing, so that only its end is missing when it is cut."""
    headers = dict(reply.headers)
    if headers.pop("Content-Encoding", None) is None:
        return reply
    return replace(reply, body=gzip.decompress(reply.body), headers=tuple(headers.items()))


@cache
def _bomb() -> bytes:
    return gzip.compress(b"<!DOCTYPE html>" + b" " * 64_000_000, 9, mtime=0)


def _row(d: Published) -> str:
    title = f"{_escape(d.organisation)} ({d.reference.replace('-', ' ')})"
    return (
        f'<div class="result"><h3><a href="{html.escape(d.path)}">{title}</a></h3>\n'
        f"<p>{d.kind} <span>{_escape(d.decision)}</span> <span>{_escape(d.subcategory)}</span> "
        f"<span>{d.day:%d-%b-%Y}</span></p>\n"
        f"<p>{_escape(d.summary)}</p></div>\n"
    )


_HOSTILE_ROWS = [
    f'<div class="result"><h3><a href="{href}">Oddly Council ({name})</a></h3><p>Statement Upheld Other '
    f"{{day}}</p></div>\n"
    for href, name in (
        ("/decisions/other/other/../../x", "../../x"),
        ("/decisions/other/other/..%2f..%2f..%2fx", "..%2f..%2fx"),
        ("/decisions/other/other/23-011-589%00.html", "23 011 589\x01"),
        ("/decisions/other/other/２３-０１１-５８９", "２３ ０１１ ５８９"),
        ("https://elsewhere.example/decisions/planning/other/23-011-590", "23 011 590"),
        ("javascript:alert(1)", "23 011 591"),
        ("http://[bad/decisions/planning/other/23-011-592", "23 011 592"),
    )
]


def _hostile(decision: Published) -> Published:
    """The decision's page with a script, odd characters, and a link and a tag that name another decision."""
    spice = (
        '<script>document.title = "../../x";</script><p onclick="alert(1)">\u202e\u0000\ufffd <a '
        'href="/decisions/a/b/23-011-589">'
        "../../x</a></p>"
    )
    other = '<link rel="canonical" href="https://www.lgo.org.uk/decisions/housing/other/99-999-999">'
    page = (
        decision.page.decode("utf-8").replace("</head>", f"{other}</head>").replace("</article>", f"{spice}</article>")
    )
    return replace(decision, page=page.encode())


# Words of made-up decisions. None is from a real one.

_PLACES = (
    "Amber",
    "Brack",
    "Corn",
    "Dun",
    "Elder",
    "Fern",
    "Gran",
    "Hollow",
    "Kel",
    "Lark",
    "Marsh",
    "Nether",
    "Orch",
    "Pell",
    "Quarn",
)
_ENDINGS = ("wick", "dale", "ford", "holme", "leigh", "mere", "stow", "thorpe", "wold")
_BODIES = ("Borough Council", "City Council", "County Council", "District Council", "Metropolitan Borough Council")
_MONTHS = ("January", "March", "April", "June", "July", "September", "October", "November")
_THINGS = (
    ("Housing", "Allocations", "a housing application"),
    ("Housing", "Homelessness", "a request for help with homelessness"),
    ("Planning", "Enforcement", "a report of building without permission"),
    ("Planning", "Planning applications", "a neighbour's planning application"),
    ("Children's care services", "Fostering", "a foster carer's allowance"),
    ("Education", "Special educational needs", "a child's education, health and care plan"),
    ("Education", "School transport", "an application for school transport"),
    ("Adult care services", "Charging", "charges for care at home"),
    ("Adult care services", "Residential care", "a stay in a care home"),
    ("Environment and regulation", "Noise", "noise from a workshop"),
    ("Environment and regulation", "Refuse and recycling", "missed bin collections"),
    ("Benefits and tax", "Council tax", "a council tax bill"),
    ("Transport and highways", "Parking and other penalties", "a parking penalty"),
)
_FAULTS = (
    "took eleven months to make up its mind",
    "lost the form and did not say so",
    "kept no record of the visit",
    "did not answer three letters",
    "used an old policy",
    "forgot to tell the family about the right of appeal",
)
_HARMS = (
    "uncertainty",
    "distress",
    "avoidable time and trouble",
    "a missed chance",
    "the loss of a service for a term",
)
_EVENTS = (
    "telephoned the Council and was told to wait",
    "sent the Council photographs",
    "complained to the Council",
    "asked for a review",
    "met an officer, who made no note",
    "received a letter that named somebody else",
    "wrote to a councillor",
)


__all__ = ["KINDS", "Asked", "Published", "Replica", "generated", "render", "shipped", "slug"]
