"""The history of runs: lines that are added, damaged lines that are passed over, and no more than is wanted."""

from __future__ import annotations

import dataclasses
import json
import threading
from pathlib import Path

import pytest

from pipelines import history
from pipelines.history import RunEntry, keep, read

BEGUN = RunEntry("a", "ieval run", "2026-11-22T05:00:00.000Z")
ENDED = dataclasses.replace(
    BEGUN,
    ended="2026-11-22T05:00:04.000Z",
    seconds=4.0,
    exit_code=0,
    outcome="published",
    summary={"pages_read": 3, "new_pages": 1},
    reason="two\nlines \x1b[2J",
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "warehouse" / "runs.jsonl"


def test_what_is_said_last_of_a_run_counts(path: Path) -> None:
    assert read(path) == []
    keep(path, BEGUN)
    keep(path, dataclasses.replace(BEGUN, run_id="b"))
    assert read(path) == [BEGUN, dataclasses.replace(BEGUN, run_id="b")]
    keep(path, ENDED)
    assert read(path) == [ENDED, dataclasses.replace(BEGUN, run_id="b")]
    assert len(path.read_bytes().splitlines()) == 3


@pytest.mark.parametrize(
    "damage",
    [
        b"\xff\xfe\n",
        b"{\n",
        b'"text"\n',
        b"[1]\n",
        b"{}\n",
        b"\n",
        b'{"run_id": 7, "launched_by": "x", "started": "y"}\n',
        b'{"run_id": "a", "launched_by": "x", "started": "y", "seconds": "many"}\n',
        b'{"run_id": "c", "launched_by": "x", "sta',  # cut off by a full disk
        b"\0\0\0\0",
    ],
)
def test_a_damaged_line_is_passed_over(path: Path, damage: bytes) -> None:
    keep(path, BEGUN)
    path.write_bytes(path.read_bytes() + damage)
    later = dataclasses.replace(ENDED, run_id="later")
    keep(path, later)
    assert read(path) == [BEGUN, later]


def test_what_a_later_version_says_besides_is_no_damage(path: Path) -> None:
    keep(path, BEGUN)
    path.write_text(json.dumps({**dataclasses.asdict(BEGUN), "mood": "good"}) + "\n", encoding="utf-8")
    assert read(path) == [BEGUN]


def test_no_more_than_the_last_runs_are_kept(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MOST_RUNS", 5)
    for number in range(40):
        for entry in (BEGUN, ENDED):
            keep(path, dataclasses.replace(entry, run_id=str(number)))
        assert len(path.read_bytes().splitlines()) <= 10
    assert [entry.run_id for entry in read(path)] == ["35", "36", "37", "38", "39"]
    assert all(entry.ended for entry in read(path))
    assert {each.name for each in path.parent.iterdir()} <= {"runs.jsonl", ".runs.lock"}


def test_many_at_once_lose_no_line(path: Path) -> None:
    def write(name: str) -> None:
        for number in range(25):
            keep(path, dataclasses.replace(ENDED, run_id=f"{name}{number}"))

    threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(read(path)) == 100
