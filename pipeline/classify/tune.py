"""How sure a model must be before it adds to what the rules found: chosen on held-out decisions, null where nothing is won."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.classify.predict import COMBINED, combine_all
from pipeline.classify.train import Trained
from pipeline.evaluate.gold import Gold
from pipeline.evaluate.score import Report, evaluate
from pipeline.values import Decision, Extraction

# What each model is to better, and what it may not worsen while it does.
AIMS = {
    "finding": ("findings_of_fault", ("findings", "findings_of_no_fault", "fault_found", "injustice_found")),
    "fault_types": ("decision_fault_types", ("fault_types",)),
    "injustice_types": ("decision_injustice_types", ("injustice_types", "injustice_found")),
    "remedy_types": ("decision_remedy_types", ("remedy_types",)),
}
LIMITS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
# Less than this is noise on a few dozen decisions.
LEAST_GAIN = 0.005


def tune(
    gold: Sequence[tuple[Decision, Gold]], trained: Mapping[str, Trained]
) -> tuple[dict[str, float | None], dict[str, Any]]:
    """The limit of each model, one after the other, and what was measured on the way."""
    from pipeline.extract import extract

    extractions = [extract(d) for d, _ in gold]
    limits: dict[str, float | None] = dict.fromkeys(COMBINED)
    best = _report(gold, extractions)
    said: dict[str, Any] = {"decisions": len(gold)}
    for name in COMBINED:
        aim, others = AIMS[name]
        watched = (aim, *others)
        tried = {}
        before, chosen = best, best
        for limit in LIMITS:
            report = _report(gold, held_out(gold, extractions, trained, {**limits, name: limit}))
            tried[str(limit)] = _scores(report, watched)
            better = _score(report, aim) >= max(_score(before, aim) + LEAST_GAIN, _score(chosen, aim) + 1e-9)
            if better and all(_score(report, other) >= _score(before, other) - 1e-9 for other in others):
                chosen, limits[name] = report, limit
        said[name] = {
            "rules": _scores(before, watched),
            "limit": limits[name],
            "combined": _scores(chosen, watched),
            "tried": tried,
        }
        best = chosen
    return limits, said


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
        models = {name: t.folds[t.fold_of.get(decision.decision_id, 0)] for name, t in trained.items() if name in COMBINED}
        combined += combine_all([decision], [extraction], models, limits)
    return combined


def _report(gold: Sequence[tuple[Decision, Gold]], extractions: Sequence[Extraction]) -> Report:
    return evaluate((d, e, g) for (d, g), e in zip(gold, extractions, strict=True))


def _score(report: Report, name: str) -> float:
    return report.measures[name].score or 0.0


def _scores(report: Report, names: Sequence[str]) -> dict[str, float]:
    return {name: round(_score(report, name), 4) for name in names}
