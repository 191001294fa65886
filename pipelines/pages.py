"""Turns sources (files, folders, globs, archives, JSON Lines, Parquet) into the append-only store of pages.

The store keeps every distinct content that was ever read, with where and when it was first seen, in numbered Parquet
parts; it is the only state there is, and nothing is ever taken from it. What a page says does not belong here.
"""

from __future__ import annotations

import base64
import datetime
import glob
import hashlib
import io
import json
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

from pipelines.decoding import decode_page
from pipelines.lake import write_parquet
from pipelines.records import PAGE_SCHEMA

#: Text of the pages in one part: small enough to share out between workers, large enough to read at full speed.
_PART_BYTES = 8 * 1024 * 1024
_PAGE_SUFFIX = ".txt"
_ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
_TEXT_COLUMNS = ("text", "page_text", "content", "body")
_ADDRESS_COLUMNS = ("url", "source_uri", "source_url")


class SourceError(ValueError):
    """A source that is not there or cannot be read as what it is; the message says what to do."""


class SourcePage(NamedTuple):
    """One page as a source gives it: its address (ending in the file's name as given) and its bytes."""

    source_uri: str
    page_bytes: bytes


@dataclass(slots=True)
class PageCounts:
    """What came of reading the sources."""

    read: int = 0
    new: int = 0
    page_ids: set[str] = field(default_factory=set)
    known: int = 0
    #: Files that were passed over, and why.
    skipped: list[str] = field(default_factory=list)
    #: Files that could not be read, and why.
    failed: list[str] = field(default_factory=list)


def sources_fingerprint(arguments: Sequence[str]) -> str:
    """A hash that changes when a file of these sources is added, changed or removed. Opens none of them."""
    digest = hashlib.sha256()
    for argument in arguments:
        for path in _paths(argument):
            for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
                if file.is_file():
                    status = file.stat()
                    digest.update(
                        f"{file}\0{status.st_size}\0{status.st_mtime_ns}\n".encode("utf-8", "surrogateescape")
                    )
    return digest.hexdigest()


def read_sources(arguments: Sequence[str], counts: PageCounts) -> Iterator[SourcePage]:
    """The pages of every source, in a fixed order. Raises SourceError where an argument names nothing.

    A file inside a folder or archive that cannot be read goes to `counts.failed`, one that is no page to
    `counts.skipped`; the others are read all the same.
    """
    for argument in arguments:
        paths = _paths(argument)
        if not paths:
            what = "no file matches" if glob.has_magic(argument) else "no such file or folder"
            raise SourceError(f"{argument}: {what}; give files, folders, archives, .jsonl or .parquet")
        for path in paths:
            yield from _read_folder(path, counts) if path.is_dir() else _read_file(path, counts)


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


def _read_folder(folder: Path, counts: PageCounts) -> Iterator[SourcePage]:
    found = 0
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or any(part.startswith(".") for part in path.relative_to(folder).parts):
            continue
        if path.suffix.lower() != _PAGE_SUFFIX:
            counts.skipped.append(f"{path}: in a folder only {_PAGE_SUFFIX} files are pages; name it to read it")
            continue
        try:
            page_bytes = path.read_bytes()
        except OSError as error:
            counts.failed.append(f"{path}: {error.strerror}")
            continue
        found += 1
        yield SourcePage(path.as_posix(), page_bytes)
    if not found:
        counts.skipped.append(f"{folder}: there is no {_PAGE_SUFFIX} file in this folder")


def _read_file(path: Path, counts: PageCounts) -> Iterator[SourcePage]:
    name = path.name.lower()
    try:
        if name.endswith(_ARCHIVES):
            yield from _read_archive(path, counts)
        elif name.endswith((".jsonl", ".ndjson")):
            yield from _read_json_lines(path)
        elif name.endswith(".parquet"):
            yield from _read_parquet(path)
        else:
            yield SourcePage(path.as_posix(), path.read_bytes())
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror or error}") from error


