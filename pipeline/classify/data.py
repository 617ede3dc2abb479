"""What the models learn from: labelled texts that ship in corpus/training, gold decisions, and reviewed rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.classify.features import (
    amount_texts,
    fault_texts,
    judged_sentences,
    normal,
    outcome_views,
    paragraph_texts,
    payment_texts,
    subject_text,
    verdict_text,
)
from pipeline.corpus import codes
from pipeline.evaluate.gold import Gold, spans_of
from pipeline.values import Decision, Extraction, Finding

DECISIONS = ("Upheld", "Not upheld", "Closed after initial enquiries")
POLARITIES = ("fault", "no_fault", "neither")
NAMES = (
    "category", "subcategory", "decision", "finding", "fault_types", "injustice_types", "remedy_types",
    "payment_purposes", "amount_reasons",
)  # fmt: skip
MULTI = frozenset({"fault_types", "injustice_types", "remedy_types", "payment_purposes"})
# These read a text with marks that say where it stands and what the rules make of it; they learn from gold alone.
MARKED = frozenset({"payment_purposes", "amount_reasons"})
# How much one description of a subject weighs beside one summary: it holds the words of many cases.
SUBJECT_WEIGHT = 10.0
SEPARATOR = " > "


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled text. `group` is what is held out together; `origin` says what kind of text it is."""

    text: str
    labels: tuple[str, ...]
    group: str
    origin: str
    weight: float = 1.0


class BadTraining(Exception):  # noqa: N818 - the name says what the file is
    """A training file that cannot be used; the message names the file and the line."""


