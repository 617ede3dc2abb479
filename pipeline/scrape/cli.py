"""`redress scrape …` and `redress replica`: arguments in, one call, a summary out."""

from __future__ import annotations

import importlib
import pkgutil
import signal
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, cast

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

import pipeline.scrape
from pipeline.scrape.ledger import Ledger
from pipeline.scrape.site import Site

FINE, FAILED, USAGE, CHANGED = 0, 1, 2, 3
_TOOLS = frozenset({"archive", "cli", "client", "ledger", "months", "replica", "site"})
SITES = sorted(module.name for module in pkgutil.iter_modules(pipeline.scrape.__path__) if module.name not in _TOOLS)
_SHORTEST_DELAY = 1.0  # seconds, on a real site
_DAY = ["%Y-%m-%d", "%Y-%m"]

app = typer.Typer(
    help="Fetch decisions from an ombudsman's site into the raw archive, politely.",
    invoke_without_command=True,
    no_args_is_help=False,
)
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

ArchiveOption = Annotated[Path, typer.Option("--archive", help="The folder of the raw archive.")]


@app.callback()
def scrape(
    context: typer.Context,
    forget_gone: Annotated[
        bool, typer.Option("--forget-gone", help="Remove the text of decisions that the site took down.")
    ] = False,
    archive: ArchiveOption = Path("data/raw"),
) -> None:
    """Fetch decisions from an ombudsman's site into the raw archive, politely."""
    if context.invoked_subcommand is not None:
        return
    if not forget_gone:
        typer.echo(context.get_help())
        raise typer.Exit(USAGE)
    forget(archive)


def _scrape_command(name: str) -> Callable[..., None]:
    def command(
        first: Annotated[datetime, typer.Option("--from", formats=_DAY, help="The first day, or month.")],
        last: Annotated[
            datetime | None, typer.Option("--to", formats=_DAY, help="The last day, or month; today if not given.")
        ] = None,
        archive: ArchiveOption = Path("data/raw"),
        contact: Annotated[
            str | None,
            typer.Option(
                envvar="REDRESS_CONTACT", help="Your e-mail or https address, which the site's operators will see."
            ),
        ] = None,
        base_url: Annotated[
            str | None, typer.Option(help="Scheme and host to ask instead of the site: a replica.")
        ] = None,
        delay: Annotated[
            float,
            typer.Option(min=0, help="Seconds from an answer to the next request; errors and robots.txt lengthen it."),
        ] = 2.0,
        timeout: Annotated[float, typer.Option(min=0.1, help="Seconds that one answer may take, all of it.")] = 120.0,
        recheck_days: Annotated[
            float, typer.Option(min=0, help="Ask again for pages last looked at so many days ago.")
        ] = 90.0,
    ) -> None:
        run(name, first, last, archive, contact, base_url, delay, timeout, recheck_days)

    command.__doc__ = (
        f"Fetch the decisions of whole months from {name}; run again, only what is new or changed.\n\n"
        f"Example: redress scrape {name} --from 2024-01-01 --to 2024-03-31 --contact you@example.org"
    )
    return command


for _name in SITES:
    app.command(_name)(_scrape_command(_name))


