"""Every generated check is tripped by the smallest tampering, which is made from the declaration that it comes from."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from conftest import Built
from small_warehouse import small_warehouse
from test_sql import REPAIRS, TAMPERINGS

from pipelines import checks
from pipelines.checks import Check
from pipelines.pages import page_slices, slice_bounds
from pipelines.tables import TABLES, Table

ALL_CHECKS = checks.all_checks()
GENERATED = [check for check in ALL_CHECKS if check.is_generated]
_DEFAULTS = {
    "text": "'x'",
    "integer": "7",
    "double": "0.5",
    "boolean": "true",
    "date": "DATE '2023-01-16'",
    "timestamp": "TIMESTAMPTZ '2023-01-16 00:00:00+00'",
}


@pytest.fixture(scope="module")
def loose() -> duckdb.DuckDBPyConnection:
    """A sound warehouse without constraints, so that it can be tampered with."""
    connection = small_warehouse(constrained=False)
    for table in TABLES.values():
        if connection.execute(f"SELECT count(*) FROM {table.qualified_name}").fetchall() == [(0,)]:
            connection.execute(f"INSERT INTO {table.qualified_name} VALUES ({_row(table)})")
    return connection


def _row(table: Table) -> str:
    return ", ".join(
        "NULL" if column.nullable else f"'{column.values[0]}'" if column.values else _DEFAULTS[column.type]
        for column in table.columns
    )


@contextlib.contextmanager
def tampered(connection: duckdb.DuckDBPyConnection, *statements: str) -> Iterator[None]:
    connection.execute("BEGIN")
    try:
        for statement in statements:
            connection.execute(statement)
        yield
    finally:
        connection.execute("ROLLBACK")


def tampering(check: Check) -> list[tuple[str, str, str]]:
    """The ways to trip a generated check: what it does, the statement, and a word of the first failing row."""
    table = TABLES[check.table.split(".")[1]]
    rule = check.name.removeprefix(f"{table.name}.")
    name, columns = table.qualified_name, {column.name: column for column in table.columns}
    if rule == "primary_key":
        return [("copies a row", f"INSERT INTO {name} SELECT * FROM {name} LIMIT 1", "row_count=2")]
    if rule == "not_null":
        return [
            (f"empties {column.name}", f"UPDATE {name} SET {column.name} = NULL", f"{column.name}=None")
            for column in table.columns
            if not column.nullable
        ]
    if rule.endswith("_values"):
        column = columns[rule.removesuffix("_values")]
        assert column.values
        return [(f"misspells {column.name}", f"UPDATE {name} SET {column.name} = 'no such value'", "no such value")]
    (ours,) = [ours for ours, referenced, _ in table.references if rule == f"{'_and_'.join(ours)}_in_{referenced}"]
    # A row that refers to nothing, wherever the table has only NULLs there as well.
    wrong = ", ".join(
        f"{column} = {'-1' if columns[column].type == 'integer' else chr(39) + 'nowhere' + chr(39)}" for column in ours
    )
    return [("dangles", f"UPDATE {name} SET {wrong}", f"{ours[0]}=")]


TRIPS = [(check, *trip) for check in GENERATED for trip in tampering(check)]


@pytest.mark.parametrize(
    ("check", "what", "statement", "word"), TRIPS, ids=[f"{check.name}-{what}" for check, what, *_ in TRIPS]
)
def test_generated_check_is_tripped(
    loose: duckdb.DuckDBPyConnection, check: Check, what: str, statement: str, word: str
) -> None:
    assert checks.run_check(loose, check).passed
    with tampered(loose, statement):
        result = checks.run_check(loose, check)
    assert not result.passed
    assert 0 < len(result.sample) <= 10
    assert result.failing_rows >= len(result.sample)
    assert word in ", ".join(f"{name}={value!r}" for name, value in result.sample[0].items())
    assert check.name in result.words
    assert checks.run_check(loose, check).passed


def test_null_refers_to_nothing(loose: duckdb.DuckDBPyConnection) -> None:
    (check,) = [check for check in GENERATED if check.name == "recommendations.eval_number_in_evaluations"]
    with tampered(loose, "UPDATE main.recommendations SET eval_number = NULL"):
        assert checks.run_check(loose, check).passed


def test_every_declared_rule_has_a_check() -> None:
    names = [check.name for check in GENERATED]
    assert len(set(names)) == len(names)
    for table in TABLES.values():
        of_table = {check.name for check in GENERATED if check.table == table.qualified_name}
        assert {f"{table.name}.primary_key", f"{table.name}.not_null"} <= of_table
        closed = [column for column in table.columns if column.values]
        assert len(of_table) == 2 + len(table.references) + len(closed)


def test_every_generated_check_blocks() -> None:
    assert {(check.severity, check.is_blocking) for check in GENERATED} == {(checks.ERROR, True)}


def test_every_written_check_is_tripped_in_test_sql() -> None:
    assert {check.name for check in ALL_CHECKS if not check.is_generated} == set(TAMPERINGS)


def test_written_checks_know_their_table() -> None:
    for check in ALL_CHECKS:
        schema, _, name = check.table.partition(".")
        assert TABLES[name].schema == schema
        assert check.words.endswith(".")
        assert check.severity in (checks.ERROR, checks.WARNING)
        assert not check.is_blocking or check.severity == checks.ERROR


def test_blocking_are_keys_references_and_lost_lines() -> None:
    blocking = {check.name for check in ALL_CHECKS if check.is_blocking}
    assert {check.name for check in GENERATED} <= blocking
    assert {"page_lines_accounted_for", "page_field_values", "page_fields_do_not_overlap"} <= blocking
    assert "unknown_labels" not in blocking
    (unknown,) = [check for check in ALL_CHECKS if check.name == "unknown_labels"]
    assert unknown.severity == checks.WARNING


@pytest.mark.parametrize(("rows", "words"), [(0, ""), (1, "Not so in 1 row; "), (1200, "Not so in 1,200 rows; ")])
def test_result_in_words(rows: int, words: str) -> None:
    check = Check("trial", "main.lessons", "Numbers are small.", f"SELECT range AS n FROM range({rows})")
    result = checks.run_check(duckdb.connect(), check)
    assert (result.passed, result.failing_rows, len(result.sample)) == (rows == 0, rows, min(rows, 10))
    if rows:
        assert result.words == f"error: trial: Numbers are small. {words}the first: n=0"


def test_long_rows_are_shortened() -> None:
    check = Check("trial", "main.lessons", "Texts are short.", "SELECT repeat('x', 5000) AS text")
    assert len(checks.run_check(duckdb.connect(), check).words) < 300


def test_problems_in_words(loose: duckdb.DuckDBPyConnection) -> None:
    pages = [page_id for (page_id,) in loose.execute("SELECT page_id FROM raw.pages").fetchall()]
    # In several chunks, as the pages of a run come.
    lines: list[Any] = checks.problems_on(loose, pa.chunked_array([pages[:4], pages[4:]], pa.string()))
    assert [line.split(": ")[0] for line in lines] == [
        "pages/page-2002.txt:9",
        "pages/page-2002.txt:10",
        "pages/page-2005.txt:5",
        "pages/page-2005.txt:8",
        "pages/page-refused.txt:1",
    ]
    assert not any("list_page" in line for line in lines)
    assert any(line.endswith("unknown_admin_unit: HARBOURS") for line in lines)
    in_use = checks.problems_on(loose, pa.chunked_array([], pa.string()))
    assert in_use == [line for line in lines if "page-refused" not in line]


# ---- a slice of the pages at a time

PAGE_BY_PAGE = [check for check in ALL_CHECKS if check.is_page_by_page]


@pytest.fixture(scope="module")
def hashed() -> duckdb.DuckDBPyConnection:
    """The small warehouse with hashes for the names of its pages, as pages have them."""
    connection = small_warehouse(constrained=False)
    for table in TABLES.values():
        if "page_id" in [column.name for column in table.columns]:
            connection.execute(f"UPDATE {table.qualified_name} SET page_id = sha256(page_id)")
    return connection


def on_hashes(statement: str) -> str:
    return re.sub(r"'page-[^']*'", r"sha256(\g<0>)", statement)


def results(connection: duckdb.DuckDBPyConnection) -> dict[str, tuple[bool, int, bool]]:
    """What came of every check: whether it holds, how often not, whether a row of it is shown."""
    return {
        result.check.name: (result.passed, result.failing_rows, bool(result.sample))
        for result in checks.run_checks(connection, ALL_CHECKS)
    }


def test_some_checks_are_page_by_page() -> None:
    names = {check.name for check in PAGE_BY_PAGE}
    assert {"page_field_values", "page_fields_do_not_overlap", "page_line_counts"} <= names
    assert not any(check.is_generated for check in PAGE_BY_PAGE)
    # A copy is compared with the others of its record: these see all pages together.
    assert not names & {"best_copies_are_current", "current_pages_are_used", "cut_pages_have_a_complete_copy"}


def test_no_page_is_no_trouble() -> None:
    assert results(small_warehouse(rows={})) == {check.name: (True, 0, False) for check in ALL_CHECKS}


@pytest.mark.parametrize("slice_bytes", [100, 400, 2_000])
def test_a_sound_warehouse_holds_slice_by_slice(
    hashed: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch, slice_bytes: int
) -> None:
    whole = results(hashed)
    monkeypatch.setattr(checks, "_SLICE_BYTES", slice_bytes)
    assert results(hashed) == whole


@pytest.mark.parametrize("name", TAMPERINGS)
def test_what_fails_fails_slice_by_slice(
    hashed: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """As often, and with a row of it that fails indeed."""
    statement = on_hashes(f"{REPAIRS.get(name, 'SELECT 1')}; {TAMPERINGS[name]}")
    rules = [check for check in ALL_CHECKS if check.name == name or check.is_page_by_page]
    with tampered(hashed, statement):
        # On this connection, which alone sees what has not been committed.
        whole = [checks.run_check(hashed, rule) for rule in rules]
        sliced = [checks.run_check(hashed, rule, page_slices(slice_bounds(12, 2))) for rule in rules]
        for rule, one, two in zip(rules, whole, sliced, strict=True):
            assert (one.passed, one.failing_rows) == (two.passed, two.failing_rows), rule.name
            failing = hashed.execute(rule.statement).fetchall()
            assert all(tuple(row.values()) in failing for row in two.sample)
            assert len(two.sample) == min(two.failing_rows, 10) or rule.is_page_by_page
            assert bool(two.sample) == bool(failing)
    assert not next(result for result in sliced if result.check.name == name).passed


def test_every_slice_is_looked_at(hashed: duckdb.DuckDBPyConnection) -> None:
    """What is wrong with one page is found whichever slice it is in."""
    (rule,) = [check for check in PAGE_BY_PAGE if check.name == "page_line_counts"]
    page_ids = [page_id for (page_id,) in hashed.execute("SELECT page_id FROM raw.pages").fetchall()]
    for page_id in page_ids:
        with tampered(hashed, f"UPDATE raw.pages SET line_count = line_count + 1 WHERE page_id = '{page_id}'"):
            result = checks.run_check(hashed, rule, page_slices(slice_bounds(12, 3)))
        assert (result.failing_rows, result.sample[0]["page_id"]) == (1, page_id)


def test_the_real_pages_give_the_same_slice_by_slice(hostile: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    with duckdb.connect(str(hostile.database), read_only=True) as connection:
        whole = results(connection)
        monkeypatch.setattr(checks, "_SLICE_BYTES", 4_000)
        told: list[int] = []
        sliced = checks.run_checks(connection, ALL_CHECKS, told.append)
        assert told == [1] * len(ALL_CHECKS)
        assert [result.check for result in sliced] == list(ALL_CHECKS)
        assert results(connection) == whole
    assert not all(passed for passed, *_ in whole.values())


def test_an_interrupt_ends_what_is_running_and_what_waits(loose: duckdb.DuckDBPyConnection) -> None:
    endless = "SELECT * FROM range(100000000000) AS a WHERE range < 0"
    rules = [Check("first", "raw.pages", "It holds.", "SELECT 1 WHERE false")]
    rules += [Check(f"endless {number}", "raw.pages", "It ends.", endless) for number in range(50)]

    def stop(count: int) -> None:
        raise KeyboardInterrupt

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        checks.run_checks(loose, rules, stop)
    assert time.monotonic() - began < 30  # to its end, each of them takes longer
