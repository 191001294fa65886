"""Brings tables and database up to date with the parts: decides whether nothing, some pages or all are computed.

`refresh_tables` stages what has changed, `open_refreshed` lets it be checked, `refresh_database` publishes it. The
database is made of the staged tables while these are still being checked; only checked ones are published. How tables,
rows and the database are made, and what is in the manifest, does not belong here.
"""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.database import build_database, count_marts, update_database
from pipelines.engine import count_rows
from pipelines.increment import Increment, affected_by, compute_increment
from pipelines.lake import TableFile
from pipelines.pages import stored_page_ids
from pipelines.publication import (
    DatabaseFile,
    Inputs,
    Published,
    added_parts,
    describe_database,
    inputs,
    lost_parts,
    publish,
    published,
    tidy_up,
)
from pipelines.settings import Settings
from pipelines.table_builder import build_tables, connect, view_parquet
from pipelines.tables import TABLES

#: An increment reads and writes every table once more; beyond this share of the pages a whole build costs no more.
_MOST_AFFECTED = 0.1
_BUILDER = ThreadPoolExecutor(1, thread_name_prefix="database")
#: What this process has staged and not published yet, by staging folder.
_STAGED: dict[Path, Staged] = {}


class PagesLostError(ValueError):
    """Pages that are published are no longer kept; the message says what to do."""


@dataclass(slots=True)
class Staged:
    """Tables that were computed and are not published yet, and the database that is being made of them."""

    inputs: Inputs
    changed: Mapping[str, TableFile]
    increment: Increment | None
    database: Future[tuple[DatabaseFile, dict[str, int]]]  # and the rows of its marts
    #: The checks that failed, none of them a blocking one, with what they said: whoever checks notes them here.
    failed_checks: dict[str, str] = field(default_factory=dict)


def refresh_tables(
    knobs: Settings, rebuild: bool = False, progress: Callable[[int], None] = lambda tables: None
) -> dict[str, TableFile]:
    """Compute the tables of what is in the store now, as far as they have changed, to the staging folder.

    Returns all tables, each after those that it reads from. `rebuild`: compute all of them from all pages. `progress`
    is told of each that is written. Raises lake.GateError and PagesLostError.
    """
    drop_staged(knobs)
    tidy_up(knobs)
    before, now = published(knobs), inputs(knobs)
    if before and not rebuild:
        if added_parts(before.inputs, now) == ():  # at most, parts were merged
            return before.tables
        if lost_parts(before.inputs, now):
            _refuse_lost_pages(knobs)
    increment = _increment(knobs, before, now, progress) if before and not rebuild else None
    if before and increment:
        changed = increment.tables
        tables = {name: changed.get(name, table) for name, table in before.tables.items()}
        database = _BUILDER.submit(_make_database, knobs, increment)
    else:
        folder = knobs.staging / "parquet"
        tables = changed = build_tables(knobs, folder, lambda table: progress(1))
        database = _BUILDER.submit(_make_database, knobs, None)
    _STAGED[knobs.staging] = Staged(now, changed, increment, database)
    return tables


def _refuse_lost_pages(knobs: Settings) -> None:
    """Raise PagesLostError where pages that are published are not in the store any more."""
    with pq.ParquetFile(knobs.parquet / "pages.parquet") as file:
        page_ids = file.read(columns=["page_id"])["page_id"]
    lost = page_ids.filter(pc.invert(pc.is_in(page_ids, stored_page_ids(knobs.page_store))))
    if len(lost):
        raise PagesLostError(
            f"{len(lost):,} pages that are published are no longer in {knobs.page_store}: is IEVAL_PARTS what it was, "
            "and mounted? If they are lost, restore them from a backup, as deploy/README.md says; "
            "`ieval run --rebuild` publishes without them"
        )


def drop_staged(knobs: Settings) -> None:
    """Remove what is staged and will not be published, once nobody writes it any more."""
    if unchecked := _STAGED.pop(knobs.staging, None):
        wait([unchecked.database])
    shutil.rmtree(knobs.staging, ignore_errors=True)


