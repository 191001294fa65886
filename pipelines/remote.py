"""Reaches addresses that fsspec knows (s3://, https://, memory:// …), with time-outs and retries, and hides secrets.

Credentials come from the environment or the usual files of each kind of place, never from the address. What is read and
written there does not belong here.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import fsspec

from pipelines.addresses import AddressError, refuse_secrets, shown

#: How often something is tried, and seconds before the second time; twice as many before each further one.
_TRIES = 3
_FIRST_PAUSE = 0.5
#: Seconds until a server must have answered: to a connection, and between any two pieces of an answer.
_CONNECT_SECONDS = 10
_READ_SECONDS = 60
#: Trying these again changes nothing.
_FINAL = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError, NotImplementedError)
#: What tells two contents of a file apart, in the words of several places: hashes first, for clocks differ.
_MARKS = ("ETag", "etag", "Content-MD5", "md5Hash", "checksum")
_TIMES = ("mtime", "LastModified", "last_modified", "Last-Modified", "modified", "updated", "created")
#: Only some file systems can be asked by several threads at once.
_ONE_AT_A_TIME = threading.Lock()
_Result = TypeVar("_Result")


class RemoteError(OSError):
    """An address that cannot be reached or may not be; the message is one line without secrets."""


class RemoteFile(NamedTuple):
    """A file or folder at an address. `version` is another number for another content; None: nobody can tell.

    `byte_size` is -1 where nobody knows it.
    """

    address: str
    byte_size: int
    version: int | None
    is_folder: bool


class Place:
    """A place behind an address: what is there by paths as its file system has them, from `root` on."""

    def __init__(self, address: str) -> None:
        """Raises AddressError where the address has a secret in it, RemoteError where nobody knows how to reach it."""
        refuse_secrets(address)
        if "::" in address:
            raise AddressError(f"{shown(address)}: one address inside another is not used; name the file itself")
        self.address = address
        self.protocol = address.partition("://")[0].lower()
        try:
            self.system, self.root = fsspec.core.url_to_fs(address, **_options(self.protocol))
        except ImportError as error:
            extra = self.protocol in ("s3", "s3a", "http", "https")
            hint = "; pip install 'ieval-warehouse[s3]'" if extra else ""
            raise RemoteError(f"{shown(address)} cannot be reached: {shown(str(error))}{hint}") from None
        except Exception as error:  # noqa: BLE001 (every file system raises errors of its own)
            raise RemoteError(f"{shown(address)} cannot be reached: {_words(error)}") from None
        self._turn = contextlib.nullcontext() if self.system.async_impl else _ONE_AT_A_TIME
        if self.protocol in ("s3", "s3a"):
            self.system.retries = 1  # it is us who try again
        self.system.invalidate_cache()  # a process that lives long would see what was there when it began

    def call(self, method: str, *arguments: Any, **options: Any) -> Any:
        """Call a method of the file system, up to three times. Raises FileNotFoundError, or RemoteError."""
        return self._try(lambda: getattr(self.system, method)(*arguments, **options))

    def info(self) -> RemoteFile:
        """What is at the address itself. Raises FileNotFoundError, RemoteError."""
        return self._file(self.call("info", self.root), self.address)

    def list_folder(self, address: str) -> list[RemoteFile]:
        """The files and folders in a folder at or below the address, by name. Raises FileNotFoundError, RemoteError."""
        path = self._path(address)
        found = [entry for entry in self.call("ls", path, detail=True) if entry["name"].strip("/") != path.strip("/")]
        return sorted(self._file(entry, f"{address.rstrip('/')}/{_last(entry['name'])}") for entry in found)

    def match(self) -> list[RemoteFile]:
        """What the address matches as a pattern, by name. Raises RemoteError."""
        first = next((position for position, letter in enumerate(self.address) if letter in "*?["), len(self.address))
        base = self.address[:first].rpartition("/")[0] + "/"
        start = self._path(base).rstrip("/") + "/"
        found = self.call("glob", self.root, detail=True)
        return sorted(self._file(entry, base + name.removeprefix(start)) for name, entry in found.items())

    def read(self, most_bytes: int, byte_size: int) -> bytes:
        """The first bytes of the file, and no more than `most_bytes`. Raises FileNotFoundError, RemoteError."""
        if byte_size == 0:  # a range of nothing is an error to some
            return b""
        if self.protocol in ("http", "https"):  # a server need not know ranges
            return self._try(lambda: self._stream(most_bytes))
        data: bytes = self.call("cat_file", self.root, start=0, end=most_bytes)
        return data

    def fetch(self, target: Path, byte_size: int) -> None:
        """Copy the file to this machine. Raises FileNotFoundError, RemoteError."""

        def copy() -> None:
            self.system.get_file(self.root, str(target))
            size = target.stat().st_size
            if byte_size >= 0 and size != byte_size:
                raise OSError(f"{size:,} of {byte_size:,} bytes came")

        self._try(copy)

    def _stream(self, most_bytes: int) -> bytes:
        chunks = []
        with self.system.open(self.root, "rb", block_size=0) as file:
            while most_bytes > 0 and (chunk := file.read(most_bytes)):
                chunks.append(chunk)
                most_bytes -= len(chunk)
        return b"".join(chunks)

    def _try(self, call: Callable[[], _Result]) -> _Result:
        pause = _FIRST_PAUSE
        for tried in range(1, _TRIES + 1):
            with self._translated(is_last=tried == _TRIES), self._turn:
                return call()
            time.sleep(pause)
            pause *= 2
        raise AssertionError("the last try returns or raises")

    @contextlib.contextmanager
    def _translated(self, is_last: bool) -> Iterator[None]:
        """Pass over an error that another try may mend."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 (every file system raises errors of its own)
            cause = error
            # What an HTTP server says to a question for a file's size is hidden behind "not found".
            if self.protocol in ("http", "https") and isinstance(error, FileNotFoundError) and error.__cause__:
                status = getattr(error.__cause__, "status", None)
                cause = error if status in (404, 410) else Exception(_words(error.__cause__))
            if isinstance(cause, FileNotFoundError):
                raise FileNotFoundError(shown(self.address)) from None
            if is_last or isinstance(cause, _FINAL):
                raise RemoteError(f"{shown(self.address)} cannot be reached: {_words(cause)}") from None

    def _path(self, address: str) -> str:
        path: str = self.system._strip_protocol(address)
        return path

    def _file(self, entry: dict[str, Any], address: str) -> RemoteFile:
        size = -1 if entry.get("size") is None else int(entry["size"])
        return RemoteFile(address, size, _version(entry), entry.get("type") == "directory")


