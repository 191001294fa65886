"""The page store: every distinct content once, with its bytes; where and when it was seen; and nothing else."""

from __future__ import annotations

import base64
import datetime
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines import pages as pages_module
from pipelines.pages import (
    SIGHTING_SCHEMA,
    MomentError,
    PageCounts,
    add_pages,
    page_slices,
    read_moment,
    sighting_parts,
    slice_bounds,
    store_parts,
)
from pipelines.records import PAGE_SCHEMA
from pipelines.sources import Passed, SourceError, SourcePage, list_files, read_files

DAY_1 = datetime.datetime(2024, 3, 1, 6, 30, 15, 123456, tzinfo=datetime.UTC)
DAY_2 = datetime.datetime(2024, 9, 1, 6, tzinfo=datetime.UTC)
DAY_3 = datetime.datetime(2025, 3, 1, 6, tzinfo=datetime.UTC)
DAY_4 = datetime.datetime(2025, 9, 1, 6, tzinfo=datetime.UTC)


def pages_of(source: Path) -> Iterable[SourcePage]:
    return read_files(list_files([str(source)], Passed()), Passed())


# ---- the store


def stored(store: Path) -> list[dict[str, Any]]:
    return [row for part in store_parts(store) for row in pq.read_table(part).to_pylist()]


def add(store: Path, pages: dict[str, bytes], seen_at: datetime.datetime = DAY_1) -> PageCounts:
    return add_pages(store, [SourcePage(*page) for page in pages.items()], seen_at)


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


def test_pages_are_counted_with_their_files(tmp_path: Path) -> None:
    pages = [SourcePage("a", b"one", "x.zip"), SourcePage("b", b"two", "x.zip"), SourcePage("c", b"one", "c.txt")]
    counts = add_pages(tmp_path, pages, DAY_1)
    one, two = (hashlib.sha256(content).hexdigest() for content in (b"one", b"two"))
    assert (counts.files, counts.page_ids) == (["x.zip", "x.zip", "c.txt"], [one, two, one])


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
    text, kept = pages_module.stored_text(page_bytes)
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


