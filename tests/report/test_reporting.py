"""The report as a file: complete in itself, safe whatever pages say, the same every time, fit for any screen."""

from __future__ import annotations

import base64
import datetime
import hashlib
import re
import shutil
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path

import click
import duckdb
import pytest
from browser import Browser, open_browser
from click.testing import CliRunner
from conftest import Built

from pipelines.cli import main
from pipelines.report.reporting import write_report
from pipelines.settings import Settings

NASTY = (
    "</script></style></svg><script>alert(1)</script><img src=https://evil.example/x onerror=alert(1)>"
    "\"'{{ 7*7 }}{% raw %} \u202etxt \x07\x1b[31m\uffff " + "W" * 10_000
)


def report_of(folder: Path, to: Path) -> str:
    """The report of a warehouse, written into another folder: the warehouse is everybody's."""
    return write_report(Settings(warehouse=folder), to / "report.html").path.read_text("utf-8")


@pytest.fixture(scope="module")
def attacked(hostile: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse in which everything that a page can say is an attack."""
    folder = tmp_path_factory.mktemp("attacked")
    shutil.copy(hostile.database, folder / "ieval.duckdb")
    changes = {
        "record_themes": ["group_label", "topic_label"],
        "recommendation_admin_units": ["admin_unit_label"],
        "evaluation_locations": ["country_label", "region_label"],
        "recommendations": ["title", "management_response_label", "progress_label", "url", "comments"],
        "evaluations": ["title", "url"],
    }
    with duckdb.connect(str(folder / "ieval.duckdb")) as connection:
        connection.execute("UPDATE recommendation_admin_units SET admin_unit_code = NULL")
        connection.execute("UPDATE evaluation_locations SET country_iso3 = NULL, region_code = NULL")
        connection.execute("UPDATE recommendations SET has_status_conflict = true")
        for table, columns in changes.items():
            for column in columns:
                if (table, column) == ("evaluation_locations", "country_label"):
                    value = "? || eval_number || country_label"  # part of the key
                else:
                    value = "?"
                connection.execute(f"UPDATE {table} SET {column} = {value}", [NASTY])
    return folder


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory, build: Callable[..., object]) -> Path:
    """A warehouse of one text that is no page."""
    folder = tmp_path_factory.mktemp("empty")
    (folder / "nothing.txt").write_text("no page\n", encoding="utf-8")
    build(folder, [folder / "nothing.txt"], datetime.datetime(2026, 11, 22, tzinfo=datetime.UTC))
    return folder


@pytest.fixture(scope="module")
def folders(shipped: Built, hostile: Built, attacked: Path, empty: Path) -> dict[str, Path]:
    return {"shipped": shipped.folder, "hostile": hostile.folder, "attacked": attacked, "empty": empty}


WAREHOUSES = ("shipped", "hostile", "attacked", "empty")


class Elements(HTMLParser):
    """The elements of a page with their attributes, and the text outside of `style`."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


# ---- the file


@pytest.mark.parametrize("name", WAREHOUSES)
def test_a_page_that_loads_and_runs_nothing(name: str, folders: dict[str, Path], tmp_path: Path) -> None:
    html = report_of(folders[name], tmp_path)
    page = Elements(html)
    tags = {tag for tag, _ in page.elements}
    assert (
        tags & {"script", "img", "iframe", "object", "embed", "link", "base", "form", "audio", "video", "image"}
        == set()
    )
    for tag, attributes in page.elements:
        assert not {attribute for attribute in attributes if attribute.startswith("on")} | (
            attributes.keys() & {"style"}
        )
        if "href" in attributes:
            assert tag == "a"
            assert re.match(r"#\w+$|https://(webapps|www)\.ilo\.org/", attributes["href"] or ""), attributes
        assert not attributes.keys() & {"src", "srcset", "data", "action", "background"}
    assert len(html) < 600_000
    assert [tag for tag, _ in page.elements].count("style") == 1


@pytest.mark.parametrize("name", WAREHOUSES)
def test_the_policy_allows_the_style_sheet_and_nothing_else(
    name: str, folders: dict[str, Path], tmp_path: Path
) -> None:
    html = report_of(folders[name], tmp_path)
    (style,) = re.findall("<style>(.*?)</style>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert (
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        f"style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'\">"
    ) in html
    assert html.index("Content-Security-Policy") < html.index("<style>")


def test_what_pages_say_is_text(attacked: Path, tmp_path: Path) -> None:
    text = Elements(report_of(attacked, tmp_path)).text
    assert "</script></style></svg><script>alert(1)</script>" in text
    assert "{{ 7*7 }}" in text
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\uffff]", text)
    assert "W" * 300 not in text


