"""`redress teach`: teaches the network of sentences from the labelled texts that ship. Needs the extra `network`.

It begins from a small model of English (all-MiniLM-L6-v2, Apache 2.0; its words are cut down to those that decisions
use) and learns to answer at once whether a sentence judges, what redress it tells, the kinds of a fault, of its
injustice and of a remedy, what a payment is for and why a sum is none. It learns from the parts `development` and
`training`; `weighing` measures it, and is later what says how far it is to be trusted beside the rules. It takes three
quarters of an hour on two cores, so it is no stage of dvc.yaml.
"""

from __future__ import annotations

import hashlib
import json
import math
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from pipeline.classify.data import read_rows, sums_of
from pipeline.classify.features import judged_sentences
from pipeline.classify.network import (
    FORMAT,
    LONGEST,
    LONGEST_KIND,
    NAME,
    REDRESS,
    VERDICTS,
    Network,
    Pair,
    fault_pair,
    load_network,
    padded,
    plain,
    remedy_pair,
    sentence_pair,
    sum_pairs,
    tokenizer,
)
from pipeline.classify.train import corpus_digest, gold_pairs
from pipeline.corpus import codes
from pipeline.evaluate.gold import Gold, spans_of
from pipeline.values import Decision, Finding

Reads = Callable[[Sequence[Pair], int], Mapping[str, np.ndarray[Any, Any]]]  # pairs, how long: a batch for a net
WORDS = 7_500
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
BATCH = 32
NEITHER_SHARE = 0.3  # of the sentences that say nothing, in each epoch others
SMOOTH = 0.03
# How much the loss of each head counts.
LOSSES = {
    "verdict": 1.0, "redress": 0.7, "fault_types": 2.0, "injustice_types": 2.0, "remedy_types": 1.5,
    "payment_purposes": 1.0, "amount_reasons": 0.4,
}  # fmt: skip
ONE_OF = frozenset({"verdict", "redress", "amount_reasons"})  # heads that give one label a text
OF_FAULTS = frozenset({"fault_types", "injustice_types"})


@dataclass(frozen=True, slots=True)
class Lesson:
    """One text with what is known of it: by head its label, or its labels where a head gives several."""

    pair: Pair
    known: Mapping[str, str | frozenset[str]]

    @property
    def telling(self) -> bool:
        """Whether it is more than one of the many sentences that say nothing."""
        return self.known != {"verdict": "neither", "redress": "none"}

    @property
    def longest(self) -> int:
        """How many pieces of words of it are read."""
        return LONGEST_KIND if OF_FAULTS & self.known.keys() else LONGEST


def heads() -> dict[str, tuple[str, ...]]:
    """The labels of each head."""
    kinds = ("fault_types", "injustice_types", "remedy_types", "payment_purposes", "amount_reasons")
    return {"verdict": VERDICTS, "redress": REDRESS, **{kind: tuple(sorted(codes(kind))) for kind in kinds}}


def lessons_of(decision: Decision, gold: Gold) -> Iterator[Lesson]:
    """What one decision with gold teaches: a lesson a sentence, a finding of fault, a remedy and a sum."""
    from pipeline.extract import extract

    findings = [(f, *spans_of(f.quote, decision, gold.file)[0]) for f in gold.findings]
    remedies = [(r, *spans_of(r.quote, decision, gold.file)[0]) for r in gold.remedies]
    for s in judged_sentences(decision):
        said = {f.polarity for f, a, b in findings if a < s.end and s.start < b}
        told = {r.status for r, a, b in remedies if a < s.end and s.start < b}
        known = {"redress": REDRESS[max((REDRESS.index(status) for status in told), default=0)]}
        if len(said) < 2:  # a sentence that says both teaches neither verdict
            known["verdict"] = said.pop() if said else "neither"
        yield Lesson(sentence_pair(decision, s), known)
    for f, a, b in findings:
        if f.polarity == "fault":
            pair = fault_pair(decision, Finding(None, "", a, b, "fault"))
            yield Lesson(pair, {"fault_types": f.types, "injustice_types": f.injustice})
    for r, a, b in remedies:
        yield Lesson(remedy_pair(decision, a, b), {"remedy_types": r.types})
    found = extract(decision)
    for name, pairs in zip(("payment_purposes", "amount_reasons"), sum_pairs(decision, found), strict=True):
        for i, labels in sums_of(name, decision, gold, found):
            yield Lesson(pairs[i], {name: next(iter(labels)) if name in ONE_OF else labels})


