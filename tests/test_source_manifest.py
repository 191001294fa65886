"""What was read is remembered: files that are as they were are not opened, and nothing else is believed of them."""

from __future__ import annotations

import datetime
import os
import time
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from test_sources import make_zip, refuse, write_lines

from pipelines.pages import add_pages
from pipelines.source_manifest import changed_files, remember
from pipelines.sources import Passed, SourceFile, SourcePage, list_files, read_files

NOTHING: set[str] = set()
DAY = datetime.datetime(2024, 3, 1, tzinfo=datetime.UTC)
LATER_NS = 60 * 1_000_000_000


class Reader:
    """Reads sources as a run does, with a manifest in a folder."""

    def __init__(self, folder: Path) -> None:
        self.manifest = folder / "sources.parquet"
        self.passed = Passed()

    def changed(self, *sources: Path | str) -> tuple[list[str], list[str]]:
        """The files to be opened, and the page_ids of those that are not."""
        files, unchanged = changed_files(list_files([str(source) for source in sources], Passed()), self.manifest)
        return [file.path for file in files], sorted(unchanged.to_pylist())

    def read(self, *sources: Path | str, listed_ns: int | None = None) -> list[SourcePage]:
        """The pages of files that have changed, which are remembered from now on."""
        # As if all of it had been written a while ago.
        listed_ns = time.time_ns() + LATER_NS if listed_ns is None else listed_ns
        files = list_files([str(source) for source in sources], Passed())
        changed, _ = changed_files(files, self.manifest)
        self.passed = Passed()
        pages = list(read_files(changed, self.passed))
        remember(
            changed,
            [page.file for page in pages],
            [page_id(page) for page in pages],
            self.manifest,
            listed_ns,
            self.passed.failing_files,
        )
        return pages


def page_id(page: SourcePage) -> str:
    return f"id of {page.page_bytes.decode()}"


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    return Reader(tmp_path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pages = tmp_path / "pages"
    pages.mkdir()
    for name in ("a", "b", "c"):
        (pages / f"{name}.txt").write_text(name, encoding="utf-8")
    return pages


def test_without_a_manifest_every_file_is_new(reader: Reader, folder: Path) -> None:
    assert reader.changed(folder) == ([f"{folder}/{name}.txt" for name in "abc"], [])
    assert not reader.manifest.exists()


def test_unchanged_files_are_not_opened(reader: Reader, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = make_zip(folder.parent / "pages.zip", {"d.txt": b"d"})
    assert len(reader.read(folder, archive)) == 4
    refuse(monkeypatch, "a.txt", "b.txt", "c.txt", "pages.zip")
    assert reader.read(folder, archive) == []
    assert reader.changed(folder, archive) == ([], ["id of a", "id of b", "id of c", "id of d"])
    assert reader.passed.failed == []


@pytest.mark.parametrize("change", ["size", "time", "older", "both"])
def test_a_file_of_another_size_or_time_is_opened(reader: Reader, folder: Path, change: str) -> None:
    reader.read(folder)
    path = folder / "b.txt"
    status = path.stat()
    moved = {"size": 0, "time": 1, "older": -3_600_000_000_000, "both": 1}[change]
    path.write_text("B, changed" if change in ("size", "both") else "B", encoding="utf-8")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + moved))
    assert reader.changed(folder) == ([f"{folder}/b.txt"], ["id of a", "id of c"])
    assert [page.source_uri for page in reader.read(folder)] == [f"{folder}/b.txt"]
    assert reader.changed(folder)[0] == []


def test_new_and_removed_files(reader: Reader, folder: Path) -> None:
    reader.read(folder)
    (folder / "a.txt").unlink()
    (folder / "d.txt").write_text("d", encoding="utf-8")
    assert reader.changed(folder) == ([f"{folder}/d.txt"], ["id of b", "id of c"])
    reader.read(folder)
    # A file that comes back as it was says nothing new.
    assert reader.changed(folder) == ([], ["id of b", "id of c", "id of d"])


def test_order_of_files_is_kept(reader: Reader, folder: Path) -> None:
    paths = [folder / f"{name}.txt" for name in "cab"]
    assert reader.changed(*paths)[0] == [str(path) for path in paths]


def test_other_files_stay_known(reader: Reader, folder: Path) -> None:
    """A run that names one file forgets nothing of those that it was not told of."""
    reader.read(folder)
    other = folder.parent / "other.txt"
    other.write_text("other", encoding="utf-8")
    reader.read(other)
    assert reader.changed(folder, other) == ([], ["id of a", "id of b", "id of c", "id of other"])


