"""Tells the language of a text from its commonest words: English, French, Spanish, or another.

A rule and not a model: it needs no data, is right on a sentence, and says nothing on a few words. Pure.
"""

from __future__ import annotations

import re

_WORDS = {
    "en": "the of and to in for is are was were be been with that this will would on by as from it its which not or at "
    "an have has had should their they all can each who what when but these those there more other than into",
    "fr": "le la les des du de et à est sont en dans pour par sur que qui une un au aux avec ce cette ces il elle ils "
    "sera seront été être ont pas plus ou où leur leurs son sa ses nous mais dont entre lors se ne d l",
    "es": "el la los las de del y en que para por con una un es son se su sus al lo como más este esta estos estas fue "
    "ha han será no pero o entre sobre sin ser cada también donde cuando les le desde hasta",
}
#: Word -> languages it is common in; a word of two languages speaks half for each.
_LANGUAGES: dict[str, list[str]] = {}
for _language, _words in _WORDS.items():
    for _word in _words.split():
        _LANGUAGES.setdefault(_word, []).append(_language)
_WORD = re.compile(r"[^\W\d_]+")
#: How much of a text is looked at, in characters: more does not change the answer.
_ENOUGH = 600


def language_of(text: str) -> str | None:
    """`en`, `fr`, `es`, `other`, or None where there are too few words to tell (fewer than three)."""
    words = _WORD.findall(text[:_ENOUGH].lower())
    if len(words) < 3:
        return None
    counts = {"en": 0.0, "fr": 0.0, "es": 0.0}
    for languages in filter(None, map(_LANGUAGES.get, words)):
        for language in languages:
            counts[language] += 1 / len(languages)
    language = max(counts, key=lambda name: counts[name])
    # In each of the three, at least every eighth word is one of these.
    if counts[language] >= len(words) / 8:
        return language
    return "other" if len(words) >= 8 else None
