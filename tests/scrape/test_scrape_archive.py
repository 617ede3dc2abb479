"""The archive: what other tools read in it, and what a crash, a lost ledger or a second process can do to it."""

from __future__ import annotations

import gzip
import multiprocessing
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from scraping import CONTACT, archived, contents, everything, ledger_rows, published, run, scrape_away
from warcio.archiveiterator import ArchiveIterator

from pipeline.scrape.archive import Archive, ArchiveInUse, read_pages
from pipeline.scrape.ledger import Ledger
from pipeline.scrape.replica import Replica, generated

Serve = Callable[..., Replica]
FIRST = "2024-01.warc.gz"


def records(folder: Path) -> list[tuple[str, str, bytes]]:
    """(kind, address, body) of every WARC record, as another tool reads them."""
    found = []
    for path in sorted(folder.glob("*.warc.gz")):
        with path.open("rb") as file:
            for record in ArchiveIterator(file, check_digests=True):
                body = record.content_stream().read()
                assert record.digest_checker.passed is not False, record.digest_checker.problems
                found.append((record.rec_type, record.rec_headers.get_header("WARC-Target-URI") or "", body))
    return found


def test_other_tools_read_it(serve: Serve, tmp_path: Path) -> None:
    replica = serve(40)
    run(replica, tmp_path)
    found = records(tmp_path)
    kinds = Counter(kind for kind, _, _ in found)
    assert kinds == {"warcinfo": 3, "request": 40, "response": 40}
    bodies = {url.removeprefix("https://www.lgo.org.uk"): body for kind, url, body in found if kind == "response"}
    assert bodies == published(replica)
    words = gzip.decompress((tmp_path / FIRST).read_bytes())
    for line in (b"WARC/1.1", b"HTTP/1.1 200 OK", b"User-Agent: Redress/", b"Content-Encoding: gzip", CONTACT.encode()):
        assert line in words


def test_pages_are_read_in_the_order_of_their_references(serve: Serve, tmp_path: Path) -> None:
    run(serve(40), tmp_path)
    pages = list(read_pages(tmp_path / FIRST))
    names = [page.name for page in pages]
    assert names == sorted(names) and all(name.startswith(f"{FIRST}#2") for name in names)
    assert pages == list(read_pages(tmp_path / FIRST))


def test_a_torn_record_is_cut_off_and_fetched_again(serve: Serve, tmp_path: Path) -> None:
    replica = serve(40)
    run(replica, tmp_path)
    whole = (tmp_path / FIRST).read_bytes()
    for torn in (whole[:1500], b"\x1f\x8b\x08\x00junk", b"\0" * 4096):
        (tmp_path / FIRST).write_bytes(whole + torn)
        assert len(list(read_pages(tmp_path / FIRST))) == len(archived(tmp_path)) - len(
            [page for page in archived(tmp_path) if not page.name.startswith(FIRST)]
        )
        with Archive(tmp_path, "lgsco"):
            pass
        assert (tmp_path / FIRST).read_bytes()[: len(whole)] == whole
    assert contents(tmp_path) == published(replica)


def test_a_record_that_the_ledger_missed_is_not_fetched_again(serve: Serve, tmp_path: Path) -> None:
    """A crash between the file and the ledger: the ledger of before is put back."""
    replica = serve(40)
    run(replica, tmp_path, ["2024-01", "2024-02"])
    (tmp_path / "before").write_bytes((tmp_path / "ledger.sqlite").read_bytes())
    run(replica, tmp_path)
    rows = ledger_rows(tmp_path)
    (tmp_path / "before").replace(tmp_path / "ledger.sqlite")
    asked = len(replica.asked)
    assert run(replica, tmp_path).exit_code == 0
    assert not [asked for asked in replica.asked[asked:] if asked.target.startswith("/decisions/")]
    assert ledger_rows(tmp_path)["pages"] == rows["pages"]


def test_a_lost_ledger_is_made_again_from_the_files(serve: Serve, tmp_path: Path) -> None:
    replica = serve(40)
    run(replica, tmp_path)
    rows, files = ledger_rows(tmp_path), everything(tmp_path)
    (tmp_path / "ledger.sqlite").unlink()
    asked = len(replica.asked)
    outcome = run(replica, tmp_path)
    assert outcome.exit_code == 0 and outcome.fetched == 0
    assert not [asked for asked in replica.asked[asked:] if asked.target.startswith("/decisions/")]
    assert ledger_rows(tmp_path)["pages"] == rows["pages"]
    assert everything(tmp_path)[FIRST] == files[FIRST]


