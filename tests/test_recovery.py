"""What a run makes of a warehouse that was damaged, refused, shared or interrupted: it mends it, or says what to do."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from conftest import PROJECT, SHIPPED, Built
from small_pages import day, parquet_bytes

from pipelines import running
from pipelines.running import RunFailed
from pipelines.settings import Settings
from pipelines.verification import verify

Damage = Callable[[Path], object]


def start(
    warehouse: Path, *pages: Path, options: tuple[str, ...] = (), most_bytes: int | None = None, home: str = ""
) -> subprocess.Popen[str]:
    """Begin a run; with `most_bytes`, one none of whose files may grow beyond so many. `home`: Dagster's."""

    def limit() -> None:
        if most_bytes is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # else the process would be killed
            resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))

    command = [sys.executable, "-m", "pipelines", "run", *options, "--warehouse", str(warehouse), *map(str, pages)]
    variables = {name: value for name, value in os.environ.items() if name != "DAGSTER_HOME"}
    variables["PYTHONPATH"] = str(PROJECT)
    if home:
        Path(home).mkdir(exist_ok=True)
        variables["DAGSTER_HOME"] = home
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, env=variables, stdout=pipe, stderr=pipe, text=True, encoding="utf-8", preexec_fn=limit
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    out, err = process.communicate(timeout=300)
    assert "Traceback" not in err
    return process.returncode, out + err


@pytest.fixture(scope="module")
def made(shipped: Built) -> Path:
    """A warehouse of the shipped page. Only to be copied."""
    return shipped.folder


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
    ],
    ids=["database", "manifest", "table cut", "table gone", "records", "places", "places gone"],
)
def test_what_is_made_is_made_anew(made: Path, tmp_path: Path, build: Callable[..., object], damage: Damage) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(made, folder, symlinks=True)
    damage(folder)
    build(folder, [], day(1))
    assert parquet_bytes(folder) == parquet_bytes(made)
    assert verify(Settings(warehouse=folder), is_deep=False) == []


@pytest.mark.parametrize("damage", [lambda path: path.write_bytes(b"junk"), Path.unlink], ids=["damaged", "gone"])
def test_files_are_known_anew(made: Path, tmp_path: Path, damage: Damage) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(made, folder, symlinks=True)
    damage(folder / "sources.parquet")
    code, words = finish(start(folder, SHIPPED))
    assert code == 0, words
    assert parquet_bytes(folder) == parquet_bytes(made)


def test_strict_judges_what_it_would_publish(made: Path, tmp_path: Path) -> None:
    """A copy that one strict run refused is in the store; the next one must not publish it in passing."""
    page = next(SHIPPED.iterdir()).read_text(encoding="utf-8")
    unknown = tmp_path / "unknown.txt"
    unknown.write_text(page.replace("- Resource management", "- Resource juggling"), encoding="utf-8")
    shutil.copytree(made, tmp_path / "warehouse", symlinks=True)
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
    import duckdb

    with duckdb.connect(str(tmp_path / "ieval.duckdb"), read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM raw.pages").fetchall() == [(30,)]


def test_an_empty_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    code, words = finish(start(tmp_path / "warehouse", tmp_path / "empty"))
    assert code == 0
    assert "there is no .txt file in this folder" in words


# ---- no room


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 96 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    command = [str(mount), "-t", "tmpfs", "-o", "size=96m", "none", str(folder)]
    if mount is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("nobody here may mount a file system")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize(("room", "home"), [(0, ""), (20_000_000, "elsewhere")])
def test_a_full_disk_is_told_and_harms_nothing(
    made: Path, small_disk: Path, tmp_path: Path, room: int, home: str
) -> None:
    """Whatever does not fit, history of runs, page store, tables or database: the next run with room goes on."""
    warehouse, filler = small_disk / "warehouse", small_disk / "filler"
    begin = partial(start, home=str(tmp_path / home) if home else "")
    shutil.copytree(made, warehouse, symlinks=True)
    before = parquet_bytes(warehouse)
    with filler.open("wb") as file:
        while shutil.disk_usage(small_disk).free > room:
            missing = shutil.disk_usage(small_disk).free - room
            file.write(b"x" * min(missing, 1 << 20))
            file.flush()
    code, words = finish(begin(warehouse, PROJECT / "tests" / "pages"))
    assert code == 1
    assert f"ieval: no space is left for {warehouse} (" in words
    assert words.splitlines()[-1].endswith("what was published before is as it was; make room and run again")
    assert parquet_bytes(warehouse) == before
    assert verify(Settings(warehouse=warehouse), is_deep=False) == []
    filler.unlink()
    code, words = finish(begin(warehouse, PROJECT / "tests" / "pages"))
    assert code == 0, words
    assert verify(Settings(warehouse=warehouse), is_deep=False) == []
    assert not [path for path in (warehouse / "pages").iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("most", [60_000])
def test_files_that_may_not_grow_are_told_and_harm_nothing(made: Path, tmp_path: Path, most: int) -> None:
    warehouse = tmp_path / "warehouse"
    begin = partial(start, home=str(tmp_path / "home"))
    shutil.copytree(made, warehouse, symlinks=True)
    before = parquet_bytes(warehouse)
    code, words = finish(begin(warehouse, PROJECT / "tests" / "pages", most_bytes=most))
    assert code == 1
    assert words.splitlines()[-1].endswith("what was published before is as it was; make room and run again")
    assert parquet_bytes(warehouse) == before
    assert finish(begin(warehouse, PROJECT / "tests" / "pages"))[0] == 0
    assert verify(Settings(warehouse=warehouse), is_deep=False) == []


def test_many_large_pages_fit_into_memory(tmp_path: Path) -> None:
    """As large as pages may be, and no pages: DuckDB takes no more of them at a time than it has room for."""
    folder = tmp_path / "pages"
    folder.mkdir()
    for number in range(2000):
        text = f"{number} " + "In Cambodia, the project will go on. " * 4000
        (folder / f"{number}.txt").write_text(text[: 128 * 1024], encoding="ascii")
    code, said = finish(start(tmp_path / "warehouse", folder))
    assert (code, "2,000 read, 2,000 new" in said) == (0, True), said
    code, said = finish(start(tmp_path / "warehouse", SHIPPED))
    assert (code, "1 read, 1 new" in said) == (0, True), said


def test_too_little_memory_is_said_in_our_words(tmp_path: Path) -> None:
    words = (
        "checks: _duckdb.OutOfMemoryException: Out of Memory Error: failed to allocate data of size 1.0 GiB\n\nSee …"
    )
    with pytest.raises(RunFailed, match=r"^DuckDB needs more memory than IEVAL_MEMORY_LIMIT \(1GB\) allows: set it"):
        running._raise_if_full(Settings(warehouse=tmp_path), words)
