"""What a run makes of a warehouse that was damaged, refused, shared or interrupted: it mends it, or says what to do."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
SHIPPED = PROJECT / "seeds" / "pages"


def start(warehouse: Path, *pages: Path, options: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "pipelines", "run", *options, "--warehouse", str(warehouse), *map(str, pages)]
    variables = {name: value for name, value in os.environ.items() if name != "DAGSTER_HOME"}
    variables["PYTHONPATH"] = str(PROJECT)
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=variables, stdout=pipe, stderr=pipe, text=True, encoding="utf-8")


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    out, err = process.communicate(timeout=120)
    assert "Traceback" not in err
    return process.returncode, out + err


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "ieval.duckdb").write_text("junk", encoding="utf-8"),
        lambda folder: (folder / "manifest.json").write_text("{", encoding="utf-8"),
        lambda folder: (folder / "parquet" / "lessons.parquet").write_bytes(b""),
        lambda folder: (folder / "parquet" / "recommendations.parquet").unlink(),
        lambda folder: [part.write_bytes(b"junk") for part in (folder / "records").iterdir()],
        lambda folder: [part.write_bytes(b"junk") for part in (folder / "places").iterdir()],
        lambda folder: shutil.rmtree(folder / "places"),
        lambda folder: (folder / "sources.parquet").write_bytes(b"junk"),
        lambda folder: (folder / "sources.parquet").unlink(),
    ],
    ids=[
        "database",
        "manifest",
        "table cut",
        "table gone",
        "records",
        "places",
        "places gone",
        "sources",
        "sources gone",
    ],
)
def test_what_is_made_is_made_anew(tmp_path: Path, damage) -> None:
    assert finish(start(tmp_path, SHIPPED))[0] == 0
    whole = {path.name: path.read_bytes() for path in (tmp_path / "parquet").iterdir()}
    damage(tmp_path)
    code, words = finish(start(tmp_path, SHIPPED))
    assert code == 0, words
    assert {path.name: path.read_bytes() for path in (tmp_path / "parquet").iterdir()} == whole


def test_strict_judges_what_it_would_publish(tmp_path: Path) -> None:
    """A copy that one strict run refused is in the store; the next one must not publish it in passing."""
    page = next(SHIPPED.iterdir()).read_text(encoding="utf-8")
    unknown = tmp_path / "unknown.txt"
    unknown.write_text(page.replace("- Resource management", "- Resource juggling"), encoding="utf-8")
    assert finish(start(tmp_path / "warehouse", SHIPPED, options=("--strict",)))[0] == 0
    published = (tmp_path / "warehouse" / "ieval.duckdb").read_bytes()
    for pages in (unknown, SHIPPED):
        code, words = finish(start(tmp_path / "warehouse", pages, options=("--strict",)))
        assert (code, "Resource juggling" in words) == (1, True)
        assert "unknown.txt:21" in words
        assert "themes.csv" in words
    assert (tmp_path / "warehouse" / "ieval.duckdb").read_bytes() == published


def test_two_first_runs_at_once(tmp_path: Path) -> None:
    both = [start(tmp_path, SHIPPED), start(tmp_path, PROJECT / "tests" / "pages")]
    assert [finish(process)[0] for process in both] == [0, 0]
    assert "30 read" not in finish(start(tmp_path, SHIPPED))[1]
    import duckdb

    with duckdb.connect(str(tmp_path / "ieval.duckdb"), read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM raw.pages").fetchall() == [(30,)]


def test_an_empty_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    code, words = finish(start(tmp_path / "warehouse", tmp_path / "empty"))
    assert code == 0
    assert "there is no .txt file in this folder" in words


def test_an_interrupt_says_what_is_kept(tmp_path: Path) -> None:
    pages = tmp_path / "pages"
    pages.mkdir()
    page = next(SHIPPED.iterdir()).read_text(encoding="utf-8")
    for number in range(4000):
        (pages / f"{number}.txt").write_text(page.replace("16568", f"2{number:06}"), encoding="utf-8")
    process = start(tmp_path / "warehouse", pages)
    while not list((tmp_path / "warehouse" / "pages").glob("part-*")):
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert err.startswith("ieval: stopped; what was read is kept, and the next run goes on from there\n")
    code, words = finish(start(tmp_path / "warehouse", pages))
    assert code == 0, words
    assert "4,000 recommendations" in words
