"""Bringing the warehouse up to date: nothing, some pages or all of them, and what is looked at while it is checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import PAGES, Built
from small_pages import Increments, Sighting, block, day, page, quick, recommendation, store

from pipelines import warehouse
from pipelines.settings import Settings
from pipelines.tables import TABLES

Build = Callable[..., Any]
LESSON = PAGES / "lesson_900101.txt"


@pytest.fixture(scope="module", autouse=True)
def quickly() -> Iterator[None]:
    with quick():
        yield


@pytest.fixture
def knobs(tmp_path: Path, build: Build) -> Settings:
    """A warehouse of three pages."""
    folder = tmp_path / "warehouse"
    store(
        folder, *(Sighting(f"{number}.txt", recommendation(number, evaluation=number), day(1)) for number in (1, 2, 3))
    )
    build(folder, [], day(1))
    return Settings(warehouse=folder)


def add(knobs: Settings, build: Build, *sightings: Sighting) -> None:
    """Store pages and read them, but compute nothing."""
    from pipelines import engine, settings
    from pipelines.pages import store_parts

    store(knobs.warehouse, *sightings)
    files = [
        engine.PartFiles(part, knobs.records / part.name, knobs.places / part.name)
        for part in store_parts(knobs.page_store)
    ]
    reader = engine.PartReader(settings.REFERENCE, None)
    reader.finish(reader.outdated(files))


def count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    ((rows,),) = connection.execute(f"SELECT count(*) FROM {table}").fetchall()
    return int(rows)


# ---- refreshing


def test_tables_come_after_those_that_they_read(knobs: Settings, build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = list(warehouse.refresh_tables(knobs, rebuild=True))
    assert list(warehouse.refresh_tables(knobs)) == whole
    increments = Increments(monkeypatch)
    add(knobs, build, Sighting("4.txt", recommendation(4), day(2)))
    assert list(warehouse.refresh_tables(knobs)) == whole
    assert increments.count == 1
    position = {name: number for number, name in enumerate(whole)}
    assert position["countries"] < position["evaluation_locations"]
    assert position["recommendation_projects"] < position["projects"]


def test_progress_is_told_table_by_table(knobs: Settings, build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[int] = []
    warehouse.refresh_tables(knobs, rebuild=True, progress=told.append)
    assert told == [1] * len(TABLES)
    Increments(monkeypatch)
    told.clear()
    add(knobs, build, Sighting("1.txt", recommendation(1, evaluation=1, text="Another."), day(2)))
    warehouse.refresh_tables(knobs, progress=told.append)
    assert 3 <= len(told) < 10
    assert set(told) == {1}


def test_nothing_new_stages_nothing(knobs: Settings) -> None:
    before = warehouse.published(knobs)
    assert before
    assert warehouse.refresh_tables(knobs) == before.tables
    assert warehouse.staged(knobs) is None
    assert not knobs.staging.exists()
    assert warehouse.refresh_database(knobs, "a-run") == (before, False)


def test_what_is_staged_is_not_published_yet(knobs: Settings, build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    increments = Increments(monkeypatch)
    before = warehouse.published(knobs)
    add(knobs, build, Sighting("4.txt", recommendation(4), day(2)))
    tables = warehouse.refresh_tables(knobs)
    assert warehouse.published(knobs) == before
    assert warehouse.table_path(knobs, "recommendations").parent == knobs.staging / "parquet"
    assert warehouse.table_path(knobs, "lessons").parent == knobs.parquet
    state = warehouse.staged(knobs)
    assert state and state.increment and increments.count == 1
    assert state.failed_checks == {}
    now, is_new = warehouse.refresh_database(knobs, "a-run")
    assert (now.tables, is_new) == (tables, True)
    assert warehouse.staged(knobs) is None
    assert not knobs.staging.exists()


@pytest.mark.parametrize("share", [0, 1000.0])
def test_what_was_refused_is_computed_again(
    knobs: Settings, build: Build, monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    """A run whose checks failed has staged tables and published nothing: the next one begins anew."""
    Increments(monkeypatch, share)
    add(knobs, build, Sighting("4.txt", recommendation(4), day(2)))
    first = warehouse.refresh_tables(knobs)
    assert warehouse.refresh_tables(knobs) == first
    _, is_new = warehouse.refresh_database(knobs, "a-run")
    assert is_new
    with duckdb.connect(str(knobs.database), read_only=True) as connection:
        assert count(connection, "main.recommendations") == 4


def test_what_nobody_staged_is_not_published(knobs: Settings, build: Build) -> None:
    add(knobs, build, Sighting("4.txt", recommendation(4), day(2)))
    with pytest.raises(RuntimeError, match="this process has staged and checked nothing; run the whole job"):
        warehouse.refresh_database(knobs, "a-run")


# ---- what is looked at


def test_fresh_rows_are_those_of_the_affected_pages(
    knobs: Settings, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    Increments(monkeypatch)
    add(knobs, build, Sighting("4.txt", page(block(4), block(5), evaluation=2), day(2)))
    warehouse.refresh_tables(knobs)
    with warehouse.open_refreshed(knobs) as connection:
        assert count(connection, "main.recommendations") == 5
        assert count(connection, "raw.pages") == 4
    with warehouse.open_refreshed(knobs, only_fresh=True) as connection:
        numbers = connection.execute("SELECT recommendation_id FROM main.recommendations ORDER BY ALL").fetchall()
        assert numbers == [(2,), (4,), (5,)]
        assert count(connection, "raw.pages") == 2
        assert count(connection, "main.countries") > 200


def test_of_a_whole_build_every_row_is_fresh(knobs: Settings) -> None:
    warehouse.refresh_tables(knobs, rebuild=True)
    with warehouse.open_refreshed(knobs, only_fresh=True) as connection:
        assert count(connection, "main.recommendations") == 3


def test_where_nothing_is_new_the_published_rows_are_looked_at(knobs: Settings) -> None:
    warehouse.refresh_tables(knobs)
    for only_fresh in (False, True):
        with warehouse.open_refreshed(knobs, only_fresh) as connection:
            assert count(connection, "main.recommendations") == 3


# ---- previews


def test_preview_is_markdown_that_holds_no_markup_of_pages(hostile: Built) -> None:
    path = hostile.folder / "parquet" / "pages.parquet"
    text = warehouse.preview_markdown(path, rows=40)
    lines = text.split("\n")
    assert len(lines) == 2 + len(list(PAGES.glob("*.txt")))
    assert len({line.replace("\\|", "").count("|") for line in lines}) == 1
    assert max(map(len, lines)) < 60 * 2 * len(TABLES["pages"].columns)
    assert warehouse.preview_markdown(path, rows=2).count("\n") == 3


def test_preview_escapes_markup(tmp_path: Path, build: Build) -> None:
    assert warehouse._short("<script>|`*_[x](y)#!\\\n\n b", 60) == r"\<script\>\|\`\*\_\[x\](y)\#\!\\ b"
    assert len(warehouse._short("x" * 100, 60)) == 60
    # Neither does an address become a link.
    joined = warehouse._short("~~a~~ &lt; http://x.example www.x.example a@x.example", 60)
    assert joined == (
        r"\~\~a\~\~ \&lt; http{0}://x.example www{0}.x.example a{0}@x.example".replace("{0}", "\N{WORD JOINER}")
    )
    build(tmp_path, [LESSON], day(1))
    assert warehouse.preview_markdown(tmp_path / "parquet" / "action_items.parquet") == "(no rows)"
