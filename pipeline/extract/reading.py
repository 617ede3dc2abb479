"""What the extractors read: the sentences that can matter; rules are tried on a sentence when asked for.

Of a decision, only the sentences that hold the words of a verdict are put into the Doc: polarity counts in tokens, the
rest reads words. In somebody else's pipeline, where a Doc holds plain text, the whole text is read.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

import regex
from spacy.language import Language
from spacy.tokens import Doc, Span

from pipeline.extract.rules import FILES, Hit, Matchers, blank, load_rules, words_in
from pipeline.extract.sentences import Sentence, lines_of, plain_sentences, sentences_in
from pipeline.values import Amount, Citation, Decision, Finding, Payment, Remedy

_KEY = "redress"
_OPENING, _NEAR = 2000, 6000  # characters
_ABSENT = -(2**62)  # the shift of a sentence that is not in the Doc
_WITH_VERDICTS = frozenset({"findings", "decision", "other", "complaint"})
# Words of verdicts, actions and sums: a paragraph of the narrative or the law needs one of these. Plain words are
# looked for as they are, which is ten times as fast as one expression for all.
_WORDS = (
    "£", "pounds", "pence", "fault", "maladmin", "apolog", "refund", "offer", "reimburs", "waive", "goodwill",
    "service failure", "agreed to", "said it would", "has asked the",
)  # fmt: skip
_PARTS = (" off", " right", " will")
_ELSEWHERE = re.compile(
    r"writ\w+ off|put (?:this|it|that) right|(?:council|trust|provider|home|company|school|it) will\b"
)
_PENCE = re.compile(r"\d\s?p\b")
_POINTS_BACK = regex.compile(
    r"(?:This|That|These|Those|It|So|Such|Both|Neither|In (?:both|each|all|either)|I find (?:this|that|it)"
    r"|The (?:fault|failing|failure|delay|omission))\b"
)


@dataclass
class Reading:
    """A Doc's place in its decision, and what the components have found so far (all offsets are the decision's)."""

    text: str
    sentences: list[Sentence]  # those that can matter, and what they point back to
    tokens: list[tuple[int, int] | None]  # the tokens of each sentence, null where it is not in the Doc
    shifts: list[int]  # from a sentence's place in the decision to its place in the Doc's text
    places: list[int]  # where each token begins in the Doc's text
    doc: Doc = field(repr=False)
    matchers: Mapping[str, Matchers] = field(repr=False)
    organisation: str | None = None
    decision_date: date | None = None
    everything: list[Sentence] = field(default_factory=list)
    report: bool = False
    plain: bool = False  # a text whose structure is not known: any sentence may tell the outcome
    rules: list[frozenset[str]] | None = (
        None  # what the part on the law asks for, as stems; worked out when first needed
    )
    told: Mapping[int, str] = field(default_factory=dict)  # what is known beforehand of redress told along the way
    findings: list[Finding] = field(default_factory=list)
    candidates: list[Finding] = field(default_factory=list)
    injustice_told: bool = False
    remedies: list[Remedy] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)
    amounts: list[Amount] = field(default_factory=list)
    citations: list[Citation] = field(default_factory=list)
    _hits: dict[tuple[int, str], list[Hit]] = field(default_factory=dict, repr=False)
    _held: dict[int, set[str]] = field(default_factory=dict, repr=False)

    def words(self, sentence: Sentence) -> str:
        return self.text[sentence.start : sentence.end]

    def hits(self, index: int, file: str) -> list[Hit]:
        """The hits of one rule file in one sentence, worked out when first asked for, in order."""
        key = (index, file)
        found = self._hits.get(key)
        if found is None:
            words = self.words(self.sentences[index])
            held = self._held.get(index)
            if held is None:
                held = self._held[index] = words_in(words)
            found = self._hits[key] = self.matchers[file].hits(words, held)
        return found

    def within(self, start: int, end: int) -> range:
        """The indexes of the sentences that lie, at least in part, between two offsets."""
        first = max(bisect_right(self.sentences, start, key=lambda s: s.start) - 1, 0)
        if self.sentences and self.sentences[first].end <= start:
            first += 1
        return range(first, bisect_left(self.sentences, end, key=lambda s: s.start))

    def codes(self, file: str, start: int, end: int) -> set[str]:
        """What the rules of one file assign that hit between two offsets of the text."""
        return {
            code
            for i in self.within(start, end)
            for hit in self.hits(i, file)
            if start <= self.place(i, hit) < end
            for code in hit.rule.assigns
        }

    def before(self, offset: int) -> str:
        """The words before an offset that can name whom a pronoun stands for: the opening, and what stands near."""
        if offset <= _OPENING + _NEAR:
            return self.text[:offset]
        return f"{self.text[:_OPENING]}\n{self.text[offset - _NEAR : offset]}"

    def place(self, index: int, hit: Hit) -> int:
        """Where a hit in one sentence begins in the decision."""
        return self.sentences[index].start + hit.start

    def in_tokens(self, index: int, hits: Iterable[Hit]) -> tuple[int, list[str], list[Hit]]:
        """(first token, tokens in lower case, hits counted in tokens) of one sentence, as polarity is read."""
        span = self.tokens[index]
        assert span is not None, "a sentence with a verdict is in the Doc"
        begin, end = span
        shift = self.shifts[index] + self.sentences[index].start
        at = self.places
        counted = [Hit(h.rule, bisect_right(at, h.start + shift) - 1, bisect_left(at, h.end + shift)) for h in hits]
        counted.sort(key=lambda h: (h.start, -h.end))
        return begin, [token.lower_ for token in self.doc[begin:end]], counted


class Reader:
    """Makes Docs of decisions, and Readings of Docs, for one pipeline."""

    def __init__(self, nlp: Language) -> None:
        self.nlp = nlp
        self.matchers = {file: Matchers(nlp, [rule for rule in load_rules() if rule.file == file]) for file in FILES}
        self._verdicts = self.matchers["verdicts"].anchors

    def doc(self, decision: Decision, told: Mapping[int, str] | None = None) -> Doc:
        """The Doc of the sentences of a decision that can matter; `told` as for `extract`."""
        text = decision.text
        told = told or {}
        redress = sorted(start for start, status in told.items() if status != "none")
        every: list[Sentence] = []
        chosen: list[Sentence] = []
        for line, can_matter in self._choose(text, lines_of(decision)):
            wanted = can_matter or bisect_left(redress, line.start) < bisect_left(redress, line.end)
            sentences = sentences_in(text, line) if wanted else [line]
            every += sentences
            if wanted:
                chosen += sentences
        reading = self._reading(text, chosen)
        reading.everything = every
        reading.told = told
        reading.organisation = decision.header.organisation
        reading.decision_date = decision.header.decision_date
        reading.report = decision.header.document_type == "report"
        reading.doc.user_data[_KEY] = reading
        return reading.doc

    def reading(self, doc: Doc) -> Reading:
        """The Reading of a Doc; one of plain text is made on the spot."""
        found = doc.user_data.get(_KEY)
        if isinstance(found, Reading):
            return found
        text = doc.text
        sentences = plain_sentences(text)
        reading = self._reading(text, sentences, doc)
        reading.everything, reading.plain = sentences, True
        doc.user_data[_KEY] = reading
        return reading

    def _choose(self, text: str, lines: list[Sentence]) -> list[tuple[Sentence, bool]]:
        """Each line, and whether it can hold a verdict, an action or a sum, or what the next one points back to."""
        wanted = [self._can_matter(text, line) for line in lines]
        for i in range(1, len(lines)):
            if (
                wanted[i]
                and lines[i].section in ("findings", "other", "decision")
                and _POINTS_BACK.match(text, lines[i].start)
            ):
                wanted[i - 1] = True
            if lines[i].kind == "bullet" and wanted[i - 1] and lines[i].section in ("findings", "other", "decision"):
                # A verdict may lead in a list of what was wrong.
                wanted[i] = wanted[i] or lines[i - 1].kind == "bullet" or text[lines[i - 1].end - 1] == ":"
        return list(zip(lines, wanted, strict=True))

    def _can_matter(self, text: str, line: Sentence) -> bool:
        if line.section == "remedy":
            return True
        if line.section in ("findings", "decision", "other") and line.role in ("analysis", "mixed"):
            words = regex.findall(r"[a-z]+", text[line.start : line.end].lower())
            if not self._verdicts.isdisjoint(words):
                return True
        return _tells_of_redress(text[line.start : line.end].lower())

    def _reading(self, text: str, sentences: list[Sentence], doc: Doc | None = None) -> Reading:
        """A Reading of sentences of a text, on the Doc of the whole text or on one of just those that are tokenised."""
        reading = Reading(text, sentences, [], [], [], doc or Doc(self.nlp.vocab), self.matchers)
        at, parts = 0, []
        for i, sentence in enumerate(sentences):
            if doc is not None:
                reading.shifts.append(0)
            elif sentence.section in _WITH_VERDICTS and reading.hits(i, "verdicts"):
                reading.shifts.append(at - sentence.start)
                parts.append(reading.words(sentence))
                at += sentence.end - sentence.start + 1
            else:
                reading.shifts.append(_ABSENT)
        if doc is None:
            reading.doc = self.nlp.make_doc("\n".join(parts))
        reading.places = reading.doc.to_array("IDX").tolist() if len(reading.doc) else []
        for sentence, shift in zip(sentences, reading.shifts, strict=True):
            if shift == _ABSENT:
                reading.tokens.append(None)
            else:
                begin, end = sentence.start + shift, sentence.end + shift
                reading.tokens.append((bisect_left(reading.places, begin), bisect_left(reading.places, end)))
        return reading


def _tells_of_redress(line: str) -> bool:
    """Whether a line, in lower case, holds words of verdicts, actions or sums."""
    return (
        any(word in line for word in _WORDS)
        or (any(part in line for part in _PARTS) and _ELSEWHERE.search(line) is not None)
        or _PENCE.search(line) is not None
    )


def spans_of(doc: Doc, reading: Reading, places: list[tuple[int, int, str]]) -> list[Span]:
    """Spans of the Doc for (start, end, label) in the decision; places outside the Doc are left out."""
    found = []
    begins = [s.start for s in reading.sentences]
    for start, end, label in places:
        i = bisect_right(begins, start) - 1
        if i < 0 or start >= reading.sentences[i].end or reading.shifts[i] == _ABSENT:
            continue
        shift = reading.shifts[i]
        span = doc.char_span(start + shift, end + shift, label=label, alignment_mode="expand")
        if span is not None:
            found.append(span)
    return found


Component = Callable[[Doc], Doc]
_READERS: dict[int, Reader] = {}


def reader_for(nlp: Language) -> Reader:
    """The one Reader of a pipeline: its components share the compiled rules."""
    key = id(nlp.vocab)
    if key not in _READERS:
        _READERS[key] = Reader(nlp)
    return _READERS[key]


__all__ = ["Component", "Reader", "Reading", "blank", "reader_for", "spans_of"]
