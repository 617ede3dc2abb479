"""The network of sentences: what it reads, what it learns from, and that only its own files are opened."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import SHIPPED, one_paragraph, raw_files

from pipeline import read_decision
from pipeline.classify import BadModel, combine
from pipeline.classify.combine import kind_rows
from pipeline.classify.features import judged_sentences
from pipeline.classify.models import Model, models_folder
from pipeline.classify.network import (
    NAME,
    REDRESS,
    VERDICTS,
    Pair,
    fault_pair,
    load_network,
    network_digest,
    network_manifest,
    sentence_pair,
    sum_pairs,
    tokenizer,
)
from pipeline.classify.teach import (
    SPECIAL,
    Lesson,
    fit,
    heads,
    lessons_of,
    words_that_matter,
)
from pipeline.classify.train import gold_pairs
from pipeline.extract import extract
from pipeline.values import Finding

FAULTS = ("The Council was at fault.", "We find the Council at fault for the delay.", "This was maladministration.")
NO_FAULTS = ("The Council was not at fault.", "I find no fault in how it decided.", "We do not criticise the Council.")
OTHERS = ("Mrs K moved to the flat in May.", "She rang on 3 June.", "The Council must assess anyone in need.")


class Says:
    """An estimator that finds each of two kinds as likely as not."""

    def predict_proba(self, texts: list[str]) -> np.ndarray:
        return np.full((len(texts), 2), 0.5)


WORDS = (*SPECIAL, "late", "##r", "fault", ".", "|", "findings")


def test_it_tells_verdicts_apart() -> None:
    network = load_network()
    assert network is not None
    said = network.scores([(text, "findings.") for text in (*FAULTS, *NO_FAULTS, *OTHERS)])["verdict"].argmax(axis=1)
    assert [VERDICTS[i] for i in said] == ["fault"] * 3 + ["no_fault"] * 3 + ["neither"] * 3


def test_a_pair_is_read_alike_alone_and_among_others() -> None:
    network = load_network()
    assert network is not None
    pairs = [("It took a year, which was fault.", "findings. " + "It was asked in May. " * n) for n in range(9)]
    together = network.scores(pairs)
    for i, pair in enumerate(pairs):
        alone = network.scores([pair])
        assert all(np.array_equal(alone[head][0], together[head][i]) for head in network.heads)


def test_a_sentence_is_read_with_what_stands_around_it() -> None:
    decision = one_paragraph("He asked in May. Nobody replied. This was fault. He’s cross.")
    third = judged_sentences(decision)[2]
    assert sentence_pair(decision, third) == (
        "This was fault.",
        "findings. He asked in May. Nobody replied. | He's cross.",
    )
    first = judged_sentences(decision)[0]
    assert sentence_pair(decision, first)[1].startswith("findings. Analysis | Nobody replied.")
    finding = Finding(1, "findings", third.start, third.end, "fault")
    assert fault_pair(decision, finding)[1] == "why. He asked in May. Nobody replied. | He's cross."


def test_words_are_cut_into_known_pieces_and_long_pairs_cut_short() -> None:
    cut = tokenizer(WORDS, 8)
    assert cut.encode("Later fault", "findings").tokens == [
        "[CLS]",
        "late",
        "##r",
        "fault",
        "[SEP]",
        "findings",
        "[SEP]",
    ]
    assert len(cut.encode("late " * 50, "fault " * 50).ids) == 8


@pytest.mark.parametrize("name", [f"{NAME}.onnx", f"{NAME}.txt"])
def test_another_file_than_the_manifest_names_is_refused(tmp_path: Path, name: str) -> None:
    folder = shutil.copytree(models_folder(), tmp_path / "models")
    (folder / name).write_bytes((folder / name).read_bytes()[:-1])
    with pytest.raises(BadModel, match=f"{name}: not the file"):
        load_network(folder)


def test_a_manifest_that_is_none_is_refused(tmp_path: Path) -> None:
    for content in ("{", "[]", json.dumps({"format": 99, "files": {}})):
        (tmp_path / f"{NAME}.json").write_text(content)
        with pytest.raises(BadModel, match="manifest"):
            network_manifest(tmp_path)


def test_no_network_is_no_error_but_models_made_with_one_want_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load_network(tmp_path) is None and network_digest(tmp_path) is None
    folder = shutil.copytree(models_folder(), tmp_path / "models")
    (folder / f"{NAME}.json").unlink()
    monkeypatch.setenv("REDRESS_MODELS", str(folder))
    decision = one_paragraph("This was fault.")
    with pytest.raises(BadModel, match="another network"):
        combine(decision, extract(decision))


def test_gold_teaches_verdicts_redress_and_kinds() -> None:
    decision, gold = gold_pairs(SHIPPED / "development")[0]
    lessons = list(lessons_of(decision, gold))
    faults = [f for f in gold.findings if f.polarity == "fault"]
    known = {head: [x.known[head] for x in lessons if head in x.known] for head in heads()}
    assert sorted(map(sorted, known["fault_types"])) == sorted(sorted(f.types) for f in faults)
    assert len(known["redress"]) == len(judged_sentences(decision))
    assert set(known["verdict"]) == {"neither", *(f.polarity for f in gold.findings)}
    assert set(known["redress"]) <= {"none", *(r.status for r in gold.remedies)}
    assert sorted(map(sorted, known["remedy_types"])) == sorted(sorted(r.types) for r in gold.remedies)
    assert 0 < len(known["payment_purposes"]) <= len(gold.payments)
    assert set(known["amount_reasons"]) <= {a.reason for a in gold.amounts or ()}


def test_a_sum_is_read_in_its_sentence_between_stars_with_what_is_known_of_it() -> None:
    decision = one_paragraph("He owed £90 in rent. It offered to pay £250 for his distress. Later it paid £250.")
    found = extract(decision)
    payments, amounts = sum_pairs(decision, found)
    assert len(payments) == len(found.payments) and len(amounts) == len(found.amounts)
    assert ("He owed * £90 * in rent.", "sum. findings. Analysis") in amounts
    assert all(pair[0].count("*") == 2 for pair in (*payments, *amounts))


def test_a_net_learns_what_it_is_told() -> None:
    torch = pytest.importorskip("torch")

    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.last = torch.nn.Linear(2, sum(map(len, heads().values())))

        def forward(self, ids: Any, there: Any, second: Any) -> Any:
            return self.last(torch.nn.functional.one_hot(ids[:, 0], 2).float())

    def read(pairs: Sequence[Pair], longest: int) -> dict[str, np.ndarray]:
        ids = np.array([[int(pair[0] == "late")] for pair in pairs])
        return {"ids": ids, "there": np.ones_like(ids), "second": np.zeros_like(ids)}

    kinds = {True: frozenset({"delay"}), False: frozenset({"equality"})}
    lessons = [Lesson((text, ""), {"fault_types": kinds[text == "late"]}) for text in ("late", "lame") * 40]
    net = Net()
    fit(net, read, lessons, 300, 0, lambda line: None)
    ids = torch.tensor([[1], [0]])
    rows = net(ids, torch.ones_like(ids), torch.zeros_like(ids)).detach().numpy()
    own, at = heads()["fault_types"], len(VERDICTS) + len(REDRESS)
    best = rows[:, at : at + len(own)].argmax(axis=1)
    assert [own[i] for i in best] == ["delay", "equality"]


def test_the_words_kept_are_the_letters_and_those_that_texts_hold() -> None:
    base = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "##a", "the", "late", "##r", "never"]
    assert words_that_matter(base, ["later later", "the"], limit=8) == [*SPECIAL, "a", "##a", "##r", "late"]


def test_the_network_answers_each_question_and_a_kind_it_has_not_learnt_is_no_error() -> None:
    network = load_network()
    assert network is not None and network.heads.keys() == heads().keys()
    model = Model("x", Says(), ("delay", "new_kind"), True, 1.0, 0.0, 0.5)
    (row,) = kind_rows(["It was late."], [("new_kind",)], model, [{"delay": 2.0}])
    assert row[:, 1:].tolist() == [[0.0, 2.0], [1.0, 0.0]]


def test_most_of_a_decision_is_not_asked_about() -> None:
    from pipeline.classify.combine import hear
    from pipeline.classify.models import load

    model, network = load("finding"), load_network()
    assert model is not None and network is not None
    decisions = [read_decision(path) for path in raw_files(SHIPPED / "development")[:10]]
    heard = hear(decisions, [extract(d) for d in decisions], model, network)
    asked = [ask for one in heard for ask in one.asked]
    assert 0.1 < sum(asked) / len(asked) < 0.75
