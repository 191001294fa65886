"""Makes of a text its folded form, in which spellings are compared, and of a name its words and the joints of them.

Folding keeps the length, so an offset into the folded text is an offset into the text as it is stored. Pure; what the
words mean does not belong here.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_SAME_AS = {
    **dict.fromkeys("’‘ʼ`´′\x91\x92\ufffd", "'"),
    **dict.fromkeys("“”„«»\x93\x94", '"'),
    **dict.fromkeys("‐‑‒–—―\x96\x97\u00ad", "-"),
    **dict.fromkeys("\u00a0\u202f\u2007\u2009\u200a\u2002\u2003\u2028\u0085", " "),
}
#: Damage of real pages that takes several characters for one: an apostrophe or blank that was decoded twice.
_DAMAGE = (("\u00c2\u0092", " '"), ("\u00e2\u20ac\u2122", "  '"), ("\u00c2\u00a0", "  "))
#: A word, then what may stand between two words of one name: at most four characters.
WORD = re.compile(r"[^\W_]+")
NEXT_WORD = re.compile(r"([\W_]{1,4})([^\W_]+)")


def fold(text: str) -> str:
    """Lower case without accents, with straight quotes and hyphens, and as long as the text."""
    if text.isascii():
        return text.lower()
    for damaged, repaired in _DAMAGE:
        if damaged in text:
            text = text.replace(damaged, repaired)
    return _NOT_ASCII.sub(_fold_match, text).lower()


def _fold_match(match: re.Match[str]) -> str:
    return _fold_character(match[0])


@cache
def _fold_character(character: str) -> str:
    if character in _SAME_AS:
        return _SAME_AS[character]
    base = unicodedata.normalize("NFKD", character)[:1]
    # `İ` and its like grow when they are lowered, which would shift every offset behind them.
    return base if len(base.lower()) == 1 else "?"


@cache
def joint(gap: str) -> str | None:
    """What a gap between two words of one name says: "" (blank, hyphen, line end), its signs, or None for no joint."""
    if "\n" in gap and gap.strip(" \t\r\n"):
        return None  # a bullet on the next line does not carry on a name
    if gap.count("\n") > 1:
        return None
    signs = "".join(sign for sign in gap if sign not in " \t\r\n-")
    return signs.replace("[", "(").replace("]", ")")


def words_and_joints(surface: str) -> tuple[list[str], str]:
    """A surface form as the keys under which it is found (each word with the joint before it), and its last signs."""
    folded = fold(surface)
    keys: list[str] = []
    position = 0
    for match in WORD.finditer(folded):
        keys.append((joint(folded[position : match.start()]) or "") + match[0] if keys else match[0])
        position = match.end()
    return keys, folded[position:].strip()
