"""The values that go from stage to stage: RawPage → Decision → Finding | Remedy | Payment | Amount | Citation.

All are frozen. Offsets count Python characters in `Decision.text`; every value that carries `start` and `end`
is a span of that text, and its words are `text[start:end]`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date


class Unreadable(Exception):  # noqa: N818 - the name says what the file is
    """A raw file that holds no decision. `reason` is a short code, `detail` a sentence for a person."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class RawPage:
    """One raw decision as it was found: its name (path or address), its bytes, and where it was published."""

    name: str
    content: bytes
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Header:
    """What the page prints about itself. Every field but the source is null where the page does not say."""

    organisation: str | None = None
    reference: str | None = None
    category: str | None = None
    subcategory: str | None = None
    decision: str | None = None
    decision_date: date | None = None
    document_type: str = "statement"
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and the span below it, up to the next heading of its level or above.

    `level` 1 is a main section, 2 a sub-heading; `code` is one of the section codes of the dataset;
    `first` and `last` are the published numbers of its paragraphs, null where it has none of its own.
    """

    heading: str
    level: int
    code: str
    first: int | None
    last: int | None
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One line of the text. Paragraphs tile it: joined by line ends they are the text.

    `kind` is paragraph (numbered), bullet (under a numbered one) or line (headings, tables, loose text).
    """

    position: int
    number: int | None
    kind: str
    section: str
    heading: str | None
    subheading: str | None
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Decision:
    """A cleaned decision. `text` is made once and never edited; everything found later is a span of it."""

    decision_id: str
    source: str
    header: Header
    summary: str | None
    text: str
    numbering: str
    paragraphs: tuple[Paragraph, ...]
    sections: tuple[Section, ...]
    source_file: str
    sha256: str

    @property
    def n_paragraphs(self) -> int:
        return max((p.number for p in self.paragraphs if p.number is not None), default=0)

    def words_of(self, span: Paragraph | Section | Finding | Remedy | Payment | Amount | Citation) -> str:
        """The words of a span of this decision."""
        return self.text[span.start : span.end]


@dataclass(frozen=True, slots=True)
class Finding:
    """A sentence in which the Ombudsman says that there was fault, or was not."""

    paragraph: int | None
    section: str
    start: int
    end: int
    polarity: str
    types: tuple[str, ...] = ()
    injustice: tuple[str, ...] = ()
    probability: float | None = None
    method: str = "rule"


@dataclass(frozen=True, slots=True)
class Remedy:
    """One action that puts things right: a bullet, or a clause of a sentence that lists several."""

    paragraph: int | None
    section: str
    start: int
    end: int
    types: tuple[str, ...]
    status: str
    organisation: str | None = None
    recipient: str | None = None
    deadline: str | None = None
    due_date: date | None = None


@dataclass(frozen=True, slots=True)
class Payment:
    """One sum of redress, in pounds. `remedy` is the place of its remedy in the decision's list of remedies."""

    paragraph: int | None
    section: str
    start: int
    end: int
    amount: float
    status: str
    frequency: str | None = None
    periods: int | None = None
    total: float | None = None
    recipient: str | None = None
    purposes: tuple[str, ...] = ()
    remedy: int | None = None


@dataclass(frozen=True, slots=True)
class Amount:
    """A sum in the text, in pounds, that is not a payment, and the reason why it is not."""

    paragraph: int | None
    section: str
    start: int
    end: int
    amount: float
    reason: str


@dataclass(frozen=True, slots=True)
class Citation:
    """A piece of law relied on, resolved to its act, year and provision."""

    paragraph: int | None
    start: int
    end: int
    act: str
    year: int | None
    provision: str | None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Extraction:
    """Everything found in one decision, in the order of the text.

    `candidates` are sentences that hold the words of a verdict and that the rules did not take for a finding;
    `injustice_told` says that the decision speaks, in so many words, of injustice that was caused.
    """

    findings: tuple[Finding, ...] = field(default=())
    remedies: tuple[Remedy, ...] = field(default=())
    payments: tuple[Payment, ...] = field(default=())
    amounts: tuple[Amount, ...] = field(default=())
    citations: tuple[Citation, ...] = field(default=())
    candidates: tuple[Finding, ...] = field(default=())
    injustice_told: bool = False

    @property
    def fault_found(self) -> bool:
        """Whether there is at least one finding of fault."""
        return any(f.polarity == "fault" for f in self.findings)

    @property
    def injustice_found(self) -> bool:
        """Whether at least one fault is said to have caused injustice.

        A kind is named, or the word itself is used, or a sum is awarded, which is never done without.
        """
        kinds = {kind for f in self.findings if f.polarity == "fault" for kind in f.injustice}
        awarded = any(p.status in ("agreed", "recommended") for p in self.payments)
        return self.fault_found and (self.injustice_told or awarded or bool(kinds - {"none"}))


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the models say of a whole decision from its body; a label is null where its probability is too low.

    A probability is that of the likeliest label, said or not; null where no model ships.
    """

    category: str | None = None
    category_probability: float | None = None
    subcategory: str | None = None
    decision: str | None = None
    decision_probability: float | None = None
