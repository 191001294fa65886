"""Turns names in country fields, and in running text, into ISO 3166-1 alpha-3 codes.

A name is recognised only as one of the surface forms of `country_names.csv`, after one declared normalisation; nothing
is ever guessed. Scopes (`Inter-Regional`, `Africa - regional`) are recognised first and never coded as a country.
Pure; reading the vocabulary files does not belong here, nor do the rules for running text (`mentions.py`, `roles.py`).
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from pipelines.attribution import Attributor
from pipelines.context import ContextWords
from pipelines.folding import fold
from pipelines.mentions import MentionFinder
from pipelines.roles import RoledMention, RoleReader
from pipelines.sentences import SentenceCutter

#: scope of place_scopes.csv -> scope of an evaluation's location; the other files' scopes are regional.
_SCOPES = {"interregional": "inter-regional", "global": "inter-regional", "historic": None, "unspecified": None}
_NOT_REGIONS = ("historic", "unspecified", "global", "interregional")
_STOP_WORDS = {"the", "of", "and", "la", "le", "les", "el", "los", "de", "du", "des", "del", "et", "y"}
_MOJIBAKE = re.compile("[\u00c2\u00c3\u00c5\u00e1\u00e2][\u0080-\u00bf\u0152-\u2122]")


class Location(NamedTuple):
    """What a country field names: a scope, a country, or (both None) something unknown, with the nearest known name."""

    scope: str | None
    country_iso3: str | None
    suggestion: str | None = None


def normalise(label: str) -> str:
    """The form under which labels are compared: folded words in alphabetical order, without articles.

    So `Tanzania, United Republic of`, `TANZANIA (United Republic of)` and `United Republic of Tanzania` are one label.
    HTML entities and UTF-8 that was read as Windows-1252 are repaired, for the comparison only.
    """
    composed = unicodedata.normalize("NFC", _repaired(label)).replace("&", " and ")
    words = re.findall(r"[^\W_]+", fold(composed).replace("'", ""))
    return " ".join(sorted(set(words) - _STOP_WORDS)) or " ".join(words)


def _repaired(label: str) -> str:
    if "&" in label:
        label = html.unescape(label)
    if _MOJIBAKE.search(label):
        for encoding in ("cp1252", "latin-1"):
            try:
                return label.encode(encoding).decode("utf-8")
            except UnicodeError:
                continue
    return label


class CountryNames:
    """The vocabulary of country names, ready to look things up in.

    `names`: rows surface, country_iso3, kind (name, label, code, demonym, decoy), language; `scopes`: rows label,
    scope; `countries`: rows iso3, iso2, m49, name; `context`: rows kind,
    word. A `label` is a name in country fields only.
    Raises ValueError where one label would name two countries.
    """

    def __init__(
        self,
        names: Iterable[Mapping[str, str]],
        scopes: Iterable[Mapping[str, str]],
        countries: Iterable[Mapping[str, str]],
        context: Iterable[Mapping[str, str]] = (),
    ) -> None:
        names, scopes, countries = list(names), list(scopes), list(countries)
        self._display = {row["iso3"]: row["name"] for row in countries}
        self._scopes = {normalise(row["label"]): row["scope"] for row in scopes}
        self._labels: dict[str, str] = {}
        self._located: dict[str, Location] = {}  # pages print the same few labels again and again
        for number, row in enumerate(names, 2):
            if row["kind"] in ("name", "label"):
                self._add_label(normalise(row["surface"]), row, number)
            elif row["kind"] == "code":
                self._add_label(row["surface"], row, number)
        for row in countries:
            for code in (row["iso3"], row["iso2"], row["m49"]):
                if code:
                    self._labels.setdefault(code, row["iso3"])
        self.context = ContextWords(context)
        self.sentences = SentenceCutter(self.context)
        regions = [row["label"] for row in scopes if row["scope"] not in _NOT_REGIONS]
        self.attributor = Attributor(self.context, regions)
        self._finder = MentionFinder(names, self.context)
        self._roles = RoleReader(self.context)

    def _add_label(self, label: str, row: Mapping[str, str], number: int) -> None:
        other = self._labels.setdefault(label, row["country_iso3"])
        if other != row["country_iso3"]:
            raise ValueError(
                f"country_names.csv, row {number}: {row['surface']!r} would name {row['country_iso3']}, "
                f"but the same words name {other} already; keep one of the two"
            )

    def read_mentions(self, text: str, language: str | None = None) -> list[RoledMention]:
        """The countries that a text names, in order, with exact offsets; `language` is that of the text."""
        folded = fold(text)
        return self._roles.read(folded, self._finder.find(text, folded, language))

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
