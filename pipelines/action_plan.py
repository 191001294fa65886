"""Turns the text of an action plan into action items, each with the countries it is about and the words that say so.

An item is a line or bullet of the plan, cut between sentences where the countries change and before a clause that opens
with a country and a colon. A line that only introduces what follows is no item but the heading of the items below.
Pure; what a record is filed under never adds a country, and does not belong here.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pipelines.attribution import Evidence, Topic
from pipelines.bullets import Line, read_lines
from pipelines.countries import CountryNames
from pipelines.folding import fold
from pipelines.language import language_of
from pipelines.roles import SUBJECT, RoledMention
from pipelines.sentences import cut_clauses

COUNTRY, PROGRAMME = "country", "programme"

_LONGEST_HEADING = 300  # characters of a lead-in that ends in a colon
_LONGEST_TITLE = 60  # characters of a heading without a colon
_KEY = re.compile(r"[^\W\d_][^:\n]{1,24}:\s*")
_CLAUSE = re.compile(r"; +([^\W\d_][^:;.\n]{2,40}):")
_WORD = re.compile(r"[^\W_]+'?")
_IN_BRACKETS = re.compile(r"\([^()]*\)")
_SENTENCE_SIGNS = (".", ";", "!", "?", ",")


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
    """The items of a plan, their countries, and every country that the plan names."""

    items: list[ActionItem] = field(default_factory=list)
    countries: list[ItemCountry] = field(default_factory=list)
    mentions: list[RoledMention] = field(default_factory=list)


class _Heading(NamedTuple):
    """The heading in force: its words, its countries, its own bullet, and the bullet of the first line below it."""

    text: str
    countries: list[RoledMention]
    style: str | None
    style_below: str | None
    is_key: bool = False

    def holds_for(self, line: Line) -> bool:
        """Bullets end with the next paragraph, and lines of the heading's own level when its items are of another."""
        if self.is_key or line.style == self.style_below:
            return True
        if self.style_below is not None and line.style is None:
            return False
        return line.style is None or line.style != self.style


def read_action_plan(text: str, names: CountryNames) -> ActionPlan:
    """Read the items of an action plan with their countries."""
    language = language_of(text)
    plan = ActionPlan(mentions=names.read_mentions(text, language))
    reader = _PlanReader(text, names, plan)
    reader.read(read_lines(text))
    return plan


