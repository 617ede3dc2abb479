"""The one place where rules and models are put together.

Rules and models are two witnesses to each label. How far each is to be trusted is learnt (`weigh.py`) from decisions
that neither of them has met: log odds of a label = weights · what the witnesses say. A finding that no rule found has
method `model`; every finding has the probability that the witnesses give it together.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pipeline.classify.features import (
    Judged,
    fault_texts,
    judged_sentences,
    normal,
    outcome_text,
    paragraph_texts,
    verdict_text,
)
from pipeline.classify.models import Model, load, manifest
from pipeline.values import Decision, Extraction, Finding

# What the witnesses may change in an extraction, each with weights of its own in the manifest.
COMBINED = ("finding", "fault_types", "injustice_types", "remedy_types")
POLARITIES = ("fault", "no_fault")
_MONEY = frozenset({"payment", "refund_or_waiver"})
_PLAIN = re.compile(r"\b(?:faults?|maladministration|service failures?)\b", re.IGNORECASE)
# Words that tell of narration, of what ought to be, of what followed and of reports.
_SIGNS = tuple(
    re.compile(pattern)
    for pattern in (
        r"^(?:Mr|Mrs|Ms|Miss|Dr|She|He|They)\b",
        r"^(?:This|That|It|There|I|We)\b",
        r"\b(?:(?:19|20)\d\d|January|February|March|April|May|June|July|August|September|October|November|December)\b",
        r"\b(?:should|ought)\b",
        r"\b[Ii]njustice\b",
        r"\b(?:says?|said|complain\w*|told|believes?)\b",
    )
)
_ALONE = 0.5  # what no rule sees must be likelier than not: narration is full of things done and undone
_UNSEEN = -3.0  # the log odds of a verdict in a neighbour that is not there
# What is known of a sentence beside its words, in the order of the weights.
WITNESSES = (
    "model says fault", "model says no fault",
    "rules say fault, in so many words", "rules say fault, in other words",
    "rules say no fault, in so many words", "rules say no fault, in other words",
    "rules doubt fault", "rules doubt no fault", "the word itself",
    "in the final decision", "in the remedy", "in another section", "in the narrative", "in the law", "no role told",
    "ends upheld", "ends not upheld", "ends closed",
    "opens its paragraph", "ends its paragraph", "rules speak earlier in its paragraph",
    "rules speak later in its paragraph", "how far down the findings", "model says fault of the one before",
    "model says fault of the one after",
    "a person first", "a pronoun first", "a date", "says should", "names injustice", "somebody says",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Weights:
    """How far the witnesses of one kind of label are trusted: a row of `rows` for each of `labels`, and a shift each.

    A label is given where its probability reaches `limit`.
    """

    labels: tuple[str, ...]
    rows: np.ndarray[Any, Any]
    shifts: np.ndarray[Any, Any]
    limit: float

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Weights:
        return cls(
            tuple(said["labels"]), np.array(said["rows"], float), np.array(said["shifts"], float), float(said["limit"])
        )

    def as_json(self) -> dict[str, Any]:
        return {
            "labels": list(self.labels),
            "rows": self.rows.tolist(),
            "shifts": self.shifts.tolist(),
            "limit": self.limit,
        }


def combine(decision: Decision, extraction: Extraction) -> Extraction:
    """What rules and models say together of one decision; the extraction as it is where no model ships."""
    return combine_all([decision], [extraction])[0]


def combine_all(
    decisions: Sequence[Decision],
    extractions: Sequence[Extraction],
    models: Mapping[str, Model | None] | None = None,
    weights: Mapping[str, Weights] | None = None,
) -> list[Extraction]:
    """The same for many. Raises BadModel where the models cannot be read."""
    if weights is None:
        weights = {name: Weights.from_json(said) for name, said in manifest()["combine"].items() if said}
    if models is None:
        models = {name: load(name) for name in (*weights, "decision")} if weights else {}
    return [_combined(d, e, models, weights) for d, e in zip(decisions, extractions, strict=True)]


def _combined(
    decision: Decision, found: Extraction, models: Mapping[str, Model | None], weights: Mapping[str, Weights]
) -> Extraction:
    if model := models.get("finding") if "finding" in weights else None:
        found = replace(found, findings=_findings(decision, found, model, models.get("decision"), weights["finding"]))
    faults = [i for i, f in enumerate(found.findings) if f.polarity == "fault"]
    findings = list(found.findings)
    for name, texts_of in (("fault_types", fault_texts), ("injustice_types", paragraph_texts)):
        model = models.get(name) if name in weights else None
        if model is None or not faults:
            continue
        field = "types" if name == "fault_types" else "injustice"
        texts = texts_of(decision, [findings[i] for i in faults])
        for i, kinds in zip(
            faults, kinds_of(texts, [getattr(findings[i], field) for i in faults], model, weights[name]), strict=True
        ):
            findings[i] = (
                replace(findings[i], types=kinds) if field == "types" else replace(findings[i], injustice=kinds)
            )
    remedies = list(found.remedies)
    if remedies and (model := models.get("remedy_types") if "remedy_types" in weights else None):
        texts = [decision.words_of(r) for r in remedies]
        said = kinds_of(texts, [r.types for r in remedies], model, weights["remedy_types"])
        pays = {p.remedy for p in found.payments}
        for i, (remedy, kinds) in enumerate(zip(remedies, said, strict=True)):
            if i in pays and not _MONEY & set(kinds):
                kinds = tuple(sorted({*kinds, *(_MONEY & set(remedy.types) or {"payment"})}))
            remedies[i] = replace(remedy, types=kinds or remedy.types)
    return replace(found, findings=tuple(findings), remedies=tuple(remedies))


def kind_rows(texts: Sequence[str], rules: Sequence[Sequence[str]], model: Model) -> np.ndarray[Any, Any]:
    """(texts, labels, 2): the model's log odds of each label, and whether the rules said it."""
    p = np.clip(model.probabilities([normal(t) for t in texts]), 1e-6, 1 - 1e-6)
    said = np.array([[label in rule for label in model.labels] for rule in rules], float)
    return np.stack([np.log(p) - np.log1p(-p), said.reshape(p.shape)], axis=2)


