"""Finds the countries that a running text names, each with the exact offsets of its words and how it is named.

Every surface form of `country_names.csv` is looked for, leftmost and longest: names and English demonyms with a
capital, French and Spanish demonyms in text of that language, codes in exact case, and decoys, which eat their words.
Words around a form may show that it is a currency, a language, a river, a person or a state of the USA. Pure; what a
country is there for (donor, model, …) does not belong here.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from bisect import bisect
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from pipelines.context import ContextWords
from pipelines.folding import NEXT_WORD, WORD, fold, joint, words_and_joints

NAME, CODE, DEMONYM = "name", "code", "demonym"
_DECOY = "decoy"

_CAPITALISED = re.compile("[A-Z\u00c0-\u00d6\u00d8-\u00de\u0100-\u017f][^\\W_]*")
#: A title and a first name: what follows is a surname.
_NAMED = re.compile(r"\b(\w+)\.? [^\W\d_a-zß-ÿ][\w'’-]+ \Z")
_LETTERS = re.compile(r"[^\W\d_]{3,}")
#: A host is looked for from its first label only: from each of them it would take forever on `i.l.o.i.l.o. …`.
_LINK = re.compile(
    r"https?://\S+|www\.\S+"
    r"|(?<![\w-])(?<![a-z0-9-]\.)[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:org|com|int|net|gov|edu|info)\b\S*"
)
_LINK_SIGNS = ("://", "www.", ".org", ".com", ".int", ".net", ".gov", ".edu", ".info")
_MOST_ADDRESS = 120  # characters of an e-mail address on either side of its @
_AROUND = 64  # characters looked at before and behind a form
_TOKEN = re.compile(r"[^\W_]+(?:-[^\W_]+)*'?|[,;:.(]")
_NEXT_TOKEN = re.compile(r"[\s-]*('?[^\W_]+)")
_LANGUAGES = ("fr", "es")
_ENOUGH_TO_START = 8  # characters by which a form that begins small is looked for


class Mention(NamedTuple):
    """A country named in a text: half-open offsets of the words, in code points."""

    char_start: int
    char_end: int
    country_iso3: str
    kind: str


class _Form:
    """All that one spelling may stand for."""

    __slots__ = ("codes", "demonyms", "is_decoy", "name", "name_language", "starts_small", "tail", "word")

    def __init__(self) -> None:
        self.name: str | None = None
        self.name_language: str | None = None  # where the name is a name in this language only
        self.codes: dict[str, str] = {}  # letters in exact case -> country
        self.demonyms: dict[str, str] = {}  # language -> country
        self.is_decoy = False
        self.starts_small = False  # eSwatini, ni-Vanuatu
        self.tail = ""
        self.word: str | None = None  # the folded form, if it is one word


class MentionFinder:
    """The surface forms, ready to be looked for in texts."""

    def __init__(self, names: Iterable[Mapping[str, str]], context: ContextWords) -> None:
        self._context = context
        self._root: dict[str, dict[str, object]] = {}
        self._demonym_words: dict[str, set[str]] = {language: set() for language in _LANGUAGES}
        self._small_starts: set[str] = set()
        self._decoy_leads: dict[str, list[tuple[str, str]]] = {}
        for row in names:
            if row["kind"] != "label":
                self._add(row["surface"], row["country_iso3"], row["kind"], row["language"])
        self._geography_before = (*sorted(word + " " for word in context["geography_before"]), "golfe d'")
        self._currencies = context["currency"]
        self._people_currencies = context["currency"] | context["currency_of_people"]
        self._language_names = context["language"] | context["language_demonym"]

    def _add(self, surface: str, iso3: str, kind: str, language: str) -> None:
        variants = [surface]
        if not surface.isascii():
            variants += [_double_decoded(surface), unicodedata.normalize("NFD", surface)]
        if "'" in fold(surface):
            variants += [re.sub("['’]", "", surface), re.sub("['’]", " ", surface)]
        for word in (" and ", " et ", " y "):
            if word in surface:
                variants.append(surface.replace(word, " & "))
        for variant in variants:
            self._add_variant(surface, variant, iso3, kind, language)

    def _add_variant(self, surface: str, variant: str, iso3: str, kind: str, language: str) -> None:
        keys, tail = words_and_joints(variant)
        if not keys:
            return
        node: dict[str, object] = self._root  # type: ignore[assignment]
        for key in keys:
            node = node.setdefault(key, {})  # type: ignore[assignment]
        form = node.setdefault("", _Form())
        assert isinstance(form, _Form)
        form.tail = max(form.tail, tail, key=len)
        form.word = keys[0] if len(keys) == 1 else None
        if kind == NAME:
            form.name = form.name or iso3
            local = form.word in self._context["local_name"] or fold(surface) in self._context["local_name"]
            form.name_language = language if local else None
        elif kind == CODE:
            form.codes[_letters(surface)] = iso3
        elif kind == DEMONYM:
            form.demonyms.setdefault(language, iso3)
            if language in _LANGUAGES:
                self._demonym_words[language].add(keys[0])
        else:
            form.is_decoy = True
            self._add_decoy_leads(keys)
        is_small = surface[0].islower() and kind != _DECOY and language not in (_LANGUAGES if kind == DEMONYM else ())
        if is_small and keys[0] not in self._context.articles:
            form.starts_small = True
            self._small_starts.add(variant[:_ENOUGH_TO_START])

    def _add_decoy_leads(self, keys: list[str]) -> None:
        """`river niger`: seen from the capital of Niger, the decoy began before."""
        for position in range(1, len(keys)):
            lead, rest = " ".join(keys[:position]) + " ", " ".join(keys[position:])
            if keys[position][0] == "'":  # cochon d'Inde
                lead, rest = lead[:-1] + "'", rest[1:]
            self._decoy_leads.setdefault(_first_word(rest), []).append((lead, rest))

    def find(self, text: str, folded: str, language: str | None = None) -> list[Mention]:
        """The countries named in a text, in order; `folded` is its folded form, `language` that of its words."""
        is_lower = text.islower()
        starts = self._starts(text, folded, language, is_lower)
        if not starts:
            return []
        masked = _masked_spans(text, folded)
        mentions: list[Mention] = []
        position = 0
        for start in starts:
            if start < position:
                continue
            if start and folded[start - 1].isalnum() and not _is_glued(folded, start, language):
                continue
            found = self._match(text, folded, start, language, is_lower)
            if found is None:
                continue
            end, iso3, kind, form = found
            position = end
            if iso3 is None or (masked and _is_inside(start, masked)):
                continue
            if self._is_something_else(text, folded, start, end, kind, form, language):
                continue
            mentions.append(Mention(start, end, iso3, kind))
        return mentions

    def _starts(self, text: str, folded: str, language: str | None, is_lower: bool) -> list[int]:
        """Where a form may begin: at capitalised words that begin one, and where a language writes it small."""
        root = self._root
        if is_lower:
            return [match.start() for match in WORD.finditer(folded) if match[0] in root]
        capitalised = set(_CAPITALISED.findall(text))
        wanted = {word for word in capitalised if _first_word(word) in root}
        starts: list[int] = []
        if wanted:
            starts = [match.start() for match in _CAPITALISED.finditer(text) if match[0] in wanted]
        extra = False
        if language in self._demonym_words:
            small = self._demonym_words[language].intersection(_LETTERS.findall(folded))
            if small:
                starts += [match.start() for match in _LETTERS.finditer(folded) if match[0] in small]
                extra = True
        for beginning in self._small_starts:
            if beginning in text:
                starts += [match.start() for match in re.finditer(re.escape(beginning), text)]
                extra = True
        return sorted(set(starts)) if extra else starts

    def _match(
        self, text: str, folded: str, start: int, language: str | None, is_lower: bool
    ) -> tuple[int, str | None, str, _Form] | None:
        """The longest form at `start` that may stand there: its end, its country (None: a decoy), its kind."""
        match = WORD.match(folded, start)
        if match is None:
            return None
        node = self._root.get(match[0])
        end = match.end()
        candidates = []
        while node:
            form = node.get("")
            if form is not None:
                candidates.append((form, end))
                if len(node) == 1:
                    break
            step = NEXT_WORD.match(folded, end)
            if step is None:
                break
            between = joint(step[1])
            if between is None:
                break
            node = node.get(between + step[2])  # type: ignore[assignment]
            end = step.end()
        for form, end in reversed(candidates):
            assert isinstance(form, _Form)
            resolved = self._resolve(form, text, start, end, language, is_lower)
            if resolved:
                while end < len(folded) and "\u0300" <= text[end] <= "\u036f":
                    end += 1  # the last accent of a decomposed form belongs to it
                if form.tail and folded.startswith(form.tail, end):
                    end += len(form.tail)
                return end, resolved[0], resolved[1], form
        return None

    def _resolve(
        self, form: _Form, text: str, start: int, end: int, language: str | None, is_lower: bool
    ) -> tuple[str | None, str] | None:
        if form.is_decoy:
            return None, _DECOY
        is_capital = text[start].isupper()
        if form.codes:
            iso3 = form.codes.get(_letters(text[start:end]))
            is_word = text[start:end].lower() in self._context["code_word"] and _is_in_capitals(text, start, end)
            if iso3 and not is_word:
                return iso3, CODE
        may_stand = is_capital or form.starts_small or (is_lower and form.word not in self._context["common_word"])
        if form.name and may_stand and not is_lower and _begins_with_small_name(text[start:end], self._context):
            return None  # El salvador del proyecto
        if form.name and may_stand and form.name_language in (None, language or form.name_language):
            return form.name, NAME
        if form.demonyms:
            if language in form.demonyms and language in _LANGUAGES:
                return form.demonyms[language or ""], DEMONYM
            if "en" in form.demonyms and may_stand and language not in _LANGUAGES:
                return form.demonyms["en"], DEMONYM
        return None

    # What else a form may be, by the words around it.

    def _is_something_else(
        self, text: str, folded: str, start: int, end: int, kind: str, form: _Form, language: str | None
    ) -> bool:
        before = folded[max(0, start - _AROUND) : start]
        following = _NEXT_TOKEN.match(folded, end)
        next_word = following[1] if following else ""
        if kind == CODE and (
            folded.startswith("$", end) or folded.startswith(" $", end) or _is_symbol(folded, start, end)
        ):
            return True
        if next_word and (
            next_word in (self._people_currencies if kind != NAME else self._currencies)
            or (next_word in self._context["geography_after"] and text[following.start(1)].isupper())  # type: ignore[union-attr]
        ):
            return not (kind == NAME and next_word == "city" and folded[start:end].endswith("city"))
        if before.endswith(self._geography_before) and kind != DEMONYM:
            return True
        for lead, rest in self._decoy_leads.get(_first_word(folded[start:end]), ()):
            if before.endswith(lead) and folded.startswith(rest, start):
                return True
        if kind == DEMONYM:
            return self._is_language_or_money(folded, before, start, end, next_word, language)
        if kind == NAME and form.word:
            return self._is_person(text, folded, before, start, end, form.word) or self._is_state(
                folded, before, end, form.word
            )
        return False

    def _is_person(self, text: str, folded: str, before: str, start: int, end: int, word: str) -> bool:
        previous = _TOKEN.findall(before[-24:])
        last = previous[-1] if previous else ""
        if last == ".":
            last = previous[-2] if len(previous) > 1 and before.endswith(". ") else ""
            if last in self._context["title"]:
                return True
        elif last in self._context["title"] and before.endswith(" "):
            return last not in ("m", "me", "don") or text[max(0, start - len(last) - 1)].isupper()
        named = _NAMED.search(text, max(0, start - _AROUND), start)
        if named and named[1][0].isupper() and named[1].lower() in self._context["title"] - {"me", "don"}:
            return True
        if last in self._context["first_name"] and before.endswith(" ") and text[start - 1 - len(last)].isupper():
            return True
        surname = _CAPITALISED.match(text, end + 1) if folded.startswith(" ", end) else None
        if surname is None or last in ("in", "en", "au", "aux", "across", "throughout", "within", "from"):
            return False
        if fold(surname[0]) in self._context["org_word"] or surname[0].isupper():
            return False
        behind = _TOKEN.findall(folded[surname.end() : surname.end() + 48])
        if behind[:1] in ([","], ["("]) and not self._context["role_noun"].isdisjoint(behind[1:5]):
            return True
        return word in self._context["given_name"] and fold(surname[0]) not in self._root

    def _is_state(self, folded: str, before: str, end: int, word: str) -> bool:
        states = self._context["us_state"]
        behind = _TOKEN.findall(folded[end : end + 32])
        if behind[:1] == [","] and len(behind) > 1 and behind[1] in states:
            return True
        if word != "georgia":
            return False
        ahead = [token for token in _TOKEN.findall(before[-32:]) if token not in (",", "and", "or")]
        if ahead and (ahead[-1] in states or ahead[-1] in self._context["us_city"]):
            return True
        near = [token for token in behind if token not in (",", "and", "or", "(")][:1]
        return bool(near) and (near[0] in states or near[0] in ("us", "usa"))

    def _is_language_or_money(
        self, folded: str, before: str, start: int, end: int, next_word: str, language: str | None
    ) -> bool:
        word = folded[start:end]
        tokens = _TOKEN.findall(before)
        last = tokens[-1] if tokens else ""
        if language in _LANGUAGES and last in self._people_currencies:
            return True
        if last in self._context["language_before_any"]:
            return True
        if next_word in self._context["language_after"]:
            return next_word not in ("text", "edition", "summary", "version", "speaker", "speakers") or (
                word in self._language_names
            )
        if word not in self._context["language_demonym"]:
            return False
        names = self._language_names
        is_listed = False
        while tokens and (
            tokens[-1] in names or tokens[-1] in (",", "and", "or", "et", "ou", "y", "e", "o", "u", "l'")
        ):
            is_listed = is_listed or tokens[-1] in self._context["language"]
            tokens.pop()
        lead = tokens[-1] if tokens else ""
        if lead in self._context["language_verb"]:
            return True
        if lead == "of" and len(tokens) > 1 and tokens[-2] in self._context["language_noun"]:
            return self._ends_languages(folded, end)
        if language in _LANGUAGES:
            return lead in self._context["language_before_local"] or (is_listed and lead not in ("",))
        if lead not in self._context["language_before"] and not is_listed:
            return self._leads_languages(folded, end)
        return self._ends_languages(folded, end)

    def _ends_languages(self, folded: str, end: int) -> bool:
        """Whether a list of languages ends as one: with a sign or a small word, not with what is French or Thai."""
        is_behind_comma = False
        for token in _TOKEN.findall(folded[end : end + 80]):
            if token in self._language_names:
                is_behind_comma = False
            elif token == ",":
                is_behind_comma = True
            elif token not in ("and", "or"):
                small_words, nouns = self._context["function_word"], self._context["language_after"]
                return is_behind_comma or not token[0].isalnum() or token in small_words or token in nouns
        return True

    def _leads_languages(self, folded: str, end: int) -> bool:
        """Whether a list that begins a text goes on with a language proper: `French, Arabic and …`."""
        for token in _TOKEN.findall(folded[end : end + 80]):
            if token in self._context["language"]:
                return self._ends_languages(folded, end)
            if token in self._context["language_passive"]:
                return True  # French and German are taught
            if token in ("is", "are"):
                continue
            if token not in self._language_names and token not in (",", "and", "or"):
                return False
        return False


def _letters(words: str) -> str:
    return "".join(filter(str.isalnum, words))


def _first_word(word: str) -> str:
    match = WORD.match(fold(word))
    return match[0] if match else ""


def _double_decoded(surface: str) -> str:
    """The form as it looks where UTF-8 was read as Windows-1252 (`CÃ´te`)."""
    try:
        return surface.encode("utf-8").decode("cp1252")
    except UnicodeDecodeError:
        return surface.encode("utf-8").decode("latin-1")


def _is_glued(folded: str, start: int, language: str | None) -> bool:
    """`lInde`, `dHaïti`: French that lost its apostrophe."""
    return language == "fr" and folded[start - 1] in "ld" and not (start > 1 and folded[start - 2].isalnum())


def _begins_with_small_name(words: str, context: ContextWords) -> bool:
    """Whether an article with a capital is all that makes a name of these words."""
    article, _, rest = words.partition(" ")
    return bool(rest) and rest[0].islower() and article.lower() in context.articles


def _is_in_capitals(text: str, start: int, end: int) -> bool:
    """Whether all is in capitals around a code, which makes a word of some (`LET US …`, `THE OPT OUT`)."""
    around = text[max(0, start - 20) : start] + " " + text[end : end + 20]
    return not any(letter.islower() for letter in around) and any(letter.isupper() for letter in around)


def _is_symbol(folded: str, start: int, end: int) -> bool:
    """A part of a project symbol: `PNG/12/01/AUS`, `…/02/USA`."""
    return (folded.startswith("/", end) and folded[end + 1 : end + 2].isdigit()) or (
        folded.endswith("/", 0, start) and folded[max(0, start - 2) : start - 1].isdigit()
    )


def _is_inside(start: int, spans: list[tuple[int, int]]) -> bool:
    """Whether an offset is in one of these spans, which are sorted by where they begin."""
    position = bisect(spans, (start, sys.maxsize)) - 1
    return position >= 0 and start < spans[position][1]


def _masked_spans(text: str, folded: str) -> list[tuple[int, int]]:
    """Addresses: nothing inside a URL or an e-mail address is a country."""
    spans = []
    if any(sign in folded for sign in _LINK_SIGNS):
        spans = [match.span() for match in _LINK.finditer(folded)]
    position = text.find("@")
    while position >= 0:
        first = max((text.rfind(blank, max(0, position - _MOST_ADDRESS), position) for blank in " \n\t"), default=-1)
        lasts = [text.find(blank, position, position + _MOST_ADDRESS) for blank in " \n\t"]
        last = min((found for found in lasts if found >= 0), default=min(len(text), position + _MOST_ADDRESS))
        spans.append((max(first, position - _MOST_ADDRESS) + 1, last))
        position = text.find("@", last + 1)
    return sorted(spans)
