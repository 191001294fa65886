"""Text pages → Parquet files and a DuckDB file with polars: one frame of lines, keys told apart by expressions.

    python benchmarks/peers/polars_script.py PAGES_DIR OUT_DIR

Every line of every page is a row; a line that is a key opens a field, the lines up to the next key are its value, and
fields become columns by their keys. All of it is polars expressions, which run on all cores; Python only reads and
hashes the files. One record a page. No codes, steps, action items, countries, problems or checks.
"""

import hashlib
import sys
from pathlib import Path

import duckdb
import polars as pl

HEAD = ["eval_number", "eval_url", "eval_title", "location", "country", "region", "theme", "category", "themes", "url"]
TEXTS = {
    "recommendation": ["title", "action_plan", "comments"],
    "lesson": ["description", "context", "challenges", "success", "administrative_issues", "comments"],
    "good_practice": ["description", "context", "cause_effect", "replication", "indicators", "links"],
}
LABELS = ["management_response", "progress", "information_source"]
LISTS = {"admin_units": "admin_unit_label", "project_symbols": "project_symbol"}
GROUPS = {"recommendations": "recommendation", "lessons_learned": "lesson", "good_practices": "good_practice"}
KEYS = {kind: [*HEAD, *GROUPS, *texts] for kind, texts in TEXTS.items()}
KEYS["recommendation"] += [*LABELS, *LISTS, "date"]
FREE_TEXTS = sorted({key for texts in TEXTS.values() for key in texts})
EMPTY = ["", "-", ".", "N/A", "n/a", "NA", "none", "not applicable"]
RECORDS = {
    "recommendations": ("recommendation", "recommendation_id"),
    "lessons": ("lesson", "lesson_id"),
    "good_practices": ("good_practice", "practice_id"),
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


def read_pages(folder):
    """One row a file."""
    files = sorted(folder.glob("*.txt"))
    contents = [file.read_bytes() for file in files]
    return pl.DataFrame(
        {
            "page": pl.int_range(len(files), eager=True, dtype=pl.UInt32),
            "source_uri": [file.name for file in files],
            "page_id": [hashlib.sha256(content).hexdigest() for content in contents],
            "byte_size": [len(content) for content in contents],
            "page_text": [content.decode("utf-8", errors="replace") for content in contents],
        }
    )


def tell_apart(pages):
    """Add what a page is: layout, kind, and where it is cut if it is."""
    text = pl.col("page_text").str.replace_all("\r\n", "\n", literal=True).str.strip_chars_end("\n")
    first_line, last_line = text.str.extract(r"^(.*)"), text.str.extract(r"(.*)$")
    return pages.with_columns(
        text=text,
        layout=first_line.replace_strict(
            {"Back to index": "dashed", "Go to ILO main website": "plain"}, default="unknown", return_dtype=pl.String
        ),
        first_line=first_line,
        is_truncated=last_line != "Skip to top",
        # A page that is cut inside its footer has lost nothing.
        ends_in_footer=pl.lit("Skip to top").str.starts_with(last_line),
        record_kind=text.str.extract(rf"(?m)^(?:- )?({'|'.join(GROUPS)}):$").replace_strict(GROUPS, default=None),
    )


def read_fields(pages):
    """One row a field of a page, in the order of the lines: page, field, key, value."""
    is_dashed = pl.col("layout") == "dashed"
    key = pl.when(is_dashed).then(pl.col("line").str.extract(r"^- ([a-z_]+):$"))
    key = key.otherwise(pl.col("line").str.extract(r"^([a-z_]+):$"))
    is_known = pl.any_horizontal(
        (pl.col("record_kind").fill_null("recommendation") == kind) & pl.col("key").is_in(keys)
        for kind, keys in KEYS.items()
    )
    is_last = pl.col("page") != pl.col("page").shift(-1, fill_value=-1)
    # What the cut of a page goes through is half a word where it is no free text.
    is_lost = pl.col("ends_in_footer") | pl.col("open_key").is_in(FREE_TEXTS).not_()
    lines = (
        pages.lazy()
        .filter(pl.col("layout") != "unknown")
        .select("page", "layout", "record_kind", "ends_in_footer", line=pl.col("text").str.split("\n"))
        .explode("line", empty_as_null=False)
        .with_columns(key=key)
        .with_columns(key=pl.when(is_known).then("key"))
        .with_columns(field=pl.col("key").is_not_null().cum_sum(), open_key=pl.col("key").forward_fill())
        .filter((is_last & is_lost).not_())
    )
    values = lines.filter(pl.col("key").is_null()).group_by("page", "field").agg(value=pl.col("line").str.join("\n"))
    marks = lines.filter(pl.col("key").is_not_null()).select("page", "field", "layout", "key")
    value = pl.col("value").str.strip_chars("\n")
    return (
        marks.join(values, on=["page", "field"], how="left")
        .with_columns(value=pl.when(is_dashed).then(value.str.strip_prefix("- ")).otherwise(value))
        .with_columns(value=pl.when(pl.col("value") != "").then("value"))
        .sort("field")
        .collect()
    )


def in_columns(pages, fields):
    """The pages with their fields as columns, the first of each key, and which copy of a record is the current one."""
    scalars = fields.filter(pl.col("key").is_in([*HEAD, *LABELS, *LISTS, *FREE_TEXTS, "date"]))
    wide = scalars.pivot("key", index="page", values="value", aggregate_function="first")
    pages = pages.join(wide, on="page", how="left", maintain_order="left").with_columns(
        status=pl.when(pl.col("eval_number").is_not_null())
        .then(pl.lit("record"))
        .when(pl.col("first_line") == "Recommendations")
        .then(pl.lit("list"))
        .otherwise(pl.lit("refused")),
        host=pl.col("eval_url").str.extract("^https?://([^/]+)/"),
        eval_number=pl.col("eval_number").cast(pl.Int64, strict=False),
        record_id=pl.col("url").str.extract(r"/(\d+)$").cast(pl.Int64),
    )
    complete_then_last = pl.col("page").sort_by("is_truncated", "page", descending=[False, True])
    current = complete_then_last.first().over("record_kind", "record_id")
    return pages.with_columns(
        is_truncated=pl.when(pl.col("status") == "record").then("is_truncated"),
        is_current=pl.col("record_id").is_not_null() & (current == pl.col("page")),
    )


def pairs(fields, first, second):
    """Two keys that are printed in turn, in either order: page, position, and a column each."""
    one, other = (
        fields.filter(pl.col("key") == key).select(
            "page", pl.col("value").alias(key), position=pl.int_range(1, pl.len() + 1).over("page")
        )
        for key in (first, second)
    )
    return one.join(other, on=["page", "position"], how="left")


def listed(pages, key):
    """The lines of a key of recommendations that takes one value a line."""
    return (
        pages.filter(pl.col("is_current") & (pl.col("record_kind") == "recommendation"))
        .select(recommendation_id="record_id", value=pl.col(key).str.split("\n"))
        .explode("value", empty_as_null=False)
        .with_columns(pl.col("value").str.strip_prefix("- "))
        .filter(pl.col("value") != "")
        .select(
            "recommendation_id",
            pl.col("value").alias(LISTS[key]),
            position=pl.int_range(1, pl.len() + 1).over("recommendation_id"),
        )
    )


def records(pages, name):
    """One row a record of a kind, from its current copy."""
    kind, key = RECORDS[name]
    names = {"comments": "target_users"} if kind == "lesson" else {}
    texts = [pl.when(pl.col(text).is_in(EMPTY).not_()).then(text).alias(names.get(text, text)) for text in TEXTS[kind]]
    if kind == "recommendation":
        texts += [pl.col(label).alias(f"{label}_label") for label in LABELS]
        texts.append(pl.col("date").str.head(10).str.to_date("%Y-%m-%d", strict=False).alias("response_date"))
    chosen = pages.filter(pl.col("is_current") & (pl.col("record_kind") == kind))
    return chosen.select(pl.col("record_id").alias(key), "eval_number", *texts, "url", "page_id")


def make_tables(pages, fields):
    """Every table by name."""
    current = pages.filter("is_current").select("page", "eval_number", "record_kind", "record_id")
    is_recommendation = pl.col("record_kind") == "recommendation"
    title = pl.coalesce("eval_title", pl.col("text").str.extract(r"(?m)^Back to index\s+^(.+)$"))
    return {
        "pages": pages.select(
            "source_uri", "page_id", "byte_size", "layout", "host", "is_truncated", "status", "record_kind",
            "record_id", "eval_number", "is_current", "page_text",
        ),
        "evaluations": pages.filter("is_current")
        .select("eval_number", "is_truncated", title=title, url="eval_url")
        .sort("eval_number", "is_truncated", maintain_order=True)
        .unique("eval_number", keep="first")
        .drop("is_truncated"),
        "evaluation_locations": pairs(fields, "country", "region")
        .join(current, on="page")
        .filter(pl.col("country").is_not_null())
        .unique(["eval_number", "country"], keep="first", maintain_order=True)
        .select("eval_number", country_label="country", region_label="region"),
        **{name: records(pages, name) for name in RECORDS},
        "record_themes": pairs(fields, "theme", "category")
        .join(current, on="page")
        .select(
            "record_kind", "record_id", "position",
            group_label=pl.when(is_recommendation).then("theme").otherwise("category"),
            topic_label=pl.when(is_recommendation).then("category").otherwise("theme"),
        ),
        "recommendation_admin_units": listed(pages, "admin_units"),
        "recommendation_projects": listed(pages, "project_symbols"),
    }  # fmt: skip


def main(pages_dir, out_dir):
    """Read, take apart, write."""
    pages = tell_apart(read_pages(pages_dir))
    fields = read_fields(pages)
    tables = make_tables(in_columns(pages, fields), fields)

    out_dir.mkdir(parents=True, exist_ok=True)
    database = out_dir / "ieval.duckdb"
    database.unlink(missing_ok=True)
    with duckdb.connect(str(database)) as connection:
        for name, table in tables.items():
            file = out_dir / f"{name}.parquet"
            table.write_parquet(file)
            connection.execute(f"CREATE TABLE {name} AS SELECT * FROM read_parquet('{file}')")
            connection.execute(f"ALTER TABLE {name} ADD PRIMARY KEY ({PRIMARY_KEYS[name]})")
    print(f"{len(pages)} pages")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
