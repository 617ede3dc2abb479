"""How far rules, linear models and the network are to be trusted: learnt from decisions that none of them has met.

The decisions of `corpus/decisions/weighing` serve here alone: the rules were not written with them, and no model learns
from them. What the witnesses come to together is measured with each fold held out again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from pipeline.classify.combine import (
    COMBINED,
    POLARITIES,
    TOLD,
    Weights,
    combine_all,
    hear,
    kind_rows,
    outcome_of,
    said_of,
    said_of_pairs,
    softmax,
    told_rows,
    witness_rows,
)
from pipeline.classify.data import MARKED, sums_of
from pipeline.classify.features import amount_texts, fault_texts, paragraph_texts, payment_texts
from pipeline.classify.models import Model
from pipeline.classify.network import LONGEST, LONGEST_KIND, Pair, ReadsPairs, fault_pair, remedy_pair, sum_pairs
from pipeline.evaluate.gold import Gold, spans_of
from pipeline.evaluate.score import Report, evaluate
from pipeline.values import Decision, Finding

# What each kind of witnesses is to better beside the rules alone, and what it may not worsen.
AIMS = {
    "redress": ("remedies", ("payments", "remedy_status")),
    "finding": ("findings", ("findings_of_fault", "findings_of_no_fault", "fault_found")),
    "fault_types": ("decision_fault_types", ("fault_types",)),
    "injustice_types": ("decision_injustice_types", ("injustice_types",)),
    "remedy_types": ("decision_remedy_types", ("remedy_types",)),
    "payment_purposes": ("payment_purposes", ()),
    "amount_reasons": ("amount_reasons", ()),
}
# Texts, the same as the network reads them, what the rules say of each, and what is true.
_Texts = tuple[list[str], list[Pair], list[tuple[str, ...]], list[frozenset[str]]]
FOLDS = 6
LIMITS = tuple(round(0.2 + 0.05 * i, 2) for i in range(9))


class Remembers:
    """A network that reads no pair twice: the same decisions are combined many times here."""

    def __init__(self, network: ReadsPairs) -> None:
        self.heads = network.heads
        self._network = network
        self._known: dict[tuple[int, Pair], dict[str, Any]] = {}

    def scores(self, pairs: Sequence[Pair], longest: int = LONGEST) -> dict[str, np.ndarray[Any, Any]]:
        """As `ReadsPairs.scores`."""
        new = [pair for pair in dict.fromkeys(pairs) if (longest, pair) not in self._known]
        if new:
            rows = self._network.scores(new, longest)
            for i, pair in enumerate(new):
                self._known[longest, pair] = {head: rows[head][i] for head in self.heads}
        return {head: np.array([self._known[longest, pair][head] for pair in pairs]) for head in self.heads}


class Case:
    """One decision with its gold, what the rules found, and what the models say of it."""

    def __init__(self, decision: Decision, gold: Gold, models: Mapping[str, Model], network: Remembers | None) -> None:
        from pipeline.extract import extract

        self.decision, self.gold, self.models, self.network = decision, gold, models, network
        self.found = extract(decision)
        self.heard = hear([decision], [self.found], models["finding"], network)[0]
        self.outcome = outcome_of(decision, models["decision"])
        self.rows = {name: self._rows(name) for name in COMBINED}

    def _rows(self, name: str) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """(what the witnesses say, what is true) of every text of one kind in the decision."""
        if name == "redress":
            return self._redress()
        if name == "finding":
            return self._findings()
        model = self.models[name]
        texts, pairs, rules, labels = (
            self._sums(name) if name in MARKED else self._remedies() if name == "remedy_types" else self._faults(name)
        )
        if not texts:
            return np.zeros((0, len(model.labels), 3)), np.zeros((0, len(model.labels)))
        longest = LONGEST if name in MARKED or name == "remedy_types" else LONGEST_KIND
        heard = said_of_pairs(pairs, longest, self.network).get(name)
        truth = np.array([[label in own for label in model.labels] for own in labels], float)
        return kind_rows(texts, rules, model, heard), truth

    def _sums(self, name: str) -> _Texts:
        payments, amounts = sum_pairs(self.decision, self.found)
        rules: list[tuple[str, ...]]
        if name == "payment_purposes":
            texts, pairs = payment_texts(self.decision, self.found), payments
            rules = [p.purposes for p in self.found.payments]
        else:
            texts, pairs = amount_texts(self.decision, self.found), amounts
            rules = [(a.reason,) for a in self.found.amounts]
        known = sums_of(name, self.decision, self.gold, self.found)
        at = [i for i, _ in known]
        return [texts[i] for i in at], [pairs[i] for i in at], [rules[i] for i in at], [own for _, own in known]

    def _remedies(self) -> _Texts:
        spans = [(r, spans_of(r.quote, self.decision, self.gold.file)[0]) for r in self.gold.remedies]
        return (
            [r.quote.words for r, _ in spans],
            [remedy_pair(self.decision, *span) for _, span in spans],
            [_kinds(self.found.remedies, span) for _, span in spans],
            [r.types for r, _ in spans],
        )

    def _faults(self, name: str) -> _Texts:
        decision = self.decision
        faults = [
            (f, spans_of(f.quote, decision, self.gold.file)[0]) for f in self.gold.findings if f.polarity == "fault"
        ]
        findings = [Finding(None, _section(decision, a), a, b, "fault") for _, (a, b) in faults]
        known = [f for f in (*self.found.findings, *self.found.candidates) if f.polarity == "fault"]
        field = "types" if name == "fault_types" else "injustice"
        return (
            (fault_texts if name == "fault_types" else paragraph_texts)(decision, findings),
            [fault_pair(decision, f) for f in findings],
            [_kinds(known, span, field) for _, span in faults],
            [getattr(f, field) for f, _ in faults],
        )

    def _findings(self) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        gold = [(f, spans_of(f.quote, self.decision, self.gold.file)[0]) for f in self.gold.findings]
        truth = []
        for s in self.heard.sentences:
            there = {f.polarity for f, (start, end) in gold if start < s.end and s.start < end}
            truth.append(-1 if len(there) > 1 else POLARITIES.index(there.pop()) if there else len(POLARITIES))
        rows = witness_rows(self.decision, self.found, self.heard, self.outcome)
        # A verdict in two parts is the rules' alone, so it teaches nothing here.
        one = [
            t >= 0 and len(said_of(self.found.findings, s)) < 2
            for t, s in zip(truth, self.heard.sentences, strict=True)
        ]
        return rows[one], np.array(truth, int)[one]

    def _redress(self) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        gold = [(r.status, spans_of(r.quote, self.decision, self.gold.file)[0]) for r in self.gold.remedies]
        places, rows = told_rows(self.found, self.heard, self.outcome)
        truth = []
        for i in places:
            s = self.heard.sentences[i]
            there = {status for status, (start, end) in gold if start < s.end and s.start < end} & set(TOLD)
            truth.append(TOLD.index(min(there)) if there else len(TOLD))
        return rows, np.array(truth, int)


def _kinds(found: Sequence[Any], span: tuple[int, int], field: str = "types") -> tuple[str, ...]:
    return tuple({kind for f in found if f.start < span[1] and span[0] < f.end for kind in getattr(f, field)})


def _section(decision: Decision, offset: int) -> str:
    return next((p.section for p in decision.paragraphs if p.start <= offset < p.end), "findings")


def weigh(
    weighing: Sequence[tuple[Decision, Gold]],
    models: Mapping[str, Model],
    network: ReadsPairs | None,
    say: Callable[[str], None],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """(weights by name, what was measured): weights as the manifest holds them, null where nothing is won."""
    remembers = Remembers(network) if network is not None else None
    cases = [Case(decision, gold, models, remembers) for decision, gold in weighing]
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
    if name in ("finding", "redress"):
        labels = (*(POLARITIES if name == "finding" else TOLD), "neither")
        made = LogisticRegression(C=1.0, max_iter=2000).fit(x, y)
        full = np.zeros((3, x.shape[1]))
        shifts = np.full(3, -9.0)
        for row, shift, label in zip(made.coef_, made.intercept_, made.classes_, strict=True):
            full[int(label)], shifts[int(label)] = row, shift
        p = softmax(x @ full.T + shifts)
        limit = max(LIMITS, key=lambda one: (_class_f1(p, y, one), one))
        return Weights(labels, np.round(full, 4), np.round(shifts, 4), limit)
    kinds = cases[0].models[name].labels
    n, k, w = x.shape
    # One weight for each witness, and a shift a label that stays near zero where a label is rare.
    wide = np.concatenate([x.reshape(n * k, w), np.tile(np.eye(k) * 0.5, (n, 1))], axis=1)
    made = LogisticRegression(C=1.0, max_iter=2000).fit(wide, y.reshape(-1))
    coef = made.coef_[0]
    shifts = made.intercept_[0] + 0.5 * coef[w:]
    weights = Weights(kinds, np.round(coef[None, :w], 4), np.round(shifts, 4), 0.0)
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


def _class_f1(p: np.ndarray[Any, Any], y: np.ndarray[Any, Any], limit: float) -> float:
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
            combine_all([c.decision], [c.found], c.models, {n: parts[fold][n] for n in names}, c.network, [c.heard])[0],
            c.gold,
        )
        for c, fold in zip(cases, of, strict=True)
    )


def _scores(report: Report, names: Sequence[str]) -> dict[str, float]:
    return {name: round(report.measures[name].score or 0.0, 4) for name in names}
