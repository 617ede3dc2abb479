"""Trained models as files: skops with a list of trusted types, never pickle, and a manifest with the digest of each.

A model is opened only when its bytes are those that the manifest names, it holds no type outside the list, and it is
the kind of pipeline that `redress train` makes.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

FORMAT = 1
MANIFEST = "models.json"
# Types beyond scikit-learn's own that a file may hold: none. A file that needs another one is not ours.
TRUSTED: tuple[str, ...] = ()
STEPS = frozenset({"TfidfVectorizer", "FeatureUnion", "ComplementNB", "LogisticRegression", "OneVsRestClassifier"})


class BadModel(Exception):  # noqa: N818 - the name says what the file is
    """A model file that cannot be used; the message names the file and the way out."""


@dataclass(frozen=True, slots=True)
class Model:
    """One trained model: the estimator, its calibration, and the probability below which it says nothing.

    Single-label: softmax(slope · log p). Multi-label: sigmoid(slope · logit p + shift), label by label.
    """

    name: str
    estimator: Any
    labels: tuple[str, ...]
    multi: bool
    slope: float
    shift: float
    threshold: float

    def probabilities(self, texts: Sequence[str]) -> np.ndarray[Any, Any]:
        """A row a text, a column a label. `texts` are as `features.normal` makes them."""
        if not texts:
            return np.zeros((0, len(self.labels)))
        return calibrated(raw_scores(self.estimator, texts, self.multi), self.multi, self.slope, self.shift)

    def best(self, texts: Sequence[str]) -> list[tuple[str | None, float]]:
        """Of a single-label model: for each text the likeliest label, null below the threshold, and its probability."""
        rows = self.probabilities(texts)
        places = rows.argmax(axis=1) if len(rows) else []
        return [
            (self.labels[i] if row[i] >= self.threshold else None, float(row[i]))
            for row, i in zip(rows, places, strict=True)
        ]

    def all_of(self, texts: Sequence[str], threshold: float | None = None) -> list[dict[str, float]]:
        """Of a multi-label model: for each text the labels that reach the threshold, with their probability."""
        limit = self.threshold if threshold is None else threshold
        return [
            {label: float(p) for label, p in zip(self.labels, row, strict=True) if p >= limit}
            for row in self.probabilities(texts)
        ]


def raw_scores(estimator: Any, texts: Sequence[str], multi: bool) -> np.ndarray[Any, Any]:
    """Uncalibrated scores: log probabilities, or log odds label by label."""
    if not multi:
        return np.asarray(estimator.predict_log_proba(texts))
    p = np.clip(estimator.predict_proba(texts), 1e-9, 1 - 1e-9)
    return np.asarray(np.log(p) - np.log1p(-p))


def calibrated(scores: np.ndarray[Any, Any], multi: bool, slope: float, shift: float) -> np.ndarray[Any, Any]:
    """Scores as probabilities."""
    scaled = slope * scores + shift
    if multi:
        return np.asarray(1 / (1 + np.exp(-scaled)))
    scaled = scaled - scaled.max(axis=1, keepdims=True)
    e = np.exp(scaled)
    return np.asarray(e / e.sum(axis=1, keepdims=True))


def models_folder() -> Path:
    """Where the models are: REDRESS_MODELS if set, else `models` of this checkout."""
    named = os.environ.get("REDRESS_MODELS")
    return Path(named) if named else Path(__file__).resolve().parents[2] / "models"


def models_digest(folder: Path | None = None) -> str | None:
    """SHA-256 of the manifest, which holds the digest of every model; null where there are no models."""
    path = (folder or models_folder()) / MANIFEST
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else None


def save(folder: Path, models: Sequence[Model], about: Mapping[str, Any]) -> None:
    """Writes the models and the manifest; `about` holds what else the manifest says, with `models` by name."""
    import skops.io

    folder.mkdir(parents=True, exist_ok=True)
    entries = {}
    for model in models:
        path = folder / f"{model.name}.skops"
        path.write_bytes(_steady(skops.io.dumps(_packed(model.estimator))))
        entries[model.name] = {
            "file": path.name,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "labels": list(model.labels),
            "multi": model.multi,
            "slope": model.slope,
            "shift": model.shift,
            "threshold": model.threshold,
            **about["models"].get(model.name, {}),
        }
    manifest = {"format": FORMAT, **about, "models": entries}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _packed(estimator: Any) -> Any:
    """A copy with its vocabulary as one array: as a dict of numbers, a file takes seconds to open."""
    from copy import copy

    words = copy(estimator.named_steps["words"])
    if hasattr(words, "transformer_list"):
        words.transformer_list = [(name, copy(one)) for name, one in words.transformer_list]
    for one in _vectorizers(words):
        one.vocabulary_ = np.array(sorted(one.vocabulary_, key=one.vocabulary_.__getitem__))
    packed = copy(estimator)
    packed.steps = [("words", words), *((name, _rounded(step)) for name, step in estimator.steps[1:])]
    return packed


def _rounded(step: Any) -> Any:
    """A copy whose numbers keep three digits, without counts that only learning needs: the file is a third as large."""
    from copy import copy

    made = copy(step)
    if hasattr(made, "estimators_"):
        made.estimators_ = [_rounded(one) for one in made.estimators_]
    for name in ("coef_", "feature_log_prob_"):
        if isinstance(values := vars(made).get(name), np.ndarray):
            mantissa, exponent = np.frexp(values)
            setattr(made, name, np.ldexp(np.round(mantissa * 512) / 512, exponent))
    if hasattr(made, "feature_count_"):
        made.feature_count_ = np.zeros_like(made.feature_count_)
    return made


def _unpacked(estimator: Any) -> Any:
    for one in _vectorizers(estimator.named_steps["words"]):
        one.vocabulary_ = {str(word): i for i, word in enumerate(one.vocabulary_)}
    return estimator


def _vectorizers(words: Any) -> list[Any]:
    return [one for _, one in words.transformer_list] if hasattr(words, "transformer_list") else [words]


def _steady(dumped: bytes) -> bytes:
    """The archive again with no clock in it, compressed: the same model gives the same bytes."""
    import io

    names: dict[str, str] = {}
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(dumped)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        schema = old.read("schema.json").decode()
        # skops names its array files, and the objects they hold, after addresses in memory.
        for i, entry in enumerate(n for n in old.namelist() if n != "schema.json"):
            names[entry] = f"{i:04d}{Path(entry).suffix}"
            schema = schema.replace(f'"{entry}"', f'"{names[entry]}"')
        tree = json.loads(schema)
        _renumber(tree, {})
        for entry in old.namelist():
            content = json.dumps(tree, indent=1).encode() if entry == "schema.json" else old.read(entry)
            info = zipfile.ZipInfo(names.get(entry, entry), (1980, 1, 1, 0, 0, 0))
            new.writestr(info, content, zipfile.ZIP_DEFLATED, 9)
    return out.getvalue()


def _renumber(node: Any, seen: dict[int, int]) -> None:
    if isinstance(node, dict):
        if isinstance(node.get("__id__"), int):
            node["__id__"] = seen.setdefault(node["__id__"], len(seen) + 1)
        for value in node.values():
            _renumber(value, seen)
    elif isinstance(node, list):
        for value in node:
            _renumber(value, seen)


def manifest(folder: Path | None = None) -> dict[str, Any]:
    """What the manifest says. Raises BadModel when it is missing or is none."""
    path = (folder or models_folder()) / MANIFEST
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadModel(f"{path}: no models here; make them with: redress train --out {path.parent}") from None
    except (OSError, ValueError) as error:
        raise BadModel(f"{path}: not a manifest of models: {error}") from None
    if not isinstance(said, dict) or said.get("format") != FORMAT or not isinstance(said.get("models"), dict):
        raise BadModel(f"{path}: not a manifest that this version reads; make the models again with: redress train")
    return said


def load(name: str, folder: Path | None = None) -> Model | None:
    """One model by name; null where the manifest does not ship it. Raises BadModel for another file than that."""
    folder = folder or models_folder()
    entry = manifest(folder)["models"].get(name)
    if entry is None:
        return None
    return _load(name, folder, json.dumps(entry))


@cache
def _load(name: str, folder: Path, said: str) -> Model:
    entry = json.loads(said)
    path = folder / Path(entry["file"]).name
    way = "take the models folder from the repository again, or make it with: redress train"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadModel(f"{path}: {error.strerror}; {way}") from None
    if hashlib.sha256(content).hexdigest() != entry["sha256"]:
        raise BadModel(f"{path}: not the file that {MANIFEST} names (its digest differs); {way}")
    return Model(
        name=name,
        estimator=read_estimator(path, content),
        labels=tuple(entry["labels"]),
        multi=entry["multi"],
        slope=entry["slope"],
        shift=entry["shift"],
        threshold=entry["threshold"],
    )


def read_estimator(path: Path, content: bytes) -> Any:
    """The pipeline in a skops file. Raises BadModel when it is no skops file, or holds anything we do not make."""
    import skops.io
    from sklearn.pipeline import Pipeline

    try:
        foreign = sorted(set(skops.io.get_untrusted_types(data=content)) - set(TRUSTED))
        if foreign:
            raise BadModel(f"{path}: holds types that are not trusted: {', '.join(foreign)}")
        estimator = skops.io.loads(content, trusted=list(TRUSTED))
    except BadModel:
        raise
    except Exception as error:  # skops raises many kinds for a file that is none of its own
        raise BadModel(f"{path}: not a skops file ({type(error).__name__}: {error})") from None
    kinds = {type(step).__name__ for _, step in estimator.steps} if isinstance(estimator, Pipeline) else {"no pipeline"}
    if kinds - STEPS:
        raise BadModel(f"{path}: not a model of Redress: {', '.join(sorted(kinds - STEPS))}")
    return _unpacked(estimator)
