"""What is backed up is enough: the commands of deploy/README.md, run as they stand there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import PAGES, PROJECT
from small_pages import parquet_bytes

DOCUMENT = (PROJECT / "deploy" / "README.md").read_text(encoding="utf-8")
COMMANDS = dict(re.findall(r"^```sh (\w+)\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL))

pytestmark = pytest.mark.skipif(not all(map(shutil.which, ("flock", "tar", "sha256sum"))), reason="needs GNU's tools")


class Machine:
    """A warehouse of its own, pages that are put there, and a folder for backups."""

    def __init__(self, folder: Path) -> None:
        self.warehouse, self.backup, self.pages = folder / "warehouse", folder / "backup", folder / "pages"
        self.backup.mkdir()
        self.pages.mkdir()
        program = folder / "bin" / "ieval"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m pipelines "$@"\n')
        program.chmod(0o755)
        self.environment = {name: value for name, value in os.environ.items() if name != "DAGSTER_HOME"} | {
            "PATH": f"{program.parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(PROJECT),
            "IEVAL_WAREHOUSE": str(self.warehouse),
            "IEVAL_PAGES": str(self.pages),
            "BACKUP": str(self.backup),
        }

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", "-e", "-c", command], env=self.environment, capture_output=True, encoding="utf-8", timeout=300
        )

    def does(self, command: str) -> str:
        done = self.run(command)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """A warehouse with a history: pages came on three days, one of them went back to what it said before."""
    machine = Machine(tmp_path_factory.mktemp("machine"))
    first, second = PAGES / "recommendation_900001.txt", PAGES / "recommendation_900001.v2.txt"
    for path in PAGES.glob("*.txt"):
        if path not in (first, second):
            shutil.copy(path, machine.pages)
    place = machine.pages / first.name
    shutil.copyfile(first, place)
    machine.does("ieval run --as-of 2026-01-01")
    shutil.copyfile(second, place)
    machine.does("ieval run --as-of 2026-02-01")
    shutil.copyfile(first, place)
    machine.does("ieval run --as-of 2026-03-01")
    return machine


def test_backup_deletion_and_restore(machine: Machine) -> None:
    before = parquet_bytes(machine.warehouse)
    runs = (machine.warehouse / "runs.jsonl").read_text(encoding="utf-8").splitlines()
    machine.does(COMMANDS["backup"])
    shutil.rmtree(machine.warehouse)
    machine.does(COMMANDS["restore"])
    assert parquet_bytes(machine.warehouse) == before
    # The history goes on.
    assert (machine.warehouse / "runs.jsonl").read_text(encoding="utf-8").splitlines()[: len(runs)] == runs
    assert machine.run("ieval check").returncode == 0


def test_the_comparison_would_notice(machine: Machine) -> None:
    """Pages that came since are in the restored warehouse, and the tables are others."""
    machine.does(COMMANDS["backup"])
    shutil.rmtree(machine.warehouse)
    later = (PAGES / "lesson_900101.txt").read_text("utf-8").replace("900101", "900199")
    (machine.pages / "lesson_900199.txt").write_text(later, encoding="utf-8")
    done = machine.run(COMMANDS["restore"])
    assert done.returncode != 0
    assert "lessons.parquet: FAILED" in done.stdout + done.stderr


def test_a_backup_waits_for_a_run(machine: Machine) -> None:
    """The lock of `flock` is the lock of `ieval run`."""
    from filelock import FileLock

    with FileLock(machine.warehouse / ".lock"):
        done = machine.run(COMMANDS["backup"].replace("flock ", "flock --nonblock --conflict-exit-code 9 ", 1))
    assert done.returncode == 9
