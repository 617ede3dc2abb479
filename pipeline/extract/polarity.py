"""The one place where polarity is decided: does a sentence say that there was fault, that there was none, or neither?

Verdict words (rules/verdicts.yaml) are read with what stands before them (rules/modifiers.yaml). A modifier reaches
forward a number of words, up to a terminator; a negation turns a verdict round (what looks like one and is none, "not
without fault", is a rule of its own); suppositions, reports and other bodies take it away, unless the Ombudsman's own
voice speaks between. What is reported goes on to the end of its sentence; an attribution may also stand after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.extract.rules import Hit

_ENDS_CLAUSE = frozenset(
    [
        "but",
        "however",
        "although",
        "though",
        "whereas",
        "yet",
        "except",
        "which",
        "who",
        ";",
        "–",
        "—",
        "because",
        "since",
    ]
)
_ENDS_SENTENCE = frozenset({"but", "however", "although", "though", "whereas", "yet", ";"})
_AFTER_AND = frozenset(
    [
        "this",
        "that",
        "it",
        "i",
        "we",
        "there",
        "was",
        "were",
        "is",
        "so",
        "both",
        "they",
        "the",
        "has",
        "have",
        "had",
        "did",
        "to",
    ]
)
_AFTER_AND_REPORT = frozenset({"this", "that", "i", "we", "so"})
_AFTER_COMMA_AND = frozenset({"the", "it", "they", "he", "she", "its"})
_MAIN = frozenset({"it", "this", "that", "i", "we", "there", "they"})
_NOT_A_SUBJECT = frozenset(
    [
        "is",
        "was",
        "were",
        "are",
        "amounts",
        "amounted",
        "constitutes",
        "too",
        "delay",
        "failure",
        "left",
        "caused",
        "meant",
        "denied",
        "cost",
        "has",
        "had",
    ]
)
_AFTER_AND_OPINION = frozenset({*_AFTER_AND_REPORT, "its", "there", "to", "in", "find"})
_NEGATIVE = frozenset({"not", "n't", "n’t", "nor", "no", "never", "neither", "nothing", "without"})
_COPULA = frozenset({"is", "was", "were", "are", "amounts", "amounted", "constitutes"})
_STOPS = frozenset({".", ",", ";", "–", "—"})
_ANOTHER_NOUN = _COPULA | {"the", "a", "it", "they", "this", "that", "council", "and", ","}
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
    """The tokens at which modifiers end: clauses; main clauses; what is reported; the Ombudsman's denials."""

    clause: list[int]
    main: list[int]
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
    """The tokens between double quotation marks, somebody else’s words; they may begin in an earlier sentence."""
    inside, quoted = next((word == "”" for word in words if word in ("“", "”")), False), set()
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
    clause: list[int] = []
    main: list[int] = []
    report: list[int] = []
    opinion: list[int] = []
    for i, word in enumerate(words):
        following = words[i + 1] if i + 1 < len(words) else ""
        if word == "and" and following == "," and "," in words[i + 2 :]:
            # "and, in so far as it goes, this was fault": what stands between commas is passed over
            following = words[words.index(",", i + 2) + 1] if words.index(",", i + 2) + 1 < len(words) else ""
        if word == "and" and following == "that" and (words[i + 2] if i + 2 < len(words) else "") not in _NOT_A_SUBJECT:
            continue  # "and that the panel was wrong" goes on with what was said; "and that was wrong" does not
        if (
            word in _ENDS_CLAUSE
            or (word == "and" and following in _AFTER_AND)
            or (word == "so" and i and words[i - 1] == ",")
        ):
            clause.append(begin + i)
        comma = i > 0 and words[i - 1] == ","
        if clause[-1:] == [begin + i] or (
            comma and (word in _MAIN or (word == "and" and following in _AFTER_COMMA_AND))
        ):
            main.append(begin + i)
        if (
            word in _ENDS_SENTENCE
            or (comma and word in ("which", "so"))
            or (word == "and" and following in _AFTER_AND_REPORT)
        ):
            report.append(begin + i)
            opinion.append(begin + i)
        elif word == "and" and (following in _AFTER_AND_OPINION or (comma and following in _AFTER_COMMA_AND)):
            opinion.append(begin + i)
    return _Ends(clause, main, report, opinion)


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
        if modifier.rule.id in ("said_after", "said_last"):
            if modifier.start >= hit.end and _trails(modifier, words, begin):
                return None  # "It was unacceptable, says Mr Q"
            continue
        if modifier.start >= hit.end or "nothing" in modifier.rule.assigns:
            continue
        if modifier.end > hit.end and modifier.rule.id != "counterfactual":
            continue  # what a fault did not lead to is told around it
        if modifier.end > hit.start and (
            modifier.start > hit.start or ("negates" in modifier.rule.assigns and not bare)
        ):
            continue  # a negation that the verdict's own words hold is part of it
        between = words[modifier.end - begin : hit.start - begin]
        far = hit.start - modifier.end > modifier.rule.reach
        if far and not (modifier.rule.scope == "sentence" and "reports" in modifier.rule.assigns):
            continue  # what is reported goes on to the end of the sentence
        if "negates" in modifier.rule.assigns and any(
            n.start <= modifier.start < n.end or modifier.start <= n.start < modifier.end for n in nothing
        ):
            continue
        if modifier.rule.id == "no_fault" and any(w in _ANOTHER_NOUN for w in between):
            continue  # "with no warning was fault", "without stairs the Council failed"
        if modifier.rule.id == "modal" and between and between[-1] in _COPULA and "that" not in between:
            continue  # "that there would be a charge was fault"
        if modifier.rule.id == "not_be" and any(w in _COPULA or w == "and" for w in between):
            continue  # "was not signed is a fault": the verb between begins another clause
        if modifier.rule.id in ("modal", "body_decides", "acts"):
            stops = ends.main
        elif modifier.rule.scope != "sentence":
            stops = ends.clause
        else:
            stops = ends.opinion if "negates" in modifier.rule.assigns else ends.report
        if any(modifier.end <= stop <= hit.start for stop in stops):
            continue
        reaching.append(modifier)
    own = max((m.start for m in reaching if m.rule.id == "own_voice"), default=-1)
    admitted = max((m.start for m in reaching if m.rule.id == "admits"), default=-1)
    for m in reaching:
        # The Ombudsman's own voice sets aside what was reported before it; what the body admits does so too, unless
        # that is only told of a letter or a stage of the complaint.
        set_aside = own if m.rule.id == "stage" else max(own, admitted)
        if m.rule.id == "any" and any("negates" in n.rule.assigns and n.start < m.start for n in reaching):
            continue  # "I am not persuaded that it shows any fault"
        if m.rule.id == "had_it_been" and m.start < hit.start:
            return None  # "Had it been so, I should have found fault": whoever speaks, it was not so
        if m.rule.id == "modal" and any("negates" in n.rule.assigns and n.start < m.start < n.end for n in reaching):
            continue  # "not so serious that I would call it fault"
        if m.rule.assigns[0] in ("supposes", "reports", "other_body") and m.start > set_aside and m.start < hit.start:
            return None
    polarity = hit.rule.assigns[0]
    if any("negates" in m.rule.assigns for m in reaching):
        polarity = _TURN[polarity]
    # A weak word in the Ombudsman's own mouth, or admitted, is a verdict by itself.
    strength = "strong" if own >= 0 or admitted >= 0 else hit.rule.strength
    return Verdict(polarity, strength, hit.start, hit.rule.id)