def run(
    name: str,
    first: datetime,
    last: datetime | None,
    archive: Path,
    contact: str | None,
    base_url: str | None,
    delay: float,
    timeout: float,
    recheck_days: float,
) -> None:
    """Scrapes a source; ends the process with its exit code."""
    from pipeline.scrape import client, months
    from pipeline.scrape.archive import Archive, ArchiveInUse

    site = cast(Site, importlib.import_module(f"pipeline.scrape.{name}"))
    base = base_url or site.BASE
    today = datetime.now(UTC)
    until = min(last or today, today.replace(tzinfo=None) if last else today)
    if not contact:
        raise _usage(
            "say who asks: --contact with your e-mail or https address, or the environment variable REDRESS_CONTACT"
        )
    if first.date() > until.date():
        raise _usage(f"--from {first:%Y-%m-%d} is after {until:%Y-%m-%d}: there is nothing to ask for")
    if delay < _SHORTEST_DELAY and not client.is_loopback(base):
        raise _usage(f"--delay {delay:g} is too fast for a real site: {_SHORTEST_DELAY:g} second or more")
    wanted = months.months_between(first.date(), until.date())
    pace = client.Pace(delay=delay, silence=min(30.0, timeout), total=timeout)
    try:
        with Archive(archive, name) as store, client.Client(base, contact, pace) as asker:
            waits = store.ledger.note("not_before")
            if waits and today < datetime.fromisoformat(waits):
                err.print(f"[red]the site asked not to be asked before {waits}[/]; run the same command then")
                raise typer.Exit(FAILED)
            store.ledger.set_note("not_before", None)
            with _progress() as progress:
                outcome = months.scrape(site, asker, store, wanted, recheck_days, _teller(progress, wanted))
            advice = months.advice(outcome.months, name)
            kept = store.folder / "failed"
    except ArchiveInUse as error:
        err.print(f"[red]{error}[/]")
        raise typer.Exit(FAILED) from error
    except ValueError as error:
        raise _usage(str(error)) from error
    except OSError as error:
        err.print(f"[red]{error}[/]: nothing archived is lost; the same command goes on")
        raise typer.Exit(FAILED) from error
    for month in outcome.months:
        if month.why and month.checked_at and month.why not in (outcome.stopped or ""):
            err.print(f"[yellow]{month.month} stays open:[/] {_plain(month.why)}")
    if outcome.stopped:
        err.print(f"[red]stopped:[/] {_plain(outcome.stopped)}")
    if outcome.exit_code == CHANGED:
        err.print(f"[red]the site is not what it was[/]: see the answers kept in {kept}")
    archived = sum(month.archived for month in outcome.months)
    out.print(
        f"{_count(outcome.fetched, 'page')} fetched with {_count(outcome.requests, 'request')}, "
        f"{outcome.received / 1e6:.2f} MB; {_count(archived, 'decision')} of {_count(len(wanted), 'month')} in "
        f"{archive}"
    )
    if advice:
        out.print(f"next: {advice}")
    raise typer.Exit(outcome.exit_code)


@app.command()
def status(archive: ArchiveOption = Path("data/raw")) -> None:
    """Show each month of the archive, and what to run next.

    Example: redress scrape status --archive data/raw
    """
    from pipeline.scrape import months

    path = archive / "ledger.sqlite"
    if not path.is_file():
        err.print(
            f"{archive} holds no archive yet; start with: redress scrape {SITES[0]} --from 2024-01-01 --to 2024-01-31"
        )
        raise typer.Exit(FAILED)
    with Ledger(path) as ledger:
        tallies = list(ledger.tallies())
        withdrawn = len(ledger.gone_pages())
        source = ledger.note("source") or SITES[0]
    columns = ("month", "state", "announced", "collected", "archived", "changed", "gone", "failed", "looked at")
    table = Table(*columns, box=None, padding=(0, 1, 0, 0))
    for column in table.columns[2:8]:
        column.justify = "right"
    for tally in tallies:
        counts = (tally.announced, tally.collected, tally.archived, tally.changed, tally.gone, tally.failed)
        table.add_row(
            tally.month, tally.state, *("-" if n is None else f"{n:,}" for n in counts), (tally.checked_at or "-")[:10]
        )
    out.print(table)
    if any(tally.state == "reading" for tally in tallies):
        out.print("reading: a run is at it, or was interrupted")
    for tally in tallies:
        if tally.why:
            out.print(f"{tally.month}: {_plain(tally.why)}")
    advice = months.advice(tallies, source)
    if withdrawn:
        out.print(
            f"{_count(withdrawn, 'decision')} gone from the site; redress scrape --forget-gone removes their text"
        )
    out.print(f"next: {advice}" if advice else "nothing is open; run a scrape again to look for new decisions")


@app.command("forget-gone")
def forget_gone_command(archive: ArchiveOption = Path("data/raw")) -> None:
    """Remove the text of decisions that the site took down.

    Example: redress scrape forget-gone --archive data/raw
    """
    forget(archive)


def forget(archive: Path) -> None:
    """Removes withdrawn text from an archive and says which."""
    from pipeline.scrape.archive import Archive, ArchiveInUse

    path = archive / "ledger.sqlite"
    if not path.is_file():
        err.print(f"{archive} holds no archive")
        raise typer.Exit(FAILED)
    with Ledger(path) as ledger:
        source = ledger.note("source") or SITES[0]
    try:
        with Archive(archive, source) as store:
            references = store.forget_gone()
    except ArchiveInUse as error:
        err.print(f"[red]{error}[/]")
        raise typer.Exit(FAILED) from error
    out.print(f"{_count(len(references), 'decision')} forgotten" + (f": {', '.join(references)}" if references else ""))


