"""Sources of every form: which files there are, found without opening one, and the pages that they hold."""

from __future__ import annotations

import builtins
import gzip
import io
import json
import os
import re
import socket
import stat
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from proportion import in_proportion

from pipelines.sources import Passed, SourceError, SourceFile, list_files, read_files, sources_fingerprint


def read(*sources: str | Path) -> tuple[dict[str, bytes], Passed]:
    """What the sources hold, by its address, and what was said of the rest."""
    passed = Passed()
    files = list_files([str(source) for source in sources], passed)
    pages = list(read_files(files, passed))
    assert {page.file for page in pages} <= {file.path for file in files}
    return {page.source_uri: page.page_bytes for page in pages}, passed


def names(pages: Iterable[str]) -> list[str]:
    return [uri.rpartition("/")[2] for uri in pages]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder as people have them."""
    root = tmp_path / "my pages"
    for name in ("b.txt", "a.TXT", "deep/er/c.txt", ".hidden.txt", ".git/d.txt", "notes.md", "e.txt.bak"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, encoding="utf-8")
    return root


# ---- files, folders, patterns


def test_a_file_is_a_page_whatever_its_name(folder: Path) -> None:
    pages, _ = read(folder / "notes.md", folder / ".hidden.txt", folder / "e.txt.bak")
    assert pages == {
        f"{folder}/notes.md": b"notes.md",
        f"{folder}/.hidden.txt": b".hidden.txt",
        f"{folder}/e.txt.bak": b"e.txt.bak",
    }


def test_folder(folder: Path) -> None:
    pages, passed = read(folder)
    assert pages == {
        f"{folder}/a.TXT": b"a.TXT",
        f"{folder}/b.txt": b"b.txt",
        f"{folder}/deep/er/c.txt": b"deep/er/c.txt",
    }
    assert list(pages) == sorted(pages)
    assert [words.split(": ")[0] for words in passed.skipped] == [f"{folder}/e.txt.bak", f"{folder}/notes.md"]
    assert passed.failed == []


def test_empty_folder(tmp_path: Path) -> None:
    assert read(tmp_path)[0] == {}


def refuse(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Nobody may open files of these names."""

    def guarded(open_: Any) -> Any:
        def may_open(file: Any, *arguments: Any, **options: Any) -> Any:
            if not isinstance(file, int) and Path(os.fsdecode(file)).name in names:
                raise PermissionError(13, "Permission denied")
            return open_(file, *arguments, **options)

        return may_open

    monkeypatch.setattr(builtins, "open", guarded(builtins.open))
    monkeypatch.setattr(io, "open", guarded(io.open))
    monkeypatch.setattr(os, "open", guarded(os.open))


def test_a_file_that_cannot_be_read_does_not_stop_the_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(monkeypatch, "b.txt")
    pages, passed = read(folder)
    assert names(pages) == ["a.TXT", "c.txt"]
    assert passed.failed == [f"{folder}/b.txt: Permission denied"]
    assert passed.failing_files == {f"{folder}/b.txt"}
    with pytest.raises(SourceError, match=r"b\.txt: Permission denied"):
        read(folder / "b.txt")


def test_files_are_listed_without_opening_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = make_zip(folder / "pages.zip", MEMBERS)
    refuse(monkeypatch, "a.TXT", "b.txt", "c.txt", "pages.zip")
    files = list_files([str(folder), str(archive)], Passed())
    status = (folder / "b.txt").stat()
    assert files[1] == SourceFile(f"{folder}/b.txt", status.st_size, status.st_mtime_ns, False)
    assert [(file.path.rpartition("/")[2], file.is_named) for file in files] == [
        ("a.TXT", False),
        ("b.txt", False),
        ("c.txt", False),
        ("pages.zip", True),
    ]


