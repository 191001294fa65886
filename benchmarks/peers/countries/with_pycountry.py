"""pycountry: a field by exact look-up, a text by each of the names that it knows as a whole word."""

import re

import pycountry

NAMES = {
    getattr(country, key): country.alpha_3
    for country in pycountry.countries
    for key in ("name", "official_name", "common_name")
    if hasattr(country, key)
}
PATTERN = re.compile(r"\b(?:" + "|".join(sorted(map(re.escape, NAMES), key=len, reverse=True)) + r")\b")


def in_field(value):
    """The country that a field names."""
    try:
        return {pycountry.countries.lookup(value).alpha_3}
    except LookupError:
        return set()


def in_text(text):
    """The countries that a text names."""
    return {NAMES[name] for name in PATTERN.findall(text)}
