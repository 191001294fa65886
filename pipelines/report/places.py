"""Makes the figures of countries: a world map of the action items that name them, and those that are named most.

What is counted is said in `sql/report/countries.sql`; how a map is drawn does not belong here.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from pipelines.report import colours
from pipelines.report.charts import places
from pipelines.report.model import MOST_ROWS, Bar, Bars, Figure, Part, Row, Table, WorldMap, ask, more_rows
from pipelines.report.words import count, listed, share

#: Countries in the ranking.
_MOST = 15
_STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000]


def countries(connection: duckdb.DuckDBPyConnection, items: int, naming: int) -> list[Figure]:
    """Map and ranking. `items` is the number of all action items, `naming` of those that name a country."""
    rows = ask(connection, "countries")
    if not rows:
        reading = "No action item names a country." if items else "There is no action item in this warehouse yet."
        return [Figure("world", "Action items by country", reading, f"n = {count(items, 'action item')}")]
    records = f"n = {count(naming, 'action item')} that {'names' if naming == 1 else 'name'} countries, of {items:,}"
    table = Table(
        ["Country", "Action items that name it", "Of open recommendations", "Recommendations"],
        [
            [row["country_name"], row["action_items"], row["open_action_items"], row["recommendations"]]
            for row in rows[:MOST_ROWS]
        ],
        more_rows(rows, "mart.country_profile"),
    )
    return [_map(rows, records, _map_reading(rows, items, naming), table), _ranking(rows, records, table)]


def _map(rows: Sequence[Row], records: str, reading: str, table: Table) -> Figure:
    classes = _classes(rows[0]["action_items"])
    fills = {}
    for row in rows:
        (fill,) = [fill for fill, low, high in classes if low <= row["action_items"] <= high]
        fills[row["country_iso3"]] = (fill, _words(row))
    shapes, dots = places()
    notes = []
    if any(row["country_iso3"] in dots for row in rows):
        notes.append("Dots stand for countries that are too small to see.")
    if unplaced := [row["country_name"] for row in rows if row["country_iso3"] not in shapes | dots]:
        notes.append(f"Not on the map: {listed(unplaced)}.")
    return Figure(
        "world",
        "Action items by country",
        reading,
        records,
        WorldMap(fills),
        "A map of the world: the more action items name a country, the darker it is.",
        [
            (colours.LAND, "no item"),
            *((fill, count(low, "item") if low == high else f"{low:,}–{high:,} items") for fill, low, high in classes),
        ],
        notes,
        table,
    )


def _classes(most: int) -> list[tuple[str, int, int]]:
    """At most five classes of amounts from 1 to `most`, as (colour, lowest, highest): round numbers, or each number."""
    size = len(colours.AMOUNTS)
    bounds = list(range(1, most + 1)) if most <= size else [step for step in _STEPS if step <= most / 1.2]
    bounds = [1, *bounds[1:][-(size - 1) :]]
    # A few classes have the middle colours: one item need not be black.
    fills = colours.AMOUNTS if len(bounds) == size else colours.AMOUNTS[size - 1 - len(bounds) : size - 1]
    ends = [bound - 1 for bound in bounds[1:]] + [most]
    return list(zip(fills, bounds, ends, strict=True))


def _words(row: Row) -> str:
    items = f"{row['country_name']}: {count(row['action_items'], 'action item')}"
    return f"{items}, {row['open_action_items']:,} of open recommendations"


def _map_reading(rows: Sequence[Row], items: int, naming: int) -> str:
    named = f"{naming:,} of {count(items, 'action item')} {'names' if naming == 1 else 'name'}"
    most = rows[0]["action_items"]
    first = [row["country_name"] for row in rows if row["action_items"] == most]
    often = "once" if most == 1 else f"{most:,} times"
    each = " each" if len(first) > 1 else ""
    if len(rows) == 1:
        return f"{named} a country: {first[0]}."
    if len(first) == len(rows) <= 5:
        return f"{named} a country: {listed(first)}, {often} each."
    if len(first) > 3:
        return f"{named} one or more of {len(rows)} countries, {len(first)} of them most often ({often} each)."
    return f"{named} one or more of {len(rows)} countries, most often {listed(first)} ({often}{each})."


def _ranking(rows: Sequence[Row], records: str, table: Table) -> Figure:
    shown, rest = rows[:_MOST], rows[_MOST:]
    bars = [
        Bar(
            row["country_name"],
            [
                Part(row["open_action_items"], colours.ORANGE, _words(row)),
                Part(row["action_items"] - row["open_action_items"], colours.GREY, _words(row)),
            ],
            (f"{row['action_items']:,}", f"{row['open_action_items']:,}"),
        )
        for row in shown
    ]
    open_items = sum(row["open_action_items"] for row in rows)
    closed_items = sum(row["action_items"] for row in rows) - open_items
    notes = []
    if rest:
        amount = count(rest[0]["action_items"], "item")
        one = f"One more country, with {amount}, is not drawn."
        several = f"{len(rest)} more countries, with at most {amount} each, are not drawn."
        notes.append(one if len(rest) == 1 else several)
    return Figure(
        "countries",
        "The countries named most",
        _ranking_reading(rows, open_items, open_items + closed_items),
        f"{records}; an item of several countries counts in each",
        Bars(bars, ("Items", "Open"), rows[0]["action_items"]),
        "Horizontal bars, one a country, divided into items of open and of closed recommendations.",
        [
            *([(colours.ORANGE, "of open recommendations")] if open_items else []),
            *([(colours.GREY, "of closed recommendations")] if closed_items else []),
        ],
        notes,
        table,
    )


def _ranking_reading(rows: Sequence[Row], open_items: int, items: int) -> str:
    if not open_items:
        return "None of these items belongs to a recommendation that is still open."
    if open_items == items:
        return f"{'All of these items belong' if items > 1 else 'It belongs'} to a recommendation that is still open."
    top = max(row["open_action_items"] for row in rows)
    first = sorted(row["country_name"] for row in rows if row["open_action_items"] == top)
    most = (
        f"; {listed(first)} {'has' if len(first) == 1 else 'have'} the most of these ({top:,})"
        if len(first) <= 3
        else ""
    )
    belong = "belongs" if open_items == 1 else "belong"
    return f"Counted by country, {share(open_items, items)} {belong} to a recommendation that is still open{most}."
