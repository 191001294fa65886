"""Tables computed by DuckDB: what their SQL may do, what the gate lets pass, and the vocabularies that they read."""

from __future__ import annotations

import datetime
import hashlib
from bisect import bisect_right
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import PAGES, SHIPPED
from small_pages import parquet_bytes
from test_publication import published_files, titles

from pipelines import settings, table_builder
from pipelines.lake import GateError
from pipelines.pages import page_slices, slice_bounds
from pipelines.reference import FILES, read_reference
from pipelines.sql_files import SqlFile

DAY_1 = datetime.datetime(2024, 3, 1, 6, tzinfo=datetime.UTC)
DAY_2 = datetime.datetime(2024, 9, 1, 6, tzinfo=datetime.UTC)
LESSON = PAGES / "lesson_900101.txt"


def _spoil(monkeypatch: pytest.MonkeyPatch, name: str, statement: str) -> None:
    """Another statement for one table."""
    files = dict(table_builder.table_files())
    old = files[f"main.{name}"]
    files[f"main.{name}"] = SqlFile(old.name, old.path, old.words, statement)
    monkeypatch.setattr(table_builder, "table_files", lambda: files)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("SELECT 1 AS progress_code, 'x' AS label", 'column "sort_order" not found'),
        ("SELECT NULL::VARCHAR AS progress_code, 'x' AS label, 1::BIGINT AS sort_order", "1 NULLs"),
        ("SELECT 'x' AS progress_code, 'x' AS label, 'first' AS sort_order", "sort_order|first"),
    ],
    ids=["missing column", "null key", "wrong type"],
)
def test_what_the_gate_refuses_publishes_nothing(
    tmp_path: Path, build: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, statement: str, words: str
) -> None:
    build(tmp_path, [SHIPPED], DAY_1)
    before = published_files(tmp_path)
    _spoil(monkeypatch, "progress_levels", statement)
    with pytest.raises((GateError, duckdb.BinderException), match=words):
        build(tmp_path, [LESSON], DAY_2)
    assert published_files(tmp_path) == before


def test_constraints_are_the_last_gate(
    tmp_path: Path, build: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key that is there twice passes the gate of single columns, and never the database's."""
    build(tmp_path, [SHIPPED], DAY_1)
    before = published_files(tmp_path)
    row = "SELECT 'x' AS progress_code, 'x' AS label, 1::BIGINT AS sort_order"
    _spoil(monkeypatch, "progress_levels", f"{row} UNION ALL {row}")
    with pytest.raises(duckdb.ConstraintException):
        build(tmp_path, [LESSON], DAY_2)
    assert published_files(tmp_path) == before
    monkeypatch.undo()
    build(tmp_path, [LESSON], DAY_2)
    with duckdb.connect(str(tmp_path / "ieval.duckdb"), read_only=True) as connection:
        assert titles(connection) == [(3191,), (9021,)]


# ---- vocabularies as DuckDB reads them


@pytest.mark.parametrize(
    "harm",
    [
        lambda page: page,
        lambda page: b"\xef\xbb\xbf" + page,
        lambda page: page.replace(b"\n", b"\r\n"),
        lambda page: page + b"\n\n",
        lambda page: page.replace(b"\n", b"\n\n", 3),
        lambda page: page.rstrip(b"\n"),
        lambda page: page.replace(b"\n", b"\r\n", 2),
    ],
    ids=[
        "as it is",
        "byte order mark",
        "CRLF",
        "blank lines at the end",
        "blank lines",
        "no last line end",
        "mixed line ends",
    ],
)
def test_vocabularies_are_read_as_they_are_checked(
    reference_copy: Path, monkeypatch: pytest.MonkeyPatch, harm: Callable[[bytes], bytes]
) -> None:
    """Two readers of one file must agree on its rows: the one that checks it and the one that loads it."""
    for name in FILES:
        path = reference_copy / name
        path.write_bytes(harm(path.read_bytes().replace(b"\r\n", b"\n")))
    monkeypatch.setattr(settings, "REFERENCE", reference_copy)
    checked = read_reference(reference_copy)
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA reference")
        table_builder._stage_reference(connection)
        for name, rows in checked.items():
            columns = FILES[name].columns
            loaded = connection.execute(f"SELECT {', '.join(columns)} FROM reference.{Path(name).stem}").fetchall()
            assert [tuple(value or "" for value in row) for row in loaded] == [
                tuple(row[column] for column in columns) for row in rows
            ]


# ---- slices


@pytest.mark.parametrize("rows_at_a_time", [7, 8_192])
def test_pages_that_are_parted_lie_slice_by_slice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows_at_a_time: int
) -> None:
    monkeypatch.setattr(table_builder, "_ROWS_PARTED", rows_at_a_time)
    page_ids = [hashlib.sha256(bytes([number])).hexdigest() for number in range(100)]
    rows = pa.table({"page_id": page_ids, "page_text": [f"text of {page_id}" for page_id in page_ids]})
    bounds = slice_bounds(100, 10)
    path = tmp_path / "pages.parquet"
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA staged")
        connection.register("rows", rows)
        connection.execute("CREATE VIEW staged.pages AS FROM rows")
        table_builder._part_pages(connection, bounds, path)
        found = [
            connection.execute(f"SELECT * FROM staged.pages WHERE {condition} ORDER BY page_id").fetchall()
            for condition in page_slices(bounds)
        ]
    assert [row for slice_ in found for row in slice_] == sorted(zip(*rows.to_pydict().values(), strict=True))
    file = pq.ParquetFile(path)
    groups = [file.read_row_group(number)["page_id"].to_pylist() for number in range(file.num_row_groups)]
    assert len(groups) > len(bounds)
    assert all(len({bisect_right(bounds, page_id) for page_id in group}) == 1 for group in groups)


@pytest.mark.parametrize(("slice_bytes", "is_parted"), [(1_000_000, False), (500, True)])
def test_many_slices_are_parted_before_they_are_looked_at(
    tmp_path: Path, build: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, slice_bytes: int, is_parted: bool
) -> None:
    parted: list[int] = []
    part_pages = table_builder._part_pages

    def noting(connection: duckdb.DuckDBPyConnection, bounds: Sequence[str], path: Path) -> None:
        parted.append(len(bounds))
        part_pages(connection, bounds, path)

    pages = sorted(PAGES.glob("lesson_*.txt"))
    build(tmp_path / "whole", pages, DAY_1)
    monkeypatch.setattr(table_builder, "_part_pages", noting)
    monkeypatch.setattr(table_builder, "_SLICE_BYTES", slice_bytes)
    build(tmp_path / "parted", pages, DAY_1)
    assert bool(parted) is is_parted
    assert parquet_bytes(tmp_path / "parted") == parquet_bytes(tmp_path / "whole")
    assert not list((tmp_path / "parted").glob(".spill-*"))
