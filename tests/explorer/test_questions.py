"""The worked questions in SQLite: every one of them runs, and answers what it answers in DuckDB."""

from __future__ import annotations

import datetime
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Built

from pipelines.explorer.questions import register_functions, sqlite_questions
from pipelines.questions import ask, open_warehouse, worked_questions
from pipelines.settings import SQL, Settings

#: Besides the defaults: words with accents, nothing found, other values.
GIVEN: tuple[dict[str, str], ...] = (
    {},
    {"since": "2999-01-01", "country": "côte d’ivoire", "theme": "É", "rows": "3", "severity": "WARNING", "words": "é"},
    {
        "since": "2000-01-01",
        "country": "Kenya",
        "theme": "",
        "rows": "0",
        "severity": "note",
        "words": "the  INSPECCIÓN",
    },
    {"country": "Tuvalu", "theme": "%", "words": "'; DROP TABLE lessons"},
)


@pytest.fixture(scope="module")
def sqlite(exported: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(f"file:{exported / 'ieval.sqlite'}?immutable=1", uri=True)
    register_functions(connection)
    yield connection
    connection.close()


def plain(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    return value.isoformat() if isinstance(value, datetime.date) else value


CASES = [
    (name, {parameter.name: given[parameter.name] for parameter in question.parameters if parameter.name in given})
    for name, question in sqlite_questions().items()
    for given in GIVEN
]


@pytest.mark.parametrize(
    ("name", "given"), [case for position, case in enumerate(CASES) if case not in CASES[:position]]
)
def test_same_answer_as_duckdb(sqlite: sqlite3.Connection, hostile: Built, name: str, given: dict[str, str]) -> None:
    question = sqlite_questions()[name]
    with open_warehouse(Settings(warehouse=hostile.folder)) as connection:
        expected = ask(connection, name, given)
    values = {parameter.name: parameter.default or "" for parameter in question.parameters} | given
    cursor = sqlite.execute(question.sql, values)
    assert [column[0] for column in cursor.description] == expected.columns
    assert cursor.fetchall() == [tuple(map(plain, row)) for row in expected.rows]


def test_every_twin_belongs_to_a_question() -> None:
    assert {path.stem for path in (SQL / "queries" / "sqlite").glob("*.sql")} <= set(worked_questions())
    assert list(sqlite_questions()) == list(worked_questions())


@pytest.mark.parametrize("name", ["country_profile", "country_promises"])
def test_what_looks_like_sql_is_a_text(sqlite: sqlite3.Connection, name: str) -> None:
    assert sqlite.execute(sqlite_questions()[name].sql, {"country": "x' OR 'x' = 'x"}).fetchall() == []
