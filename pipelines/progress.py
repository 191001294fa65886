"""Draws the stages of this process as a bar on stderr, if that is a terminal: how much is done, how fast, how long yet.

What the stages are is said where they are announced (`stages.py`); what they do does not belong here.
"""

from __future__ import annotations

import sys
from typing import Any

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from pipelines.printing import console
from pipelines.stages import LOG, Listener


def show() -> None:
    """Listen to the stages that are announced from now on, where somebody is looking and nothing else listens."""
    if sys.stderr.isatty() and type(LOG.listener) is Listener:
        LOG.listener = _Bar()


class _SpeedColumn(ProgressColumn):
    """How many pages, tables or checks a second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:,.0f}/s" if task.speed else "", style="progress.data.speed")


class _Bar(Listener):
    """A progress bar on stderr."""

    def __init__(self) -> None:
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            _SpeedColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
        )
        self.progress = Progress(*columns, console=console(sys.stderr), transient=True)
        self.task: Any = None

    def begin(self, name: str, total: int | None) -> None:
        self.progress.start()
        self.task = self.progress.add_task(name, total=total)

    def advance(self, count: int) -> None:
        self.progress.advance(self.task, count)

    def end(self) -> None:
        self.progress.remove_task(self.task)
        self.progress.stop()
