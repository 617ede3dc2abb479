"""The one place where polarity is decided: does a sentence say that there was fault, that there was none, or neither?

Verdict words (rules/verdicts.yaml) are read with what stands before them (rules/modifiers.yaml). A modifier reaches
forward a number of words, up to a terminator; negations turn a verdict round, two of them leave it as it is; suppositions,
reports and other bodies take it away, unless the Ombudsman's own voice speaks between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.extract.rules import Hit

_ENDS_CLAUSE = frozenset({"but", "however", "although", "though", "whereas", "yet", "except", "which", "who", ";", "–", "—", "because", "since"})
_ENDS_SENTENCE = frozenset({"but", "however", "although", "though", "whereas", "yet", ";"})
_AFTER_AND = frozenset({"this", "that", "it", "i", "we", "there", "was", "were", "is", "so", "both", "they", "the", "has", "have", "had", "did", "to"})
_AFTER_AND_STRONG = frozenset({"this", "that", "i", "we", "so"})
_TURN = {"fault": "no_fault", "no_fault": "fault"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one verdict word comes to: its polarity, its strength, the token it begins at, the rule that spoke."""

    polarity: str
    strength: str
    token: int
    rule: str


def verdicts(words: Sequence[str], hits: Sequence[Hit], begin: int) -> list[Verdict]:
    """The verdicts of one sentence, in order.

    `words` are its tokens in lower case, `hits` the rules that matched in it, `begin` the index of its first token.
    """
    found: list[Verdict] = []
    modifiers = [h for h in hits if h.rule.file == "modifiers"]
    nothing = [h for h in modifiers if "nothing" in h.rule.assigns]
    candidates = [h for h in hits if h.rule.file == "verdicts"]
    clause_ends, sentence_ends = _ends(words, begin)
    # Of verdict words that overlap, the longest speaks: "not wrong to" before "wrong to".
    quoted = _quoted(words, begin)
    for hit in candidates:
        if hit.start in quoted or any(_covers(other, hit) for other in candidates):
            continue
        result = _weigh(hit, modifiers, nothing, clause_ends, sentence_ends)
        if result is not None:
            found.append(result)
    return _consistent(found, candidates, begin)


def _quoted(words: Sequence[str], begin: int) -> set[int]:
    """The tokens between double quotation marks: somebody else's words."""
    inside, quoted = False, set()
    for i, word in enumerate(words):
        if word in ("“", "”", '"'):
            inside = word == "“" or (word == '"' and not inside)
        elif inside:
            quoted.add(begin + i)
    return quoted


def _covers(other: Hit, hit: Hit) -> bool:
    """Whether `other` is a longer verdict of the other polarity that holds `hit`."""
    return (
        other is not hit
        and other.start <= hit.start
        and hit.end <= other.end
        and (other.end - other.start) > (hit.end - hit.start)
        and other.rule.assigns != hit.rule.assigns
    )


def _ends(words: Sequence[str], begin: int) -> tuple[list[int], list[int]]:
    """(where clauses end, where what reaches over a sentence ends), as token indexes."""
    clause, sentence = [], []
    for i, word in enumerate(words):
        following = words[i + 1] if i + 1 < len(words) else ""
        if word in _ENDS_CLAUSE or (word == "and" and following in _AFTER_AND) or (word == "so" and i and words[i - 1] == ","):
            clause.append(begin + i)
        comma = i > 0 and words[i - 1] == ","
        if word in _ENDS_SENTENCE or (word == "which" and comma) or (word == "and" and following in _AFTER_AND_STRONG):
            sentence.append(begin + i)
    return clause, sentence


def _weigh(
    hit: Hit, modifiers: Sequence[Hit], nothing: Sequence[Hit], clause_ends: Sequence[int], sentence_ends: Sequence[int]
) -> Verdict | None:
    """One verdict word under the modifiers that reach it."""
    reaching = []
    for modifier in modifiers:
        if modifier.start >= hit.end or "nothing" in modifier.rule.assigns or modifier.end > hit.end:
            continue
        if modifier.start >= hit.start and "negates" not in modifier.rule.assigns:
            continue
        if modifier.start >= hit.start and hit.rule.assigns == ("no_fault",):
            continue
        if modifier.start >= hit.start and modifier.start > hit.start:
            continue
        if hit.start - modifier.end > modifier.rule.reach:
            continue
        if "negates" in modifier.rule.assigns and any(n.start <= modifier.start < n.end or modifier.start <= n.start < modifier.end for n in nothing):
            continue
        ends = sentence_ends if modifier.rule.scope == "sentence" else clause_ends
        if any(modifier.start < end <= hit.start and not modifier.start <= end < modifier.end for end in ends):
            continue
        reaching.append(modifier)
    own = max((m.start for m in reaching if m.rule.id == "own_voice"), default=-1)
    admitted = max((m.start for m in reaching if m.rule.id == "admits"), default=-1)
    for m in reaching:
        # The Ombudsman's own voice sets aside what was reported before it; what the body admits does so too, unless that
        # is only told of a letter or a stage of the complaint.
        set_aside = own if m.rule.id == "stage" else max(own, admitted)
        if m.rule.assigns[0] in ("supposes", "reports", "other_body") and m.start > set_aside and m.start < hit.start:
            return None
    polarity = hit.rule.assigns[0]
    if hit.rule.assigns == ("no_fault",):
        negations = [m for m in reaching if "negates" in m.rule.assigns and m.end <= hit.start]
    else:
        negations = [m for m in reaching if "negates" in m.rule.assigns]
    if _count(negations) % 2:
        polarity = _TURN[polarity]
    # A weak word in the Ombudsman's own mouth, or admitted, is a verdict by itself.
    strength = "strong" if own >= 0 or admitted >= 0 else hit.rule.strength
    return Verdict(polarity, strength, hit.start, hit.rule.id)


def _count(negations: Sequence[Hit]) -> int:
    """How many negations there are, those that touch each other counted once ("nor do I find", "no evidence of")."""
    count, last = 0, -1
    for hit in sorted(negations, key=lambda h: h.start):
        if hit.start > last:
            count += 1
        last = max(last, hit.end)
    return count


def _consistent(found: list[Verdict], candidates: Sequence[Hit], begin: int) -> list[Verdict]:
    """Leaves out verdicts that lean on one that is not there: "but not in …" without a fault before it."""
    kept = []
    for verdict in found:
        before = [v for v in found if v.token < verdict.token and v.strength == "strong"]
        if verdict.rule == "split_no_fault" and not any(v.polarity == "fault" for v in before):
            continue
        if verdict.rule == "split_no_fault" and any(v.token > verdict.token and v.polarity == "no_fault" for v in found):
            continue
        if verdict.rule == "elliptic_fault" and verdict.token > begin + 1 and not any(c.start < verdict.token and c.rule.assigns == ("fault",) for c in candidates):
            continue
        kept.append(verdict)
    return kept
