"""Payments, remedies and deadlines: what an "Agreed action" section says, and the rows it must give."""

from __future__ import annotations

import pytest

from pipeline import analyse, read_decision
from pipeline.clean import clean
from pipeline.extract import extract
from pipeline.extract.money import find_sums
from pipeline.values import Decision, Extraction, RawPage

_PAGE = """Marlow Fen Borough Council (22 004 118)

Category : Housing > Homelessness

Decision : Upheld

Decision date : 10 May 2023

The Ombudsman's final decision:

Summary: Ms A complained about her housing. There was fault and the Council has agreed a remedy.

The complaint

  1. Ms A, and her husband Mr A, complained about the Council. Their daughter is B.

Back to top

What I found

{analysis}
Back to top

Agreed action

{action}
Back to top

Final decision

  1. There was fault causing injustice.
"""


def _read(action: str, *analysis: str) -> tuple[Decision, Extraction]:
    said = ["The Council was at fault. This caused Ms A distress.", *analysis]
    page = _PAGE.format(analysis="".join(f"  {i}. {s}\n" for i, s in enumerate(said, 1)), action=action)
    decision = read_decision(page.encode(), name="22-004-118.txt")
    return decision, analyse(decision)


BULLETS = [
    ("pay Ms A £250 to recognise her distress;", [(250, None, None, 250, "Ms A")]),
    (
        "pay Ms A £200 a month for the eight months she was in unsuitable accommodation;",
        [(200, "month", 8, 1600, "Ms A")],
    ),
    (
        "make a payment of £1,200 to Ms A, calculated at £150 for each of the eight months "
        "she was without suitable housing;",
        [(150, "month", 8, 1200, "Ms A")],
    ),
    ("pay Ms A £100 for each month from 1 March 2022 to 30 September 2022;", [(100, "month", None, 700, "Ms A")]),
    (
        "pay Ms A £300 for distress and a further £150 for her time and trouble;",
        [(300, None, None, 300, "Ms A"), (150, None, None, 150, "Ms A")],
    ),
    (
        "pay Ms A a total of £650, made up of £500 for distress and £150 for time and trouble;",
        [(500, None, None, 500, "Ms A"), (150, None, None, 150, "Ms A")],
    ),
    (
        "pay Ms A £350 (£200 for distress and £150 for time and trouble);",
        [(200, None, None, 200, "Ms A"), (150, None, None, 150, "Ms A")],
    ),
    ("pay £500 each to Ms A and Mr A to acknowledge the distress;", [(500, None, None, 1000, "Ms A and Mr A")]),
    ("pay Ms A and Mr A £250 each;", [(250, None, None, 500, "Ms A and Mr A")]),
    ("pay Ms A £1.5k for the loss of B's education;", [(1500, None, None, 1500, "Ms A")]),
    ("pay Ms A three hundred pounds for her distress;", [(300, None, None, 300, "Ms A")]),
    ("refund the £412.50 she paid for storage;", [(412.5, None, None, 412.5, "Ms A")]),
    ("reimburse Ms A the cost of the private assessment, £780;", [(780, None, None, 780, "Ms A")]),
    ("write off the arrears of £1,034.20;", []),
    ("pay Ms A £600, less the £200 it has already paid her;", [(600, None, None, 600, "Ms A")]),
    ("pay Ms A £400. It may deduct this from the £1,900 she owes in rent arrears;", [(400, None, None, 400, "Ms A")]),
    ("increase its offer of £100 to £350 to reflect the distress;", [(350, None, None, 350, "Ms A")]),
    ("pay Ms A the £150 it offered in its stage two response;", [(150, None, None, 150, "Ms A")]),
    ("pay Ms A £25 a week until it offers her suitable accommodation;", [(25, "week", None, None, "Ms A")]),
    ("pay Ms A £40 per week for 26 weeks, a total of £1,040;", [(40, "week", 26, 1040, "Ms A")]),
    ("pay Ms A £900 for the loss of one term of education for B;", [(900, None, None, 900, "Ms A")]),
    ("pay £1,800 for two terms of lost education, at £900 a term;", [(900, "term", 2, 1800, "Ms A")]),
    ("apologise to Ms A and pay her £200;", [(200, None, None, 200, "Ms A")]),
    (
        "pay Ms A £500 to recognise the injustice. This is in addition to the £100 already paid;",
        [(500, None, None, 500, "Ms A")],
    ),
    ("make a symbolic payment of £300 to Ms A for the uncertainty caused;", [(300, None, None, 300, "Ms A")]),
    (
        "pay Ms A £200 for her distress, and pay Mr A £100 for his time and trouble;",
        [(200, None, None, 200, "Ms A"), (100, None, None, 100, "Mr A")],
    ),
    ("pay Ms A £10 a day for the 42 days she was without hot water;", [(10, "day", 42, 420, "Ms A")]),
    ("pay B £1,000 to be held in trust;", [(1000, None, None, 1000, "B")]),
    ("credit Ms A's rent account with £120;", [(120, None, None, 120, "Ms A")]),
    ("pay the shortfall in her allowance, which it calculates as £2,316.75;", [(2316.75, None, None, 2316.75, "Ms A")]),
    ("provide a remedy of £450 for the missed respite;", [(450, None, None, 450, "Ms A")]),
    (
        "pay Ms A £100 per month for the period between October 2021 and March 2022;",
        [(100, "month", None, 600, "Ms A")],
    ),
    ("pay Ms A £25 a week from 6 April to 27 September 2020;", [(25, "week", None, 625, "Ms A")]),
    ("pay Ms A £200 for each of her two children, a total of £400;", [(200, None, None, 400, "Ms A")]),
    ("pay £250 to each of Ms A and Mr A;", [(250, None, None, 500, "Ms A and Mr A")]),
    (
        "pay Ms A £20 per week for 40 weeks (£800) and £150 for her time and trouble;",
        [(20, "week", 40, 800, "Ms A"), (150, None, None, 150, "Ms A")],
    ),
    (
        "pay Ms A £100 a month for 3 months and £75 a month for a further 5 months;",
        [(100, "month", 3, 300, "Ms A"), (75, "month", 5, 375, "Ms A")],
    ),
    (
        "pay £900 per term for the autumn 2021 and spring 2022 terms, totalling £1,800;",
        [(900, "term", None, 1800, "Ms A")],
    ),
    ("pay Ms A a further £300, bringing the total to £450;", [(300, None, None, 300, "Ms A")]),
    (
        "pay Ms A £500 and Mr A £350 for their distress;",
        [(500, None, None, 500, "Ms A"), (350, None, None, 350, "Mr A")],
    ),
    ("reimburse 12 sessions with a therapist, at £65 each;", [(65, None, 12, 780, "Ms A")]),
    ("pay Ms A and Mr A £40 a month each, for fourteen months;", [(40, "month", 14, 1120, "Ms A and Mr A")]),
    ("increase to £400 the sum it offered her for the trouble of complaining;", [(400, None, None, 400, "Ms A")]),
    ("pay her, in place of the £200 that it offered, two hundred and fifty pounds;", [(250, None, None, 250, "Ms A")]),
    ("refund Ms A £513, from which it may keep back £65 for the earlier penalty;", [(513, None, None, 513, "Ms A")]),
    (
        "pay Ms A £300 for the distress caused by the removal and £200 for the delay, £500 altogether;",
        [(300, None, None, 300, "Ms A"), (200, None, None, 200, "Ms A")],
    ),
    ("two hundred and twenty-five pounds to Ms A for her anxiety;", [(225, None, None, 225, "Ms A")]),
    (
        "raise to £400 the £250 that it offered, of which £300 is for distress and £100 for her time and trouble;",
        [(300, None, None, 300, "Ms A"), (100, None, None, 100, "Ms A")],
    ),
    ("pay Ms A £840 for the lost nights, that being £40 for each of the 21;", [(840, None, None, 840, "Ms A")]),
    ("return £96 of what it took;", [(96, None, None, 96, "Ms A")]),
    (
        "pay Ms A £350: £200 for distress and £150 for her time. The £350 takes the place of the £90 it offered;",
        [(200, None, None, 200, "Ms A"), (150, None, None, 150, "Ms A")],
    ),
    (
        "pay Ms A £300, which she may use as she sees fit, and one hundred pounds in recognition of her worry;",
        [(300, None, None, 300, "Ms A"), (100, None, None, 100, "Ms A")],
    ),
    ("pay Ms A the college fee of £80 for each subject that she takes;", [(80, None, None, None, "Ms A")]),
]


