"""Maps the parts of the page store to parts of records and of places: here, in a pool of processes, or on a cluster.

A task is one part: read it, map `records.read_records` and `places.read_places` over its batches, write the results
beside and move them into place. Tasks know nothing of each other, so any engine may run them, in any order, again if
need be. What is mapped does not belong here.
"""

from __future__ import annotations

import gc
import hashlib
import multiprocessing
import re
import signal
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from pipelines import interrupts
from pipelines.countries import CountryNames
from pipelines.lake import open_parquet, write_parquet
from pipelines.pages import store_parts
from pipelines.places import PLACE_SCHEMA, read_places
from pipelines.records import RECORD_SCHEMA, read_records
from pipelines.reference import country_words, read_country_names
from pipelines.settings import Settings

_IMPORT = re.compile(r"^\s*from pipelines\.(\w+) import", re.MULTILINE)
_MADE_BY = b"ieval.fingerprint"
_BATCH_ROWS = 1000


class PartFiles(NamedTuple):
    """One part of pages, and the parts of records and of places that are made of it."""

    pages: Path
    records: Path
    places: Path


class Fingerprints(NamedTuple):
    """Hashes of what makes records of pages, and places of records: a part made by others is made again."""

    records: str
    places: str


def fingerprints(reference: Path) -> Fingerprints:
    """Records hang on the code that reads pages; places on records, the code that finds countries, and their names."""
    records = _hash(_modules("records"))
    places = _hash(_modules("records", "places", "reference"), country_words(reference))
    return Fingerprints(records, places)


def _hash(paths: Iterable[Path], others: bytes = b"") -> str:
    digest = hashlib.sha256(others)
    for path in paths:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _modules(*names: str) -> list[Path]:
    """The files of these modules and of all that they import."""
    package = Path(__file__).parent
    found: set[str] = set()
    left = list(names)
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += _IMPORT.findall((package / f"{name}.py").read_text(encoding="utf-8"))
    return [package / f"{name}.py" for name in sorted(found)]


def part_files(knobs: Settings) -> list[PartFiles]:
    """Every part of the page store, with where its records and places are."""
    parts = store_parts(knobs.page_store)
    return [PartFiles(part, knobs.records / part.name, knobs.places / part.name) for part in parts]


def is_current(files: PartFiles, made_by: Fingerprints) -> bool:
    """Whether records and places of a part exist and were made by this code and these vocabularies."""
    return _made_by(files.records) == made_by.records and _made_by(files.places) == made_by.places


def outdated_files(files: PartFiles, made_by: Fingerprints) -> list[Path]:
    """The files of records and places of a part that exist and were made by other code or other vocabularies."""
    pairs = ((files.records, made_by.records), (files.places, made_by.places))
    return [path for path, maker in pairs if path.exists() and _made_by(path) != maker]


def _made_by(path: Path) -> str | None:
    try:
        with open_parquet(path) as file:
            return ((file.schema_arrow.metadata or {}).get(_MADE_BY) or b"").decode()
    except OSError:  # not there, or damaged: it is made again
        return None


def count_rows(parts: Iterable[Path]) -> int:
    """How many rows these parts hold."""
    total = 0
    for part in parts:
        with open_parquet(part) as file:
            total += file.metadata.num_rows
    return total


def parts_version(parts: Sequence[Path], made_by: Fingerprints) -> str:
    """One hash for all records and places: of what made them and of the parts of pages they were made of."""
    return hashlib.sha256("\n".join([*made_by, *(part.name for part in parts)]).encode()).hexdigest()


@cache
def _country_names(reference: Path) -> CountryNames:
    return read_country_names(reference)


def read_part(files: PartFiles, reference: Path, made_by: Fingerprints) -> int:
    """Make records and places of one part of pages, as far as they are not current; returns its number of pages."""
    make_records(files, made_by)
    if _made_by(files.places) != made_by.places:
        names = _country_names(reference)
        _map(lambda batch: read_places(batch, names), files.records, files.places, PLACE_SCHEMA, made_by.places)
    return count_rows([files.places])


