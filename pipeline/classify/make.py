"""`redress train`: trains all models, decides which ship, and writes them with their manifest and cards."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.classify.cards import write_cards
from pipeline.classify.data import MULTI, NAMES
from pipeline.classify.models import MANIFEST, manifest, save
from pipeline.classify.network import load_network, network_digest
from pipeline.classify.train import (
    Trained,
    corpus_digest,
    gold_pairs,
    read_printed,
    train_printed,
    train_shipped,
    versions,
)
from pipeline.classify.weigh import weigh
from pipeline.evaluate.gold import Gold
from pipeline.values import Decision

WHOLE = ("category", "subcategory", "decision")
_CLOSED = re.compile(
    r"\b(?:will|do|can|could|should) ?not (?:now )?(?:investigate|look into|consider|pursue)|\bcannot investigate",
    re.IGNORECASE,
)


def make_models(
    corpus: Path,
    out: Path,
    records: Path | None = None,
    sample: int = 20_000,
    seed: int = 0,
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Trains from what ships, and with `records` the models of whole decisions from printed headers; the manifest.

    The same corpus, records, sample and seed give the same files. Raises StageError when `records` holds no shards.
    """
    trained = train_shipped(corpus, seed, say)
    weighing = gold_pairs(corpus / "decisions" / "weighing")
    network = load_network(out)
    weights, rules = weigh(weighing, {n: t.model for n, t in trained.items()}, network, say) if weighing else ({}, {})
    if training := gold_pairs(corpus / "decisions" / "training"):
        rules["decision"] = outcome_by_rules(training, trained["decision"])
    source = f"shipped texts {corpus_digest(corpus)[:16]}"
    if records is not None:
        printed, total = read_printed(records, sample, seed, lambda n: None)
        say(f"{records}: {len(printed):,} of {total:,} decisions drawn")
        learnt = {}
        for name in WHOLE:
            if made := train_printed(name, printed, corpus, seed):
                learnt[name] = made
                say(f"{name}: {made.metrics['examples']:,} printed headers")
        trained.update(learnt)
        if learnt:
            rules.pop("decision", None)
            source = f"scraped: {len(printed)} of {total} decisions for {', '.join(learnt)}; the rest from {source}"
        else:
            say("no model was trained from these records: too few print a category or a decision")
    verdicts = {name: verdict(name, t, rules.get(name)) for name, t in trained.items()}
    ships = [t.model for name, t in trained.items() if verdicts[name][0]]
    save(
        out,
        ships,
        {
            "seed": seed,
            "source": source,
            "versions": versions(),
            "combine": weights,
            "network": network_digest(out),
            "verdicts": {name: why for name, (_, why) in verdicts.items()},
            "rules": rules,
            "metrics": {name: t.metrics for name, t in trained.items()},
            "models": {},
        },
    )
    made_manifest = manifest(out)
    wanted = {entry["file"] for entry in made_manifest["models"].values()}
    for path in out.glob("*.skops"):
        if path.name not in wanted:
            path.unlink()
    write_cards(out, made_manifest)
    say(f"{out / MANIFEST}: {len(ships)} of {len(NAMES)} models ship")
    return made_manifest


def outcome_by_rules(gold: Sequence[tuple[Decision, Gold]], trained: Trained) -> dict[str, Any]:
    """The decision as rules alone tell it (a closing phrase, else whether fault was found), beside the model's."""
    from pipeline.extract import extract

    hits = count = 0
    for decision, marked in gold:
        if "decision" not in marked.header:
            continue
        count += 1
        ending = decision.summary or decision.text[-1_500:]
        fault = any(f.polarity == "fault" for f in extract(decision).findings)
        said = "Closed after initial enquiries" if _CLOSED.search(ending) else "Upheld" if fault else "Not upheld"
        hits += said == marked.header["decision"]
    model = trained.metrics["by_origin"]["decisions"]["accuracy"]
    return {
        "rules": {"decision": round(hits / max(count, 1), 4)},
        "combined": {"decision": model},
        "decisions": count,
        "used": model > hits / max(count, 1),
    }


def verdict(name: str, trained: Trained, rules: Mapping[str, Any] | None) -> tuple[bool, str]:
    """Whether a model ships, and why: it must beat the simplest baseline, and the rules alone where they can say it."""
    measured = [m for m in trained.metrics["by_origin"].values() if m["n"]]
    whole = [trained.metrics["by_origin"].get("decisions", {"n": 0})]
    key = "micro_f1" if name in MULTI else "accuracy"
    judged = whole if whole[0]["n"] else measured
    if not judged:
        return False, "nothing to measure it on"
    if not all(m[key] > m["baseline"][key] for m in judged):
        return False, "it does not beat the simplest baseline on held-out decisions"
    if rules is not None:
        both = [
            f"{key} {rules['combined'][key]:.3f} ({value:.3f} by rules alone)"
            for key, value in list(rules["rules"].items())[:2]
        ]
        return rules["used"], "held out, " + ", ".join(both)
    value, base = judged[0][key], judged[0]["baseline"][key]
    return True, f"{key.replace('_', ' ')} {value:.3f} on held-out decisions, {base:.3f} by the simplest baseline"
