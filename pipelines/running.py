"""Runs the asset graph in this process, once, and sums up what came of it.

The order of a run is the graph in `assets.py`; this is only the door through which the command line enters it.
"""

from __future__ import annotations

import contextlib
import gc
import re
import shutil
import sqlite3
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipelines import dagster_home, interrupts, lock, progress
from pipelines.printing import on_one_line
from pipelines.settings import Settings, from_here
from pipelines.stages import LOG

STOPPED = "stopped; what was read is kept, and the next run goes on from there"
_NO_MEMORY = re.compile(r"OutOfMemoryException|Out of Memory Error|failed to pin block")
_NO_ROOM = re.compile(r"No space left|File too large|disk is full|disk I/O error|Disk quota exceeded")


class RunFailed(RuntimeError):
    """The run published nothing; the message says why and what to do."""


class RunInterrupted(RuntimeError):
    """Somebody stopped the run."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a run is asked to do; the assets say what each means."""

    pages: list[str]
    as_of: str | None = None
    rebuild: bool = False
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run did, for people and for monitoring. Times in seconds."""

    database: str
    parquet: str
    is_new: bool
    files: int
    files_unchanged: int
    pages_read: int
    new_pages: int
    not_read: int
    rows: dict[str, int]
    messages: list[str]
    seconds: float
    own_seconds: float
    stages: dict[str, float]

    def as_dict(self) -> dict[str, Any]:
        """Everything, as JSON takes it."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def text(self) -> str:
        """A few lines for people."""
        unchanged = f"; {self.files_unchanged:,} of {self.files:,} files unchanged" if self.files_unchanged else ""
        lines = [f"pages: {self.pages_read:,} read, {self.new_pages:,} new{unchanged}"]
        counted = ("evaluations", "recommendations", "lessons", "good_practices", "action_items", "problems")
        lines.append("rows: " + ", ".join(f"{self.rows[name]:,} {name}" for name in counted))
        lines += [on_one_line(message) for message in self.messages]
        if self.is_new:
            lines += [f"made: {self.database}", f"      {self.parquet}/<table>.parquet, {len(self.rows)} tables"]
        else:
            lines.append(f"nothing new: {self.database} is as it was")
        others = self.seconds - self.own_seconds
        lines.append(f"time: {self.seconds:.1f} s, of which {self.own_seconds:.1f} s our work, {others:.1f} s Dagster")
        return "\n".join(lines)


def run(knobs: Settings, asked: Asked, verbose: bool, started: float, run_id: str) -> Summary:
    """Execute the graph. `started` is when the process began, by time.perf_counter.

    Raises RunFailed and RunInterrupted.
    """
    try:
        lock.hold(knobs.warehouse, lambda words: print(words, file=sys.stderr))
        home = dagster_home.prepare(knobs)
    except OSError as error:
        raise RunFailed(f"{knobs.warehouse} cannot be written: {error.strerror}") from error
    progress.show()
    # A short process with few cycles: at its usual pace the collector takes a tenth of the run.
    gc.set_threshold(200_000)
    import dagster as dg
    from sqlalchemy.exc import SQLAlchemyError  # of what Dagster keeps its history in

    own_imports = time.perf_counter()
    from pipelines.definitions import JOB_NAME, defs
    from pipelines.publication import published
    from pipelines.warehouse import drop_staged

    own = time.perf_counter() - own_imports
    config = {
        "loggers": {"console": {"config": {"log_level": "INFO" if verbose else "CRITICAL"}}},
        "ops": {
            "page_store": {"config": {"pages": asked.pages, "as_of": asked.as_of, "rebuild": asked.rebuild}},
            "tables": {"config": {"rebuild": asked.rebuild}},
            "checks": {"config": {"strict": asked.strict}},
        },
    }
    before = published(knobs)
    try:
        with (
            interrupts.held_back(),  # Dagster's own work is short; broken off, SQLAlchemy prints tracebacks of it
            _interrupts_left_to_us(),
            dagster_home.engines_kept(),
            dg.DagsterInstance.get() as instance,
            dagster_home.held_open(home, run_id),
        ):
            job = defs.resolve_job_def(JOB_NAME)
            result = job.execute_in_process(config, instance=instance, raise_on_error=False, run_id=run_id)
    except (OSError, sqlite3.Error, SQLAlchemyError) as error:
        cause = getattr(error, "orig", None) or error
        _raise_if_full(knobs, str(cause))
        raise RunFailed(
            f"{home} cannot be used ({cause}); make it writable or, if it is damaged, delete it: it is only the "
            "history of runs"
        ) from error
    finally:
        drop_staged(knobs)  # of a run that has failed
    if interrupts.came():
        raise RunInterrupted(STOPPED)
    if not result.success:
        why = _why(result)
        _raise_if_full(knobs, why)
        raise RunFailed(why)
    after = published(knobs)
    assert after is not None
    return Summary(
        database=str(from_here(knobs.database)),
        parquet=str(from_here(knobs.parquet)),
        is_new=asked.rebuild or before is None or before.inputs != after.inputs,
        files=LOG.facts["files"],
        files_unchanged=LOG.facts["files_unchanged"],
        pages_read=LOG.facts["pages_read"],
        new_pages=LOG.facts["new_pages"],
        not_read=LOG.facts["not_read"],
        rows={name: table.rows for name, table in after.tables.items()},
        messages=LOG.messages,
        seconds=round(time.perf_counter() - started, 3),
        own_seconds=round(own + sum(LOG.seconds.values()), 3),
        stages={name: round(seconds, 3) for name, seconds in LOG.seconds.items()},
    )


