"""What was found against gold: matched one to one within a decision, then counted over all decisions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import regex

from pipeline.evaluate.gold import Gold, GoldAmount, GoldCitation, GoldPayment, Quote, Span, spans_of
from pipeline.values import Amount, Citation, Decision, Extraction, Finding, Payment, Remedy

RESAMPLES = 2000
AWARDED = ("agreed", "recommended")

# name → (how it is scored, what it says); the order is that of the report.
MEASURES = {
    "findings": ("f1", "findings, of fault and of no fault"),
    "findings_of_fault": ("f1", "findings of fault"),
    "findings_of_no_fault": ("f1", "findings of no fault"),
    "fault_types": ("f1", "fault types, on matched findings of fault"),
    "injustice_types": ("f1", "injustice types, on matched findings of fault"),
    "remedies": ("f1", "remedies"),
    "remedy_types": ("f1", "remedy types, on matched remedies"),
    "remedy_status": ("accuracy", "status right, on matched remedies"),
    "due_dates": ("accuracy", "due date right, on matched remedies"),
    "payments": ("f1", "payments"),
    "payment_frequency": ("accuracy", "amount and frequency right, on matched payments"),
    "payment_status": ("accuracy", "status right, on matched payments"),
    "payment_totals": ("accuracy", "total right, on matched payments"),
    "recipients": ("accuracy", "recipient right, on matched payments"),
    "payment_purposes": ("f1", "purposes, on matched payments"),
    "amounts_accounted_for": ("accuracy", "sums in the text accounted for"),
    "amount_reasons": ("accuracy", "reason right, on matched sums that are no payments"),
    "citations": ("f1", "citations"),
    "provisions": ("f1", "provisions, on matched citations"),
    "guidance": ("f1", "titles of guidance"),
    "guidance_paragraphs": ("f1", "paragraphs, on matched titles of guidance"),
    "header": ("accuracy", "header fields right"),
    "fault_found": ("accuracy", "decision: fault found"),
    "injustice_found": ("accuracy", "decision: injustice found"),
    "decision_fault_types": ("f1", "decision: fault types"),
    "decision_injustice_types": ("f1", "decision: injustice types"),
    "decision_remedy_types": ("f1", "decision: remedy types"),
    "total_awarded": ("accuracy", "decision: total awarded, to the penny"),
}

G = TypeVar("G")
P = TypeVar("P", Finding, Remedy, Payment, Amount, Citation, Payment | Amount)
Found = Finding | Remedy | Payment | Amount | Citation


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of one measure: things right, things found, things in gold. For an accuracy, found and gold are equal."""

    hits: int
    found: int
    gold: int


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that was read right, missed, made up, or matched and read differently.

    `kind` is a name of MEASURES, `words` the quote (empty for the decision as a whole), `sentence` the words around it.
    """

    decision_id: str
    kind: str
    paragraph: int | None
    words: str
    sentence: str
    detail: str


@dataclass(frozen=True, slots=True)
class Result:
    """How one decision was read: the tally of each measure, and every item by what became of it."""

    decision_id: str
    tallies: dict[str, Tally]
    right: tuple[Item, ...]
    missed: tuple[Item, ...]
    invented: tuple[Item, ...]
    different: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure over all decisions, each value between 0 and 1, null where nothing was there to measure.

    `f1` is null for an accuracy and the other way round; `low` and `high` bound the score (whichever of the two it
    is) at 95 %, by resampling decisions.
    """

    precision: float | None
    recall: float | None
    f1: float | None
    accuracy: float | None
    hits: int
    found: int
    n: int
    low: float | None
    high: float | None

    @property
    def score(self) -> float | None:
        return self.accuracy if self.f1 is None else self.f1