def written_lessons(corpus: Path) -> Iterator[Lesson]:
    """What the labelled sentences and remedies that ship teach; they have nothing around them."""
    for row in read_rows(corpus, "sentences"):
        text = plain(row["text"])
        yield Lesson((text, ""), {"verdict": row["label"]})
        if row["label"] == "fault":
            kinds = {"fault_types": frozenset(row["types"]), "injustice_types": frozenset(row["injustice"])}
            yield Lesson((text, "why."), kinds)
    for row in read_rows(corpus, "remedies"):
        yield Lesson((plain(row["text"]), "does."), {"remedy_types": frozenset(row["types"])})


def words_that_matter(base: Sequence[str], texts: Sequence[str], limit: int = WORDS) -> list[str]:
    """The pieces of words to keep of a base vocabulary: every letter, what the texts hold twice, the commonest rest."""
    cut = tokenizer((*SPECIAL, *(w for w in base if w not in SPECIAL)), 512)
    held = Counter(piece for e in cut.encode_batch(list(texts), add_special_tokens=False) for piece in e.tokens)
    letters = [w for w in base if len(w.removeprefix("##")) == 1 and (ord(w[-1]) < 0x250 or w in "–—‘’“”…•")]
    often = sorted((w for w, n in held.items() if n > 1 and w in set(base)), key=lambda w: (-held[w], w))
    rest = [w for w in base if not w.startswith("[")]  # in the order of how common they are
    kept = list(dict.fromkeys([*SPECIAL, *letters, *often, *rest]))
    return kept[:limit]


