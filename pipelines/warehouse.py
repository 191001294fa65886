"""Turns staged parts and `sql/` into checked tables, and checked tables into the DuckDB warehouse, swapped in whole.

Three stages: `build_tables` computes every declared table with DuckDB and writes it, through the gate, to a staging
folder; `build_database` loads the staged tables into a new database with keys, comments and marts; `publish` moves both
into place. Nobody reads the staging folder, and a run that stops half-way has published nothing. How the parts are made
does not belong here.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines import engine, settings
from pipelines.lake import TableFile, describe, write_table
from pipelines.marts import MARTS
from pipelines.pages import store_parts
from pipelines.problems import PROBLEM_CODES
from pipelines.records import PAGE_SCHEMA, RECORD_SCHEMA
from pipelines.reference import FILES, read_reference
from pipelines.schema import comments, create_table, load_order, quote
from pipelines.settings import Settings
from pipelines.sql_files import SqlFile, in_order, read_folder
from pipelines.tables import TABLES

#: A file of a newer storage version cannot be opened by the drivers in today's BI tools.
STORAGE_VERSION = "v1.2.0"
_DATABASE = "ieval.duckdb"
#: The database is built from the staged tables while these are still being checked; only checked ones are published.
_BUILDER = ThreadPoolExecutor(1, thread_name_prefix="database")
_BUILDING: dict[Path, Future[Path]] = {}


@dataclass(frozen=True, slots=True)
class Published:
    """What the manifest says of the last publication."""

    inputs: str
    tables: dict[str, TableFile]
    database_bytes: int


def inputs_fingerprint(knobs: Settings) -> str:
    """Hash of all that the tables are a function of: parts of pages, vocabularies, SQL, and the code that reads."""
    digest = hashlib.sha256(engine.fingerprint(settings.REFERENCE).encode())
    package = Path(__file__).parent
    code = [package / f"{name}.py" for name in ("tables", "marts", "schema", "lake", "warehouse", "sql_files")]
    vocabularies = [settings.REFERENCE / name for name in FILES]
    for path in [*code, *vocabularies, *sorted(settings.SQL.rglob("*.sql"))]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    for part in store_parts(knobs.page_store):
        digest.update(f"{part.name} {part.stat().st_size}".encode())
    return digest.hexdigest()


def published(knobs: Settings) -> Published | None:
    """What was published last; None where nothing was, or where a file of it is missing or of another size."""
    try:
        manifest = json.loads(knobs.manifest.read_text(encoding="utf-8"))
        tables = {entry["name"]: TableFile(**entry) for entry in manifest["tables"]}
        last = Published(manifest["inputs"], tables, manifest["database_bytes"])
        sizes = [
            knobs.database.stat().st_size,
            *((knobs.parquet / f"{name}.parquet").stat().st_size for name in tables),
        ]
    except (FileNotFoundError, ValueError, KeyError, TypeError):  # never published, or damaged since
        return None
    return last if sizes == [last.database_bytes, *(table.bytes for table in tables.values())] else None


# ---- tables


@contextlib.contextmanager
def _connect(knobs: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """An in-memory connection with our limits and schemas; what does not fit spills into the warehouse folder."""
    knobs.warehouse.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix=".spill-", dir=knobs.warehouse) as spill,
        duckdb.connect(config={"memory_limit": knobs.memory_limit, "temp_directory": spill}) as connection,
    ):
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


def build_tables(knobs: Settings, progress: Callable[[TableFile], None] = lambda table: None) -> dict[str, TableFile]:
    """Compute every declared table and write it to the staging folder, sorted by key. Raises lake.GateError."""
    staging = knobs.staging / "parquet"
    if unchecked := _BUILDING.pop(knobs.staging, None):
        wait([unchecked])  # of an earlier run in this process, whose checks failed
    shutil.rmtree(knobs.staging, ignore_errors=True)
    staging.mkdir(parents=True)
    files = table_files()
    written: dict[str, TableFile] = {}
    with _connect(knobs) as connection:
        _stage_parts(connection, knobs)
        _stage_reference(connection)
        for name, file in files.items():
            if name.startswith("staged."):
                connection.execute(f"CREATE TABLE {name} AS {file.statement}")
                continue
            table = TABLES[file.name]
            columns = ", ".join(column.name for column in table.columns)
            order = ", ".join(table.primary_key)
            rows = connection.sql(f"SELECT {columns} FROM ({file.statement}) ORDER BY {order}").to_arrow_table()
            written[table.name] = write_table(rows, table, staging)
            progress(written[table.name])
            _view_parquet(connection, name, staging / f"{table.name}.parquet")
    return written


def _stage_parts(connection: duckdb.DuckDBPyConnection, knobs: Settings) -> None:
    parts = store_parts(knobs.page_store)
    for name, paths in (("pages", parts), ("records", [knobs.records / part.name for part in parts])):
        if paths:
            names = ", ".join(quote(str(path)) for path in paths)
            connection.execute(f"CREATE VIEW staged.{name} AS SELECT * FROM read_parquet([{names}])")
        else:
            empty = PAGE_SCHEMA if name == "pages" else RECORD_SCHEMA
            connection.register(f"no_{name}", empty.empty_table())
            connection.execute(f"CREATE VIEW staged.{name} AS SELECT * FROM no_{name}")


def _stage_reference(connection: duckdb.DuckDBPyConnection) -> None:
    """The vocabularies as text, NULL where a CSV has nothing (`NA` is Namibia)."""
    for name, rows in read_reference(settings.REFERENCE).items():
        columns = {column: [row[column] or None for row in rows] for column in FILES[name].columns}
        table = pa.table({column: pa.array(values, pa.string()) for column, values in columns.items()})
        connection.register("vocabulary", table)
        connection.execute(f"CREATE TABLE reference.{Path(name).stem} AS SELECT * FROM vocabulary")
        connection.unregister("vocabulary")
    codes = [(code, severity, meaning) for code, (severity, meaning) in PROBLEM_CODES.items()]
    connection.execute("CREATE TABLE reference.problem_codes (problem_code TEXT, severity TEXT, meaning TEXT)")
    connection.executemany("INSERT INTO reference.problem_codes VALUES (?, ?, ?)", codes)


def _view_parquet(connection: duckdb.DuckDBPyConnection, name: str, path: Path) -> None:
    connection.execute(f"CREATE OR REPLACE VIEW {name} AS SELECT * FROM read_parquet({quote(str(path))})")


def refresh_tables(
    knobs: Settings, progress: Callable[[TableFile], None] = lambda table: None
) -> tuple[dict[str, TableFile], Path]:
    """The tables of what is in the store now, each after those that it reads from, and the folder they are in.

    The folder is the staging folder, or the published one where nothing changed.
    """
    before = published(knobs)
    if before and before.inputs == inputs_fingerprint(knobs):
        shutil.rmtree(knobs.staging, ignore_errors=True)
        return before.tables, knobs.parquet
    tables = build_tables(knobs, progress)
    _BUILDING[knobs.staging] = _BUILDER.submit(build_database, knobs)
    return tables, knobs.staging / "parquet"


@contextlib.contextmanager
def open_refreshed(knobs: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection on which every table's name is a view of its Parquet file: staged, or published if none is."""
    folder = knobs.staging / "parquet" if knobs.staging.exists() else knobs.parquet
    with _connect(knobs) as connection:
        for table in TABLES.values():
            _view_parquet(connection, table.qualified_name, folder / f"{table.name}.parquet")
        yield connection


