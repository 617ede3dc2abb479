"""What the models say of decisions, of sentences and of remedies, by themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipeline.classify.data import SEPARATOR
from pipeline.classify.features import normal, outcome_text, subject_text, verdict_text
from pipeline.classify.models import Model, load, manifest
from pipeline.values import Decision, Prediction


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
    return _loaded("finding").best([verdict_text(t) for t in texts])


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