def replica(
    port: Annotated[int, typer.Option(min=0, max=65_535, help="The port on 127.0.0.1; 0 takes a free one.")] = 8080,
    decisions: Annotated[Path | None, typer.Option(help="A folder of decisions to publish (txt and html).")] = None,
    generate: Annotated[
        int, typer.Option(min=0, max=100_000, help="How many made-up decisions to publish besides.")
    ] = 0,
    seed: Annotated[int, typer.Option(help="What the made-up decisions follow from.")] = 0,
    misbehave: Annotated[
        list[str] | None, typer.Option(help="A way to misbehave; can be given several times. `help` lists them.")
    ] = None,
    every: Annotated[int, typer.Option(min=1, help="Misbehave at about one address in so many.")] = 7,
) -> None:
    """Serve a replica of the Ombudsman's site on loopback, to try the scraper out.

    Example: redress replica --port 8765 --decisions corpus/decisions
    """
    import pipeline.scrape.replica as replicas

    kinds = misbehave or []
    if "help" in kinds:
        for kind, meaning in replicas.KINDS.items():
            out.print(f"{kind:16} {meaning}")
        return
    unknown = [kind for kind in kinds if kind not in replicas.KINDS]
    if unknown:
        raise _usage(f"no such way to misbehave: {', '.join(unknown)}; `--misbehave help` lists them")
    published = replicas.generated(generate, seed)
    if decisions is not None:
        if not decisions.is_dir():
            raise _usage(f"{decisions} is no folder")
        published = [*replicas.shipped(decisions), *published]
    if not published:
        raise _usage("nothing to publish: give --decisions FOLDER or --generate N")
    days = sorted(decision.day for decision in published)
    try:
        with replicas.Replica(published, kinds, every=every, port=port) as server:
            out.print(
                f"{_count(len(published), 'decision')}, {days[0]} to {days[-1]}, at {server.base} until you press "
                f"Ctrl-C; try"
            )
            out.print(
                f"  redress scrape lgsco --base-url {server.base} --delay 0 --contact you@example.org "
                f"--from {days[0]:%Y-%m} --to {days[-1]:%Y-%m} --archive data/replica"
            )
            signal.signal(signal.SIGTERM, signal.default_int_handler)
            server.wait()
    except KeyboardInterrupt:
        pass
    except OSError as error:
        err.print(f"[red]port {port}: {error}[/]")
        raise typer.Exit(FAILED) from error


class _Rate(ProgressColumn):
    """Pages a second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.2f} pages/s" if task.speed else "- pages/s")


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
        console=err,
        disable=not err.is_terminal,
        transient=True,
        speed_estimate_period=120,
    )


def _teller(progress: Progress, wanted: list[str]) -> Callable[..., None]:
    from pipeline.scrape.months import Step

    bar = progress.add_task("", total=None, note="")

    def tell(step: Step) -> None:
        if step.trouble is not None:
            kept = f" (kept in {step.trouble.kept})" if step.trouble.kept else ""
            err.print(f"[red]{_plain(step.trouble.url)}[/]: {_plain(step.trouble.reason)}{_plain(kept)}")
            return
        note = f"month {wanted.index(step.month) + 1} of {len(wanted)}" + (
            "" if step.total else ", reading the listing"
        )
        if step.done == 0:
            progress.reset(bar, total=step.total or None, description=step.month, note=note)
        else:
            progress.update(bar, completed=step.done, note=note)

    return tell


def _plain(text: str) -> str:
    """Text from a site as the terminal may show it: no markup of rich's, no control characters."""
    return "".join(c if c.isprintable() else "�" for c in text).replace("[", r"\[")


def _count(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def _usage(message: str) -> typer.Exit:
    err.print(f"[red]{_plain(message)}[/]")
    return typer.Exit(USAGE)


def main() -> None:
    """`python -m pipeline.scrape.cli`: the same commands without the rest of Redress."""
    app()


if __name__ == "__main__":
    main()
