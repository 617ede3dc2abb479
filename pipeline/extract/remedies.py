"""Remedies: the actions that put things right, one row each, with who must act, for whom, and by when.

Spans key: `redress_remedies` (one span a remedy, label: its status).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import regex
from spacy.language import Language
from spacy.tokens import Doc

from pipeline.extract.deadlines import CONDITION, Deadline, find_deadline
from pipeline.extract.money import find_sums
from pipeline.extract.people import payee
from pipeline.extract.reading import Component, Reader, Reading, reader_for, spans_of
from pipeline.extract.sentences import Sentence, by_line
from pipeline.values import Remedy

SPANS = "redress_remedies"
_STANDARD = regex.compile(
    r"\b(?:evidence|proof|show us|satisfy us|demonstrate|tell (?:us|me)|let (?:us|me) (?:know|have|see)"
    r"|confirm to (?:us|me|the Ombudsman)|write to (?:us|me)|report (?:back )?to (?:us|me|the Ombudsman)"
    r"|send (?:us|me)"
    r"|provide (?:us|me)|inform (?:us|me))\b",
    regex.IGNORECASE,
)
_EVIDENCE_OF = regex.compile(
    r"(?:provide|send|give|show) (?:us|me|the Ombudsman)? ?(?:with )?(?:the )?"
    r"(?:evidence|proof|confirmation)? ?(?:that )?(?:it|they) (?:has|have) "
    r"(?!complied|done|carried|completed|taken|implemented|met)",
    regex.IGNORECASE,
)
# "It should send me the apology and proof of payment": what was sent to her, not another apology.
_COPIES = regex.compile(r"\bsend (?:us|me) (?:the|its|copies|a copy|proof|evidence)\b")
_FAR = 25  # characters: what is done before it is told
_TAIL = regex.compile(r"[;,]?\s*(?:and|or)?\s*[;,]?\s*$")
_BASE = [
    "apologise", "pay", "write", "send", "give", "offer", "arrange", "review", "remind", "train", "provide",
    "refund", "reimburse", "repay", "waive", "cancel", "backdate", "amend", "correct", "remove", "update",
    "explain", "tell", "brief", "issue", "check", "identify", "consider", "reconsider", "carry", "complete",
    "hold", "set", "put", "introduce", "develop", "publish", "draw", "make", "ensure", "start", "change",
    "revise", "report", "meet", "appoint", "share", "add", "place", "look", "find", "audit", "assess",
    "reassess", "invite", "contact", "begin", "agree", "take", "work", "create", "produce", "circulate",
    "credit", "compensate", "clear", "restore", "reinstate", "secure", "inspect", "visit", "fit", "repair",
    "monitor", "discuss", "raise", "commission", "deliver", "undertake", "examine", "transfer", "move",
    "install", "notify", "inform", "record", "destroy", "delete", "reopen", "suspend", "go", "join", "treat",
    "ask", "return", "replace", "release", "settle", "award", "adopt", "establish", "implement", "improve",
    "strengthen", "instruct", "encourage", "support", "trace", "recalculate", "rewrite", "retrain", "rehear",
    "prepare", "allocate", "extend", "hear", "restart", "replant", "rebuild", "fund", "follow", "bring", "keep",
    "let", "use", "allow", "mark", "flag", "telephone", "email", "withdraw", "stop", "cease", "rescind", "reverse",
    "recruit", "employ", "fill", "increase", "raise", "buy", "supply", "convene", "refer", "signpost", "advise",
    "confirm", "acknowledge", "respond", "reply", "answer", "resolve", "finalise", "decide", "register", "admit",
    "annotate", "attach", "redact", "erase", "retract", "disclose", "retain", "upgrade", "adapt", "alter", "modify",
    "adjust", "simplify", "redesign", "redraft", "reword", "display", "upload", "distribute", "cascade", "supervise",
    "resume", "renew", "clean", "empty", "replant", "resurface", "enforce", "serve", "investigate", "interview",
    "consult", "quash",
    "build", "purchase", "open", "close", "lift", "bear", "meet", "rerun",
    "search", "lend", "hand", "log", "list", "test", "map", "pilot", "bill",
    "have", "see", "obtain", "seek", "redo", "reconvene", "rehouse", "collect", "deal", "help", "contribute", "devise",
]  # fmt: skip
_THIRD = [
    f"{verb}es"
    if verb.endswith(("s", "sh", "ch", "x", "go"))
    else f"{verb[:-1]}ies"
    if verb.endswith("fy") or verb == "carry"
    else f"{verb}s"
    for verb in _BASE
]
_PAST = [
    "apologised", "paid", "written", "wrote", "sent", "gave", "given", "offered", "arranged", "reviewed",
    "reminded", "trained", "provided", "refunded", "reimbursed", "repaid", "waived", "cancelled", "backdated",
    "amended", "corrected", "removed", "updated", "explained", "told", "briefed", "issued", "checked",
    "identified", "reconsidered", "completed", "held", "put", "introduced", "developed", "published", "changed",
    "revised", "reported", "met", "appointed", "shared", "added", "placed", "extended", "dimmed", "fitted",
    "cleared", "restored", "reinstated", "withdrawn", "withdrew", "notified", "addressed", "credited",
    "repaired", "installed", "replaced", "made", "brought", "taken", "took", "built", "drawn", "begun", "bought",
    "struck", "spoken", "spoke", "recruited", "retrained", "rewritten", "rewrote", "shown", "said sorry", "deleted",
]  # fmt: skip


_ACTIONS = frozenset([*_BASE, *_THIRD])


# A word between "and" and what an object begins with is a verb, unless it joins words or tells of somebody else's act.
_OBJECT = r"(?:the|its|her|his|their|them|him|it|all|any|every|each|an?|(?:Mr|Mrs|Ms|Miss)|how|whether|what)"
_NO_VERB = (
    r"(?:of|for|by|with|to|from|at|on|in|about|that|than|as|if|when|where|whether|while|until|since|because|so"
    r"|then|not|all"
    r"|both|how|what|which|who|also|over|under|after|before|into|upon|against|between|during|through|without"
    r"|within|via|per"
    r"|like|only|even|just|is|was|are|were|be|been|has|have|had|did|does|do|will|would|should|could|can|may"
    r"|might|must"
    r"|but|or|nor|either|neither|such|once|unless|though|although|given|why|perhaps|half|following"
    r"|trouble|worry|upset|distress|stress|anxiety|inconvenience|uncertainty|frustration|loss|cost|harm)"
)
_ANY_VERB = rf"(?!{_NO_VERB}\b)[a-z]{{2,}}(?<!ing|ed|ly|[^s]s)"
_TIME = r"(?:(?:by|within|before) [^,;.]{3,40},? )?"


def _splitter(verbs: Sequence[str], form: str) -> regex.Pattern[str]:
    ways = "|".join(sorted(verbs, key=len, reverse=True))
    any_verb = rf"(?!{_NO_VERB}\b)[a-z]{{2,}}(?<!{{}})(?= (?:up |out |in |back |off |down |on )?{_OBJECT}\b)".replace(
        "(?<!{})", {"base": r"(?<!ing|ed|ly|[^s]s)", "third": r"(?<=s)", "past": r"(?<=ed)"}[form]
    )
    return regex.compile(
        rf"(?:,? and,? (?:also |then |to |each |both )?|, (?:and )?(?:also |to )?"
        rf"|; (?:and )?(?:to )?)(?={_TIME}(?:{ways})\b)(?!have been\b)"
        rf"|,? and,? (?:also |then |to )?(?={_TIME}{any_verb})"
        r"|[,;]? (?:and|but) (?P<anew>(?:(?:it|they|each|both|the \w+|[A-Z][\w’-]+) )?(?:will|should|must"
        r"|has agreed to|have agreed to"
        r"|is to|are to)"
        r"(?: also| then| each)? (?=[a-z]+\b)|(?=(?:it |they )?ha(?:s|ve) (?:already|since|also|now) ))"
        r"|; (?=(?:it )?will \w)|,? and (?=(?:in \w+ (?:\d{4} )?|on \d+ \w+ )?(?:it|they) (?:paid|sent|refunded"
        r"|gave|apologised|wrote)\b)" + (r"|,? and (?=ha(?:s|ve) [a-z]+)" if form == "past" else "")
    )


# Where an action follows another: in the form of the first ("to check … and report", "pays … and reviews").
_SPLITS = {form: _splitter(verbs, form) for form, verbs in (("base", _BASE), ("third", _THIRD), ("past", _PAST))}
_VERBS = "|".join(sorted(_ACTIONS, key=len, reverse=True))
_PREDICATE = regex.compile(
    r"\b(?:(?:has|have|had) (?:also |now |already |both |each |since |further |therefore |rightly )?"
    r"(?:agreed|undertaken|offered|promised|accepted|committed)(?:, [^,;]{1,60},)?(?: that it (?:will|would"
    r"|should))?(?: to)?"
    r"|agreed to|agreed that [^,]{0,80}? (?:will|would|should)|ha(?:s|ve) until [^,;.]{3,40}? to"
    r"|recommendation\b[^.;:]{0,60}? that|(?:it )?(?:is|was) recommended(?:, [^,;]{1,40},)? that"
    r"|will(?= have an? )|(?:will|should|must|would)(?! have\b)(?: also| now| each| both| then| therefore)?"
    r"|(?:is|are) to be"
    r"|(?:recommend(?:s|ed)?|propose[sd]?|ask(?:s|ed)?|invite[sd]?)(?: as well| too| also)?"
    r"(?: that(?:, [^,;]{1,60},)?)? "
    rf"(?:the |both |each )?[\w ]{{1,40}}?(?: to)?(?= (?:{_VERBS})\b| {_ANY_VERB}(?= {_OBJECT}\b))"
    r"|recommend(?:s|ed)?(?= (?:a |an |the )?(?:(?:further|symbolic) )?(?:payment|sum|£|\w+ (?:\w+ )?pounds\b)))"
    r"(?:, [^,;]{1,80},)?\s+",
    regex.IGNORECASE,
)
_BODY = regex.compile(
    r"\b(?:the |The |both |Both |Each |each )?((?:[A-Z][\w’'-]+ )*(?:[Cc]ouncils?|NHS Trust|NHS Foundation Trust"
    r"|Trust|CCG|ICB|[Pp]rovider|Care Provider|care provider|Home|Authority|[Bb]orough council|[Cc]ounty council"
    r"|Borough Council|County Council|District Council|City Council|Academy|School|panel|landlord|Company))\b"
)
# Somebody else pays: "let her pay what is left over 12 months".
_THEY_PAY = regex.compile(
    r"\b(?:let|allow|enable|invite|permit|help)(?:s|ing)? (?:him|her|them|(?:Mr|Mrs|Ms"
    r"|Miss) \w+)(?: to)? (?:re)?pay\b"
)
_PAYS = regex.compile(
    r"\b(?:pays?|paid|payment|add|credit|contribut\w+|remedy|compensat\w+|awards?"
    r"|increas\w+ (?:its|the|this) (?:offer|payment)|(?:increase|raise) (?:[^.;]{1,60} )?to|(?:recognise"
    r"|acknowledge|reflect|mark) [^.;]{1,80} with|put|place"
    r"|set aside)\b[^.;]{0,60}(?:£|\bpounds\b)"
    r"|£[\d.,]+ (?:payment"
    r"|in compensation)",
    regex.IGNORECASE,
)
_HAS_DONE_LATELY = regex.compile(
    r"\b(?:[Cc]ouncil|[Tt]rust|[Pp]rovider|[Hh]ome|[Aa]uthority|[Cc]ompany|CCG|District|County|Borough|[Ii]t|[Tt]hey)"
    r"(?: says? (?:that )?[\w ]{0,30}?\bit)? (?:has|have|had) (?:already|since|now|also|recently) "
    r"(?!agreed|offered|promised|accepted|acknowledged|admitted|conceded|maintained|proposed|asked|confirmed"
    r"|explained|said|told|undertaken|refused|declined|been|had"
    r"|decided|considered)"
    r"(?:\w+ly )?(?:\w+ed|begun|bought|brought|built|drawn|given|held|made|met|put|sent|set|shown|taken|written"
    r"|rewritten"
    r"|paid)\b"
)
_HAS_DONE_FIRST = regex.compile(
    r"(?:The )?(?:Council|Trust|Provider|Home|Authority|Company|CCG|District|County|Borough|It)"
    r" has (?:already |since |now |also |recently )?(?:recruited|appointed|introduced|employed|taken on|brought in"
    r"|filled"
    r"|trained|retrained|published|issued|amended|revised|updated|reviewed|restored|repaid|refunded|apologised)\b"
)
_DID = regex.compile(
    r"(?:[A-Z][^.;:]{0,50}?,? )?(?:[Tt]he )?(?:[Cc]ouncil|[Tt]rust|[Pp]rovider|[Hh]ome|[Aa]uthority|[Cc]ompany|CCG"
    r"|[Ii]t)"
    r"(?: then| also| later)? (?:apologised|paid|wrote|sent|arranged|reviewed|reminded|trained|provided|refunded"
    r"|reimbursed"
    r"|repaid|waived|cancelled|backdated|amended|corrected|removed|updated|issued|introduced|changed|revised"
    r"|appointed"
    r"|restored|reinstated|withdrew|credited|repaired|installed|replaced|held|set up|brought in)\b"
)
_HAS_DONE = regex.compile(
    r"\bha(?:s|ve|d) (?:already|since|now|also|recently|therefore|apolog|paid|refunded|cancel|backdat|withdr|remov"
    r"|amend"
    r"|written|waived|restor|reinstat|credit|correct|said sorry)"
)
_WITHDRAWN = regex.compile(
    r"\b(?:I|[Ww]e) (?:have |do |did )?(?:now |since |not )?(?:withdrawn|withdrew|withdraw|pursued?|no longer)\b"
    r"|\b(?:suggestion|recommendation|proposal) (?:is|was|has been) (?:now |since |therefore )?withdrawn\b"
)
_RECOMMENDED = regex.compile(
    r"\b(?:I|[Ww]e) (?:had |have |also |first |originally )*(?:recommended|proposed|asked)\b"
    r"|\bwas (?:also )?(?:invited|asked) to\b"
)
_WANTED = regex.compile(
    r"(?:[Ss]he|[Hh]e|[Tt]hey|(?:Mr|Mrs|Ms|Miss) [A-Z]\w*) (?:thinks?|thought|says?|said|feels?|felt|believes?|believed"
    r"|considers?|considered|argues?|argued) (?:that )?[^;]{0,80}\bshould\b|"
    r"\b(?:[Ss]he|[Hh]e|[Tt]hey|(?:Mr|Mrs|Ms|Miss) [A-Z]\w*)[^.;]{0,30} (?:ask(?:ed|s)|want(?:ed|s))"
    r" (?:that )?(?:I|we|me|us)\b|"
    r"\bwould (?:also |have |still )?like[d]? (?!to thank)|"
    r"(?<!\b(?:I|[Ww]e) (?:(?:also|have|had|further|then|therefore|too) )*)"
    r"\b(?:would like|would have liked|wants?|wanted|asks?|asked|seeks?|sought|hoped)\b[^.;]{0,40}\b(?:us|me"
    r"|Council|Trust|it)\b to\b"
)
_WILL_NOT = regex.compile(
    r"\b(?:[Cc]ouncil|[Tt]rust|[Pp]rovider|[Hh]ome|[Ii]t|[Tt]hey|agency|company) (?:will|would|does|do|did) not"
    r" (?:agree to |wish to |want to )?(?:pay|refund|make|apologise|accept|do)\b"
)
_RAISED_TO = regex.compile(
    r"\b(?:ha(?:s|ve) (?:now |since |also |agreed to )?|(?:Council|Trust|Provider|Home|It|it) (?:then |now )?)"
    r"(?:increased?|raised?|doubled?|improved?) (?:this|it|that|its|the)\b[^.;]{0,60} to £"
)
# What a body is free to do is no remedy ("It may set this against what she owes").
_MAY = regex.compile(r"(?:The \w+|It|They|[A-Z]\w+) (?:may|can|could|need not)\b")
# What the Ombudsman says of a recommendation or of what may come is none by itself.
_REMARK = regex.compile(
    r"^(?:The \w+|It|They) (?:has |have )?(?:told|tells?) (?:me|us) (?:that )?(?:it|they) (?:is|are|was|were) not\b"
    r"|^(?:I|We) (?:will|shall|hope|aim|(?:still |do still )?think|thought|did not think|remain"
    r"|asked (?:(?:the \w+|it|\w+ \w+) )?(?:whether|if))\b"
    r"|^(?:My|Our) recommendation stands|\bmay (?:then )?issue a (?:further )?report\b"
    r"|^(?:The \w+|It|They) (?:has|have|does|do|did) not (?:yet |so far )?(?:agreed?|accepted?)\b"
)
_OUTCOME = frozenset({"remedy"})
_WORK = frozenset({"findings", "other", "decision"})


@dataclass(frozen=True, slots=True)
class _Lead:
    """What a lead-in says for the bullets under it."""

    words: str
    status: str
    deadline: Deadline | None
    organisation: str | None
    types: tuple[str, ...] = ()
    recommends: bool = False  # it says itself that this is only recommended, or is turned down


@Language.factory("redress_remedies")
def create_remedies(nlp: Language, name: str) -> Component:
    """The component: fills `doc.spans["redress_remedies"]`; a span's label is its status."""
    reader = reader_for(nlp)

    def component(doc: Doc) -> Doc:
        find(doc, reader)
        return doc

    return component


