"""The measures, counted by hand on a small decision; gold that is lost; floors; gains and losses."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from pipeline.clean import clean
from pipeline.evaluate import BadGold, Report, command, evaluate, load_gold
from pipeline.evaluate.cli import (
    as_saved,
    below_floors,
    changes,
    digest_of,
    gains_and_losses,
    new_floors,
    raw_files,
)
from pipeline.evaluate.gold import Quote, spans_of
from pipeline.values import Amount, Citation, Decision, Extraction, Finding, Payment, RawPage, Remedy

TEXT = """Testham Council (24 000 001)

Category : Housing > Homelessness

Decision : Upheld

Decision date : 07 Oct 2024

The Ombudsman's final decision:

Summary: We found fault in how the Council dealt with a homelessness application.

The complaint

  1. Ms A says the Council lost her file, and wants £900 back.

What I found

  1. The law is in the Housing Act 1996, sections 184 and 193, and the Localism Act 2011.
    The Homelessness Code of Guidance says so in paragraph 6.4.
  2. The Council took too long. This was fault, which caused Ms A distress.
  3. There was fault in the letters but no fault in the offer of a flat in May.
  4. There was no fault in the review. Her rent was £300 a week. Ms A owed £300 when she left.

Agreed action

  1. Within one month the Council has agreed to:
    • apologise to Ms A, pay her £300 for distress, and remind its staff of the law; and
    • pay her £50 a week for ten weeks.

Final decision

  1. I have completed my investigation.
"""

GOLD: dict[str, Any] = {
    "decision_id": "lgsco/24-000-001",
    "header": {
        "organisation": "Testham Council",
        "reference": "24 000 001",
        "category": "Housing",
        "subcategory": None,
        "decision": "Upheld",
        "decision_date": "2024-10-07",
    },
    "fault_found": True,
    "injustice_found": True,
    "total_awarded": 800.0,
    "findings": [
        {
            "quote": "This was fault, which caused Ms A distress.",
            "paragraph": 3,
            "polarity": "fault",
            "types": ["delay"],
            "injustice": ["distress"],
        },
        {
            "quote": "There was fault in the letters but no fault in the offer of a flat in May.",
            "paragraph": 4,
            "polarity": "fault",
            "types": ["poor_communication", "inaccurate_information"],
            "injustice": [],
        },
        {
            "quote": "There was fault in the letters but no fault in the offer of a flat in May.",
            "paragraph": 4,
            "polarity": "no_fault",
            "types": [],
            "injustice": [],
        },
        {
            "quote": "There was no fault in the review.",
            "paragraph": 5,
            "polarity": "no_fault",
            "types": [],
            "injustice": [],
        },
    ],
    "remedies": [
        {
            "quote": "apologise to Ms A",
            "paragraph": 6,
            "types": ["apology"],
            "status": "agreed",
            "due_date": "2024-11-07",
        },
        {
            "quote": "pay her £300 for distress",
            "paragraph": 6,
            "types": ["payment"],
            "status": "agreed",
            "due_date": "2024-11-07",
        },
        {
            "quote": "remind its staff of the law",
            "paragraph": 6,
            "types": ["staff_training"],
            "status": "agreed",
            "due_date": "2024-11-07",
        },
    ],
    "payments": [
        {
            "quote": "pay her £300 for distress",
            "paragraph": 6,
            "amount": 300.0,
            "frequency": None,
            "periods": None,
            "total": 300.0,
            "recipient": "Ms A",
            "purposes": ["distress"],
            "status": "agreed",
        },
        {
            "quote": "pay her £50 a week for ten weeks",
            "paragraph": 6,
            "amount": 50.0,
            "frequency": "week",
            "periods": 10,
            "total": 500.0,
            "recipient": "Ms A",
            "purposes": ["other"],
            "status": "agreed",
        },
    ],
    "amounts": [
        {"quote": "£900", "paragraph": 1, "amount": 900.0, "reason": "claim"},
        {"quote": "Her rent was £300 a week.", "paragraph": 5, "amount": 300.0, "reason": "rent"},
        {"quote": "owed £300", "paragraph": 5, "amount": 300.0, "reason": "debt"},
    ],
    "citations": [
        {
            "quote": "Housing Act 1996, sections 184 and 193",
            "act": "Housing Act",
            "year": 1996,
            "provisions": ["s184", "s193"],
        },
        {"quote": "Localism Act 2011", "act": "Localism Act", "year": 2011, "provisions": []},
    ],
    "guidance": [
        {
            "quote": "Homelessness Code of Guidance",
            "paragraph": 2,
            "title": "Homelessness Code of Guidance for Local Authorities",
            "provisions": ["para6.4"],
        }
    ],
}


@pytest.fixture(autouse=True)
def by_findings_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Injustice is judged by the findings alone, whatever the extractors bring."""
    bare = ModuleType("pipeline.extract")
    monkeypatch.setitem(sys.modules, "pipeline.extract", bare)
    bare.extract = perfect  # type: ignore[attr-defined]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    part = tmp_path / "small"
    part.mkdir()
    (part / "24-000-001.txt").write_text(TEXT, encoding="utf-8")
    (part / "24-000-001.json").write_text(json.dumps(GOLD), encoding="utf-8")
    (part / "README.md").write_text("no decision", encoding="utf-8")
    return part


