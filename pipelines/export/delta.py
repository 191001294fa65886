"""Writes the rows of an export as Delta tables, each brought from its last version to the next in one transaction.

A reader sees a table before or after, never between; older versions can be read for a week. Needs the extra `delta`.
Which rows there are does not belong here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import DeltaError

from pipelines.addresses import shown
from pipelines.export.source import About, ExportError, Rows
from pipelines.schema import arrow_schema
from pipelines.tables import Table


def write(source: Iterable[Rows], tables: Sequence[Table], about: About, location: str) -> None:
    """Write each table to `<location>/<table>`: a folder, or an address that deltalake knows. Raises ExportError."""
    for rows in source:
        place = f"{location}/{rows.table.name}"
        fields = [field.with_metadata({"comment": words}) for field, words in _words(rows.table)]
        reader = pa.RecordBatchReader.from_batches(pa.schema(fields), rows.batches)
        try:
            write_deltalake(
                place,
                reader,
                mode="overwrite",
                schema_mode="overwrite",
                name=rows.table.name,
                description=rows.table.words,
            )
            DeltaTable(place).vacuum(dry_run=False)  # what is older than the week that Delta keeps
        except DeltaError as error:
            raise ExportError(shown(f"{place} cannot be written: {str(error).splitlines()[0]}")) from None


def _words(table: Table) -> Iterator[tuple[pa.Field[Any], str]]:
    """The fields with their words, which Delta keeps as comments."""
    return zip(arrow_schema(table), (column.words for column in table.columns), strict=True)
