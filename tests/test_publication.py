"""Publishing: what a run has made is swapped in whole or not at all, and the manifest says what is in place."""

from __future__ import annotations

import datetime
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from conftest import PAGES, SHIPPED, Built
from small_pages import (
    Increments,
    Sighting,
    address_of,
    assert_database_agrees,
    day,
    differences,
    parquet_bytes,
    quick,
    recommendation,
    store,
)

from pipelines import publication, settings, warehouse
from pipelines.lake import describe
from pipelines.publication import Inputs, added_parts
from pipelines.settings import Settings
from pipelines.tables import TABLES

DAY_1 = datetime.datetime(2024, 3, 1, 6, tzinfo=datetime.UTC)
DAY_2 = datetime.datetime(2024, 9, 1, 6, tzinfo=datetime.UTC)
LESSON = PAGES / "lesson_900101.txt"
UNKNOWN = PAGES / "lesson_900107.txt"


@pytest.fixture(scope="module", autouse=True)
def quickly() -> Iterator[None]:
    with quick():
        yield


# ---- what is in place


def test_manifest(hostile: Built) -> None:
    knobs = Settings(warehouse=hostile.folder)
    published = publication.published(knobs)
    assert published is not None
    assert published.database == publication.describe_database(hostile.database)
    assert published.tables.keys() == TABLES.keys()
    for name, file in published.tables.items():
        path = knobs.parquet / f"{name}.parquet"
        assert describe(path, pq.read_metadata(path).num_rows) == file


def test_nothing_is_left_lying_about(hostile: Built) -> None:
    names = {path.name for path in hostile.folder.iterdir()}
    assert names == {
        "ieval.duckdb",
        "manifest.json",
        "parquet",
        "current",
        "publications",
        "pages",
        "records",
        "places",
        "sources.parquet",
        ".dagster",
        ".lock",
        ".lock.holder",
        "runs.jsonl",
        ".runs.lock",
    }
    assert {path.name for path in (hostile.folder / "parquet").iterdir()} == {f"{name}.parquet" for name in TABLES}


# ---- publishing


def published_files(folder: Path) -> dict[str, bytes]:
    paths = [folder / "ieval.duckdb", folder / "manifest.json", *(folder / "parquet").iterdir()]
    return {path.name: path.read_bytes() for path in paths}


def titles(connection: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return connection.execute("SELECT eval_number FROM main.evaluations ORDER BY ALL").fetchall()


def test_a_reader_keeps_the_old_database_while_the_new_one_moves_in(tmp_path: Path, build: Callable[..., Any]) -> None:
    build(tmp_path, [SHIPPED], DAY_1)
    path = str(tmp_path / "ieval.duckdb")
    with duckdb.connect(path, read_only=True) as reader:
        assert titles(reader) == [(3191,)]
        build(tmp_path, [LESSON], DAY_2)
        assert titles(reader) == [(3191,)]
        assert reader.execute("SELECT count(*) FROM main.lessons").fetchall() == [(0,)]
        assert len(reader.execute("SELECT * FROM mart.recommendation_overview").fetchall()) == 1
    with duckdb.connect(path, read_only=True) as reader:
        assert titles(reader) == [(3191,), (9021,)]


def test_unchanged_tables_are_not_rewritten(tmp_path: Path, build: Callable[..., Any]) -> None:
    build(tmp_path, [SHIPPED], DAY_1)
    before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "parquet").iterdir()}
    build(tmp_path, [LESSON], DAY_2)
    after = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "parquet").iterdir()}
    assert {name for name in before if before[name] != after[name]} == {
        f"{name}.parquet"
        for name in (
            "pages",
            "page_sightings",
            "page_fields",
            "evaluations",
            "evaluation_locations",
            "lessons",
            "record_themes",
        )
    }


