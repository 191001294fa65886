"""Brings table files up to date by computing the rows of a few pages anew, instead of all rows of all pages.

The pages that were added, with all pages that share a record or an evaluation with one of them, have nothing to do with
any other page: what `sql/tables` makes of them alone is what it would make of them among all. So these pages are
computed alone, the rows of their records and evaluations are replaced, and every other row stays. The result is the
same, byte for byte, as that of a build from all pages. What is published, and when an increment is worth it, does not
belong here.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any, Literal

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.lake import TableFile, write_table
from pipelines.schema import load_order, quote
from pipelines.settings import Settings
from pipelines.table_builder import compute, connect, stage_parts, table_files, view_parquet
from pipelines.tables import RECORD_TABLES, TABLES, Table

#: The records of a kind by the column that leads the key of their tables.
_KIND_OF_COLUMN = {TABLES[table].primary_key[0]: kind for kind, table in RECORD_TABLES.items()}
#: Rows of a table that are read at once: a row group of page texts in one piece takes Arrow three times as long.
_ROWS_AT_ONCE = 2_048
_STEPS_BEFORE = ("staged.page_sources", "staged.page_records")


@dataclass(frozen=True, slots=True)
class Affected:
    """What an increment touches: pages, records by kind, and evaluations; every row of theirs is replaced."""

    pages: pa.Array[Any]
    records: Mapping[str, pa.Array[Any]]
    evaluations: pa.Array[Any]

    def condition(self, table: Table) -> str | None:
        """Which rows of a table go, in SQL; None where rows belong to no page, record or evaluation."""
        column = table.primary_key[0]
        if column == "record_kind":
            return " OR ".join(
                f"record_kind = {quote(kind)} AND record_id IN ({_listed(ids)})" for kind, ids in self.records.items()
            )
        values = self._values(column)
        return None if values is None else f"{column} IN ({_listed(values)})"

    def mask(self, rows: pa.RecordBatch, table: Table) -> pa.Array[Any]:
        """Which of these rows of a table go."""
        column = table.primary_key[0]
        values = self._values(column)
        if values is not None:
            return pc.is_in(rows[column], values)
        found = (
            pc.and_(pc.equal(rows["record_kind"], pa.scalar(kind)), pc.is_in(rows["record_id"], ids))
            for kind, ids in self.records.items()
        )
        return reduce(pc.or_, found)

    def _values(self, column: str) -> pa.Array[Any] | None:
        if column == "page_id":
            return self.pages
        if column == "eval_number":
            return self.evaluations
        kind = _KIND_OF_COLUMN.get(column)
        return self.records[kind] if kind else None


def _listed(values: pa.Array[Any]) -> str:
    return ", ".join(quote(value) if isinstance(value, str) else str(value) for value in values.to_pylist()) or "NULL"


@dataclass(frozen=True, slots=True)
class Increment:
    """Table files that are new, and what in the others' database rows goes and comes."""

    tables: Mapping[str, TableFile]  # of all tables that have another content now
    computed: frozenset[str]  # the tables of which the affected rows are in `staging/fresh`, changed or not
    outdated: Mapping[str, str]  # table -> condition of the rows that go
    fresh: Mapping[str, Path]  # table -> file of the rows that come


