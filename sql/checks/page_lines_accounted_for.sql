-- Every line of a record page is in a field or is chrome: no line is lost and none counts twice.
-- severity: error, blocking
with fields as (
    select fields.page_id, sum(fields.line_count) as line_count
    from raw.page_fields as fields
    group by fields.page_id
)

select
    pages.page_id,
    pages.source_uri,
    pages.line_count,
    coalesce(fields.line_count, 0) as field_line_count,
    pages.chrome_line_count
from raw.pages as pages
left join fields on fields.page_id = pages.page_id
where
    pages.status = 'record'
    and pages.line_count <> coalesce(fields.line_count, 0) + pages.chrome_line_count
