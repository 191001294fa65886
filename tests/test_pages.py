"""Sources of every form, and the store that only grows."""

from __future__ import annotations

import base64
import datetime
import gzip
import hashlib
import io
import json
import os
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines import pages as pages_module
from pipelines.pages import (
    PageCounts,
    SourceError,
    SourcePage,
    add_pages,
    read_sources,
    sources_fingerprint,
    store_parts,
)
from pipelines.records import PAGE_SCHEMA

DAY_1 = datetime.datetime(2024, 3, 1, 6, 30, 15, 123456, tzinfo=datetime.UTC)
DAY_2 = datetime.datetime(2024, 9, 1, 6, tzinfo=datetime.UTC)


def read(*sources: str | Path) -> tuple[dict[str, bytes], PageCounts]:
    """What the sources hold, by the end of its address, and what was said of the rest."""
    counts = PageCounts()
    pages = list(read_sources([str(source) for source in sources], counts))
    return {page.source_uri: page.page_bytes for page in pages}, counts


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
    pages, counts = read(folder)
    assert pages == {
        f"{folder}/a.TXT": b"a.TXT",
        f"{folder}/b.txt": b"b.txt",
        f"{folder}/deep/er/c.txt": b"deep/er/c.txt",
    }
    assert list(pages) == sorted(pages)
    assert [words.split(": ")[0] for words in counts.skipped] == [f"{folder}/e.txt.bak", f"{folder}/notes.md"]
    assert counts.failed == []


def test_empty_folder(tmp_path: Path) -> None:
    assert read(tmp_path)[0] == {}


def test_a_file_that_cannot_be_read_does_not_stop_the_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read_bytes = Path.read_bytes

    def refuse(path: Path) -> bytes:
        if path.name == "b.txt":
            raise PermissionError(13, "Permission denied")
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    pages, counts = read(folder)
    assert names(pages) == ["a.TXT", "c.txt"]
    assert counts.failed == [f"{folder}/b.txt: Permission denied"]
    with pytest.raises(SourceError, match=r"b\.txt: Permission denied"):
        read(folder / "b.txt")


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


def test_a_name_that_is_no_text_is_stored_as_text(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    Path(os.fsdecode(os.fsencode(tmp_path / "in") + b"/caf\xe9.txt")).write_text("x", encoding="utf-8")
    counts = PageCounts()
    add_pages(tmp_path / "store", read_sources([str(tmp_path / "in")], counts), DAY_1, counts)
    (row,) = stored(tmp_path / "store")
    assert row["source_uri"].endswith("/caf\N{REPLACEMENT CHARACTER}.txt")


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
    pages, counts = read(path)
    assert pages == {f"{path}/{member}": content for member, content in MEMBERS.items() if not member.endswith(".md")}
    assert len(counts.skipped) == 1
    assert f"{path}/pages/readme.md" in counts.skipped[0]
    assert counts.failed == []


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


@pytest.mark.parametrize("name", ARCHIVES)
def test_truncated_archive(tmp_path: Path, name: str) -> None:
    members = {f"{number}.txt": os.urandom(30_000) for number in range(3)}
    path = (make_zip if name.lower().endswith(".zip") else make_tar)(tmp_path / name, members)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    counts = PageCounts()
    with pytest.raises(SourceError, match="cannot be read as an archive"):
        list(read_sources([str(path)], counts))


def test_damaged_member_does_not_stop_the_archive(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "pages.zip", {"a.txt": b"hello " * 1000, "b.txt": b"two"})
    damaged = bytearray(path.read_bytes())
    damaged[40:50] = b"\xff" * 10  # inside the compressed a.txt
    path.write_bytes(damaged)
    pages, counts = read(path)
    assert names(pages) == ["b.txt"]
    assert len(counts.failed) == 1
    assert "a.txt" in counts.failed[0]


def test_member_with_a_wrong_checksum_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "pages.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", b"hello")
        archive.writestr("b.txt", b"two")
    path.write_bytes(path.read_bytes().replace(b"hello", b"hallo"))
    pages, counts = read(path)
    assert names(pages) == ["b.txt"]
    assert ["a.txt" in words for words in counts.failed] == [True]