def _read_archive(path: Path, counts: PageCounts) -> Iterator[SourcePage]:
    try:
        if path.name.lower().endswith(".zip"):
            with zipfile.ZipFile(path) as archive:
                infos = [info for info in archive.infolist() if not info.is_dir()]
                members = [(info.filename, partial(archive.read, info)) for info in infos]
                yield from _read_members(path, members, counts)
        else:
            with tarfile.open(path) as tar:
                yield from _read_members(path, _tar_members(tar), counts)
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
    path: Path, members: Iterable[tuple[str, Callable[[], bytes]]], counts: PageCounts
) -> Iterator[SourcePage]:
    for name, read in members:
        address = f"{path.as_posix()}/{name}"
        if any(part.startswith(".") or part == "__MACOSX" for part in name.split("/")):
            continue  # hidden, as in a folder, or the shadow that a Mac adds
        if not name.lower().endswith(_PAGE_SUFFIX):
            counts.skipped.append(f"{address}: in an archive only {_PAGE_SUFFIX} files are pages")
            continue
        try:
            page_bytes = read()
        except (OSError, RuntimeError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            # damaged, encrypted, or packed in a way that nobody knows
            counts.failed.append(f"{address}: {error}")
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


def store_parts(store: Path) -> list[Path]:
    """The parts of the page store, oldest first."""
    return sorted(store.glob("part-*.parquet"))


def add_pages(
    store: Path,
    pages: Iterable[SourcePage],
    seen_at: datetime.datetime,
    counts: PageCounts,
    progress: Callable[[int], None] = lambda pages: None,
    on_part: Callable[[Path], None] = lambda part: None,
) -> PageCounts:
    """Append every content that the store does not have yet, with `seen_at` (UTC) as when it was first seen.

    `progress` is called with the number of pages read, `on_part` with every full part as soon as it is written.
    """
    parts = store_parts(store)
    known: set[str] = set()
    for part in parts:
        known.update(str(page_id) for page_id in pq.read_table(part, columns=["page_id"])["page_id"].to_pylist())
    next_number = int(parts[-1].stem.split("-")[1]) + 1 if parts else 1
    rows: list[tuple[Any, ...]] = []
    size = 0
    for source_uri, page_bytes in pages:
        counts.read += 1
        progress(1)
        page_id = hashlib.sha256(page_bytes).hexdigest()
        counts.page_ids.add(page_id)
        if page_id in known:
            counts.known += 1
            continue
        known.add(page_id)
        counts.new += 1
        rows.append((page_id, _clean(source_uri), seen_at, len(page_bytes), *_decode(page_bytes)))
        size += len(page_bytes)
        if size >= _PART_BYTES:
            on_part(_write_part(store, next_number, rows))
            next_number += 1
            rows, size = [], 0
    if rows:
        _write_part(store, next_number, rows)
    return counts


def _clean(source_uri: str) -> str:
    """The address as text that every store takes: a file name need not be UTF-8."""
    try:
        return source_uri.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    except UnicodeEncodeError:  # half of a character, from JSON
        return source_uri.encode("utf-8", "replace").decode("utf-8")


def _decode(page_bytes: bytes) -> tuple[str, str | None]:
    """The page's text, and its bytes in Base64 where the text does not give them back."""
    try:
        return page_bytes.decode("utf-8"), None
    except UnicodeDecodeError:
        return decode_page(page_bytes), base64.b64encode(page_bytes).decode("ascii")


def _write_part(store: Path, number: int, rows: list[tuple[Any, ...]]) -> Path:
    columns = zip(*rows, strict=True)
    arrays = [pa.array(column, item.type) for column, item in zip(columns, PAGE_SCHEMA, strict=True)]
    # The name tells the content, so that records made of a part are never taken for those of another.
    digest = hashlib.sha256("".join(row[0] for row in rows).encode()).hexdigest()
    path = store / f"part-{number:06d}-{digest[:12]}.parquet"
    write_parquet(pa.Table.from_arrays(arrays, schema=PAGE_SCHEMA), path)
    return path
