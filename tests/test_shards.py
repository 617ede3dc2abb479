"""Stages over shards: atomic, resumable, and the same values however the work is cut and shared out."""

from __future__ import annotations

import errno
import multiprocessing
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import case, leftovers, read_tables

from pipeline import corpus as knowledge
from pipeline.shards import Shard, StageError, group, key, only_one, run_stage, written
from pipeline.stages import code_key, find_inputs, plan_clean

Run = Callable[..., dict[str, Any]]
Rows = dict[str, list[dict[str, Any]]]


def copy_stage(shard: Shard) -> int:
    """A stage for tests: joins its inputs; an input that says so makes it fail, or kills its process."""
    texts = [Path(name).read_text() for name in shard.inputs]
    if "raise" in texts:
        raise StageError(f"{shard.inputs[0]} says so")
    if "die" in texts:
        os._exit(9)
    with written(Path(shard.output)) as temporary:
        temporary.write_text("".join(texts))
    return len(texts)


def shards_of(folder: Path, *texts: str) -> list[Shard]:
    shards = []
    for i, text in enumerate(texts):
        (folder / f"{i}.in").write_text(text)
        shards.append(Shard((str(folder / f"{i}.in"),), str(folder / "out" / f"{i:05d}-{i:016x}.parquet"), 1))
    return shards


@pytest.mark.parametrize("workers", [1, 2])
def test_a_stage_does_what_is_left_and_says_so(tmp_path: Path, workers: int) -> None:
    shards = shards_of(tmp_path, "a", "b", "c")
    done: list[int] = []
    run_stage(copy_stage, shards[:2], workers=workers, advance=done.append)
    times = {name: Path(shards[name].output).stat().st_mtime_ns for name in (0, 1)}
    run_stage(copy_stage, shards, workers=workers, advance=done.append)
    assert done == [1] * 5
    assert [Path(s.output).read_text() for s in shards] == ["a", "b", "c"]
    assert {name: Path(shards[name].output).stat().st_mtime_ns for name in (0, 1)} == times


def test_outputs_that_no_shard_has_any_more_go(tmp_path: Path) -> None:
    shards = shards_of(tmp_path, "a", "b")
    run_stage(copy_stage, shards)
    out = tmp_path / "out"
    (out / f".{Path(shards[0].output).name}.77.tmp").write_text("half")
    for name in ("mine.txt", "mine.parquet", "2024-01.parquet"):
        (out / name).write_text("mine")
    run_stage(copy_stage, shards[1:])
    # What no stage wrote is nobody's to remove.
    assert sorted(p.name for p in out.iterdir()) == [
        Path(shards[1].output).name,
        "2024-01.parquet",
        "mine.parquet",
        "mine.txt",
    ]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_shard_that_fails_leaves_the_others_done(tmp_path: Path, workers: int) -> None:
    shards = shards_of(tmp_path, "a", "raise", "c")
    with pytest.raises(StageError, match="says so"):
        run_stage(copy_stage, shards, workers=workers)
    assert Path(shards[0].output).read_text() == "a" and not Path(shards[1].output).exists()
    Path(shards[1].inputs[0]).write_text("b")
    run_stage(copy_stage, shards, workers=workers)
    assert [Path(s.output).read_text() for s in shards] == ["a", "b", "c"]


def test_a_worker_that_dies_is_reported(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="run the same command again"):
        run_stage(copy_stage, shards_of(tmp_path, "a", "die", "c"), workers=2)


def test_written_leaves_all_or_nothing(tmp_path: Path) -> None:
    place = tmp_path / "file"
    with pytest.raises(ZeroDivisionError), written(place) as temporary:
        temporary.write_text("half")
        _ = 1 / 0
    assert list(tmp_path.iterdir()) == []
    with written(place) as temporary:
        temporary.write_text("whole")
        assert not place.exists()
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("number", "way_out"),
    [
        (errno.ENOSPC, "disk is full; free some space and run the same command again"),
        (errno.EDQUOT, "disk is full"),
        (errno.EACCES, "choose another with --out"),
        (errno.EROFS, "choose another with --out"),
        (errno.ENOTDIR, "a file stands where a folder must be"),
        (errno.EIO, "run the same command again when it is mended"),
    ],
)
def test_what_the_system_says_becomes_a_message_with_a_way_out(tmp_path: Path, number: int, way_out: str) -> None:
    with pytest.raises(StageError) as caught, written(tmp_path / "file"):
        raise OSError(number, os.strerror(number))
    assert way_out in str(caught.value) and str(tmp_path / "file") in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def _hold(folder: str, ready: Any, finish: Any) -> None:
    with only_one(Path(folder)):
        ready.set()
        finish.wait(30)


def test_two_runs_do_not_write_one_folder(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ready, finish = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(str(tmp_path), ready, finish))
    other.start()
    try:
        assert ready.wait(30)
        with pytest.raises(StageError, match="another run is writing"), only_one(tmp_path):
            pass
    finally:
        finish.set()
        other.join(30)
    with only_one(tmp_path):
        pass


