"""The Dagster code location: what its graph looks like, and what it does when a run goes well or badly."""

from __future__ import annotations

import datetime
import http.server
import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
from conftest import PAGES, SHIPPED
from small_pages import Increments, assert_database_agrees, day, parquet_bytes, quick, recommendation

from pipelines import assets, checks, definitions, parts, publication, stages, warehouse
from pipelines.assets import DATABASE, EXPORT, PAGE_STORE, RECORDS, REPORT, SEED_PAGES, SEED_REFERENCE
from pipelines.definitions import JOB_NAME, OUTPUTS_JOB_NAME, defs, new_pages, published_anew, schedule
from pipelines.marts import MARTS
from pipelines.settings import Settings
from pipelines.tables import TABLES

GRAPH = defs.resolve_asset_graph()
SPECS = {spec.key: spec for spec in sorted(defs.resolve_all_asset_specs(), key=lambda spec: spec.key)}
TABLE_KEYS = {dg.AssetKey([table.schema, table.name]): table for table in (*TABLES.values(), *MARTS.values())}
OUTPUTS = {EXPORT, REPORT}
#: What a reader sees first: the groups of the graph.
GROUPS = {"seeds", "raw", "records", "core", "reference", "warehouse", "marts", "outputs"}


# ---- the graph


def test_definitions_load() -> None:
    dg.Definitions.validate_loadable(defs)


def test_every_table_and_view_is_an_asset() -> None:
    assert SPECS.keys() == TABLE_KEYS.keys() | {SEED_PAGES, SEED_REFERENCE, PAGE_STORE, RECORDS, DATABASE} | OUTPUTS


@pytest.mark.parametrize("key", SPECS, ids=lambda key: key.to_user_string())
def test_asset_introduces_itself(key: dg.AssetKey) -> None:
    spec = SPECS[key]
    assert spec.group_name in GROUPS
    assert spec.description
    assert spec.description.strip().endswith(".")
    assert spec.owners
    assert spec.kinds


@pytest.mark.parametrize("key", TABLE_KEYS, ids=lambda key: key.to_user_string())
def test_asset_of_a_table(key: dg.AssetKey) -> None:
    spec, table = SPECS[key], TABLE_KEYS[key]
    assert spec.group_name == table.group
    assert spec.description == table.words
    schema = spec.metadata["dagster/column_schema"]
    if isinstance(schema, dg.TableSchemaMetadataValue):
        schema = schema.schema
    assert [(column.name, column.type, column.description) for column in schema.columns] == [
        (column.name, column.type, column.words) for column in table.columns
    ]
    assert [column.constraints.nullable for column in schema.columns] == [column.nullable for column in table.columns]


def test_groups() -> None:
    groups = {key.to_user_string(): spec.group_name for key, spec in SPECS.items()}
    assert {groups[name] for name in ("raw/pages", "raw/page_fields", "page_store")} == {"raw"}
    assert groups["records"] == "records"
    assert groups["ieval_duckdb"] == "warehouse"
    assert groups["mart/country_profile"] == "marts"
    assert set(groups.values()) == GROUPS


def test_there_is_no_orphan() -> None:
    for key in SPECS:
        node = GRAPH.get(key)
        assert node.parent_keys or key in (SEED_PAGES, SEED_REFERENCE), key
        assert node.child_keys or key in OUTPUTS or TABLE_KEYS.get(key, TABLES["pages"]).schema == "mart", key
    reached: set[dg.AssetKey] = set()
    queue = [SEED_PAGES, SEED_REFERENCE]
    while queue:
        key = queue.pop()
        if key not in reached:
            reached.add(key)
            queue += GRAPH.get(key).child_keys
    assert reached == SPECS.keys()


