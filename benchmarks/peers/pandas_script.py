"""Text pages → Parquet files and a DuckDB file, as a competent analyst would write it with plain pandas in one file.

    python benchmarks/peers/pandas_script.py PAGES_DIR OUT_DIR REFERENCE_DIR [mentions | LIBRARY]

One loop over the files, lists of dicts, data frames, merges, primary keys on what is loaded. Neither tuned nor slowed
down. It recognises a country where an action item opens with its exact name and, with the word `mentions`, wherever one
of the exact names stands in a text: one regular expression of all names, no demonyms, no roles. With the name of a
library (`countries/with_<library>.py`) it asks this one instead which countries every free text names. It has no status
history, no foreign keys, no comments, no checks and no views.
"""

import hashlib
import importlib
import re
import sys
from pathlib import Path

import duckdb
import pandas as pd

HEAD_KEYS = {"eval_number", "eval_url", "eval_title"}
BLOCK_KEYS = {
    "recommendations": [
        "date", "themes", "comments", "action_plan", "management_response", "progress", "admin_units", "title",
        "project_symbols", "url", "information_source",
    ],
    "lessons_learned": [
        "themes", "comments", "challenges", "success", "context", "description", "administrative_issues", "url",
    ],
    "good_practices": [
        "replication", "cause_effect", "themes", "context", "description", "links", "indicators", "url",
    ],
}  # fmt: skip
KIND = {"recommendations": "recommendation", "lessons_learned": "lesson", "good_practices": "good_practice"}
GROUP = {kind: group for group, kind in KIND.items()}
MULTI = {"admin_units", "project_symbols"}
CONTROLLED = {
    "eval_number", "eval_url", "eval_title", "country", "region", "date", "theme", "category", "management_response",
    "progress", "admin_units", "project_symbols", "url", "information_source",
}  # fmt: skip
EMPTY = {"-", ".", "N/A", "n/a", "NA", "none", "not applicable", ""}
BULLET = re.compile(r"\s*(-|•|‣|o|\uf0b7|\d{1,2}[.)]|[A-Za-z][.)]|R\.\d+(?:\.\d+)*\.)\s+(?=\S)")
OPENING = re.compile(r"(?:In|En|Au|Aux|À) (?:the |el |la )?([^,.:;]{3,60}),")
COLON = re.compile(r"([^,.:;]{3,60}?) ?: ")
COMMON_WORDS = {
    "en": frozenset("the of and to in for is are was be that this will on by with as from it not or at have".split()),
    "fr": frozenset("le la les des du de et à est sont en dans pour par sur que qui une un au aux avec ce il".split()),
    "es": frozenset("el la los las de del y en que para por con una un es son se su al lo como más no".split()),
}
KEYS = {
    "pages": "page_id", "page_fields": "page_id, line_number", "evaluations": "eval_number",
    "evaluation_locations": "eval_number, country_label", "recommendations": "recommendation_id",
    "lessons": "lesson_id", "good_practices": "practice_id", "record_themes": "record_kind, record_id, position",
    "recommendation_admin_units": "recommendation_id, position",
    "recommendation_projects": "recommendation_id, position", "projects": "project_symbol",
    "recommendation_steps": "recommendation_id, step_number", "action_items": "recommendation_id, item_number",
    "problems": "page_id, problem_number",
}  # fmt: skip
SYMBOL = re.compile(r"([A-Z]{3})[ /](\d{2})/(\d{2,3})/([A-Z]{3,4})$")


# --- one page --------------------------------------------------------------------------------------------------------


