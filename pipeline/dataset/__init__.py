"""Extracted shards → the tables of the dataset, the quarantine and the manifest."""

from pipeline.dataset.build import Built, build_dataset
from pipeline.dataset.manifest import write_manifest

__all__ = ["Built", "build_dataset", "write_manifest"]
