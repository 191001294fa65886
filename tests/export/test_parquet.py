"""The Parquet of an export: the forms that BI tools read, the rows of the warehouse, the same bytes each time."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import Built

from pipelines.export import parquet
from pipelines.export.source import EXPORTABLE, Rows
from pipelines.schema import arrow_schema
from pipelines.tables import Table, key

#: What pandas, polars, DuckDB, R's arrow, Spark, Power BI and Tableau read alike.
PLAIN = {pa.string(), pa.int64(), pa.float64(), pa.bool_(), pa.date32(), pa.timestamp("us", tz="UTC")}
NUMBERS = Table("main", "numbers", "One row a number.", (key("number", "integer", "It."),))


def batches(count: int, rows: int) -> Rows:
    schema = arrow_schema(NUMBERS)
    parts = (
        pa.RecordBatch.from_pydict({"number": range(start, start + rows)}, schema) for start in range(0, count, rows)
    )
    return Rows(NUMBERS, parts)


def test_one_file_a_table_and_no_other(exported: Path) -> None:
    assert {path.name for path in (exported / "parquet").iterdir()} == {f"{name}.parquet" for name in EXPORTABLE}


@pytest.mark.parametrize("name", EXPORTABLE)
def test_forms(exported: Path, name: str) -> None:
    with pq.ParquetFile(exported / "parquet" / f"{name}.parquet") as file:
        assert set(file.schema_arrow.types) <= PLAIN
        assert file.schema_arrow.equals(arrow_schema(EXPORTABLE[name]), check_metadata=True)
        assert b"pandas" not in (file.metadata.metadata or {})
        groups = [file.metadata.row_group(number) for number in range(file.num_row_groups)]
        columns = [group.column(position) for group in groups for position in range(group.num_columns)]
        assert {column.compression for column in columns} <= {"SNAPPY"}
        assert {column.physical_type for column in columns} <= {"BYTE_ARRAY", "INT64", "INT32", "DOUBLE", "BOOLEAN"}


@pytest.mark.parametrize("name", EXPORTABLE)
def test_rows_are_those_of_the_warehouse(exported: Path, hostile: Built, name: str) -> None:
    table = EXPORTABLE[name]
    order = ", ".join(table.primary_key)
    with duckdb.connect(str(hostile.database), read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        expected = connection.execute(f"SELECT * FROM {table.qualified_name} ORDER BY {order}").fetchall()
    found = pq.read_table(exported / "parquet" / f"{name}.parquet").to_pylist()
    assert [tuple(row.values()) for row in found] == expected


def test_dangerous_texts_are_exact(exported_dangerous: Path, dangerous: Path) -> None:
    with duckdb.connect(str(dangerous / "ieval.duckdb"), read_only=True) as connection:
        expected = connection.execute(
            "SELECT title, action_plan FROM main.recommendations ORDER BY recommendation_id"
        ).fetchall()
    found = pq.read_table(exported_dangerous / "parquet" / "recommendations.parquet", columns=["title", "action_plan"])
    assert [tuple(row.values()) for row in found.to_pylist()] == expected


def test_row_groups_are_bounded_by_rows_and_by_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "_GROUP_ROWS", 30)
    parquet.write([batches(100, 10)], [NUMBERS], None, tmp_path)  # type: ignore[arg-type]
    metadata = pq.read_metadata(tmp_path / "parquet" / "numbers.parquet")
    assert [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)] == [30, 30, 30, 10]
    monkeypatch.setattr(parquet, "_GROUP_BYTES", 1)
    groups = [group.num_rows for group in parquet._groups(batches(100, 10).batches)]
    assert groups == [10] * 10


def test_pandas_reads_it(exported: Path) -> None:
    import pandas as pd

    frame = pd.read_parquet(exported / "parquet" / "recommendations.parquet")
    assert len(frame) == 14
    assert str(frame["recommendation_id"].dtype) == "int64"
    assert str(pd.read_parquet(exported / "parquet" / "pages.parquet")["first_seen_at"].dtype) == "datetime64[us, UTC]"