def read_rows(corpus: Path, kind: str) -> list[dict[str, Any]]:
    """The rows of every training file of a kind (`summaries`, `sentences`, …), each with the `file` it stands in."""
    rows = []
    for path in sorted((corpus / "training").glob(f"{kind}*.jsonl")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
                row["text"].strip()
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                raise BadTraining(f"{path}:{number}: not a labelled text: {error}") from None
            rows.append({**row, "file": path.stem})
    return rows


def known_labels(name: str, corpus: Path) -> frozenset[str]:
    """Every label that a model may give."""
    if name == "decision":
        return frozenset(DECISIONS)
    if name == "finding":
        return frozenset(POLARITIES)
    if name in MULTI | MARKED:
        return frozenset(codes(name))
    subjects = read_rows(corpus, "subjects")
    return frozenset(row["category"] if name == "category" else two_levels(row) for row in subjects)


def two_levels(row: Any) -> str:
    """`category > subcategory`, the label of the second level."""
    return f"{row['category']}{SEPARATOR}{row['subcategory']}"


def examples(name: str, corpus: Path, gold: Sequence[tuple[Decision, Gold]] = ()) -> list[Example]:
    """All that one model learns from. Raises BadTraining for a label that the taxonomy does not know."""
    read = verdict_text if name == "finding" else normal
    made = [
        *_shipped(name, corpus, read),
        *(e for pair in gold for e in _of_gold(name, *pair)),
        *_reviewed(name, corpus, read),
    ]
    known = known_labels(name, corpus)
    for example in made:
        if unknown := set(example.labels) - known:
            raise BadTraining(f"{example.group}: {name} has no label {', '.join(sorted(unknown))}: {example.text[:80]}")
    return made


def _shipped(name: str, corpus: Path, read: Callable[[str], str]) -> Iterable[Example]:
    if name in ("category", "subcategory"):
        # Each writer wrote two categories, so that held-out writers would be held-out categories: a text is a group.
        for i, row in enumerate(read_rows(corpus, "summaries")):
            label = row["category"] if name == "category" else two_levels(row)
            yield Example(read(row["text"]), (label,), f"summary {i}", "summaries")
        for row in read_rows(corpus, "subjects"):
            label = row["category"] if name == "category" else two_levels(row)
            yield Example(read(row["text"]), (label,), "", "subjects", SUBJECT_WEIGHT)
    elif name == "decision":
        for row in read_rows(corpus, "summaries"):
            if row["decision"] is not None:
                yield Example(read(row["text"]), (row["decision"],), row["file"], "summaries")
    elif name == "finding":
        for row in read_rows(corpus, "sentences"):
            yield Example(read(row["text"]), (row["label"],), row["file"], "sentences")
    elif name == "remedy_types":
        for row in read_rows(corpus, "remedies"):
            yield Example(read(row["text"]), tuple(row["types"]), row["file"], "remedies")
    elif name in ("fault_types", "injustice_types"):
        key = "types" if name == "fault_types" else "injustice"
        for row in read_rows(corpus, "sentences"):
            if row["label"] == "fault":
                yield Example(read(row["text"]), tuple(row[key]), row["file"], "sentences")


def _of_gold(name: str, decision: Decision, gold: Gold) -> list[Example]:
    group, origin = decision.decision_id, "decisions"
    if name in ("category", "subcategory"):
        if "category" not in gold.header or (name == "subcategory" and "subcategory" not in gold.header):
            return []
        label = gold.header["category"] if name == "category" else two_levels(gold.header)
        return [Example(subject_text(decision), (label,), group, origin)]
    if name == "decision":
        if "decision" not in gold.header:
            return []
        whole, *parts = outcome_views(decision)
        label = gold.header["decision"]
        return [
            Example(whole, (label,), group, origin),
            *(Example(part, (label,), group, "parts of decisions") for part in parts),
        ]
    if name == "remedy_types":
        return [Example(normal(r.quote.words), tuple(sorted(r.types)), group, origin) for r in gold.remedies]
    if name in MARKED:
        from pipeline.extract import extract

        rules = extract(decision)
        read = (payment_texts if name == "payment_purposes" else amount_texts)(decision, rules)
        return [Example(read[i], tuple(sorted(own)), group, origin) for i, own in sums_of(name, decision, gold, rules)]
    spans = [(f, spans_of(f.quote, decision, gold.file)[0]) for f in gold.findings]
    if name == "finding":
        found = []
        for s in judged_sentences(decision):
            polarities = {f.polarity for f, (start, end) in spans if start < s.end and s.start < end}
            if len(polarities) < 2:  # a sentence that says both teaches neither
                label = next(iter(polarities), "neither")
                found.append(Example(verdict_text(s.words(decision)), (label,), group, origin))
        return found
    faults = [(f, Finding(None, "", start, end, "fault")) for f, (start, end) in spans if f.polarity == "fault"]
    texts = (fault_texts if name == "fault_types" else paragraph_texts)(decision, [span for _, span in faults])
    return [
        Example(normal(text), tuple(sorted(f.types if name == "fault_types" else f.injustice)), group, origin)
        for text, (f, _) in zip(texts, faults, strict=True)
    ]


def sums_of(name: str, decision: Decision, gold: Gold, found: Extraction) -> list[tuple[int, frozenset[str]]]:
    """(index of a payment, or of another sum, that was found, its labels by gold) of each that both hold."""
    from pipeline.evaluate.score import pair_sums

    if name == "payment_purposes":
        spans = [spans_of(one.quote, decision, gold.file) for one in gold.payments]
        return [(p, gold.payments[g].purposes) for g, p in pair_sums(gold.payments, found.payments, spans)]
    marked = gold.amounts or ()
    spans = [spans_of(one.quote, decision, gold.file) for one in marked]
    return [(p, frozenset({marked[g].reason})) for g, p in pair_sums(marked, found.amounts, spans)]


def _reviewed(name: str, corpus: Path, read: Callable[[str], str]) -> Iterable[Example]:
    for row in read_rows(corpus, "reviewed"):
        if row["model"] == name:
            yield Example(read(row["text"]), tuple(row["labels"]), row["decision_id"], "reviewed")
