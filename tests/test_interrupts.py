"""Ctrl-C, as a terminal sends it to all processes: a sentence, 130, what was published as it was, and the next run."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import PROJECT, SHIPPED, Built, run_ieval
from filelock import FileLock

from pipelines.history import read
from pipelines.settings import Settings
from pipelines.verification import verify

pytestmark = pytest.mark.skipif(os.name != "posix", reason="sends signals")
KEPT = "ieval: stopped; what was read is kept, and the next run goes on from there"
AS_IT_WAS = "ieval: stopped; what was published before is as it was"
ENDLESS = "SELECT count(*) FROM range(100000000000) a"


@pytest.fixture
def warehouse(shipped: Built, tmp_path: Path) -> Path:
    return Path(shutil.copytree(shipped.folder, tmp_path / "w", symlinks=True))


def begin(*arguments: str | Path, path: Path = PROJECT) -> subprocess.Popen[str]:
    """A command in a process group of its own, which hears signals by now: Python itself takes a moment to begin."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pipelines", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": f"{path}{os.pathsep}{PROJECT}", "DAGSTER_HOME": ""},
        cwd=path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    until(process, lambda: hears(process))
    return process


def hears(process: subprocess.Popen[str]) -> bool:
    """Whether it has a handler for SIGTERM, for which Python has none; where nobody can tell, it has."""
    status = Path(f"/proc/{process.pid}/status")
    if not status.exists():
        return True
    (mask,) = [line.split()[1] for line in status.read_text().splitlines() if line.startswith("SigCgt:")]
    return bool(int(mask, 16) >> (signal.SIGTERM - 1) & 1)


def stop(process: subprocess.Popen[str], number: int = signal.SIGINT) -> list[str]:
    """What a process says that is stopped, with its group."""
    os.killpg(process.pid, number)
    try:
        out, err = process.communicate(timeout=120)
    finally:
        process.kill()
    assert (process.returncode, out) == (130, ""), err
    assert "Traceback" not in err
    return [line for line in err.splitlines() if line and not line.startswith("waiting for")]


def until(process: subprocess.Popen[str], is_there: Callable[[], object]) -> None:
    deadline = time.monotonic() + 300
    while not is_there():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize(("command", "words"), [("sql", AS_IT_WAS), ("report", AS_IT_WAS), ("run", KEPT)])
def test_while_it_is_imported(tmp_path: Path, command: str, words: str) -> None:
    (tmp_path / "click.py").write_text("import time; open('here', 'w').close(); time.sleep(60)", encoding="utf-8")
    process = begin(command, path=tmp_path)
    until(process, (tmp_path / "here").exists)
    assert stop(process) == [words]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_while_a_compiled_module_is_imported(tmp_path: Path, number: int) -> None:
    """DuckDB's makes its enumerations with Python's, and aborts the process where that raises anything."""
    (tmp_path / "click.py").write_text(
        "import enum, time\n"
        "make = enum.EnumType.__call__\n"
        "def slowly(cls, value, *arguments, **options):\n"
        "    if value == 'ExplainType': open('here', 'w').close(); time.sleep(1)\n"
        "    return make(cls, value, *arguments, **options)\n"
        "enum.EnumType.__call__ = slowly\n"
        "import duckdb, time\n"
        "time.sleep(60)",
        encoding="utf-8",
    )
    process = begin("sql", path=tmp_path)
    until(process, (tmp_path / "here").exists)
    assert stop(process, number) == [AS_IT_WAS]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_query(warehouse: Path, number: int) -> None:
    process = begin("sql", ENDLESS, "--warehouse", warehouse)
    time.sleep(2)
    assert stop(process, number) == [AS_IT_WAS]


@pytest.mark.parametrize(("command", "words"), [("run", KEPT), ("prune", AS_IT_WAS)])
def test_while_it_waits(warehouse: Path, command: str, words: str) -> None:
    before = read(warehouse / "runs.jsonl")
    with FileLock(warehouse / ".lock"):
        process = begin(command, "--warehouse", warehouse)
        assert process.stderr is not None
        assert "waiting for" in process.stderr.readline()
        assert stop(process) == [words]
    further = read(warehouse / "runs.jsonl")[len(before) :]
    assert [(run.exit_code, run.outcome) for run in further] == ([(130, "stopped")] if command == "run" else [])


@pytest.mark.parametrize("seconds", [0.0, 0.2, 0.6])
@pytest.mark.parametrize(("command", "words"), [("check", AS_IT_WAS), ("report", AS_IT_WAS), ("export", "")])
def test_what_reads(warehouse: Path, command: str, words: str, seconds: float) -> None:
    process = begin(command, "--warehouse", warehouse)
    time.sleep(seconds)
    (said,) = stop(process)
    assert said.startswith(words or "ieval: stopped; in a folder the export is as it was")
    assert verify(Settings(warehouse=warehouse), is_deep=False) == []


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("many")
    page = next(SHIPPED.iterdir()).read_text(encoding="utf-8")
    for number in range(1600):
        (folder / f"{number}.txt").write_text(page.replace("16568", f"2{number:06}"), encoding="utf-8")
    yield folder


@pytest.mark.parametrize("moment", ["start-up", "reading", "tables", "checks"])
def test_a_run(warehouse: Path, many: Path, moment: str) -> None:
    parts = len(list((warehouse / "pages").glob("part-*")))
    runs = len(read(warehouse / "runs.jsonl"))
    process = begin("run", many, "--warehouse", warehouse)
    if moment == "start-up":  # before it, there is no run that was stopped
        until(process, lambda: len(read(warehouse / "runs.jsonl")) > runs)
    elif moment == "reading":
        until(process, lambda: len(list((warehouse / "pages").glob("part-*"))) > parts)
    elif moment == "tables":
        until(process, lambda: list(warehouse.glob(".spill-*")))
    else:  # the database is made meanwhile
        until(process, (Settings(warehouse=warehouse).staging / "ieval.duckdb").exists)
    assert stop(process) == [KEPT]
    assert verify(Settings(warehouse=warehouse), is_deep=False) == []
    assert read(warehouse / "runs.jsonl")[-1].outcome == "stopped"
    again = many if moment == "reading" else SHIPPED
    done = run_ieval("run", again, "--warehouse", warehouse, DAGSTER_HOME="")
    assert done.returncode == 0, done.stderr
    if again == many:
        assert "1,601 recommendations" in done.stdout


def test_a_second_one_ends_at_once(tmp_path: Path) -> None:
    """Where the first is not heeded, as by what waits for something."""
    (tmp_path / "click.py").write_text(
        "import time; open('here', 'w').close()\n"
        "try: time.sleep(60)\n"
        "finally: open('there', 'w').close(); time.sleep(60)",
        encoding="utf-8",
    )
    process = begin("sql", path=tmp_path)
    until(process, (tmp_path / "here").exists)
    process.send_signal(signal.SIGINT)
    until(process, (tmp_path / "there").exists)
    time.sleep(1)
    assert stop(process) == ["ieval: stopped at once; what was published before is as it was"]
