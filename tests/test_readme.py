"""The README is true where a test can say so."""

from __future__ import annotations

from pathlib import Path

from typer.main import get_command

from pipeline.cli import app
from pipeline.schema import dictionary

README = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")


def test_the_data_dictionary_is_the_schema() -> None:
    assert dictionary() in README


def test_every_command_is_named() -> None:
    commands = get_command(app).commands  # type: ignore[attr-defined]
    assert [name for name in commands if name not in README] == []


def test_every_part_is_filled() -> None:
    for part in ("rows", "accuracy", "bench", "limits", "dictionary"):
        begin, end = f"<!-- {part}: begin -->", f"<!-- {part}: end -->"
        assert len(README.split(begin)[1].split(end)[0].strip()) > 100, part
