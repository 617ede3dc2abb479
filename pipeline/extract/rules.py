"""Rules are data: YAML rows of phrases and token patterns with what excludes them, what they assign, and examples.

A phrase is words with two marks: `(a|b|)` for alternatives, `...` for a gap of a few words. `was (far|much|) too long`
matches "was too long"; `should have ... did not` matches with up to `reach` words between. Words are compared in lower
case; "not" stands for its contraction too ("did not", "didn't"), and a straight apostrophe for a curly one.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import regex
import spacy
from spacy.language import Language
from spacy.matcher import Matcher
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
# Codes that the place of a thing decides and no word: what is left over, and sums told again.
_BY_STRUCTURE = {"other", "none", "repeat", "total"}
_KEYS = {"id", "assigns", "match", "patterns", "exclude", "sections", "reach", "scope", "strength", "matches", "spares"}
_REQUIRED = {"id", "assigns", "matches", "spares"}


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
    matches: tuple[str, ...] = field(repr=False)
    spares: tuple[str, ...] = field(repr=False)

    @property
    def name(self) -> str:
        """The rule's id in full, `fault_types/delay`."""
        return f"{self.file}/{self.id}"


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
        if taxonomy and unused - _BY_STRUCTURE:
            raise RuleError(f"{path}: no rule assigns {sorted(unused - _BY_STRUCTURE)}; add one, or take the code out of the taxonomy")
        rules += found
    doubled = sorted(name for name, count in Counter(rule.name for rule in rules).items() if count > 1)
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
        raise RuleError(f"{where}: needs id, assigns, match or patterns, matches and spares")
    assigns = tuple([raw["assigns"]] if isinstance(raw["assigns"], str) else raw["assigns"])
    if set(assigns) - allowed:
        raise RuleError(f"{where}: assigns {sorted(set(assigns) - allowed)}, which is none of {sorted(allowed)}")
    if len(raw["matches"]) < 2 or len(raw["spares"]) < 2:
        raise RuleError(f"{where}: needs two sentences it must match (matches) and two it must not (spares)")
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
        matches=tuple(raw["matches"]),
        spares=tuple(raw["spares"]),
    )


_MARK = regex.compile(r"\.\.\.|[()|]|[^\s()|]+")


@dataclass(frozen=True, slots=True)
class _Parsed:
    """A part of a phrase: its expression, whether it can be empty, and the anchors that every match of it holds one of."""

    expression: str
    optional: bool
    anchors: tuple[str, ...]


def parse(phrase: str, reach: int = 8) -> tuple[str, tuple[str, ...]]:
    """(regular expression, anchors) of a phrase: words a space apart, "not" contracted too, gaps of up to `reach` words.

    Every match holds one of the anchors. Raises RuleError for a phrase with an open bracket or a gap at its edge.
    """
    marks = _MARK.findall(phrase)
    parsed, rest = _sequence(marks, 0, reach, phrase)
    if rest != len(marks) or parsed.optional:
        raise RuleError(f"phrase with an open bracket, or one that may be empty: {phrase}")
    return parsed.expression, parsed.anchors


def _sequence(marks: Sequence[str], i: int, reach: int, phrase: str) -> tuple[_Parsed, int]:
    """Parts that follow each other, up to `|`, `)` or the end."""
    expression = ""
    best: tuple[str, ...] = ()
    optional, gap, previous = True, False, ""
    while i < len(marks) and marks[i] not in ("|", ")"):
        mark = marks[i]
        if mark == "...":
            if not expression or i + 1 == len(marks) or marks[i + 1] in ("|", ")"):
                raise RuleError(f"phrase that begins or ends in a gap: {phrase}")
            gap, i = True, i + 1
            continue
        part, i = _group(marks, i + 1, reach, phrase) if mark == "(" else (_word(mark), i + 1)
        glue = rf" (?:[^\s;]+ ){{0,{reach}}}?" if gap else _glue(previous, mark, bool(expression))
        if mark == "(" and "(?:," in part.expression or "|," in part.expression:
            glue = " ?"
        if mark == "not" and expression and not gap:
            expression += "(?: not|n['’]t)"
        elif part.optional:
            # What may be left out takes the space before it along; at the front, the one after it.
            expression += f"(?:{glue}{part.expression})?" if expression else f"(?:{part.expression} )?"
        else:
            expression += glue + part.expression if not expression.endswith(" )?") else part.expression
        if not part.optional:
            optional = False
            best = max((best, part.anchors), key=lambda words: min(map(len, words), default=0))
        previous, gap = mark, False
    return _Parsed(expression, optional, best), i


