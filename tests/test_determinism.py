"""Any order and any batching of the same sightings give the same bytes, by increments as by a build from all pages.

A corpus of small pages in which everything that can depend on another page does: changed copies, cut ones that are
known by an address, copies on the test host, moves to another evaluation, projects that nobody names any more.
`EXAMPLES=300 pytest tests/test_determinism.py` looks longer.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st
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

from pipelines import checks, engine, increment, lake, pages, parts, table_builder, warehouse
from pipelines.cluster import open_cluster
from pipelines.settings import Settings

EXAMPLES = int(os.environ.get("EXAMPLES", "4"))
DONE, PARTLY, NOT_YET = (
    ("Completed", "Achieved"),
    ("Partially Completed", "Partially achieved"),
    ("Action not yet taken", "No implementation"),
)
_CUT = recommendation(None, evaluation=None, cut="- progress:\n")
_OTHER_TITLE = "Salt Roads – Phase II - Final independent evaluation"
CORPUS: Sequence[Sighting] = [
    # A recommendation whose statuses change, and go back; its text is repaired without a change of status.
    Sighting("rec/1.txt", recommendation(1, statuses=NOT_YET), day(1)),
    Sighting("rec/1.txt", recommendation(1, statuses=PARTLY), day(3)),
    Sighting("rec/1.txt", recommendation(1, statuses=PARTLY, text="Open the desks!"), day(4)),
    Sighting("rec/1.txt", recommendation(1, statuses=NOT_YET), day(6)),
    # Two copies of one moment, at two addresses and at one.
    Sighting("rec/1.v2.txt", recommendation(1, statuses=DONE), day(3)),
    Sighting("rec/1.txt", recommendation(1, statuses=DONE, text="Open them."), day(3)),
    # The test host has the last word only where nobody else says anything.
    Sighting(address_of(1, host=TEST_HOST), recommendation(1, host=TEST_HOST, statuses=DONE), day(8)),
    Sighting(address_of(2, host=TEST_HOST), recommendation(2, host=TEST_HOST, statuses=PARTLY), day(2)),
    # Cut: behind its number, and before it, where the address tells.
    Sighting("rec/2.txt", recommendation(2, cut="- information_source:\n- C"), day(5)),
    Sighting(address_of(3), recommendation(3, cut="- progress:\n"), day(2)),
    Sighting("rec/3.txt", recommendation(3, evaluation=1002, statuses=DONE), day(1)),
    # A page without number until it is seen at an address, and another number once it was seen earlier at another.
    Sighting("cut.txt", _CUT, day(1)),
    Sighting(address_of(4), _CUT, day(5)),
    Sighting(address_of(5), _CUT, day(3)),
    Sighting(address_of(77, kind="lessons"), _CUT, day(7)),
    Sighting("rec/5.txt", recommendation(5, evaluation=1003, projects=["RAF/20/05/GBR"]), day(4)),
    # From one evaluation to another, which has another title and other places then.
    Sighting("rec/6.txt", recommendation(6, evaluation=1001, projects=["GLO/17/55/MUL"]), day(2)),
    Sighting(
        "rec/6.txt", recommendation(6, evaluation=1002, title=_OTHER_TITLE, locations={"Peru": "Americas"}), day(4)
    ),
    # Projects: named by an older copy alone, by two recommendations, and of no known form.
    Sighting("rec/7.txt", recommendation(7, evaluation=1003, projects=["GLO/17/55/MUL", "ZMB 18/02/RBS"]), day(1)),
    Sighting("rec/7.txt", recommendation(7, evaluation=1003, projects=["NO_DC_SYMBOL_76"]), day(7)),
    Sighting("rec/8.txt", recommendation(8, evaluation=1004, projects=["GLO/17/55/MUL", "XYZ/1/2"]), day(3)),
    # Labels that nobody knows, some of them as near to one label as to another.
    Sighting(
        "rec/9.txt",
        recommendation(
            9, evaluation=1005, units=["CO-Lusak", "CO-L", "ILO-"], locations={"Kenia": "Africa", "Fiji": "Americas"}
        ),
        day(2),
    ),
    Sighting(
        "rec/10.txt",
        recommendation(10, evaluation=1005, statuses=("Complete", "Achieve"), theme=("Employ", "Economy")),
        day(5),
    ),
    # Two records on a page, in two versions; one of them also on a page of its own.
    Sighting("two.txt", page(block(11), block(12, statuses=PARTLY), evaluation=1006), day(1)),
    Sighting("two.txt", page(block(11, statuses=DONE), block(12, statuses=NOT_YET), evaluation=1006), day(6)),
    Sighting("rec/12.txt", recommendation(12, evaluation=1006, statuses=DONE), day(3)),
    Sighting("twice.txt", page(block(13), block(13, statuses=PARTLY, text="Again."), evaluation=1006), day(2)),
    # Lessons and practices, one of them with the number of a recommendation.
    Sighting("lesson/1.txt", page(block(1, "lessons")), day(2)),
    Sighting(
        "lesson/1.txt", page(block(1, "lessons", text="Ports that talk lose fewer days."), evaluation=1007), day(5)
    ),
    Sighting(address_of(14, "practices"), page(block(14, "practices"), cut="- context:\n"), day(3)),
    Sighting("practice/14.txt", page(block(14, "practices")), day(1)),
    # No evaluation, no record, no page, no UTF-8; one content at two addresses.
    Sighting("lone.txt", recommendation(15, evaluation=None), day(2)),
    Sighting("list.txt", b"Recommendations\n-\nOpen the desks.\nOpen the desks.\n", day(1)),
    Sighting("refused.txt", b"Not a page.\n", day(3)),
    Sighting("odd.txt", recommendation(16, title="Salt Roads XX Final evaluation").replace(b"XX", b"\x96"), day(4)),
    Sighting(
        "copy/odd.txt", recommendation(16, title="Salt Roads XX Final evaluation").replace(b"XX", b"\x96"), day(2)
    ),
]
#: What may come after a sighting is stored: nothing (the next one is of the same batch), a batch of its own, a run.
_NEXT, _BATCH, _RUN, _MERGE = "next", "batch", "run", "run and merge"
Build = Callable[..., Any]


@pytest.fixture(scope="module", autouse=True)
def quickly() -> Iterator[None]:
    with quick() as patched:
        patched.setattr(parts, "_MANY", 3)
        yield


def refresh(folder: Path, build: Build, executor: Executor | None = None) -> None:
    """Read what is in the store, here or on an executor, and bring the warehouse up to date."""
    build(folder, [], day(1), open_executor=(lambda: executor) if executor else None)


class Kept(Executor):
    """An executor that is not ended by who has used it: the next one goes on with it."""

    def __init__(self, executor: Executor) -> None:
        self.executor = executor

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **options: Any) -> Future[Any]:
        return self.executor.submit(function, *arguments, **options)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        pass


@pytest.fixture(scope="module", params=["here", "pool of 1", "pool of 4", "dask"])
def executor(request: pytest.FixtureRequest) -> Iterator[Executor | None]:
    """Who reads the pages."""
    if request.param == "here":
        yield None
        return
    if request.param == "dask":
        pytest.importorskip("distributed")
        opened = open_cluster("", 2)
    else:
        opened = engine.open_pool(int(request.param[-1]))
    with opened:
        yield Kept(opened)


def arrive(
    folder: Path, build: Build, arrivals: Sequence[tuple[Sighting, str]], executor: Executor | None = None
) -> int:
    """Let sightings arrive, in batches and runs; returns how many runs could have been an increment."""
    runs = 0
    batch: list[Sighting] = []
    for sighting, then in arrivals:
        batch.append(sighting)
        if then != _NEXT:
            store(folder, *batch)
            batch = []
        if then in (_RUN, _MERGE):
            refresh(folder, build, executor)
            runs += 1
        if then == _MERGE:
            knobs = Settings(warehouse=folder)
            made = [knobs.records, knobs.places]
            parts.merge_small(knobs.page_store, made)
            parts.merge_small(knobs.page_store / "sightings")
            parts.drop_covered(knobs.page_store, made)
            parts.drop_covered(knobs.page_store / "sightings")
    store(folder, *batch)
    refresh(folder, build, executor)
    return runs


def ends(most_runs: int) -> st.SearchStrategy[str]:
    return st.sampled_from([_NEXT] * 4 + [_BATCH] * 2 + [_RUN] * most_runs + [_MERGE])


def limited(order: Sequence[Sighting], then: Sequence[str], most_runs: int) -> list[tuple[Sighting, str]]:
    """The sightings with what comes after them; beyond so many runs, a batch."""
    arrivals, runs = [], 0
    for sighting, end in zip(order, then, strict=True):
        runs += end in (_RUN, _MERGE)
        arrivals.append((sighting, _BATCH if runs > most_runs and end in (_RUN, _MERGE) else end))
    return arrivals


def in_words(arrivals: Sequence[tuple[Sighting, str]]) -> str:
    return "\n".join(f"CORPUS[{CORPUS.index(sighting)}] {sighting.address}: {then}" for sighting, then in arrivals)


def check(folder: Path, whole: Path) -> None:
    assert differences(folder, whole) == {}
    assert parquet_bytes(folder) == parquet_bytes(whole)
    assert_database_agrees(folder)
    if EXAMPLES > 50:
        assert_rules_hold(folder)


def assert_rules_hold(folder: Path) -> None:
    """No check but one that only warns fails, whatever the pages say."""
    with duckdb.connect(str(folder / "ieval.duckdb"), read_only=True) as db:
        results = checks.run_checks(db, checks.all_checks())
    assert [result.words for result in results if not result.passed and result.check.severity == checks.ERROR] == []


FEW = settings(
    max_examples=EXAMPLES,
    phases=[Phase.explicit, Phase.reuse, Phase.generate, *([Phase.shrink] if EXAMPLES > 50 else [])],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, build: Build) -> Path:
    """The warehouse of the whole corpus, made of all pages at once."""
    folder = tmp_path_factory.mktemp("whole")
    store(folder, *CORPUS)
    refresh(folder, build)
    return folder


@FEW
@given(order=st.permutations(CORPUS), data=st.data())
def test_any_order_and_batching_of_the_corpus(
    tmp_path_factory: pytest.TempPathFactory, build: Build, whole: Path, order: list[Sighting], data: st.DataObject
) -> None:
    then = data.draw(st.lists(ends(2), min_size=len(order), max_size=len(order)))
    arrivals = limited(order, then, 3)
    note(in_words(arrivals))
    folder = tmp_path_factory.mktemp("any")
    with pytest.MonkeyPatch.context() as patched:
        increments = Increments(patched)
        runs = arrive(folder, build, arrivals)
        if _MERGE not in [end for _, end in arrivals]:
            # The last run has something new unless the one before it came at the very end.
            assert increments.count in (runs, runs - 1)
    check(folder, whole)
    shutil.rmtree(folder)


@settings(FEW, max_examples=max(1, EXAMPLES // 4))  # for each who may read them
@given(
    arrivals=st.lists(st.tuples(st.sampled_from(CORPUS), ends(3)), min_size=2, max_size=9).map(
        lambda arrivals: limited(*zip(*arrivals, strict=True), 4)
    ),
    row_group_rows=st.sampled_from([2, 5, 16_384]),
    rows_at_once=st.sampled_from([1, 3, 2_048]),
    part_bytes=st.sampled_from([1, 1_500, 8_000_000]),
    slice_bytes=st.sampled_from([1, 4_000, 100_000_000]),
    workers=st.sampled_from(["1", "4"]),
)
def test_any_order_and_batching_of_a_few_pages(
    tmp_path_factory: pytest.TempPathFactory,
    build: Build,
    executor: Executor | None,
    arrivals: list[tuple[Sighting, str]],
    row_group_rows: int,
    rows_at_once: int,
    part_bytes: int,
    slice_bytes: int,
    workers: str,
) -> None:
    """Some of them twice; in row groups of a few rows, so that an increment begins and ends inside of them."""
    note(in_words(arrivals))
    folder, at_once = tmp_path_factory.mktemp("few"), tmp_path_factory.mktemp("at-once")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(lake, "ROW_GROUP_ROWS", row_group_rows)
        patched.setattr(increment, "_ROWS_AT_ONCE", rows_at_once)
        store(at_once, *sorted({sighting for sighting, _ in arrivals}, key=CORPUS.index))
        refresh(at_once, build)
        patched.setattr(pages, "_PART_BYTES", part_bytes)
        patched.setattr(table_builder, "_SLICE_BYTES", slice_bytes)
        patched.setenv("IEVAL_WORKERS", workers)
        Increments(patched)
        arrive(folder, build, arrivals, executor)
    check(folder, at_once)
    for each in (folder, at_once):
        shutil.rmtree(each)


def test_one_by_one(tmp_path: Path, build: Build, whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run a sighting, each of them an increment; and the same folder computed anew from all pages."""
    increments = Increments(monkeypatch)
    late = CORPUS[::-3]
    store(tmp_path, *(sighting for sighting in CORPUS if sighting not in late))
    refresh(tmp_path, build)
    for sighting in late:
        store(tmp_path, sighting)
        refresh(tmp_path, build)
    assert increments.count == len(late)
    check(tmp_path, whole)
    knobs = Settings(warehouse=tmp_path)
    for rebuild in (False, True):
        if not rebuild:
            knobs.manifest.unlink()
        warehouse.refresh_tables(knobs, rebuild)
        warehouse.refresh_database(knobs, "a-run")
        assert increments.count == len(late)
        check(tmp_path, whole)


