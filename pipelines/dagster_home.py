"""Gives Dagster a home inside the warehouse, with its telemetry off. Must happen before `import dagster`.

Dagster reads DAGSTER_HOME when it is imported and phones home unless the dagster.yaml in it says otherwise. What
Dagster runs does not belong here.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipelines.settings import Settings

_DAGSTER_YAML = """\
# Written by ieval. Nothing leaves this machine: no telemetry, no newsletter pop-up.
telemetry:
  enabled: false
nux:
  enabled: false
# What happens is in the event log; capturing stdout as well would start two processes a step.
compute_logs:
  module: dagster._core.storage.noop_compute_log_manager
  class: NoOpComputeLogManager
"""


def prepare(knobs: Settings) -> Path:
    """Create Dagster's home, unless DAGSTER_HOME names another, and return it. It must be an absolute path."""
    home = knobs.dagster_home
    os.environ["DAGSTER_HOME"] = str(home)
    home.mkdir(parents=True, exist_ok=True)
    config = home / "dagster.yaml"
    if not config.exists():
        config.write_text(_DAGSTER_YAML, encoding="utf-8")
    return home


@contextlib.contextmanager
def held_open(home: Path, run_id: str) -> Iterator[None]:
    """Keep Dagster's SQLite files open during a run.

    Dagster connects anew for every event, and SQLite writes its log back into the file whenever the last connection
    closes. While one more is open it does not, which spares every run about a second.
    """
    runs = home / "history" / "runs"
    with contextlib.ExitStack() as stack:
        for path in (home / "history" / "runs.db", runs / "index.db", runs / f"{run_id}.db"):
            if path.parent.is_dir():
                connection = stack.enter_context(contextlib.closing(sqlite3.connect(path)))
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        yield


@contextlib.contextmanager
def engines_kept() -> Iterator[None]:
    """Let Dagster have one SQLAlchemy engine for each of its SQLite files, where it makes one for every event.

    Every engine compiles every statement anew, and every commit waits for the disk: a second of each run. The files are
    only the history of runs; after a power cut the last events may be missing from them, and they are whole.
    """
    import sqlalchemy
    from dagster._core.storage.event_log.sqlite import sqlite_event_log
    from dagster._core.storage.runs.sqlite import sqlite_run_storage

    engines: dict[str, sqlalchemy.Engine] = {}

    def create_engine(address: str, **options: Any) -> sqlalchemy.Engine:
        if address not in engines:
            engines[address] = sqlalchemy.create_engine(address, **options)
            sqlalchemy.event.listen(engines[address], "connect", _leave_the_disk_its_time)
        return engines[address]

    with contextlib.ExitStack() as stack:
        for module in (sqlite_event_log, sqlite_run_storage):
            stack.callback(setattr, module, "create_engine", module.create_engine)
            setattr(module, "create_engine", create_engine)  # noqa: B010 (it is no name that they export)
        yield


def _leave_the_disk_its_time(connection: sqlite3.Connection, _: object) -> None:
    connection.execute("PRAGMA synchronous = NORMAL")
