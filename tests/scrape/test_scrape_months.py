"""The scrape against the replica: what is archived is what is published, once each, or a month is open and says why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from scraping import HURRY, MONTHS, archived, contents, everything, ledger_rows, published, run

from pipeline.clean import clean
from pipeline.scrape.client import Clock
from pipeline.scrape.months import Outcome, advice, bounds, months_between
from pipeline.scrape.replica import FORBIDDEN, LASTING, PASSING, Published, Replica, generated, shipped
from pipeline.values import Decision, RawPage

Serve = Callable[..., Replica]


def check_manners(replica: Replica) -> None:
    """Never two requests at once, and never a forbidden address."""
    assert replica.most_flying == 1
    if "robots" in replica.kinds:
        assert not [asked for asked in replica.asked if asked.target.startswith(FORBIDDEN)]


def states(outcome: Outcome) -> set[str]:
    return {month.state for month in outcome.months}


def run_until_still(replica: Replica, folder: Path, most: int = 40) -> Outcome:
    """Runs until a run changes nothing any more."""
    before = None
    for _ in range(most):
        outcome = run(replica, folder)
        if before == (before := (contents(folder), ledger_rows(folder)["pages"])) and outcome.stopped is None:
            return outcome
    return outcome


def test_months_between() -> None:
    assert months_between(date(2023, 11, 30), date(2024, 2, 1)) == ["2023-11", "2023-12", "2024-01", "2024-02"]
    assert bounds("2024-02") == (date(2024, 2, 1), date(2024, 2, 29))
    assert bounds("2023-12")[1] == date(2023, 12, 31)


def test_a_scrape_is_complete_and_a_second_one_almost_free(serve: Serve, tmp_path: Path) -> None:
    replica = serve(400)
    first = run(replica, tmp_path)
    assert first.exit_code == 0 and states(first) == {"complete"} and advice(first.months, "lgsco") is None
    assert contents(tmp_path) == published(replica)
    assert max(Counter(asked.target for asked in replica.asked if "/decisions/" in asked.target).values()) == 1
    sent = sum(asked.sent for asked in replica.asked)
    files = everything(tmp_path)

    second = run(replica, tmp_path)
    assert second.exit_code == 0 and second.fetched == 0
    assert sum(asked.sent for asked in replica.asked) - sent < 0.02 * sent
    assert {name: digest for name, digest in everything(tmp_path).items() if name.endswith(".gz")} == {
        name: digest for name, digest in files.items() if name.endswith(".gz")
    }
    check_manners(replica)


def test_an_empty_month_is_complete(serve: Serve, tmp_path: Path) -> None:
    outcome = run(serve(3), tmp_path, ["2019-05"])
    assert outcome.exit_code == 0 and [month.announced for month in outcome.months] == [0]


def test_a_month_that_is_not_over_never_looks_complete(serve: Serve, tmp_path: Path) -> None:
    clock = Clock(now=lambda: datetime(2024, 3, 20, tzinfo=UTC))
    outcome = run(serve(40), tmp_path, clock=clock)
    assert [month.state for month in outcome.months] == ["complete", "complete", "growing"]
    assert outcome.exit_code == 0


@pytest.mark.parametrize("kind", sorted(set(PASSING) - {"challenge"}))
def test_what_passes_is_waited_out(serve: Serve, tmp_path: Path, kind: str) -> None:
    replica = serve(45, [kind], every=13, retry_after=0)
    outcome = run(replica, tmp_path)
    assert any(kind in replica.faults(path) for path in replica.published)
    assert outcome.exit_code == 0 and states(outcome) == {"complete"}, outcome
    assert contents(tmp_path) == published(replica)
    check_manners(replica)


def test_a_challenge_ends_the_run_and_the_next_goes_on(serve: Serve, tmp_path: Path) -> None:
    replica = serve(45, ["challenge"], every=9)
    outcome = run(replica, tmp_path)
    assert outcome.exit_code == 3 and outcome.stopped is not None and "challenge" in outcome.stopped
    assert outcome.troubles[-1].url.startswith(replica.base)
    kept = outcome.troubles[-1].kept
    assert kept is not None and b"verify you are human" in kept.read_bytes()
    assert "open" in states(outcome) and contents(tmp_path).items() <= published(replica).items()
    outcome = run_until_still(replica, tmp_path)
    assert outcome.exit_code == 0 and contents(tmp_path) == published(replica)
    check_manners(replica)


@pytest.mark.parametrize("kind", sorted(LASTING))
def test_what_lasts_leaves_the_month_open_until_it_is_mended(serve: Serve, tmp_path: Path, kind: str) -> None:
    decisions = generated(45)
    replica = serve(decisions, [kind], every=9)
    broken = replica.broken()
    assert broken or kind == "charset"
    outcome = run_until_still(replica, tmp_path)
    assert contents(tmp_path) == published(replica, but=broken)
    check_manners(replica)
    if kind == "charset":
        assert outcome.exit_code == 0
    elif kind in ("404", "410"):
        assert outcome.exit_code == 0 and sum(month.gone for month in outcome.months) == len(broken)
    else:
        changed = kind in ("layout", "no-article", "wrong-page")
        assert outcome.exit_code == (3 if changed else 1)
        open_months = {month.month for month in outcome.months if month.state == "open"}
        assert open_months == {f"{d.day:%Y-%m}" for d in decisions if d.path in broken}
        assert all(month.why and "/decisions/" in month.why for month in outcome.months if month.state == "open")
        assert {trouble.url for trouble in outcome.troubles} == {replica.base + path for path in broken}
        assert all((trouble.kept is not None and trouble.kept.exists()) == changed for trouble in outcome.troubles)

    mended = serve(decisions)
    outcome = run(mended, tmp_path, recheck_days=0)
    assert outcome.exit_code == 0 and states(outcome) == {"complete"}
    if kind != "charset":  # its pages read as the same text, so the archived bytes stay
        assert contents(tmp_path) == published(mended)


def test_results_that_shift_while_being_read(serve: Serve, tmp_path: Path) -> None:
    replica = serve(200, ["shifting"], every=60)
    late = [decision.path for decision in replica.state.held_back]
    assert late
    outcome = run_until_still(replica, tmp_path)
    assert not replica.state.held_back and set(late) <= set(contents(tmp_path))
    assert outcome.exit_code == 0 and contents(tmp_path) == published(replica)


def test_results_that_never_come_to_rest(serve: Serve, tmp_path: Path) -> None:
    replica = serve(400, ["shifting"], every=3)
    outcome = run(replica, tmp_path, ["2024-01"])
    assert outcome.exit_code == 1 and "readings" in (outcome.months[0].why or "")
    assert contents(tmp_path).items() <= published(replica).items()


def test_duplicates_across_windows_are_archived_once(serve: Serve, tmp_path: Path) -> None:
    replica = serve(150, ["duplicates"])
    outcome = run(replica, tmp_path)
    assert sum(month.listed for month in outcome.months) > len(replica.published)
    assert outcome.exit_code == 0 and contents(tmp_path) == published(replica)
    per_page = Counter(asked.target for asked in replica.asked if asked.target.startswith("/decisions/"))
    assert set(per_page.values()) == {1}


def test_a_count_that_disagrees_leaves_the_month_open(serve: Serve, tmp_path: Path) -> None:
    replica = serve(45, ["count"])
    outcome = run(replica, tmp_path)
    assert outcome.exit_code == 1 and states(outcome) == {"open"}
    assert all("announces" in (month.why or "") for month in outcome.months)
    assert contents(tmp_path) == published(replica)
    assert advice(outcome.months, "lgsco") == "redress scrape lgsco --from 2024-01-01 --to 2024-03-31"


@pytest.mark.parametrize("kind", ["empty", "search-layout"])
def test_silence_is_an_error(serve: Serve, tmp_path: Path, kind: str) -> None:
    replica = serve(45, [kind])
    outcome = run(replica, tmp_path)
    assert outcome.exit_code == 3 and outcome.stopped is not None and "/Decisions/SearchResults" in outcome.stopped
    assert states(outcome) == {"open"} and outcome.troubles[0].kept is not None
    assert len(replica.asked) == 2


def test_robots_txt_is_obeyed(serve: Serve, tmp_path: Path) -> None:
    replica = serve(45, ["robots"])
    outcome = run(replica, tmp_path)
    forbidden = {path for path in replica.published if path.startswith(FORBIDDEN)}
    assert forbidden and contents(tmp_path) == published(replica, but=forbidden)
    assert outcome.exit_code == 1 and any("robots.txt" in (month.why or "") for month in outcome.months)
    check_manners(replica)


def test_a_robots_txt_that_forbids_everything(serve: Serve, tmp_path: Path) -> None:
    replica = serve(45, ["robots-all"])
    outcome = run(replica, tmp_path)
    assert outcome.exit_code == 1 and states(outcome) == {"open"}
    assert {asked.target for asked in replica.asked} == {"/robots.txt"}


def test_every_misbehaviour_together(serve: Serve, tmp_path: Path) -> None:
    decisions = generated(96)
    kinds = [*PASSING, *LASTING, "shifting", "duplicates", "robots"]
    replica = serve(decisions, kinds, every=25, retry_after=0, hang=1.0)
    outcome = run_until_still(replica, tmp_path)
    forbidden = {path for path in replica.published if path.startswith(FORBIDDEN)}
    broken = replica.broken() | forbidden
    assert contents(tmp_path) == published(replica, but=broken)
    check_manners(replica)
    assert not replica.state.held_back
    for month in outcome.months:
        lacking = {d for d in decisions if d.path in broken and f"{d.day:%Y-%m}" == month.month}
        down = {d for d in lacking if {"404", "410"} & set(replica.faults(d.path)[-2:])}
        # a month's last days are listed with the next one too: what is lacking there keeps that one open as well
        assert month.state == "open" or not lacking - down, month
        assert (month.state == "open") == (month.why is not None and "/decisions/" in month.why), month

    mended = serve(decisions)
    assert run(mended, tmp_path, recheck_days=0).exit_code == 0
    assert set(contents(tmp_path)) == set(published(mended))


# What changes from run to run.


def edited(decision: Published, old: str, new: str) -> Published:
    page = decision.page.decode()
    assert old in page
    return replace(decision, page=page.replace(old, new).encode())


def test_only_what_is_new_is_fetched(serve: Serve, tmp_path: Path) -> None:
    decisions = generated(90)
    replica = serve(decisions[:88])
    run(replica, tmp_path)
    before = len(replica.asked)
    replica.publish(*decisions[88:])
    outcome = run(replica, tmp_path)
    asked = [asked.target for asked in replica.asked[before:] if asked.target.startswith("/decisions/")]
    assert sorted(asked) == sorted(decision.path for decision in decisions[88:])
    assert outcome.exit_code == 0 and contents(tmp_path) == published(replica)


def test_a_new_version_is_kept_only_when_the_text_changed(serve: Serve, tmp_path: Path) -> None:
    decisions = generated(30)
    replica = serve(decisions)
    run(replica, tmp_path)
    size = {path.name: path.stat().st_size for path in tmp_path.glob("*.gz")}
    replica.publish(*(edited(decision, "<main>", '<main class="new">') for decision in decisions))
    outcome = run(replica, tmp_path, recheck_days=0)
    assert outcome.fetched == 30 and sum(month.changed for month in outcome.months) == 0
    assert {path.name: path.stat().st_size for path in tmp_path.glob("*.gz")} == size

    new = edited(decisions[0], "The complaint</h2>", "The complaint</h2><p>This statement was corrected.</p>")
    replica.publish(new)
    outcome = run(replica, tmp_path, recheck_days=0)
    assert sum(month.changed for month in outcome.months) == 1
    assert contents(tmp_path)[new.path] == new.page
    import gzip

    file = tmp_path / f"{new.day:%Y-%m}.warc.gz"
    assert gzip.decompress(file.read_bytes()).count(f"Target-URI: https://www.lgo.org.uk{new.path}\r".encode()) == 4


def test_a_changed_row_is_enough_to_look_again(serve: Serve, tmp_path: Path) -> None:
    decisions = sorted(generated(30), key=lambda d: (d.day, d.reference), reverse=True)
    replica = serve(decisions)
    run(replica, tmp_path)
    before = len(replica.asked)
    newest = next(decision for decision in decisions if decision.day.month == 2)
    replica.publish(replace(edited(newest, "Summary:</strong>", "Summary:</strong> Mended."), summary="Mended."))
    outcome = run(replica, tmp_path)
    asked = [asked.target for asked in replica.asked[before:] if asked.target.startswith("/decisions/")]
    assert asked == [newest.path] and sum(month.changed for month in outcome.months) == 1


def test_gone_is_marked_and_kept_until_it_is_forgotten(serve: Serve, tmp_path: Path) -> None:
    from pipeline.scrape.archive import Archive

    replica = serve(60)
    run(replica, tmp_path)
    before = contents(tmp_path)
    paths = sorted(replica.published)[:3]
    words = [clean(RawPage("x", replica.page(path))).summary for path in paths]
    replica.take_down(*paths)
    outcome = run(replica, tmp_path)
    assert outcome.exit_code == 0 and sum(month.gone for month in outcome.months) == 3
    assert contents(tmp_path) == before

    with Archive(tmp_path, "lgsco") as archive:
        assert archive.forget_gone() == sorted(path.rpartition("/")[2] for path in paths)
        assert archive.forget_gone() == []
    assert contents(tmp_path) == published(replica)
    import gzip

    left = b"".join(
        gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        for path in tmp_path.rglob("*")
        if path.is_file()
    )
    assert not [path for path in paths if f"Target-URI: https://www.lgo.org.uk{path}".encode() in left]
    assert all(summary for summary in words)
    again = run(replica, tmp_path)
    assert again.exit_code == 0 and again.fetched == 0 and contents(tmp_path) == published(replica)


def test_what_was_forgotten_and_comes_back_is_archived_again(serve: Serve, tmp_path: Path) -> None:
    from pipeline.scrape.archive import Archive

    decisions = generated(20)
    replica = serve(decisions)
    run(replica, tmp_path)
    replica.take_down(decisions[0].path)
    run(replica, tmp_path)
    with Archive(tmp_path, "lgsco") as archive:
        archive.forget_gone()
    replica.publish(decisions[0])
    assert run(replica, tmp_path).exit_code == 0
    assert contents(tmp_path) == published(replica)


def test_what_left_the_listing_and_still_answers_stays(serve: Serve, tmp_path: Path) -> None:
    decisions = generated(20)
    replica = serve(decisions)
    run(replica, tmp_path)
    # its day changed on the site: another month lists it now
    moved = replace(decisions[0], day=decisions[0].day + timedelta(days=400))
    replica.publish(moved)
    outcome = run(replica, tmp_path)
    assert outcome.exit_code == 0 and sum(month.gone for month in outcome.months) == 0
    assert contents(tmp_path) == published(replica)
    asked = len(replica.asked)
    run(replica, tmp_path)
    assert len(replica.asked) - asked == 1 + len(MONTHS)


# Pages that mean harm.


def test_a_hostile_page_reaches_nothing_outside_and_nobody_else(serve: Serve, tmp_path: Path) -> None:
    folder = tmp_path / "inner" / "raw"
    replica = serve(45, ["hostile"], every=5)
    (tmp_path / "x").write_text("mine")
    outcome = run(replica, folder)
    assert outcome.exit_code == 3 and states(outcome) == {"open"}
    assert all("could not be read" in (month.why or "") for month in outcome.months)
    assert contents(folder) == published(replica)
    names = {path.rpartition("/")[2] for path in replica.published}
    assert {page.name.partition("#")[2] for page in archived(folder)} == names
    for page in archived(folder):
        assert clean(page).decision_id == f"lgsco/{page.name.partition('#')[2]}"
    outside = {path for path in tmp_path.rglob("*") if path.is_file() and folder not in path.parents}
    assert outside == {tmp_path / "x"} and (tmp_path / "x").read_text() == "mine"
    inside = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert all(name.startswith("failed/2024-") or "/" not in name for name in inside)


def test_a_page_that_says_it_is_another_decision_changes_neither(serve: Serve, tmp_path: Path) -> None:
    decisions = generated(20)
    replica = serve(decisions)
    run(replica, tmp_path)
    before = contents(tmp_path)
    one, other = decisions[:2]
    replica.publish(replace(one, page=other.page))
    outcome = run(replica, tmp_path, recheck_days=0)
    assert outcome.exit_code == 3 and contents(tmp_path) == before
    assert "another decision's" in outcome.troubles[0].reason


# From the archive to the dataset.


def told(decision: Decision) -> Decision:
    """A decision without what says where its page came from."""
    header = replace(decision.header, url=None)
    return replace(decision, source_file="", sha256="", numbering="", header=header)


def test_the_archive_reads_as_the_text_files_do(serve: Serve, tmp_path: Path) -> None:
    folder = Path(__file__).resolve().parents[2] / "corpus" / "decisions"
    decisions = shipped(folder)
    assert len(decisions) > 50
    months = sorted({f"{decision.day:%Y-%m}" for decision in decisions})
    outcome = run(serve(decisions), tmp_path, months)
    assert outcome.exit_code == 0
    pages = {page.name.partition("#")[2]: page for page in archived(tmp_path)}
    assert len(pages) == len(decisions)
    compared = 0
    for path in sorted(folder.rglob("*")):
        if path.suffix not in (".txt", ".html") or path.stem not in pages:
            continue
        page = pages[path.stem]
        from_file, from_archive = clean(RawPage(path.name, path.read_bytes())), clean(page)
        assert told(from_archive) == told(from_file), path.name
        if path.suffix == ".html":
            assert page.content == path.read_bytes() and from_archive.numbering == from_file.numbering
        assert page.url is not None and page.url.startswith("https://www.lgo.org.uk/decisions/")
        compared += 1
    assert compared == len(decisions)


assert HURRY.delay == 0  # on loopback only