@pytest.mark.parametrize("name", ["ieval.duckdb", "manifest.json", "parquet/lessons.parquet"])
def test_a_missing_file_is_made_again(tmp_path: Path, build: Callable[..., Any], name: str) -> None:
    build(tmp_path, [SHIPPED], DAY_1)
    before = published_files(tmp_path)
    (tmp_path / name).resolve().unlink()
    _, is_new = build(tmp_path, [SHIPPED], DAY_2)
    assert is_new
    after = published_files(tmp_path)
    assert after.keys() == before.keys()
    assert {file for file in before if before[file] != after[file]} <= {"ieval.duckdb", "manifest.json"}


def harm_nothing(folder: Path) -> None:
    (folder / "parquet").unlink()


def harm_everything(folder: Path) -> None:
    for name in ("ieval.duckdb", "manifest.json", "parquet"):
        (folder / name).unlink()
    (folder / "ieval.duckdb").symlink_to("nowhere")
    (folder / "parquet").mkdir()


@pytest.mark.parametrize("harm", [harm_nothing, harm_everything])
def test_links_are_mended(tmp_path: Path, build: Callable[..., Any], harm: Callable[[Path], None]) -> None:
    build(tmp_path, [SHIPPED], DAY_1)
    before = published_files(tmp_path)
    harm(tmp_path)
    _, is_new = build(tmp_path, [SHIPPED], DAY_2)
    assert not is_new
    assert published_files(tmp_path) == before


def test_a_copy_that_did_not_keep_links_is_a_warehouse(tmp_path: Path, build: Callable[..., Any]) -> None:
    """As many programs copy: every link is a file or folder of its own."""
    build(tmp_path / "first", [SHIPPED], DAY_1)
    shutil.copytree(tmp_path / "first", tmp_path / "copy")
    assert not (tmp_path / "copy" / "current").is_symlink()
    assert not build(tmp_path / "copy", [SHIPPED], DAY_2)[1]
    for folder in ("first", "copy"):
        assert build(tmp_path / folder, [LESSON], DAY_2)[1]
    assert parquet_bytes(tmp_path / "copy") == parquet_bytes(tmp_path / "first")
    assert (tmp_path / "copy" / "current").is_symlink()
    assert (tmp_path / "copy" / "parquet").is_symlink()


