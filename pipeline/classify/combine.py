"""The one place where rules and models are put together.

Rules, linear models and the network of sentences are witnesses to each label. How far each is to be trusted is learnt
(`weigh.py`) from decisions that none of them has met: log odds of a label = weights · what the witnesses say. A finding
that no rule found has method `model`; every finding has the probability that the witnesses give it together.

The network is slow, so it is asked only about sentences that rules or linear models do not dismiss. What it says of
redress told along the way (made or offered before the decision) goes back to the rules as hints, so that remedies,
payments and the account of every sum come from one place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pipeline.classify.features import (
    Judged,
    amount_texts,
    fault_texts,
    judged_sentences,
    normal,
    outcome_text,
    paragraph_texts,
    payment_texts,
    verdict_text,
)
from pipeline.classify.models import BadModel, Model, load, manifest, models_folder
from pipeline.classify.network import (
    LONGEST,
    LONGEST_KIND,
    REDRESS,
    VERDICTS,
    Pair,
    ReadsPairs,
    fault_pair,
    load_network,
    network_digest,
    remedy_pair,
    sentence_pair,
    sum_pairs,
)
from pipeline.values import Decision, Extraction, Finding

# What the witnesses may change in an extraction, each with weights of its own in the manifest, in this order.
COMBINED = (
    "redress", "finding", "fault_types", "injustice_types", "remedy_types", "payment_purposes", "amount_reasons",
)  # fmt: skip
POLARITIES = ("fault", "no_fault")
TOLD = ("made", "offered")
_MONEY = frozenset({"payment", "refund_or_waiver"})
_PLAIN = re.compile(r"\b(?:faults?|maladministration|service failures?)\b", re.IGNORECASE)
# Words that tell of narration, of what ought to be, of what followed and of reports.
_SIGNS = tuple(
    re.compile(pattern)
    for pattern in (
        r"^(?:Mr|Mrs|Ms|Miss|Dr|She|He|They)\b",
        r"^(?:This|That|It|There|I|We)\b",
        r"\b(?:(?:19|20)\d\d|January|February|March|April|May|June|July|August|September|October|November|December)\b",
        r"\b(?:should|ought)\b",
        r"\b[Ii]njustice\b",
        r"\b(?:says?|said|complain\w*|told|believes?)\b",
    )
)
# What no rule sees must be a good deal likelier than not: narration is full of things done and undone, and real
# decisions, from which nothing was learnt, are more so than those that ship.
_ALONE = 0.7
# That a remedy is enough, or that faults which were owned up to changed nothing, is no finding that there was no fault.
_OF_REDRESS = re.compile(
    r"\b(?:remed(?:y|ies|ied|ial)|redress|apolog\w+|put(?:ting)? (?:it|this|that|things|matters) right"
    r"|identified the mistakes?|(?:acknowledged|accepted|admitted) (?:faults?|mistakes?|errors?))\b",
    re.IGNORECASE,
)
_UNSEEN = -3.0  # the log odds of a verdict in a neighbour that is not there
_UNHEARD = -6.0  # what the network would say of a sentence that it is not asked about
_DISMISSED = (
    -4.5
)  # log odds by the linear model, under which a sentence is not asked about unless something else speaks
_MOST = 400  # texts of one kind in one decision; of the longest real one a hundred sentences are asked about
# Words of redress: a sentence of the narrative or the analysis may tell what was done or offered before the decision.
_MAY_TELL = re.compile(
    r"£|\b(?:apolog\w+|sorry|regret\w*|refund\w*|repa(?:id|y|ys)|reimburs\w+|return(?:ed|s)|waived?|cancell?ed"
    r"|wr(?:ote|itten) off|withdr[ae]w\w*|credited|restored|reinstated|offered|paid|goodwill|voucher|amended|corrected"
    r"|removed|replaced|repaired|reconsidered|reopened|reassessed|backdated|moved|decided again"
    r"|(?:ha(?:s|ve|d)|then|since|also|it|council|trust) (?:\w+ )?(?:changed|introduced|reviewed|rewritten|revised"
    r"|reminded|trained|retrained|briefed|appointed|recruited|issued|updated|arranged|agreed|put)"
    r"|put (?:it|this|that|matters|things) right)\b",
    re.IGNORECASE,
)
_SURE = 0.95  # that there is none where the rules tell some
_A_SUM = re.compile(r"£|\b(?:pounds|pence)\b")
# What is known of a sentence beside its words, in the order of the weights.
WITNESSES = (
    "model says fault", "model says no fault",
    "rules say fault, in so many words", "rules say fault, in other words",
    "rules say no fault, in so many words", "rules say no fault, in other words",
    "rules doubt fault", "rules doubt no fault", "the word itself",
    "in the final decision", "in the remedy", "in another section", "in the narrative", "in the law", "no role told",
    "ends upheld", "ends not upheld", "ends closed",
    "opens its paragraph", "ends its paragraph", "rules speak earlier in its paragraph",
    "rules speak later in its paragraph", "how far down the findings", "model says fault of the one before",
    "model says fault of the one after",
    "a person first", "a pronoun first", "a date", "says should", "names injustice", "somebody says",
    "network says fault", "network says no fault",
)  # fmt: skip
TELLERS = (
    "network says made", "network says offered", "network says agreed", "rules say made", "rules say offered",
    "in the final decision", "in the narrative", "in another section", "ends upheld", "ends not upheld", "ends closed",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Weights:
    """How far the witnesses of one kind of label are trusted: a row of `rows` for each of `labels`, and a shift each.

    A label is given where its probability reaches `limit`.
    """

    labels: tuple[str, ...]
    rows: np.ndarray[Any, Any]
    shifts: np.ndarray[Any, Any]
    limit: float

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Weights:
        return cls(
            tuple(said["labels"]), np.array(said["rows"], float), np.array(said["shifts"], float), float(said["limit"])
        )

    def as_json(self) -> dict[str, Any]:
        return {
            "labels": list(self.labels),
            "rows": self.rows.tolist(),
            "shifts": self.shifts.tolist(),
            "limit": self.limit,
        }


@dataclass(frozen=True, slots=True)
class Heard:
    """The sentences of a decision in which a finding may stand, and what the models say of each.

    A row a sentence; log odds over "neither" of (fault, no fault) by the linear model and by the network, and log odds
    over "none" of (made, offered, agreed) by the network. `asked`: whether the network read it.
    """

    sentences: tuple[Judged, ...]
    words: tuple[str, ...]
    linear: np.ndarray[Any, Any]
    network: np.ndarray[Any, Any]
    redress: np.ndarray[Any, Any]
    asked: tuple[bool, ...]


def combine(decision: Decision, extraction: Extraction) -> Extraction:
    """What rules and models say together of one decision; the extraction as it is where no model ships."""
    return combine_all([decision], [extraction])[0]


def combine_all(
    decisions: Sequence[Decision],
    extractions: Sequence[Extraction],
    models: Mapping[str, Model | None] | None = None,
    weights: Mapping[str, Weights] | None = None,
    network: ReadsPairs | None = None,
    heard: Sequence[Heard] | None = None,
) -> list[Extraction]:
    """The same for many. Raises BadModel where the models cannot be read."""
    if weights is None:
        said = manifest()
        weights = {name: Weights.from_json(own) for name, own in said["combine"].items() if own}
        if weights and models is None:
            if said.get("network") != network_digest():
                raise BadModel(
                    f"{models_folder()}: models.json was made with another network of sentences; take the folder from"
                    " the repository again, or make it with: redress train"
                )
            network = load_network()
    if models is None:
        models = {name: load(name) for name in ("decision", *COMBINED[1:]) if name in (*weights, "decision")}
    if heard is None and (model := models.get("finding")) is not None:
        heard = hear(decisions, extractions, model, network)
    if heard is None:
        heard = [_nothing_heard()] * len(decisions)
    return [_combined(d, e, models, weights, network, h) for d, e, h in zip(decisions, extractions, heard, strict=True)]


def hear(
    decisions: Sequence[Decision], extractions: Sequence[Extraction], model: Model, network: ReadsPairs | None
) -> list[Heard]:
    """What the linear model and the network say of the sentences of each decision; the network reads them in one go."""
    at = {label: i for i, label in enumerate(model.labels)}
    found, pairs = [], []
    for decision, extraction in zip(decisions, extractions, strict=True):
        sentences = tuple(judged_sentences(decision))
        words = tuple(s.words(decision) for s in sentences)
        p = np.log(np.clip(model.probabilities([verdict_text(w) for w in words]), 1e-6, 1))
        linear = p[:, [at[one] for one in POLARITIES]] - p[:, [at["neither"]]]
        asked = tuple(
            network is not None
            and (row.max() > _DISMISSED or _MAY_TELL.search(w) is not None or _spoken(extraction, s))
            for s, w, row in zip(sentences, words, linear, strict=True)
        )
        if sum(asked) > _MOST:  # a text that no decision is: the likeliest are read
            likeliest = set(np.argsort(-linear.max(axis=1), kind="stable")[:_MOST].tolist())
            asked = tuple(ask and i in likeliest for i, ask in enumerate(asked))
        pairs += [sentence_pair(decision, s) for s, ask in zip(sentences, asked, strict=True) if ask]
        found.append(Heard(sentences, words, linear, *_unheard(len(words)), asked))
    if network is None or not pairs:
        return found
    scores = network.scores(pairs)
    verdict, redress, done = scores["verdict"], scores["redress"], 0
    fault, no_fault, neither = (verdict[:, VERDICTS.index(one)] for one in VERDICTS)
    judged = np.stack([fault - neither, no_fault - neither], axis=1)
    none, agreed, _, made, offered = (redress[:, REDRESS.index(one)] for one in REDRESS)
    told = np.stack([made - none, offered - none, agreed - none], axis=1)
    for one in found:
        places = [i for i, ask in enumerate(one.asked) if ask]
        one.network[places] = judged[done : done + len(places)]
        one.redress[places] = told[done : done + len(places)]
        done += len(places)
    return found


def _unheard(n: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    return np.full((n, 2), _UNHEARD), np.full((n, 3), _UNHEARD)


def _nothing_heard() -> Heard:
    return Heard((), (), np.zeros((0, 2)), *_unheard(0), ())


def _spoken(found: Extraction, s: Judged) -> bool:
    """Whether the rules say or doubt a finding, or tell redress, in a sentence."""
    return any(
        one.start < s.end and s.start < one.end
        for part in (found.findings, found.candidates, found.remedies)
        for one in part
    )


def _combined(
    decision: Decision,
    found: Extraction,
    models: Mapping[str, Model | None],
    weights: Mapping[str, Weights],
    network: ReadsPairs | None,
    heard: Heard,
) -> Extraction:
    outcome = outcome_of(decision, models.get("decision")) if heard.sentences else {}
    if "redress" in weights and (hints := hints_of(found, heard, outcome, weights["redress"])):
        from pipeline.extract import extract

        found = replace(extract(decision, hints), findings=found.findings, candidates=found.candidates)
    if "finding" in weights and models.get("finding") is not None:
        found = replace(found, findings=_findings(decision, found, heard, outcome, weights["finding"]))
    faults = [i for i, f in enumerate(found.findings) if f.polarity == "fault"]
    findings = list(found.findings)
    read = said_of_pairs([fault_pair(decision, findings[i]) for i in faults], LONGEST_KIND, network)
    for name, texts_of in (("fault_types", fault_texts), ("injustice_types", paragraph_texts)):
        model = models.get(name) if name in weights else None
        if model is None or not faults:
            continue
        field = "types" if name == "fault_types" else "injustice"
        texts = texts_of(decision, [findings[i] for i in faults])
        rules = [getattr(findings[i], field) for i in faults]
        for i, kinds in zip(faults, kinds_of(texts, rules, model, weights[name], read.get(name)), strict=True):
            findings[i] = (
                replace(findings[i], types=kinds) if field == "types" else replace(findings[i], injustice=kinds)
            )
    remedies = list(found.remedies)
    if remedies and (model := models.get("remedy_types") if "remedy_types" in weights else None):
        texts = [decision.words_of(r) for r in remedies]
        heard_of = said_of_pairs([remedy_pair(decision, r.start, r.end) for r in remedies], LONGEST, network)
        rules = [r.types for r in remedies]
        said = kinds_of(texts, rules, model, weights["remedy_types"], heard_of.get("remedy_types"))
        pays = {p.remedy for p in found.payments}
        for i, (remedy, kinds) in enumerate(zip(remedies, said, strict=True)):
            if i in pays and not _MONEY & set(kinds):
                kinds = tuple(sorted({*kinds, *(_MONEY & set(remedy.types) or {"payment"})}))
            remedies[i] = replace(remedy, types=kinds or remedy.types)
    found = replace(found, findings=tuple(findings), remedies=tuple(remedies))
    return _sums(decision, found, models, weights, network)


def _sums(
    decision: Decision,
    found: Extraction,
    models: Mapping[str, Model | None],
    weights: Mapping[str, Weights],
    network: ReadsPairs | None,
) -> Extraction:
    """What each payment is for, and why each other sum is none."""
    payments, amounts = found.payments, found.amounts
    pairs = sum_pairs(decision, found)
    if payments and (model := models.get("payment_purposes") if "payment_purposes" in weights else None):
        heard = said_of_pairs(pairs[0], LONGEST, network).get("payment_purposes")
        texts, rules = payment_texts(decision, found), [p.purposes for p in payments]
        said = kinds_of(texts, rules, model, weights["payment_purposes"], heard)
        payments = tuple(replace(one, purposes=own or one.purposes) for one, own in zip(payments, said, strict=True))
    if amounts and (model := models.get("amount_reasons") if "amount_reasons" in weights else None):
        heard = said_of_pairs(pairs[1], LONGEST, network).get("amount_reasons")
        rows = kind_rows(amount_texts(decision, found), [(a.reason,) for a in amounts], model, heard)
        own = weights["amount_reasons"]
        best = (rows @ own.rows[0] + own.shifts).argmax(axis=1)
        amounts = tuple(replace(one, reason=own.labels[i]) for one, i in zip(amounts, best, strict=True))
    return replace(found, payments=payments, amounts=amounts)


def said_of_pairs(pairs: Sequence[Pair], longest: int, network: ReadsPairs | None) -> dict[str, list[dict[str, float]]]:
    """By head, for each pair: the network's log odds of each label; nothing where they are more than a decision has."""
    if network is None or not 0 < len(pairs) <= _MOST:
        return {}
    scores = network.scores(pairs, longest)
    return {
        head: [dict(zip(labels, map(float, scores[head][i]), strict=True)) for i in range(len(pairs))]
        for head, labels in network.heads.items()
    }


