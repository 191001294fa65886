"""Reads the vocabularies of `seeds/reference` and refuses to load what contradicts itself, naming file and row.

The CSV files are the only place where vocabulary lives: a label with two codes, a code with two rows, a value of the
wrong form or a reference to a country that countries.csv does not have stops the run before anything is written. What a
label means for a page (matching, suggestions) does not belong here.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from pipelines.countries import CountryNames, normalise

Rows = Sequence[Mapping[str, str]]

# Forms of a value, as (regular expression, what it says to a person).
_NUMBER = (r"\d+", "a whole number")
_FLAG = (r"[01]", "1 or 0")
_ISO3 = (r"[A-Z]{3}", "an alpha-3 code")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What a file must be: its columns, which of them identify a row, which are filled, and the form of values."""

    columns: tuple[str, ...]
    keys: tuple[tuple[str, ...], ...]  # each group of columns on its own
    filled: tuple[str, ...]
    forms: Mapping[str, tuple[str, str]] = field(default_factory=dict)


def _vocabulary(columns: str, *keys: str, filled: str | None = None, **forms: tuple[str, str]) -> Vocabulary:
    """Columns and keys as words with blanks between them; the columns of keys are filled unless `filled` says."""
    key_columns = dict.fromkeys(" ".join(keys).split())
    return Vocabulary(
        tuple(columns.split()),
        tuple(tuple(key.split()) for key in keys),
        tuple(key_columns) if filled is None else tuple(filled.split()),
        forms,
    )


FILES: dict[str, Vocabulary] = {
    "countries.csv": _vocabulary(
        "iso3 iso2 m49 iso_official name name_fr name_es m49_region m49_subregion m49_intermediate wb_income "
        "ldc lldc sids ilo_region ilo_subregion_broad ilo_subregion_detailed",
        "iso3",
        "iso2",
        "m49",
        "name",
        filled="iso3 name",  # a territory need not have the other codes
        iso3=_ISO3,
        iso_official=_FLAG,
        ldc=_FLAG,
        lldc=_FLAG,
        sids=_FLAG,
    ),
    "country_names.csv": _vocabulary(
        "surface country_iso3 kind language", "surface kind language", filled="surface kind"
    ),
    "place_scopes.csv": _vocabulary("label scope", "label", filled="scope"),  # an empty label is a scope, too
    "context_words.csv": _vocabulary("kind word", "kind word"),
    "regions.csv": _vocabulary(
        "region_code label scope", "region_code", "label", scope=(r"region|inter-regional", "region or inter-regional")
    ),
    "themes.csv": _vocabulary("theme_code group_label topic_label", "theme_code", "group_label topic_label"),
    "management_responses.csv": _vocabulary(
        "management_response_code label sort_order is_closed",
        "management_response_code",
        "label",
        sort_order=_NUMBER,
        is_closed=_FLAG,
    ),
    "progress_levels.csv": _vocabulary("progress_code label sort_order", "progress_code", "label", sort_order=_NUMBER),
    "information_sources.csv": _vocabulary("information_source_code label", "information_source_code", "label"),
    "admin_units.csv": _vocabulary(
        "admin_unit_code label kind seat_city seat_country_iso3",
        "admin_unit_code",
        "label",
        filled="admin_unit_code label kind",
    ),
    "project_areas.csv": _vocabulary(
        "area_code area_kind country_iso3 meaning", "area_code", filled="area_code area_kind meaning"
    ),
    "project_donors.csv": _vocabulary(
        "donor_code donor_kind country_iso3 meaning", "donor_code", filled="donor_code donor_kind meaning"
    ),
}
#: The files that countries are recognised with, in the order in which CountryNames takes them, with what it takes.
_COUNTRY_FILES = {
    "country_names.csv": FILES["country_names.csv"].columns,
    "place_scopes.csv": FILES["place_scopes.csv"].columns,
    "countries.csv": ("iso3", "iso2", "m49", "name"),
    "context_words.csv": FILES["context_words.csv"].columns,
}
#: Columns that refer to a column of another file.
_REFERENCES = {
    "country_iso3": ("countries.csv", "iso3"),
    "seat_country_iso3": ("countries.csv", "iso3"),
    "ilo_region": ("regions.csv", "label"),
}


class VocabularyError(ValueError):
    """A vocabulary file that cannot be used as it is; the message names file and row and says what to do."""


def read_reference(folder: Path) -> Mapping[str, Rows]:
    """Read and check every vocabulary: file name -> rows, each a dict by column. Raises VocabularyError."""
    return _read_contents(folder, tuple(_content(folder / name) for name in FILES))


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise VocabularyError(f"{path} is missing: restore it from the repository") from None


