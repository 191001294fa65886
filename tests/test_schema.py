"""Declarations rendered as DDL, comments and Arrow schemas, tried on DuckDB and Arrow themselves."""

from __future__ import annotations

import datetime
import os
import subprocess
import sys
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from conftest import PROJECT

from pipelines.marts import MARTS
from pipelines.schema import ARROW_TYPES, SQL_TYPES, arrow_schema, comments, create_table, load_order, quote
from pipelines.tables import TABLES, Table, key, may, need

VALUES: dict[str, Any] = {
    "text": "x",
    "integer": 2**62,
    "double": 0.1,
    "boolean": True,
    "date": datetime.date(2023, 1, 16),
    "timestamp": datetime.datetime(2023, 1, 16, 1, 2, 3, 456789, tzinfo=datetime.UTC),
}


@pytest.fixture(scope="module")
def database() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'; CREATE SCHEMA raw")
    for table in load_order(TABLES.values()):
        connection.execute(create_table(table))
        connection.execute("".join(comments(table)))
    return connection


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES.keys())
def test_ddl_says_what_is_declared(database: duckdb.DuckDBPyConnection, table: Table) -> None:
    rows = database.execute(
        "SELECT column_name, data_type, is_nullable, comment FROM duckdb_columns() "
        "WHERE schema_name = ? AND table_name = ? ORDER BY column_index",
        [table.schema, table.name],
    ).fetchall()
    assert rows == [(column.name, SQL_TYPES[column.type], column.nullable, column.words) for column in table.columns]
    comment = database.execute(
        "SELECT comment FROM duckdb_tables() WHERE schema_name = ? AND table_name = ?", [table.schema, table.name]
    ).fetchall()
    assert comment == [(table.words,)]


TINY = Table(
    "main",
    "tiny",
    "One row a trial; it's quoted.",
    (
        key("tiny_id", "integer", "The key."),
        need("kind", "text", "A closed list.", values=("it's", "other")),
        *(may(name, name, f"A {name}, it's said.") for name in VALUES),
    ),
)


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("INSERT INTO tiny (tiny_id, kind) VALUES (1, 'other'), (1, 'other')", "PRIMARY KEY"),
        ("INSERT INTO tiny (tiny_id) VALUES (1)", "NOT NULL"),
        ("INSERT INTO tiny (kind) VALUES ('other')", "NOT NULL"),
        ("INSERT INTO tiny (tiny_id, kind) VALUES (1, 'its')", "CHECK"),
    ],
)
def test_constraints_hold(statement: str, what: str) -> None:
    with duckdb.connect() as connection:
        connection.execute(create_table(TINY))
        connection.execute("INSERT INTO tiny (tiny_id, kind) VALUES (0, 'it''s')")
        with pytest.raises(duckdb.ConstraintException, match=f"(?i){what}|duplicate key"):
            connection.execute(statement)


def test_references_within_a_schema_are_foreign_keys(database: duckdb.DuckDBPyConnection) -> None:
    rows = database.execute(
        "SELECT table_name, constraint_column_names, referenced_table FROM duckdb_constraints() "
        "WHERE constraint_type = 'FOREIGN KEY'"
    ).fetchall()
    assert {(table, tuple(columns), referenced) for table, columns, referenced in rows} == {
        (table.name, columns, referenced)
        for table in TABLES.values()
        for columns, referenced, _ in table.references
        if TABLES[referenced].schema == table.schema
    }


def test_arrow_schema_keeps_nullability_and_words() -> None:
    schema = arrow_schema(TINY)
    assert schema.names == [column.name for column in TINY.columns]
    for column in TINY.columns:
        field = schema.field(column.name)
        assert field.type == ARROW_TYPES[column.type]
        assert field.nullable == column.nullable
        assert field.metadata == {b"description": column.words.encode()}
    assert schema.metadata == {b"description": TINY.words.encode(), b"table": b"main.tiny"}


def test_values_survive_the_way_from_arrow_to_duckdb_and_back() -> None:
    rows = [{"tiny_id": 1, "kind": "it's", **VALUES}, {"tiny_id": 2, "kind": "other", **dict.fromkeys(VALUES)}]
    sent = pa.Table.from_pylist(rows, arrow_schema(TINY))
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(create_table(TINY))
        connection.register("sent", sent)
        connection.execute("INSERT INTO tiny BY NAME SELECT * FROM sent")
        returned = connection.sql("SELECT * FROM tiny ORDER BY tiny_id").to_arrow_table()
    assert returned.cast(arrow_schema(TINY)).to_pylist() == rows
    assert [field.type for field in returned.schema] == [field.type for field in sent.schema]


def test_load_order() -> None:
    order = [table.name for table in load_order(TABLES.values())]
    assert sorted(order) == sorted(TABLES)
    for table in TABLES.values():
        for _, referenced, _ in table.references:
            assert order.index(referenced) < order.index(table.name)


def test_load_order_is_the_same_in_every_process() -> None:
    program = (
        "from pipelines.schema import load_order; from pipelines.tables import TABLES;"
        "print([table.name for table in load_order(TABLES.values())])"
    )
    orders = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONPATH": str(PROJECT), "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(orders) == 1


def test_views_are_commented_as_views() -> None:
    view = MARTS["status_conflicts"]
    first, *others = comments(view, "VIEW")
    assert first.startswith("COMMENT ON VIEW mart.status_conflicts IS 'One row")
    assert len(others) == len(view.columns)


@pytest.mark.parametrize("text", ["", "it's", "''", "a\nb", 'é " \\', "%s $1 ?"])
def test_quote(text: str) -> None:
    assert duckdb.connect().execute(f"SELECT {quote(text)}").fetchall() == [(text,)]
