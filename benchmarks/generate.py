"""Writes a seeded corpus of invented pages into a folder, for benchmarks and for whoever wants pages to play with.

How pages are invented is in pipelines/invented_*.py, for the demonstration makes some as well.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from pipelines.invented.pages import generate_page, write_corpus
from pipelines.settings import PROJECT, REFERENCE

__all__ = ["REFERENCE", "ROOT", "generate_page", "write_corpus"]
ROOT = PROJECT


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
