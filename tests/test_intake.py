"""Sources taken into the page store: what is read, what is remembered, and what is tidied up in passing."""

from __future__ import annotations

import datetime
import os
from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from test_sources import make_zip, refuse, write_lines

from pipelines import engine, parts, settings
from pipelines.intake import Found, drop_old_parts, find, take_in
from pipelines.pages import PageCounts, sighting_parts, store_parts
from pipelines.settings import Settings
from pipelines.sources import SourceError

DAY_1 = datetime.datetime(2024, 3, 1, 6, tzinfo=datetime.UTC)
DAY_2 = datetime.datetime(2024, 9, 1, 6, tzinfo=datetime.UTC)
LONG_AGO_NS = 1_600_000_000 * 1_000_000_000


@pytest.fixture
def knobs(tmp_path: Path) -> Settings:
    return Settings(warehouse=tmp_path / "warehouse")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pages = tmp_path / "pages"
    pages.mkdir()
    for name in ("a", "b", "c"):
        write(pages / f"{name}.txt", name)
    return pages


def write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    os.utime(path, ns=(LONG_AGO_NS, LONG_AGO_NS + len(text)))


def take(
    knobs: Settings,
    *sources: Path,
    seen_at: datetime.datetime = DAY_1,
    is_stated: bool = False,
    every_file: bool = False,
    told: list[int] | None = None,
) -> tuple[PageCounts, Found]:
    found = find(knobs, [str(source) for source in sources], every_file)
    counts = take_in(
        knobs, found, seen_at, is_stated, (told if told is not None else []).append, on_part=lambda part: None
    )
    return counts, found


def contents(knobs: Settings) -> list[str]:
    return [text for part in store_parts(knobs.page_store) for text in pq.read_table(part)["page_text"].to_pylist()]


