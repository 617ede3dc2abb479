"""The raw archive: one WARC file a month, the ledger beside it, and a folder of answers that were no decisions.

    data/raw/2024-01.warc.gz   every version of every decision of the month: what was asked, what was answered, as sent
    data/raw/ledger.sqlite     what is known of months, listings and pages; no text of decisions
    data/raw/failed/*.warc     answers in which no decision could be read, to look into

A version is appended, brought to the disk, and only then entered into the ledger. What a crash leaves between the two
is entered at the next start; what it leaves half written is cut off. A WARC file says by itself what is current: the
last record of a reference.
"""

from __future__ import annotations

import hashlib
import os
import re
import uuid
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import NamedTuple, Self
from urllib.parse import urlsplit

from filelock import FileLock, Timeout
from warcio.recordloader import ArcWarcRecord, ArcWarcRecordLoader  # type: ignore[import-untyped]
from warcio.statusandheaders import StatusAndHeaders  # type: ignore[import-untyped]
from warcio.warcwriter import WARCWriter  # type: ignore[import-untyped]

from pipeline.scrape.client import Response
from pipeline.scrape.ledger import Ledger, Version
from pipeline.values import RawPage

_MONTH = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])")
_REFERENCE = re.compile(r"[0-9a-z](?:[0-9a-z-]{0,60}[0-9a-z])?")
_REFERENCE_HEADER = "WARC-Redress-Reference"
_TEXT_HEADER = "WARC-Redress-Text-Digest"
_CHUNK = 65_536


class ArchiveInUse(Exception):  # noqa: N818 - the name says what happened
    """Another process is writing to the archive."""


class Member(NamedTuple):
    """One gzip member of a WARC file, which is one record: where it stands (bytes) and what it holds, unpacked."""

    start: int
    end: int
    block: bytes

    def record(self) -> ArcWarcRecord:
        return ArcWarcRecordLoader().parse_record_stream(BytesIO(self.block), known_format="warc")


def read_pages(path: Path) -> Iterator[RawPage]:
    """The current version of every decision in one month's WARC file, in the order of their references.

    Decisions that are gone from the site are among them, unless they were forgotten. The name is
    `2024-01.warc.gz#23-011-589`,
    the url the published one, the content the page's bytes, unpacked. A record cut short at the end of the file is
    left out.
    """
    current: dict[str, Member] = {}
    for member in _members(path):
        record = member.record()
        reference = record.rec_headers.get_header(_REFERENCE_HEADER)
        if record.rec_type == "response" and reference:
            current[reference] = member
    for reference in sorted(current):
        record = current[reference].record()
        url = record.rec_headers.get_header("WARC-Target-URI")
        yield RawPage(name=f"{path.name}#{reference}", content=record.content_stream().read(), url=url)


