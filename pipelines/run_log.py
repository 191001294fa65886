"""Writes a run as lines of a log on stderr, for a journal or a collector: as text, or as one JSON object a line.

One line a stage, with the id of the run; messages at their level. Text of pages and names of files may be in it, and
can neither begin a line of its own nor move a cursor. What the stages are is said where they are announced.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Iterator
from typing import Literal, TextIO

from pipelines.history import RunEntry, in_a_line, now
from pipelines.printing import on_one_line
from pipelines.stages import LOG, Listener

Format = Literal["text", "json"]
Level = Literal["INFO", "WARNING", "ERROR"]


def level_of(message: str) -> Level:
    """How grave something is that a stage has to say."""
    if message.startswith(("not read:", "check error")):
        return "ERROR"
    return "INFO" if message.startswith("passed over:") else "WARNING"


class RunLog(Listener):
    """Listens to the stages of a run and writes what they did and had to say."""

    def __init__(self, form: Format, run_id: str, file: TextIO) -> None:
        self._form, self._run_id, self._file = form, run_id, file
        self._told = 0  # of the messages
        self._stage, self._total, self._count, self._began = "", None, 0, 0.0

    _total: int | None

    def begin(self, name: str, total: int | None) -> None:
        """A stage begins."""
        self._tell_messages()
        self._stage, self._total, self._count, self._began = name, total, 0, time.perf_counter()

    def advance(self, count: int) -> None:
        """So many more units of the stage are done."""
        self._count += count

    def end(self) -> None:
        """The stage is over: tell it; one that broke off has done less than its total."""
        seconds = round(time.perf_counter() - self._began, 3)
        done = f", {self._count:,}" + (f" of {self._total:,}" if self._total is not None else "")
        words = f"{self._stage}: {seconds:.3f} s" + (done if self._total or self._count else "")
        self.tell("INFO", "stage", words, stage=self._stage, seconds=seconds, done=self._count, total=self._total)
        self._tell_messages()

    def finish(self, entry: RunEntry) -> None:
        """The run is over."""
        self._tell_messages()
        facts = dict(entry.summary or {})
        words = f"run {entry.outcome} after {entry.seconds} s"
        words += f", {facts['pages_read']:,} pages read, {facts['new_pages']:,} new" if facts else ""
        words += f": {in_a_line(entry.reason)}" if entry.reason else ""
        self.tell(
            "ERROR" if entry.exit_code else "INFO",
            "run",
            words,
            outcome=entry.outcome,
            exit_code=entry.exit_code,
            seconds=entry.seconds,
            **facts,
        )

    def _tell_messages(self) -> None:
        for message in LOG.messages[self._told :]:
            self.tell(level_of(message), "message", message)
        self._told = len(LOG.messages)

    def tell(self, level: Level, event: str, words: str, **facts: str | float | None) -> None:
        """Write one line."""
        if self._form == "json":
            entry = {"time": now(), "level": level, "run_id": self._run_id, "event": event, "message": words, **facts}
            # Escapes everything but DEL, which is ASCII.
            line = json.dumps(entry, allow_nan=False).replace("\x7f", "\\u007f")
        else:
            line = f"{now()} {level} {self._run_id} {on_one_line(words)}"
        self._file.write(line + "\n")
        self._file.flush()


@contextlib.contextmanager
def written(form: Format | None, run_id: str) -> Iterator[RunLog | None]:
    """Listen to the stages that are announced inside, in this form; with None nothing is written."""
    if form is None:
        yield None
        return
    before = LOG.listener
    LOG.listener = log = RunLog(form, run_id, sys.stderr)
    try:
        yield log
    finally:
        LOG.listener = before
