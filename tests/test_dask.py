"""The same tables from a Dask cluster: a scheduler and two worker processes, on this machine."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import leftovers, read_tables, redress

pytest.importorskip("distributed")
DASK = str(Path(sys.executable).with_name("dask"))


def _start(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    # In a folder of their own: a worker does not stand where the command was typed.
    log = (folder / f"{arguments[0]}.log").open("wb")
    with log:
        return subprocess.Popen([DASK, *arguments], cwd=folder, stdout=log, stderr=subprocess.STDOUT)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _address(folder: Path) -> str:
    """Where the scheduler that was told to write `scheduler.json` listens."""
    file = folder / "scheduler.json"
    for _ in range(600):
        if file.exists() and (text := file.read_text(encoding="utf-8")):
            return str(json.loads(text)["address"])
        time.sleep(0.1)
    raise AssertionError((folder / "scheduler.log").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a scheduler without workers."""
    folder = tmp_path_factory.mktemp("dask")
    where = ("--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(folder / "scheduler.json"))
    process = _start(folder, "scheduler", *where)
    try:
        yield _address(folder)
    finally:
        _stop(process)


@pytest.fixture(scope="module")
def cluster(scheduler: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the scheduler, once two worker processes have joined it."""
    from distributed import Client

    folder = tmp_path_factory.mktemp("workers")
    process = _start(
        folder, "worker", scheduler, "--host", "127.0.0.1", "--nworkers", "2", "--nthreads", "1", "--no-dashboard"
    )
    try:
        with Client(scheduler) as client:
            client.wait_for_workers(2, timeout=60)
        yield scheduler
    finally:
        _stop(process)


def test_a_scheduler_without_workers(scheduler: str, corpus: Path, tmp_path: Path) -> None:
    done = redress("run", corpus, "--out", tmp_path / "out", "--scheduler", scheduler)
    assert done.returncode == 1 and f"the scheduler at {scheduler} has no workers" in done.stderr
    assert f"dask worker {scheduler}" in done.stderr


@pytest.mark.slow
def test_the_same_tables_from_a_cluster(cluster: str, corpus: Path, tables: Any, tmp_path: Path) -> None:
    # The output is named as seen from here, and the workers stand elsewhere.
    done = redress("run", corpus, "--out", "out", "--scheduler", cluster, "--shard-size", 3, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert read_tables(tmp_path / "out") == tables
    assert leftovers(tmp_path / "out") == []
    records = list((tmp_path / "out" / ".work" / "records").glob("*.parquet"))
    assert len(records) == 11
    again = redress("run", corpus, "--out", "out", "--scheduler", cluster, "--shard-size", 3, cwd=tmp_path)
    assert again.returncode == 0 and read_tables(tmp_path / "out") == tables
    # What a cluster has begun, this machine goes on with.
    before = {path: path.stat().st_mtime_ns for path in records}
    assert redress("run", corpus, "--out", "out", "--shard-size", 3, cwd=tmp_path).returncode == 0
    assert {path: path.stat().st_mtime_ns for path in records} == before


@pytest.mark.slow
def test_a_shard_that_a_worker_cannot_write(cluster: str, corpus: Path, tables: Any, tmp_path: Path) -> None:
    extracted = tmp_path / "out" / ".work" / "extracted"
    extracted.parent.mkdir(parents=True)
    extracted.write_text("in the way", encoding="utf-8")
    done = redress("run", corpus, "--out", tmp_path / "out", "--scheduler", cluster)
    assert (
        done.returncode == 1 and str(extracted) in done.stderr and "a file stands where a folder must be" in done.stderr
    )
    extracted.unlink()
    assert redress("run", corpus, "--out", tmp_path / "out", "--scheduler", cluster).returncode == 0
    assert read_tables(tmp_path / "out") == tables


def test_no_scheduler_at_the_address(corpus: Path, tmp_path: Path) -> None:
    for address in ("tcp://127.0.0.1:1", "nonsense"):
        done = redress("run", corpus, "--out", tmp_path / "out", "--scheduler", address)
        assert done.returncode == 1
        assert f"no Dask scheduler answers at {address}" in done.stderr and "dask scheduler" in done.stderr
        assert "Traceback" not in done.stderr
