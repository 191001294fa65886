"""Says the worked questions of `sql/queries` in SQLite, over the tables of an export, with the functions they need.

The tables of an export have plain names, parameters are `:name`. Most questions are the same in both dialects; those
that cannot be have a twin in `sql/queries/sqlite`, and a test compares the answers. How an answer looks does not belong
here.
"""

from __future__ import annotations

import json
import re
import sqlite3
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from pipelines import settings
from pipelines.questions import worked_questions
from pipelines.sql_files import Parameter, read_folder


@dataclass(frozen=True, slots=True)
class SqliteQuestion:
    """A worked question: what it asks, what it takes, and a SELECT with parameters as `:name`."""

    name: str
    title: str
    words: str
    sql: str
    parameters: tuple[Parameter, ...]


@cache
def sqlite_questions() -> Mapping[str, SqliteQuestion]:
    """Every worked question by name."""
    twins = read_folder(settings.SQL / "queries" / "sqlite")
    return {
        name: SqliteQuestion(
            name,
            file.title,
            file.words.removeprefix(file.title).strip(),
            _translate(twins.get(name, file).statement, file.parameters),
            tuple(replace(parameter, words=parameter.words.strip()) for parameter in file.parameters),
        )
        for name, file in worked_questions().items()
    }


#: A sorted list, which SQLite's own aggregates cannot make: what is listed is what it is sorted by.
_LIST = re.compile(r"string_agg\(\s*(?:distinct\s+)?(?P<value>.+?),\s*'; '\s+order by\s+(?P=value)\s*\)", re.DOTALL)


def _translate(statement: str, parameters: tuple[Parameter, ...]) -> str:
    sql = re.sub(r"\b(?:main|mart|raw)\.(?=\w)", "", statement)
    sql = _LIST.sub(r"sorted_join(\g<value>, '; ')", sql)
    for parameter in parameters:
        # A form sends an empty text for what is left empty; where nothing is the default, that means nothing.
        value = f":{parameter.name}" if parameter.default is not None else f"nullif(:{parameter.name}, '')"
        sql = re.sub(rf"\${parameter.name}\b", value, sql)
    return sql


def register_functions(connection: sqlite3.Connection) -> None:
    """Give a connection the functions of DuckDB that the questions use, and a few of our own."""
    for name, count, function in _FUNCTIONS:
        connection.create_function(name, count, function, deterministic=True)
    connection.create_aggregate("sorted_join", 2, _SortedJoin)  # type: ignore[arg-type]  # typeshed: one argument only


def _lower(value: object) -> object:
    """Of every alphabet, unlike SQLite's own."""
    return value.lower() if isinstance(value, str) else value


class _Plain(dict[int, str]):
    """Letters without their accents, worked out when they are first met."""

    def __missing__(self, code: int) -> str:
        parts = unicodedata.normalize("NFD", chr(code))
        plain = "".join(part for part in parts if not unicodedata.combining(part))
        self[code] = unicodedata.normalize("NFC", plain)
        return self[code]


_PLAIN = _Plain()


def _strip_accents(value: object) -> object:
    return value.translate(_PLAIN) if isinstance(value, str) and not value.isascii() else value


def _contains(text: str | None, part: str | None) -> bool | None:
    return None if text is None or part is None else str(part) in str(text)


def _concat_ws(separator: str, *values: object) -> str:
    return separator.join(str(value) for value in values if value is not None)


@cache
def _known_patterns() -> frozenset[str]:
    """Every text that a worked question has between quotes, in one piece or in several that are joined."""
    joined = re.compile(r"'(?:[^']|'')*'(?:\s*\|\|\s*'(?:[^']|'')*')*")
    texts = (text for question in sqlite_questions().values() for text in joined.findall(question.sql))
    return frozenset(
        "".join(part.replace("''", "'") for part in re.findall(r"'((?:[^']|'')*)'", text)) for text in texts
    )


def _regexp_replace(text: str | None, pattern: str, replacement: str, options: str) -> str | None:
    if text is None:
        return None
    if pattern not in _known_patterns():
        raise ValueError("only the patterns of the worked questions are taken: others may never come to an end")
    return re.sub(pattern, replacement, text, count=0 if "g" in options else 1, flags=re.ASCII)


def _folded_words(text: str) -> str:
    """The words between blanks as a JSON array, in lower case and without accents."""
    return json.dumps([word for word in str(_strip_accents(_lower(text))).split(" ") if word])


def _items(text: str | None) -> str | None:
    """A list joined by '; ', as views have them, as a JSON array."""
    return None if text is None else json.dumps(text.split("; "))


#: Letters of a list that a question joins; those of all countries and themes are a thousandth of it.
_LONGEST_LIST = 16 * 2**20


class _SortedJoin:
    """Distinct texts in order, joined: what DuckDB calls string_agg(distinct x, y order by x)."""

    def __init__(self) -> None:
        self.texts: set[str] = set()
        self.separator = ""
        self.length = 0

    def step(self, text: str | None, separator: str) -> None:
        self.separator = separator
        if text is not None and text not in self.texts:
            self.texts.add(text)
            self.length += len(text)
            if self.length > _LONGEST_LIST:
                raise ValueError("the list is too long")

    def finalize(self) -> str | None:
        return self.separator.join(sorted(self.texts)) if self.texts else None


_FUNCTIONS: tuple[tuple[str, int, Callable[..., Any]], ...] = (
    ("lower", 1, _lower),
    ("strip_accents", 1, _strip_accents),
    ("contains", 2, _contains),
    ("concat_ws", -1, _concat_ws),
    ("regexp_replace", 4, _regexp_replace),
    ("folded_words", 1, _folded_words),
    ("items", 1, _items),
)
