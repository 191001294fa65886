"""Questions to the published warehouse: the worked ones with their parameters, any SQL, and nothing else."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from conftest import Built, Ieval

from pipelines.questions import QuestionError, ask, open_warehouse, worked_questions
from pipelines.settings import Settings


@pytest.fixture(scope="module")
def connection(hostile: Built) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_warehouse(Settings(warehouse=hostile.folder)) as opened:
        yield opened


def test_no_warehouse_yet(tmp_path: Path) -> None:
    with (
        pytest.raises(QuestionError, match=r"no warehouse at .*ieval\.duckdb yet: make one with `ieval run`"),
        open_warehouse(Settings(warehouse=tmp_path)),
    ):
        pass


def test_a_file_that_is_no_warehouse(tmp_path: Path) -> None:
    (tmp_path / "ieval.duckdb").write_bytes(b"garbage" * 1000)
    with pytest.raises(QuestionError, match=r"ieval\.duckdb"), open_warehouse(Settings(warehouse=tmp_path)):
        pass


def test_at_least_twelve_questions() -> None:
    assert len(worked_questions()) >= 12


@pytest.mark.parametrize("name", worked_questions())
def test_worked_question_with_its_defaults(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    answer = ask(connection, name, {})
    assert answer.columns
    assert all(len(row) == len(answer.columns) for row in answer.rows)


def test_parameters_are_given_as_text(connection: duckdb.DuckDBPyConnection) -> None:
    assert len(ask(connection, "oldest_open", {"rows": "2"}).rows) == 2
    assert ask(connection, "changes", {"since": "2999-01-01"}).rows == []
    kenya = ask(connection, "country_promises", {"country": "Kenya"})
    assert {row[kenya.columns.index("country")] for row in kenya.rows} == {"Kenya"}
    assert ask(connection, "country_promises", {"country": "CÔTE D’IVOIRE"}).columns == kenya.columns
    assert ask(connection, "country_promises", {"country": "Tuvalu"}).rows == []  # known, and nothing is promised
    # What looks like SQL is a text like any other.
    assert ask(connection, "text_search", {"words": "x' OR 'x' = 'x"}).rows == []


def test_any_query(connection: duckdb.DuckDBPyConnection) -> None:
    answer = ask(connection, "SELECT lesson_id, language FROM lessons WHERE lesson_id = 900104", {})
    assert (answer.columns, answer.rows) == (["lesson_id", "language"], [(900104, "es")])
    assert ask(connection, "FROM mart.data_quality WHERE false", {}).rows == []
    assert ask(connection, "SELECT 1 AS one -- a comment", {}).rows == [(1,)]
    seen = ask(connection, "SELECT max(first_seen_at) FROM raw.pages", {}).rows[0][0]
    assert isinstance(seen, datetime.datetime)
    assert seen.tzinfo is not None


def test_times_mean_utc_wherever_one_asks(hostile: Built, ieval: Ieval) -> None:
    """Midnight must not depend on the computer: `first_seen_at::date` is the day in UTC, as everywhere else."""
    query = "SELECT TIMESTAMPTZ '2024-01-01 23:00:00+00'::DATE AS day"
    done = ieval("sql", query, "--csv", "--warehouse", hostile.folder, TZ="Pacific/Kiritimati")
    assert done.stdout == "day\n2024-01-01\n"


@pytest.mark.parametrize(
    ("question", "given", "words"),
    [
        ("country_promise", {}, "there is no question 'country_promise'; did you mean country_promises?"),
        ("xyzzy", {}, "there is no question 'xyzzy'; `ieval sql` lists them"),
        ("", {}, "there is no question"),
        ("country_promises", {"contry": "x"}, "has no parameter --contry; did you mean --country?"),
        ("country_promises", {"xyzzy": "x"}, "has no parameter --xyzzy; it takes --country"),
        ("contradictions", {"xyzzy": "x"}, "has no parameter --xyzzy; it takes none"),
        ("changes", {"since": "yesterday"}, "--since 'yesterday' is not a date like 2026-01-31"),
        ("oldest_open", {"rows": "many"}, "--rows 'many' is not a whole number"),
        ("country_promises", {"country": "Kenyaa"}, "--country: there is no 'Kenyaa'; did you mean kenya?"),
        ("country_promises", {"country": "x' OR 'x' = 'x"}, "; mart.country_names has what there is"),
        ("page_problems", {"severity": "errors"}, "--severity: there is no 'errors'; did you mean error?"),
        ("SELECT 1 AS one", {"country": "x"}, "a query takes no --country"),
        ("SELECT nope FROM lessons", {}, '"nope" not found'),
        ("SELECT * FROM lesons", {}, "lessons"),
        ("SELECT * FROM '/etc/passwd'", {}, "does not exist"),
        ("SELECT * FROM", {}, "syntax error"),
        ("SELECT 9223372036854775807 + 1", {}, "Overflow"),
        ("SELECT $country", {}, "country"),
        ("SELECT 'a'::INTEGER", {}, "Could not convert"),
        ("-- nothing", {}, ""),
        ("; ;", {}, ""),
    ],
)
def test_a_question_that_cannot_be_answered(
    connection: duckdb.DuckDBPyConnection, question: str, given: dict[str, str], words: str
) -> None:
    with pytest.raises(QuestionError) as caught:
        ask(connection, question, given)
    assert words in str(caught.value)
    assert "LINE 1" not in str(caught.value)
    assert ask(connection, "SELECT 1 AS one", {}).rows == [(1,)]


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM lessons",
        "CREATE TABLE x AS SELECT 1",
        "CREATE OR REPLACE VIEW mart.status_changes AS SELECT 1",
        "DROP SCHEMA mart CASCADE",
        "UPDATE raw.pages SET status = 'list'",
        "COMMENT ON TABLE lessons IS 'x'",
        "SELECT 1; DELETE FROM lessons",
        "COPY lessons TO '{path}/x.csv'",
        "EXPORT DATABASE '{path}/x'",
        "ATTACH '{path}/x.duckdb'",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('{path}/*')",
        "SELECT * FROM glob('/*')",
        "SELECT * FROM read_parquet('https://example.org/x.parquet')",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET memory_limit = '90GB'",
        "RESET memory_limit",
    ],
)
def test_reads_the_warehouse_and_nothing_else(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, query: str
) -> None:
    with pytest.raises(QuestionError, match="`ieval sql` only reads the warehouse, and nothing else"):
        ask(connection, query.format(path=tmp_path), {})
    assert list(tmp_path.iterdir()) == []
    assert ask(connection, "SELECT count(*) FROM lessons", {}).rows == [(6,)]