@pytest.fixture
def decision() -> Decision:
    return clean(RawPage("24-000-001.txt", TEXT.encode()))


def at(decision: Decision, words: str, paragraph: int | None) -> dict[str, Any]:
    """Where `words` stand, as the fields of a value."""
    start, end = spans_of(Quote(words, paragraph), decision, "test")[0]
    return {"paragraph": paragraph, "start": start, "end": end}


def perfect(decision: Decision) -> Extraction:
    """What gold says, as if it had been found."""
    place = lambda entry: at(decision, entry["quote"], entry.get("paragraph"))  # noqa: E731
    return Extraction(
        tuple(
            Finding(
                section="findings",
                polarity=e["polarity"],
                types=tuple(e["types"]),
                injustice=tuple(e["injustice"]),
                **place(e),
            )
            for e in GOLD["findings"]
        ),
        tuple(
            Remedy(
                section="remedy",
                types=tuple(e["types"]),
                status=e["status"],
                due_date=date.fromisoformat(e["due_date"]),
                **place(e),
            )
            for e in GOLD["remedies"]
        ),
        tuple(
            Payment(
                section="remedy",
                purposes=tuple(e["purposes"]),
                **{key: e[key] for key in ("amount", "status", "frequency", "periods", "total", "recipient")},
                **place(e),
            )
            for e in GOLD["payments"]
        ),
        tuple(Amount(section="findings", amount=e["amount"], reason=e["reason"], **place(e)) for e in GOLD["amounts"]),
        (
            Citation(
                act="Housing Act 1996", year=1996, provision="s184", **at(decision, "Housing Act 1996, sections 184", 2)
            ),
            Citation(act="Housing Act 1996", year=1996, provision="s193", **at(decision, "184 and 193", 2)),
            Citation(act="Localism Act 2011", year=2011, provision=None, **at(decision, "Localism Act 2011", 2)),
            Citation(
                act="Homelessness Code of Guidance for Local Authorities",
                year=None,
                provision="para6.4",
                **at(decision, "Homelessness Code of Guidance", 2),
            ),
        ),
    )


def judged(folder: Path, decision: Decision, extraction: Extraction) -> Report:
    return evaluate([(decision, extraction, load_gold(folder)[decision.decision_id])])


def counts(report: Report, name: str) -> tuple[int, int, int]:
    measure = report.measures[name]
    return measure.hits, measure.found, measure.n


def test_perfect_extraction_is_right_in_everything(folder: Path, decision: Decision) -> None:
    report = judged(folder, decision, perfect(decision))
    assert {name for name, measure in report.measures.items() if measure.score != 1.0} == set()
    assert (report.misses, report.inventions, report.differences) == ((), (), ())
    assert counts(report, "findings") == (4, 4, 4)
    assert counts(report, "citations") == (2, 2, 2)  # two parts of one citation are one hit
    assert counts(report, "provisions") == (2, 2, 2)
    assert counts(report, "header") == (5, 5, 5)  # the null subcategory is not measured
    assert counts(report, "amounts_accounted_for") == (5, 5, 5)


