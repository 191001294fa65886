"""Puts a finished export into its place, a folder or any address that fsspec knows, and says what is there already.

Where the manifest is, the export is complete. A folder turns from the last export to this one in one move. Behind an
address there are no links: the manifest goes first when files change, every file is sent in whole, and the manifest
comes back last. Making the files does not belong here.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from filelock import FileLock
from fsspec import available_protocols

from pipelines.addresses import AddressError, is_address, shown
from pipelines.export.datapackage import MANIFEST, Manifest, read_manifest, unfinished
from pipelines.export.editions import UNFINISHED, Editions
from pipelines.export.source import ExportError
from pipelines.remote import Place, RemoteError
from pipelines.settings import from_here

#: Addresses at which files can be kept. Of the others that fsspec knows some can only be read, some are no places at
#: all, and `memory` is gone with the process.
STORES = frozenset(
    ("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "oci", "oss", "tos", "lakefs", "dbfs")
).union(("hdfs", "arrow_hdfs", "webhdfs", "webdav", "sftp", "ssh", "ftp", "smb", "box", "dropbox", "gdrive"))
_ACCEPTED = "an export goes to a folder, or to an address such as s3://bucket/folder"


class Target(Protocol):
    """Where an export goes."""

    location: str

    def manifest(self) -> Manifest | None:
        """What is there: None where there is no complete export."""

    def size(self, path: str) -> int | None:
        """Bytes of a file of the export; None if it is not there."""

    def staging(self) -> contextlib.AbstractContextManager[Path]:
        """A folder to make the files in, which goes away; one export at a time has it. Raises ExportError."""

    def check(self, paths: Iterable[str]) -> None:
        """Raises ExportError where a file to be written is there and is not an export's."""

    def place(self, staged: Path, stale: Iterable[str], advance: Callable[[int], None]) -> None:
        """Put what was made in the place of the last export, without what only that one had."""

    def remove_folder(self, path: str) -> None:
        """Remove a folder of the export with all that is in it, if it is there."""


def open_target(target: str, scratch: Path) -> Target:
    """A target by folder or URL. `scratch` is where files for a URL are made. Raises ExportError."""
    protocol, _, rest = target.partition("://")
    protocol = protocol.lower()
    if not is_address(target):
        if not target.strip() or re.match(r"\w{2,}:/", target):
            raise ExportError(f"{shown(target)!r} is neither a folder nor an address: {_ACCEPTED}")
        return FolderTarget(Path(target))
    if not re.fullmatch(r"[a-z][a-z0-9+._-]*(::.*)?", protocol) or not rest.strip("/ "):
        raise ExportError(f"{shown(target)!r} is no address: {_ACCEPTED}")
    if protocol in ("file", "local") and not rest.startswith("/"):
        raise ExportError(f"{shown(target)} is no folder of this machine, which is {protocol}:///…: {_ACCEPTED}")
    if protocol in set(available_protocols()) - STORES - {"file", "local"}:
        raise ExportError(f"nothing can be written to {shown(target)}: {_ACCEPTED}")
    try:
        place = Place(target)
    except (AddressError, RemoteError) as error:
        raise ExportError(str(error)) from None
    if protocol in ("file", "local"):
        return FolderTarget(Path(place.root))
    return UrlTarget(place, scratch)


def _files(staged: Path) -> list[str]:
    """The files of a folder by their paths in it, the manifest last."""
    paths = sorted(path.relative_to(staged).as_posix() for path in staged.rglob("*") if path.is_file())
    return sorted(paths, key=lambda path: path == MANIFEST)


def _name(path: str) -> str:
    """What a file or its folder is called in the target itself."""
    return path.partition("/")[0]


def _read(folder: Path) -> Manifest | None:
    """The manifest in a folder, if there is one of ours."""
    try:
        return read_manifest((folder / MANIFEST).read_bytes())
    except OSError:
        return None