def test_full_parts_are_told_as_soon_as_they_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last one is not full: whoever waits for parts to come finds it in the store."""
    monkeypatch.setattr(pages_module, "_PART_BYTES", 10)
    told: list[tuple[Path, int]] = []

    def pages() -> Iterable[SourcePage]:
        for number in range(5):
            yield SourcePage(f"{number}.txt", f"page {number}".encode())

    add_pages(tmp_path, pages(), DAY_1, on_part=lambda part: told.append((part, len(store_parts(tmp_path)))))
    assert told == [(part, number) for number, part in enumerate(store_parts(tmp_path)[:2], 1)]
    assert len(store_parts(tmp_path)) == 3


def test_what_stops_half_way_keeps_the_parts_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages_module, "_PART_BYTES", 1)

    def pages() -> Iterable[SourcePage]:
        yield SourcePage("a.txt", b"one")
        raise SourceError("gone")

    with pytest.raises(SourceError):
        add_pages(tmp_path, pages(), DAY_1)
    assert [row["source_uri"] for row in stored(tmp_path)] == ["a.txt"]


def test_progress_is_told_page_by_page(tmp_path: Path) -> None:
    told: list[int] = []
    add_pages(tmp_path, [SourcePage("a", b"1"), SourcePage("b", b"1")], DAY_1, progress=told.append)
    assert told == [1, 1]


def test_a_name_that_is_no_text_is_stored_as_text(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    Path(os.fsdecode(os.fsencode(tmp_path / "in") + b"/caf\xe9.txt")).write_text("x", encoding="utf-8")
    add_pages(tmp_path / "store", pages_of(tmp_path / "in"), DAY_1)
    (row,) = stored(tmp_path / "store")
    assert row["source_uri"].endswith("/caf\N{REPLACEMENT CHARACTER}.txt")


def test_lone_surrogates_are_stored_like_any_damage(tmp_path: Path) -> None:
    path = tmp_path / "crawl.jsonl"
    path.write_text('{"text": "a\\ud800b", "url": "https://example.org/\\ud800"}\n', encoding="utf-8")
    add_pages(tmp_path / "store", pages_of(path), DAY_1)
    (row,) = stored(tmp_path / "store")
    assert base64.b64decode(row["page_bytes_base64"]) == b"a\xed\xa0\x80b"
    assert row["source_uri"].startswith("https://example.org/")


def test_raw_pages_of_a_warehouse_can_be_read_again(tmp_path: Path) -> None:
    add_pages(tmp_path / "store", [SourcePage("https://example.org/a.txt", b"one")], DAY_1)
    (part,) = store_parts(tmp_path / "store")
    assert [page[:2] for page in pages_of(part)] == [("https://example.org/a.txt", b"one")]


# ---- sightings

A, B = "https://example.org/a", "https://example.org/b"


def seen(store: Path) -> list[tuple[str, bytes, datetime.datetime]]:
    """Every stored sighting, first or further: where, of what, when."""
    contents = {row["page_id"]: given_back(row) for row in stored(store)}
    rows = stored(store) + [row for part in sighting_parts(store) for row in pq.read_table(part).to_pylist()]
    found = [(row["source_uri"], contents[row["page_id"]], row["first_seen_at"]) for row in rows]
    assert len(set(found)) == len(found)
    return sorted(found, key=lambda sighting: (sighting[2], sighting[:2]))


def state(store: Path) -> Any:
    """A sighting that says nothing new touches no file."""
    return sorted((path, path.stat().st_mtime_ns, path.stat().st_ino) for path in store.rglob("*"))


def test_further_sightings_lie_beside_the_parts(tmp_path: Path) -> None:
    add(tmp_path, {A: b"one"}, DAY_2)
    (part,) = store_parts(tmp_path)
    before = part.read_bytes()
    add_pages(tmp_path, [SourcePage(A, b"one")], DAY_1, is_stated=True)
    assert store_parts(tmp_path) == [part]
    assert part.read_bytes() == before
    (further,) = sighting_parts(tmp_path)
    assert pq.read_schema(further).equals(SIGHTING_SCHEMA)
    assert seen(tmp_path) == [(A, b"one", DAY_1), (A, b"one", DAY_2)]


def test_a_page_that_is_as_it_was_says_nothing_new(tmp_path: Path) -> None:
    add(tmp_path, {A: b"one"}, DAY_1)
    before = state(tmp_path)
    add(tmp_path, {A: b"one"}, DAY_2)
    assert state(tmp_path) == before


def test_a_page_that_goes_back_is_seen_anew(tmp_path: Path) -> None:
    for content, day in ((b"one", DAY_1), (b"two", DAY_2), (b"one", DAY_3), (b"one", DAY_4)):
        add(tmp_path, {A: content}, day)
    assert seen(tmp_path) == [(A, b"one", DAY_1), (A, b"two", DAY_2), (A, b"one", DAY_3)]
    add(tmp_path, {A: b"two"}, DAY_4)
    assert seen(tmp_path)[-1] == (A, b"two", DAY_4)


def test_a_page_that_takes_the_content_of_another_is_seen_with_it(tmp_path: Path) -> None:
    add(tmp_path, {A: b"one", B: b"two"}, DAY_1)
    add(tmp_path, {A: b"two", B: b"two"}, DAY_2)
    assert seen(tmp_path) == [(A, b"one", DAY_1), (B, b"two", DAY_1), (A, b"two", DAY_2)]


def test_a_folder_of_old_pages_that_was_moved_is_not_seen_anew(tmp_path: Path) -> None:
    add(tmp_path, {"x/a.txt": b"one", "x/b.txt": b"two"}, DAY_1)
    add(tmp_path, {"x/a.txt": b"one, repaired"}, DAY_2)
    before = state(tmp_path)
    add(tmp_path, {"archive/x/a.txt": b"one", "archive/x/b.txt": b"two"}, DAY_3)
    assert state(tmp_path) == before


def test_a_file_that_is_as_before_is_not_seen_anew(tmp_path: Path) -> None:
    """`ieval run --rebuild` opens all files, and says no more of them than a run that leaves them closed."""
    for day, content in ((DAY_1, b"one"), (DAY_2, b"two")):
        add_pages(tmp_path, [SourcePage(A, content, "live.jsonl")], day)
    live = [SourcePage(A, b"one", "live.jsonl")]
    add_pages(tmp_path, live, DAY_3, as_before={"live.jsonl"})
    assert sighting_parts(tmp_path) == []
    add_pages(tmp_path, live, DAY_3)
    assert len(sighting_parts(tmp_path)) == 1


def test_pages_that_are_known_from_elsewhere_are_counted(tmp_path: Path) -> None:
    add_pages(tmp_path, [SourcePage("monday/a.txt", b"one"), SourcePage("monday/b.txt", b"two")], DAY_1)
    crawl = [SourcePage(f"tuesday/{name}.txt", text) for name, text in (("a", b"one"), ("b", b"new"), ("c", b"new"))]
    counts = add_pages(tmp_path, crawl, DAY_2)
    assert (counts.new, counts.known, counts.elsewhere) == (1, 2, 1)
    assert add_pages(tmp_path, crawl, DAY_3, is_stated=True).elsewhere == 0


def test_an_address_that_is_left_with_one_of_its_contents_went_back_to_it(tmp_path: Path) -> None:
    add_pages(tmp_path, [SourcePage(A, b"one"), SourcePage(A, b"two")], DAY_1)
    add_pages(tmp_path, [SourcePage(A, b"one")], DAY_2)
    add_pages(tmp_path, [SourcePage(A, b"one")], DAY_3)
    (part,) = sighting_parts(tmp_path)
    assert pq.read_table(part)["first_seen_at"].to_pylist() == [DAY_2]


def test_an_address_with_several_contents_in_one_run_went_nowhere(tmp_path: Path) -> None:
    """A crawl that lists a page twice says of neither content that it is the newer one."""
    crawl = [SourcePage(A, b"one"), SourcePage(A, b"two")]
    add_pages(tmp_path, crawl, DAY_1)
    before = state(tmp_path)
    add_pages(tmp_path, crawl, DAY_2)
    add_pages(tmp_path, crawl[::-1], DAY_3)
    assert state(tmp_path) == before
    assert seen(tmp_path) == [(A, b"one", DAY_1), (A, b"two", DAY_1)]


def test_an_address_with_a_known_and_a_new_content_in_one_run(tmp_path: Path) -> None:
    for day, contents in ((DAY_1, [b"one"]), (DAY_2, [b"two"]), (DAY_3, [b"one", b"three"])):
        add_pages(tmp_path, [SourcePage(A, content) for content in contents], day)
    assert seen(tmp_path) == [(A, b"one", DAY_1), (A, b"two", DAY_2), (A, b"three", DAY_3)]


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 1), (3, 1, 2)])
def test_stated_sightings_count_in_whatever_order(tmp_path: Path, order: tuple[int, ...]) -> None:
    days = {1: DAY_1, 2: DAY_2, 3: DAY_3}
    contents = {1: b"one", 2: b"two", 3: b"one"}
    for number in order:
        add_pages(tmp_path, [SourcePage(A, contents[number])], days[number], is_stated=True)
    assert seen(tmp_path) == [(A, b"one", DAY_1), (A, b"two", DAY_2), (A, b"one", DAY_3)]


def test_every_stated_sighting_counts(tmp_path: Path) -> None:
    pages = [SourcePage(A, b"one"), SourcePage(B, b"one"), SourcePage(A, b"two")]
    add_pages(tmp_path, pages, DAY_1, is_stated=True)
    add_pages(tmp_path, pages, DAY_2, is_stated=True)
    assert seen(tmp_path) == [(page.source_uri, page.page_bytes, day) for day in (DAY_1, DAY_2) for page in (
        pages[0], pages[2], pages[1])]  # fmt: skip


def test_a_repeated_stated_sighting_adds_nothing(tmp_path: Path) -> None:
    pages = [SourcePage(A, b"one"), SourcePage(B, b"two"), SourcePage(B, b"one")]
    for day in (DAY_2, DAY_1):
        add_pages(tmp_path, pages, day, is_stated=True)
    before = state(tmp_path)
    for day in (DAY_1, DAY_2):
        add_pages(tmp_path, pages[::-1], day, is_stated=True)
    assert state(tmp_path) == before


def test_one_page_given_twice_is_seen_once(tmp_path: Path) -> None:
    for is_stated in (True, False):
        add_pages(tmp_path, [SourcePage(A, b"one"), SourcePage(A, b"one")], DAY_1, is_stated)
    assert seen(tmp_path) == [(A, b"one", DAY_1)]


def test_what_was_stated_of_the_past_is_not_how_the_page_is_now(tmp_path: Path) -> None:
    """An old crawl is loaded after today's: the page has not gone back to what it says."""
    add(tmp_path, {A: b"old"}, DAY_1)
    add(tmp_path, {A: b"new"}, DAY_3)
    add_pages(tmp_path, [SourcePage(A, b"old")], DAY_2, is_stated=True)
    before = state(tmp_path)
    add(tmp_path, {A: b"new"}, DAY_4)
    assert state(tmp_path) == before


