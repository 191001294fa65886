"""Reads a crawl, JSON Lines or Parquet, into its pages: a row each, with its text and, if it has one, its address.

Lines and rows are read within bounds, and a bad one fails alone. Where crawls come from does not belong here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.addresses import without_secrets
from pipelines.contents import MOST_PAGE_BYTES, TOO_LARGE, Content, Failed, Page, UnreadableError

JSON_LINES = (".jsonl", ".ndjson")
PARQUET = ".parquet"

_TEXT_COLUMNS = ("text", "page_text", "content", "body")
_ADDRESS_COLUMNS = ("url", "source_uri", "source_url")
#: What a batch of rows may take in memory, and how many rows it has at most.
_BATCH_BYTES = 256 * 1024**2
_BATCH_ROWS = 1000
#: Text packs ten to one. Rows that unpack to more than both of these are made to fill memory.
_MOST_BYTES = 1024**3
#: JSON may write a letter in six bytes.
_MOST_LINE_BYTES = 8 * MOST_PAGE_BYTES
_MOST_RATIO = 200
_TEXTS = (
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_string_view,
    pa.types.is_binary,
    pa.types.is_large_binary,
    pa.types.is_binary_view,
)


def read_json_lines(file: BinaryIO) -> Iterator[Content]:
    """The pages of a file of JSON objects, one a line."""
    number = 0
    while line := file.readline(_MOST_LINE_BYTES + 1):
        number += 1
        where = f", line {number:,}"
        if len(line) > _MOST_LINE_BYTES and not line.endswith(b"\n"):
            while (rest := file.readline(1 << 20)) and not rest.endswith(b"\n"):
                pass
            yield Failed(where, TOO_LARGE)
            continue
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield Failed(where, f"not JSON ({error})")
            continue
        yield _page(row, number, where) if isinstance(row, dict) else Failed(where, "not a JSON object")


def read_parquet(file: BinaryIO, byte_size: int) -> Iterator[Content]:
    """The pages of a Parquet file. Raises UnreadableError where it is none, or has no column of texts."""
    try:
        parquet = pq.ParquetFile(file)
        there = parquet.schema_arrow.names
    except (pa.ArrowException, OSError, ValueError) as error:  # the last of names that are not UTF-8
        raise UnreadableError(f"cannot be read as Parquet ({error})") from None
    with parquet:
        if not set(there) & set(_TEXT_COLUMNS):
            raise UnreadableError(_no_text(there))
        names = [name for name in there if name in _TEXT_COLUMNS + _ADDRESS_COLUMNS]
        allowed = max(_MOST_BYTES, _MOST_RATIO * byte_size)
        first = 1
        for group in range(parquet.num_row_groups):
            rows = parquet.metadata.row_group(group).num_rows
            where = f", rows {first:,} to {first + rows - 1:,}"
            unpacked = parquet.metadata.row_group(group).total_byte_size
            if unpacked > allowed:
                yield Failed(where, "unpack to more than 1 GB and 200 times the size of the file, which no pages do")
            else:
                # A text that many rows share is there once: any row may be as large as all.
                batch_rows = max(1, min(_BATCH_ROWS, _BATCH_BYTES // max(1, unpacked)))
                yield from _read_rows(parquet, group, batch_rows, names, first, where)
            first += rows


def _read_rows(
    parquet: pq.ParquetFile, group: int, batch_rows: int, names: list[str], first: int, where: str
) -> Iterator[Content]:
    number = first
    try:
        for batch in parquet.iter_batches(batch_rows, row_groups=[group], columns=names):
            too_large = _too_large(batch)
            for position in range(batch.num_rows):
                row_where = f", row {number:,}"
                if too_large[position]:
                    yield Failed(row_where, TOO_LARGE)
                else:
                    row = {name: batch[name][position].as_py() for name in batch.schema.names}
                    yield _page(row, number, row_where)
                number += 1
    except (pa.ArrowException, OSError, ValueError) as error:
        yield Failed(where if number == first else f", row {number:,} and those behind it", str(error))


def _too_large(batch: pa.RecordBatch) -> list[bool]:
    """Row by row, whether a text is larger than a page: told from lengths alone."""
    found = [False] * batch.num_rows
    for name in batch.schema.names:
        column = batch[name]
        if any(is_so(column.type) for is_so in _TEXTS):
            lengths = pc.binary_length(column.cast(pa.large_binary())).to_pylist()  # type: ignore[call-overload]
            found = [is_so or (length or 0) > MOST_PAGE_BYTES for is_so, length in zip(found, lengths, strict=True)]
    return found


def _no_text(there: list[str]) -> str:
    columns = ", ".join(_TEXT_COLUMNS)
    return f"no text; one of the columns {columns} must hold the page (there are {', '.join(there[:20]) or 'none'})"


def _page(row: dict[str, Any], number: int, where: str) -> Content:
    column = next((name for name in _TEXT_COLUMNS if row.get(name) is not None), None)
    if column is None:
        return Failed(where, _no_text(list(row)))
    text = row[column]
    if not isinstance(text, str | bytes):
        return Failed(where, f"column {column} holds {type(text).__name__}, not text")
    # A lone surrogate is no character: its bytes go through the decoder like any other damage.
    page_bytes = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if len(page_bytes) > MOST_PAGE_BYTES:
        return Failed(where, TOO_LARGE)
    address = next((row[name] for name in _ADDRESS_COLUMNS if row.get(name)), None)
    return Page(f"#{number}", page_bytes, without_secrets(str(address or "")))
