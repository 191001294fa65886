"""country_converter: a field by `convert`, a text by the regular expression of each country."""

import logging
import re

import country_converter

logging.disable(logging.CRITICAL)
CONVERTER = country_converter.CountryConverter()
PATTERNS = [
    (re.compile(row.regex, re.IGNORECASE), row.ISO3)
    for row in CONVERTER.data.itertuples()
    if isinstance(row.regex, str)
]


def in_field(value):
    """The country that a field names."""
    found = CONVERTER.convert(value or "-", to="ISO3", not_found=None)
    return {found} if isinstance(found, str) and len(found) == 3 else set()


def in_text(text):
    """The countries that a text names."""
    return {iso3 for pattern, iso3 in PATTERNS if pattern.search(text)}