def affected_by(knobs: Settings, published: Path, new: Sequence[Path], most: int) -> Affected | None:
    """What the pages of new parts (of pages or of sightings) touch; None if that is more than `most` pages.

    `published`: the folder of the table files, which know under what number a page stood until now.
    """
    with connect(knobs) as connection:
        stage_parts(connection, knobs)
        for name in _STEPS_BEFORE:
            connection.execute(f"CREATE TABLE {name} AS {table_files()[name].statement}")
        _create_changed(connection, published, new)
        connection.execute(
            "CREATE TABLE staged.page_keys AS "
            "SELECT page_id, record_kind AS kind, record_id AS number FROM staged.page_records "
            "WHERE record_id IS NOT NULL "
            "UNION SELECT page_id, 'evaluation', eval_number FROM staged.records WHERE eval_number IS NOT NULL "
            "UNION SELECT page_id, kind, number FROM staged.keys_before"
        )
        count = 0
        while count != (count := _count_affected(connection)):
            if count > most:
                return None
            # A page that shares a record or an evaluation with one that is affected is affected.
            connection.execute(
                "INSERT INTO staged.affected SELECT DISTINCT page_id FROM staged.page_keys WHERE (kind, number) IN "
                "(SELECT (kind, number) FROM staged.page_keys WHERE page_id IN (FROM staged.affected)) "
                "AND page_id NOT IN (FROM staged.affected)"
            )
        pages = _column(connection, "SELECT page_id FROM staged.affected ORDER BY ALL")
        numbers = {
            kind: _column(
                connection,
                f"SELECT DISTINCT number FROM staged.page_keys WHERE kind = {quote(kind)} "
                "AND page_id IN (FROM staged.affected) ORDER BY ALL",
            )
            for kind in (*_KIND_OF_COLUMN.values(), "evaluation")
        }
    return Affected(pages, numbers, numbers.pop("evaluation"))


def _create_changed(connection: duckdb.DuckDBPyConnection, published: Path, parts: Sequence[Path]) -> None:
    """The pages of new parts, and the records and evaluations that they stood for until now."""
    connection.execute("CREATE TABLE staged.affected (page_id TEXT)")
    if parts:
        names = ", ".join(quote(str(part)) for part in parts)
        connection.execute(f"INSERT INTO staged.affected SELECT DISTINCT page_id FROM read_parquet([{names}])")
    pages = quote(str(published / "pages.parquet"))
    connection.execute(
        "CREATE TABLE staged.keys_before AS SELECT page_id, record_kind AS kind, record_id AS number "
        f"FROM read_parquet({pages}) WHERE record_id IS NOT NULL AND page_id IN (FROM staged.affected)"
    )


def _count_affected(connection: duckdb.DuckDBPyConnection) -> int:
    [(count,)] = connection.execute("SELECT count(*) FROM staged.affected").fetchall()
    return int(count)


def _column(connection: duckdb.DuckDBPyConnection, query: str) -> pa.Array[Any]:
    column: pa.ChunkedArray[Any] = connection.sql(query).to_arrow_table().column(0)
    return pa.concat_arrays([pa.array([], column.type), *column.chunks])


def compute_increment(
    knobs: Settings, affected: Affected, published: Path, staging: Path, progress: Callable[[int], None]
) -> Increment:
    """Compute the affected rows to `staging/fresh`, and the tables with them in place to `staging/parquet`.

    `published`: the folder of the table files as they are. Raises lake.GateError. `progress` is told of each table.
    """
    parted = {table.name: condition for table in TABLES.values() if (condition := affected.condition(table))}
    folder, target = staging / "fresh", staging / "parquet"
    with connect(knobs) as connection:
        stage_parts(connection, knobs, affected.pages)
        for table in TABLES.values():  # vocabularies, which are as they were, and projects
            if table.name not in parted:
                view_parquet(connection, table.qualified_name, published / f"{table.name}.parquet")
        compute(connection, folder, parted)
        outdated = {
            name: condition
            for name, condition in parted.items()
            if not _is_as_before(connection, TABLES[name], condition, published, folder)
        }
    target.mkdir(parents=True)
    files: dict[str, TableFile] = {}
    with ThreadPoolExecutor(knobs.workers) as pool:
        # The largest first: the others are written beside it.
        names = sorted(outdated, key=lambda name: -(published / f"{name}.parquet").stat().st_size)
        for file in pool.map(lambda name: _merge_table(TABLES[name], affected, published, folder, target), names):
            files[file.name] = file
            progress(1)
    # In the database, rows that refer to a row that goes have to go first, and come back as they were.
    for table in load_order(TABLES.values()):
        if table.name in parted and any(referenced in outdated for _, referenced, _ in table.references):
            outdated[table.name] = parted[table.name]
    if "recommendation_projects" in files:
        files |= _compute_projects(knobs, published, staging, outdated)
    return Increment(files, frozenset(parted), outdated, {name: folder / f"{name}.parquet" for name in outdated})


