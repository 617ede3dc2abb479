"""One decision in the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipeline.records import AWARDED
from pipeline.values import Decision, Extraction


def render(decision: Decision, found: Extraction) -> None:
    """Prints header, outline, findings, remedies, payments, other sums and law, each with its paragraph and quote."""
    console = Console(highlight=False)
    header = decision.header
    console.rule(f"[bold]{escape(header.organisation or 'Organisation not named')}[/] ({header.reference})")
    for label, value in (
        ("Category", " > ".join(part for part in (header.category, header.subcategory) if part)),
        ("Decision", header.decision),
        ("Date", header.decision_date),
        ("Published at", header.url),
        ("Numbering", decision.numbering),
    ):
        if value:
            console.print(f"[dim]{label:<13}[/] {escape(str(value))}")
    if decision.summary:
        console.print(f"\n{escape(decision.summary)}")
    console.print("\n[bold]Outline[/]")
    for section in decision.sections:
        numbers = "" if section.first is None else f" {section.first}–{section.last}"
        console.print(f"{'  ' * section.level}{escape(section.heading)}[dim]{numbers}  {section.code}[/]")

    _rows(
        console,
        f"Findings ({len(found.findings)})",
        ("¶", "verdict", "kinds", "injustice", "sentence"),
        [
            (
                _number(f.paragraph),
                f.polarity.replace("_", " "),
                ", ".join(f.types),
                ", ".join(f.injustice),
                decision.words_of(f),
            )
            for f in found.findings
        ],
    )
    _rows(
        console,
        f"Remedies ({len(found.remedies)})",
        ("¶", "status", "kinds", "who", "due", "words"),
        [
            (
                _number(r.paragraph),
                r.status,
                ", ".join(r.types),
                r.organisation or "",
                str(r.due_date or r.deadline or ""),
                decision.words_of(r),
            )
            for r in found.remedies
        ],
    )
    _rows(
        console,
        f"Payments ({len(found.payments)})",
        ("¶", "status", "sum", "total", "to", "for", "words"),
        [
            (
                _number(p.paragraph),
                p.status,
                f"£{p.amount:,.2f}" + (f" a {p.frequency}" if p.frequency else ""),
                "" if p.total is None else f"£{p.total:,.2f}",
                p.recipient or "",
                ", ".join(p.purposes),
                decision.words_of(p),
            )
            for p in found.payments
        ],
    )
    _rows(
        console,
        f"Other sums ({len(found.amounts)})",
        ("¶", "sum", "why it is no payment"),
        [(_number(a.paragraph), decision.words_of(a), a.reason.replace("_", " ")) for a in found.amounts],
    )
    _rows(
        console,
        f"Law ({len(found.citations)})",
        ("¶", "law", "provision", "words"),
        [
            (
                _number(c.paragraph),
                c.act if c.year is None or str(c.year) in c.act else f"{c.act} {c.year}",
                c.provision or "",
                decision.words_of(c),
            )
            for c in found.citations
        ],
    )
    total = sum(p.total or 0.0 for p in found.payments if p.status in AWARDED)
    console.print(f"\n[bold]Total awarded[/] £{total:,.2f}")


def _number(number: int | None) -> str:
    return "" if number is None else str(number)


def _rows(console: Console, title: str, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    console.print(f"\n[bold]{title}[/]")
    if not rows:
        return
    table = Table(show_edge=False, pad_edge=False, header_style="dim")
    for column in columns:
        table.add_column(column, ratio=4 if column in ("sentence", "words") else None, overflow="fold")
    for row in rows:
        table.add_row(*map(escape, row))
    console.print(table)
