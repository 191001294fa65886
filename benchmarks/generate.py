"""Writes a seeded corpus of invented pages into a folder, for benchmarks and for whoever wants pages to play with.

How pages are invented is in `pipelines/invented`, for the demonstration makes some as well.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from pipelines.invented.pages import generate_pages


def write_corpus(out: Path, count: int, seed: int = 1) -> int:
    """Write pages 1 … count into a folder, one file each, and return how many bytes."""
    out.mkdir(parents=True, exist_ok=True)
    return sum((out / name).write_bytes(page) for name, page in generate_pages(count, seed))


def main() -> None:
    """The command line: python -m benchmarks.generate --pages 10000 --out DIR [--seed 1]."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--pages", type=int, default=10_000)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    start = time.perf_counter()
    size = write_corpus(options.out, options.pages, options.seed)
    seconds = time.perf_counter() - start
    print(
        f"{options.pages:,} pages, {size / 1e6:.1f} MB, {size / max(options.pages, 1):,.0f} bytes each, "
        f"in {seconds:.1f} s ({options.pages / seconds:,.0f} pages/s)",
        file=sys.stderr,
    )


if __name__ == "__main__":
    main()
