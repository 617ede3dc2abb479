"""How sure a model must be before it adds to what the rules found: chosen on held-out texts, null where nothing is won.

Two kinds of text decide. On the development decisions a model must do no harm; on the training texts it must show that
it adds. No model saw the text it is judged on, but the rules were written with these texts at hand, so the rules look
better here, and what a model adds looks smaller, than on decisions that neither has met.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.classify.data import Example, examples
from pipeline.classify.predict import COMBINED, combine_all
from pipeline.classify.train import Trained
from pipeline.evaluate.gold import Gold
from pipeline.evaluate.score import Report, evaluate
from pipeline.values import Decision, Extraction, Header, Paragraph, Section

# What each model is to better, and what it may not worsen while it does.
AIMS = {
    "finding": ("findings_of_fault", ("findings", "findings_of_no_fault", "fault_found", "injustice_found")),
    "fault_types": ("decision_fault_types", ("fault_types",)),
    "injustice_types": ("decision_injustice_types", ("injustice_types", "injustice_found")),
    "remedy_types": ("decision_remedy_types", ("remedy_types",)),
}
LIMITS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
# Less than this is noise on a few dozen decisions.
LEAST_GAIN = 0.01
LEAST_LOSS = 0.005


def tune(
    gold: Sequence[tuple[Decision, Gold]], trained: Mapping[str, Trained], corpus: Path
) -> tuple[dict[str, float | None], dict[str, Any]]:
    """The limit of each model, one after the other, and what was measured on the way."""
    from pipeline.extract import extract

    trained = {
        name: replace(t, folds=tuple(replace(m, estimator=_Remembering(m.estimator)) for m in t.folds))
        for name, t in trained.items()
    }
    extractions = [extract(d) for d, _ in gold]
    limits: dict[str, float | None] = dict.fromkeys(COMBINED)
    best = _report(gold, extractions)
    said: dict[str, Any] = {}
    for name in COMBINED:
        aim, others = AIMS[name]
        watched = (aim, *others)
        before = best
        texts = _Texts(name, trained[name], corpus)
        plain = texts.score(None)
        tried: dict[str, Any] = {}
        reports = {}
        for limit in LIMITS:
            report = _report(gold, held_out(gold, extractions, trained, {**limits, name: limit}))
            tried[str(limit)] = {"training texts": texts.score(limit), **_scores(report, watched)}
            harmless = all(_score(report, other) >= _score(before, other) - LEAST_LOSS for other in watched)
            if harmless and tried[str(limit)]["training texts"] >= plain + LEAST_GAIN:
                reports[limit] = report
        if reports:
            # What is won on decisions and on new wording weighs the same.
            gain = {one: tried[str(one)][aim] + tried[str(one)]["training texts"] for one in reports}
            top = max(reports, key=lambda one: (gain[one], one))
            limits[name], best = top, reports[top]
        chosen = limits[name]
        said[name] = {
            "rules": {"training texts": plain, **_scores(before, watched)},
            "limit": chosen,
            "combined": {"training texts": texts.score(chosen), **_scores(best, watched)},
            "tried": tried,
        }
    return limits, said


class _Remembering:
    """A fold's estimator that answers each text once: every limit asks the same."""

    def __init__(self, made: Any) -> None:
        self.made = made
        self.known: dict[str, Any] = {}

    def predict_log_proba(self, texts: Sequence[str]) -> Any:
        return self._rows(texts, self.made.predict_log_proba)

    def predict_proba(self, texts: Sequence[str]) -> Any:
        return self._rows(texts, self.made.predict_proba)

    def _rows(self, texts: Sequence[str], ask: Callable[[list[str]], Any]) -> Any:
        new = [text for text in dict.fromkeys(texts) if text not in self.known]
        if new:
            self.known.update(zip(new, ask(new), strict=True))
        return np.array([self.known[text] for text in texts])


class _Texts:
    """The training texts of one model as one-paragraph decisions: the rules alone, and with a held-out model."""

    def __init__(self, name: str, trained: Trained, corpus: Path) -> None:
        from pipeline.extract import extract

        self.name = name
        shipped = [e for e in raw_examples(name, corpus) if e.group in trained.fold_of]
        self.truth = [frozenset(e.labels) for e in shipped]
        self.decisions = [one_paragraph(e.text, name == "remedy_types") for e in shipped]
        self.found = [extract(d) for d in self.decisions]
        self.models = [{name: trained.folds[trained.fold_of[e.group]]} for e in shipped]

    def score(self, limit: float | None) -> float:
        """Micro F1 of the labels (of fault and no fault, for findings), over all texts."""
        hits = found = gold = 0
        for truth, decision, rules, models in zip(self.truth, self.decisions, self.found, self.models, strict=True):
            one = combine_all([decision], [rules], models, {self.name: limit})[0]
            said = self._labels(one)
            want = truth - {"neither"}
            hits, found, gold = hits + len(said & want), found + len(said), gold + len(want)
        return round(2 * hits / max(found + gold, 1), 4)

    def _labels(self, found: Extraction) -> frozenset[str]:
        if self.name == "finding":
            return frozenset(f.polarity for f in found.findings)
        if self.name == "remedy_types":
            return frozenset(code for r in found.remedies for code in r.types)
        field = "types" if self.name == "fault_types" else "injustice"
        return frozenset(code for f in found.findings if f.polarity == "fault" for code in getattr(f, field))


def raw_examples(name: str, corpus: Path) -> list[Example]:
    """The training texts of a model with their words as written."""
    return examples(name, corpus, raw=True)


def one_paragraph(text: str, remedy: bool) -> Decision:
    """A decision of one paragraph: an analysis, or an agreed action as a bullet."""
    section, heading = ("remedy", "Agreed action") if remedy else ("findings", "Analysis")
    lead = "The Council has agreed to:"
    lines = [heading, lead, text] if remedy else [heading, text]
    kinds = ["line", "paragraph", "bullet"] if remedy else ["line", "paragraph"]
    paragraphs = []
    start = 0
    for i, (line, kind) in enumerate(zip(lines, kinds, strict=True)):
        number = None if kind == "line" else 1
        paragraphs.append(Paragraph(i, number, kind, section, heading, None, start, start + len(line)))
        start += len(line) + 1
    whole = "\n".join(lines)
    sections = (Section(heading, 1, section, 1, 1, 0, len(whole)),)
    return Decision("text/0", "lgsco", Header(), None, whole, "inferred", tuple(paragraphs), sections, "", "")


def held_out(
    gold: Sequence[tuple[Decision, Gold]],
    extractions: Sequence[Extraction],
    trained: Mapping[str, Trained],
    limits: Mapping[str, float | None],
) -> list[Extraction]:
    """Each decision's extraction combined with models that did not see the decision."""
    combined = []
    for (decision, _), extraction in zip(gold, extractions, strict=True):
        # A decision without, say, remedies taught a model nothing: any fold will do.
        fold = {name: trained[name].fold_of.get(decision.decision_id, 0) for name in COMBINED}
        models = {name: trained[name].folds[fold[name]] for name in COMBINED}
        combined += combine_all([decision], [extraction], models, limits)
    return combined


def _report(gold: Sequence[tuple[Decision, Gold]], extractions: Sequence[Extraction]) -> Report:
    return evaluate((d, e, g) for (d, g), e in zip(gold, extractions, strict=True))


def _score(report: Report, name: str) -> float:
    return report.measures[name].score or 0.0


def _scores(report: Report, names: Sequence[str]) -> dict[str, float]:
    return {name: round(_score(report, name), 4) for name in names}
