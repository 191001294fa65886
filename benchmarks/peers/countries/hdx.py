"""hdx-python-country, exact matching only: a text is asked as one name, and each of its capitalised runs as well."""

import json
import re
import sys

sys.path.pop(0)  # this folder has modules of the same name

from hdx.location.country import Country

Country.countriesdata(use_live=False)
for line in sys.stdin:
    question = json.loads(line)
    names = [question["text"]]
    if question["kind"] == "text":
        names = re.findall(r"[A-ZÀ-Þ][\w'’.-]*(?:[ -](?:of|the|and|[A-ZÀ-Þ][\w'’.-]*))*", question["text"])
    found = {Country.get_iso3_country_code(name.strip(" .")) for name in names if name.strip(" .")}
    print(json.dumps(sorted(found - {None})))
