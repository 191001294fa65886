"""Reads RecordBatches of pages into records: the test pages to the letter, and who the records of a page are."""

from __future__ import annotations

import base64
import datetime
import hashlib
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from strategies import EXPECTED, PROJECT, SHIPPED_PAGE, damaged_pages

from pipelines.decoding import decode_page
from pipelines.problems import PROBLEM_CODES
from pipelines.records import PAGE_SCHEMA, RECORD_SCHEMA, TEXT_COLUMNS, read_records

SEEN_AT = datetime.datetime(2024, 3, 1, 6, tzinfo=datetime.UTC)
SHIPPED = SHIPPED_PAGE.read_bytes()
ADDRESS = "https://webapps.ilo.org/ievaldiscovery/recommendations/16568"
Row = dict[str, Any]


def batch_of(pages: Sequence[tuple[str, bytes]]) -> pa.RecordBatch:
    """Pages as the store keeps them: (source address, bytes)."""
    rows = []
    for source_uri, page_bytes in pages:
        text = decode_page(page_bytes)
        kept = None if text.encode() == page_bytes else base64.b64encode(page_bytes).decode()
        rows.append((hashlib.sha256(page_bytes).hexdigest(), source_uri, SEEN_AT, len(page_bytes), text, kept))
    columns = zip(*rows, strict=True) if rows else [()] * len(PAGE_SCHEMA)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, PAGE_SCHEMA, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=PAGE_SCHEMA)


def read(page_bytes: bytes) -> Row:
    records = read_records(batch_of([("page.txt", page_bytes)]))
    row: Row = records.to_pylist()[0]
    return row


def codes(row: Row) -> list[str]:
    return [problem["problem_code"] for problem in row["problems"]]


def labels(row: Row, name: str, number: int) -> list[str]:
    return [item["label"] for item in row[name] if item["record_number"] == number]


# ---- the batch


def test_one_row_a_page_in_order() -> None:
    pages = [(page["file"], (PROJECT / "tests" / "pages" / page["file"]).read_bytes()) for page in EXPECTED]
    batch = batch_of(pages)
    records = read_records(batch)
    assert records.schema.equals(RECORD_SCHEMA, check_metadata=True)
    records.validate(full=True)
    assert records["page_id"].to_pylist() == batch["page_id"].to_pylist()
    assert records.to_pylist() == [read(page_bytes) for _, page_bytes in pages]
    assert read_records(batch).equals(records)


def test_no_page_gives_no_row() -> None:
    records = read_records(batch_of([]))
    assert records.num_rows == 0 and records.schema.equals(RECORD_SCHEMA)


# ---- the test pages

STATUS_LABELS = {
    "management_response": {
        "completed": "Completed",
        "partially_completed": "Partially Completed",
        "rejected": "Rejected",
        "action_not_yet_taken": "Action not yet taken",
        "no_action_planned": "No Action Planned",
    },
    "progress": {
        "achieved": "Achieved",
        "partially_achieved": "Partially achieved",
        "no_implementation": "No implementation",
    },
    "information_source": {
        "country_office": "Country Office",
        "regional_office": "Regional Office",
        "head_quarters": "Head Quarters",
        "headquarters": "Head Quarters",
    },
}


@pytest.mark.parametrize("page", EXPECTED, ids=lambda page: page["file"])
def test_the_test_pages(page: Row) -> None:
    row = read((PROJECT / "tests" / "pages" / page["file"]).read_bytes())
    assert (row["status"], row["layout"]) == (page["status"], page["layout"])
    if page["status"] == "record":
        assert row["is_truncated"] is page["is_truncated"]
    assert len(row["records"]) == len(row["identities"]) == len(page["records"])
    records = zip(row["records"], row["identities"], page["records"], strict=True)
    for number, (record, identity, expected) in enumerate(records, 1):
        assert record["record_number"] == identity["record_number"] == number
        assert record["record_kind"] == identity["record_kind"] == expected["record_kind"]
        assert (identity["record_id"], record["url"]) == (expected["record_id"], expected["url"])
        # What it is called by then, only its address can tell.
        assert identity["goes_by_address"] == (expected["record_id"] is None)
        for name in ("eval_number", "eval_title", "eval_url"):
            assert row[name] == expected[name], name
        assert [(item["position"], item["country_label"], item["region_label"]) for item in row["locations"]] == [
            (position, item["country_label"], item["region_label"])
            for position, item in enumerate(expected["locations"], 1)
        ]
        assert [
            (theme["group_label"], theme["topic_label"]) for theme in row["themes"] if theme["record_number"] == number
        ] == [(theme["group_label"], theme["topic_label"]) for theme in expected["themes"]]
        assert {name: record[name] for name in TEXT_COLUMNS[expected["record_kind"]]} == expected["text_fields"]
        if expected["record_kind"] == "recommendation":
            check_recommendation(row, record, expected)
    for problem in page["problems_at_least"]:
        check_problem(row, problem)


