"""Pages that try to be more than text, carried through to what shows them: SQL, Dagster's page, terminal and logs.

HTML of explorer and report, Excel and CSV have theirs beside the tests of these (tests/explorer, report, export).
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from browser import open_browser
from conftest import PROJECT, Built, Ieval, run_ieval
from hostile_texts import ESCAPES, FORGED, LABELS, TEXTS, put_hostile_page
from test_cli import harmless, on_a_terminal

from pipelines.questions import QuestionError, ask, open_warehouse, worked_questions
from pipelines.settings import Settings
from pipelines.tables import TABLES


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The warehouse of hostile pages, made by a run that logs as text."""
    folder = tmp_path_factory.mktemp("injected")
    pages = put_hostile_page(folder / "pages")
    done = run_ieval("run", pages, "--warehouse", folder / "w", "--log-format", "text", DAGSTER_HOME="")
    assert done.returncode == 0, done.stderr
    return Built(folder / "w", done.stdout, done.stderr)


# ---- SQL: what a query may do

FORBIDDEN = [
    "ATTACH '{folder}/other.duckdb' AS other",
    "ATTACH ':memory:' AS other",
    "COPY lessons TO '{folder}/lessons.csv'",
    "COPY (SELECT 1) TO '/dev/stdout'",
    "EXPORT DATABASE '{folder}/exported'",
    "IMPORT DATABASE '{folder}'",
    "SELECT * FROM read_csv('{folder}/secret.csv')",
    "SELECT * FROM '{folder}/secret.csv'",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_blob('/etc/passwd')",
    "SELECT * FROM sniff_csv('{folder}/secret.csv')",
    "SELECT * FROM read_parquet('{folder}/parquet/lessons.parquet')",
    "SELECT * FROM glob('/etc/*')",
    "SELECT * FROM 'https://example.invalid/x.csv'",
    "SELECT * FROM read_parquet('s3://bucket/x.parquet')",
    "INSTALL httpfs",
    "FORCE INSTALL json FROM 'http://example.invalid'",
    "LOAD httpfs",
    "LOAD '{folder}/x.duckdb_extension'",
    "SET enable_external_access = true",
    "SET lock_configuration = false",
    "SET threads = 1",
    "SET TimeZone = 'Asia/Tokyo'",
    "RESET memory_limit",
    "PRAGMA enable_profiling",
    "PRAGMA disable_checkpoint_on_shutdown",
    "SELECT 1; SET threads = 1",
    "CALL enable_logging(storage_path = '{folder}/log')",
    "CREATE SECRET keys (TYPE s3)",
    "SELECT getenv('HOME')",
    "SELECT * FROM secret_frame",
    "INSERT INTO problem_codes SELECT * FROM problem_codes",
    "UPDATE lessons SET language = 'xx'",
    "DELETE FROM lessons",
    "DROP TABLE lessons",
    "DROP SCHEMA raw CASCADE",
    "ALTER TABLE lessons ADD COLUMN x INTEGER",
    "CREATE TABLE x (a INTEGER)",
    "CREATE VIEW x AS SELECT 1",
    "CREATE MACRO x() AS 1",
    "SELECT 1; DROP TABLE lessons",
    # The database's own file is the one that DuckDB lets it open.
    "COPY (SELECT 42 AS a) TO '{database}' (FORMAT parquet, USE_TMP_FILE false)",
    "COPY (SELECT 42 AS a) TO '{database}' (FORMAT csv)",
    "SELECT 1; COPY lessons TO '{database}' (FORMAT csv, USE_TMP_FILE false)",
    "EXPLAIN ANALYZE COPY (SELECT 42 AS a) TO '{database}' (FORMAT parquet, USE_TMP_FILE false)",
    "EXPLAIN /* */ (ANALYZE) COPY lessons TO '{database}' (FORMAT csv, USE_TMP_FILE false)",
    "PREPARE p AS COPY lessons TO '{database}' (FORMAT csv, USE_TMP_FILE false); EXECUTE p",
    "COPY (PIVOT lessons ON language USING count(*)) TO '{database}' (FORMAT csv, USE_TMP_FILE false)",
    "/* */ COPY (PIVOT lessons ON language USING count(*)) TO '{database}' (FORMAT csv, USE_TMP_FILE false)",
]


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_a_query_reads_the_warehouse_and_does_nothing_else(attacked: Built, tmp_path: Path, statement: str) -> None:
    import pandas

    secret_frame = pandas.DataFrame({"a": ["DuckDB looks into Python's variables unless it is told not to"]})
    assert len(secret_frame) == 1
    (tmp_path / "secret.csv").write_text("a\n1\n", encoding="utf-8")
    before = attacked.database.read_bytes()
    with (
        open_warehouse(Settings(warehouse=attacked.folder)) as connection,
        pytest.raises(QuestionError) as refused,
    ):
        ask(connection, statement.format(folder=tmp_path, database=attacked.database), {})
    assert "Traceback" not in str(refused.value)
    assert [path.name for path in tmp_path.iterdir()] == ["secret.csv"]
    assert attacked.database.read_bytes() == before


