"""Takes sources into the page store: finds which files are new or changed, reads these, and remembers them.

Before anything is read the store is tidied up and small parts are merged. How sources are read, how pages are
kept and what is remembered of files is said in `sources.py`, `pages.py` and `source_manifest.py`; what pages say does
not belong here.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines.pages import PageCounts, add_pages, stored_page_ids
from pipelines.parts import drop_all, drop_covered, merge_small
from pipelines.settings import Settings
from pipelines.source_manifest import changed_files, remember
from pipelines.sources import Passed, SourceFile, list_files, read_files


@dataclass(frozen=True, slots=True)
class Found:
    """The files of the sources: all of them, those to be read, and the pages that the others are known to hold.

    `as_before`: the paths of files that are read although they have not changed since they were read.
    """

    files: Sequence[SourceFile]
    changed: Sequence[SourceFile]
    unchanged_page_ids: pa.ChunkedArray[Any]
    passed: Passed
    listed_ns: int
    as_before: frozenset[str] = frozenset()

    @property
    def page_count(self) -> int | None:
        """How many pages are to be read; None where an archive or table is among the files."""
        return None if any(file.is_named for file in self.changed) else len(self.changed)


def drop_old_parts(knobs: Settings, rebuild: bool) -> None:
    """Delete parts that merged ones cover; with `rebuild`, all that was made of pages."""
    drop_covered(knobs.page_store, [knobs.records, knobs.places])
    drop_covered(knobs.page_store / "sightings")
    if rebuild:
        drop_all(knobs.records)
        drop_all(knobs.places)


def find(knobs: Settings, sources: Sequence[str], every_file: bool) -> Found:
    """Find the files of the sources. Raises sources.SourceError. `every_file`: read unchanged ones as well."""
    passed = Passed()
    listed_ns = time.time_ns()
    files = list_files(sources, passed)
    changed, unchanged = changed_files(files, knobs.source_manifest, stored_page_ids(knobs.page_store))
    if every_file:
        as_before = frozenset(file.path for file in files).difference(file.path for file in changed)
        return Found(files, files, pa.chunked_array([], pa.string()), passed, listed_ns, as_before)
    return Found(files, changed, unchanged, passed, listed_ns)


def take_in(
    knobs: Settings,
    found: Found,
    seen_at: datetime.datetime,
    is_stated: bool,
    progress: Callable[[int], None],
    on_part: Callable[[Path], None],
) -> PageCounts:
    """Read the files that were found to be new or changed, and keep their pages as `add_pages` says.

    Raises sources.SourceError.
    """
    if not found.changed:
        return PageCounts()
    # Now, when every part has been published: what is added in this run has yet to be.
    merge_small(knobs.page_store, [knobs.records, knobs.places])
    merge_small(knobs.page_store / "sightings")
    pages = read_files(found.changed, found.passed)
    counts = add_pages(knobs.page_store, pages, seen_at, is_stated, found.as_before, progress, on_part)
    remember(
        found.changed,
        counts.files,
        counts.page_ids,
        knobs.source_manifest,
        found.listed_ns,
        found.passed.failing_files,
    )
    return counts
