"""A few pages computed anew among all: every kind of change gives what a build from all pages would give."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from small_pages import (
    TEST_HOST,
    Increments,
    Sighting,
    address_of,
    assert_database_agrees,
    block,
    day,
    differences,
    page,
    parquet_bytes,
    quick,
    recommendation,
    store,
)

from pipelines import increment as increment_module
from pipelines import parts, settings, table_builder, warehouse
from pipelines.pages import sighting_parts, store_parts
from pipelines.parts import drop_covered
from pipelines.publication import published
from pipelines.reference import read_reference
from pipelines.settings import Settings
from pipelines.tables import TABLES
from pipelines.warehouse import PagesLostError, refresh_database, refresh_tables

Build = Callable[..., Any]
Refresh = Callable[..., Any]
PROJECTS = ["GLO/17/55/MUL", "RAF/20/05/GBR"]
#: What is in the warehouse before anything changes.
BEFORE: Sequence[Sighting] = [
    Sighting("1.txt", recommendation(1), day(2)),
    Sighting("2.txt", recommendation(2, projects=PROJECTS), day(2)),
    Sighting("3.txt", recommendation(3, evaluation=1002, projects=PROJECTS[:1]), day(2)),
    Sighting("4.txt", recommendation(4, evaluation=1002, title="Salt Roads – Phase II - Final evaluation"), day(3)),
    Sighting(
        "5.txt", recommendation(5, evaluation=1003, statuses=("Action not yet taken", "No implementation")), day(2)
    ),
    Sighting("lesson/1.txt", page(block(1, "lessons"), evaluation=1003), day(2)),
    Sighting("practice/2.txt", page(block(2, "practices"), evaluation=1004), day(2)),
    Sighting("cut.txt", recommendation(None, evaluation=None, cut="- progress:\n"), day(2)),
    Sighting("list.txt", b"Recommendations\n-\nOpen the desks.\nOpen the desks.\n", day(2)),
]


@pytest.fixture(scope="module", autouse=True)
def quickly() -> Iterator[None]:
    with quick():
        yield


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory, build: Build) -> Path:
    """A warehouse of a few pages. Only to be copied."""
    folder = tmp_path_factory.mktemp("before")
    store(folder, *BEFORE)
    build(folder, [], day(1))
    return folder


@pytest.fixture
def folder(before: Path, tmp_path: Path) -> Path:
    """A copy of it, to change."""
    shutil.copytree(before, tmp_path / "warehouse")
    return tmp_path / "warehouse"


@pytest.fixture
def increments(monkeypatch: pytest.MonkeyPatch) -> Increments:
    return Increments(monkeypatch)


def rows(folder: Path, statement: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(folder / "ieval.duckdb"), read_only=True) as connection:
        return connection.execute(statement).fetchall()


def states(folder: Path) -> dict[str, tuple[int, int]]:
    return {path.name: (path.stat().st_mtime_ns, path.stat().st_ino) for path in (folder / "parquet").iterdir()}


def check(folder: Path, tmp_path: Path, build: Build) -> None:
    """The tables are those of a build from all pages in the store, and the database holds their rows."""
    whole = tmp_path / "whole"
    whole.mkdir()
    shutil.copytree(folder / "pages", whole / "pages")
    build(whole, [], day(1))
    assert differences(folder, whole) == {}
    assert parquet_bytes(folder) == parquet_bytes(whole)
    assert_database_agrees(folder)
    assert published(Settings(warehouse=folder)).tables == published(Settings(warehouse=whole)).tables  # type: ignore[union-attr]


CHANGES: dict[str, Sequence[Sighting]] = {
    "a new page": [Sighting("6.txt", recommendation(6), day(3))],
    "a new evaluation": [Sighting("6.txt", recommendation(6, evaluation=900, locations={"Peru": "Americas"}), day(3))],
    "a new evaluation behind all others": [Sighting("6.txt", recommendation(600, evaluation=9_999_999), day(3))],
    "a new page before all others": [Sighting("0.txt", recommendation(0, evaluation=683), day(3))],
    "a page of no evaluation": [Sighting("6.txt", recommendation(6, evaluation=None), day(3))],
    "a new lesson": [Sighting("lesson/3.txt", page(block(3, "lessons")), day(3))],
    "a new practice": [Sighting("practice/3.txt", page(block(3, "practices"), evaluation=1004), day(3))],
    "a refused page": [Sighting("refused.txt", b"Not a page.\n", day(3))],
    "a page of two records": [Sighting("6.txt", page(block(6), block(3, plan="Togo: no desks.")), day(5))],
    "a changed copy": [Sighting("1.txt", recommendation(1, text="Open them."), day(4))],
    "a changed status": [Sighting("5.txt", recommendation(5, evaluation=1003), day(4))],
    "a copy that is older": [Sighting("1.txt", recommendation(1, text="Open one."), day(1))],
    "a copy of the test host": [Sighting("t.txt", recommendation(1, host=TEST_HOST), day(9))],
    "a copy that moves to another evaluation": [Sighting("1.txt", recommendation(1, evaluation=1002), day(4))],
    "the last copy of an evaluation that moves": [
        Sighting("p.txt", page(block(2, "practices"), evaluation=1002), day(4))
    ],
    "a copy that moves to no evaluation": [Sighting("1.txt", recommendation(1, evaluation=None), day(4))],
    "a copy that names other places": [
        Sighting(
            "3.txt", recommendation(3, evaluation=1002, locations={"Togo": "Africa", "Kiribatti": "Africa"}), day(4)
        )
    ],
    "a cut page that gets a number": [
        Sighting(address_of(7), recommendation(None, evaluation=None, cut="- progress:\n"), day(4))
    ],
    "a cut page that gets the number of another": [
        Sighting(address_of(4), recommendation(None, evaluation=None, cut="- progress:\n"), day(4))
    ],
    "a cut copy": [Sighting("5.txt", recommendation(5, evaluation=1003, cut="- information_source:\n- C"), day(4))],
    "an earlier sighting": [Sighting("there.txt", BEFORE[0].page, day(1))],
    "a later sighting": [Sighting("there.txt", BEFORE[4].page, day(7))],
    "an earlier sighting of a list": [Sighting("there.txt", BEFORE[8].page, day(1))],
    "a new project": [Sighting("6.txt", recommendation(6, projects=["CAM/99/05/070"]), day(3))],
    "a project that nobody names any more": [
        Sighting("2.txt", recommendation(2, projects=["NO_DC_SYMBOL_76"]), day(4))
    ],
    "projects that others still name": [Sighting("2.txt", recommendation(2), day(4))],
    "no project left at all": [
        Sighting("2.txt", recommendation(2), day(4)),
        Sighting("3.txt", recommendation(3, evaluation=1002), day(4)),
    ],
    "several things at once": [
        Sighting("6.txt", recommendation(6, evaluation=1009), day(3)),
        Sighting("1.txt", recommendation(1, evaluation=1004), day(4)),
        Sighting("there.txt", BEFORE[3].page, day(1)),
        Sighting(address_of(3), BEFORE[7].page, day(5)),
    ],
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_gives_what_a_whole_build_gives(
    folder: Path, tmp_path: Path, build: Build, increments: Increments, change: str
) -> None:
    store(folder, *CHANGES[change])
    _, is_new = build(folder, [], day(1))
    assert is_new
    assert increments.count == 1
    check(folder, tmp_path, build)


@pytest.mark.parametrize("first", ["a cut page that gets a number", "a copy that moves to another evaluation"])
@pytest.mark.parametrize(
    "then", ["an earlier sighting", "a project that nobody names any more", "several things at once"]
)
def test_one_change_after_another(
    folder: Path, tmp_path: Path, build: Build, increments: Increments, first: str, then: str
) -> None:
    for change in (first, then):
        store(folder, *CHANGES[change])
        build(folder, [], day(1))
    assert increments.count == 2
    check(folder, tmp_path, build)


def test_a_cut_page_gets_its_number_another_and_none(
    folder: Path, tmp_path: Path, build: Build, increments: Increments
) -> None:
    """Under the number that it had until now nothing is left of it."""
    cut = BEFORE[7].page
    for number, moment in ((70, 9), (71, 8), (72, 7)):
        store(folder, Sighting(address_of(number), cut, day(moment)))
        build(folder, [], day(1))
        assert rows(folder, "SELECT recommendation_id FROM main.recommendations WHERE recommendation_id >= 70") == [
            (number,)
        ]
    assert increments.count == 3
    assert rows(folder, "SELECT problem_code FROM main.problems WHERE problem_code = 'no_record_id'") == []
    check(folder, tmp_path, build)


def test_what_changed_is_what_was_meant(folder: Path, build: Build, increments: Increments) -> None:
    store(folder, *CHANGES["a copy that moves to another evaluation"], *CHANGES["a project that nobody names any more"])
    build(folder, [], day(1))
    assert rows(folder, "SELECT eval_number FROM main.recommendations WHERE recommendation_id = 1") == [(1002,)]
    assert rows(folder, "SELECT project_symbol FROM main.projects ORDER BY ALL") == [
        ("GLO/17/55/MUL",),
        ("NO_DC_SYMBOL_76",),
    ]
    assert rows(folder, "SELECT count(*) FROM raw.pages WHERE record_id = 1 AND record_kind = 'recommendation'") == [
        (2,)
    ]


def test_an_increment_looks_at_no_other_page(
    folder: Path, build: Build, increments: Increments, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the pages that share a record or an evaluation with a new one, and those that do with these."""
    looked_at: list[set[str]] = []
    compute = table_builder.compute

    def watched(connection: duckdb.DuckDBPyConnection, *rest: Any) -> Any:
        looked_at.append({text for (text,) in connection.execute("SELECT page_text FROM staged.pages").fetchall()})
        return compute(connection, *rest)

    monkeypatch.setattr(increment_module, "compute", watched)
    new = Sighting("6.txt", recommendation(6), day(3))
    store(folder, new)
    build(folder, [], day(1))
    assert looked_at == [{sighting.page.decode() for sighting in (BEFORE[0], BEFORE[1], new)}]


