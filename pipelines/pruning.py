"""Removes what nobody needs any more: old runs in Dagster's history, left-overs, parts and publications past their use.

Nothing that is removed is missed: what is still wanted of it is made again. Pages are the one thing that cannot be, and
no rule here knows a page that counts. What is worth keeping longer is for the caller to say; when things become
left-overs does not belong here.
"""

from __future__ import annotations

import contextlib
import datetime
import itertools
import re
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from pipelines import dagster_home, engine, lock, settings
from pipelines.parts import covered_parts
from pipelines.publication import stale_publications
from pipelines.settings import Settings, from_here

#: A file that is being written, by whom: `lake.py` names them so.
_UNFINISHED = re.compile(r"\..+\.parquet\.\d+")
#: What no lock protects is left alone for so many seconds: somebody may be at work on it.
_AT_WORK = 3600
#: A run that Dagster takes for unfinished is dead after so long: it was killed, and could not say so.
_LONGEST_RUN = datetime.timedelta(days=1)
_SHARD_ENDINGS = ("", "-wal", "-shm", "-journal")


class PruneError(RuntimeError):
    """Something could not be removed; the message says what and why."""


@dataclass(frozen=True, slots=True)
class Item:
    """Something to be removed: what kind of thing, its name for people, its bytes, and how it goes."""

    kind: str
    name: str
    bytes: int
    remove: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was removed, or would be, and the disk use by folder (bytes) before and after."""

    items: list[Item]
    is_dry: bool
    before: dict[str, int]
    after: dict[str, int]
    notes: list[str]

    def text(self) -> str:
        """A few lines for people; in a dry run a line for each thing."""
        total = sum(item.bytes for item in self.items)
        verb = "to be removed" if self.is_dry else "removed"
        lines = [f"{verb}: {len(self.items):,} things, {_size(total)}" if self.items else "there is nothing to remove"]
        for kind, group in itertools.groupby(self.items, key=lambda item: item.kind):
            items = list(group)
            lines.append(f"  {kind}: {len(items):,}, {_size(sum(item.bytes for item in items))}")
            if self.is_dry:
                lines += [f"    {item.name}, {item.bytes:,} bytes" for item in items]
        lines += self.notes
        width = max(map(len, [*self.before, "disk use"]))
        lines.append(f"{'disk use':<{width}}  {'before':>12}  {'after':>12}")
        rows = [*((name, size, self.after.get(name, 0)) for name, size in self.before.items())]
        rows.append(("in all", sum(self.before.values()), sum(self.after.values())))
        lines += [f"{name:<{width}}  {_size(before):>12}  {_size(after):>12}" for name, before, after in rows]
        return "\n".join(lines)


def _size(count: int) -> str:
    return f"{count / 1e6:,.2f} MB"


def prune(knobs: Settings, keep_runs: int, keep_days: float | None, is_dry: bool, say: Callable[[str], None]) -> Pruned:
    """Remove what nobody needs: nothing if `is_dry`. Waits for a run that writes, after telling so with `say`.

    Of Dagster's runs the newest `keep_runs` stay, and those not older than `keep_days`. Raises PruneError.
    """
    try:
        lock.hold(knobs.warehouse, say)
        with contextlib.ExitStack() as stack:
            is_exporting = not _take_export(knobs, stack)
            before = _usage(knobs)
            items = [*_parts(knobs), *_left_overs(knobs, is_exporting), *_publications(knobs)]
            notes = ["an export is being written: its files were left alone"] if is_exporting else []
            with _dagster(knobs) as instance:
                if instance is not None:
                    items += [*_runs(knobs, instance, keep_runs, keep_days), *_orphans(knobs, instance)]
                if not is_dry:
                    for item in items:
                        item.remove()
                    notes += _vacuum(knobs)
                elif instance is not None:
                    notes.append("Dagster's own files shrink besides, by what is removed from them")
    except OSError as error:
        raise PruneError(f"{error.filename or knobs.warehouse}: {error.strerror or error}") from error
    return Pruned(items, is_dry, before, _usage(knobs), notes)


def _take_export(knobs: Settings, stack: contextlib.ExitStack) -> bool:
    """Keep exports from being written meanwhile; False where one is."""
    if not knobs.export.is_dir():
        return True
    try:
        stack.enter_context(FileLock(knobs.export / ".export.lock", blocking=False))
    except Timeout:
        return False
    return True


# ---- files


def _parts(knobs: Settings) -> Iterator[Item]:
    """Parts that merged ones cover, and records and places that no part of pages has or that are made anew anyway."""
    for path in covered_parts(knobs.page_store, [knobs.records, knobs.places]):
        # A covered part of pages has nothing that the merged one has not.
        kind = "parts that were merged" if path.parent == knobs.page_store else "records and places of no pages"
        yield _file(kind, path)
    for path in covered_parts(knobs.page_store / "sightings"):
        yield _file("parts that were merged", path)
    made_by = engine.fingerprints(settings.REFERENCE)
    for files in engine.part_files(knobs):
        for path in engine.outdated_files(files, made_by):
            yield _file("records and places of former rules", path)


def _left_overs(knobs: Settings, is_exporting: bool) -> Iterator[Item]:
    """What runs, exports and reports that were killed have left."""
    kind = "left by what was killed"
    if knobs.staging.exists():
        yield _file(kind, knobs.staging)
    folders = [knobs.warehouse, knobs.page_store, knobs.page_store / "sightings", knobs.records, knobs.places]
    for folder in folders:
        if isinstance(folder, Path) and folder.is_dir():
            yield from (_file(kind, path) for path in sorted(folder.iterdir()) if _UNFINISHED.fullmatch(path.name))
    if knobs.export.is_dir() and not is_exporting:
        for pattern in (".export-*", ".excel-*"):
            yield from (_file(kind, path) for path in sorted(knobs.export.glob(pattern)))
    for pattern in (".*.new", ".deep-*", ".spill-*", ".export-*", "report-*", f"{knobs.database.name}.tmp"):
        for path in sorted(knobs.warehouse.glob(pattern)):
            if time.time() - path.lstat().st_mtime > _AT_WORK:
                yield _file(kind, path)


def _publications(knobs: Settings) -> Iterator[Item]:
    """The folders of `publications` but the one that `current` leads to and the one before it."""
    yield from (_file("former publications", folder) for folder in stale_publications(knobs))


def _file(kind: str, path: Path) -> Item:
    """A file, link or folder that goes."""

    def remove() -> None:
        if isinstance(path, Path) and path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)

    is_local = isinstance(path, Path)
    return Item(kind, str(from_here(path)) if is_local else str(path), _bytes([path]), remove)


def _bytes(paths: Iterable[Path]) -> int:
    """What files and folders hold; a file with several names counts once, and only where it is known to have others."""
    seen: set[tuple[int, int]] = set()
    total = 0
    for path in paths:
        inside = path.rglob("*") if isinstance(path, Path) and path.is_dir() and not path.is_symlink() else ()
        for each in (path, *inside):
            try:
                status = each.lstat() if isinstance(each, Path) else each.stat()
            except FileNotFoundError:  # it went meanwhile
                continue
            if isinstance(each, Path) and (each.is_symlink() or each.is_dir()):
                continue
            key = (status.st_dev, status.st_ino)
            if status.st_nlink < 2 or key not in seen:
                total += status.st_size
            seen.add(key)
    return total


def _usage(knobs: Settings) -> dict[str, int]:
    """Bytes by what lies in the warehouse, and of parts and Dagster's home where they are elsewhere here."""
    usage = {path.name: _bytes([path]) for path in sorted(knobs.warehouse.iterdir()) if not path.is_symlink()}
    for folder in (knobs.page_store, knobs.records, knobs.places, knobs.dagster_home):
        if isinstance(folder, Path) and folder.is_dir() and folder.parent.resolve() != knobs.warehouse.resolve():
            usage[str(from_here(folder))] = _bytes([folder])
    return {name: size for name, size in usage.items() if size}


