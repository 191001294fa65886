"""Numbers in words: nothing is rounded to none or to all, and no text of a page breaks out of its line."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from pipelines.report.words import clean, count, day, fine_percent, listed, percent, share, shorten, years


@pytest.mark.parametrize(
    ("value", "thing", "words"),
    [
        (0, "page", "0 pages"),
        (1, "page", "1 page"),
        (2001, "page", "2,001 pages"),
        (1, "country/countries", "1 country"),
        (2, "country/countries", "2 countries"),
    ],
)
def test_count(value: int, thing: str, words: str) -> None:
    assert count(value, thing) == words


@pytest.mark.parametrize(
    ("part", "whole", "words"),
    [
        (0, 200, "0%"),
        (1, 200, "under 1%"),
        (2, 200, "1%"),
        (1, 8, "13%"),
        (5, 200, "3%"),
        (198, 200, "99%"),
        (199, 200, "over 99%"),
        (200, 200, "100%"),
    ],
)
def test_percent(part: int, whole: int, words: str) -> None:
    assert percent(part, whole) == words


@given(st.integers(1, 10**6).flatmap(lambda whole: st.tuples(st.integers(0, whole), st.just(whole))))
def test_only_none_is_0_and_only_all_is_100_percent(counts: tuple[int, int]) -> None:
    part, whole = counts
    assert (percent(part, whole) == "0%") == (part == 0)
    assert (percent(part, whole) == "100%") == (part == whole)
    assert (fine_percent(part / whole) == "0%") == (part == 0)
    assert (fine_percent(part / whole) == "100%") == (part == whole)


def test_few_are_counted() -> None:
    assert share(1, 19) == "1 of 19"
    assert share(1, 20) == "5%"


def test_other_words() -> None:
    assert day(datetime.date(2026, 11, 2)) == "2 November 2026"
    assert [years(value) for value in (0, 1, 2)] == ["less than a year", "1 year", "2 years"]
    assert [listed(["a", "b", "c"][:size]) for size in (1, 2, 3)] == ["a", "a and b", "a, b and c"]


def test_clean() -> None:
    assert clean(" two\r\nlines\tand \x1b[31m \u202e \uffff ") == "two lines and �[31m � �"


@given(st.text(max_size=500), st.integers(1, 60))
def test_shorten(text: str, width: int) -> None:
    short = shorten(text, width)
    assert cell_len(short) <= width
    assert len(short) <= 4 * width
    assert short == text or short.endswith("…")


def test_marks_without_width_are_letters_too() -> None:
    assert len(shorten("e" + "\u0301" * 10_000, 20)) <= 80
