"""A folder of pages → what our whole job costs on it, beside peers that do less and limits that nobody can beat.

    python -m benchmarks.whole_run                              10,000 generated pages, everything, three runs
    python -m benchmarks.whole_run --pages-folder PAGES         pages that are there already; they are only read
    python -m benchmarks.whole_run --only ours,pandas,polars    a choice, in this order
    python -m benchmarks.whole_run --pages 300 --runs 1 --verify

Everything runs as a process of its own from nothing, in turn (A B C A B C …), and a Markdown table of the medians is
printed with a description of the machine; progress goes to stderr. Peers run in locked environments of their own, which
are made on first use. The pages are in the page cache. `--verify` compares what a peer made with what we made, value by
value: a page that is cut at an unlucky place may be read in another way, which is said below the table; where more
differs, the peer has failed. What single stages of ours cost belongs to `stages.py`.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.agreement import differences
from benchmarks.environments import PEERS, EnvironmentFailed, python_of, version
from benchmarks.extraction import LIBRARIES
from benchmarks.generate import write_corpus
from benchmarks.measure import CommandFailed, Cost, Runs, describe_machine, end_cleanly, interleave, run, table
from pipelines.settings import PROJECT, REFERENCE
from pipelines.tables import TABLES

#: Share of the rows of a table that a peer may read in another way. Some 3 pages in 100,000 are cut inside the key that
#: follows a record's address: we still have its number then, and simpler programs have not.
TOLERATED = 0.001

#: (folder of pages, empty folder for what is made, our warehouse of these pages) -> command
Command = Callable[[Path, Path, Path], list[str]]


@dataclass(frozen=True, slots=True)
class Contestant:
    """Something that is measured."""

    words: str
    command: Command
    environment: str | None = None  # the lock that it runs with; None: the environment of this process
    makes_tables: bool = False  # an `ieval.duckdb` that can be compared with ours
    #: Measured on every n-th page, so that it is not more than so many; times are scaled to all of them.
    most_pages: int | None = None
    times_itself: bool = False  # it is a step of a program, and prints its seconds as JSON
    needs_warehouse: bool = False  # of ours


def _ours(pages: Path, made: Path, _: Path) -> list[str]:
    return [sys.executable, "-m", "pipelines", "run", "--warehouse", str(made), str(pages)]


def _ours_parsing(pages: Path, made: Path, _: Path) -> list[str]:
    return [sys.executable, "-m", "benchmarks.parsing", str(pages), str(made)]


def _script(name: str) -> Contestant:
    def command(pages: Path, made: Path, _: Path) -> list[str]:
        return [str(python_of(name)), str(PEERS / f"{name}_script.py"), str(pages), str(made)]

    return Contestant(f"{name} script", command, name, makes_tables=True)


def _pandas(words: str, environment: str = "pandas", *how: str, most_pages: int | None = None) -> Contestant:
    def command(pages: Path, made: Path, _: Path) -> list[str]:
        script = str(PEERS / "pandas_script.py")
        return [str(python_of(environment)), script, str(pages), str(made), str(REFERENCE), *how]

    return Contestant(words, command, environment, makes_tables=True, most_pages=most_pages)


def _with_library(library: str, most_pages: int | None = None) -> Contestant:
    environment = f"countries/{library}"
    return _pandas(f"pandas script that asks {library} about every text", environment, library, most_pages=most_pages)


def _limit(words: str, step: str) -> Contestant:
    def command(pages: Path, made: Path, warehouse: Path) -> list[str]:
        where = [pages] if step == "read" else [warehouse, made]
        return [sys.executable, "-m", "benchmarks.limits", step, *map(str, where)]

    return Contestant(f"limit: {words}", command, times_itself=True, needs_warehouse=step != "read")


def _output(words: str, *command: str) -> Contestant:
    def made_of(_: Path, made: Path, warehouse: Path) -> list[str]:
        target = made / "report.html" if command[0] == "report" else made
        return [sys.executable, "-m", "pipelines", *command, "--warehouse", str(warehouse), "--to", str(target)]

    return Contestant(f"ours, of a warehouse: {words}", made_of, needs_warehouse=True)


# The libraries of `benchmarks.extraction --peers`; its column of speed says which one is the fastest: hdx.
CONTESTANTS = {
    "ours": Contestant("ours: everything, with countries, Dagster, checks and marts", _ours, makes_tables=True),
    "parsing": Contestant("ours: pages to records in Parquet alone", _ours_parsing),
    "pandas": _pandas("pandas script"),
    "polars": _script("polars"),
    "duckdb": replace(_script("duckdb"), words="DuckDB SQL with regular expressions"),
    "dlt": replace(_script("dlt"), words="dlt"),
    "hdx": _with_library("hdx"),
    "flashgeotext": _with_library("flashgeotext"),
    "pycountry": _with_library("pycountry"),
    "country_converter": _with_library("country_converter", most_pages=250),
    "mentions": _pandas("pandas script that looks for every country name", "pandas", "mentions", most_pages=5_000),
    "read": _limit("reading the files", "read"),
    "write": _limit("writing our Parquet tables from memory", "write"),
    "load": _limit("loading our DuckDB file from them", "load"),
    "copy": _limit("the same without keys and comments", "copy"),
    "export": _output(
        "export of the same tables", "export", "--format", "parquet,sqlite", "--tables", ",".join(TABLES)
    ),
    "everything": _output("export of all tables and marts in all default formats", "export"),
    "report": _output("report", "report"),
}


class Race:
    """One measurement: the pages, a folder to work in, and our warehouse of the pages once there is one."""

    def __init__(self, pages: Path, work: Path, memory_limit: float | None, has_to_agree: bool) -> None:
        self.pages = pages
        self.files = sorted(pages.glob("*.txt"))
        self.work = work
        self.memory_limit = memory_limit
        self.has_to_agree = has_to_agree
        self.warehouse = work / "warehouse"
        self.verified: dict[str, str] = {}  # name -> in what its tables differ from ours

    def prepare(self, names: Sequence[str]) -> None:
        """Make our warehouse, unmeasured, where one of these needs it before ours has run. Raises CommandFailed."""
        first = next((name for name in names if name == "ours" or self._needs_warehouse(name)), "ours")
        if first != "ours":
            print("  making our warehouse ...", file=sys.stderr)
            run(_ours(self.pages, self.warehouse, self.warehouse), PROJECT)

    def measure(self, name: str, number: int) -> Cost:
        """Run a contestant once; raise CommandFailed, also where its tables are not ours."""
        contestant = CONTESTANTS[name]
        step = self._step(contestant)
        made = self.work / "made"
        shutil.rmtree(made, ignore_errors=True)
        command = contestant.command(self._sample(step) if step > 1 else self.pages, made, self.warehouse)
        if self._needs_warehouse(name) and not self.warehouse.exists():
            raise CommandFailed(command, "needs our warehouse, and there is none", "")
        cost = run(command, PROJECT, memory_limit=self.memory_limit)
        print(f"  {name} {number}: {cost.wall_seconds:.2f} s", file=sys.stderr)
        if name == "ours":
            shutil.rmtree(self.warehouse, ignore_errors=True)
            made.rename(self.warehouse)
        elif self._is_compared(name):
            found = differences(self.warehouse / "ieval.duckdb", made / "ieval.duckdb")
            self.verified[name] = "; ".join(map(str, found))
            if any(difference.share > TOLERATED for difference in found):
                raise CommandFailed(command, f"makes other tables than we do: {self.verified[name]}", "")
        shutil.rmtree(made, ignore_errors=True)
        if contestant.times_itself:
            return replace(cost, **json.loads(cost.output))
        if step > 1:
            scale = len(self.files) / len(self.files[::step])
            return Cost(cost.wall_seconds * scale, cost.cpu_seconds * scale, None)
        return cost

    def label(self, name: str) -> str:
        """The words of a row, with the sample that it was measured on."""
        contestant = CONTESTANTS[name]
        step = self._step(contestant)
        if step == 1:
            return f"{contestant.words} (`{name}`)"
        return f"{contestant.words} (`{name}`; measured on {len(self.files[::step]):,} pages and scaled)"

    def agreement(self) -> str:
        """A line for those whose tables are ours, value by value, and one for those that differ in the same way."""
        alike: dict[str, list[str]] = {}
        for name, differing in self.verified.items():
            alike.setdefault(differing, []).append(f"`{name}`")
        lines = [f"- {', '.join(alike.pop('', ['nobody']))}: the same rows as ours, value by value"]
        return "\n".join([*lines, *(f"- {', '.join(names)}: {differing}" for differing, names in alike.items())])

    def _is_compared(self, name: str) -> bool:
        contestant = CONTESTANTS[name]
        return self.has_to_agree and contestant.makes_tables and name != "ours" and self._step(contestant) == 1

    def _needs_warehouse(self, name: str) -> bool:
        return CONTESTANTS[name].needs_warehouse or self._is_compared(name)

    def _step(self, contestant: Contestant) -> int:
        return -(-len(self.files) // (contestant.most_pages or max(len(self.files), 1)))

    def _sample(self, step: int) -> Path:
        """A folder of links to every n-th page: names begin with the kind, so that the first pages are of one kind."""
        folder = self.work / f"every-{step}"
        if not folder.exists():
            folder.mkdir()
            for file in self.files[::step]:
                (folder / file.name).symlink_to(file.resolve())
        return folder


def describe_peers() -> str:
    """The versions that the locks of the peers fix."""
    libraries = (
        ("pandas", "pandas", "pandas"), ("pyarrow", "pandas", "pyarrow"), ("polars", "polars", "polars"),
        ("DuckDB", "duckdb", "duckdb"), ("dlt", "dlt", "dlt"),
        *((library, f"countries/{library}", distribution) for library, distribution in LIBRARIES.items()),
    )  # fmt: skip
    return f"Peers: {', '.join(f'{words} {version(lock, name)}' for words, lock, name in libraries)}."


def _names(text: str) -> list[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in CONTESTANTS]
    if unknown:
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: it takes {', '.join(CONTESTANTS)}")
    return names


def set_up(names: Sequence[str]) -> dict[str, str]:
    """Make the environments that are needed, before anything is measured; name -> why it has none."""
    failures = {}
    for name in names:
        environment = CONTESTANTS[name].environment
        try:
            if environment:
                python_of(environment)
        except EnvironmentFailed as failed:
            failures[name] = str(failed)
    return failures


def main() -> int:
    """Run our job, peers and limits over the same pages in turn, and print what each cost (medians)."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--pages", type=int, default=10_000, help="so many generated pages")
    which.add_argument("--pages-folder", type=Path, help="pages that are there; nothing is written into it")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=_names, default=list(CONTESTANTS), help=", ".join(CONTESTANTS))
    parser.add_argument("--verify", action="store_true", help="compare the tables of the peers with ours")
    parser.add_argument("--memory-limit", type=float, help="GB at which a process tree is killed [90 %% of the free]")
    options = parser.parse_args()
    end_cleanly()

    with tempfile.TemporaryDirectory(prefix="ieval-benchmark-") as folder:
        work = Path(folder)
        pages = options.pages_folder.resolve() if options.pages_folder else work / "pages"
        if not options.pages_folder:
            write_corpus(pages, options.pages, options.seed)
        race = Race(pages, work, options.memory_limit and options.memory_limit * 1e9, options.verify)
        if not race.files:
            print(f"{pages}: there are no .txt files", file=sys.stderr)
            return 2
        size = sum(len(file.read_bytes()) for file in race.files)  # and they are in the page cache now
        failures = set_up(options.only)
        try:
            runnable = [name for name in options.only if name not in failures]
            race.prepare(runnable)
            results = interleave(runnable, options.runs, race.measure)
        except CommandFailed as failed:
            print(failed, file=sys.stderr)
            return 1
        results |= {name: Runs(failure=why) for name, why in failures.items()}
        rows = {race.label(name): results[name] for name in options.only}
        bases = {race.label(name): name for name in ("ours", "pandas")}
        corpus = f"{len(race.files):,} pages, {size / 1e6:.1f} MB"
    print(f"{corpus}; {describe_machine()}\n{describe_peers()} Medians of runs in turn: {options.runs}.\n")
    print(table(rows, bases, len(race.files)))
    if options.verify:
        print(f"\n{race.agreement()}")
    return 1 if any(result.failure for result in results.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