def check_recommendation(row: Row, record: Row, expected: Row) -> None:
    number = record["record_number"]
    response_date = record["response_date"]
    assert (response_date and response_date.isoformat()) == expected["response_date"]
    for name, names in STATUS_LABELS.items():
        code = expected[f"{name}_code"]
        assert record[f"{name}_label"] == (names[code] if code else None)
    assert labels(row, "admin_units", number) == [
        unit["admin_unit_label"] if isinstance(unit, dict) else unit for unit in expected["admin_units"]
    ]
    assert labels(row, "project_symbols", number) == [
        symbol["project_symbol"] if isinstance(symbol, dict) else symbol for symbol in expected["project_symbols"]
    ]
    steps = [step for step in row["steps"] if step["record_number"] == number]
    assert [step["step_text"] for step in steps] == expected["steps"]
    assert all(record["title"][step["char_start"] : step["char_end"]] == step["step_text"] for step in steps)


def check_problem(row: Row, problem: Row) -> None:
    """One problem of at least this severity is on its line. Labels unknown to the vocabularies are found by SQL."""
    if "label" in problem["what"] or "unknown theme" in problem["what"] or "is not its region" in problem["what"]:
        return
    order = ["note", "warning", "error"]
    assert [
        found
        for found in row["problems"]
        if order.index(PROBLEM_CODES[found["problem_code"]][0]) >= order.index(problem["severity"])
        and (problem["line_number"] is None or found["line_number"] == problem["line_number"])
    ], (problem, row["problems"])


def test_the_shipped_page() -> None:
    row = read(SHIPPED)
    (record,) = row["records"]
    (identity,) = row["identities"]
    assert (row["eval_number"], identity["record_id"], record["response_date"]) == (
        3191,
        16568,
        datetime.date(2023, 1, 16),
    )
    assert (row["host"], row["problems"]) == ("webapps.ilo.org", [])
    assert [step["marker"] for step in row["steps"]] == ["-"] * 4
    assert sum(field["line_count"] for field in row["fields"]) + row["chrome_line_count"] == row["line_count"] == 51


# ---- identity


def shipped_with(url: str) -> bytes:
    return SHIPPED.replace(ADDRESS.encode(), url.encode())


@pytest.mark.parametrize(
    ("url", "record_id"),
    [
        (f"{ADDRESS[:-5]}7", 7),
        (f"{ADDRESS[:-5]}999999999999999999", 999999999999999999),
        (f"{ADDRESS[:-5]}1234567890123456789", None),
        (f"{ADDRESS[:-5]}{'1' * 5000}", None),
        (f"{ADDRESS}/", 16568),
        ("https://webapps.ilo.org/ievaldiscovery/recommendations/", None),
        ("not an address", None),
    ],
)
def test_the_record_id_is_the_last_number_of_its_url(url: str, record_id: int | None) -> None:
    row = read(shipped_with(url))
    (identity,) = row["identities"]
    assert (identity["record_id"], identity["goes_by_address"]) == (record_id, False)
    assert row["records"][0]["url"] == url
    assert codes(row) == ([] if record_id else ["no_record_id"])


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://webapps.ilo.org", "webapps.ilo.org"),
        ("HTTPS://WebApps.ILO.org:443", "webapps.ilo.org"),
        ("//webapps.ilo.org", "webapps.ilo.org"),
        ("https://somebody@webapps.ilo.org?a=b#c", "webapps.ilo.org"),
        ("https://[webapps.ilo.org", None),
        ("webapps.ilo.org", None),
        ("https:", None),
    ],
)
def test_a_page_is_of_the_host_that_it_names(origin: str, host: str | None) -> None:
    assert read(SHIPPED.replace(b"https://webapps.ilo.org", origin.encode()))["host"] == host