def test_unsafe_opens_files_and_settings_but_writes_nothing_into_the_warehouse(
    ieval: Ieval, attacked: Built, tmp_path: Path
) -> None:
    before = attacked.database.read_bytes()

    def unsafe(statement: str) -> subprocess.CompletedProcess[str]:
        return ieval("sql", "--unsafe", statement, "--json", "--warehouse", attacked.folder)

    (tmp_path / "mine.csv").write_text("a\n7\n", encoding="utf-8")
    assert json.loads(unsafe(f"SELECT a FROM read_csv('{tmp_path}/mine.csv')").stdout) == [{"a": 7}]
    assert unsafe(f"COPY (SELECT 1 AS one) TO '{tmp_path}/out.csv'").returncode == 0
    assert (tmp_path / "out.csv").read_text(encoding="utf-8") == "one\n1\n"
    assert unsafe("SET threads = 1").returncode == 0
    for statement in ("PIVOT lessons ON language USING count(*)", "(SELECT 1)", "EXPLAIN SELECT 1", "DESCRIBE lessons"):
        assert ieval("sql", statement, "--warehouse", attacked.folder).returncode == 0, statement
    for statement in ("DELETE FROM raw.pages", "DROP TABLE recommendations", "CREATE TABLE x (a INTEGER)"):
        done = unsafe(statement)
        assert done.returncode == 1, statement
        assert "read-only" in done.stderr
    assert attacked.database.read_bytes() == before


# ---- SQL: what a page says


