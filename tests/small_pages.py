"""Small made-up pages of every sort, and warehouses brought up to date with them by the functions of a run.

A page is some lines long, so that a test may read dozens of them: complete, cut before or behind its number, of the
test host, with two records, of a list, or no page at all.
"""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pytest

from pipelines import warehouse
from pipelines.pages import add_pages
from pipelines.settings import Settings
from pipelines.sources import SourcePage
from pipelines.tables import TABLES

HOST, TEST_HOST = "webapps.ilo.org", "analyticstest.ilo.org"
_GROUPS = {"recommendations": "recommendations", "lessons": "lessons_learned", "practices": "good_practices"}


class Sighting(NamedTuple):
    """A page that was seen: where, what it said, when."""

    address: str
    page: bytes
    day: datetime.datetime


def day(number: int) -> datetime.datetime:
    """A day in spring, from 1."""
    return datetime.datetime(2024, 3, 1, 6, tzinfo=datetime.UTC) + datetime.timedelta(days=number)


def address_of(number: int, kind: str = "recommendations", host: str = HOST) -> str:
    """Where a record stands on the site."""
    return f"https://{host}/ievaldiscovery/{kind}/{number}"


def block(
    number: int | None,
    kind: str = "recommendations",
    host: str = HOST,
    statuses: tuple[str, str] = ("Completed", "Achieved"),
    projects: Sequence[str] = (),
    units: Sequence[str] = ("CO-Lusaka",),
    plan: str = "In Kenya, the desks will open. Peru pays.",
    text: str = "Open the desks.",
    theme: tuple[str, str] = ("Employment", "Informal economy"),
    date: str = "2023-10-09 00:00:00.0",
) -> list[tuple[str, Sequence[str]]]:
    """The keys and values of one record; its url stands before its last key."""
    url = [("url", [address_of(number, kind, host)])] if number is not None else []
    group = (_GROUPS[kind], ())
    if kind != "recommendations":
        themes = [("themes", ()), ("theme", [theme[1]]), ("category", [theme[0]])]
        return [group, *themes, ("description", [text]), ("context", ["Seen in Togo."]), *url]
    return [
        group,
        ("date", [date]),
        ("themes", ()),
        ("theme", [theme[0]]),
        ("category", [theme[1]]),
        ("action_plan", [plan]),
        ("management_response", [statuses[0]]),
        ("progress", [statuses[1]]),
        ("admin_units", units),
        ("title", [text]),
        *([("project_symbols", projects)] if projects else []),
        *url,
        ("information_source", ["Country Office"]),
    ]


def page(
    *blocks: list[tuple[str, Sequence[str]]],
    evaluation: int | None = 1001,
    title: str = "Salt Roads - Final evaluation",
    locations: Mapping[str, str] = {"Kenya": "Africa"},
    host: str = HOST,
    cut: str | None = None,
) -> bytes:
    """A dashed page; `cut`: the page ends behind the first of these words."""
    keys: list[tuple[str, Sequence[str]]] = []
    if evaluation is not None:
        keys += [("eval_number", [str(evaluation)]), ("eval_url", [f"https://{host}/ievaldiscovery/eval/{evaluation}"])]
    keys.append(("location", ()))
    for country, region in locations.items():
        keys += [("country", [country]), ("region", [region])]
    keys.append(("eval_title", [title]))
    lines = ["Back to index", title]
    for key, values in (*keys, *(pair for each in blocks for pair in each)):
        lines += [f"- {key}:", *(f"- {value}" for value in values)]
    text = "\n".join([*lines, "Skip to top", ""])
    return (text if cut is None else text[: text.index(cut) + len(cut)]).encode()


def recommendation(number: int | None, evaluation: int | None = 1001, cut: str | None = None, **columns: Any) -> bytes:
    """A page of one recommendation."""
    of_page = {name: columns.pop(name) for name in ("title", "locations", "host") if name in columns}
    if "host" in of_page:
        columns["host"] = of_page["host"]
    return page(block(number, **columns), evaluation=evaluation, cut=cut, **of_page)


@contextlib.contextmanager
def quick() -> Iterator[pytest.MonkeyPatch]:
    """Many warehouses in a short time: no power fails, nobody reads comments, and nobody counts the rows of views."""
    from pipelines import database, lake

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(lake.os, "fsync", lambda file: None)
        patched.setattr(database, "comments", lambda *table: ())
        patched.setattr(warehouse, "count_marts", lambda database: {})
        yield patched


def store(folder: Path, *sightings: Sighting, is_stated: bool = True) -> None:
    """Keep these pages, those of one day together, without bringing the warehouse up to date."""
    days: dict[datetime.datetime, list[SourcePage]] = {}
    for address, content, moment in sightings:
        days.setdefault(moment, []).append(SourcePage(address, content))
    for moment, pages in days.items():
        add_pages(Settings(warehouse=folder).page_store, pages, moment, is_stated)


class Increments:
    """Counts the increments that were made, and allows them on a handful of pages."""

    def __init__(self, patched: pytest.MonkeyPatch, share: float = 1000.0) -> None:
        self.count = 0
        compute = warehouse.compute_increment

        def counted(*arguments: Any) -> Any:
            self.count += 1
            return compute(*arguments)

        patched.setattr(warehouse, "_MOST_AFFECTED", share)
        patched.setattr(warehouse, "compute_increment", counted)


def parquet_bytes(folder: Path) -> dict[str, bytes]:
    """The table files of a warehouse, by name."""
    files = {path.name: path.read_bytes() for path in Settings(warehouse=folder).parquet.iterdir()}
    assert set(files) == {f"{name}.parquet" for name in TABLES}
    return files


def differences(folder: Path, other: Path) -> dict[str, list[Any]]:
    """The tables in which two warehouses differ, with the rows that only one of them has; for people to look at."""
    found: dict[str, list[Any]] = {}
    ours, theirs = parquet_bytes(folder), parquet_bytes(other)
    for name in TABLES:
        if ours[f"{name}.parquet"] != theirs[f"{name}.parquet"]:
            files = [f"read_parquet('{path}/parquet/{name}.parquet')" for path in (folder, other)]
            with duckdb.connect() as connection:
                found[name] = [
                    connection.execute(f"FROM {one} EXCEPT FROM {two}").fetchall() for one, two in (files, files[::-1])
                ]
    return found


def assert_database_agrees(folder: Path) -> None:
    """The database holds the rows of the table files, no more and no less, and its views can be read."""
    with duckdb.connect(str(folder / "ieval.duckdb"), read_only=True) as connection:
        for table in TABLES.values():
            file = f"read_parquet('{folder}/parquet/{table.name}.parquet')"
            columns = ", ".join(column.name for column in table.columns)
            key = ", ".join(table.primary_key)
            query = f"SELECT {columns} FROM {{}} ORDER BY {key}"
            in_database = connection.execute(query.format(table.qualified_name)).fetchall()
            in_file = connection.execute(query.format(file)).fetchall()
            assert in_database == in_file, table.name
