"""Exports that are killed at any step, with a reader beside: nobody finds files of two runs; the next completes it."""

from __future__ import annotations

import contextlib
import datetime
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipelines.export.datapackage import MANIFEST
from pipelines.export.target import FolderTarget

pytestmark = pytest.mark.skipif(os.name != "posix", reason="kills processes")
PROJECT = Path(__file__).parents[2]
#: What changes a name, as Python announces it to audit hooks.
STEPS = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.link", "os.symlink"}
FORMATS = ("csv", "parquet", "ieval.sqlite")


# ---- placing files, killed before each of its steps: a program of its own, which forks


def export(folder: Path, run: int, names: tuple[str, ...] = FORMATS) -> None:
    """Place an export all of whose files say of which run they are."""
    target = FolderTarget(folder)
    with target.staging() as staged:
        paths = [path for name in names for path in ([name] if "." in name else [f"{name}/a", f"{name}/b"])]
        for path in paths:
            (staged / path).parent.mkdir(exist_ok=True)
            (staged / path).write_text(f"{run}")
        resources = ",".join(f'{{"path": "{path}", "bytes": 1, "hash": "{run}"}}' for path in paths)
        (staged / MANIFEST).write_text(
            f'{{"resources": [{resources}], "ieval-warehouse": {{"state": "{run}", "formats": {{"csv": []}}}}}}'
        )
        target.place(staged, (), lambda count: None)


def runs(edition: Path) -> set[str]:
    """The runs of which files are, and which the manifest names: one, or none before the first export."""
    manifest = FolderTarget(edition).manifest()
    paths = [*edition.glob("[!.]*/*"), *edition.glob("*.sqlite")]
    found = {path.read_text() for path in paths if path.exists()}
    return found | ({manifest.state} if manifest else set())


def read_all_the_time(folder: Path) -> None:
    """Until it is killed: look up once where the manifest is, and read there. Exits at once where runs are mixed."""
    while True:
        with contextlib.suppress(FileNotFoundError):  # there is none yet, or it was slower than two exports
            edition = (folder / MANIFEST).resolve(strict=True).parent
            if edition != folder and len(runs(edition)) > 1:
                os._exit(1)


def die_at(step: int, folder: Path) -> None:
    count = 0

    def hook(event: str, details: tuple[Any, ...]) -> None:
        nonlocal count
        if event in STEPS and any(
            str(folder) in os.fsdecode(each) for each in details[:2] if isinstance(each, str | Path)
        ):
            count += 1
            if count == step:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def kill_at_every_step(folder: Path, before: Callable[[Path], None], names: tuple[str, ...]) -> None:
    """Of a folder in the state that `before` makes: prints at how many steps an export was killed."""
    step = 0
    while True:
        step += 1
        here = folder / f"{step}"
        here.mkdir()
        before(here)
        was = runs(here)
        if not (reader := os.fork()):
            read_all_the_time(here)
        try:
            if not (writer := os.fork()):
                die_at(step, here)
                export(here, 2, names)
                os._exit(0)
            _, status = os.waitpid(writer, 0)
            seen = runs(here)
            assert seen in (was, {"2"}), (step, was, seen)
            export(here, 3, names)
            assert runs(here) == {"3"}, step
            assert {path.name for path in here.glob("[!.]*")} == {*names, MANIFEST}
            assert len(list((here / ".exports").iterdir())) <= 4, step
        finally:
            os.kill(reader, signal.SIGKILL)
            _, end = os.waitpid(reader, 0)
        assert os.WIFSIGNALED(end), "a reader has found two runs"
        if os.WIFEXITED(status):
            break
    print(step - 1)


def nothing(folder: Path) -> None:
    """No export yet."""


def exported(folder: Path) -> None:
    """An export of all formats."""
    export(folder, 1)


def fewer(folder: Path) -> None:
    """An export of one format, to which others come."""
    export(folder, 1, ("csv",))


def plain(folder: Path) -> None:
    """An export whose links have become files and folders, as in some copies."""
    export(folder, 1)
    edition = (folder / MANIFEST).resolve().parent
    for name in (*FORMATS, MANIFEST):
        (folder / name).unlink()
        (edition / name).rename(folder / name)
    (folder / ".exports" / "current").unlink()


@pytest.mark.parametrize("before", [nothing, exported, fewer, plain])
def test_killed_at_every_step(tmp_path: Path, before: Callable[[Path], None]) -> None:
    done = subprocess.run(
        [sys.executable, __file__, str(tmp_path), before.__name__],
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 15  # else nothing was tried


# ---- the command


KILLED = """
import os, signal, sys
def hook(event, details):
    if event == "os.rename" and str(details[1]).endswith("/.exports/current"):
        os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(hook)
from pipelines.cli import main
main(sys.argv[1:])
"""


def test_a_killed_export_is_completed_by_the_next(build: Callable[..., object], tmp_path: Path) -> None:
    from pipelines.export.exporting import export_all, is_up_to_date
    from pipelines.settings import Settings

    pages = PROJECT / "tests" / "pages"
    knobs = Settings(warehouse=tmp_path / "warehouse")

    def lessons() -> list[int]:
        texts = [(knobs.export / "csv" / "lessons.csv").read_text(encoding="utf-8")]
        texts.append((knobs.export / "ieval.sqlite").read_bytes().decode("latin-1"))
        return [sum(f"lessons/90010{number}" in text for number in (1, 2)) for text in texts]

    build(knobs.warehouse, [pages / "lesson_900101.txt"], datetime.datetime(2024, 3, 1, 6, tzinfo=datetime.UTC))
    export_all(knobs, formats=["csv", "sqlite"], tables=["lessons"])
    assert lessons() == [1, 1]
    build(knobs.warehouse, [pages / "lesson_900102.txt"], datetime.datetime(2024, 9, 1, 6, tzinfo=datetime.UTC))
    command = [sys.executable, "-c", KILLED, "export", "--format", "csv,sqlite", "--tables", "lessons"]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    killed = subprocess.run([*command, "--warehouse", str(knobs.warehouse)], env=environment, timeout=120)
    assert killed.returncode == -signal.SIGKILL
    assert lessons() == [1, 1]
    assert is_up_to_date(knobs) is False
    export_all(knobs, formats=["csv"], tables=["lessons"])
    assert lessons() == [2, 2]
    assert is_up_to_date(knobs)
    assert not list(knobs.export.glob(".export-*"))


if __name__ == "__main__":
    kill_at_every_step(Path(sys.argv[1]).resolve(), globals()[sys.argv[2]], FORMATS)
