"""The benchmarks measure what they say: peers read what we read, costs are costs, and whoever fails is a row."""

from __future__ import annotations

import datetime
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb
import pytest
from conftest import PROJECT, SHIPPED, Built

from benchmarks import limits, measure, stages, whole_run
from benchmarks.agreement import COMPARED, Difference, differences
from benchmarks.environments import PEERS, installed, python_of, version
from benchmarks.extraction import LIBRARIES
from benchmarks.generate import write_corpus
from benchmarks.measure import CommandFailed, Cost
from benchmarks.stages import ALONE, CHANGED, FULL, Situation
from benchmarks.whole_run import CONTESTANTS, Race
from pipelines.tables import TABLES

PAGES = 300
NOW = datetime.datetime(2026, 11, 22, tzinfo=datetime.UTC)
Build = Callable[[Path, Sequence[str | Path], datetime.datetime], object]


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Generated pages. Only to be read."""
    folder = tmp_path_factory.mktemp("corpus")
    write_corpus(folder, PAGES, seed=3)
    return folder


@pytest.fixture(scope="session")
def ours(corpus: Path, build: Build, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our warehouse of them. Only to be read."""
    folder = tmp_path_factory.mktemp("ours") / "warehouse"
    build(folder, [corpus], NOW)
    return folder


@pytest.fixture
def one_record(build: Build, tmp_path: Path) -> Path:
    """Our warehouse of a single recommendation."""
    build(tmp_path / "one", [SHIPPED], NOW)
    return tmp_path / "one"


def _python(name: str) -> str:
    """The Python for a peer: its own, or this one for those that need no more than we do."""
    python = installed(name)
    if python is None and name not in ("pandas", "duckdb"):
        pytest.skip(f"the environment of {name} is not installed")
    return str(python or sys.executable)


