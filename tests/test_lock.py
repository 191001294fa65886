"""One run at a time: who waits is told for whom and since when, and nobody waits for the dead."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import PROJECT
from filelock import FileLock

HOLD = """
import sys, time
from pathlib import Path
from pipelines.lock import hold
hold(Path(sys.argv[1]), lambda words: print(words, flush=True))
print("held", flush=True)
time.sleep(60)
"""


def holder(warehouse: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLD, str(warehouse)]
    return subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True, encoding="utf-8")


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.mark.parametrize("end", [subprocess.Popen.kill, subprocess.Popen.terminate])
def test_the_next_one_waits_and_takes_over(tmp_path: Path, end) -> None:
    first, second = holder(tmp_path), None
    try:
        assert said(first) == "held"
        second = holder(tmp_path)
        words = said(second)
        who = rf"process {first.pid}, since \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d UTC"
        assert re.fullmatch(rf"waiting for {who}: it is writing {re.escape(str(tmp_path))}", words)
        ended = time.monotonic()
        end(first)
        assert said(second) == "held"
        assert time.monotonic() - ended < 30  # the first would hold it for a minute
        assert f"process {second.pid}, since " in (tmp_path / ".lock.holder").read_text()
    finally:
        for process in (first, second):
            if process is not None:
                process.kill()
                process.communicate()


def test_a_stale_name_does_not_lock(tmp_path: Path) -> None:
    (tmp_path / ".lock").touch()
    (tmp_path / ".lock.holder").write_text("process 1, since 2020-01-01 00:00:00 UTC")
    process = holder(tmp_path)
    try:
        assert said(process) == "held"
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("garbage", [b"\xff\xfe\x00", b"\x1b]0;pwned\x07", b""])
def test_a_name_that_is_garbage_is_not_said(tmp_path: Path, garbage: bytes) -> None:
    with FileLock(tmp_path / ".lock"):
        (tmp_path / ".lock.holder").write_bytes(garbage)
        process = holder(tmp_path)
        try:
            assert said(process) == f"waiting for another run: it is writing {tmp_path}"
        finally:
            process.kill()
            process.communicate()