def test_where_no_links_can_be_made_one_is_told(
    tmp_path: Path, build: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    with pytest.raises(OSError, match="current cannot be made a link"):
        build(tmp_path, [SHIPPED], DAY_1)


def test_where_no_hard_links_can_be_made_files_are_copied(
    tmp_path: Path, build: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    build(tmp_path, [SHIPPED], DAY_1)
    build(tmp_path, [LESSON], DAY_2)
    assert {path.name for path in (tmp_path / "parquet").iterdir()} == {f"{name}.parquet" for name in TABLES}


def test_who_has_looked_up_the_current_publication_can_read_it_during_the_next(
    tmp_path: Path, build: Callable[..., Any]
) -> None:
    build(tmp_path, [SHIPPED], DAY_1)
    here = (tmp_path / "current").resolve()
    before = {path.name: path.read_bytes() for path in (here / "parquet").iterdir()}
    build(tmp_path, [LESSON], DAY_2)
    assert (tmp_path / "current").resolve() != here
    assert {path.name: path.read_bytes() for path in (here / "parquet").iterdir()} == before
    build(tmp_path, [UNKNOWN], DAY_2)
    assert not here.exists()
    assert len(list((tmp_path / "publications").iterdir())) == 2


def test_a_table_that_is_no_more_disappears(tmp_path: Path, build: Callable[..., Any]) -> None:
    build(tmp_path, [SHIPPED], DAY_1)
    (tmp_path / "parquet" / "of_old.parquet").write_bytes(b"")
    build(tmp_path, [LESSON], DAY_2)
    assert not (tmp_path / "parquet" / "of_old.parquet").exists()


def test_a_table_that_was_published_and_is_no_more_disappears(tmp_path: Path, build: Callable[..., Any]) -> None:
    """A later version of the project has one table less: neither its file nor its line in the manifest stays."""
    build(tmp_path, [SHIPPED], DAY_1)
    manifest = json.loads((tmp_path / "manifest.json").read_text("utf-8"))
    shutil.copy(tmp_path / "parquet" / "regions.parquet", tmp_path / "parquet" / "of_old.parquet")
    (regions,) = [entry for entry in manifest["tables"] if entry["name"] == "regions"]
    manifest["tables"].append({**regions, "name": "of_old"})
    manifest["logic"] = "of an earlier version"
    (tmp_path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    knobs = Settings(warehouse=tmp_path)
    assert publication.published(knobs) is not None
    build(tmp_path, [SHIPPED], DAY_1)
    assert not (tmp_path / "parquet" / "of_old.parquet").exists()
    now = publication.published(knobs)
    assert now is not None
    assert now.tables.keys() == TABLES.keys()
    # The assets report every table that they are given.
    assert warehouse.refresh_tables(knobs).keys() == TABLES.keys()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, build: Callable[..., Any]) -> Path:
    """A warehouse of two deliveries that nothing interrupted."""
    folder = tmp_path_factory.mktemp("whole")
    build(folder, [SHIPPED], DAY_1)
    build(folder, [LESSON], DAY_2)
    return folder


@pytest.mark.parametrize("at", ["tables", "database", "link"])
def test_a_publication_that_is_interrupted_is_made_good(
    tmp_path: Path, whole: Path, build: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    build(tmp_path / "cut", [SHIPPED], DAY_1)
    replace = Path.replace

    def fail(path: Path, target: Path) -> Path:
        stops = {"tables": "lessons.parquet", "database": "ieval.duckdb", "link": ".current.new"}
        if path.name == stops[at]:
            raise OSError("the power went")
        return replace(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", fail)
        with pytest.raises(OSError, match="the power went"):
            build(tmp_path / "cut", [LESSON], DAY_2)
    build(tmp_path / "cut", [LESSON], DAY_2)
    for name in TABLES:
        path = Path("parquet") / f"{name}.parquet"
        assert (tmp_path / "cut" / path).read_bytes() == (whole / path).read_bytes()
    assert (
        json.loads((tmp_path / "cut" / "manifest.json").read_text())["tables"]
        == (json.loads((whole / "manifest.json").read_text())["tables"])
    )


def test_inputs_are_pages_vocabularies_and_sql(
    tmp_path: Path, build: Callable[..., Any], reference_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    knobs = Settings(warehouse=tmp_path / "warehouse")
    seen = {publication.inputs(knobs).fingerprint}
    build(knobs.warehouse, [SHIPPED], DAY_1)
    seen.add(publication.inputs(knobs).fingerprint)
    monkeypatch.setattr(settings, "REFERENCE", reference_copy)
    assert publication.inputs(knobs).fingerprint in seen
    with (reference_copy / "themes.csv").open("a") as file:
        file.write("\n")
    seen.add(publication.inputs(knobs).fingerprint)
    assert len(seen) == 3


def test_inputs_tell_when_pages_were_seen(tmp_path: Path, build: Callable[..., Any]) -> None:
    """Whoever deletes the page store to load the same pages as seen on another day gets that day."""
    build(tmp_path, [SHIPPED], DAY_2)
    shutil.rmtree(tmp_path / "pages")
    build(tmp_path, [SHIPPED], DAY_1, is_stated=True)
    with duckdb.connect(str(tmp_path / "ieval.duckdb"), read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        assert connection.execute("SELECT first_seen_at FROM raw.pages").fetchall() == [(DAY_1,)]


def test_inputs_tell_where_pages_were_seen(tmp_path: Path, build: Callable[..., Any]) -> None:
    cut = recommendation(None, evaluation=None, cut="- progress:\n")
    for number in (1, 2):
        store(tmp_path, Sighting(address_of(number), cut, day(1)))
        build(tmp_path, [], DAY_1)
        with duckdb.connect(str(tmp_path / "ieval.duckdb"), read_only=True) as connection:
            assert connection.execute("SELECT record_id FROM raw.pages").fetchall() == [(number,)]
        shutil.rmtree(tmp_path / "pages")


P1, P2, P3, P12, P4 = (f"part-{number}-0123456789ab.parquet" for number in (
    "000001", "000002", "000003", "000001-000002", "000004"))  # fmt: skip


@pytest.mark.parametrize(
    ("before", "now", "added"),
    [
        ([P1], [P1], ()),
        ([P1], [P1, P2], (P2,)),
        ([P1], [P1, P2, f"sightings/{P1}"], (P2, f"sightings/{P1}")),
        ([], [P1, P2], (P1, P2)),
        ([P1, P2], [P12], ()),
        ([P1, P2, P3], [P12, P3, P4], (P4,)),
        ([P1, P2, f"sightings/{P1}", f"sightings/{P2}"], [P12, f"sightings/{P12}"], ()),
        # Something that was there is not any more, or was never told apart from what is new.
        ([P1, P2], [P1], None),
        ([P1, P2], [P2, P3], None),
        ([P1], [P12], None),
        ([P1, P2], [f"sightings/{P12}"], None),
        ([P1, P2, f"sightings/{P1}"], [P12], None),
    ],
)
def test_parts_that_were_added(before: Sequence[str], now: Sequence[str], added: tuple[str, ...] | None) -> None:
    assert added_parts(Inputs("x", tuple(before)), Inputs("x", tuple(now))) == added
    assert added_parts(Inputs("x", tuple(before)), Inputs("y", tuple(now))) is None


def test_the_order_of_parts_does_not_tell_them_apart() -> None:
    assert added_parts(Inputs("x", (P1, P2)), Inputs("x", (P2, P1))) == ()


# ---- interrupted increments

DELIVERIES: dict[str, Sequence[Sighting]] = {
    "a new page": [Sighting("3.txt", recommendation(3, projects=["RAF/20/05/GBR"]), day(3))],
    # The files of raw.pages and of the history keep their sizes: by these nobody sees that they have changed.
    "an earlier sighting": [Sighting("1.txt", recommendation(1), day(1)), Sighting("2.txt", recommendation(2), day(1))],
    "a changed status": [Sighting("1.txt", recommendation(1, statuses=("Rejected", "No implementation")), day(4))],
}


@pytest.mark.parametrize("delivery", DELIVERIES)
def test_an_increment_that_is_interrupted_anywhere_is_made_good(
    tmp_path: Path, build: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, delivery: str
) -> None:
    """The power goes before each of the moves in turn: the next run publishes what the whole one would have."""
    increments = Increments(monkeypatch)
    before, whole = tmp_path / "before", tmp_path / "whole"
    store(before, Sighting("1.txt", recommendation(1), day(2)), Sighting("2.txt", recommendation(2), day(2)))
    build(before, [], DAY_1)
    shutil.copytree(before, whole, symlinks=True)
    replace = Path.replace
    moves: list[Path] = []
    stops_at = 10_000

    def move(path: Path, target: Path) -> Path:
        is_published = ".staging" in path.parts and path.parent.name in (".staging", "parquet")
        # A file whose name begins with a dot is only being written.
        if (is_published and not path.name.startswith(".")) or path.name == ".current.new":
            if len(moves) == stops_at:
                raise OSError("the power went")
            moves.append(path)
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", move)
    store(whole, *DELIVERIES[delivery])
    build(whole, [], DAY_1)
    assert increments.count == 1
    names = [path.name for path in moves]
    assert names[-2:] == ["ieval.duckdb", ".current.new"] and len(names) > 3
    # Of many tables that are moved in the same way a few are enough.
    for stops_at in sorted({*range(0, len(names), 3), *range(len(names) - 3, len(names))}):
        cut = tmp_path / f"cut-{stops_at}"
        shutil.copytree(before, cut, symlinks=True)
        store(cut, *DELIVERIES[delivery])
        moves.clear()
        with pytest.raises(OSError, match="the power went"):
            build(cut, [], DAY_1)
        stops_at, stopped = 10_000, stops_at
        build(cut, [], DAY_1)
        where = f"stopped before {names[stopped]}"
        assert differences(cut, whole) == {}, where
        assert parquet_bytes(cut) == parquet_bytes(whole), where
        assert_database_agrees(cut)
        now, expected = (publication.published(Settings(warehouse=folder)) for folder in (cut, whole))
        assert now and expected and now.tables == expected.tables, where