def test_nothing_found_is_all_missed(folder: Path, decision: Decision) -> None:
    report = judged(folder, decision, Extraction())
    assert counts(report, "findings") == (0, 0, 4)
    assert report.measures["findings"].precision is None
    assert report.measures["findings"].recall == 0.0
    assert report.measures["fault_types"].score is None  # nothing matched, so nothing to measure
    assert report.measures["fault_found"].accuracy == 0.0
    assert report.measures["total_awarded"].accuracy == 0.0
    assert [item.kind for item in report.misses].count("findings_of_fault") == 2


def test_findings_match_by_polarity_paragraph_and_half_of_the_shorter(folder: Path, decision: Decision) -> None:
    def found(words: str, paragraph: int, polarity: str) -> Finding:
        return Finding(section="findings", polarity=polarity, **at(decision, words, paragraph))

    whole = "There was fault in the letters but no fault in the offer of a flat in May."
    sentence = found("This was fault, which caused Ms A distress.", 3, "fault")
    start = sentence.start
    split = (found(whole, 4, "fault"), found(whole, 4, "no_fault"))
    for extra, hits in (
        (sentence, (3, 3, 4)),
        (found("This was fault", 3, "fault"), (3, 3, 4)),  # a part of the sentence
        (found("The Council took too long. This was", 3, "fault"), (2, 3, 4)),  # mostly the sentence before
        (replace(sentence, polarity="no_fault"), (2, 3, 4)),
        (replace(sentence, paragraph=4), (2, 3, 4)),
        (replace(sentence, paragraph=None), (3, 3, 4)),
        (replace(sentence, start=start - 400, end=start - 300, paragraph=None), (2, 3, 4)),
    ):
        report = judged(folder, decision, Extraction(findings=(*split, extra)))
        assert counts(report, "findings") == hits, extra
    twice = judged(folder, decision, Extraction(findings=(sentence, sentence)))
    assert counts(twice, "findings_of_fault") == (1, 2, 2)
    assert [item.words for item in twice.inventions] == ["This was fault, which caused Ms A distress."]


def test_types_are_counted_on_matched_findings_of_fault(folder: Path, decision: Decision) -> None:
    every = perfect(decision)
    first, second, *rest = every.findings
    wrong = replace(
        every,
        findings=(replace(first, types=("delay", "other"), injustice=("harm",)), replace(second, types=()), *rest),
    )
    report = judged(folder, decision, wrong)
    assert counts(report, "fault_types") == (1, 2, 3)
    assert counts(report, "injustice_types") == (0, 1, 1)
    assert counts(report, "decision_fault_types") == (1, 2, 3)
    assert report.measures["fault_types"].f1 == pytest.approx(2 / 5)
    item = report.differences[0]
    assert (item.kind, item.decision_id, item.paragraph) == ("fault_types", "lgsco/24-000-001", 3)
    assert item.sentence == "This was fault, which caused Ms A distress."
    assert item.detail == "gold delay; read delay, other"


def test_clauses_of_a_bullet_take_the_remedy_that_fits_best(folder: Path, decision: Decision) -> None:
    bullet = "apologise to Ms A, pay her £300 for distress, and remind its staff of the law"
    apology, payment, _ = perfect(decision).remedies
    whole = replace(payment, types=("staff_training",), **at(decision, bullet, 6))
    report = judged(folder, decision, Extraction(remedies=(whole, apology)))
    assert counts(report, "remedies") == (2, 2, 3)  # the apology goes to its own clause, the bullet to the longest left
    assert [item.words for item in report.misses if item.kind == "remedies"] == ["pay her £300 for distress"]
    late = judged(folder, decision, Extraction(remedies=(replace(apology, due_date=None, status="made"),)))
    assert counts(late, "due_dates") == (0, 1, 1)
    assert counts(late, "remedy_status") == (0, 1, 1)
    assert counts(late, "decision_remedy_types") == (1, 1, 3)
    assert "gold 2024-11-07, read nothing" in {item.detail for item in late.differences}