def _options(protocol: str) -> dict[str, Any]:
    """Time-outs, for the file systems that take them."""
    if protocol in ("s3", "s3a"):
        limits = {"connect_timeout": _CONNECT_SECONDS, "read_timeout": _READ_SECONDS}
        return {"config_kwargs": {**limits, "retries": {"total_max_attempts": 1}}}
    if protocol in ("http", "https"):
        from aiohttp import ClientTimeout  # which only this kind of address needs

        limits = {"sock_connect": _CONNECT_SECONDS, "sock_read": _READ_SECONDS}
        return {"client_kwargs": {"timeout": ClientTimeout(total=None, **limits)}}
    return {}


def _words(error: BaseException) -> str:
    """What an error says, or is: a time-out has no words."""
    return shown(str(error)) or type(error).__name__


def _last(name: str) -> str:
    return name.rstrip("/").rpartition("/")[2]


def _version(entry: dict[str, Any]) -> int | None:
    for names in (_MARKS, _TIMES):
        for name in names:
            mark = entry.get(name)
            if mark is not None and mark != "":
                text = mark.isoformat() if hasattr(mark, "isoformat") else str(mark)
                # Below zero: long before any listing, so that nobody takes it for a file that was changed just now.
                return -int.from_bytes(hashlib.sha256(text.encode("utf-8", "replace")).digest()[:7], "big")
    return None