def find(doc: Doc, reader: Reader) -> list[Remedy]:
    """The remedies of a Doc, in order of the text; also kept in its Reading and its spans."""
    reading = reader.reading(doc)
    index = {s.start: i for i, s in enumerate(reading.sentences)}
    outcome = _by_then(reading, list(_outcome(reading, index)))
    found = [*outcome, *_along_the_way(reading, outcome)]
    reading.remedies = sorted(_once(found), key=lambda r: (r.start, r.end))
    doc.spans[SPANS] = spans_of(doc, reading, [(r.start, r.end, r.status) for r in reading.remedies])
    return reading.remedies


def _status_hits(reading: Reading, i: int) -> dict[str, list[int]]:
    """Rule id → token indexes of the status rules that hit in sentence i."""
    found: dict[str, list[int]] = {}
    for hit in reading.hits(i, "remedy_status"):
        found.setdefault(hit.rule.id, []).append(hit.start)
    return found


def _agreed_somewhere(reading: Reading) -> bool:
    """Whether the decision says anywhere, a heading included, that the organisation agrees to what is recommended."""
    return _AGREED_HEADING.search(reading.text) is not None or any(
        "agrees" in _status_hits(reading, i)
        and "agree" in reading.words(s).lower()
        and not regex.search(r"\bnot (?:yet )?(?:agreed|accepted)", reading.words(s))
        for i, s in enumerate(reading.sentences)
        if s.section in ("remedy", "decision", "summary")
        and (s.section != "summary" or regex.search(r"\bha(?:s|ve) agreed\b", reading.words(s)))
    )


