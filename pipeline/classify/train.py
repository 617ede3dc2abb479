"""Training: every model from one corpus of labelled texts, measured on what it did not learn from."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from pipeline.classify import measure
from pipeline.classify.data import MARKED, MULTI, NAMES, Example, examples
from pipeline.classify.features import outcome_text, subject_text
from pipeline.classify.models import Model, calibrated, raw_scores
from pipeline.evaluate.gold import Gold, load_gold
from pipeline.values import Decision

FOLDS = 5
MANY = 5_000
# Words that a model keeps: the rest make its file large and nothing better.
_MOST_WORDS = {"category": 20_000, "subcategory": 9_000, "fault_types": 16_000, "injustice_types": 16_000}
SUBJECTS = ("category", "subcategory")


@dataclass(frozen=True, slots=True)
class Trained:
    """A model, what was measured of it, and for each fold the model that did not see it."""

    model: Model
    metrics: dict[str, Any]
    folds: tuple[Model, ...] = ()
    fold_of: Mapping[str, int] = field(default_factory=dict)


def estimator(name: str, many: bool, seed: int) -> Any:
    """The untrained pipeline of one model."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.naive_bayes import ComplementNB
    from sklearn.pipeline import FeatureUnion, Pipeline

    # Few short texts by a few hands: naive Bayes on subject words beats a regression, which learns the hand.
    naive = name == "subcategory" or (name == "category" and not many)
    words = TfidfVectorizer(
        sublinear_tf=True,
        ngram_range=(1, 3) if name == "finding" else (1, 1) if name in MARKED else (1, 2),
        min_df=2 if name in MULTI else 5 if many else 1 if name in SUBJECTS else 2,
        max_features=50_000 if many and name not in MULTI else _MOST_WORDS.get(name),
        stop_words="english" if name in SUBJECTS else None,
        token_pattern=r"\S+" if name == "finding" or name in MARKED else r"(?u)\b\w\w+\b",
        dtype=np.float64,
    )
    # Pieces of words carry a kind over to forms of a word that the few texts do not hold (delay, delayed, delaying).
    pieces = TfidfVectorizer(
        sublinear_tf=True,
        analyzer="char_wb",
        ngram_range=(3, 5),
        min_df=3,
        max_features=20_000 if name in MULTI else 60_000,
        dtype=np.float64,
    )
    if name == "finding" or name in MULTI - MARKED:
        words = FeatureUnion([("words", words), ("pieces", pieces)])
    # On a scraped corpus a loose end is near enough; on sentences it stops far too early, and costs three points of F1.
    loose = many and name in (*SUBJECTS, "decision")
    regression = LogisticRegression(
        C=30.0 if name in MARKED else 10.0, max_iter=300, tol=1e-3 if loose else 1e-4, random_state=seed
    )
    last = ComplementNB(alpha=0.3) if naive else OneVsRestClassifier(regression) if name in MULTI else regression
    return Pipeline([("words", words), ("labels", last)])


def fit(name: str, learnt: Sequence[Example], labels: Sequence[str], seed: int) -> Any:
    """A pipeline trained on examples. Labels that no example has are left to the caller."""
    made = estimator(name, len(learnt) > MANY, seed)
    texts = [e.text for e in learnt]
    with threadpool_limits(1):  # sums in one order: two runs agree to the last bit
        if name in MULTI:
            return made.fit(texts, np.array([[label in e.labels for label in labels] for e in learnt], dtype=int))
        weights = np.array([e.weight for e in learnt])
        return made.fit(texts, np.array([e.labels[0] for e in learnt]), labels__sample_weight=weights)


def folds_of(held: Sequence[Example]) -> np.ndarray[Any, Any]:
    """The fold of each example: whole groups together, by their order; -1 for what is always learnt from (no group)."""
    names = sorted({(e.origin != "decisions", e.group) for e in held if e.group})
    where: dict[str, int] = {}
    for _, group in names:
        where.setdefault(group, len(where) % FOLDS)
    return np.array([where.get(e.group, -1) for e in held])


