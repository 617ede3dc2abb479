"""Citations: the law and the statutory guidance relied on, resolved to act (or title), year and provision.

Spans key: `redress_citations` (one span a citation, label: the act and its year).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import regex
from spacy.language import Language
from spacy.tokens import Doc

from pipeline.corpus import corpus_folder, load_yaml
from pipeline.extract.reading import Component, Reading, reader_for, spans_of
from pipeline.values import Citation

SPANS = "redress_citations"
_SITE = "https://www.legislation.gov.uk/"
# "Act 1974", "Regulations 2014": an anchor; the name is read backwards from it.
_ANCHOR = regex.compile(
    r"\b(?P<kind>Act|Regulations|Order|Rules|Measure)"
    r"(?: \((?:England|England and Wales|Wales|Amendment)\)(?: \([A-Z][\w ]+\))?)*,? "
    r"(?P<year>(?:1[89]|20)\d\d)(?!\d)"
)
# An act's name and year can open the name of regulations:
# "Health and Social Care Act 2008 (Regulated Activities) Regulations 2014".
_REST = regex.compile(
    r"(?: \([A-Z][^()\n]{1,80}\)| (?:[A-Z][\w’'-]*|and|of|for)){1,8}? (?:Regulations|Order|Rules)"
    r"(?: \([A-Z][\w ]+\)){0,2} (?P<year>(?:1[89]|20)\d\d)(?!\d)"
)
_NAME = regex.compile(
    r"(?<!\w)(?:[A-Z][\w’'&-]*,?|\([A-Z][\w ’',-]+(?:etc\.?)?\)|etc\.)"
    r"(?: (?:[A-Z][\w’'&-]*,?|\([A-Z][\w ’',-]+(?:etc\.?)?\)|etc\.|and|of|the|for|from|to|in|on|at|by|with))* $"
)
_OPENERS = frozenset({
    "The", "Under", "In", "By", "And", "Section", "Sections", "Part", "Schedule", "Regulation", "Both", "As",
    "See", "Since", "That", "This", "Also", "Although", "When", "While", "If", "Its", "Our", "Council’s",
    "Councils",
})  # fmt: skip
_ONE = r"\d{1,4}[A-Z]{0,3}(?:\(\w{1,4}\))*"
_BARE = r"\(\w{1,4}\)"  # "section 26(6)(a) and (c)"
_LIST = (
    rf"{_ONE}(?:(?:,? (?:and|to|or) |, | ?[-–] ?)(?:(?:(?:sections?|regulations?|ss?\.?) )?{_ONE}(?![\w,]*\d{{3}})"
    rf"|{_BARE}))*"
)
_KIND = r"[Ss]ections?|[Ss]s?\.?|[Rr]egulations?|[Rr]egs?\.?|[Aa]rticles?|[Rr]ules?|[Pp]arts?"
_PARAGRAPH = rf"(?:,? (?:paragraphs?|paras?\.?) (?P<para>{_ONE}))?"
_AFTER = regex.compile(
    rf"(?:,| at| in|:)? ?\(?(?:(?P<kind>{_KIND}) ?(?P<list>{_LIST})"
    rf"|(?P<schedule>[Ss]chedules?|[Ss]ch\.?) ?(?P<number>\d{{1,2}}[A-Z]?){_PARAGRAPH})(?P<amended>,? as amended)?"
)
_MORE = regex.compile(
    rf"(?:,| and)? ?(?P<kind>[Ss]ections?|[Ss]chedules?) (?P<list>{_LIST})(?P<amended>,? as amended)?"
)
_BEFORE = regex.compile(
    rf"(?:(?P<kind>{_KIND}) ?(?P<list>{_LIST})|(?:(?:paragraphs?|paras?\.?) (?P<para>{_ONE}) (?:of|to|in) )?"
    rf"(?P<schedule>[Ss]chedule|[Ss]ch\.?) (?P<number>\d{{1,2}}[A-Z]?)(?:,? (?:paragraphs?"
    rf"|paras?\.?) (?P<para>{_ONE}))?)"
    r"(?: (?:of|to|in|under) (?:the )?|, (?:the )?)$"
)
# "Section 47 of the Act", "the 2014 Act", "under section 42", once the act has been named.
_LATER = regex.compile(
    rf"(?:\b(?:[Pp]aragraphs?|[Pp]aras?\.?) (?P<of_it>{_ONE}) (?:of|to) )?"
    r"\b(?<![’'])(?P<kind>[Ss]ections?|[Ss]s?\.?|[Rr]egulations?|[Rr]egs?\.?|[Aa]rticles?|[Ss]chedule)"
    rf" ?(?P<list>{_LIST})"
    rf"(?:,? (?:paragraphs?|paras?\.?) (?P<within>{_ONE}))?"
    r"(?P<of> (?:of|to|in|under) (?:the same|the|that|those) (?:(?P<year>(?:1[89]|20)\d\d) )?(?P<what>Act|Regulations"
    r"|Order))?"
)
# "The 1974 Act, section 26A(2)".
_ALIAS_FIRST = regex.compile(
    rf"\b[Tt]he (?P<year>(?:1[89]|20)\d\d) (?P<what>Act|Regulations|Order),? \(?(?P<kind>{_KIND}) ?(?P<list>{_LIST})"
)
# "section 42 of the Care Act": an act known by its name alone.
_YEARLESS = regex.compile(
    rf"\b(?P<kind>{_KIND}) ?(?P<list>{_LIST}) (?:of|to|in"
    rf"|under) the (?P<name>(?:[A-Z][\w’-]+ )(?:(?:[A-Z][\w’-]+|and|of) )*Act)\b(?!,? \(?\d{{4}})"
)
_CODE = regex.compile(r"(?:: | )(?:Code of Practice|code of practice)")
_CODE_TO = regex.compile(r"[Cc]ode of [Pp]ractice(?:: ?| to the | for the )$")
_ALIAS = regex.compile(r"\b[Tt]he (?P<year>(?:1[89]|20)\d\d) (?P<kind>Act|Regulations|Order)\b")
_PROCESS = regex.compile(
    r"(?:’s|'s)? (?:enquir|inquir|investigat|assessment|case|agreement|funding|notice|process|checks?\b|strategy"
    r"|meeting|accommodation|file|payment|money|help|aftercare|after-care|plan\b|register|patient|protocol|review\b"
    r"|fund\b|services?\b|matters|provision\b|hardship|team|placement|decision)"
)
_MONTH = "January|February|March|April|May|June|July|August|September|October|November|December"
_PREFIX = {"s": "s", "r": "reg", "a": "art", "p": "Part"}


@dataclass(frozen=True, slots=True)
class _Mention:
    start: int
    end: int
    act: str
    year: int | None  # null for guidance, whose title says none
    provisions: tuple[str, ...]


@Language.factory("redress_citations")
def create_citations(nlp: Language, name: str) -> Component:
    """The component: fills `doc.spans["redress_citations"]`; a span's label is its act."""
    reader = reader_for(nlp)

    def component(doc: Doc) -> Doc:
        reading = reader.reading(doc)
        find(reading)
        doc.spans[SPANS] = spans_of(doc, reading, [(c.start, c.end, c.act) for c in reading.citations])
        return doc

    return component