@dataclass(frozen=True, slots=True)
class Report:
    """The measures by name, in the order of MEASURES, and the results by decision, in the order of their ids."""

    measures: dict[str, Measure]
    results: tuple[Result, ...]

    @property
    def misses(self) -> tuple[Item, ...]:
        """What gold has and Redress did not find."""
        return tuple(item for result in self.results for item in result.missed)

    @property
    def inventions(self) -> tuple[Item, ...]:
        """What Redress found and gold does not have."""
        return tuple(item for result in self.results for item in result.invented)

    @property
    def differences(self) -> tuple[Item, ...]:
        """What both have, and Redress read differently: its types, status, date, total …"""
        return tuple(item for result in self.results for item in result.different)

    def as_json(self) -> dict[str, Any]:
        """The report as plain values, for json.dumps."""
        return {
            "decisions": len(self.results),
            "measures": {name: _plain(measure) for name, measure in self.measures.items()},
            "misses": [_plain(item) for item in self.misses],
            "inventions": [_plain(item) for item in self.inventions],
            "differences": [_plain(item) for item in self.differences],
        }

    def as_text(self, listing: bool = True, limit: int | None = None) -> str:
        """The table of measures and, with `listing`, what was missed, made up and read differently.

        Shows at most `limit` items of each.
        """
        rows = table(self)
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        lines = ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in rows]
        return "\n".join(lines) + ("\n" + self.listing(limit) if listing else "")

    def listing(self, limit: int | None = None) -> str:
        """What was missed, made up and read differently, with the sentences; at most `limit` of each."""
        parts = []
        named = (("Missed", self.misses), ("Made up", self.inventions), ("Read differently", self.differences))
        for title, items in named:
            parts.append(f"\n{title}: {len(items)}")
            parts += [line_of(item) for item in items[:limit]]
            if limit is not None and len(items) > limit:
                parts.append(f"  … and {len(items) - limit} more")
        return "\n".join(parts)


def evaluate(pairs: Iterable[tuple[Decision, Extraction, Gold]], seed: int = 0) -> Report:
    """Measures what was extracted from each decision against its gold.

    The intervals come from `seed` alone: the same input gives the same report. Raises BadGold when a quote is not in
    the text of its decision.
    """
    results = tuple(sorted((judge(*pair) for pair in pairs), key=lambda result: result.decision_id))
    counts = np.array(
        [
            [(t.hits, t.found, t.gold) for t in (result.tallies.get(name, Tally(0, 0, 0)) for name in MEASURES)]
            for result in results
        ],
        dtype=np.int64,
    ).reshape(len(results), len(MEASURES), 3)
    drawn = _resampled(counts, seed)
    measures = {}
    for at, (name, (how, _)) in enumerate(MEASURES.items()):
        hits, found, gold = (int(value) for value in counts[:, at].sum(axis=0))
        score = _ratio(2 * hits, found + gold)
        f1 = how == "f1"
        low, high = _interval(drawn[:, at]) if score is not None else (None, None)
        measures[name] = Measure(
            precision=_ratio(hits, found) if f1 else None,
            recall=_ratio(hits, gold) if f1 else None,
            f1=score if f1 else None,
            accuracy=None if f1 else score,
            hits=hits,
            found=found,
            n=gold,
            low=low,
            high=high,
        )
    return Report(measures, results)


def judge(decision: Decision, extraction: Extraction, gold: Gold) -> Result:
    """How one decision was read. Raises BadGold when a quote of its gold is not in the text."""
    sheet = _Sheet(decision, gold)
    _findings(sheet, extraction)
    _remedies(sheet, extraction)
    _payments(sheet, extraction)
    _amounts(sheet, extraction)
    _citations(sheet, extraction)
    _whole(sheet, extraction)
    return Result(
        decision.decision_id,
        {name: Tally(*counts) for name, counts in sheet.counts.items()},
        tuple(sheet.right),
        tuple(sheet.missed),
        tuple(sheet.invented),
        tuple(sheet.different),
    )


def pair_up(golds: Sequence[G], found: Sequence[Any], fit: Callable[[int, int], float]) -> list[tuple[int, int]]:
    """Places of golds and of found things that belong together, one to one: best fit first, ties in text order.

    `fit` says how well two places fit, 0 where they do not.
    """
    fits = sorted((-fit(g, p), g, p) for g in range(len(golds)) for p in range(len(found)))
    taken_gold: set[int] = set()
    taken_found: set[int] = set()
    pairs = []
    for misfit, g, p in fits:
        if misfit < 0 and g not in taken_gold and p not in taken_found:
            taken_gold.add(g)
            taken_found.add(p)
            pairs.append((g, p))
    return sorted(pairs)


