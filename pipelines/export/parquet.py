"""Writes the rows of an export as Parquet for BI tools: one flat file a table, in the forms that all of them read.

Which are: snappy, plain strings, 64-bit integers, days, and microseconds in UTC. The warehouse's own Parquet is written
by `lake.py`; which rows there are does not belong here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.export.source import About, Rows
from pipelines.schema import arrow_schema
from pipelines.tables import Table

#: A row group is closed at so many rows or bytes in memory, whichever comes first.
_GROUP_ROWS = 131_072
_GROUP_BYTES = 64 * 2**20


def write(source: Iterable[Rows], tables: Sequence[Table], about: About, folder: Path) -> None:
    """Write `parquet/<table>.parquet` for each table. The same rows give the same bytes."""
    (folder / "parquet").mkdir()
    for rows in source:
        schema = arrow_schema(rows.table)
        path = folder / "parquet" / f"{rows.table.name}.parquet"
        with pq.ParquetWriter(path, schema, compression="snappy") as writer:
            for group in _groups(rows.batches):
                writer.write_table(group, row_group_size=_GROUP_ROWS)


def _groups(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    group: list[pa.RecordBatch] = []
    for batch in batches:
        group.append(batch)
        if sum(part.num_rows for part in group) >= _GROUP_ROWS or sum(part.nbytes for part in group) >= _GROUP_BYTES:
            yield pa.Table.from_batches(group)
            group = []
    if group:
        yield pa.Table.from_batches(group)
