"""Rules are data: YAML rows of phrases and token patterns with what excludes them, what they assign, and examples.

A phrase is words with two marks: `(a|b|)` for alternatives, `...` for a gap of a few words. `was (far|much|) too long`
matches "was too long"; `should have ... did not` matches with up to `reach` words between. Words are compared in lower
case; "not" stands for its contraction too ("did not", "didn't"), and a straight apostrophe for a curly one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import regex
import spacy
from spacy.language import Language
from spacy.matcher import Matcher, PhraseMatcher
from spacy.tokens import Doc

from pipeline.corpus import codes, corpus_folder, load_yaml

# What the rules of each file assign, and the list of the taxonomy their codes are from.
FILES: Mapping[str, str | None] = {
    "verdicts": None,
    "modifiers": None,
    "fault_types": "fault_types",
    "injustice_types": "injustice_types",
    "remedy_types": "remedy_types",
    "remedy_status": "statuses",
    "payment_purposes": "payment_purposes",
    "amount_reasons": "amount_reasons",
}
_ASSIGNS = {
    "verdicts": {"fault", "no_fault"},
    "modifiers": {"negates", "supposes", "reports", "adopts", "other_body", "nothing", "ends"},
}
_KEYS = {"id", "assigns", "match", "patterns", "exclude", "sections", "reach", "scope", "strength", "yes", "no"}
_REQUIRED = {"id", "assigns", "yes", "no"}
_MOST_PHRASES = 4000


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `assigns` is what a hit means: codes of the taxonomy, or the effect of a modifier.

    `sections` limits where it holds (empty: everywhere); `reach` is how many words a gap or a modifier spans; `scope` is
    what ends a modifier (clause or sentence); `strength` is strong for what counts by itself, weak for what counts only
    where nothing stronger speaks.
    """

    id: str
    file: str
    assigns: tuple[str, ...]
    match: tuple[str, ...]
    patterns: tuple[tuple[Mapping[str, Any], ...], ...]
    exclude: tuple[str, ...]
    sections: frozenset[str]
    reach: int
    scope: str
    strength: str
    yes: tuple[str, ...] = field(repr=False)
    no: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule that matched tokens start to end (exclusive) of a Doc."""

    rule: Rule
    start: int
    end: int


class RuleError(ValueError):
    """A rule file that cannot be used. The message names the file, the rule and the way out."""


@cache
def load_rules(folder: Path | None = None) -> tuple[Rule, ...]:
    """All rules of `corpus/rules/*.yaml`, strictly read.

    Raises RuleError for unknown keys or codes, doubled ids, rules without two examples of each kind, and codes of the
    taxonomy that no rule assigns.
    """
    root = folder or corpus_folder() / "rules"
    rules: list[Rule] = []
    for name, taxonomy in FILES.items():
        path = root / f"{name}.yaml"
        if not path.exists():
            raise RuleError(f"{path}: missing")
        allowed = set(codes(taxonomy)) if taxonomy else _ASSIGNS[name]
        found = [_rule(path, name, raw, allowed) for raw in load_yaml(path)]
        unused = allowed - {code for rule in found for code in rule.assigns}
        if taxonomy and unused - {"other", "none"}:
            raise RuleError(f"{path}: no rule assigns {sorted(unused - {'other', 'none'})}; add one, or take the code out of the taxonomy")
        rules += found
    doubled = sorted({rule.id for rule in rules if sum(other.id == rule.id for other in rules) > 1})
    if doubled:
        raise RuleError(f"{root}: ids used twice: {doubled}")
    return tuple(rules)


def _rule(path: Path, name: str, raw: Any, allowed: set[str]) -> Rule:
    if not isinstance(raw, dict) or "id" not in raw:
        raise RuleError(f"{path}: every rule is a mapping with an id; found {raw!r}")
    where = f"{path}, rule {raw['id']}"
    if set(raw) - _KEYS:
        raise RuleError(f"{where}: unknown keys {sorted(set(raw) - _KEYS)}; known are {sorted(_KEYS)}")
    if _REQUIRED - set(raw) or not (raw.get("match") or raw.get("patterns")):
        raise RuleError(f"{where}: needs id, assigns, match or patterns, yes and no")
    assigns = tuple([raw["assigns"]] if isinstance(raw["assigns"], str) else raw["assigns"])
    if set(assigns) - allowed:
        raise RuleError(f"{where}: assigns {sorted(set(assigns) - allowed)}, which is none of {sorted(allowed)}")
    if len(raw["yes"]) < 2 or len(raw["no"]) < 2:
        raise RuleError(f"{where}: needs two sentences it must match (yes) and two it must not (no)")
    return Rule(
        id=raw["id"],
        file=name,
        assigns=assigns,
        match=tuple(raw.get("match", ())),
        patterns=tuple(tuple(pattern) for pattern in raw.get("patterns", ())),
        exclude=tuple(raw.get("exclude", ())),
        sections=frozenset(raw.get("sections", ())),
        reach=int(raw.get("reach", 8)),
        scope=raw.get("scope", "clause"),
        strength=raw.get("strength", "strong"),
        yes=tuple(raw["yes"]),
        no=tuple(raw["no"]),
    )


def expand(phrase: str) -> list[list[str]]:
    """The phrase's alternatives, each a list of segments between gaps. Raises RuleError when there are too many."""
    segments = []
    for segment in regex.split(r"\s*\.\.\.\s*", phrase.strip()):
        parts = [part for part in regex.split(r"(\([^()]*\))", segment) if part]
        choices = [part[1:-1].split("|") if part.startswith("(") else [part] for part in parts]
        segments.append([" ".join(" ".join(choice).split()) for choice in product(*choices)])
    expanded = [list(choice) for choice in product(*segments)]
    if len(expanded) > _MOST_PHRASES:
        raise RuleError(f"phrase stands for {len(expanded)} phrases, more than {_MOST_PHRASES}: {phrase}")
    if any(not segment for choice in expanded for segment in choice):
        raise RuleError(f"phrase with an empty segment: {phrase}")
    return expanded


