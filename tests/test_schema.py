"""The tables: their columns, what a run writes into them, and run.json."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support import DECISIONS

from pipeline import __version__
from pipeline.classify.models import models_digest
from pipeline.corpus import codes, digest
from pipeline.schema import CODES, PARTS, TABLES, check, dictionary, to_arrow, type_name

Rows = dict[str, list[dict[str, Any]]]
COPIES = 4
QUOTES = {
    "paragraphs": "text",
    "findings": "sentence",
    "remedies": "text",
    "payments": "text",
    "amounts": "text",
    "citations": "text",
}
# The columns of the published contract, in its order; "?" marks those that may be null.
CONTRACT = {
    "decisions": """
        decision_id source reference url? organisation? organisation_type? category? subcategory?
        category_predicted? category_probability? decision? decision_predicted? decision_probability?
        decision_date? received_year? document_type summary? text numbering n_paragraphs n_words fault_found
        injustice_found fault_types injustice_types remedy_types total_awarded same_text_as? source_file
        sha256
    """,
    "paragraphs": "decision_id position paragraph? kind section heading? subheading? text start end",
    "findings": """
        finding_id decision_id paragraph? section sentence start end polarity types injustice probability?
        method
    """,
    "remedies": """
        remedy_id decision_id paragraph? section text start end types status organisation? recipient?
        deadline? due_date?
    """,
    "payments": """
        payment_id decision_id remedy_id? paragraph? section text start end amount currency frequency?
        periods? total? recipient? purposes status
    """,
    "amounts": "amount_id decision_id paragraph? section text start end amount reason",
    "citations": "decision_id paragraph? text start end act year? provision? url?",
    "quarantine": "source_file reason detail",
}


@pytest.mark.parametrize("name", CONTRACT)
def test_columns_are_those_of_the_contract(name: str) -> None:
    assert [c.name + "?" * c.nullable for c in TABLES[name].columns] == CONTRACT[name].split()


def test_there_are_no_other_tables() -> None:
    assert set(TABLES) == set(CONTRACT)
    assert set(TABLES) == {"decisions", *PARTS, "quarantine"}


def test_types() -> None:
    kinds = {(t.name, c.name): type_name(c.type) for t in TABLES.values() for c in t.columns}
    assert kinds["decisions", "decision_date"] == kinds["remedies", "due_date"] == "date32"
    assert {kinds[k] for k in kinds if k[1] in ("amount", "total", "total_awarded", "probability")} == {"float64"}
    assert {kinds[k] for k in kinds if k[1] in ("types", "injustice", "purposes", "fault_types", "remedy_types")} == {
        "list<string>"
    }
    assert {kinds[k] for k in kinds if k[1] in ("paragraph", "position", "n_words", "periods")} == {"int32"}
    assert kinds["decisions", "received_year"] == kinds["citations", "year"] == "int16"


def test_every_column_is_described() -> None:
    for table in TABLES.values():
        assert table.row
        for column in table.columns:
            assert len(column.description) >= 3, column
            assert column.type != CODES or not column.nullable, "lists are never null"


def test_the_dictionary_prints_every_column() -> None:
    printed = dictionary()
    for table in TABLES.values():
        part = dictionary([table.name])
        assert part in printed + "\n" or part.strip() in printed
        for c in table.columns:
            assert f"| `{c.name}` | {type_name(c.type)}{'?' if c.nullable else ''} | {c.description} |" in part


def _quarantined(**changes: Any) -> pa.Table:
    return to_arrow("quarantine", [{"source_file": "a.txt", "reason": "empty", "detail": "nothing in it", **changes}])


def test_check_finds_nulls_and_other_columns() -> None:
    assert check("quarantine", _quarantined()) == []
    assert check("quarantine", _quarantined(reason=None)) == ["quarantine.reason holds nulls"]
    assert check("quarantine", _quarantined().drop_columns(["detail"]))
    assert check("quarantine", _quarantined().rename_columns(["source_file", "reason", "details"]))
    assert check("citations", _quarantined())


def test_to_arrow_takes_no_row_that_does_not_fit() -> None:
    with pytest.raises(KeyError):
        to_arrow("quarantine", [{"source_file": "a.txt"}])
    with pytest.raises((pa.ArrowInvalid, pa.ArrowTypeError)):
        _quarantined(reason=3)


# -- what a run writes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TABLES)
def test_every_table_written_passes_its_check(name: str, undisturbed: Path) -> None:
    files = sorted((undisturbed / name).iterdir())
    assert files and all(f.suffix == ".parquet" for f in files)
    for file in files:
        assert check(name, pq.read_table(file)) == []
        assert pq.read_schema(file).field(0).metadata == {b"description": TABLES[name].columns[0].description.encode()}
        metadata = pq.read_metadata(file)
        for group in range(metadata.num_row_groups):
            assert metadata.row_group(group).column(0).compression == "ZSTD"


def test_every_input_is_a_decision_or_in_quarantine(corpus: Path, tables: Rows, undisturbed: Path) -> None:
    inputs = sorted(p.name for p in corpus.iterdir() if p.suffix != ".json")
    accounted = [row["source_file"] for row in tables["decisions"] + tables["quarantine"]]
    assert sorted(accounted) == inputs
    assert len(tables["decisions"]) == COPIES * len(DECISIONS)
    assert {row["source_file"]: row["reason"] for row in tables["quarantine"]} == {
        "again.txt": "duplicate",
        "index.txt": "not_a_decision",
        "nothing.txt": "empty",
        "scan.txt": "binary",
    }
    assert all(len(row["detail"]) > 10 for row in tables["quarantine"])


@pytest.mark.parametrize("name", PARTS)
def test_every_row_quotes_the_text(name: str, tables: Rows) -> None:
    text = {row["decision_id"]: row["text"] for row in tables["decisions"]}
    for row in tables[name]:
        assert row["start"] < row["end"]
        assert text[row["decision_id"]][row["start"] : row["end"]] == row[QUOTES[name]]


def test_tables_that_hold_something(tables: Rows) -> None:
    assert tables["paragraphs"] and tables["findings"]


@pytest.mark.parametrize("name", ["decisions", *PARTS])
def test_rows_are_in_order(name: str, tables: Rows) -> None:
    ids = [row["decision_id"] for row in tables[name]]
    assert ids == sorted(ids)
    if name == "decisions":
        assert len(set(ids)) == len(ids)
    else:
        places = [(row["decision_id"], row["start"]) for row in tables[name]]
        assert places == sorted(places)


def test_the_lines_of_every_decision_tile_its_text(tables: Rows) -> None:
    for decision in tables["decisions"]:
        lines = [row for row in tables["paragraphs"] if row["decision_id"] == decision["decision_id"]]
        assert [row["position"] for row in lines] == list(range(len(lines)))
        assert "\n".join(row["text"] for row in lines) == decision["text"]
        assert max((row["paragraph"] or 0 for row in lines), default=0) == decision["n_paragraphs"]


def test_codes_are_those_of_the_taxonomy(tables: Rows) -> None:
    lists = {"fault_types": "fault_types", "injustice_types": "injustice_types", "remedy_types": "remedy_types"}
    for row in tables["decisions"]:
        for column, taxonomy in lists.items():
            assert set(row[column]) <= set(codes(taxonomy))
    sections = set(codes("sections"))
    assert {row["section"] for name in PARTS if name != "citations" for row in tables[name]} <= sections
    for name, column, taxonomy in (
        ("findings", "types", "fault_types"),
        ("findings", "injustice", "injustice_types"),
        ("remedies", "types", "remedy_types"),
        ("payments", "purposes", "payment_purposes"),
    ):
        assert {code for row in tables[name] for code in row[column]} <= set(codes(taxonomy))
    assert {row["status"] for name in ("remedies", "payments") for row in tables[name]} <= set(codes("statuses"))
    assert {row["reason"] for row in tables["amounts"]} <= set(codes("amount_reasons"))


def test_decisions_add_up_what_the_other_tables_hold(tables: Rows) -> None:
    for decision in tables["decisions"]:
        own = {name: [row for row in tables[name] if row["decision_id"] == decision["decision_id"]] for name in PARTS}
        faults = [row for row in own["findings"] if row["polarity"] == "fault"]
        assert decision["fault_found"] is bool(faults)
        assert decision["fault_types"] == sorted({code for row in faults for code in row["types"]})
        paid = [row["total"] or 0.0 for row in own["payments"] if row["status"] in ("agreed", "recommended")]
        assert decision["total_awarded"] == round(sum(paid), 2)
        assert {row["remedy_id"] for row in own["payments"]} - {None} <= {row["remedy_id"] for row in own["remedies"]}
        assert decision["n_words"] == len(decision["text"].split())


def test_a_row_of_decisions(tables: Rows) -> None:
    row = next(r for r in tables["decisions"] if r["decision_id"] == "lgsco/24-001-700")
    assert row["organisation"] == "Larkbridge Borough Council" and row["organisation_type"] is not None
    assert (row["reference"], row["received_year"], row["decision_date"]) == ("24 001 700", 2024, date(2025, 2, 3))
    assert (row["numbering"], row["n_paragraphs"], row["document_type"]) == ("inferred", 11, "statement")
    assert row["source_file"] == "00 numbered.txt" and len(row["sha256"]) == 64


def test_reports_with_one_text_are_linked_to_the_first(tables: Rows) -> None:
    reports = {
        row["decision_id"]: row["same_text_as"] for row in tables["decisions"] if row["document_type"] == "report"
    }
    first = "lgsco/15-005-700"
    assert reports == {first: None, **{f"lgsco/15-005-{700 + k}": first for k in range(1, COPIES)}}
    others = [row["same_text_as"] for row in tables["decisions"] if row["document_type"] != "report"]
    assert others and set(others) == {None}


def test_run_json(undisturbed: Path, tables: Rows) -> None:
    manifest = json.loads((undisturbed / "run.json").read_text(encoding="utf-8"))
    assert manifest["versions"]["redress"] == __version__ and manifest["versions"]["spacy"]
    assert manifest["digests"] == {"rules": digest("rules"), "taxonomy": digest("taxonomy"), "models": models_digest()}
    assert manifest["inputs"] == COPIES * len(DECISIONS) + 4
    assert manifest["passed_over"] == {".json": 1}
    assert manifest["decisions"] == len(tables["decisions"])
    assert manifest["quarantined"] == {"binary": 1, "duplicate": 1, "empty": 1, "not_a_decision": 1}
    assert manifest["rows"] == {name: len(rows) for name, rows in tables.items()}
    assert set(manifest["seconds"]) == {"clean", "extract", "dataset"} and all(
        s >= 0 for s in manifest["seconds"].values()
    )
    assert "Local Government and Social Care Ombudsman" in manifest["source"]


def test_no_path_or_clock_gets_into_the_tables(undisturbed: Path, tables: Rows) -> None:
    for rows in tables.values():
        for row in rows:
            assert not any(isinstance(value, str) and str(undisturbed.parent) in value for value in row.values())