def _increment(knobs: Settings, before: Published, now: Inputs, progress: Callable[[int], None]) -> Increment | None:
    """The increment that brings the published tables up to date; None where a whole build is wanted."""
    added = added_parts(before.inputs, now)
    if added is None:
        return None
    most = int(_MOST_AFFECTED * before.tables["pages"].rows)
    new = [knobs.page_store / name for name in added]
    if count_rows(new) > most:
        return None
    affected = affected_by(knobs, knobs.parquet, new, most)
    if affected is None:
        return None
    return compute_increment(knobs, affected, knobs.parquet, knobs.staging, progress)


def _make_database(knobs: Settings, increment: Increment | None) -> tuple[DatabaseFile, dict[str, int]]:
    """Make the database of the staged tables; returns the rows of its marts, which are not counted for an increment."""
    target = knobs.staging / knobs.database.name
    if increment:
        update_database(knobs, knobs.database, target, increment.outdated, increment.fresh)
        return describe_database(target), {}
    build_database(knobs, knobs.staging / "parquet", target)
    return describe_database(target), count_marts(target)


def table_path(knobs: Settings, name: str) -> Path:
    """Where the refreshed file of a table is: staged if it has changed, else published."""
    staged = knobs.staging / "parquet" / f"{name}.parquet"
    return staged if staged.exists() else knobs.parquet / f"{name}.parquet"


def staged(knobs: Settings) -> Staged | None:
    """What this process has staged and not published; None where nothing has changed."""
    return _STAGED.get(knobs.staging)


@contextlib.contextmanager
def open_refreshed(knobs: Settings, only_fresh: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection on which every table's name is a view of its refreshed file.

    `only_fresh`: after an increment, the rows that it computed; they refer to no row of a page that it did not look at.
    """
    fresh = knobs.staging / "fresh"
    state = staged(knobs)
    computed = state.increment.computed if state and state.increment and only_fresh else frozenset()
    with connect(knobs, side_by_side=2) as connection:
        for table in TABLES.values():
            path = fresh / f"{table.name}.parquet" if table.name in computed else table_path(knobs, table.name)
            view_parquet(connection, table.qualified_name, path)
        yield connection


def preview_markdown(path: Path, rows: int = 5, width: int = 60) -> str:
    """The first rows of a Parquet table as a Markdown table, long texts shortened, for people to look at."""
    with pq.ParquetFile(path) as file:
        batch = next(file.iter_batches(rows), None)
    if batch is None:
        return "(no rows)"
    lines = [batch.schema.names, ["---"] * batch.num_columns]
    lines += [[_short(value, width) for value in row.values()] for row in batch.to_pylist()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _short(value: Any, width: int) -> str:
    """A value on one line of a Markdown table: nothing in it may be read as markup."""
    text = "" if value is None else " ".join(str(value).split())
    text = text if len(text) <= width else text[: width - 1] + "…"
    text = re.sub(r"([\\|`*_~&\[\]<>#!])", r"\\\1", text)
    # An address becomes a link without any markup, but not with a character in it that joins words and has no width.
    return re.sub(r"(?i)(?=://)|(?<=www)(?=\.)|(?=@)", "\N{WORD JOINER}", text)


def refresh_database(knobs: Settings, run_id: str) -> tuple[Published, bool]:
    """Publish what is staged, if anything is, for a run; returns what is published, and whether it is new."""
    state = _STAGED.pop(knobs.staging, None)
    if state is None:
        before = published(knobs)
        if before and added_parts(before.inputs, inputs(knobs)) == ():
            return before, False
        raise RuntimeError(f"{knobs.warehouse}: this process has staged and checked nothing; run the whole job")
    database, mart_rows = state.database.result()
    return publish(knobs, state.inputs, state.changed, mart_rows, state.failed_checks, database, run_id), True
