"""Redress: ombudsman decisions turned into data.

from pipeline import read_decision, analyse

decision = read_decision("decision.txt")
found = analyse(decision)
for payment in found.payments:
    print(payment.amount, decision.words_of(payment))
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from pipeline.values import Decision, Extraction


def read_decision(source: str | Path | bytes, *, name: str | None = None, url: str | None = None) -> Decision:
    """The cleaned decision in a raw file (a path) or in raw bytes.

    Raises Unreadable when there is none, OSError as `open` does.
    """
    from pipeline.clean import clean
    from pipeline.values import RawPage

    if isinstance(source, bytes):
        return clean(RawPage(name or "decision", source, url))
    return clean(RawPage(name or Path(source).name, Path(source).read_bytes(), url))


def analyse(decision: Decision | str | Path) -> Extraction:
    """What a decision (or the raw file at a path) holds, as spans of its text, by rules and models together.

    Findings, remedies, payments, amounts and citations. `pipeline.extract.extract` gives what the rules say alone.
    """
    from pipeline.classify import combine
    from pipeline.extract import extract

    read = read_decision(decision) if isinstance(decision, str | Path) else decision
    return combine(read, extract(read))


__all__ = ["__version__", "analyse", "read_decision"]