def _run(*command: str | Path) -> str:
    done = subprocess.run(list(map(str, command)), capture_output=True, encoding="utf-8", cwd=PROJECT, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", ["pandas", "polars", "duckdb", "dlt"])
def test_peers_read_what_we_read(name: str, corpus: Path, ours: Path, tmp_path: Path) -> None:
    made = tmp_path / "made"
    reference = [str(whole_run.REFERENCE)] if name == "pandas" else []
    _run(_python(name), PEERS / f"{name}_script.py", corpus, made, *reference)
    assert differences(ours / "ieval.duckdb", made / "ieval.duckdb") == []
    for table in COMPARED:
        with duckdb.connect(str(made / "ieval.duckdb"), read_only=True) as connection:
            query = f"SELECT (SELECT count(*) FROM {table}) - count(*) FROM '{made / table}.parquet'"
            assert connection.execute(query).fetchone() == (0,)


@pytest.mark.parametrize("library", LIBRARIES)
def test_libraries_find_countries(library: str, tmp_path: Path) -> None:
    python = _python(f"countries/{library}")
    pages = tmp_path / "pages"
    write_corpus(pages, 10, seed=3)
    _run(python, PEERS / "pandas_script.py", pages, tmp_path / "made", whole_run.REFERENCE, library)
    with duckdb.connect(str(tmp_path / "made" / "ieval.duckdb"), read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM country_mentions").fetchone() > (0,)


@pytest.mark.parametrize(
    ("change", "table"),
    [
        ("DELETE FROM lessons WHERE lesson_id = (SELECT min(lesson_id) FROM lessons)", "lessons"),
        ("UPDATE recommendations SET action_plan = action_plan || ' '", "recommendations"),
        ("INSERT INTO recommendation_projects SELECT 1, 1, 'A'", "recommendation_projects"),
    ],
)
def test_difference_is_seen(change: str, table: str, corpus: Path, ours: Path, tmp_path: Path) -> None:
    _run(_python("duckdb"), PEERS / "duckdb_script.py", corpus, tmp_path)
    with duckdb.connect(str(tmp_path / "ieval.duckdb")) as connection:
        connection.execute(change)
    (found,) = differences(ours / "ieval.duckdb", tmp_path / "ieval.duckdb")
    assert found.table == table
    assert found.share > whole_run.TOLERATED


def test_share_of_a_difference() -> None:
    difference = Difference("lessons", 1000, 3, 5)
    assert difference.share == 0.005
    assert str(difference) == "lessons: of 1,000 rows 3 only in ours, 5 in theirs"


def test_nothing_to_compare_is_no_agreement(one_record: Path) -> None:
    found = differences(one_record / "ieval.duckdb", one_record / "ieval.duckdb")
    assert list(map(str, found)) == ["lessons: no rows to compare", "good_practices: no rows to compare"]
    assert all(difference.share == 1 for difference in found)


@pytest.mark.parametrize("lock", sorted(PEERS.rglob("*.lock")), ids=lambda lock: lock.stem)
def test_locks(lock: Path) -> None:
    text = lock.read_text("utf-8")
    assert lock.with_suffix(".in").exists()
    assert text.count("--hash=sha256:") >= text.count("==")
    assert "://" not in text and "file:" not in text


def test_environments_of_contestants_have_locks() -> None:
    for contestant in CONTESTANTS.values():
        assert contestant.environment is None or (PEERS / f"{contestant.environment}.lock").exists()
    assert version("duckdb", "duckdb").count(".") == 2
    with pytest.raises(ValueError, match="has no polars"):
        version("duckdb", "polars")


def test_environment_is_made_once_and_anew_for_another_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.environments.PEERS", tmp_path)
    monkeypatch.setattr("benchmarks.environments.ENVIRONMENTS", tmp_path / "made")
    lock = tmp_path / "nothing.lock"
    lock.write_text("# an empty lock needs no network\n")
    assert installed("nothing") is None
    python = python_of("nothing")
    assert installed("nothing") == python
    assert _run(python, "-c", "print('here')") == "here\n"
    lock.write_text("# another\n")
    assert installed("nothing") is None


# ---- costs


def test_cost_of_a_process_and_its_children() -> None:
    child = "import time; x = b'1' * 300_000_000; time.sleep(0.5); sum(range(5_000_000))"
    program = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}]); print('done')"
    cost = measure.run([sys.executable, "-c", program])
    assert cost.output == "done\n"
    assert cost.wall_seconds > 0.5
    assert 0 < cost.cpu_seconds < cost.wall_seconds * os.cpu_count()
    assert cost.peak_bytes and 300e6 < cost.peak_bytes < 450e6


def test_memory_without_pss(monkeypatch: pytest.MonkeyPatch) -> None:
    class Elsewhere(measure.psutil.Process):
        def memory_full_info(self) -> object:
            raise measure.psutil.AccessDenied

    process = Elsewhere()
    assert measure._memory(process) == pytest.approx(process.memory_info().rss, rel=0.2)


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("raise SystemExit(3)", "ended with 3: without a word"),
        ("raise SystemExit('no room')", "ended with 1: no room"),
        ("import os; os.kill(os.getpid(), 9)", "killed by the system, which does so when memory runs out"),
        ("import os; os.kill(os.getpid(), 15)", "ended by signal 15"),
    ],
)
def test_failures_have_reasons(program: str, reason: str) -> None:
    with pytest.raises(CommandFailed) as caught:
        measure.run([sys.executable, "-c", program])
    assert caught.value.reason == reason


def test_what_takes_too_much_memory_is_killed_with_its_children() -> None:
    eater = "import os, time; x = b'1' * 300_000_000; print(os.getpid(), flush=True); time.sleep(60)"
    program = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {eater!r}])"
    with pytest.raises(CommandFailed, match=r"killed at 0\.\d GB of memory"):
        measure.run([sys.executable, "-c", program], memory_limit=200e6)
    assert not [
        process for process in measure.psutil.process_iter(["cmdline"]) if eater in (process.info["cmdline"] or [])
    ]


