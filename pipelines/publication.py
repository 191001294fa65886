"""Moves what a run has made into place, and says what is in place: the manifest names inputs, files, rows and hashes.

Nobody reads the staging folder, and a run that stops half-way has published nothing. What is made, and how, does not
belong here.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipelines import engine, settings
from pipelines.lake import TableFile
from pipelines.pages import sighting_parts, store_parts
from pipelines.parts import merged_from
from pipelines.reference import FILES
from pipelines.settings import Settings
from pipelines.tables import TABLES

#: The modules that decide what tables and database are, beside those that read pages.
_MAKERS = ("tables", "marts", "schema", "lake", "table_builder", "increment", "database", "sql_files", "problems")

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
class Published:
    """What the manifest says of the last publication."""

    inputs: Inputs
    tables: dict[str, TableFile]
    database_bytes: int
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


def published(knobs: Settings) -> Published | None:
    """What was published last; None where nothing was, or where a file of it is missing or of another size."""
    try:
        manifest = json.loads(knobs.manifest.read_text(encoding="utf-8"))
        last = Published(
            Inputs(manifest["logic"], tuple(manifest["parts"])),
            {entry["name"]: TableFile(**entry) for entry in manifest["tables"]},
            manifest["database_bytes"],
            manifest["mart_rows"],
            manifest["failed_checks"],
        )
        sizes = [
            knobs.database.stat().st_size,
            *((knobs.parquet / f"{name}.parquet").stat().st_size for name in last.tables),
        ]
    except (FileNotFoundError, ValueError, KeyError, TypeError):  # never published, or damaged since
        return None
    return last if sizes == [last.database_bytes, *(table.bytes for table in last.tables.values())] else None


def publish(
    knobs: Settings,
    made_of: Inputs,
    changed: Mapping[str, TableFile],
    mart_rows: Mapping[str, int],
    failed_checks: Mapping[str, str],
) -> Published:
    """Move what is staged into place: the tables that changed, the database, and last the manifest that names them."""
    knobs.parquet.mkdir(parents=True, exist_ok=True)
    before = published(knobs)
    tables = {name: table for name, table in before.tables.items() if name in TABLES} if before else {}
    # A run that is stopped between two files leaves no manifest, and the next one makes everything anew.
    knobs.manifest.unlink(missing_ok=True)
    for name, table in changed.items():
        if tables.get(name) != table:
            (knobs.staging / "parquet" / f"{name}.parquet").replace(knobs.parquet / f"{name}.parquet")
    tables |= changed
    for stale in set(knobs.parquet.glob("*.parquet")) - {knobs.parquet / f"{name}.parquet" for name in tables}:
        stale.unlink()
    (knobs.staging / knobs.database.name).replace(knobs.database)
    now = Published(made_of, tables, knobs.database.stat().st_size, dict(mart_rows), dict(failed_checks))
    _write_manifest(knobs.manifest, now)
    shutil.rmtree(knobs.staging, ignore_errors=True)
    return now


def _write_manifest(path: Path, now: Published) -> None:
    manifest: dict[str, Any] = {
        "inputs": now.inputs.fingerprint,
        "database_bytes": now.database_bytes,
        "tables": [asdict(table) for table in now.tables.values()],
        "mart_rows": now.mart_rows,
        "failed_checks": now.failed_checks,
        "logic": now.inputs.logic,
        "parts": list(now.inputs.parts),
    }
    beside = path.with_suffix(".json.new")
    beside.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    beside.replace(path)


def added_parts(before: Inputs, now: Inputs) -> tuple[str, ...] | None:
    """The names of the parts that were added, if all that has changed is that some were added or merged; else None."""
    new = [name for name in now.parts if name not in before.parts]
    merged = {name: merged_from(name, before.parts) for name in new}
    gone = set(before.parts).difference(now.parts, *merged.values())
    return None if gone or before.logic != now.logic else tuple(name for name in new if not merged[name])
