"""Keeps numbered Parquet parts in a folder: appended to, merged when small ones are many, never changed in place.

A part's name has the numbers that it covers and a hash of what it holds: `part-000007-<hash>.parquet`, or, merged,
`part-000001-000016-<hash>.parquet`. A merged part counts from the moment it is in place, and the parts that it covers
are ignored from then on; they are deleted by the next run, so that nobody who is reading them notices. What the rows
are does not belong here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from pipelines.lake import open_parquet, write_parquet

_NAME = re.compile(r"part-(?P<first>\d{6,})(?:-(?P<last>\d{6,}))?-[0-9a-f]{12}\.parquet")
#: A file of this size, or of this size when it is unpacked, is left alone; smaller ones are merged once so many of them
#: follow each other.
_SMALL_BYTES = 256 * 1024
_SMALL_BYTES_UNPACKED = 4 * 1024 * 1024
_MANY = 16


class _Part(NamedTuple):
    first: int
    last: int
    path: Path

    def covers(self, other: _Part) -> bool:
        is_larger = self.last - self.first > other.last - other.first
        return is_larger and self.first <= other.first and other.last <= self.last


def _part(path: Path) -> _Part | None:
    match = _NAME.fullmatch(path.name)
    return _Part(int(match["first"]), int(match["last"] or match["first"]), path) if match else None


def _all_parts(folder: Path) -> list[_Part]:
    found = [part for path in (folder.iterdir() if folder.exists() else ()) if (part := _part(path))]
    # A merged part stands before those that it covers.
    return sorted(found, key=lambda part: (part.first, -part.last, part.path.name))


def _split(folder: Path) -> tuple[list[_Part], list[_Part]]:
    """The parts that count, and those that a merged part covers."""
    live: list[_Part] = []
    covered: list[_Part] = []
    for part in _all_parts(folder):
        (covered if live and live[-1].covers(part) else live).append(part)
    return live, covered


def live_parts(folder: Path) -> list[Path]:
    """The parts of a folder that count, in order of their numbers."""
    return [part.path for part in _split(folder)[0]]


def merged_from(name: str, others: Iterable[str]) -> list[str]:
    """Those of other parts (by name, with or without a folder) that a merged part covers, if they are all it covers."""
    merged = _part(Path(name))
    if merged is None:
        return []
    folder = Path(name).parent
    found = [part for other in others if Path(other).parent == folder and (part := _part(Path(other)))]
    covered = [part for part in found if merged.covers(part)]
    numbers = sum(part.last - part.first + 1 for part in covered)
    return [str(part.path) for part in covered] if numbers == merged.last - merged.first + 1 else []


def next_number(folder: Path) -> int:
    """The number of the next part to be written."""
    return max((part.last for part in _all_parts(folder)), default=0) + 1


def write_part(folder: Path, number: int, rows: pa.Table, keys: Iterable[str]) -> Path:
    """Write rows as part `number`; `keys` are hashed into its name, so that what is made of a part tells it apart."""
    path = folder / _name(number, number, keys)
    write_parquet(rows, path)
    return path


def _name(first: int, last: int, keys: Iterable[str]) -> str:
    digest = hashlib.sha256("".join(keys).encode()).hexdigest()[:12]
    numbers = f"{first:06d}" if first == last else f"{first:06d}-{last:06d}"
    return f"part-{numbers}-{digest}.parquet"


def covered_parts(folder: Path, made_of_it: Sequence[Path] = ()) -> list[Path]:
    """The parts that merged ones cover, and in the folders `made_of_it` the files of parts that do not count."""
    live, covered = _split(folder)
    names = {part.path.name for part in live}
    others = (part for other in made_of_it for part in _all_parts(other) if part.path.name not in names)
    return [part.path for part in (*covered, *others)]


def drop_covered(folder: Path, made_of_it: Sequence[Path] = ()) -> None:
    """Delete the parts that `covered_parts` tells."""
    for path in covered_parts(folder, made_of_it):
        path.unlink()


def drop_all(folder: Path) -> None:
    """Delete every part of a folder of what can be made again."""
    for part in _all_parts(folder):
        part.path.unlink()


def merge_small(folder: Path, made_of_it: Sequence[Path] = ()) -> list[Path]:
    """Merge small parts where many follow each other; returns the merged parts.

    `made_of_it`: folders with files of the same names, row by row made of the parts, which are merged alike: parts of
    which they have nothing yet are left for later. Where they were made in several ways they are left to be made again.
    """
    merged = []
    for group in _small_groups(_split(folder)[0], made_of_it):
        name = _name(group[0].first, group[-1].last, (part.path.name for part in group))
        # The part itself comes last: it is what makes the others count.
        for other in (*made_of_it, folder):
            _merge([other / part.path.name for part in group], other / name)
        if (folder / name).exists():
            merged.append(folder / name)
    return merged


def _small_groups(parts: Sequence[_Part], made_of_it: Sequence[Path]) -> Iterator[list[_Part]]:
    """Runs of small parts; one that is not small, or of which something is still to be made, ends a run."""

    def may_merge(part: _Part) -> bool:
        is_small = part.path.stat().st_size < _SMALL_BYTES and _unpacked_bytes(part.path) < _SMALL_BYTES_UNPACKED
        return is_small and all((other / part.path.name).exists() for other in made_of_it)

    for is_run, following in groupby(parts, may_merge):
        group = list(following)
        if is_run and len(group) >= _MANY:
            yield group


def _unpacked_bytes(path: Path) -> int:
    with open_parquet(path) as file:
        return sum(file.metadata.row_group(number).total_byte_size for number in range(file.metadata.num_row_groups))


def _merge(paths: Sequence[Path], target: Path) -> None:
    tables = []
    for path in paths:
        with open_parquet(path) as file:
            tables.append(file.read())
    schema = tables[0].schema
    if all(table.schema.equals(schema, check_metadata=True) for table in tables):
        write_parquet(pa.concat_tables(tables).combine_chunks(), target)
