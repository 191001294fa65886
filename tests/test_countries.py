"""Names in country fields: one normalisation, scopes first, nothing guessed, contradictions refused."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from pipelines import settings
from pipelines.countries import CountryNames, normalise
from pipelines.reference import read_country_names

NAMES = read_country_names(settings.REFERENCE)


@pytest.mark.parametrize(
    ("label", "iso3"),
    [
        ("C&ocirc;te d&#39;Ivoire", "CIV"),
        ("CÃ´te d'Ivoire", "CIV"),
        ("TÃ¼rkiye", "TUR"),
        ("SÃ£o TomÃ© and PrÃ\xadncipe", "STP"),
        ("Trinidad &amp; Tobago", "TTO"),
        ("TANZANIA, UNITED REPUBLIC OF", "TZA"),
        ("Turks and Caicos", "TCA"),
        ("Réunion", "REU"),
        ("Columbia", "COL"),
        ("Kosovo (under UNSCR 1244)", "XKX"),
        ("Kosovo*", "XKX"),
        ("NA", "NAM"),
        ("516", "NAM"),
        ("CAR", "CAF"),
        ("Phillipines", "PHL"),
        ("República Democrática del Congo", "COD"),
        ("Corée (République de)", "KOR"),
    ],
)
def test_country(label: str, iso3: str) -> None:
    assert NAMES.locate(label) == ("country", iso3, None)


@pytest.mark.parametrize(
    ("label", "scope"),
    [("Inter-Regional", "inter-regional"), ("Africa - regional", "regional"), ("Yugoslavia", None), ("USSR", None)],
)
def test_scope_is_no_country(label: str, scope: str | None) -> None:
    assert NAMES.locate(label)[:2] == (scope, None)


def test_unknown_is_suggested_and_never_applied() -> None:
    located = NAMES.locate("Kiribatti")
    assert located.scope is None and located.country_iso3 is None
    assert located.suggestion == "Kiribati (KIR)"


def test_every_field_name_has_one_country() -> None:
    owners: dict[str, set[str]] = {}
    with (settings.REFERENCE / "country_names.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["kind"] in ("name", "label"):
                owners.setdefault(normalise(row["surface"]), set()).add(row["country_iso3"])
    assert [label for label, countries in owners.items() if len(countries) > 1] == []


def test_contradiction_is_refused_with_its_row(tmp_path: Path) -> None:
    reference = tmp_path / "reference"
    shutil.copytree(settings.REFERENCE, reference)
    path = reference / "country_names.csv"
    count = len(path.read_text(encoding="utf-8").splitlines())
    with path.open("a", encoding="utf-8") as file:
        file.write("KENYA (the),UGA,name,en\n")
    with pytest.raises(ValueError, match=rf"row {count + 1}: .*KENYA.* UGA.* KEN"):
        read_country_names(reference)


def test_vocabulary_of_three_columns_is_enough_for_fields() -> None:
    names = CountryNames(
        [{"surface": "Kenya", "country_iso3": "KEN", "kind": "name", "language": "en"}],
        [{"label": "Africa", "scope": "africa"}],
        [{"iso3": "KEN", "iso2": "KE", "m49": "404", "name": "Kenya"}],
    )
    assert names.locate("Kenya").country_iso3 == "KEN"
    assert names.locate("KE").country_iso3 == "KEN"
    assert names.locate("Africa").scope == "regional"
