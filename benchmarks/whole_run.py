"""A generated corpus → what our whole job and the pandas script cost on it, each as a process of its own, interleaved.

    python -m benchmarks.whole_run [--pages 10000] [--runs 3] [--seed 1] [--only ours|pandas|mentions]

`pandas` leaves the countries inside sentences out, `mentions` looks for their names in every text, as our job does.
Each run starts from nothing: a new empty warehouse. The corpus has just been written, so it is in the page cache.
"""

from __future__ import annotations

import argparse
import platform
import shutil
import sys
import tempfile
from pathlib import Path

import psutil

from benchmarks.generate import REFERENCE, ROOT, write_corpus
from benchmarks.measure import CommandFailed, Cost, interleave, table

PANDAS_SCRIPT = Path(__file__).resolve().parent / "peers" / "pandas_script.py"


def main() -> int:
    """Generate pages, run our job and the pandas script over them in turn, and print what each cost (medians)."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--pages", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=("ours", "pandas", "mentions"), help="run one of them")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="ieval-benchmark-") as folder:
        pages = Path(folder) / "pages"
        size = write_corpus(pages, options.pages, options.seed)
        print(
            f"{options.pages:,} pages, {size / 1e6:.1f} MB, seed {options.seed}; Python {platform.python_version()}, "
            f"{psutil.cpu_count()} CPUs, {psutil.virtual_memory().total / 1e9:.0f} GB"
        )

        def ours(number: int) -> list[str]:
            target = Path(folder) / f"ours-{number}"
            return [sys.executable, "-m", "pipelines", "run", "--warehouse", str(target), str(pages)]

        def pandas(number: int) -> list[str]:
            target = Path(folder) / f"pandas-{number}"
            return [sys.executable, str(PANDAS_SCRIPT), str(pages), str(target), str(REFERENCE)]

        def mentions(number: int) -> list[str]:
            target = Path(folder) / f"mentions-{number}"
            return [sys.executable, str(PANDAS_SCRIPT), str(pages), str(target), str(REFERENCE), "mentions"]

        def report(name: str, number: int, cost: Cost) -> None:
            shutil.rmtree(Path(folder) / f"{name}-{number}", ignore_errors=True)  # many runs must not fill the disk
            print(f"  {name} {number}: {cost.wall_seconds:.2f} s", flush=True)

        commands = {"ours": ours, "mentions": mentions, "pandas": pandas}
        if options.only:
            commands = {options.only: commands[options.only]}
        try:
            costs = interleave(commands, options.runs, cwd=ROOT, report=report)
        except CommandFailed as failure:
            print(failure, file=sys.stderr)
            return 1
    print(table(costs, base=list(commands)[-1], pages=options.pages))
    return 0


if __name__ == "__main__":
    sys.exit(main())