def find(reading: Reading) -> list[Citation]:
    """The citations of a text, one for each provision, in order; also kept in its Reading."""
    found = []
    for mention in sorted([*mentions(reading.text), *guidance(reading.text)], key=lambda m: (m.start, m.end)):
        i = bisect_right(reading.everything, mention.start, key=lambda s: s.start) - 1
        paragraph = reading.everything[i].number if i >= 0 else None
        for provision in mention.provisions or (None,):
            named = mention.act if mention.year is None else f"{mention.act} {mention.year}"
            url = address(mention.act, mention.year, provision)
            found.append(Citation(paragraph, mention.start, mention.end, named, mention.year, provision, url))
    reading.citations = found
    return found


def mentions(text: str) -> list[_Mention]:
    """Every mention of law in the text, in order: acts named in full, then what refers back to them."""
    full = list(_full(text))
    covered = [(m.start, m.end) for m in full]
    everything = sorted([*full, *_later(text, full, covered)], key=lambda m: (m.start, m.end))
    return [
        m
        for m in everything
        if m.provisions or not any(o is not m and o.start <= m.start and m.end <= o.end for o in everything)
    ]


def guidance(text: str) -> Iterator[_Mention]:
    """Every title of statutory guidance in the text, in order, with the paragraphs cited before or after it."""
    titles, first, pattern = _titles()
    past = 0
    named = {found.start("title"): found.span("title") for found in _NAMED.finditer(text)}
    for at in sorted({*named, *(opening.start() for opening in first.finditer(text))}):
        found = pattern.match(text, at) if at >= past else None
        if found is not None:
            (start, end), title = found.span(), titles[found[0].lower()]
        elif at in named and at >= past:
            start, end = named[at]
            title = text[start:end].rstrip(".,")
        else:
            continue
        past = end
        before = _PARAGRAPHS_OF.search(text, max(0, start - 60), start)
        after = _AT_PARAGRAPHS.match(text, end)
        cited = after or before
        provisions = tuple(f"para{one}" for one in regex.findall(_NUMBERED, cited["list"])) if cited else ()
        yield _Mention(
            before.start() if before and not after else start,
            after.end() if after else end,
            title,
            None,
            provisions,
        )