def teach(corpus: Path, base: Path, out: Path, epochs: int, seed: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Teaches the network and writes its files to `out`; the manifest. `base` is a folder of weights and vocabulary."""
    pairs = [p for part in ("development", "training") for p in gold_pairs(corpus / "decisions" / part)]
    lessons = [lesson for pair in pairs for lesson in lessons_of(*pair)] + list(written_lessons(corpus))
    old = (base / "vocab.txt").read_text(encoding="utf-8").rstrip("\n").split("\n")
    words = tuple(words_that_matter(old, [text for lesson in lessons for text in lesson.pair]))
    say(f"{len(lessons):,} lessons of {len(pairs)} decisions, {len(words):,} of {len(old):,} pieces of words")
    net = _net(base, [old.index(w) for w in words])
    cuts = {n: tokenizer(words, n) for n in (LONGEST, LONGEST_KIND)}
    about: dict[str, Any] = {"seed": seed, "lessons": len(lessons), "source": corpus_digest(corpus)[:16]}
    about["base"] = "all-MiniLM-L6-v2 (Apache 2.0)"

    def after(epoch: int) -> None:
        about["epochs"] = epoch
        write_network(net, words, heads(), out, about)
        about["measured"] = measure_network(load_network(out), corpus)
        say(json.dumps(about["measured"]))

    fit(net, lambda texts, n: padded(cuts[n].encode_batch(texts)), lessons, epochs, seed, say, after)
    return write_network(net, words, heads(), out, about)


def fit(
    net: Any,
    read: Reads,
    lessons: Sequence[Lesson],
    epochs: int,
    seed: int,
    say: Callable[[str], None],
    after: Callable[[int], None] = lambda epoch: None,
) -> None:
    """Fits a net to lessons; `read` turns pairs into what it takes, `after` is called with the number of each epoch."""
    import torch

    random.seed(seed)
    torch.manual_seed(seed)
    labels = heads()
    telling = [x for x in lessons if x.telling]
    silent = [x for x in lessons if not x.telling]
    take = int(len(silent) * NEITHER_SHARE)
    steps = epochs * math.ceil((len(telling) + take) / BATCH)
    own = [p for n, p in net.named_parameters() if n.startswith("encoder")]
    new = [p for n, p in net.named_parameters() if not n.startswith("encoder")]
    groups = [{"params": own, "lr": 1.5e-4}, {"params": new, "lr": 1e-3}]
    optimizer = torch.optim.AdamW(groups, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda s: min(s / (0.06 * steps + 1), max(0.0, (steps - s) / (0.94 * steps)))
    )
    step, mean = 0, 0.0
    for epoch in range(epochs):
        net.train()
        for batch in _batches([*telling, *random.sample(silent, take)]):
            with torch.autocast("cpu", dtype=torch.bfloat16):  # half as long
                loss = _loss(net, read, batch, labels)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            step, mean = step + 1, 0.98 * mean + 0.02 * float(loss.item())
            if step % 50 == 0:
                say(f"epoch {epoch + 1} of {epochs}, step {step} of {steps}, loss {mean:.3f}")
        after(epoch + 1)


def measure_network(network: Network | None, corpus: Path) -> dict[str, Any]:
    """How right the network is by itself on the decisions of `weighing`: F1 of each head, or the share right."""
    if network is None:
        return {}
    pairs = gold_pairs(corpus / "decisions" / "weighing")
    lessons = [lesson for pair in pairs for lesson in lessons_of(*pair)]
    measured: dict[str, Any] = {"decisions": len(pairs)}
    for head, labels in heads().items():
        known = [x for x in lessons if head in x.known]
        if not known:
            continue
        rows = network.scores([x.pair for x in known], known[0].longest)[head]
        if head in ONE_OF:
            given = [frozenset({labels[i]}) - {"neither", "none"} for i in rows.argmax(axis=1)]
            wanted = [frozenset({str(x.known[head])}) - {"neither", "none"} for x in known]
        else:
            # A third as likely as not: F1 is highest about there.
            given = [frozenset(label for label, p in zip(labels, row, strict=True) if p > -0.6) for row in rows]
            wanted = [frozenset(x.known[head]) for x in known]
        hits = sum(len(a & b) for a, b in zip(given, wanted, strict=True))
        measured[head] = round(2 * hits / max(sum(map(len, given)) + sum(map(len, wanted)), 1), 4)
    return measured


def _batches(lessons: list[Lesson]) -> list[list[Lesson]]:
    """Lessons in batches of like length, in an order of chance."""
    random.shuffle(lessons)
    made: list[list[Lesson]] = []
    for at in range(0, len(lessons), BATCH * 50):
        some = sorted(lessons[at : at + BATCH * 50], key=lambda x: (x.longest, sum(map(len, x.pair))))
        made += [some[i : i + BATCH] for i in range(0, len(some), BATCH)]
    random.shuffle(made)
    return made


def _net(base: Path, kept: Sequence[int]) -> Any:
    """The base model with the words kept, and a linear layer over the mean of a sentence's pieces."""
    import torch
    from transformers import AutoModel

    class Net(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.encoder = AutoModel.from_pretrained(base, attn_implementation="eager")
            table = self.encoder.embeddings.word_embeddings
            smaller = torch.nn.Embedding(len(kept), table.weight.shape[1], padding_idx=0)
            smaller.weight.data.copy_(table.weight.data[list(kept)])
            self.encoder.embeddings.word_embeddings = smaller
            # A sentence with its surroundings is short, so the places of long texts can go.
            places = self.encoder.embeddings.position_embeddings
            shorter = torch.nn.Embedding(LONGEST_KIND, places.weight.shape[1])
            shorter.weight.data.copy_(places.weight.data[:LONGEST_KIND])
            self.encoder.embeddings.position_embeddings = shorter
            self.dropout = torch.nn.Dropout(0.1)
            self.last = torch.nn.Linear(table.weight.shape[1], sum(map(len, heads().values())))

        def forward(self, ids: Any, there: Any, second: Any) -> Any:
            hidden = self.encoder(input_ids=ids, attention_mask=there, token_type_ids=second).last_hidden_state
            weight = (there * (1 - second)).unsqueeze(-1).to(hidden.dtype)
            return self.last(self.dropout((hidden * weight).sum(1) / weight.sum(1)))

    return Net()


def _loss(net: Any, read: Reads, batch: Sequence[Lesson], labels: Mapping[str, Sequence[str]]) -> Any:
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

    texts = read([x.pair for x in batch], max(x.longest for x in batch))
    scores = net(*(torch.from_numpy(texts[name]) for name in ("ids", "there", "second")))
    parts = dict(zip(labels, torch.split(scores, [len(own) for own in labels.values()], dim=1), strict=True))
    total = scores.sum() * 0.0
    for head, own in labels.items():
        at = [i for i, x in enumerate(batch) if head in x.known]
        if not at:
            continue
        known = [batch[i].known[head] for i in at]
        if head in ONE_OF:
            wanted = torch.tensor([own.index(str(label)) for label in known])
            loss = cross_entropy(parts[head][at], wanted, label_smoothing=SMOOTH)
        else:
            wanted = torch.tensor([[float(label in several) for label in own] for several in known])
            loss = binary_cross_entropy_with_logits(parts[head][at], wanted)
        total = total + LOSSES[head] * loss
    return total


def write_network(
    net: Any, words: tuple[str, ...], labels: Mapping[str, Sequence[str]], out: Path, about: Mapping[str, Any]
) -> dict[str, Any]:
    """Writes the network as ONNX with small weights, its words and its manifest."""
    import io

    import onnx
    import torch

    net.eval()
    names = ("ids", "there", "second")
    texts = padded(tokenizer(words, LONGEST).encode_batch([("One fault.", "a b"), ("Two.", "")]))
    file = io.BytesIO()
    torch.onnx.export(
        net, tuple(torch.from_numpy(texts[name]) for name in names), file,
        input_names=list(names), output_names=["scores"], opset_version=17, dynamo=False,
        dynamic_axes={**{name: {0: "texts", 1: "pieces"} for name in names}, "scores": {0: "texts"}},
    )  # fmt: skip
    model = _small(_reckons_in_whole_numbers(onnx.load_from_string(file.getvalue())))
    out.mkdir(parents=True, exist_ok=True)
    (out / f"{NAME}.onnx").write_bytes(model.SerializeToString())
    (out / f"{NAME}.txt").write_text("\n".join(words), encoding="utf-8")
    files = {f: hashlib.sha256((out / f).read_bytes()).hexdigest() for f in (f"{NAME}.onnx", f"{NAME}.txt")}
    said = {"format": FORMAT, **about, "heads": {h: list(own) for h, own in labels.items()}, "files": files}
    (out / f"{NAME}.json").write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    return said


def _reckons_in_whole_numbers(model: Any) -> Any:
    """The same network with its products in whole numbers: twice as fast.

    Weights have seven bits, so that no processor runs over and all come to the same.
    """
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with TemporaryDirectory() as folder:
        made = Path(folder) / "made.onnx"
        quantize_dynamic(model, made, per_channel=True, reduce_range=True, weight_type=QuantType.QInt8)
        return onnx.load(made)


def _small(model: Any) -> Any:
    """The same network with its other tables (of words and places) stored in eight bits, a scale a column."""
    from onnx import TensorProto, helper, numpy_helper

    graph, first = model.graph, []
    for tensor in list(graph.initializer):
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.ndim != 2 or values.size < 10_000:
            continue
        scale = np.maximum(np.abs(values).max(axis=0), 1e-8).astype(np.float32) / 127
        graph.initializer.remove(tensor)
        graph.initializer.append(numpy_helper.from_array(np.round(values / scale).astype(np.int8), f"{tensor.name}_8"))
        graph.initializer.append(numpy_helper.from_array(scale, f"{tensor.name}_scale"))
        first.append(helper.make_node("Cast", [f"{tensor.name}_8"], [f"{tensor.name}_wide"], to=TensorProto.FLOAT))
        first.append(helper.make_node("Mul", [f"{tensor.name}_wide", f"{tensor.name}_scale"], [tensor.name]))
    nodes = [*first, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    return model
