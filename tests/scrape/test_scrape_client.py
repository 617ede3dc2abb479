"""The client: who it says it is, where it goes, how fast, and what it puts up with."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import pairwise

import pytest
from scraping import CONTACT, HURRY

from pipeline.scrape import lgsco
from pipeline.scrape.client import Client, Clock, FetchFailed, Forbidden, Pace, ShutOut, check_contact
from pipeline.scrape.replica import Replica

Answer = tuple[int, dict[str, str], bytes]


class Time:
    """A clock that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds

    def clock(self) -> Clock:
        start = datetime(2024, 5, 1, tzinfo=UTC)
        return Clock(lambda: start + timedelta(seconds=self.seconds), lambda: self.seconds, self.sleep)


@contextmanager
def answering(answers: Sequence[Answer], robots: Answer = (404, {}, b"")) -> Iterator[str]:
    """A server that gives these answers one after the other, the last one again and again."""
    left = list(answers)

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

        def do_GET(self) -> None:
            given = robots if self.path == "/robots.txt" else left.pop(0) if len(left) > 1 else left[0]
            status, headers, body = given
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    "contact", ["", "me", "no address", "@", "me@here\r\nX: y", "http://plain.org", "é@example.org"]
)
def test_a_contact_is_needed(contact: str) -> None:
    with pytest.raises(ValueError, match="no contact"):
        check_contact(contact)


@pytest.mark.parametrize(
    "base",
    ["http://www.lgo.org.uk", "http://10.0.0.1", "ftp://127.0.0.1", "www.lgo.org.uk", "http://127.0.0.1.example"],
)
def test_only_https_but_for_loopback(base: str) -> None:
    with pytest.raises(ValueError, match="only https"):
        Client(base, CONTACT)


def test_it_says_who_asks(serve: Callable[..., Replica]) -> None:
    replica = serve(5)
    with Client(replica.base, CONTACT, HURRY) as client:
        client.get("/decisions")
    assert [asked.target for asked in replica.asked] == ["/robots.txt", "/decisions"]
    assert all(asked.agent.startswith("Redress/") and CONTACT in asked.agent for asked in replica.asked)


def test_conditional_requests(serve: Callable[..., Replica]) -> None:
    replica = serve(5)
    path = next(iter(replica.published))
    with Client(replica.base, CONTACT, HURRY) as client:
        first = client.get(path, whole=lgsco.is_whole)
        assert first.body == replica.page(path) and first.raw != first.body
        by_etag = client.get(path, etag=first.header("etag"))
        by_date = client.get(path, modified=first.header("last-modified"))
    assert (by_etag.status, by_date.status) == (304, 304)


def test_robots_txt_forbids(serve: Callable[..., Replica]) -> None:
    replica = serve(5, ["robots-all"])
    with Client(replica.base, CONTACT, HURRY) as client, pytest.raises(Forbidden):
        client.get(next(iter(replica.published)))
    assert [asked.target for asked in replica.asked] == ["/robots.txt"]


@pytest.mark.parametrize("line", [b"Crawl-delay: 7", b"Request-rate: 1/7s"])
def test_robots_txt_sets_the_pace(line: bytes) -> None:
    clock = Time()
    rules = b"User-agent: redress\n" + line + b"\nDisallow: /private\n"
    pace = Pace(delay=2)
    with answering([(200, {}, b"x")], (200, {}, rules)) as base, Client(base, CONTACT, pace, clock.clock()) as client:
        client.get("/a")
        client.get("/b")
        assert clock.slept == [2, 7, 7]
        with pytest.raises(Forbidden):
            client.get("/private/c")


@pytest.mark.parametrize("robots", [(500, {}, b""), (403, {}, b"")])
def test_no_robots_txt_no_permission(robots: Answer) -> None:
    pace = Pace(delay=0, silence=1, total=1)
    with answering([(200, {}, b"x")], robots) as base, Client(base, CONTACT, pace) as client, pytest.raises(ShutOut):
        client.get("/a")


def test_one_at_a_time_with_the_delay_between(serve: Callable[..., Replica]) -> None:
    replica = serve(30, ["500", "429"], every=4)
    with Client(replica.base, CONTACT, Pace(delay=0.03, slowest=0.1, silence=1, total=1)) as client:
        for path in list(replica.published)[:12]:
            client.get(path, whole=lgsco.is_whole)
    asked = replica.asked
    assert replica.most_flying == 1
    assert any(answer.status != 200 for answer in asked)
    assert min(after.started - before.ended for before, after in pairwise(asked)) >= 0.029


