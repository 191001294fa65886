"""pycountry: a field by exact look-up, a text by each of the names that it knows as a whole word."""

import json
import re
import sys

# This file has the name of the library that it asks.
sys.path.pop(0)
import pycountry

names = {}
for country in pycountry.countries:
    for key in ("name", "official_name", "common_name"):
        if hasattr(country, key):
            names[getattr(country, key)] = country.alpha_3
pattern = re.compile(r"\b(?:" + "|".join(sorted(map(re.escape, names), key=len, reverse=True)) + r")\b")
for line in sys.stdin:
    question = json.loads(line)
    if question["kind"] == "field":
        try:
            print(json.dumps([pycountry.countries.lookup(question["text"]).alpha_3]))
        except LookupError:
            print("[]")
    else:
        print(json.dumps(sorted({names[name] for name in pattern.findall(question["text"])})))
