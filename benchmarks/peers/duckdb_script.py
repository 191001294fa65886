"""Text pages → Parquet files and a DuckDB file in SQL alone: one regular expression marks the keys, others take values.

    python benchmarks/peers/duckdb_script.py PAGES_DIR OUT_DIR

Python only fills the keys into the SQL and runs it. `read_text` reads the folder; the keys of a page are marked once,
in either layout; then each value is what stands between its key and the next mark. DuckDB gives work to its threads by
row groups, so these are made small: with groups of the usual size one thread did it all. One record a page; a key of
another kind of record inside a text would be taken for a key. No codes, steps, action items, countries, problems or
checks.
"""

import sys
from pathlib import Path

import duckdb

HEAD = ("eval_number", "eval_url", "eval_title", "location", "country", "region")
TEXTS = {
    "recommendation": ("title", "action_plan", "comments"),
    "lesson": ("description", "context", "challenges", "success", "administrative_issues"),
    "good_practice": ("description", "context", "cause_effect", "replication", "indicators", "links"),
}
LABELS = ("management_response", "progress", "information_source")
GROUPS = {"recommendations": "recommendation", "lessons_learned": "lesson", "good_practices": "good_practice"}
CONTROLLED = (*HEAD, *LABELS, "theme", "category", "date", "url", "admin_units", "project_symbols")
KEYS = sorted({*CONTROLLED, *GROUPS, "themes", *(key for keys in TEXTS.values() for key in keys)})
RECORDS = {
    "recommendations": ("recommendation", "recommendation_id"),
    "lessons": ("lesson", "lesson_id"),
    "good_practices": ("good_practice", "practice_id"),
}


def line(key):
    """SQL: the one line that is the value of a key."""
    return rf"nullif(regexp_extract(text, '\x01{key}\x02\n+([^\x01\n]*)', 1), '')"


def lines(key):
    """SQL: all one-line values of a key, one a line or one a repetition of the key."""
    return rf"regexp_extract_all(text, '\x01{key}\x02\n+([^\x01\n]*)', 1)"


def listed(key):
    """SQL: the values of a key that takes one a line."""
    value = rf"rtrim(regexp_extract(text, '\x01{key}\x02\n+([^\x01]*)', 1), E'\n')"
    return rf"list_filter(regexp_extract_all({value}, '(?m)^(?:- )?(.+)$', 1), lambda x: x <> '')"


def text(key, name=None):
    """SQL: a free text as a column, NULL where it only says that there is none."""
    value = rf"rtrim(regexp_extract(text, '\x01{key}\x02\n+([^\x01]*)', 1), E'\n')"
    markers = ("", "-", ".", "N/A", "n/a", "NA", "none", "not applicable")
    return f"CASE WHEN trim({value}) NOT IN {markers} THEN {value} END AS {name or key}"


# U+0001 stands before a key and U+0002 after it: [^\x01] is then all of a value, over any number of lines.
PARSE = rf"""
CREATE TABLE work.parsed AS
WITH read AS (
    SELECT parse_filename(filename) AS source_uri, content AS page_text, size AS byte_size,
           sha256(content) AS page_id, rtrim(replace(content, E'\r\n', E'\n'), E'\n') AS text,
    FROM read_text($pages)
), told_apart AS (
    SELECT *,
           CASE WHEN starts_with(text, 'Back to index') THEN 'dashed'
                WHEN starts_with(text, 'Go to ILO main website') THEN 'plain' ELSE 'unknown' END AS layout,
           NOT ends_with(text, E'\nSkip to top') AS is_cut,
           -- A page that is cut inside its footer has lost nothing.
           starts_with('Skip to top', regexp_extract(text, '[^\n]*$')) AS ends_in_footer,
    FROM read
), marked AS (
    SELECT * REPLACE (
               CASE layout
                    WHEN 'dashed' THEN replace(
                        regexp_replace(text, '(?m)^- ({"|".join(KEYS)}):$', E'\x01\\1\x02', 'g'),
                        E'\x02\n- ', E'\x02\n')
                    WHEN 'plain' THEN regexp_replace(text, '(?m)^({"|".join(KEYS)}):$', E'\x01\\1\x02', 'g')
                    ELSE text END AS text)
    FROM told_apart
), trimmed AS (
    SELECT * EXCLUDE (is_cut, ends_in_footer) REPLACE (
               CASE WHEN ends_in_footer THEN regexp_replace(text, '\n[^\n]*$', '')
                    -- What the cut goes through is half a word where it is no free text.
                    ELSE regexp_replace(text, '(\x01(?:{"|".join(CONTROLLED)})\x02(?:\n[^\x01]*)?)\n[^\x01\n]*$', '\1')
               END AS text),
           if(contains(text, E'\x01'), is_cut, NULL) AS is_truncated,
    FROM marked
), parsed AS (
    SELECT *,
           split_part({line("eval_url")}, '/', 3) AS host,
           CASE WHEN is_truncated IS NOT NULL THEN 'record' WHEN starts_with(text, 'Recommendations') THEN 'list'
                ELSE 'refused' END AS status,
           CASE regexp_extract(text, '\x01({"|".join(GROUPS)})\x02', 1)
                {" ".join(f"WHEN '{group}' THEN '{kind}'" for group, kind in GROUPS.items())} END AS record_kind,
           TRY_CAST(regexp_extract({line("url")}, '/(\d+)$', 1) AS BIGINT) AS record_id,
           TRY_CAST({line("eval_number")} AS BIGINT) AS eval_number,
    FROM trimmed
)
SELECT *,
       record_id IS NOT NULL AND 1 = row_number() OVER (
           PARTITION BY record_kind, record_id ORDER BY is_truncated, source_uri DESC) AS is_current
FROM parsed
"""


