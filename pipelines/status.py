"""Tells what the published warehouse holds, how fresh it is, what the last runs came to, and what is wrong.

Everything is read: from the warehouse, from the history of runs, from the file system. What to do about it does not
belong here.
"""

from __future__ import annotations

import datetime
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import duckdb
from filelock import FileLock, Timeout

from pipelines import history, publication
from pipelines.history import RunEntry
from pipelines.printing import on_one_line
from pipelines.questions import newest_observation
from pipelines.settings import Settings
from pipelines.tables import TABLES

WELL, WRONG, STALE = 0, 1, 3
#: How many runs are told.
_SHOWN = 5
#: A run writes everything beside what is published, and Dagster and exports want some room as well.
_ROOM = 256 * 1024 * 1024


def status(
    connection: duckdb.DuckDBPyConnection,
    knobs: Settings,
    most_days: float | None = None,
    most_days_without_run: float | None = None,
) -> dict[str, Any]:
    """Facts as JSON takes them. Times are ISO 8601 in UTC, sizes bytes; `exit_code` is WELL, WRONG or STALE.

    `most_days` and `most_days_without_run`: older than this is stale, by the newest observation and by the last run
    that went well; None never is. `wrong` is what makes it WRONG, `warnings` deserve a look.
    """

    def pairs(statement: str) -> dict[str, int]:
        return {str(name): int(count) for name, count in connection.execute(statement).fetchall()}

    newest = newest_observation(connection)
    counts = " UNION ALL ".join(
        f"SELECT '{table.name}' AS name, count(*) FROM {table.qualified_name}"
        for table in TABLES.values()
        if table.group != "reference"
    )
    published = publication.published(knobs)
    disk = shutil.disk_usage(knobs.warehouse)
    facts: dict[str, Any] = {
        "database": str(knobs.database),
        "bytes": knobs.database.stat().st_size,
        "newest_observation": newest.isoformat().replace("+00:00", "Z") if newest else None,
        "published": history.moment(published.published_at) if published else None,
        "rows": pairs(counts),
        "pages": pairs("SELECT status, count(*) FROM raw.pages GROUP BY status ORDER BY status"),
        "truncated_pages": pairs("SELECT 'pages', count(*) FROM raw.pages WHERE is_truncated")["pages"],
        "problems": pairs("SELECT severity, count(*) FROM main.problems GROUP BY severity ORDER BY severity"),
        "problem_codes": pairs(
            "SELECT problem_code, count(*) FROM main.problems GROUP BY ALL ORDER BY count(*) DESC, problem_code"
        ),
        "failed_checks": dict(published.failed_checks) if published else {},
        "disk_bytes": disk.total,
        "disk_bytes_free": disk.free,
        "runs": [asdict(entry) for entry in history.read(knobs.history)[-_SHOWN:]],
    }
    facts["wrong"] = [*_wrong(knobs, published, disk.free), *_wrong_runs(knobs)]
    facts["warnings"] = list(_warnings(knobs, published))
    facts["stale"] = list(_stale(knobs, newest, most_days, most_days_without_run))
    facts["exit_code"] = WRONG if facts["wrong"] else STALE if facts["stale"] else WELL
    return facts


def _wrong(knobs: Settings, published: publication.Published | None, free: int) -> Iterator[str]:
    if published is None:
        yield "files of the warehouse are missing or not those that were published; `ieval run` makes them anew"
        return
    yield from (words for words in published.failed_checks.values() if words.startswith("error"))
    room = _ROOM + 2 * (knobs.database.stat().st_size + sum(table.bytes for table in published.tables.values()))
    if free < room:
        yield f"the disk is nearly full: {free / 1e6:,.0f} MB free, and a run may need {room / 1e6:,.0f} MB"


def _wrong_runs(knobs: Settings) -> Iterator[str]:
    """What is wrong with the last run that is over."""
    entries = history.read(knobs.history)
    if entries and entries[-1].ended is None and _is_being_written(knobs):
        while entries and entries[-1].ended is None:  # one is running, and others wait for it
            entries.pop()
    if entries and entries[-1].exit_code != 0:
        yield f"the last run {_outcome(entries[-1])}"