def test_only_what_has_changed_is_read(knobs: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[int] = []
    counts, found = take(knobs, folder, told=told)
    assert (counts.read, counts.new, len(found.files), found.page_count) == (3, 3, 3, 3)
    assert told == [1, 1, 1]
    assert found.unchanged_page_ids.to_pylist() == []
    write(folder / "b.txt", "b, changed")
    refuse(monkeypatch, "a.txt", "c.txt")
    counts, found = take(knobs, folder, seen_at=DAY_2)
    assert (counts.read, counts.new, len(found.files), found.page_count) == (1, 1, 3, 1)
    assert len(found.unchanged_page_ids) == 2
    assert contents(knobs) == ["a", "b", "c", "b, changed"]


def test_where_nothing_has_changed_nothing_is_touched(knobs: Settings, folder: Path) -> None:
    take(knobs, folder)
    before = {path: path.stat().st_mtime_ns for path in knobs.warehouse.rglob("*")}
    counts, found = take(knobs, folder)
    assert (counts.read, counts.new, found.page_count) == (0, 0, 0)
    assert {path: path.stat().st_mtime_ns for path in knobs.warehouse.rglob("*")} == before


def test_every_file_is_read_where_it_is_asked_for(knobs: Settings, folder: Path) -> None:
    take(knobs, folder)
    counts, found = take(knobs, folder, every_file=True)
    assert (counts.read, counts.new, counts.known) == (3, 0, 3)
    assert found.unchanged_page_ids.to_pylist() == []
    # And is known afterwards.
    assert take(knobs, folder)[0].read == 0


def test_how_many_pages_are_in_an_archive_nobody_knows(knobs: Settings, folder: Path, tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "pages.zip", {"d.txt": b"d", "e.txt": b"e"})
    os.utime(archive, ns=(LONG_AGO_NS, LONG_AGO_NS))
    counts, found = take(knobs, folder, archive)
    assert (counts.read, found.page_count) == (5, None)
    counts, found = take(knobs, folder, archive)
    assert (counts.read, found.page_count) == (0, 0)


@pytest.mark.parametrize("bad", [b"", b"not an archive"])
def test_what_cannot_be_read_at_all_is_remembered_of_nobody(
    knobs: Settings, folder: Path, tmp_path: Path, bad: bytes
) -> None:
    """The pages that were read before are kept in full parts only; the next run reads the files again."""
    (tmp_path / "bad.zip").write_bytes(bad)
    with pytest.raises(SourceError, match="cannot be read as an archive"):
        take(knobs, folder, tmp_path / "bad.zip")
    assert not knobs.source_manifest.exists()
    assert take(knobs, folder)[0].new == 3


def test_what_fails_is_told_and_tried_again(knobs: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        refuse(patched, "b.txt")
        counts, found = take(knobs, folder)
    assert (counts.read, found.passed.failed) == (2, [f"{folder}/b.txt: Permission denied"])
    counts, found = take(knobs, folder)
    assert (counts.read, counts.new, found.passed.failed) == (1, 1, [])
    assert contents(knobs) == ["a", "c", "b"]


def test_an_archive_of_which_a_page_fails_adds_nothing_the_next_time(knobs: Settings, tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "pages.zip", {"d.txt": b"hello " * 1000, "e.txt": b"two"})
    whole = archive.read_bytes()
    archive.write_bytes(whole[:40] + b"\xff" * 10 + whole[50:])
    for new in (1, 0, 0):
        counts, found = take(knobs, archive)
        assert (counts.read, counts.new, len(found.passed.failed)) == (1, new, 1)
    assert sighting_parts(knobs.page_store) == []


def test_one_url_in_two_crawls(knobs: Settings, tmp_path: Path) -> None:
    """A page that went back is seen by its address, whatever file it comes in."""
    url = "https://webapps.ilo.org/ievaldiscovery/recommendations/1"
    for day, (name, text) in enumerate([("march", "one"), ("april", "two"), ("may", "one"), ("june", "one")], 1):
        crawl = write_lines(tmp_path / f"{name}.jsonl", {"text": text, "url": url})
        os.utime(crawl, ns=(LONG_AGO_NS, LONG_AGO_NS))
        take(knobs, crawl, seen_at=DAY_1.replace(day=day))
    assert contents(knobs) == ["one", "two"]
    (further,) = sighting_parts(knobs.page_store)
    assert pq.read_table(further)["first_seen_at"].to_pylist() == [DAY_1.replace(day=3)]


# ---- tidying up


def read_records(knobs: Settings) -> None:
    files = [
        engine.PartFiles(part, knobs.records / part.name, knobs.places / part.name)
        for part in store_parts(knobs.page_store)
    ]
    reader = engine.PartReader(settings.REFERENCE, None)
    reader.finish(reader.outdated(files))


def fill(knobs: Settings, folder: Path, numbers: Sequence[int]) -> None:
    """A run a page, each of them read into records."""
    for number in numbers:
        drop_old_parts(knobs, rebuild=False)
        write(folder / f"{number}.txt", f"page {number}")
        take(knobs, folder / f"{number}.txt")
        read_records(knobs)


def test_small_parts_are_merged_and_those_before_them_deleted_by_the_next_run(
    knobs: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "_MANY", 4)
    fill(knobs, folder, range(1, 5))
    assert len(store_parts(knobs.page_store)) == 4
    fill(knobs, folder, [5])
    assert len(store_parts(knobs.page_store)) == 2
    assert len(list(knobs.page_store.glob("part-*"))) == 6
    before = contents(knobs)
    assert before == [f"page {number}" for number in range(1, 6)]
    drop_old_parts(knobs, rebuild=False)
    names = [path.name for path in store_parts(knobs.page_store)]
    for folder_ in (knobs.page_store, knobs.records, knobs.places):
        assert sorted(path.name for path in folder_.glob("part-*")) == names
    assert contents(knobs) == before


def test_parts_of_sightings_are_merged_though_no_page_is_new(
    knobs: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Old crawls of pages that have never changed, one after another."""
    monkeypatch.setattr(parts, "_MANY", 4)
    take(knobs, folder)
    for number in range(1, 12):
        drop_old_parts(knobs, rebuild=False)
        take(knobs, folder, seen_at=DAY_1.replace(year=2000 + number), is_stated=True, every_file=True)
    assert len(sighting_parts(knobs.page_store)) < 6


def test_rebuild_deletes_what_can_be_made_again_and_nothing_else(knobs: Settings, folder: Path) -> None:
    take(knobs, folder)
    read_records(knobs)
    take(knobs, folder, seen_at=DAY_2, is_stated=True, every_file=True)
    kept = {path: path.read_bytes() for path in knobs.page_store.rglob("*.parquet")}
    assert len(kept) == 2
    drop_old_parts(knobs, rebuild=True)
    assert list(knobs.records.iterdir()) == list(knobs.places.iterdir()) == []
    assert {path: path.read_bytes() for path in knobs.page_store.rglob("*.parquet")} == kept


def test_tidying_up_nothing(knobs: Settings) -> None:
    for rebuild in (False, True):
        drop_old_parts(knobs, rebuild)
    assert not knobs.warehouse.exists()