_AGREED_HEADING = regex.compile(r"^(?:The )?[Aa]greed (?:actions?|remed(?:y|ies))$", regex.MULTILINE)


def _outcome(reading: Reading, index: dict[int, int]) -> Iterator[Remedy]:
    """The remedies of the section that lists them: bullets under their lead-ins, and clauses of sentences."""
    agreed = _agreed_somewhere(reading)
    lead: _Lead | None = None
    outer: _Lead | None = None
    last: Deadline | None = None
    body: str | None = None
    inner = False  # among the bullets that tell what the bullet above them is about
    refused = {
        s.line
        for i, s in enumerate(reading.sentences)
        if s.section in _OUTCOME and "not_agreed" in _status_hits(reading, i)
    }
    withdrawn = {s.line for s in reading.sentences if s.section in _OUTCOME and _WITHDRAWN.search(reading.words(s))}
    lines = by_line(_outcome_sentences(reading, index))
    for line, sentences in lines.items():
        words = reading.text[sentences[0].start : sentences[-1].end]
        ids = {rule for s in sentences for rule in _status_hits(reading, index[s.start])}
        below = lines.get(line + 1)
        told_below = sentences[0].kind == "bullet" and lead is not None and _tells_below(reading, words, below)
        if not told_below and _leads_in(words, sentences[0].kind, below):
            own = _deadline_of_lead(reading, sentences, last)
            if own is not None and own.same:
                own = last
            nested = sentences[0].kind == "bullet" and lead is not None
            parent = outer if nested and outer is not None else (lead if nested else None)
            turned_down = line in refused or ("recommends" in ids and _turned_down(reading, index, lines, line))
            status = (
                "made"
                if _LEADS_IN_DONE.search(words) and below is not None and _PARTICIPLE.match(reading.words(below[0]))
                else _status(
                    ids, agreed or _WILL.search(words) is not None, turned_down, parent.status if parent else None
                )
            )
            inner = False
            lead = _Lead(
                words,
                status,
                own or (parent.deadline if parent else None),
                _body_in(words) or (parent.organisation if parent else body),
                _codes(reading, sentences[0].start, sentences[-1].end),
                turned_down or "recommends" in ids,
            )
            if not nested:
                outer = lead
            last = lead.deadline or last
            body = lead.organisation or body
            if not _MADE_OF.search(words):
                for sentence in sentences[:-1]:  # an action may stand before a lead-in, in its paragraph
                    yield from _clauses(reading, index, sentence, agreed, line in refused, last, body)
                for sentence in _before_leading_in(reading, sentences[-1]):
                    for action in _clauses(reading, index, sentence, agreed, line in refused, last, body):
                        if set(action.types) - {"payment", "other"}:  # what is paid is told below
                            yield action
            continue
        if sentences[0].kind == "bullet" and lead is not None:
            if _goes_on(reading, words, lines.get(line - 1)) or (inner and not _acts(words)):
                continue  # more of the bullet above: "tell him: • of his right to appeal"
            # What it must say or hold, bullet by bullet, is one action: the bullet that leads in.
            inner = told_below
            item = _bullet(reading, index, sentences, words, lead, last)
            if item is not None:
                if item.deadline is not None and item.due_date is not None:
                    last = Deadline(item.deadline, item.due_date)
                yield item
            continue
        lead = outer = None
        here: Deadline | None = None  # what an earlier sentence of the paragraph says of when
        told: list[Remedy] = []
        for sentence in sentences:
            if line in withdrawn and _RECOMMENDED.search(reading.words(sentence)):
                continue
            if told and "payment" in told[-1].types and _PARTS_OF_IT.match(reading.words(sentence)):
                told[-1] = replace(told[-1], end=sentence.end)  # the parts of the sum that it told
                continue
            for item in _clauses(reading, index, sentence, agreed, line in refused, last, body):
                open_ended = item.deadline is None and item.status != "made"
                if open_ended and here is not None and _GOES_ON.match(reading.words(sentence)):
                    item = replace(item, deadline=here.words, due_date=here.due)
                if item.deadline is not None and item.due_date is not None:
                    last = here = Deadline(item.deadline, item.due_date)
                body = item.organisation or body
                told.append(item)
        yield from told


