"""How far rules and models are to be trusted: learnt from decisions that neither has met, and measured on others.

The training decisions (`corpus/decisions/training`) serve here alone: the rules were not written with them, and each is
judged by models that did not see it. What rules and models come to together is measured with each fold held out again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from pipeline.classify.combine import (
    COMBINED,
    POLARITIES,
    Weights,
    combine_all,
    kind_rows,
    outcome_of,
    said_of,
    witness_rows,
)
from pipeline.classify.features import fault_texts, judged_sentences, paragraph_texts
from pipeline.classify.models import Model
from pipeline.classify.train import Trained
from pipeline.evaluate.gold import Gold, spans_of
from pipeline.evaluate.score import Report, evaluate
from pipeline.values import Decision, Extraction, Finding

# What each pair of witnesses is to better beside the rules alone, and what it may not worsen.
AIMS = {
    "finding": ("findings", ("findings_of_fault", "findings_of_no_fault", "fault_found")),
    "fault_types": ("decision_fault_types", ("fault_types",)),
    "injustice_types": ("decision_injustice_types", ("injustice_types",)),
    "remedy_types": ("decision_remedy_types", ("remedy_types",)),
}
FOLDS = 6
LIMITS = tuple(round(0.2 + 0.05 * i, 2) for i in range(9))


class Case:
    """One training decision: its gold, what the rules found, and models that did not see it."""

    def __init__(self, decision: Decision, gold: Gold, found: Extraction, models: Mapping[str, Model]) -> None:
        self.decision, self.gold, self.found, self.models = decision, gold, found, models
        self.rows = {name: self._rows(name) for name in COMBINED}

    def _rows(self, name: str) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """(what the witnesses say, what is true) of every text of one kind in the decision."""
        decision, model = self.decision, self.models[name]
        if name == "finding":
            sentences = judged_sentences(decision)
            gold = [(f, spans_of(f.quote, decision, self.gold.file)[0]) for f in self.gold.findings]
            truth = []
            for s in sentences:
                there = {f.polarity for f, (start, end) in gold if start < s.end and s.start < end}
                truth.append(-1 if len(there) > 1 else POLARITIES.index(there.pop()) if there else len(POLARITIES))
            outcome = outcome_of(decision, self.models["decision"])
            rows = witness_rows(decision, self.found, sentences, model, outcome)
            # A verdict in two parts is the rules' alone, so it teaches nothing here.
            one = [t >= 0 and len(said_of(self.found.findings, s)) < 2 for t, s in zip(truth, sentences, strict=True)]
            return rows[one], np.array(truth)[one]
        if name == "remedy_types":
            spans = [(r, spans_of(r.quote, decision, self.gold.file)[0]) for r in self.gold.remedies]
            texts = [r.quote.words for r, _ in spans]
            rules = [_kinds(self.found.remedies, span) for _, span in spans]
            labels = [r.types for r, _ in spans]
        else:
            faults = [
                (f, spans_of(f.quote, decision, self.gold.file)[0]) for f in self.gold.findings if f.polarity == "fault"
            ]
            texts_of = fault_texts if name == "fault_types" else paragraph_texts
            texts = texts_of(decision, [Finding(None, _section(decision, a), a, b, "fault") for _, (a, b) in faults])
            known = [f for f in (*self.found.findings, *self.found.candidates) if f.polarity == "fault"]
            field = "types" if name == "fault_types" else "injustice"
            rules = [_kinds(known, span, field) for _, span in faults]
            labels = [f.types if name == "fault_types" else f.injustice for f, _ in faults]
        if not texts:
            return np.zeros((0, len(model.labels), 2)), np.zeros((0, len(model.labels)))
        return kind_rows(texts, rules, model), np.array([[label in t for label in model.labels] for t in labels], float)


def _kinds(found: Sequence[Any], span: tuple[int, int], field: str = "types") -> tuple[str, ...]:
    return tuple({kind for f in found if f.start < span[1] and span[0] < f.end for kind in getattr(f, field)})


def _section(decision: Decision, offset: int) -> str:
    return next((p.section for p in decision.paragraphs if p.start <= offset < p.end), "findings")


def weigh(
    training: Sequence[tuple[Decision, Gold]], trained: Mapping[str, Trained], say: Callable[[str], None]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """(weights by name, what was measured): weights as the manifest holds them, null where nothing is won."""
    from pipeline.extract import extract

    names = (*COMBINED, "decision")
    cases = []
    for decision, gold in training:
        fold = {name: trained[name].fold_of.get(decision.decision_id, 0) for name in names}
        models = {name: trained[name].folds[fold[name]] for name in names}
        cases.append(Case(decision, gold, extract(decision), models))
    of = [i % FOLDS for i in range(len(cases))]
    parts = [
        {name: fit_weights(name, [c for c, f in zip(cases, of, strict=True) if f != fold]) for name in COMBINED}
        for fold in range(FOLDS)
    ]
    used: list[str] = []
    best = _report(cases, of, parts, used)
    measured: dict[str, Any] = {}
    for name in COMBINED:
        aim, others = AIMS[name]
        report = _report(cases, of, parts, [*used, name])
        before, after = _scores(best, (aim, *others)), _scores(report, (aim, *others))
        better = after[aim] > before[aim] and all(after[one] >= before[one] - 0.005 for one in others)
        measured[name] = {"rules": before, "combined": after, "decisions": len(cases), "used": better}
        say(f"{name}: {aim} {before[aim]:.3f} by rules, {after[aim]:.3f} together" + ("" if better else ": not used"))
        if better:
            used.append(name)
            best = report
    whole = {name: fit_weights(name, cases).as_json() if name in used else None for name in COMBINED}
    return whole, measured


def fit_weights(name: str, cases: Sequence[Case]) -> Weights:
    """The weights that make the truth of these cases likeliest, and the limit where F1 is highest."""
    from sklearn.linear_model import LogisticRegression

    x = np.concatenate([c.rows[name][0] for c in cases])
    y = np.concatenate([c.rows[name][1] for c in cases])
    if name == "finding":
        made = LogisticRegression(C=1.0, max_iter=2000).fit(x, y)
        labels = (*POLARITIES, "neither")
        full = np.zeros((3, x.shape[1]))
        shifts = np.full(3, -9.0)
        for row, shift, label in zip(made.coef_, made.intercept_, made.classes_, strict=True):
            full[int(label)], shifts[int(label)] = row, shift
        scores = x @ full.T + shifts
        p = np.exp(scores - scores.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        limit = max(LIMITS, key=lambda one: (_finding_f1(p, y, one), one))
        return Weights(labels, np.round(full, 4), np.round(shifts, 4), limit)
    kinds = cases[0].models[name].labels
    n, k, _ = x.shape
    # One weight for each witness, and a shift a label that stays near zero where a label is rare.
    wide = np.concatenate([x.reshape(n * k, 2), np.tile(np.eye(k) * 0.5, (n, 1))], axis=1)
    made = LogisticRegression(C=1.0, max_iter=2000).fit(wide, y.reshape(-1))
    coef = made.coef_[0]
    shifts = made.intercept_[0] + 0.5 * coef[2:]
    weights = Weights(kinds, np.round(coef[None, :2], 4), np.round(shifts, 4), 0.0)
    return replace(
        weights, limit=max(LIMITS, key=lambda one: (_union_f1(weights, one, [c.rows[name] for c in cases]), one))
    )


def _union_f1(
    weights: Weights, limit: float, cases: Sequence[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]
) -> float:
    """F1 of the kinds of whole decisions: what is found of each kind anywhere in one."""
    hits = said = true = 0
    for x, y in cases:
        if len(x):
            found = ((1 / (1 + np.exp(-(x @ weights.rows[0] + weights.shifts)))) >= limit).any(axis=0)
            there = (y > 0).any(axis=0)
            hits, said, true = hits + (found & there).sum(), said + found.sum(), true + there.sum()
    return float(2 * hits / max(said + true, 1))


def _finding_f1(p: np.ndarray[Any, Any], y: np.ndarray[Any, Any], limit: float) -> float:
    said = np.where(p[:, :2].max(axis=1) >= limit, p[:, :2].argmax(axis=1), 2)
    hits = ((said == y) & (y < 2)).sum()
    return float(2 * hits / max((said < 2).sum() + (y < 2).sum(), 1))


def _report(
    cases: Sequence[Case], of: Sequence[int], parts: Sequence[Mapping[str, Weights]], names: Sequence[str]
) -> Report:
    """Each case combined by weights that did not see it."""
    return evaluate(
        (
            c.decision,
            combine_all([c.decision], [c.found], c.models, {name: parts[fold][name] for name in names})[0],
            c.gold,
        )
        for c, fold in zip(cases, of, strict=True)
    )


def _scores(report: Report, names: Sequence[str]) -> dict[str, float]:
    return {name: round(report.measures[name].score or 0.0, 4) for name in names}
