"""Builds a demonstration: a warehouse of invented pages in a folder of its own, with exports, report and a mark.

The mark says to exports, explorer and report that the texts are invented, and to us that the folder is ours to make
anew. How pages are invented does not belong here.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from pipelines.export.exporting import export_all
from pipelines.invented.pages import generate_pages
from pipelines.report.reporting import write_report
from pipelines.settings import Settings, from_here
from pipelines.stages import stage

SEED = 1
#: When the pages are seen first, and when the changed copies of some of them: the last response is of 2024.
FIRST_SEEN, SEEN_AGAIN = "2025-01-15", "2025-07-15"
#: What the explorer and the report need.
_EXTRAS = ("datasette", "vl_convert")


class DemoError(RuntimeError):
    """The demonstration cannot be built; the message says what to do."""


def build(knobs: Settings, pages: int, say: Callable[[str], None]) -> None:
    """Build a demonstration of so many pages in the warehouse of these knobs, or leave it if it is there already.

    Raises DemoError where the folder holds something else, ExportError and ReportError.
    """
    if not all(map(importlib.util.find_spec, _EXTRAS)):
        raise DemoError("the demonstration needs two extras: pip install 'ieval-warehouse[explore,report]'")
    folder = knobs.warehouse
    asked = {"invented": True, "pages": pages, "seed": SEED}
    if _mark(knobs) != asked | {"is_complete": True} or not knobs.database.exists():
        _clear(knobs)
        _set_mark(knobs, asked | {"is_complete": False})
        say(f"inventing {pages:,} pages and reading them into {from_here(folder)} (not your own warehouse)")
        with tempfile.TemporaryDirectory(prefix="ieval-demo-") as scratch:
            first, later = _write(Path(scratch), pages)
            _run(folder, first, FIRST_SEEN)
            if any(later.iterdir()):
                # Changed copies come later, as they would: so there are changes of status to be seen.
                _run(folder, later, SEEN_AGAIN)
        _set_mark(knobs, asked | {"is_complete": True})
    say(export_all(knobs, stage).text())
    report = write_report(knobs)
    say(f"report: {from_here(report.path)}, {report.bytes / 1e3:,.0f} kB")


def _mark(knobs: Settings) -> object:
    try:
        return json.loads(knobs.demo_mark.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _set_mark(knobs: Settings, mark: object) -> None:
    knobs.demo_mark.write_text(json.dumps(mark) + "\n", encoding="utf-8")


def _clear(knobs: Settings) -> None:
    """An empty folder; what is cleared away is an earlier demonstration, and nothing else."""
    folder = knobs.warehouse
    try:
        if folder.exists() and any(folder.iterdir()):
            if not knobs.is_demo:
                raise DemoError(f"{folder} holds something that is no demonstration: choose another folder with --to")
            shutil.rmtree(folder)
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DemoError(f"{folder} cannot be written: {error.strerror or error}") from None


def _write(folder: Path, pages: int) -> tuple[Path, Path]:
    """The pages as they are first seen, and the changed copies of some of them."""
    first, later = folder / "invented", folder / "invented-later"
    for each in (first, later):
        each.mkdir()
    for name, page in generate_pages(pages, SEED):
        ((later if name.endswith(".v2.txt") else first) / name).write_bytes(page)
    return first, later


def _run(folder: Path, pages: Path, seen_on: str) -> None:
    """`ieval run --as-of` in a process of its own, whose memory and lock go with it, and Dagster's home too."""
    command = [sys.executable, "-m", "pipelines", "run", "--warehouse", str(folder.absolute()), "--as-of", seen_on]
    command.append(pages.name)
    done = subprocess.run(command, cwd=pages.parent, stdout=subprocess.PIPE, check=False)
    if done.returncode:
        raise DemoError(f"the warehouse could not be made (`ieval run` ended with {done.returncode})")
