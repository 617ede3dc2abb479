"""The command `redress`: one command a stage. Arguments in, one call, a summary out; no logic here.

Exit codes: 0 done (pages in quarantine are no failure), 1 could not finish (run the same command again to go on),
2 wrong use (no such folder, nothing to read).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Optional

import typer

from pipeline import __version__
from pipeline.classify.commands import label, monitor, review, teach, train
from pipeline.evaluate import command as evaluate_command
from pipeline.extract.cli import app as rules_app
from pipeline.scrape.cli import app as scrape_app
from pipeline.scrape.cli import replica
from pipeline.shards import SHARD_SIZE, StageError

app = typer.Typer(
    name="redress",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_show_locals=False,
    help="""Ombudsman decisions turned into data: what each council was found to have done wrong, what it must do
about it, what it must pay, with the sentence that proves each row.

Start with: **redress run FOLDER --out DIR**, where FOLDER holds raw decisions (text, HTML, or the web archives that
`redress scrape` makes). Exit codes: 0 done, 1 could not finish (run again to go on), 2 wrong use.""",
)
Workers = Annotated[int, typer.Option("--workers", "-w", min=1, help="How many processes to use.")]
Scheduler = Annotated[
    Optional[str],  # noqa: UP045 - typer reads it
    typer.Option(
        "--scheduler",
        help="Send the shards to a Dask scheduler instead, tcp://HOST:PORT; its workers must see the same files.",
    ),
]
Out = Annotated[Path, typer.Option("--out", "-o", help="The folder to write. It is made when missing.")]
ShardSize = Annotated[int, typer.Option("--shard-size", min=1, help="How many loose files make a shard.")]


def fail(message: str, code: int) -> typer.Exit:
    """Prints an error; raise what it returns."""
    print(f"redress: {message}", file=sys.stderr)
    return typer.Exit(code)


@app.command()
def run(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Raw decisions: a folder (searched through), or one file.")
    ],
    out: Out = Path("data/dataset"),
    workers: Workers = 1,
    scheduler: Scheduler = None,
    shard_size: ShardSize = SHARD_SIZE,
) -> None:
    """Make the dataset from raw decisions: clean, extract and gather them into parquet tables.

    Work that is done is kept in OUT/.work, so a run that was stopped goes on where it was, and a second run reads only
    what is new. Files that hold no decision are listed with the reason in OUT/quarantine. OUT/run.json is written last.

    Example: redress run corpus/decisions --out data/dataset --workers 2
    """
    from pipeline.stages import find_inputs, run_all

    try:
        inputs = find_inputs(folder)
    except StageError as error:
        raise fail(str(error), 2) from None
    try:
        manifest = run_all(inputs, out, workers, scheduler, shard_size)
    except StageError as error:
        raise fail(str(error), 1) from None
    _print_summary(manifest, out)
    if not manifest["decisions"]:
        raise fail(f"none of the {manifest['inputs']} files in {folder} holds a decision; {out}/quarantine says why", 2)


def _print_summary(manifest: dict[str, object], out: Path) -> None:
    rows, quarantined = manifest["rows"], manifest["quarantined"]
    assert isinstance(rows, dict) and isinstance(quarantined, dict)
    print(
        f"{manifest['inputs']} files: {manifest['decisions']} decisions, {sum(quarantined.values())} in quarantine",
        end="",
    )
    print(f" ({', '.join(f'{count} {reason}' for reason, count in quarantined.items())})" if quarantined else "")
    for name, count in rows.items():
        print(f"  {out / name}/  {count:,} rows")


@app.command()
def clean(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Raw decisions: a folder (searched through), or one file.")
    ],
    out: Out = Path("data/records"),
    workers: Workers = 1,
    scheduler: Scheduler = None,
    shard_size: ShardSize = SHARD_SIZE,
) -> None:
    """The first stage alone: raw decisions to structured records, in shards.

    Example: redress clean corpus/decisions --out data/records
    """
    from pipeline.stages import find_inputs, run_clean

    try:
        inputs = find_inputs(folder)
    except StageError as error:
        raise fail(str(error), 2) from None
    try:
        shards = run_clean(inputs, out, workers, scheduler, shard_size)
    except StageError as error:
        raise fail(str(error), 1) from None
    print(f"{len(inputs.files)} files in {len(shards)} shards: {out}")


@app.command()
def extract(
    records: Annotated[Path, typer.Argument(metavar="RECORDS", help="The folder that `redress clean` wrote.")] = Path(
        "data/records"
    ),
    out: Out = Path("data/extracted"),
    workers: Workers = 1,
    scheduler: Scheduler = None,
) -> None:
    """The second stage alone: records to findings, remedies, payments, amounts and citations, in shards.

    Example: redress extract data/records --out data/extracted
    """
    from pipeline.stages import run_extract

    try:
        shards = run_extract(records, out, workers, scheduler)
    except StageError as error:
        raise fail(str(error), 1) from None
    print(f"{sum(shard.size for shard in shards)} decisions in {len(shards)} shards: {out}")


@app.command()
def dataset(
    extracted: Annotated[
        Path, typer.Argument(metavar="EXTRACTED", help="The folder that `redress extract` wrote.")
    ] = Path("data/extracted"),
    out: Out = Path("data/dataset"),
) -> None:
    """The last stage alone: extracted shards to the tables, the quarantine and run.json.

    Example: redress dataset data/extracted --out data/dataset
    """
    from pipeline.stages import run_dataset

    try:
        manifest = run_dataset(extracted, out)
    except StageError as error:
        raise fail(str(error), 1) from None
    _print_summary(manifest, out)


@app.command()
def show(file: Annotated[Path, typer.Argument(metavar="FILE", help="One raw decision, text or HTML.")]) -> None:
    """One decision in the terminal: header, outline, findings, remedies and payments with paragraph numbers and quotes.

    Example: redress show corpus/decisions/development/19-004-212.txt
    """
    from pipeline import analyse, read_decision
    from pipeline.show import render
    from pipeline.values import Unreadable

    try:
        decision = read_decision(file)
    except OSError as error:
        raise fail(f"cannot read {file}: {error.strerror or error}", 2) from None
    except Unreadable as problem:
        raise fail(f"{file} holds no decision ({problem.reason}): {problem.detail}", 2) from None
    render(decision, analyse(decision))


@app.command()
def schema(
    table: Annotated[
        list[str] | None, typer.Argument(metavar="[TABLE]...", help="Tables to print; all when none is named.")
    ] = None,
) -> None:
    """The data dictionary: every table and column with type and meaning ("?" marks columns that may be null).

    Example: redress schema payments
    """
    from pipeline.schema import TABLES, dictionary

    unknown = [name for name in table or [] if name not in TABLES]
    if unknown:
        raise fail(f"no table {', '.join(unknown)}; there are {', '.join(TABLES)}", 2)
    print(dictionary(table or TABLES), end="")


@app.command()
def version() -> None:
    """The version of Redress."""
    print(__version__)


app.command("evaluate")(evaluate_command)
app.add_typer(rules_app, name="rules")
app.command()(train)
app.command()(teach)
app.command()(label)
app.command()(monitor)
app.add_typer(review, name="review")
app.add_typer(scrape_app, name="scrape")
app.command("replica")(replica)
