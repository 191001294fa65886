"""Remembers which files were read and what pages they held, so that files that have not changed are not even opened.

The manifest is a convenience and no state: without it every file is opened again, and nothing else is different. Which
files there are, and what is in them, does not belong here.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.addresses import is_address
from pipelines.lake import write_parquet
from pipelines.sources import SourceFile

#: One row a page of a file; one without page_id for a file that holds none. A file name need not be UTF-8.
_FIELDS: list[pa.Field[Any]] = [
    pa.field("file", pa.binary(), nullable=False),
    pa.field("byte_size", pa.int64(), nullable=False),
    pa.field("modified_ns", pa.int64(), nullable=False),
    pa.field("page_id", pa.string()),
]
_SCHEMA = pa.schema(_FIELDS)
_KEY = ["file", "byte_size", "modified_ns"]
#: A file that was changed this short a time before it was listed may change again without showing it.
_TOO_FRESH_NS = 2_000_000_000


def changed_files(
    files: Sequence[SourceFile], manifest: Path, stored: pa.ChunkedArray[Any] | None = None
) -> tuple[list[SourceFile], pa.ChunkedArray[Any]]:
    """The files that are new or not as they were when they were read, and the page_ids of all the others.

    `stored`: the page_ids that are kept; a file of which a page is not among them counts as new.
    """
    known = _known(manifest)
    if stored is not None:
        lost = known.filter(pc.and_(pc.is_valid(known["page_id"]), pc.invert(pc.is_in(known["page_id"], stored))))
        known = known.filter(pc.invert(pc.is_in(known["file"], lost["file"].combine_chunks())))
    listed = _listed(files).append_column("position", pa.array(range(len(files)), pa.int64()))
    changed: list[Any] = listed.join(known.select(_KEY), _KEY, join_type="left anti")["position"].to_pylist()
    unchanged = known.join(listed, _KEY, join_type="left semi")["page_id"]
    return [files[position] for position in sorted(changed)], pc.drop_null(unchanged)


def remember(
    files: Sequence[SourceFile],
    page_files: Sequence[str],
    page_ids: Sequence[str],
    manifest: Path,
    listed_ns: int,
    not_these: set[str],
) -> None:
    """Note files that have been read, listed at `listed_ns` (Unix time), and of their pages file and page_id.

    Left out are `not_these`, and what changed so shortly before that it could change again unseen.
    """
    settled = [file for file in files if file.modified_ns < listed_ns - _TOO_FRESH_NS and file.path not in not_these]
    held = pa.table({"file": _keys(page_files), "page_id": pa.array(page_ids, pa.string())})
    rows = _listed(settled).join(held, "file", join_type="left outer").select(_SCHEMA.names)
    others = _known(manifest).join(_listed(files).select(["file"]), "file", join_type="left anti")
    rows = pa.concat_tables([others.select(_SCHEMA.names), rows], promote_options="permissive")
    write_parquet(rows.sort_by([("file", "ascending"), ("page_id", "ascending")]).cast(_SCHEMA), manifest)


def _known(manifest: Path) -> pa.Table:
    """What the manifest knows: nothing where there is none, or a damaged one."""
    try:
        return pq.read_table(manifest).select(_SCHEMA.names).cast(_SCHEMA)
    except (OSError, ValueError, KeyError, pa.ArrowException):
        return _SCHEMA.empty_table()


def _listed(files: Sequence[SourceFile]) -> pa.Table:
    return pa.table(
        {
            "file": _keys([file.path for file in files]),
            "byte_size": pa.array([file.byte_size for file in files], pa.int64()),
            "modified_ns": pa.array([file.modified_ns for file in files], pa.int64()),
        }
    )


def _keys(paths: Sequence[str]) -> pa.Array[pa.BinaryScalar]:
    """Absolute paths and addresses: the same relative one means another file elsewhere."""
    here = os.getcwd() + "/"  # noqa: PTH109
    whole = (path if path.startswith("/") or is_address(path) else here + path for path in paths)
    return pa.array([os.fsencode(path) for path in whole], pa.binary())
