"""What ships is our own writing: it shares no run of words with the real decisions, page furniture included."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import RAW_SUFFIXES, ROOT, SHARED, read

RUN = 12
REAL = [path for folder in ("seeds", "samples") for path in sorted((SHARED / folder).glob("*.txt"))]
FOLDERS = ("corpus", "docs", "notebooks", "pipeline", "tests")
TEXTS = {".txt", ".html", ".json", ".jsonl", ".md", ".py", ".yaml", ".ipynb"}
# The labels of the header are the site's, and a category and an outcome are facts.
HEADER = re.compile(r"^(?:Category|Decision|Decision date)\s*:.*$", re.MULTILINE)


def runs_of(text: str) -> Iterator[tuple[str, ...]]:
    """Every run of RUN words."""
    words = re.findall(r"[a-z0-9]+", text.lower())
    return zip(*(words[i:] for i in range(RUN)), strict=False)


def forms_of(path: Path) -> Iterator[str]:
    """A file as it is, and as a reader sees it: JSON unescaped, a page without its tags."""
    raw = path.read_bytes()
    text = raw.decode("utf-8", errors="replace")
    yield text
    if path.suffix in (".json", ".ipynb"):
        yield json.dumps(json.loads(text), ensure_ascii=False)
    elif path.suffix in RAW_SUFFIXES and "decisions" in path.parts:
        yield read(raw, path.name).text


def test_a_run_is_found_across_lines_and_marks() -> None:
    one, two = "One, two three (four) five six. Seven", "seven eight nine ten eleven twelve"
    assert len(set(runs_of(f"zero {one} eight nine ten eleven twelve")) & set(runs_of(f"{one[:-5]}\n\n{two}"))) == 1


@pytest.mark.skipif(not REAL, reason="the real decisions are not here")
def test_no_run_of_words_is_shared_with_a_real_decision() -> None:
    real = {run for path in REAL for run in runs_of(HEADER.sub("", path.read_text(encoding="utf-8")))}
    assert len(real) > 10_000
    files = [ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    files += [path for name in FOLDERS for path in sorted((ROOT / name).rglob("*")) if path.suffix in TEXTS]
    shared = {
        str(path.relative_to(ROOT)): " ".join(min(found))
        for path in files
        if (found := {run for form in forms_of(path) for run in runs_of(HEADER.sub("", form))} & real)
    }
    assert shared == {}
