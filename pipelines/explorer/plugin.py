"""Datasette's hooks: our pages beside Datasette's own, what a cell of a table shows, our facets and our SQL functions.

What is shown is gathered by `start.py`, `search.py` and `records.py`; `templates/` shows it. Serving
does not belong here.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pluggy
from datasette import Response
from datasette.database import QueryInterrupted
from datasette.filters import FilterArguments
from datasette.utils.asgi import Base400
from datasette.views.base import DatasetteError
from markupsafe import Markup

from pipelines.explorer import records
from pipelines.explorer.facets import ListFacet, YearFacet, has_filters
from pipelines.explorer.questions import register_functions
from pipelines.explorer.search import find_number, read_finds
from pipelines.explorer.start import read_start
from pipelines.explorer.tables import DATABASE, times

hookimpl = pluggy.HookimplMarker("datasette")
#: A text longer than this is cut in the answer to a question, where one wants to read it.
_LONG = 700
#: Bytes of a value or row: hundreds of times what a page may have.
LONGEST = 48 * 2**20
#: Bytes of all rows of an answer, which are in memory several times while it is written.
MOST_BYTES = 96 * 2**20
#: LIKE and GLOB compare a pattern at each letter of a text, and nothing can stop them.
_LONGEST_PATTERN = 200
#: Bytes that SQLite may use in this process: some rows of the longest, and what sorts and joins them.
_MOST_MEMORY = 512 * 2**20
_SITE_PAGES = {"recommendations": "recommendations", "lessons": "lessons", "practices": "good_practices"}


@hookimpl
def prepare_connection(conn: sqlite3.Connection) -> None:
    """Every connection has the functions that the questions use, and limits that no query can lift."""
    register_functions(conn)
    conn.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST)
    conn.setlimit(sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, _LONGEST_PATTERN)
    conn.execute(f"PRAGMA hard_heap_limit = {_MOST_MEMORY}")  # of the process
    conn.row_factory = _count_row
    conn.set_authorizer(_authorize)


def _authorize(action: int, name: str | None, argument: str | None, database: str | None, trigger: str | None) -> int:
    """Whether a statement may do something. Where the database lies in the file system is nobody's business."""
    if action == sqlite3.SQLITE_READ and (name or "").lower() == "pragma_database_list":
        return sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_PRAGMA and (name or "").lower().endswith("heap_limit") and argument is not None:
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK


#: Bytes of the answers that are being read, by their cursors.
_sizes: weakref.WeakKeyDictionary[sqlite3.Cursor, int] = weakref.WeakKeyDictionary()


def _count_row(cursor: sqlite3.Cursor, values: tuple[Any, ...]) -> sqlite3.Row:
    """A row as Datasette takes them; raises OperationalError where an answer is too large to be shown."""
    size = _sizes.get(cursor, 0) + sum(len(value) for value in values if isinstance(value, str | bytes))
    _sizes[cursor] = size
    if size > MOST_BYTES:
        # Datasette keeps the error for a while, and with it an open statement: while one is open, what interrupts
        # another interrupts all that follow on the connection.
        cursor.close()
        raise sqlite3.OperationalError(f"the answer is larger than {MOST_BYTES // 2**20} MB: ask for less")
    return sqlite3.Row(cursor, values)