def test_a_folder_that_cannot_be_looked_at_does_not_stop_the_others(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scandir = os.scandir

    def refuse_deep(path: str) -> Any:
        if path.endswith("/deep"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse_deep)
    pages, passed = read(folder)
    assert names(pages) == ["a.TXT", "b.txt"]
    assert passed.failed == [f"{folder}/deep: Permission denied"]


def test_links_in_a_folder_are_passed_over_and_links_that_are_named_are_read(folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "far.txt").write_text("far", encoding="utf-8")
    (folder / "linked").symlink_to(outside)
    (folder / "round").symlink_to(folder)
    (folder / "z.txt").symlink_to(outside / "far.txt")
    (folder / "dangling.txt").symlink_to(outside / "nowhere.txt")
    pages, passed = read(folder)
    assert names(pages) == ["a.TXT", "b.txt", "c.txt"]
    for name in ("linked", "round", "z.txt", "dangling.txt"):
        assert f"{folder}/{name}: a link; name it to read what it leads to" in passed.skipped
    assert read(folder / "z.txt")[0] == {f"{folder}/z.txt": b"far"}
    assert read(folder / "linked")[0] == {f"{folder}/linked/far.txt": b"far"}
    assert f"{folder}/z.txt" in read(folder / "*.txt")[0]


@pytest.mark.parametrize("given", [".", "./", "deep/..", "deep"])
def test_a_folder_named_from_within(folder: Path, monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.chdir(folder)
    pages, _ = read(given)
    assert [Path(uri).resolve() for uri in pages] == [
        folder / name for name in ("a.TXT", "b.txt", "deep/er/c.txt") if name.startswith("deep") or given != "deep"
    ]
    assert not any(uri.startswith("./") for uri in pages)


@pytest.mark.parametrize("pattern", ["*.txt", "**/*.txt", "?.txt", "[ab].*"])
def test_pattern(folder: Path, pattern: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = {"*.txt": ["b.txt"], "**/*.txt": ["b.txt", "c.txt"], "?.txt": ["b.txt"], "[ab].*": ["a.TXT", "b.txt"]}
    assert names(read(folder / pattern)[0]) == expected[pattern]
    monkeypatch.chdir(folder)
    assert names(read(pattern)[0]) == expected[pattern]


def test_pattern_of_folders(folder: Path) -> None:
    assert names(read(folder.parent / "my*")[0]) == ["a.TXT", "b.txt", "c.txt"]


def test_a_name_with_brackets_is_a_name_first(tmp_path: Path) -> None:
    (tmp_path / "page[1].txt").write_text("one", encoding="utf-8")
    assert names(read(tmp_path / "page[1].txt")[0]) == ["page[1].txt"]
    assert names(read(tmp_path / "page[[]1].*")[0]) == ["page[1].txt"]


@pytest.mark.parametrize(
    "name", ["with blanks .txt", "évaluation – Côte d’Ivoire.txt", "two\nlines.txt", "\x1b[31mred.txt", "#1%20?.txt"]
)
def test_names_are_kept(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("x", encoding="utf-8")
    for source in (tmp_path, tmp_path / name):
        assert [uri.endswith(f"/{name}") for uri in read(source)[0]] == [True]


def test_sources_are_read_in_the_order_given(folder: Path) -> None:
    assert names(read(folder / "b.txt", folder / "a.TXT")[0]) == ["b.txt", "a.TXT"]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("nowhere.txt", "no such file or folder"),
        ("no/where/*.txt", "no file matches"),
        pytest.param("x" * 300, "x{300}", id="a name that is too long"),
    ],
)
def test_nothing_there(tmp_path: Path, source: str, words: str) -> None:
    with pytest.raises(SourceError, match=words):
        read(tmp_path / source)


# ---- files that are odd

LARGE = 128 * 1024 + 1


def test_a_page_that_is_too_large_is_not_even_opened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (folder / "b.txt").open("wb") as file:
        file.truncate(10 * LARGE)
    refuse(monkeypatch, "b.txt")
    pages, passed = read(folder)
    assert names(pages) == ["a.TXT", "c.txt"]
    assert passed.failed == [f"{folder}/b.txt: larger than 128 kB, which no page is"]
    assert passed.failing_files == {f"{folder}/b.txt"}
    assert read(folder / "b.txt", folder / "a.TXT")[0] == {f"{folder}/a.TXT": b"a.TXT"}


def test_a_page_as_large_as_may_be(folder: Path) -> None:
    (folder / "b.txt").write_bytes(b"x" * (LARGE - 1))
    pages, passed = read(folder / "b.txt")
    assert len(pages[f"{folder}/b.txt"]) == LARGE - 1
    assert passed.failed == []


def special(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A pipe, a socket and a device in a folder, by what they are called."""
    os.mkfifo(folder / "pipe.txt")
    monkeypatch.chdir(folder)  # a name of a socket is short
    server = socket.socket(socket.AF_UNIX)
    server.bind("socket.txt")
    server.close()
    found = {"pipe.txt": "a pipe", "socket.txt": "a socket"}
    if os.geteuid() == 0:
        try:
            os.mknod(folder / "device.txt", 0o600 | stat.S_IFCHR, os.makedev(1, 5))
        except PermissionError:  # a container that lets nobody
            return found
        found["device.txt"] = "a device"
    return found


def test_pipes_sockets_and_devices_are_passed_over_and_nobody_waits(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = special(folder, monkeypatch)
    for source in (folder, folder / "*.txt"):
        pages, passed = read(source)
        assert "b.txt" in names(pages)
        for name, what in found.items():
            assert f"{folder}/{name}: {what}, and no file" in passed.skipped
    for name, what in found.items():
        with pytest.raises(SourceError, match=f"{name}: {what}, and no file; give files"):
            read(folder / name)


def test_a_file_that_becomes_a_pipe_keeps_nobody_waiting(folder: Path) -> None:
    files = list_files([str(folder)], Passed())
    (folder / "b.txt").unlink()
    os.mkfifo(folder / "b.txt")
    passed = Passed()
    assert names(page.source_uri for page in read_files(files, passed)) == ["a.TXT", "c.txt"]
    assert passed.failed == [f"{folder}/b.txt: no longer a file"]


@pytest.mark.parametrize("change", ["longer", "much longer", "shorter", "as long", "gone"])
def test_a_file_that_changes_while_it_is_read_is_opened_again(folder: Path, change: str) -> None:
    files = list_files([str(folder)], Passed())
    path = folder / "b.txt"
    text = {"longer": "b.txt and more", "much longer": "b" * LARGE, "shorter": "b", "as long": "B.TXT"}.get(change)
    path.unlink() if text is None else path.write_text(text, encoding="utf-8")
    passed = Passed()
    pages = {page.source_uri: page.page_bytes for page in read_files(files, passed)}
    assert passed.failing_files == {str(path)}
    if change in ("much longer", "gone"):
        assert str(path) not in pages
        assert len(passed.failed) == 1
    else:
        assert text is not None
        assert pages[str(path)] == text.encode()
        assert passed.failed == []


def test_an_archive_that_changes_while_it_is_read_is_opened_again(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "pages.zip", {"a.txt": b"one", "b.txt": b"two"})
    files = list_files([str(path)], Passed())
    passed = Passed()
    for page in read_files(files, passed):
        os.utime(path, ns=(1, 1))
        assert page.page_bytes in (b"one", b"two")
    assert passed.failing_files == {str(path)}


@pytest.mark.parametrize("source", ["\0", "a\0b.txt", "\ud800.txt", "", "b.txt/deeper"])
def test_what_can_be_no_name(folder: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    monkeypatch.chdir(folder)
    with pytest.raises(SourceError) as caught:
        list_files([source], Passed())
    assert str(caught.value).isprintable()


def test_names_in_messages_are_one_line_of_harmless_text(tmp_path: Path) -> None:
    odd = "\x1b[2J\x1b]0;pwned\x07\u202e\nnot read: forged\x9b"
    for name in (f"{odd}.txt", os.fsdecode(b"c\xe9.txt"), f"{odd}.md"):
        with (tmp_path / name).open("wb") as file:
            file.truncate(LARGE)
    _, passed = read(tmp_path)
    assert len(passed.failed) == 2
    assert len(passed.skipped) == 1
    for message in passed.failed + passed.skipped:
        assert message.isprintable()
    assert r"c\xe9.txt: larger than" in passed.failed[1]
    with pytest.raises(SourceError) as caught:
        read(tmp_path / f"{odd}.zip")
    assert str(caught.value).isprintable()


def test_a_large_folder_takes_time_in_proportion_to_its_files(tmp_path: Path) -> None:
    def listed(count: int) -> None:
        assert len(list_files([str(tmp_path / str(count))], Passed())) == count

    for count in (1_000, 7_000):
        (tmp_path / str(count)).mkdir()
        for number in range(count):
            (tmp_path / str(count) / f"{number}.txt").touch()
    assert in_proportion(listed, 1_000, times=7)


# ---- archives


def make_zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def make_tar(path: Path, members: dict[str, bytes]) -> Path:
    mode = {".tar": "w", ".gz": "w:gz", ".tgz": "w:gz", ".bz2": "w:bz2", ".xz": "w:xz"}[path.suffix]
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        link = tarfile.TarInfo("link.txt")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    return path


MEMBERS = {"pages/a.txt": b"one", "pages/deep/b.TXT": b"two", "c é.txt": b"three", "pages/readme.md": b"no page"}
ARCHIVES = ["pages.zip", "PAGES.ZIP", "pages.tar", "pages.tar.gz", "pages.tgz", "pages.tar.bz2", "pages.tar.xz"]


@pytest.mark.parametrize("name", ARCHIVES)
def test_archive(tmp_path: Path, name: str) -> None:
    path = (make_zip if name.lower().endswith(".zip") else make_tar)(tmp_path / name, MEMBERS)
    pages, passed = read(path)
    assert pages == {f"{path}/{member}": content for member, content in MEMBERS.items() if not member.endswith(".md")}
    link = [] if name.lower().endswith(".zip") else [f"{path}/link.txt: a link; links are not followed"]
    assert passed.skipped == [f"{path}/pages/readme.md: in an archive only .txt files are pages", *link]
    assert passed.failed == []


@pytest.mark.parametrize("name", ["pages.zip", "pages.tar"])
def test_hidden_members_are_passed_over_as_hidden_files_are(tmp_path: Path, name: str) -> None:
    # What the Finder packs beside every file, and what a folder would not give.
    members = {"a.txt": b"one", "__MACOSX/._a.txt": b"\x00\x05\x16\x07", ".trash/b.txt": b"two"}
    path = (make_zip if name.endswith(".zip") else make_tar)(tmp_path / name, members)
    assert names(read(path)[0]) == ["a.txt"]


@pytest.mark.parametrize("name", ARCHIVES)
@pytest.mark.parametrize("content", [b"", b"not an archive"])
def test_no_archive_at_all(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match="cannot be read as an archive"):
        read(tmp_path / name)


@pytest.mark.parametrize("name", ["pages.zip", "PAGES.ZIP"])
def test_a_zip_without_its_end_is_none(tmp_path: Path, name: str) -> None:
    path = make_zip(tmp_path / name, {f"{number}.txt": os.urandom(30_000) for number in range(3)})
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(SourceError, match="cannot be read as an archive"):
        read(path)


@pytest.mark.parametrize("name", ARCHIVES[2:])
def test_of_a_tar_that_is_cut_the_beginning_is_read(tmp_path: Path, name: str) -> None:
    members = {f"{number}.txt": os.urandom(120_000) for number in range(20)}
    path = make_tar(tmp_path / name, members)
    whole = path.read_bytes()
    # Anywhere, inside a header, and so that only the last few bytes are gone.
    for end in (len(whole) // 2, len(whole) // 2 // 512 * 512, len(whole) - 3, 16 * 120_832 + 700):
        path.write_bytes(whole[:end])
        pages, passed = read(path)
        assert pages == {f"{path}/{member}": members[member] for member in names(pages)}
        assert names(pages) == list(members)[: len(pages)]
        assert len(pages) >= 1
        assert len(passed.failed) == 1
        assert passed.failed[0].startswith(f"{path}: cannot be read as an archive behind its first ")
        assert passed.failing_files == {str(path)}


def test_damaged_member_does_not_stop_the_archive(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "pages.zip", {"a.txt": b"hello " * 1000, "b.txt": b"two"})
    damaged = bytearray(path.read_bytes())
    damaged[40:50] = b"\xff" * 10  # inside the compressed a.txt
    path.write_bytes(damaged)
    pages, passed = read(path)
    assert names(pages) == ["b.txt"]
    assert len(passed.failed) == 1
    assert "a.txt" in passed.failed[0]


def test_member_with_a_wrong_checksum_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "pages.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", b"hello")
        archive.writestr("b.txt", b"two")
    path.write_bytes(path.read_bytes().replace(b"hello", b"hallo"))
    pages, passed = read(path)
    assert names(pages) == ["b.txt"]
    assert ["a.txt" in words for words in passed.failed] == [True]


def test_damaged_stream_is_never_read_as_if_it_ended(tmp_path: Path) -> None:
    path = make_tar(tmp_path / "pages.tar", {"a.txt": os.urandom(20_000), "b.txt": os.urandom(20_000)})
    stream = gzip.compress(path.read_bytes(), 0)
    header = stream.index(b"b.txt")
    path = tmp_path / "pages.tar.gz"
    # A block of zeros ends a tar; that the checksum of the whole is wrong is seen only by who reads on.
    path.write_bytes(stream[:header] + bytes(512) + stream[header + 512 :])
    pages, passed = read(path)
    assert names(pages) == ["a.txt"]
    assert len(passed.failed) == 1


# ---- JSON Lines and Parquet


def write_lines(path: Path, *rows: Any) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


URL = "https://webapps.ilo.org/ievaldiscovery/recommendations/12731"


@pytest.mark.parametrize("name", ["crawl.jsonl", "crawl.ndjson", "CRAWL.JSONL"])
def test_json_lines(tmp_path: Path, name: str) -> None:
    path = write_lines(tmp_path / name, {"text": "é\r\n\x00", "url": URL}, {"text": "two", "url": None}, {"text": ""})
    pages, _ = read(path)
    assert pages == {URL: "é\r\n\x00".encode(), f"{path}#2": b"two", f"{path}#3": b""}


def test_json_lines_with_blank_lines_and_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "crawl.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"text": "one"}\r\n\r\n{"text": "two"}')
    assert list(read(path)[0].values()) == [b"one", b"two"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{oops}\n", "line 1: not JSON"),
        (b'{"text": \n', "line 1: not JSON"),
        (b'{"text": "\xff"}\n', "line 1: not JSON"),
        (b"[1]\n", "line 1: not a JSON object"),
        (b'{"url": "x", "title": "y"}\n', r"line 1: no text.*there are url, title"),
        (b"{}\n", r"line 1: no text.*there are none"),
        (b'{"text": 5}\n', "line 1: column text holds int, not text"),
        pytest.param(b"[" * 200_000 + b"\n", "line 1: not JSON", id="nested without end"),
        pytest.param(b'{"text": "' + b"x" * 1_100_000 + b'"}\n', "line 1: larger than 128 kB", id="a line without end"),
    ],
)
def test_a_line_that_is_no_page_does_not_stop_the_others(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "crawl.jsonl"
    path.write_bytes(content + b'{"text": "two"}\n' + content.replace(b"\n", b""))
    pages, passed = read(path)
    assert pages == {f"{path}#2": b"two"}
    assert re.match(re.escape(f"{path}, ") + words, passed.failed[0])
    assert [message.split(":")[0] for message in passed.failed] == [f"{path}, line 1", f"{path}, line 3"]
    assert passed.failing_files == {str(path)}


def test_the_secrets_of_a_crawled_address_are_not_kept(tmp_path: Path) -> None:
    path = write_lines(
        tmp_path / "crawl.jsonl", {"text": "one", "url": "https://me:key@host/1?x=2&X-Amz-Signature=abc"}
    )
    assert list(read(path)[0]) == ["https://***@host/1?x=2&X-Amz-Signature=***"]


def test_a_text_that_is_short_only_in_json(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "crawl.jsonl", {"text": "é" * 60_000})
    assert len(read(path)[0][f"{path}#1"]) == 120_000


def test_of_many_bad_lines_the_first_are_listed_and_the_others_counted(tmp_path: Path) -> None:
    path = tmp_path / "crawl.jsonl"
    path.write_bytes(b"no\n" * 5000 + b'{"text": "one"}\n')
    pages, passed = read(path)
    assert list(pages) == [f"{path}#5001"]
    assert len(passed.failed) == 101
    assert passed.failed[-1] == f"{path}: 4,900 further lines could not be read either"


@pytest.mark.parametrize("column", ["text", "page_text", "content", "body"])
@pytest.mark.parametrize("type_", [pa.string(), pa.large_string(), pa.binary(), pa.string_view()])
def test_parquet(tmp_path: Path, column: str, type_: pa.DataType) -> None:
    path = tmp_path / "crawl.parquet"
    table = pa.table({"n": [1, 2], column: pa.array(["é", "two"]).cast(type_), "url": [URL, None]})
    pq.write_table(table, path)
    assert read(path)[0] == {URL: "é".encode(), f"{path}#2": b"two"}


def test_parquet_bytes_need_not_be_text(tmp_path: Path) -> None:
    path = tmp_path / "crawl.parquet"
    pq.write_table(pa.table({"text": [b"\xff\x00"]}), path)
    assert list(read(path)[0].values()) == [b"\xff\x00"]


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["one", None, "three"], "row 2: no text"),
        ([b"one", b"x" * 150_000, b"three"], "row 2: larger than 128 kB"),
        ([{"a": 1}, {"a": 2}], "row 1: column text holds dict, not text"),
        ([1.5], "row 1: column text holds float, not text"),
    ],
)
def test_a_row_that_is_no_page_does_not_stop_the_others(tmp_path: Path, texts: list[Any], words: str) -> None:
    path = tmp_path / "crawl.parquet"
    pq.write_table(pa.table({"text": texts}), path)
    pages, passed = read(path)
    assert list(pages.values()) == [text for text in (b"one", b"three") if len(texts) == 3]
    assert passed.failed[0].startswith(f"{path}, {words}")
    assert passed.failing_files == {str(path)}


def test_parquet_without_any_text(tmp_path: Path) -> None:
    path = tmp_path / "crawl.parquet"
    pq.write_table(pa.table({"url": ["x"], "title": ["y"]}), path)
    with pytest.raises(SourceError, match=r"crawl\.parquet: no text; one of the columns .* \(there are url, title\)"):
        read(path)


def test_of_parquet_that_is_damaged_the_other_rows_are_read(tmp_path: Path) -> None:
    path = tmp_path / "crawl.parquet"
    texts = [f"{number} " + os.urandom(2000).hex() for number in range(30)]
    pq.write_table(pa.table({"text": texts}), path, row_group_size=10, use_dictionary=False)
    column = pq.read_metadata(path).row_group(1).column(0)
    damaged = bytearray(path.read_bytes())
    damaged[column.data_page_offset : column.data_page_offset + 40] = b"\xff" * 40
    path.write_bytes(damaged)
    pages, passed = read(path)
    assert list(pages) == [f"{path}#{number}" for number in (*range(1, 11), *range(21, 31))]
    assert len(passed.failed) == 1
    assert passed.failed[0].startswith(f"{path}, rows 11 to 20: ")


def test_a_text_that_many_rows_share_is_not_unpacked_for_all_of_them_at_once(tmp_path: Path) -> None:
    path = tmp_path / "crawl.parquet"
    shared = pa.DictionaryArray.from_arrays(pa.array([0] * 30_000, pa.int32()), ["x" * 120_000])
    pq.write_table(pa.table({"text": shared}), path)
    files = list_files([str(path)], Passed())
    before = pa.total_allocated_bytes()
    most = max(pa.total_allocated_bytes() - before for _ in read_files(files, Passed()))
    assert most < 1_000_000_000  # not 3,600,000,000


@pytest.mark.parametrize(
    "content", [b"", b"PAR1", b"PAR1" + bytes(50) + b"PAR1", b"text\n"], ids=["empty", "cut", "hollow", "text"]
)
def test_parquet_that_is_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "crawl.parquet"
    path.write_bytes(content)
    with pytest.raises(SourceError, match="cannot be read as Parquet"):
        read(path)


def test_parquet_with_a_name_that_is_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "crawl.parquet"
    pq.write_table(pa.table({"text": ["one"], "zz": ["two"]}), path, store_schema=False)
    path.write_bytes(path.read_bytes().replace(b"zz", b"\xb7z"))
    with pytest.raises(SourceError, match="cannot be read as Parquet"):
        read(path)


# ---- the fingerprint that the sensor looks at


def test_fingerprint_of_sources(folder: Path) -> None:
    seen = {sources_fingerprint([str(folder)])}
    assert sources_fingerprint([str(folder)]) in seen
    (folder / "new.txt").write_text("new", encoding="utf-8")
    seen.add(sources_fingerprint([str(folder)]))
    (folder / "new.txt").write_text("newer", encoding="utf-8")
    seen.add(sources_fingerprint([str(folder)]))
    os.utime(folder / "b.txt", ns=(1, 1))
    seen.add(sources_fingerprint([str(folder)]))
    (folder / "b.txt").unlink()
    seen.add(sources_fingerprint([str(folder)]))
    assert len(seen) == 5
    assert sources_fingerprint([str(folder / "nowhere" / "*.txt")]) not in seen


def test_fingerprint_of_names_that_are_no_text(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.txt")).write_text("x", encoding="utf-8")
    assert sources_fingerprint([str(tmp_path)]) != sources_fingerprint([])
