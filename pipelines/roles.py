"""Tells what a country that a text names is there for: the subject, a donor, a model, an exception, a seat, a people.

Mentions that stand in one list (`Malawi, Kenya and Zambia`) have one role. It is read from the words before the list
(`with funds from …`, `à l'exception du …`), from those behind it (`… refugees`, `…-based`), and from phrases of
`context_words.csv` only. Pure; finding the mentions does not belong here, nor which of them an action item is about.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from pipelines.context import ContextWords
from pipelines.mentions import CODE, DEMONYM, Mention

SUBJECT, DONOR, MODEL, EXCLUDED, OFFICE, PEOPLE = "subject", "donor", "model", "excluded", "office", "people"

_BEFORE, _BEHIND = 90, 80  # characters looked at on either side of a list
_LONGEST_GAP = 70
_TOKEN = re.compile(r"[^\W_]+(?:-[^\W_]+)*'?")
_CLAUSE_END = re.compile(r"[.;!?](?=\s)(?<!\b[a-z]\.)|\n")
_PLAIN_GAPS = frozenset((", ", " and ", ", and ", " & ", "/", " / ", " et ", " y ", " e ", " or ", " ou ", " o ", "-"))
_LIST_GAP = re.compile(r"\s*(?:\([^()\n]{0,60}\))?['’]?s?\s*([,/&–-]?)\s*([^()\n;:.]{0,40})")
_CONJUNCTION = re.compile(r"[&/-]|\b(?:and|et|y|e|or|ou|o|u|as well as|ainsi que|asi como|plus)\b")
_IN_CITY = re.compile(r"([^\W\d_]+)(?: \(|, )$")


class RoledMention(NamedTuple):
    """A country named in a text, with what it is there for: offsets are half-open, in code points."""

    char_start: int
    char_end: int
    country_iso3: str
    kind: str
    role: str


class RoleReader:
    """The phrases that give roles, ready to be asked."""

    def __init__(self, context: ContextWords) -> None:
        self._context = context
        self._before = context.by_last_word(
            "donor_before",
            "model_before",
            "excluded_before",
            "office_before",
            "people_before",
            "exchange_before",
            "support_before",
        )
        self._after = context.by_first_word(
            "donor_after", "model_after", "excluded_after", "office_after", "people_after"
        )
        self._body = context.by_first_word("donor_body")
        self._of_government = tuple(
            sorted((" " + " ".join(context.plain(phrase.split())) for phrase in context["of_government"]), key=len)
        )[::-1]
        self._local_nouns = {
            **dict.fromkeys(context["donor_noun_local"], DONOR),
            **dict.fromkeys(context["model_noun_local"], MODEL),
            **dict.fromkeys(context["people_noun"], PEOPLE),
        }

    def read(self, folded: str, mentions: Sequence[Mention]) -> list[RoledMention]:
        """The same mentions, each with its role."""
        roled: list[RoledMention] = []
        first = 0
        while first < len(mentions):
            last = self._end_of_list(folded, mentions, first)
            role = self._role(folded, mentions[first : last + 1])
            roled += [RoledMention(*mention, role) for mention in mentions[first : last + 1]]
            first = last + 1
        return self._with_peoples(folded, roled)

    # Lists of countries.

    def _end_of_list(self, folded: str, mentions: Sequence[Mention], first: int) -> int:
        last = first
        is_closed = False
        while last + 1 < len(mentions):
            gap = folded[mentions[last].char_end : mentions[last + 1].char_start]
            if not self._is_list_gap(gap):
                break
            has_conjunction = _CONJUNCTION.search(gap) is not None
            if is_closed and not has_conjunction:
                break  # With funds from Norway and Sweden, Kenya will …
            is_closed = is_closed or has_conjunction
            last += 1
        if last > first and not is_closed and folded.startswith(" ", mentions[last].char_end):
            behind = folded[mentions[last].char_end : mentions[last].char_end + 6].lstrip()
            if behind[:1].isalpha() and not behind.startswith(("and ", "et ", "y ")):
                return last - 1  # With funds from Norway, Kenya will …: no list without a conjunction
        return last

    def _is_list_gap(self, gap: str) -> bool:
        if gap in _PLAIN_GAPS:
            return True
        if len(gap) > _LONGEST_GAP:
            return False
        match = _LIST_GAP.fullmatch(gap)
        if match is None:
            return False
        words = _TOKEN.findall(match[2])
        if not words:
            return bool(match[1]) or gap.strip() == ""
        joints, list_words = self._context["joint"], self._context.list_words
        has_joint = bool(match[1]) or words[0] in joints or " ".join(words[:3]).startswith(("as well as", "ainsi que"))
        return has_joint and all(
            word in list_words or word in ("as", "well", "ainsi", "asi", "que", "como") for word in words
        )

    # The role of a list.

    def _role(self, folded: str, mentions: Sequence[Mention]) -> str:
        start, end = mentions[0].char_start, mentions[-1].char_end
        before = folded[max(0, start - _BEFORE) : start]
        cut = [match.end() for match in _CLAUSE_END.finditer(before)]
        if cut:
            before = before[cut[-1] :]
        tokens = self._context.plain(_TOKEN.findall(before))
        role = self._role_before(before, tokens, mentions)
        if role:
            return role
        behind = folded[end : end + _BEHIND]
        ending = _CLAUSE_END.search(behind)
        if ending:
            behind = behind[: ending.start()]
        return self._role_behind(behind, mentions) or self._role_by_body(tokens, behind, mentions) or SUBJECT

    def _role_before(self, before: str, tokens: list[str], mentions: Sequence[Mention]) -> str | None:
        if not tokens:
            return None
        role = self._seat(before, tokens)
        if role:
            return role
        joined = " " + " ".join(tokens)
        role = self._announced(joined, tokens, mentions)
        if role:
            return role
        for chain in self._of_government:
            if joined.endswith(chain):
                joined = joined[: -len(chain)]
                rest = joined.split()
                if rest:
                    return self._announced(joined, rest, mentions)
                break
        return None

    def _announced(self, joined: str, tokens: list[str], mentions: Sequence[Mention]) -> str | None:
        for phrase, kind in self._before.get(tokens[-1], ()):
            if joined.endswith(phrase):
                if kind == "exchange_before":
                    return MODEL if not self._context["knowledge"].isdisjoint(tokens) else None
                if kind == "support_before":  # support of a partner country is not money
                    gives = self._context["donor_country"]
                    return DONOR if any(mention.country_iso3 in gives for mention in mentions) else None
                return kind.removesuffix("_before")
        if (
            len(tokens) > 2
            and tokens[-1] in ("in", "en", "by", "par", "por")
            and tokens[-2] in self._context["model_participle"]
            and not self._context["model_noun"].isdisjoint(tokens[-4:-2])
            and tokens[-3] not in ("be", "been", "being")
        ):
            return MODEL
        return None

    def _seat(self, before: str, tokens: list[str]) -> str | None:
        """`the centre in Turin (Italy)`, `the office in Dakar, Senegal`: the country of a seat."""
        match = _IN_CITY.search(before) if before.endswith((" (", ", ")) else None
        if match is None:
            return None
        if match[1] in self._context["seat_city"]:
            return OFFICE
        if len(tokens) > 2 and tokens[-2] in ("in", "at", "en", "de", "a", "of") and tokens[-1] == match[1]:
            return OFFICE if not self._context["seat_word"].isdisjoint(tokens[-6:-2]) else None
        return None

    def _role_behind(self, behind: str, mentions: Sequence[Mention]) -> str | None:
        tokens = _TOKEN.findall(behind)
        if tokens and tokens[0] in ("'s", "s") and behind[:1] in "'s":
            tokens = tokens[1:]
        if not tokens:
            return None
        is_joined = not behind[:1].strip() or behind[:1] in "-'"
        if is_joined:
            phrases = self._after.get(tokens[0])
            if phrases:
                words = " ".join(tokens[:6]) + " "
                plain = " ".join(self._context.plain(tokens[:6])) + " "
                for phrase, kind in phrases:
                    if words.startswith(phrase) or plain.startswith(phrase):
                        return kind.removesuffix("_after")
        if mentions[-1].kind == DEMONYM and is_joined and not self._context["people_noun"].isdisjoint(tokens[:3]):
            first_clause = behind.split(",")[0]
            if not self._context["people_noun"].isdisjoint(_TOKEN.findall(first_clause)[:3]):
                return PEOPLE
        return None

    def _role_by_body(self, tokens: list[str], behind: str, mentions: Sequence[Mention]) -> str | None:
        """A donor by what it is (its embassy, its ministry) or does (pays, finances), if it is one that gives."""
        last = tokens[-1] if tokens else ""
        is_demonym = mentions[0].kind == DEMONYM
        is_adjective = mentions[-1].kind in (DEMONYM, CODE)  # Swiss, US
        if is_demonym and last in self._local_nouns:  # the noun stands before the adjective: `réfugiés syriens`
            return self._local_nouns[last]
        if not all(mention.country_iso3 in self._context["donor_country"] for mention in mentions):
            return None
        following = _TOKEN.findall(behind)[:9]
        if is_adjective:
            words = " ".join(following) + " "
            if following and any(words.startswith(phrase) for phrase, _ in self._body.get(following[0], ())):
                return DONOR
            if last in self._context["donor_body_local"]:
                return DONOR
        elif tokens and any((" " + " ".join(tokens)).endswith(chain) for chain in self._of_government):
            return DONOR
        for token in following:
            if token in self._context["donor_verb"]:
                return DONOR
            if token not in self._context["donor_verb_skip"]:
                break
        return None

    def _with_peoples(self, folded: str, mentions: list[RoledMention]) -> list[RoledMention]:
        """`Venezuelan workers in Peru`: where a place is named as well, a nationality is not what it is about."""
        weak = self._context["people_noun_weak"]
        result = list(mentions)
        for position, mention in enumerate(mentions):
            if mention.kind != DEMONYM or mention.role != SUBJECT:
                continue
            near = [
                other
                for other in mentions[max(0, position - 3) : position] + mentions[position + 1 : position + 4]
                if other.role == SUBJECT and other.kind != DEMONYM and other.country_iso3 != mention.country_iso3
            ]
            if not any(self._is_same_sentence(folded, mention, other) for other in near):
                continue
            behind = _TOKEN.findall(folded[mention.char_end : mention.char_end + 30])[:3]
            ahead = _TOKEN.findall(folded[max(0, mention.char_start - 24) : mention.char_start])[-2:]
            if not weak.isdisjoint(behind) or not weak.isdisjoint(ahead):
                result[position] = mention._replace(role=PEOPLE)
        return result

    @staticmethod
    def _is_same_sentence(folded: str, one: RoledMention, other: RoledMention) -> bool:
        first, last = sorted((one.char_start, other.char_start))
        return last - first < 200 and not _CLAUSE_END.search(folded, first, last)