def test_payments_need_the_amount_and_are_compared_field_by_field(folder: Path, decision: Decision) -> None:
    every = perfect(decision)
    lump, weekly = every.payments
    off = judged(folder, decision, replace(every, payments=(replace(lump, amount=300.01), weekly)))
    assert counts(off, "payments") == (1, 2, 2)
    changed = replace(
        weekly, frequency=None, total=None, recipient="MS  a", purposes=("other", "harm"), status="offered"
    )
    report = judged(folder, decision, replace(every, payments=(lump, changed)))
    assert counts(report, "payments") == (2, 2, 2)
    assert counts(report, "payment_frequency") == (1, 2, 2)
    assert counts(report, "payment_totals") == (1, 2, 2)
    assert counts(report, "payment_status") == (1, 2, 2)
    assert counts(report, "recipients") == (2, 2, 2)  # case and spaces do not count
    assert counts(report, "payment_purposes") == (2, 3, 2)
    assert report.measures["total_awarded"].accuracy == 0.0
    assert "gold £800.00, read £300.00" in {item.detail for item in report.differences}


def test_every_sum_is_accounted_for_as_payment_or_amount(folder: Path, decision: Decision) -> None:
    every = perfect(decision)
    claim, rent, debt = every.amounts
    lump, weekly = every.payments
    as_amount = Amount(lump.paragraph, lump.section, lump.start, lump.end, lump.amount, "other")
    report = judged(
        folder, decision, replace(every, payments=(weekly,), amounts=(as_amount, rent, replace(debt, reason="rent")))
    )
    assert counts(report, "amounts_accounted_for") == (4, 5, 5)  # the claim is lost, the payment is there as an amount
    assert counts(report, "amount_reasons") == (1, 2, 2)
    assert [item.words for item in report.misses if item.kind == "amounts_accounted_for"] == ["£900"]
    swapped = judged(folder, decision, replace(every, amounts=(claim, debt, rent)))
    assert counts(swapped, "amount_reasons") == (3, 3, 3)  # two equal sums in one paragraph are told apart by place


def test_sums_are_not_measured_where_gold_lists_none(folder: Path, decision: Decision) -> None:
    bare = {key: value for key, value in GOLD.items() if key != "amounts"}
    (folder / "24-000-001.json").write_text(json.dumps(bare), encoding="utf-8")
    report = judged(folder, decision, perfect(decision))
    assert report.measures["amounts_accounted_for"].score is None


def test_citations_need_act_and_year(folder: Path, decision: Decision) -> None:
    first, second, third, _ = perfect(decision).citations
    report = judged(
        folder,
        decision,
        Extraction(citations=(first, replace(second, act="Housing Act 1985", year=1985), third, third)),
    )
    assert counts(report, "citations") == (2, 3, 2)
    assert counts(report, "provisions") == (1, 1, 2)
    assert [item.detail for item in report.inventions] == ["Housing Act 1985"]


def test_injustice_takes_a_fault_and_a_kind_or_the_word(decision: Decision) -> None:
    fault = next(f for f in perfect(decision).findings if f.polarity == "fault")
    none, kind = replace(fault, injustice=("none",)), replace(fault, injustice=("distress",))
    assert not Extraction(findings=(none,)).injustice_found
    assert Extraction(findings=(none, kind)).injustice_found
    assert Extraction(findings=(none,), injustice_told=True).injustice_found
    assert not Extraction(injustice_told=True).injustice_found


def test_intervals_are_the_same_each_time_and_hold_the_score(folder: Path, decision: Decision) -> None:
    gold = load_gold(folder)[decision.decision_id]
    every = perfect(decision)
    pairs = [
        (replace(decision, decision_id=f"lgsco/{place}"), every if place % 3 else Extraction(), gold)
        for place in range(9)
    ]
    once, again = evaluate(pairs), evaluate(reversed(pairs))
    assert once.measures == again.measures
    findings = once.measures["findings"]
    assert findings.low is not None and findings.high is not None and findings.f1 is not None
    assert findings.low < findings.f1 < findings.high <= 1.0
    assert evaluate(pairs, seed=1).measures != once.measures


