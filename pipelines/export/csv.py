"""Writes the rows of an export as CSV for programs: one UTF-8 file a table, exact to the character.

NULL is nothing, an empty text is `""`; days and times are ISO 8601, times in UTC. Nothing is done to texts that a
spreadsheet would take for a formula: for Excel there is the workbook. Which rows there are does not belong here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from pipelines.export.source import About, Rows, with_texts_for_times
from pipelines.schema import arrow_schema
from pipelines.tables import Table


def write(source: Iterable[Rows], tables: Sequence[Table], about: About, folder: Path) -> None:
    """Write `csv/<table>.csv` for each table. The same rows give the same bytes."""
    (folder / "csv").mkdir()
    for rows in source:
        schema = with_texts_for_times(arrow_schema(rows.table).empty_table()).schema
        with pyarrow.csv.CSVWriter(folder / "csv" / f"{rows.table.name}.csv", schema) as writer:
            for batch in rows.batches:
                writer.write_table(with_texts_for_times(pa.Table.from_batches([batch])))
