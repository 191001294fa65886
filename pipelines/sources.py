"""Reads sources (files, folders, globs, archives, crawls, here or at addresses) into pages: an address and bytes each.

Which files there are is found out first, without opening any of them (`list_files`), so that those that have not
changed since they were last read can be left closed. The forms of archives and crawls, how addresses are reached, and
what is kept of a page do not belong here.
"""

from __future__ import annotations

import glob
import hashlib
import os
import stat
import tempfile
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import BinaryIO, NamedTuple

from pipelines.addresses import AddressError, is_address, shown
from pipelines.archives import ARCHIVES, PAGE_SUFFIX, read_archive
from pipelines.contents import MOST_PAGE_BYTES, TOO_LARGE, Content, Page, PassedOver, UnreadableError, listed
from pipelines.crawls import JSON_LINES, PARQUET, read_json_lines, read_parquet
from pipelines.remote import Place, RemoteError, RemoteFile

_GIVE = "give files, folders, archives, .jsonl or .parquet"
_ONLY = f"in a folder only {PAGE_SUFFIX} files are pages; name it to read it"
_LINK = "a link; name it to read what it leads to"
_NO_FILE = "no longer a file"
#: A pipe that has taken the place of a file does not keep us waiting.
_READ_ONLY = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
#: How many folders may lie in each other below the one that was named.
_DEEPEST = 100
_TOO_DEEP = f"more than {_DEEPEST} folders in each other; name it to read it"
#: How many pages are fetched from an address at once.
_AT_ONCE = 16
#: After so many failures one behind the other, nothing more is asked of an address.
_GIVE_UP_AFTER = 16
#: A time that is always still to come: of a file of which nobody can tell whether it has changed.
_NEVER_SETTLED = 2**63 - 1


class SourceError(ValueError):
    """A source that is not there or cannot be read as what it is; the message says what to do."""


class UnreachableError(SourceError):
    """An address that does not answer, of which nobody can say what is there."""


class SourceFile(NamedTuple):
    """A file that pages are read from, as it lies there. `is_named`: the user named it, and did not name its folder.

    `modified_ns` is Unix time; at an address it is another number for another content. `byte_size` is -1 where a server
    does not tell it.
    """

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
    """Files that gave no page: those that were passed over, and those that could not be read; each with why.

    Every message is one line without any character that a terminal obeys.
    """

    skipped: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    #: Files of which something could not be read: they are tried again by the next run.
    failing_files: set[str] = field(default_factory=set)

    def skip(self, where: str, why: str) -> None:
        """Note what was passed over."""
        self.skipped.append(shown(f"{where}: {why}"))

    def fail(self, where: str, why: str, file: str) -> None:
        """Note what could not be read, and of which file it is."""
        self.failed.append(shown(f"{where}: {why}"))
        self.failing_files.add(file)


def list_files(arguments: Sequence[str], passed: Passed) -> list[SourceFile]:
    """The files of every source, in a fixed order, none of them opened. Raises SourceError where one names nothing.

    A file inside a folder that cannot be looked at goes to `passed.failed`, one that is no page to `passed.skipped`.
    """
    files: list[SourceFile] = []
    for argument in arguments:
        is_local = not is_address(argument) or argument.lower().startswith(("file://", "local://"))
        files += (
            _list_local(argument.partition("://")[2] or argument, passed)
            if is_local
            else _list_remote(argument, passed)
        )
    return files


