"""How fast the stages are, beside what one would use instead. Run by `make bench`; prints a Markdown table.

The machines this runs on are noisy, so every contender is timed in every round, in turn, by the seconds of CPU it took,
and medians are compared: trust the ratios more than the rates. The rates of the stages are decisions a second on one
core; those of `redress run` are by the clock on the wall, with start-up.

    python -m tests.bench [--quick]
"""

from __future__ import annotations

import argparse
import gc
import html
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from statistics import median
from typing import Any

import spacy
import trafilatura

from pipeline.clean import clean
from pipeline.clean.header import reference_in
from pipeline.extract import extract_all
from pipeline.values import Decision, RawPage

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = ROOT / "corpus" / "decisions"
SEEDS = ROOT.parent / "shared" / "seeds"
PAGE_SIZE = 50_000
ENOUGH_HTML, ENOUGH_TEXT, ENOUGH_EXTRACT = 4.0, 1000.0, 1.5


@dataclass(frozen=True)
class Effort:
    """How much is measured: rounds, decisions in a round, decisions of an end-to-end run and its repetitions."""

    rounds: int
    sample: int
    run: int
    repeats: int


FULL = Effort(rounds=7, sample=50, run=1000, repeats=3)
QUICK = Effort(rounds=1, sample=6, run=24, repeats=1)


# Material


def pages_in(folder: Path, *suffixes: str) -> list[RawPage]:
    """The raw decisions of a folder with these suffixes; none where the folder is missing."""
    return [RawPage(p.name, p.read_bytes()) for p in sorted(folder.rglob("*")) if p.suffix in suffixes]


