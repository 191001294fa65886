"""Computes the declared tables with DuckDB: the steps of `sql/staged` and the tables of `sql/tables`, over all parts.

A table is computed from the parts of pages, sightings, records and places, from the vocabularies, and from the tables
that its SQL reads; it is written, sorted by its key, through the gate. Which pages are looked at is the caller's to
say: all of them, or some that have nothing to do with the others. Loading a database does not belong here.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines import interrupts, settings
from pipelines.lake import ROW_GROUP_ROWS, TableFile, write_table
from pipelines.pages import SIGHTING_SCHEMA, page_slices, sighting_parts, slice_bounds, store_parts
from pipelines.places import PLACE_SCHEMA
from pipelines.problems import PROBLEM_CODES
from pipelines.records import PAGE_SCHEMA, RECORD_SCHEMA
from pipelines.reference import FILES, read_reference
from pipelines.schema import quote
from pipelines.settings import Settings
from pipelines.sql_files import SqlFile, in_order, read_folder
from pipelines.tables import TABLES, Table

#: Bytes of pages that DuckDB sorts at a time: it cannot sort much more text than it may hold in memory.
_SLICE_BYTES = 200_000_000
#: With more slices than this it is worth while to have each of them by itself, instead of looking for it among all.
_MOST_SLICES_AMONG_ALL = 8
#: Rows that are sorted at a time when pages are parted: some 50 MB of text.
_ROWS_PARTED = 8_192


def scratch_folder(knobs: Settings) -> Path:
    """Where temporary files go: the warehouse, which has the room; for who may only read it, the system's folder."""
    return knobs.warehouse if os.access(knobs.warehouse, os.W_OK) else Path(tempfile.gettempdir())


@contextlib.contextmanager
def connect(knobs: Settings, side_by_side: int = 1) -> Iterator[duckdb.DuckDBPyConnection]:
    """An in-memory connection with our schemas; what does not fit into memory spills into `scratch_folder`.

    `side_by_side`: how many connections share the memory that DuckDB may use.
    """
    knobs.warehouse.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix=".spill-", dir=scratch_folder(knobs)) as spill,
        duckdb.connect(config={"temp_directory": spill}) as connection,
        interrupts.passed_on(connection.interrupt),  # a database is made in a thread
    ):
        connection.execute(f"SET memory_limit = '{knobs.memory_share(side_by_side)}'")
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET preserve_insertion_order = false")
        for schema in ("staged", "reference", "raw", "mart"):
            connection.execute(f"CREATE SCHEMA {schema}")
        yield connection


@cache
def table_files() -> Mapping[str, SqlFile]:
    """The steps of sql/staged and the tables of sql/tables by qualified name, each after those that it reads from."""
    files = {f"staged.{file.name}": file for file in read_folder(settings.SQL / "staged").values()}
    for file in read_folder(settings.SQL / "tables").values():
        files[TABLES[file.name].qualified_name] = file
    return {name: files[name] for name in in_order(files)}


def build_tables(
    knobs: Settings, folder: Path, progress: Callable[[TableFile], None] = lambda table: None
) -> dict[str, TableFile]:
    """Compute every declared table from all pages and write it to `folder`, sorted by key. Raises lake.GateError."""
    with (
        connect(knobs) as connection,
        tempfile.TemporaryDirectory(prefix=".spill-", dir=scratch_folder(knobs)) as scratch,
    ):
        stage_parts(connection, knobs)
        bounds = _slice_bounds(connection)
        if len(bounds) >= _MOST_SLICES_AMONG_ALL:
            _part_pages(connection, bounds, Path(scratch) / "pages.parquet")
        return compute(connection, folder, TABLES, progress)


