"""What `ieval status` tells of runs, freshness and trouble, and how it ends."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from conftest import PAGES, PROJECT, Built, Ieval
from filelock import FileLock

from pipelines import status as status_
from pipelines.cli import main
from pipelines.history import RunEntry, keep, now, read

Status = Callable[..., tuple[int, Any]]
BEGUN = RunEntry("x", "ieval run", "2026-01-01T00:00:00.000Z")
WELL = dataclasses.replace(BEGUN, ended=now(), seconds=1.0, exit_code=0, outcome="nothing new")


@pytest.fixture
def copy(hostile: Built, tmp_path: Path) -> Path:
    """A warehouse of its own, to do harm to."""
    return Path(shutil.copytree(hostile.folder, tmp_path / "w", symlinks=True, ignore=shutil.ignore_patterns(".lock")))


@pytest.fixture
def status(copy: Path) -> Status:
    def run(*options: str) -> tuple[int, Any]:
        result = CliRunner().invoke(main, ["status", "--json", "--warehouse", str(copy), *options])
        return result.exit_code, json.loads(result.stdout) if result.stdout else result.stderr

    return run


def test_all_is_well(status: Status) -> None:
    code, facts = status()
    assert (code, facts["exit_code"], facts["wrong"], facts["stale"]) == (0, 0, [], [])
    (run,) = facts["runs"]
    assert (run["launched_by"], run["outcome"], run["exit_code"]) == ("ieval run", "published", 0)
    assert run["summary"] == {"files": 29, "files_unchanged": 0, "pages_read": 29, "new_pages": 29, "not_read": 0}
    assert run["started"] < facts["published"] < run["ended"]
    assert set(facts["failed_checks"]) >= {"unknown_labels"}
    assert [words.split(":")[1].strip() for words in facts["warnings"]] == list(facts["failed_checks"])
    assert 0 < facts["disk_bytes_free"] <= facts["disk_bytes"]


def test_the_last_run_failed(status: Status, copy: Path) -> None:
    keep(copy / "runs.jsonl", dataclasses.replace(WELL, exit_code=1, outcome="failed", reason="no\nfile"))
    code, facts = status()
    assert (code, len(facts["wrong"])) == (1, 1)
    assert facts["wrong"][0].startswith("the last run failed ")
    # The next one goes well, and all is well again.
    keep(copy / "runs.jsonl", dataclasses.replace(WELL, run_id="y"))
    assert status()[0] == 0


def test_a_run_that_was_killed_is_told_and_one_that_runs_is_none(status: Status, copy: Path) -> None:
    keep(copy / "runs.jsonl", BEGUN)
    assert status()[1]["wrong"] == ["the last run began 2026-01-01 00:00 and was killed"]
    with FileLock(copy / ".lock"):
        code, facts = status()
    assert (code, facts["wrong"]) == (0, [])


def test_runs_that_wait_for_another_are_not_wrong(status: Status, copy: Path) -> None:
    for name in "xyz":
        keep(copy / "runs.jsonl", dataclasses.replace(BEGUN, run_id=name))
    assert len(status()[1]["wrong"]) == 1
    with FileLock(copy / ".lock"):
        assert status()[1]["wrong"] == []


def test_a_reason_of_several_lines_is_told_in_one(copy: Path) -> None:
    reason = "tables: Binder Error: no\n\nLINE 1: SELECT x\n        ^"
    keep(copy / "runs.jsonl", dataclasses.replace(WELL, exit_code=1, outcome="failed", reason=reason))
    said = CliRunner().invoke(main, ["status", "--warehouse", str(copy)]).stdout
    assert said.count("tables: Binder Error: no; LINE 1: SELECT x; ^") == 2
    assert "\N{REPLACEMENT CHARACTER}" not in said


def test_age(status: Status, copy: Path) -> None:
    assert status("--max-age", "1", "--max-run-age", "1")[0] == 0
    code, facts = status("--max-age", "0")
    assert (code, facts["stale"]) == (3, ["no page said anything new for more than 0 days"])
    code, facts = status("--max-run-age", "0")
    assert (code, facts["stale"]) == (3, ["no run went well for more than 0 days"])
    (copy / "runs.jsonl").unlink()
    assert status("--max-run-age", "1")[0] == 3
    assert status()[0] == 0
    # What is wrong weighs more than what is old.
    keep(copy / "runs.jsonl", BEGUN)
    assert status("--max-age", "0")[0] == 1
    assert CliRunner().invoke(main, ["status", "--max-age", "-1"]).exit_code == 2


def test_outputs_that_are_older(status: Status, copy: Path) -> None:
    export = CliRunner().invoke(main, ["export", "--format", "csv", "--tables", "lessons", "--warehouse", str(copy)])
    assert export.exit_code == 0
    (copy / "report.html").write_text("report", encoding="utf-8")
    before = status()[1]["warnings"]
    assert not [words for words in before if "older" in words]
    os.utime(copy / "report.html", (0, 0))
    manifest = (copy / "manifest.json").resolve()
    changed = json.loads(manifest.read_text(encoding="utf-8"))
    changed["logic"] = "0" * 64
    manifest.write_text(json.dumps(changed), encoding="utf-8")
    code, facts = status()
    older = [words for words in facts["warnings"] if "older than the warehouse" in words]
    assert [words.split()[0] for words in older] == ["the", "report.html"]
    assert code == 0


def test_a_damaged_warehouse(status: Status, copy: Path) -> None:
    (copy / "parquet" / "lessons.parquet").unlink()
    code, facts = status()
    assert (code, facts["published"]) == (1, None)
    assert "missing or not those that were published" in facts["wrong"][0]


def test_a_full_disk(status: Status, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(status_.shutil, "disk_usage", lambda path: usage(10**9, 10**9 - 10**7, 10**7))
    code, facts = status()
    assert code == 1
    assert facts["wrong"][0].startswith("the disk is nearly full: 10 MB free")


def test_no_warehouse_but_a_run_that_failed(ieval: Ieval, tmp_path: Path) -> None:
    done = ieval("run", tmp_path / "nowhere", "--warehouse", tmp_path / "w", DAGSTER_HOME="")
    assert done.returncode == 1
    done = ieval("status", "--warehouse", tmp_path / "w")
    assert (done.returncode, done.stdout) == (1, "")
    assert "there is no warehouse" in done.stderr
    assert "the last run failed " in done.stderr
    assert "no such file or folder" in done.stderr


@pytest.mark.parametrize(("blow", "code", "outcome"), [(signal.SIGINT, 130, "stopped"), (signal.SIGKILL, -9, None)])
def test_a_real_run_that_is_ended(tmp_path: Path, blow: int, code: int, outcome: str | None) -> None:
    """It waits for us, who hold the warehouse: only a signal ends it."""
    folder = tmp_path / "w"
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "DAGSTER_HOME": ""}
    folder.mkdir()
    with FileLock(folder / ".lock"):
        process = subprocess.Popen(
            [sys.executable, "-m", "pipelines", "run", str(PAGES), "--warehouse", str(folder)],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        assert process.stderr is not None
        assert b"waiting for" in process.stderr.readline()
        time.sleep(0.2)
        process.send_signal(blow)
        process.wait(60)
        process.stderr.close()
    entry = read(folder / "runs.jsonl")[-1]
    assert entry.outcome == outcome
    assert entry.exit_code == (130 if outcome else None)
    if outcome is None:
        assert process.returncode == code