def variants(segment: str) -> list[str]:
    """The ways of writing a segment: with "not" contracted, and with curly apostrophes."""
    written = {segment}
    contracted = regex.sub(r"\b(\w+?)(?:n(?=not))? ?\bnot\b", r"\1n't", segment.replace("cannot", "can not"))
    if contracted != segment and regex.search(r"\b(?:do|does|did|is|was|were|are|has|have|had|would|should|could|ca|can)n't", contracted):
        written.add(contracted.replace("cann't", "can't"))
    return sorted(written | {way.replace("'", "’") for way in written})


class Matchers:
    """All rules compiled for one vocabulary; `hits` runs them over a Doc, sentence by sentence."""

    def __init__(self, nlp: Language, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)
        self._phrases = PhraseMatcher(nlp.vocab, attr="LOWER")
        self._tokens = Matcher(nlp.vocab)
        # A phrase segment may serve several rules: (rule, alternative, place of the segment in it, how many there are).
        self._uses: dict[int, list[tuple[int, int, int, int]]] = {}
        self._anchors: set[str] = set()
        seen: dict[str, int] = {}
        counter = 0
        for number, rule in enumerate(self.rules):
            for excluded, phrases in ((False, rule.match), (True, rule.exclude)):
                for phrase in phrases:
                    for segments in expand(phrase):
                        counter += 1
                        for place, segment in enumerate(segments):
                            key = seen.get(segment)
                            if key is None:
                                key = seen[segment] = nlp.vocab.strings.add(f"redress phrase {len(seen)}")
                                self._phrases.add(key, [nlp.make_doc(variant) for variant in variants(segment)])
                            length = len(segments)
                            self._uses.setdefault(key, []).append((-number - 1 if excluded else number, counter, place, length))
                        if not excluded:
                            self._anchors.add(_anchor(segments))
            if rule.patterns:
                self._tokens.add(f"redress rule {number}", [list(pattern) for pattern in rule.patterns])
        self._by_key = {nlp.vocab.strings.add(f"redress rule {number}"): number for number in range(len(self.rules))}
        self._has_tokens = any(rule.patterns for rule in self.rules)

    @property
    def anchors(self) -> frozenset[str]:
        """Words one of which every phrase match holds: a sentence without any needs no matching."""
        return frozenset(self._anchors)

    def hits(self, doc: Doc, ends: Sequence[int]) -> list[list[Hit]]:
        """The hits of each sentence, in order; `ends` are the token indexes at which the sentences end."""
        found: list[list[Hit]] = [[] for _ in ends]
        starts = [0, *ends[:-1]]
        at = [0] * (len(doc) + 1)
        for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
            at[start:end] = [number] * (end - start)
        partial: dict[tuple[int, int, int], list[tuple[int, int, int, int]]] = {}
        excluded: list[list[tuple[int, int, int]]] = [[] for _ in ends]
        for key, start, end in self._phrases(doc):
            sentence = at[start]
            if end > ends[sentence]:
                continue
            for number, alternative, place, length in self._uses[key]:
                if length > 1:
                    partial.setdefault((sentence, number, alternative), []).append((place, length, start, end))
                elif number >= 0:
                    found[sentence].append(Hit(self.rules[number], start, end))
                else:
                    excluded[sentence].append((-number - 1, start, end))
        for (sentence, number, _), pieces in partial.items():
            rule = self.rules[number if number >= 0 else -number - 1]
            for start, end in _join(pieces, rule.reach):
                if number >= 0:
                    found[sentence].append(Hit(rule, start, end))
                else:
                    excluded[sentence].append((-number - 1, start, end))
        if self._has_tokens:
            for key, start, end in self._tokens(doc):
                found[at[start]].append(Hit(self.rules[self._by_key[key]], start, end))
        return [
            _settle([h for h in hits if not _is_excluded(h, self.rules, excluded[i])]) for i, hits in enumerate(found)
        ]


