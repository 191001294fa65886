"""Reads the files of `sql/`: what each says of itself in its leading comment, its statement, and what it depends on.

A file is one statement under a comment. In the comment, `-- $name (type, default value): words` declares a parameter,
`(text from schema.table.column, default value)` one that must be a value of a column; `-- severity: error, blocking`
says how bad a row of a check is, `-- page by page` that a check looks at no two pages together, `-- looks at
everything` that it compares records that have nothing else in common. What the statements compute does not belong here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import duckdb

_PARAMETER = re.compile(
    r"--\s*\$(?P<name>\w+)\s*"
    r"\((?P<type>\w+)(?: from (?P<table>\w+\.\w+)\.(?P<column>\w+))?, default (?P<default>.*)\):\s*(?P<words>.*)"
)
_EVERYTHING = re.compile(r"--\s*looks at everything\s*")
_PAGE_BY_PAGE = re.compile(r"--\s*page by page\s*")
_SEVERITY = re.compile(r"--\s*severity:\s*(?P<severity>error|warning)(?P<blocking>, blocking)?\s*")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a worked question; `default` None means that it filters nothing unless given.

    `table` and `column`: where its values come from, if they are known; case, accents and form of quotes do not count.
    """

    name: str
    type: str
    default: str | None
    words: str
    table: str | None = None
    column: str | None = None


@dataclass(frozen=True, slots=True)
class SqlFile:
    """One file of `sql/`: `words` is its leading comment, without what it declares."""

    name: str
    path: Path
    words: str
    statement: str
    parameters: tuple[Parameter, ...] = ()
    severity: str = "error"
    is_blocking: bool = False
    is_page_by_page: bool = False
    sees_everything: bool = False

    @property
    def reads(self) -> frozenset[str]:
        """The `schema.table` names that the statement reads from. Raises ValueError where it is no SQL."""
        try:
            return dependencies(self.statement)
        except ValueError as error:
            raise ValueError(f"{self.path}: {error}") from None

    @property
    def title(self) -> str:
        """The first line of the words."""
        return self.words.split("\n", 1)[0]


@cache
def read_folder(folder: Path) -> Mapping[str, SqlFile]:
    """The SQL files of a folder by name (file name without `.sql`), in order of name."""
    return {path.stem: _read_file(path) for path in sorted(folder.glob("*.sql"))}


def _read_file(path: Path) -> SqlFile:
    words, parameters = [], []
    severity, is_blocking, is_page_by_page, sees_everything = "error", False, False, False
    lines = path.read_text(encoding="utf-8").splitlines()
    while lines and (lines[0].startswith("--") or not lines[0].strip()):
        line = lines.pop(0)
        if match := _PARAMETER.fullmatch(line):
            default = None if match["default"] == "NULL" else match["default"]
            parameters.append(
                Parameter(match["name"], match["type"], default, match["words"], match["table"], match["column"])
            )
        elif match := _SEVERITY.fullmatch(line):
            severity, is_blocking = match["severity"], bool(match["blocking"])
        elif _PAGE_BY_PAGE.fullmatch(line):
            is_page_by_page = True
        elif _EVERYTHING.fullmatch(line):
            sees_everything = True
        else:
            words.append(line.removeprefix("--").strip())
    statement = "\n".join(lines).strip().removesuffix(";")
    title = "\n".join(words).strip()
    return SqlFile(
        path.stem, path, title, statement, tuple(parameters), severity, is_blocking, is_page_by_page, sees_everything
    )


@cache
def dependencies(statement: str) -> frozenset[str]:
    """The `schema.table` names that a SELECT reads from, as DuckDB's own parser sees them."""
    row = _parser().execute("SELECT json_serialize_sql(?::VARCHAR)", [statement]).fetchone()
    tree = json.loads(row[0]) if row else {"error": True, "error_message": "no parse"}
    if tree.get("error"):
        raise ValueError(f"cannot parse: {tree.get('error_message')}")
    return frozenset(
        f"{node['schema_name']}.{node['table_name']}" for node in _base_tables(tree) if node["schema_name"]
    )


@cache
def _parser() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def _base_tables(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if node.get("type") == "BASE_TABLE":
            yield node
        for value in node.values():
            yield from _base_tables(value)
    elif isinstance(node, list):
        for value in node:
            yield from _base_tables(value)


def in_order(files: Mapping[str, SqlFile]) -> Iterable[str]:
    """The keys of `files` (`schema.name`) so that each comes after those that it reads from."""
    graph = {name: file.reads & files.keys() for name, file in files.items()}
    return TopologicalSorter({name: sorted(graph[name]) for name in sorted(graph)}).static_order()
