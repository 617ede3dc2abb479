"""The stages: raw files → records → extracted → dataset. Each maps shards to shards; the dataset stage gathers them."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pipeline import __version__
from pipeline.classify.models import BadModel, models_digest
from pipeline.clean import clean
from pipeline.corpus import corpus_folder, digest
from pipeline.dataset.build import build_dataset
from pipeline.dataset.manifest import withdraw_manifest, write_manifest
from pipeline.progress import progress
from pipeline.records import read_decisions, read_quarantine, write_shard
from pipeline.shards import SHARD_SIZE, Shard, StageError, group, key, only_one, run_stage, sizes, written
from pipeline.values import Decision, RawPage, Unreadable

# Files that stand beside raw decisions without being any.
COMPANIONS = frozenset({".json", ".jsonl", ".parquet", ".dvc", ".sqlite", ".db", ".lock", ".tmp"})
TEXT_LIKE = frozenset({"", ".txt", ".text", ".md", ".html", ".htm", ".xhtml", ".xml", ".asp", ".aspx", ".php"})
ARCHIVE = ".warc.gz"
WORK = ".work"
LARGEST_FILE = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a folder holds: raw files (relative to it, sorted), and how many companions were passed over, by suffix."""

    root: Path
    files: tuple[str, ...]
    passed_over: dict[str, int]


def find_inputs(path: Path) -> Inputs:
    """The raw files below a folder, or the one file named. Hidden files and companions (gold, ledgers) are none.

    Raises StageError when there is nothing to read.
    """
    if path.is_file():
        return Inputs(path.parent, (path.name,), {})
    if not path.is_dir():
        raise StageError(f"{path}: no such file or folder")
    files, passed_over = [], Counter[str]()
    for file in sorted(path.rglob("*")):
        name = file.relative_to(path)
        dangling = file.is_symlink() and not file.exists()  # goes to quarantine as unreadable
        if any(part.startswith(".") for part in name.parts) or not (file.is_file() or dangling):
            continue
        if file.suffix.lower() in COMPANIONS or file.stem.upper() == "README":
            passed_over[file.suffix.lower()] += 1
        else:
            files.append(name.as_posix())
    if not files:
        kinds = ", ".join(f"{count} {suffix}" for suffix, count in sorted(passed_over.items()))
        raise StageError(
            f"{path} holds no raw decisions (text, HTML or WARC files){f', only {kinds}' if kinds else ''}"
        )
    return Inputs(path, tuple(files), dict(sorted(passed_over.items())))


def decisions_in(path: Path) -> Iterator[Decision]:
    """The decisions of a folder or file, one after the other; what holds none is passed over. Raises StageError."""
    inputs = find_inputs(path)
    for name in inputs.files:
        for page in _pages(inputs.root, name, []):
            try:
                yield clean(page)
            except Unreadable:
                continue


def code_key(stage: str) -> str:
    """What a stage's output depends on besides its inputs: version, code, rules, taxonomy and models."""
    here = Path(__file__).resolve().parent
    folders = {"clean": ("clean",), "extract": ("clean", "extract", "classify")}[stage]
    code = hashlib.sha256()
    for path in sorted(p for folder in folders for p in (here / folder).rglob("*.py")):
        code.update(path.read_bytes())
    for name in ("values.py", "records.py", "schema.py", "dates.py", "organisations.py"):
        code.update((here / name).read_bytes())
    code.update((corpus_folder() / "organisations.yaml").read_bytes())
    models = (models_digest() or "none") if stage == "extract" else ""
    return key(stage, __version__, code.hexdigest(), digest("rules"), digest("taxonomy"), models)


def plan_clean(inputs: Inputs, out: Path, shard_size: int = SHARD_SIZE) -> list[Shard]:
    """Shards for `clean`: loose files in groups, each web archive by itself."""
    loose = [file for file in inputs.files if not file.endswith(ARCHIVE)]
    archives = [(file,) for file in inputs.files if file.endswith(ARCHIVE)]
    code = code_key("clean")
    shards = []
    for i, files in enumerate([*group(loose, shard_size), *archives]):
        digests = [f"{file} {_file_digest(inputs.root / file)}" for file in files]
        name = f"{i:05d}-{key(code, *digests)}.parquet"
        shards.append(Shard(tuple(files), str(out / name), len(files)))
    return shards


def _file_digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        return f"unreadable {error.errno}"


def clean_shard(root: str, shard: Shard) -> int:
    """Reads and cleans the files of one shard; what holds no decision goes to quarantine. The number of decisions."""
    decisions: list[Decision] = []
    quarantine: list[dict[str, str]] = []
    for name in shard.inputs:
        for page in _pages(Path(root), name, quarantine):
            try:
                decisions.append(clean(page))
            except Unreadable as problem:
                quarantine.append(_quarantined(page.name, problem.reason, problem.detail))
            except Exception as error:  # a bug in the cleaner must not cost the other decisions
                quarantine.append(
                    _quarantined(page.name, "error", f"{type(error).__name__}: {error}; please report this file")
                )
    with written(Path(shard.output)) as temporary:
        write_shard(temporary, decisions, quarantine)
    return len(decisions)


