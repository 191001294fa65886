"""Makes of the rows of `context_words.csv` the sets and phrase tables that the readers of mentions and plans ask.

A word is kept folded. A kind is one question: which words are currencies, which phrases announce a donor. Pure; what
follows from an answer does not belong here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pipelines.folding import fold

_NO_WORDS: frozenset[str] = frozenset()
_CONTRACTIONS = {"du": "de", "des": "de", "d'": "de", "del": "de", "au": "a", "aux": "a", "al": "a"}


class ContextWords:
    """The vocabulary of words around country names: by kind, as a set and as phrases by their last or first word."""

    def __init__(self, rows: Iterable[Mapping[str, str]]) -> None:
        words: dict[str, dict[str, None]] = {}
        for row in rows:
            word = row["word"] if row["kind"] == "donor_country" else fold(row["word"])
            words.setdefault(row["kind"], {})[word] = None
        self._words = {kind: frozenset(kind_words) for kind, kind_words in words.items()}
        self.articles = self["article"]
        #: What may stand between the countries of a list, and around them, without saying anything of them.
        self.list_words = self["joint"] | self.articles | self["filler"]
        self._not_plain = self.articles | _CONTRACTIONS.keys()

    def __getitem__(self, kind: str) -> frozenset[str]:
        return self._words.get(kind, _NO_WORDS)

    def plain(self, tokens: Sequence[str]) -> list[str]:
        """Tokens without articles and with contractions undone: `du`, `de la` and `de` are one word."""
        if self._not_plain.isdisjoint(tokens):
            return list(tokens)
        articles = self.articles
        return [token for token in (_CONTRACTIONS.get(token, token) for token in tokens) if token not in articles]

    def by_last_word(self, *kinds: str) -> dict[str, list[tuple[str, str]]]:
        """Last word of a phrase -> (phrase as it ends a string, kind), longest first."""
        table: dict[str, list[tuple[str, str]]] = {}
        for kind, phrase in self._phrases(kinds):
            last = phrase.rsplit(" ", 1)[-1]
            table.setdefault(last, []).append((" " + phrase, kind))
            if phrase[0] in "aeiouh" and " " in phrase:  # a lost apostrophe: `lappui financier de`
                table[last] += [(" l" + phrase, kind), (" d" + phrase, kind)]
        return _longest_first(table)

    def by_first_word(self, *kinds: str) -> dict[str, list[tuple[str, str]]]:
        """First word of a phrase -> (phrase as it begins a string, kind), longest first."""
        table: dict[str, list[tuple[str, str]]] = {}
        for kind, phrase in self._phrases(kinds):
            table.setdefault(phrase.split(" ", 1)[0], []).append((phrase + " ", kind))
        return _longest_first(table)

    def _phrases(self, kinds: Sequence[str]) -> Iterable[tuple[str, str]]:
        for kind in kinds:
            for phrase in sorted(self[kind]):
                yield kind, " ".join(self.plain(phrase.replace("'", "' ").split())) or phrase


def _longest_first(table: dict[str, list[tuple[str, str]]]) -> dict[str, list[tuple[str, str]]]:
    return {word: sorted(phrases, key=lambda entry: -len(entry[0])) for word, phrases in table.items()}
