"""Damaged decisions: reading never fails but by saying so, and no numbered or bulleted line is lost."""

from __future__ import annotations

import random
import re
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import CASES, DECISIONS, assert_tiles, case, plain, raw_files, read

from pipeline import analyse
from pipeline.clean import decode
from pipeline.clean.furniture import is_exact
from pipeline.clean.lines import PLAIN, Line, layout
from pipeline.extract import extract
from pipeline.values import Decision, Unreadable

_SHIPPED = Path(__file__).resolve().parents[1] / "corpus" / "decisions" / "development"
# A spread of what ships, beside the cases.
_PATHS = [*(CASES / name for name in DECISIONS), *raw_files(_SHIPPED)[::4]]
_TEXTS = [path for path in _PATHS if path.suffix == ".txt"]
_PAGES = [path for path in _PATHS if path.suffix == ".html"]
_MARKED = re.compile(r"\s*(?:\d{1,3}\.|•|-) +(?P<words>\S.*)")
REASONS = {"empty", "binary", "not_a_decision", "no_reference", "nested_too_deep"}

mutated = settings(
    deadline=None,
    max_examples=150,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def attempt(content: bytes, name: str) -> Decision | None:
    """The decision in `content`, checked, or null where it is refused for a known reason."""
    try:
        decision = read(content, name)
    except Unreadable as problem:
        assert problem.reason in REASONS and problem.detail
        return None
    assert_tiles(decision)
    return decision


def assert_sound(decision: Decision, models: bool = True) -> None:
    """Analysis, by the rules alone or with the models, does not raise; all that it finds is a span of the text."""
    found = analyse(decision) if models else extract(decision)
    for spans in (found.findings, found.remedies, found.payments, found.amounts, found.citations):
        for span in spans:
            assert 0 <= span.start < span.end <= len(decision.text), span
            assert decision.words_of(span).strip(), span


def items(lines: list[str]) -> list[str]:
    """The words of the numbered and bulleted lines that are sentences, or part of one.

    A few words without an end, before the title, may be a list of contents; and "Search" or "Contents" are furniture.
    """
    words = [plain(found["words"]) for line in lines if (found := _MARKED.fullmatch(line.rstrip()))]
    return [
        w
        for w in words
        if (len(w.split()) > 12 or w.endswith((".", ";", ":"))) and not is_exact(Line(PLAIN, w), layout("lgsco"))
    ]


def lost(lines: list[str], decision: Decision) -> list[str]:
    """The items of `lines` whose words are not in the text, counted."""
    text = [plain(line) for line in decision.text.split("\n")]
    gone = []
    for words in items(lines):
        if words in text:
            text.remove(words)
        else:
            gone.append(words)
    return gone


def lines_of_file(path: Path) -> list[str]:
    return decode(path.read_bytes()).split("\n")


@mutated
@given(st.sampled_from(_TEXTS), st.data())
def test_lines_dropped(path: Path, data: st.DataObject) -> None:
    lines = lines_of_file(path)
    gone = data.draw(st.sets(st.integers(0, len(lines) - 1)))
    left = [line for i, line in enumerate(lines) if i not in gone]
    decision = attempt("\n".join(left).encode(), path.name)
    if decision is not None:
        assert lost(left, decision) == []


@mutated
@given(st.sampled_from(_TEXTS), st.data())
def test_a_few_lines_less_do_not_make_a_decision_unreadable(path: Path, data: st.DataObject) -> None:
    lines = lines_of_file(path)
    # The title holds the reference, so it stays.
    gone = data.draw(st.sets(st.integers(1, len(lines) - 1), max_size=3))
    decision = attempt("\n".join(line for i, line in enumerate(lines) if i not in gone).encode(), path.name)
    assert decision is not None


@mutated
@given(st.sampled_from(_TEXTS), st.data())
def test_lines_doubled(path: Path, data: st.DataObject) -> None:
    lines = lines_of_file(path)
    again = data.draw(st.sets(st.integers(0, len(lines) - 1)))
    doubled = [line for i, line in enumerate(lines) for _ in range(2 if i in again else 1)]
    decision = attempt("\n".join(doubled).encode(), path.name)
    assert decision is not None
    assert lost(doubled, decision) == []


@mutated
@given(st.sampled_from(_TEXTS), st.randoms(use_true_random=False), st.booleans())
def test_lines_shuffled(path: Path, rng: random.Random, keep_title: bool) -> None:
    lines = lines_of_file(path)
    first, rest = (lines[:1], lines[1:]) if keep_title else ([], lines)
    rng.shuffle(rest)
    decision = attempt("\n".join(first + rest).encode(), path.name)
    if decision is not None:
        assert lost(first + rest, decision) == []


@mutated
@given(st.sampled_from(_PATHS), st.lists(st.tuples(st.integers(0), st.integers(0, 255)), min_size=1, max_size=40))
def test_bytes_flipped(path: Path, flips: list[tuple[int, int]]) -> None:
    content = bytearray(path.read_bytes())
    for place, byte in flips:
        content[place % len(content)] = byte
    attempt(bytes(content), path.name)


@mutated
@given(st.sampled_from(_TEXTS), st.randoms(use_true_random=False))
def test_encodings_mixed_line_by_line_change_no_word(path: Path, rng: random.Random) -> None:
    lines = lines_of_file(path)
    mixed = b"\n".join(line.encode(rng.choice(("utf-8", "cp1252")), errors="replace") for line in lines)
    plainly = "\n".join(lines).encode()
    assert attempt(mixed, path.name) is not None
    assert read(mixed, path.name).text == read(plainly, path.name).text


@mutated
@given(st.sampled_from(_PAGES), st.data())
def test_html_cut_off(path: Path, data: st.DataObject) -> None:
    text = decode(path.read_bytes())
    cut = text[: data.draw(st.integers(0, len(text)))]
    decision = attempt(cut.encode(), path.name)
    if decision is not None and "<article" in cut:
        whole = read(text, path.name)
        article = cut[cut.index("<article") :]
        # Every item of a list that was closed before the cut and holds words alone is a line.
        closed = [plain(words) for words in re.findall(r"<li>([^<&]+)</li>", article)]
        kept = {plain(line) for line in decision.text.split("\n")}
        assert [words for words in closed if words not in kept and words in whole.text] == []


@mutated
@given(st.sampled_from(_PAGES), st.data())
def test_tags_dropped(path: Path, data: st.DataObject) -> None:
    text = decode(path.read_bytes())
    start = text.index("<article")
    tags = [
        m.span()
        for m in re.finditer(r"</?(?:li|ol|ul|p|h2|h3|div|article|main|table|tr|td)\b[^>]*>", text)
        if m.start() > start
    ]
    gone = data.draw(st.sets(st.sampled_from(tags), max_size=6))
    offset, pieces = 0, []
    for begin, end in sorted(gone):
        pieces.append(text[offset:begin])
        offset = end
    decision = attempt("".join([*pieces, text[offset:]]).encode(), path.name)
    if decision is not None:
        words = read(text, path.name).text.split()
        left = " ".join(decision.text.split("\n"))
        assert [w for w in words if w not in left] == []


@mutated
@given(st.text(max_size=400))
def test_any_text(text: str) -> None:
    attempt(text.encode("utf-8", errors="surrogatepass"), "23-000-001.txt")


@mutated
@given(st.binary(max_size=400), st.sampled_from(_PATHS))
def test_any_bytes_before_a_decision(junk: bytes, path: Path) -> None:
    attempt(junk, path.name)
    attempt(junk + b"\n" + path.read_bytes(), path.name)


@settings(mutated, max_examples=150)
@given(st.sampled_from(_TEXTS), st.randoms(use_true_random=False), st.integers(0, 30), st.text(max_size=60))
def test_analysis_of_damaged_decisions(path: Path, rng: random.Random, damages: int, junk: str) -> None:
    lines = lines_of_file(path)
    for _ in range(damages):
        i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
        kind = rng.randrange(5)
        if kind == 0:
            lines[i], lines[j] = lines[j], lines[i]
        elif kind == 1:
            lines[i:i] = [lines[j]]
        elif kind == 2 and len(lines) > 5:
            del lines[i]
        elif kind == 3:
            lines[i] = lines[i][: rng.randrange(len(lines[i]) + 1)] + junk
        else:
            lines[i] += lines[j]
    decision = attempt("\n".join(lines).encode("utf-8", errors="replace"), path.name)
    if decision is not None:
        assert_sound(decision, models=damages % 10 == 0)  # the network takes a fifth of a second


@pytest.mark.slow
@pytest.mark.parametrize("words", ["word ", "The Council was at fault. It will pay Mr P £75. ", "x"])
@pytest.mark.parametrize("name", ["numbered.txt", "dashed.txt", "page.html"])
def test_ten_megabytes_in_one_line(name: str, words: str) -> None:
    marks = {"numbered.txt": "Both had a draft", "dashed.txt": "It wrote to Mrs V", "page.html": "She waited a year"}
    long = (words * (10_000_000 // len(words))).strip()
    started = time.monotonic()
    decision = read(case(name).replace(marks[name], f"{long} {marks[name]}"), name)
    seconds = time.monotonic() - started
    assert_tiles(decision)
    assert decision.text.count(long) == 1
    assert decision.n_paragraphs == read(case(name), name).n_paragraphs
    assert seconds < 15


@pytest.mark.slow
def test_ten_megabytes_without_a_decision() -> None:
    for content in (
        b"a" * 10_000_000,
        b"<div>" * 2_000_000,
        b"1. " * 3_000_000,
        b"(" * 10_000_000,
        b"<!doctype html>" + b"x " * 5_000_000,
    ):
        assert attempt(content, "23-000-001.txt") is None


@pytest.mark.slow
def test_analysis_of_ten_megabytes() -> None:
    long: Any = "The Council was at fault, and it will pay Mr P £75 within a month of its decision. " * 120_000
    assert_sound(read(case("numbered.txt").replace("Both had a draft", f"{long}Both had a draft")))