def parse_page(text):
    """Return what the lines of one page say: page facts, records, fields and problems."""
    page = {"layout": "unknown", "status": "refused", "is_truncated": None, "title_line": None}
    page |= {"head": {}, "locations": []}
    records, fields, problems = [], [], []
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    while lines and lines[-1] == "":
        lines.pop()

    if lines and lines[0] == "Recommendations":
        page["status"] = "list"
    elif lines and lines[0] == "Back to index":
        page["layout"], start = "dashed", 1
    elif lines and lines[0] == "Go to ILO main website":
        page["layout"], start = "plain", 2
    if page["layout"] == "unknown":
        problems.append((1, None, "list_page" if page["status"] == "list" else "not_a_page", lines[0] if lines else ""))
        return page, records, fields, problems

    dashed = page["layout"] == "dashed"
    page["status"] = "record"
    page["is_truncated"] = lines[-1] != "Skip to top"
    if not page["is_truncated"]:
        lines.pop()
    elif "Skip to top".startswith(lines[-1]):
        lines.pop()  # cut inside the footer
        problems.append((len(lines) + 1, None, "truncated_footer", ""))
    else:
        problems.append((len(lines), None, "truncated", lines[-1][:80]))

    group = None  # the block that is open, e.g. recommendations
    inner = None  # location or themes, while their pairs are read
    record = current = None  # current: the field that further lines belong to
    for number, line in enumerate(lines[start:], start + 1):
        if not line.strip():
            continue
        body = line[2:] if dashed and line.startswith("- ") else line
        may_be_key = body.endswith(":") and (not dashed or line.startswith("- "))
        key = body[:-1] if may_be_key else None

        if key in BLOCK_KEYS and group in (None, key):
            group, inner, current = key, None, None
            record = new_record(group, records)
        elif key == "location":
            inner, current = "location", None
        elif key in HEAD_KEYS and key not in page["head"]:
            inner, current = None, {"path": key, "line": number, "value": None}
            page["head"][key] = current
            fields.append(current)
        elif inner == "location" and key in ("country", "region"):
            pairs = page["locations"]
            if not pairs or key in pairs[-1]:
                pairs.append({})
            current = {"path": f"location[{len(pairs)}].{key}", "line": number, "value": None}
            pairs[-1][key] = current
            fields.append(current)
        elif inner == "themes" and key in ("theme", "category"):
            pairs = record["themes"]
            if not pairs or key in pairs[-1]:
                pairs.append({})
            path = f"{group}[{len(records)}].themes[{len(pairs)}].{key}"
            current = {"path": path, "line": number, "value": None}
            pairs[-1][key] = current
            fields.append(current)
        elif record is not None and key in BLOCK_KEYS[group] and starts_field(key, record, group):
            if key in record["seen"]:  # the block starts over: a second record on the page
                record = new_record(group, records)
            record["seen"].add(key)
            if key == "themes":
                inner, current = "themes", None
            else:
                inner = None
                current = {"path": f"{group}[{len(records)}].{key}", "line": number, "value": None}
                record[key] = current
                fields.append(current)
        elif current is not None and current["value"] is None:
            current["value"] = body
        elif current is not None:
            name = current["path"].rpartition(".")[2]
            if key is not None and re.fullmatch(r"[a-z_]+", key) and name in CONTROLLED:
                problems.append((number, key, "unknown_key", body))
                current = {"path": f"unknown.{key}", "line": number, "value": None}
                fields.append(current)
            elif name in MULTI:
                current["value"] += "\n" + body
            else:
                current["value"] += "\n" + line
        elif page["title_line"] is None:
            page["title_line"] = line
        else:
            problems.append((number, None, "unexpected_line", line[:80]))

    if page["title_line"] is None:
        page["title_line"] = ""
    cut_in_value = page["is_truncated"] and problems[-1][2] != "truncated_footer" and current is not None
    if cut_in_value and current["path"].rpartition(".")[2] in CONTROLLED:
        current["value"] = None  # may be half a word
    if not fields:
        page["status"] = "refused"
        problems.append((1, None, "not_a_page", lines[0]))
    return page, records, fields, problems


def new_record(group, records):
    """Open a record of that group."""
    record = {"kind": KIND[group], "themes": [], "seen": set()}
    records.append(record)
    return record


def starts_field(key, record, group):
    """A key opens a field if it is new in its block, or if it is the first of a finished block: then it starts over."""
    return key not in record["seen"] or (key == BLOCK_KEYS[group][0] and "url" in record)


def value_of(record, key):
    """The text of a field, None if it is absent."""
    return record[key]["value"] if key in record else None


def clean(value):
    """None for an empty marker."""
    return None if value is None or value.strip() in EMPTY else value


# --- text inside fields ----------------------------------------------------------------------------------------------


def language(*texts):
    """The language whose commonest words the texts use most."""
    words = re.findall(r"[^\W\d_]+", " ".join(text for text in texts if text)[:600].lower())
    counts = {name: sum(word in common for word in words) for name, common in COMMON_WORDS.items()}
    return max(counts, key=counts.get) if len(words) > 2 else None


def split_lines(text):
    """Lines of a text with their offsets."""
    position = 0
    for line in text.split("\n"):
        yield line, position
        position += len(line) + 1


