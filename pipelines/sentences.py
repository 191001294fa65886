"""Cuts a line into its sentences, and a sentence before each clause that opens with a country and a colon.

A full stop ends a sentence unless an abbreviation, a number or an initial stands before it; quotes and brackets stay
with the sentence that they close; sentences that lost the blank between them are cut apart. Pure; what a sentence is
about does not belong here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipelines.context import ContextWords

#: An end sign with closing quotes, blanks, then what a sentence may begin with; or an end sign glued to a capital.
_END = re.compile(
    r"""[.!?…]["'”’»)\]]*\s+(?=["'“‘«(\[¿¡]*\s?[^\W_a-zà-öø-ÿ])|(?<=[a-zà-öø-ÿ)])\.(?=[A-ZÀ-ÖØ-Þ][a-zà-öø-ÿ])"""
)
_WORD_BEFORE = re.compile(r"[^\s(\[\"“«,;:/]*$")
_WORD_BEHIND = re.compile(r"[\"'“‘«(\[¿¡\s]*([^\W_]+)")
_INITIALS = re.compile(r"(?:[^\W\d_]\.)*[A-Z]")
_REFERENCE = re.compile(r"\(?(?:[A-Z]\.?)?\d{1,2}(?:\.\d{1,2})*")
_LONGEST_WORD = 20
_COLON = re.compile(r"[ \u00a0]?:")
#: What stands between the end of a clause and the country that opens the next: a marker, an article.
_CLAUSE_LEAD = re.compile(
    r"""[;,.:–-](?P<marker>\s+(?:\(?[a-z0-9]{1,3}\)\s*)?)(?P<article>(?:the|la|le|les|el|los|las)\s+|l['’])?$""",
    re.IGNORECASE,
)


class SentenceCutter:
    """The abbreviations, ready to be asked."""

    def __init__(self, context: ContextWords) -> None:
        self._abbreviations = context["abbreviation"]
        self._starters = context["sentence_start"]

    def cut(self, text: str, start: int, end: int) -> list[tuple[int, int]]:
        """Half-open offsets of the sentences of a line, without the blanks between them."""
        spans = []
        first = start
        for match in _END.finditer(text, start, end):
            if self._is_end(text, first, match):
                last = match.end() - 1
                while text[last].isspace():
                    last -= 1
                spans.append((first, last + 1))
                first = match.end()
        if first < end:
            spans.append((first, end))
        return spans

    def _is_end(self, text: str, start: int, match: re.Match[str]) -> bool:
        if text[match.start()] != ".":
            return True
        position = match.start()
        before = _WORD_BEFORE.search(text, max(start, position - _LONGEST_WORD), position)
        word = before[0] if before else ""
        if word.lower() in self._abbreviations:
            return word == "no" and position - 3 > start and self._opens(text, match.end())
        if _INITIALS.fullmatch(word):  # U.S. J. Smith
            return len(word) > 1 and self._opens(text, match.end())
        # A number at the beginning is a marker (`R.3.1. Malaysia`), elsewhere it may end a sentence (`in 2025.`).
        return not (position - len(word) == start and _REFERENCE.fullmatch(word))

    def _opens(self, text: str, position: int) -> bool:
        behind = _WORD_BEHIND.match(text, position)
        return behind is not None and behind[1].lower() in self._starters


def cut_clauses(text: str, sentence: tuple[int, int], openings: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """A sentence cut before each of these words (`openings`: their offsets) that opens a clause with a colon.

    A marker before such a clause (`b) Somalia: …`) is in no clause, as the marker of a bullet is in no line.
    """
    start, end = sentence
    spans = []
    for first, last in openings:
        if first <= start or not _COLON.match(text, last, end):
            continue
        lead = _CLAUSE_LEAD.search(text, max(start, first - _LONGEST_WORD), first)
        if lead and lead.start() > start:
            spans.append((start, lead.start() + 1))
            start = lead.end("marker") if lead["article"] is None else lead.start("article")
    spans.append((start, end))
    return spans
