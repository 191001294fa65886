"""Reads RecordBatches of records into places: locations, action items, mentions, and where each stands in its text."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from strategies import EXPECTED, PAGE_FILES, PROJECT, SHIPPED_PAGE, damaged_pages
from test_records import batch_of

from pipelines.countries import CountryNames
from pipelines.places import PLACE_SCHEMA, read_places
from pipelines.records import TEXT_COLUMNS, read_records
from pipelines.reference import read_country_names

NAMES: CountryNames = read_country_names(PROJECT / "seeds" / "reference")
Row = dict[str, Any]


def records_of(*pages: bytes) -> pa.RecordBatch:
    return read_records(batch_of([(f"{number}.txt", page) for number, page in enumerate(pages)]))


@pytest.fixture(scope="module")
def test_pages() -> pa.RecordBatch:
    return records_of(*(path.read_bytes() for path in PAGE_FILES))


def check(record_row: Row, place_row: Row) -> None:
    """What holds of the places of every page."""
    assert record_row["page_id"] == place_row["page_id"]
    assert [told["record_number"] for told in place_row["languages"]] == [
        record["record_number"] for record in record_row["records"]
    ]
    assert [place["position"] for place in place_row["locations"]] == [
        location["position"] for location in record_row["locations"]
    ]
    texts = {
        (record["record_number"], column): record[column]
        for record in record_row["records"]
        for column in TEXT_COLUMNS[record["record_kind"]]
    }
    for mention in place_row["country_mentions"]:
        text = texts[mention["record_number"], mention["field"]]
        assert text[mention["char_start"] : mention["char_end"]] == mention["mention_text"]
    for item in place_row["action_items"]:
        plan = texts[item["record_number"], "action_plan"]
        assert plan[item["char_start"] : item["char_end"]] == item["item_text"]
    items = {(item["record_number"], item["item_number"]): item for item in place_row["action_items"]}
    subjects = {
        (mention["record_number"], mention["char_start"], mention["country_iso3"])
        for mention in place_row["country_mentions"]
        if mention["field"] == "action_plan" and mention["role"] == "subject"
    }
    for country in place_row["action_item_countries"]:
        item = items[country["record_number"], country["item_number"]]
        assert item["scope"] == "country"
        plan = texts[country["record_number"], "action_plan"]
        assert plan[country["char_start"] : country["char_end"]] == country["mention_text"]
        assert (country["record_number"], country["char_start"], country["country_iso3"]) in subjects
    about_countries = {key for key, item in items.items() if item["scope"] == "country"}
    assert about_countries == {
        (country["record_number"], country["item_number"]) for country in place_row["action_item_countries"]
    }


def test_one_row_a_page_in_order(test_pages: pa.RecordBatch) -> None:
    places = read_places(test_pages, NAMES)
    assert places.schema.equals(PLACE_SCHEMA, check_metadata=True)
    places.validate(full=True)
    for record_row, place_row in zip(test_pages.to_pylist(), places.to_pylist(), strict=True):
        check(record_row, place_row)
    assert read_places(test_pages, NAMES).equals(places)


def test_a_page_has_the_same_places_wherever_it_stands(test_pages: pa.RecordBatch) -> None:
    """Batches that Parquet hands over are slices of larger ones."""
    places = read_places(test_pages, NAMES)
    for start, length in ((0, 5), (3, 1), (7, 12), (len(places) - 2, 2), (4, 0)):
        assert read_places(test_pages.slice(start, length), NAMES).equals(places.slice(start, length))


def test_no_page_gives_no_row() -> None:
    places = read_places(records_of(), NAMES)
    assert places.num_rows == 0 and places.schema.equals(PLACE_SCHEMA)


@pytest.mark.parametrize("page", EXPECTED, ids=lambda page: page["file"])
def test_locations_of_the_test_pages(page: Row) -> None:
    (row,) = read_places(records_of((PROJECT / "tests" / "pages" / page["file"]).read_bytes()), NAMES).to_pylist()
    for expected in page["records"]:
        assert [(place["position"], place["scope"], place["country_iso3"]) for place in row["locations"]] == [
            (position, location["scope"], location["country_iso3"])
            for position, location in enumerate(expected["locations"], 1)
        ]
    if not page["records"]:
        assert [row[name] for name in PLACE_SCHEMA.names if name != "page_id"] == [[]] * (len(PLACE_SCHEMA.names) - 1)


def test_an_unknown_country_has_a_suggestion_and_no_code() -> None:
    page = (PROJECT / "tests" / "pages" / "lesson_900107.txt").read_bytes()
    (row,) = read_places(records_of(page), NAMES).to_pylist()
    unknown = [place for place in row["locations"] if place["scope"] is None]
    assert [(place["country_iso3"], place["suggestion"]) for place in unknown] == [(None, "Kiribati (KIR)")]
    assert {place["suggestion"] for place in row["locations"] if place["scope"]} <= {None}


def test_the_shipped_page() -> None:
    (row,) = read_places(records_of(SHIPPED_PAGE.read_bytes()), NAMES).to_pylist()
    assert row["languages"] == [{"record_number": 1, "language": "en"}]
    assert [item["scope"] for item in row["action_items"]] == ["programme", *["country"] * 4, *["programme"] * 4]
    assert [
        (country["item_number"], country["country_iso3"], country["evidence"])
        for country in row["action_item_countries"]
    ] == [(2, "IDN", "opening"), (3, "KHM", "opening"), (4, "EGY", "opening"), (5, "ETH", "opening")]


def test_two_records_of_a_page_are_told_apart() -> None:
    page = (PROJECT / "tests" / "pages" / "recommendation_900011.txt").read_bytes()
    (row,) = read_places(records_of(page), NAMES).to_pylist()
    assert [told["record_number"] for told in row["languages"]] == [1, 2]
    numbers = [item["record_number"] for item in row["action_items"]]
    assert set(numbers) == {1, 2}
    assert numbers == sorted(numbers)
    for number in (1, 2):
        items = [item["item_number"] for item in row["action_items"] if item["record_number"] == number]
        assert items == list(range(1, len(items) + 1))


def test_only_plans_have_action_items() -> None:
    """A lesson names countries and promises nothing."""
    text = "In Kenya, the ports opened. In Peru, they did not."
    page = (PROJECT / "tests" / "pages" / "lesson_900107.txt").read_text("utf-8")
    (row,) = read_places(records_of(page.replace("There were no challenges.", text).encode()), NAMES).to_pylist()
    found = [mention["country_iso3"] for mention in row["country_mentions"] if mention["field"] == "challenges"]
    assert found == ["KEN", "PER"]
    assert row["action_items"] == row["action_item_countries"] == []


@settings(max_examples=60)
@given(damaged_pages())
def test_damaged_pages_have_places(text: str) -> None:
    records = records_of(text.encode("utf-8", "replace"))
    places = read_places(records, NAMES)
    places.validate(full=True)
    check(records.to_pylist()[0], places.to_pylist()[0])
