"""The vocabularies as shipped, and every way in which an edited one can be wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines import settings
from pipelines.reference import FILES, VocabularyError, read_country_names, read_reference

Harm = Callable[[Path], object]


@pytest.fixture(scope="module")
def shipped_tables() -> dict[str, list[dict[str, str]]]:
    return read_reference(settings.REFERENCE)


def test_shipped_files_load(shipped_tables: dict[str, list[dict[str, str]]]) -> None:
    assert set(shipped_tables) == {path.name for path in settings.REFERENCE.glob("*.csv")} == set(FILES)
    assert all(shipped_tables.values())
    assert len(shipped_tables["countries.csv"]) == 250


def test_na_is_namibia(shipped_tables: dict[str, list[dict[str, str]]]) -> None:
    (namibia,) = [row for row in shipped_tables["countries.csv"] if row["iso2"] == "NA"]
    assert (namibia["iso3"], namibia["m49"]) == ("NAM", "516")
    assert read_country_names(settings.REFERENCE).locate("Namibia").country_iso3 == "NAM"


def test_codes_keep_their_zeros(shipped_tables: dict[str, list[dict[str, str]]]) -> None:
    assert {row["iso3"]: row["m49"] for row in shipped_tables["countries.csv"]}["AFG"] == "004"


def append(file: str, *rows: str) -> Harm:
    """Adds rows to the end of a file."""

    def harm(folder: Path) -> None:
        text = (folder / file).read_text("utf-8").rstrip("\n")
        (folder / file).write_text("\n".join([text, *rows, ""]), encoding="utf-8")

    return harm


def replace(file: str, old: str, new: str) -> Harm:
    def harm(folder: Path) -> None:
        text = (folder / file).read_text("utf-8")
        assert old in text
        (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")

    return harm


#: File, harm, and the words that the message must have. Rows are counted as a spreadsheet does, the header being row 1.
HARMS: dict[str, tuple[str, Harm, tuple[str, ...]]] = {
    "duplicate code": (
        "progress_levels.csv",
        append("progress_levels.csv", "achieved,Done,4"),
        ("row 5", "progress_code 'achieved'", "row 2"),
    ),
    "duplicate label": (
        "progress_levels.csv",
        append("progress_levels.csv", "done,Achieved,4"),
        ("row 5", "label 'Achieved'", "row 2"),
    ),
    "duplicate pair": (
        "themes.csv",
        replace("themes.csv", "\n", "\nx.1,X,Y\nx.2,X,Y\n"),
        ("row 3", "group_label 'X'", "topic_label 'Y'", "row 2"),
    ),
    "duplicate name of a country": (
        "country_names.csv",
        replace("country_names.csv", "\n", "\nKenya,USA,name,en\nKenya,KEN,name,en\n"),
        ("row 3", "'Kenya'", "row 2"),
    ),
    "one name, two countries, two languages": (
        "country_names.csv",
        append("country_names.csv", "Atlantis,KEN,name,en", "Atlantis,USA,name,fr"),
        ("'Atlantis'", "KEN", "USA", "row "),
    ),
    "one name, two countries, after normalisation": (
        "country_names.csv",
        append("country_names.csv", "The Kenya,USA,name,en"),
        ("'The Kenya'", "KEN", "USA", "row "),
    ),
    "unknown country": (
        "admin_units.csv",
        append("admin_units.csv", "x,X,country office,X,XXX"),
        ("row ", "seat_country_iso3 'XXX'", "countries.csv"),
    ),
    "name of an unknown country": (
        "country_names.csv",
        append("country_names.csv", "Atlantis,ATL,name,en"),
        ("row ", "country_iso3 'ATL'", "countries.csv"),
    ),
    "unknown region of a country": (
        "countries.csv",
        replace("countries.csv", ",Africa,Northern Africa,Northern", ",Afrika,Northern Africa,Northern"),
        ("row ", "Afrika"),
    ),
    "missing column": (
        "regions.csv",
        replace("regions.csv", "region_code,label,scope", "region_code,name,scope"),
        ("row 1", "label"),
    ),
    "other separator": (
        "regions.csv",
        lambda folder: (folder / "regions.csv").write_text("region_code;label;scope\na;A;region\n", encoding="utf-8"),
        ("row 1", "region_code, label, scope"),
    ),
    "short row": ("progress_levels.csv", append("progress_levels.csv", "x,X"), ("row 5", "3 columns")),
    "long row": ("progress_levels.csv", append("progress_levels.csv", "x,X, or Y,4"), ("row 5", "3 columns", "quote")),
    "quote that is not closed": (
        "information_sources.csv",
        append("information_sources.csv", 'x,"X', "y,Y"),
        ("row 5",),
    ),
    "wrong row behind a blank line": (
        "progress_levels.csv",
        append("progress_levels.csv", "", "achieved,Done,4"),
        ("row 6", "row 2"),
    ),
    "no code": ("progress_levels.csv", append("progress_levels.csv", ",X,4"), ("row 5", "progress_code")),
    "no label": ("progress_levels.csv", append("progress_levels.csv", "x,,4"), ("row 5", "label")),
    "no number": ("progress_levels.csv", append("progress_levels.csv", "x,X,four"), ("row 5", "sort_order", "four")),
    "no flag": (
        "management_responses.csv",
        append("management_responses.csv", "x,X,9,perhaps"),
        ("row 7", "is_closed", "perhaps"),
    ),
    "unknown scope": (
        "regions.csv",
        append("regions.csv", "x,X,planet"),
        ("row 8", "scope", "planet"),
    ),
    "not UTF-8": (
        "regions.csv",
        lambda folder: (folder / "regions.csv").write_bytes("region_code,label,scope\né,É,region\n".encode("cp1252")),
        ("UTF-8",),
    ),
    "missing file": (
        "regions.csv",
        lambda folder: (folder / "regions.csv").unlink(),
        ("missing",),
    ),
    "empty file": (
        "regions.csv",
        lambda folder: (folder / "regions.csv").write_text("", encoding="utf-8"),
        ("row 1", "region_code"),
    ),
}


@pytest.mark.parametrize(("file", "harm", "words"), HARMS.values(), ids=HARMS.keys())
def test_harm_is_refused(reference_copy: Path, file: str, harm: Harm, words: tuple[str, ...]) -> None:
    read_country_names(reference_copy)
    harm(reference_copy)
    with pytest.raises(VocabularyError) as caught:
        read_country_names(reference_copy)
    message = str(caught.value)
    assert file in message
    assert [word for word in words if word not in message] == [], message


@pytest.mark.parametrize(
    ("file", "harm"),
    [
        ("regions.csv", lambda path: path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())),
        ("regions.csv", lambda path: path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))),
        ("regions.csv", lambda path: path.write_bytes(path.read_bytes() + b"\n\n")),
        ("regions.csv", lambda path: path.write_bytes(path.read_bytes().rstrip(b"\n"))),
    ],
    ids=["byte order mark", "CRLF", "blank lines at the end", "no last line end"],
)
def test_what_spreadsheets_do_is_no_harm(reference_copy: Path, file: str, harm: Callable[[Path], object]) -> None:
    before = read_reference(reference_copy)
    harm(reference_copy / file)
    assert read_reference(reference_copy) == before


def test_a_vocabulary_may_be_empty(reference_copy: Path) -> None:
    (reference_copy / "context_words.csv").write_text("kind,word\n", encoding="utf-8")
    assert read_reference(reference_copy)["context_words.csv"] == []
