"""Puts what a run has made into place, and says what is in place: the manifest names run, inputs, files, rows, hashes.

A publication is a folder of its own, `publications/<number>`, with the database, all tables and the manifest. The link
`current` is turned from one to the next in one move, and what people open (`ieval.duckdb`, `parquet`, `manifest.json`)
are links into `current`: wherever a run is stopped, all of them are of one run. The publication before stays as long as
the current one does, for who has looked up `current` and still reads. What is made, and how, does not belong here.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipelines import engine, settings
from pipelines.lake import TableFile, flush_folder
from pipelines.pages import sighting_parts, store_parts
from pipelines.parts import merged_from
from pipelines.reference import FILES
from pipelines.settings import Settings
from pipelines.tables import TABLES

#: The modules that decide what tables and database are, and what is checked of them, beside those that read pages.
_MAKERS = (
    "tables",
    "marts",
    "problems",
    "schema",
    "lake",
    "sql_files",
    "table_builder",
    "increment",
    "database",
    "checks",
)

#: The folders of sql/ that decide what is published; the others only ask.
_SQL = ("staged", "tables", "checks", "marts")


@dataclass(frozen=True, slots=True)
class Inputs:
    """All that the tables are a function of: what makes them, and the parts of pages and sightings by name."""

    logic: str
    parts: tuple[str, ...]

    @property
    def fingerprint(self) -> str:
        """One hash of it all."""
        return hashlib.sha256("\n".join([self.logic, *self.parts]).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class DatabaseFile:
    """The database as it lies on disk."""

    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Published:
    """What the manifest says of the last publication."""

    run_id: str
    published_at: datetime.datetime
    inputs: Inputs
    tables: dict[str, TableFile]
    database: DatabaseFile
    mart_rows: dict[str, int]
    #: The checks that failed, none of them a blocking one, with what they said.
    failed_checks: dict[str, str]


def inputs(knobs: Settings) -> Inputs:
    """What the tables would be made of now."""
    digest = hashlib.sha256("".join(engine.fingerprints(settings.REFERENCE)).encode())
    package = Path(__file__).parent
    code = [package / f"{name}.py" for name in _MAKERS]
    vocabularies = [settings.REFERENCE / name for name in FILES]
    statements = [path for folder in _SQL for path in sorted((settings.SQL / folder).glob("*.sql"))]
    for path in [*code, *vocabularies, *statements]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    sightings = (f"sightings/{part.name}" for part in sighting_parts(knobs.page_store))
    return Inputs(digest.hexdigest(), (*(part.name for part in store_parts(knobs.page_store)), *sightings))


def read_manifest(path: Path) -> Published | None:
    """What a manifest says; None where it is missing, damaged or of another version of the project."""
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        return Published(
            manifest["run_id"],
            datetime.datetime.fromisoformat(manifest["published_at"]),
            Inputs(manifest["logic"], tuple(manifest["parts"])),
            {entry["name"]: TableFile(**entry) for entry in manifest["tables"]},
            DatabaseFile(**manifest["database"]),
            manifest["mart_rows"],
            manifest["failed_checks"],
        )
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError):
        return None


def published(knobs: Settings) -> Published | None:
    """What was published last; None where nothing was, or where a file of it is missing or of another size."""
    last = read_manifest(knobs.manifest)
    if last is None:
        return None
    paths = [knobs.database, *(knobs.parquet / f"{name}.parquet" for name in last.tables)]
    try:
        sizes = [path.stat().st_size for path in paths]
    except OSError:  # missing
        return None
    return last if sizes == [last.database.bytes, *(table.bytes for table in last.tables.values())] else None


def publish(
    knobs: Settings,
    made_of: Inputs,
    changed: Mapping[str, TableFile],
    mart_rows: Mapping[str, int],
    failed_checks: Mapping[str, str],
    database: DatabaseFile,
    run_id: str,
) -> Published:
    """Publish what is staged: the tables that changed, and the database; the other tables are those of before."""
    before = published(knobs)
    kept = {name: table for name, table in before.tables.items() if name in TABLES} if before else {}
    tables = {**kept, **changed}
    folder = knobs.publications / f"{max(_numbers(knobs), default=0) + 1:06}"
    (folder / "parquet").mkdir(parents=True)
    for name, table in tables.items():
        place = folder / "parquet" / f"{name}.parquet"
        if kept.get(name) == table:
            _copy(knobs.parquet / place.name, place)
        else:
            (knobs.staging / "parquet" / place.name).replace(place)
    (knobs.staging / knobs.database.name).replace(folder / knobs.database.name)
    now = Published(
        run_id,
        datetime.datetime.now(datetime.UTC).replace(microsecond=0),
        made_of,
        tables,
        database,
        dict(mart_rows),
        dict(failed_checks),
    )
    _write_manifest(folder / knobs.manifest.name, now)
    for each in (folder / "parquet", folder, knobs.publications):
        flush_folder(each)
    _turn(knobs.current, Path(knobs.publications.name) / folder.name)
    tidy_up(knobs)
    shutil.rmtree(knobs.staging, ignore_errors=True)
    return now


def tidy_up(knobs: Settings) -> None:
    """Remove publications that nobody reads any more or that were never completed; mend the links into `current`."""
    if not knobs.current.is_symlink() or not knobs.current.is_dir():  # nothing was published, or it is a plain copy
        return
    for folder in stale_publications(knobs):
        shutil.rmtree(folder)
    for link in (knobs.database, knobs.parquet, knobs.manifest):
        _turn(link, Path(knobs.current.name) / link.name)


def stale_publications(knobs: Settings) -> list[Path]:
    """The publications that are neither the current one nor the one before it, half-made ones among them."""
    if not knobs.current.is_symlink() or not knobs.current.is_dir():
        return []
    current = int(knobs.current.resolve().name)
    before = max((number for number in _numbers(knobs) if number < current), default=current)
    return [knobs.publications / f"{number:06}" for number in sorted(set(_numbers(knobs)) - {current, before})]


def _numbers(knobs: Settings) -> Iterator[int]:
    """The numbers of the publications that are there, complete or not."""
    if knobs.publications.is_dir():
        yield from (int(folder.name) for folder in knobs.publications.iterdir() if folder.name.isdecimal())


def _copy(file: Path, place: Path) -> None:
    """The same file in another place, where the file system can do that; else a copy of it."""
    try:
        place.hardlink_to(file.resolve())
    except OSError:
        shutil.copy2(file, place)


def _turn(link: Path, target: Path) -> None:
    """Have a link lead to a target (relative to its folder) from one moment to the next."""
    if link.is_symlink() and link.readlink() == target:
        return
    beside = link.with_name(f".{link.name}.new")
    beside.unlink(missing_ok=True)
    try:
        beside.symlink_to(target)
    except OSError as error:
        raise OSError(
            error.errno, f"{link} cannot be made a link ({error.strerror}): the warehouse needs them"
        ) from error
    if link.is_dir() and not link.is_symlink():  # of a copy that did not keep links
        shutil.rmtree(link)
    beside.replace(link)
    flush_folder(link.parent)


def _write_manifest(path: Path, now: Published) -> None:
    manifest: dict[str, Any] = {
        "run_id": now.run_id,
        "published_at": now.published_at.isoformat(),
        "inputs": now.inputs.fingerprint,
        "database": asdict(now.database),
        "tables": [asdict(table) for table in now.tables.values()],
        "mart_rows": now.mart_rows,
        "failed_checks": now.failed_checks,
        "logic": now.inputs.logic,
        "parts": list(now.inputs.parts),
    }
    with path.open("w", encoding="utf-8") as file:
        file.write(json.dumps(manifest, indent=1) + "\n")
        file.flush()
        os.fsync(file.fileno())


def describe_database(path: Path) -> DatabaseFile:
    """Size and SHA-256 of a database, flushed to the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return DatabaseFile(path.stat().st_size, digest)


def added_parts(before: Inputs, now: Inputs) -> tuple[str, ...] | None:
    """The names of the parts that were added, if all that has changed is that some were added or merged; else None."""
    if lost_parts(before, now) or before.logic != now.logic:
        return None
    return tuple(name for name in _new_parts(before, now) if not merged_from(name, before.parts))


def lost_parts(before: Inputs, now: Inputs) -> set[str]:
    """The names of the parts that are gone, and in no merged one."""
    merged = (merged_from(name, before.parts) for name in _new_parts(before, now))
    return set(before.parts).difference(now.parts, *merged)


def _new_parts(before: Inputs, now: Inputs) -> list[str]:
    known = set(before.parts)
    return [name for name in now.parts if name not in known]
