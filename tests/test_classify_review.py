"""The review loop and the monitor: out to a person, back as training rows; and shares by month."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipeline.classify.data import examples
from pipeline.classify.monitor import monitor, read_dataset, table
from pipeline.classify.review import (
    DISAGREE,
    UNSURE,
    BadReview,
    Item,
    as_label_studio,
    as_prodigy,
    keep,
    pick,
    read_reviewed,
)
from pipeline.corpus import corpus_folder


def item(text: str = "The reply came late.", **changes: Any) -> Item:
    values = {
        "model": "fault_types",
        "decision_id": "lgsco/19-000-001",
        "text": text,
        "start": 10,
        "end": 10 + len(text),
        "context": "x",
        "suggested": ("delay",),
        "rule": (),
        "probability": 0.6,
        "why": UNSURE,
        **changes,
    }
    return Item(**values)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    (folder / "training").mkdir(parents=True)
    (folder / "training" / "subjects.jsonl").write_bytes((corpus_folder() / "training" / "subjects.jsonl").read_bytes())
    return folder


def reviewed_prodigy(one: Item, corpus: Path, **changes: Any) -> dict[str, Any]:
    signed = {"answer": "accept", "_annotator_id": "ann", "_timestamp": 1_700_000_000}
    return {**as_prodigy(one, corpus), **signed, **changes}


def written(path: Path, rows: list[Any], lines: bool = True) -> Path:
    path.write_text("".join(json.dumps(r) + "\n" for r in rows) if lines else json.dumps(rows), encoding="utf-8")
    return path


def test_prodigy_comes_back_as_training_rows_with_who_and_when(corpus: Path, tmp_path: Path) -> None:
    task = reviewed_prodigy(item(), corpus, accept=["delay", "complaint_handling"])
    assert {"id": "delay", "text": "delay"} in task["options"] and task["meta"]["why"] == UNSURE
    ignored = reviewed_prodigy(item("Another."), corpus, answer="ignore")
    rows, skipped = read_reviewed(written(tmp_path / "items.jsonl", [task, ignored]), corpus)
    assert skipped == 1
    assert [(r["labels"], r["who"], r["when"][:10]) for r in rows] == [
        (["complaint_handling", "delay"], "ann", "2023-11-14")
    ]
    assert keep(rows, corpus) == (1, 1)
    (learnt,) = [e for e in examples("fault_types", corpus) if e.origin == "reviewed"]
    assert learnt.labels == ("complaint_handling", "delay") and learnt.group == "lgsco/19-000-001"


def test_label_studio_comes_back_too(corpus: Path, tmp_path: Path) -> None:
    one = item(model="finding", text="We find no fault.", suggested=("fault",))
    task = as_label_studio(one)
    choices = {**task["predictions"][0]["result"][0], "value": {"choices": ["no_fault"]}}
    done = {"completed_by": {"email": "ann@example.org"}, "updated_at": "2024-02-03T10:00:00Z", "result": [choices]}
    cancelled = {**done, "was_cancelled": True}
    tasks = [{**task, "annotations": [done]}, {**task, "annotations": [cancelled]}]
    rows, skipped = read_reviewed(written(tmp_path / "items.json", tasks, lines=False), corpus)
    assert skipped == 1
    assert [(r["labels"], r["who"]) for r in rows] == [(["no_fault"], "ann@example.org")]


def test_the_latest_review_of_an_item_stands_and_a_file_taken_twice_adds_nothing(corpus: Path, tmp_path: Path) -> None:
    first = reviewed_prodigy(item(), corpus)
    second = reviewed_prodigy(item(), corpus, accept=["poor_records"], _timestamp=1_800_000_000)
    for tasks, expected in (([first], (1, 1)), ([first], (0, 1)), ([second], (0, 1)), ([first], (0, 1))):
        rows, _ = read_reviewed(written(tmp_path / "i.jsonl", tasks), corpus)
        assert keep(rows, corpus) == expected
    (row,) = [json.loads(x) for x in (corpus / "training" / "reviewed.jsonl").read_text().splitlines()]
    assert row["labels"] == ["poor_records"]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"text": "Other words."}, "changed since it was exported"),
        ({"accept": ["lateness"]}, "no label lateness"),
        ({"_annotator_id": None}, "--who"),
        ({"_timestamp": None}, "--when"),
        ({"meta": None}, "not an item"),
    ],
)
def test_what_cannot_be_trusted_is_refused(corpus: Path, tmp_path: Path, changes: dict[str, Any], why: str) -> None:
    path = written(tmp_path / "items.jsonl", [reviewed_prodigy(item(), corpus, **changes)])
    with pytest.raises(BadReview, match=why):
        read_reviewed(path, corpus)


def test_a_single_label_model_takes_one_label(corpus: Path, tmp_path: Path) -> None:
    one = item(model="finding", suggested=("fault",))
    path = written(tmp_path / "items.jsonl", [reviewed_prodigy(one, corpus, accept=["fault", "neither"])])
    with pytest.raises(BadReview, match="one label, not 2"):
        read_reviewed(path, corpus)


def test_what_is_no_json_is_refused(corpus: Path, tmp_path: Path) -> None:
    path = tmp_path / "items.jsonl"
    path.write_text("nothing of the kind")
    with pytest.raises(BadReview, match="neither JSON lines"):
        read_reviewed(path, corpus)


def test_disagreements_come_first_and_the_models_take_turns() -> None:
    clash = item("a", why=DISAGREE, probability=0.9)
    unsure = item("b", probability=0.5)
    sure = item("c", probability=0.95)
    other = item("d", model="finding", probability=0.7)
    chosen = pick([sure, unsure, clash, other], 10)
    assert chosen == [clash, other, unsure, sure]
    assert pick([unsure, clash], 1) == [clash]


def row(month: int, decision: str = "Upheld", predicted: str | None = "Housing") -> dict[str, Any]:
    return {
        "decision_date": date(2024, month, 5),
        "decision": decision,
        "decision_predicted": decision,
        "category_predicted": predicted,
        "fault_found": False,
        "fault_types": [],
        "remedy_types": [],
    }


def test_the_monitor_shows_a_share_that_moved_and_none_that_did_not() -> None:
    steady = [row(m, "Upheld" if i % 2 else "Not upheld") for m in (1, 2, 3) for i in range(100)]
    drifted = [row(4, "Upheld" if i % 2 else "Not upheld", None if i < 60 else "Housing") for i in range(100)]
    shares = monitor([*steady, *drifted])
    moved = {(s.month, s.what, s.label) for s in shares if s.moved}
    assert moved == {("2024-04", "category_predicted", "low confidence"), ("2024-04", "category_predicted", "Housing")}
    assert "! 2024-04  category_predicted: low confidence  60.0% of 100 (0.0% before)" in table(shares)
    assert not [s for s in monitor(steady) if s.moved]


def test_the_monitor_names_a_folder_without_a_dataset(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="redress run"):
        read_dataset(tmp_path)
