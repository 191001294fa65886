"""The command line as a process: how it ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

FULL = Path("/dev/full")


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "pipelines", *arguments]


@pytest.mark.parametrize(("arguments", "code"), [(["--version"], 0), (["sql", "xyzzy"], 1), (["run", "--nope"], 2)])
def test_exit_codes(arguments: list[str], code: int, tmp_path: Path) -> None:
    folder = ["--warehouse", str(tmp_path)] if arguments[0] == "sql" else []
    done = subprocess.run(command(*arguments, *folder), capture_output=True, text=True, timeout=60)
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    assert done.stdout + done.stderr


@pytest.mark.skipif(not FULL.exists(), reason="has no device that is full")
@pytest.mark.parametrize("arguments", [["--help"], ["sql"]])
def test_no_space_for_the_output(arguments: list[str]) -> None:
    with FULL.open("w") as full:
        done = subprocess.run(command(*arguments), stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (1, "ieval: no space is left for the output\n")


def test_a_reader_that_leaves_is_no_error() -> None:
    with subprocess.Popen(command("sql"), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
    assert b"Traceback" not in said
