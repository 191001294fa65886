"""Reads an archive, zip or tar, into its pages: members are read one by one within bounds, and nothing is unpacked.

A name of a member is an address and nothing else, so it may be anything. Where archives come from does not belong here.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, BinaryIO

from pipelines.contents import MOST_PAGE_BYTES, TOO_LARGE, Content, Failed, Page, PassedOver, UnreadableError

PAGE_SUFFIX = ".txt"
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")

_MOST_MEMBERS = 1_000_000
#: Text packs ten to one. An archive that gives more than both of these is made to fill memory or disk.
_MOST_BYTES = 1024**3
_MOST_RATIO = 200
#: What Python keeps of a zip's directory is several times its size.
_MOST_DIRECTORY_BYTES = 128 * 1024**2
#: Headers of a tar that hold long names are read whole; they are a few kilobytes.
_MOST_AT_ONCE = 1024**2
#: Read piece by piece, for some packers make thousands of times as much of one at once.
_CHUNK_BYTES = 4096
_BROKEN = (
    OSError,
    RuntimeError,
    ValueError,
    EOFError,
    MemoryError,  # which a damaged member may ask for
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
)


class _TooMuch(ValueError):
    """An archive that gives more than it may."""


def read_archive(file: BinaryIO, byte_size: int, is_zip: bool) -> Iterator[Content]:
    """The pages of an archive, each by `/` and its member's name. Raises UnreadableError where it is none.

    A member that is damaged fails alone where that can be: in a zip; in a tar what is behind it is lost as well.
    """
    allowed = max(_MOST_BYTES, _MOST_RATIO * byte_size)
    return _read_zip(file, allowed) if is_zip else _read_tar(file, allowed)


def _kind(name: str) -> PassedOver | None:
    """Why a member is no page by its name, if it is none."""
    if name.lower().endswith(PAGE_SUFFIX):
        return None
    what = "an archive inside an archive; unpack it to read it" if name.lower().endswith(ARCHIVES) else ""
    return PassedOver(f"/{name}", what or f"in an archive only {PAGE_SUFFIX} files are pages")


def _is_hidden(name: str) -> bool:
    """Hidden, as in a folder, or the shadow that a Mac adds."""
    return any((part.startswith(".") and part not in (".", "..")) or part == "__MACOSX" for part in name.split("/"))


def _stopped(allowed: int) -> str:
    size = f"{allowed / 1024**3:,.0f} GB" if allowed > _MOST_BYTES else "1 GB"
    return f"the archive gives more than {size} and {_MOST_RATIO} times its own size: what is left of it is not read"


# ---- zip


def _read_zip(file: BinaryIO, allowed: int) -> Iterator[Content]:
    members, directory_bytes = _zip_directory(file)
    if members > _MOST_MEMBERS or directory_bytes > _MOST_DIRECTORY_BYTES:
        raise UnreadableError(f"more than {_MOST_MEMBERS:,} members; pack it in several archives")
    try:
        archive = zipfile.ZipFile(file)
    except _BROKEN as error:
        raise UnreadableError(f"cannot be read as an archive ({error})") from None
    with archive:
        infos = archive.infolist()
        given = 0
        for number, info in enumerate(infos):
            where = f"/{info.filename}"
            if info.is_dir() or _is_hidden(info.filename):
                continue
            if number >= _MOST_MEMBERS:
                yield Failed(where, f"more than {_MOST_MEMBERS:,} members: what is left of the archive is not read")
                return
            if given > allowed:
                yield Failed(where, _stopped(allowed))
                return
            if (info.external_attr >> 16) & 0o170000 == 0o120000:  # as Unix packs it
                yield PassedOver(where, "a link; links are not followed")
            elif no_page := _kind(info.filename):
                yield no_page
            elif info.file_size > MOST_PAGE_BYTES:
                yield Failed(where, TOO_LARGE)
            else:
                try:
                    with archive.open(info) as member:
                        page_bytes = _read_pieces(member)
                except _BROKEN as error:  # damaged, encrypted, or packed in a way that nobody knows
                    yield Failed(where, str(error) or type(error).__name__)
                else:
                    given += len(page_bytes)
                    yield Page(where, page_bytes)


def _read_pieces(member: IO[bytes]) -> bytes:
    """A member, which ends at the size that it declares. Raises one of _BROKEN."""
    chunks = []
    while chunk := member.read(_CHUNK_BYTES):
        chunks.append(chunk)
    return b"".join(chunks)


def _zip_directory(file: BinaryIO) -> tuple[int, int]:
    """How many members and how long a directory a zip says that it has; 0 and 0 where it does not say."""
    end = file.seek(0, 2)
    file.seek(max(0, end - 65_557 - 20))  # behind it are at most a comment of 64 KB, and before it a locator
    tail = file.read()
    found = tail.rfind(b"PK\x05\x06")
    if found < 0 or len(tail) < found + 22:
        return 0, 0
    members, directory_bytes = struct.unpack_from("<HI", tail, found + 10)
    if found >= 20 and tail.startswith(b"PK\x06\x07", found - 20):  # the long form
        file.seek(min(end, struct.unpack_from("<Q", tail, found - 12)[0]))
        long_form = file.read(56)
        if len(long_form) == 56 and long_form.startswith(b"PK\x06\x06"):
            members, directory_bytes = struct.unpack_from("<QQ", long_form, 32)
    return members, directory_bytes


# ---- tar


class _Stream:
    """An unpacked tar that is read once from front to back, counted, and never far at once."""

    def __init__(self, file: BinaryIO | gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile, allowed: int) -> None:
        self._file = file
        self._allowed = allowed
        self.position = 0

    def tell(self) -> int:
        """Bytes that were read."""
        return self.position

    def seekable(self) -> bool:
        """Forward only."""
        return True

    def read(self, size: int = -1) -> bytes:
        """So many bytes, less only at the end. Raises tarfile.ReadError for more than anything in a tar may have."""
        if not 0 <= size <= _MOST_AT_ONCE:
            raise tarfile.ReadError("damaged: a header that is as long as a book")
        if self.position > self._allowed:
            raise _TooMuch
        data = self._file.read(size)
        self.position += len(data)
        return data

    def seek(self, position: int) -> int:
        """Read on to a position. Raises tarfile.ReadError for one that is behind."""
        if position < self.position:
            raise tarfile.ReadError("damaged: it leads back to what was read")
        while self.position < position and self.read(min(1 << 16, position - self.position)):
            pass
        return self.position


def _unpacked(file: BinaryIO) -> BinaryIO | gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile:
    """What is packed in a file, by its first bytes."""
    start = file.read(6)
    file.seek(0)
    if start.startswith(b"\x1f\x8b"):
        return gzip.open(file)
    if start.startswith(b"BZh"):
        return bz2.open(file)
    return lzma.open(file) if start == b"\xfd7zXZ\0" else file


def _read_tar(file: BinaryIO, allowed: int) -> Iterator[Content]:
    stream = _Stream(_unpacked(file), allowed)
    try:
        tar = tarfile.TarFile(fileobj=stream)  # type: ignore[arg-type]  # it asks for no more than a stream has
    except (*_BROKEN, _TooMuch) as error:
        raise UnreadableError(f"cannot be read as an archive ({error})") from None
    count = 0
    last = ""
    try:
        while (member := tar.next()) is not None:
            tar.members.clear()  # type: ignore[attr-defined]  # else it would remember all of them
            last = f"/{member.name}"
            count += 1
            if count > _MOST_MEMBERS:
                yield Failed(last, f"more than {_MOST_MEMBERS:,} members: what is left of the archive is not read")
                return
            yield from _read_tar_member(tar, member)
        # Where a block in the middle is lost, what is left looks like the end of the archive.
        while block := stream.read(1 << 16):
            if block.strip(b"\0"):
                raise tarfile.ReadError("damaged in the middle")
        if stream.position % tarfile.BLOCKSIZE:
            raise tarfile.ReadError("cut off")
    except _TooMuch:
        yield Failed(last, _stopped(allowed))
    except _BROKEN as error:
        yield Failed("", f"cannot be read as an archive behind its first {count:,} members ({error})")


def _read_tar_member(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Iterator[Content]:
    """What a member is. Raises one of _BROKEN, after which nothing of the archive can be read."""
    where = f"/{member.name}"
    if member.isdir() or _is_hidden(member.name):
        return
    if member.issym() or member.islnk():
        yield PassedOver(where, "a link; links are not followed")
    elif not member.isfile():
        yield PassedOver(where, "a device or pipe, and no file")
    elif no_page := _kind(member.name):
        yield no_page
    elif member.size > MOST_PAGE_BYTES:
        yield Failed(where, TOO_LARGE)
    elif (content := tar.extractfile(member)) is not None:
        with content:
            page_bytes = _read_pieces(content)
        if len(page_bytes) < member.size:
            raise tarfile.ReadError("unexpected end of data")
        yield Page(where, page_bytes)
