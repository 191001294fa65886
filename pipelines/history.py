"""Keeps what every run came to, as lines of JSON in `runs.jsonl` of the warehouse, and reads it back.

A run has a line when it begins and one when it ends, so that one that was killed is known by the missing second. A line
that is damaged is passed over: this is a diary, and nothing is made of it. What runs do does not belong here.
"""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from filelock import FileLock

#: How many runs are remembered; a run has at most two lines.
MOST_RUNS = 1_000
#: What is counted of a run.
COUNTS = ("files", "files_unchanged", "pages_read", "new_pages", "not_read")


@dataclass(frozen=True, slots=True)
class RunEntry:
    """A run; times are ISO 8601 in UTC. What is told at its end is None where it has not ended, or was killed."""

    run_id: str
    #: `ieval run`, or `Dagster` where its daemon or web page launched the run.
    launched_by: str
    started: str
    ended: str | None = None
    seconds: float | None = None
    #: As the command exits: 0, 1 where something is wrong, 130 where it was stopped.
    exit_code: int | None = None
    #: published, nothing new, failed, stopped.
    outcome: str | None = None
    #: Counts: files, pages_read, new_pages, not_read …
    summary: Mapping[str, int] | None = None
    #: Why it failed, or what it could not read.
    reason: str | None = None


_TYPES: Mapping[str, tuple[type, ...]] = {
    "run_id": (str,),
    "launched_by": (str,),
    "started": (str,),
    "ended": (str, type(None)),
    "seconds": (int, float, type(None)),
    "exit_code": (int, type(None)),
    "outcome": (str, type(None)),
    "summary": (dict, type(None)),
    "reason": (str, type(None)),
}
_REQUIRED = ("run_id", "launched_by", "started")


def in_a_line(reason: str) -> str:
    """A reason of several lines, as DuckDB gives them, as one line for people."""
    lines = [line.strip() for line in reason.splitlines() if line.strip()]
    return "; ".join(lines).replace(":; ", ": ")


def now() -> str:
    """This moment, as entries have it."""
    return moment(datetime.datetime.now(datetime.UTC))


def moment(when: datetime.datetime) -> str:
    """A time as entries have it: UTC, to the millisecond."""
    return when.astimezone(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def keep(path: Path, entry: RunEntry) -> None:
    """Add what is known of a run; what is said of the same run later replaces it. Raises OSError."""
    line = json.dumps(asdict(entry), allow_nan=False) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not the lock of the warehouse: a run that waits for another has begun as well.
    with FileLock(path.with_name(".runs.lock")):
        _append(path, line.encode())
        if entry.ended is not None and _count_lines(path) > 2 * MOST_RUNS:
            _shorten(path)


def _append(path: Path, line: bytes) -> None:
    """Append whole lines only: where the last one has no end, it was cut off, and what comes must not hang on it."""
    with path.open("ab+") as file:
        if file.tell():
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                line = b"\n" + line
        file.write(line)
        file.flush()
        os.fsync(file.fileno())


def _count_lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for _ in file)


def _shorten(path: Path) -> None:
    """Leave one line for each of the last runs."""
    beside = path.with_name(".runs.jsonl.new")
    with beside.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(asdict(entry), allow_nan=False) + "\n" for entry in read(path))
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def read(path: Path) -> list[RunEntry]:
    """The last runs, in the order in which they began; none where there is no history."""
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    entries: dict[str, RunEntry] = {}
    for line in lines:
        if entry := _entry(line):
            entries[entry.run_id] = entry
    return list(entries.values())[-MOST_RUNS:]


def _entry(line: bytes) -> RunEntry | None:
    """What a line says; None if it is damaged."""
    try:
        values: Any = json.loads(line)
    except ValueError:
        return None
    if not isinstance(values, dict) or any(name not in values for name in _REQUIRED):
        return None
    # Of a later version there may be more in it.
    known = {field.name: values[field.name] for field in fields(RunEntry) if field.name in values}
    if not all(isinstance(value, _TYPES[name]) for name, value in known.items()):
        return None
    return RunEntry(**known)
