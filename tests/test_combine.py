"""Rules and models as two witnesses: what each says, what they come to together, and that nothing else changes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from support import SHIPPED, one_paragraph, raw_files

from pipeline import read_decision
from pipeline.classify import combine
from pipeline.classify.combine import POLARITIES, WITNESSES, Weights, combine_all, kinds_of
from pipeline.classify.features import marked, normal
from pipeline.classify.models import Model
from pipeline.extract import extract
from pipeline.values import Extraction, Finding, Payment, Remedy


class Says:
    """An estimator that says of each text what a function says."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def predict_proba(self, texts: list[str]) -> np.ndarray:
        return np.array([self.answer(text) for text in texts])

    def predict_log_proba(self, texts: list[str]) -> np.ndarray:
        return np.log(self.predict_proba(texts))


KINDS = ("delay", "none", "poor_records")


def kinds_model(*sure: str) -> Model:
    """A model that is sure of some kinds, whatever it reads."""
    return Model("x", Says(lambda text: [0.9 if kind in sure else 0.1 for kind in KINDS]), KINDS, True, 1.0, 0.0, 0.5)


def weights(model: float, rule: float, limit: float = 0.5, labels: tuple[str, ...] = KINDS) -> Weights:
    return Weights(labels, np.array([[model, rule]]), np.full(len(labels), -1.5), limit)


@pytest.mark.parametrize(
    ("model", "rule", "kinds"),
    [
        (0.0, 3.0, ("poor_records",)),  # the rules alone
        (3.0, 0.0, ("delay",)),  # the model alone
        (3.0, 9.0, ("delay", "poor_records")),  # each outweighs the other's silence
        (0.5, 1.0, ()),  # neither is believed without the other
    ],
)
def test_each_witness_counts_as_its_weight_says(model: float, rule: float, kinds: tuple[str, ...]) -> None:
    assert kinds_of(["It was late."], [("poor_records",)], kinds_model("delay"), weights(model, rule)) == [kinds]


def test_a_kind_that_no_model_has_learnt_is_the_rules_to_say() -> None:
    said = kinds_of(["It was late."], [("new_kind",)], kinds_model("delay"), weights(3.0, 3.0))
    assert said == [("delay", "new_kind")]


def test_none_stands_alone_or_not_at_all() -> None:
    both = weights(3.0, 3.0)
    assert kinds_of(["x"], [("none",)], kinds_model("none", "delay"), both) == [("none",)]
    assert kinds_of(["x"], [("delay",)], kinds_model("none", "delay"), both) == [("delay",)]


def test_a_sum_is_paid_or_given_back() -> None:
    labels = ("payment", "refund_or_waiver")
    model = Model("remedy_types", Says(lambda text: [0.9, 0.8]), labels, True, 1.0, 0.0, 0.5)
    even = weights(3.0, 3.0, labels=labels)
    assert kinds_of(["x"], [("refund_or_waiver",)], model, even) == [("refund_or_waiver",)]
    assert kinds_of(["x"], [("payment", "refund_or_waiver")], model, even) == [("payment",)]


def verdict_weights(**by_name: tuple[float, float, float]) -> Weights:
    rows = np.zeros((3, len(WITNESSES)))
    for name, column in by_name.items():
        rows[:, WITNESSES.index(name.replace("_", " "))] = column
    return Weights((*POLARITIES, "neither"), rows, np.zeros(3), 0.5)


def verdict_model(fault: float, no_fault: float) -> Model:
    row = [fault, 1 - fault - no_fault, no_fault]
    return Model("finding", Says(lambda text: row), ("fault", "neither", "no_fault"), False, 1.0, 0.0, 0.5)


def test_a_model_finds_what_no_rule_found_and_says_so() -> None:
    decision = one_paragraph("Nobody rang her back, which will not do.")
    believed = verdict_weights(model_says_fault=(1.0, 0.0, -1.0))
    (together,) = combine_all([decision], [Extraction()], {"finding": verdict_model(0.9, 0.05)}, {"finding": believed})
    (finding,) = together.findings
    assert (finding.polarity, finding.method) == ("fault", "model")
    assert decision.words_of(finding) == "Nobody rang her back, which will not do."
    assert finding.probability is not None and 0.5 < finding.probability <= 1


