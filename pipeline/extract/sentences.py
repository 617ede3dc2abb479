"""A decision as sentences, each with its place: what the extractors read."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

import regex

from pipeline.clean.lines import fold
from pipeline.corpus import corpus_folder, load_yaml
from pipeline.values import Decision

# People are called by a letter here ("Ms K."), so a capital before a full stop ends a sentence as any word does.
# What follows the end is white space and a capital, a quote, a bracket or a sum.
_END = regex.compile(r"[.!?][”’\"')\]]*(?=\s+[A-Z£“‘\"'(\[\d])")
_NO_END = regex.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Miss|Dr|Prof|Rev|Hon|St|No|Nos|Art|Reg|Regs|Sch|Ch|Vol|para|paras|p|pp|s|ss|v|cf|etc|e\.g"
    r"|i\.e|eg|ie|approx|inc|Ltd|Co|Cllr)|^\d{1,2})$"
)


class Sentence(NamedTuple):
    """One sentence: its span of the text, and its line's place.

    `role` is what its part of the decision does: law, narrative, analysis, or mixed where no sub-heading tells;
    `kind` and `number` are its paragraph's; `line` is the position of its paragraph; `opens` says that it comes first
    there.
    """

    start: int
    end: int
    line: int
    number: int | None
    kind: str
    section: str
    role: str
    opens: bool


def split(text: str) -> list[tuple[int, int]]:
    """The spans of the sentences of one line of text."""
    spans = []
    start = 0
    for found in _END.finditer(text):
        if text[found.start()] == "." and _NO_END.search(text, max(0, found.start() - 12), found.start()):
            continue
        spans.append((start, found.end()))
        start = found.end()
        while start < len(text) and text[start].isspace():
            start += 1
    if start < len(text):
        spans.append((start, len(text)))
    return spans


@cache
def _roles() -> list[tuple[str, regex.Pattern[str]]]:
    raw = load_yaml(corpus_folder() / "rules" / "lgsco" / "roles.yaml")
    return [(role, regex.compile(r"\b(?:" + "|".join(map(regex.escape, words)) + r")\b")) for role, words in raw]


@cache
def role_of(heading: str) -> str | None:
    """What the part under a sub-heading does (law, narrative, analysis, law_or_topic); null when no word tells."""
    folded = fold(heading)
    return next((role for role, words in _roles() if words.search(folded)), None)


# The standard paragraphs on the Ombudsman's own role and powers, wherever they stand.
_OMBUDSMANS_LAW = regex.compile(
    r"Local Government Act 1974,? \(?s(?:ection)?s? ?(?:24A|25|26|26A|26D|30|31|32|33|34)"
    r"|Health Service Commissioners Act"
    r"|Ombudsmen’s (?:role|powers)"
)


def lines_of(decision: Decision) -> list[Sentence]:
    """Every line of the decision as one sentence that is not split yet, headings left out, in order."""
    found: list[Sentence] = []
    roles = _part_roles(decision)
    text = decision.text
    for p in decision.paragraphs:
        if p.kind == "line" and text[p.start : p.end] in (p.heading, p.subheading):
            continue
        role = roles.get((p.heading, p.subheading), "mixed")
        section = p.section
        if role == "remedy":  # told under a sub-heading of the findings
            role, section = "mixed", "remedy"
        if _OMBUDSMANS_LAW.search(text, p.start, p.end):
            role = "law"
        found.append(Sentence(p.start, p.end, p.position, p.number, p.kind, section, role, True))
    return found


def sentences_in(text: str, line: Sentence) -> list[Sentence]:
    """The sentences of one line."""
    return [
        line._replace(start=line.start + start, end=line.start + end, opens=i == 0)
        for i, (start, end) in enumerate(split(text[line.start : line.end]))
    ]


def _part_roles(decision: Decision) -> dict[tuple[str | None, str | None], str]:
    """The role of each part of the findings, by its headings.

    A sub-heading that does not tell is law before the narrative; after it, it goes on with the narrative where an
    analysis is still to come, and is analysis where none is. A part that states a verdict is no mere narrative, and
    no law after the narrative, whatever its heading says.
    """
    words: dict[tuple[str | None, str | None], list[str]] = {}
    for p in decision.paragraphs:
        if p.section in ("findings", "other"):
            words.setdefault((p.heading, p.subheading), []).append(decision.text[p.start : p.end])
    parts = list(words)
    told = [(role_of(sub) if sub else None) or (role_of(head) if head else None) for head, sub in parts]
    roles: dict[tuple[str | None, str | None], str] = {}
    for i, part in enumerate(parts):
        own = told[i]
        narrated, to_narrate = "narrative" in told[:i], "narrative" in told[i + 1 :]
        judges = any(_states_a_verdict(line) for line in words[part])
        if own == "law_or_topic":
            own = "law" if not judges and (not narrated or "analysis" in told[i + 1 :]) else "analysis"
        elif own == "narrative" and judges:
            own = "mixed"
        elif own is None and part[1] is not None:
            if judges:
                own = "analysis"
            elif to_narrate and not narrated:
                own = "law"
            elif narrated:
                own = "narrative" if "analysis" in told[i + 1 :] else "analysis"
        roles[part] = own or "mixed"
    return roles


_VERDICT = regex.compile(
    r"\b(?:faults?|maladministration|service failure|unreasonabl[ey]|wrong to)\b", regex.IGNORECASE
)
_NOT_OWN = regex.compile(
    r"\b(?:says?|said|sa(?:id|ys)|complain\w*|accept\w*|acknowledg\w*|admit\w*|uph(?:e|o)ld\w*|told|wr(?:o"
    r"|i)te\w*|whether|if"
    r"|th(?:ink|ought)\w*|believ\w*|alleg\w*|according|apologis\w*|respon\w*|repl\w*|explain\w*|concluded|considers"
    r"|own fault|fault with the)\b|[“‘\"]",
    regex.IGNORECASE,
)


def _states_a_verdict(line: str) -> bool:
    """Whether a paragraph holds a sentence with a verdict that nobody is said to report."""
    return _VERDICT.search(line) is not None and any(
        _VERDICT.search(line, a, b) and not _NOT_OWN.search(line, a, b) for a, b in split(line)
    )


def plain_sentences(text: str) -> list[Sentence]:
    """The sentences of a text whose structure is not known: each line is a paragraph of the findings."""
    found: list[Sentence] = []
    offset = 0
    for position, line in enumerate(text.split("\n")):
        for i, (start, end) in enumerate(split(line)):
            found.append(Sentence(offset + start, offset + end, position, None, "line", "findings", "mixed", i == 0))
        offset += len(line) + 1
    return found


def by_line(sentences: Iterable[Sentence]) -> dict[int, list[Sentence]]:
    """Sentences by the position of their paragraph."""
    lines: dict[int, list[Sentence]] = {}
    for sentence in sentences:
        lines.setdefault(sentence.line, []).append(sentence)
    return lines
