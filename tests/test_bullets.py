"""Finds every marker of real pages, with offsets that are true, and in time that grows with the text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import EXPECTED

from pipelines.bullets import read_lines, read_steps

MARKERS = [
    "•",
    "‣",
    "-",
    "–",
    "o",
    "1.",
    "12.",
    "2)",
    "(3)",
    "R.3.1.",
    "R.3.1",
    "A-",
    "A)",
    "a)",
    "(b)",
    "iv)",
    "\uf0b7",
]
TITLES = [
    pytest.param(record["text_fields"]["title"], record["steps"], id=f"{page['file']}-{number}")
    for page in EXPECTED
    for number, record in enumerate(page["records"])
    if record["text_fields"].get("title")
]


@pytest.mark.parametrize("marker", MARKERS)
@pytest.mark.parametrize("blank", [" ", "\t", "  ", "\u00a0"])
def test_markers(marker: str, blank: str) -> None:
    text = f"Kalo miru:\n{marker}{blank}Train the inspectors. \n  {marker}{blank}Été: keep one form.\r\nKalo"
    lines = read_lines(text)
    assert [line.marker for line in lines] == [None, marker, marker, None]
    assert [text[line.char_start : line.char_end] for line in lines] == [
        "Kalo miru:", "Train the inspectors.", "Été: keep one form.", "Kalo"
    ]  # fmt: skip
    assert [line.line_number for line in lines] == [1, 2, 3, 4]
    assert [step.marker for step in read_steps(text)] == [marker, marker]


@pytest.mark.parametrize("symbol", ["•", "‣", "\uf0b7"])
def test_symbols_need_no_blank(symbol: str) -> None:
    assert [line.marker for line in read_lines(f"{symbol}Train\n{symbol} Keep")] == [symbol, symbol]


@pytest.mark.parametrize(
    "text",
    [
        "o bien una cooperativa", "-5 percent", "3.5 million", "2023. A year", "Recommendation 3:", "Ms. Kalo", "R.3.1",
        "-", "•", "1.", "- ", "#5 Kalo", "O Publish", "one) two", "1.Kalo", "e-mail the list",
    ],
)  # fmt: skip
def test_what_is_no_marker(text: str) -> None:
    assert [line.marker for line in read_lines(text)] == [None]


def test_collapsed_bullets() -> None:
    text = "Do this: - Train all; - Keep one form. – Été begins here. - but not this - or That, A-B - C"
    words = [text[line.char_start : line.char_end] for line in read_lines(text)]
    assert words == ["Do this:", "Train all;", "Keep one form.", "Été begins here. - but not this - or That, A-B - C"]
    assert {line.line_number for line in read_lines(text)} == {1}
    assert [step.step_text for step in read_steps(text)] == words[1:]


def test_what_stands_first_is_the_title() -> None:
    assert read_steps("2) Keep one form.") == []
    assert read_steps("2) Keep one form.\n- Print it.")[0].step_text == "Print it."
    assert len(read_steps("- Keep one form.\n- Print it.")) == 2
    assert read_steps("") == [] and read_steps("\n\n") == []


@pytest.mark.parametrize(("title", "steps"), TITLES)
def test_the_steps_of_the_test_pages(title: str, steps: list[str]) -> None:
    found = read_steps(title)
    assert [step.step_text for step in found] == steps
    assert [step.step_number for step in found] == [*range(1, len(steps) + 1)]
    assert all(title[step.char_start : step.char_end] == step.step_text for step in found)


_pieces = st.sampled_from(
    [
        *MARKERS,
        " ",
        " ",
        "\n",
        "\n",
        "\t",
        "\u00a0",
        "\r\n",
        ". ",
        "; - ",
        ": – ",
        "Kalo",
        "miru",
        "É",
        "👩‍🏫",
        "\u0085",
    ]
)


@given(st.one_of(st.text(), st.lists(_pieces, max_size=40).map("".join)))
def test_offsets_are_true(text: str) -> None:
    lines = read_lines(text)
    end = 0
    for line in lines:
        assert end <= line.char_start < line.char_end <= len(text)
        words = text[line.char_start : line.char_end]
        assert "\n" not in words and words == words.strip(" \t\r\u00a0")
        assert text.count("\n", 0, line.char_start) + 1 == line.line_number
        if line.marker:
            assert line.marker in text[end : line.char_start]
        between = text[end : line.char_start].replace(line.marker or "", "", 1)
        assert not between.strip(" \t\r\n\u00a0"), between
        end = line.char_end
    assert not text[end:].strip(" \t\r\n\u00a0")
    assert [text[step.char_start : step.char_end] for step in read_steps(text)] == [
        step.step_text for step in read_steps(text)
    ]


@pytest.mark.parametrize(
    "text",
    [
        "o " * 500_000, "- " * 500_000, ". - A" * 200_000, "- Kalo\n" * 50_000, "x" * 5_000_000, " " * 5_000_000,
        "." + " " * 1_000_000 + " - a", "1. a\n" + "• x\n" * 50_000, "R.1" + ".1" * 500_000, "\uf0b7 " * 500_000,
    ],
    ids=lambda text: repr(text[:8]),
)  # fmt: skip
def test_large_texts(text: str) -> None:
    """None takes the square of its length, or the test would not come to its end."""
    ends = [0]
    for line in read_lines(text):
        assert ends[-1] <= line.char_start < line.char_end
        ends.append(line.char_end)
    assert len(read_steps(text)) < len(ends)
