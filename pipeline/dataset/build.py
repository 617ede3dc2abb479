"""Gathers the shards into tables: duplicates out, joint reports linked, rows in one order whatever the shards were."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.records import read_quarantine
from pipeline.schema import PARTS, TABLES, to_arrow
from pipeline.shards import writing

DECISIONS_PER_FILE = 20_000
_KEYS = [
    "decision_id",
    "source_file",
    "text",
    "category",
    "decision",
    "decision_date",
    "organisation",
    "n_paragraphs",
    "n_words",
]


@dataclass(frozen=True, slots=True)
class Built:
    """What came out: rows by table, quarantined files by reason."""

    rows: dict[str, int]
    quarantined: dict[str, int]


@dataclass(frozen=True, slots=True)
class _Key:
    """What decides whether a decision stays: `fullness` compares two readings of one reference."""

    decision_id: str
    source_file: str
    text_digest: str
    fullness: tuple[int, bool, int]
    shard: int
    row: int


def build_dataset(shards: Sequence[Path], out: Path) -> Built:
    """Writes `out/<table>/*.parquet` for every table from extracted shards (any order). Raises StageError.

    Rows are sorted by decision_id and position; values depend on the inputs alone. A table replaces the one before it
    as a whole. Memory: the largest table (about 15 KB a decision).
    """
    shards = sorted(shards)
    keys = [key for i, path in enumerate(shards) for key in _keys(path, i)]
    kept, dropped = _choose(keys)
    quarantine = [row for path in shards for row in read_quarantine(path)]
    quarantine += [
        {
            "source_file": lost.source_file,
            "reason": "duplicate",
            "detail": f"{lost.decision_id} is already there, in fuller form: kept {stays.source_file}",
        }
        for lost, stays in dropped
    ]
    rows = {"decisions": _write(out, "decisions", _decisions(shards, kept), [key.decision_id for key in kept])}
    for name in PARTS:
        rows[name] = _write(out, name, _part(shards, kept, name), [key.decision_id for key in kept])
    quarantine.sort(key=lambda row: (row["source_file"], row["reason"]))
    rows["quarantine"] = _replace(out, "quarantine", [to_arrow("quarantine", quarantine)])
    return Built(rows, dict(sorted(Counter(row["reason"] for row in quarantine).items())))


def _keys(path: Path, shard: int) -> list[_Key]:
    table = pq.read_table(path, columns=_KEYS).to_pylist()
    return [
        _Key(
            row["decision_id"],
            row["source_file"],
            hashlib.sha256(row["text"].encode("utf-8")).hexdigest(),
            (
                sum(row[name] is not None for name in ("category", "decision", "decision_date", "organisation")),
                row["n_paragraphs"] > 0,
                row["n_words"],
            ),
            shard,
            i,
        )
        for i, row in enumerate(table)
    ]


def _choose(keys: list[_Key]) -> tuple[list[_Key], list[tuple[_Key, _Key]]]:
    """(the decisions that stay, by decision_id; pairs of one that goes and the one kept instead).

    Of two files with one reference the fuller stays: header first, then paragraphs, then words, then the file's name.
    """
    best: dict[str, _Key] = {}
    order = sorted(keys, key=lambda k: ([-int(v) for v in k.fullness], k.source_file))
    dropped = []
    for key in order:
        if key.decision_id in best:
            dropped.append((key, best[key.decision_id]))
        else:
            best[key.decision_id] = key
    return [best[id_] for id_ in sorted(best)], dropped


def _decisions(shards: Sequence[Path], kept: list[_Key]) -> pa.Table:
    names = TABLES["decisions"].arrow.names
    table = _take(pa.concat_tables([pq.read_table(path, columns=names) for path in shards]), _offsets(shards), kept)
    first: dict[str, str] = {}
    same = [first.setdefault(key.text_digest, key.decision_id) for key in kept]
    column = pa.array(
        [None if id_ == key.decision_id else id_ for id_, key in zip(same, kept, strict=True)], pa.string()
    )
    return table.set_column(names.index("same_text_as"), "same_text_as", column)


def _offsets(shards: Sequence[Path]) -> list[int]:
    offsets = [0]
    for path in shards:
        offsets.append(offsets[-1] + int(pq.read_metadata(path).num_rows))
    return offsets


def _take(table: pa.Table, offsets: list[int], kept: list[_Key]) -> pa.Table:
    return table.take(pa.array([offsets[key.shard] + key.row for key in kept], pa.int64()))


def _part(shards: Sequence[Path], kept: list[_Key], name: str) -> pa.Table:
    """The rows of one table, of the decisions that stay, in their order."""
    pieces, lengths = [], []
    for path in shards:
        column = pq.read_table(path, columns=[name]).column(name).combine_chunks()
        lengths.append(column.value_lengths().to_numpy())
        struct = column.flatten()
        pieces.append(
            pa.Table.from_arrays([struct.field(f.name) for f in struct.type], names=[f.name for f in struct.type])
        )
    table = pa.concat_tables(pieces)
    counts = np.concatenate(lengths) if lengths else np.zeros(0, np.int64)
    starts = np.concatenate([[0], np.cumsum(counts)])
    offsets = _offsets(shards)
    rows = [offsets[key.shard] + key.row for key in kept]
    index = np.concatenate([np.arange(starts[row], starts[row + 1]) for row in rows]) if rows else np.zeros(0, np.int64)
    return table.take(pa.array(index, pa.int64()))


def _write(out: Path, name: str, table: pa.Table, ids: list[str]) -> int:
    """Writes one table in files of DECISIONS_PER_FILE decisions each; the number of rows."""
    table = table.cast(TABLES[name].arrow)
    files = []
    for i in range(0, max(len(ids), 1), DECISIONS_PER_FILE):
        if len(ids) <= DECISIONS_PER_FILE:
            files.append(table)
            break
        last = ids[min(i + DECISIONS_PER_FILE, len(ids)) - 1]
        column = table.column("decision_id")
        files.append(table.filter(pc.and_(pc.greater_equal(column, ids[i]), pc.less_equal(column, last))))
    return _replace(out, name, files)


def _replace(out: Path, name: str, files: Sequence[pa.Table]) -> int:
    """Puts a table's files in place of the old ones; a kill leaves the old ones, the new ones or none, never a mix."""
    new, old, place = out / f".{name}.new", out / f".{name}.old", out / name
    with writing(place):
        if place.exists() and not place.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        for folder in (new, old):
            if folder.exists():
                shutil.rmtree(folder)
        new.mkdir(parents=True)
        for i, table in enumerate(files):
            pq.write_table(table, new / f"part-{i:05d}.parquet", compression="zstd")
        if place.exists():
            place.rename(old)
        new.rename(place)
        if old.exists():
            shutil.rmtree(old)
    return sum(table.num_rows for table in files)
