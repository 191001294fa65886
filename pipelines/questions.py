"""Answers questions over the published warehouse, read only: the worked ones of `sql/queries`, or any SQL.

An answer cannot write, read other files or reach the network, unless somebody says that it may. DuckDB keeps a query
from all files but that of the database, which a COPY would overwrite: so statements that do more than ask are refused
here. How answers are printed does not belong here.
"""

from __future__ import annotations

import contextlib
import datetime
import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import duckdb

from pipelines import interrupts, settings
from pipelines.settings import Settings
from pipelines.sql_files import Parameter, SqlFile, read_folder

#: What only asks. MULTI is a PIVOT that looks up its columns first; a COPY of one is MULTI as well.
_ASKING = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN, duckdb.StatementType.MULTI)
_ASKING_WORDS = ("select", "with", "from", "pivot", "(")
_ONLY_READS = "`ieval sql` only reads the warehouse, and nothing else unless --unsafe allows it"


class QuestionError(ValueError):
    """A question that cannot be answered as asked; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Column names and rows."""

    columns: list[str]
    rows: list[tuple[Any, ...]]


def worked_questions() -> Mapping[str, SqlFile]:
    """The files of sql/queries by name."""
    return read_folder(settings.SQL / "queries")


@contextlib.contextmanager
def open_warehouse(knobs: Settings, is_unsafe: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """The published database, read only, without access to anything else. Raises QuestionError if there is none.

    `is_unsafe`: with access to files, network, extensions and settings; no table of it changes all the same.
    """
    if not knobs.database.exists():
        raise QuestionError(f"there is no warehouse at {knobs.database} yet: make one with `ieval run`")
    config: dict[str, str | bool | int | float | list[str]] = {
        "enable_external_access": is_unsafe,
        # A name that no table has is never looked up among the variables of this program.
        "python_enable_replacements": False,
        "memory_limit": knobs.memory_limit,
    }
    try:
        connection = duckdb.connect(str(knobs.database), read_only=True, config=config)
    except duckdb.Error as error:
        is_held = "lock" in str(error)
        remedy = "close the program that has it open for writing" if is_held else "`ieval run` makes it anew"
        raise QuestionError(f"{knobs.database} cannot be opened ({_first_lines(error)}); {remedy}") from None
    with connection, interrupts.passed_on(connection.interrupt):  # or it would end only with what its threads are at
        connection.execute("SET TimeZone = 'UTC'")
        if not is_unsafe:
            connection.execute("SET lock_configuration = true")
        yield connection


def newest_observation(connection: duckdb.DuckDBPyConnection) -> datetime.datetime | None:
    """The newest sighting that `raw.page_sightings` keeps, in UTC; None where there is none."""
    (newest,) = connection.execute("SELECT max(seen_at) AT TIME ZONE 'UTC' FROM raw.page_sightings").fetchall()[0]
    return newest.replace(tzinfo=datetime.UTC) if newest else None


def ask(
    connection: duckdb.DuckDBPyConnection, question: str, given: Mapping[str, str], is_unsafe: bool = False
) -> Answer:
    """Answer a worked question by its name, with parameters given as text, or a query. Raises QuestionError.

    `is_unsafe`: the query may do more than ask.
    """
    files = worked_questions()
    if question in files:
        file = files[question]
        return _run(connection, file.statement, _values(connection, file, given))
    if not question.strip() or len(question.split()) == 1:
        raise QuestionError(
            _unknown(f"there is no question {question!r}", question, list(files), "`ieval sql` lists them")
        )
    if given:
        raise QuestionError(f"a query takes no --{next(iter(given))}: write the value into it")
    if not is_unsafe:
        _refuse_more_than_asking(connection, question)
    return _run(connection, question, {})


def _refuse_more_than_asking(connection: duckdb.DuckDBPyConnection, query: str) -> None:
    """Raise QuestionError where a statement of a query is none that only asks, or runs one (EXPLAIN ANALYZE)."""
    try:
        statements = connection.extract_statements(query)
    except duckdb.Error as error:
        raise QuestionError(_first_lines(error)) from None
    for statement in statements:
        words = statement.query.strip().lower()
        is_asking = statement.type in _ASKING
        if statement.type == duckdb.StatementType.EXPLAIN:
            is_asking = "analyze" not in words
        if statement.type == duckdb.StatementType.MULTI:
            is_asking = words.startswith(_ASKING_WORDS)
        if not is_asking:
            raise QuestionError(f"{statement.type.name} is no question; {_ONLY_READS}")


def _values(connection: duckdb.DuckDBPyConnection, file: SqlFile, given: Mapping[str, str]) -> dict[str, Any]:
    names = [parameter.name for parameter in file.parameters]
    for name in given:
        if name not in names:
            known = f"it takes {', '.join(f'--{known}' for known in names)}" if names else "it takes none"
            raise QuestionError(_unknown(f"{file.name} has no parameter --{name}", name, names, known, "--"))
    for parameter in file.parameters:
        if parameter.table and parameter.name in given:
            _look_up(connection, parameter, given[parameter.name])
    return {
        parameter.name: _value(parameter, given.get(parameter.name, parameter.default)) for parameter in file.parameters
    }


def _look_up(connection: duckdb.DuckDBPyConnection, parameter: Parameter, text: str) -> None:
    """Raise QuestionError where a text is none of the values of its parameter: else the answer would just be empty."""
    values = f"SELECT DISTINCT {_folded(str(parameter.column))} FROM {parameter.table}"
    [(is_known,)] = connection.execute(f"SELECT {_folded('?')} IN ({values})", [text]).fetchall()
    if not is_known:
        known = [value for (value,) in connection.execute(values).fetchall()]
        what = f"--{parameter.name}: there is no {text!r}"
        raise QuestionError(_unknown(what, text.lower(), known, f"{parameter.table} has what there is"))


def _folded(expression: str) -> str:
    return f"replace(strip_accents(lower(CAST({expression} AS VARCHAR))), '’', chr(39))"


def _value(parameter: Parameter, text: str | None) -> Any:
    if text is None:
        return None
    try:
        if parameter.type == "integer":
            return int(text)
        if parameter.type == "date":
            return datetime.date.fromisoformat(text)
    except ValueError:
        form = "a whole number" if parameter.type == "integer" else "a date like 2026-01-31"
        raise QuestionError(f"--{parameter.name} {text!r} is not {form}") from None
    return text


def _unknown(what: str, word: str, known: list[str], otherwise: str, before: str = "") -> str:
    near = difflib.get_close_matches(word, known, 1)
    return f"{what}; did you mean {before}{near[0]}?" if near else f"{what}; {otherwise}"


def _run(connection: duckdb.DuckDBPyConnection, statement: str, values: Mapping[str, Any]) -> Answer:
    try:
        cursor = connection.execute(statement, dict(values)) if values else connection.execute(statement)
        if cursor is None:  # nothing but comments and semicolons
            raise QuestionError("there is no statement in this query")
        columns = [column[0] for column in cursor.description or ()]
        return Answer(columns, cursor.fetchall() if columns else [])
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        raise QuestionError(f"{_first_lines(error)}\n`ieval dictionary` describes every table and column") from None
    except (duckdb.PermissionException, duckdb.InvalidInputException) as error:
        raise QuestionError(f"{_first_lines(error)}\n{_ONLY_READS}") from None
    except duckdb.Error as error:
        raise QuestionError(_first_lines(error)) from None


def _first_lines(error: Exception) -> str:
    """DuckDB's message without the statement that it repeats."""
    return str(error).split("\n\nLINE ", 1)[0]
