"""An export as a whole: complete or not there, of one run, the same bytes for the same rows, nothing done twice."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import fsspec
import pyarrow.parquet as pq
import pytest
from conftest import PAGES, Built

from pipelines.export import csv, excel, exporting, target
from pipelines.export.datapackage import MANIFEST
from pipelines.export.exporting import DEFAULT_FORMATS, FORMATS, Exported, choose_formats, export_all
from pipelines.export.source import EXPORTABLE, ExportError
from pipelines.settings import Settings

DAY_1 = datetime.datetime(2024, 3, 1, 6, tzinfo=datetime.UTC)
DAY_2 = datetime.datetime(2024, 9, 1, 6, tzinfo=datetime.UTC)
Export = Callable[..., Exported]


@pytest.fixture
def export(hostile: Built, tmp_path: Path) -> Export:
    """Exports the warehouse of tests/pages to a folder of this test."""

    def run(*formats: str, tables: tuple[str, ...] = ("regions", "lessons"), anew: bool = False) -> Exported:
        return export_all(
            Settings(warehouse=hostile.folder), to=str(tmp_path / "out"), formats=formats, tables=tables, anew=anew
        )

    return run


def contents(folder: Path) -> dict[str, bytes]:
    return {name: path.read_bytes() for name, path in files(folder).items()}


def times(folder: Path) -> dict[str, int]:
    return {name: path.stat().st_mtime_ns for name, path in files(folder).items()}


def files(folder: Path) -> dict[str, Path]:
    """What people find in a folder, links followed."""
    paths = [Path(place, name) for place, _, names in os.walk(folder, followlinks=True) for name in names]
    found = {path.relative_to(folder).as_posix(): path for path in paths}
    return {name: path for name, path in found.items() if not name.startswith(".export")}


# ---- what is made


def test_everything_by_default(exported: Path) -> None:
    assert {path.name for path in exported.iterdir()} == {
        "parquet",
        "csv",
        "ieval.xlsx",
        "ieval.sqlite",
        "README.md",
        "CITATION.cff",
        MANIFEST,
        ".export.lock",
        ".exports",
    }


def test_the_same_rows_give_the_same_bytes(hostile: Built, exported: Path, tmp_path: Path) -> None:
    export_all(Settings(warehouse=hostile.folder), to=str(tmp_path))
    assert contents(tmp_path) == contents(exported)


def test_formats(export: Export, tmp_path: Path) -> None:
    made = export("csv")
    assert set(contents(tmp_path / "out")) == {
        "csv/regions.csv",
        "csv/lessons.csv",
        "README.md",
        "CITATION.cff",
        MANIFEST,
    }
    assert made.is_new
    assert (made.formats, made.rows) == (("csv",), {"lessons": 6, "regions": 6})
    assert made.bytes["csv"] == sum(
        (tmp_path / "out" / "csv" / name).stat().st_size for name in ("regions.csv", "lessons.csv")
    )
    assert made.text().startswith(f"exported: {tmp_path / 'out'}, 2 tables, newest observation 20")


def test_choose_formats() -> None:
    assert choose_formats([]) == DEFAULT_FORMATS
    assert choose_formats(["sqlite", "csv", "csv"]) == ("csv", "sqlite")
    assert set(FORMATS) == {*DEFAULT_FORMATS, "delta"}
    with pytest.raises(ExportError, match="there is no format 'pdf'; there are parquet, xlsx, csv, sqlite, delta"):
        choose_formats(["pdf"])


@pytest.fixture
def own(hostile: Built, tmp_path: Path) -> Path:
    """A copy of the warehouse of tests/pages, to write into."""
    folder = tmp_path / "warehouse"
    shutil.copytree(hostile.folder, folder, ignore=shutil.ignore_patterns(".dagster"))
    return folder


def test_by_default_into_the_warehouse(own: Path) -> None:
    export_all(Settings(warehouse=own), formats=["csv"], tables=["regions"])
    assert (own / "export" / "csv" / "regions.csv").exists()


def test_a_warehouse_of_nothing(build: Callable[..., object], tmp_path: Path) -> None:
    (tmp_path / "pages").mkdir()
    build(tmp_path / "warehouse", [tmp_path / "pages"], DAY_1)
    made = export_all(Settings(warehouse=tmp_path / "warehouse"))
    assert made.observed == "none yet"
    assert set(made.rows) == set(EXPORTABLE)
    command = [sys.executable, "-m", "frictionless", "validate", str(tmp_path / "warehouse" / "export" / MANIFEST)]
    assert subprocess.run(command, capture_output=True, timeout=120).returncode == 0


def test_behind_a_url(hostile: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(target, "STORES", {"memory"})
    knobs = Settings(warehouse=hostile.folder)
    before = {path.name for path in hostile.folder.iterdir()}
    export_all(knobs, to="memory://lake/ieval", tables=["regions"])
    export_all(knobs, to=str(tmp_path), tables=["regions"])
    system = fsspec.filesystem("memory")
    found = {path.removeprefix("/lake/ieval/"): system.cat_file(path) for path in system.find("/lake/ieval")}
    assert found == contents(tmp_path)
    assert not export_all(knobs, to="memory://lake/ieval", tables=["regions"]).is_new
    assert {path.name for path in hostile.folder.iterdir()} == before  # nothing is left beside the warehouse
    system.rm("/lake", recursive=True)


# ---- once more


def test_nothing_is_done_twice(export: Export, tmp_path: Path) -> None:
    export("csv", "parquet")
    before = times(tmp_path / "out")
    again = export("csv")
    assert (again.is_new, again.formats, again.rows) == (False, ("parquet", "csv"), {})
    assert times(tmp_path / "out") == before
    assert "nothing new" in again.text()
    assert export("csv", anew=True).is_new


def test_what_is_damaged_is_made_anew(export: Export, tmp_path: Path) -> None:
    export("csv")
    before = contents(tmp_path / "out")
    (tmp_path / "out" / "csv" / "regions.csv").write_text("x")
    assert export("csv").is_new
    assert contents(tmp_path / "out") == before
    (tmp_path / "out" / "csv" / "regions.csv").unlink()
    made = export("parquet")  # another format is asked for: this one is mended all the same
    assert made.notes == ("made anew as well, being of an earlier run or damaged: csv",)
    assert contents(tmp_path / "out").items() >= {name: text for name, text in before.items() if "csv/" in name}.items()


def test_other_formats_of_the_same_run_stay(export: Export, tmp_path: Path) -> None:
    export("csv", "xlsx")
    before = times(tmp_path / "out")
    made = export("parquet", tables=("themes",))
    assert made.formats == ("parquet", "xlsx", "csv")
    after = times(tmp_path / "out")
    assert all(after[path] == before[path] for path in ("csv/regions.csv", "csv/lessons.csv", "ieval.xlsx"))
    package = json.loads((tmp_path / "out" / MANIFEST).read_text(encoding="utf-8"))
    paths = {resource["path"] for resource in package["resources"]}
    assert {"csv/regions.csv", "parquet/themes.parquet", "ieval.xlsx"} <= paths


def test_other_tables_take_the_place_of_the_former(export: Export, tmp_path: Path) -> None:
    export("csv")
    export("csv", tables=("themes",))
    assert [path.name for path in (tmp_path / "out" / "csv").iterdir()] == ["themes.csv"]


def test_an_export_is_of_one_run(build: Callable[..., object], tmp_path: Path) -> None:
    knobs = Settings(warehouse=tmp_path / "warehouse")
    out = tmp_path / "out"
    build(knobs.warehouse, [PAGES / "lesson_900101.txt"], DAY_1)
    export_all(knobs, to=str(out), formats=["parquet", "csv"], tables=["lessons"])
    build(knobs.warehouse, [PAGES / "lesson_900102.txt"], DAY_2)
    made = export_all(knobs, to=str(out), formats=["parquet"], tables=["lessons"])
    assert made.notes == ("made anew as well, being of an earlier run or damaged: csv",)
    assert pq.read_metadata(out / "parquet" / "lessons.parquet").num_rows == 2
    assert "900102" in (out / "csv" / "lessons.csv").read_text(encoding="utf-8")
    assert "2024-09-01" in (out / "CITATION.cff").read_text(encoding="utf-8")


def test_a_warehouse_that_does_not_know_its_run_is_exported_each_time(own: Path) -> None:
    (own / "manifest.json").write_text("damaged")
    for _ in range(2):
        assert export_all(Settings(warehouse=own), formats=["csv"], tables=["regions"]).is_new


# ---- what goes wrong


@pytest.mark.parametrize("where", ["folder", "url"])
def test_a_package_that_names_folders_elsewhere_removes_none(
    hostile: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """Whatever a datapackage.json says: it may come from anybody."""
    monkeypatch.setattr(target, "STORES", {"memory"})
    system = fsspec.filesystem("file" if where == "folder" else "memory")
    root = str(tmp_path) if where == "folder" else "/lake"
    to = f"{root}/out" if where == "folder" else "memory://lake/out"
    package = {
        "resources": [{"path": "notes.txt", "bytes": 5, "hash": "sha256:00"}],
        "ieval-warehouse": {"state": "x", "formats": {"delta": ["../../precious"], "csv": ["../precious"]}},
    }
    system.makedirs(f"{root}/out/delta", exist_ok=True)
    system.makedirs(f"{root}/precious", exist_ok=True)
    for path in ("precious/file.txt", "out/notes.txt"):
        system.pipe_file(f"{root}/{path}", b"mine\n")
    system.pipe_file(f"{root}/out/{MANIFEST}", json.dumps(package).encode())
    made = export_all(Settings(warehouse=hostile.folder), to=to, formats=["csv"], tables=["lessons"], anew=True)
    assert (made.formats, list(made.rows), made.notes) == (("csv",), ["lessons"], ())
    for path in ("precious/file.txt", "out/notes.txt"):
        assert system.cat_file(f"{root}/{path}") == b"mine\n"
    if where == "url":
        system.rm("/lake", recursive=True)


@pytest.mark.parametrize("name", ["csv", "xlsx", "sqlite", "parquet"])
def test_a_format_that_fails_leaves_everything_as_it_was(
    export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    export(name, "csv", "parquet")
    before = contents(tmp_path / "out")

    def fail(*arguments: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    modules = {
        "csv": csv,
        "xlsx": excel,
        "sqlite": exporting.sqlite,
        "parquet": exporting.parquet,
    }
    monkeypatch.setattr(modules[name], "write", fail)
    with pytest.raises(ExportError, match="the export failed: No space left on device"):
        export(name, anew=True)
    assert contents(tmp_path / "out") == before


def test_an_interrupt_leaves_everything_as_it_was(
    export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hostile: Built
) -> None:
    export("csv")
    before = contents(tmp_path / "out")

    @contextlib.contextmanager
    def stage(name: str, total: int | None) -> Iterator[Callable[[int], None]]:
        def advance(count: int) -> None:
            raise KeyboardInterrupt

        yield advance

    with pytest.raises(KeyboardInterrupt):
        export_all(Settings(warehouse=hostile.folder), stage, str(tmp_path / "out"), ["csv", "sqlite"], anew=True)
    assert contents(tmp_path / "out") == before


def test_no_warehouse(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="there is no warehouse at "):
        export_all(Settings(warehouse=tmp_path / "none"))
    assert list(tmp_path.iterdir()) == []


def test_not_into_the_warehouse_itself(own: Path) -> None:
    """Its tables have the names of the exported ones."""
    before = contents(own / "parquet")
    with pytest.raises(ExportError, match="is there and is not an export's"):
        export_all(Settings(warehouse=own), to=str(own), formats=["parquet"])
    assert contents(own / "parquet") == before


def test_stages_are_announced(hostile: Built, tmp_path: Path) -> None:
    announced: list[tuple[str, int | None, list[int]]] = []

    @contextlib.contextmanager
    def stage(name: str, total: int | None) -> Iterator[Callable[[int], None]]:
        announced.append((name, total, []))
        yield announced[-1][2].append

    export_all(Settings(warehouse=hostile.folder), stage, str(tmp_path), ["xlsx"], ["regions", "themes"])
    (rows, total, done), (finishing, *_), (moving, *_) = announced
    assert (rows, finishing, moving) == ("exporting xlsx", "finishing the files", "moving files into place")
    assert sum(done) == total
