"""run.json: what a dataset was made with, from what, and what came out.

It is written last: without it, a dataset is not whole.
"""

from __future__ import annotations

import json
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pipeline import __version__
from pipeline.classify.models import models_digest
from pipeline.corpus import digest
from pipeline.dataset.build import Built
from pipeline.shards import written

MANIFEST = "run.json"


def write_manifest(
    out: Path, built: Built, inputs: int, passed_over: dict[str, int], seconds: dict[str, float]
) -> dict[str, Any]:
    """Writes `out/run.json` and returns its content. Seconds are the only values that differ between equal runs."""
    packages = ("spacy", "scikit-learn", "pandas", "pyarrow", "lxml", "beautifulsoup4")
    manifest = {
        "versions": {
            "redress": __version__,
            "python": platform.python_version(),
            **{name: version(name) for name in packages},
        },
        "digests": {"rules": digest("rules"), "taxonomy": digest("taxonomy"), "models": models_digest()},
        "inputs": inputs,
        "passed_over": passed_over,
        "decisions": built.rows["decisions"],
        "quarantined": built.quarantined,
        "rows": built.rows,
        "seconds": {stage: round(value, 3) for stage, value in seconds.items()},
        "source": (
            "Contains decisions of the Local Government and Social Care Ombudsman, "
            "© Commission for Local Administration in England."
        ),
    }
    with written(out / MANIFEST) as temporary:
        temporary.write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return manifest


def withdraw_manifest(out: Path) -> None:
    """Says that the dataset in `out` is being rewritten, and removes what a killed run left of its manifest."""
    for path in (out / MANIFEST, *out.glob(f".{MANIFEST}.*.tmp")):
        path.unlink(missing_ok=True)