def test_tables_that_have_not_changed_are_not_rewritten(folder: Path, build: Build, increments: Increments) -> None:
    before = states(folder)
    store(folder, *CHANGES["a changed status"])
    build(folder, [], day(1))
    after = states(folder)
    changed = {name.removesuffix(".parquet") for name in before if before[name] != after[name]}
    assert changed == {"pages", "page_sightings", "page_fields", "recommendations", "recommendation_status_history"}


def test_nothing_new_touches_no_file(folder: Path, build: Build, increments: Increments) -> None:
    before = {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in folder.rglob("*")}
    _, is_new = build(folder, [], day(1))
    assert not is_new
    assert increments.count == 0
    after = {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in folder.rglob("*")}
    # The folder itself: the staging folder is looked for.
    assert before == after


def test_a_page_that_says_nothing_new_of_a_record_is_published_all_the_same(
    folder: Path, tmp_path: Path, build: Build, increments: Increments
) -> None:
    """Inputs that change no table beyond the page are remembered, so that the next run finds nothing new."""
    store(folder, *CHANGES["a copy of the test host"])
    build(folder, [], day(1))
    _, is_new = build(folder, [], day(1))
    assert (increments.count, is_new) == (1, False)
    check(folder, tmp_path, build)


def test_increments_keep_comments_views_and_constraints(folder: Path, build: Build, increments: Increments) -> None:
    def described() -> list[Any]:
        statements = [
            "SELECT schema_name, table_name, comment FROM duckdb_tables() ORDER BY ALL",
            "SELECT schema_name, view_name, sql, comment FROM duckdb_views() WHERE NOT internal ORDER BY ALL",
            "SELECT schema_name, table_name, column_name, comment FROM duckdb_columns() ORDER BY ALL",
            "SELECT schema_name, table_name, constraint_text FROM duckdb_constraints() ORDER BY ALL",
        ]
        return [rows(folder, statement) for statement in statements]

    before = described()
    store(folder, *CHANGES["several things at once"])
    build(folder, [], day(1))
    assert increments.count == 1
    assert described() == before