class Archive:
    """The archive, open for writing by this process alone. Use as a context manager.

    Raises ArchiveInUse when another process has it open, ValueError when it holds another source.
    """

    def __init__(self, folder: Path, source: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.source = source
        self._lock = FileLock(folder / ".lock")
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise ArchiveInUse(f"{folder}: another scrape is writing here") from None
        self.ledger = Ledger(folder / "ledger.sqlite")
        known = self.ledger.note("source")
        if known not in (None, source):
            self.close()
            raise ValueError(f"{folder} holds decisions of {known}: give every source an archive of its own")
        if known is None:
            self.ledger.set_note("source", source)
        self._recover()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of the archive."""
        self.ledger.__exit__()
        self._lock.release()

    def add(self, month: str, reference: str, url: str, response: Response, text_sha256: str) -> None:
        """Appends a version of a page to its month's file and enters it into the ledger.

        `url` is the published address.
        """
        path = self._file(month)
        new = not path.exists()
        packed = _pack(url, response, {_REFERENCE_HEADER: _checked(reference), _TEXT_HEADER: f"sha256:{text_sha256}"})
        with path.open("ab") as file:
            file.write((_pack_info(path.name, self.source, response) if new else b"") + packed)
            file.flush()
            os.fsync(file.fileno())
            length = file.tell()
        if new:
            _sync_folder(self.folder)
        self.ledger.archived(_version(month, reference, url, response, text_sha256), length)

    def keep_failed(self, name: str, url: str, response: Response) -> Path:
        """Keeps an answer that is no decision, for a person to look into. `name` is a reference or a month."""
        folder = self.folder / "failed"
        folder.mkdir(exist_ok=True)
        path = folder / f"{_checked(name)}-{hashlib.sha256(response.body).hexdigest()[:12]}.warc"
        temporary = path.with_suffix(".tmp")
        temporary.write_bytes(_pack(url, response, {}, gzip=False))
        temporary.replace(path)
        return path

    def drop_failed(self, name: str) -> None:
        """Removes the answers kept under a name."""
        for path in (self.folder / "failed").glob(f"{_checked(name)}-*.warc"):
            path.unlink()

    def forget_gone(self) -> list[str]:
        """Removes every version of the pages that are gone from the site; their references, in order.

        Files are written anew and renamed, so that a crash leaves each as it was or as it should be.
        """
        gone: dict[str, set[str]] = {}
        for page in self.ledger.gone_pages():
            gone.setdefault(page.month, set()).add(page.reference)
        for month, references in gone.items():
            path = self._file(month)
            if path.exists():
                _rewrite_without(path, references)
                _sync_folder(self.folder)
            for reference in references:
                self.drop_failed(reference)
            self.ledger.forgotten(month, sorted(references), path.stat().st_size if path.exists() else 0)
        return sorted(reference for references in gone.values() for reference in references)

    def _file(self, month: str) -> Path:
        if _MONTH.fullmatch(month) is None:
            raise ValueError(f"{month!r} is no month")
        return self.folder / f"{month}.warc.gz"

    def _recover(self) -> None:
        """Brings files and ledger together again after a crash."""
        for path in self.folder.glob("*.tmp"):
            path.unlink()
        lengths = self.ledger.files()
        found = {path.name.removesuffix(".warc.gz") for path in self.folder.glob("*.warc.gz")}
        for month in sorted(found | set(lengths)):
            if _MONTH.fullmatch(month) is None:
                continue
            path, known = self._file(month), lengths.get(month, 0)
            size = path.stat().st_size if path.exists() else 0
            if size == known:
                continue
            # More than the ledger knows was appended before a crash. Less was rewritten, or put there by someone.
            end = known if known < size else 0
            versions: Counter[str] = Counter()
            for member in _members(path, end) if size else ():
                record = member.record()
                if record.rec_type in ("warcinfo", "response"):
                    end = member.end
                version = _version_of(month, record) if record.rec_type == "response" else None
                if version is not None and known < size:
                    self.ledger.archived(version, end)
                elif version is not None:
                    versions[version.reference] += 1
            if known > size:
                self.ledger.recount(month, versions)
            if end < size:
                with path.open("r+b") as file:
                    file.truncate(end)
                    os.fsync(file.fileno())
            self.ledger.set_length(month, end)


def _checked(name: str) -> str:
    """A reference or month that may name a file. Raises ValueError for anything else."""
    if _REFERENCE.fullmatch(name) is None:
        raise ValueError(f"{name!r} may not name anything")
    return name


def _members(path: Path, start: int = 0) -> Iterator[Member]:
    """The whole gzip members of a file from an offset on; stops at one that is cut short or damaged."""
    data = memoryview(path.read_bytes())
    while start < len(data):
        unzip = zlib.decompressobj(wbits=31)
        block, place = bytearray(), start
        with suppress(zlib.error):
            while not unzip.eof and place < len(data):
                block += unzip.decompress(data[place : place + _CHUNK])
                place = min(place + _CHUNK, len(data))
        if not unzip.eof:
            return
        end = place - len(unzip.unused_data)
        yield Member(start, end, bytes(block))
        start = end


def _rewrite_without(path: Path, references: set[str]) -> None:
    data = path.read_bytes()
    kept = bytearray()
    held = b""  # the request, which stands before its response
    for member in _members(path):
        record = member.record()
        packed = data[member.start : member.end]
        if record.rec_type == "request":
            held = packed
        elif record.rec_headers.get_header(_REFERENCE_HEADER) in references:
            held = b""
        else:
            kept += held + packed
            held = b""
    temporary = path.with_suffix(".tmp")
    with temporary.open("wb") as file:
        file.write(kept)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _pack(url: str, response: Response, named: dict[str, str], gzip: bool = True) -> bytes:
    """Request and response as WARC records. The response comes last: a request without one was cut short."""
    when = f"{response.fetched:%Y-%m-%dT%H:%M:%SZ}"
    # Neither clock nor chance beyond the time of the fetch: the ids follow from what is recorded.
    seed = f"{url} {when} {hashlib.sha256(response.raw).hexdigest()}"
    ids = {kind: f"<urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{kind} {seed}')}>" for kind in ("request", "response")}
    parts = urlsplit(response.url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    # The client has taken chunks apart; a reader must not try again.
    headers = [(f"X-Archive-Orig-{k}" if k.lower() == "transfer-encoding" else k, v) for k, v in response.headers]
    out = BytesIO()
    writer = WARCWriter(out, gzip=gzip, warc_version="1.1")
    dated = {"WARC-Date": when}
    request = writer.create_warc_record(
        url,
        "request",
        payload=BytesIO(b""),
        http_headers=StatusAndHeaders(f"GET {target} HTTP/1.1", list(response.request_headers), is_http_request=True),
        warc_headers_dict={**dated, "WARC-Record-ID": ids["request"], "WARC-Concurrent-To": ids["response"]},
    )
    answer = writer.create_warc_record(
        url,
        "response",
        payload=BytesIO(response.raw),
        http_headers=StatusAndHeaders(
            f"{response.status} {response.reason}".strip(), headers, protocol=response.http_version
        ),
        warc_headers_dict={**dated, "WARC-Record-ID": ids["response"], **named},
    )
    writer.write_record(request)
    writer.write_record(answer)
    return out.getvalue()


def _pack_info(name: str, source: str, response: Response) -> bytes:
    when = f"{response.fetched:%Y-%m-%dT%H:%M:%SZ}"
    agent = next((value for key, value in response.request_headers if key.lower() == "user-agent"), "Redress")
    lines = {
        "software": agent.partition(" ")[0],
        "format": "WARC File Format 1.1",
        "isPartOf": source,
        "robots": "obeyed",
    }
    payload = "".join(f"{key}: {value}\r\n" for key, value in lines.items()).encode()
    out = BytesIO()
    writer = WARCWriter(out, gzip=True, warc_version="1.1")
    headers = {
        "WARC-Filename": name,
        "WARC-Date": when,
        "WARC-Record-ID": f"<urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'warcinfo {name} {when}')}>",
        "Content-Type": "application/warc-fields",
    }
    writer.write_record(
        writer.create_warc_record(
            "", "warcinfo", payload=BytesIO(payload), length=len(payload), warc_headers_dict=headers
        )
    )
    return out.getvalue()


def _version(month: str, reference: str, url: str, response: Response, text_sha256: str) -> Version:
    return Version(
        reference=reference,
        path=urlsplit(url).path,
        month=month,
        etag=response.header("etag"),
        modified=response.header("last-modified"),
        page_sha256=hashlib.sha256(response.body).hexdigest(),
        text_sha256=text_sha256,
        fetched=f"{response.fetched:%Y-%m-%dT%H:%M:%SZ}",
    )


def _version_of(month: str, record: ArcWarcRecord) -> Version | None:
    """What a record in a WARC file says of the version it holds, or null when it is none of ours."""
    reference = record.rec_headers.get_header(_REFERENCE_HEADER)
    if reference is None or _REFERENCE.fullmatch(reference) is None:
        return None
    return Version(
        reference=reference,
        path=urlsplit(record.rec_headers.get_header("WARC-Target-URI")).path,
        month=month,
        etag=record.http_headers.get_header("etag"),
        modified=record.http_headers.get_header("last-modified"),
        page_sha256=hashlib.sha256(record.content_stream().read()).hexdigest(),
        text_sha256=(record.rec_headers.get_header(_TEXT_HEADER) or "").removeprefix("sha256:"),
        fetched=record.rec_headers.get_header("WARC-Date"),
    )


def _sync_folder(folder: Path) -> None:
    """Brings a new or renamed file's name to the disk, where the system can."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