# "The Council will pay Mr J £550. That sum is made up of £300 for …"
_PARTS_OF_IT = regex.compile(
    r"(?:That|This|The|It|Of (?:that|this)) ?(?:total|sum|figure|amount|payment)?,? (?:is |was )?"
    r"(?:comprises|comprised of|consists of|made up (?:of|as follows)|breaks down|divides|composed of)\b[^.;]*£"
)


def _by_then(reading: Reading, found: list[Remedy]) -> list[Remedy]:
    """Gives actions without a time the one that a sentence of its own says for all.

    "The Council has agreed the following, to be done by 6 September", or after them "It will do those things by …".
    """
    for sentence in reading.sentences:
        words = reading.words(sentence)
        told = _ALL_OF_THEM.search(words) if sentence.section in _OUTCOME else None
        deadline = find_deadline(words, reading.decision_date) if told else None
        if told is None or deadline is None or deadline.due is None or any(r.start == sentence.start for r in found):
            continue
        for i, remedy in enumerate(found):
            open_ended = remedy.deadline is None and remedy.status in ("agreed", "recommended")
            if _RECOMMENDED.match(reading.text, remedy.start):
                continue
            if open_ended and (remedy.start < sentence.start) is (told["before"] is not None):
                found[i] = replace(remedy, deadline=deadline.words, due_date=deadline.due)
    return found


_GOES_ON = regex.compile(
    r"(?:It|They|The \w+)(?: \w+)? (?:will|should|has|have) (?:\w+ )?(?:also|in addition|further)\b"
)
_ALL_OF_THEM = regex.compile(
    r"\b(?:do|does|done|carry out|complete|take|finish|put in hand)\b[^.;]{0,30}"
    r"\b(?P<before>(?:these|those|the above|all this|all of this|both|each of these|everything))\b"
    r"|\b(?P<after>the following|the steps below|the actions below|these steps|these actions)\b",
    regex.IGNORECASE,
)


def _turned_down(reading: Reading, index: dict[int, int], lines: Mapping[int, list[Sentence]], line: int) -> bool:
    """Whether the paragraph after the bullets of a lead-in says that the body does not agree to them."""
    after = next((lines[k] for k in sorted(lines) if k > line and lines[k][0].kind != "bullet"), None)
    return after is not None and "not_agreed" in _status_hits(reading, index[after[0].start])


def _leads_in(words: str, kind: str, following: list[Sentence] | None) -> bool:
    """Whether a line leads in bullets: by its colon, or because bullets follow it."""
    return (
        words.endswith((":", ":-"))
        or _LEADS_ON.search(words) is not None
        or (kind != "bullet" and following is not None and following[0].kind == "bullet")
    )


def _before_leading_in(reading: Reading, sentence: Sentence) -> Iterator[Sentence]:
    """What a lead-in says is to be done before what it leads in: "agreed to apologise to her, and to pay her:"."""
    found = _LAST_ACTION.search(reading.words(sentence))
    if found is not None:
        yield sentence._replace(end=sentence.start + found.start())


_LAST_ACTION = regex.compile(r",? and (?:also |then )?(?:to |will )?[a-z]+(?: [^,;:]{0,60})?:$")


def _tells_below(reading: Reading, words: str, below: list[Sentence] | None) -> bool:
    """Whether a bullet is an action that the bullets below it, which are none, only tell more of."""
    if _ABOUT.search(words) is None or below is None or below[0].kind != "bullet" or not _acts(words):
        return False
    first = reading.words(below[0])
    return not _begins_an_action(first, 0) and not find_sums(first)


_ABOUT = regex.compile(
    r"\b(?:that(?: it| they)?|which|about|of|on|in|for|with|by|saying|explaining|including|covering|whether|has|says"
    r"|covers|includes?|to (?:me|us|see|show)|at least):$",
    regex.IGNORECASE,
)


def _acts(words: str) -> bool:
    """Whether words begin with an action in its plain form ("write to her")."""
    return words.split(" ", 1)[0].lower() in _BASE or _ANY_ACTION.match(words) is not None


def _goes_on(reading: Reading, words: str, above: list[Sentence] | None) -> bool:
    """Whether a bullet only ends the one above, which stops short or leads it in, and is no action by itself."""
    if above is None or above[0].kind != "bullet" or find_sums(words):
        return False
    if _begins_an_action(words, 0) or _SOMEBODY_WILL.match(words):
        return False
    before = reading.words(above[-1])
    if _HANGS_ON.match(words) and not before.endswith("."):
        return True
    return not before.endswith((".", ";", ",", "and", "or")) and _LEADS_ON.search(before) is None


_SOMEBODY_WILL = regex.compile(
    r"(?!(?:and |or )?(?:how|who|what|when|where|which|that|whether|of|why)\b)"
    r"(?:the |each |both |its |a |one )?[\w’' ]{2,50} (?:will|should|must) [a-z]",
    regex.IGNORECASE,
)
_HANGS_ON = regex.compile(r"(?:and |or )?(?:how|who|what|when|where|which|that|whether|of|why)\b")
_LEADS_IN_DONE = regex.compile(r"\bha(?:s|ve|d) (?:already|since)\b[^.]*:$")
# What leads in actions or sums below a bullet, with a colon or without.
_LEADS_ON = regex.compile(r"\b(?:will|should|must|made up of|consisting of|comprising|as follows|namely):?-?$")
_MADE_OF = regex.compile(r"\b(?:made up of|consisting of|comprising|as follows|in detail):?-?$", regex.IGNORECASE)


def _deadline_of_lead(reading: Reading, sentences: Sequence[Sentence], last: Deadline | None) -> Deadline | None:
    """The deadline of a lead-in: of its last sentence, which leads, or else of one before."""
    for sentence in reversed(sentences):
        found = find_deadline(reading.words(sentence), reading.decision_date, last.due if last else None)
        if found is not None:
            return found
    return None


def _outcome_sentences(reading: Reading, index: dict[int, int]) -> list[Sentence]:
    """The sentences of the section that lists the remedies.

    Where there is none (a plain text, or a complaint closed because it is being put right), those in which something
    is agreed: with the bullets under them, and what "it will" do as well.
    """
    if reading.plain:
        return [
            s
            for s in reading.sentences
            if _status_hits(reading, index[s.start]).keys() & {"agrees", "recommends"} or s.section in _OUTCOME
        ]
    listed = [s for s in reading.sentences if s.section in _OUTCOME]
    if listed or reading.report:
        return listed
    found: list[Sentence] = []
    for s in reading.sentences:
        if s.section not in _WORK or s.role not in ("analysis", "mixed"):
            continue
        words = reading.words(s)
        near = bool(found) and 0 <= s.line - found[-1].line <= 1
        under = near and s.kind == "bullet" and (found[-1].kind == "bullet" or reading.words(found[-1]).endswith(":"))
        if under or _HAS_AGREED.search(words) or (near and _WILL_TOO.match(words)):
            found.append(s)
    return found


