"""Reads rows once and hands them to several writers, each in a thread of its own.

A writer that is slower than the others makes them wait, so that the memory it takes is a few batches; one that fails
ends it all with its error. What is read and what is written does not belong here.
"""

from __future__ import annotations

import contextlib
import queue
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeAlias

import duckdb

from pipelines.export.source import About, Rows, named_tables, read_rows
from pipelines.tables import Table

#: Batches that wait for the slowest writer.
_WAITING = 8
#: Announces a stage by its name and total, and yields what reports progress: `stages.stage`.
Stage: TypeAlias = Callable[[str, int | None], contextlib.AbstractContextManager[Callable[[int], None]]]
#: Takes an iterable of Rows, the tables that these are going to be of, and what there is to say about them all.
Write: TypeAlias = Callable[..., None]


class _Stopped(Exception):
    """The export was given up for another reason."""


_END, _STOP = object(), object()


def write_all(
    connection: duckdb.DuckDBPyConnection,
    plan: Mapping[str, Sequence[Table]],
    about: About,
    writers: Mapping[str, Write],
    stage: Stage,
    total: int | None,
) -> dict[str, int]:
    """Read every table of the plan once and hand its batches to the writers that take it; returns the rows of each."""
    counts: dict[str, int] = {}
    if not writers:
        return counts
    tables = named_tables({table.name for name in writers for table in plan[name]})
    with ThreadPoolExecutor(len(writers)) as pool:
        lanes = [_Lane(pool, write, plan[name], about) for name, write in writers.items()]
        try:
            with stage(f"exporting {', '.join(writers)}", total) as advance:
                for table in tables:
                    takers = [lane for lane in lanes if table in lane.tables]
                    counts[table.name] = 0
                    with read_rows(connection, table) as rows:
                        _hand(takers, rows)
                        for batch in rows.batches:
                            _hand(takers, batch)
                            counts[table.name] += batch.num_rows
                            advance(batch.num_rows)
                    _hand(takers, _END)
                _hand(lanes, _END)
            with stage("finishing the files", len(lanes)) as advance:
                for lane in lanes:
                    lane.done.result()
                    advance(1)
        except BaseException:
            for lane in lanes:
                lane.stop()
            raise
    return counts


class _Lane:
    """A writer in its thread, and the queue of what it writes next: of each table its rows, its batches, its end."""

    def __init__(self, pool: ThreadPoolExecutor, write: Write, tables: Sequence[Table], about: About) -> None:
        self.tables = frozenset(tables)
        self._queue = queue.Queue[Any](_WAITING)
        self.done = pool.submit(write, _read(self._queue), tables, about)

    def put(self, item: object) -> None:
        """Hand over the next item; waits while the writer is busy. Raises the error of a writer that has failed."""
        while True:
            if self.done.done():
                self.done.result()
            with contextlib.suppress(queue.Full):
                return self._queue.put(item, timeout=0.2)

    def stop(self) -> None:
        """Have the writer give up, whatever it waits for."""
        while True:
            with contextlib.suppress(queue.Empty):
                while True:
                    self._queue.get_nowait()
            with contextlib.suppress(queue.Full):
                return self._queue.put_nowait(_STOP)


def _read(line: queue.Queue[Any]) -> Iterator[Rows]:
    """The tables that come through a queue; what the writer leaves unread of one is passed over."""
    while (rows := _next(line)) is not _END:
        batches = iter(partial(_next, line), _END)
        yield Rows(rows.table, batches)
        for _ in batches:
            pass


def _next(line: queue.Queue[Any]) -> Any:
    item = line.get()
    if item is _STOP:
        raise _Stopped
    return item


def _hand(lanes: Iterable[_Lane], item: object) -> None:
    for lane in lanes:
        lane.put(item)
