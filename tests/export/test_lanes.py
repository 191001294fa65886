"""Rows are read once for all writers; whatever fails ends everything, with its own error and without a thread left."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

import pyarrow as pa
import pytest

from pipelines.export import lanes
from pipelines.export.lanes import Write, write_all
from pipelines.export.source import EXPORTABLE, About, Rows
from pipelines.schema import arrow_schema
from pipelines.tables import Table

TABLES = (EXPORTABLE["regions"], EXPORTABLE["themes"], EXPORTABLE["countries"])
ABOUT = About(None, "", "0.1.0")
READ: list[str] = []


@contextlib.contextmanager
def stage(name: str, total: int | None) -> Iterator[Callable[[int], None]]:
    yield lambda count: None


@pytest.fixture(autouse=True)
def source(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Tables of 100 batches without rows in them, and no thread afterwards that was not there before."""

    def read_rows(connection: object, table: Table) -> contextlib.nullcontext[Rows]:
        READ.append(table.name)
        empty = pa.RecordBatch.from_pylist([], arrow_schema(table))
        return contextlib.nullcontext(Rows(table, iter([empty] * 100)))

    READ.clear()
    monkeypatch.setattr(lanes, "read_rows", read_rows)
    before = threading.active_count()
    yield
    assert threading.active_count() == before


def run(plan: dict[str, Sequence[Table]], writers: dict[str, Write]) -> dict[str, int]:
    return write_all(None, plan, ABOUT, writers, stage, None)  # type: ignore[arg-type]


def counting(into: list[tuple[str, int]], take: int | None = None) -> Write:
    """A writer that notes how many batches of each table it has read, at most `take` of each."""

    def write(rows: Iterable[Rows], tables: Sequence[Table], about: About) -> None:
        for each in rows:
            count = 0
            for _ in each.batches:
                count += 1
                if count == take:
                    break
            into.append((each.table.name, count))

    return write


def test_every_writer_gets_its_tables_and_each_is_read_once() -> None:
    first: list[tuple[str, int]] = []
    second: list[tuple[str, int]] = []
    counts = run({"a": TABLES, "b": TABLES[1:]}, {"a": counting(first), "b": counting(second)})
    names = [table.name for table in EXPORTABLE.values() if table in TABLES]
    assert first == [(name, 100) for name in names]
    assert second == [(name, 100) for name in names if name != "regions"]
    assert names == READ
    assert counts == dict.fromkeys(names, 0)


def test_what_a_writer_leaves_unread_is_passed_over() -> None:
    some: list[tuple[str, int]] = []
    every: list[tuple[str, int]] = []
    run({"a": TABLES, "b": TABLES}, {"a": counting(some, take=2), "b": counting(every)})
    assert [count for _, count in some] == [2, 2, 2]
    assert [count for _, count in every] == [100, 100, 100]


def test_a_slow_writer_bounds_what_waits() -> None:
    ahead = 0

    def slow(rows: Iterable[Rows], tables: Sequence[Table], about: About) -> None:
        for number, each in enumerate(rows):
            for _ in each.batches:
                time.sleep(0.001)
            nonlocal ahead
            ahead = max(ahead, len(READ) - number - 1)

    run({"slow": TABLES}, {"slow": slow})
    assert ahead <= 1


class Broken(Exception):
    pass


def broken(rows: Iterable[Rows], tables: Sequence[Table], about: About) -> None:
    for each in rows:
        next(each.batches)
        raise Broken("no room left")


def late(rows: Iterable[Rows], tables: Sequence[Table], about: About) -> None:
    for each in rows:
        for _ in each.batches:
            pass
    raise Broken("no room left")


@pytest.mark.parametrize("bad", [broken, late])
def test_a_writer_that_fails_ends_it_all(bad: Write) -> None:
    noted: list[tuple[str, int]] = []
    with pytest.raises(Broken, match="no room left"):
        run({"good": TABLES, "bad": TABLES}, {"good": counting(noted), "bad": bad})


@pytest.mark.parametrize("error", [Broken("cannot be read"), KeyboardInterrupt()])
def test_a_source_that_fails_ends_it_all(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def read_rows(connection: object, table: Table) -> contextlib.nullcontext[Rows]:
        def batches() -> Iterator[pa.RecordBatch]:
            for _ in range(20):
                yield pa.RecordBatch.from_pylist([], arrow_schema(table))
            raise error

        return contextlib.nullcontext(Rows(table, batches()))

    monkeypatch.setattr(lanes, "read_rows", read_rows)
    with pytest.raises(type(error)):
        run({"a": TABLES, "b": TABLES}, {"a": counting([]), "b": counting([])})


def test_no_writer_reads_nothing() -> None:
    assert run({}, {}) == {}
    assert READ == []
