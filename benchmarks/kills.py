"""Kills runs wherever they are, and tells whether anything was lost, mixed or left half-done.

    python -m benchmarks.kills --runs 200 --pairs 50 [--seed 1] [--keep FOLDER]

A warehouse grows by some pages a run. Every run is killed (SIGKILL): in turn at each of its steps that change a name or
open a file for writing in the warehouse, and at random moments. Then a run that nobody disturbs must complete, and what
it publishes must be, byte for byte, what a warehouse has that was never disturbed. All the while a reader opens the
database, the Parquet files and the manifest again and again, and each time must find them whole and of one run. Pairs
are two runs that begin at the same moment on one warehouse. A short version is in `tests/test_kills.py`. POSIX.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.measure import end_cleanly
from pipelines import engine, settings, warehouse
from pipelines.invented.pages import generate_page
from pipelines.pages import add_pages
from pipelines.settings import Settings
from pipelines.sources import Passed, list_files, read_files

#: What changes a name or what a file holds, as Python announces it to audit hooks.
_STEPS = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate"}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_FIRST_DAY = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
_PAGES_A_RUN = 3


# ---- the run that is killed


def run_and_die(step: int, warehouse_folder: str, *arguments: str) -> None:
    """`ieval run` in this process, which kills itself before its `step`-th step (0: it does not, and counts them)."""
    from pipelines.cli import main

    count = 0
    folder = str(Path(warehouse_folder).resolve())

    def hook(event: str, details: tuple[Any, ...]) -> None:
        nonlocal count
        if not (event in _STEPS or (event == "open" and isinstance(details[2], int) and details[2] & _WRITING)):
            return
        paths = [os.fsdecode(each) for each in details[:2] if isinstance(each, str | bytes | os.PathLike)]
        if any(path.startswith(folder) and "/.dagster/" not in path for path in map(os.path.abspath, paths)):
            count += 1
            if count == step:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    try:
        main(["run", "--warehouse", warehouse_folder, *arguments])
    finally:
        print(f"steps: {count}", file=sys.stderr)


# ---- the reader


@dataclass
class Reads:
    """What a reader has seen."""

    count: int = 0
    wrong: list[str] = field(default_factory=list)


def read_all_the_time(folder: Path, log: Path, stop: Event) -> None:
    """Read a warehouse until told to stop; writes how often, and what was wrong, as JSON. Rests as long as it reads."""
    seen = Reads()
    while not stop.is_set():
        started = time.monotonic()
        try:
            if (folder / "current").exists():
                _read_once(folder)
                seen.count += 1
        except Exception as error:  # noqa: BLE001  (whatever a reader meets is what it reports)
            seen.wrong.append(f"{type(error).__name__}: {error}")
        time.sleep(max(0.05, time.monotonic() - started))
    log.write_text(json.dumps({"count": seen.count, "wrong": seen.wrong}))


def _read_once(folder: Path) -> None:
    """Raises whatever is wrong with what is published at this moment."""
    here = (folder / "current").resolve()
    try:
        manifest = json.loads((here / "manifest.json").read_text())
        found = {path.stem: path.read_bytes() for path in (here / "parquet").glob("*.parquet")}
    except FileNotFoundError:
        # A publication stays for as long as the next one is current: this reader was slower than two runs.
        if int((folder / "current").resolve().name) < int(here.name) + 2:
            raise
        return
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in found.items()}
    expected = {table["name"]: table["sha256"] for table in manifest["tables"]}
    if hashes != expected:
        differing = sorted(name for name in expected | hashes if expected.get(name) != hashes.get(name))
        raise ValueError(f"publication {here.name} is mixed: {', '.join(differing)}")
    with duckdb.connect(str(folder / "ieval.duckdb"), read_only=True, config={"threads": 1}) as connection:
        (counts,) = connection.execute(
            "SELECT (SELECT count(*) FROM raw.pages), (SELECT count(DISTINCT page_id) FROM raw.page_sightings), "
            "(SELECT count(*) FROM main.recommendations), (SELECT count(*) FROM mart.recommendation_overview)"
        ).fetchall()
    if counts[0] != counts[1] or counts[2] != counts[3]:
        raise ValueError(f"the database is mixed: {counts}")


# ---- the trial


class Trial:
    """A warehouse that grows and is disturbed, one beside it that is not, and the pages of both."""

    def __init__(self, work: Path, seed: int) -> None:
        self.disturbed = work / "disturbed"
        self.undisturbed = Settings(warehouse=work / "undisturbed")
        self.deliveries = work / "deliveries"
        self.random = random.Random(seed)
        self.seed = seed
        self.delivered = 0

    def deliver(self) -> list[str]:
        """The next pages, as arguments of a run: some new, some changed copies of earlier ones, a day later."""
        self.delivered += 1
        folder = self.deliveries / f"{self.delivered:04}"
        folder.mkdir(parents=True)
        for place in range(_PAGES_A_RUN):
            name, page = generate_page(self.seed, self.delivered * _PAGES_A_RUN + place)
            (folder / name).write_bytes(page)
        if self.delivered > 1 and self.delivered % 2:
            for earlier in list((self.deliveries / f"{self.delivered - 1:04}").iterdir())[:1]:
                changed = earlier.read_bytes().replace(b"Partially Completed", b"Completed", 1)
                (folder / earlier.name).write_bytes(changed)
        day = _FIRST_DAY + datetime.timedelta(days=self.delivered)
        return ["--as-of", day.isoformat(), str(folder)]

    def build_undisturbed(self, arguments: list[str]) -> None:
        """The same delivery in the other warehouse: what the assets call, in their order, in this process."""
        knobs = self.undisturbed
        _, day, folder = arguments
        add_pages(
            knobs.page_store,
            read_files(list_files([folder], Passed()), Passed()),
            datetime.datetime.fromisoformat(day),
            is_stated=True,
        )
        reader = engine.PartReader(settings.REFERENCE, open_executor=None)
        reader.finish(reader.outdated(engine.part_files(knobs)))
        warehouse.refresh_tables(knobs)
        warehouse.refresh_database(knobs, "undisturbed")

    def begin(self, *arguments: str, step: int = 0) -> subprocess.Popen[str]:
        """Start a run of the disturbed warehouse that dies at a step, or at none."""
        program = (
            f"from benchmarks.kills import run_and_die; run_and_die({step}, *{[str(self.disturbed), *arguments]!r})"
        )
        variables = {name: value for name, value in os.environ.items() if name != "DAGSTER_HOME"}
        return subprocess.Popen(
            [sys.executable, "-c", program],
            cwd=settings.PROJECT,
            env=variables | {"IEVAL_WORKERS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def difference(self) -> list[str]:
        """The tables that differ from those of the warehouse that nobody disturbs."""
        here, there = self.disturbed / "parquet", self.undisturbed.parquet
        names = {path.name for path in here.iterdir()} | {path.name for path in there.iterdir()}
        return [name for name in sorted(names) if _bytes(here / name) != _bytes(there / name)]


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Exit code, and all that a run has said."""
    out, err = process.communicate(timeout=300)
    return process.returncode, out + err


