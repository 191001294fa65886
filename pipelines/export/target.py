"""Puts a finished export into its place, a folder or any address that fsspec knows, and says what is there already.

The manifest goes first when files change and comes back last: where it is, the export is complete. Every file is moved
in whole, so that a reader sees the old one or the new one. Making the files does not belong here.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from filelock import FileLock

from pipelines.addresses import AddressError, is_address
from pipelines.export.datapackage import MANIFEST, Manifest, read_manifest
from pipelines.export.source import ExportError
from pipelines.remote import Place, RemoteError
from pipelines.settings import from_here

#: Which files belong to the export while they are being changed, so that the next export may finish the work.
_CHANGING = ".changing.json"


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
        """Move in what was made, the manifest last, and remove what the last export had and this one has not."""

    def remove_folder(self, path: str) -> None:
        """Remove a folder of the export with all that is in it, if it is there."""


def open_target(target: str, scratch: Path) -> Target:
    """A target by folder or URL. `scratch` is where files for a URL are made. Raises ExportError."""
    if not is_address(target):
        return FolderTarget(Path(target))
    try:
        place = Place(target)
    except (AddressError, RemoteError) as error:
        raise ExportError(str(error)) from None
    if place.protocol in ("file", "local"):
        return FolderTarget(Path(place.root))
    return UrlTarget(place, scratch)


def _files(staged: Path) -> list[str]:
    """The files of a folder by their paths in it, the manifest last."""
    paths = sorted(path.relative_to(staged).as_posix() for path in staged.rglob("*") if path.is_file())
    return sorted(paths, key=lambda path: path == MANIFEST)


class FolderTarget:
    """A folder on this machine; files are moved in by renaming."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.location = str(from_here(folder))

    def manifest(self) -> Manifest | None:
        """What is there: None where there is no complete export."""
        try:
            return read_manifest((self.folder / MANIFEST).read_bytes())
        except OSError:
            return None

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
                for left in self.folder.glob(".export-*"):  # by an export that was killed
                    shutil.rmtree(left, ignore_errors=True)
                staged = stack.enter_context(tempfile.TemporaryDirectory(prefix=".export-", dir=self.folder))
            except OSError as error:
                raise ExportError(f"{self.folder} cannot be written: {error.strerror or error}") from None
            yield Path(staged)

    def check(self, paths: Iterable[str]) -> None:
        """Raises ExportError where a file to be written is there and is not an export's."""
        own = self._own()
        for path in paths:
            if path not in own and (self.folder / path).exists():
                raise ExportError(f"{self.folder / path} is there and is not an export's: choose another folder")

    def _own(self) -> set[str]:
        manifest = self.manifest()
        own = {MANIFEST, *manifest.files} if manifest else set()
        with contextlib.suppress(FileNotFoundError):
            own |= set(json.loads((self.folder / _CHANGING).read_text(encoding="utf-8")))
        return own

    def place(self, staged: Path, stale: Iterable[str], advance: Callable[[int], None]) -> None:
        """Move in what was made, the manifest last, and remove what the last export had and this one has not."""
        paths, stale = _files(staged), list(stale)
        changing = self.folder / _CHANGING
        changing.write_text(json.dumps(sorted(self._own() | set(paths))), encoding="utf-8")
        (self.folder / MANIFEST).unlink(missing_ok=True)
        for path in stale:
            (self.folder / path).unlink(missing_ok=True)
        for folder in {(self.folder / path).parent for path in stale} - {self.folder}:
            with contextlib.suppress(OSError):  # not empty
                folder.rmdir()
        for path in paths:
            (self.folder / path).parent.mkdir(exist_ok=True)
            try:
                (staged / path).replace(self.folder / path)
            except PermissionError:
                raise ExportError(
                    f"{self.folder / path} cannot be replaced: close the program that has it open, and export again"
                ) from None
            advance(1)
        changing.unlink()

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