@pytest.mark.parametrize("name", WAREHOUSES)
def test_the_same_warehouse_gives_the_same_bytes(name: str, folders: dict[str, Path], tmp_path: Path) -> None:
    assert report_of(folders[name], tmp_path) == report_of(folders[name], tmp_path)


def test_everything_is_said(shipped: Built, tmp_path: Path) -> None:
    html = report_of(shipped.folder, tmp_path)
    text = " ".join(Elements(html).text.split())
    for words in (
        "1 recommendation of 1 evaluation, answered in 2023.",
        "4 of 9 action items name a country: Cambodia, Egypt, Ethiopia and Indonesia, once each.",
        "n = 1 recommendation.",
        "International Labour Organization",
        "Boundaries and names imply no opinion",
    ):
        assert words in text
    for name in ("by_theme", "by_region", "by_year", "by_office", "ageing", "world", "countries", "status_pairs"):
        assert f'id="{name}"' in html
    pictures = re.findall(r"<figure>.*?</figure>", html, re.DOTALL)
    assert all('role="img"' in picture and 'aria-label="' in picture for picture in pictures)


def test_every_figure_tells_how_many_records(hostile: Built, tmp_path: Path) -> None:
    articles = re.findall(r"<article.*?</article>", report_of(hostile.folder, tmp_path), re.DOTALL)
    assert len(articles) >= 10
    for article in articles:
        assert re.search(r"n = [\d,]+ \w+", article)
        assert "<table" in article
        assert re.search(r'<p class="reading">[A-Z0-9“].*\.</p>', article)


def test_facts_for_an_asset(hostile: Built, tmp_path: Path) -> None:
    written = write_report(Settings(warehouse=hostile.folder), tmp_path / "new" / "report.html")
    assert written.path == tmp_path / "new" / "report.html"
    assert written.bytes == written.path.stat().st_size
    assert written.key_figures["recommendations"] == 14
    assert {type(value) for value in written.key_figures.values()} <= {int, float, type(None)}
    assert [path.name for path in written.path.parent.iterdir()] == ["report.html"]


