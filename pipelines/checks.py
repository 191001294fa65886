"""Checks the tables: rules generated from `tables.py`, and the files of `sql/checks`; a row that comes back fails.

Every check has a severity, and a blocking one keeps a run from being published. Where the tables come from (staged
Parquet or the published database) does not matter here, as long as their names resolve on the connection.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any

import duckdb
import pyarrow as pa

from pipelines import settings
from pipelines.pages import page_slices, slice_bounds
from pipelines.schema import quote
from pipelines.sql_files import SqlFile, read_folder
from pipelines.tables import TABLES, Table

ERROR, WARNING = "error", "warning"
_TABLE = re.compile(r"\b(?:main|raw)\.\w+")
_PAGE_TABLE = re.compile(r"\braw\.(?:pages|page_fields)\b")
#: Bytes of pages that a check looks at together that need not see all of them.
_SLICE_BYTES = 150_000_000
#: How many failing rows are shown.
_SAMPLE = 10


@dataclass(frozen=True, slots=True)
class Check:
    """A rule: `statement` returns the rows that break it. `table` is the table it is about, as `schema.name`."""

    name: str
    table: str
    words: str
    statement: str
    severity: str = ERROR
    is_blocking: bool = True
    is_generated: bool = True
    #: Whether it looks at no two pages together, so that they may be looked at a slice at a time.
    is_page_by_page: bool = False
    #: Whether it compares records that have nothing else in common: a few of them alone tell it nothing.
    sees_everything: bool = False


@dataclass(frozen=True, slots=True)
class CheckResult:
    """How many rows break a rule, and the first of them."""

    check: Check
    failing_rows: int
    sample: tuple[dict[str, Any], ...] = ()

    @property
    def passed(self) -> bool:
        """Whether no row breaks the rule."""
        return self.failing_rows == 0

    @property
    def words(self) -> str:
        """One line: what fails, how often, and the first row of it."""
        rows = f"{self.failing_rows:,} row{'s' if self.failing_rows != 1 else ''}"
        shown = {name: value for name, value in self.sample[0].items() if name != "page_id"} if self.sample else {}
        first = ", ".join(f"{name}={value!r}" for name, value in shown.items())
        return (
            f"{self.check.severity}: {self.check.name}: {self.check.words} Not so in {rows}; the first: {first[:200]}"
        )


@cache
def all_checks() -> tuple[Check, ...]:
    """Every check: those of the declared tables, table by table, then those of sql/checks."""
    generated = [check for table in TABLES.values() for check in table_checks(table)]
    written = [
        Check(
            file.name,
            _first_table(file),
            file.title,
            file.statement,
            file.severity,
            file.is_blocking,
            is_generated=False,
            is_page_by_page=file.is_page_by_page,
            sees_everything=file.sees_everything,
        )
        for file in read_folder(settings.SQL / "checks").values()
    ]
    return (*generated, *written)


def _first_table(file: SqlFile) -> str:
    """The table that a check is about: the first that it reads from."""
    match = _TABLE.search(file.statement)
    if match is None:
        raise ValueError(f"{file.path}: reads no table of main or raw")
    return match[0]


def table_checks(table: Table) -> Iterator[Check]:
    """Primary key, NOT NULL, foreign keys and closed lists of values of one table, all of them blocking."""
    name = table.qualified_name
    key = ", ".join(table.primary_key)
    yield Check(
        f"{table.name}.primary_key",
        name,
        f"({key}) identifies a row of {name}.",
        f"SELECT {key}, count(*) AS row_count FROM {name} GROUP BY {key} HAVING count(*) > 1",
    )
    needed = [column.name for column in table.columns if not column.nullable]
    yield Check(
        f"{table.name}.not_null",
        name,
        f"{', '.join(needed)} of {name} are never NULL.",
        f"SELECT * FROM {name} WHERE {' OR '.join(f'{column} IS NULL' for column in needed)}",
    )
    for columns, referenced, referenced_columns in table.references:
        pairs = zip(columns, referenced_columns, strict=True)
        condition = " AND ".join(f"target.{theirs} = source.{ours}" for ours, theirs in pairs)
        present = " AND ".join(f"source.{column} IS NOT NULL" for column in columns)
        yield Check(
            f"{table.name}.{'_and_'.join(columns)}_in_{referenced}",
            name,
            f"{', '.join(columns)} of {name} is in {TABLES[referenced].qualified_name}.",
            f"SELECT source.* FROM {name} AS source "
            f"ANTI JOIN {TABLES[referenced].qualified_name} AS target ON {condition} WHERE {present}",
        )
    for column in table.columns:
        if column.values:
            yield Check(
                f"{table.name}.{column.name}_values",
                name,
                f"{column.name} of {name} is one of {', '.join(column.values)}.",
                f"SELECT * FROM {name} WHERE {column.name} NOT IN ({', '.join(map(quote, column.values))})",
            )


def run_check(connection: duckdb.DuckDBPyConnection, check: Check, slices: Sequence[str] = ("true",)) -> CheckResult:
    """Run one check on a connection where `main.…` and `raw.…` are the tables to look at.

    `slices`: conditions on page_id that part the pages among them; what a check sees at a time has to fit into memory.
    """
    count = 0
    sample: tuple[dict[str, Any], ...] = ()
    for condition in slices if check.is_page_by_page else ("true",):
        statement = check.statement
        if condition != "true":
            statement = _PAGE_TABLE.sub(rf"(SELECT * FROM \g<0> WHERE {condition})", statement)
        [(rows,)] = connection.execute(f"SELECT count(*) FROM ({statement})").fetchall()
        if rows and not count:
            cursor = connection.execute(f"SELECT * FROM ({statement}) ORDER BY ALL LIMIT {_SAMPLE}")
            names = [column[0] for column in cursor.description or ()]
            sample = tuple(dict(zip(names, values, strict=True)) for values in cursor.fetchall())
        count += rows
    return CheckResult(check, count, sample)


def run_checks(
    connection: duckdb.DuckDBPyConnection,
    rules: Sequence[Check],
    progress: Callable[[int], None] = lambda checks: None,
) -> list[CheckResult]:
    """Run several checks; results in the order of `rules`. Side by side where they are small, else one by one."""
    [(text,)] = connection.execute("SELECT coalesce(sum(byte_size), 0) FROM raw.pages").fetchall()
    slices = page_slices(slice_bounds(int(text), _SLICE_BYTES))
    cursors: list[duckdb.DuckDBPyConnection] = []

    def run(rule: Check) -> CheckResult:
        cursors.append(cursor := connection.cursor())
        return run_check(cursor, rule, slices)

    results = []
    with ThreadPoolExecutor(1 if len(slices) > 1 else max(1, os.cpu_count() or 1)) as pool:
        futures = [pool.submit(run, rule) for rule in rules]
        try:
            for future in futures:
                results.append(future.result())
                progress(1)
        except BaseException:  # such as Ctrl-C, of which these threads hear nothing
            pool.shutdown(wait=False, cancel_futures=True)
            while not all(future.done() for future in futures):
                for cursor in tuple(cursors):  # one that has only begun has no query yet that could be interrupted
                    cursor.interrupt()
                time.sleep(0.05)
            raise
    return results


def problems_on(connection: duckdb.DuckDBPyConnection, page_ids: pa.ChunkedArray[Any]) -> list[str]:
    """Every problem worse than a note of these pages and of those that the core tables use, one line each.

    A line says file, line number, what it is, and what to do.
    """
    connection.register("pages_of_the_run", pa.Table.from_arrays([page_ids], ["page_id"]))
    rows = connection.execute(
        "SELECT problems.source_uri, line_number, problem_code, detail FROM main.problems AS problems "
        "JOIN raw.pages AS pages ON pages.page_id = problems.page_id "
        "WHERE severity <> 'note' AND (is_current OR problems.page_id IN (FROM pages_of_the_run)) "
        "ORDER BY problems.source_uri, line_number, problem_number"
    ).fetchall()
    return [f"{uri}{f':{line}' if line else ''}: {code}: {detail}" for uri, line, code, detail in rows]
