"""The models: what ships, its safety and its thresholds."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support import one_paragraph

from pipeline import read_decision
from pipeline.classify import BadModel, models_digest, predict, predict_all
from pipeline.classify import features as f
from pipeline.classify.cards import card
from pipeline.classify.combine import COMBINED
from pipeline.classify.data import examples
from pipeline.classify.measure import calibration, wilson
from pipeline.classify.models import MANIFEST, Model, load, manifest, models_folder, read_estimator, save
from pipeline.classify.network import load_network
from pipeline.classify.train import (
    Trained,
    calibrate,
    fit,
    folds_of,
    gold_pairs,
    pick_threshold,
    train_one,
)
from pipeline.classify.weigh import weigh
from pipeline.corpus import corpus_folder
from pipeline.values import Finding

SEEDS = Path(__file__).resolve().parents[2] / "shared" / "seeds"
DEVELOPMENT = corpus_folder() / "decisions" / "development"
TEXTS = ["the bins were missed", "the parking ticket was late", "the bin lorry did not call", "a parking permit"] * 5
LABELS = ["bins", "parking", "bins", "parking"] * 5


def small_model(threshold: float = 0.5) -> Model:
    from pipeline.classify.data import Example

    learnt = [Example(text, (label,), "", "x") for text, label in zip(TEXTS, LABELS, strict=True)]
    return Model(
        "category", fit("category", learnt, ["bins", "parking"], 0), ("bins", "parking"), False, 1.0, 0.0, threshold
    )


def small_folder(folder: Path) -> Path:
    save(folder, [small_model()], {"models": {}, "combine": {}, "metrics": {}})
    return folder


# What ships


@pytest.mark.skipif(not SEEDS.exists(), reason="the seeds are not here")
def test_the_seeds_have_the_right_category_and_decision() -> None:
    decisions = [read_decision(path) for path in sorted(SEEDS.glob("*.txt"))]
    for decision, said in zip(decisions, predict_all(decisions), strict=True):
        assert (said.category, said.decision) == (decision.header.category, decision.header.decision)
        assert said.subcategory == decision.header.subcategory
    assert len(decisions) == 5


def test_the_models_are_small_and_every_one_has_a_card_made_from_its_metrics() -> None:
    folder = models_folder()
    said = manifest()
    assert sum(path.stat().st_size for path in folder.iterdir()) < 20_000_000
    assert {"category", "decision"} <= said["models"].keys()
    for name in said["metrics"]:
        assert (folder / f"{name}.md").read_text(encoding="utf-8") == card(name, said)
    assert models_digest() == hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()


def test_a_model_that_ships_beats_the_baseline_and_one_that_does_not_adds_nothing() -> None:
    said = manifest()
    for name in said["models"]:
        measured = said["metrics"][name]["by_origin"]["decisions"]
        key = "accuracy" if "accuracy" in measured else "micro_f1"
        assert measured[key] > measured["baseline"][key]
    for name in said["combine"].keys() - {"redress"}:  # which the network tells, and no model of these
        weights = said["combine"][name]
        assert (weights is not None) == (name in said["models"]), name


@pytest.mark.slow
@pytest.mark.parametrize("name", ["category", "decision"])
def test_the_shipped_metrics_reproduce(name: str) -> None:
    corpus = corpus_folder()
    said = manifest()
    if said["source"].startswith("scraped"):
        pytest.skip("the models in this folder were trained on a scraped corpus")
    gold = [pair for part in ("development", "training") for pair in gold_pairs(corpus / "decisions" / part)]
    again = train_one(name, examples(name, corpus, gold), said["seed"])
    assert again.metrics == said["metrics"][name]
    shipped = said["models"][name]
    assert (again.model.slope, again.model.threshold) == (shipped["slope"], shipped["threshold"])


@pytest.mark.slow
def test_trust_is_weighed_on_decisions_that_taught_nothing() -> None:
    said, corpus = manifest(), corpus_folder()
    parts = {part: {d.decision_id for d, _ in gold_pairs(corpus / "decisions" / part)} for part in ("training", "test")}
    weighing = gold_pairs(corpus / "decisions" / "weighing")
    assert not {d.decision_id for d, _ in weighing} & (parts["training"] | parts["test"])
    assert {said["rules"][name]["decisions"] for name in COMBINED} == {len(weighing)}
    models = {name: model for name in said["models"] if (model := load(name)) is not None}
    weights, measured = weigh(weighing[:12], models, load_network(), lambda line: None)
    assert weights.keys() == measured.keys() == said["combine"].keys() == set(COMBINED)
    assert all(0 <= score <= 1 for m in measured.values() for score in (*m["rules"].values(), *m["combined"].values()))


def test_the_aims_are_held_on_held_out_decisions() -> None:
    measured = manifest()["metrics"]
    category, decision = (measured[name]["by_origin"].get("decisions") for name in ("category", "decision"))
    if category is None or decision is None:
        pytest.skip("the models in this folder were trained on a scraped corpus")
    assert category["accuracy_answered"] >= 0.90 and category["answered"] >= 0.95
    assert decision["accuracy_answered"] >= 0.97


# What they read


def test_the_header_and_the_role_are_never_read() -> None:
    path = next(p for p in sorted(DEVELOPMENT.glob("*.txt")) if read_decision(p).header.category)
    decision = read_decision(path)
    bare = replace(decision, header=replace(decision.header, category=None, subcategory=None, decision=None))
    assert f.subject_text(bare) == f.subject_text(decision)
    assert predict(bare) == predict(decision)
    assert predict(decision).category is not None
    for p in decision.paragraphs:
        words = f.normal(decision.text[p.start : p.end])
        if p.section == "role" and len(words) > 80:
            assert words not in f.subject_text(decision) and words not in f.outcome_text(decision)


def test_a_printed_category_in_the_body_is_blanked() -> None:
    decision = one_paragraph("Category : Planning\nThis is about Children’s care services and about trees.")
    text = f.subject_text(decision).lower()
    assert "care services" not in text and "planning" not in text and "trees" in text


def test_names_sums_and_numbers_are_one_word_each() -> None:
    assert f.normal("Mr and Mrs Bell paid £1,200.50 in 2019") == " person  paid  sumofmoney  in 0"


def test_a_bare_finding_is_read_with_the_sentence_before() -> None:
    decision = one_paragraph("The Council lost the file. This was fault.")
    start = decision.text.index("This was")
    found = Finding(1, "findings", start, start + len("This was fault."), "fault")
    assert f.finding_texts(decision, [found]) == ["The Council lost the file. This was fault."]


# Thresholds and calibration


def test_below_the_threshold_the_label_is_null_and_the_probability_stays() -> None:
    sure, unsure = replace(small_model(), threshold=0.0), replace(small_model(), threshold=1.1)
    ((label, p),) = sure.best(["the bins were not collected"])
    assert label == "bins" and 0.5 < p <= 1
    assert unsure.best(["the bins were not collected"]) == [(None, p)]
    assert sure.best([]) == []


def test_a_calibrated_slope_makes_overconfident_scores_modest() -> None:
    scores = np.log(np.array([[0.99, 0.01]] * 10))
    truth = [("a",)] * 7 + [("b",)] * 3
    slope, _ = calibrate(scores, truth, ["a", "b"], False)
    assert 0.05 < slope < 0.4


def test_the_threshold_rises_to_where_labels_are_likelier_right() -> None:
    low = np.array([[0.42, 0.3, 0.28]] * 10)
    assert pick_threshold("category", low, [("b",)] * 10, ["a", "b", "c"]) == pytest.approx(0.45)
    assert pick_threshold("category", low, [("a",)] * 10, ["a", "b", "c"]) == pytest.approx(0.25)


def test_groups_are_held_out_whole() -> None:
    learnt = examples("fault_types", corpus_folder(), gold_pairs(DEVELOPMENT))
    folds = folds_of(learnt)
    where: dict[str, set[int]] = {}
    for example, fold in zip(learnt, folds, strict=True):
        where.setdefault(example.group, set()).add(int(fold))
    assert all(len(folds) == 1 for folds in where.values())
    assert {fold for folds in where.values() for fold in folds} == {0, 1, 2, 3, 4}


def test_intervals_and_calibration_are_what_they_say() -> None:
    assert wilson(9, 10) == [0.5958, 0.9821]
    assert wilson(0, 0) is None
    half = calibration(np.array([0.75] * 4), np.array([1, 1, 1, 0]))
    assert half["ece"] == 0.0 and half["bins"] == [{"from": 0.7, "n": 4, "said": 0.75, "true": 0.75}]


# Files


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    one, two = small_folder(tmp_path / "one"), small_folder(tmp_path / "two")
    assert (one / "category.skops").read_bytes() == (two / "category.skops").read_bytes()
    assert models_digest(one) == models_digest(two)
    model = load("category", one)
    assert model is not None
    assert np.allclose(model.probabilities(TEXTS[:4]), small_model().probabilities(TEXTS[:4]), atol=0.01)


def test_a_tampered_file_is_refused(tmp_path: Path) -> None:
    folder = small_folder(tmp_path)
    path = folder / "category.skops"
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    with pytest.raises(BadModel, match="digest differs"):
        load("category", folder)


def test_a_foreign_file_is_refused_also_when_the_manifest_names_it(tmp_path: Path) -> None:
    import pickle

    import skops.io
    from sklearn.linear_model import SGDClassifier
    from sklearn.pipeline import make_pipeline

    folder = small_folder(tmp_path)
    path = folder / "category.skops"
    foreign = {
        "not a skops file": pickle.dumps({"a": 1}),
        "not a model of Redress": skops.io.dumps(make_pipeline(SGDClassifier())),
        "types that are not trusted": skops.io.dumps({"call": shutil.rmtree}),
    }
    for why, content in foreign.items():
        path.write_bytes(content)
        said = json.loads((folder / MANIFEST).read_text())
        said["models"]["category"]["sha256"] = hashlib.sha256(content).hexdigest()
        (folder / MANIFEST).write_text(json.dumps(said))
        with pytest.raises(BadModel, match=why):
            load("category", folder)


def test_no_models_and_a_broken_manifest_say_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(BadModel, match="redress train"):
        manifest(tmp_path)
    assert models_digest(tmp_path) is None
    (tmp_path / MANIFEST).write_text("{")
    with pytest.raises(BadModel, match="not a manifest"):
        manifest(tmp_path)


def test_shipped_files_hold_no_type_that_is_not_trusted() -> None:
    for path in models_folder().glob("*.skops"):
        assert read_estimator(path, path.read_bytes()) is not None


def test_training_twice_measures_the_same() -> None:
    learnt = examples("decision", corpus_folder())
    one, two = train_one("decision", learnt, 0), train_one("decision", learnt, 0)
    assert isinstance(one, Trained)
    assert one.metrics == two.metrics
    texts = [e.text for e in learnt[:20]]
    assert np.array_equal(one.model.probabilities(texts), two.model.probabilities(texts))
