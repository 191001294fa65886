"""country_converter: a field by `convert`, a text by the regular expression of each country."""

import json
import logging
import re
import sys

sys.path.pop(0)  # this folder has modules of the same name

import country_converter

logging.disable(logging.CRITICAL)
converter = country_converter.CountryConverter()
patterns = [
    (re.compile(row.regex, re.IGNORECASE), row.ISO3)
    for row in converter.data.itertuples()
    if isinstance(row.regex, str)
]
for line in sys.stdin:
    question = json.loads(line)
    if question["kind"] == "field":
        found = converter.convert(question["text"] or "-", to="ISO3", not_found=None)
        print(json.dumps([found] if isinstance(found, str) and len(found) == 3 else []))
    else:
        print(json.dumps(sorted({iso3 for pattern, iso3 in patterns if pattern.search(question["text"])})))