# ---- Dagster's history


@contextlib.contextmanager
def _dagster(knobs: Settings) -> Iterator[Any]:
    """Dagster's instance; None where nothing has ever run."""
    if not (knobs.dagster_home / "dagster.yaml").exists():
        yield None
        return
    dagster_home.prepare(knobs)
    import dagster as dg
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with dg.DagsterInstance.get() as instance:
            yield instance
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise PruneError(f"{knobs.dagster_home} cannot be used ({getattr(error, 'orig', None) or error})") from error


def _runs(knobs: Settings, instance: Any, keep_runs: int, keep_days: float | None) -> Iterator[Item]:
    import dagster as dg

    finished = {dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED}
    now = datetime.datetime.now(datetime.UTC)
    for number, record in enumerate(instance.get_run_records()):  # the newest first
        run = record.dagster_run
        age = now - record.create_timestamp
        is_young = keep_days is not None and age <= datetime.timedelta(days=keep_days)
        is_alive = run.status not in finished and age <= _LONGEST_RUN
        if number >= keep_runs and not is_young and not is_alive:
            yield _run(knobs, instance, run.run_id, f"{record.create_timestamp:%Y-%m-%d %H:%M}, {run.job_name}")


def _run(knobs: Settings, instance: Any, run_id: str, words: str) -> Item:
    """A run of Dagster's: its row, its events, and the file that had them, which Dagster leaves behind."""
    shards = _shards(knobs, run_id)

    def remove() -> None:
        instance.delete_run(run_id)
        for shard in shards:
            shard.unlink(missing_ok=True)

    return Item("old runs in Dagster's history", f"{run_id}, {words}", _bytes(shards), remove)


def _shards(knobs: Settings, run_id: str) -> list[Path]:
    folder = knobs.dagster_home / "history" / "runs"
    return [folder / f"{run_id}.db{ending}" for ending in _SHARD_ENDINGS]


def _orphans(knobs: Settings, instance: Any) -> Iterator[Item]:
    """Files of events of runs that Dagster no longer knows."""
    folder = knobs.dagster_home / "history" / "runs"
    known = {record.dagster_run.run_id for record in instance.get_run_records()} | {"index"}
    for path in sorted(folder.glob("*.db")) if folder.is_dir() else ():
        if path.stem not in known and time.time() - path.stat().st_mtime > _AT_WORK:
            shards = [shard for shard in _shards(knobs, path.stem) if shard.exists()]
            yield from (_file("events of runs that are gone", shard) for shard in shards)


def _vacuum(knobs: Settings) -> list[str]:
    """Give the room that is free in Dagster's SQLite files back to the file system; returns what could not be."""
    home = knobs.dagster_home
    notes = []
    for path in (home / "history" / "runs.db", home / "history" / "runs" / "index.db", home / "schedules/schedules.db"):
        if not path.exists():
            continue
        try:
            with contextlib.closing(sqlite3.connect(path, timeout=30)) as connection:
                connection.execute("VACUUM")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.OperationalError as error:  # Dagster's daemon has it open
            notes.append(f"{from_here(path)} was not made smaller: {error}")
    return notes