@lru_cache(maxsize=1)  # a run asks several times
def _read_contents(folder: Path, contents: tuple[bytes, ...]) -> Mapping[str, Rows]:
    numbered = {
        name: _read_rows(folder / name, content, vocabulary)
        for (name, vocabulary), content in zip(FILES.items(), contents, strict=True)
    }
    for name, rows in numbered.items():
        for column in _REFERENCES.keys() & set(FILES[name].columns):
            file, referred = _REFERENCES[column]
            known = {row[referred] for _, row in numbered[file]}
            for number, row in rows:
                if row[column] and row[column] not in known:
                    raise VocabularyError(f"{folder / name}, row {number}: {column} {row[column]!r} is not in {file}")
    _refuse_contradictions(folder / "country_names.csv", numbered["country_names.csv"])
    return {name: [row for _, row in rows] for name, rows in numbered.items()}


def read_country_names(folder: Path) -> CountryNames:
    """The recogniser of countries over these vocabularies. Raises VocabularyError."""
    tables = read_reference(folder)
    return CountryNames(
        *(
            [{column: row[column] for column in columns} for row in tables[name]]
            for name, columns in _COUNTRY_FILES.items()
        )
    )


def country_words(folder: Path) -> bytes:
    """All that countries are recognised with, right or wrong: other bytes where anything of it has changed."""
    return _country_words(tuple((folder / name).read_bytes() for name in _COUNTRY_FILES))


@lru_cache(maxsize=1)
def _country_words(contents: tuple[bytes, ...]) -> bytes:
    words = []
    for columns, content in zip(_COUNTRY_FILES.values(), contents, strict=True):
        file = io.StringIO(content.decode("utf-8-sig", errors="surrogateescape"), newline="")
        words += [repr([row.get(column) for column in columns]) for row in csv.DictReader(file)]
    return "\n".join(words).encode()


def _refuse_contradictions(path: Path, rows: Iterable[tuple[int, dict[str, str]]]) -> None:
    """Refuse a name that, as names are compared, would name two countries."""
    seen: dict[str, tuple[int, str]] = {}
    for number, row in rows:
        if row["kind"] in ("name", "label", "code"):
            label = row["surface"] if row["kind"] == "code" else normalise(row["surface"])
            first, country = seen.setdefault(label, (number, row["country_iso3"]))
            if country != row["country_iso3"]:
                raise VocabularyError(
                    f"{path}, row {number}: {row['surface']!r} names {row['country_iso3']}, and {country} in row "
                    f"{first}; keep one of the two"
                )


def _read_rows(path: Path, content: bytes, vocabulary: Vocabulary) -> list[tuple[int, dict[str, str]]]:
    """The rows of a file with their numbers, counted as an editor counts lines; the header is row 1."""
    number = 0
    try:
        reader = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        lines = []
        for line in reader:
            number = reader.line_num
            if line:
                lines.append((number, line))
    except UnicodeDecodeError as error:
        raise VocabularyError(f"{path} is not UTF-8 ({error.reason} at byte {error.start}): save it as UTF-8") from None
    except csv.Error as error:
        raise VocabularyError(f"{path}, row {number + 1}: {error}; is a quote not closed?") from None
    header = lines[0][1] if lines else []
    missing = [column for column in vocabulary.columns if column not in header]
    if missing:
        raise VocabularyError(
            f"{path}, row 1: no column {', '.join(missing)}; the header is {','.join(vocabulary.columns)}"
        )
    rows = []
    for number, line in lines[1:]:
        if len(line) != len(header):
            raise VocabularyError(
                f"{path}, row {number}: {len(header)} columns expected; quote values that hold a comma"
            )
        row = dict(zip(header, line, strict=True))
        _refuse_values(path, number, row, vocabulary)
        rows.append((number, row))
    _refuse_duplicates(path, rows, vocabulary)
    return rows


def _refuse_values(path: Path, number: int, row: dict[str, str], vocabulary: Vocabulary) -> None:
    for column in vocabulary.columns:
        value = row[column]
        if value != value.strip():
            raise VocabularyError(f"{path}, row {number}: {column} {value!r} has blanks around it; take them away")
        if not value and column in vocabulary.filled:
            raise VocabularyError(f"{path}, row {number}: {column} is empty; fill it in or take the row out")
        form = vocabulary.forms.get(column)
        if form and not re.fullmatch(form[0], value):
            raise VocabularyError(f"{path}, row {number}: {column} {value!r} is not {form[1]}")


def _refuse_duplicates(path: Path, rows: Iterable[tuple[int, dict[str, str]]], vocabulary: Vocabulary) -> None:
    for key in vocabulary.keys:
        seen: dict[tuple[str, ...], int] = {}
        for number, row in rows:
            value = tuple(row[column] for column in key)
            first = seen.setdefault(value, number) if any(value) else number
            if first != number:
                named = ", ".join(f"{column} {row[column]!r}" for column in key)
                raise VocabularyError(
                    f"{path}, row {number}: {named} stands already in row {first}; keep one of the two"
                )
