"""The network of sentences: a small transformer that reads a sentence with what stands around it.

Words alone do not tell "it is hard to think what more he might have done" from blame. The network knows English from
what it was first trained on, and decisions from the gold that ships (`teach.py`). It is one witness beside the rules
and the linear models (`combine.py`), and reads only sentences that one of these does not dismiss.

Files: `models/sentences.onnx` (weights of eight bits), its words `models/sentences.txt`, its manifest
`models/sentences.json` with the digest of both. Without them everything works, and finds less.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from pipeline.classify.features import Judged, known_of_amounts, sentence_around
from pipeline.classify.models import BadModel, models_folder
from pipeline.extract.money import find_sums
from pipeline.values import Decision, Extraction, Finding

NAME = "sentences"
FORMAT = 1
LONGEST = 112  # pieces of words in a sentence and what stands around it
LONGEST_KIND = 176
_CHARACTERS = 1_200  # of a sentence: more than that many pieces hold
_AROUND = 400  # characters on either side
# What the first two heads answer of every sentence: whether it judges and what redress it tells. The others tell of a
# fault its kinds and those of the injustice, of a remedy its kinds, of a payment its purposes, of any other sum why it
# is none.
VERDICTS = ("fault", "no_fault", "neither")
REDRESS = ("none", "agreed", "recommended", "made", "offered")

Pair = tuple[str, str]


def sentence_pair(decision: Decision, s: Judged) -> Pair:
    """(a sentence, its section and the words around it) as the network reads it for a verdict."""
    before, after = around(decision.text, s.start, s.end)
    return plain(decision.text[s.start : s.end][:_CHARACTERS]), plain(
        f"{s.section}. {(s.lead or before)[-220:]} | {after[:80]}"
    )


def fault_pair(decision: Decision, finding: Finding) -> Pair:
    """(a finding of fault, the words around it) as the network reads it for its kinds."""
    before, after = around(decision.text, finding.start, finding.end)
    return plain(decision.text[finding.start : finding.end][:_CHARACTERS]), plain(
        f"why. {before[-320:]} | {after[:320]}"
    )


def remedy_pair(decision: Decision, start: int, end: int) -> Pair:
    """(the words of a remedy, what leads in to it) as the network reads it for its kinds."""
    before, after = around(decision.text, start, end)
    return plain(decision.text[start:end][:_CHARACTERS]), plain(f"does. {before[-160:]} | {after[:80]}")


def sum_pairs(decision: Decision, found: Extraction) -> tuple[list[Pair], list[Pair]]:
    """(of each payment, of each other sum): its sentence with the sum between stars, and what is known of it."""
    payments, amounts = [], []
    for payment in found.payments:
        places = find_sums(decision.text, payment.start, payment.end)
        at = next((one for one in places if one.pounds == payment.amount), None)
        start, end = (at.start, at.end) if at is not None else (payment.start, payment.start)
        payments.append(_sum_pair(decision.text, start, end, f"for. {payment.status}"))
    for amount, (paid, told) in zip(found.amounts, known_of_amounts(found), strict=True):
        known = [*(f"paid {status}" for status in paid), *(["told before"] if told else [])]
        about = ", ".join([f"sum. {amount.section}", *known])
        amounts.append(_sum_pair(decision.text, amount.start, amount.end, about))
    return payments, amounts


def _sum_pair(text: str, start: int, end: int, about: str) -> Pair:
    before, after = sentence_around(text, start, end)
    above, _ = around(text, start - len(before), end)
    words = f"{before[-_AROUND:]}* {text[start:end]} *{after[:_AROUND]}"
    return plain(words), plain(f"{about}. {above[-160:]}")


def around(text: str, start: int, end: int) -> Pair:
    """What stands before a sentence in its paragraph (in the one before, where it opens it), and what after it."""
    line = text.rfind("\n", 0, start) + 1
    stop = text.find("\n", end)
    stop = len(text) if stop < 0 else stop
    before = text[max(line, start - _AROUND) : start].strip()
    if not before:
        last = max(line - 1, 0)
        before = text[max(text.rfind("\n", 0, last) + 1, last - _AROUND) : last]
    return before, text[end : min(stop, end + _AROUND)].strip()


def plain(text: str) -> str:
    """Straight quotes and plain spaces: the words are what tells."""
    return text.replace("’", "'").replace("‘", "'").replace("“", '"').replace("”", '"').replace("\u00a0", " ")


@cache
def tokenizer(words: tuple[str, ...], longest: int) -> Any:
    """Cuts pairs of texts into the given pieces of words. The first words are [PAD], [UNK], [CLS] and [SEP]."""
    from tokenizers import Tokenizer, normalizers, pre_tokenizers, processors
    from tokenizers.models import WordPiece

    ids = {word: i for i, word in enumerate(words)}
    made = Tokenizer(WordPiece(ids, unk_token="[UNK]", max_input_chars_per_word=100))
    made.normalizer = normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.BertProcessing(("[SEP]", ids["[SEP]"]), ("[CLS]", ids["[CLS]"]))
    made.enable_truncation(longest, strategy="longest_first")
    return made


def padded(encodings: Sequence[Any]) -> dict[str, np.ndarray[Any, Any]]:
    """A batch of encodings as the network takes it: (texts, pieces) of ids, of what is there, and of which text."""
    width = max(len(e.ids) for e in encodings)
    made = {name: np.zeros((len(encodings), width), np.int64) for name in ("ids", "there", "second")}
    for row, e in enumerate(encodings):
        n = len(e.ids)
        made["ids"][row, :n], made["there"][row, :n], made["second"][row, :n] = e.ids, 1, e.type_ids
    return made


class ReadsPairs(Protocol):
    """What reads pairs of texts for each of its heads: the network, or what stands in for it."""

    @property
    def heads(self) -> Mapping[str, tuple[str, ...]]:
        """The labels of each head in the order of its columns."""

    def scores(self, pairs: Sequence[Pair], longest: int = LONGEST) -> dict[str, np.ndarray[Any, Any]]:
        """For each head a row a pair, a column a label: log odds, which only mean something beside each other."""


@dataclass(frozen=True)
class Network:
    """The network, ready to read. `heads` holds the labels of each head in the order of its columns."""

    session: Any
    words: tuple[str, ...]
    heads: Mapping[str, tuple[str, ...]]

    def scores(self, pairs: Sequence[Pair], longest: int = LONGEST) -> dict[str, np.ndarray[Any, Any]]:
        """As `ReadsPairs.scores`; `longest` is how many pieces of words of a pair are read."""
        width = sum(len(labels) for labels in self.heads.values())
        rows = np.zeros((len(pairs), width))
        encodings = tokenizer(self.words, longest).encode_batch(list(pairs))
        for i, encoding in enumerate(encodings):
            # One by one: whole numbers are scaled by what is read together, and no pair may change what another says.
            rows[i] = self.session.run(None, padded([encoding]))[0]
        found, at = {}, 0
        for head, labels in self.heads.items():
            found[head] = rows[:, at : at + len(labels)]
            at += len(labels)
        return found


def network_manifest(folder: Path | None = None) -> dict[str, Any] | None:
    """What the manifest of the network says; null where none ships. Raises BadModel when it is none."""
    path = (folder or models_folder()) / f"{NAME}.json"
    if not path.exists():
        return None
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadModel(f"{path}: not a manifest of the network: {error}") from None
    if not isinstance(said, dict) or said.get("format") != FORMAT or not isinstance(said.get("files"), dict):
        raise BadModel(f"{path}: not a manifest that this version reads; take the models folder from the repository")
    return said


def network_digest(folder: Path | None = None) -> str | None:
    """SHA-256 of the network's manifest, which holds the digests of its files; null where none ships."""
    path = (folder or models_folder()) / f"{NAME}.json"
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else None


def load_network(folder: Path | None = None) -> Network | None:
    """The network that ships; null where none does. Raises BadModel for other files than its manifest names."""
    folder = folder or models_folder()
    said = network_manifest(folder)
    return None if said is None else _load(folder, json.dumps(said))


@cache
def _load(folder: Path, said: str) -> Network:
    import onnxruntime

    entry = json.loads(said)
    for name, digest in entry["files"].items():
        path = folder / Path(name).name
        if not path.exists() or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            raise BadModel(
                f"{path}: not the file that {NAME}.json names; take the models folder from the repository again,"
                " or make it with: redress teach"
            )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # shards run in parallel, a core each
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(folder / f"{NAME}.onnx"), options, providers=["CPUExecutionProvider"])
    words = tuple((folder / f"{NAME}.txt").read_text(encoding="utf-8").split("\n"))
    return Network(session, words, {head: tuple(labels) for head, labels in entry["heads"].items()})
