"""Gathers what the report shows, over one connection to the published warehouse: key figures, and figures in sections.

The same warehouse gives the same report: the newest observation is its date, not the clock. How it looks does not
belong here.
"""

from __future__ import annotations

import duckdb

from pipelines.report.model import Key, Report, Row, Section, ask
from pipelines.report.places import countries
from pipelines.report.quality import completeness, problems
from pipelines.report.status import GROUPINGS, ageing, by_group, contradictions
from pipelines.report.words import FEW, count, day, many, share


def key_figures(connection: duckdb.DuckDBPyConnection) -> dict[str, int | float | None]:
    """The numbers behind what the report begins with. Shares are from 0 to 1, and None where they are of nothing."""
    (totals,) = ask(connection, "totals")
    return {
        **{name: int(value) for name, value in totals.items() if isinstance(value, int)},
        "completed_share": _share(totals["completed"], totals["known_statuses"]),
        "open_two_years": _open_two_years(connection),
        "country_action_item_share": _share(totals["country_action_items"], totals["action_items"]),
        "contradiction_share": _share(totals["contradictions"], totals["comparable_statuses"]),
    }


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _open_two_years(connection: duckdb.DuckDBPyConnection) -> int:
    return sum(row["recommendations"] for row in ask(connection, "ageing") if (row["years"] or 0) >= 2)


def read_report(connection: duckdb.DuckDBPyConnection, is_demo: bool = False) -> Report:
    """All that the report shows of a published warehouse. `is_demo`: its texts are invented."""
    (totals,) = ask(connection, "totals")
    newest, oldest = totals["newest_observation"], totals["oldest_open"]
    items, naming = totals["action_items"], totals["country_action_items"]
    quality = [completeness(connection, totals["record_pages"]), problems(connection, totals)]
    return Report(
        title="What became of the recommendations",
        subject=_subject(totals),
        newest_observation=day(newest) if newest else "",
        keys=_keys(totals, _open_two_years(connection)),
        sections=[
            Section("implementation", "Implementation", [by_group(connection, grouping) for grouping in GROUPINGS]),
            Section("open", "Open recommendations", [ageing(connection, oldest)]),
            Section("places", "Countries", countries(connection, items, naming)),
            Section("conflicts", "Contradictions", contradictions(connection, is_demo)),
            Section("quality", "Data quality", quality),
        ],
        is_demo=is_demo,
    )


def _subject(totals: Row) -> str:
    first, last = totals["first_response"], totals["last_response"]
    subject = f"{count(totals['recommendations'], 'recommendation')} of {count(totals['evaluations'], 'evaluation')}"
    if first is None:
        return subject
    when = f"in {first.year}" if first.year == last.year else f"between {first.year} and {last.year}"
    return f"{subject}, answered {when}"


def _keys(totals: Row, old: int) -> list[Key]:
    return [
        Key(f"{totals['recommendations']:,}", _thing(totals["recommendations"], "recommendation"), _beside(totals)),
        _completed(totals),
        Key(f"{old:,}", "open for two years or more", _open(totals)),
        Key(
            f"{totals['country_action_items']:,}",
            f"action {_thing(totals['country_action_items'], 'item names/items name')} a country",
            f"of {count(totals['action_items'], 'item')} in action plans, for "
            f"{count(totals['countries'], 'country/countries')}",
        ),
        Key(
            f"{totals['contradictions']:,}",
            _thing(totals["contradictions"], "contradiction"),
            f"between follow-up status and progress, of {totals['comparable_statuses']:,} with both",
        ),
        Key(f"{totals['pages']:,}", f"{_thing(totals['pages'], 'page')} read", _problems(totals)),
    ]


def _thing(value: int, thing: str) -> str:
    """The thing without its number."""
    return count(value, thing).partition(" ")[2]


def _beside(totals: Row) -> str:
    things = (("lessons", "lesson"), ("good_practices", "good practice"))
    others = [count(totals[name], thing) for name, thing in things if totals[name]]
    beside = f", beside {' and '.join(others)}" if others else ""
    return f"of {count(totals['evaluations'], 'evaluation')}{beside}"


def _completed(totals: Row) -> Key:
    known, unknown = totals["known_statuses"], totals["recommendations"] - totals["known_statuses"]
    if not known:
        return Key("–", "completed", "no follow-up status is known")
    of = f"{totals['completed']:,} of the {known:,} whose" if known >= FEW else "of those whose"
    rest = f"; {unknown:,} unknown" if unknown else ""
    return Key(share(totals["completed"], known), "completed", f"{of} follow-up status is known{rest}")


def _open(totals: Row) -> str:
    if not totals["open"]:
        return "none is open"
    since = f"; the oldest since {day(totals['oldest_open'])}" if totals["oldest_open"] else ""
    return f"of {totals['open']:,} that {'is' if totals['open'] == 1 else 'are'} open{since}"


def _problems(totals: Row) -> str:
    if not totals["pages"]:
        return "the warehouse is empty"
    if not totals["problems"]:
        return "without any problem"
    if totals["problems"] == 1:
        return f"with one problem, {'an' if totals['errors'] else 'no'} error"
    errors = "one of them an error" if totals["errors"] == 1 else f"{many(totals['errors'])} of them errors"
    return f"with {totals['problems']:,} problems, {errors}"