def test_interleaving_goes_on_without_what_failed(capsys: pytest.CaptureFixture[str]) -> None:
    asked = []

    def once(name: str, number: int) -> Cost:
        asked.append((name, number))
        if (name, number) == ("b", 2):
            raise CommandFailed(["b"], "killed at 9.0 GB of memory", "")
        return Cost(number, 2 * number, 10**6 * number)

    results = measure.interleave(["a", "b"], 3, once)
    assert asked == [("a", 1), ("b", 1), ("a", 2), ("b", 2), ("a", 3)]
    assert results["b"].failure == "killed at 9.0 GB of memory"
    assert measure.medians(results["a"].costs) == Cost(2, 4, 2 * 10**6)
    table = measure.table(results, {"a": "ours", "b": "theirs"}, pages=100)
    head, _, a, b = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()]
    assert head == ["", "wall s", "CPU s", "peak MB", "pages/s", "to ours: wall, CPU, memory"]
    assert a == ["a", "2.00", "4.00", "2", "50", "1.00 1.00 1.00"]
    assert b == ["b: killed at 9.0 GB of memory", "–", "–", "–", "–", "–"]


# ---- the whole run


@pytest.fixture
def race(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Race:
    monkeypatch.setattr(whole_run, "python_of", lambda name: sys.executable)
    return Race(corpus, tmp_path, None, has_to_agree=True)


def test_a_contestant_that_agrees(race: Race, ours: Path) -> None:
    race.warehouse = ours
    assert race.measure("duckdb", 1).wall_seconds > 0
    assert race.agreement() == "- `duckdb`: the same rows as ours, value by value"
    assert race.label("duckdb") == "DuckDB SQL with regular expressions (`duckdb`)"
    assert list(race.work.iterdir()) == []


def test_a_contestant_that_makes_other_tables(race: Race, one_record: Path) -> None:
    race.warehouse = one_record
    with pytest.raises(CommandFailed, match="makes other tables than we do: recommendations: of 1 rows 1 only"):
        race.measure("duckdb", 1)


def test_a_contestant_that_reads_a_few_cut_pages_in_another_way(
    race: Race, ours: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    race.warehouse = ours
    monkeypatch.setattr(whole_run, "differences", lambda *_: [Difference("lessons", 100_000, 100, 0)])
    assert race.measure("duckdb", 1).wall_seconds > 0
    race.verified |= {"hdx": race.verified["duckdb"]}
    assert race.agreement().splitlines() == [
        "- nobody: the same rows as ours, value by value",
        "- `duckdb`, `hdx`: lessons: of 100,000 rows 100 only in ours, 0 in theirs",
    ]


def test_a_sample_is_of_all_kinds_and_its_times_are_scaled(race: Race, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Path] = []

    def run(command: Sequence[str], *_: object, **__: object) -> Cost:
        seen.extend(Path(command[2]).iterdir())
        return Cost(1.0, 2.0, 3, "")

    monkeypatch.setattr(whole_run, "run", run)
    monkeypatch.setitem(CONTESTANTS, "slow", whole_run._pandas("slow", most_pages=70))
    assert race.measure("slow", 1) == Cost(5.0, 10.0, None)
    assert race.label("slow") == "slow (`slow`; measured on 60 pages and scaled)"
    assert len(seen) == 60 and all(page.read_bytes() for page in seen)
    kinds = {page.name.partition("_10")[0] for page in seen}
    assert {"lesson", "recommendation", "practice"} <= kinds


def test_limits_need_our_warehouse(race: Race, ours: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandFailed, match="needs our warehouse, and there is none"):
        race.measure("load", 1)
    commands: list[Sequence[str]] = []
    monkeypatch.setattr(whole_run, "run", lambda command, *_: commands.append(command))
    race.prepare(["ours", "load"])
    race.prepare(["read"])
    assert commands == []
    race.prepare(["read", "load", "ours"])
    assert [command[1:4] for command in commands] == [["-m", "pipelines", "run"]]
    race.warehouse = ours
    monkeypatch.undo()
    cost = race.measure("load", 1)
    assert cost.wall_seconds > 0
    assert cost.cpu_seconds > 0


def test_limits_make_the_same(ours: Path, tmp_path: Path) -> None:
    limits.write(ours, tmp_path / "parquet")()
    for table in TABLES:
        written, published = (folder / "parquet" / f"{table}.parquet" for folder in (tmp_path, ours))
        assert written.read_bytes() == published.read_bytes()
    limits.load(ours, tmp_path / "load")()
    limits.copy(ours, tmp_path / "copy")()
    for made in ("load", "copy"):
        assert differences(ours / "ieval.duckdb", tmp_path / made / "ieval.duckdb") == []
    with duckdb.connect(str(tmp_path / "load" / "ieval.duckdb"), read_only=True) as connection:
        keys = connection.execute("SELECT count(*) FROM duckdb_constraints() WHERE constraint_type = 'PRIMARY KEY'")
        assert keys.fetchone() == (len(TABLES),)


def test_a_choice_of_contestants() -> None:
    command = [sys.executable, "-m", "benchmarks.whole_run", "--only", "ours,excel"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", cwd=PROJECT)
    assert done.returncode == 2
    assert "excel: it takes ours, parsing, pandas, polars" in done.stderr


# ---- stages


def test_one_page_changes_its_status(corpus: Path) -> None:
    page, changed = stages.one_page(corpus)
    before, after = page.read_bytes().split(b"\n"), changed.split(b"\n")
    (different,) = [number for number, line in enumerate(before) if after[number] != line]
    assert len(before) == len(after)
    assert before[different - 1].removeprefix(b"- ") == b"management_response:"
    with pytest.raises(ValueError, match="no whole page with the status"):
        stages.one_page(corpus / "nowhere")


def test_tables_of_stages(hostile: Built) -> None:
    summary = json.loads(hostile.stdout)
    full = summary | {"new_pages": 1, "stages": dict.fromkeys((*stages.PARSING, stages.TABLES_MADE), 2.0)}
    once = {FULL: Situation(full, 4.0, 5.0, 6 * 10**6), CHANGED: Situation(summary, 1.0, 1.0, 10**6)}
    lines = stages.stage_table([once, once]).splitlines()
    cells = {line.split("|")[1].strip(): [cell.strip() for cell in line.split("|")[2:-1]] for line in lines}
    assert cells["whole process, to the full build: wall"] == ["1.000", "0.250"]
    assert cells["whole process, to the full build: CPU"] == ["1.000", "0.200"]
    assert cells["reading pages"][0] == "2.00"
    assert "Pages to records (reading pages, reading records): 4.00 s, 0 pages/s." in stages.speeds([once])
    # The real names of the stages: if they change, the speed must not quietly be of something else.
    assert set(summary["stages"]) >= {*stages.PARSING, stages.TABLES_MADE}
    with pytest.raises(ValueError, match="no stage computing tables"):
        stages.speeds([{FULL: Situation(summary | {"stages": {"reading pages": 1, "reading records": 1}}, 1, 1, 1)}])
    assert ALONE not in cells


def test_bytes_of_every_table_are_counted(corpus: Path, ours: Path) -> None:
    assert {table for tables in stages.GROUPS.values() for table in tables} == {
        name for name, table in TABLES.items() if table.group != "reference"
    }
    cells = {}
    for line in stages.byte_table([corpus], ours, PAGES).splitlines()[2:]:
        words, *numbers = [cell.strip() for cell in line.split("|")[1:-1]]
        cells[words] = float(numbers[0].replace(",", ""))
    parts = sum(size for words, size in cells.items() if words.startswith("`parquet`:"))
    assert parts == pytest.approx(cells["`parquet`, all of it"], abs=0.4)
    assert "`parquet`: other tables" not in cells
    assert cells["the pages' text, in files"] == pytest.approx(1.7, abs=0.2)
    assert {"`pages`", "`records`", "`ieval.duckdb`"} <= set(cells)
