"""The review loop: what the models are least sure of goes out to a person, and comes back as labelled rows.

Items travel as Prodigy's JSON lines (choice tasks) or as Label Studio's JSON. What comes back is checked against the
words that went out, and is kept in `corpus/training/reviewed.jsonl` with who said so and when.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.classify.data import MULTI, NAMES, known_labels
from pipeline.classify.features import (
    finding_texts,
    judged_sentences,
    normal,
    outcome_text,
    paragraph_texts,
    subject_text,
    verdict_text,
)
from pipeline.classify.models import Model
from pipeline.values import Decision, Extraction

DISAGREE = "rules and models disagree"
UNSURE = "the model is not sure"
EXCERPT = 2_000


class BadReview(Exception):  # noqa: N818 - the name says what the file is
    """A file of reviewed items that cannot be used; the message names the file, the item and what is wrong."""


@dataclass(frozen=True, slots=True)
class Item:
    """One text to label. `start` and `end` are its span of the decision (null for a whole decision)."""

    model: str
    decision_id: str
    text: str
    start: int | None
    end: int | None
    context: str
    suggested: tuple[str, ...]
    rule: tuple[str, ...]
    probability: float
    why: str

    @property
    def digest(self) -> str:
        """What an item is: a changed text or span is another item."""
        parts = (self.model, self.decision_id, str(self.start), str(self.end), self.text)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def candidates(decision: Decision, found: Extraction, models: Mapping[str, Model | None]) -> list[Item]:
    """Every text of one decision that a model speaks on, with what it and the rules say."""
    items: list[Item] = []
    for name, printed, text in (
        ("category", decision.header.category, subject_text(decision)),
        ("decision", decision.header.decision, outcome_text(decision)),
    ):
        if (model := models.get(name)) is not None:
            items += _single(model, decision, [(None, None, text[:EXCERPT], "", (printed,) if printed else ())], [text])
    if (model := models.get("finding")) is not None:
        spans = []
        for s in judged_sentences(decision):
            said = {f.polarity for f in found.findings if f.method == "rule" and f.start < s.end and s.start < f.end}
            if len(said) < 2:
                spans.append(
                    (
                        s.start,
                        s.end,
                        decision.text[s.start : s.end],
                        _around(decision, s.start, s.end),
                        tuple(said) or ("neither",),
                    )
                )
        items += _single(model, decision, spans, [verdict_text(span[2]) for span in spans])
    faults = [f for f in found.findings if f.polarity == "fault"]
    for name, texts, values, rules in (
        ("fault_types", finding_texts(decision, faults), faults, [f.types for f in faults]),
        ("injustice_types", paragraph_texts(decision, faults), faults, [f.injustice for f in faults]),
        (
            "remedy_types",
            [decision.words_of(r) for r in found.remedies],
            found.remedies,
            [r.types for r in found.remedies],
        ),
    ):
        if (model := models.get(name)) is not None:
            items += _several(model, decision, texts, values, rules)
    return items


def _single(model: Model, decision: Decision, spans: Sequence[Any], texts: Sequence[str]) -> list[Item]:
    items = []
    for (start, end, text, context, rule), row in zip(spans, model.probabilities(texts), strict=True):
        best = int(row.argmax())
        suggested = (model.labels[best],)
        why = DISAGREE if rule and rule != suggested else UNSURE
        items.append(
            Item(
                model.name,
                decision.decision_id,
                text,
                start,
                end,
                context,
                suggested,
                rule,
                round(float(row[best]), 4),
                why,
            )
        )
    return items


def _several(
    model: Model, decision: Decision, texts: Sequence[str], values: Sequence[Any], rules: Sequence[tuple[str, ...]]
) -> list[Item]:
    items = []
    for text, value, rule, row in zip(
        texts, values, rules, model.probabilities([normal(t) for t in texts]), strict=True
    ):
        suggested = tuple(label for label, p in zip(model.labels, row, strict=True) if p >= model.threshold)
        sure = float(min(max(p, 1 - p) for p in row))
        why = DISAGREE if set(rule) != set(suggested) else UNSURE
        around = _around(decision, value.start, value.end)
        items.append(
            Item(
                model.name,
                decision.decision_id,
                text,
                value.start,
                value.end,
                around,
                suggested,
                rule,
                round(sure, 4),
                why,
            )
        )
    return items


def _around(decision: Decision, start: int, end: int) -> str:
    line = decision.text.rfind("\n", 0, start) + 1
    stop = decision.text.find("\n", end)
    return decision.text[line : len(decision.text) if stop < 0 else stop]


def pick(items: Iterable[Item], limit: int) -> list[Item]:
    """The items most worth a person's time: disagreements first, then the least sure; the models take turns."""
    queues = {
        name: sorted(
            items_of,
            key=lambda i: (i.why != DISAGREE, -i.probability if i.why == DISAGREE else i.probability, i.digest),
        )
        for name, items_of in _by_model(items).items()
    }
    chosen: list[Item] = []
    place = 0
    while len(chosen) < limit and any(place < len(queue) for queue in queues.values()):
        chosen += [queue[place] for _, queue in sorted(queues.items()) if place < len(queue)]
        place += 1
    return chosen[:limit]


def _by_model(items: Iterable[Item]) -> dict[str, list[Item]]:
    groups: dict[str, list[Item]] = {}
    for item in items:
        groups.setdefault(item.model, []).append(item)
    return groups


def as_prodigy(item: Item, corpus: Path) -> dict[str, Any]:
    """An item as one line of Prodigy's `choice` recipe, with the suggestion ticked."""
    task: dict[str, Any] = {
        "text": item.text,
        "options": [{"id": label, "text": label} for label in sorted(known_labels(item.model, corpus))],
        "accept": list(item.suggested),
        "config": {"choice_style": "multiple" if item.model in MULTI else "single"},
        "meta": _meta(item),
    }
    if item.start is not None:
        task["spans"] = [{"start": 0, "end": len(item.text), "label": ", ".join(item.suggested) or "none"}]
    return task