# Guidance that the list does not know, named between quotation marks: "the statutory guidance “Arranging …” says".
_NAMED = regex.compile(
    r"\b(?:[Gg]uidance|[Gg]uide|[Cc]ode of [Pp]ractice)(?: document)?,?(?: (?:called|entitled|named|titled))?:?"
    r" (?:“(?P<title>[A-Z][^“”\n]{9,140})”|‘(?P<title>[A-Z][^‘’\n]{9,140})’|\"(?P<title>[A-Z][^\"\n]{9,140})\")"
)
_NUMBERED = r"\d+(?:\.\d+)*"
_NUMBERS = rf"(?P<list>{_NUMBERED}(?:(?:, | and | to |-|–){_NUMBERED})*)"
_PARAGRAPHS_OF = regex.compile(rf"\b[Pp]ara(?:graph)?s?\.? {_NUMBERS} (?:of|in) (?:the )?[“‘\"']?$")
_AT_PARAGRAPHS = regex.compile(rf"[^.;\n]{{0,60}}?\bpara(?:graph)?s?\.? {_NUMBERS}")


@cache
def _titles() -> tuple[dict[str, str], regex.Pattern[str], regex.Pattern[str]]:
    """The title of each way in which guidance is named, in lower case; the words they begin with; all of them.

    What begins in a small letter is a subject and no title: "the policy on family and friends care".
    """
    titles = {
        name.lower(): entry["title"]
        for entry in load_yaml(corpus_folder() / "guidance.yaml")
        for name in (entry["title"], *entry["also"])
    }
    ways = "|".join(regex.escape(name) for name in sorted(titles, key=len, reverse=True))
    words = {word for name in titles for word in regex.findall(r"^\w+", name)}
    first = "|".join(sorted({word.capitalize() for word in words} | {word.upper() for word in words}))
    return titles, regex.compile(rf"\b(?:{first})\b"), regex.compile(rf"(?:{ways})(?!\w)", regex.IGNORECASE)


def _full(text: str) -> Iterator[_Mention]:
    past = 0
    for anchor in _ANCHOR.finditer(text):
        if anchor.start() < past or _CODE.match(text, anchor.end()):
            continue
        line = text.rfind("\n", 0, anchor.start()) + 1
        begin = max(line, anchor.start() - 260)
        name = _NAME.search(text, begin, anchor.start())
        if name is None:
            continue
        start = name.start()
        words = text[start : anchor.start()]
        while words and words.split(" ", 1)[0].rstrip(",") in _OPENERS:
            cut = len(words.split(" ", 1)[0]) + 1
            start, words = start + cut, words[cut:]
        if words.startswith("the "):
            start, words = start + 4, words[4:]
        shorter = _known_end(regex.split(r"(?:,| and| or) the (?=[A-Z])", words)[-1], anchor["kind"])
        start, words = start + len(words) - len(shorter), shorter
        if not words.strip() or _CODE_TO.search(text, max(line, start - 30), start):
            continue
        full_name = (words + text[anchor.start() : anchor.start("year")]).strip().rstrip(",")
        provisions: list[str] = []
        end, year = anchor.end(), int(anchor["year"])
        rest = _REST.match(text, end) if anchor["kind"] == "Act" else None
        if rest is not None:
            full_name, end, year = text[start : rest.start("year")].strip(), rest.end(), int(rest["year"])
            past = end
        before = _BEFORE.search(text, max(line, start - 80), start)
        if before is not None:
            provisions += _provisions(before)
            start = before.start()
        after = _AFTER.match(text, end)
        if after is not None and (before is None or text[end : end + 1] in ",( "):
            own = _provisions(after)
            if own and not (before is not None and text[end : end + 1] == " " and "(" not in text[end : after.end()]):
                provisions += own
                end = after.end()
                more = _MORE.match(text, end)
                while more is not None and not text.startswith(" of the", more.end()):
                    provisions += _provisions(more)
                    end = more.end()
                    more = _MORE.match(text, end)
        yield _Mention(start, end, full_name, year, tuple(dict.fromkeys(provisions)))