def _anchor(segments: Sequence[str]) -> str:
    words = [word for segment in segments for word in regex.findall(r"[a-z]+", segment.lower())]
    return max(words, key=len, default="")


def _join(pieces: list[tuple[int, int, int, int]], reach: int) -> Iterator[tuple[int, int]]:
    """Spans over all segments of a phrase with gaps, each gap at most `reach` tokens long."""
    length = pieces[0][1]
    by_place: list[list[tuple[int, int]]] = [[] for _ in range(length)]
    for place, _, start, end in pieces:
        by_place[place].append((start, end))
    for start, end in by_place[0]:
        last = end
        for later in by_place[1:]:
            following = [e for s, e in later if last <= s <= last + reach]
            if not following:
                break
            last = min(following)
        else:
            yield start, last


def _is_excluded(hit: Hit, rules: Sequence[Rule], spans: Iterable[tuple[int, int, int]]) -> bool:
    return any(rules[number] is hit.rule and start < hit.end and hit.start < end for number, start, end in spans)


def _settle(hits: list[Hit]) -> list[Hit]:
    """In order of the text, and of one rule's overlapping hits the longest only."""
    hits.sort(key=lambda h: (h.start, -h.end))
    kept: list[Hit] = []
    for hit in hits:
        if not any(k.rule is hit.rule and k.start <= hit.start and hit.end <= k.end for k in kept):
            kept.append(hit)
    return kept


@cache
def blank() -> Language:
    """The blank English pipeline that rules are compiled for outside a pipeline of somebody's own."""
    return spacy.blank("en")


def check_examples(rules: Sequence[Rule]) -> list[str]:
    """Runs every example of every rule; what does not hold, a sentence each."""
    nlp = blank()
    problems = []
    for rule in rules:
        matchers = Matchers(nlp, [rule])
        for text, expected in [*((t, True) for t in rule.yes), *((t, False) for t in rule.no)]:
            doc = nlp.make_doc(text)
            if bool(matchers.hits(doc, [len(doc)])[0]) != expected:
                problems.append(f"{rule.file}.yaml, rule {rule.id}: {'must' if expected else 'must not'} match: {text}")
    return problems