def test_a_report_that_fails_leaves_the_old_one(
    hostile: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "report.html"
    target.write_text("old")
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    result = CliRunner().invoke(main, ["report", "--warehouse", str(hostile.folder), "--to", str(target)])
    assert (result.exit_code, result.stderr) == (1, f"ieval: {target} cannot be written: No space left on device\n")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    assert target.read_text() == "old"


# ---- the command


def test_command(hostile: Built, tmp_path: Path) -> None:
    shutil.copy(hostile.database, tmp_path / "ieval.duckdb")
    result = CliRunner().invoke(main, ["report", "--warehouse", str(tmp_path)])
    assert result.exit_code == 0
    assert re.fullmatch(rf"made: {re.escape(str(tmp_path))}/report\.html, \d+ kB\n", result.stdout)
    assert (tmp_path / "report.html").read_text("utf-8").startswith("<!DOCTYPE html>")


def test_the_name_of_the_file_says_what_it_is(hostile: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr("pipelines.report.browser._BROWSERS", ["chromium"])
    target = tmp_path / "report.PDF"
    result = CliRunner().invoke(main, ["report", "--warehouse", str(hostile.folder), "--to", str(target)])
    assert result.exit_code == 1
    assert "install Chromium, Google Chrome or Microsoft Edge" in result.stderr
    assert not target.exists()
    result = CliRunner().invoke(
        main, ["report", "--warehouse", str(hostile.folder), "--to", str(target), "--format", "html"]
    )
    assert (result.exit_code, target.exists()) == (0, True)


def test_opened_when_written(hostile: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []
    monkeypatch.setattr(click, "launch", lambda path: opened.append(path) or len(opened) - 1)
    command = ["report", "--warehouse", str(hostile.folder), "--to", str(tmp_path / "r.html"), "--open"]
    assert CliRunner().invoke(main, command).exit_code == 0
    assert opened == [str(tmp_path / "r.html")]
    result = CliRunner().invoke(main, command)  # and where nothing opens it
    assert (result.exit_code, "open" in result.stderr) == (1, True)


def test_no_warehouse(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["report", "--warehouse", str(tmp_path / "none")])
    assert result.exit_code == 1
    assert "there is no warehouse at" in result.stderr
    assert not (tmp_path / "none").exists()


def test_a_warehouse_of_another_version(hostile: Built, tmp_path: Path) -> None:
    shutil.copy(hostile.database, tmp_path / "ieval.duckdb")
    with duckdb.connect(str(tmp_path / "ieval.duckdb")) as connection:
        connection.execute("DROP VIEW mart.status_conflicts")
    result = CliRunner().invoke(main, ["report", "--warehouse", str(tmp_path)])
    assert result.exit_code == 1
    assert "ieval.duckdb has no answer (Catalog Error: Table with name status_conflicts" in result.stderr
    assert "`ieval run` makes it anew" in result.stderr


def test_a_place_that_cannot_be_written(hostile: Built) -> None:
    result = CliRunner().invoke(main, ["report", "--warehouse", str(hostile.folder), "--to", "/dev/null/x/report.html"])
    assert result.exit_code == 1
    assert "/dev/null/x/report.html cannot be written: Not a directory" in result.stderr


# ---- in a browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as opened:
        yield opened


def test_the_browser_would_notice(browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    wide = '<p style="width: 2000px">wide</p>'
    page.write_text(f"<!DOCTYPE html>{wide}<img src='https://evil.example/x.png'><script>nothing()</script>")
    browser.telephone()
    visit = browser.visit(page.as_uri())
    assert visit.requests == [page.as_uri(), "https://evil.example/x.png"]
    assert "nothing is not defined" in " ".join(visit.complaints)
    assert any("the page scrolls" in words for words in browser.overflow())


@pytest.mark.parametrize("screen", ["desk", "telephone"])
@pytest.mark.parametrize("name", WAREHOUSES)
def test_in_a_browser(browser: Browser, folders: dict[str, Path], name: str, screen: str, tmp_path: Path) -> None:
    written = write_report(Settings(warehouse=folders[name]), tmp_path / "report.html").path
    getattr(browser, screen)()
    visit = browser.visit(written.as_uri())
    assert visit.requests == [written.as_uri()]
    assert visit.complaints == []
    assert browser.overflow() == []
    browser.ask("document.querySelectorAll('details').forEach(details => details.open = true)")
    assert browser.overflow() == []
    shown = "[...document.querySelectorAll('figure svg')].filter(svg => svg.checkVisibility()).length"
    assert browser.ask(shown) == browser.ask("document.querySelectorAll('figure').length")
    assert browser.ask("document.scripts.length") == 0


def test_key_figures_come_first(browser: Browser, shipped: Built, tmp_path: Path) -> None:
    written = write_report(Settings(warehouse=shipped.folder), tmp_path / "report.html").path
    browser.desk()
    browser.visit(written.as_uri())
    bottom = browser.ask("document.querySelector('.keys').getBoundingClientRect().bottom")
    assert bottom < 900


def test_no_chart_text_is_cut_off(browser: Browser, hostile: Built, tmp_path: Path) -> None:
    """Labels and numbers stay inside their picture, at both widths."""
    written = write_report(Settings(warehouse=hostile.folder), tmp_path / "report.html").path
    for screen in (browser.desk, browser.telephone):
        screen()
        browser.visit(written.as_uri())
        outside = browser.ask(
            """[...document.querySelectorAll("figure svg text")].filter(text => {
                const box = text.getBoundingClientRect(), around = text.closest("svg").getBoundingClientRect();
                return box.width && (box.left < around.left - 1 || box.right > around.right + 1
                    || box.top < around.top - 1 || box.bottom > around.bottom + 1);
            }).map(text => text.textContent)"""
        )
        assert outside == []