def spread(items: Sequence[Any], count: int) -> list[Any]:
    """`count` items taken evenly from `items`, going round when there are fewer."""
    if len(items) >= count:
        return [items[i * len(items) // count] for i in range(count)]
    return [items[i % len(items)] for i in range(count)]


def as_page(decision: Decision) -> RawPage:
    """A decision as a page of about 50 KB: the article as the site marks it up, in a page of our own writing."""
    article = _article(decision)
    page = _HEAD + article + _FOOT
    filler = max(0, PAGE_SIZE - len(page.encode()))
    # What makes real pages large: styles and scripts in the head, menus of links around the article.
    styles = _repeat(".u-{i}{{margin:{i}px 0;padding:0 {i}px}}.u-{i}:hover{{color:#1d70b8}}\n", filler * 3 // 10)
    scripts = _repeat("window.site.push({{'event':'view','slot':{i},'consent':false}});\n", filler * 3 // 10)
    menu = _repeat(
        '<li class="menu__item"><a class="link" href="/guides/topic-{i}">Guide {i}</a></li>\n', filler * 4 // 10
    )
    page = page.replace("/*styles*/", styles).replace("/*scripts*/", scripts).replace("<!--menu-->", menu)
    return RawPage(f"{decision.decision_id.rpartition('/')[2]}.html", page.encode())


def _repeat(pattern: str, size: int) -> str:
    return "".join(pattern.format(i=i) for i in range(size // len(pattern)))


def _article(decision: Decision) -> str:
    header, parts = decision.header, ['<article id="article">']
    if header.organisation:  # a report that names nobody has its reference in the file's name alone
        parts.append(f"<h1>{_escape(header.organisation)} ({header.reference})</h1>")
    category = " > ".join(filter(None, (header.category, header.subcategory)))
    date = f"{header.decision_date:%d %b %Y}" if header.decision_date else None
    for label, value in (("Category", category), ("Decision", header.decision), ("Decision date", date)):
        if value:
            spans = f'<span class="label">{label} : </span><span class="value">{_escape(value)}</span>'
            parts.append(f'<div class="meta">{spans}</div>')
    levels = {section.start: section.level + 1 for section in decision.sections}
    rows = [(levels.get(p.start), p.kind, _escape(decision.words_of(p))) for p in decision.paragraphs]
    for kind, group in groupby(rows, key=lambda row: "heading" if row[0] else row[1]):
        if kind == "paragraph":
            if not parts[-1].endswith("</li>"):
                parts.append("<ol>")
            parts += [f"<li>{words}</li>" for _, _, words in group]
        elif kind == "bullet":
            nested = [f"<li>{words}</li>" for _, _, words in group]
            bullets = "\n".join(["<ul>", *nested, "</ul>"])
            if parts[-1].endswith("</li>"):
                parts[-1] = f"{parts[-1][:-5]}\n{bullets}</li>"
            else:
                parts.append(bullets)
        else:
            _close(parts)
            parts += [f"<h{level}>{words}</h{level}>" if level else f"<p>{words}</p>" for level, _, words in group]
    _close(parts)
    return "\n".join([*parts, "</article>"])


def _close(parts: list[str]) -> None:
    if parts[-1].endswith("</li>"):
        parts.append("</ol>")


def _escape(words: str) -> str:
    return html.escape(words).replace("’", "&rsquo;").replace("£", "&pound;")


_HEAD = """<!DOCTYPE html>
<html lang="en-GB"><head><meta charset="utf-8"><title>Decision - Local Government and Social Care Ombudsman</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="canonical" href="https://www.lgo.org.uk/decisions/reference">
<style>/*styles*/</style><script>window.site = [];
/*scripts*/</script></head><body>
<div id="cookie-banner"><p>We use small files called cookies to make this website work.</p><button>Accept</button></div>
<header><a href="#article">Skip to main content</a><nav><ul class="menu"><!--menu--></ul></nav></header><main>
"""
_FOOT = """
</main><footer><nav><ul><li><a href="/privacy">Privacy</a></li><li><a href="/contact">Contact us</a></li></ul></nav>
<p>Print this page</p></footer><script src="/assets/site.js"></script></body></html>
"""


# Measuring


@dataclass(frozen=True)
class Contender:
    """Something to time: `work` is done once a round, over `count` decisions."""

    name: str
    count: int
    work: Callable[[], object]


def race(contenders: Sequence[Contender], rounds: int) -> dict[str, float]:
    """Median CPU seconds a decision, by contender: all run in each round, in an order that turns with the rounds."""
    seconds: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    for contender in contenders:  # caches, lazy imports and compiled rules are warm before the clock starts
        contender.work()
    for i in range(rounds):
        turn = i % len(contenders)
        for contender in (*contenders[turn:], *contenders[:turn]):
            gc.collect()
            gc.disable()  # as timeit does: whose garbage is collected when is chance
            started = time.process_time()  # none of them waits, and other processes' turns are not theirs
            contender.work()
            seconds[contender.name].append((time.process_time() - started) / contender.count)
            gc.enable()
    return {name: median(values) for name, values in seconds.items()}


@dataclass(frozen=True)
class Run:
    """One end-to-end run: wall-clock seconds with start-up, seconds by stage, and its largest process in MB."""

    seconds: float
    stages: dict[str, float]
    decisions: int
    memory: float


def run_redress(folder: Path, out: Path, workers: int) -> Run:
    """Runs `redress run` as a user does."""
    command = [sys.executable, "-c", "from pipeline.cli import app; app()"]
    command += ["run", str(folder), "--out", str(out), "--workers", str(workers)]
    started = time.perf_counter()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT)
        _, status, usage = os.wait4(process.pid, 0)  # its own memory and its workers': RUSAGE_CHILDREN would mix runs
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            log.seek(0)
            raise SystemExit(f"redress run failed: {log.read().decode(errors='replace')}")
    seconds = time.perf_counter() - started
    manifest = json.loads((out / "run.json").read_text(encoding="utf-8"))
    unit = 1 if sys.platform == "darwin" else 1024  # ru_maxrss counts bytes there, kilobytes here
    return Run(seconds, manifest["seconds"], manifest["decisions"], usage.ru_maxrss * unit / 2**20)


def replicate(pages: Sequence[RawPage], count: int, folder: Path) -> None:
    """Writes `count` decisions into a folder: copies of `pages`, each under a reference of its own."""
    for i in range(count):
        page = pages[i % len(pages)]
        text = page.content.decode("utf-8", errors="replace")
        printed = reference_in(text[:3000]) or reference_in(page.name)
        reference = f"{10 + i % 15} {i // 1000:03d} {i % 1000:03d}"
        if printed:
            text = re.sub(rf"\b{printed.replace(' ', '[ _-]')}\b", reference, text)
        (folder / f"{reference.replace(' ', '-')}{Path(page.name).suffix}").write_text(text, encoding="utf-8")


# The table


@dataclass(frozen=True)
class Row:
    """One line of the table; empty cells are left out."""

    what: str
    material: str
    rate: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Ratio:
    """One comparison with its aim: at least, or at most, `aim`."""

    name: str
    value: float
    aim: float
    at_least: bool = True

    @property
    def met(self) -> bool:
        return self.value >= self.aim if self.at_least else self.value <= self.aim


def measure_stages(
    name: str, texts: Sequence[RawPage], pages: Sequence[RawPage], effort: Effort
) -> tuple[list[Row], list[Ratio]]:
    """Times cleaning and extraction, and what one would use instead, on one material."""
    texts = spread(texts, effort.sample)
    decisions = [clean(page) for page in texts]
    large = [as_page(decision) for decision in decisions]
    own = spread(pages, effort.sample) if pages else []
    tokenizer = spacy.blank("en").tokenizer
    contenders = [
        Contender("clean, text", len(texts), lambda: [clean(page) for page in texts]),
        Contender("clean, HTML of 50 KB", len(large), lambda: [clean(page) for page in large]),
        Contender("trafilatura.extract, HTML of 50 KB", len(large), lambda: [_trafilatura(page) for page in large]),
        Contender("extract", len(decisions), lambda: extract_all(decisions)),
        Contender("spaCy blank tokenizer alone", len(decisions), lambda: [tokenizer(d.text) for d in decisions]),
    ]
    if own:
        contenders += [
            Contender("clean, HTML as shipped", len(own), lambda: [clean(page) for page in own]),
            Contender("trafilatura.extract, HTML as shipped", len(own), lambda: [_trafilatura(page) for page in own]),
        ]
    seconds = race(contenders, effort.rounds)
    words = round(sum(len(d.text.split()) for d in decisions) / len(decisions))
    rows = [Row(what, f"{name}, {words:,} words each", 1 / value) for what, value in seconds.items()]
    ratios = [
        Ratio(f"{name}: clean, text (decisions/s a core)", 1 / seconds["clean, text"], ENOUGH_TEXT),
        Ratio(
            f"{name}: clean ÷ trafilatura, HTML of 50 KB",
            seconds["trafilatura.extract, HTML of 50 KB"] / seconds["clean, HTML of 50 KB"],
            ENOUGH_HTML,
        ),
        Ratio(
            f"{name}: extract ÷ tokenizer, time",
            seconds["extract"] / seconds["spaCy blank tokenizer alone"],
            ENOUGH_EXTRACT,
            at_least=False,
        ),
    ]
    if own:
        ratio = seconds["trafilatura.extract, HTML as shipped"] / seconds["clean, HTML as shipped"]
        ratios.append(Ratio(f"{name}: clean ÷ trafilatura, HTML as shipped", ratio, ENOUGH_HTML))
    return rows, ratios


def _trafilatura(page: RawPage) -> str | None:
    return trafilatura.extract(page.content)


def measure_runs(name: str, texts: Sequence[RawPage], effort: Effort) -> list[Row]:
    """Times `redress run` on one and two processes, turn by turn, from raw text to tables."""
    runs: dict[int, list[Run]] = {1: [], 2: []}
    with tempfile.TemporaryDirectory() as scratch:
        raw = Path(scratch, "raw")
        raw.mkdir()
        replicate(texts, effort.run, raw)
        for i in range(effort.repeats):
            for workers in (1, 2) if i % 2 == 0 else (2, 1):
                runs[workers].append(run_redress(raw, Path(scratch, f"out-{i}-{workers}"), workers))
    rows = []
    for workers, done in runs.items():
        middle = sorted(done, key=lambda run: run.seconds)[len(done) // 2]
        stages = ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in middle.stages.items())
        start = middle.seconds - sum(middle.stages.values())
        memory = max(run.memory for run in done)
        note = f"{middle.seconds:.1f} s: {stages}, start {start:.1f} s; peak {memory:,.0f} MB a process"
        what = f"redress run, {workers} process{'es' if workers > 1 else ''}"
        rows.append(
            Row(what, f"{name}, {middle.decisions:,} decisions from text", middle.decisions / middle.seconds, note)
        )
    return rows


def own_memory() -> float:
    """The peak memory of this process in MB."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


def markdown(rows: Sequence[Row], ratios: Sequence[Ratio]) -> str:
    """Both tables as Markdown."""
    lines = ["| what | material | decisions/s | note |", "| --- | --- | ---: | --- |"]
    for row in rows:
        rate = "" if row.rate is None else f"{row.rate:,.0f}"
        lines.append(f"| {row.what} | {row.material} | {rate} | {row.note} |")
    lines += ["", "| ratio | measured | aim | |", "| --- | ---: | ---: | --- |"]
    for ratio in ratios:
        shown = f"{ratio.value:,.0f}" if ratio.value >= 100 else f"{ratio.value:.2f}"
        bound = f"{'≥' if ratio.at_least else '≤'} {ratio.aim:,g}"
        lines.append(f"| {ratio.name} | {shown} | {bound} | {'met' if ratio.met else 'missed'} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the tables; `--quick` measures next to nothing, to show that the benchmark itself works."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few decisions, once: the numbers mean nothing")
    effort = QUICK if parser.parse_args(arguments).quick else FULL
    rows: list[Row] = []
    ratios: list[Ratio] = []
    for name, folder in (("shipped", SHIPPED), ("real", SEEDS)):
        texts = pages_in(folder, ".txt")
        if not texts:
            continue
        some_rows, some_ratios = measure_stages(name, texts, pages_in(folder, ".html"), effort)
        rows += some_rows + measure_runs(name, texts, effort)
        ratios += some_ratios
    rows.append(Row("this benchmark, all of it in one process", "", None, f"peak {own_memory():,.0f} MB"))
    print(markdown(rows, ratios))


if __name__ == "__main__":
    main()
