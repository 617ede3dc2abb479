"""The extractors as spaCy citizens, the rules as data, and the promise that every pound is accounted for."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest
import spacy

from pipeline import analyse, read_decision
from pipeline.corpus import corpus_folder
from pipeline.extract import COMPONENTS, extract
from pipeline.extract.citations import guidance, mentions
from pipeline.extract.money import find_sums
from pipeline.extract.rules import Matchers, Rule, RuleError, blank, load_rules, parse

ROOT = Path(__file__).resolve().parents[1]
DECISIONS = sorted(p for p in (ROOT / "corpus" / "decisions").rglob("*") if p.suffix in (".txt", ".html"))
EXAMPLES = [(rule, text, True) for rule in load_rules() for text in rule.matches] + [
    (rule, text, False) for rule in load_rules() for text in rule.spares
]


@pytest.mark.parametrize(("rule", "text", "expected"), EXAMPLES, ids=[f"{r.name}: {t}" for r, t, _ in EXAMPLES])
def test_every_example_of_every_rule(rule: Rule, text: str, expected: bool) -> None:
    assert bool(Matchers(blank(), [rule]).hits(text)) is expected


def test_components_are_entry_points() -> None:
    assert set(COMPONENTS) <= {point.name for point in entry_points(group="spacy_factories")}


def test_components_in_a_pipeline_of_somebody_elses() -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    ruler = nlp.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": "ORG", "pattern": "Council"}])
    nlp.add_pipe("redress_payments")
    nlp.add_pipe("redress_findings", first=True)
    nlp.add_pipe("redress_citations")
    doc = nlp(
        "Section 18 of the Care Act 2014 sets out the duty. The Council was at fault for the delay. "
        "There was no fault in its letter.\n"
        "It has agreed to pay Ms A £250 for her distress. The rent was £90 a week."
    )
    assert [(span.text, span.label_) for span in doc.spans["redress_findings"]] == [
        ("The Council was at fault for the delay.", "fault"),
        ("There was no fault in its letter.", "no_fault"),
    ]
    assert [span.label_ for span in doc.spans["redress_citations"]] == ["Care Act 2014"]
    assert [(span.text, span.label_) for span in doc.spans["redress_payments"]] == [
        ("It has agreed to pay Ms A £250 for her distress.", "agreed")
    ]
    assert [(span.text, span.label_) for span in doc.spans["redress_amounts"]] == [("£90", "rent")]
    assert [ent.label_ for ent in doc.ents].count("ORG") == 1, "what the pipeline held before is left alone"


@pytest.mark.parametrize("path", DECISIONS, ids=[p.name for p in DECISIONS])
def test_every_span_is_of_the_text_and_every_pound_is_accounted_for(path: Path) -> None:
    decision = read_decision(path)
    # The network takes a fifth of a second a decision, so one in twenty is read with the models.
    found = analyse(decision) if DECISIONS.index(path) % 20 == 0 else extract(decision)
    for value in (*found.findings, *found.remedies, *found.payments, *found.amounts, *found.citations):
        assert 0 <= value.start < value.end <= len(decision.text)
        assert decision.words_of(value).strip() == decision.words_of(value)
    amounts = {amount.start for amount in found.amounts}
    told = [
        (remedy.start, remedy.end) for remedy in found.remedies if {"payment", "refund_or_waiver"} & set(remedy.types)
    ]
    for one in find_sums(decision.text):
        paid = any(p.start <= one.start < p.end for p in found.payments) or any(a <= one.start < b for a, b in told)
        assert paid or one.start in amounts, decision.text[one.start - 60 : one.end + 20]
    for payment in found.payments:
        assert payment.remedy is not None
        assert found.remedies[payment.remedy].status == payment.status


def test_phrases_are_words_with_two_marks() -> None:
    _, needs = parse("(was|were) (far|much|) too long")
    assert frozenset({"too"}) in needs and frozenset({"long"}) in needs
    for phrase in ("too (long", "... long", "long ...", "(a|) (b|)", "too ) long"):
        with pytest.raises(RuleError, match="phrase"):
            parse(phrase)


@pytest.mark.parametrize(
    ("text", "rule", "matches"),
    [
        ("It didn’t tell her", "did not tell", True),
        ("It did not tell her", "did not tell", True),
        ("He can't fault it", "cannot fault", True),
        ("It should have told her and it did not", "should have ... did not", True),
        ("It should have told her; it did not", "should have ... did not", False),
        ("faultless", "fault", False),
    ],
)
def test_how_a_phrase_matches(text: str, rule: str, matches: bool) -> None:
    whole = Rule("id", "verdicts", ("fault",), (rule,), (), (), frozenset(), 8, "clause", "strong", (), ())
    assert bool(Matchers(blank(), [whole]).hits(text)) is matches


def test_a_token_pattern_is_a_rule_too() -> None:
    pattern = ({"LOWER": "far"}, {"LOWER": {"IN": ["too", "so"]}}, {"IS_ALPHA": True})
    whole = Rule("id", "verdicts", ("fault",), (), (pattern,), (), frozenset(), 8, "clause", "strong", (), ())
    text = "That was far too long."
    assert [text[h.start : h.end] for h in Matchers(blank(), [whole]).hits(text)] == ["far too long"]


def _copy_of_corpus(folder: Path) -> Path:
    corpus = folder / "corpus"
    for name in ("taxonomy", "rules"):
        shutil.copytree(corpus_folder() / name, corpus / name)
    for name in ("acts.yaml", "guidance.yaml", "organisations.yaml"):
        shutil.copy(corpus_folder() / name, corpus / name)
    return corpus


def _run(corpus: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        env={**os.environ, "REDRESS_CORPUS": str(corpus)},
        capture_output=True,
        text=True,
        cwd=ROOT,
    )


def test_a_new_kind_of_fault_takes_yaml_alone(tmp_path: Path) -> None:
    corpus = _copy_of_corpus(tmp_path)
    with (corpus / "taxonomy" / "fault_types.yaml").open("a") as file:
        file.write(
            "- {code: lost_property, label: Lost property, definition: lost or threw away somebody's belongings}\n"
        )
    with (corpus / "rules" / "fault_types.yaml").open("a") as file:
        file.write(
            "- id: lost_property\n  assigns: lost_property\n"
            '  match: ["(threw away|disposed of|lost) (her|his|their) (belongings|furniture|possessions)"]\n'
            '  matches: ["It threw away her belongings.", "The Council lost his furniture."]\n'
            '  spares: ["It lost her letter.", "She moved her furniture."]\n'
        )
    program = (
        "from pipeline.extract import pipeline\nfrom pipeline.extract.reading import reader_for\n"
        "doc = pipeline()('The Council was at fault when it threw away her belongings.')\n"
        "print(reader_for(pipeline()).reading(doc).findings[0].types)\n"
    )
    done = _run(corpus, "-c", program)
    assert done.returncode == 0, done.stderr
    assert "lost_property" in done.stdout
    assert _run(corpus, "-m", "pipeline", "rules", "check").returncode == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("  typo: true\n", "unknown keys"),
        ("", "two sentences"),
        ("  matches: [a b, c d]\n  spares: [e, f]\n  assigns: no_such_code\n", "none of"),
    ],
)
def test_rules_are_read_strictly(tmp_path: Path, change: str, message: str) -> None:
    corpus = _copy_of_corpus(tmp_path)
    with (corpus / "rules" / "fault_types.yaml").open("a") as file:
        extra = change if "assigns" in change else f"  assigns: delay\n  matches: [late]\n  spares: [early]\n{change}"
        file.write(f"- id: mine\n  match: [late]\n{extra}")
    done = _run(corpus, "-m", "pipeline", "rules", "check")
    assert done.returncode == 1
    assert message in done.stderr and "fault_types.yaml" in done.stderr


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "(Local Government Act 1974, sections 25 and 26A(1), as amended)",
            [("Local Government Act", 1974, ("s25", "s26A(1)"))],
        ),
        (
            "(Local Government Act 1974, Schedule 5, paragraph 5(2), as amended)",
            [("Local Government Act", 1974, ("Sch5 para5(2)",))],
        ),
        (
            "Under section 47 of the Children Act 1989. Section 47 of the Act places a duty. "
            "A section 47 enquiry followed.",
            [("Children Act", 1989, ("s47",)), ("Children Act", 1989, ("s47",))],
        ),
        ("(Children Act 1989 s.47(11))", [("Children Act", 1989, ("s47(11)",))]),
        (
            "the Health and Social Care Act 2008 (Regulated Activities) Regulations 2014. Regulation 17 says so.",
            [
                ("Health and Social Care Act 2008 (Regulated Activities) Regulations", 2014, ()),
                ("Health and Social Care Act 2008 (Regulated Activities) Regulations", 2014, ("reg17",)),
            ],
        ),
        (
            "the Anti-social Behaviour, Crime and Policing Act 2014 and the Care Act 2014, section 9",
            [("Anti-social Behaviour, Crime and Policing Act", 2014, ()), ("Care Act", 2014, ("s9",))],
        ),
        (
            "(Section 26(6)(a) and (c), Local Government Act 1974)",
            [("Local Government Act", 1974, ("s26(6)(a)", "s26(6)(c)"))],
        ),
        ("A duty under section 42 of the Care Act applies.", [("Care Act", 2014, ("s42",))]),
        (
            "The Education Act 1996 applies. (The 1996 Act, section 19) Paragraph 4 of Schedule 35B "
            "to the Act says when.",
            [
                ("Education Act", 1996, ()),
                ("Education Act", 1996, ("s19",)),
                ("Education Act", 1996, ("Sch35B para4",)),
            ],
        ),
        ("The Mental Health Act 1983: Code of Practice says so.", []),
        ("The Council acts for 2014 reasons.", []),
        (  # by its year alone
            "The Equality Act 2010 applies. It did not meet its duty under the 2010 Act. The 2011 Act is another.",
            [("Equality Act", 2010, ()), ("Equality Act", 2010, ())],
        ),
        (  # the number of a section that only one act has, and a bracket
            "We work under the Local Government Act 1974. The Housing Act 1996 applies. We may not (section 26B(2)).",
            [
                ("Local Government Act", 1974, ()),
                ("Housing Act", 1996, ()),
                ("Local Government Act", 1974, ("s26B(2)",)),
            ],
        ),
        (  # "s117(2)" without a full stop; its act is the last that was named near it
            "The Mental Health Act 1983 says so: see s117(2).\nSection 117 does not let a council charge.",
            [
                ("Mental Health Act", 1983, ()),
                ("Mental Health Act", 1983, ("s117(2)",)),
                ("Mental Health Act", 1983, ("s117",)),
            ],
        ),
        (  # the name of a thing is no citation
            "The Mental Health Act 1983 (section 117) applies. He was on its section 117 register.",
            [("Mental Health Act", 1983, ("s117",))],
        ),
        (  # a schedule, and an act whose name has "at" and "etc." in it
            "The Health and Safety at Work etc. Act 1974 applies. By paragraph 7 of Schedule 2 it must.",
            [
                ("Health and Safety at Work etc. Act", 1974, ()),
                ("Health and Safety at Work etc. Act", 1974, ("Sch2 para7",)),
            ],
        ),
    ],
)
def test_citations(text: str, expected: list[tuple[str, int, tuple[str, ...]]]) -> None:
    assert [(m.act, m.year, m.provisions) for m in mentions(text)] == expected


def test_guidance_that_no_list_knows_is_named_between_quotation_marks() -> None:
    text = "The statutory guidance “Tending the lamps of England” says so (paragraph 4.2). He said “Nonsense”."
    assert [(m.act, m.provisions) for m in guidance(text)] == [("Tending the lamps of England", ("para4.2",))]


def test_guidance_is_cited_by_its_title_with_its_paragraphs() -> None:
    text = (
        "The Care and Support Statutory Guidance says, at paragraphs 8.36 and 8.37, that charges must be fair. "
        "Paragraph 2.24 of the School Admission Appeals Code is about letters. "
        "It revised its policy on family and friends care."
    )
    assert [(m.act, m.year, m.provisions) for m in guidance(text)] == [
        ("Care and Support Statutory Guidance", None, ("para8.36", "para8.37")),
        ("School Admission Appeals Code", None, ("para2.24",)),
    ]