def _pages(root: Path, name: str, quarantine: list[dict[str, str]]) -> list[RawPage]:
    path = root / name
    if name.endswith(ARCHIVE):
        return _archived(path, name, quarantine)
    if Path(name).suffix.lower() not in TEXT_LIKE:
        suffix = Path(name).suffix
        quarantine.append(
            _quarantined(name, "unsupported_type", f"{suffix} files are not read; save the decision as text or HTML")
        )
        return []
    try:
        if path.stat().st_size > LARGEST_FILE:
            limit = LARGEST_FILE // 2**20
            quarantine.append(
                _quarantined(name, "too_large", f"larger than {limit} MB; no decision is, split the file")
            )
            return []
        return [RawPage(_printable(name), path.read_bytes())]
    except OSError as error:
        quarantine.append(_quarantined(name, "unreadable", f"{error.strerror or error}; check the file's permissions"))
        return []


def _archived(path: Path, name: str, quarantine: list[dict[str, str]]) -> list[RawPage]:
    """The current pages of one month of the raw archive."""
    from pipeline.scrape.archive import read_pages

    try:
        return list(read_pages(path))
    except (OSError, ValueError) as error:
        quarantine.append(_quarantined(name, "unreadable", f"{error}; fetch the month again with redress scrape"))
        return []


def _quarantined(name: str, reason: str, detail: str) -> dict[str, str]:
    return {"source_file": _printable(name), "reason": reason, "detail": _printable(detail)}


def _printable(text: str) -> str:
    """`text` as UTF-8 can write it: a file's name may hold any bytes."""
    return text.encode("utf-8", errors="replace").decode("utf-8")


def plan_extract(records: Path, out: Path) -> list[Shard]:
    """Shards for `extract`: one for each file of records."""
    code = code_key("extract")
    shards = []
    for path in _shard_files(records):
        name = f"{path.name[:5]}-{key(code, path.name)}.parquet"
        shards.append(Shard((str(path),), str(out / name), _rows(path)))
    return shards


def _rows(path: Path) -> int:
    import pyarrow.parquet as pq

    return int(pq.read_metadata(path).num_rows)


def _shard_files(folder: Path) -> list[Path]:
    files = sorted(folder.glob("[0-9]*.parquet"))
    if not files:
        raise StageError(f"{folder} holds no shards; run the stage before it first (redress clean, redress extract)")
    return files


def extract_shard(shard: Shard) -> int:
    """Finds what one shard's decisions hold, and what the models say of them. The number of decisions.

    Raises StageError for a model file that cannot be trusted.
    """
    from pipeline.classify import combine_all, predict_all
    from pipeline.extract import extract_all

    source = Path(shard.inputs[0])
    decisions = read_decisions(source)
    try:
        found = combine_all(decisions, extract_all(decisions))
        predicted = predict_all(decisions, subcategories=False)
    except BadModel as error:
        raise StageError(str(error)) from None
    with written(Path(shard.output)) as temporary:
        write_shard(temporary, decisions, read_quarantine(source), found, predicted)
    return len(decisions)


def run_clean(
    inputs: Inputs, out: Path, workers: int, scheduler: str | None, shard_size: int = SHARD_SIZE
) -> list[Shard]:
    """Raw files → records."""
    shards = plan_clean(inputs, out.absolute(), shard_size)  # workers elsewhere stand in other folders
    with progress("clean", sizes(shards)) as advance:
        run_stage(
            partial(clean_shard, str(inputs.root.resolve())),
            shards,
            workers=workers,
            scheduler=scheduler,
            advance=advance,
        )
    return shards


def run_extract(records: Path, out: Path, workers: int, scheduler: str | None) -> list[Shard]:
    """Records → extracted."""
    shards = plan_extract(records.absolute(), out.absolute())
    with progress("extract", sizes(shards)) as advance:
        run_stage(extract_shard, shards, workers=workers, scheduler=scheduler, advance=advance)
    return shards


def run_dataset(extracted: Path, out: Path) -> dict[str, Any]:
    """Extracted shards → tables and run.json; the manifest."""
    started = time.monotonic()
    with only_one(out):
        return _gather(_shard_files(extracted), out, None, {}, started)


def _gather(
    shards: Sequence[Path], out: Path, inputs: Inputs | None, seconds: dict[str, float], started: float
) -> dict[str, Any]:
    withdraw_manifest(out)
    built = build_dataset(shards, out)
    seconds = {**seconds, "dataset": time.monotonic() - started}
    files = len(inputs.files) if inputs else built.rows["decisions"] + built.rows["quarantine"]
    return write_manifest(out, built, files, inputs.passed_over if inputs else {}, seconds)


def run_all(
    inputs: Inputs, out: Path, workers: int, scheduler: str | None, shard_size: int = SHARD_SIZE
) -> dict[str, Any]:
    """Raw files → dataset in `out`; the manifest. Raises StageError; what is done is kept in `out/.work`."""
    work = out / WORK
    seconds = {}
    with only_one(out):
        started = time.monotonic()
        run_clean(inputs, work / "records", workers, scheduler, shard_size)
        seconds["clean"] = time.monotonic() - started
        started = time.monotonic()
        extracted = run_extract(work / "records", work / "extracted", workers, scheduler)
        seconds["extract"] = time.monotonic() - started
        return _gather([Path(shard.output) for shard in extracted], out, inputs, seconds, time.monotonic())