@pytest.mark.parametrize(("words", "expected"), BULLETS, ids=[words for words, _ in BULLETS])
def test_payments_of_a_bullet(words: str, expected: list[tuple[object, ...]]) -> None:
    decision, found = _read(f"  1. Within one month of this decision the Council has agreed to:\n    • {words}\n")
    agreed = [(p.amount, p.frequency, p.periods, p.total, p.recipient) for p in found.payments if p.status == "agreed"]
    assert agreed == expected
    # Every pound is accounted for: a sum lies in a payment's words, or is a row of amounts.
    for one in find_sums(decision.text):
        payments = any(p.start <= one.start < p.end for p in found.payments)
        remedies = any(r.start <= one.start < r.end for r in found.remedies)
        amounts = any(a.start == one.start for a in found.amounts)
        assert payments or remedies or amounts, decision.text[one.start : one.end]


_APOLOGY = "  1. Within one month of this decision the Council has agreed to:\n    • apologise to Ms A.\n"
SECTIONS = [
    (
        (),
        "  1. The Council has agreed to apologise to Ms A, pay her £200 and review its procedures "
        "within three months of the decision.\n",
        [
            ("apology", "agreed", "2023-08-10"),
            ("payment", "agreed", "2023-08-10"),
            ("procedure_change", "agreed", "2023-08-10"),
        ],
        [(200, "agreed")],
    ),
    (
        (),
        "  1. I recommend the Council pays Ms A £300 for her distress. The Council has not agreed to this.\n",
        [("payment", "recommended", None)],
        [(300, "recommended")],
    ),
    (
        (),
        "  1. Within four weeks of my final decision, the Council will apologise to Ms A in writing. "
        "It will also pay her £150.\n",
        [("apology", "agreed", "2023-06-07"), ("payment", "agreed", "2023-06-07")],
        [(150, "agreed")],
    ),
    (
        (),
        "  1. To remedy the injustice, the Council should within one month:\n"
        "    • apologise to Ms A; and\n    • pay her £100.\n"
        "  1. The Council has agreed to these recommendations.\n",
        [("apology", "agreed", "2023-06-10"), ("payment", "agreed", "2023-06-10")],
        [(100, "agreed")],
    ),
    (
        (),
        "  1. By 30 June 2023 the Council has agreed to:\n"
        "    • apologise to Ms A; and\n    • provide us with evidence it has done so.\n"
        "  1. By 31 August 2023 it has agreed to:\n"
        "    • remind its housing officers of the duty; and\n    • review its allocations policy.\n"
        "  1. The Council should send us evidence that all of this has been done.\n",
        [
            ("apology", "agreed", "2023-06-30"),
            ("staff_training", "agreed", "2023-08-31"),
            ("procedure_change", "agreed", "2023-08-31"),
        ],
        [],
    ),
    (
        ("The Council offered Ms A £100 in its complaint response. She refused it.",),
        _APOLOGY,
        [("payment", "offered", None), ("apology", "agreed", "2023-06-10")],
        [(100, "offered")],
    ),
    (
        ("The Council has already apologised to Ms A and paid her £150. I consider this is a suitable remedy.",),
        _APOLOGY.replace("apologise to Ms A", "remind its staff of the policy"),
        [("apology", "made", None), ("payment", "made", None), ("staff_training", "agreed", "2023-06-10")],
        [(150, "made")],
    ),
    (
        (),
        # Twenty working days from 10 May 2023: the spring bank holiday of 29 May does not count.
        "  1. Within 20 working days of the final decision the Council will carry out a fresh assessment "
        "of Ms A's housing need.\n",
        [("reconsider_decision", "agreed", "2023-06-08")],
        [],
    ),
    (
        (),
        "  1. Within one month the Council will:\n"
        "    • offer Ms A suitable temporary accommodation;\n    • waive the £60 fee;\n"
        "    • identify other applicants affected by the same error and put things right for them; and\n"
        "    • report to its scrutiny committee on the action taken.\n",
        [
            ("provide_service", "agreed", "2023-06-10"),
            ("refund_or_waiver", "agreed", "2023-06-10"),
            ("review_cases", "agreed", "2023-06-10"),
            ("other", "agreed", "2023-06-10"),
        ],
        [],
    ),
    (
        (
            "The Council offered £250 at stage two. I consider that a proportionate remedy "
            "and the Council should now pay it.",
        ),
        "  1. The Council has agreed to pay Ms A the £250 it offered, within four weeks of this decision.\n",
        [("payment", "agreed", "2023-06-07")],
        [(250, "agreed")],
    ),
]


