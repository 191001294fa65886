"""The explorer as a reader meets it: every page opens, says what is there, and asks for nothing but itself."""

from __future__ import annotations

import asyncio
import datetime
import gc
import html
import json
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from browser import Browser, open_browser
from conftest import PROJECT, Built, run_ieval

from pipelines.explorer.gate import POLICY
from pipelines.explorer.questions import sqlite_questions
from pipelines.explorer.records import Piece, pieces
from pipelines.explorer.serving import ExploreError, address, application, listen
from pipelines.export.source import EXPORTABLE

INVENTED = 160
WORD = "W" * 10_000
EVIL = {
    "recommendation_900601.txt": {
        "eval_title": '</title><script>alert("title")</script>',
        "comments": f'"><img src=x onerror=alert(1)>\n{WORD}',
        "action_plan": "In Cambodia, <b>bold</b> men \u202eturn around\u202c.\nKenya: {{ 7 * 7 }} &amp; {% raw %}",
        "title": "<script src=//evil.example/x.js></script> La inspección llegó; javascript:alert(1) \x02mark\x03",
    },
    "recommendation_900602.txt": {
        "eval_title": WORD,
        "comments": "ש\u202eרת 👩‍🏫 \x00 \x1b[31m",
        "action_plan": WORD,
        "title": "http://evil.example/?q=1 labour inspectors",
    },
}


@dataclass(frozen=True)
class Site:
    """An explorer that is listening."""

    root: str
    database: Path

    def open(self, path: str, **headers: str) -> tuple[int, str, dict[str, str]]:
        """Status, body and headers of a page."""
        request = urllib.request.Request(urllib.parse.urljoin(self.root, path), headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read().decode(errors="replace"), dict(answer.headers)
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(), dict(error.headers)

    def page(self, path: str) -> str:
        """The body of a page that is there."""
        status, body, _ = self.open(path)
        assert status == 200, (path, body)
        return body


class _Server(uvicorn.Server):
    def install_signal_handlers(self) -> None:
        """Not in a thread of the tests."""


@pytest.fixture(scope="module")
def serve() -> Iterator[Callable[..., Site]]:
    running: list[tuple[uvicorn.Server, threading.Thread]] = []

    def start(database: Path, is_demo: bool = False) -> Site:
        listener = listen("127.0.0.1", 0)
        server = _Server(uvicorn.Config(application(database, is_demo=is_demo), log_level="error"))
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])), daemon=True)
        thread.start()
        running.append((server, thread))
        return Site(address("127.0.0.1", listener.getsockname()[1]), database)

    yield start
    for server, thread in running:
        server.should_exit = True
        thread.join(10)


@pytest.fixture(scope="module")
def evil(
    tmp_path_factory: pytest.TempPathFactory, build: Callable[[Path, Sequence[str | Path], datetime.datetime], object]
) -> Path:
    """The SQLite export of pages whose texts would do harm in a browser if they were more than texts."""
    pages = tmp_path_factory.mktemp("evil-pages")
    for name, texts in EVIL.items():
        number = int(name[15:21])
        lines = ["Go to ILO main website", "Back to index", "", texts["eval_title"], "", "eval_number:", str(number)]
        lines += ["location:", "country:", "<i>Nowhere</i>", "region:", '"Africa"', ""]
        lines += ["eval_title:", texts["eval_title"], "recommendations:", "date:", "2021-11-05 00:00:00.0"]
        lines += ["themes:", "theme:", "<u>group</u>", "category:", "a; b", ""]
        for key in ("comments", "action_plan", "title"):
            lines += [f"{key}:", texts[key]]
        lines += ["management_response:", "<s>Done</s>", "progress:", "Achieved", "admin_units:", "'--<em>"]
        lines += ["url:", f"https://webapps.ilo.org/ievaldiscovery/recommendations/{number}", "", "Skip to top"]
        (pages / name).write_text("\n".join(lines), encoding="utf-8", newline="")
    folder = tmp_path_factory.mktemp("evil")
    build(folder, [pages], datetime.datetime(2026, 11, 22, 5, tzinfo=datetime.UTC))
    return _export(folder, tmp_path_factory.mktemp("evil-export"))


def _export(warehouse: Path, to: Path) -> Path:
    from pipelines.export.exporting import export_all
    from pipelines.settings import Settings

    export_all(Settings(warehouse=warehouse), to=str(to), formats=["sqlite"])
    return to / "ieval.sqlite"