def test_tables_depend_on_what_their_sql_reads() -> None:
    assert GRAPH.get(dg.AssetKey(["raw", "pages"])).parent_keys >= {PAGE_STORE, RECORDS}
    assert GRAPH.get(dg.AssetKey(["main", "themes"])).parent_keys == {SEED_REFERENCE}
    assert dg.AssetKey(["main", "countries"]) in GRAPH.get(dg.AssetKey(["main", "evaluation_locations"])).parent_keys
    assert GRAPH.get(DATABASE).parent_keys == {key for key, table in TABLE_KEYS.items() if table.schema != "mart"}


def test_checks_block_where_they_must() -> None:
    specs = {(key.asset_key, key.name): GRAPH.get_check_spec(key) for key in GRAPH.asset_check_keys}
    expected = set()
    for check in checks.all_checks():
        key = (dg.AssetKey(check.table.split(".")), "contract" if check.is_blocking else "plausibility")
        expected.add(key)
        assert specs[key].blocking == check.is_blocking
        assert check.words in (specs[key].description or "")
    assert specs.keys() == expected
    assert {key for key, name in expected if name == "contract"} == {
        key for key, table in TABLE_KEYS.items() if table.schema != "mart"
    }


# ---- schedule and sensor


def test_schedule() -> None:
    assert schedule.execution_timezone == "UTC"
    assert schedule.cron_schedule == "0 5 * * *"
    assert schedule.job_name == JOB_NAME


def test_one_process_runs_it_all() -> None:
    assert defs.executor is dg.in_process_executor


def test_sensor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "a.txt").write_text("one", encoding="utf-8")
    monkeypatch.setenv("IEVAL_PAGES", str(pages))
    cursor: str | None = None

    def look() -> int:
        nonlocal cursor
        with dg.build_sensor_context(cursor=cursor) as context:
            result = new_pages(context)
        if isinstance(result, dg.SkipReason):
            assert result.skip_message == "the set of pages has not changed"
            return 0
        assert isinstance(result, dg.SensorResult)
        cursor = result.cursor
        return len(result.run_requests or [])

    assert [look(), look()] == [1, 0]
    (pages / "b.txt").write_text("two", encoding="utf-8")
    assert [look(), look()] == [1, 0]
    (pages / "b.txt").write_text("two, repaired", encoding="utf-8")
    assert [look(), look()] == [1, 0]
    (pages / "a.txt").unlink()
    assert [look(), look()] == [1, 0]


def test_every_change_is_a_run_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dagster launches nothing for a run key that it has seen: also a set of pages that returns is a change."""
    monkeypatch.setenv("IEVAL_PAGES", str(tmp_path))
    requests = []
    cursor = None
    page = tmp_path / "a.txt"
    for is_there in (False, True, False):
        page.write_text("x", encoding="utf-8") if is_there else page.unlink(missing_ok=True)
        with dg.build_sensor_context(cursor=cursor) as context:
            result = new_pages(context)
        assert isinstance(result, dg.SensorResult)
        cursor = result.cursor
        requests += result.run_requests or []
    assert [request.run_key for request in requests] == [None] * 3


# ---- runs


Run = Callable[..., dg.ExecuteInProcessResult]


@pytest.fixture
def run(fresh_process: Path) -> Run:
    """Executes the job in this process, without a log on disk."""

    def execute(
        *pages: Path, strict: bool = False, as_of: str | None = None, rebuild: bool = False
    ) -> dg.ExecuteInProcessResult:
        config = {
            "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
            "ops": {
                "page_store": {"config": {"pages": [str(page) for page in pages], "as_of": as_of, "rebuild": rebuild}},
                "tables": {"config": {"rebuild": rebuild}},
                "checks": {"config": {"strict": strict}},
            },
        }
        with dg.DagsterInstance.ephemeral() as instance:
            return defs.resolve_job_def(JOB_NAME).execute_in_process(config, instance=instance, raise_on_error=False)

    return execute


Steps = Callable[..., None]


@pytest.fixture
def steps(fresh_process: Path) -> Iterator[Steps]:
    """Calls the assets in their order, without Dagster's log of events, which takes longer than they do."""

    def execute(*pages: Path, strict: bool = False, as_of: str | None = None, rebuild: bool = False) -> None:
        context = dg.build_asset_context()
        assets.page_store(
            context, assets.PagesConfig(pages=[str(page) for page in pages], as_of=as_of, rebuild=rebuild)
        )
        assets.records(context)
        list(assets.tables(context, assets.TablesConfig(rebuild=rebuild)))
        try:
            list(assets.table_checks(context, assets.ChecksConfig(strict=strict)))
            warehouse.refresh_database(Settings(), "a-run")
        finally:
            warehouse.drop_staged(Settings())

    with quick():
        yield execute


