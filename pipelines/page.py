"""Turns the text of one page into its fields, each with the lines it rests on, and into the record blocks they form.

The grammar, in short. A page is chrome, a title line, keys with values, chrome. It comes in two layouts: *dashed*
(`- key:`, values starting with `- `) and *plain* (bare lines, a blank line after each nested block). Order is never
evidence: a line is a key only if it is exactly a known key of the group we are in, and inside free text only if that
key has not been printed yet. Everything else is text, or, where only a key can stand, a problem. Every line of a record
page belongs to exactly one field or is chrome, so that nothing is ever lost.

Standard library only, no disk, no clock; never raises. Which keys there are is said in `page_keys.py`, what a value
takes of the lines below its key in `page_values.py`; what values *mean* (codes, countries) does not belong here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from pipelines.page_keys import (
    BLOCK_KEYS,
    FIRST_LINES,
    FOOTER,
    GROUP,
    GROUP_OF_KIND,
    HEADER_CHROME,
    KEYS_OF_GROUP,
    KIND_OF_GROUP,
    LINE,
    LINES,
    LIST_HEADINGS,
    LOCATION_KEYS,
    PAGE_KEYS,
    PLAIN,
    TEXT,
    THEME_KEYS,
    TOP_KEYS,
    Layout,
    is_blank,
)
from pipelines.page_parts import LIST, NO_VALUE, RECORD, REFUSED, Block, Field, Page, Value
from pipelines.page_values import READERS, Body, OpenField
from pipelines.problems import Problem

#: A page has some fifty lines; what has more than this is something else, and a row for each would fill the memory.
MOST_LINES = 100_000

# The groups whose keys may come next.
_PAGE, _LOCATION, _BLOCK, _THEMES = "page", "location", "block", "themes"


def read_page(text: str) -> Page:
    """Read one page. A text that is no record page comes back with status list or refused, and a problem that says why.

    Lines end at LF or CRLF only (U+0085 and U+2028 are text); line numbers count from 1; values carry LF.
    """
    lines = text.replace("\r\n", "\n").removeprefix("\ufeff").split("\n")
    if not lines[-1]:
        del lines[-1]  # a last line end begins no further line
    if len(lines) > MOST_LINES:
        detail = f"{len(lines):,} lines; a page is read that has at most {MOST_LINES:,}"
        return Page(REFUSED, line_count=len(lines), problems=[Problem(MOST_LINES + 1, None, "too_many_lines", detail)])
    for index, line in enumerate(lines):
        layout = FIRST_LINES.get(line)
        if layout is not None:
            if _is_header(lines[:index], layout.keys[line]):
                return _Reader(lines, layout, index).read()
            break
    return _refuse(lines)


def _content(lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    """The lines that are neither blank nor the site's own, with their indexes."""
    return ((index, line) for index, line in enumerate(lines) if line not in HEADER_CHROME and not is_blank(line))


def _is_list(lines: Sequence[str]) -> bool:
    """Whether a page begins as the lists of records do: a heading, then `-`, title and text of each."""
    first_two = [line.strip() for _, line in islice(_content(lines), 2)]
    return len(first_two) == 2 and first_two[0].casefold() in LIST_HEADINGS and first_two[1] == "-"


def _is_header(lines: Sequence[str], first_key: str) -> bool:
    """Whether a known key after these lines makes a page: only below the site's own chrome, or if it is the site's."""
    return (first_key.startswith("eval_") or not HEADER_CHROME.isdisjoint(lines)) and not _is_list(lines)


def _refuse(lines: Sequence[str]) -> Page:
    index, first_line = next(_content(lines), (0, ""))
    if _is_list(lines):
        entries = sum(line.strip() == "-" for line in lines)
        problem = Problem(index + 1, None, "list_page", f"{first_line.strip()}: a list page of {entries} entries")
        return Page(LIST, line_count=len(lines), problems=[problem])
    is_cut_chrome = bool(first_line) and any(chrome.startswith(first_line) for chrome in HEADER_CHROME)
    if is_cut_chrome or not HEADER_CHROME.isdisjoint(lines):
        last = max(index for index, line in enumerate(lines) if not is_blank(line))
        problem = Problem(last + 1, None, "cut_before_first_key", "the page ends before its first key")
    else:
        detail = f"it begins: {first_line[:120]}" if first_line else "it is empty"
        problem = Problem(index + 1, None, "not_a_page", f"no key of an i-eval page; {detail}")
    return Page(REFUSED, line_count=len(lines), problems=[problem])