def test_no_decisions_give_measures_without_scores() -> None:
    report = evaluate([])
    assert {measure.score for measure in report.measures.values()} == {None}


def test_lost_quotes_name_file_and_quote(folder: Path, decision: Decision) -> None:
    for quote, paragraph in (("This was wonderful.", 3), ("This was fault, which caused Ms A distress.", 4)):
        bad = json.loads(json.dumps(GOLD))
        bad["findings"][0].update(quote=quote, paragraph=paragraph)
        (folder / "24-000-001.json").write_text(json.dumps(bad), encoding="utf-8")
        with pytest.raises(BadGold, match=r"24-000-001\.json.*paragraph") as caught:
            judged(folder, decision, Extraction())
        assert quote in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"findings": [{**GOLD["findings"][0], "types": ["lateness"]}]}, "findings 1: lateness is not a code"),
        ({"findings": [{**GOLD["findings"][0], "polarity": "perhaps"}]}, "unknown polarity"),
        ({"payments": [{"quote": "x", "paragraph": 1}]}, "payments 1 lacks 'amount'"),
        ({"remedies": [{**GOLD["remedies"][0], "due_date": "soon"}]}, "remedies 1"),
        ({"decision_id": None}, "no decision_id"),
    ],
)
def test_bad_gold_is_refused(folder: Path, change: dict[str, Any], message: str) -> None:
    (folder / "24-000-001.json").write_text(json.dumps(GOLD | change), encoding="utf-8")
    with pytest.raises(BadGold, match=message):
        load_gold(folder)


def test_gold_twice_or_not_at_all_is_refused(folder: Path, tmp_path: Path) -> None:
    (folder / "copy.json").write_text(json.dumps(GOLD), encoding="utf-8")
    with pytest.raises(BadGold, match="has gold already"):
        load_gold(folder)
    with pytest.raises(BadGold, match="no gold"):
        load_gold(tmp_path)


def test_quotes_are_found_by_words_not_by_white_space(decision: Decision) -> None:
    (span,) = spans_of(Quote("This was\n fault, which", 3), decision, "test")
    assert decision.text[slice(*span)] == "This was fault, which"
    assert len(spans_of(Quote("£300", None), decision, "test")) == 3
    assert len(spans_of(Quote("£300", 5), decision, "test")) == 2
    for part in ("£30", "his was fault"):
        with pytest.raises(BadGold):
            spans_of(Quote(part, None), decision, "test")


def test_gains_and_losses_item_by_item(folder: Path, decision: Decision) -> None:
    every = perfect(decision)
    stray = replace(every.findings[0], **at(decision, "The Council took too long.", 3))
    before = as_saved(judged(folder, decision, replace(every, findings=(*every.findings[1:], stray))), "d")
    now = judged(folder, decision, replace(every, remedies=every.remedies[1:]))
    before = json.loads(json.dumps(before))
    found = {(change.gain, change.how, change.kind, change.words) for change in changes(as_saved(now, "d"), before)}
    assert (True, "now right", "findings_of_fault", "This was fault, which caused Ms A distress.") in found
    assert (True, "no longer made up", "findings_of_fault", "The Council took too long.") in found
    assert (False, "no longer right", "remedies", "apologise to Ms A") in found
    assert not any(kind == "payments" for _, _, kind, _ in found)
    text = gains_and_losses(now, "d", before)
    assert "changed since" not in text
    assert "    + now right: findings_of_fault ¶3 This was fault, which caused Ms A distress." in text
    assert "    - no longer right: remedies ¶6 apologise to Ms A" in text
    assert "remedies: 1.000 → 0.800 (-0.200)" in text
    assert "changed since" in gains_and_losses(now, "other", before)
    same = gains_and_losses(now, "d", as_saved(now, "d"))
    assert same == "Gains: 0. Losses: 0.\nNo measure moved."