def kinds_of(
    texts: Sequence[str], rules: Sequence[Sequence[str]], model: Model, weights: Weights
) -> list[tuple[str, ...]]:
    """The kinds of each text by both witnesses, sorted; none where no kind is likely enough.

    A kind that the model has not learnt yet is the rules' alone to say.
    """
    rows = kind_rows(texts, rules, model)
    p = 1 / (1 + np.exp(-(rows @ weights.rows[0] + weights.shifts)))
    known = frozenset(weights.labels)
    return [
        tuple(sorted({*_settled(dict(zip(weights.labels, row, strict=True)), weights.limit), *(set(rule) - known)}))
        for row, rule in zip(p, rules, strict=True)
    ]


def _settled(sure: Mapping[str, float], limit: float) -> tuple[str, ...]:
    """The likely kinds, less those that exclude each other.

    `none` says that there is nothing, so it stands alone or not at all; a sum is paid or given back.
    """
    given = {label: p for label, p in sure.items() if p >= limit}
    if "none" in given:
        given = {"none": 1.0} if given["none"] == max(given.values()) else _without(given, "none")
    if {"payment", "refund_or_waiver"} <= given.keys():
        given = _without(given, min("payment", "refund_or_waiver", key=lambda kind: given[kind]))
    return tuple(sorted(given))


def _without(given: Mapping[str, float], label: str) -> dict[str, float]:
    return {other: p for other, p in given.items() if other != label}


def outcome_of(decision: Decision, model: Model | None) -> Mapping[str, float]:
    """How the decision ends, as its words tell the model."""
    if model is None:
        return {}
    return dict(zip(model.labels, model.probabilities([outcome_text(decision)])[0], strict=True))


