"""Maps the parts of the page store to parts of records: in this process, or in a pool of them when it pays.

A task is one part: read it, map `records.read_records` over its batches, write the result beside and move it into
place. Tasks know nothing of each other, so any engine may run them, in any order, again if need be. What is mapped does
not belong here.
"""

from __future__ import annotations

import gc
import hashlib
import multiprocessing
import re
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.countries import CountryNames
from pipelines.lake import write_parquet
from pipelines.records import RECORD_SCHEMA, read_records
from pipelines.reference import COUNTRY_FILES, read_country_names

_IMPORT = re.compile(r"^\s*from pipelines\.(\w+) import", re.MULTILINE)
_FINGERPRINT_KEY = b"ieval.fingerprint"
_BATCH_ROWS = 1000


def fingerprint(reference: Path) -> str:
    """Hash of the code and the vocabularies that make records of pages: a part with another one is made again."""
    digest = hashlib.sha256()
    for path in [*_reading_modules(), *(reference / name for name in COUNTRY_FILES)]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _reading_modules() -> list[Path]:
    """The files of all modules that decide what a page's records are: records, reference, and what they import."""
    package = Path(__file__).parent
    found: set[str] = set()
    left = ["records", "reference"]
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += _IMPORT.findall((package / f"{name}.py").read_text(encoding="utf-8"))
    return [package / f"{name}.py" for name in sorted(found)]


def is_current(records_path: Path, expected: str) -> bool:
    """Whether a part of records exists and was made by this code and these vocabularies."""
    if not records_path.exists():
        return False
    try:
        metadata = pq.read_schema(records_path).metadata or {}
    except (pa.ArrowException, OSError):  # damaged: it is made again
        return False
    return metadata.get(_FINGERPRINT_KEY) == expected.encode()


def count_rows(parts: Sequence[Path]) -> int:
    """How many pages these parts hold."""
    return sum(pq.read_metadata(part).num_rows for part in parts)


def parts_version(parts: Sequence[Path], made_by: str) -> str:
    """One hash for all records: of what made them and of the parts of pages they were made of."""
    return hashlib.sha256(
        "\n".join([made_by, *(f"{part.name} {part.stat().st_size}" for part in parts)]).encode()
    ).hexdigest()


@cache
def _country_names(reference: Path) -> CountryNames:
    return read_country_names(reference)


def read_part(pages_path: Path, records_path: Path, reference: Path, made_by: str) -> int:
    """Make one part of records from one part of pages; returns its number of pages."""
    names = _country_names(reference)
    # Reading makes many small tuples and no cycles: the collector would look at them all again and again.
    gc.disable()
    try:
        with pq.ParquetFile(pages_path) as part:
            batches = [read_records(batch, names) for batch in part.iter_batches(_BATCH_ROWS)]
    finally:
        gc.enable()
    table = pa.Table.from_batches(batches, RECORD_SCHEMA)
    write_parquet(table.replace_schema_metadata({_FINGERPRINT_KEY: made_by.encode()}), records_path)
    return table.num_rows


def _leave_interrupts_to_the_run() -> None:
    """Ctrl-C reaches every process of a terminal; the run ends its workers itself, without their tracebacks."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


class PartReader:
    """Reads parts into records, in a pool of processes when there are several; the result is the same.

    A part may be begun as soon as it is written, while its successors are still being collected; `finish` waits for
    what was begun and reads what is left.
    """

    def __init__(self, reference: Path, workers: int) -> None:
        self._reference = reference
        self._workers = workers
        self._made_by = fingerprint(reference)
        self._pool: ProcessPoolExecutor | None = None
        self._begun: dict[Path, Future[int]] = {}

    def begin(self, pages_path: Path, records_path: Path) -> None:
        """Start reading one part in the pool, if there is more than one worker."""
        if self._workers == 1:
            return
        if self._pool is None:
            # A fresh interpreter each: Dagster's and Arrow's threads would not survive a fork.
            spawn = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self._workers, mp_context=spawn, initializer=_leave_interrupts_to_the_run)
        task = (pages_path, records_path, self._reference, self._made_by)
        self._begun[records_path] = self._pool.submit(read_part, *task)

    def is_begun(self, records_path: Path) -> bool:
        """Whether this part of records is being made."""
        return records_path in self._begun

    def finish(self, tasks: Sequence[tuple[Path, Path]], progress: Callable[[int], None] = lambda pages: None) -> int:
        """Read every task (part of pages, part of records to make) that is left; returns the number of pages read.

        `progress` is called with the pages of each part as it is done.
        """
        left = [(pages, records) for pages, records in tasks if records not in self._begun]
        if self._pool is not None or len(left) > 1:
            for pages, records in left:
                self.begin(pages, records)
            left = [(pages, records) for pages, records in left if records not in self._begun]
        total = 0
        try:
            for pages, records in left:
                total += (count := read_part(pages, records, self._reference, self._made_by))
                progress(count)
            for future in as_completed(self._begun.values()):
                total += future.result()
                progress(future.result())
        finally:
            self.close()
        return total

    def close(self) -> None:
        """End the pool; what was begun and not waited for is dropped."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
        self._pool = None
        self._begun = {}
