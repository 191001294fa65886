"""What `ieval prune` removes and what it never does: pages, what is published, runs that are kept."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import PAGES, PROJECT, Built, Ieval
from filelock import FileLock
from small_pages import parquet_bytes

from pipelines import parts, pruning
from pipelines.settings import Settings

OLD = (0, 0)


@pytest.fixture
def folder(hostile: Built, tmp_path: Path) -> Path:
    """A warehouse of its own, to do harm to."""
    return Path(shutil.copytree(hostile.folder, tmp_path / "w", symlinks=True, ignore=shutil.ignore_patterns(".lock")))


def runs_of(folder: Path) -> list[str]:
    with contextlib.closing(sqlite3.connect(folder / ".dagster" / "history" / "runs.db")) as connection:
        return [run_id for (run_id,) in connection.execute("SELECT run_id FROM runs ORDER BY id")]


def hashes(folder: Path) -> dict[str, str]:
    """Everything but Dagster's home, whose files change by being looked at, and locks."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".dagster" not in path.parts and ".lock" not in path.name
    }


@pytest.fixture
def littered(folder: Path) -> Iterator[tuple[Path, set[str]]]:
    """A warehouse with what killed runs leave, and the names of all of it."""
    (page_part,) = (folder / "pages").glob("part-*")
    foreign = f"part-000009-{'0' * 12}.parquet"
    left = {
        ".staging/parquet/lessons.parquet": 10,
        f"pages/.{page_part.name}.4711": 20,
        f"records/.{page_part.name}.4711": 30,
        f"records/{foreign}": 40,
        f"places/{foreign}": 50,
        "export/.export-abc/csv/lessons.csv": 60,
        "export/.excel-abc/sheet": 70,
        "report-xyz/report.html": 80,
        ".spill-xyz/duckdb_temp_block": 120,
        ".export-xyz/ieval.sqlite": 130,
        ".manifest.json.new": 90,
        "publications/000099/parquet/lessons.parquet": 100,
        ".dagster/history/runs/11111111-1111-1111-1111-111111111111.db": 110,
    }
    for name, size in left.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * size)
        os.utime(path, OLD)
        if path.parent.name.endswith("-xyz"):
            os.utime(path.parent, OLD)
    yield folder, set(left)


def test_left_overs_go_and_nothing_else(ieval: Ieval, littered: tuple[Path, set[str]]) -> None:
    folder, left = littered
    before, tables = hashes(folder), parquet_bytes(folder)
    dry = ieval("prune", "--dry-run", "--warehouse", folder, DAGSTER_HOME="")
    assert (dry.returncode, dry.stderr) == (0, "")
    assert hashes(folder) == before
    for name in (".staging, 10 bytes", ".4711, 20 bytes", "report-xyz, 80 bytes", "000099, 100 bytes"):
        assert name in dry.stdout
    done = ieval("prune", "--warehouse", folder, DAGSTER_HOME="")
    assert done.returncode == 0, done.stderr
    after = hashes(folder)
    assert set(before) - set(after) == {name for name in left if ".dagster" not in name}
    assert {name: value for name, value in before.items() if name in after} == after
    assert not any((folder / name).exists() for name in left)
    assert parquet_bytes(folder) == tables
    current = (folder / "current").resolve()
    assert {path.name for path in (folder / "publications").iterdir()} <= {f"{int(current.name) - 1:06}", current.name}
    again = ieval("prune", "--warehouse", folder, DAGSTER_HOME="")
    assert again.stdout.startswith("there is nothing to remove\n")
    assert "disk use" in again.stdout


