"""Parts of pages made into parts of records and places: the same by every engine, anew when what makes them changes."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import PAGES, SHIPPED

from pipelines import engine, pages, settings, warehouse
from pipelines.engine import Fingerprints, PartFiles, PartReader
from pipelines.lake import DamagedFileError
from pipelines.pages import add_pages, store_parts
from pipelines.places import PLACE_SCHEMA
from pipelines.records import RECORD_SCHEMA
from pipelines.settings import Settings
from pipelines.sources import Passed, SourcePage, list_files, read_files
from pipelines.warehouse import PagesLostError

DAY = datetime.datetime(2024, 3, 1, 6, tzinfo=datetime.UTC)
REFERENCE = settings.REFERENCE


def pages_of(source: Path) -> list[SourcePage]:
    return list(read_files(list_files([str(source)], Passed()), Passed()))


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The test pages in several small parts."""
    monkeypatch.setattr(pages, "_PART_BYTES", 15_000)
    add_pages(tmp_path / "pages", pages_of(PAGES), DAY)
    assert len(store_parts(tmp_path / "pages")) == 3
    return store_parts(tmp_path / "pages")


def tasks(parts: list[Path], folder: Path) -> list[PartFiles]:
    return [PartFiles(part, folder / "records" / part.name, folder / "places" / part.name) for part in parts]


def pool(workers: int) -> Callable[[], Executor]:
    return lambda: engine.open_pool(workers)


def read(
    parts: list[Path], folder: Path, reference: Path = REFERENCE, opens: Callable[[], Executor] | None = None
) -> list[int]:
    """Reads the parts, and returns what was told of the progress."""
    told: list[int] = []
    assert PartReader(reference, opens).finish(tasks(parts, folder), told.append) == sum(told)
    return told