def preview_markdown(folder: Path, name: str, rows: int = 5, width: int = 60) -> str:
    """The first rows of a Parquet table as a Markdown table, long texts shortened, for people to look at."""
    with pq.ParquetFile(folder / f"{name}.parquet") as file:
        batch = next(file.iter_batches(rows), None)
    if batch is None:
        return "(no rows)"
    lines = [batch.schema.names, ["---"] * batch.num_columns]
    lines += [[_short(value, width) for value in row.values()] for row in batch.to_pylist()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _short(value: Any, width: int) -> str:
    """A value on one line of a Markdown table: nothing in it may be read as markup."""
    text = "" if value is None else " ".join(str(value).split())
    text = text if len(text) <= width else text[: width - 1] + "…"
    return re.sub(r"([\\|`*_\[\]<>#!])", r"\\\1", text)


# ---- database


@cache
def mart_files() -> Mapping[str, SqlFile]:
    """The views of sql/marts by qualified name, each after those that it reads from."""
    files = {f"mart.{file.name}": file for file in read_folder(settings.SQL / "marts").values()}
    return {name: files[name] for name in in_order(files)}


def build_database(knobs: Settings) -> Path:
    """Load the staged tables into a new database in the staging folder: keys, comments, marts. Returns its path.

    Raises duckdb.ConstraintException where a key, a reference, a NOT NULL or a closed list of values does not hold.
    """
    path = knobs.staging / _DATABASE
    path.unlink(missing_ok=True)
    with _connect(knobs) as connection:
        connection.execute(f"ATTACH {quote(str(path))} AS ieval (STORAGE_VERSION '{STORAGE_VERSION}')")
        connection.execute("USE ieval; CREATE SCHEMA raw; CREATE SCHEMA mart;")
        # One transaction a table: one for all would hold all of it in memory.
        for table in load_order(TABLES.values()):
            parquet = quote(str(knobs.staging / "parquet" / f"{table.name}.parquet"))
            connection.execute(create_table(table))
            connection.execute(f"INSERT INTO {table.qualified_name} BY NAME SELECT * FROM read_parquet({parquet})")
            connection.execute("".join(comments(table)))
        for name, file in mart_files().items():
            connection.execute(f"CREATE VIEW {name} AS {file.statement}")
            connection.execute("".join(comments(MARTS[file.name], "VIEW")))
        connection.execute("USE memory; DETACH ieval;")
    return path


def refresh_database(knobs: Settings) -> tuple[Published, bool]:
    """Build and publish what is staged, if anything is. Returns what is published now, and whether it is new."""
    if knobs.staging.exists():
        files = {}
        for name in (file.name for file in table_files().values() if file.name in TABLES):
            path = knobs.staging / "parquet" / f"{name}.parquet"
            files[name] = describe(path, pq.read_metadata(path).num_rows)
        building = _BUILDING.pop(knobs.staging, None)
        _ = building.result() if building else build_database(knobs)
        return publish(knobs, inputs_fingerprint(knobs), files), True
    before = published(knobs)
    if before is None:
        raise RuntimeError(f"{knobs.warehouse}: nothing is staged and nothing is published; run the whole job")
    return before, False


def count_marts(knobs: Settings) -> dict[str, int]:
    """Rows of every mart in the published database; none where somebody else has it open for writing."""
    try:
        database = duckdb.connect(str(knobs.database), read_only=True)
    except duckdb.IOException:
        return {}
    with database as connection:
        counts = {}
        for name, mart in MARTS.items():
            row = connection.execute(f"SELECT count(*) FROM {mart.qualified_name}").fetchone()
            counts[name] = int(row[0]) if row else 0
    return counts


def publish(knobs: Settings, inputs: str, tables: dict[str, TableFile]) -> Published:
    """Move what is staged into place: tables that changed, the database, and last the manifest that names them."""
    knobs.parquet.mkdir(parents=True, exist_ok=True)
    before = published(knobs)
    for name, table in tables.items():
        if before is None or before.tables.get(name) != table:
            (knobs.staging / "parquet" / f"{name}.parquet").replace(knobs.parquet / f"{name}.parquet")
    for stale in set(knobs.parquet.glob("*.parquet")) - {knobs.parquet / f"{name}.parquet" for name in tables}:
        stale.unlink()
    (knobs.staging / _DATABASE).replace(knobs.database)
    size = knobs.database.stat().st_size
    manifest = {"inputs": inputs, "database_bytes": size, "tables": [asdict(table) for table in tables.values()]}
    beside = knobs.manifest.with_suffix(".json.new")
    beside.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    beside.replace(knobs.manifest)
    shutil.rmtree(knobs.staging, ignore_errors=True)
    return Published(inputs, tables, size)
