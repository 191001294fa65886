-- The fields of a page lie one behind the other inside the page, and each value inside its field.
-- severity: error, blocking
-- page by page
with fields as (
    select
        fields.page_id,
        fields.line_number,
        fields.line_count,
        fields.value_line_number,
        fields.path,
        fields.line_number + fields.line_count as next_free_line,
        lead(fields.line_number) over (partition by fields.page_id order by fields.line_number)
            as next_field_line
    from raw.page_fields as fields
)

select
    fields.page_id,
    fields.line_number,
    fields.line_count,
    fields.value_line_number,
    fields.path,
    fields.next_field_line,
    pages.line_count as page_line_count
from fields
inner join raw.pages as pages on pages.page_id = fields.page_id
where
    fields.line_number < 1
    or fields.line_count < 1
    or fields.next_free_line > fields.next_field_line
    or fields.next_free_line > pages.line_count + 1
    or fields.value_line_number < fields.line_number
    or fields.value_line_number >= fields.next_free_line