def _trails(modifier: Hit, words: Sequence[str], begin: int) -> bool:
    """Whether an attribution stands at the end of what it reports: after a comma, and a full one before a stop."""
    first, after = modifier.start - begin, modifier.end - begin
    if first == 0 or words[first - 1] != ",":
        return False
    return modifier.rule.id == "said_after" or after >= len(words) or words[after] in _STOPS


def _consistent(found: list[Verdict], candidates: Sequence[Hit], begin: int) -> list[Verdict]:
    """Leaves out verdicts that lean on one that is not there: "but not in …" without a fault before it."""
    kept = []
    for verdict in found:
        before = [v for v in found if v.token < verdict.token and v.strength == "strong"]
        if verdict.rule == "split_no_fault" and not any(v.polarity == "fault" for v in before):
            continue
        if verdict.rule == "split_no_fault" and any(
            v.token > verdict.token and v.polarity == "no_fault" for v in found
        ):
            continue
        if verdict.rule == "apart_from" and not any(
            v.token > verdict.token and v.polarity == "no_fault" and v.rule != "split_no_fault" for v in found
        ):
            continue
        if (
            verdict.rule == "elliptic_fault"
            and verdict.token > begin + 1
            and not any(c.start < verdict.token and c.rule.assigns == ("fault",) for c in candidates)
        ):
            continue
        kept.append(verdict)
    return kept