def test_errors_never_speed_it_up() -> None:
    clock = Time()
    answers = [(500, {}, b""), (503, {}, b""), (404, {}, b""), (200, {}, b"x"), (200, {}, b"x"), (200, {}, b"x")]
    with answering(answers) as base, Client(base, CONTACT, Pace(delay=2), clock.clock()) as client:
        delays = [client.delay]
        for _ in range(4):
            client.get("/a")
            delays.append(client.delay)
    # two errors make it slower, a page that is not there neither, answers bring it back by halves
    assert delays == [2, 8, 5, 3.5, 2.75]


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("as_date", [False, True])
def test_retry_after_is_obeyed(status: int, as_date: bool) -> None:
    clock = Time()
    after = format_datetime(datetime(2024, 5, 1, 0, 5, tzinfo=UTC), usegmt=True) if as_date else "300"
    pace = Pace(delay=1, slowest=4)
    answers = [(status, {"Retry-After": after}, b""), (200, {}, b"x")]
    with answering(answers) as base, Client(base, CONTACT, pace, clock.clock()) as client:
        assert client.get("/a").status == 200
    assert clock.seconds >= 300


def test_a_retry_after_beyond_patience_ends_it() -> None:
    clock = Time()
    answer = (503, {"Retry-After": "7200"}, b"")
    with answering([answer]) as base, Client(base, CONTACT, Pace(), clock.clock()) as client:
        with pytest.raises(ShutOut) as shut:
            client.get("/a")
        assert client.requests == 2  # robots.txt and the one
    assert shut.value.until is not None and shut.value.until > datetime(2024, 5, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize("after", ["soon", "-5", "", "1e9", "99999999999999999999"])
def test_an_odd_retry_after_breaks_nothing(after: str) -> None:
    clock = Time()
    answers = [(503, {"Retry-After": after}, b""), (200, {}, b"x")]
    with answering(answers) as base, Client(base, CONTACT, Pace(delay=1), clock.clock()) as client:
        try:
            assert client.get("/a").status == 200
        except ShutOut:
            assert after.startswith("99")


def test_retries_are_bounded() -> None:
    clock = Time()
    with answering([(500, {}, b"")]) as base, Client(base, CONTACT, Pace(delay=1, tries=4), clock.clock()) as client:
        with pytest.raises(FetchFailed, match="tried 4 times"):
            client.get("/a")
        assert client.requests == 1 + 4


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("elsewhere", "another host"),
        ("loop", "redirects more than"),
        ("bomb", "unpacks to more than"),
    ],
)
def test_what_it_does_not_follow_or_swallow(serve: Callable[..., Replica], kind: str, reason: str) -> None:
    replica = serve(3, [kind], every=1)
    with Client(replica.base, CONTACT, HURRY) as client, pytest.raises(FetchFailed, match=reason):
        client.get(next(iter(replica.published)))
    assert len(replica.asked) <= 8


def test_a_body_too_large_is_left() -> None:
    pace = Pace(delay=0, largest=100_000)
    too_large = pytest.raises(FetchFailed, match="larger than")
    with answering([(200, {}, b"x" * 200_000)]) as base, Client(base, CONTACT, pace) as client, too_large:
        client.get("/a")


@pytest.mark.parametrize("kind", ["drip", "timeout"])
def test_time_is_bounded(serve: Callable[..., Replica], kind: str) -> None:
    replica = serve(3, [kind], every=1, hang=10)
    pace = Pace(delay=0, silence=0.3, total=0.6, tries=1)
    started = time.monotonic()
    with Client(replica.base, CONTACT, pace) as client, pytest.raises(FetchFailed, match=r"longer than|Timeout"):
        client.get(next(iter(replica.published)))
    assert time.monotonic() - started < 3


def test_a_dripping_head_is_bounded_too() -> None:
    """Each byte comes in time, and the whole never: only a limit on the whole ends it."""
    import socket

    server = socket.create_server(("127.0.0.1", 0))

    def serve_drips() -> None:
        for body in (b"HTTP/1.1 404 no\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", b""):
            connection, _ = server.accept()
            connection.recv(4096)
            try:
                if body:
                    connection.sendall(body)
                for _ in range(0 if body else 60):
                    connection.sendall(b"H" if _ == 0 else b"T")
                    time.sleep(0.05)
            except OSError:
                pass
            connection.close()

    threading.Thread(target=serve_drips, daemon=True).start()
    pace = Pace(delay=0, silence=0.5, total=0.6, tries=1)
    started = time.monotonic()
    base = f"http://127.0.0.1:{server.getsockname()[1]}"
    with Client(base, CONTACT, pace) as client, pytest.raises(FetchFailed, match="longer than"):
        client.get("/a")
    assert time.monotonic() - started < 3
    server.close()


def test_nothing_is_kept_between_requests() -> None:
    seen: list[str | None] = []
    with answering([(200, {"Set-Cookie": "a=b; Path=/"}, b"x")]) as base, Client(base, CONTACT, HURRY) as client:
        for _ in range(2):
            response = client.get("/a")
            seen.append(next((value for name, value in response.request_headers if name.lower() == "cookie"), None))
    assert seen == [None, None]