_HAS_AGREED = regex.compile(
    r"\b(?:[Cc]ouncils?|[Tt]rust|[Pp]rovider|[Hh]ome|[Aa]uthority|[Cc]ompany|CCG|ICB|[Ii]t|[Tt]hey|[Bb]oth"
    r"|[Ss]chool|governors)"
    r" (?:has|have)(?: now| also| both| since)* (?:agreed|undertaken|promised)(?:, [^,;:]{1,60},)?"
    r"(?: that(?: [^.;:]{0,60}?)? (?:it|they) will\b"
    r"| to\b(?! (?:look|consider|go"
    r"|deal|us|our|my|this)\b))|\bwe have agreed with the \w+ that it will\b"
    r"|\b(?:raised|increased|doubled) (?:it|this|that|its offer|the offer|the sum)\b[^.;]{0,30} to £"
    r"|^(?:By|Within|To (?:settle|remedy|put|resolve))\b[^.]*\b(?:[Cc]ouncil|[Tt]rust|[Pp]rovider|[Hh]ome"
    r"|[Cc]ompany|[Ss]chool|it) will\b"
    r"|\b(?:[Cc]ouncil|[Tt]rust|[Pp]rovider|[Hh]ome|[Cc]ompany|[Ss]chool|it) will(?: now| also)?(?:,? [^,:]{1,60},?)?"
    r"(?: now| also)?:$"
    r"|\b(?:told|assured) (?:me|us)(?: that)? (?:[^.;:]{0,60}? )?(?:it|they) will\b(?! not)"
    r"|^[^.;]*\b(?:I|we|me|us|my|our)\b[^.;]*\b(?:[Cc]ouncil|[Tt]rust|[Pp]rovider|[Hh]ome|[Cc]ompany|it)"
    r"(?: then| now)? (?:agreed|undertook) (?:to (?!look|consider|go|deal|us|our|my|this)|that it would)"
)
_WILL_TOO = regex.compile(
    r"(?:It|The (?:Council|Trust|Provider|Home|Company|school)|They) (?:will|has (?:also )?agreed to)\b"
)


# Who is said to be going to do it has agreed to: "Northmarsh will", "the two of them will".
_WILL = regex.compile(r"^(?!\W*(?:If|Should|Unless)\b)[^.]*\b(?!it |that |which |who |she |he )[\w’]+ will\b(?! not)")


_IS_TO = regex.compile(r"\b(?:will|should|must|ha(?:s|ve) until|(?:is|are) to|recommend\w*|invited|suggested)\b")


def _status(ids: set[str], agreed: bool, refused: bool, parent: str | None) -> str:
    if refused:
        return "recommended"
    if "agrees" in ids or agreed:
        return "agreed"
    if "recommends" in ids:
        return "recommended"
    return parent or "recommended"


def _body_in(words: str) -> str | None:
    found = _BODY.search(words)
    return found[1] if found else None


def _codes(reading: Reading, start: int, end: int) -> tuple[str, ...]:
    """The kinds of remedy whose rules hit between two offsets of the text."""
    codes = reading.codes("remedy_types", start, end)
    words = reading.text[start:end]
    if _THEY_PAY.search(words):
        codes.discard("payment")
    elif (
        not codes & {"payment", "refund_or_waiver"}
        and (sums := find_sums(words))
        and (sums[0].start == 0 or _PAYS.search(words) or _RAISED_TO.search(words))
    ):
        codes.add("payment")
    return _settle_types(codes)


def _settle_types(codes: set[str]) -> tuple[str, ...]:
    """Kinds that one action's words name beside the kind it is are left out."""
    if "refund_or_waiver" in codes:
        codes.discard("payment")
    if "review_cases" in codes:
        codes -= {
            "reconsider_decision",
            "provide_service",
            "refund_or_waiver",
            "provide_information",
            "correct_records",
        }
    if "apology" in codes:
        codes -= {
            "provide_information",
            "correct_records",
            "procedure_change",
            "provide_service",
            "reconsider_decision",
            "review_cases",
            "other",
        }
    if "payment" in codes or "refund_or_waiver" in codes:
        codes -= {
            "provide_service",
            "procedure_change",
            "provide_information",
            "staff_training",
            "correct_records",
            "reconsider_decision",
        }
    if "staff_training" in codes:
        codes -= {"provide_information", "provide_service", "correct_records", "reconsider_decision"}
    if "procedure_change" in codes:
        codes -= {"provide_service", "reconsider_decision", "correct_records"}
    if codes & {"other", "correct_records"}:
        codes.discard("provide_service")
    if codes - {"other", "provide_information"}:
        codes.discard("other")
    elif "other" in codes:
        codes.discard("provide_information")
    return tuple(sorted(codes))


def _bullet(
    reading: Reading,
    index: dict[int, int],
    sentences: Sequence[Sentence],
    words: str,
    lead: _Lead,
    last: Deadline | None,
) -> Remedy | None:
    start, end = sentences[0].start, sentences[-1].end
    end -= len(words) - len(_TAIL.sub("", words)) if not words.endswith(".") else 0
    types = _codes(reading, start, end)
    if _is_standard(words, types):
        return None
    ids = {rule for s in sentences for rule in _status_hits(reading, index[s.start])}
    deadline = find_deadline(words, reading.decision_date, last.due if last else None)
    if deadline is not None and deadline.same:
        deadline = last
    if deadline is None or (lead.deadline is not None and _is_within_the_action(words, deadline)):
        deadline = lead.deadline
    made = (
        "done" in ids
        and regex.match(r"(?:It|The Council|They|it|has|have|had) (?:has |have )?(?:already|since|now)", words)
        is not None
    )
    return Remedy(
        paragraph=sentences[0].number,
        section=sentences[0].section,
        start=start,
        end=end,
        types=types or lead.types or ("other",),
        status="made" if made else "agreed" if not lead.recommends and _WILL.search(words[:80]) else lead.status,
        organisation=lead.organisation or reading.organisation,
        recipient=payee(words, reading.before(start)),
        deadline=deadline.words if deadline else None,
        due_date=deadline.due if deadline else None,
    )


def _is_within_the_action(words: str, deadline: Deadline) -> bool:
    """Whether a period is part of what is to be done ("a reply within ten days"), not the time to do it in."""
    at = words.find(deadline.words)
    return (
        regex.match(r"(?:with)?in\b", deadline.words, regex.IGNORECASE) is not None
        and not regex.search(r"\b(?:decision|statement|report)\b", deadline.words)
        and at > 0
        and regex.search(
            r"\b(?:[a-z]{3,}ing|that|which|so|who|any|every|where|if|whose|are|is|how|new|future)\b", words[:at]
        )
        is not None
    )


