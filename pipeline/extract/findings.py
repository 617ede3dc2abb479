"""Findings: the sentences in which the Ombudsman says that there was fault, or was not.

Spans key: `redress_findings` (one span a finding, label `fault` or `no_fault`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import regex
from spacy.language import Language
from spacy.tokens import Doc

from pipeline.extract.polarity import Verdict, verdicts
from pipeline.extract.reading import Component, Reader, Reading, reader_for, spans_of
from pipeline.extract.sentences import Sentence
from pipeline.values import Finding

SPANS = "redress_findings"
# Where a finding can stand; in the narrative, only the Ombudsman's plain word counts.
_SECTIONS = frozenset({"findings", "decision", "other"})
_POINTS_BACK = regex.compile(
    r"(?:However, |But |Nor |And |I find |I consider |We find |In my view,? |We consider )?"
    r"(?:this|that|these|those|it|they|such|so (?:was|were)|both|neither|in (?:both|each|all|either)|on both"
    r"|the (?:fault|faults|failing|failings))\b",
    regex.IGNORECASE,
)
_COMPLAINANT = regex.compile(
    r"(?:Mr|Mrs|Ms|Miss|Dr|She|He|They|The (?:complainant|family|couple|man|woman))\b[^.]{0,40}"
    r"\b(?:says?|said|complain\w*|feels?|felt|believes?|told|claims?|alleges?)\b"
)
_INJUSTICE = regex.compile(r"\binjustice\b", regex.IGNORECASE)
_NO_INJUSTICE = regex.compile(
    r"\b(?:no|not|without|any|nor|never)\b[^.;]{0,60}\binjustice\b|injustice[^.;]{0,30}\bnot\b", regex.IGNORECASE
)
_DECLARES = regex.compile(
    r"(?:\w+, )?(?:The (?:\w+ ){1,3}(?:was|were|is) (?:also |therefore )?at fault"
    r"|There (?:was|is|were|has been) (?:some |also |a )?(?:fault|maladministration))"
)
_NOT_INVESTIGATED = regex.compile(
    r"\b(?:(?:will|can|should|shall|do|did|would|could)(?: not|n['’]t)|cannot|unable to|decided not to) (?:\w+ )?"
    r"(?:investigate|consider|pursue)\b"
    r"|\bdiscontinue|\bnot (?:start|begin|continue|warrant|justify) an? (?:further )?investigation",
    regex.IGNORECASE,
)
_ASKS = regex.compile(
    r"\b(?:must|should|shall|has to|have to|required?|requires|duty|within \w+ (?:working )?(?:days|weeks|months)"
    r"|expects?|entitled|may not|cannot)\b"
)
_SENTENCE_END = regex.compile(r"(?<=[.;])\s")
_LONG = regex.compile(r"[a-z]{5,}")
_EVERYWHERE = frozenset(
    word[:6]
    for word in [
        "council",
        "councils",
        "should",
        "would",
        "which",
        "their",
        "there",
        "about",
        "these",
        "those",
        "other",
        "after",
        "before",
        "where",
        "because",
        "might",
        "while",
        "against",
        "between",
        "through",
        "without",
        "people",
        "person",
        "within",
        "under",
        "being",
        "could",
        "having",
    ]
)
_SHARED = 1


@dataclass(slots=True)
class _Judged:
    """One sentence with its verdicts."""

    index: int
    sentence: Sentence
    found: list[Verdict] = field(default_factory=list)

    def strong(self, polarity: str) -> bool:
        return any(v.polarity == polarity and v.strength == "strong" for v in self.found)


_Decided = list[tuple[_Judged, tuple[str, ...]]]


@Language.factory("redress_findings")
def create_findings(nlp: Language, name: str) -> Component:
    """The component: fills `doc.spans["redress_findings"]`; spans are labelled `fault` and `no_fault`."""
    reader = reader_for(nlp)

    def component(doc: Doc) -> Doc:
        find(doc, reader)
        return doc

    return component


def find(doc: Doc, reader: Reader) -> list[Finding]:
    """The findings of a Doc, in order of the text; also kept in its Reading and its spans."""
    reading = reader.reading(doc)
    judged = [_judge(doc, reading, i) for i in range(len(reading.sentences))]
    _pass_on(reading, judged)
    decided = _decide(reading, judged)
    found = _findings(reading, decided, decided)
    taken = {item.index for item, _ in decided}
    doubtful = [
        (item, tuple(sorted({v.polarity for v in item.found})))
        for item in judged
        if item.found and item.index not in taken
    ]
    reading.findings = found
    reading.candidates = _findings(reading, doubtful, decided)
    reading.injustice_told = _injustice_told(reading)
    doc.spans[SPANS] = spans_of(doc, reading, [(f.start, f.end, f.polarity) for f in found])
    return found


def _findings(reading: Reading, items: _Decided, decided: _Decided) -> list[Finding]:
    """A Finding for each polarity of each item; `decided` are the findings among which it stands."""
    return [
        Finding(
            paragraph=item.sentence.number,
            section=item.sentence.section,
            start=item.sentence.start,
            end=item.sentence.end,
            polarity=polarity,
            types=_types(reading, item, decided) if polarity == "fault" else (),
            injustice=_injustice(reading, item, decided) if polarity == "fault" else (),
        )
        for item, polarities in items
        for polarity in polarities
    ]


def _judge(doc: Doc, reading: Reading, index: int) -> _Judged:
    sentence = reading.sentences[index]
    item = _Judged(index, sentence)
    told = reading.report and sentence.section == "complaint"
    if not told and (sentence.section not in _SECTIONS or sentence.role == "law"):
        return item
    words_of_verdict = reading.hits(index, "verdicts")
    if not words_of_verdict:
        return item
    begin, words, hits = reading.in_tokens(
        index,
        (
            h
            for h in (*words_of_verdict, *reading.hits(index, "modifiers"))
            if not h.rule.sections or sentence.section in h.rule.sections
        ),
    )
    item.found = verdicts(words, hits, begin)
    return item


def _pass_on(reading: Reading, judged: list[_Judged]) -> None:
    """What leads in a list of faults ("The Council was at fault in that it:") is said of each bullet, not by itself."""
    leading = False
    for item in judged:
        sentence = item.sentence
        if sentence.kind != "bullet":
            leading = item.strong("fault") and reading.words(sentence).endswith(":")
            if reading.words(sentence).endswith(":"):
                item.found = []
        elif leading and sentence.opens and not item.strong("no_fault"):
            item.found = [Verdict("fault", "strong", 0, "listed")]


def _decide(reading: Reading, judged: list[_Judged]) -> _Decided:
    """Which sentences are findings. A weak verdict counts only where its paragraph holds no strong one."""
    lines: dict[int, list[_Judged]] = {}
    for item in judged:
        lines.setdefault(item.sentence.line, []).append(item)
    decided: _Decided = []
    for items in lines.values():
        plain = any(item.strong("fault") or item.strong("no_fault") for item in items)
        for item in items:
            polarities = tuple(p for p in ("no_fault", "fault") if item.strong(p))
            if (
                not polarities
                and not plain
                and item.sentence.role != "narrative"
                and item.sentence.section in ("findings", "other", "decision")
            ):
                weak = {v.polarity for v in item.found}
                if len(weak) == 1:
                    polarities = tuple(weak)
            if polarities and item.sentence.role == "narrative" and not _own_voice(reading, item):
                polarities = ()
            if polarities:
                decided.append((item, polarities))
    return _in_keeping(reading, decided)


def _in_keeping(reading: Reading, decided: _Decided) -> _Decided:
    """The findings in keeping with how the decision ends.

    One that ends with no fault, or is not investigated, may still find some on the way, but says so in so many words.
    """
    ends = {p for item, polarities in decided if item.sentence.section == "decision" for p in polarities}
    closed = any(
        s.section == "decision" and _NOT_INVESTIGATED.search(reading.words(s)) is not None for s in reading.everything
    )
    if "fault" in ends or not (closed or "no_fault" in ends):
        return decided
    kept = []
    for item, polarities in decided:
        words = reading.words(item.sentence)
        plain = any(v.polarity == "fault" and v.rule == "fault" and v.strength == "strong" for v in item.found) and (
            _POINTS_BACK.match(words) is not None
            or _DECLARES.match(words) is not None
            or any(h.rule.id == "own_voice" for h in reading.hits(item.index, "modifiers"))
        )
        rest = tuple(p for p in polarities if p != "fault" or plain)
        if rest:
            kept.append((item, rest))
    return kept


def _own_voice(reading: Reading, item: _Judged) -> bool:
    """Whether a sentence of the narrative holds the Ombudsman's own verdict, and not what somebody reported."""
    return any(h.rule.id == "own_voice" for h in reading.hits(item.index, "modifiers")) and any(
        v.rule == "fault" for v in item.found
    )


