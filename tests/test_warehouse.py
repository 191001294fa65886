"""The database as built: its constraints and comments, and that it is swapped in whole or not at all."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from conftest import PAGES, SHIPPED, Built

from pipelines import checks, settings, warehouse
from pipelines.lake import GateError, describe
from pipelines.marts import MARTS
from pipelines.reference import FILES, read_reference
from pipelines.schema import SQL_TYPES, arrow_schema
from pipelines.settings import Settings
from pipelines.sql_files import SqlFile
from pipelines.tables import TABLES, Table

DAY_1 = datetime.datetime(2024, 3, 1, 6, tzinfo=datetime.UTC)
DAY_2 = datetime.datetime(2024, 9, 1, 6, tzinfo=datetime.UTC)
ALL = [*TABLES.values(), *MARTS.values()]
LESSON = PAGES / "lesson_900101.txt"


@pytest.fixture(scope="module")
def db(hostile: Built) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(hostile.database), read_only=True) as connection:
        yield connection


# ---- what is built


def test_it_holds_what_is_declared_and_nothing_else(db: duckdb.DuckDBPyConnection) -> None:
    tables = db.execute("SELECT schema_name, table_name FROM duckdb_tables()").fetchall()
    views = db.execute("SELECT schema_name, view_name FROM duckdb_views() WHERE NOT internal").fetchall()
    assert set(tables) == {(table.schema, table.name) for table in TABLES.values()}
    assert set(views) == {(view.schema, view.name) for view in MARTS.values()}


@pytest.mark.parametrize("table", ALL, ids=[table.name for table in ALL])
def test_columns_and_comments(db: duckdb.DuckDBPyConnection, table: Table) -> None:
    columns = db.execute(
        "SELECT column_name, data_type, comment FROM duckdb_columns() "
        "WHERE schema_name = ? AND table_name = ? ORDER BY column_index",
        [table.schema, table.name],
    ).fetchall()
    assert columns == [(column.name, SQL_TYPES[column.type], column.words) for column in table.columns]
    function, name = ("duckdb_views()", "view_name") if table.schema == "mart" else ("duckdb_tables()", "table_name")
    comment = db.execute(
        f"SELECT comment FROM {function} WHERE schema_name = ? AND {name} = ?", [table.schema, table.name]
    ).fetchall()
    assert comment == [(table.words,)]


def test_constraints(db: duckdb.DuckDBPyConnection) -> None:
    rows = db.execute(
        "SELECT schema_name, table_name, constraint_type, constraint_column_names, referenced_table "
        "FROM duckdb_constraints()"
    ).fetchall()
    found = {
        (f"{schema}.{table}", kind, tuple(columns), target or None) for schema, table, kind, columns, target in rows
    }
    expected = set()
    for table in TABLES.values():
        name = table.qualified_name
        expected.add((name, "PRIMARY KEY", table.primary_key, None))
        expected |= {(name, "NOT NULL", (column.name,), None) for column in table.columns if not column.nullable}
        expected |= {(name, "CHECK", (column.name,), None) for column in table.columns if column.values}
        expected |= {
            (name, "FOREIGN KEY", columns, referenced)
            for columns, referenced, _ in table.references
            if TABLES[referenced].schema == table.schema
        }
    assert found == expected


def test_storage_version_is_one_that_todays_drivers_open(hostile: Built, db: duckdb.DuckDBPyConnection) -> None:
    # Bytes 12 to 20 of a DuckDB file are its storage version: 64 up to DuckDB 1.1, then 65 for 1.2 and so on.
    with hostile.database.open("rb") as file:
        header = file.read(20)
    assert header[8:12] == b"DUCK"
    assert int.from_bytes(header[12:20], "little") <= 65
    (tags,) = db.execute("SELECT tags FROM duckdb_databases() WHERE database_name = 'ieval'").fetchall()
    assert tags[0]["storage_version"].startswith("v1.2.0")


@pytest.mark.parametrize("name", TABLES)
def test_parquet_and_database_agree(hostile: Built, db: duckdb.DuckDBPyConnection, name: str) -> None:
    table = TABLES[name]
    path = hostile.folder / "parquet" / f"{name}.parquet"
    assert pq.read_schema(path).equals(arrow_schema(table), check_metadata=True)
    key = ", ".join(table.primary_key)
    in_parquet = duckdb.execute(f"SELECT * FROM read_parquet('{path}')").fetchall()
    assert in_parquet == db.execute(f"SELECT * FROM {table.qualified_name} ORDER BY {key}").fetchall()


def test_manifest(hostile: Built) -> None:
    knobs = Settings(warehouse=hostile.folder)
    published = warehouse.published(knobs)
    assert published is not None
    assert published.database_bytes == hostile.database.stat().st_size
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
        "pages",
        "records",
        ".dagster",
        ".lock",
        ".lock.holder",
    }
    assert {path.name for path in (hostile.folder / "parquet").iterdir()} == {f"{name}.parquet" for name in TABLES}


def test_checks_hold_on_the_published_database(db: duckdb.DuckDBPyConnection) -> None:
    broken = [checks.run_check(db, check) for check in checks.all_checks()]
    assert [result.words for result in broken if not result.passed and result.check.severity == checks.ERROR] == []


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
        for name in ("pages", "page_fields", "evaluations", "evaluation_locations", "lessons", "record_themes")
    }


@pytest.mark.parametrize("name", ["ieval.duckdb", "manifest.json", "parquet/lessons.parquet"])
def test_a_missing_file_is_made_again(tmp_path: Path, build: Callable[..., Any], name: str) -> None:
    build(tmp_path, [SHIPPED], DAY_1)
    before = published_files(tmp_path)
    (tmp_path / name).unlink()
    _, is_new = build(tmp_path, [SHIPPED], DAY_2)
    assert is_new
    after = published_files(tmp_path)
    assert after.keys() == before.keys()
    assert {file for file in before if before[file] != after[file]} <= {"ieval.duckdb", "manifest.json"}


def test_a_table_that_is_no_more_disappears(tmp_path: Path, build: Callable[..., Any]) -> None:
    build(tmp_path, [SHIPPED], DAY_1)
    (tmp_path / "parquet" / "of_old.parquet").write_bytes(b"")
    build(tmp_path, [LESSON], DAY_2)
    assert not (tmp_path / "parquet" / "of_old.parquet").exists()


def _spoil(monkeypatch: pytest.MonkeyPatch, name: str, statement: str) -> None:
    """Another statement for one table."""
    files = dict(warehouse.table_files())
    old = files[f"main.{name}"]
    files[f"main.{name}"] = SqlFile(old.name, old.path, old.words, statement)
    monkeypatch.setattr(warehouse, "table_files", lambda: files)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("SELECT 1 AS progress_code, 'x' AS label", 'column "sort_order" not found'),
        ("SELECT NULL::VARCHAR AS progress_code, 'x' AS label, 1::BIGINT AS sort_order", "1 NULLs"),
        ("SELECT 'x' AS progress_code, 'x' AS label, 'first' AS sort_order", "sort_order|first"),
    ],
    ids=["missing column", "null key", "wrong type"],
)
def test_what_the_gate_refuses_publishes_nothing(
    tmp_path: Path, build: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, statement: str, words: str
) -> None:
    build(tmp_path, [SHIPPED], DAY_1)
    before = published_files(tmp_path)
    _spoil(monkeypatch, "progress_levels", statement)
    with pytest.raises((GateError, duckdb.BinderException), match=words):
        build(tmp_path, [LESSON], DAY_2)
    assert published_files(tmp_path) == before


def test_constraints_are_the_last_gate(
    tmp_path: Path, build: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key that is there twice passes the gate of single columns, and never the database's."""
    build(tmp_path, [SHIPPED], DAY_1)
    before = published_files(tmp_path)
    row = "SELECT 'x' AS progress_code, 'x' AS label, 1::BIGINT AS sort_order"
    _spoil(monkeypatch, "progress_levels", f"{row} UNION ALL {row}")
    with pytest.raises(duckdb.ConstraintException):
        build(tmp_path, [LESSON], DAY_2)
    assert published_files(tmp_path) == before
    monkeypatch.undo()
    build(tmp_path, [LESSON], DAY_2)
    with duckdb.connect(str(tmp_path / "ieval.duckdb"), read_only=True) as connection:
        assert titles(connection) == [(3191,), (9021,)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, build: Callable[..., Any]) -> Path:
    """A warehouse of two deliveries that nothing interrupted."""
    folder = tmp_path_factory.mktemp("whole")
    build(folder, [SHIPPED], DAY_1)
    build(folder, [LESSON], DAY_2)
    return folder