def sources_fingerprint(arguments: Sequence[str]) -> str:
    """A hash that changes when a file of these sources is added, changed or removed. Opens none of them.

    Sources that are not there yet are no error: they are what a watcher waits for. Raises UnreachableError.
    """
    digest = hashlib.sha256()
    for argument in arguments:
        try:
            files = list_files([argument], Passed())
        except UnreachableError:  # which is no change
            raise
        except SourceError:
            continue
        for path, byte_size, modified_ns, _ in files:
            digest.update(f"{path}\0{byte_size}\0{modified_ns}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def read_files(files: Iterable[SourceFile], passed: Passed) -> Iterator[SourcePage]:
    """The pages of these files, in their order. Raises SourceError where a named file cannot be read as what it is.

    Any other page that cannot be read goes to `passed.failed`; the others are read all the same. A file that changes
    while it is read counts as one that failed, so that the next run opens it again.
    """
    for at_address, group in groupby(files, lambda file: is_address(file.path)):
        if at_address:
            yield from _read_remote(group, passed)
            continue
        for file in group:
            yield from _read_local(file, passed)


# ---- this machine


def _list_local(argument: str, passed: Passed) -> Iterator[SourceFile]:
    try:
        status = os.stat(argument)  # noqa: PTH116 (a Path for each of a million files costs seconds)
    except (FileNotFoundError, NotADirectoryError):
        yield from _list_matches(argument, passed)
        return
    except (OSError, ValueError) as error:  # a name that is too long, or none
        raise SourceError(shown(f"{argument}: {getattr(error, 'strerror', None) or error}; {_GIVE}")) from None
    path = Path(argument).as_posix()
    if not (stat.S_ISDIR(status.st_mode) or stat.S_ISREG(status.st_mode)):
        raise SourceError(shown(f"{path}: {_special(status.st_mode)}, and no file; {_GIVE}"))
    yield from _list_named(path, status, passed)


def _list_matches(pattern: str, passed: Passed) -> Iterator[SourceFile]:
    """The files that a pattern matches, and those in folders that it matches."""
    is_pattern = glob.has_magic(pattern)
    # A pattern may be absolute, which Path.glob refuses.
    matches = sorted(glob.glob(pattern, recursive=True)) if pattern and is_pattern else []  # noqa: PTH207
    is_any = False
    for match in matches:
        try:
            status = os.stat(match)  # noqa: PTH116
        except OSError:  # a link that leads nowhere, or it went away
            continue
        is_any = True
        path = Path(match).as_posix()
        if stat.S_ISDIR(status.st_mode) or stat.S_ISREG(status.st_mode):
            yield from _list_named(path, status, passed)
        else:
            passed.skip(path, f"{_special(status.st_mode)}, and no file")
    if not is_any:
        what = "no file matches" if is_pattern else "no such file or folder"
        raise SourceError(shown(f"{pattern}: {what}; {_GIVE}"))


def _list_named(path: str, status: os.stat_result, passed: Passed) -> Iterator[SourceFile]:
    """A file or folder that somebody named."""
    if stat.S_ISREG(status.st_mode):
        yield SourceFile(path, status.st_size, status.st_mtime_ns, True)
        return
    is_any = False
    for file in _list_folder(path, passed):
        is_any = True
        yield file
    if not is_any:
        passed.skip(path, f"there is no {PAGE_SUFFIX} file in this folder")


def _list_folder(folder: str, passed: Passed, depth: int = 0) -> Iterator[SourceFile]:
    """The page files of a folder and those below it, by name; links are not followed."""
    if depth > _DEEPEST:
        passed.fail(folder, _TOO_DEEP, folder)
        return
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        passed.fail(folder, error.strerror or str(error), folder)
        return
    prefix = "" if folder == "." else f"{folder.rstrip('/')}/"
    for entry in entries:
        if entry.name.startswith("."):
            continue
        path = prefix + entry.name
        try:
            if entry.is_file(follow_symlinks=False):
                if entry.name[-len(PAGE_SUFFIX) :].lower() == PAGE_SUFFIX:
                    status = entry.stat(follow_symlinks=False)
                    yield SourceFile(path, status.st_size, status.st_mtime_ns, False)
                else:
                    passed.skip(path, _ONLY)
            elif entry.is_dir(follow_symlinks=False):
                yield from _list_folder(path, passed, depth + 1)
            elif entry.is_symlink():
                passed.skip(path, _LINK)
            else:
                passed.skip(path, f"{_special(entry.stat(follow_symlinks=False).st_mode)}, and no file")
        except OSError as error:  # it went away, or may not be looked at
            passed.fail(path, error.strerror or str(error), path)


def _special(mode: int) -> str:
    kinds = {stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFLNK: "a link"}
    return kinds.get(stat.S_IFMT(mode), "a device")


def _open(path: str) -> BinaryIO:
    """Open a file for reading; what has become a pipe since it was listed does not keep us waiting."""
    # Not Path.open, which knows no opener.
    return open(path, "rb", opener=lambda name, flags: os.open(name, flags | _READ_ONLY))


def _read_local(file: SourceFile, passed: Passed) -> Iterator[SourcePage]:
    try:
        if _holds_many(file):
            with _open(file.path) as opened:
                if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
                    passed.fail(file.path, _NO_FILE, file.path)
                    return
                yield from _read_contents(file.path, opened, file.byte_size, passed)
                status = os.fstat(opened.fileno())
        elif file.byte_size > MOST_PAGE_BYTES:
            passed.fail(file.path, TOO_LARGE, file.path)
            return
        else:
            page_bytes, status = _read_page(file)
            if not stat.S_ISREG(status.st_mode):
                passed.fail(file.path, _NO_FILE, file.path)
                return
            if len(page_bytes) > MOST_PAGE_BYTES:
                passed.fail(file.path, TOO_LARGE, file.path)
                return
            yield SourcePage(file.path, page_bytes, file.path)
        if (status.st_size, status.st_mtime_ns) != (file.byte_size, file.modified_ns):
            passed.failing_files.add(file.path)  # it was changed meanwhile
    except OSError as error:
        if file.is_named:
            raise SourceError(shown(f"{file.path}: {error.strerror or error}")) from None
        passed.fail(file.path, error.strerror or str(error), file.path)


def _read_page(file: SourceFile) -> tuple[bytes, os.stat_result]:
    """The bytes of a page, one more at most than it may have, and what its file is afterwards. Raises OSError."""
    # Without a file object, which costs as much as all the rest, a hundred thousand times.
    descriptor = os.open(file.path, _READ_ONLY)
    try:
        page_bytes = os.read(descriptor, file.byte_size + 1)
        while len(page_bytes) > file.byte_size and (
            more := os.read(descriptor, MOST_PAGE_BYTES + 1 - len(page_bytes))
        ):  # it has grown since it was listed
            page_bytes += more
        return page_bytes, os.fstat(descriptor)
    finally:
        os.close(descriptor)


# ---- files of many pages


def _holds_many(file: SourceFile) -> bool:
    return file.is_named and file.path.lower().endswith((*ARCHIVES, *JSON_LINES, PARQUET))


def _read_contents(path: str, opened: BinaryIO, byte_size: int, passed: Passed) -> Iterator[SourcePage]:
    """The pages of an archive or crawl. Raises SourceError where it is none."""
    try:
        for content in listed(*_contents(path, opened, byte_size)):
            if isinstance(content, Page):
                yield SourcePage(content.address or f"{path}{content.where}", content.page_bytes, path)
            elif isinstance(content, PassedOver):
                passed.skip(f"{path}{content.where}", content.words)
            else:
                passed.fail(f"{path}{content.where}", content.words, path)
    except UnreadableError as error:
        raise SourceError(shown(f"{path}: {error}")) from None


def _contents(path: str, opened: BinaryIO, byte_size: int) -> tuple[Iterator[Content], str]:
    """What a file holds, and what one calls the pieces that it is made of."""
    name = path.lower()
    if name.endswith(ARCHIVES):
        return read_archive(opened, byte_size, is_zip=name.endswith(".zip")), "members"
    if name.endswith(PARQUET):
        return read_parquet(opened, byte_size), "rows"
    return read_json_lines(opened), "lines"


# ---- addresses


def _list_remote(address: str, passed: Passed) -> Iterator[SourceFile]:
    """The files at an address: one by its name, those of a folder, or those that match it as a pattern."""
    try:
        place = Place(address)
    except AddressError as error:
        raise SourceError(str(error)) from None
    except RemoteError as error:
        raise UnreachableError(str(error)) from None
    is_web = place.protocol in ("http", "https")  # where there are no folders, and a ? begins a query
    is_pattern = glob.has_magic(address) and not is_web
    try:
        try:
            found = [place.info()]
        except FileNotFoundError:
            found = place.match() if is_pattern else []
        if not found:
            what = "no file matches" if is_pattern else "no such file or folder"
            raise SourceError(f"{shown(address)}: {what}; {_GIVE}")
        for file in found:
            if not file.is_folder:
                yield _remote_file(file, True)
                continue
            files = _list_remote_folder(place, file.address, passed)
            if not files:
                passed.skip(file.address, f"there is no {PAGE_SUFFIX} file in this folder")
            yield from files
    except FileNotFoundError:  # it went away
        raise SourceError(f"{shown(address)}: no such file or folder; {_GIVE}") from None
    except RemoteError as error:
        raise UnreachableError(str(error)) from None


def _list_remote_folder(place: Place, folder: str, passed: Passed, depth: int = 0) -> list[SourceFile]:
    if depth > _DEEPEST:
        passed.fail(folder, _TOO_DEEP, folder)
        return []
    files = []
    for file in place.list_folder(folder):
        name = file.address.rpartition("/")[2]
        if name.startswith("."):
            continue
        if file.is_folder:
            files += _list_remote_folder(place, file.address, passed, depth + 1)
        elif name.lower().endswith(PAGE_SUFFIX):
            files.append(_remote_file(file, False))
        else:
            passed.skip(file.address, _ONLY)
    return files


def _remote_file(file: RemoteFile, is_named: bool) -> SourceFile:
    version = _NEVER_SETTLED if file.version is None else file.version
    return SourceFile(file.address, file.byte_size, version, is_named)


def _read_remote(files: Iterable[SourceFile], passed: Passed) -> Iterator[SourcePage]:
    """The pages of files at addresses: single pages are fetched some at a time, and come in order."""
    left = deque(files)
    waiting: deque[tuple[SourceFile, Future[bytes]]] = deque()
    failures = 0
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        while left or waiting:
            while left and len(waiting) < _AT_ONCE and not _holds_many(left[0]):
                waiting.append((left[0], pool.submit(_fetch_page, Place(left[0].path), left.popleft())))
            if not waiting:
                yield from _read_remote_contents(left.popleft(), passed)
                continue
            file, fetched = waiting.popleft()
            try:
                page_bytes = fetched.result()
                failures = 0
            except (FileNotFoundError, _TooLarge) as error:
                passed.fail(file.path, TOO_LARGE if isinstance(error, _TooLarge) else "it went away", file.path)
            except RemoteError as error:
                failures += 1
                if file.is_named:
                    pool.shutdown(cancel_futures=True)
                    raise UnreachableError(str(error)) from None
                passed.fail(file.path, str(error).removeprefix(shown(file.path)).strip(), file.path)
            else:
                if len(page_bytes) != file.byte_size:
                    passed.failing_files.add(file.path)  # it was changed meanwhile, or nobody knew
                yield SourcePage(file.path, page_bytes, file.path)
            if failures == _GIVE_UP_AFTER and (rest := [*(file for file, _ in waiting), *left]):
                pool.shutdown(cancel_futures=True)
                passed.failing_files.update(file.path for file in rest)
                passed.fail(rest[0].path, f"not tried, nor what is behind it, {len(rest):,} in all", rest[0].path)
                return


class _TooLarge(ValueError):
    """A file that is no page by its size."""


def _fetch_page(place: Place, file: SourceFile) -> bytes:
    """The bytes of a page. Raises FileNotFoundError, RemoteError, _TooLarge."""
    if file.byte_size > MOST_PAGE_BYTES:
        raise _TooLarge
    page_bytes = place.read(MOST_PAGE_BYTES + 1, file.byte_size)
    if len(page_bytes) > MOST_PAGE_BYTES:
        raise _TooLarge
    return page_bytes


def _read_remote_contents(file: SourceFile, passed: Passed) -> Iterator[SourcePage]:
    """The pages of an archive or crawl at an address, which is copied here first."""
    with tempfile.TemporaryDirectory(prefix="ieval-") as folder:
        copy = Path(folder) / "copy"
        try:
            Place(file.path).fetch(copy, file.byte_size)
        except FileNotFoundError:
            raise SourceError(f"{shown(file.path)}: no such file; {_GIVE}") from None
        except RemoteError as error:
            raise UnreachableError(str(error)) from None
        with copy.open("rb") as opened:
            yield from _read_contents(file.path, opened, copy.stat().st_size, passed)
