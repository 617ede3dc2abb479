"""The benchmark prints its table, and its pages hold the decisions they were made from."""

from __future__ import annotations

import math
import re

import pytest

from pipeline.clean import clean
from tests import bench

STAGES = (
    "clean, text",
    "clean, HTML of 50 KB",
    "trafilatura.extract, HTML of 50 KB",
    "extract",
    "spaCy blank tokenizer alone",
    "clean, HTML as shipped",
    "trafilatura.extract, HTML as shipped",
    "redress run, 1 process",
    "redress run, 2 processes",
)
RATIOS = ("clean, text (decisions/s a core)", "clean ÷ trafilatura, HTML of 50 KB", "extract ÷ tokenizer, time")


@pytest.mark.slow
def test_the_quick_benchmark_prints_every_row(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "SEEDS", bench.ROOT / "missing")
    bench.main(["--quick"])
    lines = capsys.readouterr().out.splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    rates = {row[0]: row[2] for row in cells if "words each" in row[1] or "decisions from" in row[1]}
    for stage in STAGES:
        assert float(rates[stage].replace(",", "")) > 0, stage
    runs = [row[3] for row in cells if row[0].startswith("redress run")]
    assert len(runs) == 2
    for note in runs:
        assert re.search(r"clean \d+\.\d s, extract \d+\.\d s, dataset \d+\.\d s", note), note
        assert 50 < float(re.search(r"peak ([\d,]+) MB", note)[1].replace(",", "")) < 4000  # type: ignore[index]
    measured = {row[0].removeprefix("shipped: "): row[1:] for row in cells if row[0].startswith("shipped: ")}
    for ratio in RATIOS:
        value, aim, verdict = measured[ratio]
        number = float(value.replace(",", ""))
        assert math.isfinite(number) and number >= 0
        assert verdict == (
            "met" if bench.Ratio(ratio, number, float(aim[1:].replace(",", "")), aim[0] == "≥").met else "missed"
        )


@pytest.mark.parametrize(
    "page", bench.pages_in(bench.SHIPPED / "development", ".txt", ".html"), ids=lambda page: page.name
)
def test_a_page_of_the_benchmark_holds_its_decision(page: bench.RawPage) -> None:
    decision = clean(page)
    made = bench.as_page(decision)
    again = clean(made)
    assert 45_000 <= len(made.content) <= 55_000
    assert again.header.reference == decision.header.reference
    assert again.header.category == decision.header.category
    assert again.n_paragraphs == decision.n_paragraphs
    words = " ".join(decision.text.split()).removeprefix("Summary ")
    assert " ".join(again.text.split()).removeprefix("Summary ") == words


def test_medians_come_from_every_round() -> None:
    calls: list[str] = []
    contenders = [bench.Contender(name, 2, lambda name=name: calls.append(name)) for name in ("a", "b")]  # type: ignore[misc]
    seconds = bench.race(contenders, rounds=3)
    assert calls == ["a", "b", "a", "b", "b", "a", "a", "b"]  # warm-up, then the order turns
    assert set(seconds) == {"a", "b"} and all(value >= 0 for value in seconds.values())
