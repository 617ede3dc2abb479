"""How well decisions are read: what Redress finds, set against what a person marked."""

from pipeline.evaluate.cli import command
from pipeline.evaluate.gold import BadGold, Gold, load_gold
from pipeline.evaluate.score import Item, Measure, Report, Result, evaluate

__all__ = ["BadGold", "Gold", "Item", "Measure", "Report", "Result", "command", "evaluate", "load_gold"]
