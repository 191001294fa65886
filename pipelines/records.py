"""Maps a RecordBatch of pages to a RecordBatch of records: one nested row a page, with all its keys and values.

It depends on nothing but the bytes of a page, so its result can be thrown away and made again, on any machine, to the
same bytes. What labels mean is decided by the set-wise SQL in `sql/tables` and does not belong here, nor what is read
from running text: its language, countries and action items (`places.py`).
"""

from __future__ import annotations

import base64
import datetime
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import accumulate, chain
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa

from pipelines.bullets import read_steps
from pipelines.decoding import first_undecodable_line
from pipelines.page import read_page
from pipelines.page_keys import GOOD_PRACTICE, LESSON, RECOMMENDATION
from pipelines.page_parts import NO_VALUE, RECORD, Block, Page, Value
from pipelines.problems import Problem

#: What the page store keeps of a page (`pages.py` writes it).
_PAGE_FIELDS: list[pa.Field[Any]] = [
    pa.field("page_id", pa.string(), nullable=False),
    pa.field("source_uri", pa.string(), nullable=False),
    pa.field("first_seen_at", pa.timestamp("us", tz="UTC"), nullable=False),
    pa.field("byte_size", pa.int64(), nullable=False),
    pa.field("page_text", pa.string(), nullable=False),
    pa.field("page_bytes_base64", pa.string()),
]
PAGE_SCHEMA = pa.schema(_PAGE_FIELDS)

_TEXT, _INTEGER, _BOOLEAN, _DATE = pa.string(), pa.int64(), pa.bool_(), pa.date32()
#: Columns of free text, in the words of the tables, by kind of record. A lesson prints its target users as `comments`.
TEXT_COLUMNS = {
    RECOMMENDATION: ("title", "action_plan", "comments"),
    LESSON: ("description", "context", "challenges", "success", "administrative_issues", "target_users"),
    GOOD_PRACTICE: ("description", "context", "cause_effect", "replication", "indicators", "links"),
}
_ALL_TEXT_COLUMNS = tuple(dict.fromkeys(chain.from_iterable(TEXT_COLUMNS.values())))
_PRINTED_AS = {(LESSON, "target_users"): "comments"}
_LABEL_KEYS = ("management_response", "progress", "information_source")


def struct_of(**fields: pa.DataType) -> pa.StructType:
    """A struct of nullable fields, for the lists of a page."""
    return pa.struct([pa.field(name, type_) for name, type_ in fields.items()])


#: The lists of a record page; `record_number` counts the records of the page from 1.
_LISTS: dict[str, pa.StructType] = {
    "fields": struct_of(line_number=_INTEGER, line_count=_INTEGER, path=_TEXT, value=_TEXT, value_line_number=_INTEGER),
    "problems": struct_of(line_number=_INTEGER, field=_TEXT, problem_code=_TEXT, detail=_TEXT),
    "locations": struct_of(
        position=_INTEGER,
        country_label=_TEXT,
        country_line=_INTEGER,
        region_label=_TEXT,
        region_line=_INTEGER,
    ),
    # Who the records of the page are, apart from what they say: looked through for every copy of every record.
    "identities": struct_of(record_number=_INTEGER, record_kind=_TEXT, record_id=_INTEGER, goes_by_address=_BOOLEAN),
    "records": struct_of(
        record_number=_INTEGER,
        record_kind=_TEXT,
        url=_TEXT,
        response_date=_DATE,
        **{f"{name}_{part}": type_ for name in _LABEL_KEYS for part, type_ in (("label", _TEXT), ("line", _INTEGER))},
        **dict.fromkeys(_ALL_TEXT_COLUMNS, _TEXT),
    ),
    "themes": struct_of(
        record_number=_INTEGER, position=_INTEGER, group_label=_TEXT, topic_label=_TEXT, line_number=_INTEGER
    ),
    "admin_units": struct_of(record_number=_INTEGER, position=_INTEGER, label=_TEXT, line_number=_INTEGER),
    "project_symbols": struct_of(record_number=_INTEGER, position=_INTEGER, label=_TEXT, line_number=_INTEGER),
    "steps": struct_of(
        record_number=_INTEGER,
        step_number=_INTEGER,
        marker=_TEXT,
        step_text=_TEXT,
        char_start=_INTEGER,
        char_end=_INTEGER,
    ),
}
_SCALARS: dict[str, pa.DataType] = {
    "page_id": _TEXT,
    "status": _TEXT,
    "layout": _TEXT,
    "host": _TEXT,
    "is_truncated": _BOOLEAN,
    "line_count": _INTEGER,
    "chrome_line_count": _INTEGER,
    "eval_number": _INTEGER,
    "eval_title": _TEXT,
    "eval_url": _TEXT,
}
#: One row a page.
RECORD_SCHEMA: pa.Schema = pa.schema(
    [
        *(pa.field(name, type_) for name, type_ in _SCALARS.items()),
        *(pa.field(name, pa.list_(struct)) for name, struct in _LISTS.items()),
    ]
)

