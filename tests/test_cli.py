"""The command line: help, exit codes, sentences instead of tracebacks, and data that any program can read."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import duckdb
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from conftest import PAGES, PROJECT, Built, Ieval
from small_pages import parquet_bytes, recommendation
from test_printing import read_excel

from pipelines.cli import main
from pipelines.questions import worked_questions
from pipelines.tables import TABLES

COMMANDS = main.commands
Invoke = Callable[..., Result]


@pytest.fixture
def invoke(monkeypatch: pytest.MonkeyPatch, hostile: Built) -> Invoke:
    """Runs a command inside the test process, on the warehouse of tests/pages unless told otherwise."""
    monkeypatch.setenv("IEVAL_WAREHOUSE", str(hostile.folder))

    def run(*arguments: str | Path) -> Result:
        result = CliRunner().invoke(main, list(map(str, arguments)))
        if result.exception and not isinstance(result.exception, SystemExit):
            raise AssertionError(f"a traceback: {result.exception!r}") from result.exception
        assert result.exit_code in (0, 1, 2)
        return result

    return run


@pytest.fixture
def no_warehouse(invoke: Invoke, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("IEVAL_WAREHOUSE", str(tmp_path / "none"))
    return tmp_path / "none"


# ---- help


def test_help_names_every_command(invoke: Invoke) -> None:
    text = invoke("--help").stdout
    assert set(COMMANDS) >= {"run", "status", "sql", "check", "dictionary", "export", "report", "serve"}
    for name, command in COMMANDS.items():
        assert re.search(rf"^  {name} +\w", text, re.MULTILINE), name
        assert command.help


@pytest.mark.parametrize("name", COMMANDS)
def test_help_is_complete(invoke: Invoke, name: str) -> None:
    command = COMMANDS[name]
    result = invoke(name, "--help")
    assert (result.exit_code, result.stderr) == (0, "")
    assert invoke(name, "-h").stdout == result.stdout
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name
            assert parameter.help.rstrip().endswith((".", "]")), parameter.help
            for option in parameter.opts:
                assert option in result.stdout
        else:
            assert (parameter.name or "").upper() in result.stdout


# A demonstration is never in the warehouse that somebody names: it has a folder of its own, --to.
@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in ("dictionary", "demo")])
def test_every_command_takes_a_warehouse(name: str) -> None:
    assert "--warehouse" in [option for parameter in COMMANDS[name].params for option in parameter.opts]


def test_version(invoke: Invoke) -> None:
    assert re.search(r"\d+\.\d+\.\d+", invoke("--version").stdout)


# ---- what people get wrong


WRONG = [
    # arguments, exit code, words on stderr
    (["frobnicate"], 2, "No such command 'frobnicate'"),
    (["run", "--frobnicate"], 2, "No such option"),
    (["serve", "--port", "many"], 2, "'many' is not a valid integer"),
    (["run", "--engine", "spark"], 2, "'spark' is not one of 'pool', 'dask'"),
    (["run", "--as-of"], 2, "Option '--as-of' requires an argument"),
    (["run", "--scheduler"], 2, "Option '--scheduler' requires an argument"),
    (["status", "--warehouse", __file__], 2, "is a file"),
    (
        ["export", "--format", "parquet,exel"],
        2,
        "there is no format 'exel'; there are parquet, xlsx, csv, sqlite, delta",
    ),
    (["export", "--tables", "lesons"], 2, "there is no table 'lesons'; did you mean lessons?"),
    (["export", "--to", "nope://x"], 1, "nope://x cannot be reached: Protocol not known: nope"),
    (["export", "--to", f"{__file__}/x"], 1, "cannot be written: Not a directory"),
    (["sql", "country_promise"], 1, "there is no question 'country_promise'; did you mean country_promises?"),
    (["sql", "xyzzy"], 1, "`ieval sql` lists them"),
    (["sql", "country_promises", "--contry", "Kenya"], 1, "has no parameter --contry"),
    (["sql", "country_promises", "Kenya"], 2, "a parameter is --name value"),
    (["sql", "country_promises", "--country"], 2, "--country needs a value"),
    (["sql", "changes", "--since", "31.12.2023"], 1, "'31.12.2023' is not a date like 2026-01-31"),
    (["sql", "oldest_open", "--rows", "ten"], 1, "'ten' is not a whole number"),
    (["sql", "SELECT count(*) FROM lessons", "--country", "Kenya"], 1, "a query takes no --country"),
    (["sql", "SELECT", "1"], 2, "a query with blanks needs quotes"),
    (["sql", "SELECT titel FROM recommendations"], 1, "`ieval dictionary` describes every table and column"),
    (["sql", "SELECT * FROM recomendations"], 1, "recommendations"),
    (["sql", "SELEKT * FROM lessons"], 1, "syntax error"),
    (["sql", "DELETE FROM lessons"], 1, "only reads the warehouse"),
    (["sql", "SELECT * FROM read_text('/etc/passwd')"], 1, "only reads the warehouse"),
    (["sql", "COPY lessons TO '/tmp/lessons.csv'"], 1, "only reads the warehouse"),
    (["sql", ""], 1, "there is no question"),
    (["sql", "-- nothing"], 1, ""),
    (["sql", "oldest_open", "--xlsx", "/nowhere/at/all.xlsx"], 1, "/nowhere/at/all.xlsx"),
    (["dictionary", "recomendations"], 1, "there is no table recomendations; there are pages"),
    (["check", "everything"], 2, "unexpected extra argument"),
]


@pytest.mark.parametrize(("arguments", "exit_code", "words"), WRONG, ids=[" ".join(case[0])[:50] for case in WRONG])
def test_a_sentence_and_no_traceback(invoke: Invoke, arguments: list[str], exit_code: int, words: str) -> None:
    result = invoke(*arguments)
    assert result.exit_code == exit_code
    assert words in result.stderr
    assert result.stderr.strip()
    assert result.stdout == ""
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [["status"], ["check"], ["check", "--unknown"], ["sql", "oldest_open"], ["sql", "SELECT 1 AS one"], ["export"]],
)
def test_no_warehouse_yet(invoke: Invoke, no_warehouse: Path, arguments: list[str]) -> None:
    result = invoke(*arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"there is no warehouse at {no_warehouse}/ieval.duckdb yet: make one with `ieval run`" in result.stderr
    assert not no_warehouse.exists()


@pytest.mark.parametrize("arguments", [["status"], ["check"], ["sql", "oldest_open"], ["export"]])
def test_a_database_that_is_none(invoke: Invoke, no_warehouse: Path, arguments: list[str]) -> None:
    no_warehouse.mkdir()
    (no_warehouse / "ieval.duckdb").write_bytes(b"garbage" * 1000)
    result = invoke(*arguments)
    assert result.exit_code == 1
    assert "ieval.duckdb" in result.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("IEVAL_WORKERS", "many"),
        ("IEVAL_WORKERS", "0"),
        ("IEVAL_MEMORY_LIMIT", "lots"),
        ("IEVAL_ENGINE", "spark"),
        ("IEVAL_ENGINE", "POOL"),
    ],
)
def test_a_knob_that_is_wrong_is_named(invoke: Invoke, monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    result = invoke("status")
    assert result.exit_code == 1
    assert name in result.stderr


@pytest.mark.parametrize("address", ["nowhere://bucket/ieval", "s3://bucket/ieval"])
def test_an_address_of_parts_that_cannot_be_used_is_named(
    invoke: Invoke, fresh_process: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    """Nobody knows the one, and the package for the other is not installed: either way the variable is named."""
    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.setenv("IEVAL_PARTS", address)
    result = invoke("run", PAGES / "lesson_900101.txt", "--warehouse", fresh_process)
    assert result.exit_code == 1
    assert "IEVAL_PARTS" in result.stderr
    assert address in result.stderr


@pytest.mark.parametrize(("name", "value"), [("IEVAL_TIME_ZONE", "Mars/Olympus"), ("IEVAL_SCHEDULE", "now and then")])
def test_a_knob_of_the_schedule_that_is_wrong_is_named(ieval: Ieval, tmp_path: Path, name: str, value: str) -> None:
    done = ieval("run", PAGES / "lesson_900101.txt", "--warehouse", tmp_path, **{name: value})
    assert done.returncode in (1, 2)
    assert "Traceback" not in done.stderr
    assert name in done.stderr


def test_a_warehouse_that_cannot_be_written(ieval: Ieval) -> None:
    done = ieval("run", PAGES / "lesson_900101.txt", "--warehouse", "/dev/null/x", DAGSTER_HOME="")
    assert done.returncode in (1, 2)
    assert "Traceback" not in done.stderr
    assert "/dev/null/x" in done.stderr


# ---- answers


def test_questions_are_listed(invoke: Invoke) -> None:
    result = invoke("sql")
    assert result.exit_code == 0
    for name, file in worked_questions().items():
        assert f"{name}\n    {file.title}\n" in result.stdout
        for parameter in file.parameters:
            assert f"--{parameter.name} {parameter.type.upper()}" in result.stdout


def test_questions_are_listed_without_a_warehouse(invoke: Invoke, no_warehouse: Path) -> None:
    assert invoke("sql").exit_code == 0


QUERY = (
    "SELECT '=1+1' AS formula, chr(27) || '[31m' AS control, repeat('x', 40000) AS long, 'two' || chr(10) || 'é' AS "
    "lines, 7 AS n, NULL AS nothing, DATE '2023-01-16' AS day"
)
VALUES = {"formula": "=1+1", "control": "\x1b[31m", "long": "x" * 40_000, "lines": "two\né", "n": 7, "nothing": None}


def test_csv(invoke: Invoke) -> None:
    result = invoke("sql", QUERY, "--csv")
    assert (result.exit_code, result.stderr) == (0, "")
    (row,) = csv.DictReader(io.StringIO(result.stdout, newline=""))
    assert row == {**VALUES, "n": "7", "nothing": "", "day": "2023-01-16"}


def test_json(invoke: Invoke) -> None:
    result = invoke("sql", QUERY, "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    assert json.loads(result.stdout) == [{**VALUES, "day": "2023-01-16"}]


def test_xlsx(invoke: Invoke, tmp_path: Path) -> None:
    path = tmp_path / "answer.xlsx"
    result = invoke("sql", QUERY, "--xlsx", path)
    assert (result.exit_code, result.stdout) == (0, "")
    assert re.fullmatch(rf"1 rows? written to {re.escape(str(path))}\n", result.stderr)
    (header, row), _ = read_excel(path)
    assert header == [*VALUES, "day"]
    assert row[0] == "=1+1"
    assert row[1].replace("_x001B_", "\x1b") == "\x1b[31m"
    assert row[2] == "x" * 32_766 + "…"
    assert row[3:5] == ["two\né", 7]


def test_table_on_stdout_and_talk_on_stderr(invoke: Invoke) -> None:
    result = invoke("sql", "SELECT lesson_id FROM lessons ORDER BY 1 LIMIT 1")
    assert (result.stdout.replace("─", "").split(), result.stderr) == (["lesson", "id", "900101"], "")
    result = invoke("sql", "SELECT lesson_id FROM lessons WHERE false")
    assert (result.exit_code, result.stderr) == (0, "no rows\n")


@pytest.mark.parametrize("given", [["--country", "Kenya"], ["--country=Kenya"]])
def test_parameters(invoke: Invoke, given: list[str]) -> None:
    result = invoke("sql", "country_promises", *given, "--json")
    assert {row["country"] for row in json.loads(result.stdout)} == {"Kenya"}
    before = invoke("sql", "--json", "country_promises", *given)
    assert before.stdout == result.stdout


@pytest.mark.parametrize("name", worked_questions())
def test_worked_question(invoke: Invoke, name: str) -> None:
    result = invoke("sql", name)
    assert result.exit_code == 0
    assert max(map(len, result.stdout.split("\n"))) <= 100
    assert isinstance(json.loads(invoke("sql", name, "--json").stdout), list)


# ---- status, check, dictionary


def test_status(invoke: Invoke, hostile: Built) -> None:
    facts = json.loads(invoke("status", "--json").stdout)
    assert facts["database"] == str(hostile.database)
    assert facts["rows"]["recommendations"] == 14
    assert facts["pages"] == {"list": 1, "record": 27, "refused": 1}
    assert sum(facts["problem_codes"].values()) == facts["rows"]["problems"] == sum(facts["problems"].values())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", facts["newest_observation"])
    text = invoke("status").stdout
    assert str(hostile.database) in text
    assert re.search(r"recommendations +14\n", text)
    assert "pages: 1 list, 27 record, 1 refused; 7 of them cut" in text


def test_check(invoke: Invoke) -> None:
    result = invoke("check")
    assert result.exit_code == 0
    assert re.search(r"^\d+ checks: \d+ hold, 0 errors, 4 warnings$", result.stdout, re.MULTILINE)
    assert "warning: unknown_labels" in result.stdout


def test_check_fails_on_a_broken_warehouse(invoke: Invoke, hostile: Built, tmp_path: Path) -> None:
    shutil.copy(hostile.database, tmp_path / "ieval.duckdb")
    with duckdb.connect(str(tmp_path / "ieval.duckdb")) as connection:
        connection.execute("UPDATE raw.page_fields SET value = value || '.' WHERE path LIKE '%.comments'")
    result = invoke("check", "--warehouse", tmp_path)
    assert result.exit_code == 1
    assert "error: page_field_values" in result.stdout


def test_unknown_labels_have_the_shape_of_their_file(invoke: Invoke) -> None:
    result = invoke("check", "--unknown")
    assert (result.exit_code, result.stderr) == (0, "")
    blocks = re.split(r"^# seeds/reference/", result.stdout, flags=re.MULTILINE)[1:]
    found = {}
    for block in blocks:
        name, _, rest = block.partition("\n")
        rows = list(csv.DictReader(io.StringIO(rest)))
        with (PROJECT / "seeds" / "reference" / name).open(encoding="utf-8", newline="") as file:
            assert list(rows[0]) == next(csv.reader(file))
        found[name] = rows
    assert found["country_names.csv"] == [
        {"surface": "Kiribatti", "country_iso3": "", "kind": "name", "language": "en"}
    ]
    assert [row["label"] for row in found["admin_units.csv"]] == ["DWT/CO-Dakar"]
    assert [row["topic_label"] for row in found["themes.csv"]] == ["Just transition", "Fishing and aquaculture"]


def test_every_label_is_known(invoke: Invoke, shipped: Built) -> None:
    result = invoke("check", "--unknown", "--warehouse", shipped.folder)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "every label is known\n")


def test_dictionary_is_the_committed_one(invoke: Invoke) -> None:
    assert invoke("dictionary").stdout == (PROJECT / "warehouse" / "README.md").read_text("utf-8")


@pytest.mark.parametrize("name", ["lessons", "main.lessons"])
def test_dictionary_of_one_table(invoke: Invoke, name: str) -> None:
    text = invoke("dictionary", name).stdout
    assert text.startswith("### main.lessons\n")
    for column in TABLES["lessons"].columns:
        assert f"| {column.name} | {column.type} |" in text


def test_dictionary_needs_no_warehouse(invoke: Invoke, no_warehouse: Path) -> None:
    assert invoke("dictionary").exit_code == 0


# ---- run


def test_run_json(hostile: Built) -> None:
    summary = json.loads(hostile.stdout)
    assert (summary["pages_read"], summary["new_pages"], summary["not_read"], summary["is_new"]) == (29, 29, 0, True)
    assert summary["database"] == str(hostile.database)
    assert summary["rows"].keys() == TABLES.keys()
    assert (summary["rows"]["recommendations"], summary["rows"]["lessons"]) == (14, 6)
    assert 0 < summary["own_seconds"] < summary["seconds"]
    assert any("passed over" in message and "README.md" in message for message in summary["messages"])


def test_run_says_nothing_on_stderr(hostile: Built, shipped: Built) -> None:
    assert (hostile.stderr, shipped.stderr) == ("", "")


def test_run_says_where_the_time_went(shipped: Built) -> None:
    assert re.search(r"time: [\d.]+ s, of which [\d.]+ s our work, [\d.]+ s Dagster", shipped.stdout)


def test_strict_names_file_line_label_and_vocabulary(ieval: Ieval, tmp_path: Path) -> None:
    done = ieval("run", "--strict", PAGES / "recommendation_900003.txt", "--warehouse", tmp_path / "w")
    assert (done.returncode, done.stdout) == (1, "")
    assert "recommendation_900003.txt:51: " in done.stderr
    assert "DWT/CO-Dakar" in done.stderr
    assert "admin_units.csv" in done.stderr
    assert "Traceback" not in done.stderr
    assert {path.name for path in (tmp_path / "w").iterdir()} & {"ieval.duckdb", "parquet", "manifest.json"} == set()


def test_run_reads_what_it_can_and_exits_with_1(invoke: Invoke, fresh_process: Path, tmp_path: Path) -> None:
    archive = tmp_path / "pages.zip"
    with zipfile.ZipFile(archive, "w") as members:
        members.write(PAGES / "lesson_900101.txt", "lesson.txt")
        members.writestr("damaged.txt", "hello")
        members.writestr("notes.md", "no page")
    archive.write_bytes(archive.read_bytes().replace(b"hello", b"hallo"))
    result = invoke("run", archive, "--warehouse", fresh_process)
    assert result.exit_code == 1
    assert "pages: 1 read, 1 new" in result.stdout
    assert f"not read: {archive}/damaged.txt: " in result.stdout
    assert f"passed over: {archive}/notes.md: " in result.stdout
    assert "could not be read; the others are in the warehouse" in result.stderr
    assert json.loads(invoke("status", "--json", "--warehouse", fresh_process).stdout)["rows"]["lessons"] == 1


# ---- days, rebuilding, engines


@pytest.mark.parametrize(
    ("as_of", "words"),
    [
        ("nonsense", "'nonsense' is no date; give one like 2024-05-31 or 2024-05-31T06:30:00+02:00"),
        ("2999-01-01", "2999-01-01 is still to come; pages are seen on a day that has been"),
        ("31.05.2024", "'31.05.2024' is no date"),
        ("", "'' is no date"),
        ("0001-01-01T00:00:00+02:00", "0001-01-01"),
    ],
)
def test_a_day_that_is_none(invoke: Invoke, fresh_process: Path, as_of: str, words: str) -> None:
    result = invoke("run", PAGES / "lesson_900101.txt", "--as-of", as_of, "--warehouse", fresh_process)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--as-of" in result.stderr
    assert words in " ".join(result.stderr.split())
    assert "--verbose" not in result.stderr  # a sentence that says all
    # Nothing was read, so that nothing has a wrong day.
    assert not list(fresh_process.glob("pages/part-*"))


def test_changes_between_crawls_that_were_loaded_backwards(invoke: Invoke, fresh_process: Path, tmp_path: Path) -> None:
    """The quarter's crawls, the newest of them first: `ieval sql changes` tells what changed when."""
    crawls = {
        "2024-07-01": ("Completed", "Achieved"),
        "2024-04-01": ("Partially Completed", "Partially achieved"),
        "2024-01-01": ("Action not yet taken", "No implementation"),
    }
    for day, statuses in crawls.items():
        page = tmp_path / day / "1.txt"
        page.parent.mkdir()
        page.write_bytes(recommendation(1, statuses=statuses))
        result = invoke("run", page.parent, "--as-of", day, "--warehouse", fresh_process)
        assert result.exit_code == 0, result.stderr
        assert "pages: 1 read, 1 new" in result.stdout

    def changes(since: str) -> list[tuple[str, str, str]]:
        result = invoke("sql", "changes", "--since", since, "--json", "--warehouse", fresh_process)
        assert result.exit_code == 0, result.stderr
        return [(row["seen_on"], row["status_before"], row["status_now"]) for row in json.loads(result.stdout)]

    to_partly = ("2024-04-01", "Action not yet taken", "Partially Completed")
    to_done = ("2024-07-01", "Partially Completed", "Completed")
    assert sorted(changes("2024-01-01")) == [to_partly, to_done]
    assert changes("2024-04-02") == changes("2024-07-01") == [to_done]
    assert changes("2024-07-02") == []
    assert json.loads(invoke("status", "--json", "--warehouse", fresh_process).stdout)["newest_observation"] == (
        "2024-07-01T00:00:00Z"
    )
    # The same crawl once more says nothing new.
    result = invoke("run", tmp_path / "2024-04-01", "--as-of", "2024-04-01", "--warehouse", fresh_process)
    assert "pages: 1 read, 0 new" in result.stdout
    assert "nothing new" in result.stdout