def test_damaged_stream_is_never_read_as_if_it_ended(tmp_path: Path) -> None:
    path = make_tar(tmp_path / "pages.tar", {"a.txt": os.urandom(20_000), "b.txt": os.urandom(20_000)})
    stream = gzip.compress(path.read_bytes(), 0)
    header = stream.index(b"b.txt")
    path = tmp_path / "pages.tar.gz"
    # A block of zeros ends a tar; that the checksum of the whole is wrong is seen only by who reads on.
    path.write_bytes(stream[:header] + bytes(512) + stream[header + 512 :])
    try:
        pages, counts = read(path)
    except SourceError:
        return
    assert len(pages) + len(counts.failed) == 2


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
        (b'{"text": "one"}\n{"text": \n', "line 2: not JSON"),
        (b'{"text": "\xff"}\n', "line 1: not JSON"),
        (b"[1]\n", "line 1: not a JSON object"),
        (b'{"url": "x", "title": "y"}\n', r"line 1: no text.*there are url, title"),
        (b"{}\n", r"line 1: no text.*there are none"),
        (b'{"text": 5}\n', "line 1: column text holds int, not text"),
        pytest.param(b"[" * 200_000, "line 1", id="nested without end"),
    ],
)
def test_json_lines_that_are_none(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "crawl.jsonl"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=words) as caught:
        read(path)
    assert "crawl.jsonl" in str(caught.value)


def test_lone_surrogates_are_stored_like_any_damage(tmp_path: Path) -> None:
    path = tmp_path / "crawl.jsonl"
    path.write_text('{"text": "a\\ud800b", "url": "https://example.org/\\ud800"}\n', encoding="utf-8")
    counts = PageCounts()
    add_pages(tmp_path / "store", read_sources([str(path)], counts), DAY_1, counts)
    (row,) = stored(tmp_path / "store")
    assert base64.b64decode(row["page_bytes_base64"]) == b"a\xed\xa0\x80b"
    assert row["source_uri"].startswith("https://example.org/")


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


def test_raw_pages_of_a_warehouse_can_be_read_again(tmp_path: Path) -> None:
    counts = PageCounts()
    add_pages(tmp_path / "store", [SourcePage("https://example.org/a.txt", b"one")], DAY_1, counts)
    assert read(store_parts(tmp_path / "store")[0])[0] == {"https://example.org/a.txt": b"one"}


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (pa.table({"url": ["x"], "title": ["y"]}), "row 1: no text"),
        (pa.table({"text": ["one", None]}), "row 2: no text"),
        (pa.table({"text": [1.5]}), "row 1: column text holds float, not text"),
    ],
)
def test_parquet_without_text(tmp_path: Path, table: pa.Table, words: str) -> None:
    path = tmp_path / "crawl.parquet"
    pq.write_table(table, path)
    with pytest.raises(SourceError, match=words):
        read(path)


@pytest.mark.parametrize(
    "content", [b"", b"PAR1", b"PAR1" + bytes(50) + b"PAR1", b"text\n"], ids=["empty", "cut", "hollow", "text"]
)
def test_parquet_that_is_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "crawl.parquet"
    path.write_bytes(content)
    with pytest.raises(SourceError, match="cannot be read as Parquet"):
        read(path)


# ---- the store


def stored(store: Path) -> list[dict[str, Any]]:
    return [row for part in store_parts(store) for row in pq.read_table(part).to_pylist()]


def add(store: Path, pages: dict[str, bytes], seen_at: datetime.datetime = DAY_1) -> PageCounts:
    return add_pages(store, [SourcePage(*page) for page in pages.items()], seen_at, PageCounts())