def test_floors_only_go_up_unless_told(folder: Path, decision: Decision) -> None:
    every = perfect(decision)
    good = judged(folder, decision, every)
    poor = judged(folder, decision, replace(every, remedies=every.remedies[1:]))
    assert "no floors are set" in below_floors(good, "d", None)[0]
    low = new_floors(poor, "d", None, lower=False)
    assert low["floors"]["remedies"] == 0.8
    assert below_floors(good, "d", low) == []
    high = new_floors(good, "d", low, lower=False)
    assert high["floors"]["remedies"] == 1.0
    assert [failure.split()[0] for failure in below_floors(poor, "d", high)] == ["remedies", "decision_remedy_types"]
    assert new_floors(poor, "d", high, lower=False) == high
    assert new_floors(poor, "d", high, lower=True) == low
    (failure,) = below_floors(good, "other", high)
    assert "--set-floors" in failure
    empty = judged(folder, decision, Extraction())
    assert any("nothing to measure" in failure for failure in below_floors(empty, "d", high))


def test_digest_knows_raw_and_gold(folder: Path) -> None:
    first = digest_of(folder, folder)
    (folder / "README.md").write_text("other words", encoding="utf-8")
    (folder / ".hidden").write_text("", encoding="utf-8")
    assert digest_of(folder, folder) == first
    assert [path.name for path in raw_files(folder)] == ["24-000-001.txt"]
    seen = {first}
    for name in ("24-000-001.txt", "24-000-001.json"):
        with (folder / name).open("a", encoding="utf-8") as file:
            file.write("\n")
        seen.add(digest_of(folder, folder))
    assert len(seen) == 3


def run(*arguments: object) -> tuple[int, str]:
    app = typer.Typer()
    app.command()(command)
    result = CliRunner().invoke(app, [*(str(argument) for argument in arguments), "--rules-only"])
    return result.exit_code, result.output


def test_command_writes_reads_and_fails_as_it_says(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    floors, saved, report = tmp_path / "floors.json", tmp_path / "saved.json", tmp_path / "report.json"
    code, _ = run(folder, folder, "--floors", floors)
    assert code == 1  # none are set yet
    code, out = run(folder, folder, "--floors", floors, "--set-floors", "--save", saved, "--json", report)
    assert code == 0 and "no measure is below" in out and "Missed: 0" in out
    assert json.loads(report.read_text(encoding="utf-8"))["measures"]["findings"]["f1"] == 1.0
    assert set(json.loads(floors.read_text(encoding="utf-8"))) == {"small"}

    monkeypatch.setattr(sys.modules["pipeline.extract"], "extract", lambda decision: Extraction())
    before = floors.read_text(encoding="utf-8")
    code, out = run(folder, folder, "--floors", floors, "--against", saved, "--limit", 1)
    assert code == 1
    assert "findings is 0.0000, below its floor of 1.0000" in out
    assert "no longer right: findings_of_fault" in out
    assert "… and" in out
    assert run(folder, folder, "--floors", floors, "--set-floors", "--no-list")[0] == 1
    assert floors.read_text(encoding="utf-8") == before
    assert run(folder, folder, "--floors", floors, "--lower-floors", "--no-list")[0] == 0
    assert json.loads(floors.read_text(encoding="utf-8"))["small"]["floors"]["findings"] == 0.0


def test_command_refuses_what_it_cannot_use(folder: Path, tmp_path: Path) -> None:
    assert run(folder, tmp_path / "nowhere")[0] == 2
    other = tmp_path / "other.json"
    other.write_text("[]", encoding="utf-8")
    assert run(folder, folder, "--against", other)[0] == 2
    assert run(folder, folder, "--floors", other)[0] == 2
    (folder / "junk.txt").write_text("nothing of note", encoding="utf-8")
    code, out = run(folder, folder)
    assert code == 0 and "junk.txt: left out" in out
    (folder / "24-000-001.txt").unlink()
    code, out = run(folder, folder)
    assert code == 1 and "no file of the folder holds lgsco/24-000-001" in out