_EMPTY = {"-", ".", "n/a", "na", "none", "not applicable"}
_LONGEST_EMPTY = max(map(len, _EMPTY))
_DATE_FORM = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?: \d{2}:\d{2}:\d{2}(?:\.\d+)?)?")
_NUMBER = re.compile(r"\d+", re.ASCII)
_MOST_DIGITS = 18  # what a 64-bit integer surely holds


def read_records(pages: pa.RecordBatch) -> pa.RecordBatch:
    """Read pages (columns of PAGE_SCHEMA) into records (columns of RECORD_SCHEMA), row by row in the same order."""
    columns = (pages[name].to_pylist() for name in ("page_id", "page_text", "page_bytes_base64"))
    rows = [_read_row(*row) for row in zip(*columns, strict=True)]
    scalars = zip(*(row[0] for row in rows), strict=True) if rows else [()] * len(_SCALARS)
    arrays = [pa.array(values, type_) for values, type_ in zip(scalars, _SCALARS.values(), strict=True)]
    arrays += [list_array([row[1][name] for row in rows], struct) for name, struct in _LISTS.items()]
    return pa.RecordBatch.from_arrays(arrays, schema=RECORD_SCHEMA)


def list_array(rows: Sequence[Sequence[tuple[Any, ...]]], struct: pa.StructType) -> pa.Array[Any]:
    """Lists of structs from lists of tuples, column by column: many times faster than from dicts."""
    offsets = pa.array([0, *accumulate(map(len, rows))], pa.int32())
    flat = list(chain.from_iterable(rows))
    columns: Iterable[Sequence[Any]] = zip(*flat, strict=True) if flat else [()] * struct.num_fields
    fields = [struct.field(i) for i in range(struct.num_fields)]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, fields, strict=True)]
    return pa.ListArray.from_arrays(offsets, pa.StructArray.from_arrays(arrays, fields=fields))


def _read_row(
    page_id: str, page_text: str, page_bytes: str | None
) -> tuple[tuple[Any, ...], dict[str, list[tuple[Any, ...]]]]:
    page = read_page(page_text)
    problems = list(page.problems)
    lists: dict[str, list[tuple[Any, ...]]] = {name: [] for name in _LISTS}
    if page_bytes is not None:
        line = first_undecodable_line(base64.b64decode(page_bytes))
        problems.insert(0, Problem(line, None, "not_utf8", "the page is not UTF-8; its bytes are kept in raw.pages"))
    eval_number = eval_title = eval_url = None
    if page.status == RECORD:
        eval_number = _number(page.values.get("eval_number"), "eval_number", problems)
        eval_title = page.values.get("eval_title", page.values.get("page_title", NO_VALUE)).text
        eval_url = page.values.get("eval_url", NO_VALUE).text
        lists["locations"] = _locations(page, problems)
        for record_number, block in enumerate(page.blocks, 1):
            _read_block(record_number, block, page, problems, lists)
    lists["fields"] = list(page.fields)
    lists["problems"] = list(problems)
    host = _host(page)
    return (
        page_id,
        page.status,
        page.layout,
        host,
        page.is_truncated,
        page.line_count,
        page.chrome_line_count,
        eval_number,
        eval_title,
        eval_url,
    ), lists


def _host(page: Page) -> str | None:
    """The host that the page names itself by: of its evaluation, else of its first record."""
    urls = [page.values.get("eval_url", NO_VALUE).text]
    urls += [block.values["url"].text for block in page.blocks if "url" in block.values]
    for url in urls:
        if url:
            return _host_of("/".join(url.split("/", 3)[:3]))  # without its path: of such there are few
    return None