def train_one(name: str, learnt: Sequence[Example], seed: int) -> Trained:
    """One model on what ships: grouped cross-validation for measure, calibration and threshold, then all of it."""
    multi = name in MULTI
    labels = sorted({label for e in learnt for label in e.labels})
    folds = folds_of(learnt)
    scores = np.zeros((len(learnt), len(labels)))
    parts = []
    for fold in range(FOLDS):
        seen = [e for e, f in zip(learnt, folds, strict=True) if f != fold]
        held = np.flatnonzero(folds == fold).tolist()
        part = fit(name, seen, labels, seed)
        parts.append(part)
        scores[held] = _aligned(part, raw_scores(part, [learnt[i].text for i in held], multi), labels, multi)
    tested = np.array([f >= 0 and e.origin != "parts of decisions" for e, f in zip(learnt, folds, strict=True)])
    # The subject is read from whole decisions, far longer than the summaries that ship: those alone calibrate it.
    whole = tested & np.array([e.origin == "decisions" for e in learnt])
    chosen = whole if name in SUBJECTS and whole.any() else tested
    slope, shift = calibrate(scores[chosen], _labels_at(learnt, chosen), labels, multi)
    rows = calibrated(scores, multi, slope, shift)
    threshold = pick_threshold(name, rows[tested], _labels_at(learnt, tested), labels)
    model = Model(name, fit(name, learnt, labels, seed), tuple(labels), multi, slope, shift, threshold)
    if list(labels) != _classes(model.estimator, labels, multi):
        raise AssertionError(f"{name}: the estimator's labels are in another order")
    by_origin: dict[str, Any] = {}
    metrics = {
        "measured": "grouped cross-validation: each text is judged by a model that saw nothing of its group",
        "examples": len(learnt),
        "by_origin": by_origin,
    }
    for origin in sorted({e.origin for e, t in zip(learnt, tested, strict=True) if t}):
        at = np.flatnonzero(tested & np.array([e.origin == origin for e in learnt])).tolist()
        by_origin[origin] = _measured([learnt[i] for i in at], rows[at], labels, threshold, multi)
    held_out = [replace(model, estimator=_Aligned(part, labels, multi)) for part in parts]
    return Trained(model, metrics, tuple(held_out), {e.group: int(f) for e, f in zip(learnt, folds, strict=True)})


def _labels_at(learnt: Sequence[Example], chosen: np.ndarray[Any, Any]) -> list[tuple[str, ...]]:
    return [e.labels for e, c in zip(learnt, chosen, strict=True) if c]


def _measured(
    held: Sequence[Example], rows: Any, labels: Sequence[str], threshold: float, multi: bool
) -> dict[str, Any]:
    groups = [e.group for e in held]
    if multi:
        several = [e.labels for e in held]
        return {
            **measure.multi(several, rows, labels, threshold, groups),
            "baseline": measure.baseline_multi(several, labels),
        }
    one = [e.labels[0] for e in held]
    return {**measure.single(one, rows, labels, threshold, groups), "baseline": measure.baseline_single(one)}


def _classes(made: Any, labels: Sequence[str], multi: bool) -> list[str]:
    return list(labels) if multi else [str(c) for c in made.classes_]


def _aligned(made: Any, scores: Any, labels: Sequence[str], multi: bool) -> Any:
    """Scores in the columns of `labels`: a fold may lack a rare label, which then gets the lowest score."""
    if multi:
        return scores
    there = _classes(made, labels, multi)
    full = np.full((len(scores), len(labels)), scores.min(initial=0.0) - 1.0)
    full[:, [labels.index(c) for c in there]] = scores
    return full


@dataclass(frozen=True, slots=True)
class _Aligned:
    """A fold's estimator that answers in the columns of the whole."""

    made: Any
    labels: list[str]
    multi: bool

    def predict_log_proba(self, texts: Sequence[str]) -> Any:
        return _aligned(self.made, raw_scores(self.made, texts, self.multi), self.labels, self.multi)

    def predict_proba(self, texts: Sequence[str]) -> Any:
        return self.made.predict_proba(texts)


