"""The tables: every column with its type and description. Readers, writers, checks and docs all come from here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

STRING = pa.string()
CODES = pa.list_(pa.field("item", pa.string(), nullable=False))


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `nullable` columns are null where the text does not say. Lists are never null."""

    name: str
    type: pa.DataType
    description: str
    nullable: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the dataset: `row` says what a row is."""

    name: str
    row: str
    columns: tuple[Column, ...]

    @property
    def arrow(self) -> pa.Schema:
        return pa.schema([pa.field(c.name, c.type, c.nullable, {"description": c.description}) for c in self.columns])


def _column(name: str, kind: Any, description: str) -> Column:
    """A column whose description ends in "?" may be null."""
    nullable = description.endswith("?")
    return Column(name, kind, description.rstrip("?").rstrip(), nullable)


_ID = _column("decision_id", STRING, "the decision, `lgsco/23-011-589`")
_PARAGRAPH = _column("paragraph", pa.int32(), "the published paragraph number, null where the line has none ?")
_SECTION = _column("section", STRING, "the section it stands in (taxonomy: sections)")
_START = _column("start", pa.int64(), "where the span begins, in characters of decisions.text")
_END = _column("end", pa.int64(), "where the span ends: text[start:end] is the quote")


def _table(name: str, row: str, *columns: Column) -> Table:
    return Table(name, row, columns)


_ALL = (
    _table(
        "decisions",
        "one decision",
        _column("decision_id", STRING, "source and reference, `lgsco/23-011-589`; unique"),
        _column("source", STRING, "the ombudsman: `lgsco`"),
        _column("reference", STRING, "the case reference as the Ombudsman prints it, `23 011 589`"),
        _column("url", STRING, "where it was published, if known ?"),
        _column("organisation", STRING, "the body complained about, as printed; null in reports that do not name it ?"),
        _column(
            "organisation_type", STRING, "london_borough, county_council, district_council, … where the name tells ?"
        ),
        _column("category", STRING, "as printed; null where the page has none ?"),
        _column("subcategory", STRING, "as printed; null where the page has none ?"),
        _column("category_predicted", STRING, "the classifier's category, from the body text alone ?"),
        _column("category_probability", pa.float64(), "how sure the classifier is, 0 to 1 ?"),
        _column("decision", STRING, "as printed: Upheld, Not upheld, Closed after initial enquiries ?"),
        _column("decision_predicted", STRING, "the classifier's decision, from the body text alone ?"),
        _column("decision_probability", pa.float64(), "how sure the classifier is, 0 to 1 ?"),
        _column("decision_date", pa.date32(), "the date of the decision, as printed ?"),
        _column("received_year", pa.int16(), "the year in the reference (23 → 2023) ?"),
        _column("document_type", STRING, "statement, or report (the short public-interest form)"),
        _column("summary", STRING, "the summary, without its label ?"),
        _column("text", STRING, "the cleaned decision: every heading, paragraph and bullet on a line, furniture gone"),
        _column("numbering", STRING, "where paragraph numbers come from: markup, inferred (rebuilt from text), none"),
        _column("n_paragraphs", pa.int32(), "the highest paragraph number"),
        _column("n_words", pa.int32(), "words in text"),
        _column("fault_found", pa.bool_(), "at least one finding of fault"),
        _column("injustice_found", pa.bool_(), "at least one fault is said to have caused injustice"),
        _column("fault_types", CODES, "the union over findings of fault (taxonomy: fault_types)"),
        _column("injustice_types", CODES, "the union over findings of fault (taxonomy: injustice_types)"),
        _column("remedy_types", CODES, "the union over remedies agreed, recommended or made (taxonomy: remedy_types)"),
        _column("total_awarded", pa.float64(), "pounds: the sum of the totals of agreed and recommended payments"),
        _column(
            "same_text_as", STRING, "the first decision_id with the same text (a report under several references) ?"
        ),
        _column("source_file", STRING, "the raw file"),
        _column("sha256", STRING, "the digest of the raw file"),
    ),
    _table(
        "paragraphs",
        "one line of a decision's text; the lines tile it",
        _ID,
        _column("position", pa.int32(), "the line's place in the decision, from 0"),
        _PARAGRAPH,
        _column("kind", STRING, "paragraph (numbered), bullet (under one), line (headings, tables, loose text)"),
        _SECTION,
        _column("heading", STRING, "the main heading above it ?"),
        _column("subheading", STRING, "the sub-heading above it ?"),
        _column("text", STRING, "the line's words"),
        _START,
        _END,
    ),
    _table(
        "findings",
        "one sentence in which the Ombudsman says that there was fault, or was not",
        _column("finding_id", STRING, "unique: the decision, `/f` and a count"),
        _ID,
        _PARAGRAPH,
        _SECTION,
        _column("sentence", STRING, "the sentence that says so"),
        _START,
        _END,
        _column("polarity", STRING, "fault or no_fault"),
        _column("types", CODES, "the kinds of fault (taxonomy: fault_types)"),
        _column("injustice", CODES, "what its paragraph says followed from the fault (taxonomy: injustice_types)"),
        _column("probability", pa.float64(), "how likely rules and models hold it, 0 to 1; null without models ?"),
        _column("method", STRING, "rule where a rule found it, model where a model alone did"),
    ),
    _table(
        "remedies",
        "one action that puts things right",
        _column("remedy_id", STRING, "unique: the decision, `/r` and a count"),
        _ID,
        _PARAGRAPH,
        _SECTION,
        _column("text", STRING, "the bullet or clause"),
        _START,
        _END,
        _column("types", CODES, "the kinds of remedy (taxonomy: remedy_types)"),
        _column("status", STRING, "agreed, recommended, made or offered (taxonomy: statuses)"),
        _column("organisation", STRING, "who must act ?"),
        _column("recipient", STRING, "whom it is for, as written ?"),
        _column("deadline", STRING, "by when, as written ?"),
        _column(
            "due_date", pa.date32(), "the deadline as a date, worked out from the decision date where it must be ?"
        ),
    ),
    _table(
        "payments",
        "one sum of redress",
        _column("payment_id", STRING, "unique: the decision, `/p` and a count"),
        _ID,
        _column("remedy_id", STRING, "the remedy it belongs to ?"),
        _PARAGRAPH,
        _SECTION,
        _column("text", STRING, "the bullet or clause"),
        _START,
        _END,
        _column("amount", pa.float64(), "pounds, for one recipient and one period"),
        _column("currency", STRING, "GBP"),
        _column("frequency", STRING, "day, week, fortnight, month, term or year; null for a lump sum ?"),
        _column("periods", pa.int32(), "how many periods, where the text counts them ?"),
        _column("total", pa.float64(), "pounds altogether; null where it cannot be worked out ?"),
        _column("recipient", STRING, "whom it is paid to, as written ?"),
        _column("purposes", CODES, "what it is for (taxonomy: payment_purposes)"),
        _column("status", STRING, "agreed, recommended, made or offered (taxonomy: statuses)"),
    ),
    _table(
        "amounts",
        "one sum in the text that is no payment, with the reason: with payments, they account for every pound",
        _column("amount_id", STRING, "unique: the decision, `/a` and a count"),
        _ID,
        _PARAGRAPH,
        _SECTION,
        _column("text", STRING, "the sum as written"),
        _START,
        _END,
        _column("amount", pa.float64(), "pounds"),
        _column("reason", STRING, "why it is no payment (taxonomy: amount_reasons)"),
    ),
    _table(
        "citations",
        "one provision of law relied on",
        _ID,
        _PARAGRAPH,
        _column("text", STRING, "the citation as written"),
        _START,
        _END,
        _column("act", STRING, "the act, regulations or guidance, `Local Government Act 1974`"),
        _column("year", pa.int16(), "its year ?"),
        _column("provision", STRING, "`s26(1)`, `Sch5 para5(2)`, `reg12` ?"),
        _column("url", STRING, "legislation.gov.uk, for the acts that it holds ?"),
    ),
    _table(
        "quarantine",
        "one raw file that gave no row of decisions",
        _column("source_file", STRING, "the raw file"),
        _column(
            "reason", STRING, "empty, binary, not_a_decision, no_reference, duplicate, unsupported_type, unreadable, …"
        ),
        _column("detail", STRING, "what is wrong with it, in a sentence"),
    ),
)
TABLES: Mapping[str, Table] = {table.name: table for table in _ALL}
# The tables whose rows belong to a decision.
PARTS = ("paragraphs", "findings", "remedies", "payments", "amounts", "citations")


def to_arrow(name: str, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Rows (column → value) of one table as Arrow; raises pa.ArrowInvalid or KeyError when the schema does not fit."""
    schema = TABLES[name].arrow
    return pa.Table.from_arrays([pa.array([row[f.name] for row in rows], f.type) for f in schema], schema=schema)


def check(name: str, table: pa.Table) -> list[str]:
    """What is wrong with a table, a sentence each: wrong columns or types, nulls where there may be none."""
    schema = TABLES[name].arrow
    if not table.schema.equals(schema):
        return [f"{name}: columns are {table.schema.names}, the schema has {schema.names}"]
    return [f"{name}.{f.name} holds nulls" for f in schema if not f.nullable and table.column(f.name).null_count]


def type_name(kind: pa.DataType) -> str:
    """The name of a type as the data dictionary prints it."""
    names = {"double": "float64", "bool": "bool", "date32[day]": "date32"}
    return "list<string>" if kind == CODES else names.get(str(kind), str(kind))


def dictionary(tables: Iterable[str] = TABLES) -> str:
    """The data dictionary as Markdown: a section a table, a row a column ("?" marks columns that may be null)."""
    parts = []
    for name in tables:
        table = TABLES[name]
        lines = [f"### {name}", "", f"A row is {table.row}.", "", "| column | type | meaning |", "| --- | --- | --- |"]
        lines.extend(
            f"| `{c.name}` | {type_name(c.type)}{'?' if c.nullable else ''} | {c.description} |" for c in table.columns
        )
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"
