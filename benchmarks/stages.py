"""A folder of pages → what each stage of our job costs on it, in four situations, and where the bytes of a page lie.

    python -m benchmarks.stages PAGES [--runs 1] [--keep WAREHOUSE]

The situations: a full build; the same again, with nothing new; one changed page among all of them; one page alone in an
empty warehouse. The folder is only read: the page that changes is a copy of one of its pages in a second folder, which
every run is given as well. Prints Markdown tables of medians, ready for RESULTS.md; other programs do not belong here.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import CommandFailed, describe_machine, end_cleanly, markdown, run
from pipelines.settings import PROJECT, REFERENCE
from pipelines.tables import TABLES

FULL, AGAIN, CHANGED, ALONE = "full build", "nothing new", "one changed page", "one page alone"
#: The stages up to the records, which are all of the parsing; and that up to the published Parquet tables.
PARSING, TABLES_MADE = ("reading pages", "reading records"), "computing tables"
#: What the published tables are for, and those that are not reference: their bytes are added up.
GROUPS = {
    "pages with their text": ("pages",),
    "every line of every page": ("page_fields",),
    "evaluations and records": ("evaluations", "evaluation_locations", "recommendations", "lessons", "good_practices"),
    "themes, units, projects, steps": (
        "record_themes", "recommendation_admin_units", "recommendation_projects", "projects", "recommendation_steps",
    ),
    "action items and countries": ("action_items", "action_item_countries", "country_mentions"),
    "history and problems": ("page_sightings", "recommendation_status_history", "problems"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Situation:
    """One run of ours: what it said of itself, and what it cost as a process."""

    summary: dict
    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int


def run_once(pages: Path, work: Path, warehouse: Path) -> dict[str, Situation]:
    """Run the four situations, one after the other; the warehouse of the first three is left behind."""
    original, changed = one_page(pages)
    extra = work / "extra"
    extra.mkdir(exist_ok=True)
    page = extra / original.name
    page.write_bytes(original.read_bytes())
    return {
        FULL: _run(warehouse, pages, extra),
        AGAIN: _run(warehouse, pages, extra),
        CHANGED: _run_changed(warehouse, page, changed, pages, extra),
        ALONE: _run(work / "alone", extra),
    }


def _run(warehouse: Path, *sources: Path) -> Situation:
    command = [sys.executable, "-m", "pipelines", "run", "--json", "--warehouse", str(warehouse), *map(str, sources)]
    cost = run(command, PROJECT)
    return Situation(json.loads(cost.output), cost.wall_seconds, cost.cpu_seconds, cost.peak_bytes or 0)


def _run_changed(warehouse: Path, page: Path, changed: bytes, *sources: Path) -> Situation:
    page.write_bytes(changed)
    situation = _run(warehouse, *sources)
    if situation.summary["new_pages"] != 1:
        raise ValueError(f"one page was changed, and {situation.summary['new_pages']} came as new")
    return situation


def one_page(pages: Path) -> tuple[Path, bytes]:
    """A whole page of the folder, and what it says after the status of its recommendation has changed.

    Raises ValueError where no page has a status.
    """
    with (REFERENCE / "management_responses.csv").open(encoding="utf-8", newline="") as file:
        labels = [row["label"] for row in csv.DictReader(file)]
    status = re.compile(rf"(management_response:\r?\n(?:- )?)({'|'.join(map(re.escape, labels))})(?=\r?\n)")
    for path in sorted(pages.rglob("*.txt")):
        text = path.read_bytes().decode("utf-8", errors="surrogateescape")
        found = status.search(text)
        if found and text.rstrip().endswith("Skip to top"):
            other = next(label for label in labels if label != found[2])
            changed = text[: found.start(2)] + other + text[found.end(2) :]
            return path, changed.encode("utf-8", errors="surrogateescape")
    raise ValueError(f"{pages}: no whole page with the status of a recommendation")


def stage_table(rounds: Sequence[Mapping[str, Situation]]) -> str:
    """Seconds of each stage in each situation, of the whole process, and its ratio to the full build (medians)."""
    names = list(
        dict.fromkeys(name for situations in rounds for one in situations.values() for name in one.summary["stages"])
    )

    def median(situation: str, number) -> float:
        return statistics.median(number(situations[situation]) for situations in rounds)

    def row(words: str, number, form: str = "{:.2f}") -> list[str]:
        return [words, *(form.format(median(situation, number)) for situation in rounds[0])]

    rows = [["seconds", *rounds[0]]]
    rows += [row(name, lambda one, name=name: one.summary["stages"].get(name, 0.0)) for name in names]
    rows.append(row("our own work", lambda one: one.summary["own_seconds"]))
    rows.append(row("whole process", lambda one: one.wall_seconds))
    rows.append(row("whole process, CPU", lambda one: one.cpu_seconds))
    full, full_cpu = median(FULL, lambda one: one.wall_seconds), median(FULL, lambda one: one.cpu_seconds)
    rows.append(row("whole process, to the full build: wall", lambda one: one.wall_seconds / full, "{:.3f}"))
    rows.append(row("whole process, to the full build: CPU", lambda one: one.cpu_seconds / full_cpu, "{:.3f}"))
    rows.append(row("peak memory, MB", lambda one: one.peak_bytes / 1e6, "{:,.0f}"))
    return markdown(rows)


def speeds(rounds: Sequence[Mapping[str, Situation]]) -> str:
    """How fast the full build parses, alone and with the Parquet tables (medians).

    Raises ValueError where our job has no longer the stages that parse.
    """
    pages, stages = rounds[0][FULL].summary["new_pages"], rounds[0][FULL].summary["stages"]
    lost = {*PARSING, TABLES_MADE} - set(stages)
    if lost:
        raise ValueError(f"the summary of a run has no stage {', '.join(sorted(lost))}: it has {', '.join(stages)}")
    lines = []
    for words, names in (
        ("Pages to records", PARSING),
        ("Pages to published Parquet tables", (*PARSING, TABLES_MADE)),
    ):
        seconds = statistics.median(sum(one[FULL].summary["stages"][name] for name in names) for one in rounds)
        lines.append(f"{words} ({', '.join(names)}): {seconds:.2f} s, {pages / seconds:,.0f} pages/s.")
    return "\n".join(lines)


def byte_table(sources: Sequence[Path], warehouse: Path, pages: int) -> str:
    """Bytes at each place where pages lie, in all, by page and to their text."""
    text = sum(file.stat().st_size for folder in sources for file in folder.rglob("*.txt"))
    rows = [["", "MB", "bytes a page", "to the text"]]
    for words, size in (("the pages' text, in files", text), *_places(warehouse)):
        rows.append([words, f"{size / 1e6:,.1f}", f"{size / pages:,.0f}", f"{size / text:.3f}"])
    return markdown(rows)


def _places(warehouse: Path) -> Iterator[tuple[str, int]]:
    """Everything that lies in a warehouse, the published tables by what they are for."""
    group_of = {table: words for words, tables in GROUPS.items() for table in tables}
    others = 0
    for place in sorted(warehouse.iterdir()):
        if place.name == "current":  # what it leads to is told by the other links
            continue
        size = sum(file.stat().st_size for file in [place, *place.rglob("*")] if file.is_file())
        if place.is_file() and place.suffix != ".duckdb":
            others += size
            continue
        if place.name != "parquet":
            words = " (what is current, and the one before)" if place.name == "publications" else ""
            yield f"`{place.name}`{words}", size
            continue
        groups: dict[str, int] = dict.fromkeys(GROUPS, 0)
        for file in sorted(place.glob("*.parquet")):
            words = "reference" if TABLES[file.stem].group == "reference" else group_of.get(file.stem, "other tables")
            groups[words] = groups.get(words, 0) + file.stat().st_size
        yield "`parquet`, all of it", size
        yield from ((f"`parquet`: {words}", group) for words, group in groups.items())
    yield "manifest and locks", others


def main() -> int:
    """Run our job on a folder of pages in four situations and print seconds by stage and bytes by place."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("pages", type=Path, help="a folder; nothing is written into it")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="a new folder in which the warehouse of the last run stays")
    options = parser.parse_args()
    if options.keep and options.keep.exists():
        parser.error(f"{options.keep} exists")
    pages = options.pages.resolve()
    end_cleanly()
    rounds = []
    with tempfile.TemporaryDirectory(prefix="ieval-benchmark-") as folder:
        try:
            for number in range(1, options.runs + 1):
                work = Path(folder) / str(number)
                work.mkdir()
                is_kept = options.keep and number == options.runs
                warehouse = options.keep.resolve() if is_kept else work / "warehouse"
                rounds.append(run_once(pages, work, warehouse))
                print(f"  {number}: {rounds[-1][FULL].wall_seconds:.2f} s the full build", file=sys.stderr)
            count = rounds[-1][CHANGED].summary["rows"]["pages"]
            sizes = byte_table([pages, work / "extra"], warehouse, count)
            parsing = speeds(rounds)
        except (CommandFailed, ValueError) as failed:
            print(failed, file=sys.stderr)
            return 1
    print(f"{count:,} pages; {describe_machine()}\n")
    print(f"{stage_table(rounds)}\n\n{parsing}\n\n{sizes}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
