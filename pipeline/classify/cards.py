"""Model cards: one Markdown file a model, made from what was measured and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.classify.data import MULTI

WHAT = {
    "category": ("the category of a decision, ten of them", "the body of the decision"),
    "subcategory": ("the subcategory of a decision, the second level of its category", "the body of the decision"),
    "decision": ("the outcome: Upheld, Not upheld or Closed after initial enquiries", "summary and final decision"),
    "finding": ("whether a sentence finds fault, finds no fault, or neither", "one sentence"),
    "fault_types": ("the kinds of fault, several at once", "a sentence that finds fault"),
    "injustice_types": ("the kinds of injustice, several at once", "the paragraph of a finding of fault"),
    "remedy_types": ("the kinds of remedy, several at once", "one remedy, a bullet or clause"),
    "payment_purposes": ("what a payment is for, several at once", "a payment, and what the rules say it is for"),
    "amount_reasons": ("why a sum in the text is no payment", "a sum with its sentence, and what the rules say of it"),
}
ORIGINS = {
    "decisions": "whole fictional decisions that ship, each held out",
    "summaries": "summaries written by hand for training",
    "sentences": "sentences written by hand for training",
    "remedies": "remedies written by hand for training",
    "reviewed": "rows that a person reviewed",
    "later decisions": "scraped decisions later than all it learnt from",
    "other organisations": "scraped decisions of organisations it never saw",
}


def write_cards(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Writes `NAME.md` beside each model of a manifest, and removes the cards of models that are gone."""
    for path in folder.glob("*.md"):
        if path.stem in WHAT:
            path.unlink()
    for name in manifest["metrics"]:
        (folder / f"{name}.md").write_text(card(name, manifest), encoding="utf-8")


def card(name: str, manifest: Mapping[str, Any]) -> str:
    """The card of one model, shipped or not."""
    metrics, entry = manifest["metrics"][name], manifest["models"].get(name)
    predicts, reads = WHAT[name]
    lines = [f"# Model card: {name}", ""]
    lines += [f"Predicts {predicts}. Reads {reads}, never the header.", ""]
    lines += [_verdict(entry, manifest["verdicts"][name]), ""]
    if entry:
        lines += [f"- File: `{entry['file']}`, SHA-256 `{entry['sha256']}`"]
        lines += [f"- Below a probability of {entry['threshold']:g} it says nothing."]
    lines += [f"- Learnt from {metrics['examples']:,} texts ({manifest['source']}). Seed {manifest['seed']}."]
    made = ", ".join(f"{package} {version}" for package, version in manifest["versions"].items())
    lines += [f"- Measured by {metrics['measured']}.", f"- Made with {made}.", ""]
    for origin, m in metrics["by_origin"].items():
        lines += [f"## On {ORIGINS.get(origin, origin)}", ""]
        lines += _measures(m) if m["n"] else ["Nothing to measure.", ""]
    if rules := manifest["rules"].get(name):
        lines += ["## Beside the rules", "", *_rules(rules)]
    lines += ["## Intended use", "", *_use(name), "", "## Limits", "", *_limits(name, manifest["source"])]
    return "\n".join(lines).rstrip() + "\n"


def _verdict(entry: Any, why: str) -> str:
    return f"**Ships**: {why}." if entry else f"**Does not ship**: {why}."


def _measures(m: Mapping[str, Any]) -> list[str]:
    lines = [f"{m['n']:,} texts in {m['groups']:,} groups.", ""]
    lines += ["| measure | value | 95 % interval |", "| --- | --- | --- |"]
    key = "accuracy" if "accuracy" in m else "micro_f1"
    base = f"| simplest baseline (always “{m['baseline']['always']}”) | {m['baseline'][key]:.3f} | |"
    if "accuracy" in m:
        lines += [f"| accuracy, all | {m['accuracy']:.3f} | {_interval(m['interval'])} |"]
        lines += [f"| answered | {m['answered']:.3f} | |"]
        if m["accuracy_answered"] is not None:
            lines += [
                f"| accuracy where it answers | {m['accuracy_answered']:.3f} | {_interval(m['interval_answered'])} |"
            ]
    else:
        lines += [f"| micro F1 | {m['micro_f1']:.3f} | {_interval(m['interval'])} |"]
        lines += [f"| precision, recall | {m['precision']:.3f}, {m['recall']:.3f} | |"]
        lines += [f"| all labels right | {m['exact']:.3f} | |"]
    lines += [f"| macro F1 | {m['macro_f1']:.3f} | |", base]
    lines += [f"| calibration error (ECE) | {m['calibration']['ece']:.3f} | |", ""]
    lines += ["| label | precision | recall | F1 | support |", "| --- | --- | --- | --- | --- |"]
    lines += [
        f"| {label} | {_share(c['precision'])} | {_share(c['recall'])} | {c['f1']:.3f} | {c['support']} |"
        for label, c in m["classes"].items()
    ]
    lines += ["", "| probability said | texts | mean said | came true |", "| --- | --- | --- | --- |"]
    lines += [
        f"| {b['from']:.1f} to {b['from'] + 0.1:.1f} | {b['n']} | {b['said']:.3f} | {b['true']:.3f} |"
        for b in m["calibration"]["bins"]
    ]
    if "confusion" in m:
        wrong = [(n, t, g) for t, row in m["confusion"].items() for g, n in row.items() if t != g]
        lines += ["", "Confusions (true → said), most frequent first:", ""]
        wrong.sort(key=lambda one: (-one[0], one[1], one[2]))
        lines += [f"- {t} → {g}: {n}" for n, t, g in wrong[:15]] or ["- none"]
    return [*lines, ""]


def _rules(rules: Mapping[str, Any]) -> list[str]:
    lines = [
        f"The rules alone, and rules and model together, on {rules['decisions']} decisions. Neither the model nor the",
        "weights that join the two saw the decision that they judge.",
        "",
    ]
    lines += ["| measure | rules alone | together |", "| --- | --- | --- |"]
    lines += [f"| {name} | {value:.3f} | {rules['combined'][name]:.3f} |" for name, value in rules["rules"].items()]
    said = "" if rules["used"] else "Together they are not better: the rules speak alone."
    return [*lines, "", *([said, ""] if said else [])]


def _use(name: str) -> list[str]:
    if name in ("category", "subcategory", "decision"):
        return [
            "Filling in what a page without a header does not print, finding pages whose header and body disagree, and",
            "counting in bulk. The columns `*_predicted` stand beside what is printed and never replace it.",
        ]
    return [
        "A second witness beside the rules (`pipeline/classify/combine.py`), in words that no rule has met; and",
        "sorting sentences for a person to review.",
    ]


def _limits(name: str, source: str) -> list[str]:
    lines = []
    if source.startswith("shipped"):
        lines += [
            "- Learnt from fictional texts by a few hands: real decisions may score lower. For research, train on a",
            "  scraped corpus.",
            "- The intervals are wide: see the support of each label before relying on it.",
        ]
    lines += ["- English decisions of one ombudsman; a change of its wording shows in `redress monitor`, not here."]
    if name == "decision":
        lines += [
            "- Some pages are printed Upheld and say “we will not investigate”: it reads the words, and differs from",
            "  the print.",
        ]
    if name in MULTI:
        lines += ["- Rare labels have few examples; a label it does not give is not proof of absence."]
    return [*lines, "- Not for judging a council, a provider or a person on one decision."]


def _interval(pair: Any) -> str:
    return "" if pair is None else f"{pair[0]:.3f} to {pair[1]:.3f}"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
