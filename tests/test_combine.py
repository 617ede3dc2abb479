"""Rules and models as two witnesses: what each says, what they come to together, and that nothing else changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pytest
from support import SHIPPED, one_paragraph, raw_files

from pipeline import read_decision
from pipeline.classify import combine
from pipeline.classify.combine import POLARITIES, TELLERS, WITNESSES, Weights, combine_all, hear, kinds_of
from pipeline.classify.features import marked, normal
from pipeline.classify.models import Model
from pipeline.classify.network import REDRESS, VERDICTS, Pair
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


def weights(
    model: float, rule: float, limit: float = 0.5, labels: tuple[str, ...] = KINDS, network: float = 0.0
) -> Weights:
    return Weights(labels, np.array([[model, rule, network]]), np.full(len(labels), -1.5), limit)


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


def test_the_network_counts_as_its_weight_says() -> None:
    heard = [{"poor_records": 4.0, "delay": -4.0}]
    texts, silent = ["It was late."], kinds_model()
    assert kinds_of(texts, [()], silent, weights(0.0, 3.0, network=1.0), heard) == [("poor_records",)]
    assert kinds_of(texts, [()], silent, weights(0.0, 3.0, network=0.0), heard) == [()]
    assert kinds_of(texts, [("delay",)], silent, weights(0.0, 3.0, network=1.0), heard) == [("poor_records",)]


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


class Hears:
    """A network that says of each sentence what a function says, in log odds over saying nothing."""

    heads: ClassVar = {"verdict": VERDICTS, "redress": REDRESS, "fault_types": KINDS, "injustice_types": KINDS}

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.read: list[str] = []

    def scores(self, pairs: Sequence[Pair], longest: int = 0) -> dict[str, np.ndarray]:
        self.read += [text for text, _ in pairs]
        silent = {head: [0.0] * len(labels) for head, labels in self.heads.items()}
        silent["verdict"][VERDICTS.index("neither")] = silent["redress"][REDRESS.index("none")] = 4.0
        return {
            head: np.array([self.answers.get(head, lambda text: None)(text) or silent[head] for text, _ in pairs])
            for head in self.heads
        }


def redress_weights() -> Weights:
    """The network alone is believed, on what was made and what was offered."""
    rows = np.zeros((3, len(TELLERS)))
    rows[0, TELLERS.index("network says made")] = rows[1, TELLERS.index("network says offered")] = 1.0
    return Weights(("made", "offered", "neither"), rows, np.zeros(3), 0.5)


def told(text: str, network: Hears) -> Extraction:
    decision = one_paragraph(text)
    models = {"finding": verdict_model(0.1, 0.1)}
    return combine_all([decision], [extract(decision)], models, {"redress": redress_weights()}, network)[0]


def says(status: str) -> Any:
    return lambda text: [6.0 if one == status else 0.0 for one in REDRESS]


def test_what_the_network_hears_of_redress_goes_back_to_the_rules() -> None:
    text = "When she wrote again it struck out the penalty, let her have £60 for her trouble and said no more."
    made = told(text, Hears(redress=says("made")))
    assert [(r.status, "payment" in r.types) for r in made.remedies] == [("made", True)]
    assert [(p.amount, p.status) for p in made.payments] == [(60.0, "made")] and made.amounts == ()
    silent = told(text, Hears())
    assert silent.remedies == () and [a.amount for a in silent.amounts] == [60.0]


def test_redress_that_the_network_does_not_hear_is_none() -> None:
    text = "The Council has since paid Mr P £90 for the inconvenience and it has apologised to him."
    assert [p.amount for p in extract(one_paragraph(text)).payments] == [90.0]
    dropped = told(text, Hears())
    assert (dropped.remedies, dropped.payments) == ((), ()) and [a.amount for a in dropped.amounts] == [90.0]


def test_without_a_sum_the_narrative_is_left_to_the_rules() -> None:
    text = "It struck out the note and wrote her a letter to say so."
    decision = one_paragraph(text)
    heading = replace(decision.paragraphs[0], heading="What happened", end=len("What happened"))
    shift = len("What happened") - len("Analysis")
    body = replace(decision.paragraphs[1], heading="What happened", start=14, end=decision.paragraphs[1].end + shift)
    narrated = replace(decision, text=f"What happened\n{text}", paragraphs=(heading, body))
    models = {"finding": verdict_model(0.1, 0.1)}
    hears = Hears(redress=says("made"))
    for one, remedies in ((decision, 1), (narrated, 0)):
        (together,) = combine_all([one], [extract(one)], models, {"redress": redress_weights()}, hears)
        assert len(together.remedies) == remedies


def test_that_a_remedy_is_enough_is_no_finding() -> None:
    believed = verdict_weights(model_says_no_fault=(-1.0, 2.0, -1.0))
    models = {"finding": verdict_model(0.02, 0.95)}
    for text, found in (("It did all it could.", 1), ("Its remedy was all it could do.", 0)):
        (together,) = combine_all([one_paragraph(text)], [Extraction()], models, {"finding": believed})
        assert len(together.findings) == found


def test_what_is_agreed_is_the_rules_alone() -> None:
    for path in raw_files(SHIPPED / "development")[:6]:
        decision = read_decision(path)
        rules = extract(decision)
        hears = Hears(redress=says("made"))
        models = {"finding": verdict_model(0.1, 0.1)}
        (together,) = combine_all([decision], [rules], models, {"redress": redress_weights()}, hears)
        standing = [[r for r in x.remedies if r.status in ("agreed", "recommended")] for x in (rules, together)]
        assert standing[0] == standing[1]


def test_the_network_reads_only_what_nothing_else_dismisses() -> None:
    decision = one_paragraph("The sun shone. The Council was at fault. It apologised to her.")
    model = Model(
        "finding", Says(lambda text: [0.001, 0.998, 0.001]), ("fault", "neither", "no_fault"), False, 1, 0, 0.5
    )
    hears = Hears()
    (heard,) = hear([decision], [extract(decision)], model, hears)
    assert hears.read == ["The Council was at fault.", "It apologised to her."]
    assert heard.asked == (False, True, True) and heard.network[0].max() < heard.network[1].max()


def test_what_ships_keeps_the_law_and_every_sum_and_quotes_stay_whole() -> None:
    for path in raw_files(SHIPPED / "development")[:8]:
        decision = read_decision(path)
        rules = extract(decision)
        together = combine(decision, rules)
        assert together.citations == rules.citations
        sums = [sorted((s.start, s.amount) for s in (*x.payments, *x.amounts)) for x in (rules, together)]
        assert len(sums[0]) == len(sums[1])
        standing = [
            [(r.start, r.end) for r in x.remedies if r.status in ("agreed", "recommended")] for x in (rules, together)
        ]
        assert standing[0] == standing[1]
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
