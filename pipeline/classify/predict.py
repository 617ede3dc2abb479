"""What the models say of decisions, and the one place where they and the rules are put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pipeline.classify.data import SEPARATOR
from pipeline.classify.features import (
    finding_texts,
    judged_sentences,
    normal,
    outcome_text,
    paragraph_texts,
    subject_text,
)
from pipeline.classify.models import Model, load, manifest
from pipeline.values import Decision, Extraction, Finding, Prediction

# What the models may change in an extraction, each with a limit of its own in the manifest.
COMBINED = ("finding", "fault_types", "injustice_types", "remedy_types")


def predict(decision: Decision) -> Prediction:
    """Category, subcategory and decision of one decision."""
    return predict_all([decision])[0]


def predict_all(
    decisions: Sequence[Decision], models: Mapping[str, Model | None] | None = None, subcategories: bool = True
) -> list[Prediction]:
    """The same for many, in batch. `subcategories` costs as much again as the rest."""
    if not decisions:
        return []
    models = {name: load(name) for name in ("category", "subcategory", "decision")} if models is None else models
    subjects = [subject_text(d) for d in decisions]
    categories = _best(models.get("category"), subjects)
    outcomes = _best(models.get("decision"), [outcome_text(d) for d in decisions])
    below = _second_level(
        models.get("subcategory") if subcategories else None, subjects, [label for label, _ in categories]
    )
    return [
        Prediction(category, round_or_none(p), sub, outcome, round_or_none(q))
        for (category, p), sub, (outcome, q) in zip(categories, below, outcomes, strict=True)
    ]


def round_or_none(p: float | None) -> float | None:
    """A probability with four digits: more would differ between machines."""
    return None if p is None else round(p, 4)


def _best(model: Model | None, texts: Sequence[str]) -> Sequence[tuple[str | None, float | None]]:
    return [(None, None)] * len(texts) if model is None else model.best(texts)


def _second_level(model: Model | None, texts: Sequence[str], categories: Sequence[str | None]) -> list[str | None]:
    """The likeliest subcategory within each text's category, null where it is not sure enough given the category."""
    if model is None:
        return [None] * len(texts)
    found: list[str | None] = []
    for row, category in zip(model.probabilities(texts), categories, strict=True):
        within = [
            (p, label) for p, label in zip(row, model.labels, strict=True) if label.startswith(f"{category}{SEPARATOR}")
        ]
        total = sum(p for p, _ in within)
        best = max(within, default=(0.0, ""))
        sure = category is not None and total > 0 and best[0] / total >= model.threshold
        found.append(best[1].split(SEPARATOR, 1)[1] if sure else None)
    return found


def shipped() -> dict[str, Model | None]:
    """Every model that the models folder ships, by name. Raises BadModel when there is no folder or a file is wrong."""
    return {name: load(name) for name in manifest()["models"]}


def label_sentences(texts: Sequence[str]) -> list[tuple[str | None, float]]:
    """For each sentence: fault, no_fault, neither, or null where the model is not sure; and the probability."""
    return _loaded("finding").best([normal(t) for t in texts])


def fault_types(texts: Sequence[str]) -> list[dict[str, float]]:
    """For each sentence that finds fault: its kinds with their probability."""
    return _loaded("fault_types").all_of([normal(t) for t in texts])


def injustice_types(texts: Sequence[str]) -> list[dict[str, float]]:
    """For each paragraph that finds fault: the kinds of injustice with their probability."""
    return _loaded("injustice_types").all_of([normal(t) for t in texts])


def remedy_types(texts: Sequence[str]) -> list[dict[str, float]]:
    """For each remedy: its kinds with their probability."""
    return _loaded("remedy_types").all_of([normal(t) for t in texts])


def _loaded(name: str) -> Model:
    model = load(name)
    if model is None:
        raise LookupError(f"no model {name} ships: it did not beat the rules, see its card")
    return model


