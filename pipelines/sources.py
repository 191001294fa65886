"""Reads sources (files, folders, globs, archives, JSON Lines, Parquet) into pages: an address and bytes each.

Which files there are is found out first, without opening any of them (`list_files`), so that those that have not
changed since they were last read can be left closed. What is kept of a page does not belong here.
"""

from __future__ import annotations

import glob
import hashlib
import io
import json
import os
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

_PAGE_SUFFIX = ".txt"
_ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
_TEXT_COLUMNS = ("text", "page_text", "content", "body")
_ADDRESS_COLUMNS = ("url", "source_uri", "source_url")


class SourceError(ValueError):
    """A source that is not there or cannot be read as what it is; the message says what to do."""


class SourceFile(NamedTuple):
    """A file that pages are read from, as it lies there. `is_named`: the user named it, and did not name its folder."""

    path: str
    byte_size: int
    modified_ns: int
    is_named: bool


class SourcePage(NamedTuple):
    """One page as a source gives it: its address (ending in the file's name as given), its bytes, its file's path."""

    source_uri: str
    page_bytes: bytes
    file: str = ""


@dataclass(slots=True)
class Passed:
    """Files that gave no page: those that were passed over, and those that could not be read; each with why."""

    skipped: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    #: Files of which something could not be read: they are tried again by the next run.
    failing_files: set[str] = field(default_factory=set)


def list_files(arguments: Sequence[str], passed: Passed) -> list[SourceFile]:
    """The files of every source, in a fixed order, none of them opened. Raises SourceError where one names nothing.

    A file inside a folder that cannot be looked at goes to `passed.failed`, one that is no page to `passed.skipped`.
    """
    files: list[SourceFile] = []
    for argument in arguments:
        paths = _paths(argument)
        if not paths:
            what = "no file matches" if glob.has_magic(argument) else "no such file or folder"
            raise SourceError(f"{argument}: {what}; give files, folders, archives, .jsonl or .parquet")
        for path in paths:
            if path.is_dir():
                found = list(_list_folder(path.as_posix(), passed))
                if not found:
                    passed.skipped.append(f"{path}: there is no {_PAGE_SUFFIX} file in this folder")
                files += found
            else:
                status = path.stat()
                files.append(SourceFile(path.as_posix(), status.st_size, status.st_mtime_ns, True))
    return files


def sources_fingerprint(arguments: Sequence[str]) -> str:
    """A hash that changes when a file of these sources is added, changed or removed. Opens none of them.

    Sources that are not there yet are no error: they are what a watcher waits for.
    """
    digest = hashlib.sha256()
    for argument in arguments:
        try:
            files = list_files([argument], Passed())
        except SourceError:
            continue
        for path, byte_size, modified_ns, _ in files:
            digest.update(f"{path}\0{byte_size}\0{modified_ns}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def read_files(files: Iterable[SourceFile], passed: Passed) -> Iterator[SourcePage]:
    """The pages of these files, in their order. Raises SourceError where a named file cannot be read as what it is.

    A page inside a folder or archive that cannot be read goes to `passed.failed`; the others are read all the same.
    """
    for file in files:
        if file.is_named:
            yield from _read_named(Path(file.path), passed)
            continue
        try:
            with open(file.path, "rb") as opened:  # noqa: PTH123 (a Path for each of a million files costs seconds)
                yield SourcePage(file.path, opened.read(), file.path)
        except OSError as error:
            passed.failed.append(f"{file.path}: {error.strerror}")
            passed.failing_files.add(file.path)


def _paths(argument: str) -> list[Path]:
    """The files and folders that an argument names: one by its path, or all that match it as a pattern, in order."""
    if argument and _exists(Path(argument)):
        return [Path(argument)]
    # A pattern may be absolute, which Path.glob refuses.
    matches = glob.glob(argument, recursive=True) if glob.has_magic(argument) else []  # noqa: PTH207
    return [Path(match) for match in sorted(matches) if Path(match).exists()]


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:  # a name that is too long
        raise SourceError(f"{path}: {error.strerror}; give files, folders, archives, .jsonl or .parquet") from error


def _list_folder(folder: str, passed: Passed) -> Iterator[SourceFile]:
    """The page files of a folder and those below it, by name; folders that are links are not followed."""
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        passed.failed.append(f"{folder}: {error.strerror}")
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        try:
            if entry.is_dir(follow_symlinks=False):
                yield from _list_folder(_joined(folder, entry.name), passed)
            elif entry.is_file():
                path = _joined(folder, entry.name)
                if entry.name[-len(_PAGE_SUFFIX) :].lower() == _PAGE_SUFFIX:
                    status = entry.stat()
                    yield SourceFile(path, status.st_size, status.st_mtime_ns, False)
                else:
                    only = f"in a folder only {_PAGE_SUFFIX} files are pages; name it to read it"
                    passed.skipped.append(f"{path}: {only}")
        except OSError as error:  # it went away, or may not be looked at
            passed.failed.append(f"{entry.path}: {error.strerror}")


def _joined(folder: str, name: str) -> str:
    return name if folder == "." else f"{folder.rstrip('/')}/{name}"


def _read_named(path: Path, passed: Passed) -> Iterator[SourcePage]:
    name = path.name.lower()
    file = path.as_posix()
    try:
        if name.endswith(_ARCHIVES):
            pages = _read_archive(path, passed)
        elif name.endswith((".jsonl", ".ndjson")):
            pages = _read_json_lines(path)
        elif name.endswith(".parquet"):
            pages = _read_parquet(path)
        else:
            pages = iter([SourcePage(file, path.read_bytes())])
        for page in pages:
            yield page._replace(file=file)
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror or error}") from error