def kill_runs(trial: Trial, runs: int, say: Any) -> list[str]:
    """Kill so many runs, each followed by one that nobody disturbs; returns what went wrong."""
    wrong: list[str] = []
    for _ in range(2):  # the first makes everything, later ones what has changed
        arguments = trial.deliver()
        started = time.monotonic()
        code, words = finish(trial.begin(*arguments))
        seconds = time.monotonic() - started
        steps = int(words.rpartition("steps: ")[2])
        trial.build_undisturbed(arguments)
        if code or trial.difference():
            return [f"a run that nobody disturbed ended with {code}: {words}"]
    killed = 0
    for number in range(1, runs + 1):
        arguments = trial.deliver()
        if number % 4:  # three of four at a step, in turn, the last of them first: there it publishes
            where = f"step {(step := steps - (number - number // 4 - 1) % steps)}"
            process = trial.begin(*arguments, step=step)
        else:
            moment = trial.random.uniform(0, seconds * 1.2)
            where = f"{moment:.2f} s"
            process = trial.begin(*arguments)
            time.sleep(moment)
            process.kill()
        code, words = finish(process)
        killed += code == -signal.SIGKILL
        if code not in (0, -signal.SIGKILL):
            wrong.append(f"run {number}, to be killed at {where}, ended with {code}: {words}")
        code, words = finish(trial.begin(*arguments))
        if code or "Traceback" in words:
            wrong.append(f"the run after one that was killed at {where} ended with {code}: {words}")
        trial.build_undisturbed(arguments)
        if differing := trial.difference():
            wrong.append(f"after a run that was killed at {where}, {', '.join(differing)} differ")
        say(f"  {number}: killed at {where}, {len(wrong)} wrong")
    say(f"{runs} runs, {killed} of them killed in time, of {steps} steps each")
    return wrong


def run_pairs(trial: Trial, pairs: int, say: Any) -> list[str]:
    """Begin two runs at the same moment, so many times; returns what went wrong."""
    wrong: list[str] = []
    for number in range(1, pairs + 1):
        deliveries = [trial.deliver(), trial.deliver()]
        both = [trial.begin(*arguments) for arguments in deliveries]
        for process in both:
            code, words = finish(process)
            if code or "Traceback" in words:
                wrong.append(f"pair {number}: one ended with {code}: {words}")
        for arguments in deliveries:
            trial.build_undisturbed(arguments)
        if differing := trial.difference():
            wrong.append(f"pair {number}: {', '.join(differing)} differ")
        say(f"  pair {number}: {len(wrong)} wrong")
    return wrong


def try_it(work: Path, runs: int, pairs: int, seed: int, say: Any) -> tuple[Reads, list[str]]:
    """Everything, with a reader beside it; returns what the reader saw, and all that went wrong, the reader's too."""
    trial = Trial(work, seed)
    context = multiprocessing.get_context("spawn")
    stop, log = context.Event(), work / "reader.json"
    reader = context.Process(target=read_all_the_time, args=(trial.disturbed, log, stop))
    reader.start()
    try:
        wrong = kill_runs(trial, runs, say) + run_pairs(trial, pairs, say)
    finally:
        stop.set()
        reader.join()
    seen = Reads(**json.loads(log.read_text()))
    return seen, wrong + [f"a reader met {words}" for words in seen.wrong]


def main() -> int:
    """Kill runs, and tell what came of it: exit code 1 if anything was wrong."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--pairs", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="a new folder in which everything stays")
    options = parser.parse_args()
    end_cleanly()
    with tempfile.TemporaryDirectory(prefix="ieval-kills-") as folder:
        work = options.keep or Path(folder)
        work.mkdir(parents=True, exist_ok=True)
        started = time.monotonic()
        seen, wrong = try_it(
            work.resolve(), options.runs, options.pairs, options.seed, lambda words: print(words, file=sys.stderr)
        )
    print("\n".join(wrong))
    print(
        f"{options.runs} runs killed, {options.pairs} pairs, {seen.count:,} reads in "
        f"{time.monotonic() - started:,.0f} s: {len(wrong)} wrong"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
