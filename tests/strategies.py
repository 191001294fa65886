"""Makes pages up: well-formed ones with all that a careful reader gets out of them, and damaged ones of every kind.

Also the one thing that holds of every page, damaged or not: that its lines can be told from its fields again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import strategies as st

from pipelines.decoding import decode_page
from pipelines.page_keys import DASHED, PLAIN
from pipelines.page_parts import Page

PROJECT = Path(__file__).parent.parent
SHIPPED_PAGE = next((PROJECT / "seeds" / "pages").glob("*.txt"))
PAGE_FILES = [SHIPPED_PAGE, *sorted((PROJECT / "tests" / "pages").glob("*.txt"))]
#: What is on the test pages. Its texts hold U+0085, so that `splitlines` would not do.
EXPECTED = [
    json.loads(line)
    for line in (PROJECT / "tests" / "pages" / "expected.jsonl").read_text("utf-8").removesuffix("\n").split("\n")
]
PAGE_TEXTS = [decode_page(path.read_bytes()) for path in PAGE_FILES]

# The grammar once more, by hand: what the tests hold the code against.
MARKS = {DASHED: "- ", PLAIN: ""}
HEADER_CHROME = ("Go to ILO main website", "Back to index")
FOOTER = "Skip to top"
GROUPS = {"recommendation": "recommendations", "lesson": "lessons_learned", "good_practice": "good_practices"}
TEXT_KEYS = {
    "recommendation": ("comments", "action_plan", "title"),
    "lesson": ("comments", "challenges", "success", "context", "description", "administrative_issues"),
    "good_practice": ("replication", "cause_effect", "context", "description", "links", "indicators"),
}
LINE_KEYS = {
    "recommendation": ("date", "management_response", "progress", "url", "information_source"),
    "lesson": ("url",),
    "good_practice": ("url",),
}
LIST_KEYS = {"recommendation": ("admin_units", "project_symbols"), "lesson": (), "good_practice": ()}
PAGE_KEYS = ("eval_number", "eval_url", "eval_title")
PAIR_KEYS = ("country", "region", "theme", "category")
ALL_KEYS = sorted(
    {*PAGE_KEYS, *PAIR_KEYS, "location", "themes", *GROUPS.values()}.union(
        *TEXT_KEYS.values(), *LINE_KEYS.values(), *LIST_KEYS.values()
    )
)

# ---- well-formed pages

_SYLLABLES = ("ka", "lo", "mi", "ru", "té", "sô", "ña", "wen", "dar", "fli", "oum", "ør")
_word = st.lists(st.sampled_from(_SYLLABLES), min_size=1, max_size=3).map("".join)
_words = st.lists(_word, min_size=1, max_size=5).map(" ".join)
_label = st.one_of(
    _words,
    _words.map(str.capitalize),
    st.builds("{}/{}, {} & {} - {}".format, _word, _word, _word, _word, _word),
    st.sampled_from(
        [
            "- - Kalo",
            "Training:",
            "RO-Aru States/DWT-Mila",
            "RAS/20/0",
            "-",
            ".",
            "N/A",
            "2023-01-16 00:00:00.0",
            "Skip",
        ]
    ),
)
_line_of_text = st.one_of(
    _words,
    _words.map("{}:".format),
    _words.map("- {}".format),
    st.sampled_from(
        [
            "- Training:", "- - Kalo miru", "-", "- ", "--", "• Kalo", "‣ miru", "o Ru", "1. Té", "2) Sô", "R.3.1. Ña",
            "A- wen", "\uf0b7\tdar", "eval_wind:", "- follow_up_day:", "Back to index", "Skip to top", "Skip to", "S",
            "Title:", "TITLE:", "date :", " date:", "- date", "line\u0085end", "para\u2028graph", "nul\0inside",
            "carriage\rreturn", "mark\ufeffinside", "no\u00a0break", "\u00a0", "N/A", "  indented", "trail  ", "\tTab",
        ]
    ),
)  # fmt: skip


@dataclass
class WrittenBlock:
    kind: str
    values: dict[str, str] = field(default_factory=dict)
    lists: dict[str, list[str]] = field(default_factory=dict)
    themes: list[dict[str, str]] = field(default_factory=list)


@dataclass
class WrittenPage:
    """A page, and what is written on it."""

    layout: str
    lines: list[str] = field(default_factory=list)
    line_end: str = "\n"
    has_mark: bool = False
    ends_line: bool = True
    values: dict[str, str] = field(default_factory=dict)
    locations: list[dict[str, str]] = field(default_factory=list)
    blocks: list[WrittenBlock] = field(default_factory=list)

    @property
    def text(self) -> str:
        text = self.line_end.join(self.lines) + (self.line_end if self.ends_line else "")
        return f"\ufeff{text}" if self.has_mark else text

    def add_key(self, key: str) -> None:
        self.lines.append(f"{MARKS[self.layout]}{key}:")

    def add_value(self, value: str) -> None:
        self.lines += f"{MARKS[self.layout]}{value}".split("\n")


def _key_lines(keys: Sequence[str], layout: str) -> list[str]:
    """These keys as lines, as either layout would print them: in the other one they are text."""
    other = PLAIN if layout == DASHED else DASHED
    return [f"{MARKS[layout]}{key}:" for key in keys] + [f"{MARKS[other]}{key}:" for key in ALL_KEYS]


@st.composite
def _free_text(draw: st.DrawFn, kind: str, printed: Sequence[str], layout: str) -> str:
    """A text with all that may stand in one: keys of other kinds of record, and keys that its block already has."""
    own = {*TEXT_KEYS[kind], *LINE_KEYS[kind], *LIST_KEYS[kind], *PAGE_KEYS, "themes", "location", GROUPS[kind]}
    keys = [key for key in ALL_KEYS if key not in own] + list(printed)
    line = st.one_of(_line_of_text, st.sampled_from(_key_lines(keys, layout)), st.just(""))
    lines = draw(st.lists(line, min_size=1, max_size=6))
    # What stands first is the value's first line, and blank lines around a value are none of it.
    first = draw(_line_of_text.filter(lambda line: line.strip(" \t\r") != "" and (layout == DASHED or line != "")))
    while lines and not lines[-1].strip(" \t\r"):
        del lines[-1]
    text = "\n".join([first, *lines])
    return text if layout == DASHED or text not in {f"{key}:" for key in ALL_KEYS} else f"{text} "


@st.composite
def _pairs(draw: st.DrawFn, keys: tuple[str, str], most: int) -> list[dict[str, str]]:
    """Countries with regions, or themes with categories, in one order; only the one that comes first can be alone."""
    order = draw(st.permutations(keys))
    pairs = []
    for _ in range(draw(st.integers(1, most))):
        alone = draw(st.integers(0, 7)) == 0
        pairs.append({key: draw(_label) for key in (order[:1] if alone else order)})
    return pairs


def _add_pairs(page: WrittenPage, pairs: list[dict[str, str]], blank_lines: bool) -> None:
    for pair in pairs:
        for key, value in pair.items():
            page.add_key(key)
            page.add_value(value)
        if blank_lines:
            page.lines.append("")


@st.composite
def _block(
    draw: st.DrawFn,
    page: WrittenPage,
    kind: str,
    order: Sequence[str],
    always: Sequence[str],
    blank_lines: bool,
    empty: bool,
) -> None:
    block = WrittenBlock(kind)
    page.blocks.append(block)
    printed: list[str] = []
    for key in order:
        if key not in always and draw(st.integers(0, 5)) == 0:
            continue
        page.add_key(key)
        if key == "themes":
            block.themes = draw(_pairs(("theme", "category"), 3))
            _add_pairs(page, block.themes, blank_lines)
        elif key in LIST_KEYS[kind]:
            block.lists[key] = draw(st.lists(_label, min_size=1, max_size=4))
            for value in block.lists[key]:
                page.add_value(value)
        elif empty and draw(st.integers(0, 9)) == 0:
            page.lines += draw(st.sampled_from([[], [""], ["-"], ["- "]] if page.layout == DASHED else [[], [""]]))
        elif key in LINE_KEYS[kind]:
            block.values[key] = draw(_label)
            page.add_value(block.values[key])
        else:
            # The first key once more, with the second below it, would be the next block.
            block.values[key] = draw(_free_text(kind, [key for key in printed[1:] if key != "themes"], page.layout))
            page.add_value(block.values[key])
        printed.append(key)
    if blank_lines:
        page.lines.append("")


@st.composite
def written_pages(draw: st.DrawFn, empty: bool = True) -> WrittenPage:
    """A well-formed page of any kind and layout, of one to three blocks; keys in any order, some of them `empty`."""
    page = WrittenPage(draw(st.sampled_from([DASHED, PLAIN])))
    kind = draw(st.sampled_from(sorted(GROUPS)))
    blank_lines = page.layout == PLAIN and draw(st.integers(0, 3)) > 0
    title = draw(_words.map(str.capitalize))
    page.lines = ["Back to index", title] if page.layout == DASHED else [*HEADER_CHROME, "", title, ""]
    page.values["page_title"] = title
    order = draw(st.permutations([*TEXT_KEYS[kind], *LINE_KEYS[kind], *LIST_KEYS[kind], "themes"]))
    if (
        not empty
    ):  # where a page is cut inside a text, only such an order tells it from the last text of the block above
        order = sorted(order, key=lambda key: key in TEXT_KEYS[kind])
    # Blocks below one group key are told apart by the keys that start over; else each has its own group key and order.
    starts_over = draw(st.booleans())
    block_count = draw(st.sampled_from([1, 1, 1, 2, 3]))
    parts = draw(st.permutations([*PAGE_KEYS, "location", *["block"] * (1 if starts_over else block_count)]))
    for part in parts:
        if part == "location":
            page.add_key(part)
            page.locations = draw(_pairs(("country", "region"), 8))
            _add_pairs(page, page.locations, blank_lines)
        elif part == "block":
            page.add_key(GROUPS[kind])
            for _ in range(block_count if starts_over else 1):
                own_order = order if starts_over else draw(st.permutations(order))
                draw(_block(page, kind, own_order, (*own_order[:2], "url"), blank_lines, empty))
        else:
            page.values[part] = draw(_label)
            page.add_key(part)
            page.add_value(page.values[part])
    page.lines.append(FOOTER)
    page.line_end = draw(st.sampled_from(["\n", "\n", "\r\n"]))
    page.has_mark = draw(st.booleans())
    page.ends_line = draw(st.booleans())
    return page


# ---- damage

_odd_lines = st.one_of(
    st.sampled_from([f"{mark}{key}:" for mark in MARKS.values() for key in ALL_KEYS]),
    st.sampled_from(
        ["", " ", "-", "- ", "- -", "- eval_wind:", "mystery:", "- follow_up_day:", "- unexpected:", "Title:", FOOTER]
    ),
    st.sampled_from([*HEADER_CHROME, "Skip to", "S", "kalo", "- kalo miru", "\ufeff", "\0", "\u0085", "\u2028", "\r"]),
    st.text(max_size=12).map(lambda text: text.replace("\n", " ")),
)  # fmt: skip
_odd_characters = st.sampled_from("\0\r\n\u0085\u2028\u2029\ufeff\x0b\x0c\x1c\x7f-: \t\u00a0e")


@st.composite
def damaged_pages(draw: st.DrawFn) -> str:
    """A page with lines lost, doubled, moved or inserted, odd characters in it, or its end cut off."""
    text = draw(st.one_of(st.sampled_from(PAGE_TEXTS), written_pages().map(lambda page: page.text)))
    for _ in range(draw(st.integers(1, 5))):
        lines = text.split("\n")
        index = draw(st.integers(0, len(lines) - 1))
        damage = draw(st.sampled_from(["cut", "delete", "double", "swap", "insert", "insert", "character", "crlf"]))
        if damage == "delete":
            del lines[index]
        elif damage == "double":
            lines.insert(index, lines[index])
        elif damage == "swap":
            other = draw(st.integers(0, len(lines) - 1))
            lines[index], lines[other] = lines[other], lines[index]
        elif damage == "insert":
            lines[index:index] = draw(st.lists(_odd_lines, min_size=1, max_size=3))
        text = "\n".join(lines)
        position = draw(st.integers(0, len(text)))
        if damage == "cut":
            text = text[:position]
        elif damage == "character":
            text = text[:position] + draw(_odd_characters) + text[position:]
        elif damage == "crlf":
            text = text[:position] + text[position:].replace("\n", "\r\n")
    return text


odd_texts = st.one_of(
    st.text(),
    st.lists(st.one_of(_odd_lines, _line_of_text), max_size=30).map("\n".join),
    st.lists(st.one_of(_odd_lines, _line_of_text), max_size=30).map(lambda lines: "\n".join(["Back to index", *lines])),
    st.lists(_odd_lines, max_size=30).map(lambda lines: "\n".join(["- eval_number:", *lines])),
)


# ---- what holds of every page

_PATH_KEY = re.compile(r"([a-z0-9_]+)(?:\[\d+\])?$")


def lines_of(text: str) -> list[str]:
    """The lines of a text as an editor shows them, where lines end at LF and CRLF only."""
    lines = re.split(r"\r?\n", text.removeprefix("\ufeff"))
    return lines[:-1] if lines[-1] == "" else lines


def _is_blank(line: str) -> bool:
    return not line.strip(" \t\r")


def _is_chrome(line: str) -> bool:
    return _is_blank(line) or line in HEADER_CHROME or FOOTER.startswith(line.rstrip("\r"))


def assert_accounted(page: Page, lines: Sequence[str], has_mark: Callable[[str], bool] = lambda path: False) -> None:
    """Every line is in one field, from which it can be told again, or it is chrome.

    `has_mark`: of the fields with this path it is known that their value begins with the mark of the layout.
    """
    assert page.line_count == len(lines)
    mark = MARKS[page.layout]
    marks_alone = ("", mark.strip())
    covered = chrome = 0
    for line_number, line_count, path, value, value_line_number in page.fields:
        for line in lines[covered : line_number - 1]:
            assert _is_chrome(line), line
            chrome += 1
        assert covered < line_number <= value_line_number and line_count > 0, path
        covered = line_number - 1 + line_count
        first, *others = lines[line_number - 1 : covered]
        if path == "page_title" and value == first:
            assert line_count == 1
            continue
        if path == "unexpected" and value_line_number == line_number and value is not None:
            assert value == first and line_count == 1
            continue
        if value is None:
            assert value_line_number == line_number
            above, below = others, []
        else:
            above, below = others[: value_line_number - line_number - 1], others[value_line_number - line_number - 1 :]
        match = _PATH_KEY.search(path)
        assert match, path
        if value_line_number > line_number or first == f"{mark}{match[1]}:":
            assert first == f"{mark}{match[1]}:", path
        else:
            above, below = ([first], []) if value is None else ([], [first, *others])
        assert all(line.strip(" \t\r") in marks_alone for line in above), path
        if value is not None:
            top, *rest = value.split("\n")
            assert below[0] == mark + top or (below[0] == top and not has_mark(path)), path
            assert below[1:] == rest, path
    for line in lines[covered:]:
        assert _is_chrome(line), line
        chrome += 1
    assert covered <= len(lines)
    assert page.chrome_line_count == chrome