def overlap(spans: Iterable[Span], start: int, end: int, least: float = 0.0) -> float:
    """The best share (0 to 1) that a span has in common with one of `spans`; 0 under `least` of the shorter one."""
    best = 0.0
    for left, right in spans:
        common = min(right, end) - max(left, start)
        if common > 0 and common >= least * min(right - left, end - start):
            best = max(best, common / (max(right, end) - min(left, start)))
    return best


def table(report: Report) -> list[tuple[str, ...]]:
    """The measures as rows of text, the heading first."""
    rows: list[tuple[str, ...]] = [("measure", "score", "95 %", "precision", "recall", "right", "found", "gold")]
    for name, measure in report.measures.items():
        both = measure.f1 is not None or MEASURES[name][0] == "f1"
        rows.append(
            (
                MEASURES[name][1],
                _shown(measure.score),
                "" if measure.low is None else f"{_shown(measure.low)}–{_shown(measure.high)}",
                _shown(measure.precision) if both else "",
                _shown(measure.recall) if both else "",
                str(measure.hits),
                str(measure.found) if both else "",
                str(measure.n),
            )
        )
    return rows


def line_of(item: Item) -> str:
    """One item for a person: where, what, the detail, and the sentence below."""
    place = "" if item.paragraph is None else f" ¶{item.paragraph}"
    head = f"  {item.decision_id}{place}  {item.kind}" + (f": {item.detail}" if item.detail else "")
    return head + (f"\n      {item.sentence}" if item.sentence else "")


class _Sheet:
    """Where the marks of one decision are written while it is judged."""

    def __init__(self, decision: Decision, gold: Gold) -> None:
        self.decision = decision
        self.gold = gold
        self.counts: dict[str, list[int]] = {}
        self.places: dict[Quote, tuple[Span, ...]] = {}
        self.right: list[Item] = []
        self.missed: list[Item] = []
        self.invented: list[Item] = []
        self.different: list[Item] = []

    def spans(self, quote: Quote) -> tuple[Span, ...]:
        if quote not in self.places:
            self.places[quote] = spans_of(quote, self.decision, self.gold.file)
        return self.places[quote]

    def count(self, name: str, hits: int, found: int, gold: int) -> None:
        tally = self.counts.setdefault(name, [0, 0, 0])
        for at, value in enumerate((hits, found, gold)):
            tally[at] += value

    def of_quote(self, kind: str, quote: Quote | None, detail: str = "") -> Item:
        if quote is None:
            return Item(self.decision.decision_id, kind, None, "", "", detail)
        start, end = self.spans(quote)[0]
        words = _one_line(quote.words)
        return Item(self.decision.decision_id, kind, quote.paragraph, words, self._around(start, end), detail)

    def of_found(self, kind: str, found: Found, detail: str = "") -> Item:
        words = _one_line(self.decision.words_of(found))
        around = self._around(found.start, found.end)
        return Item(self.decision.decision_id, kind, found.paragraph, words, around, detail)

    def listed(
        self,
        kind: str,
        golds: Sequence[tuple[Quote, str]],
        found: Sequence[tuple[Found, str]],
        pairs: Sequence[tuple[int, int]],
    ) -> None:
        """Counts and lists things found one to one; each comes with its description."""
        self.count(kind, len(pairs), len(found), len(golds))
        matched = {g for g, _ in pairs}
        used = {p for _, p in pairs}
        for at, (quote, detail) in enumerate(golds):
            (self.right if at in matched else self.missed).append(self.of_quote(kind, quote, detail))
        self.invented += [self.of_found(kind, one, detail) for at, (one, detail) in enumerate(found) if at not in used]

    def same(self, kind: str, quote: Quote | None, gold: object, found: object) -> None:
        """Counts and lists a value that is right or wrong."""
        right = gold == found
        self.count(kind, int(right), 1, 1)
        detail = "" if right else f"gold {_said(gold)}, read {_said(found)}"
        (self.right if right else self.different).append(self.of_quote(kind, quote, detail))

    def codes(self, kind: str, quote: Quote | None, gold: AbstractSet[str], found: AbstractSet[str]) -> None:
        """Counts codes one by one, and lists the set as right or different."""
        self.count(kind, len(gold & found), len(found), len(gold))
        detail = "" if gold == found else f"gold {_said(gold)}; read {_said(found)}"
        (self.right if gold == found else self.different).append(self.of_quote(kind, quote, detail))

    def _around(self, start: int, end: int) -> str:
        """The words of a span, widened to the sentence when it is only a few."""
        text = self.decision.text
        if end - start >= 60:
            return _one_line(text[start:end])
        line_start = text.rfind("\n", 0, start) + 1
        line_end = text.find("\n", end)
        line_end = len(text) if line_end < 0 else line_end
        before = text.rfind(". ", line_start, start)
        after = text.find(". ", end, line_end)
        return _one_line(text[before + 2 if before >= 0 else line_start : after + 1 if after >= 0 else line_end])


