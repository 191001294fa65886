"""Reads the vocabularies of `seeds/reference` and refuses to load what contradicts itself, naming file and line.

The CSV files are the only place where vocabulary lives: a label with two codes, a code with two rows or a reference to
a country that countries.csv does not have stops the run before anything is written. What a label means for a page
(matching, suggestions) does not belong here.
"""

from __future__ import annotations

import csv
from pathlib import Path

from pipelines.countries import CountryNames

#: file -> columns it must have, columns that identify a row (each group of them on its own).
FILES: dict[str, tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]] = {
    "countries.csv": (
        (
            "iso3",
            "iso2",
            "m49",
            "iso_official",
            "name",
            "name_fr",
            "name_es",
            "m49_region",
            "m49_subregion",
            "m49_intermediate",
            "wb_income",
            "ldc",
            "lldc",
            "sids",
            "ilo_region",
            "ilo_subregion_broad",
            "ilo_subregion_detailed",
        ),
        (("iso3",), ("iso2",), ("m49",), ("name",)),
    ),
    "country_names.csv": (("surface", "country_iso3", "kind", "language"), (("surface", "kind", "language"),)),
    "place_scopes.csv": (("label", "scope"), (("label",),)),
    "context_words.csv": (("kind", "word"), (("kind", "word"),)),
    "regions.csv": (("region_code", "label", "scope"), (("region_code",), ("label",))),
    "themes.csv": (("theme_code", "group_label", "topic_label"), (("theme_code",), ("group_label", "topic_label"))),
    "management_responses.csv": (
        ("management_response_code", "label", "sort_order", "is_closed"),
        (("management_response_code",), ("label",)),
    ),
    "progress_levels.csv": (("progress_code", "label", "sort_order"), (("progress_code",), ("label",))),
    "information_sources.csv": (("information_source_code", "label"), (("information_source_code",), ("label",))),
    "admin_units.csv": (
        ("admin_unit_code", "label", "kind", "seat_city", "seat_country_iso3"),
        (("admin_unit_code",), ("label",)),
    ),
    "project_areas.csv": (("area_code", "area_kind", "country_iso3", "meaning"), (("area_code",),)),
    "project_donors.csv": (("donor_code", "donor_kind", "country_iso3", "meaning"), (("donor_code",),)),
}
_COUNTRY_COLUMNS = ("country_iso3", "seat_country_iso3")


class ReferenceError(ValueError):
    """A vocabulary file that cannot be used as it is; the message names file and line and says what to do."""


def read_reference(folder: Path) -> dict[str, list[dict[str, str]]]:
    """Read and check every vocabulary: file name -> rows, each a dict by column. Raises ReferenceError."""
    tables = {name: _read_file(folder / name, columns, keys) for name, (columns, keys) in FILES.items()}
    known = {row["iso3"] for row in tables["countries.csv"]}
    for name, rows in tables.items():
        for column in _COUNTRY_COLUMNS:
            for line, row in enumerate(rows, 2):
                if row.get(column) and row[column] not in known:
                    raise ReferenceError(
                        f"{folder / name}, row {line}: {column} {row[column]!r} is not in countries.csv"
                    )
    return tables


def read_country_names(folder: Path) -> CountryNames:
    """The recogniser of countries over these vocabularies. Raises ReferenceError."""
    tables = read_reference(folder)
    return CountryNames(tables["country_names.csv"], tables["place_scopes.csv"], tables["countries.csv"])


def _read_file(path: Path, columns: tuple[str, ...], keys: tuple[tuple[str, ...], ...]) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except FileNotFoundError:
        raise ReferenceError(f"{path} is missing: restore it from the repository") from None
    except UnicodeDecodeError as error:
        raise ReferenceError(f"{path} is not UTF-8 ({error.reason} at byte {error.start}): save it as UTF-8") from None
    missing = [column for column in columns if not rows or column not in rows[0]]
    if missing:
        raise ReferenceError(f"{path}, row 1: no column {', '.join(missing)}")
    for line, row in enumerate(rows, 2):
        if None in row or None in row.values():
            raise ReferenceError(f"{path}, row {line}: {len(columns)} columns expected; quote values that hold a comma")
    for key in keys:
        seen: dict[tuple[str, ...], int] = {}
        for line, row in enumerate(rows, 2):
            value = tuple(row[column] for column in key)
            if not any(value) and path.name != "place_scopes.csv":
                continue  # a country without an alpha-2 or M49 code
            if value in seen:
                named = ", ".join(f"{column} {row[column]!r}" for column in key)
                raise ReferenceError(
                    f"{path}, row {line}: {named} stands already in row {seen[value]}; keep one of the two"
                )
            seen[value] = line
    return rows