def _group(marks: Sequence[str], i: int, reach: int, phrase: str) -> tuple[_Parsed, int]:
    """Alternatives in brackets; `i` is past the opening one."""
    ways: list[_Parsed] = []
    while True:
        part, i = _sequence(marks, i, reach, phrase)
        ways.append(part)
        if i >= len(marks):
            raise RuleError(f"phrase with an open bracket: {phrase}")
        i += 1
        if marks[i - 1] == ")":
            break
    written = sorted((way for way in ways if way.expression), key=lambda way: len(way.expression), reverse=True)
    if not written:
        raise RuleError(f"phrase with nothing in its brackets: {phrase}")
    optional = len(written) < len(ways) or any(way.optional for way in written)
    words = tuple(word for way in written for word in way.anchors)
    return _Parsed("(?:" + "|".join(way.expression for way in written) + ")", optional, words), i


def _word(mark: str) -> _Parsed:
    if mark == "cannot":
        return _Parsed("(?:cannot|can not|can['’]t)", False, ("can",))
    expression = regex.sub("['’]", "['’]", regex.escape(mark)) if mark not in "-–" else "[-–]"
    return _Parsed(expression, False, (mark.lower().replace("’", "'"),))


def _glue(previous: str, mark: str, inside: bool) -> str:
    """What stands between two parts: a space, or none about hyphens, before commas and after a pound sign."""
    if not inside or mark == "," or previous == "£":
        return ""
    return " ?" if mark in "-–" or previous in ("-", "–") else " "


def _pattern(phrases: Sequence[str], reach: int) -> regex.Pattern[str] | None:
    if not phrases:
        return None
    whole = "|".join(parse(phrase, reach)[0] for phrase in phrases)
    return regex.compile(rf"(?<![\w£])(?:{whole})(?!\w)" if "£" not in whole else rf"(?<!\w)(?:{whole})(?:(?<=£)|(?!\w))", regex.IGNORECASE)


class Matchers:
    """All rules compiled for one vocabulary; `hits` runs them over a Doc, sentence by sentence.

    Phrases are regular expressions over the Doc's text (a hundred of them cost less than the tokenizer); token patterns go
    to spaCy's Matcher.
    """

    def __init__(self, nlp: Language, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)
        self._patterns = [(rule, _pattern(rule.match, rule.reach), _pattern(rule.exclude, rule.reach)) for rule in self.rules]
        self._tokens = Matcher(nlp.vocab)
        self._by_key: dict[int, Rule] = {}
        for rule in self.rules:
            if rule.patterns:
                self._tokens.add(rule.name, [list(pattern) for pattern in rule.patterns])
                self._by_key[nlp.vocab.strings[rule.name]] = rule

    @property
    def anchors(self) -> frozenset[str]:
        """Words one of which every phrase match holds: a text without any needs no matching."""
        return frozenset(word for rule in self.rules for phrase in rule.match for word in parse(phrase)[1])

    def hits(self, doc: Doc, ends: Sequence[int]) -> list[list[Hit]]:
        """The hits of each sentence, in order; `ends` are the token indexes at which the sentences end."""
        found: list[list[Hit]] = [[] for _ in ends]
        places = [token.idx for token in doc]
        text = doc.text
        for rule, pattern, exclude in self._patterns:
            if pattern is None:
                continue
            spans = [m.span() for m in pattern.finditer(text)]
            if spans and exclude is not None:
                barred = [m.span() for m in exclude.finditer(text)]
                spans = [s for s in spans if not any(b[0] < s[1] and s[0] < b[1] for b in barred)]
            for start, end in spans:
                _place(found, ends, Hit(rule, bisect_right(places, start) - 1, bisect_left(places, end)))
        if self._by_key:
            for key, start, end in self._tokens(doc):
                _place(found, ends, Hit(self._by_key[key], start, end))
        for hits in found:
            hits.sort(key=lambda h: (h.start, -h.end))
        return found


def _place(found: list[list[Hit]], ends: Sequence[int], hit: Hit) -> None:
    """Puts a hit to its sentence; one that runs over the end of a sentence is none."""
    sentence = bisect_right(ends, hit.start)
    if sentence < len(ends) and hit.end <= ends[sentence]:
        found[sentence].append(hit)


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
        for text, expected in [*((t, True) for t in rule.matches), *((t, False) for t in rule.spares)]:
            doc = nlp.make_doc(text)
            if bool(matchers.hits(doc, [len(doc)])[0]) != expected:
                problems.append(f"{rule.name}: {'must' if expected else 'must not'} match: {text}")
    return problems
