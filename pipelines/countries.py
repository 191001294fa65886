"""Turns names in country fields, and at the opening of a text, into ISO 3166-1 alpha-3 codes.

A name is recognised only as one of the surface forms of `country_names.csv`, after one declared normalisation; nothing
is ever guessed. Scopes (`Inter-Regional`, `Africa - regional`) are recognised first and never coded as a country.
Pure; reading the vocabulary files does not belong here, nor does what a country in a text is there for.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from typing import NamedTuple

#: scope of place_scopes.csv -> scope of an evaluation's location; the other files' scopes are regional.
_SCOPES = {"interregional": "inter-regional", "global": "inter-regional", "historic": None, "unspecified": None}
_STOP_WORDS = {"the", "of", "and", "la", "le", "les", "el", "los", "de", "du", "des", "del", "et", "y"}
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_WORD = re.compile(r"[^\W\d_]+")
_CURLY = str.maketrans(
    {"’": "'", "‘": "'", "ʼ": "'", "`": "'", "´": "'", "‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-"}
)


class Location(NamedTuple):
    """What a country field names: a scope, a country, or (both None) something unknown, with the nearest known name."""

    scope: str | None
    country_iso3: str | None
    suggestion: str | None = None


class NamedCountry(NamedTuple):
    """A country named in a text: half-open offsets of the words, in code points."""

    char_start: int
    char_end: int
    country_iso3: str
    mention_kind: str


def fold(text: str) -> str:
    """Lower case without accents, with straight quotes and hyphens, and as long as the text: offsets stay true."""
    if text.isascii():
        return text.lower()
    return _NOT_ASCII.sub(lambda match: _fold_character(match[0]), text).lower()


@cache
def _fold_character(character: str) -> str:
    character = character.translate(_CURLY)
    if character in "\u00a0\u202f\u2007":
        return " "
    base = unicodedata.normalize("NFKD", character)[:1]
    # `İ` and its like grow when they are lowered, which would shift every offset behind them.
    return base if len(base.lower()) == 1 else "?"


def normalise(label: str) -> str:
    """The form under which labels are compared: folded words in alphabetical order, without articles.

    So `Tanzania, United Republic of`, `TANZANIA (United Republic of)` and `United Republic of Tanzania` are one label.
    """
    composed = unicodedata.normalize("NFC", label).replace("&", " and ")
    words = re.findall(r"[^\W_]+", fold(composed).replace("'", ""))
    return " ".join(sorted(set(words) - _STOP_WORDS)) or " ".join(words)


class CountryNames:
    """The vocabulary of country names, ready to look things up in.

    `names`: rows surface, country_iso3, kind (name, code, demonym, decoy), language; `scopes`: rows label, scope;
    `countries`: rows iso3, iso2, m49, name. Raises ValueError where one label would name two countries.
    """

    def __init__(
        self,
        names: Iterable[Mapping[str, str]],
        scopes: Iterable[Mapping[str, str]],
        countries: Iterable[Mapping[str, str]],
    ) -> None:
        self._display = {row["iso3"]: row["name"] for row in countries}
        self._scopes = {normalise(row["label"]): row["scope"] for row in scopes}
        self._labels: dict[str, str] = {}
        self._located: dict[str, Location] = {}  # pages print the same few labels again and again
        self._openings: dict[str, tuple[str, str]] = {}
        for row in names:
            iso3 = row["country_iso3"]
            if row["kind"] == "name":
                self._add_label(normalise(row["surface"]), iso3, row["surface"])
                self._openings.setdefault(fold(row["surface"]), (iso3, "name"))
            elif row["kind"] == "code":
                self._add_label(row["surface"], iso3, row["surface"])
                self._openings.setdefault(row["surface"], (iso3, "code"))
        for row in countries:
            for code in (row["iso3"], row["iso2"], row["m49"]):
                if code:
                    self._labels.setdefault(code, row["iso3"])
        #: First word of a name -> length of the longest name that begins with it.
        self._lengths: dict[str, int] = {}
        for name in self._openings:
            if word := _WORD.match(name):
                self._lengths[fold(word[0])] = max(len(name), self._lengths.get(fold(word[0]), 0))

    def _add_label(self, label: str, iso3: str, surface: str) -> None:
        other = self._labels.setdefault(label, iso3)
        if other != iso3:
            raise ValueError(f"country_names.csv: {surface!r} would name both {other} and {iso3}; keep one of the two")

    def locate(self, label: str) -> Location:
        """What the label of a country field names. Scopes first: `Africa - regional` is no country."""
        if label not in self._located:
            self._located[label] = self._locate(label)
        return self._located[label]

    def _locate(self, label: str) -> Location:
        stripped = label.strip()
        exact = self._labels.get(stripped)  # codes, in exact case
        normalised = normalise(label)
        scope = self._scopes.get(normalised)
        if scope is None:  # `Africa - regional`
            scope = self._scopes.get(" ".join(word for word in normalised.split() if word != "regional"))
        if scope is not None:
            return Location(_SCOPES.get(scope, "regional"), None)
        iso3 = exact or self._labels.get(normalised)
        if iso3:
            return Location("country", iso3)
        return Location(None, None, self.suggest(label))

    def suggest(self, label: str) -> str | None:
        """The known name that is nearest in spelling, for a person to look at; never applied."""
        from rapidfuzz import process  # only where a label is unknown

        best = process.extractOne(normalise(label), [name for name in self._labels if name.islower()], score_cutoff=75)
        return f"{self._display[self._labels[best[0]]]} ({self._labels[best[0]]})" if best else None

    def named_at(self, text: str, start: int) -> NamedCountry | None:
        """The longest name or code that begins at `start` and ends with its word.

        A name needs a capital: `turkey` and `chad` are words, and so are `and`, `can`, `per`.
        """
        word = _WORD.match(text, start)
        if word is None or not text[start].isupper() or fold(word[0]) not in self._lengths:
            return None
        window = text[start : start + self._lengths[fold(word[0])]]
        folded = fold(window)
        for length in range(len(window), 0, -1):
            end = start + length
            if end < len(text) and text[end].isalnum() and text[end - 1].isalnum():
                continue  # inside a word
            found = self._openings.get(folded[:length]) or self._openings.get(window[:length])
            if found and (found[1] == "name" or window[:length] in self._openings):
                return NamedCountry(start, end, *found)
        return None
