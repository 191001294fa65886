-- The stored number of lines of a page is that of its text.
-- Counted anew: lines end at LF alone, and a last line end begins no further line. A page of nothing but a
-- byte order mark has no line.
-- severity: error, blocking
-- page by page
with counted as (
    select
        pages.page_id,
        pages.source_uri,
        pages.line_count,
        case
            when pages.page_text in ('', chr(65279)) then 0
            else
                strlen(pages.page_text) - strlen(replace(pages.page_text, chr(10), ''))
                + cast(not ends_with(pages.page_text, chr(10)) as bigint)
        end as lines_of_text
    from raw.pages as pages
)

select
    counted.page_id,
    counted.source_uri,
    counted.line_count,
    counted.lines_of_text
from counted
where counted.line_count <> counted.lines_of_text
