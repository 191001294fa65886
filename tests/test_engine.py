"""Parts of pages made into parts of records: the same by every engine, and made again when what makes them changes."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import PAGES, SHIPPED

from pipelines import engine, pages, settings
from pipelines.pages import PageCounts, SourcePage, add_pages, read_sources, store_parts
from pipelines.records import RECORD_SCHEMA

DAY = datetime.datetime(2024, 3, 1, 6, tzinfo=datetime.UTC)
REFERENCE = settings.REFERENCE


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The test pages in several small parts."""
    monkeypatch.setattr(pages, "_PART_BYTES", 15_000)
    counts = PageCounts()
    add_pages(tmp_path / "pages", read_sources([str(PAGES)], counts), DAY, counts)
    assert len(store_parts(tmp_path / "pages")) == 3
    return store_parts(tmp_path / "pages")


def tasks(parts: list[Path], folder: Path) -> list[tuple[Path, Path]]:
    return [(part, folder / part.name) for part in parts]


def read(parts: list[Path], folder: Path, reference: Path = REFERENCE, workers: int = 1) -> list[int]:
    """Reads the parts, and returns what was told of the progress."""
    told: list[int] = []
    assert engine.PartReader(reference, workers).finish(tasks(parts, folder), told.append) == sum(told)
    return told


def test_part_of_records(parts: list[Path], tmp_path: Path) -> None:
    told = read(parts, tmp_path / "records")
    assert sum(told) == engine.count_rows(parts) == len(list(PAGES.glob("*.txt")))
    for part in parts:
        made = pq.read_table(tmp_path / "records" / part.name)
        assert made.schema.equals(RECORD_SCHEMA)
        assert made["page_id"].to_pylist() == pq.read_table(part)["page_id"].to_pylist()


def test_pool_and_one_process_write_the_same_bytes(
    parts: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pools: list[int] = []
    pool = engine.ProcessPoolExecutor

    def watched(workers: int, **options: Any) -> Any:
        pools.append(workers)
        return pool(workers, **options)

    monkeypatch.setattr(engine, "ProcessPoolExecutor", watched)
    assert len(read(parts, tmp_path / "one")) == len(parts)
    assert pools == []
    assert len(read(parts, tmp_path / "pool", workers=2)) == len(parts)
    assert pools == [2]
    for part in parts:
        assert (tmp_path / "one" / part.name).read_bytes() == (tmp_path / "pool" / part.name).read_bytes()


def test_a_part_may_be_begun_before_the_others_are_there(parts: list[Path], tmp_path: Path) -> None:
    reader = engine.PartReader(REFERENCE, 2)
    first, second, third = tasks(parts, tmp_path / "records")
    reader.begin(*first)
    assert reader.is_begun(first[1])
    assert not reader.is_begun(second[1])
    assert reader.finish([first, second, third]) == engine.count_rows(parts)
    assert sorted((tmp_path / "records").iterdir()) == [made for _, made in (first, second, third)]


def test_one_part_needs_no_pool(parts: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "ProcessPoolExecutor", None)
    assert read(parts[:1], tmp_path / "records", workers=8)
    assert read([], tmp_path / "records", workers=8) == []


def test_what_goes_wrong_in_the_pool_is_told(parts: list[Path], tmp_path: Path) -> None:
    parts[1].write_bytes(b"no Parquet")
    reader = engine.PartReader(REFERENCE, 2)
    with pytest.raises(pa.ArrowInvalid):
        reader.finish(tasks(parts, tmp_path / "records"))


def test_batches_do_not_show(parts: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read(parts, tmp_path / "large")
    monkeypatch.setattr(engine, "_BATCH_ROWS", 2)
    read(parts, tmp_path / "small")
    for part in parts:
        assert pq.read_table(tmp_path / "large" / part.name).equals(pq.read_table(tmp_path / "small" / part.name))


def test_a_part_is_current_until_what_made_it_changes(parts: list[Path], tmp_path: Path, reference_copy: Path) -> None:
    made = tmp_path / "records" / parts[0].name
    fingerprint = engine.fingerprint(reference_copy)
    assert not engine.is_current(made, fingerprint)
    read(parts[:1], tmp_path / "records", reference_copy)
    assert engine.is_current(made, fingerprint)
    names = reference_copy / "country_names.csv"
    names.write_text(names.read_text("utf-8") + "Kiribatti,KIR,name,en\n", encoding="utf-8")
    assert not engine.is_current(made, engine.fingerprint(reference_copy))


@pytest.mark.parametrize("file", ["countries.csv", "country_names.csv", "place_scopes.csv"])
def test_fingerprint_follows_the_vocabularies_that_are_read(reference_copy: Path, file: str) -> None:
    assert engine.fingerprint(reference_copy) == engine.fingerprint(REFERENCE)
    with (reference_copy / file).open("a") as opened:
        opened.write("\n")
    assert engine.fingerprint(reference_copy) != engine.fingerprint(REFERENCE)


def test_fingerprint_follows_no_other_vocabulary(reference_copy: Path) -> None:
    # What themes mean is decided in SQL, over records that need not be read again.
    (reference_copy / "themes.csv").write_text("theme_code,group_label,topic_label\n", encoding="utf-8")
    assert engine.fingerprint(reference_copy) == engine.fingerprint(REFERENCE)


def test_a_part_made_of_other_pages_is_not_current(tmp_path: Path, build: Callable[..., Any]) -> None:
    """Whoever deletes the page store to begin anew must not get the records of the old one."""
    folder = tmp_path / "warehouse"
    build(folder, [PAGES / "lesson_900101.txt"], DAY)
    for part in store_parts(folder / "pages"):
        part.unlink()
    build(folder, [SHIPPED], DAY)
    with duckdb.connect(str(folder / "ieval.duckdb"), read_only=True) as connection:
        assert connection.execute("SELECT record_id FROM raw.pages").fetchall() == [(16568,)]


def test_version_of_parts(tmp_path: Path) -> None:
    add_pages(tmp_path, [SourcePage("a", b"one")], DAY, PageCounts())
    first = engine.parts_version(store_parts(tmp_path), "x")
    assert first == engine.parts_version(store_parts(tmp_path), "x") != engine.parts_version(store_parts(tmp_path), "y")
    add_pages(tmp_path, [SourcePage("b", b"two")], DAY, PageCounts())
    assert engine.parts_version(store_parts(tmp_path), "x") != first