@pytest.mark.parametrize("at", ["tables", "database", "manifest"])
def test_a_publication_that_is_interrupted_is_made_good(
    tmp_path: Path, whole: Path, build: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    build(tmp_path / "cut", [SHIPPED], DAY_1)
    replace = Path.replace

    def fail(path: Path, target: Path) -> Path:
        stops = {"tables": "lessons.parquet", "database": "ieval.duckdb", "manifest": "manifest.json.new"}
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
    seen = {warehouse.inputs_fingerprint(knobs)}
    build(knobs.warehouse, [SHIPPED], DAY_1)
    seen.add(warehouse.inputs_fingerprint(knobs))
    monkeypatch.setattr(settings, "REFERENCE", reference_copy)
    assert warehouse.inputs_fingerprint(knobs) in seen
    with (reference_copy / "themes.csv").open("a") as file:
        file.write("\n")
    seen.add(warehouse.inputs_fingerprint(knobs))
    assert len(seen) == 3


# ---- vocabularies as DuckDB reads them


@pytest.mark.parametrize(
    "harm",
    [
        lambda page: page,
        lambda page: b"\xef\xbb\xbf" + page,
        lambda page: page.replace(b"\n", b"\r\n"),
        lambda page: page + b"\n\n",
        lambda page: page.replace(b"\n", b"\n\n", 3),
        lambda page: page.rstrip(b"\n"),
        lambda page: page.replace(b"\n", b"\r\n", 2),
    ],
    ids=[
        "as it is",
        "byte order mark",
        "CRLF",
        "blank lines at the end",
        "blank lines",
        "no last line end",
        "mixed line ends",
    ],
)
def test_vocabularies_are_read_as_they_are_checked(
    reference_copy: Path, monkeypatch: pytest.MonkeyPatch, harm: Callable[[bytes], bytes]
) -> None:
    """Two readers of one file must agree on its rows: the one that checks it and the one that loads it."""
    for name in FILES:
        path = reference_copy / name
        path.write_bytes(harm(path.read_bytes().replace(b"\r\n", b"\n")))
    monkeypatch.setattr(settings, "REFERENCE", reference_copy)
    checked = read_reference(reference_copy)
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA reference")
        warehouse._stage_reference(connection)
        for name, rows in checked.items():
            columns = FILES[name].columns
            loaded = connection.execute(f"SELECT {', '.join(columns)} FROM reference.{Path(name).stem}").fetchall()
            assert [tuple(value or "" for value in row) for row in loaded] == [
                tuple(row[column] for column in columns) for row in rows
            ]


# ---- previews


def test_preview_is_markdown_that_holds_no_markup_of_pages(hostile: Built) -> None:
    text = warehouse.preview_markdown(hostile.folder / "parquet", "pages", rows=40)
    lines = text.split("\n")
    assert len(lines) == 2 + len(list(PAGES.glob("*.txt")))
    assert len({line.replace("\\|", "").count("|") for line in lines}) == 1
    assert max(map(len, lines)) < 60 * 2 * len(TABLES["pages"].columns)
    assert warehouse.preview_markdown(hostile.folder / "parquet", "pages", rows=2).count("\n") == 3


def test_preview_escapes_markup(tmp_path: Path, build: Callable[..., Any]) -> None:
    assert warehouse._short("<script>|`*_[x](y)#!\\\n\n b", 60) == r"\<script\>\|\`\*\_\[x\](y)\#\!\\ b"
    assert len(warehouse._short("x" * 100, 60)) == 60
    build(tmp_path, [LESSON], DAY_1)
    assert warehouse.preview_markdown(tmp_path / "parquet", "action_items") == "(no rows)"
