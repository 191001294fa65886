"""Makes of table files the DuckDB database: keys, references, comments and the views of `sql/marts`.

A database is made anew from all tables, or is a copy of the last one in which some rows are replaced; either way it is
built beside the published one and satisfies every key, reference and NOT NULL. Publishing it does not belong here.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from pipelines import settings
from pipelines.lake import ROW_GROUP_ROWS
from pipelines.marts import MARTS
from pipelines.schema import comments, create_table, load_order, quote
from pipelines.settings import Settings
from pipelines.sql_files import SqlFile, in_order, read_folder
from pipelines.table_builder import connect
from pipelines.tables import TABLES

#: A file of a newer storage version cannot be opened by the drivers in today's BI tools.
STORAGE_VERSION = "v1.2.0"
#: Small, so that a row that is replaced takes few others with it; as small as can be where texts are large, for DuckDB
#: holds a row group in memory while it writes it.
_ROW_GROUP_ROWS = 16_384
_FEWEST_ROWS = 2_048
#: DuckDB holds the index of a key in memory while it loads a table: above this the keys hold by the checks alone.
_MOST_KEYED_ROWS = 2_000_000


@cache
def mart_files() -> Mapping[str, SqlFile]:
    """The views of sql/marts by qualified name, each after those that it reads from."""
    files = {f"mart.{file.name}": file for file in read_folder(settings.SQL / "marts").values()}
    return {name: files[name] for name in in_order(files)}


def build_database(knobs: Settings, parquet: Path, target: Path) -> None:
    """Load the tables of folder `parquet` into a new database: keys, comments, marts.

    Raises duckdb.ConstraintException where a key, a reference, a NOT NULL or a closed list of values does not hold.
    """
    target.unlink(missing_ok=True)
    files = {name: pq.read_metadata(parquet / f"{name}.parquet") for name in TABLES}
    without_keys = {name for name, file in files.items() if file.num_rows > _MOST_KEYED_ROWS}
    with _open(knobs, target, parquet) as connection:
        order = load_order(TABLES.values())
        # One transaction: each of hundreds of comments would be one of its own.
        connection.execute("BEGIN; CREATE SCHEMA raw; CREATE SCHEMA mart;")
        for table in order:
            connection.execute(create_table(table, without_keys))
            connection.execute("".join(comments(table)))
        for name, file in mart_files().items():
            connection.execute(f"CREATE VIEW {name} AS {file.statement}")
            connection.execute("".join(comments(MARTS[file.name], "VIEW")))
        connection.execute("COMMIT")
        # One transaction a table: one for all would hold all of it in memory.
        for table in order:
            source = quote(str(parquet / f"{table.name}.parquet"))
            connection.execute(f"INSERT INTO {table.qualified_name} BY NAME SELECT * FROM read_parquet({source})")
        connection.execute("USE memory; DETACH ieval;")


def update_database(
    knobs: Settings, published: Path, target: Path, outdated: Mapping[str, str], fresh: Mapping[str, Path]
) -> None:
    """Copy the published database and replace rows in the copy.

    `outdated`: for a table by name, the condition of the rows that go (on columns of the table); `fresh`: the file of
    the rows that come. Raises duckdb.ConstraintException as `build_database` does.
    """
    shutil.copyfile(published, target)
    order = [table for table in load_order(TABLES.values()) if table.name in outdated]
    with _open(knobs, target, knobs.parquet) as connection:
        # Each statement is a transaction: DuckDB still sees a deleted key within its own.
        for table in reversed(order):
            connection.execute(f"DELETE FROM {table.qualified_name} WHERE {outdated[table.name]}")
        for table in order:
            source = quote(str(fresh[table.name]))
            connection.execute(f"INSERT INTO {table.qualified_name} BY NAME SELECT * FROM read_parquet({source})")
        connection.execute("USE memory; DETACH ieval;")


@contextlib.contextmanager
def _open(knobs: Settings, path: Path, parquet: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that writes the tables of folder `parquet` into a database; what checks them runs beside it."""
    pages = pq.read_metadata(parquet / "pages.parquet")
    has_large_texts = pages.num_row_groups > -(-pages.num_rows // ROW_GROUP_ROWS)  # `lake.py` has cut them
    with connect(knobs, side_by_side=1 if has_large_texts else 2) as connection:
        if has_large_texts:
            connection.execute("SET threads = 1")  # each of which writes a row group of its own
        rows = _FEWEST_ROWS if has_large_texts else _ROW_GROUP_ROWS
        options = f"STORAGE_VERSION '{STORAGE_VERSION}', ROW_GROUP_SIZE {rows}"
        connection.execute(f"ATTACH {quote(str(path))} AS ieval ({options})")
        connection.execute("USE ieval")
        yield connection


def count_marts(database: Path) -> dict[str, int]:
    """Rows of every view for analysts, by name."""
    with duckdb.connect(str(database), read_only=True) as connection:
        counts = {}
        for name, mart in MARTS.items():
            row = connection.execute(f"SELECT count(*) FROM {mart.qualified_name}").fetchone()
            counts[name] = int(row[0]) if row else 0
    return counts