def _codes(reading: Reading, indexes: Iterable[int], file: str) -> list[str]:
    codes: list[str] = []
    for i in indexes:
        for hit in reading.hits(i, file):
            if not hit.rule.sections or reading.sentences[i].section in hit.rule.sections:
                codes += [code for code in hit.rule.assigns if code not in codes]
    return codes


def _types(reading: Reading, item: _Judged, decided: _Decided) -> tuple[str, ...]:
    """The kinds of fault: the sentence's own words, and those of what it points back to."""
    own = _codes(reading, [item.index], "fault_types")
    if item.sentence.section == "decision":
        return tuple(sorted(own))
    told = [item.index]
    if not own or _POINTS_BACK.match(reading.words(item.sentence)):
        told += _context(reading, item, decided)
    codes = set(_codes(reading, told, "fault_types"))
    if codes and _breaks_a_rule(reading, told):
        codes.add("procedure_not_followed")
    return tuple(sorted(codes))


def _breaks_a_rule(reading: Reading, told: Iterable[int]) -> bool:
    """Whether a finding tells of what a rule asks for that the decision itself sets out in its part on the law."""
    if reading.rules is None:
        reading.rules = [
            _stems(words)
            for line in reading.everything
            if line.role == "law" and line.section in ("findings", "other")
            for words in _SENTENCE_END.split(reading.words(line))
            if _ASKS.search(words)
        ]
    stems = frozenset().union(*(_stems(reading.words(reading.sentences[i])) for i in told))
    return any(len(stems & rule) >= _SHARED for rule in reading.rules)