class FolderTarget:
    """A folder on this machine, in which `editions.py` keeps the exports."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.location = str(from_here(folder))
        self._editions = Editions(folder)

    def manifest(self) -> Manifest | None:
        """What is there: None where there is no complete export."""
        return _read(self.folder)

    def size(self, path: str) -> int | None:
        """Bytes of a file of the export; None if it is not there."""
        try:
            return (self.folder / path).stat().st_size
        except OSError:
            return None

    @contextlib.contextmanager
    def staging(self) -> Iterator[Path]:
        """A folder inside the target, for renaming works within a file system only."""
        with contextlib.ExitStack() as stack:
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                stack.enter_context(FileLock(self.folder / ".export.lock"))
                self._editions.tidy_up()
                scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix=UNFINISHED, dir=self.folder))
                staged = Path(scratch, "export")  # the scratch folder itself is for nobody else to read
                staged.mkdir()
            except OSError as error:
                raise ExportError(f"{self.folder} cannot be written: {error.strerror or error}") from None
            yield staged

    def check(self, paths: Iterable[str]) -> None:
        """Raises ExportError where something to be replaced is there and is not an export's."""
        own, names = self._own(), {_name(path) for path in self._own()}
        for path in paths:
            name = _name(path)
            is_foreign = name not in names or ((self.folder / name).is_symlink() and not self._editions.is_link(name))
            for place, is_refused in ((path, path not in own), (name, is_foreign)):
                if is_refused and os.path.lexists(self.folder / place):
                    raise ExportError(f"{self.folder / place} is there and is not an export's: choose another folder")

    def _own(self) -> set[str]:
        """What is an export's: its files by their paths, and its links by their names."""
        there, current = self.manifest(), _read(self._editions.current)
        own = {MANIFEST, *there.files} if there else set()
        own |= set(current.files) if current else set()
        return own | {path.name for path in self.folder.iterdir() if self._editions.is_link(path.name)}

    def place(self, staged: Path, stale: Iterable[str], advance: Callable[[int], None]) -> None:
        """Turn from the last export to this one in one move; what is not an export's stays where it was."""
        if not self._editions.can_be():
            self._place_one_by_one(staged, stale, advance)
            return
        paths, made = _files(staged), _read(staged)
        kept = set(made.files) if made else set()
        self._editions.adopt(sorted({_name(path) for path in (*paths, *kept)}))
        last = _read(self._editions.current)
        gone = {*stale, *(set(last.files) - kept if last else ())}
        self._editions.publish(staged, gone)
        advance(len(paths))

    def _place_one_by_one(self, staged: Path, stale: Iterable[str], advance: Callable[[int], None]) -> None:
        """Move files in where there can be no links; until all are there, the manifest says that they are of no run."""
        (self.folder / MANIFEST).write_text(unfinished((staged / MANIFEST).read_text("utf-8")), encoding="utf-8")
        for path in _files(staged):
            (self.folder / path).parent.mkdir(exist_ok=True)
            (staged / path).replace(self.folder / path)
            advance(1)
        for path in stale:
            (self.folder / path).unlink(missing_ok=True)

    def remove_folder(self, path: str) -> None:
        """Remove a folder of the export with all that is in it, if it is there."""
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(self.folder / path)


class UrlTarget:
    """A place behind a URL; files are made beside the warehouse and then sent."""

    def __init__(self, place: Place, scratch: Path) -> None:
        self.location = place.address
        self._place = place
        self._root = PurePosixPath(place.root)
        self._scratch = scratch

    def manifest(self) -> Manifest | None:
        """What is there: None where there is no complete export."""
        try:
            return read_manifest(self._call("cat_file", MANIFEST))
        except FileNotFoundError:
            return None

    def size(self, path: str) -> int | None:
        """Bytes of a file of the export; None if it is not there."""
        try:
            return int(self._call("info", path)["size"])
        except FileNotFoundError:
            return None

    @contextlib.contextmanager
    def staging(self) -> Iterator[Path]:
        """A folder beside the warehouse."""
        try:
            folder = tempfile.TemporaryDirectory(prefix=".export-", dir=self._scratch)
        except OSError as error:
            raise ExportError(f"{self._scratch} cannot be written: {error.strerror or error}") from None
        with folder as staged:
            yield Path(staged)

    def check(self, paths: Iterable[str]) -> None:
        """Whatever is at the address is overwritten."""

    def place(self, staged: Path, stale: Iterable[str], advance: Callable[[int], None]) -> None:
        """Send what was made, the manifest last, and remove what the last export had and this one has not."""
        for path in (MANIFEST, *stale):
            with contextlib.suppress(FileNotFoundError):
                self._call("rm_file", path)
        for path in _files(staged):
            if self._place.protocol not in ("s3", "s3a"):  # which has no folders, and would make the bucket
                self._call("makedirs", str(PurePosixPath(path).parent), exist_ok=True)
            try:
                self._call("put_file", path, str(staged / path))
            except FileNotFoundError:
                raise ExportError(f"{self.location} cannot be reached: there is no such bucket or folder") from None
            advance(1)

    def remove_folder(self, path: str) -> None:
        """Remove a folder of the export with all that is in it, if it is there."""
        with contextlib.suppress(FileNotFoundError):
            self._call("rm", path, recursive=True)

    def _call(self, method: str, path: str, *before: str, **options: bool) -> Any:
        """Call a method of the file system. Raises FileNotFoundError, or ExportError whatever else goes wrong."""
        try:
            return self._place.call(method, *before, str(self._root / path), **options)
        except RemoteError as error:
            raise ExportError(str(error)) from None
