"""Puts numbers into the words of a report: counts with their things, percentages that do not lie, dates, lists.

Which numbers there are and what is said of them does not belong here.
"""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size

from pipelines.printing import printable

#: Below so many records a percentage says more than there is.
FEW = 20


def clean(text: str) -> str:
    """A text of a page on one line, without characters that XML forbids or that turn the writing direction."""
    return re.sub(r"[\ufffe\uffff]", "\N{REPLACEMENT CHARACTER}", printable(" ".join(text.split())))


def shorten(text: str, width: int) -> str:
    """The text in at most `width` columns of a terminal, which is how wide its letters are, cut ones marked `…`."""
    most = 4 * width  # marks that have no width of their own are letters, too
    if cell_len(text) <= width and len(text) <= most:
        return text
    return set_cell_size(text[: most - 1], width - 1).rstrip() + "…"


def count(value: int, thing: str) -> str:
    """`1 page`, `2,001 pages`; things whose plural is more than an s are named in both, as `country/countries`."""
    one, _, many = thing.partition("/")
    return f"{value:,} {one if value == 1 else many or one + 's'}"


def many(value: int) -> str:
    """The number, or `none`."""
    return f"{value:,}" if value else "none"


def sentence(words: str) -> str:
    """The words with a capital at the beginning."""
    return words[:1].upper() + words[1:]


def percent(part: int, whole: int) -> str:
    """A whole percentage that is 0% of none and 100% of all, and of nothing else."""
    value = 100 * part / whole
    if part and value < 1:
        return "under 1%"
    if part < whole and value > 99:
        return "over 99%"
    return f"{math.floor(value + 0.5)}%"


def fine_percent(value: float) -> str:
    """A share from 0 to 1 as a percentage with one decimal, that is 0% of none and 100% of all, and of nothing else."""
    if value in (0, 1):
        return f"{value:.0%}"
    tenths = min(max(math.floor(1000 * value + 0.5), 1), 999)
    return f"{tenths / 10:.1f}%"


def share(part: int, whole: int) -> str:
    """How much of it: a percentage, or both numbers where these are few."""
    return f"{part:,} of {whole:,}" if whole < FEW else percent(part, whole)


def day(date: datetime.date) -> str:
    """A date as people write it."""
    return f"{date.day} {date:%B %Y}"


def years(value: int) -> str:
    """So many whole years."""
    return "less than a year" if value == 0 else count(value, "year")


def listed(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
