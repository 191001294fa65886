"""Makes an export of the published warehouse: the chosen formats, of the same rows, in one place, whole or not at all.

The rows are read once, by one read-only connection; each format has a thread that turns them into its files, in a
folder beside; when all are complete they take the place of what an earlier export has left. An export is always of
one run: formats that are there from an earlier one are made anew with those that are asked for. How a format is written
does not belong here.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import adbc_driver_sqlite.dbapi
import duckdb
import pyarrow as pa
from xlsxwriter.exceptions import XlsxWriterException

from pipelines import publication
from pipelines.export import csv, excel, parquet, sqlite
from pipelines.export.datapackage import (
    CITATION,
    MANIFEST,
    README,
    File,
    Manifest,
    render_citation,
    render_package,
    render_readme,
)
from pipelines.export.lanes import Stage, Write, write_all
from pipelines.export.source import About, ExportError, choose_tables, count_rows, named_tables, read_about
from pipelines.export.target import Target, UrlTarget, open_target
from pipelines.questions import QuestionError, open_warehouse
from pipelines.settings import Settings
from pipelines.tables import Table

#: Where the files of a format are in an export; a folder ends in `/`.
PLACES: Mapping[str, str] = {
    "parquet": "parquet/",
    "xlsx": excel.FILE,
    "csv": "csv/",
    "sqlite": sqlite.FILE,
    "delta": "delta/",
}
FORMATS = tuple(PLACES)
#: Delta needs the extra `delta`.
DEFAULT_FORMATS = ("parquet", "xlsx", "csv", "sqlite")
#: Addresses to which deltalake writes by itself.
_DELTA_URLS = ("s3://", "s3a://", "gs://", "az://", "abfs://", "abfss://", "adl://")


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export made, for people and for Dagster."""

    location: str
    #: False where everything was there already, of the same warehouse.
    is_new: bool
    observed: str
    formats: tuple[str, ...]
    tables: int
    #: Rows by table, of those that were written.
    rows: Mapping[str, int]
    #: Bytes by format; Delta's are not counted.
    bytes: Mapping[str, int]
    notes: tuple[str, ...]

    def text(self) -> str:
        """A few lines for people."""
        did = "exported" if self.is_new else "nothing new"
        lines = [f"{did}: {self.location}, {self.tables} tables, newest observation {self.observed}"]
        for name in self.formats:
            size = f"{self.bytes[name] / 1e6:>9,.1f} MB" if name in self.bytes else ""
            lines.append(f"  {PLACES[name]:<12}{size}".rstrip())
        return "\n".join([*lines, *self.notes])


@contextlib.contextmanager
def _silent(name: str, total: int | None) -> Iterator[Callable[[int], None]]:
    yield lambda count: None


def export_all(
    knobs: Settings,
    stage: Stage = _silent,
    to: str | None = None,
    formats: Sequence[str] = (),
    tables: Sequence[str] = (),
    anew: bool = False,
) -> Exported:
    """Export the published warehouse; does nothing where the same export is there, unless `anew`.

    `to` is a folder or URL (default: `export/` of the warehouse), `formats` are of FORMATS (default: DEFAULT_FORMATS),
    `tables` are names (default: all). Raises ExportError; then what was there is there still, but for an address at
    which files were being sent: it has no manifest until it is complete.
    """
    asked = dict.fromkeys(choose_formats(formats), choose_tables(tables))
    target = open_target(to or str(knobs.export), knobs.warehouse)
    with _open(knobs) as (connection, inputs), contextlib.ExitStack() as stack:
        state, before = _state(inputs), target.manifest()
        plan = _plan(asked, before, state, target, anew)
        _check_delta(plan.write, target)
        if plan.write:
            staged = stack.enter_context(target.staging())
            before = target.manifest()  # again, for this one may have waited for another export
            plan = _plan(asked, before, state, target, anew)
        about = read_about(connection, knobs.is_demo)
        # Only the workbook needs to know beforehand how much it is.
        counts = count_rows(connection, plan.tables) if "xlsx" in plan.write else {}
        rows, files = {}, plan.files
        if plan.write:
            target.check(_paths(plan.write))
            with _told(target.location):
                rows = _make(connection, plan, about, counts, target, staged, stage)
                files = {**plan.files, **_settle(staged)}
                package = render_package(about, plan.tables, files.values(), plan.listed, plan.state)
                _put_text(staged / MANIFEST, package)
            _place(plan, before, files, target, staged, stage)
    notes = list(plan.notes)
    if left_out := excel.choose_sheets(plan.write.get("xlsx", ()), counts):
        notes.append(f"not in {excel.FILE}: {', '.join(left_out)} (its cover says why)")
    return Exported(
        location=target.location,
        is_new=bool(plan.write),
        observed=about.observed,
        formats=tuple(plan.listed),
        tables=len(plan.tables),
        rows=rows,
        bytes=_sizes(files.values()),
        notes=tuple(notes),
    )


