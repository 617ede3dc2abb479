"""Drift: the share of each label by month, so that a change of the Ombudsman's wording, or of a page, shows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# A share has moved when it lies so many standard errors from the months before, and by at least so much.
ERRORS = 3.0
LEAST = 0.05
BEFORE = 12
LOW = "low confidence"


@dataclass(frozen=True, slots=True)
class Share:
    """One label's share of one month's decisions, and of the months before it; `moved` says that they differ."""

    month: str
    what: str
    label: str
    n: int
    share: float
    before: float | None
    moved: bool


def monitor(rows: Iterable[Mapping[str, Any]], months_before: int = BEFORE) -> list[Share]:
    """Shares by month, column and label from rows of `decisions`; rows without a date are left out."""
    counts: dict[str, dict[tuple[str, str], int]] = {}
    totals: dict[str, int] = {}
    for row in rows:
        if row["decision_date"] is None:
            continue
        month = row["decision_date"].strftime("%Y-%m")
        totals[month] = totals.get(month, 0) + 1
        of_month = counts.setdefault(month, {})
        for pair in _labels(row):
            of_month[pair] = of_month.get(pair, 0) + 1
    pairs = sorted({pair for month in counts.values() for pair in month})
    shares = []
    months = sorted(totals)
    for i, month in enumerate(months):
        earlier = months[max(0, i - months_before) : i]
        for what, label in pairs:
            n, hits = totals[month], counts[month].get((what, label), 0)
            base_n = sum(totals[m] for m in earlier)
            base_hits = sum(counts[m].get((what, label), 0) for m in earlier)
            before = base_hits / base_n if base_n else None
            shares.append(Share(month, what, label, n, hits / n, before, _moved(hits, n, base_hits, base_n)))
    return shares


def _labels(row: Mapping[str, Any]) -> set[tuple[str, str]]:
    found = {
        ("decision", row["decision"] or "not printed"),
        ("decision_predicted", row["decision_predicted"] or LOW),
        ("category_predicted", row["category_predicted"] or LOW),
    }
    if row["fault_found"]:
        found.add(("fault_found", "yes"))
        found |= {("fault_types", code) for code in row["fault_types"]} or {("fault_types", "none named")}
    found |= {("remedy_types", code) for code in row["remedy_types"]}
    return found


def _moved(hits: int, n: int, base_hits: int, base_n: int) -> bool:
    if not base_n:
        return False
    p, q = hits / n, base_hits / base_n
    pooled = (hits + base_hits) / (n + base_n)
    error = math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / base_n))
    return abs(p - q) >= LEAST and abs(p - q) > ERRORS * error


def read_dataset(folder: Path) -> list[dict[str, Any]]:
    """The columns of a dataset's `decisions` that are watched. Raises FileNotFoundError where there is no dataset."""
    import pyarrow.parquet as pq

    columns = [
        "decision_date",
        "decision",
        "decision_predicted",
        "category_predicted",
        "fault_found",
        "fault_types",
        "remedy_types",
    ]
    paths = sorted((folder / "decisions").glob("*.parquet"))
    if not paths:
        raise FileNotFoundError(f"{folder} holds no decisions table; make it with: redress run FOLDER --out {folder}")
    rows: list[dict[str, Any]] = []
    for path in paths:
        rows += pq.read_table(path, columns=columns).to_pylist()
    return rows


def table(shares: Sequence[Share], all_labels: bool = False) -> str:
    """The shares that moved (or all) for a person, a line each."""
    lines = []
    for s in shares:
        if all_labels or s.moved:
            was = "first month" if s.before is None else f"{s.before:.1%} before"
            lines.append(f"{'!' if s.moved else ' '} {s.month}  {s.what}: {s.label}  {s.share:.1%} of {s.n} ({was})")
    moved = sum(s.moved for s in shares)
    months = len({s.month for s in shares})
    return "\n".join([*lines, f"{moved} of {len(shares)} shares moved, over {months} months."])