def test_a_file_that_was_lost_is_fetched_again(serve: Serve, tmp_path: Path) -> None:
    replica = serve(40)
    run(replica, tmp_path)
    (tmp_path / FIRST).unlink()
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        assert {tally.state for tally in ledger.tallies()} == {"complete"}
    assert run(replica, tmp_path).exit_code == 0
    assert contents(tmp_path) == published(replica)


def test_a_crash_while_forgetting_forgets_all_the_same(serve: Serve, tmp_path: Path) -> None:
    replica = serve(40)
    run(replica, tmp_path)
    path = next(path for path, decision in replica.published.items() if decision.day.month == 1)
    replica.take_down(path)
    run(replica, tmp_path)
    (tmp_path / "before").write_bytes((tmp_path / "ledger.sqlite").read_bytes())
    with Archive(tmp_path, "lgsco") as archive:
        assert archive.forget_gone() == [path.rpartition("/")[2]]
    rows = ledger_rows(tmp_path)
    (tmp_path / "before").replace(tmp_path / "ledger.sqlite")  # the file was renamed, the ledger not yet told
    (tmp_path / "2024-01.warc.tmp").write_bytes(b"half")
    with Archive(tmp_path, "lgsco") as archive:
        assert archive.forget_gone() == []
    assert contents(tmp_path) == published(replica) and not list(tmp_path.glob("*.tmp"))
    assert [row[:5] for row in ledger_rows(tmp_path)["pages"]] == [row[:5] for row in rows["pages"]]


def test_two_at_once_are_one_too_many(tmp_path: Path) -> None:
    with Archive(tmp_path, "lgsco"), pytest.raises(ArchiveInUse):
        Archive(tmp_path, "lgsco")
    with pytest.raises(ValueError, match="an archive of its own"):
        Archive(tmp_path, "other")
    with Archive(tmp_path, "lgsco"):
        pass


@pytest.mark.parametrize(
    "name", ["../../x", "..", "a/b", "", "23-011-589\0", "２３-011-589", "x" * 100, "C:x", "23-011-589.html"]
)
def test_nothing_odd_names_a_file(tmp_path: Path, name: str) -> None:
    with Archive(tmp_path, "lgsco") as archive:
        with pytest.raises(ValueError, match="may not name"):
            archive.drop_failed(name)
        with pytest.raises(ValueError, match="no month"):
            archive._file(name)


@pytest.mark.slow
def test_fifty_kills_change_nothing(serve: Serve, tmp_path: Path) -> None:
    """2,000 decisions, SIGKILL at random moments: the archive of an undisturbed run, a request lost a kill at most."""
    chance = random.Random(4)
    decisions = generated(2000)
    calm, stormy = serve(decisions), serve(decisions)
    assert run(calm, tmp_path / "calm").exit_code == 0
    processes = multiprocessing.get_context("forkserver")  # each a process of its own, with the imports done before
    processes.set_forkserver_preload(["pipeline.scrape.months", "pipeline.scrape.lgsco", "pipeline.scrape.replica"])
    kills = 0
    while kills < 50:
        enough = len(stormy.state.asked) + chance.randrange(2, 75)
        process = processes.Process(target=scrape_away, args=(stormy.base, tmp_path / "storm"))
        process.start()
        if kills % 10 == 9:  # while it starts
            time.sleep(chance.uniform(0, 0.2))
        else:
            while len(stormy.state.asked) < enough and process.is_alive():
                time.sleep(0.003)
            time.sleep(chance.uniform(0, 0.02))
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL, "it was done before it was killed often enough"
        kills += 1
        if kills == 25:
            assert contents(tmp_path / "storm").items() <= published(stormy).items()
    command = [sys.executable, "-m", "pipeline.scrape.cli", "lgsco", "--from", "2024-01", "--to", "2024-03"]
    command += ["--delay", "0", "--contact", CONTACT, "--archive", str(tmp_path / "storm"), "--base-url", stormy.base]
    last = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert last.returncode == 0, last.stdout + last.stderr

    assert contents(tmp_path / "storm") == published(stormy)
    assert records(tmp_path / "storm") == records(tmp_path / "calm")
    assert ledger_rows(tmp_path / "storm") == ledger_rows(tmp_path / "calm")
    asked = Counter(asked.target for asked in stormy.asked)
    undisturbed = Counter(asked.target for asked in calm.asked)
    del asked["/robots.txt"], undisturbed["/robots.txt"]  # each start reads it
    assert sum(asked.values()) - sum(undisturbed.values()) <= kills
    assert all(asked[target] >= times for target, times in undisturbed.items())
