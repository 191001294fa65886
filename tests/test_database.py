"""The database as built: tables and views, constraints and comments, and rows that are those of the Parquet files."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pyarrow.parquet as pq
import pytest
from conftest import Built

from pipelines import checks
from pipelines.marts import MARTS
from pipelines.schema import SQL_TYPES, arrow_schema
from pipelines.tables import TABLES, Table

ALL = [*TABLES.values(), *MARTS.values()]


@pytest.fixture(scope="module")
def db(hostile: Built) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(hostile.database), read_only=True) as connection:
        yield connection


def test_it_holds_what_is_declared_and_nothing_else(db: duckdb.DuckDBPyConnection) -> None:
    tables = db.execute("SELECT schema_name, table_name FROM duckdb_tables()").fetchall()
    views = db.execute("SELECT schema_name, view_name FROM duckdb_views() WHERE NOT internal").fetchall()
    assert set(tables) == {(table.schema, table.name) for table in TABLES.values()}
    assert set(views) == {(view.schema, view.name) for view in MARTS.values()}


@pytest.mark.parametrize("table", ALL, ids=[table.name for table in ALL])
def test_columns_and_comments(db: duckdb.DuckDBPyConnection, table: Table) -> None:
    columns = db.execute(
        "SELECT column_name, data_type, comment FROM duckdb_columns() "
        "WHERE schema_name = ? AND table_name = ? ORDER BY column_index",
        [table.schema, table.name],
    ).fetchall()
    assert columns == [(column.name, SQL_TYPES[column.type], column.words) for column in table.columns]
    function, name = ("duckdb_views()", "view_name") if table.schema == "mart" else ("duckdb_tables()", "table_name")
    comment = db.execute(
        f"SELECT comment FROM {function} WHERE schema_name = ? AND {name} = ?", [table.schema, table.name]
    ).fetchall()
    assert comment == [(table.words,)]


def test_constraints(db: duckdb.DuckDBPyConnection) -> None:
    rows = db.execute(
        "SELECT schema_name, table_name, constraint_type, constraint_column_names, referenced_table "
        "FROM duckdb_constraints()"
    ).fetchall()
    found = {
        (f"{schema}.{table}", kind, tuple(columns), target or None) for schema, table, kind, columns, target in rows
    }
    expected = set()
    for table in TABLES.values():
        name = table.qualified_name
        expected.add((name, "PRIMARY KEY", table.primary_key, None))
        expected |= {(name, "NOT NULL", (column.name,), None) for column in table.columns if not column.nullable}
        expected |= {(name, "CHECK", (column.name,), None) for column in table.columns if column.values}
        expected |= {
            (name, "FOREIGN KEY", columns, referenced)
            for columns, referenced, _ in table.references
            if TABLES[referenced].schema == table.schema
        }
    assert found == expected


def test_storage_version_is_one_that_todays_drivers_open(hostile: Built, db: duckdb.DuckDBPyConnection) -> None:
    # Bytes 12 to 20 of a DuckDB file are its storage version: 64 up to DuckDB 1.1, then 65 for 1.2 and so on.
    with hostile.database.open("rb") as file:
        header = file.read(20)
    assert header[8:12] == b"DUCK"
    assert int.from_bytes(header[12:20], "little") <= 65
    (tags,) = db.execute("SELECT tags FROM duckdb_databases() WHERE database_name = 'ieval'").fetchall()
    assert tags[0]["storage_version"].startswith("v1.2.0")


@pytest.mark.parametrize("name", TABLES)
def test_parquet_and_database_agree(hostile: Built, db: duckdb.DuckDBPyConnection, name: str) -> None:
    table = TABLES[name]
    path = hostile.folder / "parquet" / f"{name}.parquet"
    assert pq.read_schema(path).equals(arrow_schema(table), check_metadata=True)
    key = ", ".join(table.primary_key)
    in_parquet = duckdb.execute(f"SELECT * FROM read_parquet('{path}')").fetchall()
    assert in_parquet == db.execute(f"SELECT * FROM {table.qualified_name} ORDER BY {key}").fetchall()


def test_checks_hold_on_the_published_database(db: duckdb.DuckDBPyConnection) -> None:
    broken = [checks.run_check(db, check) for check in checks.all_checks()]
    assert [result.words for result in broken if not result.passed and result.check.severity == checks.ERROR] == []
