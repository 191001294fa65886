"""Reads what an export is made of from one published warehouse: chosen tables, their rows in batches, and who to cite.

Every format gets the same rows in the same order. Tables go by their plain names, which are unique across the schemas.
How the rows are written does not belong here.
"""

from __future__ import annotations

import contextlib
import datetime
import difflib
import importlib.metadata
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.lake import conform
from pipelines.marts import MARTS
from pipelines.questions import newest_observation
from pipelines.tables import TABLES, Table

TITLE = "What ILO evaluations recommend, teach and praise"
SOURCE_TITLE = "International Labour Organization, i-eval Discovery"
SOURCE_URL = "https://webapps.ilo.org/ievaldiscovery"
#: Rows a batch: the memory that an export takes is a few batches, however large the tables are.
BATCH_ROWS = 4096

_GROUPS = ("marts", "core", "reference", "raw")
#: All that can be exported, by plain name: first what people look at, last what machines check.
EXPORTABLE: Mapping[str, Table] = {
    table.name: table
    for table in sorted([*MARTS.values(), *TABLES.values()], key=lambda table: _GROUPS.index(table.group))
}
#: The table that a column refers to if a view has it under this name, for views declare no references themselves.
_KEYS = {table.primary_key[0]: table.name for table in TABLES.values() if len(table.primary_key) == 1}


class ExportError(ValueError):
    """An export that cannot be made as asked; the message says what to do."""


