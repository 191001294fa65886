"""Turns the lines between a key and the next one into the key's value: one line, a list of lines, or free text.

Which lines are keys is decided in `page.py`, and so is what becomes of lines that cannot belong to the value; neither
belongs here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.page_keys import BLANK, LINE, LINES, TEXT, Layout, is_blank, next_content
from pipelines.page_parts import Field, Page, Value
from pipelines.problems import Problem


@dataclass(slots=True)
class OpenField:
    """A key that stands on its line, while its value is still growing."""

    key: str
    form: str
    path: str
    index: int  # of the key's line, from 0
    values: dict[str, Value]  # where its value goes, under the key
    items: list[Value]  # where its values go, if it takes a list of them


def read_value(page: Page, lines: Sequence[str], layout: Layout, open_field: OpenField, end: int, is_cut: bool) -> int:
    """Close a field whose value must lie before line `end`; returns the first line that cannot belong to it.

    `is_cut`: the page ends inside the value. A controlled value is not trusted then, a text kept as far as it goes.
    """
    while is_blank(lines[end - 1]):  # the key's own line is not blank
        end -= 1
    if open_field.form is LINE:
        return _read_line(page, lines, layout, open_field, end, is_cut)
    if open_field.form is TEXT:
        return _read_text(page, lines, layout, open_field, end, is_cut)
    number = open_field.index + 1
    page.fields.append(Field(number, 1, open_field.path, None, number))
    if open_field.form is LINES:
        return _read_list(page, lines, layout, open_field, end, is_cut)
    return open_field.index + 1


def first_value_line(lines: Sequence[str], layout: Layout, start: int, end: int) -> tuple[int, str]:
    """Where a value begins between two lines, the latter after its last; and its first line without the layout's mark.

    An empty value is "", at the line of a mark that stands alone, or at `end`.
    """
    start = next_content(lines, start, end)
    if start == end:
        return end, ""
    first = layout.unmark(lines[start])
    if not is_blank(first):
        return start, first
    below = next_content(lines, start + 1, end)
    return (below, lines[below]) if below < end else (start, "")


def _read_text(page: Page, lines: Sequence[str], layout: Layout, open_field: OpenField, end: int, is_cut: bool) -> int:
    """Free text: as printed, less the mark of its first line and the blank lines around it."""
    start, text = first_value_line(lines, layout, open_field.index + 1, end)
    if not text:
        _add_empty(page, open_field, start, end)
        return end
    if start + 1 < end:
        text = "\n".join([text, *lines[start + 1 : end]])
    page.fields.append(Field(open_field.index + 1, end - open_field.index, open_field.path, text, start + 1))
    # A last CR is half of a line end.
    open_field.values[open_field.key] = Value(text.removesuffix("\r") if is_cut else text, start + 1)
    return end


def _read_line(page: Page, lines: Sequence[str], layout: Layout, open_field: OpenField, end: int, is_cut: bool) -> int:
    """A one-line value: as printed in the fields, without blanks at its ends as a controlled value."""
    start, text = first_value_line(lines, layout, open_field.index + 1, end)
    if not text:
        _add_empty(page, open_field, start, end)
        return end
    number = open_field.index + 1
    if lines[start].endswith(":") and not _can_be_value(lines[start], layout, is_alone=start + 1 == end):
        page.fields.append(Field(number, 1, open_field.path, None, number))
        return number
    page.fields.append(Field(number, start - open_field.index + 1, open_field.path, text, start + 1))
    if is_cut and start + 1 == end:
        _report_cut(page, lines[start], start, open_field.path)
    else:
        open_field.values[open_field.key] = Value(text.strip(BLANK), start + 1)
    return start + 1


def _read_list(page: Page, lines: Sequence[str], layout: Layout, open_field: OpenField, end: int, is_cut: bool) -> int:
    """A list of one-line values, each a field of its own; a mark alone is one without a value."""
    start, position = open_field.index + 1, 0
    for index in range(start, end):
        line = lines[index]
        if is_blank(line):
            continue
        if not _can_be_value(line, layout, is_alone=position == 0 and index + 1 == end):
            return index
        position += 1
        path = f"{open_field.path}[{position}]"
        text = layout.unmark(line)
        value = text.strip(BLANK)
        page.fields.append(Field(index + 1, 1, path, text if value else None, index + 1))
        if is_cut and index + 1 == end:
            _report_cut(page, line, index, path)
        elif value:
            open_field.items.append(Value(value, index + 1))
    return end


def _can_be_value(line: str, layout: Layout, is_alone: bool) -> bool:
    """Whether a line below a key is its value: if it looks like a key, only an unknown one with nothing else there."""
    return layout.key_like(line) is None or (is_alone and line not in layout.keys)


def _add_empty(page: Page, open_field: OpenField, start: int, end: int) -> None:
    """A key without a value. The mark below it is the line of its (empty) value; blank lines are chrome."""
    number = open_field.index + 1
    page.fields.append(
        Field(number, (start + 1 if start < end else number) - number + 1, open_field.path, None, number)
    )


def _report_cut(page: Page, line: str, index: int, path: str) -> None:
    page.problems.append(Problem(index + 1, path, "cut_in_value", f"{line[:200]!r} is the last value of a cut page"))
