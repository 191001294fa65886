"""flashgeotext with its own table of countries; its names are turned into codes by the vocabulary that it ships."""

import json
import sys

sys.path.pop(0)  # this folder has modules of the same name

import pycountry
from flashgeotext.geotext import GeoText

geotext = GeoText()
for line in sys.stdin:
    found = set()
    for name in geotext.extract(json.loads(line)["text"]).get("countries", {}):
        try:
            found.add(pycountry.countries.lookup(name).alpha_3)
        except LookupError:
            found.add(name)
    print(json.dumps(sorted(found)))