def made(folder: Path) -> dict[str, bytes]:
    """What was made of the parts, by name."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.parquet")}


def states(paths: list[Path]) -> list[tuple[int, int]]:
    return [(path.stat().st_mtime_ns, path.stat().st_ino) for path in paths]


def test_parts_of_records_and_places(parts: list[Path], tmp_path: Path) -> None:
    told = read(parts, tmp_path)
    assert sum(told) == engine.count_rows(parts) == len(list(PAGES.glob("*.txt")))
    for files in tasks(parts, tmp_path):
        page_ids = pq.read_table(files.pages)["page_id"].to_pylist()
        for path, schema in ((files.records, RECORD_SCHEMA), (files.places, PLACE_SCHEMA)):
            table = pq.read_table(path)
            assert table.schema.equals(schema)
            assert table["page_id"].to_pylist() == page_ids


def test_rows_are_counted(parts: list[Path], tmp_path: Path) -> None:
    assert engine.count_rows([]) == 0
    assert engine.count_rows(parts) == sum(pq.read_table(part).num_rows for part in parts)
    assert engine.count_rows(parts[1:] + parts[1:]) == 2 * sum(pq.read_table(part).num_rows for part in parts[1:])


def test_pool_and_one_process_write_the_same_bytes(
    parts: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pools: list[int] = []
    process_pool = engine._Pool

    def watched(workers: int, **options: Any) -> Any:
        pools.append(workers)
        return process_pool(workers, **options)

    monkeypatch.setattr(engine, "_Pool", watched)
    assert len(read(parts, tmp_path / "one")) == len(parts)
    assert pools == []
    assert len(read(parts, tmp_path / "pool", opens=pool(2))) == len(parts)
    assert pools == [2]
    assert made(tmp_path / "one") == made(tmp_path / "pool")
    assert len(made(tmp_path / "one")) == 2 * len(parts)


class Watched(Executor):
    """Runs what is submitted at once, and remembers it."""

    def __init__(self) -> None:
        self.submitted: list[PartFiles] = []
        self.is_shut = False

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **options: Any) -> Future[Any]:
        self.submitted.append(arguments[0])
        future: Future[Any] = Future()
        try:
            future.set_result(function(*arguments, **options))
        except Exception as error:  # noqa: BLE001 (as every executor does)
            future.set_exception(error)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self.is_shut = True


def test_a_part_may_be_begun_before_the_others_are_there(parts: list[Path], tmp_path: Path) -> None:
    first, second, third = tasks(parts, tmp_path)
    executor = Watched()
    reader = PartReader(REFERENCE, lambda: executor)
    reader.begin(first)
    # What is being read is to be waited for, whether it is done or not.
    assert reader.outdated([first, second, third]) == [first, second, third]
    assert executor.submitted == [first]
    assert reader.finish([first, second, third]) == engine.count_rows(parts)
    assert executor.submitted == [first, second, third]
    assert executor.is_shut
    assert len(made(tmp_path / "records")) == len(made(tmp_path / "places")) == 3
    assert PartReader(REFERENCE, None).outdated([first, second, third]) == []


def test_begun_in_a_pool_of_processes(parts: list[Path], tmp_path: Path) -> None:
    reader = PartReader(REFERENCE, pool(2))
    files = tasks(parts, tmp_path / "pool")
    reader.begin(files[0])
    assert reader.finish(files) == engine.count_rows(parts)
    read(parts, tmp_path / "one")
    assert made(tmp_path / "one") == made(tmp_path / "pool")


def test_without_an_executor_nothing_is_begun(parts: list[Path], tmp_path: Path) -> None:
    reader = PartReader(REFERENCE, None)
    reader.begin(tasks(parts, tmp_path)[0])
    assert made(tmp_path / "records") == {}
    assert reader.finish(tasks(parts, tmp_path)) == engine.count_rows(parts)


def test_one_part_needs_no_executor(parts: list[Path], tmp_path: Path) -> None:
    def refuse() -> Executor:
        raise AssertionError("an executor for a single part")

    assert read(parts[:1], tmp_path, opens=refuse)
    assert read([], tmp_path, opens=refuse) == []
    # Where one part is worth it, one is opened for it; where there is none, not even then.
    executor = Watched()
    assert PartReader(REFERENCE, lambda: executor, 1).finish(tasks(parts[:1], tmp_path / "b")) > 0
    assert executor.submitted == tasks(parts[:1], tmp_path / "b")
    assert PartReader(REFERENCE, refuse, 1).finish([]) == 0


def test_what_goes_wrong_in_the_pool_is_told(parts: list[Path], tmp_path: Path) -> None:
    parts[1].write_bytes(b"no Parquet")
    with pytest.raises(DamagedFileError, match="is damaged"):
        PartReader(REFERENCE, pool(2)).finish(tasks(parts, tmp_path))


def test_the_executor_ends_whatever_happens(parts: list[Path], tmp_path: Path) -> None:
    parts[1].write_bytes(b"no Parquet")
    executor = Watched()
    with pytest.raises(DamagedFileError, match="is damaged"):
        PartReader(REFERENCE, lambda: executor).finish(tasks(parts, tmp_path))
    assert executor.is_shut
    executor = Watched()
    reader = PartReader(REFERENCE, lambda: executor)
    reader.close()
    assert not executor.is_shut  # it never was opened
    reader.begin(tasks(parts, tmp_path)[0])
    reader.close()
    assert executor.is_shut


def test_batches_do_not_show(parts: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read(parts, tmp_path / "large")
    monkeypatch.setattr(engine, "_BATCH_ROWS", 2)
    read(parts, tmp_path / "small")
    assert made(tmp_path / "large") == made(tmp_path / "small")


# ---- what is current


def test_a_part_is_current_until_what_made_it_changes(parts: list[Path], tmp_path: Path, reference_copy: Path) -> None:
    (files,) = tasks(parts[:1], tmp_path)
    made_by = engine.fingerprints(reference_copy)
    assert not engine.is_current(files, made_by)
    read(parts[:1], tmp_path, reference_copy)
    assert engine.is_current(files, made_by)
    assert not engine.is_current(files, made_by._replace(records="other"))
    assert not engine.is_current(files, made_by._replace(places="other"))
    add_country_name(reference_copy)
    assert not engine.is_current(files, engine.fingerprints(reference_copy))


@pytest.mark.parametrize(
    "damage", [Path.unlink, lambda path: path.write_bytes(b""), lambda path: path.write_bytes(b"junk" * 9)]
)
@pytest.mark.parametrize("which", ["records", "places"])
def test_what_is_damaged_or_gone_is_made_again(
    parts: list[Path], tmp_path: Path, which: str, damage: Callable[[Path], Any]
) -> None:
    read(parts, tmp_path)
    whole = made(tmp_path)
    damage(getattr(tasks(parts, tmp_path)[1], which))
    reader = PartReader(REFERENCE, None)
    assert reader.outdated(tasks(parts, tmp_path)) == tasks(parts, tmp_path)[1:2]
    reader.finish(tasks(parts, tmp_path)[1:2])
    assert made(tmp_path) == whole


def add_country_name(reference: Path) -> None:
    names = reference / "country_names.csv"
    names.write_text(names.read_text("utf-8") + "Kiribatti,KIR,name,en\n", encoding="utf-8")


def test_a_new_name_of_a_country_lets_texts_be_read_again_and_no_page(
    parts: list[Path], tmp_path: Path, reference_copy: Path
) -> None:
    read(parts, tmp_path, reference_copy)
    files = tasks(parts, tmp_path)
    records, places = states([each.records for each in files]), states([each.places for each in files])
    add_country_name(reference_copy)
    engine._country_names.cache_clear()
    assert PartReader(reference_copy, None).outdated(files) == files
    read(parts, tmp_path, reference_copy)
    assert states([each.records for each in files]) == records
    assert not set(states([each.places for each in files])) & set(places)
    found = pa.concat_tables([pq.read_table(each.places, columns=["locations"]) for each in files])
    scopes = [place["scope"] for row in found["locations"].to_pylist() for place in row]
    assert None not in scopes  # Kiribatti was the only label that nobody knew


def test_another_vocabulary_lets_nothing_be_read_again(parts: list[Path], tmp_path: Path, reference_copy: Path) -> None:
    read(parts, tmp_path, reference_copy)
    before = states([path for files in tasks(parts, tmp_path) for path in files[1:]])
    with (reference_copy / "themes.csv").open("a", encoding="utf-8") as file:
        file.write("fishing,Fishing,Boats\n")
    assert PartReader(reference_copy, None).outdated(tasks(parts, tmp_path)) == []
    assert before == states([path for files in tasks(parts, tmp_path) for path in files[1:]])


@pytest.mark.parametrize("file", ["countries.csv", "country_names.csv", "place_scopes.csv"])
def test_fingerprints_follow_the_vocabularies_that_are_read(reference_copy: Path, file: str) -> None:
    before = engine.fingerprints(REFERENCE)
    assert engine.fingerprints(reference_copy) == before
    with (reference_copy / file).open("a") as opened:
        opened.write({"countries.csv": "XXX,,,Nowhere\n"}.get(file, "Nowhere,XXX\n"))
    after = engine.fingerprints(reference_copy)
    assert after.records == before.records
    assert after.places != before.places


def test_fingerprints_follow_no_column_that_is_not_read(reference_copy: Path) -> None:
    countries = reference_copy / "countries.csv"
    text = countries.read_text("utf-8")
    assert text.count(",Low,") > 10
    countries.write_text(text.replace(",Low,", ",High,"), encoding="utf-8")
    assert engine.fingerprints(reference_copy) == engine.fingerprints(REFERENCE)


def test_fingerprints_follow_no_other_vocabulary(reference_copy: Path) -> None:
    # What themes mean is decided in SQL, over records that need not be read again.
    (reference_copy / "themes.csv").write_text("theme_code,group_label,topic_label\n", encoding="utf-8")
    assert engine.fingerprints(reference_copy) == engine.fingerprints(REFERENCE)


def test_a_part_made_of_other_pages_is_not_current(tmp_path: Path, build: Callable[..., Any]) -> None:
    """Whoever deletes the page store to begin anew must not get the records of the old one."""
    folder = tmp_path / "warehouse"
    build(folder, [PAGES / "lesson_900101.txt"], DAY)
    for part in store_parts(folder / "pages"):
        part.unlink()
    with pytest.raises(PagesLostError, match=r"1 pages that are published are no longer in .*/pages: is IEVAL_PARTS"):
        build(folder, [SHIPPED], DAY)
    knobs = Settings(warehouse=folder)
    warehouse.refresh_tables(knobs, rebuild=True)
    warehouse.refresh_database(knobs, "a-run")
    with duckdb.connect(str(folder / "ieval.duckdb"), read_only=True) as connection:
        assert connection.execute("SELECT record_id FROM raw.pages").fetchall() == [(16568,)]


def test_version_of_parts(tmp_path: Path) -> None:
    x, y = Fingerprints("x", "p"), Fingerprints("x", "q")
    add_pages(tmp_path, [SourcePage("a", b"one")], DAY)
    first = engine.parts_version(store_parts(tmp_path), x)
    assert first == engine.parts_version(store_parts(tmp_path), x) != engine.parts_version(store_parts(tmp_path), y)
    add_pages(tmp_path, [SourcePage("b", b"two")], DAY)
    assert engine.parts_version(store_parts(tmp_path), x) != first
