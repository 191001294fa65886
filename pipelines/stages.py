"""Says what a run is doing: named stages with progress and time, for whoever listens.

The assets announce their stages here and know nothing of terminals; the command line listens and draws a bar. What the
stages do does not belong here.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa


class Listener:
    """Hears of stages; this one does nothing. `total` is None where nobody can know it."""

    def begin(self, name: str, total: int | None) -> None:
        """A stage begins."""

    def advance(self, count: int) -> None:
        """So many more units of the stage are done."""

    def end(self) -> None:
        """The stage is over, well or not."""


@dataclass(slots=True)
class Log:
    """The stages of this process so far: how long each took, and what they have to say."""

    listener: Listener = field(default_factory=Listener)
    seconds: dict[str, float] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)
    facts: dict[str, int] = field(default_factory=dict)
    #: The pages that the run was given, new or known.
    page_ids: pa.ChunkedArray[Any] = field(default_factory=lambda: pa.chunked_array([], pa.string()))

    def reset(self) -> None:
        """Forget what an earlier run in this process did."""
        for collection in (self.seconds, self.messages, self.facts):
            collection.clear()
        self.page_ids = pa.chunked_array([], pa.string())


LOG = Log()


@contextlib.contextmanager
def stage(name: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """Announce a stage; yields a function that reports progress."""
    started = time.perf_counter()
    LOG.listener.begin(name, total)
    try:
        yield LOG.listener.advance
    finally:
        LOG.listener.end()
        # What Arrow had for this stage is of no use to the next, and DuckDB, which comes next, could use it.
        pa.default_memory_pool().release_unused()
        LOG.seconds[name] = LOG.seconds.get(name, 0.0) + time.perf_counter() - started
