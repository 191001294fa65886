"""Text pages → Parquet files and a DuckDB file with dlt: a generator of nested records, normalised and loaded by dlt.

    python benchmarks/peers/dlt_script.py PAGES_DIR OUT_DIR

A page is parsed into a nested dictionary; dlt makes a table of each kind and a child table of each list, and loads them
by way of Parquet files, as its guide advises for DuckDB. SQL then picks the current copy of each record and names the
tables; they are exported to Parquet. No codes, steps, action items, countries, problems or checks.
"""

import hashlib
import os
import re
import sys
from pathlib import Path

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ["NORMALIZE__WORKERS"] = str(os.cpu_count())
os.environ["NORMALIZE__DATA_WRITER__FILE_MAX_ITEMS"] = "100000"  # several files, so that the workers share the work
os.environ["EXTRACT__DATA_WRITER__FILE_MAX_ITEMS"] = "20000"

import dlt  # it reads the settings above when it is imported

HEAD_KEYS = {"eval_number", "eval_url", "eval_title"}
PAIR_KEYS = {"country": "locations", "region": "locations", "theme": "themes", "category": "themes"}
BLOCK_KEYS = {
    "recommendations": {
        "date", "comments", "action_plan", "management_response", "progress", "admin_units", "title",
        "project_symbols", "url", "information_source",
    },
    "lessons_learned": {
        "comments", "challenges", "success", "context", "description", "administrative_issues", "url",
    },
    "good_practices": {"replication", "cause_effect", "context", "description", "links", "indicators", "url"},
}  # fmt: skip
FREE_TEXTS = {
    "comments", "action_plan", "title", "challenges", "success", "context", "description", "administrative_issues",
    "replication", "cause_effect", "links", "indicators",
}  # fmt: skip
KINDS = {"recommendations": "recommendation", "lessons_learned": "lesson", "good_practices": "good_practice"}
LISTS = {"admin_units", "project_symbols"}
EMPTY = {"", "-", ".", "N/A", "n/a", "NA", "none", "not applicable"}

# dlt makes no column of a key that has no value, and dates of what looks like one, but for columns that it is told of.
COLUMNS = {
    "pages": [{"name": "is_truncated", "data_type": "bool"}, {"name": "record_id", "data_type": "bigint"}],
    **{group: [{"name": key, "data_type": "text"} for key in keys - LISTS] for group, keys in BLOCK_KEYS.items()},
}
TABLES = {
    "pages": """
        SELECT * EXCLUDE (_dlt_load_id, _dlt_id), page_id IN (SELECT page_id FROM current) AS is_current
        FROM loaded.pages""",
    "evaluations": """
        SELECT DISTINCT ON (eval_number) eval_number, coalesce(eval_title, title_line) AS title, eval_url AS url
        FROM loaded.pages JOIN current USING (page_id) ORDER BY eval_number, is_truncated, source_uri""",
    "evaluation_locations": """
        SELECT DISTINCT ON (eval_number, country_label) eval_number, country AS country_label, region AS region_label
        FROM loaded.pages JOIN current USING (page_id)
        JOIN loaded.pages__locations AS place ON place._dlt_parent_id = pages._dlt_id
        WHERE country IS NOT NULL ORDER BY eval_number, country_label, source_uri""",
    "recommendations": """
        SELECT record_id AS recommendation_id, eval_number, TRY_CAST(left(date, 10) AS DATE) AS response_date, title,
               action_plan, comments, management_response AS management_response_label, progress AS progress_label,
               information_source AS information_source_label, url, page_id
        FROM loaded.recommendations JOIN current USING (page_id)""",
    "lessons": """
        SELECT record_id AS lesson_id, eval_number, description, context, challenges, success, administrative_issues,
               comments AS target_users, url, page_id
        FROM loaded.lessons_learned JOIN current USING (page_id)""",
    "good_practices": """
        SELECT record_id AS practice_id, eval_number, description, context, cause_effect, replication, indicators,
               links, url, page_id
        FROM loaded.good_practices JOIN current USING (page_id)""",
    "record_themes": " UNION ALL ".join(
        f"""
        SELECT '{kind}' AS record_kind, record_id, _dlt_list_idx + 1 AS position,
               {"theme" if kind == "recommendation" else "category"} AS group_label,
               {"category" if kind == "recommendation" else "theme"} AS topic_label
        FROM loaded.{group} JOIN current USING (page_id)
        JOIN loaded.{group}__themes AS pair ON pair._dlt_parent_id = {group}._dlt_id"""
        for group, kind in KINDS.items()
    ),
    **{
        name: f"""
        SELECT record_id AS recommendation_id, _dlt_list_idx + 1 AS position, value AS {column}
        FROM loaded.recommendations JOIN current USING (page_id)
        JOIN loaded.recommendations__{key} AS list ON list._dlt_parent_id = recommendations._dlt_id"""
        for name, key, column in (
            ("recommendation_admin_units", "admin_units", "admin_unit_label"),
            ("recommendation_projects", "project_symbols", "project_symbol"),
        )
    },
}
PRIMARY_KEYS = {
    "pages": "source_uri",
    "evaluations": "eval_number",
    "evaluation_locations": "eval_number, country_label",
    "recommendations": "recommendation_id",
    "lessons": "lesson_id",
    "good_practices": "practice_id",
    "record_themes": "record_kind, record_id, position",
    "recommendation_admin_units": "recommendation_id, position",
    "recommendation_projects": "recommendation_id, position",
}