def _findings(sheet: _Sheet, extraction: Extraction) -> None:
    for polarity in ("fault", "no_fault"):
        golds = [gold for gold in sheet.gold.findings if gold.polarity == polarity]
        found = [one for one in extraction.findings if one.polarity == polarity]
        pairs = _matched(sheet, [gold.quote for gold in golds], found, least=0.5)
        sheet.listed(
            f"findings_of_{polarity}",
            [(gold.quote, _said(gold.types) if gold.types else "") for gold in golds],
            [(one, _said(one.types) if one.types else "") for one in found],
            pairs,
        )
        sheet.count("findings", len(pairs), len(found), len(golds))
        if polarity == "fault":
            for g, p in pairs:
                sheet.codes("fault_types", golds[g].quote, golds[g].types, set(found[p].types))
                sheet.codes("injustice_types", golds[g].quote, golds[g].injustice, set(found[p].injustice))


def _remedies(sheet: _Sheet, extraction: Extraction) -> None:
    golds, found = sheet.gold.remedies, extraction.remedies
    pairs = _matched(sheet, [gold.quote for gold in golds], found, least=0.5)
    sheet.listed(
        "remedies",
        [(gold.quote, f"{gold.status}, {_said(gold.types)}") for gold in golds],
        [(one, f"{one.status}, {_said(one.types)}") for one in found],
        pairs,
    )
    for g, p in pairs:
        sheet.codes("remedy_types", golds[g].quote, golds[g].types, set(found[p].types))
        sheet.same("remedy_status", golds[g].quote, golds[g].status, found[p].status)
        sheet.same("due_dates", golds[g].quote, golds[g].due_date, found[p].due_date)


def _payments(sheet: _Sheet, extraction: Extraction) -> None:
    golds, found = sheet.gold.payments, extraction.payments
    pairs = _matched(
        sheet,
        [gold.quote for gold in golds],
        found,
        also=lambda g, p: _pence(golds[g].amount) == _pence(found[p].amount),
    )
    sheet.listed(
        "payments",
        [(gold.quote, f"{_said(gold.amount)} {gold.status}") for gold in golds],
        [(one, f"{_said(one.amount)} {one.status}") for one in found],
        pairs,
    )
    for g, p in pairs:
        gold, one = golds[g], found[p]
        sheet.same("payment_frequency", gold.quote, gold.frequency, one.frequency)
        sheet.same("payment_status", gold.quote, gold.status, one.status)
        sheet.same("payment_totals", gold.quote, _pounds(gold.total), _pounds(one.total))
        sheet.same("recipients", gold.quote, _folded(gold.recipient), _folded(one.recipient))
        sheet.codes("payment_purposes", gold.quote, gold.purposes, set(one.purposes))


