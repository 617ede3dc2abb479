"""`redress evaluate`: the table, what was missed and made up, gains and losses, and the floors."""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipeline.clean import clean
from pipeline.corpus import corpus_folder
from pipeline.evaluate.gold import BadGold, load_gold
from pipeline.evaluate.score import MEASURES, Item, Report, evaluate, table
from pipeline.values import Decision, RawPage, Unreadable


@dataclass(frozen=True, slots=True)
class Change:
    """One item that changed in a decision; `gain` says which way, `how` what happened (`now right`, `invented` …)."""

    decision_id: str
    kind: str
    paragraph: int | None
    words: str
    gain: bool
    how: str


def command(
    folder: Path | None = typer.Argument(None, help="Raw decisions.", exists=True, file_okay=False),
    gold: Path | None = typer.Argument(
        None, help="Their gold (*.json); may be the same folder.", exists=True, file_okay=False
    ),
    json_file: Path | None = typer.Option(None, "--json", help="Write the report here as JSON.", dir_okay=False),
    save: Path | None = typer.Option(
        None, help="Write the result of each decision here, for --against later.", dir_okay=False
    ),
    against: Path | None = typer.Option(
        None, help="Results saved earlier: show gains and losses.", exists=True, dir_okay=False
    ),
    floors: Path | None = typer.Option(
        None, help="Fail when a measure is below its floor in this file.", dir_okay=False
    ),
    set_floors: bool = typer.Option(False, "--set-floors", help="Raise the floors to the measures of this run."),
    lower_floors: bool = typer.Option(
        False, "--lower-floors", help="Set the floors to this run, also where that lowers them."
    ),
    listing: bool = typer.Option(True, "--list/--no-list", help="List what was missed, made up and read differently."),
    rules_only: bool = typer.Option(False, "--rules-only", help="Measure the rules alone, without the models."),
    limit: int | None = typer.Option(None, min=0, help="List at most so many of each."),
    monitor: Path | None = typer.Option(
        None,
        help="Instead: the share of each label by month in this dataset, and which moved (as `redress monitor`).",
        exists=True,
        file_okay=False,
    ),
) -> None:
    """Measure how well decisions are read, against what a person marked.

    Exit code 1: a measure is below its floor, the texts changed since the floors were set, or gold is bad.

    Example: redress evaluate corpus/decisions/development corpus/decisions/development
    """
    from pipeline import analyse
    from pipeline.classify.commands import monitor as show_monitor
    from pipeline.classify.models import BadModel
    from pipeline.extract import extract

    if monitor is not None:
        show_monitor(monitor, months=12, every=False)
        return
    if folder is None or gold is None:
        typer.echo("redress evaluate needs a folder of raw decisions and one of gold; see --help", err=True)
        raise typer.Exit(2)
    read = extract if rules_only else analyse
    try:
        golds = load_gold(gold)
        decisions = read_decisions(folder)
        report = evaluate(
            (decision, read(decision), golds[decision.decision_id]) for decision in _with_gold(decisions, golds)
        )
    except BadGold as error:
        typer.echo(f"Bad gold: {error}", err=True)
        raise typer.Exit(1) from None
    except BadModel as error:
        typer.echo(f"redress: {error}", err=True)
        raise typer.Exit(1) from None
    digest = digest_of(folder, gold)
    show(report, listing, limit)
    if json_file is not None:
        _write_json(json_file, report.as_json())
    if against is not None:
        try:
            typer.echo("\n" + gains_and_losses(report, digest, json.loads(against.read_text(encoding="utf-8"))))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            typer.echo(f"{against} is no file of --save: {error}", err=True)
            raise typer.Exit(2) from None
    if save is not None:
        _write_json(save, as_saved(report, digest))
    if floors is None and not (set_floors or lower_floors):
        return
    floors = floors or corpus_folder() / "floors.json"
    part = folder.resolve().name
    try:
        known = json.loads(floors.read_text(encoding="utf-8")) if floors.exists() else {}
        if set_floors or lower_floors:
            known[part] = new_floors(report, digest, known.get(part), lower=lower_floors)
            _write_json(floors, known)
        failures = below_floors(report, digest, known.get(part))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        typer.echo(f"{floors} is no file of floors: {error}", err=True)
        raise typer.Exit(2) from None
    for failure in failures:
        typer.echo(f"{part}: {failure}", err=True)
    if failures:
        raise typer.Exit(1)
    typer.echo(f"{part}: no measure is below its floor.")