def title_steps(title):
    """The bullets of a title: a marker on a line of its own beginning, after the first line."""
    steps = []
    for line, start in split_lines(title):
        bullet = BULLET.match(line)
        if bullet and (start > 0 or bullet[1] in "-•‣"):
            steps.append((bullet[1], line[bullet.end() :], start + bullet.end(), start + len(line)))
    return steps


def plan_items(plan, names):
    """Lines of an action plan as items, each with the country that it opens with or that is the heading above it."""
    items = []
    heading, heading_country, paragraph = None, None, 0
    for paragraph, (line, start) in enumerate(split_lines(plan), 1):
        if not line.strip():
            continue
        label = line.strip().rstrip(":").strip()
        if label in names:
            heading, heading_country = line.strip(), names[label]
            continue
        if line.rstrip().endswith(":") and len(line) < 120:
            heading, heading_country = line.strip(), None
            continue
        bullet = BULLET.match(line)
        marker, begin = (bullet[1], bullet.end()) if bullet else (None, 0)
        if bullet is None:
            heading, heading_country = None, None
        text = line[begin:]
        opening = OPENING.match(text) or COLON.match(text)
        country, evidence, span = None, None, None
        if opening and opening[1].strip() in names:
            country, evidence = names[opening[1].strip()], "opening"
            span = (start + begin + opening.start(1), start + begin + opening.end(1))
        elif heading_country:
            country, evidence = heading_country, "heading"
        items.append((paragraph, marker, heading, text, start + begin, start + len(line), country, evidence, span))
    return items


# --- all pages ------------------------------------------------------------------------------------------------------


def read_pages(folder, names, find_mentions):
    """Parse every file and collect plain rows for each table; `find_mentions` finds countries in texts, if given."""
    rows = {
        name: []
        for name in (
            "pages", "page_fields", "evaluations", "evaluation_locations", "recommendations", "lessons",
            "good_practices", "record_themes", "recommendation_admin_units", "recommendation_projects",
            "recommendation_steps", "action_items", "action_item_countries", "country_mentions", "problems",
        )
    }  # fmt: skip
    for file in sorted(folder.glob("*.txt")):
        content = file.read_bytes()
        page_id = hashlib.sha256(content).hexdigest()
        text = content.decode("utf-8", errors="replace")
        page, records, fields, problems = parse_page(text)
        ids = [record_id(record) for record in records]
        problems += [(None, "url", "no_record_id", file.name) for number in ids if number is None]

        for field in fields:
            rows["page_fields"].append(
                {"page_id": page_id, "line_number": field["line"], "path": field["path"], "value": field["value"]}
            )
        for number, (line, field, code, detail) in enumerate(problems, 1):
            rows["problems"].append(
                {"page_id": page_id, "problem_number": number, "source_uri": file.name, "line_number": line,
                 "field": field, "problem_code": code, "detail": detail}
            )  # fmt: skip

        eval_number = value_of(page["head"], "eval_number")
        eval_number = int(eval_number) if eval_number and eval_number.isdigit() else None
        eval_url = value_of(page["head"], "eval_url")
        rows["pages"].append(
            {"page_id": page_id, "source_uri": file.name, "byte_size": len(content), "layout": page["layout"],
             "host": eval_url.split("/")[2] if eval_url and eval_url.count("/") > 2 else None,
             "is_truncated": page["is_truncated"], "status": page["status"],
             "record_kind": records[0]["kind"] if records else None, "record_id": ids[0] if ids else None,
             "record_count": len(records), "eval_number": eval_number, "page_text": text}
        )  # fmt: skip
        if eval_number is None:
            continue
        title = value_of(page["head"], "eval_title") or page["title_line"]
        rows["evaluations"].append({"eval_number": eval_number, "title": title, "url": eval_url})
        for pair in page["locations"]:
            if value_of(pair, "country"):
                rows["evaluation_locations"].append(
                    {"eval_number": eval_number, "country_label": value_of(pair, "country"),
                     "region_label": value_of(pair, "region")}
                )  # fmt: skip
        for record, number in zip(records, ids, strict=True):
            if number is not None:
                add_record(rows, record, number, eval_number, page_id, names)
                if find_mentions:
                    add_mentions(rows, record, number, page_id, find_mentions)
    return rows