def test_words_of_sql_are_words(attacked: Built) -> None:
    with duckdb.connect(str(attacked.database), read_only=True) as connection:
        tables = {name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
        assert tables == set(TABLES)
        [(title, plan, comments)] = connection.execute(
            "SELECT title, action_plan, comments FROM recommendations WHERE recommendation_id = 900701"
        ).fetchall()
        assert (title, plan, comments) == (TEXTS["title"], TEXTS["action_plan"], TEXTS["comments"])
        labels = connection.execute(
            "SELECT country_label, admin_unit_label, project_symbol FROM evaluation_locations, "
            "recommendation_admin_units, recommendation_projects WHERE eval_number = 900701"
        ).fetchall()
        assert set(labels) == {tuple(LABELS.values())}


HOSTILE_VALUES = [
    "'); DROP TABLE lessons; --",
    '" OR 1=1 --',
    "x' UNION SELECT page_text FROM raw.pages --",
    "%",
    "\x00",
]


@pytest.mark.parametrize("name", [name for name, file in worked_questions().items() if file.parameters])
@pytest.mark.parametrize("value", HOSTILE_VALUES)
def test_parameters_are_values(hostile: Built, name: str, value: str) -> None:
    """A value never becomes part of a query: it finds nothing, is none of those that there are, or no number or day."""
    file = worked_questions()[name]
    with open_warehouse(Settings(warehouse=hostile.folder)) as connection:
        for parameter in file.parameters:
            try:
                answer = ask(connection, name, {parameter.name: value})
            except QuestionError as error:
                assert parameter.type in ("integer", "date") or f"there is no {value!r}" in str(error), error
            else:
                everything = ask(connection, name, {})
                assert value == "%" or parameter.type == "text"
                assert len(answer.rows) <= max(len(everything.rows), 100)
        assert connection.execute("SELECT count(*) FROM lessons").fetchall() == [(6,)]


# ---- terminals


@pytest.mark.parametrize(
    "arguments",
    [
        ["status"],
        ["check"],
        ["check", "--unknown"],
        ["explain", "900701"],
        ["sql", "SELECT * FROM raw.pages"],
        ["sql", "SELECT source_uri, admin_unit_label FROM raw.pages, recommendation_admin_units", "--csv"],
        ["sql", "--unsafe", "SELECT source_uri FROM raw.pages", "--json"],
        ["sql", "country_promises"],
        ["prune", "--dry-run"],
    ],
    ids=" ".join,
)
def test_no_escape_reaches_a_terminal(attacked: Built, arguments: list[str]) -> None:
    said = on_a_terminal(*arguments, IEVAL_WAREHOUSE=str(attacked.folder))
    assert said
    assert "Traceback" not in said
    assert harmless(said)
    assert "\u202e" not in said


@pytest.mark.parametrize("option", [["--verbose"], ["--log-format", "json"], ["--strict", "--log-format", "text"]])
def test_no_run_sends_escapes_to_a_terminal(tmp_path: Path, option: list[str]) -> None:
    pages = put_hostile_page(tmp_path / f"pages{ESCAPES}")
    said = on_a_terminal("run", pages, *option, "--warehouse", tmp_path / "w", DAGSTER_HOME="")
    assert "pwned" in said
    assert harmless(said)
    assert not re.search(rf"^{FORGED}", said.replace("\r", ""), re.MULTILINE)


def test_a_summary_has_the_lines_that_it_says(attacked: Built) -> None:
    assert not [line for line in attacked.stdout.splitlines() if line.startswith(FORGED)]


# ---- logs


def test_no_text_begins_a_line_of_the_text_log(attacked: Built) -> None:
    lines = attacked.stderr.splitlines()
    assert len(lines) > 8
    run_ids = {re.fullmatch(r"\S+Z (?:INFO|WARNING|ERROR) ([0-9a-f-]{36}) .+", line)[1] for line in lines}  # type: ignore[index]
    assert len(run_ids) == 1
    assert "passed over" in attacked.stderr
    assert harmless(attacked.stderr)


def test_every_line_of_the_json_log_is_one_object_in_ascii(tmp_path: Path) -> None:
    pages = put_hostile_page(tmp_path / "pages")
    done = run_ieval("run", pages, "--strict", "--log-format", "json", "--warehouse", tmp_path / "w", DAGSTER_HOME="")
    assert done.returncode == 1
    logged = [line for line in done.stderr.splitlines() if line.startswith("{")]
    assert not re.search(r"[^\x20-\x7e]", "".join(logged))
    entries = [json.loads(line) for line in logged]
    assert {entry["level"] for entry in entries} <= {"INFO", "WARNING", "ERROR"}
    assert len({entry["run_id"] for entry in entries}) == 1
    last = entries[-1]
    assert (last["event"], last["outcome"], last["exit_code"], last["level"]) == ("run", "failed", 1, "ERROR")
    assert "--strict allows no warnings" in last["message"]
    # What people see beside it begins no line of its own either.
    assert not [line for line in done.stderr.splitlines() if line.startswith(FORGED)]


def test_no_text_begins_a_line_of_the_history(attacked: Built) -> None:
    lines = (attacked.folder / "runs.jsonl").read_bytes().splitlines()
    assert len(lines) == 2
    assert len({json.loads(line)["run_id"] for line in lines}) == 1


# ---- Markdown, in Dagster's own page


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def _serving(warehouse: Path) -> Iterator[str]:
    """`ieval serve --read-only` on a port of its own."""
    root = f"http://127.0.0.1:{(port := _free_port())}"
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "IEVAL_WAREHOUSE": str(warehouse), "DAGSTER_HOME": ""}
    process = subprocess.Popen(
        [sys.executable, "-m", "pipelines", "serve", "--read-only", "--port", str(port)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline and process.poll() is None:
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{root}/server_info", timeout=5):
                break
            time.sleep(0.5)
        yield root
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 130


@pytest.fixture(scope="module")
def viewer(attacked: Built) -> Iterator[str]:
    with _serving(attacked.folder) as root:
        yield root


def _graphql(root: str, query: str) -> Any:
    request = urllib.request.Request(
        f"{root}/graphql", json.dumps({"query": query}).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)["data"]


JOB = '{repositoryLocationName: "pipelines.definitions", repositoryName: "__repository__", jobName: "build_warehouse"}'
SCHEDULE = JOB.replace("jobName", "scheduleName").replace("build_warehouse", "daily")
MUTATIONS = {
    "launch": f'launchRun(executionParams: {{selector: {JOB}, runConfigData: {{}}, mode: "default"}})',
    "start a schedule": f"startSchedule(scheduleSelector: {SCHEDULE})",
    "delete a run": "deletePipelineRun(runId: {run_id})",
    "wipe an asset": 'wipeAssets(assetPartitionRanges: [{assetKey: {path: ["page_store"]}}])',
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_viewers_can_launch_and_change_nothing(viewer: str, attacked: Built, name: str) -> None:
    runs = "{ runsOrError { ... on Runs { results { runId } } } }"
    before = _graphql(viewer, runs)
    run_id = json.dumps(before["runsOrError"]["results"][0]["runId"])
    mutation = MUTATIONS[name].replace("{run_id}", run_id)
    answer = _graphql(viewer, f"mutation {{ {mutation} {{ __typename }} }}")
    assert [value["__typename"] for value in answer.values()] == ["UnauthorizedError"]
    assert _graphql(viewer, runs) == before


def test_viewers_have_no_right_at_all(viewer: str) -> None:
    permissions = _graphql(viewer, "{ permissions { permission value } }")["permissions"]
    assert len(permissions) > 10
    assert [each["permission"] for each in permissions if each["value"]] == []


def test_a_preview_in_dagsters_page_is_text(viewer: str) -> None:
    from selenium.webdriver.common.by import By

    with open_browser() as browser:
        driver = browser.driver
        driver.get(f"{viewer}/assets/main/recommendations?view=overview")
        button: list[Any] = []
        deadline = time.monotonic() + 300
        while not button and time.monotonic() < deadline:
            time.sleep(0.5)
            button = driver.find_elements(By.XPATH, "//a[contains(text(), 'Show Markdown')]")
        driver.execute_script("arguments[0].click()", button[0])
        cells: list[str] = []
        while not cells and time.monotonic() < deadline:
            time.sleep(0.5)
            table = [
                each
                for each in driver.find_elements(By.TAG_NAME, "table")
                if "management_response_label" in [cell.text for cell in each.find_elements(By.TAG_NAME, "th")]
            ]
            cells = [cell.text for cell in table[0].find_elements(By.TAG_NAME, "td")] if table else []
        # Two rows, no cell more than there are columns, and the words as they stand on the page.
        assert len(cells) == 2 * len(TABLES["recommendations"].columns)
        shown = " ".join(cells).replace("\u2060", "")
        for text in ("<img src=x onerror=", "| a | b |", "[click](javascript:", "`code` ~~gone~~", "![x](http://evil."):
            assert text in shown
        assert table[0].find_elements(By.XPATH, ".//a | .//img | .//script | .//code | .//del | .//h1") == []
        assert "pwned" not in driver.title