def test_two_bodies_that_each_pay_pay_twice() -> None:
    _, found = _read(
        "  1. Within one month the Council and the Trust will each apologise to Ms A, and each pay "
        "her £250 for distress.\n"
    )
    assert [(p.amount, p.total) for p in found.payments] == [(250, 500)]


def test_a_bullet_is_one_remedy_and_what_it_leads_in_is_part_of_it() -> None:
    _, found = _read(
        "  1. By 30 June 2023 the Council will:\n    • pay Ms A £200 and her daughter £100;\n"
        "    • rewrite its letter so that:\n    • it names an officer; and\n    • it says how to appeal; and\n"
        "    • remind its staff of the policy.\n"
    )
    assert [r.types for r in found.remedies] == [("payment",), ("procedure_change",), ("staff_training",)]
    assert [p.total for p in found.payments] == [200, 100]


def test_a_time_that_opens_a_later_action_is_not_said_of_those_before_it() -> None:
    _, found = _read(
        "  1. The Council will place a correction on the file and, by 11 July 2023, audit ten "
        "reports chosen at random.\n"
    )
    assert [str(r.due_date) for r in found.remedies] == ["None", "2023-07-11"]


def test_the_same_weeks_are_counted_again_whatever_came_between() -> None:
    _, found = _read(
        "  1. Within four weeks of this decision the Council will apologise to Ms A.\n"
        "  2. Within a further eight weeks it will review its policy.\n"
        "  3. Within the same four weeks the Council will pay Ms A £100.\n"
    )
    assert [str(r.due_date) for r in found.remedies] == ["2023-06-07", "2023-08-02", "2023-06-07"]