def _stems(words: str) -> frozenset[str]:
    """The beginnings of the longer words: enough to tell that two sentences speak of the same thing."""
    return frozenset(word[:6] for word in _LONG.findall(words.lower())) - _EVERYWHERE


def _context(reading: Reading, item: _Judged, decided: _Decided) -> list[int]:
    """The sentences that "this was fault" points to: back to the finding before it, or through the paragraph before."""
    others = {other.index for other, _ in decided if other is not item}
    context: list[int] = []
    line = item.sentence.line
    i = item.index - 1
    while i >= 0 and i not in others:
        sentence = reading.sentences[i]
        if sentence.line != line:
            if context or sentence.section != item.sentence.section or line - sentence.line > 1:
                break
            line = sentence.line
        context.append(i)
        i -= 1
    if not context and i in others and reading.sentences[i].line == item.sentence.line:
        return [i]
    return context


def _injustice(reading: Reading, item: _Judged, decided: _Decided) -> tuple[str, ...]:
    """What the finding's own paragraph says followed from the fault, from the finding on."""
    if item.sentence.section == "decision":
        codes = set(_codes(reading, [item.index], "injustice_types"))
    else:
        indexes = [
            i
            for i in range(item.index, len(reading.sentences))
            if reading.sentences[i].line == item.sentence.line
            and (i == item.index or not _COMPLAINANT.match(reading.words(reading.sentences[i])))
        ]
        codes = set(_codes(reading, indexes, "injustice_types"))
    return ("none",) if "none" in codes else tuple(sorted(codes))


def _injustice_told(reading: Reading) -> bool:
    """Whether the decision says in so many words that injustice was caused."""
    for sentence in reading.everything:
        if sentence.section in ("findings", "decision", "remedy", "other", "summary") and sentence.role != "law":
            words = reading.words(sentence)
            if _INJUSTICE.search(words) and not _NO_INJUSTICE.search(words):
                return True
    return False
