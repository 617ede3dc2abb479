"""The training texts: enough of them, valid codes, no near-duplicates, nothing copied between parts."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from pipeline.classify.data import BadTraining, examples, known_labels, read_rows
from pipeline.corpus import codes, corpus_folder

LEAST = {"summaries": 600, "sentences": 1500, "remedies": 800}
OVERLAP = 0.7
MOST = 0.02


def words_of(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[a-z0-9']+", text.lower().replace("’", "'")))


def near_duplicates(texts: list[str]) -> list[tuple[int, int]]:
    """Pairs of texts that share more than OVERLAP of their words (of the union of both)."""
    bags = [words_of(text) for text in texts]
    holders: dict[str, list[int]] = defaultdict(list)
    pairs = []
    common = Counter(word for bag in bags for word in bag)
    for i, bag in enumerate(bags):
        # Two texts that share 70 % of their words share one of the rarest words of each.
        rarest = sorted(bag, key=lambda word: (common[word], word))[: max(1, int(len(bag) * (1 - OVERLAP)) + 1)]
        near = {j for word in rarest for j in holders[word]}
        pairs += [(j, i) for j in sorted(near) if len(bag & bags[j]) > OVERLAP * len(bag | bags[j])]
        for word in rarest:
            holders[word].append(i)
    return pairs


def test_the_finder_of_near_duplicates_finds_one() -> None:
    texts = [
        "the council delayed the review of her plan by six months",
        "the council delayed the review of her plan by nine months",
        "an apology for the lost file and two hundred pounds",
    ]
    assert near_duplicates(texts) == [(0, 1)]


@pytest.mark.parametrize("kind", LEAST)
def test_there_are_enough_texts_and_few_alike(kind: str) -> None:
    texts = [row["text"] for row in read_rows(corpus_folder(), kind)]
    assert len(texts) >= LEAST[kind]
    alike = {i for pair in near_duplicates(texts) for i in pair}
    assert len(alike) <= MOST * len(texts), [texts[i] for i in sorted(alike)][:20]


def test_summaries_are_spread_over_all_categories_and_subcategories() -> None:
    rows = read_rows(corpus_folder(), "summaries")
    subjects = {(row["category"], row["subcategory"]) for row in read_rows(corpus_folder(), "subjects")}
    assert {(row["category"], row["subcategory"]) for row in rows} <= subjects
    assert min(Counter(row["category"] for row in rows).values()) >= 50
    assert len({category for category, _ in subjects}) == 10
    assert all(30 <= len(row["text"].split()) <= 150 for row in rows)


def test_every_label_is_known_and_no_fault_type_is_without_texts() -> None:
    corpus = corpus_folder()
    for name in ("category", "subcategory", "decision", "finding", "fault_types", "injustice_types", "remedy_types"):
        seen = {label for example in examples(name, corpus) for label in example.labels}
        assert seen <= known_labels(name, corpus)
    for name in ("fault_types", "injustice_types", "remedy_types"):
        assert {label for e in examples(name, corpus) for label in e.labels} == set(codes(name))


def test_only_faults_have_kinds() -> None:
    for row in read_rows(corpus_folder(), "sentences"):
        assert row["label"] in ("fault", "no_fault", "neither")
        if row["label"] != "fault":
            assert row["types"] == [] and row["injustice"] == [], row["text"]


def test_a_line_that_is_no_labelled_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "training").mkdir()
    (tmp_path / "training" / "sentences-X.jsonl").write_text('{"text": "fine"}\n{"label": "fault"}\n')
    with pytest.raises(BadTraining, match=r"sentences-X\.jsonl:2"):
        read_rows(tmp_path, "sentences")


def test_an_unknown_label_is_refused(tmp_path: Path) -> None:
    (tmp_path / "training").mkdir()
    row = '{"text": "We will close this.", "category": "Housing", "subcategory": "Other", "decision": "Dropped"}\n'
    (tmp_path / "training" / "summaries-X.jsonl").write_text(row)
    with pytest.raises(BadTraining, match="Dropped"):
        examples("decision", tmp_path)
