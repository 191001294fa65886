"""Says which keys i-eval pages have, in which group each may stand, and what its value looks like in either layout.

The words of the page grammar, nothing else: a key of the source that we learn to read is one line here. How a page is
read with them belongs to `page.py`, and what their values mean does not belong here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

DASHED, PLAIN = "dashed", "plain"
RECOMMENDATION, LESSON, GOOD_PRACTICE = "recommendation", "lesson", "good_practice"

FOOTER = "Skip to top"
HEADER_CHROME = {"Go to ILO main website", "Back to index"}
#: How a page begins that lists records and is none.
LIST_HEADINGS = {"recommendations", "lessons learned", "lessons", "good practices", "emerging good practices"}
#: What a blank line is made of. A no-break space or U+0085 is text.
BLANK = " \t\r"

# The forms of a value: one line, a list of lines, free text; or keys of its own.
LINE, LINES, TEXT, GROUP = "line", "lines", "text", "group"

PAGE_KEYS = {"eval_number": LINE, "eval_url": LINE, "eval_title": LINE, "location": GROUP}
LOCATION_KEYS = {"country": LINE, "region": LINE}
THEME_KEYS = {"theme": LINE, "category": LINE}
BLOCK_KEYS = {
    RECOMMENDATION: {
        "date": LINE,
        "themes": GROUP,
        "comments": TEXT,
        "action_plan": TEXT,
        "management_response": LINE,
        "progress": LINE,
        "admin_units": LINES,
        "title": TEXT,
        "project_symbols": LINES,
        "url": LINE,
        "information_source": LINE,
    },
    LESSON: {
        "themes": GROUP,
        "comments": TEXT,
        "challenges": TEXT,
        "success": TEXT,
        "context": TEXT,
        "description": TEXT,
        "administrative_issues": TEXT,
        "url": LINE,
    },
    GOOD_PRACTICE: {
        "replication": TEXT,
        "cause_effect": TEXT,
        "themes": GROUP,
        "context": TEXT,
        "description": TEXT,
        "links": TEXT,
        "indicators": TEXT,
        "url": LINE,
    },
}
#: Group key -> the kind of the record blocks below it; and back.
KIND_OF_GROUP = {"recommendations": RECOMMENDATION, "lessons_learned": LESSON, "good_practices": GOOD_PRACTICE}
GROUP_OF_KIND = {kind: key for key, kind in KIND_OF_GROUP.items()}
#: Group key -> the keys of its own that follow it.
KEYS_OF_GROUP = {
    "location": LOCATION_KEYS,
    "themes": THEME_KEYS,
    **{key: BLOCK_KEYS[kind] for key, kind in KIND_OF_GROUP.items()},
}
TOP_KEYS = {*PAGE_KEYS, *KIND_OF_GROUP}
_ALL_KEYS = sorted(TOP_KEYS.union(*KEYS_OF_GROUP.values()))


class Layout(NamedTuple):
    """One of the two ways in which the source prints a record."""

    name: str
    mark: str  # what a key line and the first line of a value begin with
    keys: dict[str, str]  # line -> the key that it is
    key_shape: re.Pattern[str]  # what a key looks like, known or not

    def key_like(self, line: str) -> str | None:
        """The key that this line would be, known or not; None where it has not the shape of one."""
        match = self.key_shape.fullmatch(line) if line.endswith(":") else None
        return match[1] if match else None

    def begins_key(self, line: str, keys: Iterable[str]) -> bool:
        """Whether a page that is cut after `line` is cut inside one of these keys."""
        return bool(line) and any(f"{self.mark}{key}:".startswith(line) for key in keys)

    def unmark(self, line: str) -> str:
        """The first line of a value, without the mark of the layout."""
        if self.mark:
            return "" if line == "-" else line.removeprefix(self.mark)
        return line


def _layout(name: str, mark: str) -> Layout:
    keys = {f"{mark}{key}:": key for key in _ALL_KEYS}
    return Layout(name, mark, keys, re.compile(rf"{mark}([a-z][a-z0-9_]{{0,59}}):"))


LAYOUTS = (_layout(DASHED, "- "), _layout(PLAIN, ""))
#: Line -> the layout it belongs to, for the keys that a page can begin with.
FIRST_LINES = {f"{layout.mark}{key}:": layout for layout in LAYOUTS for key in TOP_KEYS}


def is_blank(line: str) -> bool:
    """Whether nothing is on this line."""
    return not line.strip(BLANK)
