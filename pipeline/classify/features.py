"""What the models read of a decision: body text alone.

No header field is ever read, so a model cannot learn to copy what the page prints. The standard paragraphs on the
Ombudsman's role and on how the complaint was considered are left out too: they tell the year and the investigator,
not the case.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import regex

from pipeline.corpus import corpus_folder
from pipeline.extract.sentences import lines_of, sentences_in
from pipeline.values import Amount, Decision, Extraction, Finding

SUBJECT = frozenset({"summary", "complaint", "findings", "remedy", "decision", "other"})
OUTCOME = frozenset({"summary", "decision"})
JUDGING = frozenset({"findings", "decision", "remedy", "other"})
# Words of a long decision that are read for its category: law and facts stand in the first ones.
SUBJECT_CHARACTERS = 12_000
OUTCOME_CHARACTERS = 4_000
SHORT = 110
CONTEXT = 400
SHORTEST = 10

_POINTS_BACK = regex.compile(
    r"(?:However, |But |And )?(?:this|that|these|those|it|they|both|neither)\b", regex.IGNORECASE
)
_PERSON = regex.compile(r"\b(?:Mr|Mrs|Ms|Miss|Dr|Cllr)\.?(?: and (?:Mr|Mrs|Ms|Miss|Dr))? [A-Z][\w’'-]*(?: [A-Z]\b)?")
_SUM = regex.compile(r"£\s?\d[\d,.]*")
_NUMBER = regex.compile(r"\d+(?:[.,]\d+)*")
_HEADER = regex.compile(r"^(?:category|decision|decision date)\s*:.*$", regex.IGNORECASE | regex.MULTILINE)


def normal(text: str) -> str:
    """Text as the models read it: names, sums and numbers are one word each, quotes are straight."""
    text = text.replace("’", "'").replace("‘", "'").replace("\u00a0", " ")
    return str(_NUMBER.sub("0", _SUM.sub(" sumofmoney ", _PERSON.sub(" person ", text))))


_TOKEN = regex.compile(r"[a-z']+|[.,;:!?()]")
_DENIES = frozenset(
    ["not", "no", "nor", "never", "neither", "without", "none", "cannot", "nothing", "unable", "nobody"]
)
_REPORTS = frozenset(
    ["says", "said", "complains", "complained", "complaint", "alleges", "believes", "considers", "told",
     "thinks", "felt",
     "feels", "claims", "argues", "whether", "if", "might", "may"]
)  # fmt: skip
_ENDS_DENIAL = frozenset([*".,;:!?()", "but", "however", "although", "though", "and", "because", "which"])
_ENDS_REPORT = frozenset([*".;:!?", "but", "however"])


def marked(text: str) -> str:
    """A normal text in which each word says whether it is denied or only reported: "not_rep_fault".

    A linear model has no other way to tell "was at fault" from "I do not find that it was at fault".
    """
    words = []
    denied = reported = False
    for word in _TOKEN.findall(text.lower()):
        denied = denied and word not in _ENDS_DENIAL
        reported = reported and word not in _ENDS_REPORT
        if not word[0].isalpha():
            continue
        words.append(("not_" if denied else "") + ("rep_" if reported else "") + word)
        denied = denied or word in _DENIES or word.endswith("n't")
        reported = reported or word in _REPORTS
    return " ".join(words)


def verdict_text(sentence: str) -> str:
    """A sentence as the model of findings reads it."""
    return marked(normal(sentence))


@cache
def _printed_categories() -> regex.Pattern[str]:
    """The category names of several words, which the page prints and a body may repeat."""
    from pipeline.classify.data import read_rows

    names = {row["category"] for row in read_rows(corpus_folder(), "subjects")}
    words = sorted((regex.escape(name) for name in names if " " in name), reverse=True)
    return regex.compile("|".join(words) if words else r"(?!)", regex.IGNORECASE)


def subject_text(decision: Decision) -> str:
    """What the case is about: all but the role and the method, without any category as the page prints it."""
    text = _parts(decision, SUBJECT)[:SUBJECT_CHARACTERS]
    return normal(_printed_categories().sub(" ", _HEADER.sub(" ", text.replace("’", "'"))))


def outcome_text(decision: Decision) -> str:
    """How the case ended: the summary and the final decision; the end of the text where a page has neither."""
    text = _parts(decision, OUTCOME) or _parts(decision, SUBJECT)[-1_500:]
    return normal(_HEADER.sub(" ", text[:OUTCOME_CHARACTERS]))


def outcome_views(decision: Decision) -> list[str]:
    """The outcome as pages tell it: summary and final decision, and each alone, for pages that lack the other."""
    parts = [normal(_parts(decision, frozenset({code}))) for code in sorted(OUTCOME)]
    return list(dict.fromkeys(text for text in (outcome_text(decision), *parts) if text.strip()))


def _parts(decision: Decision, sections: frozenset[str]) -> str:
    return "\n".join(decision.text[p.start : p.end] for p in decision.paragraphs if p.section in sections)


class Judged(NamedTuple):
    """A sentence in which a finding may stand: its span, its paragraph's number and section, its part's role.

    `lead` is what leads in the list that it opens a bullet of ("The Council was at fault in that it:").
    """

    start: int
    end: int
    number: int | None
    section: str
    role: str = "mixed"
    lead: str = ""

    def words(self, decision: Decision) -> str:
        """The sentence, after what leads it in."""
        return f"{self.lead} {decision.text[self.start : self.end]}".strip()


def judged_sentences(decision: Decision) -> list[Judged]:
    """The sentences in which a finding may stand, in order; headings and what leads in a list are none."""
    found = []
    lead = ""
    for line in lines_of(decision):
        if line.section not in JUDGING:
            continue
        sentences = sentences_in(decision.text, line)
        if line.kind != "bullet":
            last = decision.text[sentences[-1].start : sentences[-1].end]
            lead = last if last.endswith(":") else ""
        found += [
            Judged(s.start, s.end, s.number, s.section, s.role, lead if s.kind == "bullet" and s.opens else "")
            for s in sentences
            if s.end - s.start > SHORTEST and decision.text[s.end - 1] != ":"
        ]
    return found


def finding_texts(decision: Decision, findings: Sequence[Finding]) -> list[str]:
    """What tells the kind of each fault: its sentence, with those before it where it is short or points back.

    They end where its paragraph begins; a finding that opens one is read with the paragraph before.
    """
    texts = []
    for finding in findings:
        words = decision.text[finding.start : finding.end]
        if finding.section != "decision" and (len(words) < SHORT or _POINTS_BACK.match(words)):
            line = decision.text.rfind("\n", 0, finding.start) + 1
            before = decision.text[line : finding.start].strip()
            if not before:
                above = decision.text.rfind("\n", 0, max(line - 1, 0)) + 1
                before = decision.text[above : max(line - 1, 0)]
            words = f"{before[-CONTEXT:]} {words}".strip()
        texts.append(words)
    return texts


def paragraph_texts(decision: Decision, findings: Sequence[Finding]) -> list[str]:
    """The whole paragraph of each finding, which is where its injustice is told."""
    texts = []
    for finding in findings:
        start = decision.text.rfind("\n", 0, finding.start) + 1
        end = decision.text.find("\n", finding.end)
        texts.append(decision.text[start : len(decision.text) if end < 0 else end])
    return texts


def fault_texts(decision: Decision, findings: Sequence[Finding]) -> list[str]:
    """What the model of kinds reads of each fault: its sentence, that with what it points back to, its paragraph.

    What is said more often counts for more: the sentence three times, the rest of its paragraph once.
    """
    told = finding_texts(decision, findings)
    around = paragraph_texts(decision, findings)
    return [f"{decision.text[f.start : f.end]} {a} {b}" for f, a, b in zip(findings, told, around, strict=True)]


_SENTENCE = regex.compile(r"(?<=[.;:]) ")
_AWARDED = frozenset({"agreed", "recommended"})
_FAR = 2_000  # characters: no sentence of a decision is as long


def amount_texts(decision: Decision, found: Extraction) -> list[str]:
    """What the model of reasons reads of each sum that is no payment: its sentence, the words nearest to it, its place.

    Its place is its section, what the rules say of it, and the payments of the same sum.
    """
    awarded = sum(p.total or 0.0 for p in found.payments if p.status in _AWARDED)
    return [
        _amount_text(decision, one, paid, awarded, told)
        for one, (paid, told) in zip(found.amounts, known_of_amounts(found), strict=True)
    ]


def known_of_amounts(found: Extraction) -> list[tuple[list[str], bool]]:
    """(statuses of payments of the same sum, whether it was told before) of each sum that is no payment."""
    paid: dict[float | None, set[str]] = {}
    for payment in found.payments:
        for pounds in (payment.amount, payment.total):
            paid.setdefault(pounds, set()).add(payment.status)
    known, told = [], set[float]()
    for one in found.amounts:
        known.append((sorted(paid.get(one.amount, ())), one.amount in told))
        told.add(one.amount)
    return known


def payment_texts(decision: Decision, found: Extraction) -> list[str]:
    """What the model of purposes reads of each payment: its sentence, its status, and what the rules say it is for."""
    texts = []
    for one in found.payments:
        before, after = map(normal, sentence_around(decision.text, one.start, one.start))
        marks = [*(f"rule_{purpose}" for purpose in one.purposes), f"status_{one.status}"]
        texts.append(f"{' '.join(marks)} {before} {after}")
    return texts


def sentence_around(text: str, start: int, end: int) -> tuple[str, str]:
    """The words of a sentence before and after a place in it."""
    line = max(text.rfind("\n", 0, start) + 1, start - _FAR)
    stop = text.find("\n", end, end + _FAR)
    before = _SENTENCE.split(text[line:start])[-1]
    after = _SENTENCE.split(text[end : end + _FAR if stop < 0 else stop])[0]
    return before, after


def _amount_text(decision: Decision, one: Amount, paid: Sequence[str], awarded: float, told: bool) -> str:
    before, after = map(normal, sentence_around(decision.text, one.start, one.end))
    marks = [f"in_{one.section}", f"rule_{one.reason}", f"rule_{one.reason}_in_{one.section}"]
    marks += [f"paid_{status}" for status in paid]
    if abs(awarded - one.amount) < 0.005:
        marks.append("all_awarded")
    if told:
        marks.append("told_before")
    marks += [f"before_{word}" for word in before.lower().split()[-6:]]
    marks += [f"after_{word}" for word in after.lower().split()[:4]]
    return f"{' '.join(marks)} {before} sumofmoney {after}"