def test_what_leads_in_a_list_of_faults_is_said_of_each() -> None:
    page = _PAGE.format(
        analysis="  1. Ms A asked for help.\n  2. The Council was at fault in that it:\n"
        "    • closed the case without a note of the reasons; and\n    • sent her letter to somebody else.\n",
        action="  1. The Council has agreed to apologise to Ms A.\n",
    )
    found = analyse(read_decision(page.encode(), name="22-004-118.txt")).findings
    assert [(f.polarity, f.paragraph) for f in found if f.section == "findings"] == [("fault", 3), ("fault", 3)]


@pytest.mark.parametrize(("analysis", "action", "remedies", "payments"), SECTIONS)
def test_remedies_of_a_section(
    analysis: tuple[str, ...],
    action: str,
    remedies: list[tuple[str, str, str | None]],
    payments: list[tuple[float, str]],
) -> None:
    _, found = _read(action, *analysis)
    assert [("+".join(r.types), r.status, str(r.due_date) if r.due_date else None) for r in found.remedies] == remedies
    assert [(p.amount, p.status) for p in found.payments] == payments


# What one sentence of the outcome, or a bullet with bullets of its own, gives: (status, words) of each remedy.
ACTIONS = [
    (
        "If the repair is not done by 17 November 2023, £20 a week will be paid to Ms A until it is.",
        [("agreed", "If the repair is not done by 17 November 2023, £20 a week will be paid to Ms A until it is.")],
    ),
    (
        "If that panel finds for her the Council will, within four weeks of its letter, pay Ms A £90.",
        [("agreed", "If that panel finds for her the Council will, within four weeks of its letter, pay Ms A £90.")],
    ),
    (
        "A recommendation was made, too, that £150 be paid to Ms A.",
        [("recommended", "A recommendation was made, too, that £150 be paid to Ms A.")],
    ),
    (
        "I also recommended that it cap its storage charge at cost. The Council has not agreed to that.",
        [("recommended", "I also recommended that it cap its storage charge at cost.")],
    ),
    (
        "The Council has until 20 June 2023 to look through its list of families and to move any who have waited.",
        [("agreed", "look through its list of families"), ("agreed", "move any who have waited.")],
    ),
    (
        "It will put an alert on its system and brief its contact centre on calls.",
        [("agreed", "put an alert on its system"), ("agreed", "brief its contact centre on calls.")],
    ),
    ("Ms A thought that the whole of the £90.50 should be written off. I do not share that view.", []),
    ("The Council was invited to add £500. It refused, and the suggestion is withdrawn.", []),
    ("The Council should send me the apology and the revised note when each is done.", []),
    ("It has agreed to the first three of these.", []),
    ("We will decide what to do next when it has answered.", []),
]


