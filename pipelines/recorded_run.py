"""Runs the asset graph as `running.py` does, tells the log about it, and keeps in the history what it came to.

Whatever ends a run, but being killed, leaves its line. How history and log are written does not belong here.
"""

from __future__ import annotations

import dataclasses
import sys
import time
import uuid

from pipelines import history, interrupts, run_log, running
from pipelines.history import RunEntry
from pipelines.printing import printable
from pipelines.running import Asked, RunFailed, RunInterrupted, Summary
from pipelines.settings import Settings
from pipelines.stages import LOG


def run(knobs: Settings, asked: Asked, verbose: bool, started: float) -> Summary:
    """Execute the graph once. `started` is when the process began, by time.perf_counter.

    Raises RunFailed, which has published nothing, and RunInterrupted.
    """
    form: run_log.Format | None = knobs.log_format or ("text" if verbose else None)
    begun = RunEntry(str(uuid.uuid4()), "ieval run", history.now())
    LOG.reset()
    # Whatever comes while the history is written, its lines are written.
    with interrupts.held_back(), run_log.written(form, begun.run_id) as log:
        try:
            history.keep(knobs.history, begun)
        except OSError as error:
            raise RunFailed(f"{knobs.warehouse} cannot be written: {error.strerror}") from error
        try:
            with interrupts.let_through():
                summary = running.run(knobs, asked, verbose, started, begun.run_id)
        except BaseException as error:
            is_stopped = isinstance(error, RunInterrupted | KeyboardInterrupt) or interrupts.came()
            outcome, code = ("stopped", interrupts.EXIT_CODE) if is_stopped else ("failed", 1)
            reason = running.STOPPED if is_stopped else str(error) or type(error).__name__
            _end(knobs, begun, started, log, code, outcome, None, reason)
            if is_stopped:
                raise RunInterrupted(running.STOPPED) from error
            raise
        counts = {name: getattr(summary, name) for name in history.COUNTS}
        not_read = f"{summary.not_read} files could not be read" if summary.not_read else None
        outcome = "published" if summary.is_new else "nothing new"
        _end(knobs, begun, started, log, 1 if summary.not_read else 0, outcome, counts, not_read)
    return summary


def _end(
    knobs: Settings,
    begun: RunEntry,
    started: float,
    log: run_log.RunLog | None,
    exit_code: int,
    outcome: str,
    counts: dict[str, int] | None,
    reason: str | None,
) -> None:
    seconds = round(time.perf_counter() - started, 3)
    entry = dataclasses.replace(
        begun,
        ended=history.now(),
        seconds=seconds,
        exit_code=exit_code,
        outcome=outcome,
        summary=counts,
        reason=reason,
    )
    if log:
        log.finish(entry)
    try:
        history.keep(knobs.history, entry)
    except OSError as error:  # such as a full disk: what became of the run is more important, and told by whoever asked
        print(f"{printable(str(knobs.history))} cannot be written: {error.strerror}", file=sys.stderr)
