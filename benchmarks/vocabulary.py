"""CLDR's names of countries in English, French and Spanish → what country_names.csv lacks or says otherwise.

    python -m benchmarks.vocabulary            report the differences; exit 1 if there are any
    python -m benchmarks.vocabulary --write    add the missing names; every row that stands stays as it is

For developers, when a new CLDR is out. It needs Babel, which nothing else here does: `pip install babel`. Names that
CLDR no longer has stay in the table, for old texts use them. Not in here: any judgement; a name that CLDR gives to
another country than the table is only reported.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from pipelines.countries import normalise
from pipelines.settings import REFERENCE

LANGUAGES = ("en", "fr", "es")
COLUMNS = ("surface", "country_iso3", "kind", "language")


def differences(
    rows: list[dict[str, str]], names: Iterable[tuple[str, str, str]]
) -> tuple[list[dict[str, str]], list[str]]:
    """Rows that the table lacks, and names that it gives to another country; `names`: (iso3, language, name)."""
    known = {normalise(row["surface"]): row for row in rows if row["kind"] in ("name", "label")}
    in_language = {(row["surface"], row["language"]) for row in rows if row["kind"] in ("name", "label", "code")}
    anywhere = {row["surface"].casefold() for row in rows if row["kind"] in ("name", "label", "code")}
    missing, contradictions = [], []
    for iso3, language, name in names:
        row = known.get(normalise(name))
        if row and row["country_iso3"] != iso3:
            contradictions.append(f"{name!r} ({language}) is {iso3} in CLDR and {row['country_iso3']} in the table")
        elif (name, language) not in in_language and name.casefold() not in anywhere:
            missing.append({"surface": name, "country_iso3": iso3, "kind": "name", "language": language})
            anywhere.add(name.casefold())
    return missing, contradictions


def cldr_names(countries: Iterable[Mapping[str, str]]) -> Iterable[tuple[str, str, str]]:
    """(iso3, language, name) of every country that CLDR names."""
    try:
        from babel import Locale
    except ImportError:
        sys.exit("python -m benchmarks.vocabulary needs Babel: pip install babel")
    locales = {language: Locale(language).territories for language in LANGUAGES}
    for country in countries:
        for language, territories in locales.items():
            name = territories.get(country["iso2"])
            if name:
                yield country["iso3"], language, name


def with_rows(rows: list[dict[str, str]], new: list[dict[str, str]]) -> list[dict[str, str]]:
    """The table with new rows, each behind the last row of its kind and country; no other row moves."""
    result = list(rows)
    for row in new:
        places = [
            place
            for place, other in enumerate(result)
            if (other["kind"], other["country_iso3"]) == (row["kind"], row["country_iso3"])
        ]
        result.insert(places[-1] + 1 if places else len(result), row)
    return result


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare country_names.csv with CLDR.")
    parser.add_argument("--write", action="store_true", help="add the names that are missing")
    arguments = parser.parse_args()
    path = REFERENCE / "country_names.csv"
    rows = _read(path)
    missing, contradictions = differences(rows, cldr_names(_read(REFERENCE / "countries.csv")))
    for row in missing:
        print("missing:", ",".join(row[column] for column in COLUMNS))
    for contradiction in contradictions:
        print("contradiction:", contradiction)
    print(f"{len(missing)} names missing, {len(contradictions)} contradictions")
    if arguments.write and missing:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(with_rows(rows, missing))
        print(f"{path}: {len(missing)} rows added")
    elif missing or contradictions:
        sys.exit(1)


if __name__ == "__main__":
    main()
