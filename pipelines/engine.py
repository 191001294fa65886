"""Maps the parts of the page store to parts of records: in this process, or in a pool of them when it pays.

A task is one part: read it, map `records.read_records` over its batches, write the result beside and move it into
place. Tasks know nothing of each other, so any engine may run them, in any order, again if need be. What is mapped does
not belong here.
"""

from __future__ import annotations

import gc
import hashlib
import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.countries import CountryNames
from pipelines.lake import write_parquet
from pipelines.records import RECORD_SCHEMA, read_records
from pipelines.reference import read_country_names

#: The modules that decide what a page's records are, and the vocabularies that they read.
_READING = ("action_plan", "bullets", "countries", "decoding", "language", "page", "problems", "records", "reference")
_VOCABULARIES = ("countries.csv", "country_names.csv", "place_scopes.csv")
_FINGERPRINT_KEY = b"ieval.fingerprint"
#: Below this many bytes of pages a pool costs more than it saves.
_POOL_PAYS = 16 * 1024 * 1024
_BATCH_ROWS = 1000


def fingerprint(reference: Path) -> str:
    """Hash of the code and the vocabularies that make records of pages: a part with another one is made again."""
    digest = hashlib.sha256()
    package = Path(__file__).parent
    for path in [package / f"{name}.py" for name in _READING] + [reference / name for name in _VOCABULARIES]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def is_current(records_path: Path, expected: str) -> bool:
    """Whether a part of records exists and was made by this code and these vocabularies."""
    if not records_path.exists():
        return False
    metadata = pq.read_schema(records_path).metadata or {}
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


def read_parts(
    tasks: Sequence[tuple[Path, Path]],
    reference: Path,
    workers: int = 1,
    progress: Callable[[int], None] = lambda pages: None,
) -> int:
    """Run every task (part of pages, part of records to make); returns the number of pages read.

    `progress` is called with the pages of each part as it is done. With several workers and enough to do, the parts go
    to a pool of processes; the result is the same.
    """
    made_by = fingerprint(reference)
    total = 0
    if workers == 1 or len(tasks) == 1 or sum(pages.stat().st_size for pages, _ in tasks) < _POOL_PAYS // 4:
        for pages, records in tasks:
            count = read_part(pages, records, reference, made_by)
            progress(count)
            total += count
        return total
    # A fresh interpreter each: Dagster's and Arrow's threads would not survive a fork.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(tasks)), mp_context=context) as pool:
        futures = [pool.submit(read_part, pages, records, reference, made_by) for pages, records in tasks]
        for future in as_completed(futures):
            count = future.result()
            progress(count)
            total += count
    return total
