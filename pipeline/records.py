"""The files between the stages: one parquet file a shard, one row a decision, its parts nested in list columns.

`clean` writes records (decision, paragraphs, sections), `extract` adds what it found, `dataset` flattens them into
tables.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.clean.header import received_year
from pipeline.organisations import organisation_type
from pipeline.schema import PARTS, TABLES, to_arrow
from pipeline.values import (
    Amount,
    Citation,
    Decision,
    Extraction,
    Finding,
    Header,
    Paragraph,
    Payment,
    Prediction,
    Remedy,
    Section,
)

_SECTIONS = pa.schema(
    [
        ("heading", pa.string()),
        ("level", pa.int8()),
        ("code", pa.string()),
        ("first", pa.int32()),
        ("last", pa.int32()),
        ("start", pa.int64()),
        ("end", pa.int64()),
    ]
)
AWARDED = frozenset({"agreed", "recommended"})
Row = dict[str, Any]


def decision_row(decision: Decision, found: Extraction, said: Prediction) -> Row:
    """The row of `decisions`; what the dataset stage decides later is null."""
    header = decision.header
    faults = [f for f in found.findings if f.polarity == "fault"]
    done = [r for r in found.remedies if r.status != "offered"]
    awarded = [p.total or 0.0 for p in found.payments if p.status in AWARDED]
    return {
        "decision_id": decision.decision_id,
        "source": decision.source,
        "reference": header.reference,
        "url": header.url,
        "organisation": header.organisation,
        "organisation_type": organisation_type(header.organisation),
        "category": header.category,
        "subcategory": header.subcategory,
        "category_predicted": said.category,
        "category_probability": said.category_probability,
        "decision": header.decision,
        "decision_predicted": said.decision,
        "decision_probability": said.decision_probability,
        "decision_date": header.decision_date,
        "received_year": received_year(header.reference),
        "document_type": header.document_type,
        "summary": decision.summary,
        "text": decision.text,
        "numbering": decision.numbering,
        "n_paragraphs": decision.n_paragraphs,
        "n_words": len(decision.text.split()),
        "fault_found": found.fault_found,
        "injustice_found": found.injustice_found,
        "fault_types": _union(f.types for f in faults),
        "injustice_types": _union(f.injustice for f in faults),
        "remedy_types": _union(r.types for r in done),
        "total_awarded": round(sum(awarded), 2),
        "same_text_as": None,
        "source_file": decision.source_file,
        "sha256": decision.sha256,
    }


def part_rows(decision: Decision, found: Extraction) -> dict[str, list[Row]]:
    """The rows of the other tables, by table, in the order of the text."""
    text, id_ = decision.text, decision.decision_id
    remedies = [f"{id_}/r{i}" for i in range(1, len(found.remedies) + 1)]
    rows: dict[str, list[Row]] = {
        "paragraphs": [
            {
                "decision_id": id_,
                "position": p.position,
                "paragraph": p.number,
                "kind": p.kind,
                "section": p.section,
                "heading": p.heading,
                "subheading": p.subheading,
                "text": text[p.start : p.end],
                "start": p.start,
                "end": p.end,
            }
            for p in decision.paragraphs
        ]
    }
    parts: tuple[tuple[str, str, str, Sequence[Finding | Remedy | Payment | Amount | Citation]], ...] = (
        ("findings", "f", "sentence", found.findings),
        ("remedies", "r", "text", found.remedies),
        ("payments", "p", "text", found.payments),
        ("amounts", "a", "text", found.amounts),
        ("citations", "", "text", found.citations),
    )
    for name, letter, quote, values in parts:
        rows[name] = []
        for i, value in enumerate(values, start=1):
            row = asdict(value)
            row["decision_id"] = id_
            row[quote] = text[value.start : value.end]
            if letter:
                row[f"{TABLES[name].columns[0].name}"] = f"{id_}/{letter}{i}"
            if name == "payments":
                row["currency"] = "GBP"
                row["remedy_id"] = None if row["remedy"] is None else remedies[row["remedy"]]
            rows[name].append(row)
    return rows


def _union(groups: Any) -> list[str]:
    return sorted({code for group in groups for code in group})


def write_shard(
    path: Path,
    decisions: Sequence[Decision],
    quarantine: Sequence[Mapping[str, str]],
    found: Sequence[Extraction] | None = None,
    predicted: Sequence[Prediction] | None = None,
) -> None:
    """Writes one shard. `found` holds the extraction of each decision; `predicted`, what the models say of it."""
    results = found if found is not None else [Extraction()] * len(decisions)
    said = predicted if predicted is not None else [Prediction()] * len(decisions)
    heads = [decision_row(d, e, p) for d, e, p in zip(decisions, results, said, strict=True)]
    parts = [part_rows(d, e) for d, e in zip(decisions, results, strict=True)]
    table = to_arrow("decisions", heads)
    for name in PARTS if found is not None else ("paragraphs",):
        table = table.append_column(name, _nest([p[name] for p in parts], TABLES[name].arrow))
    sections = [[asdict(s) for s in d.sections] for d in decisions]
    table = table.append_column("sections", _nest(sections, _SECTIONS))
    table = table.replace_schema_metadata({"quarantine": json.dumps(list(quarantine), ensure_ascii=False)})
    pq.write_table(table, path, compression="zstd", compression_level=1)


def _nest(groups: Sequence[Sequence[Row]], schema: pa.Schema) -> pa.Array:
    """Rows in groups as a list<struct> array, one list a group."""
    flat = [row for group in groups for row in group]
    columns = [pa.array([row[f.name] for row in flat], f.type) for f in schema]
    offsets = [0]
    for group in groups:
        offsets.append(offsets[-1] + len(group))
    struct = pa.StructArray.from_arrays(columns, fields=list(schema))
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), struct)


def read_quarantine(path: Path) -> list[dict[str, str]]:
    """The quarantine rows that a shard carries."""
    metadata = pq.read_schema(path).metadata or {}
    rows: list[dict[str, str]] = json.loads(metadata.get(b"quarantine", b"[]"))
    return rows


def read_decisions(path: Path) -> list[Decision]:
    """The decisions of one shard, as `clean` made them."""
    table = pq.read_table(path)
    heads = table.select([c for c in table.column_names if c not in (*PARTS, "sections")]).to_pylist()
    paragraphs = _ungroup(
        table.column("paragraphs"),
        ("position", "paragraph", "kind", "section", "heading", "subheading", "start", "end"),
    )
    sections = _ungroup(table.column("sections"), tuple(_SECTIONS.names))
    return [
        Decision(
            decision_id=head["decision_id"],
            source=head["source"],
            header=Header(
                **{
                    name: head[name]
                    for name in (
                        "organisation",
                        "reference",
                        "category",
                        "subcategory",
                        "decision",
                        "decision_date",
                        "document_type",
                        "url",
                    )
                }
            ),
            summary=head["summary"],
            text=head["text"],
            numbering=head["numbering"],
            paragraphs=tuple(Paragraph(*row) for row in rows),
            sections=tuple(Section(*row) for row in spans),
            source_file=head["source_file"],
            sha256=head["sha256"],
        )
        for head, rows, spans in zip(heads, paragraphs, sections, strict=True)
    ]


def _ungroup(column: pa.ChunkedArray, names: tuple[str, ...]) -> list[list[tuple[Any, ...]]]:
    """A list<struct> column as, for each row, its structs as tuples."""
    groups: list[list[tuple[Any, ...]]] = []
    for chunk in column.chunks:
        struct = chunk.flatten()
        flat = list(zip(*(struct.field(name).to_pylist() for name in names), strict=True))
        begin = 0
        for length in chunk.value_lengths().to_pylist():
            groups.append(flat[begin : begin + length])
            begin += length
    return groups
