"""Gold: decisions read by a person, one JSON file each, and where in the text their quotes stand."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from pipeline.corpus import codes
from pipeline.values import Decision

Span = tuple[int, int]
T = TypeVar("T")


class BadGold(Exception):  # noqa: N818 - the name says what the file is
    """A gold file that cannot be used; the message names the file and what is wrong in it."""


@dataclass(frozen=True, slots=True)
class Quote:
    """Words of the decision and the published number of their paragraph; null where it has none or is not said."""

    words: str
    paragraph: int | None


@dataclass(frozen=True, slots=True)
class GoldFinding:
    quote: Quote
    polarity: str
    types: frozenset[str]
    injustice: frozenset[str]


@dataclass(frozen=True, slots=True)
class GoldRemedy:
    quote: Quote
    types: frozenset[str]
    status: str
    due_date: date | None


@dataclass(frozen=True, slots=True)
class GoldPayment:
    """Amounts and totals are pounds."""

    quote: Quote
    amount: float
    status: str
    frequency: str | None
    total: float | None
    recipient: str | None
    purposes: frozenset[str]


@dataclass(frozen=True, slots=True)
class GoldAmount:
    quote: Quote
    amount: float
    reason: str


@dataclass(frozen=True, slots=True)
class GoldCitation:
    quote: Quote
    act: str
    year: int | None
    provisions: frozenset[str]


@dataclass(frozen=True, slots=True)
class Gold:
    """One decision as a person read it.

    `amounts` and `guidance` are null where sums that are no payments, and titles of guidance, were not marked.

    `header` holds only what is known: a field that the file leaves null is not here, and is not measured.
    """

    decision_id: str
    file: str
    header: Mapping[str, str]
    findings: tuple[GoldFinding, ...] = ()
    remedies: tuple[GoldRemedy, ...] = ()
    payments: tuple[GoldPayment, ...] = ()
    amounts: tuple[GoldAmount, ...] | None = None
    citations: tuple[GoldCitation, ...] = ()
    guidance: tuple[GoldCitation, ...] | None = None
    fault_found: bool | None = None
    injustice_found: bool | None = None
    total_awarded: float | None = None


def load_gold(folder: Path) -> dict[str, Gold]:
    """Decision id → gold, from every `*.json` in `folder` that is not hidden.

    Raises BadGold for a file that is not gold, for a code the taxonomy does not know, for two files on one
    decision, and for a folder without gold.
    """
    gold: dict[str, Gold] = {}
    for path in sorted(folder.glob("*.json")):
        if path.name.startswith("."):
            continue
        one = read_gold(path)
        if one.decision_id in gold:
            raise BadGold(f"{path}: {one.decision_id} has gold already, in {gold[one.decision_id].file}")
        gold[one.decision_id] = one
    if not gold:
        raise BadGold(f"{folder}: no gold (*.json) in this folder")
    return gold


def read_gold(path: Path) -> Gold:
    """One gold file. Raises BadGold that names the file and the entry."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadGold(f"{path}: not readable as JSON: {error}") from error
    if not isinstance(data, dict) or not isinstance(data.get("decision_id"), str):
        raise BadGold(f"{path}: no decision_id")

    def entries(key: str, make: Callable[[Mapping[str, Any]], T]) -> tuple[T, ...]:
        made = []
        for place, entry in enumerate(data.get(key) or (), start=1):
            try:
                made.append(make(entry))
            except KeyError as error:
                raise BadGold(f"{path}: {key} {place} lacks {error}") from None
            except (TypeError, ValueError, AttributeError) as error:
                raise BadGold(f"{path}: {key} {place}: {error}") from None
        return tuple(made)

    return Gold(
        decision_id=data["decision_id"],
        file=str(path),
        header={key: str(value) for key, value in (data.get("header") or {}).items() if value is not None},
        findings=entries("findings", _finding),
        remedies=entries("remedies", _remedy),
        payments=entries("payments", _payment),
        amounts=entries("amounts", _amount) if data.get("amounts") is not None else None,
        citations=entries("citations", _citation),
        guidance=entries("guidance", _guidance) if data.get("guidance") is not None else None,
        fault_found=data.get("fault_found"),
        injustice_found=data.get("injustice_found"),
        total_awarded=data.get("total_awarded"),
    )