# ---- what is to be done


@dataclass(frozen=True, slots=True)
class _Plan:
    """The formats that are written, and those that stay as they are, each with its tables; the files of the latter."""

    write: Mapping[str, tuple[Table, ...]]
    keep: Mapping[str, tuple[Table, ...]]
    files: Mapping[str, File]
    state: str
    notes: tuple[str, ...]

    @property
    def tables(self) -> tuple[Table, ...]:
        """Every table of any format."""
        return named_tables({table.name for each in (*self.write.values(), *self.keep.values()) for table in each})

    @property
    def listed(self) -> dict[str, list[str]]:
        """The names of the tables of every format of the export."""
        every = {**self.write, **self.keep}
        return {name: [table.name for table in every[name]] for name in FORMATS if name in every}


def is_up_to_date(knobs: Settings) -> bool | None:
    """Whether the export in the warehouse's own folder is of what is published now; None where there is none."""
    before = open_target(str(knobs.export), knobs.warehouse).manifest()
    now = publication.published(knobs)
    return None if before is None else now is not None and before.state == _state(now.inputs.fingerprint)


def _plan(
    asked: Mapping[str, tuple[Table, ...]], before: Manifest | None, state: str, target: Target, anew: bool
) -> _Plan:
    """What is asked for, and what becomes of the formats that are there already.

    Of the same run they stay, if they are whole; of another one, or damaged, they are made anew, of the same tables.
    """
    if before is None:
        return _Plan(asked, {}, {}, state, ())
    there = {name: named_tables(tables) for name, tables in before.formats.items() if name in FORMATS}
    is_same_run = bool(state) and state == before.state
    whole = {name for name in there if is_same_run and _is_whole(name, before, target)}
    done = {name for name in asked if not anew and asked[name] == there.get(name)}
    keep = {name: tables for name, tables in there.items() if name in whole and (name in done or name not in asked)}
    others = {name: tables for name, tables in there.items() if name not in asked and name not in keep}
    write = {name: tables for name, tables in asked.items() if name not in keep} | others
    files = {path: file for path, file in before.files.items() if _format_of(path) in keep}
    notes = (f"made anew as well, being of an earlier run or damaged: {', '.join(others)}",) if others else ()
    return _Plan(write, keep, files, state, notes)


def _is_whole(name: str, before: Manifest, target: Target) -> bool:
    files = [file for path, file in before.files.items() if _format_of(path) == name]
    return all(target.size(file.path) == file.bytes for file in files)


def choose_formats(names: Iterable[str]) -> tuple[str, ...]:
    """The formats of these names, or the default ones, in the order of FORMATS. Raises ExportError."""
    names = list(names)
    for name in names:
        if name not in FORMATS:
            raise ExportError(f"there is no format {name!r}; there are {', '.join(FORMATS)}")
    return tuple(name for name in FORMATS if name in (names or DEFAULT_FORMATS))


def _check_delta(formats: Iterable[str], target: Target) -> None:
    if "delta" not in formats:
        return
    if importlib.util.find_spec("deltalake") is None:
        raise ExportError("Delta tables need deltalake: pip install 'ieval-warehouse[delta]'")
    if isinstance(target, UrlTarget) and not target.location.startswith(_DELTA_URLS):
        raise ExportError(f"Delta tables cannot go to {target.location}; they go to folders, {', '.join(_DELTA_URLS)}")


def _paths(plan: Mapping[str, Sequence[Table]]) -> list[str]:
    """The files that an export is going to write, but for Delta's."""
    paths = [MANIFEST, CITATION, README]
    for name, tables in plan.items():
        if name in ("parquet", "csv"):
            paths += [f"{PLACES[name]}{table.name}.{name}" for table in tables]
        elif name != "delta":
            paths.append(PLACES[name])
    return paths


