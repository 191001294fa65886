"""Archives that were made to do harm: they fill neither memory nor disk, lead nowhere, and keep nobody waiting."""

from __future__ import annotations

import gzip
import io
import os
import stat
import struct
import tarfile
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from test_sources import ARCHIVES, make_tar, make_zip, names, read

from pipelines import archives
from pipelines.sources import SourceError

LARGE = 128 * 1024 + 1


def make(path: Path, members: dict[str, bytes]) -> Path:
    return (make_zip if path.name.lower().endswith(".zip") else make_tar)(path, members)


@pytest.mark.parametrize("name", ["pages.zip", "pages.tar", "pages.tgz"])
def test_a_member_that_is_too_large_fails_alone_and_is_not_unpacked(tmp_path: Path, name: str) -> None:
    path = make(tmp_path / name, {"a.txt": b"one", "large.txt": bytes(5 * LARGE), "b.txt": b"two"})
    tracemalloc.start()
    pages, passed = read(path)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert names(pages) == ["a.txt", "b.txt"]
    assert passed.failed == [f"{path}/large.txt: larger than 128 kB, which no page is"]
    assert passed.failing_files == {str(path)}
    assert most < 20_000_000


@pytest.mark.parametrize("packed", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_size_that_is_a_lie_fails_alone(tmp_path: Path, packed: int) -> None:
    path = tmp_path / "pages.zip"
    with zipfile.ZipFile(path, "w", packed) as archive:
        archive.writestr("a.txt", bytes(5 * LARGE))
        archive.writestr("b.txt", b"two")
    data = path.read_bytes()
    path.write_bytes(data.replace(struct.pack("<I", 5 * LARGE), struct.pack("<I", 1000)))
    tracemalloc.start()
    pages, passed = read(path)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert names(pages) == ["b.txt"]
    assert len(passed.failed) == 1
    assert passed.failed[0].startswith(f"{path}/a.txt: ")
    assert most < 200_000_000


@pytest.mark.parametrize("name", ["pages.zip", "pages.tar.gz"])
def test_an_archive_that_gives_too_much_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(archives, "_MOST_BYTES", 300_000)
    path = make(tmp_path / name, {f"{number:02}.txt": bytes(100_000) for number in range(20)})
    pages, passed = read(path)
    assert 3 <= len(pages) <= 10
    assert len(passed.failed) == 1
    assert "gives more than" in passed.failed[0] and "200 times its own size" in passed.failed[0]
    assert passed.failing_files == {str(path)}
    # What is as large and no bomb is read to its end.
    path = make(tmp_path / name, {f"{number:02}.txt": os.urandom(100_000) for number in range(20)})
    assert len(read(path)[0]) == 20


def test_what_is_passed_over_counts_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a packed tar one cannot get by it without unpacking it."""
    monkeypatch.setattr(archives, "_MOST_BYTES", 3_000_000)
    path = make_tar(tmp_path / "pages.tgz", {"a.txt": b"one", "film.mp4": bytes(50_000_000), "b.txt": b"two"})
    pages, passed = read(path)
    assert names(pages) == ["a.txt"]
    assert "gives more than" in passed.failed[0]
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes())[:2048] + bytes(50_000_000)))
    assert len(read(path)[1].failed) == 1


@pytest.mark.parametrize("name", ["pages.zip", "pages.tar"])
def test_an_archive_of_too_many_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    path = make(tmp_path / name, {f"{number}.txt": b"x" for number in range(10)})
    monkeypatch.setattr(archives, "_MOST_MEMBERS", 10 + name.endswith("tar"))  # the link is one as well
    assert len(read(path)[0]) == 10
    monkeypatch.setattr(archives, "_MOST_MEMBERS", 4)
    if name.endswith("zip"):
        with pytest.raises(SourceError, match="more than 4 members; pack it in several archives"):
            read(path)
    else:
        pages, passed = read(path)
        assert len(pages) == 4
        assert passed.failed == [f"{path}/4.txt: more than 4 members: what is left of the archive is not read"]


def test_a_zip_whose_number_of_members_is_a_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_zip(tmp_path / "pages.zip", {f"{number}.txt": b"x" for number in range(10)})
    data = bytearray(path.read_bytes())
    end = data.rindex(b"PK\x05\x06")
    data[end + 8 : end + 12] = struct.pack("<HH", 1, 1)
    path.write_bytes(data)
    monkeypatch.setattr(archives, "_MOST_MEMBERS", 4)
    pages, passed = read(path)
    assert len(pages) == 4
    assert "more than 4 members" in passed.failed[0]
    monkeypatch.setattr(archives, "_MOST_DIRECTORY_BYTES", 100)
    with pytest.raises(SourceError, match="more than 4 members"):
        read(path)


def test_a_long_zip_says_how_many_members_it_has(tmp_path: Path) -> None:
    path = tmp_path / "pages.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(70_000):  # more than the short form can say
            archive.writestr(f"{number}.md", b"")
        archive.comment = b"a comment"
    with path.open("rb") as file:
        members, directory_bytes = archives._zip_directory(file)
    assert members == 70_000
    assert directory_bytes > 46 * 70_000
    assert len(read(path)[1].skipped) == 101


NAMES = [
    "../../up.txt",
    "/etc/absolute.txt",
    "a/../b.txt",
    "./c.txt",
    "..",
    "C:\\d.txt",
    "//e.txt",
    "x/" * 200 + "f.txt",
]


@pytest.mark.parametrize("name", ARCHIVES)
def test_names_are_addresses_and_nothing_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / "in" / "deep").mkdir(parents=True)
    path = make(tmp_path / "in" / "deep" / name, {member: member.encode() for member in NAMES})
    before = sorted(tmp_path.rglob("*"))
    monkeypatch.chdir(tmp_path / "in" / "deep")
    monkeypatch.setattr(tarfile.TarFile, "extract", None)
    monkeypatch.setattr(zipfile.ZipFile, "extract", None)
    pages, passed = read(path)
    assert pages == {f"{path}/{member}": member.encode() for member in NAMES if member.endswith(".txt")}
    assert passed.failed == []
    assert sorted(tmp_path.rglob("*")) == before
    assert not Path("/etc/absolute.txt").exists()


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", ["pages.zip", "pages.tar"])
def test_of_two_members_of_one_name_both_are_read(tmp_path: Path, name: str) -> None:
    from pipelines.sources import Passed, list_files, read_files

    path = tmp_path / name
    if name == "pages.zip":
        with zipfile.ZipFile(path, "w") as zipped:
            zipped.writestr("a.txt", b"one")
            zipped.writestr("a.txt", b"two")
    else:
        with tarfile.open(path, "w") as tar:
            for content in (b"one", b"two"):
                info = tarfile.TarInfo("a.txt")
                info.size = 3
                tar.addfile(info, io.BytesIO(content))
    found = list(read_files(list_files([str(path)], Passed()), Passed()))
    assert [page.page_bytes for page in found] == [b"one", b"two"]


@pytest.mark.parametrize("name", ["pages.zip", "pages.tar.gz"])
def test_archives_in_archives_are_passed_over(tmp_path: Path, name: str) -> None:
    inner = make_zip(tmp_path / "inner.zip", {"a.txt": b"one"}).read_bytes()
    path = make(tmp_path / name, {"inner.zip": inner, "inner.tar.gz": b"", "b.txt": b"two"})
    pages, passed = read(path)
    assert names(pages) == ["b.txt"]
    assert f"{path}/inner.zip: an archive inside an archive; unpack it to read it" in passed.skipped
    assert f"{path}/inner.tar.gz: an archive inside an archive; unpack it to read it" in passed.skipped


def test_links_and_devices_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "pages.tar"
    with tarfile.open(path, "w") as tar:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE):
            info = tarfile.TarInfo(f"{kind.decode()}.txt")
            info.type, info.linkname = kind, "/etc/passwd"
            tar.addfile(info)
    pages, passed = read(path)
    assert pages == {}
    assert [message.partition(": ")[2] for message in passed.skipped] == [
        *["a link; links are not followed"] * 2,
        *["a device or pipe, and no file"] * 3,
    ]
    path = tmp_path / "pages.zip"
    with zipfile.ZipFile(path, "w") as archive:
        link = zipfile.ZipInfo("link.txt")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    assert read(path)[1].skipped == [f"{path}/link.txt: a link; links are not followed"]


def test_an_encrypted_member_fails_alone(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "pages.zip", {"a.txt": b"one", "b.txt": b"two"})
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    pages, passed = read(path)
    assert names(pages) == ["b.txt"]
    assert "encrypted" in passed.failed[0]


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_header_as_long_as_a_book_is_not_read(tmp_path: Path, kind: bytes) -> None:
    info = tarfile.TarInfo("a.txt")
    info.type, info.size = kind, 150_000_000
    path = tmp_path / "pages.tar.gz"
    page = tarfile.TarInfo("page.txt")
    page.size = 4
    whole = page.tobuf() + b"page".ljust(512, b"\0") + info.tobuf(tarfile.GNU_FORMAT) + bytes(150_000_256)
    path.write_bytes(gzip.compress(whole, 1))
    tracemalloc.start()
    pages, passed = read(path)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert names(pages) == ["page.txt"]
    assert "a header that is as long as a book" in passed.failed[0]
    assert most < 20_000_000


def test_many_members_take_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "pages.tar"
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for number in range(20_000):
            tar.addfile(tarfile.TarInfo(f"{number}.md"))
        tar.members.clear()
    tracemalloc.start()
    _, passed = read(path)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(passed.skipped) == 101
    assert passed.skipped[-1] == f"{path}: 19,900 further members are no pages either"
    assert most < 3_000_000
