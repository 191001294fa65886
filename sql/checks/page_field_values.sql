-- Every line of every value is what stands on its line of the page, without the mark of the layout.
-- severity: error, blocking
-- page by page
with page_lines as (
    select
        pages.page_id,
        unnest(string_split(
            -- Values carry neither the carriage returns of a page nor its byte order mark.
            replace(regexp_replace(pages.page_text, '^\x{FEFF}', ''), chr(13) || chr(10), chr(10)), chr(10)
        )) as line,
        unnest(range(1, pages.line_count + 2)) as line_number
    from raw.pages as pages
    where pages.status = 'record'
),

value_lines as (
    select
        fields.page_id,
        fields.path,
        unnest(string_split(fields.value, chr(10))) as line,
        unnest(range(fields.value_line_number, fields.line_number + fields.line_count)) as line_number
    from raw.page_fields as fields
    where fields.value is not null
)

select
    value_lines.page_id,
    value_lines.line_number,
    value_lines.path,
    value_lines.line as stored_line,
    page_lines.line as printed_line
from value_lines
left join page_lines
    on page_lines.page_id = value_lines.page_id and page_lines.line_number = value_lines.line_number
where
    page_lines.line is distinct from value_lines.line
    and page_lines.line is distinct from '- ' || value_lines.line