def test_a_reader_keeps_the_old_rows(folder: Path, build: Build, increments: Increments) -> None:
    with duckdb.connect(str(folder / "ieval.duckdb"), read_only=True) as reader:
        store(folder, *CHANGES["a changed copy"])
        build(folder, [], day(1))
        assert reader.execute("SELECT title FROM main.recommendations WHERE recommendation_id = 1").fetchall() == [
            ("Open the desks.",)
        ]
    assert rows(folder, "SELECT title FROM main.recommendations WHERE recommendation_id = 1") == [("Open them.",)]


# ---- merged parts


@pytest.fixture
def few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "_MANY", 3)


def merge(folder: Path) -> list[Path]:
    knobs = Settings(warehouse=folder)
    merged = parts.merge_small(knobs.page_store, [knobs.records, knobs.places])
    return merged + parts.merge_small(knobs.page_store / "sightings")


def fill(folder: Path, build: Build) -> None:
    """Two more parts, and three of sightings, each by a run of its own."""
    for number in (1, 2, 3):
        new = [Sighting(f"8{number}.txt", recommendation(80 + number), day(4))] if number < 3 else []
        store(folder, *new, Sighting("there.txt", BEFORE[number].page, day(5)))
        build(folder, [], day(1))


@pytest.mark.usefixtures("few_are_many")
def test_merged_parts_are_nothing_new(folder: Path, tmp_path: Path, build: Build, increments: Increments) -> None:
    fill(folder, build)
    before = states(folder)
    assert len(merge(folder)) == 2
    increments.count = 0
    build(folder, [], day(1))
    assert increments.count == 0
    assert states(folder) == before
    check(folder, tmp_path, build)
    for _ in range(2):  # once they are merged for good, too
        drop_covered(folder / "pages", [folder / "records", folder / "places"])
        _, is_new = build(folder, [], day(1))
        assert not is_new


