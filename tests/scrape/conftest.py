"""A replica on a free port, for every test of the scraper."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import pytest

from pipeline.scrape.replica import Published, Replica, generated


@pytest.fixture
def serve() -> Iterator[Callable[..., Replica]]:
    """Starts replicas; they stop with the test. They keep silent for a second at most."""
    with ExitStack() as stack:

        def start(published: Sequence[Published] | int = 60, kinds: Sequence[str] = (), **settings: Any) -> Replica:
            found = generated(published) if isinstance(published, int) else published
            return stack.enter_context(Replica(found, kinds, **{"hang": 1.5, **settings}))

        yield start