def _amounts(sheet: _Sheet, extraction: Extraction) -> None:
    """Every sum of gold, payment or not, should be somewhere in the output. Not measured where gold lists no sums."""
    if sheet.gold.amounts is None:
        return
    sums: tuple[GoldPayment | GoldAmount, ...] = (*sheet.gold.payments, *sheet.gold.amounts)
    read: tuple[Payment | Amount, ...] = (*extraction.payments, *extraction.amounts)
    pairs = pair_sums(sums, read, [sheet.spans(gold.quote) for gold in sums])
    sheet.count("amounts_accounted_for", len(pairs), len(sums), len(sums))
    matched = {g for g, _ in pairs}
    for at, gold in enumerate(sums):
        item = sheet.of_quote("amounts_accounted_for", gold.quote, _said(gold.amount))
        (sheet.right if at in matched else sheet.missed).append(item)
    for g, p in pairs:
        gold, one = sums[g], read[p]
        if isinstance(gold, GoldAmount):
            reason = one.reason if isinstance(one, Amount) else f"payment {one.status}"
            sheet.same("amount_reasons", gold.quote, gold.reason, reason)


def pair_sums(
    sums: Sequence[GoldPayment | GoldAmount], read: Sequence[Payment | Amount], spans: Sequence[Sequence[Span]]
) -> list[tuple[int, int]]:
    """Which sum of gold is which sum of the output; `spans` are where each quote of gold stands in the text."""

    def fit(g: int, p: int) -> float:
        gold, one = sums[g], read[p]
        if _pence(gold.amount) != _pence(one.amount) or not _same_paragraph(gold.quote, one):
            return 0.0
        shared = overlap(spans[g], one.start, one.end)
        numbered = gold.quote.paragraph is not None and one.paragraph is not None
        alike = isinstance(gold, GoldPayment) == isinstance(one, Payment)
        return shared + 0.1 * numbered + 0.01 * alike if shared or numbered else 0.0

    return pair_up(sums, read, fit)


def _act(name: str) -> str | None:
    """An act's name without its year: gold keeps the two apart, the dataset prints them together."""
    return _folded(regex.sub(r"\s+\d{4}$", "", name))


def _citations(sheet: _Sheet, extraction: Extraction) -> None:
    """Acts and regulations; and titles of guidance, which have no year, where gold marks them."""
    laws = [one for one in extraction.citations if one.year is not None]
    _cited(sheet, "citations", "provisions", sheet.gold.citations, laws)
    if sheet.gold.guidance is not None:
        titles = [one for one in extraction.citations if one.year is None]
        _cited(sheet, "guidance", "guidance_paragraphs", sheet.gold.guidance, titles)


def _cited(sheet: _Sheet, name: str, parts_name: str, golds: Sequence[GoldCitation], found: Sequence[Citation]) -> None:
    """One gold citation may be found in parts, one a provision: the parts together are one hit, not several."""
    spans = [sheet.spans(gold.quote) for gold in golds]

    def fit(g: int, p: int) -> float:
        same = golds[g].year is None or (_act(golds[g].act), golds[g].year) == (_act(found[p].act), found[p].year)
        return overlap(spans[g], found[p].start, found[p].end) if same else 0.0

    pairs = pair_up(golds, found, fit)
    parts = {g: [p] for g, p in pairs}
    used = {p for _, p in pairs}
    for p in range(len(found)):
        if p not in used and parts:
            g = max(parts, key=lambda place: fit(place, p))
            if fit(g, p) > 0:
                parts[g].append(p)
                used.add(p)
    loose = {(one.act, one.year, one.start, one.end): p for p, one in reversed(list(enumerate(found))) if p not in used}
    kept = sorted({*(p for _, p in pairs), *loose.values()})
    sheet.listed(
        name,
        [(gold.quote, f"{gold.act} {gold.year or ''}".strip()) for gold in golds],
        [(found[p], found[p].act) for p in kept],
        [(g, kept.index(p)) for g, p in pairs],
    )
    for g, places in sorted(parts.items()):
        provisions = {_provision(provision) for p in places if (provision := found[p].provision) is not None}
        sheet.codes(parts_name, golds[g].quote, {_provision(one) for one in golds[g].provisions}, provisions)


