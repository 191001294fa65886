"""Finds the lines and bullets of a free text: where each begins and ends, and its marker.

All bullet styles of real pages: `•` `‣` `- ` `o ` `1.` `2)` `R.3.1.` `A- ` `a)` and invisible private-use bullets; and
where a layout collapsed the line breaks, a dash bullet inside a line. Pure; what a line is about does not belong here.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_MARKER = re.compile(
    r"""
    (?P<symbol>[•‣▪▫◦●○■□◆►➢➤✓✔·⁃\uf000-\uf8ff]) [ \t\u00a0]*
    | (?P<dash>[-–—*]) [ \t\u00a0]+
    | (?P<letter_o>o) [ \t\u00a0]+ (?=[^\W\d_a-zà-ÿ])   # in Spanish `o` is a word: only before a capital
    | (?P<reference>[A-Z]\.\d{1,2}(?:\.\d{1,2})*\.?) [ \t\u00a0]+
    | (?P<number>\(?\d{1,2}(?:\.\d{1,2})*[.)]) [ \t\u00a0]+
    | (?P<letter>\(?[a-z]\)|\(?[ivx]{1,4}\)|[A-Z][-)]|[a-z]\.) [ \t\u00a0]+
    """,
    re.VERBOSE,
)
_BLANK = " \t\r\u00a0"
#: A dash bullet inside a line, behind the end of a sentence or lead-in: what is left of a collapsed list.
_COLLAPSED = re.compile(r"(?<=[.;:!?])[ \t]+(?=[-–] [^\W\d_a-zà-ÿ])")


class Line(NamedTuple):
    """A line, or a bullet of a collapsed one: half-open offsets of its text without marker and blanks around it."""

    line_number: int
    style: str | None
    marker: str | None
    char_start: int
    char_end: int


def read_lines(text: str) -> list[Line]:
    """The lines of a text that hold anything, in order, with their markers taken off. Lines end at LF."""
    lines = []
    offset = 0
    for line_number, line in enumerate(text.split("\n"), 1):
        start = 0
        if " - " in line or " – " in line:
            for match in _COLLAPSED.finditer(line):
                lines.append(_read_line(text, line_number, offset + start, offset + match.start()))
                start = match.end()
        lines.append(_read_line(text, line_number, offset + start, offset + len(line)))
        offset += len(line) + 1
    return [line for line in lines if line.char_start < line.char_end]


def _read_line(text: str, line_number: int, start: int, end: int) -> Line:
    while start < end and text[start] in _BLANK:
        start += 1
    while start < end and text[end - 1] in _BLANK:
        end -= 1
    match = _MARKER.match(text, start, end)
    if match and match.end() < end:
        return Line(line_number, match.lastgroup, match[match.lastgroup or 0], match.end(), end)
    return Line(line_number, None, None, start, end)


class Step(NamedTuple):
    """A bullet inside a recommendation's title."""

    step_number: int
    marker: str
    step_text: str
    char_start: int
    char_end: int


def read_steps(title: str) -> list[Step]:
    """The bullets of a title. What stands first is the title: a lone `2)` or `4.` before it makes it no step."""
    lines = read_lines(title)
    steps: list[Step] = []
    for position, line in enumerate(lines):
        if line.marker is None:
            continue
        if position == 0 and not any(later.style == line.style for later in lines[1:]):
            continue
        words = title[line.char_start : line.char_end]
        steps.append(Step(len(steps) + 1, line.marker, words, line.char_start, line.char_end))
    return steps
