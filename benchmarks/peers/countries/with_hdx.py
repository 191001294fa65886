"""hdx-python-country, exact matching only: a text is asked as one name, and each of its capitalised runs as well."""

import re

from hdx.location.country import Country

Country.countriesdata(use_live=False)
CAPITALISED = re.compile(r"[A-ZÀ-Þ][\w'’.-]*(?:[ -](?:of|the|and|[A-ZÀ-Þ][\w'’.-]*))*")


def _codes(names):
    return {Country.get_iso3_country_code(name.strip(" .")) for name in names if name.strip(" .")} - {None}


def in_field(value):
    """The country that a field names."""
    return _codes([value])


def in_text(text):
    """The countries that a text names."""
    return _codes(CAPITALISED.findall(text))
