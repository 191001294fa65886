"""Writes the rows of an export as one SQLite file: every table and mart with its keys, and full-text search over texts.

The words of `tables.py` and `marts.py` stand as comments in the CREATE statements. Days and times are ISO 8601 texts,
times in UTC, booleans 0 and 1. Search folds case and accents and knows English endings; the search table of a table is
`<table>_fts`, where Datasette looks for it. Which rows there are does not belong here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import adbc_driver_sqlite.dbapi
import pyarrow as pa

from pipelines.export.source import About, Rows, references, with_texts_for_times
from pipelines.page_keys import GOOD_PRACTICE, LESSON, RECOMMENDATION
from pipelines.records import TEXT_COLUMNS
from pipelines.schema import arrow_schema, quote
from pipelines.tables import BOOLEAN, DATE, DOUBLE, INTEGER, TEXT, TIMESTAMP, Table

FILE = "ieval.sqlite"
#: The texts that can be searched, by table.
SEARCHED: Mapping[str, tuple[str, ...]] = {
    "recommendations": TEXT_COLUMNS[RECOMMENDATION],
    "action_items": ("heading_text", "item_text"),
    "lessons": TEXT_COLUMNS[LESSON],
    "good_practices": TEXT_COLUMNS[GOOD_PRACTICE],
}
#: Bytes of memory in which the words of a search table are gathered: a fifth faster than with SQLite's own megabyte.
_SEARCH_MEMORY = 32 * 2**20
_TYPES = {
    TEXT: "TEXT",
    INTEGER: "INTEGER",
    DOUBLE: "REAL",
    BOOLEAN: "INTEGER",
    DATE: "TEXT",
    TIMESTAMP: "TEXT",
}
#: Nobody reads the file while it is made, and a half-made one is thrown away: no journal, no waiting for the disk.
_BUILDING = (
    "PRAGMA page_size = 32768",  # many rows are longer than the usual page of 4096
    "PRAGMA journal_mode = OFF",
    "PRAGMA synchronous = OFF",
    "PRAGMA locking_mode = EXCLUSIVE",
    "PRAGMA cache_size = -65536",
)


def write(source: Iterable[Rows], tables: Sequence[Table], about: About, folder: Path) -> None:
    """Write `ieval.sqlite`. The same rows give the same bytes, from the same release of SQLite."""
    with (
        closing(adbc_driver_sqlite.dbapi.connect(str(folder / FILE))) as connection,
        closing(connection.cursor()) as cursor,
    ):
        connection.adbc_connection.set_autocommit(True)  # a pragma inside a transaction does nothing
        for statement in _BUILDING:
            cursor.execute(statement)
            cursor.fetchall()
        connection.adbc_connection.set_autocommit(False)
        cursor.execute(f"CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT) {_NO_ROWID}")
        for name, value in _about(about):
            cursor.execute(f"INSERT INTO about VALUES ({quote(name)}, {quote(value)})")
        for rows in source:
            cursor.execute(create_table(rows.table, tables))
            schema = with_texts_for_times(arrow_schema(rows.table).empty_table()).schema
            reader = pa.RecordBatchReader.from_batches(schema, _batches(rows.batches))
            cursor.adbc_ingest(rows.table.name, reader, mode="append")
            for statement in [*search_table(rows.table), *indexes(rows.table, tables)]:
                cursor.execute(statement)
            connection.commit()


_NO_ROWID = "WITHOUT ROWID"


def _about(about: About) -> list[tuple[str, str]]:
    return [
        ("title", about.title),
        ("newest observation", about.observed),
        ("source", f"{about.source}, {about.source_url}" if about.source_url else about.source),
        ("how to cite", about.citation),
        ("terms", about.terms),
        ("data quality", about.quality),
    ]


def create_table(table: Table, exported: Sequence[Table]) -> str:
    """`CREATE TABLE` with the words as comments, NOT NULL, primary key, and foreign keys to what is exported too."""
    only_key = table.primary_key[0] if len(table.primary_key) == 1 else None
    lines = []
    for column in table.columns:
        constraint = " PRIMARY KEY" if column.name == only_key else ""
        constraint = "" if column.nullable else f"{constraint} NOT NULL"
        lines.append((f"{column.name} {_TYPES[column.type]}{constraint}", column.words))
    if only_key is None:
        lines.append((f"PRIMARY KEY ({', '.join(table.primary_key)})", ""))
    for columns, referenced, referenced_columns in references(table, exported):
        target = f"{referenced} ({', '.join(referenced_columns)})"
        lines.append((f"FOREIGN KEY ({', '.join(columns)}) REFERENCES {target}", ""))
    ends = [*["," for _ in lines[1:]], ""]
    body = "\n".join(
        f"    {code}{end}{f'  -- {words}' if words else ''}" for (code, words), end in zip(lines, ends, strict=True)
    )
    # Without a rowid a key is stored once; search needs the rowid, and long rows are faster to find with one.
    is_keyed = only_key is None and table.group != "marts" and table.name not in SEARCHED
    return f"CREATE TABLE {table.name} (  -- {table.words}\n{body}\n){f' {_NO_ROWID}' if is_keyed else ''}"


def indexes(table: Table, exported: Sequence[Table]) -> list[str]:
    """An index for each reference and each date, by which people filter, unless the primary key begins with it."""
    columns = [columns for columns, _, _ in references(table, exported)]
    columns += [(column.name,) for column in table.columns if column.type == DATE]
    return [
        f"CREATE INDEX {table.name}_by_{'_and_'.join(names)} ON {table.name} ({', '.join(names)})"
        for names in dict.fromkeys(columns)
        if table.primary_key[: len(names)] != names
    ]


def search_table(table: Table) -> list[str]:
    """The statements that make and fill the search table of a table, if its texts can be searched.

    Datasette finds it by the double quotes around the name of what it searches.
    """
    if table.name not in SEARCHED:
        return []
    name = f"{table.name}_fts"
    return [
        f'CREATE VIRTUAL TABLE {name} USING fts5({", ".join(SEARCHED[table.name])}, content="{table.name}", '
        "tokenize='porter unicode61 remove_diacritics 2')",
        f"INSERT INTO {name} ({name}, rank) VALUES ('pgsz', 16000)",  # as large as the file's pages allow
        f"INSERT INTO {name} ({name}, rank) VALUES ('hashsize', {_SEARCH_MEMORY})",
        f"INSERT INTO {name} ({name}) VALUES ('rebuild')",
    ]


def _batches(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        yield from with_texts_for_times(pa.Table.from_batches([batch])).to_batches()
