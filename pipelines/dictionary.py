"""Renders the data dictionary: every table, view and column in words, with keys, references and what it is made from.

The committed `warehouse/README.md` is this text; a test compares the two. What the tables are is said in `tables.py`.
"""

from __future__ import annotations

from pipelines import settings
from pipelines.marts import MARTS
from pipelines.sql_files import read_folder
from pipelines.tables import CORE_TABLES, RAW_TABLES, REFERENCE_TABLES, Table

_HEAD = """\
# Data dictionary

Made by `ieval dictionary`; do not edit. The warehouse is `ieval.duckdb`, and every table but the views is also a file
`parquet/<table>.parquet`. `*_label` and plain words are the source's, verbatim; `*_code` and `country_iso3` are ours.
Offsets are half-open and count Unicode code points, so `substr(field, char_start + 1, char_end - char_start)` is the
stored text.
"""
_SECTIONS = (
    ("Raw: the pages as read", RAW_TABLES),
    ("Core: facts", CORE_TABLES),
    ("Core: reference", REFERENCE_TABLES),
    ("Marts: views for people who look", tuple(MARTS.values())),
)


def dictionary() -> str:
    """The whole dictionary as Markdown."""
    parts = [_HEAD]
    for title, tables in _SECTIONS:
        links = " · ".join(f"[{table.name}](#{_anchor(table)})" for table in tables)
        parts.append(f"**{title}**: {links}\n")
    for title, tables in _SECTIONS:
        parts.append(f"## {title}\n")
        parts += [describe(table) for table in tables]
    return "\n".join(parts)


def _anchor(table: Table) -> str:
    return table.qualified_name.replace(".", "")


def describe(table: Table) -> str:
    """One table or view as Markdown."""
    lines = [f"### {table.qualified_name}\n", table.words]
    made_from = ", ".join(sorted(_reads(table)))
    if made_from:
        lines.append(f"\nMade from: {made_from}.")
    lines += ["\n| column | type | | words |", "|---|---|---|---|"]
    for column in table.columns:
        words = column.words + (f" One of: {', '.join(column.values)}." if column.values else "")
        marks = "key" if column.key else "" if column.nullable else "required"
        if column.references:
            marks = f"{marks} → {column.references}".strip()
        lines.append(f"| {column.name} | {column.type} | {marks} | {words.replace('|', chr(92) + '|')} |")
    return "\n".join([*lines, ""])


def _reads(table: Table) -> set[str]:
    """What the table's SQL reads, the steps in sql/staged followed to their ends."""
    folder = "marts" if table.schema == "mart" else "tables"
    staged = read_folder(settings.SQL / "staged")
    found: set[str] = set()
    open_names = list(read_folder(settings.SQL / folder)[table.name].reads)
    while open_names:
        schema, _, name = open_names.pop().partition(".")
        if schema == "staged" and name in staged:
            open_names += staged[name].reads
        elif schema == "staged":
            found.add("pages as read" if name == "pages" else "records read from pages")
        elif schema == "reference":
            found.add(f"{name}.csv" if name != "problem_codes" else "pipelines/problems.py")
        else:
            found.add(f"{schema}.{name}")
    return found