@pytest.fixture(scope="module")
def invented(
    tmp_path_factory: pytest.TempPathFactory, build: Callable[[Path, Sequence[str | Path], datetime.datetime], object]
) -> Path:
    """The SQLite export of generated pages; changed copies are read a day later."""
    from pipelines.invented.pages import generate_pages

    folder, pages = tmp_path_factory.mktemp("invented"), tmp_path_factory.mktemp("invented-pages")
    for day, is_copy in ((21, False), (22, True)):
        source = pages / str(day)
        source.mkdir()
        for name, page in generate_pages(INVENTED):
            if name.endswith(".v2.txt") == is_copy:
                (source / name).write_bytes(page)
        build(folder, [source], datetime.datetime(2026, 11, day, 5, tzinfo=datetime.UTC))
    return _export(folder, tmp_path_factory.mktemp("invented-export"))


@pytest.fixture(scope="module")
def sites(
    serve: Callable[..., Site],
    exported: Path,
    shipped: Built,
    evil: Path,
    invented: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Site]:
    """Explorers of tests/pages, of the shipped page, of harmful texts and of invented ones."""
    return {
        "hostile": serve(exported / "ieval.sqlite"),
        "shipped": serve(_export(shipped.folder, tmp_path_factory.mktemp("shipped-export"))),
        "evil": serve(evil),
        "invented": serve(invented, is_demo=True),
    }


KINDS = ("hostile", "shipped", "evil", "invented")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as opened:
        yield opened


def links(body: str, base: str, root: str) -> list[str]:
    found = [urllib.parse.urljoin(base, html.unescape(link)) for link in re.findall(r' href="([^"]*)"', body)]
    return [urllib.parse.urldefrag(link)[0] for link in found if link.startswith(root)]


#: Parts of an address that lead to more of the same kind: one or two of each kind are enough.
def kind_of(address_: str) -> tuple[str, ...]:
    parts = urllib.parse.urlsplit(address_)
    names = tuple(sorted(name for name, _ in urllib.parse.parse_qsl(parts.query)))
    path = parts.path.split("/")
    return (*path[:3], "row" if len(path) > 3 else "", *names)


@pytest.mark.parametrize("kind", KINDS)
def test_every_link_leads_somewhere(sites: dict[str, Site], kind: str) -> None:
    site = sites[kind]
    most, of_a_kind = (400, 2) if kind == "hostile" else (160, 1)
    seen: dict[tuple[str, ...], int] = {}
    queue, done = [site.root], set()
    while queue and len(done) < most:
        where = queue.pop(0)
        if where in done or seen.get(kind_of(where), 0) >= of_a_kind:
            continue
        seen[kind_of(where)] = seen.get(kind_of(where), 0) + 1
        done.add(where)
        status, body, headers = site.open(where)
        assert status == 200, (where, body[:500])
        assert headers["content-security-policy"] == POLICY
        if headers["content-type"].startswith("text/html"):
            assert "<script" not in body
            assert not re.search(r"<[^>]* (?:style|on\w+)=", re.sub(r'"[^"]*"', '""', body)), where
            queue += links(body, where, site.root)
    assert len(done) > 100
    for table in EXPORTABLE:
        assert f"{site.root}ieval/{table}" in done


PAGES = (
    "/",
    "/search?q=inspeccion",
    "/search?q=the",
    "/ieval",
    "/ieval/recommendation_overview",
    "/ieval/recommendation_overview?_all=1",
    "/ieval/country_action_items",
    "/ieval/action_items?_search=the",
    "/ieval/pages",
    "/ieval/page_fields",
    "/ieval/problems",
    "/ieval/countries/KHM",
    "/ieval/ask-country_promises",
    "/ieval/ask-completed_by_theme",
    "/ieval/ask-text_search?words=the",
    "/ieval?sql=select+*+from+recommendations",
    "/ieval/ask-page_problems?severity=",
)


@pytest.mark.parametrize("kind", KINDS)
def test_in_the_browser(sites: dict[str, Site], browser: Browser, kind: str) -> None:
    """At both widths: nothing in the console, nothing asked of others, nothing that sticks out."""
    site = sites[kind]
    rows = []
    with sqlite3.connect(site.database) as connection:
        for table in ("recommendations", "lessons", "good_practices", "evaluations", "pages", "projects"):
            key = EXPORTABLE[table].primary_key[0]
            rows += [f"/ieval/{table}/{value}" for (value,) in connection.execute(f"SELECT {key} FROM {table} LIMIT 3")]
    rows = [row for row in rows if re.fullmatch(r"/ieval/\w+/\w+", row)]
    for path in (*PAGES, *rows):
        for size in (browser.desk, browser.telephone):
            size()
            visit = browser.visit(urllib.parse.urljoin(site.root, path))
            assert visit.complaints == [], path
            assert [request for request in visit.requests if not request.startswith(site.root)] == [], path
            assert browser.overflow() == [], (path, size.__name__)
            assert browser.ask("document.scripts.length") == 0


