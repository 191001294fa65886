"""Renders declared tables and views as Arrow schemas, DDL and comments.

What the tables are is said in `tables.py` and `marts.py`; writing rows does not belong here.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from graphlib import TopologicalSorter

import pyarrow as pa

from pipelines.tables import BOOLEAN, DATE, DOUBLE, INTEGER, TABLES, TEXT, TIMESTAMP, Column, Table

ARROW_TYPES: dict[str, pa.DataType] = {
    TEXT: pa.string(),
    INTEGER: pa.int64(),
    DOUBLE: pa.float64(),
    BOOLEAN: pa.bool_(),
    DATE: pa.date32(),
    TIMESTAMP: pa.timestamp("us", tz="UTC"),
}
SQL_TYPES: dict[str, str] = {
    TEXT: "VARCHAR",
    INTEGER: "BIGINT",
    DOUBLE: "DOUBLE",
    BOOLEAN: "BOOLEAN",
    DATE: "DATE",
    TIMESTAMP: "TIMESTAMP WITH TIME ZONE",
}
_JOINT = ",\n    "


def arrow_schema(table: Table) -> pa.Schema:
    """The table's Arrow schema, nullability included, with the words as field metadata."""
    return pa.schema(
        [
            pa.field(column.name, ARROW_TYPES[column.type], column.nullable, metadata={"description": column.words})
            for column in table.columns
        ],
        metadata={"description": table.words, "table": table.qualified_name},
    )


def load_order(tables: Iterable[Table]) -> list[Table]:
    """The tables with every referenced table before those that refer to it."""
    by_name = {table.name: table for table in tables}
    graph = {
        name: sorted({referenced for _, referenced, _ in table.references} - {name}) for name, table in by_name.items()
    }
    return [by_name[name] for name in TopologicalSorter(graph).static_order()]


def create_table(table: Table, without_keys: Container[str] = ()) -> str:
    """`CREATE TABLE` with NOT NULL, primary and foreign keys, and the closed lists of values as CHECK.

    DuckDB has no foreign keys across schemas: references from `main` to `raw` hold by a blocking check alone, and so
    do the keys of the tables `without_keys` (by name) and the references to them.
    """
    lines = [_column_definition(column) for column in table.columns]
    if table.name in without_keys:
        return f"CREATE TABLE {table.qualified_name} (\n    {_JOINT.join(lines)}\n);"
    if table.primary_key:
        lines.append(f"PRIMARY KEY ({', '.join(table.primary_key)})")
    for columns, referenced, referenced_columns in table.references:
        target = TABLES[referenced]
        if target.schema == table.schema and target.name not in without_keys:
            names = ", ".join(referenced_columns)
            lines.append(f"FOREIGN KEY ({', '.join(columns)}) REFERENCES {target.qualified_name} ({names})")
    return f"CREATE TABLE {table.qualified_name} (\n    {_JOINT.join(lines)}\n);"


def _column_definition(column: Column) -> str:
    check = f" CHECK ({column.name} IN ({', '.join(map(quote, column.values))}))" if column.values else ""
    # DuckDB leaves prose as it is where it is short: declared, it takes a third of the room, and less time to load.
    compression = " USING COMPRESSION zstd" if column.is_prose else ""
    return f"{column.name} {SQL_TYPES[column.type]}{'' if column.nullable else ' NOT NULL'}{check}{compression}"


def comments(table: Table, kind: str = "TABLE") -> list[str]:
    """`COMMENT ON` statements for a table or view (`kind`) and each of its columns."""
    statements = [f"COMMENT ON {kind} {table.qualified_name} IS {quote(table.words)};"]
    for column in table.columns:
        statements.append(f"COMMENT ON COLUMN {table.qualified_name}.{column.name} IS {quote(column.words)};")
    return statements


def quote(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"