@contextlib.contextmanager
def _interrupts_left_to_us() -> Iterator[None]:
    """Let Dagster do with our means what it does with its own handlers, which would hear of interrupts in our stead.

    It lets them wait while it works itself, and raises them while our code runs.
    """
    from dagster._core import errors
    from dagster._core.execution import api

    with contextlib.ExitStack() as stack:
        for module, name, ours in (
            (api, "capture_interrupts", interrupts.held_back),
            (errors, "raise_interrupts_as", interrupts.let_through),
        ):
            stack.callback(setattr, module, name, getattr(module, name))
            setattr(module, name, ours)
        yield


def _raise_if_full(knobs: Settings, reason: str) -> None:
    """Raise RunFailed if a run failed because there was no more memory or disk, which everybody says in own words."""
    if _NO_MEMORY.search(reason):
        raise RunFailed(
            f"DuckDB needs more memory than IEVAL_MEMORY_LIMIT ({knobs.memory_limit}) allows: set it to more, such as "
            "IEVAL_MEMORY_LIMIT=4GB, and run again; what was read is kept, and what was published before is as it was"
        )
    if _NO_ROOM.search(reason):
        free = shutil.disk_usage(knobs.warehouse).free
        raise RunFailed(
            f"no space is left for {from_here(knobs.warehouse)} ({free / 1e6:,.0f} MB are free): nothing was "
            "published, and what was published before is as it was; make room and run again"
        )


def _is_interrupt(error: Any) -> bool:
    """Whether an error or its cause is Ctrl-C, as Dagster says it, or DuckDB, which hears of it first in a query."""
    names = {error.cls_name, error.cause.cls_name if error.cause else None}
    is_query = error.cause is not None and "Query interrupted" in error.cause.message
    return is_query or not names.isdisjoint(
        {"DagsterExecutionInterruptedError", "KeyboardInterrupt", "InterruptException"}
    )


def _why(result: Any) -> str:
    """The first failure of a run in words: our own message where we raised it, else the error's class and message."""
    for event in result.all_events:
        if event.is_step_failure:
            data = event.step_failure_data
            if data.error is not None and _is_interrupt(data.error):
                raise RunInterrupted(STOPPED)
            if data.user_failure_data is not None:
                return str(data.user_failure_data.description)
            failed = [message for message in LOG.messages if message.startswith("check error")]
            if failed:
                return "\n".join(["nothing was published, for these checks fail:", *failed])
            cause = data.error.cause or data.error
            return f"{event.step_key}: {cause.message.strip()}\n(run it with --verbose for the whole story)"
    return "the run failed; run it with --verbose for the whole story"