def add_mentions(rows, record, number, page_id, find_mentions):
    """Every country in every free text of a record."""
    for key in set(BLOCK_KEYS[GROUP[record["kind"]]]) - CONTROLLED - {"themes"}:
        for start, end, iso3, words in find_mentions(clean(value_of(record, key)) or ""):
            rows["country_mentions"].append(
                {"record_kind": record["kind"], "record_id": number, "field": key, "char_start": start,
                 "country_iso3": iso3, "char_end": end, "mention_text": words, "page_id": page_id}
            )  # fmt: skip


def mention_finder(how, names):
    """A function from a text to its countries: by the names of the reference, or by a library, which has no offsets."""
    if how == "mentions":
        longest_first = sorted(names, key=len, reverse=True)
        anywhere = re.compile(rf"\b(?:{'|'.join(map(re.escape, longest_first))})\b")
        return lambda text: ((m.start(), m.end(), names[m[0]], m[0]) for m in anywhere.finditer(text))
    library = importlib.import_module(f"countries.with_{how}")
    return lambda text: ((None, None, iso3, None) for iso3 in library.in_text(text))


def record_id(record):
    """The last number of the record's url."""
    found = re.search(r"/(\d+)$", value_of(record, "url") or "")
    return int(found[1]) if found else None


def add_record(rows, record, number, eval_number, page_id, names):
    """Add one record to the rows of its tables."""
    kind = record["kind"]
    for position, pair in enumerate(record["themes"], 1):
        theme, category = value_of(pair, "theme"), value_of(pair, "category")
        group, topic = (theme, category) if kind == "recommendation" else (category, theme)
        rows["record_themes"].append(
            {"record_kind": kind, "record_id": number, "position": position, "group_label": group, "topic_label": topic,
             "page_id": page_id}
        )  # fmt: skip
    common = {"eval_number": eval_number, "url": value_of(record, "url"), "page_id": page_id}
    if kind == "lesson":
        texts = ("description", "context", "challenges", "success", "administrative_issues")
        row = {"lesson_id": number, **{key: clean(value_of(record, key)) for key in texts}, **common}
        row["language"] = language(*(row[key] for key in texts))
        rows["lessons"].append({**row, "target_users": clean(value_of(record, "comments"))})
        return
    if kind == "good_practice":
        texts = ("description", "context", "cause_effect", "replication", "indicators", "links")
        row = {"practice_id": number, **{key: clean(value_of(record, key)) for key in texts}, **common}
        row["language"] = language(*(row[key] for key in texts))
        rows["good_practices"].append(row)
        return

    title, plan = clean(value_of(record, "title")), clean(value_of(record, "action_plan"))
    rows["recommendations"].append(
        {"recommendation_id": number, "response_date": value_of(record, "date"), "title": title, "action_plan": plan,
         "comments": clean(value_of(record, "comments")), "language": language(title, plan),
         "management_response_label": value_of(record, "management_response"),
         "progress_label": value_of(record, "progress"),
         "information_source_label": value_of(record, "information_source"), **common}
    )  # fmt: skip
    for table, key, column in (
        ("recommendation_admin_units", "admin_units", "admin_unit_label"),
        ("recommendation_projects", "project_symbols", "project_symbol"),
    ):
        for position, value in enumerate((value_of(record, key) or "").split("\n"), 1):
            if value:
                rows[table].append(
                    {"recommendation_id": number, "position": position, column: value, "page_id": page_id}
                )
    for position, (marker, text, start, end) in enumerate(title_steps(title or ""), 1):
        rows["recommendation_steps"].append(
            {"recommendation_id": number, "step_number": position, "marker": marker, "step_text": text,
             "char_start": start, "char_end": end, "page_id": page_id}
        )  # fmt: skip
    for position, item in enumerate(plan_items(plan or "", names), 1):
        paragraph, marker, heading, text, start, end, country, evidence, span = item
        rows["action_items"].append(
            {"recommendation_id": number, "item_number": position, "paragraph_number": paragraph, "marker": marker,
             "heading_text": heading, "item_text": text, "scope": "country" if country else "programme",
             "char_start": start, "char_end": end, "page_id": page_id}
        )  # fmt: skip
        if country:
            rows["action_item_countries"].append(
                {"recommendation_id": number, "item_number": position, "country_iso3": country, "evidence": evidence,
                 "char_start": span[0] if span else None, "char_end": span[1] if span else None, "page_id": page_id}
            )  # fmt: skip


