"""What the five real decisions hold, where they are: money, fault, and the law relied on."""

from __future__ import annotations

import json
from functools import cache
from typing import Any, NamedTuple

import pytest
from support import SHARED, plain

from pipeline import analyse, read_decision
from pipeline.records import AWARDED
from pipeline.values import Decision, Extraction

_SEEDS = sorted((SHARED / "seeds").glob("*.txt"))
TOTALS = {"lgsco/23-011-589": 350.0}

pytestmark = pytest.mark.skipif(not _SEEDS, reason="the real decisions are not here")


class Seed(NamedTuple):
    """A real decision, what was found in it, and what a person marked."""

    decision: Decision
    found: Extraction
    gold: dict[str, Any]


@cache
def _seed(name: str) -> Seed:
    decision = read_decision(SHARED / "seeds" / name)
    gold = SHARED / "gold" / f"{decision.decision_id.split('/')[1]}.json"
    return Seed(decision, analyse(decision), json.loads(gold.read_text(encoding="utf-8")))


@pytest.fixture(params=[path.name for path in _SEEDS])
def seed(request: pytest.FixtureRequest) -> Seed:
    return _seed(request.param)


def test_total_awarded(seed: Seed) -> None:
    total = sum(p.total or 0.0 for p in seed.found.payments if p.status in AWARDED)
    assert total == seed.gold["total_awarded"] == TOTALS.get(seed.decision.decision_id, 0.0)


def test_fault_found(seed: Seed) -> None:
    assert any(f.polarity == "fault" for f in seed.found.findings) is seed.gold["fault_found"]


def test_payments(seed: Seed) -> None:
    found = [(p.amount, p.total, p.status, p.recipient, p.paragraph) for p in seed.found.payments]
    marked = [(p["amount"], p["total"], p["status"], p["recipient"], p["paragraph"]) for p in seed.gold["payments"]]
    assert found == marked


def test_citations(seed: Seed) -> None:
    """Every provision marked is found, within or around the words marked."""
    spans = [
        (
            plain(c.act).removesuffix(f" {c.year}"),
            c.year,
            (c.provision or "").replace(" ", ""),
            plain(seed.decision.words_of(c)),
        )
        for c in seed.found.citations
    ]
    missing = []
    for row in seed.gold["citations"]:
        quote = plain(row["quote"])
        for provision in row["provisions"] or [""]:
            wanted = (row["act"], row["year"], provision.replace(" ", ""))
            if not any(span[:3] == wanted and (span[3] in quote or quote in span[3]) for span in spans):
                missing.append((wanted, quote))
    assert missing == []


def test_quotes_are_spans_of_the_text(seed: Seed) -> None:
    found = seed.found
    for span in (*found.findings, *found.remedies, *found.payments, *found.amounts, *found.citations):
        assert 0 <= span.start < span.end <= len(seed.decision.text)
        assert seed.decision.words_of(span) == seed.decision.words_of(span).strip()
