"""Holds the page grammar against made-up pages, against every cut of real ones, and against damage of all kinds."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import (
    PAGE_FILES,
    SHIPPED_PAGE,
    TEXT_KEYS,
    WrittenPage,
    assert_accounted,
    damaged_pages,
    lines_of,
    odd_texts,
    written_pages,
)

from pipelines.decoding import decode_page
from pipelines.page import read_page
from pipelines.page_keys import DASHED, PLAIN
from pipelines.page_parts import LIST, NO_VALUE, RECORD, REFUSED, UNKNOWN, Page, Value
from pipelines.problems import PROBLEM_CODES


def read(text: str) -> Page:
    """Read a page, and check what holds of every page."""
    page = read_page(text)
    assert {problem.problem_code for problem in page.problems} <= PROBLEM_CODES.keys()
    assert all(len(problem.detail) <= 250 for problem in page.problems)
    if page.status == RECORD:
        assert_accounted(page, lines_of(text))
        assert isinstance(page.is_truncated, bool)
    else:
        assert page.problems and not page.fields and not page.blocks
        assert page.layout == UNKNOWN and page.is_truncated is None
        assert page.line_count == len(lines_of(text))
    return page


def texts(values: dict[str, Value]) -> dict[str, str]:
    return {key: value.text for key, value in values.items() if value.text is not None}


def codes(page: Page) -> list[str]:
    return [problem.problem_code for problem in page.problems]


# ---- every page


@settings(max_examples=80)
@given(written_pages())
def test_what_is_written_is_read(written: WrittenPage) -> None:
    page = read(written.text)
    assert page.status == RECORD and page.layout == written.layout and page.is_truncated is False
    assert page.problems == []
    assert_accounted(page, lines_of(written.text), has_mark=lambda path: path != "page_title")
    assert texts(page.values) == written.values
    assert [texts(pair) for pair in page.locations] == written.locations
    assert [block.kind for block in page.blocks] == [block.kind for block in written.blocks]
    for read_block, block in zip(page.blocks, written.blocks, strict=True):
        assert texts(read_block.values) == block.values
        assert {key: [value.text for value in values] for key, values in read_block.lists.items()} == block.lists
        assert [texts(pair) for pair in read_block.themes] == block.themes


def assert_no_more_than(cut: Page, whole: Page) -> None:
    """A cut page says what the whole one says, or less: no shortened controlled value, and of a text its beginning."""
    if cut.status == REFUSED:
        return
    for key, value in cut.values.items():
        assert key == "page_title" or value == whole.values[key], key
    pairs = [(cut.locations, whole.locations)]
    assert len(cut.blocks) <= len(whole.blocks)
    for block, whole_block in zip(cut.blocks, whole.blocks, strict=False):
        assert block.kind == whole_block.kind
        for key, value in block.values.items():
            assert value.line_number == whole_block.values[key].line_number, key
            if key in TEXT_KEYS[block.kind]:
                assert (whole_block.values[key].text or "").startswith(value.text or "?"), key
            else:
                assert value.text == whole_block.values[key].text, key
        for key, values in block.lists.items():
            assert values == whole_block.lists[key][: len(values)], key
        pairs.append((block.themes, whole_block.themes))
    for cut_pairs, whole_pairs in pairs:
        assert len(cut_pairs) <= len(whole_pairs)
        for pair, whole_pair in zip(cut_pairs, whole_pairs, strict=False):
            assert all(value in (NO_VALUE, whole_pair[key]) for key, value in pair.items())


@pytest.mark.parametrize("path", PAGE_FILES, ids=lambda path: path.name)
def test_every_cut_says_no_more_than_the_page(path: Path) -> None:
    text = decode_page(path.read_bytes())
    whole = read(text)
    for end in range(len(text)):
        assert_no_more_than(read(text[:end]), whole)


@settings(max_examples=60)
@given(written_pages(empty=False), st.data())
def test_a_cut_anywhere_says_no_more_than_the_page(written: WrittenPage, data: st.DataObject) -> None:
    whole = read(written.text)
    for end in data.draw(st.lists(st.integers(0, len(written.text)), min_size=5, max_size=5)):
        assert_no_more_than(read(written.text[:end]), whole)


@settings(max_examples=200)
@given(damaged_pages())
def test_damaged_pages_are_accounted_for(text: str) -> None:
    read(text)


@settings(max_examples=400)
@given(odd_texts)
def test_odd_texts_are_accounted_for(text: str) -> None:
    read(text)


@settings(max_examples=100)
@given(damaged_pages(), st.data())
def test_damaged_bytes_are_accounted_for(text: str, data: st.DataObject) -> None:
    page_bytes = text.encode("utf-8", "replace")
    for _ in range(3):
        position = data.draw(st.integers(0, len(page_bytes)))
        page_bytes = page_bytes[:position] + data.draw(st.binary(max_size=4)) + page_bytes[position + 2 :]
    read(decode_page(page_bytes))


# ---- the shipped page

SHIPPED = decode_page(SHIPPED_PAGE.read_bytes())


def test_the_shipped_page() -> None:
    page = read(SHIPPED)
    assert (page.status, page.layout, page.is_truncated, page.problems) == (RECORD, DASHED, False, [])
    assert (page.line_count, page.chrome_line_count, len(page.fields)) == (51, 2, 22)
    assert page.values["eval_number"] == Value("3191", 4)
    assert page.locations == [{"country": Value("Inter-Regional", 9), "region": Value("Inter-Regional", 11)}]
    (block,) = page.blocks
    assert block.values["date"] == Value("2023-01-16 00:00:00.0", 16)
    assert block.values["url"].text == "https://webapps.ilo.org/ievaldiscovery/recommendations/16568"
    assert block.lists["project_symbols"] == [Value("GLO/17/55/MUL", 46)]
    plan = block.values["action_plan"]
    assert plan.line_number == 23 and plan.text == "\n".join(lines_of(SHIPPED)[22:31])[2:]
    title = block.values["title"]
    assert title.text is not None and title.text.count("\n- ") == 4
    assert [field.path for field in page.fields][:3] == ["page_title", "eval_number", "eval_url"]
    assert page.fields[11].path == "recommendations[1].themes[1].category"


@pytest.mark.parametrize(
    ("ending", "code", "line_number", "lost"),
    [
        ("\nSkip to", "cut_in_footer", 51, None),
        ("\nS", "cut_in_footer", 51, None),
        ("\nSkip to top\r", "cut_in_footer", 51, None),
        ("- information_source:\n- Country Off", "cut_in_value", 50, "information_source"),
        ("- information_source:\n- Country Office\n", "cut_in_value", 50, "information_source"),
        ("- information_source:\n- ", "cut_in_value", 50, "information_source"),
        ("- information_source:\n", "cut_in_value", 49, "information_source"),
        ("- information_so", "cut_in_key", 49, "information_source"),
        ("/16568\n-", "cut_in_key", 49, "information_source"),
        ("recommendations/165", "cut_in_value", 48, "url"),
        ("recommendations/16568", "cut_in_value", 48, "url"),
        ("- project_sym", "cut_in_key", 45, "project_symbols"),
        ("- prog", "cut_in_key", 34, "progress"),
        ("- Partially Completed\n- p", "cut_in_key", 34, "progress"),
        ("- Partially Com", "cut_in_value", 33, "management_response"),
    ],
)
def test_where_it_is_cut(ending: str, code: str, line_number: int, lost: str | None) -> None:
    whole = SHIPPED + "\n"
    start = whole.rindex(ending.removesuffix("\r"))
    page = read(whole[:start] + ending)
    assert page.is_truncated
    assert [(problem.problem_code, problem.line_number) for problem in page.problems] == [(code, line_number)]
    assert lost is None or lost not in page.blocks[0].values
    assert lost is not None or page.blocks[0].values["information_source"].text == "Country Office"


# ---- pages for one rule each

HEAD = "Back to index\nKalo Miru\n- eval_number:\n- 9001\n"
BLOCK = HEAD + "- recommendations:\n- date:\n- 2023-01-16 00:00:00.0\n"


def fields(page: Page) -> dict[str, str | None]:
    return {field.path: field.value for field in page.fields}


@pytest.mark.parametrize(
    ("text", "status", "code"),
    [
        ("", REFUSED, "not_a_page"),
        ("\ufeff", REFUSED, "not_a_page"),
        ("\n\n\r\n", REFUSED, "not_a_page"),
        ("Kalo miru.\n", REFUSED, "not_a_page"),
        ("Kalo\n- recommendations:\n- date:\n- 2023\n", REFUSED, "not_a_page"),
        ("eval_number: 12\n", REFUSED, "not_a_page"),
        (BLOCK + "- title:\n" + "Kalo\n" * 100_000, REFUSED, "too_many_lines"),
        ("Back to ind", REFUSED, "cut_before_first_key"),
        ("Back to index\nKalo Mi", REFUSED, "cut_before_first_key"),
        ("Back to index\n\nKalo\n- eval_num", REFUSED, "cut_before_first_key"),
        ("Recommendations\n-\nKalo\nMiru.\n-\nKalo\n", LIST, "list_page"),
        ("Back to index\n\nLessons learned\n-\nKalo\nlocation:\nMiru.\n", LIST, "list_page"),
        (HEAD, RECORD, "no_record_block"),
        (HEAD + "Skip to top", RECORD, "no_record_block"),
    ],
)
def test_what_is_no_record(text: str, status: str, code: str) -> None:
    page = read(text)
    assert page.status == status and code in codes(page)


def test_line_ends_are_lf_and_crlf_only() -> None:
    page = read((BLOCK + "- title:\n- a\u0085b\u2028c\rd\x0be\n\nf\n- url:\n- x\nSkip to top\n").replace("\n", "\r\n"))
    assert page.blocks[0].values["title"] == Value("a\u0085b\u2028c\rd\x0be\n\nf", 9)
    assert page.blocks[0].values["url"] == Value("x", 13)


def test_a_mark_and_a_value_on_separate_lines() -> None:
    page = read(BLOCK + "- title:\n-\n\nKalo\n- progress:\n- \nAchieved\n- admin_units:\n-\n- CO-Suva\nSkip to top\n")
    assert page.problems == []
    assert page.blocks[0].values["title"] == Value("Kalo", 11)
    assert page.blocks[0].values["progress"] == Value("Achieved", 14)
    assert page.blocks[0].lists["admin_units"] == [Value("CO-Suva", 17)]
    # Never "", which the line of the mark would not give back.
    assert fields(page)["recommendations[1].admin_units[1]"] is None


def test_values_that_look_like_keys() -> None:
    page = read(
        HEAD + "- eval_title:\n- training:\n- eval_url:\n- country:\n- location:\n- country:\n- Fiji\nSkip to top\n"
    )
    assert page.values["eval_title"].text == "training:"  # a value is expected there, and nothing else is
    assert "eval_url" not in page.values  # but an exact known key is never a value
    assert [(p.problem_code, p.field) for p in page.problems][:1] == [("unknown_key", "country")]
    assert texts(page.locations[0]) == {"country": "Fiji"}


def test_unknown_keys_keep_their_text() -> None:
    page = read(
        HEAD + "- eval_mood:\n- Kalo\n\nmiru\n- location:\n- climate:\n- wet\n- country:\n- Fiji\n- recommendations:\n"
        "- weight:\n- date:\n- 2023-01-16 00:00:00.0\n- follow_up:\n-\nstray\n- url:\n- x\nrest\nSkip to top\nafter\n"
    )
    assert [(p.line_number, p.field, p.problem_code, p.detail) for p in page.problems] == [
        (5, "eval_mood", "unknown_key", "eval_mood: Kalo"),
        (10, "location.climate", "unknown_key", "climate: wet"),
        (15, "recommendations[1].weight", "unknown_key", "weight:"),
        (18, "recommendations[1].follow_up", "unknown_key", "follow_up: stray"),
        (23, None, "unexpected_line", "rest"),
        (25, None, "text_after_footer", "after"),
    ]
    assert fields(page)["eval_mood"] == "Kalo\n\nmiru"
    assert texts(page.locations[0]) == {"country": "Fiji"}
    assert texts(page.blocks[0].values) == {"date": "2023-01-16 00:00:00.0", "url": "x"}


def test_a_filled_key_is_no_key_again() -> None:
    page = read(BLOCK + "- url:\n- x/1\n- url:\n- x/2\n- eval_number:\n- 9002\n- success:\n- a\nSkip to top\n")
    assert texts(page.blocks[0].values) == {"date": "2023-01-16 00:00:00.0", "url": "x/1"}
    assert page.values["eval_number"].text == "9001"
    assert codes(page) == ["repeated_key", "repeated_key", "unknown_key"]


def test_a_text_holds_the_keys_that_its_block_has() -> None:
    page = read(
        BLOCK + "- url:\n- x/1\n- title:\n- a\n- url:\n- x/2\n- eval_number:\n- 9002\n- date:\nlast\nSkip to top\n"
    )
    assert page.blocks[0].values["title"].text == "a\n- url:\n- x/2\n- eval_number:\n- 9002\n- date:\nlast"
    assert page.problems == [] and len(page.blocks) == 1


def test_a_doubled_key_line_costs_nothing() -> None:
    page = read(BLOCK.replace("- date:\n", "- date:\n- date:\n") + "- url:\n- \n- url:\n- x\nSkip to top\n")
    assert texts(page.blocks[0].values) == {"date": "2023-01-16 00:00:00.0", "url": "x"}
    assert len(page.blocks) == 1
    page = read(BLOCK.replace("- recommendations:\n", "- recommendations:\n" * 2) + "Skip to top\n")
    assert [texts(block.values) for block in page.blocks] == [{"date": "2023-01-16 00:00:00.0"}]
    page = read(HEAD + "- lessons_learned:\n" + BLOCK.removeprefix(HEAD) + "Skip to top\n")
    assert [block.kind for block in page.blocks] == ["recommendation"]


def test_a_group_key_of_another_kind_does_not_break_a_record() -> None:
    for stray in ("- lessons_learned:\n", "- location:\n", "- good_practices:\n"):
        page = read(BLOCK + stray + "- progress:\n- Achieved\n- url:\n- x\nSkip to top\n")
        assert page.blocks[0].values["url"].text == "x" and page.blocks[0].kind == "recommendation"
        assert codes(page) == ["unknown_key"]


def test_groups_may_hold_nothing_or_unknown_keys_first() -> None:
    page = read(HEAD + "- location:\n- eval_url:\n- x\n- recommendations:\n- mood:\n- wet\n- url:\n- y\nSkip to top\n")
    assert page.locations == [] and page.values["eval_url"].text == "x"
    assert texts(page.blocks[0].values) == {"url": "y"}
    page = read(BLOCK + "- themes:\n- progress:\n- Achieved\nSkip to top\n")
    assert page.problems == [] and page.blocks[0].themes == []


def test_keys_start_over_below_a_text() -> None:
    block = "- date:\n- 2023-01-16 00:00:00.0\n- url:\n- x\n- title:\n- Kalo\n- date:\nmiru\n"
    page = read(HEAD + "- recommendations:\n" + 2 * block + "Skip to top\n")
    assert [block.values["title"].text for block in page.blocks] == ["Kalo\n- date:\nmiru"] * 2
    lesson = "- themes:\n- theme:\n- a\n- category:\n- b\n- url:\n- x\n- context:\n- Kalo\n"
    page = read(HEAD + "- lessons_learned:\n" + 3 * lesson + "Skip to top\n")
    assert [block.values["context"].text for block in page.blocks] == ["Kalo"] * 3
    empty = "- replication:\n- country:\nKalo\n- links:\n- context:\n"
    page = read(HEAD + "- good_practices:\n" + 2 * empty + "Skip to top\n")
    assert [texts(block.values) for block in page.blocks] == [{"replication": "country:\nKalo"}] * 2


def test_themes_may_have_their_group_key_each() -> None:
    theme = "- themes:\n- theme:\n- a\n- category:\n- b\n"
    page = read(HEAD + "- lessons_learned:\n" + 2 * theme + "- url:\n- x\nSkip to top\n")
    assert [texts(pair) for pair in page.blocks[0].themes] == [{"theme": "a", "category": "b"}] * 2
    assert len(page.blocks) == 1 and page.problems == []


def test_a_blank_line_ends_a_pair_in_the_plain_layout() -> None:
    head = "Back to index\n\nKalo\n\neval_number:\n9001\nlocation:\n"
    page = read(head + "country:\nFiji\n\nregion:\nAfrica\n\ncountry:\nPeru\nregion:\nAmericas\n\nSkip to top\n")
    assert page.layout == PLAIN
    assert [texts(pair) for pair in page.locations] == [
        {"country": "Fiji"},
        {"region": "Africa"},
        {"country": "Peru", "region": "Americas"},
    ]


def test_a_letter_of_the_footer_below_a_text() -> None:
    text = "Back to index\nKalo\n- eval_title:\n- Kalo\n- lessons_learned:\n- url:\n- x/1\n- context:\n- Miru\nSk"
    assert codes(read(text)) == ["cut_in_footer"]
    assert read(text).blocks[0].values["context"].text == "Miru"
    # Of a record that is not whole, the text goes on.
    page = read(text.replace("- url:\n- x/1\n", ""))
    assert codes(page) == ["cut_in_text"] and page.blocks[0].values["context"].text == "Miru\nSk"


# ---- size: no page may take more than its share of time (each of these is quadratic in some plausible reader)

N = 20_000


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(BLOCK + "- title:\n- " + "kalo " * 100 * N + "\nSkip to top", id="one line"),
        pytest.param("\n" * 10 * N, id="only blank lines"),
        pytest.param(BLOCK + "- title:\n- a\n" + "\n" * 10 * N, id="blank lines in a text"),
        pytest.param(HEAD + "- recommendations:\n" + "\n" * 10 * N + "- date:\n", id="blank lines below a group"),
        pytest.param(BLOCK + "- url:\n" + "\n" * N + "- x\n" + "- url:\n" * N, id="repeated key"),
        pytest.param(HEAD + "- recommendations:\n- date:\n" * N, id="blocks"),
        pytest.param(HEAD + "- recommendations:\n" * N, id="group keys"),
        pytest.param(BLOCK + "- title:\n- a\n" + "- recommendations:\n" * N, id="group keys in a text"),
        pytest.param(
            BLOCK + "- title:\n- a\n" + "- date:\n- themes:\n- title:\n" * N, id="keys starting over in a text"
        ),
        pytest.param(HEAD + "- location:\n" + "- country:\n- a\n- region:\n- b\n" * N, id="locations"),
        pytest.param(HEAD + "".join(f"- key_{number}:\n- a\n" for number in range(N)), id="unknown keys"),
        pytest.param(HEAD + "- mystery:\n" + "kalo\n" * 10 * N, id="long unknown value"),
        pytest.param(BLOCK + "- " + "k" * 10 * N + ":\n", id="long unknown key"),
        pytest.param(BLOCK + "- \n" * N, id="marks alone"),
        pytest.param(BLOCK + "- title:\n- a\n" + "kalo miru:\n- kalo:\n" * 5 * N, id="lines ending in a colon"),
        pytest.param(BLOCK + "- title:\n- a\n" + "- success:\n- country:\n" * 5 * N, id="keys of another kind"),
        pytest.param(BLOCK + "- admin_units:\n" + "- CO-Suva\n" * N, id="values of a list"),
        pytest.param(BLOCK + "- title:\n- a\n" + "Skip to top\n" * N, id="footers"),
        pytest.param(SHIPPED + "\nkalo" * N, id="text after the footer"),
        pytest.param("Back to index\n" + "kalo\n" * N + HEAD, id="header"),
        pytest.param(HEAD.replace("\n", "\r\n") + "\r" * 10 * N, id="carriage returns"),
    ],
)
def test_large_pages_are_accounted_for(text: str) -> None:
    read(text)
