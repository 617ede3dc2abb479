"""The one place where polarity is decided: does a sentence say that there was fault, that there was none, or neither?

Verdict words (rules/verdicts.yaml) are read with what stands before them (rules/modifiers.yaml). A modifier reaches
forward a number of words, up to a terminator; a negation turns a verdict round (what looks like one and is none, "not without
fault", is a rule of its own); suppositions, reports and other bodies take it away, unless the Ombudsman's own voice speaks between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.extract.rules import Hit

_ENDS_CLAUSE = frozenset({"but", "however", "although", "though", "whereas", "yet", "except", "which", "who", ";", "–", "—", "because", "since"})
_ENDS_SENTENCE = frozenset({"but", "however", "although", "though", "whereas", "yet", ";"})
_AFTER_AND = frozenset({"this", "that", "it", "i", "we", "there", "was", "were", "is", "so", "both", "they", "the", "has", "have", "had", "did", "to"})
_AFTER_AND_REPORT = frozenset({"this", "that", "i", "we", "so"})
_AFTER_AND_OPINION = frozenset({*_AFTER_AND_REPORT, "its", "there", "to", "in", "find"})
_NEGATIVE = frozenset({"not", "n't", "n’t", "nor", "no", "never", "neither", "nothing", "without"})
_COPULA = frozenset({"is", "was", "were", "are", "amounts", "amounted", "constitutes"})
_TURN = {"fault": "no_fault", "no_fault": "fault"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one verdict word comes to: its polarity, its strength, the token it begins at, the rule that spoke."""

    polarity: str
    strength: str
    token: int
    rule: str


@dataclass(frozen=True, slots=True)
class _Ends:
    """The tokens at which modifiers end: those of a clause; reports and suppositions; denials of the Ombudsman's own."""

    clause: list[int]
    report: list[int]
    opinion: list[int]


def verdicts(words: Sequence[str], hits: Sequence[Hit], begin: int) -> list[Verdict]:
    """The verdicts of one sentence, in order.

    `words` are its tokens in lower case, `hits` the rules that matched in it, `begin` the index of its first token.
    """
    found: list[Verdict] = []
    modifiers = [h for h in hits if h.rule.file == "modifiers"]
    nothing = [h for h in modifiers if "nothing" in h.rule.assigns]
    candidates = [h for h in hits if h.rule.file == "verdicts"]
    ends = _ends(words, begin)
    # Of verdict words that overlap, the longest speaks: "not wrong to" before "wrong to".
    quoted = _quoted(words, begin)
    for hit in candidates:
        if hit.start in quoted or any(_covers(other, hit) for other in candidates):
            continue
        result = _weigh(hit, modifiers, nothing, ends, words, begin)
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


def _ends(words: Sequence[str], begin: int) -> _Ends:
    """Where modifiers end in one sentence."""
    clause, report, opinion = [], [], []
    for i, word in enumerate(words):
        following = words[i + 1] if i + 1 < len(words) else ""
        if word in _ENDS_CLAUSE or (word == "and" and following in _AFTER_AND) or (word == "so" and i and words[i - 1] == ","):
            clause.append(begin + i)
        comma = i > 0 and words[i - 1] == ","
        if word in _ENDS_SENTENCE or (comma and word in ("which", "so")) or (word == "and" and following in _AFTER_AND_REPORT):
            report.append(begin + i)
            opinion.append(begin + i)
        elif word == "and" and following in _AFTER_AND_OPINION:
            opinion.append(begin + i)
    return _Ends(clause, report, opinion)


def _weigh(
    hit: Hit,
    modifiers: Sequence[Hit],
    nothing: Sequence[Hit],
    ends: _Ends,
    words: Sequence[str],
    begin: int,
) -> Verdict | None:
    """One verdict word under the modifiers that reach it."""
    reaching = []
    bare = hit.rule.assigns == ("fault",) and not _NEGATIVE & set(words[hit.start - begin : hit.end - begin])
    for modifier in modifiers:
        if modifier.start >= hit.end or "nothing" in modifier.rule.assigns or modifier.end > hit.end:
            continue
        if modifier.end > hit.start and (modifier.start > hit.start or ("negates" in modifier.rule.assigns and not bare)):
            continue  # a negation that the verdict's own words hold is part of it
        if hit.start - modifier.end > modifier.rule.reach:
            continue
        if "negates" in modifier.rule.assigns and any(n.start <= modifier.start < n.end or modifier.start <= n.start < modifier.end for n in nothing):
            continue
        if modifier.rule.id == "not_be" and any(w in _COPULA for w in words[modifier.end - begin : hit.start - begin]):
            continue  # "was not signed is a fault": the verb between begins another clause
        if modifier.rule.scope != "sentence":
            stops = ends.clause
        else:
            stops = ends.opinion if "negates" in modifier.rule.assigns else ends.report
        if any(modifier.end <= stop <= hit.start for stop in stops):
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
    if any("negates" in m.rule.assigns for m in reaching):
        polarity = _TURN[polarity]
    # A weak word in the Ombudsman's own mouth, or admitted, is a verdict by itself.
    strength = "strong" if own >= 0 or admitted >= 0 else hit.rule.strength
    return Verdict(polarity, strength, hit.start, hit.rule.id)


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