def _whole(sheet: _Sheet, extraction: Extraction) -> None:
    """The header, and the decision as a whole. What gold leaves null is not measured."""
    gold, header = sheet.gold, sheet.decision.header
    for name, value in gold.header.items():
        read = getattr(header, name, None)
        shown = None if read is None else str(read)
        right = _folded(value) == _folded(shown)
        sheet.count("header", int(right), 1, 1)
        detail = name if right else f"{name}: gold {value}, read {_said(shown)}"
        (sheet.right if right else sheet.different).append(sheet.of_quote("header", None, detail))
    faults = [one for one in extraction.findings if one.polarity == "fault"]
    if gold.fault_found is not None:
        sheet.same("fault_found", None, gold.fault_found, extraction.fault_found)
    if gold.injustice_found is not None:
        sheet.same("injustice_found", None, gold.injustice_found, extraction.injustice_found)
    done = (*AWARDED, "made")
    gold_faults = [one for one in gold.findings if one.polarity == "fault"]
    sheet.codes("decision_fault_types", None, _union(f.types for f in gold_faults), _union(f.types for f in faults))
    sheet.codes(
        "decision_injustice_types", None, _union(f.injustice for f in gold_faults), _union(f.injustice for f in faults)
    )
    sheet.codes(
        "decision_remedy_types",
        None,
        _union(r.types for r in gold.remedies if r.status in done),
        _union(r.types for r in extraction.remedies if r.status in done),
    )
    if gold.total_awarded is not None:
        awarded = sum(one.total or 0.0 for one in extraction.payments if one.status in AWARDED)
        sheet.same("total_awarded", None, _pounds(gold.total_awarded), _pounds(awarded))


def _matched(
    sheet: _Sheet,
    quotes: Sequence[Quote],
    found: Sequence[P],
    least: float = 0.0,
    also: Callable[[int, int], bool] = lambda g, p: True,
) -> list[tuple[int, int]]:
    """Pairs whose spans overlap by `least` of the shorter one, in one paragraph, and for which `also` holds."""
    spans = [sheet.spans(quote) for quote in quotes]

    def fit(g: int, p: int) -> float:
        if not _same_paragraph(quotes[g], found[p]) or not also(g, p):
            return 0.0
        return overlap(spans[g], found[p].start, found[p].end, least)

    return pair_up(quotes, found, fit)


def _same_paragraph(quote: Quote, found: Finding | Remedy | Payment | Amount | Citation) -> bool:
    return quote.paragraph is None or found.paragraph is None or quote.paragraph == found.paragraph


def _resampled(counts: np.ndarray[Any, np.dtype[np.int64]], seed: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Scores (RESAMPLES × measures) of corpora drawn with replacement; NaN where a draw has nothing to measure."""
    n = len(counts)
    if n == 0:
        return np.empty((0, counts.shape[1]))
    weights = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=RESAMPLES)
    sums = np.einsum("rd,dmk->rmk", weights, counts)
    below = (sums[:, :, 1] + sums[:, :, 2]).astype(float)
    scores: np.ndarray[Any, np.dtype[np.float64]] = np.full(below.shape, np.nan)
    np.divide(2.0 * sums[:, :, 0], below, out=scores, where=below > 0)
    return scores


def _interval(scores: np.ndarray[Any, np.dtype[np.float64]]) -> tuple[float, float]:
    low, high = np.nanpercentile(scores, (2.5, 97.5))
    return float(low), float(high)


def _ratio(above: int, below: int) -> float | None:
    return above / below if below else None


def _union(sets: Iterable[Iterable[str]]) -> set[str]:
    return {code for one in sets for code in one}


def _folded(words: str | None) -> str | None:
    return None if words is None else " ".join(words.replace("’", "'").casefold().split())


def _provision(words: str) -> str:
    return "".join(words.split()).casefold()


def _pence(pounds: float) -> int:
    return round(pounds * 100)


def _pounds(pounds: float | None) -> float | None:
    return None if pounds is None else round(float(pounds), 2)


def _one_line(words: str) -> str:
    return " ".join(words.split())


def _shown(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _said(value: object) -> str:
    """A value in a sentence for a person."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"£{value:,.2f}"
    if isinstance(value, set | frozenset | tuple):
        return ", ".join(sorted(value)) or "none at all"
    return str(value)


def _plain(value: Item | Measure) -> dict[str, Any]:
    return {name: getattr(value, name) for name in type(value).__slots__}
