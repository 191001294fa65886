"""Finds words in the texts of an export: recommendations, action items, lessons and good practices, best match first.

Every word must be there, in any case, with or without accents, in any English ending. How the finds look does not
belong here.
"""

from __future__ import annotations

import re
import secrets
import sqlite3
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from pipelines.explorer.records import KEYS, Piece
from pipelines.explorer.tables import DATABASE
from pipelines.export.sqlite import SEARCHED

#: Finds shown of each kind.
SHOWN = 10
_TITLES: Mapping[str, str] = {
    "recommendations": "Recommendations",
    "action_items": "Action items",
    "lessons": "Lessons",
    "good_practices": "Good practices",
}


@dataclass(frozen=True, slots=True)
class Find:
    """A record in which the words are, and some of its text with them; `role` of a piece is `found`."""

    link: str
    label: str
    evaluation: str
    pieces: list[Piece]


@dataclass(frozen=True, slots=True)
class Finds:
    """What was found in a table."""

    title: str
    total: int
    finds: list[Find]
    link: str


def read_finds(connection: sqlite3.Connection, words: str) -> list[Finds]:
    """What is found in each table; nothing where there is no word in the words."""
    query = _query(words)
    return [_read(connection, table, query, words) for table in SEARCHED] if query else []


def find_number(connection: sqlite3.Connection, words: str) -> list[tuple[str, str]]:
    """Records and evaluations whose number the words are: label and link."""
    if not words.strip().isascii() or not words.strip().isdecimal() or len(words.strip()) > 18:
        return []
    number = int(words)
    return [
        (f"{title} {number}", f"/{DATABASE}/{table}/{number}")
        for title, table, key in (
            *((_TITLES[table].removesuffix("s"), table, key) for table, key in KEYS.items()),
            ("Evaluation", "evaluations", "eval_number"),
        )
        if connection.execute(f"SELECT 1 FROM {table} WHERE {key} = ?", (number,)).fetchone()
    ]


def _query(words: str) -> str:
    """Each word as a string of FTS5, so that nothing in it is an operator."""
    return " ".join(f'"{word}"' for word in re.findall(r"\w+", unicodedata.normalize("NFC", words)))


def _read(connection: sqlite3.Connection, table: str, query: str, words: str) -> Finds:
    search = f"{table}_fts"
    mark = secrets.token_hex(8)  # around the words found; no text of a page can have it
    (total,) = connection.execute(f"SELECT count(*) FROM {search} WHERE {search} MATCH ?", (query,)).fetchone()
    is_item = table == "action_items"
    number = "found.recommendation_id" if is_item else f"found.{KEYS[table]}"
    evaluation = (
        "JOIN recommendations ON recommendations.recommendation_id = found.recommendation_id "
        "LEFT JOIN evaluations ON evaluations.eval_number = recommendations.eval_number"
        if is_item
        else "LEFT JOIN evaluations ON evaluations.eval_number = found.eval_number"
    )
    rows = connection.execute(
        f"SELECT {number}, {'found.item_number' if is_item else 'NULL'}, evaluations.title, "
        f"snippet({search}, -1, '{mark}<', '{mark}>', '…', 48) "
        f"FROM {search} JOIN {table} AS found ON found.rowid = {search}.rowid {evaluation} "
        f"WHERE {search} MATCH ? ORDER BY {search}.rank LIMIT {SHOWN}",
        (query,),
    ).fetchall()
    page = "recommendations" if is_item else table
    return Finds(
        _TITLES[table],
        total,
        [
            Find(
                f"/{DATABASE}/{page}/{number}" + (f"#item-{item}" if is_item else ""),
                f"{_TITLES[page].removesuffix('s')} {number}" + (f", action item {item}" if is_item else ""),
                title or "",
                _excerpt(excerpt, mark),
            )
            for number, item, title, excerpt in rows
        ],
        f"/{DATABASE}/{table}?{urlencode({'_search': words})}",
    )


def _excerpt(text: str, mark: str) -> list[Piece]:
    first, *others = text.split(f"{mark}<")
    found = [Piece(first)]
    for other in others:
        inside, _, after = other.partition(f"{mark}>")
        found += [Piece(inside, role="found"), Piece(after)]
    return [piece for piece in found if piece.text]