@contextlib.contextmanager
def _open(knobs: Settings) -> Iterator[tuple[duckdb.DuckDBPyConnection, str]]:
    """The published database, and what it was made of; nothing where that is not known."""
    with contextlib.ExitStack() as stack:
        before = publication.published(knobs)
        try:
            connection = stack.enter_context(open_warehouse(knobs))
        except QuestionError as error:
            raise ExportError(str(error)) from None
        after = publication.published(knobs)
        is_known = before is not None and before == after  # else a run published meanwhile
        yield connection, before.inputs.fingerprint if before and is_known else ""


def _state(inputs: str) -> str:
    """Hash of all that an export is a function of: what the warehouse was made of, and the code; nothing if unknown."""
    if not inputs:
        return ""
    package = Path(__file__).parent
    code = [*sorted(package.glob("*.py")), *(package.parent / f"{name}.py" for name in ("lake", "schema"))]
    return hashlib.sha256(inputs.encode() + b"".join(path.read_bytes() for path in code)).hexdigest()


# ---- what is there


def _format_of(path: str) -> str | None:
    return next((name for name, place in PLACES.items() if path == place or path.startswith(place)), None)


def _settle(staged: Path) -> dict[str, File]:
    """Have every file that was made on the disk, before its name is; returns sizes and hashes."""

    def flush(path: Path) -> None:
        with path.open("rb") as file:
            os.fsync(file.fileno())

    def describe(path: Path) -> File:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return File(path.relative_to(staged).as_posix(), path.stat().st_size, digest)

    paths = sorted(path for path in staged.rglob("*") if path.is_file())
    with ThreadPoolExecutor() as pool:  # neither needs the interpreter, so they go on beside each other
        flushed = pool.map(flush, paths)
        files = {file.path: file for file in pool.map(describe, paths)}
        list(flushed)
    return files


def _sizes(files: Iterable[File]) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for file in files:
        if name := _format_of(file.path):
            sizes[name] = sizes.get(name, 0) + file.bytes
    return sizes


# ---- doing it


def _make(
    connection: duckdb.DuckDBPyConnection,
    plan: _Plan,
    about: About,
    counts: Mapping[str, int],
    target: Target,
    staged: Path,
    stage: Stage,
) -> dict[str, int]:
    """Write all files but the manifest to the staging folder, and Delta's tables to their place; returns the rows."""
    total = sum(counts.values()) if counts else None
    rows = write_all(connection, plan.write, about, _writers(plan.write, staged, counts), stage, total)
    if "delta" in plan.write:
        rows |= write_all(connection, plan.write, about, {"delta": _delta_writer(target)}, stage, total)
    _put_text(staged / CITATION, render_citation(about))
    _put_text(staged / README, render_readme(about, plan.tables, plan.listed))
    return rows


def _place(
    plan: _Plan, before: Manifest | None, files: Mapping[str, File], target: Target, staged: Path, stage: Stage
) -> None:
    """Move the files into place; what the last export had and this one has not goes."""
    gone = set(before.files) - set(files) if before else set()
    stale = sorted(path for path in gone if _format_of(path))  # nothing else, whatever the manifest says
    with stage("moving files into place", len(files) - len(plan.files) + 1) as advance:
        try:
            target.place(staged, stale, advance)
            for name in before.formats.get("delta", ()) if before else ():
                if name not in plan.listed.get("delta", ()):
                    target.remove_folder(f"{PLACES['delta']}{name}")
        except OSError as error:
            raise ExportError(f"{target.location}: the export failed: {error.strerror or error}") from error


def _writers(formats: Iterable[str], staged: Path, counts: Mapping[str, int]) -> dict[str, Write]:
    """What writes these formats into a folder; Delta's tables are written in their place."""
    writers: dict[str, Write] = {
        "parquet": parquet.write,
        "xlsx": partial(excel.write, counts=counts),
        "csv": csv.write,
        "sqlite": sqlite.write,
    }
    return {name: partial(writers[name], folder=staged) for name in formats if name in writers}


def _delta_writer(target: Target) -> Write:
    from pipelines.export import delta  # an extra

    return partial(delta.write, location=f"{target.location.rstrip('/')}/{PLACES['delta'].rstrip('/')}")


def _put_text(path: Path, text: str) -> None:
    """Write a text, and have it on the disk before its name is."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


@contextlib.contextmanager
def _told(location: str) -> Iterator[None]:
    """What goes wrong while files are made, as a sentence."""
    try:
        yield
    except (OSError, XlsxWriterException, adbc_driver_sqlite.dbapi.Error, pa.ArrowException, duckdb.Error) as error:
        words = getattr(error, "strerror", None) or str(error).strip().split("\n")[0]
        raise ExportError(f"{location}: the export failed: {words}") from error
