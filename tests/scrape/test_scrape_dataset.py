"""From the site to the dataset: the rows of scraped pages are those of the same decisions from text files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
from scraping import run

from pipeline.scrape.months import months_between
from pipeline.scrape.replica import Replica, shipped
from pipeline.stages import find_inputs, run_all

CORPUS = Path(__file__).resolve().parents[2] / "corpus" / "decisions" / "development"
# Where a decision came from; and that its numbers were read in the markup, not rebuilt.
OF_THE_SOURCE = ["url", "source_file", "sha256", "numbering"]


def test_scraped_decisions_give_the_rows_of_their_text(serve: Callable[..., Replica], tmp_path: Path) -> None:
    replica = serve(shipped(CORPUS))
    dates = sorted(one.day for one in replica.published.values())
    run(replica, tmp_path / "raw", months_between(dates[0], dates[-1]))
    run_all(find_inputs(tmp_path / "raw"), tmp_path / "scraped", 1, None)
    run_all(find_inputs(CORPUS), tmp_path / "texts", 1, None)

    def table(folder: str, name: str) -> pd.DataFrame:
        return pd.read_parquet(tmp_path / folder / name)

    scraped, texts = table("scraped", "decisions"), table("texts", "decisions")
    both = set(scraped.decision_id) & set(texts[texts.source_file.str.endswith(".txt")].decision_id)
    assert len(both) > 30
    assert scraped.url.str.startswith("https://www.lgo.org.uk/decisions/").all()
    for name in ("decisions", "paragraphs", "findings", "remedies", "payments", "amounts", "citations"):
        one, other = (
            frame[frame.decision_id.isin(both)]
            .drop(columns=[c for c in OF_THE_SOURCE if c in frame])
            .reset_index(drop=True)
            for frame in (table("scraped", name), table("texts", name))
        )
        pd.testing.assert_frame_equal(one, other)