def told_rows(found: Extraction, heard: Heard, outcome: Mapping[str, float]) -> tuple[list[int], np.ndarray[Any, Any]]:
    """(places, rows): the sentences that may tell redress of before the decision, and what the witnesses say of each.

    What is agreed or recommended is the rules' alone, and so is the section that lists the remedies. Where no sum is
    told, the narrative is left to them too: most apologies in it are none that a decision relies on.
    """
    places, rows = [], []
    for i, s in enumerate(heard.sentences):
        told = {r.status for r in found.remedies if r.start < s.end and s.start < r.end}
        if not heard.asked[i] or s.section == "remedy" or told - set(TOLD):
            continue
        if not _A_SUM.search(heard.words[i]) and (told or s.role == "narrative"):
            continue
        places.append(i)
        rows.append(
            [
                *heard.redress[i],
                *(status in told for status in TOLD),
                s.section == "decision",
                s.role == "narrative",
                s.section == "other",
                *(outcome.get(label, 0.0) for label in ("Upheld", "Not upheld", "Closed after initial enquiries")),
            ]
        )
    return places, np.array(rows, float).reshape(len(rows), len(TELLERS))


def hints_of(found: Extraction, heard: Heard, outcome: Mapping[str, float], weights: Weights) -> dict[int, str]:
    """Where the witnesses together see redress of before the decision otherwise than the rules: offset → what it is."""
    places, rows = told_rows(found, heard, outcome)
    hints = {}
    for i, p in zip(places, softmax(rows @ weights.rows.T + weights.shifts), strict=True):
        s = heard.sentences[i]
        best = int(p[: len(TOLD)].argmax())
        said = TOLD[best] if p[best] >= weights.limit else "none"
        told = {r.status for r in found.remedies if r.start < s.end and s.start < r.end}
        if told and said == "none" and p[len(TOLD)] < _SURE:
            continue
        if told != ({said} - {"none"}):
            hints[s.start] = said
    return hints


