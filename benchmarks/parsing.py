"""A folder of pages → what it costs to read them into the page store and its records, without countries and tables.

    python -m benchmarks.parsing PAGES_DIR OUT_DIR [WORKERS]

The same functions as in a run, on a pool of processes: `engine.make_records`, which is the first half of what a run
maps. What the other half costs is said by `stages.py`.
"""

from __future__ import annotations

import datetime
import os
import sys
from pathlib import Path

from pipelines import engine, settings
from pipelines.pages import add_pages, store_parts
from pipelines.settings import Settings
from pipelines.sources import Passed, list_files, read_files


def main() -> None:
    """Read the pages and write their records to an empty folder, and say how many pages there were."""
    pages, out = sys.argv[1:3]
    workers = int(sys.argv[3]) if len(sys.argv) > 3 else os.cpu_count() or 1
    knobs = Settings(warehouse=Path(out))
    made_by = engine.fingerprints(settings.REFERENCE)
    with engine.open_pool(workers) as pool:
        futures = {}

        def begin(part: Path) -> None:
            files = engine.PartFiles(part, knobs.records / part.name, knobs.places / part.name)
            futures[part] = pool.submit(engine.make_records, files, made_by)

        found = list_files([pages], Passed())
        counts = add_pages(
            knobs.page_store, read_files(found, Passed()), datetime.datetime.now(datetime.UTC), on_part=begin
        )
        for part in store_parts(knobs.page_store):
            if part not in futures:
                begin(part)
        for future in futures.values():
            future.result()
    print(f"{counts.new:,} pages")


if __name__ == "__main__":
    main()
