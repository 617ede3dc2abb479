"""Runs a stage over shards: in this process, in a pool of processes, or on a Dask cluster. Atomic and resumable.

A stage is a function of one Shard: it reads the shard's inputs and writes its output under a temporary name, which is
then renamed. The output's name holds a digest of everything it depends on, so a shard that is done is there under its
name, a stale one is not, and a run that was killed goes on where it was.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

SHARD_SIZE = 250
# Shards and their temporary names: other files in the folder are somebody's, and stay.
_OURS = re.compile(r"\d{5}-[0-9a-f]{16}\.parquet|\.\d{5}-[0-9a-f]{16}\.parquet\.\d+\.tmp")


class StageError(Exception):
    """A stage that cannot go on. The message names the file and the way out."""


@dataclass(frozen=True, slots=True)
class Shard:
    """One unit of work: input files, the output file, and how many decisions or files it stands for."""

    inputs: tuple[str, ...]
    output: str
    size: int


Stage = Callable[[Shard], int]


def key(*parts: str) -> str:
    """A short digest of what an output depends on."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", errors="surrogateescape")).hexdigest()[:16]


def group(items: Sequence[str], size: int = SHARD_SIZE) -> Iterator[tuple[str, ...]]:
    """`items` in groups of `size`, in order."""
    for i in range(0, len(items), size):
        yield tuple(items[i : i + size])


def run_stage(
    stage: Stage,
    shards: Sequence[Shard],
    *,
    workers: int = 1,
    scheduler: str | None = None,
    advance: Callable[[int], None] = lambda count: None,
) -> None:
    """Brings every shard's output about, skipping what is done, and then removes outputs that no shard has any more.

    `stage` must be importable (a function of a module), since other processes run it. Raises StageError; the shards
    that are done stay done.
    """
    folders = {Path(shard.output).parent for shard in shards}
    for folder in folders:
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
    todo = []
    for shard in shards:
        if Path(shard.output).exists():
            advance(shard.size)
        else:
            todo.append(shard)
    if scheduler is not None:
        _on_dask(stage, todo, scheduler, advance)
    elif workers > 1 and len(todo) > 1:
        _in_pool(stage, todo, min(workers, len(todo)), advance)
    else:
        for shard in todo:
            stage(shard)
            advance(shard.size)
    wanted = {shard.output for shard in shards}
    for folder in folders:
        for path in folder.iterdir():
            if _OURS.fullmatch(path.name) and str(path) not in wanted:
                path.unlink(missing_ok=True)


def _in_pool(stage: Stage, shards: Sequence[Shard], workers: int, advance: Callable[[int], None]) -> None:
    # Processes are spawned, not forked: a forked one inherits locks of threads that Arrow runs.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        running = {pool.submit(stage, shard): shard for shard in shards}
        try:
            while running:
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    shard = running.pop(future)
                    future.result()
                    advance(shard.size)
        except BrokenProcessPool:
            raise StageError(
                "a worker process was killed (out of memory?); "
                "run the same command again, with fewer --workers, to go on"
            ) from None
        finally:
            for future in running:
                future.cancel()


def _on_dask(stage: Stage, shards: Sequence[Shard], scheduler: str, advance: Callable[[int], None]) -> None:
    try:
        from distributed import Client, as_completed
    except ImportError:
        raise StageError("--scheduler needs the package distributed: pip install 'redress[cluster]'") from None
    try:
        client = Client(scheduler, timeout="10s")
    except (OSError, TimeoutError, ValueError) as error:
        raise StageError(
            f"no Dask scheduler answers at {scheduler}: {error or type(error).__name__}; start one with: dask scheduler"
        ) from None
    with client:
        if not client.scheduler_info()["workers"]:
            raise StageError(f"the scheduler at {scheduler} has no workers; start some with: dask worker {scheduler}")
        futures = {client.submit(stage, shard, pure=False): shard for shard in shards}
        for future in as_completed(list(futures)):
            future.result()
            advance(futures[future].size)


@contextmanager
def written(output: Path) -> Iterator[Path]:
    """A temporary path beside `output` that becomes `output` when the block ends well, and vanishes otherwise."""
    temporary = output.with_name(f".{output.name}.{os.getpid()}.tmp")
    try:
        with writing(output):
            yield temporary
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            temporary.replace(output)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns what the system says of a write to `path` into a StageError that names the file and the way out."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            way = "the disk is full; free some space and run the same command again, what is done is kept"
        elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            way = "this folder cannot be written; choose another with --out, or change its permissions"
        elif error.errno in (errno.ENOTDIR, errno.EEXIST):
            way = "a file stands where a folder must be; choose another folder with --out"
        else:
            way = f"{error.strerror or error}; run the same command again when it is mended"
        raise StageError(f"cannot write {path}: {way}") from error


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Keeps a second run out of `folder` while this one writes it. The lock falls with the process, however it ends."""
    import fcntl

    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("a")
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StageError(
                f"another run is writing {folder}; wait for it, or choose another folder with --out"
            ) from None
        yield


def sizes(shards: Iterable[Shard]) -> int:
    """How many decisions or files the shards stand for."""
    return sum(shard.size for shard in shards)