def _slice_bounds(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The page_ids that part the pages that are looked at into slices that DuckDB can sort."""
    [(page_bytes,)] = connection.execute("SELECT coalesce(sum(byte_size), 0) FROM staged.pages").fetchall()
    return slice_bounds(int(page_bytes), _SLICE_BYTES)


def _part_pages(connection: duckdb.DuckDBPyConnection, bounds: Sequence[str], path: Path) -> None:
    """Have `staged.pages` in a file in which every row group is of one slice: who looks at a slice reads no other."""
    batches = connection.sql("SELECT * FROM staged.pages").to_arrow_reader(_ROWS_PARTED)
    with pq.ParquetWriter(path, batches.schema, compression="lz4") as writer:
        for batch in batches:
            rows = pa.Table.from_batches([batch]).sort_by("page_id")
            page_ids: list[Any] = rows["page_id"].to_pylist()
            cuts = [0, *(bisect_left(page_ids, bound) for bound in bounds), len(page_ids)]
            for start, end in pairwise(cuts):
                if start < end:
                    writer.write_table(rows.slice(start, end - start))
    pa.default_memory_pool().release_unused()  # DuckDB, which sorts them next, could use it
    view_parquet(connection, "staged.pages", path)


def compute(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    wanted: Iterable[str],
    progress: Callable[[TableFile], None] = lambda table: None,
) -> dict[str, TableFile]:
    """Compute tables (by their names) and write them to `folder`; on the connection they are views of what is written.

    What they read from must be on the connection already, or be computed with them.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    written: dict[str, TableFile] = {}
    names = {TABLES[name].qualified_name for name in wanted}
    steps = _steps_of(names)
    for name, file in table_files().items():
        if name in steps:
            connection.execute(f"CREATE TABLE {name} AS {file.statement}")
        elif name in names:
            table = TABLES[file.name]
            written[table.name] = write_table(_rows(connection, table, file), table, folder)
            progress(written[table.name])
            view_parquet(connection, name, folder / f"{table.name}.parquet")
    return written


def _steps_of(names: Iterable[str]) -> set[str]:
    """The steps of sql/staged that tables are computed from, directly or through other steps."""
    steps: set[str] = set()
    left = list(names)
    while left:
        for name in table_files()[left.pop()].reads - steps:
            if name in table_files() and name.startswith("staged."):
                steps.add(name)
                left.append(name)
    return steps


def _rows(connection: duckdb.DuckDBPyConnection, table: Table, file: SqlFile) -> Iterator[pa.RecordBatch]:
    columns = ", ".join(column.name for column in table.columns)
    order = ", ".join(table.primary_key)
    slices = ["true"]
    if table is TABLES["pages"]:  # the one table with the texts of whole pages
        slices = page_slices(_slice_bounds(connection))
    for condition in slices:
        query = f"SELECT {columns} FROM ({file.statement}) WHERE {condition} ORDER BY {order}"
        yield from connection.sql(query).to_arrow_reader(ROW_GROUP_ROWS)


def stage_parts(connection: duckdb.DuckDBPyConnection, knobs: Settings, pages: pa.Array[Any] | None = None) -> None:
    """Make the parts and the vocabularies known as `staged.pages`, `.sightings`, `.records`, `.places`, `reference.…`.

    `pages`: the page_ids of those to look at, so few that they fit into memory; None for all, of which there are views.
    """
    parts = store_parts(knobs.page_store)
    if pages is not None:
        connection.register("looked_at", pa.table({"page_id": pages}))
        parts = _parts_with_pages(connection, parts)
    for name, paths, schema in (
        ("pages", parts, PAGE_SCHEMA),
        ("further_sightings", sighting_parts(knobs.page_store), SIGHTING_SCHEMA),
        ("records", [knobs.records / part.name for part in parts], RECORD_SCHEMA),
        ("places", [knobs.places / part.name for part in parts], PLACE_SCHEMA),
    ):
        if paths:
            rows = _read_parquet(connection, paths)
        else:
            connection.register(rows := f"no_{name}", schema.empty_table())
        if pages is None:
            connection.execute(f"CREATE VIEW staged.{name} AS SELECT * FROM {rows}")
        else:
            connection.execute(
                f"CREATE TABLE staged.{name} AS SELECT * FROM {rows} WHERE page_id IN (SELECT page_id FROM looked_at)"
            )
    columns = ", ".join(SIGHTING_SCHEMA.names)
    connection.execute(
        f"CREATE VIEW staged.sightings AS SELECT {columns} FROM staged.pages "
        f"UNION ALL SELECT {columns} FROM staged.further_sightings"
    )
    _stage_reference(connection)


def _parts_with_pages(connection: duckdb.DuckDBPyConnection, parts: Sequence[Path]) -> list[Path]:
    """Those of the parts of pages that hold any page that is looked at: the others need not be opened again."""
    if not parts:
        return []
    rows = connection.execute(
        f"SELECT DISTINCT parse_filename(filename) FROM {_read_parquet(connection, parts, 'filename = true')} "
        "WHERE page_id IN (SELECT page_id FROM looked_at)"
    ).fetchall()
    names = {name for (name,) in rows}
    return [part for part in parts if part.name in names]


def _read_parquet(connection: duckdb.DuckDBPyConnection, paths: Sequence[Path], *options: str) -> str:
    """What stands for the rows of these files, of which there is at least one, in SQL."""
    if not isinstance(paths[0], Path) and not connection.filesystem_is_registered(paths[0].protocol):
        connection.register_filesystem(paths[0].fs)  # an fsspec address: DuckDB reads through its file system
    names = ", ".join(quote(str(path)) for path in paths)
    return f"read_parquet({', '.join([f'[{names}]', *options])})"


def _stage_reference(connection: duckdb.DuckDBPyConnection) -> None:
    """The vocabularies as text, NULL where a CSV has nothing (`NA` is Namibia)."""
    for name, rows in read_reference(settings.REFERENCE).items():
        columns: dict[str, Any] = {column: [row[column] or None for row in rows] for column in FILES[name].columns}
        table = pa.table({column: pa.array(values, pa.string()) for column, values in columns.items()})
        connection.register("vocabulary", table)
        connection.execute(f"CREATE TABLE reference.{Path(name).stem} AS SELECT * FROM vocabulary")
        connection.unregister("vocabulary")
    codes = [(code, severity, meaning) for code, (severity, meaning) in PROBLEM_CODES.items()]
    connection.execute("CREATE TABLE reference.problem_codes (problem_code TEXT, severity TEXT, meaning TEXT)")
    connection.executemany("INSERT INTO reference.problem_codes VALUES (?, ?, ?)", codes)


def view_parquet(connection: duckdb.DuckDBPyConnection, name: str, path: Path) -> None:
    """Give a Parquet file the qualified name of its table."""
    connection.execute(f"CREATE OR REPLACE VIEW {name} AS SELECT * FROM read_parquet({quote(str(path))})")
