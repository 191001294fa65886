"""Serves an export in the browser: Datasette on `ieval.sqlite`, with our pages, read only and on this machine alone.

The export is made or renewed first, if it is not that of the published warehouse. What the pages show does not belong
here.
"""

from __future__ import annotations

import errno
import socket
import sqlite3
import webbrowser
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import datasette.database
import uvicorn
from datasette.app import Datasette
from datasette.plugins import pm

from pipelines.explorer import plugin
from pipelines.explorer.gate import Application, gate
from pipelines.explorer.questions import sqlite_questions
from pipelines.explorer.records import short
from pipelines.explorer.tables import DATABASE, QUESTION, groups, metadata, title_of
from pipelines.export.exporting import Exported, export_all
from pipelines.export.sqlite import FILE
from pipelines.settings import Settings
from pipelines.stages import stage

TEMPLATES = Path(__file__).parent / "templates"
_SETTINGS: Mapping[str, Any] = {
    "sql_time_limit_ms": 20_000,  # text_search, the slowest question, takes 0.1 s a thousand records
    "facet_time_limit_ms": 2_000,
    "default_facet_size": 12,
    "default_page_size": 50,
    "suggest_facets": False,
    "truncate_cells_html": 240,
}


class ExploreError(RuntimeError):
    """The explorer cannot start; the message says what to do."""


def prepare(knobs: Settings) -> Exported:
    """Make the export of the published warehouse, where it is not there already. Raises ExportError."""
    return export_all(knobs, stage, formats=("sqlite",))


def application(database: Path, host: str = "127.0.0.1", is_demo: bool = False) -> Application:
    """The explorer of a SQLite export as an ASGI application."""
    _register()
    site = Datasette(
        [],
        immutables=[str(database)],
        metadata={**metadata(), "plugins": {"ieval": {"is_demo": is_demo}}},
        template_dir=str(TEMPLATES),
        static_mounts=[("static", str(TEMPLATES / "static"))],
        settings=dict(_SETTINGS),
    )
    questions = sqlite_questions()
    site.jinja_env.globals.update(
        database_name=DATABASE,
        question_prefix=QUESTION,
        questions=questions,
        table_groups=groups(),
        title_of=title_of,
        is_demo=is_demo,
        short=short,
        source_link=partial(plugin.source_link, is_demo),
    )
    return gate(site.app(), host, questions)


def _register() -> None:
    """Our hooks, instead of Datasette's own for errors, which prints each with the values of all variables."""
    if not pm.is_registered(plugin):
        pm.unregister(name="datasette.handle_exception")
        pm.register(plugin)
        datasette.database.sqlite_timelimit = plugin.limit_time
        sqlite3.enable_callback_tracebacks(False)  # what a query makes of our functions is said in the answer


def serve(knobs: Settings, host: str, listener: socket.socket, is_opened: bool) -> int:
    """Serve on a socket of `listen` until Ctrl-C; returns the exit code."""
    # Where the link leads now: its connections, some made later, are all of one export.
    app = application((knobs.export / FILE).resolve(), host, knobs.is_demo)
    config = uvicorn.Config(app, log_level="warning", lifespan="on", timeout_graceful_shutdown=2, server_header=False)
    server = _Server(config, address(host, listener.getsockname()[1]) if is_opened else None)
    try:
        server.run(sockets=[listener])
    except KeyboardInterrupt:
        return 130
    return 0


class _Server(uvicorn.Server):
    """Opens the browser when it is ready to answer it."""

    def __init__(self, config: uvicorn.Config, opened: str | None) -> None:
        super().__init__(config)
        self.opened = opened

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.opened is not None and self.started:
            webbrowser.open(self.opened)


def address(host: str, port: int) -> str:
    """What to type into a browser."""
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{name}:{port}/"


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises ExploreError where that is not to be had."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        is_taken = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
        words = "something listens there already" if is_taken else getattr(error, "strerror", None) or str(error)
        raise ExploreError(
            f"cannot listen on {host}, port {port}: {words}; choose another one with --port or --host"
        ) from None