def witness_rows(
    decision: Decision,
    found: Extraction,
    sentences: Sequence[Judged],
    model: Model,
    outcome: Mapping[str, float],
) -> np.ndarray[Any, Any]:
    """A row a sentence: what is known of it, in the order of WITNESSES."""
    if not sentences:
        return np.zeros((0, len(WITNESSES)))
    words = [s.words(decision) for s in sentences]
    p = np.log(np.clip(model.probabilities([verdict_text(w) for w in words]), 1e-6, 1))
    at = {label: i for i, label in enumerate(model.labels)}
    fault = p[:, at["fault"]] - p[:, at["neither"]]
    no_fault = p[:, at["no_fault"]] - p[:, at["neither"]]
    lines = [decision.text.rfind("\n", 0, s.start) for s in sentences]
    spoken = [bool(said_of(found.findings, s)) for s in sentences]
    places = [i for i, s in enumerate(sentences) if s.section == "findings"]
    depth = {i: at / len(places) for at, i in enumerate(places)}
    rows = []
    for i, (s, w) in enumerate(zip(sentences, words, strict=True)):
        said, doubted = said_of(found.findings, s), said_of(found.candidates, s)
        plain = _PLAIN.search(w) is not None
        opens = i == 0 or lines[i - 1] != lines[i]
        ends = i + 1 == len(lines) or lines[i + 1] != lines[i]
        same = [j for j in range(len(lines)) if lines[j] == lines[i]]
        rows.append(
            [
                fault[i],
                no_fault[i],
                *(polarity in said and plain is so for polarity in POLARITIES for so in (True, False)),
                *(polarity in doubted for polarity in POLARITIES),
                plain,
                *(s.section == code for code in ("decision", "remedy", "other")),
                *(s.role == role for role in ("narrative", "law", "mixed")),
                *(outcome.get(label, 0.0) for label in ("Upheld", "Not upheld", "Closed after initial enquiries")),
                opens,
                ends,
                any(spoken[j] for j in same if j < i),
                any(spoken[j] for j in same if j > i),
                depth.get(i, 0.0),
                _UNSEEN if opens else fault[i - 1],
                _UNSEEN if ends else fault[i + 1],
                *(sign.search(w) is not None for sign in _SIGNS),
            ]
        )
    return np.array(rows, float)


def said_of(findings: Sequence[Finding], s: Judged) -> set[str]:
    """The polarities of the findings that stand in a sentence."""
    return {f.polarity for f in findings if f.start < s.end and s.start < f.end}


def _findings(
    decision: Decision, found: Extraction, model: Model, outcomes: Model | None, weights: Weights
) -> tuple[Finding, ...]:
    sentences = judged_sentences(decision)
    rows = witness_rows(decision, found, sentences, model, outcome_of(decision, outcomes))
    scores = rows @ weights.rows.T + weights.shifts
    scores -= scores.max(axis=1, keepdims=True)
    p = np.exp(scores)
    p /= p.sum(axis=1, keepdims=True)
    kept = [f for f in found.findings if not any(f.start < s.end and s.start < f.end for s in sentences)]
    for s, row in zip(sentences, p, strict=True):
        sure = dict(zip(weights.labels, row, strict=True))
        rules = [f for f in found.findings if f.start < s.end and s.start < f.end]
        if len({f.polarity for f in rules}) > 1:
            kept += rules  # a verdict in two parts is read by the rules alone
            continue
        polarity = max(POLARITIES, key=lambda one: sure[one])
        alone = not any(f.polarity == polarity for f in rules)
        if sure[polarity] < (_ALONE if alone else weights.limit):
            continue
        same = [
            f for f in (*rules, *found.candidates) if f.polarity == polarity and f.start < s.end and s.start < f.end
        ]
        base = same[0] if same else Finding(s.number, s.section, s.start, s.end, polarity)
        method = "rule" if base in rules else "model"
        kept.append(replace(base, probability=round(float(sure[polarity]), 4), method=method))
    return tuple(sorted(kept, key=lambda f: (f.start, f.end, f.polarity)))
