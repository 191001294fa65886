"""Makes invented sentences of the word lists in `words/`, one random number at a time.

Templates and what fills their slots are TOML, a file a language; vocabularies (countries, themes, offices) are those of
seeds/reference. Nothing here knows what a page or a record is, and no text of a real page belongs here.
"""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from pipelines.settings import REFERENCE

WORDS = Path(__file__).parent / "words"
#: The next random number from 0 to 1. Random.random is the one method whose numbers stay the same in every Python.
Draw = Callable[[], float]
Value = TypeVar("Value")


@cache
def reference(name: str) -> tuple[dict[str, str], ...]:
    """The rows of a vocabulary of seeds/reference."""
    with (REFERENCE / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


@cache
def countries() -> dict[str, dict[str, str]]:
    """The rows of countries.csv by ISO code."""
    return {row["iso3"]: row for row in reference("countries")}


class Language:
    """A words file made ready: templates become a format and the lists that fill it."""

    def __init__(self, name: str) -> None:
        words: dict[str, Any] = tomllib.loads((WORDS / f"{name}.toml").read_text("utf-8"))
        self.name = name
        self.words = words
        self.opening: str = words["opening"]
        kinds = [key for key in words if key.endswith(("sentence", "title"))]
        self.templates = {kind: [self._compile(text) for text in words[kind]] for kind in kinds}
        # French gives each country its opening with the preposition; elsewhere it is derived from the name.
        self.iso3 = list(words["countries"])
        column = {"english": "name", "french": "name_fr", "spanish": "name_es"}[name]
        self.names = {iso3: countries()[iso3][column] for iso3 in self.iso3}
        inside = words["countries"] if name == "french" else self.names
        self.openings = {iso3: self.opening.replace("{name}", inside[iso3]) for iso3 in self.iso3}

    def _compile(self, template: str) -> tuple[str, list[list[str]]]:
        known = "|".join(self.words)  # {name} is none of them: it is filled by whoever knows the country
        text = re.sub(rf"{{(?:{known})}}", "%s", template.replace("%", "%%"))
        return text, [self.words[slot] for slot in re.findall(rf"{{({known})}}", template)]

    def phrase(self, random: Draw, kind: str = "sentence") -> str:
        """A sentence in lower case, so that it can follow an opening."""
        templates = self.templates[kind]
        text, lists = templates[int(random() * len(templates))]
        return text % tuple([words[int(random() * len(words))] for words in lists])

    def sentences(self, random: Draw, count: int) -> str:
        """So many sentences in a row."""
        return " ".join([capital(self.phrase(random)) for _ in range(count)])


language_of = cache(Language)


def capital(text: str) -> str:
    """The text with a capital to begin with."""
    return text[0].upper() + text[1:]


def pick(random: Draw, values: Sequence[Value]) -> Value:
    """One of the values."""
    return values[int(random() * len(values))]


def between(random: Draw, low: int, high: int) -> int:
    """A whole number from `low` to `high`, both included."""
    return low + int(random() * (high - low + 1))


def some(random: Draw, values: Iterable[Value], count: int) -> list[Value]:
    """Distinct values, as many as there are up to `count`."""
    left = list(values)
    return [left.pop(int(random() * len(left))) for _ in range(min(count, len(left)))]


def task(random: Draw, language: Language) -> str:
    """A thing to be done, by when and why."""
    words = language.words
    return f"{capital(pick(random, words['task']))} {pick(random, words['when'])}, {pick(random, words['why'])}."


def list_marks(random: Draw, count: int) -> list[str]:
    """The marks of the lines of a list, in one of four styles."""
    style = int(random() * 4)
    return [("-", "•", f"{place}.", f"{'abcdefghijkl'[place - 1]})")[style] for place in range(1, count + 1)]