@lru_cache
def _host_of(origin: str) -> str | None:
    try:
        return urlsplit(origin).hostname
    except ValueError:  # brackets that are no IPv6 address
        return None


def _number(value: Value | None, path: str, problems: list[Problem]) -> int | None:
    if value is None or value.text is None:
        return None
    if value.text.isascii() and value.text.isdigit() and len(value.text) <= _MOST_DIGITS:
        return int(value.text)
    problems.append(Problem(value.line_number, path, "bad_number", value.text[:200]))
    return None


def _locations(page: Page, problems: list[Problem]) -> list[tuple[Any, ...]]:
    """The locations of a page: a set, so a label that is printed twice counts once."""
    rows: dict[str, tuple[Any, ...]] = {}
    for pair in page.locations:
        country, region = pair.get("country", NO_VALUE), pair.get("region", NO_VALUE)
        if not country.text:
            if region.text:
                problems.append(Problem(region.line_number, "location", "location_without_country", region.text[:200]))
            continue
        if country.text not in rows:
            region_label = region.text or None
            rows[country.text] = (
                len(rows) + 1,
                country.text,
                country.line_number,
                region_label,
                region.line_number,
            )
    return list(rows.values())


def _read_block(
    record_number: int,
    block: Block,
    page: Page,
    problems: list[Problem],
    lists: dict[str, list[tuple[Any, ...]]],
) -> None:
    texts = {
        column: _text(block.values.get(_PRINTED_AS.get((block.kind, column), column)))
        for column in TEXT_COLUMNS[block.kind]
    }
    url = block.values.get("url", NO_VALUE)
    labels = [block.values.get(key, NO_VALUE) for key in _LABEL_KEYS]
    # Cut before its url, the only record of a page may be known by the address that the page was read from.
    goes_by_address = bool(not url.text and page.is_truncated and len(page.blocks) == 1)
    record_id = None if goes_by_address else _record_id(record_number, url, problems)
    lists["identities"].append((record_number, block.kind, record_id, goes_by_address))
    lists["records"].append(
        (
            record_number,
            block.kind,
            url.text,
            _date(block.values.get("date"), problems),
            *chain.from_iterable((label.text or None, label.line_number) for label in labels),
            *(texts.get(column) for column in _ALL_TEXT_COLUMNS),
        )
    )
    for position, pair in enumerate(block.themes, 1):
        theme, category = pair.get("theme", NO_VALUE), pair.get("category", NO_VALUE)
        group, topic = (theme, category) if block.kind == RECOMMENDATION else (category, theme)
        if group.text or topic.text:
            line = topic.line_number or group.line_number
            lists["themes"].append((record_number, position, group.text or None, topic.text or None, line))
    for key in ("admin_units", "project_symbols"):
        for position, value in enumerate(block.lists.get(key, ()), 1):
            lists[key].append((record_number, position, *value))
    if texts.get("title"):
        lists["steps"] += [(record_number, *step) for step in read_steps(texts["title"] or "")]


def _text(value: Value | None) -> str | None:
    """A free text, or NULL where an empty marker (`-`, `N/A` …) stands alone in it."""
    if value is None or value.text is None:
        return None
    stripped = value.text.strip()
    return None if len(stripped) <= _LONGEST_EMPTY and stripped.casefold() in _EMPTY else value.text


def _date(value: Value | None, problems: list[Problem]) -> datetime.date | None:
    if value is None or not value.text:
        return None
    match = _DATE_FORM.fullmatch(value.text)
    try:
        if match and match[0].isascii():
            return datetime.date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:  # the 31st of a short month
        pass
    problems.append(Problem(value.line_number, "date", "bad_date", value.text[:200]))
    return None


def _record_id(record_number: int, url: Value, problems: list[Problem]) -> int | None:
    """The last number of the record's own complete url."""
    numbers = _NUMBER.findall(url.text or "")
    if numbers and len(numbers[-1]) <= _MOST_DIGITS:
        return int(numbers[-1])
    detail = url.text or f"record {record_number} of the page has no complete url"
    problems.append(Problem(url.line_number, "url", "no_record_id", detail[:200]))
    return None
