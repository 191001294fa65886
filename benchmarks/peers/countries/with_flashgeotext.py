"""flashgeotext with its own table of countries; its names are turned into codes by pycountry."""

from functools import cache

import pycountry
from flashgeotext.geotext import GeoText

GEOTEXT = GeoText()


@cache
def code_of(name):
    """The code of a name, or the name where nobody knows one."""
    try:
        return pycountry.countries.lookup(name).alpha_3
    except LookupError:
        return name


def in_text(text):
    """The countries that a text names."""
    return {code_of(name) for name in GEOTEXT.extract(text).get("countries", {})}


in_field = in_text
