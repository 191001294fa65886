"""Says what a run is doing: named stages with progress and time, for whoever listens.

The assets announce their stages here and know nothing of terminals; the command line listens and draws a bar. What the
stages do does not belong here.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field


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
    page_ids: set[str] = field(default_factory=set)

    def reset(self) -> None:
        """Forget what an earlier run in this process did."""
        for collection in (self.seconds, self.messages, self.facts, self.page_ids):
            collection.clear()


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
        LOG.seconds[name] = LOG.seconds.get(name, 0.0) + time.perf_counter() - started