def _known_end(words: str, kind: str) -> str:
    """The part of a name that is a known act's, when the words before it belong to the sentence.

    "Regulation under the Care Act" is one: its name is "Care Act".
    """
    known = max(
        (n for n in _names() if (words + kind).endswith(n)),
        key=len,
        default=None,
    )
    if known is None:
        return words
    tail = known.rsplit(" ", 1)[0] + " "
    return tail if words.endswith((f" the {tail}", f" under {tail}", f", and {tail}", f", or {tail}")) else words


def _later(text: str, full: list[_Mention], covered: list[tuple[int, int]]) -> Iterator[_Mention]:
    yield from _by_name(text, full, covered)
    known = sorted(full, key=lambda m: m.start)
    if not known:
        return
    for found in _LATER.finditer(text):
        if any(start <= found.start() < end for start, end in covered):
            continue
        if text[found.end() : found.end() + 4] == " of " or (
            found["of"] is None
            and regex.match(rf" (?:of|to|in) (?:the )?(?!{_MONTH})[A-Z]", text[found.end() : found.end() + 16])
        ):
            continue
        provisions = _provisions(found)
        before = sorted((m for m in known if m.start < found.start()), key=lambda m: m.start)
        kind = (
            "Regulations"
            if found["kind"][0] in "Rr"
            else "Order"
            if found["kind"][0] in "Aa"
            else (found["what"] or "Act").capitalize()
        )
        if found["what"] and found["what"].lower() == "act" and kind == "Regulations":
            kind = "Act"
        same = [
            m
            for m in before
            if m.act.split(" (")[0].endswith(kind) or m.act.endswith(kind) or (kind in m.act and kind != "Act")
        ]
        if found["of"]:
            if found["year"]:
                same = [m for m in same if m.year == int(found["year"])]
            target = next((m for m in reversed(same) if m.act not in _OMBUDSMANS), same[-1] if same else None)
        elif _PROCESS.match(text, found.end()):
            continue  # "section 47 enquiries": the name of a process is no citation
        else:
            if found["kind"].lower().startswith("sch"):
                same = before  # orders and regulations have schedules too
            target = _stands_for(text, found.start(), provisions, same, kind)
        if target is not None and provisions:
            mention = _Mention(found.start(), found.end(), target.act, target.year, tuple(provisions))
            known.append(mention)
            covered.append((mention.start, mention.end))
            yield mention
    for found in _ALIAS.finditer(text):
        if any(start < found.end() and found.start() < end for start, end in covered):
            continue
        year, kind = int(found["year"]), found["kind"]
        named = [m for m in full if m.start < found.start() and m.year == year and kind in m.act]
        if named:
            yield _Mention(*found.span(), named[-1].act, year, ())


def _stands_for(text: str, at: int, provisions: list[str], named: list[_Mention], kind: str) -> _Mention | None:
    """The act, of those named before, that a bare "section 47" stands for; null where none can be told."""
    roots = set(_roots(provisions))
    ours = [m for m in named if m.act in _OMBUDSMANS]
    others = [m for m in named if m.act not in _OMBUDSMANS]
    if ours and roots <= _OUR_SECTIONS:
        return ours[-1]
    line = _paragraph_start(text, at)
    near = [m for m in others if m.start > line] or [m for m in ours if m.start > line]
    if near:
        return near[-1]
    if again := [m for m in others if roots & set(_roots(m.provisions))] or [
        m for m in ours if roots & set(_roots(m.provisions))
    ]:
        return again[-1]
    if alias := [found["year"] for found in _ALIAS.finditer(text, line + 1, at)]:
        return next((m for m in reversed(named) if str(m.year) == alias[-1]), None)
    if kind == "Regulations":
        return named[-1] if named else None
    if others and (len({(m.act, m.year) for m in others}) == 1 or at - others[-1].end < _NEAR):
        return others[-1]
    if _CITES.search(text, max(0, at - 8), at):
        return next(reversed(others or ours), None)
    return None


