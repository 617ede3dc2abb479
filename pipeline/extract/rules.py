"""Rules are data: YAML rows of phrases and token patterns with what excludes them, what they assign, and examples.

A phrase is words with two marks: `(a|b|)` for alternatives, `...` for a gap of a few words. `was (far|much|) too long`
matches "was too long"; `should have ... did not` matches with up to `reach` words between. Words are compared in lower
case; "not" stands for its contraction too ("did not", "didn't"), and a straight apostrophe for a curly one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import regex
import spacy
from spacy.language import Language
from spacy.matcher import Matcher

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

    `sections` limits where it holds (empty: everywhere). `reach` is how many words a gap or a modifier spans, `scope`
    what ends a modifier (clause or sentence). `strength` is strong for what counts by itself, weak for what counts only
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
    """A rule that matched from `start` to `end`, in characters of the sentence (in tokens, where polarity reads it)."""

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
            raise RuleError(
                f"{path}: no rule assigns {sorted(unused - _BY_STRUCTURE)}; add one, or drop the code from the taxonomy"
            )
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


_WORD = regex.compile(r"[a-z]+|£")
# Words in nearly every sentence; contractions hide "not".
_COMMON = frozenset(
    [
        "a",
        "about",
        "all",
        "also",
        "an",
        "and",
        "any",
        "are",
        "as",
        "at",
        "be",
        "been",
        "both",
        "but",
        "by",
        "can",
        "council",
        "did",
        "do",
        "does",
        "for",
        "from",
        "had",
        "has",
        "have",
        "he",
        "her",
        "him",
        "his",
        "how",
        "i",
        "if",
        "in",
        "is",
        "it",
        "its",
        "made",
        "make",
        "may",
        "more",
        "mr",
        "mrs",
        "ms",
        "miss",
        "no",
        "not",
        "of",
        "on",
        "one",
        "or",
        "she",
        "should",
        "so",
        "some",
        "that",
        "the",
        "their",
        "them",
        "there",
        "they",
        "this",
        "to",
        "was",
        "we",
        "were",
        "what",
        "when",
        "where",
        "which",
        "who",
        "why",
        "will",
        "with",
        "would",
        "complaint",
        "decision",
        "t",
        "s",
    ]
)
_MARK = regex.compile(r"\.\.\.|[()|]|[^\s()|]+")


@dataclass(frozen=True, slots=True)
class _Parsed:
    """A part of a phrase: its expression, whether it can be empty, and the words it needs: one of each group."""

    expression: str
    optional: bool
    needs: tuple[frozenset[str], ...]


def parse(phrase: str, reach: int = 8) -> tuple[str, tuple[frozenset[str], ...]]:
    """(regular expression, needs) of a phrase: words a space apart, "not" contracted too, gaps of up to `reach` words.

    Every match holds a word of each of the needs. Raises RuleError for an open bracket or a gap at the edge.
    """
    marks = _MARK.findall(phrase)
    parsed, rest = _sequence(marks, 0, reach, phrase)
    if rest != len(marks) or parsed.optional:
        raise RuleError(f"phrase with an open bracket, or one that may be empty: {phrase}")
    return parsed.expression, parsed.needs


def _sequence(marks: Sequence[str], i: int, reach: int, phrase: str) -> tuple[_Parsed, int]:
    """Parts that follow each other, up to `|`, `)` or the end."""
    expression = ""
    needs: list[frozenset[str]] = []
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
        if (mark == "(" and "(?:," in part.expression) or "|," in part.expression:
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
            needs += part.needs
        previous, gap = mark, False
    return _Parsed(expression, optional, tuple(needs)), i


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
    # One alternative or another: what the rarest need of each holds, all together, is needed.
    rarest = [max(way.needs, key=_rarity, default=frozenset[str]()) for way in written]
    needs = () if optional or not all(rarest) else (frozenset[str]().union(*rarest),)
    return _Parsed("(?:" + "|".join(way.expression for way in written) + ")", optional, needs), i


def _word(mark: str) -> _Parsed:
    if mark == "cannot":
        return _Parsed("(?:cannot|can not|can['’]t)", False, (frozenset({"can", "cannot"}),))
    if mark == "not":
        return _Parsed("not", False, ())  # it may be contracted
    expression = regex.sub("['’]", "['’]", regex.escape(mark)) if mark not in "-–" else "[-–]"
    pieces = _WORD.findall(mark.lower())
    return _Parsed(expression, False, (frozenset({max(pieces, key=len)}),) if pieces else ())


def _rarity(needed: frozenset[str]) -> tuple[int, int]:
    """How well needed words tell sentences apart: few common ones among them, and few of them."""
    return -sum(word in _COMMON for word in needed), -len(needed)


def _glue(previous: str, mark: str, inside: bool) -> str:
    """What stands between two parts: a space, or none about hyphens, before commas and after a pound sign."""
    if not inside or mark == "," or previous == "£":
        return ""
    return " ?" if mark in "-–" or previous in ("-", "–") else " "


@dataclass(frozen=True, slots=True)
class _Phrase:
    """One compiled phrase of a rule, and the words that every match of it holds: one of each group."""

    rule: Rule
    pattern: re.Pattern[str]
    needs: tuple[frozenset[str], ...]


def _phrase(rule: Rule, written: str) -> _Phrase:
    expression, needs = parse(written, rule.reach)
    after = "" if expression.endswith("£") else r"(?!\w)"
    # `re`, not `regex`: it compiles these fifteen hundred patterns three times as fast, and runs them as fast.
    pattern = re.compile(rf"(?<![\w£])(?:{expression}){after}", re.IGNORECASE)
    return _Phrase(rule, pattern, tuple(sorted(needs, key=_rarity, reverse=True)))


def _needs_of_tokens(pattern: Sequence[Mapping[str, Any]]) -> tuple[frozenset[str], ...]:
    """The same of a token pattern: the words of the tokens that cannot be left out."""
    needs = []
    for token in pattern:
        said = token.get("LOWER", token.get("ORTH")) if token.get("OP", "1") in ("1", "+") else None
        words = said.get("IN", ()) if isinstance(said, Mapping) else (said,) if said else ()
        if words and all(_WORD.fullmatch(word.lower()) for word in words):
            needs.append(frozenset(word.lower() for word in words))
    return tuple(needs)


def _lacks(held: AbstractSet[str], needs: Sequence[AbstractSet[str]]) -> bool:
    """Whether a sentence that holds these words holds none of one of the groups that a match needs."""
    for need in needs:  # noqa: SIM110 - a plain loop: this runs some thousand times a decision
        if held.isdisjoint(need):
            return True
    return False


class Matchers:
    """A set of rules, compiled for one vocabulary.

    A phrase is tried only on sentences that hold the words it needs. Token patterns go to spaCy's Matcher.
    """

    def __init__(self, nlp: Language, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)
        self._nlp = nlp
        self._by_anchor: dict[str, list[_Phrase]] = {}
        self._excludes: dict[str, list[_Phrase]] = {}
        self._tokens = Matcher(nlp.vocab)
        self._needs_of_tokens: list[tuple[frozenset[str], ...]] = []
        self._by_key: dict[int, Rule] = {}
        self._order = {rule.name: i for i, rule in enumerate(self.rules)}
        for rule in self.rules:
            for written in rule.match:
                phrase = _phrase(rule, written)
                for word in phrase.needs[0] if phrase.needs else ("",):
                    self._by_anchor.setdefault(word, []).append(phrase)
            self._excludes[rule.name] = [_phrase(rule, written) for written in rule.exclude]
            if rule.patterns:
                self._tokens.add(rule.name, [list(pattern) for pattern in rule.patterns])
                self._needs_of_tokens += [_needs_of_tokens(pattern) for pattern in rule.patterns]
                self._by_key[nlp.vocab.strings[rule.name]] = rule

    @property
    def anchors(self) -> frozenset[str]:
        """Words one of which every phrase match holds: a text without any needs no matching."""
        return frozenset(self._by_anchor)

    def hits(self, sentence: str, held: AbstractSet[str] | None = None) -> list[Hit]:
        """The hits in one sentence, in order: the longest first, then as the rules stand.

        `held` are its words (`words_in`), where they are known already.
        """
        if held is None:
            held = words_in(sentence)
        hits: list[Hit] = []
        tried: set[int] = set()
        barred: dict[str, list[tuple[int, int]]] = {}
        for word in held & self._by_anchor.keys():
            for phrase in self._by_anchor[word]:
                if _lacks(held, phrase.needs) or id(phrase) in tried:
                    continue
                tried.add(id(phrase))
                for match in phrase.pattern.finditer(sentence):
                    a, b = match.span()
                    name = phrase.rule.name
                    if name not in barred:
                        barred[name] = [
                            found.span()
                            for exclude in self._excludes[name]
                            if not _lacks(held, exclude.needs)
                            for found in exclude.pattern.finditer(sentence)
                        ]
                    if not any(x < b and a < y for x, y in barred[name]):
                        hits.append(Hit(phrase.rule, a, b))
        if not all(_lacks(held, needs) for needs in self._needs_of_tokens):
            doc = self._nlp.make_doc(sentence)
            for key, first, last in self._tokens(doc):
                span = doc[first:last]
                hits.append(Hit(self._by_key[key], span.start_char, span.end_char))
        hits.sort(key=lambda h: (h.start, -h.end, self._order[h.rule.name]))
        return hits


def words_in(sentence: str) -> set[str]:
    """The words that a sentence holds, "n't" taken for "not"; and the empty word, for phrases that need none."""
    lowered = sentence.lower()
    if "n't" in lowered or "n’t" in lowered:
        lowered = lowered.replace("n’t", "n't").replace("can't", "can not").replace("n't", " not")
    return {"", *_WORD.findall(lowered)}


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
            if bool(matchers.hits(text)) != expected:
                problems.append(f"{rule.name}: {'must' if expected else 'must not'} match: {text}")
    return problems
