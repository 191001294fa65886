"""Maps a RecordBatch of records to a RecordBatch of places: the countries that its fields and texts name, and for what.

One nested row a page, beside the one of `records.py` that it is made of: what its locations are, the language of its
texts, its action items with their countries, and every country that a text mentions. It depends on the records and the
country vocabulary alone, so that a new name of a country lets texts be read again, but no page. What a place is filed
under in the warehouse is decided in `sql/tables` and does not belong here.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import pyarrow as pa

from pipelines.action_plan import read_action_plan
from pipelines.countries import CountryNames
from pipelines.language import language_of
from pipelines.page_keys import RECOMMENDATION
from pipelines.records import TEXT_COLUMNS, list_array, struct_of

_TEXT, _INTEGER = pa.string(), pa.int64()
_PLAN = "action_plan"

#: The lists of a page; `position` and `record_number` are those of its records.
_LISTS: dict[str, pa.StructType] = {
    "languages": struct_of(record_number=_INTEGER, language=_TEXT),
    "locations": struct_of(position=_INTEGER, scope=_TEXT, country_iso3=_TEXT, suggestion=_TEXT),
    "action_items": struct_of(
        record_number=_INTEGER,
        item_number=_INTEGER,
        paragraph_number=_INTEGER,
        marker=_TEXT,
        heading_text=_TEXT,
        item_text=_TEXT,
        scope=_TEXT,
        char_start=_INTEGER,
        char_end=_INTEGER,
    ),
    "action_item_countries": struct_of(
        record_number=_INTEGER,
        item_number=_INTEGER,
        country_iso3=_TEXT,
        evidence=_TEXT,
        mention_text=_TEXT,
        char_start=_INTEGER,
        char_end=_INTEGER,
    ),
    "country_mentions": struct_of(
        record_number=_INTEGER,
        field=_TEXT,
        char_start=_INTEGER,
        char_end=_INTEGER,
        country_iso3=_TEXT,
        mention_text=_TEXT,
        mention_kind=_TEXT,
        role=_TEXT,
    ),
}
#: One row a page, in the order of its records.
PLACE_SCHEMA: pa.Schema = pa.schema(
    [pa.field("page_id", _TEXT), *(pa.field(name, pa.list_(struct)) for name, struct in _LISTS.items())]
)

_Rows = dict[str, list[tuple[Any, ...]]]


def read_places(records: pa.RecordBatch, names: CountryNames) -> pa.RecordBatch:
    """Read records (columns of RECORD_SCHEMA) into places (columns of PLACE_SCHEMA), row by row in the same order."""
    pages: list[_Rows] = []
    for labels, blocks in zip(_items(records, "locations"), _items(records, "records"), strict=True):
        page: _Rows = {name: [] for name in _LISTS}
        page["locations"] = [(label["position"], *names.locate(label["country_label"])) for label in labels]
        for block in blocks:
            _read_texts(block, names, page)
        pages.append(page)
    arrays = [
        records["page_id"],
        *(list_array([page[name] for page in pages], type_) for name, type_ in _LISTS.items()),
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=PLACE_SCHEMA)


def _items(records: pa.RecordBatch, name: str) -> Iterator[list[dict[str, Any]]]:
    """The items of a list column, page by page."""
    column: pa.ListArray[Any] = records[name]  # type: ignore[assignment]
    flat: Iterator[Any] = iter(column.flatten().to_pylist())
    return (list(islice(flat, length)) for length in column.value_lengths().to_pylist())


def _read_texts(block: dict[str, Any], names: CountryNames, page: _Rows) -> None:
    """Add what the texts of one record say to the rows of its page."""
    number = block["record_number"]
    texts = {column: text for column in TEXT_COLUMNS[block["record_kind"]] if (text := block[column])}
    page["languages"].append((number, language_of("\n".join(texts.values()))))
    for column, text in texts.items():
        if column == _PLAN and block["record_kind"] == RECOMMENDATION:
            plan = read_action_plan(text, names)
            mentions = plan.mentions
            page["action_items"] += [(number, *item) for item in plan.items]
            page["action_item_countries"] += [(number, *country) for country in plan.countries]
        else:
            mentions = names.read_mentions(text, language_of(text))
        page["country_mentions"] += [
            (number, column, start, end, iso3, text[start:end], kind, role) for start, end, iso3, kind, role in mentions
        ]
