"""Payments: the sums of redress; and amounts: every other sum in the text, with the reason why it is none.

Spans keys: `redress_payments` (one span a payment, label: its status) and `redress_amounts` (label: its reason).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from datetime import date

import regex
from spacy.language import Language
from spacy.tokens import Doc

from pipeline.dates import DATE, MONTHS, add_period, date_of
from pipeline.extract import remedies as remedies_
from pipeline.extract.money import Sum, find_sums, number
from pipeline.extract.people import ESTATE, PERSON, heads, main_complainant, payee
from pipeline.extract.reading import Component, Reader, Reading, reader_for, spans_of
from pipeline.extract.sentences import Sentence, split
from pipeline.values import Amount, Payment, Remedy

SPANS, AMOUNTS = "redress_payments", "redress_amounts"
_MOST_BULLETS = 12
_MOST_PERIODS = 600  # "the spring 2022 terms" counts no terms
_DAYS = {"day": 1.0, "week": 7.0, "fortnight": 14.0}
_MONTHS = {"month": 1.0, "term": 4.0, "year": 12.0}
_NUMBER = r"\d+|[a-z]+(?:-[a-z]+)?"
_COUNTED = regex.compile(
    r"(?:for|over|covering|across|of|and|during|those|these)?\s*(?:each of |all |about |around |some )?"
    r"(?:the |a |those |these )?(?:(?:first|last|full|whole|further) )?"
    rf"(?P<count>{_NUMBER})(?: (?:full|whole|school|academic|calendar|complete|missed))? "
    r"(?P<unit>day|night|week|fortnight|month|term|year)s?\b",
    regex.IGNORECASE,
)
_TOTAL_BEFORE = regex.compile(
    r"(?:\btotal(?:s|ling)?(?: payment| sum)?(?: of)?|\bin all,?|\baltogether,?|\bcom(?:es|ing|e) to"
    r"|\bamount(?:s|ing) to|\bmak(?:es|ing)(?: a total of| up)?|\badds? up to|\bsum of|="
    r"|\b(?:together|altogether|in all)\b[^£.;]{0,20}\b(?:is|are|makes?))\s*$",
    regex.IGNORECASE,
)
_TOTAL_AFTER = regex.compile(
    r"\s*(?:,? ?made up (?:of|as)|,? ?consisting of|,? ?comprising|,? ?\(?(?:that is|being|this is) £"
    r"|in (?:all|total)\b|altogether\b|[^.]{0,60}, made up of|: £)",
    regex.IGNORECASE,
)
_WAIVED = regex.compile(
    r"\b(?:writ(?:e|es|ten|ing) off|wrote off|waiv(?:e|es|ed|ing)|cancel(?:s|led|ling)?|clear(?:s|ed|ing)?"
    r"|remov(?:e|es|ed|ing)|withdr(?:aw|aws|ew|awn|awing)|reduc(?:e|es|ed|ing)"
    r"|tak(?:e|es|en|ing) (?:the|her|his|their|off|that|this))\b",
    regex.IGNORECASE,
)
_SET_OFF = regex.compile(
    r"\b(?:against|deduct(?:s|ed|ing)?|less|minus|subtract\w*|offset|set off|set it off|takes? off|in place of"
    r"|instead of"
    r"|rather than|replac\w+|already (?:paid|offered|made)|previously (?:paid|offered)|includ\w+ the|tak(?:es|ing) in"
    r"|which is"
    r"|supersed\w+|that is to say|so that (?:she|he|they) ha(?:s|ve)|being half|at a rate of|more than|up from"
    r"|increas\w+ (?:its|the|this)? ?(?:offer"
    r"|payment)?s? ?(?:of|from)"
    r"|not|remain\w*|still owes?|owed?|keep(?:s|ing)?|retain(?:s|ing)?)\b[^£;,]{0,40}$",
    regex.IGNORECASE,
)
_RANGE = regex.compile(r"\b(?:between|from)\s+$", regex.IGNORECASE)
_RANGE_AFTER = regex.compile(r"\s*(?:and|to|[-–])\s*£", regex.IGNORECASE)
_RANGE_BEFORE = regex.compile(r"£[\d,.]+\s*(?:and|to|[-–])\s*$", regex.IGNORECASE)
_PAY = regex.compile(
    r"\b(?:pay|pays|paid|payment|payments|offer|offers|offered|award|awards|refund\w*|reimburs\w+|repa(?:y|ys|id)"
    r"|compensat\w+|credit|return|give|gave|make|redress|sum)\b",
    regex.IGNORECASE,
)
_PAID = regex.compile(
    r"\b(?:pa(?:y|ys|id)|refund\w*|reimburs\w+|repa(?:y|ys|id)|return(?:s|ed|ing)?"
    r"|(?:giv|hand|send)\w*[^.;£]{0,30} back)\b",
    regex.IGNORECASE,
)
_EACH = regex.compile(
    r"(?:£[\d.,]+|pounds) (?:each|apiece)\b(?! (?:day|night|week|fortnight|month|term|year))|\bto each of\b"
    r"|\bfor each of (?:[A-Z]\b|them\b|(?:the|her|his|their) (?:\w+ )?(?:children|sons|daughters|brothers"
    r"|sisters|twins))"
    r"|£[\d.,]+ (?:a|per) (?:day|week|fortnight|month|term|year) each\b"
    r"|\beach of (?:them|(?:Mr|Mrs|Ms|Miss|the)\b)(?! (?:\w+ )?(?:day|night|week|fortnight|month|term|year)s)"
    r"[^£]{0,60}£"
    r"|\bpays? each\b|\bpays? (?:them|both)[^£]{0,20} each\b|\beach,? (?:the |a further )?£",
    regex.IGNORECASE,
)
_BOTH_BODIES = regex.compile(
    r"\b(?:will|should|to|must|agreed to) each(?:,[^,]{1,60},)? (?:also )?(?:pay|make|give|refund)"
    r"|\beach (?:(?:council|body|organisation|authority|of them) )?(?:will|should|has agreed to|is to)"
    r"(?:,[^,£]{1,60},)? (?:also )?pay"
    r"|\b(?:Council and the \w+|bodies|councils|organisations) (?:will |should |have agreed to )?each (?:pay|to pay)"
    r"|\beach (?:council|body|organisation|authority|of them)[^.;]{0,60}:$|\b(?:will|should|to"
    r"|must) each\b[^.;£]{0,120}(?::|\band ?)$|\b(?:each will|will each|and each|(?:should"
    r"|must) each)(?: also)?$|\b(?:and|will|to) each pay\b"
    r"|^each (?:also )?(?:pay|refund|repay|reimburse|give|make)\b",
    regex.IGNORECASE,
)
_EACH_PAYS = regex.compile(r"each (?:also )?(?:pay|refund|repay|reimburse|give|make)\b")
# A sum that hangs on something, or has a ceiling alone, comes to nothing that can be worked out.
_CONDITIONAL = regex.compile(
    r"^\W*(?:if|should|unless|until|once)\b|\b(?:up to|no more than|(?:a |the )?(?:limit|maximum|ceiling|cap) of"
    r"|capped at"
    r"|not exceeding|to a maximum of) £|(?<!\b(?:know|knowing|wonder|wondering|sure|see|ask|asking"
    r"|unsure) )\b(?:if|unless) (?:the|she|he|they|it|Mr|Mrs|Ms|Miss)\b"
    r"|\bfor (?:each|every) (?:\w+ ){1,4}(?:after|until|that passes|(?:he|she|they) (?:takes?|attends?|needs?|has to"
    r"|have to))\b|\buntil (?:it|the|a|she|he|they)\b",
    regex.IGNORECASE,
)
# A stretch that is to be taken off the time between two dates leaves it open too.
_LESS_TIME = regex.compile(
    r"\b(?:less|excluding|except(?: for)?|apart from|not counting) (?:the |any )?(?:\w+ )?(?:holidays?|weeks?"
    r"|months?|days?|period|time)\b"
)
_WHICH = regex.compile(
    r"(?:£[\d.,]+|pounds)[^£]*?\K,? (?:which (?:it|the \w+|she|he|they) |and (?:it|its \w+|the \w+) will "
    r"|(?:except|save) that\b|from which |although |though )"
)
_SENTENCE_END = regex.compile(r"(?<=[.;]) (?=[A-Z])")
# "the camera (£389.99) and the locks (£120)": each bracket says what one thing cost.
_LABELLED = regex.compile(r"\(£[\d.,]+\)[^()£]*\b(?:and|,)[^()£]*\($")
# A second sum that only tells more of the first: "the extra £18 an hour", "which with the £113", "above £70".
_ASIDE = regex.compile(
    r"\b(?:at|above|over|under|below|than|its|this|that|these|least|extra|rather than|with the|of the|usual"
    r"|about)\s*$",
    regex.IGNORECASE,
)
_MAY_DEDUCT = regex.compile(
    r"\b(?:may|can|could|is entitled to|is free to)\b[^.;£]{0,40}\b(?:deduct|set|take|offset|subtract|credit"
    r"|use|keep|retain"
    r"|withhold|put)\b",
    regex.IGNORECASE,
)
_RATE = regex.compile(
    r"\s*(?:an?|per|each|every) (?:hour|mile|session|journey|lesson|visit|call|head)\b", regex.IGNORECASE
)
_EXTRA = regex.compile(r"\b(?:further|another|additional|extra|separate)\b[^£]{0,25}$", regex.IGNORECASE)
# "in place of the £200 that it offered, …": the sum that gives way is none that is paid.
_INSTEAD_OF = regex.compile(
    r"\b(?:in place of|instead of|rather than|replac(?:es|ing)|supersed(?:es|ing)) (?:the|its|that"
    r"|an?)?[^£.;,]{0,30}$",
    regex.IGNORECASE,
)
_PRICED = regex.compile(
    r"\b(?:(?:estimate|quote|quotation|price|bill|invoice)s? (?:of|for|at)|worth|valued at)(?: about| some)? $",
    regex.IGNORECASE,
)
_INTEREST = regex.compile(
    r"\binterest (?:on|upon|over) (?:the |this |that |these |her |his |their |its )?(?:\w+ )?(?:of )?$(?<!it of )",
    regex.IGNORECASE,
)
_ALTOGETHER = regex.compile(r"\s*(?:altogether|in all|in total)\b", regex.IGNORECASE)
_FORMS_PART = regex.compile(
    r"[^.;£]{0,30}\b(?:forms? (?:a )?part of|(?:is|are|was|forms) part\b|is included in|counts? towards"
    r"|will be taken off|(?:being|is|are|was) (?:taken as )?included)\b",
    regex.IGNORECASE,
)
_RAISES = regex.compile(r"\b(?:increas|rais)\w*\b[^£]{0,50}$", regex.IGNORECASE)
# "raise to £750 the £500 that it offered"
_RAISED_FROM = regex.compile(r"\b(?:increas|rais|doubl)\w* to £[\d.,]+ (?:the|its)(?: \w+){0,3} $", regex.IGNORECASE)
# "£1,050 for the lost nights, that being £25 for each of the 42"
_WORKED_OUT = regex.compile(
    r"\b(?:that being|this being|reckoned at|worked out at|calculated at)\s*$", regex.IGNORECASE
)
# What a sum of its own is for, whatever stands before it.
_FOR_HARM = regex.compile(
    r"\s*(?:in recognition of|to recogni[sz]e|to acknowledge|to reflect|to mark"
    r"|for (?:the |her |his |their )?(?:avoidable )?(?:distress|worry|upset|anxiety|frustration|uncertainty"
    r"|inconvenience|time and trouble|trouble))\b",
    regex.IGNORECASE,
)
_RAISED_TO = regex.compile(r"[^£.;]{0,30}\b(?:to|and pay[^£.;]{0,30}) ?£", regex.IGNORECASE)
_RUNNING = regex.compile(
    r"\b(?:bring|tak)(?:s|es|ing) (?:the|this|it|that|her|his|their)\b[^£;]{0,40}$", regex.IGNORECASE
)
_BESIDES = regex.compile(
    r"\b(?:in addition to|on top of|as well as|besides|over and above)\b[^£;]{0,40}$", regex.IGNORECASE
)
_SO_MANY = regex.compile(
    rf"\b(?P<count>{_NUMBER}) (?:[a-z]+ ){{0,2}}?[a-z]+s (?:[\w’' ]{{0,40}})?,? ?(?:at|costing) £[\d.,]+ each$",
    regex.IGNORECASE,
)
_EACH_THING = regex.compile(
    rf"£[\d.,]+ (?:for|per|a) each of (?:the |those |these )?(?P<count>{_NUMBER}) (?:\w+ )?\w+s\b", regex.IGNORECASE
)
_MONTH_YEAR = regex.compile(
    rf"\b(?P<month>{'|'.join(m for m in MONTHS if len(m) > 3 or m == 'may')}) (?P<year>(?:19|20)\d\d)\b",
    regex.IGNORECASE,
)
_MADE_UP = regex.compile(
    r"\b(?:made up of|consisting of|comprising|composed of)\b|£[\d.,]+(?:,|:| \() ?(?:(?:being|of which|that is"
    r"|namely) )?£"
)
_RAISED = regex.compile(
    r"\b(?:in place of|instead of|rather than|replac\w+|increas\w+|rais\w+|higher than|more than the"
    r"|includ\w+ the £)",
    regex.IGNORECASE,
)
_TO_WHOM = regex.compile(
    r"£[\d.,]+\w*(?: each)?(?: a \w+)? (?:each )?(?:to|of) "
    r"(?!reflect|recogni|acknowledg|remedy|make|put|compensat|cover|address|help|repay|pay|mark|be\b)"
)
# What says of an offer made earlier that the outcome takes its place.
_REPLACED = regex.compile(
    r"\boffer(?:ed|s)?\b[^.]{0,90}\b(?:replac\w+|in place of|instead of|take[sn]? the place|superseded|raise\w*"
    r"|increase\w*|higher)\b"
    r"|\b(?:replac\w+|in place of|instead of|takes? the place of|supersed\w+|rais\w+|increas\w+|more than"
    r"|rather than)\b"
    r"[^.]{0,60}\boffer",
    regex.IGNORECASE,
)
_TOO_LOW = regex.compile(
    r"\b(?:offer|sum|amount|payment)\b[^.]{0,60}"
    r"\b(?:not (?:be )?(?:adequate|enough|sufficient|go far enough|reflect)|too (?:low|little|small)"
    r"|inadequate|insufficient|less than|should be (?:higher|increased|more)|falls? short|do not regard)"
    r"|£[\d,]+ (?:does|did|do) not\b[^.]{0,20}\b(?:reflect|remedy|recogni|go far)",
    regex.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Place:
    """One sum with the sentence it stands in."""

    sum: Sum
    sentence: Sentence


@Language.factory("redress_payments")
def create_payments(nlp: Language, name: str) -> Component:
    """The component: fills `doc.spans["redress_payments"]` and `doc.spans["redress_amounts"]`.

    Payments belong to remedies: they are found first where `redress_remedies` has not run before.
    """
    reader = reader_for(nlp)

    def component(doc: Doc) -> Doc:
        if remedies_.SPANS not in doc.spans:
            remedies_.find(doc, reader)
        find(doc, reader)
        return doc

    return component


def find(doc: Doc, reader: Reader) -> tuple[list[Payment], list[Amount]]:
    """(payments, amounts) of a Doc, in order of the text: together they account for every sum in it."""
    reading = reader.reading(doc)
    places = _places(reading)
    payments: list[Payment] = []
    taken: dict[int, str] = {}  # where a sum stands → why it is no payment, or "" when it is one
    for i, remedy in enumerate(reading.remedies):
        inside = [p for p in places if remedy.start <= p.sum.start < remedy.end and p.sum.start not in taken]
        if inside:
            payments += _of_remedy(reading, remedy, i, inside, taken)
    payments = _without_superseded(reading, payments, taken)
    reading.remedies, payments = _one_each(reading, payments)
    awarded = {p.amount for p in payments} | {p.total for p in payments if p.total}
    parts = _sums_of_parts(payments)
    paid: set[int] = set()
    for p in payments:
        own = (one.start for one in find_sums(reading.text, p.start, p.end) if one.pounds == p.amount)
        paid.update(start for start in own if taken.get(start) == "")
    amounts = [
        Amount(
            p.sentence.number,
            p.sentence.section,
            p.sum.start,
            p.sum.end,
            p.sum.pounds,
            taken.get(p.sum.start) or _reason(reading, p, awarded, parts),
        )
        for p in places
        if p.sum.start not in paid
    ]
    reading.payments = sorted(payments, key=lambda p: (p.start, p.end))
    reading.amounts = amounts
    doc.spans[SPANS] = spans_of(doc, reading, [(p.start, p.end, p.status) for p in reading.payments])
    doc.spans[remedies_.SPANS] = spans_of(doc, reading, [(r.start, r.end, r.status) for r in reading.remedies])
    doc.spans[AMOUNTS] = spans_of(doc, reading, [(a.start, a.end, a.reason) for a in amounts])
    return reading.payments, amounts


def _places(reading: Reading) -> list[_Place]:
    """Every sum of the text with its sentence, in order. A sum in a heading stands in the sentence after it."""
    sums = find_sums(reading.text)
    found = []
    i = 0
    every = reading.everything
    for one in sums:
        while i < len(every) - 1 and every[i].end <= one.start:
            i += 1
        if every:
            found.append(_Place(one, every[i]))
    return found


def _of_remedy(
    reading: Reading, remedy: Remedy, index: int, inside: Sequence[_Place], taken: dict[int, str]
) -> list[Payment]:
    """The payments that one remedy states; marks every sum in it as taken."""
    text = reading.text
    if not set(remedy.types) & {"payment", "refund_or_waiver"}:
        return []
    periodic = [p for p in inside if p.sum.frequency]
    told: set[float] = set()
    if any(_is_total_of(inside[0].sum, [p.sum for p in inside[1:n]]) for n in range(3, len(inside) + 1)):
        taken[inside[0].sum.start] = "total"
        told.add(inside[0].sum.pounds)
        inside = inside[1:]
    kept: list[_Place] = []
    for k, place in enumerate(inside):
        one = place.sum
        before, after = text[remedy.start : one.start], text[one.reach : remedy.end]
        if _RATE.match(text, one.end) and any(not _RATE.match(text, q.sum.end) for q in inside if q is not place):
            taken[one.start] = "other"  # what a mile or an hour is worth, beside what it comes to
            continue
        whole = [q for q in kept if not q.sum.frequency and _multiple(q.sum.pounds, one, text, remedy)]
        if "refund_or_waiver" in remedy.types:
            whole = []  # what is given back is the sum that was paid, however it came about
        reason = None if whole else _inside_reason(before, after, kept, told, one.pounds, remedy.start)
        if (
            reason is None
            and k
            and not one.frequency
            and any(_multiple(one.pounds, p.sum, text, remedy) for p in periodic if p is not place)
        ):
            reason = "total"
        if whole:
            # "£2,400 … for two terms at £1,200 a term": one payment, by the term.
            kept = [q for q in kept if q not in whole]
            taken.update((q.sum.start, "total") for q in whole)
        if reason is not None:
            taken[one.start] = reason
        else:
            kept.append(place)
            taken[one.start] = ""
        told.add(one.pounds)
    if len(kept) > 1 and _is_total_of(kept[0].sum, [p.sum for p in kept[1:]]):
        taken[kept[0].sum.start] = "total"
        kept = kept[1:]
    payments = [_payment(reading, remedy, index, place, kept) for place in kept]
    stated = (
        [p.sum.pounds for p in inside if taken[p.sum.start] == "total" and p.sum.start > kept[0].sum.start]
        if kept
        else []
    )
    if len(payments) == 1 and len(stated) == 1 and stated[0] >= payments[0].amount:
        # What the text says it comes to altogether goes before what can be reckoned.
        payments = [replace(payments[0], total=stated[0])]
    return payments


def _inside_reason(
    before: str, after: str, kept: Sequence[_Place], told: Container[float], pounds: float, begin: int
) -> str | None:
    """Why a sum inside a remedy, which begins at `begin` and has told some, is no payment; null when it is one."""
    raised = regex.search(r"\b(?:increas|rais)", before, regex.IGNORECASE)
    if (_RANGE.search(before) and _RANGE_AFTER.match(after)) or (_RANGE_BEFORE.search(before) and not raised):
        return "guidance"
    waived, paid = _last(_WAIVED, before), _last(_PAID, before)
    if waived > paid:
        return "debt"
    if _FORMS_PART.match(after) or _INTEREST.search(before):
        return "other"
    if kept and _RUNNING.search(before):
        return "other"
    if kept and _TOTAL_BEFORE.search(before) and not _EXTRA.search(before):
        return "total"
    if not kept and _TOTAL_AFTER.match(after):
        return "total"
    if len(kept) > 1 and _ALTOGETHER.match(after) and abs(pounds - sum(p.sum.pounds for p in kept)) < 0.01:
        return "total"
    if kept and _SET_OFF.search(before):
        return "charge" if regex.search(r"which is|at a rate of", before) else "debt"
    if _RAISES.search(before) and _RAISED_TO.match(after):
        return "other"
    if kept and before.rstrip().endswith("(") and not after.lstrip().startswith(("for", "to")):
        return None if _LABELLED.search(before) else "total"
    if pounds in told and _SENTENCE_END.search(before, kept[-1].sum.end - begin if kept else 0):
        return "repeat"
    if kept and _FOR_HARM.match(after):
        return None
    if kept and _MAY_DEDUCT.search(_SENTENCE_END.split(before)[-1]):
        return "debt"
    if _INSTEAD_OF.search(before) or (kept and (_RAISED_FROM.search(before) or _WORKED_OUT.search(before))):
        return "other"
    if kept and _PRICED.search(before):
        return "charge"
    if kept and (_BESIDES.search(before) or _ASIDE.search(before) or _RATE.match(after)):
        return "other"
    return None


def _last(pattern: regex.Pattern[str], words: str) -> int:
    """Where a pattern last begins in some words; -1 where it does not."""
    return max((found.start() for found in pattern.finditer(words)), default=-1)


def _multiple(whole: float, part: Sum, text: str, remedy: Remedy) -> bool:
    """Whether `whole` is what a periodic sum comes to."""
    count = _count(text[remedy.start : remedy.end], part.frequency)
    return (
        part.frequency is not None
        and part.pounds > 0
        and (
            (count is not None and abs(whole - count * part.pounds) < 0.01)
            or (count is None and abs(whole / part.pounds - round(whole / part.pounds)) < 1e-6 and whole > part.pounds)
        )
    )


def _is_total_of(first: Sum, rest: Sequence[Sum]) -> bool:
    return len(rest) > 1 and first.frequency is None and abs(first.pounds - sum(r.pounds for r in rest)) < 0.01


def _payment(reading: Reading, remedy: Remedy, index: int, place: _Place, all_kept: Sequence[_Place]) -> Payment:
    text, one = reading.text, place.sum
    words = text[remedy.start : remedy.end]
    start, end = remedy.start, remedy.end
    if len(all_kept) > 1:
        start, end = _part(text, remedy, place, all_kept)
    part = text[start:end]
    recipient = _recipient(reading, remedy, part, start, one)
    things = None
    if one.frequency:
        count = _count(text[one.end : remedy.end], one.frequency)
    else:
        things = _of_each(text[remedy.start : one.end] + text[one.end : one.end + 5])
        count = _times(text[one.start : remedy.end]) or things
    if one.frequency and count is None:
        count = _count(words, one.frequency)
    earlier = [p.sum.end for p in all_kept if p.sum.start < one.start]
    later = [p.sum.start for p in all_kept if p.sum.start > one.start]
    around = text[max(earlier, default=remedy.start) : min(later, default=remedy.end)]
    if _IF_FIRST.match(_sentence_around(reading, remedy) or words):
        around = "if it "  # the whole sentence hangs on a condition
    total = _total(one, count, words, _WHICH.split(_SENTENCE_END.split(around)[0])[0])
    if total is not None and things is None:  # "at £65 each" says what each thing costs, not whom it is paid to
        if (each := _each_of(reading, part)) is not None:
            total *= each
        elif _EACH.search(part) and not _BOTH_BODIES.search(part):
            total *= max(heads(recipient), 2) if recipient and heads(recipient) > 1 else _each_count(part)
        elif (
            _BOTH_BODIES.search(part)
            or _EACH_PAYS.match(words)
            or _BOTH_BODIES.search(_sentence_around(reading, remedy))
        ):
            total *= 2
    return Payment(
        paragraph=remedy.paragraph,
        section=remedy.section,
        start=start,
        end=end,
        amount=one.pounds,
        status=remedy.status,
        frequency=one.frequency,
        periods=int(count) if count is not None and count == int(count) else None,
        total=None if total is None else round(total, 2),
        recipient=recipient,
        purposes=_purposes(reading, start, end, remedy),
        remedy=index,
    )


def _sentence_around(reading: Reading, remedy: Remedy) -> str:
    """The lead-in of a bullet, or what stands before a clause in its sentence: it says when both bodies pay."""
    i = reading.text.rfind("\n", 0, remedy.start)
    opening = _SENTENCE_END.split(reading.text[i + 1 : remedy.start])[-1]
    at = bisect_right(reading.everything, remedy.start, key=lambda s: s.start) - 1
    if opening.strip() or at < 0 or reading.everything[at].kind != "bullet":
        return opening.strip()
    for _ in range(_MOST_BULLETS):
        j = reading.text.rfind("\n", 0, max(i, 0))
        above = reading.text[j + 1 : max(i, 0)]
        if above.endswith((":", " will", " will each", " should", " should each", " must")):
            return above
        if not above.endswith((";", "; and", "; or", ",", ", and", ".")):
            break
        i = j
    return ""


_EACH_NOUN = regex.compile(
    r"\b(?:pays?|repays?|refunds?|gives?|offer(?:s|ed)?|to|for|and) each (?:of (?:the|her|his|their|these|those) )?"
    r"(?:(?P<count>two|three|four|five|six|seven|eight) )?"
    r"(?P<noun>tenant|child|children|resident|complainant|family|household|person|brother|sister|parent|couple|carer"
    r"|applicant|sibling|twin|boy|girl|son|daughter)s?\b"
    r"|\beach (?P<own>tenant|child|resident|complainant|family|household|person|brother|sister|parent)"
    r"(?:, [A-Z] and [A-Z],)? £"
    r"|^each of the (?P<first>children|tenants|residents) £",
    regex.IGNORECASE,
)
_PLURALS = {"child": "children", "family": "families", "person": "people"}


def _each_of(reading: Reading, part: str) -> int | None:
    """How many "each tenant" are, by the number the text gives for them ("four tenants"); null where it gives none."""
    found = _EACH_NOUN.search(part)
    if found is None:
        return None
    if found["count"]:
        return number(found["count"])
    noun = (found["noun"] or found["own"] or found["first"]).lower()
    noun = "child" if noun == "children" else noun.removesuffix("s")
    counted = regex.search(
        rf"\b(two|three|four|five|six|seven|eight|nine|ten|both) (?:\w+ ){{0,2}}?{_PLURALS.get(noun, noun + 's')}\b",
        reading.text,
        regex.IGNORECASE,
    )
    if counted is None:
        return None
    return 2 if counted[1].lower() == "both" else number(counted[1])


def _each_count(part: str) -> int:
    found = regex.search(r"\beach of (?:the )?(\w+)", part)
    count = number(found[1]) if found else None
    return count if count is not None and 1 < count < 20 else 2


def _part(text: str, remedy: Remedy, place: _Place, kept: Sequence[_Place]) -> tuple[int, int]:
    """The words of one of several payments in a remedy: from its sum (or its verb) to the next."""
    starts = [p.sum.start for p in kept]
    k = starts.index(place.sum.start)
    start = remedy.start if k == 0 else place.sum.start
    if k == 0:
        leading = text[remedy.start : place.sum.start]
        cut = max(leading.rfind("made up of "), leading.rfind(": "), leading.rfind("consisting of "))
        if cut >= 0:
            start = place.sum.start
    if k > 0 and (named := _BESIDE.search(text, kept[k - 1].sum.end, start)) is not None:
        start = named.start("who")
    end = remedy.end if k == len(kept) - 1 else starts[k + 1]
    if k < len(kept) - 1 and (named := _BESIDE.search(text, place.sum.end, end)) is not None:
        end = named.start("who")  # "pay Mr A £300 and Ms S £450": who stands before a sum is paid that one
    piece = text[start:end]
    piece = (
        regex.sub(r"(?:[,;]|\s|\band\b|\bplus\b|\ba further\b|\balso\b|\bpay\b|\bto\b)+$", "", piece)
        if k < len(kept) - 1
        else piece
    )
    return start, start + len(piece.rstrip(" ,;"))


def _recipient(reading: Reading, remedy: Remedy, part: str, start: int, one: Sum) -> str | None:
    estate = ESTATE.search(part)
    if estate is not None:
        return estate[0]
    every = _EACH_NOUN.search(part)
    if every is not None and not every[0].lower().startswith("for "):
        noun = (every["noun"] or every["own"] or every["first"]).lower()
        return f"each {'child' if noun == 'children' else noun.removesuffix('s')}"
    before = reading.before(start)
    shift = one.start - start
    beside = _BESIDE.search(reading.text, max(remedy.start, one.start - 60), one.start)
    if beside is not None and find_sums(reading.text, remedy.start, one.start):
        return payee(beside["who"], reading.before(one.start))
    body = _PAID_TO.search(reading.text, max(remedy.start, one.start - 60), one.start)
    if body is not None and payee(body["who"], before) is None:
        return str(body["who"])
    own = (
        payee(_clip(part[max(shift, 0) :]), before + " " + part[: max(shift, 0)])
        if _TO_WHOM.match(part, max(shift, 0))
        else None
    )
    if own is not None:
        return own
    # What stands between the payment before it and this one ("£200 for her distress, and pay Mr A £100").
    others = [s for s in find_sums(reading.text, remedy.start, start) if s.start < one.start]
    if others:
        between = reading.text[others[-1].end : one.start]
        verb = regex.search(r"\b(?:pays?|to)\b", between)
        named = payee(between[verb.start() :], reading.before(others[-1].end)) if verb else None
        if named is not None:
            return named
    # Whom the verb next to the sum names ("… and offered Ms P £100") comes before whoever else is named.
    verbs = list(_PAY.finditer(part, 0, max(shift, 0)))
    given = payee(part[verbs[-1].start() : shift], before + " " + part[: verbs[-1].start()]) if verbs else None
    given = given or payee(part[: max(shift, 0)], before)
    if given is not None:
        return given
    lead = _sentence_around(reading, remedy)
    above = payee(regex.sub(r"^.*?\bpay", "", lead), reading.before(remedy.start)) if "pay" in lead else None
    return above or remedy.recipient or payee(_clip(part), before) or main_complainant(reading.text)


# "pay the club £288"
_PAID_TO = regex.compile(
    r"\b(?:pay|pays|refund|reimburse|repay|give)s? (?P<who>the (?:\w+ )?(?:club|association|school|college"
    r"|nursery|charity|trust|trustees|landlord|company|agency|firm|business|church|society|group|residents|tenants"
    r"|daughter|son)) (?:a further )?$"
)
# "pay J £300 and Ms S £450": whoever stands right before a sum gets it.
_BESIDE = regex.compile(
    rf"(?:\band|,) (?:pay )?(?P<who>{PERSON.pattern}|(?:her|his|their) [a-z]+|each of the [a-z]+"
    rf"|[A-Z](?= )) (?:a further |another )?$"
)


def _clip(words: str) -> str:
    """The words up to what the sum is for: whom it is for stands before."""
    found = regex.search(
        r"\b(?:for|to (?:reflect|recognise|acknowledge|remedy|make)|in recognition|because|as)\b", words[12:]
    )
    return words[: found.start() + 12] if found else words


def _count(words: str, frequency: str | None) -> float | None:
    """How many periods the words count ("for 14 months", "one and a half terms"), in the unit of `frequency`."""
    half = regex.search(rf"\b(\w+) and a half {frequency}s\b", words, regex.IGNORECASE) if frequency else None
    if half is not None and (whole := number(half[1])) is not None:
        return whole + 0.5
    for found in _COUNTED.finditer(words):
        unit = "day" if found["unit"].lower() == "night" else found["unit"].lower()
        count = number(found["count"])
        if (
            unit == frequency
            and count is not None
            and 1 < count < _MOST_PERIODS
            and not regex.search(r"(?:within|limit of|per|every)\s*$", words[: found.start()])
            and not regex.match(r"\s*(?:limit|rule|of the (?:date|decision))", words[found.end() :])
        ):
            return count
    one = regex.search(rf"\bfor (?:a|one) (?:single )?{frequency}\b", words) if frequency else None
    return 1 if one else None


def _total(one: Sum, count: float | None, words: str, around: str) -> float | None:
    """What a sum comes to: the sum itself, times its periods, or over the days between two dates.

    `around` are the words between the payments before and after it: a condition among them leaves the total open.
    """
    if _CONDITIONAL.search(around):
        return None
    if one.frequency is None:
        return one.pounds * (count or 1)
    if _LESS_TIME.search(words):
        return None
    if count is not None:
        return one.pounds * count
    dates = [d for d in (date_of(m, _year_after(words, m)) for m in DATE.finditer(words)) if d is not None]
    if len(dates) >= 2 and dates[0] < dates[1]:
        return one.pounds * _periods(dates[0], dates[1], one.frequency)
    months = [date(int(m["year"]), MONTHS[m["month"].lower()], 1) for m in _MONTH_YEAR.finditer(words)]
    if len(dates) + len(months) == 2 and len(months) == 2 and months[0] < months[1]:
        # "between October 2021 and March 2022": whole months, the last one too.
        return one.pounds * _periods(months[0], add_period(add_period(months[1], 1, "month"), -1, "day"), one.frequency)
    return None


_IF_FIRST = regex.compile(r"\W*(?:if|should|unless|until|once)\b", regex.IGNORECASE)


def _times(words: str) -> int | None:
    """How many things a sum is for, where the words begin with it and count them ("£10 for each of the 14 visits")."""
    found = _EACH_THING.match(words)
    count = number(found["count"]) if found else None
    return count if count is not None and 1 < count < _MOST_PERIODS else None


def _of_each(words: str) -> int | None:
    """How many things a sum is for, where they stand before it ("12 sessions with a therapist, at £65 each")."""
    found = _SO_MANY.search(words)
    count = number(found["count"]) if found else None
    return count if count is not None and 1 < count < _MOST_PERIODS else None


def _year_after(words: str, found: regex.Match[str]) -> int | None:
    """ "from 6 June to 27 November 2022": the year named later serves the date that names none."""
    later = regex.search(r"\b(?:19|20)\d\d\b", words[found.end() :])
    return int(later[0]) if later else None


def _periods(first: date, last: date, frequency: str) -> float:
    """How many periods lie between two dates, both days counted; whole ones where they are within a day of it."""
    days = (last - first).days + 1
    if frequency in _DAYS:
        exact = days / _DAYS[frequency]
        whole = round(exact)
        return whole if abs(exact - whole) * _DAYS[frequency] <= 1.01 else exact
    months = (last.year - first.year) * 12 + last.month - first.month + (last.day - first.day + 1) / 30.4375
    exact = months / _MONTHS[frequency]
    return round(exact) if abs(exact - round(exact)) < 0.1 else exact


def _purposes(reading: Reading, start: int, end: int, remedy: Remedy) -> tuple[str, ...]:
    codes = reading.codes("payment_purposes", start, end)
    if not codes and (start, end) != (remedy.start, remedy.end):
        codes = reading.codes("payment_purposes", end, remedy.end)
    if "refund_or_waiver" in remedy.types and "payment" not in remedy.types:
        return ("quantifiable_loss",)
    if "quantifiable_loss" in codes and len(codes) > 1:
        codes.discard("quantifiable_loss")
    return tuple(sorted(codes)) or ("other",)


def _without_superseded(reading: Reading, payments: list[Payment], taken: dict[int, str]) -> list[Payment]:
    """An offer that the outcome raises or adopts is no payment of its own: the sum that was awarded is."""
    awarded = [p for p in payments if p.status != "offered"]
    adopted = any(p.status in ("agreed", "recommended") for p in awarded)
    kept: list[Payment] = []
    for payment in payments:
        if payment.status == "made":
            # The same sum told twice: the decision relies on it where it tells it last.
            again = [p for p in kept if p.status == "made" and p.amount == payment.amount]
            for old in again:
                kept.remove(old)
                taken.update((one.start, "repeat") for one in find_sums(reading.text, old.start, old.end))
        if payment.status != "offered":
            kept.append(payment)
            continue
        if any(k.status == "offered" and k.amount == payment.amount for k in kept):
            for one in find_sums(reading.text, payment.start, payment.end):
                taken[one.start] = "repeat"
            continue
        same = any(p.amount == payment.amount for p in awarded) or (
            adopted and _is_replaced(reading, payment, payments)
        )
        if same:
            for one in find_sums(reading.text, payment.start, payment.end):
                if one.pounds == payment.amount:
                    taken[one.start] = "repeat" if any(p.amount == payment.amount for p in awarded) else "other"
        else:
            kept.append(payment)
    gone = {p.remedy for p in payments} - {p.remedy for p in kept}
    if gone:
        reading.remedies, kept = _drop_remedies(reading.remedies, kept, {g for g in gone if g is not None})
    return kept


def _is_replaced(reading: Reading, offer: Payment, payments: Sequence[Payment]) -> bool:
    """Whether the text says that the outcome takes the place of an offer: of its sum, or of the last one made."""
    offers = [p for p in payments if p.status == "offered"]
    for start, end in split(reading.text):
        words = reading.text[start:end]
        if "offer" not in words and "£" not in words:
            continue
        if _REPLACED.search(words) or _TOO_LOW.search(words) or _INSTEAD.search(words):
            told = {one.pounds for one in find_sums(words)}
            named = [p for p in offers if p.amount in told]
            if offer.amount in told or (not named and offer is offers[-1] and _THE_OFFER.search(words)):
                return True
    return False


_THE_OFFER = regex.compile(
    r"\b(?:the|its|that|this|an?|earlier|previous|first|original) (?:\w+ )?offers?\b", regex.IGNORECASE
)
_INSTEAD = regex.compile(
    r"\b(?:in place of|instead of|rather than|replac\w+|includ\w+|on top of|take account of|to raise) "
    r"(?:the |its |that |this |the earlier |the previous )?(?:offer of )?£",
    regex.IGNORECASE,
)


def _words(reading: Reading, remedy: Remedy) -> str:
    return reading.text[remedy.start : remedy.end]


def _one_each(reading: Reading, payments: list[Payment]) -> tuple[list[Remedy], list[Payment]]:
    """A sentence that pays several sums tells one action a sum: "£200 to Mrs K and £150 to her son".

    A bullet, a total that is made up of parts, and what is given back, stay one.
    """
    parted: list[Remedy] = []
    paid: list[Payment] = []
    for i, remedy in enumerate(reading.remedies):
        own = sorted((p for p in payments if p.remedy == i), key=lambda p: p.start)
        at = bisect_right(reading.everything, remedy.start, key=lambda s: s.start) - 1
        bullet = at >= 0 and reading.everything[at].kind == "bullet"
        one = bullet or "payment" not in remedy.types or _MADE_UP.search(_words(reading, remedy)) is not None
        if one or len({(p.start, p.end) for p in own}) < 2:
            paid += [replace(p, remedy=len(parted)) for p in own]
            parted.append(remedy)
            continue
        for k, payment in enumerate(own):
            paid.append(replace(payment, remedy=len(parted)))
            start, types = (remedy.start, remedy.types) if k == 0 else (payment.start, ("payment",))
            parted.append(replace(remedy, start=start, end=payment.end, types=types, recipient=payment.recipient))
    return parted, paid


def _drop_remedies(
    remedies: list[Remedy], payments: list[Payment], gone: set[int]
) -> tuple[list[Remedy], list[Payment]]:
    place = {old: new for new, old in enumerate(i for i in range(len(remedies)) if i not in gone)}
    return (
        [r for i, r in enumerate(remedies) if i not in gone],
        [replace(p, remedy=place[p.remedy]) if p.remedy is not None else p for p in payments],
    )


def _sums_of_parts(payments: Sequence[Payment]) -> set[float]:
    """What all awarded payments, or those of one recipient, come to together."""
    awarded = [p for p in payments if p.status in ("agreed", "recommended") and p.total is not None]
    sums = {round(sum(p.total or 0 for p in awarded), 2)} if len(awarded) > 1 else set()
    for who in {p.recipient for p in awarded}:
        own = [p for p in awarded if p.recipient == who]
        if len(own) > 1:
            sums.add(round(sum(p.total or 0 for p in own), 2))
    return sums


def _reason(reading: Reading, place: _Place, awarded: set[float], parts: set[float]) -> str:
    """Why a sum outside the payments is none, by its section and the words around it."""
    one, sentence = place.sum, place.sentence
    words = reading.text[sentence.start : sentence.end]
    before, after = reading.text[sentence.start : one.start], reading.text[one.reach : sentence.end]
    if (
        sentence.role != "law"
        and one.pounds in awarded
        and sentence.section in ("summary", "findings", "decision", "remedy", "other")
    ):
        return "repeat"
    if sentence.role != "law" and one.pounds in parts:
        return "total"
    if (_RANGE.search(before) and _RANGE_AFTER.match(after)) or (_RANGE_BEFORE.search(before)):
        return "guidance"
    found = _nearest(reading, place)
    if sentence.section == "complaint":
        return (
            found
            if found in ("rent", "debt", "charge", "benefit")
            and not regex.search(
                r"\b(?:wants?|claims?|lost|spent|bought|compensat\w+|asks?|would like|should pay|seeks?|value"
                r"|back)\b",
                words,
            )
            else "claim"
        )
    if sentence.section == "role":
        return "guidance"
    return found or ("charge" if sentence.section != "summary" else "other")


def _nearest(reading: Reading, place: _Place) -> str | None:
    """The reason whose word stands nearest to the sum in its sentence."""
    best: tuple[int, str] | None = None
    for i in reading.within(place.sum.start, place.sum.end):
        for hit in reading.hits(i, "amount_reasons"):
            at = reading.place(i, hit)
            distance = place.sum.start - at if at <= place.sum.start else (at - place.sum.end) + 2
            if best is None or distance < best[0]:
                best = (distance, hit.rule.assigns[0])
    return best[1] if best else None