def test_without_increments(tmp_path: Path, build: Build, whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    increments = Increments(monkeypatch, share=0)
    for piece in (CORPUS[20:], CORPUS[5:20], CORPUS[:5]):
        store(tmp_path, *piece)
        refresh(tmp_path, build)
    assert increments.count == 0
    check(tmp_path, whole)


def test_the_corpus_has_what_it_is_made_for(whole: Path) -> None:
    """Otherwise nothing of the above would prove anything."""
    assert_rules_hold(whole)
    with duckdb.connect(str(whole / "ieval.duckdb"), read_only=True) as db:

        def column(statement: str) -> list[Any]:
            return [value for (value,) in db.execute(statement).fetchall()]

        assert column("SELECT count(*) FROM raw.pages") == [len({sighting.page for sighting in CORPUS})]
        assert column("SELECT count(*) FROM raw.page_sightings") == [len(set(CORPUS))]
        assert column("SELECT count(*) FROM main.recommendations") == [14]
        history = (
            "SELECT management_response_code FROM main.recommendation_status_history "
            "WHERE recommendation_id = {} ORDER BY valid_from"
        )
        assert column(history.format(1)) == [
            "action_not_yet_taken",
            "completed",
            "partially_completed",
            "action_not_yet_taken",
        ]
        assert column(history.format(2)) == ["partially_completed"]
        assert column("SELECT record_id FROM raw.pages WHERE source_uri = 'cut.txt'") == [5]
        assert column("SELECT eval_number FROM main.recommendations WHERE recommendation_id = 6") == [1002]
        assert column("SELECT project_symbol FROM main.projects ORDER BY ALL") == [
            "GLO/17/55/MUL",
            "NO_DC_SYMBOL_76",
            "RAF/20/05/GBR",
            "XYZ/1/2",
        ]
        assert column("SELECT count(*) FROM raw.pages WHERE is_truncated AND record_id IS NOT NULL") != [0]
        assert column("SELECT count(*) FROM raw.pages WHERE page_bytes_base64 IS NOT NULL") == [1]
        assert column("SELECT DISTINCT status FROM raw.pages ORDER BY ALL") == ["list", "record", "refused"]
        assert "unknown_admin_unit" in column("SELECT problem_code FROM main.problems")
