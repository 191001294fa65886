"""Turns the text of one page into its fields, each with the lines it rests on, and into the record blocks they form.

The grammar, in short. A page is chrome, a title line, keys with values, chrome. It comes in two layouts: *dashed*
(`- key:`, values starting with `- `) and *plain* (bare lines, a blank line after each nested block). Order is never
evidence: a line is a key only if it is exactly a known key of the group we are in, and inside free text only if that
key has not been filled yet. Everything else is text, or, where only a key can stand, a problem. Every line of a record
page belongs to exactly one field or is chrome, so that nothing is ever lost.

Standard library only, no disk, no clock; never raises. What values *mean* (codes, countries) does not belong here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from pipelines.problems import Problem

RECORD, LIST, REFUSED = "record", "list", "refused"
DASHED, PLAIN, UNKNOWN = "dashed", "plain", "unknown"
RECOMMENDATION, LESSON, GOOD_PRACTICE = "recommendation", "lesson", "good_practice"

FOOTER = "Skip to top"
_HEADER_CHROME = {"Go to ILO main website", "Back to index"}
_BLANK = " \t\r\n"
_LIST_HEADINGS = {"recommendations", "lessons learned", "lessons", "good practices", "emerging good practices"}

# What the value of a key looks like: one line, a list of one-line values, free text, or keys of its own.
_LINE, _LINES, _TEXT, _GROUP = "line", "lines", "text", "group"

_PAGE_KEYS = {"eval_number": _LINE, "eval_url": _LINE, "eval_title": _LINE, "location": _GROUP}
_LOCATION_KEYS = {"country": _LINE, "region": _LINE}
_THEME_KEYS = {"theme": _LINE, "category": _LINE}
_BLOCK_KEYS = {
    RECOMMENDATION: {
        "date": _LINE,
        "themes": _GROUP,
        "comments": _TEXT,
        "action_plan": _TEXT,
        "management_response": _LINE,
        "progress": _LINE,
        "admin_units": _LINES,
        "title": _TEXT,
        "project_symbols": _LINES,
        "url": _LINE,
        "information_source": _LINE,
    },
    LESSON: {
        "themes": _GROUP,
        "comments": _TEXT,
        "challenges": _TEXT,
        "success": _TEXT,
        "context": _TEXT,
        "description": _TEXT,
        "administrative_issues": _TEXT,
        "url": _LINE,
    },
    GOOD_PRACTICE: {
        "replication": _TEXT,
        "cause_effect": _TEXT,
        "themes": _GROUP,
        "context": _TEXT,
        "description": _TEXT,
        "links": _TEXT,
        "indicators": _TEXT,
        "url": _LINE,
    },
}
#: Group key -> kind of the record blocks below it.
_BLOCK_GROUPS = {"recommendations": RECOMMENDATION, "lessons_learned": LESSON, "good_practices": GOOD_PRACTICE}
_GROUP_OF_KIND = {kind: key for key, kind in _BLOCK_GROUPS.items()}
#: The keys that may follow a group key at once; one of them must, for the group key to be no line of a text.
_FIRST_KEYS = {
    "location": _LOCATION_KEYS,
    "themes": _THEME_KEYS,
    **{key: _BLOCK_KEYS[kind] for key, kind in _BLOCK_GROUPS.items()},
}
_TOP_KEYS = [*_PAGE_KEYS, *_BLOCK_GROUPS]
_ALL_KEYS = sorted({*_TOP_KEYS, *(key for keys in _FIRST_KEYS.values() for key in keys)})


class Field(NamedTuple):
    """A key with its value, or a further value of a list: the unit in which lines are accounted for.

    `line_number` is the first of its `line_count` lines (from 1), the key's line where it has one; `value_line_number`
    the first line of the value, or `line_number` where there is none.
    """

    line_number: int
    line_count: int
    path: str
    value: str | None
    value_line_number: int


class Value(NamedTuple):
    """A controlled value with the line that it stands on; None where the page is cut in it or has none."""

    text: str | None
    line_number: int | None


NO_VALUE = Value(None, None)


@dataclass(slots=True)
class Block:
    """One recommendation, lesson or good practice as printed: values by key, before any of them is interpreted."""

    kind: str
    values: dict[str, Value] = field(default_factory=dict)
    themes: list[dict[str, Value]] = field(default_factory=list)
    lists: dict[str, list[Value]] = field(default_factory=dict)
    first_key: str | None = None


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


class _Layout(NamedTuple):
    name: str
    mark: str  # what a key line and the first line of a value begin with
    key: re.Pattern[str]
    any_key: re.Pattern[str]  # the shape of a key, known or not


def _layout(name: str, mark: str) -> _Layout:
    return _Layout(
        name,
        mark,
        re.compile(rf"^{mark}({'|'.join(_ALL_KEYS)}):$", re.MULTILINE),
        re.compile(rf"{mark}([a-z][a-z0-9_]*):"),
    )


_LAYOUTS = {DASHED: _layout(DASHED, "- "), PLAIN: _layout(PLAIN, "")}
_TOP_KEY = re.compile(rf"^(- |)({'|'.join(_TOP_KEYS)}):$", re.MULTILINE)


def read_page(text: str) -> Page:
    """Read one page. A text that is no record page comes back with status list or refused, and a problem that says why.

    Lines end at LF or CRLF only (U+0085 and U+2028 are text); line numbers count from 1; values carry LF.
    """
    text = text.replace("\r\n", "\n").removeprefix("\ufeff")
    first_key = _TOP_KEY.search(text)
    if first_key is None or not _is_header(text[: first_key.start()], first_key[2]):
        return _refuse(text)
    return _Reader(text, _LAYOUTS[DASHED if first_key[1] else PLAIN], first_key.start()).read()


def _is_header(header: str, first_key: str) -> bool:
    """Whether a known key after these lines makes a page: only below the site's own chrome, or if it is the site's."""
    return first_key.startswith("eval_") or not _HEADER_CHROME.isdisjoint(header.split("\n"))


def _count_lines(text: str) -> int:
    """Lines as an editor counts them: a last line end begins no further line."""
    return text.count("\n") + (not text.endswith("\n")) if text else 0


def _refuse(text: str) -> Page:
    lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip(_BLANK)]
    content = [(number, line) for number, line in lines if line not in _HEADER_CHROME]
    line_count = _count_lines(text)
    if len(content) > 1 and content[0][1].strip().casefold() in _LIST_HEADINGS and content[1][1].strip() == "-":
        entries = sum(line.strip() == "-" for _, line in content)
        problem = Problem(
            content[0][0], None, "list_page", f"{content[0][1].strip()}: a list page of {entries} entries"
        )
        return Page(LIST, line_count=line_count, problems=[problem])
    if len(content) < len(lines):
        problem = Problem(lines[-1][0], None, "cut_before_first_key", "the page ends before its first key")
    else:
        first_line = f"it begins: {lines[0][1][:120]}" if lines else "it is empty"
        problem = Problem(lines[0][0] if lines else 1, None, "not_a_page", f"no key of an i-eval page; {first_line}")
    return Page(REFUSED, line_count=line_count, problems=[problem])


class _Reader:
    """The state of reading one page: where we are (scope, block), and the field whose value is still growing."""

    def __init__(self, text: str, layout: _Layout, header_end: int) -> None:
        self.text = text
        self.layout = layout
        self.page = Page(RECORD, layout.name, line_count=_count_lines(text))
        self.scope = "page"  # page, location, block or themes: the group whose keys may come next
        self.block: Block | None = None
        self.block_path = ""
        self.seen_page: set[str] = set()
        self.seen_block: set[str] = set()
        self.pair: dict[str, Value] | None = None  # the location or theme that is being filled
        self.block_counts: dict[str, int] = {}
        # the open field
        self.key = ""
        self.mode = _GROUP
        self.path = ""
        self.key_line = 0
        self.value_start = header_end
        self.value_line = 0  # the line at value_start

    def read(self) -> Page:
        page, text = self.page, self.text
        body_end, tail_line = self._find_footer()
        self._read_header(text[: self.value_start])
        self.value_line = len(text[: self.value_start].split("\n"))
        for match in self.layout.key.finditer(text, self.value_start, body_end):
            key, start = match[1], match.start()
            # The growing value must be known to decide whether an exact key inside it is text.
            if self.key_line and self._is_text(key, match.end()):
                continue
            next_line = self.value_line + text.count("\n", self.value_start, start)
            if self.key_line:
                self._close(text[self.value_start : max(self.value_start, start - 1)])
            self._open(key, next_line, match.end(), self._after_blank_line(start))
        tail = text[self.value_start : body_end].removesuffix("\n")
        if page.is_truncated:
            self._close_cut(tail)
        else:
            self._close(tail)
        if tail_line is not None:
            self._read_after_footer(tail_line)
        if not page.blocks:
            last_line = page.line_count or None
            page.problems.append(
                Problem(
                    last_line, None, "no_record_block", "the page ends before its recommendation, lesson or practice"
                )
            )
        self._account()
        return page

    def _account(self) -> None:
        """Count the chrome: what no field covers. A line there that is not chrome would be lost, so it is reported."""
        page = self.page
        lines = self.text.split("\n")
        covered = 1  # the first line that no field has covered yet
        for line_number, line_count, *_ in sorted(page.fields):
            for number in range(covered, line_number):
                self._account_line(number, lines[number - 1])
            covered = line_number + line_count
        for number in range(covered, page.line_count + 1):
            self._account_line(number, lines[number - 1])
        page.fields.sort()

    def _account_line(self, number: int, line: str) -> None:
        is_footer = bool(line) and FOOTER.startswith(line) and number >= self.value_line
        if not line.strip(_BLANK) or line in _HEADER_CHROME or is_footer:
            self.page.chrome_line_count += 1
        else:
            self._unexpected(number, line)

    # ---- header and footer

    def _find_footer(self) -> tuple[int, int | None]:
        """Return where the body ends, and the line of the first line after the footer (None without a footer)."""
        text = self.text
        end = len(text)
        position = text.rfind(f"\n{FOOTER}")
        while position >= 0:
            after = position + 1 + len(FOOTER)
            if after == end or text[after] == "\n":
                self.page.is_truncated = False
                return position + 1, text.count("\n", 0, position + 1) + 2
            position = text.rfind(f"\n{FOOTER}", 0, position)
        self.page.is_truncated = True
        return end, None

    def _read_header(self, header: str) -> None:
        """The lines before the first key: chrome, the page's own title, and whatever else stands there."""
        title: str | None = None
        for number, line in enumerate(header.removesuffix("\n").split("\n"), 1):
            if not line.strip(_BLANK) or line in _HEADER_CHROME:
                continue
            if title is None:
                title = line
                self.page.fields.append(Field(number, 1, "page_title", line, number))
                self.page.values["page_title"] = Value(line.strip(" \t"), number)
            else:
                self._unexpected(number, line)

    def _read_after_footer(self, tail_line: int) -> None:
        lines = self.text.split("\n")
        for number, line in enumerate(lines[tail_line - 1 :], tail_line):
            if line.strip(_BLANK):
                self._unexpected(number, line, "text_after_footer")

    def _unexpected(self, number: int, line: str, code: str = "unexpected_line") -> None:
        self.page.fields.append(Field(number, 1, "unexpected", line, number))
        self.page.problems.append(Problem(number, None, code, line[:200]))

    # ---- keys

    def _after_blank_line(self, start: int) -> bool:
        """Whether the line above is blank, which closes a nested block in the plain layout."""
        return self.text.startswith("\n\n", start - 2)

    def _is_text(self, key: str, end: int) -> bool:
        """Whether this exact key is a line of the growing value, or, where no text can be, one that is out of place."""
        if key in _THEME_KEYS:
            return self.scope != "themes"
        if key in _LOCATION_KEYS:
            return self.scope != "location"
        in_text = self.mode is _TEXT
        if key in _BLOCK_GROUPS:
            other_kind = self.block is not None and self.block.kind != _BLOCK_GROUPS[key]
            return (in_text and other_kind) or not self._is_followed_by_own_key(key, end)
        if key == "location":
            return (in_text and key in self.seen_page) or not self._is_followed_by_own_key(key, end)
        if key in _PAGE_KEYS:
            return key in self.seen_page
        block = self.block
        if block is None or self.scope not in ("block", "themes") or key not in _BLOCK_KEYS[block.kind]:
            return True
        if key == "themes" and not self._is_followed_by_own_key(key, end):
            return True
        if key not in self.seen_block:
            return False
        # A key that its block has already: the next block starts over, or a second themes group; never inside a text.
        return in_text or not (key == block.first_key or key == "themes")

    def _is_followed_by_own_key(self, key: str, end: int) -> bool:
        """Whether the next line is a key of this group; nothing but the end of the page may stand there instead."""
        text = self.text
        while text.startswith("\n", end):
            end += 1
        match = self.layout.key.match(text, end)
        if match:
            return match[1] in _FIRST_KEYS[key]
        rest = text[end : end + 40]
        if rest == FOOTER or not rest:
            return True
        # A page cut inside the key that would follow.
        return "\n" not in rest and any(f"{self.layout.mark}{k}:".startswith(rest) for k in _FIRST_KEYS[key])

    def _open(self, key: str, line_number: int, end: int, after_blank_line: bool) -> None:
        """Begin the field of a key that has been accepted."""
        page = self.page
        self.key, self.key_line = key, line_number
        self.value_start = min(end + 1, len(self.text))
        self.value_line = line_number + 1
        if key in _BLOCK_GROUPS:
            self._open_block(_BLOCK_GROUPS[key])
            self.scope, self.mode, self.path = "block", _GROUP, self.block_path
        elif key == "location":
            self.scope, self.mode, self.path = "location", _GROUP, "location"
            self.seen_page.add(key)
            self.pair = None
        elif key in _PAGE_KEYS:
            self.scope, self.mode, self.path = "page", _LINE, key
            self.seen_page.add(key)
        elif key in _LOCATION_KEYS:
            if self.pair is None or key in self.pair or (after_blank_line and self.layout.name is PLAIN):
                self.pair = {}
                page.locations.append(self.pair)
            self.pair[key] = NO_VALUE
            self.mode, self.path = _LINE, f"location[{len(page.locations)}].{key}"
        elif key in _THEME_KEYS:
            assert self.block is not None
            if self.pair is None or key in self.pair or (after_blank_line and self.layout.name is PLAIN):
                self.pair = {}
                self.block.themes.append(self.pair)
            self.pair[key] = NO_VALUE
            self.mode, self.path = _LINE, f"{self.block_path}.themes[{len(self.block.themes)}].{key}"
        else:
            assert self.block is not None
            if key in self.seen_block and key == self.block.first_key:
                self._open_block(self.block.kind)
            block = self.block
            if block.first_key is None:
                block.first_key = key
            self.seen_block.add(key)
            self.mode, self.path = _BLOCK_KEYS[block.kind][key], f"{self.block_path}.{key}"
            if key == "themes":
                self.scope, self.pair = "themes", None
            else:
                self.scope = "block"

    def _open_block(self, kind: str) -> None:
        self.block = Block(kind)
        self.page.blocks.append(self.block)
        self.seen_block = set()
        self.block_counts[kind] = number = self.block_counts.get(kind, 0) + 1
        self.block_path = f"{_GROUP_OF_KIND[kind]}[{number}]"

    # ---- values

    def _close(self, raw: str, cut: bool = False) -> None:
        """End the open field: `raw` is what stands between its key and the next. `cut`: the page ends inside it."""
        if self.mode is _TEXT:
            self._close_text(raw)
        else:
            self._close_lines(raw, cut)

    def _close_text(self, raw: str) -> None:
        """Free text: as printed, less the mark of its first line and the blank lines around it."""
        value = self._unmark(raw)
        first = value.rfind("\n", 0, len(value) - len(value.lstrip(_BLANK))) + 1
        last = value.find("\n", len(value.rstrip(_BLANK)))
        line_number = self.value_line + value.count("\n", 0, first)
        value = value[first:] if last < 0 else value[first:last]
        if not value.strip(_BLANK):
            self._add_empty(raw)
            return
        line_count = line_number + value.count("\n") + 1 - self.key_line
        self.page.fields.append(Field(self.key_line, line_count, self.path, value, line_number))
        assert self.block is not None
        self.block.values[self.key] = Value(value, line_number)

    def _add_empty(self, raw: str) -> None:
        """A key without a value. A lone mark below it is the line of its (empty) value; blank lines are chrome."""
        mark_line = len(raw) - len(raw.lstrip(_BLANK))
        last_line = self.value_line + raw.count("\n", 0, mark_line) if mark_line < len(raw) else self.key_line
        self.page.fields.append(Field(self.key_line, last_line - self.key_line + 1, self.path, None, self.key_line))

    def _close_lines(self, raw: str, cut: bool) -> None:
        """A group key, a one-line value, or a list of them; what follows can only be an unknown key or out of place."""
        if self.mode is _LINE and "\n" not in raw and not raw.endswith(":") and self._unmark(raw).strip(_BLANK):
            self._add_line(raw, self.value_line, self.path, self.key_line, cut)  # the usual case
            return
        lines = [(self.value_line + i, line) for i, line in enumerate(raw.split("\n")) if line.strip(_BLANK)]
        value_count = 0
        if self.mode is not _GROUP:
            limit = 1 if self.mode is _LINE else len(lines)
            while value_count < limit and value_count < len(lines) and not self._looks_like_key(lines[value_count][1]):
                value_count += 1
        cut = cut and value_count == len(lines)
        if self.mode is _LINE and value_count:
            number, line = lines[0]
            if self._unmark(line).strip(_BLANK):
                self._add_line(line, number, self.path, self.key_line, cut)
            else:
                self._add_empty(raw)
        else:
            self.page.fields.append(Field(self.key_line, 1, self.path, None, self.key_line))
            for position, (number, line) in enumerate(lines[:value_count], 1):
                self._add_line(line, number, f"{self.path}[{position}]", number, cut and position == value_count)
        if value_count < len(lines):
            self._add_unknown(lines[value_count:])

    def _looks_like_key(self, line: str) -> bool:
        return line.endswith(":") and self.layout.any_key.fullmatch(line) is not None

    def _unmark(self, value: str) -> str:
        """The value without the mark that its first line begins with."""
        mark = self.layout.mark
        if mark and value.startswith(mark):
            return value[len(mark) :]
        return value[1:] if mark and (value == "-" or value.startswith("-\n")) else value

    def _add_line(self, line: str, line_number: int, path: str, first_line: int, cut: bool) -> None:
        """A one-line value: kept as printed in the fields, without blanks at its ends as a controlled value."""
        value = self._unmark(line)
        self.page.fields.append(Field(first_line, line_number - first_line + 1, path, value, line_number))
        if cut:
            self.page.problems.append(
                Problem(line_number, path, "cut_in_value", f"{line!r} is the last value of a cut page")
            )
            return
        controlled = Value(value.strip(_BLANK), line_number)
        if self.mode is _LINES:
            assert self.block is not None
            if controlled.text:
                self.block.lists.setdefault(self.key, []).append(controlled)
        elif self.key in _LOCATION_KEYS or self.key in _THEME_KEYS:
            assert self.pair is not None
            self.pair[self.key] = controlled
        elif self.key in _PAGE_KEYS:
            self.page.values[self.key] = controlled
        else:
            assert self.block is not None
            self.block.values[self.key] = controlled

    def _add_unknown(self, lines: list[tuple[int, str]]) -> None:
        """Lines that stand where only a key can: unknown or repeated keys with what follows them, and stray lines."""
        position = 0
        while position < len(lines):
            number, line = lines[position]
            match = self.layout.any_key.fullmatch(line)
            position += 1
            if not match:
                self._unexpected(number, line)
                continue
            value = []
            while position < len(lines) and not self._looks_like_key(lines[position][1]):
                value.append(lines[position])
                position += 1
            key = match[1]
            known = key in self.seen_page or (self.scope != "page" and key in self.seen_block)
            path = f"{self._prefix()}{key}"
            last_line = value[-1][0] if value else number
            text = self._unmark(value[0][1]) if value else None
            for (above, _), (below, words) in pairwise(value):
                text = f"{text}{chr(10) * (below - above)}{words}"
            value_line = value[0][0] if value else number
            self.page.fields.append(Field(number, last_line - number + 1, path, text, value_line))
            detail = f"{key}: {text}" if text else f"{key}:"
            code = "repeated_key" if known else "unknown_key"
            self.page.problems.append(Problem(number, path, code, detail[:200]))

    def _prefix(self) -> str:
        if self.scope == "location":
            return "location."
        return f"{self.block_path}." if self.scope in ("block", "themes") else ""

    # ---- the end of a page that is cut

    def _close_cut(self, raw: str) -> None:
        """End the last field of a page without a footer: say where it is cut, and trust no controlled value there."""
        content = raw.rstrip(_BLANK)
        start = content.rfind("\n") + 1
        last = raw[start:].rstrip("\n")
        number = self.value_line + raw.count("\n", 0, start)
        is_first = not content[:start].strip(_BLANK)
        if content and self._is_cut_footer(last, is_first):
            self._close(raw[:start].removesuffix("\n"))
            self._cut(number, None, "cut_in_footer", last)
        elif content and self._is_cut_key(last, is_first):
            self._close(raw[:start].removesuffix("\n"))
            self.page.fields.append(Field(number, 1, "unexpected", last, number))
            self._cut(number, self.path, "cut_in_key", last)
        elif not self._unmark(content).strip(_BLANK):
            self._close(raw)
            self._cut(number if content else self.key_line, self.path, "cut_in_value", f"{self.key}:")
        else:
            self._close(raw, cut=True)
            if self.mode is _TEXT:
                self._cut(number, self.path, "cut_in_text", last)

    def _cut(self, line_number: int, path: str | None, code: str, last: str) -> None:
        self.page.problems.append(Problem(line_number, path, code, f"the page ends with: {last[-200:]}"))

    def _is_cut_footer(self, last: str, is_first: bool) -> bool:
        """Whether the last line is the beginning of the footer. In a text, a letter or two could be anything."""
        certain = len(last) > len("Skip") or (self.mode is not _TEXT and not is_first)
        return certain and FOOTER.startswith(last)

    def _is_cut_key(self, last: str, is_first: bool) -> bool:
        """Whether the last line is the beginning of a key that could come next, and not of the value."""
        if self.text.endswith("\n") or (is_first and self.mode is not _GROUP):
            return False
        mark = self.layout.mark
        if mark and last in ("-", "- "):
            return True
        if self.mode is _TEXT and len(last) < len(mark) + 3:
            return False
        return any(f"{mark}{key}:".startswith(last) for key in self._next_keys())

    def _next_keys(self) -> set[str]:
        """The keys that could come after the open field."""
        keys = {key for key in _PAGE_KEYS if key not in self.seen_page} | set(_BLOCK_GROUPS)
        if self.scope == "location":
            keys |= set(_LOCATION_KEYS)
        if self.scope == "themes":
            keys |= set(_THEME_KEYS)
        if self.block is not None and self.scope in ("block", "themes"):
            keys |= {key for key in _BLOCK_KEYS[self.block.kind] if key not in self.seen_block}
        return keys