def test_work_in_progress_is_left_alone(littered: tuple[Path, set[str]]) -> None:
    """What no lock of ours protects may be somebody's work of this moment, and an export is while its lock is held."""
    folder, _ = littered
    for path in (folder / "report-xyz", folder / ".manifest.json.new"):
        os.utime(path)
    program = (
        f"import time; from filelock import FileLock; lock = FileLock({str(folder / 'export' / '.export.lock')!r})"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", f"{program}; lock.acquire(); print(flush=True); time.sleep(60)"], stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    try:
        holder.stdout.readline()
        command = [sys.executable, "-m", "pipelines", "prune", "--warehouse", str(folder)]
        environment = {**os.environ, "PYTHONPATH": str(PROJECT), "DAGSTER_HOME": ""}
        done = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", timeout=120)
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()
    assert done.returncode == 0, done.stderr
    assert "an export is being written" in done.stdout
    for name in ("report-xyz/report.html", ".manifest.json.new", "export/.export-abc/csv/lessons.csv"):
        assert (folder / name).exists()


def test_it_waits_for_a_run(ieval: Ieval, folder: Path) -> None:
    with FileLock(folder / ".lock"):
        process = subprocess.Popen(
            [sys.executable, "-m", "pipelines", "prune", "--warehouse", str(folder)],
            env={**os.environ, "PYTHONPATH": str(PROJECT), "DAGSTER_HOME": ""},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        assert process.stderr is not None
        assert b"waiting for" in process.stderr.readline()
    assert process.wait(60) == 0
    process.stderr.close()


def test_old_runs_of_dagster(ieval: Ieval, folder: Path) -> None:
    page = PAGES / "lesson_900101.txt"
    for _ in range(2):
        assert ieval("run", page, "--warehouse", folder, DAGSTER_HOME="").returncode == 0
    runs = runs_of(folder)
    assert len(runs) == 3
    shards = folder / ".dagster" / "history" / "runs"
    kept = ieval("prune", "--keep-runs", "1", "--keep-days", "1", "--warehouse", folder, DAGSTER_HOME="")
    assert kept.returncode == 0, kept.stderr
    assert runs_of(folder) == runs
    assert ieval("prune", "--keep-runs", "1", "--dry-run", "--warehouse", folder, DAGSTER_HOME="").returncode == 0
    assert runs_of(folder) == runs
    before = pruning._bytes([folder / ".dagster"])
    done = ieval("prune", "--keep-runs", "1", "--warehouse", folder, DAGSTER_HOME="")
    assert "old runs in Dagster's history: 2, " in done.stdout
    assert runs_of(folder) == runs[-1:]
    assert {path.name.partition(".")[0] for path in shards.iterdir()} == {"index", runs[-1]}
    assert pruning._bytes([folder / ".dagster"]) < before
    # Dagster can go on with it.
    assert ieval("run", page, "--warehouse", folder, DAGSTER_HOME="").returncode == 0
    assert len(runs_of(folder)) == 2


def test_records_of_former_rules_go_and_are_made_again(
    ieval: Ieval, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines import engine

    tables = parquet_bytes(folder)
    knobs = Settings(warehouse=folder)
    real = engine.fingerprints(pruning.settings.REFERENCE)
    monkeypatch.setattr(pruning.engine, "fingerprints", lambda reference: real._replace(places="other rules"))
    items = list(pruning._parts(knobs))
    assert {item.kind for item in items} == {"records and places of former rules"}
    assert [Path(item.name).parent.name for item in items] == ["places"]
    for item in items:
        item.remove()
    done = ieval("run", PAGES / "lesson_900101.txt", "--rebuild", "--warehouse", folder, DAGSTER_HOME="")
    assert done.returncode == 0, done.stderr
    assert parquet_bytes(folder) == tables


def test_covered_parts_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pyarrow as pa

    folder = tmp_path / "pages"
    for number in range(1, 17):
        parts.write_part(folder, number, pa.table({"page_id": [str(number)]}), [str(number)])
    singles = {path.name for path in folder.iterdir()}
    (merged,) = parts.merge_small(folder)
    assert {path.name for path in parts.covered_parts(folder)} == singles
    items = [item for item in pruning._parts(Settings(warehouse=tmp_path)) if "merged" in item.kind]
    for item in items:
        item.remove()
    assert [path.name for path in folder.iterdir()] == [merged.name]


def test_no_warehouse(ieval: Ieval, tmp_path: Path) -> None:
    done = ieval("prune", "--warehouse", tmp_path / "none", DAGSTER_HOME="")
    assert (done.returncode, done.stdout) == (1, "")
    assert "there is no warehouse" in done.stderr
    assert not (tmp_path / "none").exists()


def test_help_says_that_pages_stay(ieval: Ieval) -> None:
    assert "Pages are never removed" in " ".join(ieval("prune", "--help").stdout.split())