def parse_page(text):
    """Return the page as a nested dictionary: its head, its locations, its group and its records."""
    lines = text.replace("\r\n", "\n").rstrip("\n").split("\n")
    page = {"layout": "unknown", "status": "refused", "is_truncated": None, "group": None}
    page |= {"locations": [], "records": []}
    page["layout"] = {"Back to index": "dashed", "Go to ILO main website": "plain"}.get(lines[0], "unknown")
    if page["layout"] == "unknown":
        page["status"] = "list" if lines[0] == "Recommendations" else "refused"
        return page
    page["is_truncated"] = lines[-1] != "Skip to top"
    is_cut_in_value = not "Skip to top".startswith(lines[-1])
    if not is_cut_in_value:
        lines.pop()

    mark = "- " if page["layout"] == "dashed" else ""
    place, key = page, "title_line"  # where the lines that follow belong
    values = []
    for line in lines[1 if mark else 2 :]:
        word = line[len(mark) : -1] if line.startswith(mark) and line.endswith(":") else None
        opened = open_field(page, word) if word else None
        if opened is None:
            values.append(line)
            continue
        close_field(place, key, values, mark)
        (place, key), values = opened, []
    if is_cut_in_value and key not in FREE_TEXTS:
        values = values[:-1]  # half a word
    close_field(place, key, values, mark)
    page["status"] = "record" if page.get("eval_number") else "refused"
    return page


def open_field(page, key):
    """Where the value of a key belongs, making room for it; None if it is no key here."""
    record = page["records"][-1] if page["records"] else None
    if key in KINDS and page["group"] in (None, key):
        page["group"] = key
        page["records"].append({"themes": []})
    elif key in PAIR_KEYS:
        pairs = page["locations"] if PAIR_KEYS[key] == "locations" else record and record["themes"]
        if pairs is None:
            return None
        if not pairs or key in pairs[-1]:
            pairs.append({})
        pairs[-1][key] = None
        return pairs[-1], key
    elif key in HEAD_KEYS and key not in page:
        return page, key
    elif record is not None and key in BLOCK_KEYS[page["group"]] and key not in record:
        return record, key
    elif key not in ("location", "themes"):
        return None
    return {}, key


def close_field(place, key, lines, mark):
    """Store the lines of a value, the first without the mark of its layout."""
    if key in LISTS:
        place[key] = [line.removeprefix(mark) for line in lines if line.strip()]
        return
    value = "\n".join(lines).strip("\n").removeprefix(mark)
    place[key] = None if value in EMPTY else value


@dlt.source
def ieval(folder):
    """A table of pages and one of each kind of record, with child tables of their lists; every file is read once."""

    @dlt.resource(selected=False)
    def parsed():
        files = sorted(folder.glob("*.txt"))
        for start in range(0, len(files), 500):
            yield [read_page(number, files[number]) for number in range(start, min(start + 500, len(files)))]

    @dlt.transformer(data_from=parsed, write_disposition="replace", columns=COLUMNS["pages"])
    def pages(batch):
        yield [{key: value for key, value in page.items() if key not in ("group", "records")} for page in batch]

    def records_of(group):
        @dlt.transformer(data_from=parsed, name=group, write_disposition="replace", columns=COLUMNS[group])
        def records(batch):
            yield [record for page in batch if page["group"] == group for record in page["records"]]

        return records

    return [pages, *map(records_of, KINDS)]


def read_page(number, file):
    """One file as a nested dictionary; its records carry what they share with the page."""
    content = file.read_bytes()
    text = content.decode("utf-8", errors="replace")
    page = parse_page(text)
    page |= {"number": number, "source_uri": file.name, "page_id": hashlib.sha256(content).hexdigest()}
    page |= {"byte_size": len(content), "page_text": text, "record_kind": KINDS.get(page["group"]), "record_id": None}
    eval_number, eval_url = page.get("eval_number"), page.get("eval_url")
    page["eval_number"] = int(eval_number) if eval_number and eval_number.isdigit() else None
    page["host"] = eval_url.split("/")[2] if eval_url and eval_url.count("/") > 2 else None
    for record in page["records"]:
        found = re.search(r"/(\d+)$", record.get("url") or "")
        record["record_id"] = page["record_id"] = int(found[1]) if found else None
        record |= {"eval_number": page["eval_number"], "page_id": page["page_id"]}
    return page


def main(pages_dir, out_dir):
    """Extract, normalise, load; then name the tables and export them."""
    out_dir.mkdir(parents=True, exist_ok=True)
    database = out_dir / "ieval.duckdb"
    database.unlink(missing_ok=True)
    pipeline = dlt.pipeline(
        "ieval",
        pipelines_dir=str(out_dir / "dlt"),
        destination=dlt.destinations.duckdb(str(database)),
        dataset_name="loaded",
    )
    pipeline.run(ieval(pages_dir), loader_file_format="parquet")
    with pipeline.sql_client() as client:
        connection = client.native_connection
        connection.execute("""
            CREATE TEMP TABLE current AS
            SELECT DISTINCT ON (record_kind, record_id) page_id
            FROM loaded.pages WHERE record_id IS NOT NULL
            ORDER BY record_kind, record_id, is_truncated, number DESC""")
        for name, select in TABLES.items():
            connection.execute(f"CREATE TABLE main.{name} AS {select}")
            connection.execute(f"ALTER TABLE main.{name} ADD PRIMARY KEY ({PRIMARY_KEYS[name]})")
            connection.execute(f"COPY main.{name} TO '{out_dir / name}.parquet' (COMPRESSION zstd)")
        connection.execute("DROP SCHEMA loaded CASCADE")
        (count,) = connection.execute("SELECT count(*) FROM main.pages").fetchone()
    print(f"{count} pages")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