def make_records(files: PartFiles, made_by: Fingerprints) -> None:
    """Make the records of one part of pages, if they are not current."""
    if _made_by(files.records) != made_by.records:
        _map(read_records, files.pages, files.records, RECORD_SCHEMA, made_by.records)


def _map(
    function: Callable[[pa.RecordBatch], pa.RecordBatch], source: Path, target: Path, schema: pa.Schema, made_by: str
) -> None:
    # Reading makes many small tuples and no cycles: the collector would look at them all again and again.
    gc.disable()
    try:
        with open_parquet(source) as part:
            batches = [function(batch) for batch in part.iter_batches(_BATCH_ROWS)]
    finally:
        gc.enable()
    table = pa.Table.from_batches(batches, schema).combine_chunks()
    write_parquet(table.replace_schema_metadata({_MADE_BY: made_by.encode()}), target)


def open_pool(workers: int) -> Executor:
    """A pool of processes. A fresh interpreter each: Dagster's and Arrow's threads would not survive a fork."""
    spawn = multiprocessing.get_context("spawn")
    return _Pool(workers, mp_context=spawn, initializer=_leave_interrupts_to_the_run)


class _Pool(ProcessPoolExecutor):
    """Starts its processes as they are needed, deaf to Ctrl-C: the run ends them itself, without their tracebacks."""

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **options: Any) -> Future[Any]:
        with interrupts.kept_from_children():
            return super().submit(function, *arguments, **options)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        if interrupts.came():  # what they are at is made again
            interrupts.end_children()
        super().shutdown(wait, cancel_futures=cancel_futures)


def _leave_interrupts_to_the_run() -> None:
    """What is blocked from the start need not wait any longer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


class PartReader:
    """Reads parts, here or on an executor that is opened when there is work for it; the result is the same.

    A part may be begun as soon as it is written, while its successors are still being collected; `finish` waits for
    what was begun and reads what is left.
    """

    def __init__(self, reference: Path, open_executor: Callable[[], Executor] | None, fewest_parts: int = 2) -> None:
        """`open_executor`: None to read everything here; else from `fewest_parts` parts that are left to read."""
        self._reference = reference
        self._open_executor = open_executor
        self._fewest_parts = fewest_parts
        self._made_by = fingerprints(reference)
        self._executor: Executor | None = None
        self._begun: dict[PartFiles, Future[int]] = {}

    def begin(self, files: PartFiles) -> None:
        """Start reading one part on the executor, if there is one."""
        if self._open_executor is None:
            return
        if self._executor is None:
            self._executor = self._open_executor()
        self._begun[files] = self._executor.submit(read_part, files, self._reference, self._made_by)

    def outdated(self, parts: Iterable[PartFiles]) -> list[PartFiles]:
        """The parts that are being read or have to be."""
        return [files for files in parts if files in self._begun or not is_current(files, self._made_by)]

    def finish(self, parts: Sequence[PartFiles], progress: Callable[[int], None] = lambda pages: None) -> int:
        """Read every part that is left of these; returns the number of pages read.

        `progress` is called with the pages of each part as it is done.
        """
        left = [files for files in parts if files not in self._begun]
        if self._executor is not None or len(left) >= self._fewest_parts:
            for files in left:
                self.begin(files)
            left = [files for files in left if files not in self._begun]
        total = 0
        try:
            for files in left:
                total += (count := read_part(files, self._reference, self._made_by))
                progress(count)
            for future in as_completed(self._begun.values()):
                total += future.result()
                progress(future.result())
        finally:
            self.close()
        return total

    def close(self) -> None:
        """End the executor; what was begun and not waited for is dropped."""
        if self._executor is not None:
            self._executor.shutdown(cancel_futures=True)
        self._executor = None
        self._begun = {}