@pytest.mark.parametrize("kind", ["evil"])
def test_texts_are_texts(sites: dict[str, Site], browser: Browser, kind: str) -> None:
    site = sites[kind]
    browser.desk()
    browser.visit(f"{site.root}ieval/recommendations/900601")
    text = browser.ask("document.body.textContent")
    for words in EVIL["recommendation_900601.txt"].values():
        for line in words.split("\n"):
            assert line.split("\u202e")[0].split("\x02")[0].strip() in text, line
    assert "{{ 7 * 7 }}" in text
    assert browser.ask("document.querySelectorAll('main b, main img, main i, main u, main s, main em').length") == 0
    assert browser.ask("document.title").startswith("Recommendation 900601")
    for path in ("/", "/ieval/recommendation_overview", "/search?q=<b>inspección</b>", "/ieval/ask-oldest_open"):
        body = site.page(urllib.parse.quote(path, safe="/?="))
        for tag in ("<script", "<img", "<i>", "<u>", "<s>", "<em>", "<b>"):
            assert tag not in body, (path, tag)


def test_marks_in_an_excerpt_are_ours_alone(sites: dict[str, Site]) -> None:
    body = sites["evil"].page("/search?q=inspeccion")
    assert body.count("<mark>") == body.count("</mark>") == 1
    assert "<mark>inspección</mark>" in body


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("inspeccion", "<mark>inspección</mark>"),
        ("INSPECCIÓN", "<mark>inspección</mark>"),
        ("inspeccio\u0301n", "<mark>inspección</mark>"),
        ("labour inspector", "<mark>labour</mark> <mark>inspectors</mark>"),
    ],
)
def test_search_finds_what_people_mean(sites: dict[str, Site], words: str, found: str) -> None:
    assert found in sites["evil"].page(f"/search?q={urllib.parse.quote(words)}")


@pytest.mark.parametrize("words", ["", " ", '"', "*", "a AND", "NEAR(", "x" * 5000, "-", "\x00", "'); DROP TABLE x --"])
def test_search_for_anything(sites: dict[str, Site], words: str) -> None:
    quoted = urllib.parse.quote(words)
    sites["hostile"].page(f"/search?q={quoted}")
    assert sites["hostile"].open(f"/ieval/lessons?_search={quoted}")[0] == 200


def test_a_number_finds_its_record(sites: dict[str, Site]) -> None:
    body = sites["shipped"].page("/search?q=16568")
    assert 'href="/ieval/recommendations/16568"' in body
    assert 'href="/ieval/evaluations/3191"' in sites["shipped"].page("/search?q=3191")


def test_the_shipped_recommendation_in_one_view(sites: dict[str, Site]) -> None:
    body = sites["shipped"].page("/ieval/recommendations/16568")
    text = html.unescape(re.sub(r"<[^>]+>", "", body))
    for words in ("Partially Completed", "Partially achieved", "Inter-Regional", "BETTERWORK", "Resource management"):
        assert words in text
    assert len(re.findall(r'<li id="item-\d"', body)) == 9
    for iso3, name in (("IDN", "Indonesia"), ("KHM", "Cambodia"), ("EGY", "Egypt"), ("ETH", "Ethiopia")):
        assert f'<a class="country" href="/ieval/countries/{iso3}">{name}</a>' in body
        assert f'<mark class="country" title="{name}">{name}</mark>' in body
    assert 'href="https://webapps.ilo.org/ievaldiscovery/recommendations/16568"' in body
    assert "seen since" in text


def test_a_status_has_the_same_colour_everywhere(sites: dict[str, Site]) -> None:
    """Also where others do not occur: the darkest is completed, and nothing else."""
    assert set(re.findall(r'class="(shade-[^"]*)"', sites["shipped"].page("/"))) == {"shade-2"}
    shades = set(re.findall(r'class="(shade-[^"]*)"', sites["invented"].page("/")))
    assert shades >= {f"shade-{place}" for place in range(1, 6)}