def _clauses(
    reading: Reading,
    index: dict[int, int],
    sentence: Sentence,
    agreed: bool,
    refused: bool,
    last: Deadline | None,
    body: str | None,
) -> Iterator[Remedy]:
    """The actions that one sentence of the outcome lists."""
    words = reading.words(sentence)
    ids = set(_status_hits(reading, index[sentence.start]))
    raised = _RAISED_TO.search(words) is not None
    condition = CONDITION.match(words)
    predicate = _PREDICATE.search(words, condition.end() if condition else 0) or _RAISED_TO.search(words)
    done = (
        ("agrees" not in ids or _HAS_DONE_FIRST.match(words) is not None)
        and not raised
        and not _NOT_PAID.match(words)
        and (
            "done_lately" in ids
            or _HAS_DONE_LATELY.search(words) is not None
            or _DID.match(words) is not None
            or _PAID_ENOUGH.search(words) is not None
            or ("done" in ids and _HAS_DONE.search(words) is not None)
        )
    )
    if (
        _WANTED.search(words)
        or _WILL_NOT.search(words)
        or _MAY.match(words)
        or _REMARK.search(words)
        or (predicate is None and not done)
    ):
        return
    begin = predicate.end() if predicate is not None and not done and not raised else 0
    if begin and words[:begin].rstrip().endswith("agreed to") and _TO_WHAT.match(words, begin):
        return  # "it has agreed to the first three of these"
    if _PASSIVE.match(words, begin):
        begin = condition.end() if condition else 0  # what is to be paid or done stands before the verb
    if not done and not raised and not ids & {"agrees", "recommends"} and _IS_TO.search(words) is None:
        return  # what is told, supposed or aimed at
    pieces = _pieces(words, begin)
    typed = [(a, b, _codes(reading, sentence.start + a, sentence.start + b)) for a, b in pieces]
    if done and not typed[0][2]:
        typed[0] = (*typed[0][:2], ("other",))
    said = ids & {"agrees", "recommends"} or (
        sentence.section in _OUTCOME and _WILL.search(words) and not words.startswith(("I ", "We "))
    )
    if not any(types for _, _, types in typed) and not (
        predicate is not None and said and _begins_an_action(words, pieces[0][0])
    ):
        return
    typed = _with_untyped(words, typed)
    if (
        (all_of := _ALL_OF_THEM.search(words))
        and all_of["after"]
        and not {k for _, _, t in typed for k in t} - {"other"}
    ):
        return
    if _is_standard(words[begin:], [t for _, _, types in typed for t in types]):
        return
    if not done and (
        regex.search(
            r"\b(?:I|we) (?:have )?(?:not|do not|did not|make no|cannot|see no)\b[^.]{0,40}\b(?:recommend|ask)", words
        )
        or regex.search(r"\bno (?:further )?(?:recommendation|remedy|payment)", words)
    ):
        return
    deadline = find_deadline(words, reading.decision_date, last.due if last else None)
    if deadline is not None and deadline.same:
        deadline = last
    if done:
        status = "made"
    elif refused and ("agrees" not in ids or "recommends" in ids):
        status = "recommended"
    elif raised:
        status = "agreed"
    else:
        status = _status(ids, agreed or _WILL.search(words) is not None, False, None)
    # "…, and, by 11 February, audit ten files": a time that opens a later action is not said of those before it.
    said_at = words.find(deadline.words) if deadline is not None else -1
    if not any(a == said_at for a, _, _ in typed[1:]):
        said_at = -1
    if len(typed) == 1:
        typed = [(0, len(words), typed[0][2])]
    else:
        typed = [(a, b, types) for a, b, types in typed if not _is_standard(words[a:b], types)]
    for a, b, types in typed:
        piece = words[a:b]
        if done and (comment := _COMMENT.search(piece)):
            piece = piece[: comment.start()]
        trimmed = len(piece.rstrip(" ,;"))
        own = find_deadline(piece, reading.decision_date) if len(typed) > 1 else deadline
        own = own if own is not None and not own.same else deadline if b > said_at else None
        standing = "made" if _DONE_PIECE.match(piece) else status
        yield Remedy(
            paragraph=sentence.number,
            section=sentence.section,
            start=sentence.start + a,
            end=sentence.start + a + trimmed,
            types=types,
            status=standing,
            organisation=_body_in(words[: max(begin, 1)]) or body or reading.organisation,
            recipient=payee(piece, reading.before(sentence.start + a)),
            deadline=own.words if own and standing != "made" else None,
            due_date=own.due if own and standing != "made" else None,
        )


_TO_WHAT = regex.compile(r"(?:the|these|those|this|that|what|all|both|my|our|it|each|every|neither|none)\b")
_PASSIVE = regex.compile(r"be (?!able\b|in\b|for\b|a\b|the\b|no\b)\w+")
# What the Ombudsman says of a thing done is no part of it.
_COMMENT = regex.compile(r",? (?:so|and|which) (?:I|we|no)\b")
_DONE_PIECE = regex.compile(
    r"(?:it |they )?ha(?:s|ve) (?:already|since|also|now) "
    r"|(?:in \w+ (?:\d{4} )?|on \d+ \w+ )?(?:it|they) (?:paid|sent|refunded|gave|apologised|wrote)\b"
)
_ANEW = regex.compile(r"\b(?:will|should|must|agreed to|(?:is|are) to)\b")


def _begins_an_action(words: str, at: int) -> bool:
    return words[at:].split(" ", 1)[0].lower() in _ACTIONS or _ANY_ACTION.match(words, at) is not None


_ANY_ACTION = regex.compile(rf"{_ANY_VERB} (?:{_OBJECT}\b|[A-Z])")


def _with_untyped(
    words: str, typed: Sequence[tuple[int, int, tuple[str, ...]]]
) -> list[tuple[int, int, tuple[str, ...]]]:
    """Actions of no known kind: the first of a sentence is one by itself, a later one belongs to the one before it."""
    merged: list[tuple[int, int, tuple[str, ...]]] = []
    for a, b, types in typed:
        if (
            merged
            and "review_cases" in merged[-1][2]
            and (_FOR_THEM.match(words, a, b) or _FINDS_OUT.match(words, a, b))
        ):
            merged[-1] = (merged[-1][0], b, merged[-1][2])  # to look for others and put it right for them is one
        elif types:
            merged.append((a, b, types))
        elif merged and (_ANEW.search(words, merged[-1][1], a) or len(words[a:b].split()) > 4):
            merged.append((a, b, ("other",)))
        elif merged:
            merged[-1] = (merged[-1][0], b, merged[-1][2])
        elif _begins_an_action(words, a):
            merged.append((a, b, ("other",)))
    return merged


_FINDS_OUT = regex.compile(r"(?:finds? out|sees?|checks?|identif(?:y|ies)) (?:if|whether|how|who|what|which)\b")
_FOR_THEM = regex.compile(
    r"(?:will )?(?:offer|refund|repay|reimburse|compensate|decide|put|cancel|correct|consider|write to|tell|remedy)\b"
    r"[^,;]{0,60}\b(?:them|each|any|anyone|those|what)\b[^;]{0,60}$"
)


def _is_standard(words: str, types: Sequence[str]) -> bool:
    """Whether an item is the standard line that evidence of compliance is to be sent, and no action by itself."""
    found = _STANDARD.search(words)
    if found is None or _EVIDENCE_OF.search(words):
        return False
    if _COPIES.search(words[:60]):
        return True
    if found.start() > _FAR and _begins_an_action(words, 0):
        return False  # "match the two lists and tell us how many were missing": more than the line on evidence
    kinds = set(types) - {"provide_information"}
    return not kinds or (kinds <= {"other", "staff_training"} and found.start() < 60)