class _PlanReader:
    """What is known while the lines of one plan are read from first to last."""

    def __init__(self, text: str, names: CountryNames, plan: ActionPlan) -> None:
        self._text = text
        self._folded = fold(text)
        self._names = names
        self._plan = plan
        self._mentions = plan.mentions
        self._next_mention = 0
        self._heading: _Heading | None = None
        self._topic = Topic()
        self._last_style: str | None = None

    def read(self, lines: Sequence[Line]) -> None:
        last = len(lines) - 1
        for position, line in enumerate(lines):
            mentions = self._mentions_of(line)
            below = lines[position + 1] if position < last else None
            heading = self._read_heading(line, mentions, below) if below else None
            if heading:
                self._heading = heading
                self._topic = Topic()
                continue
            if self._heading and not self._heading.holds_for(line):
                self._heading = None
            self._read_items(line, mentions)
            self._last_style = line.style

    def _mentions_of(self, line: Line) -> list[RoledMention]:
        """The mentions inside a line; lines come in order, and so do mentions."""
        mentions = self._mentions
        first = self._next_mention
        count = len(mentions)
        while first < count and mentions[first].char_start < line.char_start:
            first += 1
        last = first
        while last < count and mentions[last].char_start < line.char_end:
            last += 1
        self._next_mention = last
        return mentions[first:last]

    # Headings.

    def _read_heading(self, line: Line, mentions: list[RoledMention], below: Line) -> _Heading | None:
        """The heading that a line is, if it is one: countries alone, a reset, a lead-in, or `Country: Mali`."""
        start, end = line.char_start, line.char_end
        length = end - start
        ends_in_colon = self._text[end - 1] == ":"
        if length > _LONGEST_HEADING or (length > _LONGEST_TITLE and not ends_in_colon):
            return None
        subjects = [mention for mention in mentions if mention.role == SUBJECT]
        words = self._text[start:end]
        if self._is_key_line(words, start):
            return _Heading(words, subjects, line.style, below.style, is_key=True)
        if not ends_in_colon and words.endswith(_SENTENCE_SIGNS):
            return None
        if ends_in_colon:
            if len(self._names.sentences.cut(self._text, start, end)) > 1:
                return None
            is_reset = not subjects and self._names.attributor.is_reset_heading(self._folded, start, end)
            if not subjects and not is_reset and self._heading and self._heading.holds_for(line):
                # A lead-in among the lines of a country is still about that country.
                return self._heading._replace(text=words, style_below=below.style)
            return _Heading(words, subjects, line.style, below.style)
        if subjects and self._is_only_names(start, end, subjects):
            return _Heading(words, subjects, line.style, below.style)
        if not subjects and self._is_only_reset(start, end):
            return _Heading(words, [], line.style, below.style)
        if subjects and line.style is None and below.style is not None and words.count(" ") < 8:
            return _Heading(words, subjects, line.style, below.style)
        return None

    def _is_key_line(self, words: str, start: int) -> bool:
        """Whether a line is a key like `Country:` with its value behind it."""
        match = _KEY.match(words)
        if match is None or match.end() == len(words):
            return False
        return self._folded[start : start + match.end()].strip(" :") in self._names.context["key"]

    def _is_only_names(self, start: int, end: int, subjects: list[RoledMention]) -> bool:
        list_words = self._names.context.list_words
        # What stands behind the last one tells most lines apart at once.
        position = end
        for mention in reversed(subjects):
            gap = _IN_BRACKETS.sub(" ", self._folded[mention.char_end : position])
            if any(word[0] not in list_words for word in _WORD.finditer(gap)):
                return False
            position = mention.char_start
        gap = _IN_BRACKETS.sub(" ", self._folded[start:position])
        return all(word[0] in list_words for word in _WORD.finditer(gap))

    def _is_only_reset(self, start: int, end: int) -> bool:
        words = self._folded[start:end]
        return words.count(" ") < 6 and self._names.attributor.is_reset_heading(self._folded, start, end)

    # Items.

    def _read_items(self, line: Line, mentions: list[RoledMention]) -> None:
        heading = self._heading
        countries = heading.countries if heading else []
        topic = self._topic
        topic.strong = []
        if line.style != self._last_style or countries:
            topic.recent = []
        units = self._names.sentences.cut(self._text, line.char_start, line.char_end)
        if mentions and ":" in self._text[line.char_start : line.char_end]:
            groups = sorted(_groups(self._folded, mentions) + self._reset_clauses(line))
            units = [clause for unit in units for clause in cut_clauses(self._text, unit, _inside(groups, unit))]
        marker = line.marker
        begun: tuple[int, int] | None = None
        evidence: dict[str, Evidence] = {}
        position = 0
        for number, unit in enumerate(units):
            own = []
            while position < len(mentions) and mentions[position].char_start < unit[1]:
                own.append(mentions[position])
                position += 1
            found = self._names.attributor.read(self._text, self._folded, unit, own, topic, countries, number == 0)
            by_country = {entry.mention.country_iso3: entry for entry in reversed(found)}
            if begun is not None and by_country.keys() != evidence.keys():
                self._add(line, marker, begun, evidence)
                begun, marker = None, None
            if begun is None:
                begun, evidence = unit, by_country
            else:
                begun = (begun[0], unit[1])
        if begun is not None:
            self._add(line, marker, begun, evidence)

    def _reset_clauses(self, line: Line) -> list[tuple[int, int]]:
        """The words before the colon of a clause for the programme as a whole: `…; Regional: …`."""
        is_reset = self._names.attributor.is_reset_heading
        clauses = _CLAUSE.finditer(self._text, line.char_start, line.char_end)
        return [clause.span(1) for clause in clauses if is_reset(self._folded, *clause.span(1))]

    def _add(self, line: Line, marker: str | None, span: tuple[int, int], evidence: dict[str, Evidence]) -> None:
        plan, text = self._plan, self._text
        number = len(plan.items) + 1
        scope = COUNTRY if evidence else PROGRAMME
        heading = self._heading.text if self._heading else None
        plan.items.append(ActionItem(number, line.line_number, marker, heading, text[span[0] : span[1]], scope, *span))
        for entry in sorted(evidence.values(), key=lambda entry: entry.mention.char_start):
            start, end = entry.mention.char_start, entry.mention.char_end
            plan.countries.append(
                ItemCountry(number, entry.mention.country_iso3, entry.how, text[start:end], start, end)
            )


def _groups(folded: str, mentions: list[RoledMention]) -> list[tuple[int, int]]:
    """The lists of countries among mentions: half-open offsets from the first to the last."""
    groups: list[tuple[int, int]] = []
    for mention in mentions:
        if mention.role != SUBJECT:
            continue
        if groups:
            gap = folded[groups[-1][1] : mention.char_start]
            if len(gap) < 40 and re.fullmatch(r"\s*(?:,|&|/|,?\s*(?:and|et|y|e))\s*(?:the |la |le |les |l'|el )?", gap):
                groups[-1] = (groups[-1][0], mention.char_end)
                continue
        groups.append((mention.char_start, mention.char_end))
    return groups


def _inside(groups: list[tuple[int, int]], span: tuple[int, int]) -> list[tuple[int, int]]:
    """Those that begin in a span; they are sorted."""
    return groups[bisect_left(groups, (span[0], 0)) : bisect_left(groups, (span[1], 0))]
