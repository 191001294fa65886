"""Keeps every distinct content of every page ever read, with where and when it was seen, in parts that are only added.

A content is stored once, in the part of the run that brought it, with that sighting of it. Further sightings that say
something new (an earlier day, a page that went back to an earlier content) are rows of their own beside the parts. This
is the only state there is, and nothing is ever taken from it. What a page says does not belong here.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.decoding import decode_page
from pipelines.lake import open_parquet
from pipelines.parts import live_parts, next_number, write_part
from pipelines.records import PAGE_SCHEMA
from pipelines.sources import SourcePage

#: Text of the pages in one part: small enough to share out between workers, large enough to read at full speed.
_PART_BYTES = 8 * 1024 * 1024

#: A page that was seen at an address; the columns of PAGE_SCHEMA have its first stored sighting.
_SIGHTING_FIELDS: list[pa.Field[Any]] = [
    pa.field("page_id", pa.string(), nullable=False),
    pa.field("source_uri", pa.string(), nullable=False),
    pa.field("first_seen_at", pa.timestamp("us", tz="UTC"), nullable=False),
]
SIGHTING_SCHEMA = pa.schema(_SIGHTING_FIELDS)
_Sighting = tuple[str, str]  # page_id, source_uri


class PageError(ValueError):
    """A page that is not what it is said to be; the message names it."""


class MomentError(ValueError):
    """A moment of observation that is none; the message says what it takes."""


def read_moment(words: str) -> datetime.datetime:
    """A date or moment in ISO 8601 as UTC, which it is unless it says otherwise. Raises MomentError."""
    try:
        moment = datetime.datetime.fromisoformat(words)
        moment = moment.replace(tzinfo=moment.tzinfo or datetime.UTC).astimezone(datetime.UTC)
    except (ValueError, OverflowError):
        raise MomentError(f"{words!r} is no date; give one like 2024-05-31 or 2024-05-31T06:30:00+02:00") from None
    if moment > datetime.datetime.now(datetime.UTC):
        raise MomentError(f"{words} is still to come; pages are seen on a day that has been")
    return moment


@dataclass(slots=True)
class PageCounts:
    """What came of reading pages: how many, and each one's file and page_id in the order of reading."""

    read: int = 0
    new: int = 0
    known: int = 0
    #: Of the known ones, those that were known from other addresses only.
    elsewhere: int = 0
    files: list[str] = field(default_factory=list)
    page_ids: list[str] = field(default_factory=list)


