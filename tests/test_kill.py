"""A run may be killed at any moment, and started again."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from support import command, leftovers, read_tables

KILLS = 20
SHARD_SIZE = 2


def start(corpus: Path, out: Path) -> subprocess.Popen[bytes]:
    """`redress run` with two workers, in a process group of its own."""
    arguments = command("run", corpus, "--out", out, "--workers", 2, "--shard-size", SHARD_SIZE)
    return subprocess.Popen(arguments, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def kill(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL to the run and all its workers."""
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def finish(process: subprocess.Popen[bytes]) -> None:
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors.decode()


def files(out: Path) -> set[tuple[str, int]]:
    """Every file of the output as it is now."""
    found = set()
    for folder, _, names in os.walk(out):
        for name in names:
            try:
                found.add((name, os.stat(os.path.join(folder, name)).st_mtime_ns))  # noqa: PTH116, PTH118 - quick, and files vanish
            except FileNotFoundError:
                continue
    return found


def wait_for_changes(process: subprocess.Popen[bytes], out: Path, count: int) -> None:
    """Returns once `count` files were written, or the run has ended."""
    seen = before = files(out)
    while process.poll() is None and len(seen - before) < count:
        time.sleep(0.002)
        seen = seen | files(out)


@pytest.mark.slow
def test_twenty_kills_change_nothing(corpus: Path, tables: dict[str, list[dict[str, Any]]], tmp_path: Path) -> None:
    """Half the kills come at a random moment, half after a random number of files: work goes on each time."""
    rng = random.Random(1974)
    out = tmp_path / "out"
    started = time.monotonic()
    finish(start(corpus, out))
    lifetime = time.monotonic() - started
    assert read_tables(out) == tables
    shutil.rmtree(out)
    kills = complete = 0
    midway = set()
    while kills < KILLS:
        process = start(corpus, out)
        if kills % 2:
            with suppress(subprocess.TimeoutExpired):
                process.wait(rng.uniform(0.1, lifetime))
        else:
            wait_for_changes(process, out, rng.randint(1, 14))
        if process.poll() is None:
            kill(process)
            kills += 1
            midway.add(
                tuple(len(list((out / ".work" / stage).glob("[0-9]*.parquet"))) for stage in ("records", "extracted"))
            )
        else:
            finish(process)
            complete += 1
            assert read_tables(out) == tables and leftovers(out) == []
            shutil.rmtree(out)  # and a new life begins
    finish(start(corpus, out))
    assert read_tables(out) == tables
    assert leftovers(out) == []
    shards = -(-sum(1 for p in corpus.iterdir() if p.suffix != ".json") // SHARD_SIZE)
    assert [len(list((out / ".work" / stage).iterdir())) for stage in ("records", "extracted")] == [shards, shards]
    # The kills met runs with work half done, not just at the start and the end.
    assert any(0 < records < shards for records, _ in midway) or any(
        0 < extracted < shards for _, extracted in midway
    ), midway


@pytest.mark.slow
def test_a_kill_while_the_tables_are_written(
    corpus: Path, tables: dict[str, list[dict[str, Any]]], tmp_path: Path
) -> None:
    """A dataset that is rewritten when the kill comes says by its missing run.json that it is not whole."""
    out = tmp_path / "out"
    finish(start(corpus, out))
    process = start(corpus, out)
    while process.poll() is None and (out / "run.json").exists():
        time.sleep(0.001)
    assert process.poll() is None, "the run ended before it could be killed"
    kill(process)
    assert not (out / "run.json").exists()
    for name in tables:  # whole tables, or none
        if (out / name).exists():
            assert list((out / name).glob("*.parquet"))
    finish(start(corpus, out))
    assert read_tables(out) == tables and leftovers(out) == []


def test_what_a_killed_run_left_behind_is_swept_up(
    corpus: Path, tables: dict[str, list[dict[str, Any]]], run: Any, tmp_path: Path
) -> None:
    """The temporary names of every writer, as a kill leaves them."""
    out = tmp_path / "out"
    for name in (
        ".work/records/.00000-0123456789abcdef.parquet.7.tmp",
        ".work/extracted/.00000-0123456789abcdef.parquet.7.tmp",
        ".run.json.7.tmp",
    ):
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text("half", encoding="utf-8")
    for name in (".decisions.new", ".decisions.old", ".quarantine.old"):
        (out / name).mkdir()
        (out / name / "part-00000.parquet").write_text("half", encoding="utf-8")
    run(corpus, out)
    assert leftovers(out) == [] and read_tables(out) == tables