def raw_files(folder: Path) -> list[Path]:
    """The raw decisions of a folder: its files but gold (*.json), hidden files and README*."""
    return [
        path
        for path in sorted(folder.iterdir())
        if path.is_file() and path.suffix != ".json" and not path.name.startswith((".", "README"))
    ]


def read_decisions(folder: Path) -> list[Decision]:
    """The decisions of a folder, in the order of its file names. What holds no decision is named on stderr."""
    decisions: dict[str, Decision] = {}
    for path in raw_files(folder):
        try:
            decision = clean(RawPage(path.name, path.read_bytes()))
        except Unreadable as error:
            typer.echo(f"{path.name}: left out ({error})", err=True)
            continue
        if decision.decision_id in decisions:
            first = decisions[decision.decision_id].source_file
            typer.echo(f"{path.name}: left out ({decision.decision_id} is in {first})", err=True)
            continue
        decisions[decision.decision_id] = decision
    return list(decisions.values())


def digest_of(folder: Path, gold: Path) -> str:
    """SHA-256 over the names and bytes of the raw files and of the gold files."""
    sha = hashlib.sha256()
    golds = (path for path in sorted(gold.glob("*.json")) if not path.name.startswith("."))
    for path in (*raw_files(folder), *golds):
        content = path.read_bytes()
        sha.update(path.name.encode() + b"\0" + str(len(content)).encode() + b"\0" + content)
    return sha.hexdigest()


def as_saved(report: Report, digest: str) -> dict[str, Any]:
    """What --save writes: the scores, and for each decision the keys of what is right and of what is made up."""
    return {
        "digest": digest,
        "measures": {name: measure.score for name, measure in report.measures.items()},
        "decisions": {
            result.decision_id: {
                "right": [_key(item) for item in result.right],
                "invented": [_key(item) for item in result.invented],
            }
            for result in report.results
        },
    }


def changes(now: Mapping[str, Any], before: Mapping[str, Any]) -> list[Change]:
    """What changed between two values of `as_saved`, decision by decision, over the decisions that both hold."""
    found = []
    for decision_id in sorted(now["decisions"].keys() & before["decisions"].keys()):
        new, old = now["decisions"][decision_id], before["decisions"][decision_id]
        for key, gain, how in (
            *((key, True, "now right") for key in _more(new["right"], old["right"])),
            *((key, True, "no longer made up") for key in _more(old["invented"], new["invented"])),
            *((key, False, "no longer right") for key in _more(old["right"], new["right"])),
            *((key, False, "made up now") for key in _more(new["invented"], old["invented"])),
        ):
            kind, paragraph, words = key
            found.append(Change(decision_id, kind, paragraph, words, gain, how))
    return found


def gains_and_losses(report: Report, digest: str, before: Mapping[str, Any]) -> str:
    """The changes since `before` (a value of `as_saved`) for a person: gains, losses, and each measure that moved."""
    now = as_saved(report, digest)
    lines = []
    if before["digest"] != digest:
        lines.append("The texts or their gold changed since: some of these changes may come from that.")
    for title, ids in (
        ("new", now["decisions"].keys() - before["decisions"].keys()),
        ("gone", before["decisions"].keys() - now["decisions"].keys()),
    ):
        if ids:
            lines.append(f"Decisions {title}, and not compared: {', '.join(sorted(ids))}")
    found = changes(now, before)
    gains = sum(change.gain for change in found)
    lines.append(f"Gains: {gains}. Losses: {len(found) - gains}.")
    shown = None
    for change in found:
        if change.decision_id != shown:
            shown = change.decision_id
            lines.append(f"  {shown}")
        place = "" if change.paragraph is None else f" ¶{change.paragraph}"
        sign = "+" if change.gain else "-"
        lines.append(f"    {sign} {change.how}: {change.kind}{place} {change.words}".rstrip())
    moved = []
    for name in MEASURES:
        new, old = now["measures"].get(name), before["measures"].get(name)
        if new != old:
            by = "" if new is None or old is None else f" ({new - old:+.3f})"
            moved.append(f"  {MEASURES[name][1]}: {_said(old)} → {_said(new)}{by}")
    lines += ["Measures that moved:", *moved] if moved else ["No measure moved."]
    return "\n".join(lines)