def _read_archive(path: Path, passed: Passed) -> Iterator[SourcePage]:
    try:
        if path.name.lower().endswith(".zip"):
            with zipfile.ZipFile(path) as archive:
                infos = [info for info in archive.infolist() if not info.is_dir()]
                members = [(info.filename, partial(archive.read, info)) for info in infos]
                yield from _read_members(path, members, passed)
        else:
            with tarfile.open(path) as tar:
                yield from _read_members(path, _tar_members(tar), passed)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError) as error:
        raise SourceError(f"{path}: cannot be read as an archive ({error})") from error


def _tar_members(tar: tarfile.TarFile) -> Iterator[tuple[str, Callable[[], bytes]]]:
    for member in tar:
        if member.isfile():
            file = tar.extractfile(member) or io.BytesIO()
            yield member.name, file.read
    # Where a block in the middle is lost, what is left looks like the end of the archive.
    if tar.fileobj is not None:
        while block := tar.fileobj.read(1 << 20):
            if block.strip(b"\0"):
                raise tarfile.ReadError("damaged in the middle: pages behind the damage are lost")


def _read_members(
    path: Path, members: Iterable[tuple[str, Callable[[], bytes]]], passed: Passed
) -> Iterator[SourcePage]:
    for name, read in members:
        address = f"{path.as_posix()}/{name}"
        if any(part.startswith(".") or part == "__MACOSX" for part in name.split("/")):
            continue  # hidden, as in a folder, or the shadow that a Mac adds
        if not name.lower().endswith(_PAGE_SUFFIX):
            passed.skipped.append(f"{address}: in an archive only {_PAGE_SUFFIX} files are pages")
            continue
        try:
            page_bytes = read()
        except (OSError, RuntimeError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            # damaged, encrypted, or packed in a way that nobody knows
            passed.failed.append(f"{address}: {error}")
            passed.failing_files.add(path.as_posix())
            continue
        yield SourcePage(address, page_bytes)


def _read_json_lines(path: Path) -> Iterator[SourcePage]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise SourceError(f"{path}, line {number}: not JSON ({error})") from error
            if not isinstance(row, dict):
                raise SourceError(f"{path}, line {number}: not a JSON object")
            yield _row_page(path, number, row, "line")


def _read_parquet(path: Path) -> Iterator[SourcePage]:
    try:
        with pq.ParquetFile(path) as file:
            names = [name for name in file.schema_arrow.names if name in _TEXT_COLUMNS + _ADDRESS_COLUMNS]
            number = 0
            for batch in file.iter_batches(1000, columns=names or None):
                for row in batch.to_pylist():
                    number += 1
                    yield _row_page(path, number, row, "row")
    except (pa.ArrowException, OSError) as error:
        raise SourceError(f"{path}: cannot be read as Parquet ({error})") from error


def _row_page(path: Path, number: int, row: dict[str, Any], what: str) -> SourcePage:
    column = next((name for name in _TEXT_COLUMNS if row.get(name) is not None), None)
    if column is None:
        raise SourceError(
            f"{path}, {what} {number}: no text; one of the columns {', '.join(_TEXT_COLUMNS)} must hold the page "
            f"(there are {', '.join(row) or 'none'})"
        )
    text = row[column]
    if not isinstance(text, str | bytes):
        raise SourceError(f"{path}, {what} {number}: column {column} holds {type(text).__name__}, not text")
    # A lone surrogate is no character: its bytes go through the decoder like any other damage.
    page_bytes = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    address = next((row[name] for name in _ADDRESS_COLUMNS if row.get(name)), None)
    return SourcePage(str(address) if address else f"{path.as_posix()}#{number}", page_bytes)
