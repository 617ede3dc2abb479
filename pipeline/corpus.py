"""Where the corpus (taxonomy, rules, layouts, decisions) lives, and how its YAML is read."""

from __future__ import annotations

import hashlib
import os
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_HERE = Path(__file__).resolve().parent


@cache
def corpus_folder() -> Path:
    """The folder of taxonomy, rules and layouts: REDRESS_CORPUS if set, else the one of this checkout."""
    named = os.environ.get("REDRESS_CORPUS")
    folder = Path(named) if named else _HERE.parent / "corpus"
    if not (folder / "taxonomy").is_dir():
        raise FileNotFoundError(f"{folder} holds no taxonomy/: set REDRESS_CORPUS to the corpus folder of Redress")
    return folder


def load_yaml(path: Path) -> Any:
    """The content of one YAML file. Raises ValueError that names the file when it is not YAML."""
    try:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        return yaml.load(path.read_text(encoding="utf-8"), Loader=loader)
    except yaml.YAMLError as error:
        raise ValueError(f"{path}: not valid YAML: {error}") from error


@cache
def codes(name: str) -> dict[str, str]:
    """Code → definition of one list of the taxonomy (`fault_types`, `remedy_types`, …)."""
    entries = load_yaml(corpus_folder() / "taxonomy" / f"{name}.yaml")
    return {entry["code"]: entry["definition"] for entry in entries}


def digest(folder: str) -> str:
    """SHA-256 over the names and bytes of the YAML files of one corpus folder, so a run can say what it used."""
    sha = hashlib.sha256()
    root = corpus_folder() / folder
    for path in sorted(root.rglob("*.yaml")):
        sha.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return sha.hexdigest()