def combine(decision: Decision, extraction: Extraction) -> Extraction:
    """What the rules found, with what the models add where they are sure; the extraction as it is where none ships.

    Nothing that a rule said is taken away. A finding that a model added has method `model` and its probability; a
    finding of a rule to which a model added kinds keeps method `rule` and has the probability of the least sure kind.
    """
    return combine_all([decision], [extraction])[0]


def combine_all(
    decisions: Sequence[Decision],
    extractions: Sequence[Extraction],
    models: Mapping[str, Model | None] | None = None,
    limits: Mapping[str, float | None] | None = None,
) -> list[Extraction]:
    """The same for many, in batch. `limits` says how sure each model must be; without a limit it adds nothing."""
    limits = manifest()["combine"] if limits is None else limits
    active = {name: limits[name] for name in COMBINED if limits.get(name) is not None}
    models = ({name: load(name) for name in active} if models is None else models) if active else {}
    return [_combined(d, e, models, active) for d, e in zip(decisions, extractions, strict=True)]


def _combined(
    decision: Decision, found: Extraction, models: Mapping[str, Model | None], limits: Mapping[str, Any]
) -> Extraction:
    findings = list(found.findings)
    if model := models.get("finding") if "finding" in limits else None:
        findings = _with_new_findings(decision, findings, model, limits["finding"])
    faults = [i for i, f in enumerate(findings) if f.polarity == "fault"]
    for name, texts_of in (("fault_types", finding_texts), ("injustice_types", paragraph_texts)):
        model = models.get(name) if name in limits else None
        if model is None or not faults:
            continue
        texts = [normal(t) for t in texts_of(decision, [findings[i] for i in faults])]
        for i, said in zip(faults, model.all_of(texts, limits[name]), strict=True):
            field = "types" if name == "fault_types" else "injustice"
            findings[i] = _with_types(findings[i], field, said)
    remedies = list(found.remedies)
    if remedies and "remedy_types" in limits and (model := models.get("remedy_types")):
        texts = [normal(decision.words_of(r)) for r in remedies]
        for i, kinds in enumerate(model.all_of(texts, limits["remedy_types"])):
            new = [kind for kind in sorted(kinds) if kind not in remedies[i].types and kind != "other"]
            remedies[i] = replace(remedies[i], types=(*remedies[i].types, *new))
    return replace(found, findings=tuple(findings), remedies=tuple(remedies))


def _with_types(finding: Finding, field: str, said: Mapping[str, float]) -> Finding:
    """`other` and `none` say that nothing else fits, so they are never added; nothing joins a rule's `none`."""
    there = getattr(finding, field)
    new = {kind: p for kind, p in sorted(said.items()) if kind not in there and kind not in ("other", "none")}
    if not new or "none" in there:
        return finding
    sure = min([*new.values(), *([finding.probability] if finding.probability is not None else [])])
    kinds = (*there, *new)
    probability = round(sure, 4)
    return (
        replace(finding, types=kinds, probability=probability)
        if field == "types"
        else replace(finding, injustice=kinds, probability=probability)
    )


def _with_new_findings(decision: Decision, findings: Sequence[Finding], model: Model, limit: float) -> list[Finding]:
    """Findings of rules, and sentences without one that the model is sure of, in the order of the text."""
    free = [s for s in judged_sentences(decision) if not any(f.start < s.end and s.start < f.end for f in findings)]
    rows = model.probabilities([normal(decision.text[s.start : s.end]) for s in free])
    added = []
    for s, row in zip(free, rows, strict=True):
        polarity, p = max(zip(model.labels, row, strict=True), key=lambda pair: pair[1])
        if polarity != "neither" and p >= limit:
            added.append(Finding(s.number, s.section, s.start, s.end, polarity, (), (), round(float(p), 4), "model"))
    return sorted([*findings, *added], key=lambda f: (f.start, f.end)) if added else list(findings)
