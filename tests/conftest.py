"""Fixtures that several tests share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import read_tables, write_corpus

from pipeline.stages import find_inputs, run_all

Run = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of raw files with a bit of everything; not to be changed."""
    return write_corpus(tmp_path_factory.mktemp("raw") / "corpus")


@pytest.fixture(scope="session")
def run() -> Run:
    """`run_all` on a folder, with shards of four files; the manifest."""

    def go(
        folder: Path, out: Path, *, workers: int = 1, scheduler: str | None = None, shard_size: int = 4
    ) -> dict[str, Any]:
        return run_all(find_inputs(folder), out, workers, scheduler, shard_size)

    return go


@pytest.fixture(scope="session")
def undisturbed(corpus: Path, run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dataset of `corpus`, made by one process in one go; not to be changed."""
    out = tmp_path_factory.mktemp("undisturbed") / "dataset"
    run(corpus, out)
    return out


@pytest.fixture(scope="session")
def tables(undisturbed: Path) -> dict[str, list[dict[str, Any]]]:
    """The tables of `corpus`, as rows."""
    return read_tables(undisturbed)
