"""Questions as JSON lines on stdin → the answers of one library, a sorted list of ISO codes a line, and what they took.

    python benchmarks/peers/countries/answer.py LIBRARY < questions

The last line is the time of all answers in seconds, without the library's start. Each `with_<library>.py` beside this
file says how the library is asked: `in_field` for a field that should be one country, `in_text` for running text.
"""

import importlib
import json
import sys
import time

library = importlib.import_module(f"with_{sys.argv[1]}")
questions = [json.loads(line) for line in sys.stdin]
start = time.perf_counter()
answers = [
    sorted((library.in_field if question["kind"] == "field" else library.in_text)(question["text"]))
    for question in questions
]
seconds = time.perf_counter() - start
for answer in answers:
    print(json.dumps(answer))
print(json.dumps(seconds))