def new_floors(report: Report, digest: str, old: Mapping[str, Any] | None, lower: bool) -> dict[str, Any]:
    """The floors of one part after this run. Without `lower`, no floor of `old` gets lower or goes away."""
    now = {
        name: math.floor(measure.score * 10_000 + 1e-6) / 10_000
        for name, measure in report.measures.items()
        if measure.score is not None
    }
    kept: Mapping[str, float] = {} if lower or old is None else old["floors"]
    names = [*MEASURES, *(name for name in kept if name not in MEASURES)]
    return {
        "digest": digest,
        "floors": {
            name: max(value for value in (now.get(name), kept.get(name)) if value is not None)
            for name in names
            if name in now or name in kept
        },
    }


def below_floors(report: Report, digest: str, part: Mapping[str, Any] | None) -> list[str]:
    """Why this run does not hold the floors of its part, a sentence each; empty when it does."""
    if part is None:
        return ["no floors are set; look at the report, then run with --set-floors"]
    failures = []
    if part["digest"] != digest:
        failures.append(
            "the texts or their gold changed since the floors were set; look at the report, then run with --set-floors"
        )
    for name, floor in part["floors"].items():
        score = report.measures[name].score if name in report.measures else None
        if score is None:
            failures.append(f"{name} has a floor of {floor:.4f} but nothing to measure; --lower-floors takes it away")
        elif score < floor - 1e-9:
            failures.append(f"{name} is {score:.4f}, below its floor of {floor:.4f} (--lower-floors would lower it)")
    return failures


def show(report: Report, listing: bool, limit: int | None) -> None:
    """Prints the report: a drawn table on a terminal, plain text elsewhere."""
    console = Console()
    if not console.is_terminal:
        typer.echo(report.as_text(listing, limit))
        return
    heading, *rows = table(report)
    drawn = Table(title=f"{len(report.results)} decisions")
    for at, name in enumerate(heading):
        drawn.add_column(name, justify="right" if at else "left")
    for row in rows:
        drawn.add_row(*(escape(cell) for cell in row))
    console.print(drawn)
    if listing:
        console.print(report.listing(limit), markup=False, highlight=False)


def _with_gold(decisions: Iterable[Decision], golds: Mapping[str, Any]) -> list[Decision]:
    """The decisions that have gold. Raises BadGold for gold whose decision is not there."""
    decisions = list(decisions)
    there = {decision.decision_id for decision in decisions}
    for decision_id, gold in golds.items():
        if decision_id not in there:
            raise BadGold(f"{gold.file}: no file of the folder holds {decision_id}")
    for decision in decisions:
        if decision.decision_id not in golds:
            typer.echo(f"{decision.source_file}: left out ({decision.decision_id} has no gold)", err=True)
    return [decision for decision in decisions if decision.decision_id in golds]


def _key(item: Item) -> list[Any]:
    words = item.words or (item.detail.split(":")[0] if item.kind == "header" else "")
    return [item.kind, item.paragraph, words]


def _more(these: Iterable[Iterable[Any]], those: Iterable[Iterable[Any]]) -> list[tuple[str, int | None, str]]:
    """The keys that `these` hold more often than `those`, in the order of `these`."""
    left = Counter(tuple(key) for key in these) - Counter(tuple(key) for key in those)
    return [(kind, paragraph, words) for kind, paragraph, words in left.elements()]


def _said(score: float | None) -> str:
    return "–" if score is None else f"{score:.3f}"


def _write_json(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n", encoding="utf-8")
