"""Turns the lines between a key and the next one into the key's value: one line, a list of lines, or free text.

Which lines are keys is decided in `page.py`, and so is what becomes of lines that cannot belong to the value; neither
belongs here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipelines.page_keys import BLANK, GROUP, LINE, LINES, TEXT, Layout
from pipelines.page_parts import Page, Value, new_field, new_value
from pipelines.problems import Problem


class Body:
    """The lines of a page from its first key to its footer, of which those that are not blank are counted here.

    A *position* is the number of such a line, from 0: `content[position]` is the line and `indexes[position]` its index
    among all `lines` of the page.
    """

    __slots__ = ("content", "indexes", "layout", "lines")

    def __init__(self, lines: Sequence[str], layout: Layout, first: int, end: int) -> None:
        self.lines = lines
        self.layout = layout
        self.indexes = [index for index, line in enumerate(lines[first:end], first) if line.strip(BLANK)]
        self.content = [lines[index] for index in self.indexes]

    def value_start(self, key_position: int, end: int) -> tuple[int, str]:
        """Where the value of a key begins, and its first line without the layout's mark; `end` and "" if it has none.

        It begins right below the key, or below a mark that stands alone there.
        """
        below = key_position + 1
        if below < end:
            first = self.layout.unmark(self.content[below])
            if first.strip(BLANK):
                return below, first
            if below + 1 < end:
                return below + 1, self.content[below + 1]
        return end, ""

    def value_text(self, start: int, first: str, end: int) -> str:
        """A value that begins at `start` with the line `first`, and all lines up to the position `end`: as printed."""
        if start + 1 == end:
            return first
        return "\n".join([first, *self.lines[self.indexes[start] + 1 : self.indexes[end - 1] + 1]])


@dataclass(slots=True)
class OpenField:
    """A key that stands on its line, while its value is still growing."""

    key: str
    form: str
    path: str
    position: int  # of the key's line
    values: dict[str, Value]  # where its value goes, under the key
    items: list[Value]  # where its values go, if it takes a list of them


def _read_group(page: Page, body: Body, open_field: OpenField, end: int, is_cut: bool) -> int:
    """A group has keys of its own and no value."""
    _add_key(page, body, open_field, open_field.position)
    return open_field.position + 1


def _read_text(page: Page, body: Body, open_field: OpenField, end: int, is_cut: bool) -> int:
    """Free text: as printed, less the mark of its first line and the blank lines around it."""
    start, first = body.value_start(open_field.position, end)
    if start == end:
        _add_empty(page, body, open_field, end)
        return end
    text = body.value_text(start, first, end)
    number = body.indexes[open_field.position] + 1
    value_number = body.indexes[start] + 1
    page.fields.append(new_field((number, body.indexes[end - 1] + 2 - number, open_field.path, text, value_number)))
    # A last CR is half of a line end.
    open_field.values[open_field.key] = new_value((text.removesuffix("\r") if is_cut else text, value_number))
    return end


def _read_line(page: Page, body: Body, open_field: OpenField, end: int, is_cut: bool) -> int:
    """A one-line value: as printed in the fields, without blanks at its ends as a controlled value."""
    start, text = body.value_start(open_field.position, end)
    if start == end:
        _add_empty(page, body, open_field, end)
        return end
    if text.endswith(":") and not _can_be_value(body.content[start], body.layout, is_alone=start + 1 == end):
        _add_key(page, body, open_field, open_field.position)
        return open_field.position + 1
    number = body.indexes[open_field.position] + 1
    value_number = body.indexes[start] + 1
    page.fields.append(new_field((number, value_number + 1 - number, open_field.path, text, value_number)))
    if is_cut and start + 1 == end:
        _report_cut(page, body.content[start], value_number, open_field.path)
    else:
        open_field.values[open_field.key] = new_value((text.strip(BLANK), value_number))
    return start + 1


def _read_list(page: Page, body: Body, open_field: OpenField, end: int, is_cut: bool) -> int:
    """A list of one-line values, each a field of its own; a mark alone is one without a value."""
    _add_key(page, body, open_field, open_field.position)
    start = open_field.position + 1
    for position in range(start, end):
        line, line_number = body.content[position], body.indexes[position] + 1
        is_last = position + 1 == end
        if not _can_be_value(line, body.layout, is_alone=position == start and is_last):
            return position
        path = f"{open_field.path}[{position - open_field.position}]"
        text = body.layout.unmark(line)
        value = text.strip(BLANK)
        page.fields.append(new_field((line_number, 1, path, text if value else None, line_number)))
        if is_cut and is_last:
            _report_cut(page, line, line_number, path)
        elif value:
            open_field.items.append(new_value((value, line_number)))
    return end


def _can_be_value(line: str, layout: Layout, is_alone: bool) -> bool:
    """Whether a line below a key is its value: if it looks like a key, only an unknown one with nothing else there."""
    return layout.key_like(line) is None or (is_alone and line not in layout.keys)


def _add_key(page: Page, body: Body, open_field: OpenField, last: int) -> None:
    """A key without a value of its own, on the lines from its own to that at the position `last`."""
    number = body.indexes[open_field.position] + 1
    page.fields.append(new_field((number, body.indexes[last] + 2 - number, open_field.path, None, number)))


def _add_empty(page: Page, body: Body, open_field: OpenField, end: int) -> None:
    """A key without a value. The mark below it is the line of its (empty) value; blank lines are chrome."""
    _add_key(page, body, open_field, end - 1)


def _report_cut(page: Page, line: str, line_number: int, path: str) -> None:
    page.problems.append(Problem(line_number, path, "cut_in_value", f"{line[:200]!r} is the last value of a cut page"))


#: Form of a value -> what closes a field of it whose value must lie before the position `end`, and returns the first
#: position that cannot belong to it. `is_cut`: the page ends inside the value; a controlled value is not trusted then,
#: a text kept as far as it goes.
READERS: dict[str, Callable[[Page, Body, OpenField, int, bool], int]] = {
    LINE: _read_line,
    LINES: _read_list,
    TEXT: _read_text,
    GROUP: _read_group,
}