def test_statuses_over_time(sites: dict[str, Site]) -> None:
    site = sites["invented"]
    with sqlite3.connect(site.database) as connection:
        (number,) = connection.execute("SELECT recommendation_id FROM status_changes").fetchone()
    body = site.page(f"/ieval/recommendations/{number}")
    assert "seen from 2026-11-21 to 2026-11-22" in body
    assert "seen since 2026-11-22" in body


def test_a_record_of_every_kind_opens(sites: dict[str, Site]) -> None:
    with sqlite3.connect(sites["hostile"].database) as connection:
        for table in ("recommendations", "lessons", "good_practices", "evaluations"):
            for (key,) in connection.execute(f"SELECT {EXPORTABLE[table].primary_key[0]} FROM {table}"):
                sites["hostile"].page(f"/ieval/{table}/{key}")


@pytest.mark.parametrize(
    "statement",
    [
        "delete from lessons",
        "insert into lessons(lesson_id) values (1)",
        "update lessons set description = 'x'",
        "drop table lessons",
        "create table x (y)",
        "attach database '/tmp/x.db' as x",
        "vacuum into '/tmp/x.db'",
        "pragma writable_schema = 1",
        "select load_extension('x')",
        "select writefile('/tmp/x', 'y')",
        "select readfile('/etc/passwd')",
        "with x as (select 1) delete from lessons",
        "select 1; delete from lessons",
        "explain delete from lessons; delete from lessons",
    ],
)
def test_sql_reads_and_nothing_else(sites: dict[str, Site], statement: str) -> None:
    site = sites["hostile"]
    before = site.database.read_bytes()
    for suffix in ("", ".json", ".csv"):
        status, body, _ = site.open(f"/ieval{suffix}?{urllib.parse.urlencode({'sql': statement})}")
        # A stream of CSV has begun with 200 when the query fails; then it is empty.
        assert status == 400 or (suffix == ".csv" and not body.strip()), body
    assert site.database.read_bytes() == before
    assert sorted(path.name for path in site.database.parent.glob("ieval.sqlite*")) == ["ieval.sqlite"]


def test_sql_that_does_not_end_is_stopped(sites: dict[str, Site], monkeypatch: pytest.MonkeyPatch) -> None:
    endless = "with recursive n(i) as (select 1 union all select i + 1 from n) select max(i) from n"
    status, body, _ = sites["hostile"].open(f"/ieval?_timelimit=300&{urllib.parse.urlencode({'sql': endless})}")
    assert status == 400
    assert "took too long" in body
    assert "<script" not in body


def test_sql_answers(sites: dict[str, Site]) -> None:
    query = urllib.parse.urlencode({"sql": "select lower('É') as x, count(*) as n from lessons", "_shape": "array"})
    assert json.loads(sites["hostile"].page(f"/ieval.json?{query}")) == [{"x": "é", "n": 6}]


@pytest.mark.parametrize(
    "path", ["/-/metadata", "/-/databases.json", "/-/patterns", "/-/static/table.js", "/_internal"]
)
def test_the_tools_of_datasette_are_not_there(sites: dict[str, Site], path: str) -> None:
    status, body, _ = sites["hostile"].open(path)
    assert status in (403, 404)
    assert str(sites["hostile"].database.parent) not in body


def test_errors_are_pages_like_the_others(sites: dict[str, Site], capfd: pytest.CaptureFixture[str]) -> None:
    for path in ("/nope", "/ieval/nope", "/ieval/lessons/1", "/ieval/recommendations/x", "/ieval/countries/%00"):
        status, body, headers = sites["invented"].open(path)
        assert status == 404, path
        assert "There is no such page" in body
        assert 'name="q" value=""' in body  # the reason is not something that was searched for
        assert "Invented texts: a demonstration" in body
        assert headers["content-security-policy"] == POLICY
    assert capfd.readouterr().out == ""


def test_only_this_machine_is_answered(sites: dict[str, Site]) -> None:
    assert sites["hostile"].open("/", Host="evil.example")[0] == 421
    assert sites["hostile"].open("/", Host="localhost:1")[0] == 200


def test_invented_texts_are_marked_on_every_page(sites: dict[str, Site]) -> None:
    for path in PAGES:
        assert "Invented texts: a demonstration" in sites["invented"].page(path)
        assert "Invented texts" not in sites["hostile"].page(path)
    assert "webapps.ilo.org/ievaldiscovery/recommendations/" not in sites["invented"].page(
        "/ieval/recommendation_overview?_all=1"
    )


