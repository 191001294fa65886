"""The steps in sql/staged, each on a handful of rows: who a cut page is, when a page was seen, which copy is used."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from small_warehouse import SQL
from strategies import PROJECT, SHIPPED_PAGE
from test_places import NAMES
from test_records import ADDRESS, batch_of

from pipelines.pages import SIGHTING_SCHEMA
from pipelines.places import read_places
from pipelines.records import read_records
from pipelines.sql_files import read_folder

STEPS = read_folder(SQL / "staged")
SHIPPED = SHIPPED_PAGE.read_bytes()
DAY_1, DAY_2, DAY_3 = (datetime.datetime(2024, month, 1, 6, tzinfo=datetime.UTC) for month in (3, 6, 9))
#: Where it is seen, what it says, when that is.
Sighting = tuple[str, bytes, datetime.datetime]
CUTS = (b"- progress:\n", b"/recommendations/165", b"- url:\n")


def cut(at: bytes) -> bytes:
    """The shipped page, cut behind these bytes."""
    return SHIPPED[: SHIPPED.index(at) + len(at)]


def staged(*sightings: Sighting) -> duckdb.DuckDBPyConnection:
    """A connection on which these pages are stored and read, and every step that needs nothing else is computed."""
    contents = list(dict.fromkeys(page for _, page, _ in sightings))
    pages = batch_of([("elsewhere", page) for page in contents])
    page_ids = dict(zip(contents, pages["page_id"].to_pylist(), strict=True))
    rows = [(page_ids[page], address, moment) for address, page, moment in sightings]
    columns = [
        pa.array(column, field.type) for column, field in zip(zip(*rows, strict=True), SIGHTING_SCHEMA, strict=True)
    ]
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'; CREATE SCHEMA staged")
    connection.register("sighting_rows", pa.Table.from_arrays(columns, schema=SIGHTING_SCHEMA))
    records = read_records(pages)
    connection.register("record_rows", pa.Table.from_batches([records]))
    connection.register("place_rows", pa.Table.from_batches([read_places(records, NAMES)]))
    connection.execute("CREATE TABLE staged.sightings AS FROM sighting_rows")
    connection.execute("CREATE TABLE staged.records AS FROM record_rows")
    connection.execute("CREATE TABLE staged.places AS FROM place_rows")
    for name in ("page_sources", "page_records", "record_copies", "current_copies"):
        connection.execute(f"CREATE TABLE staged.{name} AS {STEPS[name].statement}")
    return connection


def rows_of(connection: duckdb.DuckDBPyConnection, statement: str) -> list[dict[str, Any]]:
    cursor = connection.execute(statement)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]


def record_ids(*sightings: Sighting) -> list[int | None]:
    rows = rows_of(staged(*sightings), "SELECT record_id FROM staged.page_records ORDER BY page_id, record_number")
    return [row["record_id"] for row in rows]


# ---- page_records


@pytest.mark.parametrize(
    ("address", "record_id"),
    [
        (ADDRESS, 16568),
        (f"{ADDRESS}/", 16568),
        (f"{ADDRESS}?lang=en#top", 16568),
        (ADDRESS.replace("https", "http"), 16568),
        (ADDRESS.replace("https", "HTTPS").replace("webapps.ilo.org", "WebApps.ILO.org"), 16568),
        ("https://analyticstest.ilo.org/ievaldiscovery/recommendations/12731", 12731),
        ("https://webapps.ilo.org/ievaldiscovery/lessons/12731", None),  # of another kind of record
        ("https://webapps.ilo.org/ievaldiscovery/records/12731", 12731),  # of a kind that nobody knows
        ("https://webapps.ilo.org/ievaldiscovery/recommendations/1234567890123456789", None),
        ("https://webapps.ilo.org/ievaldiscovery/recommendations/123456789012345678", 123456789012345678),
        ("https://webapps.ilo.org/ievaldiscovery/recommendations/12731/more", None),
        ("https://webapps.ilo.org/ievaldiscovery/recommendations/", None),
        ("https://webapps.ilo.org/ievaldiscovery/recommendations/١٢", None),
        ("https://webapps.ilo.org/elsewhere/recommendations/16568", None),
        ("see https://webapps.ilo.org/ievaldiscovery/recommendations/16568", None),
        ("https://web apps/ievaldiscovery/recommendations/16568", None),
        ("pages/recommendation_16568.txt", None),
        ("", None),
    ],
)
@pytest.mark.parametrize("at", CUTS)
def test_a_cut_page_goes_by_the_address_it_was_read_from(at: bytes, address: str, record_id: int | None) -> None:
    assert record_ids((address, cut(at), DAY_1)) == [record_id]


@pytest.mark.parametrize(
    ("file", "kind"), [("lesson_900103.txt", "lessons"), ("recommendation_900017.txt", "recommendations")]
)
def test_the_kind_of_an_address_is_that_of_its_record(file: str, kind: str) -> None:
    page = (PROJECT / "tests" / "pages" / file).read_bytes()
    for other in ("lessons", "recommendations", "practices"):
        address = f"https://webapps.ilo.org/ievaldiscovery/{other}/77"
        assert record_ids((address, page, DAY_1)) == [77 if other == kind else None]


def test_its_own_url_goes_before_the_address() -> None:
    other = "https://webapps.ilo.org/ievaldiscovery/recommendations/1"
    assert record_ids((other, SHIPPED, DAY_1)) == [16568]
    whole_without_url = SHIPPED.replace(b"- url:\n- " + ADDRESS.encode() + b"\n", b"")
    assert record_ids((other, whole_without_url, DAY_1)) == [None]


def test_an_address_names_no_second_record() -> None:
    page_bytes = (PROJECT / "tests" / "pages" / "recommendation_900011.txt").read_bytes()
    page = page_bytes[: page_bytes.index(b"recommendations/900012") + 20]
    assert record_ids(("https://webapps.ilo.org/ievaldiscovery/recommendations/900011", page, DAY_1)) == [900011, None]


def test_of_several_addresses_the_earliest_that_names_a_record_counts() -> None:
    page = cut(CUTS[0])
    other = ADDRESS.replace("16568", "99999")
    assert record_ids(("page.txt", page, DAY_1), (other, page, DAY_2), (ADDRESS, page, DAY_3)) == [99999]
    assert record_ids((ADDRESS, page, DAY_3), (other, page, DAY_2), ("page.txt", page, DAY_1)) == [99999]
    # Of one moment, the first by name.
    assert record_ids((other, page, DAY_2), (ADDRESS, page, DAY_2)) == [16568]


# ---- page_sources


@pytest.mark.parametrize("order", [1, -1])
def test_first_and_last_sighting_of_a_page(order: int) -> None:
    sightings: Sequence[Sighting] = [
        ("c.txt", SHIPPED, DAY_2),
        ("b.txt", SHIPPED, DAY_1),
        ("a.txt", SHIPPED, DAY_1),
        ("d.txt", SHIPPED, DAY_3),
        ("e.txt", SHIPPED, DAY_3),
        ("z.txt", SHIPPED, DAY_2),
    ]
    (row,) = rows_of(staged(*sightings[::order]), "FROM staged.page_sources")
    assert (row["first_seen_at"], row["source_uri"]) == (DAY_1, "a.txt")
    assert (row["last_seen_at"], row["last_source_uri"]) == (DAY_3, "e.txt")
    assert (row["address_number"], row["address_record_kind"]) == (None, "any")


# ---- record_copies, current_copies

COMPLETE, REPAIRED, TRUNCATED = SHIPPED, SHIPPED.replace(b"throught", b"through"), cut(b"- information_source:")
TEST_HOST = SHIPPED.replace(b"webapps.ilo.org", b"analyticstest.ilo.org")
TRUNCATED_TEST_HOST = TRUNCATED.replace(b"webapps.ilo.org", b"analyticstest.ilo.org")


@pytest.mark.parametrize(
    ("best", "others"),
    [
        # complete before cut, whatever the day and the host
        (("b", COMPLETE, DAY_1), [("b", TRUNCATED, DAY_3)]),
        (("b", TEST_HOST, DAY_1), [("b", TRUNCATED, DAY_3)]),
        # the test host last
        (("b", COMPLETE, DAY_1), [("b", TEST_HOST, DAY_3), ("b", TRUNCATED, DAY_3)]),
        (("b", TRUNCATED, DAY_1), [("b", TRUNCATED_TEST_HOST, DAY_3)]),
        # then the newest: by when it was last seen
        (("b", REPAIRED, DAY_2), [("b", COMPLETE, DAY_1)]),
        (("b", COMPLETE, DAY_3), [("b", COMPLETE, DAY_1), ("b", REPAIRED, DAY_2)]),
        # then by where that was
        (("page.v2.txt", COMPLETE, DAY_2), [("page.txt", REPAIRED, DAY_2), ("z.txt", COMPLETE, DAY_1)]),
    ],
)
def test_the_best_copy_is_used(best: Sighting, others: list[Sighting]) -> None:
    for sightings in ([best, *others], [*others, best]):
        connection = staged(*sightings)
        (row,) = rows_of(connection, "FROM staged.current_copies")
        (page_id,) = batch_of([best[:2]])["page_id"].to_pylist()
        assert (row["page_id"], row["record_id"], row["record_number"]) == (page_id, 16568, 1)
        ranks = rows_of(connection, "SELECT copy_rank FROM staged.record_copies ORDER BY ALL")
        assert [rank["copy_rank"] for rank in ranks] == list(range(1, len({page for _, page, _ in sightings}) + 1))


def test_copies_without_a_number_are_no_copies() -> None:
    connection = staged(("a.txt", cut(CUTS[0]), DAY_1), ("b.txt", SHIPPED, DAY_1))
    assert len(rows_of(connection, "FROM staged.page_records")) == 2
    assert len(rows_of(connection, "FROM staged.record_copies")) == 1