def test_run_reports_what_it_made(run: Run, fresh_process: Path) -> None:
    result = run(SHIPPED)
    assert result.success
    made = {event.asset_key: event.materialization.metadata for event in result.get_asset_materialization_events()}
    assert made.keys() == SPECS.keys() - {SEED_PAGES, SEED_REFERENCE} - OUTPUTS
    published = publication.published(Settings())
    assert published is not None
    for name, file in published.tables.items():
        metadata = made[dg.AssetKey([TABLES[name].schema, name])]
        assert metadata["dagster/row_count"].value == file.rows
        assert metadata["bytes"].value == file.bytes
        assert metadata["sha256"].value == file.sha256
        assert isinstance(metadata["preview"], dg.MarkdownMetadataValue)
    assert made[dg.AssetKey(["mart", "recommendation_overview"])]["dagster/row_count"].value == 1
    evaluated = result.get_asset_check_evaluations()
    assert {(check.asset_key, check.check_name) for check in evaluated} == {
        (key.asset_key, key.name) for key in GRAPH.asset_check_keys
    }
    assert all(check.passed for check in evaluated)


def test_a_blocking_check_that_fails_publishes_nothing(
    run: Run, fresh_process: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(connection: Any, check: checks.Check, slices: Any) -> checks.CheckResult:
        return checks.CheckResult(check, int(check.name == "lessons.primary_key"), ({"lesson_id": 1},))

    with monkeypatch.context() as patched:
        patched.setattr(checks, "run_check", broken)  # what run_checks calls
        result = run(SHIPPED)
    assert not result.success
    failed = [check for check in result.get_asset_check_evaluations() if not check.passed]
    assert [(check.asset_key.to_user_string(), check.check_name) for check in failed] == [("main/lessons", "contract")]
    assert failed[0].severity == dg.AssetCheckSeverity.ERROR
    knobs = Settings()
    assert not knobs.database.exists()
    assert not knobs.parquet.exists()
    assert not knobs.manifest.exists()
    assert run(SHIPPED).success
    assert knobs.database.exists()


def test_a_warning_stops_nothing(run: Run) -> None:
    result = run(PAGES / "lesson_900107.txt")
    assert result.success
    failed = [check for check in result.get_asset_check_evaluations() if not check.passed]
    assert [(check.check_name, check.severity) for check in failed] == [("plausibility", dg.AssetCheckSeverity.WARN)]
    assert "Kiribatti" in str(failed[0].metadata["unknown_labels"].value)


def test_strict_forgets_copies_that_have_been_replaced(steps: Steps, tmp_path: Path) -> None:
    """A label that was repaired at the source: the copy that had it wrong stays in raw.pages for ever."""
    page = tmp_path / "page.txt"
    text = (PAGES / "lesson_900107.txt").read_bytes()
    page.write_bytes(text)
    with pytest.raises(dg.Failure):
        steps(page, strict=True)
    page.write_bytes(text.replace(b"Kiribatti", b"Kiribati").replace(b"Arab States", b"Africa"))
    steps(page, strict=True)


# ---- warnings of an increment and of a run that finds nothing new

UNKNOWN = PAGES / "lesson_900107.txt"


@pytest.fixture
def increments(monkeypatch: pytest.MonkeyPatch) -> Increments:
    return Increments(monkeypatch)


def warnings() -> list[str]:
    """What the last run said of its checks."""
    said = sorted(message for message in stages.LOG.messages if message.startswith("check "))
    stages.LOG.reset()
    return said


def failed(result: dg.ExecuteInProcessResult) -> set[tuple[str, str]]:
    return {
        (check.asset_key.to_user_string(), check.check_name)
        for check in result.get_asset_check_evaluations()
        if not check.passed
    }


def test_a_run_that_finds_nothing_new_says_the_same_warnings(run: Run, increments: Increments) -> None:
    first = run(UNKNOWN)
    said = warnings()
    assert len(said) == 1 and "check warning: unknown_labels" in said[0] and "Kiribatti" in said[0]
    for _ in range(2):
        again = run(UNKNOWN)
        assert again.success
        assert warnings() == said
        assert failed(again) == failed(first) == {("main/problems", "plausibility")}
    published = publication.published(Settings())
    assert published and list(published.failed_checks) == ["unknown_labels"]
    assert increments.count == 0


def versions(result: dg.ExecuteInProcessResult) -> dict[str, str]:
    """The data versions that Dagster was told."""
    return {
        event.asset_key.to_user_string(): event.materialization.tags["dagster/data_version"]
        for event in result.get_asset_materialization_events()
        if "dagster/data_version" in (event.materialization.tags or {})
    }


def test_data_versions_say_what_has_changed(run: Run, tmp_path: Path, increments: Increments) -> None:
    page = tmp_path / "page.txt"
    page.write_bytes(recommendation(1))
    before = versions(run(SHIPPED, page))
    assert before == versions(run(SHIPPED, page))
    page.write_bytes(recommendation(1, text="Open them."))
    after = versions(run(SHIPPED, page))
    assert increments.count == 1
    assert {name for name in before if before[name] != after[name] and not name.startswith("mart/")} == {
        "page_store",
        "records",
        "raw/pages",
        "raw/page_sightings",
        "raw/page_fields",
        "main/recommendations",
        "ieval_duckdb",
    }


def test_an_increment_repeats_the_warnings_of_all_pages(steps: Steps, tmp_path: Path, increments: Increments) -> None:
    """A label that nobody knows is still there when another page is added."""
    steps(UNKNOWN)
    said = warnings()
    page = tmp_path / "page.txt"
    page.write_bytes(recommendation(1))
    steps(UNKNOWN, page)
    assert increments.count == 1
    assert warnings() == said


def test_an_increment_that_mends_the_last_page_ends_the_warning(
    steps: Steps, tmp_path: Path, increments: Increments
) -> None:
    page = tmp_path / "page.txt"
    text = UNKNOWN.read_bytes()
    page.write_bytes(text)
    steps(SHIPPED, page)
    assert warnings()
    page.write_bytes(text.replace(b"Kiribatti", b"Kiribati").replace(b"Arab States", b"Africa"))
    steps(SHIPPED, page)
    assert increments.count == 1
    assert warnings() == []
    published = publication.published(Settings())
    assert published and published.failed_checks == {}


@pytest.fixture(scope="module")
def two_pages(tmp_path_factory: pytest.TempPathFactory, build: Callable[..., object]) -> Path:
    """A warehouse that no check warns of. Only to be copied."""
    folder = tmp_path_factory.mktemp("two-pages")
    page = folder / "1.txt"
    page.write_bytes(recommendation(1))
    build(folder / "w", [page, SHIPPED], day(1))
    with duckdb.connect(str(folder / "w" / "ieval.duckdb"), read_only=True) as db:
        assert [each.words for each in checks.run_checks(db, checks.all_checks()) if not each.passed] == []
    return folder / "w"


@pytest.mark.parametrize(
    ("check", "new"),
    [
        ("unknown_labels", recommendation(2, units=["CO-Nowhere"])),
        ("records_have_numbers", recommendation(None, evaluation=None)),
        ("cut_pages_have_a_complete_copy", recommendation(2, cut="- information_source:\n- C")),
        ("response_dates_are_plausible", recommendation(2, date="2924-10-09 00:00:00.0")),
        ("one_response_date_an_evaluation", recommendation(2, date="2023-10-10 00:00:00.0")),
        # It looks at two evaluations that have nothing else to do with each other.
        ("recommendations_are_not_copied", recommendation(2, evaluation=1002)),
    ],
)
def test_an_increment_finds_what_a_whole_build_finds(
    steps: Steps, two_pages: Path, tmp_path: Path, fresh_process: Path, increments: Increments, check: str, new: bytes
) -> None:
    shutil.copytree(two_pages, fresh_process, symlinks=True)
    (tmp_path / "2.txt").write_bytes(new)
    steps(tmp_path / "2.txt")
    assert increments.count == 1
    said = warnings()
    (tmp_path / "warehouse" / "manifest.json").unlink()
    steps(tmp_path / "2.txt")
    whole = warnings()
    assert increments.count == 1
    assert [message for message in whole if f" {check}: " in message]
    assert said == whole


def test_a_blocking_check_that_fails_on_an_increment_publishes_nothing(
    run: Run, tmp_path: Path, increments: Increments, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(SHIPPED)
    before = publication.published(Settings())
    database = Settings().database.read_bytes()
    (tmp_path / "1.txt").write_bytes(recommendation(1))
    run_check = checks.run_check

    def broken(connection: Any, check: checks.Check, *slices: Any) -> checks.CheckResult:
        if check.name == "recommendations.primary_key":
            return checks.CheckResult(check, 1, ({"recommendation_id": 1},))
        return run_check(connection, check, *slices)

    with monkeypatch.context() as patched:
        patched.setattr(checks, "run_check", broken)
        assert not run(tmp_path / "1.txt").success
    assert increments.count == 1
    assert publication.published(Settings()) == before
    assert Settings().database.read_bytes() == database
    # What was read is kept, and published by the next run though its file is not opened again.
    assert run(tmp_path / "1.txt").success
    assert increments.count == 2
    published = publication.published(Settings())
    assert published and published.tables["recommendations"].rows == 2


def test_strict_judges_the_pages_of_unchanged_files_too(steps: Steps, tmp_path: Path) -> None:
    """A file that was read by a forgiving run and has not changed since is still what the strict one was given."""
    steps(UNKNOWN)
    with pytest.raises(dg.Failure, match="Kiribatti"):
        steps(UNKNOWN, strict=True)


# ---- what a run is asked


def test_a_page_store_that_was_deleted_is_filled_again(steps: Steps, fresh_process: Path) -> None:
    """The manifest of sources is a convenience: it must not keep pages from being read that nobody has."""
    steps(SHIPPED)
    shutil.rmtree(fresh_process / "pages")
    steps(SHIPPED)
    published = publication.published(Settings())
    assert published and published.tables["recommendations"].rows == 1


def test_a_part_that_was_deleted_is_read_again(steps: Steps, tmp_path: Path, fresh_process: Path) -> None:
    """Of two files one has lost its page: that one is opened, and the other is not."""
    page = tmp_path / "page.txt"
    page.write_bytes(recommendation(1))
    os.utime(page, (0, 0))  # what has just been written is opened again, for it could change unseen
    steps(SHIPPED)
    steps(SHIPPED, page)
    first, _ = sorted((fresh_process / "pages").glob("part-*"))
    first.unlink()
    steps(SHIPPED, page)
    assert (stages.LOG.facts["pages_read"], stages.LOG.facts["new_pages"]) == (1, 1)
    published = publication.published(Settings())
    assert published and published.tables["recommendations"].rows == 2


def test_parts_that_are_kept_elsewhere_from_now_on_are_filled(
    steps: Steps, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """IEVAL_PARTS is set for a cluster, and the warehouse was there before."""
    steps(SHIPPED)
    monkeypatch.setenv("IEVAL_PARTS", str(tmp_path / "shared"))
    steps(SHIPPED)
    assert [path.name for path in (tmp_path / "shared").iterdir()] != []
    published = publication.published(Settings())
    assert published and published.tables["recommendations"].rows == 1


@pytest.mark.parametrize("address", ["memory://ieval-test/parts", "file://{}/parts"])
def test_parts_at_an_fsspec_address(
    steps: Steps,
    build: Callable[..., object],
    tmp_path: Path,
    fresh_process: Path,
    increments: Increments,
    monkeypatch: pytest.MonkeyPatch,
    address: str,
) -> None:
    """What a cluster sees: pages, records and places are there, and nothing of them here; the tables are the same."""
    upath = pytest.importorskip("upath")
    address = address.format(tmp_path)
    page = tmp_path / "page.txt"
    page.write_bytes(recommendation(1, projects=["GLO/17/55/MUL"]))
    monkeypatch.setenv("IEVAL_PARTS", address)
    monkeypatch.setenv("IEVAL_WORKERS", "1")  # the memory of this process is seen by no other
    try:
        steps(SHIPPED, as_of="2024-03-01")
        steps(page, as_of="2024-03-02")
        steps(SHIPPED, as_of="2024-01-01")
        assert increments.count == 2
        assert sorted(path.name for path in upath.UPath(address).iterdir()) == ["pages", "places", "records"]
        assert {path.name for path in fresh_process.iterdir()} & {"pages", "places", "records"} == set()
        assert_database_agrees(fresh_process)
        there = parquet_bytes(fresh_process)
        steps(SHIPPED, rebuild=True, as_of="2024-01-01")
        assert parquet_bytes(fresh_process) == there
    finally:
        if address.startswith("memory"):
            upath.UPath(address).fs.rm("/ieval-test", recursive=True)
    monkeypatch.delenv("IEVAL_PARTS")
    for pages, as_of in ((SHIPPED, "2024-03-01"), (page, "2024-03-02"), (SHIPPED, "2024-01-01")):
        build(tmp_path / "here", [pages], datetime.datetime.fromisoformat(f"{as_of}T00:00:00Z"), is_stated=True)
    assert parquet_bytes(tmp_path / "here") == there


def test_as_of_tells_all_files_again(steps: Steps, tmp_path: Path) -> None:
    """What was seen on a stated day counts though the file was read before; the same day again says nothing."""
    steps(SHIPPED)
    for as_of, count in (("2024-03-01", 2), ("2023-03-01", 3), ("2024-03-01", 3)):
        steps(SHIPPED, as_of=as_of)
        published = publication.published(Settings())
        assert published and published.tables["page_sightings"].rows == count
        assert stages.LOG.facts["files_unchanged"] == 0


def test_rebuild_reads_everything_again(steps: Steps, fresh_process: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps(SHIPPED)
    knobs = Settings()
    made = [*knobs.records.iterdir(), *knobs.places.iterdir()]
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in made}
    tables = parquet_bytes(fresh_process)
    database = knobs.database.stat().st_mtime_ns
    steps(SHIPPED)
    assert {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in made} == before
    steps(SHIPPED, rebuild=True)
    assert stages.LOG.facts["files_unchanged"] == 0
    after = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in made}
    assert {path: content for path, (_, content) in after.items()} == {
        path: content for path, (_, content) in before.items()
    }
    assert all(after[path][0] != before[path][0] for path in made)
    assert knobs.database.stat().st_mtime_ns != database
    assert parquet_bytes(fresh_process) == tables


def test_small_parts_are_merged_in_passing(
    steps: Steps, tmp_path: Path, fresh_process: Path, increments: Increments, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run after run adds a part; that they are merged shows nowhere but in the folder, and recomputes nothing."""
    monkeypatch.setattr(parts, "_MANY", 3)
    for number in range(1, 6):
        (tmp_path / f"{number}.txt").write_bytes(recommendation(number))
        (tmp_path / "moving.txt").write_bytes(recommendation(100, text=f"Version {number % 2}."))
        steps(tmp_path / f"{number}.txt", tmp_path / "moving.txt")
    assert len(list((fresh_process / "pages").glob("part-*"))) < 5
    assert any(path.name.startswith("part-000001-") and path.name.count("-") == 3 for path in (
        fresh_process / "pages").iterdir())  # fmt: skip
    merged = parquet_bytes(fresh_process)
    assert increments.count == 4
    assert_database_agrees(fresh_process)
    steps(tmp_path / "1.txt", rebuild=True)
    assert parquet_bytes(fresh_process) == merged


# ---- failure


@pytest.fixture
def webhook() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A web server on this computer, and what has been posted to it."""
    posted: list[dict[str, Any]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.headers["Content-Type"] == "application/json"
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hook?secret=s3cret", posted
    server.shutdown()
    server.server_close()


def test_a_failed_run_is_posted(
    run: Run, webhook: tuple[str, list[dict[str, Any]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, posted = webhook
    monkeypatch.setenv("IEVAL_FAILURE_WEBHOOK", url)
    result = run(tmp_path / "nowhere.txt")
    assert not result.success
    (body,) = posted
    assert (body["job"], body["step"], body["run_id"]) == (JOB_NAME, "page_store", result.run_id)
    assert "nowhere.txt: no such file or folder" in body["error"]


def test_a_failed_check_is_posted(
    run: Run, webhook: tuple[str, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, posted = webhook
    monkeypatch.setenv("IEVAL_FAILURE_WEBHOOK", url)
    assert not run(PAGES / "lesson_900107.txt", strict=True).success
    (body,) = posted
    assert body["step"] == "checks"
    assert "Kiribatti" in body["error"]


def test_a_good_run_posts_nothing(
    run: Run, webhook: tuple[str, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, posted = webhook
    monkeypatch.setenv("IEVAL_FAILURE_WEBHOOK", url)
    assert run(SHIPPED).success
    assert posted == []


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/s3cret", "s3cret", "http://127.0.0.1:s3cret/", "gopher://s3cret"])
def test_a_webhook_that_is_down_or_wrong_fails_nothing_else(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("IEVAL_FAILURE_WEBHOOK", url)
    result = run(tmp_path / "nowhere.txt")
    assert not result.success
    hooks = [event for event in result.all_events if event.event_type_value.startswith("HOOK_")]
    assert {event.event_type_value for event in hooks} == {"HOOK_COMPLETED"}
    # The address may be a secret.
    assert not any("s3cret" in str(event) for event in result.all_events)


def test_code_location_is_found_by_dagster() -> None:
    assert definitions.defs is defs
    assert [job.name for job in defs.resolve_all_job_defs() if not job.name.startswith("__")] == [
        JOB_NAME,
        OUTPUTS_JOB_NAME,
    ]


# ---- what is made of the warehouse


def make_outputs(**configuration: object) -> dg.ExecuteInProcessResult:
    config = {
        "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
        "ops": {"export": {"config": configuration}},
    }
    with dg.DagsterInstance.ephemeral() as instance:
        return defs.resolve_job_def(OUTPUTS_JOB_NAME).execute_in_process(
            config, instance=instance, raise_on_error=False
        )


def test_a_run_makes_no_outputs() -> None:
    """Who has nobody to export for pays nothing for it."""
    assert not OUTPUTS & defs.resolve_job_def(JOB_NAME).asset_layer.executable_asset_keys
    assert defs.resolve_job_def(OUTPUTS_JOB_NAME).asset_layer.executable_asset_keys == OUTPUTS


def test_outputs_tell_what_they_made(steps: Steps, fresh_process: Path) -> None:
    steps(SHIPPED)
    result = make_outputs(formats=["parquet", "sqlite"])
    assert result.success
    made = {event.asset_key: event.materialization.metadata for event in result.get_asset_materialization_events()}
    assert made[EXPORT]["bytes of sqlite"].value == (fresh_process / "export" / "ieval.sqlite").stat().st_size
    assert "bytes of csv" not in made[EXPORT]
    assert made[REPORT]["recommendations"].value == 1
    assert made[REPORT]["completed_share"].value == 0.0
    assert Path(str(made[REPORT]["path"].value)).read_bytes().startswith(b"<!DOCTYPE html>")


@pytest.mark.parametrize(
    ("configuration", "words"),
    [({"formats": ["exel"]}, "there is no format 'exel'"), ({"tables": ["lesons"]}, "did you mean lessons?")],
)
def test_outputs_that_cannot_be_made(
    steps: Steps, fresh_process: Path, configuration: dict[str, list[str]], words: str
) -> None:
    steps(SHIPPED)
    result = make_outputs(**configuration)
    assert not result.success
    (failure,) = [event for event in result.all_events if event.is_step_failure and event.node_name == "export"]
    assert words in str(failure.event_specific_data)


def test_outputs_follow_a_run_that_has_published_something(fresh_process: Path) -> None:
    config = {
        "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
        "ops": {"page_store": {"config": {"pages": [str(SHIPPED)]}}},
    }
    with dg.DagsterInstance.ephemeral() as instance:
        for is_new in (True, False):
            done = defs.resolve_job_def(JOB_NAME).execute_in_process(config, instance=instance)
            (event,) = [event for event in done.all_events if event.is_job_success]
            with dg.build_run_status_sensor_context(
                sensor_name="published_anew",
                dagster_event=event,
                dagster_instance=instance,
                dagster_run=done.dagster_run,
            ) as context:
                asked = published_anew(context)
            assert isinstance(asked, dg.RunRequest if is_new else dg.SkipReason)


def test_runs_that_dagster_launches_are_remembered(fresh_process: Path, tmp_path: Path) -> None:
    """As `ieval run` remembers its own: published, nothing new, failed, and each of them once."""
    from pipelines.definitions import REMEMBERING
    from pipelines.history import read

    sensors = dict(zip(("success", "failure", "canceled"), REMEMBERING, strict=True))
    path = fresh_process / "runs.jsonl"

    def remember(pages: Path) -> Any:
        config = {
            "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
            "ops": {"page_store": {"config": {"pages": [str(pages)]}}},
        }
        done = defs.resolve_job_def(JOB_NAME).execute_in_process(config, instance=instance, raise_on_error=False)
        (event,) = [event for event in done.all_events if event.is_job_success or event.is_job_failure]
        sensor = sensors["success" if done.success else "failure"]
        for _ in range(2):
            with dg.build_run_status_sensor_context(
                sensor_name=sensor.name,
                dagster_event=event,
                dagster_instance=instance,
                dagster_run=done.dagster_run,
            ) as context:
                assert isinstance(sensor(context), dg.SkipReason)
        last = read(path)[-1]
        assert last.run_id == done.dagster_run.run_id
        return last

    with dg.DagsterInstance.ephemeral() as instance:
        first, second, third = (remember(each) for each in (SHIPPED, SHIPPED, tmp_path / "nowhere"))
    assert len(read(path)) == 3
    assert {entry.launched_by for entry in (first, second, third)} == {"Dagster"}
    assert (first.outcome, first.exit_code, first.reason) == ("published", 0, None)
    assert first.summary is not None
    assert first.summary["new_pages"] == 1
    assert (second.outcome, second.exit_code) == ("nothing new", 0)
    assert (third.outcome, third.exit_code) == ("failed", 1)
    assert third.reason is not None
    assert "no such file or folder" in third.reason
    assert first.started <= (first.ended or "") <= second.started
