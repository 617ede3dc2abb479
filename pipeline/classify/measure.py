"""How good a model is: counts, intervals and calibration, from held-out texts only."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

RESAMPLES = 500
Labels = Sequence[str]


def single(
    truth: Sequence[str], rows: np.ndarray[Any, Any], labels: Labels, threshold: float, groups: Sequence[str]
) -> dict[str, Any]:
    """Measures of a single-label model. `rows` holds probabilities, a row a text, a column a label."""
    if not truth:
        return {"n": 0}
    top = rows.argmax(axis=1)
    sure = rows[np.arange(len(rows)), top]
    guess = [labels[i] for i in top]
    right = np.array([g == t for g, t in zip(guess, truth, strict=True)])
    answered = sure >= threshold
    place = {label: i for i, label in enumerate(labels)}
    own = [rows[i, place[t]] if t in place else 0.0 for i, t in enumerate(truth)]
    said = int(answered.sum())
    hits = int((right & answered).sum())
    return {
        "n": len(truth),
        "groups": len(set(groups)),
        "accuracy": _round(right.mean()),
        "interval": wilson(int(right.sum()), len(truth)),
        "answered": _round(answered.mean()),
        "accuracy_answered": _round(hits / said) if said else None,
        "interval_answered": wilson(hits, said),
        "macro_f1": _macro(truth, guess),
        "log_loss": _round(-np.log(np.clip(own, 1e-9, 1)).mean()),
        "calibration": calibration(sure, right),
        "classes": per_class(truth, guess),
        "confusion": confusion(truth, guess),
    }


def multi(
    truth: Sequence[tuple[str, ...]],
    rows: np.ndarray[Any, Any],
    labels: Labels,
    threshold: float,
    groups: Sequence[str],
) -> dict[str, Any]:
    """Measures of a multi-label model: micro F1 with an interval that resamples groups, and each label's own."""
    if not truth:
        return {"n": 0}
    want = np.array([[label in t for label in labels] for t in truth])
    got = rows >= threshold
    classes = {}
    for j, label in enumerate(labels):
        hits, found, gold = int((want[:, j] & got[:, j]).sum()), int(got[:, j].sum()), int(want[:, j].sum())
        classes[label] = _prf(hits, found, gold)
    return {
        "n": len(truth),
        "groups": len(set(groups)),
        "micro_f1": f1(want, got),
        "interval": _by_group(want, got, groups),
        "macro_f1": _round(np.mean([c["f1"] for c in classes.values() if c["support"]])),
        "precision": _round((want & got).sum() / max(got.sum(), 1)),
        "recall": _round((want & got).sum() / max(want.sum(), 1)),
        "exact": _round((want == got).all(axis=1).mean()),
        "calibration": calibration(rows.ravel(), want.ravel()),
        "classes": classes,
    }


def f1(want: np.ndarray[Any, Any], got: np.ndarray[Any, Any]) -> float:
    """Micro F1 of two boolean tables."""
    return _round(2 * (want & got).sum() / max(want.sum() + got.sum(), 1))


def baseline_single(truth: Sequence[str]) -> dict[str, Any]:
    """The simplest baseline: always the most frequent label."""
    label, count = Counter(truth).most_common(1)[0]
    return {"always": label, "accuracy": _round(count / len(truth))}


def baseline_multi(truth: Sequence[tuple[str, ...]], labels: Labels) -> dict[str, Any]:
    """The simplest baseline: always the one label, or all labels, whichever scores more."""
    want = np.array([[label in t for label in labels] for t in truth])
    best: tuple[str, float] = ("every label", f1(want, np.ones_like(want)))
    for j, label in enumerate(labels):
        got = np.zeros_like(want)
        got[:, j] = True
        best = max(best, (label, f1(want, got)), key=lambda pair: pair[1])
    return {"always": best[0], "micro_f1": best[1]}


def wilson(hits: int, n: int) -> list[float] | None:
    """The 95 % Wilson interval of a share."""
    if not n:
        return None
    z = 1.96
    p = hits / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return [_round(max(0.0, middle - half)), _round(min(1.0, middle + half))]


def calibration(sure: np.ndarray[Any, Any], right: np.ndarray[Any, Any]) -> dict[str, Any]:
    """How probabilities compare with what came true: tenths of the scale, and the expected calibration error."""
    bins = []
    gap = 0.0
    for i in range(10):
        inside = (sure >= i / 10) & ((sure < (i + 1) / 10) | (i == 9))
        if count := int(inside.sum()):
            said, true = float(sure[inside].mean()), float(right[inside].mean())
            gap += count / len(sure) * abs(said - true)
            bins.append({"from": i / 10, "n": count, "said": _round(said), "true": _round(true)})
    return {"ece": _round(gap), "bins": bins}


def per_class(truth: Sequence[str], guess: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Precision, recall, F1 and support of each label."""
    pairs = Counter(zip(truth, guess, strict=True))
    want, got = Counter(truth), Counter(guess)
    return {label: _prf(pairs[label, label], got[label], want[label]) for label in sorted({*truth, *guess})}


def confusion(truth: Sequence[str], guess: Sequence[str]) -> dict[str, dict[str, int]]:
    """True label → predicted label → count."""
    table: dict[str, dict[str, int]] = {}
    for (t, g), count in sorted(Counter(zip(truth, guess, strict=True)).items()):
        table.setdefault(t, {})[g] = count
    return table


def _prf(hits: int, found: int, gold: int) -> dict[str, Any]:
    return {
        "precision": _round(hits / found) if found else None,
        "recall": _round(hits / gold) if gold else None,
        "f1": _round(2 * hits / (found + gold)) if found + gold else 0.0,
        "support": gold,
    }


def _macro(truth: Sequence[str], guess: Sequence[str]) -> float:
    return _round(np.mean([c["f1"] for c in per_class(truth, guess).values() if c["support"]]))


def _by_group(want: np.ndarray[Any, Any], got: np.ndarray[Any, Any], groups: Sequence[str]) -> list[float]:
    names = sorted(set(groups))
    at = {name: i for i, name in enumerate(names)}
    counts = np.zeros((len(names), 2))
    for i, g in enumerate(groups):
        counts[at[g]] += (2 * (want[i] & got[i]).sum(), want[i].sum() + got[i].sum())
    drawn = np.random.default_rng(0).multinomial(len(names), [1 / len(names)] * len(names), RESAMPLES) @ counts
    scores = drawn[:, 0] / np.maximum(drawn[:, 1], 1)
    return [_round(np.quantile(scores, 0.025)), _round(np.quantile(scores, 0.975))]


def _round(value: Any) -> float:
    return round(float(value), 4)