def slice_bounds(amount: int, size: int) -> list[str]:
    """The page_ids that part pages of `amount` bytes into slices of about `size`: each begins one, but the first."""
    slices = max(1, -(-amount // size))
    return [f"{position * 0x10000 // slices:04x}" for position in range(1, slices)]


def page_slices(bounds: Sequence[str]) -> list[str]:
    """SQL conditions on page_id, one a slice, in its order."""
    conditions = []
    for low, high in pairwise([None, *bounds, None]):
        limits = ([f"page_id >= '{low}'"] if low else []) + ([f"page_id < '{high}'"] if high else [])
        conditions.append(" AND ".join(limits) or "true")
    return conditions


def store_parts(store: Path) -> list[Path]:
    """The parts of the page store, oldest first."""
    return live_parts(store)


def store_version(store: Path) -> str:
    """One hash for all pages and sightings that the store has."""
    names = [part.name for part in (*store_parts(store), *sighting_parts(store))]
    return hashlib.sha256("\n".join(names).encode()).hexdigest()


def sighting_parts(store: Path) -> list[Path]:
    """The further sightings of pages that the store has."""
    return live_parts(store / "sightings")


def add_pages(
    store: Path,
    pages: Iterable[SourcePage],
    seen_at: datetime.datetime,
    is_stated: bool = False,
    as_before: Container[str] = frozenset(),
    progress: Callable[[int], None] = lambda pages: None,
    on_part: Callable[[Path], None] = lambda part: None,
) -> PageCounts:
    """Append every content that the store does not have yet, with `seen_at` (UTC) as when it was seen.

    `is_stated`: somebody says that the pages were seen then, so every sighting counts, in whatever order they are
    loaded. Else `seen_at` is now, and a known content counts only where its address had another one before: a folder
    of old pages that was moved has not been seen anew, nor has a file that is `as_before` (paths).
    `progress` is called with the number of pages read, `on_part` with every full part as soon as it is written.
    """
    counts = PageCounts()
    stored: set[bytes] | None = None
    added: set[str] = set()
    again: list[_Sighting] = []
    parts = _Filler(store)
    for source_uri, page_bytes, file in pages:
        counts.read += 1
        progress(1)
        digest = hashlib.sha256(page_bytes)
        page_id = digest.hexdigest()
        counts.page_ids.append(page_id)
        counts.files.append(file)
        if stored is None:  # where no file has changed nobody asks
            stored = {bytes.fromhex(str(page_id)) for page_id in stored_page_ids(store).to_pylist()}
        if digest.digest() in stored:
            counts.known += 1
            if is_stated or file not in as_before:
                again.append((page_id, _clean(source_uri)))
            continue
        stored.add(digest.digest())
        added.add(page_id)
        counts.new += 1
        if part := parts.add(page_id, _clean(source_uri), seen_at, page_bytes):
            on_part(part)
    parts.finish()
    if again:
        elsewhere = _add_sightings(store, again, seen_at, is_stated)
        counts.elsewhere = 0 if is_stated else len(elsewhere - added)
    return counts


class _Filler:
    """Adds contents to a store, part after part."""

    def __init__(self, store: Path) -> None:
        self._store = store
        self._number = next_number(store)
        self._rows: list[tuple[Any, ...]] = []
        self._bytes = 0

    def add(self, page_id: str, source_uri: str, seen_at: datetime.datetime, page_bytes: bytes) -> Path | None:
        """Take one content; returns the part that it has filled, if it has."""
        self._rows.append((page_id, source_uri, seen_at, len(page_bytes), *stored_text(page_bytes)))
        self._bytes += len(page_bytes)
        return self.finish() if self._bytes >= _PART_BYTES else None

    def finish(self) -> Path | None:
        """Write what is left as a part, if anything is."""
        if not self._rows:
            return None
        part = _write_pages(self._store, self._number, self._rows)
        self._number += 1
        self._rows, self._bytes = [], 0
        return part


def restore_pages(
    store: Path,
    pages: Iterable[tuple[str, str, datetime.datetime, bytes]],
    sightings: Sequence[tuple[str, str, datetime.datetime]],
) -> None:
    """Fill an empty store with contents (page_id, source_uri, when, bytes) and further sightings of them.

    Raises PageError where bytes are not those that a page_id stands for.
    """
    parts = _Filler(store)
    for page_id, source_uri, seen_at, page_bytes in pages:
        if hashlib.sha256(page_bytes).hexdigest() != page_id:
            raise PageError(f"the page {page_id} ({source_uri}) is damaged: its bytes are others")
        parts.add(page_id, source_uri, seen_at, page_bytes)
    parts.finish()
    if sightings:
        _write_sightings(store, sightings)


def stored_page_ids(store: Path) -> pa.ChunkedArray[Any]:
    """The page_ids that the store has."""
    chunks: list[pa.Array[Any]] = []
    for part in store_parts(store):
        with open_parquet(part) as file:
            chunks += file.read(columns=["page_id"])["page_id"].chunks
    return pa.chunked_array(chunks, pa.string())


def _add_sightings(store: Path, again: Sequence[_Sighting], seen_at: datetime.datetime, is_stated: bool) -> set[str]:
    """Store those sightings of known contents that say something new.

    Returns the page_ids that were seen at addresses where nothing had been seen before.
    """
    contents: dict[str, set[str]] = defaultdict(set)
    for page_id, address in again:
        contents[address].add(page_id)
    known = _known_sightings(store, pa.array(sorted(contents), pa.string()))
    new = [
        (page_id, address, seen_at)
        for address in sorted(contents)
        for page_id in sorted(contents[address])
        if page_id not in known[address].get(seen_at, ())
        and (is_stated or (len(contents[address]) == 1 and _is_back(page_id, known[address], seen_at)))
    ]
    if new:
        _write_sightings(store, new)
    return {page_id for page_id, address in again if not known[address]}


def _write_sightings(store: Path, sightings: Sequence[tuple[str, str, datetime.datetime]]) -> None:
    columns = zip(*sightings, strict=True)
    arrays = [pa.array(column, item.type) for column, item in zip(columns, SIGHTING_SCHEMA, strict=True)]
    folder = store / "sightings"
    write_part(folder, next_number(folder), pa.Table.from_arrays(arrays, schema=SIGHTING_SCHEMA), _keys(sightings))


def _known_sightings(store: Path, addresses: pa.Array[Any]) -> dict[str, dict[datetime.datetime, set[str]]]:
    """What was seen when at these addresses: address -> moment -> page_ids."""
    known: dict[str, dict[datetime.datetime, set[str]]] = defaultdict(dict)
    for part in (*store_parts(store), *sighting_parts(store)):
        with open_parquet(part) as file:
            rows = file.read(columns=SIGHTING_SCHEMA.names)
        rows = rows.filter(pc.is_in(rows["source_uri"], addresses))
        for page_id, address, moment in zip(*(rows[name].to_pylist() for name in SIGHTING_SCHEMA.names), strict=True):
            known[address].setdefault(moment, set()).add(page_id)
    return known


def _is_back(page_id: str, moments: dict[datetime.datetime, set[str]], now: datetime.datetime) -> bool:
    """Whether a page went back to an earlier content: its address had another one when it was last seen, before now."""
    last = max(moments, default=now)
    return last < now and moments[last] != {page_id}


def _clean(source_uri: str) -> str:
    """The address as text that every store takes: a file name need not be UTF-8."""
    try:
        return source_uri.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    except UnicodeEncodeError:  # half of a character, from JSON
        return source_uri.encode("utf-8", "replace").decode("utf-8")


def stored_text(page_bytes: bytes) -> tuple[str, str | None]:
    """The page's text, and its bytes in Base64 where the text does not give them back."""
    try:
        return page_bytes.decode("utf-8"), None
    except UnicodeDecodeError:
        return decode_page(page_bytes), base64.b64encode(page_bytes).decode("ascii")


def _keys(rows: Iterable[tuple[Any, ...]]) -> Iterator[str]:
    """What tells a part from every other: its pages, and where and when they were seen."""
    return (f"{page_id}{source_uri}{seen_at.isoformat()}" for page_id, source_uri, seen_at, *_ in rows)


def _write_pages(store: Path, number: int, rows: list[tuple[Any, ...]]) -> Path:
    columns = zip(*rows, strict=True)
    arrays = [pa.array(column, item.type) for column, item in zip(columns, PAGE_SCHEMA, strict=True)]
    return write_part(store, number, pa.Table.from_arrays(arrays, schema=PAGE_SCHEMA), _keys(rows))
