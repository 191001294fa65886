"""Writes Parquet beside and moves it into place: the same rows give the same bytes, and no reader sees half a file.

The write is the gate: rows that do not have exactly the declared columns, types and NOT NULLs are refused here. What
the rows are does not belong here.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.schema import arrow_schema
from pipelines.tables import Table

#: Few enough that a row group of page texts fits into memory many times, many enough to compress and to skip.
ROW_GROUP_ROWS = 16_384
#: DuckDB reads so many rows at once, if a row group has as many; where their texts have more bytes than this together,
#: it gets fewer.
_ROWS_AT_ONCE = 2_048
_BYTES_AT_ONCE = 32_000_000


class GateError(ValueError):
    """Rows that are not what the table is declared to be; nothing has been written."""


class DamagedFileError(OSError):
    """A Parquet file that cannot be read as one; the message names it."""


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


@contextlib.contextmanager
def open_parquet(path: Path) -> Iterator[pq.ParquetFile]:
    """A Parquet file of this machine or of an fsspec address. Raises OSError, of which DamagedFileError is one."""
    with contextlib.ExitStack() as stack:
        source = path if _is_local(path) else stack.enter_context(path.open("rb"))
        try:
            file = stack.enter_context(pq.ParquetFile(source))
        except pa.ArrowInvalid as error:
            raise DamagedFileError(
                f"{path} is damaged ({str(error).splitlines()[0]}): restore it from a backup, as deploy/README.md says"
            ) from None
        yield file


def _is_local(path: Path) -> bool:
    return isinstance(path, Path)


def write_parquet(rows: pa.Table, path: Path) -> None:
    """Write a Parquet file with fixed options: whole or not at all."""
    with _writer(path, rows.schema) as writer:
        writer.write_table(rows, row_group_size=ROW_GROUP_ROWS)


@contextlib.contextmanager
def _writer(path: Path, schema: pa.Schema) -> Iterator[pq.ParquetWriter]:
    """Writes beside the file's place, flushes to disk, and moves it there; to an address it goes in one piece."""
    if not _is_local(path):
        held = io.BytesIO()  # a file that is written piece by piece would be there after an error as well
        with _parquet_writer(held, schema) as writer:
            yield writer
        path.fs.pipe_file(path.path, held.getvalue())  # type: ignore[attr-defined]
        return
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with beside.open("wb") as file:
            with _parquet_writer(file, schema) as writer:
                yield writer
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _parquet_writer(file: IO[bytes], schema: pa.Schema) -> pq.ParquetWriter:
    # No pandas metadata, no creation time, one compression: the same rows give the same bytes.
    return pq.ParquetWriter(file, schema, compression="zstd", compression_level=1)


def write_table(batches: Iterable[pa.RecordBatch], table: Table, folder: Path) -> TableFile:
    """Pass the rows of a declared table through the gate, batch by batch, and write `folder/<table>.parquet`.

    Row groups have the same number of rows however the batches are cut, so that the same rows give the same bytes.
    """
    path = folder / f"{table.name}.parquet"
    count = 0
    with _writer(path, arrow_schema(table)) as writer:
        for rows in _row_groups(batches):
            conformed = conform(rows, table)
            writer.write_table(conformed.combine_chunks(), row_group_size=_rows_a_group(conformed))
            count += rows.num_rows
    return describe(path, count)


def _row_groups(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """The same rows in tables of as many rows as a row group has; the last one has what is left."""
    held: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        while rows + batch.num_rows >= ROW_GROUP_ROWS:
            missing = ROW_GROUP_ROWS - rows
            yield pa.Table.from_batches([*held, batch.slice(0, missing)])
            held, rows, batch = [], 0, batch.slice(missing)
        if batch.num_rows:
            held.append(batch)
            rows += batch.num_rows
    if held:
        yield pa.Table.from_batches(held)


def _rows_a_group(rows: pa.Table) -> int:
    """How many of these rows go into a row group: all, unless their texts are large."""
    texts = [column for column in rows.columns if pa.types.is_string(column.type)]
    text_bytes = sum(pc.sum(pc.binary_length(column)).as_py() or 0 for column in texts)
    if text_bytes * _ROWS_AT_ONCE <= _BYTES_AT_ONCE * rows.num_rows:
        return rows.num_rows
    return max(1, _BYTES_AT_ONCE * rows.num_rows // text_bytes)


def describe(path: Path, rows: int) -> TableFile:
    """Size and SHA-256 of a written file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return TableFile(path.stem, rows, path.stat().st_size, digest)


def flush_folder(folder: Path) -> None:
    """Have the names in a folder on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