@pytest.mark.parametrize("damage", ["empty", "junk", "cut", "another table", "folder"])
def test_a_damaged_manifest_is_none(reader: Reader, folder: Path, damage: str) -> None:
    reader.read(folder)
    whole = reader.manifest.read_bytes()
    if damage == "folder":
        reader.manifest.unlink()
        reader.manifest.mkdir()
    elif damage == "another table":
        pq.write_table(pa.table({"name": ["a.txt"], "byte_size": [1]}), reader.manifest)
    else:
        reader.manifest.write_bytes({"empty": b"", "junk": b"junk" * 99, "cut": whole[: len(whole) // 2]}[damage])
    assert len(reader.changed(folder)[0]) == 3
    if damage != "folder":
        assert len(reader.read(folder)) == 3
        assert reader.manifest.read_bytes() == whole


def test_the_same_relative_path_elsewhere_is_another_file(
    reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("here", "there"):
        (tmp_path / name / "pages").mkdir(parents=True)
        path = tmp_path / name / "pages" / "a.txt"
        path.write_text(name.ljust(5), encoding="utf-8")
        os.utime(path, ns=(1, 1))
    monkeypatch.chdir(tmp_path / "here")
    assert len(reader.read("pages")) == 1
    assert reader.changed("pages") == ([], ["id of here "])
    # The same file under its absolute name.
    assert reader.changed(tmp_path / "here" / "pages") == ([], ["id of here "])
    monkeypatch.chdir(tmp_path / "there")
    assert reader.changed("pages") == (["pages/a.txt"], [])
    assert reader.changed("../here/pages")[0] == ["../here/pages/a.txt"]  # opened once more, and harmless


def test_names_that_are_no_text(reader: Reader, tmp_path: Path) -> None:
    (tmp_path / "pages").mkdir()
    for name in (b"caf\xe9.txt", b"caf\xe8.txt", "café.txt".encode(), b"two\nlines.txt"):
        Path(os.fsdecode(os.fsencode(tmp_path / "pages") + b"/" + name)).write_text(repr(name), encoding="utf-8")
    pages = reader.read(tmp_path / "pages")
    assert len(pages) == 4
    assert reader.changed(tmp_path / "pages") == ([], sorted(page_id(page) for page in pages))
    odd = os.fsdecode(os.fsencode(tmp_path / "pages") + b"/caf\xe9.txt")
    Path(odd).write_text("another", encoding="utf-8")
    assert reader.changed(tmp_path / "pages")[0] == [odd]


def test_files_that_are_too_fresh_are_opened_again(reader: Reader, folder: Path) -> None:
    """A file that is written twice within one tick of the clock has the same time both times."""
    now = time.time_ns()
    for name, age in (("a", 10), ("b", 1), ("c", -3600)):
        os.utime(folder / f"{name}.txt", ns=(now, now - age * 1_000_000_000))
    reader.read(folder, listed_ns=now)
    assert reader.changed(folder) == ([f"{folder}/b.txt", f"{folder}/c.txt"], ["id of a"])
    reader.read(folder, listed_ns=now + 5_000_000_000)
    assert reader.changed(folder) == ([f"{folder}/c.txt"], ["id of a", "id of b"])


def test_a_fresh_file_that_was_known_is_not_believed_any_more(reader: Reader, folder: Path) -> None:
    reader.read(folder)
    path = folder / "a.txt"
    path.write_text("A", encoding="utf-8")
    now = time.time_ns()
    os.utime(path, ns=(now, now))
    reader.read(folder, listed_ns=now)
    path.write_text("Z", encoding="utf-8")
    os.utime(path, ns=(now, now))
    assert [page.page_bytes for page in reader.read(folder)] == [b"Z"]


def test_archives_have_several_pages(reader: Reader, tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "pages.zip", {"a.txt": b"one", "b.txt": b"two", "copy.txt": b"one"})
    lines = write_lines(tmp_path / "crawl.jsonl", {"text": "three"}, {"text": "four"})
    assert len(reader.read(archive, lines)) == 5
    unchanged = ["id of four", "id of one", "id of one", "id of three", "id of two"]
    assert reader.changed(archive, lines) == ([], unchanged)
    write_lines(lines, {"text": "three"}, {"text": "four"}, {"text": "five"})
    assert reader.changed(archive, lines) == ([str(lines)], ["id of one", "id of one", "id of two"])


def test_files_without_a_page_are_known_too(reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = make_zip(tmp_path / "empty.zip", {"readme.md": b"no page"})
    lines = write_lines(tmp_path / "empty.jsonl")
    assert reader.read(archive, lines) == []
    assert reader.changed(archive, lines) == ([], [])


def test_failing_files_are_tried_again(reader: Reader, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = make_zip(folder.parent / "pages.zip", {"d.txt": b"hello " * 1000, "e.txt": b"two"})
    whole = archive.read_bytes()
    archive.write_bytes(whole[:40] + b"\xff" * 10 + whole[50:])
    with monkeypatch.context() as patched:
        refuse(patched, "b.txt")
        assert len(reader.read(folder, archive)) == 3
        assert reader.passed.failing_files == {f"{folder}/b.txt", str(archive)}
        assert reader.changed(folder, archive) == ([f"{folder}/b.txt", str(archive)], ["id of a", "id of c"])
    assert [page.page_bytes for page in reader.read(folder, archive)] == [b"b", b"two"]
    assert reader.changed(folder, archive)[0] == [str(archive)]


def test_a_file_that_was_known_and_fails_now_is_tried_again(
    reader: Reader, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader.read(folder)
    (folder / "b.txt").write_text("b, changed", encoding="utf-8")
    with monkeypatch.context() as patched:
        refuse(patched, "b.txt")
        assert reader.read(folder) == []
    assert reader.changed(folder) == ([f"{folder}/b.txt"], ["id of a", "id of c"])


def test_a_file_that_is_given_twice(reader: Reader, folder: Path) -> None:
    """Named, and in a folder that is named."""
    for _ in range(3):
        reader.read(folder, folder / "a.txt")
    assert reader.changed(folder, folder / "a.txt")[0] == []
    assert set(reader.changed(folder, folder / "a.txt")[1]) == {"id of a", "id of b", "id of c"}
    assert pq.read_table(reader.manifest).num_rows < 10


def test_no_files_at_all(reader: Reader) -> None:
    assert changed_files([], reader.manifest)[0] == []
    remember([], [], [], reader.manifest, time.time_ns(), NOTHING)
    assert pq.read_table(reader.manifest).num_rows == 0


def test_same_files_same_bytes(reader: Reader, folder: Path, tmp_path: Path) -> None:
    """However they were read: together, one by one, in another order."""
    other = Reader(tmp_path / "other")
    reader.read(folder)
    for name in "cab":
        other.read(folder / f"{name}.txt")
    assert reader.manifest.read_bytes() == other.manifest.read_bytes()


def test_a_manifest_of_many_files(tmp_path: Path) -> None:
    """A join of many rows keeps their order and loses none of them."""
    files = [SourceFile(f"/pages/{number % 977}/{number}.txt", number, number, False) for number in range(5_000)]
    names: Sequence[str] = [file.path for file in files]
    remember(files, names, names, tmp_path / "sources.parquet", time.time_ns(), NOTHING)
    changed = [file._replace(byte_size=-1) if number % 7 == 0 else file for number, file in enumerate(files)]
    found, unchanged = changed_files(changed, tmp_path / "sources.parquet")
    assert found == changed[::7]
    assert sorted(unchanged.to_pylist()) == sorted(file.path for file in files if file.byte_size % 7)


def test_it_is_only_a_convenience(folder: Path, tmp_path: Path) -> None:
    """Whoever reads a known file again adds nothing to the store."""
    for expected in (3, 0):
        files = list_files([str(folder)], Passed())
        assert add_pages(tmp_path / "store", read_files(files, Passed()), DAY).new == expected


# ---- pages that the store does not have


def test_a_file_whose_page_is_not_stored_is_new(reader: Reader, folder: Path, tmp_path: Path) -> None:
    """Somebody deleted a part, or the whole store: what is remembered of files must not keep their pages away."""
    archive = make_zip(tmp_path / "pages.zip", {"d.txt": b"d", "e.txt": b"e"})
    empty = make_zip(tmp_path / "empty.zip", {"readme.md": b"no page"})
    reader.read(folder, archive, empty)
    files = list_files([str(folder), str(archive), str(empty)], Passed())

    def changed(*stored: str) -> tuple[list[str], list[str]]:
        page_ids = pa.chunked_array([[f"id of {page}" for page in stored]], pa.string())
        found, unchanged = changed_files(files, reader.manifest, page_ids)
        return [Path(file.path).name for file in found], sorted(unchanged.to_pylist())

    every = [f"id of {page}" for page in "abcde"]
    assert changed(*"abcde") == ([], every)
    assert changed(*"abcdefg") == ([], every)
    assert changed(*"abcd") == (["pages.zip"], every[:3])
    assert changed(*"acde") == (["b.txt"], ["id of a", "id of c", "id of d", "id of e"])
    # A file that holds no page is known even of an empty store.
    assert changed() == (["a.txt", "b.txt", "c.txt", "pages.zip"], [])