def test_a_finding_of_a_rule_keeps_its_kinds_and_goes_where_it_is_not_believed() -> None:
    decision = one_paragraph("The reply was late and this was fault.")
    start = decision.text.index("The reply")
    found = Finding(1, "findings", start, len(decision.text), "fault", ("delay",), ("distress",))
    said = {"rules say fault, in so many words": (2.0, 0.0, -2.0)}
    believed = Weights((*POLARITIES, "neither"), verdict_weights().rows.copy(), np.zeros(3), 0.5)
    believed.rows[:, WITNESSES.index(next(iter(said)))] = next(iter(said.values()))
    models = {"finding": verdict_model(0.1, 0.1)}
    (together,) = combine_all([decision], [Extraction(findings=(found,))], models, {"finding": believed})
    (kept,) = together.findings
    assert kept == replace(found, probability=kept.probability) and kept.method == "rule"
    doubted = verdict_weights(model_says_fault=(3.0, 0.0, -3.0))
    (without,) = combine_all([decision], [Extraction(findings=(found,))], models, {"finding": doubted})
    assert without.findings == ()


def test_what_the_rules_doubted_comes_with_the_kinds_they_saw() -> None:
    decision = one_paragraph("It ignored the letter.")
    doubt = Finding(1, "findings", decision.text.index("It"), len(decision.text), "fault", ("flawed_decision",))
    believed = verdict_weights(rules_doubt_fault=(4.0, 0.0, 0.0))
    (together,) = combine_all(
        [decision], [Extraction(candidates=(doubt,))], {"finding": verdict_model(0.3, 0.3)}, {"finding": believed}
    )
    assert [(f.types, f.method) for f in together.findings] == [(("flawed_decision",), "model")]


def test_a_verdict_in_two_parts_is_the_rules_alone() -> None:
    decision = one_paragraph("There was fault over the delay, but not in the decision.")
    start = decision.text.index("There")
    two = tuple(Finding(1, "findings", start, len(decision.text), polarity) for polarity in POLARITIES)
    nothing = verdict_weights(model_says_fault=(-9.0, -9.0, 9.0))
    (together,) = combine_all(
        [decision], [Extraction(findings=two)], {"finding": verdict_model(0.4, 0.2)}, {"finding": nothing}
    )
    assert set(together.findings) == set(two)


def test_a_remedy_that_pays_keeps_a_kind_that_does() -> None:
    decision = one_paragraph("pay her £200")
    remedy = Remedy(1, "remedy", decision.text.index("pay"), len(decision.text), ("payment",), "agreed")
    payment = Payment(1, "remedy", remedy.start, remedy.end, 200.0, "agreed", remedy=0)
    labels = ("apology", "payment")
    model = Model("remedy_types", Says(lambda text: [0.9, 0.1]), labels, True, 1.0, 0.0, 0.5)
    (together,) = combine_all(
        [decision],
        [Extraction(remedies=(remedy,), payments=(payment,))],
        {"remedy_types": model},
        {"remedy_types": weights(3.0, 0.0, labels=labels)},
    )
    assert together.remedies[0].types == ("apology", "payment")


def test_without_weights_the_rules_speak_alone() -> None:
    decision = one_paragraph("This was fault.")
    found = extract(decision)
    assert combine_all([decision], [found], {}, {}) == [found]


def test_weights_come_back_as_they_were() -> None:
    one = weights(0.5, 2.0, 0.35)
    again = Weights.from_json(one.as_json())
    assert again.labels == one.labels and again.limit == one.limit
    assert np.array_equal(again.rows, one.rows) and np.array_equal(again.shifts, one.shifts)


def test_what_ships_changes_findings_and_kinds_alone_and_quotes_stay_whole() -> None:
    for path in raw_files(SHIPPED / "development")[:8]:
        decision = read_decision(path)
        rules = extract(decision)
        together = combine(decision, rules)
        assert (together.payments, together.citations, together.amounts) == (
            rules.payments,
            rules.citations,
            rules.amounts,
        )
        assert [(r.start, r.end, r.status) for r in together.remedies] == [
            (r.start, r.end, r.status) for r in rules.remedies
        ]
        for finding in together.findings:
            words = decision.words_of(finding)
            assert words == words.strip() and "\n" not in words
            assert finding.method in ("rule", "model")
        for payment in together.payments:
            assert payment.remedy is not None
            assert {"payment", "refund_or_waiver"} & set(together.remedies[payment.remedy].types)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The Council was at fault.", "the council was at fault"),
        ("I do not find fault, but it was late.", "i do not not_find not_fault but it was late"),
        ("Mr X says it was fault.", "person says rep_it rep_was rep_fault"),
        ("She didn’t say no.", "she didn't not_say not_no"),
    ],
)
def test_words_say_whether_they_are_denied_or_reported(text: str, words: str) -> None:
    assert marked(normal(text)) == words