def test_rebuild(invoke: Invoke, fresh_process: Path) -> None:
    """Everything is read and computed anew, to the same bytes, and the summary says so."""
    run = ("run", PAGES / "lesson_900101.txt", PAGES / "lesson_900107.txt", "--warehouse", fresh_process)
    assert invoke(*run).exit_code == 0
    tables = parquet_bytes(fresh_process)
    before = {path: path.stat().st_mtime_ns for path in fresh_process.glob("*/part-*")}
    again = invoke(*run)
    assert "nothing new: " in again.stdout
    assert "pages: 0 read, 0 new; 2 of 2 files unchanged" in again.stdout
    assert {path: path.stat().st_mtime_ns for path in before} == before
    rebuilt = invoke(*run, "--rebuild")
    assert rebuilt.exit_code == 0, rebuilt.stderr
    assert "pages: 2 read, 0 new\n" in rebuilt.stdout
    assert "nothing new" not in rebuilt.stdout
    after = {path: path.stat().st_mtime_ns for path in before}
    assert {path.parent.name for path in before if after[path] != before[path]} == {"records", "places"}
    assert parquet_bytes(fresh_process) == tables
    # Warnings are those of the first run, every time.
    said = [re.findall("^check .*", result.stdout, re.MULTILINE) for result in (again, rebuilt)]
    assert said[0] == said[1] != []


