"""Decision → findings, remedies, payments, amounts and citations, by spaCy components and rules that are data.

The components are `redress_citations`, `redress_findings`, `redress_remedies` and `redress_payments`; each works in
anyone's pipeline (`nlp.add_pipe("redress_payments")`) and puts its spans into `doc.spans` under the key of its name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache

import spacy
from spacy.language import Language

from pipeline.extract.reading import Reading, reader_for
from pipeline.values import Decision, Extraction

COMPONENTS = ("redress_citations", "redress_findings", "redress_remedies", "redress_payments")


@cache
def pipeline() -> Language:
    """The blank English pipeline with the four components of Redress."""
    nlp = spacy.blank("en")
    nlp.max_length = 10**9  # a guard for parsers, which there are none of here
    for component in COMPONENTS:
        nlp.add_pipe(component)
    return nlp


def read(decision: Decision, told: Mapping[int, str] | None = None) -> Reading:
    """What the components find in a decision; `told` as for `extract`."""
    nlp = pipeline()
    reader = reader_for(nlp)
    doc = reader.doc(decision, told)
    for _, component in nlp.pipeline:
        doc = component(doc)
    return reader.reading(doc)


def extract(decision: Decision, told: Mapping[int, str] | None = None) -> Extraction:
    """Everything found in a decision, as spans of its text, in order.

    `told` says of sentences outside the outcome, by the offset at which they begin, what redress they tell: `made`,
    `offered`, or `none`; of the others the rules say it themselves.
    """
    return _extraction(read(decision, told))


def extract_all(decisions: Iterable[Decision]) -> list[Extraction]:
    """The extraction of each decision."""
    return [extract(decision) for decision in decisions]


def _extraction(reading: Reading) -> Extraction:
    return Extraction(
        findings=tuple(reading.findings),
        remedies=tuple(reading.remedies),
        payments=tuple(reading.payments),
        amounts=tuple(reading.amounts),
        citations=tuple(reading.citations),
        candidates=tuple(reading.candidates),
        injustice_told=reading.injustice_told,
    )