@pytest.mark.parametrize("cut", [b"- progress:\n", b"/recommendations/165", b"- url:\n"])
def test_a_page_that_is_cut_before_its_url_goes_by_its_address(cut: bytes) -> None:
    """What the address says is not on the page: `staged.page_records` looks it up, and says so where it finds none."""
    row = read(SHIPPED[: SHIPPED.index(cut) + len(cut)])
    assert row["is_truncated"] and row["records"][0]["url"] is None
    assert row["identities"] == [
        {"record_number": 1, "record_kind": "recommendation", "record_id": None, "goes_by_address": True}
    ]
    assert "no_record_id" not in codes(row)


def test_a_cut_page_that_has_its_url_does_not_go_by_its_address() -> None:
    cut = SHIPPED[: SHIPPED.index(b"- information_source:") + 9]
    (identity,) = read(cut)["identities"]
    assert (identity["record_id"], identity["goes_by_address"]) == (16568, False)


def test_a_whole_page_without_url_does_not_go_by_its_address() -> None:
    row = read(SHIPPED.replace(b"- url:\n- " + ADDRESS.encode() + b"\n", b""))
    (identity,) = row["identities"]
    assert (row["is_truncated"], identity["record_id"], identity["goes_by_address"]) == (False, None, False)
    assert codes(row) == ["no_record_id"]


def test_two_blocks_on_a_cut_page() -> None:
    page_bytes = (PROJECT / "tests" / "pages" / "recommendation_900011.txt").read_bytes()
    row = read(page_bytes[: page_bytes.index(b"recommendations/900012") + 20])
    assert [tuple(identity.values()) for identity in row["identities"]] == [
        (1, "recommendation", 900011, False),
        # The address names the page, not its second record.
        (2, "recommendation", None, False),
    ]
    assert [record["record_number"] for record in row["records"]] == [1, 2]
    assert codes(row)[-1] == "no_record_id"


# ---- values


@pytest.mark.parametrize(
    ("printed", "date"),
    [
        ("2023-01-16 00:00:00.0", datetime.date(2023, 1, 16)),
        ("2024-02-29", datetime.date(2024, 2, 29)),
        ("2023-02-29 00:00:00.0", None),
        ("16/01/2023", None),
        ("٢٠٢٣-01-16", None),
    ],
)
def test_dates(printed: str, date: datetime.date | None) -> None:
    row = read(SHIPPED.replace(b"2023-01-16 00:00:00.0", printed.encode()))
    assert row["records"][0]["response_date"] == date
    assert codes(row) == ([] if date else ["bad_date"])


@pytest.mark.parametrize("number", ["683", "1234567", "12345678901234567890", "3191a", "٣"])
def test_evaluation_numbers(number: str) -> None:
    row = read(SHIPPED.replace(b"- 3191\n", f"- {number}\n".encode()))
    is_number = number in ("683", "1234567")
    assert row["eval_number"] == (int(number) if is_number else None)
    assert codes(row) == ([] if is_number else ["bad_number"])


@pytest.mark.parametrize("marker", ["-", ".", "N/A", "n/a", "NA", "none", "not applicable", ""])
def test_an_empty_marker_alone_is_no_text(marker: str) -> None:
    page = (PROJECT / "tests" / "pages" / "lesson_900107.txt").read_text("utf-8")
    row = read(page.replace("There were no challenges.", marker).encode())
    assert row["records"][0]["challenges"] is None
    row = read(page.replace("There were no challenges.", f"{marker} kalo").encode())
    assert row["records"][0]["challenges"] == f"{marker} kalo"


def test_a_page_that_is_not_utf_8_says_so() -> None:
    row = read(SHIPPED.replace("–".encode(), b"\x96"))
    assert row["problems"][0] | {"detail": ""} == {
        "line_number": 2, "field": None, "problem_code": "not_utf8", "detail": ""
    }  # fmt: skip
    assert row["eval_title"] == read(SHIPPED)["eval_title"]


@settings(max_examples=80)
@given(damaged_pages())
def test_damaged_pages_become_rows(text: str) -> None:
    records = read_records(batch_of([("page.txt", text.encode("utf-8", "replace"))]))
    records.validate(full=True)
    row = records.to_pylist()[0]
    if row["status"] == "record":
        assert sum(field["line_count"] for field in row["fields"]) + row["chrome_line_count"] == row["line_count"]
    assert {problem["problem_code"] for problem in row["problems"]} <= PROBLEM_CODES.keys()