def _pieces(words: str, begin: int) -> list[tuple[int, int]]:
    """`words[begin:]` cut where a new action begins."""
    first = words[begin:].split(" ", 1)[0].lower()
    plain = begin and first in _BASE  # "will put … and remind": "put" is a past form too
    form = "third" if first in _THIRD else "base" if plain else "past" if first in _PAST or not begin else "base"
    cuts = [begin]
    ends = []
    for found in _SPLITS[form].finditer(words, begin):
        if found[0].endswith(" to ") and "and" not in found[0] and _IN_ORDER_TO.match(words, found.end()):
            continue  # "£200 for Mrs Y, to acknowledge her distress"
        ends.append(found.start())
        cuts.append(found.end())
    ends.append(len(words))
    pieces: list[tuple[int, int]] = []
    for a, b in zip(cuts, ends, strict=True):
        if pieces and _TIME_ALONE.fullmatch(words, *pieces[-1]):
            a = pieces.pop()[0]  # "by 11 July, audit ten files": the time belongs to what it opens
        if a < b:
            pieces.append((a, b))
    return pieces


_IN_ORDER_TO = regex.compile(
    r"(?:acknowledge|recogni[sz]e|reflect|mark|remedy|compensate|cover|see|ensure|make sure|show|check (?:if|whether)"
    r"|find out)\b"
)
_TIME_ALONE = regex.compile(r"(?:by|within|before) [^,;.]{3,40}")


def _along_the_way(reading: Reading, outcome: Sequence[Remedy]) -> Iterator[Remedy]:
    """What was done or offered before the decision, as the analysis or the outcome tells it."""
    for i, sentence in enumerate(reading.sentences):
        told = reading.report and sentence.section == "complaint"
        if not told and (sentence.section not in _WORK or sentence.role == "law"):
            continue
        if any(sentence.start <= r.start < sentence.end for r in outcome):
            continue
        words = reading.words(sentence)
        status = reading.told.get(sentence.start)
        if status is not None:
            yield from _told_as(reading, sentence, words, status)
            continue
        ids = _status_hits(reading, i)
        paid = "£" in words and (
            _PAID_BEFORE.search(words)
            or _PAID_ENOUGH.search(words)
            or _SENT_BACK.search(words)
            or _TAKEN_UP.search(words)
        )
        if (
            paid
            and not _NOT_PAID.search(words[: paid.start() + 1])
            and not _FOR_US.search(words)
            and (
                "has paid" in words
                or _GIVEN_BACK.search(paid[0])
                or _ABOUT_A_COMPLAINT.search(_line_of(reading, sentence))
            )
        ):
            for a, b in _pieces(words, 0):
                types = _codes(reading, sentence.start + a, sentence.start + b)
                if not {"payment", "refund_or_waiver"} & set(types) and find_sums(words, a, b):
                    money = "refund_or_waiver" if _GIVEN_BACK.search(words, a, b) else "payment"
                    types = (*types, money) if paid.start() < b and a < paid.end() else types
                if types:
                    yield _past(reading, sentence, a, a + len(words[a:b].rstrip(" ,;")), types, "made")
        elif "offers" in ids and _OFFERED.search(words) and not _PERSON_OFFERS.search(words) and find_sums(words):
            kinds = set(_codes(reading, sentence.start, sentence.end)) & {"payment", "refund_or_waiver"}
            yield _past(reading, sentence, 0, len(words), tuple(kinds) or ("payment",), "offered")
        elif sentence.role == "narrative" and _PROMISED.search(words) and _OWNS_UP.search(_line_of(reading, sentence)):
            if types := _codes(reading, sentence.start, sentence.end):
                yield _past(reading, sentence, 0, len(words), types, "offered")
        elif sentence.role in ("analysis", "mixed") and sentence.section not in ("decision", "complaint"):
            if _is_done_bullet(reading, sentence, words):
                yield _past(
                    reading,
                    sentence,
                    0,
                    len(_TAIL.sub("", words)) if not words.endswith(".") else len(words),
                    _codes(reading, sentence.start, sentence.end) or ("other",),
                    "made",
                )
            elif _PROMISED.search(words) and (types := _codes(reading, sentence.start, sentence.end)):
                yield _past(reading, sentence, 0, len(words), types, "agreed")
            elif (
                (lately := _HAS_DONE_LATELY.search(words) or _SAID_SORRY.search(words) or "done" in ids)
                and (
                    not _told(reading, i)
                    # What is denied after it is what it was done about ("said sorry for not returning the call").
                    and (
                        not _DENIES.search(words if lately is True else words[: lately.start()])
                        or _RELIES.search(words)
                    )
                )
            ):
                for a, b in _pieces(words, 0):
                    types = _codes(reading, sentence.start + a, sentence.start + b)
                    if types or _HAS_DONE_LATELY.search(words, a, b):
                        piece = _past(reading, sentence, a, a + len(words[a:b].rstrip(" ,;")), types, "made")
                        yield piece if types else replace(piece, types=("other",))


def _told_as(reading: Reading, sentence: Sentence, words: str, status: str) -> Iterator[Remedy]:
    """The actions of a sentence that is known to tell redress of this status, or none."""
    if status == "none":
        return
    typed: list[tuple[int, int, tuple[str, ...]]] = []
    for a, b in _pieces(words, 0):
        types = _codes(reading, sentence.start + a, sentence.start + b)
        if not {"payment", "refund_or_waiver"} & set(types) and find_sums(words, a, b):
            types = tuple(sorted({*types, "refund_or_waiver" if _GIVEN_BACK.search(words, a, b) else "payment"}))
        if types:
            typed.append((a, b, types))
    for a, b, types in typed or [(0, len(words), ("payment",) if status == "offered" else ("other",))]:
        yield _past(reading, sentence, a, a + len(words[a:b].rstrip(" ,;")), types, status)