def _is_being_written(knobs: Settings) -> bool:
    """Whether a run holds the lock of the warehouse; where we may not try, we take it that none does."""
    path = knobs.warehouse / ".lock"
    if not path.exists():
        return False
    try:
        with FileLock(path, blocking=False):
            return False
    except Timeout:
        return True
    except OSError:  # it is not ours to write
        return False


def last_failure(knobs: Settings) -> str | None:
    """What is wrong with the last run, for where there is no warehouse yet."""
    return next(_wrong_runs(knobs), None)


def _outcome(entry: RunEntry) -> str:
    if entry.ended is None:
        return f"began {_day(entry.started)} and was killed"
    return f"{entry.outcome} {_day(entry.ended)}" + (f": {history.in_a_line(entry.reason)}" if entry.reason else "")


def _warnings(knobs: Settings, published: publication.Published | None) -> Iterator[str]:
    from pipelines.export.exporting import is_up_to_date

    if published is None:
        return
    yield from (words for words in published.failed_checks.values() if not words.startswith("error"))
    if is_up_to_date(knobs) is False:
        yield "the export is older than the warehouse; `ieval export` renews it"
    for report in sorted(knobs.warehouse.glob("report.*")):
        if report.suffix in (".html", ".pdf", ".png") and report.stat().st_mtime < knobs.manifest.stat().st_mtime:
            yield f"{report.name} is older than the warehouse; `ieval report` renews it"


def _stale(
    knobs: Settings, newest: datetime.datetime | None, most_days: float | None, most_days_without_run: float | None
) -> Iterator[str]:
    now = datetime.datetime.now(datetime.UTC)
    if most_days is not None and (newest is None or now - newest > datetime.timedelta(days=most_days)):
        yield f"no page said anything new for more than {most_days:g} days"
    if most_days_without_run is not None:
        well = [entry.ended for entry in history.read(knobs.history) if entry.exit_code == 0 and entry.ended]
        if not well or now - datetime.datetime.fromisoformat(well[-1]) > datetime.timedelta(days=most_days_without_run):
            yield f"no run went well for more than {most_days_without_run:g} days"


def _day(moment: str | None) -> str:
    return moment[:16].replace("T", " ") if moment else "never"


def text(facts: dict[str, Any]) -> str:
    """The same facts for people; every line may be printed on a terminal."""

    def listed(counts: dict[str, int]) -> str:
        return ", ".join(f"{count:,} {name}" for name, count in counts.items()) or "none"

    width = max(map(len, facts["rows"]))
    states = {WELL: "all is well", WRONG: "something is wrong", STALE: "stale"}
    lines = [
        f"{facts['database']}, {facts['bytes'] / 1e6:.1f} MB: {states[facts['exit_code']]}",
        *(f"  wrong: {words}" for words in facts["wrong"]),
        *(f"  stale: {words}" for words in facts["stale"]),
        *(f"  {words if words.startswith('warning') else f'warning: {words}'}" for words in facts["warnings"]),
        f"newest observation: {facts['newest_observation'] or 'none'}",
        f"published: {facts['published'] or 'not as it is'}",
        f"disk: {facts['disk_bytes_free'] / 1e9:,.1f} of {facts['disk_bytes'] / 1e9:,.1f} GB free",
        "runs:" if facts["runs"] else "runs: none is remembered",
        *(f"  {_run_words(entry)}" for entry in reversed(facts["runs"])),
        f"pages: {listed(facts['pages'])}; {facts['truncated_pages']:,} of them cut",
        f"problems: {listed(facts['problems'])}",
        *(f"  {count:>6,}  {code}" for code, count in facts["problem_codes"].items()),
        "rows:",
        *(f"  {name:<{width}}  {count:>9,}" for name, count in facts["rows"].items()),
    ]
    return "\n".join(on_one_line(line) for line in lines)


def _run_words(entry: dict[str, Any]) -> str:
    """One line of a run: when, how long, what it came to, by whom."""
    if entry["ended"] is None:
        return f"{_day(entry['started'])}  not ended ({entry['launched_by']})"
    counts = entry["summary"] or {}
    read = f", {counts['pages_read']:,} pages read, {counts['new_pages']:,} new" if counts else ""
    reason = f": {history.in_a_line(entry['reason'])}" if entry["reason"] else ""
    took = f"{entry['seconds']:>7.1f} s"
    return f"{_day(entry['started'])}  {took}  {entry['outcome']}, exit {entry['exit_code']}{read}{reason}"
