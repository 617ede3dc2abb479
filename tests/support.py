"""What several tests share: raw cases, the shipped decisions, tables as rows, the command in a process of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from pipeline.clean import clean
from pipeline.schema import TABLES
from pipeline.values import Decision, Header, Paragraph, RawPage, Section

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
CASES = ROOT / "tests" / "cases"
SHIPPED = ROOT / "corpus" / "decisions"
RAW_SUFFIXES = (".txt", ".html")
# The files of CASES that hold a decision, and those that hold none.
DECISIONS = ("numbered.txt", "dashed.txt", "bare.txt", "page.html", "15-005-505.txt", "cookies.txt", "joint.txt")
INDEX_PAGES = ("index.txt", "index.html")


def case(name: str) -> str:
    """The text of one raw case."""
    return (CASES / name).read_text(encoding="utf-8")


def read(text: str | bytes, name: str = "decision.txt") -> Decision:
    """The decision in raw text or bytes."""
    return clean(RawPage(name, text.encode("utf-8") if isinstance(text, str) else text))


def one_paragraph(text: str) -> Decision:
    """A decision of one paragraph of analysis."""
    heading = "Analysis"
    whole = f"{heading}\n{text}"
    start = len(heading) + 1
    paragraphs = (
        Paragraph(0, None, "line", "findings", heading, None, 0, len(heading)),
        Paragraph(1, 1, "paragraph", "findings", heading, None, start, len(whole)),
    )
    sections = (Section(heading, 1, "findings", 1, 1, 0, len(whole)),)
    return Decision("text/0", "lgsco", Header(), None, whole, "inferred", paragraphs, sections, "", "")


def plain(text: str) -> str:
    """`text` with single plain spaces, as quotes are compared."""
    return " ".join(text.split())


def lines_of(decision: Decision) -> list[tuple[str, int | None, str]]:
    """(kind, number, words) of every line of a decision."""
    return [(p.kind, p.number, decision.words_of(p)) for p in decision.paragraphs]


def assert_tiles(decision: Decision) -> None:
    """The lines tile the text: in order, without a gap but one line end, and none is empty."""
    assert [p.position for p in decision.paragraphs] == list(range(len(decision.paragraphs)))
    assert "\n".join(decision.words_of(p) for p in decision.paragraphs) == decision.text
    offset = 0
    for p in decision.paragraphs:
        assert p.start == offset and p.end > p.start, p
        assert "\n" not in decision.words_of(p), p
        offset = p.end + 1
    assert offset == len(decision.text) + 1
    decision.text.encode("utf-8")  # holds nothing that cannot be written
    for section in decision.sections:
        assert decision.words_of(section).startswith(section.heading)


def raw_files(folder: Path) -> list[Path]:
    """The raw decisions below a folder that have gold beside them."""
    return sorted(p for p in folder.rglob("*") if p.suffix in RAW_SUFFIXES and p.with_suffix(".json").exists())


def gold_beside(path: Path) -> dict[str, Any]:
    """The gold of a shipped decision."""
    loaded: dict[str, Any] = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    return loaded


def read_tables(out: Path) -> dict[str, list[dict[str, Any]]]:
    """Every table of a dataset, as rows."""
    return {name: pq.read_table(out / name).to_pylist() for name in TABLES}


def leftovers(out: Path) -> list[str]:
    """Files and folders of a dataset that a finished run does not leave: temporary names, half-written tables."""
    places = (p.relative_to(out) for p in out.rglob("*"))
    kept = {".lock", ".work"}
    return sorted(str(p) for p in places if p.name not in kept and (p.name.startswith(".") or "tmp" in p.suffix))


def command(*arguments: object) -> list[str]:
    """The command line that runs `redress` with this Python."""
    return [str(Path(sys.executable).with_name("redress")), *map(str, arguments)]


def redress(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """Runs `redress` in a process of its own, where no output is a terminal."""
    environment = {**os.environ, "COLUMNS": "200", "NO_COLOR": "1", **options.pop("env", {})}
    return subprocess.run(
        command(*arguments),
        cwd=options.pop("cwd", ROOT),
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        **options,
    )


def write_corpus(folder: Path, copies: int = 4) -> Path:
    """A folder of raw files: decisions in all layouts, a joint report, a duplicate and pages that hold none.

    Every decision stands in `copies` files under references of its own.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for k in range(copies):
        for name in DECISIONS:
            text = re.sub(r"(?<=[ ;-])\d{3}(?=a?\)\n|a?\)<|\">)", str(700 + k), case(name))
            text = text.replace("Summary: ", f"Summary: Case {k} of {copies}. ")
            report = name.startswith("15-")  # its reference is in the file's name, and its text is the same every time
            (folder / (f"15-005-{700 + k}.txt" if report else f"{k:02d} {name}")).write_text(text, encoding="utf-8")
    # The same decision without its header, an index page, an empty file and one that is no text.
    lines = case("numbered.txt").replace("101)", "700)").split("\n")
    (folder / "again.txt").write_text("\n".join([lines[0], *lines[7:]]), encoding="utf-8")
    (folder / "index.txt").write_text(case("index.txt"), encoding="utf-8")
    (folder / "nothing.txt").write_text("", encoding="utf-8")
    (folder / "scan.txt").write_bytes(b"%PDF-1.7\n" + bytes(range(256)) * 8)
    (folder / "00 numbered.json").write_text("{}", encoding="utf-8")
    return folder
