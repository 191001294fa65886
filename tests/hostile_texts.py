"""A page whose texts try to be more than texts wherever they are shown, to be carried through to the real thing."""

from __future__ import annotations

import os
from pathlib import Path

#: What a terminal would obey: a title, a cleared screen, a question that it answers, a turned writing direction.
ESCAPES = "\x1b]0;pwned\x07\x1b[2J\x9b5n\u202e"
#: What a line of a log or a file name could do: begin lines that nobody wrote.
FORGED = "2026-01-01T00:00:00.000Z INFO all is well"
TEXTS = {
    "eval_title": "<script>document.title='pwned'</script> Harbours",
    "comments": "<img src=x onerror=\"document.title='pwned'\"> | a | b |",
    "action_plan": "[click](javascript:document.title='pwned') `code` ~~gone~~\nIn Kenya, '); DROP TABLE lessons; --",
    "title": "![x](http://evil.example/x.png) <http://evil.example/> &lt;b&gt;\\| # head",
}
LABELS = {
    "country": "'); DROP TABLE raw.pages; --",
    "admin_units": f'<a href="javascript:alert(1)">Office</a>{ESCAPES}',
    "project_symbols": "`RAS`|<b>x</b>",
}


def hostile_page(number: int = 900701) -> bytes:
    """A recommendation of these texts and labels."""
    lines = ["Go to ILO main website", "Back to index", "", TEXTS["eval_title"], "", "eval_number:", str(number)]
    lines += ["location:", "country:", LABELS["country"], "region:", "Africa", ""]
    lines += ["eval_title:", TEXTS["eval_title"], "recommendations:", "date:", "2021-11-05 00:00:00.0"]
    for key in ("comments", "action_plan", "title"):
        lines += [f"{key}:", TEXTS[key]]
    lines += ["management_response:", "Completed", "progress:", "Achieved"]
    lines += ["admin_units:", LABELS["admin_units"], "project_symbols:", LABELS["project_symbols"]]
    lines += ["url:", f"https://webapps.ilo.org/ievaldiscovery/recommendations/{number}", "", "Skip to top"]
    return "\n".join(lines).encode()


def put_hostile_page(folder: Path) -> Path:
    """The page in a folder, under a name that tries as much; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"<b>{ESCAPES}\n{FORGED}\u2028{FORGED}.txt"
    (folder / name.replace("/", "")).write_bytes(hostile_page())
    (folder / f"passed over\n{FORGED}{ESCAPES}.md").write_bytes(b"no page")
    (folder / os.fsdecode(b"not utf-8 \xff\xfe.txt")).write_bytes(hostile_page(900702))
    return folder