@dataclass(frozen=True, slots=True)
class About:
    """What goes with every format: when the newest page was seen, how good the data are, what made them.

    `is_demo` says that the texts are invented, which every format then says as well.
    """

    observed_at: datetime.datetime | None
    quality: str
    version: str
    is_demo: bool = False

    @property
    def title(self) -> str:
        """What the export is called."""
        return f"Invented texts, a demonstration: {TITLE}" if self.is_demo else TITLE

    @property
    def source(self) -> str:
        """Who wrote the texts, and where they are."""
        return "Invented by ieval-warehouse; the ILO has written none of it" if self.is_demo else SOURCE_TITLE

    @property
    def source_url(self) -> str | None:
        """Where the texts are, if they are anywhere."""
        return None if self.is_demo else SOURCE_URL

    @property
    def observed(self) -> str:
        """The newest observation as people read it."""
        return f"{self.observed_at:%Y-%m-%d %H:%M} UTC" if self.observed_at else "none yet"

    @property
    def citation(self) -> str:
        """How to cite what is exported, in one sentence."""
        if self.is_demo:
            return f"{self.source}: not to be cited."
        when = f"as observed on {self.observed_at:%Y-%m-%d}" if self.observed_at else "not observed yet"
        return (
            f"{SOURCE_TITLE} ({SOURCE_URL}), {when}; "
            f"codes, country assignments and counts by ieval-warehouse {self.version}."
        )

    @property
    def terms(self) -> str:
        """What may be done with it."""
        if self.is_demo:
            return "Invented texts, codes and counts: under the Apache License 2.0."
        return (
            "The texts of the pages are the International Labour Organization's: name it as the source, with the "
            "address of the record, and check its terms of use before you publish them. Codes, country assignments "
            "and counts are this project's and not the ILO's; they are under the Apache License 2.0."
        )


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one table, sorted by its key, with the declared schema; the batches can be read once."""

    table: Table
    batches: Iterator[pa.RecordBatch]


def choose_tables(names: Iterable[str]) -> tuple[Table, ...]:
    """The tables of these names, with or without their schema, or all of them. Raises ExportError."""
    chosen = set()
    for name in names:
        plain = name.rpartition(".")[2]
        if plain not in EXPORTABLE or name not in (plain, EXPORTABLE[plain].qualified_name):
            near = difflib.get_close_matches(plain, EXPORTABLE, 1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(EXPORTABLE)}"
            raise ExportError(f"there is no table {name!r}; {hint}")
        chosen.add(plain)
    return named_tables(chosen or EXPORTABLE)


def named_tables(names: Container[str]) -> tuple[Table, ...]:
    """The tables that have one of these plain names, in the order of EXPORTABLE: of no names none."""
    return tuple(table for name, table in EXPORTABLE.items() if name in names)


def references(table: Table, among: Iterable[Table]) -> list[tuple[tuple[str, ...], str, tuple[str, ...]]]:
    """Foreign keys to tables that are exported as well: (columns, referenced table, referenced columns).

    A column of a view that has the name of a table's key refers to it: a name means the same everywhere.
    """
    names = {other.name for other in among}
    found = list(table.references)
    if table.group == "marts":
        found += [
            ((column.name,), _KEYS[column.name], (column.name,)) for column in table.columns if column.name in _KEYS
        ]
    return [reference for reference in found if reference[1] in names]


def count_rows(connection: duckdb.DuckDBPyConnection, tables: Iterable[Table]) -> dict[str, int]:
    """Rows by table. A mart is computed for it, which takes as long as a good part of writing it."""
    counts = " UNION ALL ".join(f"SELECT '{table.name}', count(*) FROM {table.qualified_name}" for table in tables)
    return dict(connection.execute(counts).fetchall())


def read_about(connection: duckdb.DuckDBPyConnection, is_demo: bool = False) -> About:
    """Sum up the warehouse. `is_demo`: its texts are invented."""
    return About(
        observed_at=newest_observation(connection),
        quality=_quality(connection),
        version=importlib.metadata.version("ieval-warehouse"),
        is_demo=is_demo,
    )


def _quality(connection: duckdb.DuckDBPyConnection) -> str:
    measures = {
        metric: (occurrences, share)
        for metric, occurrences, share in connection.execute(
            "SELECT metric, occurrences, share FROM mart.data_quality WHERE metric_group <> 'problems'"
        ).fetchall()
    }
    copies, in_use = measures["copies read"][0], measures["copies in use"][0]
    if not copies:
        return "No page has been read yet."
    counts = connection.execute(
        "SELECT severity, count(*) FROM main.problems GROUP BY severity ORDER BY severity"
    ).fetchall()
    problems = ", ".join(f"{count:,} {severity}{'s' if count > 1 else ''}" for severity, count in counts) or "none"
    lines = measures["lines accounted for"][1]
    accounted = f"lines of record pages accounted for: {lines:.1%}; " if lines is not None else ""
    return (
        f"Copies of pages in use: {in_use:,} of {copies:,}, of which cut: {measures['truncated copies in use'][0]:,}; "
        f"texts refused: {measures['refused pages'][0]:,}; {accounted}problems: {problems}. "
        "The table data_quality says it in full."
    )


@contextlib.contextmanager
def read_rows(connection: duckdb.DuckDBPyConnection, table: Table) -> Iterator[Rows]:
    """The rows of a table, in batches of BATCH_ROWS but for the last: what is written depends on the rows alone.

    What is unread at the end is let go, or the connection, and the file, could not be opened again.
    """
    columns = ", ".join(column.name for column in table.columns)
    order = ", ".join(table.primary_key)
    relation = connection.sql(f"SELECT {columns} FROM {table.qualified_name} ORDER BY {order}")
    with relation.to_arrow_reader(BATCH_ROWS) as reader:
        yield Rows(table, _even(reader, table))


def _even(batches: Iterable[pa.RecordBatch], table: Table) -> Iterator[pa.RecordBatch]:
    rest: list[pa.RecordBatch] = []
    for batch in batches:
        rest.append(batch)
        while sum(part.num_rows for part in rest) >= BATCH_ROWS:
            whole = pa.Table.from_batches(rest)
            yield _batch(whole.slice(0, BATCH_ROWS), table)
            rest = whole.slice(BATCH_ROWS).to_batches()
    if any(part.num_rows for part in rest):
        yield _batch(pa.Table.from_batches(rest), table)


def _batch(rows: pa.Table, table: Table) -> pa.RecordBatch:
    (batch,) = conform(rows, table).combine_chunks().to_batches()
    return batch


def with_texts_for_times(rows: pa.Table) -> pa.Table:
    """The rows with times as texts like `2026-01-31T05:00:00.000000Z`, for formats that have no times of their own."""
    for position, field in enumerate(rows.schema):
        if pa.types.is_timestamp(field.type):
            texts = pc.strftime(rows.column(position), "%Y-%m-%dT%H:%M:%SZ")
            rows = rows.set_column(position, pa.field(field.name, pa.string(), field.nullable), texts)
    return rows
