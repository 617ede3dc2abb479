"""The gate: how well the decisions that ship are read, held at floors that are pinned with a digest of their gold."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.cli import app

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("part", ["development", "test"])
def test_no_measure_is_under_its_floor(part: str) -> None:
    folder = str(ROOT / "corpus" / "decisions" / part)
    floors = str(ROOT / "corpus" / "floors.json")
    done = CliRunner().invoke(app, ["evaluate", folder, folder, "--no-list", "--floors", floors])
    assert done.exit_code == 0, done.output