def records(name, more=""):
    """SQL: the table of one kind of record; `more` are its columns that are no free text."""
    kind, key = RECORDS[name]
    texts = ", ".join(text(text_key) for text_key in TEXTS[kind])
    return f"""
        SELECT record_id AS {key}, eval_number, {texts}, {more} {line("url")} AS url, page_id
        FROM work.parsed WHERE is_current AND record_kind = '{kind}'"""


def values(key, column):
    """SQL: the table of a key of recommendations that takes several values."""
    return f"""
        WITH lists AS (
            SELECT record_id, {listed(key)} AS labels
            FROM work.parsed WHERE is_current AND record_kind = 'recommendation'
        )
        SELECT record_id AS recommendation_id, generate_subscripts(labels, 1) AS position, unnest(labels) AS {column}
        FROM lists"""


TABLES = {
    "pages": "SELECT * EXCLUDE (text) FROM work.parsed",
    "evaluations": rf"""
        SELECT DISTINCT ON (eval_number) eval_number,
               coalesce({line("eval_title")}, regexp_extract(text, '(?m)^Back to index\s+^(.+)$', 1)) AS title,
               {line("eval_url")} AS url
        FROM work.parsed WHERE is_current ORDER BY eval_number, is_truncated, source_uri""",
    "evaluation_locations": f"""
        WITH places AS (
            SELECT eval_number, source_uri, unnest(list_zip({lines("country")}, {lines("region")})) AS place
            FROM work.parsed WHERE is_current
        )
        SELECT DISTINCT ON (eval_number, country_label)
               eval_number, place[1] AS country_label, nullif(place[2], '') AS region_label
        FROM places WHERE place[1] <> '' ORDER BY eval_number, country_label, source_uri""",
    "recommendations": records(
        "recommendations",
        f"TRY_CAST(left({line('date')}, 10) AS DATE) AS response_date, "
        + "".join(f"{line(label)} AS {label}_label, " for label in LABELS),
    ),
    "lessons": records("lessons", f"{text('comments', 'target_users')},"),
    "good_practices": records("good_practices"),
    "record_themes": f"""
        WITH themes AS (
            SELECT record_kind, record_id, unnest(list_zip({lines("theme")}, {lines("category")})) AS pair,
                   generate_subscripts({lines("theme")}, 1) AS position
            FROM work.parsed WHERE is_current
        )
        SELECT record_kind, record_id, position,
               if(record_kind = 'recommendation', pair[1], pair[2]) AS group_label,
               if(record_kind = 'recommendation', pair[2], pair[1]) AS topic_label
        FROM themes""",
    "recommendation_admin_units": values("admin_units", "admin_unit_label"),
    "recommendation_projects": values("project_symbols", "project_symbol"),
}
PRIMARY_KEYS = {
    "pages": "source_uri",
    "evaluations": "eval_number",
    "evaluation_locations": "eval_number, country_label",
    **{name: key for name, (_, key) in RECORDS.items()},
    "record_themes": "record_kind, record_id, position",
    "recommendation_admin_units": "recommendation_id, position",
    "recommendation_projects": "recommendation_id, position",
}


def main(pages_dir, out_dir):
    """Read, take apart, write."""
    out_dir.mkdir(parents=True, exist_ok=True)
    work = out_dir / "work.duckdb"
    for file in (out_dir / "ieval.duckdb", work):
        file.unlink(missing_ok=True)
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{out_dir}/ieval.duckdb' AS ieval (ROW_GROUP_SIZE 8192)")
        connection.execute(f"ATTACH '{work}' AS work (ROW_GROUP_SIZE 8192)")
        connection.execute("USE ieval")
        connection.execute(PARSE, {"pages": f"{pages_dir}/*.txt"})
        for name, select in TABLES.items():
            connection.execute(f"CREATE TABLE {name} AS {select}")
            connection.execute(f"ALTER TABLE {name} ADD PRIMARY KEY ({PRIMARY_KEYS[name]})")
            connection.execute(f"COPY {name} TO '{out_dir / name}.parquet' (COMPRESSION zstd)")
        (count,) = connection.execute("SELECT count(*) FROM pages").fetchone()
    work.unlink()
    print(f"{count} pages")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