# --- tables ----------------------------------------------------------------------------------------------------------


def read_reference(folder):
    """Every reference CSV as text; `NA` is Namibia and not a missing value."""
    return {
        file.stem: pd.read_csv(file, dtype="string", keep_default_na=False).replace("", pd.NA)
        for file in sorted(folder.glob("*.csv"))
    }


def keep_current(tables):
    """Of several copies of a record keep one: complete before cut, then the one that was read last."""
    pages = tables["pages"]
    order = pages[pages["record_id"].notna()].reset_index()
    order = order.sort_values(["is_truncated", "index"], ascending=[False, True])
    current = order.drop_duplicates(["record_kind", "record_id"], keep="last")["page_id"]
    pages["is_current"] = pages["page_id"].isin(current)
    for name in list(tables):
        if name not in ("pages", "page_fields", "problems") and "page_id" in tables[name]:
            table = tables[name]
            tables[name] = table[table["page_id"].isin(current)].reset_index(drop=True)


def add_codes(tables, reference):
    """Join our codes to the labels of the source, and report labels without a code."""
    found = []

    def join(table, label, code, lookup, lookup_label):
        small = reference[lookup][[lookup_label, code]].rename(columns={lookup_label: label})
        tables[table] = tables[table].merge(small, on=label, how="left")
        missing = tables[table][tables[table][label].notna() & tables[table][code].isna()]
        found.append(missing[["page_id"]].assign(field=label, problem_code="unknown_label", detail=missing[label]))

    join("recommendations", "management_response_label", "management_response_code", "management_responses", "label")
    join("recommendations", "progress_label", "progress_code", "progress_levels", "label")
    join("recommendations", "information_source_label", "information_source_code", "information_sources", "label")
    join("recommendation_admin_units", "admin_unit_label", "admin_unit_code", "admin_units", "label")

    themes = reference["themes"][["group_label", "topic_label", "theme_code"]]
    tables["record_themes"] = tables["record_themes"].merge(themes, on=["group_label", "topic_label"], how="left")
    missing = tables["record_themes"][tables["record_themes"]["theme_code"].isna()]
    missing = missing.assign(field="theme", problem_code="unknown_label", detail=missing["topic_label"])
    found.append(missing[["page_id", "field", "problem_code", "detail"]])

    recommendations = tables["recommendations"]
    recommendations["response_date"] = pd.to_datetime(recommendations["response_date"], errors="coerce").dt.date
    expected = recommendations["management_response_code"].map(
        {"completed": "achieved", "partially_completed": "partially_achieved"}
    )
    expected = expected.fillna("no_implementation")
    both = recommendations["management_response_code"].notna() & recommendations["progress_code"].notna()
    recommendations["has_status_conflict"] = (expected != recommendations["progress_code"]).where(both)
    return found


def finish_evaluations(tables, reference, country_names):
    """One row an evaluation, one a location, with scope, ISO code and region."""
    evaluations = tables["evaluations"].drop_duplicates("eval_number").reset_index(drop=True)
    title = evaluations["title"].str.lower()
    evaluations["timing"] = pd.NA
    evaluations.loc[title.str.contains("final", na=False), "timing"] = "final"
    evaluations.loc[title.str.contains("mid-?term|mid term|mi-parcours|intermedia", na=False), "timing"] = "midterm"
    for column, pattern in (
        ("is_independent", "ind[eé]pend"),
        ("is_cluster", "cluster|agrupada|groupée"),
        ("is_joint", "joint|conjunta|conjointe"),
        ("is_thematic", "thematic|temática|thématique"),
    ):
        evaluations[column] = title.str.contains(pattern, na=False)
    tables["evaluations"] = evaluations

    locations = tables["evaluation_locations"].drop_duplicates(["eval_number", "country_label"])
    locations = locations.merge(country_names, on="country_label", how="left")
    regions = reference["regions"].rename(columns={"label": "region_label"})[["region_label", "region_code"]]
    locations = locations.merge(regions, on="region_label", how="left")
    locations["scope"] = pd.NA
    locations.loc[locations["country_iso3"].notna(), "scope"] = "country"
    locations.loc[locations["country_label"].str.endswith(" - regional"), "scope"] = "regional"
    locations.loc[locations["country_label"] == "Inter-Regional", "scope"] = "inter-regional"
    ours = reference["countries"][["iso3", "ilo_region"]].rename(columns={"iso3": "country_iso3"})
    locations = locations.merge(ours, on="country_iso3", how="left")
    locations["is_region_consistent"] = (locations["ilo_region"] == locations["region_label"]).where(
        locations["country_iso3"].notna()
    )
    tables["evaluation_locations"] = locations.drop(columns="ilo_region")
    unknown = locations[locations["scope"].isna()]
    first_page = tables["pages"].drop_duplicates("eval_number")[["eval_number", "page_id"]]
    unknown = unknown.merge(first_page, on="eval_number", how="left")
    return unknown[["page_id"]].assign(field="country", problem_code="unknown_label", detail=unknown["country_label"])