def test_groups_and_keys() -> None:
    assert list(group(list("abcde"), 2)) == [("a", "b"), ("c", "d"), ("e",)]
    assert key("a", "b") == key("a", "b") != key("ab") != key("b", "a")


# -- the dataset, however the work is cut ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("workers", "shard_size"),
    [(1, 1), (1, 250), (1, 7), (2, 4), (2, 3)],
)
def test_the_same_tables_whatever_the_workers_and_the_shards(
    corpus: Path, run: Run, tables: Rows, tmp_path: Path, workers: int, shard_size: int
) -> None:
    run(corpus, tmp_path / "out", workers=workers, shard_size=shard_size)
    assert read_tables(tmp_path / "out") == tables
    assert leftovers(tmp_path / "out") == []


def stamps(out: Path) -> dict[str, int]:
    """When each shard was written."""
    return {str(p.relative_to(out)): p.stat().st_mtime_ns for p in (out / ".work").rglob("*.parquet")}


@pytest.fixture
def own(corpus: Path, tmp_path: Path) -> Path:
    """A copy of the corpus that a test may change."""
    return shutil.copytree(corpus, tmp_path / "raw")


def test_a_second_run_reads_nothing_anew(own: Path, run: Run, tables: Rows, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = run(own, out)
    before = stamps(out)
    for file in own.iterdir():
        os.utime(file)  # the time says nothing about the words
    second = run(own, out)
    assert stamps(out) == before and len(before) == 2 * 8
    assert read_tables(out) == tables
    assert {k: v for k, v in first.items() if k != "seconds"} == {k: v for k, v in second.items() if k != "seconds"}


def test_a_changed_file_costs_its_shard_alone(own: Path, run: Run, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(own, out)
    before = stamps(out)
    changed = own / "02 dashed.txt"
    changed.write_text(changed.read_text().replace("She wants the pass.", "She wants the pass back."))
    run(own, out)
    after = stamps(out)
    assert len(set(before) - set(after)) == len(set(after) - set(before)) == 2  # its records, and what they held
    assert all(before[name] == after[name] for name in set(before) & set(after))
    rows = {row["source_file"]: row["text"] for row in read_tables(out)["decisions"]}
    assert "the pass back." in rows["02 dashed.txt"] and "the pass back." not in rows["01 dashed.txt"]


def test_files_that_come_and_go(own: Path, run: Run, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(own, out)
    (own / "zz.txt").write_text(case("numbered.txt").replace("24 001 101", "24 001 999"))
    (own / "00 joint.txt").unlink()
    run(own, out)
    ids = {row["decision_id"] for row in read_tables(out)["decisions"]}
    assert "lgsco/24-001-999" in ids and "lgsco/20-012-700a" not in ids
    assert leftovers(out) == []


def test_a_changed_rule_is_noticed(own: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    run(own, out)
    before, keys = stamps(out), [code_key("clean"), code_key("extract")]
    copy = shutil.copytree(
        knowledge.corpus_folder(), tmp_path / "knowledge", ignore=shutil.ignore_patterns("decisions", "training")
    )
    rules = next((copy / "rules").rglob("layout.yaml"))
    rules.write_text(rules.read_text() + "\n# another word\n")
    monkeypatch.setenv("REDRESS_CORPUS", str(copy))
    knowledge.corpus_folder.cache_clear()
    try:
        assert code_key("clean") != keys[0] and code_key("extract") != keys[1]
        run(own, out)
        assert not set(stamps(out)) & set(before)
    finally:
        monkeypatch.undo()
        knowledge.corpus_folder.cache_clear()
    assert [code_key("clean"), code_key("extract")] == keys


def test_a_changed_taxonomy_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key_before = code_key("extract")
    copy = shutil.copytree(
        knowledge.corpus_folder(), tmp_path / "knowledge", ignore=shutil.ignore_patterns("decisions", "training")
    )
    some = sorted((copy / "taxonomy").glob("*.yaml"))[0]
    some.write_text(some.read_text() + "\n# another word\n")
    monkeypatch.setenv("REDRESS_CORPUS", str(copy))
    knowledge.corpus_folder.cache_clear()
    try:
        assert code_key("extract") != key_before
    finally:
        monkeypatch.undo()
        knowledge.corpus_folder.cache_clear()


def test_shards_are_named_by_what_they_hold(own: Path, tmp_path: Path) -> None:
    names = [shard.output for shard in plan_clean(find_inputs(own), tmp_path, 4)]
    assert len(set(names)) == len(names) == 8
    assert names == [shard.output for shard in plan_clean(find_inputs(own), tmp_path, 4)]


def test_a_manifest_is_there_only_when_the_dataset_is_whole(
    own: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    run(own, out)
    assert (out / "run.json").exists()

    def full(*arguments: Any, **options: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr("pipeline.dataset.build.pq.write_table", full)
        with pytest.raises(StageError, match="disk is full"):
            run(own, out)
    assert not (out / "run.json").exists()
    run(own, out)
    assert (out / "run.json").exists() and leftovers(out) == []