def test_a_run_that_stopped_is_made_good_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped between its parts, a stated run is told again, and says the same as if nothing had happened."""
    monkeypatch.setattr(pages_module, "_PART_BYTES", 1)
    pages = [SourcePage(A, b"one"), SourcePage(B, b"two"), SourcePage(B, b"one"), SourcePage(A, b"three")]

    def stopping(after: int) -> Iterable[SourcePage]:
        yield from pages[:after]
        raise SourceError("gone")

    add_pages(tmp_path / "whole", pages, DAY_1, is_stated=True)
    for after in range(len(pages)):
        with pytest.raises(SourceError):
            add_pages(tmp_path / "cut", stopping(after), DAY_1, is_stated=True)
    add_pages(tmp_path / "cut", pages, DAY_1, is_stated=True)
    assert seen(tmp_path / "cut") == seen(tmp_path / "whole")


# ---- slices


@pytest.mark.parametrize(
    ("count", "size", "slices"), [(0, 10, 1), (1, 10, 1), (10, 10, 1), (11, 10, 2), (25, 10, 3), (300, 1, 300)]
)
def test_slices_part_the_pages_in_order(count: int, size: int, slices: int) -> None:
    conditions = page_slices(slice_bounds(count, size))
    assert len(conditions) == slices
    page_ids = [hashlib.sha256(bytes([number])).hexdigest() for number in range(200)] + ["0" * 64, "f" * 64, "80" * 32]
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE pages (page_id TEXT)")
        connection.executemany("INSERT INTO pages VALUES (?)", [[page_id] for page_id in page_ids])
        found = [
            connection.execute(f"SELECT page_id FROM pages WHERE {condition} ORDER BY 1").fetchall()
            for condition in conditions
        ]
    # None is lost, none is in two, and one slice goes on where the one before ends.
    assert [page_id for slice_ in found for (page_id,) in slice_] == sorted(page_ids)
    assert slices > 3 or all(len(slice_) > 30 for slice_ in found)


# ---- moments


@pytest.mark.parametrize(
    ("words", "moment"),
    [
        ("2024-05-31", datetime.datetime(2024, 5, 31, tzinfo=datetime.UTC)),
        ("2024-05-31T06:30", datetime.datetime(2024, 5, 31, 6, 30, tzinfo=datetime.UTC)),
        ("2024-05-31 06:30:15.5", datetime.datetime(2024, 5, 31, 6, 30, 15, 500_000, tzinfo=datetime.UTC)),
        ("2024-05-31T06:30:00Z", datetime.datetime(2024, 5, 31, 6, 30, tzinfo=datetime.UTC)),
        ("2024-05-31T06:30:00+02:00", datetime.datetime(2024, 5, 31, 4, 30, tzinfo=datetime.UTC)),
        ("2024-01-01T00:30:00+02:00", datetime.datetime(2023, 12, 31, 22, 30, tzinfo=datetime.UTC)),
    ],
)
def test_moments_are_utc_unless_they_say_otherwise(words: str, moment: datetime.datetime) -> None:
    assert read_moment(words) == moment
    assert read_moment(words).tzinfo is datetime.UTC


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("yesterday", "'yesterday' is no date; give one like 2024-05-31"),
        ("", "'' is no date"),
        ("31.05.2024", "is no date"),
        ("2024-02-30", "is no date"),
        ("2024-05-31T25:00", "is no date"),
        ("2024", "is no date"),
        ("2999-01-01", "2999-01-01 is still to come"),
        ("0001-01-01T00:00:00+02:00", "0001-01-01"),
        ("9999-12-31T23:59:59-02:00", "9999-12-31"),
    ],
)
def test_what_is_no_moment_of_observation(words: str, complaint: str) -> None:
    with pytest.raises(MomentError, match=complaint):
        read_moment(words)