# A body that has paid or given back a sum: redress, unless somebody asks for it, or it is what the body pays regularly.
_PAID_BEFORE = regex.compile(
    r"\b(?:[Cc]ouncil|[Tt]rust|[Pp]rovider|[Hh]ome|[Cc]ompany|CCG|[Ii]t)\b"
    r"(?: (?:has|had|have|then|later|also|already|now|since))*(?: [^.;£]{0,90}?\b(?:and|,))?(?: on \d+ \w+"
    r"| in \w+(?: \d{4})?,?)?"
    r"(?: (?:has|had|also|then|later))* (?:paid|refunded|repaid|reimbursed|restored|credited|returned|sent"
    r"|sent back|gave"
    r"|gave back|handed)\b"
    r"(?: (?:cheque|for|him|her|them|back|a|the|this|its|his|their|sum|fee|fees|subscription|charge|cost|of"
    r"|total|further|in|full|symbolic|payment|"
    r"(?:Mr|Mrs|Ms|Miss) (?:and (?:Mr|Mrs|Ms|Miss) )?\w+))* (?:about )?£[\d,.]++"
    r"(?! (?:a|per|each|every) (?:day|week|month|year|term|hour))"
    r"|£[\d,.]+ (?:it has |it had |the Council has )?already paid is (?:enough|sufficient|a (?:suitable|fair"
    r"|reasonable))"
)
# "offered £150, which she accepted": what was taken up was paid.
_TAKEN_UP = regex.compile(
    r"\boffer(?:ed)?\b[^.;£]{0,90}£[\d.,]+[^.;£]{0,90}\b(?:which|and|this) (?:\w+ )?(?:\w+ )?(?:accepted|took"
    r"|cashed|banked|received)\b"
)
_SENT_BACK = regex.compile(
    r"\b(?:uph(?:e|o)ld|apologis|apolog|sorry|error|mistake)[^.]{0,160}\b(?:sent|gave|paid|enclosed|returned)"
    r"(?: (?:him|her|them|back|the|a|cheque|for|of|(?:Mr|Mrs|Ms|Miss) \w+))* £"
)
_PAID_ENOUGH = regex.compile(
    r"£[\d.,]+ (?:that |which )?(?:the \w+ )?(?:has|had) (?:paid|sent|given|refunded) already\b|"
    r"£[\d.,]+[^.;£]{0,40} ha(?:s|ve) (?:already |now |since )?been paid|"
    r"£[\d.,]+ (?:that )?(?:it has |it had |the Council has )?already (?:paid|given|refunded|sent"
    r"|credited)[^.;]{0,60}?"
    r" (?:is|was) (?:an? )?(?:enough|sufficient|suitable|fair|reasonable|proportionate|adequate|appropriate)"
)
_NOT_PAID = regex.compile(
    r"\b(?:if|whether|should|would|could|wants?|wanted|asks?|asked|says?|said|claims?|must|until|once|not|never"
    r"|unless)\b",
    regex.IGNORECASE,
)
_GIVEN_BACK = regex.compile(r"\b(?:refunded|repaid|reimbursed|credited|back|returned)\b")
_ABOUT_A_COMPLAINT = regex.compile(
    r"complain|uph(?:e|o)ld|apolog|sorry|error|mistake|goodwill|inconvenience|distress|trouble|delay|stage"
    r"|compensat|redress"
    r"|recogni|conceded|accepted|fault|remedy|refund",
    regex.IGNORECASE,
)
_FOR_US = regex.compile(
    r"\b(?:rent(?! account)|invoices?|bills?|benefit|contractors?|landlord|school|agency|allowance|grant|salary"
    r"|wages|fees? to"
    r"|[Tt]ribunal|court|insurers?)\b"
)
# Who offers is a person, or what is offered is something at a price.
# Who offers is a person or an insurer, what is offered is something at a price, or it is only supposed.
_PERSON_OFFERS = regex.compile(
    r"\b(?:Mr|Mrs|Ms|Miss) (?:and (?:Mr|Mrs|Ms|Miss) )?\w+ (?:has |had |then |also )?offer|\binsurers?\b"
    r"|\b(?:[Ss]he|[Hh]e|[Tt]hey) (?:has |had |have |then |also )?offered (?:to pay|the [Cc]ouncil|it|a rent|rent)\b"
    r"|\boffer\w*\b[^£.;]{0,80}\b(?:at|for|below|above|under|worth(?: over)?|rent of) £"
    r"|\b(?:revive|repeat|withdraw|passed over|accept|refuse) (?:its|the|that|an?)\b[^.;]{0,20}\boffer"
    r"|\b(?:if|whether|had it|would have) [^.;]{0,60}\boffer"
    r"|\b[Tt]hey (?:had |have )?offered\b|\boffered to (?:let|accept)\b|\bconsidered the offer\b"
)
_OFFERED = regex.compile(r"\boffer(?:s|ed|ing)?\b[^.;£]{0,90}£|£[\d,.]+[^.;£]{0,20}\boffer", regex.IGNORECASE)
# What a body says it will do of its own accord, and the words of an answer that owns something up.
_PROMISED = regex.compile(
    r"\b(?:[Cc]ouncil|[Tt]rust|[Pp]rovider|[Hh]ome|CCG|[Ii]t|manager)(?: has)? (?:[^.;,]{0,60} and )?"
    r"(?:said (?:that )?it would|promised (?:to|it would)|undertook to|has asked (?:the|its|a) [\w ]{3,40} to)\b"
)
_OWNS_UP = regex.compile(
    r"\b(?:uph(?:e|o)ld|upheld|accept(?:s|ed)|acknowledged|apologised|agreed|should have|sorry|not communicated"
    r"|shortcomings)\b",
    regex.IGNORECASE,
)


def _line_of(reading: Reading, sentence: Sentence) -> str:
    start = reading.text.rfind("\n", 0, sentence.start) + 1
    end = reading.text.find("\n", sentence.end)
    return reading.text[start : end if end >= 0 else len(reading.text)]


_SAID_SORRY = regex.compile(
    r"\b(?:[Cc]ouncil|[Tt]rust|[Pp]rovider|[Hh]ome|[Cc]ompany|CCG|ICB|[Mm]anager|[Cc]hief executive|[Dd]irector"
    r"|[Ii]t)\b"
    r"(?:[^.;]{0,60}?\band)?(?: has| had| did)?(?: \w+ly| already| since| also)? "
    r"(?:apologised?|said (?:it was |that it was )?sorry|put (?:this|that|it|the \w+) right|struck it out"
    r"|(?:told|wrote to|wrote)\b[^.;]{0,60}\b(?:sorry|apologise|regrets?)"
    r"|sent (?:him|her|them|(?:Mr|Mrs|Ms|Miss) [\w ]{1,20}) (?:a|an) (?:written |formal )?apology)\b"
    r"|\bapology (?:has been|was|had been) (?:made|given|sent)\b|\bapology (?:she|he|they) ha(?:s|ve) had\b"
)
_DENIES = regex.compile(
    r"\b(?:not|never|no one|nobody|if|should have|would have|failed to|says|said|asked|wants|whether|until|when it)\b"
)
_RELIES = regex.compile(
    r"suitable remedy|sufficient|enough|put (?:this|it|that)? ?right|\bha(?:s|d) (?:\w+ )?apologised|apology already"
)
_PARTICIPLE = regex.compile(rf"(?:{'|'.join(sorted(_PAST, key=len, reverse=True))})\b")
_DONE_LEAD = regex.compile(r"\b(?:ha(?:s|ve|d)|[Bb]efore|[Aa]fter|[Ww]hen|[Oo]n \d|[Ii]n \w+ \d{4})\b[^.]{0,120}:$")


def _is_done_bullet(reading: Reading, sentence: Sentence, words: str) -> bool:
    """Whether a bullet tells what the body has done ("The Council has since: • refunded the fee")."""
    if sentence.kind != "bullet" or not sentence.opens or not _PARTICIPLE.match(words):
        return False
    i = bisect_left(reading.everything, sentence.start, key=lambda s: s.start) - 1
    while i >= 0 and reading.everything[i].kind == "bullet":
        i -= 1
    above = reading.words(reading.everything[i]) if i >= 0 else ""
    return _DONE_LEAD.search(above) is not None and not regex.search(
        r"\b(?:said|says|complain|failed|not|faults?|wrong|maladministration|mistakes?|errors?|respects)\b", above
    )


def _told(reading: Reading, i: int) -> bool:
    """Whether a sentence only reports a letter or a stage of the complaint."""
    return any(h.rule.id in ("stage", "says") for h in reading.hits(i, "modifiers"))


def _past(reading: Reading, sentence: Sentence, a: int, b: int, types: tuple[str, ...], status: str) -> Remedy:
    words = reading.words(sentence)
    return Remedy(
        paragraph=sentence.number,
        section=sentence.section,
        start=sentence.start + a,
        end=sentence.start + b,
        types=types,
        status=status,
        organisation=_body_in(words) or reading.organisation,
        recipient=payee(words[a:b], reading.before(sentence.start + a)),
    )


def _once(found: Sequence[Remedy]) -> list[Remedy]:
    """Drops a remedy that tells again what another of the same place tells."""
    kept: list[Remedy] = []
    for remedy in found:
        if not any(k.start <= remedy.start and remedy.end <= k.end and k.status == remedy.status for k in kept):
            kept.append(remedy)
    return [replace(r, types=tuple(sorted(r.types))) for r in kept]