# The acts that the Ombudsmen work under, which a bare "section 3" does not mean.
_OMBUDSMANS = frozenset({"Local Government Act", "Health Service Commissioners Act"})
# Sections of the Local Government Act 1974 whose number tells that they are.
_OUR_SECTIONS = frozenset({
    "s24A", "s25A", "s26A", "s26B", "s26C", "s26D", "s30A", "s33ZA", "s34A", "s34B", "s34C", "s34D", "s34E",
})  # fmt: skip
_NEAR = 600  # characters: an act that was named a paragraph ago is still spoken of
# What stands before a bare section that is cited: its bracket, or that something is done under it.
_CITES = regex.compile(r"(?:\(|\b(?:[Uu]nder|[Bb]y|[Ss]ee) )$")


def _by_name(text: str, full: list[_Mention], covered: list[tuple[int, int]]) -> Iterator[_Mention]:
    """Sections of acts that are named by their year alone, before the section, or by their name alone."""
    for found in _ALIAS_FIRST.finditer(text):
        named = [m for m in full if m.start < found.start() and m.year == int(found["year"])]
        if named:
            covered.append(found.span())
            yield _Mention(*found.span(), named[-1].act, named[-1].year, tuple(_provisions(found)))
    for found in _YEARLESS.finditer(text):
        years = [m.year for m in full if m.act == found["name"]] or [y for name, y in _acts() if name == found["name"]]
        if years:
            covered.append(found.span())
            yield _Mention(*found.span(), found["name"], years[-1], tuple(_provisions(found)))


def _paragraph_start(text: str, offset: int) -> int:
    """Where the line at `offset` begins; for a bullet, where its lead-in does."""
    line = here = text.rfind("\n", 0, offset)
    for _ in range(12):
        above = text.rfind("\n", 0, max(here, 0))
        if here <= 0:
            break
        if text[above + 1 : here].endswith(":"):
            return above
        if not text[above + 1 : here].endswith((";", "; and", "; or", ",")):
            break
        here = above
    return line


def _roots(provisions: tuple[str, ...] | list[str]) -> list[str]:
    return [provision.split("(")[0] for provision in provisions]


def _provisions(found: regex.Match[str]) -> list[str]:
    groups = found.groupdict()
    within = groups.get("within") or groups.get("of_it")
    if within and groups["kind"].lower().startswith("sch"):
        return [f"Sch{groups['list']} para{within}"]
    if groups.get("schedule"):
        paragraph = f" para{groups['para']}" if groups.get("para") else ""
        return [f"Sch{groups['number']}{paragraph}"]
    if not groups.get("list"):
        return []
    kind = groups["kind"].lower()
    prefix = "Sch" if kind.startswith("sch") else _PREFIX.get(kind[0], "s")
    if kind.startswith("rule"):
        prefix = "rule"
    named: list[str] = []
    for one in regex.findall(rf"{_ONE}|{_BARE}", groups["list"]):
        named.append(f"{prefix}{one}" if one[0] != "(" else f"{named[-1].rsplit('(', 1)[0]}{one}")
    return named


@cache
def _acts() -> dict[tuple[str, int], str]:
    return {(entry["name"], entry["year"]): entry["path"] for entry in load_yaml(corpus_folder() / "acts.yaml")}


@cache
def _names() -> frozenset[str]:
    return frozenset(name for name, _ in _acts())


def address(act: str, year: int | None, provision: str | None) -> str | None:
    """Where legislation.gov.uk keeps an act, or the section or schedule of it; null for acts that are not listed."""
    path = _acts().get((act, year)) if year is not None else None
    if path is None:
        return None
    part = regex.match(r"(s|Sch)(\d+[A-Z]{0,3})", provision or "")
    if part is None:
        return _SITE + path
    return f"{_SITE}{path}/{'section' if part[1] == 's' else 'schedule'}/{part[2]}"