def test_facets_narrow_down(sites: dict[str, Site]) -> None:
    site = sites["invented"]
    body = site.page("/ieval/recommendation_overview")
    with sqlite3.connect(site.database) as connection:
        (listed, year) = connection.execute(
            "SELECT countries, substr(response_date, 1, 4) FROM recommendation_overview WHERE countries LIKE '%; %'"
        ).fetchone()
        country = listed.split("; ")[0]
        (count,) = connection.execute(
            "SELECT count(*) FROM recommendation_overview WHERE '; ' || countries || '; ' LIKE '%; ' || ? || '; %'",
            [country],
        ).fetchone()
        (of_year,) = connection.execute(
            "SELECT count(*) FROM recommendations WHERE substr(response_date, 1, 4) = ?", [year]
        ).fetchone()
    for name in ("regions", "countries", "themes", "management response", "response date: year", "admin units"):
        assert f"<h2>{name}</h2>" in body
    has = urllib.parse.urlencode({"_has": f"countries:{country}"})
    assert re.search(rf"<strong>{count} rows?</strong>", site.page(f"/ieval/recommendation_overview?{has}"))
    assert f'<bdi>{year}</bdi></a> <span class="number">{of_year}</span>' in body
    narrowed = site.page(f"/ieval/recommendation_overview?response_date__startswith={year}&{has}")
    assert narrowed.count('<li class="selected">') == 2


def test_a_question_has_its_defaults_and_a_form(sites: dict[str, Site]) -> None:
    body = sites["shipped"].page("/ieval/ask-country_promises")
    assert 'name="country" type="text" value="Cambodia"' in body
    assert "In Cambodia, BFC will implement a robust roadmap" in body
    assert 'href="/ieval/recommendations/16568"' in body
    assert "No rows" in sites["shipped"].page("/ieval/ask-country_promises?country=Kenya")
    assert 'type="number" value="20"' in sites["shipped"].page("/ieval/ask-oldest_open")
    assert 'type="date" value="2020-01-01"' in sites["shipped"].page("/ieval/ask-changes")
    for name in sqlite_questions():
        sites["shipped"].page(f"/ieval/ask-{name}")
        assert sites["shipped"].page(f"/ieval/ask-{name}.csv")


def test_row_of_a_view_is_the_recommendation(sites: dict[str, Site]) -> None:
    assert "Action plan" in sites["shipped"].page("/ieval/recommendation_overview/16568")


def test_pieces() -> None:
    text = "👩‍🏫 In Cambodia and Kenya"
    start = text.index("Cambodia")
    mention = {"char_start": start, "char_end": start + 8, "name": "Cambodia", "role": "subject"}
    assert pieces(text, [mention], 0, len(text)) == [
        Piece(text[:start]),
        Piece("Cambodia", "Cambodia", "subject"),
        Piece(" and Kenya"),
    ]
    same = {**mention, "name": "Kampuchea"}
    inside = {**mention, "char_start": start + 2}
    assert [piece.countries for piece in pieces(text, [mention, same, inside], 0, len(text))] == [
        "",
        "Cambodia, Kampuchea",
        "",
    ]
    assert pieces(text, [mention], 0, 3) == [Piece(text[:3])]
    assert pieces("", [], 0, 0) == []


def test_port_in_use() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(ExploreError, match="something listens there"):
        listen("127.0.0.1", taken.getsockname()[1])
    with pytest.raises(ExploreError, match="cannot listen on 192"):
        listen("192.0.2.1", 8001)


def _start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "pipelines", *arguments],
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        cwd=PROJECT,
    )