def _is_as_before(
    connection: duckdb.DuckDBPyConnection, table: Table, condition: str, published: Path, folder: Path
) -> bool:
    """Whether the affected rows of a table are what they were."""
    before = quote(str(published / f"{table.name}.parquet"))
    fresh = pq.read_table(folder / f"{table.name}.parquet")
    keys = list(table.primary_key)
    # Most often another key tells it, and texts need not be unpacked.
    for columns in (keys, fresh.column_names):
        names = ", ".join(columns)
        rows = connection.sql(
            f"SELECT {names} FROM read_parquet({before}) WHERE {condition} ORDER BY {', '.join(keys)}"
        ).to_arrow_table()
        expected = fresh.select(columns)
        if not rows.cast(expected.schema).equals(expected):
            return False
    return True


def _merge_table(table: Table, affected: Affected, published: Path, folder: Path, target: Path) -> TableFile:
    """Write a table with its affected rows replaced by the fresh ones."""
    fresh = pq.read_table(folder / f"{table.name}.parquet")
    with pq.ParquetFile(published / f"{table.name}.parquet") as before:
        return write_table(_merged(table, affected, before, fresh), table, target)


def _merged(table: Table, affected: Affected, before: pq.ParquetFile, fresh: pa.Table) -> Iterator[pa.RecordBatch]:
    """The rows of both in order of the key: most batches pass as they are, some are sorted again."""
    keys = list(zip(*(fresh[column].to_pylist() for column in table.primary_key), strict=True))
    taken = 0
    order: list[tuple[str, Literal["ascending", "descending"]]] = [(key, "ascending") for key in table.primary_key]
    for batch in before.iter_batches(_ROWS_AT_ONCE, use_threads=False):
        gone = affected.mask(batch, table)
        last = tuple(batch[column][-1].as_py() for column in table.primary_key)
        end = bisect_right(keys, last, lo=taken)
        if pc.any(gone).as_py():
            batch = batch.filter(pc.invert(gone))
        if end > taken:
            rows = pa.Table.from_batches([batch]).cast(fresh.schema)
            rows = pa.concat_tables([rows, fresh.slice(taken, end - taken)]).sort_by(order)
            taken = end
            yield from rows.combine_chunks().to_batches()
        else:
            yield batch
    yield from fresh.slice(taken).to_batches()


def _compute_projects(
    knobs: Settings, published: Path, staging: Path, outdated: dict[str, str]
) -> dict[str, TableFile]:
    """Compute the projects, which belong to no page alone, from all pages; tells in `outdated` which of them go."""
    table = TABLES["projects"]
    with connect(knobs) as connection:
        stage_parts(connection, knobs)
        for other in TABLES.values():
            path = staging / "parquet" / f"{other.name}.parquet"
            view_parquet(
                connection, other.qualified_name, path if path.exists() else published / f"{other.name}.parquet"
            )
        whole = compute(connection, staging / "whole", [table.name])
        before = quote(str(published / f"{table.name}.parquet"))
        now = quote(str(staging / "whole" / f"{table.name}.parquet"))
        rows = connection.sql(
            f"SELECT * FROM read_parquet({now}) AS one ANTI JOIN read_parquet({before}) AS other USING (project_symbol)"
        )
        write_table(rows.to_arrow_table().to_batches(), table, staging / "fresh")
        gone = connection.sql(
            f"SELECT * FROM read_parquet({before}) AS one ANTI JOIN read_parquet({now}) AS other USING (project_symbol)"
        )
        symbols = gone.to_arrow_table()["project_symbol"].combine_chunks()
    (staging / "whole" / f"{table.name}.parquet").rename(staging / "parquet" / f"{table.name}.parquet")
    outdated[table.name] = f"project_symbol IN ({_listed(symbols)})"
    return whole
