"""Verifies what is published, and changes nothing.

Every file is compared with the manifest, the database with the tables, and, if asked for, every byte of every table
with what comes out when it is all computed again from the pages that `raw.pages` and `raw.page_sightings` hold. What a
table has to fulfil is said in `checks.py` and does not belong here.
"""

from __future__ import annotations

import base64
import contextlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from pipelines import engine, settings
from pipelines.lake import describe
from pipelines.pages import PageError, restore_pages
from pipelines.publication import Published, describe_database, read_manifest
from pipelines.schema import quote
from pipelines.settings import Settings
from pipelines.stages import stage
from pipelines.table_builder import build_tables, connect, scratch_folder
from pipelines.tables import TABLES, Table

_BATCH_ROWS = 1000


class VerificationError(RuntimeError):
    """There is nothing that could be verified; the message says what to do."""


def verify(knobs: Settings, is_deep: bool) -> list[str]:
    """What is not as it was published, in sentences; nothing if all is well. Raises VerificationError.

    `is_deep`: compute every table again as well, in a folder beside, which takes as long as `ieval run --rebuild` and
    as much room as the tables.
    """
    here = knobs.current.resolve()  # a run may publish meanwhile: what is verified stays
    last = read_manifest(here / knobs.manifest.name)
    if last is None:
        raise VerificationError(f"{knobs.manifest} is missing or damaged: `ieval run` publishes everything anew")
    with stage("comparing files with the manifest", len(last.tables) + 1) as advance:
        wrong = []
        for name in last.tables:
            wrong += _wrong_table(here / "parquet" / f"{name}.parquet", last)
            advance(1)
        wrong += _wrong_database(here / knobs.database.name, last)
        advance(1)
    if wrong:
        return [f"{words}: `ieval run --rebuild` makes it anew" for words in wrong]
    with stage("comparing the database with the tables", len(TABLES)) as advance:
        for table in TABLES.values():
            wrong += _wrong_rows(knobs, here, table)
            advance(1)
    if is_deep:
        wrong += _wrong_results(knobs, here, last)
    return wrong


def _wrong_table(path: Path, last: Published) -> list[str]:
    table = last.tables[path.stem]
    try:
        found = describe(path, pq.read_metadata(path).num_rows)
    except (OSError, ValueError) as error:
        return [f"{path} cannot be read ({error})"]
    return [] if found == table else [f"{path} is not the file that run {last.run_id} published"]


def _wrong_database(path: Path, last: Published) -> list[str]:
    try:
        found = describe_database(path)
    except OSError as error:
        return [f"{path} cannot be read ({error.strerror})"]
    return [] if found == last.database else [f"{path} is not the file that run {last.run_id} published"]


def _wrong_rows(knobs: Settings, here: Path, table: Table) -> list[str]:
    """Whether a table has other rows in the database than in its file: compared by number and by hash."""
    columns = ", ".join(column.name for column in table.columns)
    summed = f"SELECT count(*), bit_xor(hash({columns}))"
    file = quote(str(here / "parquet" / f"{table.name}.parquet"))
    with connect(knobs) as connection:
        connection.execute(f"ATTACH {quote(str(here / knobs.database.name))} AS ieval (READ_ONLY)")
        counted = connection.execute(f"{summed} FROM ieval.{table.qualified_name}").fetchall()
        expected = connection.execute(f"{summed} FROM read_parquet({file})").fetchall()
    words = f"{table.qualified_name} has other rows in the database than in its Parquet file"
    return [] if counted == expected else [words]


def _wrong_results(knobs: Settings, here: Path, last: Published) -> list[str]:
    """The tables that come out otherwise when everything is computed again from the pages."""
    with tempfile.TemporaryDirectory(prefix=".deep-", dir=scratch_folder(knobs), ignore_cleanup_errors=True) as folder:
        scratch = replace(knobs, warehouse=Path(folder), parts="")
        with stage("taking the pages out of raw.pages", last.tables["pages"].rows) as advance:
            try:
                restore_pages(scratch.page_store, _pages(here, advance), _sightings(here))
            except PageError as error:
                return [f"raw.pages: {error}"]
        parts = engine.part_files(scratch)
        reader = engine.PartReader(settings.REFERENCE, partial(engine.open_pool, knobs.workers))
        with stage("reading records", engine.count_rows(files.pages for files in parts)) as advance:
            reader.finish(parts, advance)
        with stage("computing tables", len(TABLES)) as advance:
            again = build_tables(scratch, scratch.staging / "parquet", lambda table: advance(1))
    return [
        f"{TABLES[name].qualified_name} comes out otherwise when it is computed again: "
        "if neither code nor vocabularies have changed since, `ieval run --rebuild` mends it"
        for name, table in again.items()
        if table != last.tables.get(name)
    ]


def _pages(here: Path, advance: Callable[[int], None]) -> Iterator[tuple[str, str, Any, bytes]]:
    """The contents that were ever read: page_id, where and when each was first seen, its bytes."""
    columns = ["page_id", "source_uri", "first_seen_at", "page_text", "page_bytes_base64"]
    with pq.ParquetFile(here / "parquet" / "pages.parquet") as file:
        for batch in file.iter_batches(_BATCH_ROWS, columns=columns):
            for page_id, source_uri, seen_at, text, encoded in zip(*batch.to_pydict().values(), strict=True):
                yield page_id, source_uri, seen_at, base64.b64decode(encoded) if encoded else text.encode()
            advance(batch.num_rows)


def _sightings(here: Path) -> list[tuple[str, str, Any]]:
    """All other sightings of these contents: page_id, source_uri, when."""
    with contextlib.closing(duckdb.connect()) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        pages, sightings = (quote(str(here / "parquet" / f"{name}.parquet")) for name in ("pages", "page_sightings"))
        rows = connection.sql(
            f"SELECT page_id, source_uri, seen_at FROM read_parquet({sightings}) "
            f"EXCEPT SELECT page_id, source_uri, first_seen_at FROM read_parquet({pages}) ORDER BY ALL"
        ).to_arrow_table()
    return list(zip(*(rows[name].to_pylist() for name in rows.column_names), strict=True))