def test_json_counts_files(invoke: Invoke, fresh_process: Path) -> None:
    run = ("run", PAGES / "lesson_900101.txt", "--json", "--warehouse", fresh_process)
    facts = [json.loads(invoke(*run).stdout) for _ in range(2)]
    assert [(fact["files"], fact["files_unchanged"], fact["pages_read"]) for fact in facts] == [(1, 0, 1), (1, 1, 0)]
    assert [fact["is_new"] for fact in facts] == [True, False]


# ---- terminals

ATTACK = "\x1b]0;pwned\x07\x1b[2J\x9b5n"


def test_export(invoke: Invoke, hostile: Built, tmp_path: Path) -> None:
    result = invoke(
        "export", "--to", tmp_path, "--format", "csv, sqlite", "--format", "csv", "--tables", "raw.pages,lessons"
    )
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith(f"exported: {tmp_path}, 2 tables, newest observation ")
    assert "csv/" in result.stdout
    assert "ieval.sqlite" in result.stdout
    assert {path.name for path in (tmp_path / "csv").iterdir()} == {"pages.csv", "lessons.csv"}
    before = (tmp_path / "ieval.sqlite").read_bytes()
    invoke("export", "--to", tmp_path, "--tables", "lessons,pages", "--format", "sqlite")
    assert (tmp_path / "ieval.sqlite").read_bytes() == before