def as_label_studio(item: Item) -> dict[str, Any]:
    """An item as one Label Studio task with the suggestion as a prediction (control `labels`, object `text`)."""
    choices = {"from_name": "labels", "to_name": "text", "type": "choices", "value": {"choices": list(item.suggested)}}
    return {
        "data": {"text": item.text, "meta": _meta(item)},
        "predictions": [{"model_version": item.model, "score": item.probability, "result": [choices]}],
    }


def _meta(item: Item) -> dict[str, Any]:
    return {
        "model": item.model,
        "decision_id": item.decision_id,
        "start": item.start,
        "end": item.end,
        "context": item.context,
        "suggested": list(item.suggested),
        "rule": list(item.rule),
        "probability": item.probability,
        "why": item.why,
        "digest": item.digest,
    }


def read_reviewed(
    path: Path, corpus: Path, who: str | None = None, when: str | None = None
) -> tuple[list[dict[str, Any]], int]:
    """The rows of a reviewed file in either form, and how many items were passed over (rejected, ignored, not done).

    `who` and `when` serve where the file does not say. Raises BadReview for an item that was not exported by us, whose
    text was changed, that has a label its model does not know, or that nobody signed.
    """
    rows = []
    skipped = 0
    for number, item in enumerate(_items(path), start=1):
        where = f"{path}, item {number}"
        try:
            answer = _answer(item)
        except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
            raise BadReview(f"{where}: not an item of `redress review export` ({error!r})") from None
        if answer is None:
            skipped += 1
            continue
        text, meta, labels, by, at = answer
        rows.append(_checked(where, text, meta, labels, by or who, at or when, corpus))
    return rows, skipped


def _items(path: Path) -> list[Any]:
    try:
        content = path.read_text(encoding="utf-8")
        if content.lstrip().startswith("["):
            return list(json.loads(content))
        return [json.loads(line) for line in content.splitlines() if line.strip()]
    except OSError as error:
        raise BadReview(f"{path}: {error.strerror or error}") from None
    except ValueError as error:
        raise BadReview(f"{path}: neither JSON lines nor a JSON list: {error}") from None


def _answer(item: Any) -> tuple[str, dict[str, Any], list[str], str | None, str | None] | None:
    """Text, meta, labels, who and when of an item in either form; null where nobody accepted it."""
    if "data" in item:
        done = [a for a in item.get("annotations", ()) if not a.get("was_cancelled")]
        if not done:
            return None
        last = done[-1]
        by = last.get("completed_by")
        name = by.get("email") or by.get("id") if isinstance(by, dict) else by
        labels = [c for r in last["result"] if r["type"] == "choices" for c in r["value"]["choices"]]
        at = last.get("updated_at") or last.get("created_at")
        return item["data"]["text"], dict(item["data"]["meta"]), labels, None if name is None else str(name), at
    if item.get("answer") != "accept":
        return None
    stamp = item.get("_timestamp")
    at = None if stamp is None else datetime.fromtimestamp(stamp, UTC).isoformat()
    return (
        item["text"],
        dict(item["meta"]),
        list(item["accept"]),
        item.get("_annotator_id") or item.get("_session_id"),
        at,
    )


def _checked(
    where: str,
    text: str,
    meta: Mapping[str, Any],
    labels: Sequence[str],
    who: str | None,
    when: str | None,
    corpus: Path,
) -> dict[str, Any]:
    name = meta.get("model")
    if name not in NAMES:
        raise BadReview(f"{where}: no model {name}")
    item = Item(name, str(meta.get("decision_id")), text, meta.get("start"), meta.get("end"), "", (), (), 0.0, "")
    if item.digest != meta.get("digest"):
        raise BadReview(f"{where}: its text or span was changed since it was exported; only labels may change")
    if unknown := set(labels) - known_labels(name, corpus):
        raise BadReview(f"{where}: {name} has no label {', '.join(sorted(unknown))}")
    if name not in MULTI and len(labels) != 1:
        raise BadReview(f"{where}: {name} takes one label, not {len(labels)}")
    if not who:
        raise BadReview(f"{where}: nobody signed it; say who with --who")
    try:
        datetime.fromisoformat(str(when).replace("Z", "+00:00"))
    except ValueError:
        raise BadReview(f"{where}: no time of review ({when}); say when with --when YYYY-MM-DD") from None
    return {
        "text": text,
        "model": name,
        "labels": sorted(set(labels)),
        "decision_id": item.decision_id,
        "start": item.start,
        "end": item.end,
        "who": who,
        "when": when,
        "suggested": list(meta.get("suggested", ())),
        "digest": item.digest,
    }


def keep(rows: Sequence[Mapping[str, Any]], corpus: Path) -> tuple[int, int]:
    """Adds rows to `corpus/training/reviewed.jsonl`; the latest review of an item stands. New ones, and all."""
    path = corpus / "training" / "reviewed.jsonl"
    known: dict[str, dict[str, Any]] = {}
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            known[row["digest"]] = row
    before = len(known)
    for row in rows:
        old = known.get(row["digest"])
        if old is None or _moment(old["when"]) <= _moment(row["when"]):
            known[row["digest"]] = dict(row)
    lines = [json.dumps(known[digest], ensure_ascii=False) + "\n" for digest in sorted(known)]
    temporary = path.with_suffix(".tmp")
    temporary.write_text("".join(lines), encoding="utf-8")
    temporary.replace(path)
    return len(known) - before, len(known)


def _moment(when: str) -> datetime:
    moment = datetime.fromisoformat(when.replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
