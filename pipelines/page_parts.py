"""Says what a page is made of once it has been read: its fields line by line, and its values by key, block by block.

These are the results of `page.py`, which says how they come about; what their values mean does not belong here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from pipelines.problems import Problem

RECORD, LIST, REFUSED = "record", "list", "refused"
UNKNOWN = "unknown"  # the layout of a text that is no record page


class Field(NamedTuple):
    """A key with its value, or a further value of a list: the unit in which lines are accounted for.

    `line_number` is the first of its `line_count` lines (from 1), the key's line where it has one; `value_line_number`
    the first line of the value, or `line_number` where there is none. Between the two there may be blank lines, and a
    line that holds nothing but the mark of a value.
    """

    line_number: int
    line_count: int
    path: str
    value: str | None
    value_line_number: int


class Value(NamedTuple):
    """A value with the line that it begins on; None where the page is cut in it or has none."""

    text: str | None
    line_number: int | None


#: What `Field` and `Value` do with their arguments, in half of the time: a page has some fifty of them.
new_field: Callable[[tuple[int, int, str, str | None, int]], Field] = partial(tuple.__new__, Field)
new_value: Callable[[tuple[str | None, int | None]], Value] = partial(tuple.__new__, Value)

NO_VALUE = Value(None, None)


@dataclass(slots=True)
class Block:
    """One recommendation, lesson or good practice as printed: values by key, before any of them is interpreted."""

    kind: str
    values: dict[str, Value] = field(default_factory=dict)
    themes: list[dict[str, Value]] = field(default_factory=list)
    lists: dict[str, list[Value]] = field(default_factory=dict)


@dataclass(slots=True)
class Page:
    """What is on one page. `fields` hold every line but the `chrome_line_count` lines of layout and navigation."""

    status: str
    layout: str = UNKNOWN
    is_truncated: bool | None = None
    line_count: int = 0
    chrome_line_count: int = 0
    fields: list[Field] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    values: dict[str, Value] = field(default_factory=dict)
    locations: list[dict[str, Value]] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
