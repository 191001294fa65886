"""Turns the text of an action plan into action items, each with the countries it opens with and the words that say so.

An item is a line or bullet of the plan. It is about a country when it opens with it (`In Indonesia, …`, `Mali: …`) or
stands under a heading line that names it; a line that only introduces what follows is no item but the heading of the
items below. Countries inside sentences, and cuts where they change, build on `countries.py` and belong here as well.
Pure; what a record is filed under never adds a country, and does not belong here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from pipelines.bullets import Line, read_lines
from pipelines.countries import CountryNames, NamedCountry

COUNTRY, PROGRAMME = "country", "programme"
OPENING, HEADING = "opening", "heading"

#: `In X, …`, in three languages, and left-over quote marks before it.
_IN = re.compile(r"""["“«\s]*(?:(?:in|en|au|aux|à|a)\s+)?(?:(?:the|la|le|les|el|los|las)\s+|l['’])?""", re.IGNORECASE)
_AND = re.compile(
    r"\s*(?:,\s*(?:and|et|y|e)?|&|/|;|\b(?:and|et|y|e)\b)\s*(?:(?:in|en|au|aux|the|la|le|les|el)\s+)*", re.I
)
_AFTER_COLON_NAME = re.compile(r"\s*(?::|[–—]\s|-\s)")
_AFTER_IN_NAME = re.compile(r"\s*(?:\([^()]{0,80}\)\s*)?,")
_HEADING_END = re.compile(r"\s*:?\s*$")
#: Headings that end what an earlier country heading began.
_RESET = re.compile(
    r"(?:in\s+)?(?:all\s+(?:the\s+)?(?:other\s+)?countries|other\s+countries|global(?:ly)?|global\s+level|regional|"
    r"regional\s+level|inter-?regional|overall|general|programme(?:-wide)?|tous\s+les\s+pays|autres\s+pays|"
    r"niveau\s+(?:mondial|régional)|mondial|todos\s+los\s+pa[ií]ses|otros\s+pa[ií]ses|nivel\s+(?:mundial|regional)|"
    r"mundial)\s*:?",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"[.!?]\s+[^\W\d_a-zà-ÿ]")


class ItemCountry(NamedTuple):
    """A country that an item is about, and the words of the action plan that this rests on."""

    item_number: int
    country_iso3: str
    evidence: str
    mention_text: str
    char_start: int
    char_end: int


class ActionItem(NamedTuple):
    """One commitment of an action plan; offsets into the plan, without marker."""

    item_number: int
    paragraph_number: int
    marker: str | None
    heading_text: str | None
    item_text: str
    scope: str
    char_start: int
    char_end: int


@dataclass(slots=True)
class ActionPlan:
    """The items of a plan, their countries, and every country named at an opening or in a heading."""

    items: list[ActionItem] = field(default_factory=list)
    countries: list[ItemCountry] = field(default_factory=list)
    mentions: list[NamedCountry] = field(default_factory=list)


class _Heading(NamedTuple):
    """The heading in force: its words, its countries, and whether it holds for bullets only (None: not yet known)."""

    text: str
    countries: list[NamedCountry]
    is_for_bullets: bool | None


def read_action_plan(text: str, names: CountryNames) -> ActionPlan:
    """Read the items of an action plan with their countries."""
    plan = ActionPlan()
    heading: _Heading | None = None
    lines = read_lines(text)
    for position, line in enumerate(lines):
        is_last = position == len(lines) - 1
        new_heading = None if is_last else _read_heading(text, line, names, heading)
        if new_heading:
            heading = new_heading
            plan.mentions += [country for country in heading.countries if country not in plan.mentions]
            continue
        if heading:
            is_bullet = line.marker is not None
            if heading.is_for_bullets is None:
                heading = heading._replace(is_for_bullets=is_bullet)
            elif heading.is_for_bullets and not is_bullet:
                heading = None  # a paragraph behind the bullets of a heading stands for itself
        _add_item(plan, text, line, heading, names)
    return plan


def _read_heading(text: str, line: Line, names: CountryNames, current: _Heading | None) -> _Heading | None:
    """The heading that a line is, if it is one: countries alone, a reset, or one sentence that ends in a colon."""
    words = text[line.char_start : line.char_end]
    countries, end = _read_names(text, _IN.match(text, line.char_start, line.char_end), line, names)
    if countries and _HEADING_END.match(text, end, line.char_end):
        return _Heading(words, countries, None)
    if _RESET.fullmatch(words):
        return _Heading(words, [], None)
    if words.endswith(":") and not _SENTENCE_END.search(words):
        # A lead-in inside the bullets of a country is still about that country.
        if current and line.marker is not None and current.is_for_bullets is not False:
            return current._replace(text=words)
        return _Heading(words, [], None)
    return None


def _read_names(
    text: str, opening: re.Match[str] | None, line: Line, names: CountryNames
) -> tuple[list[NamedCountry], int]:
    """The countries named one after the other from the end of `opening` (`Uganda and Rwanda`), and where they end."""
    countries: list[NamedCountry] = []
    end = position = opening.end() if opening else line.char_start
    while country := names.named_at(text, position):
        if country.char_end > line.char_end:
            break
        countries.append(country)
        end = country.char_end
        joint = _AND.match(text, end, line.char_end)
        if not joint:
            break
        position = joint.end()
    return countries, end


def _add_item(plan: ActionPlan, text: str, line: Line, heading: _Heading | None, names: CountryNames) -> None:
    opening = _IN.match(text, line.char_start, line.char_end)
    countries, end = _read_names(text, opening, line, names)
    has_preposition = bool(opening and text[line.char_start : opening.end()].strip(' "“«'))
    is_opening = bool(countries) and bool(
        _AFTER_COLON_NAME.match(text, end, line.char_end)
        or (has_preposition and _AFTER_IN_NAME.match(text, end, line.char_end))
    )
    evidence = OPENING if is_opening else HEADING
    if not is_opening:
        countries = heading.countries if heading else []
    number = len(plan.items) + 1
    plan.items.append(
        ActionItem(
            number,
            line.line_number,
            line.marker,
            heading.text if heading else None,
            text[line.char_start : line.char_end],
            COUNTRY if countries else PROGRAMME,
            line.char_start,
            line.char_end,
        )
    )
    seen: set[str] = set()
    for country in countries:
        if country.country_iso3 not in seen:
            seen.add(country.country_iso3)
            words = text[country.char_start : country.char_end]
            plan.countries.append(
                ItemCountry(number, country.country_iso3, evidence, words, country.char_start, country.char_end)
            )
    if is_opening:
        plan.mentions += countries