@pytest.mark.usefixtures("few_are_many")
def test_merged_parts_and_a_new_page(folder: Path, tmp_path: Path, build: Build, increments: Increments) -> None:
    """What a run may do: merge parts that were there before, and add its own."""
    fill(folder, build)
    assert len(merge(folder)) == 2
    store(folder, *CHANGES["several things at once"])
    increments.count = 0
    build(folder, [], day(1))
    assert increments.count == 1
    check(folder, tmp_path, build)


# ---- where it must be a whole build


def test_a_change_of_a_vocabulary_is_a_whole_build(
    folder: Path,
    tmp_path: Path,
    build: Build,
    increments: Increments,
    reference_copy: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(settings, "REFERENCE", reference_copy)
    path = reference_copy / "management_responses.csv"
    text = path.read_text("utf-8")
    assert "Action not yet taken" in text
    path.write_text(text.replace("Action not yet taken", "Nothing done"), encoding="utf-8")
    monkeypatch.setattr(table_builder, "read_reference", read_reference)
    store(folder, *CHANGES["a new page"])
    build(folder, [], day(1))
    assert increments.count == 0
    code = "SELECT management_response_code FROM main.recommendations WHERE recommendation_id = 5"
    assert rows(folder, code) == [(None,)]
    check(folder, tmp_path, build)


def test_a_part_that_is_gone_is_a_whole_build(
    folder: Path, tmp_path: Path, build: Build, increments: Increments
) -> None:
    store(folder, *CHANGES["a new page"], *CHANGES["an earlier sighting"])
    build(folder, [], day(1))
    assert increments.count == 1
    knobs = Settings(warehouse=folder)
    (sightings,) = sighting_parts(knobs.page_store)
    sightings.unlink()
    store(folder, *CHANGES["a changed copy"])
    build(folder, [], day(1))
    assert increments.count == 1
    check(folder, tmp_path, build)
    # Pages are never lost in silence.
    store_parts(knobs.page_store)[-1].unlink()
    before = states(folder)
    with pytest.raises(PagesLostError, match="`ieval run --rebuild` publishes without them"):
        build(folder, [], day(1))
    assert states(folder) == before
    refresh_tables(knobs, rebuild=True)
    refresh_database(knobs, "a-run")
    shutil.rmtree(tmp_path / "whole")
    check(folder, tmp_path, build)


@pytest.mark.parametrize("share", [0, 0.1])
def test_more_pages_than_the_share_are_a_whole_build(
    folder: Path, tmp_path: Path, build: Build, monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    increments = Increments(monkeypatch, share)
    store(folder, *CHANGES["a new page"])
    build(folder, [], day(1))
    assert increments.count == 0
    check(folder, tmp_path, build)


@pytest.mark.parametrize(("share", "count"), [(0.2, 0), (1 / 3, 1)])
def test_the_share_counts_every_page_that_is_affected(
    folder: Path, build: Build, monkeypatch: pytest.MonkeyPatch, share: float, count: int
) -> None:
    """One page is new; with those of its evaluation there are three, of nine."""
    increments = Increments(monkeypatch, share)
    store(folder, *CHANGES["a new page"])
    build(folder, [], day(1))
    assert increments.count == count


def test_the_usual_share_is_a_tenth() -> None:
    assert pytest.approx(0.1) == warehouse._MOST_AFFECTED


def test_without_what_was_published_it_is_a_whole_build(
    folder: Path, tmp_path: Path, build: Build, increments: Increments
) -> None:
    (folder / "parquet" / "lessons.parquet").unlink()
    store(folder, *CHANGES["a new page"])
    build(folder, [], day(1))
    assert increments.count == 0
    check(folder, tmp_path, build)


def test_rows_that_belong_to_no_page_are_known() -> None:
    """Of every table it is known whose its rows are: a new one must be thought of here."""
    nothing = {kind: pa.array([], pa.int64()) for kind in ("recommendation", "lesson", "good_practice")}
    affected = increment_module.Affected(pa.array([], pa.string()), nothing, pa.array([], pa.int64()))
    kept = {name for name, table in TABLES.items() if affected.condition(table) is None}
    assert kept == {name for name, table in TABLES.items() if table.group == "reference"} | {"projects"}


def test_conditions_hold_for_odd_values() -> None:
    numbers = {"recommendation": [1, 2], "lesson": [], "good_practice": [2**62]}
    records = {kind: pa.array(values, pa.int64()) for kind, values in numbers.items()}
    affected = increment_module.Affected(pa.array(["it's", "x"]), records, pa.array([683], pa.int64()))
    table = pa.table(
        {
            "record_kind": ["recommendation", "recommendation", "lesson", "good_practice", "good_practice"],
            "record_id": [1, 3, 1, 2**62, 2],
        }
    )
    themes = TABLES["record_themes"]
    expected = [True, False, False, True, False]
    assert affected.mask(table.to_batches()[0], themes).to_pylist() == expected
    with duckdb.connect() as connection:
        connection.register("themes", table)
        query = f"SELECT {affected.condition(themes)} FROM themes"
        assert [bool(found) for (found,) in connection.execute(query).fetchall()] == expected
        connection.register("pages", pa.table({"page_id": ["it's", "its", "x"]}))
        query = f"SELECT {affected.condition(TABLES['pages'])} FROM pages"
        assert connection.execute(query).fetchall() == [(True,), (False,), (True,)]