@contextlib.contextmanager
def limit_time(connection: sqlite3.Connection, milliseconds: float) -> Iterator[None]:
    """Interrupt what is asked after this time. Datasette's own counts instructions, of which one can take a second."""
    timer = threading.Timer(milliseconds / 1000, connection.interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@hookimpl
def register_facet_classes() -> list[type]:
    """Lists and years."""
    return [ListFacet, YearFacet]


@hookimpl
def filters_from_request(request: Any, table: str, database: str, datasette: Any) -> Any:
    """What `?_has=` asks for."""

    async def filters() -> FilterArguments:
        return has_filters(request, await datasette.get_database(database).table_columns(table))

    return filters


@hookimpl
def register_routes() -> list[tuple[str, Callable[..., Any]]]:
    """The start page instead of Datasette's list of databases, and the search page."""
    return [(r"^/$", _start), (r"^/search$", _search)]


async def _start(request: Any, datasette: Any) -> Response:
    start = await datasette.get_database(DATABASE).execute_fn(read_start)
    return Response.html(await datasette.render_template("start.html", {"start": start}, request=request))


async def _search(request: Any, datasette: Any) -> Response:
    words = request.args.get("q") or ""
    database = datasette.get_database(DATABASE)
    context = {
        "words": words,
        "numbers": await database.execute_fn(lambda connection: find_number(connection, words)),
        "found": await database.execute_fn(lambda connection: read_finds(connection, words)),
    }
    return Response.html(await datasette.render_template("search.html", context, request=request))


@hookimpl
def extra_template_vars(template: str, table: str | None, request: Any, datasette: Any) -> Any:
    """What the pages of a record, an evaluation and a country show beside the row itself."""

    async def gathered() -> dict[str, Any]:
        if not template.startswith(f"row-{DATABASE}-") or table is None:
            return {}
        key = request.url_vars["pks"]

        def read(connection: sqlite3.Connection) -> Any:
            if table == "countries":
                return records.read_country(connection, key)
            if table == "evaluations":
                return records.read_evaluation(connection, int(key))
            return records.read_record(connection, table, int(key))

        return {"it": await datasette.get_database(DATABASE).execute_fn(read)}

    return gathered


@hookimpl
def render_cell(row: Any, value: Any, column: str, table: str | None, datasette: Any) -> Any:
    """Dates, yes and no, shares and links as people read them; None leaves a cell to Datasette."""
    if value is None or value == "":
        return None
    if isinstance(value, int) and column.startswith(("is_", "has_")):
        return "yes" if value else "no"
    if isinstance(value, float) and column.endswith("share"):
        return f"{value:.1%}"
    if isinstance(value, str):
        if column in times(table):
            return f"{value[:10]} {value[11:16]}"
        if column == "url":
            return source_link(datasette.plugin_config("ieval")["is_demo"], value)
    if table is None:
        if column == "number" and "url" in row.keys():  # noqa: SIM118  (a row of SQLite iterates over its values)
            return _record_link(value, row["url"])
        if isinstance(value, str):
            return value if len(value) <= _LONG else f"{value[:_LONG].rstrip()}…"
    return None


def source_link(is_demo: bool, url: str, words: str = "i-eval ↗") -> Any:
    """A link to the page at the source; invented pages have none, and what is no web address is a text."""
    if is_demo:
        return "invented"
    if not re.match(r"https?://", url):
        return url
    return Markup('<a href="{}" rel="noreferrer">{}</a>').format(url, words)


def _record_link(number: Any, url: Any) -> Any:
    match = re.search(r"/(recommendations|lessons|practices)/(\d+)$", str(url or ""))
    if match is None or match[2] != str(number):
        return None
    return Markup('<a href="/{}/{}/{}">{}</a>').format(DATABASE, _SITE_PAGES[match[1]], number, number)


@hookimpl
def handle_exception(datasette: Any, request: Any, exception: Exception) -> Any:
    """Errors in words, on a page like the others. Datasette's own page needs scripts and remote links."""

    async def answer() -> Response:
        status, title, words = _words(exception)
        if request.path.partition("?")[0].endswith(".json"):
            return Response.json({"ok": False, "error": words, "status": status, "title": title}, status=status)
        context = {"title": title, "reason": words, "sql": request.args.get("sql")}
        page = await datasette.render_template("error.html", context, request=request)
        return Response.html(page, status=status)

    return answer


def _words(exception: Exception) -> tuple[int, str, str]:
    if isinstance(exception, QueryInterrupted) or isinstance(exception.__context__, QueryInterrupted):
        return 400, "Stopped", "The query took too long. Narrow it down, or ask it with `ieval sql`."
    if isinstance(exception, MemoryError):
        return 400, "Stopped", "The query takes too much memory. Narrow it down, or ask it with `ieval sql`."
    if isinstance(exception, sqlite3.DatabaseError):
        return 400, "It does not work like that", str(exception)
    if isinstance(exception, DatasetteError):
        text = exception.message
        return exception.status, exception.title or "It does not work like that", str(text)
    if isinstance(exception, Base400):
        is_missing = exception.status == 404
        title = "There is no such page" if is_missing else "It does not work like that"
        words = "It may be a record that was not read, or an address with a typo." if is_missing else ""
        return exception.status, title, words or str(exception.args[0] if exception.args else "")
    return 500, "Something went wrong", f"{type(exception).__name__}: {exception}"