def test_command_makes_the_export_and_ends_cleanly(shipped: Built, tmp_path: Path) -> None:
    warehouse = tmp_path / "warehouse"
    shutil.copytree(shipped.folder, warehouse, ignore=shutil.ignore_patterns("export"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for is_new in (True, False):
        process = _start("explore", "--no-open", "--warehouse", str(warehouse), "--port", str(port))
        assert process.stderr is not None
        said = ""
        while "Ctrl-C ends it" not in said:
            line = process.stderr.readline()
            assert line, said
            said += line
        assert ("exported" in said) == is_new
        site = Site(address("127.0.0.1", port), warehouse)
        for _ in range(100):
            try:
                assert "Search all texts" in site.page("/")
                break
            except urllib.error.URLError:
                time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        assert process.wait(120) in (0, 130)
        assert "Traceback" not in process.stderr.read()
    assert (warehouse / "export" / "ieval.sqlite").exists()


def test_command_without_a_warehouse(tmp_path: Path) -> None:
    done = run_ieval("explore", "--no-open", "--warehouse", tmp_path / "none", "--port", "0")
    assert done.returncode == 1
    assert "there is no warehouse at" in done.stderr


# ---- queries that would take everything


@pytest.mark.parametrize(
    "statement",
    [
        "select randomblob(900000000)",
        "select zeroblob(900000000)",
        "select hex(zeroblob(900000000))",
        "select printf('%.*c', 900000000, 'x')",
        "with n(i) as (select 1 union all select i + 1 from n limit 1000) select randomblob(40000000) from n",
        "with n(i) as (select 1 union all select i + 1 from n) select group_concat(randomblob(1000000)) from n",
        "with n(i) as (select 1 union all select i + 1 from n) select sum(length(randomblob(40000000))) from n",
        "with n(i) as (select 1 union all select i + 1 from n) select sorted_join(hex(randomblob(100000)), '') from n",
        "select regexp_replace('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!', '(a+)+$', '', 'g')",
        "select hex(zeroblob(20000000)) like '%' || hex(zeroblob(10000)) || '1'",
    ],
)
def test_a_query_that_would_take_everything_is_stopped(sites: dict[str, Site], statement: str) -> None:
    """By its time or size, and the start page answers meanwhile."""
    site = sites["hostile"]
    query = urllib.parse.urlencode({"sql": statement, "_timelimit": 3000})
    answers: list[tuple[int, str]] = []
    asked = threading.Thread(target=lambda: answers.append(site.open(f"/ieval.json?{query}")[:2]))
    started = time.monotonic()
    asked.start()
    assert site.open("/")[0] == 200
    assert time.monotonic() - started < 20
    asked.join(120)
    assert [status for status, _ in answers] == [400], answers[0][1][:500]


def test_after_an_answer_that_was_too_large_and_one_that_took_too_long_all_is_well(sites: dict[str, Site]) -> None:
    """A statement that stays open lets the next interrupt hit whatever is asked on that connection."""
    site = sites["hostile"]
    numbers = "with n(i) as (select 1 union all select i + 1 from n)"
    statements = {
        f"{numbers} select randomblob(40000000) from n limit 9": 20_000,
        f"{numbers} select max(i) from n": 300,
    }
    gc.disable()  # which would close it at some time
    try:
        for statement, milliseconds in 3 * list(statements.items()):
            query = urllib.parse.urlencode({"sql": statement, "_timelimit": milliseconds})
            assert site.open(f"/ieval.json?{query}")[0] == 400
            assert [site.open("/ieval.json?sql=select+1")[0] for _ in range(6)] == [200] * 6
    finally:
        gc.enable()


@pytest.mark.parametrize(
    "statement",
    ["select * from pragma_database_list", "select file from pragma_database_list()", "pragma database_list"],
)
def test_no_query_tells_where_the_files_are(sites: dict[str, Site], statement: str) -> None:
    for suffix in ("", ".json", ".csv"):
        _, body, _ = sites["hostile"].open(f"/ieval{suffix}?{urllib.parse.urlencode({'sql': statement})}")
        assert str(sites["hostile"].database.parent) not in body


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/", {"Site": "cross-site", "Mode": "navigate", "Dest": "document"}, 200),
        ("/ieval/lessons", {"Site": "cross-site", "Mode": "navigate"}, 200),
        ("/ieval.json?sql=select+1", {"Site": "same-origin", "Mode": "cors"}, 200),
        ("/ieval.json?sql=select+1", {"Site": "none", "Mode": "navigate"}, 200),
        ("/ieval.json?sql=select+1", {}, 200),
        ("/", {"Site": "cross-site", "Mode": "no-cors"}, 403),
        ("/", {"Site": "cross-site", "Mode": "navigate", "Dest": "iframe"}, 403),
        ("/", {"Site": "same-site", "Mode": "cors"}, 403),
        ("/ieval.json?sql=select+1", {"Site": "cross-site", "Mode": "navigate", "Dest": "document"}, 403),
        ("/ieval.csv?sql=select+1", {"Site": "cross-site", "Mode": "no-cors", "Dest": "image"}, 403),
        ("/ieval?sql=select+1&_format=json", {"Site": "cross-site", "Mode": "navigate"}, 403),
    ],
)
def test_other_sites_may_link_here_and_nothing_else(
    sites: dict[str, Site], path: str, headers: dict[str, str], status: int
) -> None:
    assert sites["hostile"].open(path, **{f"Sec-Fetch-{name}": value for name, value in headers.items()})[0] == status