def calibrate(scores: Any, truth: Sequence[tuple[str, ...]], labels: Sequence[str], multi: bool) -> tuple[float, float]:
    """The slope (and shift, for multi-label) that make held-out probabilities likeliest."""
    from scipy.optimize import minimize, minimize_scalar

    if not multi:
        at = np.array([labels.index(t[0]) for t in truth])
        doubt = 1 / (len(at) + 2)  # as in Platt's scaling: a few dozen right answers are no proof of certainty

        def loss(log_slope: float) -> float:
            p = np.log(np.clip(calibrated(scores, False, float(np.exp(log_slope)), 0.0), 1e-9, 1))
            own = p[np.arange(len(at)), at]
            others = (p.sum(axis=1) - own) / (p.shape[1] - 1)
            return float(-((1 - doubt) * own + doubt * others).mean())

        return round(float(np.exp(minimize_scalar(loss, bounds=(-2, 4), method="bounded").x)), 4), 0.0
    want = np.array([[label in t for label in labels] for t in truth], dtype=float)

    def multi_loss(x: Any) -> float:
        p = np.clip(calibrated(scores, True, x[0], x[1]), 1e-9, 1 - 1e-9)
        return float(-(want * np.log(p) + (1 - want) * np.log(1 - p)).mean())

    slope, shift = minimize(multi_loss, [1.0, 0.0], method="Nelder-Mead").x
    return round(float(slope), 4), round(float(shift), 4)


def pick_threshold(name: str, rows: Any, truth: Sequence[tuple[str, ...]], labels: Sequence[str]) -> float:
    """Below it a label is null. Kinds: where F1 is highest; else where a label is likelier right."""
    if name in MULTI:
        want = np.array([[label in t for label in labels] for t in truth])
        grid = [i / 20 for i in range(4, 16)]
        return max(grid, key=lambda limit: (measure.f1(want, rows >= limit), limit))
    if name == "finding" or not len(rows):
        return 0.5
    sure = rows.max(axis=1)
    right = np.array([labels[i] == t[0] for i, t in zip(rows.argmax(axis=1), truth, strict=True)])
    lowest = 0.25 if name in SUBJECTS else 0.4
    for limit in (x for x in (0.45, 0.4, 0.35, 0.3, 0.25) if x >= lowest):
        inside = (sure >= limit) & (sure < limit + 0.05)
        if inside.sum() >= 5 and right[inside].mean() < 0.5:
            return round(limit + 0.05, 2)
    return lowest


def train_shipped(
    corpus: Path, seed: int = 0, say: Callable[[str], None] = lambda line: None, names: Sequence[str] = NAMES
) -> dict[str, Trained]:
    """All models from `corpus`: its labelled texts, and its decisions but those of `weighing` and `test`."""
    gold = [pair for part in ("development", "training") for pair in gold_pairs(corpus / "decisions" / part)]
    trained = {}
    for name in names:
        learnt = examples(name, corpus, gold)
        say(f"{name}: {len(learnt):,} texts")
        trained[name] = train_one(name, learnt, seed)
    return trained


def gold_pairs(folder: Path) -> list[tuple[Decision, Gold]]:
    """The decisions of a folder with their gold; none where there is no such folder."""
    from pipeline.evaluate.cli import read_decisions

    if not folder.is_dir():
        return []
    gold = load_gold(folder)
    return [(d, gold[d.decision_id]) for d in read_decisions(folder) if d.decision_id in gold]


@dataclass(frozen=True, slots=True)
class Printed:
    """What a scraped decision teaches: its body, its labels as its header prints them, its date and organisation."""

    decision_id: str
    subject: str
    outcome: str
    category: str | None
    subcategory: str | None
    decision: str | None
    date: str
    organisation: str


