"""The tour runs from top to bottom, its numbers are right, and git holds it without outputs."""

from __future__ import annotations

import base64
import json
import struct
import sys
from datetime import date
from pathlib import Path
from typing import Any

import nbformat
import pyarrow.parquet as pq
import pytest
from nbclient import NotebookClient

from pipeline.schema import TABLES, to_arrow

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
TOUR = ROOT / "notebooks" / "tour.ipynb"


@pytest.fixture(autouse=True)
def own_kernel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The kernel is that of this environment, whatever is set up for the user."""
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "1")
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))


def execute(checks: str = "") -> Any:
    """The tour with outputs, and `checks` run as its last cell."""
    tour = nbformat.read(TOUR, as_version=4)
    tour.cells.append(nbformat.v4.new_code_cell(f"import sys\nassert sys.prefix == {sys.prefix!r}\n{checks}"))
    NotebookClient(
        tour, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(TOUR.parent)}}
    ).execute()
    return tour


def charts(tour: Any) -> list[bytes]:
    outputs = [output for cell in tour.cells if cell.cell_type == "code" for output in cell.outputs]
    assert not [o for o in outputs if o.output_type == "error"]
    assert not [o for o in outputs if o.output_type == "stream" and "Warning" in o.text]
    return [base64.b64decode(o.data["image/png"]) for o in outputs if "image/png" in o.get("data", {})]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_git_holds_no_outputs(path: Path) -> None:
    notebook = json.loads(path.read_text("utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert code
    for cell in code:
        assert cell["outputs"] == [] and cell["execution_count"] is None, "run: .venv/bin/nbstripout " + str(path)
    assert set(notebook["metadata"]) <= {"kernelspec", "language_info"}


@pytest.fixture(autouse=True)
def no_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    """A backend of the caller's would keep the charts out of the page."""
    monkeypatch.delenv("MPLBACKEND", raising=False)


@pytest.mark.slow
def test_the_tour_runs_on_the_decisions_that_ship(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("REDRESS_DATASET", str(tmp_path / "missing"))
    tour = execute("assert len(decisions) > 20 and str(dataset).startswith(__import__('tempfile').gettempdir())")
    pictures = charts(tour)
    assert len(pictures) >= 6
    for picture in pictures:
        assert picture.startswith(b"\x89PNG")
        width, height = struct.unpack(">II", picture[16:24])
        assert width > 400 and height > 100
    assert not (tmp_path / "missing").exists()


Row = tuple[str, str | None, str | None, date | None, float, str | None]
# reference, category, decision, date, total awarded, same text as
SMALL: tuple[Row, ...] = (
    ("20-000-001", "Housing", "Upheld", date(2021, 5, 1), 100.0, None),
    ("20-000-002", "Housing", "Upheld", date(2021, 6, 1), 300.0, None),
    ("20-000-003", "Housing", "Not upheld", date(2021, 7, 1), 0.0, None),
    ("20-000-004", "Housing", "Closed after initial enquiries", date(2021, 7, 2), 0.0, None),
    ("20-000-005", "Education", "Upheld", date(2021, 8, 1), 0.0, None),
    ("21-000-001", "Education", "Not upheld", date(2022, 1, 1), 0.0, None),
    ("21-000-002", "Education", "Upheld", date(2022, 2, 1), 1000.0, None),
    ("21-000-003", None, None, None, 50.0, None),
    ("21-000-004", "Education", "Upheld", date(2022, 2, 1), 1000.0, "lgsco/21-000-002"),
)
FINDINGS = (
    ("20-000-001", "fault", ["delay", "record_keeping"]),
    ("20-000-001", "fault", ["delay"]),
    ("20-000-002", "fault", ["delay"]),
    ("20-000-003", "no_fault", []),
    ("21-000-002", "fault", ["record_keeping"]),
    ("21-000-004", "fault", ["record_keeping"]),
)
CHECKS = """
def same(table, expected):
    got = {key: (round(float(row.value), 4), int(row.n)) for key, row in zip(table.index, table.itertuples())}
    assert got == expected, got
    assert (table["low"] <= table["value"]).all() and (table["value"] <= table["high"]).all()

assert len(decisions) == 8 and left_out == 1
same(uphold_by_year, {2021: (0.75, 4), 2022: (0.5, 2)})
same(uphold_by_category, {"Housing": (0.6667, 3), "Education": (0.6667, 3)})
same(award_by_year, {2021: (200.0, 2), 2022: (1000.0, 1)})
same(award_by_category, {"Housing": (200.0, 2), "Education": (1000.0, 1), "(none printed)": (50.0, 1)})
same(share_by_category, {"Housing": (1.0, 2), "Education": (0.5, 2)})
assert {key: row.to_dict() for key, row in faults_by_year.iterrows()} == {
    "delay": {2021: 2, 2022: 0}, "record_keeping": {2021: 1, 2022: 1}
}, faults_by_year
assert faults_by_category.loc["delay", "Housing"] == 2 and faults_by_category.loc["record_keeping", "Education"] == 1
counts = findings_by_category.set_index("category")
assert counts.loc["Housing", ["upheld", "findings"]].tolist() == [2, 3]
assert counts.loc["Education", ["upheld", "findings"]].tolist() == [2, 1]
assert [round(v, 3) for v in wilson(0, 10)] == [0.0, 0.278] and [round(v, 3) for v in wilson(5, 10)] == [0.237, 0.763]
"""


@pytest.mark.slow
def test_the_numbers_of_the_tour_are_right(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write_small_dataset(tmp_path / "dataset")
    monkeypatch.setenv("REDRESS_DATASET", str(tmp_path / "dataset"))
    assert len(charts(execute(CHECKS))) == 8


def write_small_dataset(out: Path) -> None:
    """A dataset of the rows above, every other column empty."""
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in TABLES}
    for reference, category, decision, day, awarded, same in SMALL:
        values = {
            "decision_id": f"lgsco/{reference}",
            "category": category,
            "decision": decision,
            "decision_date": day,
            "total_awarded": awarded,
            "same_text_as": same,
            "text": "There was fault.",
        }
        rows["decisions"].append(blank("decisions") | values)
    for i, (reference, polarity, types) in enumerate(FINDINGS):
        key = {"finding_id": f"f{i}", "decision_id": f"lgsco/{reference}"}
        span = {"sentence": "There was fault.", "start": 0, "end": 16, "polarity": polarity, "types": types}
        rows["findings"].append(blank("findings") | key | span)
    for name, table in rows.items():
        (out / name).mkdir(parents=True)
        pq.write_table(to_arrow(name, table), out / name / "part-00000.parquet")
    (out / "run.json").write_text("{}", encoding="utf-8")


def blank(name: str) -> dict[str, Any]:
    """A row that says nothing: null where it may be, else empty."""
    empty = {"string": "", "bool": False, "double": 0.0, "list<item: string not null>": []}
    return {c.name: None if c.nullable else empty.get(str(c.type), 0) for c in TABLES[name].columns}