def split_projects(tables, reference):
    """Project symbols → their parts, NULL for what does not parse."""
    projects = tables["recommendation_projects"][["project_symbol"]].drop_duplicates().reset_index(drop=True)
    parts = projects["project_symbol"].str.extract(SYMBOL)
    projects["area_code"] = parts[0]
    year = pd.to_numeric(parts[1])
    projects["start_year"] = (year + 1900).where(year >= 70, year + 2000).astype("Int64")
    projects["serial"] = parts[2]
    projects["donor_code"] = parts[3]
    projects["is_placeholder"] = projects["project_symbol"].str.startswith("NO_DC_SYMBOL")
    areas = reference["project_areas"][["area_code", "area_kind", "country_iso3"]]
    projects = projects.merge(areas, on="area_code", how="left")
    is_country = projects["area_code"].isin(reference["countries"]["iso3"])
    projects["area_kind"] = projects["area_kind"].mask(projects["area_kind"].isna() & is_country, "country")
    projects["country_iso3"] = projects["country_iso3"].mask(
        projects["country_iso3"].isna() & is_country, projects["area_code"]
    )
    donors = reference["project_donors"][["donor_code", "country_iso3"]]
    donors = donors.rename(columns={"country_iso3": "donor_country_iso3"})
    tables["projects"] = projects.merge(donors, on="donor_code", how="left")


def main(pages_dir, out_dir, reference_dir, mentions=None):
    """Read, join, write."""
    reference = read_reference(reference_dir)
    named = reference["country_names"]
    named = named[named["kind"] == "name"].drop_duplicates("surface")
    country_names = named[["surface", "country_iso3"]].rename(columns={"surface": "country_label"})
    names = dict(zip(named["surface"], named["country_iso3"], strict=True))

    rows = read_pages(pages_dir, names, mention_finder(mentions, names) if mentions else None)
    tables = {name: pd.DataFrame(table) for name, table in rows.items()}
    for column in ("record_id", "eval_number"):
        tables["pages"][column] = tables["pages"][column].astype("Int64")
    for column in ("char_start", "char_end"):
        tables["action_item_countries"][column] = tables["action_item_countries"][column].astype("Int64")

    keep_current(tables)
    found = add_codes(tables, reference)
    found.append(finish_evaluations(tables, reference, country_names))
    split_projects(tables, reference)
    unknown = pd.concat(found, ignore_index=True)
    unknown = unknown.merge(tables["pages"][["page_id", "source_uri"]], on="page_id", how="left")
    problems = pd.concat([tables["problems"], unknown], ignore_index=True)
    problems["problem_number"] = problems.groupby("page_id").cumcount() + 1
    tables["problems"] = problems

    out_dir.mkdir(parents=True, exist_ok=True)
    database = out_dir / "ieval.duckdb"
    database.unlink(missing_ok=True)
    with duckdb.connect(str(database)) as connection:
        for name, table in (tables | {f"ref_{name}": table for name, table in reference.items()}).items():
            if name not in ("pages", "page_fields", "problems"):
                table = table.drop(columns="page_id") if "page_id" in table and "url" not in table else table
            file = out_dir / f"{name}.parquet"
            if table.empty:
                continue
            table.to_parquet(file, index=False)
            connection.execute(f"CREATE TABLE {name} AS SELECT * FROM read_parquet('{file}')")
            if name in KEYS:
                connection.execute(f"ALTER TABLE {name} ADD PRIMARY KEY ({KEYS[name]})")
    print(f"{len(tables['pages'])} pages, {len(tables['action_items'])} action items, {len(problems)} problems")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), *sys.argv[4:5])
