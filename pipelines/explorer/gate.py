"""Stands between the browser and Datasette: lets through what belongs to the explorer, and says what a page may do.

No page may run a script or load anything from elsewhere, so a text that looks like HTML stays a text even if it were
ever rendered as such. Only a browser that asks for this machine by its own name is answered, so that no page of the
web can read here under a name of its own, and none may ask here but by a link that somebody follows.
What is answered does not belong here.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

from pipelines.explorer.questions import SqliteQuestion
from pipelines.explorer.tables import DATABASE, QUESTION

Scope = MutableMapping[str, Any]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Any, Send], Awaitable[None]]

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)
#: Views of one row a recommendation: whoever opens a row wants the recommendation.
_ROW = re.compile(rf"/{DATABASE}/(?:recommendation_overview|open_recommendations|status_conflicts)/(\d+)")
_LOCAL = ("127.0.0.1", "localhost", "[::1]")


def gate(application: Application, host: str, questions: Mapping[str, SqliteQuestion]) -> Application:
    """An application around Datasette's. `host` is the address that it listens on."""
    names = _LOCAL if host in ("127.0.0.1", "localhost", "::1") else ()

    async def guarded(scope: Scope, receive: Any, send: Send) -> None:
        if scope["type"] != "http":
            await application(scope, receive, send)
            return

        async def send_with_headers(message: Mapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *_HEADERS]}
            await send(message)

        path = scope["path"]
        if names and _host(scope) not in names:
            await _answer(send_with_headers, 421, b"This server answers to localhost only.")
        elif _is_from_elsewhere(scope):
            await _answer(
                send_with_headers, 403, b"Another site asks for this. Type the address, or follow a link to a page."
            )
        elif path.startswith("/-/"):  # Datasette's own tools: they tell where files are, and need scripts
            await _answer(send_with_headers, 404, b"There is nothing here.")
        elif match := _ROW.fullmatch(path):
            location = (b"location", f"/{DATABASE}/recommendations/{match[1]}".encode())
            await _answer(send_with_headers, 302, b"", location)
        else:
            await application(_mended(scope, questions), receive, send_with_headers)

    return guarded


def _host(scope: Scope) -> str:
    text = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
    return re.sub(r":\d+$", "", text)


def _is_from_elsewhere(scope: Scope) -> bool:
    """Whether another site makes the request, unless somebody follows a link from there to a page."""
    headers = dict(scope["headers"])
    if headers.get(b"sec-fetch-site", b"none") in (b"none", b"same-origin"):
        return False
    is_link = (
        headers.get(b"sec-fetch-mode") == b"navigate" and headers.get(b"sec-fetch-dest", b"document") == b"document"
    )
    is_page = not re.search(r"\.(json|jsono|csv|blob|db)$", scope["path"]) and b"_format=" not in scope["query_string"]
    return not (is_link and is_page and scope["method"] == "GET")


async def _answer(send: Send, status: int, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    plain = (b"content-type", b"text/plain; charset=utf-8")
    await send({"type": "http.response.start", "status": status, "headers": [plain, *headers]})
    await send({"type": "http.response.body", "body": body})


def _mended(scope: Scope, questions: Mapping[str, SqliteQuestion]) -> Scope:
    """The request with what Datasette lacks: the defaults of a question's parameters, and an ear for empty searches.

    Datasette takes a search without words for an error, and its own filter form sends one.
    """
    asked = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    pairs = [(name, value.replace("\0", " ") if name == "_search" else value) for name, value in asked]
    pairs = [(name, value) for name, value in pairs if name != "_search" or re.search(r"\w", value)]
    given = {name for name, _ in pairs}
    if scope["path"].startswith(f"/{DATABASE}/{QUESTION}"):
        name = scope["path"].removeprefix(f"/{DATABASE}/{QUESTION}").partition(".")[0]
        parameters = questions[name].parameters if name in questions else ()
        pairs += [
            (each.name, each.default) for each in parameters if each.default is not None and each.name not in given
        ]
    return scope if pairs == asked else {**scope, "query_string": urlencode(pairs).encode()}
