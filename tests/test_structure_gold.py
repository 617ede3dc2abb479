"""Structure and words of every decision that was marked by hand: those that ship, and the real ones where they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from support import SHARED, SHIPPED, assert_tiles, gold_beside, plain, raw_files

from pipeline import read_decision
from pipeline.clean import decode
from pipeline.clean.header import reference_in
from pipeline.clean.lines import fold, layout
from pipeline.values import Decision

# Lines that are furniture in every decision that ships, as `fold` writes them.
FURNITURE = frozenset(
    {
        "back to top",
        "print this page",
        "lgo logogram",
        "skip to main content",
        "review your privacy settings",
        "required cookies",
        "view required cookies",
        "analytical cookies",
        "view analytical cookies",
        "privacy settings",
        "we recommend you set these 'on'.",
        "investigator's decision on behalf of the ombudsman",
        "assistant ombudsman's decision on behalf of the ombudsman",
        "the ombudsman's final decision:",
        "the ombudsmen's final decision:",
    }
)


class Marked(NamedTuple):
    """A decision as it was read, and what a person marked in it."""

    decision: Decision
    gold: dict[str, Any]


def _seeds() -> list[Path]:
    return sorted((SHARED / "seeds").glob("*.txt"))


def _gold_of_seed(path: Path) -> dict[str, Any]:
    reference = reference_in(path.read_text(encoding="utf-8")) or ""
    loaded: dict[str, Any] = json.loads(
        (SHARED / "gold" / f"{reference.replace(' ', '-')}.json").read_text(encoding="utf-8")
    )
    return loaded


_PATHS = [*raw_files(SHIPPED), *_seeds()]


@pytest.fixture(scope="module", params=_PATHS, ids=[p.stem for p in _PATHS])
def marked(request: pytest.FixtureRequest) -> Marked:
    path: Path = request.param
    return Marked(read_decision(path), gold_beside(path) if SHIPPED in path.parents else _gold_of_seed(path))


def test_decisions_ship() -> None:
    paths = raw_files(SHIPPED)
    assert len(paths) >= 20
    assert {p.suffix for p in paths} == {".txt", ".html"}
    decisions = [read_decision(p) for p in paths]
    assert {d.numbering for d in decisions} == {"markup", "inferred", "none"}
    assert {d.header.document_type for d in decisions} == {"statement", "report"}
    assert any(d.header.decision is None for d in decisions)  # without a header
    assert len({d.decision_id for d in decisions}) == len(decisions)


@pytest.mark.skipif(not _seeds(), reason="the real decisions are not here")
def test_all_five_real_decisions_are_read() -> None:
    assert len({read_decision(path).decision_id for path in _seeds()}) == 5


def test_header(marked: Marked) -> None:
    header, gold = marked.decision.header, marked.gold["header"]
    found = {name: getattr(header, name) for name in gold}
    if header.decision_date is not None:
        found["decision_date"] = header.decision_date.isoformat()
    assert found == gold
    assert marked.decision.decision_id == marked.gold["decision_id"]


def test_paragraphs_and_sections(marked: Marked) -> None:
    decision, gold = marked
    assert decision.n_paragraphs == gold["paragraphs"]
    found = [[plain(s.heading), s.level, s.first, s.last] for s in decision.sections if s.code != "summary"]
    assert found == [[plain(heading), *rest] for heading, *rest in gold["sections"]]


def test_the_lines_tile_the_text(marked: Marked) -> None:
    assert_tiles(marked.decision)
    numbers = [p.number for p in marked.decision.paragraphs if p.kind == "paragraph"]
    assert numbers == list(range(1, marked.gold["paragraphs"] + 1))


def test_every_quote_is_in_the_text(marked: Marked) -> None:
    text = plain(marked.decision.text)
    quotes = [row["quote"] for kind in _KINDS for row in marked.gold.get(kind, [])]
    assert [quote for quote in quotes if plain(quote) not in text] == []


_KINDS = ("findings", "remedies", "payments", "amounts", "citations")


def test_every_quote_is_in_its_paragraph(marked: Marked) -> None:
    decision, gold = marked
    by_number: dict[int | None, str] = {}
    for p in decision.paragraphs:
        by_number[p.number] = f"{by_number.get(p.number, '')} {plain(decision.words_of(p))}"
    # Sums may stand in the cells of a table, which belong to no paragraph.
    rows = [
        row for kind in _KINDS if kind != "amounts" for row in gold.get(kind, []) if row.get("paragraph") is not None
    ]
    assert [r["quote"] for r in rows if plain(r["quote"]) not in by_number.get(r["paragraph"], "")] == []


def test_the_last_line_is_the_last_line(marked: Marked) -> None:
    decision, gold = marked
    if gold.get("last_line"):
        assert plain(decision.text.split("\n")[-1]).endswith(plain(gold["last_line"]))


def test_no_furniture_is_left(marked: Marked) -> None:
    decision, gold = marked
    fixed = FURNITURE | {fold(line) for line in gold.get("boilerplate", [])}
    lines = [fold(line) for line in decision.text.split("\n")]
    assert [line for line in lines if line in fixed] == []
    assert not any(reference_in(line) and line == fold(gold["first_line"]) for line in lines if gold.get("first_line"))


def test_no_word_of_the_decision_is_lost(marked: Marked) -> None:
    """Every numbered or bulleted line of a text page is a line of the text, in the same order."""
    decision = marked.decision
    path = next(p for p in _PATHS if p.name == decision.source_file)
    if path.suffix == ".html":
        pytest.skip("markup has no lines")
    written = [line.strip() for line in decode(path.read_bytes()).split("\n")]
    items = [plain(line.split(" ", 1)[1]) for line in written if " " in line and line.split(" ")[0] in _MARKERS]
    known = layout("lgsco")
    items = [line for line in items if fold(line) not in known.around]
    lines = iter(plain(line) for line in decision.text.split("\n"))
    assert [line for line in items if line not in lines] == []


_MARKERS = {"•", "-", *(f"{n}." for n in range(1, 100))}
