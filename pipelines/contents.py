"""Says what a file of many pages gives: pages, what is passed over, and what fails, each by where in the file it is.

Here is also how much of anything is read at most. The forms that such files have do not belong here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

#: A page is some ten kilobytes; what is larger than this is something else, and is not read: DuckDB holds thousands of
#: texts at a time in memory, and finds an offset in a text by counting from its beginning.
MOST_PAGE_BYTES = 128 * 1024
TOO_LARGE = f"larger than {MOST_PAGE_BYTES // 1024} kB, which no page is"
#: What cannot be read of one file is listed so far, and then counted.
_MOST_LISTED = 100


class UnreadableError(ValueError):
    """A file that is not what its name says; the message says what is wrong with it."""


class Page(NamedTuple):
    """A page of a file: where it is (`/member.txt`, `#7`), its bytes, and its own address if the file has that."""

    where: str
    page_bytes: bytes
    address: str = ""


class PassedOver(NamedTuple):
    """Something in a file that is no page: where (`/member.zip`), and why."""

    where: str
    words: str


class Failed(NamedTuple):
    """Something in a file that should be a page and cannot be read: where (`, line 7`), and why."""

    where: str
    words: str


Content = Page | PassedOver | Failed


def listed(contents: Iterable[Content], what: str) -> Iterator[Content]:
    """The same with no more messages than somebody reads; those left out are counted at the end, as so many `what`."""
    counts: dict[type[PassedOver | Failed], int] = {PassedOver: 0, Failed: 0}
    for content in contents:
        if isinstance(content, Page):
            yield content
            continue
        counts[type(content)] += 1
        if counts[type(content)] <= _MOST_LISTED:
            yield content
    for kind, count in counts.items():
        if count > _MOST_LISTED:
            words = "are no pages either" if kind is PassedOver else "could not be read either"
            yield kind("", f"{count - _MOST_LISTED:,} further {what} {words}")