def test_only_new_contents_are_appended(tmp_path: Path) -> None:
    first = add(tmp_path, {"x/a.txt": b"one", "x/b.txt": b"two", "x/copy.txt": b"one"})
    assert (first.read, first.new, first.known) == (3, 2, 1)
    (part,) = store_parts(tmp_path)
    before = part.read_bytes()
    second = add(tmp_path, {"y/a.txt": b"one", "y/c.txt": b"three"}, DAY_2)
    assert (second.read, second.new, second.known) == (2, 1, 1)
    assert part.read_bytes() == before
    assert [(row["source_uri"], row["first_seen_at"]) for row in stored(tmp_path)] == [
        ("x/a.txt", DAY_1),
        ("x/b.txt", DAY_1),
        ("y/c.txt", DAY_2),
    ]


def test_nothing_new_writes_nothing(tmp_path: Path) -> None:
    add(tmp_path, {"a.txt": b"one"})
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert add(tmp_path, {"b.txt": b"one"}).new == 0
    assert add(tmp_path, {}).read == 0
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


def test_row_of_a_page(tmp_path: Path) -> None:
    add(tmp_path, {"a.txt": "évaluation".encode()})
    (row,) = stored(tmp_path)
    assert row == {
        "page_id": hashlib.sha256("évaluation".encode()).hexdigest(),
        "source_uri": "a.txt",
        "first_seen_at": DAY_1,
        "byte_size": 11,
        "page_text": "évaluation",
        "page_bytes_base64": None,
    }
    assert pq.read_schema(store_parts(tmp_path)[0]).equals(PAGE_SCHEMA)


def given_back(row: dict[str, Any]) -> bytes:
    """The bytes of a page, from its row alone."""
    kept = row["page_bytes_base64"]
    return row["page_text"].encode("utf-8") if kept is None else base64.b64decode(kept)


@pytest.mark.parametrize(
    "page_bytes",
    [
        b"",
        b"\xef\xbb\xbfBack to index\r\n",
        b"a\x00b",
        b"caf\xe9\x81",
        b"cut inside a character \xe2\x80",
        "\ufeffBack to index\n".encode("utf-16-le"),
        b"\xff\xfe\x00",
        b"\r\r\n\n\r",
        "a\u0085b\u2028c".encode(),
    ],
)
def test_bytes_are_given_back(tmp_path: Path, page_bytes: bytes) -> None:
    add(tmp_path, {"a.txt": page_bytes})
    (row,) = stored(tmp_path)
    assert given_back(row) == page_bytes
    assert row["byte_size"] == len(page_bytes)


@given(st.binary(max_size=200))
def test_any_bytes_are_given_back(page_bytes: bytes) -> None:
    text, kept = pages_module._decode(page_bytes)
    assert given_back({"page_text": text, "page_bytes_base64": kept}) == page_bytes
    text.encode("utf-8")  # what Parquet and DuckDB ask of a text


def test_parts_are_of_a_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages_module, "_PART_BYTES", 10)
    add(tmp_path, {f"{number}.txt": f"page {number}".encode() for number in range(7)})
    assert [path.name.split("-")[:2] for path in store_parts(tmp_path)] == [["part", f"{n:06d}"] for n in range(1, 5)]
    assert [row["source_uri"] for row in stored(tmp_path)] == [f"{number}.txt" for number in range(7)]


def test_the_name_of_a_part_tells_its_content(tmp_path: Path) -> None:
    """Records that were made of one part are never taken for those of another."""
    for folder, page in (("a", b"one"), ("b", b"one"), ("c", b"two")):
        add(tmp_path / folder, {"page.txt": page})
    (a,), (b,), (c,) = (store_parts(tmp_path / folder) for folder in "abc")
    assert a.name == b.name != c.name


def test_what_stops_half_way_keeps_the_parts_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages_module, "_PART_BYTES", 1)

    def pages() -> Iterable[SourcePage]:
        yield SourcePage("a.txt", b"one")
        raise SourceError("gone")

    with pytest.raises(SourceError):
        add_pages(tmp_path, pages(), DAY_1, PageCounts())
    assert [row["source_uri"] for row in stored(tmp_path)] == ["a.txt"]


def test_progress_is_told_page_by_page(tmp_path: Path) -> None:
    told: list[int] = []
    add_pages(tmp_path, [SourcePage("a", b"1"), SourcePage("b", b"1")], DAY_1, PageCounts(), told.append)
    assert told == [1, 1]


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
