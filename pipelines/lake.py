"""Writes Parquet beside and moves it into place: the same rows give the same bytes, and no reader sees half a file.

The write is the gate: rows that do not have exactly the declared columns, types and NOT NULLs are refused here. What
the rows are does not belong here.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.schema import arrow_schema
from pipelines.tables import Table


class GateError(ValueError):
    """Rows that are not what the table is declared to be; nothing has been written."""


@dataclass(frozen=True, slots=True)
class TableFile:
    """A table as it lies on disk."""

    name: str
    rows: int
    bytes: int
    sha256: str


def conform(rows: pa.Table, table: Table) -> pa.Table:
    """The rows with the declared schema. Raises GateError where columns, types or NOT NULLs do not hold."""
    declared = arrow_schema(table)
    if rows.column_names != declared.names:
        missing = [name for name in declared.names if name not in rows.column_names]
        extra = [name for name in rows.column_names if name not in declared.names]
        raise GateError(
            f"{table.qualified_name}: columns differ from the declaration in tables.py "
            f"(missing {missing}, undeclared {extra}, order {rows.column_names})"
        )
    for name, column in zip(declared.names, rows.columns, strict=True):
        if column.null_count and not declared.field(name).nullable:
            raise GateError(f"{table.qualified_name}.{name}: {column.null_count} NULLs, and it is declared NOT NULL")
        type_ = declared.field(name).type
        if not _is_form_of(column.type, type_):
            raise GateError(f"{table.qualified_name}.{name}: {column.type} comes, and it is declared {type_}")
    return rows.cast(declared)


def _is_form_of(given: pa.DataType, declared: pa.DataType) -> bool:
    """Whether one type is a form of the other: a narrow integer, a large or encoded string, no value at all."""
    if pa.types.is_dictionary(given):
        given = given.value_type
    if pa.types.is_null(given) or given == declared:
        return True
    if declared == pa.int64():
        return pa.types.is_signed_integer(given)
    return declared == pa.string() and pa.types.is_large_string(given)


def write_parquet(rows: pa.Table, path: Path) -> None:
    """Write a Parquet file with fixed options beside its place, flush it to disk, and move it there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("wb") as file:
            # No pandas metadata, no creation time, one compression: the same rows give the same bytes.
            pq.write_table(rows, file, compression="zstd", compression_level=1, row_group_size=131_072)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def write_table(rows: pa.Table, table: Table, folder: Path) -> TableFile:
    """Pass the rows of a declared table through the gate and write them to `folder/<table>.parquet`."""
    path = folder / f"{table.name}.parquet"
    write_parquet(conform(rows, table), path)
    return describe(path, rows.num_rows)


def describe(path: Path, rows: int) -> TableFile:
    """Size and SHA-256 of a written file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return TableFile(path.stem, rows, path.stat().st_size, digest)