@pytest.mark.parametrize(("sentence", "expected"), ACTIONS, ids=[sentence for sentence, _ in ACTIONS])
def test_actions_of_a_sentence(sentence: str, expected: list[tuple[str, str]]) -> None:
    page = _PAGE.format(analysis="  1. There was fault.\n", action=f"  1. {sentence}\n")
    if "recommend" in sentence:
        page = page.replace("Agreed action", "Recommendations").replace(" and the Council has agreed a remedy", "")
    decision = read_decision(page.encode(), name="22-004-118.txt")
    found = [r for r in extract(decision).remedies if r.section == "remedy"]
    assert [(r.status, decision.words_of(r)) for r in found] == expected


def test_a_bullet_that_tells_more_below_it_is_the_action_and_a_lead_in_may_hold_one() -> None:
    decision, found = _read(
        "  1. By 30 June 2023 the Council has agreed to apologise to Ms A, and to pay her:\n    • £100; and\n"
        "    • £50 for B.\n  2. By 31 July 2023 it will:\n"
        "    • send Ms A a letter that deals with:\n    • the time before May; and\n    • the fine;\n"
        "    • put matters right with B, namely\n    • return B's books; and\n    • lend B a laptop for a year\n"
    )
    assert [decision.words_of(r) for r in found.remedies] == [
        "By 30 June 2023 the Council has agreed to apologise to Ms A",
        "£100", "£50 for B.", "send Ms A a letter that deals with:", "return B's books",
        "lend B a laptop for a year",
    ]  # fmt: skip


def test_what_the_body_tells_the_ombudsman_it_will_do_is_agreed_where_no_section_lists_it() -> None:
    page = (
        "Ambleford City Council (21 049 001)\n\nSummary: x.\n\nMy assessment\n\n"
        "  1. In reply to my questions it changed its mind. It said that P should have been told, and that it will:\n"
        "    • pay Miss W £180; and\n    • apologise to her.\n"
        "  2. The Council has told me it will also look for other families.\n"
    )
    decision = clean(RawPage("decision.txt", page.encode()))
    found = extract(decision).remedies
    assert [(r.status, decision.words_of(r)) for r in found] == [
        ("agreed", "pay Miss W £180"),
        ("agreed", "apologise to her."),
        ("agreed", "The Council has told me it will also look for other families."),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("£1,240.55 and £2 million or £1.2k", [1240.55, 2_000_000, 1200]),
        ("two hundred and fifty pounds", [250]),
        ("45 pence a mile, or 45p", [0.45, 0.45]),
        ("a hundred pounds", [100]),
        ("page 45 p. 3 of 12", []),
        ("case 23 011 589", []),
    ],
)
def test_sums(text: str, expected: list[float]) -> None:
    assert [one.pounds for one in find_sums(text)] == expected


def test_the_parts_of_a_sum_may_be_told_in_the_next_sentence() -> None:
    text = (
        "The Council has agreed to pay Mr J a total of £550 by 2 September 2022. That sum is made up of £300 for his"
        " distress, £150 for his time and trouble and £100 for what he lost. It will apologise to him."
    )
    page = f"Ambleford City Council (21 049 001)\n\nSummary: x.\n\nAgreed action\n\n  1. {text}\n"
    found = extract(clean(RawPage("decision.txt", page.encode())))
    assert [p.amount for p in found.payments] == [300.0, 150.0, 100.0]
    assert [(a.amount, a.reason) for a in found.amounts] == [(550.0, "total")]
    assert [r.types for r in found.remedies] == [("payment",), ("apology",)]
