"""The SQLite file of an export: rows, keys and words as declared, and a search that finds what people mean."""

from __future__ import annotations

import datetime
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import Built

from pipelines.export.source import EXPORTABLE, references
from pipelines.export.sqlite import SEARCHED, create_table
from pipelines.tables import Table


@pytest.fixture
def db(exported: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(f"file:{exported / 'ieval.sqlite'}?mode=ro", uri=True)
    yield connection
    connection.close()


@pytest.fixture
def dangerous_db(exported_dangerous: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(f"file:{exported_dangerous / 'ieval.sqlite'}?mode=ro", uri=True)
    yield connection
    connection.close()


def plain(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, datetime.datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return value.isoformat() if isinstance(value, datetime.date) else value


def test_it_is_sound(db: sqlite3.Connection) -> None:
    assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert db.execute("PRAGMA foreign_key_check").fetchall() == []
    assert db.execute("PRAGMA journal_mode").fetchall() == [("delete",)]  # or a read-only copy would not open


def test_it_holds_every_table_and_nothing_unknown(db: sqlite3.Connection) -> None:
    names = {
        name
        for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        if not any(name.startswith(f"{table}_fts") for table in SEARCHED)
    }
    assert names == set(EXPORTABLE) | {"about"}


@pytest.mark.parametrize("name", EXPORTABLE)
def test_rows_are_those_of_the_warehouse(db: sqlite3.Connection, hostile: Built, name: str) -> None:
    table = EXPORTABLE[name]
    order = ", ".join(table.primary_key)
    with duckdb.connect(str(hostile.database), read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        rows = connection.execute(f"SELECT * FROM {table.qualified_name} ORDER BY {order}").fetchall()
    assert db.execute(f"SELECT * FROM {name} ORDER BY {order}").fetchall() == [tuple(map(plain, row)) for row in rows]


@pytest.mark.parametrize("table", EXPORTABLE.values(), ids=list(EXPORTABLE))
def test_keys(db: sqlite3.Connection, table: Table) -> None:
    columns = db.execute(f"PRAGMA table_info({table.name})").fetchall()
    assert [(name, bool(required)) for _, name, _, required, _, _ in columns] == [
        (column.name, not column.nullable) for column in table.columns
    ]
    assert tuple(row[1] for row in sorted(columns, key=lambda row: row[5]) if row[5]) == table.primary_key
    found: dict[int, list[tuple[str, str, str]]] = {}
    for number, _, target, column, target_column, *_ in db.execute(f"PRAGMA foreign_key_list({table.name})"):
        found.setdefault(number, []).append((target, column, target_column))
    expected = [
        [(target, *pair) for pair in zip(columns, target_columns, strict=True)]
        for columns, target, target_columns in references(table, EXPORTABLE.values())
    ]
    assert sorted(found.values()) == sorted(expected)


def test_declared_words_stand_in_the_schema(db: sqlite3.Connection) -> None:
    for table in EXPORTABLE.values():
        ((sql,),) = db.execute("SELECT sql FROM sqlite_master WHERE name = ?", [table.name]).fetchall()
        assert table.words in sql
        for column in table.columns:
            assert column.words in sql


def test_words_cannot_end_a_comment() -> None:
    for table in EXPORTABLE.values():
        assert "\n" not in table.words + "".join(column.words for column in table.columns)


def test_what_is_followed_has_an_index(db: sqlite3.Connection) -> None:
    for table in EXPORTABLE.values():
        indexed = set()
        for _, index, *_ in db.execute(f"PRAGMA index_list({table.name})").fetchall():
            indexed.add(tuple(row[2] for row in db.execute(f"PRAGMA index_info({index})"))[:1])
        for columns, _, _ in references(table, EXPORTABLE.values()):
            assert columns[:1] in indexed | {table.primary_key[:1]}
    plan = db.execute(
        "EXPLAIN QUERY PLAN SELECT count(*) FROM country_action_items WHERE country_iso3 = 'KHM'"
    ).fetchall()
    assert "country_action_items_by_country_iso3" in plan[0][3]


def test_references_only_to_what_is_exported() -> None:
    alone = EXPORTABLE["recommendations"]
    assert "REFERENCES" not in create_table(alone, [alone])
    assert "REFERENCES evaluations (eval_number)" in create_table(alone, [alone, EXPORTABLE["evaluations"]])


def test_about(dangerous_db: sqlite3.Connection) -> None:
    about = dict(dangerous_db.execute("SELECT * FROM about"))
    assert about["newest observation"] == "2026-11-22 05:00 UTC"
    assert "i-eval Discovery" in about["how to cite"]
    assert about["terms"]


# ---- search


def search(db: sqlite3.Connection, table: str, words: str) -> list[int]:
    key = EXPORTABLE[table].primary_key[0]
    query = (
        f"SELECT DISTINCT {key} FROM {table} WHERE rowid IN (SELECT rowid FROM {table}_fts WHERE {table}_fts MATCH ?)"
    )
    return sorted(number for (number,) in db.execute(query, [words]))


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        ("inspeccion", [900503]),
        ("inspección", [900503]),
        ("INSPECCIÓN", [900503]),
        ("labour inspector", [900503]),
        ("labour inspectors", [900503]),
        ("quarries", [900503]),
        ('"visit every quarry"', [900503]),
        ("emoji", [900502]),
        ("comments: semicolon", [900503]),
        ("title: semicolon", []),
        ("plan", [900501]),
        ("nothing", []),
    ],
)
def test_search(dangerous_db: sqlite3.Connection, words: str, numbers: list[int]) -> None:
    assert search(dangerous_db, "recommendations", words) == numbers


def test_search_in_the_other_tables(db: sqlite3.Connection, dangerous_db: sqlite3.Connection) -> None:
    assert search(dangerous_db, "action_items", "labour inspectors") == [900503]
    assert search(db, "lessons", "seminar") == [900102]
    assert search(db, "good_practices", "neighbour theft") == [900201]


def test_every_text_that_can_be_searched_is_indexed(db: sqlite3.Connection) -> None:
    for table, columns in SEARCHED.items():
        assert set(columns) <= {column.name for column in EXPORTABLE[table].columns}
        assert (
            db.execute(f"SELECT count(*) FROM {table}_fts_docsize").fetchall()
            == db.execute(f"SELECT count(*) FROM {table}").fetchall()
        )


@pytest.mark.parametrize("table", SEARCHED)
def test_datasette_finds_the_search_table(db: sqlite3.Connection, table: str) -> None:
    """The pattern by which Datasette looks for the search table of a table."""
    rows = db.execute(
        "SELECT name FROM sqlite_master WHERE rootpage = 0 AND sql LIKE ?",
        [f'%VIRTUAL TABLE%USING FTS%content="{table}"%'],
    ).fetchall()
    assert rows == [(f"{table}_fts",)]