def softmax(scores: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Scores as probabilities, a row a text."""
    if not len(scores):
        return scores
    p = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(p / p.sum(axis=1, keepdims=True))


def kind_rows(
    texts: Sequence[str],
    rules: Sequence[Sequence[str]],
    model: Model,
    heard: Sequence[Mapping[str, float]] | None = None,
) -> np.ndarray[Any, Any]:
    """(texts, labels, 3): the model's log odds of each label, whether the rules said it, the network's log odds."""
    p = np.clip(model.probabilities([normal(t) for t in texts]), 1e-6, 1 - 1e-6)
    said = np.array([[label in rule for label in model.labels] for rule in rules], float).reshape(p.shape)
    network = np.zeros(p.shape)
    if heard is not None:
        network = np.array([[one.get(label, 0.0) for label in model.labels] for one in heard], float).reshape(p.shape)
    return np.stack([np.log(p) - np.log1p(-p), said, network], axis=2)


def kinds_of(
    texts: Sequence[str],
    rules: Sequence[Sequence[str]],
    model: Model,
    weights: Weights,
    heard: Sequence[Mapping[str, float]] | None = None,
) -> list[tuple[str, ...]]:
    """The kinds of each text by all witnesses, sorted; none where no kind is likely enough.

    A kind that the model has not learnt yet is the rules' alone to say.
    """
    rows = kind_rows(texts, rules, model, heard)
    p = 1 / (1 + np.exp(-(rows @ weights.rows[0] + weights.shifts)))
    known = frozenset(weights.labels)
    return [
        tuple(sorted({*_settled(dict(zip(weights.labels, row, strict=True)), weights.limit), *(set(rule) - known)}))
        for row, rule in zip(p, rules, strict=True)
    ]


def _settled(sure: Mapping[str, float], limit: float) -> tuple[str, ...]:
    """The likely kinds, less those that exclude each other.

    `none` says that there is nothing, so it stands alone or not at all; a sum is paid or given back.
    """
    given = {label: p for label, p in sure.items() if p >= limit}
    if "none" in given:
        given = {"none": 1.0} if given["none"] == max(given.values()) else _without(given, "none")
    if {"payment", "refund_or_waiver"} <= given.keys():
        given = _without(given, min("payment", "refund_or_waiver", key=lambda kind: given[kind]))
    return tuple(sorted(given))


def _without(given: Mapping[str, float], label: str) -> dict[str, float]:
    return {other: p for other, p in given.items() if other != label}


def outcome_of(decision: Decision, model: Model | None) -> Mapping[str, float]:
    """How the decision ends, as its words tell the model."""
    if model is None:
        return {}
    return dict(zip(model.labels, model.probabilities([outcome_text(decision)])[0], strict=True))


def witness_rows(
    decision: Decision, found: Extraction, heard: Heard, outcome: Mapping[str, float]
) -> np.ndarray[Any, Any]:
    """A row a sentence: what is known of it, in the order of WITNESSES."""
    sentences = heard.sentences
    if not sentences:
        return np.zeros((0, len(WITNESSES)))
    fault, no_fault = heard.linear[:, 0], heard.linear[:, 1]
    lines = [decision.text.rfind("\n", 0, s.start) for s in sentences]
    spoken = [bool(said_of(found.findings, s)) for s in sentences]
    places = [i for i, s in enumerate(sentences) if s.section == "findings"]
    depth = {i: at / len(places) for at, i in enumerate(places)}
    rows = []
    for i, (s, w) in enumerate(zip(sentences, heard.words, strict=True)):
        said, doubted = said_of(found.findings, s), said_of(found.candidates, s)
        plain = _PLAIN.search(w) is not None
        opens = i == 0 or lines[i - 1] != lines[i]
        ends = i + 1 == len(lines) or lines[i + 1] != lines[i]
        same = [j for j in range(len(lines)) if lines[j] == lines[i]]
        rows.append(
            [
                fault[i],
                no_fault[i],
                *(polarity in said and plain is so for polarity in POLARITIES for so in (True, False)),
                *(polarity in doubted for polarity in POLARITIES),
                plain,
                *(s.section == code for code in ("decision", "remedy", "other")),
                *(s.role == role for role in ("narrative", "law", "mixed")),
                *(outcome.get(label, 0.0) for label in ("Upheld", "Not upheld", "Closed after initial enquiries")),
                opens,
                ends,
                any(spoken[j] for j in same if j < i),
                any(spoken[j] for j in same if j > i),
                depth.get(i, 0.0),
                _UNSEEN if opens else fault[i - 1],
                _UNSEEN if ends else fault[i + 1],
                *(sign.search(w) is not None for sign in _SIGNS),
                *heard.network[i],
            ]
        )
    return np.array(rows, float)


def said_of(findings: Sequence[Finding], s: Judged) -> set[str]:
    """The polarities of the findings that stand in a sentence."""
    return {f.polarity for f in findings if f.start < s.end and s.start < f.end}


def _findings(
    decision: Decision, found: Extraction, heard: Heard, outcome: Mapping[str, float], weights: Weights
) -> tuple[Finding, ...]:
    sentences = heard.sentences
    p = softmax(witness_rows(decision, found, heard, outcome) @ weights.rows.T + weights.shifts)
    kept = [f for f in found.findings if not any(f.start < s.end and s.start < f.end for s in sentences)]
    for s, row in zip(sentences, p, strict=True):
        sure = dict(zip(weights.labels, row, strict=True))
        rules = [f for f in found.findings if f.start < s.end and s.start < f.end]
        if len({f.polarity for f in rules}) > 1:
            kept += rules  # a verdict in two parts is read by the rules alone
            continue
        polarity = max(POLARITIES, key=lambda one: sure[one])
        alone = not any(f.polarity == polarity for f in rules)
        if alone and polarity == "no_fault" and _OF_REDRESS.search(decision.text, s.start, s.end):
            continue
        if sure[polarity] < (_ALONE if alone else weights.limit):
            continue
        same = [
            f for f in (*rules, *found.candidates) if f.polarity == polarity and f.start < s.end and s.start < f.end
        ]
        base = same[0] if same else Finding(s.number, s.section, s.start, s.end, polarity)
        method = "rule" if base in rules else "model"
        kept.append(replace(base, probability=round(float(sure[polarity]), 4), method=method))
    return tuple(sorted(kept, key=lambda f: (f.start, f.end, f.polarity)))