class _Reader:
    """Reads one page: decides of every line that is a known key whether it is one here, and opens its field.

    The state is where we are (group, block, pair), which keys have been printed there, and the field that is open.
    Lines of the body are told by their positions (see `Body`).
    """

    def __init__(self, lines: list[str], layout: Layout, first: int) -> None:
        self.lines = lines
        self.layout = layout
        self.first = first
        self.footer = next((index for index in range(len(lines) - 1, first, -1) if lines[index] == FOOTER), None)
        self.body = Body(lines, layout, first, len(lines) if self.footer is None else self.footer)
        self.end = len(self.body.content)
        #: The lines of the body that are exactly known keys, wherever they stand.
        keys = layout.keys
        self.key_positions = [(position, keys[line]) for position, line in enumerate(self.body.content) if line in keys]
        self.page = Page(RECORD, layout.name, self.footer is None, len(lines))
        self.group = _PAGE
        self.pair: dict[str, Value] | None = None  # the location or theme that is being filled
        self.block: Block | None = None
        self.block_path = ""
        self.block_counts = dict.fromkeys(GROUP_OF_KIND, 0)
        self.page_keys: set[str] = set()
        self.block_keys: list[str] = []  # in the order in which this block prints them
        self.field: OpenField

    def read(self) -> Page:
        self._read_header()
        self._open(*self.key_positions[0])
        for number, (position, key) in enumerate(self.key_positions[1:], 1):
            if self._is_key(number, position, key):
                self._close(position)
                self._open(position, key)
        if self.footer is None:
            self._close_cut()
        else:
            self._close(self.end)
            for index, line in enumerate(self.lines[self.footer + 1 :], self.footer + 1):
                if not is_blank(line):
                    self._add_unexpected(index, "text_after_footer")
        if not self.page.blocks:
            detail = "the page ends before its recommendation, lesson or practice"
            self.page.problems.append(Problem(len(self.lines), None, "no_record_block", detail))
        self._count_chrome()
        return self.page

    def _read_header(self) -> None:
        """The lines before the first key: chrome, the page's own title, and whatever else stands there."""
        page = self.page
        for index, line in _content(self.lines[: self.first]):
            if "page_title" in page.values:
                self._add_unexpected(index)
            else:
                page.fields.append(Field(index + 1, 1, "page_title", line, index + 1))
                page.values["page_title"] = Value(line.strip(" \t"), index + 1)

    def _count_chrome(self) -> None:
        """Count what no field covers, if it is chrome: a line that is neither would be missed by the check of lines."""
        uncovered: list[str] = []
        end = 0
        for field in self.page.fields:
            start = field.line_number - 1
            if end < start:
                uncovered += self.lines[end:start]
            end = start + field.line_count
        uncovered += self.lines[end:]
        self.page.chrome_line_count = sum(
            is_blank(line) or line in HEADER_CHROME or FOOTER.startswith(line.rstrip("\r")) for line in uncovered
        )

    def _add_unexpected(self, index: int, code: str = "unexpected_line") -> None:
        line = self.lines[index]
        self.page.fields.append(Field(index + 1, 1, "unexpected", line, index + 1))
        self.page.problems.append(Problem(index + 1, None, code, line[:200]))

    # ---- which lines are keys

    def _has_value(self, position: int) -> bool:
        """Whether the value of the open field has begun above this position."""
        start, _ = self.body.value_start(self.field.position, position)
        return start < position

    def _in_text(self, position: int) -> bool:
        """Whether this could be a line of a free text. Its first line is none that is known as a key."""
        return self.field.form is TEXT and self._has_value(position)

    def _is_key(self, number: int, position: int, key: str) -> bool:
        """Whether this known key is one here; if not, it is a line of the open text, or out of place."""
        if key in THEME_KEYS:
            return self.group is _THEMES
        if key in LOCATION_KEYS:
            return self.group is _LOCATION
        if key in KIND_OF_GROUP:
            is_other_kind = self.block is not None and self.block.kind != KIND_OF_GROUP[key]
            return not (is_other_kind and self._in_text(position)) and self._opens_group(position, key)
        if key == "location":
            return not (key in self.page_keys and self._in_text(position)) and self._opens_group(position, key)
        if key in PAGE_KEYS:
            return key not in self.page_keys or not (
                self._in_text(position) or self._is_filled(position, key, self.page.values)
            )
        return self._is_block_key(number, position, key)

    def _is_block_key(self, number: int, position: int, key: str) -> bool:
        block = self.block
        if block is None or self.group not in (_BLOCK, _THEMES) or key not in BLOCK_KEYS[block.kind]:
            return False
        if not self._in_text(position):
            if key not in self.block_keys or key == "themes" or self._starts_block(key):
                return True
            return not self._is_filled(position, key, block.values) and not block.lists.get(key)
        if key == "themes" and not self._opens_group(position, key):
            return False
        return key not in self.block_keys or (self._starts_block(key) and self._goes_on(number, position, key))

    def _opens_group(self, position: int, key: str) -> bool:
        """Whether what follows a group key bears it out: in a text, nothing but a key of the group itself."""
        own_keys = KEYS_OF_GROUP[key]
        below = position + 1
        if below == self.end:
            return self.footer is None or not self._in_text(position)
        line = self.body.content[below]
        next_key = self.layout.keys.get(line)
        if next_key is None:
            is_last = self.footer is None and self.body.indexes[below] + 1 == len(self.lines)
            return not self._in_text(position) or (is_last and self.layout.begins_key(line.rstrip("\r"), own_keys))
        # A key of another group would be lost by it; a group without locations loses nothing.
        return next_key in own_keys or (key == "location" and next_key in TOP_KEYS and not self._in_text(position))

    def _is_filled(self, position: int, key: str, values: dict[str, Value]) -> bool:
        """Whether a key that has been printed has a value above `position`; one that has none may be printed again."""
        return self._has_value(position) if key == self.field.key else key in values

    def _starts_block(self, key: str) -> bool:
        """Whether this is the first key of the block once more: the keys start over, under the same group key."""
        return len(self.block_keys) > 1 and key == self.block_keys[0]

    def _goes_on(self, number: int, position: int, key: str) -> bool:
        """Whether the keys go on as they did in the block: in a text, its first key alone could be a line of it."""
        if key == "themes":  # followed by a key of its own
            return True
        for _, next_key in self.key_positions[number + 1 : number + 9]:
            if next_key in self.block_keys:
                return next_key == self.block_keys[1]
        # The page is cut before it could say: after a whole record, right below the key, or in its list.
        is_list = self.block is not None and BLOCK_KEYS[self.block.kind][key] is LINES
        is_right_below = len(self.lines) - self.body.indexes[position] <= 3
        return self.footer is None and "url" in self.block_keys and (is_list or is_right_below)

    # ---- opening and closing fields

    def _open(self, position: int, key: str) -> None:
        """Begin the field of a line that is a key."""
        page = self.page
        form, items = LINE, []
        if key in LOCATION_KEYS:
            values = self._pair(page.locations, position, key)
            path = f"location[{len(page.locations)}].{key}"
        elif key in PAGE_KEYS:
            self.group = _LOCATION if key == "location" else _PAGE
            self.page_keys.add(key)
            self.pair = None
            form, path, values = PAGE_KEYS[key], key, page.values
        elif key in KIND_OF_GROUP:
            self.group = _BLOCK
            self.page_keys.add(key)
            form, values = GROUP, self._add_block(KIND_OF_GROUP[key]).values
            path = self.block_path
        else:
            assert self.block is not None
            block = self.block
            if key in THEME_KEYS:
                values = self._pair(block.themes, position, key)
                path = f"{self.block_path}.themes[{len(block.themes)}].{key}"
            else:
                if self._starts_block(key):
                    block = self._add_block(block.kind)
                if key not in self.block_keys:
                    self.block_keys.append(key)
                self.group = _THEMES if key == "themes" else _BLOCK
                self.pair = None
                form, path, values = BLOCK_KEYS[block.kind][key], f"{self.block_path}.{key}", block.values
                if form is LINES:
                    items = block.lists.setdefault(key, [])
        self.field = OpenField(key, form, path, position, values, items)

    def _pair(self, pairs: list[dict[str, Value]], position: int, key: str) -> dict[str, Value]:
        """The location or theme that this key belongs to: another one if it has the key, or after a blank line."""
        indexes = self.body.indexes
        is_apart = self.layout.name is PLAIN and indexes[position - 1] + 1 != indexes[position]
        if self.pair is None or key in self.pair or is_apart:
            self.pair = {}
            pairs.append(self.pair)
        self.pair[key] = NO_VALUE
        return self.pair

    def _add_block(self, kind: str) -> Block:
        if self.block is not None and not self.block_keys:  # a group key with nothing below it makes no record
            self.page.blocks.pop()
            self.block_counts[self.block.kind] -= 1
        self.block = Block(kind)
        self.page.blocks.append(self.block)
        self.block_keys = []
        self.block_counts[kind] += 1
        self.block_path = f"{GROUP_OF_KIND[kind]}[{self.block_counts[kind]}]"
        return self.block

    def _close(self, end: int, is_cut: bool = False) -> None:
        """End the open field above the position `end`, and report what stands there and cannot belong to it."""
        position = READERS[self.field.form](self.page, self.body, self.field, end, is_cut)
        while position < end:
            key = self.layout.key_like(self.body.content[position])
            if key is not None:
                position = self._add_unknown(position, end, key)
            else:
                self._add_unexpected(self.body.indexes[position])
                position += 1

    def _add_unknown(self, position: int, end: int, key: str) -> int:
        """A key that is unknown, repeated or out of place, with the lines below it; returns the position behind."""
        body, key_like = self.body, self.layout.key_like
        after = next((below for below in range(position + 1, end) if key_like(body.content[below]) is not None), end)
        start, begins = body.value_start(position, after)
        value = body.value_text(start, begins, after) if begins else None
        first, value_index = body.indexes[position], body.indexes[start if begins else position]
        in_block = self.group in (_BLOCK, _THEMES)
        group_path = "location." if self.group is _LOCATION else f"{self.block_path}." if in_block else ""
        path = f"{group_path}{key}"
        line_count = body.indexes[after - 1] + 1 - first
        self.page.fields.append(Field(first + 1, line_count, path, value, value_index + 1))
        is_repeated = key in self.page_keys or (in_block and key in self.block_keys)
        code = "repeated_key" if is_repeated else "unknown_key"
        self.page.problems.append(Problem(first + 1, path, code, f"{key}: {begins}"[:200].rstrip()))
        return after

    # ---- the end of a page that is cut

    def _close_cut(self) -> None:
        """End the last field of a page without a footer: say where it is cut, and trust no controlled value there."""
        field = self.field
        last = self.end - 1
        index = self.body.indexes[last]
        line = self.body.content[last].rstrip("\r")  # a last CR is half of a line end
        in_value = field.form is not GROUP and last == field.position + 1
        if last == field.position:
            self._close(self.end)
            self._report_cut(index, field.path, "cut_in_value")
        elif self._is_cut_footer(line, in_value):
            self._close(last)
            self._report_cut(index, None, "cut_in_footer")
        elif not in_value and self.layout.begins_key(line, self._next_keys(last)):
            self._close(last)
            self.page.fields.append(Field(index + 1, 1, "unexpected", self.lines[index], index + 1))
            self._report_cut(index, field.path, "cut_in_key")
        elif in_value and is_blank(self.layout.unmark(line)):
            self._close(self.end)
            self._report_cut(index, field.path, "cut_in_value")
        else:
            self._close(self.end, is_cut=True)
            if field.form is TEXT:
                self._report_cut(index, field.path, "cut_in_text")

    def _report_cut(self, index: int, path: str | None, code: str) -> None:
        self.page.problems.append(Problem(index + 1, path, code, f"the page ends with: {self.lines[index][-200:]}"))

    def _is_cut_footer(self, line: str, in_value: bool) -> bool:
        """Whether the page ends inside its footer. A letter or two of it could also be the beginning of a value."""
        if not FOOTER.startswith(line):
            return False
        if len(line) > len("Skip"):
            return True
        is_complete = self.block is not None and "url" in self.block.values and "eval_title" in self.page.values
        return not in_value and (is_complete or self.field.form in (LINE, GROUP))

    def _next_keys(self, position: int) -> set[str]:
        """The keys that could stand at this position, below the open field."""
        keys = {key for key in PAGE_KEYS if key not in self.page_keys}
        if self.group is _LOCATION:
            keys |= LOCATION_KEYS.keys()
        if self.group is _THEMES:
            keys |= THEME_KEYS.keys()
        if self.block is None or not self._in_text(position):
            keys |= KIND_OF_GROUP.keys()
        else:
            keys.add(GROUP_OF_KIND[self.block.kind])
        if self.block is not None and self.group in (_BLOCK, _THEMES):
            keys |= {
                key for key in BLOCK_KEYS[self.block.kind] if key not in self.block_keys or self._starts_block(key)
            }
        return keys
