"""What `ieval explain` shows of a plan: items with their countries, the words that name them, and other roles."""

from __future__ import annotations

import re

import pytest

PLAN_OF_900015 = 18  # items, as tests/pages/expected.jsonl has them


@pytest.fixture(scope="module")
def shown(ieval, hostile):
    done = ieval("explain", "900015", "--warehouse", hostile.folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_item_is_numbered_and_has_its_countries(shown):
    numbers = re.findall(r"^ ?(\d+)  (\S+)", shown, re.MULTILINE)
    assert [int(number) for number, _ in numbers] == list(range(1, PLAN_OF_900015 + 1))
    assert "\n 2  JOR Jordan (heading: Jordan)  under: Jordan\n" in shown
    assert "\n10  ETH Ethiopia (opening: Ethiopia)\n" in shown
    assert "\n 1  programme-wide\n" in shown


def test_words_are_marked_where_they_stand_and_roles_are_told(shown):
    assert "with funds from [Germany] and the [Netherlands]." in shown
    assert "Germany (DEU) is named as donor" in shown
    assert "Italy (ITA) is named as office" in shown
    assert "Brazil (BRA) is named as model" in shown


def test_no_line_ends_in_a_blank(shown):
    assert not re.search(r" $", shown, re.MULTILINE)


def test_a_recommendation_without_a_plan(ieval, hostile):
    done = ieval("explain", "900006", "--warehouse", hostile.folder)
    assert done.returncode == 0
    assert "It has no action plan." in done.stdout


def test_an_unknown_number_gets_a_sentence(ieval, hostile):
    done = ieval("explain", "4", "--warehouse", hostile.folder)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "ieval: there is no recommendation 4 in the warehouse\n"


def test_a_word_is_no_number(ieval, hostile):
    done = ieval("explain", "four", "--warehouse", hostile.folder)
    assert done.returncode == 2
    assert "not a valid integer" in done.stderr
