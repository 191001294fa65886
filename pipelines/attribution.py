"""Tells which countries each sentence of an action plan is about, and on which words that rests.

A country that opens a sentence (`In Mali, …`) or heads its line holds until the paragraph ends; one that a sentence
only mentions holds while pronouns carry on from it (`It will …`, `Los dos países …`); a reset (`Overall, …`) ends both.
Only subjects count: roles come from `roles.py`. Pure; cutting a plan into lines and items does not belong here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from pipelines.context import ContextWords
from pipelines.folding import fold
from pipelines.mentions import DEMONYM
from pipelines.roles import EXCLUDED, SUBJECT, RoledMention

OPENING, HEADING, MENTION, CARRIED = "opening", "heading", "mention", "carried"

_TOKEN = re.compile(r"[^\W_]+(?:-[^\W_]+)*'?")
_HEAD = 110  # characters in which the beginning of a sentence says what it goes on from
_HEAD_TOKENS = 9
_LONGEST_GAP = 60  # characters between two countries of a list
#: The name of a programme that ends in its country.
_PROGRAMME_NAME = re.compile(r"(?:(?:The|Le|La|El) )?(?:[A-ZÀ-Þ][\w-]+ ){1,4}")
_COLON = re.compile(r"\s*(?:\([^()]{0,80}\)\s*)?(?::|[–—]\s|-\s)")
#: Spanish leaves the pronoun out: `Capacitará a …`, `Incluirían …`.
_BARE_VERB = re.compile(r"[A-ZÁÉÍÓÚ][a-záéíóúñ]+(?:rá|rán|ría|rían)\b")


class Evidence(NamedTuple):
    """A country that a sentence is about: how it is known, and the mention that it rests on."""

    how: str
    mention: RoledMention


@dataclass(slots=True)
class Topic:
    """What the sentences so far were about."""

    strong: list[Evidence] = field(default_factory=list)  # by an opening: holds to the end of the paragraph
    recent: list[Evidence] = field(default_factory=list)  # of the last sentence: holds over a pronoun
    named: dict[str, Evidence] = field(default_factory=dict)  # by country, all since the last reset, the latest last
    sentence: tuple[int, int] = (0, 0)


def _once(found: Sequence[Evidence]) -> list[Evidence]:
    """The first evidence of each country: a line may name one ten thousand times, and every sentence carry it on."""
    first: dict[str, Evidence] = {}
    for evidence in found:
        first.setdefault(evidence.mention.country_iso3, evidence)
    return list(first.values())


class Attributor:
    """The words that open, carry on and reset, ready to be asked."""

    def __init__(self, context: ContextWords, region_labels: Sequence[str]) -> None:
        self._context = context
        self._resets = context.by_first_word("reset")
        self._anywhere = tuple(f" {' '.join(context.plain(phrase.split()))} " for phrase in context["reset_anywhere"])
        # The longest word of each: hardly a sentence has one of them, so hardly one is taken apart.
        self._anywhere_words = tuple({max(phrase.split(), key=len) for phrase in self._anywhere})
        self._connectors = context.by_first_word("connector")
        self._openers = context.by_first_word("opener")
        self._country_anaphors = context.by_first_word("country_anaphor")
        self._regions = frozenset(
            " ".join(context.plain(_TOKEN.findall(fold(label)))) for label in region_labels if label
        ) - {""}

    def read(
        self,
        text: str,
        folded: str,
        span: tuple[int, int],
        mentions: Sequence[RoledMention],
        topic: Topic,
        heading: Sequence[RoledMention],
        is_first: bool,
    ) -> list[Evidence]:
        """The countries of one sentence; `topic` is brought up to date. `heading`: the countries that the line has."""
        start, end = span
        subjects = [mention for mention in mentions if mention.role == SUBJECT]
        if not subjects and not (topic.strong or topic.recent or heading):
            topic.sentence = span
            return []
        tokens = self._head(folded, start, end)
        found = self._of_subjects(text, folded, span, subjects, topic, tokens, heading)
        if found is None:
            found = self._of_context(text, folded, span, mentions, topic, tokens, heading, is_first)
        topic.recent = found
        topic.sentence = span
        for evidence in found:
            topic.named.pop(evidence.mention.country_iso3, None)
            topic.named[evidence.mention.country_iso3] = evidence
        return found

    # A sentence that names its countries.

    def _of_subjects(
        self,
        text: str,
        folded: str,
        span: tuple[int, int],
        subjects: list[RoledMention],
        topic: Topic,
        tokens: list[str],
        heading: Sequence[RoledMention],
    ) -> list[Evidence] | None:
        if not subjects:
            return None
        start, end = span
        lead = self._lead(folded, start, subjects[0].char_start)
        is_opening = not lead and (subjects[0].kind != DEMONYM or bool(_COLON.match(folded, subjects[0].char_end, end)))
        if is_opening:
            count = self._count_opened(folded, subjects)
            found = [Evidence(OPENING, mention) for mention in subjects[:count]]
            topic.strong = _once(found)
            return found + [Evidence(MENTION, mention) for mention in subjects[count:]]
        if heading:
            named = [mention for mention in subjects if mention.kind != DEMONYM]
            return [Evidence(HEADING, mention) for mention in heading] + [Evidence(MENTION, m) for m in named]
        found = [Evidence(MENTION, mention) for mention in subjects]
        if self._is_named_body(lead, text[start : subjects[0].char_start], subjects[0]):
            topic.strong = _once(found)
        elif topic.strong and self._is_anaphor(text, folded, span, tokens, topic):
            found = [Evidence(CARRIED, evidence.mention) for evidence in topic.strong] + found
        return found

    def _lead(self, folded: str, start: int, first: int) -> list[str]:
        """The words before the first country that say more than `In`, `For example, in` or `The`."""
        if first - start > _HEAD:
            return ["…"]
        words = self._context.plain(_TOKEN.findall(folded[start:first]))
        words = self._without(words, self._connectors)
        words = self._without(words, self._openers)
        return self._without(words, self._openers)

    @staticmethod
    def _without(words: list[str], phrases: dict[str, list[tuple[str, str]]]) -> list[str]:
        if words and words[0] in phrases:
            joined = " ".join(words) + " "
            for phrase, _ in phrases[words[0]]:
                if joined.startswith(phrase):
                    return joined[len(phrase) :].split()
        return words

    def _count_opened(self, folded: str, subjects: list[RoledMention]) -> int:
        """How many countries the list has that a sentence opens with."""
        for count, (last, following) in enumerate(pairwise(subjects), 1):
            gap = folded[last.char_end : following.char_start]
            if len(gap) > _LONGEST_GAP or not self._is_list(gap):
                return count
        return len(subjects)

    def _is_list(self, gap: str) -> bool:
        bare = re.sub(r"\([^()]*\)", "", gap)
        return (
            ":" not in bare
            and ";" not in bare
            and all(word in self._context.list_words for word in _TOKEN.findall(bare))
        )

    def _is_named_body(self, lead: list[str], before: str, first: RoledMention) -> bool:
        """`The ILO Office for Zambia …`, `Better Work Jordan …`: a body of the country is what is spoken of."""
        if first.kind == DEMONYM:
            return False
        is_office = len(lead) <= 6 and all(word in self._context["subject_noun"] for word in lead)
        return is_office or _PROGRAMME_NAME.fullmatch(before) is not None

    # A sentence that names none.

    def _of_context(
        self,
        text: str,
        folded: str,
        span: tuple[int, int],
        mentions: Sequence[RoledMention],
        topic: Topic,
        tokens: list[str],
        heading: Sequence[RoledMention],
        is_first: bool,
    ) -> list[Evidence]:
        is_reset = self._is_reset(folded, span, tokens) or any(mention.role == EXCLUDED for mention in mentions)
        if is_reset:
            topic.strong = []
            topic.named = {}
            return []
        if heading:
            return [Evidence(HEADING, mention) for mention in heading]
        if topic.recent and self._is_anaphor(text, folded, span, tokens, topic, is_first):
            return [Evidence(CARRIED, evidence.mention) for evidence in _once(self._counted(tokens, topic))]
        return [Evidence(CARRIED, evidence.mention) for evidence in topic.strong]

    def _counted(self, tokens: list[str], topic: Topic) -> list[Evidence]:
        """What a sentence carries on from: `both countries` may be those of the last two sentences."""
        for count, kind in ((2, "number_2"), (3, "number_3"), (4, "number_4")):
            if not self._context[kind].isdisjoint(tokens[:3]) and len(topic.recent) < count <= len(topic.named):
                return list(topic.named.values())[-count:]
        return topic.recent

    def _head(self, folded: str, start: int, end: int) -> list[str]:
        return _TOKEN.findall(folded[start : min(end, start + _HEAD)])[:_HEAD_TOKENS]

    def is_reset_heading(self, folded: str, start: int, end: int) -> bool:
        """Whether a heading is for the programme as a whole: `All countries`, `Au niveau mondial`, `Africa`."""
        return self._is_reset(folded, (start, end), self._head(folded, start, end), is_heading=True)

    def _is_reset(self, folded: str, span: tuple[int, int], tokens: list[str], is_heading: bool = False) -> bool:
        plain = self._without(self._context.plain(tokens), self._connectors)
        if not plain:
            return False
        joined = " ".join(plain) + " "
        for phrase, _ in self._resets.get(plain[0], ()):
            if joined.startswith(phrase):
                return True
        if plain[0] in self._context["region_opener"] or "a" in tokens[:1]:
            if self._begins_region(plain[1:]) or self._begins_region(plain):
                return True
        elif self._begins_region(plain) and (is_heading or ":" in folded[span[0] : span[0] + _HEAD]):
            return True
        sentence = folded[span[0] : span[1]]
        if not any(word in sentence for word in self._anywhere_words):
            return False
        whole = " " + " ".join(self._context.plain(_TOKEN.findall(sentence))) + " "
        return any(phrase in whole for phrase in self._anywhere)

    def _begins_region(self, words: list[str]) -> bool:
        return any(" ".join(words[:count]) in self._regions for count in range(1, min(len(words), 6) + 1))

    def _is_anaphor(
        self, text: str, folded: str, span: tuple[int, int], tokens: list[str], topic: Topic, is_first: bool = False
    ) -> bool:
        """Whether a sentence carries on from the one before; the first of a line only by what stands for countries."""
        if not tokens:
            return False
        anaphors = self._context["anaphor"]
        if self._stands_for_countries(tokens):
            return True
        if tokens[0] in anaphors:
            return True
        if is_first:
            return False
        if not anaphors.isdisjoint(tokens[1:4]) or _BARE_VERB.match(text, span[0], span[1]):
            return True
        comma = folded.find(",", span[0], min(span[1], span[0] + _HEAD))
        if comma > 0:
            behind = _TOKEN.findall(folded[comma : comma + 30])[:2]
            if behind and (behind[0] in anaphors or self._stands_for_countries(behind)):
                return True
        return self._repeats(folded, tokens, topic)

    def _stands_for_countries(self, tokens: list[str]) -> bool:
        plain = self._context.plain(tokens)
        joined = " ".join(plain) + " "
        if plain and any(joined.startswith(phrase) for phrase, _ in self._country_anaphors.get(plain[0], ())):
            return True
        numbers = self._context["number"]
        return len(tokens) > 1 and (
            (tokens[0] in self._context.articles or tokens[0] in ("all", "these", "ces", "estos", "estas"))
            and (tokens[1] in numbers or (len(tokens) > 2 and tokens[2] in numbers and tokens[1] in ("other",)))
        )

    def _repeats(self, folded: str, tokens: list[str], topic: Topic) -> bool:
        """`… requested a review. The review will …`: what the last sentence brought up is still its country's."""
        if tokens[0] not in self._context.articles or len(tokens) < 2:
            return False
        last = set(_TOKEN.findall(folded[topic.sentence[0] : topic.sentence[1]]))
        if tokens[1] in self._context["programme_noun"]:
            return False
        small_words = self._context["function_word"]
        return any(len(word) > 3 and word not in small_words and word in last for word in tokens[1:3])
