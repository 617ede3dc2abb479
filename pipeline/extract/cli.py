"""`redress rules`: check the rules, and try one on a folder of decisions."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="The rules of extraction (corpus/rules/*.yaml): check them, try one.")


@app.command()
def check() -> None:
    """Load every rule strictly and run every example. Exit code 1 when something does not hold.

    Example: redress rules check
    """
    from pipeline.extract.rules import RuleError, check_examples, load_rules

    try:
        rules = load_rules()
    except (RuleError, ValueError) as error:
        print(f"redress: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    problems = check_examples(rules)
    for problem in problems:
        print(problem, file=sys.stderr)
    examples = sum(len(rule.matches) + len(rule.spares) for rule in rules)
    print(f"{len(rules)} rules, {examples} examples, {len(problems)} that do not hold")
    if problems:
        raise typer.Exit(1)


@app.command("try")
def try_rule(
    rule: Annotated[str, typer.Argument(metavar="ID", help="A rule's id, `delay`, or in full, `fault_types/delay`.")],
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Raw decisions: a folder, or one file.")],
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many hits to print.")] = 50,
) -> None:
    """Print a rule's hits in context, with decision and paragraph.

    Example: redress rules try fault_types/delay corpus/decisions/development
    """
    from pipeline.extract.rules import Matchers, blank, load_rules
    from pipeline.extract.sentences import lines_of, sentences_in
    from pipeline.shards import StageError
    from pipeline.stages import decisions_in

    chosen = [r for r in load_rules() if rule in (r.id, r.name)]
    if not chosen:
        print(f"redress: no rule {rule}; there are {', '.join(sorted(r.name for r in load_rules()))}", file=sys.stderr)
        raise typer.Exit(2)
    matchers = Matchers(blank(), chosen)
    shown = total = 0
    try:
        for decision in decisions_in(folder):
            for line in lines_of(decision):
                for sentence in sentences_in(decision.text, line):
                    words = decision.text[sentence.start : sentence.end]
                    for hit in matchers.hits(words):
                        total += 1
                        if shown < limit:
                            shown += 1
                            marked = f"{words[: hit.start]}[{words[hit.start : hit.end]}]{words[hit.end :]}"
                            print(f"{decision.decision_id} ¶{sentence.number or '–'} {sentence.section}: {marked}")
    except StageError as error:
        print(f"redress: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    print(f"{total} hits" + (f", {shown} shown (--limit)" if shown < total else ""))