def spans_of(quote: Quote, decision: Decision, file: str) -> tuple[Span, ...]:
    """Every place where the words of `quote` stand in its paragraph (anywhere, where it names none), in text order.

    White space counts as equal to white space. A table or heading between paragraphs belongs to the paragraph above
    it. Raises BadGold when there is no such place.
    """
    words = r"\s+".join(re.escape(word) for word in quote.words.split())
    pattern = rf"(?<!\w){words}" if quote.words[:1].isalnum() else words
    if quote.words[-1:].isalnum():  # £30 is not found in £300, nor in £30.50
        pattern += r"(?!\w|[.,]\d)"
    spans = tuple(found.span() for found in re.finditer(pattern, decision.text)) if words else ()
    if quote.paragraph is not None:
        own: list[Span] = []
        below: list[Span] = []
        for span in spans:
            number, above = _numbers_at(decision, span[0])
            if number == quote.paragraph:
                own.append(span)
            elif number is None and above == quote.paragraph:
                below.append(span)
        spans = tuple(own or below)
    if not spans:
        where = "the text" if quote.paragraph is None else f"paragraph {quote.paragraph}"
        raise BadGold(f"{file}: not in {where} of {decision.decision_id}: “{quote.words}”")
    return spans


def _numbers_at(decision: Decision, offset: int) -> tuple[int | None, int | None]:
    """The number of the line at `offset`, and the last number at or above it."""
    above = None
    for line in decision.paragraphs:
        if line.number is not None and line.start <= offset:
            above = line.number
        if offset < line.end:
            return line.number, above
    return None, above


def _finding(entry: Mapping[str, Any]) -> GoldFinding:
    if entry["polarity"] not in ("fault", "no_fault"):
        raise ValueError(f"unknown polarity: {entry['polarity']}")
    return GoldFinding(
        _quote(entry),
        entry["polarity"],
        _known("fault_types", entry["types"]),
        _known("injustice_types", entry["injustice"]),
    )


def _remedy(entry: Mapping[str, Any]) -> GoldRemedy:
    due = entry["due_date"]
    return GoldRemedy(
        _quote(entry),
        _known("remedy_types", entry["types"]),
        _known_one("statuses", entry["status"]),
        date.fromisoformat(due) if due is not None else None,
    )


def _payment(entry: Mapping[str, Any]) -> GoldPayment:
    return GoldPayment(
        _quote(entry),
        float(entry["amount"]),
        _known_one("statuses", entry["status"]),
        entry["frequency"],
        float(entry["total"]) if entry["total"] is not None else None,
        entry["recipient"],
        _known("payment_purposes", entry["purposes"]),
    )


def _amount(entry: Mapping[str, Any]) -> GoldAmount:
    return GoldAmount(_quote(entry), float(entry["amount"]), _known_one("amount_reasons", entry["reason"]))


def _citation(entry: Mapping[str, Any]) -> GoldCitation:
    return GoldCitation(_quote(entry), entry["act"], entry["year"], frozenset(entry["provisions"]))


def _guidance(entry: Mapping[str, Any]) -> GoldCitation:
    return GoldCitation(_quote(entry), entry["title"], None, frozenset(entry["provisions"]))


def _quote(entry: Mapping[str, Any]) -> Quote:
    words = entry["quote"]
    if not isinstance(words, str) or not words.strip():
        raise ValueError("the quote is empty")
    return Quote(words.strip(), entry.get("paragraph"))


def _known(listing: str, named: list[str]) -> frozenset[str]:
    return frozenset(_known_one(listing, code) for code in named)


def _known_one(listing: str, code: str) -> str:
    if code not in codes(listing):
        raise ValueError(f"{code} is not a code of {listing}")
    return code
