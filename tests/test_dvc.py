"""`dvc repro` makes what `make run` makes, and a second one does nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from pipeline.schema import TABLES

ROOT = Path(__file__).resolve().parents[1]
DVC_PYTHON = ROOT / ".venv-dvc" / "bin" / "python"
PARTS = (
    "pipeline",
    "corpus",
    "models",
    "data/.gitignore",
    ".dvc/config",
    ".dvcignore",
    "dvc.yaml",
    "params.yaml",
    ".gitignore",
)

INPUT = "corpus/decisions/development"  # a part of what ships: the network reads four decisions a second

needs_dvc = pytest.mark.skipif(not DVC_PYTHON.exists(), reason="no .venv-dvc here; `make test` sets it up")


def environment(copy: Path) -> dict[str, str]:
    """Of this process, but the copy's code runs, and DVC keeps to the copy."""
    settings = {f"DVC_{kind}_CONFIG_DIR": str(copy / ".settings") for kind in ("SYSTEM", "GLOBAL")}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    own = {"PATH": path, "PYTHONPATH": str(copy), "DVC_NO_ANALYTICS": "1", "DVC_SITE_CACHE_DIR": str(copy / ".site")}
    return {**os.environ, **settings, **own}


def call(copy: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=copy, env=environment(copy), capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def dvc(copy: Path, *arguments: str) -> str:
    return call(copy, str(DVC_PYTHON), "-m", "dvc", *arguments)


def state(copy: Path) -> dict[str, int]:
    """When each file below data/ was last written."""
    return {str(p): p.stat().st_mtime_ns for p in sorted((copy / "data").rglob("*")) if p.is_file()}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository elsewhere, its dataset made by DVC."""
    folder = tmp_path_factory.mktemp("copy")
    for part in PARTS:
        (folder / part).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / part, folder / part)
    params = (folder / "params.yaml").read_text("utf-8")
    assert "input: corpus/decisions " in params
    (folder / "params.yaml").write_text(params.replace("input: corpus/decisions ", f"input: {INPUT} "), "utf-8")
    call(folder, "git", "init", "--quiet")
    # Training takes three minutes; test_classify.py trains again what it can in seconds.
    dvc(folder, "commit", "--force", "train")
    dvc(folder, "freeze", "train")
    dvc(folder, "repro")
    return folder


@needs_dvc
@pytest.mark.slow
def test_repro_makes_what_a_run_makes(copy: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    call(copy, "redress", "run", INPUT, "--out", str(out), "--workers", "2")
    for name in TABLES:
        made, expected = (pq.read_table(folder / name) for folder in (copy / "data" / "dataset", out))
        assert made.equals(expected, check_metadata=True), name
    assert pq.read_table(out / "decisions").num_rows > 20
    made, expected = (json.loads((d / "run.json").read_text("utf-8")) for d in (copy / "data" / "dataset", out))
    for key in ("versions", "digests", "inputs", "decisions", "quarantined", "rows"):
        assert made[key] == expected[key], key
    # dvc.lock is kept in git, so what it holds the digests of must come out byte for byte the same everywhere.
    for one, other in (
        ("records", ".work/records"),
        ("extracted", ".work/extracted"),
        *((f"dataset/{n}", n) for n in TABLES),
    ):
        files = sorted((copy / "data" / one).iterdir())
        assert [f.name for f in files] == sorted(f.name for f in (out / other).iterdir())
        assert all(f.read_bytes() == (out / other / f.name).read_bytes() for f in files), one


@needs_dvc
@pytest.mark.slow
def test_a_second_repro_does_nothing(copy: Path) -> None:
    lock, before = (copy / "dvc.lock").read_bytes(), state(copy)
    assert before
    # Neither does a cache beside the code, nor what a run keeps in its folder, make the stages run again.
    (copy / "pipeline" / "clean" / "__pycache__").mkdir(exist_ok=True)
    (copy / "pipeline" / "clean" / "__pycache__" / "new.pyc").write_bytes(b"compiled")
    assert "Data and pipelines are up to date" in dvc(copy, "repro")
    assert state(copy) == before and (copy / "dvc.lock").read_bytes() == lock


@needs_dvc
@pytest.mark.slow
def test_a_changed_stage_is_seen_and_run_again(copy: Path) -> None:
    rules = copy / "corpus" / "organisations.yaml"
    words = rules.read_bytes()
    rules.write_bytes(words + b"# a new line\n")
    status = dvc(copy, "status")
    assert "clean:" in status and "organisations.yaml" in status
    rules.write_bytes(words)
    assert "up to date" in dvc(copy, "status")


def test_every_table_is_an_output_and_every_dependency_is_there() -> None:
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text("utf-8"))["stages"]
    assert {Path(out).name for out in stages["dataset"]["outs"]} == set(TABLES)
    for stage in stages.values():
        for path in stage["deps"]:
            assert path.startswith(("data/", "$")) or (ROOT / path).exists(), path


def test_analytics_are_off() -> None:
    assert "analytics = false" in (ROOT / ".dvc" / "config").read_text("utf-8")
    assert "DVC_NO_ANALYTICS=1" in (ROOT / "Makefile").read_text("utf-8")