def test_export_stopped_by_somebody(hostile: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipelines.export import exporting

    def stop(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(exporting, "write_all", stop)
    result = CliRunner().invoke(main, ["export", "--warehouse", str(hostile.folder), "--to", str(tmp_path)])
    assert (result.exit_code, result.stdout) == (130, "")
    assert result.stderr.startswith("ieval: stopped; ")
    assert [path.name for path in tmp_path.iterdir()] == [".export.lock"]


def test_export_help_names_every_format(invoke: Invoke) -> None:
    from pipelines.export.exporting import PLACES

    text = invoke("export", "--help").stdout
    for name, place in PLACES.items():
        assert re.search(rf"^  {name} +{place}", text, re.MULTILINE), name


def test_export_shows_its_progress_on_a_terminal(hostile: Built, tmp_path: Path) -> None:
    sent = on_a_terminal("export", "--warehouse", hostile.folder, "--to", tmp_path, "--format", "xlsx")
    assert "exporting xlsx" in sent
    assert "exported: " in sent


def on_a_terminal(*arguments: str | Path, **environment: str) -> str:
    """What a command sends to a terminal, with stdout and stderr both being one."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "pipelines", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "PYTHONPATH": str(PROJECT), "TERM": "xterm", **environment},
    )
    os.close(theirs)
    sent = b""
    while True:
        try:
            chunk = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not chunk:
            break
        sent += chunk
    process.wait(60)
    os.close(ours)
    return sent.decode("utf-8", "replace")


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A warehouse of a page and of file names that talk to terminals, and what the run sent to one."""
    folder = tmp_path_factory.mktemp("attack")
    pages = folder / "pages"
    pages.mkdir()
    page = (PAGES / "lesson_900107.txt").read_text("utf-8")
    page = page.replace("Kiribatti", f"Kiribatti{ATTACK}").replace("Salt Roads", f"Salt {ATTACK} Roads")
    (pages / f"a{ATTACK}.txt").write_text(page, encoding="utf-8")
    (pages / f"b{ATTACK}.md").write_text("passed over", encoding="utf-8")
    (pages / os.fsdecode(b"c\xe9.md")).write_text("passed over", encoding="utf-8")
    yield folder / "warehouse", on_a_terminal("run", pages, "--warehouse", folder / "warehouse")


def harmless(text: str) -> bool:
    """Whether nothing of the attack came through; Rich's own colours and its progress bar may."""
    return not re.search("\x1b\\]|\x1b\\[2J|\x9b|\x07", text)


def test_run_on_a_terminal(attacked: tuple[Path, str]) -> None:
    _, said = attacked
    assert re.search("1 evaluations?", said)
    assert "passed over" in said
    assert "pwned" in said
    assert harmless(said)


@pytest.mark.parametrize(
    "arguments",
    [
        ["sql", "SELECT title, title FROM evaluations"],
        ["sql", "SELECT * FROM raw.pages"],
        ["sql", "SELECT title FROM evaluations", "--csv"],
        ["sql", "SELECT title FROM evaluations", "--json"],
        ["sql", f"SELECT {ATTACK}"],
        ["sql", "SELECT CAST(title AS INTEGER) FROM evaluations"],
        ["check"],
        ["check", "--unknown"],
        ["status"],
        ["run", f"--{ATTACK}"],
        [f"{ATTACK}"],
        ["dictionary", ATTACK],
        ["sql", "oldest_open", f"--{ATTACK}", "x"],
    ],
    ids=lambda arguments: " ".join(arguments).replace(ATTACK, "ATTACK"),
)
def test_no_text_of_a_page_obeyed_by_a_terminal(attacked: tuple[Path, str], arguments: list[str]) -> None:
    folder, _ = attacked
    said = on_a_terminal(*arguments, IEVAL_WAREHOUSE=str(folder))
    assert said
    assert "Traceback" not in said
    assert harmless(said)


ODD = "\x1b[2J\x1b]0;pwned\x07\u202e\nnot read: forged\x9b"


@pytest.fixture(scope="module")
def odd_names(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pages under names that are no text, end lines and talk to terminals; each kind of file is there."""
    folder = tmp_path_factory.mktemp("odd-names")
    page = (PAGES / "lesson_900107.txt").read_bytes()
    for name in (f"a{ODD}.txt", os.fsdecode(b"b\xe9.txt"), "c\u2028\u2066.txt", f"{ODD}/d.txt"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(page + name.encode("utf-8", "surrogateescape"))
    for name in (f"large{ODD}.txt", os.fsdecode(b"large\xe9.txt")):  # these cannot be read
        with (folder / name).open("wb") as file:
            file.truncate(128 * 1024 + 1)
    (folder / f"link{ODD}.txt").symlink_to("/nowhere")
    os.mkfifo(folder / f"pipe{ODD}.txt")
    with zipfile.ZipFile(folder / f"{ODD}.zip", "w") as archive:
        archive.writestr(f"e{ODD}.txt", page + b"e")
        archive.writestr(f"f{ODD}.md", b"")
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            os.utime(path, (0, 0))  # what has just been written is opened again, for it could change unseen
    return folder


@pytest.mark.parametrize("as_json", [[], ["--json"]])
def test_odd_names_on_a_terminal(odd_names: Path, tmp_path: Path, as_json: list[str]) -> None:
    warehouse = tmp_path / "w"
    sent = on_a_terminal("run", odd_names, odd_names / f"{ODD}.zip", "--warehouse", warehouse, *as_json, COLUMNS="1000")
    assert "2 files could not be read; the others are in the warehouse" in sent
    assert "larger than 128 kB" in sent and "a link; name it" in sent and "a pipe, and no file" in sent
    assert "Traceback" not in sent
    assert harmless(sent)
    assert not re.search("^not read: forged", sent, re.MULTILINE)
    if as_json:  # what follows is the same
        return
    for arguments in (
        ["status"],
        ["check"],
        ["run", odd_names / f"nothing{ODD}"],
        ["run", odd_names / f"pipe{ODD}.txt"],
    ):
        said = on_a_terminal(*arguments, "--warehouse", warehouse)
        assert said and "Traceback" not in said
        assert harmless(said)
        assert not re.search("^not read: forged", said, re.MULTILINE)
    # Every page is there under its name, and no Parquet file is the worse for it.
    for path in [
        warehouse / "sources.parquet",
        *warehouse.glob("parquet/*.parquet"),
        *warehouse.glob("pages/*.parquet"),
    ]:
        pq.read_table(path)
    uris = pq.read_table(warehouse / "parquet" / "pages.parquet")["source_uri"].to_pylist()
    assert len(uris) == 5
    assert f"{odd_names}/a{ODD}.txt" in uris
    assert pq.read_table(warehouse / "sources.parquet").num_rows == 5


def test_run_on_nothing(tmp_path: Path) -> None:
    said = on_a_terminal("run", f"/nowhere/{ATTACK}", "--warehouse", tmp_path / "w")
    assert "no file matches; give files, folders, archives, .jsonl or .parquet" in said
    assert "Traceback" not in said
    assert harmless(said)


def test_data_in_a_pipe_are_as_they_are(attacked: tuple[Path, str], ieval: Ieval) -> None:
    folder, _ = attacked
    done = ieval("sql", "SELECT title FROM evaluations", "--json", "--warehouse", folder)
    assert json.loads(done.stdout)[0]["title"].startswith(f"Salt {ATTACK} Roads")


def test_a_pipe_that_closes_early_is_no_trouble(hostile: Built) -> None:
    command = f"{sys.executable} -m pipelines sql 'SELECT * FROM raw.pages' --csv | head -1"
    variables: dict[str, Any] = {**os.environ, "PYTHONPATH": str(PROJECT), "IEVAL_WAREHOUSE": str(hostile.folder)}
    done = subprocess.run(["sh", "-c", command], env=variables, capture_output=True, encoding="utf-8")
    assert done.stdout.startswith("page_id,")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("option", [[], ["--csv"]])
def test_an_old_encoding_is_no_trouble(ieval: Ieval, hostile: Built, option: list[str]) -> None:
    """Windows pipes, and servers without a locale."""
    done = ieval("sql", "SELECT 'Côte – ☃' AS name", *option, "--warehouse", hostile.folder, PYTHONIOENCODING="ascii")
    assert "Traceback" not in done.stderr
    assert done.returncode == 0