def read_printed(
    records: Path, sample: int, seed: int, advance: Callable[[int], None] = lambda n: None
) -> tuple[list[Printed], int]:
    """The decisions of a records folder that print a category or a decision, and how many the folder holds.

    At most about `sample` of them (0: all); which are drawn follows from their ids and the seed alone.
    """
    import pyarrow.parquet as pq

    from pipeline.records import read_decisions
    from pipeline.shards import StageError

    paths = sorted(records.glob("[0-9]*.parquet"))
    if not paths:
        raise StageError(f"{records} holds no shards; run `redress clean` first")
    total = sum(pq.read_metadata(path).num_rows for path in paths)
    share = min(1.0, sample / total) if sample and total else 1.0
    drawn = []
    for path in paths:
        for d in read_decisions(path):
            h = d.header
            if (h.category or h.decision) and _draw(f"{seed} {d.decision_id}") < share:
                drawn.append(
                    Printed(
                        d.decision_id,
                        subject_text(d),
                        outcome_text(d),
                        h.category,
                        h.subcategory,
                        h.decision,
                        h.decision_date.isoformat() if h.decision_date else "",
                        h.organisation or "",
                    )
                )
        advance(pq.read_metadata(path).num_rows)
    return sorted(drawn, key=lambda p: p.decision_id), total


def _draw(words: str) -> float:
    """A number from 0 to 1 that is the same for the same words."""
    return int.from_bytes(hashlib.sha256(words.encode()).digest()[:8], "big") / 2**64


def train_printed(name: str, printed: Sequence[Printed], corpus: Path, seed: int) -> Trained | None:
    """One model of whole decisions on a scraped corpus; null where it prints fewer than two of the labels.

    Measured twice: trained on the earlier four fifths and tested on the later fifth, and with a fifth of the
    organisations held out. Calibration and threshold come from the held-out organisations.
    """
    from pipeline.classify.data import SEPARATOR, known_labels

    known = known_labels(name, corpus)
    rows: list[tuple[Printed, Example]] = []
    for p in printed:
        below = f"{p.category}{SEPARATOR}{p.subcategory}"
        label = {"category": p.category, "decision": p.decision, "subcategory": below}[name]
        if label in known:
            text = p.outcome if name == "decision" else p.subject
            rows.append((p, Example(text, (str(label),), p.organisation or p.decision_id, "decisions")))
    labels = sorted({e.labels[0] for _, e in rows})
    if len(labels) < 2 or len(rows) < 50:
        return None
    metrics: dict[str, Any] = {"measured": "two splits of a scraped corpus", "examples": len(rows), "by_origin": {}}
    dated = sorted(p.date for p, _ in rows if p.date)
    border = dated[len(dated) * 4 // 5] if dated else ""
    splits = {
        "later decisions": [bool(border) and p.date >= border for p, _ in rows],
        "other organisations": [_draw(f"{seed} {e.group}") < 0.2 for _, e in rows],
    }
    slope, threshold = 1.0, 0.5
    for split, held in reversed(splits.items()):
        seen = [e for (_, e), h in zip(rows, held, strict=True) if not h]
        test = [e for (_, e), h in zip(rows, held, strict=True) if h]
        if not test or len({e.labels[0] for e in seen}) < 2:
            metrics["by_origin"][split] = {"n": 0}
            continue
        part = fit(name, seen, labels, seed)
        scores = _aligned(part, raw_scores(part, [e.text for e in test], False), labels, False)
        if split == "other organisations":
            slope, _ = calibrate(scores, [e.labels for e in test], labels, False)
            threshold = pick_threshold(name, calibrated(scores, False, slope, 0.0), [e.labels for e in test], labels)
        metrics["by_origin"][split] = _measured(test, calibrated(scores, False, slope, 0.0), labels, threshold, False)
    made = fit(name, [e for _, e in rows], labels, seed)
    return Trained(Model(name, made, tuple(labels), False, slope, 0.0, threshold), metrics)


def versions() -> dict[str, str]:
    """The versions that a model's bytes depend on."""
    import sklearn
    import skops

    from pipeline import __version__

    return {"redress": __version__, "scikit-learn": sklearn.__version__, "skops": skops.__version__}


def corpus_digest(corpus: Path) -> str:
    """SHA-256 over the labelled texts and the gold that the shipped models learn from."""
    sha = hashlib.sha256()
    folders = [corpus / "decisions" / part for part in ("development", "training")]
    paths = [*(corpus / "training").glob("*.jsonl"), *(path for folder in folders for path in folder.glob("*"))]
    for path in sorted(p for p in paths if not p.name.startswith(".") and p.is_file()):
        sha.update(path.relative_to(corpus).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return sha.hexdigest()
